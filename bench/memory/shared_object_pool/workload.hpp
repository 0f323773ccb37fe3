// Objects of 64 bytes and two threads. hand_over: one thread makes them, the other reads and ends them, through a ring.
// own: each thread makes and ends its own, 64 live at a time, at random. CPU time of both threads per object.
#pragma once
#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "harness.hpp"

#include <frys/queue/spsc_ring.hpp>

struct particle {
  explicit particle(std::uint64_t v) : value(v) {}
  std::uint64_t value;
  std::uint64_t rest[7]{};
};

// Pool has a type seat(Pool&) with particle* make(v) and void drop(particle*).
template <class Pool>
bench::outcome measure(const bench::settings& settings) {
  const std::size_t n = settings.scaled(2'000'000);
  const auto lower = bench::better::lower;
  std::vector<bench::measure> rows;
  {
    Pool pool;
    auto ring = std::make_unique<frys::spsc_ring<particle*, frys::policy::capacity<1024>>>();
    std::uint64_t got = 0;
    const double start = bench::process_cpu_ns();
    bench::on_threads(2, [&](unsigned core) {
      typename Pool::seat seat(pool);
      for (std::size_t i = 0; i < n; ++i) {
        if (core == 0) {
          particle* const p = seat.make(i);
          while (!ring->try_push(p)) std::this_thread::yield();
        } else {
          for (;;) {
            if (auto p = ring->try_pop()) {
              got += (*p)->value;
              seat.drop(*p);
              break;
            }
            std::this_thread::yield();
          }
        }
      }
    });
    bench::check(got == std::uint64_t{n} * (n - 1) / 2, "the sum of the values");
    rows.push_back({"hand_over", "ns", lower, (bench::process_cpu_ns() - start) / static_cast<double>(n)});
  }
  {
    Pool pool;
    std::array<std::uint64_t, 2> left{};
    const double start = bench::process_cpu_ns();
    bench::on_threads(2, [&](unsigned core) {
      typename Pool::seat seat(pool);
      std::array<particle*, 64> live{};
      std::uint64_t x = core + 1, balance = 0;
      for (auto& p : live) p = seat.make(1), ++balance;
      for (std::size_t i = 0; i < n; ++i) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        particle*& p = live[x >> 58];
        balance -= p->value;
        seat.drop(p);
        p = seat.make(1);
        ++balance;
      }
      for (auto& p : live) balance -= p->value, seat.drop(p);
      left[core] = balance;
    });
    bench::check(left[0] == 0 && left[1] == 0, "each object was there");
    rows.push_back({"own", "ns", lower, (bench::process_cpu_ns() - start) / static_cast<double>(2 * n)});
  }
  return {0, rows};
}
