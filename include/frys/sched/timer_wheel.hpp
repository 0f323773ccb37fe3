// timer_wheel: many timers for one thread: to add or cancel one costs the same however many there are.
//
// Use when  a loop has deadlines by the thousand and most are cancelled before they are due (timeouts, expiries).
// Not when  a handful suffices (keep the next deadline yourself), or a timer must fire within less than a tick.
// Threads   one at a time. Knows no clock: time comes in by advance, so virtual time works as real time does.
// Cost      add and cancel O(1); advance O(timers due + slots passed / 64). A timer further away than the wheel is
//           round waits in an overflow list, which is walked once it may come into reach. No allocation.
// Ordering  timers fire never early and at most one tick late (if advance is called in time), in the order of their
//           ticks; those of one tick in the order they were added, except behind ones that came from the overflow list.
// Lifetime  a timer must be cancelled or fired before it dies; the wheel forgets the pending ones when it dies.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>  slots, a power of two of at least 64; one turn is N ticks     default 512
// Source    G. Varghese, T. Lauck, "Hashed and hierarchical timing wheels", SOSP 1987 (scheme 4, with a list behind).
#ifndef FRYS_SCHED_TIMER_WHEEL_HPP
#define FRYS_SCHED_TIMER_WHEEL_HPP

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "../config.hpp"
#include "../core/deadline.hpp"
#include "../core/intrusive_list.hpp"
#include "../policy.hpp"

namespace frys::inline FRYS_ABI {

struct timer_tag;

// Derive from it or hold it. `fire` is called by advance, after the timer has left the wheel: it may add it again,
// destroy it, add and cancel others.
struct timer : list_hook<timer_tag> {
  using function = void (*)(timer&) noexcept;

  timer() = default;
  explicit timer(function f) noexcept : fire(f) {}
  [[nodiscard]] bool is_pending() const noexcept { return is_linked(); }

  function fire = nullptr;
  std::uint64_t tick = 0;  // the wheel's: when it is due
  std::uint32_t slot = 0;  // the wheel's: where it stands
};

template <class... Policies>
class timer_wheel {
  using accepted = policy::keys<policy::capacity_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::timer_wheel: unknown policy; it takes policy::capacity and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::timer_wheel: a policy is given twice; name each at most once");

 public:
  static constexpr std::size_t slot_count = policy::pick<policy::capacity<512>, Policies...>::value;
  static_assert(std::has_single_bit(slot_count) && slot_count >= 64,
                "frys::timer_wheel: policy::capacity wants a power of two of at least 64 slots");

  // `now` is where its time starts; a tick is the resolution, at least one nanosecond.
  explicit timer_wheel(nanoseconds now = nanoseconds{0}, nanoseconds tick = nanoseconds{1'000'000}) noexcept
      : tick_((std::max)(tick, nanoseconds{1})), current_(floor_of(now)) {}
  timer_wheel(const timer_wheel&) = delete;
  timer_wheel& operator=(const timer_wheel&) = delete;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  // Lets `t` fire in the first advance that reaches `at`. One that is due already fires in the next advance.
  void add(timer& t, nanoseconds at) noexcept {
    FRYS_ASSERT(!t.is_pending(), "timer_wheel::add: the timer is pending already; cancel it first");
    FRYS_ASSERT(t.fire != nullptr, "timer_wheel::add: the timer has no function");
    t.tick = ceil_of(at);
    ++size_;
    place(t);
  }
  void add(timer& t, deadline at) noexcept { add(t, at.at); }

  // True if it was pending, and will not fire now.
  bool cancel(timer& t) noexcept {
    if (!t.is_pending()) return false;
    t.unlink();
    left(t);
    return true;
  }

  // Time is `now`: fires what is due and answers how many fired. Time never goes back; an earlier `now` counts as the
  // last one. Timers that callbacks add as already due wait for the next advance.
  std::size_t advance(nanoseconds now) noexcept {
    if (size_ == 0) {
      current_ = (std::max)(current_, floor_of(now));
      return 0;
    }
    list firing;
    firing.splice_back(due_);
    const std::uint64_t target = floor_of(now);
    while (current_ < target) {
      // At most one turn at a time, so that what comes out of the overflow list keeps its place in the order.
      const std::uint64_t next = std::min<std::uint64_t>(target, reach());
      if (in_slots_ != 0) collect(next, firing);
      current_ = next;
      if (!overflow_.empty() && overflow_from_ - current_ < slot_count) refill(firing);
    }
    std::size_t fired = 0;
    while (timer* t = firing.pop_front()) {
      t->slot = nowhere;
      --size_;
      ++fired;
      t->fire(*t);
    }
    return fired;
  }

