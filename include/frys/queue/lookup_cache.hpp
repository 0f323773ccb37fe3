// lookup_cache: a bounded cache of small values by key, which any number of threads read without a lock.
//
// Use when  the answers of something slow (a name server, a table on disk, a computation) are wanted again and again,
//           and may be forgotten at any time.
// Not when  nothing may be forgotten or values own something (sharded_map), or there is one value (seqlock).
// Roles     handle(): what a thread looks up and puts in with; one thread at a time. invalidate, clear, stats: any
//           thread.
// Sets      a key belongs to one set of policy::ways entries; a full set forgets one that was not read since the hand
//           came by last (CLOCK). So a cache may forget before it is full.
// Progress  get is wait-free: who meets writers in a set a few times answers a miss. put and invalidate wait for a
//           writer of the same set; put_if does not, it gives up.
// Cost      get: two lines, the set's head and the entry; no read-modify-write; no write but a mark on the first hit
//           after the hand, so hits share their lines. put: a compare-exchange. clear: one addition, whatever the size.
// Ordering  what a thread did before it put a value happens-before what follows the get that has it. Who comes after an
//           invalidate or a clear does not find what was there before. A value computed from what was true before it is
//           not put in after it, if it is put by ticket: get_or does.
// Lifetime  the entries lie in the object. Destroy it when no other thread can call it; no handle may outlive it.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>  entries, a power of two, at least the ways   default 1024
//   policy::ways<N>      entries of a set: 1, 2, 4 or 8               default 8
//   policy::hash<H>      a function of keys to 64 bits                default frys::hash
//   policy::atomics<A>   the atomics model                            default atomics::standard
// Source    F. Corbato, "A paging experiment with the Multics system", 1968 (CLOCK); the sets: as a processor's cache;
//           the tickets: R. Nishtala et al., "Scaling memcache at Facebook", NSDI 2013 (leases); see also seqlock.hpp.
#ifndef FRYS_QUEUE_LOOKUP_CACHE_HPP
#define FRYS_QUEUE_LOOKUP_CACHE_HPP

#include <atomic>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/backoff.hpp"
#include "../core/cache_line.hpp"
#include "../core/counter.hpp"
#include "../core/hash.hpp"
#include "../core/wait.hpp"
#include "../core/word_lock.hpp"
#include "../policy.hpp"
#include "detail/atomic_words.hpp"
#include "detail/keys.hpp"

namespace frys::inline FRYS_ABI {

namespace policy {
struct ways_key {};  // a number of entries
template <std::size_t N>
struct ways {
  using key = ways_key;
  static constexpr std::size_t value = N;
};
}  // namespace policy

template <class Key, class Value, class... Policies>
class lookup_cache {
  using accepted = policy::keys<policy::capacity_key, policy::ways_key, policy::hash_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::lookup_cache: unknown policy; it takes policy::capacity, policy::ways, policy::hash, "
                "policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::lookup_cache: a policy is given twice; name each at most once");
  static_assert(std::is_trivially_copyable_v<Key> && std::is_trivially_copyable_v<Value> && std::is_object_v<Key> &&
                    std::is_object_v<Value> && !std::is_const_v<Key> && !std::is_const_v<Value>,
                "frys::lookup_cache<Key, Value>: both must be trivially copyable; for what owns something take "
                "sharded_map");

 public:
  using key_type = Key;
  using mapped_type = Value;
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::lookup_cache: policy::atomics wants an atomics model, see core/atomics.hpp");
  using hash_type = typename policy::pick<policy::hash<frys::hash>, Policies...>::type;
  static_assert(key_hash<hash_type, Key> && std::equality_comparable<Key>,
                "frys::lookup_cache: policy::hash wants a function of the keys to a number, and keys that compare");
  static constexpr std::size_t ways = policy::pick<policy::ways<8>, Policies...>::value;
  static_assert(std::has_single_bit(ways) && ways <= 8, "frys::lookup_cache: policy::ways must be 1, 2, 4 or 8");
  static constexpr std::size_t capacity = policy::pick<policy::capacity<1024>, Policies...>::value;
  static_assert(std::has_single_bit(capacity) && capacity >= ways && capacity <= std::size_t{1} << 31,
                "frys::lookup_cache: policy::capacity must be a power of two, at least policy::ways, at most 2^31");

