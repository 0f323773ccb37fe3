// policy: named policies, in any order, each at most once.
//
// Use       block<policy::capacity<64>, policy::world<sim::world>>: an explicit slot wins over the world's, the world's
//           over the block's default.
// A policy  is a type with a member type `key`. A block names the keys it takes, refuses the rest in one sentence
//           (keys<...>::known, keys<...>::unique), and picks each slot (pick). All of it happens at compile time; no
//           policy leaves a byte behind that the block does not ask for.
// Own slots a user's block takes policies by the same machinery: a key, a policy, and, where a world can fill the slot,
//           a specialisation of policy::offer. examples/03_own_block shows one.
#ifndef FRYS_POLICY_HPP
#define FRYS_POLICY_HPP

#include <cstddef>
#include <type_traits>

#include "config.hpp"

namespace frys::inline FRYS_ABI::policy {

// The slots. What a model of each must offer is the concept named beside it.
struct atomics_key {};     // atomics_model (core/atomics.hpp)
struct clock_key {};       // clock_model (core/clock.hpp)
struct wait_key {};        // wait_policy (core/wait.hpp)
struct pages_key {};       // page_source (core/concepts.hpp)
struct allocator_key {};   // raw_allocator (core/concepts.hpp)
struct files_key {};       // file_system (core/concepts.hpp)
struct network_key {};     // reactor (core/concepts.hpp)
struct random_key {};      // random_source (core/concepts.hpp)
struct capacity_key {};    // a number of elements
struct chunk_size_key {};  // a number of bytes
struct limit_key {};       // a number of bytes
struct reclaimer_key {};   // reclaimer (memory/reclaim.hpp)
struct overflow_key {};    // what a push does where there is no room: overflow::fail, overflow::overwrite
struct layout_key {};      // how neighbours lie in memory: layout::contiguous, layout::scattered (queue/policies.hpp)
struct publish_key {};     // how often a side tells the other: publish::each, publish::lazy (queue/policies.hpp)
struct niche_key {};       // a value of T that is never an element
struct threads_key {};     // thread_source (core/thread.hpp)
struct world_key {};

template <class A>
struct atomics {
  using key = atomics_key;
  using type = A;
};
template <class C>
struct clock {
  using key = clock_key;
  using type = C;
};
template <class W>
struct wait {
  using key = wait_key;
  using type = W;
};
template <class P>
struct pages {
  using key = pages_key;
  using type = P;
};
template <class A>
struct allocator {
  using key = allocator_key;
  using type = A;
};
template <class F>
struct files {
  using key = files_key;
  using type = F;
};
template <class N>
struct network {
  using key = network_key;
  using type = N;
};
template <class R>
struct random {
  using key = random_key;
  using type = R;
};
template <std::size_t N>
struct capacity {
  using key = capacity_key;
  static constexpr std::size_t value = N;
};
// capacity<dynamic>: said when the program runs, to the block's make(n).
inline constexpr std::size_t dynamic = ~std::size_t{0};
template <std::size_t N>
struct chunk_size {
  using key = chunk_size_key;
  static constexpr std::size_t value = N;
};
template <std::size_t N>
struct limit {
  using key = limit_key;
  static constexpr std::size_t value = N;
};

template <class R>
struct reclaimer {
  using key = reclaimer_key;
  using type = R;
};
template <class O>
struct overflow {
  using key = overflow_key;
  using type = O;
};
template <class L>
struct layout {
  using key = layout_key;
  using type = L;
};

template <class P>
struct publish {
  using key = publish_key;
  using type = P;
};
template <auto V>
struct niche {
  using key = niche_key;
  static constexpr auto value = V;
};

template <class T>
struct threads {
  using key = threads_key;
  using type = T;
};

// One word for the whole outside: a type W with any of the member types `atomics`, `clock`, `wait`, `pages`, `files`,
// `network`, `random`, `threads`. Every block takes it; what W does not name stays the block's default.
template <class W>
struct world {
  using key = world_key;
  using type = W;
};

template <class P>
concept named = requires {
  typename P::key;
};

// What a world W offers for a key: `type` is the policy, or void. Specialise it for a slot of your own.
template <class Key, class W>
struct offer {
  using type = void;
};
template <class W>
requires requires { typename W::atomics; }
struct offer<atomics_key, W> {
  using type = atomics<typename W::atomics>;
};
template <class W>
requires requires { typename W::clock; }
struct offer<clock_key, W> {
  using type = clock<typename W::clock>;
};
template <class W>
requires requires { typename W::wait; }
struct offer<wait_key, W> {
  using type = wait<typename W::wait>;
};
template <class W>
requires requires { typename W::pages; }
struct offer<pages_key, W> {
  using type = pages<typename W::pages>;
};
template <class W>
requires requires { typename W::files; }
struct offer<files_key, W> {
  using type = files<typename W::files>;
};
template <class W>
requires requires { typename W::network; }
struct offer<network_key, W> {
  using type = network<typename W::network>;
};
template <class W>
requires requires { typename W::random; }
struct offer<random_key, W> {
  using type = random<typename W::random>;
};
template <class W>
requires requires { typename W::threads; }
struct offer<threads_key, W> {
  using type = threads<typename W::threads>;
};

namespace detail {

template <class P, class... Keys>
concept listed = named<P> &&
    (std::is_same_v<typename P::key, world_key> || ... || std::is_same_v<typename P::key, Keys>);

template <class P, class... Policies>
inline constexpr std::size_t times = (std::size_t{0} + ... +
                                      (std::is_same_v<typename P::key, typename Policies::key> ? 1u : 0u));

// The first policy of `Policies` with key `Key`, or void.
template <class Key, class... Policies>
struct find {
  using type = void;
};
template <class Key, class P, class... Rest>
struct find<Key, P, Rest...> : find<Key, Rest...> {};
template <class Key, class P, class... Rest>
requires(named<P>&& std::is_same_v<typename P::key, Key>) struct find<Key, P, Rest...> {
  using type = P;
};

template <class Key, class World>
struct from_world {
  using type = void;
};
template <class Key, class W>
struct from_world<Key, world<W>> : offer<Key, W> {};

template <class A, class B>
using or_else = std::conditional_t<std::is_void_v<A>, B, A>;

}  // namespace detail

// The keys that a block takes; policy::world goes without saying.
template <class... Keys>
struct keys {
  // Each policy carries a key that the block lists.
  template <class... Policies>
  static constexpr bool known = (detail::listed<Policies, Keys...> && ...);

  // No key comes twice. True for policies that are not known, so that a block says one thing at a time.
  template <class... Policies>
  static constexpr bool unique = [] {
    if constexpr ((named<Policies> && ...))
      return ((detail::times<Policies, Policies...> == 1) && ...);
    else
      return true;
  }();

  // Both.
  template <class... Policies>
  static constexpr bool accept = known<Policies...>&& unique<Policies...>;
};

// The policy that fills the slot of `Default`: the caller's, else the world's, else `Default`.
template <class Default, class... Policies>
using pick = detail::or_else<
    typename detail::find<typename Default::key, Policies...>::type,
    detail::or_else<
        typename detail::from_world<typename Default::key, typename detail::find<world_key, Policies...>::type>::type,
        Default>>;

}  // namespace frys::inline FRYS_ABI::policy

#endif  // FRYS_POLICY_HPP
