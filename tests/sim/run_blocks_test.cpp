// The blocks that wait, each in small programs of many threads, under many schedules: nothing is lost, nobody sleeps
// for ever, and shutdown ends.
#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <frys/core/eventcount.hpp>
#include <frys/core/parker.hpp>
#include <frys/memory/epoch_domain.hpp>
#include <frys/memory/hazard_domain.hpp>
#include <frys/memory/shared_object_pool.hpp>
#include <frys/queue/awaiting.hpp>
#include <frys/queue/blocking.hpp>
#include <frys/queue/intrusive_mpsc_queue.hpp>
#include <frys/queue/mpmc_ring.hpp>
#include <frys/queue/relaxed_priority_queue.hpp>
#include <frys/queue/segment_queue.hpp>
#include <frys/queue/sharded_map.hpp>
#include <frys/queue/spsc_ring.hpp>
#include <frys/queue/stealing_deque.hpp>
#include <frys/sched/task.hpp>
#include <frys/sim/run.hpp>

namespace {

namespace sim = frys::sim;
using in_run = frys::policy::world<sim::run_world>;
template <class W>
using waits_by = frys::policy::wait<W>;

// So many seeds for each body; a body is some hundred to some thousand steps.
constexpr std::uint64_t block_seeds = 1000;

template <class Body>
void holds_in_runs(Body&& body, std::uint64_t count = block_seeds) {
  sim::run_options o;
  o.most_steps = 1'000'000;
  const auto r = sim::explore_seeds(1, count, body, o);
  CHECK_MESSAGE(r.ok(), r.text());
  CHECK(r.runs == count);
}

frys::deadline in_ms(std::int64_t n) { return frys::deadline::after<sim::clock>(frys::nanoseconds{n * 1'000'000}); }

template <class W>
void permits() {
  frys::parker<in_run, waits_by<W>> p;
  sim::atomics::atomic<std::uint32_t> tasks{0};
  const auto give = [&] {
    for (int i = 0; i < 5; ++i) {
      tasks.fetch_add(1);
      p.unpark();
    }
  };
  sim::thread a("a", give), b("b", give);
  while (tasks.load() != 10) p.park();
  a.join(), b.join();
  // A deadline without an unpark; a permit may be left.
  if (p.park_until(in_ms(3))) sim::require(!p.park_until(in_ms(3)), "one permit at most is left");
}

template <class W>
void conditions() {
  frys::eventcount<in_run, waits_by<W>> changed;
  sim::atomics::atomic<int> tokens{0};
  sim::atomics::atomic<int> taken{0};
  const auto take = [&] {
    for (int i = 0; i < 4; ++i) {
      changed.await([&] {
        int n = tokens.load();
        while (n != 0)
          if (tokens.compare_exchange_weak(n, n - 1)) return true;
        return false;
      });
      taken.fetch_add(1);
    }
  };
  sim::thread a("a", take), b("b", take), c("c", take);
  for (int i = 0; i < 12; ++i) {
    tokens.fetch_add(1);
    if (i % 3 == 0)
      changed.notify_all();
    else
      changed.notify_one();
  }
  a.join(), b.join(), c.join();
  sim::require(taken.load() == 12 && tokens.load() == 0, "each token is taken once");
  sim::require(!changed.await_until([&] { return false; }, in_ms(5)), "a deadline ends it");
}

// Producers, consumers, close in the middle: what was accepted comes out once, and all end.
template <class Queue, int Producers, int Consumers>
void pipe() {
  frys::blocking<Queue, in_run> q;
  std::uint64_t accepted = 0, popped = 0, sum_in = 0, sum_out = 0;
  {
    std::vector<sim::thread> threads;
    for (int p = 0; p < Producers; ++p)
      threads.emplace_back("producer", [&, p] {
        for (int i = 0; i < 6; ++i) {
          const int value = p * 100 + i;
          if (i == 3) sim::sleep_for(frys::nanoseconds{sim::choose(1000)});
          if (!q.push(int{value})) return;
          ++accepted;
          sum_in += static_cast<std::uint64_t>(value);
        }
      });
    for (int c = 0; c < Consumers; ++c)
      threads.emplace_back("consumer", [&] {
        for (;;) {
          auto v = q.pop();
          if (!v) return;
          ++popped;
          sum_out += static_cast<std::uint64_t>(*v);
          if (sim::choose(8) == 0) sim::sleep_for(frys::nanoseconds{50});
        }
      });
    if (Producers > 1) {
      if (sim::choose(2) == 0) sim::sleep_for(std::chrono::milliseconds(1));
    } else {
      threads[0].join();  // of one that has one producer, nobody else may close it
    }
    q.close();
  }
  sim::require(accepted == popped && sum_in == sum_out, "what was accepted comes out, once");
}

// An executor on a thread of its own, which sleeps when it has nothing to do.
class run_loop {
 public:
  explicit run_loop(const char* name) : thread_(name, [this] { work(); }) {}
  ~run_loop() {
    stop_.store(true);
    changed_.notify_one();
    thread_.join();
  }
  void post(frys::work& w) noexcept {
    posted_.push(w);
    changed_.notify_one();
  }