  // What was the state of a key's set, before its value was computed.
  class ticket {
    friend lookup_cache;
    std::uint64_t sequence = 1;  // odd: of no use
    std::uint64_t generation = 0;
  };
  struct statistics {
    std::uint64_t hits = 0, misses = 0;
    std::uint64_t evictions = 0;  // entries that gave way to others
    std::uint64_t refusals = 0;   // values that were not put in, because their ticket was an old one
  };
  class handle_type;

  lookup_cache() noexcept = default;
  lookup_cache(const lookup_cache&) = delete;
  lookup_cache& operator=(const lookup_cache&) = delete;

  // Any thread. One for each thread that looks up.
  [[nodiscard]] handle_type handle() noexcept { return handle_type(*this); }

  // Any thread. Forgets the key, and makes tickets of its set void: whether it was there.
  bool invalidate(const Key& key) noexcept {
    const std::uint64_t h = hashed(key);
    set& s = set_of(h);
    const writer held(s);
    const std::size_t at = held.is_of(generation_of_now()) ? s.seek(h, key) : ways;
    if (at == ways) return false;
    s.tag(at, 0);
    return true;
  }
  // Any thread. Forgets all, and makes all tickets void.
  void clear() noexcept {
    // sync(lookup_cache.clear): release; who has the new number as his ticket knows what came before the clear.
    generation_.fetch_add(1, std::memory_order_release);
  }
  // Any thread. Of all handles, also those that are gone.
  [[nodiscard]] statistics stats() const noexcept {
    const held_lock<lock_type> held(handles_lock_);
    statistics sum = gone_;
    for (const handle_type* h = handles_; h != nullptr; h = h->next_) h->add_to(sum);
    return sum;
  }

 private:
  template <class U>
  using atomic = typename atomics_type::template atomic<U>;
  using lock_type = word_lock<atomics_type, wait::spin_then_park>;
  struct pair {
    Key key;
    Value value;
  };
  using words = detail::atomic_words<pair, atomics_type>;
  static constexpr std::size_t set_count = capacity / ways;
  static constexpr unsigned tries = 4;

  // A set. Its head is one line; the sequence is that of a seqlock.
  struct alignas(cache_line) set {
    atomic<std::uint64_t> sequence{0};    // odd: somebody writes
    atomic<std::uint64_t> generation{0};  // of all its entries
    atomic<std::uint64_t> tags{0};        // a byte of the hash for each entry; 0: none
    atomic<std::uint8_t> is_read[ways] = {};
    typename atomics_type::template var<std::uint8_t> hand{std::uint8_t{0}};
    words entries[ways];

    // ---- for who writes, by the sequence. relaxed: it orders all.
    void tag(std::size_t at, std::uint64_t t) noexcept {
      const std::uint64_t now = tags.load(std::memory_order_relaxed);
      tags.store((now & ~(std::uint64_t{0xff} << (8 * at))) | t << (8 * at), std::memory_order_relaxed);
    }
    // ways: it is not there.
    [[nodiscard]] std::size_t seek(std::uint64_t h, const Key& key) const noexcept {
      // relaxed: see above
      for (std::uint64_t same = equal(tags.load(std::memory_order_relaxed), tag_of(h)); same != 0; same &= same - 1) {
        const auto at = static_cast<std::size_t>(std::countr_zero(same)) / 8;
        typename words::copy c;
        entries[at].load(c);
        if (words::value(c).key == key) return at;
      }
      return ways;
    }
    // A free place, or one that was not read since the hand came by.
    [[nodiscard]] std::size_t place(bool& evicts) noexcept {
      const std::uint64_t gaps = equal(tags.load(std::memory_order_relaxed), 0);  // relaxed: see above
      evicts = gaps == 0;
      if (!evicts) return static_cast<std::size_t>(std::countr_zero(gaps)) / 8;
      std::size_t at = hand.get();
      // Twice round at most, whatever readers do. relaxed, both: marks.
      for (std::size_t i = 0; i < 2 * ways && is_read[at].load(std::memory_order_relaxed) != 0; ++i) {
        is_read[at].store(0, std::memory_order_relaxed);  // relaxed: as above
        at = (at + 1) % ways;
      }
      hand.ref() = static_cast<std::uint8_t>((at + 1) % ways);
      return at;
    }
  };

