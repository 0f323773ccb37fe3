#include <frys/memory/intrusive_ptr.hpp>
#include <frys/sim/counting.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <utility>

namespace {

using A = frys::atomics::counting;
using frys::intrusive_ptr;

struct counted : frys::ref_counted<counted, frys::policy::atomics<A>> {};
struct counted_here
    : frys::ref_counted<counted_here, frys::policy::atomics<A>, frys::policy::count<frys::counts::local>> {};

}  // namespace

TEST_CASE("intrusive_ptr: making counts nothing; a copy is a read-modify-write; the only owner leaves by a load") {
  A::reset();
  intrusive_ptr<counted> a, b;
  CHECK(A::of([&] { a = *frys::make_intrusive<counted>(); }).text() == "nothing");
  CHECK(A::of([&] { b = a; }).text() == "1 rmw");
  CHECK(A::of([&] { b.reset(); }).text() == "1 load, 1 rmw");
  CHECK(A::of([&] { b = std::move(a); }).text() == "nothing");
  CHECK(A::of([&] { (void)b->is_unique(); }).text() == "1 load");
#if FRYS_HARDENED
  CHECK(A::of([&] { b.reset(); }).text() == "2 loads");  // looks whether anybody is left
#else
  CHECK(A::of([&] { b.reset(); }).text() == "1 load");
#endif
}

TEST_CASE("intrusive_ptr: counts::local touches no atomic") {
  A::reset();
  CHECK(A::of([] {
          intrusive_ptr<counted_here> a = *frys::make_intrusive<counted_here>();
          auto b = a;
          a.reset();
          b.reset();
        }).text() == "nothing");
}
