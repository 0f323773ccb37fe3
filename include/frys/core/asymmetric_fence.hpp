// fences: the two halves of a Dekker hand-shake ("I write mine, then read yours; you write yours, then read mine")
// where one side does it millions of times more often than the other.
//
// symmetric   both halves are a seq_cst fence: some 2 ns on either side.
// asymmetric  the frequent half keeps the compiler in order and costs nothing; the rare half has the kernel put a fence
//             into every running thread of the process (membarrier, Linux 4.14). Where the system refuses it (an old
//             kernel, another system, a sandbox), both halves are seq_cst fences, decided once, at the first prepare.
// A model F   of fence_pair: F::prepare<A>() before the first light; F::light<A>() between the write and the read of
//             the frequent side; F::heavy<A>() between those of the rare one. heavy answers false when it could not
//             order the others (a sandbox put on later): then nothing may be concluded from what is read after it.
//             Optional, for blocks that decide once per thread: F::is_free<A>() after prepare, and where it answers
//             true F::free_light<A>() in place of light, without the branch.
// Models      of other memory (the model checker, tsan, a user's own) get seq_cst fences of theirs on both sides: what
//             they prove holds for the stronger promise that membarrier makes too.
// Threads     any.
// Cost        asymmetric: light one predicted branch; heavy a system call and an interrupt to each core that runs a
//             thread of this process: 0.35 us on two cores.
// Source      D. Dice, H. Huang, M. Yang, "Asymmetric Dekker synchronization", 2001; D. Goldblatt, P1202.
#ifndef FRYS_CORE_ASYMMETRIC_FENCE_HPP
#define FRYS_CORE_ASYMMETRIC_FENCE_HPP

#include <atomic>
#include <concepts>

#include "../config.hpp"
#include "atomics.hpp"
#include "detail/process_fence.hpp"

namespace frys::inline FRYS_ABI {

namespace policy {
struct fence_key {};  // fence_pair (core/asymmetric_fence.hpp)
template <class F>
struct fence {
  using key = fence_key;
  using type = F;
};
}  // namespace policy

namespace fences {

struct symmetric {
  template <class A>
  static void prepare() noexcept {}
  template <class A>
  static void light() noexcept {
    A::fence(std::memory_order_seq_cst);
  }
  template <class A>
  [[nodiscard]] static bool heavy() noexcept {
    A::fence(std::memory_order_seq_cst);
    return true;
  }
};

struct asymmetric {
  template <class A>
  static void prepare() noexcept {
    if constexpr (std::same_as<A, atomics::real>) detail::process_fence::prepare();
  }
  template <class A>
  static void light() noexcept {
    if constexpr (std::same_as<A, atomics::real>) {
      if (detail::process_fence::is_granted()) [[likely]] {
        detail::process_fence::compiler_only();
        return;
      }
    }
    A::fence(std::memory_order_seq_cst);
  }
  template <class A>
  [[nodiscard]] static bool heavy() noexcept {
    if constexpr (std::same_as<A, atomics::real>) {
      if (detail::process_fence::is_granted()) [[likely]]
        return detail::process_fence::everywhere();
    }
    A::fence(std::memory_order_seq_cst);
    return true;
  }
  // Whether light() costs nothing in this process; after prepare.
  template <std::same_as<atomics::real> A>
  [[nodiscard]] static bool is_free() noexcept {
    return detail::process_fence::is_granted();
  }
  // light(), where is_free() is true.
  template <std::same_as<atomics::real> A>
  static void free_light() noexcept {
    detail::process_fence::compiler_only();
  }
};

}  // namespace fences

// A model for policy::fence, with the atomics A.
template <class F, class A = atomics::standard>
concept fence_pair = requires {
  F::template prepare<A>();
  F::template light<A>();
  { F::template heavy<A>() } -> std::same_as<bool>;
};

// One whose light half may turn out to cost nothing.
template <class F, class A = atomics::standard>
concept free_fence_pair = fence_pair<F, A> && requires {
  { F::template is_free<A>() } -> std::same_as<bool>;
  F::template free_light<A>();
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_ASYMMETRIC_FENCE_HPP
