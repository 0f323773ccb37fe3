// awaiting: any queue, with a push and a pop that coroutines wait for.
//
// Use when  coroutines on executors (reactors, a scheduler's workers) hand values to each other or to plain threads.
// Not when  a whole thread waits (blocking), or nobody does (the queue itself).
// Roles     those of the queue: push and try_push for its producers, pop and try_pop for its consumers, close for who
//           may close it. A pop looks on the thread that awaits it and, later, on its executor: for an spsc_ring both
//           are the one consumer.
// Progress  try_push, try_pop and close do not wait, but for a lock of a few instructions where a coroutine waits.
// Cost      the queue's own, and for each push and each successful pop one fence and one load to look for waiters. To
//           wait allocates nothing: the node lies in the awaiter, and so in the coroutine's frame. Who has waited calls
//           the next one of its side, in case there is more. It spends no spin budget first, as blocking does: its
//           executor has other work, which may be the partner.
// Ordering  the queue's. Who has waited longest is called first; a try_pop that comes in between may be faster, and
//           then the one who was called waits on, first in the line.
// Close     close() calls all: producers get closed; consumers what is left, then closed. Nobody waits on.
// Stop      a wait listens to its coroutine's stop_token (sched/cancel.hpp). Asked from any thread, it is called as by
//           a push or a pop, looks a last time, and answers what it finds: a value or room, or else empty or full.
// Lifetime  destroy it when nobody waits: close, let them end, destroy. A coroutine may be destroyed while it waits as
//           long as no other thread can push, pop, close or stop it: once it has been called it must run. Hardened
//           builds check both.
//
// Policies, in any order, each at most once:
//   policy::atomics<A>  the atomics model  default the queue's
#ifndef FRYS_QUEUE_AWAITING_HPP
#define FRYS_QUEUE_AWAITING_HPP

#include <atomic>
#include <coroutine>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/concepts.hpp"
#include "../core/stop_token.hpp"
#include "../policy.hpp"
#include "concepts.hpp"
#include "detail/atomics_of.hpp"
#include "detail/waiter_list.hpp"
#include "result.hpp"

namespace frys::inline FRYS_ABI {

template <class Queue, class... Policies>
class awaiting {
  using accepted = policy::keys<policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::awaiting: unknown policy; it takes policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::awaiting: a policy is given twice; name each at most once");
  static_assert(closable_queue<Queue>,
                "frys::awaiting<Queue>: Queue must have try_push, try_pop and close, see queue/concepts.hpp");

 public:
  using queue_type = Queue;
  using value_type = typename Queue::value_type;
  using atomics_type =
      typename policy::pick<policy::atomics<typename detail::atomics_of<Queue>::type>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::awaiting: policy::atomics wants an atomics model, see core/atomics.hpp");

  // The arguments are the queue's.
  template <class... Args>
  requires std::is_constructible_v<Queue, Args...>
  explicit awaiting(Args&&... args) : queue_(std::forward<Args>(args)...) {}
  awaiting(const awaiting&) = delete;
  awaiting& operator=(const awaiting&) = delete;

  // As the queue's, and calls who waits.
  push_result try_push(value_type&& value) noexcept {
    const push_result pushed = queue_.try_push(std::move(value));
    if (pushed)
      values_.call_one();
    else
      refused();
    return pushed;
  }
  pop_result<value_type> try_pop() noexcept {
    auto popped = queue_.try_pop();
    if (popped) taken();
    return popped;
  }

 private:
  using list = detail::waiter_list<atomics_type>;

  // What push and pop have in common. Derived has `bool look()`: true when there is nothing to wait for any more.
  template <class Derived>
  class waiter : public detail::queue_waiter {
   public:
    template <executor E>
    waiter(list& line, E& on) noexcept : line_(&line) {
      detail::queue_waiter::run = [](work& w) noexcept {
        auto& self = static_cast<Derived&>(static_cast<waiter&>(static_cast<detail::queue_waiter&>(w)));
        self.was_called_ = true;
        if (!self.waits(true)) self.handle_.resume();
      };
      detail::queue_waiter::home = &on;
      detail::queue_waiter::post = [](void* to, work& w) noexcept { static_cast<E*>(to)->post(w); };
    }
    // Before it is awaited.
    waiter(waiter&& other) noexcept : detail::queue_waiter(other), line_(other.line_) {
      FRYS_ASSERT(!other.enlisted_, "awaiting: an awaiter was moved while its coroutine waits");
    }
    waiter& operator=(waiter&&) = delete;
    ~waiter() {
      stop_.end();
      if (!enlisted_) return;
      [[maybe_unused]] const bool out = line_->withdraw(*this);
      FRYS_ASSERT(out, "awaiting: a coroutine was destroyed between the call and its run");
    }

    bool await_ready() noexcept { return self().look(); }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
      handle_ = handle;
      return stop_.begin(stop_token_of(handle), *this, &on_stop) && waits(false);
    }

