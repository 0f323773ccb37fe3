// When may memory go that another thread may be reading: epochs (K. Fraser, 2004), hazard pointers (M. Michael, 2004),
// and R. K. Treiber's stack (IBM, 1986), whose nodes are used again.
#ifndef FRYS_TESTS_MODEL_CATALOGUE_RECLAIM_HPP
#define FRYS_TESTS_MODEL_CATALOGUE_RECLAIM_HPP

#include <atomic>
#include <cstdint>

#include "catalogue.hpp"

namespace catalogue {

template <class A>
struct boxed {
  typename A::template var<int> value;
};

enum class epoch_bug {
  none,
  pin_without_fence,      // the pin may still be in the store buffer when the pointer is read
  pin_with_seq_cst_load,  // a seq_cst load in place of the fence: not enough
  advance_without_fence,  // the reclaimer looks for pins before its own change is visible
  one_advance_is_enough,  // frees after one advance: a reader of the epoch before may still be there
  relaxed_unpin           // the reader's last reads are not ordered before its unpin
};

// One reader, one writer that replaces the box and reclaims the old one.
template <class A, epoch_bug B>
class epoch_cell {
 public:
  explicit epoch_cell(int value) { box_.store(make_box(value), std::memory_order_relaxed); }
  ~epoch_cell() {
    drop<A>(box_.load(std::memory_order_relaxed));
    if (retired_ != nullptr) drop<A>(retired_);
  }

  // The reader.
  int read() {
    const std::uint32_t epoch = epoch_.load(std::memory_order_relaxed);
    pin_.store(epoch | pinned, std::memory_order_relaxed);
    if constexpr (B != epoch_bug::pin_without_fence && B != epoch_bug::pin_with_seq_cst_load)
      A::fence(std::memory_order_seq_cst);
    const boxed<A>* box =
        box_.load(B == epoch_bug::pin_with_seq_cst_load ? std::memory_order_seq_cst : std::memory_order_acquire);
    const int value = box->value.get();
    pin_.store(0, B == epoch_bug::relaxed_unpin ? std::memory_order_relaxed : std::memory_order_release);
    return value;
  }

  // The writer, once. Frees the old box if two advances succeed, else it stays until the end.
  void replace(int value) {
    retired_ = box_.exchange(make_box(value), std::memory_order_acq_rel);
    if (!advance()) return;
    if constexpr (B != epoch_bug::one_advance_is_enough)
      if (!advance()) return;
    drop<A>(retired_);
    retired_ = nullptr;
  }

 private:
  static constexpr std::uint32_t pinned = 1, step = 2;

  static boxed<A>* make_box(int value) {
    boxed<A>* box = make<A, boxed<A>>();
    box->value.ref() = value;
    return box;
  }

  // False while the reader is pinned in an older epoch.
  bool advance() {
    const std::uint32_t epoch = epoch_.load(std::memory_order_relaxed);
    if constexpr (B != epoch_bug::advance_without_fence) A::fence(std::memory_order_seq_cst);
    const std::uint32_t pin = pin_.load(std::memory_order_acquire);
    if (pin != 0 && pin != (epoch | pinned)) return false;
    epoch_.store(epoch + step, std::memory_order_release);
    return true;
  }

  typename A::template atomic<boxed<A>*> box_{nullptr};
  typename A::template atomic<std::uint32_t> epoch_{0};
  typename A::template atomic<std::uint32_t> pin_{0};
  boxed<A>* retired_ = nullptr;
};

enum class hazard_bug {
  none,
  without_recheck,  // announces the pointer and uses it, although it may have been retired in between
  without_fence,    // the announcement may still be in the store buffer when the pointer is looked at again
  scan_without_fence,
  relaxed_clear  // the reader's last reads are not ordered before the end of its announcement
};

// One reader, one writer that replaces the box and reclaims the old one.
template <class A, hazard_bug B>
class hazard_cell {
 public:
  explicit hazard_cell(int value) { box_.store(make_box(value), std::memory_order_relaxed); }
  ~hazard_cell() {
    drop<A>(box_.load(std::memory_order_relaxed));
    if (retired_ != nullptr) drop<A>(retired_);
  }

  // The reader.
  int read() {
    boxed<A>* box = box_.load(std::memory_order_acquire);
    for (;;) {
      hazard_.store(box, std::memory_order_relaxed);
      if constexpr (B != hazard_bug::without_fence) A::fence(std::memory_order_seq_cst);
      if constexpr (B == hazard_bug::without_recheck) break;
      boxed<A>* again = box_.load(std::memory_order_acquire);
      if (again == box) break;
      box = again;
    }
    const int value = box->value.get();
    hazard_.store(nullptr, B == hazard_bug::relaxed_clear ? std::memory_order_relaxed : std::memory_order_release);
    return value;
  }

