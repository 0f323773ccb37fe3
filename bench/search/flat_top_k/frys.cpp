#include "workload.hpp"

#include <frys/search/flat_index.hpp>

#include <optional>

BENCH_CONTENDER("frys") {
  static std::optional<frys::flat_index<frys::metrics::l2>> index;
  if (!index) {
    index.emplace(data::dimension);
    for (std::size_t i = 0; i < data::count; ++i) (void)index->add(i, the_data().row(i));
  }
  return queries(settings, [](std::span<const float> q) {
    frys::neighbour out[data::k];
    const auto got = index->top_k(q, data::k, out);
    std::vector<std::uint64_t> ids;
    for (std::size_t i = 0; i < (got ? *got : 0); ++i) ids.push_back(out[i].id);
    return ids;
  });
}
