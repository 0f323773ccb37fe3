// concurrent_arena: memory that many threads take piece by piece, each from a chunk of its own, and that is given back
// all at once.
//
// Use when  the threads of one job build something together that dies together: a parse, an index, a phase.
// Not when  one thread allocates (arena), or pieces die one by one (heap, object_pool).
// Roles     join, reserved: any thread. A seat: one thread at a time. reset, release: who owns the arena, while no seat
//           is in use and what its threads did is known to have happened (they were joined, or met at a barrier).
// Progress  an allocation is wait-free from the seat's chunk; taking a chunk is lock-free.
// Cost      as arena: a subtraction, a mask, a compare and a store. Once per policy::chunk_size an atomic
//           read-modify-write, and rarely a call of the source. A seat leaves the rest of a chunk that is too small; a
//           piece larger than a quarter of a chunk is taken by itself, and the chunk stays.
// Ordering  none between threads: a pointer is handed over by what hands it over.
// Errors    errc::out_of_memory: the source refused, or the size is absurd; errc::limit_exceeded: beyond policy::limit;
//           join: errc::full.
// Lifetime  pieces hold until reset, release or the arena's end, whether their seat lives or not. Seats end before the
//           arena. No destructor of a piece is run. AddressSanitizer reports a use of what was never handed out.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>    seats                                           default 64
//   policy::chunk_size<N>  bytes that a seat takes at a time               default 32 KiB
//   policy::alignment<N>   the least alignment of any piece                default 1
//   policy::limit<N>       the most bytes that are asked of the source     default none
//   policy::pages<P>       where they come from, by 16 chunks and more     default os_pages
//   policy::atomics<A>     the atomics model                               default atomics::standard
#ifndef FRYS_MEMORY_CONCURRENT_ARENA_HPP
#define FRYS_MEMORY_CONCURRENT_ARENA_HPP

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/bytes.hpp"
#include "../core/cache_line.hpp"
#include "../core/concepts.hpp"
#include "../core/poison.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "arena.hpp"
#include "detail/arena_face.hpp"
#include "pages.hpp"