   protected:
    // At the end: nobody stops it any more.
    void end_wait() noexcept { stop_.end(); }
    // Behind an operation that was stopped half way others may have come to their end; they have called somebody who
    // found nothing. So who was called and found something calls the next: the last one of them finds nothing again.
    void call_next() noexcept {
      if (was_called_) line_->call_one();
    }

   private:
    Derived& self() noexcept { return static_cast<Derived&>(*this); }
    static stop_action on_stop(void* p) noexcept {
      auto& w = *static_cast<waiter*>(p);
      if (!w.line_->stop(w)) return {};
      return {[](void* called) noexcept {
                auto& it = *static_cast<detail::queue_waiter*>(called);
                it.post(it.home, it);
              },
              static_cast<detail::queue_waiter*>(&w)};
    }
    // Stands in line, or has what it waited for, or has been stopped. When it answers true, `*this` may be gone.
    bool waits(bool first) noexcept {
      enlisted_ = true;
      return !line_->enlist_unless(*this, first, [this] {
        enlisted_ = !self().look() && !this->stopped;
        return !enlisted_;
      });
    }

    list* line_;
    std::coroutine_handle<> handle_;
    stop_wait stop_;
    bool enlisted_ = false;  // the coroutine's own, as what follows
    bool was_called_ = false;
  };

  class pop_awaiter final : public waiter<pop_awaiter> {
   public:
    template <executor E>
    pop_awaiter(awaiting& from, E& on) noexcept : waiter<pop_awaiter>(from.values_, on), from_(&from) {}
    pop_result<value_type> await_resume() noexcept {
      this->end_wait();
      if (got_) {
        this->call_next();
        from_->taken();
      }
      return std::move(got_);
    }

   private:
    friend waiter<pop_awaiter>;
    bool look() noexcept {
      got_ = from_->queue_.try_pop();
      return !got_.is_empty();
    }
    awaiting* from_;
    pop_result<value_type> got_ = pop_status::empty;
  };

  class push_awaiter final : public waiter<push_awaiter> {
   public:
    template <executor E>
    push_awaiter(awaiting& to, E& on, value_type&& value) noexcept
        : waiter<push_awaiter>(to.room_, on), to_(&to), value_(&value) {}
    push_result await_resume() noexcept {
      this->end_wait();
      if (last_) {
        this->call_next();
        to_->values_.call_one();
      } else {
        to_->refused();
      }
      return last_;
    }

   private:
    friend waiter<push_awaiter>;
    bool look() noexcept {
      last_ = to_->queue_.try_push(std::move(*value_));  // untouched unless it was taken
      return !last_.is_full();
    }
    awaiting* to_;
    value_type* value_;
    push_result last_ = push_result::full;
  };

 public:
  // co_await: a value, or closed when there will be none any more, or empty when a stop was asked for. Where it must
  // wait, the coroutine goes on in work that is posted to `on`, which must outlive the wait; where not, it goes on at
  // once.
  template <executor E>
  [[nodiscard]] pop_awaiter pop(E& on) noexcept {
    return pop_awaiter(*this, on);
  }
  // co_await: ok, or closed with the value untouched; or full, and so, too, when a stop was asked for. `value` lives
  // until then, as a temporary of the same expression does.
  template <executor E>
  [[nodiscard]] push_awaiter push(E& on, value_type&& value) noexcept {
    return push_awaiter(*this, on, std::move(value));
  }

  // By whom the queue may be closed.
  void close() noexcept {
    queue_.close();
    // relaxed: the fence of call_all stands behind it, and makes the other end of sync(awaiting.refused). Who waits in
    // spite of that fence has looked behind a later one, and the pop that takes what it did not see looks here behind
    // one later still: it sees this, and calls the others.
    closed_.store(true, std::memory_order_relaxed);
    values_.call_all();
    room_.call_all();
  }

  // The consumer of a queue of one, which wants no more: a producer that waits gets closed.
  void abandon() noexcept requires requires(Queue& q) { q.abandon(); }
  {
    queue_.abandon();
    room_.call_all();
  }

  // For what is not here: spans, size_hint, stats. What goes in or out that way calls nobody.
  [[nodiscard]] Queue& queue() noexcept { return queue_; }

 private:
  void taken() noexcept {
    room_.call_one();
    // relaxed: behind the fence of call_one, see close. A consumer that looked while a push was under way waits on
    // behind the close; when the last value has gone, nobody else would tell it.
    if (closed_.load(std::memory_order_relaxed)) values_.call_all();
  }

  // A queue may answer empty, not closed, while a push is under way that will be refused. Behind a close nobody else
  // would tell who saw that.
  void refused() noexcept {
    // sync(awaiting.refused): seq_cst; with the fences of close and of a wait: either the consumer's last look finds
    // the push at its end, or we find the queue closed.
    atomics_type::fence(std::memory_order_seq_cst);
    if (closed_.load(std::memory_order_relaxed)) values_.call_all();  // relaxed: behind the fence
  }

  Queue queue_;
  list values_;  // who waits for one
  list room_;    // who waits for room
  typename atomics_type::template atomic<bool> closed_{false};
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_AWAITING_HPP
