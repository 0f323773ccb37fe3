// components: the parts of a program as types; what a part wants called it says by having it.
//
// Use when  a program has parts that are started, ticked and stopped together, and most want only some of it.
// Not when  parts come and go while it runs (intrusive_list), or are up only some time after they were started
//           (component_phases below brings them into start_phases).
// A part    has any of: start() or start(all), answering nothing or result<void>; tick(now) or tick(); stop();
//           config(c) for any configuration it takes; whatever hooks of the program's own. It says what it comes after
//           by `using after = frys::after<log, store>;`
// Order     by `after`, else as written; stop the other way round. Reckoned by the compiler; a circle does not compile.
// Cost      a call of each part that wants it, and nothing else: no table, no pointer, no test. A part that has no tick
//           adds no instruction to tick. The set is its parts and one counter.
// Errors    start: the first error, when the parts that had been started were stopped; so with a part that throws.
//           A start, tick or stop that cannot be called does not compile: it is not left out in silence.
// Threads   one at a time.
#ifndef FRYS_SCHED_COMPONENTS_HPP
#define FRYS_SCHED_COMPONENTS_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/deadline.hpp"
#include "../core/error.hpp"
#include "../core/result.hpp"
#include "../core/type_id.hpp"
#include "detail/dependency_order.hpp"
#include "start_phases.hpp"

namespace frys::inline FRYS_ABI {

// In a component: `using after = frys::after<log, store>;`, the components of its set that it comes after.
template <class... Components>
struct after {};

template <class... Components>
struct component_list {
  static constexpr std::size_t size = sizeof...(Components);
};

// What a set calls. A hook is a callable that says by a constraint which components it can be called with.
namespace hooks {
struct start {
  template <class C, class Set>
  requires(
      requires(C& c) { c.start(); } || requires(C & c, Set& all) { c.start(all); }) decltype(auto)
  operator()(C& c, Set& all) const {
    if constexpr (requires { c.start(); })
      return c.start();
    else
      return c.start(all);
  }
};
struct tick {
  template <class C>
  requires(
      requires(C& c, nanoseconds now) { c.tick(now); } || requires(C & c) { c.tick(); }) void
  operator()(C& c, nanoseconds now) const {
    if constexpr (requires { c.tick(now); })
      c.tick(now);
    else
      c.tick();
  }
};
struct stop {
  template <class C>
  requires requires(C& c) { c.stop(); }
  void operator()(C& c) const { c.stop(); }
};
struct config {
  template <class C, class Config>
  requires requires(C& c, const Config& how) { c.config(how); }
  decltype(auto) operator()(C& c, const Config& how) const { return c.config(how); }
};
}  // namespace hooks

namespace detail {

template <class C>
struct component_slot {
  component_slot() = default;
  template <class U>
  explicit component_slot(std::in_place_t, U&& from) : value(std::forward<U>(from)) {}
  [[no_unique_address]] C value;
};

// Whether a class has a member of a name, whatever it is: a class that inherits a second one has two, and no address.
// A final class cannot be inherited; of those, overloaded members are not seen.
#define FRYS_COMPONENT_HAS(NAME)                      \
  template <class C, bool Final = std::is_final_v<C>> \
  struct component_has_##NAME {                       \
    struct other {                                    \
      void NAME();                                    \
    };                                                \
    struct both : C, other {};                        \
    template <class B>                                \
    static constexpr bool is_one = requires {         \
      &B::NAME;                                       \
    };                                                \
    static constexpr bool value = !is_one<both>;      \
  };                                                  \
  template <class C>                                  \
  struct component_has_##NAME<C, true> {              \
    template <class B>                                \
    static constexpr bool is_one = requires {         \
      &B::NAME;                                       \
    };                                                \
    static constexpr bool value = is_one<C>;          \
  };
FRYS_COMPONENT_HAS(start)
FRYS_COMPONENT_HAS(tick)
FRYS_COMPONENT_HAS(stop)
#undef FRYS_COMPONENT_HAS

template <class C, class... Components>
inline constexpr std::size_t component_index = [] {
  std::size_t at = 0, found = sizeof...(Components);
  ((found = std::is_same_v<C, Components> && found == sizeof...(Components) ? at : found, ++at), ...);
  return found;
}();

