// Locks, waiting and publication: eventcount (D. Vyukov, 2008), the futex mutex of U. Drepper ("Futexes are tricky",
// 2004), a reader-writer spin lock, a seqlock with the fences of H.-J. Boehm (MSPC 2012), double-checked
// initialisation.
#ifndef FRYS_TESTS_MODEL_CATALOGUE_SYNC_HPP
#define FRYS_TESTS_MODEL_CATALOGUE_SYNC_HPP

#include <frys/core/deadline.hpp>

#include <atomic>
#include <cstdint>

#include "catalogue.hpp"

namespace catalogue {

enum class eventcount_bug {
  none,
  wait_without_fence,    // the waiter's announcement may be late for the notifier
  notify_without_fence,  // the notifier's change may be late for the waiter
  without_second_look    // the waiter does not look again after announcing itself
};

// A flag to wait for, with an eventcount.
template <class A, eventcount_bug B>
class awaited_flag {
 public:
  void await() {
    while (flag_.load(std::memory_order_acquire) == 0) {
      waiters_.fetch_add(1, std::memory_order_relaxed);
      if constexpr (B != eventcount_bug::wait_without_fence) A::fence(std::memory_order_seq_cst);
      const std::uint32_t epoch = epoch_.load(std::memory_order_acquire);
      if (B == eventcount_bug::without_second_look || flag_.load(std::memory_order_relaxed) == 0)
        if (epoch_.load(std::memory_order_acquire) == epoch) (void)A::wait(epoch_, epoch, frys::deadline::never());
      waiters_.fetch_sub(1, std::memory_order_relaxed);
    }
  }
  void set() {
    flag_.store(1, std::memory_order_release);
    if constexpr (B != eventcount_bug::notify_without_fence) A::fence(std::memory_order_seq_cst);
    if (waiters_.load(std::memory_order_relaxed) == 0) return;
    epoch_.fetch_add(1, std::memory_order_release);
    A::notify_all(epoch_);
  }

 private:
  typename A::template atomic<std::uint32_t> flag_{0};
  typename A::template atomic<std::uint32_t> epoch_{0};
  typename A::template atomic<std::uint32_t> waiters_{0};
};

enum class mutex_bug {
  none,
  wakes_on_wrong_state,  // unlock wakes when nobody waits, and not when somebody does
  woken_forgets_others,  // who was woken takes the lock as uncontended, although others may sleep
  wakes_before_free,     // unlock wakes, then frees
  relaxed_lock,          // what the last owner did is not visible to the next one
  relaxed_unlock
};

// 0 free, 1 locked, 2 locked and somebody may sleep.
template <class A, mutex_bug B>
class futex_mutex {
 public:
  void lock() {
    std::uint32_t state = 0;
    if (state_.compare_exchange_strong(state, 1, locking, std::memory_order_relaxed)) return;
    if (state != 2) state = state_.exchange(2, locking);
    while (state != 0) {
      (void)A::wait(state_, 2, frys::deadline::never());
      if constexpr (B == mutex_bug::woken_forgets_others) {
        state = 0;
        (void)state_.compare_exchange_strong(state, 1, locking, std::memory_order_relaxed);
      } else {
        state = state_.exchange(2, locking);
      }
    }
  }
  void unlock() {
    const std::uint32_t before = state_.fetch_sub(1, unlocking);
    if constexpr (B == mutex_bug::wakes_on_wrong_state) {
      state_.store(0, unlocking);
      if (before == 1) A::notify_one(state_);
    } else if (before != 1) {
      if constexpr (B == mutex_bug::wakes_before_free) A::notify_one(state_);
      state_.store(0, unlocking);
      if constexpr (B != mutex_bug::wakes_before_free) A::notify_one(state_);
    }
  }

 private:
  static constexpr auto locking = B == mutex_bug::relaxed_lock ? std::memory_order_relaxed : std::memory_order_acquire;
  static constexpr auto unlocking =
      B == mutex_bug::relaxed_unlock ? std::memory_order_relaxed : std::memory_order_release;

  typename A::template atomic<std::uint32_t> state_{0};
};

enum class rw_bug {
  none,
  reader_keeps_its_place,  // waits for the writer while the writer waits for it
  upgrade_waits            // two readers that both want to write wait for one another
};

// A count of readers, and a bit for the one writer.
template <class A, rw_bug B>
class rw_spin_lock {
 public:
  void lock_shared() {
    for (;;) {
      if ((word_.fetch_add(1, std::memory_order_acquire) & writer) == 0) return;
      if constexpr (B != rw_bug::reader_keeps_its_place) word_.fetch_sub(1, std::memory_order_relaxed);
      while ((word_.load(std::memory_order_acquire) & writer) != 0) A::pause();
      if constexpr (B == rw_bug::reader_keeps_its_place) return;
    }
  }
  void unlock_shared() { word_.fetch_sub(1, std::memory_order_release); }

