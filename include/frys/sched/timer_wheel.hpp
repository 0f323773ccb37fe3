// timer_wheel: many timers for one thread: to add or cancel one costs the same however many there are, and however far
// away they are due.
//
// Use when  a loop has deadlines by the thousand and most are cancelled before they are due (timeouts, expiries).
// Not when  a handful suffices (keep the next deadline yourself), a timer must fire within less than a tick, or other
//           threads add and cancel (shared_timer_wheel).
// Threads   one at a time, no atomics. Time comes in by advance, so virtual time works as real time does.
// Cost      add, cancel, next_deadline: O(1), a list operation and one or two bits. advance: O(timers due), and each
//           timer further than one turn away is moved at most once per level on its way (nine levels; two for a minute
//           at a millisecond a tick). No allocation: a timer is 32 bytes of yours, the wheel some 17 KiB.
// Ordering  timers fire never early and at most one tick late (if advance is called in time). First those that were due
//           when they were added, then by tick; those of one tick in the order they were added.
// Lifetime  a timer must be cancelled or fired before it dies (scoped_timer sees to that); the wheel lets go of the
//           pending ones when it dies, so either may die first. A wheel must not die in a callback of its own.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>  slots of the first level, a power of two of at least 64; its turn is N ticks    default 512
//   policy::clock<C>     what advance() and add_after ask for the time                                   default
//                        clocks::steady
// Source    G. Varghese, T. Lauck, "Hashed and hierarchical timing wheels", SOSP 1987 (scheme 7); levels by the highest
//           digit in which a timer's tick and the present differ, so that a bit scan finds the next one.
#ifndef FRYS_SCHED_TIMER_WHEEL_HPP
#define FRYS_SCHED_TIMER_WHEEL_HPP

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/clock.hpp"
#include "../core/deadline.hpp"
#include "../policy.hpp"

namespace frys::inline FRYS_ABI {

template <class... Policies>
class timer_wheel;

namespace detail {

struct timer_links {
  timer_links* next = nullptr;  // null: in no list
  timer_links* previous = nullptr;
};

// A ring of timers around a head that stays where it is.
struct timer_list : timer_links {
  timer_list() noexcept : timer_links{this, this} {}
  timer_list(const timer_list&) = delete;
  timer_list& operator=(const timer_list&) = delete;

  [[nodiscard]] bool empty() const noexcept { return next == this; }
  void push_back(timer_links& t) noexcept {
    t.next = this;
    t.previous = previous;
    previous->next = &t;
    previous = &t;
  }
  void take_all(timer_list& other) noexcept {  // behind ours
    if (other.empty()) return;
    other.next->previous = previous;
    previous->next = other.next;
    other.previous->next = this;
    previous = other.previous;
    other.next = other.previous = &other;
  }
  timer_links* pop_front() noexcept {
    timer_links* const first = next;
    if (first == this) return nullptr;
    next = first->next;
    next->previous = this;
    first->next = nullptr;
    return first;
  }
  // Nobody is in a list any more.
  void let_go() noexcept {
    while (pop_front() != nullptr) {
    }
  }
};

// n / d for one d and many n: the product with d's reciprocal is at most one too small.
class reciprocal {
 public:
  explicit reciprocal(std::uint64_t d) noexcept : d_(d), one_over_d_(~std::uint64_t{0} / d) {}
  struct parts {
    std::uint64_t quotient, remainder;
  };
  [[nodiscard]] parts divide(std::uint64_t n) const noexcept {
#if defined(__SIZEOF_INT128__)
    __extension__ using wide = unsigned __int128;
    const auto q = static_cast<std::uint64_t>((static_cast<wide>(n) * one_over_d_) >> 64);
    const std::uint64_t rest = n - q * d_;
    return rest >= d_ ? parts{q + 1, rest - d_} : parts{q, rest};
#else
    return {n / d_, n % d_};
#endif
  }

 private:
  std::uint64_t d_, one_over_d_;
};

}  // namespace detail

// Derive from it or hold it. `fire` is called by advance, after the timer has left the wheel: it may add it again,
// destroy it, add and cancel others.
struct timer : private detail::timer_links {
  using function = void (*)(timer&) noexcept;

