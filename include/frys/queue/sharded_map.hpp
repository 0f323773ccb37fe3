// sharded_map: a hash map that many threads read without a lock and without writing to shared memory, while others
// write.
//
// Use when  a table is read far more often than written: routes, sessions, names, configurations by key.
// Not when  writes are the rule (one map per thread, or a mutex), a bounded number of entries may be forgotten
//           (lookup_cache), or entries must be found in order.
// Roles     every operation: any thread, each with its own seat of the reclaimer.
// Progress  find, get, contains and for_each are wait-free as far as the reclaimer's pin is: they wait for nobody, also
//           while a shard grows. Writers wait for each other, at the lock of a shard, by policy::wait.
// Cost      a read: the reclaimer's pin, a line for the shard, one for the places, one for the entry. A write: a lock
//           and an unlock, and an allocation for what is new; a shard that grows writes all its places anew, not its
//           entries.
// Ordering  each key is linearizable by itself. What a thread did before it wrote an entry happens-before what follows
//           the read that found it. for_each is weakly consistent: it sees what is there all the time exactly once,
//           and what comes or goes meanwhile perhaps.
// Entries   are never changed once they are in: update and insert_or_assign put another one in the place. What a reader
//           holds (`entry`) stays as it was while it lives, and keeps the domain from reclaiming, as its pin does.
//           Keys hash and compare without throwing; what constructors and update's function throw goes through.
// Lifetime  destroy it when no other thread can call it and no entry is held, before the domain.
//
// Policies, in any order, each at most once:
//   policy::reclaimer<D>  the domain, see memory/reclaim.hpp; with pins   default epoch_domain<>
//   policy::shards<N>     a power of two, 1 to 4096; writers meet in one  default 16
//   policy::hash<H>       a function of keys to 64 bits                   default frys::hash
//   policy::wait<W>       how writers wait for each other                 default wait::spin_then_park
//   policy::pages<P>      memory of the places; entries are allocated     default heap_pages
// The atomics are those of the domain.
// Source    see detail/tagged_table.hpp.
#ifndef FRYS_QUEUE_SHARDED_MAP_HPP
#define FRYS_QUEUE_SHARDED_MAP_HPP

#include <atomic>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/bytes.hpp"
#include "../core/cache_line.hpp"
#include "../core/concepts.hpp"
#include "../core/hash.hpp"
#include "../core/result.hpp"
#include "../core/wait.hpp"
#include "../memory/epoch_domain.hpp"
#include "../memory/pages.hpp"
#include "../memory/reclaim.hpp"
#include "../policy.hpp"
#include "detail/keys.hpp"
#include "detail/shard_lock.hpp"
#include "detail/tagged_table.hpp"

namespace frys::inline FRYS_ABI {

namespace policy {
struct shards_key {};  // a number of shards
template <std::size_t N>
struct shards {
  using key = shards_key;
  static constexpr std::size_t value = N;
};
}  // namespace policy

template <class Key, class Value, class... Policies>
class sharded_map {
  using accepted =
      policy::keys<policy::reclaimer_key, policy::shards_key, policy::hash_key, policy::wait_key, policy::pages_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::sharded_map: unknown policy; it takes policy::reclaimer, policy::shards, policy::hash, "
                "policy::wait, policy::pages and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::sharded_map: a policy is given twice; name each at most once");
  static_assert(std::is_object_v<Key> && !std::is_const_v<Key> && std::is_nothrow_destructible_v<Key> &&
                    std::is_object_v<Value> && !std::is_const_v<Value> && std::is_nothrow_destructible_v<Value>,
                "frys::sharded_map<Key, Value>: both must be object types, not const, that die without throwing");
  using named_world = typename policy::detail::find<policy::world_key, Policies...>::type;
  template <class World>
  struct domain_of {
    using type = epoch_domain<World>;
  };

