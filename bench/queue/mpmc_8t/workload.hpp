// More threads than cores: eight on two, each pushes one element and pops one, in turn. ns per push and pop; the same
// with two threads; what part of their rate the eight keep; and how evenly they were served.
#pragma once
#include "../common.hpp"

template <class Queue>
bench::outcome measure(const bench::settings& settings) {
  // In short pieces, eight and two by turns: what a round trip of a line takes may change from one second to the next.
  constexpr int pieces = 5;
  const auto add_piece = [&](turns& to, unsigned threads) {
    const double end = bench::now_ns() + 1e6 * static_cast<double>(settings.scaled(40));
    const turns t = take_turns<Queue>(threads, [end](std::uint64_t i) { return i % 64 != 0 || bench::now_ns() < end; });
    to.operations += t.operations, to.time += t.time, to.faster_to_slower += t.faster_to_slower;
  };
  turns eight, two;
  for (int i = 0; i < pieces; ++i) add_piece(eight, 8), add_piece(two, 2);
  const double by_eight = eight.time / eight.operations, by_two = two.time / two.operations;
  return {eight.operations + two.operations,
          {{"push_and_pop", "ns", bench::better::lower, by_eight},
           {"push_and_pop_by_two", "ns", bench::better::lower, by_two},
           {"kept", "x", bench::better::higher, by_two / by_eight},
           {"faster_to_slower", "x", bench::better::lower, eight.faster_to_slower / pieces}}};
}
