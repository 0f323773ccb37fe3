// word_table: an open hash table of keys and values that are a word each, one writer at a time, readers at any time:
// what a shard of sharded_map is made of when its entries are words.
//
// Groups    a line of memory each: three keys, three values, and a head: which places are taken, how many keys had
//           their home here or passed by and found the group full, and how often a key was taken out. So a look costs
//           one line, and ends where that count is 0; nothing is allocated for an entry, nothing is reclaimed.
// Readers   copy the value. A key that is in the table stays in its place, so whoever knows that it was put in finds
//           it, and a change of its value is one store. What is copied may belong to another key that has got the
//           place since: then the head says that a key was taken out, and the reader looks at the group again. Each
//           such time an erase has come to its end.
// Orders    a place's key and value are stored with release and read with acquire: a reader that has one of them from
//           the place's next key sees that the key before was taken out. The head's stores are release: whoever finds a
//           place taken finds its key.
// Source    the line as the unit: T. David, R. Guerraoui, V. Trigonakis, "Asynchronized concurrency" (CLHT), ASPLOS
//           2015.
#ifndef FRYS_QUEUE_DETAIL_WORD_TABLE_HPP
#define FRYS_QUEUE_DETAIL_WORD_TABLE_HPP

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>
#include <utility>

#include "../../config.hpp"
#include "keys.hpp"
#include "line_groups.hpp"

namespace frys::inline FRYS_ABI::detail {

// What can be taken out of a word and put into one. Not std::atomic: compilers call it trivially copyable, but nobody
// may copy it.
template <class T>
inline constexpr bool fits_word = std::is_trivially_copyable_v<T>&& std::is_move_constructible_v<T> &&
                                  sizeof(T) <= sizeof(std::uint64_t);

template <class T>
[[nodiscard]] inline std::uint64_t to_word(const T& value) noexcept {
  std::uint64_t w = 0;
  std::memcpy(&w, std::addressof(value), sizeof(T));
  return w;
}
template <class T>
[[nodiscard]] inline T from_word(std::uint64_t w) noexcept {
  std::array<std::byte, sizeof(T)> bytes;
  std::memcpy(bytes.data(), &w, sizeof(T));
  return std::bit_cast<T>(bytes);
}

template <class Key, class Value, class Atomics, class Pages>
class word_table {
  using word = std::uint64_t;
  using atomic = typename Atomics::template atomic<word>;

  struct alignas(64) group {
    static constexpr unsigned places = 3;
    atomic head{0};
    atomic keys[places] = {};
    atomic values[places] = {};
  };

 public:
  using groups = line_groups<group, Pages>;
  // Whether what a reader has found must be kept for it.
  static constexpr bool keeps = false;

  // What a reader has found; false: nothing.
  class view {
   public:
    view() = default;
    view(word key, word value) noexcept : entry_(std::in_place, from_word<Key>(key), from_word<Value>(value)) {}
    explicit operator bool() const noexcept { return entry_.has_value(); }
    [[nodiscard]] const Key& key() const noexcept { return entry_->first; }
    [[nodiscard]] const Value& value() const noexcept { return entry_->second; }

   private:
    std::optional<std::pair<Key, Value>> entry_;
  };
  // What a write leaves over, to be retired.
  struct rest {
    groups* outgrown = nullptr;
    static constexpr std::size_t most = 1;
    template <class Seat>
    [[nodiscard]] bool retire(Seat& seat) const noexcept {
      return outgrown == nullptr || seat.retire(static_cast<void*>(outgrown), &groups::drop);
    }
  };
  // Where an entry is, or may be put.
  struct place {
    std::size_t group = 0;
    unsigned index = group::places;  // that: nowhere
    std::uint64_t hash = 0;
    bool taken = false;
    [[nodiscard]] bool is_taken() const noexcept { return taken; }
  };

  word_table() = default;
  word_table(const word_table&) = delete;
  word_table& operator=(const word_table&) = delete;
  ~word_table() {
    // relaxed: nobody else is left
    if (groups* const all = groups_.load(std::memory_order_relaxed); all != nullptr) groups::drop(all);
  }

