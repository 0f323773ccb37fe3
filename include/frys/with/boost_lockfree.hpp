// with/boost_lockfree: Boost.Lockfree's spsc_queue, queue and stack as models of closable_queue: a program that takes
// its queue as a type can have these in the place of frys' own, and be measured with both.
//
// Use when  a program has Boost.Lockfree already, or wants to know what a change to frys' own would bring.
// Not when  it may choose freely: spsc_ring, mpmc_ring and segment_queue are faster and take more types.
//
// boost_spsc_queue<T>  one producer, one consumer      in the place of spsc_ring; no spans
// boost_queue<T>       any number of both              in the place of mpmc_ring; strictly lock-free; its nodes go back
//                                                      to a list of its own
// boost_stack<T>       any number of both              the newest value first
//
// Roles     as in Boost. close: the producer of a boost_spsc_queue; any thread of the others.
// Progress  Boost's: wait-free (boost_spsc_queue), lock-free (the others).
// Cost      Boost's; close() is ours. In a boost_spsc_queue it costs nothing until the queue is empty; in the others a
//           push does two read-modify-writes more, on one word, so that closed is told only behind the last push.
// Ordering  a push that answered ok happens-before the pop that takes its value; what a thread did before close()
//           happens-before what another does that is told closed. FIFO, but for boost_stack.
// Close     as everywhere: after close() nothing goes in, what was accepted comes out, then pops answer closed.
// Elements  boost_spsc_queue copies values in, so T is copyable; the others take trivially copyable T with a default.
// Lifetime  destroy it when no other thread can call it.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>  elements; any N for boost_spsc_queue, at most 65534 for the others  default 1024
//   policy::atomics<A>   the atomics model of close(); Boost names its own                   default atomics::standard
// Needs     Boost's headers (Debian: libboost-dev, vcpkg: boost-lockfree), 1.74 or later; nothing of it is linked.
//           Include this header, or define FRYS_WITH_BOOST_LOCKFREE=1 for frys/frys.hpp (CMake: frys::boost_lockfree).
// Source    Boost.Lockfree, T. Blechmann: M. Michael, M. Scott, PODC 1996 (queue); R. K. Treiber, IBM RJ 5118, 1986
//           (stack). The gate of close() is a counted door.
#ifndef FRYS_WITH_BOOST_LOCKFREE_HPP
#define FRYS_WITH_BOOST_LOCKFREE_HPP

#if !defined(FRYS_WITH_BOOST_LOCKFREE)
#define FRYS_WITH_BOOST_LOCKFREE 1
#elif !FRYS_WITH_BOOST_LOCKFREE
#error "frys/with/boost_lockfree.hpp: FRYS_WITH_BOOST_LOCKFREE is 0; set it to 1, or leave this header out"
#endif

#include <boost/lockfree/queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>
#include <boost/lockfree/stack.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/cache_line.hpp"
#include "../policy.hpp"
#include "../queue/result.hpp"

namespace frys::inline FRYS_ABI {

namespace detail {

// Refuses what does not fit, in the name of each.
template <class T, class... Policies>
struct boost_parts {
  using accepted = policy::keys<policy::capacity_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys/with/boost_lockfree.hpp: unknown policy; these queues take policy::capacity, policy::atomics and "
                "policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys/with/boost_lockfree.hpp: a policy is given twice; name each at most once");
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys/with/boost_lockfree.hpp: policy::atomics wants an atomics model, see core/atomics.hpp");
  static constexpr std::size_t capacity = policy::pick<policy::capacity<1024>, Policies...>::value;
  static_assert(capacity > 0 && capacity != policy::dynamic,
                "frys/with/boost_lockfree.hpp: policy::capacity must be a number above 0");
};

// For the two whose nodes have numbers of 16 bits.
template <class T, class... Policies>
struct boost_node_parts : boost_parts<T, Policies...> {
  static_assert(boost_parts<T, Policies...>::capacity <= 65534,
                "frys/with/boost_lockfree.hpp: policy::capacity of boost_queue and boost_stack is at most 65534");
  static_assert(std::is_trivially_copyable_v<T> && std::is_nothrow_default_constructible_v<T> && queue_element<T>,
                "frys/with/boost_lockfree.hpp: boost_queue and boost_stack take a trivially copyable T with a default "
                "constructor, as Boost does");
};

// Pushes under way, and whether no more are let in.
template <class Atomics>
class push_gate {
 public:
  // False: closed. Else the push must leave. Nobody who is refused is counted, not even for a moment: a pop that found
  // him would answer empty behind the close, and who waits then would not be woken.
  bool enter() noexcept {
    for (;;) {
      // sync(boost_queue.close): acquire; who is told closed sees what the closer did before.
      std::uint32_t seen = state_.load(std::memory_order_acquire);
      if ((seen & closed_bit) != 0) return false;
      // relaxed, both: the count carries no data; what was pushed comes with leave().
      if (state_.compare_exchange_weak(seen, seen + one, std::memory_order_relaxed, std::memory_order_relaxed))
        return true;
    }
  }
  void leave() noexcept {
    // sync(boost_queue.gate): release; who finds no push under way finds what was pushed.
    state_.fetch_sub(one, std::memory_order_release);
  }
  void close() noexcept {
    // sync(boost_queue.close): release; who learns of it sees what the closer did before.
    state_.fetch_or(closed_bit, std::memory_order_release);
  }
  [[nodiscard]] bool is_closed() const noexcept {
    return (state_.load(std::memory_order_acquire) & closed_bit) != 0;  // sync(boost_queue.close): acquire
  }
  // Closed, and no push is under way.
  [[nodiscard]] bool is_shut() const noexcept {
    // sync(boost_queue.gate), sync(boost_queue.close): acquire; then a pop that finds nothing has seen all pushes, and
    // what came before the close.
    return state_.load(std::memory_order_acquire) == closed_bit;
  }

