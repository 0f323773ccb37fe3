// block_table: what an allocator knows of each of its blocks, by address, in pages of its own.
//
// Cost    O(1): a hash table with linear probing, at most three quarters full, without tombstones; twice as large is
//         filled again from scratch.
// Source  D. E. Knuth, The Art of Computer Programming 3, 6.4, algorithm R (deletion by moving back).
#ifndef FRYS_MEMORY_DETAIL_BLOCK_TABLE_HPP
#define FRYS_MEMORY_DETAIL_BLOCK_TABLE_HPP

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "../../config.hpp"
#include "../../core/bytes.hpp"
#include "../../core/hash.hpp"
#include "../../core/result.hpp"
#include "../pages.hpp"

namespace frys::inline FRYS_ABI::detail {

template <class Value, class Pages>
class block_table {
  static_assert(std::is_trivially_copyable_v<Value> && std::is_trivially_destructible_v<Value>);

 public:
  block_table() noexcept = default;
  block_table(const block_table&) = delete;
  block_table& operator=(const block_table&) = delete;
  ~block_table() { Pages::release(memory_); }

  // `block` stands not in it yet.
  result<void> insert(const void* block, const Value& value) noexcept {
    if ((count_ + 1) * 4 > room_ * 3) [[unlikely]] {
      result<void> grown = grow();
      if (!grown) return grown;
    }
    place(block, value);
    ++count_;
    return {};
  }
  Value* find(const void* block) noexcept {
    if (count_ == 0) return nullptr;
    for (std::size_t i = home(block);; i = next(i)) {
      if (entries_[i].block == block) return &entries_[i].value;
      if (entries_[i].block == nullptr) return nullptr;
    }
  }
  const Value* find(const void* block) const noexcept { return const_cast<block_table*>(this)->find(block); }
  // False: it was not there.
  bool erase(const void* block) noexcept {
    if (count_ == 0) return false;
    std::size_t hole = home(block);
    for (; entries_[hole].block != block; hole = next(hole))
      if (entries_[hole].block == nullptr) return false;
    // Who stands behind the hole, and could not be found past it, moves into it.
    for (std::size_t i = next(hole); entries_[i].block != nullptr; i = next(i)) {
      const std::size_t wanted = home(entries_[i].block);
      if (((i - wanted) & (room_ - 1)) >= ((i - hole) & (room_ - 1))) {
        entries_[hole] = entries_[i];
        hole = i;
      }
    }
    entries_[hole].block = nullptr;
    --count_;
    return true;
  }
  // f(block, value) for each, in no order; f changes no table.
  template <class F>
  void for_each(F&& f) {
    for (std::size_t i = 0; i < room_; ++i)
      if (entries_[i].block != nullptr) f(entries_[i].block, entries_[i].value);
  }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] std::size_t reserved() const noexcept { return memory_.size(); }

 private:
  struct entry {
    const void* block;
    Value value;
  };
  std::size_t home(const void* block) const noexcept {
    return static_cast<std::size_t>(hash_integer(reinterpret_cast<std::uintptr_t>(block))) & (room_ - 1);
  }
  std::size_t next(std::size_t i) const noexcept { return (i + 1) & (room_ - 1); }
  void place(const void* block, const Value& value) noexcept {
    std::size_t i = home(block);
    while (entries_[i].block != nullptr) i = next(i);
    entries_[i] = entry{block, value};
  }
  FRYS_NOINLINE result<void> grow() noexcept {
    const std::size_t room = room_ == 0 ? 64 : room_ * 2;
    result<byte_span> memory = Pages::allocate(room * sizeof(entry));  // zeroed: all are free
    if (!memory) return memory.error();
    entry* const old = entries_;
    const std::size_t old_room = room_;
    const byte_span old_memory = memory_;
    entries_ = reinterpret_cast<entry*>(memory->data());
    room_ = room;
    memory_ = *memory;
    for (std::size_t i = 0; i < old_room; ++i)
      if (old[i].block != nullptr) place(old[i].block, old[i].value);
    Pages::release(old_memory);
    return {};
  }

  entry* entries_ = nullptr;
  std::size_t room_ = 0;  // a power of two
  std::size_t count_ = 0;
  byte_span memory_;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_MEMORY_DETAIL_BLOCK_TABLE_HPP
