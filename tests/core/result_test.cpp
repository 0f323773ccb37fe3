#include <frys/core/result.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace {

constexpr frys::error missing{frys::errc::not_found, frys::domain::core, "nothing there", 7};

frys::result<int> half(int n) {
  if (n % 2 != 0) return frys::error{frys::errc::invalid_argument, frys::domain::core, "odd", n};
  return n / 2;
}

struct counted {
  static inline int alive = 0;
  int value = 0;
  counted() { ++alive; }
  explicit counted(int v) : value(v) { ++alive; }
  counted(const counted& o) : value(o.value) { ++alive; }
  counted(counted&& o) noexcept : value(o.value) { ++alive; }
  counted& operator=(const counted&) = default;
  counted& operator=(counted&&) noexcept = default;
  ~counted() { --alive; }
};

struct fails_to_copy {
  bool armed = false;
  std::string text = "a text that is too long for the small string buffer";
  fails_to_copy() = default;
  fails_to_copy(const fails_to_copy& o) : armed(o.armed), text(o.text) {
#if FRYS_EXCEPTIONS
    if (armed) throw 1;
#endif
  }
  fails_to_copy(fails_to_copy&&) noexcept = default;
};

}  // namespace

TEST_CASE("result: holds a value or the error that kept it from being one") {
  const frys::result<int> good = half(8);
  REQUIRE(good.has_value());
  CHECK(static_cast<bool>(good));
  CHECK(*good == 4);
  CHECK(good.value_or(9) == 4);

  const frys::result<int> bad = half(3);
  REQUIRE_FALSE(bad);
  CHECK(bad.error() == frys::errc::invalid_argument);
  CHECK(bad.error().number == 3);
  CHECK(bad.value_or(9) == 9);
}

TEST_CASE("result: a default result holds a default value, and result<void> success") {
  CHECK(*frys::result<int>() == 0);
  CHECK(frys::result<std::string>()->empty());
  CHECK(frys::result<void>().has_value());
  const frys::result<void> bad = missing;
  REQUIRE_FALSE(bad);
  CHECK(bad.error() == frys::errc::not_found);
}

TEST_CASE("result: an explicit conversion of T stays explicit") {
  static_assert(std::is_convertible_v<int, frys::result<long>>);
  static_assert(!std::is_convertible_v<int, frys::result<std::vector<int>>>);
  static_assert(std::is_constructible_v<frys::result<std::vector<int>>, int>);
  static_assert(!std::is_convertible_v<int*, frys::result<std::unique_ptr<int>>>);
  static_assert(!std::is_convertible_v<frys::result<int>, frys::result<bool>>);  // would lose the error
  CHECK(frys::result<std::vector<int>>(std::size_t{3})->size() == 3);
}

TEST_CASE("result: carries values that only move") {
  frys::result<std::unique_ptr<int>> a = std::make_unique<int>(5);
  static_assert(!std::is_copy_constructible_v<decltype(a)>);
  frys::result<std::unique_ptr<int>> b = std::move(a);
  REQUIRE(b);
  std::unique_ptr<int> out = *std::move(b);
  CHECK(*out == 5);
  frys::result<std::unique_ptr<int>> c(std::in_place, new int(6));
  CHECK(**c == 6);
}

TEST_CASE("result: every value that was made is destroyed once") {
  counted::alive = 0;
  {
    frys::result<counted> a(std::in_place, 1);
    frys::result<counted> b = a;
    frys::result<counted> c = std::move(a);
    CHECK(counted::alive == 3);
    b = frys::result<counted>(missing);
    CHECK(counted::alive == 2);
    CHECK(b.error() == frys::errc::not_found);
    b = c;
    CHECK(counted::alive == 3);
    CHECK(b->value == 1);
    auto& self = c;
    c = self;
    CHECK(c->value == 1);
    c = frys::result<counted>(missing);
    c = frys::result<counted>(missing);
    CHECK(counted::alive == 2);
  }
  CHECK(counted::alive == 0);
}

TEST_CASE("result: and_then, transform and or_else pass on what they do not handle") {
  CHECK(*half(8).and_then(half) == 2);
  CHECK(half(6).and_then(half).error().number == 3);
  CHECK(half(5).and_then(half).error().number == 5);
  const frys::result<int> kept = half(8);
  CHECK(*kept.and_then(half) == 2);
  CHECK(*kept.transform([](int n) { return std::to_string(n); }) == "4");
  CHECK(*half(8).transform([](int&& n) { return n + 1; }) == 5);
  CHECK(half(3).transform([](int n) { return n; }).error() == frys::errc::invalid_argument);
  int seen = 0;
  CHECK(half(8).transform([&](int n) { seen = n; }).has_value());
  CHECK(seen == 4);
  CHECK(*half(3).or_else([](const frys::error& e) -> frys::result<int> { return static_cast<int>(e.number) * 10; }) ==
        30);
  CHECK(*half(4).or_else([](const frys::error& e) -> frys::result<int> { return e; }) == 2);

  const frys::result<void> done;
  CHECK(*done.transform([] { return 3; }) == 3);
  CHECK(done.transform([] {}).has_value());
  CHECK(done.and_then([] { return half(2); }).has_value());
  const frys::result<void> failed = missing;
  CHECK(failed.transform([] { return 3; }).error() == frys::errc::not_found);
  CHECK(failed.and_then([] { return half(2); }).error() == frys::errc::not_found);
  CHECK(failed.or_else([](const frys::error&) { return frys::result<void>(); }).has_value());
}

TEST_CASE("result: costs the value or an error, and a flag") {
  CHECK(sizeof(frys::error) <= 24);
  CHECK(sizeof(frys::result<int>) <= sizeof(frys::error) + sizeof(void*));
  static_assert(std::is_trivially_copyable_v<frys::error>);
  static_assert(std::is_nothrow_move_constructible_v<frys::result<std::unique_ptr<int>>>);
}

#if FRYS_EXCEPTIONS
TEST_CASE("result: an assignment that throws leaves a result with an error, and no leak") {
  frys::result<fails_to_copy> from(std::in_place);
  from->armed = true;
  frys::result<fails_to_copy> to(std::in_place);
  CHECK_THROWS_AS(to = from, int);
  REQUIRE_FALSE(to.has_value());
  CHECK(to.error() == frys::errc::cancelled);
}
#endif

// [region result]
// Finds the port in "host:port"; says what is wrong instead of throwing.
frys::result<int> port_of(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return frys::error{frys::errc::invalid_argument, frys::domain::user, "an address needs a colon and a port"};
  int port = 0;
  for (const char c : text.substr(colon + 1)) {
    if (c < '0' || c > '9') return frys::error{frys::errc::invalid_argument, frys::domain::user, "a port is a number"};
    port = port * 10 + (c - '0');
    if (port > 65535)
      return frys::error{frys::errc::limit_exceeded, frys::domain::user, "a port is at most 65535", port};
  }
  return port;
}

TEST_CASE("result: reads like a value where all is well") {
  CHECK(*port_of("localhost:8080") == 8080);
  CHECK(port_of("localhost").error() == frys::errc::invalid_argument);
  CHECK(port_of("localhost:99999").error().number == 99999);
  CHECK(port_of("localhost:x").value_or(80) == 80);
}
// [endregion result]
