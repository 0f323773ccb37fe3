// What the reclaiming domains cost, by counted atomics: the same figures on every machine.
#include <frys/sim/counting.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>

#include <frys/memory/epoch_domain.hpp>
#include <frys/memory/hazard_domain.hpp>
#include <frys/memory/qsbr_domain.hpp>

namespace {

using A = frys::atomics::counting;
using with_counting = frys::policy::atomics<A>;

// As fences::asymmetric where the system grants it: the light half is free, the heavy one a fence.
struct granted {
  template <class>
  static void prepare() noexcept {}
  template <class>
  static void light() noexcept {}
  template <class M>
  static bool heavy() noexcept {
    M::fence(std::memory_order_seq_cst);
    return true;
  }
  template <class>
  static bool is_free() noexcept {
    return true;
  }
  template <class>
  static void free_light() noexcept {}
};
using asymmetric = frys::policy::fence<granted>;
using symmetric = frys::policy::fence<frys::fences::symmetric>;

template <class D>
struct fixture {
  std::unique_ptr<D> domain = std::make_unique<D>();
  typename D::participant seat = *domain->join();
  int object = 1;
  A::atomic<int*> source{&object};

  A::counts read() {
    return A::of([&] { CHECK(*seat.protect(source) == 1); });
  }
  A::counts retires(int n) {
    return A::of([&] {
      for (int i = 0; i < n; ++i) CHECK(seat.retire(&object, [](void*) noexcept {}));
    });
  }
};

}  // namespace

TEST_CASE("epoch_domain: a protected read is two stores, no read-modify-write, and a fence only if symmetric") {
  A::reset();
  fixture<frys::epoch_domain<with_counting, asymmetric>> free;
  CHECK(free.read().text() == "3 loads, 2 stores");
  CHECK(A::of([&] { auto pin = free.seat.pin(); }).text() == "2 loads, 2 stores");
  auto outer = free.seat.pin();
  CHECK(A::of([&] { auto pin = free.seat.pin(); }).text() == "1 load");
  fixture<frys::epoch_domain<with_counting, symmetric>> fenced;
  CHECK(fenced.read().text() == "3 loads, 2 stores, 1 fence");
}

TEST_CASE("epoch_domain: 256 retired objects are 256 stores and one look") {
  A::reset();
  fixture<frys::epoch_domain<with_counting, asymmetric>> f;
  (void)f.retires(1024);
  const A::counts more = f.retires(1024);
  CHECK(more.fences == 4);
  CHECK(more.rmws == 4);  // the epoch goes on
  CHECK(more.transfers == 0);
  CHECK(f.domain->garbage() <= 512);
}

TEST_CASE("hazard_domain: a protected read is two stores, no read-modify-write, and a fence only if symmetric") {
  A::reset();
  fixture<frys::hazard_domain<with_counting, asymmetric>> free;
  CHECK(free.read().text() == "3 loads, 2 stores");
  fixture<frys::hazard_domain<with_counting, symmetric>> fenced;
  CHECK(fenced.read().fences == 1);
  CHECK(fenced.read().rmws == 0);
  (void)free.retires(1024);
  const A::counts more = free.retires(1024);
  CHECK(more.fences == 4);
  CHECK(more.rmws == 0);
}

TEST_CASE("qsbr_domain: a read costs the load, a quiet point two loads while the epoch stands") {
  A::reset();
  fixture<frys::qsbr_domain<with_counting>> f;
  CHECK(f.read().text() == "1 load");
  CHECK(A::of([&] { f.seat.quiesce(); }).text() == "3 loads");
}