 public:
  using key_type = Key;
  using mapped_type = Value;
  using reclaimer_type = typename policy::pick<
      policy::reclaimer<typename std::conditional_t<std::is_void_v<named_world>, std::type_identity<epoch_domain<>>,
                                                    domain_of<named_world>>::type>,
      Policies...>::type;
  static_assert(reclaimer<reclaimer_type>,
                "frys::sharded_map: policy::reclaimer wants a reclamation domain, see memory/reclaim.hpp");
  static_assert(reclaimer_type::has_pin,
                "frys::sharded_map: policy::reclaimer wants a domain with pins: a look touches several objects");
  using atomics_type = typename reclaimer_type::atomics_type;
  using participant = typename reclaimer_type::participant;
  using hash_type = typename policy::pick<policy::hash<frys::hash>, Policies...>::type;
  static_assert(key_hash<hash_type, Key>, "frys::sharded_map: policy::hash wants a function of the keys to a number");
  using wait_type = typename policy::pick<policy::wait<wait::spin_then_park>, Policies...>::type;
  static_assert(wait_policy<wait_type, atomics_type>,
                "frys::sharded_map: policy::wait wants a wait policy, see core/wait.hpp");
  using pages_type = typename policy::pick<policy::pages<heap_pages>, Policies...>::type;
  static_assert(page_source<pages_type>, "frys::sharded_map: policy::pages wants a page source, see core/concepts.hpp");
  static constexpr std::size_t shard_count = policy::pick<policy::shards<16>, Policies...>::value;
  static_assert(std::has_single_bit(shard_count) && shard_count <= 4096,
                "frys::sharded_map: policy::shards must be a power of two, 1 to 4096");

 private:
  struct node {
    template <class K, class... Args>
    node(std::uint64_t h, K&& k, Args&&... args)
        : hash(h), key(std::forward<K>(k)), value(std::forward<Args>(args)...) {}
    // None of them changes once the node is in. Not const, since update writes to a value that nobody else has yet.
    std::uint64_t hash;
    Key key;
    Value value;
  };
  using table = detail::tagged_table<node, atomics_type, pages_type>;
  using pin_type = decltype(std::declval<participant&>().pin());
  template <class K>
  static constexpr bool fits = key_hash<hash_type, K>&& detail::comparable_key<Key, K>;

 public:
  // What a read has found; false: nothing. It stays while this lives. For the thread whose seat it is.
  class entry {
   public:
    explicit operator bool() const noexcept { return node_ != nullptr; }
    // The others: only if it is true.
    [[nodiscard]] const Key& key() const noexcept { return found().key; }
    [[nodiscard]] const Value& value() const noexcept { return found().value; }
    const Value& operator*() const noexcept { return found().value; }
    const Value* operator->() const noexcept { return std::addressof(found().value); }

   private:
    friend sharded_map;
    template <class K>
    FRYS_ALWAYS_INLINE entry(const sharded_map& map, participant& seat, const K& key) noexcept
        : pin_(seat.pin()), node_(map.look(key)) {}
    const node& found() const noexcept {
      FRYS_ASSERT(node_ != nullptr, "sharded_map::entry: used although nothing was found");
      return *node_;
    }
    pin_type pin_;
    const node* node_;
  };

  sharded_map() = default;
  explicit sharded_map(hash_type h) noexcept : hash_(std::move(h)) {}
  sharded_map(const sharded_map&) = delete;
  sharded_map& operator=(const sharded_map&) = delete;
  ~sharded_map() {
    for (shard& s : shards_) {
      table* const t = s.places.load(std::memory_order_relaxed);  // relaxed: nobody else is left
      if (t == nullptr) continue;
      t->for_each([](node& n) { delete &n; });
      table::drop(t);
    }
  }

  // Any thread. `key`: a Key, or what hashes and compares as one; bytes and texts for each other.
  template <class K>
  requires fits<K>
  [[nodiscard]] FRYS_ALWAYS_INLINE entry find(participant& seat, const K& key) const noexcept {
    return entry(*this, seat, key);
  }
  // A copy of the value.
  template <class K>
  requires fits<K> && std::is_copy_constructible_v<Value>
  [[nodiscard]] std::optional<Value> get(participant& seat, const K& key) const
      noexcept(std::is_nothrow_copy_constructible_v<Value>) {
    [[maybe_unused]] const auto pinned = seat.pin();
    const node* const n = look(key);
    return n == nullptr ? std::nullopt : std::optional<Value>(n->value);
  }
  template <class K>
  requires fits<K>
  [[nodiscard]] bool contains(participant& seat, const K& key) const noexcept {
    [[maybe_unused]] const auto pinned = seat.pin();
    return look(key) != nullptr;
  }
  // Calls f(key, value) for each entry. f may call the map.
  template <class F>
  void for_each(participant& seat, F&& f) const {
    [[maybe_unused]] const auto pinned = seat.pin();
    for (const shard& s : shards_)
      // sync(sharded_map.table): acquire; as in look.
      if (const table* const t = s.places.load(std::memory_order_acquire); t != nullptr)
        t->for_each([&f](const node& n) { f(n.key, n.value); });
  }
  // May be stale on return.
  [[nodiscard]] std::size_t size_hint() const noexcept {
    std::size_t n = 0;
    for (const shard& s : shards_) n += s.count.load(std::memory_order_relaxed);  // relaxed: a number, not an order
    return n;
  }

