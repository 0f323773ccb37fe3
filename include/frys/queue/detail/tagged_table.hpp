// tagged_table: an open hash table of pointers, one writer at a time, readers at any time: what a shard of sharded_map
// is made of.
//
// Groups    a line of memory each: seven pointers, a byte of the hash for each of them (0: empty), and a byte that says
//           how many keys had their home here or passed by and found the group full. So a look costs one line, and ends
//           where that count is 0; an erased place is free at once, without a tombstone.
// Readers   a key that is in the table stays in its place, and the byte stays with it: whoever knows that it was put in
//           finds it. Tags are hints, therefore, and need no order; pointers publish what they point to.
// Source    the groups: N. Bronson, X. Shi, "F14", 2019; the line as the unit: T. David, R. Guerraoui, V. Trigonakis,
//           "Asynchronized concurrency" (CLHT), ASPLOS 2015.
#ifndef FRYS_QUEUE_DETAIL_TAGGED_TABLE_HPP
#define FRYS_QUEUE_DETAIL_TAGGED_TABLE_HPP

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "../../config.hpp"
#include "../../core/bytes.hpp"
#include "../../core/cache_line.hpp"
#include "../../core/result.hpp"

namespace frys::inline FRYS_ABI::detail {

// Node has `hash`, a 64-bit number. The head of its memory; the groups lie behind it.
template <class Node, class Atomics, class Pages>
class tagged_table {
  template <class T>
  using atomic = typename Atomics::template atomic<T>;
  static constexpr unsigned places = 7;
  struct alignas(64) group {
    atomic<std::uint64_t> tags{0};
    atomic<Node*> nodes[places] = {};
  };

 public:
  // Where a node is, or may be put.
  struct place {
    std::size_t group = 0;
    unsigned index = places;  // places: nowhere
    Node* node = nullptr;
    explicit operator bool() const noexcept { return index != places; }
  };

  // With so many bytes, or as many as the source rounds them up to; nullptr when it refuses.
  static tagged_table* make(std::size_t bytes) noexcept {
    if (bytes < head + sizeof(group)) bytes = head + sizeof(group);
    result<byte_span> memory = Pages::allocate(bytes);
    if (!memory) return nullptr;
    auto* made = std::construct_at(reinterpret_cast<tagged_table*>(memory->data()), *memory);
    for (std::size_t i = 0; i < made->count_; ++i) std::construct_at(made->groups() + i);
    return made;
  }
  static void drop(void* table) noexcept {
    auto* t = static_cast<tagged_table*>(table);
    for (std::size_t i = 0; i < t->count_; ++i) std::destroy_at(t->groups() + i);
    Pages::release(t->memory_);
  }
  explicit tagged_table(byte_span memory) noexcept : memory_(memory), count_((memory.size() - head) / sizeof(group)) {}

  [[nodiscard]] std::size_t bytes() const noexcept { return memory_.size(); }
  // Beyond which looks get long.
  [[nodiscard]] std::size_t most() const noexcept { return count_ * places * 3 / 4; }

  // Any thread, while the table and its nodes stay. The node of that hash for which `is` says yes.
  template <class F>
  [[nodiscard]] FRYS_ALWAYS_INLINE Node* find(std::uint64_t hash, F&& is) const noexcept {
    const std::uint64_t wanted = tag_of(hash) * ones;
    std::size_t g = home_of(hash);
    for (std::size_t i = 0; i < count_; ++i) {
      const group& here = groups()[g];
      const std::uint64_t tags = here.tags.load(std::memory_order_relaxed);  // relaxed: hints, see above
      for (std::uint64_t same = equal(tags, wanted); same != 0; same &= same - 1) {
        // sync(tagged_table.publish): acquire; the node is whole.
        Node* const n = here.nodes[std::countr_zero(same) / 8].load(std::memory_order_acquire);
        if (n != nullptr && n->hash == hash && is(*n)) [[likely]]
          return n;
      }
      if (tags >> overflow_shift == 0) [[likely]]
        return nullptr;
      if (++g == count_) g = 0;
    }
    return nullptr;
  }
  // Any thread, as find. Calls f(node) for each.
  template <class F>
  void for_each(F&& f) const {
    for (std::size_t g = 0; g < count_; ++g)
      for (const auto& at : groups()[g].nodes)
        // sync(tagged_table.publish): acquire; the node is whole.
        if (Node* const n = at.load(std::memory_order_acquire); n != nullptr) f(*n);
  }

