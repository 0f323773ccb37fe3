// channel: values from coroutines to coroutines, in order, with or without room in between; both sides can wait.
//
// Use when  coroutines hand values to each other: a pipeline on one reactor, requests to a worker, results back. With
//           no room at all (policy::capacity<0>) a push ends when a pop has the value: a rendezvous.
// Not when  many threads push and pop at once and hardly ever wait, or threads without coroutines do: awaiting over
//           mpmc_ring takes no lock. Not for one value (async_event and a variable), not without a bound.
// Roles     every operation: any thread.
// Progress  by a lock of a few instructions and at most two moves of T; who waits holds none. Strictly in turn: a value
//           goes to who has waited longest, and nobody takes it on the way.
// Cost      one compare-exchange and one store for each push and pop, a load where the answer is full or empty, no
//           allocation: nodes and values of those who wait lie in their coroutines' frames. With
//           policy::atomics<atomics::local> no read-modify-write at all.
// Ordering  what was done before a push happens-before what follows the pop that takes its value; without room the pop
//           also happens-before what follows the push. FIFO. What was done before close() happens-before what another
//           does that is told closed.
// Goes on   push(v), pop(): who waits goes on within the call that ends its wait, on that thread, before that returns
//           (deep in such calls: a bit later, as async_mutex says). push(on, v), pop(on): as work posted to `on`, which
//           must outlive the wait.
// Close     after close() every push answers closed, those who wait too, with the value untouched; pops hand out what
//           was accepted, to the last value, and answer closed only then.
// Errors    a stop that is asked for while one waits: a pop answers empty, a push full with the value untouched. A
//           value that was already handed over is had: then the stop came too late.
// Lifetime  destroy it when nobody waits; values left in it are destroyed. A coroutine may be destroyed while it waits
//           as long as no other thread can push, pop, close or stop it meanwhile, and not between an executor's call
//           and its run (hardened builds check). A value that it was just being handed dies with it.
//
// T's moves and destructor must not call the channel that they happen in.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>        values that wait for a pop; any number, 0 too         default 64
//   policy::capacity<dynamic>  policy::dynamic: make(n) answers one for n, or why not
//   policy::atomics<A>         the atomics model                                     default atomics::standard
// Source    C. A. R. Hoare, "Communicating sequential processes", 1978; the hand-over to who waits, as in Go's
//           channels.
#ifndef FRYS_SCHED_CHANNEL_HPP
#define FRYS_SCHED_CHANNEL_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/concepts.hpp"
#include "../core/intrusive_list.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "../queue/result.hpp"
#include "cancel.hpp"
#include "detail/waiting_line.hpp"

namespace frys::inline FRYS_ABI {

namespace detail {

// Raw room for values.
template <class T, std::size_t N>
class channel_slots {
 public:
  static constexpr std::size_t count() noexcept { return N; }
  T* at(std::size_t i) noexcept { return std::launder(reinterpret_cast<T*>(memory_)) + i; }

 private:
  alignas(T) unsigned char memory_[N * sizeof(T)];
};
template <class T>
class channel_slots<T, 0> {
 public:
  static constexpr std::size_t count() noexcept { return 0; }
  static T* at(std::size_t) noexcept { return nullptr; }
};
template <class T>
class channel_slots<T, policy::dynamic> {
 public:
  channel_slots(T* memory, std::size_t count) noexcept : memory_(memory), count_(count) {}
  channel_slots(const channel_slots&) = delete;
  channel_slots& operator=(const channel_slots&) = delete;
  ~channel_slots() { ::operator delete(static_cast<void*>(memory_), std::align_val_t(alignof(T))); }
  // nullptr where there is no memory.
  static T* allocate(std::size_t count) noexcept {
    if (count > (~std::size_t{0} / 2) / sizeof(T)) return nullptr;
    return static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t(alignof(T)), std::nothrow));
  }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  T* at(std::size_t i) noexcept { return memory_ + i; }