  // The writer. Frees the box that it replaced, or the one that it had to keep the last time.
  void replace(int value) {
    boxed<A>* old = box_.exchange(make_box(value), std::memory_order_acq_rel);
    if constexpr (B != hazard_bug::scan_without_fence) A::fence(std::memory_order_seq_cst);
    const boxed<A>* announced = hazard_.load(std::memory_order_acquire);
    if (retired_ != nullptr && retired_ != announced) drop<A>(std::exchange(retired_, nullptr));
    if (old != announced)
      drop<A>(old);
    else
      retired_ = old;
  }

 private:
  static boxed<A>* make_box(int value) {
    boxed<A>* box = make<A, boxed<A>>();
    box->value.ref() = value;
    return box;
  }

  typename A::template atomic<boxed<A>*> box_{nullptr};
  typename A::template atomic<boxed<A>*> hazard_{nullptr};
  boxed<A>* retired_ = nullptr;
};

enum class stack_bug {
  none,
  untagged,      // a head that left and came back looks as if nothing had happened (ABA)
  relaxed_push,  // the payload is not ordered before the push
  relaxed_pop    // the payload is read before the pop has seen the push
};

// A stack of the nodes 0 to Count - 1: an index and a count of pops in one word.
template <class A, stack_bug B, std::size_t Count>
class index_stack {
 public:
  static constexpr int nothing = -1;

  void push(int node) {
    std::uint32_t head = head_.load(std::memory_order_relaxed);
    std::uint32_t wanted = 0;
    do {
      next_[static_cast<std::size_t>(node)].store(head & index_mask, std::memory_order_relaxed);
      wanted = (head & ~index_mask) | static_cast<std::uint32_t>(node);
    } while (!head_.compare_exchange_strong(
        head, wanted, B == stack_bug::relaxed_push ? std::memory_order_relaxed : std::memory_order_release,
        std::memory_order_relaxed));
  }

  int pop() {
    constexpr auto order = B == stack_bug::relaxed_pop ? std::memory_order_relaxed : std::memory_order_acquire;
    std::uint32_t head = head_.load(order);
    for (;;) {
      const std::uint32_t node = head & index_mask;
      if (node == index_mask) return nothing;
      const std::uint32_t next = next_[node].load(std::memory_order_relaxed);
      const std::uint32_t tag = B == stack_bug::untagged ? 0 : (head & ~index_mask) + tag_one;
      if (head_.compare_exchange_strong(head, tag | next, order, order)) return static_cast<int>(node);
    }
  }

 private:
  static constexpr std::uint32_t index_mask = 0xffff, tag_one = 0x10000;

  typename A::template atomic<std::uint32_t> head_{index_mask};
  typename A::template atomic<std::uint32_t> next_[Count] = {};
};

// The same with pointers to nodes that the popper frees: it may not, for another thread may be reading the node.
template <class A>
class freeing_stack {
 public:
  ~freeing_stack() {
    while (pop() >= 0) {
    }
  }
  void push(int value) {
    node* n = make<A, node>();
    n->value.ref() = value;
    node* head = head_.load(std::memory_order_relaxed);
    do n->next.store(head, std::memory_order_relaxed);
    while (!head_.compare_exchange_strong(head, n, std::memory_order_release, std::memory_order_relaxed));
  }
  // -1: empty.
  int pop() {
    node* head = head_.load(std::memory_order_acquire);
    while (head != nullptr) {
      node* next = head->next.load(std::memory_order_relaxed);
      if (!head_.compare_exchange_strong(head, next, std::memory_order_acquire, std::memory_order_acquire)) continue;
      const int value = head->value.get();
      drop<A>(head);
      return value;
    }
    return -1;
  }

 private:
  struct node {
    typename A::template atomic<node*> next{nullptr};
    typename A::template var<int> value;
  };
  typename A::template atomic<node*> head_{nullptr};
};

// The same with nodes that are never freed, only kept in a list of their owner's and used again: no use after free,
// but the address that comes again is ABA, as with `untagged`. Each thread has a list of its own.
template <class A>
class reusing_stack {
 public:
  struct node {
    typename A::template atomic<node*> next{nullptr};
  };
  void push(node& n) {
    node* head = head_.load(std::memory_order_relaxed);
    do n.next.store(head, std::memory_order_relaxed);
    while (!head_.compare_exchange_strong(head, &n, std::memory_order_release, std::memory_order_relaxed));
  }
  node* pop() {
    node* head = head_.load(std::memory_order_acquire);
    while (head != nullptr) {
      node* next = head->next.load(std::memory_order_relaxed);
      if (head_.compare_exchange_strong(head, next, std::memory_order_acquire, std::memory_order_acquire)) return head;
    }
    return nullptr;
  }

 private:
  typename A::template atomic<node*> head_{nullptr};
};

}  // namespace catalogue

#endif  // FRYS_TESTS_MODEL_CATALOGUE_RECLAIM_HPP
