// The same under one lock: each side takes it, looks how far the others are, and works on up to 64 events inside.
#pragma once
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "workload.hpp"

template <class Mutex, class ReadLock>
struct locked_diamond {
  static constexpr std::size_t capacity = 1024;
  Mutex m;
  std::vector<std::uint64_t> ring = std::vector<std::uint64_t>(capacity);
  std::uint64_t tail = 0;
  std::atomic<std::uint64_t> first{0}, left{0}, right{0}, last{0};  // written by readers, who may share the lock

  std::size_t push_some(std::uint64_t next, std::size_t count) {
    const std::lock_guard lock(m);
    const std::size_t room = capacity - static_cast<std::size_t>(tail - last.load(std::memory_order_relaxed));
    const std::size_t n = (std::min)({count, room, capacity - static_cast<std::size_t>(tail % capacity)});
    for (std::size_t i = 0; i < n; ++i) ring[tail++ % capacity] = next++;
    return n;
  }
  template <class Limit, class F>
  std::size_t take(std::atomic<std::uint64_t>& place, Limit limit, F f) {
    const ReadLock lock(m);
    const std::uint64_t at = place.load(std::memory_order_relaxed);
    const std::size_t n = (std::min)(std::size_t{64}, static_cast<std::size_t>(limit() - at));
    for (std::size_t i = 0; i < n; ++i) f(ring[(at + i) % capacity]);
    place.store(at + n, std::memory_order_relaxed);
    return n;
  }
  std::size_t poll(stages& s) {
    const auto now = [](const std::atomic<std::uint64_t>& a) { return a.load(std::memory_order_relaxed); };
    (void)take(
        first, [&] { return tail; }, [&](std::uint64_t v) { s.on_first(v); });
    (void)take(
        left, [&] { return now(first); }, [&](std::uint64_t v) { s.on_left(v); });
    (void)take(
        right, [&] { return now(first); }, [&](std::uint64_t v) { s.on_right(v); });
    return take(
        last, [&] { return (std::min)(now(left), now(right)); }, [&](std::uint64_t v) { s.on_last(v); });
  }
};
