// epochs: the engine of epoch_domain and qsbr_domain.
//
// Rule      a thread announces the epoch in which it reads. The epoch goes on by one when nobody announces an older
//           one; so while a reader stays in epoch e, it gets no further than e + 1. What was retired in epoch t goes in
//           epoch t + 2: who could still find it had announced t or before.
// Batches   a seat's retired objects get their epoch together, after one fence: a late epoch only keeps them longer.
// Counter   the low bit says "announced"; the rest is the epoch, which may wrap: it is only compared for equality, and
//           by its distance to an older one. A reader may not stop between reading the epoch and announcing it for as
//           long as the epoch takes to come round (2^63 advances with 64 bits).
// Source    K. Fraser, "Practical lock-freedom", 2004; M. Desnoyers et al., "User-level implementations of
//           read-copy update", IEEE TPDS 2012 (the asymmetric fence, and quiescent states).
#ifndef FRYS_MEMORY_DETAIL_EPOCHS_HPP
#define FRYS_MEMORY_DETAIL_EPOCHS_HPP

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "../../config.hpp"
#include "../../core/asymmetric_fence.hpp"
#include "../../core/bytes.hpp"
#include "../../core/cache_line.hpp"
#include "../../core/result.hpp"
#include "seats.hpp"

namespace frys::inline FRYS_ABI::detail {

template <class A, class Fence, class Counter, std::size_t Seats, std::size_t Most, std::size_t Batch, class Pages>
class epochs {
 public:
  struct slot {
    // Read by all who reclaim.
    alignas(cache_line) typename A::template atomic<Counter> announced{0};
    typename A::template atomic<std::uint32_t> state{0};
    // The holder's own.
    alignas(cache_line) std::size_t more_pins = 0;  // guards that live, less one; with `fenced`, see join
    retired_list<A> list;
    // The list: first the old ones, of an epoch before young_epoch; then those of young_epoch; then those of none yet.
    std::size_t old_end = 0, young_end = 0;
    Counter young_epoch = 0;
    byte_span memory;
  };

  epochs() noexcept { Fence::template prepare<A>(); }

  result<slot*> join() noexcept {
    auto s = seats_.join(Most);
    if (!s) return s;
    slot& mine = **s;
    mine.old_end = mine.young_end = 0;  // what the last holder left gets its epoch anew
    mine.list.set_mark(Batch);
    if constexpr (may_be_free) {
      // Where a pin needs its fence, both words that the fast paths look at are such that they take the slow one: the
      // question is asked once, here.
      const bool free = Fence::template is_free<A>();
      mine.more_pins = free ? 0 : fenced;
      // sync(epochs.announced): release; who sees this must have the last holder's reads behind him.
      mine.announced.store(free ? 0 : idle, std::memory_order_release);
    }
    return s;
  }
  void leave(slot& s) noexcept {
    reclaim_all(s);
    seats_.leave(s);
  }

  // From here till withdraw, what this thread can reach stays.
  void announce(slot& s) noexcept {
    write_down(s);
    // sync(epochs.hand_shake): seq_cst, or the light half of it; either the reclaimer sees our announcement, or our
    // next read sees what it has unlinked.
    Fence::template light<A>();
  }
  FRYS_ALWAYS_INLINE static void withdraw(slot& s) noexcept {
    // sync(epochs.announced): release; our reads are over before the reclaimer can see us gone.
    s.announced.store(0, std::memory_order_release);
  }
  // The same, nested. No count up and down in memory, which would make each pin wait for the last unpin.
  FRYS_ALWAYS_INLINE void pin(slot& s) noexcept {
    // relaxed: our own announcement.
    const Counter mine = s.announced.load(std::memory_order_relaxed);
    if constexpr (may_be_free) {
      if (mine == 0) [[likely]] {
        write_down(s);
        Fence::template free_light<A>();  // as in announce
        return;
      }
    }
    if ((mine & 1) == 0)
      announce(s);
    else
      ++s.more_pins;
  }
  FRYS_ALWAYS_INLINE static void unpin(slot& s) noexcept {
    if (s.more_pins == 0) [[likely]]
      return withdraw(s);
    if constexpr (may_be_free) {
      if (s.more_pins == fenced) {
        // sync(epochs.announced): release; as in withdraw.
        s.announced.store(idle, std::memory_order_release);
        return;
      }
    }
    --s.more_pins;
  }
  [[nodiscard]] static bool is_pinned(const slot& s) noexcept {
    return (s.announced.load(std::memory_order_relaxed) & 1) != 0;  // relaxed: our own
  }
  // Announces the present epoch in place of an older one.
  void renew(slot& s) noexcept {
    // relaxed, both: our own announcement; and a stale epoch only holds things up.
    const Counter mine = s.announced.load(std::memory_order_relaxed);
    if (mine != static_cast<Counter>(epoch_.load(std::memory_order_relaxed) | 1)) announce(s);
  }