  // The writes: any thread. errc::out_of_memory when there is none; errc::full when the seat holds as much garbage as
  // its domain allows, less one, because a reader does not come to an end. Then nothing has changed; nor when a
  // constructor throws.

  // Puts in Key(key) with Value(args...), if there is no such key: whether it did.
  template <class K, class... Args>
  requires fits<std::remove_cvref_t<K>> && std::is_constructible_v<Key, K&&> && std::is_constructible_v<Value, Args...>
      result<bool> insert(participant& seat, K&& key, Args&&... args) {
    return write(seat, std::as_const(key), [&](std::uint64_t h, node* old) -> node* {
      return old != nullptr ? old : make(h, std::forward<K>(key), std::forward<Args>(args)...);
    });
  }
  // Puts in Value(args...) for the key, in the place of what was there: whether the key is new.
  template <class K, class... Args>
  requires fits<std::remove_cvref_t<K>> && std::is_constructible_v<Key, K&&> && std::is_constructible_v<Value, Args...>
      result<bool> insert_or_assign(participant& seat, K&& key, Args&&... args) {
    return write(seat, std::as_const(key), [&](std::uint64_t h, node*) -> node* {
      return make(h, std::forward<K>(key), std::forward<Args>(args)...);
    });
  }
  // f(value) changes a copy of the key's value, which takes its place: whether there is such a key. Other writers of
  // the shard wait; f must not call the map.
  template <class K, class F>
  requires fits<K> && std::is_copy_constructible_v<Key> && std::is_copy_constructible_v<Value> &&
      std::is_invocable_v<F&, Value&>
          result<bool> update(participant& seat, const K& key, F&& f) {
    bool found = false;
    auto done = write(seat, key, [&](std::uint64_t h, node* old) -> node* {
      if (old == nullptr) return nothing();
      found = true;
      std::unique_ptr<node> next(make(h, old->key, old->value));
      if (next != nullptr) f(next->value);  // ours alone until it is put in
      return next.release();
    });
    if (!done) return done.error();
    return found;
  }
  // Whether there was such a key.
  template <class K>
  requires fits<K> result<bool> erase(participant& seat, const K& key)
  noexcept {
    if (!has_room(seat)) return no_room;
    const std::uint64_t h = hashed(key);
    shard& s = shard_of(h);
    node* old = nullptr;
    {
      const held_lock held(s.lock);
      table* const t = s.places.load(std::memory_order_relaxed);  // relaxed: only who has the lock writes it
      if (t == nullptr) return false;
      const auto at = t->seek(h, [&key](const node& n) { return detail::same_key(n.key, key); });
      if (at.node == nullptr) return false;
      old = at.node;
      t->take_out(at);
      s.count.store(s.count.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);  // relaxed: a number
    }
    retire(seat, old);
    return true;
  }

 private:
  template <class U>
  using atomic = typename atomics_type::template atomic<U>;
  using lock_type = detail::shard_lock<atomics_type, wait_type>;
  using held_lock = detail::held_lock<lock_type>;

  struct alignas(2 * cache_line) shard {
    // Readers' line.
    atomic<table*> places{nullptr};
    // Writers'.
    alignas(cache_line) lock_type lock;
    atomic<std::size_t> count{0};
  };

  static constexpr error no_memory{errc::out_of_memory, domain::memory, "no memory for an entry of a sharded_map", 0};
  static constexpr error no_room{errc::full, domain::memory, "a sharded_map's old entries cannot go: a reader stays",
                                 0};