  // When advance should be called next: never too late for the first timer, perhaps before it. never() without timers.
  [[nodiscard]] deadline next_deadline() const noexcept {
    if (size_ == 0) return deadline::never();
    if (!due_.empty()) return deadline{time_of(current_)};
    if (in_slots_ != 0) return deadline{time_of(first_slot_tick())};
    return deadline{time_of(overflow_from_)};
  }

 private:
  using list = intrusive_list<timer, timer_tag>;
  static constexpr std::uint32_t nowhere = ~std::uint32_t{0};  // due, firing, or in no list
  static constexpr std::uint32_t distant = nowhere - 1;            // in the overflow list
  static constexpr std::uint64_t mask = slot_count - 1;
  static constexpr std::size_t words = slot_count / 64;

  std::uint64_t floor_of(nanoseconds at) const noexcept {
    return at.count() <= 0 ? 0 : static_cast<std::uint64_t>(at.count() / tick_.count());
  }
  std::uint64_t ceil_of(nanoseconds at) const noexcept {
    return at.count() <= 0 ? 0 : floor_of(at) + (at.count() % tick_.count() != 0 ? 1u : 0u);
  }
  nanoseconds time_of(std::uint64_t tick) const noexcept {
    const auto most = static_cast<std::uint64_t>((std::numeric_limits<std::int64_t>::max)() / tick_.count());
    return tick > most ? (nanoseconds::max)() : nanoseconds{static_cast<std::int64_t>(tick) * tick_.count()};
  }

  void place(timer& t) noexcept {
    if (t.tick <= current_) {
      t.slot = nowhere;
      due_.push_back(t);
    } else if (t.tick - current_ < slot_count) {
      t.slot = static_cast<std::uint32_t>(t.tick & mask);
      slots_[t.slot].push_back(t);
      bits_[t.slot / 64] |= std::uint64_t{1} << (t.slot % 64);
      ++in_slots_;
    } else {
      t.slot = distant;
      overflow_from_ = overflow_.empty() ? t.tick : (std::min)(overflow_from_, t.tick);
      overflow_.push_back(t);
    }
  }
  // `t` has left its list without having fired.
  void left(timer& t) noexcept {
    --size_;
    if (t.slot < slot_count) {
      --in_slots_;
      if (slots_[t.slot].empty()) bits_[t.slot / 64] &= ~(std::uint64_t{1} << (t.slot % 64));
    }
    t.slot = nowhere;
  }
  // How far one step of advance may go: over empty slots as far as the overflow list allows.
  std::uint64_t reach() const noexcept {
    if (in_slots_ != 0) return current_ + slot_count - 1;
    return overflow_.empty() ? (std::numeric_limits<std::uint64_t>::max)() : (std::max)(overflow_from_, current_ + 1);
  }
  // The first tick after current_ that has a timer in its slot.
  std::uint64_t first_slot_tick() const noexcept {
    for (std::uint64_t tick = current_ + 1;;) {
      const std::uint64_t slot = tick & mask;
      const std::uint64_t rest = bits_[slot / 64] >> (slot % 64);
      if (rest != 0) return tick + static_cast<std::uint64_t>(std::countr_zero(rest));
      tick += 64 - slot % 64;
    }
  }
  // Moves the timers of the slots up to `last` behind `firing`.
  void collect(std::uint64_t last, list& firing) noexcept {
    while (in_slots_ != 0) {
      const std::uint64_t tick = first_slot_tick();
      if (tick > last) return;
      const std::uint64_t slot = tick & mask;
      bits_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
      for (timer& t : slots_[slot]) {
        t.slot = nowhere;
        --in_slots_;
      }
      firing.splice_back(slots_[slot]);
    }
  }
  // Takes out of the overflow list what the wheel can hold now.
  void refill(list& firing) noexcept {
    list all;
    all.splice_back(overflow_);
    while (timer* t = all.pop_front()) place(*t);
    firing.splice_back(due_);
  }

  nanoseconds tick_;
  std::uint64_t current_;            // the tick that advance has reached
  std::uint64_t overflow_from_ = 0;  // no timer of the overflow list is due before this tick
  std::size_t size_ = 0;
  std::size_t in_slots_ = 0;
  list due_;
  list overflow_;
  std::uint64_t bits_[words] = {};  // slots that are not empty
  list slots_[slot_count];
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_TIMER_WHEEL_HPP
