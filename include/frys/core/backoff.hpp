// backoff: what to do between two failed tries of a contended operation.
//
// Use when  a compare-exchange lost or a slot is busy for a few nanoseconds.
// Not when  the wait may be long (parker, eventcount): a backoff never sleeps.
// Cost      doubles from 1 pause to `Limit`, then yields the core each time.
#ifndef FRYS_CORE_BACKOFF_HPP
#define FRYS_CORE_BACKOFF_HPP

#include "../config.hpp"
#include "atomics.hpp"
#include "os_thread.hpp"

namespace frys::inline FRYS_ABI {

template <class Atomics = atomics::standard, unsigned Limit = 64>
class backoff {
  static_assert(Limit < 1u << 31, "frys::backoff: Limit is a count of pauses below 2^31");

 public:
  void pause() noexcept {
    if (count_ > Limit) {
      os_thread::yield();
      return;
    }
    for (unsigned i = 0; i < count_; ++i) Atomics::pause();
    count_ *= 2;
  }
  // True once pausing has given way to yielding: time to think of sleeping.
  [[nodiscard]] bool is_exhausted() const noexcept { return count_ > Limit; }
  void reset() noexcept { count_ = 1; }

 private:
  unsigned count_ = 1;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_BACKOFF_HPP
