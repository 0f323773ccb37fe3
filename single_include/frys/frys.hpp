// frys 0.1.0, one header: the whole library. Content 2ebed8a76c3847a7.
// SPDX-License-Identifier: MIT  Copyright (c) 2026 The frys authors
// Generated from include/frys by single_include/amalgamate.py; change the tree, not this file.

// frys: the umbrella. Everything that needs no outside library and no opt-in, and behind gates what does.
//
// Always in it   core, memory, queue, sched, io (epoll, POSIX files), the codecs of net without a library.
// Room gates     #define FRYS_WITH_<ROOM> 1 before the include: SIMD, STORAGE, SEARCH, NET, SIM; FRYS_WITH_ALL turns on
//                every room that is not turned off by name.
// Library gates  FRYS_WITH_HIGHWAY, FRYS_WITH_URING: one by one, never by FRYS_WITH_ALL: the library must be there.
// A gate         adds names and never changes a type. This file has no include guard, the headers have: a second
//                include after more room gates adds what is new. Library gates are set before the first include.
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
#include <cerrno>
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
struct reclaimer_key {};   // reclaimer (memory/reclaim.hpp)
struct overflow_key {};    // what a push does where there is no room: overflow::fail, overflow::overwrite
struct layout_key {};      // how neighbours lie in memory: layout::contiguous, layout::scattered (queue/policies.hpp)
struct publish_key {};     // how often a side tells the other: publish::each, publish::lazy (queue/policies.hpp)
struct niche_key {};       // a value of T that is never an element
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

template <class R>
struct reclaimer {
  using key = reclaimer_key;
  using type = R;
};
template <class O>
struct overflow {
  using key = overflow_key;
  using type = O;
};
template <class L>
struct layout {
  using key = layout_key;
  using type = L;
};

template <class P>
struct publish {
  using key = publish_key;
  using type = P;
};
template <auto V>
struct niche {
  using key = niche_key;
  static constexpr auto value = V;
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
//          Besides, each has A::now, A::alloc, A::free and A::choose, for code that shall be checked with them.
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
// ---- frys/core/detail/process_fence.hpp
// process_fence: a fence in every running thread of this process, by the kernel (membarrier): whether it was granted,
// and the call. frys: real model
#ifndef FRYS_CORE_DETAIL_PROCESS_FENCE_HPP
#define FRYS_CORE_DETAIL_PROCESS_FENCE_HPP

#if FRYS_OS_LINUX
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace frys::inline FRYS_ABI::detail {

struct process_fence {
  enum : std::uint8_t { unknown, refused, granted };
  inline static constinit std::atomic<std::uint8_t> state{unknown};

  static void prepare() noexcept {
    // sync(process_fence.state): acquire; who sees it granted may use it as if it had registered itself.
    if (state.load(std::memory_order_acquire) != unknown) return;
    std::uint8_t first = unknown;
    // The first answer stands, for the light halves have built on it.
    // sync(process_fence.state): acq_rel; as above.
    state.compare_exchange_strong(first, enlist() ? granted : refused, std::memory_order_acq_rel,
                                  std::memory_order_acquire);
  }
  static bool enlist() noexcept { return call(register_private_expedited); }
  // A fence in every running thread of this process.
  static bool everywhere() noexcept { return call(private_expedited) || (enlist() && call(private_expedited)); }

  // After prepare, which happens-before.
  static bool is_granted() noexcept { return state.load(std::memory_order_relaxed) == granted; }  // relaxed: settled
  // Keeps the compiler from moving memory accesses across; the machine may.
  static void compiler_only() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }

 private:
  static constexpr int private_expedited = 1 << 3, register_private_expedited = 1 << 4;  // linux/membarrier.h
  static bool call([[maybe_unused]] int command) noexcept {
#if FRYS_OS_LINUX && defined(SYS_membarrier)
    return ::syscall(SYS_membarrier, command, 0, 0) == 0;
#else
    return false;
#endif
  }
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_CORE_DETAIL_PROCESS_FENCE_HPP
// ---- frys/core/asymmetric_fence.hpp
// fences: the two halves of a Dekker hand-shake ("I write mine, then read yours; you write yours, then read mine")
// where one side does it millions of times more often than the other.
//
// symmetric   both halves are a seq_cst fence: some 2 ns on either side.
// asymmetric  the frequent half keeps the compiler in order and costs nothing; the rare half has the kernel put a fence
//             into every running thread of the process (membarrier, Linux 4.14). Where the system refuses it (an old
//             kernel, another system, a sandbox), both halves are seq_cst fences, decided once, at the first prepare.
// A model F   of fence_pair: F::prepare<A>() before the first light; F::light<A>() between the write and the read of
//             the frequent side; F::heavy<A>() between those of the rare one. heavy answers false when it could not
//             order the others (a sandbox put on later): then nothing may be concluded from what is read after it.
//             Optional, for blocks that decide once per thread: F::is_free<A>() after prepare, and where it answers
//             true F::free_light<A>() in place of light, without the branch.
// Models      of other memory (the model checker, tsan, a user's own) get seq_cst fences of theirs on both sides: what
//             they prove holds for the stronger promise that membarrier makes too.
// Threads     any.
// Cost        asymmetric: light one predicted branch; heavy a system call and an interrupt to each core that runs a
//             thread of this process: 0.35 us on two cores.
// Source      D. Dice, H. Huang, M. Yang, "Asymmetric Dekker synchronization", 2001; D. Goldblatt, P1202.
#ifndef FRYS_CORE_ASYMMETRIC_FENCE_HPP
#define FRYS_CORE_ASYMMETRIC_FENCE_HPP

namespace frys::inline FRYS_ABI {

namespace policy {
struct fence_key {};  // fence_pair (core/asymmetric_fence.hpp)
template <class F>
struct fence {
  using key = fence_key;
  using type = F;
};
}  // namespace policy

namespace fences {

struct symmetric {
  template <class A>
  static void prepare() noexcept {}
  template <class A>
  static void light() noexcept {
    A::fence(std::memory_order_seq_cst);
  }
  template <class A>
  [[nodiscard]] static bool heavy() noexcept {
    A::fence(std::memory_order_seq_cst);
    return true;
  }
};

struct asymmetric {
  template <class A>
  static void prepare() noexcept {
    if constexpr (std::same_as<A, atomics::real>) detail::process_fence::prepare();
  }
  template <class A>
  static void light() noexcept {
    if constexpr (std::same_as<A, atomics::real>) {
      if (detail::process_fence::is_granted()) [[likely]] {
        detail::process_fence::compiler_only();
        return;
      }
    }
    A::fence(std::memory_order_seq_cst);
  }
  template <class A>
  [[nodiscard]] static bool heavy() noexcept {
    if constexpr (std::same_as<A, atomics::real>) {
      if (detail::process_fence::is_granted()) [[likely]]
        return detail::process_fence::everywhere();
    }
    A::fence(std::memory_order_seq_cst);
    return true;
  }
  // Whether light() costs nothing in this process; after prepare.
  template <std::same_as<atomics::real> A>
  [[nodiscard]] static bool is_free() noexcept {
    return detail::process_fence::is_granted();
  }
  // light(), where is_free() is true.
  template <std::same_as<atomics::real> A>
  static void free_light() noexcept {
    detail::process_fence::compiler_only();
  }
};

}  // namespace fences

// A model for policy::fence, with the atomics A.
template <class F, class A = atomics::standard>
concept fence_pair = requires {
  F::template prepare<A>();
  F::template light<A>();
  { F::template heavy<A>() } -> std::same_as<bool>;
};

// One whose light half may turn out to cost nothing.
template <class F, class A = atomics::standard>
concept free_fence_pair = fence_pair<F, A> && requires {
  { F::template is_free<A>() } -> std::same_as<bool>;
  F::template free_light<A>();
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_ASYMMETRIC_FENCE_HPP
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
    if (other.has_value_)
      ::new (static_cast<void*>(&value_)) T(std::forward<R>(other).value_);
    else
      ::new (static_cast<void*>(&error_)) frys::error(other.error_);
  }
  template <class R>
  void assign_from(R&& other) {
    const bool holds = other.has_value_;
    destroy();
    has_value_ = false;
    // Writes the error when T's constructor has left by an exception, after it wrote where the error stands. A guard
    // and not a catch, so that -fno-exceptions compiles it.
    struct guard {
      result* self;
      ~guard() {
        if (self != nullptr)
          ::new (static_cast<void*>(&self->error_))
              frys::error{errc::cancelled, domain::core, "assignment of a result threw", 0};
      }
    } unless_done{this};
    construct_from(std::forward<R>(other));
    unless_done.self = nullptr;
    has_value_ = holds;
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
                               open_mode mode, std::uint64_t n, void (*name)(void*, std::string_view), void* argument) {
  requires std::movable<typename F::file>;
  { fs.open(path, mode) } -> std::same_as<result<typename F::file>>;
  { fs.remove(path) } -> std::same_as<result<void>>;
  { fs.rename(path, path) } -> std::same_as<result<void>>;
  { fs.make_directory(path) } -> std::same_as<result<void>>;  // ok if it exists
  { fs.sync_directory(path) } -> std::same_as<result<void>>;
  { fs.list(path, name, argument) } -> std::same_as<result<void>>;  // calls name(argument, entry) for each plain file
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
// ---- frys/core/context.hpp
// context: a flow of control on its own stack, entered and left by a switch of a few nanoseconds. What fibers, and the
// threads of a model checker, are made of.
//
// Use when  code that was written as plain calls must stop in the middle and go on later, on the same thread or
// another. Not when  the code may be a coroutine (sched/task.hpp): that needs no stack of its own. Roles     switch_to:
// the thread that runs on `from`. make and the destructor: anybody while the context is suspended.
//           Nothing here is synchronised: a context that another thread goes on with is handed over by the caller.
// Cost      machine_switch: 18 instructions inline, no system call, no allocation; 32 bytes here and 120 bytes of the
//           stack. Half of the time goes to the floating-point control. ucontext_switch: system calls for the signal
//           mask, a fraction of a microsecond.
// Kept      callee-saved registers, the rounding and exception control of floating point (mxcsr and the x87 control
//           word; fpcr). Not kept: the signal mask (ucontext_switch keeps it) and errno.
//
// Rules     1. The entry function never returns: it ends with context::leave_to. A return ends the program.
//           2. No exception leaves the entry function (std::terminate). Do not switch inside a catch block or while an
//              exception unwinds, if the other side may throw or catch before it comes back: those lists are the
//              thread's.
//           3. A context that goes on in another thread must not hold addresses of thread_local objects across a
//           switch;
//              compilers keep such an address over the switch even where the text names the variable again.
//           4. What lies on an abandoned stack is not destroyed; make() may be called again over it.
//           5. x86 shadow stacks (CET SHSTK) know one flow of control only: programs that turn them on take
//              basic_context<ucontext_switch>. Indirect branch tracking and Arm's BTI and PAC are fine.
//
// Models    machine_switch   x86-64 (System V) and AArch64, all compilers with GNU asm
//           quick_switch     the same without the floating-point control, which then is the thread's: 1.3 for 6 ns
//           ucontext_switch  POSIX elsewhere
// `context` takes the first that this machine has; with FRYS_CONTEXT_UCONTEXT 1, the same for a whole program, the
// last. FRYS_HAS_CONTEXT is 0 where there is none (Windows). AddressSanitizer and ThreadSanitizer are told of each
// switch.
// frys: real model
#ifndef FRYS_CORE_CONTEXT_HPP
#define FRYS_CORE_CONTEXT_HPP

#ifndef FRYS_CONTEXT_UCONTEXT
#define FRYS_CONTEXT_UCONTEXT 0
#endif
#if FRYS_OS_POSIX && ((defined(__x86_64__) && !defined(__ILP32__)) || (defined(__aarch64__) && !defined(__ILP32__)))
#define FRYS_HAS_MACHINE_SWITCH 1
#else
#define FRYS_HAS_MACHINE_SWITCH 0
#endif
#if FRYS_OS_POSIX && !defined(__APPLE__)
#define FRYS_HAS_UCONTEXT_SWITCH 1
#else
#define FRYS_HAS_UCONTEXT_SWITCH 0
#endif
#define FRYS_HAS_CONTEXT FRYS_OS_POSIX

#if defined(__SANITIZE_ADDRESS__)
#define FRYS_CONTEXT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FRYS_CONTEXT_ASAN 1
#endif
#endif
#ifndef FRYS_CONTEXT_ASAN
#define FRYS_CONTEXT_ASAN 0
#endif

#if FRYS_OS_POSIX
#include <sys/mman.h>
#include <unistd.h>
#endif
#if FRYS_HAS_UCONTEXT_SWITCH
#include <ucontext.h>
#endif
#if FRYS_CONTEXT_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if FRYS_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace frys::inline FRYS_ABI {

#if FRYS_HAS_MACHINE_SWITCH
// The instructions of the switch. A branch target needs a landing pad where the build asks for them.
#if defined(__x86_64__)
#if defined(__CET__) && (__CET__ & 1)
#define FRYS_DETAIL_LANDING ".byte 0xf3, 0x0f, 0x1e, 0xfa\n\t"  // endbr64
#else
#define FRYS_DETAIL_LANDING
#endif
#if defined(__AVX512F__)
#define FRYS_DETAIL_MORE_REGISTERS                                                                                     \
  "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", \
      "xmm29", "xmm30", "xmm31", "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7",
#else
#define FRYS_DETAIL_MORE_REGISTERS
#endif
#define FRYS_DETAIL_SWITCH(save_control, load_control)                                                                \
  asm volatile(                                                                                                       \
      "leaq -128(%%rsp), %%rsp\n\t" /* over the red zone, where the compiler may keep variables */                    \
      "leaq 1f(%%rip), %%rax\n\t"                                                                                     \
      "pushq %%rax\n\t"                                                                                               \
      "pushq %%rbp\n\t"                                                                                               \
      "pushq %%rbx\n\t"                                                                                               \
      "leaq -8(%%rsp), %%rsp\n\t" save_control                                                                        \
      "movq %%rsp, (%%rdx)\n\t"                                                                                       \
      "movq %%rdi, %%rsp\n\t" load_control                                                                            \
      "leaq 8(%%rsp), %%rsp\n\t"                                                                                      \
      "popq %%rbx\n\t"                                                                                                \
      "popq %%rbp\n\t"                                                                                                \
      "popq %%rax\n\t"                                                                                                \
      "jmp *%%rax\n"                                                                                                  \
      "1:\n\t" FRYS_DETAIL_LANDING "leaq 128(%%rsp), %%rsp"                                                           \
      : "+D"(target), "+S"(passed), "+d"(save)                                                                        \
      :                                                                                                               \
      : "rax", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "st", "st(1)", "st(2)", "st(3)", "st(4)", \
        "st(5)", "st(6)", "st(7)", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",    \
        "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", FRYS_DETAIL_MORE_REGISTERS "cc", "memory")
#else
#if defined(__ARM_FEATURE_BTI_DEFAULT)
#define FRYS_DETAIL_LANDING "hint #38\n\t"  // bti jc
#else
#define FRYS_DETAIL_LANDING
#endif
#if defined(__APPLE__)
#define FRYS_DETAIL_RED_ZONE "128"
#else
#define FRYS_DETAIL_RED_ZONE "0"
#endif
#if defined(__APPLE__) || defined(__ANDROID__)
#define FRYS_DETAIL_X18  // the platform's own there
#else
#define FRYS_DETAIL_X18 "x18",
#endif
#if defined(__ARM_FEATURE_SVE)
#define FRYS_DETAIL_MORE_REGISTERS \
  FRYS_DETAIL_X18 "p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11", "p12", "p13", "p14", "p15",
#else
#define FRYS_DETAIL_MORE_REGISTERS FRYS_DETAIL_X18
#endif
#define FRYS_DETAIL_SWITCH(save_control, load_control)                                                                \
  asm volatile("sub sp, sp, #48 + " FRYS_DETAIL_RED_ZONE                                                              \
               "\n\t"                                                                                                 \
               "adr x9, 1f\n\t"                                                                                       \
               "stp x29, x30, [sp]\n\t"                                                                               \
               "stp x19, x9, [sp, #16]\n\t" save_control                                                              \
               "mov x11, sp\n\t"                                                                                      \
               "str x11, [x2]\n\t"                                                                                    \
               "mov sp, x0\n\t" load_control                                                                          \
               "ldp x29, x30, [sp]\n\t"                                                                               \
               "ldp x19, x16, [sp, #16]\n\t"                                                                          \
               "add sp, sp, #48\n\t"                                                                                  \
               "br x16\n"                                                                                             \
               "1:\n\t" FRYS_DETAIL_LANDING "add sp, sp, #" FRYS_DETAIL_RED_ZONE                                      \
               : "+r"(target), "+r"(passed), "+r"(save)                                                               \
               :                                                                                                      \
               : "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",    \
                 "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "v0", "v1", "v2", "v3", "v4", "v5",   \
                 "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", \
                 "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31",                         \
                 FRYS_DETAIL_MORE_REGISTERS "cc", "memory")
#endif

// A model of the switch under basic_context. `pass` travels with the switch: jump answers what the next jump to us
// passes, and a new flow gets it as its second argument.
template <bool KeepsFloatControl>
class basic_machine_switch {
 public:
  using flow = void (*)(void* argument, void* pass);

  // `top` is aligned to 64; below it lies the stack.
  void make(std::byte*, std::byte* top, flow run, void* argument) noexcept {
    auto* f = std::construct_at(reinterpret_cast<frame*>(top - sizeof(frame)));
    f->resume = &start;
    f->run = run;
    f->argument = argument;
    if constexpr (KeepsFloatControl) {
#if defined(__x86_64__)
      asm volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(f->control[0]), "=m"(f->control[1]));
#else
      asm volatile("mrs %0, fpcr" : "=r"(f->control));
#endif
    }
    sp_ = f;
  }

  // Inline, so that the compiler saves only what is alive here. It is told that the switch destroys every register but
  // rbx and rbp (x19, x29), which may not be named there, as a frame may hang on them: those are saved by hand.
  FRYS_ALWAYS_INLINE static void* jump(basic_machine_switch& from, basic_machine_switch& to, void* pass) noexcept {
#if defined(__x86_64__)
    void* target = to.sp_;
    void* passed = pass;
    void** save = &from.sp_;
    if constexpr (KeepsFloatControl)
      FRYS_DETAIL_SWITCH("stmxcsr (%%rsp)\n\tfnstcw 4(%%rsp)\n\t", "ldmxcsr (%%rsp)\n\tfldcw 4(%%rsp)\n\t");
    else
      FRYS_DETAIL_SWITCH("", "");
#else
    register void* target asm("x0") = to.sp_;
    register void* passed asm("x1") = pass;
    register void** save asm("x2") = &from.sp_;
    if constexpr (KeepsFloatControl)  // to write fpcr costs more than all the rest; mostly it holds the value already
      FRYS_DETAIL_SWITCH("mrs x10, fpcr\n\tstr x10, [sp, #32]\n\t",
                         "ldr x11, [sp, #32]\n\tcmp x11, x10\n\tb.eq 2f\n\tmsr fpcr, x11\n2:\n\t");
    else
      FRYS_DETAIL_SWITCH("", "");
#endif
    return passed;
  }

 private:
  // What a switch leaves on the stack it suspends, lowest address first; behind it what `start` reads. The sizes make
  // `start` find the stack aligned as after a call.
#if defined(__x86_64__)
  struct frame {
    std::uint32_t control[2] = {};  // mxcsr, x87 control word
    void* rbx = nullptr;
    void* rbp = nullptr;  // 0: the last frame, for whoever walks them
    void (*resume)(frame*, void*) noexcept = nullptr;
    void* return_address = nullptr;  // 0 likewise
    flow run = nullptr;
    void* argument = nullptr;
  };
  static_assert(sizeof(frame) == 56);
#else
  struct frame {
    void* x29 = nullptr;
    void* x30 = nullptr;
    void* x19 = nullptr;
    void (*resume)(frame*, void*) noexcept = nullptr;
    std::uint64_t control = 0;  // fpcr
    std::uint64_t unused = 0;
    flow run = nullptr;
    void* argument = nullptr;
  };
  static_assert(sizeof(frame) == 64);
#endif

  // Where the first jump to a new context arrives, with the jump's registers as arguments.
  static void start(frame* self, void* pass) noexcept {
    self->run(self->argument, pass);
    std::abort();
  }

  void* sp_ = nullptr;
};
#undef FRYS_DETAIL_SWITCH
#undef FRYS_DETAIL_MORE_REGISTERS
#undef FRYS_DETAIL_LANDING
#undef FRYS_DETAIL_RED_ZONE
#undef FRYS_DETAIL_X18

using machine_switch = basic_machine_switch<true>;
using quick_switch = basic_machine_switch<false>;
#endif  // FRYS_HAS_MACHINE_SWITCH

#if FRYS_HAS_UCONTEXT_SWITCH
// The same by the system's swapcontext.
class ucontext_switch {
 public:
  using flow = void (*)(void* argument, void* pass);

  void make(std::byte* low, std::byte* top, flow run, void* argument) noexcept {
    run_ = run;
    argument_ = argument;
    ::getcontext(&saved_);
    saved_.uc_stack.ss_sp = low;
    saved_.uc_stack.ss_size = static_cast<std::size_t>(top - low);
    saved_.uc_link = nullptr;
    const std::uint64_t self = reinterpret_cast<std::uintptr_t>(this);  // makecontext passes on ints only
    ::makecontext(&saved_, reinterpret_cast<void (*)()>(&start), 2, static_cast<unsigned>(self >> 32),
                  static_cast<unsigned>(self & 0xffff'ffffu));
  }
  static void* jump(ucontext_switch& from, ucontext_switch& to, void* pass) noexcept {
    to.pass_ = pass;
    ::swapcontext(&from.saved_, &to.saved_);
    return from.pass_;
  }

 private:
  static void start(unsigned high, unsigned low) noexcept {
    const std::uint64_t address = std::uint64_t{high} << 32 | low;
    auto* self = reinterpret_cast<ucontext_switch*>(static_cast<std::uintptr_t>(address));
    self->run_(self->argument_, self->pass_);
    std::abort();
  }

  ::ucontext_t saved_{};
  flow run_ = nullptr;
  void* argument_ = nullptr;
  void* pass_ = nullptr;
};
#endif  // FRYS_HAS_UCONTEXT_SWITCH

#if FRYS_HAS_CONTEXT
// A suspended flow of control, or the place where a running one will be saved. Stays where it is while in use.
template <class Switch>
class basic_context {
 public:
  using switch_type = Switch;
  using entry_function = void (*)(void* argument);

  // The least stack for an entry that calls nothing deep. Signals and printf want 16 KiB and more.
  static constexpr std::size_t least_stack = 4096;

  // For a flow that runs already, such as the thread's own: switch_to saves it here. Such a context belongs to its
  // thread.
  basic_context() noexcept = default;
  basic_context(byte_span stack, entry_function entry, void* argument) noexcept { make(stack, entry, argument); }
  basic_context(const basic_context&) = delete;
  basic_context& operator=(const basic_context&) = delete;
  // Not while it runs.
  ~basic_context() { forget(); }

  // A flow that will begin with entry(argument) on `stack` at the first switch to it, with the caller's floating-point
  // control. The stack is the caller's and must stay until the flow has ended or is given up. Also over a context that
  // has ended, or that is suspended and given up.
  void make(byte_span stack, entry_function entry, void* argument) noexcept {
    FRYS_ASSERT(stack.size() >= least_stack, "context::make: the stack is smaller than least_stack");
    FRYS_ASSERT(entry != nullptr, "context::make: the entry function is null");
    forget();
    low_ = stack.data();
    size_ = stack.size();
    auto end = reinterpret_cast<std::uintptr_t>(stack.data()) + stack.size();
    std::byte* top = stack.data() + (stack.size() - end % 64) - sizeof(first);
#if FRYS_CONTEXT_ASAN
    __asan_unpoison_memory_region(stack.data(), stack.size());  // of the frames that a given-up flow has left
#endif
#if FRYS_TSAN
    hook_ = __tsan_create_fiber(0);
#endif
    auto* f = std::construct_at(reinterpret_cast<first*>(top));
    f->self = this;
    f->entry = entry;
    f->argument = argument;
    switch_.make(stack.data(), top, &begin, f);
  }

  // Suspends the flow that runs now in `from` and goes on with `to`. Returns when somebody switches to `from`.
  FRYS_ALWAYS_INLINE static void switch_to(basic_context& from, basic_context& to) noexcept {
#if FRYS_CONTEXT_ASAN
    __sanitizer_start_switch_fiber(&from.hook_, to.low_, to.size_);
    void* before = Switch::jump(from.switch_, to.switch_, &from);
    arrived(from, before);
#else
#if FRYS_TSAN
    from.hook_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(to.hook_, 0);
#endif
    (void)Switch::jump(from.switch_, to.switch_, nullptr);
#endif
  }

  // Ends the flow that runs now and goes on with `to`. Nothing on its stack is destroyed; from then on the stack is
  // free for another use. The flow's own context may be made anew or destroyed.
  [[noreturn]] static void leave_to(basic_context& to) noexcept {
#if FRYS_CONTEXT_ASAN
    // Not on this stack: the next line takes the sanitizer's fake frames away, and what lies in them.
    static thread_local Switch nowhere;
    __sanitizer_start_switch_fiber(nullptr, to.low_, to.size_);
#else
    Switch nowhere;
#endif
#if FRYS_TSAN
    __tsan_switch_to_fiber(to.hook_, 0);
#endif
    (void)Switch::jump(nowhere, to.switch_, nullptr);
    std::abort();
  }

 private:
  struct alignas(64) first {  // at the upper end of the stack
    basic_context* self = nullptr;
    entry_function entry = nullptr;
    void* argument = nullptr;
  };

  static void begin(void* at, void* before) noexcept {
    auto* f = static_cast<first*>(at);
#if FRYS_CONTEXT_ASAN
    arrived(*f->self, before);
#else
    (void)before;
#endif
    f->entry(f->argument);
    FRYS_ASSERT(false, "context: the entry function has returned; end it with context::leave_to");
    std::abort();
  }

#if FRYS_CONTEXT_ASAN
  // On the new stack: tells the sanitizer, and learns from it where the stack lies that we came from.
  static void arrived(basic_context& here, void* before) noexcept {
    auto* b = static_cast<basic_context*>(before);
    if (b != nullptr)
      __sanitizer_finish_switch_fiber(here.hook_, &b->low_, &b->size_);
    else
      __sanitizer_finish_switch_fiber(here.hook_, nullptr, nullptr);
    here.hook_ = nullptr;
  }
#endif

  void forget() noexcept {
#if FRYS_TSAN
    if (size_ != 0) __tsan_destroy_fiber(hook_);
#endif
    size_ = 0;
  }

  Switch switch_;
  // For the sanitizers; here in every build, so that objects of different builds agree.
  const void* low_ = nullptr;
  std::size_t size_ = 0;  // not 0: made
  void* hook_ = nullptr;  // AddressSanitizer's fake stack, or ThreadSanitizer's fiber
};

#if FRYS_HAS_MACHINE_SWITCH && !FRYS_CONTEXT_UCONTEXT
using context = basic_context<machine_switch>;
using quick_context = basic_context<quick_switch>;
#else
using context = basic_context<ucontext_switch>;
using quick_context = context;
#endif

// Memory for a stack, from mmap, with an unreadable page below it: an overflow is a fault, not a corruption. Pages come
// at first touch, so a large stack costs address space only. Linux lets a process have some 32,000 of them
// (vm.max_map_count counts two each).
class stack_memory {
 public:
  stack_memory() noexcept = default;
  stack_memory(stack_memory&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)),
        guard_(std::exchange(other.guard_, 0)),
        size_(std::exchange(other.size_, 0)) {}
  stack_memory& operator=(stack_memory&& other) noexcept {
    stack_memory old(std::move(other));
    std::swap(base_, old.base_);
    std::swap(guard_, old.guard_);
    std::swap(size_, old.size_);
    return *this;
  }
  ~stack_memory() {
    if (base_ == nullptr) return;
#if FRYS_CONTEXT_ASAN
    __asan_unpoison_memory_region(base_, guard_ + size_);  // the addresses may come back as something else
#endif
    ::munmap(base_, guard_ + size_);
  }

  // At least `bytes`, rounded up to whole pages, and the guard page on top of that. errc::invalid_argument for 0,
  // errc::out_of_memory when the system refuses.
  static result<stack_memory> allocate(std::size_t bytes) noexcept {
    if (bytes == 0) return error{errc::invalid_argument, domain::core, "a stack of zero bytes was asked for", 0};
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t whole = (bytes + page - 1) & ~(page - 1);
    constexpr std::size_t most = SIZE_MAX / 2;
    const error refused{errc::out_of_memory, domain::core, "the system refused the memory of a stack",
                        static_cast<std::int64_t>(bytes < most ? bytes : most)};
    if (whole < bytes || whole > most) return refused;
    int flags = MAP_PRIVATE;
#if defined(MAP_ANONYMOUS)
    flags |= MAP_ANONYMOUS;
#else
    flags |= MAP_ANON;
#endif
#if defined(MAP_NORESERVE)
    flags |= MAP_NORESERVE;
#endif
#if defined(MAP_STACK)
    flags |= MAP_STACK;
#endif
    void* base = ::mmap(nullptr, page + whole, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (base == reinterpret_cast<void*>(std::intptr_t{-1})) return refused;  // MAP_FAILED, uncast
    stack_memory made;
    made.base_ = static_cast<std::byte*>(base);
    made.guard_ = page;
    made.size_ = whole;
    if (::mprotect(base, page, PROT_NONE) != 0) return refused;
    return made;
  }

  // The stack, without its guard page; empty after a move.
  [[nodiscard]] byte_span span() const noexcept { return {base_ + guard_, size_}; }

 private:
  std::byte* base_ = nullptr;  // of the guard page
  std::size_t guard_ = 0;
  std::size_t size_ = 0;
};
#endif  // FRYS_HAS_CONTEXT

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_CONTEXT_HPP
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
  static_assert(atomics_model<typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type>,
                "frys::basic_histogram: policy::atomics wants an atomics model, see core/atomics.hpp");
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
// Looks `rounds` times, pausing in between, and not behind the last look: who sleeps then has waited enough, and to a
// model checker a pause is the end of waiting. True once the word differs.
template <class A, class Word>
bool looks(const Word& word, std::uint32_t old, unsigned rounds) noexcept {
  for (unsigned i = 0; i < rounds; ++i) {
    if (i != 0) A::pause();
    // acquire: pairs with the notifier's release of the word; what it published before is ours after.
    if (word.load(std::memory_order_acquire) != old) return true;
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
    while (!detail::looks<A>(word, old, 64)) {
      if (until.has_passed<C>()) return false;
      A::pause();
    }
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
    // relaxed: the second load sees whatever this one has seen.
    const bool in_time = epoch_.load(std::memory_order_relaxed) != from.epoch_ ||
                         wait_type::template wait<atomics_type, clock_type>(epoch_, from.epoch_, until);
    // sync(eventcount.epoch): acquire; what the notifier did before is visible to the waiter.
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
    // sync(eventcount.epoch): release; a waiter that sees the new epoch sees the condition's change. The fence above
    // would do, but ThreadSanitizer does not see fences.
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
template <class Switch>
class basic_context;
class stack_memory;
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
inline constexpr std::uint64_t hash_d = 0x589965cc75374cc3u;

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
    if (left > 64) {
      // Four chains that do not wait for each other: a multiplication takes three to four cycles, and one can start in
      // each.
      std::uint64_t h1 = h, h2 = h, h3 = h;
      for (; left > 64; left -= 64, p += 64) {
        h = detail::fold(load_le<std::uint64_t>(p) ^ detail::hash_a, load_le<std::uint64_t>(p + 8) ^ h);
        h1 = detail::fold(load_le<std::uint64_t>(p + 16) ^ detail::hash_b, load_le<std::uint64_t>(p + 24) ^ h1);
        h2 = detail::fold(load_le<std::uint64_t>(p + 32) ^ detail::hash_c, load_le<std::uint64_t>(p + 40) ^ h2);
        h3 = detail::fold(load_le<std::uint64_t>(p + 48) ^ detail::hash_d, load_le<std::uint64_t>(p + 56) ^ h3);
      }
      h ^= h1 ^ h2 ^ h3;
    }
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
  // The element that pop would answer; nullptr when empty.
  [[nodiscard]] T* front() const noexcept { return first_; }
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
// ---- frys/memory/arena.hpp
// arena: memory that is taken piece by piece and given back all at once, or back to a mark.
//
// Use when  many small things die together: one request, one parse, one frame.
// Not when  they die one by one (object_pool), or have destructors that must run.
// Threads   one at a time.
// Cost      an allocation: a subtraction, a mask and a compare, inlined. reset and rewind: O(chunks), most often one.
// Chunks
//           double; reset and rewind keep the largest, so a steady load settles in one chunk and asks the source no
//           more.
// Errors    errc::out_of_memory: the source refused, or the size is absurd; errc::limit_exceeded: beyond policy::limit.
// Lifetime  pointers hold until reset, a rewind to an earlier mark, or the arena's end. A moved-from arena is empty.
//
// Policies, in any order, each at most once:
//   policy::pages<P>       where chunks come from                default os_pages
//   policy::chunk_size<N>  bytes of the first chunk              default 64 KiB
//   policy::limit<N>       the most bytes of all chunks          default none
#ifndef FRYS_MEMORY_ARENA_HPP
#define FRYS_MEMORY_ARENA_HPP

namespace frys::inline FRYS_ABI {

template <class... Policies>
class arena {
  using accepted = policy::keys<policy::pages_key, policy::chunk_size_key, policy::limit_key>;
  static_assert(
      accepted::template known<Policies...>,
      "frys::arena: unknown policy; it takes policy::pages, policy::chunk_size, policy::limit and policy::world");
  static_assert(accepted::template unique<Policies...>, "frys::arena: a policy is given twice; name each at most once");

 public:
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>, "frys::arena: policy::pages wants a page source, see core/concepts.hpp");
  static constexpr std::size_t chunk_size = policy::pick<policy::chunk_size<64 * 1024>, Policies...>::value;
  static_assert(chunk_size >= 256, "frys::arena: policy::chunk_size must be at least 256 bytes");
  static constexpr std::size_t limit =
      policy::pick<policy::limit<(std::numeric_limits<std::size_t>::max)()>, Policies...>::value;

  // A point to rewind to. Good until the arena is reset or rewound to an earlier one.
  class mark_type {
    friend arena;
    void* chunk = nullptr;
    std::uintptr_t top = 0;
    std::size_t below = 0;
  };

  arena() noexcept = default;
  arena(arena&& other) noexcept { swap(other); }
  arena& operator=(arena&& other) noexcept {
    arena taken(std::move(other));
    swap(taken);
    return *this;
  }
  arena(const arena&) = delete;
  arena& operator=(const arena&) = delete;
  ~arena() { release(); }

  // `size` uninitialised bytes, aligned to `alignment` (a power of two). Size 0 answers a pointer that is not null.
  [[nodiscard]] result<void*> allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) noexcept {
    if (void* p = bump(size, alignment)) [[likely]]
      return p;
    return allocate_slow(size, alignment);
  }

  // T(args...). Its destructor is never run, so T must not need one.
  template <class T, class... Args>
  requires std::is_constructible_v<T, Args...>
  [[nodiscard]] result<T*> make(Args&&... args) noexcept(std::is_nothrow_constructible_v<T, Args...>) {
    static_assert(std::is_trivially_destructible_v<T>,
                  "frys::arena::make<T>: the arena runs no destructors; use object_pool for a T that needs one");
    result<void*> memory = allocate(sizeof(T), alignof(T));
    if (!memory) return memory.error();
    return ::new (*memory) T(std::forward<Args>(args)...);
  }
  // `count` value-initialised elements (zeros, for numbers).
  template <class T>
  [[nodiscard]] result<std::span<T>> make_array(std::size_t count) noexcept {
    static_assert(std::is_trivially_destructible_v<T> && std::is_nothrow_default_constructible_v<T>,
                  "frys::arena::make_array<T>: T must be made without throwing and need no destructor");
    if (count > detail::most_bytes / sizeof(T)) return detail::pages_refused(detail::most_bytes);
    result<void*> memory = allocate(count * sizeof(T), alignof(T));
    if (!memory) return memory.error();
    T* first = static_cast<T*>(*memory);
    std::uninitialized_value_construct_n(first, count);
    return std::span<T>(first, count);
  }
  // A copy that lives as long as the arena's content.
  [[nodiscard]] result<byte_span> copy(byte_view bytes) noexcept {
    result<void*> memory = allocate(bytes.size(), 1);
    if (!memory) return memory.error();
    if (!bytes.empty()) std::memcpy(*memory, bytes.data(), bytes.size());
    return byte_span(static_cast<std::byte*>(*memory), bytes.size());
  }
  [[nodiscard]] result<std::string_view> copy(std::string_view text) noexcept {
    result<byte_span> bytes = copy(as_bytes(text));
    if (!bytes) return bytes.error();
    return as_text(*bytes);
  }

  // Where the arena stands now.
  [[nodiscard]] mark_type mark() const noexcept {
    mark_type m;
    m.chunk = chunk_;
    m.top = top_;
    m.below = below_;
    return m;
  }
  // Forgets what was allocated after `m` was taken.
  void rewind(const mark_type& m) noexcept {
    note_high_water();
    while (chunk_ != nullptr && chunk_ != m.chunk) spare(std::exchange(chunk_, chunk_->previous));
    FRYS_ASSERT(chunk_ == m.chunk, "arena::rewind: the mark is not one of this arena's, or was rewound past");
    below_ = m.below;
    if (chunk_ == nullptr) {
      top_ = bottom_ = 0;
    } else {
      top_ = m.top;
      bottom_ = address(chunk_) + sizeof(chunk);
    }
  }
  // Forgets everything; keeps the largest chunk for the next round.
  void reset() noexcept { rewind(mark_type{}); }
  // Forgets everything and gives all memory back.
  void release() noexcept {
    reset();
    if (spare_ != nullptr) give_back(std::exchange(spare_, nullptr));
    next_size_ = chunk_size;
  }

  // Bytes handed out and not forgotten, with what alignment cost.
  [[nodiscard]] std::size_t used() const noexcept {
    return chunk_ == nullptr ? 0 : below_ + static_cast<std::size_t>(end_of(chunk_) - top_);
  }
  // Bytes asked of the source and held.
  [[nodiscard]] std::size_t reserved() const noexcept { return reserved_; }
  // The most that used() ever was, as seen by resets and rewinds, and now.
  [[nodiscard]] std::size_t high_water() const noexcept { return (std::max)(high_water_, used()); }

 private:
  struct chunk {
    byte_span memory;  // all of it; the chunk lies at its front
    chunk* previous = nullptr;
    std::size_t size = 0;   // bytes asked of the source, which may have answered more
    std::size_t below = 0;  // used() of the chunks below
  };
  static std::uintptr_t address(const void* p) noexcept { return reinterpret_cast<std::uintptr_t>(p); }
  static std::uintptr_t end_of(const chunk* c) noexcept { return address(c) + c->size; }

  // Downwards: rounding down to an alignment is one mask, and the compare is against a fixed bottom.
  void* bump(std::size_t size, std::size_t alignment) noexcept {
    FRYS_ASSERT(std::has_single_bit(alignment), "arena::allocate: the alignment is not a power of two");
    if (size > top_ - bottom_) return nullptr;
    const std::uintptr_t p = (top_ - size) & ~(static_cast<std::uintptr_t>(alignment) - 1);
    if (p < bottom_ || chunk_ == nullptr) return nullptr;
    top_ = p;
    return reinterpret_cast<void*>(p);
  }

  FRYS_NOINLINE result<void*> allocate_slow(std::size_t size, std::size_t alignment) noexcept {
    const std::size_t overhead = sizeof(chunk) + alignment;
    if (alignment > detail::most_bytes / 4 || size > detail::most_bytes / 2 - overhead)
      return detail::pages_refused(size);
    chunk* fresh = nullptr;
    if (spare_ != nullptr && spare_->size >= size + overhead) {
      fresh = std::exchange(spare_, nullptr);
    } else {
      const std::size_t least = detail::round_up(size + overhead, page_size);
      // A spare that is too small would only stand in the limit's way.
      if (spare_ != nullptr && limit - reserved_ < least) give_back(std::exchange(spare_, nullptr));
      std::size_t wanted = (std::max)(least, next_size_);
      if (wanted > limit - reserved_) wanted = least;
      if (wanted > limit - reserved_ && size + overhead <= limit - reserved_) wanted = size + overhead;
      if (wanted > limit - reserved_)
        return error{errc::limit_exceeded, domain::memory, "the arena's limit would be passed",
                     static_cast<std::int64_t>((std::min)(limit, detail::most_bytes))};
      result<byte_span> memory = pages_type::allocate(wanted);
      if (!memory) return memory.error();
      fresh = ::new (static_cast<void*>(memory->data())) chunk{*memory, nullptr, wanted, 0};
      reserved_ += wanted;
      next_size_ = (std::min)((std::max)(wanted, chunk_size) * 2, (std::max)(largest_step, chunk_size));
    }
    below_ = used();
    fresh->below = below_;
    fresh->previous = chunk_;
    chunk_ = fresh;
    bottom_ = address(fresh) + sizeof(chunk);
    top_ = end_of(fresh);
    return bump(size, alignment);
  }

  void spare(chunk* c) noexcept {
    if (spare_ != nullptr && spare_->size >= c->size) return give_back(c);
    if (spare_ != nullptr) give_back(spare_);
    spare_ = c;
  }
  void give_back(chunk* c) noexcept {
    const byte_span memory = c->memory;  // the chunk lies in the memory that it describes
    reserved_ -= c->size;
    pages_type::release(memory);
  }
  void note_high_water() noexcept { high_water_ = high_water(); }
  void swap(arena& other) noexcept {
    std::swap(top_, other.top_);
    std::swap(bottom_, other.bottom_);
    std::swap(chunk_, other.chunk_);
    std::swap(spare_, other.spare_);
    std::swap(below_, other.below_);
    std::swap(reserved_, other.reserved_);
    std::swap(high_water_, other.high_water_);
    std::swap(next_size_, other.next_size_);
  }

  static constexpr std::size_t largest_step = std::size_t{64} << 20;  // chunks double up to this, then stay

  std::uintptr_t top_ = 0;     // the lowest address handed out of the current chunk
  std::uintptr_t bottom_ = 0;  // where its free bytes begin
  chunk* chunk_ = nullptr;     // the newest; the others behind it
  chunk* spare_ = nullptr;     // the largest one that is not in use
  std::size_t below_ = 0;      // used() of all but the newest
  std::size_t reserved_ = 0;
  std::size_t high_water_ = 0;
  std::size_t next_size_ = chunk_size;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_ARENA_HPP
// ---- frys/memory/buffer.hpp
// buffer, buffer_chain: bytes that are handed on without copying: a ref-counted slice, and a sequence of them to
// gather.
//
// Use when  bytes travel between owners: from a socket to a decoder to a log, into an operation and back.
// Not when  they stay in one function (std::vector, arena), or only look at somebody's memory (byte_view).
// Threads   one buffer object: one thread at a time. Two buffers of the same block may live on different threads; the
//           count is shared safely, the bytes are the callers' to order (a hand-over through a queue does).
// Cost      24 bytes. A copy or slice is one relaxed increment; a release by the only owner is one load, no
//           read-modify-write. Blocks carry their release function, so pools, mapped files and rings add no allocation.
// Errors    allocate, copy_of, wrap: errc::out_of_memory.
// Lifetime  the block is released by its last buffer, on that buffer's thread.
//
// Policies: policy::atomics<A>, default atomics::standard. `buffer`, `buffer_block` and `buffer_chain` are the
// defaults.
#ifndef FRYS_MEMORY_BUFFER_HPP
#define FRYS_MEMORY_BUFFER_HPP

namespace frys::inline FRYS_ABI {

// The head of memory that buffers share. A memory source embeds or derives it, fills it, and gives it away by
// buffer::adopt; `release` is called once, by the last buffer, on any thread.
template <class... Policies>
struct basic_buffer_block {
  using accepted = policy::keys<policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::basic_buffer: unknown policy; it takes policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::basic_buffer: a policy is given twice; name each at most once");
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::basic_buffer: policy::atomics wants an atomics model, see core/atomics.hpp");
  using release_function = void (*)(basic_buffer_block&) noexcept;

  basic_buffer_block() = default;
  basic_buffer_block(std::byte* first, std::size_t bytes, release_function r) noexcept
      : data(first), size(bytes), release(r) {}

  std::byte* data = nullptr;                                        // the first byte
  std::size_t size = 0;                                             // all bytes there are
  release_function release = nullptr;                               // gives the block back to where it came from
  typename atomics_type::template atomic<std::uint32_t> owners{0};  // buffers that share it
};
using buffer_block = basic_buffer_block<>;

namespace detail {
inline constexpr error buffer_refused{errc::out_of_memory, domain::memory, "no memory for a buffer", 0};
}

template <class... Policies>
class basic_buffer {
 public:
  using block_type = basic_buffer_block<Policies...>;
  using atomics_type = typename block_type::atomics_type;
  // For wrap: gives `memory` back. Any thread.
  using foreign_release = void (*)(void* context, byte_span memory) noexcept;

  // Empty, owns nothing.
  basic_buffer() noexcept = default;

  // `size` uninitialised bytes from the heap, in one piece with their block.
  static result<basic_buffer> allocate(std::size_t size) noexcept {
    if (size > detail::most_bytes - heap_header) return detail::buffer_refused;
    void* memory = ::operator new(heap_header + size, std::nothrow);
    if (memory == nullptr) return detail::buffer_refused;
    auto* block = ::new (memory) block_type(static_cast<std::byte*>(memory) + heap_header, size, &release_heap);
    return adopt(*block, size);
  }

  // A copy of `bytes`, from the heap.
  static result<basic_buffer> copy_of(byte_view bytes) noexcept {
    result<basic_buffer> out = allocate(bytes.size());
    if (out && !bytes.empty()) std::memcpy(out->data(), bytes.data(), bytes.size());
    return out;
  }

  // The first and only owner of `block`; the buffer shows its first `size` bytes.
  static basic_buffer adopt(block_type& block, std::size_t size) noexcept {
    FRYS_ASSERT(size <= block.size, "buffer::adopt: more bytes than the block has");
    block.owners.store(1, std::memory_order_relaxed);  // relaxed: nobody else has the block
    return basic_buffer(&block, block.data, size);
  }

  // Memory of somebody else: `release(argument, memory)` is called when no buffer shows it any more. On an error it is
  // not called, and the memory stays the caller's.
  static result<basic_buffer> wrap(std::byte* data, std::size_t size, foreign_release release,
                                   void* argument) noexcept {
    auto* block = new (std::nothrow) foreign_block;
    if (block == nullptr) return detail::buffer_refused;
    block->data = data;
    block->size = size;
    block->release = &release_foreign;
    block->release_memory = release;
    block->context = argument;
    return adopt(*block, size);
  }

  basic_buffer(const basic_buffer& other) noexcept : block_(other.block_), data_(other.data_), size_(other.size_) {
    // relaxed: `other` keeps the block alive during this; what the copy's thread reads is ordered by how it got it.
    if (block_ != nullptr) block_->owners.fetch_add(1, std::memory_order_relaxed);
  }
  basic_buffer(basic_buffer&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  basic_buffer& operator=(const basic_buffer& other) noexcept {
    basic_buffer copy(other);
    swap(copy);
    return *this;
  }
  basic_buffer& operator=(basic_buffer&& other) noexcept {
    basic_buffer taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~basic_buffer() {
    if (block_ != nullptr) drop(*block_);
  }
  void swap(basic_buffer& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  // The bytes may be written through any owner; who shares a block agrees on who writes what.
  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] byte_view view() const noexcept { return {data_, size_}; }
  [[nodiscard]] byte_span span() const noexcept { return {data_, size_}; }
  [[nodiscard]] std::string_view text() const noexcept { return as_text(view()); }

  // True if no other buffer shares the block (or there is none); then nobody can start to.
  [[nodiscard]] bool is_unique() const noexcept {
    // sync(buffer.owners): acquire; what former owners did with the bytes is over before we use them as our own.
    return block_ == nullptr || block_->owners.load(std::memory_order_acquire) == 1;
  }
  // Bytes from data() to the end of the block.
  [[nodiscard]] std::size_t capacity() const noexcept {
    return block_ == nullptr ? 0 : block_->size - static_cast<std::size_t>(data_ - block_->data);
  }
  // Shows `count` more bytes of the block, behind the last. False, and nothing changes, if the block is shared or has
  // not so many.
  bool extend(std::size_t count) noexcept {
    if (count > capacity() - size_ || !is_unique()) return false;
    size_ += count;
    return true;
  }

  // Another owner that shows `count` bytes from `offset`; fewer where there are not so many.
  [[nodiscard]] basic_buffer slice(std::size_t offset,
                                   std::size_t count = (std::numeric_limits<std::size_t>::max)()) const noexcept {
    FRYS_ASSERT(offset <= size_, "buffer::slice: the offset is behind the end");
    basic_buffer part(*this);
    part.data_ += offset;
    part.size_ = (std::min)(count, size_ - offset);
    return part;
  }
  // Shows no longer the first `count` bytes.
  void remove_prefix(std::size_t count) noexcept {
    FRYS_ASSERT(count <= size_, "buffer::remove_prefix: more bytes than there are");
    data_ += count;
    size_ -= count;
  }
  // Shows only the first `count` bytes.
  void truncate(std::size_t count) noexcept {
    FRYS_ASSERT(count <= size_, "buffer::truncate: more bytes than there are");
    size_ = count;
  }
  // Becomes empty and gives up the block.
  void reset() noexcept {
    if (block_ != nullptr) drop(*std::exchange(block_, nullptr));
    data_ = nullptr;
    size_ = 0;
  }

  // The block, or nullptr: for memory sources that know their own blocks (registered buffers of a ring).
  [[nodiscard]] block_type* block() const noexcept { return block_; }

 private:
  struct foreign_block : block_type {
    foreign_release release_memory = nullptr;
    void* context = nullptr;
  };
  // So that the bytes are aligned as operator new's memory is.
  static constexpr std::size_t heap_header =
      detail::round_up(sizeof(block_type), (std::max)(alignof(block_type), alignof(std::max_align_t)));

  basic_buffer(block_type* block, std::byte* data, std::size_t size) noexcept
      : block_(block), data_(data), size_(size) {}

  static void release_heap(block_type& block) noexcept {
    std::destroy_at(&block);
    ::operator delete(static_cast<void*>(&block));
  }
  static void release_foreign(block_type& block) noexcept {
    auto* foreign = static_cast<foreign_block*>(&block);
    foreign->release_memory(foreign->context, byte_span(foreign->data, foreign->size));
    delete foreign;
  }

  static void drop(block_type& block) noexcept {
    // sync(buffer.owners): acquire; the only owner has no rival: no read-modify-write. What the others did with the
    // bytes before they left is over before the memory is used again; with relaxed it might not be.
    if (block.owners.load(std::memory_order_acquire) != 1 &&
        // sync(buffer.owners): acq_rel; release for those who leave, acquire for the last.
        block.owners.fetch_sub(1, std::memory_order_acq_rel) != 1)
      return;
    block.release(block);
  }

  block_type* block_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};
using buffer = basic_buffer<>;

// A sequence of buffers, to be written by one gather (writev, sendmsg, a ring) and consumed from the front.
//
// append takes a buffer as it is; append_copy, prepare and commit gather small pieces in a tail buffer of the chain's
// own, from the heap or, after lease_from, from a pool. A chain keeps its list of up to eight segments inside itself; a
// longer one is on the heap and kept by clear().
template <class... Policies>
class basic_buffer_chain {
 public:
  using buffer_type = basic_buffer<Policies...>;
  // The size of the chain's own tail buffers, their block included.
  static constexpr std::size_t tail_size = 4096;

  basic_buffer_chain() noexcept = default;
  basic_buffer_chain(basic_buffer_chain&& other) noexcept : acquire_(other.acquire_), pool_(other.pool_) {
    take_from(other);
  }
  basic_buffer_chain& operator=(basic_buffer_chain&& other) noexcept {
    if (this == &other) return *this;
    clear();
    release_list();
    take_from(other);
    acquire_ = other.acquire_;
    pool_ = other.pool_;
    return *this;
  }
  basic_buffer_chain(const basic_buffer_chain&) = delete;  // share the segments one by one where that is meant
  basic_buffer_chain& operator=(const basic_buffer_chain&) = delete;
  ~basic_buffer_chain() {
    clear();
    release_list();
  }

  // Bytes in all segments.
  [[nodiscard]] std::size_t size() const noexcept { return bytes_; }
  [[nodiscard]] bool empty() const noexcept { return bytes_ == 0; }
  // The buffers in order, none of them empty. Valid until the chain changes.
  [[nodiscard]] std::span<const buffer_type> segments() const noexcept { return {list_ + first_, count_ - first_}; }

  // Puts a buffer at the end, by pointer. On an error (out_of_memory) the chain is as before.
  result<void> append(buffer_type piece) noexcept {
    if (piece.empty()) return {};
    const std::size_t more = piece.size();
    if (!push(std::move(piece))) return detail::buffer_refused;
    bytes_ += more;
    own_tail_ = false;
    return {};
  }

  // Puts all of `other` at the end. On an error both chains are as before.
  result<void> append(basic_buffer_chain&& other) noexcept {
    if (other.empty()) return {};
    if (!make_room(other.count_ - other.first_)) return detail::buffer_refused;
    for (std::uint32_t i = other.first_; i < other.count_; ++i) (void)push(std::move(other.list_[i]));
    bytes_ += other.bytes_;
    own_tail_ = other.own_tail_;
    other.clear();
    return {};
  }

  // Copies `bytes` to the end. On an error (out_of_memory) the chain is as before.
  result<void> append_copy(byte_view bytes) noexcept {
    if (bytes.empty()) return {};
    result<byte_span> room = prepare(bytes.size());
    if (!room) return room.error();
    std::memcpy(room->data(), bytes.data(), bytes.size());
    commit(bytes.size());
    return {};
  }
  result<void> append_copy(std::string_view text) noexcept { return append_copy(as_bytes(text)); }

  // At least `least` bytes in one piece, to be filled in place and committed; append nothing else in between.
  result<byte_span> prepare(std::size_t least) noexcept {
    if (byte_span room = tail_room(); room.size() >= least && !room.empty()) return room;
    if (acquire_ != nullptr) {
      result<buffer_type> leased = acquire_(pool_);
      if (leased && leased->capacity() >= least) return prepare_in(*std::move(leased));
    }
    constexpr std::size_t overhead = 64;  // the block's head, so that the whole is one size class
    result<buffer_type> fresh = buffer_type::allocate((std::max)(least, tail_size - overhead));
    if (!fresh) return fresh.error();
    return prepare_in(*std::move(fresh));
  }
  // Makes the first `count` bytes of what prepare answered part of the chain.
  void commit(std::size_t count) noexcept {
    if (count == 0) return;
    if (spare_.block() != nullptr) {
      // prepare left room for it in the list
      spare_.truncate(0);
      (void)spare_.extend(count);
      (void)push(std::move(spare_));
      spare_.reset();
      own_tail_ = true;
    } else {
      const bool extended = own_tail_ && count_ != first_ && list_[count_ - 1].extend(count);
      FRYS_ASSERT(extended, "buffer_chain::commit: more bytes than prepare answered");
      if (!extended) return;
    }
    bytes_ += count;
  }
  // Lets the chain's tail buffers come from `pool` (memory/buffer_pool.hpp), whose owner thread alone may append then;
  // a piece larger than a block, or a pool that is full, still goes to the heap. The pool must outlive the appending.
  template <class Pool>
  void lease_from(Pool& pool) noexcept {
    pool_ = &pool;
    acquire_ = [](void* p) noexcept -> result<buffer_type> { return static_cast<Pool*>(p)->acquire(); };
  }

  // Drops `count` bytes from the front, and the buffers that are empty then.
  void consume(std::size_t count) noexcept {
    FRYS_ASSERT(count <= bytes_, "buffer_chain::consume: more bytes than there are");
    count = (std::min)(count, bytes_);
    bytes_ -= count;
    while (count != 0) {
      buffer_type& front = list_[first_];
      if (count < front.size()) {
        front.remove_prefix(count);
        return;
      }
      count -= front.size();
      front.reset();
      ++first_;
    }
    if (first_ == count_) first_ = count_ = 0, own_tail_ = false;
  }

  // Gives up all buffers.
  void clear() noexcept {
    for (std::uint32_t i = first_; i < count_; ++i) list_[i].reset();
    first_ = count_ = 0;
    bytes_ = 0;
    own_tail_ = false;
    spare_.reset();
  }

  // All bytes, as a chain that leases from no pool and so may go to another thread; this one is empty after.
  [[nodiscard]] basic_buffer_chain take() noexcept {
    basic_buffer_chain out;
    out.take_from(*this);
    return out;
  }

  // Copies all bytes to `out`, which has size() of them.
  void copy_to(std::byte* out) const noexcept {
    for (const buffer_type& b : segments()) out = std::copy_n(b.data(), b.size(), out);
  }

 private:
  static constexpr std::uint32_t inside = 8;

  // What may still be written behind the last byte.
  byte_span tail_room() noexcept {
    if (spare_.block() != nullptr) return {spare_.data(), spare_.capacity()};
    if (!own_tail_ || count_ == first_) return {};
    buffer_type& last = list_[count_ - 1];
    if (!last.is_unique()) return {};  // somebody kept a copy of the segment
    return {last.data() + last.size(), last.capacity() - last.size()};
  }
  result<byte_span> prepare_in(buffer_type fresh) noexcept {
    if (!make_room(1)) return detail::buffer_refused;
    spare_ = std::move(fresh);
    return byte_span(spare_.data(), spare_.capacity());
  }

  bool push(buffer_type piece) noexcept {
    if (!make_room(1)) return false;
    list_[count_++] = std::move(piece);
    return true;
  }
  // Room for `more` further segments.
  bool make_room(std::uint32_t more) noexcept {
    if (room_ - count_ >= more) return true;
    const std::uint32_t live = count_ - first_;
    if (room_ - live >= more && first_ >= live) {  // enough was consumed: move down, at a constant cost per segment
      std::move(list_ + first_, list_ + count_, list_);
    } else {
      if (live > (std::numeric_limits<std::uint32_t>::max)() / 4 - more) return false;
      const std::uint32_t wanted = (std::max)(room_ * 2, live + more);
      auto* list = new (std::nothrow) buffer_type[wanted];
      if (list == nullptr) return false;
      std::move(list_ + first_, list_ + count_, list);
      release_list();
      list_ = list;
      room_ = wanted;
    }
    first_ = 0;
    count_ = live;
    return true;
  }
  void release_list() noexcept {
    if (list_ != inside_) delete[] list_;
    list_ = inside_;
    room_ = inside;
  }
  // We are empty and have our list inside.
  void take_from(basic_buffer_chain& other) noexcept {
    if (other.list_ == other.inside_) {
      std::move(other.inside_ + other.first_, other.inside_ + other.count_, inside_ + other.first_);
    } else {
      list_ = std::exchange(other.list_, other.inside_);
      room_ = std::exchange(other.room_, inside);
    }
    first_ = std::exchange(other.first_, 0);
    count_ = std::exchange(other.count_, 0);
    bytes_ = std::exchange(other.bytes_, 0);
    own_tail_ = std::exchange(other.own_tail_, false);
    other.spare_.reset();  // prepared, never committed
  }

  buffer_type* list_ = inside_;
  std::uint32_t room_ = inside;
  std::uint32_t first_ = 0;  // list_[first_, count_) are the segments
  std::uint32_t count_ = 0;
  bool own_tail_ = false;  // the last segment is ours to extend
  std::size_t bytes_ = 0;
  result<buffer_type> (*acquire_)(void* pool) noexcept = nullptr;
  void* pool_ = nullptr;
  buffer_type spare_;  // prepared, not yet a segment
  buffer_type inside_[inside];
};
using buffer_chain = basic_buffer_chain<>;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_BUFFER_HPP
// ---- frys/memory/buffer_pool.hpp
// buffer_pool: blocks of one size for buffers; leased by one thread, released from any.
//
// Use when  a loop receives into buffers that travel on (to a log, to another core) and come back when they come back.
// Not when  sizes differ widely (buffer::allocate), or the bytes never leave one function (arena).
// Roles     acquire, reserve, stats: the owner thread. Releasing a buffer: any thread. Destroy: the owner.
// Progress  acquire waits for nobody; a release is lock-free (one compare-exchange on a stack).
// Cost      acquire: O(1), one exchange if something came back since the last one, else none. Last in, first out: the
//           block handed out is the one released last, warm in the cache. Memory comes in slabs of about 256 KiB; after
//           the first use of the most blocks, nothing is allocated. Blocks are aligned to min(block size, page).
// Ordering  what a thread did with a buffer before releasing it happens-before the acquire that hands its block out.
// Errors    errc::full: the most blocks are out, one may come back; errc::out_of_memory: the source refused.
// Lifetime  buffers may outlive the pool; the memory goes when the last of them does.
//
// Policies, in any order, each at most once:
//   policy::atomics<A>  the atomics model        default atomics::standard
//   policy::pages<P>    where slabs come from    default os_pages
#ifndef FRYS_MEMORY_BUFFER_POOL_HPP
#define FRYS_MEMORY_BUFFER_POOL_HPP

namespace frys::inline FRYS_ABI {

struct buffer_pool_stats {
  std::size_t block_size = 0;   // bytes per block
  std::size_t most_blocks = 0;  // the bound
  std::size_t blocks = 0;       // that have memory
  std::size_t leased = 0;       // that are out; a release under way may still count
  std::uint64_t acquired = 0;   // leases so far
  std::uint64_t refused = 0;    // acquires that answered an error
};

template <class... Policies>
class buffer_pool {
  using accepted = policy::keys<policy::atomics_key, policy::pages_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::buffer_pool: unknown policy; it takes policy::atomics, policy::pages and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::buffer_pool: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::buffer_pool: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(page_source<pages_type>, "frys::buffer_pool: policy::pages wants a page source, see core/concepts.hpp");
  // `buffer` itself unless the atomics are not the standard ones.
  using buffer_type = std::conditional_t<std::is_same_v<atomics_type, atomics::standard>, buffer,
                                         basic_buffer<policy::atomics<atomics_type>>>;
  using block_type = typename buffer_type::block_type;

  // Blocks of `block_size` bytes, at most `most_blocks` of them. Takes no memory yet.
  explicit buffer_pool(std::size_t block_size,
                       std::size_t most_blocks = (std::numeric_limits<std::uint32_t>::max)()) noexcept
      : block_size_((std::max)(block_size, std::size_t{1})), most_(most_blocks) {}
  buffer_pool(const buffer_pool&) = delete;
  buffer_pool& operator=(const buffer_pool&) = delete;
  ~buffer_pool() {
    if (core_ == nullptr) return;
    // sync(buffer_pool.returned): acquire; from here on a release counts down instead of coming back. Who sees the mark
    // learns the pool's last writes by `remaining`.
    slot* back = core_->returned.exchange(orphaned(), std::memory_order_acquire);
    std::size_t out = blocks_ - free_blocks();
    for (; back != nullptr; back = back->next) --out;
    // sync(buffer_pool.remaining): acq_rel; the last to leave frees the memory that all the others have used.
    // Releases may have counted below zero already; the sum is zero once, when all are back.
    const std::int64_t remaining = static_cast<std::int64_t>(out);
    if (core_->remaining.fetch_add(remaining, std::memory_order_acq_rel) + remaining == 0) free_slabs(core_);
  }

  // Owner only. An empty buffer (size 0) whose capacity() is block_size(), uninitialised; extend() it to what was
  // filled.
  [[nodiscard]] result<buffer_type> acquire() noexcept {
    slot* s = take();
    if (s == nullptr) [[unlikely]] {
      result<void> grown = grow();
      if (!grown) {
        ++refused_;
        return grown.error();
      }
      s = take();
    }
    ++acquired_;
    return buffer_type::adopt(*s, 0);
  }

  // Owner only. Takes the memory of at least `blocks` blocks now, so that acquire need not.
  result<void> reserve(std::size_t blocks) noexcept {
    while (blocks_ < blocks) {
      result<void> grown = grow();
      if (!grown) return grown;
    }
    return {};
  }

  // Any thread.
  [[nodiscard]] std::size_t block_size() const noexcept { return block_size_; }
  // Owner only. Walks the free blocks.
  [[nodiscard]] buffer_pool_stats stats() noexcept {
    collect();
    return {block_size_, most_, blocks_, blocks_ - free_blocks(), acquired_, refused_};
  }

 private:
  struct core;
  struct slot : block_type {
    core* pool = nullptr;
    slot* next = nullptr;  // the free block below
    slot* down = nullptr;  // in the top block of a list: the list below
  };
  struct slab {
    byte_span memory;
    slab* next = nullptr;
  };
  // What releases need; lives in the first slab, until the last block is back.
  struct core {
    alignas(cache_line) typename atomics_type::template atomic<slot*> returned{nullptr};
    typename atomics_type::template atomic<std::int64_t> remaining{0};
    alignas(cache_line) slab* slabs = nullptr;
  };

  // A mark that is no block: the pool is gone.
  static slot* orphaned() noexcept { return reinterpret_cast<slot*>(std::uintptr_t{1}); }

  // Any thread: the block's last buffer has gone.
  static void release(block_type& block) noexcept {
    slot* s = static_cast<slot*>(&block);
    core* c = s->pool;
    // relaxed, also on failure below: `top` is only carried, or compared with the mark.
    slot* top = c->returned.load(std::memory_order_relaxed);
    for (;;) {
      if (top == orphaned()) {
        // sync(buffer_pool.remaining): acq_rel; see the destructor.
        if (c->remaining.fetch_sub(1, std::memory_order_acq_rel) == 1) free_slabs(c);
        return;
      }
      s->next = top;
      // sync(buffer_pool.returned): release; we are done with the bytes before the owner can lease them again.
      if (c->returned.compare_exchange_weak(top, s, std::memory_order_release, std::memory_order_relaxed)) return;
    }
  }

  static void free_slabs(core* c) noexcept {
    slab* s = c->slabs;
    while (s != nullptr) {
      const byte_span memory = s->memory;  // the slab lies in the memory that it describes
      s = s->next;
      pages_type::release(memory);
    }
  }

  // Takes over what came back, as the list to lease from first. No walk: lists stand on one another by `down`.
  void collect() noexcept {
    // relaxed: a look; a block that came back this moment is found next time.
    if (core_ == nullptr || core_->returned.load(std::memory_order_relaxed) == nullptr) return;
    // sync(buffer_pool.returned): acquire; the releasing threads are done with the bytes.
    slot* back = core_->returned.exchange(nullptr, std::memory_order_acquire);
    if (free_ != nullptr) {
      free_->down = below_;
      below_ = free_;
    }
    free_ = back;
  }
  slot* take() noexcept {
    collect();
    slot* s = free_;
    if (s == nullptr) return nullptr;
    free_ = s->next;
    if (free_ == nullptr && below_ != nullptr) {
      free_ = below_;
      below_ = below_->down;
    }
    return s;
  }
  std::size_t free_blocks() const noexcept {
    std::size_t n = 0;
    for (const slot* s = free_; s != nullptr; s = s->next) ++n;
    for (const slot* list = below_; list != nullptr; list = list->down)
      for (const slot* s = list; s != nullptr; s = s->next) ++n;
    return n;
  }

  // A further slab: [slab, core if it is the first, slots][bytes of the blocks].
  FRYS_NOINLINE result<void> grow() noexcept {
    constexpr std::size_t slab_bytes = 256 * 1024;
    if (blocks_ >= most_)
      return error{errc::full, domain::memory, "all blocks of the pool are leased",
                   static_cast<std::int64_t>((std::min)(most_, detail::most_bytes))};
    if (block_size_ > detail::most_bytes / 2) return detail::pages_refused(block_size_);
    const std::size_t alignment = (std::min)(std::bit_ceil(block_size_), page_size);
    const std::size_t stride = detail::round_up(block_size_, (std::min)(alignment, cache_line));
    const std::size_t count =
        (std::min)(most_ - blocks_, (std::max)(std::size_t{1}, slab_bytes / (stride + sizeof(slot))));
    constexpr std::size_t unit = (std::max)(alignof(slot), alignof(core));
    constexpr std::size_t core_at = detail::round_up(sizeof(slab), unit);
    const std::size_t slots_at = core_ == nullptr ? core_at + detail::round_up(sizeof(core), unit) : core_at;
    const std::size_t bytes_at = detail::round_up(slots_at + count * sizeof(slot), (std::max)(alignment, cache_line));
    result<byte_span> memory = pages_type::allocate(bytes_at + count * stride);
    if (!memory) return memory.error();
    std::byte* base = memory->data();
    slab* s = ::new (static_cast<void*>(base)) slab{*memory, nullptr};
    if (core_ == nullptr) {
      core_ = ::new (static_cast<void*>(base + core_at)) core;
      core_->slabs = s;
    } else {
      s->next = core_->slabs->next;  // behind the first, whose core must be freed with it, in one walk
      core_->slabs->next = s;
    }
    slot* top = nullptr;
    for (std::size_t i = count; i-- > 0;) {  // the first block comes out first
      slot* block = ::new (static_cast<void*>(base + slots_at + i * sizeof(slot))) slot;
      block->data = base + bytes_at + i * stride;
      block->size = block_size_;
      block->release = &release;
      block->pool = core_;
      block->next = top;
      top = block;
    }
    if (free_ != nullptr) {
      free_->down = below_;
      below_ = free_;
    }
    free_ = top;
    blocks_ += count;
    return {};
  }

  core* core_ = nullptr;
  slot* free_ = nullptr;   // the list to lease from
  slot* below_ = nullptr;  // older lists, by `down`
  std::size_t block_size_;
  std::size_t most_;
  std::size_t blocks_ = 0;
  std::uint64_t acquired_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_BUFFER_POOL_HPP
// ---- frys/memory/reclaim.hpp
// reclaimer: when may memory go that other threads may still be reading? One concept, four domains.
//
// A domain D  is an object that threads join: `auto seat = *domain.join();` gives the thread its seat, which reads
//             (protect, pin), retires what it has unlinked, and gives itself back when it dies. No thread_local, no
//             global: a domain ends like any object.
//   epoch_domain   reads cost least and may span many objects; a reader that stops, stops all reclamation
//   hazard_domain  a bound on garbage that no stopped reader can break; one slot per pointer that is held
//   qsbr_domain    reads cost nothing; every thread must say now and then that it holds nothing (quiesce)
//   leak_domain    nothing ever goes: what the others are measured against, and for programs that end soon
// Retire      unlink first: once an object is retired, nobody who begins to read may find it. `retire` answers false
//             when the seat holds as much garbage as policy::garbage allows: the object is then still the caller's, who
//             may wait (seat.quiesce()) and try again. seat.room() says beforehand how many will be taken.
// Re-entrance destroy functions may retire through the seat of the thread that runs them: which is any seat of the
//             domain that retires, is quiesced or leaves, or none in the domain's destructor (which must find no such).
#ifndef FRYS_MEMORY_RECLAIM_HPP
#define FRYS_MEMORY_RECLAIM_HPP

namespace frys::inline FRYS_ABI {

namespace policy {
struct garbage_key {};  // a number of retired objects, per seat
struct batch_key {};    // a number of retired objects
struct hazards_key {};  // a number of pointers, per seat
struct counter_key {};  // an unsigned type

// The most retired objects that one seat holds; beyond, retire answers false.
template <std::size_t N>
struct garbage {
  using key = garbage_key;
  static constexpr std::size_t value = N;
};
// After how many retired objects a seat looks for what may go.
template <std::size_t N>
struct batch {
  using key = batch_key;
  static constexpr std::size_t value = N;
};
// How many guards of a hazard_domain one seat may hold at once.
template <std::size_t N>
struct hazards {
  using key = hazards_key;
  static constexpr std::size_t value = N;
};
// What epochs are counted with.
template <class T>
struct counter {
  using key = counter_key;
  using type = T;
};
}  // namespace policy

// What becomes of an object when nobody can reach it any more.
using destroy_function = void (*)(void*) noexcept;

// retire(object)'s default: delete.
struct reclaim_by_delete {
  template <class T>
  static void reclaim(T* object) noexcept {
    static_assert(sizeof(T) != 0, "frys::reclaim_by_delete: T must be complete where it is retired");
    delete object;
  }
};

namespace detail {
template <class Deleter, class T>
void destroy_as(void* object) noexcept {
  Deleter::reclaim(static_cast<T*>(object));
}
}  // namespace detail

// The concept; a model for policy::reclaimer.
template <class D>
concept reclaimer = requires(D& domain, const D& seen, typename D::participant& seat, int* object,
                             const typename D::atomics_type::template atomic<int*>& source, destroy_function destroy) {
  requires atomics_model<typename D::atomics_type>;
  requires std::movable<typename D::participant>;
  { D::has_pin } -> std::convertible_to<bool>;  // whether seat.pin() is there
  { domain.join() } -> std::same_as<result<typename D::participant>>;
  { seat.protect(source).get() } -> std::same_as<int*>;
  { seat.retire(object, destroy) } -> std::same_as<bool>;
  { seat.retire(object) } -> std::same_as<bool>;
  { seat.room() } -> std::same_as<std::size_t>;
  seat.quiesce();
  { seen.garbage() } -> std::same_as<std::size_t>;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_RECLAIM_HPP
// ---- frys/memory/detail/seats.hpp
// seats: what all domains share: the seats that threads take and give back, and each seat's list of retired objects.
//
// Threads   join, leave, adopt: any. A list: who holds the seat.
// Memory    a list is one array of fixed size, taken from the page source when its seat is first joined and kept till
//           the domain ends: retiring allocates nothing, and with os_pages only what was used is ever backed.
#ifndef FRYS_MEMORY_DETAIL_SEATS_HPP
#define FRYS_MEMORY_DETAIL_SEATS_HPP

namespace frys::inline FRYS_ABI::detail {

struct retired_object {
  void* object;
  destroy_function destroy;
};

// The retired objects of a seat, oldest first. Only while it is swept there is a hole, of entries that are done with:
// so that what a destroy function retires finds room.
template <class A>
class retired_list {
 public:
  void use_memory(retired_object* at, std::size_t most) noexcept { at_ = at, most_ = most; }
  [[nodiscard]] bool has_memory() const noexcept { return at_ != nullptr; }

  // relaxed, all of end_: the holder's own number, which others only guess by.
  [[nodiscard]] std::size_t size() const noexcept { return end_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t room() const noexcept { return most_ - size() + (hole_end_ - hole_begin_); }
  [[nodiscard]] bool is_swept() const noexcept { return swept_; }

  // False when it is time to look for what may go, or there is no room.
  FRYS_ALWAYS_INLINE bool push(void* object, destroy_function destroy) noexcept {
    static_cast<void>(holder_.get());
    const std::size_t end = end_.load(std::memory_order_relaxed);  // relaxed: our own
    if (end == mark_) [[unlikely]]
      return false;
    at_[end] = {object, destroy};
    end_.store(end + 1, std::memory_order_relaxed);  // relaxed: see size
    return true;
  }
  // The next `batch` pushes are taken, as far as there is room.
  void set_mark(std::size_t batch) noexcept {
    const std::size_t end = size();
    if (end == most_ && hole_end_ != hole_begin_) return close_hole(), set_mark(batch);
    mark_ = most_ - end < batch ? most_ : end + batch;
  }

  // Takes entries of another list, which nobody else may use meanwhile, as far as there is room.
  void take_from(retired_list& other) noexcept {
    holder_.ref() = 1, other.holder_.ref() = 1;
    std::size_t end = size(), theirs = other.size();
    while (end != most_ && theirs != 0) at_[end++] = other.at_[--theirs];
    end_.store(end, std::memory_order_relaxed);           // relaxed: see size
    other.end_.store(theirs, std::memory_order_relaxed);  // relaxed: see size
  }
  // The list has a new holder.
  void change_hands() noexcept { holder_.ref() = 1; }

  // Destroys those of the first `count` entries that may go.
  template <class F>
  void sweep(std::size_t count, F may_go) noexcept {
    if (count == 0) return;
    swept_ = true;
    stop_ = count;
    while (hole_end_ != stop_) {
      const retired_object r = at_[hole_end_++];
      if (may_go(r.object))
        r.destroy(r.object);  // may push, and close the hole
      else
        at_[hole_begin_++] = r;
    }
    close_hole();
    swept_ = false;
  }

 private:
  void close_hole() noexcept {
    const std::size_t gap = hole_end_ - hole_begin_, end = size();
    if (gap != 0) std::copy(at_ + hole_end_, at_ + end, at_ + hole_begin_);
    end_.store(end - gap, std::memory_order_relaxed);  // relaxed: see size
    stop_ -= gap;
    hole_end_ = hole_begin_;
    if (!(stop_ > hole_begin_)) hole_begin_ = hole_end_ = stop_ = 0;
  }

  typename A::template atomic<std::size_t> end_{0};
  std::size_t mark_ = 0;  // push asks to be thought over here
  retired_object* at_ = nullptr;
  std::size_t most_ = 0;
  std::size_t hole_begin_ = 0, hole_end_ = 0, stop_ = 0;
  bool swept_ = false;
  // Shows the checker of memory models who uses the list when.
  [[no_unique_address]] typename A::template var<char> holder_{};
};

// A Slot has `list`, a retired_list, and `state`.
template <class A, class Slot, std::size_t Seats, class Pages>
class seat_table {
 public:
  static constexpr std::uint32_t is_free = 0, is_taken = 1, is_emptied = 2;

  // `scratch`: bytes behind the list's array, for the domain.
  result<Slot*> join(std::size_t most, std::size_t scratch = 0) noexcept {
    for (;;) {
      bool wait = false;
      for (std::size_t i = 0; i != Seats; ++i) {
        Slot& s = slots_[i];
        std::uint32_t state = s.state.load(std::memory_order_relaxed);  // relaxed: a guess
        // sync(seats.hand_over): acquire; what the last holder did with the list is done.
        if (state == is_free &&
            s.state.compare_exchange_strong(state, is_taken, std::memory_order_acquire, std::memory_order_relaxed)) {
          if (auto ready = equip(s, i, most, scratch); !ready) return leave(s), ready.error();
          s.list.change_hands();
          return &s;
        }
        wait = wait || state == is_emptied;
      }
      // A seat from which garbage is being fetched is free in a moment.
      if (!wait) return error{errc::full, domain::memory, "all seats of the domain are taken", Seats};
      A::pause();
    }
  }
  void leave(Slot& s) noexcept {
    // sync(seats.hand_over): release; our use of the list ends before another one's begins.
    s.state.store(is_free, std::memory_order_release);
  }

  // Fetches what those left behind who have gone.
  void adopt(Slot& mine) noexcept {
    for_each([&](Slot& s) {
      // relaxed, both: guesses.
      if (s.state.load(std::memory_order_relaxed) != is_free || s.list.size() == 0) return;
      if (mine.list.room() == 0) return;
      std::uint32_t state = is_free;
      // sync(seats.hand_over): acquire; as in join.
      if (!s.state.compare_exchange_strong(state, is_emptied, std::memory_order_acquire, std::memory_order_relaxed))
        return;
      mine.list.take_from(s.list);
      leave(s);
    });
  }

  // Every seat that was ever taken before the caller's fence.
  template <class F>
  void for_each(F f) noexcept {
    // relaxed: who takes a seat raises this before the fence of his first read; see the domain's hand-shake.
    const std::size_t used = used_.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i != used; ++i) f(slots_[i]);
  }

  [[nodiscard]] std::size_t garbage() const noexcept {
    std::size_t sum = 0;
    for (const Slot& s : slots_) sum += s.list.size();
    return sum;
  }

  // The domain ends: nobody uses a seat.
  void end() noexcept {
    for (Slot& s : slots_) {
      // relaxed: who ends a domain knows that its threads have left.
      FRYS_ASSERT(s.state.load(std::memory_order_relaxed) == is_free, "a domain ends while a thread has a seat");
      s.list.change_hands();
      while (s.list.size() != 0) s.list.sweep(s.list.size(), [](void*) { return true; });
      if (s.memory.data() != nullptr) Pages::release(s.memory);
    }
  }

 private:
  result<void> equip(Slot& s, std::size_t index, std::size_t most, std::size_t scratch) noexcept {
    if (!s.list.has_memory()) {
      auto memory = Pages::allocate(most * sizeof(retired_object) + scratch);
      if (!memory) return memory.error();
      s.memory = *memory;
      s.list.use_memory(reinterpret_cast<retired_object*>(memory->data()), most);
    }
    std::size_t used = used_.load(std::memory_order_relaxed);  // relaxed: see for_each
    while (used <= index &&
           !used_.compare_exchange_weak(used, index + 1, std::memory_order_relaxed, std::memory_order_relaxed)) {
    }
    return {};
  }

  typename A::template atomic<std::size_t> used_{0};
  Slot slots_[Seats];
};

// The part of a participant that is the same in all domains. Domain has `slot`, retire_slowly, reclaim_all, leave.
template <class Domain>
class seat_base {
  using slot = typename Domain::slot;

 public:
  seat_base(seat_base&& other) noexcept
      : domain_(std::exchange(other.domain_, nullptr)), slot_(std::exchange(other.slot_, nullptr)) {}
  seat_base& operator=(seat_base&& other) noexcept {
    if (this != &other) {
      leave();
      domain_ = std::exchange(other.domain_, nullptr);
      slot_ = std::exchange(other.slot_, nullptr);
    }
    return *this;
  }
  ~seat_base() { leave(); }

  // Gives the seat back; no guard of it may live. What may not go yet stays with the domain: whoever reclaims next, or
  // takes the seat, has it.
  void leave() noexcept {
    if (slot_ != nullptr) domain_->leave(*slot_);
    slot_ = nullptr;
  }

  // Calls destroy(object) when nobody can reach the object any more: in some later retire, quiesce or leave of a seat
  // of this domain, or in the domain's destructor. False: the seat is full, the object is still yours.
  [[nodiscard]] bool retire(void* object, destroy_function destroy) noexcept {
    if (slot_->list.push(object, destroy)) [[likely]]
      return true;
    return domain_->retire_slowly(*slot_, object, destroy);
  }
  // The same by Deleter::reclaim(object), which must not throw.
  template <class Deleter = reclaim_by_delete, class T>
  [[nodiscard]] bool retire(T* object) noexcept {
    return retire(const_cast<void*>(static_cast<const volatile void*>(object)), &destroy_as<Deleter, T>);
  }
  // How many objects retire() takes for certain, from now on.
  [[nodiscard]] std::size_t room() const noexcept { return slot_->list.room(); }

 protected:
  seat_base(Domain& domain, slot& s) noexcept : domain_(&domain), slot_(&s) {}

  Domain* domain_;
  slot* slot_;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_MEMORY_DETAIL_SEATS_HPP
// ---- frys/memory/detail/epochs.hpp
// epochs: the engine of epoch_domain and qsbr_domain.
//
// Rule      a thread announces the epoch in which it reads. The epoch goes on by one when nobody announces an older
// one;
//           so while a reader stays in epoch e, it gets no further than e + 1. What was retired in epoch t goes in
//           epoch t + 2: who could still find it had announced t or before.
// Batches   a seat's retired objects get their epoch together, after one fence: a late epoch only keeps them longer.
// Counter   the low bit says "announced"; the rest is the epoch, which may wrap: it is only compared for equality, and
// by
//           its distance to an older one. A reader may not stop between reading the epoch and announcing it for as long
//           as the epoch takes to come round (2^63 advances with 64 bits).
// Source    K. Fraser, "Practical lock-freedom", 2004; M. Desnoyers et al., "User-level implementations of
//           read-copy update", IEEE TPDS 2012 (the asymmetric fence, and quiescent states).
#ifndef FRYS_MEMORY_DETAIL_EPOCHS_HPP
#define FRYS_MEMORY_DETAIL_EPOCHS_HPP

namespace frys::inline FRYS_ABI::detail {

template <class A, class Fence, class Counter, std::size_t Seats, std::size_t Most, std::size_t Batch, class Pages>
class epochs {
 public:
  struct slot {
    // Read by all who reclaim.
    alignas(cache_line) typename A::template atomic<Counter> announced{0};
    typename A::template atomic<std::uint32_t> state{0};
    // The holder's own.
    alignas(cache_line) std::size_t more_pins = 0;  // guards that live, less one; with `fenced`, see join
    retired_list<A> list;
    // The list: first the old ones, of an epoch before young_epoch; then those of young_epoch; then those of none yet.
    std::size_t old_end = 0, young_end = 0;
    Counter young_epoch = 0;
    byte_span memory;
  };

  epochs() noexcept { Fence::template prepare<A>(); }

  result<slot*> join() noexcept {
    auto s = seats_.join(Most);
    if (!s) return s;
    slot& mine = **s;
    mine.old_end = mine.young_end = 0;  // what the last holder left gets its epoch anew
    mine.list.set_mark(Batch);
    if constexpr (may_be_free) {
      // Where a pin needs its fence, both words that the fast paths look at are such that they take the slow one: the
      // question is asked once, here.
      const bool free = Fence::template is_free<A>();
      mine.more_pins = free ? 0 : fenced;
      // sync(epochs.announced): release; who sees this must have the last holder's reads behind him.
      mine.announced.store(free ? 0 : idle, std::memory_order_release);
    }
    return s;
  }
  void leave(slot& s) noexcept {
    reclaim_all(s);
    seats_.leave(s);
  }

  // From here till withdraw, what this thread can reach stays.
  void announce(slot& s) noexcept {
    write_down(s);
    // sync(epochs.hand_shake): seq_cst, or the light half of it; either the reclaimer sees our announcement, or our
    // next read sees what it has unlinked.
    Fence::template light<A>();
  }
  FRYS_ALWAYS_INLINE static void withdraw(slot& s) noexcept {
    // sync(epochs.announced): release; our reads are over before the reclaimer can see us gone.
    s.announced.store(0, std::memory_order_release);
  }
  // The same, nested. No count up and down in memory, which would make each pin wait for the last unpin.
  FRYS_ALWAYS_INLINE void pin(slot& s) noexcept {
    // relaxed: our own announcement.
    const Counter mine = s.announced.load(std::memory_order_relaxed);
    if constexpr (may_be_free) {
      if (mine == 0) [[likely]] {
        write_down(s);
        Fence::template free_light<A>();  // as in announce
        return;
      }
    }
    if ((mine & 1) == 0)
      announce(s);
    else
      ++s.more_pins;
  }
  FRYS_ALWAYS_INLINE static void unpin(slot& s) noexcept {
    if (s.more_pins == 0) [[likely]]
      return withdraw(s);
    if constexpr (may_be_free) {
      if (s.more_pins == fenced) {
        // sync(epochs.announced): release; as in withdraw.
        s.announced.store(idle, std::memory_order_release);
        return;
      }
    }
    --s.more_pins;
  }
  [[nodiscard]] static bool is_pinned(const slot& s) noexcept {
    return (s.announced.load(std::memory_order_relaxed) & 1) != 0;  // relaxed: our own
  }
  // Announces the present epoch in place of an older one.
  void renew(slot& s) noexcept {
    // relaxed, both: our own announcement; and a stale epoch only holds things up.
    const Counter mine = s.announced.load(std::memory_order_relaxed);
    if (mine != static_cast<Counter>(epoch_.load(std::memory_order_relaxed) | 1)) announce(s);
  }

  FRYS_NOINLINE bool retire_slowly(slot& s, void* object, destroy_function destroy) noexcept {
    if (s.list.is_swept())
      s.list.set_mark(Batch);
    else
      reclaim(s);
    return s.list.push(object, destroy);
  }
  // Twice: once to give the youngest their epoch, and once more to be done with it.
  void reclaim_all(slot& s) noexcept {
    reclaim(s);
    reclaim(s);
  }

  FRYS_NOINLINE void reclaim(slot& s) noexcept {
    if (s.list.is_swept()) return;
    seats_.adopt(s);
    if (s.list.size() != 0) destroy_what_may_go(s);
    s.list.set_mark(Batch);
  }

  [[nodiscard]] std::size_t garbage() const noexcept { return seats_.garbage(); }
  void end() noexcept { seats_.end(); }

 private:
  static constexpr Counter step = 2;
  static constexpr bool may_be_free = free_fence_pair<Fence, A>;
  static constexpr Counter idle = 2;  // not 0, and not announced
  static constexpr std::size_t fenced = ~(~std::size_t{0} >> 1);

  FRYS_ALWAYS_INLINE void write_down(slot& s) noexcept {
    // relaxed: a stale epoch only holds things up; the hand-shake orders what is read after it.
    const Counter now = epoch_.load(std::memory_order_relaxed);
    // sync(epochs.announced): release, though it announces: who sees this and not the end of our last reading must have
    // that reading behind him too.
    s.announced.store(static_cast<Counter>(now | 1), std::memory_order_release);
  }

  void destroy_what_may_go(slot& s) noexcept {
    // sync(epochs.hand_shake): seq_cst, the heavy half: between all that was unlinked so far and our look at the
    // others.
    if (!Fence::template heavy<A>()) return;
    // sync(epochs.epoch): acquire; who moved the epoch here had seen the readers of older ones gone, and so have we
    // now.
    const Counter now = epoch_.load(std::memory_order_acquire);
    std::size_t done = 0;
    if (s.young_epoch != now) {
      done = s.old_end;  // of an epoch before that of the young ones, which is over too
      s.old_end = s.young_end;
      s.young_epoch = now;
    }
    s.young_end = s.list.size();
    if (advance(now)) done = s.old_end;
    s.list.sweep(done, [](void*) { return true; });
    s.old_end -= (std::min)(s.old_end, done);
    s.young_end -= done;
  }

  // Whether the epoch was `from` and is the next one now.
  bool advance(Counter from) noexcept {
    bool free = true;
    seats_.for_each([&](slot& other) {
      // sync(epochs.announced): acquire; the reads of who is gone, or has announced anew, are over.
      const Counter seen = other.announced.load(std::memory_order_acquire);
      free = free && ((seen & 1) == 0 || seen == static_cast<Counter>(from | 1));
    });
    // sync(epochs.epoch): release; what we know of the readers goes to those who see the new epoch.
    return free && epoch_.compare_exchange_strong(from, static_cast<Counter>(from + step), std::memory_order_release,
                                                  std::memory_order_relaxed);
  }

  // Wraps soon after the start, so that no program finds out late.
  alignas(cache_line) typename A::template atomic<Counter> epoch_{static_cast<Counter>(0 - 4 * step)};
  seat_table<A, slot, Seats, Pages> seats_;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_MEMORY_DETAIL_EPOCHS_HPP
// ---- frys/memory/epoch_domain.hpp
// epoch_domain: safe reclamation by epochs: a reader pins the present, and nothing that it could reach goes until it
// lets go.
//
// Use when  reads are short and many, and touch many objects: a list, a tree, a table. The cheapest read that needs no
//           help of the thread's loop.
// Not when  a reader may stop for long and memory must stay bounded (hazard_domain), or threads have a loop that can
// say
//           "I hold nothing" (qsbr_domain).
// Roles     join, garbage: any thread. A seat and its guards: the thread that holds them.
// Progress  pin and protect are wait-free. retire is lock-free with room() left; join is lock-free but for another
//           thread's short copy of garbage out of a seat that was left. Reclamation is blocking by its nature: a reader
//           that stays pinned stops it, for all seats.
// Cost      pin and unpin: two stores to the seat's own line, three loads, no fence (asymmetric) or one (symmetric). A
// nested
//           pin: a plain count. retire: two stores; once per policy::batch a heavy fence, a look at each seat that was
//           ever taken, and the destroying. No allocation but at join.
// Garbage   at most 2 * batch per retiring seat, and a batch more for each look that a reader of an older epoch spoils.
// A
//           reader that stops: each seat keeps what it retires, up to policy::garbage; then retire answers false, and
//           takes again once the reader is gone. In all at most seats * garbage (bound()).
// Ordering  an object's destruction happens-after every read of it under a pin.
// Lifetime  seats end before the domain; the domain destroys what is left.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>  seats                                                     default 64
//   policy::garbage<N>   retired objects that a seat may hold, 16 bytes each       default 16384
//   policy::batch<N>     retired objects between two looks                         default 128
//   policy::fence<F>     fences::symmetric or asymmetric                           default fences::asymmetric
//   policy::counter<T>   the type of the epoch                                     default std::uint64_t
//   policy::pages<P>     where the lists lie                                       default os_pages
//   policy::atomics<A>   the atomics model                                         default atomics::standard
// Source    see detail/epochs.hpp.
#ifndef FRYS_MEMORY_EPOCH_DOMAIN_HPP
#define FRYS_MEMORY_EPOCH_DOMAIN_HPP

namespace frys::inline FRYS_ABI {

template <class... Policies>
class epoch_domain {
  using accepted = policy::keys<policy::capacity_key, policy::garbage_key, policy::batch_key, policy::fence_key,
                                policy::counter_key, policy::pages_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::epoch_domain: unknown policy; it takes policy::capacity, policy::garbage, policy::batch, "
                "policy::fence, policy::counter, policy::pages, policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::epoch_domain: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::epoch_domain: policy::atomics wants an atomics model, see core/atomics.hpp");
  using fence_type = typename policy::pick<policy::fence<fences::asymmetric>, Policies...>::type;
  static_assert(fence_pair<fence_type, atomics_type>,
                "frys::epoch_domain: policy::fence wants a pair of fences, see core/asymmetric_fence.hpp");
  using counter_type = typename policy::pick<policy::counter<std::uint64_t>, Policies...>::type;
  static_assert(std::unsigned_integral<counter_type> && !std::same_as<counter_type, bool>,
                "frys::epoch_domain: policy::counter wants an unsigned integer type");
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>,
                "frys::epoch_domain: policy::pages wants a page source, see core/concepts.hpp");
  static constexpr std::size_t capacity = policy::pick<policy::capacity<64>, Policies...>::value;
  static_assert(capacity != 0, "frys::epoch_domain: policy::capacity must leave a seat");
  static constexpr std::size_t most_garbage = policy::pick<policy::garbage<16384>, Policies...>::value;
  static constexpr std::size_t batch = policy::pick<policy::batch<128>, Policies...>::value;
  static_assert(batch != 0 && batch <= most_garbage,
                "frys::epoch_domain: policy::batch must be at least 1 and at most policy::garbage");
  static constexpr bool has_pin = true;
  // The most retired objects that are not destroyed yet, whatever any thread does.
  static constexpr std::size_t bound() noexcept { return capacity * most_garbage; }

 private:
  using engine = detail::epochs<atomics_type, fence_type, counter_type, capacity, most_garbage, batch, pages_type>;
  using slot = typename engine::slot;
  template <class T>
  using atomic = typename atomics_type::template atomic<T>;

 public:
  // While it lives, nothing that its thread can reach is destroyed. Move-only; guards may die in any order.
  class pin_guard {
   public:
    pin_guard(pin_guard&& other) noexcept : slot_(other.slot_), holds_(std::exchange(other.holds_, false)) {}
    pin_guard& operator=(pin_guard&& other) noexcept {
      pin_guard old(std::move(*this));
      slot_ = other.slot_, holds_ = std::exchange(other.holds_, false);
      return *this;
    }
    ~pin_guard() {
      if (holds_) engine::unpin(*slot_);
    }

   private:
    friend epoch_domain;
    FRYS_ALWAYS_INLINE pin_guard(engine& e, slot& s) noexcept : slot_(&s) { e.pin(s); }
    slot* slot_;
    bool holds_ = true;  // a constant to the compiler where the guard is not moved, as a null slot would not be
  };

  // A pin, and the pointer that was read under it.
  template <class T>
  class guard {
   public:
    [[nodiscard]] T* get() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    T* operator->() const noexcept { return object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }

   private:
    friend epoch_domain;
    FRYS_ALWAYS_INLINE guard(engine& e, slot& s, const atomic<T*>& source) noexcept
        : pin_(e, s),
          // acquire: pairs with the owner's release of the pointer: what it points to is whole.
          object_(source.load(std::memory_order_acquire)) {}
    pin_guard pin_;
    T* object_;
  };

  // A thread's seat.
  class participant : public detail::seat_base<epoch_domain> {
    using base = detail::seat_base<epoch_domain>;

   public:
    participant(participant&&) noexcept = default;
    participant& operator=(participant&&) noexcept = default;

    [[nodiscard]] FRYS_ALWAYS_INLINE pin_guard pin() noexcept {
      return pin_guard(base::domain_->engine_, *base::slot_);
    }
    // What `source` points to stays until the guard dies, and so does all else that this thread reads meanwhile.
    template <class T>
    [[nodiscard]] FRYS_ALWAYS_INLINE guard<T> protect(const atomic<T*>& source) noexcept {
      return guard<T>(base::domain_->engine_, *base::slot_, source);
    }
    // Destroys what may go now; with no reader pinned, all that this seat holds.
    void quiesce() noexcept { base::domain_->engine_.reclaim_all(*base::slot_); }

   private:
    friend epoch_domain;
    using base::base;
  };

  epoch_domain() noexcept = default;
  epoch_domain(const epoch_domain&) = delete;
  epoch_domain& operator=(const epoch_domain&) = delete;
  ~epoch_domain() { engine_.end(); }

  // A seat for the calling thread. errc::full when all are taken, or what the page source answers.
  [[nodiscard]] result<participant> join() noexcept {
    auto s = engine_.join();
    if (!s) return s.error();
    return participant(*this, **s);
  }
  // Retired objects that are not destroyed yet; may be stale on return.
  [[nodiscard]] std::size_t garbage() const noexcept { return engine_.garbage(); }

 private:
  friend detail::seat_base<epoch_domain>;
  bool retire_slowly(slot& s, void* object, destroy_function destroy) noexcept {
    return engine_.retire_slowly(s, object, destroy);
  }
  void leave(slot& s) noexcept {
    FRYS_ASSERT(!engine_.is_pinned(s), "epoch_domain: a seat is left while pinned");
    engine_.leave(s);
  }

  engine engine_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_EPOCH_DOMAIN_HPP
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
template <class... Policies>
class epoch_domain;
template <class... Policies>
class hazard_domain;
template <class... Policies>
class qsbr_domain;
template <class... Policies>
class leak_domain;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_FWD_HPP
// ---- frys/memory/hazard_domain.hpp
// hazard_domain: safe reclamation by hazard pointers: a reader announces each pointer that it holds, and only what is
// announced is kept.
//
// Use when  memory must stay bounded though a reader may stop anywhere; few pointers are held at once: stacks, queues,
// a
//           cell that is replaced.
// Not when  one read walks over many objects (epoch_domain), or threads have a quiet point (qsbr_domain).
// Roles     join, garbage: any thread. A seat and its guards: the thread that holds them.
// Progress  protect is lock-free: it goes round again only when the pointer was replaced meanwhile. retire is lock-free
//           and answers false only from a destroy function that retires more than one object; join as in epoch_domain.
// Cost      protect and release: two stores to the seat's own line, two loads of the source, no fence (asymmetric) or
// one
//           (symmetric). retire: two stores; once per policy::batch a heavy fence, a look at the slots of each seat
//           that was ever taken, a sort of what stands there, and the destroying. No allocation but at join.
// Garbage   a seat holds at most batch + seats * (hazards + 1) retired objects, whatever other threads do; in all at
// most
//           seats as often (bound()). Objects that a stopped reader has announced stay, no others.
// Ordering  an object's destruction happens-after every read of it under a guard.
// Pointers  what is retired is compared with what was protected by address: retire the pointer that readers protect,
// not
//           a base at another address.
// Lifetime  seats end before the domain; the domain destroys what is left.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>  seats                                                     default 64
//   policy::hazards<N>   guards that a seat may hold at once                       default 7
//   policy::batch<N>     retired objects between two looks                         default 128
//   policy::fence<F>     fences::symmetric (the classic form) or asymmetric        default fences::asymmetric
//   policy::pages<P>     where the lists lie                                       default os_pages
//   policy::atomics<A>   the atomics model                                         default atomics::standard
// Source    M. M. Michael, "Hazard pointers", IEEE TPDS 15(6), 2004; D. Goldblatt, P1202 (asymmetric fences).
#ifndef FRYS_MEMORY_HAZARD_DOMAIN_HPP
#define FRYS_MEMORY_HAZARD_DOMAIN_HPP

namespace frys::inline FRYS_ABI {

template <class... Policies>
class hazard_domain {
  using accepted = policy::keys<policy::capacity_key, policy::hazards_key, policy::batch_key, policy::fence_key,
                                policy::pages_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::hazard_domain: unknown policy; it takes policy::capacity, policy::hazards, policy::batch, "
                "policy::fence, policy::pages, policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::hazard_domain: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::hazard_domain: policy::atomics wants an atomics model, see core/atomics.hpp");
  using fence_type = typename policy::pick<policy::fence<fences::asymmetric>, Policies...>::type;
  static_assert(fence_pair<fence_type, atomics_type>,
                "frys::hazard_domain: policy::fence wants a pair of fences, see core/asymmetric_fence.hpp");
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>,
                "frys::hazard_domain: policy::pages wants a page source, see core/concepts.hpp");
  static constexpr std::size_t capacity = policy::pick<policy::capacity<64>, Policies...>::value;
  static_assert(capacity != 0, "frys::hazard_domain: policy::capacity must leave a seat");
  static constexpr std::size_t hazards = policy::pick<policy::hazards<7>, Policies...>::value;
  static_assert(hazards != 0, "frys::hazard_domain: policy::hazards must leave a guard");
  static constexpr std::size_t batch = policy::pick<policy::batch<128>, Policies...>::value;
  static_assert(batch != 0, "frys::hazard_domain: policy::batch must be at least 1");
  static constexpr bool has_pin = false;

 private:
  // Where the fence may be free, the first slot says whether it is: if not, it is taken for good, and those that find
  // it so ask on.
  static constexpr bool may_be_free = free_fence_pair<fence_type, atomics_type>;
  static constexpr std::size_t slots = hazards + (may_be_free ? 1 : 0);

 public:
  static constexpr std::size_t most_garbage = batch + capacity * slots;
  // The most retired objects that are not destroyed yet, whatever any thread does.
  static constexpr std::size_t bound() noexcept { return capacity * most_garbage; }

 private:
  template <class T>
  using atomic = typename atomics_type::template atomic<T>;
  using hazard = atomic<void*>;

  struct slot {
    // Read by all who reclaim. Null: not in use.
    alignas(cache_line) hazard announced[slots] = {};
    // The holder's own.
    alignas(cache_line) detail::retired_list<atomics_type> list;
    byte_span memory;
    atomic<std::uint32_t> state{0};
  };

 public:
  // What get() answers stays until the guard dies or is reset. Move-only.
  template <class T>
  class guard {
   public:
    guard() noexcept = default;
    guard(guard&& other) noexcept : hazard_(other.hazard_), object_(std::exchange(other.object_, nullptr)) {}
    guard& operator=(guard&& other) noexcept {
      guard old(std::move(*this));
      hazard_ = other.hazard_, object_ = std::exchange(other.object_, nullptr);
      return *this;
    }
    ~guard() { reset(); }
    void reset() noexcept {
      // sync(hazard_domain.announced): release; our reads are over before the reclaimer can see us gone.
      if (object_ != nullptr) hazard_->store(nullptr, std::memory_order_release);
      object_ = nullptr;
    }
    [[nodiscard]] T* get() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    T* operator->() const noexcept { return object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }

   private:
    friend hazard_domain;
    guard(hazard& h, T* object) noexcept : hazard_(&h), object_(object) {}
    hazard* hazard_ = nullptr;
    T* object_ = nullptr;
  };

  // A thread's seat.
  class participant : public detail::seat_base<hazard_domain> {
    using base = detail::seat_base<hazard_domain>;

   public:
    participant(participant&&) noexcept = default;
    participant& operator=(participant&&) noexcept = default;

    // The pointer that `source` holds, and what it points to stays. At most policy::hazards guards that hold a pointer
    // may live at once; one more is an error of the program, and its guard holds nothing.
    template <class T>
    [[nodiscard]] FRYS_ALWAYS_INLINE guard<T> protect(const atomic<T*>& source) noexcept {
      if constexpr (may_be_free) {
        hazard& h = base::slot_->announced[0];
        // relaxed, both: looked at again below; and our own announcement.
        T* object = source.load(std::memory_order_relaxed);
        if (object != nullptr && h.load(std::memory_order_relaxed) == nullptr) [[likely]] {
          announce(h, object);
          fence_type::template free_light<atomics_type>();  // as in announce_slowly
          // acquire: as in announce_slowly.
          if (source.load(std::memory_order_acquire) == object) [[likely]]
            return guard<T>(h, object);
          h.store(nullptr, std::memory_order_relaxed);  // relaxed: what was announced was never read
        }
      }
      hazard* const h = announce_slowly(source);
      if (h == nullptr) return {};
      return guard<T>(*h, static_cast<T*>(h->load(std::memory_order_relaxed)));  // relaxed: our own announcement
    }
    // Destroys all that this seat holds and nobody has announced.
    void quiesce() noexcept { base::domain_->reclaim(*base::slot_); }

   private:
    friend hazard_domain;
    using base::base;

    template <class T>
    FRYS_ALWAYS_INLINE static void announce(hazard& h, T* object) noexcept {
      // sync(hazard_domain.announced): release, though it announces: who sees this and not the end of what stood here
      // before must have our reading of that behind him too.
      h.store(const_cast<void*>(static_cast<const volatile void*>(object)), std::memory_order_release);
    }
    // Null: the source is.
    template <class T>
    FRYS_NOINLINE hazard* announce_slowly(const atomic<T*>& source) noexcept {
      T* object = source.load(std::memory_order_relaxed);  // relaxed: looked at again below
      if (object == nullptr) return nullptr;
      hazard* const h = free_hazard();
      while (h != nullptr) {
        announce(*h, object);
        // sync(hazard_domain.hand_shake): seq_cst, or the light half of it; either the reclaimer sees the announcement,
        // or we see that the pointer is another one.
        fence_type::template light<atomics_type>();
        // acquire: pairs with the owner's release of the pointer: what it points to is whole.
        T* again = source.load(std::memory_order_acquire);
        if (again == object) break;
        object = again;
        if (object == nullptr) {
          h->store(nullptr, std::memory_order_relaxed);  // relaxed: what was announced was never read
          return nullptr;
        }
      }
      return h;
    }
    hazard* free_hazard() noexcept {
      // No list of free slots in memory, which would make each guard wait for the last one's end.
      for (hazard& h : base::slot_->announced)
        if (h.load(std::memory_order_relaxed) == nullptr) return &h;  // relaxed: our own
      FRYS_ASSERT(false, "hazard_domain: more guards at once than policy::hazards");
      return nullptr;
    }
  };

  hazard_domain() noexcept { fence_type::template prepare<atomics_type>(); }
  hazard_domain(const hazard_domain&) = delete;
  hazard_domain& operator=(const hazard_domain&) = delete;
  ~hazard_domain() { seats_.end(); }

  // A seat for the calling thread. errc::full when all are taken, or what the page source answers.
  [[nodiscard]] result<participant> join() noexcept {
    auto s = seats_.join(most_garbage, capacity * slots * sizeof(std::uintptr_t));
    if (!s) return s.error();
    slot& mine = **s;
    mine.list.set_mark(batch);
    if constexpr (may_be_free)
      if (!fence_type::template is_free<atomics_type>())
        // sync(hazard_domain.announced): release; who sees this must have the last holder's reads behind him.
        mine.announced[0].store(&mine, std::memory_order_release);
    return participant(*this, mine);
  }
  // Retired objects that are not destroyed yet; may be stale on return.
  [[nodiscard]] std::size_t garbage() const noexcept { return seats_.garbage(); }

 private:
  friend detail::seat_base<hazard_domain>;

  void leave(slot& s) noexcept {
    for (hazard& h : s.announced) {
      const void* left = h.load(std::memory_order_relaxed);  // relaxed: our own
      FRYS_ASSERT(left == nullptr || left == &s, "hazard_domain: a seat is left with a guard");
      static_cast<void>(left);
    }
    reclaim(s);
    seats_.leave(s);
  }
  FRYS_NOINLINE bool retire_slowly(slot& s, void* object, destroy_function destroy) noexcept {
    if (s.list.is_swept())
      s.list.set_mark(batch);
    else
      reclaim(s);
    return s.list.push(object, destroy);
  }
  FRYS_NOINLINE void reclaim(slot& s) noexcept {
    if (s.list.is_swept()) return;
    seats_.adopt(s);
    if (s.list.size() != 0) destroy_what_may_go(s);
    s.list.set_mark(batch);
  }
  void destroy_what_may_go(slot& s) noexcept {
    // sync(hazard_domain.hand_shake): seq_cst, the heavy half: between all that was unlinked so far and our look at the
    // others.
    if (!fence_type::template heavy<atomics_type>()) return;
    std::uintptr_t* const held =
        reinterpret_cast<std::uintptr_t*>(s.memory.data() + most_garbage * sizeof(detail::retired_object));
    std::uintptr_t* end = held;
    seats_.for_each([&](slot& other) {
      for (hazard& h : other.announced)
        // sync(hazard_domain.announced): acquire; the reads of who is gone are over.
        if (void* p = h.load(std::memory_order_acquire); p != nullptr) *end++ = reinterpret_cast<std::uintptr_t>(p);
    });
    std::sort(held, end);
    s.list.sweep(s.list.size(), [&](void* object) {
      return !std::binary_search(held, end, reinterpret_cast<std::uintptr_t>(object));
    });
  }

  detail::seat_table<atomics_type, slot, capacity, pages_type> seats_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_HAZARD_DOMAIN_HPP
// ---- frys/memory/leak_domain.hpp
// leak_domain: a reclaimer that never destroys anything: reading and retiring cost nothing.
//
// Use when  a structure's own cost is to be measured without reclamation, or a program ends before memory matters.
// Not when  anything else.
// Roles     join, garbage: any thread. A seat: the thread that holds it.
// Progress  everything is wait-free. Cost: protect is the load, retire a count.
// Garbage   no bound: what was retired is never destroyed, not by the domain's destructor either.
//
// Policies, in any order, each at most once:
//   policy::atomics<A>   the atomics model                                         default atomics::standard
#ifndef FRYS_MEMORY_LEAK_DOMAIN_HPP
#define FRYS_MEMORY_LEAK_DOMAIN_HPP

namespace frys::inline FRYS_ABI {

template <class... Policies>
class leak_domain {
  using accepted = policy::keys<policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::leak_domain: unknown policy; it takes policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::leak_domain: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::leak_domain: policy::atomics wants an atomics model, see core/atomics.hpp");
  static constexpr bool has_pin = true;

  struct pin_guard {};

  template <class T>
  class guard {
   public:
    [[nodiscard]] T* get() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    T* operator->() const noexcept { return object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }

   private:
    friend leak_domain;
    explicit guard(T* object) noexcept : object_(object) {}
    T* object_;
  };

  class participant {
   public:
    participant(participant&& other) noexcept
        : domain_(std::exchange(other.domain_, nullptr)), retired_(std::exchange(other.retired_, 0)) {}
    participant& operator=(participant&& other) noexcept {
      if (this != &other) {
        leave();
        domain_ = std::exchange(other.domain_, nullptr), retired_ = std::exchange(other.retired_, 0);
      }
      return *this;
    }
    ~participant() { leave(); }

    [[nodiscard]] pin_guard pin() noexcept { return {}; }
    template <class T>
    [[nodiscard]] guard<T> protect(const typename atomics_type::template atomic<T*>& source) noexcept {
      // acquire: pairs with the owner's release of the pointer: what it points to is whole.
      return guard<T>(source.load(std::memory_order_acquire));
    }
    // Always true.
    [[nodiscard]] bool retire(void*, destroy_function) noexcept { return ++retired_, true; }
    template <class Deleter = reclaim_by_delete, class T>
    [[nodiscard]] bool retire(T*) noexcept {
      return ++retired_, true;
    }
    [[nodiscard]] std::size_t room() const noexcept { return (std::numeric_limits<std::size_t>::max)(); }
    // Tells the domain how many this seat has retired.
    void quiesce() noexcept {
      // relaxed: a number.
      domain_->retired_.fetch_add(std::exchange(retired_, 0), std::memory_order_relaxed);
    }
    void leave() noexcept {
      if (domain_ != nullptr) quiesce();
      domain_ = nullptr;
    }

   private:
    friend leak_domain;
    explicit participant(leak_domain& domain) noexcept : domain_(&domain) {}
    leak_domain* domain_;
    std::size_t retired_ = 0;
  };

  leak_domain() noexcept = default;
  leak_domain(const leak_domain&) = delete;
  leak_domain& operator=(const leak_domain&) = delete;

  [[nodiscard]] result<participant> join() noexcept { return participant(*this); }
  // What seats have retired, as of their last quiesce or leave.
  [[nodiscard]] std::size_t garbage() const noexcept {
    return retired_.load(std::memory_order_relaxed);  // relaxed: a number
  }

 private:
  typename atomics_type::template atomic<std::size_t> retired_{0};
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_LEAK_DOMAIN_HPP
// ---- frys/memory/object_pool.hpp
// object_pool: objects of one type, made and destroyed one by one, in any order, without the heap.
//
// Use when  many T of one kind come and go: connections, entries, timers, sessions.
// Not when  they all die together (arena), or are freed by other threads (buffer_pool shows the way).
// Threads   one at a time.
// Cost      acquire and destroy: O(1), a pop and a push on a list through the free slots; the slot freed last is used
//           first. One slot is as large as T, or a pointer if T is smaller. Slabs are kept until the pool's end, so
//           after the longest crowd nothing is allocated.
// Errors    errc::out_of_memory: the source refused; errc::limit_exceeded: beyond policy::limit.
// Lifetime  every object must be destroyed before the pool (hardened builds check). Objects never move.
//
// Policies, in any order, each at most once:
//   policy::pages<P>       where slabs come from           default os_pages
//   policy::chunk_size<N>  bytes of a slab, about          default 64 KiB
//   policy::limit<N>       the most bytes of all slabs     default none
#ifndef FRYS_MEMORY_OBJECT_POOL_HPP
#define FRYS_MEMORY_OBJECT_POOL_HPP

namespace frys::inline FRYS_ABI {

template <class T, class... Policies>
class object_pool {
  using accepted = policy::keys<policy::pages_key, policy::chunk_size_key, policy::limit_key>;
  static_assert(
      accepted::template known<Policies...>,
      "frys::object_pool: unknown policy; it takes policy::pages, policy::chunk_size, policy::limit and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::object_pool: a policy is given twice; name each at most once");
  static_assert(std::is_object_v<T> && !std::is_array_v<T> && std::is_nothrow_destructible_v<T>,
                "frys::object_pool<T>: T must be an object type, not an array, that dies without throwing");
  static_assert(alignof(T) <= page_size, "frys::object_pool<T>: T must not be aligned beyond a page (4096 bytes)");

 public:
  using value_type = T;
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>, "frys::object_pool: policy::pages wants a page source, see core/concepts.hpp");
  static constexpr std::size_t chunk_size = policy::pick<policy::chunk_size<64 * 1024>, Policies...>::value;
  static constexpr std::size_t limit =
      policy::pick<policy::limit<(std::numeric_limits<std::size_t>::max)()>, Policies...>::value;

  // Owns one object and returns it to its pool. Moves; must not outlive the pool.
  class handle {
   public:
    handle() noexcept = default;
    handle(handle&& other) noexcept : object_(std::exchange(other.object_, nullptr)), pool_(other.pool_) {}
    handle& operator=(handle&& other) noexcept {
      handle taken(std::move(other));
      std::swap(object_, taken.object_);
      std::swap(pool_, taken.pool_);
      return *this;
    }
    ~handle() { reset(); }

    [[nodiscard]] T* get() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    T* operator->() const noexcept { return object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    // Destroys the object now.
    void reset() noexcept {
      if (object_ != nullptr) pool_->destroy(*std::exchange(object_, nullptr));
    }
    // Gives up ownership: somebody calls object_pool::destroy later.
    [[nodiscard]] T* release() noexcept { return std::exchange(object_, nullptr); }

   private:
    friend object_pool;
    handle(T* object, object_pool* pool) noexcept : object_(object), pool_(pool) {}
    T* object_ = nullptr;
    object_pool* pool_ = nullptr;
  };

  object_pool() noexcept = default;
  object_pool(const object_pool&) = delete;
  object_pool& operator=(const object_pool&) = delete;
  ~object_pool() {
    FRYS_ASSERT(live_ == 0, "object_pool: destroyed while objects of it live");
    while (slabs_ != nullptr) {
      const byte_span memory = slabs_->memory;  // the slab lies in the memory that it describes
      slabs_ = slabs_->next;
      pages_type::release(memory);
    }
  }

  // T(args...), owned by the handle. If T's constructor throws, the slot is free again.
  template <class... Args>
  requires std::is_constructible_v<T, Args...>
  [[nodiscard]] result<handle> acquire(Args&&... args) noexcept(std::is_nothrow_constructible_v<T, Args...>) {
    result<T*> object = create(std::forward<Args>(args)...);
    if (!object) return object.error();
    return handle(*object, this);
  }
  // The same without a handle, for objects that stand in somebody's lists; destroy it by destroy().
  template <class... Args>
  requires std::is_constructible_v<T, Args...>
  [[nodiscard]] result<T*> create(Args&&... args) noexcept(std::is_nothrow_constructible_v<T, Args...>) {
    if (free_ == nullptr) [[unlikely]] {
      result<void> grown = grow();
      if (!grown) return grown.error();
    }
    // The slot leaves the list first, because T is built over its link; if T's constructor throws, it goes back.
    pending p{*this, std::exchange(free_, free_->next)};
    T* object = std::construct_at(&p.taken->value, std::forward<Args>(args)...);
    p.taken = nullptr;
    ++live_;
    return object;
  }
  // Destroys an object of this pool.
  void destroy(T& object) noexcept {
    FRYS_ASSERT(live_ != 0, "object_pool::destroy: more objects than were made");
    std::destroy_at(&object);
    slot* s = reinterpret_cast<slot*>(&object);  // the union and its member share their address
    s->next = free_;
    free_ = s;
    --live_;
  }

  // Takes memory for at least `count` objects in all, so that acquire need not.
  result<void> reserve(std::size_t count) noexcept {
    while (slots_ < count) {
      result<void> grown = grow();
      if (!grown) return grown;
    }
    return {};
  }

  // Objects that live.
  [[nodiscard]] std::size_t size() const noexcept { return live_; }
  // Objects there is memory for.
  [[nodiscard]] std::size_t slot_count() const noexcept { return slots_; }
  // Bytes asked of the source and held.
  [[nodiscard]] std::size_t reserved() const noexcept { return reserved_; }

 private:
  union slot {
    slot() noexcept {}
    ~slot() {}
    slot* next;
    T value;
  };
  struct pending {
    object_pool& pool;
    slot* taken;
    ~pending() {
      if (taken == nullptr) return;
      taken->next = pool.free_;
      pool.free_ = taken;
    }
  };
  struct slab {
    byte_span memory;
    slab* next = nullptr;
  };
  static constexpr std::size_t header =
      detail::round_up(sizeof(slab), alignof(slot) > alignof(slab) ? alignof(slot) : alignof(slab));

  FRYS_NOINLINE result<void> grow() noexcept {
    constexpr std::size_t one = header + sizeof(slot);
    const std::size_t left = limit - (std::min)(limit, reserved_);
    if (left < one)
      return error{errc::limit_exceeded, domain::memory, "the pool's limit would be passed",
                   static_cast<std::int64_t>((std::min)(limit, detail::most_bytes))};
    const std::size_t wanted = (std::min)((std::max)(chunk_size, one), left);
    result<byte_span> memory = pages_type::allocate(wanted);
    if (!memory) return memory.error();
    slabs_ = ::new (static_cast<void*>(memory->data())) slab{*memory, slabs_};
    reserved_ += wanted;
    const std::size_t count = (wanted - header) / sizeof(slot);
    slot* first = reinterpret_cast<slot*>(memory->data() + header);
    for (std::size_t i = count; i-- > 0;) {  // the lowest address is used first
      slot* free = ::new (static_cast<void*>(first + i)) slot;
      free->next = free_;
      free_ = free;
    }
    slots_ += count;
    return {};
  }

  slot* free_ = nullptr;
  slab* slabs_ = nullptr;
  std::size_t live_ = 0;
  std::size_t slots_ = 0;
  std::size_t reserved_ = 0;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_OBJECT_POOL_HPP
// ---- frys/memory/qsbr_domain.hpp
// qsbr_domain: safe reclamation by quiescent states: reading costs nothing, and each thread says now and then that it
// holds no pointer from before.
//
// Use when  threads have a loop (an event loop, a worker) with a point where they hold nothing: seat.quiesce() there.
// Not when  a thread may block without saying so (seat.offline()), or holds pointers for long: it stops reclamation
//           for all (epoch_domain pins only while it reads; hazard_domain is bounded).
// Roles     join, garbage: any thread. A seat: the thread that holds it.
// Progress  protect is wait-free. quiesce and retire are lock-free with room() left; join as in epoch_domain. A thread
//           that neither quiesces nor is offline stops reclamation, for all seats.
// Cost      protect: the load. quiesce: two loads, and once per epoch a store and a fence. retire: two stores; once per
//           policy::batch a fence and a look at each seat that was ever taken. No allocation but at join.
// Garbage   at most 2 * batch per retiring seat, and a batch more for each look that comes before all have quiesced. A
//           thread that does not: up to policy::garbage per seat, then retire answers false, and takes again once the
//           thread has quiesced. In all at most seats * garbage (bound()).
// Ordering  an object's destruction happens-after every read of it by a thread that has quiesced since.
// Lifetime  seats end before the domain; the domain destroys what is left. A new seat is online.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>  seats                                                     default 64
//   policy::garbage<N>   retired objects that a seat may hold, 16 bytes each       default 16384
//   policy::batch<N>     retired objects between two looks                         default 128
//   policy::counter<T>   the type of the epoch                                     default std::uint64_t
//   policy::pages<P>     where the lists lie                                       default os_pages
//   policy::atomics<A>   the atomics model                                         default atomics::standard
// Source    see detail/epochs.hpp.
#ifndef FRYS_MEMORY_QSBR_DOMAIN_HPP
#define FRYS_MEMORY_QSBR_DOMAIN_HPP

namespace frys::inline FRYS_ABI {

template <class... Policies>
class qsbr_domain {
  using accepted = policy::keys<policy::capacity_key, policy::garbage_key, policy::batch_key, policy::counter_key,
                                policy::pages_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::qsbr_domain: unknown policy; it takes policy::capacity, policy::garbage, policy::batch, "
                "policy::counter, policy::pages, policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::qsbr_domain: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::qsbr_domain: policy::atomics wants an atomics model, see core/atomics.hpp");
  using counter_type = typename policy::pick<policy::counter<std::uint64_t>, Policies...>::type;
  static_assert(std::unsigned_integral<counter_type> && !std::same_as<counter_type, bool>,
                "frys::qsbr_domain: policy::counter wants an unsigned integer type");
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>, "frys::qsbr_domain: policy::pages wants a page source, see core/concepts.hpp");
  static constexpr std::size_t capacity = policy::pick<policy::capacity<64>, Policies...>::value;
  static_assert(capacity != 0, "frys::qsbr_domain: policy::capacity must leave a seat");
  static constexpr std::size_t most_garbage = policy::pick<policy::garbage<16384>, Policies...>::value;
  static constexpr std::size_t batch = policy::pick<policy::batch<128>, Policies...>::value;
  static_assert(batch != 0 && batch <= most_garbage,
                "frys::qsbr_domain: policy::batch must be at least 1 and at most policy::garbage");
  static constexpr bool has_pin = true;
  // The most retired objects that are not destroyed yet, whatever any thread does.
  static constexpr std::size_t bound() noexcept { return capacity * most_garbage; }

 private:
  using engine =
      detail::epochs<atomics_type, fences::symmetric, counter_type, capacity, most_garbage, batch, pages_type>;
  using slot = typename engine::slot;
  template <class T>
  using atomic = typename atomics_type::template atomic<T>;

 public:
  // Says that what is read stays until the next quiesce; there is nothing to do for it.
  class pin_guard {
   public:
    pin_guard(pin_guard&&) noexcept = default;
    pin_guard& operator=(pin_guard&&) noexcept = default;

   private:
    friend qsbr_domain;
    pin_guard() noexcept = default;
  };

  // A pointer that is good until the seat's next quiesce, offline or leave.
  template <class T>
  class guard {
   public:
    guard(guard&&) noexcept = default;
    guard& operator=(guard&&) noexcept = default;
    [[nodiscard]] T* get() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    T* operator->() const noexcept { return object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }

   private:
    friend qsbr_domain;
    explicit guard(T* object) noexcept : object_(object) {}
    T* object_;
  };

  // A thread that sleeps or does other things: while this lives, it may not read, and nobody waits for it.
  class offline_guard {
   public:
    offline_guard(offline_guard&& other) noexcept
        : engine_(other.engine_), slot_(std::exchange(other.slot_, nullptr)) {}
    offline_guard& operator=(offline_guard&&) = delete;
    ~offline_guard() {
      if (slot_ != nullptr) engine_->announce(*slot_);
    }

   private:
    friend qsbr_domain;
    offline_guard(engine& e, slot& s) noexcept : engine_(&e), slot_(&s) { e.withdraw(s); }
    engine* engine_;
    slot* slot_;
  };

  // A thread's seat.
  class participant : public detail::seat_base<qsbr_domain> {
    using base = detail::seat_base<qsbr_domain>;

   public:
    participant(participant&&) noexcept = default;
    participant& operator=(participant&&) noexcept = default;

    [[nodiscard]] pin_guard pin() noexcept { return pin_guard(); }
    template <class T>
    [[nodiscard]] FRYS_ALWAYS_INLINE guard<T> protect(const atomic<T*>& source) noexcept {
      // acquire: pairs with the owner's release of the pointer: what it points to is whole.
      return guard<T>(source.load(std::memory_order_acquire));
    }
    // This thread holds nothing that it has read before. Destroys what may go now, if it has retired anything.
    void quiesce() noexcept {
      engine& e = base::domain_->engine_;
      e.renew(*base::slot_);
      if (base::slot_->list.size() != 0) [[unlikely]]
        e.reclaim(*base::slot_);
    }
    [[nodiscard]] offline_guard offline() noexcept { return offline_guard(base::domain_->engine_, *base::slot_); }

   private:
    friend qsbr_domain;
    using base::base;
  };

  qsbr_domain() noexcept = default;
  qsbr_domain(const qsbr_domain&) = delete;
  qsbr_domain& operator=(const qsbr_domain&) = delete;
  ~qsbr_domain() { engine_.end(); }

  // A seat for the calling thread, online. errc::full when all are taken, or what the page source answers.
  [[nodiscard]] result<participant> join() noexcept {
    auto s = engine_.join();
    if (!s) return s.error();
    engine_.announce(**s);
    return participant(*this, **s);
  }
  // Retired objects that are not destroyed yet; may be stale on return.
  [[nodiscard]] std::size_t garbage() const noexcept { return engine_.garbage(); }

 private:
  friend detail::seat_base<qsbr_domain>;
  bool retire_slowly(slot& s, void* object, destroy_function destroy) noexcept {
    return engine_.retire_slowly(s, object, destroy);
  }
  void leave(slot& s) noexcept {
    engine_.withdraw(s);
    engine_.leave(s);
  }

  engine engine_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_QSBR_DOMAIN_HPP
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
// ---- frys/queue/concepts.hpp
// concepts: what code that takes any queue may ask of it. The queues of frys are models; so are those of with/, and a
// user's own with the same four members.
#ifndef FRYS_QUEUE_CONCEPTS_HPP
#define FRYS_QUEUE_CONCEPTS_HPP

namespace frys::inline FRYS_ABI {

// Takes values and gives them back, never waits, and can be closed: after close() nothing goes in, what was accepted
// comes out, and only then a pop answers closed. Who may call what, and in which order values come, is the queue's.
template <class Q>
concept closable_queue = requires(Q& q, typename Q::value_type& value) {
  requires queue_element<typename Q::value_type>;
  { q.try_push(std::move(value)) } -> std::same_as<push_result>;
  { q.try_pop() } -> std::same_as<pop_result<typename Q::value_type>>;
  q.close();
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_CONCEPTS_HPP
// ---- frys/queue/blocking.hpp
// blocking: any queue, with a push and a pop that wait.
//
// Use when  a thread has nothing to do but wait for the queue, or for room in it.
// Not when  it polls, or waits for several things (eventcount shows the loop), or must never sleep (the queue itself).
// Roles     those of the queue: push and try_push for its producers, pop and try_pop for its consumers, close for who
//           may close it. A consumer of an spsc_ring that gives up calls abandon.
// Progress  push and pop block by their names, by policy::wait; try_push, try_pop and close do not wait.
// Cost      the queue's own, and for each successful push and pop one fence and one load to look for sleepers; a system
//           call only where there is one. On one side alone of which nobody ever sleeps the fence remains.
// Ordering  the queue's.
// Close     close() wakes all: producers get closed; consumers what is left, then closed. Nobody sleeps on.
// Lifetime  destroy it when no thread is in it: close, join, destroy.
//
// Policies, in any order, each at most once:
//   policy::wait<W>     how to wait                 default wait::spin_then_park
//   policy::clock<C>    the clock of the deadlines  default clocks::steady
//   policy::atomics<A>  the atomics model           default the queue's
#ifndef FRYS_QUEUE_BLOCKING_HPP
#define FRYS_QUEUE_BLOCKING_HPP

namespace frys::inline FRYS_ABI {

namespace detail {
template <class Queue>
struct atomics_of {
  using type = atomics::standard;
};
template <class Queue>
requires requires { typename Queue::atomics_type; }
struct atomics_of<Queue> {
  using type = typename Queue::atomics_type;
};
}  // namespace detail

template <class Queue, class... Policies>
class blocking {
  using accepted = policy::keys<policy::wait_key, policy::clock_key, policy::atomics_key>;
  static_assert(
      accepted::template known<Policies...>,
      "frys::blocking: unknown policy; it takes policy::wait, policy::clock, policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::blocking: a policy is given twice; name each at most once");
  static_assert(closable_queue<Queue>,
                "frys::blocking<Queue>: Queue must have try_push, try_pop and close, see queue/concepts.hpp");

 public:
  using queue_type = Queue;
  using value_type = typename Queue::value_type;
  using atomics_type =
      typename policy::pick<policy::atomics<typename detail::atomics_of<Queue>::type>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::blocking: policy::atomics wants an atomics model, see core/atomics.hpp");
  using wait_type = typename policy::pick<policy::wait<wait::spin_then_park>, Policies...>::type;
  static_assert(wait_policy<wait_type, atomics_type>,
                "frys::blocking: policy::wait wants a wait policy, see core/wait.hpp");
  using clock_type = typename policy::pick<policy::clock<clocks::steady>, Policies...>::type;

  // The arguments are the queue's.
  template <class... Args>
  requires std::is_constructible_v<Queue, Args...>
  explicit blocking(Args&&... args) : queue_(std::forward<Args>(args)...) {}
  blocking(const blocking&) = delete;
  blocking& operator=(const blocking&) = delete;

  // As the queue's, and wakes who waits.
  push_result try_push(value_type&& value) noexcept {
    const push_result pushed = queue_.try_push(std::move(value));
    if (pushed) values_.notify_one();
    return pushed;
  }
  pop_result<value_type> try_pop() noexcept {
    auto popped = queue_.try_pop();
    if (popped) taken();
    return popped;
  }

  // Waits for room: ok, or closed with the value untouched.
  push_result push(value_type&& value) noexcept { return push_until(std::move(value), deadline::never()); }
  // Full when there was no room until the deadline.
  push_result push_until(value_type&& value, deadline until) noexcept {
    push_result last = push_result::full;
    (void)room_.await_until(
        [&] {
          last = queue_.try_push(std::move(value));  // untouched unless it was taken
          return !last.is_full();
        },
        until);
    if (last) values_.notify_one();
    return last;
  }

  // Waits for a value; closed when there will be none any more.
  pop_result<value_type> pop() noexcept { return pop_until(deadline::never()); }
  // Empty when there was none until the deadline.
  pop_result<value_type> pop_until(deadline until) noexcept {
    pop_result<value_type> last = pop_status::empty;
    (void)values_.await_until(
        [&] {
          last = queue_.try_pop();
          return !last.is_empty();
        },
        until);
    if (last) taken();
    return last;
  }

  // By whom the queue may be closed.
  void close() noexcept {
    queue_.close();
    // sync(blocking.closed): release; a pop that takes one of the last values sees it and wakes the others.
    closed_.store(true, std::memory_order_release);
    values_.notify_all();
    room_.notify_all();
  }

  // For what is not here: spans, size_hint, abandon. What goes in or out that way wakes nobody.
  [[nodiscard]] Queue& queue() noexcept { return queue_; }

 private:
  void taken() noexcept {
    room_.notify_one();
    // sync(blocking.closed): acquire. A consumer that looked while a push was under way sleeps on behind the close;
    // when the last value has gone, nobody else would tell it.
    if (closed_.load(std::memory_order_acquire)) values_.notify_all();
  }

  using count = eventcount<policy::atomics<atomics_type>, policy::wait<wait_type>, policy::clock<clock_type>>;
  Queue queue_;
  count values_;
  count room_;
  typename atomics_type::template atomic<bool> closed_{false};
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_BLOCKING_HPP
// ---- frys/queue/detail/slot.hpp
// slot: room for one T, built and destroyed by hand.
#ifndef FRYS_QUEUE_DETAIL_SLOT_HPP
#define FRYS_QUEUE_DETAIL_SLOT_HPP

namespace frys::inline FRYS_ABI::detail {

template <class T>
union slot {
  slot() noexcept {}
  ~slot() {}
  T value;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_SLOT_HPP
// ---- frys/queue/detail/gated_broadcast.hpp
// gated_broadcast: the broadcast_ring whose producer waits for its readers. See broadcast_ring.hpp.
#ifndef FRYS_QUEUE_DETAIL_GATED_BROADCAST_HPP
#define FRYS_QUEUE_DETAIL_GATED_BROADCAST_HPP

namespace frys::inline FRYS_ABI::detail {

template <class T, std::size_t Capacity, class Atomics, class Graph>
class gated_broadcast {
  template <class U>
  using atomic = typename Atomics::template atomic<U>;
  static constexpr std::uint64_t mask = Capacity - 1;
  static constexpr std::uint64_t gone = ~std::uint64_t{0};  // the next value of a reader that has left

  struct alignas(2 * cache_line) place {
    atomic<std::uint64_t> next{0};
    std::uint64_t limit_seen = 0;  // as far as those before us were when we looked
  };

 public:
  gated_broadcast() = default;
  gated_broadcast(const gated_broadcast&) = delete;
  gated_broadcast& operator=(const gated_broadcast&) = delete;
  ~gated_broadcast() {
    if constexpr (!std::is_trivially_destructible_v<T>) {
      const std::uint64_t tail = tail_.load(std::memory_order_relaxed);  // relaxed: nobody else is left
      for (std::uint64_t i = tail - (std::min)(tail, std::uint64_t{Capacity}); i != tail; ++i) std::destroy_at(&at(i));
    }
  }

  // Producer only. On full and closed the value is untouched.
  push_result try_push(T&& value) noexcept { return try_emplace(std::move(value)); }
  push_result try_push(const T& value) noexcept requires std::is_nothrow_copy_constructible_v<T> {
    return try_emplace(value);
  }

  // Producer only. Builds T(args...) in its slot.
  template <class... Args>
  requires std::is_nothrow_constructible_v<T, Args...> push_result try_emplace(Args&&... args)
  noexcept {
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);  // relaxed: ours, nobody else writes it
    if (tail - gate_seen_ == Capacity) [[unlikely]] {
      if (!look_for_room(tail)) return why_no_room();
    }
    if (closing_) [[unlikely]]
      return push_result::closed;
    build(tail, std::forward<Args>(args)...);
    // sync(broadcast_ring.publish): release; the value is whole before a reader can count it.
    tail_.store(tail + 1, std::memory_order_release);
    return push_result::ok;
  }

  // Producer only. Moves in as many of `values` as there is room for, first to last, and answers how many: 0 when full
  // or closed.
  [[nodiscard]] std::size_t push_some(std::span<T> values) noexcept {
    if (closing_) return 0;
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);  // relaxed: ours
    const std::size_t count = (std::min)(values.size(), room(tail, values.size()));
    for (std::size_t i = 0; i < count; ++i) build(tail + i, std::move(values[i]));
    tail_.store(tail + count, std::memory_order_release);  // sync(broadcast_ring.publish): release, as above
    return count;
  }

  // Producer only. Free slots in one piece, at most `most`, to be written and committed; empty when full or closed. A
  // ring's piece ends where its memory does: ask again.
  [[nodiscard]] std::span<T> writable(std::size_t most = Capacity) noexcept requires std::is_trivial_v<T> {
    if (closing_) return {};
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);  // relaxed: ours
    const std::size_t in_piece = (std::min)(most, Capacity - static_cast<std::size_t>(tail & mask));
    return {&at(tail), (std::min)(in_piece, room(tail, in_piece))};
  }
  // Producer only. Publishes the first `count` elements of what writable answered.
  void commit(std::size_t count) noexcept requires std::is_trivial_v<T> {
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);  // relaxed: ours
    FRYS_ASSERT(count <= Capacity - (tail - gate_seen_), "broadcast_ring::commit: more than writable answered");
    tail_.store(tail + count, std::memory_order_release);  // sync(broadcast_ring.publish): release, as above
  }

  // Producer only. No more pushes; the readers get what is left.
  void close() noexcept {
    closing_ = true;
    // sync(broadcast_ring.close): release; a reader that sees it sees our last push too.
    closed_.store(true, std::memory_order_release);
  }

  // The handle of a reader; cheap to copy. One thread at a time may use a reader.
  template <std::size_t I>
  class reader_handle {
   public:
    explicit reader_handle(gated_broadcast& ring) noexcept : ring_(&ring) {}

    // The next value, copied.
    pop_result<T> try_pop() const noexcept requires std::is_nothrow_copy_constructible_v<T> {
      place& p = mine();
      const std::uint64_t next = p.next.load(std::memory_order_relaxed);  // relaxed: ours, nobody else writes it
      if (next == p.limit_seen) [[unlikely]] {
        if (!look_for_values(next)) return why_no_value(next);
      }
      pop_result<T> out(std::in_place, std::as_const(ring_->at(next)));
      // sync(broadcast_ring.pass): release; we are done with the slot before the producer builds over it, and what we
      // did with the value is known to the readers after us.
      p.next.store(next + 1, std::memory_order_release);
      return out;
    }
    // The next value where it lies, or nullptr; it stays until pop_front.
    [[nodiscard]] const T* front() const noexcept {
      place& p = mine();
      const std::uint64_t next = p.next.load(std::memory_order_relaxed);  // relaxed: ours
      if (next == p.limit_seen && !look_for_values(next)) return nullptr;
      return &ring_->at(next);
    }
    // Passes the next value; false if there is none.
    bool pop_front() const noexcept {
      if (front() == nullptr) return false;
      consume(1);
      return true;
    }
    // The next values in one piece, at most `most`, to be used where they lie and consumed; empty when there is none. A
    // ring's piece ends where its memory does: ask again.
    [[nodiscard]] std::span<const T> readable(std::size_t most = Capacity) const noexcept {
      place& p = mine();
      const std::uint64_t next = p.next.load(std::memory_order_relaxed);  // relaxed: ours
      const std::size_t in_piece = (std::min)(most, Capacity - static_cast<std::size_t>(next & mask));
      if (p.limit_seen - next < in_piece) (void)look_for_values(next);
      return {&ring_->at(next), (std::min)(in_piece, static_cast<std::size_t>(p.limit_seen - next))};
    }
    // Passes the first `count` values of what readable answered.
    void consume(std::size_t count) const noexcept {
      place& p = mine();
      const std::uint64_t next = p.next.load(std::memory_order_relaxed);  // relaxed: ours
      FRYS_ASSERT(count <= p.limit_seen - next, "broadcast_ring::consume: more than readable answered");
      p.next.store(next + count, std::memory_order_release);  // sync(broadcast_ring.pass): release, as above
    }
    // True if the producer has closed, or this reader has left, and nothing is left to read.
    [[nodiscard]] bool is_drained() const noexcept {
      place& p = mine();
      const std::uint64_t next = p.next.load(std::memory_order_relaxed);  // relaxed: ours
      return next == p.limit_seen && !look_for_values(next) && why_no_value(next) == pop_status::closed;
    }
    // Wants no more, for good: from now on nobody waits for this reader; readers after it follow those before it. When
    // all have left the producer gets closed.
    void leave() const noexcept {
      place& p = mine();
      p.limit_seen = gone;
      p.next.store(gone, std::memory_order_release);  // sync(broadcast_ring.pass): release, as above
    }

   private:
    place& mine() const noexcept { return ring_->places_[I]; }
    bool look_for_values(std::uint64_t next) const noexcept {
      if (next == gone) return false;
      place& p = mine();
      p.limit_seen = ring_->template limit_of<I>();
      return p.limit_seen != next;
    }
    FRYS_NOINLINE pop_status why_no_value(std::uint64_t next) const noexcept {
      if (next == gone) return pop_status::closed;
      // sync(broadcast_ring.close): acquire; then the tail that we read next is the last one.
      if (!ring_->closed_.load(std::memory_order_acquire)) return pop_status::empty;
      // relaxed: its value alone matters here. What is not ours yet may be with the readers before us.
      return ring_->tail_.load(std::memory_order_relaxed) == next ? pop_status::closed : pop_status::empty;
    }

    gated_broadcast* ring_;
  };

  // Any thread. How far the slowest reader is behind the producer; may be stale on return.
  [[nodiscard]] std::size_t size_hint() const noexcept {
    std::uint64_t slowest = gone;
    // relaxed, all: a number, not an order. The tail last, so that no reader is ahead of it.
    for (const place& p : places_) slowest = (std::min)(slowest, p.next.load(std::memory_order_relaxed));
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    return slowest >= tail ? 0 : (std::min)(static_cast<std::size_t>(tail - slowest), Capacity);
  }

 private:
  T& at(std::uint64_t index) noexcept { return slots_[index & mask].value; }
  template <class... Args>
  void build(std::uint64_t index, Args&&... args) noexcept {
    T* const place_of = &at(index);
    if constexpr (!std::is_trivially_destructible_v<T>)
      if (index >= Capacity) std::destroy_at(place_of);
    std::construct_at(place_of, std::forward<Args>(args)...);
  }

  // The least of what f(i) answers for the readers i in Set.
  template <typename Graph::set Set, std::size_t I = 0, class F>
  static std::uint64_t least(F&& f) noexcept {
    if constexpr (Set == 0) {
      return gone;
    } else {
      std::uint64_t rest = least<(Set >> 1), I + 1>(f);
      if constexpr ((Set & 1) != 0) rest = (std::min)(rest, f(std::integral_constant<std::size_t, I>{}));
      return rest;
    }
  }
  // Up to where reader I may read.
  template <std::size_t I>
  std::uint64_t limit_of() const noexcept {
    if constexpr (Graph::direct(I) == 0) {
      // sync(broadcast_ring.publish): acquire; with relaxed a slot could be read before its value was written.
      return tail_.load(std::memory_order_acquire);
    } else {
      return least<Graph::direct(I)>([this](auto j) {
        // sync(broadcast_ring.pass): acquire; what the readers before us did is known to us.
        const std::uint64_t next = places_[j].next.load(std::memory_order_acquire);
        return next != gone
                   ? next
                   : this->template limit_of<decltype(j)::value>();  // in place of one that has left: those before it
      });
    }
  }
  // Up to where reader I, and all before it if it has left, are done; gone if all have left.
  template <std::size_t I>
  std::uint64_t passed_by() const noexcept {
    // sync(broadcast_ring.pass): acquire; all reads of the old value are done before we build over it.
    const std::uint64_t next = places_[I].next.load(std::memory_order_acquire);
    if (next != gone) return next;
    return least<Graph::direct(I)>([this](auto j) { return this->template passed_by<decltype(j)::value>(); });
  }

  bool look_for_room(std::uint64_t tail) noexcept {
    const std::uint64_t gate =
        least<Graph::last()>([this](auto i) { return this->template passed_by<decltype(i)::value>(); });
    if (gate == gone) return false;
    gate_seen_ = gate;
    return tail - gate != Capacity;
  }
  // Free slots; looks at the readers only if our copy promises fewer than `wanted`.
  std::size_t room(std::uint64_t tail, std::size_t wanted) noexcept {
    if (Capacity - (tail - gate_seen_) < wanted) (void)look_for_room(tail);
    return Capacity - static_cast<std::size_t>(tail - gate_seen_);
  }
  FRYS_NOINLINE push_result why_no_room() const noexcept {
    if (closing_) return push_result::closed;
    return least<Graph::last()>([this](auto i) { return this->template passed_by<decltype(i)::value>(); }) == gone
               ? push_result::closed
               : push_result::full;
  }

  // Sequences only grow and do not wrap: 2^64 values. Each side writes lines of its own: its sequence, and how far it
  // saw the others. Two lines apart, because cores fetch lines in pairs.
  alignas(2 * cache_line) atomic<std::uint64_t> tail_{0};
  std::uint64_t gate_seen_ = 0;
  bool closing_ = false;  // the producer's own copy of closed_
  atomic<bool> closed_{false};
  place places_[Graph::count];
  alignas(2 * cache_line) slot<T> slots_[Capacity];
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_GATED_BROADCAST_HPP
// ---- frys/queue/detail/atomic_words.hpp
// atomic_words: the bytes of one T as atomic words, copied without a data race while somebody else writes them.
//
// A copy made during a write is a mixture of two values; who copies must find that out (a sequence before and after)
// and throw it away unlooked at. All orders here are relaxed: the sequence carries them.
// Source  H.-J. Boehm, "Can seqlocks get along with programming language memory models?", MSPC 2012.
#ifndef FRYS_QUEUE_DETAIL_ATOMIC_WORDS_HPP
#define FRYS_QUEUE_DETAIL_ATOMIC_WORDS_HPP

namespace frys::inline FRYS_ABI::detail {

template <class T, class Atomics>
class atomic_words {
  static_assert(std::is_trivially_copyable_v<T>);
  using word = std::size_t;
  static constexpr std::size_t count = (sizeof(T) + sizeof(word) - 1) / sizeof(word);
  static constexpr std::size_t few = 8;
  static constexpr std::size_t bytes_of(std::size_t i) noexcept {
    return (std::min)(sizeof(word), sizeof(T) - i * sizeof(word));
  }

 public:
  // What was read; a T only if no store has run meanwhile. Few words stay in registers until it is known to be one: a
  // value that is written word by word and then copied by wider loads would wait for the store buffer.
  struct copy {
    word at[count];
  };

  // One thread at a time.
  void store(const T& value) noexcept {
    const auto* from = reinterpret_cast<const unsigned char*>(std::addressof(value));
    each([&](auto i) {
      word w = 0;
      std::memcpy(&w, from + i * sizeof(word), bytes_of(i));
      words_[i].store(w, std::memory_order_relaxed);  // relaxed: the owner's sequence orders it
    });
  }
  // Any thread.
  void load(copy& into) const noexcept {
    // relaxed: the owner's sequence orders it
    each([&](auto i) { into.at[i] = words_[i].load(std::memory_order_relaxed); });
  }
  static T value(const copy& c) noexcept {
    if constexpr (count <= few && std::is_nothrow_default_constructible_v<T>) {
      T out;
      put(c, std::addressof(out));
      return out;
    } else {
      slot<T> out;
      put(c, std::addressof(out.value));
      return std::move(out.value);
    }
  }

 private:
  static void put(const copy& c, T* out) noexcept {
    auto* to = reinterpret_cast<unsigned char*>(out);
    each([&](auto i) { std::memcpy(to + i * sizeof(word), &c.at[i], bytes_of(i)); });
  }
  // f(i) for each word; unrolled where they are few.
  template <class F>
  static void each(F&& f) noexcept {
    if constexpr (count <= few) [&]<std::size_t... I>(std::index_sequence<I...>) {
        (f(std::integral_constant<std::size_t, I>{}), ...);
      }
    (std::make_index_sequence<count>{});
    else for (std::size_t i = 0; i < count; ++i) f(i);
  }

  typename Atomics::template atomic<word> words_[count];
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_ATOMIC_WORDS_HPP
// ---- frys/queue/detail/lossy_broadcast.hpp
// lossy_broadcast: the broadcast_ring whose producer waits for nobody. See broadcast_ring.hpp.
#ifndef FRYS_QUEUE_DETAIL_LOSSY_BROADCAST_HPP
#define FRYS_QUEUE_DETAIL_LOSSY_BROADCAST_HPP

namespace frys::inline FRYS_ABI::detail {

template <class T, std::size_t Capacity, class Atomics>
class lossy_broadcast {
  template <class U>
  using atomic = typename Atomics::template atomic<U>;
  using words = atomic_words<T, Atomics>;
  using copy = typename words::copy;
  static constexpr std::uint64_t mask = Capacity - 1;

 public:
  lossy_broadcast() = default;
  lossy_broadcast(const lossy_broadcast&) = delete;
  lossy_broadcast& operator=(const lossy_broadcast&) = delete;

  // Producer only. Ok, or closed; never full.
  push_result try_push(const T& value) noexcept {
    if (closing_) [[unlikely]]
      return push_result::closed;
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);  // relaxed: ours, nobody else writes it
    write(tail, value);
    tail_.store(tail + 1, std::memory_order_relaxed);  // relaxed: where new readers start; the slots carry the values
    return push_result::ok;
  }
  // Producer only. All of `values`, first to last, and answers how many: 0 when closed.
  std::size_t push_some(std::span<const T> values) noexcept {
    if (closing_) return 0;
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);  // relaxed: ours
    for (std::size_t i = 0; i < values.size(); ++i) write(tail + i, values[i]);
    tail_.store(tail + values.size(), std::memory_order_relaxed);  // relaxed: as above
    return values.size();
  }

  // Producer only. No more pushes; the readers get what is left.
  void close() noexcept {
    closing_ = true;
    // sync(broadcast_ring.close): release; a reader that sees it sees our last push too.
    closed_.store(true, std::memory_order_release);
  }

  // A place in the stream; the ring knows nothing of it. One thread at a time; copy it to read the same again.
  class reader_handle {
   public:
    // The next value that is still there. Those that were overwritten before we came are passed over and counted.
    pop_result<T> try_pop() noexcept {
      copy c;
      for (;;) {
        const std::uint64_t turn = look(c);
        if (turn == turn_of(next_)) [[likely]] {
          ++next_;
          return pop_result<T>(std::in_place, words::value(c));
        }
        if (turn < turn_of(next_)) return why_no_value();
        catch_up(turn);
      }
    }
    // Copies up to out.size() values to `out`, in order, and answers how many: 0 when there is none. Ends early where
    // values were lost, so that those of one call have no gap between them.
    [[nodiscard]] std::size_t pop_some(std::span<T> out) noexcept requires std::is_move_assignable_v<T> {
      copy c;
      for (std::size_t count = 0; count < out.size();) {
        const std::uint64_t turn = look(c);
        if (turn == turn_of(next_)) [[likely]] {
          ++next_;
          out[count++] = words::value(c);
        } else if (turn < turn_of(next_) || count != 0) {
          return count;
        } else {
          catch_up(turn);
        }
      }
      return out.size();
    }
    // How many values were overwritten before this reader came to them, since it began.
    [[nodiscard]] std::uint64_t missed() const noexcept { return missed_; }
    // The number of the next value, counted from the producer's first.
    [[nodiscard]] std::uint64_t position() const noexcept { return next_; }
    // True if the producer has closed and nothing is left to read.
    [[nodiscard]] bool is_drained() const noexcept { return is_behind() && why_no_value() == pop_status::closed; }

   private:
    friend lossy_broadcast;
    reader_handle(const lossy_broadcast& ring, std::uint64_t next) noexcept : ring_(&ring), next_(next) {}

    // Copies what stands in our slot and answers its turn: turn_of(next_) if the copy is our value.
    std::uint64_t look(copy& into) const noexcept {
      const cell& c = ring_->cells_[next_ & mask];
      // sync(broadcast_ring.write): acquire; the words are at least as new as the turn.
      const std::uint64_t turn = c.turn.load(std::memory_order_acquire);
      if (turn != turn_of(next_)) return turn;
      c.value.load(into);
      // sync(broadcast_ring.overwrite): acquire fence; if a word was of a later value, the look below finds that
      // value's odd turn.
      Atomics::fence(std::memory_order_acquire);
      return c.turn.load(std::memory_order_relaxed);  // relaxed: the fence above orders it
    }
    // The newest value begun has our slot; the oldest that may be read stands a lap before it. Leaves a quarter of the
    // ring between us and the producer, so that we are not overtaken again at once.
    void catch_up(std::uint64_t turn) noexcept {
      const std::uint64_t newest = (turn - 1) / 2;
      constexpr std::uint64_t keep = Capacity - Capacity / 4;
      const std::uint64_t to = newest + 1 - keep;
      missed_ += to - next_;
      next_ = to;
    }
    // The producer has not come to our slot.
    bool is_behind() const noexcept {
      // relaxed: only a number here.
      return ring_->cells_[next_ & mask].turn.load(std::memory_order_relaxed) < turn_of(next_);
    }
    FRYS_NOINLINE pop_status why_no_value() const noexcept {
      // sync(broadcast_ring.close): acquire; then the turn that we look at next is as new as the last push.
      if (!ring_->closed_.load(std::memory_order_acquire)) return pop_status::empty;
      // A push may have come between the look and the close; the next try_pop takes it.
      return is_behind() ? pop_status::closed : pop_status::empty;
    }

    const lossy_broadcast* ring_;
    std::uint64_t next_;
    std::uint64_t missed_ = 0;
  };

  // Any thread. A reader that begins with the next push.
  [[nodiscard]] reader_handle subscribe() const noexcept {
    return {*this, tail_.load(std::memory_order_relaxed)};  // relaxed: a place to begin; the slots carry the values
  }
  // Any thread. A reader that begins with the oldest value that is left.
  [[nodiscard]] reader_handle subscribe_oldest() const noexcept {
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);  // relaxed: as above
    return {*this, tail - (std::min)(tail, std::uint64_t{Capacity})};
  }

 private:
  // A seqlock whose sequence is the number of its value: 2n + 1 while value n is written, 2n + 2 while it is there.
  struct cell {
    atomic<std::uint64_t> turn{0};
    words value;
  };
  static constexpr std::uint64_t turn_of(std::uint64_t index) noexcept { return index * 2 + 2; }

  void write(std::uint64_t index, const T& value) noexcept {
    cell& c = cells_[index & mask];
    c.turn.store(turn_of(index) - 1, std::memory_order_relaxed);  // relaxed: the fence orders it
    // sync(broadcast_ring.overwrite): release fence; who sees one of our words sees the odd turn.
    Atomics::fence(std::memory_order_release);
    c.value.store(value);
    // sync(broadcast_ring.write): release; the words are there before the turn says so.
    c.turn.store(turn_of(index), std::memory_order_release);
  }

  alignas(2 * cache_line) atomic<std::uint64_t> tail_{0};
  bool closing_ = false;  // the producer's own copy of closed_
  atomic<bool> closed_{false};
  alignas(2 * cache_line) cell cells_[Capacity];
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_LOSSY_BROADCAST_HPP
// ---- frys/queue/overflow.hpp
// overflow: what a push does where there is no room, for policy::overflow.
//
// fail       the push answers full and nothing is lost. The default of every block that takes the policy.
// overwrite  the push takes the place of the oldest value: the producer never waits and never fails, readers may lose
//            values and are told so by the block.
#ifndef FRYS_QUEUE_OVERFLOW_HPP
#define FRYS_QUEUE_OVERFLOW_HPP

namespace frys::inline FRYS_ABI {

namespace overflow {
struct fail {};
struct overwrite {};
}  // namespace overflow

// What policy::overflow may name.
template <class O>
concept overflow_rule = std::is_same_v<O, overflow::fail> || std::is_same_v<O, overflow::overwrite>;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_OVERFLOW_HPP
// ---- frys/queue/readers.hpp
// readers: who reads a broadcast_ring, and after whom; a graph as a type.
//
//   struct journal {}; struct replicate {}; struct apply {};       // names, never made
//   policy::readers<reads<journal>, reads<replicate>, reads<apply, journal, replicate>>
//
// Each reader sees every value; `apply` sees one only when `journal` and `replicate` are done with it. A reader comes
// after those it names, so a graph with a circle cannot be written down.
#ifndef FRYS_QUEUE_READERS_HPP
#define FRYS_QUEUE_READERS_HPP

namespace frys::inline FRYS_ABI {

// The reader `Name`, which follows the readers `After`; without any it follows the producer.
template <class Name, class... After>
struct reads {
  using name = Name;
};

// The name of the i-th reader of policy::independent_readers, counted from 0.
template <std::size_t I>
struct nth_reader {};

namespace detail {

template <class R>
inline constexpr bool is_reads = false;
template <class Name, class... After>
inline constexpr bool is_reads<reads<Name, After...>> = true;

// Readers by number, in the order given. Sets of readers are bits of a word.
template <class... R>
struct reader_graph {
  static constexpr std::size_t count = sizeof...(R);
  using set = std::uint64_t;

  // The number of the reader `Name`; count if there is none.
  template <class Name>
  static constexpr std::size_t find() noexcept {
    std::size_t at = 0;
    static_cast<void>(((std::is_same_v<Name, typename R::name> ? true : (++at, false)) || ...));
    return at;
  }
  static constexpr bool names_differ() noexcept {
    std::size_t at = 0;
    return ((find<typename R::name>() == at++) && ...);
  }
  // Each reader follows only such as stand before it.
  static constexpr bool is_ordered() noexcept {
    std::size_t at = 0;
    return (known_before<R>(at++) && ...);
  }
  // Whom reader i must be behind, without those that these are behind themselves.
  static constexpr set direct(std::size_t i) noexcept {
    const set named = named_by(i);
    set implied = 0;
    for (std::size_t j = 0; j < i; ++j)
      if ((named >> j & 1) != 0) implied |= all_before(j);
    return named & ~implied;
  }
  // The readers that nobody follows: the producer must be no more than a lap ahead of these.
  static constexpr set last() noexcept {
    set followed = 0;
    for (std::size_t i = 0; i < count; ++i) followed |= named_by(i);
    return (count == 64 ? ~set{0} : (set{1} << count) - 1) & ~followed;
  }

 private:
  template <class Reader>
  struct one;
  template <class Name, class... After>
  struct one<reads<Name, After...>> {
    static constexpr bool known_before([[maybe_unused]] std::size_t at) noexcept {
      return ((find<After>() < at) && ...);
    }
    static constexpr set mask() noexcept { return (set{0} | ... | (set{1} << find<After>())); }
  };
  template <class Reader>
  static constexpr bool known_before(std::size_t at) noexcept {
    return one<Reader>::known_before(at);
  }
  static constexpr set named_by(std::size_t i) noexcept {
    const set masks[] = {one<R>::mask()...};
    return masks[i];
  }
  static constexpr set all_before(std::size_t i) noexcept {
    set all = named_by(i);
    for (std::size_t j = i; j-- > 0;)
      if ((all >> j & 1) != 0) all |= named_by(j);
    return all;
  }
};

template <class Numbers>
struct independent;
template <std::size_t... I>
struct independent<std::index_sequence<I...>> {
  using type = reader_graph<reads<nth_reader<I>>...>;
};

}  // namespace detail

namespace policy {

struct readers_key {};  // a graph of readers

// The readers of a block, see above. 64 at most.
template <class... R>
struct readers {
  static_assert((frys::detail::is_reads<R> && ...),
                "frys::policy::readers: name each reader as reads<Name, After...>, see queue/readers.hpp");
  static_assert(sizeof...(R) >= 1 && sizeof...(R) <= 64, "frys::policy::readers: there are 1 to 64 readers");
  using graph = frys::detail::reader_graph<R...>;
  static_assert(graph::names_differ(), "frys::policy::readers: two readers have the same name");
  static_assert(graph::is_ordered(),
                "frys::policy::readers: a reader follows one that does not stand before it; list those to be followed "
                "first, so that the graph has no circle");
  using key = readers_key;
  using type = graph;
};

// N readers that follow the producer and know nothing of each other: nth_reader<0> to nth_reader<N - 1>.
template <std::size_t N>
struct independent_readers {
  static_assert(N >= 1 && N <= 64, "frys::policy::independent_readers: there are 1 to 64 readers");
  using key = readers_key;
  using type = typename frys::detail::independent<std::make_index_sequence<N>>::type;
};

}  // namespace policy

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_READERS_HPP
// ---- frys/queue/broadcast_ring.hpp
// broadcast_ring: a bounded stream from one producer to many readers; every reader sees every value.
//
// Use when  several parts do something with each event (log it, replicate it, apply it), some after others; or when the
//           newest values matter and a slow reader may lose the oldest (policy::overflow<overflow::overwrite>).
// Not when  each value is for one of several threads (mpmc_ring), there is one reader (spsc_ring), or only the newest
//           value counts (seqlock).
// Roles     try_push, try_emplace, push_some, writable, commit, close: the producer. reader<Name>(), subscribe(),
//           size_hint: any thread; what a reader handle does: one thread at a time for each reader. One thread may be
//           several readers.
// Progress  all operations are wait-free; in the overwrite form a pop is lock-free (it tries again when the producer
//           has overtaken it), all else wait-free.
// Cost      as spsc_ring per reader: no read-modify-write, no fence; the others' sequences are read only when our copy
//           of them is used up, a span publishes or passes many values by one store. The producer looks at the readers
//           that nobody follows. Overwrite: 2 stores and one of each word of T a push, 2 loads and one of each word a
//           pop. No allocation; the slots lie in the object.
// Ordering  a push happens-before the pop that takes its value; what a reader did with a value happens-before it comes
//           to the readers after it, and before the push that builds over its slot.
// Close     close(): the producer has finished; each reader gets what is left, then closed. leave(): a reader wants no
//           more; nobody waits for it, those after it follow those before it. When all have left, the producer gets
//           closed, at the latest when the ring is full.
// Lifetime  a value lives until its slot is built over, or the ring ends, also when all have read it. Destroy the ring
//           when no thread uses it; reader handles are pointers to it.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>     slots, all usable; N is a power of two             default 1024
//   policy::readers<R...>   the graph of readers, or policy::independent_readers<N>, see readers.hpp
//                                                                              default independent_readers<1>
//   policy::overflow<O>     overflow::fail: a full ring refuses, so the slowest reader holds the producer back;
//                           overflow::overwrite: it never refuses, a reader that was overtaken goes on with what is
//                           left, and missed() counts the gap. T must be trivially copyable then, and readers are not
//                           listed: anybody may subscribe()                    default overflow::fail
//   policy::atomics<A>      the atomics model                                  default atomics::standard
// Source    M. Thompson et al., "Disruptor", LMAX 2011 (sequences, the graph); slots of the overwrite form: H.-J.
// Boehm,
//           MSPC 2012 (seqlock).
#ifndef FRYS_QUEUE_BROADCAST_RING_HPP
#define FRYS_QUEUE_BROADCAST_RING_HPP

namespace frys::inline FRYS_ABI {

namespace detail {

// What the policies of a broadcast_ring say, and which of its two forms they ask for.
template <class T, class... Policies>
struct broadcast_choice {
  using accepted = policy::keys<policy::capacity_key, policy::readers_key, policy::overflow_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::broadcast_ring: unknown policy; it takes policy::capacity, policy::readers, policy::overflow, "
                "policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::broadcast_ring: a policy is given twice; name each at most once");
  static_assert(queue_element<T>,
                "frys::broadcast_ring<T>: T must be an object type that moves and dies without throwing");
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::broadcast_ring: policy::atomics wants an atomics model, see core/atomics.hpp");
  static constexpr std::size_t capacity = policy::pick<policy::capacity<1024>, Policies...>::value;
  static_assert(std::has_single_bit(capacity), "frys::broadcast_ring: policy::capacity must be a power of two");
  using overflow_type = typename policy::pick<policy::overflow<overflow::fail>, Policies...>::type;
  static_assert(overflow_rule<overflow_type>,
                "frys::broadcast_ring: policy::overflow wants overflow::fail or overflow::overwrite");
  static constexpr bool overwrites = std::is_same_v<overflow_type, overflow::overwrite>;
  static_assert(!overwrites || std::is_trivially_copyable_v<T>,
                "frys::broadcast_ring<T>: with overflow::overwrite T must be trivially copyable, because a reader may "
                "find its value half overwritten");
  using named_readers = typename policy::detail::find<policy::readers_key, Policies...>::type;
  static_assert(!overwrites || std::is_void_v<named_readers>,
                "frys::broadcast_ring: overflow::overwrite waits for no reader, so it takes no policy::readers; each "
                "reader calls subscribe()");
  using graph = typename policy::pick<policy::independent_readers<1>, Policies...>::type;
};

template <class Choice, class T, bool Overwrites>
struct broadcast_form {
  using type = gated_broadcast<T, Choice::capacity, typename Choice::atomics_type, typename Choice::graph>;
};
template <class Choice, class T>
struct broadcast_form<Choice, T, true> {
  using type = lossy_broadcast<T, Choice::capacity, typename Choice::atomics_type>;
};

}  // namespace detail

// The operations stand in detail/gated_broadcast.hpp (overflow::fail) and detail/lossy_broadcast.hpp
// (overflow::overwrite).
template <class T, class... Policies>
class broadcast_ring : public detail::broadcast_form<detail::broadcast_choice<T, Policies...>, T,
                                                     detail::broadcast_choice<T, Policies...>::overwrites>::type {
  using choice = detail::broadcast_choice<T, Policies...>;

 public:
  using value_type = T;
  using atomics_type = typename choice::atomics_type;
  static constexpr std::size_t capacity = choice::capacity;

  // The reader of that name; without one, the only reader of a ring of one.
  template <class Name = nth_reader<0>>
  [[nodiscard]] auto reader() noexcept requires(!choice::overwrites) {
    constexpr std::size_t number = choice::graph::template find<Name>();
    static_assert(number < choice::graph::count, "frys::broadcast_ring::reader: no reader of this ring has that name");
    return typename broadcast_ring::template reader_handle<number>(*this);
  }
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_BROADCAST_RING_HPP
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
template <class Queue, class... Policies>
class blocking;
template <class T, class... Policies>
class mpmc_ring;
template <class T, class... Policies>
class mpsc_queue;
template <class Node, class... Policies>
class intrusive_mpsc_queue;
template <class T, class... Policies>
class stealing_deque;
template <class T, class... Policies>
class broadcast_ring;
template <class T, class... Policies>
class seqlock;

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
  static_assert(
      requires { typename atomics_type::template atomic_ref<Node*>; },
      "frys::intrusive_mpsc_queue: policy::atomics wants a model that has atomic_ref<T>, "
      "for the node's link");

  intrusive_mpsc_queue() = default;
  intrusive_mpsc_queue(const intrusive_mpsc_queue&) = delete;
  intrusive_mpsc_queue& operator=(const intrusive_mpsc_queue&) = delete;

  // Any thread. True if the queue may have been empty before: then, and only then, the consumer may need a wake-up. The
  // consumer must have seen empty() before it sleeps, or a push that answered false would wake nobody.
  bool push(Node& node) noexcept {
    link(node).store(nullptr, std::memory_order_relaxed);  // relaxed: sync(intrusive_mpsc_queue.last) publishes
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
      // relaxed: what stands there was appended before the stub, and the stub's append has acquired that.
      second = link(*first).load(std::memory_order_relaxed);
      if (second == nullptr) return nullptr;  // a push came between and is not linked yet
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
// ---- frys/queue/mpmc_ring.hpp
// mpmc_ring: a bounded FIFO between any number of producer and consumer threads.
//
// Use when  several threads share a bounded backlog and the caller can cope with "full".
// Not when  there is one thread at each end (spsc_ring: several times faster) or no bound (mpsc_queue).
// Roles     every operation: any thread.
// Progress  no operation waits for another thread, but a thread stopped between taking its place and finishing hides
//           what stands behind its slot: pops answer empty, and pushes full a lap later, until it goes on. Not
//           lock-free in the strict sense, therefore.
// Cost      O(1), no allocation: one compare-exchange, one store. The slots lie in the object.
// Ordering  a push that answered ok happens-before the pop that takes its value. Strict FIFO by the order in which
//           places were taken; values of one producer keep their order.
// Close     after close() every try_push answers closed; pops hand out what was accepted, to the last value, and answer
//           closed only then, also when a push was under way.
// Lifetime  destroy it when no other thread can call it; values left in it are destroyed.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>  slots, all usable; N is a power of two   default 1024
//   policy::atomics<A>   the atomics model                        default atomics::standard
// Source    D. Vyukov, "Bounded MPMC queue", 2010; the turns, which allow capacity 1, as in E. Rigtorp's MPMCQueue.
#ifndef FRYS_QUEUE_MPMC_RING_HPP
#define FRYS_QUEUE_MPMC_RING_HPP

namespace frys::inline FRYS_ABI {

template <class T, class... Policies>
class mpmc_ring {
  using accepted = policy::keys<policy::capacity_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::mpmc_ring: unknown policy; it takes policy::capacity, policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::mpmc_ring: a policy is given twice; name each at most once");
  static_assert(queue_element<T>, "frys::mpmc_ring<T>: T must be an object type that moves and dies without throwing");

 public:
  using value_type = T;
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::mpmc_ring: policy::atomics wants an atomics model, see core/atomics.hpp");
  static constexpr std::size_t capacity = policy::pick<policy::capacity<1024>, Policies...>::value;
  static_assert(std::has_single_bit(capacity), "frys::mpmc_ring: policy::capacity must be a power of two");

  mpmc_ring() = default;
  mpmc_ring(const mpmc_ring&) = delete;
  mpmc_ring& operator=(const mpmc_ring&) = delete;
  ~mpmc_ring() {
    if constexpr (!std::is_trivially_destructible_v<T>)
      while (try_pop()) {
      }
  }

  // Any thread. On full and closed the value is untouched.
  push_result try_push(T&& value) noexcept { return try_emplace(std::move(value)); }
  push_result try_push(const T& value) noexcept requires std::is_nothrow_copy_constructible_v<T> {
    return try_emplace(value);
  }

  // Any thread. Builds T(args...) in its slot.
  template <class... Args>
  requires std::is_nothrow_constructible_v<T, Args...> push_result try_emplace(Args&&... args)
  noexcept {
    std::uint64_t at = tail_.load(std::memory_order_relaxed);  // relaxed: a first guess; the slot's turn decides
    for (;;) {
      if ((at & closed_bit) != 0) [[unlikely]]
        return push_result::closed;
      cell& c = cells_[at & mask];
      const std::uint64_t mine = turn_of(at);
      // sync(mpmc_ring.vacate): acquire; the old value is gone before we build over it. With relaxed our constructor's
      // writes could land ahead of the last consumer's reads.
      const std::uint64_t turn = c.turn.load(std::memory_order_acquire);
      if (turn == mine) {
        // relaxed, both: the place carries no data, the turn does.
        if (tail_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed, std::memory_order_relaxed)) {
          std::construct_at(&c.slot.value, std::forward<Args>(args)...);
          // sync(mpmc_ring.publish): release; the value is whole before a consumer can have it.
          c.turn.store(mine + 1, std::memory_order_release);
          return push_result::ok;
        }
      } else {
        const std::uint64_t now = tail_.load(std::memory_order_relaxed);  // relaxed: as the first guess
        // The slot still holds the value of a lap ago: full, unless our guess was an old one.
        if (now == at) return push_result::full;
        at = now;
      }
    }
  }

  // Any thread. Empty also while the push of the oldest value is under way.
  pop_result<T> try_pop() noexcept {
    std::uint64_t at = head_.load(std::memory_order_relaxed);  // relaxed: a first guess; the slot's turn decides
    for (;;) {
      cell& c = cells_[at & mask];
      const std::uint64_t mine = turn_of(at) + 1;
      // sync(mpmc_ring.publish): acquire; with relaxed we could read the slot before its value was written.
      const std::uint64_t turn = c.turn.load(std::memory_order_acquire);
      if (turn == mine) {
        // relaxed, both: the place carries no data, the turn does.
        if (head_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed, std::memory_order_relaxed)) {
          pop_result<T> out(std::in_place, std::move(c.slot.value));
          std::destroy_at(&c.slot.value);
          // sync(mpmc_ring.vacate): release; we are done with the slot before a producer can build over it.
          c.turn.store(mine + 1, std::memory_order_release);
          return out;
        }
      } else {
        const std::uint64_t now = head_.load(std::memory_order_relaxed);  // relaxed: as the first guess
        if (now == at) {
          // relaxed: with closed_bit the tail is final, and equal to our place: no value can be in front of us.
          return tail_.load(std::memory_order_relaxed) == (at | closed_bit) ? pop_status::closed : pop_status::empty;
        }
        at = now;
      }
    }
  }

  // Any thread; again is harmless. Freezes the tail: a push has its place already, or will not get one.
  void close() noexcept { tail_.fetch_or(closed_bit, std::memory_order_relaxed); }  // relaxed: carries no data
  // Any thread. Values may still come out.
  [[nodiscard]] bool is_closed() const noexcept {
    return (tail_.load(std::memory_order_relaxed) & closed_bit) != 0;  // relaxed: a flag
  }

  // Any thread. May be stale on return.
  [[nodiscard]] std::size_t size_hint() const noexcept {
    // relaxed, both: a number, not an order. Head first, so that it is never ahead of tail.
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed) & ~closed_bit;
    return (std::min)(static_cast<std::size_t>(tail - head), capacity);
  }

 private:
  template <class U>
  using atomic = typename atomics_type::template atomic<U>;
  static constexpr std::uint64_t closed_bit = std::uint64_t{1} << 63;
  static constexpr std::uint64_t mask = capacity - 1;
  static constexpr int lap_shift = std::countr_zero(capacity);

  // Even turns: free for the push of lap turn/2. Odd: holds that lap's value.
  struct cell {
    atomic<std::uint64_t> turn{0};
    detail::slot<T> slot;
  };
  static constexpr std::uint64_t turn_of(std::uint64_t at) noexcept { return (at >> lap_shift) * 2; }

  alignas(2 * cache_line) atomic<std::uint64_t> tail_{0};
  alignas(2 * cache_line) atomic<std::uint64_t> head_{0};
  alignas(2 * cache_line) cell cells_[capacity];
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_MPMC_RING_HPP
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
//           it. Values of one producer keep their order. What a thread did before close() happens-before what another
//           does after it has learnt of it (is_closed, a try_pop that answers closed).
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
    n->next.store(nullptr, std::memory_order_relaxed);  // relaxed: sync(mpsc_queue.last) publishes it
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
    // Freezes both ways to get a node. A push that has a node already was accepted, and the counters that stop here
    // tell the consumer how many of those it will see. relaxed: the second one publishes.
    free_.fetch_or(closed_bit, std::memory_order_relaxed);
    // sync(mpsc_queue.close): release; who learns that the queue is closed sees what its closer did before.
    fresh_.fetch_or(closed_bit, std::memory_order_release);
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
    // relaxed: who has the index knows the slab, by ensure_slab or by the free list's acquire.
    return slabs_[slab].load(std::memory_order_relaxed) + (index - slab_begin(slab));
  }

  // A node from the free list, else one that was never used.
  push_result take_node(node*& out) noexcept {
    // sync(mpsc_queue.free): acquire; the consumer has moved the old value out of the node before we build over it, and
    // we see where the node leads. With relaxed an old link could bring back a node that is in use.
    std::uint64_t head = free_.load(std::memory_order_acquire);
    for (;;) {
      if ((head & closed_bit) != 0) return push_result::closed;
      const std::uint32_t index = static_cast<std::uint32_t>(head);
      if (index == none) return take_fresh(out);
      node* n = at(index);
      // relaxed: if the node was taken in between, then the tag differs and this value is thrown away.
      const std::uint64_t next = n->free_next.load(std::memory_order_relaxed);
      const std::uint64_t wanted = ((head + tag_one) & tag_mask) | next;
      // sync(mpsc_queue.free): acquire, needed on failure only: what the exchange finds was acquired before. But g++ 12
      // wants the order of success to be no weaker.
      if (free_.compare_exchange_weak(head, wanted, std::memory_order_acquire, std::memory_order_acquire)) {
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
      // After this the push counts as accepted. relaxed, both: the index carries no data.
      if (fresh_.compare_exchange_weak(next, next + 1, std::memory_order_relaxed, std::memory_order_relaxed)) {
        out = at(index);
        out->index = static_cast<std::uint32_t>(index);
        return push_result::ok;
      }
    }
  }

  bool ensure_slab(unsigned slab) noexcept {
    if (slab >= slab_count) return false;
    // sync(mpsc_queue.slab): acquire; the slab's nodes are built before one is used.
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
    if (!slabs_[slab].compare_exchange_strong(other, nodes, std::memory_order_release, std::memory_order_acquire))
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
    // sync(mpsc_queue.close): acquire; see close(). relaxed: the counters are final when both bits are set.
    const std::uint64_t fresh = fresh_.load(std::memory_order_acquire);
    const std::uint64_t head = free_.load(std::memory_order_relaxed);
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
// ---- frys/queue/policies.hpp
// policies: models for the slots that queues alone have: how neighbours lie in memory, how often a side tells the
// other.
#ifndef FRYS_QUEUE_POLICIES_HPP
#define FRYS_QUEUE_POLICIES_HPP

namespace frys::inline FRYS_ABI {

// For policy::layout. A model maps the number of a place to its slot: `slot_of<Capacity, SlotSize>(place)`, one to one
// over places 0 .. Capacity - 1 for Capacity a power of two.
namespace layout {

// Neighbours lie side by side: one cache line brings several elements. The faster one for streams.
struct contiguous {
  template <std::size_t Capacity, std::size_t SlotSize>
  static constexpr std::size_t slot_of(std::size_t place) noexcept {
    return place & (Capacity - 1);
  }
};

// Neighbours lie on different cache lines, as far as there are enough of them: two threads that work at neighbours do
// not take each other's line away. The faster one for single messages to and fro.
struct scattered {
  template <std::size_t Capacity, std::size_t SlotSize>
  static constexpr std::size_t slot_of(std::size_t place) noexcept {
    constexpr std::size_t in_line = std::bit_floor(cache_line / (SlotSize < cache_line ? SlotSize : cache_line));
    constexpr std::size_t lines = Capacity / in_line;
    if constexpr (in_line < 2 || lines < 2)
      return place & (Capacity - 1);
    else
      return (place & (lines - 1)) * in_line + (place & (Capacity - 1)) / lines;
  }
};

}  // namespace layout

template <class L>
concept queue_layout = requires {
  { L::template slot_of<8, 8>(std::size_t{3}) } -> std::same_as<std::size_t>;
};

// For policy::publish: when a consumer tells the producer that slots are free.
namespace publish {

// At every pop. A ring with one free slot takes a push.
struct each {
  static constexpr std::size_t portion(std::size_t) noexcept { return 1; }
};
// At every quarter of the capacity, and when the consumer finds the ring empty: fewer cache lines travel. Up to a
// quarter of the slots may be free although a push answers full, until the consumer pops on.
struct lazy {
  static constexpr std::size_t portion(std::size_t capacity) noexcept { return capacity < 4 ? 1 : capacity / 4; }
};

}  // namespace publish

template <class P>
concept publish_rule = requires {
  { P::portion(std::size_t{8}) } -> std::same_as<std::size_t>;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_POLICIES_HPP
// ---- frys/queue/seqlock.hpp
// seqlock: one value of several words that few threads write and many read; readers write nothing.
//
// Use when  a small value (a configuration, a clock's parameters, a price) is read far more often than written.
// Not when  T owns something or is large (rcu_cell), every value must be seen (broadcast_ring), or the writer never
//           rests: readers then try again and again.
// Roles     load, try_load, stores: any thread. store, update: the writer; the role may move to another thread if
//           something orders the hand-over. Where several threads write, all of them use store_locked and update_locked
//           instead: these take the sequence's lowest bit as their lock.
// Progress  store, update and try_load are wait-free. load tries again while a store is under way: it waits for a
//           writer that was stopped half way. store_locked and update_locked wait for the writer that has the lock.
// Cost      load: 2 loads of the sequence and one of each word; no write, no read-modify-write, no fence instruction on
//           x86 (one on Arm). store: 2 stores and one of each word. The locked forms add one compare-exchange. Sequence
//           and value lie in one cache line if T has up to 56 bytes. Alone in memory only if you see to that
//           (cache_aligned).
// Ordering  what a thread did before the store happens-before what follows the load that has its value. Stores have one
//           order, and no thread sees it go back.
// Lifetime  destroy it when no other thread can call it.
//
// Policies:
//   policy::atomics<A>  the atomics model  default atomics::standard
// Source    C. Lameter, "Effective synchronization on Linux/NUMA systems", 2005; the orders: H.-J. Boehm, MSPC 2012.
#ifndef FRYS_QUEUE_SEQLOCK_HPP
#define FRYS_QUEUE_SEQLOCK_HPP

namespace frys::inline FRYS_ABI {

template <class T, class... Policies>
class seqlock {
  using accepted = policy::keys<policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::seqlock: unknown policy; it takes policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::seqlock: a policy is given twice; name each at most once");
  static_assert(std::is_trivially_copyable_v<T> && std::is_move_constructible_v<T>,
                "frys::seqlock<T>: T must be trivially copyable; for what owns something take rcu_cell");

 public:
  using value_type = T;
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::seqlock: policy::atomics wants an atomics model, see core/atomics.hpp");

 private:
  template <class U>
  using atomic = typename atomics_type::template atomic<U>;
  using words = detail::atomic_words<T, atomics_type>;
  using copy = typename words::copy;

 public:
  seqlock() noexcept requires std::is_nothrow_default_constructible_v<T> : seqlock(T{}) {}
  explicit seqlock(const T& value) noexcept { words_.store(value); }
  seqlock(const seqlock&) = delete;
  seqlock& operator=(const seqlock&) = delete;

  // Any thread. The newest value, whole.
  [[nodiscard]] T load() const noexcept {
    copy c;
    if (!copied(c)) [[unlikely]]
      c = when_free();
    return words::value(c);
  }
  // Any thread. False when each of `tries` looks met a store under way; then `into` is untouched.
  [[nodiscard]] bool try_load(T& into, unsigned tries = 1) const noexcept requires std::is_move_assignable_v<T> {
    copy c;
    for (; tries != 0; --tries) {
      if (copied(c)) {
        into = words::value(c);
        return true;
      }
      atomics_type::pause();
    }
    return false;
  }
  // Any thread. How many stores have been completed; may be stale on return.
  [[nodiscard]] std::uint64_t stores() const noexcept {
    return sequence_.load(std::memory_order_relaxed) / 2;  // relaxed: a number, not an order
  }

  // Writer only.
  void store(const T& value) noexcept {
    const std::uint64_t before = sequence_.load(std::memory_order_relaxed);  // relaxed: ours, nobody else writes it
    sequence_.store(before + 1, std::memory_order_relaxed);                  // relaxed: the fence in `write` orders it
    write(before, value);
  }
  // Writer only. f(value) changes a copy, which is then stored; if f throws, nothing is.
  template <class F>
  requires std::is_invocable_v<F&, T&>
  void update(F&& f) noexcept(std::is_nothrow_invocable_v<F&, T&>) {
    copy c;
    words_.load(c);
    T value = words::value(c);
    f(value);
    store(value);
  }

  // Any thread, if all writers use the locked forms.
  void store_locked(const T& value) noexcept {
    for (backoff<atomics_type> patience;; patience.pause()) {
      std::uint64_t before;
      if (free_at(before) && locked(before)) return write(before, value);
    }
  }
  // Any thread, if all writers use the locked forms. f(value) changes a copy, which is stored if nobody else has stored
  // meanwhile; otherwise f runs again, on the new value. f runs outside the lock; if it throws, nothing is stored.
  template <class F>
  requires std::is_invocable_v<F&, T&>
  void update_locked(F&& f) noexcept(std::is_nothrow_invocable_v<F&, T&>) {
    for (backoff<atomics_type> patience;; patience.pause()) {
      std::uint64_t before;
      copy c;
      if (!free_at(before) || !copied(c, before)) continue;
      T value = words::value(c);
      f(value);
      if (locked(before)) return write(before, value);
    }
  }

 private:
  // A copy that no store has touched.
  bool copied(copy& into) const noexcept {
    std::uint64_t before;
    return free_at(before) && copied(into, before);
  }
  bool free_at(std::uint64_t& sequence) const noexcept {
    // sync(seqlock.publish): acquire; the words are at least as new as the sequence. With relaxed we could see this
    // sequence twice and words of the value before it; and a writer's words could stand behind its predecessor's.
    sequence = sequence_.load(std::memory_order_acquire);
    return sequence % 2 == 0;
  }
  bool copied(copy& into, std::uint64_t before) const noexcept {
    words_.load(into);
    // sync(seqlock.begin): acquire fence; if a word was of a later store, the look below finds that store's odd
    // sequence. Without it the look may come ahead of the words.
    atomics_type::fence(std::memory_order_acquire);
    return sequence_.load(std::memory_order_relaxed) == before;  // relaxed: the fence above orders it
  }
  FRYS_NOINLINE copy when_free() const noexcept {
    copy c;
    backoff<atomics_type> patience;
    do {
      patience.pause();
    } while (!copied(c));
    return c;
  }

  bool locked(std::uint64_t before) noexcept {
    // relaxed, both: what the sequence at `before` has published is known from the look at it, and if this succeeds
    // nobody has stored since.
    return sequence_.compare_exchange_strong(before, before + 1, std::memory_order_relaxed, std::memory_order_relaxed);
  }
  // The sequence is odd, and ours.
  void write(std::uint64_t before, const T& value) noexcept {
    // sync(seqlock.begin): release fence; who sees one of our words sees the odd sequence. Without it words could come
    // ahead of it.
    atomics_type::fence(std::memory_order_release);
    words_.store(value);
    // sync(seqlock.publish): release; the words are there before the even sequence says so.
    sequence_.store(before + 2, std::memory_order_release);
  }

  static constexpr std::size_t bytes = sizeof(std::uint64_t) + sizeof(T);
  static constexpr std::size_t alignment = bytes >= cache_line ? cache_line : std::bit_ceil(bytes);

  // Odd while a store is under way. It does not wrap: 2^63 stores.
  alignas(alignment) atomic<std::uint64_t> sequence_{0};
  words words_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_SEQLOCK_HPP
// ---- frys/queue/detail/spsc_counted.hpp
// spsc_counted: spsc_ring with an index for each side, which the other side reads. For every T; elements lie in memory
// as they are, so spans can be handed out.
//
// Roles, progress, ordering: see ../spsc_ring.hpp, which derives from this.
#ifndef FRYS_QUEUE_DETAIL_SPSC_COUNTED_HPP
#define FRYS_QUEUE_DETAIL_SPSC_COUNTED_HPP

namespace frys::inline FRYS_ABI::detail {

template <class T, std::size_t Capacity, class Atomics, class Layout, class Publish>
class spsc_counted {
 public:
  using value_type = T;
  static constexpr std::size_t capacity = Capacity;
  // Whether neighbours lie side by side, as spans need it.
  static constexpr bool has_spans = std::is_same_v<Layout, layout::contiguous>;

  spsc_counted() = default;
  spsc_counted(const spsc_counted&) = delete;
  spsc_counted& operator=(const spsc_counted&) = delete;
  ~spsc_counted() {
    if constexpr (!std::is_trivially_destructible_v<T>)
      while (pop_front()) {
      }
  }

  // Producer only. On full and closed the value is untouched.
  push_result try_push(T&& value) noexcept { return try_emplace(std::move(value)); }
  push_result try_push(const T& value) noexcept requires std::is_nothrow_copy_constructible_v<T> {
    return try_emplace(value);
  }

  // Producer only. Builds T(args...) in its slot.
  template <class... Args>
  requires std::is_nothrow_constructible_v<T, Args...> push_result try_emplace(Args&&... args)
  noexcept {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);  // relaxed: ours, nobody else writes it
    if (tail - head_seen_ == capacity) [[unlikely]] {
      if (!look_for_room(tail)) return why_no_room();
    }
    if (closing_) [[unlikely]]
      return push_result::closed;
    std::construct_at(&at(tail), std::forward<Args>(args)...);
    // sync(spsc_ring.publish): release; the value is whole before the consumer can count it. With relaxed, an Arm
    // consumer may read the slot ahead of the constructor's writes.
    tail_.store(tail + 1, std::memory_order_release);
    return push_result::ok;
  }

  // Producer only. Moves in as many of `values` as there is room for, first to last, and answers how many: 0 when full
  // or closed.
  [[nodiscard]] std::size_t push_some(std::span<T> values) noexcept {
    if (closing_) return 0;
    const std::size_t tail = tail_.load(std::memory_order_relaxed);  // relaxed: ours
    const std::size_t count = (std::min)(values.size(), room(tail, values.size()));
    for (std::size_t i = 0; i < count; ++i) std::construct_at(&at(tail + i), std::move(values[i]));
    tail_.store(tail + count, std::memory_order_release);  // sync(spsc_ring.publish): release, as above
    return count;
  }

  // Producer only. Free slots in one piece, at most `most`, to be written and committed; empty when full or closed.
  // What is never written has no value, therefore only for trivial T. A ring's piece ends where its memory does: ask
  // again.
  [[nodiscard]] std::span<T> writable(std::size_t most = capacity) noexcept requires std::is_trivial_v<T> && has_spans {
    if (closing_) return {};
    const std::size_t tail = tail_.load(std::memory_order_relaxed);  // relaxed: ours
    const std::size_t in_piece = (std::min)(most, capacity - (tail & mask));
    return {&at(tail), (std::min)(in_piece, room(tail, in_piece))};
  }
  // Producer only. Publishes the first `count` elements of what writable answered.
  void commit(std::size_t count) noexcept requires std::is_trivial_v<T> && has_spans {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);  // relaxed: ours
    FRYS_ASSERT(count <= capacity - (tail - head_seen_), "spsc_ring::commit: more than writable answered");
    tail_.store(tail + count, std::memory_order_release);  // sync(spsc_ring.publish): release, as above
  }

  // Producer only. No more pushes; the consumer gets what is left.
  void close() noexcept {
    closing_ = true;
    // sync(spsc_ring.close): release; a consumer that sees it sees our last push too.
    closed_.store(true, std::memory_order_release);
  }

  // Consumer only.
  pop_result<T> try_pop() noexcept {
    const std::size_t head = this->head();
    if (head == tail_seen_) [[unlikely]] {
      if (!look_for_values(head)) return why_no_value();
    }
    T& value = at(head);
    pop_result<T> out(std::in_place, std::move(value));
    std::destroy_at(&value);
    vacate(head, head + 1);
    return out;
  }

  // Consumer only. Moves up to out.size() values to `out`, in order, and answers how many: 0 when there is none.
  [[nodiscard]] std::size_t pop_some(std::span<T> out) noexcept requires std::is_nothrow_move_assignable_v<T> {
    const std::size_t head = this->head();
    const std::size_t count = (std::min)(out.size(), values(head, out.size()));
    for (std::size_t i = 0; i < count; ++i) {
      T& value = at(head + i);
      out[i] = std::move(value);
      std::destroy_at(&value);
    }
    vacate(head, head + count);
    return count;
  }

  // Consumer only. The oldest value where it lies, or nullptr; it stays until pop_front.
  [[nodiscard]] T* front() noexcept {
    const std::size_t head = this->head();
    if (head == tail_seen_ && !look_for_values(head)) return nullptr;
    return &at(head);
  }
  // Consumer only. Destroys the oldest value; false if there is none.
  bool pop_front() noexcept {
    T* value = front();
    if (value == nullptr) return false;
    std::destroy_at(value);
    vacate(head(), head() + 1);
    return true;
  }

  // Consumer only. The oldest values in one piece, at most `most`, to be used where they lie and consumed; empty when
  // there is none. A ring's piece ends where its memory does: ask again.
  [[nodiscard]] std::span<T> readable(std::size_t most = capacity) noexcept requires has_spans {
    const std::size_t head = this->head();
    const std::size_t in_piece = (std::min)(most, capacity - (head & mask));
    return {&at(head), (std::min)(in_piece, values(head, in_piece))};
  }
  // Consumer only. Destroys the first `count` values of what readable answered.
  void consume(std::size_t count) noexcept requires has_spans {
    const std::size_t head = this->head();
    FRYS_ASSERT(count <= tail_seen_ - head, "spsc_ring::consume: more than readable answered");
    for (std::size_t i = 0; i < count; ++i) std::destroy_at(&at(head + i));
    vacate(head, head + count);
  }

  // Consumer only. Wants no more.
  void abandon() noexcept {
    abandoned_.store(true, std::memory_order_relaxed);  // relaxed: a flag that carries no data
  }

  // Consumer only. True if the producer closed and nothing is left.
  [[nodiscard]] bool is_drained() noexcept {
    const std::size_t head = this->head();
    return head == tail_seen_ && !look_for_values(head) && why_no_value() == pop_status::closed;
  }

  // Any thread. May be stale on return.
  [[nodiscard]] std::size_t size_hint() const noexcept {
    // relaxed, both: a number, not an order. Head first, so that it is never ahead of tail.
    const std::size_t head = head_.load(std::memory_order_relaxed);
    return (std::min)(tail_.load(std::memory_order_relaxed) - head, capacity);
  }

 private:
  template <class U>
  using atomic = typename Atomics::template atomic<U>;
  static constexpr std::size_t mask = capacity - 1;
  static constexpr std::size_t portion = Publish::portion(capacity);
  static constexpr bool lazy = portion > 1;

  T& at(std::size_t index) noexcept { return slots_[Layout::template slot_of<capacity, sizeof(slot<T>)>(index)].value; }
  // The consumer's place.
  [[nodiscard]] std::size_t head() const noexcept {
    if constexpr (lazy)
      return head_own_;
    else
      return head_.load(std::memory_order_relaxed);  // relaxed: ours, nobody else writes it
  }
  // The consumer has done with the slots before `to`.
  void vacate(std::size_t from, std::size_t to) noexcept {
    if constexpr (lazy) {
      head_own_ = to;
      if (((from ^ to) & ~(portion - 1)) == 0) return;  // still in the same portion
    } else {
      static_cast<void>(from);
    }
    // sync(spsc_ring.vacate): release; we are done with the slots before the producer can build over them.
    head_.store(to, std::memory_order_release);
  }
  // The consumer waits: the producer shall know all free slots.
  void tell() noexcept {
    if constexpr (lazy)
      // relaxed: ours. sync(spsc_ring.vacate): release, as above.
      if (head_.load(std::memory_order_relaxed) != head_own_) head_.store(head_own_, std::memory_order_release);
  }

  bool look_for_room(std::size_t tail) noexcept {
    // sync(spsc_ring.vacate): acquire; the old value is gone before we build over it.
    head_seen_ = head_.load(std::memory_order_acquire);
    return tail - head_seen_ != capacity;
  }
  bool look_for_values(std::size_t head) noexcept {
    // sync(spsc_ring.publish): acquire; with relaxed we could read a slot before its value was written.
    tail_seen_ = tail_.load(std::memory_order_acquire);
    if (head != tail_seen_) return true;
    tell();
    return false;
  }
  // Free slots; looks at the consumer's index only if our copy promises fewer than `wanted`.
  std::size_t room(std::size_t tail, std::size_t wanted) noexcept {
    if (capacity - (tail - head_seen_) < wanted) (void)look_for_room(tail);
    return capacity - (tail - head_seen_);
  }
  std::size_t values(std::size_t head, std::size_t wanted) noexcept {
    if (tail_seen_ - head < wanted) (void)look_for_values(head);
    return tail_seen_ - head;
  }

  FRYS_NOINLINE push_result why_no_room() noexcept {
    // relaxed: a flag that carries no data
    if (closing_ || abandoned_.load(std::memory_order_relaxed)) return push_result::closed;
    return push_result::full;
  }
  FRYS_NOINLINE pop_status why_no_value() noexcept {
    // sync(spsc_ring.close): acquire; then the tail that we read next is the last one.
    if (!closed_.load(std::memory_order_acquire)) return pop_status::empty;
    // A push may have come between the look and the close; the next try_pop takes it.
    return look_for_values(head()) ? pop_status::empty : pop_status::closed;
  }

  // Indices only grow; tail_ - head_ is the size, also when they wrap. Each side writes one line: its own index and the
  // last value it saw of the other's. Two lines apart, because cores fetch lines in pairs.
  alignas(2 * cache_line) atomic<std::size_t> tail_{0};
  std::size_t head_seen_ = 0;
  bool closing_ = false;  // the producer's own copy of closed_
  atomic<bool> closed_{false};
  alignas(2 * cache_line) atomic<std::size_t> head_{0};
  std::size_t head_own_ = 0;  // lazy: how far the consumer is
  std::size_t tail_seen_ = 0;
  atomic<bool> abandoned_{false};
  alignas(2 * cache_line) slot<T> slots_[capacity];
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_SPSC_COUNTED_HPP
// ---- frys/queue/detail/spsc_marked.hpp
// spsc_marked: spsc_ring for elements with a value that is never pushed: the slot itself says whether it is full, and
// no index travels. One cache line per message instead of two.
//
// Roles, progress, ordering: see ../spsc_ring.hpp, which derives from this.
// Source   J. Giacomoni, T. Moseley, M. Vachharajani, "FastForward for efficient pipeline parallelism", PPoPP 2008.
#ifndef FRYS_QUEUE_DETAIL_SPSC_MARKED_HPP
#define FRYS_QUEUE_DETAIL_SPSC_MARKED_HPP

namespace frys::inline FRYS_ABI::detail {

template <class T, std::size_t Capacity, class Atomics, class Layout, auto Niche>
class spsc_marked {
 public:
  using value_type = T;
  static constexpr std::size_t capacity = Capacity;
  static constexpr bool has_spans = false;

  spsc_marked() noexcept {
    // relaxed: nobody else is here yet
    for (auto& s : slots_) s.store(nothing, std::memory_order_relaxed);
  }
  spsc_marked(const spsc_marked&) = delete;
  spsc_marked& operator=(const spsc_marked&) = delete;

  // Producer only. On full and closed the value is untouched. The niche itself must not be pushed.
  push_result try_push(const T& value) noexcept { return try_emplace(value); }

  // Producer only. Builds T(args...) in its slot.
  template <class... Args>
  requires std::is_nothrow_constructible_v<T, Args...> push_result try_emplace(Args&&... args)
  noexcept {
    const T value(std::forward<Args>(args)...);
    FRYS_ASSERT(value != nothing, "spsc_ring: the value of policy::niche was pushed; it means an empty slot");
    const std::size_t tail = tail_.load(std::memory_order_relaxed);  // relaxed: ours, nobody else writes it
    atomic<T>& s = at(tail);
    // sync(spsc_marked.vacate): acquire; what the consumer did with the element before is done.
    if (s.load(std::memory_order_acquire) != nothing) [[unlikely]]
      return why_no_room();
    if (closing_) [[unlikely]]
      return push_result::closed;
    // sync(spsc_marked.publish): release; what we did before comes with the element.
    s.store(value, std::memory_order_release);
    tail_.store(tail + 1, std::memory_order_relaxed);  // relaxed: for us and for size_hint
    return push_result::ok;
  }

  // Producer only. Pushes as many of `values` as there is room for, first to last, and answers how many: 0 when full or
  // closed.
  [[nodiscard]] std::size_t push_some(std::span<T> values) noexcept {
    std::size_t count = 0;
    while (count < values.size() && try_emplace(values[count])) ++count;
    return count;
  }

  // Producer only. No more pushes; the consumer gets what is left.
  void close() noexcept {
    closing_ = true;
    // sync(spsc_marked.close): release; a consumer that sees it sees our last push too.
    closed_.store(true, std::memory_order_release);
  }

  // Consumer only.
  pop_result<T> try_pop() noexcept {
    const std::size_t head = head_.load(std::memory_order_relaxed);  // relaxed: ours, nobody else writes it
    atomic<T>& s = at(head);
    // sync(spsc_marked.publish): acquire; what the producer did before its push comes with the element.
    const T value = s.load(std::memory_order_acquire);
    if (value == nothing) [[unlikely]]
      return why_no_value();
    // sync(spsc_marked.vacate): release; what we did before is done when the producer finds the slot free.
    s.store(nothing, std::memory_order_release);
    head_.store(head + 1, std::memory_order_relaxed);  // relaxed: for us and for size_hint
    return pop_result<T>(std::in_place, value);
  }

  // Consumer only. Copies up to out.size() values to `out`, in order, and answers how many: 0 when there is none.
  [[nodiscard]] std::size_t pop_some(std::span<T> out) noexcept {
    std::size_t count = 0;
    for (; count < out.size(); ++count) {
      auto got = try_pop();
      if (!got) break;
      out[count] = *got;
    }
    return count;
  }

  // Consumer only. The oldest value, in a place that is the consumer's until pop_front, or nullptr.
  [[nodiscard]] T* front() noexcept {
    // relaxed: ours. sync(spsc_marked.publish): acquire, as above.
    front_ = at(head_.load(std::memory_order_relaxed)).load(std::memory_order_acquire);
    return front_ == nothing ? nullptr : &front_;
  }
  // Consumer only. Takes the oldest value away; false if there is none.
  bool pop_front() noexcept { return static_cast<bool>(try_pop()); }

  // Consumer only. Wants no more.
  void abandon() noexcept {
    abandoned_.store(true, std::memory_order_relaxed);  // relaxed: a flag that carries no data
  }

  // Consumer only. True if the producer closed and nothing is left.
  [[nodiscard]] bool is_drained() noexcept { return front() == nullptr && why_no_value() == pop_status::closed; }

  // Any thread. May be stale on return.
  [[nodiscard]] std::size_t size_hint() const noexcept {
    // relaxed, both: a number, not an order.
    const std::size_t head = head_.load(std::memory_order_relaxed);
    const std::size_t size = tail_.load(std::memory_order_relaxed) - head;
    return size <= capacity ? size : size > capacity * 2 ? 0 : capacity;  // the two were not read at one time
  }

 private:
  template <class U>
  using atomic = typename Atomics::template atomic<U>;
  static constexpr T nothing = static_cast<T>(Niche);

  atomic<T>& at(std::size_t index) noexcept {
    return slots_[Layout::template slot_of<capacity, sizeof(atomic<T>)>(index)];
  }
  FRYS_NOINLINE push_result why_no_room() noexcept {
    // relaxed: a flag that carries no data
    if (closing_ || abandoned_.load(std::memory_order_relaxed)) return push_result::closed;
    return push_result::full;
  }
  FRYS_NOINLINE pop_status why_no_value() noexcept {
    // sync(spsc_marked.close): acquire; then the slot that we read next is as the last push left it.
    if (!closed_.load(std::memory_order_acquire)) return pop_status::empty;
    // A push may have come between the look and the close; the next try_pop takes it.
    return front() != nullptr ? pop_status::empty : pop_status::closed;
  }

  // Each side's own line, which the other side does not read, but for size_hint and the flags.
  alignas(2 * cache_line) atomic<std::size_t> tail_{0};
  bool closing_ = false;  // the producer's own copy of closed_
  atomic<bool> closed_{false};
  alignas(2 * cache_line) atomic<std::size_t> head_{0};
  T front_ = nothing;
  atomic<bool> abandoned_{false};
  alignas(2 * cache_line) atomic<T> slots_[capacity];
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_SPSC_MARKED_HPP
// ---- frys/queue/spsc_ring.hpp
// spsc_ring: a bounded FIFO from one producer thread to one consumer thread.
//
// Use when  one thread feeds one other and the caller can cope with "full".
// Not when  either end has more threads (mpmc_ring, mpsc_queue) or the backlog has no bound (mpsc_queue).
// Roles     try_push, try_emplace, push_some, writable, commit, close: the producer. try_pop, pop_some, front,
// pop_front,
//           readable, consume, abandon: the consumer. size_hint: any thread. The roles may move to other threads if
//           something orders the hand-over.
// Progress  all operations are wait-free.
// Cost      O(1), no allocation; reads the other side's index only when our copy of it says full or empty. The slots
//           lie in the object. Spans and bulk forms publish once for many elements: several times faster.
// Ordering  a push that answered ok happens-before the pop that takes its value; a pop happens-before the push that
//           builds over its slot.
// Close     close(): the producer has finished; the consumer takes what is left, then gets closed. abandon(): the
// consumer
//           wants no more; the producer gets closed at the latest when the ring is full.
// Lifetime  destroy it after both threads have stopped using it; values left in it are destroyed.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>  slots, all usable; N is a power of two   default 1024
//   policy::atomics<A>   the atomics model                        default atomics::standard
//   policy::niche<V>     a value that is never pushed: the slots themselves then say whether they are full, and no
//   index
//                        travels. T: trivially copyable, up to 8 bytes. No spans.   default none
//   policy::layout<L>    layout::contiguous, or layout::scattered for the least time to and fro (no spans)
//   policy::publish<P>   publish::each, or publish::lazy: the consumer tells in portions (not with a niche)
// Presets   low_latency_ring<T, V, N>: niche and scattered. high_throughput_ring<T, N>: lazy.
// Source    L. Lamport, TOPLAS 5(2), 1983; cached indices: P. Lee, T. Bu, G. Chandranmenon, IPDPS 2010; niche: J.
//           Giacomoni, T. Moseley, M. Vachharajani, PPoPP 2008.
#ifndef FRYS_QUEUE_SPSC_RING_HPP
#define FRYS_QUEUE_SPSC_RING_HPP

namespace frys::inline FRYS_ABI {

namespace detail {

struct no_niche {
  using key = policy::niche_key;
  static constexpr std::nullptr_t value = nullptr;
};

// Refuses what does not fit, and chooses the ring.
template <class T, class... Policies>
struct spsc_parts {
  using accepted = policy::keys<policy::capacity_key, policy::atomics_key, policy::niche_key, policy::layout_key,
                                policy::publish_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::spsc_ring: unknown policy; it takes policy::capacity, policy::atomics, policy::niche, "
                "policy::layout, policy::publish and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::spsc_ring: a policy is given twice; name each at most once");
  static_assert(queue_element<T>, "frys::spsc_ring<T>: T must be an object type that moves and dies without throwing");

  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::spsc_ring: policy::atomics wants an atomics model, see core/atomics.hpp");
  static constexpr std::size_t capacity = policy::pick<policy::capacity<1024>, Policies...>::value;
  static_assert(std::has_single_bit(capacity), "frys::spsc_ring: policy::capacity must be a power of two");
  using layout_type = typename policy::pick<policy::layout<layout::contiguous>, Policies...>::type;
  static_assert(queue_layout<layout_type>, "frys::spsc_ring: policy::layout wants a layout, see queue/policies.hpp");
  using publish_type = typename policy::pick<policy::publish<publish::each>, Policies...>::type;
  static_assert(publish_rule<publish_type>,
                "frys::spsc_ring: policy::publish wants publish::each or publish::lazy, see queue/policies.hpp");
  using niche = policy::pick<no_niche, Policies...>;
  static constexpr bool has_niche = !std::is_same_v<niche, no_niche>;
  static_assert(!has_niche || (std::is_trivially_copyable_v<T> && sizeof(T) <= 8),
                "frys::spsc_ring: policy::niche wants a trivially copyable T of 8 bytes at most");
  static_assert(!has_niche || std::is_same_v<publish_type, publish::each>,
                "frys::spsc_ring: policy::publish has no meaning with policy::niche; leave one of them out");

  static auto choose() {
    if constexpr (has_niche)
      return std::type_identity<spsc_marked<T, capacity, atomics_type, layout_type, niche::value>>{};
    else
      return std::type_identity<spsc_counted<T, capacity, atomics_type, layout_type, publish_type>>{};
  }
  using type = typename decltype(choose())::type;
};

}  // namespace detail

template <class T, class... Policies>
class spsc_ring : public detail::spsc_parts<T, Policies...>::type {
 public:
  using atomics_type = typename detail::spsc_parts<T, Policies...>::atomics_type;
};

// The least time to and fro: one cache line for each message. `Niche` is never pushed.
template <class T, auto Niche, std::size_t Capacity = 1024>
using low_latency_ring =
    spsc_ring<T, policy::capacity<Capacity>, policy::niche<Niche>, policy::layout<layout::scattered>>;
// The most elements in a second, for every T.
template <class T, std::size_t Capacity = 1024>
using high_throughput_ring = spsc_ring<T, policy::capacity<Capacity>, policy::publish<publish::lazy>>;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_SPSC_RING_HPP
// ---- frys/queue/detail/deque_slots.hpp
// deque_slots: where a stealing_deque's values lie: one round of slots in the object, or rounds of pages that double.
//
// Indices  grow; index i lies in slot i modulo the round's size. A round is cut into eight blocks (of one slot each in
//          a round of fewer than eight), and each block counts the values that thieves have carried away from it. Every
//          index that thieves pass is carried away once, so the count says whether a block is free for the next lap.
#ifndef FRYS_QUEUE_DETAIL_DEQUE_SLOTS_HPP
#define FRYS_QUEUE_DETAIL_DEQUE_SLOTS_HPP

namespace frys::inline FRYS_ABI::detail {

inline constexpr unsigned deque_blocks = 8;

// How many values of each block thieves have carried away, in all laps, modulo 2^32.
template <class Atomics>
struct deque_block_counts {
  typename Atomics::template atomic<std::uint32_t> count[deque_blocks] = {};

  // Thief: has finished with `n` slots from `first` on.
  void vacate(std::uint64_t first, std::uint64_t n, std::uint64_t mask, unsigned block_shift) noexcept {
    const std::uint64_t block = std::uint64_t{1} << block_shift;
    while (n != 0) {
      const std::uint64_t here = (std::min)(n, block - (first & (block - 1)));
      // sync(stealing_deque.vacate): release; our moves out of these slots are done before the owner builds over them.
      count[(first & mask) >> block_shift].fetch_add(static_cast<std::uint32_t>(here), std::memory_order_release);
      first += here;
      n -= here;
    }
  }
  // Owner: all that lay in the block of index `at` a lap ago has been carried away.
  [[nodiscard]] bool is_free(std::uint64_t at, std::uint64_t mask, unsigned lap_shift,
                             unsigned block_shift) const noexcept {
    // sync(stealing_deque.vacate): acquire; the old values are gone before we build over them.
    return count[(at & mask) >> block_shift].load(std::memory_order_acquire) ==
           static_cast<std::uint32_t>((at >> lap_shift) << block_shift);
  }
};

// N slots in the object.
template <class T, class Atomics, std::size_t N>
class fixed_deque_slots {
  static constexpr std::uint64_t mask = N - 1;
  static constexpr unsigned lap_shift = static_cast<unsigned>(std::countr_zero(N));
  static constexpr unsigned block_shift = N > deque_blocks ? lap_shift - 3 : 0;

 public:
  static constexpr bool grows = false;
  static constexpr unsigned index_bits = lap_shift + 1;  // tells N values from none
  static constexpr unsigned round_bits = 0;
  static constexpr std::uint64_t first_room = N;

  class round {
   public:
    T& at(std::uint64_t i) noexcept { return slots_[i & mask].value; }
    void vacate(std::uint64_t first, std::uint64_t n) noexcept { counts_.vacate(first, n, mask, block_shift); }
    [[nodiscard]] bool is_free(std::uint64_t i) const noexcept {
      return counts_.is_free(i, mask, lap_shift, block_shift);
    }
    static constexpr std::uint64_t block = std::uint64_t{1} << block_shift;

   private:
    alignas(2 * cache_line) deque_block_counts<Atomics> counts_;
    alignas(2 * cache_line) slot<T> slots_[N];
  };

  T& own(std::uint64_t i) noexcept { return round_.at(i); }
  round& current() noexcept { return round_; }
  round& of(unsigned) noexcept { return round_; }

 private:
  round round_;
};

// Rounds of pages. Those that were outgrown stay until the end, since a thief may still carry a value away: twice the
// memory of the largest, at most.
template <class T, class Atomics, class Pages, std::size_t FirstBytes>
class growing_deque_slots {
 public:
  static constexpr bool grows = true;
  static constexpr unsigned index_bits = 28;
  static constexpr unsigned round_bits = 7;
  static constexpr std::uint64_t first_room = 0;

  // The head of its memory; the slots lie behind it.
  class round {
   public:
    round(byte_span pages, unsigned shift) noexcept
        : memory(pages),
          capacity(std::uint64_t{1} << shift),
          block(std::uint64_t{1} << block_shift_of(shift)),
          lap_shift_(shift),
          block_shift_(block_shift_of(shift)) {}

    T& at(std::uint64_t i) noexcept { return first()[i & (capacity - 1)].value; }
    void vacate(std::uint64_t from, std::uint64_t n) noexcept { counts_.vacate(from, n, capacity - 1, block_shift_); }
    [[nodiscard]] bool is_free(std::uint64_t i) const noexcept {
      return counts_.is_free(i, capacity - 1, lap_shift_, block_shift_);
    }
    slot<T>* first() noexcept {
      return std::launder(reinterpret_cast<slot<T>*>(reinterpret_cast<std::byte*>(this) + header));
    }

    const byte_span memory;
    const std::uint64_t capacity;
    const std::uint64_t block;

   private:
    static constexpr unsigned block_shift_of(unsigned shift) noexcept { return shift > 3 ? shift - 3 : 0; }

    unsigned lap_shift_, block_shift_;
    alignas(cache_line) deque_block_counts<Atomics> counts_;
  };

  growing_deque_slots() = default;
  growing_deque_slots(const growing_deque_slots&) = delete;
  growing_deque_slots& operator=(const growing_deque_slots&) = delete;
  ~growing_deque_slots() {
    for (unsigned i = 0; i < made_; ++i) Pages::release(rounds_[i].get()->memory);
  }

  // Owner only, once there is a round: a value of the current one. By our own copies: its header is one load further.
  T& own(std::uint64_t i) noexcept { return own_slots_[i & own_mask_].value; }
  round& current() noexcept { return *current_; }
  [[nodiscard]] bool has_round() const noexcept { return current_ != nullptr; }
  // The number of the current one.
  [[nodiscard]] unsigned number() const noexcept { return made_ - 1; }
  // Any thread that has acquired the number.
  round& of(unsigned number) noexcept { return *rounds_[number].get(); }

  // Owner only. A round of twice the size, or nullptr if that is too large or the source refuses. Not yet in use.
  round* make_larger() noexcept {
    const unsigned shift = first_shift + made_;
    if (shift > most_shift) return nullptr;
    result<byte_span> memory = Pages::allocate(header + (sizeof(slot<T>) << shift));
    if (!memory) return nullptr;
    round* made = std::construct_at(reinterpret_cast<round*>(memory->data()), *memory, shift);
    auto* slots = reinterpret_cast<slot<T>*>(memory->data() + header);
    for (std::size_t i = 0; i < made->capacity; ++i) std::construct_at(slots + i);  // does nothing, touches nothing
    return made;
  }
  // Owner only. `larger` is the current one from now on.
  void use(round* larger) noexcept {
    rounds_[made_++].ref() = larger;
    current_ = larger;
    own_slots_ = larger->first();
    own_mask_ = larger->capacity - 1;
  }

 private:
  static constexpr std::size_t alignment = (std::max)(alignof(slot<T>), alignof(round));
  static constexpr std::size_t header = (sizeof(round) + alignment - 1) / alignment * alignment;
  static constexpr std::size_t first_count =
      (std::max)(std::size_t{2}, FirstBytes > header ? (FirstBytes - header) / sizeof(slot<T>) : 0);
  static constexpr unsigned first_shift = static_cast<unsigned>(std::bit_width(first_count)) - 1;
  static constexpr unsigned most_shift = index_bits - 1;
  static_assert(first_shift <= most_shift,
                "frys::stealing_deque: policy::chunk_size is beyond 2^27 values; name a smaller one");

  slot<T>* own_slots_ = nullptr;
  std::uint64_t own_mask_ = 0;
  round* current_ = nullptr;
  unsigned made_ = 0;
  // Written before the word that tells thieves the number; never again.
  alignas(cache_line) typename Atomics::template var<round*> rounds_[most_shift + 1] = {};
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_DEQUE_SLOTS_HPP
// ---- frys/queue/stealing_deque.hpp
// stealing_deque: a stack of one thread, from whose far end other threads may steal.
//
// Use when  each worker keeps its own work, newest first, and workers that have none take from others, oldest first.
// Not when  the work belongs to nobody (mpmc_ring), or goes one way (spsc_ring, mpsc_queue).
// Roles     owner(): a handle for the one thread that pushes and pops. thief(): a handle for anybody. An operation of
//           the other role does not compile. The owner's role may move to another thread if something orders the
//           hand-over.
// Progress  push and pop are wait-free: they try again once per value stolen meanwhile, at most. (A push that grows
//           moves all values.) Stealing is lock-free: who loses a race tries again, and somebody has won it. A thief
//           stopped in the middle of a steal keeps what it has claimed, and its eighth of the slots: a fixed deque may
//           then answer full a lap later, a growing one grows.
// Cost      push and pop: O(1); no read-modify-write, no fence, one load of a line that hardly ever changes. When the
//           owner's own part is used up, a compare-exchange for half of the rest. A steal, of one value or of many: one
//           compare-exchange and a fetch_add for each eighth of the slots that it touches.
// Two parts the older values are shared, the newer ones the owner's own: a deque whose last value can be stolen at any
//           time needs a fence or a read-modify-write in each pop (H. Attiya et al., POPL 2011). When nothing is
//           shared, the owner's next push shares half of what was its own before, and its next pop half of what is
//           left, a value at least. So a value alone stays the owner's until a push or pop behind it. share() gives all
//           away at once: call it before a long piece of work.
// Ordering  linearizable as a deque: pop takes the newest value and answers empty only when there is none; a steal
//           takes the oldest. Relaxed in one place: a steal that answers empty says that nothing was shared. What the
//           owner did before a push, and before close(), happens-before what a thief does that has the value, or
//           closed.
// Close     close(): the owner pushes no more; all that is left is shared; pops and steals hand it out, then answer
//           closed. Closed is told when nothing is left to take.
// Lifetime  destroy it when no other thread can call it; values left in it are destroyed. No handle may outlive it.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>    N slots in the object, a power of two; a full deque answers full.      default: it grows
//                          After steals up to an eighth of the slots may wait for the rest of their block.
//   policy::pages<P>       where a growing one has its memory from                                default heap_pages
//   policy::chunk_size<N>  bytes of a growing one's first memory; it doubles from there           default 4096
//   policy::atomics<A>     the atomics model                                                      default standard
// Source    the split: T. van Dijk, J. van de Pol, "Lace", Euro-Par 2014 workshops; U. Acar, A. Chargueraud, M. Rainey,
//           "Scheduling parallel programs by work stealing with private deques", PPoPP 2013. Blocks that count what was
//           carried away: J. Wang et al., "BWoS", OSDI 2023. Here both borders stand in one word, so that a claim needs
//           no fence; and a value is read after its claim: no tag against ABA, and any element type.
#ifndef FRYS_QUEUE_STEALING_DEQUE_HPP
#define FRYS_QUEUE_STEALING_DEQUE_HPP

namespace frys::inline FRYS_ABI {

template <class T, class... Policies>
class stealing_deque {
  using accepted = policy::keys<policy::capacity_key, policy::pages_key, policy::chunk_size_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::stealing_deque: unknown policy; it takes policy::capacity, policy::pages, policy::chunk_size, "
                "policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::stealing_deque: a policy is given twice; name each at most once");
  static_assert(queue_element<T>,
                "frys::stealing_deque<T>: T must be an object type that moves and dies without throwing");
  static_assert(alignof(T) <= page_size, "frys::stealing_deque<T>: T must not be aligned beyond a page (4096 bytes)");

 public:
  using value_type = T;
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using pages_type = typename policy::pick<policy::pages<heap_pages>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::stealing_deque: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(page_source<pages_type>,
                "frys::stealing_deque: policy::pages wants a page source, see core/concepts.hpp");
  // 0: it grows.
  static constexpr std::size_t capacity = policy::pick<policy::capacity<0>, Policies...>::value;
  static_assert(capacity == 0 || std::has_single_bit(capacity),
                "frys::stealing_deque: policy::capacity must be a power of two");
  static_assert(
      capacity == 0 || (std::is_void_v<typename policy::detail::find<policy::pages_key, Policies...>::type> &&
                        std::is_void_v<typename policy::detail::find<policy::chunk_size_key, Policies...>::type>),
      "frys::stealing_deque: policy::capacity puts the slots into the object; it goes without policy::pages and "
      "policy::chunk_size");
  static_assert(capacity <= std::size_t{1} << 30, "frys::stealing_deque: policy::capacity is 2^30 at most");

  class owner_type;
  class thief_type;

  stealing_deque() = default;
  stealing_deque(const stealing_deque&) = delete;
  stealing_deque& operator=(const stealing_deque&) = delete;
  ~stealing_deque() {
    if constexpr (!std::is_trivially_destructible_v<T>)
      while (pop()) {
      }
  }

  // The one owner's handle; the next only after the last has died, ordered by the caller.
  [[nodiscard]] owner_type owner() noexcept { return owner_type(*this); }
  // Any thread. As many as you like; they may be copied.
  [[nodiscard]] thief_type thief() noexcept { return thief_type(*this); }

  // What the owner may do. Moves, does not copy; one thread at a time.
  class owner_type {
   public:
    owner_type(owner_type&& other) noexcept : deque_(std::exchange(other.deque_, nullptr)) {}
    owner_type& operator=(owner_type&& other) noexcept {
      std::swap(deque_, other.deque_);
      return *this;
    }
    ~owner_type() {
      if (deque_ != nullptr) deque_->end_owner();
    }

    // At the newest end. On full (a fixed deque has no room, or the memory source refused) and closed the value is
    // untouched.
    push_result try_push(T&& value) noexcept { return deque_->emplace(std::move(value)); }
    push_result try_push(const T& value) noexcept requires std::is_nothrow_copy_constructible_v<T> {
      return deque_->emplace(value);
    }
    // Builds T(args...) in its slot.
    template <class... Args>
    requires std::is_nothrow_constructible_v<T, Args...> push_result try_emplace(Args&&... args)
    noexcept { return deque_->emplace(std::forward<Args>(args)...); }
    // Moves in as many of `values` as there is room for, the last one becoming the newest, and answers how many.
    [[nodiscard]] std::size_t push_some(std::span<T> values) noexcept { return deque_->push_some(values); }

    // The newest value.
    pop_result<T> try_pop() noexcept { return deque_->pop(); }

    // From now until the next pop, thieves can have all that is in the deque.
    void share() noexcept { deque_->share(); }
    // No more pushes; shares all. Again is harmless.
    void close() noexcept { deque_->close(); }

    // Values in the deque; a thief may be taking one.
    [[nodiscard]] std::size_t size() const noexcept { return deque_->size(); }

   private:
    friend class stealing_deque;
    explicit owner_type(stealing_deque& d) noexcept : deque_(&d) { d.begin_owner(); }
    stealing_deque* deque_;
  };

  // What anybody may do, the owner too. A pointer; the same one may be used by several threads.
  class thief_type {
   public:
    // The oldest value. Empty: nothing is shared, or all has been claimed.
    pop_result<T> try_steal() const noexcept { return deque_->steal(); }
    // Moves the older half (rounded up) of what is shared, out.size() values at most, to `out`, oldest first, and
    // answers how many; all of them by one claim.
    [[nodiscard]] std::size_t steal_batch(
        std::span<T> out) const noexcept requires std::is_nothrow_move_assignable_v<T> {
      return deque_->steal_to(out);
    }
    // The same, to the newest end of another deque by its owner: `most` values, as far as there is room.
    [[nodiscard]] std::size_t steal_batch(owner_type& to, std::size_t most = 32) const noexcept {
      return deque_->steal_to(*to.deque_, most);
    }

    // True once it is closed and nothing is left to take.
    [[nodiscard]] bool is_drained() const noexcept { return deque_->is_drained(); }
    // How many values are shared; may be stale on return.
    [[nodiscard]] std::size_t size_hint() const noexcept { return deque_->shared_now(); }

   private:
    friend class stealing_deque;
    explicit thief_type(stealing_deque& d) noexcept : deque_(&d) {}
    stealing_deque* deque_;
  };

 private:
  template <class U>
  using atomic = typename atomics_type::template atomic<U>;
  using slots_type =
      std::conditional_t<capacity != 0, detail::fixed_deque_slots<T, atomics_type, capacity>,
                         detail::growing_deque_slots<T, atomics_type, pages_type,
                                                     policy::pick<policy::chunk_size<4096>, Policies...>::value>>;
  using round = typename slots_type::round;
  using index = std::uint64_t;

  // Both borders of the shared part, top (the oldest value) below and split above it, modulo twice the most values; the
  // number of the round; closed_bit. Thieves move top, the owner the rest. That a word may come back is harmless: it
  // says all there is to say, and slots are read after the claim.
  static constexpr unsigned bits = slots_type::index_bits;
  using word = std::conditional_t < 2 * bits + slots_type::round_bits<32, std::uint32_t, std::uint64_t>;
  static_assert(2 * bits + slots_type::round_bits < 8 * sizeof(word));
  static constexpr word closed_bit = word{1} << (8 * sizeof(word) - 1);
  static constexpr word index_mask = (word{1} << bits) - 1;
  static constexpr word round_mask = (word{1} << slots_type::round_bits) - 1;

  static constexpr word top_of(word w) noexcept { return w & index_mask; }
  static constexpr word shared_in(word w) noexcept { return ((w >> bits) - w) & index_mask; }
  static constexpr unsigned round_of(word w) noexcept { return static_cast<unsigned>((w >> (2 * bits)) & round_mask); }
  static constexpr word with_top_moved(word w, word by) noexcept { return (w & ~index_mask) | ((w + by) & index_mask); }
  static constexpr word with_split(word w, index split) noexcept {
    return (w & ~(index_mask << bits)) | ((static_cast<word>(split) & index_mask) << bits);
  }

  // ---- the owner

  void begin_owner() noexcept {
#if FRYS_HARDENED
    // relaxed: a check of the caller, not an order
    FRYS_ASSERT(!owned_.exchange(true, std::memory_order_relaxed), "stealing_deque::owner: there is an owner already");
#endif
  }
  void end_owner() noexcept {
#if FRYS_HARDENED
    owned_.store(false, std::memory_order_relaxed);  // relaxed: as above
#endif
  }

  template <class... Args>
  push_result emplace(Args&&... args) noexcept {
    // relaxed: a post, not an order; what is shared is published by the word
    index b = bottom_;
    if (b >= limit_.load(std::memory_order_relaxed)) [[unlikely]] {
      if (const push_result got = before_push(); !got) return got;
      b = bottom_;
    }
    std::construct_at(&slots_.own(b), std::forward<Args>(args)...);
    bottom_ = b + 1;
    return push_result::ok;
  }

  pop_result<T> pop() noexcept {
    const index b = bottom_;
    if (b <= floor_.load(std::memory_order_relaxed)) [[unlikely]]  // relaxed: as in emplace
      return slow_pop();
    return take(b - 1);
  }

  // b: bottom_ - 1, read before the atomic, since compilers read it again behind one.
  pop_result<T> take(index b) noexcept {
    T& value = slots_.own(b);
    pop_result<T> out(std::in_place, std::move(value));
    std::destroy_at(&value);
    bottom_ = b;
    return out;
  }

  std::size_t push_some(std::span<T> values) noexcept {
    std::size_t done = 0;
    while (done < values.size()) {
      if (bottom_ >= room_ && !make_room()) break;
      const index b = bottom_;
      const index count = (std::min)(static_cast<index>(values.size() - done), room_ - b);
      for (index i = 0; i < count; ++i)
        std::construct_at(&slots_.own(b + i), std::move(values[done + static_cast<std::size_t>(i)]));
      bottom_ = b + count;
      done += static_cast<std::size_t>(count);
    }
    if (done != 0) settle_if_past_limit();
    return done;
  }
  void settle_if_past_limit() noexcept {
    if (bottom_ > limit_.load(std::memory_order_relaxed)) settle(bottom_ - 1);  // relaxed: as in emplace
  }

  // bottom_ has reached limit_: no room, or nothing is shared.
  FRYS_NOINLINE push_result before_push() noexcept {
    if (bottom_ >= room_) {
      if (const push_result got = make_room(); !got) {
        // relaxed: as in emplace. Who pushes again until there is room must let thieves make it.
        if (got.is_full() && limit_.load(std::memory_order_relaxed) != room_) settle(bottom_);
        return got;
      }
    }
    settle(bottom_);
    return push_result::ok;
  }

  // bottom_ is at floor_ or below: the owner's part is used up, or nothing is shared.
  FRYS_NOINLINE pop_result<T> slow_pop() noexcept {
    if (bottom_ == split_) {
      if (const pop_status got = take_back(); got != pop_status::value) return got;
      return take(bottom_ - 1);
    }
    pop_result<T> out = take(bottom_ - 1);
    settle(bottom_);
    return out;
  }

  // Where the owner's fast path ends. Always before the word is written: a thief that empties a part which we shared
  // has acquired our word, so that its hint stands and not this. relaxed, both: that is the order.
  void post(bool some_shared, index split) noexcept {
    limit_.store(some_shared ? room_ : (std::min)(split + 1, room_), std::memory_order_relaxed);
    floor_.store(split, std::memory_order_relaxed);
  }
  // Any thread: nothing is shared, the owner should think of it.
  void hint() noexcept {
    limit_.store(0, std::memory_order_relaxed);  // relaxed, both: see post
    floor_.store(~index{0}, std::memory_order_relaxed);
  }

  // The owner thinks: shares half of its own part up to `end`, if there is one. Most often nothing is shared now; where
  // a hint came late something is, and then it is written all the same, so that no other hint is lost.
  void settle(index end) noexcept {
    const index more = (end - split_ + 1) / 2;
    word w = word_.load(std::memory_order_relaxed);  // relaxed: if it says empty, then it is the last: ours
    while (shared_in(w) != 0) {
      post(true, split_ + more);
      // sync(stealing_deque.share): release; the values are whole before a thief can claim them, and the round is
      // there. relaxed: on failure another guess
      if (word_.compare_exchange_weak(w, with_split(w, split_ + more), std::memory_order_release,
                                      std::memory_order_relaxed)) {
        split_ += more;
        return;
      }
    }
    post(more != 0, split_ + more);
    if (more == 0) return;  // the next push comes here again
    split_ += more;
    // sync(stealing_deque.share): release, as above. A plain store: nobody else moves a border of an empty part.
    word_.store(with_split(w, split_), std::memory_order_release);
  }

  // The owner's part is empty: takes back half of what is shared. (After close: the one to be popped.)
  pop_status take_back() noexcept {
    word w = word_.load(std::memory_order_relaxed);  // relaxed: a guess
    for (;;) {
      const index shared = shared_in(w);
      if (shared == 0) {
        post(false, split_);  // also where thieves took what we had posted for
        return closing_ ? pop_status::closed : pop_status::empty;
      }
      const index back = closing_ ? 1 : (shared + 1) / 2;
      post(back != shared, split_ - back);
      // These values are our own, no thief has touched them; and a read-modify-write keeps published what stays shared.
      // sync(stealing_deque.share): release for the posts, lest they overwrite a hint. relaxed: another guess.
      if (word_.compare_exchange_weak(w, with_split(w, split_ - back), std::memory_order_release,
                                      std::memory_order_relaxed)) {
        split_ -= back;
        return pop_status::value;
      }
    }
  }

  // bottom_ has reached room_: the next block, if it is free.
  push_result make_room() noexcept {
    if (closing_) return push_result::closed;
    if constexpr (slots_type::grows) {
      if (!slots_.has_round() || !slots_.current().is_free(room_)) return grow();
    } else {
      if (!slots_.current().is_free(room_)) return push_result::full;
    }
    room_ += slots_.current().block;
    return push_result::ok;
  }

  // Moves all values to a round of twice the size, where they get indices from 0 on.
  push_result grow() noexcept {
    round* const larger = slots_.make_larger();
    if (larger == nullptr) return push_result::full;
    word w = word_.load(std::memory_order_relaxed);  // relaxed: a guess
    // Take all back, so that nobody claims what moves. relaxed, both: these values are our own, nothing stays shared.
    while (shared_in(w) != 0 && !word_.compare_exchange_weak(w, with_split(w, split_ - shared_in(w)),
                                                             std::memory_order_relaxed, std::memory_order_relaxed)) {
    }
    const index shared = shared_in(w);
    const index top = split_ - shared;
    const index count = bottom_ - top;
    for (index i = 0; i < count; ++i) {
      T& value = slots_.own(top + i);
      std::construct_at(&larger->at(i), std::move(value));
      std::destroy_at(&value);
    }
    slots_.use(larger);
    bottom_ = count;
    split_ = shared;
    room_ = larger->capacity;
    post(shared != 0, split_);
    // sync(stealing_deque.share): release; as in settle. The part is empty, so nobody else moves a border now.
    word_.store(with_split(static_cast<word>(slots_.number()) << (2 * bits), split_), std::memory_order_release);
    return push_result::ok;
  }

  void share() noexcept {
    word w = word_.load(std::memory_order_relaxed);  // relaxed: a guess
    while (bottom_ != split_) {
      post(true, bottom_);
      // sync(stealing_deque.share): release, as in settle. relaxed: on failure another guess
      if (word_.compare_exchange_weak(w, with_split(w, bottom_), std::memory_order_release, std::memory_order_relaxed))
        split_ = bottom_;
    }
  }

  void close() noexcept {
    closing_ = true;
    room_ = 0;  // so that a push asks why
    post(true, bottom_);
    word w = word_.load(std::memory_order_relaxed);  // relaxed: a guess
    // sync(stealing_deque.share): release, as in settle. sync(stealing_deque.close): release; who is told closed sees
    // what we did before. relaxed: on failure another guess.
    while (!word_.compare_exchange_weak(w, with_split(w, bottom_) | closed_bit, std::memory_order_release,
                                        std::memory_order_relaxed)) {
    }
    split_ = bottom_;
  }

  std::size_t size() const noexcept { return static_cast<std::size_t>(bottom_ - split_) + shared_now(); }

  // ---- thieves

  pop_result<T> steal() noexcept {
    word w = 0;
    if (claim(w, [](word) { return word{1}; }) == 0) return none(w);
    round& r = slots_.of(round_of(w));
    T& value = r.at(top_of(w));
    pop_result<T> out(std::in_place, std::move(value));
    std::destroy_at(&value);
    r.vacate(top_of(w), 1);
    return out;
  }

  std::size_t steal_to(std::span<T> out) noexcept {
    if (out.empty()) return 0;
    word w = 0;
    const word count = claim(w, half_of(out.size()));
    if (count == 0) return (void)none(w), 0;
    round& r = slots_.of(round_of(w));
    for (word i = 0; i < count; ++i) {
      T& value = r.at(index{top_of(w)} + i);
      out[static_cast<std::size_t>(i)] = std::move(value);
      std::destroy_at(&value);
    }
    r.vacate(top_of(w), count);
    return static_cast<std::size_t>(count);
  }

  std::size_t steal_to(stealing_deque& to, std::size_t most) noexcept {
    FRYS_ASSERT(&to != this, "stealing_deque::steal_batch: from a deque to itself");
    if (most == 0 || (to.bottom_ >= to.room_ && !to.make_room())) return 0;
    word w = 0;
    const word count = claim(w, half_of((std::min)(static_cast<index>(most), to.room_ - to.bottom_)));
    if (count == 0) return (void)none(w), 0;
    round& from = slots_.of(round_of(w));
    for (word i = 0; i < count; ++i) {
      T& value = from.at(index{top_of(w)} + i);
      std::construct_at(&to.slots_.own(to.bottom_ + i), std::move(value));
      std::destroy_at(&value);
    }
    from.vacate(top_of(w), count);
    to.bottom_ += count;
    to.settle_if_past_limit();
    return static_cast<std::size_t>(count);
  }

  static auto half_of(index most) noexcept {
    return [most](word shared) { return static_cast<word>((std::min)(most, (index{shared} + 1) / 2)); };
  }

  // Claims how_many(shared) of the oldest values. Answers the number, 0 if there are none, and the word as it was.
  template <class F>
  word claim(word& w, F how_many) noexcept {
    w = word_.load(std::memory_order_relaxed);  // relaxed: a guess, and if empty no more than that
    for (;;) {
      const word shared = shared_in(w);
      if (shared == 0) return 0;
      const word count = how_many(shared);
      // sync(stealing_deque.share): acquire; with relaxed we could read the slots, or miss their round, as they were
      // before. relaxed: on failure another guess.
      if (word_.compare_exchange_weak(w, with_top_moved(w, count), std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
        if (count == shared) hint();
        return count;
      }
    }
  }

  // Nothing is shared: says so to the owner, unless that has been said.
  pop_status none(word w) noexcept {
    if ((w & closed_bit) != 0) {
      (void)word_.load(std::memory_order_acquire);  // sync(stealing_deque.close): acquire; the same word again
      return pop_status::closed;
    }
    // Hints go to the owner from whoever takes the last value. But that thread may have been stopped before it did:
    // we do it too unless the owner's limit says that it knows. relaxed: a hint
    const index limit = limit_.load(std::memory_order_relaxed);
    if (limit != 0 && ((static_cast<word>(limit) - 1 - (w >> bits)) & index_mask) != 0) hint();
    return pop_status::empty;
  }

  bool is_drained() const noexcept {
    const word w = word_.load(std::memory_order_acquire);  // sync(stealing_deque.close): acquire; see close
    return shared_in(w) == 0 && (w & closed_bit) != 0;
  }
  std::size_t shared_now() const noexcept {
    return static_cast<std::size_t>(shared_in(word_.load(std::memory_order_relaxed)));  // relaxed: a number only
  }

  // The owner's own, first in the object, where instructions reach it by a byte: the core then forwards bottom_ from
  // store to load by renaming, which halves the time of a push and a pop (AMD Zen 4). Values: from top to split_
  // shared, from there to bottom_ its own; slots are free up to room_.
  alignas(2 * cache_line) index bottom_ = 0;
  index split_ = 0;
  index room_ = slots_type::first_room;
  bool closing_ = false;
#if FRYS_HARDENED
  atomic<bool> owned_{false};
#endif
  slots_type slots_;
  // Two lines apart, because cores fetch lines in pairs. Written by thieves, and by the owner where it moves the
  // border.
  alignas(2 * cache_line) atomic<word> word_{0};
  // The owner's fast path is below limit_ and above floor_: limit_ is room_, or where it would share something, and
  // floor_ is split_; thieves put both out of reach when they empty the shared part. So the owner reads lines that
  // hardly ever change, and asks one question.
  alignas(2 * cache_line) atomic<index> limit_{(std::min)(slots_type::first_room, index{1})};
  atomic<index> floor_{0};
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_STEALING_DEQUE_HPP
// ---- frys/sched/fwd.hpp
// fwd: the names of sched without their bodies.
#ifndef FRYS_SCHED_FWD_HPP
#define FRYS_SCHED_FWD_HPP

namespace frys::inline FRYS_ABI {

template <class T>
class task;  // its default, void, stands in task.hpp
class task_scope;
struct frame_memory;
struct timer;
template <class... Policies>
class timer_wheel;

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
  static void release(void* memory, std::size_t) noexcept { ::operator delete(memory); }
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
// ---- frys/sched/timer_wheel.hpp
// timer_wheel: many timers for one thread: to add or cancel one costs the same however many there are.
//
// Use when  a loop has deadlines by the thousand and most are cancelled before they are due (timeouts, expiries).
// Not when  a handful suffices (keep the next deadline yourself), or a timer must fire within less than a tick.
// Threads   one at a time. Knows no clock: time comes in by advance, so virtual time works as real time does.
// Cost      add and cancel O(1); advance O(timers due + slots passed / 64). A timer further away than the wheel is
//           round waits in an overflow list, which is walked once it may come into reach. No allocation.
// Ordering  timers fire never early and at most one tick late (if advance is called in time), in the order of their
//           ticks; those of one tick in the order they were added, except behind ones that came from the overflow list.
// Lifetime  a timer must be cancelled or fired before it dies; the wheel forgets the pending ones when it dies.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>  slots, a power of two of at least 64; one turn is N ticks     default 512
// Source    G. Varghese, T. Lauck, "Hashed and hierarchical timing wheels", SOSP 1987 (scheme 4, with a list behind).
#ifndef FRYS_SCHED_TIMER_WHEEL_HPP
#define FRYS_SCHED_TIMER_WHEEL_HPP

namespace frys::inline FRYS_ABI {

struct timer_tag;

// Derive from it or hold it. `fire` is called by advance, after the timer has left the wheel: it may add it again,
// destroy it, add and cancel others.
struct timer : list_hook<timer_tag> {
  using function = void (*)(timer&) noexcept;

  timer() = default;
  explicit timer(function f) noexcept : fire(f) {}
  [[nodiscard]] bool is_pending() const noexcept { return is_linked(); }

  function fire = nullptr;
  std::uint64_t tick = 0;  // the wheel's: when it is due
  std::uint32_t slot = 0;  // the wheel's: where it stands
};

template <class... Policies>
class timer_wheel {
  using accepted = policy::keys<policy::capacity_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::timer_wheel: unknown policy; it takes policy::capacity and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::timer_wheel: a policy is given twice; name each at most once");

 public:
  static constexpr std::size_t slot_count = policy::pick<policy::capacity<512>, Policies...>::value;
  static_assert(std::has_single_bit(slot_count) && slot_count >= 64,
                "frys::timer_wheel: policy::capacity wants a power of two of at least 64 slots");

  // `now` is where its time starts; a tick is the resolution, at least one nanosecond.
  explicit timer_wheel(nanoseconds now = nanoseconds{0}, nanoseconds tick = nanoseconds{1'000'000}) noexcept
      : tick_((std::max)(tick, nanoseconds{1})), current_(floor_of(now)) {}
  timer_wheel(const timer_wheel&) = delete;
  timer_wheel& operator=(const timer_wheel&) = delete;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  // Lets `t` fire in the first advance that reaches `at`. One that is due already fires in the next advance.
  void add(timer& t, nanoseconds at) noexcept {
    FRYS_ASSERT(!t.is_pending(), "timer_wheel::add: the timer is pending already; cancel it first");
    FRYS_ASSERT(t.fire != nullptr, "timer_wheel::add: the timer has no function");
    t.tick = ceil_of(at);
    ++size_;
    place(t);
  }
  void add(timer& t, deadline at) noexcept { add(t, at.at); }

  // True if it was pending, and will not fire now.
  bool cancel(timer& t) noexcept {
    if (!t.is_pending()) return false;
    t.unlink();
    left(t);
    return true;
  }

  // Time is `now`: fires what is due and answers how many fired. Time never goes back; an earlier `now` counts as the
  // last one. Timers that callbacks add as already due wait for the next advance.
  std::size_t advance(nanoseconds now) noexcept {
    if (size_ == 0) {
      current_ = (std::max)(current_, floor_of(now));
      return 0;
    }
    list firing;
    firing.splice_back(due_);
    const std::uint64_t target = floor_of(now);
    while (current_ < target) {
      // At most one turn at a time, so that what comes out of the overflow list keeps its place in the order.
      const std::uint64_t next = std::min<std::uint64_t>(target, reach());
      if (in_slots_ != 0) collect(next, firing);
      current_ = next;
      if (!overflow_.empty() && overflow_from_ - current_ < slot_count) refill(firing);
    }
    std::size_t fired = 0;
    while (timer* t = firing.pop_front()) {
      t->slot = nowhere;
      --size_;
      ++fired;
      t->fire(*t);
    }
    return fired;
  }

  // When advance should be called next: never too late for the first timer, perhaps before it. never() without timers.
  [[nodiscard]] deadline next_deadline() const noexcept {
    if (size_ == 0) return deadline::never();
    if (!due_.empty()) return deadline{time_of(current_)};
    if (in_slots_ != 0) return deadline{time_of(first_slot_tick())};
    return deadline{time_of(overflow_from_)};
  }

 private:
  using list = intrusive_list<timer, timer_tag>;
  static constexpr std::uint32_t nowhere = ~std::uint32_t{0};  // due, firing, or in no list
  static constexpr std::uint32_t distant = nowhere - 1;            // in the overflow list
  static constexpr std::uint64_t mask = slot_count - 1;
  static constexpr std::size_t words = slot_count / 64;

  std::uint64_t floor_of(nanoseconds at) const noexcept {
    return at.count() <= 0 ? 0 : static_cast<std::uint64_t>(at.count() / tick_.count());
  }
  std::uint64_t ceil_of(nanoseconds at) const noexcept {
    return at.count() <= 0 ? 0 : floor_of(at) + (at.count() % tick_.count() != 0 ? 1u : 0u);
  }
  nanoseconds time_of(std::uint64_t tick) const noexcept {
    const auto most = static_cast<std::uint64_t>((std::numeric_limits<std::int64_t>::max)() / tick_.count());
    return tick > most ? (nanoseconds::max)() : nanoseconds{static_cast<std::int64_t>(tick) * tick_.count()};
  }

  void place(timer& t) noexcept {
    if (t.tick <= current_) {
      t.slot = nowhere;
      due_.push_back(t);
    } else if (t.tick - current_ < slot_count) {
      t.slot = static_cast<std::uint32_t>(t.tick & mask);
      slots_[t.slot].push_back(t);
      bits_[t.slot / 64] |= std::uint64_t{1} << (t.slot % 64);
      ++in_slots_;
    } else {
      t.slot = distant;
      overflow_from_ = overflow_.empty() ? t.tick : (std::min)(overflow_from_, t.tick);
      overflow_.push_back(t);
    }
  }
  // `t` has left its list without having fired.
  void left(timer& t) noexcept {
    --size_;
    if (t.slot < slot_count) {
      --in_slots_;
      if (slots_[t.slot].empty()) bits_[t.slot / 64] &= ~(std::uint64_t{1} << (t.slot % 64));
    }
    t.slot = nowhere;
  }
  // How far one step of advance may go: over empty slots as far as the overflow list allows.
  std::uint64_t reach() const noexcept {
    if (in_slots_ != 0) return current_ + slot_count - 1;
    return overflow_.empty() ? (std::numeric_limits<std::uint64_t>::max)() : (std::max)(overflow_from_, current_ + 1);
  }
  // The first tick after current_ that has a timer in its slot.
  std::uint64_t first_slot_tick() const noexcept {
    for (std::uint64_t tick = current_ + 1;;) {
      const std::uint64_t slot = tick & mask;
      const std::uint64_t rest = bits_[slot / 64] >> (slot % 64);
      if (rest != 0) return tick + static_cast<std::uint64_t>(std::countr_zero(rest));
      tick += 64 - slot % 64;
    }
  }
  // Moves the timers of the slots up to `last` behind `firing`.
  void collect(std::uint64_t last, list& firing) noexcept {
    while (in_slots_ != 0) {
      const std::uint64_t tick = first_slot_tick();
      if (tick > last) return;
      const std::uint64_t slot = tick & mask;
      bits_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
      for (timer& t : slots_[slot]) {
        t.slot = nowhere;
        --in_slots_;
      }
      firing.splice_back(slots_[slot]);
    }
  }
  // Takes out of the overflow list what the wheel can hold now.
  void refill(list& firing) noexcept {
    list all;
    all.splice_back(overflow_);
    while (timer* t = all.pop_front()) place(*t);
    firing.splice_back(due_);
  }

  nanoseconds tick_;
  std::uint64_t current_;            // the tick that advance has reached
  std::uint64_t overflow_from_ = 0;  // no timer of the overflow list is due before this tick
  std::size_t size_ = 0;
  std::size_t in_slots_ = 0;
  list due_;
  list overflow_;
  std::uint64_t bits_[words] = {};  // slots that are not empty
  list slots_[slot_count];
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_TIMER_WHEEL_HPP
// ---- frys/io/detail/liburing.hpp
// liburing: the outside library behind its gate. Only what Debian 12's shared library (2.3) exports is called.
// frys: real model
#ifndef FRYS_IO_DETAIL_LIBURING_HPP
#define FRYS_IO_DETAIL_LIBURING_HPP

#ifndef FRYS_WITH_URING
#define FRYS_WITH_URING 0
#endif

#if FRYS_WITH_URING
#if !FRYS_OS_LINUX
#error "frys: FRYS_WITH_URING is for Linux; leave it undefined elsewhere"
#endif
// Its inline functions convert freely; strict warnings are for our code.
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#endif
#include <liburing.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
#endif

#endif  // FRYS_IO_DETAIL_LIBURING_HPP
// ---- frys/io/options.hpp
// options: how to make a reactor; the same for every backend.
#ifndef FRYS_IO_OPTIONS_HPP
#define FRYS_IO_OPTIONS_HPP

namespace frys::inline FRYS_ABI {

struct reactor_options {
  std::size_t buffer_bytes = 16 * 1024;  // what one recv can bring
  std::size_t max_buffers = 64 * 1024;   // receive buffers out at once; beyond, recv fails with errc::out_of_memory
  unsigned events = 256;                 // completions taken from the kernel at once (epoll), ring entries (io_uring)
  unsigned ring_buffers = 64;            // io_uring: receive buffers lent to the kernel at any time, a power of two
  nanoseconds spin{0};                   // looks for this long before it sleeps: less latency for CPU time
  bool no_delay = true;                  // TCP_NODELAY on accepted and connected sockets
  std::string_view root = {};            // what files() takes paths relative to; empty: the working directory
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_IO_OPTIONS_HPP
// ---- frys/io/os_error.hpp
// os_error: errno as an error of frys.
//
// Every mapping keeps errno in error::number; the sentence is the caller's, for it knows what was tried.
#ifndef FRYS_IO_OS_ERROR_HPP
#define FRYS_IO_OS_ERROR_HPP

namespace frys::inline FRYS_ABI {

// The code that fits an errno value; errc::io_failed for whatever has no code of its own.
constexpr errc errc_of_errno(int number) noexcept {
  switch (number) {
    case EINVAL:
    case EBADF:
    case ENAMETOOLONG:
    case ENOTDIR:
    case EISDIR:
      return errc::invalid_argument;
    case ENOENT:
      return errc::not_found;
    case EEXIST:
      return errc::already_exists;
    case ENOSYS:
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
      return errc::unsupported;
    case ENOMEM:
    case ENOBUFS:
      return errc::out_of_memory;
    case EPERM:
    case EACCES:
    case EROFS:
      return errc::permission_denied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return errc::no_space;
    case EMFILE:
    case ENFILE:
      return errc::too_many_files;
    case EADDRINUSE:
      return errc::address_in_use;
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
      return errc::connection_reset;
    case ECONNREFUSED:
      return errc::connection_refused;
    case ETIMEDOUT:
      return errc::timed_out;
    case ECANCELED:
      return errc::cancelled;
    case EBUSY:
      return errc::busy;
    default:
      return errc::io_failed;
  }
}

// `message` is one sentence that lives for ever.
constexpr error os_error(int number, const char* message) noexcept {
  return {errc_of_errno(number), domain::io, message, number};
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_IO_OS_ERROR_HPP
// ---- frys/io/posix_files.hpp
// posix_files: the machine's files, by plain system calls. A model of file_system whose operations do not suspend.
//
// Use when  blocking a thread for a write or a sync is all right: one-thread tools, loops without io_uring, tests.
// Not when  the loop must go on serving while a sync runs (uring_reactor::files).
// Threads   any; one file: one thread at a time.
// Cost      one system call per operation, two where the kernel writes or reads less than asked.
// Paths     relative to the root directory given at construction, or to the working directory; absolute ones as they
//           are.
// Errors    with errno in error::number.
// frys: real model
#ifndef FRYS_IO_POSIX_FILES_HPP
#define FRYS_IO_POSIX_FILES_HPP

#if FRYS_OS_LINUX
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

namespace frys::inline FRYS_ABI {

// An open file; closes itself.
class posix_file {
 public:
  posix_file() noexcept = default;
  explicit posix_file(int fd) noexcept : fd_(fd) {}
  posix_file(posix_file&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  posix_file& operator=(posix_file&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~posix_file() { close(); }

  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int native_handle() const noexcept { return fd_; }
  // Gives the descriptor up without closing it.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  void close() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

class posix_files {
 public:
  using file = posix_file;
  using buffer = frys::buffer;

  // Paths are relative to the working directory.
  posix_files() noexcept = default;
  // Paths are relative to `root`, which must exist; status() says so, and every operation fails if it does not.
  explicit posix_files(std::string_view root) noexcept {
    if (root.empty()) return;
    const c_path path(root);
    root_ = posix_file(::open(path.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root_.is_open()) status_ = os_error(errno, "the root directory cannot be opened");
  }
  [[nodiscard]] result<void> status() const noexcept { return status_; }

  result<file> open(std::string_view path, open_mode mode) noexcept {
    if (!status_) return status_.error();
    int flags = O_CLOEXEC;
    switch (mode) {
      case open_mode::read:
        flags |= O_RDONLY;
        break;
      case open_mode::read_write:
        flags |= O_RDWR;
        break;
      case open_mode::create:
        flags |= O_RDWR | O_CREAT;
        break;
      case open_mode::create_new:
        flags |= O_RDWR | O_CREAT | O_EXCL;
        break;
    }
    const c_path at(path);
    const int fd = retry([&] { return ::openat(root(), at.text, flags, 0644); });
    if (fd < 0) return os_error(errno, "the file cannot be opened");
    return file(fd);
  }
  result<void> remove(std::string_view path) noexcept {
    if (!status_) return status_;
    const c_path at(path);
    return answer(::unlinkat(root(), at.text, 0), "the file cannot be removed");
  }
  result<void> rename(std::string_view from, std::string_view to) noexcept {
    if (!status_) return status_;
    const c_path a(from), b(to);
    return answer(::renameat(root(), a.text, root(), b.text), "the file cannot be renamed");
  }
  // Also its parents; ok if it exists.
  result<void> make_directory(std::string_view path) noexcept {
    if (!status_) return status_;
    c_path at(path);
    for (char* c = at.text; *c != '\0'; ++c) {
      if (*c != '/' || c == at.text) continue;
      *c = '\0';
      static_cast<void>(::mkdirat(root(), at.text, 0755));  // the last one's answer counts
      *c = '/';
    }
    if (::mkdirat(root(), at.text, 0755) == 0) return {};
    const int failed = errno;
    struct ::stat what {};
    if (failed == EEXIST && ::fstatat(root(), at.text, &what, 0) == 0 && S_ISDIR(what.st_mode)) return {};
    return os_error(failed, "the directory cannot be made");
  }
  result<void> sync_directory(std::string_view path) noexcept {
    if (!status_) return status_;
    const posix_file directory = open_directory(path);
    if (!directory.is_open()) return os_error(errno, "the directory cannot be opened");
    return answer(retry([&] { return ::fsync(directory.native_handle()); }), "the directory cannot be synced");
  }
  // In no order.
  result<void> list(std::string_view path, void (*name)(void*, std::string_view), void* argument) {
    if (!status_) return status_;
    posix_file directory = open_directory(path);
    if (!directory.is_open()) return os_error(errno, "the directory cannot be opened");
    ::DIR* stream = ::fdopendir(directory.native_handle());
    if (stream == nullptr) return os_error(errno, "the directory cannot be listed");
    static_cast<void>(directory.release());  // the stream's from here on
    struct closer {
      ::DIR* stream;
      ~closer() { ::closedir(stream); }
    } guard{stream};
    for (;;) {
      errno = 0;
      const ::dirent* entry = ::readdir(stream);
      if (entry == nullptr) return errno == 0 ? result<void>() : os_error(errno, "the directory cannot be listed");
      bool plain = entry->d_type == DT_REG;
      if (entry->d_type == DT_UNKNOWN) {
        struct ::stat what {};
        plain = ::fstatat(::dirfd(stream), entry->d_name, &what, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(what.st_mode);
      }
      if (plain) name(argument, entry->d_name);
    }
  }

  result<std::uint64_t> size(file& f) noexcept {
    struct ::stat what {};
    if (::fstat(f.native_handle(), &what) != 0) return os_error(errno, "the file's size cannot be read");
    return static_cast<std::uint64_t>(what.st_size);
  }
  result<void> truncate(file& f, std::uint64_t bytes) noexcept {
    return answer(retry([&] { return ::ftruncate(f.native_handle(), static_cast<::off_t>(bytes)); }),
                  "the file cannot be truncated");
  }

  // Bytes written: all of them.
  ready<result<std::size_t>> write(file& f, buffer data, std::uint64_t offset) noexcept {
    std::size_t done = 0;
    while (done != data.size()) {
      const ::ssize_t n =
          ::pwrite(f.native_handle(), data.data() + done, data.size() - done, static_cast<::off_t>(offset + done));
      if (n > 0)
        done += static_cast<std::size_t>(n);
      else if (n == 0)
        return result<std::size_t>(os_error(ENOSPC, "the file takes no more bytes"));
      else if (errno != EINTR)
        return result<std::size_t>(os_error(errno, "the file cannot be written"));
    }
    return result<std::size_t>(done);
  }
  // Fills `into` (its size, not its capacity) as far as the file goes.
  ready<result<buffer>> read(file& f, buffer into, std::uint64_t offset) noexcept {
    std::size_t done = 0;
    while (done != into.size()) {
      const ::ssize_t n =
          ::pread(f.native_handle(), into.data() + done, into.size() - done, static_cast<::off_t>(offset + done));
      if (n > 0)
        done += static_cast<std::size_t>(n);
      else if (n == 0)
        break;
      else if (errno != EINTR)
        return result<buffer>(os_error(errno, "the file cannot be read"));
    }
    into.truncate(done);
    return result<buffer>(std::move(into));
  }
  // Data, and what is needed to find them again (fdatasync).
  ready<result<void>> sync(file& f) noexcept {
    return answer(retry([&] { return ::fdatasync(f.native_handle()); }), "the file cannot be synced");
  }

 private:
  // A path with its end mark. One that is too long or holds a NUL becomes a name that no file can have.
  struct c_path {
    explicit c_path(std::string_view path) noexcept {
      if (path.empty()) path = ".";
      if (path.size() >= sizeof text || path.find('\0') != std::string_view::npos) {
        text[0] = '\0';  // the kernel answers ENOENT
        return;
      }
      std::memcpy(text, path.data(), path.size());
      text[path.size()] = '\0';
    }
    char text[PATH_MAX];
  };

  template <class F>
  static int retry(F call) noexcept {
    int rc;
    do rc = call();
    while (rc < 0 && errno == EINTR);
    return rc;
  }
  static result<void> answer(int rc, const char* message) noexcept {
    if (rc < 0) return os_error(errno, message);
    return {};
  }
  int root() const noexcept { return root_.is_open() ? root_.native_handle() : AT_FDCWD; }
  posix_file open_directory(std::string_view path) noexcept {
    const c_path at(path);
    return posix_file(::openat(root(), at.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }

  posix_file root_;
  result<void> status_;
};

static_assert(file_system<posix_files>);

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_OS_LINUX
#endif  // FRYS_IO_POSIX_FILES_HPP
// ---- frys/io/socket.hpp
// stream_socket, listener: TCP sockets as values; what waits on them is a reactor's business.
//
// Use when  a reactor shall accept, receive and send.
// Threads   one at a time. A socket belongs to the reactor that first used it, and to that reactor's thread; before its
//           first use (fresh from accept or connect on another one) it may move to another thread.
// Lifetime  move-only; the destructor closes. close() completes what waits on the socket with errc::cancelled, in the
//           reactor's next turn. A socket may outlive its reactor, but then it can only be closed.
// Errors    with errno in error::number.
// frys: real model
#ifndef FRYS_IO_SOCKET_HPP
#define FRYS_IO_SOCKET_HPP

#if FRYS_OS_LINUX
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace frys::inline FRYS_ABI {

class socket_handle;

namespace detail {

// What a reactor keeps of a socket; it derives its own from it.
struct socket_state {
  socket_handle* self = nullptr;                               // follows the socket when that moves
  void* owner = nullptr;                                       // the reactor
  void (*on_close)(socket_state&, int fd) noexcept = nullptr;  // closes fd, completes the waiters, frees the state
};

struct socket_access;

}  // namespace detail

// The address of one end: IPv4 or IPv6.
class socket_address {
 public:
  socket_address() noexcept = default;

  // `host` is a number ("127.0.0.1", "::1"), "localhost", or empty for every address of the machine.
  static result<socket_address> parse(std::string_view host, std::uint16_t port) noexcept {
    socket_address out;
    char text[INET6_ADDRSTRLEN] = {};
    if (host.empty() || host == "*") host = "0.0.0.0";
    if (host == "localhost") host = "127.0.0.1";
    if (host.size() >= sizeof text) return refused();
    std::memcpy(text, host.data(), host.size());
    if (::inet_pton(AF_INET, text, &out.v4().sin_addr) == 1) {
      out.v4().sin_family = AF_INET;
      out.v4().sin_port = htons(port);
      out.size_ = sizeof(::sockaddr_in);
    } else if (::inet_pton(AF_INET6, text, &out.v6().sin6_addr) == 1) {
      out.v6().sin6_family = AF_INET6;
      out.v6().sin6_port = htons(port);
      out.size_ = sizeof(::sockaddr_in6);
    } else {
      return refused();
    }
    return out;
  }

  [[nodiscard]] std::uint16_t port() const noexcept {
    const socket_address copy = *this;
    return ntohs(copy.storage_.any.sa_family == AF_INET6 ? copy.storage_.six.sin6_port : copy.storage_.four.sin_port);
  }
  // "127.0.0.1:80" or "[::1]:80", written into `out`, which has room for max_text; a view of it.
  static constexpr std::size_t max_text = INET6_ADDRSTRLEN + 8;
  std::string_view to_text(std::span<char, max_text> out) const noexcept {
    const bool six = storage_.any.sa_family == AF_INET6;
    std::size_t n = 0;
    if (six) out[n++] = '[';
    const void* bits = six ? static_cast<const void*>(&storage_.six.sin6_addr) : &storage_.four.sin_addr;
    if (::inet_ntop(six ? AF_INET6 : AF_INET, bits, &out[n], INET6_ADDRSTRLEN) == nullptr) return {};
    n += std::strlen(&out[n]);
    if (six) out[n++] = ']';
    out[n++] = ':';
    char digits[5];
    std::size_t count = 0;
    for (unsigned p = port(); p != 0 || count == 0; p /= 10) digits[count++] = static_cast<char>('0' + p % 10);
    while (count != 0) out[n++] = digits[--count];
    return {out.data(), n};
  }

  // For the system's calls.
  [[nodiscard]] int family() const noexcept { return storage_.any.sa_family; }
  [[nodiscard]] const ::sockaddr* data() const noexcept { return &storage_.any; }
  [[nodiscard]] ::sockaddr* data() noexcept { return &storage_.any; }
  [[nodiscard]] ::socklen_t size() const noexcept { return size_; }
  // Of the local or the remote end of `fd`.
  static result<socket_address> local_of(int fd) noexcept { return ask(&::getsockname, fd); }
  static result<socket_address> peer_of(int fd) noexcept { return ask(&::getpeername, fd); }

 private:
  static error refused() noexcept {
    return {errc::invalid_argument, domain::io, "an address is a number such as 127.0.0.1 or ::1, localhost, or empty",
            0};
  }
  template <class F>
  static result<socket_address> ask(F call, int fd) noexcept {
    socket_address out;
    out.size_ = sizeof out.storage_;
    if (call(fd, &out.storage_.any, &out.size_) != 0) return os_error(errno, "the socket has no such address");
    return out;
  }
  ::sockaddr_in& v4() noexcept { return storage_.four; }
  ::sockaddr_in6& v6() noexcept { return storage_.six; }

  union {
    ::sockaddr_in6 six{};
    ::sockaddr_in four;
    ::sockaddr any;
  } storage_;
  ::socklen_t size_ = 0;
};

// What stream_socket and listener have in common: a descriptor, and the reactor's knowledge of it.
class socket_handle {
 public:
  socket_handle() noexcept = default;
  socket_handle(socket_handle&& other) noexcept { take(other); }
  socket_handle& operator=(socket_handle&& other) noexcept {
    if (this != &other) {
      close();
      take(other);
    }
    return *this;
  }
  ~socket_handle() { close(); }

  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
  // -1 when closed.
  [[nodiscard]] int native_handle() const noexcept { return fd_; }
  // What waits on it is completed with errc::cancelled. No effect on a closed one.
  void close() noexcept {
    if (fd_ < 0) return;
    const int fd = std::exchange(fd_, -1);
    if (detail::socket_state* state = std::exchange(state_, nullptr))
      state->on_close(*state, fd);
    else
      ::close(fd);
  }

 protected:
  explicit socket_handle(int fd) noexcept : fd_(fd) {}

 private:
  friend struct detail::socket_access;
  void take(socket_handle& other) noexcept {
    fd_ = std::exchange(other.fd_, -1);
    state_ = std::exchange(other.state_, nullptr);
    if (state_ != nullptr) state_->self = this;
  }

  int fd_ = -1;
  detail::socket_state* state_ = nullptr;
};

class stream_socket : public socket_handle {
 public:
  stream_socket() noexcept = default;
  // Takes a connected socket over and makes it non-blocking.
  static stream_socket adopt(int fd) noexcept {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags >= 0) static_cast<void>(::fcntl(fd, F_SETFL, flags | O_NONBLOCK));
    return stream_socket(fd);
  }
  // Says to the peer that nothing more will be sent; receiving goes on.
  result<void> shutdown_send() noexcept {
    if (::shutdown(native_handle(), SHUT_WR) != 0) return os_error(errno, "the socket cannot be shut down");
    return {};
  }
  // Sends small pieces at once (TCP_NODELAY). Reactors do it for what they accept and connect.
  void set_no_delay() noexcept {
    const int on = 1;
    static_cast<void>(::setsockopt(native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  }
  [[nodiscard]] result<socket_address> peer() const noexcept { return socket_address::peer_of(native_handle()); }
  [[nodiscard]] result<socket_address> local() const noexcept { return socket_address::local_of(native_handle()); }

 private:
  friend struct detail::socket_access;
  explicit stream_socket(int fd) noexcept : socket_handle(fd) {}
};

struct listener_options {
  std::string_view address = "127.0.0.1";  // see socket_address::parse
  std::uint16_t port = 0;                  // 0: any free one, see listener::port
  bool reuse_port = false;                 // several listeners, one per thread, share the port
  int backlog = 1024;
};

class listener : public socket_handle {
 public:
  using options = listener_options;

  listener() noexcept = default;
  // Errors: invalid_argument, address_in_use, permission_denied, too_many_files.
  static result<listener> bind(const options& o) noexcept {
    result<socket_address> at = socket_address::parse(o.address, o.port);
    if (!at) return at.error();
    listener out(::socket(at->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!out.is_open()) return os_error(errno, "no socket to listen on");
    const int fd = out.native_handle();
    const int on = 1;
    static_cast<void>(::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    if (o.reuse_port && ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0)
      return os_error(errno, "the port cannot be shared between listeners");
    if (::bind(fd, at->data(), at->size()) != 0) return os_error(errno, "the address cannot be bound");
    if (::listen(fd, o.backlog) != 0) return os_error(errno, "the socket cannot listen");
    result<socket_address> local = socket_address::local_of(fd);
    if (!local) return local.error();
    out.port_ = local->port();
    return out;
  }
  // The port that it listens on.
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  explicit listener(int fd) noexcept : socket_handle(fd) {}
  std::uint16_t port_ = 0;
};

namespace detail {

struct socket_access {
  static socket_state* state(const socket_handle& s) noexcept { return s.state_; }
  static void attach(socket_handle& s, socket_state& state) noexcept {
    s.state_ = &state;
    state.self = &s;
  }
  static void detach(socket_state& state) noexcept {
    if (state.self != nullptr) state.self->state_ = nullptr;
  }
  static stream_socket make(int fd) noexcept { return stream_socket(fd); }  // non-blocking already
};

inline constexpr error socket_closed{errc::closed, domain::io, "the socket is closed", 0};
inline constexpr error socket_busy{errc::busy, domain::io, "another operation of this kind waits on the socket", 0};
inline constexpr error socket_foreign{errc::invalid_argument, domain::io, "the socket belongs to another reactor", 0};
inline constexpr error operation_cancelled{errc::cancelled, domain::io, "the socket was closed during the operation",
                                           0};

}  // namespace detail

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_OS_LINUX
#endif  // FRYS_IO_SOCKET_HPP
// ---- frys/io/detail/post_queue.hpp
// post_queue: work from any thread for one loop, and in the same word whether that loop sleeps.
//
// One word is both the newest node and the sleeper's mark, so a poster learns from its own push whether it has to wake
// the loop: no fence, no second flag, and no wake-up while the loop is awake.
#ifndef FRYS_IO_DETAIL_POST_QUEUE_HPP
#define FRYS_IO_DETAIL_POST_QUEUE_HPP

namespace frys::inline FRYS_ABI::detail {

template <class Atomics>
class post_queue {
 public:
  // Any thread. True if the loop sleeps and this push is the one that has to wake it, by something that the loop takes
  // back with an update (an eventfd is read so): the mark is relaxed, and a plain store could land ahead of that.
  bool push(work& node) noexcept {
    work* newest = newest_.load(std::memory_order_relaxed);  // relaxed: only the guess of the first exchange
    do {
      node.next = newest == &asleep_ ? nullptr : newest;
      // sync(post_queue.newest): release; the node and what its poster wrote are whole before the loop can take them.
      // relaxed on failure: the value is only compared and linked, never followed here.
    } while (!newest_.compare_exchange_weak(newest, &node, std::memory_order_release, std::memory_order_relaxed));
    return newest == &asleep_;
  }

  // The loop only. Everything posted so far, oldest first, linked by `next`; nullptr if there is nothing.
  work* take_all() noexcept {
    if (newest_.load(std::memory_order_relaxed) == nullptr) return nullptr;  // relaxed: a hint, asked again each turn
    // sync(post_queue.newest): acquire; pairs with push.
    work* newest = newest_.exchange(nullptr, std::memory_order_acquire);
    work* oldest = nullptr;
    while (newest != nullptr && newest != &asleep_) {
      work* const before = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = before;
    }
    return oldest;
  }

  // The loop only. A look without a read-modify-write.
  bool seems_empty() const noexcept {
    return newest_.load(std::memory_order_relaxed) == nullptr;  // relaxed: a hint
  }

  // The loop only. Marks it as asleep; false if there is work, and then it must not sleep.
  bool fall_asleep() noexcept {
    work* expected = nullptr;
    // relaxed: the mark publishes nothing; a push that came first makes it fail, one that comes later sees the mark.
    return newest_.compare_exchange_strong(expected, &asleep_, std::memory_order_relaxed, std::memory_order_relaxed);
  }

  // The loop only, after fall_asleep, whatever woke it.
  void wake_up() noexcept {
    work* expected = &asleep_;
    // relaxed: takes the mark back if nobody posted; posted work stays for take_all.
    newest_.compare_exchange_strong(expected, nullptr, std::memory_order_relaxed, std::memory_order_relaxed);
  }

 private:
  alignas(cache_line) typename Atomics::template atomic<work*> newest_{nullptr};
  work asleep_;  // only its address counts
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_IO_DETAIL_POST_QUEUE_HPP
// ---- frys/io/detail/event_loop.hpp
// event_loop: what every reactor's loop has in common: posted work, timers, ready coroutines, stop.
//
// Derived gives wait(timeout): waits at most `timeout` for completions (negative: for ever); handle(): handles those
// that are there and answers their number; and wake(): ends a wait, from any thread. The loop counts as awake between
// the two, so what handlers post to their own loop costs no system call.
#ifndef FRYS_IO_DETAIL_EVENT_LOOP_HPP
#define FRYS_IO_DETAIL_EVENT_LOOP_HPP

namespace frys::inline FRYS_ABI::detail {

// A coroutine that waits for the loop. Leaves its list when it is destroyed.
struct loop_waiter : list_hook<> {
  loop_waiter() = default;
  loop_waiter(const loop_waiter&) = delete;
  loop_waiter& operator=(const loop_waiter&) = delete;
  ~loop_waiter() { unlink(); }

  std::coroutine_handle<> handle = nullptr;
};

template <class Derived, class Atomics, class Clock>
class event_loop {
 public:
  event_loop(const event_loop&) = delete;
  event_loop& operator=(const event_loop&) = delete;

  // Any thread. Runs the work in the loop, later; wakes the loop only if it sleeps.
  void post(work& w) noexcept {
    if (posted_.push(w)) derived().wake();
  }

  // Any thread. Ends run(), or the next one if none runs.
  void stop() noexcept {
    // sync(event_loop.stop): release; relaxed would do for the flag itself, but the node must not be posted twice.
    if (!stopping_.exchange(true, std::memory_order_acq_rel)) post(stop_work_);
  }

  // Until stop().
  void run() {
    stopped_ = false;
    while (!stopped_) static_cast<void>(run_once(deadline::never()));
  }

  // One turn: completions, posted work, timers, then what yielded. Answers how many of them it handled; waits for the
  // first one, at most until `until`.
  std::size_t run_once(deadline until) {
    bool slept = false;
    nanoseconds timeout{0};
    if (ready_.empty() && yielded_.empty()) {
      const deadline next = (std::min)(until, wheel_.next_deadline());
      timeout = next.is_never() ? nanoseconds{-1} : until_then(next);
      if (timeout.count() != 0) {
        if (spin_.count() > 0) {
          if (const std::size_t seen = look_around(timeout); seen != 0) return seen + after_poll();
        }
        slept = posted_.fall_asleep();
        if (!slept) timeout = nanoseconds{0};
      }
    }
    derived().wait(timeout);
    if (slept) posted_.wake_up();
    const std::size_t handled = derived().handle();
    return handled + after_poll();
  }

  // Awaitable: goes on after all that is ready in this turn has been handled.
  auto yield() noexcept {
    struct awaiter : loop_waiter {
      event_loop& loop;
      explicit awaiter(event_loop& l) noexcept : loop(l) {}
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> h) noexcept {
        handle = h;
        loop.yielded_.push_back(*this);
      }
      void await_resume() const noexcept {}
    };
    return awaiter(*this);
  }

  // Awaitable result<void>: goes on when `until` has passed, at most two milliseconds late if the loop is not busy.
  auto sleep_until(deadline until) noexcept {
    struct awaiter : loop_waiter {
      event_loop& loop;
      deadline until;
      struct alarm_timer : timer {
        awaiter* owner;
        explicit alarm_timer(awaiter* o) noexcept : timer(&rings), owner(o) {}
        static void rings(timer& t) noexcept {
          awaiter& a = *static_cast<alarm_timer&>(t).owner;
          a.loop.ready_.push_back(a);
        }
      } alarm{this};

      awaiter(event_loop& l, deadline d) noexcept : loop(l), until(d) {}
      ~awaiter() {
        if (alarm.is_pending()) loop.wheel_.cancel(alarm);  // else the loop may be gone already
      }
      bool await_ready() const noexcept { return until.template has_passed<Clock>(); }
      void await_suspend(std::coroutine_handle<> h) noexcept {
        handle = h;
        loop.wheel_.add(alarm, until);
      }
      result<void> await_resume() const noexcept { return {}; }
    };
    return awaiter(*this, until);
  }
  auto sleep_for(nanoseconds delay) noexcept { return sleep_until(deadline::after<Clock>(delay)); }

  // Owner thread. Timers of the loop: `fire` is called in the loop, and must not block.
  void add_timer(timer& t, deadline at) noexcept { wheel_.add(t, at); }
  bool cancel_timer(timer& t) noexcept { return wheel_.cancel(t); }

 protected:
  explicit event_loop(nanoseconds spin) noexcept : wheel_(Clock::now()), spin_(spin) {}
  ~event_loop() = default;

  // Makes a coroutine go on, from the loop.
  void resume(std::coroutine_handle<> h) {
    direct_ = 0;
    h.resume();
  }
  // In this turn still, or else in the next one.
  void make_ready(loop_waiter& w) noexcept { ready_.push_back(w); }
  // An operation was complete without the loop. True if the coroutine has had its share and shall let others run.
  bool had_its_share() noexcept { return ++direct_ > most_direct; }

 private:
  static constexpr unsigned most_direct = 64;

  Derived& derived() noexcept { return static_cast<Derived&>(*this); }

  static nanoseconds until_then(deadline next) noexcept {
    if (next <= deadline::now()) return nanoseconds{0};
    return (std::max)(next.at - Clock::now(), nanoseconds{0});
  }

  // Polls without sleeping for a while. Answers what it handled.
  std::size_t look_around(nanoseconds timeout) {
    const nanoseconds start = Clock::now();
    const nanoseconds most = timeout.count() < 0 ? spin_ : (std::min)(spin_, timeout);
    do {
      derived().wait(nanoseconds{0});
      const std::size_t handled = derived().handle();
      if (handled != 0 || !posted_.seems_empty()) return (std::max)(handled, std::size_t{1});
      Atomics::pause();
    } while (Clock::now() - start < most);
    return 0;
  }

  std::size_t after_poll() {
    std::size_t handled = 0;
    for (work* w = posted_.take_all(); w != nullptr; ++handled) {
      work* const next = w->next;  // running it may end its life
      direct_ = 0;
      w->run(*w);
      w = next;
    }
    if (!wheel_.empty()) handled += wheel_.advance(Clock::now());
    handled += run_all(ready_);
    handled += run_all(yielded_);
    return handled;
  }

  // Those that are there now; what they add waits for the next turn. A waiter that dies meanwhile leaves the list.
  std::size_t run_all(intrusive_list<loop_waiter>& waiting) {
    if (waiting.empty()) return 0;
    intrusive_list<loop_waiter> now;
    now.splice_back(waiting);
    std::size_t handled = 0;
    while (loop_waiter* w = now.pop_front()) {
      ++handled;
      resume(w->handle);
    }
    return handled;
  }

  struct stop_node : work {
    event_loop* loop;
    explicit stop_node(event_loop* l) noexcept : work(&apply), loop(l) {}
    static void apply(work& w) noexcept {
      event_loop& l = *static_cast<stop_node&>(w).loop;
      l.stopped_ = true;
      // sync(event_loop.stop): release; the node is ours no longer when the next stop posts it.
      l.stopping_.store(false, std::memory_order_release);
    }
  };

  post_queue<Atomics> posted_;
  typename Atomics::template atomic<bool> stopping_{false};
  stop_node stop_work_{this};
  bool stopped_ = false;
  unsigned direct_ = 0;
  intrusive_list<loop_waiter> ready_;
  intrusive_list<loop_waiter> yielded_;
  timer_wheel<> wheel_;
  nanoseconds spin_;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_IO_DETAIL_EVENT_LOOP_HPP
// ---- frys/io/detail/slot_table.hpp
// slot_table: objects that never move, found by a number; a number of an object that is gone is recognised.
//
// The kernel hands a number back long after it was given; a pointer might by then be somebody else's.
#ifndef FRYS_IO_DETAIL_SLOT_TABLE_HPP
#define FRYS_IO_DETAIL_SLOT_TABLE_HPP

namespace frys::inline FRYS_ABI::detail {

// T has members `std::uint32_t index, generation` and `bool live`, and a reset().
template <class T>
class slot_table {
 public:
  static constexpr std::uint32_t chunk = 64;

  // nullptr without memory.
  T* acquire() noexcept {
    if (free_ == none && !grow()) return nullptr;
    T& t = at(free_);
    free_ = t.next_free;
    t.live = true;
    ++live_;
    return &t;
  }
  void release(T& t) noexcept {
    t.reset();
    t.live = false;
    ++t.generation;
    t.next_free = free_;
    free_ = t.index;
    --live_;
  }
  static std::uint64_t number_of(const T& t) noexcept { return t.index | std::uint64_t{t.generation} << 32; }
  // nullptr for a number whose object is gone.
  T* find(std::uint64_t number) noexcept {
    const auto index = static_cast<std::uint32_t>(number);
    if (index >= size_) return nullptr;
    T& t = at(index);
    return t.live && t.generation == static_cast<std::uint32_t>(number >> 32) ? &t : nullptr;
  }
  [[nodiscard]] std::size_t live() const noexcept { return live_; }
  template <class F>
  void for_each_live(F&& f) {
    for (std::uint32_t i = 0; i < size_; ++i)
      if (at(i).live) f(at(i));
  }

  slot_table() = default;
  slot_table(const slot_table&) = delete;
  slot_table& operator=(const slot_table&) = delete;
  ~slot_table() {
    for (std::uint32_t i = 0; i < directory_; ++i) delete[] chunks_[i];
    delete[] chunks_;
  }

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  T& at(std::uint32_t i) noexcept { return chunks_[i / chunk][i % chunk]; }
  FRYS_NOINLINE bool grow() noexcept {
    if (directory_ == room_) {
      const std::uint32_t room = room_ == 0 ? 16 : room_ * 2;
      T** chunks = new (std::nothrow) T*[room];
      if (chunks == nullptr) return false;
      for (std::uint32_t i = 0; i < directory_; ++i) chunks[i] = chunks_[i];
      delete[] std::exchange(chunks_, chunks);
      room_ = room;
    }
    T* fresh = new (std::nothrow) T[chunk];
    if (fresh == nullptr) return false;
    chunks_[directory_++] = fresh;
    for (std::uint32_t i = chunk; i-- > 0;) {
      fresh[i].index = size_ + i;
      fresh[i].next_free = free_;
      free_ = size_ + i;
    }
    size_ += chunk;
    return true;
  }

  T** chunks_ = nullptr;
  std::uint32_t room_ = 0;
  std::uint32_t directory_ = 0;  // chunks there are
  std::uint32_t size_ = 0;       // slots there are
  std::uint32_t free_ = none;
  std::size_t live_ = 0;
};

// What slot_table needs in T.
struct slot_fields {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;
  std::uint32_t next_free = 0;
  bool live = false;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_IO_DETAIL_SLOT_TABLE_HPP
// ---- frys/io/detail/socket_calls.hpp
// socket_calls: the system calls on sockets that every backend makes.
// frys: real model
#ifndef FRYS_IO_DETAIL_SOCKET_CALLS_HPP
#define FRYS_IO_DETAIL_SOCKET_CALLS_HPP

#if FRYS_OS_LINUX
#include <sys/socket.h>
#include <sys/uio.h>

namespace frys::inline FRYS_ABI::detail {

// -1 and errno, EAGAIN if nothing is there.
inline ::ssize_t receive(int fd, std::byte* into, std::size_t room) noexcept {
  for (;;) {
    const ::ssize_t n = ::recv(fd, into, room, MSG_DONTWAIT);
    if (n >= 0 || errno != EINTR) return n;
  }
}

// How many segments go into one call.
inline constexpr std::size_t most_segments = 64;

// Fills `out` with the first segments of `data` and answers their number.
inline std::size_t gather(const buffer_chain& data, ::iovec* out, std::size_t most) noexcept {
  std::size_t n = 0;
  for (const buffer& b : data.segments()) {
    if (n == most) break;
    out[n++] = {b.data(), b.size()};
  }
  return n;
}

// Sends what the socket takes, and takes it off the front of `data`. True when all is sent; else errno says why,
// EAGAIN if the socket is full.
inline bool send_some(int fd, buffer& data) noexcept {
  while (!data.empty()) {
    const ::ssize_t n = ::send(fd, data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0)
      data.remove_prefix(static_cast<std::size_t>(n));
    else if (errno != EINTR)
      return false;
  }
  return true;
}
inline bool send_some(int fd, buffer_chain& data) noexcept {
  while (!data.empty()) {
    const auto segments = data.segments();
    ::ssize_t n;
    if (segments.size() == 1) {
      n = ::send(fd, segments[0].data(), segments[0].size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    } else {
      ::iovec parts[most_segments];
      ::msghdr message{};
      message.msg_iov = parts;
      message.msg_iovlen = gather(data, parts, most_segments);
      n = ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (n >= 0)
      data.consume(static_cast<std::size_t>(n));
    else if (errno != EINTR)
      return false;
  }
  return true;
}

// Starts to connect a new socket `out`; 0, EINPROGRESS, or what went wrong.
inline int start_connect(const socket_address& at, stream_socket& out) noexcept {
  out = socket_access::make(::socket(at.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!out.is_open()) return errno;
  // After EINTR the connection goes on in the background, as after EINPROGRESS.
  if (::connect(out.native_handle(), at.data(), at.size()) == 0) return 0;
  return errno == EINTR ? EINPROGRESS : errno;
}

// The error that waits at a socket, or 0.
inline int pending_error(int fd) noexcept {
  int failed = 0;
  ::socklen_t size = sizeof failed;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) == 0 ? failed : errno;
}

// A descriptor kept for bad times: when the table is full, a connection can still be taken off the queue and closed,
// so that a full table does not turn accept into a busy loop.
class reserve_descriptor {
 public:
  reserve_descriptor() noexcept { open(); }

  // A connection, or -1 and errno: EAGAIN when none waits, EMFILE or ENFILE after one had to be turned away.
  int accept(int listener) noexcept {
    for (;;) {
      const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) return fd;
      if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO) continue;
      if (errno == EMFILE || errno == ENFILE) turn_away(listener);
      return -1;
    }
  }
  // Takes one connection off the queue and closes it. Leaves errno as it was.
  void turn_away(int listener) noexcept {
    const int reason = errno;
    kept_.close();
    posix_file(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)).close();
    open();
    errno = reason;
  }

 private:
  void open() noexcept { kept_ = posix_file(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }
  posix_file kept_;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_OS_LINUX
#endif  // FRYS_IO_DETAIL_SOCKET_CALLS_HPP
// ---- frys/io/detail/socket_reactor.hpp
// socket_reactor: the socket operations as coroutines, for every backend that can say when a socket is worth a try.
//
// Each operation first makes its system call at once and waits only if that would block; then it is tried again when
// the backend reports the socket as ready. So no operation of this file leaves memory with the kernel while it waits.
//
// Derived gives watch(slot, place, waiter, want): lets `waiter` wait at `place` until the socket is worth a try; and
// forget(slot): ends whatever the kernel does for a socket that is about to be closed.
// frys: real model
#ifndef FRYS_IO_DETAIL_SOCKET_REACTOR_HPP
#define FRYS_IO_DETAIL_SOCKET_REACTOR_HPP

#if FRYS_OS_LINUX

namespace frys::inline FRYS_ABI::detail {

// An operation that waits for a socket. `attempt` tries it and answers whether it is complete.
struct socket_waiter : loop_waiter {
  bool (*attempt)(socket_waiter&) noexcept = nullptr;
  void (*cancel)(socket_waiter&) noexcept = nullptr;
  socket_waiter** place = nullptr;  // where the socket points to us, while we wait

  void leave() noexcept {
    if (place != nullptr) *std::exchange(place, nullptr) = nullptr;
  }
  ~socket_waiter() { leave(); }
};

// What a waiter waits for.
enum class want : std::uint8_t { data, readable, writable };

// What a reactor knows of a socket.
struct socket_slot : slot_fields, socket_state {
  socket_waiter* reader = nullptr;
  socket_waiter* writer = nullptr;
  std::uint32_t registered = 0;  // the backend's: what it watches already
  bool readable = true;          // a receive may bring something at once
  bool finished = false;         // the peer's end or an error is queued behind the data: no edge will tell again
  bool arrived = false;          // `inbox` or `failure` holds what the backend has received
  int failure = 0;               // errno, or 0
  buffer inbox;                  // empty: the peer's end
  std::uint64_t reading = 0;     // the backend's operations on the socket
  std::uint64_t writing = 0;

  void reset() noexcept {
    self = nullptr;
    owner = nullptr;
    on_close = nullptr;
    reader = writer = nullptr;
    registered = 0;
    readable = true;
    finished = arrived = false;
    failure = 0;
    inbox.reset();
    reading = writing = 0;
  }
};

template <class Derived, class Atomics, class Clock, class Pages>
class socket_reactor : public event_loop<Derived, Atomics, Clock> {
  using loop = event_loop<Derived, Atomics, Clock>;

 public:
  using socket = stream_socket;
  using listener = frys::listener;
  using buffer = frys::buffer;
  using buffer_chain = frys::buffer_chain;

  // Awaitable result<stream_socket>: the next connection. When no descriptor is left, it takes the connection off the
  // queue, closes it and answers errc::too_many_files: the queue gets shorter, and the peer learns.
  auto accept(listener& l) noexcept { return accept_awaiter(*this, l); }
  // Awaitable result<stream_socket>. Address: see socket_address::parse.
  auto connect(std::string_view address, std::uint16_t port) noexcept { return connect_awaiter(*this, address, port); }
  // Awaitable result<buffer>: what has arrived, at most buffer_bytes; empty when the peer has finished. One receiver at
  // a time (errc::busy).
  auto recv(socket& s) noexcept { return recv_awaiter(*this, s); }
  // Awaitable result<std::size_t>: sends all and answers how much that was. One sender at a time (errc::busy).
  auto send(socket& s, buffer data) noexcept { return send_awaiter<buffer>(*this, s, std::move(data)); }
  auto send(socket& s, buffer_chain data) noexcept { return send_awaiter<buffer_chain>(*this, s, std::move(data)); }
  // Sends what the socket takes at once, off the front of `data`, and never waits. True: that was all; false: the
  // socket is full, and send() would wait. Errors: busy while a send() waits; what send() answers.
  result<bool> try_send(socket& s, buffer_chain& data) noexcept {
    result<state*> at = attach(s);
    if (!at) return at.error();
    if ((*at)->writer != nullptr) return socket_busy;
    if (send_some((*at)->self->native_handle(), data)) return true;
    if (errno == EAGAIN) return false;
    return os_error(errno, "the connection broke while sending");
  }

  // Receive buffers that are out, and the like.
  [[nodiscard]] buffer_pool_stats buffers() noexcept { return pool_.stats(); }

 protected:
  explicit socket_reactor(const reactor_options& o) noexcept
      : loop(o.spin), options_(o), pool_(o.buffer_bytes, o.max_buffers) {}
  ~socket_reactor() {
    sockets_.for_each_live([](socket_slot& s) {
      if (s.reader != nullptr) s.reader->leave();
      if (s.writer != nullptr) s.writer->leave();
      socket_access::detach(s);
    });
  }

  // The socket is worth a try: tries what waits for it. Answers 1 if that is complete now.
  std::size_t go_on(socket_waiter* w) {
    if (w == nullptr || !w->attempt(*w)) return 0;
    w->leave();
    this->resume(w->handle);
    return 1;
  }

  reactor_options options_;
  buffer_pool<policy::pages<Pages>> pool_;
  slot_table<socket_slot> sockets_;

 private:
  using state = socket_slot;
  using waiter = socket_waiter;

  Derived& derived() noexcept { return static_cast<Derived&>(*this); }

  // The reactor's knowledge of a socket, made at its first use.
  result<state*> attach(socket_handle& s) noexcept {
    if (socket_state* known = socket_access::state(s)) {
      if (known->owner != this) return socket_foreign;
      return static_cast<state*>(known);
    }
    if (!s.is_open()) return socket_closed;
    state* fresh = sockets_.acquire();
    if (fresh == nullptr) return error{errc::out_of_memory, domain::io, "no memory for another socket", 0};
    fresh->owner = this;
    fresh->on_close = &closed;
    socket_access::attach(s, *fresh);
    return fresh;
  }

  static void closed(socket_state& base, int fd) noexcept {
    state& s = static_cast<state&>(base);
    auto& self = *static_cast<socket_reactor*>(s.owner);
    for (waiter* w : {s.reader, s.writer}) {
      if (w == nullptr) continue;
      w->leave();
      w->cancel(*w);
      self.make_ready(*w);
    }
    self.derived().forget(s, fd);
    ::close(fd);
    self.sockets_.release(s);
  }

  // What all awaiters do: try at once, wait if that would block, share the thread if it never does.
  template <class Self, class T>
  struct operation : waiter {
    operation(socket_reactor& r, const error& unset) noexcept : reactor(r), answer(unset) {
      this->attempt = [](waiter& w) noexcept { return static_cast<Self&>(w).try_now(); };
      this->cancel = [](waiter& w) noexcept { static_cast<Self&>(w).answer = operation_cancelled; };
    }
    // In await_ready: finds the socket and the place to wait at; false leaves an error in `answer`.
    bool begin(socket_handle& s, waiter* state::*at) noexcept {
      result<state*> found = reactor.attach(s);
      if (!found) return fail(found.error());
      if ((*found)->*at != nullptr) return fail(socket_busy);
      where = *found;
      return true;
    }
    bool fail(const error& e) noexcept {
      answer = e;
      return false;
    }
    bool wait_at(waiter* state::*at, want what, std::coroutine_handle<> h) noexcept {
      this->handle = h;
      if (complete) {
        reactor.make_ready(*this);
        return true;
      }
      result<void> watched = reactor.derived().watch(*where, where->*at, *this, what);
      if (!watched) answer = watched.error();
      return watched.has_value();
    }
    // After the first try: true if the coroutine need not suspend.
    bool at_once(bool done) noexcept {
      complete = done;
      return done && !reactor.had_its_share();
    }
    result<T> await_resume() noexcept { return std::move(answer); }

    socket_reactor& reactor;
    state* where = nullptr;
    result<T> answer;
    bool complete = false;
  };

  struct recv_awaiter : operation<recv_awaiter, buffer> {
    using base = operation<recv_awaiter, buffer>;
    recv_awaiter(socket_reactor& r, socket_handle& s) noexcept : base(r, operation_cancelled), socket_(s) {}
    bool await_ready() noexcept {
      if (!this->begin(socket_, &state::reader)) return true;
      return (this->where->readable || this->where->arrived) && this->at_once(try_now());
    }
    bool await_suspend(std::coroutine_handle<> h) noexcept { return this->wait_at(&state::reader, want::data, h); }
    bool try_now() noexcept {
      socket_reactor& r = this->reactor;
      state& s = *this->where;
      if (s.arrived) return take_arrived(s), true;
      if (!s.readable) return false;
      if (r.spare_.block() == nullptr) {
        result<buffer> leased = r.pool_.acquire();
        if (!leased) return this->answer = leased.error(), true;
        r.spare_ = *std::move(leased);
      }
      const std::size_t room = r.spare_.capacity();
      const ::ssize_t n = receive(s.self->native_handle(), r.spare_.data(), room);
      if (n < 0) {
        if (errno == EAGAIN) {
          s.readable = false;
          return false;
        }
        return this->answer = os_error(errno, "the connection broke while receiving"), true;
      }
      const auto count = static_cast<std::size_t>(n);
      if (count == 0) return this->answer = buffer(), true;
      // A short read has emptied the socket: what comes later makes a new edge. But an end that came before does not.
      s.readable = count == room || s.finished;
      static_cast<void>(r.spare_.extend(count));
      return this->answer = std::move(r.spare_), true;
    }
    // What the backend has received already.
    void take_arrived(state& s) noexcept {
      s.arrived = false;
      if (s.failure == 0)
        this->answer = std::move(s.inbox);
      else
        this->answer = os_error(std::exchange(s.failure, 0), "the connection broke while receiving");
    }
    socket_handle& socket_;
  };

  template <class Data>
  struct send_awaiter : operation<send_awaiter<Data>, std::size_t> {
    using base = operation<send_awaiter, std::size_t>;
    send_awaiter(socket_reactor& r, socket_handle& s, Data data) noexcept
        : base(r, operation_cancelled), socket_(s), data_(std::move(data)), total_(data_.size()) {}
    bool await_ready() noexcept {
      if (!this->begin(socket_, &state::writer)) return true;
      return this->at_once(try_now());
    }
    bool await_suspend(std::coroutine_handle<> h) noexcept { return this->wait_at(&state::writer, want::writable, h); }
    bool try_now() noexcept {
      if (send_some(this->where->self->native_handle(), data_)) return this->answer = total_, true;
      if (errno == EAGAIN) return false;
      return this->answer = os_error(errno, "the connection broke while sending"), true;
    }
    socket_handle& socket_;
    Data data_;
    std::size_t total_;
  };

  struct accept_awaiter : operation<accept_awaiter, socket> {
    using base = operation<accept_awaiter, socket>;
    accept_awaiter(socket_reactor& r, socket_handle& l) noexcept : base(r, operation_cancelled), listener_(l) {}
    bool await_ready() noexcept {
      if (!this->begin(listener_, &state::reader)) return true;
      return this->where->readable && this->at_once(try_now());
    }
    bool await_suspend(std::coroutine_handle<> h) noexcept { return this->wait_at(&state::reader, want::readable, h); }
    bool try_now() noexcept {
      socket_reactor& r = this->reactor;
      const int fd = r.reserve_.accept(this->where->self->native_handle());
      if (fd < 0) {
        if (errno == EAGAIN) {
          this->where->readable = false;
          return false;
        }
        return this->answer = os_error(errno, "no connection can be accepted"), true;
      }
      socket out = socket_access::make(fd);
      if (r.options_.no_delay) out.set_no_delay();
      return this->answer = std::move(out), true;
    }
    socket_handle& listener_;
  };

  struct connect_awaiter : operation<connect_awaiter, socket> {
    using base = operation<connect_awaiter, socket>;
    connect_awaiter(socket_reactor& r, std::string_view address, std::uint16_t port) noexcept
        : base(r, operation_cancelled), at_(socket_address::parse(address, port)) {}
    bool await_ready() noexcept {
      if (!at_) return this->answer = at_.error(), true;
      const int rc = start_connect(*at_, socket_);
      if (rc == 0) return finish();
      if (rc != EINPROGRESS) return this->answer = os_error(rc, "the connection cannot be made"), true;
      return !this->begin(socket_, &state::writer);
    }
    bool await_suspend(std::coroutine_handle<> h) noexcept { return this->wait_at(&state::writer, want::writable, h); }
    bool try_now() noexcept {
      const int failed = pending_error(socket_.native_handle());
      if (failed != 0) return this->answer = os_error(failed, "the connection cannot be made"), true;
      return finish();
    }
    bool finish() noexcept {
      if (this->reactor.options_.no_delay) socket_.set_no_delay();
      this->leave();  // the socket moves, its state stays
      return this->answer = std::move(socket_), true;
    }
    result<socket_address> at_;
    socket socket_;
  };

  buffer spare_;  // leased for the next receive
  reserve_descriptor reserve_;
};

}  // namespace frys::inline FRYS_ABI::detail

namespace frys::inline FRYS_ABI {

// The same as reactor.connect(address, port).
template <class Reactor>
auto connect(Reactor& reactor, std::string_view address, std::uint16_t port) noexcept {
  return reactor.connect(address, port);
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_OS_LINUX
#endif  // FRYS_IO_DETAIL_SOCKET_REACTOR_HPP
// ---- frys/io/epoll_reactor.hpp
// epoll_reactor: one thread's event loop on epoll: the reactor that works on every Linux.
//
// Use when  one thread serves many sockets and io_uring is not there or not allowed.
// Not when  file writes and syncs must not block the loop (uring_reactor); its files() are posix_files.
// Roles     post, stop: any thread. All else: the thread that runs the loop.
// Cost      an operation first tries the system call at once and waits only if that would block; a receive that brought
//           less than it could hold waits without asking again. Edge-triggered: one epoll_ctl per socket and direction
//           in its life. An idle connection holds a 64-byte slot and no buffer. No allocation per operation.
// Fairness  a coroutine whose operations are all complete at once lets the others run after 64 of them.
// Shutdown  destroying the reactor leaves what waits on it suspended for ever; destroy or join the tasks first.
//
// Policies, in any order, each at most once:
//   policy::atomics<A>  the atomics model              default atomics::standard
//   policy::clock<C>    the clock of the deadlines     default clocks::steady
//   policy::pages<P>    where receive buffers live     default os_pages
// frys: real model
#ifndef FRYS_IO_EPOLL_REACTOR_HPP
#define FRYS_IO_EPOLL_REACTOR_HPP

#if FRYS_OS_LINUX
#include <sys/epoll.h>
#include <sys/eventfd.h>

namespace frys::inline FRYS_ABI {

template <class... Policies>
class epoll_reactor
    : public detail::socket_reactor<epoll_reactor<Policies...>,
                                    typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type,
                                    typename policy::pick<policy::clock<clocks::steady>, Policies...>::type,
                                    typename policy::pick<policy::pages<os_pages>, Policies...>::type> {
  using accepted = policy::keys<policy::atomics_key, policy::clock_key, policy::pages_key>;
  static_assert(
      accepted::template known<Policies...>,
      "frys::epoll_reactor: unknown policy; it takes policy::atomics, policy::clock, policy::pages and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::epoll_reactor: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using clock_type = typename policy::pick<policy::clock<clocks::steady>, Policies...>::type;
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::epoll_reactor: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(clock_model<clock_type>,
                "frys::epoll_reactor: policy::clock wants a type with a static now() in nanoseconds");
  static_assert(page_source<pages_type>,
                "frys::epoll_reactor: policy::pages wants a page source, see core/concepts.hpp");

  using files_type = posix_files;

  static constexpr std::string_view name() noexcept { return "epoll"; }

  // Errors: too_many_files, out_of_memory; not_found if options.root is none.
  static result<std::unique_ptr<epoll_reactor>> create(const reactor_options& options = {}) {
    std::unique_ptr<epoll_reactor> out(new (std::nothrow) epoll_reactor(options));
    if (out == nullptr) return error{errc::out_of_memory, domain::io, "no memory for a reactor", 0};
    if (result<void> opened = out->open(); !opened) return opened.error();
    return out;
  }
  // The file system to use on this loop.
  files_type& files() noexcept { return files_; }

 private:
  using base = detail::socket_reactor<epoll_reactor, atomics_type, clock_type, pages_type>;
  friend base;
  friend detail::event_loop<epoll_reactor, atomics_type, clock_type>;
  using state = detail::socket_slot;
  using waiter = detail::socket_waiter;

  explicit epoll_reactor(const reactor_options& o) noexcept : base(o), files_(o.root) {}

  result<void> open() noexcept {
    if (result<void> rooted = files_.status(); !rooted) return rooted;
    epoll_ = posix_file(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_.is_open()) return os_error(errno, "no epoll descriptor");
    alarm_ = posix_file(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!alarm_.is_open()) return os_error(errno, "no event descriptor");
    ::epoll_event e{};
    e.events = EPOLLIN | EPOLLET;
    e.data.u64 = alarm_number;
    if (::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, alarm_.native_handle(), &e) != 0)
      return os_error(errno, "the event descriptor cannot be watched");
    most_events_ = (std::min)((std::max)(this->options_.events, 16u), 4096u);
    events_.reset(new (std::nothrow)::epoll_event[most_events_]);
    if (events_ == nullptr) return error{errc::out_of_memory, domain::io, "no memory for a reactor", 0};
    return {};
  }

  // Edge-triggered: a write is an edge also while the counter stands above zero, so nobody needs to read it.
  void wake() noexcept {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(alarm_.native_handle(), &one, sizeof one));
  }

  void wait(nanoseconds timeout) noexcept {
    int ms = timeout.count() < 0 ? -1 : 0;
    // Whole milliseconds, rounded up: the timers of the loop have no finer resolution.
    if (timeout.count() > 0)
      ms = static_cast<int>((std::min)((timeout.count() + 999'999) / 1'000'000, std::int64_t{3'600'000}));
    const int count = ::epoll_wait(epoll_.native_handle(), events_.get(), static_cast<int>(most_events_), ms);
    happened_ = count > 0 ? static_cast<unsigned>(count) : 0;
  }
  std::size_t handle() {
    std::size_t handled = 0;
    for (unsigned i = 0; i < happened_; ++i) {
      const ::epoll_event& e = events_[i];
      if (e.data.u64 == alarm_number)
        drain_alarm();
      else
        handled += happened(e.data.u64, e.events);
    }
    return handled;
  }

  // So that the counter never fills up.
  void drain_alarm() noexcept {
    std::uint64_t count;
    static_cast<void>(!::read(alarm_.native_handle(), &count, sizeof count));
  }

  std::size_t happened(std::uint64_t number, std::uint32_t events) {
    state* s = this->sockets_.find(number);
    if (s == nullptr) return 0;  // closed since
    const bool over = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    std::size_t handled = 0;
    if (over) s->finished = true;
    if (over || (events & EPOLLIN) != 0) {
      s->readable = true;
      handled += this->go_on(s->reader);
    }
    if (over || (events & EPOLLOUT) != 0) {
      if (handled != 0) s = this->sockets_.find(number);  // what went on may have closed it
      if (s != nullptr) handled += this->go_on(s->writer);
    }
    return handled;
  }
  // close takes it off epoll, unless another process has inherited it; the number of a slot that is gone is recognised,
  // so a late event does no harm.
  void forget(state&, int) noexcept {}

  // Lets `w` wait at `place` of `s`, with epoll watching for `events`. An error if the kernel cannot watch it.
  result<void> watch(state& s, waiter*& place, waiter& w, detail::want what) noexcept {
    const std::uint32_t events = what == detail::want::writable ? EPOLLIN | EPOLLOUT : EPOLLIN;
    if ((s.registered & events) != events) {
      ::epoll_event e{};
      e.events = s.registered | events | EPOLLRDHUP | EPOLLET;
      e.data.u64 = detail::slot_table<state>::number_of(s);
      if (::epoll_ctl(epoll_.native_handle(), s.registered == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD,
                      s.self->native_handle(), &e) != 0)
        return os_error(errno, "the socket cannot be watched");
      s.registered |= events;
    }
    place = &w;
    w.place = &place;
    return {};
  }

  static constexpr std::uint64_t alarm_number = ~std::uint64_t{0};

  posix_files files_;
  posix_file epoll_;
  posix_file alarm_;
  unsigned most_events_ = 0;
  unsigned happened_ = 0;  // of events_, since the last wait
  std::unique_ptr<::epoll_event[]> events_;
};

static_assert(reactor<epoll_reactor<>>);

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_OS_LINUX
#endif  // FRYS_IO_EPOLL_REACTOR_HPP
#if defined(FRYS_WITH_URING) && FRYS_WITH_URING

// ---- frys/io/detail/ring.hpp
// ring: one io_uring: set up as well as the kernel allows, submissions that never get lost, lent receive buffers.
// frys: real model
#ifndef FRYS_IO_DETAIL_RING_HPP
#define FRYS_IO_DETAIL_RING_HPP

#if FRYS_WITH_URING
#include <pthread.h>

namespace frys::inline FRYS_ABI::detail {

// Why this process has no io_uring, in words for people who have to change that.
inline error uring_refused(int number) noexcept {
  switch (number) {
    case EPERM:
    case EACCES:
      return os_error(number, "io_uring is forbidden here: a seccomp filter (containers) or kernel.io_uring_disabled");
    case ENOSYS:
      return os_error(number, "this kernel has no io_uring, or a seccomp filter hides it");
    case ENOMEM:
      return os_error(number, "no memory for an io_uring: RLIMIT_MEMLOCK (ulimit -l) or a memory limit is too small");
    case EINVAL:
      return {errc::unsupported, domain::io, "this kernel's io_uring is too old for frys", number};
    case EMFILE:
    case ENFILE:
      return os_error(number, "no descriptor is left for an io_uring");
    default:
      return os_error(number, "io_uring cannot be set up");
  }
}

class ring {
 public:
  ring() noexcept = default;
  ring(const ring&) = delete;
  ring& operator=(const ring&) = delete;
  ~ring() {
    if (open_) ::io_uring_queue_exit(&ring_);
  }

  // Takes the best flags that the kernel accepts, and fewer entries where memory is short.
  result<void> open(unsigned entries) noexcept {
    // Best first; each step gives up what older kernels lack (6.1, 6.0, 5.19, 5.18).
    constexpr unsigned base = IORING_SETUP_R_DISABLED | IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE;
    constexpr unsigned ladder[] = {
        base | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
        base | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN |
            IORING_SETUP_TASKRUN_FLAG,
        base | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
        base | IORING_SETUP_SUBMIT_ALL,
        base,
    };
    entries = std::bit_ceil((std::min)((std::max)(entries, 64u), 8192u));
    int rc = -EINVAL;
    std::size_t step = 0;
    while (step < std::size(ladder)) {
      ::io_uring_params p{};
      p.flags = ladder[step];
      p.cq_entries = entries * 4;  // completions may come faster than they are read
      rc = ::io_uring_queue_init_params(entries, &ring_, &p);
      if (rc == 0) {
        flags_ = ladder[step];
        open_ = true;
        return usable(p);
      }
      if (rc == -EINVAL)
        ++step;
      else if (rc == -ENOMEM && entries > 64)
        entries /= 2;
      else
        break;
    }
    return uring_refused(-rc);
  }

  // The first call makes the calling thread the ring's owner.
  result<void> enable() noexcept {
    if (enabled_) return {};
    const int rc = ::io_uring_register(static_cast<unsigned>(ring_.ring_fd), IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
    if (rc < 0) return os_error(-rc, "the io_uring cannot be enabled on this thread");
    enabled_ = true;
    owner_ = ::pthread_self();
    static_cast<void>(::io_uring_register_ring_fd(&ring_));  // only saves time; older kernels refuse
    return {};
  }

  // A free entry, or nullptr if even submitting makes no room: then keep the operation and come again.
  ::io_uring_sqe* entry() noexcept {
    if (::io_uring_sqe* e = ::io_uring_get_sqe(&ring_)) return e;
    submit();
    return ::io_uring_get_sqe(&ring_);
  }
  // Hands what was prepared to the kernel. Before the ring is enabled, it stays prepared.
  int submit() noexcept { return enabled_ ? ::io_uring_submit(&ring_) : -EBADFD; }

  // Submits, and waits for a completion for at most `timeout` (negative: for ever; zero: not at all).
  void enter(nanoseconds timeout) noexcept {
    if (timeout.count() == 0) {
      static_cast<void>(::io_uring_submit_and_get_events(&ring_));
      return;
    }
    ::io_uring_cqe* first = nullptr;
    ::__kernel_timespec t{};
    t.tv_sec = timeout.count() / 1'000'000'000;
    t.tv_nsec = timeout.count() % 1'000'000'000;
    static_cast<void>(
        ::io_uring_submit_and_wait_timeout(&ring_, &first, 1, timeout.count() < 0 ? nullptr : &t, nullptr));
  }

  struct completion {
    std::uint64_t number;
    std::int32_t result;
    std::uint32_t flags;
  };
  // Takes up to `most` completions off the queue.
  unsigned take(completion* out, unsigned most) noexcept {
    ::io_uring_cqe* found[batch];
    const unsigned n = ::io_uring_peek_batch_cqe(&ring_, found, (std::min)(most, batch));
    for (unsigned i = 0; i < n; ++i) out[i] = {found[i]->user_data, found[i]->res, found[i]->flags};
    if (n != 0) ::io_uring_cq_advance(&ring_, n);
    return n;
  }
  static constexpr unsigned batch = 64;

  ::io_uring& native() noexcept { return ring_; }
  [[nodiscard]] bool is_open() const noexcept { return open_; }
  [[nodiscard]] bool is_enabled() const noexcept { return enabled_; }
  // Whether this is the thread that enabled it. Without SINGLE_ISSUER too: the kernel ties requests to their thread.
  [[nodiscard]] bool is_owner() const noexcept { return enabled_ && ::pthread_equal(owner_, ::pthread_self()) != 0; }
  [[nodiscard]] unsigned flags() const noexcept { return flags_; }

 private:
  // Probes what the reactor uses: a filter may allow the set-up and nothing else.
  result<void> usable(const ::io_uring_params& p) noexcept {
    if ((p.features & IORING_FEAT_EXT_ARG) == 0 || (p.features & IORING_FEAT_NODROP) == 0) return uring_refused(EINVAL);
    ::io_uring_probe* probe = ::io_uring_get_probe_ring(&ring_);
    if (probe == nullptr) return uring_refused(EPERM);
    bool all = true;
    for (const int op :
         {IORING_OP_RECV, IORING_OP_POLL_ADD, IORING_OP_READ, IORING_OP_WRITE, IORING_OP_FSYNC, IORING_OP_ASYNC_CANCEL})
      all = all && ::io_uring_opcode_supported(probe, op) != 0;
    ::io_uring_free_probe(probe);
    if (!all) return uring_refused(EINVAL);
    return {};
  }

  ::io_uring ring_{};
  unsigned flags_ = 0;
  bool open_ = false;
  bool enabled_ = false;
  ::pthread_t owner_{};
};

// The receive buffers that the kernel may fill. It picks one when data are there, so a connection that waits costs
// none. Small on purpose: it hands them out in turn, and few buffers stay warm in the cache.
template <class Pool, class Pages>
class lent_buffers {
 public:
  static constexpr int group = 0;

  lent_buffers() noexcept = default;
  lent_buffers(const lent_buffers&) = delete;
  lent_buffers& operator=(const lent_buffers&) = delete;
  // Only when the kernel does not write any more.
  ~lent_buffers() {
    if (!memory_.empty()) Pages::release(memory_);
  }

  result<void> open(ring& r, Pool& pool, unsigned count) noexcept {
    count_ = std::bit_ceil((std::min)((std::max)(count, 1u), 4096u));
    result<byte_span> memory = Pages::allocate(count_ * sizeof(::io_uring_buf));
    if (!memory) return memory.error();
    memory_ = *memory;
    slots_ = reinterpret_cast<::io_uring_buf_ring*>(memory_.data());
    buffers_.reset(new (std::nothrow) buffer[count_]);
    if (buffers_ == nullptr) return error{errc::out_of_memory, domain::io, "no memory for the receive buffers", 0};
    ::io_uring_buf_reg reg{};
    reg.ring_addr = reinterpret_cast<std::uintptr_t>(memory_.data());
    reg.ring_entries = count_;
    reg.bgid = group;
    if (const int rc = ::io_uring_register_buf_ring(&r.native(), &reg, 0); rc < 0) return uring_refused(-rc);
    ::io_uring_buf_ring_init(slots_);
    for (unsigned i = 0; i < count_; ++i) lend(pool, i);
    publish();
    return lent_ == 0 ? result<void>(refusal_) : result<void>();
  }

  // The buffer that a completion names, filled with `count` bytes; another one is lent in its place.
  buffer take(Pool& pool, std::uint32_t flags, std::size_t count) noexcept {
    const unsigned id = flags >> IORING_CQE_BUFFER_SHIFT;
    FRYS_ASSERT(id < count_, "uring_reactor: the kernel names a buffer that does not exist");
    buffer out = std::move(buffers_[id]);
    static_cast<void>(out.extend(count));
    --lent_;
    lend(pool, id);
    return out;
  }
  // Tries to lend again where the pool refused before. Number of buffers that the kernel can fill.
  unsigned refill(Pool& pool) noexcept {
    if (lent_ != count_)
      for (unsigned i = 0; i < count_; ++i)
        if (buffers_[i].block() == nullptr && !lend(pool, i)) break;
    publish();
    return lent_;
  }
  void publish() noexcept {
    if (added_ == 0) return;
    ::io_uring_buf_ring_advance(slots_, static_cast<int>(std::exchange(added_, 0u)));  // a release store of the tail
  }
  // Why the pool refused last.
  [[nodiscard]] const error& refusal() const noexcept { return refusal_; }
  // The kernel may still write: keeps the buffers and their ring for ever.
  void abandon() noexcept {
    static_cast<void>(buffers_.release());
    memory_ = {};
  }

 private:
  bool lend(Pool& pool, unsigned id) noexcept {
    result<buffer> leased = pool.acquire();
    if (!leased) {
      refusal_ = leased.error();
      return false;
    }
    buffers_[id] = *std::move(leased);
    ::io_uring_buf_ring_add(slots_, buffers_[id].data(), static_cast<unsigned>(buffers_[id].capacity()),
                            static_cast<unsigned short>(id), ::io_uring_buf_ring_mask(count_),
                            static_cast<int>(added_++));
    ++lent_;
    return true;
  }

  byte_span memory_;
  ::io_uring_buf_ring* slots_ = nullptr;
  std::unique_ptr<buffer[]> buffers_;
  unsigned count_ = 0;
  unsigned lent_ = 0;   // in the kernel's hands, or on the way back
  unsigned added_ = 0;  // not yet published
  error refusal_{};
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_WITH_URING
#endif  // FRYS_IO_DETAIL_RING_HPP
#endif  // gate

// ---- frys/io/uring_reactor.hpp
// uring_reactor: one thread's event loop on io_uring: sockets and files in one ring.
//
// Use when  the loop must go on while files are written and synced, and the machine allows io_uring (with_reactor
// asks). Not when  a container forbids it (epoll_reactor). Roles     post, stop: any thread. All else: the thread that
// runs the loop. Another one may destroy it after that
//           thread has ended.
// Cost      what can be done at once is done by a plain system call; what would block waits in the ring, and all of a
//           turn's requests travel in the one call that waits. A receive that waits holds no buffer: the kernel picks
//           one of ring_buffers when data are there. No allocation per operation after the first ones.
// Buffers   what the kernel may write into belongs to the operation: a task that is dropped leaves the operation to the
//           ring, and its buffer comes back with the last completion. Data that nobody waits for any more stay with
//           the socket for its next receive.
// Needs     liburing >= 2.3, Linux >= 5.19; uses SINGLE_ISSUER and DEFER_TASKRUN (6.0, 6.1) where they are.
// Shutdown  the destructor cancels all operations and waits for their last completions; a file write or sync that is
//           under way ends first.
//
// Policies, in any order, each at most once:
//   policy::atomics<A>  the atomics model              default atomics::standard
//   policy::clock<C>    the clock of the deadlines     default clocks::steady
//   policy::pages<P>    where receive buffers live     default os_pages
// frys: real model
#ifndef FRYS_IO_URING_REACTOR_HPP
#define FRYS_IO_URING_REACTOR_HPP

#if FRYS_WITH_URING
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

namespace frys::inline FRYS_ABI {

namespace detail {

// A coroutine that waits for a file operation.
struct uring_waiter : loop_waiter {
  std::uint64_t number = 0;  // of the operation, while it is under way
  std::int32_t outcome = 0;  // negative: -errno
  std::size_t bytes = 0;
  buffer data;  // comes back with the outcome
};

// What the kernel works on. It, not the coroutine, owns the memory.
struct uring_operation : slot_fields {
  enum class kind : std::uint8_t { receive, readable, writable, read, write, sync, wake };

  kind what = kind::sync;
  bool queued = false;     // waits for room in the ring
  bool cancelled = false;  // nobody wants it any more
  int fd = -1;
  uring_operation* next = nullptr;  // among those that wait for room, or for a receive buffer
  std::uint64_t socket = 0;         // the slot that it belongs to
  uring_waiter* waiter = nullptr;   // or nullptr: an orphan
  buffer data;
  std::size_t done = 0;  // bytes so far
  std::uint64_t offset = 0;

  void reset() noexcept {
    queued = cancelled = false;
    fd = -1;
    next = nullptr;
    waiter = nullptr;
    data.reset();
    done = 0;
  }
};

}  // namespace detail

template <class... Policies>
class uring_reactor
    : public detail::socket_reactor<uring_reactor<Policies...>,
                                    typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type,
                                    typename policy::pick<policy::clock<clocks::steady>, Policies...>::type,
                                    typename policy::pick<policy::pages<os_pages>, Policies...>::type> {
  using accepted = policy::keys<policy::atomics_key, policy::clock_key, policy::pages_key>;
  static_assert(
      accepted::template known<Policies...>,
      "frys::uring_reactor: unknown policy; it takes policy::atomics, policy::clock, policy::pages and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::uring_reactor: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using clock_type = typename policy::pick<policy::clock<clocks::steady>, Policies...>::type;
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::uring_reactor: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(clock_model<clock_type>,
                "frys::uring_reactor: policy::clock wants a type with a static now() in nanoseconds");
  static_assert(page_source<pages_type>,
                "frys::uring_reactor: policy::pages wants a page source, see core/concepts.hpp");

  using buffer = frys::buffer;
  class files_type;

  static constexpr std::string_view name() noexcept { return "io_uring"; }

  // Errors: permission_denied, unsupported, out_of_memory, too_many_files, with a sentence that says what stands in the
  // way of io_uring; not_found if options.root is none. The thread that first runs the loop owns the ring.
  static result<std::unique_ptr<uring_reactor>> create(const reactor_options& options = {}) {
    std::unique_ptr<uring_reactor> out(new (std::nothrow) uring_reactor(options));
    if (out == nullptr) return error{errc::out_of_memory, domain::io, "no memory for a reactor", 0};
    if (result<void> opened = out->open(); !opened) return opened.error();
    return out;
  }
  ~uring_reactor() { shut_down(); }

  // The file system to use on this loop: writes, reads and syncs go through the ring.
  files_type& files() noexcept { return files_; }

  // Operations that the kernel has not ended yet.
  [[nodiscard]] std::size_t operations() const noexcept { return operations_.live(); }

 private:
  using base = detail::socket_reactor<uring_reactor, atomics_type, clock_type, pages_type>;
  friend base;
  friend detail::event_loop<uring_reactor, atomics_type, clock_type>;
  using state = detail::socket_slot;
  using waiter = detail::socket_waiter;
  using operation = detail::uring_operation;
  using kind = operation::kind;
  using table = detail::slot_table<operation>;
  using pool_type = buffer_pool<policy::pages<pages_type>>;

  explicit uring_reactor(const reactor_options& o) noexcept : base(o), files_(*this, o.root) {}

  result<void> open() noexcept;
  void shut_down() noexcept;
  void wake() noexcept {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(alarm_.native_handle(), &one, sizeof one));
  }

  void wait(nanoseconds timeout);
  std::size_t handle();
  std::size_t complete(const detail::ring::completion& c);
  std::size_t received(operation& op, const detail::ring::completion& c);
  std::size_t arrive(operation& op, state& s, int failure, buffer data);
  std::size_t feed();
  std::size_t ready_for(operation& op);
  std::size_t file_done(operation& op, std::int32_t outcome);
  // One request moves at most this much; file_done asks for the rest.
  static unsigned chunk_of(const operation& op) noexcept {
    return static_cast<unsigned>((std::min)(op.data.size() - op.done, std::size_t{1} << 30));
  }
  result<void> watch(state& s, waiter*& place, waiter& w, detail::want what) noexcept;
  void forget(state& s, int fd) noexcept;

  // Gives `op` to the kernel, now or when there is room.
  void start(operation& op) noexcept {
    if (queue_.empty())
      if (::io_uring_sqe* e = ring_.entry()) return prepare(op, *e);
    op.queued = true;
    queue_.push(op);
  }
  void start_queued() noexcept {
    while (!queue_.empty()) {
      ::io_uring_sqe* e = ring_.entry();
      if (e == nullptr) return;
      operation& op = *queue_.pop();
      op.queued = false;
      if (op.cancelled) {
        // An entry is an entry: let it do nothing.
        ::io_uring_prep_nop(e);
        ::io_uring_sqe_set_data64(e, ignored);
        operations_.release(op);
      } else {
        prepare(op, *e);
      }
    }
  }
  void prepare(operation& op, ::io_uring_sqe& e) noexcept;
  // Asks the kernel to end `op` soon; its completion comes in any case.
  void cancel(operation& op) noexcept {
    op.cancelled = true;
    if (op.queued) return;
    ::io_uring_sqe* e = ring_.entry();
    if (e == nullptr) {
      if (op.fd >= 0 && op.what <= kind::writable) ::shutdown(op.fd, SHUT_RDWR);
      return;
    }
    ::io_uring_prep_cancel64(e, table::number_of(op), 0);
    ::io_uring_sqe_set_data64(e, ignored);
  }

  static constexpr std::uint64_t ignored = ~std::uint64_t{0};  // no slot has this number

  posix_file alarm_;
  detail::lent_buffers<pool_type, pages_type> lent_;
  table operations_;
  intrusive_queue<operation> queue_;    // wait for room in the ring
  intrusive_queue<operation> starved_;  // receives that found no buffer
  std::size_t starving_ = 0;
  files_type files_;
  detail::ring ring_;  // last: dies first, so that the kernel is done before the rest goes
};

// The files of an io_uring loop. Names and sizes are asked at once; write, read and sync wait in the ring.
template <class... Policies>
class uring_reactor<Policies...>::files_type {
 public:
  using file = posix_file;
  using buffer = frys::buffer;

  [[nodiscard]] result<void> status() const noexcept { return names_.status(); }
  result<file> open(std::string_view path, open_mode mode) noexcept { return names_.open(path, mode); }
  result<void> remove(std::string_view path) noexcept { return names_.remove(path); }
  result<void> rename(std::string_view from, std::string_view to) noexcept { return names_.rename(from, to); }
  result<void> make_directory(std::string_view path) noexcept { return names_.make_directory(path); }
  result<void> sync_directory(std::string_view path) noexcept { return names_.sync_directory(path); }
  result<void> list(std::string_view path, void (*name)(void*, std::string_view), void* argument) {
    return names_.list(path, name, argument);
  }
  result<std::uint64_t> size(file& f) noexcept { return names_.size(f); }
  result<void> truncate(file& f, std::uint64_t bytes) noexcept { return names_.truncate(f, bytes); }

  // Writes of up to this many bytes are one call: into the page cache they take a microsecond or two, while the ring
  // hands buffered writes of most file systems to a thread of the kernel, which costs more than the write (2.8 us per
  // request of the reference kernel). Longer ones, reads and syncs wait in the ring, so that the loop goes on.
  static constexpr std::size_t direct_write = std::size_t{64} << 10;

  // The file must stay open until the operation has ended, also when its task is dropped.
  auto write(file& f, buffer data, std::uint64_t offset) noexcept {
    return awaiter<std::size_t>(reactor_, kind::write, f, std::move(data), offset);
  }
  auto read(file& f, buffer into, std::uint64_t offset) noexcept {
    return awaiter<buffer>(reactor_, kind::read, f, std::move(into), offset);
  }
  auto sync(file& f) noexcept { return awaiter<void>(reactor_, kind::sync, f, buffer(), 0); }

 private:
  friend uring_reactor;
  files_type(uring_reactor& r, std::string_view root) noexcept : reactor_(r), names_(root) {}

  template <class T>
  struct awaiter : detail::uring_waiter {
    awaiter(uring_reactor& r, kind k, file& f, buffer b, std::uint64_t o) noexcept
        : reactor(r), what(k), fd(f.native_handle()), offset(o) {
      this->data = std::move(b);
    }
    // Dropped: the operation goes on without us and keeps its memory.
    ~awaiter() {
      if (this->number != 0)
        if (operation* op = reactor.operations_.find(this->number)) op->waiter = nullptr;
    }
    bool await_ready() noexcept { return what == kind::write && this->data.size() <= direct_write && write_now(); }
    // False: the rest goes through the ring.
    bool write_now() noexcept {
      while (!this->data.empty()) {
        const ::ssize_t n = ::pwrite(fd, this->data.data(), this->data.size(), static_cast<::off_t>(offset));
        if (n <= 0) return false;  // the ring tells what is wrong
        this->bytes += static_cast<std::size_t>(n);
        offset += static_cast<std::uint64_t>(n);
        this->data.remove_prefix(static_cast<std::size_t>(n));
      }
      return true;
    }
    bool await_suspend(std::coroutine_handle<> h) noexcept {
      operation* op = reactor.operations_.acquire();
      if (op == nullptr) {
        this->outcome = -ENOMEM;
        return false;
      }
      this->handle = h;
      this->number = table::number_of(*op);
      op->what = what;
      op->fd = fd;
      op->waiter = this;
      op->data = std::move(this->data);
      op->offset = offset;
      reactor.start(*op);
      return true;
    }
    result<T> await_resume() noexcept {
      if (this->outcome < 0) {
        return os_error(-this->outcome, what == kind::write  ? "the file cannot be written"
                                        : what == kind::read ? "the file cannot be read"
                                                             : "the file cannot be synced");
      }
      if constexpr (std::is_same_v<T, buffer>)
        return std::move(this->data);
      else if constexpr (std::is_void_v<T>)
        return {};
      else
        return this->bytes;
    }
    uring_reactor& reactor;
    kind what;
    int fd;
    std::uint64_t offset;
  };

  uring_reactor& reactor_;
  posix_files names_;
};

template <class... Policies>
result<void> uring_reactor<Policies...>::open() noexcept {
  if (result<void> rooted = files_.status(); !rooted) return rooted;
  alarm_ = posix_file(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!alarm_.is_open()) return os_error(errno, "no event descriptor");
  if (result<void> set_up = ring_.open(this->options_.events); !set_up) return set_up;
  if (result<void> lent = lent_.open(ring_, this->pool_, this->options_.ring_buffers); !lent) return lent;
  operation* alarm = operations_.acquire();
  if (alarm == nullptr) return error{errc::out_of_memory, domain::io, "no memory for a reactor", 0};
  alarm->what = kind::wake;
  alarm->fd = alarm_.native_handle();
  start(*alarm);
  return {};
}

template <class... Policies>
void uring_reactor<Policies...>::prepare(operation& op, ::io_uring_sqe& e) noexcept {
  switch (op.what) {
    case kind::receive:
      ::io_uring_prep_recv(&e, op.fd, nullptr, this->options_.buffer_bytes, 0);
      e.flags |= IOSQE_BUFFER_SELECT;
      e.buf_group = detail::lent_buffers<pool_type, pages_type>::group;
      break;
    case kind::readable:
      ::io_uring_prep_poll_add(&e, op.fd, POLLIN);
      break;
    case kind::writable:
      ::io_uring_prep_poll_add(&e, op.fd, POLLOUT);
      break;
    case kind::wake:
      ::io_uring_prep_poll_multishot(&e, op.fd, POLLIN);
      break;
    case kind::read:
      ::io_uring_prep_read(&e, op.fd, op.data.data() + op.done, chunk_of(op), op.offset + op.done);
      break;
    case kind::write:
      ::io_uring_prep_write(&e, op.fd, op.data.data() + op.done, chunk_of(op), op.offset + op.done);
      break;
    case kind::sync:
      ::io_uring_prep_fsync(&e, op.fd, IORING_FSYNC_DATASYNC);
      break;
  }
  ::io_uring_sqe_set_data64(&e, table::number_of(op));
}

template <class... Policies>
result<void> uring_reactor<Policies...>::watch(state& s, waiter*& place, waiter& w, detail::want what) noexcept {
  std::uint64_t& under_way = what == detail::want::writable ? s.writing : s.reading;
  if (under_way == 0) {  // else one that a dropped task has left behind serves us
    operation* op = operations_.acquire();
    if (op == nullptr) return error{errc::out_of_memory, domain::io, "no memory for another operation", 0};
    op->what = what == detail::want::data       ? kind::receive
               : what == detail::want::readable ? kind::readable
                                                : kind::writable;
    op->fd = s.self->native_handle();
    op->socket = detail::slot_table<state>::number_of(s);
    under_way = table::number_of(*op);
    start(*op);
  }
  place = &w;
  w.place = &place;
  return {};
}

template <class... Policies>
void uring_reactor<Policies...>::forget(state& s, int) noexcept {
  if (s.reading == 0 && s.writing == 0) return;
  // Entries that name the descriptor must reach the kernel before its number can become another file's.
  ring_.submit();
  for (const std::uint64_t number : {s.reading, s.writing})
    if (number != 0)
      if (operation* op = operations_.find(number)) cancel(*op);
}

template <class... Policies>
void uring_reactor<Policies...>::wait(nanoseconds timeout) {
  if (!ring_.is_enabled())
    if (!ring_.enable()) return;
  start_queued();
  ring_.enter(timeout);
}

template <class... Policies>
std::size_t uring_reactor<Policies...>::handle() {
  std::size_t handled = 0;
  detail::ring::completion done[detail::ring::batch];
  for (unsigned rounds = 0; rounds < 64; ++rounds) {
    const unsigned n = ring_.take(done, detail::ring::batch);
    for (unsigned i = 0; i < n; ++i) handled += complete(done[i]);
    if (n != detail::ring::batch) break;
  }
  lent_.publish();
  if (starving_ != 0) handled += feed();
  return handled;
}

template <class... Policies>
std::size_t uring_reactor<Policies...>::complete(const detail::ring::completion& c) {
  operation* op = operations_.find(c.number);
  if (op == nullptr) return 0;  // an answer to a cancellation
  switch (op->what) {
    case kind::receive:
      return received(*op, c);
    case kind::readable:
    case kind::writable:
      return ready_for(*op);
    case kind::wake:
      if ((c.flags & IORING_CQE_F_MORE) == 0) start(*op);
      return 0;
    default:
      return file_done(*op, c.result);
  }
}

template <class... Policies>
std::size_t uring_reactor<Policies...>::received(operation& op, const detail::ring::completion& c) {
  buffer data;
  if ((c.flags & IORING_CQE_F_BUFFER) != 0)
    data = lent_.take(this->pool_, c.flags, c.result > 0 ? static_cast<std::size_t>(c.result) : 0);
  state* s = this->sockets_.find(op.socket);
  if (op.cancelled || s == nullptr) {
    operations_.release(op);
    return 0;
  }
  if (c.result == -ENOBUFS) {
    op.queued = true;
    starved_.push(op);
    ++starving_;
    return 0;
  }
  if (c.result == -EINTR || c.result == -EAGAIN) {
    start(op);
    return 0;
  }
  s->readable = (c.flags & IORING_CQE_F_SOCK_NONEMPTY) != 0;
  return arrive(op, *s, c.result < 0 ? -c.result : 0, std::move(data));
}

// Ends a receive: what it brought waits at the socket, for the receiver that is there or the next one.
template <class... Policies>
std::size_t uring_reactor<Policies...>::arrive(operation& op, state& s, int failure, buffer data) {
  operations_.release(op);
  s.reading = 0;
  s.arrived = true;
  s.failure = failure;
  s.inbox = std::move(data);
  return this->go_on(s.reader);
}

// Receives that found no buffer try again, as many as there are buffers now. Without any, they fail.
template <class... Policies>
std::size_t uring_reactor<Policies...>::feed() {
  const unsigned buffers = lent_.refill(this->pool_);
  const std::size_t most = buffers == 0 ? starving_ : (std::min)(starving_, std::size_t{buffers});
  std::size_t handled = 0;
  for (std::size_t i = 0; i < most; ++i) {
    operation& op = *starved_.pop();
    --starving_;
    op.queued = false;
    state* s = this->sockets_.find(op.socket);
    if (op.cancelled || s == nullptr)
      operations_.release(op);
    else if (buffers != 0)
      start(op);
    else
      handled += arrive(op, *s, ENOBUFS, {});
  }
  return handled;
}

template <class... Policies>
std::size_t uring_reactor<Policies...>::ready_for(operation& op) {
  const kind what = op.what;
  const std::uint64_t number = op.socket;
  operations_.release(op);
  state* s = this->sockets_.find(number);
  if (s == nullptr) return 0;
  (what == kind::writable ? s->writing : s->reading) = 0;
  if (what == kind::readable) s->readable = true;
  waiter* w = what == kind::writable ? s->writer : s->reader;
  if (w == nullptr || this->go_on(w) != 0) return w != nullptr ? 1 : 0;
  // Not yet: it waits again.
  waiter*& place = what == kind::writable ? s->writer : s->reader;
  if (result<void> again =
          watch(*s, place, *w, what == kind::writable ? detail::want::writable : detail::want::readable);
      again)
    return 0;
  w->leave();
  w->cancel(*w);
  this->make_ready(*w);
  return 0;
}

template <class... Policies>
std::size_t uring_reactor<Policies...>::file_done(operation& op, std::int32_t outcome) {
  if (outcome == -EINTR || outcome == -EAGAIN) {
    start(op);
    return 0;
  }
  if (op.what != kind::sync && outcome >= 0) {
    op.done += static_cast<std::size_t>(outcome);
    if (outcome != 0 && op.done != op.data.size()) {
      start(op);
      return 0;
    }
    if (op.what == kind::read)
      op.data.truncate(op.done);
    else if (op.done != op.data.size())
      outcome = -ENOSPC;  // the file takes no more bytes
  }
  detail::uring_waiter* w = op.waiter;
  if (w != nullptr) {
    w->number = 0;
    w->outcome = outcome;
    w->bytes += op.done;  // behind what was written at once
    w->data = std::move(op.data);
  }
  operations_.release(op);
  if (w == nullptr) return 0;
  this->resume(w->handle);
  return 1;
}

template <class... Policies>
void uring_reactor<Policies...>::shut_down() noexcept {
  operations_.for_each_live([](operation& op) {
    if (op.waiter != nullptr) op.waiter->number = 0;
    op.waiter = nullptr;
  });
  // Never enabled: the kernel has seen nothing. Another thread's ring: that thread has ended, and the kernel has ended
  // its operations with it.
  if (!ring_.is_enabled() || !ring_.is_owner()) return;
  while (!queue_.empty()) operations_.release(*queue_.pop());
  while (!starved_.empty()) operations_.release(*starved_.pop());
  operations_.for_each_live([this](operation& op) {
    if (!op.cancelled) cancel(op);
  });
  detail::ring::completion done[detail::ring::batch];
  for (int second = 0; operations_.live() != 0; ++second) {
    if (second == 30) {
      // The kernel does not answer. It may still write: leave it the memory.
      lent_.abandon();
      operations_.for_each_live(
          [](operation& op) { static_cast<void>(new (std::nothrow) buffer(std::move(op.data))); });
      return;
    }
    ring_.enter(nanoseconds{1'000'000'000});
    while (const unsigned n = ring_.take(done, detail::ring::batch)) {
      second = -1;
      for (unsigned i = 0; i < n; ++i) {
        operation* op = operations_.find(done[i].number);
        if (op != nullptr && (done[i].flags & IORING_CQE_F_MORE) == 0) operations_.release(*op);
      }
    }
  }
}

static_assert(reactor<uring_reactor<>>);
static_assert(file_system<uring_reactor<>::files_type>);

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_WITH_URING
#endif  // FRYS_IO_URING_REACTOR_HPP
// ---- frys/io/choose.hpp
// with_reactor: the best reactor that this machine allows, chosen at run time, and why.
//
// Use when  one program shall run on a bare machine (io_uring) and in a container that forbids io_uring (epoll).
// Not when  the build decides: name epoll_reactor or uring_reactor.
// Cost      the function is instantiated once per backend; after the choice nothing is indirect.
#ifndef FRYS_IO_CHOOSE_HPP
#define FRYS_IO_CHOOSE_HPP

#if FRYS_OS_LINUX

namespace frys::inline FRYS_ABI {

enum class backend : std::uint8_t {
  best,   // io_uring if it can be had, else epoll
  uring,  // io_uring or an error
  epoll,
};

namespace detail {

// Calls f(reactor, reason), or f(reactor) if it does not ask for the reason.
template <class F, class Reactor>
auto call_with(F& f, Reactor& r, std::string_view reason) {
  if constexpr (std::is_invocable_v<F&, Reactor&, std::string_view>)
    return f(r, reason);
  else
    return f(r);
}

template <class F, class Reactor>
using called_with_t = decltype(call_with(std::declval<F&>(), std::declval<Reactor&>(), std::string_view()));

template <class Reactor, class F>
result<called_with_t<F, Reactor>> run_with(Reactor& r, F& f, std::string_view reason) {
  if constexpr (std::is_void_v<called_with_t<F, Reactor>>) {
    call_with(f, r, reason);
    return {};
  } else {
    return call_with(f, r, reason);
  }
}

// `Uring` is whether this translation unit has liburing; in the name, so that units which disagree can be linked.
template <bool Uring, class... Policies, class F>
auto with_reactor_impl(const reactor_options& options, backend wanted, F& f)
    -> result<called_with_t<F, epoll_reactor<Policies...>>> {
  std::string_view reason = "epoll was asked for";
  if (wanted != backend::epoll) {
    if constexpr (Uring) {
#if FRYS_WITH_URING
      auto made = uring_reactor<Policies...>::create(options);
      if (made) return run_with(**made, f, "io_uring works here");
      if (wanted == backend::uring) return made.error();
      reason = made.error().message;
#endif
    } else {
      reason = "this program was built without liburing (FRYS_WITH_URING)";
      if (wanted == backend::uring) return error{errc::unsupported, domain::io, reason.data(), 0};
    }
  }
  auto made = epoll_reactor<Policies...>::create(options);
  if (!made) return made.error();
  return run_with(**made, f, reason);
}

}  // namespace detail

// Makes a reactor and calls f(reactor) or f(reactor, reason) with it; the reactor lives during the call. `reason` is
// one sentence on why it is this one and lives for ever; reactor.name() is the backend's name. Answers what f answers
// (the same type for every reactor), or why no reactor could be made.
template <class... Policies, class F>
auto with_reactor(const reactor_options& options, backend wanted, F&& f) {
  return detail::with_reactor_impl<FRYS_WITH_URING != 0, Policies...>(options, wanted, f);
}
template <class... Policies, class F>
auto with_reactor(const reactor_options& options, F&& f) {
  return with_reactor<Policies...>(options, backend::best, std::forward<F>(f));
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_OS_LINUX
#endif  // FRYS_IO_CHOOSE_HPP
// ---- frys/io/fwd.hpp
// fwd: the names of io without their bodies.
#ifndef FRYS_IO_FWD_HPP
#define FRYS_IO_FWD_HPP

namespace frys::inline FRYS_ABI {

struct reactor_options;
class socket_address;
class socket_handle;
class stream_socket;
struct listener_options;
class listener;
class posix_file;
class posix_files;
enum class backend : std::uint8_t;
template <class... Policies>
class epoll_reactor;
template <class... Policies>
class uring_reactor;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_IO_FWD_HPP
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
  bool short_line(const char* base, std::size_t size, char type, std::int64_t& value) noexcept;
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

// The most usual line: one digit or two, all there. False: not that, nothing happened.
inline bool resp_decoder::short_line(const char* base, std::size_t size, char type, std::int64_t& value) noexcept {
  if (size - pos_ < 5) return false;
  const char* const line = base + pos_;
  const unsigned first = static_cast<unsigned>(static_cast<unsigned char>(line[1])) - '0';
  if (line[0] != type || first > 9) return false;
  if (line[2] == '\r') {
    value = first;
    pos_ += 4;
    return true;
  }
  const unsigned second = static_cast<unsigned>(static_cast<unsigned char>(line[2])) - '0';
  if (line[3] != '\r' || second > 9 || first == 0) return false;
  value = first * 10 + second;
  pos_ += 5;
  return true;
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
    if (!short_line(base, size, '*', value))
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
      if (!short_line(base, size, '$', value))
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
// Use when  a connection gathers its replies and sends them once per loop; take() hands them to a reactor as a buffer.
// Threads   one owner.
// Cost      amortised O(1) per byte; the memory is kept over clear(), up to `keep` bytes.
// Errors    out of memory sets failed(), and grow answers nullptr until clear(); what was written before stays.
#ifndef FRYS_NET_RESP_OUTPUT_HPP
#define FRYS_NET_RESP_OUTPUT_HPP

namespace frys::inline FRYS_ABI {

class resp_output {
 public:
  resp_output() noexcept = default;
  resp_output(resp_output&& other) noexcept { swap(other); }
  resp_output& operator=(resp_output&& other) noexcept {
    resp_output taken(std::move(other));
    swap(taken);
    return *this;
  }
  void swap(resp_output& other) noexcept {
    block_.swap(other.block_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(failed_, other.failed_);
  }

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
    if (capacity_ > keep) forget();
  }
  // All that was written, without a copy; this is empty then and owns nothing.
  [[nodiscard]] buffer take() noexcept {
    buffer out = std::move(block_);
    out.truncate(size_);
    forget();
    size_ = 0;
    return out;
  }

 private:
  void forget() noexcept {
    block_.reset();
    data_ = nullptr;
    capacity_ = 0;
  }
  FRYS_NOINLINE bool enlarge(std::size_t n) noexcept {
    const std::size_t most = static_cast<std::size_t>(-1) / 2;
    if (!failed_ && n < most - size_ && size_ < most / 2) {
      std::size_t wanted = capacity_ < 256 ? 512 : capacity_ * 2;
      if (wanted < size_ + n) wanted = size_ + n;
      if (result<buffer> bigger = buffer::allocate(wanted)) {
        char* const data = reinterpret_cast<char*>(bigger->data());
        if (size_ != 0) std::memcpy(data, data_, size_);
        block_ = std::move(*bigger);
        data_ = data;
        capacity_ = wanted;
        return true;
      }
    }
    failed_ = true;
    return false;
  }

  buffer block_;  // owns what data_ points at
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
  if (children != 0 && open_.size() > limits_.max_depth)
    return fail(errc::too_large, "a reply is nested deeper than the limit");
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
#if (defined(FRYS_WITH_HIGHWAY) && FRYS_WITH_HIGHWAY) || (defined(FRYS_WITH_SEARCH) && FRYS_WITH_SEARCH) || (defined(FRYS_WITH_SIMD) && FRYS_WITH_SIMD) || (defined(FRYS_WITH_STORAGE) && FRYS_WITH_STORAGE)

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

// Which kernels run; null until the first call has asked the processor. Constant-initialised, so that calls from other
// translation units' static constructors find it in order.
template <class Kernels>
class choice {
 public:
  // relaxed: tables are constants, nothing is published with the pointer; a race stores the same choice twice.
  const Kernels* get() const noexcept { return active_.load(std::memory_order_relaxed); }
  void set(const Kernels& chosen) noexcept { active_.store(&chosen, std::memory_order_relaxed); }  // relaxed: as above

 private:
  std::atomic<const Kernels*> active_{nullptr};
};

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail

#endif  // FRYS_SIMD_DETAIL_CPU_HPP
#endif  // gate
#if (defined(FRYS_WITH_HIGHWAY) && FRYS_WITH_HIGHWAY) || (defined(FRYS_WITH_SEARCH) && FRYS_WITH_SEARCH) || (defined(FRYS_WITH_SIMD) && FRYS_WITH_SIMD)

// ---- frys/simd/detail/kernels.hpp
// kernels: the table of what a target offers. One kernel_set per target that is compiled in.
#ifndef FRYS_SIMD_DETAIL_KERNELS_HPP
#define FRYS_SIMD_DETAIL_KERNELS_HPP

namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI {

// A step of instruction sets that kernels are compiled for. `baseline` is whatever the compiler was told (-m flags).
enum class isa : std::uint8_t { baseline, avx2, avx512, avx512_zen4 };

// The kernels of one target, as plain functions of pointers and sizes. Take one set before a hot loop to dispatch once.
// Sums run in lanes and with fused multiply-add where the target has it, so they differ from target to target by
// rounding; on one target equal inputs give equal bits.
struct kernel_set {
  std::string_view name;     // back end and instruction set, for example "highway-avx2"
  isa level;                 // what it was compiled for
  std::size_t vector_bytes;  // of one register as the kernels use it
  std::uint32_t needs;       // processor features; see runnable()

  // Over n floats each; no alignment is asked for. n == 0 answers 0.
  float (*dot)(const float* a, const float* b, std::size_t n) noexcept;
  float (*l2_squared)(const float* a, const float* b, std::size_t n) noexcept;
  float (*cosine)(const float* a, const float* b, std::size_t n) noexcept;
  // out[i] = dot or l2_squared of `query` with the row at rows + i * stride, for i < count. The same bits come out for
  // the same row wherever it stands, except on 32-bit x86 without SSE, whose x87 registers round at the compiler's
  // will.
  void (*dot_rows)(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t n,
                   float* out) noexcept;
  void (*l2_squared_rows)(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t n,
                          float* out) noexcept;
  // The index of the first byte that equals `a` (or `b`); n if there is none.
  std::size_t (*find_byte)(const std::byte* data, std::size_t n, std::byte a) noexcept;
  std::size_t (*find_either)(const std::byte* data, std::size_t n, std::byte a, std::byte b) noexcept;
};

namespace detail {
// From tail_mask + 16 - (lanes - r), `lanes` words: the last r are ones, the others zero. A vector that ends at the end
// of the data and overlaps what was already summed is cleared with it, so that no kernel reads past its input.
FRYS_SIMD_LOCAL inline constexpr std::int32_t tail_mask[32] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
}  // namespace detail

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI

#endif  // FRYS_SIMD_DETAIL_KERNELS_HPP
// ---- frys/simd/target.hpp
// target: which SIMD kernels are compiled in, which this machine can run, and which one is chosen.
//
// Use when  you want to know or to log the choice, to take one target's kernels in a test, or to dispatch once before a
//           hot loop: `const auto& k = simd::kernels();`. For single calls use distance.hpp and bytes.hpp.
// How       each kernel is compiled once per target; the first call asks the processor (cpuid, xgetbv) and remembers
// the
//           best table that it can run. No library is linked, no file is compiled, static constructors may call.
// Back end  Highway where the gate FRYS_WITH_HIGHWAY is 1, else the plain one, which is complete and dispatched too.
// Threads   any thread. Progress: wait-free. Cost: one relaxed load and a branch.
// Source    the dispatch without foreach_target.h is our own; the kernels' shape is common knowledge.
//
// frys: real model
#ifndef FRYS_SIMD_TARGET_HPP
#define FRYS_SIMD_TARGET_HPP

// The one gate check around includes: a back end is a set of kernels, and only one is taken.
#if FRYS_SIMD_IS_HIGHWAY
// foreach_highway: the Highway kernels once per target. Defines FRYS_SIMD_T0 and, where compiled in, FRYS_SIMD_T2, _T3,
// _T4: the namespaces of the targets.
//
// Nothing of Highway is linked, so HWY_EXPORT, HWY_DYNAMIC_DISPATCH and hwy/foreach_target.h are not used; the latter
// would have to find this very file again, which a renamed single header cannot offer. Highway's resting state, before
// and after: what one plain #include <hwy/highway.h> leaves, which is HWY_TARGET == HWY_STATIC_TARGET,
// HWY_TARGET_TOGGLE undefined, HWY_HIGHWAY_PER_TARGET defined and HWY_ONCE == 1.
//
// Included by ../target.hpp alone, which declares what the kernels need first.
#ifndef FRYS_SIMD_DETAIL_FOREACH_HIGHWAY_HPP
#define FRYS_SIMD_DETAIL_FOREACH_HIGHWAY_HPP

#if defined(HWY_ONCE)
#if !HWY_ONCE
#error "frys: include frys before the per-target passes of hwy/foreach_target.h, or under #if HWY_ONCE"
#endif
#endif

// Highway's debug assertions call hwy::Abort, which lives in its library; nothing may need to be linked.
#ifndef HWY_IS_DEBUG_BUILD
#define HWY_IS_DEBUG_BUILD 0
#endif
#include <hwy/highway.h>

#define FRYS_SIMD_BACKEND_NAME "highway"

// If the user already ran foreach_target.h, every target's operations are declared and only macros are switched.
#ifdef HIGHWAY_HWY_FOREACH_TARGET_H_
#define FRYS_SIMD_OPS_READY 1
#else
#define FRYS_SIMD_OPS_READY 0
#endif
#ifdef HWY_TARGET_TOGGLE
#define FRYS_SIMD_TOGGLE_WAS_ON
#endif

// The compile baseline, always. Highway before 1.0.4 has no SSE2 target with g++ and answers "scalar" or emulation for
// plain x86-64; the plain kernels are four times as wide there.
#if HWY_STATIC_TARGET == HWY_SCALAR || HWY_STATIC_TARGET == HWY_EMU128
#define FRYS_SIMD_NS t0_baseline
#define FRYS_SIMD_LANES 4
// kernels_plain: the plain kernels, once for each target. No include guard: the includer defines FRYS_SIMD_NS (the
// target's namespace) and FRYS_SIMD_LANES (floats in a register) and has switched the compiler to the target.
//
// Inside: vector types of the compiler, builtins and functions of this namespace only. A std:: template that is first
// instantiated here would become a weak symbol full of this target's instructions, for the whole program.
// Vectors never travel by value between functions: that would depend on the ABI of the baseline.
namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail::FRYS_SIMD_NS {

typedef float vf __attribute__((vector_size(FRYS_SIMD_LANES * 4)));
typedef std::int32_t vi __attribute__((vector_size(FRYS_SIMD_LANES * 4)));
typedef float v4 __attribute__((vector_size(16)));
inline constexpr std::size_t lanes = FRYS_SIMD_LANES;

inline void load(vf& to, const float* from) noexcept { __builtin_memcpy(&to, from, sizeof to); }

// Clears all but the last r lanes.
inline void keep_last(vf& v, std::size_t r) noexcept {
  vi mask, bits;
  __builtin_memcpy(&mask, tail_mask + 16 - lanes + r, sizeof mask);
  __builtin_memcpy(&bits, &v, sizeof bits);
  bits &= mask;
  __builtin_memcpy(&v, &bits, sizeof v);
}

inline float sum(const vf& v) noexcept {
  v4 part[lanes / 4];
  __builtin_memcpy(part, &v, sizeof part);
  v4 s = part[0];
  for (std::size_t i = 1; i < lanes / 4; ++i) s += part[i];
  return (s[0] + s[2]) + (s[1] + s[3]);
}

inline float dot(const float* a, const float* b, std::size_t n) noexcept {
  if (n < lanes) {
    float r = 0;
    for (std::size_t i = 0; i < n; ++i) r += a[i] * b[i];
    return r;
  }
  vf s0{}, s1{}, s2{}, s3{}, x0, x1, x2, x3, y0, y1, y2, y3;
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    load(x0, a + i), load(y0, b + i);
    load(x1, a + i + lanes), load(y1, b + i + lanes);
    load(x2, a + i + 2 * lanes), load(y2, b + i + 2 * lanes);
    load(x3, a + i + 3 * lanes), load(y3, b + i + 3 * lanes);
    s0 += x0 * y0;
    s1 += x1 * y1;
    s2 += x2 * y2;
    s3 += x3 * y3;
  }
  for (; i + lanes <= n; i += lanes) {
    load(x0, a + i), load(y0, b + i);
    s0 += x0 * y0;
  }
  if (i != n) {
    load(x1, a + n - lanes), load(y1, b + n - lanes);
    keep_last(x1, n - i), keep_last(y1, n - i);
    s1 += x1 * y1;
  }
  s0 = (s0 + s1) + (s2 + s3);
  return sum(s0);
}

inline float l2_squared(const float* a, const float* b, std::size_t n) noexcept {
  if (n < lanes) {
    float r = 0;
    for (std::size_t i = 0; i < n; ++i) r += (a[i] - b[i]) * (a[i] - b[i]);
    return r;
  }
  vf s0{}, s1{}, s2{}, s3{}, x0, x1, x2, x3, y0, y1, y2, y3;
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    load(x0, a + i), load(y0, b + i);
    load(x1, a + i + lanes), load(y1, b + i + lanes);
    load(x2, a + i + 2 * lanes), load(y2, b + i + 2 * lanes);
    load(x3, a + i + 3 * lanes), load(y3, b + i + 3 * lanes);
    x0 -= y0, x1 -= y1, x2 -= y2, x3 -= y3;
    s0 += x0 * x0;
    s1 += x1 * x1;
    s2 += x2 * x2;
    s3 += x3 * x3;
  }
  for (; i + lanes <= n; i += lanes) {
    load(x0, a + i), load(y0, b + i);
    x0 -= y0;
    s0 += x0 * x0;
  }
  if (i != n) {
    load(x1, a + n - lanes), load(y1, b + n - lanes);
    x1 -= y1;
    keep_last(x1, n - i);
    s1 += x1 * x1;
  }
  s0 = (s0 + s1) + (s2 + s3);
  return sum(s0);
}

inline float cosine(const float* a, const float* b, std::size_t n) noexcept {
  float ab = 0, aa = 0, bb = 0;
  if (n < lanes) {
    for (std::size_t i = 0; i < n; ++i) {
      ab += a[i] * b[i];
      aa += a[i] * a[i];
      bb += b[i] * b[i];
    }
  } else {
    vf ab0{}, ab1{}, aa0{}, aa1{}, bb0{}, bb1{}, x0, x1, y0, y1;
    std::size_t i = 0;
    for (; i + 2 * lanes <= n; i += 2 * lanes) {
      load(x0, a + i), load(y0, b + i);
      load(x1, a + i + lanes), load(y1, b + i + lanes);
      ab0 += x0 * y0, aa0 += x0 * x0, bb0 += y0 * y0;
      ab1 += x1 * y1, aa1 += x1 * x1, bb1 += y1 * y1;
    }
    for (; i + lanes <= n; i += lanes) {
      load(x0, a + i), load(y0, b + i);
      ab0 += x0 * y0, aa0 += x0 * x0, bb0 += y0 * y0;
    }
    if (i != n) {
      load(x1, a + n - lanes), load(y1, b + n - lanes);
      keep_last(x1, n - i), keep_last(y1, n - i);
      ab1 += x1 * y1, aa1 += x1 * x1, bb1 += y1 * y1;
    }
    ab0 += ab1, aa0 += aa1, bb0 += bb1;
    ab = sum(ab0), aa = sum(aa0), bb = sum(bb0);
  }
  const float norms = __builtin_sqrtf(aa) * __builtin_sqrtf(bb);
  return norms > 0 ? ab / norms : 0.0f;
}

// Four rows at a time: each part of the query is loaded once for all of them. A group at the end repeats its last row
// rather than taking another way, so that a row's value does not depend on its place.
#define FRYS_SIMD_ROWS(name, scalar_step, prepare, factor)                                                      \
  inline void name(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t n, \
                   float* out) noexcept {                                                                       \
    for (std::size_t row = 0; row < count; row += 4) {                                                          \
      const std::size_t left = count - row;                                                                     \
      const float* const r0 = rows + row * stride;                                                              \
      const float* const r1 = left > 1 ? r0 + stride : r0;                                                      \
      const float* const r2 = left > 2 ? r1 + stride : r1;                                                      \
      const float* const r3 = left > 3 ? r2 + stride : r2;                                                      \
      float t0 = 0, t1 = 0, t2 = 0, t3 = 0;                                                                     \
      if (n < lanes) {                                                                                          \
        for (std::size_t i = 0; i < n; ++i) {                                                                   \
          const float q = query[i];                                                                             \
          scalar_step(t0, r0[i]) scalar_step(t1, r1[i]) scalar_step(t2, r2[i]) scalar_step(t3, r3[i])           \
        }                                                                                                       \
      } else {                                                                                                  \
        vf a0{}, a1{}, a2{}, a3{}, b0{}, b1{}, b2{}, b3{}, q, x0, x1, x2, x3;                                   \
        std::size_t i = 0;                                                                                      \
        for (; i + 2 * lanes <= n; i += 2 * lanes) {                                                            \
          load(q, query + i), load(x0, r0 + i), load(x1, r1 + i), load(x2, r2 + i), load(x3, r3 + i);           \
          prepare(x0) prepare(x1) prepare(x2) prepare(x3) a0 += x0 * factor(x0), a1 += x1 * factor(x1),         \
              a2 += x2 * factor(x2), a3 += x3 * factor(x3);                                                     \
          const std::size_t j = i + lanes;                                                                      \
          load(q, query + j), load(x0, r0 + j), load(x1, r1 + j), load(x2, r2 + j), load(x3, r3 + j);           \
          prepare(x0) prepare(x1) prepare(x2) prepare(x3) b0 += x0 * factor(x0), b1 += x1 * factor(x1),         \
              b2 += x2 * factor(x2), b3 += x3 * factor(x3);                                                     \
        }                                                                                                       \
        if (i + lanes <= n) {                                                                                   \
          load(q, query + i), load(x0, r0 + i), load(x1, r1 + i), load(x2, r2 + i), load(x3, r3 + i);           \
          prepare(x0) prepare(x1) prepare(x2) prepare(x3) a0 += x0 * factor(x0), a1 += x1 * factor(x1),         \
              a2 += x2 * factor(x2), a3 += x3 * factor(x3);                                                     \
          i += lanes;                                                                                           \
        }                                                                                                       \
        if (i != n) {                                                                                           \
          const std::size_t j = n - lanes, r = n - i;                                                           \
          load(q, query + j), load(x0, r0 + j), load(x1, r1 + j), load(x2, r2 + j), load(x3, r3 + j);           \
          prepare(x0) prepare(x1) prepare(x2) prepare(x3) keep_last(q, r), keep_last(x0, r), keep_last(x1, r),  \
              keep_last(x2, r), keep_last(x3, r);                                                               \
          b0 += x0 * factor(x0), b1 += x1 * factor(x1), b2 += x2 * factor(x2), b3 += x3 * factor(x3);           \
        }                                                                                                       \
        a0 += b0, a1 += b1, a2 += b2, a3 += b3;                                                                 \
        t0 = sum(a0), t1 = sum(a1), t2 = sum(a2), t3 = sum(a3);                                                 \
      }                                                                                                         \
      out[row] = t0;                                                                                            \
      if (left > 1) out[row + 1] = t1;                                                                          \
      if (left > 2) out[row + 2] = t2;                                                                          \
      if (left > 3) out[row + 3] = t3;                                                                          \
    }                                                                                                           \
  }
#define FRYS_SIMD_STEP_DOT(total, x) total += (x)*q;
#define FRYS_SIMD_STEP_L2(total, x) total += ((x)-q) * ((x)-q);
#define FRYS_SIMD_KEEP(x)
#define FRYS_SIMD_SUBTRACT(x) x -= q;
#define FRYS_SIMD_QUERY(x) q
#define FRYS_SIMD_SELF(x) x
FRYS_SIMD_ROWS(dot_rows, FRYS_SIMD_STEP_DOT, FRYS_SIMD_KEEP, FRYS_SIMD_QUERY)
FRYS_SIMD_ROWS(l2_squared_rows, FRYS_SIMD_STEP_L2, FRYS_SIMD_SUBTRACT, FRYS_SIMD_SELF)
#undef FRYS_SIMD_ROWS
#undef FRYS_SIMD_STEP_DOT
#undef FRYS_SIMD_STEP_L2
#undef FRYS_SIMD_KEEP
#undef FRYS_SIMD_SUBTRACT
#undef FRYS_SIMD_QUERY
#undef FRYS_SIMD_SELF

// Bytes. A compare answers 0 or 255 in each lane; `hits` tells which lanes answered 255.
#if FRYS_SIMD_X86 && FRYS_SIMD_LANES >= 8
#define FRYS_SIMD_BYTES 32
#else
#define FRYS_SIMD_BYTES 16
#endif
typedef unsigned char vb __attribute__((vector_size(FRYS_SIMD_BYTES)));
inline constexpr std::size_t wide = FRYS_SIMD_BYTES;

#if FRYS_SIMD_X86 && (FRYS_SIMD_LANES >= 8 || defined(__SSE2__))
typedef char vc __attribute__((vector_size(FRYS_SIMD_BYTES)));
inline unsigned hits(const vb& equal) noexcept {
#if FRYS_SIMD_LANES >= 8
  return static_cast<unsigned>(__builtin_ia32_pmovmskb256(reinterpret_cast<vc>(equal)));
#else
  return static_cast<unsigned>(__builtin_ia32_pmovmskb128(reinterpret_cast<vc>(equal)));
#endif
}
inline std::size_t first(unsigned found) noexcept { return static_cast<std::size_t>(__builtin_ctz(found)); }
#else
struct hit_words {
  unsigned long long low, high;
  explicit operator bool() const noexcept { return (low | high) != 0; }
};
inline hit_words hits(const vb& equal) noexcept {
  hit_words found;
  __builtin_memcpy(&found, &equal, sizeof found);
  return found;
}
inline std::size_t first(hit_words found) noexcept {
  const unsigned long long word = found.low != 0 ? found.low : found.high;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  const int bit = __builtin_clzll(word);
#else
  const int bit = __builtin_ctzll(word);
#endif
  return (found.low != 0 ? 0u : 8u) + static_cast<std::size_t>(bit) / 8u;
}
#endif

#define FRYS_SIMD_FIND(name, arguments, broadcast, match, same)              \
  inline std::size_t name arguments noexcept {                               \
    std::size_t i = 0;                                                       \
    if (n < wide) {                                                          \
      while (i < n && !(same(data[i]))) ++i;                                 \
      return i;                                                              \
    }                                                                        \
    broadcast vb x0, x1, x2, x3;                                             \
    for (; i + 4 * wide <= n; i += 4 * wide) {                               \
      __builtin_memcpy(&x0, data + i, wide);                                 \
      __builtin_memcpy(&x1, data + i + wide, wide);                          \
      __builtin_memcpy(&x2, data + i + 2 * wide, wide);                      \
      __builtin_memcpy(&x3, data + i + 3 * wide, wide);                      \
      x0 = match(x0), x1 = match(x1), x2 = match(x2), x3 = match(x3);        \
      const vb any = (x0 | x1) | (x2 | x3);                                  \
      if (hits(any)) {                                                       \
        if (const auto found = hits(x0)) return i + first(found);            \
        if (const auto found = hits(x1)) return i + wide + first(found);     \
        if (const auto found = hits(x2)) return i + 2 * wide + first(found); \
        return i + 3 * wide + first(hits(x3));                               \
      }                                                                      \
    }                                                                        \
    for (; i + wide <= n; i += wide) {                                       \
      __builtin_memcpy(&x0, data + i, wide);                                 \
      x0 = match(x0);                                                        \
      if (const auto found = hits(x0)) return i + first(found);              \
    }                                                                        \
    if (i != n) { /* overlaps bytes that are known not to match */           \
      __builtin_memcpy(&x0, data + n - wide, wide);                          \
      x0 = match(x0);                                                        \
      if (const auto found = hits(x0)) return n - wide + first(found);       \
    }                                                                        \
    return n;                                                                \
  }
#define FRYS_SIMD_MATCH_ONE(x) (reinterpret_cast<vb>((x) == va))
#define FRYS_SIMD_MATCH_TWO(x) (reinterpret_cast<vb>(((x) == va) | ((x) == vb_)))
#define FRYS_SIMD_SAME_ONE(x) (x) == a
#define FRYS_SIMD_SAME_TWO(x) (x) == a || (x) == b
#define FRYS_SIMD_ARGUMENTS_ONE (const std::byte* data, std::size_t n, std::byte a)
#define FRYS_SIMD_ARGUMENTS_TWO (const std::byte* data, std::size_t n, std::byte a, std::byte b)
#define FRYS_SIMD_BROADCAST_ONE const vb va = vb{} + static_cast<unsigned char>(a);
#define FRYS_SIMD_BROADCAST_TWO FRYS_SIMD_BROADCAST_ONE const vb vb_ = vb{} + static_cast<unsigned char>(b);
FRYS_SIMD_FIND(find_byte, FRYS_SIMD_ARGUMENTS_ONE, FRYS_SIMD_BROADCAST_ONE, FRYS_SIMD_MATCH_ONE, FRYS_SIMD_SAME_ONE)
FRYS_SIMD_FIND(find_either, FRYS_SIMD_ARGUMENTS_TWO, FRYS_SIMD_BROADCAST_TWO, FRYS_SIMD_MATCH_TWO, FRYS_SIMD_SAME_TWO)
#undef FRYS_SIMD_FIND
#undef FRYS_SIMD_MATCH_ONE
#undef FRYS_SIMD_MATCH_TWO
#undef FRYS_SIMD_SAME_ONE
#undef FRYS_SIMD_SAME_TWO
#undef FRYS_SIMD_ARGUMENTS_ONE
#undef FRYS_SIMD_ARGUMENTS_TWO
#undef FRYS_SIMD_BROADCAST_ONE
#undef FRYS_SIMD_BROADCAST_TWO
#undef FRYS_SIMD_BYTES

inline constexpr std::size_t vector_bytes = sizeof(vf);

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail::FRYS_SIMD_NS
#undef FRYS_SIMD_NS
#undef FRYS_SIMD_LANES
#else
#undef HWY_TARGET
#define HWY_TARGET HWY_STATIC_TARGET
#include <hwy/ops/set_macros-inl.h>
#define FRYS_SIMD_NS t0_baseline
// kernels_highway: the kernels in Highway's operations, once for each target. No include guard: the includer defines
// FRYS_SIMD_NS (the target's namespace) and has switched HWY_TARGET.
//
// Inside: Highway's operations, plain loops and functions of this namespace only. A std:: template that is first
// instantiated here would become a weak symbol full of this target's instructions, for the whole program.
HWY_BEFORE_NAMESPACE();
namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail::FRYS_SIMD_NS {

namespace hn = hwy::HWY_NAMESPACE;
using df = hn::ScalableTag<float>;
using db = hn::ScalableTag<std::uint8_t>;
using vf = hn::Vec<df>;
using vb = hn::Vec<db>;

inline float dot(const float* a, const float* b, std::size_t n) noexcept {
  const df d;
  const std::size_t lanes = hn::Lanes(d);
  if (n < lanes) {
    float r = 0;
    for (std::size_t i = 0; i < n; ++i) r += a[i] * b[i];
    return r;
  }
  vf s0 = hn::Zero(d), s1 = hn::Zero(d), s2 = hn::Zero(d), s3 = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    s0 = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), s0);
    s1 = hn::MulAdd(hn::LoadU(d, a + i + lanes), hn::LoadU(d, b + i + lanes), s1);
    s2 = hn::MulAdd(hn::LoadU(d, a + i + 2 * lanes), hn::LoadU(d, b + i + 2 * lanes), s2);
    s3 = hn::MulAdd(hn::LoadU(d, a + i + 3 * lanes), hn::LoadU(d, b + i + 3 * lanes), s3);
  }
  for (; i + lanes <= n; i += lanes) s0 = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), s0);
  if (i != n) {  // a vector that ends with the data; what was summed already is cleared
    const auto seen = hn::FirstN(d, lanes - (n - i));
    s1 = hn::MulAdd(hn::IfThenZeroElse(seen, hn::LoadU(d, a + n - lanes)),
                    hn::IfThenZeroElse(seen, hn::LoadU(d, b + n - lanes)), s1);
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
}

inline float l2_squared(const float* a, const float* b, std::size_t n) noexcept {
  const df d;
  const std::size_t lanes = hn::Lanes(d);
  if (n < lanes) {
    float r = 0;
    for (std::size_t i = 0; i < n; ++i) r += (a[i] - b[i]) * (a[i] - b[i]);
    return r;
  }
  vf s0 = hn::Zero(d), s1 = hn::Zero(d), s2 = hn::Zero(d), s3 = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    const vf x0 = hn::Sub(hn::LoadU(d, a + i), hn::LoadU(d, b + i));
    const vf x1 = hn::Sub(hn::LoadU(d, a + i + lanes), hn::LoadU(d, b + i + lanes));
    const vf x2 = hn::Sub(hn::LoadU(d, a + i + 2 * lanes), hn::LoadU(d, b + i + 2 * lanes));
    const vf x3 = hn::Sub(hn::LoadU(d, a + i + 3 * lanes), hn::LoadU(d, b + i + 3 * lanes));
    s0 = hn::MulAdd(x0, x0, s0);
    s1 = hn::MulAdd(x1, x1, s1);
    s2 = hn::MulAdd(x2, x2, s2);
    s3 = hn::MulAdd(x3, x3, s3);
  }
  for (; i + lanes <= n; i += lanes) {
    const vf x = hn::Sub(hn::LoadU(d, a + i), hn::LoadU(d, b + i));
    s0 = hn::MulAdd(x, x, s0);
  }
  if (i != n) {
    const auto seen = hn::FirstN(d, lanes - (n - i));
    const vf x = hn::IfThenZeroElse(seen, hn::Sub(hn::LoadU(d, a + n - lanes), hn::LoadU(d, b + n - lanes)));
    s1 = hn::MulAdd(x, x, s1);
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
}

inline float cosine(const float* a, const float* b, std::size_t n) noexcept {
  const df d;
  const std::size_t lanes = hn::Lanes(d);
  float ab = 0, aa = 0, bb = 0;
  if (n < lanes) {
    for (std::size_t i = 0; i < n; ++i) {
      ab += a[i] * b[i];
      aa += a[i] * a[i];
      bb += b[i] * b[i];
    }
  } else {
    vf ab0 = hn::Zero(d), ab1 = ab0, aa0 = ab0, aa1 = ab0, bb0 = ab0, bb1 = ab0;
    std::size_t i = 0;
    for (; i + 2 * lanes <= n; i += 2 * lanes) {
      const vf x0 = hn::LoadU(d, a + i), y0 = hn::LoadU(d, b + i);
      const vf x1 = hn::LoadU(d, a + i + lanes), y1 = hn::LoadU(d, b + i + lanes);
      ab0 = hn::MulAdd(x0, y0, ab0), aa0 = hn::MulAdd(x0, x0, aa0), bb0 = hn::MulAdd(y0, y0, bb0);
      ab1 = hn::MulAdd(x1, y1, ab1), aa1 = hn::MulAdd(x1, x1, aa1), bb1 = hn::MulAdd(y1, y1, bb1);
    }
    for (; i + lanes <= n; i += lanes) {
      const vf x = hn::LoadU(d, a + i), y = hn::LoadU(d, b + i);
      ab0 = hn::MulAdd(x, y, ab0), aa0 = hn::MulAdd(x, x, aa0), bb0 = hn::MulAdd(y, y, bb0);
    }
    if (i != n) {
      const auto seen = hn::FirstN(d, lanes - (n - i));
      const vf x = hn::IfThenZeroElse(seen, hn::LoadU(d, a + n - lanes));
      const vf y = hn::IfThenZeroElse(seen, hn::LoadU(d, b + n - lanes));
      ab1 = hn::MulAdd(x, y, ab1), aa1 = hn::MulAdd(x, x, aa1), bb1 = hn::MulAdd(y, y, bb1);
    }
    ab = hn::GetLane(hn::SumOfLanes(d, hn::Add(ab0, ab1)));
    aa = hn::GetLane(hn::SumOfLanes(d, hn::Add(aa0, aa1)));
    bb = hn::GetLane(hn::SumOfLanes(d, hn::Add(bb0, bb1)));
  }
  const float norms = __builtin_sqrtf(aa) * __builtin_sqrtf(bb);
  return norms > 0 ? ab / norms : 0.0f;
}

// Four rows at a time: each part of the query is loaded once for all of them. A group at the end repeats its last row
// rather than taking another way, so that a row's value does not depend on its place.
#define FRYS_SIMD_ROWS(name, scalar_step, prepare, factor)                                                          \
  inline void name(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t n,     \
                   float* out) noexcept {                                                                           \
    const df d;                                                                                                     \
    const std::size_t lanes = hn::Lanes(d);                                                                         \
    for (std::size_t row = 0; row < count; row += 4) {                                                              \
      const std::size_t left = count - row;                                                                         \
      const float* const r0 = rows + row * stride;                                                                  \
      const float* const r1 = left > 1 ? r0 + stride : r0;                                                          \
      const float* const r2 = left > 2 ? r1 + stride : r1;                                                          \
      const float* const r3 = left > 3 ? r2 + stride : r2;                                                          \
      float t0 = 0, t1 = 0, t2 = 0, t3 = 0;                                                                         \
      if (n < lanes) {                                                                                              \
        for (std::size_t i = 0; i < n; ++i) {                                                                       \
          const float q = query[i];                                                                                 \
          scalar_step(t0, r0[i]) scalar_step(t1, r1[i]) scalar_step(t2, r2[i]) scalar_step(t3, r3[i])               \
        }                                                                                                           \
      } else {                                                                                                      \
        vf a0 = hn::Zero(d), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;                         \
        std::size_t i = 0;                                                                                          \
        for (; i + 2 * lanes <= n; i += 2 * lanes) {                                                                \
          const vf q = hn::LoadU(d, query + i), p = hn::LoadU(d, query + i + lanes);                                \
          const vf x0 = prepare(hn::LoadU(d, r0 + i), q), x1 = prepare(hn::LoadU(d, r1 + i), q);                    \
          const vf x2 = prepare(hn::LoadU(d, r2 + i), q), x3 = prepare(hn::LoadU(d, r3 + i), q);                    \
          const vf y0 = prepare(hn::LoadU(d, r0 + i + lanes), p), y1 = prepare(hn::LoadU(d, r1 + i + lanes), p);    \
          const vf y2 = prepare(hn::LoadU(d, r2 + i + lanes), p), y3 = prepare(hn::LoadU(d, r3 + i + lanes), p);    \
          a0 = hn::MulAdd(x0, factor(x0, q), a0), b0 = hn::MulAdd(y0, factor(y0, p), b0);                           \
          a1 = hn::MulAdd(x1, factor(x1, q), a1), b1 = hn::MulAdd(y1, factor(y1, p), b1);                           \
          a2 = hn::MulAdd(x2, factor(x2, q), a2), b2 = hn::MulAdd(y2, factor(y2, p), b2);                           \
          a3 = hn::MulAdd(x3, factor(x3, q), a3), b3 = hn::MulAdd(y3, factor(y3, p), b3);                           \
        }                                                                                                           \
        if (i + lanes <= n) {                                                                                       \
          const vf q = hn::LoadU(d, query + i);                                                                     \
          const vf x0 = prepare(hn::LoadU(d, r0 + i), q), x1 = prepare(hn::LoadU(d, r1 + i), q);                    \
          const vf x2 = prepare(hn::LoadU(d, r2 + i), q), x3 = prepare(hn::LoadU(d, r3 + i), q);                    \
          a0 = hn::MulAdd(x0, factor(x0, q), a0), a1 = hn::MulAdd(x1, factor(x1, q), a1);                           \
          a2 = hn::MulAdd(x2, factor(x2, q), a2), a3 = hn::MulAdd(x3, factor(x3, q), a3);                           \
          i += lanes;                                                                                               \
        }                                                                                                           \
        if (i != n) {                                                                                               \
          const std::size_t j = n - lanes;                                                                          \
          const auto seen = hn::FirstN(d, lanes - (n - i));                                                         \
          const vf q = hn::IfThenZeroElse(seen, hn::LoadU(d, query + j));                                           \
          const vf x0 = prepare(hn::IfThenZeroElse(seen, hn::LoadU(d, r0 + j)), q);                                 \
          const vf x1 = prepare(hn::IfThenZeroElse(seen, hn::LoadU(d, r1 + j)), q);                                 \
          const vf x2 = prepare(hn::IfThenZeroElse(seen, hn::LoadU(d, r2 + j)), q);                                 \
          const vf x3 = prepare(hn::IfThenZeroElse(seen, hn::LoadU(d, r3 + j)), q);                                 \
          b0 = hn::MulAdd(x0, factor(x0, q), b0), b1 = hn::MulAdd(x1, factor(x1, q), b1);                           \
          b2 = hn::MulAdd(x2, factor(x2, q), b2), b3 = hn::MulAdd(x3, factor(x3, q), b3);                           \
        }                                                                                                           \
        t0 = hn::GetLane(hn::SumOfLanes(d, hn::Add(a0, b0))), t1 = hn::GetLane(hn::SumOfLanes(d, hn::Add(a1, b1))); \
        t2 = hn::GetLane(hn::SumOfLanes(d, hn::Add(a2, b2))), t3 = hn::GetLane(hn::SumOfLanes(d, hn::Add(a3, b3))); \
      }                                                                                                             \
      out[row] = t0;                                                                                                \
      if (left > 1) out[row + 1] = t1;                                                                              \
      if (left > 2) out[row + 2] = t2;                                                                              \
      if (left > 3) out[row + 3] = t3;                                                                              \
    }                                                                                                               \
  }
#define FRYS_SIMD_STEP_DOT(total, x) total += (x)*q;
#define FRYS_SIMD_STEP_L2(total, x) total += ((x)-q) * ((x)-q);
#define FRYS_SIMD_KEEP(x, q) x
#define FRYS_SIMD_SUBTRACT(x, q) hn::Sub(x, q)
#define FRYS_SIMD_QUERY(x, q) q
#define FRYS_SIMD_SELF(x, q) x
FRYS_SIMD_ROWS(dot_rows, FRYS_SIMD_STEP_DOT, FRYS_SIMD_KEEP, FRYS_SIMD_QUERY)
FRYS_SIMD_ROWS(l2_squared_rows, FRYS_SIMD_STEP_L2, FRYS_SIMD_SUBTRACT, FRYS_SIMD_SELF)
#undef FRYS_SIMD_ROWS
#undef FRYS_SIMD_STEP_DOT
#undef FRYS_SIMD_STEP_L2
#undef FRYS_SIMD_KEEP
#undef FRYS_SIMD_SUBTRACT
#undef FRYS_SIMD_QUERY
#undef FRYS_SIMD_SELF

#define FRYS_SIMD_FIND(name, arguments, broadcast, match, same)                                                      \
  inline std::size_t name arguments noexcept {                                                                       \
    const db d;                                                                                                      \
    const std::size_t wide = hn::Lanes(d);                                                                           \
    std::size_t i = 0;                                                                                               \
    if (n < wide) {                                                                                                  \
      while (i < n && !(same(data[i]))) ++i;                                                                         \
      return i;                                                                                                      \
    }                                                                                                                \
    const std::uint8_t* const p = reinterpret_cast<const std::uint8_t*>(data);                                       \
    broadcast for (; i + 4 * wide <= n; i += 4 * wide) {                                                             \
      const auto m0 = match(hn::LoadU(d, p + i)), m1 = match(hn::LoadU(d, p + i + wide));                            \
      const auto m2 = match(hn::LoadU(d, p + i + 2 * wide)), m3 = match(hn::LoadU(d, p + i + 3 * wide));             \
      if (!hn::AllFalse(d, hn::Or(hn::Or(m0, m1), hn::Or(m2, m3)))) {                                                \
        if (const auto found = hn::FindFirstTrue(d, m0); found >= 0) return i + static_cast<std::size_t>(found);     \
        if (const auto found = hn::FindFirstTrue(d, m1); found >= 0)                                                 \
          return i + wide + static_cast<std::size_t>(found);                                                         \
        if (const auto found = hn::FindFirstTrue(d, m2); found >= 0)                                                 \
          return i + 2 * wide + static_cast<std::size_t>(found);                                                     \
        return i + 3 * wide + static_cast<std::size_t>(hn::FindFirstTrue(d, m3));                                    \
      }                                                                                                              \
    }                                                                                                                \
    for (; i + wide <= n; i += wide) {                                                                               \
      const auto m = match(hn::LoadU(d, p + i));                                                                     \
      if (const auto found = hn::FindFirstTrue(d, m); found >= 0) return i + static_cast<std::size_t>(found);        \
    }                                                                                                                \
    if (i != n) { /* overlaps bytes that are known not to match */                                                   \
      const auto m = match(hn::LoadU(d, p + n - wide));                                                              \
      if (const auto found = hn::FindFirstTrue(d, m); found >= 0) return n - wide + static_cast<std::size_t>(found); \
    }                                                                                                                \
    return n;                                                                                                        \
  }
#define FRYS_SIMD_MATCH_ONE(x) hn::Eq(x, va)
#define FRYS_SIMD_MATCH_TWO(x) hn::Or(hn::Eq(x, va), hn::Eq(x, vc))
#define FRYS_SIMD_SAME_ONE(x) (x) == a
#define FRYS_SIMD_SAME_TWO(x) (x) == a || (x) == b
#define FRYS_SIMD_ARGUMENTS_ONE (const std::byte* data, std::size_t n, std::byte a)
#define FRYS_SIMD_ARGUMENTS_TWO (const std::byte* data, std::size_t n, std::byte a, std::byte b)
#define FRYS_SIMD_BROADCAST_ONE const vb va = hn::Set(d, static_cast<std::uint8_t>(a));
#define FRYS_SIMD_BROADCAST_TWO FRYS_SIMD_BROADCAST_ONE const vb vc = hn::Set(d, static_cast<std::uint8_t>(b));
FRYS_SIMD_FIND(find_byte, FRYS_SIMD_ARGUMENTS_ONE, FRYS_SIMD_BROADCAST_ONE, FRYS_SIMD_MATCH_ONE, FRYS_SIMD_SAME_ONE)
FRYS_SIMD_FIND(find_either, FRYS_SIMD_ARGUMENTS_TWO, FRYS_SIMD_BROADCAST_TWO, FRYS_SIMD_MATCH_TWO, FRYS_SIMD_SAME_TWO)
#undef FRYS_SIMD_FIND
#undef FRYS_SIMD_MATCH_ONE
#undef FRYS_SIMD_MATCH_TWO
#undef FRYS_SIMD_SAME_ONE
#undef FRYS_SIMD_SAME_TWO
#undef FRYS_SIMD_ARGUMENTS_ONE
#undef FRYS_SIMD_ARGUMENTS_TWO
#undef FRYS_SIMD_BROADCAST_ONE
#undef FRYS_SIMD_BROADCAST_TWO

inline constexpr std::size_t vector_bytes = HWY_MAX_BYTES;

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail::FRYS_SIMD_NS
HWY_AFTER_NAMESPACE();
#undef FRYS_SIMD_NS
#endif
#define FRYS_SIMD_T0 t0_baseline

#if (HWY_TARGETS & HWY_AVX2) && (HWY_STATIC_TARGET != HWY_AVX2)
#undef HWY_TARGET
#define HWY_TARGET HWY_AVX2
// highway_ops: brings in Highway's operations for the HWY_TARGET that the includer has just defined. No include guard:
// once per target.
//
// hwy/highway.h enters its per-target part whenever HWY_HIGHWAY_PER_TARGET and HWY_TARGET_TOGGLE do not agree, so the
// toggle is flipped and both guards are put in step with it.
#if FRYS_SIMD_OPS_READY
#include <hwy/ops/set_macros-inl.h>
#else
#ifdef HWY_TARGET_TOGGLE
#undef HWY_TARGET_TOGGLE
#undef HWY_HIGHWAY_PER_TARGET
#undef HWY_SET_MACROS_PER_TARGET
#else
#define HWY_TARGET_TOGGLE
#undef HWY_HIGHWAY_PER_TARGET
#define HWY_HIGHWAY_PER_TARGET
#undef HWY_SET_MACROS_PER_TARGET
#define HWY_SET_MACROS_PER_TARGET
#endif
#include <hwy/highway.h>
#endif
#define FRYS_SIMD_NS t2_avx2
// kernels_highway: the kernels in Highway's operations, once for each target. No include guard: the includer defines
// FRYS_SIMD_NS (the target's namespace) and has switched HWY_TARGET.
//
// Inside: Highway's operations, plain loops and functions of this namespace only. A std:: template that is first
// instantiated here would become a weak symbol full of this target's instructions, for the whole program.
HWY_BEFORE_NAMESPACE();
namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail::FRYS_SIMD_NS {

namespace hn = hwy::HWY_NAMESPACE;
using df = hn::ScalableTag<float>;
using db = hn::ScalableTag<std::uint8_t>;
using vf = hn::Vec<df>;
using vb = hn::Vec<db>;

inline float dot(const float* a, const float* b, std::size_t n) noexcept {
  const df d;
  const std::size_t lanes = hn::Lanes(d);
  if (n < lanes) {
    float r = 0;
    for (std::size_t i = 0; i < n; ++i) r += a[i] * b[i];
    return r;
  }
  vf s0 = hn::Zero(d), s1 = hn::Zero(d), s2 = hn::Zero(d), s3 = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    s0 = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), s0);
    s1 = hn::MulAdd(hn::LoadU(d, a + i + lanes), hn::LoadU(d, b + i + lanes), s1);
    s2 = hn::MulAdd(hn::LoadU(d, a + i + 2 * lanes), hn::LoadU(d, b + i + 2 * lanes), s2);
    s3 = hn::MulAdd(hn::LoadU(d, a + i + 3 * lanes), hn::LoadU(d, b + i + 3 * lanes), s3);
  }
  for (; i + lanes <= n; i += lanes) s0 = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), s0);
  if (i != n) {  // a vector that ends with the data; what was summed already is cleared
    const auto seen = hn::FirstN(d, lanes - (n - i));
    s1 = hn::MulAdd(hn::IfThenZeroElse(seen, hn::LoadU(d, a + n - lanes)),
                    hn::IfThenZeroElse(seen, hn::LoadU(d, b + n - lanes)), s1);
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
}

inline float l2_squared(const float* a, const float* b, std::size_t n) noexcept {
  const df d;
  const std::size_t lanes = hn::Lanes(d);
  if (n < lanes) {
    float r = 0;
    for (std::size_t i = 0; i < n; ++i) r += (a[i] - b[i]) * (a[i] - b[i]);
    return r;
  }
  vf s0 = hn::Zero(d), s1 = hn::Zero(d), s2 = hn::Zero(d), s3 = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    const vf x0 = hn::Sub(hn::LoadU(d, a + i), hn::LoadU(d, b + i));
    const vf x1 = hn::Sub(hn::LoadU(d, a + i + lanes), hn::LoadU(d, b + i + lanes));
    const vf x2 = hn::Sub(hn::LoadU(d, a + i + 2 * lanes), hn::LoadU(d, b + i + 2 * lanes));
    const vf x3 = hn::Sub(hn::LoadU(d, a + i + 3 * lanes), hn::LoadU(d, b + i + 3 * lanes));
    s0 = hn::MulAdd(x0, x0, s0);
    s1 = hn::MulAdd(x1, x1, s1);
    s2 = hn::MulAdd(x2, x2, s2);
    s3 = hn::MulAdd(x3, x3, s3);
  }
  for (; i + lanes <= n; i += lanes) {
    const vf x = hn::Sub(hn::LoadU(d, a + i), hn::LoadU(d, b + i));
    s0 = hn::MulAdd(x, x, s0);
  }
  if (i != n) {
    const auto seen = hn::FirstN(d, lanes - (n - i));
    const vf x = hn::IfThenZeroElse(seen, hn::Sub(hn::LoadU(d, a + n - lanes), hn::LoadU(d, b + n - lanes)));
    s1 = hn::MulAdd(x, x, s1);
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
}

inline float cosine(const float* a, const float* b, std::size_t n) noexcept {
  const df d;
  const std::size_t lanes = hn::Lanes(d);
  float ab = 0, aa = 0, bb = 0;
  if (n < lanes) {
    for (std::size_t i = 0; i < n; ++i) {
      ab += a[i] * b[i];
      aa += a[i] * a[i];
      bb += b[i] * b[i];
    }
  } else {
    vf ab0 = hn::Zero(d), ab1 = ab0, aa0 = ab0, aa1 = ab0, bb0 = ab0, bb1 = ab0;
    std::size_t i = 0;
    for (; i + 2 * lanes <= n; i += 2 * lanes) {
      const vf x0 = hn::LoadU(d, a + i), y0 = hn::LoadU(d, b + i);
      const vf x1 = hn::LoadU(d, a + i + lanes), y1 = hn::LoadU(d, b + i + lanes);
      ab0 = hn::MulAdd(x0, y0, ab0), aa0 = hn::MulAdd(x0, x0, aa0), bb0 = hn::MulAdd(y0, y0, bb0);
      ab1 = hn::MulAdd(x1, y1, ab1), aa1 = hn::MulAdd(x1, x1, aa1), bb1 = hn::MulAdd(y1, y1, bb1);
    }
    for (; i + lanes <= n; i += lanes) {
      const vf x = hn::LoadU(d, a + i), y = hn::LoadU(d, b + i);
      ab0 = hn::MulAdd(x, y, ab0), aa0 = hn::MulAdd(x, x, aa0), bb0 = hn::MulAdd(y, y, bb0);
    }
    if (i != n) {
      const auto seen = hn::FirstN(d, lanes - (n - i));
      const vf x = hn::IfThenZeroElse(seen, hn::LoadU(d, a + n - lanes));
      const vf y = hn::IfThenZeroElse(seen, hn::LoadU(d, b + n - lanes));
      ab1 = hn::MulAdd(x, y, ab1), aa1 = hn::MulAdd(x, x, aa1), bb1 = hn::MulAdd(y, y, bb1);
    }
    ab = hn::GetLane(hn::SumOfLanes(d, hn::Add(ab0, ab1)));
    aa = hn::GetLane(hn::SumOfLanes(d, hn::Add(aa0, aa1)));
    bb = hn::GetLane(hn::SumOfLanes(d, hn::Add(bb0, bb1)));
  }
  const float norms = __builtin_sqrtf(aa) * __builtin_sqrtf(bb);
  return norms > 0 ? ab / norms : 0.0f;
}

// Four rows at a time: each part of the query is loaded once for all of them. A group at the end repeats its last row
// rather than taking another way, so that a row's value does not depend on its place.
#define FRYS_SIMD_ROWS(name, scalar_step, prepare, factor)                                                          \
  inline void name(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t n,     \
                   float* out) noexcept {                                                                           \
    const df d;                                                                                                     \
    const std::size_t lanes = hn::Lanes(d);                                                                         \
    for (std::size_t row = 0; row < count; row += 4) {                                                              \
      const std::size_t left = count - row;                                                                         \
      const float* const r0 = rows + row * stride;                                                                  \
      const float* const r1 = left > 1 ? r0 + stride : r0;                                                          \
      const float* const r2 = left > 2 ? r1 + stride : r1;                                                          \
      const float* const r3 = left > 3 ? r2 + stride : r2;                                                          \
      float t0 = 0, t1 = 0, t2 = 0, t3 = 0;                                                                         \
      if (n < lanes) {                                                                                              \
        for (std::size_t i = 0; i < n; ++i) {                                                                       \
          const float q = query[i];                                                                                 \
          scalar_step(t0, r0[i]) scalar_step(t1, r1[i]) scalar_step(t2, r2[i]) scalar_step(t3, r3[i])               \
        }                                                                                                           \
      } else {                                                                                                      \
        vf a0 = hn::Zero(d), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;                         \
        std::size_t i = 0;                                                                                          \
        for (; i + 2 * lanes <= n; i += 2 * lanes) {                                                                \
          const vf q = hn::LoadU(d, query + i), p = hn::LoadU(d, query + i + lanes);                                \
          const vf x0 = prepare(hn::LoadU(d, r0 + i), q), x1 = prepare(hn::LoadU(d, r1 + i), q);                    \
          const vf x2 = prepare(hn::LoadU(d, r2 + i), q), x3 = prepare(hn::LoadU(d, r3 + i), q);                    \
          const vf y0 = prepare(hn::LoadU(d, r0 + i + lanes), p), y1 = prepare(hn::LoadU(d, r1 + i + lanes), p);    \
          const vf y2 = prepare(hn::LoadU(d, r2 + i + lanes), p), y3 = prepare(hn::LoadU(d, r3 + i + lanes), p);    \
          a0 = hn::MulAdd(x0, factor(x0, q), a0), b0 = hn::MulAdd(y0, factor(y0, p), b0);                           \
          a1 = hn::MulAdd(x1, factor(x1, q), a1), b1 = hn::MulAdd(y1, factor(y1, p), b1);                           \
          a2 = hn::MulAdd(x2, factor(x2, q), a2), b2 = hn::MulAdd(y2, factor(y2, p), b2);                           \
          a3 = hn::MulAdd(x3, factor(x3, q), a3), b3 = hn::MulAdd(y3, factor(y3, p), b3);                           \
        }                                                                                                           \
        if (i + lanes <= n) {                                                                                       \
          const vf q = hn::LoadU(d, query + i);                                                                     \
          const vf x0 = prepare(hn::LoadU(d, r0 + i), q), x1 = prepare(hn::LoadU(d, r1 + i), q);                    \
          const vf x2 = prepare(hn::LoadU(d, r2 + i), q), x3 = prepare(hn::LoadU(d, r3 + i), q);                    \
          a0 = hn::MulAdd(x0, factor(x0, q), a0), a1 = hn::MulAdd(x1, factor(x1, q), a1);                           \
          a2 = hn::MulAdd(x2, factor(x2, q), a2), a3 = hn::MulAdd(x3, factor(x3, q), a3);                           \
          i += lanes;                                                                                               \
        }                                                                                                           \
        if (i != n) {                                                                                               \
          const std::size_t j = n - lanes;                                                                          \
          const auto seen = hn::FirstN(d, lanes - (n - i));                                                         \
          const vf q = hn::IfThenZeroElse(seen, hn::LoadU(d, query + j));                                           \
          const vf x0 = prepare(hn::IfThenZeroElse(seen, hn::LoadU(d, r0 + j)), q);                                 \
          const vf x1 = prepare(hn::IfThenZeroElse(seen, hn::LoadU(d, r1 + j)), q);                                 \
          const vf x2 = prepare(hn::IfThenZeroElse(seen, hn::LoadU(d, r2 + j)), q);                                 \
          const vf x3 = prepare(hn::IfThenZeroElse(seen, hn::LoadU(d, r3 + j)), q);                                 \
          b0 = hn::MulAdd(x0, factor(x0, q), b0), b1 = hn::MulAdd(x1, factor(x1, q), b1);                           \
          b2 = hn::MulAdd(x2, factor(x2, q), b2), b3 = hn::MulAdd(x3, factor(x3, q), b3);                           \
        }                                                                                                           \
        t0 = hn::GetLane(hn::SumOfLanes(d, hn::Add(a0, b0))), t1 = hn::GetLane(hn::SumOfLanes(d, hn::Add(a1, b1))); \
        t2 = hn::GetLane(hn::SumOfLanes(d, hn::Add(a2, b2))), t3 = hn::GetLane(hn::SumOfLanes(d, hn::Add(a3, b3))); \
      }                                                                                                             \
      out[row] = t0;                                                                                                \
      if (left > 1) out[row + 1] = t1;                                                                              \
      if (left > 2) out[row + 2] = t2;                                                                              \
      if (left > 3) out[row + 3] = t3;                                                                              \
    }                                                                                                               \
  }
#define FRYS_SIMD_STEP_DOT(total, x) total += (x)*q;
#define FRYS_SIMD_STEP_L2(total, x) total += ((x)-q) * ((x)-q);
#define FRYS_SIMD_KEEP(x, q) x
#define FRYS_SIMD_SUBTRACT(x, q) hn::Sub(x, q)
#define FRYS_SIMD_QUERY(x, q) q
#define FRYS_SIMD_SELF(x, q) x
FRYS_SIMD_ROWS(dot_rows, FRYS_SIMD_STEP_DOT, FRYS_SIMD_KEEP, FRYS_SIMD_QUERY)
FRYS_SIMD_ROWS(l2_squared_rows, FRYS_SIMD_STEP_L2, FRYS_SIMD_SUBTRACT, FRYS_SIMD_SELF)
#undef FRYS_SIMD_ROWS
#undef FRYS_SIMD_STEP_DOT
#undef FRYS_SIMD_STEP_L2
#undef FRYS_SIMD_KEEP
#undef FRYS_SIMD_SUBTRACT
#undef FRYS_SIMD_QUERY
#undef FRYS_SIMD_SELF

#define FRYS_SIMD_FIND(name, arguments, broadcast, match, same)                                                      \
  inline std::size_t name arguments noexcept {                                                                       \
    const db d;                                                                                                      \
    const std::size_t wide = hn::Lanes(d);                                                                           \
    std::size_t i = 0;                                                                                               \
    if (n < wide) {                                                                                                  \
      while (i < n && !(same(data[i]))) ++i;                                                                         \
      return i;                                                                                                      \
    }                                                                                                                \
    const std::uint8_t* const p = reinterpret_cast<const std::uint8_t*>(data);                                       \
    broadcast for (; i + 4 * wide <= n; i += 4 * wide) {                                                             \
      const auto m0 = match(hn::LoadU(d, p + i)), m1 = match(hn::LoadU(d, p + i + wide));                            \
      const auto m2 = match(hn::LoadU(d, p + i + 2 * wide)), m3 = match(hn::LoadU(d, p + i + 3 * wide));             \
      if (!hn::AllFalse(d, hn::Or(hn::Or(m0, m1), hn::Or(m2, m3)))) {                                                \
        if (const auto found = hn::FindFirstTrue(d, m0); found >= 0) return i + static_cast<std::size_t>(found);     \
        if (const auto found = hn::FindFirstTrue(d, m1); found >= 0)                                                 \
          return i + wide + static_cast<std::size_t>(found);                                                         \
        if (const auto found = hn::FindFirstTrue(d, m2); found >= 0)                                                 \
          return i + 2 * wide + static_cast<std::size_t>(found);                                                     \
        return i + 3 * wide + static_cast<std::size_t>(hn::FindFirstTrue(d, m3));                                    \
      }                                                                                                              \
    }                                                                                                                \
    for (; i + wide <= n; i += wide) {                                                                               \
      const auto m = match(hn::LoadU(d, p + i));                                                                     \
      if (const auto found = hn::FindFirstTrue(d, m); found >= 0) return i + static_cast<std::size_t>(found);        \
    }                                                                                                                \
    if (i != n) { /* overlaps bytes that are known not to match */                                                   \
      const auto m = match(hn::LoadU(d, p + n - wide));                                                              \
      if (const auto found = hn::FindFirstTrue(d, m); found >= 0) return n - wide + static_cast<std::size_t>(found); \
    }                                                                                                                \
    return n;                                                                                                        \
  }
#define FRYS_SIMD_MATCH_ONE(x) hn::Eq(x, va)
#define FRYS_SIMD_MATCH_TWO(x) hn::Or(hn::Eq(x, va), hn::Eq(x, vc))
#define FRYS_SIMD_SAME_ONE(x) (x) == a
#define FRYS_SIMD_SAME_TWO(x) (x) == a || (x) == b
#define FRYS_SIMD_ARGUMENTS_ONE (const std::byte* data, std::size_t n, std::byte a)
#define FRYS_SIMD_ARGUMENTS_TWO (const std::byte* data, std::size_t n, std::byte a, std::byte b)
#define FRYS_SIMD_BROADCAST_ONE const vb va = hn::Set(d, static_cast<std::uint8_t>(a));
#define FRYS_SIMD_BROADCAST_TWO FRYS_SIMD_BROADCAST_ONE const vb vc = hn::Set(d, static_cast<std::uint8_t>(b));
FRYS_SIMD_FIND(find_byte, FRYS_SIMD_ARGUMENTS_ONE, FRYS_SIMD_BROADCAST_ONE, FRYS_SIMD_MATCH_ONE, FRYS_SIMD_SAME_ONE)
FRYS_SIMD_FIND(find_either, FRYS_SIMD_ARGUMENTS_TWO, FRYS_SIMD_BROADCAST_TWO, FRYS_SIMD_MATCH_TWO, FRYS_SIMD_SAME_TWO)
#undef FRYS_SIMD_FIND
#undef FRYS_SIMD_MATCH_ONE
#undef FRYS_SIMD_MATCH_TWO
#undef FRYS_SIMD_SAME_ONE
#undef FRYS_SIMD_SAME_TWO
#undef FRYS_SIMD_ARGUMENTS_ONE
#undef FRYS_SIMD_ARGUMENTS_TWO
#undef FRYS_SIMD_BROADCAST_ONE
#undef FRYS_SIMD_BROADCAST_TWO

inline constexpr std::size_t vector_bytes = HWY_MAX_BYTES;

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail::FRYS_SIMD_NS
HWY_AFTER_NAMESPACE();
#undef FRYS_SIMD_NS
#define FRYS_SIMD_T2 t2_avx2
#endif

#if (HWY_TARGETS & HWY_AVX3) && (HWY_STATIC_TARGET != HWY_AVX3)
#undef HWY_TARGET
#define HWY_TARGET HWY_AVX3
// highway_ops: brings in Highway's operations for the HWY_TARGET that the includer has just defined. No include guard:
// once per target.
//
// hwy/highway.h enters its per-target part whenever HWY_HIGHWAY_PER_TARGET and HWY_TARGET_TOGGLE do not agree, so the
// toggle is flipped and both guards are put in step with it.
#if FRYS_SIMD_OPS_READY
#include <hwy/ops/set_macros-inl.h>
#else
#ifdef HWY_TARGET_TOGGLE
#undef HWY_TARGET_TOGGLE
#undef HWY_HIGHWAY_PER_TARGET
#undef HWY_SET_MACROS_PER_TARGET
#else
#define HWY_TARGET_TOGGLE
#undef HWY_HIGHWAY_PER_TARGET
#define HWY_HIGHWAY_PER_TARGET
#undef HWY_SET_MACROS_PER_TARGET
#define HWY_SET_MACROS_PER_TARGET
#endif
#include <hwy/highway.h>
#endif
#define FRYS_SIMD_NS t3_avx512
// kernels_highway: the kernels in Highway's operations, once for each target. No include guard: the includer defines
// FRYS_SIMD_NS (the target's namespace) and has switched HWY_TARGET.
//
// Inside: Highway's operations, plain loops and functions of this namespace only. A std:: template that is first
// instantiated here would become a weak symbol full of this target's instructions, for the whole program.
HWY_BEFORE_NAMESPACE();
namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail::FRYS_SIMD_NS {

namespace hn = hwy::HWY_NAMESPACE;
using df = hn::ScalableTag<float>;
using db = hn::ScalableTag<std::uint8_t>;
using vf = hn::Vec<df>;
using vb = hn::Vec<db>;

inline float dot(const float* a, const float* b, std::size_t n) noexcept {
  const df d;
  const std::size_t lanes = hn::Lanes(d);
  if (n < lanes) {
    float r = 0;
    for (std::size_t i = 0; i < n; ++i) r += a[i] * b[i];
    return r;
  }
  vf s0 = hn::Zero(d), s1 = hn::Zero(d), s2 = hn::Zero(d), s3 = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    s0 = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), s0);
    s1 = hn::MulAdd(hn::LoadU(d, a + i + lanes), hn::LoadU(d, b + i + lanes), s1);
    s2 = hn::MulAdd(hn::LoadU(d, a + i + 2 * lanes), hn::LoadU(d, b + i + 2 * lanes), s2);
    s3 = hn::MulAdd(hn::LoadU(d, a + i + 3 * lanes), hn::LoadU(d, b + i + 3 * lanes), s3);
  }
  for (; i + lanes <= n; i += lanes) s0 = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), s0);
  if (i != n) {  // a vector that ends with the data; what was summed already is cleared
    const auto seen = hn::FirstN(d, lanes - (n - i));
    s1 = hn::MulAdd(hn::IfThenZeroElse(seen, hn::LoadU(d, a + n - lanes)),
                    hn::IfThenZeroElse(seen, hn::LoadU(d, b + n - lanes)), s1);
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
}

inline float l2_squared(const float* a, const float* b, std::size_t n) noexcept {
  const df d;
  const std::size_t lanes = hn::Lanes(d);
  if (n < lanes) {
    float r = 0;
    for (std::size_t i = 0; i < n; ++i) r += (a[i] - b[i]) * (a[i] - b[i]);
    return r;
  }
  vf s0 = hn::Zero(d), s1 = hn::Zero(d), s2 = hn::Zero(d), s3 = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    const vf x0 = hn::Sub(hn::LoadU(d, a + i), hn::LoadU(d, b + i));
    const vf x1 = hn::Sub(hn::LoadU(d, a + i + lanes), hn::LoadU(d, b + i + lanes));
    const vf x2 = hn::Sub(hn::LoadU(d, a + i + 2 * lanes), hn::LoadU(d, b + i + 2 * lanes));
    const vf x3 = hn::Sub(hn::LoadU(d, a + i + 3 * lanes), hn::LoadU(d, b + i + 3 * lanes));
    s0 = hn::MulAdd(x0, x0, s0);
    s1 = hn::MulAdd(x1, x1, s1);
    s2 = hn::MulAdd(x2, x2, s2);
    s3 = hn::MulAdd(x3, x3, s3);
  }
  for (; i + lanes <= n; i += lanes) {
    const vf x = hn::Sub(hn::LoadU(d, a + i), hn::LoadU(d, b + i));
    s0 = hn::MulAdd(x, x, s0);
  }
  if (i != n) {
    const auto seen = hn::FirstN(d, lanes - (n - i));
    const vf x = hn::IfThenZeroElse(seen, hn::Sub(hn::LoadU(d, a + n - lanes), hn::LoadU(d, b + n - lanes)));
    s1 = hn::MulAdd(x, x, s1);
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
}

inline float cosine(const float* a, const float* b, std::size_t n) noexcept {
  const df d;
  const std::size_t lanes = hn::Lanes(d);
  float ab = 0, aa = 0, bb = 0;
  if (n < lanes) {
    for (std::size_t i = 0; i < n; ++i) {
      ab += a[i] * b[i];
      aa += a[i] * a[i];
      bb += b[i] * b[i];
    }
  } else {
    vf ab0 = hn::Zero(d), ab1 = ab0, aa0 = ab0, aa1 = ab0, bb0 = ab0, bb1 = ab0;
    std::size_t i = 0;
    for (; i + 2 * lanes <= n; i += 2 * lanes) {
      const vf x0 = hn::LoadU(d, a + i), y0 = hn::LoadU(d, b + i);
      const vf x1 = hn::LoadU(d, a + i + lanes), y1 = hn::LoadU(d, b + i + lanes);
      ab0 = hn::MulAdd(x0, y0, ab0), aa0 = hn::MulAdd(x0, x0, aa0), bb0 = hn::MulAdd(y0, y0, bb0);
      ab1 = hn::MulAdd(x1, y1, ab1), aa1 = hn::MulAdd(x1, x1, aa1), bb1 = hn::MulAdd(y1, y1, bb1);
    }
    for (; i + lanes <= n; i += lanes) {
      const vf x = hn::LoadU(d, a + i), y = hn::LoadU(d, b + i);
      ab0 = hn::MulAdd(x, y, ab0), aa0 = hn::MulAdd(x, x, aa0), bb0 = hn::MulAdd(y, y, bb0);
    }
    if (i != n) {
      const auto seen = hn::FirstN(d, lanes - (n - i));
      const vf x = hn::IfThenZeroElse(seen, hn::LoadU(d, a + n - lanes));
      const vf y = hn::IfThenZeroElse(seen, hn::LoadU(d, b + n - lanes));
      ab1 = hn::MulAdd(x, y, ab1), aa1 = hn::MulAdd(x, x, aa1), bb1 = hn::MulAdd(y, y, bb1);
    }
    ab = hn::GetLane(hn::SumOfLanes(d, hn::Add(ab0, ab1)));
    aa = hn::GetLane(hn::SumOfLanes(d, hn::Add(aa0, aa1)));
    bb = hn::GetLane(hn::SumOfLanes(d, hn::Add(bb0, bb1)));
  }
  const float norms = __builtin_sqrtf(aa) * __builtin_sqrtf(bb);
  return norms > 0 ? ab / norms : 0.0f;
}

// Four rows at a time: each part of the query is loaded once for all of them. A group at the end repeats its last row
// rather than taking another way, so that a row's value does not depend on its place.
#define FRYS_SIMD_ROWS(name, scalar_step, prepare, factor)                                                          \
  inline void name(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t n,     \
                   float* out) noexcept {                                                                           \
    const df d;                                                                                                     \
    const std::size_t lanes = hn::Lanes(d);                                                                         \
    for (std::size_t row = 0; row < count; row += 4) {                                                              \
      const std::size_t left = count - row;                                                                         \
      const float* const r0 = rows + row * stride;                                                                  \
      const float* const r1 = left > 1 ? r0 + stride : r0;                                                          \
      const float* const r2 = left > 2 ? r1 + stride : r1;                                                          \
      const float* const r3 = left > 3 ? r2 + stride : r2;                                                          \
      float t0 = 0, t1 = 0, t2 = 0, t3 = 0;                                                                         \
      if (n < lanes) {                                                                                              \
        for (std::size_t i = 0; i < n; ++i) {                                                                       \
          const float q = query[i];                                                                                 \
          scalar_step(t0, r0[i]) scalar_step(t1, r1[i]) scalar_step(t2, r2[i]) scalar_step(t3, r3[i])               \
        }                                                                                                           \
      } else {                                                                                                      \
        vf a0 = hn::Zero(d), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;                         \
        std::size_t i = 0;                                                                                          \
        for (; i + 2 * lanes <= n; i += 2 * lanes) {                                                                \
          const vf q = hn::LoadU(d, query + i), p = hn::LoadU(d, query + i + lanes);                                \
          const vf x0 = prepare(hn::LoadU(d, r0 + i), q), x1 = prepare(hn::LoadU(d, r1 + i), q);                    \
          const vf x2 = prepare(hn::LoadU(d, r2 + i), q), x3 = prepare(hn::LoadU(d, r3 + i), q);                    \
          const vf y0 = prepare(hn::LoadU(d, r0 + i + lanes), p), y1 = prepare(hn::LoadU(d, r1 + i + lanes), p);    \
          const vf y2 = prepare(hn::LoadU(d, r2 + i + lanes), p), y3 = prepare(hn::LoadU(d, r3 + i + lanes), p);    \
          a0 = hn::MulAdd(x0, factor(x0, q), a0), b0 = hn::MulAdd(y0, factor(y0, p), b0);                           \
          a1 = hn::MulAdd(x1, factor(x1, q), a1), b1 = hn::MulAdd(y1, factor(y1, p), b1);                           \
          a2 = hn::MulAdd(x2, factor(x2, q), a2), b2 = hn::MulAdd(y2, factor(y2, p), b2);                           \
          a3 = hn::MulAdd(x3, factor(x3, q), a3), b3 = hn::MulAdd(y3, factor(y3, p), b3);                           \
        }                                                                                                           \
        if (i + lanes <= n) {                                                                                       \
          const vf q = hn::LoadU(d, query + i);                                                                     \
          const vf x0 = prepare(hn::LoadU(d, r0 + i), q), x1 = prepare(hn::LoadU(d, r1 + i), q);                    \
          const vf x2 = prepare(hn::LoadU(d, r2 + i), q), x3 = prepare(hn::LoadU(d, r3 + i), q);                    \
          a0 = hn::MulAdd(x0, factor(x0, q), a0), a1 = hn::MulAdd(x1, factor(x1, q), a1);                           \
          a2 = hn::MulAdd(x2, factor(x2, q), a2), a3 = hn::MulAdd(x3, factor(x3, q), a3);                           \
          i += lanes;                                                                                               \
        }                                                                                                           \
        if (i != n) {                                                                                               \
          const std::size_t j = n - lanes;                                                                          \
          const auto seen = hn::FirstN(d, lanes - (n - i));                                                         \
          const vf q = hn::IfThenZeroElse(seen, hn::LoadU(d, query + j));                                           \
          const vf x0 = prepare(hn::IfThenZeroElse(seen, hn::LoadU(d, r0 + j)), q);                                 \
          const vf x1 = prepare(hn::IfThenZeroElse(seen, hn::LoadU(d, r1 + j)), q);                                 \
          const vf x2 = prepare(hn::IfThenZeroElse(seen, hn::LoadU(d, r2 + j)), q);                                 \
          const vf x3 = prepare(hn::IfThenZeroElse(seen, hn::LoadU(d, r3 + j)), q);                                 \
          b0 = hn::MulAdd(x0, factor(x0, q), b0), b1 = hn::MulAdd(x1, factor(x1, q), b1);                           \
          b2 = hn::MulAdd(x2, factor(x2, q), b2), b3 = hn::MulAdd(x3, factor(x3, q), b3);                           \
        }                                                                                                           \
        t0 = hn::GetLane(hn::SumOfLanes(d, hn::Add(a0, b0))), t1 = hn::GetLane(hn::SumOfLanes(d, hn::Add(a1, b1))); \
        t2 = hn::GetLane(hn::SumOfLanes(d, hn::Add(a2, b2))), t3 = hn::GetLane(hn::SumOfLanes(d, hn::Add(a3, b3))); \
      }                                                                                                             \
      out[row] = t0;                                                                                                \
      if (left > 1) out[row + 1] = t1;                                                                              \
      if (left > 2) out[row + 2] = t2;                                                                              \
      if (left > 3) out[row + 3] = t3;                                                                              \
    }                                                                                                               \
  }
#define FRYS_SIMD_STEP_DOT(total, x) total += (x)*q;
#define FRYS_SIMD_STEP_L2(total, x) total += ((x)-q) * ((x)-q);
#define FRYS_SIMD_KEEP(x, q) x
#define FRYS_SIMD_SUBTRACT(x, q) hn::Sub(x, q)
#define FRYS_SIMD_QUERY(x, q) q
#define FRYS_SIMD_SELF(x, q) x
FRYS_SIMD_ROWS(dot_rows, FRYS_SIMD_STEP_DOT, FRYS_SIMD_KEEP, FRYS_SIMD_QUERY)
FRYS_SIMD_ROWS(l2_squared_rows, FRYS_SIMD_STEP_L2, FRYS_SIMD_SUBTRACT, FRYS_SIMD_SELF)
#undef FRYS_SIMD_ROWS
#undef FRYS_SIMD_STEP_DOT
#undef FRYS_SIMD_STEP_L2
#undef FRYS_SIMD_KEEP
#undef FRYS_SIMD_SUBTRACT
#undef FRYS_SIMD_QUERY
#undef FRYS_SIMD_SELF

#define FRYS_SIMD_FIND(name, arguments, broadcast, match, same)                                                      \
  inline std::size_t name arguments noexcept {                                                                       \
    const db d;                                                                                                      \
    const std::size_t wide = hn::Lanes(d);                                                                           \
    std::size_t i = 0;                                                                                               \
    if (n < wide) {                                                                                                  \
      while (i < n && !(same(data[i]))) ++i;                                                                         \
      return i;                                                                                                      \
    }                                                                                                                \
    const std::uint8_t* const p = reinterpret_cast<const std::uint8_t*>(data);                                       \
    broadcast for (; i + 4 * wide <= n; i += 4 * wide) {                                                             \
      const auto m0 = match(hn::LoadU(d, p + i)), m1 = match(hn::LoadU(d, p + i + wide));                            \
      const auto m2 = match(hn::LoadU(d, p + i + 2 * wide)), m3 = match(hn::LoadU(d, p + i + 3 * wide));             \
      if (!hn::AllFalse(d, hn::Or(hn::Or(m0, m1), hn::Or(m2, m3)))) {                                                \
        if (const auto found = hn::FindFirstTrue(d, m0); found >= 0) return i + static_cast<std::size_t>(found);     \
        if (const auto found = hn::FindFirstTrue(d, m1); found >= 0)                                                 \
          return i + wide + static_cast<std::size_t>(found);                                                         \
        if (const auto found = hn::FindFirstTrue(d, m2); found >= 0)                                                 \
          return i + 2 * wide + static_cast<std::size_t>(found);                                                     \
        return i + 3 * wide + static_cast<std::size_t>(hn::FindFirstTrue(d, m3));                                    \
      }                                                                                                              \
    }                                                                                                                \
    for (; i + wide <= n; i += wide) {                                                                               \
      const auto m = match(hn::LoadU(d, p + i));                                                                     \
      if (const auto found = hn::FindFirstTrue(d, m); found >= 0) return i + static_cast<std::size_t>(found);        \
    }                                                                                                                \
    if (i != n) { /* overlaps bytes that are known not to match */                                                   \
      const auto m = match(hn::LoadU(d, p + n - wide));                                                              \
      if (const auto found = hn::FindFirstTrue(d, m); found >= 0) return n - wide + static_cast<std::size_t>(found); \
    }                                                                                                                \
    return n;                                                                                                        \
  }
#define FRYS_SIMD_MATCH_ONE(x) hn::Eq(x, va)
#define FRYS_SIMD_MATCH_TWO(x) hn::Or(hn::Eq(x, va), hn::Eq(x, vc))
#define FRYS_SIMD_SAME_ONE(x) (x) == a
#define FRYS_SIMD_SAME_TWO(x) (x) == a || (x) == b
#define FRYS_SIMD_ARGUMENTS_ONE (const std::byte* data, std::size_t n, std::byte a)
#define FRYS_SIMD_ARGUMENTS_TWO (const std::byte* data, std::size_t n, std::byte a, std::byte b)
#define FRYS_SIMD_BROADCAST_ONE const vb va = hn::Set(d, static_cast<std::uint8_t>(a));
#define FRYS_SIMD_BROADCAST_TWO FRYS_SIMD_BROADCAST_ONE const vb vc = hn::Set(d, static_cast<std::uint8_t>(b));
FRYS_SIMD_FIND(find_byte, FRYS_SIMD_ARGUMENTS_ONE, FRYS_SIMD_BROADCAST_ONE, FRYS_SIMD_MATCH_ONE, FRYS_SIMD_SAME_ONE)
FRYS_SIMD_FIND(find_either, FRYS_SIMD_ARGUMENTS_TWO, FRYS_SIMD_BROADCAST_TWO, FRYS_SIMD_MATCH_TWO, FRYS_SIMD_SAME_TWO)
#undef FRYS_SIMD_FIND
#undef FRYS_SIMD_MATCH_ONE
#undef FRYS_SIMD_MATCH_TWO
#undef FRYS_SIMD_SAME_ONE
#undef FRYS_SIMD_SAME_TWO
#undef FRYS_SIMD_ARGUMENTS_ONE
#undef FRYS_SIMD_ARGUMENTS_TWO
#undef FRYS_SIMD_BROADCAST_ONE
#undef FRYS_SIMD_BROADCAST_TWO

inline constexpr std::size_t vector_bytes = HWY_MAX_BYTES;

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail::FRYS_SIMD_NS
HWY_AFTER_NAMESPACE();
#undef FRYS_SIMD_NS
#define FRYS_SIMD_T3 t3_avx512
#endif

// Highway 1.0.4 and later.
#if defined(HWY_AVX3_ZEN4)
#if (HWY_TARGETS & HWY_AVX3_ZEN4) && (HWY_STATIC_TARGET != HWY_AVX3_ZEN4)
#undef HWY_TARGET
#define HWY_TARGET HWY_AVX3_ZEN4
// highway_ops: brings in Highway's operations for the HWY_TARGET that the includer has just defined. No include guard:
// once per target.
//
// hwy/highway.h enters its per-target part whenever HWY_HIGHWAY_PER_TARGET and HWY_TARGET_TOGGLE do not agree, so the
// toggle is flipped and both guards are put in step with it.
#if FRYS_SIMD_OPS_READY
#include <hwy/ops/set_macros-inl.h>
#else
#ifdef HWY_TARGET_TOGGLE
#undef HWY_TARGET_TOGGLE
#undef HWY_HIGHWAY_PER_TARGET
#undef HWY_SET_MACROS_PER_TARGET
#else
#define HWY_TARGET_TOGGLE
#undef HWY_HIGHWAY_PER_TARGET
#define HWY_HIGHWAY_PER_TARGET
#undef HWY_SET_MACROS_PER_TARGET
#define HWY_SET_MACROS_PER_TARGET
#endif
#include <hwy/highway.h>
#endif
#define FRYS_SIMD_NS t4_zen4
// kernels_highway: the kernels in Highway's operations, once for each target. No include guard: the includer defines
// FRYS_SIMD_NS (the target's namespace) and has switched HWY_TARGET.
//
// Inside: Highway's operations, plain loops and functions of this namespace only. A std:: template that is first
// instantiated here would become a weak symbol full of this target's instructions, for the whole program.
HWY_BEFORE_NAMESPACE();
namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail::FRYS_SIMD_NS {

namespace hn = hwy::HWY_NAMESPACE;
using df = hn::ScalableTag<float>;
using db = hn::ScalableTag<std::uint8_t>;
using vf = hn::Vec<df>;
using vb = hn::Vec<db>;

inline float dot(const float* a, const float* b, std::size_t n) noexcept {
  const df d;
  const std::size_t lanes = hn::Lanes(d);
  if (n < lanes) {
    float r = 0;
    for (std::size_t i = 0; i < n; ++i) r += a[i] * b[i];
    return r;
  }
  vf s0 = hn::Zero(d), s1 = hn::Zero(d), s2 = hn::Zero(d), s3 = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    s0 = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), s0);
    s1 = hn::MulAdd(hn::LoadU(d, a + i + lanes), hn::LoadU(d, b + i + lanes), s1);
    s2 = hn::MulAdd(hn::LoadU(d, a + i + 2 * lanes), hn::LoadU(d, b + i + 2 * lanes), s2);
    s3 = hn::MulAdd(hn::LoadU(d, a + i + 3 * lanes), hn::LoadU(d, b + i + 3 * lanes), s3);
  }
  for (; i + lanes <= n; i += lanes) s0 = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), s0);
  if (i != n) {  // a vector that ends with the data; what was summed already is cleared
    const auto seen = hn::FirstN(d, lanes - (n - i));
    s1 = hn::MulAdd(hn::IfThenZeroElse(seen, hn::LoadU(d, a + n - lanes)),
                    hn::IfThenZeroElse(seen, hn::LoadU(d, b + n - lanes)), s1);
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
}

inline float l2_squared(const float* a, const float* b, std::size_t n) noexcept {
  const df d;
  const std::size_t lanes = hn::Lanes(d);
  if (n < lanes) {
    float r = 0;
    for (std::size_t i = 0; i < n; ++i) r += (a[i] - b[i]) * (a[i] - b[i]);
    return r;
  }
  vf s0 = hn::Zero(d), s1 = hn::Zero(d), s2 = hn::Zero(d), s3 = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    const vf x0 = hn::Sub(hn::LoadU(d, a + i), hn::LoadU(d, b + i));
    const vf x1 = hn::Sub(hn::LoadU(d, a + i + lanes), hn::LoadU(d, b + i + lanes));
    const vf x2 = hn::Sub(hn::LoadU(d, a + i + 2 * lanes), hn::LoadU(d, b + i + 2 * lanes));
    const vf x3 = hn::Sub(hn::LoadU(d, a + i + 3 * lanes), hn::LoadU(d, b + i + 3 * lanes));
    s0 = hn::MulAdd(x0, x0, s0);
    s1 = hn::MulAdd(x1, x1, s1);
    s2 = hn::MulAdd(x2, x2, s2);
    s3 = hn::MulAdd(x3, x3, s3);
  }
  for (; i + lanes <= n; i += lanes) {
    const vf x = hn::Sub(hn::LoadU(d, a + i), hn::LoadU(d, b + i));
    s0 = hn::MulAdd(x, x, s0);
  }
  if (i != n) {
    const auto seen = hn::FirstN(d, lanes - (n - i));
    const vf x = hn::IfThenZeroElse(seen, hn::Sub(hn::LoadU(d, a + n - lanes), hn::LoadU(d, b + n - lanes)));
    s1 = hn::MulAdd(x, x, s1);
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
}

inline float cosine(const float* a, const float* b, std::size_t n) noexcept {
  const df d;
  const std::size_t lanes = hn::Lanes(d);
  float ab = 0, aa = 0, bb = 0;
  if (n < lanes) {
    for (std::size_t i = 0; i < n; ++i) {
      ab += a[i] * b[i];
      aa += a[i] * a[i];
      bb += b[i] * b[i];
    }
  } else {
    vf ab0 = hn::Zero(d), ab1 = ab0, aa0 = ab0, aa1 = ab0, bb0 = ab0, bb1 = ab0;
    std::size_t i = 0;
    for (; i + 2 * lanes <= n; i += 2 * lanes) {
      const vf x0 = hn::LoadU(d, a + i), y0 = hn::LoadU(d, b + i);
      const vf x1 = hn::LoadU(d, a + i + lanes), y1 = hn::LoadU(d, b + i + lanes);
      ab0 = hn::MulAdd(x0, y0, ab0), aa0 = hn::MulAdd(x0, x0, aa0), bb0 = hn::MulAdd(y0, y0, bb0);
      ab1 = hn::MulAdd(x1, y1, ab1), aa1 = hn::MulAdd(x1, x1, aa1), bb1 = hn::MulAdd(y1, y1, bb1);
    }
    for (; i + lanes <= n; i += lanes) {
      const vf x = hn::LoadU(d, a + i), y = hn::LoadU(d, b + i);
      ab0 = hn::MulAdd(x, y, ab0), aa0 = hn::MulAdd(x, x, aa0), bb0 = hn::MulAdd(y, y, bb0);
    }
    if (i != n) {
      const auto seen = hn::FirstN(d, lanes - (n - i));
      const vf x = hn::IfThenZeroElse(seen, hn::LoadU(d, a + n - lanes));
      const vf y = hn::IfThenZeroElse(seen, hn::LoadU(d, b + n - lanes));
      ab1 = hn::MulAdd(x, y, ab1), aa1 = hn::MulAdd(x, x, aa1), bb1 = hn::MulAdd(y, y, bb1);
    }
    ab = hn::GetLane(hn::SumOfLanes(d, hn::Add(ab0, ab1)));
    aa = hn::GetLane(hn::SumOfLanes(d, hn::Add(aa0, aa1)));
    bb = hn::GetLane(hn::SumOfLanes(d, hn::Add(bb0, bb1)));
  }
  const float norms = __builtin_sqrtf(aa) * __builtin_sqrtf(bb);
  return norms > 0 ? ab / norms : 0.0f;
}

// Four rows at a time: each part of the query is loaded once for all of them. A group at the end repeats its last row
// rather than taking another way, so that a row's value does not depend on its place.
#define FRYS_SIMD_ROWS(name, scalar_step, prepare, factor)                                                          \
  inline void name(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t n,     \
                   float* out) noexcept {                                                                           \
    const df d;                                                                                                     \
    const std::size_t lanes = hn::Lanes(d);                                                                         \
    for (std::size_t row = 0; row < count; row += 4) {                                                              \
      const std::size_t left = count - row;                                                                         \
      const float* const r0 = rows + row * stride;                                                                  \
      const float* const r1 = left > 1 ? r0 + stride : r0;                                                          \
      const float* const r2 = left > 2 ? r1 + stride : r1;                                                          \
      const float* const r3 = left > 3 ? r2 + stride : r2;                                                          \
      float t0 = 0, t1 = 0, t2 = 0, t3 = 0;                                                                         \
      if (n < lanes) {                                                                                              \
        for (std::size_t i = 0; i < n; ++i) {                                                                       \
          const float q = query[i];                                                                                 \
          scalar_step(t0, r0[i]) scalar_step(t1, r1[i]) scalar_step(t2, r2[i]) scalar_step(t3, r3[i])               \
        }                                                                                                           \
      } else {                                                                                                      \
        vf a0 = hn::Zero(d), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;                         \
        std::size_t i = 0;                                                                                          \
        for (; i + 2 * lanes <= n; i += 2 * lanes) {                                                                \
          const vf q = hn::LoadU(d, query + i), p = hn::LoadU(d, query + i + lanes);                                \
          const vf x0 = prepare(hn::LoadU(d, r0 + i), q), x1 = prepare(hn::LoadU(d, r1 + i), q);                    \
          const vf x2 = prepare(hn::LoadU(d, r2 + i), q), x3 = prepare(hn::LoadU(d, r3 + i), q);                    \
          const vf y0 = prepare(hn::LoadU(d, r0 + i + lanes), p), y1 = prepare(hn::LoadU(d, r1 + i + lanes), p);    \
          const vf y2 = prepare(hn::LoadU(d, r2 + i + lanes), p), y3 = prepare(hn::LoadU(d, r3 + i + lanes), p);    \
          a0 = hn::MulAdd(x0, factor(x0, q), a0), b0 = hn::MulAdd(y0, factor(y0, p), b0);                           \
          a1 = hn::MulAdd(x1, factor(x1, q), a1), b1 = hn::MulAdd(y1, factor(y1, p), b1);                           \
          a2 = hn::MulAdd(x2, factor(x2, q), a2), b2 = hn::MulAdd(y2, factor(y2, p), b2);                           \
          a3 = hn::MulAdd(x3, factor(x3, q), a3), b3 = hn::MulAdd(y3, factor(y3, p), b3);                           \
        }                                                                                                           \
        if (i + lanes <= n) {                                                                                       \
          const vf q = hn::LoadU(d, query + i);                                                                     \
          const vf x0 = prepare(hn::LoadU(d, r0 + i), q), x1 = prepare(hn::LoadU(d, r1 + i), q);                    \
          const vf x2 = prepare(hn::LoadU(d, r2 + i), q), x3 = prepare(hn::LoadU(d, r3 + i), q);                    \
          a0 = hn::MulAdd(x0, factor(x0, q), a0), a1 = hn::MulAdd(x1, factor(x1, q), a1);                           \
          a2 = hn::MulAdd(x2, factor(x2, q), a2), a3 = hn::MulAdd(x3, factor(x3, q), a3);                           \
          i += lanes;                                                                                               \
        }                                                                                                           \
        if (i != n) {                                                                                               \
          const std::size_t j = n - lanes;                                                                          \
          const auto seen = hn::FirstN(d, lanes - (n - i));                                                         \
          const vf q = hn::IfThenZeroElse(seen, hn::LoadU(d, query + j));                                           \
          const vf x0 = prepare(hn::IfThenZeroElse(seen, hn::LoadU(d, r0 + j)), q);                                 \
          const vf x1 = prepare(hn::IfThenZeroElse(seen, hn::LoadU(d, r1 + j)), q);                                 \
          const vf x2 = prepare(hn::IfThenZeroElse(seen, hn::LoadU(d, r2 + j)), q);                                 \
          const vf x3 = prepare(hn::IfThenZeroElse(seen, hn::LoadU(d, r3 + j)), q);                                 \
          b0 = hn::MulAdd(x0, factor(x0, q), b0), b1 = hn::MulAdd(x1, factor(x1, q), b1);                           \
          b2 = hn::MulAdd(x2, factor(x2, q), b2), b3 = hn::MulAdd(x3, factor(x3, q), b3);                           \
        }                                                                                                           \
        t0 = hn::GetLane(hn::SumOfLanes(d, hn::Add(a0, b0))), t1 = hn::GetLane(hn::SumOfLanes(d, hn::Add(a1, b1))); \
        t2 = hn::GetLane(hn::SumOfLanes(d, hn::Add(a2, b2))), t3 = hn::GetLane(hn::SumOfLanes(d, hn::Add(a3, b3))); \
      }                                                                                                             \
      out[row] = t0;                                                                                                \
      if (left > 1) out[row + 1] = t1;                                                                              \
      if (left > 2) out[row + 2] = t2;                                                                              \
      if (left > 3) out[row + 3] = t3;                                                                              \
    }                                                                                                               \
  }
#define FRYS_SIMD_STEP_DOT(total, x) total += (x)*q;
#define FRYS_SIMD_STEP_L2(total, x) total += ((x)-q) * ((x)-q);
#define FRYS_SIMD_KEEP(x, q) x
#define FRYS_SIMD_SUBTRACT(x, q) hn::Sub(x, q)
#define FRYS_SIMD_QUERY(x, q) q
#define FRYS_SIMD_SELF(x, q) x
FRYS_SIMD_ROWS(dot_rows, FRYS_SIMD_STEP_DOT, FRYS_SIMD_KEEP, FRYS_SIMD_QUERY)
FRYS_SIMD_ROWS(l2_squared_rows, FRYS_SIMD_STEP_L2, FRYS_SIMD_SUBTRACT, FRYS_SIMD_SELF)
#undef FRYS_SIMD_ROWS
#undef FRYS_SIMD_STEP_DOT
#undef FRYS_SIMD_STEP_L2
#undef FRYS_SIMD_KEEP
#undef FRYS_SIMD_SUBTRACT
#undef FRYS_SIMD_QUERY
#undef FRYS_SIMD_SELF

#define FRYS_SIMD_FIND(name, arguments, broadcast, match, same)                                                      \
  inline std::size_t name arguments noexcept {                                                                       \
    const db d;                                                                                                      \
    const std::size_t wide = hn::Lanes(d);                                                                           \
    std::size_t i = 0;                                                                                               \
    if (n < wide) {                                                                                                  \
      while (i < n && !(same(data[i]))) ++i;                                                                         \
      return i;                                                                                                      \
    }                                                                                                                \
    const std::uint8_t* const p = reinterpret_cast<const std::uint8_t*>(data);                                       \
    broadcast for (; i + 4 * wide <= n; i += 4 * wide) {                                                             \
      const auto m0 = match(hn::LoadU(d, p + i)), m1 = match(hn::LoadU(d, p + i + wide));                            \
      const auto m2 = match(hn::LoadU(d, p + i + 2 * wide)), m3 = match(hn::LoadU(d, p + i + 3 * wide));             \
      if (!hn::AllFalse(d, hn::Or(hn::Or(m0, m1), hn::Or(m2, m3)))) {                                                \
        if (const auto found = hn::FindFirstTrue(d, m0); found >= 0) return i + static_cast<std::size_t>(found);     \
        if (const auto found = hn::FindFirstTrue(d, m1); found >= 0)                                                 \
          return i + wide + static_cast<std::size_t>(found);                                                         \
        if (const auto found = hn::FindFirstTrue(d, m2); found >= 0)                                                 \
          return i + 2 * wide + static_cast<std::size_t>(found);                                                     \
        return i + 3 * wide + static_cast<std::size_t>(hn::FindFirstTrue(d, m3));                                    \
      }                                                                                                              \
    }                                                                                                                \
    for (; i + wide <= n; i += wide) {                                                                               \
      const auto m = match(hn::LoadU(d, p + i));                                                                     \
      if (const auto found = hn::FindFirstTrue(d, m); found >= 0) return i + static_cast<std::size_t>(found);        \
    }                                                                                                                \
    if (i != n) { /* overlaps bytes that are known not to match */                                                   \
      const auto m = match(hn::LoadU(d, p + n - wide));                                                              \
      if (const auto found = hn::FindFirstTrue(d, m); found >= 0) return n - wide + static_cast<std::size_t>(found); \
    }                                                                                                                \
    return n;                                                                                                        \
  }
#define FRYS_SIMD_MATCH_ONE(x) hn::Eq(x, va)
#define FRYS_SIMD_MATCH_TWO(x) hn::Or(hn::Eq(x, va), hn::Eq(x, vc))
#define FRYS_SIMD_SAME_ONE(x) (x) == a
#define FRYS_SIMD_SAME_TWO(x) (x) == a || (x) == b
#define FRYS_SIMD_ARGUMENTS_ONE (const std::byte* data, std::size_t n, std::byte a)
#define FRYS_SIMD_ARGUMENTS_TWO (const std::byte* data, std::size_t n, std::byte a, std::byte b)
#define FRYS_SIMD_BROADCAST_ONE const vb va = hn::Set(d, static_cast<std::uint8_t>(a));
#define FRYS_SIMD_BROADCAST_TWO FRYS_SIMD_BROADCAST_ONE const vb vc = hn::Set(d, static_cast<std::uint8_t>(b));
FRYS_SIMD_FIND(find_byte, FRYS_SIMD_ARGUMENTS_ONE, FRYS_SIMD_BROADCAST_ONE, FRYS_SIMD_MATCH_ONE, FRYS_SIMD_SAME_ONE)
FRYS_SIMD_FIND(find_either, FRYS_SIMD_ARGUMENTS_TWO, FRYS_SIMD_BROADCAST_TWO, FRYS_SIMD_MATCH_TWO, FRYS_SIMD_SAME_TWO)
#undef FRYS_SIMD_FIND
#undef FRYS_SIMD_MATCH_ONE
#undef FRYS_SIMD_MATCH_TWO
#undef FRYS_SIMD_SAME_ONE
#undef FRYS_SIMD_SAME_TWO
#undef FRYS_SIMD_ARGUMENTS_ONE
#undef FRYS_SIMD_ARGUMENTS_TWO
#undef FRYS_SIMD_BROADCAST_ONE
#undef FRYS_SIMD_BROADCAST_TWO

inline constexpr std::size_t vector_bytes = HWY_MAX_BYTES;

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail::FRYS_SIMD_NS
HWY_AFTER_NAMESPACE();
#undef FRYS_SIMD_NS
#define FRYS_SIMD_T4 t4_zen4
#endif
#endif

// Back to the resting state. A toggle that stays defined would make later Highway headers vanish silently.
#undef HWY_TARGET
#define HWY_TARGET HWY_STATIC_TARGET
#include <hwy/ops/set_macros-inl.h>
#undef HWY_TARGET_TOGGLE
#undef HWY_HIGHWAY_PER_TARGET
#undef HWY_SET_MACROS_PER_TARGET
#ifdef FRYS_SIMD_TOGGLE_WAS_ON
#define HWY_TARGET_TOGGLE
#undef FRYS_SIMD_TOGGLE_WAS_ON
#else
#define HWY_HIGHWAY_PER_TARGET
#define HWY_SET_MACROS_PER_TARGET
#endif
#undef FRYS_SIMD_OPS_READY

#endif  // FRYS_SIMD_DETAIL_FOREACH_HIGHWAY_HPP
#else
// foreach_plain: the plain kernels once per target. Defines FRYS_SIMD_T0 and, where compiled in, FRYS_SIMD_T2, _T3: the
// namespaces of the targets.
//
// Included by ../target.hpp alone, which declares what the kernels need first.
#ifndef FRYS_SIMD_DETAIL_FOREACH_PLAIN_HPP
#define FRYS_SIMD_DETAIL_FOREACH_PLAIN_HPP

#define FRYS_SIMD_BACKEND_NAME "plain"

// The compile baseline, always.
#if defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define FRYS_SIMD_LANES 16
#elif defined(__AVX2__)
#define FRYS_SIMD_LANES 8
#else
#define FRYS_SIMD_LANES 4
#endif
#define FRYS_SIMD_NS t0_baseline
// kernels_plain: the plain kernels, once for each target. No include guard: the includer defines FRYS_SIMD_NS (the
// target's namespace) and FRYS_SIMD_LANES (floats in a register) and has switched the compiler to the target.
//
// Inside: vector types of the compiler, builtins and functions of this namespace only. A std:: template that is first
// instantiated here would become a weak symbol full of this target's instructions, for the whole program.
// Vectors never travel by value between functions: that would depend on the ABI of the baseline.
namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail::FRYS_SIMD_NS {

typedef float vf __attribute__((vector_size(FRYS_SIMD_LANES * 4)));
typedef std::int32_t vi __attribute__((vector_size(FRYS_SIMD_LANES * 4)));
typedef float v4 __attribute__((vector_size(16)));
inline constexpr std::size_t lanes = FRYS_SIMD_LANES;

inline void load(vf& to, const float* from) noexcept { __builtin_memcpy(&to, from, sizeof to); }

// Clears all but the last r lanes.
inline void keep_last(vf& v, std::size_t r) noexcept {
  vi mask, bits;
  __builtin_memcpy(&mask, tail_mask + 16 - lanes + r, sizeof mask);
  __builtin_memcpy(&bits, &v, sizeof bits);
  bits &= mask;
  __builtin_memcpy(&v, &bits, sizeof v);
}

inline float sum(const vf& v) noexcept {
  v4 part[lanes / 4];
  __builtin_memcpy(part, &v, sizeof part);
  v4 s = part[0];
  for (std::size_t i = 1; i < lanes / 4; ++i) s += part[i];
  return (s[0] + s[2]) + (s[1] + s[3]);
}

inline float dot(const float* a, const float* b, std::size_t n) noexcept {
  if (n < lanes) {
    float r = 0;
    for (std::size_t i = 0; i < n; ++i) r += a[i] * b[i];
    return r;
  }
  vf s0{}, s1{}, s2{}, s3{}, x0, x1, x2, x3, y0, y1, y2, y3;
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    load(x0, a + i), load(y0, b + i);
    load(x1, a + i + lanes), load(y1, b + i + lanes);
    load(x2, a + i + 2 * lanes), load(y2, b + i + 2 * lanes);
    load(x3, a + i + 3 * lanes), load(y3, b + i + 3 * lanes);
    s0 += x0 * y0;
    s1 += x1 * y1;
    s2 += x2 * y2;
    s3 += x3 * y3;
  }
  for (; i + lanes <= n; i += lanes) {
    load(x0, a + i), load(y0, b + i);
    s0 += x0 * y0;
  }
  if (i != n) {
    load(x1, a + n - lanes), load(y1, b + n - lanes);
    keep_last(x1, n - i), keep_last(y1, n - i);
    s1 += x1 * y1;
  }
  s0 = (s0 + s1) + (s2 + s3);
  return sum(s0);
}

inline float l2_squared(const float* a, const float* b, std::size_t n) noexcept {
  if (n < lanes) {
    float r = 0;
    for (std::size_t i = 0; i < n; ++i) r += (a[i] - b[i]) * (a[i] - b[i]);
    return r;
  }
  vf s0{}, s1{}, s2{}, s3{}, x0, x1, x2, x3, y0, y1, y2, y3;
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    load(x0, a + i), load(y0, b + i);
    load(x1, a + i + lanes), load(y1, b + i + lanes);
    load(x2, a + i + 2 * lanes), load(y2, b + i + 2 * lanes);
    load(x3, a + i + 3 * lanes), load(y3, b + i + 3 * lanes);
    x0 -= y0, x1 -= y1, x2 -= y2, x3 -= y3;
    s0 += x0 * x0;
    s1 += x1 * x1;
    s2 += x2 * x2;
    s3 += x3 * x3;
  }
  for (; i + lanes <= n; i += lanes) {
    load(x0, a + i), load(y0, b + i);
    x0 -= y0;
    s0 += x0 * x0;
  }
  if (i != n) {
    load(x1, a + n - lanes), load(y1, b + n - lanes);
    x1 -= y1;
    keep_last(x1, n - i);
    s1 += x1 * x1;
  }
  s0 = (s0 + s1) + (s2 + s3);
  return sum(s0);
}

inline float cosine(const float* a, const float* b, std::size_t n) noexcept {
  float ab = 0, aa = 0, bb = 0;
  if (n < lanes) {
    for (std::size_t i = 0; i < n; ++i) {
      ab += a[i] * b[i];
      aa += a[i] * a[i];
      bb += b[i] * b[i];
    }
  } else {
    vf ab0{}, ab1{}, aa0{}, aa1{}, bb0{}, bb1{}, x0, x1, y0, y1;
    std::size_t i = 0;
    for (; i + 2 * lanes <= n; i += 2 * lanes) {
      load(x0, a + i), load(y0, b + i);
      load(x1, a + i + lanes), load(y1, b + i + lanes);
      ab0 += x0 * y0, aa0 += x0 * x0, bb0 += y0 * y0;
      ab1 += x1 * y1, aa1 += x1 * x1, bb1 += y1 * y1;
    }
    for (; i + lanes <= n; i += lanes) {
      load(x0, a + i), load(y0, b + i);
      ab0 += x0 * y0, aa0 += x0 * x0, bb0 += y0 * y0;
    }
    if (i != n) {
      load(x1, a + n - lanes), load(y1, b + n - lanes);
      keep_last(x1, n - i), keep_last(y1, n - i);
      ab1 += x1 * y1, aa1 += x1 * x1, bb1 += y1 * y1;
    }
    ab0 += ab1, aa0 += aa1, bb0 += bb1;
    ab = sum(ab0), aa = sum(aa0), bb = sum(bb0);
  }
  const float norms = __builtin_sqrtf(aa) * __builtin_sqrtf(bb);
  return norms > 0 ? ab / norms : 0.0f;
}

// Four rows at a time: each part of the query is loaded once for all of them. A group at the end repeats its last row
// rather than taking another way, so that a row's value does not depend on its place.
#define FRYS_SIMD_ROWS(name, scalar_step, prepare, factor)                                                      \
  inline void name(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t n, \
                   float* out) noexcept {                                                                       \
    for (std::size_t row = 0; row < count; row += 4) {                                                          \
      const std::size_t left = count - row;                                                                     \
      const float* const r0 = rows + row * stride;                                                              \
      const float* const r1 = left > 1 ? r0 + stride : r0;                                                      \
      const float* const r2 = left > 2 ? r1 + stride : r1;                                                      \
      const float* const r3 = left > 3 ? r2 + stride : r2;                                                      \
      float t0 = 0, t1 = 0, t2 = 0, t3 = 0;                                                                     \
      if (n < lanes) {                                                                                          \
        for (std::size_t i = 0; i < n; ++i) {                                                                   \
          const float q = query[i];                                                                             \
          scalar_step(t0, r0[i]) scalar_step(t1, r1[i]) scalar_step(t2, r2[i]) scalar_step(t3, r3[i])           \
        }                                                                                                       \
      } else {                                                                                                  \
        vf a0{}, a1{}, a2{}, a3{}, b0{}, b1{}, b2{}, b3{}, q, x0, x1, x2, x3;                                   \
        std::size_t i = 0;                                                                                      \
        for (; i + 2 * lanes <= n; i += 2 * lanes) {                                                            \
          load(q, query + i), load(x0, r0 + i), load(x1, r1 + i), load(x2, r2 + i), load(x3, r3 + i);           \
          prepare(x0) prepare(x1) prepare(x2) prepare(x3) a0 += x0 * factor(x0), a1 += x1 * factor(x1),         \
              a2 += x2 * factor(x2), a3 += x3 * factor(x3);                                                     \
          const std::size_t j = i + lanes;                                                                      \
          load(q, query + j), load(x0, r0 + j), load(x1, r1 + j), load(x2, r2 + j), load(x3, r3 + j);           \
          prepare(x0) prepare(x1) prepare(x2) prepare(x3) b0 += x0 * factor(x0), b1 += x1 * factor(x1),         \
              b2 += x2 * factor(x2), b3 += x3 * factor(x3);                                                     \
        }                                                                                                       \
        if (i + lanes <= n) {                                                                                   \
          load(q, query + i), load(x0, r0 + i), load(x1, r1 + i), load(x2, r2 + i), load(x3, r3 + i);           \
          prepare(x0) prepare(x1) prepare(x2) prepare(x3) a0 += x0 * factor(x0), a1 += x1 * factor(x1),         \
              a2 += x2 * factor(x2), a3 += x3 * factor(x3);                                                     \
          i += lanes;                                                                                           \
        }                                                                                                       \
        if (i != n) {                                                                                           \
          const std::size_t j = n - lanes, r = n - i;                                                           \
          load(q, query + j), load(x0, r0 + j), load(x1, r1 + j), load(x2, r2 + j), load(x3, r3 + j);           \
          prepare(x0) prepare(x1) prepare(x2) prepare(x3) keep_last(q, r), keep_last(x0, r), keep_last(x1, r),  \
              keep_last(x2, r), keep_last(x3, r);                                                               \
          b0 += x0 * factor(x0), b1 += x1 * factor(x1), b2 += x2 * factor(x2), b3 += x3 * factor(x3);           \
        }                                                                                                       \
        a0 += b0, a1 += b1, a2 += b2, a3 += b3;                                                                 \
        t0 = sum(a0), t1 = sum(a1), t2 = sum(a2), t3 = sum(a3);                                                 \
      }                                                                                                         \
      out[row] = t0;                                                                                            \
      if (left > 1) out[row + 1] = t1;                                                                          \
      if (left > 2) out[row + 2] = t2;                                                                          \
      if (left > 3) out[row + 3] = t3;                                                                          \
    }                                                                                                           \
  }
#define FRYS_SIMD_STEP_DOT(total, x) total += (x)*q;
#define FRYS_SIMD_STEP_L2(total, x) total += ((x)-q) * ((x)-q);
#define FRYS_SIMD_KEEP(x)
#define FRYS_SIMD_SUBTRACT(x) x -= q;
#define FRYS_SIMD_QUERY(x) q
#define FRYS_SIMD_SELF(x) x
FRYS_SIMD_ROWS(dot_rows, FRYS_SIMD_STEP_DOT, FRYS_SIMD_KEEP, FRYS_SIMD_QUERY)
FRYS_SIMD_ROWS(l2_squared_rows, FRYS_SIMD_STEP_L2, FRYS_SIMD_SUBTRACT, FRYS_SIMD_SELF)
#undef FRYS_SIMD_ROWS
#undef FRYS_SIMD_STEP_DOT
#undef FRYS_SIMD_STEP_L2
#undef FRYS_SIMD_KEEP
#undef FRYS_SIMD_SUBTRACT
#undef FRYS_SIMD_QUERY
#undef FRYS_SIMD_SELF

// Bytes. A compare answers 0 or 255 in each lane; `hits` tells which lanes answered 255.
#if FRYS_SIMD_X86 && FRYS_SIMD_LANES >= 8
#define FRYS_SIMD_BYTES 32
#else
#define FRYS_SIMD_BYTES 16
#endif
typedef unsigned char vb __attribute__((vector_size(FRYS_SIMD_BYTES)));
inline constexpr std::size_t wide = FRYS_SIMD_BYTES;

#if FRYS_SIMD_X86 && (FRYS_SIMD_LANES >= 8 || defined(__SSE2__))
typedef char vc __attribute__((vector_size(FRYS_SIMD_BYTES)));
inline unsigned hits(const vb& equal) noexcept {
#if FRYS_SIMD_LANES >= 8
  return static_cast<unsigned>(__builtin_ia32_pmovmskb256(reinterpret_cast<vc>(equal)));
#else
  return static_cast<unsigned>(__builtin_ia32_pmovmskb128(reinterpret_cast<vc>(equal)));
#endif
}
inline std::size_t first(unsigned found) noexcept { return static_cast<std::size_t>(__builtin_ctz(found)); }
#else
struct hit_words {
  unsigned long long low, high;
  explicit operator bool() const noexcept { return (low | high) != 0; }
};
inline hit_words hits(const vb& equal) noexcept {
  hit_words found;
  __builtin_memcpy(&found, &equal, sizeof found);
  return found;
}
inline std::size_t first(hit_words found) noexcept {
  const unsigned long long word = found.low != 0 ? found.low : found.high;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  const int bit = __builtin_clzll(word);
#else
  const int bit = __builtin_ctzll(word);
#endif
  return (found.low != 0 ? 0u : 8u) + static_cast<std::size_t>(bit) / 8u;
}
#endif

#define FRYS_SIMD_FIND(name, arguments, broadcast, match, same)              \
  inline std::size_t name arguments noexcept {                               \
    std::size_t i = 0;                                                       \
    if (n < wide) {                                                          \
      while (i < n && !(same(data[i]))) ++i;                                 \
      return i;                                                              \
    }                                                                        \
    broadcast vb x0, x1, x2, x3;                                             \
    for (; i + 4 * wide <= n; i += 4 * wide) {                               \
      __builtin_memcpy(&x0, data + i, wide);                                 \
      __builtin_memcpy(&x1, data + i + wide, wide);                          \
      __builtin_memcpy(&x2, data + i + 2 * wide, wide);                      \
      __builtin_memcpy(&x3, data + i + 3 * wide, wide);                      \
      x0 = match(x0), x1 = match(x1), x2 = match(x2), x3 = match(x3);        \
      const vb any = (x0 | x1) | (x2 | x3);                                  \
      if (hits(any)) {                                                       \
        if (const auto found = hits(x0)) return i + first(found);            \
        if (const auto found = hits(x1)) return i + wide + first(found);     \
        if (const auto found = hits(x2)) return i + 2 * wide + first(found); \
        return i + 3 * wide + first(hits(x3));                               \
      }                                                                      \
    }                                                                        \
    for (; i + wide <= n; i += wide) {                                       \
      __builtin_memcpy(&x0, data + i, wide);                                 \
      x0 = match(x0);                                                        \
      if (const auto found = hits(x0)) return i + first(found);              \
    }                                                                        \
    if (i != n) { /* overlaps bytes that are known not to match */           \
      __builtin_memcpy(&x0, data + n - wide, wide);                          \
      x0 = match(x0);                                                        \
      if (const auto found = hits(x0)) return n - wide + first(found);       \
    }                                                                        \
    return n;                                                                \
  }
#define FRYS_SIMD_MATCH_ONE(x) (reinterpret_cast<vb>((x) == va))
#define FRYS_SIMD_MATCH_TWO(x) (reinterpret_cast<vb>(((x) == va) | ((x) == vb_)))
#define FRYS_SIMD_SAME_ONE(x) (x) == a
#define FRYS_SIMD_SAME_TWO(x) (x) == a || (x) == b
#define FRYS_SIMD_ARGUMENTS_ONE (const std::byte* data, std::size_t n, std::byte a)
#define FRYS_SIMD_ARGUMENTS_TWO (const std::byte* data, std::size_t n, std::byte a, std::byte b)
#define FRYS_SIMD_BROADCAST_ONE const vb va = vb{} + static_cast<unsigned char>(a);
#define FRYS_SIMD_BROADCAST_TWO FRYS_SIMD_BROADCAST_ONE const vb vb_ = vb{} + static_cast<unsigned char>(b);
FRYS_SIMD_FIND(find_byte, FRYS_SIMD_ARGUMENTS_ONE, FRYS_SIMD_BROADCAST_ONE, FRYS_SIMD_MATCH_ONE, FRYS_SIMD_SAME_ONE)
FRYS_SIMD_FIND(find_either, FRYS_SIMD_ARGUMENTS_TWO, FRYS_SIMD_BROADCAST_TWO, FRYS_SIMD_MATCH_TWO, FRYS_SIMD_SAME_TWO)
#undef FRYS_SIMD_FIND
#undef FRYS_SIMD_MATCH_ONE
#undef FRYS_SIMD_MATCH_TWO
#undef FRYS_SIMD_SAME_ONE
#undef FRYS_SIMD_SAME_TWO
#undef FRYS_SIMD_ARGUMENTS_ONE
#undef FRYS_SIMD_ARGUMENTS_TWO
#undef FRYS_SIMD_BROADCAST_ONE
#undef FRYS_SIMD_BROADCAST_TWO
#undef FRYS_SIMD_BYTES

inline constexpr std::size_t vector_bytes = sizeof(vf);

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail::FRYS_SIMD_NS
#undef FRYS_SIMD_NS
#undef FRYS_SIMD_LANES
#define FRYS_SIMD_T0 t0_baseline

// Not with g++ for Windows: it aligns the stack to 16 bytes only there (its bug 54412), and a spilled register faults.
#if FRYS_SIMD_X86 && defined(__GNUC__) && !(defined(_WIN32) && !defined(__clang__))

#if !defined(__AVX2__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2,lzcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,bmi,bmi2,lzcnt")
#endif
#define FRYS_SIMD_NS t2_avx2
#define FRYS_SIMD_LANES 8
// kernels_plain: the plain kernels, once for each target. No include guard: the includer defines FRYS_SIMD_NS (the
// target's namespace) and FRYS_SIMD_LANES (floats in a register) and has switched the compiler to the target.
//
// Inside: vector types of the compiler, builtins and functions of this namespace only. A std:: template that is first
// instantiated here would become a weak symbol full of this target's instructions, for the whole program.
// Vectors never travel by value between functions: that would depend on the ABI of the baseline.
namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail::FRYS_SIMD_NS {

typedef float vf __attribute__((vector_size(FRYS_SIMD_LANES * 4)));
typedef std::int32_t vi __attribute__((vector_size(FRYS_SIMD_LANES * 4)));
typedef float v4 __attribute__((vector_size(16)));
inline constexpr std::size_t lanes = FRYS_SIMD_LANES;

inline void load(vf& to, const float* from) noexcept { __builtin_memcpy(&to, from, sizeof to); }

// Clears all but the last r lanes.
inline void keep_last(vf& v, std::size_t r) noexcept {
  vi mask, bits;
  __builtin_memcpy(&mask, tail_mask + 16 - lanes + r, sizeof mask);
  __builtin_memcpy(&bits, &v, sizeof bits);
  bits &= mask;
  __builtin_memcpy(&v, &bits, sizeof v);
}

inline float sum(const vf& v) noexcept {
  v4 part[lanes / 4];
  __builtin_memcpy(part, &v, sizeof part);
  v4 s = part[0];
  for (std::size_t i = 1; i < lanes / 4; ++i) s += part[i];
  return (s[0] + s[2]) + (s[1] + s[3]);
}

inline float dot(const float* a, const float* b, std::size_t n) noexcept {
  if (n < lanes) {
    float r = 0;
    for (std::size_t i = 0; i < n; ++i) r += a[i] * b[i];
    return r;
  }
  vf s0{}, s1{}, s2{}, s3{}, x0, x1, x2, x3, y0, y1, y2, y3;
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    load(x0, a + i), load(y0, b + i);
    load(x1, a + i + lanes), load(y1, b + i + lanes);
    load(x2, a + i + 2 * lanes), load(y2, b + i + 2 * lanes);
    load(x3, a + i + 3 * lanes), load(y3, b + i + 3 * lanes);
    s0 += x0 * y0;
    s1 += x1 * y1;
    s2 += x2 * y2;
    s3 += x3 * y3;
  }
  for (; i + lanes <= n; i += lanes) {
    load(x0, a + i), load(y0, b + i);
    s0 += x0 * y0;
  }
  if (i != n) {
    load(x1, a + n - lanes), load(y1, b + n - lanes);
    keep_last(x1, n - i), keep_last(y1, n - i);
    s1 += x1 * y1;
  }
  s0 = (s0 + s1) + (s2 + s3);
  return sum(s0);
}

inline float l2_squared(const float* a, const float* b, std::size_t n) noexcept {
  if (n < lanes) {
    float r = 0;
    for (std::size_t i = 0; i < n; ++i) r += (a[i] - b[i]) * (a[i] - b[i]);
    return r;
  }
  vf s0{}, s1{}, s2{}, s3{}, x0, x1, x2, x3, y0, y1, y2, y3;
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    load(x0, a + i), load(y0, b + i);
    load(x1, a + i + lanes), load(y1, b + i + lanes);
    load(x2, a + i + 2 * lanes), load(y2, b + i + 2 * lanes);
    load(x3, a + i + 3 * lanes), load(y3, b + i + 3 * lanes);
    x0 -= y0, x1 -= y1, x2 -= y2, x3 -= y3;
    s0 += x0 * x0;
    s1 += x1 * x1;
    s2 += x2 * x2;
    s3 += x3 * x3;
  }
  for (; i + lanes <= n; i += lanes) {
    load(x0, a + i), load(y0, b + i);
    x0 -= y0;
    s0 += x0 * x0;
  }
  if (i != n) {
    load(x1, a + n - lanes), load(y1, b + n - lanes);
    x1 -= y1;
    keep_last(x1, n - i);
    s1 += x1 * x1;
  }
  s0 = (s0 + s1) + (s2 + s3);
  return sum(s0);
}

inline float cosine(const float* a, const float* b, std::size_t n) noexcept {
  float ab = 0, aa = 0, bb = 0;
  if (n < lanes) {
    for (std::size_t i = 0; i < n; ++i) {
      ab += a[i] * b[i];
      aa += a[i] * a[i];
      bb += b[i] * b[i];
    }
  } else {
    vf ab0{}, ab1{}, aa0{}, aa1{}, bb0{}, bb1{}, x0, x1, y0, y1;
    std::size_t i = 0;
    for (; i + 2 * lanes <= n; i += 2 * lanes) {
      load(x0, a + i), load(y0, b + i);
      load(x1, a + i + lanes), load(y1, b + i + lanes);
      ab0 += x0 * y0, aa0 += x0 * x0, bb0 += y0 * y0;
      ab1 += x1 * y1, aa1 += x1 * x1, bb1 += y1 * y1;
    }
    for (; i + lanes <= n; i += lanes) {
      load(x0, a + i), load(y0, b + i);
      ab0 += x0 * y0, aa0 += x0 * x0, bb0 += y0 * y0;
    }
    if (i != n) {
      load(x1, a + n - lanes), load(y1, b + n - lanes);
      keep_last(x1, n - i), keep_last(y1, n - i);
      ab1 += x1 * y1, aa1 += x1 * x1, bb1 += y1 * y1;
    }
    ab0 += ab1, aa0 += aa1, bb0 += bb1;
    ab = sum(ab0), aa = sum(aa0), bb = sum(bb0);
  }
  const float norms = __builtin_sqrtf(aa) * __builtin_sqrtf(bb);
  return norms > 0 ? ab / norms : 0.0f;
}

// Four rows at a time: each part of the query is loaded once for all of them. A group at the end repeats its last row
// rather than taking another way, so that a row's value does not depend on its place.
#define FRYS_SIMD_ROWS(name, scalar_step, prepare, factor)                                                      \
  inline void name(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t n, \
                   float* out) noexcept {                                                                       \
    for (std::size_t row = 0; row < count; row += 4) {                                                          \
      const std::size_t left = count - row;                                                                     \
      const float* const r0 = rows + row * stride;                                                              \
      const float* const r1 = left > 1 ? r0 + stride : r0;                                                      \
      const float* const r2 = left > 2 ? r1 + stride : r1;                                                      \
      const float* const r3 = left > 3 ? r2 + stride : r2;                                                      \
      float t0 = 0, t1 = 0, t2 = 0, t3 = 0;                                                                     \
      if (n < lanes) {                                                                                          \
        for (std::size_t i = 0; i < n; ++i) {                                                                   \
          const float q = query[i];                                                                             \
          scalar_step(t0, r0[i]) scalar_step(t1, r1[i]) scalar_step(t2, r2[i]) scalar_step(t3, r3[i])           \
        }                                                                                                       \
      } else {                                                                                                  \
        vf a0{}, a1{}, a2{}, a3{}, b0{}, b1{}, b2{}, b3{}, q, x0, x1, x2, x3;                                   \
        std::size_t i = 0;                                                                                      \
        for (; i + 2 * lanes <= n; i += 2 * lanes) {                                                            \
          load(q, query + i), load(x0, r0 + i), load(x1, r1 + i), load(x2, r2 + i), load(x3, r3 + i);           \
          prepare(x0) prepare(x1) prepare(x2) prepare(x3) a0 += x0 * factor(x0), a1 += x1 * factor(x1),         \
              a2 += x2 * factor(x2), a3 += x3 * factor(x3);                                                     \
          const std::size_t j = i + lanes;                                                                      \
          load(q, query + j), load(x0, r0 + j), load(x1, r1 + j), load(x2, r2 + j), load(x3, r3 + j);           \
          prepare(x0) prepare(x1) prepare(x2) prepare(x3) b0 += x0 * factor(x0), b1 += x1 * factor(x1),         \
              b2 += x2 * factor(x2), b3 += x3 * factor(x3);                                                     \
        }                                                                                                       \
        if (i + lanes <= n) {                                                                                   \
          load(q, query + i), load(x0, r0 + i), load(x1, r1 + i), load(x2, r2 + i), load(x3, r3 + i);           \
          prepare(x0) prepare(x1) prepare(x2) prepare(x3) a0 += x0 * factor(x0), a1 += x1 * factor(x1),         \
              a2 += x2 * factor(x2), a3 += x3 * factor(x3);                                                     \
          i += lanes;                                                                                           \
        }                                                                                                       \
        if (i != n) {                                                                                           \
          const std::size_t j = n - lanes, r = n - i;                                                           \
          load(q, query + j), load(x0, r0 + j), load(x1, r1 + j), load(x2, r2 + j), load(x3, r3 + j);           \
          prepare(x0) prepare(x1) prepare(x2) prepare(x3) keep_last(q, r), keep_last(x0, r), keep_last(x1, r),  \
              keep_last(x2, r), keep_last(x3, r);                                                               \
          b0 += x0 * factor(x0), b1 += x1 * factor(x1), b2 += x2 * factor(x2), b3 += x3 * factor(x3);           \
        }                                                                                                       \
        a0 += b0, a1 += b1, a2 += b2, a3 += b3;                                                                 \
        t0 = sum(a0), t1 = sum(a1), t2 = sum(a2), t3 = sum(a3);                                                 \
      }                                                                                                         \
      out[row] = t0;                                                                                            \
      if (left > 1) out[row + 1] = t1;                                                                          \
      if (left > 2) out[row + 2] = t2;                                                                          \
      if (left > 3) out[row + 3] = t3;                                                                          \
    }                                                                                                           \
  }
#define FRYS_SIMD_STEP_DOT(total, x) total += (x)*q;
#define FRYS_SIMD_STEP_L2(total, x) total += ((x)-q) * ((x)-q);
#define FRYS_SIMD_KEEP(x)
#define FRYS_SIMD_SUBTRACT(x) x -= q;
#define FRYS_SIMD_QUERY(x) q
#define FRYS_SIMD_SELF(x) x
FRYS_SIMD_ROWS(dot_rows, FRYS_SIMD_STEP_DOT, FRYS_SIMD_KEEP, FRYS_SIMD_QUERY)
FRYS_SIMD_ROWS(l2_squared_rows, FRYS_SIMD_STEP_L2, FRYS_SIMD_SUBTRACT, FRYS_SIMD_SELF)
#undef FRYS_SIMD_ROWS
#undef FRYS_SIMD_STEP_DOT
#undef FRYS_SIMD_STEP_L2
#undef FRYS_SIMD_KEEP
#undef FRYS_SIMD_SUBTRACT
#undef FRYS_SIMD_QUERY
#undef FRYS_SIMD_SELF

// Bytes. A compare answers 0 or 255 in each lane; `hits` tells which lanes answered 255.
#if FRYS_SIMD_X86 && FRYS_SIMD_LANES >= 8
#define FRYS_SIMD_BYTES 32
#else
#define FRYS_SIMD_BYTES 16
#endif
typedef unsigned char vb __attribute__((vector_size(FRYS_SIMD_BYTES)));
inline constexpr std::size_t wide = FRYS_SIMD_BYTES;

#if FRYS_SIMD_X86 && (FRYS_SIMD_LANES >= 8 || defined(__SSE2__))
typedef char vc __attribute__((vector_size(FRYS_SIMD_BYTES)));
inline unsigned hits(const vb& equal) noexcept {
#if FRYS_SIMD_LANES >= 8
  return static_cast<unsigned>(__builtin_ia32_pmovmskb256(reinterpret_cast<vc>(equal)));
#else
  return static_cast<unsigned>(__builtin_ia32_pmovmskb128(reinterpret_cast<vc>(equal)));
#endif
}
inline std::size_t first(unsigned found) noexcept { return static_cast<std::size_t>(__builtin_ctz(found)); }
#else
struct hit_words {
  unsigned long long low, high;
  explicit operator bool() const noexcept { return (low | high) != 0; }
};
inline hit_words hits(const vb& equal) noexcept {
  hit_words found;
  __builtin_memcpy(&found, &equal, sizeof found);
  return found;
}
inline std::size_t first(hit_words found) noexcept {
  const unsigned long long word = found.low != 0 ? found.low : found.high;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  const int bit = __builtin_clzll(word);
#else
  const int bit = __builtin_ctzll(word);
#endif
  return (found.low != 0 ? 0u : 8u) + static_cast<std::size_t>(bit) / 8u;
}
#endif

#define FRYS_SIMD_FIND(name, arguments, broadcast, match, same)              \
  inline std::size_t name arguments noexcept {                               \
    std::size_t i = 0;                                                       \
    if (n < wide) {                                                          \
      while (i < n && !(same(data[i]))) ++i;                                 \
      return i;                                                              \
    }                                                                        \
    broadcast vb x0, x1, x2, x3;                                             \
    for (; i + 4 * wide <= n; i += 4 * wide) {                               \
      __builtin_memcpy(&x0, data + i, wide);                                 \
      __builtin_memcpy(&x1, data + i + wide, wide);                          \
      __builtin_memcpy(&x2, data + i + 2 * wide, wide);                      \
      __builtin_memcpy(&x3, data + i + 3 * wide, wide);                      \
      x0 = match(x0), x1 = match(x1), x2 = match(x2), x3 = match(x3);        \
      const vb any = (x0 | x1) | (x2 | x3);                                  \
      if (hits(any)) {                                                       \
        if (const auto found = hits(x0)) return i + first(found);            \
        if (const auto found = hits(x1)) return i + wide + first(found);     \
        if (const auto found = hits(x2)) return i + 2 * wide + first(found); \
        return i + 3 * wide + first(hits(x3));                               \
      }                                                                      \
    }                                                                        \
    for (; i + wide <= n; i += wide) {                                       \
      __builtin_memcpy(&x0, data + i, wide);                                 \
      x0 = match(x0);                                                        \
      if (const auto found = hits(x0)) return i + first(found);              \
    }                                                                        \
    if (i != n) { /* overlaps bytes that are known not to match */           \
      __builtin_memcpy(&x0, data + n - wide, wide);                          \
      x0 = match(x0);                                                        \
      if (const auto found = hits(x0)) return n - wide + first(found);       \
    }                                                                        \
    return n;                                                                \
  }
#define FRYS_SIMD_MATCH_ONE(x) (reinterpret_cast<vb>((x) == va))
#define FRYS_SIMD_MATCH_TWO(x) (reinterpret_cast<vb>(((x) == va) | ((x) == vb_)))
#define FRYS_SIMD_SAME_ONE(x) (x) == a
#define FRYS_SIMD_SAME_TWO(x) (x) == a || (x) == b
#define FRYS_SIMD_ARGUMENTS_ONE (const std::byte* data, std::size_t n, std::byte a)
#define FRYS_SIMD_ARGUMENTS_TWO (const std::byte* data, std::size_t n, std::byte a, std::byte b)
#define FRYS_SIMD_BROADCAST_ONE const vb va = vb{} + static_cast<unsigned char>(a);
#define FRYS_SIMD_BROADCAST_TWO FRYS_SIMD_BROADCAST_ONE const vb vb_ = vb{} + static_cast<unsigned char>(b);
FRYS_SIMD_FIND(find_byte, FRYS_SIMD_ARGUMENTS_ONE, FRYS_SIMD_BROADCAST_ONE, FRYS_SIMD_MATCH_ONE, FRYS_SIMD_SAME_ONE)
FRYS_SIMD_FIND(find_either, FRYS_SIMD_ARGUMENTS_TWO, FRYS_SIMD_BROADCAST_TWO, FRYS_SIMD_MATCH_TWO, FRYS_SIMD_SAME_TWO)
#undef FRYS_SIMD_FIND
#undef FRYS_SIMD_MATCH_ONE
#undef FRYS_SIMD_MATCH_TWO
#undef FRYS_SIMD_SAME_ONE
#undef FRYS_SIMD_SAME_TWO
#undef FRYS_SIMD_ARGUMENTS_ONE
#undef FRYS_SIMD_ARGUMENTS_TWO
#undef FRYS_SIMD_BROADCAST_ONE
#undef FRYS_SIMD_BROADCAST_TWO
#undef FRYS_SIMD_BYTES

inline constexpr std::size_t vector_bytes = sizeof(vf);

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail::FRYS_SIMD_NS
#undef FRYS_SIMD_NS
#undef FRYS_SIMD_LANES
#define FRYS_SIMD_T2 t2_avx2
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

#if !(defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__))
#if defined(__clang__)
#pragma clang attribute push(                                                                            \
    __attribute__((target("avx512f,avx512cd,avx512vl,avx512dq,avx512bw,avx2,fma,f16c,bmi,bmi2,lzcnt"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512cd,avx512vl,avx512dq,avx512bw,avx2,fma,f16c,bmi,bmi2,lzcnt")
#endif
#define FRYS_SIMD_NS t3_avx512
#define FRYS_SIMD_LANES 16
// kernels_plain: the plain kernels, once for each target. No include guard: the includer defines FRYS_SIMD_NS (the
// target's namespace) and FRYS_SIMD_LANES (floats in a register) and has switched the compiler to the target.
//
// Inside: vector types of the compiler, builtins and functions of this namespace only. A std:: template that is first
// instantiated here would become a weak symbol full of this target's instructions, for the whole program.
// Vectors never travel by value between functions: that would depend on the ABI of the baseline.
namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail::FRYS_SIMD_NS {

typedef float vf __attribute__((vector_size(FRYS_SIMD_LANES * 4)));
typedef std::int32_t vi __attribute__((vector_size(FRYS_SIMD_LANES * 4)));
typedef float v4 __attribute__((vector_size(16)));
inline constexpr std::size_t lanes = FRYS_SIMD_LANES;

inline void load(vf& to, const float* from) noexcept { __builtin_memcpy(&to, from, sizeof to); }

// Clears all but the last r lanes.
inline void keep_last(vf& v, std::size_t r) noexcept {
  vi mask, bits;
  __builtin_memcpy(&mask, tail_mask + 16 - lanes + r, sizeof mask);
  __builtin_memcpy(&bits, &v, sizeof bits);
  bits &= mask;
  __builtin_memcpy(&v, &bits, sizeof v);
}

inline float sum(const vf& v) noexcept {
  v4 part[lanes / 4];
  __builtin_memcpy(part, &v, sizeof part);
  v4 s = part[0];
  for (std::size_t i = 1; i < lanes / 4; ++i) s += part[i];
  return (s[0] + s[2]) + (s[1] + s[3]);
}

inline float dot(const float* a, const float* b, std::size_t n) noexcept {
  if (n < lanes) {
    float r = 0;
    for (std::size_t i = 0; i < n; ++i) r += a[i] * b[i];
    return r;
  }
  vf s0{}, s1{}, s2{}, s3{}, x0, x1, x2, x3, y0, y1, y2, y3;
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    load(x0, a + i), load(y0, b + i);
    load(x1, a + i + lanes), load(y1, b + i + lanes);
    load(x2, a + i + 2 * lanes), load(y2, b + i + 2 * lanes);
    load(x3, a + i + 3 * lanes), load(y3, b + i + 3 * lanes);
    s0 += x0 * y0;
    s1 += x1 * y1;
    s2 += x2 * y2;
    s3 += x3 * y3;
  }
  for (; i + lanes <= n; i += lanes) {
    load(x0, a + i), load(y0, b + i);
    s0 += x0 * y0;
  }
  if (i != n) {
    load(x1, a + n - lanes), load(y1, b + n - lanes);
    keep_last(x1, n - i), keep_last(y1, n - i);
    s1 += x1 * y1;
  }
  s0 = (s0 + s1) + (s2 + s3);
  return sum(s0);
}

inline float l2_squared(const float* a, const float* b, std::size_t n) noexcept {
  if (n < lanes) {
    float r = 0;
    for (std::size_t i = 0; i < n; ++i) r += (a[i] - b[i]) * (a[i] - b[i]);
    return r;
  }
  vf s0{}, s1{}, s2{}, s3{}, x0, x1, x2, x3, y0, y1, y2, y3;
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    load(x0, a + i), load(y0, b + i);
    load(x1, a + i + lanes), load(y1, b + i + lanes);
    load(x2, a + i + 2 * lanes), load(y2, b + i + 2 * lanes);
    load(x3, a + i + 3 * lanes), load(y3, b + i + 3 * lanes);
    x0 -= y0, x1 -= y1, x2 -= y2, x3 -= y3;
    s0 += x0 * x0;
    s1 += x1 * x1;
    s2 += x2 * x2;
    s3 += x3 * x3;
  }
  for (; i + lanes <= n; i += lanes) {
    load(x0, a + i), load(y0, b + i);
    x0 -= y0;
    s0 += x0 * x0;
  }
  if (i != n) {
    load(x1, a + n - lanes), load(y1, b + n - lanes);
    x1 -= y1;
    keep_last(x1, n - i);
    s1 += x1 * x1;
  }
  s0 = (s0 + s1) + (s2 + s3);
  return sum(s0);
}

inline float cosine(const float* a, const float* b, std::size_t n) noexcept {
  float ab = 0, aa = 0, bb = 0;
  if (n < lanes) {
    for (std::size_t i = 0; i < n; ++i) {
      ab += a[i] * b[i];
      aa += a[i] * a[i];
      bb += b[i] * b[i];
    }
  } else {
    vf ab0{}, ab1{}, aa0{}, aa1{}, bb0{}, bb1{}, x0, x1, y0, y1;
    std::size_t i = 0;
    for (; i + 2 * lanes <= n; i += 2 * lanes) {
      load(x0, a + i), load(y0, b + i);
      load(x1, a + i + lanes), load(y1, b + i + lanes);
      ab0 += x0 * y0, aa0 += x0 * x0, bb0 += y0 * y0;
      ab1 += x1 * y1, aa1 += x1 * x1, bb1 += y1 * y1;
    }
    for (; i + lanes <= n; i += lanes) {
      load(x0, a + i), load(y0, b + i);
      ab0 += x0 * y0, aa0 += x0 * x0, bb0 += y0 * y0;
    }
    if (i != n) {
      load(x1, a + n - lanes), load(y1, b + n - lanes);
      keep_last(x1, n - i), keep_last(y1, n - i);
      ab1 += x1 * y1, aa1 += x1 * x1, bb1 += y1 * y1;
    }
    ab0 += ab1, aa0 += aa1, bb0 += bb1;
    ab = sum(ab0), aa = sum(aa0), bb = sum(bb0);
  }
  const float norms = __builtin_sqrtf(aa) * __builtin_sqrtf(bb);
  return norms > 0 ? ab / norms : 0.0f;
}

// Four rows at a time: each part of the query is loaded once for all of them. A group at the end repeats its last row
// rather than taking another way, so that a row's value does not depend on its place.
#define FRYS_SIMD_ROWS(name, scalar_step, prepare, factor)                                                      \
  inline void name(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t n, \
                   float* out) noexcept {                                                                       \
    for (std::size_t row = 0; row < count; row += 4) {                                                          \
      const std::size_t left = count - row;                                                                     \
      const float* const r0 = rows + row * stride;                                                              \
      const float* const r1 = left > 1 ? r0 + stride : r0;                                                      \
      const float* const r2 = left > 2 ? r1 + stride : r1;                                                      \
      const float* const r3 = left > 3 ? r2 + stride : r2;                                                      \
      float t0 = 0, t1 = 0, t2 = 0, t3 = 0;                                                                     \
      if (n < lanes) {                                                                                          \
        for (std::size_t i = 0; i < n; ++i) {                                                                   \
          const float q = query[i];                                                                             \
          scalar_step(t0, r0[i]) scalar_step(t1, r1[i]) scalar_step(t2, r2[i]) scalar_step(t3, r3[i])           \
        }                                                                                                       \
      } else {                                                                                                  \
        vf a0{}, a1{}, a2{}, a3{}, b0{}, b1{}, b2{}, b3{}, q, x0, x1, x2, x3;                                   \
        std::size_t i = 0;                                                                                      \
        for (; i + 2 * lanes <= n; i += 2 * lanes) {                                                            \
          load(q, query + i), load(x0, r0 + i), load(x1, r1 + i), load(x2, r2 + i), load(x3, r3 + i);           \
          prepare(x0) prepare(x1) prepare(x2) prepare(x3) a0 += x0 * factor(x0), a1 += x1 * factor(x1),         \
              a2 += x2 * factor(x2), a3 += x3 * factor(x3);                                                     \
          const std::size_t j = i + lanes;                                                                      \
          load(q, query + j), load(x0, r0 + j), load(x1, r1 + j), load(x2, r2 + j), load(x3, r3 + j);           \
          prepare(x0) prepare(x1) prepare(x2) prepare(x3) b0 += x0 * factor(x0), b1 += x1 * factor(x1),         \
              b2 += x2 * factor(x2), b3 += x3 * factor(x3);                                                     \
        }                                                                                                       \
        if (i + lanes <= n) {                                                                                   \
          load(q, query + i), load(x0, r0 + i), load(x1, r1 + i), load(x2, r2 + i), load(x3, r3 + i);           \
          prepare(x0) prepare(x1) prepare(x2) prepare(x3) a0 += x0 * factor(x0), a1 += x1 * factor(x1),         \
              a2 += x2 * factor(x2), a3 += x3 * factor(x3);                                                     \
          i += lanes;                                                                                           \
        }                                                                                                       \
        if (i != n) {                                                                                           \
          const std::size_t j = n - lanes, r = n - i;                                                           \
          load(q, query + j), load(x0, r0 + j), load(x1, r1 + j), load(x2, r2 + j), load(x3, r3 + j);           \
          prepare(x0) prepare(x1) prepare(x2) prepare(x3) keep_last(q, r), keep_last(x0, r), keep_last(x1, r),  \
              keep_last(x2, r), keep_last(x3, r);                                                               \
          b0 += x0 * factor(x0), b1 += x1 * factor(x1), b2 += x2 * factor(x2), b3 += x3 * factor(x3);           \
        }                                                                                                       \
        a0 += b0, a1 += b1, a2 += b2, a3 += b3;                                                                 \
        t0 = sum(a0), t1 = sum(a1), t2 = sum(a2), t3 = sum(a3);                                                 \
      }                                                                                                         \
      out[row] = t0;                                                                                            \
      if (left > 1) out[row + 1] = t1;                                                                          \
      if (left > 2) out[row + 2] = t2;                                                                          \
      if (left > 3) out[row + 3] = t3;                                                                          \
    }                                                                                                           \
  }
#define FRYS_SIMD_STEP_DOT(total, x) total += (x)*q;
#define FRYS_SIMD_STEP_L2(total, x) total += ((x)-q) * ((x)-q);
#define FRYS_SIMD_KEEP(x)
#define FRYS_SIMD_SUBTRACT(x) x -= q;
#define FRYS_SIMD_QUERY(x) q
#define FRYS_SIMD_SELF(x) x
FRYS_SIMD_ROWS(dot_rows, FRYS_SIMD_STEP_DOT, FRYS_SIMD_KEEP, FRYS_SIMD_QUERY)
FRYS_SIMD_ROWS(l2_squared_rows, FRYS_SIMD_STEP_L2, FRYS_SIMD_SUBTRACT, FRYS_SIMD_SELF)
#undef FRYS_SIMD_ROWS
#undef FRYS_SIMD_STEP_DOT
#undef FRYS_SIMD_STEP_L2
#undef FRYS_SIMD_KEEP
#undef FRYS_SIMD_SUBTRACT
#undef FRYS_SIMD_QUERY
#undef FRYS_SIMD_SELF

// Bytes. A compare answers 0 or 255 in each lane; `hits` tells which lanes answered 255.
#if FRYS_SIMD_X86 && FRYS_SIMD_LANES >= 8
#define FRYS_SIMD_BYTES 32
#else
#define FRYS_SIMD_BYTES 16
#endif
typedef unsigned char vb __attribute__((vector_size(FRYS_SIMD_BYTES)));
inline constexpr std::size_t wide = FRYS_SIMD_BYTES;

#if FRYS_SIMD_X86 && (FRYS_SIMD_LANES >= 8 || defined(__SSE2__))
typedef char vc __attribute__((vector_size(FRYS_SIMD_BYTES)));
inline unsigned hits(const vb& equal) noexcept {
#if FRYS_SIMD_LANES >= 8
  return static_cast<unsigned>(__builtin_ia32_pmovmskb256(reinterpret_cast<vc>(equal)));
#else
  return static_cast<unsigned>(__builtin_ia32_pmovmskb128(reinterpret_cast<vc>(equal)));
#endif
}
inline std::size_t first(unsigned found) noexcept { return static_cast<std::size_t>(__builtin_ctz(found)); }
#else
struct hit_words {
  unsigned long long low, high;
  explicit operator bool() const noexcept { return (low | high) != 0; }
};
inline hit_words hits(const vb& equal) noexcept {
  hit_words found;
  __builtin_memcpy(&found, &equal, sizeof found);
  return found;
}
inline std::size_t first(hit_words found) noexcept {
  const unsigned long long word = found.low != 0 ? found.low : found.high;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  const int bit = __builtin_clzll(word);
#else
  const int bit = __builtin_ctzll(word);
#endif
  return (found.low != 0 ? 0u : 8u) + static_cast<std::size_t>(bit) / 8u;
}
#endif

#define FRYS_SIMD_FIND(name, arguments, broadcast, match, same)              \
  inline std::size_t name arguments noexcept {                               \
    std::size_t i = 0;                                                       \
    if (n < wide) {                                                          \
      while (i < n && !(same(data[i]))) ++i;                                 \
      return i;                                                              \
    }                                                                        \
    broadcast vb x0, x1, x2, x3;                                             \
    for (; i + 4 * wide <= n; i += 4 * wide) {                               \
      __builtin_memcpy(&x0, data + i, wide);                                 \
      __builtin_memcpy(&x1, data + i + wide, wide);                          \
      __builtin_memcpy(&x2, data + i + 2 * wide, wide);                      \
      __builtin_memcpy(&x3, data + i + 3 * wide, wide);                      \
      x0 = match(x0), x1 = match(x1), x2 = match(x2), x3 = match(x3);        \
      const vb any = (x0 | x1) | (x2 | x3);                                  \
      if (hits(any)) {                                                       \
        if (const auto found = hits(x0)) return i + first(found);            \
        if (const auto found = hits(x1)) return i + wide + first(found);     \
        if (const auto found = hits(x2)) return i + 2 * wide + first(found); \
        return i + 3 * wide + first(hits(x3));                               \
      }                                                                      \
    }                                                                        \
    for (; i + wide <= n; i += wide) {                                       \
      __builtin_memcpy(&x0, data + i, wide);                                 \
      x0 = match(x0);                                                        \
      if (const auto found = hits(x0)) return i + first(found);              \
    }                                                                        \
    if (i != n) { /* overlaps bytes that are known not to match */           \
      __builtin_memcpy(&x0, data + n - wide, wide);                          \
      x0 = match(x0);                                                        \
      if (const auto found = hits(x0)) return n - wide + first(found);       \
    }                                                                        \
    return n;                                                                \
  }
#define FRYS_SIMD_MATCH_ONE(x) (reinterpret_cast<vb>((x) == va))
#define FRYS_SIMD_MATCH_TWO(x) (reinterpret_cast<vb>(((x) == va) | ((x) == vb_)))
#define FRYS_SIMD_SAME_ONE(x) (x) == a
#define FRYS_SIMD_SAME_TWO(x) (x) == a || (x) == b
#define FRYS_SIMD_ARGUMENTS_ONE (const std::byte* data, std::size_t n, std::byte a)
#define FRYS_SIMD_ARGUMENTS_TWO (const std::byte* data, std::size_t n, std::byte a, std::byte b)
#define FRYS_SIMD_BROADCAST_ONE const vb va = vb{} + static_cast<unsigned char>(a);
#define FRYS_SIMD_BROADCAST_TWO FRYS_SIMD_BROADCAST_ONE const vb vb_ = vb{} + static_cast<unsigned char>(b);
FRYS_SIMD_FIND(find_byte, FRYS_SIMD_ARGUMENTS_ONE, FRYS_SIMD_BROADCAST_ONE, FRYS_SIMD_MATCH_ONE, FRYS_SIMD_SAME_ONE)
FRYS_SIMD_FIND(find_either, FRYS_SIMD_ARGUMENTS_TWO, FRYS_SIMD_BROADCAST_TWO, FRYS_SIMD_MATCH_TWO, FRYS_SIMD_SAME_TWO)
#undef FRYS_SIMD_FIND
#undef FRYS_SIMD_MATCH_ONE
#undef FRYS_SIMD_MATCH_TWO
#undef FRYS_SIMD_SAME_ONE
#undef FRYS_SIMD_SAME_TWO
#undef FRYS_SIMD_ARGUMENTS_ONE
#undef FRYS_SIMD_ARGUMENTS_TWO
#undef FRYS_SIMD_BROADCAST_ONE
#undef FRYS_SIMD_BROADCAST_TWO
#undef FRYS_SIMD_BYTES

inline constexpr std::size_t vector_bytes = sizeof(vf);

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail::FRYS_SIMD_NS
#undef FRYS_SIMD_NS
#undef FRYS_SIMD_LANES
#define FRYS_SIMD_T3 t3_avx512
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

#endif

#endif  // FRYS_SIMD_DETAIL_FOREACH_PLAIN_HPP
#endif

namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI {

namespace detail {
#define FRYS_SIMD_SET(ns, text, level, needs)                                                                \
  kernel_set {                                                                                               \
    FRYS_SIMD_BACKEND_NAME "-" text, level, ns::vector_bytes, needs, &ns::dot, &ns::l2_squared, &ns::cosine, \
        &ns::dot_rows, &ns::l2_squared_rows, &ns::find_byte, &ns::find_either                                \
  }
FRYS_SIMD_LOCAL inline constexpr kernel_set sets[] = {
    FRYS_SIMD_SET(FRYS_SIMD_T0, "baseline", isa::baseline, 0),
#if defined(FRYS_SIMD_T2)
    FRYS_SIMD_SET(FRYS_SIMD_T2, "avx2", isa::avx2, cpu_avx2),
#endif
#if defined(FRYS_SIMD_T3)
    FRYS_SIMD_SET(FRYS_SIMD_T3, "avx512", isa::avx512, cpu_avx512),
#endif
#if defined(FRYS_SIMD_T4)
    FRYS_SIMD_SET(FRYS_SIMD_T4, "avx512_zen4", isa::avx512_zen4, cpu_avx512_zen4),
#endif
};
#undef FRYS_SIMD_SET
FRYS_SIMD_LOCAL inline constinit choice<kernel_set> active_set;
}  // namespace detail

// Every target that is compiled in, the baseline first, better ones later.
inline std::span<const kernel_set> targets() noexcept { return detail::sets; }

// Can this machine run these kernels? Asks the processor each time, which a virtual machine may take microseconds for.
inline bool runnable(const kernel_set& kernels) noexcept {
  return (detail::detect_cpu() & kernels.needs) == kernels.needs;
}

// The kernels of one level; null if it is not compiled in or this machine cannot run it.
inline const kernel_set* kernels_for(isa level) noexcept {
  for (const kernel_set& each : detail::sets)
    if (each.level == level && runnable(each)) return &each;
  return nullptr;
}

namespace detail {
FRYS_NOINLINE inline const kernel_set* choose_set() noexcept {
  const kernel_set* best = sets;
  for (const kernel_set& each : sets)
    if (runnable(each)) best = &each;
  active_set.set(*best);
  return best;
}
}  // namespace detail

// The chosen kernels: the best that are compiled in and that this machine can run.
[[nodiscard]] inline const kernel_set& kernels() noexcept {
  const kernel_set* set = detail::active_set.get();
  if (set == nullptr) [[unlikely]]
    set = detail::choose_set();
  return *set;
}

// The name of the chosen target, for example "highway-avx2" or "plain-avx512".
[[nodiscard]] inline std::string_view target() noexcept { return kernels().name; }

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI

#endif  // FRYS_SIMD_TARGET_HPP
#endif  // gate
#if defined(FRYS_WITH_HIGHWAY) && FRYS_WITH_HIGHWAY

// ---- frys/with/highway.hpp
// with/highway: takes Google Highway as the back end of frys/simd. Include it before anything of frys that uses simd,
// in every translation unit that shall have it, or define FRYS_WITH_HIGHWAY=1 for the whole program.
//
// Needs     Highway's headers (Debian: libhwy-dev, vcpkg: highway), 1.0.3 or later; nothing of it is linked.
// Mixing    translation units with and without it live in one program: the back end is part of the names.
// Limits    one version of Highway per program. A translation unit that runs hwy/foreach_target.h itself does so first
// and
//           includes frys under #if HWY_ONCE.
#ifndef FRYS_WITH_HIGHWAY_HPP
#define FRYS_WITH_HIGHWAY_HPP

#if defined(FRYS_SIMD_DETAIL_ABI_HPP) && !FRYS_SIMD_IS_HIGHWAY
#error "frys/with/highway.hpp: simd was already included without Highway; include this header first"
#endif
#if !defined(FRYS_WITH_HIGHWAY)
#define FRYS_WITH_HIGHWAY 1
#elif !FRYS_WITH_HIGHWAY
#error "frys/with/highway.hpp: FRYS_WITH_HIGHWAY is 0; set it to 1, or leave this header out"
#endif

#endif  // FRYS_WITH_HIGHWAY_HPP
#endif  // gate
#if defined(FRYS_WITH_URING) && FRYS_WITH_URING

// ---- frys/with/uring.hpp
// with/uring: takes liburing, for uring_reactor and for with_reactor's first choice. Include it before anything else of
// io, in every translation unit that shall have it, or define FRYS_WITH_URING=1 for the whole program.
//
// Needs     liburing >= 2.3 (Debian: liburing-dev, vcpkg: liburing), linked with -luring (CMake: frys::uring); Linux.
#ifndef FRYS_WITH_URING_HPP
#define FRYS_WITH_URING_HPP

#if !defined(FRYS_WITH_URING)
#define FRYS_WITH_URING 1
#elif !FRYS_WITH_URING
#error "frys/with/uring.hpp: io was already included without liburing; include this header first"
#endif

#endif  // FRYS_WITH_URING_HPP
#endif  // gate
#if defined(FRYS_WITH_SIMD) && FRYS_WITH_SIMD

// ---- frys/simd/bytes.hpp
// bytes: find a byte in many, as decoders do for ends of lines and separators.
//
// Use when  the byte may be far away, or you look for the first of two.
// Not when  it stands in the next few bytes almost always: a plain loop is as good.
// Threads   any thread; pure functions. Any alignment; nothing outside the view is read.
// Cost      32 bytes a step on x86 with AVX2, 64 with AVX-512 in Highway, 16 elsewhere. Chosen at run time, see
// target.hpp.
#ifndef FRYS_SIMD_BYTES_HPP
#define FRYS_SIMD_BYTES_HPP

namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI {

namespace detail {

inline constexpr std::uint64_t every_byte = 0x0101010101010101u;

// The lowest set bit of each zero byte of `word` is that byte's top bit; bits above the first zero byte may be wrong.
inline std::uint64_t zero_bytes(std::uint64_t word) noexcept { return (word - every_byte) & ~word & (every_byte << 7); }

// For fewer bytes than a register holds: eight at a time in a word.
template <class Match>
std::size_t find_short(const std::byte* data, std::size_t n, Match match) noexcept {
  std::size_t i = 0;
  if (n >= 8) {
    for (; i + 8 <= n; i += 8)
      if (const std::uint64_t found = match(load_le<std::uint64_t>(data + i)); found != 0)
        return i + static_cast<std::size_t>(std::countr_zero(found)) / 8;
    if (i == n) return n;
    i = n - 8;  // overlaps bytes that are known not to match
    const std::uint64_t found = match(load_le<std::uint64_t>(data + i));
    return found != 0 ? i + static_cast<std::size_t>(std::countr_zero(found)) / 8 : n;
  }
  std::uint64_t word = 0;
  if (n >= 4) {
    word = load_le<std::uint32_t>(data) | std::uint64_t{load_le<std::uint32_t>(data + n - 4)} << (8 * (n - 4));
  } else {
    for (std::size_t k = 0; k < n; ++k) word |= std::to_integer<std::uint64_t>(data[k]) << (8 * k);
  }
  const std::uint64_t found = match(word);
  i = found != 0 ? static_cast<std::size_t>(std::countr_zero(found)) / 8 : n;
  return i < n ? i : n;
}

}  // namespace detail

// The index of the first `wanted`; bytes.size() if there is none.
[[nodiscard]] inline std::size_t find_byte(byte_view bytes, std::byte wanted) noexcept {
  const std::size_t n = bytes.size();
  const kernel_set& chosen = kernels();
  if (n < chosen.vector_bytes) {
    const std::uint64_t all = std::to_integer<std::uint64_t>(wanted) * detail::every_byte;
    return detail::find_short(bytes.data(), n, [all](std::uint64_t word) { return detail::zero_bytes(word ^ all); });
  }
  return chosen.find_byte(bytes.data(), n, wanted);
}

// The index of the first byte that is `one` or `other`; bytes.size() if there is none.
[[nodiscard]] inline std::size_t find_either(byte_view bytes, std::byte one, std::byte other) noexcept {
  const std::size_t n = bytes.size();
  const kernel_set& chosen = kernels();
  if (n < chosen.vector_bytes) {
    const std::uint64_t a = std::to_integer<std::uint64_t>(one) * detail::every_byte;
    const std::uint64_t b = std::to_integer<std::uint64_t>(other) * detail::every_byte;
    return detail::find_short(bytes.data(), n, [a, b](std::uint64_t word) {
      return detail::zero_bytes(word ^ a) | detail::zero_bytes(word ^ b);
    });
  }
  return chosen.find_either(bytes.data(), n, one, other);
}

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI

#endif  // FRYS_SIMD_BYTES_HPP
#endif  // gate
#if (defined(FRYS_WITH_SIMD) && FRYS_WITH_SIMD) || (defined(FRYS_WITH_STORAGE) && FRYS_WITH_STORAGE)

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
    const std::uint32_t low = load_le<std::uint32_t>(p) ^ crc;
    const std::uint32_t high = load_le<std::uint32_t>(p + 4);
    crc = t[7][low & 0xFFu] ^ t[6][(low >> 8) & 0xFFu] ^ t[5][(low >> 16) & 0xFFu] ^ t[4][low >> 24] ^
          t[3][high & 0xFFu] ^ t[2][(high >> 8) & 0xFFu] ^ t[1][(high >> 16) & 0xFFu] ^ t[0][high >> 24];
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

FRYS_SIMD_LOCAL inline constinit choice<crc32c_method> crc_choice;

}  // namespace detail

// The methods that this machine can run, the chosen one last. For tests and measurements: asks the processor each
// time.
inline std::span<const crc32c_method> crc32c_methods() noexcept {
  const std::size_t all = std::size(detail::crc_methods);
  return {detail::crc_methods, (detail::detect_cpu() & detail::cpu_crc32c) != 0 ? all : 1};
}

namespace detail {
FRYS_NOINLINE inline const crc32c_method* choose_crc() noexcept {
  const crc32c_method& chosen = crc32c_methods().back();
  crc_choice.set(chosen);
  return &chosen;
}
}  // namespace detail

// The CRC-32C of `bytes`. To go on where an earlier call ended, pass its answer as `seed`:
// crc32c(b, crc32c(a)) is the checksum of a followed by b.
[[nodiscard]] inline std::uint32_t crc32c(byte_view bytes, std::uint32_t seed = 0) noexcept {
  const crc32c_method* method = detail::crc_choice.get();
  if (method == nullptr) [[unlikely]]
    method = detail::choose_crc();
  return (*method)(bytes, seed);
}

// The checksum of a followed by b, from crc32c(a), crc32c(b) and the size of b in bytes. O(log size).
[[nodiscard]] constexpr std::uint32_t crc32c_combine(std::uint32_t crc_a, std::uint32_t crc_b,
                                                     std::uint64_t size_b) noexcept {
  return detail::crc_multiply(detail::crc_power(0x00800000u, size_b), crc_a) ^ crc_b;
}

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI

#endif  // FRYS_SIMD_CHECKSUM_HPP
#endif  // gate
#if defined(FRYS_WITH_SIMD) && FRYS_WITH_SIMD

// ---- frys/simd/distance.hpp
// distance: how alike two vectors of floats are: inner product, squared Euclidean distance, cosine.
//
// Use when  you compare single pairs. For one vector against many rows take kernels().dot_rows: it reads the query
// once. Not when  you need the last bit: sums run in lanes, so the rounding depends on the target (simd::target()).
// Threads   any thread; pure functions. Any alignment.
// Cost      reads each float once; bound by loads. The kernel is chosen at run time, see target.hpp.
#ifndef FRYS_SIMD_DISTANCE_HPP
#define FRYS_SIMD_DISTANCE_HPP

namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI {

// The three take two vectors of the same size; other sizes are a programming error.

// Sum of a[i] * b[i].
[[nodiscard]] inline float dot(std::span<const float> a, std::span<const float> b) noexcept {
  FRYS_ASSERT(a.size() == b.size(), "simd::dot of vectors of different sizes");
  return kernels().dot(a.data(), b.data(), a.size());
}

// Sum of (a[i] - b[i])^2.
[[nodiscard]] inline float l2_squared(std::span<const float> a, std::span<const float> b) noexcept {
  FRYS_ASSERT(a.size() == b.size(), "simd::l2_squared of vectors of different sizes");
  return kernels().l2_squared(a.data(), b.data(), a.size());
}

// dot(a, b) / (|a| |b|): 1 for the same direction, 0 for a right angle and where a vector is zero. May leave [-1, 1] by
// rounding.
[[nodiscard]] inline float cosine(std::span<const float> a, std::span<const float> b) noexcept {
  FRYS_ASSERT(a.size() == b.size(), "simd::cosine of vectors of different sizes");
  return kernels().cosine(a.data(), b.data(), a.size());
}

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI

#endif  // FRYS_SIMD_DISTANCE_HPP
// ---- frys/simd/fwd.hpp
// fwd: the names of simd without their bodies.
#ifndef FRYS_SIMD_FWD_HPP
#define FRYS_SIMD_FWD_HPP

namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI {

enum class isa : std::uint8_t;
struct kernel_set;
struct crc32c_method;

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI

#endif  // FRYS_SIMD_FWD_HPP
#endif  // gate
#if defined(FRYS_WITH_STORAGE) && FRYS_WITH_STORAGE
#include <string>
#include <vector>

// ---- frys/storage/durability.hpp
// durability: what an acknowledgement of a write promises. Named, so that a reply can say which.
#ifndef FRYS_STORAGE_DURABILITY_HPP
#define FRYS_STORAGE_DURABILITY_HPP

namespace frys::inline FRYS_ABI {

enum class durability : std::uint8_t {
  machine,  // survives power loss: written and synced before it counts
  process,  // survives the end of the process, kill -9 too: the kernel has it before it counts
  none,     // counts at once and is written soon: complete after an orderly stop, may be lost after kill -9
};

constexpr std::string_view name_of(durability level) noexcept {
  switch (level) {
    case durability::machine:
      return "machine";
    case durability::process:
      return "process";
    case durability::none:
      return "none";
  }
  return "unknown";
}

// The level of a name as an operator writes it; nothing for any other text.
constexpr std::optional<durability> durability_of(std::string_view name) noexcept {
  for (durability level : {durability::machine, durability::process, durability::none})
    if (name == name_of(level)) return level;
  return std::nullopt;
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_STORAGE_DURABILITY_HPP
// ---- frys/storage/fwd.hpp
// fwd: the names of storage without their bodies.
#ifndef FRYS_STORAGE_FWD_HPP
#define FRYS_STORAGE_FWD_HPP

namespace frys::inline FRYS_ABI {

enum class durability : std::uint8_t;
enum class wal_gap : std::uint8_t;
struct wal_options;
struct wal_recovery;
struct wal_stats;
template <class... Policies>
class wal;
struct memtable_options;
template <class Value, class... Policies>
class memtable;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_STORAGE_FWD_HPP
// ---- frys/storage/detail/buckets.hpp
// buckets: the cache lines of a memtable: seven entries each, with a byte of their hash, and a chain when that is full.
//
// Threads   one at a time. Bodies know nothing of what an entry is.
#ifndef FRYS_STORAGE_DETAIL_BUCKETS_HPP
#define FRYS_STORAGE_DETAIL_BUCKETS_HPP

namespace frys::inline FRYS_ABI::detail {

// A tag is never 0, so 0 says that a slot is empty. In a chained bucket slot 6 is the next bucket and has no tag. Holes
// may be anywhere in the last bucket of a chain; the others are full.
struct alignas(64) bucket {
  static constexpr unsigned slots_per = 7;
  std::uint8_t tags[slots_per];
  std::uint8_t chained;
  void* held[slots_per];

  bucket* child() const noexcept { return static_cast<bucket*>(held[slots_per - 1]); }
  unsigned usable() const noexcept { return chained ? slots_per - 1 : slots_per; }
};

// Low bits of a hash are the tag's, the ones above the index's: who places keys on owners by the highest bits or by a
// remainder takes little from either.
constexpr std::uint8_t tag_of(std::uint64_t hash) noexcept { return static_cast<std::uint8_t>(hash | 0x80u); }
constexpr std::uint64_t tag_word(std::uint64_t hash) noexcept { return tag_of(hash) * 0x0101010101010101u; }
constexpr std::uint64_t place_bits(std::uint64_t hash) noexcept { return hash >> 7; }

// The high bit of each byte whose slot carries the tag; a byte above a hit may be marked wrongly, so compare the
// entries. Only slots with an entry are marked.
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
    if (b.held[i] != nullptr) prefetch(b.held[i]);
}

template <class F>
void for_each_entry(bucket& head, F&& f) {
  for (bucket* b = &head;;) {
    bucket* next = b->chained ? b->child() : nullptr;
    for (unsigned i = 0; i < bucket::slots_per; ++i)
      if (b->tags[i] != 0) f(b->held[i]);
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
template <class Pool>
bool put_in(bucket& head, void* entry, std::uint64_t hash, Pool& pool) noexcept {
  bucket* b = last_bucket(head);
  unsigned slot = 0;
  while (slot < bucket::slots_per && b->tags[slot] != 0) ++slot;
  if (slot == bucket::slots_per) {
    void* memory = pool.allocate_line();
    if (memory == nullptr) return false;
    bucket* more = ::new (memory) bucket{};
    constexpr unsigned last = bucket::slots_per - 1;
    more->tags[0] = b->tags[last];
    more->held[0] = b->held[last];
    b->tags[last] = 0;
    b->held[last] = more;
    b->chained = 1;
    b = more;
    slot = 1;
  }
  b->tags[slot] = tag_of(hash);
  b->held[slot] = entry;
  return true;
}

// If the last bucket of the chain is empty and not the first: gives it back.
template <class Pool>
void trim(bucket& head, Pool& pool) noexcept {
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
  parent->held[bucket::slots_per - 1] = nullptr;
  pool.release_line(b);
}

inline int last_used(const bucket& b) noexcept {
  int slot = static_cast<int>(bucket::slots_per) - 1;
  while (slot >= 0 && b.tags[slot] == 0) --slot;
  return slot;
}

// Takes the entry at (at, slot) out of the chain; an entry of the last bucket fills its place. The entry is the
// caller's.
template <class Pool>
void take_out(bucket& head, bucket& at, unsigned slot, Pool& pool) noexcept {
  at.tags[slot] = 0;
  at.held[slot] = nullptr;
  if (!head.chained) return;
  bucket* last = last_bucket(head);
  if (last != &at) {
    const int from = last_used(*last);  // the last bucket of a chain is never empty
    at.tags[slot] = last->tags[from];
    at.held[slot] = last->held[from];
    last->tags[from] = 0;
    last->held[from] = nullptr;
  }
  trim(head, pool);
}

// The last entry of a chain, nullptr if it has none; drop_last takes it out.
inline void* last_entry(bucket& head) noexcept {
  bucket* b = last_bucket(head);
  const int slot = last_used(*b);
  return slot < 0 ? nullptr : b->held[slot];
}
template <class Pool>
void drop_last(bucket& head, Pool& pool) noexcept {
  bucket* b = last_bucket(head);
  take_out(head, *b, static_cast<unsigned>(last_used(*b)), pool);
}

// Fills the holes of a chain from its end and gives empty buckets back.
template <class Pool>
void compact(bucket& head, Pool& pool) noexcept {
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
      b->held[i] = last->held[from];
      last->tags[from] = 0;
      last->held[from] = nullptr;
      trim(head, pool);
      if (!b->chained) return;
    }
  }
}

// Takes out the entries for which wanted(entry) is true, each asked once.
template <class Pool, class F>
void erase_entries(bucket& head, Pool& pool, F&& wanted) {
  struct compact_at_exit {  // also if `wanted` throws
    bucket& head;
    Pool& pool;
    ~compact_at_exit() { compact(head, pool); }
  } at_exit{head, pool};
  for (bucket* b = &head;; b = b->child()) {
    for (unsigned i = 0; i < bucket::slots_per; ++i)
      if (b->tags[i] != 0 && wanted(b->held[i])) {
        b->tags[i] = 0;
        b->held[i] = nullptr;
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

template <page_source Pages>
class entry_pool {
 public:
  static constexpr std::size_t line = 64;            // what allocate_line answers
  static constexpr std::size_t largest = 16 * 1024;  // above: pages of their own

  explicit entry_pool(std::size_t limit) noexcept : limit_(limit) {}
  entry_pool(const entry_pool&) = delete;
  entry_pool& operator=(const entry_pool&) = delete;
  ~entry_pool() { clear(); }

  // Memory of `size` bytes, aligned to 16; nullptr when the page source or the limit refuses (see why()).
  void* allocate(std::size_t size) noexcept {
    if (size > largest) [[unlikely]]
      return allocate_large(size);
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
// Source    buckets of one cache line with tags: Valkey 8.1's table and F14 (Bronson, Shi); the cursor: P. Noordhuis,
// Redis.
#ifndef FRYS_STORAGE_MEMTABLE_HPP
#define FRYS_STORAGE_MEMTABLE_HPP

namespace frys::inline FRYS_ABI {

// What a memtable can be told when it is made.
struct memtable_options {
  std::size_t limit_bytes = 0;  // bytes of memory it may hold; 0: what policy::limit says
  std::uint64_t seed = 0;       // of the hash
};

template <class Value, class... Policies>
class memtable {
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
  // The second step, when the bucket has come: fetches the entry that the hash points to.
  void prefetch_entry(std::uint64_t hash) const noexcept {
    if (size_ == 0) return;
    const detail::bucket& b = main_.at(hash);
    if (const std::uint64_t hits = detail::tag_hits(b, detail::tag_word(hash)); hits != 0) {
      const auto* e = static_cast<const char*>(b.held[static_cast<unsigned>(std::countr_zero(hits)) / 8]);
      detail::prefetch(e);
      detail::prefetch(e + sizeof(entry));  // the key, often on the next line
    }
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

  // Sets the key's value, new or not. Fails with limit_exceeded or out_of_memory and then changes nothing; too_large
  // for keys of 4 GiB and more.
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
    if (old_.buckets == nullptr && main_.count > least_buckets && size_ < main_.count / shrink_below)
      resize(main_.count / 2);
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
  template <class F>
  void for_each(F&& f) {
    for (table* t : {&main_, &old_})
      for (std::size_t i = 0; i < t->count; ++i) visit(t->buckets[i], f);
  }

  // f(std::string_view key, Value&) for the entries of some buckets: about `count` of them, more where buckets are
  // fuller, fewer where ten times as many buckets are emptier. Start with cursor 0; goes on with what it answers, until
  // that is 0 again. f must not insert or erase.
  template <class F>
  [[nodiscard]] std::uint64_t scan(std::uint64_t cursor, std::size_t count, F&& f) {
    std::size_t given = 0;
    auto each = [&](detail::bucket& b) { given += visit(b, f); };
    for (std::size_t n = 0; given < (std::max)(count, std::size_t{1}) && n < count * 10 + 1; ++n) {
      cursor = scan_step(cursor, each);
      if (cursor == 0) break;
    }
    return cursor;
  }

  // As scan, and erases the entries for which wanted(std::string_view key, Value&) is true: how expired keys go.
  template <class F>
  [[nodiscard]] std::uint64_t sweep(std::uint64_t cursor, std::size_t count, F&& wanted) {
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

    std::size_t index(std::uint64_t h) const noexcept {
      return static_cast<std::size_t>(detail::place_bits(h)) & (count - 1);
    }
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
        entry* e = static_cast<entry*>(b->held[slot]);
        if (e->is(key, hash)) [[likely]]
          return {e, &head, b, slot};
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
    if (memory == nullptr) [[unlikely]]
      return pool_.why();
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

  template <class F>
  static std::size_t visit(detail::bucket& head, F& f) {
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
  template <class F>
  std::uint64_t scan_step(std::uint64_t cursor, F& each) {
    if (main_.count == 0) return 0;
    if (old_.buckets == nullptr) {
      const std::uint64_t mask = main_.count - 1;
      each(main_.buckets[cursor & mask]);
      return detail::reverse_increment(cursor, mask);
    }
    const bool grows = old_.count < main_.count;
    table& little = grows ? old_ : main_;
    table& large = grows ? main_ : old_;
    const std::uint64_t small_mask = little.count - 1, large_mask = large.count - 1;
    each(little.buckets[cursor & small_mask]);
    do {  // all that the small table's bucket was split into, or will be joined from
      each(large.buckets[cursor & large_mask]);
      cursor = detail::reverse_increment(cursor, large_mask);
    } while ((cursor & (small_mask ^ large_mask)) != 0);
    return cursor;
  }

  table main_;  // where insertions go
  std::size_t size_ = 0;
  table old_;  // while the size changes: what has not moved yet, buckets [moved_, count)
  std::size_t moved_ = 0;
  detail::entry_pool<pages_type> pool_;
  std::uint64_t seed_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_STORAGE_MEMTABLE_HPP
// ---- frys/storage/detail/wal_format.hpp
// wal_format: the bytes of a write-ahead log's segments, and their names. docs/storage.md has the grammar.
//
// A segment is a header and frames; a frame is one group of records under one checksum. A frame carries the checksum of
// the frame before it, so frames form one chain through all segments: what an earlier life of the disk block left
// behind cannot pass. It also says how many records before it were not known to be synced when it was written: with
// that, recovery tells a tail that was never promised from damage to records that were. Frames start at multiples of
// eight.
#ifndef FRYS_STORAGE_DETAIL_WAL_FORMAT_HPP
#define FRYS_STORAGE_DETAIL_WAL_FORMAT_HPP

namespace frys::inline FRYS_ABI::detail {

struct wal_segment_header {
  static constexpr std::size_t size = 32;
  static constexpr char magic[] = "frysWAL\n";
  static constexpr std::uint16_t version = 1;

  std::uint32_t previous = 0;  // checksum of the frame (or header) before; 0 in the log's first segment
  std::uint64_t first = 0;     // sequence number of the first record

  // Answers the header's own checksum, which the first frame carries on.
  std::uint32_t encode(std::byte* to) const noexcept {
    std::memcpy(to, magic, 8);
    store_le<std::uint16_t>(to + 8, version);
    store_le<std::uint16_t>(to + 10, 0);  // features that a reader must know
    store_le<std::uint32_t>(to + 12, previous);
    store_le<std::uint64_t>(to + 16, first);
    store_le<std::uint32_t>(to + 24, 0);
    const std::uint32_t crc = simd::crc32c({to, 28});
    store_le<std::uint32_t>(to + 28, crc);
    return crc;
  }
};

struct wal_header_reading {
  enum class state : std::uint8_t { good, unknown_version, bad } what = state::bad;
  wal_segment_header header;
  std::uint32_t crc = 0;
};
// `from`: exactly 32 bytes.
inline wal_header_reading read_wal_header(byte_view from) noexcept {
  wal_header_reading out;
  const std::byte* p = from.data();
  out.crc = load_le<std::uint32_t>(p + 28);
  if (std::memcmp(p, wal_segment_header::magic, 8) != 0 || simd::crc32c({p, 28}) != out.crc) return out;
  out.header = {load_le<std::uint32_t>(p + 12), load_le<std::uint64_t>(p + 16)};
  const bool known =
      load_le<std::uint16_t>(p + 8) == wal_segment_header::version && load_le<std::uint16_t>(p + 10) == 0;
  out.what = known ? wal_header_reading::state::good : wal_header_reading::state::unknown_version;
  return out;
}

struct wal_frame_header {
  static constexpr std::size_t size = 32;
  static constexpr std::uint32_t magic = 0x316d7246;  // "Frm1"
  static constexpr std::size_t record_header = 4;     // each record's length
  static constexpr std::uint32_t largest = 0xfffffff0;

  std::uint32_t crc = 0;       // of all that follows, padding included
  std::uint32_t length = 0;    // bytes of the records with their lengths; then zeros up to a multiple of eight
  std::uint32_t previous = 0;  // checksum of the frame or segment header before
  std::uint64_t first = 0;     // sequence number of the first record
  std::uint32_t count = 0;     // records; 0: a seal, written when the log was closed in order
  std::uint32_t unsynced = 0;  // records before `first` that were not known to be synced, at most 2^32-1

  static constexpr std::uint64_t padded(std::uint64_t length) noexcept { return (length + 7) & ~std::uint64_t{7}; }
  [[nodiscard]] std::uint64_t total() const noexcept { return size + padded(length); }
  // The highest sequence number that was known to be synced when the frame was written.
  [[nodiscard]] std::uint64_t synced() const noexcept { return first > unsynced ? first - 1 - unsynced : 0; }

  static std::uint32_t count_unsynced(std::uint64_t first, std::uint64_t synced) noexcept {
    const std::uint64_t n = first - 1 - synced;
    return n > 0xffffffffu ? 0xffffffffu : static_cast<std::uint32_t>(n);
  }

  // `to` holds the records from byte 32 on and has room for the padding. Answers the checksum.
  std::uint32_t encode(std::byte* to) const noexcept {
    store_le<std::uint32_t>(to + 4, magic);
    store_le<std::uint32_t>(to + 8, length);
    store_le<std::uint32_t>(to + 12, previous);
    store_le<std::uint64_t>(to + 16, first);
    store_le<std::uint32_t>(to + 24, count);
    store_le<std::uint32_t>(to + 28, unsynced);
    std::memset(to + size + length, 0, static_cast<std::size_t>(padded(length)) - length);
    const std::uint32_t sum = simd::crc32c({to + 4, static_cast<std::size_t>(total()) - 4});
    store_le<std::uint32_t>(to, sum);
    return sum;
  }
};

// `from`: exactly 32 bytes. Nothing if they cannot be a frame's; the checksum is not looked at.
inline std::optional<wal_frame_header> read_wal_frame(byte_view from) noexcept {
  const std::byte* p = from.data();
  if (load_le<std::uint32_t>(p + 4) != wal_frame_header::magic) return std::nullopt;
  wal_frame_header h;
  h.crc = load_le<std::uint32_t>(p);
  h.length = load_le<std::uint32_t>(p + 8);
  h.previous = load_le<std::uint32_t>(p + 12);
  h.first = load_le<std::uint64_t>(p + 16);
  h.count = load_le<std::uint32_t>(p + 24);
  h.unsynced = load_le<std::uint32_t>(p + 28);
  if (h.length > wal_frame_header::largest || h.first == 0 || h.first + h.count < h.first) return std::nullopt;
  return h;
}
// `frame`: header, records and padding.
inline bool wal_frame_is_whole(byte_view frame, const wal_frame_header& h) noexcept {
  return simd::crc32c(frame.subspan(4)) == h.crc;
}
// Whether the records fill `records` exactly; f(byte_view) for each if so.
inline bool wal_records_fit(byte_view records, std::uint32_t count) noexcept {
  for (; count != 0; --count) {
    if (records.size() < wal_frame_header::record_header) return false;
    const std::uint32_t n = load_le<std::uint32_t>(records.data());
    if (records.size() - wal_frame_header::record_header < n) return false;
    records = records.subspan(wal_frame_header::record_header + n);
  }
  return records.empty();
}

// wal-00000000000000000001.log: sorts by the number as by the text.
struct wal_name {
  static constexpr std::size_t size = 28;
  char text[size];

  explicit wal_name(std::uint64_t first) noexcept {
    std::memcpy(text, "wal-00000000000000000000.log", size);
    for (std::size_t i = 24; first != 0; first /= 10) text[--i] = static_cast<char>('0' + first % 10);
  }
  [[nodiscard]] std::string_view view() const noexcept { return {text, size}; }
};
// The number in a segment's name; nothing if it is no segment's name.
inline std::optional<std::uint64_t> wal_number_of(std::string_view name) noexcept {
  if (name.size() != wal_name::size || !name.starts_with("wal-") || !name.ends_with(".log")) return std::nullopt;
  std::uint64_t n = 0;
  for (const char c : name.substr(4, 20)) {
    if (c < '0' || c > '9') return std::nullopt;
    const unsigned digit = static_cast<unsigned>(c - '0');
    if (n > (~std::uint64_t{0} - digit) / 10) return std::nullopt;
    n = n * 10 + digit;
  }
  if (n == 0) return std::nullopt;
  return n;
}

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_STORAGE_DETAIL_WAL_FORMAT_HPP
// ---- frys/storage/detail/wal_group.hpp
// wal_group: the open group of a log: one buffer in which records are encoded once, and written from.
#ifndef FRYS_STORAGE_DETAIL_WAL_GROUP_HPP
#define FRYS_STORAGE_DETAIL_WAL_GROUP_HPP

namespace frys::inline FRYS_ABI::detail {

class wal_group {
 public:
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return used_; }

  // Room for a record of `size` bytes behind the others; nullptr: no memory. keep() makes it part of the group.
  std::byte* room(std::size_t size) noexcept {
    const std::size_t wanted = used_ + wal_frame_header::record_header + size + 8;  // the padding
    if (wanted > memory_.size() && !grow(wanted)) return nullptr;
    return memory_.data() + used_ + wal_frame_header::record_header;
  }
  void keep(std::size_t size) noexcept {
    store_le<std::uint32_t>(memory_.data() + used_, static_cast<std::uint32_t>(size));
    used_ += wal_frame_header::record_header + size;
    ++count_;
  }

  // Encodes the frame; answers its bytes, which share the group's memory.
  buffer seal(wal_frame_header& h) noexcept {
    h.length = static_cast<std::uint32_t>(used_ - wal_frame_header::size);
    h.count = count_;
    h.crc = h.encode(memory_.data());
    return memory_.slice(0, static_cast<std::size_t>(h.total()));
  }

  // Empty again; memory that is still shared, or was large once, is given up.
  void reset() noexcept {
    used_ = wal_frame_header::size;
    count_ = 0;
    if (!memory_.is_unique() || memory_.size() > keep_bytes) memory_.reset();
  }
  // Takes memory before the first record does; false: none there.
  bool prepare() noexcept { return !memory_.empty() || grow(least_bytes); }

 private:
  static constexpr std::size_t least_bytes = 64 * 1024, keep_bytes = 1024 * 1024;

  FRYS_NOINLINE bool grow(std::size_t wanted) noexcept {
    result<buffer> larger = buffer::allocate((std::max)({wanted, memory_.size() * 2, least_bytes}));
    if (!larger) return false;
    if (count_ != 0) std::memcpy(larger->data(), memory_.data(), used_);
    memory_ = *std::move(larger);
    return true;
  }

  buffer memory_;
  std::size_t used_ = wal_frame_header::size;
  std::uint32_t count_ = 0;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_STORAGE_DETAIL_WAL_GROUP_HPP
// ---- frys/storage/detail/wal_recovery.hpp
// wal_recovery: reads a log's segments at start: replays what is whole, tells a torn tail from damage.
//
// The rule  a record that was promised is replayed or reported; nothing is skipped. In a segment that is not the last,
// a
//           bad frame is damage. In the last one, what follows decides: nothing valid after it: a torn tail, cut off. A
//           valid frame after it that was written when the bad one was known to be synced: damage. A valid frame after
//           it otherwise: a gap in what was never synced, refused or cut off as the options say.
#ifndef FRYS_STORAGE_DETAIL_WAL_RECOVERY_HPP
#define FRYS_STORAGE_DETAIL_WAL_RECOVERY_HPP

namespace frys::inline FRYS_ABI {

// What recovery found. On an error `file` names the segment, and error.number is the offset in it.
struct wal_recovery {
  std::uint64_t first = 1;  // sequence number of the first record there is
  std::uint64_t last = 0;   // of the last one; first - 1: there is none
  std::uint64_t bytes = 0;  // in the segments
  std::uint32_t segments = 0;
  bool sealed = false;            // the log was closed in order, nothing can be missing
  std::uint64_t torn_offset = 0;  // where the last segment was cut off,
  std::uint64_t torn_bytes = 0;   // and how much; 0: it was whole
  bool gap = false;               // valid records lay behind the cut (wal_gap::cut)
  char file[detail::wal_name::size] = {};

  // The segment that an error or a cut is about; empty if there was neither.
  [[nodiscard]] std::string_view file_name() const noexcept { return {file, file[0] == '\0' ? 0 : sizeof file}; }
  [[nodiscard]] std::uint64_t records() const noexcept { return last + 1 - first; }
};

// What to do with records that were never synced and lie behind a damaged one that was never synced either. Power loss
// can leave that behind at durability::process and none, and so can a damaged disk; nobody can tell which.
enum class wal_gap : std::uint8_t {
  refuse,  // an error, and the operator decides
  cut,     // keep what lies before the gap, and say so in the report
};

namespace detail {

inline std::string wal_path(std::string_view directory, std::uint64_t first) {
  std::string path(directory);
  if (!path.empty() && path.back() != '/') path += '/';
  path += wal_name(first).view();
  return path;
}

// Reads one file through a window, so that a segment of any size takes little memory.
template <class Files>
class wal_window {
 public:
  wal_window(Files& files, typename Files::file& file, std::uint64_t size) noexcept
      : files_(files), file_(file), size_(size) {}

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] bool has(std::uint64_t offset, std::uint64_t n) const noexcept {
    return offset >= start_ && offset + n <= start_ + valid_;
  }
  // Only when has().
  [[nodiscard]] byte_view view(std::uint64_t offset, std::uint64_t n) const noexcept {
    return {block_.data() + static_cast<std::size_t>(offset - start_), static_cast<std::size_t>(n)};
  }
  // Makes has(offset, n) true; offset + n is within the file.
  task<result<void>> load(std::uint64_t offset, std::uint64_t n) {
    const std::uint64_t wanted = (std::min)((std::max)(n, std::uint64_t{least}), size_ - offset);
    valid_ = 0;
    if (block_.size() < wanted || !block_.is_unique()) {
      block_.reset();
      result<buffer> fresh = buffer::allocate(static_cast<std::size_t>(wanted));
      if (!fresh) co_return fresh.error();
      block_ = *std::move(fresh);
    }
    start_ = offset;
    while (valid_ < n) {
      buffer into = block_.slice(static_cast<std::size_t>(valid_), static_cast<std::size_t>(wanted - valid_));
      const result<buffer> got = co_await files_.read(file_, std::move(into), offset + valid_);
      if (!got) co_return got.error();
      if (got->empty())
        co_return error{errc::truncated, domain::storage, "a log segment became shorter while it was read",
                        static_cast<std::int64_t>(offset + valid_)};
      valid_ += got->size();
    }
    co_return result<void>{};
  }

 private:
  static constexpr std::size_t least = 256 * 1024;

  Files& files_;
  typename Files::file& file_;
  std::uint64_t size_;
  buffer block_;
  std::uint64_t start_ = 0;
  std::uint64_t valid_ = 0;
};

// Where appending goes on.
struct wal_tail {
  std::vector<std::uint64_t> segments;  // the number of each one's first record; empty: there is no log yet
  std::uint64_t offset = 0;             // end of the last segment
  std::uint64_t next = 1;               // sequence number of the next record
  std::uint32_t chain = 0;              // checksum of the last frame or header
  bool sealed = false;                  // the last frame is a seal
};

template <class Files, class F>
class wal_reader {
 public:
  wal_reader(Files& files, std::string_view directory, wal_gap gap, F& on_record, wal_recovery& report) noexcept
      : files_(files), directory_(directory), gap_(gap), on_record_(on_record), report_(report) {}

  // Replays all, cuts a torn tail off and makes what is left durable.
  task<result<wal_tail>> run() {
    auto note = [](void* list, std::string_view name) {
      if (const auto number = wal_number_of(name)) static_cast<std::vector<std::uint64_t>*>(list)->push_back(*number);
    };
    if (const result<void> listed = files_.list(directory_, note, &tail_.segments); !listed) co_return listed.error();
    std::sort(tail_.segments.begin(), tail_.segments.end());
    std::vector<std::uint64_t>& all = tail_.segments;
    if (!all.empty()) tail_.next = report_.first = all.front();
    for (std::size_t i = 0; i < all.size(); ++i) {
      const bool last = i + 1 == all.size();
      at_ = all[i];
      if (at_ != tail_.next) co_return fail(errc::corrupt, "a log segment before this one is missing or too short", 0);
      const result<void> read = co_await segment(i == 0, last);
      if (!read) co_return read.error();
      if (drop_) {  // a segment whose creation was torn
        if (const result<void> removed = files_.remove(wal_path(directory_, at_)); !removed) co_return removed.error();
        all.pop_back();
        if (!all.empty()) tail_.offset = before_;
        break;
      }
      before_ = tail_.offset;
      report_.bytes += tail_.offset;
    }
    if (const result<void> synced = files_.sync_directory(directory_or_here()); !synced) co_return synced.error();
    report_.segments = static_cast<std::uint32_t>(all.size());
    report_.last = tail_.next - 1;
    tail_.sealed = report_.sealed;
    co_return std::move(tail_);
  }

 private:
  using frame_header = wal_frame_header;
  static constexpr std::size_t header_size = wal_segment_header::size;

  [[nodiscard]] std::string_view directory_or_here() const noexcept {
    return directory_.empty() ? std::string_view(".") : directory_;
  }
  error fail(errc code, const char* message, std::uint64_t offset) noexcept {
    name_file();
    return {code, domain::storage, message, static_cast<std::int64_t>(offset)};
  }
  void name_file() noexcept { std::memcpy(report_.file, wal_name(at_).text, wal_name::size); }

  task<result<void>> segment(bool first, bool last) {
    result<typename Files::file> opened =
        files_.open(wal_path(directory_, at_), last ? open_mode::read_write : open_mode::read);
    if (!opened) co_return failed(opened.error());
    const result<std::uint64_t> size = files_.size(*opened);
    if (!size) co_return failed(size.error());
    wal_window<Files> window(files_, *opened, *size);

    std::uint64_t offset = 0;
    bool whole = false;
    if (window.size() >= header_size) {
      if (!window.has(0, header_size))
        if (const result<void> loaded = co_await window.load(0, header_size); !loaded) co_return failed(loaded.error());
      const wal_header_reading head = read_wal_header(window.view(0, header_size));
      if (head.what == wal_header_reading::state::unknown_version)
        co_return fail(errc::version_mismatch,
                       "a log segment was written in a version or with features that this build "
                       "does not read",
                       8);
      if (head.what == wal_header_reading::state::good) {
        if (head.header.first != at_)
          co_return fail(errc::corrupt, "a log segment's name and its first record disagree", 16);
        if (!first && head.header.previous != tail_.chain)
          co_return fail(errc::corrupt, "a log segment does not follow the one before it", 12);
        whole = true;
        tail_.chain = head.crc;
        offset = header_size;
      }
    }
    if (whole) {
      const result<bool> read = co_await frames(window, offset);
      if (!read) co_return failed(read.error());
      whole = *read;
    }
    if (!whole) {
      if (!last) co_return fail(errc::corrupt, "a damaged record in a log segment that is not the last", offset);
      const result<void> judged = co_await judge(window, offset);
      if (!judged) co_return failed(judged.error());
      name_file();
      report_.torn_offset = offset;
      report_.torn_bytes = window.size() - offset;
      report_.sealed = false;
      drop_ = offset < header_size;
    }
    tail_.offset = offset;
    if (!last || drop_) co_return result<void>{};
    if (!whole)
      if (const result<void> cut = files_.truncate(*opened, offset); !cut) co_return failed(cut.error());
    // What was replayed will be served: it must not be lost later, whatever the level it was written at.
    const result<void> synced = co_await files_.sync(*opened);
    if (!synced) co_return failed(synced.error());
    co_return result<void>{};
  }
  error failed(const error& e) noexcept {
    name_file();
    return e;
  }

  // Replays frames from `offset` on, and moves it to the end of the last good one. True: that was the file's end.
  task<result<bool>> frames(wal_window<Files>& window, std::uint64_t& offset) {
    while (offset < window.size()) {
      const std::uint64_t left = window.size() - offset;
      if (left < frame_header::size) co_return false;
      if (!window.has(offset, frame_header::size))
        if (const result<void> loaded = co_await window.load(offset, frame_header::size); !loaded)
          co_return loaded.error();
      const std::optional<frame_header> h = read_wal_frame(window.view(offset, frame_header::size));
      if (!h || h->total() > left || h->previous != tail_.chain || h->first != tail_.next) co_return false;
      if (!window.has(offset, h->total()))
        if (const result<void> loaded = co_await window.load(offset, h->total()); !loaded) co_return loaded.error();
      const byte_view frame = window.view(offset, h->total());
      if (!wal_frame_is_whole(frame, *h)) co_return false;
      byte_view records = frame.subspan(frame_header::size, h->length);
      if (!wal_records_fit(records, h->count))
        co_return error{errc::corrupt, domain::storage, "a log frame's records do not fit its length",
                        static_cast<std::int64_t>(offset)};
      for (std::uint32_t i = 0; i < h->count; ++i) {
        const std::uint32_t n = load_le<std::uint32_t>(records.data());
        const byte_view record = records.subspan(frame_header::record_header, n);
        if constexpr (std::is_void_v<std::invoke_result_t<F&, std::uint64_t, byte_view>>) {
          on_record_(h->first + i, record);
        } else {
          const result<void> taken = on_record_(h->first + i, record);
          if (!taken) co_return taken.error();
        }
        records = records.subspan(frame_header::record_header + n);
      }
      tail_.next = h->first + h->count;
      tail_.chain = h->crc;
      report_.sealed = h->count == 0;
      offset += h->total();
    }
    co_return true;
  }

  // Whether the bad bytes from `offset` on in the last segment may be cut off.
  task<result<void>> judge(wal_window<Files>& window, std::uint64_t offset) {
    // Hostile bytes could hold many headers of long frames; then the search ends, on the safe side.
    std::uint64_t budget = 4 * window.size() + 65536;
    bool found = false;
    for (std::uint64_t at = frame_header::padded(offset); at + frame_header::size <= window.size(); at += 8) {
      if (!window.has(at, frame_header::size))
        if (const result<void> loaded = co_await window.load(at, frame_header::size); !loaded) co_return loaded.error();
      const std::optional<frame_header> h = read_wal_frame(window.view(at, frame_header::size));
      if (!h || h->first < tail_.next || h->total() > window.size() - at) continue;
      if (h->total() > budget)
        co_return error{errc::corrupt, domain::storage, "a damaged log segment that looks made up",
                        static_cast<std::int64_t>(offset)};
      budget -= h->total();
      if (!window.has(at, h->total()))
        if (const result<void> loaded = co_await window.load(at, h->total()); !loaded) co_return loaded.error();
      if (!wal_frame_is_whole(window.view(at, h->total()), *h)) continue;
      found = true;
      // The frame that holds the very next record is here, or a later one knew that record to be synced.
      if (h->first == tail_.next || h->synced() >= tail_.next)
        co_return error{errc::corrupt, domain::storage, "a damaged record with synced records after it",
                        static_cast<std::int64_t>(offset)};
      at += h->total() - 8;
    }
    if (!found) co_return result<void>{};
    if (gap_ == wal_gap::refuse)
      co_return error{errc::corrupt, domain::storage, "a damaged record with records after it that were never synced",
                      static_cast<std::int64_t>(offset)};
    report_.gap = true;
    co_return result<void>{};
  }

  Files& files_;
  std::string_view directory_;
  wal_gap gap_;
  F& on_record_;
  wal_recovery& report_;
  wal_tail tail_;
  std::uint64_t at_ = 0;      // the segment looked at
  std::uint64_t before_ = 0;  // end of the one before it
  bool drop_ = false;
};

}  // namespace detail
}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_STORAGE_DETAIL_WAL_RECOVERY_HPP
// ---- frys/storage/detail/wal_state.hpp
// wal_state: the inside of a log, at one address for its life: the open group, the file it goes to, and who waits.
#ifndef FRYS_STORAGE_DETAIL_WAL_STATE_HPP
#define FRYS_STORAGE_DETAIL_WAL_STATE_HPP

namespace frys::inline FRYS_ABI {

// What a log did since it was opened.
struct wal_stats {
  std::uint64_t records = 0;  // appended
  std::uint64_t bytes = 0;    // written, frames and headers included
  std::uint64_t groups = 0;   // written: one write each
  std::uint64_t syncs = 0;    // of files
  std::uint64_t rotations = 0;
};

namespace detail {

template <class F>
concept wal_files = file_system<F> && std::same_as<typename F::buffer, buffer>;

template <class Files>
class wal_state {
 public:
  class durable_wait;

  template <class Options>
  wal_state(Files& files, const Options& o)
      : files_(files),
        directory_(o.directory),
        segment_bytes_(o.segment_bytes),
        group_bytes_((std::min)(o.group_bytes, most_bytes_in_group)),
        record_bytes_((std::min)(o.record_bytes, most_bytes_in_group)),
        level_(o.level) {
    while (directory_.size() > 1 && directory_.back() == '/') directory_.pop_back();
  }
  wal_state(const wal_state&) = delete;
  wal_state& operator=(const wal_state&) = delete;
  ~wal_state() { FRYS_ASSERT(!flushing_, "wal: a log was destroyed while a flush of it waits"); }

  const std::string& directory() const noexcept { return directory_; }
  durability level() const noexcept { return level_; }
  std::uint64_t appended() const noexcept { return appended_; }
  std::uint64_t durable() const noexcept { return level_ == durability::none ? appended_ : flushed_; }
  bool needs_flush() const noexcept { return flushed_ != appended_; }
  bool is_flushing() const noexcept { return flushing_; }
  std::uint64_t first() const noexcept { return segments_.front(); }
  std::size_t segments() const noexcept { return segments_.size(); }
  std::optional<error> failure() const noexcept { return stop_; }
  const wal_stats& stats() const noexcept { return stats_; }

  result<void> make_directory() {
    if (directory_.empty()) return {};
    const result<void> made = files_.make_directory(directory_);
    if (!made) return made;
    const std::size_t slash = directory_.find_last_of('/');
    return files_.sync_directory(slash == std::string::npos || slash == 0
                                     ? std::string_view(slash == 0 ? "/" : ".")
                                     : std::string_view(directory_).substr(0, slash));
  }

  // Goes on behind what recovery found.
  task<result<void>> begin(wal_tail tail) {
    segments_ = std::move(tail.segments);
    chain_ = tail.chain;
    sealed_ = segments_.empty() || tail.sealed;
    appended_ = flushed_ = synced_ = tail.next - 1;
    if (!group_.prepare() || !next_group_.prepare())
      co_return error{errc::out_of_memory, domain::storage, "no memory for a log's groups", 0};
    if (segments_.empty()) co_return co_await begin_segment();
    result<typename Files::file> opened = files_.open(wal_path(directory_, segments_.back()), open_mode::read_write);
    if (!opened) co_return opened.error();
    file_.emplace(*std::move(opened));
    offset_ = tail.offset;
    co_return result<void>{};
  }

  template <class Fill>
  result<std::uint64_t> append(std::size_t size, Fill&& fill) {
    if (stop_) [[unlikely]]
      return *stop_;
    if (size > record_bytes_) [[unlikely]]
      return error{errc::too_large, domain::storage, "a record is larger than the log's limit",
                   static_cast<std::int64_t>(record_bytes_)};
    if (!group_.empty() && group_.bytes() + wal_frame_header::record_header + size > group_bytes_) [[unlikely]]
      return error{errc::full, domain::storage, "the log's open group is at its limit; flush it",
                   static_cast<std::int64_t>(group_bytes_)};
    std::byte* to = group_.room(size);
    if (to == nullptr) [[unlikely]]
      return error{errc::out_of_memory, domain::storage, "no memory for a log's group", 0};
    fill(byte_span(to, size));
    group_.keep(size);
    ++stats_.records;
    return ++appended_;
  }

  task<result<void>> flush() {
    const std::uint64_t target = appended_;
    while (flushed_ < target) {
      if (failed_) {
        wake();
        co_return *failed_;
      }
      if (flushing_) {  // its end wakes us; then the next group may be ours to write
        const result<void> other = co_await durable_wait(*this, flushed_ + 1, false);
        if (!other) co_return other.error();
        continue;
      }
      in_flight mark(*this);
      if (offset_ > wal_segment_header::size && offset_ + wal_frame_header::size + group_.bytes() > segment_bytes_) {
        const result<void> rotated = co_await rotate();
        if (!rotated) co_return mark.fail(rotated.error());
      }
      std::swap(group_, next_group_);  // appends go on in the other one
      writing_ = appended_;
      wal_frame_header h;
      h.previous = chain_;
      h.first = flushed_ + 1;
      h.unsynced = wal_frame_header::count_unsynced(h.first, synced_);
      buffer bytes = next_group_.seal(h);
      const std::size_t size = bytes.size();
      const result<std::size_t> written = co_await files_.write(*file_, std::move(bytes), offset_);
      if (!written) co_return mark.fail(written.error());
      offset_ += size;
      chain_ = h.crc;
      stats_.bytes += size;
      ++stats_.groups;
      if (level_ == durability::machine) {
        const result<void> synced = co_await sync();
        if (!synced) co_return mark.fail(synced.error());
        synced_ = writing_;
      }
      next_group_.reset();
      flushed_ = writing_;
      sealed_ = false;
      mark.end();
    }
    co_return result<void>{};
  }

  task<result<void>> close() {
    if (!stop_) stop_ = error{errc::closed, domain::storage, "the log was closed", 0};
    if (closing_) co_return result<void>{};
    closing_ = true;
    static_cast<void>(co_await flush());
    if (failed_) {
      file_.reset();
      co_return *failed_;
    }
    if (!sealed_) {
      in_flight mark(*this);
      writing_ = appended_;
      if (level_ != durability::machine) {  // the seal says that all before it is synced, so that comes first
        const result<void> synced = co_await sync();
        if (!synced) co_return mark.fail(synced.error());
        synced_ = writing_;
      }
      const result<void> sealed = co_await seal();
      if (!sealed) co_return mark.fail(sealed.error());
      sealed_ = true;
      mark.end();
    }
    file_.reset();
    co_return result<void>{};
  }

  result<void> truncate_before(std::uint64_t number) {
    // From the oldest on, each removal durable before the next: a crash leaves no hole between segments.
    while (segments_.size() > 1 && segments_[1] <= number) {
      const result<void> removed = files_.remove(wal_path(directory_, segments_.front()));
      if (!removed) return removed;
      segments_.erase(segments_.begin());
      const result<void> synced = files_.sync_directory(directory_or_here());
      if (!synced) return synced;
    }
    return {};
  }

  // An awaiter; ends when `number` is flushed, or with the error that keeps it from that.
  class [[nodiscard]] durable_wait : public list_hook<> {
   public:
    durable_wait(wal_state& s, std::uint64_t number, bool now) noexcept : state_(s), number_(number), now_(now) {}
    durable_wait(const durable_wait&) = delete;
    durable_wait& operator=(const durable_wait&) = delete;
    ~durable_wait() { this->unlink(); }

    bool await_ready() const noexcept { return now_ || state_.flushed_ >= number_ || state_.failed_; }
    void await_suspend(std::coroutine_handle<> waiting) noexcept {
      waiting_ = waiting;
      state_.enqueue(*this);
    }
    result<void> await_resume() const noexcept {
      if (now_ || state_.flushed_ >= number_) return {};
      return *state_.failed_;
    }

   private:
    friend wal_state;
    wal_state& state_;
    std::uint64_t number_;
    bool now_;
    std::coroutine_handle<> waiting_;
  };

 private:
  static constexpr std::size_t most_bytes_in_group = wal_frame_header::largest - 256;  // so that a length fits

  // While a group is on its way. If the coroutine that writes it is destroyed, nobody knows what happened: the log
  // fails.
  class in_flight {
   public:
    explicit in_flight(wal_state& s) noexcept : state_(s) { s.flushing_ = true; }
    in_flight(const in_flight&) = delete;
    in_flight& operator=(const in_flight&) = delete;
    ~in_flight() {
      if (ended_) return;
      state_.flushing_ = false;
      state_.stop({errc::cancelled, domain::storage, "a flush was dropped before its end", 0});
    }
    error fail(const error& e) noexcept {
      state_.stop(e);
      end();
      return e;
    }
    void end() noexcept {
      ended_ = true;
      state_.flushing_ = false;
      state_.wake();
    }

   private:
    wal_state& state_;
    bool ended_ = false;
  };

  std::string_view directory_or_here() const noexcept {
    return directory_.empty() ? "." : std::string_view(directory_);
  }

  void stop(const error& e) noexcept {
    if (!failed_) failed_ = e;
    if (!stop_) stop_ = e;
  }

  // Numbers mostly rise, so the place is found from the back.
  void enqueue(durable_wait& w) noexcept {
    auto at = waiting_.end();
    while (at != waiting_.begin()) {
      auto before = at;
      if ((--before)->number_ <= w.number_) break;
      at = before;
    }
    waiting_.insert(at, w);
  }
  void wake() noexcept {
    // Those who are resumed may wait again, flush, or destroy others: so first all leave the list, then they run.
    intrusive_list<durable_wait> ready;
    while (!waiting_.empty() && (failed_ || waiting_.front().number_ <= flushed_))
      ready.push_back(*waiting_.pop_front());
    while (durable_wait* w = ready.pop_front()) w->waiting_.resume();
  }

  task<result<void>> sync() {
    ++stats_.syncs;
    co_return co_await files_.sync(*file_);
  }

  // The old segment is synced before the new one has a name: a log has holes at its very end only.
  task<result<void>> rotate() {
    if (synced_ != flushed_) {
      const result<void> synced = co_await sync();
      if (!synced) co_return synced.error();
      synced_ = flushed_;
    }
    ++stats_.rotations;
    co_return co_await begin_segment();
  }
  // Name and header are durable before the first frame is written.
  task<result<void>> begin_segment() {
    const std::uint64_t first = flushed_ + 1;
    result<typename Files::file> made = files_.open(wal_path(directory_, first), open_mode::create_new);
    if (!made) co_return made.error();
    result<buffer> bytes = buffer::allocate(wal_segment_header::size);
    if (!bytes) co_return bytes.error();
    const wal_segment_header header{chain_, first};
    chain_ = header.encode(bytes->data());
    file_.emplace(*std::move(made));
    const result<std::size_t> written = co_await files_.write(*file_, *std::move(bytes), 0);
    if (!written) co_return written.error();
    const result<void> synced = co_await sync();
    if (!synced) co_return synced.error();
    const result<void> named = files_.sync_directory(directory_or_here());
    if (!named) co_return named.error();
    offset_ = wal_segment_header::size;
    stats_.bytes += offset_;
    segments_.push_back(first);
    co_return result<void>{};
  }
  task<result<void>> seal() {
    wal_frame_header h;
    h.previous = chain_;
    h.first = flushed_ + 1;
    result<buffer> bytes = buffer::allocate(wal_frame_header::size);
    if (!bytes) co_return bytes.error();
    h.crc = h.encode(bytes->data());
    const result<std::size_t> written = co_await files_.write(*file_, *std::move(bytes), offset_);
    if (!written) co_return written.error();
    offset_ += wal_frame_header::size;
    chain_ = h.crc;
    stats_.bytes += wal_frame_header::size;
    co_return co_await sync();
  }

  Files& files_;
  std::string directory_;
  std::uint64_t segment_bytes_;
  std::size_t group_bytes_;
  std::size_t record_bytes_;
  durability level_;

  wal_group group_;              // takes appends
  wal_group next_group_;         // is written, or waits for its turn
  std::optional<error> stop_;    // why appends are refused
  std::optional<error> failed_;  // the write or sync that failed
  bool flushing_ = false;
  bool closing_ = false;
  bool sealed_ = true;          // there is no frame, or the last one is a seal
  std::uint64_t appended_ = 0;  // highest number given out
  std::uint64_t writing_ = 0;   // highest number of the group in flight
  std::uint64_t flushed_ = 0;   // highest number written, at machine: and synced
  std::uint64_t synced_ = 0;    // highest number known to be synced

  std::optional<typename Files::file> file_;  // the last segment
  std::vector<std::uint64_t> segments_;       // first numbers
  std::uint64_t offset_ = 0;                  // end of the last segment
  std::uint32_t chain_ = 0;                   // checksum of the last frame or header
  wal_stats stats_;
  intrusive_list<durable_wait> waiting_;  // by number
};

}  // namespace detail
}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_STORAGE_DETAIL_WAL_STATE_HPP
// ---- frys/storage/wal.hpp
// wal: a write-ahead log: records get consecutive numbers, become durable in groups, and come back in order at start.
//
// Use when  a state in memory must survive: append what changes it, answer when the record is durable, replay at start.
// Not when  several threads append to one log (give each owner its own), or old records are looked up by key.
// Threads   one: the owner's.
// Cost      append: one copy (or none: fill in place) into the open group, no allocation, no system call. flush: one
//           checksum, one write and one sync by level for all that was appended before; appends during it form the next
//           group. One coroutine frame per flush.
// Ordering  records become durable in the order of their numbers; after a crash the log holds a prefix of what was
//           appended that contains all that was promised (durability.hpp).
// Errors    a failed write or sync is sticky: what waits for it and every later append fail with it, nothing is tried
//           again; what it left on the disk is found out by the next open. open: corrupt with the offset in
//           error.number and the file in the report.
// Lifetime  files must outlive the log, the log its flushes and waiters. A flush that is destroyed while it waits
//           fails the log.
//
// Policies: policy::files<F>, a file_system whose buffer is frys::buffer (a reactor's files, sim::disk, your own);
//           default posix_files, which block.
// Source    chained checksums: TigerBeetle's journal; the synced mark that tells damage from a torn tail: Pebble.
#ifndef FRYS_STORAGE_WAL_HPP
#define FRYS_STORAGE_WAL_HPP

namespace frys::inline FRYS_ABI {

struct wal_options {
  std::string_view directory = "";                  // made if missing; must live until open has ended
  std::uint64_t segment_bytes = 64u * 1024 * 1024;  // a new file is begun when one would grow past this
  durability level = durability::machine;           // what durable() and an acknowledgement mean
  std::size_t group_bytes = 16u * 1024 * 1024;      // an append that would make the open group larger is refused: full
  std::size_t record_bytes = 512u * 1024 * 1024;    // a larger record is refused: too_large; one that is larger than a
                                                    // group may stand in a group alone
  wal_gap gap = wal_gap::refuse;                    // see wal_gap
  wal_recovery* report = nullptr;                   // filled by open, also when it fails
};

template <class... Policies>
class wal {
  using accepted = policy::keys<policy::files_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::wal: unknown policy; it takes policy::files and policy::world");
  static_assert(accepted::template unique<Policies...>, "frys::wal: a policy is given twice; name each at most once");

 public:
  using files_type = typename policy::pick<policy::files<posix_files>, Policies...>::type;
  static_assert(detail::wal_files<files_type>,
                "frys::wal: policy::files wants a file system whose buffer is frys::buffer, see core/concepts.hpp");

  wal(wal&&) noexcept = default;
  wal& operator=(wal&&) noexcept = default;

  // Opens the log in options.directory, or begins one. Calls on_record(std::uint64_t number, byte_view record) for each
  // record there is, in order; it answers nothing, or result<void>, whose error ends the opening. The view is good
  // during the call. On an error the records given so far are no state to work with: errc::corrupt (damage; see
  // options.report), version_mismatch, or what the file system said.
  template <class F>
  static task<result<wal>> open(files_type& files, wal_options options, F on_record) {
    static_assert(std::is_invocable_v<F&, std::uint64_t, byte_view>,
                  "frys::wal::open: on_record takes a std::uint64_t number and a byte_view record");
    std::unique_ptr<state> s(new (std::nothrow) state(files, options));
    if (s == nullptr) co_return error{errc::out_of_memory, domain::storage, "no memory for a log", 0};
    wal_recovery ours;
    wal_recovery& report = options.report != nullptr ? *options.report : ours;
    report = {};
    const result<void> made = s->make_directory();
    if (!made) co_return made.error();
    detail::wal_reader<files_type, F> reader(files, s->directory(), options.gap, on_record, report);
    result<detail::wal_tail> tail = co_await reader.run();
    if (!tail) co_return tail.error();
    const result<void> begun = co_await s->begin(*std::move(tail));
    if (!begun) co_return begun.error();
    co_return wal(std::move(s));
  }

  // Adds a record to the open group; answers its number. It is not durable before a flush says so. Fails with
  // full (the open group is at its limit: flush), too_large, out_of_memory, closed, or the error that made the log
  // fail.
  result<std::uint64_t> append(byte_view record) {
    return state_->append(record.size(), [record](byte_span to) noexcept {
      if (!record.empty()) std::memcpy(to.data(), record.data(), record.size());
    });
  }
  // The same without a copy: fill(byte_span) writes the `size` bytes of the record where they will be written from. If
  // it throws, nothing was appended. It must not call the log.
  template <class Fill>
  requires std::is_invocable_v<Fill&, byte_span> result<std::uint64_t> append(std::size_t size, Fill&& fill) {
    return state_->append(size, fill);
  }

  // Ends when all that was appended before the call is written and synced as the level asks (none: written), or with
  // the error that kept it from that. One group is written at a time; callers that come meanwhile share the next one.
  task<result<void>> flush() { return state_->flush(); }

  // The highest number that is durable by the log's level; 0: none. With durability::none the highest appended.
  [[nodiscard]] std::uint64_t durable() const noexcept { return state_->durable(); }
  // The highest number appended; 0: none ever.
  [[nodiscard]] std::uint64_t appended() const noexcept { return state_->appended(); }
  // Whether a flush has something to do.
  [[nodiscard]] bool needs_flush() const noexcept { return state_->needs_flush(); }
  // Whether a group is being written right now.
  [[nodiscard]] bool is_flushing() const noexcept { return state_->is_flushing(); }

  // Ends when record `number` is durable, with the log's error if it will not be. Somebody must flush. All whose
  // records became durable by one sync are resumed one after the other by the flush, in the order of their numbers.
  [[nodiscard]] auto wait_durable(std::uint64_t number) noexcept {
    return typename state::durable_wait(*state_, number, state_->level() == durability::none);
  }

  // Flushes, marks the log as complete, syncs at every level, and closes the file. Appends fail with closed from the
  // call on. A log that is destroyed without it is as after a crash.
  task<result<void>> close() { return state_->close(); }

  // Removes the segments all of whose records are below `number`: what a checkpoint holds. Answers an error of the file
  // system; the log goes on all the same.
  result<void> truncate_before(std::uint64_t number) { return state_->truncate_before(number); }
  // The first record that is still there (or will be).
  [[nodiscard]] std::uint64_t first() const noexcept { return state_->first(); }
  [[nodiscard]] std::size_t segments() const noexcept { return state_->segments(); }

  [[nodiscard]] durability level() const noexcept { return state_->level(); }
  // Why the log takes no more records: the error of a failed write or sync, or closed; nothing while it works.
  [[nodiscard]] std::optional<error> failure() const noexcept { return state_->failure(); }
  // Counts since open.
  [[nodiscard]] const wal_stats& stats() const noexcept { return state_->stats(); }

 private:
  using state = detail::wal_state<files_type>;
  explicit wal(std::unique_ptr<state> s) noexcept : state_(std::move(s)) {}

  std::unique_ptr<state> state_;  // stays where it is while the log moves: flushes and waiters point to it
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_STORAGE_WAL_HPP
#endif  // gate
#if defined(FRYS_WITH_SEARCH) && FRYS_WITH_SEARCH
#include <cmath>

// ---- frys/search/metric.hpp
// metric: what "near" means to a search: cosine, squared Euclidean distance, or inner product.
//
// A metric is a type, so that an index holds no pointer and no branch for it. Your own satisfies search_metric.
#ifndef FRYS_SEARCH_METRIC_HPP
#define FRYS_SEARCH_METRIC_HPP

namespace frys::inline FRYS_ABI {

// M::larger_is_nearer  the direction of the scores.
// M::unit_length       vectors are stored with length 1 and scores divided by the query's length; zero is refused.
// M::scores            out[i] = the score of `query` with the row at rows + i * stride, for i < count, over n floats.
// The
//                      same row must give the same bits wherever it stands.
template <class M>
concept search_metric = requires(const float* floats, std::size_t size, float* out) {
  requires std::same_as<decltype(M::larger_is_nearer), const bool>;
  requires std::same_as<decltype(M::unit_length), const bool>;
  { M::scores(floats, floats, size, size, size, out) }
  noexcept->std::same_as<void>;
};

namespace metrics {

// Score: the cosine of the angle, 1 for the same direction, -1 for the opposite one.
struct cosine {
  static constexpr bool larger_is_nearer = true;
  static constexpr bool unit_length = true;
  static void scores(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t n,
                     float* out) noexcept {
    simd::kernels().dot_rows(query, rows, stride, count, n, out);
  }
};

// Score: the squared distance, 0 for the same point.
struct l2 {
  static constexpr bool larger_is_nearer = false;
  static constexpr bool unit_length = false;
  static void scores(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t n,
                     float* out) noexcept {
    simd::kernels().l2_squared_rows(query, rows, stride, count, n, out);
  }
};

// Score: the inner product; lengths count.
struct dot {
  static constexpr bool larger_is_nearer = true;
  static constexpr bool unit_length = false;
  static void scores(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t n,
                     float* out) noexcept {
    simd::kernels().dot_rows(query, rows, stride, count, n, out);
  }
};

}  // namespace metrics

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SEARCH_METRIC_HPP
// ---- frys/search/flat_index.hpp
// flat_index: the exact nearest vectors to a query, by comparing it with every vector.
//
// Use when  there are up to some 100,000 vectors, or the answer must be exact, or vectors come and go all the time.
// Not when  a scan takes too long: it reads all vectors, some 10 GB/s a core.
// Threads   const functions: any number of threads at once. Others: one thread, and no const function meanwhile.
// Cost      top_k: O(size * dimension), no allocation. add, update, remove: O(dimension), except where add grows the
// index
//           and copies it; reserve moves that to a time of your choice.
// Memory    rows stand together, each on its own cache lines, padded with zeros; 16 to 24 more bytes for each.
// Order     nearest first; equal scores by the smaller id. Scores are rounded as the SIMD target rounds.
//
// Policies, in any order, each at most once:
//   policy::pages<P>    where the memory comes from    default os_pages
//   policy::limit<N>    the most bytes it may hold     default no limit
#ifndef FRYS_SEARCH_FLAT_INDEX_HPP
#define FRYS_SEARCH_FLAT_INDEX_HPP

namespace frys::inline FRYS_ABI {

// One answer of a search. What the score means is the metric's to say.
struct neighbour {
  std::uint64_t id = 0;
  float score = 0;
  friend bool operator==(const neighbour&, const neighbour&) = default;
};

template <class Metric, class... Policies>
class flat_index {
  using accepted = policy::keys<policy::pages_key, policy::limit_key>;
  static_assert(search_metric<Metric>,
                "frys::flat_index: the first argument wants a metric such as metrics::cosine, see search/metric.hpp");
  static_assert(accepted::template known<Policies...>,
                "frys::flat_index: unknown policy; it takes policy::pages, policy::limit and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::flat_index: a policy is given twice; name each at most once");

 public:
  using metric_type = Metric;
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>,
                "frys::flat_index: policy::pages wants a page source with allocate and release, see core/concepts.hpp");
  static constexpr std::size_t limit =
      policy::pick<policy::limit<static_cast<std::size_t>((std::numeric_limits<std::ptrdiff_t>::max)())>,
                   Policies...>::value;
  static constexpr std::size_t max_dimension = 65536;
  static constexpr std::size_t max_size = std::size_t{1} << 30;

  // Allocates nothing. The dimension is from 1 to max_dimension; create checks it for you.
  explicit flat_index(std::size_t dimension) noexcept
      : dimension_(dimension), stride_((dimension + row_unit - 1) / row_unit * row_unit) {
    FRYS_ASSERT(dimension >= 1 && dimension <= max_dimension, "flat_index: the dimension is 0 or above max_dimension");
  }
  // errc::invalid_argument (the number: the dimension) if the dimension is 0 or above max_dimension.
  static result<flat_index> create(std::size_t dimension) noexcept {
    if (dimension < 1 || dimension > max_dimension)
      return error{errc::invalid_argument, domain::search, "the dimension is 0 or above the maximum",
                   static_cast<std::int64_t>(dimension)};
    return flat_index(dimension);
  }
  flat_index(flat_index&& other) noexcept { take(other); }
  flat_index& operator=(flat_index&& other) noexcept {
    if (this != &other) {
      if (!memory_.empty()) pages_type::release(memory_);
      take(other);
    }
    return *this;
  }
  ~flat_index() {
    if (!memory_.empty()) pages_type::release(memory_);
  }

  [[nodiscard]] std::size_t dimension() const noexcept { return dimension_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  // The memory that the index holds.
  [[nodiscard]] std::size_t bytes() const noexcept { return memory_.size(); }
  [[nodiscard]] bool contains(std::uint64_t id) const noexcept { return find(id) != none; }

  // The vector as it is stored (of length 1 if the metric wants that), until the next change; empty if there is none.
  [[nodiscard]] std::span<const float> vector(std::uint64_t id) const noexcept {
    const std::size_t row = find(id);
    if (row == none) return {};
    return {row_at(row), dimension_};
  }

  // Room for `count` vectors, so that adding up to there allocates nothing.
  // errc::limit_exceeded (the number: the limit), errc::out_of_memory; then nothing has changed.
  result<void> reserve(std::size_t count) noexcept { return count <= capacity_ ? result<void>() : grow(count); }

  // A new vector, copied. errc::already_exists if the id is taken; errc::invalid_argument for another dimension (the
  // number: the vector's), for an element that is not a finite number (its index), and for a vector of length zero
  // where the metric needs a direction; errors of reserve. After an error nothing has changed.
  result<void> add(std::uint64_t id, std::span<const float> vector) noexcept {
    if (find(id) != none)
      return error{errc::already_exists, domain::search, "the id is in the index already", as_number(id)};
    return append(id, vector);
  }

  // Replaces the vector of an id. errc::not_found if there is none; else as add.
  result<void> update(std::uint64_t id, std::span<const float> vector) noexcept {
    const std::size_t row = find(id);
    if (row == none) return error{errc::not_found, domain::search, "the id is not in the index", as_number(id)};
    return write(row, vector);
  }

  // add or update, whichever fits. Answers true if the id is new.
  result<bool> put(std::uint64_t id, std::span<const float> vector) noexcept {
    const std::size_t row = find(id);
    const result<void> done = row == none ? append(id, vector) : write(row, vector);
    if (!done) return done.error();
    return row == none;
  }

  // False if the id is not there. The last row moves into the gap.
  bool remove(std::uint64_t id) noexcept {
    const std::size_t row = find(id);
    if (row == none) return false;
    erase_slot(slot_of(id));
    --size_;
    if (row != size_) {
      std::memcpy(row_at(row), row_at(size_), stride_ * sizeof(float));
      ids()[row] = ids()[size_];
      slot_words()[slot_of(ids()[row])] = static_cast<std::uint32_t>(row + 1);
    }
    return true;
  }

  // Forgets all vectors and keeps the memory.
  void clear() noexcept {
    size_ = 0;
    if (capacity_ != 0) std::memset(slot_words(), 0, slot_count(capacity_) * sizeof(std::uint32_t));
  }

  // The `k` nearest vectors, or all if there are fewer, nearest first, into `out`; answers how many.
  // errc::invalid_argument for a query of another dimension, with an element that is not a finite number, of length
  // zero where the metric needs a direction, and if `out` has no room for k.
  result<std::size_t> top_k(std::span<const float> query, std::size_t k, std::span<neighbour> out) const noexcept;

 private:
  static constexpr std::size_t row_unit = 64 / sizeof(float);  // rows start and end with a cache line
  static constexpr std::size_t block = 256;                    // rows scored at a time
  static constexpr std::size_t none = (std::numeric_limits<std::size_t>::max)();

  static constexpr std::int64_t as_number(std::uint64_t id) noexcept { return static_cast<std::int64_t>(id); }
  static constexpr std::size_t slot_count(std::size_t capacity) noexcept { return std::bit_ceil(2 * capacity); }

  // One piece of memory: the rows, their ids, and an open hash table from id to row + 1.
  std::uint64_t bytes_for(std::size_t capacity) const noexcept {
    return std::uint64_t{capacity} * (stride_ * sizeof(float) + sizeof(std::uint64_t)) +
           std::uint64_t{slot_count(capacity)} * sizeof(std::uint32_t);
  }
  float* row_at(std::size_t row) const noexcept { return reinterpret_cast<float*>(memory_.data()) + row * stride_; }
  std::uint64_t* ids() const noexcept {
    return reinterpret_cast<std::uint64_t*>(memory_.data() + capacity_ * stride_ * sizeof(float));
  }
  std::uint32_t* slot_words() const noexcept { return reinterpret_cast<std::uint32_t*>(ids() + capacity_); }

  std::size_t home(std::uint64_t id) const noexcept {
    return static_cast<std::size_t>(hash_integer(id)) & (slot_count(capacity_) - 1);
  }
  // The slot that holds the id, or the empty one where it would go. Half of the slots are empty at least.
  std::size_t slot_of(std::uint64_t id) const noexcept {
    const std::size_t mask = slot_count(capacity_) - 1;
    std::size_t slot = home(id);
    while (slot_words()[slot] != 0 && ids()[slot_words()[slot] - 1] != id) slot = (slot + 1) & mask;
    return slot;
  }
  std::size_t find(std::uint64_t id) const noexcept {
    if (size_ == 0) return none;
    const std::uint32_t entry = slot_words()[slot_of(id)];
    return entry == 0 ? none : entry - 1;
  }
  // Pulls back what probed past the gap, so that no tombstones are needed.
  void erase_slot(std::size_t gap) noexcept {
    const std::size_t mask = slot_count(capacity_) - 1;
    for (std::size_t next = (gap + 1) & mask; slot_words()[next] != 0; next = (next + 1) & mask) {
      const std::size_t wanted = home(ids()[slot_words()[next] - 1]);
      if (((next - wanted) & mask) < ((next - gap) & mask)) continue;
      slot_words()[gap] = slot_words()[next];
      gap = next;
    }
    slot_words()[gap] = 0;
  }

  void take(flat_index& other) noexcept {
    dimension_ = other.dimension_;
    stride_ = other.stride_;
    memory_ = std::exchange(other.memory_, {});
    capacity_ = std::exchange(other.capacity_, 0);
    size_ = std::exchange(other.size_, 0);
  }

  result<void> grow(std::size_t count) noexcept {
    if (count > max_size || bytes_for(count) > limit)
      return error{errc::limit_exceeded, domain::search, "the index would pass its limit",
                   static_cast<std::int64_t>(limit)};
    result<byte_span> fresh = pages_type::allocate(static_cast<std::size_t>(bytes_for(count)));
    if (!fresh) return fresh.error();
    const byte_span old = memory_;
    const std::uint64_t* old_ids = capacity_ == 0 ? nullptr : ids();
    memory_ = *fresh;
    capacity_ = count;
    if (size_ != 0) {
      std::memcpy(memory_.data(), old.data(), size_ * stride_ * sizeof(float));
      std::memcpy(ids(), old_ids, size_ * sizeof(std::uint64_t));
    }
    for (std::size_t row = 0; row < size_; ++row)
      slot_words()[slot_of(ids()[row])] = static_cast<std::uint32_t>(row + 1);
    if (!old.empty()) pages_type::release(old);
    return {};
  }

  // 1 / length where vectors are stored with length 1, else 1; or what is wrong with the vector.
  result<double> factor_of(std::span<const float> vector) const noexcept {
    if (vector.size() != dimension_)
      return error{errc::invalid_argument, domain::search, "the vector has another dimension than the index",
                   static_cast<std::int64_t>(vector.size())};
    double square = 0;
    bool finite = true;
    for (const float each : vector) {
      square += static_cast<double>(each) * static_cast<double>(each);  // cannot overflow in double
      finite = finite && std::abs(each) <= (std::numeric_limits<float>::max)();
    }
    if (!finite) {
      std::size_t at = 0;
      while (std::abs(vector[at]) <= (std::numeric_limits<float>::max)()) ++at;
      return error{errc::invalid_argument, domain::search, "an element of the vector is not a finite number",
                   static_cast<std::int64_t>(at)};
    }
    if constexpr (!Metric::unit_length) return 1.0;
    if (square == 0)
      return error{errc::invalid_argument, domain::search, "a vector of length zero has no direction", 0};
    return 1.0 / std::sqrt(square);
  }

  result<void> write(std::size_t row, std::span<const float> vector) noexcept {
    const result<double> factor = factor_of(vector);
    if (!factor) return factor.error();
    copy(row, vector, *factor);
    return {};
  }
  void copy(std::size_t row, std::span<const float> vector, double factor) noexcept {
    float* to = row_at(row);
    for (std::size_t i = 0; i < dimension_; ++i) {
      if constexpr (Metric::unit_length)
        to[i] = static_cast<float>(static_cast<double>(vector[i]) * factor);
      else
        to[i] = vector[i];
    }
    for (std::size_t i = dimension_; i < stride_; ++i) to[i] = 0;
  }
  result<void> append(std::uint64_t id, std::span<const float> vector) noexcept {
    const result<double> factor = factor_of(vector);
    if (!factor) return factor.error();
    if (size_ == capacity_) {
      // Doubles; near the limit takes half of the step until it fits, down to one row.
      std::size_t step = capacity_ < 32 ? 64 : capacity_;
      result<void> grown = grow(size_ + step);
      while (!grown && (step /= 2) != 0) grown = grow(size_ + step);
      if (!grown) return grown.error();
    }
    const std::size_t slot = slot_of(id);
    copy(size_, vector, *factor);
    ids()[size_] = id;
    slot_words()[slot] = static_cast<std::uint32_t>(++size_);
    return {};
  }

  static bool nearer(const neighbour& a, const neighbour& b) noexcept {
    if (a.score != b.score) return Metric::larger_is_nearer ? a.score > b.score : a.score < b.score;
    return a.id < b.id;
  }
  // `out` is a heap with the farthest on top; puts `item` below `at` where it belongs.
  static void sift_down(std::span<neighbour> heap, std::size_t at, neighbour item) noexcept {
    for (;;) {
      std::size_t child = 2 * at + 1;
      if (child >= heap.size()) break;
      if (child + 1 < heap.size() && nearer(heap[child], heap[child + 1])) ++child;
      if (!nearer(item, heap[child])) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = item;
  }

  std::size_t dimension_ = 1;
  std::size_t stride_ = row_unit;
  byte_span memory_{};
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
};

template <class Metric, class... Policies>
result<std::size_t> flat_index<Metric, Policies...>::top_k(std::span<const float> query, std::size_t k,
                                                           std::span<neighbour> out) const noexcept {
  const result<double> factor = factor_of(query);
  if (!factor) return factor.error();
  if (k > out.size())
    return error{errc::invalid_argument, domain::search, "the output has no room for k neighbours",
                 static_cast<std::int64_t>(k)};
  k = k < size_ ? k : size_;
  if (k == 0) return std::size_t{0};

  constexpr float infinity = std::numeric_limits<float>::infinity();
  constexpr float farthest = Metric::larger_is_nearer ? -infinity : infinity;
  const std::span<neighbour> heap = out.first(k);
  const std::uint64_t* const id = ids();
  std::size_t filled = 0;
  float scores[block];
  for (std::size_t row = 0; row < size_; row += block) {
    const std::size_t count = size_ - row < block ? size_ - row : block;
    Metric::scores(query.data(), row_at(row), stride_, count, dimension_, scores);
    for (std::size_t i = 0; i < count; ++i) {
      // Huge elements may overflow to infinity minus infinity; such a row counts as farthest.
      float score = scores[i] == scores[i] ? scores[i] : farthest;
      if constexpr (Metric::unit_length) score = static_cast<float>(static_cast<double>(score) * *factor);
      if (filled < k) {
        heap[filled++] = {id[row + i], score};
        if (filled == k)
          for (std::size_t at = k / 2; at-- > 0;) sift_down(heap, at, heap[at]);
      } else if (nearer({id[row + i], score}, heap[0])) {
        sift_down(heap, 0, {id[row + i], score});
      }
    }
  }
  for (std::size_t left = k - 1; left > 0; --left) {  // the farthest goes to the end
    const neighbour last = heap[left];
    heap[left] = heap[0];
    sift_down(heap.first(left), 0, last);
  }
  return k;
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SEARCH_FLAT_INDEX_HPP
// ---- frys/search/fwd.hpp
// fwd: the names of search without their bodies.
#ifndef FRYS_SEARCH_FWD_HPP
#define FRYS_SEARCH_FWD_HPP

namespace frys::inline FRYS_ABI {

struct neighbour;
template <class Metric, class... Policies>
class flat_index;
namespace metrics {
struct cosine;
struct l2;
struct dot;
}  // namespace metrics

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SEARCH_FWD_HPP
#endif  // gate
#if defined(FRYS_WITH_SIM) && FRYS_WITH_SIM
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

// ---- frys/sim/clock.hpp
// sim::clock: a clock that stands still until a test moves it.
//
// Use when  a block takes policy::clock and the test decides what time it is.
// Threads   one at a time. basic_clock<Tag> with a tag of your own is a clock apart from all others.
#ifndef FRYS_SIM_CLOCK_HPP
#define FRYS_SIM_CLOCK_HPP

namespace frys::inline FRYS_ABI::sim {

// A model of clock_model (core/clock.hpp).
template <class Tag = void>
class basic_clock {
 public:
  static nanoseconds now() noexcept { return now_; }
  // `by` is not negative: this clock never goes back.
  static void advance(nanoseconds by) noexcept {
    FRYS_ASSERT(by >= nanoseconds::zero(), "sim::clock::advance: time does not go back; use reset between tests");
    now_ = by > (nanoseconds::max)() - now_ ? (nanoseconds::max)() : now_ + by;
  }
  // To `at`, if that is later than now.
  static void advance_to(nanoseconds at) noexcept {
    if (at > now_) now_ = at;
  }
  // To the start, between tests.
  static void reset() noexcept { now_ = nanoseconds::zero(); }

 private:
  inline static nanoseconds now_ = nanoseconds::zero();
};
using clock = basic_clock<>;

}  // namespace frys::inline FRYS_ABI::sim

#endif  // FRYS_SIM_CLOCK_HPP
// ---- frys/sim/counting.hpp
// counting: atomics that count what they do, and which lines of memory travel between cores for it. A noise-free
// measure: the same figures on every machine and every run, so that a test may pin them.
//
// Use when  a test or a bench asks what an operation costs, not how long it took here and now.
// Not when  several threads really contend: the figures are then right, but not the same on each run.
// Roles     all: any thread. reset: when no other thread counts.
// Lines     a directory as cores keep it: who holds each 64-byte line. A read of a line that only others hold, and a
//           write to a line that others hold too, is one transfer. The first touch of a line by anybody is none. Seen
//           are atomics and var; a block's other plain memory is not.
// Cores     each thread is a core of its own, or plays the one that a counting::core object names: one thread can so
//           play a producer and a consumer, in an order that is always the same.
// Cost      a mutex per access: for tests.
// frys: real model
#ifndef FRYS_SIM_COUNTING_HPP
#define FRYS_SIM_COUNTING_HPP

namespace frys::inline FRYS_ABI::atomics {

// A model for policy::atomics.
struct counting : machine_services {
  struct counts {
    std::uint64_t loads = 0;
    std::uint64_t stores = 0;
    std::uint64_t rmws = 0;  // read-modify-writes, also a compare-exchange that failed
    std::uint64_t fences = 0;
    std::uint64_t pauses = 0;
    std::uint64_t waits = 0;  // calls of wait and notify: system calls, as a rule
    std::uint64_t wakes = 0;
    std::uint64_t transfers = 0;  // lines that came from another core

    friend bool operator==(const counts&, const counts&) = default;
    friend counts operator+(counts a, const counts& b) noexcept {
      each(a, b, [](std::uint64_t& x, std::uint64_t y) { x += y; });
      return a;
    }
    friend counts operator-(counts a, const counts& b) noexcept {
      each(a, b, [](std::uint64_t& x, std::uint64_t y) { x -= y; });
      return a;
    }
    // "1 load, 2 stores", without what is 0; "nothing".
    [[nodiscard]] std::string text() const {
      std::string out;
      const auto say = [&](std::uint64_t n, const char* one, const char* many) {
        if (n == 0) return;
        if (!out.empty()) out += ", ";
        out += std::to_string(n);
        out += ' ';
        out += n == 1 ? one : many;
      };
      say(loads, "load", "loads");
      say(stores, "store", "stores");
      say(rmws, "rmw", "rmws");
      say(fences, "fence", "fences");
      say(pauses, "pause", "pauses");
      say(waits, "wait", "waits");
      say(wakes, "wake", "wakes");
      say(transfers, "transfer", "transfers");
      return out.empty() ? "nothing" : out;
    }

   private:
    template <class F>
    static void each(counts& a, const counts& b, F f) noexcept {
      f(a.loads, b.loads), f(a.stores, b.stores), f(a.rmws, b.rmws), f(a.fences, b.fences);
      f(a.pauses, b.pauses), f(a.waits, b.waits), f(a.wakes, b.wakes), f(a.transfers, b.transfers);
    }
  };

  // What the calling thread has done since it began.
  [[nodiscard]] static counts snapshot() noexcept { return mine().done; }
  // What `f` does on the calling thread.
  template <class F>
  [[nodiscard]] static counts of(F&& f) {
    const counts before = snapshot();
    std::forward<F>(f)();
    return snapshot() - before;
  }

  // Counts what the calling thread does, until the object dies, under a name; threads may share one. Of two that are
  // nested both count.
  class operation {
   public:
    explicit operation(std::string_view name) : name_(name), before_(snapshot()) {}
    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;
    ~operation() {
      const counts did = snapshot() - before_;
      const std::lock_guard lock(table().mutex);
      named& n = table().operations[std::string(name_)];
      ++n.calls;
      n.sum = n.sum + did;
    }

   private:
    std::string_view name_;
    counts before_;
  };
  struct named {
    std::uint64_t calls = 0;
    counts sum;
  };
  // All that was counted under the name so far.
  [[nodiscard]] static named counted(std::string_view name) {
    const std::lock_guard lock(table().mutex);
    const auto found = table().operations.find(name);
    return found == table().operations.end() ? named{} : found->second;
  }
  // Forgets the named operations and who holds which line. Threads' own sums go on.
  static void reset() {
    const std::lock_guard lock(table().mutex);
    table().operations.clear();
    table().lines.clear();
  }

  // While it lives the calling thread plays this core, 0 to 62.
  class core {
   public:
    explicit core(unsigned number) noexcept : before_(mine().core) {
      FRYS_ASSERT(number < most_cores, "counting::core: the number is beyond 62");
      mine().core = number;
    }
    core(const core&) = delete;
    core& operator=(const core&) = delete;
    ~core() { mine().core = before_; }

   private:
    unsigned before_;
  };

  template <class T>
  class atomic {
    using step = std::conditional_t<std::is_pointer_v<T>, std::ptrdiff_t, T>;
    static constexpr bool steps = requires(std::atomic<T> & a, step by) { a.fetch_add(by); };

   public:
    using value_type = T;
    constexpr atomic() noexcept(std::is_nothrow_default_constructible_v<T>) : value_(T()) {}
    constexpr atomic(T value) noexcept : value_(value) {}  // NOLINT: as std::atomic
    atomic(const atomic&) = delete;
    atomic& operator=(const atomic&) = delete;

    T load(std::memory_order order = std::memory_order_seq_cst) const noexcept {
      read(this);
      return value_.load(order);
    }
    void store(T value, std::memory_order order = std::memory_order_seq_cst) noexcept {
      write(this, &counts::stores);
      value_.store(value, order);
    }
    T exchange(T value, std::memory_order order = std::memory_order_seq_cst) noexcept {
      return change().exchange(value, order);
    }
    bool compare_exchange_strong(T& old, T wanted, std::memory_order order = std::memory_order_seq_cst) noexcept {
      return change().compare_exchange_strong(old, wanted, order);
    }
    bool compare_exchange_strong(T& old, T wanted, std::memory_order yes, std::memory_order no) noexcept {
      return change().compare_exchange_strong(old, wanted, yes, no);
    }
    // Never fails for no reason: the figures are to be the same everywhere.
    bool compare_exchange_weak(T& old, T wanted, std::memory_order order = std::memory_order_seq_cst) noexcept {
      return change().compare_exchange_strong(old, wanted, order);
    }
    bool compare_exchange_weak(T& old, T wanted, std::memory_order yes, std::memory_order no) noexcept {
      return change().compare_exchange_strong(old, wanted, yes, no);
    }
    T fetch_add(step by, std::memory_order order = std::memory_order_seq_cst) noexcept requires steps {
      return change().fetch_add(by, order);
    }
    T fetch_sub(step by, std::memory_order order = std::memory_order_seq_cst) noexcept requires steps {
      return change().fetch_sub(by, order);
    }
    T fetch_and(T with, std::memory_order order = std::memory_order_seq_cst) noexcept requires std::integral<T> {
      return change().fetch_and(with, order);
    }
    T fetch_or(T with, std::memory_order order = std::memory_order_seq_cst) noexcept requires std::integral<T> {
      return change().fetch_or(with, order);
    }
    T fetch_xor(T with, std::memory_order order = std::memory_order_seq_cst) noexcept requires std::integral<T> {
      return change().fetch_xor(with, order);
    }
    bool is_lock_free() const noexcept { return value_.is_lock_free(); }
    static constexpr bool is_always_lock_free = std::atomic<T>::is_always_lock_free;

   private:
    friend struct counting;
    std::atomic<T>& change() noexcept {
      write(this, &counts::rmws);
      return value_;
    }
    std::atomic<T> value_;
  };

  template <class T>
  class atomic_ref {
   public:
    static constexpr std::size_t required_alignment = std::atomic_ref<T>::required_alignment;
    explicit atomic_ref(T& value) noexcept : value_(&value) {}
    T load(std::memory_order order = std::memory_order_seq_cst) const noexcept {
      read(value_);
      return std::atomic_ref<T>(*value_).load(order);
    }
    void store(T value, std::memory_order order = std::memory_order_seq_cst) const noexcept {
      write(value_, &counts::stores);
      std::atomic_ref<T>(*value_).store(value, order);
    }
    T exchange(T value, std::memory_order order = std::memory_order_seq_cst) const noexcept {
      write(value_, &counts::rmws);
      return std::atomic_ref<T>(*value_).exchange(value, order);
    }
    bool compare_exchange_strong(T& old, T wanted, std::memory_order yes, std::memory_order no) const noexcept {
      write(value_, &counts::rmws);
      return std::atomic_ref<T>(*value_).compare_exchange_strong(old, wanted, yes, no);
    }
    bool compare_exchange_weak(T& old, T wanted, std::memory_order yes, std::memory_order no) const noexcept {
      return compare_exchange_strong(old, wanted, yes, no);
    }
    T fetch_add(T by, std::memory_order order = std::memory_order_seq_cst) const noexcept requires std::integral<T> {
      write(value_, &counts::rmws);
      return std::atomic_ref<T>(*value_).fetch_add(by, order);
    }
    T fetch_sub(T by, std::memory_order order = std::memory_order_seq_cst) const noexcept requires std::integral<T> {
      write(value_, &counts::rmws);
      return std::atomic_ref<T>(*value_).fetch_sub(by, order);
    }

   private:
    T* value_;
  };

  // Plain data: no load or store is counted, but its line travels.
  template <class T>
  class var {
   public:
    var() = default;
    template <class U>
    requires std::constructible_from<T, U>
    explicit var(U&& value) : value_(std::forward<U>(value)) {}
    const T& get() const noexcept {
      touch(this, false);
      return value_;
    }
    T& ref() noexcept {
      touch(this, true);
      return value_;
    }

   private:
    T value_{};
  };

  static void fence(std::memory_order order) noexcept {
    ++mine().done.fences;
    standard::fence(order);
  }
  static void pause() noexcept {
    ++mine().done.pauses;
    standard::pause();
  }
  static bool wait(const atomic<std::uint32_t>& word, std::uint32_t old, deadline until) noexcept {
    ++mine().done.waits;
    return standard::wait(word.value_, old, until);
  }
  static void notify_one(atomic<std::uint32_t>& word) noexcept {
    ++mine().done.wakes;
    standard::notify_one(word.value_);
  }
  static void notify_all(atomic<std::uint32_t>& word) noexcept {
    ++mine().done.wakes;
    standard::notify_all(word.value_);
  }

 private:
  static constexpr unsigned most_cores = 63;
  static constexpr std::uintptr_t line_bytes = 64;

  struct per_thread {
    counts done;
    unsigned core = most_cores;  // not known yet
  };
  struct shared {
    std::mutex mutex;
    std::map<std::uintptr_t, std::uint64_t> lines;  // who holds it, a bit a core
    std::map<std::string, named, std::less<>> operations;
    unsigned next_core = 0;
  };
  static per_thread& mine() noexcept {
    static thread_local per_thread t;
    return t;
  }
  static shared& table() noexcept {
    static shared s;
    return s;
  }

  static void touch(const void* at, bool writes) noexcept {
    per_thread& t = mine();
    shared& s = table();
    const std::lock_guard lock(s.mutex);
    // Threads count down from the top, so that they do not meet the cores that tests name from 0 up.
    if (t.core == most_cores) t.core = most_cores - 1 - s.next_core++ % most_cores;
    const std::uint64_t me = std::uint64_t{1} << t.core;
    std::uint64_t& holders = s.lines[reinterpret_cast<std::uintptr_t>(at) / line_bytes];
    const bool mine_alone = (holders & ~me) == 0;
    if (!mine_alone && (writes || (holders & me) == 0)) ++t.done.transfers;
    holders = writes ? me : holders | me;
  }
  static void read(const void* at) noexcept {
    ++mine().done.loads;
    touch(at, false);
  }
  static void write(const void* at, std::uint64_t counts::*kind) noexcept {
    ++(mine().done.*kind);
    touch(at, true);
  }
};

}  // namespace frys::inline FRYS_ABI::atomics

#endif  // FRYS_SIM_COUNTING_HPP
// ---- frys/sim/random.hpp
// sim::random: random numbers from a seed: the same seed, the same run, on every machine.
//
// Threads  one at a time; own it.
// Limits   not for secrets.
// Source   splitmix64 (Steele, Lea, Flood, OOPSLA 2014).
#ifndef FRYS_SIM_RANDOM_HPP
#define FRYS_SIM_RANDOM_HPP

namespace frys::inline FRYS_ABI::sim {

// A model of random_source (core/concepts.hpp).
class random {
 public:
  constexpr explicit random(std::uint64_t seed = 0) noexcept : state_(seed) {}

  constexpr std::uint64_t operator()() noexcept {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // A number in [0, n); 0 if n is 0. Its bias is below n / 2^64.
  constexpr std::uint64_t below(std::uint64_t n) noexcept { return n == 0 ? 0 : (*this)() % n; }
  // True once in `n` times on average; never if n is 0.
  constexpr bool one_in(std::uint64_t n) noexcept { return n != 0 && below(n) == 0; }

 private:
  std::uint64_t state_;
};

}  // namespace frys::inline FRYS_ABI::sim

#endif  // FRYS_SIM_RANDOM_HPP
// ---- frys/sim/disk.hpp
// sim::disk: a file system in memory that loses what was not synced, at any operation you name, as a seed says.
//
// Use when  code that writes files must be right after power loss, kill -9, a full or a failing device.
// Threads   one at a time.
// Model     every operation that changes something has a number: creating, write, truncate, sync, rename, remove,
//           make_directory, sync_directory. crash_after(n) lets n more succeed and interrupts the one after; from then
//           on everything fails, until restart(seed) gives the disk as the crash may have left it:
//             power_loss        what was synced is there. Of what was not, each write is kept, dropped or torn: by
//             sectors
//                               of 512 bytes, in any order, each new, old, half new, zero or garbage; a file may have
//                               grown without its data; truncations, and names that were made, changed or removed
//                               without sync_directory, may have happened or not, each for itself.
//             nothing_unsynced  exactly what was synced.
//             process_kill      all that was done before; of the interrupted write any part from its start.
// Promised  bytes that were synced change only where a later write covers them.
// Not yet   misdirected writes, latency, a second process.
// Source    the fault list follows ALICE (OSDI'14), CrashMonkey (OSDI'18), FoundationDB's and TigerBeetle's simulators.
#ifndef FRYS_SIM_DISK_HPP
#define FRYS_SIM_DISK_HPP

namespace frys::inline FRYS_ABI::sim {

// What came over the machine; see above.
enum class aftermath : std::uint8_t { power_loss, nothing_unsynced, process_kill };

// A model of file_system (core/concepts.hpp); all its awaitables are ready at once.
class disk {
  struct node;

 public:
  using buffer = frys::buffer;
  static constexpr std::size_t sector = 512;

  // An open file. Good until the restart after a crash.
  class file {
   private:
    friend disk;
    file(std::shared_ptr<node> n, std::uint64_t life, bool writes) noexcept
        : node_(std::move(n)), life_(life), writes_(writes) {}
    std::shared_ptr<node> node_;
    std::uint64_t life_;
    bool writes_;
  };

  // `seed` decides how much of a write a device does that runs full.
  explicit disk(std::uint64_t seed = 0) : random_(seed) { now_[""] = safe_[""] = nullptr; }
  disk(const disk&) = delete;
  disk& operator=(const disk&) = delete;

  // --- file_system ---
  result<file> open(std::string_view path, open_mode mode);
  result<void> remove(std::string_view path);
  result<void> rename(std::string_view from, std::string_view to);
  result<void> make_directory(std::string_view path);
  result<void> sync_directory(std::string_view path);
  result<void> list(std::string_view path, void (*name)(void*, std::string_view), void* argument);
  result<std::uint64_t> size(file& f);
  result<void> truncate(file& f, std::uint64_t size);
  ready<result<std::size_t>> write(file& f, buffer data, std::uint64_t offset) {
    return write_now(f, data.view(), offset);
  }
  ready<result<buffer>> read(file& f, buffer into, std::uint64_t offset) {
    return read_now(f, std::move(into), offset);
  }
  ready<result<void>> sync(file& f) { return sync_now(f); }

  // --- what the test decides ---
  // Operations begun so far, in this life and those before.
  [[nodiscard]] std::uint64_t operations() const noexcept { return operations_; }
  // `n` more operations succeed, the next is interrupted by the crash.
  void crash_after(std::uint64_t n) noexcept { crash_at_ = operations_ + n + 1; }
  [[nodiscard]] bool crashed() const noexcept { return crashed_; }
  // The machine or the process comes back; also without a crash before. Files that were open are no longer.
  void restart(std::uint64_t seed, aftermath what = aftermath::power_loss);

  // `n` more operations succeed, the next fails with `code`; with `lasting` so do all after it. A write that fails
  // leaves any part of its data; after a failed sync nobody knows what is on the disk, and no later sync promises it.
  void fail_after(std::uint64_t n, errc code, bool lasting = false) noexcept {
    fail_at_ = operations_ + n + 1;
    fail_code_ = code;
    fail_lasts_ = lasting;
  }
  // The same for reads, which have a count of their own.
  void fail_read_after(std::uint64_t n, errc code) noexcept {
    fail_read_at_ = reads_ + n + 1;
    fail_read_code_ = code;
  }

  // A file with these bytes, synced with its name; its directory must exist. For tests that prepare or damage.
  void put(std::string_view path, byte_view bytes);
  // What reading the file now would give; nothing if there is none.
  [[nodiscard]] std::vector<std::byte> contents(std::string_view path) const;
  // The files' names with their directories, in order.
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  struct change {
    bool is_write;         // else a new size
    std::uint64_t offset;  // or the size
    std::vector<std::byte> data;
    bool doubtful = false;  // a sync of it failed: no later one makes it safe
  };
  struct node {
    std::vector<std::byte> now;    // as the process sees it
    std::vector<std::byte> safe;   // as it was synced
    std::vector<change> unsynced;  // in order
  };
  using names_type = std::map<std::string, std::shared_ptr<node>, std::less<>>;  // a directory has no node
  struct name_change {
    std::string gone, made;  // either may be empty
    std::shared_ptr<node> of;
    bool is_directory = false;
  };
  enum class turn : std::uint8_t { go, interrupted, failed };

  static constexpr error crash_error{errc::io_failed, domain::sim, "the simulated machine has crashed", 5};

  static std::string clean(std::string_view path);
  static std::string_view parent(std::string_view clean_path) noexcept {
    const std::size_t slash = clean_path.find_last_of('/');
    return slash == std::string_view::npos ? std::string_view() : clean_path.substr(0, slash);
  }
  static void apply(std::vector<std::byte>& bytes, const change& c);
  static void apply(names_type& names, const name_change& c);

  // Counts an operation; tells whether it happens. `e` is what to answer if not.
  turn begin(error& e) noexcept;
  [[nodiscard]] bool is_directory(std::string_view clean_path) const {
    const auto it = now_.find(clean_path);
    return it != now_.end() && it->second == nullptr;
  }
  node* file_at(std::string_view clean_path) const {
    const auto it = now_.find(clean_path);
    return it == now_.end() ? nullptr : it->second.get();
  }
  result<void> check(const file& f) const noexcept {
    if (crashed_) return crash_error;
    if (f.life_ != life_) return error{errc::closed, domain::sim, "the file was open before the restart", 0};
    return {};
  }
  result<void> change_names(name_change c);
  result<std::size_t> write_now(file& f, byte_view data, std::uint64_t offset);
  result<buffer> read_now(file& f, buffer into, std::uint64_t offset);
  result<void> sync_now(file& f);
  void lose_power(random& choose);
  static void tear(std::vector<std::byte>& bytes, const change& c, random& choose);

  names_type now_, safe_;
  std::vector<name_change> unsynced_names_;
  std::vector<std::weak_ptr<node>> nodes_;  // all that were ever made and still matter
  random random_;
  std::uint64_t operations_ = 0, crash_at_ = 0, fail_at_ = 0, reads_ = 0, fail_read_at_ = 0, life_ = 0;
  errc fail_code_ = errc::io_failed, fail_read_code_ = errc::io_failed;
  bool fail_lasts_ = false, crashed_ = false;
  // What the crash interrupted.
  std::shared_ptr<node> cut_node_;
  std::vector<change> cut_change_;      // at most one
  std::vector<name_change> cut_names_;  // at most one
};

inline std::string disk::clean(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t slash = (std::min)(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix((std::min)(slash + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (!out.empty()) out += '/';
    out += part;
  }
  return out;
}

inline void disk::apply(std::vector<std::byte>& bytes, const change& c) {
  const std::size_t offset = static_cast<std::size_t>(c.offset);
  if (!c.is_write) return bytes.resize(offset);
  if (bytes.size() < offset + c.data.size()) bytes.resize(offset + c.data.size());
  std::copy(c.data.begin(), c.data.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

inline void disk::apply(names_type& names, const name_change& c) {
  if (!c.gone.empty()) {
    const auto it = names.find(c.gone);
    if (it != names.end() && it->second == c.of) names.erase(it);
  }
  if (!c.made.empty()) names[c.made] = c.is_directory ? nullptr : c.of;
}

inline disk::turn disk::begin(error& e) noexcept {
  ++operations_;
  if (operations_ == crash_at_) {
    crashed_ = true;
    e = crash_error;
    return turn::interrupted;
  }
  if (fail_at_ != 0 && (operations_ == fail_at_ || (fail_lasts_ && operations_ > fail_at_))) {
    e = {fail_code_, domain::sim, "the simulated device failed as it was told to", 5};
    return turn::failed;
  }
  return turn::go;
}

inline result<void> disk::change_names(name_change c) {
  error e;
  switch (begin(e)) {
    case turn::failed:
      return e;
    case turn::interrupted:
      cut_names_.push_back(std::move(c));
      return e;
    case turn::go:
      break;
  }
  apply(now_, c);
  unsynced_names_.push_back(std::move(c));
  return {};
}

inline result<disk::file> disk::open(std::string_view raw, open_mode mode) {
  if (crashed_) return crash_error;
  const std::string path = clean(raw);
  if (!is_directory(parent(path))) return error{errc::not_found, domain::sim, "there is no such directory", 2};
  if (is_directory(path)) return error{errc::invalid_argument, domain::sim, "a directory is not a file", 21};
  if (file_at(path) != nullptr) {
    if (mode == open_mode::create_new) return error{errc::already_exists, domain::sim, "the file is there already", 17};
  } else {
    if (mode == open_mode::read || mode == open_mode::read_write)
      return error{errc::not_found, domain::sim, "there is no such file", 2};
    auto made = std::make_shared<node>();
    nodes_.push_back(made);
    if (const result<void> done = change_names({"", path, std::move(made), false}); !done) return done.error();
  }
  return file(now_.find(path)->second, life_, mode != open_mode::read);
}

inline result<void> disk::remove(std::string_view raw) {
  if (crashed_) return crash_error;
  std::string path = clean(raw);
  const auto it = now_.find(path);
  if (it == now_.end() || it->second == nullptr) return error{errc::not_found, domain::sim, "there is no such file", 2};
  return change_names({std::move(path), "", it->second, false});
}

inline result<void> disk::rename(std::string_view from_raw, std::string_view to_raw) {
  if (crashed_) return crash_error;
  std::string from = clean(from_raw), to = clean(to_raw);
  const auto it = now_.find(from);
  if (it == now_.end() || it->second == nullptr || !is_directory(parent(to)))
    return error{errc::not_found, domain::sim, "there is no such file or directory", 2};
  if (is_directory(to)) return error{errc::already_exists, domain::sim, "a directory has that name", 21};
  if (from == to) return {};
  return change_names({std::move(from), std::move(to), it->second, false});
}

inline result<void> disk::make_directory(std::string_view raw) {
  if (crashed_) return crash_error;
  std::string path = clean(raw);
  if (is_directory(path)) return {};
  if (file_at(path) != nullptr) return error{errc::already_exists, domain::sim, "a file has that name", 17};
  if (!is_directory(parent(path))) return error{errc::not_found, domain::sim, "there is no such directory", 2};
  return change_names({"", std::move(path), nullptr, true});
}

inline result<void> disk::sync_directory(std::string_view raw) {
  if (crashed_) return crash_error;
  const std::string path = clean(raw);
  if (!is_directory(path)) return error{errc::not_found, domain::sim, "there is no such directory", 2};
  error e;
  if (begin(e) != turn::go) return e;
  std::erase_if(unsynced_names_, [&](const name_change& c) {
    const bool here = (!c.made.empty() && parent(c.made) == path) || (!c.gone.empty() && parent(c.gone) == path);
    if (here) apply(safe_, c);
    return here;
  });
  return {};
}

inline result<void> disk::list(std::string_view raw, void (*name)(void*, std::string_view), void* argument) {
  if (crashed_) return crash_error;
  const std::string path = clean(raw);
  if (!is_directory(path)) return error{errc::not_found, domain::sim, "there is no such directory", 2};
  // Backwards: a directory's order is no promise.
  for (auto it = now_.rbegin(); it != now_.rend(); ++it)
    if (it->second != nullptr && parent(it->first) == path)
      name(argument, std::string_view(it->first).substr(path.empty() ? 0 : path.size() + 1));
  return {};
}

inline result<std::uint64_t> disk::size(file& f) {
  if (const result<void> ok = check(f); !ok) return ok.error();
  return static_cast<std::uint64_t>(f.node_->now.size());
}

inline result<void> disk::truncate(file& f, std::uint64_t size) {
  if (const result<void> ok = check(f); !ok) return ok;
  if (!f.writes_) return error{errc::permission_denied, domain::sim, "the file is open for reading only", 9};
  change c{false, size, {}};
  error e;
  switch (begin(e)) {
    case turn::failed:
      return e;
    case turn::interrupted:
      cut_node_ = f.node_;
      cut_change_.push_back(std::move(c));
      return e;
    case turn::go:
      break;
  }
  apply(f.node_->now, c);
  f.node_->unsynced.push_back(std::move(c));
  return {};
}

inline result<std::size_t> disk::write_now(file& f, byte_view data, std::uint64_t offset) {
  if (const result<void> ok = check(f); !ok) return ok.error();
  if (!f.writes_) return error{errc::permission_denied, domain::sim, "the file is open for reading only", 9};
  change c{true, offset, {data.begin(), data.end()}};
  error e;
  const turn t = begin(e);
  if (t == turn::interrupted) {
    cut_node_ = f.node_;
    cut_change_.push_back(std::move(c));
    return e;
  }
  if (t == turn::failed) c.data.resize(static_cast<std::size_t>(random_.below(c.data.size() + 1)));
  apply(f.node_->now, c);
  f.node_->unsynced.push_back(std::move(c));
  if (t == turn::failed) return e;
  return data.size();
}

inline result<disk::buffer> disk::read_now(file& f, buffer into, std::uint64_t offset) {
  if (const result<void> ok = check(f); !ok) return ok.error();
  if (++reads_ == fail_read_at_)
    return error{fail_read_code_, domain::sim, "the simulated device failed as it was told to", 5};
  const std::vector<std::byte>& bytes = f.node_->now;
  const std::size_t from = static_cast<std::size_t>((std::min)(offset, std::uint64_t{bytes.size()}));
  const std::size_t n = (std::min)(into.size(), bytes.size() - from);
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(from), n, into.data());
  into.truncate(n);
  return into;
}

inline result<void> disk::sync_now(file& f) {
  if (const result<void> ok = check(f); !ok) return ok;
  error e;
  const turn t = begin(e);
  if (t == turn::interrupted) return e;
  std::vector<change>& unsynced = f.node_->unsynced;
  if (t == turn::failed) {
    for (change& c : unsynced) c.doubtful = true;
    return e;
  }
  std::vector<change> left;
  for (change& c : unsynced) {
    if (c.doubtful)
      left.push_back(std::move(c));
    else
      apply(f.node_->safe, c);
  }
  unsynced = std::move(left);
  return {};
}

// Applies `c` as a device may that loses power over it.
inline void disk::tear(std::vector<std::byte>& bytes, const change& c, random& choose) {
  const std::uint64_t end = c.offset + c.data.size();
  if (choose.one_in(4) && bytes.size() < end) bytes.resize(static_cast<std::size_t>(end));  // grew without its data
  for (std::uint64_t at = c.offset; at < end;) {
    const std::uint64_t stop = (std::min)(end, (at / sector + 1) * sector);
    const auto from = c.data.begin() + static_cast<std::ptrdiff_t>(at - c.offset);
    change part{true, at, {from, from + static_cast<std::ptrdiff_t>(stop - at)}};
    switch (choose.below(8)) {
      case 0:
      case 1:
      case 2:
        part.data.clear();
        break;  // old
      case 3:
        part.data.resize(static_cast<std::size_t>(choose.below(part.data.size() + 1)));
        break;  // half new
      case 4:
        for (std::byte& b : part.data) b = choose.one_in(2) ? std::byte{0} : static_cast<std::byte>(choose() & 0xffu);
        break;
      case 5:
        std::fill(part.data.begin(), part.data.end(), std::byte{0});
        break;
      default:
        break;  // new
    }
    if (!part.data.empty()) apply(bytes, part);
    at = stop;
  }
}

inline void disk::lose_power(random& choose) {
  for (const std::weak_ptr<node>& weak : nodes_) {
    const std::shared_ptr<node> n = weak.lock();
    if (n == nullptr) continue;
    for (const change& c : n->unsynced) {
      const std::uint64_t dice = choose.below(3);
      if (dice == 0) continue;
      if (dice == 1 || !c.is_write)
        apply(n->safe, c);
      else
        tear(n->safe, c, choose);
    }
  }
  for (const name_change& c : unsynced_names_)
    if (choose.one_in(2)) apply(safe_, c);
}

inline void disk::restart(std::uint64_t seed, aftermath what) {
  random choose(seed);
  if (what == aftermath::process_kill) {
    for (change& c : cut_change_) {
      if (c.is_write) c.data.resize(static_cast<std::size_t>(choose.below(c.data.size() + 1)));
      if ((c.is_write && c.data.empty()) || (!c.is_write && choose.one_in(2))) continue;
      apply(cut_node_->now, c);
      cut_node_->unsynced.push_back(std::move(c));
    }
    for (name_change& c : cut_names_) {
      if (choose.one_in(2)) continue;
      apply(now_, c);
      unsynced_names_.push_back(std::move(c));
    }
  } else {
    for (change& c : cut_change_) cut_node_->unsynced.push_back(std::move(c));
    for (name_change& c : cut_names_) unsynced_names_.push_back(std::move(c));
    if (what == aftermath::power_loss) lose_power(choose);
    for (const std::weak_ptr<node>& weak : nodes_)
      if (const std::shared_ptr<node> n = weak.lock()) {
        n->unsynced.clear();
        n->now = n->safe;
      }
    unsynced_names_.clear();
    // A name whose directory was lost is lost with it.
    std::erase_if(safe_, [&](const auto& entry) {
      for (std::string_view up = parent(entry.first); !up.empty(); up = parent(up))
        if (const auto it = safe_.find(up); it == safe_.end() || it->second != nullptr) return true;
      return false;
    });
    now_ = safe_;
  }
  std::erase_if(nodes_, [](const std::weak_ptr<node>& n) { return n.expired(); });
  cut_node_.reset();
  cut_change_.clear();
  cut_names_.clear();
  crashed_ = false;
  crash_at_ = fail_at_ = fail_read_at_ = 0;
  ++life_;
}

inline void disk::put(std::string_view path, byte_view bytes) {
  auto n = std::make_shared<node>();
  n->now.assign(bytes.begin(), bytes.end());
  n->safe = n->now;
  nodes_.push_back(n);
  now_[clean(path)] = safe_[clean(path)] = std::move(n);
}

inline std::vector<std::byte> disk::contents(std::string_view path) const {
  const node* n = file_at(clean(path));
  return n == nullptr ? std::vector<std::byte>() : n->now;
}

inline std::vector<std::string> disk::names() const {
  std::vector<std::string> out;
  for (const auto& [name, n] : now_)
    if (n != nullptr) out.push_back(name);
  return out;
}

}  // namespace frys::inline FRYS_ABI::sim

#endif  // FRYS_SIM_DISK_HPP
// ---- frys/sim/fwd.hpp
// fwd: the names of sim without their bodies.
#ifndef FRYS_SIM_FWD_HPP
#define FRYS_SIM_FWD_HPP

namespace frys::inline FRYS_ABI::atomics {
struct counting;
}

namespace frys::inline FRYS_ABI::sim {

enum class aftermath : std::uint8_t;
class disk;
class random;
template <class Tag>
class basic_clock;
struct world;

}  // namespace frys::inline FRYS_ABI::sim

#endif  // FRYS_SIM_FWD_HPP
// ---- frys/sim/model/fault.hpp
// fault: what an execution can be found guilty of.
#ifndef FRYS_SIM_MODEL_FAULT_HPP
#define FRYS_SIM_MODEL_FAULT_HPP

namespace frys::inline FRYS_ABI::sim::model {

// What an execution can be found guilty of.
enum class fault : std::uint8_t {
  none,
  requirement,     // model::require was false
  race,            // two accesses to plain data, one a write, neither before the other
  use_after_free,  // an object was used after its end, or ended while in use
  bad_free,        // freed twice, or never allocated
  leak,
  deadlock,      // nobody can go on
  lost_wake_up,  // a thread sleeps although the word it sleeps on has changed
  no_end,        // the execution took more than the allowed steps
  no_progress,   // threads wait for one that was stopped; or a thread needs more steps than allowed
  misuse,        // the test asks for something the model does not do
};

constexpr const char* name_of(fault f) noexcept {
  switch (f) {
    case fault::none:
      return "none";
    case fault::requirement:
      return "requirement";
    case fault::race:
      return "race";
    case fault::use_after_free:
      return "use after free";
    case fault::bad_free:
      return "bad free";
    case fault::leak:
      return "leak";
    case fault::deadlock:
      return "deadlock";
    case fault::lost_wake_up:
      return "lost wake-up";
    case fault::no_end:
      return "no end";
    case fault::no_progress:
      return "no progress";
    case fault::misuse:
      return "misuse";
  }
  return "?";
}

}  // namespace frys::inline FRYS_ABI::sim::model

#endif  // FRYS_SIM_MODEL_FAULT_HPP
// ---- frys/sim/model/memory.hpp
// memory: the C++20 memory model as a machine: what a load may read, where a store may stand, what happens before what.
//
// The model is RC11: program order and reads-from together have no cycle, so running threads in program order and
// letting loads choose among the stores made so far is complete; stores may take any place in their location's
// modification order that coherence leaves open. Happens-before is kept as vector clocks, synchronisation as a clock in
// each message (release sequences of C++20 included), sequential consistency as the psc relation over seq_cst accesses
// and fences, asked only when a new event gets an edge that leads out of it: all other events cannot close a cycle.
//
// Threads  one: this is one execution's state; the threads it knows are the model's.
// Source   O. Lahav, V. Vafeiadis, J. Kang, C.-K. Hur, D. Dreyer, "Repairing sequential consistency in C/C++11", PLDI
//          2017 (RC11, psc); J. Kang et al., POPL 2017 (the view machine without promises).
// frys: orders as data
#ifndef FRYS_SIM_MODEL_MEMORY_HPP
#define FRYS_SIM_MODEL_MEMORY_HPP

namespace frys::inline FRYS_ABI::sim::model {

// Where in the source an operation stands.
struct site {
  const char* file = "";
  unsigned line = 0;
  friend bool operator==(const site&, const site&) = default;
};

namespace detail {

inline constexpr unsigned most_threads = 8;
inline constexpr std::uint32_t no_event = ~std::uint32_t{0};

// How far each thread's events are known. Event i of a thread (counted from 1) is known if at[thread] >= i.
struct alignas(16) vector_clock {
  std::uint16_t at[most_threads] = {};

  void join(const vector_clock& other) noexcept {
#if defined(__GNUC__)
    lanes a, b;
    std::memcpy(&a, at, sizeof a);
    std::memcpy(&b, other.at, sizeof b);
    a = a > b ? a : b;
    std::memcpy(at, &a, sizeof a);
#else
    for (unsigned t = 0; t < most_threads; ++t) at[t] = (std::max)(at[t], other.at[t]);
#endif
  }
  // The next event of `thread`: its index. By whole lanes, since what reads the clock next reads it so: a narrow store
  // before a wide load would wait for the store to leave the processor's queue.
  std::uint16_t tick(unsigned thread) noexcept {
#if defined(__GNUC__)
    struct rows {
      lanes one[most_threads];
    };
    static constexpr rows step = {{{1, 0, 0, 0, 0, 0, 0, 0},
                                   {0, 1, 0, 0, 0, 0, 0, 0},
                                   {0, 0, 1, 0, 0, 0, 0, 0},
                                   {0, 0, 0, 1, 0, 0, 0, 0},
                                   {0, 0, 0, 0, 1, 0, 0, 0},
                                   {0, 0, 0, 0, 0, 1, 0, 0},
                                   {0, 0, 0, 0, 0, 0, 1, 0},
                                   {0, 0, 0, 0, 0, 0, 0, 1}}};
    const auto next = static_cast<std::uint16_t>(at[thread] + 1);
    lanes a;
    std::memcpy(&a, at, sizeof a);
    a += step.one[thread];
    std::memcpy(at, &a, sizeof a);
    return next;
#else
    return ++at[thread];
#endif
  }
  // Whether some place here is as large as the other's.
  [[nodiscard]] bool reaches_any(const std::uint16_t (&other)[most_threads]) const noexcept {
#if defined(__GNUC__)
    lanes a, b;
    std::memcpy(&a, at, sizeof a);
    std::memcpy(&b, other, sizeof b);
    const auto hits = a >= b;
    std::uint64_t halves[2];
    std::memcpy(halves, &hits, sizeof halves);
    return (halves[0] | halves[1]) != 0;
#else
    for (unsigned t = 0; t < most_threads; ++t)
      if (at[t] >= other[t]) return true;
    return false;
#endif
  }
  [[nodiscard]] bool knows(unsigned thread, unsigned index) const noexcept { return at[thread] >= index; }
  // All that the other one knows.
  [[nodiscard]] bool knows(const vector_clock& other) const noexcept {
    for (unsigned t = 0; t < most_threads; ++t)
      if (at[t] < other.at[t]) return false;
    return true;
  }

#if defined(__GNUC__)
 private:
  typedef std::uint16_t lanes __attribute__((vector_size(16)));
#endif
};

// Up to 16 bytes of a value.
struct cell_value {
  std::uint64_t low = 0, high = 0;
  friend bool operator==(const cell_value&, const cell_value&) = default;
};

enum class event_kind : std::uint8_t {
  start,  // a location's first message
  load,   // also of a compare-exchange that failed
  store,
  update_load,  // the two halves of a read-modify-write
  update_store,
  fence,
  choice,  // A::choose
  spawn,   // a thread started another one
  end,     // a thread's last
};

constexpr bool is_read(event_kind k) noexcept { return k == event_kind::load || k == event_kind::update_load; }
constexpr bool is_write(event_kind k) noexcept {
  return k == event_kind::start || k == event_kind::store || k == event_kind::update_store;
}
constexpr bool is_acquire(std::memory_order o) noexcept {
  return o == std::memory_order_acquire || o == std::memory_order_acq_rel || o == std::memory_order_seq_cst ||
         o == std::memory_order_consume;
}
constexpr bool is_release(std::memory_order o) noexcept {
  return o == std::memory_order_release || o == std::memory_order_acq_rel || o == std::memory_order_seq_cst;
}

// What a write leaves for those who read it.
struct message {
  static constexpr std::uint16_t never = 0xffff;
  vector_clock sync;                      // what an acquire read gets
  std::uint16_t seen[most_threads] = {};  // the first event of each thread that observed it, or `never`

  void first_seen(unsigned thread, std::uint16_t index) noexcept {
    std::memset(seen, 0xff, sizeof seen);
    seen[thread] = index;
  }
};

struct event {
  event_kind kind = event_kind::fence;
  std::uint8_t thread = 0;
  std::uint16_t index = 0;  // in its thread, from 1
  std::memory_order order = std::memory_order_relaxed;
  std::uint32_t location = 0;
  std::uint32_t source = no_event;  // a read's message; a join's last event
  std::uint32_t position = 0;       // in the location's modification order: of the write, or of the read's message
  cell_value value;
  site where;
  vector_clock clock;  // what happens before the event, itself included
  vector_clock known;  // the same for program order and reads-from alone, where the strategy wants it
  message left;        // by a write

  [[nodiscard]] bool sc() const noexcept { return order == std::memory_order_seq_cst; }
};

// The events of an execution; keeps its memory from one execution to the next, and does not clean it.
class event_list {
 public:
  event& next() {
    if (count_ == events_.size()) events_.resize((std::max)(count_ * 2, std::size_t{64}));
    return events_[count_++];
  }
  void clear() noexcept { count_ = 0; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  event& operator[](std::size_t i) noexcept { return events_[i]; }
  const event& operator[](std::size_t i) const noexcept { return events_[i]; }
  [[nodiscard]] const event* begin() const noexcept { return events_.data(); }
  [[nodiscard]] const event* end() const noexcept { return events_.data() + count_; }

 private:
  std::vector<event> events_;
  std::size_t count_ = 0;
};

struct location {
  const void* address = nullptr;
  std::vector<std::uint32_t> order;  // messages, in modification order
  vector_clock used;                 // the last access of each thread
  std::uint32_t alive = 0;           // 0 after its end
  site ended;
};

struct thread_memory {
  vector_clock clock;     // happens before the next event
  vector_clock known;     // program order and reads-from
  vector_clock acquired;  // what relaxed loads have read, for the next acquire fence
  vector_clock released;  // at the last release fence, for relaxed stores
};

class memory {
 public:
  // `known`: whether the events shall say what program order and reads-from alone lead from.
  void reset(bool known) noexcept {
    keeps_known_ = known;
    events.clear();
    for (std::uint32_t i = 0; i < used_locations_; ++i) {
      locations_[i].order.clear();
      locations_[i].used = {};
    }
    used_locations_ = 0;
    sc_events_.clear();
    threads[0] = {};  // the others when they start
  }

  event_list events;
  thread_memory threads[most_threads];

  [[nodiscard]] location& at(std::uint32_t l) noexcept { return locations_[l]; }
  [[nodiscard]] std::uint32_t location_count() const noexcept { return used_locations_; }

  // A new location, with the value it was constructed with by `thread` before its next event (stamp 0: before all).
  std::uint32_t make_location(const void* address, cell_value first, unsigned thread, std::uint16_t stamp, site where) {
    if (used_locations_ == locations_.size()) locations_.emplace_back();
    const std::uint32_t l = used_locations_++;
    location& loc = locations_[l];
    loc.address = address;
    loc.alive = 1;
    const auto id = static_cast<std::uint32_t>(events.size());
    event& e = events.next();
    e.kind = event_kind::start;
    e.order = std::memory_order_relaxed;
    e.thread = static_cast<std::uint8_t>(thread);
    e.index = stamp;
    e.location = l;
    e.value = first;
    e.where = where;
    e.source = no_event;
    e.position = 0;
    e.clock = {};
    e.known = {};
    e.left.sync = {};
    e.left.first_seen(thread, stamp);
    loc.order.push_back(id);
    return l;
  }

  // The oldest place in the modification order that `thread` has not yet got past: what it may read begins here, and
  // what it writes stands behind. no_event: it does not know of the location's construction at all.
  [[nodiscard]] std::uint32_t floor(std::uint32_t l, unsigned thread) const noexcept {
    const location& loc = locations_[l];
    const vector_clock& now = threads[thread].clock;
    for (std::size_t p = loc.order.size(); p-- > 0;) {
      if (is_known(events[loc.order[p]].left, now, thread)) return static_cast<std::uint32_t>(p);
    }
    return no_event;
  }

  // Whether some thread has observed the message at an event that is known here.
  static bool is_known(const message& m, const vector_clock& now, unsigned thread) noexcept {
    return m.seen[thread] != message::never /* also its own construction, before its next event */ ||
           now.reaches_any(m.seen);
  }

  // Whether the message at `position` is read by an update, so that nothing else may stand right behind it.
  [[nodiscard]] bool is_updated(std::uint32_t l, std::uint32_t position) const noexcept {
    const location& loc = locations_[l];
    return position + 1 < loc.order.size() && events[loc.order[position + 1]].kind == event_kind::update_store;
  }
  [[nodiscard]] bool is_newest(std::uint32_t l, std::uint32_t position) const noexcept {
    return position + 1 == locations_[l].order.size();
  }
  [[nodiscard]] const event& at(std::uint32_t l, std::uint32_t position) const noexcept {
    return events[locations_[l].order[position]];
  }

  // How many messages a location has.
  [[nodiscard]] std::uint32_t count(std::uint32_t l) const noexcept {
    return static_cast<std::uint32_t>(locations_[l].order.size());
  }
  [[nodiscard]] const event& newest(std::uint32_t l) const noexcept { return events[locations_[l].order.back()]; }

  // Whether sequential consistency has a say at all.
  [[nodiscard]] bool sc_matters(std::memory_order order) const noexcept {
    return !sc_events_.empty() && (sc_events_.size() > 1 || order == std::memory_order_seq_cst || has_fence());
  }

  // Whether sequential consistency lets `thread` read the message at `position` / put a store at `position`.
  [[nodiscard]] bool may_read(std::uint32_t l, unsigned thread, std::uint32_t position, std::memory_order order) {
    if (is_newest(l, position) || !sc_matters(order)) return true;
    event e = fresh(event_kind::load, thread, order);
    e.location = l;
    e.position = position;
    if (is_acquire(order)) e.clock.join(events[locations_[l].order[position]].left.sync);
    return !closes_cycle(e);
  }
  [[nodiscard]] bool may_write(std::uint32_t l, unsigned thread, std::uint32_t position, std::memory_order order) {
    if (position == locations_[l].order.size() || !sc_matters(order)) return true;
    event e = fresh(event_kind::store, thread, order);
    e.location = l;
    e.position = position;
    shift(l, position, 1);
    const bool good = !closes_cycle(e);
    shift(l, position, -1);
    return good;
  }

  // The events themselves. `position`: of the message that is read / of the new message.
  event& add_read(event_kind kind, std::uint32_t l, unsigned thread, std::uint32_t position, std::memory_order order,
                  site where) {
    thread_memory& t = threads[thread];
    const std::uint32_t source = locations_[l].order[position];
    event& e = add(kind, thread, order, where);
    event& m = events[source];
    e.location = l;
    e.source = source;
    e.position = position;
    e.value = m.value;
    if (is_acquire(order))
      t.clock.join(m.left.sync);
    else
      t.acquired.join(m.left.sync);
    if (keeps_known_) t.known.join(m.known);
    if (m.left.seen[thread] == message::never) m.left.seen[thread] = e.index;
    locations_[l].used.at[thread] = e.index;
    return added(e, t);
  }
  event& add_write(event_kind kind, std::uint32_t l, unsigned thread, std::uint32_t position, cell_value value,
                   std::memory_order order, site where) {
    location& loc = locations_[l];
    thread_memory& t = threads[thread];
    event& e = add(kind, thread, order, where);
    e.location = l;
    e.position = position;
    e.value = value;
    e.left.first_seen(thread, e.index);
    e.left.sync = is_release(order) ? t.clock : t.released;
    if (kind == event_kind::update_store)
      e.left.sync.join(events[loc.order[position - 1]].left.sync);  // release sequence
    const auto id = static_cast<std::uint32_t>(events.size() - 1);
    loc.used.at[thread] = e.index;
    if (position == loc.order.size()) {
      loc.order.push_back(id);
    } else {
      shift(l, position, 1);
      e.position = position;
      loc.order.insert(loc.order.begin() + position, id);
    }
    return added(e, t);
  }
  void add_fence(unsigned thread, std::memory_order order, site where) {
    thread_memory& t = threads[thread];
    event& e = add(event_kind::fence, thread, order, where);
    if (is_acquire(order)) t.clock.join(t.acquired);
    if (is_release(order)) t.released = t.clock;
    added(e, t);
  }
  void add_choice(unsigned thread, std::uint64_t value, site where) {
    event& e = add(event_kind::choice, thread, std::memory_order_relaxed, where);
    e.value.low = value;
    added(e, threads[thread]);
  }
  // `child` begins with what its parent knows; a join learns all that the child did.
  void start_thread(unsigned parent, unsigned child) {
    added(add(event_kind::spawn, parent, std::memory_order_relaxed, {}), threads[parent]);
    threads[child] = {};
    threads[child].clock = threads[parent].clock;
    threads[child].known = threads[parent].known;
  }
  void end_thread(unsigned thread) {
    added(add(event_kind::end, thread, std::memory_order_relaxed, {}), threads[thread]);
  }
  void join_thread(unsigned parent, unsigned child) noexcept {
    threads[parent].clock.join(threads[child].clock);
    threads[parent].known.join(threads[child].known);
  }

  [[nodiscard]] bool happens_before(const event& a, const event& b) const noexcept {
    return (a.thread != b.thread || a.index < b.index) && b.clock.knows(a.thread, a.index);
  }

 private:
  event fresh(event_kind kind, unsigned thread, std::memory_order order) const noexcept {
    event e;
    e.kind = kind;
    e.thread = static_cast<std::uint8_t>(thread);
    e.order = order;
    const thread_memory& t = threads[thread];
    e.index = static_cast<std::uint16_t>(t.clock.at[thread] + 1);
    e.clock = t.clock;
    e.clock.at[thread] = e.index;
    e.known = t.known;
    e.known.at[thread] = e.index;
    return e;
  }
  // A new event, to be filled; its thread's clocks stand at it already, and what it learns goes into them before
  // added().
  event& add(event_kind kind, unsigned thread, std::memory_order order, site where) {
    thread_memory& t = threads[thread];
    event& e = events.next();
    e.kind = kind;
    e.thread = static_cast<std::uint8_t>(thread);
    e.order = order;
    e.source = no_event;
    e.where = where;
    e.index = t.clock.tick(thread);
    if (keeps_known_) t.known.tick(thread);
    return e;
  }
  event& added(event& e, const thread_memory& t) {
    e.clock = t.clock;
    if (keeps_known_) e.known = t.known;
    if (e.sc()) sc_events_.push_back(static_cast<std::uint32_t>(events.size() - 1));
    return e;
  }
  // The messages from `position` on, and those who read them, move by one.
  void shift(std::uint32_t l, std::uint32_t position, int by) noexcept {
    for (std::size_t i = 0; i < events.size(); ++i) {
      event& e = events[i];
      if ((is_read(e.kind) || (is_write(e.kind) && e.kind != event_kind::start)) && e.location == l &&
          e.position >= position + (by < 0 ? 1u : 0u))
        e.position = static_cast<std::uint32_t>(static_cast<int>(e.position) + by);
    }
  }

  // ---- sequential consistency

  bool has_fence() const noexcept { return events[sc_events_[0]].kind == event_kind::fence; }

  // a stands in the modification order (or reads from it) before the write b.
  static bool before_write(const event& a, const event& b) noexcept {
    return a.location == b.location && is_write(b.kind) && a.position < b.position;
  }
  static bool is_access(const event& e) noexcept { return e.kind != event_kind::fence; }
  // Choices and the like are no events of the memory model; a first message is not in anybody's program order.
  static bool takes_part(const event& e) noexcept { return e.kind != event_kind::start && e.kind <= event_kind::fence; }

  // sb, or hb between accesses of one location, or an hb path that leaves a's location and enters b's.
  bool strongly_before(const event& a, const event& b, const event& extra) const noexcept {
    if (!hb(a, b)) return false;
    if (a.thread == b.thread) return true;
    if (a.location == b.location) return true;
    // c: the first event behind a in its thread with another location; d: the last one before b.
    const event* c = nullptr;
    const event* d = nullptr;
    const auto look = [&](const event& e) {
      const bool other_a = !is_access(e) || e.location != a.location;
      if (e.thread == a.thread && e.index > a.index && other_a && (c == nullptr || e.index < c->index)) c = &e;
      const bool other_b = !is_access(e) || e.location != b.location;
      if (e.thread == b.thread && e.index < b.index && other_b && (d == nullptr || e.index > d->index)) d = &e;
    };
    for (const event& e : events)
      if (takes_part(e)) look(e);
    look(extra);
    return c != nullptr && d != nullptr && (c == d || (c->thread == d->thread && c->index <= d->index) || hb(*c, *d));
  }
  bool hb(const event& a, const event& b) const noexcept { return happens_before(a, b); }

  // Whether an edge of psc leads from a to b (both seq_cst), with `extra` counted among the events.
  bool psc_edge(const event& a, const event& b, const event& extra) const {
    const bool fa = a.kind == event_kind::fence, fb = b.kind == event_kind::fence;
    if (!fa && !fb) return strongly_before(a, b, extra) || before_write(a, b);
    if (hb(a, b)) return true;
    if (fa && fb) {
      // hb ; eco ; hb
      return any(extra, [&](const event& x) {
        return is_access(x) && hb(a, x) && any(extra, [&](const event& y) {
                 return is_access(y) && y.location == x.location && hb(y, b) &&
                        (x.position < y.position ||
                         (x.position == y.position && is_write(x.kind) && is_read(y.kind) && !same(x, y)));
               });
      });
    }
    if (fa) return any(extra, [&](const event& x) { return is_access(x) && hb(a, x) && before_write(x, b); });
    return any(extra, [&](const event& y) { return is_access(y) && hb(y, b) && before_write(a, y); });
  }
  static bool same(const event& a, const event& b) noexcept { return a.thread == b.thread && a.index == b.index; }
  template <class F>
  bool any(const event& extra, F&& f) const {
    for (const event& e : events)
      if (takes_part(e) && f(e)) return true;
    return f(extra);
  }

  // Whether psc has a cycle once `e` is there. Only cycles through edges that e adds can be new, so it looks whether
  // something e leads to leads back.
  bool closes_cycle(const event& e) {
    nodes_.clear();
    for (const std::uint32_t id : sc_events_) nodes_.push_back(&events[id]);
    if (e.sc()) nodes_.push_back(&e);
    const std::size_t n = nodes_.size();
    if (n < 2) return false;
    // Depth-first for a cycle: the graphs are small.
    edges_.assign(n * n, 0);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        if (i != j && psc_edge(*nodes_[i], *nodes_[j], e)) edges_[i * n + j] = 1;
    // Kahn: what cannot be sorted is a cycle.
    std::vector<unsigned>& in = degree_;
    in.assign(n, 0);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) in[j] += edges_[i * n + j];
    std::size_t left = n;
    for (bool moved = true; moved && left != 0;) {
      moved = false;
      for (std::size_t i = 0; i < n; ++i) {
        if (in[i] != 0) continue;
        in[i] = ~0u;
        --left;
        moved = true;
        for (std::size_t j = 0; j < n; ++j)
          if (edges_[i * n + j]) --in[j];
      }
    }
    return left != 0;
  }

  bool keeps_known_ = false;
  std::vector<location> locations_;
  std::uint32_t used_locations_ = 0;
  std::vector<std::uint32_t> sc_events_;
  std::vector<const event*> nodes_;
  std::vector<std::uint8_t> edges_;
  std::vector<unsigned> degree_;
};

}  // namespace detail

}  // namespace frys::inline FRYS_ABI::sim::model

#endif  // FRYS_SIM_MODEL_MEMORY_HPP
// ---- frys/sim/model/heap.hpp
// heap: the memory that an execution hands out, and what became of it.
//
// Threads  one: this is one execution's state.
#ifndef FRYS_SIM_MODEL_HEAP_HPP
#define FRYS_SIM_MODEL_HEAP_HPP

namespace frys::inline FRYS_ABI::sim::model::detail {

struct heap_block {
  std::byte* start;
  std::size_t bytes;
  std::size_t alignment;
  bool is_free;
  unsigned freed_by;
  site where;

  [[nodiscard]] bool holds(const void* p) const noexcept {
    const auto* a = static_cast<const std::byte*>(p);
    return a >= start && a < start + bytes;
  }
};

// Addresses follow from the events alone: a bump allocator over chunks that stay, begun anew for each execution.
class heap {
 public:
  static constexpr std::size_t most_bytes = std::size_t{64} << 20;

  void reset() noexcept {
    blocks_.clear();
    chunk_ = 0;
    used_ = 0;
  }
  static constexpr std::size_t rounded(std::size_t bytes) noexcept { return (bytes + 15) / 16 * 16; }

  // What has been freed may come back, the youngest first: the caller asks for each that fits.
  [[nodiscard]] std::size_t count() const noexcept { return blocks_.size(); }
  heap_block& operator[](std::size_t i) noexcept { return blocks_[i]; }
  // nullptr when the heap is used up.
  void* take(std::size_t bytes, std::size_t alignment, site at) {
    const std::size_t aligned = (std::max)(alignment, std::size_t{16});
    std::byte* p = bump(bytes, aligned);
    if (p != nullptr) blocks_.push_back({p, bytes, aligned, false, most_threads, at});
    return p;
  }
  // The block that begins there, or nullptr.
  heap_block* find(const void* start) noexcept {
    for (heap_block& b : blocks_)
      if (b.start == start) return &b;
    return nullptr;
  }
  // The first one that nobody freed, or nullptr.
  [[nodiscard]] const heap_block* leaked() const noexcept {
    for (const heap_block& b : blocks_)
      if (!b.is_free) return &b;
    return nullptr;
  }

 private:
  static constexpr std::size_t chunk_bytes = std::size_t{1} << 20;

  std::byte* bump(std::size_t bytes, std::size_t alignment) {
    for (;; ++chunk_, used_ = 0) {
      if (chunk_ == chunks_.size()) {
        if (chunks_.size() * chunk_bytes >= most_bytes || bytes + alignment > chunk_bytes) return nullptr;
        chunks_.push_back(std::make_unique<std::byte[]>(chunk_bytes));
      }
      std::byte* base = chunks_[chunk_].get();
      const auto a = reinterpret_cast<std::uintptr_t>(base) + used_;
      const std::size_t gap = (alignment - a % alignment) % alignment;
      if (used_ + gap + bytes > chunk_bytes) continue;
      used_ += gap + bytes;
      return base + (used_ - bytes);
    }
  }

  std::vector<heap_block> blocks_;
  std::vector<std::unique_ptr<std::byte[]>> chunks_;
  std::size_t chunk_ = 0;
  std::size_t used_ = 0;
};

}  // namespace frys::inline FRYS_ABI::sim::model::detail

#endif  // FRYS_SIM_MODEL_HEAP_HPP
// ---- frys/sim/model/plain.hpp
// plain: who has used each plain object, and whether it lives.
//
// Threads  one: this is one execution's state.
#ifndef FRYS_SIM_MODEL_PLAIN_HPP
#define FRYS_SIM_MODEL_PLAIN_HPP

namespace frys::inline FRYS_ABI::sim::model::detail {

// The last uses of one plain object.
struct shadow {
  enum : std::uint8_t { unknown, lives, is_over };
  const void* address = nullptr;
  std::uint64_t run = 0;
  std::uint16_t read[most_threads] = {};  // each thread's next event at its last read; 0: none
  std::uint16_t written = 0;              // the writer's likewise
  std::uint8_t writer = 0;
  std::uint8_t state = unknown;
  site write_site, read_site;
};

// By address; open addressing. Entries of earlier executions count as empty places.
class shadow_table {
 public:
  void reset(std::uint64_t run) noexcept {
    run_ = run;
    count_ = 0;
  }
  // Grows for new addresses only: whoever walks over the table may look up what is there.
  shadow& at(const void* address) {
    if (table_.empty()) grow();
    const auto start =
        static_cast<std::size_t>((reinterpret_cast<std::uintptr_t>(address) >> 2) * 0x9E3779B97F4A7C15u >> 20);
    for (std::size_t h = start;; ++h) {
      shadow& s = table_[h & (table_.size() - 1)];
      if (s.run == run_ && s.address == address) return s;
      if (s.run != run_) {
        if (count_ * 2 >= table_.size()) {
          grow();
          return at(address);
        }
        s = shadow{};
        s.address = address;
        s.run = run_;
        ++count_;
        return s;
      }
    }
  }
  template <class F>
  void for_each(F&& f) {
    for (shadow& s : table_)
      if (s.run == run_) f(s);
  }

 private:
  void grow() {
    std::vector<shadow> old = std::move(table_);
    table_ = std::vector<shadow>(old.empty() ? 256 : old.size() * 2);
    count_ = 0;
    for (const shadow& s : old)
      if (s.run == run_) at(s.address) = s;
  }

  std::vector<shadow> table_;
  std::size_t count_ = 0;
  std::uint64_t run_ = 0;
};

}  // namespace frys::inline FRYS_ABI::sim::model::detail

#endif  // FRYS_SIM_MODEL_PLAIN_HPP
// ---- frys/sim/model/strategy.hpp
// strategy: who decides in an execution: the explorers (explore.hpp, exhaustive.hpp) and replay.
#ifndef FRYS_SIM_MODEL_STRATEGY_HPP
#define FRYS_SIM_MODEL_STRATEGY_HPP

namespace frys::inline FRYS_ABI::sim::model::detail {

class execution;

// One decision of a strategy, as a schedule keeps it.
struct decision {
  enum class kind : std::uint8_t { thread, read, place, choice };
  kind what = kind::thread;
  std::uint16_t value = 0;  // the thread; how many newer messages there are; the choice
};

class strategy {
 public:
  virtual ~strategy() = default;
  // Who goes on: one of the bits of `runnable`, which is not 0. `current` ran last.
  virtual unsigned next_thread(execution& e, unsigned runnable, unsigned current) = 0;
  // Which of `count` messages a load reads, or which place a store takes: 0 is the newest. `positions` is nullptr where
  // they are the newest `count` in order. `stop`: abandon.
  virtual std::uint32_t read(execution& e, const std::uint32_t* positions, std::uint32_t count, bool update) = 0;
  virtual std::uint32_t place(execution& e, const std::uint32_t* positions, std::uint32_t count) = 0;
  virtual std::uint32_t choose(execution& e, std::uint32_t count) = 0;
  // The store half of an update is about to stand at `position`, which may be taken by another one. False: abandon.
  virtual bool update(execution&, std::uint32_t /*location*/, std::uint32_t /*position*/, bool free) { return free; }
  // It is asked before every event, and between the halves of an update; loads may read
  // messages that an update has read already, since the other update may have to give way.
  virtual bool wants_every_event() const noexcept { return false; }
  // It is asked also where there is one answer only.
  virtual bool wants_every_choice() const noexcept { return false; }
  // The next read or place is of this location.
  virtual void looks_at(std::uint32_t /*location*/) noexcept {}
  // A thread that pauses waits to the end of the execution.
  virtual bool pause_is_final() const noexcept { return false; }
  static constexpr std::uint32_t stop = ~std::uint32_t{0};
};

}  // namespace frys::inline FRYS_ABI::sim::model::detail

#endif  // FRYS_SIM_MODEL_STRATEGY_HPP
// ---- frys/sim/model/execution.hpp
// execution: one run of a test body under the model: its threads as fibers, its memory, its heap, its verdict.
//
// A strategy decides which thread goes on, which message a load reads, where a store stands and what choose() answers;
// the execution finds races, use after free, leaks, deadlocks and lost wake-ups on the way.
//
// Threads  one OS thread; the model's threads take turns on it. Executions on several do not know each other.
// frys: orders as data
#ifndef FRYS_SIM_MODEL_EXECUTION_HPP
#define FRYS_SIM_MODEL_EXECUTION_HPP

namespace frys::inline FRYS_ABI::sim::model {

namespace detail {

// The model's part of an atomic object: its value until somebody uses it, then its location's name.
struct atomic_cell {
  cell_value first;
  std::uint64_t run = 0;  // the execution that `location` belongs to
  std::uint32_t location = 0;
  std::uint16_t stamp = 0;
  std::uint8_t thread = 0;
  std::uint64_t made_in = 0;  // the execution it was constructed in; 0: outside
};

enum class outcome : std::uint8_t { finished, blocked, failed };

class execution {
 public:
  explicit execution(std::uint32_t most_steps = 20'000, std::uint32_t most_thread_steps = 0) noexcept
      : most_steps_(most_steps), most_thread_steps_(most_thread_steps) {}
  execution(const execution&) = delete;
  execution& operator=(const execution&) = delete;

  // The one that the calling model thread belongs to; nullptr outside.
  static execution*& current() noexcept {
    static thread_local constinit execution* running = nullptr;
    return running;
  }

  // Runs body(argument) as model thread 0.
  outcome run(strategy& s, void (*body)(void*), void* argument) {
    strategy_ = &s;
    replays_ = s.wants_every_event();
    reset();
    asks_ = replays_ || s.wants_every_choice();
    pause_is_final_ = s.pause_is_final();
    execution*& now = current();
    execution* const outer = std::exchange(now, this);
    thread& main = threads_[0];
    main.entry = body;
    main.argument = argument;
    launch(0);
    active_ = 0;
    quick_context::switch_to(host_, threads_[0].flow);
    now = outer;
    if (outcome_ == outcome::finished) look_for_leaks();
    return outcome_;
  }

  model::detail::memory memory;
  std::vector<decision> schedule;  // all decisions so far, if they are kept
  bool keeps_schedule = true;
  fault failed = fault::none;
  std::string sentence;  // what went wrong
  site where;            // and where
  unsigned guilty = 0;   // the thread

  // ---- threads

  [[nodiscard]] unsigned active() const noexcept { return active_; }
  [[nodiscard]] unsigned thread_count() const noexcept { return thread_count_; }
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }
  // The number of the event that the active thread is about to make.
  [[nodiscard]] unsigned next_index(unsigned t) const noexcept { return memory.threads[t].clock.at[t] + 1u; }

  // Starts a thread of the model and answers its number.
  unsigned spawn(void (*entry)(void*), void* argument, site at) {
    quiet_point(at);
    if (thread_count_ == most_threads) fail(fault::misuse, "more threads than the model has (8)", at);
    const unsigned t = thread_count_++;
    memory.start_thread(active_, t);
    threads_[t].entry = entry;
    threads_[t].argument = argument;
    launch(t);
    runnable_ |= 1u << t;
    return t;
  }
  void join(unsigned t, site at) {
    while (!threads_[t].finished) {
      threads_[active_].joining = t;
      threads_[active_].waits_at = at;
      block(waits::join);
    }
    memory.join_thread(active_, t);
  }

  // ---- atomic operations

  cell_value load(atomic_cell& c, const void* address, std::memory_order order, site at) {
    point(at);
    const std::uint32_t l = location_of(c, address, at);
    const std::uint32_t p = choose_read(l, order, false, at);
    return memory.add_read(event_kind::load, l, active_, p, order, at).value;
  }
  void store(atomic_cell& c, const void* address, cell_value v, std::memory_order order, site at) {
    point(at);
    const std::uint32_t l = location_of(c, address, at);
    const std::uint32_t p = choose_place(l, order, at);
    memory.add_write(event_kind::store, l, active_, p, v, order, at);
    wrote(l);
  }
  // new_value(old) makes the value.
  template <class F>
  cell_value update(atomic_cell& c, const void* address, std::memory_order order, F&& new_value, site at) {
    point(at);
    const std::uint32_t l = location_of(c, address, at);
    const std::uint32_t p = choose_read(l, order, true, at);
    const cell_value old = memory.add_read(event_kind::update_load, l, active_, p, order, at).value;
    finish_update(last_event(), new_value(old), order, at);
    return old;
  }
  // Answers whether it exchanged; `expected` becomes what was read.
  bool compare_exchange(atomic_cell& c, const void* address, cell_value& expected, cell_value desired,
                        std::memory_order success, std::memory_order failure, site at) {
    point(at);
    const std::uint32_t l = location_of(c, address, at);
    candidates(l, at);
    // A message with another value is only read; one with the expected value is updated, unless somebody has done so.
    std::uint32_t kept = 0;
    for (const std::uint32_t p : positions_) {
      const bool hit = memory.at(l, p).value == expected;
      if (hit ? (replays_ || !memory.is_updated(l, p)) && memory.may_read(l, active_, p, success)
              : memory.may_read(l, active_, p, failure))
        positions_[kept++] = p;
    }
    positions_.resize(kept);
    const std::uint32_t p = picked_read(true);
    const cell_value old = memory.at(l, p).value;
    if (old == expected) {
      memory.add_read(event_kind::update_load, l, active_, p, success, at);
      finish_update(last_event(), desired, success, at);
      return true;
    }
    memory.add_read(event_kind::load, l, active_, p, failure, at);
    expected = old;
    return false;
  }
  void fence(std::memory_order order, site at) {
    point(at);
    memory.add_fence(active_, order, at);
  }
  std::uint32_t choose(std::uint32_t count, site at) {
    if (count <= 1) return 0;
    point(at);
    const std::uint32_t c = strategy_->choose(*this, count);
    if (c == strategy::stop) abandon();
    decided(decision::kind::choice, c);
    memory.add_choice(active_, c, at);
    return c;
  }

  // One round of a loop that waits: goes on when something it has read since its last pause can be read newer. A round
  // that wrote something has made progress, and does not wait.
  void pause(site at) {
    thread& t = threads_[active_];
    if (t.wrote) return forget(t);
    look_back(t);
    if (t.watched.empty()) {  // it looks at nothing: it only lets others go on
      if (!replays_) point(at);
      return;
    }
    t.waits_at = at;
    while (pause_is_final_ || !is_stale(t)) block(waits::change);
    t.hurries = true;
    forget(t);
  }

  // The futex: sleeps while `word` holds `old`. The queue of sleepers is an atomic of its own, whose updates are the
  // critical sections of the system's lock: compare and go to sleep in one, wake up in another.
  bool wait(atomic_cell& word, const void* address, atomic_cell& queue, std::uint32_t old, bool may_time_out, site at) {
    // Whether the time is up before anybody wakes it: then it leaves the queue by itself.
    const bool gives_up = may_time_out && choose(2, at) == 1;
    point(at);
    thread& t = threads_[active_];
    const std::uint32_t q = location_of(queue, &queue, at);
    const std::uint32_t p = choose_read(q, std::memory_order_acq_rel, true, at);
    const cell_value sleepers =
        memory.add_read(event_kind::update_load, q, active_, p, std::memory_order_acq_rel, at).value;
    const std::uint32_t read = last_event();
    // The word, within the critical section: no other thread comes in between.
    ++steps_;
    if (replays_) point(at);
    const std::uint32_t l = location_of(word, address, at);
    const std::uint32_t w = choose_read(l, std::memory_order_relaxed, false, at);
    const cell_value seen = memory.add_read(event_kind::load, l, active_, w, std::memory_order_relaxed, at).value;
    const std::uint64_t bit = std::uint64_t{1} << active_;
    const bool sleeps = seen.low == old;
    finish_update(read, {sleeps ? sleepers.low | bit : sleepers.low, 0}, std::memory_order_acq_rel, at);
    if (!sleeps) return true;
    if (gives_up) {
      const cell_value before = update(
          queue, &queue, std::memory_order_acq_rel,
          [bit](cell_value v) {
            return cell_value{v.low & ~bit, 0};
          },
          at);
      return (before.low & bit) == 0;  // woken at the last moment
    }
    t.may_time_out = may_time_out;
    t.sleeps_on = l;
    t.sleeps_while = old;
    t.asleep = true;
    for (;;) {
      forget(t);
      const cell_value now = load(queue, &queue, std::memory_order_acquire, at);
      if ((now.low & bit) == 0) break;
      pause(at);
    }
    t.asleep = false;
    return true;
  }
  void notify(atomic_cell& queue, bool all, site at) {
    point(at);
    const std::uint32_t q = location_of(queue, &queue, at);
    const std::uint32_t p = choose_read(q, std::memory_order_acq_rel, true, at);
    const std::uint64_t sleepers =
        memory.add_read(event_kind::update_load, q, active_, p, std::memory_order_acq_rel, at).value.low;
    const std::uint32_t read = last_event();
    std::uint64_t left = all ? 0 : sleepers;
    if (!all && sleepers != 0) {
      std::uint32_t n = 0;
      if (std::popcount(sleepers) > 1) {
        if (replays_) point(at);
        n = strategy_->choose(*this, static_cast<std::uint32_t>(std::popcount(sleepers)));
        if (n == strategy::stop) abandon();
        decided(decision::kind::choice, n);
        memory.add_choice(active_, n, at);
      }
      std::uint64_t one = sleepers;
      for (; n != 0; --n) one &= one - 1;
      left = sleepers & ~(one & (~one + 1));
    }
    finish_update(read, {left, 0}, std::memory_order_acq_rel, at);
  }

  // The cell of an object that is used through atomic_ref. Where the plain memory is not what the last store left, its
  // owner has written it since, as it may while nobody else looks: then the cell begins anew, known to all.
  atomic_cell& referred(const void* address, cell_value now) {
    for (const std::unique_ptr<referred_cell>& r : referred_) {
      if (r->address != address) continue;
      const bool used = r->cell.run == run_;
      const cell_value last = used ? memory.newest(r->cell.location).value : r->cell.first;
      if (r->run != run_ || !(last == now)) {
        r->run = run_;
        r->cell = {};
        r->cell.first = now;
      }
      return r->cell;
    }
    referred_.push_back(std::make_unique<referred_cell>());
    referred_cell& r = *referred_.back();
    r.address = address;
    r.run = run_;
    r.cell.first = now;
    return r.cell;
  }
  // What the plain memory of such an object shall hold.
  [[nodiscard]] cell_value newest(const atomic_cell& c) const noexcept {
    return c.run == run_ ? memory.newest(c.location).value : c.first;
  }

  // An atomic object's life.
  void made(atomic_cell& c) noexcept {
    c.made_in = run_;
    c.thread = static_cast<std::uint8_t>(active_);
    c.stamp = stamp();
  }
  void ended(atomic_cell& c, const void* address, site at) {
    if (c.run == run_) {
      location& l = memory.at(c.location);
      if (l.alive == 0) return;
      if (!memory.threads[active_].clock.knows(l.used))
        fail(fault::use_after_free, "an atomic object ends while another thread may use it", at);
      l.alive = 0;
      l.ended = at;
    }
    static_cast<void>(address);
  }

  // ---- plain memory

  enum class use : std::uint8_t { read, write, begin, end };
  void plain(const void* address, use how, site at) {
    shadow& s = shadows_.at(address);
    const vector_clock& now = memory.threads[active_].clock;
    const std::uint16_t at_stamp = stamp();
    const auto known = [&](unsigned t, std::uint16_t i) { return i == 0 || t == active_ || now.at[t] >= i; };
    if (!known(s.writer, s.written)) {
      if (s.state == shadow::is_over)
        fail(fault::use_after_free, "an object may have ended before it is used here", at);
      race(s.write_site, s.writer, true, how, at);
    }
    if (how != use::begin && s.state == shadow::is_over)
      fail(fault::use_after_free,
           how == use::read  ? "an object is read after its end"
           : how == use::end ? "an object ends twice"
                             : "an object is written after its end",
           at);
    if (how == use::read) {
      s.read[active_] = at_stamp;
      s.read_site = at;
      return;
    }
    for (unsigned t = 0; t < thread_count_; ++t)
      if (!known(t, s.read[t])) race(s.read_site, t, false, how, at);
    s.writer = static_cast<std::uint8_t>(active_);
    s.written = at_stamp;
    s.write_site = at;
    s.state = how == use::end ? shadow::is_over : shadow::lives;
  }

  // ---- heap

  void* allocate(std::size_t bytes, std::size_t alignment, site at) {
    const std::size_t whole = heap::rounded(bytes);
    // Only what this thread itself has freed comes back: then the address follows from the events alone.
    for (std::size_t i = heap_.count(); i-- > 0;) {
      if (const heap_block& b = heap_[i];
          b.freed_by != active_ || !b.is_free || b.bytes != whole || b.alignment < alignment)
        continue;
      if (choose(2, at) == 0) break;
      heap_block& again = heap_[i];
      again.is_free = false;
      again.where = at;
      return again.start;
    }
    void* p = heap_.take(whole, alignment, at);
    if (p == nullptr) fail(fault::misuse, "the model's heap is used up (64 MiB in one execution)", at);
    return p;
  }
  void release(void* p, site at) {
    if (p == nullptr) return;
    heap_block* b = heap_.find(p);
    if (b == nullptr) fail(fault::bad_free, "memory is freed that was not allocated", at);
    if (b->is_free) fail(fault::bad_free, "memory is freed twice", at);
    // All that lies in it ends here.
    for (std::uint32_t i = 0; i < memory.location_count(); ++i) {
      location& l = memory.at(i);
      if (l.alive == 0 || !b->holds(l.address)) continue;
      if (!memory.threads[active_].clock.knows(l.used))
        fail(fault::use_after_free, "memory is freed while another thread may use an atomic in it", at);
      l.alive = 0;
      l.ended = at;
    }
    shadows_.for_each([&](const shadow& s) {
      if (s.state != shadow::is_over && b->holds(s.address)) plain(s.address, use::end, at);
    });
    b->is_free = true;
    b->freed_by = active_;
  }

  // ---- the end

  void require(bool good, const char* what, site at) {
    if (!good) fail(fault::requirement, what, at);
  }
  // The caller's frame is never left by a return: nothing in it may own memory.
  [[noreturn]] void fail(fault f, const char* text, site at) {
    sentence = text;
    fail(f, at);
  }
  // The same with the sentence that stands in `sentence` already.
  [[noreturn]] void fail(fault f, site at) {
    failed = f;
    where = at;
    guilty = active_;
    leave(outcome::failed);
  }
  [[noreturn]] void abandon() { leave(outcome::blocked); }

  // A thread whose reads were all of the newest messages can wait for ever.
  [[nodiscard]] bool is_stuck(unsigned t) const noexcept {
    const thread& w = threads_[t];
    if (w.finished) return false;
    if (w.asleep && w.may_time_out) return false;  // another execution shows what it does then
    if (w.waiting == waits::join) return is_stuck(w.joining);
    return w.waiting == waits::change && !is_stale(w);
  }
  [[nodiscard]] bool is_finished(unsigned t) const noexcept { return threads_[t].finished; }
  [[nodiscard]] bool hurries(unsigned t) const noexcept { return threads_[t].hurries; }
  [[nodiscard]] site waits_at(unsigned t) const noexcept { return threads_[t].waits_at; }

 private:
  enum class waits : std::uint8_t { nothing, join, change };
  struct seen_message {
    std::uint32_t location;
    std::uint32_t event;
  };
  struct thread {
    quick_context flow;
    stack_memory stack;
    void (*entry)(void*) = nullptr;
    void* argument = nullptr;
    std::vector<seen_message> watched;  // while it pauses: what it has read since the pause before
    std::size_t since = 0;              // the first event after that one
    bool wrote = false;                 // since then
    bool finished = false;
    bool hurries = false;  // came out of a pause: shall read the newest
    bool asleep = false;
    bool may_time_out = false;  // while asleep
    waits waiting = waits::nothing;
    unsigned joining = 0;
    std::uint32_t sleeps_on = 0;
    std::uint32_t sleeps_while = 0;
    site waits_at;
  };
  struct referred_cell {
    const void* address = nullptr;
    std::uint64_t run = 0;
    atomic_cell cell;
  };
  static constexpr std::size_t stack_bytes = std::size_t{256} << 10;

  void reset() {
    memory.reset(replays_);
    schedule.clear();
    failed = fault::none;
    sentence.clear();
    thread_count_ = 1;  // launch() cleans what it takes
    runnable_ = 1;
    looking_ = 0;
    steps_ = 0;
    run_ = next_run();
    shadows_.reset(run_);
    heap_.reset();
    outcome_ = outcome::finished;
  }
  // Never 0. Cells made on one thread of the system are not to be used on another, so its own count will do.
  static std::uint64_t next_run() noexcept {
    static thread_local constinit std::uint64_t runs = 0;
    return ++runs;
  }

  void launch(unsigned t) {
    thread& w = threads_[t];
    if (w.stack.span().size() < stack_bytes) {
      auto made = stack_memory::allocate(stack_bytes);
      FRYS_ASSERT(made.has_value(), "model: no memory for a thread's stack");
      w.stack = *std::move(made);
    }
    w.flow.make(w.stack.span(), &fiber, this);
    w.finished = false;
    w.waiting = waits::nothing;
    forget(w);
    w.hurries = w.asleep = false;
  }
  static void fiber(void* self) {
    execution& e = *static_cast<execution*>(self);
    const unsigned me = e.active_;
    e.threads_[me].entry(e.threads_[me].argument);
    e.finish_thread(me);
  }
  [[noreturn]] void finish_thread(unsigned me) {
    quiet_point({});
    memory.end_thread(me);
    threads_[me].finished = true;
    runnable_ &= ~(1u << me);
    for (unsigned t = 0; t < thread_count_; ++t)
      if (threads_[t].waiting == waits::join && threads_[t].joining == me) wake(t);
    if (me == 0) {
      for (unsigned t = 1; t < thread_count_; ++t)
        if (!threads_[t].finished) fail(fault::misuse, "the body ended before a thread it started", {});
      leave(outcome::finished);
    }
    reschedule();
    __builtin_unreachable();
  }
  [[noreturn]] void leave(outcome o) {
    outcome_ = o;
    quick_context::leave_to(host_);
  }

  // Before each event: somebody else may go first.
  FRYS_ALWAYS_INLINE void point(site at) {
    if (++steps_ > most_steps_ || most_thread_steps_ != 0) [[unlikely]]
      check_steps(at);
    if (asks_ || runnable_ != 1u << active_) {  // else nobody else could go
      const unsigned next = strategy_->next_thread(*this, runnable_, active_);
      if (next != active_) switch_to(next);
    }
    decided(decision::kind::thread, active_);
  }
  // Before an event that no other thread can tell the time of: nobody else need go first, unless the strategy wants to
  // know of all events.
  void quiet_point(site at) {
    if (asks_) return point(at);
    if (++steps_ > most_steps_ || most_thread_steps_ != 0) check_steps(at);
    decided(decision::kind::thread, active_);
  }
  void check_steps(site at) {
    if (steps_ > most_steps_) fail(fault::no_end, "the execution does not end within the allowed steps", {});
    if (active_ != 0 && next_index(active_) > most_thread_steps_ + 1)
      fail(fault::no_progress, "a thread needs more steps than allowed", at);
  }
  void block(waits why) {
    threads_[active_].waiting = why;
    if (why == waits::change) looking_ |= 1u << active_;
    runnable_ &= ~(1u << active_);
    reschedule();
  }
  void wake(unsigned t) noexcept {
    threads_[t].waiting = waits::nothing;
    looking_ &= ~(1u << t);
    runnable_ |= 1u << t;
  }
  void reschedule() {
    if (runnable_ == 0) nobody_can_go_on();
    switch_to(strategy_->next_thread(*this, runnable_, active_));
  }
  void switch_to(unsigned next) {
    if (next == strategy::stop) abandon();
    if (next == active_) return;
    quick_context& from = threads_[active_].flow;
    active_ = next;
    quick_context::switch_to(from, threads_[next].flow);
  }
  [[noreturn]] void nobody_can_go_on() {
    for (unsigned t = 0; t < thread_count_; ++t)
      if (!threads_[t].finished && !is_stuck(t)) abandon();
    for (unsigned t = 0; t < thread_count_; ++t) {
      const thread& w = threads_[t];
      if (w.finished || !w.asleep) continue;
      if (memory.newest(w.sleeps_on).value.low != w.sleeps_while) {
        active_ = t;
        fail(fault::lost_wake_up, "a thread sleeps although the word it sleeps on has changed, and nobody wakes it",
             w.waits_at);
      }
    }
    for (unsigned t = 0; t < thread_count_; ++t)
      if (!threads_[t].finished && threads_[t].waiting == waits::change) {
        active_ = t;
        fail(fault::deadlock, "no thread can go on", threads_[t].waits_at);
      }
    fail(fault::deadlock, "no thread can go on", {});
  }

  void decided(decision::kind what, std::uint32_t value) {
    if (keeps_schedule) schedule.push_back({what, static_cast<std::uint16_t>(value)});
  }

  FRYS_ALWAYS_INLINE std::uint32_t location_of(atomic_cell& c, const void* address, site at) {
    if (c.run == run_ && memory.at(c.location).alive != 0) [[likely]]
      return c.location;
    return name_location(c, address, at);
  }
  std::uint32_t name_location(atomic_cell& c, const void* address, site at) {
    if (c.run == run_) fail(fault::use_after_free, "an atomic object is used after its end", at);
    const bool here = c.made_in == run_;
    c.location = memory.make_location(address, c.first, here ? c.thread : 0, here ? c.stamp : std::uint16_t{0}, at);
    c.run = run_;
    return c.location;
  }
  // What the active thread may read or stand behind, newest first, in positions_.
  std::uint32_t known_floor(std::uint32_t l, site at) {
    const std::uint32_t low = memory.floor(l, active_);
    if (low == no_event)
      fail(fault::race, "an atomic object is used by a thread that does not know of its construction", at);
    return low;
  }
  void candidates(std::uint32_t l, site at) {
    const std::uint32_t low = known_floor(l, at);
    if (replays_) strategy_->looks_at(l);
    positions_.clear();
    for (std::size_t p = memory.at(l).order.size(); p-- > low;) positions_.push_back(static_cast<std::uint32_t>(p));
  }
  FRYS_ALWAYS_INLINE std::uint32_t choose_read(std::uint32_t l, std::memory_order order, bool update, site at) {
    if (asks_ || update || memory.sc_matters(order)) return choose_among(l, order, update, at);
    // All from the floor on, so no list is needed.
    const std::uint32_t end = memory.count(l), count = end - known_floor(l, at);
    const std::uint32_t i = count == 1 ? 0 : strategy_->read(*this, nullptr, count, false);
    if (i == strategy::stop) abandon();
    decided(decision::kind::read, i);
    return end - 1 - i;
  }
  std::uint32_t choose_among(std::uint32_t l, std::memory_order order, bool update, site at) {
    candidates(l, at);
    std::uint32_t kept = 0;
    for (const std::uint32_t p : positions_) {
      if (update && !replays_ && memory.is_updated(l, p)) continue;
      if (memory.may_read(l, active_, p, order)) positions_[kept++] = p;
    }
    positions_.resize(kept);
    return picked_read(update);
  }
  std::uint32_t picked_read(bool update) {
    if (positions_.empty()) abandon();
    const auto count = static_cast<std::uint32_t>(positions_.size());
    const std::uint32_t i = count == 1 && !asks_ ? 0 : strategy_->read(*this, positions_.data(), count, update);
    if (i == strategy::stop) abandon();
    decided(decision::kind::read, i);
    return positions_[i];
  }
  std::uint32_t choose_place(std::uint32_t l, std::memory_order order, site at) {
    if (!asks_ && !memory.sc_matters(order) && known_floor(l, at) + 1 == memory.count(l)) {  // the end is all there is
      decided(decision::kind::place, 0);
      return memory.count(l);
    }
    candidates(l, at);
    // A place is the position behind a message; not between an update and what it has read.
    std::uint32_t kept = 0;
    for (const std::uint32_t p : positions_) {
      if (memory.is_updated(l, p)) continue;
      if (memory.may_write(l, active_, p + 1, order)) positions_[kept++] = p + 1;
    }
    positions_.resize(kept);
    if (positions_.empty()) abandon();
    const std::uint32_t i = kept == 1 && !asks_ ? 0 : strategy_->place(*this, positions_.data(), kept);
    if (i == strategy::stop) abandon();
    decided(decision::kind::place, i);
    return positions_[i];
  }
  // The other half of the update that has read in event `read`.
  void finish_update(std::uint32_t read, cell_value v, std::memory_order order, site at) {
    if (replays_) point(at);
    const std::uint32_t l = memory.events[read].location;
    const std::uint32_t p = memory.events[read].position;
    const bool free = !memory.is_updated(l, p) && memory.may_write(l, active_, p + 1, order);
    if (replays_ ? !strategy_->update(*this, l, p + 1, free) : !free) abandon();
    const bool changes = !(memory.events[read].value == v);
    memory.add_write(event_kind::update_store, l, active_, p + 1, v, order, at);
    wrote(l, changes);
  }

  // Whether another look would find another value. Newer messages with the same value lead the same way: two threads
  // that spin on one lock by exchange write the same again and again, and neither gets on by that.
  bool is_stale(const thread& t) const noexcept {
    for (const seen_message& m : t.watched)
      if (!(memory.newest(m.location).value == memory.events[m.event].value)) return true;
    return false;
  }
  void forget(thread& t) noexcept {
    t.watched.clear();
    t.since = memory.events.size();
    t.wrote = false;
  }
  // What the active thread has seen since its last pause, when it wrote nothing in between: what it read, and what it
  // wrote over the same value (a spin lock's exchange has changed nothing: such a round may wait).
  void look_back(thread& t) {
    t.watched.clear();
    for (std::size_t i = t.since; i < memory.events.size(); ++i) {
      const event& e = memory.events[i];
      if (e.thread != active_) continue;
      if (e.kind == event_kind::load) t.watched.push_back({e.location, e.source});
      if (e.kind == event_kind::update_store) t.watched.push_back({e.location, static_cast<std::uint32_t>(i)});
    }
  }
  [[nodiscard]] std::uint32_t last_event() const noexcept {
    return static_cast<std::uint32_t>(memory.events.size() - 1);
  }
  void wrote(std::uint32_t l, bool changes = true) {
    if (changes) {
      threads_[active_].wrote = true;
      threads_[active_].hurries = false;
    }
    if (pause_is_final_ || looking_ == 0) return;
    for (unsigned t = 0; t < thread_count_; ++t) {
      if (threads_[t].waiting != waits::change) continue;
      for (const seen_message& m : threads_[t].watched)
        if (m.location == l) {
          wake(t);
          break;
        }
    }
  }
  std::uint16_t stamp() const noexcept { return static_cast<std::uint16_t>(next_index(active_)); }

  [[noreturn]] void race(site other, unsigned by, bool written, use how, site at) {
    if (how == use::end) fail(fault::use_after_free, "an object ends while another thread may use it", at);
    sentence = how == use::read ? "a read races with the " : "a write races with the ";
    sentence += written ? "write" : "read";
    sentence += " of thread " + std::to_string(by) + " at " + short_name(other.file) + ":" + std::to_string(other.line);
    fail(fault::race, at);
  }
  static std::string short_name(const char* file) {
    const char* last = std::strrchr(file, '/');
    return last == nullptr ? file : last + 1;
  }

  void look_for_leaks() {
    const heap_block* b = heap_.leaked();
    if (b == nullptr) return;
    failed = fault::leak;
    sentence = "memory of " + std::to_string(b->bytes) + " bytes is never freed";
    where = b->where;
    outcome_ = outcome::failed;
  }

  std::uint32_t most_steps_;
  std::uint32_t most_thread_steps_;  // 0: no bound
  strategy* strategy_ = nullptr;
  bool replays_ = false;  // strategy::wants_every_event
  bool asks_ = false;     // strategy::wants_every_choice
  bool pause_is_final_ = false;
  quick_context host_;
  thread threads_[most_threads];
  unsigned thread_count_ = 0;
  unsigned active_ = 0;
  unsigned runnable_ = 0;
  unsigned looking_ = 0;  // those that wait for a change
  std::uint64_t steps_ = 0;
  std::uint64_t run_ = 0;
  outcome outcome_ = outcome::finished;
  std::vector<std::uint32_t> positions_;
  shadow_table shadows_;
  heap heap_;
  std::vector<std::unique_ptr<referred_cell>> referred_;
};

}  // namespace detail

}  // namespace frys::inline FRYS_ABI::sim::model

#endif  // FRYS_SIM_MODEL_EXECUTION_HPP
// ---- frys/sim/model/mutation.hpp
// mutation: one memory order at a time, weakened by one step: a test that does not notice is too weak, or the order is
// stronger than it need be.
//
// Threads  one: set by whoever runs the checks, read by the model's operations.
// frys: orders as data
#ifndef FRYS_SIM_MODEL_MUTATION_HPP
#define FRYS_SIM_MODEL_MUTATION_HPP

namespace frys::inline FRYS_ABI::sim::model {

// What an order argument belongs to. `failure` is the second one of a compare-exchange.
enum class access : std::uint8_t { load, store, update, failure, fence };

// An order argument in the source.
struct order_site {
  site where;
  access what = access::load;
  std::memory_order order = std::memory_order_relaxed;
};

class mutation {
 public:
  // What the operation at `at` shall use in place of `order`.
  static std::memory_order applied(std::memory_order order, site at, access what) {
    if (idle()) [[likely]]
      return order;
    return shared().look(order, at, what);
  }

  // From now on all sites that are executed are remembered.
  static void record() {
    shared() = {};
    shared().recording = true;
    idle() = false;
  }
  [[nodiscard]] static std::vector<order_site> recorded() { return shared().sites; }

  // From now on the order at `which` is `weaker`.
  static void weaken(const order_site& which, std::memory_order weaker) {
    shared() = {};
    shared().mutant = which;
    shared().weaker = weaker;
    idle() = false;
  }
  static void stop() {
    shared() = {};
    idle() = true;
  }

  // One step down, in all directions: seq_cst to acq_rel (or what the operation can have of it), acq_rel to acquire and
  // to release, acquire and release to relaxed. Answers how many there are.
  static unsigned weaker_than(const order_site& s, std::memory_order (&out)[2]) noexcept {
    switch (s.order) {
      case std::memory_order_seq_cst:
        out[0] = s.what == access::store                               ? std::memory_order_release
                 : s.what == access::load || s.what == access::failure ? std::memory_order_acquire
                                                                       : std::memory_order_acq_rel;
        return 1;
      case std::memory_order_acq_rel:
        out[0] = std::memory_order_acquire;
        out[1] = std::memory_order_release;
        return 2;
      case std::memory_order_acquire:
      case std::memory_order_consume:
      case std::memory_order_release:
        out[0] = std::memory_order_relaxed;
        return 1;
      case std::memory_order_relaxed:
        return 0;
    }
    return 0;
  }

 private:
  struct state {
    bool recording = false;
    order_site mutant;
    std::memory_order weaker = std::memory_order_relaxed;
    std::vector<order_site> sites;

    static bool same(const order_site& s, const site& at, access what) {
      return s.what == what && s.where.line == at.line && std::strcmp(s.where.file, at.file) == 0;
    }
    std::memory_order look(std::memory_order order, const site& at, access what) {
      if (!recording) return same(mutant, at, what) && mutant.order == order ? weaker : order;
      for (const order_site& s : sites)
        if (same(s, at, what) && s.order == order) return order;
      sites.push_back({at, what, order});
      return order;
    }
  };
  // Apart from the rest, for the many who ask and want no more.
  static bool& idle() noexcept {
    static constinit bool yes = true;
    return yes;
  }
  static state& shared() {
    static state one;
    return one;
  }
};

}  // namespace frys::inline FRYS_ABI::sim::model

#endif  // FRYS_SIM_MODEL_MUTATION_HPP
// ---- frys/sim/model/atomics.hpp
// atomics: the atomics policy of the model: atomic<T>, atomic_ref<T>, var<T>, fence, pause, wait and notify, alloc and
// free, choose. Same spelling as std::atomic, so a block takes it as policy::atomics<atomics::model>.
//
// Use when  a lock-free structure shall be checked: see check.hpp.
// Not when  it shall run: outside a checked body these objects are plain memory, good for one thread.
// Threads   the model's.
// Limits    T up to 16 bytes, trivially copyable.
#ifndef FRYS_SIM_MODEL_ATOMICS_HPP
#define FRYS_SIM_MODEL_ATOMICS_HPP

// The place that calls: builtins, because clang 14 has no usable std::source_location.
#define FRYS_MODEL_SITE ::frys::sim::model::site at = {__builtin_FILE(), __builtin_LINE()}

namespace frys::inline FRYS_ABI::sim::model {

namespace detail {

template <class T>
cell_value pack(const T& value) noexcept {
  static_assert(sizeof(T) <= 16 && std::is_trivially_copyable_v<T>,
                "frys::atomics::model: an atomic's type must be trivially copyable and 16 bytes at most");
  cell_value out;
  if constexpr (sizeof(T) <= sizeof out.low)
    std::memcpy(&out.low, &value, sizeof(T));
  else {
    unsigned char bytes[16] = {};
    std::memcpy(bytes, &value, sizeof(T));
    std::memcpy(&out.low, bytes, 8);
    std::memcpy(&out.high, bytes + 8, 8);
  }
  return out;
}
template <class T>
T unpack(const cell_value& v) noexcept {
  T out;
  if constexpr (sizeof(T) <= sizeof v.low) {
    std::memcpy(static_cast<void*>(&out), &v.low, sizeof(T));
  } else {
    unsigned char bytes[16];
    std::memcpy(bytes, &v.low, 8);
    std::memcpy(bytes + 8, &v.high, 8);
    std::memcpy(static_cast<void*>(&out), bytes, sizeof(T));
  }
  return out;
}

// The order that a failed compare-exchange has when one order is given.
constexpr std::memory_order failure_order(std::memory_order o) noexcept {
  return o == std::memory_order_acq_rel   ? std::memory_order_acquire
         : o == std::memory_order_release ? std::memory_order_relaxed
                                          : o;
}

// All operations on a cell; atomic and atomic_ref share them.
template <class T>
class atomic_operations {
 public:
  using value_type = T;
  static constexpr bool is_always_lock_free = true;
  static constexpr bool is_lock_free() noexcept { return true; }

 protected:
  static T load_from(atomic_cell& c, const void* a, std::memory_order order, site at) noexcept {
    execution* e = execution::current();
    if (e == nullptr) return unpack<T>(c.first);
    return unpack<T>(e->load(c, a, mutation::applied(order, at, access::load), at));
  }
  static void store_to(atomic_cell& c, const void* a, T value, std::memory_order order, site at) noexcept {
    execution* e = execution::current();
    if (e == nullptr)
      c.first = pack(value);
    else
      e->store(c, a, pack(value), mutation::applied(order, at, access::store), at);
  }
  template <class F>
  static T update(atomic_cell& c, const void* a, std::memory_order order, site at, F&& f) noexcept {
    execution* e = execution::current();
    if (e == nullptr) {
      const T old = unpack<T>(c.first);
      c.first = pack<T>(f(old));
      return old;
    }
    return unpack<T>(e->update(
        c, a, mutation::applied(order, at, access::update), [&](cell_value old) { return pack<T>(f(unpack<T>(old))); },
        at));
  }
  static bool exchange_if(atomic_cell& c, const void* a, T& expected, T desired, std::memory_order success,
                          std::memory_order failure, site at) noexcept {
    cell_value wanted = pack(expected);
    execution* e = execution::current();
    if (e == nullptr) {
      if (c.first == wanted) return c.first = pack(desired), true;
      expected = unpack<T>(c.first);
      return false;
    }
    const bool done = e->compare_exchange(c, a, wanted, pack(desired), mutation::applied(success, at, access::update),
                                          mutation::applied(failure, at, access::failure), at);
    if (!done) expected = unpack<T>(wanted);
    return done;
  }
};

template <class T, class Derived>
class atomic_interface : public atomic_operations<T> {
  using ops = atomic_operations<T>;

 public:
  // A pointer moves by elements, a number by one.
  using difference_type = std::conditional_t<std::is_pointer_v<T>, std::ptrdiff_t, T>;

  T load(std::memory_order order = std::memory_order_seq_cst, FRYS_MODEL_SITE) const noexcept {
    return ops::load_from(cell(), address(), order, at);
  }
  void store(T value, std::memory_order order = std::memory_order_seq_cst, FRYS_MODEL_SITE) const noexcept {
    detail::atomic_cell& c = cell();
    ops::store_to(c, address(), value, order, at);
    tell(c);
  }
  T exchange(T value, std::memory_order order = std::memory_order_seq_cst, FRYS_MODEL_SITE) const noexcept {
    return updated(order, at, [&](T) { return value; });
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order success, std::memory_order failure,
                               FRYS_MODEL_SITE) const noexcept {
    return exchanged(expected, desired, success, failure, at);
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order order = std::memory_order_seq_cst,
                               FRYS_MODEL_SITE) const noexcept {
    return exchanged(expected, desired, order, failure_order(order), at);
  }
  // Fails only when the values differ: a spurious failure shows nothing that a second try does not.
  bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure,
                             FRYS_MODEL_SITE) const noexcept {
    return exchanged(expected, desired, success, failure, at);
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order order = std::memory_order_seq_cst,
                             FRYS_MODEL_SITE) const noexcept {
    return exchanged(expected, desired, order, failure_order(order), at);
  }
  T fetch_add(difference_type by, std::memory_order order = std::memory_order_seq_cst, FRYS_MODEL_SITE) const noexcept {
    return updated(order, at, [&](T old) { return plus(old, by); });
  }
  T fetch_sub(difference_type by, std::memory_order order = std::memory_order_seq_cst, FRYS_MODEL_SITE) const noexcept {
    return updated(order, at, [&](T old) { return minus(old, by); });
  }
  T fetch_and(T with, std::memory_order order = std::memory_order_seq_cst,
              FRYS_MODEL_SITE) const noexcept requires std::integral<T> {
    return updated(order, at, [&](T old) { return static_cast<T>(old & with); });
  }
  T fetch_or(T with, std::memory_order order = std::memory_order_seq_cst,
             FRYS_MODEL_SITE) const noexcept requires std::integral<T> {
    return updated(order, at, [&](T old) { return static_cast<T>(old | with); });
  }
  T fetch_xor(T with, std::memory_order order = std::memory_order_seq_cst,
              FRYS_MODEL_SITE) const noexcept requires std::integral<T> {
    return updated(order, at, [&](T old) { return static_cast<T>(old ^ with); });
  }
  operator T() const noexcept { return load(std::memory_order_seq_cst); }

 private:
  // Wraps, as atomic arithmetic does.
  static T plus(T a, difference_type b) noexcept {
    if constexpr (std::integral<T>)
      return static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) + static_cast<std::make_unsigned_t<T>>(b));
    else
      return a + b;
  }
  static T minus(T a, difference_type b) noexcept {
    if constexpr (std::integral<T>)
      return static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) - static_cast<std::make_unsigned_t<T>>(b));
    else
      return a - b;
  }
  template <class F>
  T updated(std::memory_order order, site at, F&& f) const noexcept {
    atomic_cell& c = cell();
    const T old = ops::update(c, address(), order, at, f);
    tell(c);
    return old;
  }
  bool exchanged(T& expected, T desired, std::memory_order success, std::memory_order failure, site at) const noexcept {
    atomic_cell& c = cell();
    const bool done = ops::exchange_if(c, address(), expected, desired, success, failure, at);
    if (done) tell(c);
    return done;
  }
  // Something was stored.
  void tell(const atomic_cell& c) const noexcept {
    if constexpr (requires(const Derived& d) { d.changed(c); }) static_cast<const Derived&>(*this).changed(c);
  }
  atomic_cell& cell() const noexcept { return static_cast<const Derived&>(*this).cell(); }
  const void* address() const noexcept { return static_cast<const Derived&>(*this).place(); }
};

}  // namespace detail

template <class T>
class atomic : public detail::atomic_interface<T, atomic<T>> {
 public:
  atomic() noexcept : atomic(T{}) {}
  atomic(T value, FRYS_MODEL_SITE) noexcept {
    static_cast<void>(at);
    cell_.first = detail::pack(value);
    if (detail::execution* e = detail::execution::current()) e->made(cell_);
  }
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;
  T operator=(T value) noexcept { return this->store(value, std::memory_order_seq_cst), value; }
  ~atomic() {
    if (detail::execution* e = detail::execution::current()) e->ended(cell_, this, site{});
  }

 private:
  friend detail::atomic_interface<T, atomic>;
  friend struct atomics;
  detail::atomic_cell& cell() const noexcept { return cell_; }
  const void* place() const noexcept { return this; }

  mutable detail::atomic_cell cell_;
  mutable detail::atomic_cell sleepers_;  // the futex's queue
};

// An object that is atomic only while it is used through this. T's memory always holds what the last store left.
template <class T>
class atomic_ref : public detail::atomic_interface<T, atomic_ref<T>> {
 public:
  explicit atomic_ref(T& object) noexcept : object_(&object) {}
  atomic_ref(const atomic_ref&) noexcept = default;
  atomic_ref& operator=(const atomic_ref&) = delete;
  T operator=(T value) const noexcept { return this->store(value, std::memory_order_seq_cst), value; }

 private:
  friend detail::atomic_interface<T, atomic_ref>;
  detail::atomic_cell& cell() const noexcept {
    detail::execution* e = detail::execution::current();
    if (e != nullptr) return e->referred(object_, detail::pack(*object_));
    outside_.first = detail::pack(*object_);
    return outside_;
  }
  void changed(const detail::atomic_cell& c) const noexcept {
    detail::execution* e = detail::execution::current();
    *object_ = detail::unpack<T>(e == nullptr ? c.first : e->newest(c));
  }
  const void* place() const noexcept { return object_; }

  T* object_;
  mutable detail::atomic_cell outside_;
};

// Data that one thread at a time uses: each use is checked against all others.
template <class T>
class checked_var {
 public:
  checked_var() : value_{} { touch(detail::execution::use::begin, site{}); }
  template <class U>
  requires std::constructible_from<T, U>
  explicit checked_var(U&& value, FRYS_MODEL_SITE) : value_(std::forward<U>(value)) {
    touch(detail::execution::use::begin, at);
  }
  ~checked_var() { touch(detail::execution::use::end, site{}); }
  checked_var(const checked_var&) = delete;
  checked_var& operator=(const checked_var&) = delete;

  const T& get(FRYS_MODEL_SITE) const noexcept {
    touch(detail::execution::use::read, at);
    return value_;
  }
  T& ref(FRYS_MODEL_SITE) noexcept {
    touch(detail::execution::use::write, at);
    return value_;
  }

 private:
  void touch(detail::execution::use how, site at) const noexcept {
    if (detail::execution* e = detail::execution::current()) e->plain(this, how, at);
  }
  T value_;
};

// An element for containers under the model: being made, moved from, read and ended are checked as uses of its memory.
template <class T>
class value {
 public:
  value(FRYS_MODEL_SITE) noexcept : value(T{}, at) {}
  value(T v, FRYS_MODEL_SITE) noexcept : held_(v) { touch(detail::execution::use::begin, at); }
  value(const value& other) noexcept : held_(other.get()) { touch(detail::execution::use::begin, site{}); }
  value(value&& other) noexcept : held_(other.take()) { touch(detail::execution::use::begin, site{}); }
  value& operator=(const value& other) noexcept {
    const T v = other.get();
    touch(detail::execution::use::write, site{});
    held_ = v;
    return *this;
  }
  value& operator=(value&& other) noexcept {
    const T v = other.take();
    touch(detail::execution::use::write, site{});
    held_ = v;
    return *this;
  }
  ~value() { touch(detail::execution::use::end, site{}); }

  T get(FRYS_MODEL_SITE) const noexcept {
    touch(detail::execution::use::read, at);
    return held_;
  }
  operator T() const noexcept { return get(); }

 private:
  T take() noexcept {
    touch(detail::execution::use::write, site{});
    return held_;
  }
  void touch(detail::execution::use how, site at) const noexcept {
    if (detail::execution* e = detail::execution::current()) e->plain(this, how, at);
  }
  T held_;
};

// The policy itself.
struct atomics {
  template <class T>
  using atomic = model::atomic<T>;
  template <class T>
  using atomic_ref = model::atomic_ref<T>;
  template <class T>
  using var = checked_var<T>;

  static void fence(std::memory_order order, FRYS_MODEL_SITE) noexcept {
    if (detail::execution* e = detail::execution::current()) e->fence(mutation::applied(order, at, access::fence), at);
  }
  static void pause(FRYS_MODEL_SITE) noexcept {
    if (detail::execution* e = detail::execution::current()) e->pause(at);
  }
  // With a deadline it may time out at any moment.
  static bool wait(const atomic<std::uint32_t>& word, std::uint32_t old, deadline until, FRYS_MODEL_SITE) noexcept {
    detail::execution* e = detail::execution::current();
    return e == nullptr || e->wait(word.cell_, &word, word.sleepers_, old, !until.is_never(), at);
  }
  static void notify_one(const atomic<std::uint32_t>& word, FRYS_MODEL_SITE) noexcept {
    if (detail::execution* e = detail::execution::current()) e->notify(word.sleepers_, false, at);
  }
  static void notify_all(const atomic<std::uint32_t>& word, FRYS_MODEL_SITE) noexcept {
    if (detail::execution* e = detail::execution::current()) e->notify(word.sleepers_, true, at);
  }
  // Steps of the execution so far.
  static std::uint64_t now() noexcept {
    detail::execution* e = detail::execution::current();
    return e == nullptr ? 0 : e->steps();
  }
  // Memory whose leaks, double frees and uses after free are found; what a thread has freed may come back to it.
  static void* alloc(std::size_t bytes, FRYS_MODEL_SITE) noexcept { return alloc(bytes, 16, at); }
  static void* alloc(std::size_t bytes, std::size_t alignment, site at) noexcept {
    detail::execution* e = detail::execution::current();
    return e == nullptr ? nullptr : e->allocate(bytes, alignment, at);
  }
  static void free(void* memory, FRYS_MODEL_SITE) noexcept {
    if (detail::execution* e = detail::execution::current()) e->release(memory, at);
  }
  // One of 0 .. count - 1: each is tried.
  static std::uint32_t choose(std::uint32_t count, FRYS_MODEL_SITE) noexcept {
    detail::execution* e = detail::execution::current();
    return e == nullptr ? 0 : e->choose(count, at);
  }
};

}  // namespace frys::inline FRYS_ABI::sim::model

namespace frys::inline FRYS_ABI::atomics {
using model = sim::model::atomics;
}

#undef FRYS_MODEL_SITE

#endif  // FRYS_SIM_MODEL_ATOMICS_HPP
// ---- frys/sim/model/exhaustive.hpp
// exhaustive: every execution once, up to what cannot be told apart: not every interleaving, but every graph of who
// reads from whom and in which order the stores of a location stand.
//
// Threads run one after the other as far as they get. Each load takes each store that is there; each store, once it is
// made, is also offered to the loads that came before it and could have read it, had it been there (a revisit): what
// depends on such a load is taken back, and the store with all it needs stays. A revisit is made only from the one
// graph in which all that is taken back was chosen in the standard way, so no graph comes twice, and nothing is
// remembered but a stack of graphs to go on with.
//
// Source   M. Kokologiannakis, I. Marmanis, V. Gladstein, V. Vafeiadis, "Truly stateless, optimal dynamic partial order
//          reduction", POPL 2022. This goes further than source sets with sleep sets over schedules: those still tell
//          apart the orders of stores to a location that nobody reads.
#ifndef FRYS_SIM_MODEL_EXHAUSTIVE_HPP
#define FRYS_SIM_MODEL_EXHAUSTIVE_HPP

namespace frys::inline FRYS_ABI::sim::model::detail {

class exhaustive_strategy final : public strategy {
 public:
  // Graphs to go on with: what is left to do falls into them, and each can be done apart from the others.
  struct step {               // an event of it
    std::uint16_t index = 0;  // in its thread
    std::uint8_t thread = 0;
    std::uint8_t source_thread = 0;
    std::uint16_t source_index = 0;  // of a read: which store; 0: the location's first value
    bool reads = false;
    std::uint32_t rank = 0;  // of a write: its place among those of its location; of a choice: its value
  };
  using part = std::vector<step>;
  // All that comes of `p`; without this, all there is.
  void start(part p) {
    stack_.clear();
    stack_.push_back(std::move(p));
  }
  std::vector<part> take_rest() { return std::exchange(stack_, {}); }

  [[nodiscard]] bool is_done() const noexcept { return stack_.empty(); }
  // Before each execution: takes the next graph off the stack.
  void begin() {
    plan_ = std::move(stack_.back());
    stack_.pop_back();
    order_.assign(plan_.size(), no_event);
    for (auto& w : wanted_) w.clear();
    for (std::size_t i = 0; i < plan_.size(); ++i) {
      auto& w = wanted_[plan_[i].thread];
      if (w.size() <= plan_[i].index) w.resize(plan_[i].index + std::size_t{1}, none);
      w[plan_[i].index] = static_cast<std::uint32_t>(i);
    }
    seen_ = 0;
    replayed_ = 0;
  }

  unsigned next_thread(execution& e, unsigned runnable, unsigned current) override {
    catch_up(e);
    if (replayed_ == plan_.size()) {
      if ((runnable >> current & 1) != 0) return current;
      return static_cast<unsigned>(std::countr_zero(runnable));
    }
    if ((runnable >> current & 1) != 0 && can_replay(e, current)) return current;
    for (unsigned bits = runnable; bits != 0; bits &= bits - 1) {
      const auto t = static_cast<unsigned>(std::countr_zero(bits));
      if (can_replay(e, t)) return t;
    }
    return stop;
  }

  std::uint32_t read(execution& e, const std::uint32_t* positions, std::uint32_t count, bool) override {
    catch_up(e);
    const location& l = e.memory.at(at_);
    if (const step* s = planned(e)) {
      for (std::uint32_t i = 0; i < count; ++i) {
        const event& m = e.memory.events[l.order[positions[i]]];
        if (s->source_index == 0
                ? m.kind == event_kind::start
                : m.thread == s->source_thread && m.index == s->source_index && m.kind != event_kind::start)
          return i;
      }
      return stop;
    }
    for (std::uint32_t i = count; i-- > 1;) {
      step next = fresh(e);
      set_source(next, e.memory.events[l.order[positions[i]]]);
      push(e, next);
    }
    return 0;
  }
  std::uint32_t place(execution& e, const std::uint32_t* positions, std::uint32_t count) override {
    catch_up(e);
    const std::uint32_t lid = at_;
    const location& l = e.memory.at(lid);
    if (const step* s = planned(e)) {
      std::uint32_t p = 0;
      while (p < l.order.size() && rank_of(l.order[p]) < s->rank) ++p;
      for (std::uint32_t i = 0; i < count; ++i)
        if (positions[i] == p) return i;
      return stop;
    }
    revisit(e, lid, no_event);
    for (std::uint32_t i = count; i-- > 1;) {
      step next = fresh(e);
      next.rank = 2 * positions[i] - 1;
      push(e, next);
    }
    return 0;
  }
  bool update(execution& e, std::uint32_t lid, std::uint32_t position, bool free) override {
    catch_up(e);
    if (planned(e) != nullptr) return free;
    revisit(e, lid, position - 1);
    return free;
  }
  std::uint32_t choose(execution& e, std::uint32_t count) override {
    catch_up(e);
    if (const step* s = planned(e)) return s->rank < count ? s->rank : stop;
    for (std::uint32_t i = count; i-- > 1;) {
      step next = fresh(e);
      next.rank = i;
      push(e, next);
    }
    return 0;
  }
  bool wants_every_event() const noexcept override { return true; }
  bool pause_is_final() const noexcept override { return true; }
  void looks_at(std::uint32_t location) noexcept override { at_ = location; }

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  using graph = part;

  // Brings order_ up to date with what has happened.
  void catch_up(execution& e) {
    for (; seen_ < e.memory.events.size(); ++seen_) {
      const event& x = e.memory.events[seen_];
      if (x.kind == event_kind::start) continue;
      const auto& w = wanted_[x.thread];
      if (x.index < w.size() && w[x.index] != none) {
        order_[w[x.index]] = static_cast<std::uint32_t>(seen_);
        ++replayed_;
      } else {
        order_.push_back(static_cast<std::uint32_t>(seen_));
      }
    }
    memory_ = &e.memory;
  }
  const step* planned(execution& e) const noexcept {
    const unsigned t = e.active();
    const unsigned i = e.next_index(t);
    return i < wanted_[t].size() && wanted_[t][i] != none ? &plan_[wanted_[t][i]] : nullptr;
  }
  bool can_replay(execution& e, unsigned t) const noexcept {
    const unsigned i = e.next_index(t);
    if (i >= wanted_[t].size() || wanted_[t][i] == none) return false;
    const step& s = plan_[wanted_[t][i]];
    return !s.reads || s.source_index == 0 ||
           e.memory.threads[s.source_thread].clock.at[s.source_thread] >= s.source_index;
  }
  // Of a message that was replayed: its place in the plan.
  std::uint32_t rank_of(std::uint32_t id) const noexcept {
    const event& x = memory_->events[id];
    if (x.kind == event_kind::start) return 0;
    const auto& w = wanted_[x.thread];
    return x.index < w.size() && w[x.index] != none ? plan_[w[x.index]].rank : ~std::uint32_t{0};
  }

  step fresh(execution& e) const noexcept {
    step s;
    s.thread = static_cast<std::uint8_t>(e.active());
    s.index = static_cast<std::uint16_t>(e.next_index(e.active()));
    return s;
  }
  static void set_source(step& s, const event& m) noexcept {
    s.reads = true;
    s.source_thread = m.thread;
    s.source_index = m.kind == event_kind::start ? std::uint16_t{0} : m.index;
  }
  step step_of(const event& x) const noexcept {
    step s;
    s.thread = x.thread;
    s.index = x.index;
    if (is_read(x.kind)) set_source(s, memory_->events[x.source]);
    if (is_write(x.kind)) s.rank = 2 * x.position;
    if (x.kind == event_kind::choice) s.rank = static_cast<std::uint32_t>(x.value.low);
    return s;
  }
  // The graph so far and one more event.
  void push(execution&, const step& last) {
    graph g;
    g.reserve(order_.size() + 1);
    for (const std::uint32_t id : order_) g.push_back(step_of(memory_->events[id]));
    g.push_back(last);
    stack_.push_back(std::move(g));
  }

  // A store of the active thread to `lid` is about to be made: behind the message at `source` if it is an update's,
  // else anywhere. Offers it to the loads that came before it.
  void revisit(execution& e, std::uint32_t lid, std::uint32_t source) {
    const location& l = e.memory.at(lid);
    const vector_clock& prefix = e.memory.threads[e.active()].known;
    const auto kept_by = [&](const event& x) { return prefix.knows(x.thread, x.index); };
    const std::uint32_t low = e.memory.floor(lid, e.active());
    for (std::size_t i = 0; i < order_.size(); ++i) {
      const event& r = e.memory.events[order_[i]];
      if (!is_read(r.kind) || r.location != lid || kept_by(r)) continue;
      bool standard = true;
      for (std::size_t j = i; standard && j < order_.size(); ++j) {
        const event& x = e.memory.events[order_[j]];
        if (!kept_by(x)) standard = is_standard(j, prefix);
      }
      if (!standard) continue;
      // What stays: all up to r, and what the store needs.
      graph g;
      for (std::size_t j = 0; j < order_.size(); ++j) {
        const event& x = e.memory.events[order_[j]];
        if (j > i && !kept_by(x)) continue;
        step s = step_of(x);
        if (j == i) {
          s.reads = true;
          s.source_thread = static_cast<std::uint8_t>(e.active());
          s.source_index = static_cast<std::uint16_t>(e.next_index(e.active()));
          s.rank = 0;
        }
        g.push_back(s);
      }
      g.push_back(fresh(e));
      // Its places among the stores that stay.
      const auto stays = [&](std::uint32_t p) {
        const event& m = e.memory.events[l.order[p]];
        if (m.kind == event_kind::start || kept_by(m)) return true;
        for (std::size_t j = 0; j < i; ++j)
          if (order_[j] == l.order[p]) return true;
        return false;
      };
      for (std::uint32_t p = low; p < l.order.size(); ++p) {
        if (!stays(p) || (source != no_event && p != source)) continue;
        // Not between an update and what it has read.
        std::uint32_t next = p + 1;
        while (next < l.order.size() && !stays(next)) ++next;
        if (next < l.order.size() && e.memory.events[l.order[next]].kind == event_kind::update_store) continue;
        g.back().rank = 2 * p + 1;
        stack_.push_back(g);
      }
    }
  }
  // Whether event j of the order was chosen in the standard way: a store at the end, a load from the last store, the
  // first choice; seen from what came before it and what the new store needs.
  bool is_standard(std::size_t j, const vector_clock& prefix) const noexcept {
    const event& x = memory_->events[order_[j]];
    if (x.kind == event_kind::choice) return x.value.low == 0;
    if (!is_read(x.kind) && !is_write(x.kind)) return true;
    const std::uint32_t mine = x.position;
    for (std::size_t k = 0; k < order_.size(); ++k) {
      const event& y = memory_->events[order_[k]];
      if (k >= j && !prefix.knows(y.thread, y.index)) continue;
      if ((!is_read(y.kind) && !is_write(y.kind)) || y.location != x.location) continue;
      if (is_write(x.kind) && is_read(y.kind) && y.source == order_[j]) return false;
      if (is_write(y.kind) && y.position > mine) return false;
    }
    return true;
  }

  std::vector<graph> stack_ = std::vector<graph>(1);  // at first the empty one
  graph plan_;
  std::vector<std::uint32_t> order_;  // events in the order in which the graph grew
  std::vector<std::uint32_t> wanted_[most_threads];
  std::size_t seen_ = 0;
  std::size_t replayed_ = 0;
  std::uint32_t at_ = 0;
  memory* memory_ = nullptr;
};

}  // namespace frys::inline FRYS_ABI::sim::model::detail

#endif  // FRYS_SIM_MODEL_EXHAUSTIVE_HPP
// ---- frys/sim/model/explore.hpp
// explore: strategies that walk through executions one by one: random, pct, bounded, replay.
//
// random   each decision by a die; finds shallow bugs fast, proves nothing.
// pct      random priorities and depth - 1 changes of them: each bug of that depth is found with a chance of at least
//          1 in threads * steps ^ (depth - 1) per execution.
// bounded  every execution with at most so many preemptions; ~0u: every interleaving, without any reduction.
// replay   the decisions of a schedule.
//
// Source   S. Burckhardt et al., "A randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS 2010
//          (pct); M. Musuvathi, S. Qadeer, "Iterative context bounding", PLDI 2007 (bounded).
#ifndef FRYS_SIM_MODEL_EXPLORE_HPP
#define FRYS_SIM_MODEL_EXPLORE_HPP

namespace frys::inline FRYS_ABI::sim::model::detail {

// xorshift64*: enough for dice.
class die {
 public:
  explicit die(std::uint64_t seed) noexcept : state_(seed * 0x9E3779B97F4A7C15u + 0x2545F4914F6CDD1Du) {
    if (state_ == 0) state_ = 1;
  }
  std::uint32_t below(std::uint32_t n) noexcept {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    const auto r = static_cast<std::uint32_t>((state_ * 0x2545F4914F6CDD1Du) >> 32);
    return static_cast<std::uint32_t>((std::uint64_t{r} * n) >> 32);
  }

 private:
  std::uint64_t state_;
};

// Of 8 bits: the n-th that is set, and how many are. Tables, since dice make every branch a surprise.
struct bit_tables {
  std::uint8_t nth[256][8] = {};
  std::uint8_t count[256] = {};
  constexpr bit_tables() noexcept {
    for (unsigned bits = 0; bits < 256; ++bits)
      for (std::uint8_t b = 0; b < 8; ++b)
        if ((bits >> b & 1) != 0) nth[bits][count[bits]++] = b;
  }
};
inline constexpr bit_tables bits_of;
static_assert(most_threads == 8);
constexpr unsigned nth_bit(unsigned bits, unsigned n) noexcept { return bits_of.nth[bits][n]; }
constexpr unsigned count_bits(unsigned bits) noexcept { return bits_of.count[bits]; }

class random_strategy : public strategy {
 public:
  explicit random_strategy(std::uint64_t seed) noexcept : die_(seed) {}
  void begin() noexcept { before_ = die_; }
  // Makes the execution that begin() was called for once more.
  void repeat() noexcept { die_ = before_; }
  unsigned next_thread(execution&, unsigned runnable, unsigned) override {
    return nth_bit(runnable, die_.below(count_bits(runnable)));
  }
  std::uint32_t read(execution& e, const std::uint32_t*, std::uint32_t count, bool) override {
    if (count == 1 || e.hurries(e.active())) return 0;
    return die_.below(2) == 0 ? 0 : die_.below(count);
  }
  std::uint32_t place(execution&, const std::uint32_t*, std::uint32_t count) override {
    if (count == 1) return 0;
    return die_.below(4) != 0 ? 0 : die_.below(count);
  }
  std::uint32_t choose(execution&, std::uint32_t count) override { return die_.below(count); }

 protected:
  die die_;

 private:
  die before_ = die_;  // at the beginning of this execution
};

class pct_strategy final : public random_strategy {
 public:
  pct_strategy(unsigned depth, std::uint64_t seed) noexcept : random_strategy(seed), depth_(depth) {}
  // Before each execution.
  void begin() {
    random_strategy::begin();
    length_ = longest_;
    prepare();
  }
  void repeat() {
    random_strategy::repeat();
    prepare();
  }
  unsigned next_thread(execution&, unsigned runnable, unsigned current) override {
    ++steps_;
    longest_ = (std::max)(longest_, steps_);
    for (const std::uint32_t c : changes_)
      if (c == steps_ && next_low_ != 0) priority_[current] = --next_low_;
    unsigned best = most_threads;
    for (unsigned t = 0; t < most_threads; ++t)
      if ((runnable >> t & 1) != 0 && (best == most_threads || priority_[t] > priority_[best])) best = t;
    return best;
  }

 private:
  void prepare() {
    next_low_ = most_threads;
    std::uint32_t left[most_threads];
    for (unsigned t = 0; t < most_threads; ++t) left[t] = t;
    for (unsigned t = 0; t < most_threads; ++t) {
      std::swap(left[t], left[t + die_.below(most_threads - t)]);
      priority_[left[t]] = most_threads + t;
    }
    changes_.clear();
    for (unsigned i = 1; i < depth_; ++i) changes_.push_back(die_.below((std::max)(length_, 1u)));
    steps_ = 0;
  }

  unsigned depth_;
  std::uint32_t priority_[most_threads] = {};
  std::vector<std::uint32_t> changes_;
  std::uint32_t steps_ = 0, longest_ = 16;
  std::uint32_t length_ = 16;  // that the changes are spread over
  std::uint32_t next_low_ = most_threads;
};

class bounded_strategy final : public strategy {
 public:
  explicit bounded_strategy(unsigned preemptions) noexcept : most_(preemptions) {}
  // The first decisions of executions: all that begin so are a part of the work, to be done apart from the others.
  struct fork {
    std::uint32_t taken, options;
  };
  using part = std::vector<fork>;
  void start(part p) {
    path_ = std::move(p);
    root_ = path_.size();
    started_ = false;
  }
  // What is left after the last execution, as parts; nothing is left here.
  std::vector<part> take_rest() {
    std::vector<part> out;
    for (std::size_t i = root_; i < path_.size(); ++i)
      for (std::uint32_t other = path_[i].taken + 1; other < path_[i].options; ++other) {
        out.emplace_back(path_.begin(), path_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        out.back().back().taken = other;
      }
    path_.resize(root_);
    return out;
  }
  [[nodiscard]] bool is_done() const noexcept {
    for (std::size_t i = root_; i < path_.size(); ++i)
      if (path_[i].taken + 1 != path_[i].options) return false;
    return started_;
  }
  // Before each execution.
  void begin() {
    at_ = 0;
    preemptions_ = 0;
    if (!std::exchange(started_, true)) return;
    while (path_.back().taken + 1 == path_.back().options) path_.pop_back();
    ++path_.back().taken;
  }
  unsigned next_thread(execution&, unsigned runnable, unsigned current) override {
    const bool goes_on = (runnable >> current & 1) != 0;
    unsigned options = count_bits(runnable);
    if (goes_on && preemptions_ == most_) options = 1;
    const unsigned n = decide(options);
    if (!goes_on) return nth_bit(runnable, n);
    if (n == 0) return current;
    ++preemptions_;
    return nth_bit(runnable & ~(1u << current), n - 1);
  }
  std::uint32_t read(execution& e, const std::uint32_t*, std::uint32_t count, bool) override {
    return e.hurries(e.active()) ? 0 : decide(count);
  }
  std::uint32_t place(execution&, const std::uint32_t*, std::uint32_t count) override { return decide(count); }
  std::uint32_t choose(execution&, std::uint32_t count) override { return decide(count); }

 private:
  std::uint32_t decide(std::uint32_t options) {
    if (options <= 1) return 0;
    if (at_ == path_.size()) path_.push_back({0, options});
    return path_[at_++].taken;
  }
  unsigned most_;
  unsigned preemptions_ = 0;
  part path_;
  std::size_t root_ = 0;  // how much of it stays
  std::size_t at_ = 0;
  bool started_ = false;
};

// Follows a schedule; where it does not fit any more (a part was left out), goes on in the plainest way.
class replay_strategy final : public strategy {
 public:
  explicit replay_strategy(const std::vector<decision>& schedule) noexcept : schedule_(schedule) {}
  unsigned next_thread(execution&, unsigned runnable, unsigned current) override {
    if (const decision* d = next(decision::kind::thread); d != nullptr && (runnable >> d->value & 1) != 0)
      return d->value;
    if ((runnable >> current & 1) != 0) return current;
    return static_cast<unsigned>(std::countr_zero(runnable));
  }
  std::uint32_t read(execution&, const std::uint32_t*, std::uint32_t count, bool) override {
    return pick(decision::kind::read, count);
  }
  std::uint32_t place(execution&, const std::uint32_t*, std::uint32_t count) override {
    return pick(decision::kind::place, count);
  }
  std::uint32_t choose(execution&, std::uint32_t count) override { return pick(decision::kind::choice, count); }
  bool wants_every_choice() const noexcept override { return true; }

 private:
  const decision* next(decision::kind what) noexcept {
    if (at_ == schedule_.size() || schedule_[at_].what != what) return nullptr;
    return &schedule_[at_++];
  }
  std::uint32_t pick(decision::kind what, std::uint32_t count) noexcept {
    const decision* d = next(what);
    return d != nullptr && d->value < count ? d->value : 0;
  }
  const std::vector<decision>& schedule_;
  std::size_t at_ = 0;
};

}  // namespace frys::inline FRYS_ABI::sim::model::detail

#endif  // FRYS_SIM_MODEL_EXPLORE_HPP
// ---- frys/sim/model/report.hpp
// report: what a check has found: counts, the verdict, the schedule that leads there, the diagram of that execution.
// frys: orders as data
#ifndef FRYS_SIM_MODEL_REPORT_HPP
#define FRYS_SIM_MODEL_REPORT_HPP

namespace frys::inline FRYS_ABI::sim::model {

namespace detail {

inline std::string_view base_name(const char* file) noexcept {
  const char* last = std::strrchr(file, '/');
  return last == nullptr ? file : last + 1;
}
constexpr std::string_view name_of(std::memory_order o) noexcept {
  switch (o) {
    case std::memory_order_relaxed:
      return "relaxed";
    case std::memory_order_consume:
      return "consume";
    case std::memory_order_acquire:
      return "acquire";
    case std::memory_order_release:
      return "release";
    case std::memory_order_acq_rel:
      return "acq_rel";
    case std::memory_order_seq_cst:
      return "seq_cst";
  }
  return "?";
}

// One line of the diagram.
struct drawn_step {
  unsigned thread = 0;
  std::string what;  // "load x1 = 3 (acquire)"
  std::string note;  // "older: 2 newer messages"
  site where;
};

inline std::string number(const cell_value& v) {
  // Pointers and negative numbers in hexadecimal, small numbers plainly.
  const auto hex = [](std::uint64_t n) {
    std::string out;
    do {
      out.insert(out.begin(), "0123456789abcdef"[n & 15]);
      n >>= 4;
    } while (n != 0);
    return "0x" + out;
  };
  if (v.high != 0) return hex(v.high) + ":" + hex(v.low);
  return v.low < 1'000'000 ? std::to_string(v.low) : hex(v.low);
}

// The events of an execution as lines, in the order in which they were made.
inline std::vector<drawn_step> draw(execution& e) {
  std::vector<drawn_step> out;
  const auto name = [](std::uint32_t l) {
    return l < 26 ? std::string(1, static_cast<char>('a' + l)) : "v" + std::to_string(l);
  };
  const event_list& all = e.memory.events;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const event& x = all[i];
    drawn_step s;
    s.thread = x.thread;
    s.where = x.where;
    const std::string order = " " + std::string(name_of(x.order));
    switch (x.kind) {
      case event_kind::start:
      case event_kind::update_store:
      case event_kind::end:
      case event_kind::spawn:
        continue;
      case event_kind::load:
        s.what = "read " + name(x.location) + " = " + number(x.value) + order;
        break;
      case event_kind::store:
        s.what = "write " + name(x.location) + " = " + number(x.value) + order;
        break;
      case event_kind::update_load: {
        s.what = "update " + name(x.location) + ": " + number(x.value);
        for (std::size_t j = i + 1; j < all.size(); ++j)
          if (all[j].thread == x.thread && all[j].kind == event_kind::update_store && all[j].location == x.location) {
            s.what += " to " + number(all[j].value);
            break;
          }
        s.what += order;
        break;
      }
      case event_kind::fence:
        s.what = "fence" + order;
        break;
      case event_kind::choice:
        s.what = "choose " + number(x.value);
        break;
    }
    if (is_read(x.kind)) {
      // Was there a newer one when it was read?
      std::size_t newer = 0;
      for (const std::uint32_t m : e.memory.at(x.location).order)
        if (m < i && all[m].position > x.position && all[m].kind != event_kind::start) ++newer;
      if (newer != 0) s.note = newer == 1 ? "stale" : "stale by " + std::to_string(newer);
    }
    out.push_back(std::move(s));
  }
  return out;
}

inline std::string place(const site& s) {
  return s.line == 0 ? std::string() : std::string(base_name(s.file)) + ":" + std::to_string(s.line);
}

// Time runs down; each thread has its column.
inline std::string diagram(const std::vector<drawn_step>& steps, unsigned threads, const std::string& end,
                           unsigned guilty) {
  std::vector<std::size_t> width(threads, 8);
  const auto cell = [](const drawn_step& s) { return s.what + (s.note.empty() ? "" : " [" + s.note + "]"); };
  for (const drawn_step& s : steps) width[s.thread] = (std::max)(width[s.thread], cell(s).size());
  std::string out;
  const auto line = [&](unsigned thread, const std::string& text, const std::string& where) {
    std::string row;
    for (unsigned t = 0; t < threads; ++t) {
      std::string part = t == thread ? text : "";
      part.resize((std::max)(part.size(), width[t]), ' ');
      row += part + " | ";
    }
    row += where;
    while (!row.empty() && row.back() == ' ') row.pop_back();
    out += row + "\n";
  };
  std::string head, rule;
  for (unsigned t = 0; t < threads; ++t) {
    std::string part = "thread " + std::to_string(t);
    part.resize((std::max)(part.size(), width[t]), ' ');
    head += part + " | ";
    rule += std::string(width[t], '-') + "-+-";
  }
  out += head + "at\n" + rule + "---\n";
  // The middle of a very long execution helps nobody.
  constexpr std::size_t most = 120;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps.size() > most && i == most / 2) {
      const std::size_t skipped = steps.size() - most;
      out += "... " + std::to_string(skipped) + " steps ...\n";
      i += skipped;
    }
    line(steps[i].thread, cell(steps[i]), place(steps[i].where));
  }
  if (!end.empty()) line(guilty, "^ here", end);
  return out;
}

inline std::string to_text(const std::vector<decision>& schedule) {
  std::string out;
  for (std::size_t i = 0; i < schedule.size();) {
    const decision& d = schedule[i];
    std::size_t n = 1;
    while (i + n < schedule.size() && schedule[i + n].what == d.what && schedule[i + n].value == d.value) ++n;
    out += "trwc"[static_cast<unsigned>(d.what)];
    out += std::to_string(d.value);
    if (n > 1) out += "x" + std::to_string(n);
    out += ' ';
    i += n;
  }
  if (!out.empty()) out.pop_back();
  return out;
}
// Empty if the text is no schedule.
inline std::vector<decision> from_text(std::string_view text) {
  std::vector<decision> out;
  std::size_t i = 0;
  const auto number_here = [&](std::uint32_t& n) {
    const std::size_t begin = i;
    n = 0;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9' && n < 100'000)
      n = n * 10 + static_cast<std::uint32_t>(text[i++] - '0');
    return i != begin;
  };
  while (i < text.size()) {
    const std::size_t what = std::string_view("trwc").find(text[i++]);
    std::uint32_t value = 0, times = 1;
    if (what == std::string_view::npos || !number_here(value)) return {};
    if (i < text.size() && text[i] == 'x' && (++i, !number_here(times))) return {};
    if (i < text.size() && text[i++] != ' ') return {};
    for (; times != 0; --times) out.push_back({static_cast<decision::kind>(what), static_cast<std::uint16_t>(value)});
  }
  return out;
}

inline void append_json(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  out += '"';
}

}  // namespace detail

// What model::check answers.
struct report {
  std::uint64_t executions = 0;  // that came to their end
  std::uint64_t blocked = 0;     // that were given up: what they would have shown, others show
  bool complete = false;         // all that the explorer can reach was seen
  fault what = fault::none;
  std::string failure;  // one sentence; empty if passed
  site where;
  std::vector<detail::drawn_step> steps;  // of the failing execution
  unsigned threads = 0;
  unsigned guilty = 0;
  std::vector<detail::decision> decisions;

  [[nodiscard]] bool passed() const noexcept { return what == fault::none; }
  // What to give model::replay to see it again.
  [[nodiscard]] std::string schedule() const { return detail::to_text(decisions); }
  // For people: the counts, or the sentence, the diagram and the schedule.
  [[nodiscard]] std::string text() const {
    std::string counts = std::to_string(executions) + " executions";
    if (blocked != 0) counts += " and " + std::to_string(blocked) + " given up";
    if (passed()) return "passed: " + counts + (complete ? ", complete\n" : ", not complete\n");
    std::string out = std::string(name_of(what)) + ": " + failure;
    if (where.line != 0) out += " (" + detail::place(where) + ")";
    out += "\nfound after " + counts + "\n\n";
    out += detail::diagram(steps, threads, std::string(name_of(what)) + " " + detail::place(where), guilty);
    const std::string way = schedule();
    out += way.size() < 2'000 ? "\nreplay: " + way + "\n" : "\nreplay: see schedule(), it is long\n";
    return out;
  }
  // For programs: the same.
  [[nodiscard]] std::string json() const {
    std::string out = "{\"passed\":";
    out += passed() ? "true" : "false";
    out += ",\"executions\":" + std::to_string(executions) + ",\"blocked\":" + std::to_string(blocked);
    out += ",\"complete\":";
    out += complete ? "true" : "false";
    if (!passed()) {
      out += ",\"fault\":";
      detail::append_json(out, name_of(what));
      out += ",\"failure\":";
      detail::append_json(out, failure);
      out += ",\"at\":";
      detail::append_json(out, detail::place(where));
      out += ",\"thread\":" + std::to_string(guilty) + ",\"schedule\":";
      detail::append_json(out, schedule());
      out += ",\"steps\":[";
      for (std::size_t i = 0; i < steps.size(); ++i) {
        if (i != 0) out += ',';
        out += "{\"thread\":" + std::to_string(steps[i].thread) + ",\"what\":";
        detail::append_json(out, steps[i].what);
        out += ",\"note\":";
        detail::append_json(out, steps[i].note);
        out += ",\"at\":";
        detail::append_json(out, detail::place(steps[i].where));
        out += '}';
      }
      out += ']';
    }
    return out + "}";
  }
};

}  // namespace frys::inline FRYS_ABI::sim::model

#endif  // FRYS_SIM_MODEL_REPORT_HPP
// ---- frys/sim/model/check.hpp
// check: runs a body of code under the model, over and over, until a fault is found or the explorer has seen enough.
//
//   auto r = model::check(model::exhaustive{}, [] {
//     treiber_stack<frys::atomics::model> s;
//     model::threads([&] { s.push(1); }, [&] { s.push(2); });
//     model::require(s.size() == 2, "nothing is lost");
//   });
//
// Explorers, by rising effort: random, pct, bounded, exhaustive; replay for one schedule. What each has covered stands
// in the report.
// Body      runs once per execution, as thread 0; must do the same whenever the model answers the same: no clocks, no
//           dice, no order of addresses. What it allocates by itself is lost when an execution is given up half-way.
// Threads   the check runs on the calling thread; model threads are fibers on it.
#ifndef FRYS_SIM_MODEL_CHECK_HPP
#define FRYS_SIM_MODEL_CHECK_HPP

namespace frys::inline FRYS_ABI::sim::model {

// Each execution that can be told apart, once. A proof for this body, within `most_executions` and `most_steps`.
struct exhaustive {
  std::uint64_t most_executions = 10'000'000;
  std::uint32_t most_steps = 5'000;     // per execution
  std::uint32_t most_thread_steps = 0;  // of each started thread, 0: no bound (wait-freedom, see progress.hpp)
};
// All interleavings with at most so many preemptions (switches away from a thread that could go on).
struct bounded {
  unsigned preemptions = 2;
  std::uint64_t most_executions = 10'000'000;
  std::uint32_t most_steps = 5'000;
};
// Dice.
struct random {
  std::uint64_t executions = 10'000;
  std::uint64_t seed = 1;
  std::uint32_t most_steps = 20'000;
};
// Priorities and depth - 1 random changes of them.
struct pct {
  unsigned depth = 3;
  std::uint64_t executions = 10'000;
  std::uint64_t seed = 1;
  std::uint32_t most_steps = 20'000;
};
// One schedule, as report::schedule() gave it.
struct replay {
  std::string_view schedule;
  std::uint32_t most_steps = 20'000;
};

// The world of a body that takes one: the same body then runs on real threads too (stress.hpp).
struct world {
  using atomics = model::atomics;
  template <class... F>
  static void threads(F&&... f);
  static void require(bool good, const char* what, const char* file = __builtin_FILE(),
                      unsigned line = static_cast<unsigned>(__builtin_LINE()));
};

// A thread of the model.
class thread {
 public:
  // `f` must stay until the thread was joined.
  template <class F>
  explicit thread(F& f, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : number_(detail::execution::current()->spawn([](void* p) { (*static_cast<F*>(p))(); }, std::addressof(f),
                                                    site{file, static_cast<unsigned>(line)})) {}
  thread(const thread&) = delete;
  thread& operator=(const thread&) = delete;
  void join(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    detail::execution::current()->join(number_, site{file, static_cast<unsigned>(line)});
  }

 private:
  unsigned number_;
};

// Runs each of `f` in a thread of its own and waits for all of them.
template <class... F>
void threads(F&&... f) {
  detail::execution& e = *detail::execution::current();
  unsigned numbers[sizeof...(F)];
  std::size_t n = 0;
  ((numbers[n++] = e.spawn([](void* p) { (*static_cast<std::remove_reference_t<F>*>(p))(); },
                           const_cast<void*>(static_cast<const volatile void*>(std::addressof(f))), site{})),
   ...);
  for (const unsigned t : numbers) e.join(t, site{});
}

// A sentence that holds here, in every execution.
inline void require(bool good, const char* what, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (detail::execution* e = detail::execution::current())
    e->require(good, what, site{file, static_cast<unsigned>(line)});
}
// One of 0 .. count - 1: each is tried.
inline std::uint32_t choose(std::uint32_t count, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return atomics::choose(count, site{file, static_cast<unsigned>(line)});
}

// A point in a model thread, ordered by happens-before: a < b if all that its thread had done at a is known at b. The
// stamps for a history (linearize.hpp) that is recorded under the model.
class moment {
 public:
  moment() noexcept = default;
  // Now, in the thread that runs.
  static moment now() noexcept {
    moment m;
    const detail::execution* e = detail::execution::current();
    if (e == nullptr) return m;
    m.thread_ = e->active();
    m.known_ = e->memory.threads[m.thread_].clock;
    m.step_ = e->steps();
    return m;
  }
  friend bool operator<(const moment& a, const moment& b) noexcept {
    if (a.thread_ == b.thread_) return a.step_ < b.step_;
    return b.known_.knows(a.thread_, a.known_.at[a.thread_]);
  }

 private:
  unsigned thread_ = 0;
  std::uint64_t step_ = 0;
  detail::vector_clock known_;
};

// A page source over the model's heap: blocks that take policy::pages have their leaks and uses after free found.
struct pages {
  static result<byte_span> allocate(std::size_t size) noexcept {
    if (size == 0) return error{errc::invalid_argument, domain::memory, "zero bytes of pages were asked for", 0};
    const std::size_t whole = (size + 15) / 16 * 16;
    void* p = atomics::alloc(whole, 64, site{"pages", 0});
    if (p == nullptr) return error{errc::out_of_memory, domain::memory, "no execution of the model runs", 0};
    return byte_span(static_cast<std::byte*>(p), whole);
  }
  static void release(byte_span memory) noexcept {
    if (memory.data() != nullptr) atomics::free(memory.data(), site{"pages", 0});
  }
};

template <class... F>
void world::threads(F&&... f) {
  model::threads(std::forward<F>(f)...);
}
inline void world::require(bool good, const char* what, const char* file, unsigned line) {
  model::require(good, what, file, static_cast<int>(line));
}

namespace detail {

// A function is no object: its place is kept in one.
template <class Body>
struct body_place {
  Body* body;
};
template <class Body>
void call_body(void* p) {
  Body& body = *static_cast<body_place<Body>*>(p)->body;
  if constexpr (std::is_invocable_v<Body&, world>)
    body(world{});
  else
    body();
}

template <class Body>
outcome run_once(execution& e, strategy& s, Body& body) {
  body_place<Body> place{&body};
  return e.run(s, &call_body<Body>, &place);
}

inline void describe(report& r, execution& e) {
  r.what = e.failed;
  r.failure = e.sentence;
  r.where = e.where;
  r.guilty = e.guilty;
  r.threads = e.thread_count();
  r.decisions = e.schedule;
  r.steps = draw(e);
}

// How hard a schedule is to read: switches of threads, and reads and places that are not the plainest.
inline std::size_t effort(const std::vector<decision>& schedule) noexcept {
  std::size_t out = 0;
  std::uint16_t last = 0;
  for (const decision& d : schedule) {
    if (d.what == decision::kind::thread)
      out += d.value != std::exchange(last, d.value) ? 2u : 0u;
    else
      out += d.value != 0 ? 1u : 0u;
  }
  return out;
}

// Leaves out parts of the failing schedule as long as the same fault comes of what is left (delta debugging; what a
// shorter schedule does not say goes the plainest way).
template <class Body>
void minimise(report& r, execution& e, Body& body) {
  unsigned budget = 2'000;
  for (std::size_t part = (std::max)(r.decisions.size() / 2, std::size_t{1}); budget != 0; part /= 2) {
    for (std::size_t at = 0; at < r.decisions.size() && budget != 0; --budget) {
      std::vector<decision> shorter = r.decisions;
      const auto from = shorter.begin() + static_cast<std::ptrdiff_t>(at);
      shorter.erase(from, from + static_cast<std::ptrdiff_t>((std::min)(part, shorter.size() - at)));
      replay_strategy s(shorter);
      const outcome o = run_once(e, s, body);
      if (o == outcome::failed && e.failed == r.what &&
          (effort(e.schedule) < effort(r.decisions) ||
           (effort(e.schedule) == effort(r.decisions) && e.schedule.size() < r.decisions.size()))) {
        describe(r, e);
      } else {
        at += part;
      }
    }
    if (part <= 1) return;
  }
}

// Counts an execution; false when it is the last one.
template <class Body>
bool count(report& r, execution& e, outcome o, Body& body, bool shrink = true) {
  if (o == outcome::blocked) return ++r.blocked, true;
  ++r.executions;
  if (o == outcome::finished) return true;
  describe(r, e);
  if (shrink) minimise(r, e, body);
  return false;
}

}  // namespace detail

namespace detail {

// What each explorer sets out with.
inline execution execution_for(const random& how) { return execution(how.most_steps); }
inline execution execution_for(const pct& how) { return execution(how.most_steps); }
inline execution execution_for(const bounded& how) { return execution(how.most_steps); }
inline execution execution_for(const exhaustive& how) { return execution(how.most_steps, how.most_thread_steps); }
inline random_strategy strategy_for(const random& how) noexcept { return random_strategy(how.seed); }
inline pct_strategy strategy_for(const pct& how) noexcept { return pct_strategy(how.depth, how.seed); }
inline bounded_strategy strategy_for(const bounded& how) noexcept { return bounded_strategy(how.preemptions); }
inline exhaustive_strategy strategy_for(const exhaustive&) { return {}; }

// Executions until there is no more to do, a fault is found, or `most` have been made; whether there was no more to do.
template <class Strategy, class Body>
bool run_all(report& r, execution& e, Strategy& s, std::uint64_t most, Body& body) {
  // A strategy that can do the same once more need not have its decisions written down until they are wanted.
  constexpr bool repeats = requires { s.repeat(); };
  for (std::uint64_t i = 0;; ++i) {
    if constexpr (requires { s.is_done(); })
      if (s.is_done()) return true;
    if (i == most) return false;
    s.begin();
    e.keeps_schedule = !repeats;
    outcome o = run_once(e, s, body);
    if constexpr (repeats)
      if (o == outcome::failed) {
        const fault first = e.failed;
        s.repeat();
        e.keeps_schedule = true;
        o = run_once(e, s, body);
        if (o != outcome::failed || e.failed != first) {
          ++r.executions;
          r.what = fault::misuse;
          r.failure = std::string("found a fault (") + name_of(first) +
                      ") that does not come again: the body does not do the same every time";
          return false;
        }
      }
    if (!count(r, e, o, body)) return false;
  }
}

}  // namespace detail

template <class Explorer, class Body>
requires requires(const Explorer& how) { detail::strategy_for(how); }
report check(const Explorer& how, Body&& body) {
  report r;
  detail::execution e = detail::execution_for(how);
  auto s = detail::strategy_for(how);
  if constexpr (requires { how.most_executions; })
    r.complete = detail::run_all(r, e, s, how.most_executions, body);
  else
    detail::run_all(r, e, s, how.executions, body);
  return r;
}
template <class Body>
report check(const replay& how, Body&& body) {
  report r;
  const std::vector<detail::decision> schedule = detail::from_text(how.schedule);
  detail::execution e(how.most_steps);
  detail::replay_strategy s(schedule);
  static_cast<void>(detail::count(r, e, detail::run_once(e, s, body), body, false));
  return r;
}

}  // namespace frys::inline FRYS_ABI::sim::model

#endif  // FRYS_SIM_MODEL_CHECK_HPP
// ---- frys/sim/model/sequential.hpp
// sequential: what an object does when one thread has it to itself: the specifications that histories are judged by.
//
// Ready     queue_spec, stack_spec, relaxed_queue_spec, set_spec, register_spec, counter_spec; over() makes one of any
//           container and a function. Each names its `operation` and `result`, and makes its operations:
//
//   using Q = model::queue_spec<int>;
//   model::history_of<Q> h;
//   auto c = h.begin(0, Q::push(7));
//   h.end(c, Q::pushed());
//   h.record(1, Q::pop(), [&] { auto v = queue.try_pop(); return v ? Q::got(*v) : Q::empty(); });
//   model::linearizable(h, Q{});
//
// Yours     see the concept `specification`.
#ifndef FRYS_SIM_MODEL_SEQUENTIAL_HPP
#define FRYS_SIM_MODEL_SEQUENTIAL_HPP

namespace frys::inline FRYS_ABI::sim::model {

// A sequential specification: a copyable state with ==, and either
//   Result apply(const Op&)                           does the operation, answers its only right result; or
//   void each(const Op&, const Result* result, take)  calls take(next state) for every state that the operation may
//                                                     leave with this result, or with any if it is null (pending).
// It may also have
//   key(const Op&)      operations of different keys have nothing to do with each other: each key is judged alone;
//   std::size_t hash()  of the state: equal states, equal hashes. Makes the search faster.
template <class Spec, class Op, class Result>
concept specification = std::copy_constructible<Spec> && std::equality_comparable<Spec> &&(
    requires(Spec s, const Op& op, const Result& r) {
      { s.apply(op) == r } -> std::convertible_to<bool>;
    } ||
    requires(Spec s, const Op& op, const Result* r) { s.each(op, r, [](Spec) {}); });

namespace detail {

// Text for an operation, a result or a key: its own text(), or the number, or the string.
template <class T>
std::string text_of(const T& value) {
  if constexpr (requires {
                  { value.text() } -> std::convertible_to<std::string>;
                }) {
    return value.text();
  } else if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_arithmetic_v<T>) {
    return std::to_string(value);
  } else if constexpr (std::is_enum_v<T>) {
    return std::to_string(static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::convertible_to<const T&, std::string_view>) {
    return std::string(std::string_view(value));
  } else if constexpr (requires {
                         { *value } -> std::convertible_to<typename T::value_type>;
                         value.has_value();
                       }) {
    return value.has_value() ? text_of(static_cast<typename T::value_type>(*value)) : std::string("none");
  } else {
    return "?";
  }
}

inline std::size_t mix(std::size_t h, std::uint64_t v) noexcept {
  std::uint64_t z = (h ^ v) * 0x9e3779b97f4a7c15u;
  return static_cast<std::size_t>(z ^ (z >> 29));
}
template <class T>
std::size_t hash_of(const T& value) noexcept {
  if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) return static_cast<std::size_t>(value);
  return 0;
}

template <class T>
std::size_t hash_all(const std::vector<T>& values) noexcept {
  std::size_t h = values.size();
  for (const T& v : values) h = mix(h, hash_of(v));
  return h;
}

}  // namespace detail

// --- queues and stacks ---

// push(value) or pop().
template <class T>
struct container_operation {
  bool is_push = false;
  T value{};

  [[nodiscard]] std::string text() const {
    return is_push ? "push(" + detail::text_of(value) + ")" : std::string("pop()");
  }
};
// push: {true}, or {} if the container was full. pop: {true, value}, or {} if it was empty.
template <class T>
struct container_result {
  bool ok = false;
  T value{};

  friend bool operator==(const container_result&, const container_result&) = default;
  [[nodiscard]] std::string text() const { return ok ? "ok " + detail::text_of(value) : std::string("no"); }
};

namespace detail {
// How operations and results of queues and stacks are made.
template <class T>
struct container_words {
  using operation = container_operation<T>;
  using result = container_result<T>;

  static operation push(T value) { return {true, std::move(value)}; }
  static operation pop() { return {}; }
  static result pushed() { return {true, T{}}; }
  static result full() { return {}; }
  static result got(T value) { return {true, std::move(value)}; }
  static result empty() { return {}; }
};

// `Newest`: pop takes what came last.
template <class T, bool Newest>
class container_spec : public container_words<T> {
 public:
  using typename container_words<T>::operation;
  using typename container_words<T>::result;

  // Full when it holds `capacity`; without one, never.
  explicit container_spec(std::size_t capacity = ~std::size_t{0}) : capacity_(capacity) {}

  result apply(const operation& op) {
    if (op.is_push) {
      if (values_.size() >= capacity_) return {};
      values_.push_back(op.value);
      return {true, T{}};
    }
    if (values_.empty()) return {};
    const auto at = Newest ? values_.end() - 1 : values_.begin();
    result r{true, std::move(*at)};
    values_.erase(at);
    return r;
  }
  friend bool operator==(const container_spec& a, const container_spec& b) { return a.values_ == b.values_; }
  [[nodiscard]] std::size_t hash() const noexcept { return hash_all(values_); }

 private:
  std::size_t capacity_;
  std::vector<T> values_;
};
}  // namespace detail

// First in, first out; first in, last out. T: default-constructible, copyable, ==.
template <class T>
using queue_spec = detail::container_spec<T, false>;
template <class T>
using stack_spec = detail::container_spec<T, true>;

// A queue out of order by at most k: pop takes one of the k + 1 oldest. k = 0 is a FIFO. It says empty only when it is,
// or, if `may_miss`, whenever it holds no more than k.
template <class T>
class relaxed_queue_spec : public detail::container_words<T> {
 public:
  using typename detail::container_words<T>::operation;
  using typename detail::container_words<T>::result;

  explicit relaxed_queue_spec(std::size_t k, bool may_miss = false, std::size_t capacity = ~std::size_t{0})
      : k_(k), capacity_(capacity), may_miss_(may_miss) {}

  template <class Take>
  void each(const operation& op, const result* r, Take take) const {
    if (op.is_push) {
      const bool fits = values_.size() < capacity_;
      if (r && !(*r == result{fits, T{}})) return;
      relaxed_queue_spec next = *this;
      if (fits) next.values_.push_back(op.value);
      take(std::move(next));
      return;
    }
    if ((!r || *r == result{}) && (values_.empty() || (may_miss_ && values_.size() <= k_))) take(*this);
    for (std::size_t i = 0; i < values_.size() && i <= k_; ++i) {
      if (r && !(*r == result{true, values_[i]})) continue;
      relaxed_queue_spec next = *this;
      next.values_.erase(next.values_.begin() + static_cast<std::ptrdiff_t>(i));
      take(std::move(next));
    }
  }
  friend bool operator==(const relaxed_queue_spec& a, const relaxed_queue_spec& b) { return a.values_ == b.values_; }
  [[nodiscard]] std::size_t hash() const noexcept { return detail::hash_all(values_); }

 private:
  std::size_t k_, capacity_;
  bool may_miss_;
  std::vector<T> values_;
};

// --- set ---

// insert and erase answer whether they changed something, contains whether it is there. Each key is judged alone.
template <class K>
class set_spec {
 public:
  enum class kind : std::uint8_t { insert, erase, contains };
  struct operation {
    kind what = kind::contains;
    K key{};

    [[nodiscard]] std::string text() const {
      return (what == kind::insert  ? "insert("
              : what == kind::erase ? "erase("
                                    : "contains(") +
             detail::text_of(key) + ")";
    }
  };
  using result = bool;

  static operation insert(K key) { return {kind::insert, std::move(key)}; }
  static operation erase(K key) { return {kind::erase, std::move(key)}; }
  static operation contains(K key) { return {kind::contains, std::move(key)}; }

  set_spec() = default;
  // A set that begins with these keys.
  explicit set_spec(std::vector<K> keys) : keys_(std::move(keys)) {}

  const K& key(const operation& op) const noexcept { return op.key; }
  bool apply(const operation& op) {
    const auto at = std::find(keys_.begin(), keys_.end(), op.key);
    const bool is_there = at != keys_.end();
    if (op.what == kind::contains) return is_there;
    if (op.what == kind::insert && !is_there) keys_.push_back(op.key);
    if (op.what == kind::erase && is_there) keys_.erase(at);
    return is_there == (op.what == kind::erase);
  }
  // Within one key's operations the other keys stand still, so their order tells nothing.
  friend bool operator==(const set_spec& a, const set_spec& b) {
    return a.keys_.size() == b.keys_.size() && std::is_permutation(a.keys_.begin(), a.keys_.end(), b.keys_.begin());
  }
  [[nodiscard]] std::size_t hash() const noexcept { return keys_.size(); }

 private:
  std::vector<K> keys_;
};

// --- register and counter ---

// read: {true, value}; write: {true}; exchange: {true, the value before}; compare_exchange: {whether it did, the value
// before}.
template <class T>
class register_spec {
 public:
  enum class kind : std::uint8_t { read, write, exchange, compare_exchange };
  struct operation {
    kind what = kind::read;
    T value{};
    T expected{};

    [[nodiscard]] std::string text() const {
      switch (what) {
        case kind::read:
          return "read()";
        case kind::write:
          return "write(" + detail::text_of(value) + ")";
        case kind::exchange:
          return "exchange(" + detail::text_of(value) + ")";
        default:
          return "compare_exchange(" + detail::text_of(expected) + ", " + detail::text_of(value) + ")";
      }
    }
  };
  using result = container_result<T>;

  static operation read() { return {}; }
  static operation write(T value) { return {kind::write, std::move(value), T{}}; }
  static operation exchange(T value) { return {kind::exchange, std::move(value), T{}}; }
  static operation compare_exchange(T expected, T desired) {
    return {kind::compare_exchange, std::move(desired), std::move(expected)};
  }

  explicit register_spec(T first = T{}) : value_(std::move(first)) {}

  result apply(const operation& op) {
    if (op.what == kind::read) return {true, value_};
    if (op.what == kind::compare_exchange && !(value_ == op.expected)) return {false, value_};
    T before = std::exchange(value_, op.value);
    if (op.what == kind::write) return {true, T{}};
    return {true, std::move(before)};
  }
  friend bool operator==(const register_spec&, const register_spec&) = default;
  [[nodiscard]] std::size_t hash() const noexcept { return detail::hash_of(value_); }

 private:
  T value_;
};

// add answers the value before; read is add(0).
template <class T>
class counter_spec {
 public:
  struct operation {
    T amount{};

    [[nodiscard]] std::string text() const { return "add(" + detail::text_of(amount) + ")"; }
  };
  using result = T;

  static operation add(T amount) { return {std::move(amount)}; }
  static operation read() { return {}; }

  explicit counter_spec(T first = T{}) : value_(std::move(first)) {}

  T apply(const operation& op) {
    T before = value_;
    value_ = static_cast<T>(value_ + op.amount);
    return before;
  }
  friend bool operator==(const counter_spec&, const counter_spec&) = default;
  [[nodiscard]] std::size_t hash() const noexcept { return detail::hash_of(value_); }

 private:
  T value_;
};

// --- any container ---

// A container (or any copyable type with ==) and a function `Result step(Container&, const Op&)`.
template <class Container, class Step>
struct over {
  Container container;
  Step step;

  over(Container c, Step s) : container(std::move(c)), step(std::move(s)) {}
  template <class Op>
  requires std::invocable<const Step&, Container&, const Op&>
  auto apply(const Op& op) { return std::as_const(step)(container, op); }
  friend bool operator==(const over& a, const over& b) { return a.container == b.container; }
};

// The same, where `key(op)` tells operations apart that have nothing to do with each other.
template <class Container, class Step, class Key>
struct over_keyed : over<Container, Step> {
  Key key;

  over_keyed(Container c, Step s, Key k) : over<Container, Step>(std::move(c), std::move(s)), key(std::move(k)) {}
};

}  // namespace frys::inline FRYS_ABI::sim::model

#endif  // FRYS_SIM_MODEL_SEQUENTIAL_HPP
// ---- frys/sim/model/linearize.hpp
// linearize: whether what threads did to an object could have been done by one thread, step by step.
//
// Use when  a structure promises to look like its sequential twin (a std container, a struct of yours) to all threads.
// Not when  an invariant says it all: model::require is cheaper.
// Threads   one at a time. Real threads record a history each, with stamps from one shared counter, and add() them.
// Order     an operation precedes another if its end stamp is less than the other's begin stamp. Without stamps the
//           history counts calls: the order of a wall clock. Structures that order by acquire and release promise less;
//           record those with stamps whose `<` is happens-before (a < b: all up to a is known at b; it may be partial).
//           Then the verdict is one of the execution itself, whatever schedule it was found by.
// Pending   an operation that has begun and not ended may have taken effect or not, with any result.
// Limits    the question is NP-complete: the search gives up after `most_states` and says so. Memory: one copy of the
//           specification and one bit per operation for each state.
// Source    J. Wing, C. Gong, "Testing and verifying concurrent objects", JPDC 1993; G. Lowe, "Testing for
//           linearizability", CCPE 2017 (memoisation); A. Horn, D. Kroening, FORTE 2015 (P-compositionality);
//           T. Henzinger et al., "Quantitative relaxation of concurrent data structures", POPL 2013 (out of order by
//           k).
#ifndef FRYS_SIM_MODEL_LINEARIZE_HPP
#define FRYS_SIM_MODEL_LINEARIZE_HPP

namespace frys::inline FRYS_ABI::sim::model {

// What threads did: which operation each began and ended, when, with what result.
// Stamp: an arithmetic type, or any copyable, default-constructible one with a strict (partial) order `<`.
template <class Op, class Result, class Stamp = std::uint64_t>
class history {
 public:
  struct operation {
    std::size_t thread = 0;
    Op op;
    std::optional<Result> result;  // none: pending
    Stamp begin{};
    Stamp end{};
  };
  // Names one operation of one history, until clear().
  struct call {
    std::size_t index = 0;
  };

  // The operation begins now, before all that begins or ends later.
  call begin(std::size_t thread, Op op) requires std::integral<Stamp> { return begin(thread, std::move(op), next_++); }
  // The operation has ended with `result`; once per call.
  void end(call c, Result result) requires std::integral<Stamp> { end(c, std::move(result), next_); }

  // The same with the caller's stamps.
  call begin(std::size_t thread, Op op, Stamp at) {
    pass(at);
    operations_.push_back(operation{thread, std::move(op), std::nullopt, std::move(at), Stamp{}});
    return {operations_.size() - 1};
  }
  void end(call c, Result result, Stamp at) {
    FRYS_ASSERT(c.index < operations_.size() && !operations_[c.index].result,
                "frys::sim::model::history: end of no open call");
    pass(at);
    operations_[c.index].result.emplace(std::move(result));
    operations_[c.index].end = std::move(at);
  }

  // begin, f(), end; answers what f answered.
  template <class F>
  Result record(std::size_t thread, Op op, F&& f) requires std::integral<Stamp> {
    const call c = begin(thread, std::move(op));
    Result result = std::forward<F>(f)();
    end(c, result);
    return result;
  }

  // Takes in what another thread recorded, by the same clock.
  void add(const history& other) {
    operations_.insert(operations_.end(), other.operations_.begin(), other.operations_.end());
    if constexpr (std::integral<Stamp>) next_ = (std::max)(next_, other.next_);
  }
  void clear() noexcept {
    operations_.clear();
    next_ = {};
  }
  [[nodiscard]] std::size_t size() const noexcept { return operations_.size(); }
  [[nodiscard]] const std::vector<operation>& operations() const noexcept { return operations_; }

 private:
  // The own counter goes on behind the caller's stamps.
  void pass([[maybe_unused]] const Stamp& at) {
    if constexpr (std::integral<Stamp>) next_ = (std::max)(next_, static_cast<Stamp>(at + 1));
  }

  std::vector<operation> operations_;
  Stamp next_{};
};

// The history that fits a specification which names its operation and result, as all below do.
template <class Spec, class Stamp = std::uint64_t>
using history_of = history<typename Spec::operation, typename Spec::result, Stamp>;

struct linearize_limit {
  std::size_t most_states = 1'000'000;  // for each key
};

// The answer of linearizable().
struct verdict {
  bool linearizable = false;  // there is an order that the specification agrees to
  bool complete = true;       // false: the search gave up, nothing is known
  std::size_t states = 0;     // visited
  std::string text;           // when not linearizable: the longest order that goes, and what then fits nowhere

  [[nodiscard]] bool passed() const noexcept { return linearizable; }
  explicit operator bool() const noexcept { return linearizable; }
};

namespace detail {

// The states seen: which operations are in, and what the specification became. Never forgets, never moves an index.
template <class Spec>
class visited_states {
 public:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  using word = std::uint64_t;

  explicit visited_states(std::size_t words) : words_(words), buckets_(64, none) {}

  // The number of the new state, or none if it was there.
  std::uint32_t add(const std::vector<word>& in, Spec&& spec) {
    std::size_t h = 0;
    if constexpr (requires { spec.hash(); }) h = spec.hash();
    for (const word w : in) h = mix(h, w);
    for (std::uint32_t i = buckets_[h & (buckets_.size() - 1)]; i != none; i = next_[i])
      if (hashes_[i] == h && std::equal(in.begin(), in.end(), bits_.begin() + offset(i)) && specs_[i] == spec)
        return none;
    const auto made = static_cast<std::uint32_t>(specs_.size());
    specs_.push_back(std::move(spec));
    bits_.insert(bits_.end(), in.begin(), in.end());
    hashes_.push_back(h);
    next_.push_back(none);
    if (specs_.size() > buckets_.size())
      grow();
    else
      link(made);
    return made;
  }
  [[nodiscard]] const Spec& operator[](std::uint32_t i) const noexcept { return specs_[i]; }
  [[nodiscard]] std::size_t size() const noexcept { return specs_.size(); }

 private:
  [[nodiscard]] std::ptrdiff_t offset(std::uint32_t i) const noexcept {
    return static_cast<std::ptrdiff_t>(i * words_);
  }
  void link(std::uint32_t i) noexcept {
    std::uint32_t& head = buckets_[hashes_[i] & (buckets_.size() - 1)];
    next_[i] = head;
    head = i;
  }
  void grow() {
    buckets_.assign(buckets_.size() * 4, none);
    for (std::uint32_t i = 0; i < specs_.size(); ++i) link(i);
  }

  std::size_t words_;
  std::vector<std::uint32_t> buckets_, next_;
  std::vector<std::size_t> hashes_;
  std::vector<word> bits_;
  std::vector<Spec> specs_;
};

// Depth first: put any operation next that nothing missing precedes and whose result the specification agrees to.
template <class Operation, class Spec>
class linear_search {
 public:
  linear_search(std::vector<const Operation*> operations, const Spec& start, std::size_t most_states)
      : all_(std::move(operations)), words_((all_.size() + 63) / 64), most_(most_states), seen_(words_), in_(words_) {
    if constexpr (is_interval) {
      std::stable_sort(all_.begin(), all_.end(), [](auto* a, auto* b) { return a->begin < b->begin; });
    } else {
      before_.resize(all_.size() * words_);
      for (std::size_t i = 0; i < all_.size(); ++i)
        for (std::size_t j = 0; j < all_.size(); ++j)
          if (all_[j]->result && all_[j]->end < all_[i]->begin) before_[i * words_ + j / 64] |= bit(j);
    }
    for (const Operation* o : all_) missing_ += o->result.has_value();
    now_ = seen_.add(in_, Spec(start));
  }

  verdict run() {
    verdict v;
    std::size_t from = 0, branch = 0;
    while (missing_) {
      if (step(from, branch)) {
        from = branch = 0;
        continue;
      }
      if (seen_.size() > most_) {
        v.complete = false;
        break;
      }
      if (order_.size() > best_.size()) {
        best_.clear();
        for (const frame& f : order_) best_.push_back(f.operation);
        best_state_ = now_;
      }
      if (order_.empty()) break;
      const frame last = order_.back();
      order_.pop_back();
      take_out(last.operation);
      now_ = last.before;
      from = last.operation;
      branch = last.branch + 1;
    }
    v.linearizable = missing_ == 0;
    v.states = seen_.size();
    if (!v.complete)
      v.text = "undecided: the search gave up after " + std::to_string(v.states) + " states\n";
    else if (!v.linearizable)
      v.text = explain();
    return v;
  }

 private:
  using word = std::uint64_t;
  using stamp = decltype(Operation::begin);
  // Stamps on one line: sorted by begin, the first operation that must wait ends the list of those that need not.
  static constexpr bool is_interval = std::is_arithmetic_v<stamp>;

  struct frame {
    std::size_t operation, branch;
    std::uint32_t before;
  };

  static word bit(std::size_t i) noexcept { return word{1} << (i % 64); }
  [[nodiscard]] bool is_in(std::size_t i) const noexcept { return in_[i / 64] & bit(i); }
  void put_in(std::size_t i) noexcept {
    in_[i / 64] |= bit(i);
    missing_ -= all_[i]->result.has_value();
  }
  void take_out(std::size_t i) noexcept {
    in_[i / 64] &= ~bit(i);
    missing_ += all_[i]->result.has_value();
  }

  // Calls f(i) for the operations that may be next, until it answers true.
  template <class F>
  bool any_next(F f) {
    std::size_t i = 0;
    while (i < all_.size() && in_[i / 64] == ~word{0}) i += 64;
    [[maybe_unused]] const stamp* first_end = nullptr;  // of the missing ones
    for (; i < all_.size(); ++i) {
      if (is_in(i)) continue;
      if constexpr (is_interval) {
        if (first_end && *first_end < all_[i]->begin) return false;
        if (all_[i]->result && (!first_end || all_[i]->end < *first_end)) first_end = &all_[i]->end;
      } else {
        bool waits = false;
        for (std::size_t w = 0; w < words_ && !waits; ++w) waits = before_[i * words_ + w] & ~in_[w];
        if (waits) continue;
      }
      if (f(i)) return true;
    }
    return false;
  }

  // Goes one operation on: the first from `from` on that leads to a new state, beginning with its branch `branch`.
  bool step(std::size_t from, std::size_t branch) {
    return any_next([&](std::size_t i) {
      if (i < from) return false;
      branches_.clear();
      find_branches(*all_[i]);
      for (std::size_t b = i == from ? branch : 0; b < branches_.size(); ++b) {
        if (seen_.size() > most_) return false;
        put_in(i);
        const std::uint32_t made = seen_.add(in_, std::move(branches_[b]));
        if (made != visited_states<Spec>::none) {
          order_.push_back({i, b, now_});
          now_ = made;
          return true;
        }
        take_out(i);
      }
      return false;
    });
  }
  void find_branches(const Operation& o) {
    if constexpr (requires(Spec s) { s.apply(o.op); }) {
      Spec next = seen_[now_];
      const auto result = next.apply(o.op);
      if (!o.result || result == *o.result) branches_.push_back(std::move(next));
    } else {
      seen_[now_].each(o.op, o.result ? &*o.result : nullptr,
                       [this](Spec next) { branches_.push_back(std::move(next)); });
    }
  }

  static std::string line(const Operation& o) {
    return "  thread " + std::to_string(o.thread) + ": " + text_of(o.op) + " -> " +
           (o.result ? text_of(*o.result) : std::string("pending"));
  }
  // The longest order found, and why it ends there.
  std::string explain() {
    constexpr std::size_t most_lines = 20;
    std::size_t completed = 0;
    for (const Operation* o : all_) completed += o->result.has_value();
    std::string s = "not linearizable: " + std::to_string(completed) + " operations have ended; ";
    s += best_.empty() ? "none can be the first\n" : "at most these can be put in order\n";
    if (best_.size() > most_lines) s += "  (" + std::to_string(best_.size() - most_lines) + " before)\n";
    std::fill(in_.begin(), in_.end(), 0);
    for (std::size_t n = 0; n < best_.size(); ++n) {
      in_[best_[n] / 64] |= bit(best_[n]);
      if (n + most_lines >= best_.size()) s += line(*all_[best_[n]]) + "\n";
    }
    s += "and then no one of these fits\n";
    any_next([&](std::size_t i) {
      const Operation& o = *all_[i];
      if (!o.result) return false;  // it may take effect, but nothing comes of it
      s += line(o);
      if constexpr (requires(Spec spec) { spec.apply(o.op); }) {
        Spec next = seen_[best_state_];
        const auto right = next.apply(o.op);
        s += "; it would be " + text_of(right);
      }
      s += "\n";
      return false;
    });
    return s;
  }

  std::vector<const Operation*> all_;
  std::size_t words_, most_;
  visited_states<Spec> seen_;
  std::vector<word> in_, before_;
  std::size_t missing_ = 0;  // ended operations that are not in yet
  std::uint32_t now_ = 0, best_state_ = 0;
  std::vector<frame> order_;
  std::vector<std::size_t> best_;
  std::vector<Spec> branches_;
};

}  // namespace detail

// Whether one thread, doing the operations one after the other, in an order that keeps what precedes what, could have
// got the same results from `start`.
template <class Op, class Result, class Stamp, class Spec>
requires specification<Spec, Op, Result>
[[nodiscard]] verdict linearizable(const history<Op, Result, Stamp>& h, const Spec& start, linearize_limit limit = {}) {
  using operation = typename history<Op, Result, Stamp>::operation;
  using search = detail::linear_search<operation, Spec>;
  std::vector<const operation*> rest;
  for (const operation& o : h.operations()) rest.push_back(&o);
  if constexpr (requires(const Op& op) { start.key(op); }) {
    verdict all;
    all.linearizable = true;
    while (!rest.empty()) {
      const auto key = start.key(rest.front()->op);
      const auto others =
          std::stable_partition(rest.begin(), rest.end(), [&](const operation* o) { return start.key(o->op) == key; });
      verdict one = search({rest.begin(), others}, start, limit.most_states).run();
      rest.erase(rest.begin(), others);
      all.states += one.states;
      all.complete = all.complete && one.complete;
      all.linearizable = all.linearizable && one.linearizable;
      if (one.linearizable) continue;
      all.text = "key " + detail::text_of(key) + ", " + one.text;
      if (!one.complete) continue;  // another key may yet decide
      all.complete = true;
      break;
    }
    return all;
  } else {
    return search(std::move(rest), start, limit.most_states).run();
  }
}

// The smallest k for which the history is that of a queue out of order by k; none if no k up to `most` will do, or if
// the search gave up.
template <class T, class Stamp>
[[nodiscard]] std::optional<std::size_t> least_relaxation(
    const history<container_operation<T>, container_result<T>, Stamp>& h, std::size_t most,
    linearize_limit limit = {}) {
  for (std::size_t k = 0; k <= most; ++k) {
    const verdict v = linearizable(h, relaxed_queue_spec<T>(k), limit);
    if (v.linearizable) return k;
    if (!v.complete) break;
  }
  return std::nullopt;
}

}  // namespace frys::inline FRYS_ABI::sim::model

#endif  // FRYS_SIM_MODEL_LINEARIZE_HPP
// ---- frys/sim/model/processes.hpp
// processes: a check spread over several processes of this machine.
//
//   model::report r = model::check(model::processes{model::exhaustive{}, 4}, body);
//
// exhaustive and bounded: the first executions split what is to do into parts; the processes take part after part, and
// none is done twice, so the counts are those of one process (beyond most_executions by some thousands at most). random
// and pct: each process throws its own dice, from seeds that follow from the one given.
//
// Use when  a check takes minutes. Not when it takes less than a few hundred milliseconds.
// Limits    POSIX; elsewhere, and with a count of 1, the check runs here. The processes are forks: what the body writes
//           into captured objects stays in them, and no other thread may hold a lock (of malloc's, say) at the call.
// Faults    found in a process, they are shown by the schedule, which is replayed and minimised here. A process that a
//           signal ends (a crash in the body) or that leaves with a code is a fault of its own, fault::misuse.
// frys: real model
#ifndef FRYS_SIM_MODEL_PROCESSES_HPP
#define FRYS_SIM_MODEL_PROCESSES_HPP

#if FRYS_OS_POSIX
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace frys::inline FRYS_ABI::sim::model {

// `how` in `count` processes; 0: one for each processor of the machine.
template <class Explorer>
struct processes {
  Explorer how;
  unsigned count = 0;
};
template <class Explorer>
processes(Explorer) -> processes<Explorer>;
template <class Explorer>
processes(Explorer, unsigned) -> processes<Explorer>;

namespace detail {

#if FRYS_OS_POSIX
// What the processes have in common: a mapping that all of them see.
struct common_work {
  std::atomic<std::uint64_t> next{0};  // the part that nobody has taken
  std::atomic<std::uint64_t> executions{0};
  std::atomic<std::uint64_t> blocked{0};
  std::atomic<std::uint32_t> cut_short{0};  // somebody came to the limit
  std::atomic<std::uint32_t> found{0};
  std::uint32_t length = 0;  // of the schedule behind this
  fault what = fault::none;  // written by who sets `found`, read after all have ended
};

class common_memory {
 public:
  common_memory() noexcept {
    void* p = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p != reinterpret_cast<void*>(std::intptr_t{-1})) work_ = ::new (p) common_work;  // MAP_FAILED, uncast
  }
  common_memory(const common_memory&) = delete;
  common_memory& operator=(const common_memory&) = delete;
  ~common_memory() {
    if (work_ != nullptr) ::munmap(static_cast<void*>(work_), bytes);
  }
  [[nodiscard]] common_work* work() const noexcept { return work_; }
  // A decision takes 8 bytes at most, and no explorer makes more of them than fit.
  [[nodiscard]] char* text() const noexcept { return reinterpret_cast<char*>(work_ + 1); }
  static constexpr std::size_t bytes = std::size_t{4} << 20;
  static constexpr std::size_t text_bytes = bytes - sizeof(common_work);

 private:
  common_work* work_ = nullptr;
};

// In a child: what a check there has found.
inline void tell(const common_memory& common, const report& r) {
  common_work& w = *common.work();
  w.executions.fetch_add(r.executions);
  w.blocked.fetch_add(r.blocked);
  if (r.passed() || w.found.exchange(1) != 0) return;  // one fault is enough
  const std::string way = r.schedule();
  if (way.size() <= common_memory::text_bytes) {
    std::memcpy(common.text(), way.data(), way.size());
    w.length = static_cast<std::uint32_t>(way.size());
  }
  w.what = r.what;
}

// Runs work(k) in `count` children and answers how one of them ended badly, or nothing.
template <class F>
std::string in_children(unsigned count, F&& work) {
  std::vector<pid_t> children;
  for (unsigned k = 0; k < count; ++k) {
    const pid_t child = ::fork();
    if (child == 0) {
      work(k);
      ::_exit(0);
    }
    if (child > 0) children.push_back(child);
  }
  if (children.empty()) work(0);  // the system has no process left for us
  std::string bad_end;
  for (const pid_t child : children) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status)) bad_end = "by signal " + std::to_string(WTERMSIG(status));
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) bad_end = "with code " + std::to_string(WEXITSTATUS(status));
  }
  return bad_end;
}

inline unsigned processors() noexcept {
  const long n = ::sysconf(_SC_NPROCESSORS_ONLN);
  return n > 0 ? static_cast<unsigned>(n) : 1;
}

// The children have ended: what they found, shown by this process.
template <class Body>
void collect(report& r, const common_memory& common, const std::string& bad_end, execution& e, Body& body) {
  const common_work& w = *common.work();
  r.executions += w.executions.load();
  r.blocked += w.blocked.load();
  if (w.found.load() != 0) {
    const std::vector<decision> schedule = from_text(std::string_view(common.text(), w.length));
    replay_strategy s(schedule);
    if (run_once(e, s, body) == outcome::failed) {
      describe(r, e);
      minimise(r, e, body);
    } else {
      r.what = w.what;
      r.failure = "found in a process, and not again when it was replayed: the body does not do the same every time";
    }
  } else if (!bad_end.empty()) {
    r.what = fault::misuse;
    r.failure = "a process of the check ended " + bad_end;
  }
}
#endif

}  // namespace detail

template <class Explorer, class Body>
report check(const processes<Explorer>& how, Body&& body) {
#if FRYS_OS_POSIX
  const unsigned count = how.count != 0 ? how.count : detail::processors();
  const detail::common_memory common;
  if (count == 1 || common.work() == nullptr) return check(how.how, body);
  constexpr std::uint64_t portion = 1'000;
  detail::common_work& work = *common.work();
  report r;
  detail::execution e = detail::execution_for(how.how);
  using strategy = decltype(detail::strategy_for(how.how));
  if constexpr (requires { typename strategy::part; }) {
    // Breadth first, until there are parts enough to keep all busy to the end.
    using part = typename strategy::part;
    strategy s = detail::strategy_for(how.how);
    std::deque<part> parts(1);
    const std::size_t enough = std::size_t{64} * count;
    for (std::uint64_t i = 0; !parts.empty() && parts.size() < enough; ++i) {
      if (i == how.how.most_executions) return r;
      s.start(std::move(parts.front()));
      parts.pop_front();
      s.begin();
      if (!detail::count(r, e, detail::run_once(e, s, body), body)) return r;
      for (part& p : s.take_rest()) parts.push_back(std::move(p));
    }
    const std::uint64_t before = r.executions + r.blocked;
    const std::string bad_end = detail::in_children(parts.empty() ? 0 : count, [&](unsigned) {
      for (std::uint64_t mine; (mine = work.next.fetch_add(1)) < parts.size();) {
        s.start(std::move(parts[static_cast<std::size_t>(mine)]));
        // In portions, so that the limit and what another one has found are seen soon.
        while (!s.is_done()) {
          if (work.found.load() != 0) return;
          if (before + work.executions.load() + work.blocked.load() >= how.how.most_executions)
            return work.cut_short.store(1);
          report here;
          detail::run_all(here, e, s, portion, body);
          detail::tell(common, here);
        }
      }
    });
    detail::collect(r, common, bad_end, e, body);
    r.complete = r.passed() && work.cut_short.load() == 0;
  } else {
    const std::string bad_end = detail::in_children(count, [&](unsigned k) {
      Explorer mine = how.how;
      mine.seed = how.how.seed + k * 0x9E3779B97F4A7C15u;
      const std::uint64_t all = how.how.executions / count + (k < how.how.executions % count ? 1 : 0);
      strategy s = detail::strategy_for(mine);
      for (std::uint64_t done = 0; done < all && work.found.load() == 0;) {
        const std::uint64_t now = (std::min)(all - done, portion);
        report here;
        detail::run_all(here, e, s, now, body);
        done += now;
        detail::tell(common, here);
      }
    });
    detail::collect(r, common, bad_end, e, body);
  }
  return r;
#else
  return check(how.how, body);
#endif
}

}  // namespace frys::inline FRYS_ABI::sim::model

#endif  // FRYS_SIM_MODEL_PROCESSES_HPP
// ---- frys/sim/model/progress.hpp
// progress: whether the others can finish when some thread is stopped for ever, at any moment (lock-freedom), and how
// many steps a thread needs at most (wait-freedom).
//
//   auto r = model::check(model::lock_freedom{}, body);     // fails where the others cannot finish without the stopped
//   one auto r = model::check(model::exhaustive{.most_thread_steps = 12}, body);  // fails where a thread needs more
//   than 12
//
// lock_freedom stops, in each execution, one thread at one of its events, and never lets it go on; in turn each thread
// of the body's at each event, over random schedules. A structure that passes is lock-free in what was run; one that
// fails is not.
//
// Source   M. Herlihy, "Wait-free synchronization", TOPLAS 1991.
#ifndef FRYS_SIM_MODEL_PROGRESS_HPP
#define FRYS_SIM_MODEL_PROGRESS_HPP

namespace frys::inline FRYS_ABI::sim::model {

struct lock_freedom {
  std::uint64_t executions = 10'000;
  std::uint64_t seed = 1;
  std::uint32_t most_steps = 2'000;  // of the others, after one was stopped
};

namespace detail {

class stopping_strategy final : public random_strategy {
 public:
  stopping_strategy(std::uint64_t seed, std::uint32_t most_steps) noexcept
      : random_strategy(seed), most_steps_(most_steps) {}
  // Before each execution.
  void begin() noexcept {
    // Later and later, one thread after the other; when a thread does not get that far, from the start again.
    if (started_ && !stopped_) at_ = 0;
    if (!started_ || ++victim_ >= (threads_ > 1 ? threads_ : 2)) {
      victim_ = 1;
      ++at_;
    }
    started_ = true;
    stopped_ = false;
    since_ = 0;
  }
  unsigned next_thread(execution& e, unsigned runnable, unsigned current) override {
    threads_ = e.thread_count();
    if (!stopped_ && victim_ < threads_ && !e.is_finished(victim_) && (runnable >> victim_ & 1) != 0 &&
        e.next_index(victim_) > at_)
      stopped_ = true;
    if (!stopped_) return random_strategy::next_thread(e, runnable, current);
    if (++since_ > most_steps_)
      e.fail(fault::no_progress, "the other threads do not finish while one is stopped", e.waits_at(current));
    const unsigned others = runnable & ~(1u << victim_);
    if (others != 0) return random_strategy::next_thread(e, others, current);
    for (unsigned t = 1; t < threads_; ++t)
      if (t != victim_ && !e.is_finished(t))
        e.fail(fault::no_progress, "a thread waits for one that was stopped", e.waits_at(t));
    return stop;  // all others have finished
  }

 private:
  std::uint32_t most_steps_;
  std::uint32_t since_ = 0;
  unsigned victim_ = 1;
  unsigned at_ = 0;
  unsigned threads_ = 0;
  bool started_ = false;
  bool stopped_ = false;
};

}  // namespace detail

template <class Body>
report check(const lock_freedom& how, Body&& body) {
  report r;
  detail::execution e(20'000);
  detail::stopping_strategy s(how.seed, how.most_steps);
  for (std::uint64_t i = 0; i < how.executions; ++i) {
    s.begin();
    const detail::outcome o = detail::run_once(e, s, body);
    if (!detail::count(r, e, o, body, false)) break;
  }
  // An execution in which one thread was stopped for good never ends of itself: it counts.
  r.executions += std::exchange(r.blocked, 0);
  return r;
}

}  // namespace frys::inline FRYS_ABI::sim::model

#endif  // FRYS_SIM_MODEL_PROGRESS_HPP
// ---- frys/sim/model/stress.hpp
// stress: the same body on real threads: what a machine does, as often as one likes. Shows what no model has (a
// compiler's mistake, an order the hardware breaks), proves nothing.
//
//   auto body = [](auto world) {
//     using A = typename decltype(world)::atomics;
//     treiber_stack<A> s;
//     world.threads([&] { s.push(1); }, [&] { s.push(2); });
//     world.require(s.size() == 2, "nothing is lost");
//   };
//   model::check(model::exhaustive{}, body);
//   model::check(model::stress{}, body);
//
// Needs     POSIX threads; not there elsewhere.
// frys: real model
#ifndef FRYS_SIM_MODEL_STRESS_HPP
#define FRYS_SIM_MODEL_STRESS_HPP

#if FRYS_OS_POSIX
#include <pthread.h>

namespace frys::inline FRYS_ABI::sim::model {

struct stress {
  std::uint64_t rounds = 1'000;
};

// What a body gets in place of model::world.
class real_world {
 public:
  using atomics = frys::atomics::standard;

  // Runs each of `f` on a thread of its own; they begin together. A thread that the system refuses runs here, behind
  // the others.
  template <class... F>
  static void threads(F&&... f) {
    std::atomic<std::size_t> missing{sizeof...(F)};
    (void)run_all(missing, starter<std::remove_reference_t<F>>{&f, &missing}...);
  }
  static void require(bool good, const char* what, const char* file = __builtin_FILE(),
                      unsigned line = static_cast<unsigned>(__builtin_LINE())) {
    if (good) return;
    failure& f = first();
    // sync(stress.failure): acq_rel; the first to claim it writes, and is read after the threads were joined.
    if (f.claimed.exchange(true, std::memory_order_acq_rel)) return;
    f.what = what;
    f.where = {file, line};
  }

 private:
  template <class Body>
  friend report check(const stress& how, Body&& body);
  template <class F>
  struct starter {
    F* body;
    std::atomic<std::size_t>* missing;
    static void* run(void* self) {
      starter& s = *static_cast<starter*>(self);
      // relaxed: a starting line; it orders nothing
      s.missing->fetch_sub(1, std::memory_order_relaxed);
      while (s.missing->load(std::memory_order_relaxed) != 0) os_thread::yield();
      (*s.body)();
      return nullptr;
    }
  };
  template <class... S>
  static bool run_all(std::atomic<std::size_t>& missing, S... starters) {
    ::pthread_t all[sizeof...(S)];
    bool runs[sizeof...(S)];
    std::size_t n = 0;
    ((runs[n] = ::pthread_create(&all[n], nullptr, &S::run, std::addressof(starters)) == 0, ++n), ...);
    for (const bool r : runs)
      if (!r) missing.fetch_sub(1, std::memory_order_relaxed);  // relaxed: as above; the others need not wait for it
    n = 0;
    bool complete = true;
    ((runs[n] ? (void)::pthread_join(all[n], nullptr) : (void)(complete = false, (*starters.body)()), ++n), ...);
    return complete;
  }
  struct failure {
    std::atomic<bool> claimed{false};
    const char* what = "";
    site where;
  };
  static failure& first() noexcept {
    static failure one;
    return one;
  }
};

// One check at a time in a process.
template <class Body>
report check(const stress& how, Body&& body) {
  report r;
  real_world::failure& f = real_world::first();
  f.claimed.store(false, std::memory_order_relaxed);  // relaxed: no thread of a check is there
  for (; r.executions < how.rounds;) {
    body(real_world{});
    ++r.executions;
    if (!f.claimed.load(std::memory_order_relaxed)) continue;  // relaxed: the threads were joined
    r.what = fault::requirement;
    r.failure = f.what;
    r.where = f.where;
    break;
  }
  return r;
}

}  // namespace frys::inline FRYS_ABI::sim::model

#endif  // FRYS_OS_POSIX
#endif  // FRYS_SIM_MODEL_STRESS_HPP
// ---- frys/sim/model.hpp
// model: a model checker for code that takes its atomics as a policy: see model/check.hpp.
#ifndef FRYS_SIM_MODEL_HPP
#define FRYS_SIM_MODEL_HPP

#endif  // FRYS_SIM_MODEL_HPP
// ---- frys/sim/world.hpp
// sim::world: the simulated world in one word: policy::world<sim::world>.
//
// Fills     the clock, the files and the randomness; atomics and network stay a block's defaults.
#ifndef FRYS_SIM_WORLD_HPP
#define FRYS_SIM_WORLD_HPP

namespace frys::inline FRYS_ABI::sim {

struct world {
  using clock = sim::clock;
  using files = sim::disk;
  using random = sim::random;
};

}  // namespace frys::inline FRYS_ABI::sim

#endif  // FRYS_SIM_WORLD_HPP
#endif  // gate
