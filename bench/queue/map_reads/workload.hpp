// Reads of a map of 64 Ki numbers, at random, one in eight of a key that is not there: by one thread (ns of CPU), and
// by two on two cores (ns of wall time per read of a thread, and ns of CPU).
#pragma once
#include <memory>

#include "../maps.hpp"

template <class Map>
bench::outcome measure(const bench::settings& settings) {
  const std::size_t n = settings.scaled(4'000'000);
  auto map = std::make_unique<Map>();
  fill(*map);
  std::uint64_t wrong[2] = {0, 0}, misses[2] = {0, 0};
  double cpu[2] = {0, 0};
  const auto read = [&](unsigned me) {
    auto seat = map->seat();
    std::uint64_t dice = 88172645463325252u + me;
    const double begin = bench::thread_cpu_ns();
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint64_t k = next_dice(dice) >> 20;
      const std::uint64_t at = k % map_keys + (k >> 40 & 7 ? 0 : map_keys);
      std::uint64_t v = 0;
      const bool found = seat.get(map_key(at), v);
      misses[me] += !found;
      wrong[me] += (found ? v != at : at < map_keys) ? 1u : 0u;
    }
    cpu[me] = (bench::thread_cpu_ns() - begin) / static_cast<double>(n);
  };
  bench::pin(0);
  read(0);
  const double one = cpu[0];
  const double two = bench::on_threads(2, read) / static_cast<double>(n);
  bench::check(wrong[0] + wrong[1] == 0 && misses[0] > 0, "each read");
  return {3.0 * static_cast<double>(n),
          {{"one_thread", "ns", bench::better::lower, one},
           {"two_threads", "ns", bench::better::lower, two},
           {"two_threads_cpu", "ns", bench::better::lower, (cpu[0] + cpu[1]) / 2}}};
}
