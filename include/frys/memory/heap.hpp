// heap: a general allocator: any size, any alignment, freed in any order by any thread.
//
// Use when  nothing is known of the lifetimes: values of a store, messages of odd sizes, a language's objects.
// Not when  they die together (arena), are of one type (object_pool), or are large and few (os_pages).
// Form      a heap is an object; each thread joins it and gets a cache, through which it allocates and frees. No
//           thread_local, no global (process_heap has them), so it is safe in a plugin that is unloaded; a plugin may
//           also be handed its host's heap.
// Threads   join, collect, stats: any. A cache: one thread at a time. A block may be freed through any
//           cache of its heap.
// Progress  allocate and deallocate wait for nobody: wait-free but for the page source, and a compare-exchange that is
//           retried when others post to the same owner. One post for 64 blocks.
// Cost      allocate: a load of the class, a list pop. deallocate: a load of the tag, a list push. Inlined; a constant
//           size has its class at compile time. Memory: a chunk's header is 0.4 % of it; sizes come in steps of 16
//           bytes up to 128, then of an eighth, above 8 KiB of a quarter. A bin keeps at most 512 KiB (or eight
//           blocks).
// Ordering  what was done with a block before deallocate happens-before what is done with it after it is handed out
//           again.
// Errors    errc::out_of_memory: the page source refused; errc::limit_exceeded: beyond policy::limit;
//           errc::invalid_argument: an alignment of more than half a chunk.
// Lifetime  caches end before their heap; the heap's end gives back all memory, whatever is still in use.
//
// Policies, in any order, each at most once:
//   policy::pages<P>       where chunks come from                                    default os_pages
//   policy::chunk_size<N>  bytes of a chunk, a power of two from 64 KiB              default 4 MiB
//   policy::limit<N>       the most bytes of all chunks and large blocks             default none
//   policy::idle<N>        bytes of free pages that a cache keeps                    default 4 MiB
//   policy::atomics<A>     the atomics model                                         default atomics::standard
// Source    detail/heap_core.hpp says how it works.
#ifndef FRYS_MEMORY_HEAP_HPP
#define FRYS_MEMORY_HEAP_HPP

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/bytes.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "detail/heap_core.hpp"
#include "pages.hpp"

namespace frys::inline FRYS_ABI {

namespace policy {
struct idle_key {};  // a number of bytes

// How many bytes of memory that nobody uses are kept for the next who asks.
template <std::size_t N>
struct idle {
  using key = idle_key;
  static constexpr std::size_t value = N;
};
}  // namespace policy

struct heap_stats {
  std::size_t reserved = 0;  // bytes held of the page source, not all of them touched
  std::size_t in_use = 0;    // bytes of blocks with users, in caches, and on their way to their owner
  std::size_t caches = 0;    // that were ever made
  std::size_t parked = 0;    // of them, without a thread
};

class process_heap;

template <class... Policies>
class heap {
  friend process_heap;
  using accepted =
      policy::keys<policy::pages_key, policy::chunk_size_key, policy::limit_key, policy::idle_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::heap: unknown policy; it takes policy::pages, policy::chunk_size, policy::limit, policy::idle, "
                "policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>, "frys::heap: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::heap: policy::atomics wants an atomics model, see core/atomics.hpp");
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>, "frys::heap: policy::pages wants a page source, see core/concepts.hpp");
  static constexpr std::size_t chunk_size = policy::pick<policy::chunk_size<std::size_t{4} << 20>, Policies...>::value;
  static_assert(std::has_single_bit(chunk_size) && chunk_size >= 64 * 1024 && chunk_size <= std::size_t{1} << 30,
                "frys::heap: policy::chunk_size must be a power of two from 64 KiB to 1 GiB");
  static constexpr std::size_t limit = policy::pick<policy::limit<detail::most_bytes>, Policies...>::value;
  static_assert(limit >= chunk_size, "frys::heap: policy::limit must leave room for one chunk");
  static constexpr std::size_t idle_bytes = policy::pick<policy::idle<chunk_size>, Policies...>::value;

