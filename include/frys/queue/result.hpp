// push_result, pop_result: what a queue answers. All queues of frys answer these.
//
// push_result  ok, full or closed; true when ok. On full and closed the caller's value is untouched.
// pop_result   a value, or empty, or closed; true when it holds a value. Closed means: closed, and nothing is left.
// Cost         pop_result<T> is trivially copyable when T is; no allocation.
#ifndef FRYS_QUEUE_RESULT_HPP
#define FRYS_QUEUE_RESULT_HPP

#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "../config.hpp"

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