  template <class K>
  [[nodiscard]] FRYS_ALWAYS_INLINE std::uint64_t hashed(const K& key) const noexcept {
    const auto h = static_cast<std::uint64_t>(hash_(key));
    // Others' hashes may leave the upper bits as they are.
    return std::same_as<hash_type, frys::hash> ? h : hash_integer(h);
  }
  static constexpr unsigned shard_shift = 64 - static_cast<unsigned>(std::countr_zero(shard_count));
  [[nodiscard]] FRYS_ALWAYS_INLINE const shard& shard_of(std::uint64_t hash) const noexcept {
    if constexpr (shard_count == 1)
      return shards_[0];
    else
      return shards_[hash >> shard_shift];
  }
  [[nodiscard]] shard& shard_of(std::uint64_t hash) noexcept {
    return const_cast<shard&>(std::as_const(*this).shard_of(hash));
  }

  // Pinned.
  template <class K>
  [[nodiscard]] FRYS_ALWAYS_INLINE const node* look(const K& key) const noexcept {
    const std::uint64_t h = hashed(key);
    // sync(sharded_map.table): acquire; the table is whole, with all that was in the one before.
    const table* const t = shard_of(h).places.load(std::memory_order_acquire);
    if (t == nullptr) [[unlikely]]
      return nullptr;
    return t->find(h, [&key](const node& n) { return detail::same_key(n.key, key); });
  }

  template <class... Args>
  static node* make(Args&&... args) {
    return new (std::nothrow) node(std::forward<Args>(args)...);
  }
  // What `next` answers below when nothing shall be put in.
  static node* nothing() noexcept { return reinterpret_cast<node*>(alignof(node)); }

  // next(hash, old) answers the node that takes the old one's place: the same, another, nullptr for no memory.
  template <class K, class F>
  result<bool> write(participant& seat, const K& key, F&& next) {
    if (!has_room(seat)) return no_room;
    const std::uint64_t h = hashed(key);
    shard& s = shard_of(h);
    node* old = nullptr;
    table* outgrown = nullptr;
    {
      const held_lock held(s.lock);
      const auto is_it = [&key](const node& n) { return detail::same_key(n.key, key); };
      table* t = s.places.load(std::memory_order_relaxed);  // relaxed: only who has the lock writes it
      auto at = t == nullptr ? typename table::place{} : t->seek(h, is_it);
      old = at.node;
      node* const made = next(h, old);
      if (made == nullptr) return no_memory;
      if (made == old || made == nothing()) return false;
      if (old != nullptr) {
        t->replace(at, made);
      } else {
        const std::size_t count = s.count.load(std::memory_order_relaxed);  // relaxed: as above
        if (t == nullptr || count >= t->most()) {
          if (table* const larger = grown(t); larger != nullptr) {
            outgrown = t;
            t = larger;
            at = t->seek(h, [](const node&) { return false; });
          }
          if (!at) {
            delete made;
            return no_memory;
          }
        }
        t->put(at, made);
        // sync(sharded_map.table): release; the table is whole before a reader can have it.
        if (t != s.places.load(std::memory_order_relaxed)) s.places.store(t, std::memory_order_release);
        s.count.store(count + 1, std::memory_order_relaxed);  // relaxed: a number
      }
    }
    if (old != nullptr) retire(seat, old);
    if (outgrown != nullptr) {
      [[maybe_unused]] const bool taken = seat.retire(static_cast<void*>(outgrown), &drop_table);
      FRYS_ASSERT(taken, "sharded_map: a seat with room() has refused a retired table");
    }
    return old == nullptr;
  }
  // A table of twice the size with the same nodes; nullptr when the source refuses.
  static table* grown(const table* from) noexcept {
    table* const to = table::make(from == nullptr ? 1 : 2 * from->bytes());
    if (to != nullptr && from != nullptr)
      from->for_each([to](node& n) { to->put(to->seek(n.hash, [](const node&) { return false; }), &n); });
    return to;
  }
  static void drop_table(void* t) noexcept { table::drop(t); }

  // For what one write may retire.
  static bool has_room(participant& seat) noexcept {
    if (seat.room() >= 2) [[likely]]
      return true;
    seat.quiesce();
    return seat.room() >= 2;
  }
  static void retire(participant& seat, node* old) noexcept {
    [[maybe_unused]] const bool taken = seat.retire(old);
    FRYS_ASSERT(taken, "sharded_map: a seat with room() has refused a retired entry");
  }

  [[no_unique_address]] hash_type hash_{};
  shard shards_[shard_count];
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_SHARDED_MAP_HPP
