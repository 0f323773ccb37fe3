#include "workload.hpp"

#include <condition_variable>
#include <mutex>

namespace {
struct cv_bell {
  std::mutex m;
  std::condition_variable cv;
  bool rung = false;
  void ring() {
    const std::lock_guard lock(m);
    rung = true;
    cv.notify_one();
  }
  void await() {
    std::unique_lock lock(m);
    cv.wait(lock, [&] { return rung; });
    rung = false;
  }
};
}  // namespace

BENCH_CONTENDER("condition_variable") {
  return {0, {{"sleeping", "ns", bench::better::lower, round_trip<cv_bell>(settings)}}};
}