 private:
  T* memory_;
  std::size_t count_;
};

}  // namespace detail

template <class T, class... Policies>
class channel {
  using accepted = policy::keys<policy::capacity_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::channel: unknown policy; it takes policy::capacity, policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::channel: a policy is given twice; name each at most once");
  static_assert(queue_element<T>, "frys::channel<T>: T must be an object type that moves and dies without throwing");

 public:
  using value_type = T;
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::channel: policy::atomics wants an atomics model, see core/atomics.hpp");
  // policy::dynamic where slot_count() knows it.
  static constexpr std::size_t capacity = policy::pick<policy::capacity<64>, Policies...>::value;
  static constexpr bool is_dynamic = capacity == policy::dynamic;

  channel() noexcept requires(!is_dynamic) : line_(capacity == 0 ? full : 0) {}
  channel(const channel&) = delete;
  channel& operator=(const channel&) = delete;
  ~channel() {
    // relaxed: a check of the caller, not an order
    FRYS_ASSERT((line_.word.load(std::memory_order_relaxed) & (line_type::busy | line_type::crowd)) == 0,
                "channel: destroyed while a coroutine waits; close it and let them end first");
    if constexpr (has_room)
      for (std::size_t left = ring_.get().count; left != 0; --left) static_cast<void>(take_oldest());
  }

  // One for `count` values, 0 too. out_of_memory: there is none.
  [[nodiscard]] static result<std::unique_ptr<channel>> make(std::size_t count) noexcept requires(is_dynamic) {
    if (T* const memory = slots_type::allocate(count)) {
      if (auto* const made = new (std::nothrow) channel(memory, count)) return std::unique_ptr<channel>(made);
      ::operator delete(static_cast<void*>(memory), std::align_val_t(alignof(T)));
    }
    return error{errc::out_of_memory, domain::sched, "no memory for a channel's values",
                 static_cast<std::int64_t>(count)};
  }

  // On full and closed the value is untouched. Without room: full unless somebody waits in pop.
  push_result try_push(T&& value) noexcept {
    if (is_surely_full()) return push_result::full;
    detail::line_waiter* served = nullptr;
    const std::uint32_t word = line_.enter();
    const push_result answer = put(word, value, served);
    line_.leave(marked(word));
    if (served != nullptr) detail::call<atomics_type>(*served);
    return answer;
  }
  pop_result<T> try_pop() noexcept {
    pop_result<T> answer = pop_status::empty;
    if (is_surely_empty()) return answer;
    detail::line_waiter* served = nullptr;
    const std::uint32_t word = line_.enter();
    take(word, answer, served);
    line_.leave(marked(word));
    if (served != nullptr) detail::call<atomics_type>(*served);
    return answer;
  }
  // Any number of times.
  void close() noexcept {
    intrusive_list<detail::line_waiter> called;
    const std::uint32_t word = line_.enter();
    while (!line_.empty()) {
      if (pushers_wait(word))
        static_cast<push_awaiter&>(line_.front()).answer_ = push_result::closed;
      else
        static_cast<pop_awaiter&>(line_.front()).answer_ = pop_status::closed;
      line_.take_first_into(called);
    }
    line_.leave(word | closed);
    detail::call_all<atomics_type>(called);
  }
  [[nodiscard]] bool is_closed() const noexcept {
    // sync(waiting_line.busy): acquire; what was done before close is visible to who sees it.
    return (line_.word.load(std::memory_order_acquire) & closed) != 0;
  }
  // How many values have room.
  [[nodiscard]] std::size_t slot_count() const noexcept { return slots_.count(); }

 private:
  using line_type = detail::waiting_line<atomics_type, std::uint32_t>;
  using slots_type = detail::channel_slots<T, capacity>;
  // Of the line's word: nothing is taken any more; those who wait are pushers (they and poppers never wait at once);
  // there are values; there is no room.
  static constexpr std::uint32_t closed = line_type::unit, pushers = line_type::unit * 2, some = line_type::unit * 4,
                                 full = line_type::unit * 8;
  struct ring {
    std::size_t oldest = 0, count = 0;
  };

