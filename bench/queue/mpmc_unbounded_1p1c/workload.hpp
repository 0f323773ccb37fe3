// A queue for many without a bound, used by one producer and one consumer on two cores. ns per element. moodycamel's
// keeps no order among producers; the others do.
#pragma once
#include "../common.hpp"

template <class Queue>
bench::outcome measure(const bench::settings& settings) {
  return stream<Queue>(settings, 1, 1);
}
