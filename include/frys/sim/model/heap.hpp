// heap: the memory that an execution hands out, and what became of it.
//
// Threads  one: this is one execution's state.
#ifndef FRYS_SIM_MODEL_HEAP_HPP
#define FRYS_SIM_MODEL_HEAP_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "../../config.hpp"
#include "memory.hpp"

namespace frys::inline FRYS_ABI::sim::model::detail {

struct heap_block {
  std::byte* start;
  std::size_t bytes;
  std::size_t alignment;
  bool is_free;
  unsigned freed_by;
  site where;

  [[nodiscard]] bool holds(const void* p) const noexcept {
    const auto* a = static_cast<const std::byte*>(p);
    return a >= start && a < start + bytes;
  }
};

// Addresses follow from the events alone: a bump allocator over chunks that stay, begun anew for each execution.
class heap {
 public:
  static constexpr std::size_t most_bytes = std::size_t{64} << 20;

  void reset() noexcept {
    blocks_.clear();
    chunk_ = 0;
    used_ = 0;
  }
  static constexpr std::size_t rounded(std::size_t bytes) noexcept { return (bytes + 15) / 16 * 16; }

  // What has been freed may come back, the youngest first: the caller asks for each that fits.
  [[nodiscard]] std::size_t count() const noexcept { return blocks_.size(); }
  heap_block& operator[](std::size_t i) noexcept { return blocks_[i]; }
  // nullptr when the heap is used up.
  void* take(std::size_t bytes, std::size_t alignment, site at) {
    const std::size_t aligned = (std::max)(alignment, std::size_t{16});
    std::byte* p = bump(bytes, aligned);
    if (p != nullptr) blocks_.push_back({p, bytes, aligned, false, most_threads, at});
    return p;
  }
  // The block that begins there, or nullptr.
  heap_block* find(const void* start) noexcept {
    for (heap_block& b : blocks_)
      if (b.start == start) return &b;
    return nullptr;
  }
  // The first one that nobody freed, or nullptr.
  [[nodiscard]] const heap_block* leaked() const noexcept {
    for (const heap_block& b : blocks_)
      if (!b.is_free) return &b;
    return nullptr;
  }

 private:
  static constexpr std::size_t chunk_bytes = std::size_t{1} << 20;

  std::byte* bump(std::size_t bytes, std::size_t alignment) {
    for (;; ++chunk_, used_ = 0) {
      if (chunk_ == chunks_.size()) {
        if (chunks_.size() * chunk_bytes >= most_bytes || bytes + alignment > chunk_bytes) return nullptr;
        chunks_.push_back(std::make_unique<std::byte[]>(chunk_bytes));
      }
      std::byte* base = chunks_[chunk_].get();
      const auto a = reinterpret_cast<std::uintptr_t>(base) + used_;
      const std::size_t gap = (alignment - a % alignment) % alignment;
      if (used_ + gap + bytes > chunk_bytes) continue;
      used_ += gap + bytes;
      return base + (used_ - bytes);
    }
  }

  std::vector<heap_block> blocks_;
  std::vector<std::unique_ptr<std::byte[]>> chunks_;
  std::size_t chunk_ = 0;
  std::size_t used_ = 0;
};

}  // namespace frys::inline FRYS_ABI::sim::model::detail

#endif  // FRYS_SIM_MODEL_HEAP_HPP
