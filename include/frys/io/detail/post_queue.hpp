// post_queue: work from any thread for one loop, and in the same word whether that loop sleeps.
//
// One word is both the newest node and the sleeper's mark, so a poster learns from its own push whether it has to wake
// the loop: no fence, no second flag, and no wake-up while the loop is awake.
#ifndef FRYS_IO_DETAIL_POST_QUEUE_HPP
#define FRYS_IO_DETAIL_POST_QUEUE_HPP

#include <atomic>

#include "../../config.hpp"
#include "../../core/atomics.hpp"
#include "../../core/cache_line.hpp"
#include "../../core/work.hpp"

namespace frys::inline FRYS_ABI::detail {

template <class Atomics>
class post_queue {
 public:
  // Any thread. True if the loop sleeps and this push is the one that has to wake it, by something that the loop takes
  // back with an update (an eventfd is read so): the mark is relaxed, and a plain store could land ahead of that.
  bool push(work& node) noexcept {
    work* newest = newest_.load(std::memory_order_relaxed);  // relaxed: only the guess of the first exchange
    do {
      node.next = newest == &asleep_ ? nullptr : newest;
      // sync(post_queue.newest): release; the node and what its poster wrote are whole before the loop can take them.
      // relaxed on failure: the value is only compared and linked, never followed here.
    } while (!newest_.compare_exchange_weak(newest, &node, std::memory_order_release, std::memory_order_relaxed));
    return newest == &asleep_;
  }

  // The loop only. Everything posted so far, oldest first, linked by `next`; nullptr if there is nothing.
  work* take_all() noexcept {
    if (newest_.load(std::memory_order_relaxed) == nullptr) return nullptr;  // relaxed: a hint, asked again each turn
    // sync(post_queue.newest): acquire; pairs with push.
    work* newest = newest_.exchange(nullptr, std::memory_order_acquire);
    work* oldest = nullptr;
    while (newest != nullptr && newest != &asleep_) {
      work* const before = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = before;
    }
    return oldest;
  }

  // The loop only. A look without a read-modify-write.
  bool seems_empty() const noexcept {
    return newest_.load(std::memory_order_relaxed) == nullptr;  // relaxed: a hint
  }

  // The loop only. Marks it as asleep; false if there is work, and then it must not sleep.
  bool fall_asleep() noexcept {
    work* expected = nullptr;
    // relaxed: the mark publishes nothing; a push that came first makes it fail, one that comes later sees the mark.
    return newest_.compare_exchange_strong(expected, &asleep_, std::memory_order_relaxed, std::memory_order_relaxed);
  }

  // The loop only, after fall_asleep, whatever woke it.
  void wake_up() noexcept {
    work* expected = &asleep_;
    // relaxed: takes the mark back if nobody posted; posted work stays for take_all.
    newest_.compare_exchange_strong(expected, nullptr, std::memory_order_relaxed, std::memory_order_relaxed);
  }

 private:
  alignas(cache_line) typename Atomics::template atomic<work*> newest_{nullptr};
  work asleep_;  // only its address counts
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_IO_DETAIL_POST_QUEUE_HPP
