// spsc_ring: a bounded FIFO from one producer thread to one consumer thread.
//
// Use when  one thread feeds one other and the caller can cope with "full".
// Not when  either end has more threads (mpmc_ring, mpsc_queue) or the backlog has no bound (mpsc_queue).
// Roles     try_push, try_emplace, push_some, writable, commit, close: the producer. try_pop, pop_some, front,
// pop_front,
//           readable, consume, abandon: the consumer. size_hint: any thread. The roles may move to other threads if
//           something orders the hand-over.
// Progress  all operations are wait-free.
// Cost      O(1), no allocation; reads the other side's index only when our copy of it says full or empty. The slots
//           lie in the object. Spans and bulk forms publish once for many elements: several times faster.
// Ordering  a push that answered ok happens-before the pop that takes its value; a pop happens-before the push that
//           builds over its slot.
// Close     close(): the producer has finished; the consumer takes what is left, then gets closed. abandon(): the
// consumer
//           wants no more; the producer gets closed at the latest when the ring is full.
// Lifetime  destroy it after both threads have stopped using it; values left in it are destroyed.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>  slots, all usable; N is a power of two   default 1024
//   policy::atomics<A>   the atomics model                        default atomics::standard
//   policy::niche<V>     a value that is never pushed: the slots themselves then say whether they are full, and no
//   index
//                        travels. T: trivially copyable, up to 8 bytes. No spans.   default none
//   policy::layout<L>    layout::contiguous, or layout::scattered for the least time to and fro (no spans)
//   policy::publish<P>   publish::each, or publish::lazy: the consumer tells in portions (not with a niche)
// Presets   low_latency_ring<T, V, N>: niche and scattered. high_throughput_ring<T, N>: lazy.
// Source    L. Lamport, TOPLAS 5(2), 1983; cached indices: P. Lee, T. Bu, G. Chandranmenon, IPDPS 2010; niche: J.
//           Giacomoni, T. Moseley, M. Vachharajani, PPoPP 2008.
#ifndef FRYS_QUEUE_SPSC_RING_HPP
#define FRYS_QUEUE_SPSC_RING_HPP

#include <bit>
#include <cstddef>
#include <type_traits>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../policy.hpp"
#include "detail/spsc_counted.hpp"
#include "detail/spsc_marked.hpp"
#include "policies.hpp"
#include "result.hpp"

namespace frys::inline FRYS_ABI {

namespace detail {

struct no_niche {
  using key = policy::niche_key;
  static constexpr std::nullptr_t value = nullptr;
};

// Refuses what does not fit, and chooses the ring.
template <class T, class... Policies>
struct spsc_parts {
  using accepted = policy::keys<policy::capacity_key, policy::atomics_key, policy::niche_key, policy::layout_key,
                                policy::publish_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::spsc_ring: unknown policy; it takes policy::capacity, policy::atomics, policy::niche, "
                "policy::layout, policy::publish and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::spsc_ring: a policy is given twice; name each at most once");
  static_assert(queue_element<T>, "frys::spsc_ring<T>: T must be an object type that moves and dies without throwing");

  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::spsc_ring: policy::atomics wants an atomics model, see core/atomics.hpp");
  static constexpr std::size_t capacity = policy::pick<policy::capacity<1024>, Policies...>::value;
  static_assert(std::has_single_bit(capacity), "frys::spsc_ring: policy::capacity must be a power of two");
  using layout_type = typename policy::pick<policy::layout<layout::contiguous>, Policies...>::type;
  static_assert(queue_layout<layout_type>, "frys::spsc_ring: policy::layout wants a layout, see queue/policies.hpp");
  using publish_type = typename policy::pick<policy::publish<publish::each>, Policies...>::type;
  static_assert(publish_rule<publish_type>,
                "frys::spsc_ring: policy::publish wants publish::each or publish::lazy, see queue/policies.hpp");
  using niche = policy::pick<no_niche, Policies...>;
  static constexpr bool has_niche = !std::is_same_v<niche, no_niche>;
  static_assert(!has_niche || (std::is_trivially_copyable_v<T> && sizeof(T) <= 8),
                "frys::spsc_ring: policy::niche wants a trivially copyable T of 8 bytes at most");
  static_assert(!has_niche || std::is_same_v<publish_type, publish::each>,
                "frys::spsc_ring: policy::publish has no meaning with policy::niche; leave one of them out");

  static auto choose() {
    if constexpr (has_niche)
      return std::type_identity<spsc_marked<T, capacity, atomics_type, layout_type, niche::value>>{};
    else
      return std::type_identity<spsc_counted<T, capacity, atomics_type, layout_type, publish_type>>{};
  }
  using type = typename decltype(choose())::type;
};

}  // namespace detail

template <class T, class... Policies>
class spsc_ring : public detail::spsc_parts<T, Policies...>::type {
 public:
  using atomics_type = typename detail::spsc_parts<T, Policies...>::atomics_type;
};

// The least time to and fro: one cache line for each message. `Niche` is never pushed.
template <class T, auto Niche, std::size_t Capacity = 1024>
using low_latency_ring =
    spsc_ring<T, policy::capacity<Capacity>, policy::niche<Niche>, policy::layout<layout::scattered>>;
// The most elements in a second, for every T.
template <class T, std::size_t Capacity = 1024>
using high_throughput_ring = spsc_ring<T, policy::capacity<Capacity>, policy::publish<publish::lazy>>;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_SPSC_RING_HPP
