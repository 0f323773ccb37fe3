// slot: room for one T, built and destroyed by hand.
#ifndef FRYS_QUEUE_DETAIL_SLOT_HPP
#define FRYS_QUEUE_DETAIL_SLOT_HPP

#include "../../config.hpp"

namespace frys::inline FRYS_ABI::detail {

template <class T>
union slot {
  slot() noexcept {}
  ~slot() {}
  T value;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_SLOT_HPP