  FRYS_NOINLINE bool retire_slowly(slot& s, void* object, destroy_function destroy) noexcept {
    if (s.list.is_swept())
      s.list.set_mark(Batch);
    else
      reclaim(s);
    return s.list.push(object, destroy);
  }
  // Twice: once to give the youngest their epoch, and once more to be done with it.
  void reclaim_all(slot& s) noexcept {
    reclaim(s);
    reclaim(s);
  }

  FRYS_NOINLINE void reclaim(slot& s) noexcept {
    if (s.list.is_swept()) return;
    seats_.adopt(s);
    if (s.list.size() != 0) destroy_what_may_go(s);
    s.list.set_mark(Batch);
  }

  [[nodiscard]] std::size_t garbage() const noexcept { return seats_.garbage(); }
  void end() noexcept { seats_.end(); }

 private:
  static constexpr Counter step = 2;
  static constexpr bool may_be_free = free_fence_pair<Fence, A>;
  static constexpr Counter idle = 2;  // not 0, and not announced
  static constexpr std::size_t fenced = ~(~std::size_t{0} >> 1);

  FRYS_ALWAYS_INLINE void write_down(slot& s) noexcept {
    // relaxed: a stale epoch only holds things up; the hand-shake orders what is read after it.
    const Counter now = epoch_.load(std::memory_order_relaxed);
    // sync(epochs.announced): release, though it announces: who sees this and not the end of our last reading must have
    // that reading behind him too.
    s.announced.store(static_cast<Counter>(now | 1), std::memory_order_release);
  }

  void destroy_what_may_go(slot& s) noexcept {
    // sync(epochs.hand_shake): seq_cst, the heavy half: between all that was unlinked so far and our look at the
    // others.
    if (!Fence::template heavy<A>()) return;
    // sync(epochs.epoch): acquire; who moved the epoch here had seen the readers of older ones gone, and so have we
    // now.
    const Counter now = epoch_.load(std::memory_order_acquire);
    std::size_t done = 0;
    if (s.young_epoch != now) {
      done = s.old_end;  // of an epoch before that of the young ones, which is over too
      s.old_end = s.young_end;
      s.young_epoch = now;
    }
    s.young_end = s.list.size();
    if (advance(now)) done = s.old_end;
    s.list.sweep(done, [](void*) { return true; });
    s.old_end -= (std::min)(s.old_end, done);
    s.young_end -= done;
  }

  // Whether the epoch was `from` and is the next one now.
  bool advance(Counter from) noexcept {
    bool free = true;
    seats_.for_each([&](slot& other) {
      // sync(epochs.announced): acquire; the reads of who is gone, or has announced anew, are over.
      const Counter seen = other.announced.load(std::memory_order_acquire);
      free = free && ((seen & 1) == 0 || seen == static_cast<Counter>(from | 1));
    });
    // sync(epochs.epoch): release; what we know of the readers goes to those who see the new epoch.
    return free && epoch_.compare_exchange_strong(from, static_cast<Counter>(from + step), std::memory_order_release,
                                                  std::memory_order_relaxed);
  }

  // Wraps soon after the start, so that no program finds out late.
  alignas(cache_line) typename A::template atomic<Counter> epoch_{static_cast<Counter>(0 - 4 * step)};
  seat_table<A, slot, Seats, Pages> seats_;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_MEMORY_DETAIL_EPOCHS_HPP
