// process_heap: one heap for the whole program, with a cache for each thread that comes, and nothing to join.
//
// Use when  the program's odd sizes shall come from a frys heap and there is no object to keep caches in: values,
//           strings, coroutine frames. A stateless raw_allocator.
// Not when  the code may be unloaded before its threads end (a plugin): it holds a thread_local with a destructor and
//           an inline variable. Take a `heap`, or the host's.
// Threads   any. The first use of a thread joins; its end leaves, and what it still had is taken over by the next.
// Cost      heap's, and a read of a thread_local.
// Errors    heap's.
// Fork      a child goes on with the forking thread's cache; what the caches of the other threads held stays lost to
//           it. Nothing is locked, so nothing stays locked.
// Lifetime  never destroyed: usable in constructors of static objects and in their destructors, in a thread's
//           destructors too (then each call joins and leaves).
#ifndef FRYS_MEMORY_PROCESS_HEAP_HPP
#define FRYS_MEMORY_PROCESS_HEAP_HPP

#include <cstddef>
#include <utility>

#include "../config.hpp"
#include "../core/result.hpp"
#include "heap.hpp"

namespace frys::inline FRYS_ABI {

namespace detail {

// Never destroyed.
union process_heap_place {
  constexpr process_heap_place() noexcept : value() {}
  ~process_heap_place() {}
  heap<> value;
};
inline constinit process_heap_place process_heap_instance;

}  // namespace detail

class process_heap {
  using core = heap<>::core;
  using cache = heap<>::cache;

 public:
  static constexpr std::size_t default_alignment = heap<>::default_alignment;

  // `size` uninitialised bytes, aligned to `alignment`, a power of two; for size 0 too.
  [[nodiscard]] static result<void*> allocate(std::size_t size, std::size_t alignment = default_alignment) noexcept {
    if (here_ == nullptr) [[unlikely]]
      return visit(size, alignment);
    return borrowed(here_).c.allocate(size, alignment);
  }
  // The same; nullptr when it is refused.
  [[nodiscard]] static void* try_allocate(std::size_t size, std::size_t alignment = default_alignment) noexcept {
    if (here_ == nullptr) [[unlikely]]
      return visit(size, alignment).value_or(nullptr);
    return borrowed(here_).c.try_allocate(size, alignment);
  }
  // Gives back a block, from whichever thread.
  static void deallocate(void* block) noexcept {
    if (here_ == nullptr) [[unlikely]]
      return visit(block);
    here_->deallocate(block);
  }
  static void deallocate(void* block, std::size_t /*size*/, std::size_t /*alignment*/ = default_alignment) noexcept {
    deallocate(block);
  }
  // See heap::cache::reallocate.
  [[nodiscard]] static result<void*> reallocate(void* block, std::size_t size,
                                                std::size_t alignment = default_alignment) noexcept {
    return visiting([&](cache& c) { return c.reallocate(block, size, alignment); });
  }
  // Bytes that the block has.
  [[nodiscard]] static std::size_t usable_size(const void* block) noexcept { return cache::usable_size(block); }

  // Gives back what is free: of this thread and of those that ended now, of the others when they come by.
  static void collect() noexcept {
    (void)visiting([](cache& c) { return c.collect(), result<void*>(&c); });
    instance().collect();
  }
  [[nodiscard]] static heap_stats stats() noexcept { return instance().stats(); }
  // The heap itself, to join by hand.
  [[nodiscard]] static heap<>& instance() noexcept { return detail::process_heap_instance.value; }

  // All of the program's are one.
  friend constexpr bool operator==(process_heap, process_heap) noexcept { return true; }

 private:
  // A core as a cache that does not leave.
  union borrowed {
    explicit borrowed(core* of) noexcept : c(of) {}
    ~borrowed() {}
    cache c;
  };

  FRYS_NOINLINE static result<void*> visit(std::size_t size, std::size_t alignment) noexcept {
    return visiting([=](cache& c) { return c.allocate(size, alignment); });
  }
  FRYS_NOINLINE static void visit(void* block) noexcept {
    // Without a cache the block is lost: there is no page for one, and nobody to tell.
    (void)visiting([=](cache& c) { return c.deallocate(block), result<void*>(block); });
  }
  // f(cache): of this thread, which joins; in a thread that ends, of a guest for this call.
  template <class F>
  static result<void*> visiting(const F& f) noexcept {
    if (here_ == nullptr) {
      result<cache> joined = instance().join();
      if (!joined) return joined.error();
      if (ended_) return f(*joined);
      here_ = std::exchange(joined->core_, nullptr);
      // After it is there: to register a destructor may allocate.
      static thread_local struct leaver {
        bool armed = false;
        ~leaver() {
          ended_ = true;
          cache(std::exchange(here_, nullptr)).leave();
        }
      } at_end;
      at_end.armed = true;
    }
    borrowed mine(here_);
    return f(mine.c);
  }

  // Without a constructor that runs or a destructor, so that to read them is a plain load and they are there to the
  // end.
  static inline constinit thread_local core* here_ = nullptr;
  static inline constinit thread_local bool ended_ = false;  // the thread's destructors have run
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_PROCESS_HEAP_HPP
