// The work-stealing deque of D. Chase and Y. Lev (SPAA 2005) with the orders of N. M. Le et al. (PPoPP 2013).
#ifndef FRYS_TESTS_MODEL_CATALOGUE_DEQUE_HPP
#define FRYS_TESTS_MODEL_CATALOGUE_DEQUE_HPP

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "catalogue.hpp"

namespace catalogue {

enum class deque_bug {
  none,
  push_without_fence,    // the release fence before the new bottom
  take_without_fence,    // the seq_cst fence between the store of bottom and the load of top
  steal_without_fence,   // the seq_cst fence between the loads of top and bottom
  relaxed_array,         // a grown array is published relaxed, as printed in 2013
  old_array,             // after growing, push goes on with the array it had, as printed in 2013
  array_freed_early,     // the old array is freed while a thief may read it
  unsigned_indices,      // bottom - 1 at 0 is a very large number
  unarbitrated_last_one  // take does not compete for the last element
};

// Ids of payloads, at least 0. push and take: the owner. steal: any thread.
template <class A, deque_bug B>
class stealing_deque {
 public:
  static constexpr int nothing = -1;

  explicit stealing_deque(std::size_t capacity) { array_.store(make_array(capacity), std::memory_order_relaxed); }
  ~stealing_deque() {
    drop_array(array_.load(std::memory_order_relaxed));
    while (old_ != nullptr) drop_array(std::exchange(old_, old_->before));
  }

  void push(int id) {
    const index bottom = bottom_.load(std::memory_order_relaxed);
    const index top = top_.load(std::memory_order_acquire);
    array* a = array_.load(std::memory_order_relaxed);
    if (bottom - top > static_cast<index>(a->mask.get())) {
      array* larger = grow(a, top, bottom);
      if constexpr (B != deque_bug::old_array) a = larger;
    }
    a->at(bottom).store(id, std::memory_order_relaxed);
    if constexpr (B != deque_bug::push_without_fence) A::fence(std::memory_order_release);
    bottom_.store(bottom + 1, std::memory_order_relaxed);
  }

  int take() {
    const index bottom = bottom_.load(std::memory_order_relaxed) - 1;
    array* a = array_.load(std::memory_order_relaxed);
    bottom_.store(bottom, std::memory_order_relaxed);
    if constexpr (B != deque_bug::take_without_fence) A::fence(std::memory_order_seq_cst);
    index top = top_.load(std::memory_order_relaxed);
    if (top > bottom) {
      bottom_.store(bottom + 1, std::memory_order_relaxed);
      return nothing;
    }
    int id = a->at(bottom).load(std::memory_order_relaxed);
    if (top == bottom) {
      if constexpr (B != deque_bug::unarbitrated_last_one)
        if (!top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst, std::memory_order_relaxed))
          id = nothing;
      bottom_.store(bottom + 1, std::memory_order_relaxed);
    }
    return id;
  }

  // `nothing` also if another thread was faster.
  int steal() {
    index top = top_.load(std::memory_order_acquire);
    if constexpr (B != deque_bug::steal_without_fence) A::fence(std::memory_order_seq_cst);
    const index bottom = bottom_.load(std::memory_order_acquire);
    if (top >= bottom) return nothing;
    array* a = array_.load(std::memory_order_acquire);
    const int id = a->at(top).load(std::memory_order_relaxed);
    if (!top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst, std::memory_order_relaxed))
      return nothing;
    return id;
  }

 private:
  using index = std::conditional_t<B == deque_bug::unsigned_indices, std::uint64_t, std::int64_t>;
  using slot = typename A::template atomic<int>;

  static constexpr int left_over = 99;  // in slots that were never written

  struct array {
    typename A::template var<std::size_t> mask;
    typename A::template var<slot*> slots;
    array* before = nullptr;  // the owner's list of those that it has outgrown
    slot& at(index i) { return slots.get()[static_cast<std::size_t>(i) & mask.get()]; }
  };

  static array* make_array(std::size_t capacity) {
    array* a = make<A, array>();
    a->mask.ref() = capacity - 1;
    slot* slots = static_cast<slot*>(A::alloc(capacity * sizeof(slot)));
    for (std::size_t i = 0; i < capacity; ++i) ::new (slots + i) slot(left_over);
    a->slots.ref() = slots;
    return a;
  }
  static void drop_array(array* a) {
    A::free(a->slots.get());
    drop<A>(a);
  }

  array* grow(array* a, index top, index bottom) {
    array* larger = make_array((a->mask.get() + 1) * 2);
    for (index i = top; i < bottom; ++i)
      larger->at(i).store(a->at(i).load(std::memory_order_relaxed), std::memory_order_relaxed);
    array_.store(larger, B == deque_bug::relaxed_array ? std::memory_order_relaxed : std::memory_order_release);
    if constexpr (B == deque_bug::array_freed_early) {
      drop_array(a);
    } else {
      a->before = old_;
      old_ = a;
    }
    return larger;
  }

  typename A::template atomic<index> top_{0};
  typename A::template atomic<index> bottom_{0};
  typename A::template atomic<array*> array_{nullptr};
  array* old_ = nullptr;
};

}  // namespace catalogue

#endif  // FRYS_TESTS_MODEL_CATALOGUE_DEQUE_HPP
