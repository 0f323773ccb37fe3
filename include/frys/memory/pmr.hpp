// allocator_resource<A>: a raw_allocator (core/concepts.hpp) as a std::pmr::memory_resource. arena_resource<>: the same
// over an arena.
//
// Use when  code takes std::pmr containers, or must not tell by its types where its memory comes from.
// Not when  the type may tell: std_allocator (memory/std_allocator.hpp) costs no virtual call.
// Threads   those of A.
// Cost      that of A, behind one virtual call; none where the resource is seen by its own type, which is final.
// Errors    std::bad_alloc where A refuses; where exceptions are off, the program ends with a sentence.
// Lifetime  A outlives the resource, the resource what was allocated from it.
//           A resource is equal to itself alone: to know another's type it would need RTTI.
// Include   it by name, or define FRYS_WITH_PMR=1 for frys/frys.hpp: it brings <memory_resource>.
#ifndef FRYS_MEMORY_PMR_HPP
#define FRYS_MEMORY_PMR_HPP

#include <cstddef>
#include <memory_resource>

#include "../config.hpp"
#include "../core/concepts.hpp"
#include "arena.hpp"
#include "std_allocator.hpp"

namespace frys::inline FRYS_ABI {

template <class A>
class allocator_resource final : public std::pmr::memory_resource {
  static_assert(raw_allocator<A>, "frys::allocator_resource: A must be a raw_allocator, see core/concepts.hpp");

 public:
  allocator_resource() noexcept requires stateless_allocator<A>
  = default;
  explicit allocator_resource(A& a) noexcept : a_(a) {}
  allocator_resource(const allocator_resource&) = delete;
  allocator_resource& operator=(const allocator_resource&) = delete;

  // The allocator behind it.
  [[nodiscard]] A& underlying() const noexcept requires(!stateless_allocator<A>) { return a_.get(); }

 private:
  void* do_allocate(std::size_t size, std::size_t alignment) override {
    return detail::allocate_or_throw(a_, size, alignment);
  }
  void do_deallocate(void* memory, std::size_t size, std::size_t alignment) override {
    a_.deallocate(memory, size, alignment);
  }
  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }

  [[no_unique_address]] detail::allocator_reference<A> a_;
};

template <class... Policies>
using arena_resource = allocator_resource<arena<Policies...>>;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_PMR_HPP