  // Any thread, while the groups are kept.
  template <class K>
  [[nodiscard]] FRYS_ALWAYS_INLINE view find(std::uint64_t hash, const K& key) const noexcept {
    // sync(word_table.grow): acquire; the groups are whole, with all that was in those before.
    const groups* const all = groups_.load(std::memory_order_acquire);
    if (all == nullptr) [[unlikely]]
      return {};
    std::size_t g = all->home_of(hash);
    for (std::size_t i = 0; i < all->count(); ++i, g = all->after(g)) {
      const group& here = (*all)[g];
      // sync(word_table.publish): acquire; the keys of the places that are taken are there.
      word head = here.head.load(std::memory_order_acquire);
      for (unsigned p = 0; p < group::places; ++p) {
        if ((head >> p & 1) == 0) continue;
        // sync(word_table.key): acquire; with relaxed we could take the value of the key before for this one's.
        const word k = here.keys[p].load(std::memory_order_acquire);
        if (!same_key(from_word<Key>(k), key)) continue;
        // sync(word_table.value): acquire; with relaxed we could miss that its key was taken out, and what the writer
        // did before.
        const word v = here.values[p].load(std::memory_order_acquire);
        // relaxed: the value's acquire orders it.
        if (const word now = here.head.load(std::memory_order_relaxed); taken_out(now) == taken_out(head)) [[likely]]
          return {k, v};
        head = here.head.load(std::memory_order_acquire);  // sync(word_table.publish): acquire, as above
        p = ~0u;                                           // from the first place on
      }
      if (passed(head) == 0) [[likely]]
        return {};
    }
    return {};
  }
  // Any thread, as find. Calls f(key, value) for each entry.
  template <class F>
  void for_each(F&& f) const {
    // sync(word_table.grow): acquire; as in find.
    const groups* const all = groups_.load(std::memory_order_acquire);
    if (all == nullptr) return;
    for (std::size_t g = 0; g < all->count(); ++g)
      for (unsigned p = 0; p < group::places; ++p)
        if (const view v = at_place((*all)[g], p); v) f(v.key(), v.value());
  }

  // ---- the writer. relaxed, where it reads: its own writes, or those of the one before it, by the lock between them.

  // Where the key is; else a free place, if any.
  template <class K>
  [[nodiscard]] place seek(std::uint64_t hash, const K& key) noexcept {
    groups* const all = groups_.load(std::memory_order_relaxed);  // relaxed: the writer's own
    return all == nullptr ? place{} : seek(*all, hash, [&key](const Key& k) { return same_key(k, key); });
  }
  // What is not there yet: false when there is no memory, and then nothing has changed. `count`: the entries now.
  template <class Hash, class K, class... Args>
  [[nodiscard]] bool add(place at, std::uint64_t hash, std::size_t count, rest& left, const Hash& hash_of, K&& key,
                         Args&&... args) {
    const word k = to_word(Key(std::forward<K>(key))), v = to_word(Value(std::forward<Args>(args)...));
    groups* all = groups_.load(std::memory_order_relaxed);  // relaxed: the writer's own
    groups* const before = all;
    if (all == nullptr || count >= all->most()) {
      if (groups* const larger = grown(all, hash_of); larger != nullptr) {
        all = larger;
        at = seek(*all, hash, nobody);
      }
      if (at.index == group::places) return false;
    }
    put(*all, at, k, v);
    if (all != before) {
      left.outgrown = before;
      // sync(word_table.grow): release; the groups are whole before a reader can have them.
      groups_.store(all, std::memory_order_release);
    }
    return true;
  }
  // In the place of the value that stands there.
  template <class K, class... Args>
  [[nodiscard]] bool replace(const place& at, std::uint64_t, rest&, K&&, Args&&... args) {
    // sync(word_table.value): release; what the writer did before is there for who reads it.
    value_at(at).store(to_word(Value(std::forward<Args>(args)...)), std::memory_order_release);
    return true;
  }
  // f(value) changes a copy of the value that stands there.
  template <class F>
  [[nodiscard]] bool change(const place& at, rest&, F&& f) {
    atomic& v = value_at(at);
    Value value = from_word<Value>(v.load(std::memory_order_relaxed));  // relaxed: the writer's own
    f(value);
    v.store(to_word(value), std::memory_order_release);  // sync(word_table.value): release; as in replace
    return true;
  }
  void take_out(const place& at, rest&) noexcept {
    groups& all = *groups_.load(std::memory_order_relaxed);  // relaxed: the writer's own
    atomic& head = all[at.group].head;
    // relaxed: the writer's own
    const word now = head.load(std::memory_order_relaxed);
    // sync(word_table.publish): release; for the keys of the other places, as in put.
    head.store((now & ~(word{1} << at.index)) + (word{1} << taken_out_shift), std::memory_order_release);
    count_passed(all, at.hash, at.group, [](word n) { return n == many ? n : n - 1; });
  }

