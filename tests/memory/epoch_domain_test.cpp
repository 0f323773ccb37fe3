#include <frys/memory/epoch_domain.hpp>

#include <algorithm>
#include <memory>
#include <type_traits>
#include <utility>

#include "counting_pages.hpp"
#include "domains.hpp"

namespace {

using namespace domains;
namespace policy = frys::policy;
using symmetric = policy::fence<frys::fences::symmetric>;
using standard = frys::epoch_domain<>;
using small = frys::epoch_domain<policy::capacity<2>, policy::batch<4>, policy::garbage<16>>;
static_assert(frys::reclaimer<standard>);
static_assert(frys::reclaimer<small>);
static_assert(!std::is_copy_constructible_v<standard::participant>);
static_assert(!std::is_copy_constructible_v<standard::pin_guard>);

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
// As where the system grants it, and then no more.
struct withdrawn_fence : frys::fences::symmetric {
  template <class A>
  static bool heavy() noexcept {
    return false;
  }
};

}  // namespace

TEST_CASE("epoch_domain: what readers see is alive, with several writers and readers") {
  replace_against_read<standard>(2, 2, 3000, nothing);
  replace_against_read<frys::epoch_domain<symmetric>>(2, 2, 3000, nothing);
  replace_against_read<frys::epoch_domain<policy::fence<refused_fence>>>(1, 2, 3000, nothing);
  replace_against_read<frys::epoch_domain<policy::batch<1>, policy::garbage<8>>>(2, 2, 1000, nothing);
  replace_against_read<frys::epoch_domain<policy::counter<std::uint8_t>>>(2, 2, 3000, nothing);
}
TEST_CASE("epoch_domain: a stack popped by eight threads") { eight_threads_on_a_stack<standard>(nothing); }
TEST_CASE("epoch_domain: threads that come and go leave nothing behind") { short_lived_threads<standard>(); }
TEST_CASE("epoch_domain: a destructor may retire") {
  destructors_that_retire<standard>();
  destructors_that_retire<small>();
}
TEST_CASE("epoch_domain: seats run out and come back") { seats_run_out<small>(); }

TEST_CASE("epoch_domain: nothing goes while a reader that could have it is pinned") {
  small domain;
  auto reader = *domain.join();
  auto writer = *domain.join();
  const int before = tracked::living;
  frys::epoch_domain<>::atomics_type::atomic<tracked*> cell{new tracked(1)};
  {
    auto outer = reader.protect(cell);
    {
      auto inner = reader.pin();
      auto other = std::move(inner);
    }
    CHECK(writer.retire(cell.exchange(nullptr)));
    for (int i = 0; i < 5; ++i) writer.quiesce();
    CHECK(outer->value == 1);
    CHECK(domain.garbage() == 1);
    auto hand_over = reader.protect(cell);
    CHECK_FALSE(hand_over);
    auto kept = std::move(outer);
    CHECK(kept->value == 1);
  }
  writer.quiesce();
  CHECK(domain.garbage() == 0);
  CHECK(tracked::living == before);
}

TEST_CASE("epoch_domain: the garbage of a seat is bounded, with a stopped reader and without") {
  small domain;
  auto reader = *domain.join();
  auto writer = *domain.join();
  const int before = tracked::living;
  std::size_t most = 0;
  for (int i = 0; i < 1000; ++i) {
    CHECK(writer.retire(new tracked(i)));
    most = (std::max)(most, domain.garbage());
  }
  CHECK(most <= 2 * small::batch);
  writer.quiesce();
  {
    auto stopped = reader.pin();
    writer.quiesce();
    int taken = 0;
    CHECK(writer.room() == small::most_garbage);
    for (auto next = std::make_unique<tracked>(0); writer.retire(next.get()); next = std::make_unique<tracked>(0)) {
      static_cast<void>(next.release());
      ++taken;
    }
    CHECK(taken == static_cast<int>(small::most_garbage));
    CHECK(writer.room() == 0);
    CHECK(domain.garbage() == small::most_garbage);
    CHECK(domain.garbage() <= small::bound());
    auto last = std::make_unique<tracked>(0);
    CHECK_FALSE(writer.retire(last.get()));
    CHECK_FALSE(writer.retire(last.get()));
  }
  CHECK(writer.retire(new tracked(1)));  // the reader is gone: there is room at once
  writer.quiesce();
  CHECK(domain.garbage() == 0);
  CHECK(tracked::living == before);
}

TEST_CASE("epoch_domain: what a seat leaves is reclaimed by whoever looks next, or by the domain") {
  const int before = tracked::living;
  {
    frys::epoch_domain<policy::capacity<3>> domain;
    auto reader = *domain.join();
    auto other = *domain.join();
    {
      auto pin = reader.pin();
      {
        auto leaving = *domain.join();
        CHECK(leaving.retire(new tracked(1)));
      }
      CHECK(domain.garbage() == 1);
    }
    other.quiesce();
    CHECK(domain.garbage() == 0);
    {
      auto pin = reader.pin();
      auto leaving = *domain.join();
      CHECK(leaving.retire(new tracked(2)));
    }
    CHECK(domain.garbage() <= 1);
  }
  CHECK(tracked::living == before);
}

TEST_CASE("epoch_domain: a heavy fence that fails frees nothing") {
  const int before = tracked::living;
  {
    frys::epoch_domain<policy::fence<withdrawn_fence>, policy::batch<2>, policy::garbage<4>> domain;
    auto seat = *domain.join();
    for (int i = 0; i < 4; ++i) CHECK(seat.retire(new tracked(i)));
    tracked fifth(5);
    CHECK_FALSE(seat.retire(&fifth));
    CHECK(domain.garbage() == 4);
  }
  CHECK(tracked::living == before);
}

TEST_CASE("epoch_domain: a page source that refuses is an error of join, and the seat stays free") {
  using pages = counting_pages<50>;
  {
    frys::epoch_domain<policy::pages<pages>, policy::capacity<1>> domain;
    pages::refuses = true;
    auto refused = domain.join();
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == frys::errc::out_of_memory);
    pages::refuses = false;
    auto seat = domain.join();
    REQUIRE(seat);
    const std::size_t before = pages::allocations;
    for (int i = 0; i < 10000; ++i) CHECK(seat->retire(&domain, [](void*) noexcept {}));
    seat->leave();
    CHECK(domain.join());
    CHECK(pages::allocations == before);  // nothing is allocated to retire, nor for the seat's next holder
  }
  CHECK(pages::held == 0);
}
