#include "workload.hpp"

#include <frys/memory/intrusive_ptr.hpp>

namespace {
struct object : frys::ref_counted<object, frys::policy::count<frys::counts::local>> {
  explicit object(std::size_t n) noexcept : number(n) {}
  std::size_t number;
};
}  // namespace

BENCH_CONTENDER("frys, counts::local") {
  return share<false>(settings, [](std::size_t n) { return *frys::make_intrusive<object>(n); });
}
