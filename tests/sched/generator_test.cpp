#include <frys/sched/generator.hpp>

#include "waits.hpp"

#include <doctest/doctest.h>
#include <frys/sched/async_event.hpp>
#include <frys/sched/task.hpp>

#include <array>
#include <cstddef>
#include <iterator>
#include <memory>
#include <new>
#include <ranges>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

frys::generator<int> count_up(int first, int last) {
  for (int i = first; i <= last; ++i) co_yield i;
}
frys::generator<const std::string&> names() {
  const std::string one = "one";
  co_yield one;
  co_yield "two";  // a temporary lives until the next one is asked for
}
frys::generator<std::unique_ptr<int>> owners(int n) {
  for (int i = 0; i < n; ++i) co_yield std::make_unique<int>(i);
}
frys::generator<int&> slots(std::vector<int>& of) {
  for (int& i : of) co_yield i;
}

static_assert(std::ranges::input_range<frys::generator<int>>);
static_assert(!std::ranges::forward_range<frys::generator<int>>);
static_assert(!std::is_copy_constructible_v<frys::generator<int>>);
static_assert(std::is_same_v<std::ranges::range_reference_t<frys::generator<int>>, int&&>);
static_assert(std::is_same_v<std::ranges::range_reference_t<frys::generator<const int&>>, const int&>);
static_assert(std::is_same_v<std::ranges::range_value_t<frys::generator<const std::string&>>, std::string>);

template <class G>
std::vector<int> all_of(G&& g) {
  std::vector<int> out;
  for (int i : g) out.push_back(i);
  return out;
}

// Says when it is gone.
struct on_end {
  bool& said;
  explicit on_end(bool& s) : said(s) {}
  on_end(const on_end&) = delete;
  on_end& operator=(const on_end&) = delete;
  ~on_end() { said = true; }
};
frys::generator<int> guarded(bool& gone) {
  const on_end at_last(gone);
  co_yield 1;
  co_yield 2;
}

}  // namespace

TEST_CASE("generator: yields its elements in order, when they are asked for") {
  CHECK(all_of(count_up(1, 4)) == std::vector<int>{1, 2, 3, 4});
  CHECK(all_of(count_up(1, 0)).empty());
  int steps = 0;
  auto lazy = [](int& count) -> frys::generator<int> {
    for (;;) {
      ++count;
      co_yield count;
    }
  }(steps);
  CHECK(steps == 0);
  auto at = lazy.begin();
  CHECK(steps == 1);
  CHECK(*at == 1);
  CHECK(*at == 1);
  ++at;
  at++;
  CHECK(*at == 3);
  CHECK_FALSE(at == lazy.end());
}

TEST_CASE("generator: references to what stands in the body, without a copy") {
  std::vector<std::string> got;
  for (const std::string& s : names()) got.push_back(s);
  CHECK(got == std::vector<std::string>{"one", "two"});
  std::vector<int> numbers{1, 2, 3};
  for (int& i : slots(numbers)) i *= 2;
  CHECK(numbers == std::vector<int>{2, 4, 6});
  int sum = 0;
  for (auto&& owned : owners(4)) {
    static_assert(std::is_same_v<decltype(owned), std::unique_ptr<int>&&>);
    std::unique_ptr<int> mine = std::move(owned);
    sum += *mine;
  }
  CHECK(sum == 6);
}

TEST_CASE("generator: an lvalue that is yielded where elements may be moved from is copied") {
  auto body = []() -> frys::generator<std::string> {
    std::string kept = "kept for long enough not to be small";
    co_yield kept;
    co_yield std::as_const(kept);
    co_yield std::move(kept);
    CHECK(kept.empty());
  };
  int n = 0;
  for (std::string&& s : body()) {
    const std::string mine = std::move(s);
    CHECK(mine == "kept for long enough not to be small");
    ++n;
  }
  CHECK(n == 3);
}

TEST_CASE("generator: a proxy as reference, with its value type") {
  using proxy = std::pair<int, int&>;
  std::vector<int> numbers{5, 6};
  auto enumerated = [](std::vector<int>& of) -> frys::generator<proxy, std::pair<int, int>> {
    for (int i = 0; i < static_cast<int>(of.size()); ++i) co_yield proxy(i, of[static_cast<std::size_t>(i)]);
  };
  for (proxy p : enumerated(numbers)) p.second += p.first;
  CHECK(numbers == std::vector<int>{5, 7});
}

TEST_CASE("generator: works with the standard's ranges") {
  std::vector<int> got;
  for (int i : count_up(1, 100) | std::views::filter([](int n) { return n % 7 == 0; }) | std::views::take(3))
    got.push_back(i);
  CHECK(got == std::vector<int>{7, 14, 21});
}

