#include <frys/memory/pool_registry.hpp>

#include <doctest/doctest.h>
#include <frys/memory/arena.hpp>
#include <frys/memory/limited.hpp>
#include <frys/memory/object_pool.hpp>
#include <frys/memory/system_allocator.hpp>
#include <frys/memory/tracked.hpp>

#include <cstddef>
#include <string>
#include <thread>
#include <utility>

#include "counting_pages.hpp"

using frys::pool_registry;
namespace policy = frys::policy;

namespace {

struct session {
  int id = 0;
};
// Says when it ends.
struct part {
  char name;
  std::string* order;
  void release() { *order += name; }
};

}  // namespace

TEST_CASE("pool_registry: sums what all pools hold, by whatever name they tell it") {
  pool_registry registry;
  frys::arena<> scratch;
  frys::object_pool<session> sessions;
  frys::limited<frys::system_allocator> bounded(1000);
  frys::tracked<frys::system_allocator> counted;
  struct silent {
  } nothing;
  auto a = registry.add("scratch", scratch), b = registry.add("sessions", sessions);
  auto c = registry.add("bounded", bounded), d = registry.add("counted", counted);
  auto e = registry.add("silent", nothing);
  auto f = registry.add("silent", nothing, [](const silent&) { return std::size_t{7}; });
  REQUIRE((a && b && c && d && e && f));
  CHECK(registry.bytes() == 7);
  REQUIRE(scratch.allocate(1000));
  REQUIRE(sessions.acquire());
  void* p = *bounded.allocate(100);
  void* q = *counted.allocate(30);
  CHECK(registry.bytes() == scratch.reserved() + sessions.reserved() + 100 + 30 + 7);
  std::string names;
  std::size_t sum = 0;
  registry.for_each([&](const frys::pool_info& info) {
    names += std::string(info.name) + ",";
    sum += info.bytes;
  });
  CHECK(names == "scratch,sessions,bounded,counted,silent,silent,");
  CHECK(sum == registry.bytes());
  bounded.deallocate(p, 100, 16);
  counted.deallocate(q, 30, 16);
}

TEST_CASE("pool_registry: finds a pool by type, by element and by name when the program runs") {
  pool_registry registry;
  frys::object_pool<session> sessions;
  frys::arena<> one, other;
  auto a = *registry.add("one", one), b = *registry.add("other", other), c = *registry.add("sessions", sessions);
  CHECK(registry.find<frys::arena<>>() == &one);
  CHECK(registry.find<frys::arena<>>("other") == &other);
  CHECK(registry.find<frys::arena<>>("sessions") == nullptr);
  CHECK(registry.find<int>() == nullptr);
  CHECK(registry.find_for(frys::type_id<session>()).object == &sessions);
  CHECK(registry.find_for(frys::type_id<int>()).object == nullptr);
  CHECK(registry.find_for(0).object == nullptr);
  CHECK(registry.find_named("sessions").type == frys::type_id<frys::object_pool<session>>());
  // A plugin that knows no type allocates all the same.
  frys::any_allocator_ref any = registry.find_named("other").allocator;
  REQUIRE(any);
  auto p = any.allocate(10);
  REQUIRE(p);
  CHECK(other.owns(*p));
  any.deallocate(*p, 10, 16);
  frys::any_allocator_ref none = registry.find_named("sessions").allocator;  // no raw allocator
  CHECK_FALSE(none);
  CHECK(none.allocate(1).error() == frys::errc::unsupported);
  none.deallocate(nullptr, 1, 1);
  a.reset();
  CHECK(registry.find<frys::arena<>>() == &other);
  frys::pool_registry::registration moved = std::move(b);
  CHECK_FALSE(b);  // NOLINT: a moved-from registration is none
  moved = {};
  CHECK(registry.find<frys::arena<>>() == nullptr);
  CHECK(registry.size() == 1);
}

TEST_CASE("pool_registry: teardown ends the last registered first, and who stands on another one before it") {
  pool_registry registry;
  std::string order;
  part a{'a', &order}, b{'b', &order}, c{'c', &order}, d{'d', &order};
  auto ra = *registry.add("a", a), rb = *registry.add("b", b), rc = *registry.add("c", c), rd = *registry.add("d", d);
  CHECK(registry.depends(ra, rc));  // c must wait for a, and a for b
  CHECK(registry.depends(rb, ra));
  CHECK(registry.depends(rc, rb).error() == frys::errc::invalid_argument);
  CHECK(registry.depends(ra, ra).error() == frys::errc::invalid_argument);
  pool_registry elsewhere;
  CHECK(elsewhere.depends(ra, rb).error() == frys::errc::invalid_argument);
  CHECK(registry.teardown() == 4);
  CHECK(order == "dbac");
  CHECK(registry.size() == 0);
  CHECK(registry.teardown() == 0);  // and the registrations end in peace
}

TEST_CASE("pool_registry: teardown gives memory back, and may be said for each pool") {
  using pages = counting_pages<44>;
  pool_registry registry;
  frys::arena<policy::pages<pages>> scratch;
  static int told;
  told = 0;
  auto a = registry.add("scratch", scratch);
  auto b = registry.add("other", scratch, frys::detail::bytes_held{}, [](auto&) { ++told; });
  REQUIRE((a && b));
  REQUIRE(scratch.allocate(10));
  CHECK(registry.teardown() == 2);
  CHECK(pages::held == 0);
  CHECK(told == 1);
}

TEST_CASE("pool_registry: a teardown may end other pools and their registrations") {
  static pool_registry registry;
  struct owner {
    part inside;
    pool_registry::registration own;
    void release() { own.reset(); }
  };
  std::string order;
  owner o{{'i', &order}, {}};
  o.own = *registry.add("inside", o.inside);
  auto r = registry.add("owner", o);
  CHECK(registry.teardown() == 1);
  CHECK(order.empty());
}

TEST_CASE("pool_registry: without pages an entry is refused, and the others stay") {
  using pages = counting_pages<45>;
  {
    frys::basic_pool_registry<policy::pages<pages>> registry;
    std::string order;
    part a{'a', &order};
    pages::refuses = true;
    CHECK(registry.add("a", a).error() == frys::errc::out_of_memory);
    pages::refuses = false;
    auto ra = *registry.add("a", a), rb = *registry.add("b", a);
    pages::refuses = true;
    CHECK(registry.depends(ra, rb).error() == frys::errc::out_of_memory);
    pages::refuses = false;
    CHECK(registry.depends(ra, rb));
    CHECK(registry.teardown() == 2);
  }
  CHECK(pages::held == 0);
}

TEST_CASE("pool_registry: threads come and go while others ask") {
  pool_registry& registry = frys::process_pools();
  CHECK(&registry == &frys::process_pools());
  const std::size_t before = registry.size();
  const auto work = [&registry] {
    bool well = true;
    for (int i = 0; i < 500; ++i) {
      frys::limited<frys::system_allocator, 100, policy::atomics<frys::atomics::standard>> mine;
      auto r = registry.add("mine", mine);
      well = well && r && registry.find_named("mine").object != nullptr && registry.bytes() == 0;
    }
    return well;
  };
  bool first = false;
  std::thread other([&] { first = work(); });
  const bool second = work();
  other.join();
  CHECK(first);
  CHECK(second);
  CHECK(registry.size() == before);
}
