// fwd: the names of search without their bodies.
#ifndef FRYS_SEARCH_FWD_HPP
#define FRYS_SEARCH_FWD_HPP

#include "../config.hpp"

namespace frys::inline FRYS_ABI {

struct neighbour;
template <class Metric, class... Policies>
class flat_index;
namespace metrics {
struct cosine;
struct l2;
struct dot;
}  // namespace metrics

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SEARCH_FWD_HPP
