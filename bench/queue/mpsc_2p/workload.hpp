// Two producers, one consumer that shares a core with one of them. ns per element.
#pragma once
#include "../common.hpp"

template <class Queue>
bench::outcome measure(const bench::settings& settings) {
  return stream<Queue>(settings, 2, 1);
}
