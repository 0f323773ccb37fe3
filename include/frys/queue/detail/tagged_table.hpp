// tagged_table: an open hash table of pointers to nodes, one writer at a time, readers at any time: what a shard of
// sharded_map is made of, unless its entries are words.
//
// Groups    a line of memory each: seven pointers, a byte of the hash for each of them (0: empty), and a byte that says
//           how many keys had their home here or passed by and found the group full. So a look costs one line, and ends
//           where that count is 0; an erased place is free at once, without a tombstone.
// Readers   a key that is in the table stays in its place, and the byte stays with it: whoever knows that it was put in
//           finds it. Tags are hints, therefore, and need no order; pointers publish what they point to. What a reader
//           has found is never changed: it must be kept by the reclaimer while it is looked at.
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
#include <utility>

#include "../../config.hpp"
#include "../../core/cache_line.hpp"
#include "keys.hpp"
#include "line_groups.hpp"

namespace frys::inline FRYS_ABI::detail {

template <class Key, class Value, class Atomics, class Pages>
class tagged_table {
  template <class T>
  using atomic = typename Atomics::template atomic<T>;

  struct node {
    template <class K, class... Args>
    node(std::uint64_t h, K&& k, Args&&... args)
        : hash(h), key(std::forward<K>(k)), value(std::forward<Args>(args)...) {}
    // None of them changes once the node is in. Not const, since `change` writes to a value that nobody else has yet.
    std::uint64_t hash;
    Key key;
    Value value;
  };
  struct alignas(64) group {
    static constexpr unsigned places = 7;
    atomic<std::uint64_t> tags{0};
    atomic<node*> nodes[places] = {};
  };

 public:
  using groups = line_groups<group, Pages>;
  // Whether what a reader has found must be kept for it.
  static constexpr bool keeps = true;

  // What a reader has found; false: nothing.
  class view {
   public:
    view(const node* n = nullptr) noexcept : node_(n) {}
    explicit operator bool() const noexcept { return node_ != nullptr; }
    [[nodiscard]] const Key& key() const noexcept { return node_->key; }
    [[nodiscard]] const Value& value() const noexcept { return node_->value; }

   private:
    const node* node_;
  };
  // What a write leaves over, to be retired.
  struct rest {
    node* entry = nullptr;
    groups* outgrown = nullptr;
    static constexpr std::size_t most = 2;
    template <class Seat>
    [[nodiscard]] bool retire(Seat& seat) const noexcept {
      return (entry == nullptr || seat.retire(entry)) &&
             (outgrown == nullptr || seat.retire(static_cast<void*>(outgrown), &groups::drop));
    }
  };
  // Where a node is, or may be put.
  struct place {
    std::size_t group = 0;
    unsigned index = group::places;  // that: nowhere
    node* found = nullptr;
    [[nodiscard]] bool is_taken() const noexcept { return found != nullptr; }
  };

  tagged_table() = default;
  tagged_table(const tagged_table&) = delete;
  tagged_table& operator=(const tagged_table&) = delete;
  ~tagged_table() {
    groups* const all = groups_.load(std::memory_order_relaxed);  // relaxed: nobody else is left
    if (all == nullptr) return;
    each_node(*all, [](node& n) { delete &n; });
    groups::drop(all);
  }

