// Fibers, their stacks and a pool for blocking work, all of whose slots are a user's own: switch, threads, pages, wait,
// clock, allocator, atomics. Nothing that is private to frys is named.
#include <frys/sched/blocking_pool.hpp>
#include <frys/sched/fiber.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <new>
#include <string>
#include <thread>
#include <utility>

#include "models.hpp"

#if FRYS_HAS_CONTEXT && FRYS_HAS_THREAD && FRYS_HAS_UCONTEXT_SWITCH
#include <ucontext.h>

namespace {

std::atomic<long> fiber_jumps{0};

// A switch by the system's calls.
class counted_switch {
 public:
  using flow = counted_switch* (*)(void* argument, void* pass);

  void make(std::byte* low, std::byte* top, flow run, void* argument) noexcept {
    run_ = run;
    argument_ = argument;
    ::getcontext(&saved_);
    saved_.uc_stack.ss_sp = low;
    saved_.uc_stack.ss_size = static_cast<std::size_t>(top - low);
    saved_.uc_link = nullptr;
    starting = this;
    ::makecontext(&saved_, &begins, 0);
  }
  static void* jump(counted_switch& from, counted_switch& to, void* pass) noexcept {
    ++fiber_jumps;
    to.pass_ = pass;
    starting = &to;
    ::swapcontext(&from.saved_, &to.saved_);
    return from.pass_;
  }

 private:
  static inline counted_switch* starting = nullptr;
  static void begins() {
    counted_switch* const self = starting;
    counted_switch* const next = self->run_(self->argument_, self->pass_);
    ++fiber_jumps;
    next->pass_ = nullptr;
    ::setcontext(&next->saved_);
    std::abort();
  }
  ::ucontext_t saved_{};
  flow run_ = nullptr;
  void* argument_ = nullptr;
  void* pass_ = nullptr;
};

namespace own = frys::policy;
using own_fibers =
    frys::fiber_scheduler<own::world<user::world>, own::stack_switch<counted_switch>, own::guard_pages<false>>;
using own_pool = frys::blocking_pool<own::world<user::world>, own::allocator<user::blocks>>;

TEST_CASE("a user's world: fibers with every slot a user's own") {
  const long held = user::pages::held, waits = user::uses::wait, looks = user::uses::clock,
             atomics = user::uses::atomics;
  std::string order;
  {
    own_fibers fibers;
    std::thread other;
    auto waits_for_it = fibers.spawn(
        [&] {
          frys::fiber_event e = fibers.event();
          other = std::thread([&e] { e.set(); });
          e.wait();
          order += "woken ";
          return 5;
        },
        64 * 1024);
    auto sleeps = fibers.spawn(
        [&] {
          fibers.yield();
          static_cast<void>(fibers.sleep_until(frys::deadline::after<user::clock>(std::chrono::milliseconds(1))));
          return 6;
        },
        64 * 1024);
    REQUIRE(waits_for_it);
    REQUIRE(sleeps);
    CHECK(waits_for_it->join() + sleeps->join() == 11);
    CHECK(user::pages::held > held);
    other.join();
  }
  CHECK(order == "woken ");
  CHECK(fiber_jumps >= 6);
  CHECK(user::pages::held == held);
  CHECK(user::uses::wait > waits);
  CHECK(user::uses::clock > looks);
  CHECK(user::uses::atomics > atomics);
}

TEST_CASE("a user's world: a blocking_pool with every slot a user's own") {
  const long waits = user::uses::wait, looks = user::uses::clock, atomics = user::uses::atomics,
             threads = user::uses::threads, taken = user::blocks::taken, held = user::blocks::held;
  std::atomic<int> ran{0};
  {
    auto pool = own_pool::create({.most_threads = 3});
    REQUIRE(pool);
    for (int i = 0; i < 20; ++i) REQUIRE((*pool)->submit([&ran] { ++ran; }));
    CHECK((*pool)->drain());
  }
  CHECK(ran == 20);
  CHECK(user::uses::threads > threads);
  CHECK(user::blocks::taken == taken + 20);
  CHECK(user::blocks::held == held);
  CHECK(user::uses::wait > waits);
  CHECK(user::uses::clock > looks);
  CHECK(user::uses::atomics > atomics);
}

}  // namespace
#endif
