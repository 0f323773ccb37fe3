// memtable: a hash table from byte strings to values for a store's hot path; grows and shrinks without a pause.
//
// Use when  one thread owns the keys: the store of an owner core, an index over a log, a session table.
// Not when  several threads share it, or keys are wanted in order.
// Threads   one at a time.
// Cost      find: one cache line of the bucket array, one of the entry; a pair of lines per chained bucket. insert and
//           erase: the same, plus the move of a few old buckets while the table changes its size. Nothing is O(size)
//           but clear, for_each and the destructor. Memory comes from pages, in chunks; entries are pooled by size.
// Pointers  to a value stay good until its key is erased: growing moves no entry.
// Scans     scan(cursor, ...) sees every key that is there during the whole scan at least once, also while the table
//           grows and shrinks; a key may come twice.
// Limits    the hash is not secret: give the table a random seed where clients choose the keys.
//
// Policies, in any order, each at most once:
//   policy::pages<P>   where memory comes from                             default os_pages
//   policy::limit<N>   bytes it may hold, 0: no limit (and see options)    default 0
// Source    buckets of one cache line with tags: Valkey 8.1's table and F14 (Bronson, Shi); the cursor: P. Noordhuis,
//           Redis.
#ifndef FRYS_STORAGE_MEMTABLE_HPP
#define FRYS_STORAGE_MEMTABLE_HPP

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/bytes.hpp"
#include "../core/concepts.hpp"
#include "../core/error.hpp"
#include "../core/hash.hpp"
#include "../core/result.hpp"
#include "../memory/pages.hpp"
#include "../policy.hpp"
#include "detail/buckets.hpp"
#include "detail/entry_pool.hpp"

namespace frys::inline FRYS_ABI {

// What a memtable can be told when it is made.
struct memtable_options {
  std::size_t limit_bytes = 0;  // bytes of memory it may hold; 0: what policy::limit says
  std::uint64_t seed = 0;       // of the hash
};

template <class Value, class... Policies>
class memtable {
  using accepted = policy::keys<policy::pages_key, policy::limit_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::memtable: unknown policy; it takes policy::pages, policy::limit and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::memtable: a policy is given twice; name each at most once");
  static_assert(std::is_nothrow_move_constructible_v<Value> && std::is_nothrow_destructible_v<Value>,
                "frys::memtable<Value>: Value must move and die without throwing");
  static_assert(alignof(Value) <= 16, "frys::memtable<Value>: Value's alignment must be 16 at most; hold a pointer");

 public:
  using value_type = Value;
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>, "frys::memtable: policy::pages wants a page source, see core/concepts.hpp");
  static constexpr std::size_t default_limit = policy::pick<policy::limit<0>, Policies...>::value;

  // What an insertion answers.
  struct insertion {
    Value* value;   // good until the key is erased
    bool inserted;  // false: the key was there
  };

  explicit memtable(memtable_options options = {}) noexcept
      : pool_(options.limit_bytes != 0 ? options.limit_bytes : default_limit), seed_(options.seed) {}
  memtable(const memtable&) = delete;
  memtable& operator=(const memtable&) = delete;
  ~memtable() { clear(); }

  // The hash that the functions below take: compute it once where a key is looked up, placed and inserted. Without a
  // seed it is frys::hash{}(key).
  [[nodiscard]] std::uint64_t hash_of(std::string_view key) const noexcept { return hash{seed_}(key); }
  // Fetches the key's bucket ahead of its use: for pipelines that know several keys.
  void prefetch(std::uint64_t hash) const noexcept {
    if (size_ != 0) detail::prefetch(&main_.at(hash));
  }
  // The second step, when the bucket has come: fetches the entry that the hash points to.
  void prefetch_entry(std::uint64_t hash) const noexcept {
    if (size_ == 0) return;
    const detail::bucket& b = main_.at(hash);
    if (const std::uint64_t hits = detail::tag_hits(b, detail::tag_word(hash)); hits != 0) {
      const auto* e = static_cast<const char*>(b.held[static_cast<unsigned>(std::countr_zero(hits)) / 8]);
      detail::prefetch(e);
      detail::prefetch(e + sizeof(entry));  // the key, often on the next line
    }
  }

