// limited: an allocator that refuses beyond a number of bytes, and says how many are out.
//
// Use when  a tenant, a plugin or a whole program must stay below a bound and shall be told no, not be killed.
// Not when  a block has policy::limit itself (arena, object_pool): that one counts what it asks of its source.
// Threads   one at a time; with policy::atomics<A> any, if the inner allocator takes any: then exactly, never beyond.
// Cost      an add, a compare and a subtraction; with policy::atomics one compare-exchange, one subtraction, and one
//           compare-exchange more at each new peak.
// Errors    errc::limit_exceeded with the bound; else the inner allocator's.
//
// limited<A, N> has its bound from the type; limited<A> is made with it, limited<A>(1 << 20, arguments of A...), and
// set_limit changes it.
//
// Policies: policy::atomics<A>, default none: one thread.
#ifndef FRYS_MEMORY_LIMITED_HPP
#define FRYS_MEMORY_LIMITED_HPP

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>
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

template <class A, std::size_t N = policy::dynamic, class... Policies>
class limited : public detail::wrapped<A> {
  using accepted = policy::keys<policy::atomics_key>;
  static_assert(raw_allocator<A>, "frys::limited<A>: A must be a raw_allocator, see core/concepts.hpp");
  static_assert(accepted::template known<Policies...>,
                "frys::limited: unknown policy; it takes policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::limited: a policy is given twice; name each at most once");
  using base = detail::wrapped<A>;
  using base::inner_;
  static constexpr bool is_dynamic = N == policy::dynamic;

 public:
  using atomics_type = detail::sharing<Policies...>;
  static_assert(atomics_model<atomics_type>,
                "frys::limited: policy::atomics wants an atomics model, see core/atomics.hpp");

  // The arguments make the inner allocator.
  template <class... Args>
  requires(!is_dynamic && detail::wraps_from<limited, A, Args...>) explicit(sizeof...(Args) == 1)
      limited(Args&&... args)
      : base(std::in_place, std::forward<Args>(args)...) {}
  template <class... Args>
  requires(is_dynamic&& std::is_constructible_v<A, Args...>) explicit limited(std::size_t most, Args&&... args)
      : base(std::in_place, std::forward<Args>(args)...), limit_(most) {}

  [[nodiscard]] result<void*> allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t),
                                       const allocation_site& site = {}) noexcept {
    const std::size_t most = limit();
    std::size_t before = used_.load(std::memory_order_relaxed);  // relaxed, all: a number, which carries no data
    do {
      if (size > most || before > most - size) [[unlikely]]
        return error{errc::limit_exceeded, domain::memory, "the allocator's limit would be passed",
                     static_cast<std::int64_t>((std::min)(most, detail::most_bytes))};
    } while (!used_.compare_exchange_weak(before, before + size, std::memory_order_relaxed, std::memory_order_relaxed));
    result<void*> memory = detail::allocate_from(inner_, size, alignment, site);
    if (memory) [[likely]]
      detail::raise(peak_, before + size);
    else
      used_.fetch_sub(size, std::memory_order_relaxed);  // relaxed: as above
    return memory;
  }
  void deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept {
    inner_.deallocate(memory, size, alignment);
    used_.fetch_sub(size, std::memory_order_relaxed);  // relaxed: as above; the memory is back before it counts as free
  }
  [[nodiscard]] bool owns(const void* memory) const noexcept requires owning_allocator<A> {
    return inner_.owns(memory);
  }

  // Bytes asked for and not given back.
  [[nodiscard]] std::size_t used() const noexcept {
    return used_.load(std::memory_order_relaxed);  // relaxed: as above
  }
  // The most that used() ever was.
  [[nodiscard]] std::size_t peak() const noexcept {
    return peak_.load(std::memory_order_relaxed);  // relaxed: as above
  }
  [[nodiscard]] std::size_t limit() const noexcept {
    if constexpr (is_dynamic)
      return limit_.load(std::memory_order_relaxed);  // relaxed: as above
    else
      return N;
  }
  // A bound below used() refuses until enough is back.
  void set_limit(std::size_t most) noexcept requires is_dynamic {
    limit_.store(most, std::memory_order_relaxed);  // relaxed: as above
  }

 private:
  template <class T>
  using atomic = typename atomics_type::template atomic<T>;
  struct no_number {};

  atomic<std::size_t> used_{0};
  atomic<std::size_t> peak_{0};
  [[no_unique_address]] std::conditional_t<is_dynamic, atomic<std::size_t>, no_number> limit_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_LIMITED_HPP
