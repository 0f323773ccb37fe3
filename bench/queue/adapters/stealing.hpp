// Deques that can be stolen from: owner() answers push(value), pop(value) and share(); thief() answers steal(sum,
// count), which adds what it got, false for nothing.
#pragma once
#include <cstddef>
#include <cstdint>

namespace {

// Batch: how many elements a thief takes at once.
template <class Deque, std::size_t Batch = 1>
struct frys_deque {
  Deque d;
  struct owner_end {
    typename Deque::owner_type own;
    bool push(std::uint64_t v) { return static_cast<bool>(own.try_push(v)); }
    bool pop(std::uint64_t& v) {
      const auto got = own.try_pop();
      if (!got) return false;
      v = *got;
      return true;
    }
    void share() { own.share(); }
  };
  struct thief_end {
    typename Deque::thief_type thief;
    bool steal(std::uint64_t& sum, std::uint64_t& count) {
      if constexpr (Batch == 1) {
        const auto got = thief.try_steal();
        if (!got) return false;
        sum += *got;
        ++count;
        return true;
      } else {
        std::uint64_t loot[Batch];
        const std::size_t n = thief.steal_batch(loot);
        for (std::size_t i = 0; i < n; ++i) sum += loot[i];
        count += n;
        return n != 0;
      }
    }
  };
  owner_end owner() { return {d.owner()}; }
  thief_end thief() { return {d.thief()}; }
};

// Of deques without handles, such as chase_lev and mutex_deque.
template <class Deque>
struct bare_deque {
  Deque d;
  struct end {
    Deque& d;
    bool push(std::uint64_t v) { return d.push(v), true; }
    bool pop(std::uint64_t& v) { return d.pop(v); }
    void share() {}
    bool steal(std::uint64_t& sum, std::uint64_t& count) {
      std::uint64_t v = 0;
      if (!d.steal(v)) return false;
      sum += v;
      ++count;
      return true;
    }
  };
  end owner() { return {d}; }
  end thief() { return {d}; }
};

}  // namespace
