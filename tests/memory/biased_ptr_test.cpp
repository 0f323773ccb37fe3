#include <frys/memory/biased_ptr.hpp>

#include <doctest/doctest.h>

#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {
struct message : frys::ref_counted<message, frys::policy::count<frys::counts::biased>> {
  explicit message(int* count) : died(count) {}
  ~message() { ++*died; }
  int* died;
};
using shared = frys::intrusive_ptr<message>;
using own = frys::biased_ptr<message>;

shared make(int& died) {
  auto made = frys::make_intrusive<message>(&died);
  REQUIRE(made);
  return *std::move(made);
}
static_assert(!std::is_convertible_v<shared, own> && !std::is_constructible_v<own, const shared&>);
static_assert(std::is_nothrow_move_constructible_v<own> && sizeof(own) == sizeof(void*));
}  // namespace

TEST_CASE("biased_ptr: all pointers of the owner hold one count, and the last of any kind ends the object") {
  int died = 0;
  {
    own first(make(died));
    CHECK(first->use_count() == 1);
    own second = first, third = second;
    CHECK(first->use_count() == 1);
    const shared out = third.share();
    CHECK(first->use_count() == 2);
    first.reset();
    second = own();
    CHECK(third == third);
    third = std::move(second);
    CHECK(!third);
    CHECK(died == 0);
    CHECK(out->use_count() == 1);
  }
  CHECK(died == 1);
}

TEST_CASE("biased_ptr: a pointer that joins the owner's gives its count up") {
  int died = 0;
  {
    shared a = make(died), b = a;
    own first(std::move(a));
    own second(std::move(b));
    CHECK(!a);
    CHECK(!b);
    CHECK(first->use_count() == 1);
    CHECK(first == second);
    swap(first, second);
    own none{shared()};
    CHECK(none == nullptr);
    CHECK(none.share() == nullptr);
    own copy = none;
    CHECK(!copy);
  }
  CHECK(died == 1);
}

TEST_CASE("biased_ptr: other threads share the object while its owner copies") {
  int died = 0;
  {
    own mine(make(died));
    std::vector<std::thread> others;
    for (int i = 0; i < 3; ++i)
      others.emplace_back([theirs = mine.share()] {
        for (int k = 0; k < 1000; ++k) {
          const shared copy = theirs;
          CHECK_UNARY(static_cast<bool>(copy));
        }
      });
    for (int k = 0; k < 1000; ++k) {
      const own copy = mine;
      const shared out = copy.share();
      if (k == 500) mine = own();
      if (!mine) mine = copy;
    }
    for (std::thread& t : others) t.join();
    CHECK(mine->use_count() == 1);
  }
  CHECK(died == 1);
}

TEST_CASE("biased_ptr: when the owner has none left, another thread may become the owner") {
  int died = 0;
  shared kept = make(died);
  {
    const own first{shared(kept)};
    const own second = first;
  }
  std::thread([&died, theirs = kept]() mutable {
    const own first(std::move(theirs));
    const own second = first;
    CHECK(died == 0);
  }).join();
  CHECK(kept->use_count() == 1);
  kept.reset();
  CHECK(died == 1);
}
