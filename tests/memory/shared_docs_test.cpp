// The code of docs/shared-memory.md.
#include <frys/memory/shared_region.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#if FRYS_OS_LINUX
namespace {

// [region shop]
// Prices that one process has worked out and others look up, each wherever the memory is mapped there.
struct price {
  std::uint64_t item = 0;
  std::int64_t cents = 0;
};
struct price_list {
  frys::region_span<price> all;  // an offset and a count: the same in every process
};

frys::result<void> publish(frys::shared_region<>& shop, std::span<const price> prices) {
  auto memory = shop.allocate(prices.size_bytes(), alignof(price));
  if (!memory) return memory.error();
  auto* const first = static_cast<price*>(*memory);
  std::uninitialized_copy(prices.begin(), prices.end(), first);
  auto list = shop.make<price_list>("prices", price_list{{shop.pointer_to(first), prices.size()}});
  if (!list) return list.error();  // errc::already_exists: another process was first
  return {};
}

// A reader believes nothing: what it finds is checked against the region before it is touched.
frys::result<std::int64_t> price_of(const frys::shared_region<>& shop, std::uint64_t item) {
  auto list = shop.find<price_list>("prices");
  if (!list) return list.error();
  auto prices = shop.get((*list)->all);
  if (!prices) return prices.error();  // errc::corrupt: they would lie outside
  for (const price& p : *prices)
    if (p.item == item) return p.cents;
  return frys::error{frys::errc::not_found, frys::domain::user, "no such item"};
}
// [endregion shop]

}  // namespace

TEST_CASE("docs: a shared region is filled through one handle and read through another") {
  // [region open]
  auto ours = frys::shared_region<>::create(std::size_t{1} << 20);  // anonymous: reached by its descriptor alone
  REQUIRE(ours);
  const int descriptor = ours->mapping().shared_handle();  // inherited, or send_descriptor(socket, descriptor)

  auto theirs = frys::shared_region<>::open(descriptor);  // in the other process
  REQUIRE(theirs);
  // [endregion open]
  CHECK(price_of(*theirs, 1).error() == frys::errc::not_found);
  const price prices[] = {{1, 250}, {2, 999}};
  REQUIRE(publish(*ours, prices));
  CHECK(publish(*theirs, prices).error() == frys::errc::already_exists);
  CHECK(*price_of(*theirs, 1) == 250);
  CHECK(*price_of(*ours, 2) == 999);
  CHECK(price_of(*ours, 3).error() == frys::errc::not_found);
}
#endif
