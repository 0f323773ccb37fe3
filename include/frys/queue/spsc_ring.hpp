// spsc_ring: a bounded FIFO from one producer thread to one consumer thread.
//
// Use when  one thread feeds one other and the caller can cope with "full".
// Not when  either end has more threads (mpmc_ring, mpsc_queue) or the backlog has no bound (mpsc_queue).
// Roles     try_push, try_emplace, push_some, writable, commit, close: the producer. try_pop, pop_some, front,
//           pop_front, readable, consume, abandon: the consumer. size_hint: any thread. The roles may move to other
//           threads if something orders the hand-over.
// Progress  all operations are wait-free.
// Cost      O(1), no allocation; reads the other side's index only when our copy of it says full or empty. The slots
//           lie in the object. Spans and bulk forms publish once for many elements: several times faster.
// Ordering  a push that answered ok happens-before the pop that takes its value; a pop happens-before the push that
//           builds over its slot.
// Close     close(): the producer has finished; the consumer takes what is left, then gets closed. abandon(): the
//           consumer wants no more; the producer gets closed at the latest when the ring is full.
// Lifetime  destroy it after both threads have stopped using it; values left in it are destroyed.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>  slots, all usable; N is a power of two. policy::dynamic: make(n) answers a ring of n slots, or
//                        why not; it may be moved until the other thread knows it (no niche, not scattered)
//                                                                                   default 1024
//   policy::pages<P>     where a ring of make(n) has its memory from                default os_pages
//   policy::niche<V>     a value that is never pushed: the slots themselves then say whether they are full, and no
//                        index travels. T: trivially copyable, up to 8 bytes. No spans   default none
//   policy::layout<L>    layout::contiguous, or layout::scattered for the least time to and fro (no spans)
//   policy::publish<P>   publish::each, or publish::lazy: the consumer tells in portions (not with a niche)
//   policy::overflow<O>  overflow::fail: a full ring refuses. overflow::overwrite: the producer never waits and is
//                        never refused; the consumer goes on with what is left, and missed() counts what it has lost.
//                        T: trivially copyable; no spans, no front                  default overflow::fail
//   policy::stats<S>     stats::counted: stats() answers how often it was full and empty, see queue/stats.hpp
//                                                                                   default stats::none
//   policy::atomics<A>   the atomics model                                          default atomics::standard
// Two processes  see shared_ring.hpp.
// Presets   low_latency_ring<T, V, N>: niche and scattered. high_throughput_ring<T, N>: lazy.
// Source    L. Lamport, TOPLAS 5(2), 1983; cached indices: P. Lee, T. Bu, G. Chandranmenon, IPDPS 2010; niche: J.
//           Giacomoni, T. Moseley, M. Vachharajani, PPoPP 2008.
#ifndef FRYS_QUEUE_SPSC_RING_HPP
#define FRYS_QUEUE_SPSC_RING_HPP

