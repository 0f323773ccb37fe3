// An owner on one core, a thief on another. `shared`: the owner pushes 64 and pops what it can of 64, the thief steals
// all the while; ns per value, and how many of them were stolen. `handed`: the owner only pushes, the thief takes all.
#pragma once
#include "../common.hpp"

// Deque: owner() answers push(value), false for "no room now", pop(value) and share(); thief() answers steal(sum,
// count), which adds what it got, false for nothing.
template <class Deque>
bench::outcome measure(const bench::settings& settings) {
  const std::uint64_t n = settings.scaled(6'400'000) / 64 * 64;
  std::uint64_t stolen = 0;
  const auto run = [&](bool pops) {
    auto deque = std::make_unique<Deque>();
    std::atomic<std::uint64_t> sum{0}, stolen_now{0};
    std::atomic<bool> done{false};
    const double time = bench::on_threads(2, [&](unsigned me) {
      std::uint64_t my_sum = 0, my_count = 0;
      if (me == 0) {
        auto owner = deque->owner();
        for (std::uint64_t i = 0; i < n; i += 64) {
          for (std::uint64_t j = 1; j <= 64; ++j)
            for (patience p; !owner.push(i + j); p.wait()) {
            }
          std::uint64_t v = 0;
          for (int j = 0; pops && j < 64 && owner.pop(v); ++j) my_sum += v;
        }
        owner.share();
        std::uint64_t v = 0;
        while (pops && owner.pop(v)) my_sum += v;
        if (pops) done.store(true, std::memory_order_release);
      } else {
        auto thief = deque->thief();
        patience p;
        while (pops ? !done.load(std::memory_order_acquire) : my_count != n) {
          if (thief.steal(my_sum, my_count))
            p = {};
          else
            p.wait();
        }
        while (thief.steal(my_sum, my_count)) {
        }
        stolen_now = my_count;
      }
      sum += my_sum;
    });
    bench::check(sum.load() == n * (n + 1) / 2, "the sum");
    stolen = stolen_now.load();
    return time / static_cast<double>(n);
  };
  const double handed = run(false);
  const double shared = run(true);
  const double part = 100.0 * static_cast<double>(stolen) / static_cast<double>(n);
  return {2.0 * static_cast<double>(n),
          {{"shared", "ns", bench::better::lower, shared},
           {"stolen_of_shared", "%", bench::better::higher, part},
           {"handed", "ns", bench::better::lower, handed}}};
}
