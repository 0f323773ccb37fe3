// result<T>: a T, or the error that kept it from being one.
//
// Use when  a function can fail for reasons its caller must handle. Programming errors are FRYS_ASSERT's.
// Cost      sizeof(T) or sizeof(error), plus a flag; no allocation.
// Source    the shape of std::expected (C++23, P0323), which g++ 12 in C++20 mode does not have.
#ifndef FRYS_CORE_RESULT_HPP
#define FRYS_CORE_RESULT_HPP

#include <new>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "error.hpp"

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