TEST_CASE("generator: moves, and its end destroys the body where it stands") {
  bool gone = false;
  {
    auto g = guarded(gone);
    auto at = g.begin();
    CHECK(*at == 1);
    auto other = std::move(g);
    ++at;
    CHECK(*at == 2);
    other = guarded(gone);
    CHECK(gone);
    gone = false;
  }
  CHECK_FALSE(gone);  // never begun: there was nothing to end
}

namespace {
struct tree {
  int value;
  std::unique_ptr<tree> left, right;
};
std::unique_ptr<tree> grow(int first, int last) {
  if (first > last) return nullptr;
  const int middle = first + (last - first) / 2;
  auto t = std::make_unique<tree>();
  t->value = middle;
  t->left = grow(first, middle - 1);
  t->right = grow(middle + 1, last);
  return t;
}
frys::generator<const int&> in_order(const tree* t) {
  if (t == nullptr) co_return;
  co_yield frys::elements_of(in_order(t->left.get()));
  co_yield t->value;
  co_yield frys::elements_of(in_order(t->right.get()));
}
frys::generator<int> chain(int depth) {
  co_yield depth;
  if (depth > 0) co_yield frys::elements_of(chain(depth - 1));
  co_yield -depth;
}
}  // namespace

TEST_CASE("generator: elements of generators within generators, in order") {
  const auto t = grow(1, 100);
  int expected = 0;
  for (const int& i : in_order(t.get())) CHECK(i == ++expected);
  CHECK(expected == 100);
  const auto deep = all_of(chain(500));
  REQUIRE(deep.size() == 1002);
  CHECK(deep.front() == 500);
  CHECK(deep[500] == 0);
  CHECK(deep.back() == -500);
}

TEST_CASE("generator: a half-read one with others within ends all of them") {
  bool gone = false;
  {
    auto outer = [](bool& inner_gone) -> frys::generator<int> {
      co_yield 0;
      co_yield frys::elements_of(guarded(inner_gone));
      co_yield 3;
    }(gone);
    auto at = outer.begin();
    ++at;
    CHECK(*at == 1);
    CHECK_FALSE(gone);
  }
  CHECK(gone);
}

TEST_CASE("generator: elements of any other range") {
  auto body = []() -> frys::generator<int> {
    std::vector<int> mine{1, 2};
    co_yield frys::elements_of(mine);
    std::array<int, 2> pair{3, 4};
    co_yield frys::elements_of(std::move(pair));
    co_yield frys::elements_of(std::vector<short>(2, 5));  // g++ 12 cannot put an initializer_list here
    CHECK(mine == std::vector<int>{1, 2});
  };
  CHECK(all_of(body()) == std::vector<int>{1, 2, 3, 4, 5, 5});
}

#if FRYS_EXCEPTIONS
TEST_CASE("generator: an exception comes out where the element was asked for") {
  auto fails = [](int after) -> frys::generator<int> {
    for (int i = 0; i < after; ++i) co_yield i;
    throw std::runtime_error("no more");
  };
  CHECK_THROWS_AS(static_cast<void>(fails(0).begin()), std::runtime_error);
  auto g = fails(1);
  auto at = g.begin();
  CHECK_THROWS_AS(++at, std::runtime_error);
  CHECK(at == g.end());
}

TEST_CASE("generator: an exception of an inner one can be caught in the outer one, or goes on") {
  static auto inner = []() -> frys::generator<int> {
    co_yield 1;
    throw std::runtime_error("inner");
  };
  auto catches = []() -> frys::generator<int> {
    try {
      co_yield frys::elements_of(inner());
    } catch (const std::runtime_error&) {
    }
    co_yield 2;
  };
  CHECK(all_of(catches()) == std::vector<int>{1, 2});
  auto passes = []() -> frys::generator<int> { co_yield frys::elements_of(inner()); };
  auto g = passes();
  auto at = g.begin();
  CHECK(*at == 1);
  CHECK_THROWS_AS(++at, std::runtime_error);
  CHECK(at == g.end());
}
#endif

namespace {
// Counts what is out.
struct ledger {
  long live = 0, made = 0;
};
template <class T>
struct counting_allocator {
  using value_type = T;
  ledger* book;
  explicit counting_allocator(ledger& b) noexcept : book(&b) {}
  template <class U>
  counting_allocator(const counting_allocator<U>& other) noexcept : book(other.book) {}
  T* allocate(std::size_t n) {
    ++book->live;
    ++book->made;
    return static_cast<T*>(::operator new(n * sizeof(T)));
  }
  void deallocate(T* p, std::size_t) noexcept {
    --book->live;
    ::operator delete(p);
  }
  friend bool operator==(const counting_allocator&, const counting_allocator&) = default;
};
// Not inlined: a compiler may leave out the allocation of a frame whose end it sees.
FRYS_NOINLINE frys::generator<int> counted(std::allocator_arg_t, counting_allocator<char>, int last) {
  for (int i = 1; i <= last; ++i) co_yield i;
}
FRYS_NOINLINE frys::generator<int, void, counting_allocator<char>> only_counted(std::allocator_arg_t,
                                                                                counting_allocator<char>, int last) {
  for (int i = 1; i <= last; ++i) co_yield i;
}
struct has_member_generator {
  int offset;
  FRYS_NOINLINE frys::generator<int> from(std::allocator_arg_t, counting_allocator<int>, int last) const {
    for (int i = 1; i <= last; ++i) co_yield i + offset;
  }
};
frys::generator<int, void, std::allocator<int>> standard_allocator(int last) {
  for (int i = 1; i <= last; ++i) co_yield i;
}
}  // namespace

