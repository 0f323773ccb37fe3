// Reads of a value of 32 bytes that seldom changes, ns per read: by one thread alone, by two threads, and while another
// core stores a new value each microsecond. A Cell has readers and writers: `auto r = cell.reader(); r.load()`.
#pragma once
#include "../common.hpp"

struct quad {
  std::uint64_t a = 0, b = 0, c = 0, d = 0;
};

template <class Cell>
bench::outcome measure(const bench::settings& settings) {
  const std::size_t n = settings.scaled(2'000'000);
  const auto cell = std::make_unique<Cell>();
  std::atomic<std::uint64_t> torn{0};
  const auto read = [&](std::size_t count) {
    auto reader = cell->reader();
    std::uint64_t bad = 0;
    const double begin = bench::now_ns();
    for (std::size_t i = 0; i < count; ++i) {
      const quad q = reader.load();
      bad |= (q.a ^ q.b) | (q.c ^ q.d) | (q.a ^ q.d);
    }
    const double took = bench::now_ns() - begin;
    torn += bad;
    return took / static_cast<double>(count);
  };
  double alone = 0, both[2] = {}, contended = 0;
  (void)bench::on_threads(1, [&](unsigned) { alone = read(n); });
  (void)bench::on_threads(2, [&](unsigned me) { both[me] = read(n); });
  std::atomic<bool> done{false};
  std::uint64_t stores = 0;
  (void)bench::on_threads(2, [&](unsigned me) {
    if (me == 0) {
      contended = read(n);
      done = true;
      return;
    }
    auto writer = cell->writer();
    for (double next = bench::now_ns(); !done.load(std::memory_order_relaxed);) {
      const double now = bench::now_ns();
      if (now < next) continue;
      next = now + 1000;
      const std::uint64_t v = ++stores;
      writer.store({v, v, v, v});
    }
  });
  bench::check(torn.load() == 0, "a value was torn");
  auto last = cell->reader();
  bench::check(last.load().a == stores, "the last value");
  return {0,
          {{"read alone", "ns", bench::better::lower, alone},
           {"read by two", "ns", bench::better::lower, (both[0] + both[1]) / 2},
           {"read under writes", "ns", bench::better::lower, contended}}};
}

// Readers and writers that are the cell itself.
template <class Cell>
struct direct {
  Cell* cell;
  quad load() const { return cell->load(); }
  void store(const quad& q) const { cell->store(q); }
};