 private:
  void work() {
    for (;;) {
      if (frys::work* w = posted_.pop())
        w->run(*w);
      else if (stop_.load() && posted_.empty())
        return;
      else
        changed_.await([this] { return !posted_.empty() || stop_.load(); });
    }
  }
  frys::intrusive_mpsc_queue<frys::work, in_run> posted_;
  frys::eventcount<in_run> changed_;
  sim::atomics::atomic<bool> stop_{false};
  sim::thread thread_;
};

using awaited_queue = frys::awaiting<frys::mpmc_ring<int, frys::policy::capacity<2>, in_run>, in_run>;

frys::task<> gives_in_run(run_loop& on, awaited_queue& q, int first, int count, sim::atomics::atomic<int>& accepted,
                          sim::atomics::atomic<int>& ended) {
  for (int i = 0; i < count; ++i)
    if (co_await q.push(on, first + i)) accepted.fetch_add(first + i);
  ended.fetch_add(1);
}
frys::task<> takes_in_run(run_loop& on, awaited_queue& q, sim::atomics::atomic<int>& got,
                          sim::atomics::atomic<int>& ended) {
  for (;;) {
    auto v = co_await q.pop(on);
    if (!v) break;
    got.fetch_add(*v);
  }
  ended.fetch_add(1);
}
struct spawner : frys::work {
  frys::task<> body;
  explicit spawner(frys::task<> b) : body(std::move(b)) {
    run = [](frys::work& w) noexcept { frys::spawn(std::move(static_cast<spawner&>(w).body)); };
  }
};

void coroutines_meet() {
  awaited_queue q;
  sim::atomics::atomic<int> accepted{0}, got{0}, ended{0};
  run_loop left("left"), right("right");
  spawner s0(gives_in_run(left, q, 1, 5, accepted, ended)), s1(gives_in_run(right, q, 100, 5, accepted, ended));
  spawner s2(takes_in_run(left, q, got, ended)), s3(takes_in_run(right, q, got, ended));
  left.post(s0), right.post(s1), left.post(s2), right.post(s3);
  while (ended.load() != 2) sim::sleep_for(std::chrono::milliseconds(1));
  sim::require(accepted.load() == 15 + 510, "all are accepted while it is open");
  q.close();
  while (ended.load() != 4) sim::sleep_for(std::chrono::milliseconds(1));
  sim::require(got.load() == accepted.load(), "what was accepted comes out");
}

using run_domain =
    frys::epoch_domain<frys::policy::capacity<8>, frys::policy::batch<2>, frys::policy::garbage<64>, in_run>;

struct live_object {
  std::uint32_t mark = 0x11febe11;
  explicit live_object(int n) : number(n) {}
  ~live_object() { mark = 0xdead; }
  int number;
};

template <class Domain>
void reclaim() {
  Domain domain;
  sim::atomics::atomic<live_object*> shared{new live_object(0)};
  {
    std::vector<sim::thread> threads;
    for (int t = 0; t < 2; ++t)
      threads.emplace_back("reader", [&] {
        auto seat = *domain.join();
        int before = 0;
        for (int i = 0; i < 6; ++i) {
          const auto held = seat.protect(shared);
          sim::require(held.get()->mark == 0x11febe11, "what is protected lives");
          sim::require(held.get()->number >= before, "and never gets older");
          before = held.get()->number;
        }
      });
    threads.emplace_back("writer", [&] {
      auto seat = *domain.join();
      for (int i = 1; i < 12; ++i) {
        live_object* old = shared.exchange(new live_object(i));
        sim::require(seat.retire(old), "there is room");
        if (i % 4 == 0) seat.quiesce();
      }
    });
  }
  delete shared.load();
}

void map_of_many() {
  using map = frys::sharded_map<int, int, frys::policy::reclaimer<run_domain>, frys::policy::shards<2>>;
  run_domain domain;
  map m;
  constexpr int keys = 12;
  {
    std::vector<sim::thread> threads;
    // Each has keys of its own, all read all.
    for (int t = 0; t < 3; ++t)
      threads.emplace_back("user", [&, t] {
        auto seat = *domain.join();
        std::map<int, int> mine;
        for (int i = 0; i < 20; ++i) {
          const int key = 3 * static_cast<int>(sim::choose(keys)) + t;
          switch (sim::choose(3)) {
            case 0:
              sim::require(m.insert(seat, key, i).has_value(), "room");
              mine.emplace(key, i);
              break;
            case 1: {
              const auto gone = m.erase(seat, key);
              sim::require(gone.has_value() && *gone == (mine.erase(key) == 1), "it is there if it was put there");
              break;
            }
            default: {
              const auto found = m.get(seat, key);
              const auto it = mine.find(key);
              sim::require(found.has_value() == (it != mine.end()), "it is found if it is there");
              sim::require(!found || *found == it->second, "with its value");
            }
          }
          (void)m.contains(seat, static_cast<int>(sim::choose(3 * keys)));
        }
      });
  }
}

// Thieves and an owner.
void stolen() {
  frys::stealing_deque<int, in_run> d;
  int owner_got[16] = {}, thieves_got[2][16] = {};
  {
    sim::atomics::atomic<bool> done{false};
    const auto steal = [&](int who) {
      auto from = d.thief();
      while (!done.load())
        if (auto v = from.try_steal()) ++thieves_got[who][*v];
    };
    sim::thread a("thief a", [&] { steal(0); }), b("thief b", [&] { steal(1); });
    auto mine = d.owner();
    for (int i = 0; i < 16; ++i) {
      (void)mine.try_push(int{i});
      if (i % 3 == 2)
        if (auto v = mine.try_pop()) ++owner_got[*v];
    }
    while (auto v = mine.try_pop()) ++owner_got[*v];
    done.store(true);
  }
  for (int i = 0; i < 16; ++i)
    sim::require(owner_got[i] + thieves_got[0][i] + thieves_got[1][i] == 1, "each comes once");
}

}  // namespace

