// overflow: what a push does where there is no room, for policy::overflow.
//
// fail       the push answers full and nothing is lost. The default of every block that takes the policy.
// overwrite  the push takes the place of the oldest value: the producer never waits and never fails, readers may lose
//            values and are told so by the block.
#ifndef FRYS_QUEUE_OVERFLOW_HPP
#define FRYS_QUEUE_OVERFLOW_HPP

#include <type_traits>

#include "../config.hpp"

namespace frys::inline FRYS_ABI {

namespace overflow {
struct fail {};
struct overwrite {};
}  // namespace overflow

// What policy::overflow may name.
template <class O>
concept overflow_rule = std::is_same_v<O, overflow::fail> || std::is_same_v<O, overflow::overwrite>;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_OVERFLOW_HPP
