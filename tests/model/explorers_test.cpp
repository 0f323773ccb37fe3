// The explorers: what each covers, that a found schedule comes again, and what progress means.
#include "blocks.hpp"

#include <new>
#include <string>

#include <frys/queue/spsc_ring.hpp>

namespace {

using namespace blocks;

template <class Atomics>
class spin_lock {
 public:
  void take() {
    while (held_.exchange(1, std::memory_order_acquire) != 0) Atomics::pause();
  }
  void give() { held_.store(0, std::memory_order_release); }

 private:
  typename Atomics::template atomic<int> held_{0};
};

// Two threads count under a lock.
struct counted {
  template <class World>
  void operator()(World world) const {
    using atomics = typename World::atomics;
    spin_lock<atomics> lock;
    int n = 0;
    world.threads(
        [&] {
          lock.take();
          ++n;
          lock.give();
        },
        [&] {
          lock.take();
          ++n;
          lock.give();
        });
    world.require(n == 2, "both are counted");
  }
};

void ring_steps() {
  frys::spsc_ring<int, with_model, frys::policy::capacity<2>> ring;
  model::threads([&] { (void)ring.try_push(1); }, [&] { (void)ring.try_pop(); });
}
void locked_steps() { counted()(model::world{}); }

// Wrong only when the second thread runs between the two stores of the first.
void torn() {
  A::atomic<int> a{0}, b{0};
  model::threads(
      [&] {
        a.store(1, std::memory_order_seq_cst);
        b.store(1, std::memory_order_seq_cst);
      },
      [&] {
        const int seen_b = b.load(std::memory_order_seq_cst);
        const int seen_a = a.load(std::memory_order_seq_cst);
        model::require(seen_a == seen_b, "both or none");
      });
}

template <class How>
void finds_torn(const How& how) {
  const model::report r = model::check(how, torn);
  INFO(r.text());
  REQUIRE(r.what == model::fault::requirement);
  CHECK(r.failure == "both or none");
  const std::string schedule = r.schedule();
  const model::report again = model::check(model::replay{.schedule = schedule}, torn);
  CHECK(again.what == model::fault::requirement);
  CHECK(again.schedule() == schedule);
  CHECK(again.json().find("\"fault\":\"requirement\"") != std::string::npos);
  CHECK(r.text().find("thread 2") != std::string::npos);
}

}  // namespace

TEST_CASE("explorers: each finds a torn pair, and its schedule finds it again") {
  SUBCASE("exhaustive") { finds_torn(model::exhaustive{}); }
  SUBCASE("bounded") { finds_torn(model::bounded{.preemptions = 1}); }
  SUBCASE("pct") { finds_torn(model::pct{.depth = 2}); }
  SUBCASE("random") { finds_torn(model::random{}); }
}

TEST_CASE("explorers: what has covered all says so, dice never do") {
  CHECK(model::check(model::exhaustive{}, locked_steps).complete);
  CHECK(model::check(model::bounded{.preemptions = 1}, locked_steps).complete);
  CHECK_FALSE(model::check(model::exhaustive{.most_executions = 1}, locked_steps).complete);
  CHECK_FALSE(model::check(model::random{.executions = 50}, locked_steps).complete);
  CHECK_FALSE(model::check(model::pct{.executions = 50}, locked_steps).complete);
}

TEST_CASE("explorers: a text that is no schedule runs the plainest execution") {
  CHECK(model::check(model::replay{.schedule = "nonsense"}, locked_steps).passed());
  CHECK(model::check(model::replay{.schedule = "t9 r77 t1x99999"}, locked_steps).passed());
}

TEST_CASE("progress: others finish beside a thread that was stopped in a ring, not in a lock") {
  const model::report free = model::check(model::lock_freedom{.executions = 2000}, ring_steps);
  INFO(free.text());
  CHECK(free.passed());
  const model::report held = model::check(model::lock_freedom{.executions = 2000}, locked_steps);
  CHECK(held.what == model::fault::no_progress);
}

TEST_CASE("progress: the steps of a thread are bounded where that is asked for") {
  CHECK(model::check(model::exhaustive{.most_thread_steps = 8}, ring_steps).passed());
  const model::report r = model::check(model::exhaustive{.most_thread_steps = 1}, ring_steps);
  CHECK(r.what == model::fault::no_progress);
}

TEST_CASE("explorers: the same body runs on real threads") {
  CHECK(model::check(model::exhaustive{}, counted{}).passed());
  CHECK(model::check(model::stress{.rounds = 200}, counted{}).passed());
  const auto wrong = [](auto world) {
    world.threads([] {}, [] {});
    world.require(false, "always");
  };
  const model::report r = model::check(model::stress{.rounds = 5}, wrong);
  CHECK(r.what == model::fault::requirement);
  CHECK(r.failure == "always");
  CHECK(r.executions == 1);
}

TEST_CASE("explorers: a loop that nobody ends is a deadlock, one that goes on for ever has no end") {
  const auto waits = [] {
    A::atomic<int> never{0};
    model::threads([&] {
      while (never.load(std::memory_order_acquire) == 0) A::pause();
    });
  };
  CHECK(model::check(model::exhaustive{}, waits).what == model::fault::deadlock);
  CHECK(model::check(model::random{}, waits).what == model::fault::deadlock);
  const auto runs = [] {
    A::atomic<int> n{0};
    model::threads([&] {
      while (n.fetch_add(1, std::memory_order_relaxed) != -1) A::pause();
    });
  };
  CHECK(model::check(model::random{.executions = 1, .most_steps = 500}, runs).what == model::fault::no_end);
}

TEST_CASE("explorers: two that spin on a lock that nobody gives back are a deadlock, however they take turns") {
  const auto both = [] {
    spin_lock<A> lock;
    lock.take();
    const auto take = [&] { lock.take(); };
    model::threads(take, take);
  };
  CHECK(model::check(model::exhaustive{}, both).what == model::fault::deadlock);
  CHECK(model::check(model::bounded{.preemptions = 1}, both).what == model::fault::deadlock);
  CHECK(model::check(model::random{.executions = 10}, both).what == model::fault::deadlock);
}

TEST_CASE("explorers: three that share a lock are all orders of them, and no more") {
  const model::report r = model::check(model::exhaustive{}, [] {
    spin_lock<A> lock;
    int n = 0;
    const auto once = [&] {
      lock.take();
      ++n;
      lock.give();
    };
    model::threads(once, once, once);
    model::require(n == 3, "all are counted");
  });
  CHECK(r.passed());
  CHECK(r.complete);
  CHECK(r.executions == 6);
}

TEST_CASE("explorers: a pause that has looked at nothing waits for nothing") {
  const auto idle = [] { model::threads([] { A::pause(); }, [] { A::pause(); }); };
  CHECK(model::check(model::exhaustive{}, idle).passed());
  CHECK(model::check(model::random{.executions = 10}, idle).passed());
}

TEST_CASE("explorers: memory with many checked objects is given back at once") {
  const model::report r = model::check(model::random{.executions = 2}, [] {
    constexpr std::size_t many = 1024;
    auto* elements = static_cast<element*>(A::alloc(many * sizeof(element)));
    for (std::size_t i = 0; i < many; ++i) new (elements + i) element(1);
    A::free(elements);  // their ends come with it
  });
  CHECK(r.passed());
}

TEST_CASE("explorers: choose tries every answer") {
  int seen[3] = {};
  const model::report r = model::check(model::exhaustive{}, [&seen] { ++seen[model::choose(3)]; });
  CHECK(r.passed());
  CHECK(r.executions == 3);
  for (const int n : seen) CHECK(n == 1);
}
