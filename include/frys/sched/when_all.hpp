// when_all: awaits several things at once and answers all of their answers, when the last has ended.
//
// Use when  steps wait for different things and none needs another's answer.
// Not when  one answer is enough (when_any), their number is not known before (async_scope), or they only compute
//           (fork-join on plain functions).
// Threads   the children are started one after another on the thread that awaits, each up to where it first waits; to
//           run beside each other they move to other threads themselves. They may end on any; who waits goes on where
//           the last one ended.
// Progress  waits for all of its children, whatever happens: none outlives it.
// Cost      one frame per child (frame_memory), and with a container two arrays; an atomic decrement per child.
// Ordering  what the children did happens-before what follows the wait.
// Stop      a stop that is asked of who waits is passed on to the children. When one ends by an exception, the others
//           are asked to stop, and waited for; the first exception is rethrown. An answer that is an error is an
//           answer.
// Lifetime  things that are given as lvalues stay the caller's and outlive the wait. Destroying who waits destroys the
//           children where they wait: only while no other thread can resume them.
//
//   auto [name, age] = co_await when_all(ask_name(), ask_age());     // a tuple; std::monostate for void
//   std::vector<int> all = co_await when_all(std::move(tasks));      // of a vector; nothing for one of void
//
// Policies, in any order, each at most once, as in when_all<policy::atomics<A>>(...):
//   policy::atomics<A>  the atomics model  default atomics::standard
#ifndef FRYS_SCHED_WHEN_ALL_HPP
#define FRYS_SCHED_WHEN_ALL_HPP

#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "../config.hpp"
#include "../core/awaitable.hpp"
#include "../policy.hpp"
#include "detail/join.hpp"

namespace frys::inline FRYS_ABI {

namespace detail {

// What stands for R in a tuple or a variant.
template <class R>
using answer_of = std::conditional_t<std::is_void_v<R>, std::monostate, std::remove_cvref_t<R>>;
template <class R>
answer_of<R> take_answer([[maybe_unused]] slot_of<R>& from) {
  if constexpr (std::is_void_v<R>)
    return {};
  else
    return std::move(*from);
}

// Things of different types: the things, their children, and where the answers go.
template <class... As>
struct pack_of_children {
  static constexpr std::size_t size() noexcept { return sizeof...(As); }
  explicit pack_of_children(As&&... what) : things(static_cast<As&&>(what)...) {}

  void make() {
    [this]<std::size_t... I>(std::index_sequence<I...>) {
      ((children[I] = run_child<As>(std::get<I>(things), std::get<I>(places))), ...);
    }
    (std::index_sequence_for<As...>{});
  }

  std::tuple<As...> things;
  std::tuple<slot_of<await_result_t<As>>...> places{};
  child children[sizeof...(As)];
};

// Things of one type, in a container, as many as there are.
template <class Range>
struct range_of_children {
  using thing = std::remove_reference_t<decltype(*std::declval<Range&>().begin())>;
  using answer = await_result_t<thing>;
  explicit range_of_children(Range&& from) : things(std::move(from)) {
    for (auto at = things.begin(); at != things.end(); ++at) ++count;
  }
  [[nodiscard]] std::size_t size() const noexcept { return count; }

  void make() {
    places = std::make_unique<slot_of<answer>[]>(count);
    children = std::make_unique<child[]>(count);
    std::size_t i = 0;
    for (thing& one : things) {
      children[i] = run_child<thing>(one, places[i]);
      ++i;
    }
  }

  Range things;
  std::size_t count = 0;
  std::unique_ptr<slot_of<answer>[]> places {};
  std::unique_ptr<child[]> children{};
};

// The container of the answers: that of the things, with other elements.
template <class Range, class T>
struct container_of_answers;
template <template <class...> class Container, class A, class... More, class T>
struct container_of_answers<Container<A, More...>, T> {
  using type = Container<T>;
};

// A container of things to await.
template <class R>
concept awaitable_range = !awaitable<R> && requires(std::remove_reference_t<R> & r) {
  r.begin() != r.end();
  requires awaitable<std::remove_reference_t<decltype(*r.begin())>>;
};

template <class Children, class Atomics>
class [[nodiscard]] all_awaiter {
 public:
  template <class... As>
  explicit all_awaiter(std::in_place_t, As&&... things) : join_(&ended), children_(std::forward<As>(things)...) {}
  all_awaiter(all_awaiter&&) = default;
  ~all_awaiter() { join_.abandon(); }

  bool await_ready() const noexcept { return children_.size() == 0; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> waiting) {
    children_.make();
    join_.begin(waiting, children_.size());
    for (std::size_t i = 0; i < children_.size(); ++i) children_.children[i].start(join_, i, join_.token());
    return join_.drop();
  }
  auto await_resume() {
    join_.finish();
    return answers(children_);
  }

 private:
  static std::coroutine_handle<> ended(join_base& of, std::size_t, std::exception_ptr failure) noexcept {
    auto& join = static_cast<join_core<Atomics>&>(of);
    if (failure != nullptr) {
      join.fail(std::move(failure));
      join.request_stop();
    }
    return join.drop();
  }
  template <class... As>
  static auto answers(pack_of_children<As...>& from) {
    return [&from]<std::size_t... I>(std::index_sequence<I...>) {
      return std::tuple<answer_of<await_result_t<As>>...>{take_answer<await_result_t<As>>(std::get<I>(from.places))...};
    }
    (std::index_sequence_for<As...>{});
  }
  template <class Range>
  static auto answers(range_of_children<Range>& from) {
    using answer = typename range_of_children<Range>::answer;
    if constexpr (!std::is_void_v<answer>) {
      typename container_of_answers<Range, std::remove_cvref_t<answer>>::type all;
      for (std::size_t i = 0; i < from.count; ++i) all.push_back(std::move(*from.places[i]));
      return all;
    }
  }

  join_core<Atomics> join_;  // outlives the children, who listen to it
  Children children_;
};

}  // namespace detail

template <class... Policies, awaitable... As>
requires(sizeof...(As) != 0) [[nodiscard]] auto when_all(As&&... things) {
  using policies = detail::join_policies<Policies...>;
  static_assert(policies::known, "frys::when_all: unknown policy; it takes policy::atomics and policy::world");
  static_assert(policies::unique, "frys::when_all: a policy is given twice; name each at most once");
  using children = detail::pack_of_children<As...>;
  return detail::all_awaiter<children, typename policies::atomics_type>(std::in_place, std::forward<As>(things)...);
}
// Of a container, which is given away.
template <class... Policies, class Range>
requires detail::awaitable_range<Range>
[[nodiscard]] auto when_all(Range&& range) {
  using policies = detail::join_policies<Policies...>;
  static_assert(policies::known, "frys::when_all: unknown policy; it takes policy::atomics and policy::world");
  static_assert(policies::unique, "frys::when_all: a policy is given twice; name each at most once");
  static_assert(!std::is_lvalue_reference_v<Range>,
                "frys::when_all: a container is given away; write when_all(std::move(tasks))");
  using children = detail::range_of_children<std::remove_cvref_t<Range>>;
  return detail::all_awaiter<children, typename policies::atomics_type>(std::in_place, std::move(range));
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_WHEN_ALL_HPP
