#include "workload.hpp"

#include <frys/memory/buffer.hpp>

namespace {
struct with_buffer {
  static frys::buffer make(std::size_t size) { return *frys::buffer::allocate(size); }
  static frys::buffer slice(const frys::buffer& b, std::size_t offset, std::size_t size) {
    return b.slice(offset, size);
  }
  static std::byte* data(const frys::buffer& b) { return b.data(); }
};
}  // namespace

BENCH_CONTENDER("frys") { return messages(settings, with_buffer{}); }
