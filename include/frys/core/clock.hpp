// clock: time as a policy.
//
// A model  is a type C with a static now() that answers nanoseconds since an epoch of its own and never goes back.
// steady   CLOCK_MONOTONIC: for deadlines and durations; the default of every block.     about 20-40 ns a call
// coarse   the same clock at the kernel's tick (1-4 ms), Linux; elsewhere steady.        about 5 ns
// wall     CLOCK_REALTIME: time of day; may jump, so only for what people or files read.
// frys: real model
#ifndef FRYS_CORE_CLOCK_HPP
#define FRYS_CORE_CLOCK_HPP

#include <chrono>
#include <concepts>

#include "../config.hpp"
#include "deadline.hpp"

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
