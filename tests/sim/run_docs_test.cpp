// What docs/sim.md shows of sim::run.
#include <doctest/doctest.h>

#include <frys/core/eventcount.hpp>
#include <frys/queue/blocking.hpp>
#include <frys/queue/mpmc_ring.hpp>
#include <frys/sim/run.hpp>

#include <cstdint>
#include <string>

namespace {

// [region server]
// A program: it takes its world as a parameter. Here two workers serve what clients ask, and stop when they are told.
template <class World>
class server {
 public:
  using world = frys::policy::world<World>;

  explicit server(int workers) {
    for (int i = 0; i < workers; ++i) {
      frys::thread_options named;
      named.name = "worker";
      threads_[i] = *World::threads::start(named, &server::work, this);  // a real program looks whether it started
    }
  }
  bool ask(int question) { return bool(questions_.push(std::move(question))); }
  void stop() { questions_.close(); }
  ~server() { stop(); }  // and threads_ joins
  std::uint64_t answered() const { return answered_.load(); }

 private:
  static void work(void* self) noexcept {
    auto& s = *static_cast<server*>(self);
    while (s.questions_.pop()) s.answered_.fetch_add(1);
  }

  frys::blocking<frys::mpmc_ring<int, world>, world> questions_{};
  typename World::atomics::template atomic<std::uint64_t> answered_{0};
  typename World::threads::thread threads_[2];
};
// [endregion server]

// [region forgetful]
// Looks, and then sleeps: what comes in between wakes nobody.
struct forgetful_bell {
  frys::sim::atomics::atomic<std::uint32_t> rung{0};
  void wait() {
    if (rung.load() == 0) frys::sim::atomics::wait(rung, rung.load(), frys::deadline::never());
  }
  void ring() {
    rung.store(1);
    frys::sim::atomics::notify_one(rung);
  }
};
// [endregion forgetful]

}  // namespace

// [region every_seed]
TEST_CASE("server: answers all that was asked, and stops, under a thousand schedules") {
  const auto found = frys::sim::explore_seeds(0, 1000, [] {
    std::uint64_t asked = 0;
    {
      server<frys::sim::run_world> s(2);
      frys::sim::thread client("client", [&] {
        for (int i = 0; i < 5; ++i) asked += s.ask(i) ? 1u : 0u;
      });
      frys::sim::sleep_for(std::chrono::seconds(1));  // of the run's clock: as long as the others need
      frys::sim::require(s.answered() == asked && asked == 5, "each question has its answer");
    }
  });
  CHECK_MESSAGE(found.ok(), found.text());
}
// [endregion every_seed]

TEST_CASE("docs: the forgetful bell is found, and how that reads") {
  // [region explore]
  const auto found = frys::sim::explore_seeds(0, 1000, [] {
    forgetful_bell bell;
    frys::sim::thread sleeper("sleeper", [&] { bell.wait(); });
    bell.ring();
  });
  std::string text = found.failure.text();  // a deadlock; print it, or give it to CHECK_MESSAGE
  // [endregion explore]
  MESSAGE(text);
  CHECK(found.failure.what == frys::sim::verdict::deadlock);
}
