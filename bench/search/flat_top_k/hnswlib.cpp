#include "workload.hpp"

#if __has_include(<hnswlib/hnswlib.h>)
#if defined(__x86_64__)
#pragma GCC target("avx2,fma")
#endif
#include <hnswlib/hnswlib.h>

#include <memory>

BENCH_CONTENDER("hnswlib brute force") {
  static hnswlib::L2Space space(data::dimension);
  static std::unique_ptr<hnswlib::BruteforceSearch<float>> index;
  if (!index) {
    index = std::make_unique<hnswlib::BruteforceSearch<float>>(&space, data::count);
    for (std::size_t i = 0; i < data::count; ++i) index->addPoint(the_data().row(i).data(), i);
  }
  return queries(settings, [](std::span<const float> q) {
    auto heap = index->searchKnn(q.data(), data::k);
    std::vector<std::uint64_t> ids;
    for (; !heap.empty(); heap.pop()) ids.insert(ids.begin(), heap.top().second);
    return ids;
  });
}
#else
BENCH_MISSING("hnswlib brute force", "libhnswlib-dev")
#endif
