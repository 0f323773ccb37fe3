// The same under a lock; the reader keeps its own place, so that there could be several.
#pragma once
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "workload.hpp"

template <class Mutex, class ReadLock>
struct locked_stream {
  static constexpr std::size_t capacity = 1024;
  Mutex m;
  std::vector<std::uint64_t> ring = std::vector<std::uint64_t>(capacity);
  std::uint64_t tail = 0;
  std::atomic<std::uint64_t> next{0};  // written by the reader while it shares the lock

  bool try_push(std::uint64_t v) {
    const std::lock_guard lock(m);
    if (tail - next.load(std::memory_order_relaxed) == capacity) return false;
    ring[tail++ % capacity] = v;
    return true;
  }
  bool try_pop(std::uint64_t& v) {
    const ReadLock lock(m);
    const std::uint64_t at = next.load(std::memory_order_relaxed);
    if (at == tail) return false;
    v = ring[at % capacity];
    next.store(at + 1, std::memory_order_relaxed);
    return true;
  }
  template <class F>
  std::size_t write(std::size_t most, F f) {
    const std::lock_guard lock(m);
    const std::size_t at = tail % capacity;
    const std::size_t room = capacity - static_cast<std::size_t>(tail - next.load(std::memory_order_relaxed));
    const std::size_t n = (std::min)({most, room, capacity - at});
    f(std::span<std::uint64_t>(ring.data() + at, n));
    tail += n;
    return n;
  }
  template <class F>
  std::size_t read(std::size_t most, F f) {
    const ReadLock lock(m);
    const std::uint64_t now = next.load(std::memory_order_relaxed);
    const std::size_t at = now % capacity;
    const std::size_t n = (std::min)({most, static_cast<std::size_t>(tail - now), capacity - at});
    f(std::span<const std::uint64_t>(ring.data() + at, n));
    next.store(now + n, std::memory_order_relaxed);
    return n;
  }
};
