// One thread allocates blocks of 64 bytes, another on the other core frees them; they pass through a ring. `block` is
// wall time where both spin while they wait; `block_cpu` is the CPU time of both where they sleep instead.
#pragma once
#include <sched.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>

#include "../../queue/common.hpp"
#include "../adapters/heaps.hpp"

struct block_ring {
  static constexpr std::size_t places = 4096;
  std::array<std::atomic<std::uint64_t*>, places> cells{};

  // Wait() is called while the cell is full, or empty.
  template <class Wait>
  void push(std::size_t i, std::uint64_t* p, Wait wait) {
    auto& cell = cells[i % places];
    while (cell.load(std::memory_order_acquire) != nullptr) wait();
    cell.store(p, std::memory_order_release);
  }
  template <class Wait>
  std::uint64_t* pop(std::size_t i, Wait wait) {
    auto& cell = cells[i % places];
    std::uint64_t* p = nullptr;
    while ((p = cell.load(std::memory_order_acquire)) == nullptr) wait();
    cell.store(nullptr, std::memory_order_release);
    return p;
  }
};

struct cross_times {
  double wall = 0, cpu = 0;
};

template <class Wait>
cross_times hand_over(const bench::settings& settings, heap_functions heap, Wait wait) {
  const std::size_t n = settings.scaled(2'000'000);
  const auto ring = std::make_unique<block_ring>();
  std::uint64_t got = 0;
  std::array<double, 2> cpu{};
  const double wall = bench::on_threads(2, [&](unsigned core) {
    const double start = bench::thread_cpu_ns();
    if (core == 0) {
      for (std::size_t i = 0; i < n; ++i) {
        auto* p = static_cast<std::uint64_t*>(heap.allocate(64));
        *p = i;
        ring->push(i, p, wait);
      }
    } else {
      std::uint64_t sum = 0;
      for (std::size_t i = 0; i < n; ++i) {
        std::uint64_t* p = ring->pop(i, wait);
        sum += *p;
        heap.release(p);
      }
      got = sum;
    }
    cpu[core] = bench::thread_cpu_ns() - start;
  });
  bench::check(got == n * (n - 1) / 2, "the sum of the first words");
  return {wall / static_cast<double>(n), (cpu[0] + cpu[1]) / static_cast<double>(n)};
}

inline bench::outcome measure(const bench::settings& settings, heap_functions heap) {
  const cross_times spinning = hand_over(settings, heap, [] { pause_core(); });
  const cross_times sleeping =
      hand_over(settings, heap, [] { std::this_thread::sleep_for(std::chrono::microseconds(20)); });
  return {
      0,
      {{"block", "ns", bench::better::lower, spinning.wall}, {"block_cpu", "ns", bench::better::lower, sleeping.cpu}}};
}