  // Any thread, while the groups and their nodes are kept.
  template <class K>
  [[nodiscard]] FRYS_ALWAYS_INLINE view find(std::uint64_t hash, const K& key) const noexcept {
    // sync(tagged_table.grow): acquire; the groups are whole, with all that was in those before.
    const groups* const all = groups_.load(std::memory_order_acquire);
    if (all == nullptr) [[unlikely]]
      return {};
    const std::uint64_t wanted = tag_of(hash) * ones;
    std::size_t g = all->home_of(hash);
    for (std::size_t i = 0; i < all->count(); ++i) {
      const group& here = (*all)[g];
      const std::uint64_t tags = here.tags.load(std::memory_order_relaxed);  // relaxed: hints, see above
      for (std::uint64_t same = equal(tags, wanted); same != 0; same &= same - 1) {
        // sync(tagged_table.publish): acquire; the node is whole.
        const node* const n = here.nodes[std::countr_zero(same) / 8].load(std::memory_order_acquire);
        if (n != nullptr && n->hash == hash && same_key(n->key, key)) [[likely]]
          return n;
      }
      if (tags >> overflow_shift == 0) [[likely]]
        return {};
      g = all->after(g);
    }
    return {};
  }
  // Any thread, as find. Calls f(key, value) for each entry.
  template <class F>
  void for_each(F&& f) const {
    // sync(tagged_table.grow): acquire; as in find.
    if (groups* const all = groups_.load(std::memory_order_acquire); all != nullptr)
      each_node(*all, [&f](const node& n) { f(n.key, n.value); });
  }

  // ---- the writer. relaxed, where it reads: its own writes, or those of the one before it, by the lock between them.

  // Where the key is; else a free place, if any.
  template <class K>
  [[nodiscard]] place seek(std::uint64_t hash, const K& key) noexcept {
    groups* const all = groups_.load(std::memory_order_relaxed);  // relaxed: the writer's own
    return all == nullptr ? place{} : seek(*all, hash, [&key](const node& n) { return same_key(n.key, key); });
  }
  // What is not there yet: false when there is no memory, and then nothing has changed. `count`: the entries now.
  template <class Hash, class K, class... Args>
  [[nodiscard]] bool add(place at, std::uint64_t hash, std::size_t count, rest& left, const Hash&, K&& key,
                         Args&&... args) {
    std::unique_ptr<node> made(make(hash, std::forward<K>(key), std::forward<Args>(args)...));
    if (made == nullptr) return false;
    groups* all = groups_.load(std::memory_order_relaxed);  // relaxed: the writer's own
    groups* const before = all;
    if (all == nullptr || count >= all->most()) {
      if (groups* const larger = grown(all); larger != nullptr) {
        all = larger;
        at = seek(*all, hash, nobody);
      }
      if (at.index == group::places) return false;
    }
    put(*all, at, *made.release());
    if (all != before) {
      left.outgrown = before;
      // sync(tagged_table.grow): release; the groups are whole before a reader can have them.
      groups_.store(all, std::memory_order_release);
    }
    return true;
  }
  // In the place of the entry that stands there: false when there is no memory.
  template <class K, class... Args>
  [[nodiscard]] bool replace(const place& at, std::uint64_t hash, rest& left, K&& key, Args&&... args) {
    return put_instead(at, make(hash, std::forward<K>(key), std::forward<Args>(args)...), left);
  }
  // f(value) changes a copy of the value that stands there.
  template <class F>
  [[nodiscard]] bool change(const place& at, rest& left, F&& f) {
    std::unique_ptr<node> next(make(at.found->hash, at.found->key, at.found->value));
    if (next != nullptr) f(next->value);  // ours alone until it is put in
    return put_instead(at, next.release(), left);
  }
  void take_out(const place& at, rest& left) noexcept {
    groups& all = *groups_.load(std::memory_order_relaxed);  // relaxed: the writer's own
    group& here = all[at.group];
    // relaxed, both: readers may still find the node, until the reclaimer knows that they do not.
    here.tags.store(here.tags.load(std::memory_order_relaxed) & ~(std::uint64_t{0xff} << (8 * at.index)),
                    std::memory_order_relaxed);
    here.nodes[at.index].store(nullptr, std::memory_order_relaxed);
    count_passed(all, at.found->hash, at.group, [](std::uint64_t n) { return n == many ? n : n - 1; });
    left.entry = at.found;
  }

 private:
  static constexpr std::uint64_t ones = 0x0101010101010101u, highs = ones * 0x80;
  static constexpr unsigned overflow_shift = 8 * group::places;
  static constexpr std::uint64_t many = 0xff;  // stays so until the table grows
  static bool nobody(const node&) noexcept { return false; }

