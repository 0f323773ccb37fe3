// buckets: the cache lines of a memtable: seven entries each, with a byte of their hash, and a chain when that is full.
//
// Threads   one at a time. Bodies know nothing of what an entry is.
#ifndef FRYS_STORAGE_DETAIL_BUCKETS_HPP
#define FRYS_STORAGE_DETAIL_BUCKETS_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>

#include "../../config.hpp"
#include "../../core/bytes.hpp"

namespace frys::inline FRYS_ABI::detail {

// A tag is never 0, so 0 says that a slot is empty. In a chained bucket slot 6 is the next bucket and has no tag. Holes
// may be anywhere in the last bucket of a chain; the others are full.
struct alignas(64) bucket {
  static constexpr unsigned slots_per = 7;
  std::uint8_t tags[slots_per];
  std::uint8_t chained;
  void* held[slots_per];

  bucket* child() const noexcept { return static_cast<bucket*>(held[slots_per - 1]); }
  unsigned usable() const noexcept { return chained ? slots_per - 1 : slots_per; }
};

// Low bits of a hash are the tag's, the ones above the index's: who places keys on owners by the highest bits or by a
// remainder takes little from either.
constexpr std::uint8_t tag_of(std::uint64_t hash) noexcept { return static_cast<std::uint8_t>(hash | 0x80u); }
constexpr std::uint64_t tag_word(std::uint64_t hash) noexcept { return tag_of(hash) * 0x0101010101010101u; }
constexpr std::uint64_t place_bits(std::uint64_t hash) noexcept { return hash >> 7; }

// The high bit of each byte whose slot carries the tag; a byte above a hit may be marked wrongly, so compare the
// entries. Only slots with an entry are marked.
inline std::uint64_t tag_hits(const bucket& b, std::uint64_t tag) noexcept {
  const std::uint64_t tags = load_le<std::uint64_t>(reinterpret_cast<const std::byte*>(b.tags));
  const std::uint64_t x = tags ^ tag;
  // A tag's own high bit is set, so `tags` masks what is empty, and the byte `chained` with it.
  return (x - 0x0101010101010101u) & ~x & tags & 0x0080808080808080u;
}

inline void prefetch(const void* p) noexcept {
#if defined(__GNUC__)
  __builtin_prefetch(p);
#else
  (void)p;
#endif
}
inline void prefetch_entries(const bucket& b) noexcept {
  for (unsigned i = 0; i < bucket::slots_per; ++i)
    if (b.held[i] != nullptr) prefetch(b.held[i]);
}

template <class F>
void for_each_entry(bucket& head, F&& f) {
  for (bucket* b = &head;;) {
    bucket* next = b->chained ? b->child() : nullptr;
    for (unsigned i = 0; i < bucket::slots_per; ++i)
      if (b->tags[i] != 0) f(b->held[i]);
    if (next == nullptr) return;
    b = next;
  }
}

inline bucket* last_bucket(bucket& head) noexcept {
  bucket* b = &head;
  while (b->chained) b = b->child();
  return b;
}

// False if the pool refused a chained bucket; nothing has changed then.
template <class Pool>
bool put_in(bucket& head, void* entry, std::uint64_t hash, Pool& pool) noexcept {
  bucket* b = last_bucket(head);
  unsigned slot = 0;
  while (slot < bucket::slots_per && b->tags[slot] != 0) ++slot;
  if (slot == bucket::slots_per) {
    void* memory = pool.allocate_line();
    if (memory == nullptr) return false;
    bucket* more = ::new (memory) bucket{};
    constexpr unsigned last = bucket::slots_per - 1;
    more->tags[0] = b->tags[last];
    more->held[0] = b->held[last];
    b->tags[last] = 0;
    b->held[last] = more;
    b->chained = 1;
    b = more;
    slot = 1;
  }
  b->tags[slot] = tag_of(hash);
  b->held[slot] = entry;
  return true;
}

// If the last bucket of the chain is empty and not the first: gives it back.
template <class Pool>
void trim(bucket& head, Pool& pool) noexcept {
  bucket* parent = nullptr;
  bucket* b = &head;
  while (b->chained) {
    parent = b;
    b = b->child();
  }
  if (parent == nullptr) return;
  for (const std::uint8_t tag : b->tags)
    if (tag != 0) return;
  parent->chained = 0;
  parent->held[bucket::slots_per - 1] = nullptr;
  pool.release_line(b);
}

inline int last_used(const bucket& b) noexcept {
  int slot = static_cast<int>(bucket::slots_per) - 1;
  while (slot >= 0 && b.tags[slot] == 0) --slot;
  return slot;
}

// Takes the entry at (at, slot) out of the chain; an entry of the last bucket fills its place. The entry is the
// caller's.
template <class Pool>
void take_out(bucket& head, bucket& at, unsigned slot, Pool& pool) noexcept {
  at.tags[slot] = 0;
  at.held[slot] = nullptr;
  if (!head.chained) return;
  bucket* last = last_bucket(head);
  if (last != &at) {
    const int from = last_used(*last);  // the last bucket of a chain is never empty
    at.tags[slot] = last->tags[from];
    at.held[slot] = last->held[from];
    last->tags[from] = 0;
    last->held[from] = nullptr;
  }
  trim(head, pool);
}

// The last entry of a chain, nullptr if it has none; drop_last takes it out.
inline void* last_entry(bucket& head) noexcept {
  bucket* b = last_bucket(head);
  const int slot = last_used(*b);
  return slot < 0 ? nullptr : b->held[slot];
}
template <class Pool>
void drop_last(bucket& head, Pool& pool) noexcept {
  bucket* b = last_bucket(head);
  take_out(head, *b, static_cast<unsigned>(last_used(*b)), pool);
}

// Fills the holes of a chain from its end and gives empty buckets back.
template <class Pool>
void compact(bucket& head, Pool& pool) noexcept {
  for (bucket* b = &head; b->chained; b = b->child()) {
    for (unsigned i = 0; i < bucket::slots_per - 1; ++i) {
      bucket* last = last_bucket(*b);
      while (last != b && last_used(*last) < 0) {
        trim(head, pool);
        last = last_bucket(*b);
      }
      if (last == b) return;
      if (b->tags[i] != 0) continue;
      const int from = last_used(*last);
      b->tags[i] = last->tags[from];
      b->held[i] = last->held[from];
      last->tags[from] = 0;
      last->held[from] = nullptr;
      trim(head, pool);
      if (!b->chained) return;
    }
  }
}

// Takes out the entries for which wanted(entry) is true, each asked once.
template <class Pool, class F>
void erase_entries(bucket& head, Pool& pool, F&& wanted) {
  struct compact_at_exit {  // also if `wanted` throws
    bucket& head;
    Pool& pool;
    ~compact_at_exit() { compact(head, pool); }
  } at_exit{head, pool};
  for (bucket* b = &head;; b = b->child()) {
    for (unsigned i = 0; i < bucket::slots_per; ++i)
      if (b->tags[i] != 0 && wanted(b->held[i])) {
        b->tags[i] = 0;
        b->held[i] = nullptr;
      }
    if (!b->chained) return;
  }
}

// cursor + 1, counted in reversed bits under `mask`; 0 after the last.
constexpr std::uint64_t reverse_bits(std::uint64_t v) noexcept {
  v = (v >> 1 & 0x5555555555555555u) | (v & 0x5555555555555555u) << 1;
  v = (v >> 2 & 0x3333333333333333u) | (v & 0x3333333333333333u) << 2;
  v = (v >> 4 & 0x0f0f0f0f0f0f0f0fu) | (v & 0x0f0f0f0f0f0f0f0fu) << 4;
  return byte_swap(v);
}
constexpr std::uint64_t reverse_increment(std::uint64_t cursor, std::uint64_t mask) noexcept {
  return reverse_bits(reverse_bits(cursor | ~mask) + 1);
}

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_STORAGE_DETAIL_BUCKETS_HPP
