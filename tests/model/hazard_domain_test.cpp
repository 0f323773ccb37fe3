#include <frys/memory/hazard_domain.hpp>

#include "domains.hpp"

namespace {

using namespace domains;
template <std::size_t Seats, class... More>
using of = frys::hazard_domain<capacity<Seats>, frys::policy::hazards<1>, batch<1>, with_model, with_pages, More...>;

TEST_CASE("hazard_domain under the model: no use after free, one reader against one who replaces") {
  holds(&read_against_replace<of<2>, 1>);
  holds(&read_against_replace<of<2>, 2>);
  holds(&read_against_replace<of<2, symmetric>, 1>);
  holds(&read_against_replace<of<2, granted>, 2>);
  holds(&read_against_replace<of<2, refused>, 2>);
}
TEST_CASE("hazard_domain under the model: two reclaim at once") { holds(&two_reclaim<of<3>>); }
TEST_CASE("hazard_domain under the model: what a seat leaves is neither lost nor gone too early") {
  holds(&left_behind<of<3>>);
}
TEST_CASE("hazard_domain under the model: a seat changes hands") {
  holds(&read_and_leave<of<2>>);
  holds(&read_and_leave<of<2, refused>>);
  holds(&seat_again<of<1>>);
  holds(&seat_again<of<2>>);
}
TEST_CASE("hazard_domain under the model: a stack of nodes that are freed") {
  holds(&stack<of<2>, false>);
  holds(&stack<of<2>, true>);
  holds(&stack<of<2, granted>, true>);
}
TEST_CASE("hazard_domain under the model: without either fence it is a use after free") {
  fails(&read_against_replace<of<2, frys::policy::fence<no_light_fence>>, 1>);
  fails(&read_against_replace<of<2, frys::policy::fence<no_heavy_fence>>, 1>);
}

}  // namespace
