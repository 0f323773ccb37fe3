#include "workload.hpp"

#include <algorithm>

BENCH_CONTENDER("std::find") {
  return find(settings, [](const char* p, std::size_t n, char c) {
    return static_cast<std::size_t>(std::find(p, p + n, c) - p);
  });
}