 private:
  using center_type = detail::heap_center<atomics_type, pages_type, chunk_size>;
  using core = detail::heap_core<atomics_type, pages_type, chunk_size>;
  using geometry = typename core::geometry;

 public:
  // The largest alignment; larger ones are refused.
  static constexpr std::size_t most_alignment = chunk_size / 2;

  // One thread's part of the heap; a raw_allocator. Moves; leaves the heap when it ends. One thread at a time.
  class cache {
   public:
    cache() noexcept = default;
    cache(cache&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
    cache& operator=(cache&& other) noexcept {
      cache taken(std::move(other));
      std::swap(core_, taken.core_);
      return *this;
    }
    ~cache() { leave(); }

    // Whether it has joined a heap; all others want one that has.
    explicit operator bool() const noexcept { return core_ != nullptr; }

    // `size` uninitialised bytes, aligned to `alignment`, a power of two; for size 0 too.
    [[nodiscard]] result<void*> allocate(std::size_t size, std::size_t alignment = default_alignment) noexcept {
      void* const p = try_allocate(size, alignment);
      if (p == nullptr) [[unlikely]]
        return core_->why;
      return p;
    }
    // The same; nullptr when it is refused.
    [[nodiscard]] void* try_allocate(std::size_t size, std::size_t alignment = default_alignment) noexcept {
      FRYS_ASSERT(std::has_single_bit(alignment), "heap: the alignment is not a power of two");
      if (alignment <= default_alignment) [[likely]]
        return core_->allocate(size);
      return core_->allocate_aligned(size, alignment);
    }
    // Gives back a block of this heap, from whichever cache. Its size and alignment need not be said.
    void deallocate(void* block) noexcept { core_->deallocate(block); }
    void deallocate(void* block, std::size_t /*size*/, std::size_t /*alignment*/ = default_alignment) noexcept {
      core_->deallocate(block);
    }
    // Gives back a block that was allocated through this cache, with its size and no alignment of its own: for who
    // knows that. The cheapest way; of another cache's block, or with another size, it breaks the heap.
    void deallocate_own(void* block, std::size_t size) noexcept {
      FRYS_ASSERT((geometry::tag_of(block) & ~geometry::code_mask) == geometry::address(core_),
                  "heap: deallocate_own of a block of another cache");
      if (size <= core::classes::quick_limit) [[likely]]
        return core_->put(block, core::classes::quick(size));
      core_->deallocate(block);
    }
    // The block's first min(size, its old size) bytes in a block of `size`: the same, or another one, and then the old
    // one is gone. On an error the old one is untouched.
    [[nodiscard]] result<void*> reallocate(void* block, std::size_t size,
                                           std::size_t alignment = default_alignment) noexcept {
      const std::size_t has = core::usable_size(block);
      // It stays unless that would waste more than half.
      if (size <= has && size >= has / 2 && (geometry::address(block) & (alignment - 1)) == 0) return block;
      result<void*> other = allocate(size, alignment);
      if (!other) return other;
      std::memcpy(*other, block, (std::min)(size, has));
      deallocate(block);
      return other;
    }

    // T(args...). Its size is a constant, so its class is too.
    template <class T, class... Args>
    requires std::is_constructible_v<T, Args...>
    [[nodiscard]] result<T*> create(Args&&... args) noexcept(std::is_nothrow_constructible_v<T, Args...>) {
      struct pending {
        cache* of;
        void* memory;
        ~pending() {
          if (memory != nullptr) of->deallocate(memory);
        }
      };
      result<void*> memory = allocate(sizeof(T), alignof(T));
      if (!memory) return memory.error();
      if constexpr (std::is_nothrow_constructible_v<T, Args...>) {
        return ::new (*memory) T(std::forward<Args>(args)...);
      } else {
        pending p{this, *memory};
        T* const object = ::new (*memory) T(std::forward<Args>(args)...);
        p.memory = nullptr;
        return object;
      }
    }
    // Destroys what create made, through whichever cache of the heap.
    template <class T>
    void destroy(T* object) noexcept {
      static_assert(!std::has_virtual_destructor_v<T> || std::is_final_v<T>,
                    "frys::heap: destroy<T> wants the type that was created; end a polymorphic T and deallocate it");
      std::destroy_at(object);
      deallocate(object);
    }

    // Gives back all that is free: posts what belongs to others, takes over what others freed, returns pages.
    void collect() noexcept { core_->collect(); }
    // Bytes that the block has, at least as many as were asked for. Any thread that may use the block.
    [[nodiscard]] static std::size_t usable_size(const void* block) noexcept { return core::usable_size(block); }
    // Leaves the heap: what is free is given back, what is in use stays. Another thread that joins takes over.
    void leave() noexcept {
      if (core_ == nullptr) return;
      core_->settle();
      core_->discard_idle();
      std::exchange(core_, nullptr)->park();
    }

   private:
    friend heap;
    friend process_heap;
    explicit cache(core* c) noexcept : core_(c) {}
    core* core_ = nullptr;
  };
  static constexpr std::size_t default_alignment = 16;

