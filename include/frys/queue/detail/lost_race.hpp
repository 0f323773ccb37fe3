// lost_race: what to do after a compare-exchange that somebody else has won.
//
// Resting lets the winner do many operations while the contended lines stay in its core; who tries again at once takes
// them away after each. Bounded: 4 pauses after the first loss of an operation, doubling, 256 at most (about 6 us).
#ifndef FRYS_QUEUE_DETAIL_LOST_RACE_HPP
#define FRYS_QUEUE_DETAIL_LOST_RACE_HPP

#include "../../config.hpp"

namespace frys::inline FRYS_ABI::detail {

template <class Atomics>
class lost_race {
 public:
  // In an atomics model without `rest`, such as the checker's, time costs nothing and this does nothing.
  void rest() noexcept {
    if constexpr (requires { Atomics::rest(1u); }) {
      Atomics::rest(rounds_);
      if (rounds_ < most) rounds_ *= 2;
    }
  }

 private:
  static constexpr unsigned first = 4, most = 256;
  unsigned rounds_ = first;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_LOST_RACE_HPP
