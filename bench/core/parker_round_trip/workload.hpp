// Two threads on two cores wake each other in turn. ns per round trip (two wake-ups), once with threads that sleep at
// once and once with the contender's default way of waiting.
#pragma once
#include "harness.hpp"

// Bell has ring() (any thread) and await() (its owner).
template <class Bell>
double round_trip(const bench::settings& settings) {
  const std::size_t n = settings.scaled(20'000);
  Bell ping, pong;
  std::size_t baton = 0;
  const double time = bench::on_threads(2, [&](unsigned me) {
    for (std::size_t i = 0; i < n; ++i) {
      if (me == 0) {
        ++baton;
        ping.ring();
        pong.await();
      } else {
        ping.await();
        ++baton;
        pong.ring();
      }
    }
  });
  bench::check(baton == 2 * n, "the baton");
  return time / static_cast<double>(n);
}
