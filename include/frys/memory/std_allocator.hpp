// std_allocator<T, A>: a raw_allocator (core/concepts.hpp) as the allocator of the standard's containers, and of all
// that take one in its form. arena_allocator<T>: the same over an arena.
//
// Use when  a std::vector, std::map or allocate_shared shall take its memory from an arena or from a heap of yours.
// Not when  the container's type must not tell where its memory comes from: allocator_resource (memory/pmr.hpp).
// Threads   those of A.
// Cost      that of A, inlined: no virtual call. One pointer in each container; none where A is a stateless_allocator.
// Errors    the standard's containers know exceptions only: std::bad_alloc where A refuses, std::bad_array_new_length
//           where the number of elements is absurd. Where exceptions are off, both end the program with a sentence.
// Lifetime  A outlives the containers, and an arena is not reset under them.
//           Two compare equal when they speak of one A. A container that is moved or swapped takes its allocator along,
//           so that no element moves; one that is assigned to keeps its own.
#ifndef FRYS_MEMORY_STD_ALLOCATOR_HPP
#define FRYS_MEMORY_STD_ALLOCATOR_HPP

#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <type_traits>

#include "../config.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "arena.hpp"

namespace frys::inline FRYS_ABI {

namespace detail {

// What the standard's interfaces want: they have no other way to say that there is no memory.
template <class Exception>
[[noreturn]] FRYS_NOINLINE void refuse_by_exception([[maybe_unused]] const char* otherwise) {
#if FRYS_EXCEPTIONS
  std::rethrow_exception(std::make_exception_ptr(Exception()));
#else
  assert_failed("std_allocator", 0, otherwise);
#endif
}

// A pointer to an A, or nothing where A has no objects.
template <class A>
class allocator_reference {
 public:
  explicit allocator_reference(A& a) noexcept : a_(&a) {}
  [[nodiscard]] result<void*> allocate(std::size_t size, std::size_t alignment) const {
    return a_->allocate(size, alignment);
  }
  void deallocate(void* memory, std::size_t size, std::size_t alignment) const noexcept {
    a_->deallocate(memory, size, alignment);
  }
  [[nodiscard]] A& get() const noexcept { return *a_; }
  bool operator==(const allocator_reference&) const noexcept = default;

 private:
  A* a_;
};
template <stateless_allocator A>
class allocator_reference<A> {
 public:
  allocator_reference() noexcept = default;
  explicit allocator_reference(A&) noexcept {}
  [[nodiscard]] result<void*> allocate(std::size_t size, std::size_t alignment) const {
    return A::allocate(size, alignment);
  }
  void deallocate(void* memory, std::size_t size, std::size_t alignment) const noexcept {
    A::deallocate(memory, size, alignment);
  }
  bool operator==(const allocator_reference&) const noexcept = default;
};

// `size` bytes, or the end of the function.
template <class A>
[[nodiscard]] FRYS_ALWAYS_INLINE void* allocate_or_throw(const allocator_reference<A>& a, std::size_t size,
                                                         std::size_t alignment) {
  result<void*> memory = a.allocate(size, alignment);
  if (!memory) [[unlikely]]
    refuse_by_exception<std::bad_alloc>(
        "the allocator of a standard container refused, and exceptions are off: nothing is left to do");
  return *memory;
}

}  // namespace detail

template <class T, class A>
class std_allocator {
  static_assert(raw_allocator<A>, "frys::std_allocator: A must be a raw_allocator, see core/concepts.hpp");
  static_assert(std::is_object_v<T> && !std::is_const_v<T> && !std::is_volatile_v<T>,
                "frys::std_allocator: T must be an object type without const and volatile");

 public:
  using value_type = T;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using is_always_equal = std::bool_constant<stateless_allocator<A>>;
  using propagate_on_container_copy_assignment = std::false_type;
  using propagate_on_container_move_assignment = std::true_type;
  using propagate_on_container_swap = std::true_type;
  template <class U>
  struct rebind {
    using other = std_allocator<U, A>;
  };

  std_allocator() noexcept requires stateless_allocator<A>
  = default;
  // Not explicit: std::vector<T, std_allocator<T, A>> v(a) is the usual way to begin.
  std_allocator(A& a) noexcept : a_(a) {}
  template <class U>
  std_allocator(const std_allocator<U, A>& other) noexcept : a_(other.a_) {}

  [[nodiscard]] T* allocate(std::size_t count) {
    if (count > detail::most_bytes / sizeof(T)) [[unlikely]]
      detail::refuse_by_exception<std::bad_array_new_length>(
          "a standard container asked for more elements than memory can hold, and exceptions are off");
    return static_cast<T*>(detail::allocate_or_throw(a_, count * sizeof(T), alignof(T)));
  }
  void deallocate(T* memory, std::size_t count) noexcept { a_.deallocate(memory, count * sizeof(T), alignof(T)); }

  // The allocator behind it.
  [[nodiscard]] A& underlying() const noexcept requires(!stateless_allocator<A>) { return a_.get(); }

  template <class U>
  bool operator==(const std_allocator<U, A>& other) const noexcept {
    return a_ == other.a_;
  }

 private:
  template <class, class>
  friend class std_allocator;
  [[no_unique_address]] detail::allocator_reference<A> a_;
};

// For containers that die with an arena's content: to deallocate costs next to nothing and returns what was allocated
// last. A container that grows leaves its old arrays behind: reserve, or give it an arena that can hold twice as much.
template <class T, class... Policies>
using arena_allocator = std_allocator<T, arena<Policies...>>;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_STD_ALLOCATOR_HPP
