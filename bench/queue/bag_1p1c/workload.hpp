// A queue that keeps no order among producers, with a handle for each thread: one producer and one consumer on two
// cores. ns per element.
#pragma once
#include "../common.hpp"

template <class Queue>
bench::outcome measure(const bench::settings& settings) {
  return stream<Queue>(settings, 1, 1);
}