namespace frys::inline FRYS_ABI {

template <class... Policies>
class concurrent_arena {
  using accepted = policy::keys<policy::capacity_key, policy::chunk_size_key, policy::alignment_key, policy::limit_key,
                                policy::pages_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::concurrent_arena: unknown policy; it takes policy::capacity, policy::chunk_size, "
                "policy::alignment, policy::limit, policy::pages, policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::concurrent_arena: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::concurrent_arena: policy::atomics wants an atomics model, see core/atomics.hpp");
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>,
                "frys::concurrent_arena: policy::pages wants a page source, see core/concepts.hpp");
  static constexpr std::size_t capacity = policy::pick<policy::capacity<64>, Policies...>::value;
  static_assert(capacity != 0, "frys::concurrent_arena: policy::capacity must leave a seat");
  static constexpr std::size_t alignment = policy::pick<policy::alignment<1>, Policies...>::value;
  static_assert(std::has_single_bit(alignment) && alignment <= page_size,
                "frys::concurrent_arena: policy::alignment must be a power of two, and at most a page");
  static constexpr std::size_t chunk_size = policy::pick<policy::chunk_size<32 * 1024>, Policies...>::value;
  static_assert(chunk_size >= 1024 && chunk_size % cache_line == 0 && chunk_size % alignment == 0 &&
                    chunk_size <= (std::size_t{64} << 20),
                "frys::concurrent_arena: policy::chunk_size must be whole cache lines and a multiple of "
                "policy::alignment, at least 1 KiB and at most 64 MiB");
  static constexpr std::size_t limit =
      policy::pick<policy::limit<(std::numeric_limits<std::size_t>::max)()>, Policies...>::value;

 private:
  template <class T>
  using atomic = typename atomics_type::template atomic<T>;
  template <class T>
  using var = typename atomics_type::template var<T>;

  // The chunk that a seat is taking from; it stays for who takes the seat next.
  struct alignas(cache_line) slot {
    var<std::byte*> top{nullptr};    // the lowest address handed out
    var<std::byte*> floor{nullptr};  // the byte before the first free one
    atomic<std::uint32_t> taken{0};
  };

 public:
  // A thread's place at the arena; a raw_allocator. Gives itself back when it dies; what it allocated stays.
  class seat : public detail::arena_face<seat> {
   public:
    seat(seat&& other) noexcept
        : arena_(std::exchange(other.arena_, nullptr)), slot_(std::exchange(other.slot_, nullptr)) {}
    seat& operator=(seat&& other) noexcept {
      if (this != &other) {
        leave();
        arena_ = std::exchange(other.arena_, nullptr);
        slot_ = std::exchange(other.slot_, nullptr);
      }
      return *this;
    }
    ~seat() { leave(); }

    // `size` uninitialised bytes, aligned to `wanted_alignment` (a power of two) or to policy::alignment, if that is
    // more. Size 0 answers a pointer that is not null.
    [[nodiscard]] FRYS_ALWAYS_INLINE result<void*> allocate(
        std::size_t size, std::size_t wanted_alignment = alignof(std::max_align_t)) noexcept {
      FRYS_ASSERT(std::has_single_bit(wanted_alignment), "concurrent_arena: the alignment is not a power of two");
      std::byte* const top = slot_->top.get();
      if (size < address(top) - address(slot_->floor.get()) && wanted_alignment <= floor_alignment) [[likely]]
        return bump(*slot_, top, size, wanted_alignment);
      // Copied out of what the call fills: the answer that the inlined path makes can so stay in registers.
      const result<void*> memory = arena_->allocate_slow(*slot_, size, wanted_alignment);
      if (!memory) return memory.error();
      return *memory;
    }
    // Nothing: memory goes all at once.
    void deallocate(void* /*memory*/, std::size_t /*size*/, std::size_t /*wanted_alignment*/) noexcept {}

    // Gives the seat back.
    void leave() noexcept {
      // sync(concurrent_arena.seat): release; what is left of the chunk is the next holder's.
      if (slot_ != nullptr) std::exchange(slot_, nullptr)->taken.store(0, std::memory_order_release);
    }

   private:
    friend concurrent_arena;
    seat(concurrent_arena& a, slot& s) noexcept : arena_(&a), slot_(&s) {}
    concurrent_arena* arena_;
    slot* slot_;
  };

  concurrent_arena() noexcept = default;
  concurrent_arena(const concurrent_arena&) = delete;
  concurrent_arena& operator=(const concurrent_arena&) = delete;
  ~concurrent_arena() {
    // relaxed: who ends the arena knows that its threads have left.
    for ([[maybe_unused]] slot& s : slots_)
      FRYS_ASSERT(s.taken.load(std::memory_order_relaxed) == 0, "a concurrent_arena ends while a thread has a seat");
    release();
  }

  // A seat for the calling thread; errc::full when all are taken.
  [[nodiscard]] result<seat> join() noexcept {
    for (slot& s : slots_) {
      std::uint32_t is_taken = s.taken.load(std::memory_order_relaxed);  // relaxed: a guess
      // sync(concurrent_arena.seat): acquire; the last holder is done with the chunk.
      if (is_taken == 0 &&
          s.taken.compare_exchange_strong(is_taken, 1, std::memory_order_acquire, std::memory_order_relaxed))
        return seat(*this, s);
    }
    return error{errc::full, domain::memory, "all seats of the concurrent_arena are taken", capacity};
  }

  // Forgets everything; keeps the largest piece of memory for the next round. Seats stay good.
  void reset() noexcept {
    for (slot& s : slots_) s.top.ref() = s.floor.ref() = nullptr;
    region* r = current_.load(std::memory_order_relaxed);  // relaxed: nobody else is there
    region* largest = nullptr;
    while (r != nullptr) {
      region* const following = r->previous.get();
      if (largest == nullptr || r->size > largest->size) std::swap(r, largest);
      if (r != nullptr) give_back(r);
      r = following;
    }
    if (largest != nullptr) {
      largest->previous.ref() = nullptr;
      largest->taken.store(0, std::memory_order_relaxed);  // relaxed: nobody else is there
      poison(largest->first(), largest->size);
    }
    current_.store(largest, std::memory_order_relaxed);  // relaxed: nobody else is there
  }
  // Forgets everything and gives all memory back.
  void release() noexcept {
    reset();
    region* const last = current_.load(std::memory_order_relaxed);  // relaxed, both: nobody else is there
    if (last != nullptr) give_back(last);
    current_.store(nullptr, std::memory_order_relaxed);
  }

  // Bytes asked of the source and held; may be stale on return.
  [[nodiscard]] std::size_t reserved() const noexcept {
    return reserved_.load(std::memory_order_relaxed);  // relaxed: a number for people, and for the limit
  }

 private:
  // Memory of the source; chunks are cut from its front on.
  struct region {
    region(byte_span all, std::size_t asked_for) noexcept
        : memory(all), asked(asked_for), size(static_cast<std::size_t>(all.data() + asked_for - first())) {}
    std::byte* first() noexcept {
      std::byte* const behind = reinterpret_cast<std::byte*>(this + 1);
      return behind + (-address(behind) & (floor_alignment - 1));
    }
    byte_span memory;  // all of it; the region lies at its front
    std::size_t asked;
    std::size_t size;  // from first() on
    var<region*> previous{nullptr};
    atomic<std::size_t> taken{0};  // bytes of `size`, whole multiples of floor_alignment
  };
  static std::uintptr_t address(const void* p) noexcept { return reinterpret_cast<std::uintptr_t>(p); }
  // Chunks begin at a multiple of this: threads share no cache line, and rounding down to a smaller alignment stays
  // inside (see arena).
  static constexpr std::size_t floor_alignment = (std::max)(cache_line, alignment);

  FRYS_ALWAYS_INLINE static void* bump(slot& s, std::byte* top, std::size_t size,
                                       std::size_t wanted_alignment) noexcept {
    std::byte* const p = reinterpret_cast<std::byte*>((address(top) - size) &
                                                      ~(std::uintptr_t{(std::max)(wanted_alignment, alignment)} - 1));
    s.top.ref() = p;
    unpoison(p, size);
    return p;
  }

  FRYS_NOINLINE result<void*> allocate_slow(slot& s, std::size_t size, std::size_t wanted_alignment) noexcept {
    const std::size_t aligned = (std::max)(wanted_alignment, alignment);
    if (aligned > detail::most_bytes / 4 || size > detail::most_bytes / 4) return detail::pages_refused(size);
    // Alignments of more than a chunk's are seldom, and so not in the inlined path.
    std::byte* const top = s.top.get();
    const std::uintptr_t floor = address(s.floor.get());
    if (size < address(top) - floor && ((address(top) - size) & ~(std::uintptr_t{aligned} - 1)) > floor)
      return bump(s, top, size, wanted_alignment);
    const std::size_t padding = aligned > floor_alignment ? aligned : 0;
    const std::size_t least = detail::round_up((std::max)(size, std::size_t{1}) + padding, floor_alignment);
    if (least > chunk_size / 4) {
      const result<std::byte*> piece = take(least);
      if (!piece) return piece.error();
      std::byte* const p = *piece + (-address(*piece) & (aligned - 1));
      unpoison(p, size);
      return static_cast<void*>(p);
    }
    std::size_t bytes = chunk_size;
    result<std::byte*> chunk = take(bytes);
    if (!chunk) chunk = take(bytes = least);  // near the limit, or where memory is short: what is needed and no more
    if (!chunk) return chunk.error();
    s.floor.ref() = *chunk - 1;
    return bump(s, *chunk + bytes, size, wanted_alignment);
  }

  // `bytes`, a multiple of floor_alignment, of a region that has them.
  result<std::byte*> take(std::size_t bytes) noexcept {
    for (;;) {
      // sync(concurrent_arena.region): acquire; the region is made.
      region* const now = current_.load(std::memory_order_acquire);
      if (now != nullptr) {
        std::size_t taken = now->taken.load(std::memory_order_relaxed);  // relaxed, all: a number, nothing behind it
        while (now->size - taken >= bytes)
          if (now->taken.compare_exchange_weak(taken, taken + bytes, std::memory_order_relaxed,
                                               std::memory_order_relaxed))
            return now->first() + taken;
      }
      const result<region*> fresh = make_region(bytes, now == nullptr ? 0 : now->asked);
      if (!fresh) {
        // Somebody else may have had the last of it, and put it there for all.
        if (current_.load(std::memory_order_relaxed) != now) continue;  // relaxed: only whether to look again
        return fresh.error();
      }
      (*fresh)->previous.ref() = now;
      region* expected = now;
      // sync(concurrent_arena.region): release; who finds the region finds it made. relaxed: looked at again above.
      if (!current_.compare_exchange_strong(expected, *fresh, std::memory_order_release, std::memory_order_relaxed))
        give_back(*fresh);  // another one was faster
    }
  }
  result<region*> make_region(std::size_t bytes, std::size_t last) noexcept {
    const std::size_t least = detail::round_up(bytes + sizeof(region) + floor_alignment, page_size);
    const std::size_t grown = last == 0 ? 16 * chunk_size : (std::min)(2 * last, largest_step);
    std::size_t wanted = detail::round_up((std::max)(least, grown), page_size);
    if (!charge(wanted)) {
      wanted = least;
      if (!charge(wanted))
        return error{errc::limit_exceeded, domain::memory, "the concurrent_arena's limit would be passed",
                     static_cast<std::int64_t>((std::min)(limit, detail::most_bytes))};
    }
    const result<byte_span> memory = pages_type::allocate(wanted);
    if (!memory) {
      reserved_.fetch_sub(wanted, std::memory_order_relaxed);  // relaxed: see reserved
      return memory.error();
    }
    region* const r = ::new (static_cast<void*>(memory->data())) region(*memory, wanted);
    poison(r->first(), r->size);
    return r;
  }
  bool charge(std::size_t bytes) noexcept {
    std::size_t now = reserved();
    do {
      if (bytes > limit || now > limit - bytes) return false;
      // relaxed: see reserved.
    } while (!reserved_.compare_exchange_weak(now, now + bytes, std::memory_order_relaxed, std::memory_order_relaxed));
    return true;
  }
  void give_back(region* r) noexcept {
    const byte_span memory = r->memory;
    reserved_.fetch_sub(r->asked, std::memory_order_relaxed);  // relaxed: see reserved
    r->~region();
    unpoison(memory.data(), memory.size());
    pages_type::release(memory);
  }

  static constexpr std::size_t largest_step = std::size_t{64} << 20;

  alignas(cache_line) atomic<region*> current_{nullptr};  // the newest; the others behind it
  atomic<std::size_t> reserved_{0};
  slot slots_[capacity];
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_CONCURRENT_ARENA_HPP
