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
#if defined(__SANITIZE_ADDRESS__)
#define FRYS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FRYS_ASAN 1
#endif
#endif
#ifndef FRYS_ASAN
#define FRYS_ASAN 0
#endif

// Keeps a cold path out of the caller's code, and a hot one in it.
#if defined(__GNUC__)
#define FRYS_NOINLINE __attribute__((noinline))
#define FRYS_ALWAYS_INLINE inline __attribute__((always_inline))
#else
#define FRYS_NOINLINE __declspec(noinline)
#define FRYS_ALWAYS_INLINE __forceinline
#endif

#include "core/assert.hpp"

#endif  // FRYS_CONFIG_HPP
