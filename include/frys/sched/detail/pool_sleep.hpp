// pool_sleep: what a coroutine awaits that sleeps in a scheduler, and the callable that is submitted for later.
#ifndef FRYS_SCHED_DETAIL_POOL_SLEEP_HPP
#define FRYS_SCHED_DETAIL_POOL_SLEEP_HPP

#include <coroutine>
#include <cstdint>
#include <utility>

#include "../../config.hpp"
#include "../../core/deadline.hpp"
#include "../../core/result.hpp"
#include "../../core/work.hpp"
#include "../cancel.hpp"
#include "run_queue.hpp"

namespace frys::inline FRYS_ABI::detail {

template <class Core>
class [[nodiscard]] pool_sleep : work, Core::timer_type {
  using timer_type = typename Core::timer_type;
  using shelf = typename Core::shelf;

 public:
  pool_sleep(Core& pool, deadline until) noexcept : work(&goes_on), timer_type(&fires), pool_(pool), until_(until) {}
  pool_sleep(pool_sleep&& before) noexcept : pool_sleep(before.pool_, before.until_) {}  // before it is awaited
  pool_sleep& operator=(pool_sleep&&) = delete;
  // One that is destroyed where it waits is withdrawn. Where it has fired and was not resumed any more, its pool may be
  // gone.
  ~pool_sleep() {
    stop_.end();
    if (waits_ && this->is_armed()) (void)shelf::cancel(*this);
  }

  bool await_ready() const noexcept { return until_.template has_passed<typename Core::clock>(); }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
    waiting_ = h;
    auto& home = pool_.timer_home();
    home_ = home.index;
    home.timers.hold(*this);
    waits_ = true;
    if (stop_.begin(stop_token_of(h), *this, &on_stop) && pool_.add_timer(home, *this, until_.at)) return true;
    stopped_ = true;
    return false;
  }
  result<void> await_resume() noexcept {
    waits_ = false;
    stop_.end();
    if (stopped_) return cancelled_error();
    return {};
  }

 private:
  static void goes_on(work& w) noexcept { static_cast<pool_sleep&>(w).waiting_.resume(); }
  static void fires(timer_type& t) noexcept {
    auto& self = static_cast<pool_sleep&>(t);
    self.pool_.go_on(self, self.home_);
  }
  static stop_action on_stop(void* p) noexcept {
    auto& self = *static_cast<pool_sleep*>(p);
    if (!shelf::withdraw(self)) return {};
    self.stopped_ = true;
    return {[](void* s) noexcept { fires(*static_cast<pool_sleep*>(s)); }, p};
  }

  Core& pool_;
  deadline until_;
  unsigned home_ = 0;
  bool waits_ = false;
  bool stopped_ = false;
  std::coroutine_handle<> waiting_;
  stop_wait stop_;
};

// Waits on a shelf until it may be queued.
template <class Core>
struct delayed_work : owned_work, Core::timer_type {
  using timer_type = typename Core::timer_type;

  delayed_work(work::function f, void (*d)(owned_work&) noexcept) noexcept : owned_work(f, d), timer_type(&comes) {}

  // The pool dies before.
  static void drop_waiting(timer_type& t) noexcept {
    if (t.fire != &comes) return;
    auto& self = static_cast<delayed_work&>(t);
    self.drop(self);
  }

  unsigned level = 0;
  unsigned to = ~0u;  // a worker alone; any

 private:
  static void comes(timer_type& t) noexcept {
    auto& self = static_cast<delayed_work&>(t);
    auto& me = *Core::here();
    Core& pool = me.pool;
    const work_ref r(self, true);
    if (self.to != ~0u) return pool.send(self.to, r);
    pool.push(me, r, self.level);
    if constexpr (!Core::is_sharded) pool.tell();
  }
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_SCHED_DETAIL_POOL_SLEEP_HPP
