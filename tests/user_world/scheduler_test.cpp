// A scheduler all of whose slots are a user's own: threads, discipline, promotion, trace, allocator, wait, clock,
// atomics. Nothing that is private to frys is named.
#include <frys/sched/scheduler.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <new>
#include <thread>
#include <utility>

#include "models.hpp"

namespace {

std::atomic<long> own_starts{0}, own_blocks{0}, own_allocations{0}, own_spans{0};

// Threads of the standard library.
struct own_threads {
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
    ++own_starts;
    return thread(std::thread(run, argument));
  }
  template <class Tag>
  static void*& local() noexcept {
    static thread_local void* mine = nullptr;
    return mine;
  }
};

struct own_allocator {
  static frys::result<void*> allocate(std::size_t size, std::size_t alignment) noexcept {
    void* memory = ::operator new (size, std::align_val_t{alignment}, std::nothrow);
    if (memory == nullptr) return frys::error{frys::errc::out_of_memory, frys::domain::user, "no more blocks", 0};
    ++own_allocations, ++own_blocks;
    return memory;
  }
  static void deallocate(void* memory, std::size_t, std::size_t alignment) noexcept {
    --own_blocks;
    ::operator delete (memory, std::align_val_t{alignment});
  }
};

struct own_discipline {
  static constexpr bool steals = true, shares = false;
};
struct own_promotion {
  static constexpr bool each_fork = true;
};
struct own_trace {
  template <class Atomics, class Clock>
  struct recorder {
    void begins() noexcept { ++own_spans; }
    void ends() noexcept { static_cast<void>(Clock::now()); }
    void stole(unsigned) noexcept {}
    void parks() noexcept {}
    void wakes() noexcept {}
  };
};

namespace own_policy = frys::policy;
using own_pool = frys::scheduler<own_policy::world<user::world>, own_policy::threads<own_threads>,
                                 own_policy::allocator<own_allocator>, own_policy::discipline<own_discipline>,
                                 own_policy::promotion<own_promotion>, own_policy::trace<own_trace>>;
// One whose workers sleep, by the user's own atomics.
struct own_sleep {
  static constexpr bool sleeps = true;
  template <class A, class C = user::clock, class Word>
  static bool wait(const Word& word, std::uint32_t old, frys::deadline until) noexcept {
    ++user::uses::wait;
    return A::wait(word, old, until);
  }
};
using own_sleeping_pool = frys::scheduler<own_policy::world<user::world>, own_policy::threads<own_threads>,
                                          own_policy::wait<own_sleep>, own_policy::levels<2>>;

template <class Pool>
int own_fib(int n) {
  if (n < 2) return n;
  const auto both = Pool::join([&] { return own_fib<Pool>(n - 1); }, [&] { return own_fib<Pool>(n - 2); });
  return both.first + both.second;
}

template <class Pool>
void use_scheduler() {
  frys::scheduler_options o;
  o.workers = 2;
  auto made = Pool::create(o);
  REQUIRE(made);
  Pool& pool = **made;
  std::atomic<int> runs{0};
  for (int i = 0; i < 50; ++i)
    REQUIRE(pool.submit([&] {
      ++runs;
      REQUIRE(pool.submit([&] { ++runs; }));
    }));
  CHECK(pool.run([] { return own_fib<Pool>(10); }) == 55);
  CHECK(pool.drain());
  CHECK(runs == 100);
}

}  // namespace

TEST_CASE("user_world: a scheduler takes a user's models in every slot") {
  use_scheduler<frys::scheduler<>>();
  const long atomics = user::uses::atomics, clock = user::uses::clock;
  use_scheduler<own_pool>();
  CHECK(user::uses::atomics > atomics);
  CHECK(user::uses::clock > clock);
  CHECK(own_starts == 2);
  CHECK(own_allocations >= 100);
  CHECK(own_blocks == 0);
  CHECK(own_spans >= 100);
  const long wait = user::uses::wait;
  use_scheduler<own_sleeping_pool>();
  CHECK(own_starts == 4);
  CHECK(user::uses::wait >= wait);
}
