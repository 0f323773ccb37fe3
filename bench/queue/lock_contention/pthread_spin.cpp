#include <pthread.h>

#include "workload.hpp"

namespace {
struct form {
  ::pthread_spinlock_t of;
  form() { ::pthread_spin_init(&of, PTHREAD_PROCESS_PRIVATE); }
  ~form() { ::pthread_spin_destroy(&of); }
  void lock() { ::pthread_spin_lock(&of); }
  void unlock() { ::pthread_spin_unlock(&of); }
};
}  // namespace

BENCH_CONTENDER("pthread_spinlock") { return measure<form>(settings); }