 private:
  static constexpr std::uint32_t closed_bit = 1, one = 2;
  alignas(2 * cache_line) typename Atomics::template atomic<std::uint32_t> state_{0};
};

// Boost's queue and stack differ in order alone.
template <class T, class Native, class Atomics>
class gated_boost {
 public:
  using value_type = T;

  gated_boost() = default;
  gated_boost(const gated_boost&) = delete;
  gated_boost& operator=(const gated_boost&) = delete;

  // Any thread. On full and closed the value is untouched.
  push_result try_push(const T& value) noexcept {
    if (!gate_.enter()) return push_result::closed;
    const bool pushed = native_.bounded_push(value);
    gate_.leave();
    return pushed ? push_result::ok : push_result::full;
  }
  template <class... Args>
  requires std::is_nothrow_constructible_v<T, Args...> push_result try_emplace(Args&&... args)
  noexcept { return try_push(T(std::forward<Args>(args)...)); }

  // Any thread.
  pop_result<T> try_pop() noexcept {
    T value;
    if (native_.pop(value)) return pop_result<T>(std::in_place, value);
    if (!gate_.is_shut()) return pop_status::empty;
    if (native_.pop(value)) return pop_result<T>(std::in_place, value);  // of the last push
    return pop_status::closed;
  }

  // Any thread; again is harmless.
  void close() noexcept { gate_.close(); }
  // Any thread. Values may still come out.
  [[nodiscard]] bool is_closed() const noexcept { return gate_.is_closed(); }

  // Boost's own. What is pushed there is not counted by close().
  [[nodiscard]] Native& native() noexcept { return native_; }

 private:
  Native native_;
  push_gate<Atomics> gate_;
};

}  // namespace detail

template <class T, class... Policies>
class boost_spsc_queue {
  using parts = detail::boost_parts<T, Policies...>;
  static_assert(
      queue_element<T> && std::is_copy_constructible_v<T>,
      "frys::boost_spsc_queue<T>: T must move and die without throwing and be copyable, since Boost copies it in");

 public:
  using value_type = T;
  using atomics_type = typename parts::atomics_type;
  static constexpr std::size_t capacity = parts::capacity;
  using native_type = boost::lockfree::spsc_queue<T, boost::lockfree::capacity<capacity>>;

  boost_spsc_queue() = default;
  boost_spsc_queue(const boost_spsc_queue&) = delete;
  boost_spsc_queue& operator=(const boost_spsc_queue&) = delete;
  ~boost_spsc_queue() {
    // Boost 1.74 forgets what is left in a queue of fixed size.
    if constexpr (!std::is_trivially_destructible_v<T>) native_.consume_all([](T&) noexcept {});
  }

  // Producer only. On full and closed the value is untouched.
  push_result try_push(const T& value) noexcept(std::is_nothrow_copy_constructible_v<T>) {
    if (closing_) [[unlikely]]
      return push_result::closed;
    return native_.push(value) ? push_result::ok : push_result::full;
  }
  template <class... Args>
  requires std::is_constructible_v<T, Args...> push_result try_emplace(Args&&... args)
  noexcept(std::is_nothrow_constructible_v<T, Args...>&& std::is_nothrow_copy_constructible_v<T>) {
    return try_push(T(std::forward<Args>(args)...));
  }
  // Producer only. No more pushes; the consumer gets what is left.
  void close() noexcept {
    closing_ = true;
    // sync(boost_spsc_queue.close): release; a consumer that sees it sees our last push too.
    closed_.store(true, std::memory_order_release);
  }

  // Consumer only.
  pop_result<T> try_pop() noexcept {
    pop_result<T> out = pop_status::empty;
    const auto take = [&out](T& value) { out = pop_result<T>(std::in_place, std::move(value)); };
    if (native_.consume_one(take)) return out;
    // sync(boost_spsc_queue.close): acquire; then the look that follows finds the last push.
    if (!closed_.load(std::memory_order_acquire)) return pop_status::empty;
    if (native_.consume_one(take)) return out;
    return pop_status::closed;
  }

  // Any thread. May be stale on return.
  [[nodiscard]] std::size_t size_hint() const noexcept { return native_.read_available(); }
  // Boost's own. What is pushed there does not heed close().
  [[nodiscard]] native_type& native() noexcept { return native_; }

 private:
  native_type native_;
  alignas(2 * cache_line) bool closing_ = false;  // the producer's own copy of closed_
  typename atomics_type::template atomic<bool> closed_{false};
};

template <class T, class... Policies>
class boost_queue
    : public detail::gated_boost<
          T, boost::lockfree::queue<T, boost::lockfree::capacity<detail::boost_node_parts<T, Policies...>::capacity>>,
          typename detail::boost_node_parts<T, Policies...>::atomics_type> {
 public:
  using atomics_type = typename detail::boost_node_parts<T, Policies...>::atomics_type;
  static constexpr std::size_t capacity = detail::boost_node_parts<T, Policies...>::capacity;
};

template <class T, class... Policies>
class boost_stack
    : public detail::gated_boost<
          T, boost::lockfree::stack<T, boost::lockfree::capacity<detail::boost_node_parts<T, Policies...>::capacity>>,
          typename detail::boost_node_parts<T, Policies...>::atomics_type> {
 public:
  using atomics_type = typename detail::boost_node_parts<T, Policies...>::atomics_type;
  static constexpr std::size_t capacity = detail::boost_node_parts<T, Policies...>::capacity;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_WITH_BOOST_LOCKFREE_HPP
