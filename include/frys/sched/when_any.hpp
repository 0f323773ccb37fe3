// when_any: awaits several things at once and answers the first that ends, when all have ended: the others are asked to
// stop, and waited for.
//
// Use when  several ways lead to an answer and the first will do: replicas, a reply or a shutdown.
// Not when  all answers are wanted (when_all), or the other way is the clock (with_timeout).
// Threads   as when_all: children are started one after another where it is awaited, and may end on any thread.
// Progress  waits for all of its children, the losers too: it is as slow as the slowest of them is to stop. What it
//           answers holds nothing that somebody else still uses.
// Cost      one frame per child (frame_memory), and with a container two arrays; two atomic operations per child.
// Ordering  what the children did happens-before what follows the wait.
// Stop      a stop that is asked of who waits is passed on to the children; the first to end is the answer then, too. A
//           child that ends by an exception ends: if it is the first, its exception is rethrown. What losers answer or
//           throw is dropped.
// Lifetime  as when_all.
//
//   auto first = co_await when_any(reply(), shutdown());               // a variant; first.index() says which
//   auto [index, value] = co_await when_any(std::move(replicas));      // of a vector, which must not be empty
//
// Policies, in any order, each at most once, as in when_any<policy::atomics<A>>(...):
//   policy::atomics<A>  the atomics model  default atomics::standard
#ifndef FRYS_SCHED_WHEN_ANY_HPP
#define FRYS_SCHED_WHEN_ANY_HPP

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "../config.hpp"
#include "../core/awaitable.hpp"
#include "../policy.hpp"
#include "detail/join.hpp"
#include "when_all.hpp"

namespace frys::inline FRYS_ABI {

// What when_any answers for a range: which one, and its answer (std::monostate for void).
template <class T>
struct any_result {
  std::size_t index;
  T value;
};

namespace detail {

template <class Atomics>
class any_core : public join_core<Atomics> {
 public:
  using join_core<Atomics>::join_core;
  any_core(any_core&& other) noexcept : join_core<Atomics>(std::move(other)) {}

  // True for the first.
  bool win(std::size_t index) noexcept {
    std::uint32_t none = nobody;
    // relaxed: decides who has won; the count carries the rest to who waits
    return winner_.compare_exchange_strong(none, static_cast<std::uint32_t>(index), std::memory_order_relaxed,
                                           std::memory_order_relaxed);
  }
  // relaxed: behind the count
  std::size_t winner() const noexcept { return winner_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::uint32_t nobody = ~std::uint32_t{0};
  typename Atomics::template atomic<std::uint32_t> winner_{nobody};
};

template <class Children, class Atomics>
class [[nodiscard]] any_awaiter {
 public:
  template <class... As>
  explicit any_awaiter(std::in_place_t, As&&... things) : join_(&ended), children_(std::forward<As>(things)...) {}
  any_awaiter(any_awaiter&&) = default;
  ~any_awaiter() { join_.abandon(); }

  bool await_ready() const noexcept {
    FRYS_ASSERT(children_.size() != 0, "when_any: of nothing there is no first");
    return false;
  }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> waiting) {
    children_.make();
    join_.begin(waiting, children_.size());
    for (std::size_t i = 0; i < children_.size(); ++i) children_.children[i].start(join_, i, join_.token());
    return join_.drop();
  }
  auto await_resume() {
    join_.finish();
    return answer(children_, join_.winner());
  }

 private:
  static std::coroutine_handle<> ended(join_base& of, std::size_t index, std::exception_ptr failure) noexcept {
    auto& join = static_cast<any_core<Atomics>&>(of);
    if (join.win(index)) {
      if (failure != nullptr) join.fail(std::move(failure));
      join.request_stop();
    }
    return join.drop();
  }
  template <class... As>
  static auto answer(pack_of_children<As...>& from, std::size_t winner) {
    using all = std::variant<answer_of<await_result_t<As>>...>;
    using taker = all (*)(pack_of_children<As...>&);
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      constexpr taker takers[] = {[](pack_of_children<As...>& of) {
        return all(std::in_place_index<I>, take_answer<await_result_t<As>>(std::get<I>(of.places)));
      }...};
      return takers[winner](from);
    }
    (std::index_sequence_for<As...>{});
  }
  template <class Range>
  static auto answer(range_of_children<Range>& from, std::size_t winner) {
    using of = typename range_of_children<Range>::answer;
    return any_result<answer_of<of>>{winner, take_answer<of>(from.places[winner])};
  }

  any_core<Atomics> join_;  // outlives the children, who listen to it
  Children children_;
};

}  // namespace detail

template <class... Policies, awaitable... As>
requires(sizeof...(As) != 0) [[nodiscard]] auto when_any(As&&... things) {
  using policies = detail::join_policies<Policies...>;
  static_assert(policies::known, "frys::when_any: unknown policy; it takes policy::atomics and policy::world");
  static_assert(policies::unique, "frys::when_any: a policy is given twice; name each at most once");
  using children = detail::pack_of_children<As...>;
  return detail::any_awaiter<children, typename policies::atomics_type>(std::in_place, std::forward<As>(things)...);
}
// Of a container, which is given away.
template <class... Policies, class Range>
requires detail::awaitable_range<Range>
[[nodiscard]] auto when_any(Range&& range) {
  using policies = detail::join_policies<Policies...>;
  static_assert(policies::known, "frys::when_any: unknown policy; it takes policy::atomics and policy::world");
  static_assert(policies::unique, "frys::when_any: a policy is given twice; name each at most once");
  static_assert(!std::is_lvalue_reference_v<Range>,
                "frys::when_any: a container is given away; write when_any(std::move(tasks))");
  using children = detail::range_of_children<std::remove_cvref_t<Range>>;
  return detail::any_awaiter<children, typename policies::atomics_type>(std::in_place, std::move(range));
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_WHEN_ANY_HPP