template <class... Components>
struct component_needs {
  template <class... Needed>
  static constexpr std::uint64_t bits(after<Needed...>) noexcept {
    static_assert(((component_index<Needed, Components...> < sizeof...(Components)) && ...),
                  "frys::components: a component comes after one that is not in the set");
    return (std::uint64_t{0} | ... | (std::uint64_t{1} << component_index<Needed, Components...>));
  }
  template <class C>
  static constexpr std::uint64_t of() noexcept {
    if constexpr (requires { typename C::after; })
      return bits(typename C::after{});
    else
      return 0;
  }
};

template <class... Circle>
struct components_in_a_circle {
  static_assert(sizeof...(Circle) == 0, "frys::components: components come after each other in a circle");
};

template <std::size_t I, class... Components>
struct component_at {};
template <std::size_t I, class First, class... Rest>
struct component_at<I, First, Rest...> : component_at<I - 1, Rest...> {};
template <class First, class... Rest>
struct component_at<0, First, Rest...> {
  using type = First;
};

// Those of the list that Hook takes.
template <class Hook, class Arguments, class List, class Out = component_list<>>
struct component_callees {
  using type = Out;
};
template <class Hook, class... Arguments, class C, class... Rest, class... Out>
struct component_callees<Hook, component_list<Arguments...>, component_list<C, Rest...>, component_list<Out...>>
    : component_callees<Hook, component_list<Arguments...>, component_list<Rest...>,
                        std::conditional_t<std::is_invocable_v<Hook&, C&, Arguments...>, component_list<Out..., C>,
                                           component_list<Out...>>> {};

}  // namespace detail

template <class... Components>
class components : private detail::component_slot<Components>... {
  static_assert((std::is_class_v<Components> && ...),
                "frys::components: a component is a class, not a reference to one");
  static_assert(sizeof...(Components) <= detail::dependency_order::most, "frys::components: 64 components at most");
  static constexpr std::size_t count = sizeof...(Components);

  static constexpr std::size_t once = [] {
    std::size_t i = 0, good = 0;
    ((good += detail::component_index<Components, Components...> == i++ ? 1u : 0u), ...);
    return good;
  }();
  static_assert(once == count, "frys::components: a component stands twice in the set");

  static constexpr detail::dependency_order order_ = [] {
    const std::uint64_t needs[count + 1] = {detail::component_needs<Components...>::template of<Components>()..., 0};
    return detail::order_of({needs, count});
  }();
  template <std::size_t I>
  using nth = typename detail::component_at<order_.order[I], Components...>::type;
  template <std::size_t... I>
  static auto circle(std::index_sequence<I...>) -> detail::components_in_a_circle<nth<I>...>;
  static_assert(!order_.has_circle ||
                sizeof(decltype(circle(std::make_index_sequence < order_.has_circle ? order_.count : 0 > {}))) == 0);

  template <std::size_t... I>
  static auto ordered(std::index_sequence<I...>) -> component_list<nth<I>...>;

 public:
  // In the order in which they are started and ticked.
  using in_order = decltype(ordered(std::make_index_sequence < order_.has_circle ? 0 : count > {}));
  // Those of them that a call of `Hook` with these arguments reaches: callees<hooks::tick, nanoseconds>.
  template <class Hook, class... Arguments>
  using callees = typename detail::component_callees<Hook, component_list<Arguments...>, in_order>::type;

  components() requires(std::is_default_constructible_v<Components>&&...) = default;
  explicit components(Components... from) requires(count > 0 && (std::is_move_constructible_v<Components> && ...))
      : detail::component_slot<Components>(std::in_place, std::move(from))... {}
  components(const components&) = delete;
  components& operator=(const components&) = delete;

  template <class C>
  [[nodiscard]] C& get() noexcept {
    static_assert(detail::component_index<C, Components...> < count, "frys::components::get: it is not in the set");
    return static_cast<detail::component_slot<C>&>(*this).value;
  }