TEST_CASE("generator: the frame comes from the allocator given, and goes back to it") {
  ledger book;
  const counting_allocator<char> allocator(book);
  CHECK(all_of(counted(std::allocator_arg, allocator, 3)) == std::vector<int>{1, 2, 3});
  CHECK(book.live == 0);
  CHECK(book.made == 1);
  {
    auto half = only_counted(std::allocator_arg, allocator, 3);
    CHECK(book.live == 1);
    CHECK(*half.begin() == 1);
  }
  CHECK(book.live == 0);
  CHECK(all_of(has_member_generator{10}.from(std::allocator_arg, counting_allocator<int>(book), 2)) ==
        std::vector<int>{11, 12});
  CHECK(book.live == 0);
  CHECK(book.made == 3);
  CHECK(all_of(standard_allocator(2)) == std::vector<int>{1, 2});
  auto mixed = [](counting_allocator<char> a) -> frys::generator<int> {
    co_yield 0;
    co_yield frys::elements_of(counted(std::allocator_arg, a, 2));
  };
  CHECK(all_of(mixed(allocator)) == std::vector<int>{0, 1, 2});
  CHECK(book.live == 0);
}

namespace {
frys::async_generator<int> after_each(frys::async_event<>& bell, int last) {
  for (int i = 1; i <= last; ++i) {
    const auto rung = co_await bell.wait();
    if (!rung) co_return;
    bell.reset();
    co_yield i;
  }
}
frys::task<> sum_up(frys::async_generator<int> from, std::vector<int>& into, bool& done) {
  while (int* const i = co_await from.next()) into.push_back(*i);
  done = true;
}
waits::stoppable sum_up_unless(frys::stop_source&, frys::async_generator<int> from, std::vector<int>& into) {
  while (int* const i = co_await from.next()) into.push_back(*i);
  into.push_back(-1);
}
}  // namespace

TEST_CASE("async_generator: the consumer waits while the body does") {
  frys::async_event<> bell;
  std::vector<int> got;
  bool done = false;
  frys::task_scope scope;
  scope.spawn(sum_up(after_each(bell, 3), got, done));
  CHECK(got.empty());
  for (int i = 0; i < 3; ++i) bell.set();
  CHECK(got == std::vector<int>{1, 2, 3});
  CHECK(done);
}

TEST_CASE("async_generator: elements are not copied, and stand until the next one is asked for") {
  auto strings = []() -> frys::async_generator<std::unique_ptr<int>> {
    co_yield std::make_unique<int>(1);
    auto kept = std::make_unique<int>(2);
    co_yield kept;
    CHECK(kept == nullptr);
  };
  int sum = 0;
  frys::sync_wait([](auto g, int& into) -> frys::task<> {
    while (auto* const i = co_await g.next()) {
      auto mine = std::move(*i);
      into += *mine;
    }
    const auto* const again = co_await g.next();
    CHECK(again == nullptr);
  }(strings(), sum));
  CHECK(sum == 3);
}

TEST_CASE("async_generator: destroyed where it waits, it leaves what it waits for; the consumer's stop reaches it") {
  frys::async_event<> bell;
  std::vector<int> got;
  bool done = false;
  {
    frys::task_scope scope;
    scope.spawn(sum_up(after_each(bell, 3), got, done));
    bell.set();
  }
  CHECK(got == std::vector<int>{1});
  bell.set();
  bell.reset();
  CHECK_FALSE(done);
  frys::stop_source stop;
  const auto consumer = sum_up_unless(stop, after_each(bell, 3), got);
  bell.set();
  stop.request_stop();
  CHECK(got == std::vector<int>{1, 1, -1});
}

#if FRYS_EXCEPTIONS
TEST_CASE("async_generator: an exception comes out of next") {
  auto fails = []() -> frys::async_generator<int> {
    co_yield 1;
    throw std::runtime_error("no more");
  };
  const auto consume = [](frys::async_generator<int> g, int& n) -> frys::task<> {
    while (co_await g.next() != nullptr) ++n;
  };
  int n = 0;
  CHECK_THROWS_AS(frys::sync_wait(consume(fails(), n)), std::runtime_error);
  CHECK(n == 1);
}
#endif