  timer() = default;
  explicit timer(function f) noexcept : fire(f) {}
  timer(const timer& other) noexcept : timer_links(), fire(other.fire) {}  // a copy is in no wheel
  timer& operator=(const timer& other) noexcept {
    fire = other.fire;
    return *this;
  }
#if FRYS_HARDENED
  ~timer() { FRYS_ASSERT(!is_pending(), "timer: it died while it stood in a wheel; cancel it first, or scoped_timer"); }
#endif
  [[nodiscard]] bool is_pending() const noexcept { return next != nullptr; }

  function fire = nullptr;

 private:
  template <class...>
  friend class timer_wheel;
  std::uint64_t tick_ = 0;  // when it is due, in ticks of its wheel
};

template <class... Policies>
class timer_wheel {
  using accepted = policy::keys<policy::capacity_key, policy::clock_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::timer_wheel: unknown policy; it takes policy::capacity, policy::clock and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::timer_wheel: a policy is given twice; name each at most once");

 public:
  static constexpr std::size_t slot_count = policy::pick<policy::capacity<512>, Policies...>::value;
  static_assert(std::has_single_bit(slot_count) && slot_count >= 64,
                "frys::timer_wheel: policy::capacity wants a power of two of at least 64 slots");
  using clock_type = typename policy::pick<policy::clock<clocks::steady>, Policies...>::type;
  static_assert(clock_model<clock_type>,
                "frys::timer_wheel: policy::clock wants a type with a static now() in nanoseconds");

  // `now` is where its time starts; a tick is the resolution, at least one nanosecond.
  explicit timer_wheel(nanoseconds now = nanoseconds{0}, nanoseconds tick = nanoseconds{1'000'000}) noexcept
      : tick_ns_((std::max)(tick, nanoseconds{1}).count()),
        per_tick_(static_cast<std::uint64_t>(tick_ns_)),
        current_(floor_of(now)) {}
  timer_wheel(const timer_wheel&) = delete;
  timer_wheel& operator=(const timer_wheel&) = delete;
  ~timer_wheel() {
    due_.let_go();
    for (detail::timer_list& slot : slots_) slot.let_go();
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] nanoseconds tick() const noexcept { return nanoseconds{tick_ns_}; }

  // Lets `t` fire in the first advance that reaches `at`. One that is due already fires in the next advance.
  void add(timer& t, nanoseconds at) noexcept {
    FRYS_ASSERT(!t.is_pending(), "timer_wheel::add: the timer is pending already; cancel it first");
    FRYS_ASSERT(t.fire != nullptr, "timer_wheel::add: the timer has no function");
    t.tick_ = ceil_of(at);
    ++size_;
    if (t.tick_ <= current_) [[unlikely]]
      due_.push_back(t);
    else
      place(t);
  }
  void add(timer& t, deadline at) noexcept { add(t, at.at); }
  // `delay` from now on, by policy::clock.
  void add_after(timer& t, nanoseconds delay) noexcept { add(t, deadline::after<clock_type>(delay)); }

  // True if it was pending, and will not fire now.
  bool cancel(timer& t) noexcept {
    if (!t.is_pending()) return false;
    detail::timer_links* const next = t.next;
    detail::timer_links* const previous = t.previous;
    next->previous = previous;
    previous->next = next;
    t.next = nullptr;
    --size_;
    if (next == previous) emptied(next);  // both are the list's head: it was the last one
    return true;
  }

  // Time is `now`: fires what is due and answers how many fired. Time never goes back; an earlier `now` counts as the
  // last one. Timers that callbacks add as already due wait for the next advance.
  std::size_t advance(nanoseconds now) noexcept {
    const std::uint64_t target = (std::max)(current_, floor_of(now));
    detail::timer_list firing;
    firing.take_all(due_);
    for (std::size_t slot = first_slot(); slot != none; slot = first_slot()) {
      const std::uint64_t start = start_of(slot);
      if (start > target) break;
      mark_empty(slot);
      if (slot < slot_count)
        firing.take_all(slots_[slot]);
      else
        spread(slots_[slot], start);
    }
    current_ = target;
    std::size_t fired = 0;
    while (detail::timer_links* const first = firing.pop_front()) {
      timer& t = static_cast<timer&>(*first);
      --size_;
      ++fired;
      t.fire(t);
    }
    return fired;
  }
  // By policy::clock.
  std::size_t advance() noexcept { return advance(clock_type::now()); }

