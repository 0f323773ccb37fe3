#include <frys/memory/allocated_ptr.hpp>

#include <doctest/doctest.h>
#include <frys/memory/limited.hpp>
#include <frys/memory/system_allocator.hpp>

#include <memory>
#include <string>
#include <utility>

namespace {

struct component {
  int id;
  explicit component(int i) : id(i) {}
  // No virtual destructor: the deleter knows what it made.
};
struct left_base {
  long padding = 0;
};
struct parser : left_base, component {
  std::string text = "a text that is too long for its own inside";
  bool& ended;
  parser(int i, bool& e) : component(i), ended(e) {}
  ~parser() { ended = true; }
};

}  // namespace

TEST_CASE("allocated_ptr: an object goes back to the allocator that made it, also through a base") {
  frys::limited<frys::system_allocator, 100'000> one, other;
  bool ended = false;
  {
    auto made = frys::allocate_unique<parser>(one, 7, ended);
    REQUIRE(made);
    frys::allocated_ptr<component, decltype(one)> base = std::move(*made);
    CHECK(base->id == 7);
    CHECK(one.used() == sizeof(parser));
    CHECK(base.get_deleter().allocator() == &one);
    auto second = frys::allocate_unique<component>(other, 8);
    REQUIRE(second);
    CHECK(other.used() == sizeof(component));
    std::swap(base, *second);  // each remembers its own
    second->reset();
    CHECK(ended);
    CHECK(one.used() == 0);
    CHECK(other.used() == sizeof(component));
  }
  CHECK(other.used() == 0);
  frys::allocated_ptr<component, decltype(one)> none;
  CHECK_FALSE(none);
}

TEST_CASE("allocated_ptr: what the allocator refuses is answered, and a constructor that throws leaks nothing") {
  frys::limited<frys::system_allocator, 1> none;
  CHECK(frys::allocate_unique<component>(none, 1).error() == frys::errc::limit_exceeded);
#if FRYS_EXCEPTIONS
  struct thrower {
    explicit thrower(int) { throw 1; }
    int value = 0;
  };
  frys::limited<frys::system_allocator, 1000> a;
  CHECK_THROWS(static_cast<void>(frys::allocate_unique<thrower>(a, 1)));
  CHECK(a.used() == 0);
#endif
}