#include <bit>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "../memory/pages.hpp"
#include "../policy.hpp"
#include "detail/ring_slots.hpp"
#include "detail/slot.hpp"
#include "detail/spsc_counted.hpp"
#include "detail/spsc_lossy.hpp"
#include "detail/spsc_marked.hpp"
#include "overflow.hpp"
#include "policies.hpp"
#include "result.hpp"
#include "stats.hpp"

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
                                policy::publish_key, policy::overflow_key, policy::pages_key, policy::stats_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::spsc_ring: unknown policy; it takes policy::capacity, policy::atomics, policy::niche, "
                "policy::layout, policy::publish, policy::overflow, policy::pages, policy::stats and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::spsc_ring: a policy is given twice; name each at most once");
  static_assert(queue_element<T>, "frys::spsc_ring<T>: T must be an object type that moves and dies without throwing");

  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::spsc_ring: policy::atomics wants an atomics model, see core/atomics.hpp");
  static constexpr std::size_t capacity = policy::pick<policy::capacity<1024>, Policies...>::value;
  static constexpr bool is_dynamic = capacity == policy::dynamic;
  static_assert(is_dynamic || std::has_single_bit(capacity),
                "frys::spsc_ring: policy::capacity must be a power of two, or policy::dynamic");
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>, "frys::spsc_ring: policy::pages wants a page source, see core/concepts.hpp");
  static_assert(is_dynamic || std::is_void_v<typename policy::detail::find<policy::pages_key, Policies...>::type>,
                "frys::spsc_ring: policy::pages is for policy::capacity<policy::dynamic>; other rings have their slots "
                "in the object");
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

  static_assert(!is_dynamic || (!has_niche && std::is_same_v<layout_type, layout::contiguous>),
                "frys::spsc_ring: policy::capacity<policy::dynamic> goes without policy::niche and layout::scattered");
  using overflow_type = typename policy::pick<policy::overflow<overflow::fail>, Policies...>::type;
  static_assert(overflow_rule<overflow_type>,
                "frys::spsc_ring: policy::overflow wants overflow::fail or overflow::overwrite");
  using stats_type = typename policy::pick<policy::stats<frys::stats::none>, Policies...>::type;
  static_assert(queue_stats<stats_type, atomics_type>,
                "frys::spsc_ring: policy::stats wants stats::none, stats::counted or a model of its own, see "
                "queue/stats.hpp");
  static constexpr bool overwrites = std::is_same_v<overflow_type, overflow::overwrite>;
  static_assert(!overwrites || std::is_trivially_copyable_v<T>,
                "frys::spsc_ring<T>: with overflow::overwrite T must be trivially copyable, because the consumer may "
                "find its value half overwritten");
  static_assert(!overwrites || (!is_dynamic && !has_niche && std::is_same_v<layout_type, layout::contiguous> &&
                                std::is_same_v<publish_type, publish::each>),
                "frys::spsc_ring: overflow::overwrite goes with policy::capacity of a number, policy::stats and "
                "policy::atomics alone");

  using slots_type = std::conditional_t<is_dynamic, paged_slots<slot<T>, pages_type>,
                                        fixed_slots<slot<T>, is_dynamic ? 1 : capacity, layout_type>>;
  static auto choose() {
    if constexpr (overwrites)
      return std::type_identity<spsc_lossy<T, capacity, atomics_type, stats_type>>{};
    else if constexpr (has_niche)
      return std::type_identity<spsc_marked<T, capacity, atomics_type, layout_type, niche::value, stats_type>>{};
    else
      return std::type_identity<spsc_counted<T, slots_type, atomics_type, publish_type, stats_type>>{};
  }
  using type = typename decltype(choose())::type;
  // Rings that two processes may lay out alike; 0: none. See shared_ring.hpp.
  static constexpr unsigned form = is_dynamic                                    ? 0
                                   : overwrites                                  ? 4
                                   : has_niche                                   ? 3
                                   : std::is_same_v<publish_type, publish::each> ? 1
                                                                                 : 2;
  static constexpr bool has_stats = !std::is_same_v<stats_type, frys::stats::none>;
};

}  // namespace detail

// The operations stand in detail/spsc_counted.hpp, spsc_marked.hpp (policy::niche) and spsc_lossy.hpp
// (overflow::overwrite).
template <class T, class... Policies>
class spsc_ring : public detail::spsc_parts<T, Policies...>::type {
  using parts = detail::spsc_parts<T, Policies...>;
  using base = typename parts::type;
  using base::base;

 public:
  using atomics_type = typename parts::atomics_type;
  // policy::dynamic where slot_count() knows it.
  static constexpr std::size_t capacity = parts::capacity;
  // For shared_ring: which layout in memory this is; 0: none that two processes could share.
  static constexpr unsigned shared_form =
      parts::form == 0 ? 0
                       : parts::form + (std::is_same_v<typename parts::layout_type, layout::contiguous> ? 0 : 16) +
                             (parts::has_stats ? 32 : 0);

  spsc_ring() requires(!parts::is_dynamic) = default;

  // A ring of `count` slots, a power of two. invalid_argument: it is none; out_of_memory: the memory source refused.
  [[nodiscard]] static result<spsc_ring> make(std::size_t count) noexcept requires(parts::is_dynamic) {
    auto cells = parts::slots_type::make(count);
    if (!cells) return cells.error();
    return result<spsc_ring>(std::in_place, std::move(*cells));
  }
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
