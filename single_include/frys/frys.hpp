// frys 0.1.0, one header: the whole library. Content 581238833e17c997.
// SPDX-License-Identifier: MIT  Copyright (c) 2026 The frys authors
// Generated from include/frys by single_include/amalgamate.py; change the tree, not this file.

// frys: the umbrella. Everything that needs no outside library and no opt-in, and behind gates what does.
//
// Always in it   core, memory, queue, sched, io (epoll, POSIX files), the codecs of net without a library.
// Room gates     #define FRYS_WITH_<ROOM> 1 before the include: SIMD, STORAGE, SEARCH, NET, SIM; FRYS_WITH_ALL turns on
//                every room that is not turned off by name.
// Library gates  FRYS_WITH_HIGHWAY, FRYS_WITH_URING: one by one, never by FRYS_WITH_ALL, because the library must be there.
// A gate         adds names and never changes a type. This file has no include guard, the headers have: a second include
//                after more gates were set adds what is new.
// Use when       convenience counts more than compile time; else include the block's own header.

#if defined(FRYS_WITH_ALL) && FRYS_WITH_ALL
#ifndef FRYS_WITH_SIMD
#define FRYS_WITH_SIMD 1
#endif
#ifndef FRYS_WITH_STORAGE
#define FRYS_WITH_STORAGE 1
#endif
#ifndef FRYS_WITH_SEARCH
#define FRYS_WITH_SEARCH 1
#endif
#ifndef FRYS_WITH_NET
#define FRYS_WITH_NET 1
#endif
#ifndef FRYS_WITH_SIM
#define FRYS_WITH_SIM 1
#endif
#endif

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <charconv>
#include <chrono>
#include <compare>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iterator>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

// ---- frys/config.hpp
// config: the version, the ABI namespace and the few macros of frys.
//
// Macros a user may set, the same for a whole program:
//   FRYS_HARDENED   1: FRYS_ASSERT checks and ends the program; 0 (default): it costs nothing.
// Whatever changes generated code is part of the inline namespace's name, so objects that disagree
// do not share a symbol: a function of one never runs on the data of the other. NDEBUG changes nothing.
#ifndef FRYS_CONFIG_HPP
#define FRYS_CONFIG_HPP

#define FRYS_VERSION_MAJOR 0
#define FRYS_VERSION_MINOR 1
#define FRYS_VERSION_PATCH 0
#define FRYS_VERSION "0.1.0"

#ifndef FRYS_HARDENED
#define FRYS_HARDENED 0
#endif

// 1 where the translation unit is compiled with exceptions. frys itself throws nothing of its own.
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define FRYS_EXCEPTIONS 1
#else
#define FRYS_EXCEPTIONS 0
#endif

#if FRYS_HARDENED && FRYS_EXCEPTIONS
#define FRYS_ABI v0_1_hardened
#elif FRYS_HARDENED
#define FRYS_ABI v0_1_hardened_noexcept
#elif FRYS_EXCEPTIONS
#define FRYS_ABI v0_1
#else
#define FRYS_ABI v0_1_noexcept
#endif

// Operating systems, as far as a header has to know. `unix`-like macros are the compiler's own.
#if defined(__linux__)
#define FRYS_OS_LINUX 1
#else
#define FRYS_OS_LINUX 0
#endif
#if defined(_WIN32)
#define FRYS_OS_WINDOWS 1
#else
#define FRYS_OS_WINDOWS 0
#endif
#define FRYS_OS_POSIX (!FRYS_OS_WINDOWS)

#if defined(__SANITIZE_THREAD__)
#define FRYS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FRYS_TSAN 1
#endif
#endif
#ifndef FRYS_TSAN
#define FRYS_TSAN 0
#endif

// Keeps a cold path out of the caller's code, and a hot one in it.
#if defined(__GNUC__)
#define FRYS_NOINLINE __attribute__((noinline))
#define FRYS_ALWAYS_INLINE inline __attribute__((always_inline))
#else
#define FRYS_NOINLINE __declspec(noinline)
#define FRYS_ALWAYS_INLINE __forceinline
#endif

// assert: FRYS_ASSERT(condition, "what the caller did wrong"), for programming errors only.
//
// Checks when FRYS_HARDENED is 1 and then prints the place and ends the program; otherwise the condition is
// compiled but not evaluated. Runtime failures (full, closed, out of memory) are results, never asserts.
#ifndef FRYS_CORE_ASSERT_HPP
#define FRYS_CORE_ASSERT_HPP
// Included by config.hpp, which defines FRYS_ABI first; include config.hpp instead of this file.

namespace frys::inline FRYS_ABI::detail {

// Prints `file:line: message` to stderr and ends the program. Never returns, allocates nothing.
[[noreturn]] FRYS_NOINLINE inline void assert_failed(const char* file, int line, const char* message) noexcept {
  std::fprintf(stderr, "%s:%d: frys: %s\n", file, line, message);
  std::abort();
}

}  // namespace frys::inline FRYS_ABI::detail

#if FRYS_HARDENED
#define FRYS_ASSERT(condition, message) \
  ((condition) ? static_cast<void>(0) : ::frys::detail::assert_failed(__FILE__, __LINE__, message))
#else
#define FRYS_ASSERT(condition, message) static_cast<void>(sizeof((condition) ? 1 : 0))
#endif

#endif  // FRYS_CORE_ASSERT_HPP

#endif  // FRYS_CONFIG_HPP
// ---- frys/policy.hpp
// policy: named policies, in any order, each at most once.
//
// Use       block<policy::capacity<64>, policy::world<sim::world>>: an explicit slot wins over the world's, the world's
//           over the block's default.
// A policy  is a type with a member type `key`. A block names the keys it takes, refuses the rest in one sentence
//           (keys<...>::known, keys<...>::unique), and picks each slot (pick). All of it happens at compile time; no
//           policy leaves a byte behind that the block does not ask for.
// Own slots a user's block takes policies by the same machinery: a key, a policy, and, where a world can fill the slot,
// a
//           specialisation of policy::offer. examples/03_own_block shows one.
#ifndef FRYS_POLICY_HPP
#define FRYS_POLICY_HPP

namespace frys::inline FRYS_ABI::policy {

// The slots. What a model of each must offer is the concept named beside it.
struct atomics_key {};     // atomics_model (core/atomics.hpp)
struct clock_key {};       // clock_model (core/clock.hpp)
struct wait_key {};        // wait_policy (core/wait.hpp)
struct pages_key {};       // page_source (core/concepts.hpp)
struct files_key {};       // file_system (core/concepts.hpp)
struct network_key {};     // reactor (core/concepts.hpp)
struct random_key {};      // random_source (core/concepts.hpp)
struct capacity_key {};    // a number of elements
struct chunk_size_key {};  // a number of bytes
struct limit_key {};       // a number of bytes
struct world_key {};

template <class A>
struct atomics {
  using key = atomics_key;
  using type = A;
};
template <class C>
struct clock {
  using key = clock_key;
  using type = C;
};
template <class W>
struct wait {
  using key = wait_key;
  using type = W;
};
template <class P>
struct pages {
  using key = pages_key;
  using type = P;
};
template <class F>
struct files {
  using key = files_key;
  using type = F;
};
template <class N>
struct network {
  using key = network_key;
  using type = N;
};
template <class R>
struct random {
  using key = random_key;
  using type = R;
};
template <std::size_t N>
struct capacity {
  using key = capacity_key;
  static constexpr std::size_t value = N;
};
template <std::size_t N>
struct chunk_size {
  using key = chunk_size_key;
  static constexpr std::size_t value = N;
};
template <std::size_t N>
struct limit {
  using key = limit_key;
  static constexpr std::size_t value = N;
};

// One word for the whole outside: a type W with any of the member types `atomics`, `clock`, `wait`, `pages`, `files`,
// `network`, `random`. Every block takes it; what W does not name stays the block's default.
template <class W>
struct world {
  using key = world_key;
  using type = W;
};

template <class P>
concept named = requires {
  typename P::key;
};

// What a world W offers for a key: `type` is the policy, or void. Specialise it for a slot of your own.
template <class Key, class W>
struct offer {
  using type = void;
};
template <class W>
requires requires { typename W::atomics; }
struct offer<atomics_key, W> {
  using type = atomics<typename W::atomics>;
};
template <class W>
requires requires { typename W::clock; }
struct offer<clock_key, W> {
  using type = clock<typename W::clock>;
};
template <class W>
requires requires { typename W::wait; }
struct offer<wait_key, W> {
  using type = wait<typename W::wait>;
};
template <class W>
requires requires { typename W::pages; }
struct offer<pages_key, W> {
  using type = pages<typename W::pages>;
};
template <class W>
requires requires { typename W::files; }
struct offer<files_key, W> {
  using type = files<typename W::files>;
};
template <class W>
requires requires { typename W::network; }
struct offer<network_key, W> {
  using type = network<typename W::network>;
};
template <class W>
requires requires { typename W::random; }
struct offer<random_key, W> {
  using type = random<typename W::random>;
};

namespace detail {

template <class P, class... Keys>
concept listed = named<P> &&
    (std::is_same_v<typename P::key, world_key> || ... || std::is_same_v<typename P::key, Keys>);

template <class P, class... Policies>
inline constexpr std::size_t times = (std::size_t{0} + ... +
                                      (std::is_same_v<typename P::key, typename Policies::key> ? 1u : 0u));

// The first policy of `Policies` with key `Key`, or void.
template <class Key, class... Policies>
struct find {
  using type = void;
};
template <class Key, class P, class... Rest>
struct find<Key, P, Rest...> : find<Key, Rest...> {};
template <class Key, class P, class... Rest>
requires(named<P>&& std::is_same_v<typename P::key, Key>) struct find<Key, P, Rest...> {
  using type = P;
};

template <class Key, class World>
struct from_world {
  using type = void;
};
template <class Key, class W>
struct from_world<Key, world<W>> : offer<Key, W> {};

template <class A, class B>
using or_else = std::conditional_t<std::is_void_v<A>, B, A>;

}  // namespace detail

// The keys that a block takes; policy::world goes without saying.
template <class... Keys>
struct keys {
  // Each policy carries a key that the block lists.
  template <class... Policies>
  static constexpr bool known = (detail::listed<Policies, Keys...> && ...);

  // No key comes twice. True for policies that are not known, so that a block says one thing at a time.
  template <class... Policies>
  static constexpr bool unique = [] {
    if constexpr ((named<Policies> && ...))
      return ((detail::times<Policies, Policies...> == 1) && ...);
    else
      return true;
  }();

  // Both.
  template <class... Policies>
  static constexpr bool accept = known<Policies...>&& unique<Policies...>;
};

// The policy that fills the slot of `Default`: the caller's, else the world's, else `Default`.
template <class Default, class... Policies>
using pick = detail::or_else<
    typename detail::find<typename Default::key, Policies...>::type,
    detail::or_else<
        typename detail::from_world<typename Default::key, typename detail::find<world_key, Policies...>::type>::type,
        Default>>;

}  // namespace frys::inline FRYS_ABI::policy

#endif  // FRYS_POLICY_HPP
// ---- frys/core/deadline.hpp
// deadline: a point in time by which something must have happened, or never.
#ifndef FRYS_CORE_DEADLINE_HPP
#define FRYS_CORE_DEADLINE_HPP

namespace frys::inline FRYS_ABI {

using std::chrono::nanoseconds;

// `at` counts from the epoch of the clock that the waiting block uses (policy::clock; by default CLOCK_MONOTONIC).
struct deadline {
  nanoseconds at = (nanoseconds::max)();

  static constexpr deadline never() noexcept { return {}; }
  static constexpr deadline now() noexcept { return {(nanoseconds::min)()}; }  // has passed already: only try
  // `delay` from now on clock C; a delay too long to count is never, a negative one has passed.
  template <class C>
  static deadline after(nanoseconds delay) noexcept {
    const nanoseconds start = C::now();
    if (delay.count() > 0 && start > (nanoseconds::max)() - delay) return never();
    if (delay.count() < 0 && start < (nanoseconds::min)() - delay) return now();
    return {start + delay};
  }
  constexpr bool is_never() const noexcept { return at == (nanoseconds::max)(); }
  template <class C>
  bool has_passed() const noexcept {
    return !is_never() && C::now() >= at;
  }
  friend constexpr auto operator<=>(const deadline&, const deadline&) noexcept = default;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_DEADLINE_HPP
// ---- frys/core/atomics.hpp
// atomics: the memory that threads share, as a policy.
//
// A model  is a type A with A::atomic<T>, A::var<T>, A::fence, A::pause, A::wait and A::notify_*; blocks name no
//          std::atomic, so that the same text runs on the machine, under ThreadSanitizer and in a model checker.
// real     std::atomic and the machine's own fence and pause: the same instructions as hand-written code.
// tsan     real, but a fence is a read-modify-write, which ThreadSanitizer can see (it cannot see fences).
// frys: real model
#ifndef FRYS_CORE_ATOMICS_HPP
#define FRYS_CORE_ATOMICS_HPP

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

struct real {
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
// ---- frys/core/awaitable.hpp
// awaitable: what `co_await` accepts, as concepts, and `ready`, an awaitable that is complete already.
#ifndef FRYS_CORE_AWAITABLE_HPP
#define FRYS_CORE_AWAITABLE_HPP

namespace frys::inline FRYS_ABI {

// The three members that the language asks of an awaiter.
template <class A>
concept awaiter = requires(A& a, std::coroutine_handle<> waiting) {
  { a.await_ready() } -> std::convertible_to<bool>;
  a.await_suspend(waiting);
  a.await_resume();
};

namespace detail {
template <class A>
decltype(auto) awaiter_of(A&& a) {
  if constexpr (requires { static_cast<A&&>(a).operator co_await(); })
    return static_cast<A&&>(a).operator co_await();
  else if constexpr (requires { operator co_await(static_cast<A&&>(a)); })
    return operator co_await(static_cast<A&&>(a));
  else
    return static_cast<A&&>(a);
}
}  // namespace detail

// Something that can be awaited in a coroutine without an await_transform of its own.
template <class A>
concept awaitable = requires(A&& a) {
  { detail::awaiter_of(static_cast<A&&>(a)) } -> awaiter;
};

// What `co_await a` answers.
template <awaitable A>
using await_result_t = decltype(detail::awaiter_of(std::declval<A>()).await_resume());

// An awaitable that answers T.
template <class A, class T>
concept awaitable_of = awaitable<A> && std::convertible_to<await_result_t<A>, T>;

// An awaitable that never suspends: the result is there when it is made. What models whose operations do not wait
// return.
template <class T>
class [[nodiscard]] ready {
 public:
  template <class U = T>
  requires std::constructible_from<T, U> ready(U&& value) : value_(std::forward<U>(value)) {}
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  T await_resume() noexcept(std::is_nothrow_move_constructible_v<T>) { return std::move(value_); }

 private:
  T value_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_AWAITABLE_HPP
// ---- frys/core/os_thread.hpp
// os_thread: the two things that blocks ask of the thread they run on.
// frys: real model
#ifndef FRYS_CORE_OS_THREAD_HPP
#define FRYS_CORE_OS_THREAD_HPP

#if FRYS_OS_POSIX
#include <sched.h>
#else
extern "C" __declspec(dllimport) int __stdcall SwitchToThread(void);
#endif

namespace frys::inline FRYS_ABI {

struct os_thread {
  // Lets another thread of this core run.
  static void yield() noexcept {
#if FRYS_OS_POSIX
    ::sched_yield();
#else
    ::SwitchToThread();
#endif
  }
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_OS_THREAD_HPP
// ---- frys/core/backoff.hpp
// backoff: what to do between two failed tries of a contended operation.
//
// Use when  a compare-exchange lost or a slot is busy for a few nanoseconds.
// Not when  the wait may be long (parker, eventcount): a backoff never sleeps.
// Cost      doubles from 1 pause to `Limit`, then yields the core each time.
#ifndef FRYS_CORE_BACKOFF_HPP
#define FRYS_CORE_BACKOFF_HPP

namespace frys::inline FRYS_ABI {

template <class Atomics = atomics::standard, unsigned Limit = 64>
class backoff {
  static_assert(Limit < 1u << 31, "frys::backoff: Limit is a count of pauses below 2^31");

 public:
  void pause() noexcept {
    if (count_ > Limit) {
      os_thread::yield();
      return;
    }
    for (unsigned i = 0; i < count_; ++i) Atomics::pause();
    count_ *= 2;
  }
  // True once pausing has given way to yielding: time to think of sleeping.
  [[nodiscard]] bool is_exhausted() const noexcept { return count_ > Limit; }
  void reset() noexcept { count_ = 1; }

