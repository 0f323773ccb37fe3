#include "workload.hpp"

#include <frys/memory/intrusive_ptr.hpp>

namespace {
struct object : frys::ref_counted<object> {
  explicit object(std::size_t n) noexcept : number(n) {}
  std::size_t number;
};
}  // namespace

BENCH_CONTENDER("frys") {
  return share(settings, [](std::size_t n) { return *frys::make_intrusive<object>(n); });
}
