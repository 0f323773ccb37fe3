// 65,536 values of 64 bytes behind handles that are checked. erase_and_insert: a value at random goes and another
// comes. get: the handles in an order at random, and one in eight of them stale. iterate: over all while half of them
// are gone, per value that lives.
#pragma once
#include <utility>
#include <vector>

#include "harness.hpp"

struct particle {
  explicit particle(std::uint64_t v) : value(v) {}
  std::uint64_t value;
  std::uint64_t rest[7]{};
};

// Map has a type handle, handle make(v), bool drop(handle), particle* find(handle), each(f).
template <class Map>
bench::outcome measure(const bench::settings& settings) {
  constexpr std::size_t live = 65536;
  static Map map;
  std::vector<typename Map::handle> handles(live);
  std::uint64_t x = 1, put = 0, got = 0;
  const auto random = [&x] {
    x = x * 6364136223846793005u + 1442695040888963407u;
    return x >> 33;
  };
  const auto shuffle = [&random](auto& v) {
    for (std::size_t i = v.size(); i-- > 1;)
      if (const std::size_t with = random() % (i + 1); with != i) std::swap(v[i], v[with]);
  };
  for (std::size_t i = 0; i < live; ++i) handles[i] = map.make(i);
  shuffle(handles);

  const std::size_t pairs = settings.scaled(1'000'000);
  double start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < pairs; ++i) {
    typename Map::handle& h = handles[random() % live];
    got += map.drop(h);
    h = map.make(i);
  }
  const double pair_time = bench::thread_cpu_ns() - start;
  bench::check(got == pairs, "every value was there to be erased");

  // Every eighth handle is to one that is gone.
  std::vector<typename Map::handle> asked = handles;
  std::uint64_t gone = 0;
  for (std::size_t i = 0; i < live; i += 8) {
    map.drop(handles[i]);
    handles[i] = map.make(i);
  }
  shuffle(asked);
  const std::size_t turns = settings.scaled(20);
  const std::size_t rounds_of_get = Map::checks ? turns : 0;
  start = bench::thread_cpu_ns();
  for (std::size_t t = 0; t < rounds_of_get; ++t) {
    for (const auto& h : asked) {
      const particle* p = map.find(h);
      if (p != nullptr)
        put += p->value;
      else
        ++gone;
    }
  }
  const double get_time = bench::thread_cpu_ns() - start;
  bench::keep(put);
  bench::check(gone == rounds_of_get * (live / 8), "every stale handle is refused, and no other");

  put = 0;
  shuffle(handles);
  for (std::size_t i = 0; i < live / 2; ++i) map.drop(handles[i]);
  for (std::size_t i = live / 2; i < live; ++i) put += map.find(handles[i])->value;
  got = 0;
  start = bench::thread_cpu_ns();
  for (std::size_t t = 0; t < turns; ++t) map.each([&got](particle& p) { got += p.value; });
  const double each_time = bench::thread_cpu_ns() - start;
  bench::check(got == put * turns, "the sum of the values");
  for (std::size_t i = live / 2; i < live; ++i) map.drop(handles[i]);

  const auto lower = bench::better::lower;
  std::vector<bench::measure> rows{{"erase_and_insert", "ns", lower, pair_time / static_cast<double>(pairs)}};
  if (Map::checks) rows.push_back({"get", "ns", lower, get_time / static_cast<double>(turns * live)});
  rows.push_back({"iterate", "ns", lower, each_time / static_cast<double>(turns * live / 2)});
  return {0, rows};
}