  // ---- the writer. relaxed, where it reads: its own writes, or those of the one before it, by the lock between them.

  // The node of that hash for which `is` says yes, and where it is; else node is null and the place a free one, if any.
  template <class F>
  [[nodiscard]] place seek(std::uint64_t hash, F&& is) noexcept {
    place free;
    std::size_t g = home_of(hash);
    for (std::size_t i = 0; i < count_; ++i) {
      const std::uint64_t tags =
          groups()[g].tags.load(std::memory_order_relaxed);  // relaxed: the writer's own, as below
      for (std::uint64_t same = equal(tags, tag_of(hash) * ones); same != 0; same &= same - 1) {
        const auto at = static_cast<unsigned>(std::countr_zero(same)) / 8;
        Node* const n = groups()[g].nodes[at].load(std::memory_order_relaxed);  // relaxed: as above
        if (n->hash == hash && is(*n)) return {g, at, n};
      }
      if (!free)
        if (const std::uint64_t gaps = equal(tags, 0); gaps != 0)
          free = {g, static_cast<unsigned>(std::countr_zero(gaps)) / 8, nullptr};
      if (tags >> overflow_shift == 0 && free) break;
      if (++g == count_) g = 0;
    }
    return free;
  }
  // Into a free place that seek has found for its hash.
  void put(place at, Node* node) noexcept {
    group& here = groups()[at.group];
    // sync(tagged_table.publish): release; the node is whole before a reader can have it.
    here.nodes[at.index].store(node, std::memory_order_release);
    // relaxed: a hint
    here.tags.store(here.tags.load(std::memory_order_relaxed) | tag_of(node->hash) << (8 * at.index),
                    std::memory_order_relaxed);
    count_passed(node->hash, at.group, [](std::uint64_t n) { return n == many ? n : n + 1; });
  }
  // In the place of the node that stands there.
  void replace(place at, Node* node) noexcept {
    // sync(tagged_table.publish): release; as in put.
    groups()[at.group].nodes[at.index].store(node, std::memory_order_release);
  }
  void take_out(place at) noexcept {
    group& here = groups()[at.group];
    // relaxed, both: readers may still find the node, until the reclaimer knows that they do not.
    here.tags.store(here.tags.load(std::memory_order_relaxed) & ~(std::uint64_t{0xff} << (8 * at.index)),
                    std::memory_order_relaxed);
    here.nodes[at.index].store(nullptr, std::memory_order_relaxed);
    count_passed(at.node->hash, at.group, [](std::uint64_t n) { return n == many ? n : n - 1; });
  }

 private:
  static constexpr std::size_t head = 64;
  static constexpr std::uint64_t ones = 0x0101010101010101u, highs = ones * 0x80;
  static constexpr unsigned overflow_shift = 8 * places;
  static constexpr std::uint64_t many = 0xff;  // stays so until the table grows

  // Bits that neither the home nor the number of the shard is made of; never 0.
  static constexpr std::uint64_t tag_of(std::uint64_t hash) noexcept { return 0x80 | (hash >> 40 & 0x7f); }
  [[nodiscard]] std::size_t home_of(std::uint64_t hash) const noexcept {
    return static_cast<std::size_t>((hash & 0xffff'ffffu) * count_ >> 32);
  }
  // The high bit of each of the seven bytes that are equal.
  static constexpr std::uint64_t equal(std::uint64_t a, std::uint64_t b) noexcept {
    const std::uint64_t x = a ^ b;
    return ~(((x & ~highs) + ~highs) | x) & highs & (~std::uint64_t{0} >> 8);
  }
  // The groups from the home of the hash to the one before `last`.
  template <class F>
  void count_passed(std::uint64_t hash, std::size_t last, F next) noexcept {
    for (std::size_t g = home_of(hash); g != last;) {
      auto& tags = groups()[g].tags;
      const std::uint64_t now = tags.load(std::memory_order_relaxed);
      // relaxed: who knows of the key knows of this.
      tags.store((now & ~(many << overflow_shift)) | next(now >> overflow_shift) << overflow_shift,
                 std::memory_order_relaxed);
      if (++g == count_) g = 0;
    }
  }

  group* groups() noexcept { return std::launder(reinterpret_cast<group*>(reinterpret_cast<std::byte*>(this) + head)); }
  [[nodiscard]] const group* groups() const noexcept {
    return std::launder(reinterpret_cast<const group*>(reinterpret_cast<const std::byte*>(this) + head));
  }

  byte_span memory_;
  std::size_t count_;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_TAGGED_TABLE_HPP
