#include <sched.h>

#include <atomic>

#include "workload.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace {
// Looks before it tries, and yields the core after a while.
struct spin {
  std::atomic<bool> taken{false};
  void lock() {
    for (unsigned tries = 0;
         taken.load(std::memory_order_relaxed) || taken.exchange(true, std::memory_order_acquire);) {
      if (++tries > 200) ::sched_yield();
#if defined(__x86_64__)
      _mm_pause();
#endif
    }
  }
  void unlock() { taken.store(false, std::memory_order_release); }
};
}  // namespace

BENCH_CONTENDER("spin by hand") { return measure<spin>(settings); }