  // nullptr if there is no such key.
  [[nodiscard]] Value* find(std::string_view key) noexcept { return find(key, hash_of(key)); }
  [[nodiscard]] const Value* find(std::string_view key) const noexcept { return find(key, hash_of(key)); }
  [[nodiscard]] Value* find(std::string_view key, std::uint64_t hash) noexcept {
    entry* e = locate(key, hash).found;
    return e == nullptr ? nullptr : &e->value;
  }
  [[nodiscard]] const Value* find(std::string_view key, std::uint64_t hash) const noexcept {
    const entry* e = locate(key, hash).found;
    return e == nullptr ? nullptr : &e->value;
  }
  [[nodiscard]] bool contains(std::string_view key) const noexcept { return find(key) != nullptr; }

  // Sets the key's value, new or not. Fails with limit_exceeded or out_of_memory and then changes nothing; too_large
  // for keys of 4 GiB and more.
  result<insertion> insert_or_assign(std::string_view key, Value value) noexcept {
    return insert_or_assign(key, hash_of(key), std::move(value));
  }
  result<insertion> insert_or_assign(std::string_view key, std::uint64_t hash, Value value) noexcept {
    if (entry* e = locate(key, hash).found) {
      e->value.~Value();
      ::new (static_cast<void*>(&e->value)) Value(std::move(value));
      return insertion{&e->value, false};
    }
    return add(key, hash, std::move(value));
  }
  // Leaves a key that is there as it is, and `value` is dropped. Fails as insert_or_assign does.
  result<insertion> try_insert(std::string_view key, Value value) noexcept {
    return try_insert(key, hash_of(key), std::move(value));
  }
  result<insertion> try_insert(std::string_view key, std::uint64_t hash, Value value) noexcept {
    if (entry* e = locate(key, hash).found) return insertion{&e->value, false};
    return add(key, hash, std::move(value));
  }

  // False if there was no such key.
  bool erase(std::string_view key) noexcept { return erase(key, hash_of(key)); }
  bool erase(std::string_view key, std::uint64_t hash) noexcept {
    const place p = locate(key, hash);
    if (p.found == nullptr) return false;
    detail::take_out(*p.head, *p.at, p.slot, pool_);
    destroy(p.found);
    --size_;
    step(erase_steps);
    if (old_.buckets == nullptr && main_.count > least_buckets && size_ < main_.count / shrink_below)
      resize(main_.count / 2);
    return true;
  }

