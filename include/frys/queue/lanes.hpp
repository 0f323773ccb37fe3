// lanes: a bounded queue in which urgent values overtake the others, between any number of threads.
//
// Use when  a backlog holds values of a few ranks, and the ones that waited long must come out too.
// Not when  there is one rank (mpmc_ring) or the ranks are many or are numbers (relaxed_priority_queue).
// Roles     try_push, try_push_control, close: any thread. consumer(): a handle for each thread that pops.
// Lanes     lane 0 is the most urgent of `Lanes`. Before them all comes the control lane, whose room is its own: a
//           command to stop, say, finds a place however full the others are. Within a lane: first in, first out.
// Aging     of any K pops of a consumer that take from a lane, one begins at each lane: a value at the head of its lane
//           waits for K - 1 such pops, whatever is pushed to more urgent ones. The control lane does not count and does
//           not wait.
// Progress  as mpmc_ring: no operation waits for another thread, but one stopped in the middle hides its slot.
// Cost      a push: one of mpmc_ring. A pop: two loads for each lane that is empty and stands before the value's, and a
//           pop of mpmc_ring. No shared count: each consumer ages by its own.
// Ordering  a push that answered ok happens-before the pop that takes its value. Each lane is linearizable as a queue;
//           all together are not: a pop looks at one lane after the other, and answers empty when each was empty at its
//           turn. What a thread did before close() happens-before what another does that is told closed.
// Close     after close() pushes answer closed; pops hand out what was accepted, then answer closed.
// Lifetime  destroy it when no other thread can call it; values left in it are destroyed. No handle may outlive it.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>  slots of each lane and of the control lane, a power of two   default 256
//   policy::aging<K>     K, above the number of lanes; 0: urgent values always first  default 16, or twice the lanes
//   policy::atomics<A>   the atomics model                                            default atomics::standard
// Source    the lanes: mpmc_ring; turns that age: weighted round-robin, M. Katevenis, S. Sidiropoulos, C. Courcoubetis,
//           "Weighted round-robin cell multiplexing in a general-purpose ATM switch chip", JSAC 9(8), 1991.
#ifndef FRYS_QUEUE_LANES_HPP
#define FRYS_QUEUE_LANES_HPP

#include <cstddef>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../policy.hpp"
#include "mpmc_ring.hpp"
#include "policies.hpp"
#include "result.hpp"

namespace frys::inline FRYS_ABI {

template <class T, std::size_t Lanes, class... Policies>
class lanes {
  using accepted = policy::keys<policy::capacity_key, policy::aging_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::lanes: unknown policy; it takes policy::capacity, policy::aging, policy::atomics and "
                "policy::world");
  static_assert(accepted::template unique<Policies...>, "frys::lanes: a policy is given twice; name each at most once");
  static_assert(queue_element<T>, "frys::lanes<T>: T must be an object type that moves and dies without throwing");
  static_assert(Lanes > 0, "frys::lanes: at least one lane beside the control lane");

 public:
  using value_type = T;
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::lanes: policy::atomics wants an atomics model, see core/atomics.hpp");
  static constexpr std::size_t lane_count = Lanes;
  // Of each lane.
  static constexpr std::size_t capacity = policy::pick<policy::capacity<256>, Policies...>::value;
  static constexpr std::size_t aging = policy::pick<policy::aging<(Lanes < 8 ? 16 : 2 * Lanes)>, Policies...>::value;
  static_assert(aging == 0 || aging > Lanes, "frys::lanes: policy::aging must be 0 or above the number of lanes");

  lanes() = default;
  lanes(const lanes&) = delete;
  lanes& operator=(const lanes&) = delete;

  // Any thread. lane < Lanes. On full (this lane is) and closed the value is untouched.
  push_result try_push(std::size_t lane, T&& value) noexcept { return at(lane).try_push(std::move(value)); }
  push_result try_push(std::size_t lane, const T& value) noexcept requires std::is_nothrow_copy_constructible_v<T> {
    return at(lane).try_push(value);
  }
  // Any thread. Before all lanes, in room of its own.
  push_result try_push_control(T&& value) noexcept { return control_.try_push(std::move(value)); }
  push_result try_push_control(const T& value) noexcept requires std::is_nothrow_copy_constructible_v<T> {
    return control_.try_push(value);
  }

  // Any thread; again is harmless.
  void close() noexcept {
    for (ring& r : lanes_) r.close();
    control_.close();
  }
  // Any thread. Values may still come out.
  [[nodiscard]] bool is_closed() const noexcept { return control_.is_closed(); }
  // Any thread. May be stale on return.
  [[nodiscard]] std::size_t size_hint() const noexcept {
    std::size_t n = control_.size_hint();
    for (const ring& r : lanes_) n += r.size_hint();
    return n;
  }

  // What a thread pops with; one thread at a time.
  class consumer_type {
   public:
    // The control lane's oldest value, else the oldest of the first lane that has one.
    pop_result<T> try_pop() noexcept {
      pop_result<T> urgent = lanes_->control_.try_pop();
      if (urgent) return urgent;
      bool all_closed = urgent.is_closed();
      // Turns 0 to Lanes - 1 begin at one lane each; the others at lane 0.
      const std::size_t first = aging != 0 && turn_ < Lanes ? Lanes - 1 - turn_ : 0;
      for (std::size_t i = 0; i <= Lanes; ++i) {
        if (i == first + 1) continue;  // had its turn as the first
        pop_result<T> got = lanes_->lanes_[i == 0 ? first : i - 1].try_pop();
        if (got) {
          if (++turn_ >= aging) turn_ = 0;
          return got;
        }
        all_closed = all_closed && got.is_closed();
      }
      return all_closed ? pop_status::closed : pop_status::empty;
    }

   private:
    friend class lanes;
    explicit consumer_type(lanes& l) noexcept : lanes_(&l) {}
    lanes* lanes_;
    std::size_t turn_ = 0;
  };
  // Any thread. One for each thread that pops.
  [[nodiscard]] consumer_type consumer() noexcept { return consumer_type(*this); }

 private:
  using ring = mpmc_ring<T, policy::capacity<capacity>, policy::atomics<atomics_type>>;

  ring& at(std::size_t lane) noexcept {
    FRYS_ASSERT(lane < Lanes, "lanes::try_push: there is no such lane");
    return lanes_[lane];
  }

  ring control_;
  ring lanes_[Lanes];
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_LANES_HPP
