#include <frys/memory/epoch_domain.hpp>

#include <memory>
#include <utility>

#include "domains.hpp"

namespace {

using namespace domains;
template <std::size_t Seats, class... More>
using of =
    frys::epoch_domain<capacity<Seats>, batch<1>, garbage<8>, with_model, with_pages, counter<std::uint8_t>, More...>;

// Guards nest, and the first one to die does not let go.
void nested() {
  using D = of<2>;
  D domain;
  cell shared(make(0));
  {
    auto reader = *domain.join();
    auto writer = *domain.join();
    model::threads(
        [&] {
          auto first = reader.protect(shared);
          auto second = reader.protect(shared);
          first = std::move(second);
          if (first) model::require(first->value.get() == 0, "what is read was written");
        },
        [&] {
          replace<D>(writer, shared, -1);
          writer.quiesce();
        });
  }
  drop_last(shared);
}

// The epoch comes round while one reads: 8 bits, so after 128 advances.
void laps() {
  using D = of<2>;
  D domain;
  cell shared(make(0));
  {
    auto reader = *domain.join();
    auto writer = *domain.join();
    for (int lap = 0; lap < 3; ++lap) {
      model::threads([&] { (void)read<D>(reader, shared); },
                     [&] {
                       replace<D>(writer, shared, lap);
                       writer.quiesce();
                     });
    }
    for (int i = 0; i < 200; ++i) {
      replace<D>(writer, shared, i);
      model::require(domain.garbage() <= 2, "two batches at most while nobody reads");
    }
  }
  drop_last(shared);
}

// Another one sees the reader gone and moves the epoch: from it alone, the writer knows that it may destroy.
void told_by_another() {
  using D = of<3>;
  D domain;
  cell shared(make(0)), other(make(1));
  {
    auto reader = *domain.join();
    auto writer = *domain.join();
    auto third = *domain.join();
    auto held = std::make_unique<D::guard<box>>(reader.protect(shared));
    replace<D>(writer, shared, -1);
    writer.quiesce();
    model::require(domain.garbage() == 1, "the reader holds it");
    replace<D>(third, other, -1);
    model::threads(
        [&] {
          model::require((*held)->value.get() == 0, "what is held stays");
          held.reset();
        },
        [&] { third.quiesce(); }, [&] { writer.quiesce(); });
  }
  model::require(domain.garbage() == 0, "nobody reads: all is gone");
}

TEST_CASE("epoch_domain under the model: no use after free, one reader against one who replaces") {
  holds(&read_against_replace<of<2>, 1>);
  holds(&read_against_replace<of<2>, 2>);
  holds(&read_against_replace<of<2, symmetric>, 1>);
  holds(&read_against_replace<of<2, granted>, 2>);
  holds(&read_against_replace<of<2, refused>, 2>);
}
TEST_CASE("epoch_domain under the model: two reclaim at once") { holds(&two_reclaim<of<3>>); }
TEST_CASE("epoch_domain under the model: what a seat leaves is neither lost nor gone too early") {
  holds(&left_behind<of<3>>);
}
TEST_CASE("epoch_domain under the model: the epoch carries what its mover has seen") { holds(&told_by_another); }
TEST_CASE("epoch_domain under the model: a seat changes hands") {
  holds(&read_and_leave<of<2>>);
  holds(&read_and_leave<of<2, refused>>);
  holds(&seat_again<of<1>>);
  const model::report two = model::check(some, &seat_again<of<2>>);
  INFO(two.text());
  CHECK(two.passed());
}
TEST_CASE("epoch_domain under the model: guards nest") { holds(&nested); }
TEST_CASE("epoch_domain under the model: a stack of nodes that are freed") {
  holds(&stack<of<2>, false>);
  holds(&stack<of<2>, true>);
}
TEST_CASE("epoch_domain under the model: an 8-bit epoch wraps") {
  const model::report any = model::check(model::random{.executions = 100}, &laps);
  INFO(any.text());
  CHECK(any.passed());
}
TEST_CASE("epoch_domain under the model: without either fence it is a use after free") {
  fails(&read_against_replace<of<2, frys::policy::fence<no_light_fence>>, 1>);
  fails(&read_against_replace<of<2, frys::policy::fence<no_heavy_fence>>, 1>);
}

}  // namespace