  // Who writes a set, if it is true.
  class writer {
   public:
    explicit writer(set& s) noexcept : set_(&s) {
      for (backoff<atomics_type> patience;; patience.pause()) {
        // sync(lookup_cache.publish): acquire; what writers before us wrote is ours to read and to write over.
        before_ = s.sequence.load(std::memory_order_acquire);
        if (before_ % 2 == 0 && taken()) return;
      }
    }
    // If nobody has written since the sequence was `before`.
    writer(set& s, std::uint64_t before) noexcept : set_(&s), before_(before) {
      if (before % 2 != 0 || !taken()) set_ = nullptr;
    }
    writer(const writer&) = delete;
    writer& operator=(const writer&) = delete;
    ~writer() {
      // sync(lookup_cache.publish): release; all is written before the even sequence says so.
      if (set_ != nullptr) set_->sequence.store(before_ + 2, std::memory_order_release);
    }
    explicit operator bool() const noexcept { return set_ != nullptr; }
    // Whether the set's entries are of that generation. relaxed: ours.
    [[nodiscard]] bool is_of(std::uint64_t generation) const noexcept {
      return set_->generation.load(std::memory_order_relaxed) == generation;
    }

   private:
    [[nodiscard]] bool taken() noexcept {
      std::uint64_t seen = before_;
      // relaxed, both: what the sequence at `before` has published is known from the look at it, and if this succeeds
      // nobody has written since.
      if (!set_->sequence.compare_exchange_strong(seen, before_ + 1, std::memory_order_relaxed,
                                                  std::memory_order_relaxed))
        return false;
      // sync(lookup_cache.begin): release fence; who sees a word of ours sees the odd sequence.
      atomics_type::fence(std::memory_order_release);
      return true;
    }
    set* set_;
    std::uint64_t before_ = 0;
  };

  static constexpr std::uint64_t ones = 0x0101010101010101u, highs = ones * 0x80;
  static constexpr std::uint64_t tag_of(std::uint64_t h) noexcept { return 0x80 | (h >> 57); }
  // The high bit of each of a set's tags that is equal.
  static constexpr std::uint64_t equal(std::uint64_t tags, std::uint64_t tag) noexcept {
    const std::uint64_t x = tags ^ tag * ones;
    return ~(((x & ~highs) + ~highs) | x) & highs & (~std::uint64_t{0} >> (64 - 8 * ways));
  }
  [[nodiscard]] std::uint64_t hashed(const Key& key) const noexcept {
    const auto h = static_cast<std::uint64_t>(hash_(key));
    return std::same_as<hash_type, frys::hash> ? h : hash_integer(h);  // others' may leave the upper bits as they are
  }
  [[nodiscard]] set& set_of(std::uint64_t h) noexcept { return sets_[h % set_count]; }
  [[nodiscard]] std::uint64_t generation_of_now() const noexcept {
    return generation_.load(std::memory_order_relaxed);  // relaxed: no thread sees it go back
  }

  [[nodiscard]] std::optional<Value> look(const Key& key, ticket& on_miss) noexcept {
    const std::uint64_t h = hashed(key);
    set& s = set_of(h);
    on_miss = ticket();  // a look that gives up leaves none that may be of another key
    for (unsigned i = 0; i < tries; ++i) {
      if (i != 0) rest();
      // sync(lookup_cache.publish): acquire; the words are at least as new as the sequence; and who has this as his
      // ticket knows what came before.
      const std::uint64_t sequence = s.sequence.load(std::memory_order_acquire);
      if (sequence % 2 != 0) continue;
      // sync(lookup_cache.clear): acquire, by the fence in is_still, before anything is made of it.
      const std::uint64_t now = generation_of_now();
      bool again = false;
      // relaxed, all: the sequence orders them, by the fence below.
      if (s.generation.load(std::memory_order_relaxed) == now) {
        std::uint64_t same = equal(s.tags.load(std::memory_order_relaxed), tag_of(h));
        for (; same != 0 && !again; same &= same - 1) {
          const auto at = static_cast<std::size_t>(std::countr_zero(same)) / 8;
          typename words::copy c;
          s.entries[at].load(c);
          if (!is_still(s, sequence)) {
            again = true;
          } else if (const pair found = words::value(c); found.key == key) {
            // relaxed, both: a mark for the hand.
            if (s.is_read[at].load(std::memory_order_relaxed) == 0) s.is_read[at].store(1, std::memory_order_relaxed);
            return found.value;
          }
        }
      }
      if (again || !is_still(s, sequence)) continue;
      on_miss.sequence = sequence;
      on_miss.generation = now;
      return std::nullopt;
    }
    return std::nullopt;
  }
  // A pause between tries, which is no waiting: after the last one the look gives up.
  static void rest() noexcept {
    if constexpr (requires { atomics_type::rest(1u); }) atomics_type::rest(1);
  }
  [[nodiscard]] static bool is_still(const set& s, std::uint64_t sequence) noexcept {
    // sync(lookup_cache.begin): acquire fence; if a word was of a later write, this look finds its odd sequence.
    atomics_type::fence(std::memory_order_acquire);
    return s.sequence.load(std::memory_order_relaxed) == sequence;  // relaxed: the fence orders it
  }