TEST_CASE("parker in runs: no permit is lost, however it waits") {
  holds_in_runs(&permits<frys::wait::spin_then_park>, 150);
  holds_in_runs(&permits<frys::wait::park>);
  holds_in_runs(&permits<frys::wait::yield>, 150);
  holds_in_runs(&permits<frys::wait::spin>, 150);
}
TEST_CASE("eventcount in runs: who waits for a condition sees it") {
  holds_in_runs(&conditions<frys::wait::park>);
  holds_in_runs(&conditions<sim::run_world::wait>);
  holds_in_runs(&conditions<frys::wait::yield>, 100);
}
TEST_CASE("blocking in runs: what was accepted comes out once, and close ends all") {
  holds_in_runs(&pipe<frys::mpmc_ring<int, frys::policy::capacity<2>, in_run>, 2, 2>);
  holds_in_runs(&pipe<frys::mpmc_ring<int, frys::policy::capacity<4>, in_run>, 3, 1>);
  holds_in_runs(&pipe<frys::spsc_ring<int, frys::policy::capacity<2>, in_run>, 1, 1>);
  holds_in_runs(&pipe<frys::segment_queue<int, in_run>, 2, 3>);
}
TEST_CASE("awaiting and intrusive_mpsc_queue in runs: coroutines on two loops meet in a queue") {
  holds_in_runs(&coroutines_meet, 250);
}
TEST_CASE("epoch_domain and hazard_domain in runs: what is protected lives") {
  holds_in_runs(&reclaim<run_domain>);
  holds_in_runs(&reclaim<frys::hazard_domain<frys::policy::capacity<8>, in_run>>);
}
TEST_CASE("sharded_map in runs: each thread finds what it has put there") { holds_in_runs(&map_of_many, 250); }
TEST_CASE("stealing_deque in runs: each element comes once") { holds_in_runs(&stolen); }
