// frame_cache: keeps the memory of coroutine frames that have ended for those that begin next, on one thread.
//
// Use when  a thread runs many short tasks: a loop that awaits a child per request. One object at the thread's top.
// Not when  frames are few, or live as long as the thread; or when they end on another thread than they begin on:
//           there they pile up to the limit, and are not found here.
// Threads   it serves the thread that made it, from its constructor to its destructor, and dies there. A frame may end
//           on any thread, with or without a cache: what it gives back is one block of operator new either way.
// Progress  waits for nobody; shares nothing.
// Cost      a frame: a read of a thread_local, a pop, a push. Blocks are rounded up to 64 bytes. Without a cache frames
//           cost what operator new costs, and the read.
// Errors    std::bad_alloc, from operator new.
// Lifetime  gives all that it keeps back at its end. Several on one thread stand on each other; the newest serves.
//           AddressSanitizer reports a use of a frame that has ended until its memory is used again.
#ifndef FRYS_SCHED_FRAME_CACHE_HPP
#define FRYS_SCHED_FRAME_CACHE_HPP

#include <cstddef>
#include <new>

#include "../config.hpp"
#include "../core/poison.hpp"

namespace frys::inline FRYS_ABI {

class frame_cache {
 public:
  // Larger frames are not kept.
  static constexpr std::size_t largest = 2048;

  // Keeps up to `limit` bytes.
  explicit frame_cache(std::size_t limit = std::size_t{256} * 1024) noexcept : limit_(limit), before_(here) {
    here = this;
  }
  frame_cache(const frame_cache&) = delete;
  frame_cache& operator=(const frame_cache&) = delete;
  ~frame_cache() {
    FRYS_ASSERT(here == this, "frame_cache: not the newest of its thread");
    here = before_;
    clear();
  }

  // Gives back all that it keeps.
  void clear() noexcept {
    for (std::size_t i = 0; i < classes; ++i) {
      while (block* b = free_[i]) {
        unpoison(b, (i + 1) * step);
        free_[i] = b->next;
        ::operator delete(static_cast<void*>(b));
      }
    }
    kept_ = 0;
  }
  // Bytes that wait for a frame.
  [[nodiscard]] std::size_t kept() const noexcept { return kept_; }

 private:
  friend struct frame_memory;
  static constexpr std::size_t step = 64, classes = largest / step;
  struct block {
    block* next;
  };

  static constexpr std::size_t class_of(std::size_t size) noexcept { return (size - 1) / step; }  // 0: too large, too

  void* take(std::size_t c) noexcept {
    block* b = free_[c];
    if (b == nullptr) return nullptr;
    unpoison(b, (c + 1) * step);
    free_[c] = b->next;
    kept_ -= (c + 1) * step;
    return b;
  }
  bool keep(void* memory, std::size_t c) noexcept {
    if (limit_ - kept_ < (c + 1) * step) return false;
    free_[c] = ::new (memory) block{free_[c]};
    kept_ += (c + 1) * step;
    poison(memory, (c + 1) * step);
    return true;
  }

  block* free_[classes] = {};
  std::size_t kept_ = 0;
  std::size_t limit_;
  frame_cache* before_;

  static inline thread_local constinit frame_cache* here = nullptr;  // this thread's newest
};

// Where coroutine frames come from: one place for all promises of frys. This thread's frame_cache, if it has one and
// that has a block; else operator new, always for whole steps, so that a cache may keep what was made without one.
struct frame_memory {
  static void* allocate(std::size_t size) {
    const std::size_t c = frame_cache::class_of(size);
    if (c >= frame_cache::classes) [[unlikely]]
      return ::operator new(size);
    if (frame_cache* cache = frame_cache::here)
      if (void* memory = cache->take(c)) return memory;
    return ::operator new((c + 1) * frame_cache::step);
  }
  static void release(void* memory, std::size_t size) noexcept {
    const std::size_t c = frame_cache::class_of(size);
    if (frame_cache* cache = frame_cache::here; cache != nullptr && c < frame_cache::classes && cache->keep(memory, c))
      return;
    ::operator delete(memory);
  }
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_FRAME_CACHE_HPP
