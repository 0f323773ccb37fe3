// chase_lev: the work-stealing deque of D. Chase and Y. Lev with the orders of N. M. Le et al. (PPoPP 2013), its growth
// mended, as most runtimes have it: the peer by hand of the deque workloads. No Debian package offers a public one.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

class chase_lev {
 public:
  chase_lev() { grow(1024, 0, 0); }

  void push(std::uint64_t value) {
    const std::int64_t b = bottom_.load(std::memory_order_relaxed);
    const std::int64_t t = top_.load(std::memory_order_acquire);
    array* a = array_.load(std::memory_order_relaxed);
    if (b - t > a->mask) a = grow(static_cast<std::size_t>(a->mask + 1) * 2, t, b);
    a->at(b).store(value, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    bottom_.store(b + 1, std::memory_order_relaxed);
  }
  bool pop(std::uint64_t& value) {
    const std::int64_t b = bottom_.load(std::memory_order_relaxed) - 1;
    array* a = array_.load(std::memory_order_relaxed);
    bottom_.store(b, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    std::int64_t t = top_.load(std::memory_order_relaxed);
    if (t > b) {
      bottom_.store(b + 1, std::memory_order_relaxed);
      return false;
    }
    value = a->at(b).load(std::memory_order_relaxed);
    if (t != b) return true;
    const bool won = top_.compare_exchange_strong(t, t + 1, std::memory_order_seq_cst, std::memory_order_relaxed);
    bottom_.store(b + 1, std::memory_order_relaxed);
    return won;
  }
  bool steal(std::uint64_t& value) {
    std::int64_t t = top_.load(std::memory_order_acquire);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const std::int64_t b = bottom_.load(std::memory_order_acquire);
    if (t >= b) return false;
    array* a = array_.load(std::memory_order_acquire);
    value = a->at(t).load(std::memory_order_relaxed);
    return top_.compare_exchange_strong(t, t + 1, std::memory_order_seq_cst, std::memory_order_relaxed);
  }

 private:
  struct array {
    std::int64_t mask;
    std::unique_ptr<std::atomic<std::uint64_t>[]> slots;
    std::atomic<std::uint64_t>& at(std::int64_t i) { return slots[static_cast<std::size_t>(i & mask)]; }
  };
  array* grow(std::size_t size, std::int64_t t, std::int64_t b) {
    auto larger = std::make_unique<array>();
    larger->mask = static_cast<std::int64_t>(size) - 1;
    larger->slots = std::make_unique<std::atomic<std::uint64_t>[]>(size);
    array* old = array_.load(std::memory_order_relaxed);
    for (std::int64_t i = t; i < b; ++i)
      larger->at(i).store(old->at(i).load(std::memory_order_relaxed), std::memory_order_relaxed);
    all_.push_back(std::move(larger));
    array_.store(all_.back().get(), std::memory_order_release);
    return all_.back().get();
  }

  alignas(128) std::atomic<std::int64_t> top_{0};
  alignas(128) std::atomic<std::int64_t> bottom_{0};
  alignas(128) std::atomic<array*> array_{nullptr};
  std::vector<std::unique_ptr<array>> all_;
};
