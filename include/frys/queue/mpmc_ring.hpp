// mpmc_ring: a bounded FIFO between any number of producer and consumer threads.
//
// Use when  several threads share a bounded backlog and the caller can cope with "full".
// Not when  there is one thread at each end (spsc_ring: several times faster) or no bound (segment_queue; one
//           consumer: mpsc_queue).
// Roles     every operation: any thread.
// Progress  no operation waits for another thread, but a thread stopped between taking its place and finishing hides
//           what stands behind its slot: pops answer empty, and pushes full a lap later, until it goes on. Not
//           lock-free in the strict sense, therefore. Who loses a race for a place rests for 4 pauses before it tries
//           again, doubling up to 256 in one operation: the winner does several operations meanwhile.
//           Where there are more threads than cores, yield when refused: who is stopped half way then goes on sooner.
//           8 threads on 2 cores kept 0.97 of the rate of 2 with yields, 0.3 without (bench/queue/mpmc_8t).
// Cost      O(1), no allocation: one compare-exchange, one store; of push_some and pop_some one compare-exchange and a
//           store for each value. No side looks at the other's index. The slots lie in the object; with a capacity of
//           the run time in pages, and an operation reads where.
// Ordering  a push that answered ok happens-before the pop that takes its value. Strict FIFO by the order in which
//           places were taken; values of one producer keep their order, those of one push_some are neighbours. What a
//           thread did before close() happens-before what another does that is told closed, or by is_closed().
// Close     after close() every try_push answers closed; pops hand out what was accepted, to the last value, and answer
//           closed only then, also when a push was under way.
// Lifetime  destroy it when no other thread can call it; values left in it are destroyed.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>        slots, all usable; N is a power of two                  default 1024
//   policy::capacity<dynamic>  policy::dynamic: make(n) answers a ring of n slots, or why not; it may be moved until
//                              other threads know it
//   policy::pages<P>           where a ring of make(n) has its memory from             default os_pages
//   policy::stats<S>           stats::counted: stats() answers how often it was full, empty, contended, see
//                              queue/stats.hpp                                         default stats::none
//   policy::atomics<A>         the atomics model                                       default atomics::standard
// Source    D. Vyukov, "Bounded MPMC queue", 2010; the turns, which allow capacity 1, as in E. Rigtorp's MPMCQueue.
#ifndef FRYS_QUEUE_MPMC_RING_HPP
#define FRYS_QUEUE_MPMC_RING_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "../memory/pages.hpp"
#include "../policy.hpp"
#include "detail/ring_slots.hpp"
#include "detail/turn_ring.hpp"
#include "result.hpp"
#include "stats.hpp"

namespace frys::inline FRYS_ABI {

namespace detail {

// Refuses what does not fit, and chooses where the slots lie.
template <class T, class... Policies>
struct mpmc_parts {
  using accepted = policy::keys<policy::capacity_key, policy::pages_key, policy::stats_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::mpmc_ring: unknown policy; it takes policy::capacity, policy::pages, policy::stats, "
                "policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::mpmc_ring: a policy is given twice; name each at most once");
  static_assert(queue_element<T>, "frys::mpmc_ring<T>: T must be an object type that moves and dies without throwing");

  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::mpmc_ring: policy::atomics wants an atomics model, see core/atomics.hpp");
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>, "frys::mpmc_ring: policy::pages wants a page source, see core/concepts.hpp");
  using stats_type = typename policy::pick<policy::stats<frys::stats::none>, Policies...>::type;
  static_assert(queue_stats<stats_type, atomics_type>,
                "frys::mpmc_ring: policy::stats wants stats::none, stats::counted or a model of its own, see "
                "queue/stats.hpp");
  static constexpr std::size_t capacity = policy::pick<policy::capacity<1024>, Policies...>::value;
  static constexpr bool is_dynamic = capacity == policy::dynamic;
  static_assert(is_dynamic || std::has_single_bit(capacity),
                "frys::mpmc_ring: policy::capacity must be a power of two, or policy::dynamic");
  static_assert(is_dynamic || std::is_void_v<typename policy::detail::find<policy::pages_key, Policies...>::type>,
                "frys::mpmc_ring: policy::pages is for policy::capacity<policy::dynamic>; other rings have their slots "
                "in the object");

  using cell = turn_cell<T, atomics_type, std::uint32_t>;
  using slots_type =
      std::conditional_t<is_dynamic, paged_slots<cell, pages_type>, fixed_slots<cell, is_dynamic ? 1 : capacity>>;
  using type = turn_ring<T, slots_type, atomics_type, std::uint32_t, stats_type>;
};

}  // namespace detail

// The operations stand in detail/turn_ring.hpp.
template <class T, class... Policies>
class mpmc_ring : public detail::mpmc_parts<T, Policies...>::type {
  using parts = detail::mpmc_parts<T, Policies...>;
  using base = typename parts::type;
  using base::base;

 public:
  using atomics_type = typename parts::atomics_type;
  // policy::dynamic where slot_count() knows it.
  static constexpr std::size_t capacity = parts::capacity;
  // For shared_ring: which layout in memory this is; 0: none that two processes could share.
  static constexpr unsigned shared_form = parts::is_dynamic ? 0 : 5;

  mpmc_ring() requires(!parts::is_dynamic) = default;

  // A ring of `count` slots, a power of two. invalid_argument: it is none; out_of_memory: the memory source refused.
  [[nodiscard]] static result<mpmc_ring> make(std::size_t count) noexcept requires(parts::is_dynamic) {
    auto cells = parts::slots_type::make(count);
    if (!cells) return cells.error();
    return result<mpmc_ring>(std::in_place, std::move(*cells));
  }
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_MPMC_RING_HPP
