// atomics_of: the atomics model that a queue was made with; the standard one for queues that do not say.
#ifndef FRYS_QUEUE_DETAIL_ATOMICS_OF_HPP
#define FRYS_QUEUE_DETAIL_ATOMICS_OF_HPP

#include "../../config.hpp"
#include "../../core/atomics.hpp"

namespace frys::inline FRYS_ABI::detail {

template <class Queue>
struct atomics_of {
  using type = atomics::standard;
};
template <class Queue>
requires requires { typename Queue::atomics_type; }
struct atomics_of<Queue> {
  using type = typename Queue::atomics_type;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_ATOMICS_OF_HPP
