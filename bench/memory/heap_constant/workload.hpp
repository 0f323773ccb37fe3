// `new` and `delete` of an object of 64 bytes, a size that the compiler knows: ns of CPU time per pair. A heap that is
// a header is inlined, and told the size again at the release; the malloc of a library is called.
#pragma once
#include <cstdint>

#include "../adapters/heaps.hpp"

struct constant_object {
  std::uint64_t value;
  std::uint64_t rest[7];
};

// Heap: constant_object* make() and void drop(constant_object*).
template <class Heap>
bench::outcome make_and_drop(const bench::settings& settings, Heap heap) {
  const std::size_t n = settings.scaled(10'000'000);
  std::uint64_t got = 0;
  const double start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < n; ++i) {
    constant_object* p = heap.make();
    p->value = i;
    bench::keep(p);
    got += p->value;
    heap.drop(p);
  }
  const double time = bench::thread_cpu_ns() - start;
  bench::check(got == n * (n - 1) / 2, "the sum of the values");
  const double ops = static_cast<double>(n);
  return {ops, {{"make_and_drop", "ns", bench::better::lower, time / ops}}};
}

inline bench::outcome measure(const bench::settings& settings, heap_functions heap) {
  struct called {
    heap_functions h;
    constant_object* make() { return static_cast<constant_object*>(h.allocate(sizeof(constant_object))); }
    void drop(constant_object* p) { h.release(p); }
  };
  return make_and_drop(settings, called{heap});
}
