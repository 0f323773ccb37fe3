// fiber_exceptions: each fiber's own list of the exceptions that it has caught. The C++ runtime has one for each
// thread, so a fiber that waits inside a catch block, or while an exception unwinds, takes its list along.
#ifndef FRYS_SCHED_DETAIL_FIBER_EXCEPTIONS_HPP
#define FRYS_SCHED_DETAIL_FIBER_EXCEPTIONS_HPP

#include <utility>

#include "../../config.hpp"

#if FRYS_EXCEPTIONS
#include <cxxabi.h>
#endif

namespace frys::inline FRYS_ABI::detail {

#if FRYS_EXCEPTIONS
class fiber_exceptions {
 public:
  // What a fiber holds that does not run.
  struct held {
    void* caught = nullptr;
    unsigned uncaught = 0;
    bool any = false;
  };

  // Those of the calling thread, until it is called on another one.
  void use_thread() noexcept { thread_ = reinterpret_cast<lists*>(abi::__cxa_get_globals()); }
  FRYS_ALWAYS_INLINE void leave(held& by) noexcept {
    if (thread_->caught != nullptr || thread_->uncaught != 0) [[unlikely]]
      take_along(by);
  }
  FRYS_ALWAYS_INLINE void arrive(held& at) noexcept {
    if (at.any) [[unlikely]]
      give_back(at);
  }

 private:
  // How the Itanium C++ ABI begins what a thread has of exceptions.
  struct lists {
    void* caught;
    unsigned uncaught;
  };

  FRYS_NOINLINE void take_along(held& by) noexcept {
    by.caught = std::exchange(thread_->caught, nullptr);
    by.uncaught = std::exchange(thread_->uncaught, 0u);
    by.any = true;
  }
  FRYS_NOINLINE void give_back(held& at) noexcept {
    thread_->caught = at.caught;
    thread_->uncaught = at.uncaught;
    at.any = false;
  }

  lists* thread_ = nullptr;
};
#else
class fiber_exceptions {
 public:
  struct held {};
  void use_thread() noexcept {}
  void leave(held&) noexcept {}
  void arrive(held&) noexcept {}
};
#endif

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_SCHED_DETAIL_FIBER_EXCEPTIONS_HPP
