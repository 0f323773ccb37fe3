// frame_cache: keeps the memory of coroutine frames that have ended for those that begin next, on one thread; and
// frame_depot, where the caches of several threads give away what they have too much of.
//
// Use when  a thread runs many short tasks: a loop that awaits a child per request. One object at the thread's top, and
//           one depot for all threads that hand tasks to each other.
// Not when  frames are few, or live as long as the thread.
// Threads   a cache serves the thread that made it, from its constructor to its destructor, and dies there. A frame may
//           end on any thread, with or without a cache: what it gives back is one block of operator new either way, and
//           belongs to nobody. A depot: any.
// Progress  a cache waits for nobody and shares nothing; a depot holds a lock for a few instructions, once for as many
//           frames as make up the limit.
// Cost      a frame: a read of a thread_local, a pop, a push. Blocks are rounded up to 32 bytes. Without a cache frames
//           cost what operator new costs, and the read.
// Bounds    a cache keeps at most its limit of each size. Where frames begin on one thread and end on another, the
//           second passes them on by the depot, as many at a time, and the first takes them back from there; what a
//           depot has above its own limit goes back to operator delete.
// Errors    std::bad_alloc, from operator new.
// Lifetime  both give all that they keep back at their end; a depot ends after its caches. Several caches on one thread
//           stand on each other; the newest serves. AddressSanitizer reports a use of a frame that has ended until its
//           memory is used again.
//
// Policies of basic_frame_depot, in any order, each at most once:
//   policy::limit<N>    bytes that it keeps at most  default 16 MiB
//   policy::atomics<A>  the atomics model            default atomics::standard
#ifndef FRYS_SCHED_FRAME_CACHE_HPP
#define FRYS_SCHED_FRAME_CACHE_HPP

#include <cstddef>
#include <new>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/poison.hpp"
#include "../core/word_lock.hpp"
#include "../policy.hpp"

namespace frys::inline FRYS_ABI {

namespace detail {

// Frames' memory comes in so many sizes.
struct frame_classes {
  static constexpr std::size_t step = 32, largest = 2048, count = largest / step;
  static constexpr std::size_t of(std::size_t size) noexcept { return (size - 1) / step; }  // 0: too large, too
  static constexpr std::size_t bytes(std::size_t c) noexcept { return (c + 1) * step; }
};

// A block that waits for a frame. A list of them ends with `no_frame`, so that to look at its first needs no test.
struct free_frame {
  const free_frame* next;
  std::size_t bytes;       // of this one and those behind it
  free_frame* next_batch;  // in a depot
};
inline constexpr free_frame no_frame{nullptr, 0, nullptr};

// What waits is poisoned as a whole; to read its words is to open it for a moment.
inline free_frame peek(const free_frame* b) noexcept {
  unpoison(b, sizeof(free_frame));
  const free_frame words = *b;
  if (b != &no_frame) poison(b, sizeof(free_frame));
  return words;
}
inline void delete_batch(const free_frame* first, std::size_t c) noexcept {
  while (first != &no_frame) {
    unpoison(first, frame_classes::bytes(c));
    const free_frame* const next = first->next;
    ::operator delete(const_cast<free_frame*>(first));
    first = next;
  }
}

// A depot as the caches see it: of any atomics model. give: false, the depot is full and the batch stays the caller's.
struct frame_exchange {
  bool (*give)(frame_exchange&, std::size_t c, const free_frame* batch) noexcept;
  const free_frame* (*take)(frame_exchange&, std::size_t c) noexcept;
};

}  // namespace detail

template <class... Policies>
class basic_frame_depot : detail::frame_exchange {
  using accepted = policy::keys<policy::limit_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::basic_frame_depot: unknown policy; it takes policy::limit, policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::basic_frame_depot: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::basic_frame_depot: policy::atomics wants an atomics model, see core/atomics.hpp");
  static constexpr std::size_t limit = policy::pick<policy::limit<std::size_t{16} << 20>, Policies...>::value;

  basic_frame_depot() noexcept : detail::frame_exchange{&give_batch, &take_batch} {}
  basic_frame_depot(const basic_frame_depot&) = delete;
  basic_frame_depot& operator=(const basic_frame_depot&) = delete;
  ~basic_frame_depot() { clear(); }

  // Gives back all that it keeps.
  void clear() noexcept {
    for (std::size_t c = 0; c < classes::count; ++c)
      while (const detail::free_frame* const batch = take_batch(*this, c)) detail::delete_batch(batch, c);
  }
  // Bytes that wait for a cache.
  [[nodiscard]] std::size_t kept() const noexcept {
    lock_.lock();
    const std::size_t all = kept_;
    lock_.unlock();
    return all;
  }

 private:
  friend class frame_cache;
  using classes = detail::frame_classes;