  void lock() {
    while ((word_.fetch_or(writer, std::memory_order_acquire) & writer) != 0)
      while ((word_.load(std::memory_order_relaxed) & writer) != 0) A::pause();
    while (word_.load(std::memory_order_acquire) != writer) A::pause();
  }
  void unlock() { word_.fetch_and(~writer, std::memory_order_release); }

  // From reader to writer. False: another reader is doing so; this one must give up its place.
  bool upgrade() {
    while ((word_.fetch_or(writer, std::memory_order_acquire) & writer) != 0) {
      if constexpr (B != rw_bug::upgrade_waits) return false;
      while ((word_.load(std::memory_order_relaxed) & writer) != 0) A::pause();
    }
    while (word_.load(std::memory_order_acquire) != (writer | 1)) A::pause();
    word_.fetch_sub(1, std::memory_order_relaxed);
    return true;
  }

 private:
  static constexpr std::uint32_t writer = 0x8000'0000;

  typename A::template atomic<std::uint32_t> word_{0};
};

enum class seqlock_bug {
  none,
  read_without_fence,   // the second look at the sequence may come before the reads
  write_without_fence,  // the writes may come before the odd sequence
  relaxed_first_look,   // the reads may come before the first look
  relaxed_second_write  // the even sequence may come before the writes
};

// Two numbers that belong together; one writer.
template <class A, seqlock_bug B>
class seqlock_pair {
 public:
  void write(int value) {
    const std::uint32_t sequence = sequence_.load(std::memory_order_relaxed);
    sequence_.store(sequence + 1, std::memory_order_relaxed);
    if constexpr (B != seqlock_bug::write_without_fence) A::fence(std::memory_order_release);
    first_.store(value, std::memory_order_relaxed);
    second_.store(value, std::memory_order_relaxed);
    sequence_.store(sequence + 2,
                    B == seqlock_bug::relaxed_second_write ? std::memory_order_relaxed : std::memory_order_release);
  }
  // False: a write was under way.
  bool try_read(int& first, int& second) {
    const std::uint32_t sequence =
        sequence_.load(B == seqlock_bug::relaxed_first_look ? std::memory_order_relaxed : std::memory_order_acquire);
    if (sequence % 2 != 0) return false;
    first = first_.load(std::memory_order_relaxed);
    second = second_.load(std::memory_order_relaxed);
    if constexpr (B == seqlock_bug::read_without_fence)
      return sequence_.load(std::memory_order_acquire) == sequence;  // acquire orders what comes after, not before
    A::fence(std::memory_order_acquire);
    return sequence_.load(std::memory_order_relaxed) == sequence;
  }

 private:
  typename A::template atomic<std::uint32_t> sequence_{0};
  typename A::template atomic<int> first_{0};
  typename A::template atomic<int> second_{0};
};

enum class once_bug { none, relaxed_publish, relaxed_look, without_second_look };

// An object made by the first who asks.
template <class A, once_bug B>
class made_once {
 public:
  ~made_once() {
    if (object* o = object_.load(std::memory_order_relaxed)) drop<A>(o);
  }
  int get() {
    object* o = object_.load(B == once_bug::relaxed_look ? std::memory_order_relaxed : std::memory_order_acquire);
    if (o == nullptr) {
      while (lock_.exchange(1, std::memory_order_acquire) != 0)
        while (lock_.load(std::memory_order_relaxed) != 0) A::pause();
      if constexpr (B != once_bug::without_second_look) o = object_.load(std::memory_order_relaxed);
      if (o == nullptr) {
        o = make<A, object>();
        o->value.ref() = 7;
        object_.store(o, B == once_bug::relaxed_publish ? std::memory_order_relaxed : std::memory_order_release);
      }
      lock_.store(0, std::memory_order_release);
    }
    return o->value.get();
  }

 private:
  struct object {
    typename A::template var<int> value;
  };
  typename A::template atomic<object*> object_{nullptr};
  typename A::template atomic<std::uint32_t> lock_{0};
};

}  // namespace catalogue

#endif  // FRYS_TESTS_MODEL_CATALOGUE_SYNC_HPP
