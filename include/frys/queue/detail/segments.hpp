// segments: the memory of a segment_queue and of a bag: segments by number, in slabs that double, used again and never
// given back before the end. So a thread may look at a segment that is no longer what it was: each word says of which
// lap it is.
#ifndef FRYS_QUEUE_DETAIL_SEGMENTS_HPP
#define FRYS_QUEUE_DETAIL_SEGMENTS_HPP

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "../../config.hpp"
#include "../../core/bytes.hpp"
#include "../../core/cache_line.hpp"
#include "../../core/result.hpp"
#include "slot.hpp"

namespace frys::inline FRYS_ABI::detail {

// Begins to fetch the line of `p`, which the caller will write.
inline void prefetch_to_write([[maybe_unused]] const void* p) noexcept {
#if defined(__GNUC__)
  __builtin_prefetch(p, 1);
#endif
}

// What a segment is without its slots. The words of push and pop, from above: closed (push alone), shut (not in use
// yet), the segment's place in the chain, and how many slots were taken.
template <class Atomics>
struct segment_head {
  template <class U>
  using atomic = typename Atomics::template atomic<U>;

  // Places come again after 2^38 segments. (A model of atomics for tests has fewer bits, to see that.)
  static constexpr unsigned index_bits = 24;
  static constexpr unsigned place_bits = [] {
    if constexpr (requires { Atomics::segment_place_bits; })
      return Atomics::segment_place_bits;
    else
      return 62u - index_bits;
  }();
  static constexpr std::uint64_t index_mask = (std::uint64_t{1} << index_bits) - 1;
  static constexpr std::uint64_t place_mask = (std::uint64_t{1} << place_bits) - 1;
  static constexpr std::uint64_t closed = std::uint64_t{1} << 63;
  static constexpr std::uint64_t shut = std::uint64_t{1} << 62;
  static constexpr std::uint64_t none = index_mask;     // next: nobody stands behind yet
  static constexpr std::uint64_t end = index_mask - 1;  // next: nobody ever will

  static constexpr std::uint64_t place_of(std::uint64_t w) noexcept { return w >> index_bits & place_mask; }
  static constexpr std::uint64_t word(std::uint64_t place, std::uint64_t index) noexcept {
    return (place & place_mask) << index_bits | index;
  }
  // Below the number of slots only where the segment is in use and not used up.
  static constexpr std::uint64_t taken_in(std::uint64_t w) noexcept { return w & (closed | shut | index_mask); }

  segment_head() = default;
  // One that is used up, at place 0: what the first segment stands behind.
  explicit segment_head(std::size_t size) noexcept : push(size), pop(size), next(none) {}

  alignas(cache_line) atomic<std::uint64_t> push{shut};
  alignas(cache_line) atomic<std::uint64_t> pop{shut};
  atomic<std::uint32_t> done{0};  // values carried away, and one for the step to the next segment
  alignas(cache_line) atomic<std::uint64_t> next{none};  // place and number of the next segment
  atomic<std::uint32_t> free_next{0};                    // the number behind this one in the free list
  std::uint32_t number = 0;                              // 0: the head in the queue itself
};

template <class T, class Atomics, std::size_t N>
struct segment : segment_head<Atomics> {
  struct cell {
    typename Atomics::template atomic<std::uint64_t> place{0};  // the segment's place: holds a value of that time
    slot<T> value;
  };
  cell cells[N];
};

// Segment: one of the above, or another with a segment_head.
template <class Segment, class Atomics, class Pages, std::size_t LimitBytes>
class segment_pool {
 public:
  using head = segment_head<Atomics>;
  using segment = Segment;
  static constexpr std::size_t most = (std::min)(LimitBytes / sizeof(segment), static_cast<std::size_t>(head::end - 1));

  segment_pool() = default;
  segment_pool(const segment_pool&) = delete;
  segment_pool& operator=(const segment_pool&) = delete;
  ~segment_pool() {
    for (std::size_t i = 0; i < slab_count; ++i) {
      // relaxed: nobody else is here any more
      if (segment* s = slabs_[i].load(std::memory_order_relaxed)) Pages::release(memory_of(s));
    }
  }

  // The segment `number`, from 1, of which the caller has learnt behind its first use.
  segment& at(std::uint32_t number) noexcept {
    const unsigned slab = slab_of(number);
    // relaxed: see above
    return slabs_[slab].load(std::memory_order_relaxed)[number - slab_begin(slab)];
  }

