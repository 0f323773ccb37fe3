// async_mutex: one coroutine at a time; who has to wait lets its thread do something else.
//
// Use when  a coroutine holds something over a wait: a connection during request and reply, a file during a rewrite.
// Not when  nothing is awaited while it is held (on one thread no lock is needed; between threads a std::mutex or a
//           queue is simpler), or what is shared belongs to one core anyway.
// Roles     lock, try_lock: any thread. A guard: its owner, who may end it on another thread than it began on.
// Progress  lock-free where nobody waits; where somebody does, by a lock of a few instructions. Strictly in turn:
//           unlock hands over to who has waited longest, nobody comes in between.
// Cost      lock and unlock: one compare-exchange each. To wait allocates nothing: the node lies in the coroutine's
//           frame. With policy::atomics<atomics::local> no read-modify-write at all.
// Ordering  what was done under the lock happens-before what the next one does who has it.
// Goes on   lock(): within unlock, on the thread that unlocks, before that returns (deep in such calls: a bit later,
//           see below). lock(on): as work posted to `on`, which must outlive the wait.
// Errors    errc::cancelled where a stop was asked for while it waited; the lock is not held then.
// Lifetime  destroy it when nobody holds it or waits; who has just got it from the last one may. A coroutine may be
//           destroyed while it waits as long as no other thread can unlock or stop it meanwhile, and not between an
//           executor's call and its run (hardened builds check). A lock that was handed to it goes to the next.
//
// Who goes on within unlock and unlocks calls the next one from within: that nests up to 8 deep on a thread, those
// beyond go on when one of the 8 comes back. So who was resumed so must not block its thread for another one.
//
// Policies, in any order, each at most once:
//   policy::atomics<A>  the atomics model  default atomics::standard
#ifndef FRYS_SCHED_ASYNC_MUTEX_HPP
#define FRYS_SCHED_ASYNC_MUTEX_HPP

#include <atomic>
#include <cstdint>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "cancel.hpp"
#include "detail/waiting_line.hpp"

namespace frys::inline FRYS_ABI {

template <class... Policies>
class async_mutex {
  using accepted = policy::keys<policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::async_mutex: unknown policy; it takes policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::async_mutex: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::async_mutex: policy::atomics wants an atomics model, see core/atomics.hpp");

  // Holds the lock, or nothing.
  class [[nodiscard]] guard {
   public:
    guard() = default;
    guard(guard&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    guard& operator=(guard&& other) noexcept {
      if (this != &other) {
        unlock();
        of_ = std::exchange(other.of_, nullptr);
      }
      return *this;
    }
    ~guard() { unlock(); }

    explicit operator bool() const noexcept { return of_ != nullptr; }
    void unlock() noexcept {
      if (of_ != nullptr) std::exchange(of_, nullptr)->unlock();
    }

   private:
    friend async_mutex;
    explicit guard(async_mutex& of) noexcept : of_(&of) {}
    async_mutex* of_ = nullptr;
  };

  async_mutex() noexcept = default;
#if FRYS_HARDENED
  ~async_mutex() {
    // relaxed: a check of the caller, not an order
    FRYS_ASSERT(line_.word.load(std::memory_order_relaxed) == 0, "async_mutex: destroyed while it is held");
  }
#endif

  // Empty if somebody else holds it.
  [[nodiscard]] guard try_lock() noexcept {
    std::uint32_t seen = 0;
    if (take(seen)) return guard(*this);
    if ((seen & held) != 0) return guard();
    // Somebody looks at the line of a lock that nobody holds: he may have come to see that, and go.
    std::uint32_t word = line_.enter();
    const bool free = (word & held) == 0;
    line_.leave(word | held);
    return free ? guard(*this) : guard();
  }

 private:
  using line_type = detail::waiting_line<atomics_type, std::uint32_t>;
  static constexpr std::uint32_t held = line_type::unit;

  class awaiter final : public detail::line_awaiter<awaiter, atomics_type> {
    using base = detail::line_awaiter<awaiter, atomics_type>;

   public:
    explicit awaiter(async_mutex& of) noexcept : of_(&of) {}
    template <executor E>
    awaiter(async_mutex& of, E& on) noexcept : base(on), of_(&of) {}
    bool await_ready() noexcept {
      std::uint32_t seen = 0;
      return of_->take(seen);
    }
    result<guard> await_resume() noexcept {
      if (!this->has_come()) return cancelled_error();
      return guard(*of_);
    }

   private:
    friend base;
    line_type& line() noexcept { return of_->line_; }
    bool admit(std::uint32_t& word) noexcept {
      if ((word & held) != 0) return false;
      word |= held;
      return true;
    }
    void left() noexcept {}
    void give_back() noexcept { of_->unlock(); }

    async_mutex* of_;
  };

 public:
  // co_await: result<guard>. Where it must wait, the coroutine goes on within the call that unlocks.
  [[nodiscard]] awaiter lock() noexcept { return awaiter(*this); }
  // The same, and the coroutine goes on in work that is posted to `on`.
  template <executor E>
  [[nodiscard]] awaiter lock(E& on) noexcept {
    return awaiter(*this, on);
  }

 private:
  // seen: 0 before, and the word where it answers false.
  bool take(std::uint32_t& seen) noexcept {
    // sync(async_mutex.held): acquire; what the last holder did is done. relaxed on failure: it takes nothing.
    return line_.word.compare_exchange_strong(seen, held, std::memory_order_acquire, std::memory_order_relaxed);
  }
  void unlock() noexcept {
    std::uint32_t alone = held;
    // sync(async_mutex.held): release; what was done under the lock comes before the next holder's turn. relaxed on
    // failure: the line acquires.
    if (!line_.word.compare_exchange_strong(alone, 0, std::memory_order_release, std::memory_order_relaxed))
      hand_over();
  }
  FRYS_NOINLINE void hand_over() noexcept {
    const std::uint32_t word = line_.enter();
    FRYS_ASSERT((word & held) != 0, "async_mutex: unlocked, but nobody holds it");
    if (line_.empty()) return line_.leave(word & ~held);  // who waited was stopped
    detail::line_waiter& next = line_.take_first();
    line_.leave(word);
    detail::call<atomics_type>(next);
  }

  line_type line_{0};
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_ASYNC_MUTEX_HPP
