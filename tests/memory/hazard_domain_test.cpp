#include <frys/memory/hazard_domain.hpp>

#include <algorithm>
#include <utility>

#include "counting_pages.hpp"
#include "domains.hpp"

namespace {

using namespace domains;
namespace policy = frys::policy;
using classic = frys::hazard_domain<policy::fence<frys::fences::symmetric>>;
using standard = frys::hazard_domain<>;
using small = frys::hazard_domain<policy::capacity<2>, policy::batch<4>, policy::hazards<2>>;
static_assert(frys::reclaimer<standard>);
static_assert(frys::reclaimer<classic>);
static_assert(!standard::has_pin);

constexpr auto nothing = [](auto&) {};

// As where the system refuses membarrier.
struct refused_fence : frys::fences::symmetric {
  template <class A>
  static bool is_free() noexcept {
    return false;
  }
  template <class A>
  static void free_light() noexcept {
    FAIL("a fence that is not free is needed");
  }
};

}  // namespace

TEST_CASE("hazard_domain: what readers see is alive, with several writers and readers") {
  replace_against_read<standard>(2, 2, 3000, nothing);
  replace_against_read<classic>(2, 2, 3000, nothing);
  replace_against_read<frys::hazard_domain<policy::fence<refused_fence>>>(1, 2, 3000, nothing);
  replace_against_read<frys::hazard_domain<policy::batch<1>, policy::hazards<2>>>(2, 2, 1000, nothing);
}
TEST_CASE("hazard_domain: a stack popped by eight threads") { eight_threads_on_a_stack<standard>(nothing); }
TEST_CASE("hazard_domain: threads that come and go leave nothing behind") { short_lived_threads<standard>(); }
TEST_CASE("hazard_domain: a destructor may retire") {
  destructors_that_retire<standard>();
  destructors_that_retire<small>();
}
TEST_CASE("hazard_domain: seats run out and come back") { seats_run_out<small>(); }

TEST_CASE("hazard_domain: what is announced stays, all else goes") {
  small domain;
  auto reader = *domain.join();
  auto writer = *domain.join();
  const int before = tracked::living;
  pointer_in<small> cells[3];
  for (int i = 0; i < 3; ++i) cells[i].store(new tracked(i));
  {
    auto first = reader.protect(cells[0]);
    auto second = reader.protect(cells[1]);
    CHECK(writer.retire(cells[0].exchange(nullptr)));
    CHECK(writer.retire(cells[1].exchange(nullptr)));
    CHECK(writer.retire(cells[2].exchange(nullptr)));
    writer.quiesce();
    CHECK(domain.garbage() == 2);
    CHECK(first->value == 0);
    CHECK(second->value == 1);
    first.reset();
    writer.quiesce();
    CHECK(domain.garbage() == 1);
    auto none = reader.protect(cells[0]);
    CHECK(none.get() == nullptr);
    first = std::move(second);
    writer.quiesce();
    CHECK(first->value == 1);
    CHECK(domain.garbage() == 1);
  }
  writer.quiesce();
  CHECK(tracked::living == before);
}

TEST_CASE("hazard_domain: a stopped reader keeps what it holds and nothing else; retire never refuses") {
  small domain;
  auto reader = *domain.join();
  auto writer = *domain.join();
  const int before = tracked::living;
  pointer_in<small> cell(new tracked(0));
  {
    auto stopped = reader.protect(cell);
    CHECK(writer.retire(cell.exchange(nullptr)));
    std::size_t most = 0;
    for (int i = 0; i < 1000; ++i) {
      CHECK(writer.retire(new tracked(i)));
      most = (std::max)(most, domain.garbage());
    }
    CHECK(most <= small::batch + 1);
    CHECK(most <= small::most_garbage);
    CHECK(small::most_garbage <= small::bound());
    CHECK(stopped->value == 0);
  }
  writer.quiesce();
  CHECK(domain.garbage() == 0);
  CHECK(tracked::living == before);
}

TEST_CASE("hazard_domain: what a seat leaves is reclaimed by whoever looks next") {
  const int before = tracked::living;
  frys::hazard_domain<policy::capacity<3>> domain;
  auto reader = *domain.join();
  auto other = *domain.join();
  pointer_in<standard> cell(new tracked(0));
  {
    auto held = reader.protect(cell);
    {
      auto leaving = *domain.join();
      CHECK(leaving.retire(cell.exchange(nullptr)));
    }
    CHECK(domain.garbage() == 1);
    CHECK(held->value == 0);
  }
  other.quiesce();
  CHECK(domain.garbage() == 0);
  CHECK(tracked::living == before);
}

TEST_CASE("hazard_domain: retiring allocates nothing") {
  using pages = counting_pages<51>;
  {
    frys::hazard_domain<policy::pages<pages>> domain;
    auto seat = *domain.join();
    const std::size_t before = pages::allocations;
    for (int i = 0; i < 10000; ++i) CHECK(seat.retire(&domain, [](void*) noexcept {}));
    CHECK(pages::allocations == before);
  }
  CHECK(pages::held == 0);
}
