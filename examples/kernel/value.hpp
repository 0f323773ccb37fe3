// value: what a key holds: a string or a vector set, and when it expires. 32 bytes, no allocation for strings of up
// to 23.
//
// Memory  a longer string is one block of frys' heap with room to grow; its size counts in heap_bytes().
#ifndef FRYS_KERNEL_VALUE_HPP
#define FRYS_KERNEL_VALUE_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <frys/memory/process_heap.hpp>

#include "vector_set.hpp"

namespace kernel {

class value {
 public:
  static constexpr std::size_t max_string = std::size_t{512} << 20;

  value() noexcept = default;
  value(value&& other) noexcept { take(other); }
  value& operator=(value&& other) noexcept {
    if (this != &other) {
      release();
      take(other);
    }
    return *this;
  }
  ~value() { release(); }

  [[nodiscard]] bool is_string() const noexcept { return tag() != tag_vectors; }
  [[nodiscard]] vector_set* vectors() noexcept { return is_string() ? nullptr : load<vector_set*>(); }
  // Only of a string; good until the value changes.
  [[nodiscard]] std::string_view text() const noexcept {
    if (tag() <= inline_size) return {raw_, tag()};
    const heap_text heap = load<heap_text>();
    return {heap.data, heap.size};
  }
  [[nodiscard]] std::size_t heap_bytes() const noexcept {
    return tag() <= inline_size ? 0 : tag() == tag_heap ? load<heap_text>().capacity : load<vector_set*>()->bytes();
  }

  // Becomes this string. False: out of memory, or longer than max_string; nothing changed.
  [[nodiscard]] bool assign(std::string_view text) noexcept {
    if (text.size() <= inline_size) {
      char copy[inline_size];  // text may be our own
      if (!text.empty()) std::memcpy(copy, text.data(), text.size());
      release();
      std::memcpy(raw_, copy, text.size());
      set_tag(static_cast<std::uint8_t>(text.size()));
      return true;
    }
    if (tag() == tag_heap) {
      heap_text heap = load<heap_text>();
      if (text.size() <= heap.capacity && text.size() >= heap.capacity / 4) {
        std::memmove(heap.data, text.data(), text.size());
        heap.size = static_cast<std::uint32_t>(text.size());
        keep(heap, tag_heap);
        return true;
      }
    }
    if (text.size() > max_string) return false;
    const heap_text heap = allocate(text.size());
    if (heap.data == nullptr) return false;
    join(heap, {}, text);
    return true;
  }
  // Adds to the string. False: out of memory, or longer than max_string; nothing changed. `more` is not our own text.
  [[nodiscard]] bool append(std::string_view more) noexcept {
    const std::string_view now = text();
    if (more.size() > max_string - now.size()) return false;
    const std::size_t size = now.size() + more.size();
    if (size <= inline_size) {
      if (!more.empty()) std::memcpy(raw_ + now.size(), more.data(), more.size());
      set_tag(static_cast<std::uint8_t>(size));
      return true;
    }
    if (tag() == tag_heap) {
      heap_text heap = load<heap_text>();
      if (size <= heap.capacity) {
        if (!more.empty()) std::memcpy(heap.data + heap.size, more.data(), more.size());
        heap.size = static_cast<std::uint32_t>(size);
        keep(heap, tag_heap);
        return true;
      }
    }
    const std::size_t spare = (std::min)(size, std::size_t{1} << 20);
    const heap_text heap = allocate(size + spare);
    if (heap.data == nullptr) return false;
    join(heap, now, more);
    return true;
  }
  // Becomes a vector set; takes it over.
  void assign(vector_set* vectors) noexcept {
    release();
    keep(vectors, tag_vectors);
  }

  std::int64_t expire_at_ms = 0;  // since 1970; 0: never
  [[nodiscard]] bool is_expired(std::int64_t now_ms) const noexcept {
    return expire_at_ms != 0 && expire_at_ms <= now_ms;
  }

 private:
  static constexpr std::size_t inline_size = 23;
  static constexpr std::uint8_t tag_heap = 254, tag_vectors = 255;  // else: the size of an inline string
  struct heap_text {
    char* data;
    std::uint32_t size;
    std::uint32_t capacity;
  };

  std::uint8_t tag() const noexcept { return static_cast<std::uint8_t>(raw_[inline_size]); }
  void set_tag(std::uint8_t tag) noexcept { raw_[inline_size] = static_cast<char>(tag); }
  template <class T>
  T load() const noexcept {
    T out;
    std::memcpy(&out, raw_, sizeof out);
    return out;
  }
  template <class T>
  void keep(const T& in, std::uint8_t tag) noexcept {
    std::memcpy(raw_, &in, sizeof in);
    set_tag(tag);
  }
  static heap_text allocate(std::size_t size) noexcept {
    void* const block = frys::process_heap::try_allocate(size);
    if (block == nullptr) return {nullptr, 0, 0};
    const std::size_t usable = frys::process_heap::usable_size(block);
    return {static_cast<char*>(block), 0, static_cast<std::uint32_t>((std::min)(usable, std::size_t{0xffffffff}))};
  }
  // `front` may be our own text: it is read before we let go of it.
  void join(heap_text heap, std::string_view front, std::string_view back) noexcept {
    if (!front.empty()) std::memcpy(heap.data, front.data(), front.size());
    if (!back.empty()) std::memcpy(heap.data + front.size(), back.data(), back.size());
    heap.size = static_cast<std::uint32_t>(front.size() + back.size());
    release();
    keep(heap, tag_heap);
  }
  void release() noexcept {
    if (tag() > inline_size) [[unlikely]] {
      if (tag() == tag_heap)
        frys::process_heap::deallocate(load<heap_text>().data);
      else
        delete load<vector_set*>();
    }
    set_tag(0);
  }
  void take(value& other) noexcept {
    expire_at_ms = other.expire_at_ms;
    std::memcpy(raw_, other.raw_, sizeof raw_);
    other.set_tag(0);
  }

  // Text of up to inline_size characters, or a heap_text, or a vector_set*; the last byte is the tag.
  alignas(8) char raw_[inline_size + 1] = {};
};
static_assert(sizeof(value) == 32);

}  // namespace kernel

#endif  // FRYS_KERNEL_VALUE_HPP
