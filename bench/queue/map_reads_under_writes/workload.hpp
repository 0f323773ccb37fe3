// Two threads on two cores, 64 Ki numbers: one reads at random, the other replaces values at random without pause, and
// erases and inserts now and then, for a fifth of a second. ns of wall time per read, and per write beside it.
#pragma once
#include <atomic>
#include <memory>

#include "../maps.hpp"

template <class Map>
bench::outcome measure(const bench::settings& settings) {
  const double most = static_cast<double>(settings.scaled(200'000'000));
  std::uint64_t n = 0;
  auto map = std::make_unique<Map>();
  fill(*map);
  std::atomic<bool> done{false};
  std::uint64_t wrong = 0, found = 0, writes = 0;
  double reading = 0;
  const double all = bench::on_threads(2, [&](unsigned me) {
    auto seat = map->seat();
    std::uint64_t dice = 88172645463325252u + me;
    if (me == 0) {
      const double begin = bench::now_ns();
      for (; n % 64 != 0 || bench::now_ns() - begin < most; ++n) {
        const std::uint64_t at = (next_dice(dice) >> 20) % map_keys;
        std::uint64_t v = 0;
        if (!seat.get(map_key(at), v)) continue;
        ++found;
        wrong += v % map_keys != at;
      }
      reading = bench::now_ns() - begin;
      done.store(true);
    } else {
      for (; !done.load(std::memory_order_relaxed); ++writes) {
        const std::uint64_t k = next_dice(dice) >> 20;
        const std::uint64_t at = k % map_keys;
        if (k >> 40 & 7) {
          seat.put(map_key(at), at + map_keys * (writes & 0xffff));
        } else {
          seat.drop(map_key(at));
          seat.put(map_key(at), at);
        }
      }
    }
  });
  bench::check(wrong == 0 && found > n / 2, "each read");
  return {static_cast<double>(n),
          {{"read", "ns", bench::better::lower, reading / static_cast<double>(n)},
           {"write", "ns", bench::better::lower, all / static_cast<double>(writes + 1)}}};
}
