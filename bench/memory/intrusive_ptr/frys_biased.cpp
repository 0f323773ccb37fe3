#include "workload.hpp"

#include <frys/memory/biased_ptr.hpp>

namespace {
struct object : frys::ref_counted<object, frys::policy::count<frys::counts::biased>> {
  explicit object(std::size_t n) noexcept : number(n) {}
  std::size_t number;
};
}  // namespace

BENCH_CONTENDER("frys, biased_ptr") {
  return share<false>(settings,
                      [](std::size_t n) { return frys::biased_ptr<object>(*frys::make_intrusive<object>(n)); });
}
