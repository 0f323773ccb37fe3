// process_fence: a fence in every running thread of this process, by the kernel (membarrier).
// frys: real model
#ifndef FRYS_CORE_DETAIL_PROCESS_FENCE_HPP
#define FRYS_CORE_DETAIL_PROCESS_FENCE_HPP

#include <atomic>
#include <cstdint>

#include "../../config.hpp"

#if FRYS_OS_LINUX
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace frys::inline FRYS_ABI::detail {

struct process_fence {
  enum : std::uint8_t { unknown, refused, granted };
  inline static constinit std::atomic<std::uint8_t> state{unknown};

  static void prepare() noexcept {
    // sync(process_fence.state): acquire; who sees it granted may use it as if it had registered itself.
    if (state.load(std::memory_order_acquire) != unknown) return;
    std::uint8_t first = unknown;
    // The first answer stands, for the light halves have built on it.
    // sync(process_fence.state): acq_rel; as above.
    state.compare_exchange_strong(first, enlist() ? granted : refused, std::memory_order_acq_rel,
                                  std::memory_order_acquire);
  }
  static bool enlist() noexcept { return call(register_private_expedited); }
  // A fence in every running thread of this process.
  static bool everywhere() noexcept { return call(private_expedited) || (enlist() && call(private_expedited)); }

  // After prepare, which happens-before.
  static bool is_granted() noexcept { return state.load(std::memory_order_relaxed) == granted; }  // relaxed: settled
  // Keeps the compiler from moving memory accesses across; the machine may.
  static void compiler_only() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }

 private:
  static constexpr int private_expedited = 1 << 3, register_private_expedited = 1 << 4;  // linux/membarrier.h
  static bool call([[maybe_unused]] int command) noexcept {
#if FRYS_OS_LINUX && defined(SYS_membarrier)
    return ::syscall(SYS_membarrier, command, 0, 0) == 0;
#else
    return false;
#endif
  }
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_CORE_DETAIL_PROCESS_FENCE_HPP
