// Quicksort of 4 million ints: a partition by the median of three, a fork for the two sides, std::sort from 1,024 down.
#pragma once
#include "sched/crew.hpp"

// Where the right side begins: everything left of it is <= everything right of it, and neither side is empty.
[[gnu::noinline]] inline int* split(int* first, int* last) {
  int* middle = first + (last - first) / 2;
  const int pivot = (std::max)((std::min)(*first, *middle), (std::min)((std::max)(*first, *middle), last[-1]));
  int *i = first - 1, *j = last;
  for (;;) {  // Hoare's
    do ++i;
    while (*i < pivot);
    do --j;
    while (pivot < *j);
    if (i >= j) return i == first ? first + 1 : i;
    std::swap(*i, *j);
  }
}

template <class Crew>
int quicksort(int* first, int* last) {
  if (last - first <= 1024) {
    std::sort(first, last);
    return 0;
  }
  int* const middle = split(first, last);
  Crew::both([=] { return quicksort<Crew>(first, middle); }, [=] { return quicksort<Crew>(middle, last); });
  return 0;
}

struct quicksort_work {
  std::vector<int> source, v;
  std::uint64_t sum = 0;
  explicit quicksort_work(std::size_t n) : source(n) {
    std::uint64_t x = 1;
    for (int& i : source) {
      x = x * 6364136223846793005u + 1442695040888963407u;
      i = static_cast<int>(x >> 33);
      sum += static_cast<std::uint64_t>(i);
    }
  }
  void prepare() { v = source; }
  template <class Crew>
  void run(Crew& crew) {
    if constexpr (requires { crew.quicksort(v.data(), v.data() + v.size()); })
      crew.quicksort(v.data(), v.data() + v.size());
    else
      crew.run([this] { quicksort<Crew>(v.data(), v.data() + v.size()); });
  }
  bool fine() const {
    std::uint64_t again = 0;
    for (const int i : v) again += static_cast<std::uint64_t>(i);
    return again == sum && std::is_sorted(v.begin(), v.end());
  }
};

template <class Crew>
bench::outcome measure(const bench::settings& s) {
  return on_crews<Crew>(s, quicksort_work(s.scaled(4'000'000)));
}
