// A binary heap of deadlines under a mutex that knows where each timer stands, so that cancelling takes it out: what
// the timer workloads set beside the wheel.
#pragma once
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

class indexed_heap {
 public:
  // Timers are the numbers below `count`.
  explicit indexed_heap(std::size_t count) : place_(count, nowhere) { heap_.reserve(count); }

  void set(std::size_t i, std::uint64_t at) {
    const std::lock_guard lock(mutex_);
    heap_.push_back({});
    up(heap_.size() - 1, {at, i});
  }
  // Nothing if it does not stand there.
  void cancel(std::size_t i) {
    const std::lock_guard lock(mutex_);
    if (place_[i] == nowhere) return;
    take(place_[i]);
    place_[i] = nowhere;
  }
  std::uint64_t next_ms() {
    const std::lock_guard lock(mutex_);
    return heap_.front().at;
  }
  std::size_t advance(std::uint64_t now) {
    const std::lock_guard lock(mutex_);
    std::size_t fired = 0;
    for (; !heap_.empty() && heap_.front().at <= now; ++fired) {
      const std::size_t i = heap_.front().i;
      take(0);
      place_[i] = nowhere;
    }
    return fired;
  }

 private:
  struct entry {
    std::uint64_t at;
    std::size_t i;
  };
  static constexpr std::size_t nowhere = ~std::size_t{0};

  void put(std::size_t p, entry e) {
    heap_[p] = e;
    place_[e.i] = p;
  }
  void up(std::size_t p, entry e) {
    for (; p > 0 && e.at < heap_[(p - 1) / 2].at; p = (p - 1) / 2) put(p, heap_[(p - 1) / 2]);
    put(p, e);
  }
  void down(std::size_t p, entry e) {
    for (;;) {
      std::size_t child = 2 * p + 1;
      if (child >= heap_.size()) break;
      if (child + 1 < heap_.size() && heap_[child + 1].at < heap_[child].at) ++child;
      if (e.at <= heap_[child].at) break;
      put(p, heap_[child]);
      p = child;
    }
    put(p, e);
  }
  void take(std::size_t p) {
    const entry last = heap_.back();
    heap_.pop_back();
    if (p == heap_.size()) return;
    if (p > 0 && last.at < heap_[(p - 1) / 2].at)
      up(p, last);
    else
      down(p, last);
  }

  std::mutex mutex_;
  std::vector<entry> heap_;
  std::vector<std::size_t> place_;
};
