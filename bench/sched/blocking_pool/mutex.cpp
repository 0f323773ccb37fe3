// What one writes without a library.
#include "workload.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

namespace {
class pool {
 public:
  ~pool() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (auto& t : threads_) t.join();
  }
  void submit(std::function<void()> f) {
    const std::lock_guard lock(mutex_);
    work_.push_back(std::move(f));
    if (idle_ != 0)
      wake_.notify_one();
    else if (threads_.size() < 8)
      threads_.emplace_back([this] { run(); });
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      while (work_.empty() && !stop_) {
        ++idle_;
        wake_.wait(lock);
        --idle_;
      }
      if (stop_) return;
      auto f = std::move(work_.front());
      work_.pop_front();
      lock.unlock();
      f();
      lock.lock();
    }
  }
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> work_;
  std::vector<std::thread> threads_;
  int idle_ = 0;
  bool stop_ = false;
};
}  // namespace

BENCH_CONTENDER("mutex") {
  pool p;
  return blocking(settings, [&](auto f) { p.submit(f); });
}
