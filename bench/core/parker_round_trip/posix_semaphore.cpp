#include "workload.hpp"

#include <semaphore.h>

namespace {
struct sem_bell {
  sem_t s;
  sem_bell() { sem_init(&s, 0, 0); }
  ~sem_bell() { sem_destroy(&s); }
  void ring() { sem_post(&s); }
  void await() {
    while (sem_wait(&s) != 0) {
    }
  }
};
}  // namespace

BENCH_CONTENDER("sem_t") { return {0, {{"sleeping", "ns", bench::better::lower, round_trip<sem_bell>(settings)}}}; }
