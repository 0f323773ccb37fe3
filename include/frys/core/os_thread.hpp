// os_thread: the two things that blocks ask of the thread they run on.
// frys: real model
#ifndef FRYS_CORE_OS_THREAD_HPP
#define FRYS_CORE_OS_THREAD_HPP

#include "../config.hpp"

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
