#include <frys/memory/qsbr_domain.hpp>

#include "domains.hpp"

namespace {

using namespace domains;
template <std::size_t Seats>
using of = frys::qsbr_domain<capacity<Seats>, batch<1>, garbage<8>, with_model, with_pages, counter<std::uint8_t>>;

// One reads and is quiet, twice; one replaces and reclaims.
void quiet_against_replace() {
  of<2> domain;
  cell shared(make(0));
  {
    auto reader = *domain.join();
    auto writer = *domain.join();
    model::threads(
        [&] {
          for (int i = 0; i < 2; ++i) {
            model::require(read<of<2>>(reader, shared) >= 0, "what is read was written");
            reader.quiesce();
          }
        },
        [&] {
          replace<of<2>>(writer, shared, 1);
          for (int i = 0; i < 2; ++i) writer.quiesce();
        });
  }
  model::require(domain.garbage() <= 1, "what may go has gone");
  drop_last(shared);
}

// A reader that goes offline and comes back.
void offline_against_replace() {
  of<2> domain;
  cell shared(make(0));
  {
    auto reader = *domain.join();
    auto writer = *domain.join();
    model::threads(
        [&] {
          model::require(read<of<2>>(reader, shared) >= 0, "what is read was written");
          { const auto away = reader.offline(); }
          model::require(read<of<2>>(reader, shared) >= 0, "what is read was written");
        },
        [&] {
          replace<of<2>>(writer, shared, 1);
          for (int i = 0; i < 2; ++i) writer.quiesce();
        });
  }
  drop_last(shared);
}

TEST_CASE("qsbr_domain under the model: no use after free, one reader against one who replaces") {
  holds(&quiet_against_replace);
  holds(&offline_against_replace);
}
TEST_CASE("qsbr_domain under the model: a seat changes hands") {
  holds(&seat_again<of<1>>);
  const model::report two = model::check(some, &seat_again<of<2>>);
  INFO(two.text());
  CHECK(two.passed());
}
TEST_CASE("qsbr_domain under the model: a stack of nodes that are freed") { holds(&stack<of<2>, false>); }

}  // namespace