  // Bits that neither the home nor the number of the shard is made of; never 0.
  static constexpr std::uint64_t tag_of(std::uint64_t hash) noexcept { return 0x80 | (hash >> 40 & 0x7f); }
  // The high bit of each of the seven bytes that are equal.
  static constexpr std::uint64_t equal(std::uint64_t a, std::uint64_t b) noexcept {
    const std::uint64_t x = a ^ b;
    return ~(((x & ~highs) + ~highs) | x) & highs & (~std::uint64_t{0} >> 8);
  }

  template <class... Args>
  static node* make(Args&&... args) {
    return new (std::nothrow) node(std::forward<Args>(args)...);
  }
  template <class F>
  static void each_node(const groups& all, F&& f) {
    for (std::size_t g = 0; g < all.count(); ++g)
      for (const auto& at : all[g].nodes)
        // sync(tagged_table.publish): acquire; the node is whole.
        if (node* const n = at.load(std::memory_order_acquire); n != nullptr) f(*n);
  }
  template <class F>
  [[nodiscard]] static place seek(const groups& all, std::uint64_t hash, F&& is) noexcept {
    place free;
    std::size_t g = all.home_of(hash);
    for (std::size_t i = 0; i < all.count(); ++i) {
      const std::uint64_t tags = all[g].tags.load(std::memory_order_relaxed);  // relaxed: the writer's own, as below
      for (std::uint64_t same = equal(tags, tag_of(hash) * ones); same != 0; same &= same - 1) {
        const auto at = static_cast<unsigned>(std::countr_zero(same)) / 8;
        node* const n = all[g].nodes[at].load(std::memory_order_relaxed);  // relaxed: as above
        if (n->hash == hash && is(*n)) return {g, at, n};
      }
      if (free.index == group::places)
        if (const std::uint64_t gaps = equal(tags, 0); gaps != 0)
          free = {g, static_cast<unsigned>(std::countr_zero(gaps)) / 8, nullptr};
      if (tags >> overflow_shift == 0 && free.index != group::places) break;
      g = all.after(g);
    }
    return free;
  }
  // Into a free place that seek has found for its hash.
  static void put(groups& all, const place& at, node& n) noexcept {
    group& here = all[at.group];
    // sync(tagged_table.publish): release; the node is whole before a reader can have it.
    here.nodes[at.index].store(&n, std::memory_order_release);
    // relaxed: a hint
    here.tags.store(here.tags.load(std::memory_order_relaxed) | tag_of(n.hash) << (8 * at.index),
                    std::memory_order_relaxed);
    count_passed(all, n.hash, at.group, [](std::uint64_t c) { return c == many ? c : c + 1; });
  }
  bool put_instead(const place& at, node* n, rest& left) noexcept {
    if (n == nullptr) return false;
    // relaxed: the writer's own. sync(tagged_table.publish): release; as in put.
    (*groups_.load(std::memory_order_relaxed))[at.group].nodes[at.index].store(n, std::memory_order_release);
    left.entry = at.found;
    return true;
  }
  // The groups from the home of the hash to the one before `last`.
  template <class F>
  static void count_passed(groups& all, std::uint64_t hash, std::size_t last, F next) noexcept {
    for (std::size_t g = all.home_of(hash); g != last; g = all.after(g)) {
      auto& tags = all[g].tags;
      const std::uint64_t now = tags.load(std::memory_order_relaxed);
      // relaxed: who knows of the key knows of this.
      tags.store((now & ~(many << overflow_shift)) | next(now >> overflow_shift) << overflow_shift,
                 std::memory_order_relaxed);
    }
  }
  // Groups of twice the size with the same nodes; nullptr when the source refuses.
  static groups* grown(const groups* from) noexcept {
    groups* const to = groups::make(from == nullptr ? 1 : 2 * from->bytes());
    if (to != nullptr && from != nullptr) each_node(*from, [to](node& n) { put(*to, seek(*to, n.hash, nobody), n); });
    return to;
  }

  atomic<groups*> groups_{nullptr};
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_TAGGED_TABLE_HPP
