// line_groups: the memory of a hash table of groups that are a line each. Its head; the groups lie behind it.
#ifndef FRYS_QUEUE_DETAIL_LINE_GROUPS_HPP
#define FRYS_QUEUE_DETAIL_LINE_GROUPS_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "../../config.hpp"
#include "../../core/bytes.hpp"
#include "../../core/result.hpp"

namespace frys::inline FRYS_ABI::detail {

// Group has `places`, how many entries it holds.
template <class Group, class Pages>
class line_groups {
 public:
  // With so many bytes, or as many as the source rounds them up to; nullptr when it refuses.
  static line_groups* make(std::size_t bytes) noexcept {
    if (bytes < head + sizeof(Group)) bytes = head + sizeof(Group);
    result<byte_span> memory = Pages::allocate(bytes);
    if (!memory) return nullptr;
    auto* made = std::construct_at(reinterpret_cast<line_groups*>(memory->data()), *memory);
    for (std::size_t i = 0; i < made->count_; ++i) std::construct_at(&(*made)[i]);
    return made;
  }
  static void drop(void* groups) noexcept {
    auto* g = static_cast<line_groups*>(groups);
    for (std::size_t i = 0; i < g->count_; ++i) std::destroy_at(&(*g)[i]);
    Pages::release(g->memory_);
  }
  explicit line_groups(byte_span memory) noexcept : memory_(memory), count_((memory.size() - head) / sizeof(Group)) {}

  [[nodiscard]] std::size_t bytes() const noexcept { return memory_.size(); }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  // How many entries; beyond, looks get long.
  [[nodiscard]] std::size_t most() const noexcept { return count_ * Group::places * 3 / 4; }

  Group& operator[](std::size_t i) noexcept {
    return std::launder(reinterpret_cast<Group*>(reinterpret_cast<std::byte*>(this) + head))[i];
  }
  const Group& operator[](std::size_t i) const noexcept {
    return std::launder(reinterpret_cast<const Group*>(reinterpret_cast<const std::byte*>(this) + head))[i];
  }
  [[nodiscard]] std::size_t home_of(std::uint64_t hash) const noexcept {
    return static_cast<std::size_t>((hash & 0xffff'ffffu) * count_ >> 32);
  }
  [[nodiscard]] std::size_t after(std::size_t i) const noexcept { return i + 1 == count_ ? 0 : i + 1; }

 private:
  static constexpr std::size_t head = 64;
  byte_span memory_;
  std::size_t count_;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_LINE_GROUPS_HPP
