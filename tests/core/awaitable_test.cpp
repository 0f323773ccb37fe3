#include <frys/core/awaitable.hpp>
#include <frys/core/result.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>

namespace {

struct plain_awaiter {
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  int await_resume() const noexcept { return 4; }
};
struct by_member {
  plain_awaiter operator co_await() const noexcept { return {}; }
};
struct by_function {};
plain_awaiter operator co_await(by_function) noexcept { return {}; }
struct no_resume {
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
};

}  // namespace

TEST_CASE("awaitable: awaiters, members and functions are all awaitable, other things are not") {
  static_assert(frys::awaiter<plain_awaiter>);
  static_assert(frys::awaitable<plain_awaiter>);
  static_assert(frys::awaitable<plain_awaiter&>);
  static_assert(frys::awaitable<by_member>);
  static_assert(frys::awaitable<by_function>);
  static_assert(!frys::awaiter<by_member>);
  static_assert(!frys::awaitable<no_resume>);
  static_assert(!frys::awaitable<int>);
  static_assert(frys::awaitable_of<by_member, int>);
  static_assert(frys::awaitable_of<by_function, long>);
  static_assert(!frys::awaitable_of<by_member, std::string>);
  static_assert(std::is_same_v<frys::await_result_t<by_member>, int>);
}

TEST_CASE("awaitable: ready is complete when it is made") {
  frys::ready<int> r(3);
  CHECK(r.await_ready());
  CHECK(r.await_resume() == 3);
  frys::ready<std::unique_ptr<int>> moves(std::make_unique<int>(5));
  CHECK(*moves.await_resume() == 5);
  frys::ready<frys::result<int>> failed(frys::error{frys::errc::closed});
  CHECK(failed.await_resume().error() == frys::errc::closed);
  static_assert(frys::awaitable_of<frys::ready<frys::result<int>>, frys::result<int>>);
}

#if defined(__cpp_impl_coroutine)
namespace {
struct sink {
  struct promise_type {
    sink get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept {}
  };
};
sink add(int& sum) {
  sum += co_await frys::ready<int>(1);
  sum += co_await by_member{};
  sum += co_await by_function{};
}
}  // namespace

TEST_CASE("awaitable: co_await of ready never suspends") {
  int sum = 0;
  add(sum);
  CHECK(sum == 9);
}
#endif
