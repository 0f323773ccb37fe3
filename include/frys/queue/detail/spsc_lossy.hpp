// spsc_lossy: spsc_ring whose producer waits for nobody: it takes the place of the oldest value. A lossy_broadcast with
// its one reader inside.
//
// Roles, progress, ordering: see ../spsc_ring.hpp, which derives from this; slots as in ../broadcast_ring.hpp.
#ifndef FRYS_QUEUE_DETAIL_SPSC_LOSSY_HPP
#define FRYS_QUEUE_DETAIL_SPSC_LOSSY_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include "../../config.hpp"
#include "../../core/cache_line.hpp"
#include "../result.hpp"
#include "../stats.hpp"
#include "lossy_broadcast.hpp"

namespace frys::inline FRYS_ABI::detail {

template <class T, std::size_t Capacity, class Atomics, class Stats = stats::none>
class spsc_lossy {
  using ring = lossy_broadcast<T, Capacity, Atomics>;
  using side = typename Stats::template side<Atomics, true>;

 public:
  using value_type = T;
  static constexpr bool has_spans = false;
  [[nodiscard]] static constexpr std::size_t slot_count() noexcept { return Capacity; }

  spsc_lossy() = default;
  spsc_lossy(const spsc_lossy&) = delete;
  spsc_lossy& operator=(const spsc_lossy&) = delete;

  // Producer only. Ok, or closed; never full. Takes the place of the oldest value where there is no other.
  push_result try_push(const T& value) noexcept {
    if (is_abandoned()) [[unlikely]]
      return push_result::closed;
    return ring_.try_push(value);
  }
  template <class... Args>
  requires std::is_nothrow_constructible_v<T, Args...> push_result try_emplace(Args&&... args)
  noexcept { return try_push(T(std::forward<Args>(args)...)); }
  // Producer only. All of `values`, first to last, and answers how many: 0 when closed.
  [[nodiscard]] std::size_t push_some(std::span<const T> values) noexcept {
    return is_abandoned() ? 0 : ring_.push_some(values);
  }
  // Producer only. No more pushes; the consumer gets what is left.
  void close() noexcept { ring_.close(); }

  // Consumer only. The oldest value that is left; those lost since the last one are counted.
  pop_result<T> try_pop() noexcept {
    pop_result<T> got = place_.try_pop(ring_);
    if (!got) pops_.refused();
    show();
    return got;
  }
  // Consumer only. Copies up to out.size() values to `out`, in order, and answers how many: 0 when there is none. Ends
  // early where values were lost, so that those of one call have no gap between them.
  [[nodiscard]] std::size_t pop_some(std::span<T> out) noexcept requires std::is_move_assignable_v<T> {
    const std::size_t count = place_.pop_some(ring_, out);
    if (count == 0 && !out.empty()) pops_.refused();
    show();
    return count;
  }
  // Consumer only. How many values were overwritten before it came to them.
  [[nodiscard]] std::uint64_t missed() const noexcept { return place_.missed(); }
  // Consumer only. Wants no more; the producer gets closed.
  void abandon() noexcept {
    abandoned_.store(1, std::memory_order_relaxed);  // relaxed: a flag that carries no data
  }
  // Consumer only. True if the producer closed and nothing is left.
  [[nodiscard]] bool is_drained() const noexcept { return place_.is_drained(ring_); }
  // Any thread. With a policy::stats that counts, see ../stats.hpp.
  [[nodiscard]] queue_statistics stats() const noexcept requires counting_side<side> {
    queue_statistics out;
    out.pops = popped_.get(), out.missed = missed_.get();
    out.pushes = ring_.pushed();
    out.empty = pops_.refusals();
    return out;
  }

 private:
  void show() noexcept {
    popped_.set(place_.position() - place_.missed());
    missed_.set(place_.missed());
  }
  bool is_abandoned() const noexcept {
    return abandoned_.load(std::memory_order_relaxed) != 0;  // relaxed: a flag that carries no data
  }

  ring ring_;
  // The consumer's line; but for the flag, which hardly ever changes, and has its own.
  alignas(2 * cache_line) typename ring::place place_;
  [[no_unique_address]] side pops_;
  [[no_unique_address]] shown_number<Atomics, counting_side<side>> popped_, missed_;
  alignas(2 * cache_line) typename Atomics::template atomic<std::uint8_t> abandoned_{0};
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_SPSC_LOSSY_HPP
