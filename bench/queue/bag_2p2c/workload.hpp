// A queue that keeps no order among producers, with a handle for each thread: two producers and two consumers on two
// cores. ns per element.
#pragma once
#include "../common.hpp"

template <class Queue>
bench::outcome measure(const bench::settings& settings) {
  return stream<Queue>(settings, 2, 2);
}
