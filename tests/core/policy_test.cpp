#include <frys/policy.hpp>

#include <doctest/doctest.h>

#include <type_traits>

namespace {

namespace policy = frys::policy;

struct mine {};
struct yours {};
struct whole {
  using atomics = mine;
  using clock = mine;
};
struct empty_world {};

// A slot of a user's own, with a world's offer for it.
struct colour_key {};
template <class C>
struct colour {
  using key = colour_key;
  using type = C;
};
struct painted {
  using colour = mine;
};

using slots = policy::keys<policy::atomics_key, policy::capacity_key>;
template <class... P>
using atomics_of = typename policy::pick<policy::atomics<yours>, P...>::type;

}  // namespace

namespace frys::policy {
template <class W>
requires requires { typename W::colour; }
struct offer<colour_key, W> {
  using type = colour<typename W::colour>;
};
}  // namespace frys::policy

TEST_CASE("policy: a block accepts its keys in any order, each at most once, and nothing else") {
  static_assert(slots::accept<>);
  static_assert(slots::accept<policy::capacity<4>, policy::atomics<mine>>);
  static_assert(slots::accept<policy::atomics<mine>, policy::capacity<4>>);
  static_assert(slots::accept<policy::atomics<mine>, policy::world<whole>>);
  static_assert(!slots::accept<policy::wait<mine>>);
  static_assert(!slots::accept<int>);
  static_assert(!slots::accept<policy::capacity<4>, policy::capacity<8>>);
  static_assert(!slots::accept<policy::world<whole>, policy::world<whole>>);
  CHECK(true);
}

TEST_CASE("policy: known and unique say one thing at a time") {
  static_assert(!slots::known<int, int>);
  static_assert(slots::unique<int, int>);
  static_assert(slots::known<policy::capacity<4>, policy::capacity<4>>);
  static_assert(!slots::unique<policy::capacity<4>, policy::capacity<4>>);
  CHECK(true);
}

TEST_CASE("policy: the caller's slot wins over the world's, the world's over the default") {
  static_assert(std::is_same_v<atomics_of<>, yours>);
  static_assert(std::is_same_v<atomics_of<policy::world<whole>>, mine>);
  static_assert(std::is_same_v<atomics_of<policy::world<empty_world>>, yours>);
  static_assert(std::is_same_v<atomics_of<policy::atomics<int>, policy::world<whole>>, int>);
  static_assert(std::is_same_v<atomics_of<policy::world<whole>, policy::atomics<int>>, int>);
  static_assert(policy::pick<policy::capacity<7>>::value == 7);
  static_assert(policy::pick<policy::capacity<7>, policy::world<whole>, policy::capacity<3>>::value == 3);
  CHECK(true);
}

TEST_CASE("policy: a user's own slot takes part, also in worlds") {
  using own = policy::keys<colour_key>;
  static_assert(own::accept<colour<int>>);
  static_assert(!own::accept<policy::atomics<mine>>);
  static_assert(std::is_same_v<policy::pick<colour<yours>, policy::world<painted>>::type, mine>);
  static_assert(std::is_same_v<policy::pick<colour<yours>, policy::world<whole>>::type, yours>);
  CHECK(true);
}