 private:
  unsigned count_ = 1;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_BACKOFF_HPP
// ---- frys/core/bytes.hpp
// bytes: views of raw memory, and integers of a named byte order in them.
#ifndef FRYS_CORE_BYTES_HPP
#define FRYS_CORE_BYTES_HPP

namespace frys::inline FRYS_ABI {

using byte_span = std::span<std::byte>;        // memory that may be written
using byte_view = std::span<const std::byte>;  // memory that may be read

// The bytes of a text, and the text of bytes. Neither copies.
inline byte_view as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(byte_view bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

namespace detail {
template <std::integral I>
constexpr I byte_swap(I value) noexcept {
  using U = std::make_unsigned_t<I>;
  U in = static_cast<U>(value);
  U out = 0;
  for (std::size_t i = 0; i < sizeof(U); ++i) {  // compilers turn this loop into one bswap
    if constexpr (sizeof(U) > 1) out = static_cast<U>(out << 8);
    out = static_cast<U>(out | (in & 0xFFu));
    if constexpr (sizeof(U) > 1) in = static_cast<U>(in >> 8);
  }
  return static_cast<I>(out);
}
}  // namespace detail

// Reads sizeof(I) bytes at `from`, which need no alignment.
template <std::integral I>
I load_le(const std::byte* from) noexcept {
  I value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (std::endian::native == std::endian::big) value = detail::byte_swap(value);
  return value;
}
template <std::integral I>
I load_be(const std::byte* from) noexcept {
  I value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (std::endian::native == std::endian::little) value = detail::byte_swap(value);
  return value;
}
// Writes sizeof(I) bytes at `to`, which need no alignment.
template <std::integral I>
void store_le(std::byte* to, I value) noexcept {
  if constexpr (std::endian::native == std::endian::big) value = detail::byte_swap(value);
  std::memcpy(to, &value, sizeof value);
}
template <std::integral I>
void store_be(std::byte* to, I value) noexcept {
  if constexpr (std::endian::native == std::endian::little) value = detail::byte_swap(value);
  std::memcpy(to, &value, sizeof value);
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_BYTES_HPP
// ---- frys/core/cache_line.hpp
// cache_line: how far apart data of different writers must stand.
#ifndef FRYS_CORE_CACHE_LINE_HPP
#define FRYS_CORE_CACHE_LINE_HPP

namespace frys::inline FRYS_ABI {

// Bytes of a line of coherence: what two cores cannot write at once without sending it to and fro. A constant of the
// target, not std::hardware_destructive_interference_size, which follows -mtune and so would change layouts.
#if defined(__APPLE__) && defined(__aarch64__)
inline constexpr std::size_t cache_line = 128;
#elif defined(__powerpc64__)
inline constexpr std::size_t cache_line = 128;
#else
inline constexpr std::size_t cache_line = 64;
#endif

// A value alone on its cache lines.
template <class T>
struct alignas(cache_line) cache_aligned {
  T value{};
  T& operator*() noexcept { return value; }
  const T& operator*() const noexcept { return value; }
  T* operator->() noexcept { return &value; }
  const T* operator->() const noexcept { return &value; }
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_CACHE_LINE_HPP
// ---- frys/core/clock.hpp
// clock: time as a policy.
//
// A model  is a type C with a static now() that answers nanoseconds since an epoch of its own and never goes back.
// steady   CLOCK_MONOTONIC: for deadlines and durations; the default of every block.     about 20-40 ns a call
// coarse   the same clock at the kernel's tick (1-4 ms), Linux; elsewhere steady.        about 5 ns
// wall     CLOCK_REALTIME: time of day; may jump, so only for what people or files read.
// frys: real model
#ifndef FRYS_CORE_CLOCK_HPP
#define FRYS_CORE_CLOCK_HPP

#if FRYS_OS_LINUX
#include <time.h>
#endif

namespace frys::inline FRYS_ABI {

template <class C>
concept clock_model = requires {
  { C::now() } -> std::same_as<nanoseconds>;
};

namespace clocks {

struct steady {
  static nanoseconds now() noexcept {
    return std::chrono::duration_cast<nanoseconds>(std::chrono::steady_clock::now().time_since_epoch());
  }
};

struct coarse {
  static nanoseconds now() noexcept {
#if FRYS_OS_LINUX
    ::timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return std::chrono::seconds(t.tv_sec) + nanoseconds(t.tv_nsec);
#else
    return steady::now();
#endif
  }
};

struct wall {
  static nanoseconds now() noexcept {
    return std::chrono::duration_cast<nanoseconds>(std::chrono::system_clock::now().time_since_epoch());
  }
};

}  // namespace clocks

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_CLOCK_HPP
// ---- frys/core/error.hpp
// error: what went wrong, as a value of 24 bytes (64-bit machines): a stable code, the room it comes from, a short
// sentence, and a number.
//
// Codes    never change their number; docs/errors.md lists each with its meaning and remedy, and a test reaches each.
// Cost     trivially copyable, no allocation; the message is a string literal or other text that lives for ever.
#ifndef FRYS_CORE_ERROR_HPP
#define FRYS_CORE_ERROR_HPP

namespace frys::inline FRYS_ABI {

// Stable: numbers are never reused. Grouped by tens so that a group can grow.
enum class errc : std::uint16_t {
  // The caller's input
  invalid_argument = 1,  // an argument is outside what the function allows
  not_found = 2,         // no such file, key or element
  already_exists = 3,    // a thing that must be new is there already
  unsupported = 4,       // this machine, kernel or build lacks the feature
  // Limits and states
  out_of_memory = 10,   // the memory source refused
  limit_exceeded = 11,  // a configured bound would be passed
  full = 12,            // no room now; may be different later
  closed = 13,          // the other side said that it is finished
  timed_out = 14,       // the deadline passed first
  cancelled = 15,       // somebody asked for the operation to stop
  busy = 16,            // another user holds the resource
  // The operating system
  io_failed = 20,           // the device or the kernel reported a failure; `number` is errno
  permission_denied = 21,   // the kernel refuses this process
  no_space = 22,            // the device is full
  too_many_files = 23,      // the descriptor table is full
  address_in_use = 24,      // another socket holds the address
  connection_reset = 25,    // the peer broke the connection off
  connection_refused = 26,  // nobody listens there
  // Data that was read
  corrupt = 40,           // a checksum or a structure does not fit; `number` is the offset
  truncated = 41,         // the data end before they should; `number` is the offset
  version_mismatch = 42,  // written by a format this build does not read
  // Protocols
  protocol_error = 60,  // the peer's bytes break the protocol's grammar
  too_large = 61,       // a message is larger than its limit
};

// The room that made an error.
enum class domain : std::uint8_t {
  core = 0,
  memory = 1,
  queue = 2,
  simd = 3,
  sched = 4,
  io = 5,
  storage = 6,
  search = 7,
  net = 8,
  plugin = 9,
  runtime = 10,
  sim = 11,
  user = 255,
};

// The code's name as it is written in docs/errors.md, for example "corrupt".
constexpr const char* name_of(errc code) noexcept {
  switch (code) {
    case errc::invalid_argument:
      return "invalid_argument";
    case errc::not_found:
      return "not_found";
    case errc::already_exists:
      return "already_exists";
    case errc::unsupported:
      return "unsupported";
    case errc::out_of_memory:
      return "out_of_memory";
    case errc::limit_exceeded:
      return "limit_exceeded";
    case errc::full:
      return "full";
    case errc::closed:
      return "closed";
    case errc::timed_out:
      return "timed_out";
    case errc::cancelled:
      return "cancelled";
    case errc::busy:
      return "busy";
    case errc::io_failed:
      return "io_failed";
    case errc::permission_denied:
      return "permission_denied";
    case errc::no_space:
      return "no_space";
    case errc::too_many_files:
      return "too_many_files";
    case errc::address_in_use:
      return "address_in_use";
    case errc::connection_reset:
      return "connection_reset";
    case errc::connection_refused:
      return "connection_refused";
    case errc::corrupt:
      return "corrupt";
    case errc::truncated:
      return "truncated";
    case errc::version_mismatch:
      return "version_mismatch";
    case errc::protocol_error:
      return "protocol_error";
    case errc::too_large:
      return "too_large";
  }
  return "unknown";
}

constexpr const char* name_of(domain d) noexcept {
  switch (d) {
    case domain::core:
      return "core";
    case domain::memory:
      return "memory";
    case domain::queue:
      return "queue";
    case domain::simd:
      return "simd";
    case domain::sched:
      return "sched";
    case domain::io:
      return "io";
    case domain::storage:
      return "storage";
    case domain::search:
      return "search";
    case domain::net:
      return "net";
    case domain::plugin:
      return "plugin";
    case domain::runtime:
      return "runtime";
    case domain::sim:
      return "sim";
    case domain::user:
      return "user";
  }
  return "unknown";
}

struct error {
  errc code = errc::invalid_argument;
  domain where = domain::user;
  const char* message = "";  // one sentence, lower case, no full stop; lives for ever
  std::int64_t number = 0;   // errno, an offset, a limit: what the code's line in docs/errors.md says

  friend constexpr bool operator==(const error& a, errc wanted) noexcept { return a.code == wanted; }
  // Same code from the same room; message and number are for people.
  friend constexpr bool operator==(const error& a, const error& b) noexcept {
    return a.code == b.code && a.where == b.where;
  }
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_ERROR_HPP
// ---- frys/core/result.hpp
// result<T>: a T, or the error that kept it from being one.
//
// Use when  a function can fail for reasons its caller must handle. Programming errors are FRYS_ASSERT's.
// Cost      sizeof(T) or sizeof(error), plus a flag; no allocation.
// Source    the shape of std::expected (C++23, P0323), which g++ 12 in C++20 mode does not have.
#ifndef FRYS_CORE_RESULT_HPP
#define FRYS_CORE_RESULT_HPP

namespace frys::inline FRYS_ABI {

template <class T>
class [[nodiscard]] result;

namespace detail {
template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<result<T>> = true;
}  // namespace detail

template <class T>
class [[nodiscard]] result {
  static_assert(std::is_object_v<T> && !std::is_same_v<std::remove_cv_t<T>, frys::error> && !detail::is_result<T>,
                "frys::result<T>: T must be an object type other than error and result; use result<void> or a pointer");

 public:
  using value_type = T;

  result() noexcept(std::is_nothrow_default_constructible_v<T>) requires std::is_default_constructible_v<T>
      : value_(), has_value_(true) {}
  result(frys::error e) noexcept : error_(e), has_value_(false) {}
  template <class U = T>
  requires(std::is_constructible_v<T, U> && !std::is_same_v<std::remove_cvref_t<U>, result> &&
           !std::is_same_v<std::remove_cvref_t<U>, frys::error>) explicit(!std::is_convertible_v<U, T>)
      result(U&& value) noexcept(std::is_nothrow_constructible_v<T, U>)
      : value_(std::forward<U>(value)), has_value_(true) {}
  template <class... Args>
  requires std::is_constructible_v<T, Args...>
  explicit result(std::in_place_t, Args&&... args) noexcept(std::is_nothrow_constructible_v<T, Args...>)
      : value_(std::forward<Args>(args)...), has_value_(true) {}

  // One special member each, never two by constraint: clang 14 lacks conditionally trivial members (P0848).
  result(const result& other) noexcept(std::is_nothrow_copy_constructible_v<T>) requires std::is_copy_constructible_v<T>
      : has_value_(other.has_value_) {
    construct_from(other);
  }
  result(result&& other) noexcept(std::is_nothrow_move_constructible_v<T>) requires std::is_move_constructible_v<T>
      : has_value_(other.has_value_) {
    construct_from(std::move(other));
  }
  // Assignment replaces the content; if T's constructor throws, the result holds errc::cancelled.
  result& operator=(const result& other) requires std::is_copy_constructible_v<T> {
    if (this != &other) assign_from(other);
    return *this;
  }
  result& operator=(result&& other) noexcept(
      std::is_nothrow_move_constructible_v<T>) requires std::is_move_constructible_v<T> {
    if (this != &other) assign_from(std::move(other));
    return *this;
  }
  ~result() { destroy(); }

  [[nodiscard]] bool has_value() const noexcept { return has_value_; }
  explicit operator bool() const noexcept { return has_value_; }

  // The value; only when has_value().
  T& value() & noexcept { return FRYS_ASSERT(has_value_, "result::value of a result that holds an error"), value_; }
  const T& value() const& noexcept {
    return FRYS_ASSERT(has_value_, "result::value of a result that holds an error"), value_;
  }
  T&& value() && noexcept {
    return FRYS_ASSERT(has_value_, "result::value of a result that holds an error"), std::move(value_);
  }
  T& operator*() & noexcept { return value(); }
  const T& operator*() const& noexcept { return value(); }
  T&& operator*() && noexcept { return std::move(*this).value(); }
  T* operator->() noexcept { return &value(); }
  const T* operator->() const noexcept { return &value(); }

  // The error; only when !has_value(). Called so because `error` is the type's name.
  [[nodiscard]] const frys::error& error() const noexcept {
    return FRYS_ASSERT(!has_value_, "result::error of a result that holds a value"), error_;
  }

  template <class U>
  T value_or(U&& otherwise) const& {
    return has_value_ ? value_ : static_cast<T>(std::forward<U>(otherwise));
  }
  template <class U>
  T value_or(U&& otherwise) && {
    return has_value_ ? std::move(value_) : static_cast<T>(std::forward<U>(otherwise));
  }

  // f(value), which must answer a result; the error passes through.
  template <class F>
  auto and_then(F&& f) && -> std::invoke_result_t<F, T&&> {
    if (has_value_) return std::forward<F>(f)(std::move(value_));
    return error_;
  }
  template <class F>
  auto and_then(F&& f) const& -> std::invoke_result_t<F, const T&> {
    if (has_value_) return std::forward<F>(f)(value_);
    return error_;
  }
  // result of f(value); the error passes through.
  template <class F>
  auto transform(F&& f) && -> result<std::invoke_result_t<F, T&&>> {
    if (has_value_) return made_of(std::forward<F>(f), std::move(value_));
    return error_;
  }
  template <class F>
  auto transform(F&& f) const& -> result<std::invoke_result_t<F, const T&>> {
    if (has_value_) return made_of(std::forward<F>(f), value_);
    return error_;
  }
  // f(error), which answers a result<T>; a value passes through.
  template <class F>
  result or_else(F&& f) && {
    if (has_value_) return std::move(*this);
    return std::forward<F>(f)(error_);
  }

 private:
  template <class F, class V>
  static auto made_of(F&& f, V&& value) -> result<std::invoke_result_t<F, V>> {
    if constexpr (std::is_void_v<std::invoke_result_t<F, V>>) {
      std::forward<F>(f)(std::forward<V>(value));
      return {};
    } else {
      return result<std::invoke_result_t<F, V>>(std::in_place, std::forward<F>(f)(std::forward<V>(value)));
    }
  }
  template <class R>
  void construct_from(R&& other) {
    if (has_value_)
      ::new (static_cast<void*>(&value_)) T(std::forward<R>(other).value_);
    else
      ::new (static_cast<void*>(&error_)) frys::error(other.error_);
  }
  template <class R>
  void assign_from(R&& other) {
    destroy();
    // An error stands here while T's constructor runs, so that one that throws leaves a result with an error.
    ::new (static_cast<void*>(&error_)) frys::error{errc::cancelled, domain::core, "assignment of a result threw", 0};
    has_value_ = false;
    if (other.has_value_) {
      ::new (static_cast<void*>(&value_)) T(std::forward<R>(other).value_);
      has_value_ = true;
    } else {
      error_ = other.error_;
    }
  }
  void destroy() noexcept {
    if constexpr (!std::is_trivially_destructible_v<T>)
      if (has_value_) value_.~T();
  }

  union {
    T value_;
    frys::error error_;
  };
  bool has_value_;
};

template <>
class [[nodiscard]] result<void> {
 public:
  using value_type = void;

  result() noexcept = default;
  result(frys::error e) noexcept : error_(e), has_value_(false) {}
  explicit result(std::in_place_t) noexcept {}

  [[nodiscard]] bool has_value() const noexcept { return has_value_; }
  explicit operator bool() const noexcept { return has_value_; }
  void value() const noexcept { FRYS_ASSERT(has_value_, "result::value of a result that holds an error"); }
  [[nodiscard]] const frys::error& error() const noexcept {
    return FRYS_ASSERT(!has_value_, "result::error of a result that holds a value"), error_;
  }
  template <class F>
  auto and_then(F&& f) const -> std::invoke_result_t<F> {
    if (has_value_) return std::forward<F>(f)();
    return error_;
  }
  template <class F>
  auto transform(F&& f) const -> result<std::invoke_result_t<F>> {
    if (!has_value_) return error_;
    if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
      std::forward<F>(f)();
      return {};
    } else {
      return result<std::invoke_result_t<F>>(std::in_place, std::forward<F>(f)());
    }
  }
  template <class F>
  result or_else(F&& f) const {
    if (has_value_) return *this;
    return std::forward<F>(f)(error_);
  }

 private:
  frys::error error_{};
  bool has_value_ = true;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_RESULT_HPP
// ---- frys/core/work.hpp
// work: a piece of something to run, as an intrusive node: no allocation to hand it over.
#ifndef FRYS_CORE_WORK_HPP
#define FRYS_CORE_WORK_HPP

namespace frys::inline FRYS_ABI {

// Derive from it or hold it; `run` is called once per post, on the executor that it was posted to. The node belongs to
// the executor from post until run is called; run may destroy it or post it again.
struct work {
  using function = void (*)(work&) noexcept;

  work() = default;
  explicit work(function f) noexcept : run(f) {}

  function run = nullptr;
  work* next = nullptr;  // the executor's, while it holds the node
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_WORK_HPP
// ---- frys/core/concepts.hpp
// concepts: what blocks ask of the world: an executor, a reactor, a file system, pages, randomness.
//
// The models live on higher floors (io/, sim/) or with the user; a block names only the concept.
#ifndef FRYS_CORE_CONCEPTS_HPP
#define FRYS_CORE_CONCEPTS_HPP

namespace frys::inline FRYS_ABI {

// Runs work. post: any thread, never fails, never runs the work before it returns.
template <class E>
concept executor = requires(E& e, work& w) {
  { e.post(w) }
  noexcept;
};

// Random 64-bit numbers; need not be secret. Own it per thread.
template <class R>
concept random_source = requires(R& r) {
  { r() } -> std::same_as<std::uint64_t>;
};

// Memory by the page. allocate answers zeroed, page-aligned memory of at least `size` bytes; release gives back exactly
// what allocate answered, with the same size. Any thread.
template <class P>
concept page_source = requires(std::size_t size, byte_span memory) {
  { P::allocate(size) } -> std::same_as<result<byte_span>>;
  { P::release(memory) }
  noexcept;
};

// How a file is opened.
enum class open_mode : std::uint8_t {
  read,        // must exist
  read_write,  // must exist
  create,      // created if missing, read and write
  create_new,  // must not exist, read and write
};

// Files. Paths are relative to nothing but the model's own root or working directory, separated by '/'.
//
// Directory and size operations answer at once; write, read and sync are awaited. `write` writes all of `data` at
// `offset` or fails; `read` fills `into` from `offset` and answers it shortened to what there was (empty: end of file);
// both own their buffer until they are done, even if the awaiting coroutine is destroyed. After `sync` the file's data
// survive power loss; after `sync_directory` so do its names.
template <class F>
concept file_system = requires(F& fs, typename F::file& file, typename F::buffer data, std::string_view path,
                               open_mode mode, std::uint64_t n, void (*name)(void*, std::string_view), void* context) {
  requires std::movable<typename F::file>;
  { fs.open(path, mode) } -> std::same_as<result<typename F::file>>;
  { fs.remove(path) } -> std::same_as<result<void>>;
  { fs.rename(path, path) } -> std::same_as<result<void>>;
  { fs.make_directory(path) } -> std::same_as<result<void>>;  // ok if it exists
  { fs.sync_directory(path) } -> std::same_as<result<void>>;
  { fs.list(path, name, context) } -> std::same_as<result<void>>;  // calls name(context, entry) for each plain file
  { fs.size(file) } -> std::same_as<result<std::uint64_t>>;
  { fs.truncate(file, n) } -> std::same_as<result<void>>;
  { fs.write(file, std::move(data), n) } -> awaitable_of<result<std::size_t>>;
  { fs.read(file, std::move(data), n) } -> awaitable_of<result<typename F::buffer>>;
  { fs.sync(file) } -> awaitable_of<result<void>>;
};

// One thread's event loop. All but post and stop: the owning thread only.
//
// accept, recv, send and sleep_until are awaited and complete in the loop. recv answers a leased buffer (empty: the
// peer has finished); send writes all of its chain or fails; both own their memory until the kernel is done with it,
// even if the awaiting coroutine is destroyed. Closing a socket completes what waits on it with errc::cancelled.
template <class R>
concept reactor = executor<R> && requires(R& r, typename R::socket& s, typename R::listener& l, typename R::buffer b,
                                          typename R::buffer_chain c, deadline until) {
  requires std::movable<typename R::socket>;
  { r.accept(l) } -> awaitable_of<result<typename R::socket>>;
  { r.recv(s) } -> awaitable_of<result<typename R::buffer>>;
  { r.send(s, std::move(b)) } -> awaitable_of<result<std::size_t>>;
  { r.send(s, std::move(c)) } -> awaitable_of<result<std::size_t>>;
  { r.sleep_until(until) } -> awaitable_of<result<void>>;
  { r.run_once(until) } -> std::same_as<std::size_t>;  // completions handled; waits for one at most until `until`
  r.run();                                             // until stop
  { r.stop() }
  noexcept;  // any thread
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_CONCEPTS_HPP
// ---- frys/core/counter.hpp
// counter, histogram: numbers that one thread writes and any thread reads; rooms count with them, metrics only name
// them.
//
// Use when  a hot path must count without sharing a cache line: give each writer its own and add the snapshots up.
// Roles     add, record: the one writer. value, snapshot: any thread.
// Progress  wait-free, both sides.
// Cost      a plain load, add and store: no read-modify-write, no fence. A histogram is 15 KiB and needs no allocation.
// Ordering  none: a reader sees some recent value; the fields of one snapshot may be a few events apart.
//
// Policies: policy::atomics<A>, default atomics::standard.
// Source    the bucket layout is that of HDR histograms (G. Tene): linear inside each power of two.
#ifndef FRYS_CORE_COUNTER_HPP
#define FRYS_CORE_COUNTER_HPP

namespace frys::inline FRYS_ABI {

template <class... Policies>
class basic_counter {
  using accepted = policy::keys<policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::basic_counter: unknown policy; it takes policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::basic_counter: a policy is given twice; name each at most once");
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::basic_counter: policy::atomics wants an atomics model, see core/atomics.hpp");

 public:
  // Writer only.
  void add(std::uint64_t n = 1) noexcept {
    // relaxed, both: one writer, and readers want a number, not an order.
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }  // relaxed: as above
  [[nodiscard]] std::uint64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }  // relaxed: as above

 private:
  typename atomics_type::template atomic<std::uint64_t> value_{0};
};
using counter = basic_counter<>;

namespace detail {
// Values below 2 * sub are exact; above, each power of two is cut into `sub` equal parts: 3 % error at most.
struct log_linear {
  static constexpr unsigned sub_bits = 5;
  static constexpr std::uint64_t sub = 1u << sub_bits;
  static constexpr std::size_t buckets = (64 - sub_bits) * sub + sub;
  static constexpr std::size_t index(std::uint64_t value) noexcept {
    if (value < sub) return static_cast<std::size_t>(value);
    const unsigned exponent = static_cast<unsigned>(std::bit_width(value)) - 1 - sub_bits;
    return static_cast<std::size_t>((exponent + 1) * sub + ((value >> exponent) - sub));
  }
  // The largest value of a bucket.
  static constexpr std::uint64_t upper(std::size_t index) noexcept {
    if (index < sub) return index;
    const unsigned exponent = static_cast<unsigned>(index / sub) - 1;
    return (((index % sub) + sub + 1) << exponent) - 1;
  }
};
}  // namespace detail

// What a histogram held when it was read; add others to it, ask it for quantiles.
struct histogram_snapshot {
  std::array<std::uint64_t, detail::log_linear::buckets> buckets{};
  std::uint64_t count = 0;
  std::uint64_t sum = 0;
  std::uint64_t max = 0;

  histogram_snapshot& operator+=(const histogram_snapshot& other) noexcept {
    for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
    count += other.count;
    sum += other.sum;
    if (other.max > max) max = other.max;
    return *this;
  }
  // The smallest recorded bound that at least `q` (0..1) of the values do not pass; 0 when empty. At most 1/32 too
  // high.
  [[nodiscard]] std::uint64_t quantile(double q) const noexcept {
    if (count == 0) return 0;
    const double wanted = q <= 0 ? 1.0 : (q >= 1 ? static_cast<double>(count) : q * static_cast<double>(count));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets.size(); ++i) {
      seen += buckets[i];
      if (static_cast<double>(seen) >= wanted) {
        const std::uint64_t bound = detail::log_linear::upper(i);
        return bound < max ? bound : max;
      }
    }
    return max;
  }
  [[nodiscard]] double mean() const noexcept {
    return count == 0 ? 0.0 : static_cast<double>(sum) / static_cast<double>(count);
  }
};

template <class... Policies>
class basic_histogram {
  using accepted = policy::keys<policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::basic_histogram: unknown policy; it takes policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::basic_histogram: a policy is given twice; name each at most once");
  using count_type = basic_counter<Policies...>;

 public:
  // Writer only. Any value; the unit is the caller's.
  void record(std::uint64_t value) noexcept {
    if (value > max_.value()) max_.set(value);
    sum_.add(value);
    buckets_[detail::log_linear::index(value)].add();
  }
  // Adds what is in it now to `into`. O(buckets).
  void snapshot(histogram_snapshot& into) const noexcept {
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      const std::uint64_t n = buckets_[i].value();
      into.buckets[i] += n;
      into.count += n;  // counted from the buckets, so that count and buckets agree
    }
    into.sum += sum_.value();
    if (max_.value() > into.max) into.max = max_.value();
  }
  [[nodiscard]] histogram_snapshot snapshot() const noexcept {
    histogram_snapshot out;
    snapshot(out);
    return out;
  }

 private:
  std::array<count_type, detail::log_linear::buckets> buckets_{};
  count_type sum_;
  count_type max_;
};
using histogram = basic_histogram<>;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_COUNTER_HPP
// ---- frys/core/wait.hpp
// wait: how a thread waits, as a policy. It decides most latency figures: a wake across cores costs 15-25 us, a spin
// 0.2.
//
// spin            burns the core until the word changes                        fastest; the core must be yours
// yield           gives the core to others between looks                      shared cores, short waits
// park            sleeps in the kernel at once (a futex on Linux)             silent when idle
// spin_then_park  looks for a while, then sleeps                              the default: fast when busy, silent when
// idle
//
// A policy W has a static template wait<A>(word, old, until): true once `word` differs from `old` or on any wake-up
// (the caller looks again), false when the deadline has passed; and `sleeps`, which tells notifiers whether anybody
// can be asleep. The clock of deadlines is the caller's.
#ifndef FRYS_CORE_WAIT_HPP
#define FRYS_CORE_WAIT_HPP

namespace frys::inline FRYS_ABI {

namespace wait {

namespace detail {
// Looks `rounds` times, pausing in between; true once the word differs.
template <class A, class Word>
bool looks(const Word& word, std::uint32_t old, unsigned rounds) noexcept {
  for (unsigned i = 0; i < rounds; ++i) {
    // acquire: pairs with the notifier's release of the word; what it published before is ours after.
    if (word.load(std::memory_order_acquire) != old) return true;
    A::pause();
  }
  return false;
}

// Sleeps by the model's wait. The machine's sleeps end by clocks::steady; a deadline of another clock is carried over,
// and where that clock has not got there when the sleep ends, the caller looks again.
template <class A, class C, class Word>
bool sleeps_until(const Word& word, std::uint32_t old, deadline until) noexcept {
  if constexpr (!std::derived_from<A, atomics::real> || std::same_as<C, clocks::steady>) {
    return A::wait(word, old, until);
  } else {
    if (until.is_never()) return A::wait(word, old, until);
    if (until.has_passed<C>()) return word.load(std::memory_order_acquire) != old;  // acquire: as in looks
    const nanoseconds here = C::now();
    const deadline there = until.at > here ? deadline::after<clocks::steady>(until.at - here) : deadline::now();
    return A::wait(word, old, there) || !until.has_passed<C>();
  }
}
}  // namespace detail

struct spin {
  static constexpr bool sleeps = false;
  template <class A, class C = clocks::steady, class Word>
  static bool wait(const Word& word, std::uint32_t old, deadline until) noexcept {
    while (!detail::looks<A>(word, old, 64))
      if (until.has_passed<C>()) return false;
    return true;
  }
};

struct yield {
  static constexpr bool sleeps = false;
  template <class A, class C = clocks::steady, class Word>
  static bool wait(const Word& word, std::uint32_t old, deadline until) noexcept {
    while (!detail::looks<A>(word, old, 4)) {
      if (until.has_passed<C>()) return false;
      os_thread::yield();
    }
    return true;
  }
};

struct park {
  static constexpr bool sleeps = true;
  template <class A, class C = clocks::steady, class Word>
  static bool wait(const Word& word, std::uint32_t old, deadline until) noexcept {
    if (detail::looks<A>(word, old, 1)) return true;
    return detail::sleeps_until<A, C>(word, old, until);
  }
};

// Spins `Looks` times (one is some 20-60 ns with its pause), then sleeps.
template <unsigned Looks = 200>
struct basic_spin_then_park {
  static constexpr bool sleeps = true;
  template <class A, class C = clocks::steady, class Word>
  static bool wait(const Word& word, std::uint32_t old, deadline until) noexcept {
    if (detail::looks<A>(word, old, Looks)) return true;
    return detail::sleeps_until<A, C>(word, old, until);
  }
};
using spin_then_park = basic_spin_then_park<>;

}  // namespace wait

// A model for policy::wait.
template <class W, class A = atomics::standard>
concept wait_policy = requires(const typename A::template atomic<std::uint32_t>& word, std::uint32_t old, deadline d) {
  { W::sleeps } -> std::convertible_to<bool>;
  { W::template wait<A>(word, old, d) } -> std::same_as<bool>;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_WAIT_HPP
// ---- frys/core/eventcount.hpp
// eventcount: turns "try again" of any lock-free structure into "sleep until it is worth trying again".
//
// Use when  several threads wait for a condition that other threads make true without a lock.
// Not when  exactly one thread waits (parker).
// Roles     any thread may wait, any thread may notify.
// Progress  notify is wait-free; waiting blocks by its name, by policy::wait.
// Cost      notify without a waiter: one fence and one load, no write. With one: a read-modify-write and a system call.
// Ordering  what a thread did before notify happens-before what a waiter does after the commit_wait it ended.
//
//   for (;;) {                                       // the waiter
//     if (queue.try_pop(job)) break;
//     auto key = ec.prepare_wait();
//     if (queue.try_pop(job)) { ec.cancel_wait(); break; }   // looks again: the push may have come in between
//     ec.commit_wait(key);
//   }
//   queue.try_push(job); ec.notify_one();            // the notifier
//
// Policies, in any order, each at most once:
//   policy::atomics<A>  the atomics model               default atomics::standard
//   policy::wait<W>     how to wait                     default wait::spin_then_park
//   policy::clock<C>    the clock of the deadlines      default clocks::steady
// Source    D. Vyukov, "Simple eventcounts", 2008; the fence placement follows Dekker's mutual exclusion.
#ifndef FRYS_CORE_EVENTCOUNT_HPP
#define FRYS_CORE_EVENTCOUNT_HPP

namespace frys::inline FRYS_ABI {

template <class... Policies>
class eventcount {
  using accepted = policy::keys<policy::atomics_key, policy::wait_key, policy::clock_key>;
  static_assert(
      accepted::template known<Policies...>,
      "frys::eventcount: unknown policy; it takes policy::atomics, policy::wait, policy::clock and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::eventcount: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using wait_type = typename policy::pick<policy::wait<wait::spin_then_park>, Policies...>::type;
  using clock_type = typename policy::pick<policy::clock<clocks::steady>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::eventcount: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(wait_policy<wait_type, atomics_type>,
                "frys::eventcount: policy::wait wants a wait policy, see core/wait.hpp");
  static_assert(clock_model<clock_type>,
                "frys::eventcount: policy::clock wants a type with a static now() in nanoseconds");

  // What prepare_wait saw; good for one commit_wait.
  class key {
    friend eventcount;
    explicit key(std::uint32_t epoch) noexcept : epoch_(epoch) {}
    std::uint32_t epoch_;
  };

  eventcount() = default;
  eventcount(const eventcount&) = delete;
  eventcount& operator=(const eventcount&) = delete;

  // Announces that this thread is about to wait. Look at the condition once more after it, then commit or cancel.
  [[nodiscard]] key prepare_wait() noexcept {
    waiters_.fetch_add(1, std::memory_order_relaxed);  // relaxed: the fence below orders it
    // sync(eventcount.dekker): seq_cst; either our look at the condition sees the notifier's change, or its look at
    // waiters_ sees us. With anything weaker both can miss, and the wake-up is lost.
    atomics_type::fence(std::memory_order_seq_cst);
    // sync(eventcount.epoch): acquire; pairs with notify's release.
    return key(epoch_.load(std::memory_order_acquire));
  }
  void cancel_wait() noexcept {
    waiters_.fetch_sub(1, std::memory_order_relaxed);
  }  // relaxed: it only stops counting us

  // Sleeps until a notify that came after `from` was prepared; may return early for no reason.
  void commit_wait(key from) noexcept { (void)commit_wait_until(from, deadline::never()); }
  // False if the deadline passed first.
  [[nodiscard]] bool commit_wait_until(key from, deadline until) noexcept {
    // One sleep, no loop: a thread that was woken although its epoch stands may hold the wake-up of another one, and
    // must look at the condition for it.
    // sync(eventcount.epoch): acquire, both; what the notifier did before is visible to the waiter.
    const bool in_time = epoch_.load(std::memory_order_acquire) != from.epoch_ ||
                         wait_type::template wait<atomics_type, clock_type>(epoch_, from.epoch_, until);
    const bool notified = epoch_.load(std::memory_order_acquire) != from.epoch_;
    waiters_.fetch_sub(1, std::memory_order_relaxed);  // relaxed: it only stops counting us
    return in_time || notified;
  }

  // Wakes at least one thread that waits for what changed before this call, if there is one.
  void notify_one() noexcept {
    if (!announce()) return;
    if constexpr (wait_type::sleeps) atomics_type::notify_one(epoch_);
  }
  // Wakes all of them.
  void notify_all() noexcept {
    if (!announce()) return;
    if constexpr (wait_type::sleeps) atomics_type::notify_all(epoch_);
  }

  // Returns once `condition()` answers true; it is called by this thread only, and any number of times.
  template <class Condition>
  void await(Condition&& condition) {
    while (!condition()) {
      const key from = prepare_wait();
      if (condition()) return cancel_wait();
      commit_wait(from);
    }
  }
  // Answers the last condition() seen; false after the deadline.
  template <class Condition>
  [[nodiscard]] bool await_until(Condition&& condition, deadline until) {
    while (!condition()) {
      const key from = prepare_wait();
      if (condition()) return cancel_wait(), true;
      if (!commit_wait_until(from, until)) return condition();
    }
    return true;
  }

 private:
  bool announce() noexcept {
    // sync(eventcount.dekker): seq_cst; the notifier's half, see prepare_wait.
    atomics_type::fence(std::memory_order_seq_cst);
    if (waiters_.load(std::memory_order_relaxed) == 0) return false;  // relaxed: the fence above ordered it
    // sync(eventcount.epoch): release; a waiter that sees the new epoch sees the condition's change.
    epoch_.fetch_add(1, std::memory_order_release);
    return true;
  }

  typename atomics_type::template atomic<std::uint32_t> epoch_{0};  // wraps; 2^32 notifies during one look are excluded
  typename atomics_type::template atomic<std::uint32_t> waiters_{0};  // threads between prepare and the end of waiting
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_EVENTCOUNT_HPP
// ---- frys/core/fwd.hpp
// fwd: the names of core without their bodies. Default arguments and short aliases of the room live in its headers.
#ifndef FRYS_CORE_FWD_HPP
#define FRYS_CORE_FWD_HPP

namespace frys::inline FRYS_ABI {

enum class errc : std::uint16_t;
enum class domain : std::uint8_t;
struct error;
template <class T>
class result;
struct deadline;
struct work;
struct hash;
template <class... Policies>
class parker;
template <class... Policies>
class eventcount;
template <class... Policies>
class basic_counter;
template <class... Policies>
class basic_histogram;
template <class T, class Tag>
class intrusive_list;
template <class T>
class intrusive_queue;
namespace atomics {
struct real;
struct tsan;
}  // namespace atomics

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_FWD_HPP
// ---- frys/core/hash.hpp
// hash: 64-bit hashes of values for tables and for placement: bytes, texts, integers, enums, pointers, pairs, tuples,
// arrays, optionals and variants, nested as deep as you like.
//
// Quality  every input bit moves every output bit with chance near 1/2 (tests/core/hash_test.cpp measures it).
// Cost     integers: two multiplications. Bytes: 16 per multiplication.
// Limits   not for secrets: with the seed known, collisions can be made. The numbers are the same on every machine and
// run,
//          so they may decide which owner holds a key; they are part of 0.1's promise, not of later versions'.
// Source   the multiply-and-fold step is wyhash's (Wang Yi, public domain); the layout of the reads is our own.
#ifndef FRYS_CORE_HASH_HPP
#define FRYS_CORE_HASH_HPP

namespace frys::inline FRYS_ABI {

namespace detail {
inline constexpr std::uint64_t hash_a = 0xa0761d6478bd642fu;
inline constexpr std::uint64_t hash_b = 0xe7037ed1a0b428dbu;
inline constexpr std::uint64_t hash_c = 0x8ebc6af09c88c6e3u;

// The two halves of a 128-bit product, folded: a non-linear step that spreads every bit.
constexpr std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
#if defined(__SIZEOF_INT128__)
  __extension__ using wide = unsigned __int128;
  const wide product = static_cast<wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
#else
  const std::uint64_t al = a & 0xffffffffu, ah = a >> 32, bl = b & 0xffffffffu, bh = b >> 32;
  const std::uint64_t ll = al * bl, hl = ah * bl, lh = al * bh, hh = ah * bh;
  const std::uint64_t middle = (ll >> 32) + (hl & 0xffffffffu) + lh;
  const std::uint64_t low = (middle << 32) | (ll & 0xffffffffu);
  const std::uint64_t high = hh + (hl >> 32) + (middle >> 32);
  return low ^ high;
#endif
}
}  // namespace detail

// One number into another, well mixed. Not a bijection: two of n values collide with chance about n * n / 2^65.
constexpr std::uint64_t hash_integer(std::uint64_t value, std::uint64_t seed = 0) noexcept {
  return detail::fold(detail::fold(value ^ detail::hash_a, seed ^ detail::hash_b) ^ value, detail::hash_c);
}

// Joins a hash to what was hashed before; order matters.
constexpr std::uint64_t hash_combine(std::uint64_t before, std::uint64_t next) noexcept {
  return detail::fold(before ^ detail::hash_b, next ^ detail::hash_c) ^ detail::hash_a;
}

// Bytes of any length.
inline std::uint64_t hash_bytes(byte_view bytes, std::uint64_t seed = 0) noexcept {
  const std::byte* p = bytes.data();
  const std::size_t size = bytes.size();
  std::uint64_t h = seed ^ detail::hash_c;
  std::uint64_t a = 0, b = 0;
  if (size >= 16) {
    std::size_t left = size;
    for (; left > 16; left -= 16, p += 16)
      h = detail::fold(load_le<std::uint64_t>(p) ^ detail::hash_a, load_le<std::uint64_t>(p + 8) ^ h);
    // The last 16 bytes, which may overlap what was read already.
    a = load_le<std::uint64_t>(p + left - 16);
    b = load_le<std::uint64_t>(p + left - 8);
  } else if (size >= 8) {
    a = load_le<std::uint64_t>(p);
    b = load_le<std::uint64_t>(p + size - 8);
  } else if (size >= 4) {
    a = load_le<std::uint32_t>(p);
    b = load_le<std::uint32_t>(p + size - 4);
  } else if (size > 0) {
    a = std::to_integer<std::uint64_t>(p[0]) << 16 | std::to_integer<std::uint64_t>(p[size / 2]) << 8 |
        std::to_integer<std::uint64_t>(p[size - 1]);
  }
  return detail::fold(detail::hash_a ^ size, detail::fold(a ^ detail::hash_b, b ^ h));
}

// A transparent functor for std containers and ours: hash{}(x), hash{seed}(x).
struct hash {
  using is_transparent = void;
  std::uint64_t seed = 0;

  std::uint64_t operator()(std::string_view text) const noexcept { return hash_bytes(as_bytes(text), seed); }
  std::uint64_t operator()(const char* text) const noexcept { return (*this)(std::string_view(text)); }
  std::uint64_t operator()(byte_view bytes) const noexcept { return hash_bytes(bytes, seed); }
  template <class T>
  requires(std::integral<T> || std::is_enum_v<T>) std::uint64_t operator()(T value) const noexcept {
    return hash_integer(static_cast<std::uint64_t>(value), seed);
  }
  template <class T>
  requires(!std::same_as<std::remove_cv_t<T>, char>) std::uint64_t operator()(T* pointer) const noexcept {
    return hash_integer(reinterpret_cast<std::uintptr_t>(pointer), seed);
  }
  // A variant's hash joins the index of its alternative, so that equal values of two alternatives differ.
  template <class... Ts>
  std::uint64_t operator()(const std::variant<Ts...>& v) const noexcept {
    if (v.valueless_by_exception()) return hash_integer(~std::uint64_t{0}, seed);
    return hash_combine(hash_integer(v.index(), seed), alternative(v, std::index_sequence_for<Ts...>{}));
  }
  std::uint64_t operator()(std::monostate) const noexcept { return hash_integer(0, seed); }
  // pair, tuple and array.
  template <class T>
  requires requires { std::tuple_size<T>::value; }
  std::uint64_t operator()(const T& product) const noexcept {
    std::uint64_t h = hash_integer(std::tuple_size<T>::value, seed);
    std::apply([&](const auto&... each) { ((h = hash_combine(h, (*this)(each))), ...); }, product);
    return h;
  }
  // optional-like: nothing differs from a default value.
  template <class T>
  requires requires(const T& o) {
    o.has_value();
    *o;
  }
  std::uint64_t operator()(const T& optional) const noexcept {
    return optional.has_value() ? hash_combine(1, (*this)(*optional)) : hash_integer(0, seed);
  }

 private:
  template <class V, std::size_t... I>
  std::uint64_t alternative(const V& v, std::index_sequence<I...>) const noexcept {
    std::uint64_t h = 0;
    (void)((v.index() == I && (h = (*this)(*std::get_if<I>(&v)), true)) || ...);
    return h;
  }
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_HASH_HPP
// ---- frys/core/intrusive_list.hpp
// intrusive_list, intrusive_queue: lists whose links live in the elements: no allocation, O(1) removal.
//
// Use when  the elements live somewhere already and come and go often (connections, timers, waiters).
// Threads   one at a time. The lists own nothing; an element must leave its list before it dies (hardened builds
// check). Cost      every operation O(1) but size(), which counts. Several lists at once: derive from several hooks
// with different tags.
#ifndef FRYS_CORE_INTRUSIVE_LIST_HPP
#define FRYS_CORE_INTRUSIVE_LIST_HPP

namespace frys::inline FRYS_ABI {

struct default_tag;

// Derive an element from list_hook<Tag> to let it stand in one intrusive_list<T, Tag>.
template <class Tag = default_tag>
class list_hook {
 public:
  list_hook() = default;
  list_hook(const list_hook&) noexcept {}  // a copy is in no list
  list_hook& operator=(const list_hook&) noexcept { return *this; }
  ~list_hook() { FRYS_ASSERT(!is_linked(), "intrusive_list: an element died while it stood in a list"); }
  [[nodiscard]] bool is_linked() const noexcept { return next_ != nullptr; }
  // Leaves the list it stands in, if any.
  void unlink() noexcept {
    if (!is_linked()) return;
    next_->previous_ = previous_;
    previous_->next_ = next_;
    next_ = previous_ = nullptr;
  }

 private:
  template <class, class>
  friend class intrusive_list;
  list_hook* next_ = nullptr;
  list_hook* previous_ = nullptr;
};

template <class T, class Tag = default_tag>
class intrusive_list {
  using hook = list_hook<Tag>;

 public:
  class iterator {
   public:
    using iterator_category = std::bidirectional_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = T*;
    using reference = T&;
    iterator() = default;
    explicit iterator(hook* at) noexcept : at_(at) {}
    T& operator*() const noexcept { return static_cast<T&>(*at_); }
    T* operator->() const noexcept { return &**this; }
    iterator& operator++() noexcept { return at_ = at_->next_, *this; }
    iterator operator++(int) noexcept {
      iterator old = *this;
      ++*this;
      return old;
    }
    iterator& operator--() noexcept { return at_ = at_->previous_, *this; }
    iterator operator--(int) noexcept {
      iterator old = *this;
      --*this;
      return old;
    }
    friend bool operator==(iterator a, iterator b) noexcept { return a.at_ == b.at_; }

   private:
    friend intrusive_list;
    hook* at_ = nullptr;
  };

  intrusive_list() noexcept { head_.next_ = head_.previous_ = &head_; }
  intrusive_list(const intrusive_list&) = delete;
  intrusive_list& operator=(const intrusive_list&) = delete;
  // Leaves the elements unlinked.
  ~intrusive_list() {
    clear();
    head_.next_ = head_.previous_ = nullptr;
  }

  [[nodiscard]] bool empty() const noexcept { return head_.next_ == &head_; }
  // O(n).
  [[nodiscard]] std::size_t size() const noexcept {
    std::size_t n = 0;
    for (const hook* h = head_.next_; h != &head_; h = h->next_) ++n;
    return n;
  }
  iterator begin() noexcept { return iterator(head_.next_); }
  iterator end() noexcept { return iterator(&head_); }
  T& front() noexcept { return static_cast<T&>(*head_.next_); }
  T& back() noexcept { return static_cast<T&>(*head_.previous_); }

  void push_back(T& element) noexcept { insert_before(head_, element); }
  void push_front(T& element) noexcept { insert_before(*head_.next_, element); }
  // Before `at`.
  void insert(iterator at, T& element) noexcept { insert_before(*at.at_, element); }
  // nullptr when empty.
  T* pop_front() noexcept {
    if (empty()) return nullptr;
    T& first = front();
    static_cast<hook&>(first).unlink();
    return &first;
  }
  // The element after the removed one.
  iterator erase(iterator at) noexcept {
    hook* next = at.at_->next_;
    at.at_->unlink();
    return iterator(next);
  }
  static void remove(T& element) noexcept { static_cast<hook&>(element).unlink(); }
  void clear() noexcept {
    while (!empty()) head_.next_->unlink();
  }
  // Moves all elements of `other` behind ours.
  void splice_back(intrusive_list& other) noexcept {
    if (other.empty()) return;
    hook* first = other.head_.next_;
    hook* last = other.head_.previous_;
    first->previous_ = head_.previous_;
    head_.previous_->next_ = first;
    last->next_ = &head_;
    head_.previous_ = last;
    other.head_.next_ = other.head_.previous_ = &other.head_;
  }

 private:
  void insert_before(hook& at, T& element) noexcept {
    static_assert(std::derived_from<T, hook>, "frys::intrusive_list<T, Tag>: T must derive from list_hook<Tag>");
    hook& h = element;
    FRYS_ASSERT(!h.is_linked(), "intrusive_list: the element stands in a list already");
    h.next_ = &at;
    h.previous_ = at.previous_;
    at.previous_->next_ = &h;
    at.previous_ = &h;
  }

  hook head_;
};

// First in, first out over a member `T* next` that T lets us use (core/work.hpp's work has one).
template <class T>
class intrusive_queue {
 public:
  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  void push(T& element) noexcept {
    element.next = nullptr;
    *last_ = &element;
    last_ = &element.next;
  }
  T* pop() noexcept {
    T* element = first_;
    if (element == nullptr) return nullptr;
    first_ = element->next;
    if (first_ == nullptr) last_ = &first_;
    element->next = nullptr;
    return element;
  }

  intrusive_queue() = default;
  intrusive_queue(const intrusive_queue&) = delete;
  intrusive_queue& operator=(const intrusive_queue&) = delete;

 private:
  T* first_ = nullptr;
  T** last_ = &first_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_INTRUSIVE_LIST_HPP
// ---- frys/core/parker.hpp
// parker: lets one thread sleep until another one says go. One permit: an unpark before the park is not lost.
//
// Use when  each thread has its own place to sleep (a worker, a client of a server thread).
// Not when  several threads wait for one condition (eventcount).
// Roles     park, park_until: the owner thread only. unpark: any thread.
// Progress  unpark is wait-free; park blocks by its name, by policy::wait.
// Cost      unpark: one exchange, plus one system call if the owner sleeps. park with a permit: one exchange.
// Ordering  what a thread did before unpark happens-before what the owner does after the park that took the permit.
// Lifetime  destroy it when no thread can call it any more.
//
// Policies, in any order, each at most once:
//   policy::atomics<A>  the atomics model               default atomics::standard
//   policy::wait<W>     how to wait                     default wait::spin_then_park
//   policy::clock<C>    the clock of the deadlines      default clocks::steady
#ifndef FRYS_CORE_PARKER_HPP
#define FRYS_CORE_PARKER_HPP

namespace frys::inline FRYS_ABI {

template <class... Policies>
class parker {
  using accepted = policy::keys<policy::atomics_key, policy::wait_key, policy::clock_key>;
  static_assert(
      accepted::template known<Policies...>,
      "frys::parker: unknown policy; it takes policy::atomics, policy::wait, policy::clock and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::parker: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using wait_type = typename policy::pick<policy::wait<wait::spin_then_park>, Policies...>::type;
  using clock_type = typename policy::pick<policy::clock<clocks::steady>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::parker: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(wait_policy<wait_type, atomics_type>,
                "frys::parker: policy::wait wants a wait policy, see core/wait.hpp");
  static_assert(clock_model<clock_type>, "frys::parker: policy::clock wants a type with a static now() in nanoseconds");

  parker() = default;
  parker(const parker&) = delete;
  parker& operator=(const parker&) = delete;

  // Owner only. Returns after an unpark that no earlier park took.
  void park() noexcept { (void)park_until(deadline::never()); }

  // Owner only. False if the deadline passed without an unpark.
  [[nodiscard]] bool park_until(deadline until) noexcept {
    for (;;) {
      std::uint32_t state = state_.load(std::memory_order_relaxed);  // relaxed: a look; the exchange below acquires
      if (state == permit) {
        // sync(parker.permit): acquire; what the unparker wrote before is visible here. An exchange, not a store: a
        // second unpark may have come since the look; its permit is taken too, so its writes must be visible too.
        // With a store the owner could look for work too early, sleep, and never be woken for it.
        state_.exchange(none, std::memory_order_acquire);
        return true;
      }
      if (state == none &&
          // relaxed: announces the sleep, publishes nothing; a lost race means that a permit came, seen in the next
          // round.
          !state_.compare_exchange_strong(state, asleep, std::memory_order_relaxed, std::memory_order_relaxed))
        continue;
      if (!wait_type::template wait<atomics_type, clock_type>(state_, asleep, until)) {
        // sync(parker.permit): acquire; a permit that came at the last moment counts.
        return state_.exchange(none, std::memory_order_acquire) == permit;
      }
    }
  }

  // Any thread. Gives the permit; a second one before the park has no further effect.
  void unpark() noexcept {
    // sync(parker.permit): release; pairs with park's acquire.
    const std::uint32_t before = state_.exchange(permit, std::memory_order_release);
    if constexpr (wait_type::sleeps)
      if (before == asleep) atomics_type::notify_one(state_);
  }

 private:
  static constexpr std::uint32_t none = 0, asleep = 1, permit = 2;
  typename atomics_type::template atomic<std::uint32_t> state_{none};
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_PARKER_HPP
// ---- frys/core/type_id.hpp
// type_id: a number and a name for a type, without RTTI.
//
// The number is a hash of the compiler's spelling of the type, so it is the same in every translation unit, shared
// object and run of one compiler; two compilers may spell a type differently, so never store it in a file. Types of one
// spelling are one id: two unnamed namespaces that each hold an `x`, for example.
#ifndef FRYS_CORE_TYPE_ID_HPP
#define FRYS_CORE_TYPE_ID_HPP

namespace frys::inline FRYS_ABI {

namespace detail {
// The compiler's spelling of this function holds T's; the text around it is the same for every T.
template <class T>
constexpr std::string_view spelling() noexcept {
#if defined(_MSC_VER) && !defined(__clang__)
  return __FUNCSIG__;
#else
  return __PRETTY_FUNCTION__;
#endif
}
inline constexpr std::size_t spelling_prefix = spelling<double>().find("double");
inline constexpr std::size_t spelling_suffix = spelling<double>().size() - spelling_prefix - 6;
}  // namespace detail

// T as the compiler writes it, for example "std::vector<int>".
template <class T>
constexpr std::string_view type_name() noexcept {
  constexpr std::string_view all = detail::spelling<T>();
  return all.substr(detail::spelling_prefix, all.size() - detail::spelling_prefix - detail::spelling_suffix);
}

using type_id_t = std::uint64_t;

// FNV-1a of the name.
template <class T>
constexpr type_id_t type_id() noexcept {
  type_id_t hash = 0xcbf29ce484222325u;
  for (const char c : type_name<T>()) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_TYPE_ID_HPP
// ---- frys/memory/fwd.hpp
// fwd: the names of memory without their bodies.
#ifndef FRYS_MEMORY_FWD_HPP
#define FRYS_MEMORY_FWD_HPP

namespace frys::inline FRYS_ABI {

struct os_pages;
struct heap_pages;
template <class... Policies>
struct basic_buffer_block;
template <class... Policies>
class basic_buffer;
template <class... Policies>
class basic_buffer_chain;
using buffer_block = basic_buffer_block<>;
using buffer = basic_buffer<>;
using buffer_chain = basic_buffer_chain<>;
template <class... Policies>
class buffer_pool;
template <class... Policies>
class arena;
template <class T, class... Policies>
class object_pool;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_FWD_HPP
// ---- frys/memory/pages.hpp
// os_pages, heap_pages: where blocks get large pieces of memory from. Both are models of page_source
// (core/concepts.hpp).
//
// os_pages    the operating system's own pages (mmap): zeroed when first touched, given back on release. The default.
// heap_pages  the program's heap (operator new): for programs that count or replace it, and for machines without mmap.
// Threads     any.
// Cost        os_pages: a system call each way, and a page fault per page at first touch: for chunks, not for objects.
// Errors      errc::out_of_memory when the source refuses; errc::invalid_argument for size 0.
// frys: real model
#ifndef FRYS_MEMORY_PAGES_HPP
#define FRYS_MEMORY_PAGES_HPP

#if FRYS_OS_POSIX
#include <sys/mman.h>

#include <cerrno>
#endif

namespace frys::inline FRYS_ABI {

// What page sources align to and count in. A machine's pages may be larger; sources round up on their own.
inline constexpr std::size_t page_size = 4096;

namespace detail {

// The size rounded up to a multiple of `unit` (a power of two), or 0 if that does not fit.
constexpr std::size_t round_up(std::size_t size, std::size_t unit) noexcept {
  return size > (std::numeric_limits<std::size_t>::max)() - (unit - 1) ? 0 : (size + unit - 1) & ~(unit - 1);
}

inline constexpr std::size_t most_bytes = static_cast<std::size_t>((std::numeric_limits<std::ptrdiff_t>::max)());

constexpr error pages_refused(std::size_t size) noexcept {
  return {errc::out_of_memory, domain::memory, "the memory source refused the pages",
          static_cast<std::int64_t>(size < most_bytes ? size : most_bytes)};
}

inline constexpr error no_pages_asked{errc::invalid_argument, domain::memory, "zero bytes of pages were asked for", 0};

}  // namespace detail

struct heap_pages {
  // Zeroed, aligned to page_size.
  static result<byte_span> allocate(std::size_t size) noexcept {
    const std::size_t whole = detail::round_up(size, page_size);
    if (size == 0) return detail::no_pages_asked;
    if (whole == 0 || whole > detail::most_bytes) return detail::pages_refused(size);
    void* memory = ::operator new (whole, std::align_val_t{page_size}, std::nothrow);
    if (memory == nullptr) return detail::pages_refused(size);
    std::memset(memory, 0, whole);
    return byte_span(static_cast<std::byte*>(memory), whole);
  }
  static void release(byte_span memory) noexcept {
    if (memory.data() != nullptr) ::operator delete (memory.data(), std::align_val_t{page_size});
  }
};

#if FRYS_OS_POSIX
struct os_pages {
  // Zeroed, aligned to the machine's page size, which is at least page_size.
  static result<byte_span> allocate(std::size_t size) noexcept {
    const std::size_t whole = detail::round_up(size, page_size);
    if (size == 0) return detail::no_pages_asked;
    if (whole == 0 || whole > detail::most_bytes) return detail::pages_refused(size);
#if defined(MAP_ANONYMOUS)
    constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#else
    constexpr int flags = MAP_PRIVATE | MAP_ANON;
#endif
    void* memory = ::mmap(nullptr, whole, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (memory == reinterpret_cast<void*>(std::intptr_t{-1})) return detail::pages_refused(size);  // MAP_FAILED, uncast
    return byte_span(static_cast<std::byte*>(memory), whole);
  }
  static void release(byte_span memory) noexcept {
    if (memory.data() != nullptr) ::munmap(memory.data(), memory.size());
  }
};
#else
// No mmap here: the heap stands in for it.
struct os_pages : heap_pages {};
#endif

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_PAGES_HPP
// ---- frys/queue/fwd.hpp
// fwd: the names of queue without their bodies.
#ifndef FRYS_QUEUE_FWD_HPP
#define FRYS_QUEUE_FWD_HPP

namespace frys::inline FRYS_ABI {

class push_result;
enum class pop_status : std::uint8_t;
template <class T>
class pop_result;
template <class T, class... Policies>
class spsc_ring;
template <class T, class... Policies>
class mpmc_ring;
template <class T, class... Policies>
class mpsc_queue;
template <class Node, class... Policies>
class intrusive_mpsc_queue;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_FWD_HPP
// ---- frys/queue/intrusive_mpsc_queue.hpp
// intrusive_mpsc_queue: an unbounded FIFO from many producer threads to one consumer; the links live in the elements.
//
// Use when  elements exist already and must be handed to their owner thread without allocation (posted work, messages).
// Not when  you want to push values (mpsc_queue), or several threads pop (mpmc_ring).
// Roles     push: any thread. pop, empty: the one consumer.
// Progress  push is wait-free: one exchange, one store. pop never waits, but a producer stopped in the middle of a push
//           hides what was pushed behind it until it goes on; empty() tells that case apart.
// Cost      O(1), no allocation, no write to the consumer's line by producers.
// Ordering  what a thread did before push(n) happens-before what the consumer does after the pop that answers n. The
//           pushes of one thread keep their order; all pushes stand in the order of their exchange.
// Lifetime  the queue owns nothing. A node stands in one queue at a time and lives until it was popped.
// Close     none: what may be posted, and when to stop, is the owner's protocol; mpsc_queue has close().
//
// Policies, in any order, each at most once:
//   policy::atomics<A>  the atomics model (with atomic_ref)   default atomics::standard
// Source    D. Vyukov, "Intrusive MPSC node-based queue", 2010.
#ifndef FRYS_QUEUE_INTRUSIVE_MPSC_QUEUE_HPP
#define FRYS_QUEUE_INTRUSIVE_MPSC_QUEUE_HPP

namespace frys::inline FRYS_ABI {

// A node: default-constructible (the queue keeps one of its own), with a member `Node* next` that is the queue's while
// the node stands in it. core/work.hpp's work is one.
template <class Node>
concept queue_node = std::default_initializable<Node> && requires(Node& n) {
  { n.next } -> std::same_as<Node*&>;
};

template <class Node, class... Policies>
class intrusive_mpsc_queue {
  using accepted = policy::keys<policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::intrusive_mpsc_queue: unknown policy; it takes policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::intrusive_mpsc_queue: a policy is given twice; name each at most once");
  static_assert(queue_node<Node>,
                "frys::intrusive_mpsc_queue<Node>: Node must be default-constructible and have a member `Node* next`");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::intrusive_mpsc_queue: policy::atomics wants an atomics model, see core/atomics.hpp");

  intrusive_mpsc_queue() = default;
  intrusive_mpsc_queue(const intrusive_mpsc_queue&) = delete;
  intrusive_mpsc_queue& operator=(const intrusive_mpsc_queue&) = delete;

  // Any thread. True if the queue may have been empty before: then, and only then, the consumer may need a wake-up. The
  // consumer must have seen empty() before it sleeps, or a push that answered false would wake nobody.
  bool push(Node& node) noexcept {
    link(node).store(nullptr, std::memory_order_relaxed);  // relaxed: published by the exchange and the store below
    return append(node) == &stub_;
  }

  // Consumer only. nullptr if nothing can be taken now: the queue is empty, or a push is under way.
  [[nodiscard]] Node* pop() noexcept {
    Node* first = first_;
    // sync(intrusive_mpsc_queue.link): acquire; what the producer wrote into its node is visible. With relaxed the
    // consumer could read the node as it was before.
    Node* second = link(*first).load(std::memory_order_acquire);
    if (first == &stub_) {
      if (second == nullptr) return nullptr;
      first_ = first = second;
      second = link(*first).load(std::memory_order_acquire);  // sync(intrusive_mpsc_queue.link), as above
    }
    if (second == nullptr) {
      // The last one: it may leave only when another node stands behind it, so that producers have an end to append to.
      // relaxed: only compared; if it is `first`, then our own acquire of the link has seen all that matters.
      if (last_.load(std::memory_order_relaxed) != first) return nullptr;  // a push is under way
      link(stub_).store(nullptr, std::memory_order_relaxed);               // relaxed: published by append
      (void)append(stub_);
      second = link(*first).load(std::memory_order_acquire);  // sync(intrusive_mpsc_queue.link), as above
      if (second == nullptr) return nullptr;                  // a push came between and is not linked yet
    }
    first_ = second;
    return first;
  }

  // Consumer only. True if nothing stands in the queue and no push was under way. To sleep: announce it, fence
  // (seq_cst), look at empty() again; producers push, fence, look at the announcement. eventcount does both halves.
  [[nodiscard]] bool empty() const noexcept {
    // relaxed: only compared; the element itself is read through pop's acquire.
    return first_ == &stub_ && last_.load(std::memory_order_relaxed) == &stub_;
  }

 private:
  using reference = typename atomics_type::template atomic_ref<Node*>;

  static reference link(Node& node) noexcept { return reference(node.next); }

  // Answers the node that was last before.
  Node* append(Node& node) noexcept {
    // sync(intrusive_mpsc_queue.last): acq_rel; release: whoever appends behind us sees our empty link before it
    // overwrites it; acquire: the other end of that. With relaxed our null could land on top of its link and cut the
    // queue in two.
    Node* before = last_.exchange(&node, std::memory_order_acq_rel);
    // sync(intrusive_mpsc_queue.link): release; the node is whole before the consumer can reach it.
    link(*before).store(&node, std::memory_order_release);
    return before;
  }

  // Producers write last_ only; the consumer's line is its own.
  alignas(cache_line) typename atomics_type::template atomic<Node*> last_{&stub_};
  alignas(cache_line) Node* first_ = &stub_;
  Node stub_{};
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_INTRUSIVE_MPSC_QUEUE_HPP
// ---- frys/queue/result.hpp
// push_result, pop_result: what a queue answers. All queues of frys answer these.
//
// push_result  ok, full or closed; true when ok. On full and closed the caller's value is untouched.
// pop_result   a value, or empty, or closed; true when it holds a value. Closed means: closed, and nothing is left.
// Cost         pop_result<T> is trivially copyable when T is; no allocation.
#ifndef FRYS_QUEUE_RESULT_HPP
#define FRYS_QUEUE_RESULT_HPP

namespace frys::inline FRYS_ABI {

// What may stand in a queue: it moves and dies without throwing, so that no operation can fail half way.
template <class T>
concept queue_element = std::is_object_v<T> && !std::is_const_v<T> && std::is_nothrow_move_constructible_v<T> &&
                        std::is_nothrow_destructible_v<T>;

// Compare with the names: `if (r == push_result::full)`; or ask `if (r)`.
class [[nodiscard]] push_result {
 public:
  enum status : std::uint8_t {
    ok,      // the queue has the value
    full,    // no room now, or the memory source refused; may be different later
    closed,  // somebody closed the queue; it takes nothing any more
  };

  constexpr push_result(status s) noexcept : status_(s) {}
  constexpr explicit operator bool() const noexcept { return status_ == ok; }
  [[nodiscard]] constexpr bool is_full() const noexcept { return status_ == full; }
  [[nodiscard]] constexpr bool is_closed() const noexcept { return status_ == closed; }
  friend constexpr bool operator==(push_result a, push_result b) noexcept { return a.status_ == b.status_; }

 private:
  status status_;
};

// Why a pop_result is what it is.
enum class pop_status : std::uint8_t {
  value,   // it holds a value
  empty,   // nothing now; may be different later
  closed,  // closed and drained: nothing will come any more
};

namespace detail {

// Two forms, because clang 14 has no conditionally trivial members: a trivially copyable T keeps the result in
// registers.
template <class T, bool Trivial = std::is_trivially_copyable_v<T>>
struct pop_storage {
  constexpr explicit pop_storage(pop_status s) noexcept : none_{}, status_(s) {}
  template <class... Args>
  constexpr explicit pop_storage(std::in_place_t, Args&&... args) noexcept
      : value_(std::forward<Args>(args)...), status_(pop_status::value) {}

  union {
    char none_;
    T value_;
  };
  pop_status status_;
};

template <class T>
struct pop_storage<T, false> {
  explicit pop_storage(pop_status s) noexcept : none_{}, status_(s) {}
  template <class... Args>
  explicit pop_storage(std::in_place_t, Args&&... args) noexcept
      : value_(std::forward<Args>(args)...), status_(pop_status::value) {}
  pop_storage(pop_storage&& other) noexcept : none_{}, status_(other.status_) {
    if (status_ == pop_status::value) std::construct_at(std::addressof(value_), std::move(other.value_));
  }
  pop_storage& operator=(pop_storage&& other) noexcept {
    if (this == &other) return *this;
    if (status_ == pop_status::value) std::destroy_at(std::addressof(value_));
    status_ = other.status_;
    if (status_ == pop_status::value) std::construct_at(std::addressof(value_), std::move(other.value_));
    return *this;
  }
  ~pop_storage() {
    if (status_ == pop_status::value) std::destroy_at(std::addressof(value_));
  }

  union {
    char none_;
    T value_;
  };
  pop_status status_;
};

}  // namespace detail

template <class T>
class [[nodiscard]] pop_result : private detail::pop_storage<T> {
  static_assert(queue_element<T>, "frys::pop_result<T>: T must be an object type that moves and dies without throwing");
  using storage = detail::pop_storage<T>;

 public:
  using value_type = T;

  // Holds no value: pop_status::empty or pop_status::closed.
  constexpr pop_result(pop_status why) noexcept : storage(why) {
    FRYS_ASSERT(why != pop_status::value, "pop_result: made without a value but with pop_status::value");
  }
  // Holds T(args...).
  template <class... Args>
  requires std::is_nothrow_constructible_v<T, Args...>
  constexpr explicit pop_result(std::in_place_t, Args&&... args) noexcept
      : storage(std::in_place, std::forward<Args>(args)...) {}

  constexpr explicit operator bool() const noexcept { return storage::status_ == pop_status::value; }
  [[nodiscard]] constexpr bool has_value() const noexcept { return storage::status_ == pop_status::value; }
  [[nodiscard]] constexpr bool is_empty() const noexcept { return storage::status_ == pop_status::empty; }
  [[nodiscard]] constexpr bool is_closed() const noexcept { return storage::status_ == pop_status::closed; }
  [[nodiscard]] constexpr pop_status status() const noexcept { return storage::status_; }

  // The value; only when has_value().
  constexpr T& value() & noexcept { return check(), storage::value_; }
  constexpr const T& value() const& noexcept { return check(), storage::value_; }
  constexpr T&& value() && noexcept { return check(), std::move(storage::value_); }
  constexpr T& operator*() & noexcept { return value(); }
  constexpr const T& operator*() const& noexcept { return value(); }
  constexpr T&& operator*() && noexcept { return std::move(*this).value(); }
  constexpr T* operator->() noexcept { return std::addressof(value()); }
  constexpr const T* operator->() const noexcept { return std::addressof(value()); }

 private:
  constexpr void check() const noexcept { FRYS_ASSERT(has_value(), "pop_result::value of a result without a value"); }
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_RESULT_HPP
// ---- frys/queue/mpsc_queue.hpp
// mpsc_queue: an unbounded FIFO of values from many producer threads to one consumer.
//
// Use when  many threads send to one and the backlog has no natural bound, or one in bytes (policy::limit).
// Not when  the elements are nodes already (intrusive_mpsc_queue, included here too), or the bound is a number of
//           elements and "full" is an answer you want (mpmc_ring, spsc_ring).
// Roles     try_push, close, is_closed: any thread. try_pop: the one consumer.
// Progress  try_push is lock-free. try_pop never waits, but a producer stopped in the middle of a push hides what was
//           pushed behind it until it goes on.
// Cost      O(1). Nodes come from slabs that double and are used again: after warm-up nothing is allocated; the memory
//           of the longest backlog stays until the queue dies. The consumer gives nodes back 32 at a time.
// Ordering  what a thread did before the try_push of a value happens-before what the consumer does after the try_pop of
//           it. Values of one producer keep their order.
// Close     after close() every try_push that has not begun answers closed; try_pop hands out what was accepted, to the
//           last value, and answers closed only then.
// Lifetime  destroy it when no other thread can call it; values left in it are destroyed.
//
// Policies, in any order, each at most once:
//   policy::atomics<A>  the atomics model                     default atomics::standard
//   policy::pages<P>    where slabs come from                 default heap_pages
//   policy::limit<N>    the most bytes of nodes; beyond: full default none but 2^31 nodes
// Source    D. Vyukov, "Non-intrusive MPSC node-based queue", 2010; the tagged free list is Treiber's stack (IBM,
// 1986).
#ifndef FRYS_QUEUE_MPSC_QUEUE_HPP
#define FRYS_QUEUE_MPSC_QUEUE_HPP

namespace frys::inline FRYS_ABI {

template <class T, class... Policies>
class mpsc_queue {
  using accepted = policy::keys<policy::atomics_key, policy::pages_key, policy::limit_key>;
  static_assert(
      accepted::template known<Policies...>,
      "frys::mpsc_queue: unknown policy; it takes policy::atomics, policy::pages, policy::limit and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::mpsc_queue: a policy is given twice; name each at most once");
  static_assert(queue_element<T>, "frys::mpsc_queue<T>: T must be an object type that moves and dies without throwing");

 public:
  using value_type = T;
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using pages_type = typename policy::pick<policy::pages<heap_pages>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::mpsc_queue: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(page_source<pages_type>, "frys::mpsc_queue: policy::pages wants a page source, see core/concepts.hpp");

  mpsc_queue() = default;
  mpsc_queue(const mpsc_queue&) = delete;
  mpsc_queue& operator=(const mpsc_queue&) = delete;
  ~mpsc_queue() {
    while (try_pop()) {
    }
    for (auto& s : slabs_) {
      // relaxed: nobody else is here any more
      if (node* nodes = s.load(std::memory_order_relaxed)) pages_type::release(slab_memory(nodes));
    }
  }

  // Any thread. On full (the limit is reached or the memory source refused) and closed the value is untouched.
  push_result try_push(T&& value) noexcept { return emplace(std::move(value)); }
  push_result try_push(const T& value) noexcept requires std::is_nothrow_copy_constructible_v<T> {
    return emplace(value);
  }

  // Any thread. Builds T(args...) in the queue, which must not throw.
  template <class... Args>
  requires std::is_nothrow_constructible_v<T, Args...> push_result emplace(Args&&... args)
  noexcept {
    node* n = nullptr;
    const push_result got = take_node(n);
    if (!got) return got;
    std::construct_at(&n->value, std::forward<Args>(args)...);
    n->next.store(nullptr, std::memory_order_relaxed);  // relaxed: published by the exchange and the store below
    // sync(mpsc_queue.last): acq_rel; release: whoever appends behind us sees our empty link before it overwrites it;
    // acquire: the other end of that. With relaxed our null could land on top of its link and cut the queue in two.
    node* before = last_.exchange(n, std::memory_order_acq_rel);
    // sync(mpsc_queue.link): release; the value is whole before the consumer can reach it.
    before->next.store(n, std::memory_order_release);
    return push_result::ok;
  }

  // Consumer only. Empty also while the next value's push is under way.
  pop_result<T> try_pop() noexcept {
    // sync(mpsc_queue.link): acquire; with relaxed the value could be read as it was before its constructor.
    node* n = first_->next.load(std::memory_order_acquire);
    if (n == nullptr) [[unlikely]] {
      give_back();
      return is_drained() ? pop_status::closed : pop_status::empty;
    }
    pop_result<T> out(std::in_place, std::move(n->value));
    std::destroy_at(&n->value);
    node* spent = first_;
    first_ = n;  // the value's node stays as the one that producers append to
    ++popped_;
    if (spent != &origin_) {
      spent->free_next.store(returns_, std::memory_order_relaxed);  // relaxed: published by give_back
      if (returned_count_ == 0) returns_end_ = spent;
      returns_ = spent->index;
      if (++returned_count_ == batch) give_back();
    }
    return out;
  }

  // Any thread; again is harmless.
  void close() noexcept {
    // sync(mpsc_queue.close): acq_rel; freezes both ways to get a node. A push that has a node already was accepted,
    // and the counters that stop here tell the consumer how many of those it will see.
    free_.fetch_or(closed_bit, std::memory_order_acq_rel);
    fresh_.fetch_or(closed_bit, std::memory_order_acq_rel);
  }
  // Any thread. Values may still come out.
  [[nodiscard]] bool is_closed() const noexcept {
    return (fresh_.load(std::memory_order_acquire) & closed_bit) != 0;  // sync(mpsc_queue.close): acquire
  }

  // Any thread. Nodes that slabs were cut into so far: the longest backlog, about.
  [[nodiscard]] std::size_t nodes() const noexcept {
    return static_cast<std::size_t>(fresh_.load(std::memory_order_relaxed) & ~closed_bit);  // relaxed: a number only
  }

 private:
  template <class U>
  using atomic = typename atomics_type::template atomic<U>;

  struct node {
    node() noexcept {}
    ~node() {}
    atomic<node*> next{nullptr};
    atomic<std::uint32_t> free_next{0};  // the index behind this one in the free list
    std::uint32_t index = 0;
    union {
      T value;
    };
  };

  static constexpr std::uint64_t closed_bit = std::uint64_t{1} << 63;
  static constexpr std::uint64_t tag_one = std::uint64_t{1} << 32;  // free_: index below, a count of takes, closed_bit
  static constexpr std::uint64_t tag_mask = closed_bit - tag_one;
  static constexpr std::uint32_t none = 0xffff'ffff;
  static constexpr unsigned batch = 32;

  // Slab k holds first_slab << k nodes; a prefix of the first one is skipped so that a slab's memory starts with its
  // span.
  static constexpr std::size_t align = (std::max)(alignof(node), alignof(byte_span));
  static constexpr std::size_t header = (sizeof(byte_span) + align - 1) / align * align;
  static constexpr std::size_t first_slab =
      std::bit_floor((std::max)(std::size_t{2}, (page_size - (std::min)(header, page_size / 2)) / sizeof(node)));
  static_assert(align <= page_size, "frys::mpsc_queue<T>: T must not be aligned beyond a page (4096 bytes)");
  using limit = typename policy::pick<policy::limit<(std::numeric_limits<std::size_t>::max)()>, Policies...>;
  static constexpr std::size_t most_nodes =
      (std::min)(limit::value / sizeof(node), static_cast<std::size_t>(std::uint32_t{1} << 31));
  static_assert(most_nodes > 0, "frys::mpsc_queue: policy::limit leaves no room for one node; name a larger one");
  static constexpr unsigned slab_count = 32;

  static constexpr unsigned slab_of(std::size_t index) noexcept {
    return static_cast<unsigned>(std::bit_width(index / first_slab + 1)) - 1;
  }
  static constexpr std::size_t slab_begin(unsigned slab) noexcept {
    return first_slab * ((std::size_t{1} << slab) - 1);
  }

  static byte_span slab_memory(node* nodes) noexcept {
    return *std::launder(reinterpret_cast<byte_span*>(reinterpret_cast<std::byte*>(nodes) - header));
  }
  node* at(std::size_t index) noexcept {
    const unsigned slab = slab_of(index);
    // sync(mpsc_queue.slab): acquire; the slab's nodes are built before one is used.
    return slabs_[slab].load(std::memory_order_acquire) + (index - slab_begin(slab));
  }

  // A node from the free list, else one that was never used.
  push_result take_node(node*& out) noexcept {
    // sync(mpsc_queue.free): acquire; the consumer has moved the old value out of the node before we build over it.
    std::uint64_t head = free_.load(std::memory_order_acquire);
    for (;;) {
      if ((head & closed_bit) != 0) return push_result::closed;
      const std::uint32_t index = static_cast<std::uint32_t>(head);
      if (index == none) return take_fresh(out);
      node* n = at(index);
      // relaxed: if the node was taken in between, then the tag differs and this value is thrown away.
      const std::uint64_t next = n->free_next.load(std::memory_order_relaxed);
      const std::uint64_t wanted = ((head + tag_one) & tag_mask) | next;
      if (free_.compare_exchange_weak(head, wanted, std::memory_order_acq_rel, std::memory_order_acquire)) {
        out = n;
        return push_result::ok;
      }
    }
  }

  FRYS_NOINLINE push_result take_fresh(node*& out) noexcept {
    std::uint64_t next = fresh_.load(std::memory_order_relaxed);  // relaxed: the slab's own acquire orders what matters
    for (;;) {
      if ((next & closed_bit) != 0) return push_result::closed;
      if (next >= most_nodes) return push_result::full;
      const std::size_t index = static_cast<std::size_t>(next);
      if (!ensure_slab(slab_of(index))) return push_result::full;
      // sync(mpsc_queue.close): acq_rel with close()'s fetch_or; after this the push counts as accepted.
      if (fresh_.compare_exchange_weak(next, next + 1, std::memory_order_acq_rel, std::memory_order_relaxed)) {
        out = at(index);
        out->index = static_cast<std::uint32_t>(index);
        return push_result::ok;
      }
    }
  }

  bool ensure_slab(unsigned slab) noexcept {
    if (slab >= slab_count) return false;
    // sync(mpsc_queue.slab): acquire; see at().
    if (slabs_[slab].load(std::memory_order_acquire) != nullptr) return true;
    const std::size_t begin = slab_begin(slab);
    const std::size_t count = (std::min)(first_slab << slab, most_nodes - begin);
    result<byte_span> memory = pages_type::allocate(header + count * sizeof(node));
    if (!memory) return slabs_[slab].load(std::memory_order_acquire) != nullptr;  // sync(mpsc_queue.slab), as above
    std::construct_at(reinterpret_cast<byte_span*>(memory->data()), *memory);
    node* nodes = reinterpret_cast<node*>(memory->data() + header);
    for (std::size_t i = 0; i < count; ++i) std::construct_at(nodes + i);
    node* other = nullptr;
    // sync(mpsc_queue.slab): release; acquire where another producer was faster.
    if (!slabs_[slab].compare_exchange_strong(other, nodes, std::memory_order_acq_rel, std::memory_order_acquire))
      pages_type::release(slab_memory(nodes));
    return true;
  }

  // Consumer: hands the collected nodes to the producers, in one exchange.
  void give_back() noexcept {
    if (returned_count_ == 0) return;
    std::uint64_t head = free_.load(std::memory_order_relaxed);  // relaxed: only linked behind, not followed
    std::uint64_t wanted = 0;
    do {
      // relaxed: published by the exchange
      returns_end_->free_next.store(static_cast<std::uint32_t>(head), std::memory_order_relaxed);
      wanted = (head & ~std::uint64_t{none}) | returns_;
      // sync(mpsc_queue.free): release; our moves out of these nodes are done before a producer can have one.
    } while (!free_.compare_exchange_weak(head, wanted, std::memory_order_release, std::memory_order_relaxed));
    returned_count_ = 0;
  }

  // Consumer: closed, and all that was accepted has come out. Counts modulo 2^31, which is the most nodes there can be.
  bool is_drained() const noexcept {
    // sync(mpsc_queue.close): acquire, both; the counters are final when both bits are set.
    const std::uint64_t fresh = fresh_.load(std::memory_order_acquire);
    const std::uint64_t head = free_.load(std::memory_order_acquire);
    if ((fresh & head & closed_bit) == 0) return false;
    const std::uint64_t taken = (fresh & ~closed_bit) + ((head & tag_mask) >> 32);
    return ((taken - popped_) & (tag_mask >> 32)) == 0;
  }

  // Written by producers.
  alignas(cache_line) atomic<node*> last_{&origin_};
  // Written by producers, and by the consumer once per batch.
  alignas(cache_line) atomic<std::uint64_t> free_{none};
  // Written while the queue grows, then only read.
  alignas(cache_line) atomic<std::uint64_t> fresh_{0};
  atomic<node*> slabs_[slab_count] = {};
  // The consumer's own.
  alignas(cache_line) node* first_ = &origin_;
  std::uint64_t popped_ = 0;
  node* returns_end_ = nullptr;
  std::uint32_t returns_ = none;
  unsigned returned_count_ = 0;
  node origin_;  // the first node that producers append to; has no value, never goes to the free list
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_MPSC_QUEUE_HPP
// ---- frys/sched/fwd.hpp
// fwd: the names of sched without their bodies.
#ifndef FRYS_SCHED_FWD_HPP
#define FRYS_SCHED_FWD_HPP

namespace frys::inline FRYS_ABI {

template <class T> class task;  // its default, void, stands in task.hpp
class task_scope;
struct frame_memory;
struct timer;
template <class... Policies> class timer_wheel;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_FWD_HPP
// ---- frys/sched/task.hpp
// task<T>: a coroutine that starts when it is awaited, and answers one T.
//
// Use when  a piece of work waits in the middle: for a socket, a timer, a group commit, another task.
// Not when  nothing waits (call a function), or many threads shall share one result.
// Threads   one at a time: a task runs where it is resumed; whoever awaits it continues where it ended.
// Cost      one frame per task through frame_memory; awaiting and returning transfer control without growing the stack
//           (g++ does so from -O2 on; below, each child that never waits nests one call until something waits).
// Lifetime  the task object owns the frame. Destroying it destroys a body that waits, and with it the awaiter it waits
//           in; a body that runs must not destroy its own task.
// Errors    an exception that leaves the body is kept and rethrown where the result is taken.
// Source    the shape of cppcoro's task (L. Baker) and P2300's lazy start.
#ifndef FRYS_SCHED_TASK_HPP
#define FRYS_SCHED_TASK_HPP

namespace frys::inline FRYS_ABI {

template <class T = void>
class task;
class task_scope;

// Where coroutine frames come from: one place for all promises of frys.
struct frame_memory {
  static void* allocate(std::size_t size) { return ::operator new(size); }
  static void release(void* memory, std::size_t size) noexcept { ::operator delete(memory, size); }
};

namespace detail {

struct task_access;

// What a scope or spawn does with the frame of a task that it owns, when the body has ended: destroys the frame and
// answers what runs next.
struct task_owner {
  std::coroutine_handle<> (*finish)(task_owner&, std::coroutine_handle<>, std::exception_ptr) noexcept = nullptr;
};

class promise_base {
 public:
  static void* operator new(std::size_t size) { return frame_memory::allocate(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { frame_memory::release(memory, size); }

  std::suspend_always initial_suspend() const noexcept { return {}; }
  void set_continuation(std::coroutine_handle<> next) noexcept { continuation_ = next; }

 protected:
  std::coroutine_handle<> continuation_ = nullptr;
};

// Runs what waits for the result.
struct final_transfer {
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
    return ended.promise().ended(ended);
  }
  void await_resume() const noexcept {}
};

template <class T>
class task_promise final : public promise_base {
 public:
  task_promise() noexcept {}
  task_promise(const task_promise&) = delete;
  task_promise& operator=(const task_promise&) = delete;
  ~task_promise() {
    if (state_ == state::value)
      std::destroy_at(std::addressof(value_));
    else if (state_ == state::failed)
      std::destroy_at(std::addressof(failure_));
  }

  task<T> get_return_object() noexcept;
  final_transfer final_suspend() const noexcept { return {}; }
  std::coroutine_handle<> ended(std::coroutine_handle<>) const noexcept { return continuation_; }

  template <class U = T>
  requires std::constructible_from<T, U>
  void return_value(U&& value) {
    std::construct_at(std::addressof(value_), std::forward<U>(value));
    state_ = state::value;
  }
  void unhandled_exception() noexcept {
    std::construct_at(std::addressof(failure_), std::current_exception());
    state_ = state::failed;
  }
  T take() {
    if (state_ == state::failed) rethrow();
    return std::move(value_);
  }

 private:
  enum class state : unsigned char { running, value, failed };
  [[noreturn]] FRYS_NOINLINE void rethrow() { std::rethrow_exception(failure_); }

  union {
    T value_;
    std::exception_ptr failure_;
  };
  state state_ = state::running;
};

template <>
class task_promise<void> final : public promise_base, public list_hook<> {
 public:
  task<void> get_return_object() noexcept;
  final_transfer final_suspend() const noexcept { return {}; }
  std::coroutine_handle<> ended(std::coroutine_handle<> self) noexcept {
    if (owner_ == nullptr) return continuation_;
    // The exception leaves the frame before the frame dies.
    return owner_->finish(*owner_, self, std::exchange(failure_, nullptr));
  }
  void return_void() const noexcept {}
  void unhandled_exception() noexcept { failure_ = std::current_exception(); }
  void take() {
    if (failure_ != nullptr) rethrow();
  }
  void set_owner(task_owner& owner) noexcept { owner_ = &owner; }

 private:
  [[noreturn]] FRYS_NOINLINE void rethrow() { std::rethrow_exception(std::exchange(failure_, nullptr)); }

  std::exception_ptr failure_ = nullptr;
  task_owner* owner_ = nullptr;
};

}  // namespace detail

template <class T>
class [[nodiscard]] task {
  static_assert(
      std::is_void_v<T> || (std::is_object_v<T> && std::is_move_constructible_v<T>),
      "frys::task<T>: T must be void or an object that can be moved; answer a pointer instead of a reference");

 public:
  using value_type = T;
  using promise_type = detail::task_promise<T>;

  task() = default;  // no coroutine: may only be assigned to or destroyed
  task(task&& other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
  task& operator=(task&& other) noexcept {
    if (this != &other) {
      reset();
      body_ = std::exchange(other.body_, nullptr);
    }
    return *this;
  }
  ~task() { reset(); }

  // Whether it holds a coroutine at all.
  explicit operator bool() const noexcept { return body_ != nullptr; }
  // Whether the body has ended; false for one that was never started.
  [[nodiscard]] bool done() const noexcept { return body_ != nullptr && body_.done(); }
  // Destroys the coroutine, wherever it waits. Not from within its own body.
  void reset() noexcept {
    if (body_ != nullptr) std::exchange(body_, nullptr).destroy();
  }

  // Awaiting starts the body; it may be done once. Answers T, or rethrows what the body threw.
  auto operator co_await() noexcept {
    struct awaiter {
      std::coroutine_handle<promise_type> body;
      bool await_ready() const noexcept { return body.done(); }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) const noexcept {
        body.promise().set_continuation(waiting);
        return body;
      }
      T await_resume() const { return body.promise().take(); }
    };
    FRYS_ASSERT(body_ != nullptr, "task: an empty task cannot be awaited");
    return awaiter{body_};
  }

 private:
  template <class>
  friend class detail::task_promise;
  friend struct detail::task_access;

  explicit task(std::coroutine_handle<promise_type> body) noexcept : body_(body) {}

  std::coroutine_handle<promise_type> body_ = nullptr;
};

namespace detail {

template <class T>
inline task<T> task_promise<T>::get_return_object() noexcept {
  return task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
}
inline task<void> task_promise<void>::get_return_object() noexcept {
  return task<void>(std::coroutine_handle<task_promise>::from_promise(*this));
}

// Takes the frame out of a task whose end belongs to `owner` from now on.
struct task_access {
  static std::coroutine_handle<task_promise<void>> take(task<void>& body, task_owner& owner) noexcept {
    FRYS_ASSERT(body.body_ != nullptr, "spawn: an empty task cannot be started");
    auto frame = std::exchange(body.body_, nullptr);
    frame.promise().set_owner(owner);
    return frame;
  }
};

struct no_owner : task_owner {
  constexpr no_owner() noexcept : task_owner{&destroy} {}
  static std::coroutine_handle<> destroy(task_owner&, std::coroutine_handle<> frame, std::exception_ptr e) noexcept {
    if (e != nullptr) std::terminate();  // nobody is left who could take it
    frame.destroy();
    return std::noop_coroutine();
  }
};

}  // namespace detail

// Starts `body` at once and lets it destroy itself at its end. Nobody owns it: one that never ends is never freed, and
// an exception that leaves it ends the program. Prefer task_scope.
inline void spawn(task<void> body) {
  static constinit detail::no_owner owner;
  detail::task_access::take(body, owner).resume();
}

// task_scope: owns tasks that nobody awaits one by one, and can be joined.
//
// Threads   one: spawn, join, the tasks' ends and the destructor all happen on the same thread.
// Lifetime  the destructor destroys the tasks that still wait, without running them on; it never blocks. To let them
//           end, `co_await scope.join()` first.
// Errors    the first exception that leaves a task is rethrown by join.
class task_scope : detail::task_owner {
 public:
  task_scope() noexcept : task_owner{&finished} {}
  task_scope(const task_scope&) = delete;
  task_scope& operator=(const task_scope&) = delete;
  ~task_scope() { cancel(); }

  // Starts `body` at once, on this thread, up to where it first waits.
  void spawn(task<void> body) {
    auto frame = detail::task_access::take(body, *this);
    live_.push_back(frame.promise());
    ++count_;
    frame.resume();
  }

  // Tasks that have not ended yet.
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

  // Destroys the tasks that still wait. Not from within one of them.
  void cancel() noexcept {
    while (promise* p = live_.pop_front()) {
      --count_;
      std::coroutine_handle<promise>::from_promise(*p).destroy();
    }
  }

  // Waits until every task has ended. One waiter at a time.
  auto join() noexcept {
    struct awaiter {
      task_scope& scope;
      bool waits = false;
      explicit awaiter(task_scope& s) noexcept : scope(s) {}
      awaiter(const awaiter&) = delete;
      awaiter& operator=(const awaiter&) = delete;
      ~awaiter() {
        if (waits) scope.joiner_ = nullptr;
      }
      bool await_ready() const noexcept { return scope.count_ == 0; }
      void await_suspend(std::coroutine_handle<> waiting) noexcept {
        FRYS_ASSERT(scope.joiner_ == nullptr, "task_scope::join: somebody waits already");
        scope.joiner_ = waiting;
        waits = true;
      }
      void await_resume() {
        waits = false;
        if (scope.failure_ != nullptr) std::rethrow_exception(std::exchange(scope.failure_, nullptr));
      }
    };
    return awaiter(*this);
  }

 private:
  using promise = detail::task_promise<void>;

  static std::coroutine_handle<> finished(detail::task_owner& owner, std::coroutine_handle<> frame,
                                          std::exception_ptr failure) noexcept {
    auto& self = static_cast<task_scope&>(owner);
    if (failure != nullptr && self.failure_ == nullptr) self.failure_ = std::move(failure);
    std::coroutine_handle<promise>::from_address(frame.address()).promise().unlink();
    frame.destroy();
    if (--self.count_ == 0 && self.joiner_ != nullptr) return std::exchange(self.joiner_, nullptr);
    return std::noop_coroutine();
  }

  intrusive_list<promise> live_;
  std::size_t count_ = 0;
  std::coroutine_handle<> joiner_ = nullptr;
  std::exception_ptr failure_ = nullptr;
};

namespace detail {

template <class R>
struct sync_state : task_owner {
  using slot = std::conditional_t<std::is_void_v<R>, char, std::optional<std::decay_t<R>>>;

  sync_state() noexcept : task_owner{&finished} {}
  static std::coroutine_handle<> finished(task_owner& owner, std::coroutine_handle<> frame,
                                          std::exception_ptr failure) noexcept {
    auto& self = static_cast<sync_state&>(owner);
    self.failure = std::move(failure);
    frame.destroy();
    self.done = true;
    self.sleeper.unpark();  // the last touch: the waiting thread may return and end this object's life
    return std::noop_coroutine();
  }
  std::conditional_t<std::is_void_v<R>, void, std::decay_t<R>> take() {
    if (failure != nullptr) std::rethrow_exception(std::exchange(failure, nullptr));
    if constexpr (!std::is_void_v<R>) return std::move(*value);
  }

  slot value{};
  std::exception_ptr failure = nullptr;
  bool done = false;
  parker<> sleeper;
};

template <class A, class R>
task<void> run_into(A& what, sync_state<R>& state) {
  if constexpr (std::is_void_v<R>)
    co_await static_cast<A&&>(what);
  else
    state.value.emplace(co_await static_cast<A&&>(what));
}

}  // namespace detail

// Starts `what` on this thread and sleeps until it has ended; answers its result or rethrows its exception. Not inside
// a coroutine, and not on the thread that has to run what it waits for: see the second form.
template <awaitable A>
auto sync_wait(A&& what) {
  detail::sync_state<await_result_t<A>> state;
  task<void> body = detail::run_into(what, state);
  detail::task_access::take(body, state).resume();
  state.sleeper.park();
  return state.take();
}

// The same on a thread that owns an event loop: runs the loop until `what` has ended.
template <class Loop, awaitable A>
requires requires(Loop& loop) { loop.run_once(deadline::never()); }
auto sync_wait(Loop& loop, A&& what) {
  detail::sync_state<await_result_t<A>> state;
  task<void> body = detail::run_into(what, state);
  detail::task_access::take(body, state).resume();
  while (!state.done) static_cast<void>(loop.run_once(deadline::never()));
  return state.take();
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_TASK_HPP
// ---- frys/net/fwd.hpp
// fwd: the names of net without their bodies.
#ifndef FRYS_NET_FWD_HPP
#define FRYS_NET_FWD_HPP

namespace frys::inline FRYS_ABI {

enum class resp_status : std::uint8_t;
enum class resp_kind : char;
struct resp_limits;
struct resp_event;
class resp_decoder;
struct resp_node;
struct resp_reply_limits;
struct resp_reply_event;
class resp_reply_decoder;
class resp_output;
template <class Output>
class resp_writer;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_NET_FWD_HPP
// ---- frys/net/detail/decimal.hpp
// decimal: 64-bit integers in and out of text, as RESP writes them.
#ifndef FRYS_NET_DETAIL_DECIMAL_HPP
#define FRYS_NET_DETAIL_DECIMAL_HPP

namespace frys::inline FRYS_ABI::detail {

// Strict: an optional '-', no '+', no leading zero, no space, no "-0", and within 64 bits. False leaves `value` alone.
inline bool parse_decimal(std::string_view text, std::int64_t& value) noexcept {
  const bool negative = !text.empty() && text.front() == '-';
  const std::size_t first = negative ? 1 : 0;
  const std::size_t digits = text.size() - first;
  if (digits == 0 || digits > 19) return false;
  if (text[first] == '0') {
    if (digits != 1 || negative) return false;
    value = 0;
    return true;
  }
  std::uint64_t magnitude = 0;  // 19 digits fit in 64 bits
  for (std::size_t i = first; i < text.size(); ++i) {
    const unsigned digit = static_cast<unsigned>(static_cast<unsigned char>(text[i])) - '0';
    if (digit > 9) return false;
    magnitude = magnitude * 10 + digit;
  }
  const std::uint64_t limit = std::uint64_t{1} << 63;
  if (magnitude > (negative ? limit : limit - 1)) return false;
  value = negative ? static_cast<std::int64_t>(~magnitude + 1) : static_cast<std::int64_t>(magnitude);
  return true;
}

inline constexpr std::size_t decimal_room = 20;  // characters of the longest 64-bit integer

// Writes at most decimal_room characters at `to`; answers the end.
inline char* write_decimal(char* to, std::uint64_t value) noexcept {
  char digits[decimal_room];
  std::size_t n = decimal_room;
  do {
    digits[--n] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  while (n < decimal_room) *to++ = digits[n++];
  return to;
}
inline char* write_decimal(char* to, std::int64_t value) noexcept {
  std::uint64_t magnitude = static_cast<std::uint64_t>(value);
  if (value < 0) {
    *to++ = '-';
    magnitude = ~magnitude + 1;
  }
  return write_decimal(to, magnitude);
}

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_NET_DETAIL_DECIMAL_HPP
// ---- frys/net/detail/growable.hpp
// growable: an array of trivially copyable elements that begins inside its owner and grows on the heap.
//
// Use when  a sans-I/O codec keeps a few pieces per message and must survive a message with a million.
// Cost      no allocation for the first `Inline` elements; then doubling. Out of memory is an answer, not an exception.
#ifndef FRYS_NET_DETAIL_GROWABLE_HPP
#define FRYS_NET_DETAIL_GROWABLE_HPP

namespace frys::inline FRYS_ABI::detail {

template <class T, std::size_t Inline>
class growable {
  static_assert(std::is_trivially_copyable_v<T> && Inline > 0,
                "frys: growable wants trivial elements and a first place");

 public:
  growable() noexcept {}
  growable(growable&& other) noexcept { take(other); }
  growable& operator=(growable&& other) noexcept {
    if (this != &other) {
      release();
      take(other);
    }
    return *this;
  }
  ~growable() { release(); }

  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }
  T& back() noexcept { return data_[size_ - 1]; }
  void pop_back() noexcept { --size_; }

  // False: out of memory, nothing changed.
  [[nodiscard]] bool push_back(const T& value) noexcept {
    if (size_ == capacity_ && !reserve(capacity_ * 2)) return false;
    ::new (static_cast<void*>(data_ + size_)) T(value);
    ++size_;
    return true;
  }
  [[nodiscard]] bool reserve(std::size_t wanted) noexcept {
    if (wanted <= capacity_) return true;
    if (wanted > static_cast<std::size_t>(-1) / 2 / sizeof(T)) return false;
    T* bigger = static_cast<T*>(::operator new(wanted * sizeof(T), std::nothrow));
    if (bigger == nullptr) return false;
    std::memcpy(static_cast<void*>(bigger), static_cast<const void*>(data_), size_ * sizeof(T));
    const std::size_t kept = size_;
    release();
    data_ = bigger;
    size_ = kept;
    capacity_ = wanted;
    return true;
  }
  // Empty again; memory beyond `keep` elements goes back, so that one huge message does not stay for ever.
  void clear(std::size_t keep) noexcept {
    size_ = 0;
    if (capacity_ > keep && capacity_ > Inline) release();
  }

 private:
  T* place() noexcept { return reinterpret_cast<T*>(inline_); }
  void release() noexcept {
    if (data_ != place()) ::operator delete(static_cast<void*>(data_));
    data_ = place();
    size_ = 0;
    capacity_ = Inline;
  }
  void take(growable& other) noexcept {
    if (other.data_ == other.place()) {
      std::memcpy(inline_, other.inline_, sizeof inline_);
    } else {
      data_ = other.data_;
      other.data_ = other.place();
    }
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, Inline);
  }

  T* data_ = place();
  std::size_t size_ = 0;
  std::size_t capacity_ = Inline;
  alignas(T) unsigned char inline_[Inline * sizeof(T)];
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_NET_DETAIL_GROWABLE_HPP
// ---- frys/net/resp_decoder.hpp
// resp_decoder: the server's side of RESP: bytes in, commands out. No I/O, no copy, at any split of the bytes.
//
// Use when  clients speak the Redis protocol (RESP2 or 3; commands look the same in both) or type inline commands.
// Not when  you are the client (resp_reply_decoder).
// Threads   one owner; an object per connection.
// Cost      one pass: what a call has read, no later call reads again, however small the pieces are. No allocation for
//           commands of up to 8 arguments; the memory of a longer one is kept up to 1,024 arguments.
// Lifetime  the arguments view the bytes given to decode (or, for a quoted inline argument, the decoder): until the
// next
//           call of decode, reset or the destructor, and as long as the bytes stay.
// Limits    every length is bounded by resp_limits before anything is kept. Like Redis, the decoder skips the two bytes
//           after a bulk without looking at them, and ignores arrays of no elements.
// Source    the Redis protocol specification; limits and texts as Redis 7.0 answers them.
#ifndef FRYS_NET_RESP_DECODER_HPP
#define FRYS_NET_RESP_DECODER_HPP

namespace frys::inline FRYS_ABI {

// What a peer may make us keep. All are bytes but max_args.
struct resp_limits {
  std::size_t max_bulk = std::size_t{512} << 20;   // one argument
  std::size_t max_args = std::size_t{1} << 20;     // arguments of one command
  std::size_t max_inline = std::size_t{64} << 10;  // an inline command, and any line with a length
  std::size_t max_command = std::size_t{1} << 30;  // a whole command
};

enum class resp_status : std::uint8_t {
  command,    // `args` holds one command, at least one argument
  need_more,  // nothing complete; call again with the same bytes (less `consumed`) and more behind them
  error,      // the peer broke the protocol: send "-ERR <message>\r\n" and close; every later call says the same
};

// What one call of decode found. In every case the caller drops `consumed` bytes from the front of its input.
struct resp_event {
  resp_status status;
  errc problem = errc::protocol_error;     // error: protocol_error, too_large or out_of_memory
  std::span<const std::string_view> args;  // command
  std::size_t consumed = 0;
  std::size_t needed = 0;    // need_more: a call with fewer bytes than this (after dropping) finds nothing new
  std::string_view message;  // error: one sentence as Redis words it; lives in the decoder
};

class resp_decoder {
 public:
  resp_decoder() noexcept = default;
  explicit resp_decoder(const resp_limits& limits) noexcept : limits_(limits) {}
  resp_decoder(resp_decoder&&) noexcept = default;
  resp_decoder& operator=(resp_decoder&&) noexcept = default;

  // `in` begins where the last event's `consumed` left off; its address may change between calls.
  [[nodiscard]] resp_event decode(byte_view in) noexcept;

  // Forgets half a command and any error, as for a new connection.
  void reset() noexcept {
    begin();
    message_size_ = 0;
  }
  // True when a command has begun and is not complete: an end of the stream here cuts it off.
  [[nodiscard]] bool in_command() const noexcept { return left_ != 0 || scan_ != 0 || needed_ != 0; }
  [[nodiscard]] const resp_limits& limits() const noexcept { return limits_; }

 private:
  static constexpr std::size_t no_bulk = static_cast<std::size_t>(-1);
  static constexpr std::size_t kept_args = 1024;
  enum class step : std::uint8_t { done, more, failed };

  resp_event advance(const char* base, std::size_t size) noexcept;
  step bulks(const char* base, std::size_t size) noexcept;
  step inline_command(const char* base, std::size_t size) noexcept;
  step split_line(std::string_view line) noexcept;
  bool quoted(std::string_view line, std::size_t& at) noexcept;
  step length_line(const char* base, std::size_t size, char type, std::int64_t& value) noexcept;
  step fail(errc problem, std::string_view message) noexcept;
  void begin() noexcept {
    args_.clear(kept_args);
    pos_ = scan_ = needed_ = left_ = kept_ = 0;
    bulk_ = no_bulk;
  }
  // The first kept_ arguments hold their offset in place of their address while no bytes are at hand.
  void keep_offsets(const char* base, std::size_t start) noexcept {
    for (; kept_ < args_.size(); ++kept_) {
      const std::size_t offset = static_cast<std::size_t>(args_[kept_].data() - base) - start;
      args_[kept_] = {reinterpret_cast<const char*>(static_cast<std::uintptr_t>(offset)), args_[kept_].size()};
    }
  }
  void restore_offsets(const char* base) noexcept {
    for (std::size_t i = 0; i < kept_; ++i)
      args_[i] = {base + reinterpret_cast<std::uintptr_t>(args_[i].data()), args_[i].size()};
    kept_ = 0;
  }

  std::size_t pos_ = 0;         // the next byte to read
  std::size_t scan_ = 0;        // bytes before this hold no line end; 0: nothing known
  std::size_t needed_ = 0;      // with fewer bytes there is nothing to do
  std::size_t left_ = 0;        // arguments still to come; 0 between commands
  std::size_t bulk_ = no_bulk;  // the length of the argument at pos_, once read
  std::size_t kept_ = 0;
  resp_limits limits_;
  detail::growable<std::string_view, 8> args_;
  detail::growable<char, 8> scratch_;  // inline arguments with their quotes taken off
  errc problem_ = errc::protocol_error;
  std::uint8_t message_size_ = 0;  // not 0: failed for good
  char message_[64];
};

inline resp_event resp_decoder::decode(byte_view in) noexcept {
  const char* base = reinterpret_cast<const char*>(in.data());
  const std::size_t size = in.size();
  if (size < needed_ || size == 0) [[unlikely]]
    return {.status = resp_status::need_more, .args = {}, .needed = needed_ != 0 ? needed_ : 1, .message = {}};
  return advance(base, size);
}

inline resp_event resp_decoder::advance(const char* base, std::size_t size) noexcept {
  std::size_t start = 0;  // where the command begins; moves over empty ones
  step outcome = step::failed;
  if (message_size_ == 0) {
    if (left_ == 0 && scan_ == 0) begin();
    for (;;) {
      if (left_ != 0 || base[pos_] == '*')
        outcome = bulks(base, size);
      else
        outcome = inline_command(base, size);
      if (outcome != step::done || args_.size() != 0) break;
      start = pos_;  // an empty array or line: no command, no answer
      scan_ = 0;
      if (start == size) {
        begin();
        return {.status = resp_status::need_more, .args = {}, .consumed = start, .needed = 1, .message = {}};
      }
    }
  }
  switch (outcome) {
    case step::done: {
      restore_offsets(base);
      const std::size_t consumed = pos_;
      pos_ = scan_ = needed_ = 0;
      return {
          .status = resp_status::command, .args = {args_.data(), args_.size()}, .consumed = consumed, .message = {}};
    }
    case step::more:
      keep_offsets(base, start);
      pos_ -= start;
      if (scan_ != 0) scan_ -= start;
      needed_ -= start;
      return {.status = resp_status::need_more, .args = {}, .consumed = start, .needed = needed_, .message = {}};
    case step::failed:
      break;
  }
  return {.status = resp_status::error, .problem = problem_, .args = {}, .message = {message_, message_size_}};
}

// Reads "<type><decimal>\r\n" at pos_ and moves behind it.
inline resp_decoder::step resp_decoder::length_line(const char* base, std::size_t size, char type,
                                                    std::int64_t& value) noexcept {
  // The usual case: all there, at most nine digits.
  if (base[pos_] == type) [[likely]] {
    const std::size_t first = pos_ + 1;
    const std::size_t stop = size - first > 9 ? first + 9 : size;
    std::uint32_t number = 0;
    std::size_t at = first;
    for (; at < stop; ++at) {
      const unsigned digit = static_cast<unsigned>(static_cast<unsigned char>(base[at])) - '0';
      if (digit > 9) break;
      number = number * 10 + digit;
    }
    if (at + 1 < size && base[at] == '\r' && at != first && (base[first] != '0' || at == first + 1)) [[likely]] {
      value = number;
      pos_ = at + 2;
      return step::done;
    }
  }
  const std::size_t from = scan_ > pos_ ? scan_ : pos_;
  const void* found = from < size ? std::memchr(base + from, '\r', size - from) : nullptr;
  const std::size_t end = found != nullptr ? static_cast<std::size_t>(static_cast<const char*>(found) - base) : size;
  if (end - pos_ > limits_.max_inline)
    return fail(errc::too_large, type == '*' ? std::string_view("Protocol error: too big mbulk count string")
                                             : std::string_view("Protocol error: too big bulk count string"));
  if (end + 1 >= size) {  // the line end and the byte behind it must be there
    scan_ = end;
    needed_ = size + 1;
    return step::more;
  }
  if (base[pos_] != type) {
    char text[] = "Protocol error: expected '$', got ' '";
    const char got = base[pos_];
    if (got != '\r' && got != '\n' && got != '\0') text[sizeof text - 3] = got;
    return fail(errc::protocol_error, {text, sizeof text - 1});
  }
  if (!detail::parse_decimal({base + pos_ + 1, end - pos_ - 1}, value))
    return fail(errc::protocol_error, type == '*' ? std::string_view("Protocol error: invalid multibulk length")
                                                  : std::string_view("Protocol error: invalid bulk length"));
  pos_ = end + 2;
  return step::done;
}

inline resp_decoder::step resp_decoder::bulks(const char* base, std::size_t size) noexcept {
  std::int64_t value = 0;
  if (left_ == 0) {
    if (const step s = length_line(base, size, '*', value); s != step::done) return s;
    if (value <= 0) return step::done;
    if (static_cast<std::uint64_t>(value) > limits_.max_args)
      return fail(errc::too_large, "Protocol error: invalid multibulk length");
    left_ = static_cast<std::size_t>(value);
  }
  while (left_ != 0) {
    if (bulk_ == no_bulk) {
      if (pos_ >= size) {
        needed_ = pos_ + 1;
        return step::more;
      }
      if (const step s = length_line(base, size, '$', value); s != step::done) return s;
      if (value < 0) return fail(errc::protocol_error, "Protocol error: invalid bulk length");
      if (static_cast<std::uint64_t>(value) > limits_.max_bulk)
        return fail(errc::too_large, "Protocol error: invalid bulk length");
      if (pos_ > limits_.max_command || static_cast<std::size_t>(value) > limits_.max_command - pos_)
        return fail(errc::too_large, "Protocol error: too big command");
      bulk_ = static_cast<std::size_t>(value);
    }
    if (size < bulk_ + 2 || size - bulk_ - 2 < pos_) {
      needed_ = pos_ + bulk_ + 2;
      return step::more;
    }
    if (!args_.push_back({base + pos_, bulk_})) return fail(errc::out_of_memory, "Protocol error: out of memory");
    pos_ += bulk_ + 2;
    bulk_ = no_bulk;
    --left_;
  }
  return step::done;
}

inline resp_decoder::step resp_decoder::inline_command(const char* base, std::size_t size) noexcept {
  const std::size_t from = scan_ > pos_ ? scan_ : pos_;
  const void* found = from < size ? std::memchr(base + from, '\n', size - from) : nullptr;
  const std::size_t end = found != nullptr ? static_cast<std::size_t>(static_cast<const char*>(found) - base) : size;
  if (end - pos_ > limits_.max_inline) return fail(errc::too_large, "Protocol error: too big inline request");
  if (found == nullptr) {
    scan_ = size;
    needed_ = size + 1;
    return step::more;
  }
  std::string_view line(base + pos_, end - pos_);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  pos_ = end + 1;
  return split_line(line);
}

namespace detail {
constexpr bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }
constexpr int hex_digit(char c) noexcept {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}
}  // namespace detail

// Redis' rules for a typed line: words between spaces; "..." with \n \r \t \b \a \xHH and \<any>; '...' with \' only; a
// closing quote ends its word. A zero byte ends the line.
inline resp_decoder::step resp_decoder::split_line(std::string_view line) noexcept {
  line = line.substr(0, line.find('\0'));
  scratch_.clear(kept_args);
  // No word grows when its quotes come off, so the views into the scratch stay valid.
  if (line.find_first_of("\"'") != std::string_view::npos && !scratch_.reserve(line.size()))
    return fail(errc::out_of_memory, "Protocol error: out of memory");
  std::size_t at = 0;
  for (;;) {
    while (at < line.size() && detail::is_space(line[at])) ++at;
    if (at == line.size()) return step::done;
    const std::size_t plain = at;
    const auto ends_word = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
    while (at < line.size() && !ends_word(line[at]) && line[at] != '"' && line[at] != '\'') ++at;
    std::string_view word = line.substr(plain, at - plain);
    if (at < line.size() && !ends_word(line[at])) {
      const std::size_t begin_at = scratch_.size();
      for (const char c : word) (void)scratch_.push_back(c);
      if (!quoted(line, at)) return fail(errc::protocol_error, "Protocol error: unbalanced quotes in request");
      word = {scratch_.data() + begin_at, scratch_.size() - begin_at};
    }
    if (args_.size() == limits_.max_args || !args_.push_back(word))
      return fail(errc::too_large, "Protocol error: too big inline request");
  }
}

// Appends what stands in the quotes at `at` to the scratch; false unless they close at a word's end.
inline bool resp_decoder::quoted(std::string_view line, std::size_t& at) noexcept {
  const char quote = line[at++];
  while (at < line.size()) {
    char c = line[at];
    if (c == quote) {
      ++at;
      return at == line.size() || detail::is_space(line[at]);
    }
    if (c == '\\' && at + 1 < line.size()) {
      const char next = line[at + 1];
      if (quote == '\'') {
        if (next == '\'') {
          c = next;
          ++at;
        }
      } else if (next == 'x' && at + 3 < line.size() && detail::hex_digit(line[at + 2]) >= 0 &&
                 detail::hex_digit(line[at + 3]) >= 0) {
        c = static_cast<char>(detail::hex_digit(line[at + 2]) * 16 + detail::hex_digit(line[at + 3]));
        at += 3;
      } else {
        c = next == 'n'   ? '\n'
            : next == 'r' ? '\r'
            : next == 't' ? '\t'
            : next == 'b' ? '\b'
            : next == 'a' ? '\a'
                          : next;
        ++at;
      }
    }
    (void)scratch_.push_back(c);
    ++at;
  }
  return false;
}

FRYS_NOINLINE inline resp_decoder::step resp_decoder::fail(errc problem, std::string_view message) noexcept {
  problem_ = problem;
  const std::size_t n = message.size() < sizeof message_ ? message.size() : sizeof message_;
  std::memcpy(message_, message.data(), n);
  message_size_ = static_cast<std::uint8_t>(n);
  return step::failed;
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_NET_RESP_DECODER_HPP
// ---- frys/net/resp_output.hpp
// resp_output: a growing run of bytes that replies are written into and that leaves in one piece.
//
// Use when  a connection gathers its replies and sends them once per loop.
// Threads   one owner.
// Cost      amortised O(1) per byte; the memory is kept over clear(), up to `keep` bytes.
// Errors    out of memory sets failed(), and grow answers nullptr until clear(); what was written before stays.
#ifndef FRYS_NET_RESP_OUTPUT_HPP
#define FRYS_NET_RESP_OUTPUT_HPP

namespace frys::inline FRYS_ABI {

class resp_output {
 public:
  resp_output() noexcept = default;
  resp_output(resp_output&& other) noexcept { *this = std::move(other); }
  resp_output& operator=(resp_output&& other) noexcept {
    if (this != &other) {
      ::operator delete(data_);
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
      capacity_ = std::exchange(other.capacity_, 0);
      failed_ = std::exchange(other.failed_, false);
    }
    return *this;
  }
  ~resp_output() { ::operator delete(data_); }

  // Room for at least n more bytes; nullptr when out of memory. Valid until the next call of grow.
  [[nodiscard]] char* grow(std::size_t n) noexcept {
    if (capacity_ - size_ < n) [[unlikely]]
      if (!enlarge(n)) return nullptr;
    return data_ + size_;
  }
  // Says that n bytes of the room were written.
  void commit(std::size_t n) noexcept {
    FRYS_ASSERT(n <= capacity_ - size_, "resp_output::commit of more than grow gave");
    size_ += n;
  }
  void append(std::string_view bytes) noexcept {
    char* const to = grow(bytes.size());
    if (to == nullptr || bytes.empty()) return;
    std::memcpy(to, bytes.data(), bytes.size());
    commit(bytes.size());
  }

  [[nodiscard]] std::string_view text() const noexcept { return {data_, size_}; }
  [[nodiscard]] byte_view view() const noexcept { return as_bytes(text()); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  // Takes back what was written behind `size` bytes.
  void truncate(std::size_t size) noexcept {
    if (size < size_) size_ = size;
  }
  // Empty again. More than `keep` bytes of memory go back.
  void clear(std::size_t keep = std::size_t{64} << 10) noexcept {
    size_ = 0;
    failed_ = false;
    if (capacity_ > keep) {
      ::operator delete(std::exchange(data_, nullptr));
      capacity_ = 0;
    }
  }

 private:
  FRYS_NOINLINE bool enlarge(std::size_t n) noexcept {
    const std::size_t most = static_cast<std::size_t>(-1) / 2;
    std::size_t wanted = capacity_ < 256 ? 512 : capacity_ * 2;
    char* bigger = nullptr;
    if (!failed_ && n < most - size_ && size_ < most / 2) {
      if (wanted < size_ + n) wanted = size_ + n;
      bigger = static_cast<char*>(::operator new(wanted, std::nothrow));
    }
    if (bigger == nullptr) {
      failed_ = true;
      return false;
    }
    if (size_ != 0) std::memcpy(bigger, data_, size_);
    ::operator delete(data_);
    data_ = bigger;
    capacity_ = wanted;
    return true;
  }

  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  bool failed_ = false;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_NET_RESP_OUTPUT_HPP
// ---- frys/net/resp_reply.hpp
// resp_reply: the client's side of RESP: bytes in, replies out, RESP2 and RESP3. No I/O, no copy, at any split.
//
// Use when  a client, a proxy or a test reads what a Redis-like server answers.
// Not when  you are the server (resp_decoder reads its commands).
// Shape     one reply is a flat list of nodes in reading order, parents before children; skip() steps over one whole
// node. Threads   one owner; an object per connection. Cost      one pass, however small the pieces are; no allocation
// for replies of up to 8 nodes. Lifetime  texts view the bytes given to decode: until the next call, and as long as the
// bytes stay. Limits    depth, number of nodes and every length are bounded by resp_reply_limits. Streamed RESP3 values
// ("$?") are
//           refused.
// Source    the RESP3 specification (github.com/redis/redis-specifications, protocol/RESP3.md).
#ifndef FRYS_NET_RESP_REPLY_HPP
#define FRYS_NET_RESP_REPLY_HPP

namespace frys::inline FRYS_ABI {

// The types of RESP3, named by their first byte. RESP2's "$-1" and "*-1" are null.
enum class resp_kind : char {
  simple = '+',      // text
  error = '-',       // text
  integer = ':',     // number
  bulk = '$',        // text
  array = '*',       // number = children
  null = '_',        // -
  boolean = '#',     // number = 0 or 1
  real = ',',        // text; as_real()
  big_number = '(',  // text
  bulk_error = '!',  // text
  verbatim = '=',    // text without its three-letter format, which is the three bytes before text.data() - 1
  map = '%',         // number = children: keys and values alternate
  set = '~',         // number = children
  push = '>',        // number = children; may stand between replies
  attribute = '|',   // number = children; the value it belongs to follows and is not its child
};

struct resp_node {
  resp_kind kind = resp_kind::null;
  std::string_view text;
  std::int64_t number = 0;

  [[nodiscard]] bool is_aggregate() const noexcept {
    return kind == resp_kind::array || kind == resp_kind::map || kind == resp_kind::set || kind == resp_kind::push ||
           kind == resp_kind::attribute;
  }
  [[nodiscard]] bool is_error() const noexcept { return kind == resp_kind::error || kind == resp_kind::bulk_error; }
  // The value of a real or of any text or number that reads as one; errc::invalid_argument otherwise.
  [[nodiscard]] result<double> as_real() const noexcept {
    if (kind == resp_kind::integer) return static_cast<double>(number);
    double value = 0;
    const char* end = text.data() + text.size();
    const std::from_chars_result read = std::from_chars(text.data(), end, value);
    if (read.ec == std::errc{} && read.ptr == end && !text.empty()) return value;
    return error{errc::invalid_argument, domain::net, "not a floating-point number", 0};
  }
};

// The index of the node behind the whole of node `at`, its children and theirs included.
[[nodiscard]] inline std::size_t resp_skip(std::span<const resp_node> nodes, std::size_t at) noexcept {
  std::uint64_t open = 1;
  while (at < nodes.size() && open != 0) {
    const resp_node& node = nodes[at++];
    if (node.kind == resp_kind::attribute) open += 1;  // the value behind it counts as part of it
    open += (node.is_aggregate() ? static_cast<std::uint64_t>(node.number) : 0);
    --open;
  }
  return at;
}

struct resp_reply_limits {
  std::size_t max_bulk = std::size_t{512} << 20;  // bytes of one text
  std::size_t max_line = std::size_t{64} << 10;   // bytes of a line: simple text, error, number
  std::size_t max_nodes = std::size_t{16} << 20;  // nodes of one reply
  std::size_t max_depth = 64;                     // aggregates within aggregates
};

// What one call of decode found; the caller drops `consumed` bytes from the front of its input.
struct resp_reply_event {
  resp_status status;  // command means: one whole reply
  errc problem = errc::protocol_error;
  std::span<const resp_node> nodes;  // the reply, at least one node
  std::size_t consumed = 0;
  std::size_t needed = 0;    // need_more: a call with fewer bytes than this finds nothing new
  const char* message = "";  // error: one sentence

  [[nodiscard]] bool is_reply() const noexcept { return status == resp_status::command; }
};

class resp_reply_decoder {
 public:
  resp_reply_decoder() noexcept = default;
  explicit resp_reply_decoder(const resp_reply_limits& limits) noexcept : limits_(limits) {}

  // `in` begins where the last event's `consumed` left off; its address may change between calls.
  [[nodiscard]] resp_reply_event decode(byte_view in) noexcept;

  // Forgets half a reply and any error.
  void reset() noexcept {
    begin();
    message_ = nullptr;
  }

 private:
  enum class step : std::uint8_t { done, more, failed };

  void begin() noexcept {
    nodes_.clear(1024);
    open_.clear(64);
    pos_ = scan_ = needed_ = kept_ = 0;
    in_bulk_ = false;
  }
  step run(const char* base, std::size_t size) noexcept;
  step line(const char* base, std::size_t size, std::string_view& text) noexcept;
  step bulk(const char* base, std::size_t size) noexcept;
  step node(const resp_node& made) noexcept;
  step aggregate(resp_kind kind, std::int64_t count) noexcept;
  step fail(errc problem, const char* message) noexcept {
    problem_ = problem;
    message_ = message;
    return step::failed;
  }

  std::size_t pos_ = 0;
  std::size_t scan_ = 0;
  std::size_t needed_ = 0;
  std::size_t kept_ = 0;  // nodes whose text holds an offset in place of an address
  bool in_bulk_ = false;  // the last node is a bulk whose bytes are still to come; its text.size() is known
  resp_reply_limits limits_;
  detail::growable<resp_node, 8> nodes_;
  detail::growable<std::uint64_t, 8> open_;  // children still to come, outermost first
  errc problem_ = errc::protocol_error;
  const char* message_ = nullptr;
};

inline resp_reply_event resp_reply_decoder::decode(byte_view in) noexcept {
  const char* base = reinterpret_cast<const char*>(in.data());
  const std::size_t size = in.size();
  if (message_ == nullptr) {
    if (size == 0 || size < needed_)
      return {.status = resp_status::need_more, .nodes = {}, .needed = needed_ != 0 ? needed_ : 1};
    if (needed_ == 0) begin();  // the last reply, if any, was given out
    const step outcome = run(base, size);
    if (outcome == step::done) {
      for (std::size_t i = 0; i < kept_; ++i)
        nodes_[i].text = {base + reinterpret_cast<std::uintptr_t>(nodes_[i].text.data()), nodes_[i].text.size()};
      kept_ = 0;
      needed_ = 0;
      return {.status = resp_status::command, .nodes = {nodes_.data(), nodes_.size()}, .consumed = pos_};
    }
    if (outcome == step::more) {
      for (; kept_ < nodes_.size(); ++kept_) {
        std::string_view& text = nodes_[kept_].text;
        const std::size_t offset = text.data() == nullptr ? 0 : static_cast<std::size_t>(text.data() - base);
        text = {reinterpret_cast<const char*>(static_cast<std::uintptr_t>(offset)), text.size()};
      }
      return {.status = resp_status::need_more, .nodes = {}, .needed = needed_};
    }
  }
  return {.status = resp_status::error, .problem = problem_, .nodes = {}, .message = message_};
}

// Finds the line at pos_ (behind its type byte): `text` without its end, pos_ moved behind it.
inline resp_reply_decoder::step resp_reply_decoder::line(const char* base, std::size_t size,
                                                         std::string_view& text) noexcept {
  const std::size_t from = scan_ > pos_ ? scan_ : pos_;
  const void* found = from < size ? std::memchr(base + from, '\r', size - from) : nullptr;
  const std::size_t end = found != nullptr ? static_cast<std::size_t>(static_cast<const char*>(found) - base) : size;
  if (end - pos_ > limits_.max_line) return fail(errc::too_large, "a line is longer than the limit");
  if (end + 1 >= size) {
    scan_ = end;
    needed_ = size + 1;
    return step::more;
  }
  if (base[end + 1] != '\n') return fail(errc::protocol_error, "a line does not end in CR LF");
  text = {base + pos_ + 1, end - pos_ - 1};
  pos_ = end + 2;
  return step::done;
}

inline resp_reply_decoder::step resp_reply_decoder::node(const resp_node& made) noexcept {
  if (nodes_.size() >= limits_.max_nodes) return fail(errc::too_large, "a reply has more nodes than the limit");
  if (!nodes_.push_back(made)) return fail(errc::out_of_memory, "no memory for the nodes of a reply");
  return step::done;
}

inline resp_reply_decoder::step resp_reply_decoder::aggregate(resp_kind kind, std::int64_t count) noexcept {
  const bool pairs = kind == resp_kind::map || kind == resp_kind::attribute;
  if (count < 0 || static_cast<std::uint64_t>(count) > limits_.max_nodes / (pairs ? 2 : 1))
    return fail(errc::too_large, "an aggregate has more elements than the limit");
  const std::int64_t children = pairs ? count * 2 : count;
  if (const step s = node({.kind = kind, .text = {}, .number = children}); s != step::done) return s;
  if (children != 0 && open_.size() > limits_.max_depth) return fail(errc::too_large, "a reply is nested deeper than the limit");
  // An attribute leaves one more child to its parent, which makes up for its own place.
  if (kind == resp_kind::attribute) ++open_.back();
  if (children != 0 && !open_.push_back(static_cast<std::uint64_t>(children)))
    return fail(errc::out_of_memory, "no memory for the depth of a reply");
  return step::done;
}

inline resp_reply_decoder::step resp_reply_decoder::bulk(const char* base, std::size_t size) noexcept {
  std::string_view& text = nodes_.back().text;
  const std::size_t length = text.size();
  if (size < length + 2 || size - length - 2 < pos_) {
    needed_ = pos_ + length + 2;
    return step::more;
  }
  if (base[pos_ + length] != '\r' || base[pos_ + length + 1] != '\n')
    return fail(errc::protocol_error, "a bulk does not end in CR LF");
  text = {base + pos_, length};
  if (kept_ == nodes_.size()) --kept_;  // it has an address now
  if (nodes_.back().kind == resp_kind::verbatim) {
    if (length < 4 || text[3] != ':') return fail(errc::protocol_error, "a verbatim text has no format");
    text.remove_prefix(4);
  }
  pos_ += length + 2;
  in_bulk_ = false;
  return step::done;
}

inline resp_reply_decoder::step resp_reply_decoder::run(const char* base, std::size_t size) noexcept {
  if (nodes_.size() == 0 && open_.size() == 0 && !open_.push_back(1))
    return fail(errc::out_of_memory, "no memory for the depth of a reply");
  while (open_.size() != 0) {
    if (in_bulk_) {
      if (const step s = bulk(base, size); s != step::done) return s;
    } else {
      if (open_.back() == 0) {
        open_.pop_back();
        continue;
      }
      if (pos_ >= size) {
        needed_ = pos_ + 1;
        return step::more;
      }
      const resp_kind kind = static_cast<resp_kind>(base[pos_]);
      switch (kind) {  // before the line is complete: rubbish must not make us wait for more of it
        case resp_kind::simple:
        case resp_kind::error:
        case resp_kind::integer:
        case resp_kind::bulk:
        case resp_kind::array:
        case resp_kind::null:
        case resp_kind::boolean:
        case resp_kind::real:
        case resp_kind::big_number:
        case resp_kind::bulk_error:
        case resp_kind::verbatim:
        case resp_kind::map:
        case resp_kind::set:
        case resp_kind::push:
        case resp_kind::attribute:
          break;
        default:
          return fail(errc::protocol_error, "a reply begins with an unknown type byte");
      }
      std::string_view text;
      if (const step s = line(base, size, text); s != step::done) return s;
      --open_.back();
      step s = step::done;
      std::int64_t number = 0;
      switch (kind) {
        case resp_kind::simple:
        case resp_kind::error:
        case resp_kind::real:
        case resp_kind::big_number:
          s = node({.kind = kind, .text = text});
          break;
        case resp_kind::integer:
          if (!detail::parse_decimal(text, number)) return fail(errc::protocol_error, "an integer is malformed");
          s = node({.kind = kind, .text = text, .number = number});
          break;
        case resp_kind::null:
          if (!text.empty()) return fail(errc::protocol_error, "a null is malformed");
          s = node({.kind = kind, .text = {}});
          break;
        case resp_kind::boolean:
          if (text != "t" && text != "f") return fail(errc::protocol_error, "a boolean is malformed");
          s = node({.kind = kind, .text = text, .number = text == "t"});
          break;
        default: {
          if (!detail::parse_decimal(text, number)) return fail(errc::protocol_error, "a length is malformed");
          if (number == -1 && (kind == resp_kind::bulk || kind == resp_kind::array)) {
            s = node({.kind = resp_kind::null, .text = {}});
            break;
          }
          if (kind != resp_kind::bulk && kind != resp_kind::bulk_error && kind != resp_kind::verbatim) {
            s = aggregate(kind, number);
            break;
          }
          if (number < 0) return fail(errc::protocol_error, "a length is malformed");
          if (static_cast<std::uint64_t>(number) > limits_.max_bulk)
            return fail(errc::too_large, "a bulk is longer than the limit");
          s = node({.kind = kind, .text = {base + pos_, static_cast<std::size_t>(number)}});
          in_bulk_ = true;
          break;
        }
      }
      if (s != step::done) return s;
    }
    while (!in_bulk_ && open_.size() != 0 && open_.back() == 0) open_.pop_back();
  }
  return step::done;
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_NET_RESP_REPLY_HPP
// ---- frys/net/resp_writer.hpp
// resp_writer: replies out, RESP2 or RESP3, appended to an output of the caller's choice.
//
// Use when  a server answers resp_decoder's commands, or a client writes commands (array + bulk).
// Shape     one call, one value; after array(n), map(n), set(n) or push(n) the caller writes the n elements (2n for a
// map). RESP2     has no null, map, set, push, boolean or double of its own: map is an array of 2n, set and push are
// arrays,
//           a boolean is :1 or :0, a double and a big number are bulks, a null is $-1, as Redis answers.
// Cost      each value asks the output once for room and writes in place.
// Errors    none here: an output that has no room answers nullptr from grow and remembers it (resp_output::failed).
#ifndef FRYS_NET_RESP_WRITER_HPP
#define FRYS_NET_RESP_WRITER_HPP

namespace frys::inline FRYS_ABI {

// Where replies go: grow(n) answers room for at least n more characters behind what is there, or nullptr; commit(n)
// says how many of them were written.
template <class O>
concept resp_sink = requires(O& out, std::size_t n) {
  { out.grow(n) } -> std::same_as<char*>;
  {out.commit(n)};
};

template <class Output>
class resp_writer {
  static_assert(resp_sink<Output>,
                "frys::resp_writer<Output>: Output must offer char* grow(size_t) and commit(size_t), like resp_output");

 public:
  // `out` must outlive the writer. `protocol` is 2 or 3.
  explicit resp_writer(Output& out, int protocol = 2) noexcept : out_(&out), resp3_(protocol == 3) {}

  [[nodiscard]] int protocol() const noexcept { return resp3_ ? 3 : 2; }
  void set_protocol(int protocol) noexcept { resp3_ = protocol == 3; }
  Output& output() noexcept { return *out_; }

  // "+OK"; the text must hold no line end.
  void simple(std::string_view text) { line('+', text); }
  void ok() { raw("+OK\r\n"); }
  // "-ERR ..."; the text begins with its code. Line ends in it become spaces.
  void error(std::string_view text) {
    char* const to = out_->grow(text.size() + 3);
    if (to == nullptr) return;
    to[0] = '-';
    for (std::size_t i = 0; i < text.size(); ++i) to[1 + i] = text[i] == '\r' || text[i] == '\n' ? ' ' : text[i];
    std::memcpy(to + 1 + text.size(), "\r\n", 2);
    out_->commit(text.size() + 3);
  }
  void integer(std::int64_t value) { header(':', value); }
  void bulk(std::string_view text) {
    char* const start = out_->grow(text.size() + detail::decimal_room + 5);
    if (start == nullptr) return;
    char* to = start;
    *to++ = '$';
    to = detail::write_decimal(to, static_cast<std::uint64_t>(text.size()));
    *to++ = '\r';
    *to++ = '\n';
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    to += text.size();
    *to++ = '\r';
    *to++ = '\n';
    out_->commit(static_cast<std::size_t>(to - start));
  }
  // An integer's digits as a bulk, as many commands answer numbers.
  void bulk_integer(std::int64_t value) {
    char digits[detail::decimal_room];
    bulk({digits, static_cast<std::size_t>(detail::write_decimal(digits, value) - digits)});
  }
  void null() { raw(resp3_ ? std::string_view("_\r\n") : std::string_view("$-1\r\n")); }
  void null_array() { raw(resp3_ ? std::string_view("_\r\n") : std::string_view("*-1\r\n")); }
  void array(std::size_t elements) { header('*', static_cast<std::int64_t>(elements)); }
  void map(std::size_t pairs) { header(resp3_ ? '%' : '*', static_cast<std::int64_t>(resp3_ ? pairs : pairs * 2)); }
  void set(std::size_t elements) { header(resp3_ ? '~' : '*', static_cast<std::int64_t>(elements)); }
  void push(std::size_t elements) { header(resp3_ ? '>' : '*', static_cast<std::int64_t>(elements)); }
  void boolean(bool value) {
    if (resp3_)
      raw(value ? std::string_view("#t\r\n") : std::string_view("#f\r\n"));
    else
      integer(value ? 1 : 0);
  }
  // The shortest digits that read back as the same value; inf, -inf, nan.
  void real(double value) {
    char digits[32];
    const std::string_view text(digits, write_real(digits, value));
    if (resp3_)
      line(',', text);
    else
      bulk(text);
  }
  void big_number(std::string_view digits) {
    if (resp3_)
      line('(', digits);
    else
      bulk(digits);
  }
  // `format` is three letters, "txt" or "mkd".
  void verbatim(std::string_view format, std::string_view text) {
    if (!resp3_) return bulk(text);
    header('=', static_cast<std::int64_t>(text.size() + 4));
    raw(format.substr(0, 3));
    raw(":");
    raw(text);
    raw("\r\n");
  }
  // Bytes that are RESP already.
  void raw(std::string_view bytes) {
    char* const to = out_->grow(bytes.size());
    if (to == nullptr || bytes.empty()) return;
    std::memcpy(to, bytes.data(), bytes.size());
    out_->commit(bytes.size());
  }

 private:
  void line(char type, std::string_view text) {
    char* const to = out_->grow(text.size() + 3);
    if (to == nullptr) return;
    to[0] = type;
    if (!text.empty()) std::memcpy(to + 1, text.data(), text.size());
    std::memcpy(to + 1 + text.size(), "\r\n", 2);
    out_->commit(text.size() + 3);
  }
  void header(char type, std::int64_t value) {
    char* const start = out_->grow(detail::decimal_room + 3);
    if (start == nullptr) return;
    char* to = start;
    *to++ = type;
    to = detail::write_decimal(to, value);
    *to++ = '\r';
    *to++ = '\n';
    out_->commit(static_cast<std::size_t>(to - start));
  }
  static std::size_t write_real(char (&digits)[32], double value) noexcept {
    if (value != value) return std::memcpy(digits, "nan", 3), std::size_t{3};
    char* const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    // Redis writes 1e-9 where to_chars writes 1e-09.
    char* zero = end - 2;
    if (end - digits >= 4 && *zero == '0' && (zero[-1] == '-' || zero[-1] == '+') && zero[-2] == 'e') {
      *zero = zero[1];
      return static_cast<std::size_t>(end - 1 - digits);
    }
    return static_cast<std::size_t>(end - digits);
  }

  Output* out_;
  bool resp3_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_NET_RESP_WRITER_HPP
// ---- frys/net/resp.hpp
// resp: the Redis protocol, RESP2 and RESP3, without any I/O: commands in (resp_decoder), replies out (resp_writer into
// resp_output), and the client's side (resp_reply_decoder).
#ifndef FRYS_NET_RESP_HPP
#define FRYS_NET_RESP_HPP

#endif  // FRYS_NET_RESP_HPP
#if defined(FRYS_WITH_SIMD) && FRYS_WITH_SIMD

// ---- frys/simd/detail/abi.hpp
// abi: the back end and the compile baseline of this translation unit, as the name of an inline namespace.
//
// Everything of simd lives in namespace FRYS_SIMD_ABI, so translation units compiled with other -m flags or with the
// other back end never share a symbol: the linker cannot run one's AVX-512 code on a machine that the other one must
// support.
#ifndef FRYS_SIMD_DETAIL_ABI_HPP
#define FRYS_SIMD_DETAIL_ABI_HPP

// The gate: 1 takes Google Highway as the back end, 0 (default) the plain one. Set it through frys/with/highway.hpp or
// for the whole program; nothing looks for the library by itself.
#ifndef FRYS_WITH_HIGHWAY
#define FRYS_WITH_HIGHWAY 0
#endif
#if FRYS_WITH_HIGHWAY
#define FRYS_SIMD_BACKEND highway
#define FRYS_SIMD_IS_HIGHWAY 1
#else
#define FRYS_SIMD_BACKEND plain
#define FRYS_SIMD_IS_HIGHWAY 0
#endif

// The baseline: a level, then what compilers switch on independently of it.
#if defined(__AVX512BF16__) && defined(__AVX512VBMI2__)
#define FRYS_SIMD_LEVEL avx512_zen4
#elif defined(__AVX512VBMI2__)
#define FRYS_SIMD_LEVEL avx512_vbmi2
#elif defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define FRYS_SIMD_LEVEL avx512
#elif defined(__AVX512F__)
#define FRYS_SIMD_LEVEL avx512f
#elif defined(__AVX2__)
#define FRYS_SIMD_LEVEL avx2
#elif defined(__AVX__)
#define FRYS_SIMD_LEVEL avx
#elif defined(__SSE4_2__)
#define FRYS_SIMD_LEVEL sse42
#elif defined(__SSSE3__)
#define FRYS_SIMD_LEVEL ssse3
#elif defined(__ARM_FEATURE_SVE)
#define FRYS_SIMD_LEVEL sve
#else
#define FRYS_SIMD_LEVEL base
#endif
#if defined(__FMA__)
#define FRYS_SIMD_FMA f
#else
#define FRYS_SIMD_FMA x
#endif
#if defined(__BMI2__)
#define FRYS_SIMD_BMI b
#else
#define FRYS_SIMD_BMI x
#endif
#if defined(__LZCNT__)
#define FRYS_SIMD_LZCNT l
#else
#define FRYS_SIMD_LZCNT x
#endif
#if defined(__PCLMUL__) || defined(__ARM_FEATURE_CRC32)
#define FRYS_SIMD_CRC c
#else
#define FRYS_SIMD_CRC x
#endif

// For example plain_avx2_fblc or highway_base_xxxx.
#define FRYS_SIMD_NAME_(a, b, c, d, e, f) a##_##b##_##c##d##e##f
#define FRYS_SIMD_NAME(a, b, c, d, e, f) FRYS_SIMD_NAME_(a, b, c, d, e, f)
#define FRYS_SIMD_ABI \
  FRYS_SIMD_NAME(FRYS_SIMD_BACKEND, FRYS_SIMD_LEVEL, FRYS_SIMD_FMA, FRYS_SIMD_BMI, FRYS_SIMD_LZCNT, FRYS_SIMD_CRC)

#if defined(__x86_64__) || defined(__i386__)
#define FRYS_SIMD_X86 1
#else
#define FRYS_SIMD_X86 0
#endif

// For variables: each shared object keeps its own copy, and none of them becomes a unique symbol that would keep a
// plugin from being unloaded.
#if defined(_WIN32)
#define FRYS_SIMD_LOCAL
#else
#define FRYS_SIMD_LOCAL __attribute__((visibility("hidden")))
#endif

#endif  // FRYS_SIMD_DETAIL_ABI_HPP
// ---- frys/simd/detail/cpu.hpp
// cpu: what this machine can run, asked of the processor and of the system, and the place that remembers a choice.
//
// frys: real model
#ifndef FRYS_SIMD_DETAIL_CPU_HPP
#define FRYS_SIMD_DETAIL_CPU_HPP

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail {

using cpu_features = std::uint32_t;
inline constexpr cpu_features cpu_crc32c = 1u;       // x86: crc32 and pclmulqdq; Arm: crc32c
inline constexpr cpu_features cpu_avx2 = 2u;         // with fma, f16c, bmi, bmi2, lzcnt; the system saves ymm
inline constexpr cpu_features cpu_avx512 = 4u;       // f, cd, dq, bw, vl; the system saves zmm and masks
inline constexpr cpu_features cpu_avx512_zen4 = 8u;  // vbmi, vbmi2, vnni, bitalg, vpopcntdq, gfni, vaes, bf16

#if FRYS_SIMD_X86
inline cpu_features detect_cpu() noexcept {
  cpu_features out = 0;
  const auto has = [](unsigned reg, unsigned bit) { return ((reg >> bit) & 1u) != 0; };
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return out;
  if (has(c, 20) && has(c, 1)) out |= cpu_crc32c;
  // sse4.1, sse4.2, pclmul, aes, fma, f16c, avx, osxsave
  if (!(has(c, 19) && has(c, 20) && has(c, 1) && has(c, 25) && has(c, 12) && has(c, 29) && has(c, 28) && has(c, 27)))
    return out;
  unsigned saved = 0, saved_high = 0;
  __asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(saved), "=d"(saved_high) : "c"(0));  // xgetbv
  if ((saved & 0x6u) != 0x6u) return out;
  unsigned b7 = 0, c7 = 0;
  if (!__get_cpuid_count(7, 0, &a, &b7, &c7, &d)) return out;
  unsigned ce = 0;
  if (!__get_cpuid(0x80000001u, &a, &b, &ce, &d)) return out;
  if (!(has(b7, 5) && has(b7, 3) && has(b7, 8) && has(ce, 5))) return out;
  out |= cpu_avx2;
  if ((saved & 0xe6u) != 0xe6u) return out;
  if (!(has(b7, 16) && has(b7, 17) && has(b7, 28) && has(b7, 30) && has(b7, 31))) return out;
  out |= cpu_avx512;
  unsigned a71 = 0;
  if (!__get_cpuid_count(7, 1, &a71, &b, &c, &d)) return out;
  if (has(c7, 1) && has(c7, 6) && has(c7, 8) && has(c7, 9) && has(c7, 10) && has(c7, 11) && has(c7, 12) &&
      has(c7, 14) && has(a71, 5))
    out |= cpu_avx512_zen4;
  return out;
}
#elif defined(__aarch64__)
inline cpu_features detect_cpu() noexcept {
#if defined(__ARM_FEATURE_CRC32)
  return cpu_crc32c;
#elif defined(__linux__)
  return (getauxval(AT_HWCAP) & (1ul << 7)) != 0 ? cpu_crc32c : 0u;  // HWCAP_CRC32
#else
  return 0;
#endif
}
#else
inline cpu_features detect_cpu() noexcept { return 0; }
#endif

// Which kernels run. Starts, before any constructor, at a table whose entries make the choice when they are called.
template <class Kernels>
class choice {
 public:
  explicit constexpr choice(const Kernels* boot) noexcept : active_(boot) {}
  // relaxed: tables are constants, nothing is published with the pointer; a race stores the same choice twice.
  const Kernels& get() const noexcept { return *active_.load(std::memory_order_relaxed); }
  void set(const Kernels& chosen) noexcept { active_.store(&chosen, std::memory_order_relaxed); }  // relaxed: as above

 private:
  std::atomic<const Kernels*> active_;
};

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail

#endif  // FRYS_SIMD_DETAIL_CPU_HPP
// ---- frys/simd/detail/crc32c.hpp
// crc32c in three ways: tables, the x86 instruction, the Arm instruction. See ../checksum.hpp for the promise.
//
// The instruction takes 8 bytes with a latency of 3 cycles and can start every cycle, so three independent streams run
// side by side and are joined at the end of a block: the checksum of a stream, moved over the N bytes behind it, is its
// product with x^(8N) modulo the polynomial. On x86 that is one carry-less multiplication; on Arm four table reads.
//
// Source  V. Gopal et al., "Fast CRC Computation for iSCSI Polynomial Using CRC32 Instruction", Intel, 2011;
//         M. E. Kounavis, F. L. Berry, "Novel Table Lookup-Based Algorithms for High-Performance CRC Generation", 2008.
#ifndef FRYS_SIMD_DETAIL_CRC32C_HPP
#define FRYS_SIMD_DETAIL_CRC32C_HPP

namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail {

// Polynomials over one bit, reflected: bit 31 is x^0. 0x1EDC6F41 reflected, without its x^32.
inline constexpr std::uint32_t crc_polynomial = 0x82F63B78u;

constexpr std::uint32_t crc_times_x(std::uint32_t a) noexcept {
  return (a & 1u) != 0 ? (a >> 1) ^ crc_polynomial : a >> 1;
}
constexpr std::uint32_t crc_multiply(std::uint32_t a, std::uint32_t b) noexcept {
  std::uint32_t product = 0;
  for (std::uint32_t bit = 0x80000000u; bit != 0; bit >>= 1) {
    if ((a & bit) != 0) product ^= b;
    b = crc_times_x(b);
  }
  return product;
}
// base^n; crc_power(0x40000000, n) is x^n, crc_power(0x00800000, n) is x^(8n).
constexpr std::uint32_t crc_power(std::uint32_t base, std::uint64_t n) noexcept {
  std::uint32_t power = 0x80000000u;
  for (; n != 0; n >>= 1) {
    if ((n & 1u) != 0) power = crc_multiply(power, base);
    base = crc_multiply(base, base);
  }
  return power;
}

using crc_tables = std::array<std::array<std::uint32_t, 256>, 8>;

// tables[k][b]: the byte b moved over k further bytes.
constexpr crc_tables make_crc_tables() noexcept {
  crc_tables t{};
  for (std::uint32_t b = 0; b < 256; ++b) {
    std::uint32_t c = b;
    for (int i = 0; i < 8; ++i) c = crc_times_x(c);
    t[0][b] = c;
  }
  for (std::size_t k = 1; k < 8; ++k)
    for (std::size_t b = 0; b < 256; ++b) t[k][b] = (t[k - 1][b] >> 8) ^ t[0][t[k - 1][b] & 0xFFu];
  return t;
}
FRYS_SIMD_LOCAL inline constexpr crc_tables crc_table = make_crc_tables();

// The three below take and answer the inverted state, not the checksum.
inline std::uint32_t crc_by_table(const std::byte* p, std::size_t n, std::uint32_t crc) noexcept {
  const crc_tables& t = crc_table;
  for (; n >= 8; n -= 8, p += 8) {
    const std::uint64_t w = load_le<std::uint64_t>(p) ^ crc;
    crc = t[7][w & 0xFFu] ^ t[6][(w >> 8) & 0xFFu] ^ t[5][(w >> 16) & 0xFFu] ^ t[4][(w >> 24) & 0xFFu] ^
          t[3][(w >> 32) & 0xFFu] ^ t[2][(w >> 40) & 0xFFu] ^ t[1][(w >> 48) & 0xFFu] ^ t[0][w >> 56];
  }
  for (; n != 0; --n, ++p) crc = (crc >> 8) ^ t[0][(crc ^ std::to_integer<std::uint32_t>(*p)) & 0xFFu];
  return crc;
}

#if FRYS_SIMD_X86
#define FRYS_SIMD_CRC_TARGET __attribute__((target("sse4.2,pclmul")))

#if defined(__x86_64__)
using crc_word = unsigned long long;
FRYS_SIMD_CRC_TARGET inline crc_word crc_step(crc_word crc, crc_word data) noexcept {
  return __builtin_ia32_crc32di(crc, data);
}
FRYS_SIMD_CRC_TARGET inline std::uint32_t crc_reduce(unsigned long long product) noexcept {
  return static_cast<std::uint32_t>(__builtin_ia32_crc32di(0, product));
}
#else
using crc_word = unsigned;
FRYS_SIMD_CRC_TARGET inline crc_word crc_step(crc_word crc, crc_word data) noexcept {
  return __builtin_ia32_crc32si(crc, data);
}
FRYS_SIMD_CRC_TARGET inline std::uint32_t crc_reduce(unsigned long long product) noexcept {
  const unsigned low = __builtin_ia32_crc32si(0, static_cast<unsigned>(product));
  return __builtin_ia32_crc32si(low, static_cast<unsigned>(product >> 32));
}
#endif

// crc * x^(8n); `by` is x^(8n - 33): the multiplication is one bit short and the reduction adds 32.
FRYS_SIMD_CRC_TARGET inline std::uint32_t crc_move(crc_word crc, std::uint32_t by) noexcept {
  typedef long long pair __attribute__((vector_size(16)));
  const pair a = {static_cast<long long>(crc), 0};
  const pair b = {static_cast<long long>(by), 0};
  const pair product = __builtin_ia32_pclmulqdq128(a, b, 0);
  return crc_reduce(static_cast<unsigned long long>(product[0]));
}

// While three blocks are left: each stream takes one of them.
#define FRYS_SIMD_CRC_BLOCKS(block)                                                     \
  while (n >= 3 * (block)) {                                                            \
    constexpr std::uint32_t by_one = crc_power(0x40000000u, 8 * (block)-33);            \
    constexpr std::uint32_t by_two = crc_power(0x40000000u, 16 * (block)-33);           \
    crc_word c0 = crc, c1 = 0, c2 = 0;                                                  \
    for (const std::byte* end = p + (block); p != end; p += sizeof(crc_word)) {         \
      crc_word w0, w1, w2;                                                              \
      __builtin_memcpy(&w0, p, sizeof w0);                                              \
      __builtin_memcpy(&w1, p + (block), sizeof w1);                                    \
      __builtin_memcpy(&w2, p + 2 * (block), sizeof w2);                                \
      c0 = crc_step(c0, w0);                                                            \
      c1 = crc_step(c1, w1);                                                            \
      c2 = crc_step(c2, w2);                                                            \
    }                                                                                   \
    crc = crc_move(c0, by_two) ^ crc_move(c1, by_one) ^ static_cast<std::uint32_t>(c2); \
    p += 2 * (block);                                                                   \
    n -= 3 * (block);                                                                   \
  }

FRYS_SIMD_CRC_TARGET inline std::uint32_t crc_by_instruction(const std::byte* p, std::size_t n,
                                                             std::uint32_t crc) noexcept {
  FRYS_SIMD_CRC_BLOCKS(2048)
  FRYS_SIMD_CRC_BLOCKS(128)
  crc_word one = crc;
  for (; n >= sizeof(crc_word); n -= sizeof(crc_word), p += sizeof(crc_word)) {
    crc_word w;
    __builtin_memcpy(&w, p, sizeof w);
    one = crc_step(one, w);
  }
  crc = static_cast<std::uint32_t>(one);
  for (; n != 0; --n, ++p) crc = __builtin_ia32_crc32qi(crc, std::to_integer<unsigned char>(*p));
  return crc;
}
#undef FRYS_SIMD_CRC_BLOCKS
#undef FRYS_SIMD_CRC_TARGET
#define FRYS_SIMD_CRC_NAME "sse4.2"

#elif defined(__aarch64__) && !defined(__AARCH64EB__)
#if defined(__clang__)
#define FRYS_SIMD_CRC_TARGET __attribute__((target("crc")))
#else
#define FRYS_SIMD_CRC_TARGET __attribute__((target("+crc")))
#endif

FRYS_SIMD_CRC_TARGET inline std::uint32_t crc_step(std::uint32_t crc, std::uint64_t data) noexcept {
#if defined(__clang__)
  return __builtin_arm_crc32cd(crc, data);
#else
  return __builtin_aarch64_crc32cx(crc, data);
#endif
}
FRYS_SIMD_CRC_TARGET inline std::uint32_t crc_step_byte(std::uint32_t crc, unsigned char data) noexcept {
#if defined(__clang__)
  return __builtin_arm_crc32cb(crc, data);
#else
  return __builtin_aarch64_crc32cb(crc, data);
#endif
}

inline constexpr std::size_t crc_block = 1024;
using crc_move_tables = std::array<std::array<std::uint32_t, 256>, 4>;
constexpr crc_move_tables make_crc_move(std::uint64_t bytes) noexcept {
  crc_move_tables t{};
  const std::uint32_t power = crc_power(0x00800000u, bytes);
  for (std::uint32_t k = 0; k < 4; ++k)
    for (std::uint32_t b = 0; b < 256; ++b) t[k][b] = crc_multiply(power, b << (8 * k));
  return t;
}
FRYS_SIMD_LOCAL inline constexpr crc_move_tables crc_move_block = make_crc_move(crc_block);

inline std::uint32_t crc_move(std::uint32_t crc) noexcept {
  const crc_move_tables& t = crc_move_block;
  return t[0][crc & 0xFFu] ^ t[1][(crc >> 8) & 0xFFu] ^ t[2][(crc >> 16) & 0xFFu] ^ t[3][crc >> 24];
}

FRYS_SIMD_CRC_TARGET inline std::uint32_t crc_by_instruction(const std::byte* p, std::size_t n,
                                                             std::uint32_t crc) noexcept {
  for (; n >= 3 * crc_block; n -= 3 * crc_block, p += 2 * crc_block) {
    std::uint32_t c1 = 0, c2 = 0;
    for (const std::byte* end = p + crc_block; p != end; p += 8) {
      std::uint64_t w0, w1, w2;
      __builtin_memcpy(&w0, p, 8);
      __builtin_memcpy(&w1, p + crc_block, 8);
      __builtin_memcpy(&w2, p + 2 * crc_block, 8);
      crc = crc_step(crc, w0);
      c1 = crc_step(c1, w1);
      c2 = crc_step(c2, w2);
    }
    crc = crc_move(crc_move(crc) ^ c1) ^ c2;
  }
  for (; n >= 8; n -= 8, p += 8) {
    std::uint64_t w;
    __builtin_memcpy(&w, p, 8);
    crc = crc_step(crc, w);
  }
  for (; n != 0; --n, ++p) crc = crc_step_byte(crc, std::to_integer<unsigned char>(*p));
  return crc;
}
#undef FRYS_SIMD_CRC_TARGET
#define FRYS_SIMD_CRC_NAME "armv8-crc"
#endif

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail

#endif  // FRYS_SIMD_DETAIL_CRC32C_HPP
// ---- frys/simd/checksum.hpp
// checksum: CRC-32C (Castagnoli), the checksum of iSCSI, ext4 and most write-ahead logs.
//
// Use when  bytes may be torn or rot and a reader must notice. Every burst of up to 32 wrong bits is found.
// Not when  somebody may forge the bytes on purpose: a CRC is not a signature.
// Threads   any thread; the functions are pure.
// Cost      with the processor's instruction three streams at once, about 8 bytes a cycle from a few KiB on; without it
//           tables of 8 KiB and about 1.5 bytes a cycle. Chosen at run time; no library, also without Highway.
// Source    RFC 3720, appendix B.4 (check values); see detail/crc32c.hpp for the algorithms.
#ifndef FRYS_SIMD_CHECKSUM_HPP
#define FRYS_SIMD_CHECKSUM_HPP

namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI {

// One way to compute CRC-32C. `update` maps an inverted state to the next; it accepts n == 0.
struct crc32c_method {
  std::string_view name;
  std::uint32_t (*update)(const std::byte* data, std::size_t n, std::uint32_t state) noexcept;

  // As simd::crc32c, by this method.
  std::uint32_t operator()(byte_view bytes, std::uint32_t seed = 0) const noexcept {
    return ~update(bytes.data(), bytes.size(), ~seed);
  }
};

namespace detail {

FRYS_SIMD_LOCAL inline constexpr crc32c_method crc_methods[] = {
    {"table", &crc_by_table},
#if defined(FRYS_SIMD_CRC_NAME)
    {FRYS_SIMD_CRC_NAME, &crc_by_instruction},
#endif
};

inline std::uint32_t crc_boot(const std::byte* data, std::size_t n, std::uint32_t state) noexcept;
FRYS_SIMD_LOCAL inline constexpr crc32c_method crc_boot_method{"boot", &crc_boot};
FRYS_SIMD_LOCAL inline constinit choice<crc32c_method> crc_choice{&crc_boot_method};

}  // namespace detail

// The methods that this machine can run, the chosen one last. For tests and measurements.
inline std::span<const crc32c_method> crc32c_methods() noexcept {
  const std::size_t all = std::size(detail::crc_methods);
  return {detail::crc_methods, (detail::detect_cpu() & detail::cpu_crc32c) != 0 ? all : 1};
}

namespace detail {
inline std::uint32_t crc_boot(const std::byte* data, std::size_t n, std::uint32_t state) noexcept {
  const crc32c_method& chosen = crc32c_methods().back();
  crc_choice.set(chosen);
  return chosen.update(data, n, state);
}
}  // namespace detail

// The CRC-32C of `bytes`. To go on where an earlier call ended, pass its answer as `seed`:
// crc32c(b, crc32c(a)) is the checksum of a followed by b.
[[nodiscard]] inline std::uint32_t crc32c(byte_view bytes, std::uint32_t seed = 0) noexcept {
  return ~detail::crc_choice.get().update(bytes.data(), bytes.size(), ~seed);
}

// The checksum of a followed by b, from crc32c(a), crc32c(b) and the size of b in bytes. O(log size).
[[nodiscard]] constexpr std::uint32_t crc32c_combine(std::uint32_t crc_a, std::uint32_t crc_b,
                                                     std::uint64_t size_b) noexcept {
  return detail::crc_multiply(detail::crc_power(0x00800000u, size_b), crc_a) ^ crc_b;
}

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI

#endif  // FRYS_SIMD_CHECKSUM_HPP
#endif  // gate
#if defined(FRYS_WITH_STORAGE) && FRYS_WITH_STORAGE

// ---- frys/storage/detail/buckets.hpp
// buckets: the cache lines of a memtable: seven entries each, with a byte of their hash, and a chain when that is full.
//
// Threads   one at a time. Bodies know nothing of what an entry is.
#ifndef FRYS_STORAGE_DETAIL_BUCKETS_HPP
#define FRYS_STORAGE_DETAIL_BUCKETS_HPP

namespace frys::inline FRYS_ABI::detail {

// A tag is never 0, so 0 says that a slot is empty. In a chained bucket slot 6 is the next bucket and has no tag. Holes may
// be anywhere in the last bucket of a chain; the others are full.
struct alignas(64) bucket {
  static constexpr unsigned slots_per = 7;
  std::uint8_t tags[slots_per];
  std::uint8_t chained;
  void* slots[slots_per];

  bucket* child() const noexcept { return static_cast<bucket*>(slots[slots_per - 1]); }
  unsigned usable() const noexcept { return chained ? slots_per - 1 : slots_per; }
};

// Low bits of a hash are the tag's, the ones above the index's: who places keys on owners by the highest bits or by a
// remainder takes little from either.
constexpr std::uint8_t tag_of(std::uint64_t hash) noexcept { return static_cast<std::uint8_t>(hash | 0x80u); }
constexpr std::uint64_t tag_word(std::uint64_t hash) noexcept { return tag_of(hash) * 0x0101010101010101u; }
constexpr std::uint64_t place_bits(std::uint64_t hash) noexcept { return hash >> 7; }

// The high bit of each byte whose slot carries the tag; a byte above a hit may be marked wrongly, so compare the entries.
// Only slots with an entry are marked.
inline std::uint64_t tag_hits(const bucket& b, std::uint64_t tag) noexcept {
  const std::uint64_t tags = load_le<std::uint64_t>(reinterpret_cast<const std::byte*>(b.tags));
  const std::uint64_t x = tags ^ tag;
  // A tag's own high bit is set, so `tags` masks what is empty, and the byte `chained` with it.
  return (x - 0x0101010101010101u) & ~x & tags & 0x0080808080808080u;
}

inline void prefetch(const void* p) noexcept {
#if defined(__GNUC__)
  __builtin_prefetch(p);
#else
  (void)p;
#endif
}
inline void prefetch_entries(const bucket& b) noexcept {
  for (unsigned i = 0; i < bucket::slots_per; ++i)
    if (b.slots[i] != nullptr) prefetch(b.slots[i]);
}

template <class F> void for_each_entry(bucket& head, F&& f) {
  for (bucket* b = &head;;) {
    bucket* next = b->chained ? b->child() : nullptr;
    for (unsigned i = 0; i < bucket::slots_per; ++i)
      if (b->tags[i] != 0) f(b->slots[i]);
    if (next == nullptr) return;
    b = next;
  }
}

inline bucket* last_bucket(bucket& head) noexcept {
  bucket* b = &head;
  while (b->chained) b = b->child();
  return b;
}

// False if the pool refused a chained bucket; nothing has changed then.
template <class Pool> bool put_in(bucket& head, void* entry, std::uint64_t hash, Pool& pool) noexcept {
  bucket* b = last_bucket(head);
  unsigned slot = 0;
  while (slot < bucket::slots_per && b->tags[slot] != 0) ++slot;
  if (slot == bucket::slots_per) {
    void* memory = pool.allocate_line();
    if (memory == nullptr) return false;
    bucket* more = ::new (memory) bucket{};
    constexpr unsigned last = bucket::slots_per - 1;
    more->tags[0] = b->tags[last];
    more->slots[0] = b->slots[last];
    b->tags[last] = 0;
    b->slots[last] = more;
    b->chained = 1;
    b = more;
    slot = 1;
  }
  b->tags[slot] = tag_of(hash);
  b->slots[slot] = entry;
  return true;
}

// If the last bucket of the chain is empty and not the first: gives it back.
template <class Pool> void trim(bucket& head, Pool& pool) noexcept {
  bucket* parent = nullptr;
  bucket* b = &head;
  while (b->chained) {
    parent = b;
    b = b->child();
  }
  if (parent == nullptr) return;
  for (const std::uint8_t tag : b->tags)
    if (tag != 0) return;
  parent->chained = 0;
  parent->slots[bucket::slots_per - 1] = nullptr;
  pool.release_line(b);
}

inline int last_used(const bucket& b) noexcept {
  int slot = static_cast<int>(bucket::slots_per) - 1;
  while (slot >= 0 && b.tags[slot] == 0) --slot;
  return slot;
}

// Takes the entry at (at, slot) out of the chain; an entry of the last bucket fills its place. The entry is the caller's.
template <class Pool> void take_out(bucket& head, bucket& at, unsigned slot, Pool& pool) noexcept {
  at.tags[slot] = 0;
  at.slots[slot] = nullptr;
  if (!head.chained) return;
  bucket* last = last_bucket(head);
  if (last != &at) {
    const int from = last_used(*last);  // the last bucket of a chain is never empty
    at.tags[slot] = last->tags[from];
    at.slots[slot] = last->slots[from];
    last->tags[from] = 0;
    last->slots[from] = nullptr;
  }
  trim(head, pool);
}

// The last entry of a chain, nullptr if it has none; drop_last takes it out.
inline void* last_entry(bucket& head) noexcept {
  bucket* b = last_bucket(head);
  const int slot = last_used(*b);
  return slot < 0 ? nullptr : b->slots[slot];
}
template <class Pool> void drop_last(bucket& head, Pool& pool) noexcept {
  bucket* b = last_bucket(head);
  take_out(head, *b, static_cast<unsigned>(last_used(*b)), pool);
}

// Fills the holes of a chain from its end and gives empty buckets back.
template <class Pool> void compact(bucket& head, Pool& pool) noexcept {
  for (bucket* b = &head; b->chained; b = b->child()) {
    for (unsigned i = 0; i < bucket::slots_per - 1; ++i) {
      bucket* last = last_bucket(*b);
      while (last != b && last_used(*last) < 0) {
        trim(head, pool);
        last = last_bucket(*b);
      }
      if (last == b) return;
      if (b->tags[i] != 0) continue;
      const int from = last_used(*last);
      b->tags[i] = last->tags[from];
      b->slots[i] = last->slots[from];
      last->tags[from] = 0;
      last->slots[from] = nullptr;
      trim(head, pool);
      if (!b->chained) return;
    }
  }
}

// Takes out the entries for which wanted(entry) is true, each asked once.
template <class Pool, class F> void erase_entries(bucket& head, Pool& pool, F&& wanted) {
  struct compact_at_exit {  // also if `wanted` throws
    bucket& head;
    Pool& pool;
    ~compact_at_exit() { compact(head, pool); }
  } at_exit{head, pool};
  for (bucket* b = &head;; b = b->child()) {
    for (unsigned i = 0; i < bucket::slots_per; ++i)
      if (b->tags[i] != 0 && wanted(b->slots[i])) {
        b->tags[i] = 0;
        b->slots[i] = nullptr;
      }
    if (!b->chained) return;
  }
}

// cursor + 1, counted in reversed bits under `mask`; 0 after the last.
constexpr std::uint64_t reverse_bits(std::uint64_t v) noexcept {
  v = (v >> 1 & 0x5555555555555555u) | (v & 0x5555555555555555u) << 1;
  v = (v >> 2 & 0x3333333333333333u) | (v & 0x3333333333333333u) << 2;
  v = (v >> 4 & 0x0f0f0f0f0f0f0f0fu) | (v & 0x0f0f0f0f0f0f0f0fu) << 4;
  return byte_swap(v);
}
constexpr std::uint64_t reverse_increment(std::uint64_t cursor, std::uint64_t mask) noexcept {
  return reverse_bits(reverse_bits(cursor | ~mask) + 1);
}

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_STORAGE_DETAIL_BUCKETS_HPP
// ---- frys/storage/detail/entry_pool.hpp
// entry_pool: memory for table entries of many sizes: size classes with free lists, carved from chunks of pages.
//
// Threads   one at a time.
// Cost      allocate and release: a list pop and a list push; a chunk from the page source now and then. Sizes above
//           16 KiB come from the page source one by one.
// Limits    memory freed in one size class serves that class only; chunks go back when the pool dies or is cleared.
#ifndef FRYS_STORAGE_DETAIL_ENTRY_POOL_HPP
#define FRYS_STORAGE_DETAIL_ENTRY_POOL_HPP

namespace frys::inline FRYS_ABI::detail {

template <page_source Pages> class entry_pool {
 public:
  static constexpr std::size_t line = 64;            // what allocate_line answers
  static constexpr std::size_t largest = 16 * 1024;  // above: pages of their own

  explicit entry_pool(std::size_t limit) noexcept : limit_(limit) {}
  entry_pool(const entry_pool&) = delete;
  entry_pool& operator=(const entry_pool&) = delete;
  ~entry_pool() { clear(); }

  // Memory of `size` bytes, aligned to 16; nullptr when the page source or the limit refuses (see why()).
  void* allocate(std::size_t size) noexcept {
    if (size > largest) [[unlikely]] return allocate_large(size);
    const unsigned c = class_of(size);
    const std::size_t rounded = size_of(c);
    void* memory = pop(classes_[c]);
    if (memory == nullptr) memory = carve(rounded, 16);
    if (memory != nullptr) in_use_ += rounded;
    return memory;
  }
  void release(void* memory, std::size_t size) noexcept {
    if (size > largest) [[unlikely]] {
      std::byte* start = static_cast<std::byte*>(memory) - large_header;
      release_pages({start, reinterpret_cast<const chunk*>(start)->size});
      return;
    }
    const unsigned c = class_of(size);
    in_use_ -= size_of(c);
    push(classes_[c], memory);
  }

  // One cache line.
  void* allocate_line() noexcept {
    void* memory = pop(lines_);
    if (memory == nullptr) memory = carve(line, line);
    if (memory != nullptr) in_use_ += line;
    return memory;
  }
  void release_line(void* memory) noexcept {
    in_use_ -= line;
    push(lines_, memory);
  }

  // Zeroed pages of at least `size` bytes, counted against the limit; empty when refused. Give back what was answered.
  byte_span allocate_pages(std::size_t size) noexcept {
    const byte_span pages = take_pages(size);
    in_use_ += pages.size();
    return pages;
  }
  void release_pages(byte_span pages) noexcept {
    in_use_ -= pages.size();
    give_pages(pages);
  }

  // Gives all chunks back. Whatever lives in them is gone; release pages and entries above `largest` before.
  void clear() noexcept {
    while (chunks_ != nullptr) {
      chunk* next = chunks_->next;
      give_pages({reinterpret_cast<std::byte*>(chunks_), chunks_->size});
      chunks_ = next;
    }
    for (node*& list : classes_) list = nullptr;
    lines_ = nullptr;
    bump_ = end_ = nullptr;
    next_chunk_ = first_chunk;
    in_use_ = 0;
  }

  [[nodiscard]] std::size_t in_use() const noexcept { return in_use_; }
  [[nodiscard]] std::size_t held() const noexcept { return held_; }
  [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
  // Why the last allocation was refused.
  [[nodiscard]] error why() const noexcept { return why_; }

 private:
  struct node {
    node* next;
  };
  struct chunk {
    chunk* next;
    std::size_t size;  // what the page source answered
  };
  static constexpr std::size_t page = 4096;
  static constexpr std::size_t large_header = 16;  // keeps the alignment; holds a chunk, whose `next` is not used
  static constexpr std::size_t first_chunk = 16 * 1024, last_chunk = 1024 * 1024;
  static constexpr unsigned small_classes = 32;  // 16, 32 ... 512; then four per power of two
  static constexpr unsigned class_count = small_classes + 5 * 4;

  static constexpr std::size_t whole_pages(std::size_t size) noexcept { return (size + page - 1) & ~(page - 1); }
  static constexpr unsigned class_of(std::size_t size) noexcept {
    if (size <= 512) return static_cast<unsigned>((size + 15) / 16 - (size != 0));
    const unsigned e = static_cast<unsigned>(std::bit_width(size - 1));  // size lies in (2^(e-1), 2^e]
    const std::size_t quarter = (size - 1 - (std::size_t{1} << (e - 1))) >> (e - 3);
    return small_classes + (e - 10) * 4 + static_cast<unsigned>(quarter);
  }
  static constexpr std::size_t size_of(unsigned c) noexcept {
    if (c < small_classes) return (std::size_t{c} + 1) * 16;
    const unsigned e = (c - small_classes) / 4 + 10;
    return (std::size_t{1} << (e - 1)) + ((c - small_classes) % 4 + 1) * (std::size_t{1} << (e - 3));
  }

  static void* pop(node*& list) noexcept {
    node* first = list;
    if (first != nullptr) list = first->next;
    return first;
  }
  static void push(node*& list, void* memory) noexcept { list = ::new (memory) node{list}; }

  FRYS_NOINLINE void* allocate_large(std::size_t size) noexcept {
    const byte_span pages = allocate_pages(whole_pages(size + large_header));
    if (pages.empty()) return nullptr;
    ::new (static_cast<void*>(pages.data())) chunk{nullptr, pages.size()};
    return pages.data() + large_header;
  }
  void* carve(std::size_t size, std::size_t alignment) noexcept {
    for (;;) {
      const std::size_t skip = (alignment - reinterpret_cast<std::uintptr_t>(bump_) % alignment) % alignment;
      if (static_cast<std::size_t>(end_ - bump_) >= skip + size) {
        std::byte* memory = bump_ + skip;
        bump_ = memory + size;
        return memory;
      }
      if (!add_chunk(size)) return nullptr;
    }
  }
  // The rest of the chunk before is left behind: at most one entry's size.
  FRYS_NOINLINE bool add_chunk(std::size_t wanted) noexcept {
    const std::size_t least = whole_pages(wanted + line);
    std::size_t size = next_chunk_ > least ? next_chunk_ : least;
    if (limit_ != 0 && held_ + size > limit_) size = least;  // the last chunks before the limit are small
    const byte_span pages = take_pages(size);
    if (pages.empty()) return false;
    chunks_ = ::new (static_cast<void*>(pages.data())) chunk{chunks_, pages.size()};
    bump_ = pages.data() + line;
    end_ = pages.data() + pages.size();
    if (next_chunk_ < last_chunk) next_chunk_ *= 2;
    return true;
  }
  byte_span take_pages(std::size_t size) noexcept {
    if (limit_ != 0 && (size > limit_ || held_ > limit_ - size)) {
      why_ = {errc::limit_exceeded, domain::storage, "the table's memory limit is reached",
              static_cast<std::int64_t>(limit_)};
      return {};
    }
    result<byte_span> pages = Pages::allocate(size);
    if (!pages) {
      why_ = pages.error();
      return {};
    }
    held_ += pages->size();
    return *pages;
  }
  void give_pages(byte_span pages) noexcept {
    held_ -= pages.size();
    Pages::release(pages);
  }

  node* classes_[class_count] = {};
  node* lines_ = nullptr;
  chunk* chunks_ = nullptr;
  std::byte* bump_ = nullptr;
  std::byte* end_ = nullptr;
  std::size_t next_chunk_ = first_chunk;
  std::size_t in_use_ = 0;
  std::size_t held_ = 0;
  std::size_t limit_;
  error why_{errc::out_of_memory, domain::storage, "the page source refused", 0};
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_STORAGE_DETAIL_ENTRY_POOL_HPP
// ---- frys/storage/memtable.hpp
// memtable: a hash table from byte strings to values for a store's hot path; grows and shrinks without a pause.
//
// Use when  one thread owns the keys: the store of an owner core, an index over a log, a session table.
// Not when  several threads share it, or keys are wanted in order.
// Threads   one at a time.
// Cost      find: one cache line of the bucket array, one of the entry; a pair of lines per chained bucket. insert and
//           erase: the same, plus the move of a few old buckets while the table changes its size. Nothing is O(size)
//           but clear, for_each and the destructor. Memory comes from pages, in chunks; entries are pooled by size.
// Pointers  to a value stay good until its key is erased: growing moves no entry.
// Scans     scan(cursor, ...) sees every key that is there during the whole scan at least once, also while the table
//           grows and shrinks; a key may come twice.
// Limits    the hash is not secret: give the table a random seed where clients choose the keys.
//
// Policies, in any order, each at most once:
//   policy::pages<P>   where memory comes from                             default os_pages
//   policy::limit<N>   bytes it may hold, 0: no limit (and see options)    default 0
// Source    buckets of one cache line with tags: Valkey 8.1's table and F14 (Bronson, Shi); the cursor: P. Noordhuis, Redis.
#ifndef FRYS_STORAGE_MEMTABLE_HPP
#define FRYS_STORAGE_MEMTABLE_HPP

namespace frys::inline FRYS_ABI {

// What a memtable can be told when it is made.
struct memtable_options {
  std::size_t limit_bytes = 0;  // bytes of memory it may hold; 0: what policy::limit says
  std::uint64_t seed = 0;       // of the hash
};

template <class Value, class... Policies> class memtable {
  using accepted = policy::keys<policy::pages_key, policy::limit_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::memtable: unknown policy; it takes policy::pages, policy::limit and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::memtable: a policy is given twice; name each at most once");
  static_assert(std::is_nothrow_move_constructible_v<Value> && std::is_nothrow_destructible_v<Value>,
                "frys::memtable<Value>: Value must move and die without throwing");
  static_assert(alignof(Value) <= 16, "frys::memtable<Value>: Value's alignment must be 16 at most; hold a pointer");

 public:
  using value_type = Value;
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>, "frys::memtable: policy::pages wants a page source, see core/concepts.hpp");
  static constexpr std::size_t default_limit = policy::pick<policy::limit<0>, Policies...>::value;

  // What an insertion answers.
  struct insertion {
    Value* value;   // good until the key is erased
    bool inserted;  // false: the key was there
  };

  explicit memtable(memtable_options options = {}) noexcept
      : pool_(options.limit_bytes != 0 ? options.limit_bytes : default_limit), seed_(options.seed) {}
  memtable(const memtable&) = delete;
  memtable& operator=(const memtable&) = delete;
  ~memtable() { clear(); }

  // The hash that the functions below take: compute it once where a key is looked up, placed and inserted. Without a
  // seed it is frys::hash{}(key).
  [[nodiscard]] std::uint64_t hash_of(std::string_view key) const noexcept { return hash{seed_}(key); }
  // Fetches the key's bucket ahead of its use: for pipelines that know several keys.
  void prefetch(std::uint64_t hash) const noexcept {
    if (size_ != 0) detail::prefetch(&main_.at(hash));
  }

  // nullptr if there is no such key.
  [[nodiscard]] Value* find(std::string_view key) noexcept { return find(key, hash_of(key)); }
  [[nodiscard]] const Value* find(std::string_view key) const noexcept { return find(key, hash_of(key)); }
  [[nodiscard]] Value* find(std::string_view key, std::uint64_t hash) noexcept {
    entry* e = locate(key, hash).found;
    return e == nullptr ? nullptr : &e->value;
  }
  [[nodiscard]] const Value* find(std::string_view key, std::uint64_t hash) const noexcept {
    const entry* e = locate(key, hash).found;
    return e == nullptr ? nullptr : &e->value;
  }
  [[nodiscard]] bool contains(std::string_view key) const noexcept { return find(key) != nullptr; }

  // Sets the key's value, new or not. Fails with limit_exceeded or out_of_memory and then changes nothing; too_large for
  // keys of 4 GiB and more.
  result<insertion> insert_or_assign(std::string_view key, Value value) noexcept {
    return insert_or_assign(key, hash_of(key), std::move(value));
  }
  result<insertion> insert_or_assign(std::string_view key, std::uint64_t hash, Value value) noexcept {
    if (entry* e = locate(key, hash).found) {
      e->value.~Value();
      ::new (static_cast<void*>(&e->value)) Value(std::move(value));
      return insertion{&e->value, false};
    }
    return add(key, hash, std::move(value));
  }
  // Leaves a key that is there as it is, and `value` is dropped. Fails as insert_or_assign does.
  result<insertion> try_insert(std::string_view key, Value value) noexcept {
    return try_insert(key, hash_of(key), std::move(value));
  }
  result<insertion> try_insert(std::string_view key, std::uint64_t hash, Value value) noexcept {
    if (entry* e = locate(key, hash).found) return insertion{&e->value, false};
    return add(key, hash, std::move(value));
  }

  // False if there was no such key.
  bool erase(std::string_view key) noexcept { return erase(key, hash_of(key)); }
  bool erase(std::string_view key, std::uint64_t hash) noexcept {
    const place p = locate(key, hash);
    if (p.found == nullptr) return false;
    detail::take_out(*p.head, *p.at, p.slot, pool_);
    destroy(p.found);
    --size_;
    step(erase_steps);
    if (old_.buckets == nullptr && main_.count > least_buckets && size_ < main_.count / shrink_below) resize(main_.count / 2);
    return true;
  }

  // Erases all keys and gives all memory back. O(size).
  void clear() noexcept {
    for (table* t : {&main_, &old_}) {
      for (std::size_t i = 0; i < t->count; ++i)
        detail::for_each_entry(t->buckets[i], [this](void* e) { destroy(static_cast<entry*>(e)); });
      if (t->buckets != nullptr) pool_.release_pages(t->memory);
      *t = {};
    }
    size_ = moved_ = 0;
    pool_.clear();
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  // Bytes of entries and buckets in use; what values own elsewhere is not counted.
  [[nodiscard]] std::size_t bytes() const noexcept { return pool_.in_use(); }
  // Bytes taken from the page source; what the limit is about.
  [[nodiscard]] std::size_t held_bytes() const noexcept { return pool_.held(); }
  [[nodiscard]] std::size_t limit_bytes() const noexcept { return pool_.limit(); }

  // f(std::string_view key, Value&) for each entry, in no order. f must not insert or erase.
  template <class F> void for_each(F&& f) {
    for (table* t : {&main_, &old_})
      for (std::size_t i = 0; i < t->count; ++i) visit(t->buckets[i], f);
  }

  // f(std::string_view key, Value&) for the entries of some buckets: about `count` of them, more where buckets are
  // fuller, fewer where ten times as many buckets are emptier. Start with cursor 0; goes on with what it answers, until
  // that is 0 again. f must not insert or erase.
  template <class F> [[nodiscard]] std::uint64_t scan(std::uint64_t cursor, std::size_t count, F&& f) {
    std::size_t given = 0;
    auto each = [&](detail::bucket& b) { given += visit(b, f); };
    for (std::size_t n = 0; given < (std::max)(count, std::size_t{1}) && n < count * 10 + 1; ++n) {
      cursor = scan_step(cursor, each);
      if (cursor == 0) break;
    }
    return cursor;
  }

  // As scan, and erases the entries for which wanted(std::string_view key, Value&) is true: how expired keys go.
  template <class F> [[nodiscard]] std::uint64_t sweep(std::uint64_t cursor, std::size_t count, F&& wanted) {
    std::size_t given = 0;
    auto each = [&](detail::bucket& head) {
      detail::erase_entries(head, pool_, [&](void* p) {
        entry* e = static_cast<entry*>(p);
        ++given;
        if (!wanted(e->key(), e->value)) return false;
        destroy(e);
        --size_;
        return true;
      });
    };
    for (std::size_t n = 0; given < (std::max)(count, std::size_t{1}) && n < count * 10 + 1; ++n) {
      cursor = scan_step(cursor, each);
      if (cursor == 0) break;
    }
    return cursor;
  }

  // Makes room for `entries` keys at once instead of step by step: before a log is replayed.
  result<void> reserve(std::size_t entries) noexcept {
    while (old_.buckets != nullptr)
      if (!step(old_.count)) return pool_.why();
    const std::size_t wanted = std::bit_ceil((std::max)(entries / grow_above + 1, least_buckets));
    if (wanted <= main_.count) return {};
    if (!resize(wanted)) return pool_.why();
    while (old_.buckets != nullptr)
      if (!step(old_.count)) return pool_.why();
    return {};
  }

  // Moves up to `buckets` old buckets, for idle moments. True while there is more to move.
  bool rehash_some(std::size_t buckets) noexcept {
    (void)step(buckets);
    return old_.buckets != nullptr;
  }

 private:
  // Buckets hold seven entries: at five on average one in eight has a second line. A table of n buckets is moved, one
  // bucket with each insertion, before the next of 2n has its 5n new entries.
  static constexpr std::size_t grow_above = 5, shrink_below = 2, least_buckets = 64, insert_steps = 1, erase_steps = 4;

  struct entry {
    std::uint64_t hash;
    std::uint32_t key_size;
    Value value;

    char* text() noexcept { return reinterpret_cast<char*>(this) + sizeof(entry); }
    std::string_view key() noexcept { return {text(), key_size}; }
    bool is(std::string_view k, std::uint64_t h) noexcept {
      return hash == h && key_size == k.size() && std::memcmp(text(), k.data(), k.size()) == 0;
    }
  };
  struct table {
    detail::bucket* buckets = nullptr;
    std::size_t count = 0;  // a power of two
    byte_span memory;

    std::size_t index(std::uint64_t h) const noexcept { return static_cast<std::size_t>(detail::place_bits(h)) & (count - 1); }
    detail::bucket& at(std::uint64_t h) const noexcept { return buckets[index(h)]; }
  };
  struct place {
    entry* found = nullptr;
    detail::bucket* head = nullptr;
    detail::bucket* at = nullptr;
    unsigned slot = 0;
  };

  place locate(std::string_view key, std::uint64_t hash) const noexcept {
    if (size_ == 0) return {};
    if (old_.buckets != nullptr && old_.index(hash) >= moved_) [[unlikely]]
      if (const place p = look(old_.at(hash), key, hash); p.found != nullptr) return p;
    return look(main_.at(hash), key, hash);
  }
  static place look(detail::bucket& head, std::string_view key, std::uint64_t hash) noexcept {
    const std::uint64_t tag = detail::tag_word(hash);
    for (detail::bucket* b = &head;; b = b->child()) {
      for (std::uint64_t hits = detail::tag_hits(*b, tag); hits != 0; hits &= hits - 1) {
        const unsigned slot = static_cast<unsigned>(std::countr_zero(hits)) / 8;
        entry* e = static_cast<entry*>(b->slots[slot]);
        if (e->is(key, hash)) [[likely]] return {e, &head, b, slot};
      }
      if (!b->chained) return {};
    }
  }

  result<insertion> add(std::string_view key, std::uint64_t hash, Value&& value) noexcept {
    if (key.size() > 0xffffffffu) [[unlikely]]
      return error{errc::too_large, domain::storage, "a key of a memtable is 4 GiB or more", 0};
    if (size_ >= main_.count * grow_above) [[unlikely]] {
      // While an earlier resize is under way this one waits, and chains bear it. So they do when memory is refused.
      if (old_.buckets == nullptr && !resize((std::max)(main_.count * 2, least_buckets)) && main_.count == 0)
        return pool_.why();
    }
    step(insert_steps);
    void* memory = pool_.allocate(sizeof(entry) + key.size());
    if (memory == nullptr) [[unlikely]] return pool_.why();
    entry* e = ::new (memory) entry{hash, static_cast<std::uint32_t>(key.size()), std::move(value)};
    if (!key.empty()) std::memcpy(e->text(), key.data(), key.size());
    if (!detail::put_in(main_.at(hash), e, hash, pool_)) [[unlikely]] {
      destroy(e);
      return pool_.why();
    }
    ++size_;
    return insertion{&e->value, true};
  }
  void destroy(entry* e) noexcept {
    const std::size_t size = sizeof(entry) + e->key_size;
    e->~entry();
    pool_.release(e, size);
  }

  template <class F> static std::size_t visit(detail::bucket& head, F& f) {
    std::size_t n = 0;
    detail::for_each_entry(head, [&](void* p) {
      entry* e = static_cast<entry*>(p);
      f(e->key(), e->value);
      ++n;
    });
    return n;
  }

  // Makes an empty table of `count` buckets the main one; the entries follow step by step.
  FRYS_NOINLINE bool resize(std::size_t count) noexcept {
    const byte_span memory = pool_.allocate_pages(count * sizeof(detail::bucket));
    if (memory.empty()) return false;
    if (main_.buckets != nullptr) old_ = main_;
    moved_ = 0;
    main_ = {reinterpret_cast<detail::bucket*>(memory.data()), count, memory};
    return true;
  }
  // False if memory for a chained bucket was refused; nothing is lost, a later step tries again.
  bool step(std::size_t buckets) noexcept { return old_.buckets == nullptr || move_buckets(buckets); }
  FRYS_NOINLINE bool move_buckets(std::size_t buckets) noexcept {
    for (; buckets != 0 && moved_ < old_.count; --buckets, ++moved_) {
      detail::bucket& from = old_.buckets[moved_];
      if (moved_ + 1 < old_.count) detail::prefetch_entries(old_.buckets[moved_ + 1]);
      while (void* p = detail::last_entry(from)) {
        const std::uint64_t hash = static_cast<entry*>(p)->hash;
        if (!detail::put_in(main_.at(hash), p, hash, pool_)) return false;
        detail::drop_last(from, pool_);
      }
    }
    if (moved_ == old_.count) {
      pool_.release_pages(old_.memory);
      old_ = {};
      moved_ = 0;
    }
    return true;
  }

  // Visits what the cursor points at and answers the next one. The cursor counts in reversed bits: from the highest
  // bit of the index down, so that the buckets a cursor has passed are, split or joined, passed in any other size too.
  template <class F> std::uint64_t scan_step(std::uint64_t cursor, F& each) {
    if (main_.count == 0) return 0;
    if (old_.buckets == nullptr) {
      const std::uint64_t mask = main_.count - 1;
      each(main_.buckets[cursor & mask]);
      return detail::reverse_increment(cursor, mask);
    }
    const bool grows = old_.count < main_.count;
    table& small = grows ? old_ : main_;
    table& large = grows ? main_ : old_;
    const std::uint64_t small_mask = small.count - 1, large_mask = large.count - 1;
    each(small.buckets[cursor & small_mask]);
    do {  // all that the small table's bucket was split into, or will be joined from
      each(large.buckets[cursor & large_mask]);
      cursor = detail::reverse_increment(cursor, large_mask);
    } while ((cursor & (small_mask ^ large_mask)) != 0);
    return cursor;
  }

  table main_;             // where insertions go
  std::size_t size_ = 0;
  table old_;              // while the size changes: what has not moved yet, buckets [moved_, count)
  std::size_t moved_ = 0;
  detail::entry_pool<pages_type> pool_;
  std::uint64_t seed_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_STORAGE_MEMTABLE_HPP
#endif  // gate
