// synchronized: any allocator, for any number of threads, by a lock around it.
//
// Use when  threads must share one that is for one thread at a time: an arena, a pool, a fallback chain.
// Not when  it is their everyday path (process_heap, concurrent_arena), or the allocator takes policy::atomics itself
//           (limited, tracked, leak_checked, hardened): those lock less.
// Threads   any.
// Cost      one compare-exchange and one exchange more; who finds the lock taken sleeps.
// Errors    the inner allocator's.
//
// Policies: policy::atomics<A>, default atomics::standard.
#ifndef FRYS_MEMORY_SYNCHRONIZED_HPP
#define FRYS_MEMORY_SYNCHRONIZED_HPP

#include <cstddef>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "allocator_ref.hpp"
#include "detail/sharing.hpp"
#include "detail/wrapped.hpp"

namespace frys::inline FRYS_ABI {

template <class A, class... Policies>
class synchronized : public detail::wrapped<A> {
  using accepted = policy::keys<policy::atomics_key>;
  static_assert(raw_allocator<A>, "frys::synchronized<A>: A must be a raw_allocator, see core/concepts.hpp");
  static_assert(accepted::template known<Policies...>,
                "frys::synchronized: unknown policy; it takes policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::synchronized: a policy is given twice; name each at most once");
  using base = detail::wrapped<A>;
  using base::inner_;

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::synchronized: policy::atomics wants an atomics model, see core/atomics.hpp");

  // The arguments make the inner allocator.
  template <class... Args>
  requires detail::wraps_from<synchronized, A, Args...>
  explicit(sizeof...(Args) == 1) synchronized(Args&&... args) : base(std::in_place, std::forward<Args>(args)...) {}

  [[nodiscard]] result<void*> allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t),
                                       const allocation_site& site = {}) noexcept {
    held_lock hold(lock_);
    return detail::allocate_from(inner_, size, alignment, site);
  }
  void deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept {
    held_lock hold(lock_);
    inner_.deallocate(memory, size, alignment);
  }
  [[nodiscard]] bool owns(const void* memory) const noexcept requires owning_allocator<A> {
    held_lock hold(lock_);
    return inner_.owns(memory);
  }
  // f(inner), alone.
  template <class F>
  decltype(auto) with(F&& f) {
    held_lock hold(lock_);
    return std::forward<F>(f)(inner_);
  }

 private:
  mutable detail::table_lock<atomics_type> lock_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_SYNCHRONIZED_HPP
