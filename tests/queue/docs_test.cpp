#include <frys/queue/bag.hpp>
#include <frys/queue/broadcast_ring.hpp>
#include <frys/queue/lookup_cache.hpp>
#include <frys/queue/sharded_map.hpp>
#include <frys/queue/stealing_deque.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

// [region bag]
// What many workers find, in no order among them. Each thread takes a handle of its own.
std::uint64_t sum_of_squares() {
  frys::bag<std::uint64_t> found;
  std::vector<std::thread> workers;
  for (std::uint64_t first = 1; first <= 2; ++first)
    workers.emplace_back([&found, first] {
      auto mine = found.producer();
      if (!mine) return;  // errc::full: policy::seats of them are taken
      for (std::uint64_t i = first; i <= 1000; i += 2)
        if (!mine->try_push(i * i)) return;  // closed, or out of memory
    });

  std::uint64_t sum = 0;
  std::thread reader([&] {
    auto mine = found.consumer();
    if (!mine) return;
    for (;;) {
      auto value = mine->try_pop();
      if (value)
        sum += *value;
      else if (value.is_closed())
        break;  // and all has come out
      else
        std::this_thread::yield();
    }
  });
  for (auto& w : workers) w.join();
  found.close();
  reader.join();
  return sum;
}
// [endregion bag]

// [region readers]
struct to_disk {};  // names of readers, never made
struct to_table {};
// Each reader sees every order; `to_table` only when `to_disk` is done with it.
using order_stream = frys::broadcast_ring<int, frys::policy::capacity<64>,
                                          frys::policy::readers<frys::reads<to_disk>, frys::reads<to_table, to_disk>>>;

int in_the_table_before_and_after() {
  order_stream orders;
  auto disk = orders.reader<to_disk>();  // one thread at a time for each reader
  auto table = orders.reader<to_table>();
  (void)orders.try_push(7);
  const bool early = table.try_pop().has_value();  // no: it is not on the disk
  (void)disk.try_pop();
  const auto order = table.try_pop();
  return early || !order ? -1 : *order;
}
// [endregion readers]

// [region map]
// Looked up by every thread all the time, and now and then changed.
class route_table {
 public:
  using map_type = frys::sharded_map<std::string, int>;
  using seat = map_type::participant;

  frys::result<seat> join() { return domain_.join(); }  // once for each thread
  int port_of(seat& mine, std::string_view host) const {
    const auto found = routes_.find(mine, host);  // takes no lock; what it found stays as it is while it lives
    return found ? *found : -1;
  }
  bool set(seat& mine, std::string_view host, int port) {
    return routes_.insert_or_assign(mine, std::string(host), port).has_value();  // else full or out_of_memory
  }

 private:
  map_type::reclaimer_type domain_;  // before the map, so that it dies after it
  map_type routes_;
};
// [endregion map]

// [region cache]
// Remembers answers of something slow, and may forget any of them.
template <class Slow>
std::uint64_t price_of(frys::lookup_cache<std::uint32_t, std::uint64_t>::handle_type& mine, std::uint32_t item,
                       Slow ask) {
  // On a miss it asks; the answer is put in, unless somebody has invalidated the item meanwhile.
  return mine.get_or(item, ask);
}
// [endregion cache]

// [region deque]
// A worker's own work, newest first; whoever has none takes the oldest.
std::pair<int, int> own_and_stolen() {
  frys::stealing_deque<int> work;
  auto mine = work.owner();   // one, for the worker
  auto other = work.thief();  // for anybody
  for (int i = 1; i <= 8; ++i) (void)mine.try_push(i);
  mine.share();  // all of it; pushes and pops share by and by, too
  const auto stolen = other.try_steal();
  const auto own = mine.try_pop();
  return {own ? *own : 0, stolen ? *stolen : 0};
}
// [endregion deque]

}  // namespace

TEST_CASE("queue: the examples of its page do what they say") {
  CHECK(sum_of_squares() == 333833500);
  CHECK(in_the_table_before_and_after() == 7);

  route_table routes;
  auto seat = *routes.join();
  CHECK(routes.port_of(seat, "here") == -1);
  CHECK(routes.set(seat, "here", 80));
  CHECK(routes.set(seat, "here", 8080));
  CHECK(routes.port_of(seat, "here") == 8080);

  frys::lookup_cache<std::uint32_t, std::uint64_t> cache;
  auto mine = cache.handle();
  int asked = 0;
  const auto ask = [&](std::uint32_t item) {
    ++asked;
    return std::uint64_t{item} * 10;
  };
  CHECK(price_of(mine, 3, ask) == 30);
  CHECK(price_of(mine, 3, ask) == 30);
  CHECK(asked == 1);
  cache.invalidate(3);
  CHECK(price_of(mine, 3, ask) == 30);
  CHECK(asked == 2);

  CHECK(own_and_stolen() == std::pair{8, 1});
}
