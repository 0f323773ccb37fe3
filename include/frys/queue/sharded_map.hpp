// sharded_map: a hash map that many threads read without a lock and without writing to shared memory, while others
// write.
//
// Use when  a table is read far more often than written: routes, sessions, names, configurations by key.
// Not when  writes are the rule (one map per thread, or a mutex), a bounded number of entries may be forgotten
//           (lookup_cache), or entries must be found in order.
// Roles     every operation: any thread, each with its own seat of the reclaimer.
// Progress  find, get, contains and for_each are wait-free as far as the reclaimer's pin is: they wait for nobody, also
//           while a shard grows. Where entries are words, a read is lock-free: it looks at a line again when a key that
//           was in it has been erased meanwhile. Writers wait for each other, at the lock of a shard, by policy::wait.
// Cost      a read: the reclaimer's pin, a line for the shard, one for the places, one for the entry. A write: a lock
//           and an unlock, and an allocation for what is new; a shard that grows writes all its places anew, not its
//           entries.
// Words     a key and a value that are trivially copyable and of eight bytes at most (numbers, pointers, handles) lie
//           in the places themselves: a read is a line less, a write allocates nothing and leaves nothing to reclaim,
//           but where a shard grows. That is so whenever both are (entries_are_words).
// Ordering  each key is linearizable by itself. What a thread did before it wrote an entry happens-before what follows
//           the read that found it. for_each is weakly consistent: it sees what is there all the time exactly once,
//           and what comes or goes meanwhile perhaps.
// Entries   are never changed once they are in: update and insert_or_assign put another one in the place. What a reader
//           holds (`entry`) stays as it was while it lives, and keeps the domain from reclaiming, as its pin does; an
//           entry of words is a copy, and keeps nothing.
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
// Source    see detail/tagged_table.hpp and detail/word_table.hpp.
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
#include "../core/word_lock.hpp"
#include "../memory/epoch_domain.hpp"
#include "../memory/pages.hpp"
#include "../memory/reclaim.hpp"
#include "../policy.hpp"
#include "detail/keys.hpp"
#include "detail/tagged_table.hpp"
#include "detail/word_table.hpp"

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

  static constexpr bool entries_are_words = detail::fits_word<Key> && detail::fits_word<Value>;

 private:
  using table =
      typename std::conditional_t<entries_are_words,
                                  std::type_identity<detail::word_table<Key, Value, atomics_type, pages_type>>,
                                  std::type_identity<detail::tagged_table<Key, Value, atomics_type, pages_type>>>::type;
  using view = typename table::view;
  using pin_type = decltype(std::declval<participant&>().pin());
  template <class K>
  static constexpr bool fits = key_hash<hash_type, K>&& detail::comparable_key<Key, K>;

 public:
  // What a read has found; false: nothing. It stays while this lives. For the thread whose seat it is.
  class entry {
   public:
    explicit operator bool() const noexcept { return static_cast<bool>(found_); }
    // The others: only if it is true.
    [[nodiscard]] const Key& key() const noexcept { return found().key(); }
    [[nodiscard]] const Value& value() const noexcept { return found().value(); }
    const Value& operator*() const noexcept { return found().value(); }
    const Value* operator->() const noexcept { return std::addressof(found().value()); }

   private:
    friend sharded_map;
    struct nothing {};
    template <class K>
    requires table::keeps FRYS_ALWAYS_INLINE entry(const sharded_map& map, participant& seat, const K& key)
    noexcept : pin_(seat.pin()), found_(map.look(key)) {}
    template <class K>
    requires(!table::keeps) FRYS_ALWAYS_INLINE entry(const sharded_map& map, participant& seat, const K& key)
    noexcept : found_(map.pinned_look(seat, key)) {}
    const view& found() const noexcept {
      FRYS_ASSERT(found_, "sharded_map::entry: used although nothing was found");
      return found_;
    }
    [[no_unique_address]] std::conditional_t<table::keeps, pin_type, nothing> pin_;
    view found_;
  };

  sharded_map() = default;
  explicit sharded_map(hash_type h) noexcept : hash_(std::move(h)) {}
  sharded_map(const sharded_map&) = delete;
  sharded_map& operator=(const sharded_map&) = delete;

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
    const view found = look(key);
    return found ? std::optional<Value>(found.value()) : std::nullopt;
  }
  template <class K>
  requires fits<K>
  [[nodiscard]] bool contains(participant& seat, const K& key) const noexcept {
    [[maybe_unused]] const auto pinned = seat.pin();
    return static_cast<bool>(look(key));
  }
  // Calls f(key, value) for each entry. f may call the map.
  template <class F>
  void for_each(participant& seat, F&& f) const {
    [[maybe_unused]] const auto pinned = seat.pin();
    for (const shard& s : shards_) s.entries.for_each(f);
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
    return write(seat, std::as_const(key), [&](shard& s, const auto& at, std::uint64_t h, auto& left) {
      if (at.is_taken()) return outcome::same;
      return add(s, at, h, left, std::forward<K>(key), std::forward<Args>(args)...);
    });
  }
  // Puts in Value(args...) for the key, in the place of what was there: whether the key is new.
  template <class K, class... Args>
  requires fits<std::remove_cvref_t<K>> && std::is_constructible_v<Key, K&&> && std::is_constructible_v<Value, Args...>
      result<bool> insert_or_assign(participant& seat, K&& key, Args&&... args) {
    return write(seat, std::as_const(key), [&](shard& s, const auto& at, std::uint64_t h, auto& left) {
      if (!at.is_taken()) return add(s, at, h, left, std::forward<K>(key), std::forward<Args>(args)...);
      return s.entries.replace(at, h, left, std::forward<K>(key), std::forward<Args>(args)...) ? outcome::same
                                                                                               : outcome::no_memory;
    });
  }
  // f(value) changes a copy of the key's value, which takes its place: whether there is such a key. Other writers of
  // the shard wait; f must not call the map.
  template <class K, class F>
  requires fits<K> && std::is_copy_constructible_v<Key> && std::is_copy_constructible_v<Value> &&
      std::is_invocable_v<F&, Value&>
          result<bool> update(participant& seat, const K& key, F&& f) {
    bool found = false;
    auto done = write(seat, key, [&](shard& s, const auto& at, std::uint64_t, auto& left) {
      found = at.is_taken();
      return !found || s.entries.change(at, left, f) ? outcome::same : outcome::no_memory;
    });
    if (!done) return done.error();
    return found;
  }
  // Whether there was such a key.
  template <class K>
  requires fits<K> result<bool> erase(participant& seat, const K& key)
  noexcept {
    return write(seat, key, [](shard& s, const auto& at, std::uint64_t, auto& left) {
      if (!at.is_taken()) return outcome::same;
      s.entries.take_out(at, left);
      s.count.store(s.count.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);  // relaxed: a number
      return outcome::done;
    });
  }

 private:
  template <class U>
  using atomic = typename atomics_type::template atomic<U>;
  using lock_type = word_lock<atomics_type, wait_type>;

  struct alignas(2 * cache_line) shard {
    // Readers' line.
    table entries;
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
  [[nodiscard]] FRYS_ALWAYS_INLINE view look(const K& key) const noexcept {
    const std::uint64_t h = hashed(key);
    return shard_of(h).entries.find(h, key);
  }
  template <class K>
  [[nodiscard]] FRYS_ALWAYS_INLINE view pinned_look(participant& seat, const K& key) const noexcept {
    [[maybe_unused]] const auto pinned = seat.pin();
    return look(key);
  }

  enum class outcome { same, done, no_memory };

  // change(shard, place, hash, rest) does it, with the shard's lock held: whether the number of keys has changed.
  template <class K, class F>
  result<bool> write(participant& seat, const K& key, F&& change) {
    if (!has_room(seat)) return no_room;
    const std::uint64_t h = hashed(key);
    shard& s = shard_of(h);
    typename table::rest left;
    outcome what;
    {
      const held_lock<lock_type> held(s.lock);
      what = change(s, s.entries.seek(h, key), h, left);
    }
    [[maybe_unused]] const bool taken = left.retire(seat);
    FRYS_ASSERT(taken, "sharded_map: a seat with room() has refused what is retired");
    if (what == outcome::no_memory) return no_memory;
    return what == outcome::done;
  }
  template <class Place, class K, class... Args>
  outcome add(shard& s, const Place& at, std::uint64_t h, typename table::rest& left, K&& key, Args&&... args) {
    const std::size_t count = s.count.load(std::memory_order_relaxed);  // relaxed: only who has the lock writes it
    const auto hash_of = [this](const Key& k) noexcept { return hashed(k); };
    if (!s.entries.add(at, h, count, left, hash_of, std::forward<K>(key), std::forward<Args>(args)...))
      return outcome::no_memory;
    s.count.store(count + 1, std::memory_order_relaxed);  // relaxed: a number
    return outcome::done;
  }

  // For what one write may retire.
  static bool has_room(participant& seat) noexcept {
    if (seat.room() >= table::rest::most) [[likely]]
      return true;
    seat.quiesce();
    return seat.room() >= table::rest::most;
  }

  [[no_unique_address]] hash_type hash_{};
  shard shards_[shard_count];
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_SHARDED_MAP_HPP