  static bool give_batch(detail::frame_exchange& to, std::size_t c, const detail::free_frame* batch) noexcept {
    auto& self = static_cast<basic_frame_depot&>(to);
    auto* const first = const_cast<detail::free_frame*>(batch);
    unpoison(first, sizeof(detail::free_frame));
    self.lock_.lock();
    const bool room = limit - self.kept_ >= first->bytes;
    if (room) {
      first->next_batch = self.batches_[c];
      self.batches_[c] = first;
      self.kept_ += first->bytes;
    }
    self.lock_.unlock();
    return room;
  }
  static const detail::free_frame* take_batch(detail::frame_exchange& from, std::size_t c) noexcept {
    auto& self = static_cast<basic_frame_depot&>(from);
    self.lock_.lock();
    detail::free_frame* const batch = self.batches_[c];
    if (batch != nullptr) {
      self.batches_[c] = batch->next_batch;
      self.kept_ -= batch->bytes;
    }
    self.lock_.unlock();
    return batch;
  }
  detail::free_frame* batches_[classes::count] = {};  // under the lock
  std::size_t kept_ = 0;                              // under the lock
  mutable word_lock<atomics_type> lock_;
};
using frame_depot = basic_frame_depot<>;

namespace detail {

// The lists of one thread. One without a cache has an object that is empty and full at once, so that nobody asks.
struct frame_lists {
  const free_frame* free[frame_classes::count] = {};
  std::size_t limit = 0;
  frame_exchange* depot = nullptr;

  constexpr explicit frame_lists(std::size_t most) noexcept : limit(most) {
    for (const free_frame*& list : free) list = &no_frame;
  }
  void* take(std::size_t c) {
    const free_frame* const b = free[c];
    const free_frame* const next = peek(b).next;
    if (next == nullptr) [[unlikely]]
      return fetch(c);
    free[c] = next;
    unpoison(b, frame_classes::bytes(c));
    return const_cast<free_frame*>(b);
  }
  void keep(void* memory, std::size_t c) noexcept {
    // The count goes along with the list, in the blocks: a counter here would be written by every frame that begins,
    // and by every one that ends.
    const free_frame* const first = free[c];
    const std::size_t all = peek(first).bytes + frame_classes::bytes(c);
    if (all > limit) [[unlikely]]
      return keep_alone(memory, c);
    auto* const b = ::new (memory) free_frame;  // next_batch is the depot's to write
    b->next = first;
    b->bytes = all;
    free[c] = b;
    poison(memory, frame_classes::bytes(c));
  }
  FRYS_NOINLINE void* fetch(std::size_t c) {
    const free_frame* const batch = depot == nullptr ? nullptr : depot->take(*depot, c);
    if (batch == nullptr) return ::operator new(frame_classes::bytes(c));
    free[c] = batch;
    return take(c);
  }
  // The list is full: it goes to the depot as a whole, and the next one begins with this block. So frames that come and
  // go at the limit move a batch once and not each time.
  FRYS_NOINLINE void keep_alone(void* memory, std::size_t c) noexcept {
    if (free[c] == &no_frame || depot == nullptr || !depot->give(*depot, c, free[c])) return ::operator delete(memory);
    free[c] = &no_frame;
    keep(memory, c);
  }
};
inline constinit frame_lists no_lists{0};

}  // namespace detail

class frame_cache {
  using classes = detail::frame_classes;

 public:
  // Larger frames are not kept.
  static constexpr std::size_t largest = classes::largest;

  // Keeps up to `limit` bytes of each size, which come in steps of 32.
  explicit frame_cache(std::size_t limit = default_limit) noexcept : lists_(limit), before_(here) { here = &lists_; }
  // The same, and exchanges what is too much or too little with others.
  template <class... Policies>
  explicit frame_cache(basic_frame_depot<Policies...>& depot, std::size_t limit = default_limit) noexcept
      : frame_cache(limit) {
    lists_.depot = &depot;
  }
  frame_cache(const frame_cache&) = delete;
  frame_cache& operator=(const frame_cache&) = delete;
  ~frame_cache() {
    FRYS_ASSERT(here == &lists_, "frame_cache: not the newest of its thread");
    here = before_;
    clear();
  }

  // Gives back all that it keeps: to its depot, if it has one.
  void clear() noexcept {
    for (std::size_t c = 0; c < classes::count; ++c) {
      const detail::free_frame* const batch = lists_.free[c];
      if (batch == &detail::no_frame) continue;
      lists_.free[c] = &detail::no_frame;
      if (lists_.depot == nullptr || !lists_.depot->give(*lists_.depot, c, batch)) detail::delete_batch(batch, c);
    }
  }
  // Bytes that wait for a frame.
  [[nodiscard]] std::size_t kept() const noexcept {
    std::size_t all = 0;
    for (const detail::free_frame* list : lists_.free) all += detail::peek(list).bytes;
    return all;
  }

 private:
  friend struct frame_memory;
  static constexpr std::size_t default_limit = std::size_t{32} * 1024;

  detail::frame_lists lists_;
  detail::frame_lists* before_;

  static inline thread_local constinit detail::frame_lists* here = &detail::no_lists;  // this thread's newest
};

// Where coroutine frames come from: one place for all promises of frys. This thread's frame_cache, if it has one and
// that has a block; else operator new, always for whole steps, so that a cache may keep what was made without one.
struct frame_memory {
  static void* allocate(std::size_t size) {
    const std::size_t c = detail::frame_classes::of(size);
    if (c >= detail::frame_classes::count) [[unlikely]]
      return ::operator new(size);
    return frame_cache::here->take(c);
  }
  static void release(void* memory, std::size_t size) noexcept {
    const std::size_t c = detail::frame_classes::of(size);
    if (c >= detail::frame_classes::count) [[unlikely]]
      return ::operator delete(memory);
    frame_cache::here->keep(memory, c);
  }
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_FRAME_CACHE_HPP
