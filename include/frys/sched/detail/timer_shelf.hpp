// timer_shelf: the timers of one worker of a pool. Any thread sets and withdraws them, any worker fires those that are
// due, so that none waits for a worker whose task does not end.
#ifndef FRYS_SCHED_DETAIL_TIMER_SHELF_HPP
#define FRYS_SCHED_DETAIL_TIMER_SHELF_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "../../config.hpp"
#include "../../core/cache_line.hpp"
#include "../../core/deadline.hpp"
#include "../../core/word_lock.hpp"
#include "../../policy.hpp"
#include "../timer_wheel.hpp"

namespace frys::inline FRYS_ABI::detail {

template <class Atomics, class Clock>
class timer_shelf;

// due: out of the wheel, and fire is called, or will be at once. withdrawn: add answers false.
enum class shelf_state : std::uint8_t { idle, armed, due, withdrawn };

// A timer of a pool: derive from it or hold it. `fire` runs on a worker, which has let go of the timer before: it may
// set it again, or end it. Short: it must not wait, and what takes long it submits.
template <class Atomics, class Clock>
class shelf_timer : timer {
 public:
  using function = void (*)(shelf_timer&) noexcept;
  explicit shelf_timer(function on_fire) noexcept : timer(&comes_due), fire(on_fire) {}
  shelf_timer(const shelf_timer&) = delete;
  shelf_timer& operator=(const shelf_timer&) = delete;
#if FRYS_HARDENED
  ~shelf_timer() {
    FRYS_ASSERT(state_ != shelf_state::armed, "scheduler: a timer died while it was set; cancel it first");
  }
#endif

  function fire;

 protected:
  // Of who waits for it to fire and knows that it does not fire now: whether it is set.
  [[nodiscard]] bool is_armed() const noexcept { return state_ == shelf_state::armed; }

 private:
  friend timer_shelf<Atomics, Clock>;
  static void comes_due(timer& t) noexcept;

  timer_shelf<Atomics, Clock>* shelf_ = nullptr;
  shelf_timer* next_due_ = nullptr;
  shelf_state state_ = shelf_state::idle;  // under the shelf's lock
};

template <class Atomics, class Clock>
class timer_shelf {
 public:
  using timer_type = shelf_timer<Atomics, Clock>;
  static constexpr nanoseconds nothing = (nanoseconds::max)();

  timer_shelf(unsigned index, nanoseconds tick) noexcept : index_(index), wheel_(Clock::now(), tick) {}
  timer_shelf(const timer_shelf&) = delete;
  timer_shelf& operator=(const timer_shelf&) = delete;

  [[nodiscard]] unsigned index() const noexcept { return index_; }  // the worker's
  // When somebody must look here next; `nothing`. relaxed: a hint; who must not miss a timer has fenced.
  [[nodiscard]] nanoseconds next() const noexcept { return nanoseconds{next_.load(std::memory_order_relaxed)}; }

  // Names `t` as one of this shelf, which add, withdraw and cancel of it go by. Before another thread knows of it.
  void hold(timer_type& t) noexcept {
    FRYS_ASSERT(t.state_ != shelf_state::armed, "scheduler::add: the timer is set already; cancel it first, or move");
    t.shelf_ = this;
    t.state_ = shelf_state::idle;
  }

  // False: it has been withdrawn before. `is_first`: it is due before all others of the shelf. Behind it the timer may
  // be gone.
  [[nodiscard]] bool add(timer_type& t, nanoseconds at, bool& is_first) noexcept {
    const held_lock hold(lock_);
    if (t.state_ == shelf_state::withdrawn) return false;
    t.state_ = shelf_state::armed;
    is_first = place(t, at);
    return true;
  }
  // One that is set, to another time. The shelf that it stands on; nullptr: it was not set.
  static timer_shelf* move(timer_type& t, nanoseconds at, bool& is_first) noexcept {
    timer_shelf* const s = t.shelf_;
    if (s == nullptr) return nullptr;
    const held_lock hold(s->lock_);
    if (t.state_ != shelf_state::armed) return nullptr;
    s->wheel_.cancel(t);
    is_first = s->place(t, at);
    return s;
  }
  // True: it would have fired, and will not. The shelf has let go of it.
  static bool cancel(timer_type& t) noexcept {
    if (t.shelf_ == nullptr) return false;  // it never stood in one
    const held_lock hold(t.shelf_->lock_);
    return t.shelf_->take_out(t);
  }
  // The same; and one that has been named but not yet added will not be: add answers false.
  static bool withdraw(timer_type& t) noexcept {
    if (t.shelf_ == nullptr) return false;  // the pool has died
    const held_lock hold(t.shelf_->lock_);
    const bool was_set = t.shelf_->take_out(t);
    if (t.state_ != shelf_state::due) t.state_ = shelf_state::withdrawn;
    return was_set;
  }

  // Fires what is due; answers how many there were.
  std::size_t advance(nanoseconds now) noexcept {
    timer_type* due;
    {
      const held_lock hold(lock_);
      wheel_.advance(now);
      say(wheel_.next_deadline().at);
      due = due_;
      due_ = nullptr, last_due_ = &due_;
    }
    std::size_t fired = 0;
    for (; due != nullptr; ++fired) {
      timer_type& t = *due;
      due = t.next_due_;  // first: behind fire it may be gone
      t.fire(t);
    }
    return fired;
  }

  // Takes all out, and calls f(timer) for each instead of fire. No other thread is left.
  template <class F>
  void clear(F&& f) noexcept {
    wheel_.clear([&](timer& t) {
      auto& mine = static_cast<timer_type&>(t);
      mine.state_ = shelf_state::idle;
      mine.shelf_ = nullptr;
      f(mine);
    });
  }

 private:
  friend timer_type;

  // True: before all others.
  bool place(timer_type& t, nanoseconds at) noexcept {
    wheel_.add(t, at);
    const nanoseconds first = wheel_.next_deadline().at;
    if (first >= next()) return false;
    say(first);
    return true;
  }
  bool take_out(timer_type& t) noexcept {
    if (t.state_ != shelf_state::armed) return false;
    wheel_.cancel(t);
    t.state_ = shelf_state::idle;
    return true;
  }
  void came_due(timer_type& t) noexcept {
    t.state_ = shelf_state::due;
    t.next_due_ = nullptr;
    *last_due_ = &t;
    last_due_ = &t.next_due_;
  }
  // relaxed: who lies down or sets a timer fences behind it
  void say(nanoseconds next) noexcept { next_.store(next.count(), std::memory_order_relaxed); }

  alignas(cache_line) typename Atomics::template atomic<std::int64_t> next_{nothing.count()};
  const unsigned index_;
  word_lock<Atomics> lock_;
  timer_wheel<policy::clock<Clock>> wheel_;
  timer_type* due_ = nullptr;
  timer_type** last_due_ = &due_;
};

template <class Atomics, class Clock>
void shelf_timer<Atomics, Clock>::comes_due(timer& t) noexcept {
  auto& self = static_cast<shelf_timer&>(t);
  self.shelf_->came_due(self);
}

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_SCHED_DETAIL_TIMER_SHELF_HPP
