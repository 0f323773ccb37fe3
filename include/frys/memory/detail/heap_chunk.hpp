// heap_chunk: how a heap cuts the memory that it takes from its page source.
//
// A chunk   (4 MiB) begins at a multiple of its size and is cut into units (16 KiB, 256 of them); the first few hold
//           its header. A slab is a run of units cut into blocks of one size, a span a run that is one block.
// tags      one word for each unit: whose it is (the address of the owner's core) and what its blocks are (a class, in
//           the low bits). So a block's address is enough to find both: a mask, and one load.
// A large   block, of more than half a chunk, has a region of its own that begins with the same tags, and its bytes
//           where the units after the header would begin.
#ifndef FRYS_MEMORY_DETAIL_HEAP_CHUNK_HPP
#define FRYS_MEMORY_DETAIL_HEAP_CHUNK_HPP

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "../../config.hpp"
#include "../../core/bytes.hpp"
#include "../../core/poison.hpp"
#include "../pages.hpp"
#include "size_classes.hpp"

namespace frys::inline FRYS_ABI::detail {

// The word in a free block's first bytes that leads to the next one.
struct heap_link {
  static void* next(void* block) noexcept {
    unpoison(block, sizeof(void*));
    void* const n = *static_cast<void**>(block);
    poison(block, sizeof(void*));
    return n;
  }
  static void set(void* block, void* next) noexcept {
    unpoison(block, sizeof(void*));
    *static_cast<void**>(block) = next;
    poison(block, sizeof(void*));
  }
};

// N bits, searched by words.
template <unsigned N>
class bit_set {
 public:
  [[nodiscard]] bool test(unsigned i) const noexcept { return (words_[i / 64] >> i % 64 & 1) != 0; }
  void set(unsigned i) noexcept { words_[i / 64] |= std::uint64_t{1} << i % 64; }
  void clear(unsigned i) noexcept { words_[i / 64] &= ~(std::uint64_t{1} << i % 64); }
  void set(unsigned first, unsigned count) noexcept {
    for (unsigned i = first; i < first + count; ++i) set(i);
  }
  void clear(unsigned first, unsigned count) noexcept {
    for (unsigned i = first; i < first + count; ++i) clear(i);
  }
  // The first bit from `i` on that is `Set`, or N.
  template <bool Set>
  [[nodiscard]] unsigned next(unsigned i) const noexcept {
    while (i < N) {
      const std::uint64_t rest = (Set ? words_[i / 64] : ~words_[i / 64]) >> i % 64;
      if (rest != 0) return (std::min)(i + static_cast<unsigned>(std::countr_zero(rest)), N);
      i = (i / 64 + 1) * 64;
    }
    return N;
  }
  // Where `n` set bits in a row begin, or N; `longest` is raised to the longest run that was passed over.
  [[nodiscard]] unsigned run(unsigned n, unsigned& longest) const noexcept {
    for (unsigned i = next<true>(0); i < N;) {
      const unsigned end = next<false>(i);
      if (end - i >= n) return i;
      longest = (std::max)(longest, end - i);
      i = next<true>(end);
    }
    return N;
  }
  [[nodiscard]] unsigned count() const noexcept {
    unsigned all = 0;
    for (const std::uint64_t word : words_) all += static_cast<unsigned>(std::popcount(word));
    return all;
  }

 private:
  std::array<std::uint64_t, (N + 63) / 64> words_{};
};

// A doubly linked list through members `next` and `previous` of T, which says itself whether it is in (`listed`).
template <class T>
struct heap_list {
  T* first = nullptr;
  void push(T& t) noexcept {
    t.next = first;
    t.previous = nullptr;
    if (first != nullptr) first->previous = &t;
    first = &t;
    t.listed = true;
  }
  void remove(T& t) noexcept {
    (t.previous != nullptr ? t.previous->next : first) = t.next;
    if (t.next != nullptr) t.next->previous = t.previous;
    t.listed = false;
  }
};

// A run of units that is in use; kept in the chunk's header, in the place of its first unit.
struct heap_slab {
  void* free = nullptr;           // blocks that came back to the slab
  heap_slab* next = nullptr;      // of the owner's slabs of this class that have blocks
  heap_slab* previous = nullptr;  //
  std::uint32_t size = 0;         // bytes of a block
  std::uint32_t used = 0;         // blocks in bins and with users
  std::uint32_t fresh = 0;        // from here on blocks were never handed out
  std::uint32_t capacity = 0;     // blocks
  std::uint32_t gone = 0;         // blocks on pages that were given back: free, and in no list
  std::uint32_t gone_pages = 0;   // which pages, a bit each
  std::uint16_t first = 0;        // unit
  std::uint16_t units = 0;
  std::uint8_t size_class = 0;
  bool listed = false;