  // Takes every pending timer out and calls f(timer&) with it, in no order; f adds none.
  template <class F>
  void clear(F&& f) noexcept {
    const auto take = [&](detail::timer_list& all) {
      while (detail::timer_links* const first = all.pop_front()) {
        --size_;
        f(static_cast<timer&>(*first));
      }
    };
    take(due_);
    for (std::size_t slot = first_slot(); slot != none; slot = first_slot()) {
      mark_empty(slot);
      take(slots_[slot]);
    }
  }

  // When advance should be called next: never too late for the first timer. Before it, once per level, where the first
  // one is further than a turn away. never() without timers.
  [[nodiscard]] deadline next_deadline() const noexcept {
    if (!due_.empty()) return deadline{time_of(current_)};
    const std::size_t slot = first_slot();
    return slot == none ? deadline::never() : deadline{time_of(start_of(slot))};
  }

 private:
  // A tick is a number of digits: the lowest has slot_bits bits and a slot for each value, the others six bits and 64
  // slots. A timer stands at the level of the highest digit in which its tick differs from the present, in the slot of
  // that digit. So all of a level come before all of the next, within a level the slots stand in order, and all timers
  // of one tick stand in one slot, in the order they were added. When the present enters a slot of an outer level, its
  // timers no longer differ in that digit and move inwards.
  static constexpr unsigned slot_bits = static_cast<unsigned>(std::countr_zero(slot_count));
  static constexpr std::uint64_t mask = slot_count - 1;
  static constexpr unsigned tick_bits = 63;  // a time has no more
  static constexpr std::size_t outer_levels = slot_bits >= tick_bits ? 0 : (tick_bits - slot_bits + 5) / 6;
  static constexpr std::size_t all_slots = slot_count + 64 * outer_levels;
  static constexpr std::size_t words = all_slots / 64;
  static constexpr std::size_t summaries = (words + 63) / 64;
  static constexpr std::size_t none = ~std::size_t{0};

  static constexpr unsigned shift_of(std::size_t outer_level) noexcept {
    return slot_bits + 6 * static_cast<unsigned>(outer_level);
  }
  static constexpr std::uint64_t bit(std::size_t i) noexcept { return std::uint64_t{1} << (i % 64); }

  std::uint64_t floor_of(nanoseconds at) const noexcept {
    return at.count() <= 0 ? 0 : per_tick_.divide(static_cast<std::uint64_t>(at.count())).quotient;
  }
  std::uint64_t ceil_of(nanoseconds at) const noexcept {
    if (at.count() <= 0) return 0;
    const auto [quotient, remainder] = per_tick_.divide(static_cast<std::uint64_t>(at.count()));
    return quotient + (remainder != 0 ? 1u : 0u);
  }
  nanoseconds time_of(std::uint64_t tick) const noexcept {
    const auto most = static_cast<std::uint64_t>((std::numeric_limits<std::int64_t>::max)() / tick_ns_);
    return tick > most ? (nanoseconds::max)() : nanoseconds{static_cast<std::int64_t>(tick) * tick_ns_};
  }

  // Of a timer that is not before the present.
  void place(timer& t) noexcept {
    const std::uint64_t differs = t.tick_ ^ current_;
    std::size_t slot = static_cast<std::size_t>(t.tick_ & mask);
    if (differs >= slot_count) {
      const auto highest = static_cast<unsigned>(std::bit_width(differs)) - 1;
      const std::size_t level = (highest - slot_bits) / 6;
      slot = slot_count + 64 * level + static_cast<std::size_t>((t.tick_ >> shift_of(level)) % 64);
    }
    const bool first_here = slots_[slot].empty();
    slots_[slot].push_back(t);
    if (!first_here) return;
    bits_[slot / 64] |= bit(slot);
    summary_[slot / 64 / 64] |= bit(slot / 64);
  }
  void mark_empty(std::size_t slot) noexcept {
    std::uint64_t& word = bits_[slot / 64];
    word &= ~bit(slot);
    if (word == 0) summary_[slot / 64 / 64] &= ~bit(slot / 64);
  }
  // The list of this head has lost its last timer. It need not be a slot's.
  void emptied(detail::timer_links* head) noexcept {
    const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(head) - reinterpret_cast<std::uintptr_t>(slots_);
    if (offset < sizeof(slots_)) mark_empty(static_cast<std::size_t>(offset / sizeof(slots_[0])));
  }
  // The first slot with a timer: none before it has an earlier one.
  std::size_t first_slot() const noexcept {
    for (std::size_t i = 0; i < summaries; ++i) {
      if (summary_[i] == 0) continue;
      const std::size_t word = i * 64 + static_cast<std::size_t>(std::countr_zero(summary_[i]));
      return word * 64 + static_cast<std::size_t>(std::countr_zero(bits_[word]));
    }
    return none;
  }
  // Its first tick.
  std::uint64_t start_of(std::size_t slot) const noexcept {
    if (slot < slot_count) return (current_ & ~mask) | slot;
    const std::size_t outer = slot - slot_count;
    const unsigned shift = shift_of(outer / 64);
    return ((current_ >> shift >> 6 << 6) | (outer % 64)) << shift;
  }
  // The present has come to `start`, where the timers of an outer slot begin.
  void spread(detail::timer_list& slot, std::uint64_t start) noexcept {
    detail::timer_list moving;
    moving.take_all(slot);
    current_ = start;
    while (detail::timer_links* const first = moving.pop_front()) place(static_cast<timer&>(*first));
  }