  // Calls `hook(component, arguments...)` for each component that it can be called with, in order. A hook of your own:
  //   auto frame_end = [](auto& c) requires requires { c.frame_end(); } { c.frame_end(); };
  template <class Hook, class... Arguments>
  void call(Hook&& hook, Arguments&&... arguments) {
    visit(callees<Hook, Arguments&...>{}, [&](auto& c) { hook(c, arguments...); });
  }

  // All that want it, until one answers an error.
  template <class Config>
  result<void> config(const Config& how) {
    static_assert(callees<hooks::config, const Config&>::size > 0,
                  "frys::components::config: no component has a config that takes this");
    result<void> answer;
    config_all(answer, how, callees<hooks::config, const Config&>{});
    return answer;
  }

  // Once; after stop again.
  result<void> start() {
    FRYS_ASSERT(started_ == 0, "components::start: started already; stop first");
    result<void> answer;
    struct guard {  // of a start that throws too
      components* set;
      ~guard() {
        if (set != nullptr) set->stop();
      }
    } unless_done{this};
    if (start_all(answer, in_order{})) unless_done.set = nullptr;
    return answer;
  }

  void tick(nanoseconds now) { tick_all(now, in_order{}); }

  // Those that were started, the last one first.
  void stop() noexcept {
    stop_all(std::make_index_sequence<count>{});
    started_ = 0;
  }

 private:
  template <class>
  friend class component_phases;

  template <class... C, class F>
  void visit(component_list<C...>, F f) {
    (f(get<C>()), ...);
  }

  template <class... C>
  bool start_all(result<void>& answer, component_list<C...>) {
    return (start_one<C>(answer) && ...);
  }
  template <class C>
  bool start_one([[maybe_unused]] result<void>& answer) {
    constexpr bool wants = std::is_invocable_v<hooks::start, C&, components&>;
    static_assert(wants || !detail::component_has_start<C>::value,
                  "frys::components: a component has a start that cannot be called: it is public and takes nothing or "
                  "the set (one that takes a phase_token is for component_phases)");
    if constexpr (wants)
      if (!succeeds(answer, [this]() -> decltype(auto) { return hooks::start{}(get<C>(), *this); })) return false;
    ++started_;
    return true;
  }

  template <class... C>
  void tick_all([[maybe_unused]] nanoseconds now, component_list<C...>) {
    (tick_one<C>(now), ...);
  }
  template <class C>
  FRYS_ALWAYS_INLINE void tick_one([[maybe_unused]] nanoseconds now) {
    constexpr bool wants = std::is_invocable_v<hooks::tick, C&, nanoseconds>;
    static_assert(wants || !detail::component_has_tick<C>::value,
                  "frys::components: a component has a tick that cannot be called: it is public and takes nothing or "
                  "nanoseconds");
    if constexpr (wants) hooks::tick{}(get<C>(), now);
  }

  template <std::size_t... I>
  void stop_all(std::index_sequence<I...>) noexcept {
    (stop_one<count - 1 - I>(), ...);
  }
  template <std::size_t I>
  void stop_one() noexcept {
    constexpr bool wants = std::is_invocable_v<hooks::stop, nth<I>&>;
    static_assert(wants || !detail::component_has_stop<nth<I>>::value,
                  "frys::components: a component has a stop that cannot be called: it is public and takes nothing");
    if constexpr (wants)
      if (I < started_) get<nth<I>>().stop();
  }

  template <class Config, class... C>
  void config_all(result<void>& answer, const Config& how, component_list<C...>) {
    (void)(succeeds(answer, [&]() -> decltype(auto) { return hooks::config{}(get<C>(), how); }) && ...);
  }

  // Calls what answers nothing or result<void>.
  template <class Call>
  static bool succeeds(result<void>& answer, Call what) {
    using returned = std::invoke_result_t<Call>;
    static_assert(std::is_void_v<returned> || std::is_same_v<std::remove_cvref_t<returned>, result<void>>,
                  "frys::components: start and config of a component answer nothing or result<void>");
    if constexpr (std::is_void_v<returned>) {
      what();
      return true;
    } else {
      answer = what();
      return answer.has_value();
    }
  }

