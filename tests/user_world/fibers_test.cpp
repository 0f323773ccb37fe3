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

std::atomic<long> fiber_jumps{0}, pool_starts{0}, pool_blocks{0}, pool_allocations{0};

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

// Threads of the standard library.
struct plain_threads {
  class thread {
   public:
    thread() = default;
    explicit thread(std::thread t) noexcept : it_(std::move(t)) {}
    thread(thread&&) = default;
    thread& operator=(thread&&) = default;
    ~thread() {
      if (it_.joinable()) it_.join();
    }
    [[nodiscard]] bool joinable() const noexcept { return it_.joinable(); }
    void join() { it_.join(); }

   private:
    std::thread it_;
  };
  static frys::result<thread> start(const frys::thread_options&, void (*run)(void*) noexcept, void* argument) noexcept {
    ++pool_starts;
    return thread(std::thread(run, argument));
  }
  template <class Tag>
  static void*& local() noexcept {
    static thread_local void* mine = nullptr;
    return mine;
  }
};

struct plain_allocator {
  static frys::result<void*> allocate(std::size_t size, std::size_t alignment) noexcept {
    void* memory = ::operator new (size, std::align_val_t{alignment}, std::nothrow);
    if (memory == nullptr) return frys::error{frys::errc::out_of_memory, frys::domain::user, "no more blocks", 0};
    ++pool_allocations, ++pool_blocks;
    return memory;
  }
  static void deallocate(void* memory, std::size_t, std::size_t alignment) noexcept {
    --pool_blocks;
    ::operator delete (memory, std::align_val_t{alignment});
  }
};

namespace own = frys::policy;
using own_fibers = frys::fiber_scheduler<own::world<user::world>, own::threads<plain_threads>,
                                         own::stack_switch<counted_switch>, own::guard_pages<false>>;
using own_pool =
    frys::blocking_pool<own::world<user::world>, own::threads<plain_threads>, own::allocator<plain_allocator>>;

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
  const long waits = user::uses::wait, looks = user::uses::clock, atomics = user::uses::atomics;
  std::atomic<int> ran{0};
  {
    auto pool = own_pool::create({.most_threads = 3});
    REQUIRE(pool);
    for (int i = 0; i < 20; ++i) REQUIRE((*pool)->submit([&ran] { ++ran; }));
    CHECK((*pool)->drain());
  }
  CHECK(ran == 20);
  CHECK(pool_starts >= 1);
  CHECK(pool_allocations == 20);
  CHECK(pool_blocks == 0);
  CHECK(user::uses::wait > waits);
  CHECK(user::uses::clock > looks);
  CHECK(user::uses::atomics > atomics);
}

}  // namespace
#endif
