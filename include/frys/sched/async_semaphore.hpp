// async_semaphore: a number of permits that coroutines take and give back; who has to wait lets its thread do something
// else.
//
// Use when  so many may do something at once: requests to a disk, bytes in flight, connections of a pool.
// Not when  it is one at a time (async_mutex), or the permits would be values in a queue (channel, awaiting).
// Roles     every operation: any thread.
// Progress  lock-free where nobody waits; where somebody does, by a lock of a few instructions. Strictly in turn: who
//           wants many is not passed by who wants few, for no try_acquire either.
// Cost      acquire and release: one compare-exchange each. To wait allocates nothing: the node lies in the coroutine's
//           frame. With policy::atomics<atomics::local> no read-modify-write at all.
// Ordering  what was done before a release happens-before what follows the acquire that takes one of its permits, or
//           any later one.
// Goes on   acquire(n): within release, on the thread that releases, before that returns (deep in such calls: a bit
//           later, as async_mutex says). acquire(on, n): as work posted to `on`, which must outlive the wait.
// Errors    errc::cancelled where a stop was asked for while it waited; no permit is held then.
// Lifetime  destroy it when nobody waits and nobody is within a call. A coroutine may be destroyed while it waits as
//           long as no other thread can release or stop it meanwhile, and not between an executor's call and its run
//           (hardened builds check). Permits that were handed to it go to the next.
//
// Policies, in any order, each at most once:
//   policy::atomics<A>  the atomics model  default atomics::standard
#ifndef FRYS_SCHED_ASYNC_SEMAPHORE_HPP
#define FRYS_SCHED_ASYNC_SEMAPHORE_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/concepts.hpp"
#include "../core/intrusive_list.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "cancel.hpp"
#include "detail/waiting_line.hpp"

namespace frys::inline FRYS_ABI {

template <class... Policies>
class async_semaphore {
  using accepted = policy::keys<policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::async_semaphore: unknown policy; it takes policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::async_semaphore: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::async_semaphore: policy::atomics wants an atomics model, see core/atomics.hpp");

 private:
  using line_type = detail::waiting_line<atomics_type, std::size_t>;
  static constexpr std::size_t unit = line_type::unit, taken = line_type::busy | line_type::crowd;

 public:
  static constexpr std::size_t most = ~std::size_t{0} / unit;  // permits

  explicit async_semaphore(std::size_t permits) noexcept : line_(permits * unit) {
    FRYS_ASSERT(permits <= most, "async_semaphore: more permits than it can count");
  }
#if FRYS_HARDENED
  ~async_semaphore() {
    // relaxed: a check of the caller, not an order
    FRYS_ASSERT((line_.word.load(std::memory_order_relaxed) & taken) == 0,
                "async_semaphore: destroyed while a coroutine waits");
  }
#endif

  // All `n` or none; none where somebody waits.
  [[nodiscard]] bool try_acquire(std::size_t n = 1) noexcept {
    std::size_t seen = 0;
    if (take(n, seen)) return true;
    if ((seen & line_type::crowd) != 0 || seen / unit < n) return false;
    // Somebody looks at the line; he may have come to go again.
    std::size_t word = line_.enter();
    const bool got = admit(word, n);
    line_.leave(word);
    return got;
  }
  void release(std::size_t n = 1) noexcept {
    std::size_t seen = line_.word.load(std::memory_order_relaxed);  // relaxed: a look; the exchange below releases
    do {
      if ((seen & taken) != 0) return settle(n);
      FRYS_ASSERT(n <= most - seen / unit, "async_semaphore: more permits than it can count");
      // sync(async_semaphore.permit): release; what was done before comes before what follows the acquire. relaxed on
      // failure: another look.
    } while (
        !line_.word.compare_exchange_weak(seen, seen + n * unit, std::memory_order_release, std::memory_order_relaxed));
  }
  // Permits that nobody has; stale when it returns.
  [[nodiscard]] std::size_t available() const noexcept {
    return line_.word.load(std::memory_order_relaxed) / unit;  // relaxed: a hint
  }

 private:
  class awaiter final : public detail::line_awaiter<awaiter, atomics_type> {
    using base = detail::line_awaiter<awaiter, atomics_type>;

   public:
    awaiter(async_semaphore& of, std::size_t n) noexcept : of_(&of), n_(n) {}
    template <executor E>
    awaiter(async_semaphore& of, E& on, std::size_t n) noexcept : base(on), of_(&of), n_(n) {}
    bool await_ready() noexcept {
      std::size_t seen = 0;
      return of_->take(n_, seen);
    }
    result<void> await_resume() noexcept {
      if (!this->has_come()) return cancelled_error();
      return {};
    }

   private:
    friend base;
    friend async_semaphore;
    line_type& line() noexcept { return of_->line_; }
    bool admit(std::size_t& word) noexcept { return of_->admit(word, n_); }
    void left() noexcept { of_->settle(0); }  // those behind may want less
    void give_back() noexcept { of_->release(n_); }

    async_semaphore* of_;
    std::size_t n_;
  };

 public:
  // co_await: result<void>. All `n` at once; more than there ever are waits until it is stopped. Where it must wait,
  // the coroutine goes on within the call that releases.
  [[nodiscard]] awaiter acquire(std::size_t n = 1) noexcept { return awaiter(*this, n); }
  // The same, and the coroutine goes on in work that is posted to `on`.
  template <executor E>
  [[nodiscard]] awaiter acquire(E& on, std::size_t n = 1) noexcept {
    return awaiter(*this, on, n);
  }

 private:
  // seen: the word where it answers false.
  bool take(std::size_t n, std::size_t& seen) noexcept {
    seen = line_.word.load(std::memory_order_relaxed);  // relaxed: a look; the exchange below acquires
    do {
      if ((seen & taken) != 0 || seen / unit < n) return false;
      // sync(async_semaphore.permit): acquire; what was done before the releases is done. relaxed on failure: another
      // look.
    } while (
        !line_.word.compare_exchange_weak(seen, seen - n * unit, std::memory_order_acquire, std::memory_order_relaxed));
    return true;
  }
  // In the line: whether who has just come may have `n`.
  bool admit(std::size_t& word, std::size_t n) noexcept {
    if (!line_.empty() || word / unit < n) return false;
    word -= n * unit;
    return true;
  }
  // Gives `n` more, and all that there is to those whose turn it is.
  FRYS_NOINLINE void settle(std::size_t n) noexcept {
    intrusive_list<detail::line_waiter> called;
    std::size_t word = line_.enter();
    FRYS_ASSERT(n <= most - word / unit, "async_semaphore: more permits than it can count");
    word += n * unit;
    while (!line_.empty()) {
      const std::size_t wanted = static_cast<awaiter&>(line_.front()).n_;
      if (word / unit < wanted) break;
      word -= wanted * unit;
      line_.take_first_into(called);
    }
    line_.leave(word);
    detail::call_all<atomics_type>(called);
  }

  line_type line_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_ASYNC_SEMAPHORE_HPP
