// A queue of one slot whose refused pushes can be seen, as those of others' queues can: while one is under way, a pop
// that finds nothing answers empty, although the queue is closed.
#ifndef FRYS_TESTS_MODEL_REFUSING_QUEUE_HPP
#define FRYS_TESTS_MODEL_REFUSING_QUEUE_HPP

#include <frys/queue/result.hpp>

#include "blocks.hpp"

namespace blocks {

class refusing_queue {
 public:
  using value_type = int;
  using atomics_type = A;

  frys::push_result try_push(int v) noexcept {
    for (;;) {
      std::uint32_t seen = state_.load(std::memory_order_acquire);
      if ((seen & closed_bit) != 0) return frys::push_result::closed;
      if (state_.compare_exchange_weak(seen, seen + inside, std::memory_order_acquire, std::memory_order_relaxed))
        break;
    }
    int none = 0;
    const bool pushed = slot_.compare_exchange_strong(none, v, std::memory_order_release, std::memory_order_relaxed);
    state_.fetch_sub(inside, std::memory_order_release);
    return pushed ? frys::push_result::ok : frys::push_result::full;
  }
  frys::pop_result<int> try_pop() noexcept {
    if (const int v = slot_.exchange(0, std::memory_order_acquire); v != 0)
      return frys::pop_result<int>(std::in_place, v);
    if (state_.load(std::memory_order_acquire) != closed_bit) return frys::pop_status::empty;
    if (const int v = slot_.exchange(0, std::memory_order_acquire); v != 0)
      return frys::pop_result<int>(std::in_place, v);
    return frys::pop_status::closed;
  }
  void close() noexcept { state_.fetch_or(closed_bit, std::memory_order_release); }

 private:
  static constexpr std::uint32_t closed_bit = 1, inside = 2;
  A::atomic<std::uint32_t> state_{0};
  A::atomic<int> slot_{0};
};

}  // namespace blocks

#endif  // FRYS_TESTS_MODEL_REFUSING_QUEUE_HPP
