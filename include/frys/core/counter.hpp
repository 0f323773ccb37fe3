// counter, histogram: numbers that one thread writes and any thread reads; rooms count with them, metrics only name
// them.
//
// Use when  a hot path must count without sharing a cache line: give each writer its own and add the snapshots up.
// Roles     add, record: the one writer. value, snapshot: any thread.
// Progress  wait-free, both sides.
// Cost      a plain load, add and store: no read-modify-write, no fence. A histogram is 15 KiB and needs no allocation.
// Ordering  none: a reader sees some recent value; the fields of one snapshot may be a few events apart.
//
// Policies: policy::atomics<A>, default atomics::standard.
// Source    the bucket layout is that of HDR histograms (G. Tene): linear inside each power of two.
#ifndef FRYS_CORE_COUNTER_HPP
#define FRYS_CORE_COUNTER_HPP

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "../config.hpp"
#include "../policy.hpp"
#include "atomics.hpp"

namespace frys::inline FRYS_ABI {

template <class... Policies>
class basic_counter {
  using accepted = policy::keys<policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::basic_counter: unknown policy; it takes policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::basic_counter: a policy is given twice; name each at most once");
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::basic_counter: policy::atomics wants an atomics model, see core/atomics.hpp");

 public:
  // Writer only.
  void add(std::uint64_t n = 1) noexcept {
    // relaxed, both: one writer, and readers want a number, not an order.
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }  // relaxed: as above
  [[nodiscard]] std::uint64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }  // relaxed: as above

 private:
  typename atomics_type::template atomic<std::uint64_t> value_{0};
};
using counter = basic_counter<>;

namespace detail {
// Values below 2 * sub are exact; above, each power of two is cut into `sub` equal parts: 3 % error at most.
struct log_linear {
  static constexpr unsigned sub_bits = 5;
  static constexpr std::uint64_t sub = 1u << sub_bits;
  static constexpr std::size_t buckets = (64 - sub_bits) * sub + sub;
  static constexpr std::size_t index(std::uint64_t value) noexcept {
    if (value < sub) return static_cast<std::size_t>(value);
    const unsigned exponent = static_cast<unsigned>(std::bit_width(value)) - 1 - sub_bits;
    return static_cast<std::size_t>((exponent + 1) * sub + ((value >> exponent) - sub));
  }
  // The largest value of a bucket.
  static constexpr std::uint64_t upper(std::size_t index) noexcept {
    if (index < sub) return index;
    const unsigned exponent = static_cast<unsigned>(index / sub) - 1;
    return (((index % sub) + sub + 1) << exponent) - 1;
  }
};
}  // namespace detail

// What a histogram held when it was read; add others to it, ask it for quantiles.
struct histogram_snapshot {
  std::array<std::uint64_t, detail::log_linear::buckets> buckets{};
  std::uint64_t count = 0;
  std::uint64_t sum = 0;
  std::uint64_t max = 0;

  histogram_snapshot& operator+=(const histogram_snapshot& other) noexcept {
    for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
    count += other.count;
    sum += other.sum;
    if (other.max > max) max = other.max;
    return *this;
  }
  // The smallest recorded bound that at least `q` (0..1) of the values do not pass; 0 when empty. At most 1/32 too
  // high.
  [[nodiscard]] std::uint64_t quantile(double q) const noexcept {
    if (count == 0) return 0;
    const double wanted = q <= 0 ? 1.0 : (q >= 1 ? static_cast<double>(count) : q * static_cast<double>(count));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets.size(); ++i) {
      seen += buckets[i];
      if (static_cast<double>(seen) >= wanted) {
        const std::uint64_t bound = detail::log_linear::upper(i);
        return bound < max ? bound : max;
      }
    }
    return max;
  }
  [[nodiscard]] double mean() const noexcept {
    return count == 0 ? 0.0 : static_cast<double>(sum) / static_cast<double>(count);
  }
};

template <class... Policies>
class basic_histogram {
  using accepted = policy::keys<policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::basic_histogram: unknown policy; it takes policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::basic_histogram: a policy is given twice; name each at most once");
  static_assert(atomics_model<typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type>,
                "frys::basic_histogram: policy::atomics wants an atomics model, see core/atomics.hpp");
  using count_type = basic_counter<Policies...>;

 public:
  // Writer only. Any value; the unit is the caller's.
  void record(std::uint64_t value) noexcept {
    if (value > max_.value()) max_.set(value);
    sum_.add(value);
    buckets_[detail::log_linear::index(value)].add();
  }
  // Adds what is in it now to `into`. O(buckets).
  void snapshot(histogram_snapshot& into) const noexcept {
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      const std::uint64_t n = buckets_[i].value();
      into.buckets[i] += n;
      into.count += n;  // counted from the buckets, so that count and buckets agree
    }
    into.sum += sum_.value();
    if (max_.value() > into.max) into.max = max_.value();
  }
  [[nodiscard]] histogram_snapshot snapshot() const noexcept {
    histogram_snapshot out;
    snapshot(out);
    return out;
  }

 private:
  std::array<count_type, detail::log_linear::buckets> buckets_{};
  count_type sum_;
  count_type max_;
};
using histogram = basic_histogram<>;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_COUNTER_HPP
