// slot_table: objects that never move, found by a number; a number of an object that is gone is recognised.
//
// The kernel hands a number back long after it was given; a pointer might by then be somebody else's.
#ifndef FRYS_IO_DETAIL_SLOT_TABLE_HPP
#define FRYS_IO_DETAIL_SLOT_TABLE_HPP

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "../../config.hpp"

namespace frys::inline FRYS_ABI::detail {

// T has members `std::uint32_t index, generation` and `bool live`, and a reset().
template <class T>
class slot_table {
 public:
  static constexpr std::uint32_t chunk = 64;

  // nullptr without memory.
  T* acquire() noexcept {
    if (free_ == none && !grow()) return nullptr;
    T& t = at(free_);
    free_ = t.next_free;
    t.live = true;
    ++live_;
    return &t;
  }
  void release(T& t) noexcept {
    t.reset();
    t.live = false;
    ++t.generation;
    t.next_free = free_;
    free_ = t.index;
    --live_;
  }
  static std::uint64_t number_of(const T& t) noexcept { return t.index | std::uint64_t{t.generation} << 32; }
  // nullptr for a number whose object is gone.
  T* find(std::uint64_t number) noexcept {
    const auto index = static_cast<std::uint32_t>(number);
    if (index >= size_) return nullptr;
    T& t = at(index);
    return t.live && t.generation == static_cast<std::uint32_t>(number >> 32) ? &t : nullptr;
  }
  [[nodiscard]] std::size_t live() const noexcept { return live_; }
  template <class F>
  void for_each_live(F&& f) {
    for (std::uint32_t i = 0; i < size_; ++i)
      if (at(i).live) f(at(i));
  }

  slot_table() = default;
  slot_table(const slot_table&) = delete;
  slot_table& operator=(const slot_table&) = delete;
  ~slot_table() {
    for (std::uint32_t i = 0; i < directory_; ++i) delete[] chunks_[i];
    delete[] chunks_;
  }

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  T& at(std::uint32_t i) noexcept { return chunks_[i / chunk][i % chunk]; }
  FRYS_NOINLINE bool grow() noexcept {
    if (directory_ == room_) {
      const std::uint32_t room = room_ == 0 ? 16 : room_ * 2;
      T** chunks = new (std::nothrow) T*[room];
      if (chunks == nullptr) return false;
      for (std::uint32_t i = 0; i < directory_; ++i) chunks[i] = chunks_[i];
      delete[] std::exchange(chunks_, chunks);
      room_ = room;
    }
    T* fresh = new (std::nothrow) T[chunk];
    if (fresh == nullptr) return false;
    chunks_[directory_++] = fresh;
    for (std::uint32_t i = chunk; i-- > 0;) {
      fresh[i].index = size_ + i;
      fresh[i].next_free = free_;
      free_ = size_ + i;
    }
    size_ += chunk;
    return true;
  }

  T** chunks_ = nullptr;
  std::uint32_t room_ = 0;
  std::uint32_t directory_ = 0;  // chunks there are
  std::uint32_t size_ = 0;       // slots there are
  std::uint32_t free_ = none;
  std::size_t live_ = 0;
};

// What slot_table needs in T.
struct slot_fields {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;
  std::uint32_t next_free = 0;
  bool live = false;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_IO_DETAIL_SLOT_TABLE_HPP
