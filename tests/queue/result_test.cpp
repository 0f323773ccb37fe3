#include <frys/queue/result.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <type_traits>
#include <utility>

using frys::pop_result;
using frys::pop_status;
using frys::push_result;

TEST_CASE("push_result: true only for ok, compares with the names") {
  const push_result ok = push_result::ok, full = push_result::full, closed = push_result::closed;
  CHECK(ok);
  CHECK_FALSE(full);
  CHECK_FALSE(closed);
  CHECK(full == push_result::full);
  CHECK(full != push_result::closed);
  CHECK(full.is_full());
  CHECK(closed.is_closed());
  CHECK_FALSE(ok.is_full());
}

TEST_CASE("pop_result: a value, empty and closed are told apart") {
  pop_result<int> value(std::in_place, 7);
  CHECK(value);
  CHECK(value.has_value());
  CHECK(*value == 7);
  CHECK(value.value() == 7);
  CHECK(value.status() == pop_status::value);
  const pop_result<int> empty = pop_status::empty, closed = pop_status::closed;
  CHECK_FALSE(empty);
  CHECK(empty.is_empty());
  CHECK_FALSE(empty.is_closed());
  CHECK(closed.is_closed());
}

TEST_CASE("pop_result: of a trivially copyable type it is trivially copyable") {
  CHECK(std::is_trivially_copyable_v<pop_result<int>>);
  CHECK(std::is_trivially_destructible_v<pop_result<int*>>);
  CHECK_FALSE(std::is_trivially_copyable_v<pop_result<std::unique_ptr<int>>>);
}

TEST_CASE("pop_result: carries a move-only value through moves and assignments, and destroys it once") {
  auto alive = std::make_shared<int>(1);
  {
    pop_result<std::shared_ptr<int>> a(std::in_place, alive);
    CHECK(alive.use_count() == 2);
    pop_result<std::shared_ptr<int>> b(std::move(a));
    CHECK(b);
    CHECK(b->get() == alive.get());
    b = pop_result<std::shared_ptr<int>>(pop_status::empty);
    CHECK(alive.use_count() == 1);
    b = pop_result<std::shared_ptr<int>>(std::in_place, alive);
    CHECK(alive.use_count() == 2);
    const std::shared_ptr<int> out = *std::move(b);
    CHECK(alive.use_count() == 2);
  }
  CHECK(alive.use_count() == 1);
}
