// assert: FRYS_ASSERT(condition, "what the caller did wrong"), for programming errors only.
//
// Checks when FRYS_HARDENED is 1 and then prints the place and ends the program; otherwise the condition is
// compiled but not evaluated. Runtime failures (full, closed, out of memory) are results, never asserts.
// In a sim::run or a model::check it ends the run instead, whose report says how to do it again.
#ifndef FRYS_CORE_ASSERT_HPP
#define FRYS_CORE_ASSERT_HPP
// Included by config.hpp, which defines FRYS_ABI first; include config.hpp instead of this file.
#ifndef FRYS_CONFIG_HPP
#include "../config.hpp"
#endif

#include <cstdio>
#include <cstdlib>

namespace frys::inline FRYS_ABI::detail {

// Who on this thread takes an assert that fails, before the program ends for it: a simulation, which ends its run and
// does not return. Whoever sets one puts back what was there.
using assert_taker = void (*)(const char* file, int line, const char* message) noexcept;
inline assert_taker& assert_taker_here() noexcept {
  static constinit thread_local assert_taker here = nullptr;
  return here;
}

// Prints `file:line: message` to stderr and ends the program. Never returns, allocates nothing.
[[noreturn]] FRYS_NOINLINE inline void assert_failed(const char* file, int line, const char* message) noexcept {
  if (const assert_taker taker = assert_taker_here()) taker(file, line, message);
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