  void forget(handle_type& h) noexcept {
    const held_lock<lock_type> held(handles_lock_);
    h.add_to(gone_);
    (h.before_ != nullptr ? h.before_->next_ : handles_) = h.next_;
    if (h.next_ != nullptr) h.next_->before_ = h.before_;
  }

 public:
  // What a thread looks up and puts in with; one thread at a time. Stays where it is.
  class handle_type {
   public:
    handle_type(const handle_type&) = delete;
    handle_type& operator=(const handle_type&) = delete;
    ~handle_type() { cache_->forget(*this); }

    // The value of the key, if the cache has it.
    [[nodiscard]] std::optional<Value> get(const Key& key) noexcept {
      ticket unused;
      return get(key, unused);
    }
    // The same; on a miss the ticket is for put_if. On a hit, and where the look gave up, put_if refuses it.
    [[nodiscard]] std::optional<Value> get(const Key& key, ticket& on_miss) noexcept {
      std::optional<Value> found = cache_->look(key, on_miss);
      (found ? hits_ : misses_).add();
      return found;
    }
    // Puts it in, in the place of what the key had.
    void put(const Key& key, const Value& value) noexcept {
      const std::uint64_t h = cache_->hashed(key);
      set& s = cache_->set_of(h);
      const writer held(s);
      put(s, h, cache_->generation_of_now(), key, value);
    }
    // The same, if nothing has been written to the key's set since the ticket, and nothing cleared: whether it did.
    bool put_if(const ticket& since, const Key& key, const Value& value) noexcept {
      const std::uint64_t h = cache_->hashed(key);
      set& s = cache_->set_of(h);
      if (const writer held(s, since.sequence); held && cache_->generation_of_now() == since.generation) {
        put(s, h, since.generation, key, value);
        return true;
      }
      refusals_.add();
      return false;
    }
    // The value of the key, or load(key), which is put in unless somebody has invalidated meanwhile.
    template <class F>
    requires std::is_invocable_r_v<Value, F&, const Key&> Value get_or(const Key& key, F&& load)
    noexcept(std::is_nothrow_invocable_v<F&, const Key&>) {
      ticket since;
      if (std::optional<Value> found = get(key, since)) return *found;
      const Value value = load(key);
      put_if(since, key, value);
      return value;
    }

    // Of this handle.
    [[nodiscard]] statistics stats() const noexcept {
      statistics sum;
      add_to(sum);
      return sum;
    }

   private:
    friend lookup_cache;
    explicit handle_type(lookup_cache& c) noexcept : cache_(&c) {
      const held_lock<lock_type> held(c.handles_lock_);
      next_ = c.handles_;
      if (next_ != nullptr) next_->before_ = this;
      c.handles_ = this;
    }
    void add_to(statistics& sum) const noexcept {
      sum.hits += hits_.value(), sum.misses += misses_.value();
      sum.evictions += evictions_.value(), sum.refusals += refusals_.value();
    }
    // The set is ours.
    void put(set& s, std::uint64_t h, std::uint64_t generation, const Key& key, const Value& value) noexcept {
      // relaxed, all: the sequence orders them.
      if (s.generation.load(std::memory_order_relaxed) != generation) {
        s.tags.store(0, std::memory_order_relaxed);
        s.generation.store(generation, std::memory_order_relaxed);
      }
      std::size_t at = s.seek(h, key);
      if (at == ways) {
        bool evicts = false;
        at = s.place(evicts);
        if (evicts) evictions_.add();
        s.tag(at, tag_of(h));
        s.is_read[at].store(0, std::memory_order_relaxed);  // relaxed: a mark
      }
      s.entries[at].store(pair{key, value});
    }

    lookup_cache* cache_;
    handle_type* next_ = nullptr;
    handle_type* before_ = nullptr;
    basic_counter<policy::atomics<atomics_type>> hits_, misses_, evictions_, refusals_;
  };

 private:
  [[no_unique_address]] hash_type hash_{};
  set sets_[set_count];
  alignas(2 * cache_line) atomic<std::uint64_t> generation_{0};
  alignas(2 * cache_line) mutable lock_type handles_lock_;
  handle_type* handles_ = nullptr;
  statistics gone_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_LOOKUP_CACHE_HPP
