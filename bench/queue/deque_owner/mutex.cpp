#include "../mutex_deque.hpp"
#include "workload.hpp"

namespace {
struct deque : mutex_deque {
  mutex_deque& owner() { return *this; }
};
}  // namespace

BENCH_CONTENDER("mutex+deque") { return measure<deque>(settings); }
