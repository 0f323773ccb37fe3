#include "workload.hpp"

#include <cstddef>
#include <vector>

namespace {
// Nothing is shared: every slice and every copy has bytes of its own.
struct with_copies {
  static std::vector<std::byte> make(std::size_t size) { return std::vector<std::byte>(size); }
  static std::vector<std::byte> slice(const std::vector<std::byte>& v, std::size_t offset, std::size_t size) {
    const auto first = v.begin() + static_cast<std::ptrdiff_t>(offset);
    return {first, first + static_cast<std::ptrdiff_t>(size)};
  }
  static std::byte* data(std::vector<std::byte>& v) { return v.data(); }
};
}  // namespace

BENCH_CONTENDER("std::vector, copied") { return messages(settings, with_copies{}); }
