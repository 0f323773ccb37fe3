// broadcast_ring: a bounded stream from one producer to many readers; every reader sees every value.
//
// Use when  several parts do something with each event (log it, replicate it, apply it), some after others; or when the
//           newest values matter and a slow reader may lose the oldest (policy::overflow<overflow::overwrite>).
// Not when  each value is for one of several threads (mpmc_ring), there is one reader (spsc_ring), or only the newest
//           value counts (seqlock).
// Roles     try_push, try_emplace, push_some, writable, commit, close: the producer. reader<Name>(), reader(number),
//           subscribe(), size_hint: any thread; what a reader handle does: one thread at a time for each reader. One
//           thread may be several readers.
// Progress  all operations are wait-free; in the overwrite form a pop is lock-free (it tries again when the producer
//           has overtaken it), all else wait-free.
// Cost      as spsc_ring per reader: no read-modify-write, no fence; the others' sequences are read only when our copy
//           of them is used up, a span publishes or passes many values by one store. The producer looks at the readers
//           that nobody follows. Overwrite: 2 stores and one of each word of T a push, 2 loads and one of each word a
//           pop. No allocation; the slots lie in the object.
// Ordering  a push happens-before the pop that takes its value; what a reader did with a value happens-before it comes
//           to the readers after it, and before the push that builds over its slot.
// Close     close(): the producer has finished; each reader gets what is left, then closed. leave(): a reader wants no
//           more; nobody waits for it, those after it follow those before it. When all have left, the producer gets
//           closed, at the latest when the ring is full.
// Lifetime  a value lives until its slot is built over, or the ring ends, also when all have read it. Destroy the ring
//           when no thread uses it; reader handles are pointers to it.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>     slots, all usable; N is a power of two             default 1024
//   policy::readers<R...>   the graph of readers, or policy::independent_readers<N>, see readers.hpp
//                                                                              default independent_readers<1>
//   policy::overflow<O>     overflow::fail: a full ring refuses, so the slowest reader holds the producer back;
//                           overflow::overwrite: it never refuses, a reader that was overtaken goes on with what is
//                           left, and missed() counts the gap. T must be trivially copyable then, and readers are not
//                           listed: anybody may subscribe()                    default overflow::fail
//   policy::stats<S>        stats::counted: stats() of the ring and of a reader answer how far it is behind, how often
//                           it was full and empty, see queue/stats.hpp. Not with overflow::overwrite: there a reader
//                           has missed() and position(), the ring pushed()     default stats::none
//   policy::atomics<A>      the atomics model                                  default atomics::standard
// Source    M. Thompson et al., "Disruptor", LMAX 2011 (sequences, the graph); slots of the overwrite form: H.-J.
//           Boehm, MSPC 2012 (seqlock).
#ifndef FRYS_QUEUE_BROADCAST_RING_HPP
#define FRYS_QUEUE_BROADCAST_RING_HPP

#include <bit>
#include <cstddef>
#include <type_traits>

#include "../config.hpp"
#include "../core/assert.hpp"
#include "../core/atomics.hpp"
#include "../policy.hpp"
#include "detail/gated_broadcast.hpp"
#include "detail/lossy_broadcast.hpp"
#include "overflow.hpp"
#include "readers.hpp"
#include "result.hpp"
#include "stats.hpp"

namespace frys::inline FRYS_ABI {

namespace detail {

// What the policies of a broadcast_ring say, and which of its two forms they ask for.
template <class T, class... Policies>
struct broadcast_choice {
  using accepted = policy::keys<policy::capacity_key, policy::readers_key, policy::overflow_key, policy::stats_key,
                                policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::broadcast_ring: unknown policy; it takes policy::capacity, policy::readers, policy::overflow, "
                "policy::stats, policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::broadcast_ring: a policy is given twice; name each at most once");
  static_assert(queue_element<T>,
                "frys::broadcast_ring<T>: T must be an object type that moves and dies without throwing");
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::broadcast_ring: policy::atomics wants an atomics model, see core/atomics.hpp");
  static constexpr std::size_t capacity = policy::pick<policy::capacity<1024>, Policies...>::value;
  static_assert(std::has_single_bit(capacity), "frys::broadcast_ring: policy::capacity must be a power of two");
  using overflow_type = typename policy::pick<policy::overflow<overflow::fail>, Policies...>::type;
  static_assert(overflow_rule<overflow_type>,
                "frys::broadcast_ring: policy::overflow wants overflow::fail or overflow::overwrite");
  static constexpr bool overwrites = std::is_same_v<overflow_type, overflow::overwrite>;
  static_assert(!overwrites || std::is_trivially_copyable_v<T>,
                "frys::broadcast_ring<T>: with overflow::overwrite T must be trivially copyable, because a reader may "
                "find its value half overwritten");
  using named_readers = typename policy::detail::find<policy::readers_key, Policies...>::type;
  static_assert(!overwrites || std::is_void_v<named_readers>,
                "frys::broadcast_ring: overflow::overwrite waits for no reader, so it takes no policy::readers; each "
                "reader calls subscribe()");
  using stats_type = typename policy::pick<policy::stats<frys::stats::none>, Policies...>::type;
  static_assert(queue_stats<stats_type, atomics_type>,
                "frys::broadcast_ring: policy::stats wants stats::none, stats::counted or a model of its own, see "
                "queue/stats.hpp");
  static_assert(!overwrites || std::is_same_v<stats_type, frys::stats::none>,
                "frys::broadcast_ring: overflow::overwrite takes no policy::stats; a reader has missed() and "
                "position(), the ring pushed()");
  using graph = typename policy::pick<policy::independent_readers<1>, Policies...>::type;
};

template <class Choice, class T, bool Overwrites>
struct broadcast_form {
  using type = gated_broadcast<T, Choice::capacity, typename Choice::atomics_type, typename Choice::graph,
                               typename Choice::stats_type>;
};
template <class Choice, class T>
struct broadcast_form<Choice, T, true> {
  using type = lossy_broadcast<T, Choice::capacity, typename Choice::atomics_type>;
};

}  // namespace detail

// The operations stand in detail/gated_broadcast.hpp (overflow::fail) and detail/lossy_broadcast.hpp
// (overflow::overwrite).
template <class T, class... Policies>
class broadcast_ring : public detail::broadcast_form<detail::broadcast_choice<T, Policies...>, T,
                                                     detail::broadcast_choice<T, Policies...>::overwrites>::type {
  using choice = detail::broadcast_choice<T, Policies...>;

 public:
  using value_type = T;
  using atomics_type = typename choice::atomics_type;
  static constexpr std::size_t capacity = choice::capacity;

  // The reader of that name; without one, the only reader of a ring of one.
  template <class Name = nth_reader<0>>
  [[nodiscard]] auto reader() noexcept requires(!choice::overwrites) {
    constexpr std::size_t number = choice::graph::template find<Name>();
    static_assert(number < choice::graph::count, "frys::broadcast_ring::reader: no reader of this ring has that name");
    return typename broadcast_ring::template reader_handle<choice::graph::direct(number)>(*this, number);
  }
  // The reader of that number, 0 to N - 1, of policy::independent_readers<N>: the same as reader<nth_reader<number>>(),
  // in one type for all. A number beyond them is an error of the caller, found with FRYS_HARDENED.
  [[nodiscard]] auto reader(std::size_t number) noexcept
      requires(!choice::overwrites && choice::graph::is_independent()) {
    FRYS_ASSERT(number < choice::graph::count, "broadcast_ring::reader: there is no reader of that number");
    return typename broadcast_ring::template reader_handle<0>(*this, number);
  }
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_BROADCAST_RING_HPP
