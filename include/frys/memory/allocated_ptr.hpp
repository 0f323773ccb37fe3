// allocated_ptr, allocate_unique: an object that goes back to the allocator it came from, whoever holds it, and under
// whatever base class.
//
// Use when  a factory makes objects and somebody else ends them: memory cannot go back to another allocator than its
//           own, also across shared objects that have different ones.
// Not when  `new` and std::unique_ptr are what everybody uses, or a pool's handle is at hand.
// Threads   as the allocator: the object ends on the thread that drops it.
// Cost      four words; one call through a pointer at the end.
// Errors    the allocator's.
// Lifetime  the allocator must outlive the objects.
#ifndef FRYS_MEMORY_ALLOCATED_PTR_HPP
#define FRYS_MEMORY_ALLOCATED_PTR_HPP

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "allocator_ref.hpp"
#include "detail/wrapped.hpp"

namespace frys::inline FRYS_ABI {

// Ends the object that it was made with: as what it was made, by the allocator that made it. Right for a pointer to a
// base without a virtual destructor too.
template <class A>
class allocator_deleter {
 public:
  allocator_deleter() noexcept = default;
  template <class T>
  allocator_deleter(A& allocator, T* object) noexcept
      : allocator_(std::addressof(allocator)), object_(object), end_(&end<T>) {}

  template <class T>
  void operator()(T*) const noexcept {
    if (end_ != nullptr) end_(*allocator_, object_);
  }
  [[nodiscard]] A* allocator() const noexcept { return allocator_; }

 private:
  template <class T>
  static void end(A& allocator, void* object) noexcept {
    std::destroy_at(static_cast<T*>(object));
    allocator.deallocate(object, sizeof(T), alignof(T));
  }
  A* allocator_ = nullptr;
  void* object_ = nullptr;
  void (*end_)(A&, void*) noexcept = nullptr;
};

template <class T, class A>
using allocated_ptr = std::unique_ptr<T, allocator_deleter<A>>;

// T(args...) in memory of `allocator`, which ends it too.
template <class T, class A, class... Args>
requires std::is_constructible_v<T, Args...>
[[nodiscard]] result<allocated_ptr<T, A>> allocate_unique(A& allocator, Args&&... args) noexcept(
    std::is_nothrow_constructible_v<T, Args...>) {
  static_assert(raw_allocator<A>,
                "frys::allocate_unique: the allocator must be a raw_allocator, see core/concepts.hpp");
  static_assert(std::is_object_v<T> && !std::is_array_v<T> && std::is_nothrow_destructible_v<T>,
                "frys::allocate_unique<T>: T must be an object type, not an array, that dies without throwing");
  result<void*> memory =
      detail::allocate_from(allocator, sizeof(T), alignof(T), allocation_site(type_name<T>(), "", 0));
  if (!memory) return memory.error();
  struct pending {  // gives the memory back if T's constructor leaves by an exception
    A& allocator;
    void* memory;
    ~pending() {
      if (memory != nullptr) allocator.deallocate(memory, sizeof(T), alignof(T));
    }
  } unless_made{allocator, *memory};
  T* object = ::new (*memory) T(std::forward<Args>(args)...);
  unless_made.memory = nullptr;
  return allocated_ptr<T, A>(object, allocator_deleter<A>(allocator, object));
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_ALLOCATED_PTR_HPP
