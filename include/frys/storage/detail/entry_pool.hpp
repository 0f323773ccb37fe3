// entry_pool: memory for table entries of many sizes: size classes with free lists, carved from chunks of pages.
//
// Threads   one at a time.
// Cost      allocate and release: a list pop and a list push; a chunk from the page source now and then. Sizes above
//           16 KiB come from the page source one by one.
// Limits    memory freed in one size class serves that class only; chunks go back when the pool dies or is cleared.
#ifndef FRYS_STORAGE_DETAIL_ENTRY_POOL_HPP
#define FRYS_STORAGE_DETAIL_ENTRY_POOL_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>

#include "../../config.hpp"
#include "../../core/bytes.hpp"
#include "../../core/concepts.hpp"
#include "../../core/error.hpp"
#include "../../core/result.hpp"

namespace frys::inline FRYS_ABI::detail {

template <page_source Pages>
class entry_pool {
 public:
  static constexpr std::size_t line = 64;            // what allocate_line answers
  static constexpr std::size_t largest = 16 * 1024;  // above: pages of their own

  explicit entry_pool(std::size_t limit) noexcept : limit_(limit) {}
  entry_pool(const entry_pool&) = delete;
  entry_pool& operator=(const entry_pool&) = delete;
  ~entry_pool() { clear(); }

  // Memory of `size` bytes, aligned to 16; nullptr when the page source or the limit refuses (see why()).
  void* allocate(std::size_t size) noexcept {
    if (size > largest) [[unlikely]]
      return allocate_large(size);
    const unsigned c = class_of(size);
    const std::size_t rounded = size_of(c);
    void* memory = pop(classes_[c]);
    if (memory == nullptr) memory = carve(rounded, 16);
    if (memory != nullptr) in_use_ += rounded;
    return memory;
  }
  void release(void* memory, std::size_t size) noexcept {
    if (size > largest) [[unlikely]] {
      std::byte* start = static_cast<std::byte*>(memory) - large_header;
      release_pages({start, reinterpret_cast<const chunk*>(start)->size});
      return;
    }
    const unsigned c = class_of(size);
    in_use_ -= size_of(c);
    push(classes_[c], memory);
  }

  // One cache line.
  void* allocate_line() noexcept {
    void* memory = pop(lines_);
    if (memory == nullptr) memory = carve(line, line);
    if (memory != nullptr) in_use_ += line;
    return memory;
  }
  void release_line(void* memory) noexcept {
    in_use_ -= line;
    push(lines_, memory);
  }

  // Zeroed pages of at least `size` bytes, counted against the limit; empty when refused. Give back what was answered.
  byte_span allocate_pages(std::size_t size) noexcept {
    const byte_span pages = take_pages(size);
    in_use_ += pages.size();
    return pages;
  }
  void release_pages(byte_span pages) noexcept {
    in_use_ -= pages.size();
    give_pages(pages);
  }

  // Gives all chunks back. Whatever lives in them is gone; release pages and entries above `largest` before.
  void clear() noexcept {
    while (chunks_ != nullptr) {
      chunk* next = chunks_->next;
      give_pages({reinterpret_cast<std::byte*>(chunks_), chunks_->size});
      chunks_ = next;
    }
    for (node*& list : classes_) list = nullptr;
    lines_ = nullptr;
    bump_ = end_ = nullptr;
    next_chunk_ = first_chunk;
    in_use_ = 0;
  }