  std::size_t started_ = 0;  // of in_order
};

// Brings the components of a set into start_phases, for those that are up only some time after their start: such a one
// has start(phase_token), and may have stop(phase_token); it answers by the token. A component's phase is called by its
// `name`, else by its type; it may say start_within and stop_within. What a start throws ends the program.
template <class Set>
class component_phases {
 public:
  // `set` and this outlive the phases.
  explicit component_phases(Set& set) noexcept { make(set, typename Set::in_order{}); }
  component_phases(const component_phases&) = delete;
  component_phases& operator=(const component_phases&) = delete;

  // Before they are started. Phases of the program's own may come before and after these, by name.
  template <class... Policies>
  result<void> add_to(start_phases<Policies...>& phases) noexcept {
    return add(phases, typename Set::in_order{});
  }
  template <class C>
  [[nodiscard]] const start_phase& phase() const noexcept {
    return nodes_[place<C>(typename Set::in_order{})];
  }

 private:
  struct node : start_phase {
    Set* set = nullptr;
  };

  template <class C>
  static constexpr std::string_view name_of() noexcept {
    if constexpr (requires { std::string_view(C::name); })
      return C::name;
    else
      return type_name<C>();
  }
  template <class C, class... All>
  static constexpr std::size_t place(component_list<All...>) noexcept {
    return detail::component_index<C, All...>;
  }
  template <class... C>
  void make(Set& set, component_list<C...>) noexcept {
    std::size_t i = 0;
    (make_one<C>(nodes_[i++], set), ...);
  }
  template <class C>
  static void make_one(node& n, Set& set) noexcept {
    n.set = &set;
    n.name = name_of<C>();
    n.start = &start_one<C>;
    if constexpr (detail::component_has_stop<C>::value) n.stop = &stop_one<C>;
    if constexpr (requires { n.start_within = C::start_within; }) n.start_within = C::start_within;
    if constexpr (requires { n.stop_within = C::stop_within; }) n.stop_within = C::stop_within;
  }
  template <class Phases, class... C>
  result<void> add(Phases& phases, component_list<C...>) noexcept {
    result<void> answer;
    for (node& n : nodes_)
      if (answer = phases.add(n); !answer) return answer;
    (void)(add_after<C>(phases, answer) && ...);
    return answer;
  }
  template <class C, class Phases>
  static bool add_after(Phases& phases, result<void>& answer) noexcept {
    if constexpr (requires { typename C::after; })
      return add_edges<C>(phases, answer, typename C::after{});
    else
      return true;
  }
  template <class C, class Phases, class... Needed>
  static bool add_edges(Phases& phases, result<void>& answer, after<Needed...>) noexcept {
    return ((answer = phases.after(name_of<C>(), name_of<Needed>())).has_value() && ...);
  }

  template <class C>
  static void start_one(start_phase& phase, phase_token up) noexcept {
    Set& set = *static_cast<node&>(phase).set;
    C& c = set.template get<C>();
    if constexpr (requires { c.start(up); }) {
      c.start(up);
    } else {
      static_assert(!detail::component_has_start<C>::value || std::is_invocable_v<hooks::start, C&, Set&>,
                    "frys::component_phases: a component has a start that cannot be called: public, with nothing, the "
                    "set or a phase_token as its argument");
      result<void> answer;
      if constexpr (std::is_invocable_v<hooks::start, C&, Set&>)
        Set::succeeds(answer, [&]() -> decltype(auto) { return hooks::start{}(c, set); });
      if (answer.has_value())
        up.done();
      else
        up.fail(answer.error());
    }
  }
  template <class C>
  static void stop_one(start_phase& phase, phase_token stopped) noexcept {
    C& c = static_cast<node&>(phase).set->template get<C>();
    if constexpr (requires { c.stop(stopped); }) {
      c.stop(stopped);
    } else {
      static_assert(std::is_invocable_v<hooks::stop, C&>,
                    "frys::component_phases: a component has a stop that cannot be called: public, without arguments "
                    "or with a phase_token");
      c.stop();
      stopped.done();
    }
  }

  node nodes_[Set::in_order::size];
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_COMPONENTS_HPP
