// pool_resource: a std::pmr::memory_resource with pools for all sizes: a heap of its own, for one thread.
//
// Use when  std::pmr containers grow, shrink and free in any order, and shall give everything back together at the end;
//           in the place of std::pmr::unsynchronized_pool_resource.
// Not when  nothing is freed before the end (arena_resource), or several threads allocate (allocator_resource over
//           process_heap, or over each thread's heap cache).
// Threads   one at a time.
// Cost      a virtual call (none where the resource is seen by its own type, which is final), and heap's list pop or
//           push. A chunk of address space, and a page or two of bookkeeping, for each resource.
// Errors    std::bad_alloc where the page source refuses or policy::limit is reached; where exceptions are off, the
//           program ends with a sentence.
// Lifetime  its end, or release(), gives all memory back, whether deallocated or not.
//
// Policies  heap's: policy::pages, policy::chunk_size, policy::limit, policy::idle, policy::world.
#ifndef FRYS_MEMORY_POOL_RESOURCE_HPP
#define FRYS_MEMORY_POOL_RESOURCE_HPP

#include <cstddef>
#include <memory>
#include <memory_resource>
#include <new>
#include <utility>

#include "../config.hpp"
#include "heap.hpp"
#include "std_allocator.hpp"

namespace frys::inline FRYS_ABI {

template <class... Policies>
class pool_resource final : public std::pmr::memory_resource {
 public:
  using heap_type = heap<Policies...>;

  // Takes no memory yet.
  pool_resource() noexcept = default;
  pool_resource(const pool_resource&) = delete;
  pool_resource& operator=(const pool_resource&) = delete;
  ~pool_resource() override = default;

  // Gives back all memory, also what was not deallocated.
  void release() noexcept {
    cache_.leave();
    std::destroy_at(&heap_);
    std::construct_at(&heap_);
  }
  // Gives back what is free.
  void collect() noexcept {
    if (cache_) cache_.collect();
  }
  [[nodiscard]] heap_stats stats() const noexcept { return heap_.stats(); }

 private:
  // The heap's cache as an allocator that joins when it is first asked.
  struct late {
    pool_resource& of;
    result<void*> allocate(std::size_t size, std::size_t alignment) noexcept {
      if (!of.cache_) [[unlikely]] {
        result<typename heap_type::cache> joined = of.heap_.join();
        if (!joined) return joined.error();
        of.cache_ = *std::move(joined);
      }
      return of.cache_.allocate(size, alignment);
    }
  };
  FRYS_NOINLINE void* allocate_late(std::size_t size, std::size_t alignment) {
    late a{*this};
    return detail::allocate_or_throw(detail::allocator_reference<late>(a), size, alignment);
  }
  void* do_allocate(std::size_t size, std::size_t alignment) override {
    if (cache_) [[likely]]
      if (void* const p = cache_.try_allocate(size, alignment)) [[likely]]
        return p;
    return allocate_late(size, alignment);
  }
  void do_deallocate(void* memory, std::size_t size, std::size_t alignment) override {
    // Nobody else's cache is here; only an alignment of its own may have given the block another class.
    if (alignment <= heap_type::default_alignment) [[likely]]
      return cache_.deallocate_own(memory, size);
    cache_.deallocate(memory);
  }
  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }

  heap_type heap_;
  typename heap_type::cache cache_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_POOL_RESOURCE_HPP
