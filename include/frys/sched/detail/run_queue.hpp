// run_queue: pieces of work on their way to a worker: an inbox that anybody posts to, and the one queue of a pool whose
// workers share all.
#ifndef FRYS_SCHED_DETAIL_RUN_QUEUE_HPP
#define FRYS_SCHED_DETAIL_RUN_QUEUE_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "../../config.hpp"
#include "../../core/cache_line.hpp"
#include "../../core/deadline.hpp"
#include "../../core/word_lock.hpp"
#include "../../core/work.hpp"

namespace frys::inline FRYS_ABI::detail {

// A callable that the pool owns: it dies with its run, or with the pool.
struct owned_work : work {
  explicit owned_work(work::function f, void (*d)(owned_work&) noexcept) noexcept : work(f), drop(d) {}
  void (*drop)(owned_work&) noexcept;  // ends it without a run
  deadline due{};                      // policy::discipline<discipline::deadline>
  owned_work* child = nullptr;         // its place in the heap of deadlines
  owned_work* sibling = nullptr;
};

// A piece of work and whether the pool owns it, in one word; 0 is none. Where it hangs in an inbox, `next` holds such a
// word too.
class work_ref {
 public:
  constexpr work_ref() noexcept = default;
  work_ref(work& w, bool owned) noexcept : bits_(reinterpret_cast<std::uintptr_t>(&w) | (owned ? 1u : 0u)) {}
  static work_ref of_bits(std::uintptr_t bits) noexcept {
    work_ref r;
    r.bits_ = bits;
    return r;
  }
  explicit operator bool() const noexcept { return bits_ != 0; }
  [[nodiscard]] work& get() const noexcept { return *reinterpret_cast<work*>(bits_ & ~std::uintptr_t{1}); }
  [[nodiscard]] bool is_owned() const noexcept { return (bits_ & 1) != 0; }
  [[nodiscard]] owned_work& owned() const noexcept { return static_cast<owned_work&>(get()); }
  [[nodiscard]] std::uintptr_t bits() const noexcept { return bits_; }

  [[nodiscard]] work_ref next() const noexcept { return of_bits(reinterpret_cast<std::uintptr_t>(get().next)); }
  void set_next(work_ref n) const noexcept { get().next = reinterpret_cast<work*>(n.bits()); }

 private:
  std::uintptr_t bits_ = 0;
};

// Any thread puts in, any thread takes all that is there. No allocation, nothing to wait for.
template <class Atomics>
class inbox {
 public:
  void push(work_ref r) noexcept { push_chain(r, r); }
  // From `first` on, linked by next, the newest first; `last` is the oldest.
  void push_chain(work_ref first, work_ref last) noexcept {
    std::uintptr_t newest = newest_.load(std::memory_order_relaxed);  // relaxed: the guess of the first exchange
    do {
      last.set_next(work_ref::of_bits(newest));
      // sync(inbox.newest): release; the work is whole before somebody can take it. relaxed on failure: only linked.
    } while (
        !newest_.compare_exchange_weak(newest, first.bits(), std::memory_order_release, std::memory_order_relaxed));
  }
  // All, oldest first, linked by next.
  [[nodiscard]] work_ref take_all() noexcept {
    if (seems_empty()) return {};
    // sync(inbox.newest): acquire; pairs with push_chain.
    work_ref newest = work_ref::of_bits(newest_.exchange(0, std::memory_order_acquire));
    work_ref oldest;
    while (newest) {
      const work_ref before = newest.next();
      newest.set_next(oldest);
      oldest = newest;
      newest = before;
    }
    return oldest;
  }
  [[nodiscard]] bool seems_empty() const noexcept {
    return newest_.load(std::memory_order_relaxed) == 0;  // relaxed: a hint; who must not miss a push has fenced
  }

 private:
  typename Atomics::template atomic<std::uintptr_t> newest_{0};
};

// One queue for all: first in, first out, and before that what has a deadline, the earliest first (a pairing heap:
// M. Fredman et al., Algorithmica 1, 1986). Under a lock, a few instructions long.
template <class Atomics>
class shared_run_queue {
 public:
  void push(work_ref r) noexcept {
    const held_lock hold(lock_);
    if (r.is_owned() && !r.owned().due.is_never()) {
      owned_work& o = r.owned();
      o.child = o.sibling = nullptr;
      root_ = root_ == nullptr ? &o : meld(*root_, o);
    } else {
      r.set_next({});
      if (last_)
        last_.set_next(r);
      else
        first_ = r;
      last_ = r;
    }
    // relaxed: the lock orders; who looks from outside only wants to know whether to come in
    size_.store(size_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  [[nodiscard]] work_ref pop() noexcept {
    if (seems_empty()) return {};
    const held_lock hold(lock_);
    work_ref out;
    if (root_ != nullptr) {
      out = work_ref(*root_, true);
      root_ = merge_pairs(root_->child);
    } else if (first_) {
      out = first_;
      first_ = out.next();
      if (!first_) last_ = {};
    } else {
      return {};
    }
    size_.store(size_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);  // relaxed: as in push
    return out;
  }
  [[nodiscard]] bool seems_empty() const noexcept { return size() == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }  // relaxed: a hint

 private:
  static owned_work* meld(owned_work& a, owned_work& b) noexcept {
    owned_work& top = b.due < a.due ? b : a;
    owned_work& below = &top == &a ? b : a;
    below.sibling = top.child;
    top.child = &below;
    return &top;
  }
  static owned_work* merge_pairs(owned_work* first) noexcept {
    owned_work* pairs = nullptr;  // melded two by two, newest first
    while (first != nullptr) {
      owned_work* a = first;
      owned_work* b = a->sibling;
      first = b == nullptr ? nullptr : b->sibling;
      a->sibling = nullptr;
      if (b != nullptr) {
        b->sibling = nullptr;
        a = meld(*a, *b);
      }
      a->sibling = pairs;
      pairs = a;
    }
    owned_work* root = nullptr;
    while (pairs != nullptr) {
      owned_work* next = pairs->sibling;
      pairs->sibling = nullptr;
      root = root == nullptr ? pairs : meld(*root, *pairs);
      pairs = next;
    }
    return root;
  }

  word_lock<Atomics> lock_;
  work_ref first_, last_;
  owned_work* root_ = nullptr;
  typename Atomics::template atomic<std::size_t> size_{0};
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_SCHED_DETAIL_RUN_QUEUE_HPP
