#include <frys/sim/counting.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>

#include <frys/queue/lookup_cache.hpp>

namespace {

using A = frys::atomics::counting;
using cache_type = frys::lookup_cache<std::uint64_t, std::uint64_t, frys::policy::atomics<A>>;

template <class F>
A::counts on(unsigned number, F f) {
  const A::core core(number);
  return A::of(f);
}

}  // namespace

TEST_CASE("lookup_cache: a hit is two lines; hits by several cores share them: nothing is written but the first mark") {
  A::reset();
  const auto cache = std::make_unique<cache_type>();
  auto here = cache->handle(), there = cache->handle();
  on(1, [&] { there.put(1, 2); });
  const A::counts first = on(0, [&] { CHECK(here.get(1)); });
  // The lines: the head, the entry, and the head to write the mark. The sequence twice, both generations, the tags, two
  // words, the mark; a count. Stores: the mark, the count.
  CHECK(first.text() == "9 loads, 2 stores, 1 fence, 3 transfers");
  const A::counts again = on(0, [&] { CHECK(here.get(1)); });
  CHECK(again.text() == "9 loads, 1 store, 1 fence");
  (void)on(1, [&] { CHECK(there.get(1)); });
  for (int i = 0; i < 10; ++i) {
    CHECK(on(0, [&] { CHECK(here.get(1)); }).transfers == 0);
    CHECK(on(1, [&] { CHECK(there.get(1)); }).transfers == 0);
  }
}

TEST_CASE("lookup_cache: a miss ends at the head of the set; a put is one read-modify-write") {
  A::reset();
  const auto cache = std::make_unique<cache_type>();
  auto handle = cache->handle();
  CHECK(on(0, [&] { CHECK_FALSE(handle.get(1)); }).text() == "6 loads, 1 store, 1 fence");
  const A::counts put = on(0, [&] { handle.put(1, 2); });
  CHECK(put.rmws == 1);
  CHECK(put.fences == 1);
  CHECK(on(0, [&] { cache->invalidate(1); }).rmws == 1);
  const A::counts clear = on(0, [&] { cache->clear(); });
  CHECK(clear.text() == "1 rmw");
}