  template <class Derived>
  using awaiter_base = detail::line_awaiter<Derived, atomics_type>;

  class pop_awaiter : public awaiter_base<pop_awaiter> {
   public:
    explicit pop_awaiter(channel& of) noexcept : of_(&of) {}
    template <executor E>
    pop_awaiter(channel& of, E& on) noexcept : awaiter_base<pop_awaiter>(on), of_(&of) {}
    bool await_ready() noexcept {
      answer_ = of_->try_pop();
      return !answer_.is_empty();
    }
    pop_result<T> await_resume() noexcept {
      static_cast<void>(this->has_come());  // one that was stopped has the answer empty
      return std::move(answer_);
    }

   private:
    friend awaiter_base<pop_awaiter>;
    friend channel;
    line_type& line() noexcept { return of_->line_; }
    bool admit(std::uint32_t& word) noexcept {
      of_->take(word, answer_, served_);
      word = of_->marked(word);
      if (answer_.is_empty()) word &= ~pushers;
      return !answer_.is_empty();
    }
    void admitted() noexcept {
      if (served_ != nullptr) detail::call<atomics_type>(*served_);
    }
    void left() noexcept {}
    void give_back() noexcept {}

    channel* of_;
    detail::line_waiter* served_ = nullptr;
    pop_result<T> answer_ = pop_status::empty;
  };

  class result_awaiter final : public pop_awaiter {
   public:
    using pop_awaiter::pop_awaiter;
    result<T> await_resume() noexcept {
      pop_result<T> popped = pop_awaiter::await_resume();
      if (popped) return result<T>(std::in_place, *std::move(popped));
      if (popped.is_closed()) return error{errc::closed, domain::sched, "the channel is closed and drained"};
      return cancelled_error();
    }
  };

  class push_awaiter final : public awaiter_base<push_awaiter> {
   public:
    push_awaiter(channel& of, T& value) noexcept : of_(&of), value_(&value) {}
    template <executor E>
    push_awaiter(channel& of, E& on, T& value) noexcept : awaiter_base<push_awaiter>(on), of_(&of), value_(&value) {}
    bool await_ready() noexcept {
      answer_ = of_->try_push(std::move(*value_));
      return !answer_.is_full();
    }
    push_result await_resume() noexcept {
      static_cast<void>(this->has_come());  // one that was stopped has the answer full
      return answer_;
    }

   private:
    friend awaiter_base<push_awaiter>;
    friend channel;
    line_type& line() noexcept { return of_->line_; }
    bool admit(std::uint32_t& word) noexcept {
      answer_ = of_->put(word, *value_, served_);
      word = of_->marked(word);
      if (answer_.is_full()) word |= pushers;
      return !answer_.is_full();
    }
    void admitted() noexcept {
      if (served_ != nullptr) detail::call<atomics_type>(*served_);
    }
    void left() noexcept {}
    void give_back() noexcept {}

    channel* of_;
    T* value_;
    detail::line_waiter* served_ = nullptr;
    push_result answer_ = push_result::full;
  };

 public:
  // co_await: pop_result<T>: a value, or closed when there will be none any more; empty if it was stopped.
  [[nodiscard]] pop_awaiter pop() noexcept { return pop_awaiter(*this); }
  template <executor E>
  [[nodiscard]] pop_awaiter pop(E& on) noexcept {
    return pop_awaiter(*this, on);
  }
  // co_await: result<T>: a value, errc::closed or errc::cancelled. For with_timeout, which never drops a result's
  // value, though it came too late.
  [[nodiscard]] result_awaiter pop_as_result() noexcept { return result_awaiter(*this); }
  template <executor E>
  [[nodiscard]] result_awaiter pop_as_result(E& on) noexcept {
    return result_awaiter(*this, on);
  }
  // co_await: push_result: ok, or closed; full if it was stopped. `value` lives until then, as a temporary of the same
  // expression does.
  [[nodiscard]] push_awaiter push(T&& value) noexcept { return push_awaiter(*this, value); }
  template <executor E>
  [[nodiscard]] push_awaiter push(E& on, T&& value) noexcept {
    return push_awaiter(*this, on, value);
  }