 private:
  // The head: a bit for each place; from bit 8 on the keys that passed; from bit 16 on the keys taken out.
  static constexpr unsigned passed_shift = 8, taken_out_shift = 16;
  static constexpr word many = 0xff;  // stays so until the table grows
  static constexpr word passed(word head) noexcept { return head >> passed_shift & many; }
  static constexpr word taken_out(word head) noexcept { return head >> taken_out_shift; }
  static bool nobody(const Key&) noexcept { return false; }

  atomic& value_at(const place& at) noexcept {
    return (*groups_.load(std::memory_order_relaxed))[at.group].values[at.index];  // relaxed: the writer's own
  }
  // What is in a place, whole; nothing if it is free.
  static view at_place(const group& here, unsigned p) noexcept {
    for (;;) {
      // sync(word_table.publish), sync(word_table.key), sync(word_table.value), relaxed: as in find.
      const word head = here.head.load(std::memory_order_acquire);
      if ((head >> p & 1) == 0) return {};
      const word k = here.keys[p].load(std::memory_order_acquire);
      const word v = here.values[p].load(std::memory_order_acquire);
      if (taken_out(here.head.load(std::memory_order_relaxed)) == taken_out(head)) return {k, v};
    }
  }
  template <class F>
  [[nodiscard]] static place seek(const groups& all, std::uint64_t hash, F&& is) noexcept {
    place free;
    free.hash = hash;
    std::size_t g = all.home_of(hash);
    for (std::size_t i = 0; i < all.count(); ++i) {
      const word head = all[g].head.load(std::memory_order_relaxed);  // relaxed: the writer's own, as below
      for (unsigned p = 0; p < group::places; ++p) {
        if ((head >> p & 1) == 0) {
          if (free.index == group::places) free.group = g, free.index = p;
        } else if (is(from_word<Key>(all[g].keys[p].load(std::memory_order_relaxed)))) {
          return {g, p, hash, true};
        }
      }
      if (passed(head) == 0 && free.index != group::places) break;
      g = all.after(g);
    }
    return free;
  }
  // Into a free place that seek has found for its hash.
  static void put(groups& all, const place& at, word key, word value) noexcept {
    group& here = all[at.group];
    // sync(word_table.key), sync(word_table.value): release; who has one of them sees that the key before was taken
    // out.
    here.keys[at.index].store(key, std::memory_order_release);
    here.values[at.index].store(value, std::memory_order_release);
    // sync(word_table.publish): release; key and value are there before the place is taken.
    here.head.store(here.head.load(std::memory_order_relaxed) | word{1} << at.index, std::memory_order_release);
    count_passed(all, at.hash, at.group, [](word n) { return n == many ? n : n + 1; });
  }
  // The groups from the home of the hash to the one before `last`.
  template <class F>
  static void count_passed(groups& all, std::uint64_t hash, std::size_t last, F next) noexcept {
    for (std::size_t g = all.home_of(hash); g != last; g = all.after(g)) {
      atomic& head = all[g].head;
      const word now = head.load(std::memory_order_relaxed);
      // sync(word_table.publish): release; as in take_out.
      head.store((now & ~(many << passed_shift)) | next(passed(now)) << passed_shift, std::memory_order_release);
    }
  }
  // Groups of twice the size with the same entries; nullptr when the source refuses.
  template <class Hash>
  static groups* grown(const groups* from, const Hash& hash_of) noexcept {
    groups* const to = groups::make(from == nullptr ? 1 : 2 * from->bytes());
    if (to == nullptr || from == nullptr) return to;
    for (std::size_t g = 0; g < from->count(); ++g) {
      const group& here = (*from)[g];
      for (unsigned p = 0; p < group::places; ++p) {
        // relaxed, all: the writer's own
        if ((here.head.load(std::memory_order_relaxed) >> p & 1) == 0) continue;
        const word k = here.keys[p].load(std::memory_order_relaxed);
        const std::uint64_t hash = hash_of(from_word<Key>(k));
        put(*to, seek(*to, hash, nobody), k, here.values[p].load(std::memory_order_relaxed));
      }
    }
    return to;
  }

  typename Atomics::template atomic<groups*> groups_{nullptr};
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_WORD_TABLE_HPP
