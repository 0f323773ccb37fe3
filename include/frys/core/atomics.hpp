// atomics: the memory that threads share, as a policy.
//
// A model  is a type A with A::atomic<T>, A::var<T>, A::fence, A::pause, A::wait and A::notify_*; blocks name no
//          std::atomic, so that the same text runs on the machine, under ThreadSanitizer and in a model checker.
// real     std::atomic and the machine's own fence and pause: the same instructions as hand-written code.
//          Besides, each has A::now, A::alloc, A::free and A::choose, for code that shall be checked with them.
// tsan     real, but a fence is a read-modify-write, which ThreadSanitizer can see (it cannot see fences).
// frys: real model
#ifndef FRYS_CORE_ATOMICS_HPP
#define FRYS_CORE_ATOMICS_HPP

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "../config.hpp"
#include "deadline.hpp"

#if FRYS_OS_LINUX
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace frys::inline FRYS_ABI {

namespace atomics {

// Data that one thread at a time uses, handed on by some atomic's release and acquire. Real: just a T. A model
// checker's form reports a race. `get` reads, `ref` is for writing.
template <class T>
class plain_var {
 public:
  plain_var() = default;
  template <class U>
  requires std::constructible_from<T, U>
  explicit plain_var(U&& value) : value_(std::forward<U>(value)) {}
  const T& get() const noexcept { return value_; }
  T& ref() noexcept { return value_; }

 private:
  T value_{};
};

// What a structure may ask its model for besides atomics, so that the checker can answer it; here from the machine.
struct machine_services {
  // Nanoseconds of a clock that never goes back. (The checker's are its steps.)
  static std::uint64_t now() noexcept {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
            .count());
  }
  // Memory for free(); nullptr when there is none. `alignment`: a power of two.
  static void* alloc(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t)) noexcept {
    // The block's own address lies before what is handed out: aligned_alloc is not everywhere, and free takes no
    // alignment.
    const std::size_t more = (alignment < alignof(void*) ? alignof(void*) : alignment) + sizeof(void*);
    if (bytes > SIZE_MAX - more) return nullptr;
    void* block = std::malloc(bytes + more);
    if (block == nullptr) return nullptr;
    const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(block) + sizeof(void*);
    const std::uintptr_t at = (begin + (more - sizeof(void*)) - 1) & ~std::uintptr_t{more - sizeof(void*) - 1};
    reinterpret_cast<void**>(at)[-1] = block;
    return reinterpret_cast<void*>(at);
  }
  static void free(void* memory) noexcept {
    if (memory != nullptr) std::free(static_cast<void**>(memory)[-1]);
  }
  // One of 0 .. count - 1, by dice of the calling thread; 0 if count is 0. (The checker tries each.)
  static std::uint32_t choose(std::uint32_t count) noexcept {
    static thread_local std::uint64_t state = 0;
    if (state == 0) state = reinterpret_cast<std::uintptr_t>(&state) | 1;  // another one for each thread
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<std::uint32_t>(((state >> 32) * count) >> 32);
  }
};

struct real : machine_services {
  template <class T>
  using atomic = std::atomic<T>;
  template <class T>
  using atomic_ref = std::atomic_ref<T>;
  template <class T>
  using var = plain_var<T>;

  static void fence(std::memory_order order) noexcept { std::atomic_thread_fence(order); }

  // Tells the core that this is a spin loop.
  static void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("isb" ::: "memory");
#endif
  }

  // Spends the time of so many pauses, after a race that was lost. A model need not have it.
  static void rest(unsigned pauses) noexcept {
    for (unsigned i = 0; i < pauses; ++i) pause();
  }

  // Sleeps while `word` holds `old`, until somebody notifies it, the deadline passes, or for no reason at all. False
  // only when the deadline has passed.
  static bool wait(const std::atomic<std::uint32_t>& word, std::uint32_t old, deadline until) noexcept {
#if FRYS_OS_LINUX
    if (until.is_never()) {
      ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, old, nullptr, nullptr, 0);
      return true;
    }
    // FUTEX_WAIT_BITSET takes an absolute CLOCK_MONOTONIC time, so an interrupted wait does not grow. A time before the
    // epoch (deadline::now()) would be EINVAL, which looks like a wake-up: it becomes 0, which has passed as well.
    const std::int64_t at_ns = until.at.count() < 0 ? 0 : until.at.count();
    ::timespec at{};
    at.tv_sec = static_cast<decltype(at.tv_sec)>(at_ns / 1'000'000'000);
    at.tv_nsec = static_cast<decltype(at.tv_nsec)>(at_ns % 1'000'000'000);
    const long rc = ::syscall(timed_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, old, &at, nullptr, FUTEX_BITSET_MATCH_ANY);
    return !(rc == -1 && errno == ETIMEDOUT);
#else
    if (until.is_never()) {
      word.wait(old, std::memory_order_relaxed);  // relaxed: the caller re-reads what it waits for
      return true;
    }
    // No timed wait in the standard: yield by short sleeps of the library's own making.
    return detail_poll(word, old, until);
#endif
  }
  static void notify_one(std::atomic<std::uint32_t>& word) noexcept {
#if FRYS_OS_LINUX
    ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
#else
    word.notify_one();
#endif
  }
  static void notify_all(std::atomic<std::uint32_t>& word) noexcept {
#if FRYS_OS_LINUX
    ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 0x7fffffff, nullptr, nullptr, 0);
#else
    word.notify_all();
#endif
  }

 private:
#if FRYS_OS_LINUX
#if defined(SYS_futex_time64)
  // A 32-bit program may be built with a 64-bit time_t, which only this call takes.
  static constexpr long timed_futex = sizeof(::time_t) > sizeof(long) ? SYS_futex_time64 : SYS_futex;
#else
  static constexpr long timed_futex = SYS_futex;
#endif
#else
  static bool detail_poll(const std::atomic<std::uint32_t>& word, std::uint32_t old, deadline until) noexcept {
    while (word.load(std::memory_order_relaxed) == old) {  // relaxed: only a hint, the caller re-reads
      if (std::chrono::steady_clock::now().time_since_epoch() >= until.at) return false;
      for (int i = 0; i < 64; ++i) pause();
    }
    return true;
  }
#endif
};

namespace detail {
inline constinit std::atomic<std::uint32_t> visible_fence{0};
}

struct tsan : real {
  // A read-modify-write on one common word orders as a seq_cst fence does, and ThreadSanitizer follows it.
  static void fence(std::memory_order) noexcept { detail::visible_fence.fetch_add(1, std::memory_order_seq_cst); }
};

// What blocks use unless told otherwise: `real`, or `tsan` in a translation unit built with -fsanitize=thread.
#if FRYS_TSAN
using standard = tsan;
#else
using standard = real;
#endif

}  // namespace atomics

// A model for policy::atomics.
template <class A>
concept atomics_model = requires(typename A::template atomic<std::uint32_t>& word, std::uint32_t old, deadline d) {
  { word.load(std::memory_order_acquire) } -> std::same_as<std::uint32_t>;
  word.store(old, std::memory_order_release);
  { word.fetch_add(old, std::memory_order_acq_rel) } -> std::same_as<std::uint32_t>;
  {
    word.compare_exchange_strong(old, old, std::memory_order_acq_rel, std::memory_order_acquire)
    } -> std::same_as<bool>;
  typename A::template var<int>;
  A::fence(std::memory_order_seq_cst);
  A::pause();
  { A::wait(word, old, d) } -> std::same_as<bool>;
  A::notify_one(word);
  A::notify_all(word);
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_ATOMICS_HPP
