// fiber_value: what a fiber has answered, or thrown, until its handle takes it.
#ifndef FRYS_SCHED_DETAIL_FIBER_VALUE_HPP
#define FRYS_SCHED_DETAIL_FIBER_VALUE_HPP

#include <exception>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "../../config.hpp"

namespace frys::inline FRYS_ABI::detail {

template <class T>
class fiber_value {
 public:
  fiber_value() noexcept {}
  fiber_value(const fiber_value&) = delete;
  fiber_value& operator=(const fiber_value&) = delete;
  ~fiber_value() {
    if constexpr (!std::is_void_v<T>)
      if (has_value_) std::destroy_at(std::addressof(value_));
  }
  template <class F>
  void set_by(F&& f) {
    if constexpr (std::is_void_v<T>) {
      static_cast<F&&>(f)();
    } else {
      ::new (static_cast<void*>(std::addressof(value_))) T(static_cast<F&&>(f)());
      has_value_ = true;
    }
  }
  void set_failure(std::exception_ptr e) noexcept { failure_ = std::move(e); }
  T take() {
    if (failure_ != nullptr) rethrow();
    if constexpr (!std::is_void_v<T>) return std::move(value_);
  }

 private:
  [[noreturn]] FRYS_NOINLINE void rethrow() { std::rethrow_exception(std::exchange(failure_, nullptr)); }

  struct nothing {};
  std::exception_ptr failure_ = nullptr;
  bool has_value_ = false;
  union {
    std::conditional_t<std::is_void_v<T>, nothing, T> value_;
  };
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_SCHED_DETAIL_FIBER_VALUE_HPP