 private:
  channel(T* memory, std::size_t count) noexcept requires(is_dynamic)
      : line_(count == 0 ? full : 0), slots_(memory, count) {}

  // A look, without the lock.
  bool is_surely_full() const noexcept {
    // relaxed: what answers full or empty promises nothing about what was before
    const std::uint32_t seen = line_.word.load(std::memory_order_relaxed);
    return (seen & (full | closed | line_type::busy)) == full &&
           (seen & (line_type::crowd | pushers)) != line_type::crowd;
  }
  bool is_surely_empty() const noexcept {
    // relaxed: as above
    const std::uint32_t seen = line_.word.load(std::memory_order_relaxed);
    return (seen & (some | closed | line_type::busy)) == 0 &&
           (seen & (line_type::crowd | pushers)) != (line_type::crowd | pushers);
  }

  // In the line, all that follow.
  std::uint32_t marked(std::uint32_t word) const noexcept {
    const std::size_t count = ring_.get().count;
    return (word & ~(some | full)) | (count != 0 ? some : 0) | (count == slots_.count() ? full : 0);
  }
  bool pushers_wait(std::uint32_t word) const noexcept { return (word & pushers) != 0 && !line_.empty(); }
  bool poppers_wait(std::uint32_t word) const noexcept { return (word & pushers) == 0 && !line_.empty(); }
  // A rendezvous has none: g++ would warn of what never runs.
  static constexpr bool has_room = capacity != 0;
  void store_newest(T& value) noexcept {
    ring& r = ring_.ref();
    std::size_t to = r.oldest + r.count;
    if (to >= slots_.count()) to -= slots_.count();
    std::construct_at(slots_.at(to), std::move(value));
    ++r.count;
  }
  pop_result<T> take_oldest() noexcept {
    ring& r = ring_.ref();
    T* const from = slots_.at(r.oldest);
    pop_result<T> taken(std::in_place, std::move(*from));
    std::destroy_at(from);
    if (++r.oldest == slots_.count()) r.oldest = 0;
    --r.count;
    return taken;
  }
  // served: who must be called behind leave, if anybody.
  push_result put(std::uint32_t word, T& value, detail::line_waiter*& served) noexcept {
    if ((word & closed) != 0) return push_result::closed;
    if (poppers_wait(word)) {
      auto& first = static_cast<pop_awaiter&>(line_.take_first());
      first.answer_ = pop_result<T>(std::in_place, std::move(value));
      served = &first;
      return push_result::ok;
    }
    if (!has_room || ring_.get().count == slots_.count()) return push_result::full;
    store_newest(value);
    return push_result::ok;
  }
  void take(std::uint32_t word, pop_result<T>& answer, detail::line_waiter*& served) noexcept {
    const bool stored = has_room && ring_.get().count != 0;
    if (stored) answer = take_oldest();
    if (pushers_wait(word)) {
      auto& first = static_cast<push_awaiter&>(line_.take_first());
      if (stored)
        store_newest(*first.value_);  // into the room that has just come
      else
        answer = pop_result<T>(std::in_place, std::move(*first.value_));
      first.answer_ = push_result::ok;
      served = &first;
    } else if (!stored && (word & closed) != 0) {
      answer = pop_status::closed;
    }
  }

  line_type line_;
  typename atomics_type::template var<ring> ring_;
  [[no_unique_address]] slots_type slots_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_CHANNEL_HPP
