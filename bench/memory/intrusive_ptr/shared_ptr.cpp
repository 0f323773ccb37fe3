#include "workload.hpp"

#include <memory>

namespace {
struct object {
  explicit object(std::size_t n) noexcept : number(n) {}
  std::size_t number;
};
}  // namespace

BENCH_CONTENDER("std::shared_ptr") {
  return share(settings, [](std::size_t n) { return std::make_shared<object>(n); });
}
