// awaitable: what `co_await` accepts, as concepts, and `ready`, an awaitable that is complete already.
#ifndef FRYS_CORE_AWAITABLE_HPP
#define FRYS_CORE_AWAITABLE_HPP

#include <concepts>
#include <coroutine>
#include <type_traits>
#include <utility>

#include "../config.hpp"

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
