// A queue that keeps no order among producers, with handles: two threads on two cores, each pushes one element and pops
// one, in turn. ns per push and pop; and how many rounds the faster one had done for each of the slower one's when it
// was ready.
#pragma once
#include "../common.hpp"

template <class Queue>
bench::outcome measure(const bench::settings& settings) {
  return mixed<Queue>(settings);
}
