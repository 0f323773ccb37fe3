// Skynet: a tree of ten children to a node, six levels deep. The million leaves answer their number, each node the sum.
#pragma once
#include <array>

#include "sched/crew.hpp"

// The leaves under a node are first ... first + leaves - 1.
template <class Crew>
std::uint64_t skynet(std::uint64_t first, std::uint64_t leaves) {
  if (leaves == 1) return first;
  std::array<std::uint64_t, 10> answers{};
  const std::uint64_t step = leaves / 10;
  Crew::each(10, [&](std::size_t i) { answers[i] = skynet<Crew>(first + i * step, step); });
  std::uint64_t sum = 0;
  for (const std::uint64_t a : answers) sum += a;
  return sum;
}

struct skynet_work {
  static constexpr std::uint64_t leaves = 1'000'000;
  std::uint64_t result = 0;
  void prepare() { result = 0; }
  template <class Crew>
  void run(Crew& crew) {
    if constexpr (requires { crew.skynet(leaves); })
      result = crew.skynet(leaves);
    else
      crew.run([this] { result = skynet<Crew>(0, leaves); });
  }
  bool fine() const { return result == leaves * (leaves - 1) / 2; }
};

template <class Crew>
bench::outcome measure(const bench::settings& s) {
  return on_crews<Crew>(s, skynet_work{});
}