  std::int64_t tick_ns_;
  detail::reciprocal per_tick_;
  std::uint64_t current_;  // the tick that advance has reached
  std::size_t size_ = 0;
  std::uint64_t summary_[summaries] = {};  // words of bits_ that are not zero
  std::uint64_t bits_[words] = {};         // slots that are not empty
  detail::timer_list due_;
  detail::timer_list slots_[all_slots];
};

// What a timer can stand in: a timer_wheel, or a reactor's loop.
template <class Host>
concept timer_host = requires(Host& host, timer& t, deadline at) {
  host.add(t, at);
  { host.cancel(t) } -> std::convertible_to<bool>;
}
|| requires(Host& host, timer& t, deadline at) {
  host.add_timer(t, at);
  { host.cancel_timer(t) } -> std::convertible_to<bool>;
};

// A timer with a callable of its own, which withdraws itself at its end. The host may die first; and the callable may
// destroy its own timer, set it again, or destroy the others. What the callable throws ends the program.
//
//   frys::scoped_timer idle(wheel, [&] { session.close(); });
//   idle.set(now + 30s);  // again at each sign of life
template <class Host, class F>
class scoped_timer : private timer {
  static_assert(timer_host<Host>,
                "frys::scoped_timer: the host wants add and cancel as timer_wheel has them, or add_timer and "
                "cancel_timer as a reactor");
  static_assert(std::is_nothrow_move_constructible_v<F> && std::is_invocable_v<F&>,
                "frys::scoped_timer: the callable must move without throwing and take no arguments");

 public:
  scoped_timer(Host& host, F f) noexcept : timer(&rings), host_(&host), f_(std::move(f)) {}
  scoped_timer(const scoped_timer&) = delete;
  scoped_timer& operator=(const scoped_timer&) = delete;
  ~scoped_timer() {
    cancel();
    if (gone_ != nullptr) *gone_ = true;
  }

  using timer::is_pending;
  // Fires at `at`, and not when it was to fire before.
  void set(deadline at) noexcept {
    cancel();
    if constexpr (requires { host_->add_timer(*this, at); })
      host_->add_timer(*this, at);
    else
      host_->add(*this, at);
  }
  void set(nanoseconds at) noexcept { set(deadline{at}); }
  // True if it was to fire, and will not now.
  bool cancel() noexcept {
    if (!is_pending()) return false;  // so a host that is gone is not asked
    timer& t = *this;
    if constexpr (requires { host_->cancel_timer(t); })
      return host_->cancel_timer(t);
    else
      return host_->cancel(t);
  }

 private:
  // The callable runs on the stack, so that what it has captured outlives a timer that it destroys.
  static void rings(timer& t) noexcept {
    auto& self = static_cast<scoped_timer&>(t);
    FRYS_ASSERT(self.gone_ == nullptr, "scoped_timer: fired again inside its own callable");
    bool gone = false;
    self.gone_ = &gone;
    F running(std::move(self.f_));
    running();
    if (gone) return;
    self.gone_ = nullptr;
    std::destroy_at(std::addressof(self.f_));
    std::construct_at(std::addressof(self.f_), std::move(running));
  }

  Host* host_;
  bool* gone_ = nullptr;  // while the callable runs: where it is told that the timer is no more
  F f_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_TIMER_WHEEL_HPP
