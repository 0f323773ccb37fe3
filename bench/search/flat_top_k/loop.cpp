#include "workload.hpp"

BENCH_CONTENDER("loop") {
  return queries(settings, [](std::span<const float> q) {
    std::vector<std::pair<float, std::uint64_t>> all;
    for (std::size_t i = 0; i < data::count; ++i) {
      const float* row = the_data().row(i).data();
      float s = 0;
      for (std::size_t d = 0; d < data::dimension; ++d) s += (row[d] - q[d]) * (row[d] - q[d]);
      all.emplace_back(s, i);
    }
    std::partial_sort(all.begin(), all.begin() + data::k, all.end());
    std::vector<std::uint64_t> ids;
    for (std::size_t i = 0; i < data::k; ++i) ids.push_back(all[i].second);
    return ids;
  });
}
