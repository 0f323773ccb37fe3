#include "workload.hpp"

#include <memory>

namespace {
// An aliasing std::shared_ptr to the first byte, and a size.
struct piece {
  std::shared_ptr<std::byte[]> at;
  std::size_t size;
};
struct with_shared_ptr {
  static piece make(std::size_t size) { return {std::make_shared_for_overwrite<std::byte[]>(size), size}; }
  static piece slice(const piece& p, std::size_t offset, std::size_t size) {
    return {std::shared_ptr<std::byte[]>(p.at, p.at.get() + offset), size};
  }
  static std::byte* data(const piece& p) { return p.at.get(); }
};
}  // namespace

BENCH_CONTENDER("std::shared_ptr<byte[]>, aliasing") { return messages(settings, with_shared_ptr{}); }