  // Blocks to be had without making another slab.
  [[nodiscard]] bool has_blocks() const noexcept { return free != nullptr || fresh != capacity || gone != 0; }
};

template <std::size_t ChunkBytes>
struct heap_geometry {
  static_assert(std::has_single_bit(ChunkBytes) && ChunkBytes >= 64 * 1024 && ChunkBytes <= std::size_t{1} << 30);
  static constexpr std::size_t chunk_bytes = ChunkBytes;
  static constexpr std::size_t unit_bytes = (std::max)(page_size, ChunkBytes / 256);
  static constexpr unsigned units = static_cast<unsigned>(chunk_bytes / unit_bytes);
  using classes = size_classes<(std::max)(std::size_t{8192}, chunk_bytes / 8)>;

  // What the low bits of a tag say besides a class.
  static constexpr unsigned span_code = classes::count;
  static constexpr unsigned large_code = classes::count + 1;
  static constexpr std::uintptr_t code_mask = 255;
  static_assert(large_code <= code_mask);

  // Units of a slab: from one on, four blocks' worth where these are large, as few as lose a sixteenth at most; the
  // best number up to eight where none does. A single block where eight units hold no two.
  static constexpr unsigned slab_units(unsigned c) noexcept {
    const std::size_t size = classes::size(c);
    const unsigned one = static_cast<unsigned>((size + unit_bytes - 1) / unit_bytes);
    if (2 * size > 8 * unit_bytes) return one;
    unsigned best = one;
    std::size_t least = ~std::size_t{0};
    for (unsigned n = size <= 1024 ? one : (std::min)(8u, (std::max)(one, 4u)); n <= 8; ++n) {
      const std::size_t lost = n * unit_bytes % size * 1024 / n;
      if (lost < least) best = n, least = lost;
      if (lost <= unit_bytes * 1024 / 16) break;
    }
    return best;
  }

  // One chunk's header. A large region's first bytes are a `large` instead, which begins the same.
  struct chunk {
    std::array<std::uintptr_t, units> tags{};
    std::array<heap_slab, units> slabs{};
    bit_set<units> free;          // units in no slab
    bit_set<units> dirty;         // of these, those that were used since they were last given back
    chunk* next = nullptr;        // of the owner's chunks that have free units
    chunk* previous = nullptr;    //
    chunk* next_owned = nullptr;  // of all the owner's chunks
    chunk* previous_owned = nullptr;
    unsigned free_count = 0;
    unsigned longest = 0;  // no run of free units is longer
    bool listed = false;
    byte_span memory;  // what the page source answered
  };
  struct large {
    std::array<std::uintptr_t, units> tags{};
    large* next = nullptr;
    large* previous = nullptr;
    bool listed = false;
    std::size_t size = 0;  // bytes for the user
    std::size_t offset = 0;
    byte_span memory;
  };
  static constexpr unsigned header_units = static_cast<unsigned>((sizeof(chunk) + unit_bytes - 1) / unit_bytes);
  static constexpr unsigned most_span_units = units / 2;
  static_assert(header_units + most_span_units <= units && sizeof(large) <= header_units * unit_bytes);

  static std::uintptr_t address(const void* p) noexcept { return reinterpret_cast<std::uintptr_t>(p); }
  static chunk* chunk_of(const void* p) noexcept {
    return reinterpret_cast<chunk*>(address(p) & ~(std::uintptr_t{chunk_bytes} - 1));
  }
  static unsigned unit_of(const void* p) noexcept { return static_cast<unsigned>(address(p) / unit_bytes % units); }
  static std::uintptr_t tag_of(const void* p) noexcept { return chunk_of(p)->tags[unit_of(p)]; }
  static heap_slab& slab_of(const void* p) noexcept {
    chunk* const c = chunk_of(p);
    return c->slabs[c->slabs[unit_of(p)].first];
  }
  static std::byte* base_of(const heap_slab& s) noexcept {
    return reinterpret_cast<std::byte*>(chunk_of(&s)) + s.first * unit_bytes;
  }
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_MEMORY_DETAIL_HEAP_CHUNK_HPP