  // Takes no memory yet; usable before any constructor has run.
  constexpr heap() noexcept {
    center_.limit = limit;
    center_.idle_bytes = idle_bytes;
  }
  heap(const heap&) = delete;
  heap& operator=(const heap&) = delete;
  ~heap() {
    // relaxed: whoever ends the heap comes after all that used it.
    for (core* c = cores_.load(std::memory_order_relaxed); c != nullptr;) {
      FRYS_ASSERT(c->state.load(std::memory_order_relaxed) == core::parked_state, "heap: a cache outlives its heap");
      core* const next = c->next_core;
      const byte_span memory = c->place;  // it lies in the memory that it describes
      std::destroy_at(c);
      pages_type::release(memory);
      c = next;
    }
    center_.release_spares();
  }

  // A cache for the calling thread: one that a thread has left, with its memory, or a new one.
  [[nodiscard]] result<cache> join() noexcept {
    for (core* c = newest_core(); c != nullptr; c = c->next_core)
      if (c->claim()) return cache(c);
    result<byte_span> memory = pages_type::allocate(sizeof(core));
    if (!memory) return memory.error();
    core* const fresh = ::new (static_cast<void*>(memory->data())) core(center_);
    fresh->place = *memory;
    // relaxed, also on failure: only compared, and stored into what nobody knows yet.
    fresh->next_core = cores_.load(std::memory_order_relaxed);
    // sync(heap.cores): release; made before it is found.
    while (
        !cores_.compare_exchange_weak(fresh->next_core, fresh, std::memory_order_release, std::memory_order_relaxed)) {
    }
    return cache(fresh);
  }

  // Asks all caches to give back what is free: those without a thread do it now, by this thread; the others when their
  // threads next find a bin empty.
  void collect() noexcept {
    // relaxed: a wish; see heap_core::collect.
    center_.wishes.fetch_add(1, std::memory_order_relaxed);
    for (core* c = newest_core(); c != nullptr; c = c->next_core) {
      if (!c->claim()) continue;
      c->collect();
      c->park();
    }
    center_.release_spares();
  }

  // Of one moment for each number, while others go on.
  [[nodiscard]] heap_stats stats() const noexcept {
    heap_stats s;
    // relaxed, all: numbers that order nothing.
    s.reserved = center_.reserved.load(std::memory_order_relaxed);
    for (const core* c = newest_core(); c != nullptr; c = c->next_core) {
      s.in_use += c->in_use.load(std::memory_order_relaxed);
      ++s.caches;
      if (c->state.load(std::memory_order_relaxed) == core::parked_state) ++s.parked;
    }
    return s;
  }

 private:
  // sync(heap.cores): acquire; a core was made before it was listed.
  core* newest_core() const noexcept { return cores_.load(std::memory_order_acquire); }

  center_type center_;
  typename atomics_type::template atomic<core*> cores_{nullptr};  // all that were ever made
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_HEAP_HPP