  // Erases all keys and gives all memory back. O(size).
  void clear() noexcept {
    for (table* t : {&main_, &old_}) {
      for (std::size_t i = 0; i < t->count; ++i)
        detail::for_each_entry(t->buckets[i], [this](void* e) { destroy(static_cast<entry*>(e)); });
      if (t->buckets != nullptr) pool_.release_pages(t->memory);
      *t = {};
    }
    size_ = moved_ = 0;
    pool_.clear();
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  // Bytes of entries and buckets in use; what values own elsewhere is not counted.
  [[nodiscard]] std::size_t bytes() const noexcept { return pool_.in_use(); }
  // Bytes taken from the page source; what the limit is about.
  [[nodiscard]] std::size_t held_bytes() const noexcept { return pool_.held(); }
  [[nodiscard]] std::size_t limit_bytes() const noexcept { return pool_.limit(); }

  // f(std::string_view key, Value&) for each entry, in no order. f must not insert or erase.
  template <class F>
  void for_each(F&& f) {
    for (table* t : {&main_, &old_})
      for (std::size_t i = 0; i < t->count; ++i) visit(t->buckets[i], f);
  }

  // f(std::string_view key, Value&) for the entries of some buckets: about `count` of them, more where buckets are
  // fuller, fewer where ten times as many buckets are emptier. Start with cursor 0; goes on with what it answers, until
  // that is 0 again. f must not insert or erase.
  template <class F>
  [[nodiscard]] std::uint64_t scan(std::uint64_t cursor, std::size_t count, F&& f) {
    std::size_t given = 0;
    auto each = [&](detail::bucket& b) { given += visit(b, f); };
    for (std::size_t n = 0; given < (std::max)(count, std::size_t{1}) && n < count * 10 + 1; ++n) {
      cursor = scan_step(cursor, each);
      if (cursor == 0) break;
    }
    return cursor;
  }

  // As scan, and erases the entries for which wanted(std::string_view key, Value&) is true: how expired keys go.
  template <class F>
  [[nodiscard]] std::uint64_t sweep(std::uint64_t cursor, std::size_t count, F&& wanted) {
    std::size_t given = 0;
    auto each = [&](detail::bucket& head) {
      detail::erase_entries(head, pool_, [&](void* p) {
        entry* e = static_cast<entry*>(p);
        ++given;
        if (!wanted(e->key(), e->value)) return false;
        destroy(e);
        --size_;
        return true;
      });
    };
    for (std::size_t n = 0; given < (std::max)(count, std::size_t{1}) && n < count * 10 + 1; ++n) {
      cursor = scan_step(cursor, each);
      if (cursor == 0) break;
    }
    return cursor;
  }

  // Makes room for `entries` keys at once instead of step by step: before a log is replayed.
  result<void> reserve(std::size_t entries) noexcept {
    while (old_.buckets != nullptr)
      if (!step(old_.count)) return pool_.why();
    const std::size_t wanted = std::bit_ceil((std::max)(entries / grow_above + 1, least_buckets));
    if (wanted <= main_.count) return {};
    if (!resize(wanted)) return pool_.why();
    while (old_.buckets != nullptr)
      if (!step(old_.count)) return pool_.why();
    return {};
  }

  // Moves up to `buckets` old buckets, for idle moments. True while there is more to move.
  bool rehash_some(std::size_t buckets) noexcept {
    (void)step(buckets);
    return old_.buckets != nullptr;
  }

 private:
  // Buckets hold seven entries: at five on average one in eight has a second line. A table of n buckets is moved, one
  // bucket with each insertion, before the next of 2n has its 5n new entries.
  static constexpr std::size_t grow_above = 5, shrink_below = 2, least_buckets = 64, insert_steps = 1, erase_steps = 4;

  struct entry {
    std::uint64_t hash;
    std::uint32_t key_size;
    Value value;

    char* text() noexcept { return reinterpret_cast<char*>(this) + sizeof(entry); }
    std::string_view key() noexcept { return {text(), key_size}; }
    bool is(std::string_view k, std::uint64_t h) noexcept {
      return hash == h && key_size == k.size() && std::memcmp(text(), k.data(), k.size()) == 0;
    }
  };
  struct table {
    detail::bucket* buckets = nullptr;
    std::size_t count = 0;  // a power of two
    byte_span memory;

    std::size_t index(std::uint64_t h) const noexcept {
      return static_cast<std::size_t>(detail::place_bits(h)) & (count - 1);
    }
    detail::bucket& at(std::uint64_t h) const noexcept { return buckets[index(h)]; }
  };
  struct place {
    entry* found = nullptr;
    detail::bucket* head = nullptr;
    detail::bucket* at = nullptr;
    unsigned slot = 0;
  };

  place locate(std::string_view key, std::uint64_t hash) const noexcept {
    if (size_ == 0) return {};
    if (old_.buckets != nullptr && old_.index(hash) >= moved_) [[unlikely]]
      if (const place p = look(old_.at(hash), key, hash); p.found != nullptr) return p;
    return look(main_.at(hash), key, hash);
  }
  static place look(detail::bucket& head, std::string_view key, std::uint64_t hash) noexcept {
    const std::uint64_t tag = detail::tag_word(hash);
    for (detail::bucket* b = &head;; b = b->child()) {
      for (std::uint64_t hits = detail::tag_hits(*b, tag); hits != 0; hits &= hits - 1) {
        const unsigned slot = static_cast<unsigned>(std::countr_zero(hits)) / 8;
        entry* e = static_cast<entry*>(b->held[slot]);
        if (e->is(key, hash)) [[likely]]
          return {e, &head, b, slot};
      }
      if (!b->chained) return {};
    }
  }

  result<insertion> add(std::string_view key, std::uint64_t hash, Value&& value) noexcept {
    if (key.size() > 0xffffffffu) [[unlikely]]
      return error{errc::too_large, domain::storage, "a key of a memtable is 4 GiB or more", 0};
    if (size_ >= main_.count * grow_above) [[unlikely]] {
      // While an earlier resize is under way this one waits, and chains bear it. So they do when memory is refused.
      if (old_.buckets == nullptr && !resize((std::max)(main_.count * 2, least_buckets)) && main_.count == 0)
        return pool_.why();
    }
    step(insert_steps);
    void* memory = pool_.allocate(sizeof(entry) + key.size());
    if (memory == nullptr) [[unlikely]]
      return pool_.why();
    entry* e = ::new (memory) entry{hash, static_cast<std::uint32_t>(key.size()), std::move(value)};
    if (!key.empty()) std::memcpy(e->text(), key.data(), key.size());
    if (!detail::put_in(main_.at(hash), e, hash, pool_)) [[unlikely]] {
      destroy(e);
      return pool_.why();
    }
    ++size_;
    return insertion{&e->value, true};
  }
  void destroy(entry* e) noexcept {
    const std::size_t size = sizeof(entry) + e->key_size;
    e->~entry();
    pool_.release(e, size);
  }

  template <class F>
  static std::size_t visit(detail::bucket& head, F& f) {
    std::size_t n = 0;
    detail::for_each_entry(head, [&](void* p) {
      entry* e = static_cast<entry*>(p);
      f(e->key(), e->value);
      ++n;
    });
    return n;
  }

  // Makes an empty table of `count` buckets the main one; the entries follow step by step.
  FRYS_NOINLINE bool resize(std::size_t count) noexcept {
    const byte_span memory = pool_.allocate_pages(count * sizeof(detail::bucket));
    if (memory.empty()) return false;
    if (main_.buckets != nullptr) old_ = main_;
    moved_ = 0;
    main_ = {reinterpret_cast<detail::bucket*>(memory.data()), count, memory};
    return true;
  }
  // False if memory for a chained bucket was refused; nothing is lost, a later step tries again.
  bool step(std::size_t buckets) noexcept { return old_.buckets == nullptr || move_buckets(buckets); }
  FRYS_NOINLINE bool move_buckets(std::size_t buckets) noexcept {
    for (; buckets != 0 && moved_ < old_.count; --buckets, ++moved_) {
      detail::bucket& from = old_.buckets[moved_];
      if (moved_ + 1 < old_.count) detail::prefetch_entries(old_.buckets[moved_ + 1]);
      while (void* p = detail::last_entry(from)) {
        const std::uint64_t hash = static_cast<entry*>(p)->hash;
        if (!detail::put_in(main_.at(hash), p, hash, pool_)) return false;
        detail::drop_last(from, pool_);
      }
    }
    if (moved_ == old_.count) {
      pool_.release_pages(old_.memory);
      old_ = {};
      moved_ = 0;
    }
    return true;
  }

  // Visits what the cursor points at and answers the next one. The cursor counts in reversed bits: from the highest
  // bit of the index down, so that the buckets a cursor has passed are, split or joined, passed in any other size too.
  template <class F>
  std::uint64_t scan_step(std::uint64_t cursor, F& each) {
    if (main_.count == 0) return 0;
    if (old_.buckets == nullptr) {
      const std::uint64_t mask = main_.count - 1;
      each(main_.buckets[cursor & mask]);
      return detail::reverse_increment(cursor, mask);
    }
    const bool grows = old_.count < main_.count;
    table& little = grows ? old_ : main_;
    table& large = grows ? main_ : old_;
    const std::uint64_t small_mask = little.count - 1, large_mask = large.count - 1;
    each(little.buckets[cursor & small_mask]);
    do {  // all that the small table's bucket was split into, or will be joined from
      each(large.buckets[cursor & large_mask]);
      cursor = detail::reverse_increment(cursor, large_mask);
    } while ((cursor & (small_mask ^ large_mask)) != 0);
    return cursor;
  }

  table main_;  // where insertions go
  std::size_t size_ = 0;
  table old_;  // while the size changes: what has not moved yet, buckets [moved_, count)
  std::size_t moved_ = 0;
  detail::entry_pool<pages_type> pool_;
  std::uint64_t seed_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_STORAGE_MEMTABLE_HPP
