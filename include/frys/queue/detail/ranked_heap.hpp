// ranked_heap: a heap for one thread at a time, least rank first: N slots in the object, or memory that doubles.
//
// Four children to a node: half as deep as a binary heap, and the four lie side by side. A pop lets the hole sink to
// the bottom and the last value rise from there, which compares less than sinking the last value, as that one is large.
// Source  D. Johnson, "Priority queues with update and finding minimum spanning trees", IPL 4(3), 1975 (d-ary heaps);
//         I. Wegener, "Bottom-up-heapsort", TCS 118, 1993.
#ifndef FRYS_QUEUE_DETAIL_RANKED_HEAP_HPP
#define FRYS_QUEUE_DETAIL_RANKED_HEAP_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

#include "../../config.hpp"
#include "../../core/bytes.hpp"
#include "../../core/cache_line.hpp"
#include "../../core/result.hpp"
#include "slot.hpp"

namespace frys::inline FRYS_ABI::detail {

// Empty slots before the first value, so that the four children of a node do not stand across a line's end.
inline constexpr std::size_t heap_lead = 3;

template <class T, std::size_t N>
class fixed_heap_slots {
 public:
  T* first() noexcept { return &slots_[heap_lead].value; }
  [[nodiscard]] bool has_room(std::size_t count) noexcept { return count < N; }

 private:
  alignas(cache_line) slot<T> slots_[N + heap_lead];
};

// FirstBytes to begin with.
template <class T, class Pages, std::size_t FirstBytes>
class growing_heap_slots {
 public:
  growing_heap_slots() = default;
  growing_heap_slots(const growing_heap_slots&) = delete;
  growing_heap_slots& operator=(const growing_heap_slots&) = delete;
  ~growing_heap_slots() {
    if (memory_.data() != nullptr) Pages::release(memory_);
  }
  T* first() noexcept { return &slots_[heap_lead].value; }
  // For one more than `count`, which it may move for that.
  [[nodiscard]] bool has_room(std::size_t count) noexcept { return count < room_ || grow(count); }

 private:
  FRYS_NOINLINE bool grow(std::size_t count) noexcept {
    const std::size_t wanted = (std::max)({FirstBytes, 8 * sizeof(slot<T>), 2 * memory_.size()});
    result<byte_span> got = Pages::allocate(wanted);
    if (!got) return false;
    auto* to = reinterpret_cast<slot<T>*>(got->data());
    const std::size_t room = got->size() / sizeof(slot<T>);
    for (std::size_t i = 0; i < room; ++i) std::construct_at(to + i);  // does nothing, touches nothing
    for (std::size_t i = heap_lead; i < count + heap_lead; ++i) {
      std::construct_at(&to[i].value, std::move(slots_[i].value));
      std::destroy_at(&slots_[i].value);
    }
    room_ = room - heap_lead;
    if (memory_.data() != nullptr) Pages::release(memory_);
    memory_ = *got;
    slots_ = to;
    return true;
  }

  slot<T>* slots_ = nullptr;
  std::size_t room_ = 0;
  byte_span memory_;
};

// Order as in queue/order.hpp.
template <class T, class Order, class Slots>
class ranked_heap {
 public:
  ranked_heap() = default;
  ranked_heap(const ranked_heap&) = delete;
  ranked_heap& operator=(const ranked_heap&) = delete;
  ~ranked_heap() {
    if constexpr (!std::is_trivially_destructible_v<T>)
      for (std::size_t i = 0; i < count_; ++i) std::destroy_at(slots_.first() + i);
  }

  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] bool has_room() noexcept { return slots_.has_room(count_); }
  // Not empty.
  [[nodiscard]] std::uint64_t least() noexcept { return rank(*slots_.first()); }

  // has_room().
  template <class... Args>
  void emplace(Args&&... args) noexcept {
    T* const at = slots_.first();
    std::construct_at(at + count_, std::forward<Args>(args)...);
    rise(at, count_++);
  }
  // Not empty. Moves the first value out by `take(T&&)`.
  template <class F>
  auto pop(F take) noexcept {
    T* const at = slots_.first();
    auto out = take(std::move(at[0]));
    const std::size_t last = --count_;
    std::size_t hole = 0;
    for (;;) {
      const std::size_t child = 4 * hole + 1;
      std::size_t least = child;
      if (child + 3 < last) [[likely]] {
        // Selections, not branches: half of those would be guessed wrong.
        const std::uint64_t r0 = rank(at[child]), r1 = rank(at[child + 1]);
        const std::uint64_t r2 = rank(at[child + 2]), r3 = rank(at[child + 3]);
        const std::size_t left = child + std::size_t{r1 < r0}, right = child + 2 + std::size_t{r3 < r2};
        const std::uint64_t of_left = (std::min)(r0, r1), of_right = (std::min)(r2, r3);
        least = of_right < of_left ? right : left;
      } else {
        if (child >= last) break;
        for (std::size_t c = child + 1; c < last; ++c)
          if (rank(at[c]) < rank(at[least])) least = c;
      }
      put(at, hole, least);
      hole = least;
    }
    if (hole != last) {
      put(at, hole, last);
      rise(at, hole);
    }
    std::destroy_at(at + last);
    return out;
  }

 private:
  static std::uint64_t rank(const T& value) noexcept { return Order::rank(value); }
  static void put(T* at, std::size_t to, std::size_t from) noexcept {
    if constexpr (std::is_nothrow_move_assignable_v<T>) {
      at[to] = std::move(at[from]);
    } else {
      std::destroy_at(at + to);
      std::construct_at(at + to, std::move(at[from]));
    }
  }
  static void rise(T* at, std::size_t i) noexcept {
    if (i == 0) return;
    const std::uint64_t mine = rank(at[i]);
    std::size_t parent = (i - 1) / 4;
    if (!(mine < rank(at[parent]))) return;
    T value(std::move(at[i]));
    std::size_t hole = i;
    for (;;) {
      put(at, hole, parent);
      hole = parent;
      if (hole == 0) break;
      parent = (hole - 1) / 4;
      if (!(mine < rank(at[parent]))) break;
    }
    std::destroy_at(at + hole);
    std::construct_at(at + hole, std::move(value));
  }

  Slots slots_;
  std::size_t count_ = 0;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_RANKED_HEAP_HPP