  [[nodiscard]] std::size_t in_use() const noexcept { return in_use_; }
  [[nodiscard]] std::size_t held() const noexcept { return held_; }
  [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
  // Why the last allocation was refused.
  [[nodiscard]] error why() const noexcept { return why_; }

 private:
  struct node {
    node* next;
  };
  struct chunk {
    chunk* next;
    std::size_t size;  // what the page source answered
  };
  static constexpr std::size_t page = 4096;
  static constexpr std::size_t large_header = 16;  // keeps the alignment; holds a chunk, whose `next` is not used
  static constexpr std::size_t first_chunk = 16 * 1024, last_chunk = 1024 * 1024;
  static constexpr unsigned small_classes = 32;  // 16, 32 ... 512; then four per power of two
  static constexpr unsigned class_count = small_classes + 5 * 4;

  static constexpr std::size_t whole_pages(std::size_t size) noexcept { return (size + page - 1) & ~(page - 1); }
  static constexpr unsigned class_of(std::size_t size) noexcept {
    if (size <= 512) return static_cast<unsigned>((size + 15) / 16 - (size != 0));
    const unsigned e = static_cast<unsigned>(std::bit_width(size - 1));  // size lies in (2^(e-1), 2^e]
    const std::size_t quarter = (size - 1 - (std::size_t{1} << (e - 1))) >> (e - 3);
    return small_classes + (e - 10) * 4 + static_cast<unsigned>(quarter);
  }
  static constexpr std::size_t size_of(unsigned c) noexcept {
    if (c < small_classes) return (std::size_t{c} + 1) * 16;
    const unsigned e = (c - small_classes) / 4 + 10;
    return (std::size_t{1} << (e - 1)) + ((c - small_classes) % 4 + 1) * (std::size_t{1} << (e - 3));
  }

  static void* pop(node*& list) noexcept {
    node* first = list;
    if (first != nullptr) list = first->next;
    return first;
  }
  static void push(node*& list, void* memory) noexcept { list = ::new (memory) node{list}; }

  FRYS_NOINLINE void* allocate_large(std::size_t size) noexcept {
    const byte_span pages = allocate_pages(whole_pages(size + large_header));
    if (pages.empty()) return nullptr;
    ::new (static_cast<void*>(pages.data())) chunk{nullptr, pages.size()};
    return pages.data() + large_header;
  }
  void* carve(std::size_t size, std::size_t alignment) noexcept {
    for (;;) {
      const std::size_t skip = (alignment - reinterpret_cast<std::uintptr_t>(bump_) % alignment) % alignment;
      if (static_cast<std::size_t>(end_ - bump_) >= skip + size) {
        std::byte* memory = bump_ + skip;
        bump_ = memory + size;
        return memory;
      }
      if (!add_chunk(size)) return nullptr;
    }
  }
  // The rest of the chunk before is left behind: at most one entry's size.
  FRYS_NOINLINE bool add_chunk(std::size_t wanted) noexcept {
    const std::size_t least = whole_pages(wanted + line);
    std::size_t size = next_chunk_ > least ? next_chunk_ : least;
    if (limit_ != 0 && held_ + size > limit_) size = least;  // the last chunks before the limit are small
    const byte_span pages = take_pages(size);
    if (pages.empty()) return false;
    chunks_ = ::new (static_cast<void*>(pages.data())) chunk{chunks_, pages.size()};
    bump_ = pages.data() + line;
    end_ = pages.data() + pages.size();
    if (next_chunk_ < last_chunk) next_chunk_ *= 2;
    return true;
  }
  byte_span take_pages(std::size_t size) noexcept {
    if (limit_ != 0 && (size > limit_ || held_ > limit_ - size)) {
      why_ = {errc::limit_exceeded, domain::storage, "the table's memory limit is reached",
              static_cast<std::int64_t>(limit_)};
      return {};
    }
    result<byte_span> pages = Pages::allocate(size);
    if (!pages) {
      why_ = pages.error();
      return {};
    }
    held_ += pages->size();
    return *pages;
  }
  void give_pages(byte_span pages) noexcept {
    held_ -= pages.size();
    Pages::release(pages);
  }

  node* classes_[class_count] = {};
  node* lines_ = nullptr;
  chunk* chunks_ = nullptr;
  std::byte* bump_ = nullptr;
  std::byte* end_ = nullptr;
  std::size_t next_chunk_ = first_chunk;
  std::size_t in_use_ = 0;
  std::size_t held_ = 0;
  std::size_t limit_;
  error why_{errc::out_of_memory, domain::storage, "the page source refused", 0};
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_STORAGE_DETAIL_ENTRY_POOL_HPP