  // One for the caller alone; nullptr where there is no more memory, or the limit is reached.
  segment* take() noexcept {
    // sync(segments.free): acquire; what was done to it when it was in use is done, and we see where it leads.
    std::uint64_t top = free_.load(std::memory_order_acquire);
    for (;;) {
      const std::uint32_t number = static_cast<std::uint32_t>(top);
      if (number == 0) return take_fresh();
      segment& s = at(number);
      // relaxed: if it was taken in between, then the tag differs and this is thrown away
      const std::uint64_t behind = s.free_next.load(std::memory_order_relaxed);
      // sync(segments.free): acquire, as above
      if (free_.compare_exchange_weak(top, ((top & ~std::uint64_t{0xffff'ffff}) + tag_one) | behind,
                                      std::memory_order_acquire, std::memory_order_acquire))
        return &s;
    }
  }
  void give_back(segment& s) noexcept {
    std::uint64_t top = free_.load(std::memory_order_relaxed);  // relaxed: only linked behind, not followed
    do {
      s.free_next.store(static_cast<std::uint32_t>(top), std::memory_order_relaxed);  // relaxed: published below
      // sync(segments.free): release; we are done with it before it can be taken.
    } while (!free_.compare_exchange_weak(top, (top & ~std::uint64_t{0xffff'ffff}) | s.number,
                                          std::memory_order_release, std::memory_order_relaxed));
  }
  // How many there are in all.
  [[nodiscard]] std::size_t count() const noexcept {
    return fresh_.load(std::memory_order_relaxed);  // relaxed: a number only
  }

 private:
  static constexpr std::uint64_t tag_one = std::uint64_t{1} << 32;
  static constexpr std::size_t slab_count = head::index_bits;

  // Slab k holds 2^k segments.
  static constexpr unsigned slab_of(std::uint32_t number) noexcept {
    return static_cast<unsigned>(std::bit_width(number)) - 1;
  }
  static constexpr std::uint32_t slab_begin(unsigned slab) noexcept { return std::uint32_t{1} << slab; }
  static constexpr std::size_t slab_size(std::size_t slab) noexcept {
    return (std::min)(std::size_t{1} << slab, most + 1 - (std::size_t{1} << slab));
  }
  // A slab's memory begins with its span.
  static constexpr std::size_t header =
      (sizeof(byte_span) + alignof(segment) - 1) / alignof(segment) * alignof(segment);
  static byte_span memory_of(segment* first) noexcept {
    return *std::launder(reinterpret_cast<byte_span*>(reinterpret_cast<std::byte*>(first) - header));
  }

  FRYS_NOINLINE segment* take_fresh() noexcept {
    std::uint32_t taken = fresh_.load(std::memory_order_relaxed);  // relaxed: the slab's own acquire orders
    for (;;) {
      if (taken >= most) return nullptr;
      const std::uint32_t number = taken + 1;
      if (!ensure_slab(slab_of(number))) return nullptr;
      // relaxed, both: a number carries no data
      if (!fresh_.compare_exchange_weak(taken, number, std::memory_order_relaxed, std::memory_order_relaxed)) continue;
      segment* s = std::construct_at(&at(number));
      s->number = number;
      return s;
    }
  }

  bool ensure_slab(unsigned slab) noexcept {
    // sync(segments.slab): acquire; the memory is ours before we build in it.
    if (slabs_[slab].load(std::memory_order_acquire) != nullptr) return true;
    result<byte_span> memory = Pages::allocate(header + slab_size(slab) * sizeof(segment));
    if (!memory) return slabs_[slab].load(std::memory_order_acquire) != nullptr;  // sync(segments.slab), as above
    std::construct_at(reinterpret_cast<byte_span*>(memory->data()), *memory);
    segment* other = nullptr;
    // sync(segments.slab): release; acquire where another thread was faster.
    if (!slabs_[slab].compare_exchange_strong(other, reinterpret_cast<segment*>(memory->data() + header),
                                              std::memory_order_release, std::memory_order_acquire))
      Pages::release(*memory);
    return true;
  }

  template <class U>
  using atomic = typename Atomics::template atomic<U>;

  alignas(cache_line) atomic<std::uint64_t> free_{0};  // number below, a count of takes above
  atomic<std::uint32_t> fresh_{0};
  atomic<segment*> slabs_[slab_count] = {};
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_SEGMENTS_HPP
