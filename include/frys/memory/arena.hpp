// arena: memory that is taken piece by piece and given back all at once, or back to a mark.
//
// Use when  many small things die together: one request, one parse, one frame.
// Not when  they die one by one (object_pool), or have destructors that must run.
// Threads   one at a time; for several, concurrent_arena.
// Cost      an allocation: a subtraction, a mask, a compare and a store, inlined. reset and rewind: O(chunks), most
//           often one. Chunks double; reset and rewind keep the largest, so a steady load settles in one chunk and asks
//           the source no more.
// Errors    errc::out_of_memory: the source refused, or the size is absurd; errc::limit_exceeded: beyond policy::limit,
//           or beyond the only chunk of growth::none.
// Lifetime  pointers hold until reset, a rewind to an earlier mark, or the arena's end. A moved-from arena is empty.
//           AddressSanitizer reports a use beyond that, and of what was never handed out.
// Large     policy::chunk_size<64 << 20> over os_pages: addresses are reserved by 64 MiB and memory is committed when
//           it is first touched; trim() gives what is not in use back to the machine and keeps the addresses.
//
// Policies, in any order, each at most once:
//   policy::pages<P>       where chunks come from                     default os_pages
//   policy::chunk_size<N>  bytes of the first chunk                   default 64 KiB
//   policy::growth<G>      what follows it: growth::geometric, twice  default growth::geometric
//                          as large each time; growth::fixed, as
//                          large again; growth::none, nothing
//   policy::alignment<N>   the least alignment of any allocation,     default 1
//                          for SIMD 16, 32 or 64
//   policy::limit<N>       the most bytes of all chunks               default none
#ifndef FRYS_MEMORY_ARENA_HPP
#define FRYS_MEMORY_ARENA_HPP

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/bytes.hpp"
#include "../core/concepts.hpp"
#include "../core/poison.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "detail/arena_face.hpp"
#include "pages.hpp"

namespace frys::inline FRYS_ABI {

namespace policy {
struct growth_key {};     // growth::geometric, growth::fixed, growth::none (memory/arena.hpp)
struct alignment_key {};  // a number of bytes, a power of two

// What follows the first chunk.
template <class G>
struct growth {
  using key = growth_key;
  using type = G;
};
// The least alignment of what is handed out.
template <std::size_t N>
struct alignment {
  using key = alignment_key;
  static constexpr std::size_t value = N;
};
}  // namespace policy

// Models for policy::growth: what an arena takes when its chunk is used up.
namespace growth {
struct geometric {};  // a chunk of twice the size, up to 64 MiB
struct fixed {};      // one of the same size; larger only where a single piece is
struct none {};       // nothing: the first chunk is all there is
}  // namespace growth

template <class... Policies>
class arena : public detail::arena_face<arena<Policies...>> {
  using accepted = policy::keys<policy::pages_key, policy::chunk_size_key, policy::growth_key, policy::alignment_key,
                                policy::limit_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::arena: unknown policy; it takes policy::pages, policy::chunk_size, policy::growth, "
                "policy::alignment, policy::limit and policy::world");
  static_assert(accepted::template unique<Policies...>, "frys::arena: a policy is given twice; name each at most once");

 public:
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>, "frys::arena: policy::pages wants a page source, see core/concepts.hpp");
  static constexpr std::size_t chunk_size = policy::pick<policy::chunk_size<64 * 1024>, Policies...>::value;
  static_assert(chunk_size >= 256, "frys::arena: policy::chunk_size must be at least 256 bytes");
  using growth_type = typename policy::pick<policy::growth<growth::geometric>, Policies...>::type;
  static_assert(std::is_same_v<growth_type, growth::geometric> || std::is_same_v<growth_type, growth::fixed> ||
                    std::is_same_v<growth_type, growth::none>,
                "frys::arena: policy::growth wants growth::geometric, growth::fixed or growth::none");
  static constexpr std::size_t alignment = policy::pick<policy::alignment<1>, Policies...>::value;
  static_assert(std::has_single_bit(alignment) && alignment <= page_size,
                "frys::arena: policy::alignment must be a power of two, and at most a page");
  static constexpr std::size_t limit =
      policy::pick<policy::limit<(std::numeric_limits<std::size_t>::max)()>, Policies...>::value;

  // A point to rewind to. Good until the arena is reset or rewound to an earlier one.
  class mark_type {
    friend arena;
    void* chunk = nullptr;
    std::byte* top = nullptr;
    std::size_t below = 0;
  };

  // Rewinds at its end to where the arena stood at its beginning. The arena must not move meanwhile.
  class [[nodiscard]] scope_type {
   public:
    scope_type(const scope_type&) = delete;
    scope_type& operator=(const scope_type&) = delete;
    ~scope_type() { arena_.rewind(begin_); }

   private:
    friend arena;
    explicit scope_type(arena& a) noexcept : arena_(a), begin_(a.mark()) {}
    arena& arena_;
    mark_type begin_;
  };

  arena() noexcept = default;
  arena(arena&& other) noexcept { swap(other); }
  arena& operator=(arena&& other) noexcept {
    arena taken(std::move(other));
    swap(taken);
    return *this;
  }
  arena(const arena&) = delete;
  arena& operator=(const arena&) = delete;
  ~arena() { release(); }

  // `size` uninitialised bytes, aligned to `wanted_alignment` (a power of two) or to policy::alignment, if that is
  // more. Size 0 answers a pointer that is not null.
  [[nodiscard]] FRYS_ALWAYS_INLINE result<void*> allocate(
      std::size_t size, std::size_t wanted_alignment = alignof(std::max_align_t)) noexcept {
    FRYS_ASSERT(std::has_single_bit(wanted_alignment), "arena::allocate: the alignment is not a power of two");
    if (fits(size, wanted_alignment)) [[likely]]
      return bump(size, wanted_alignment);
    // Copied out of what the call fills: the answer that the inlined path makes can so stay in registers.
    const result<void*> memory = allocate_slow(size, wanted_alignment);
    if (!memory) return memory.error();
    return *memory;
  }

  // What was allocated last is free again; of all else nothing, it goes with the rest.
  void deallocate(void* memory, std::size_t size, std::size_t /*wanted_alignment*/) noexcept {
    if (memory != top_ || chunk_ == nullptr) return;
    FRYS_ASSERT(size <= used_in_chunk(), "arena::deallocate: the size is not what was allocated");
    poison(memory, size);
    top_ += size;
  }
  // `memory`, of `old_size` bytes, with room for `new_size`, and as many of its bytes as both have. What was allocated
  // last takes, or gives back, the difference alone; its bytes move, because the arena grows downwards. Anything else
  // stays where it is, or is allocated anew. On an error all is as before.
  [[nodiscard]] result<void*> reallocate(void* memory, std::size_t old_size, std::size_t new_size,
                                         std::size_t wanted_alignment = alignof(std::max_align_t)) noexcept {
    if (memory == top_ && chunk_ != nullptr) {
      FRYS_ASSERT(old_size <= used_in_chunk(), "arena::reallocate: the size is not what was allocated");
      std::byte* const was = std::exchange(top_, top_ + old_size);
      if (fits(new_size, wanted_alignment)) {
        void* const there = bump(new_size, wanted_alignment);
        std::memmove(there, memory, (std::min)(old_size, new_size));
        if (top_ > was) poison(memory, static_cast<std::size_t>(top_ - was));
        return there;
      }
      top_ = was;
    }
    if (new_size <= old_size && (address(memory) & ((std::max)(wanted_alignment, alignment) - 1)) == 0) return memory;
    result<void*> fresh = allocate(new_size, wanted_alignment);
    if (fresh) std::memcpy(*fresh, memory, (std::min)(old_size, new_size));
    return fresh;
  }
  // Whether `memory` lies in one of the arena's chunks. O(chunks).
  [[nodiscard]] bool owns(const void* memory) const noexcept {
    for (const chunk* c = chunk_; c != nullptr; c = c->previous)
      if (address(memory) - address(c) < c->size) return true;
    return false;
  }

  // Where the arena stands now.
  [[nodiscard]] mark_type mark() const noexcept {
    mark_type m;
    m.chunk = chunk_;
    m.top = top_;
    m.below = below_;
    return m;
  }
  // Forgets what was allocated after `m` was taken.
  void rewind(const mark_type& m) noexcept {
    note_high_water();
    while (chunk_ != nullptr && chunk_ != m.chunk) {
      chunk* const emptied = std::exchange(chunk_, chunk_->previous);
      poison_free(emptied, end_of(emptied));
      spare(emptied);
    }
    FRYS_ASSERT(chunk_ == m.chunk, "arena::rewind: the mark is not one of this arena's, or was rewound past");
    below_ = m.below;
    if (chunk_ == nullptr) {
      top_ = floor_ = nullptr;
    } else {
      top_ = m.top;
      floor_ = floor_of(chunk_);
      poison_free(chunk_, top_);
    }
  }
  // Rewinds when it ends: const auto frame = a.scope();
  scope_type scope() noexcept { return scope_type(*this); }
  // Forgets everything; keeps the largest chunk, and its pages, for the next round.
  void reset() noexcept { rewind(mark_type{}); }
  // Gives the machine back what is not handed out, and keeps the addresses: after a peak, or before a long rest. Over a
  // source that is no region_source the kept chunk goes back as a whole.
  void trim() noexcept {
    if constexpr (region_source<pages_type>) {
      if (chunk_ != nullptr) pages_type::discard(free_of(chunk_, top_));
      if (spare_ != nullptr) pages_type::discard(free_of(spare_, end_of(spare_)));
    } else if (spare_ != nullptr) {
      give_back(std::exchange(spare_, nullptr));
    }
  }
  // Forgets everything and gives all memory back.
  void release() noexcept {
    reset();
    if (spare_ != nullptr) give_back(std::exchange(spare_, nullptr));
    next_size_ = chunk_size;
  }

  // Bytes handed out and not forgotten, with what alignment cost.
  [[nodiscard]] std::size_t used() const noexcept { return chunk_ == nullptr ? 0 : below_ + used_in_chunk(); }
  // Bytes asked of the source and held.
  [[nodiscard]] std::size_t reserved() const noexcept { return reserved_; }
  // The most that used() ever was, as seen by resets and rewinds, and now.
  [[nodiscard]] std::size_t high_water() const noexcept { return (std::max)(high_water_, used()); }

 private:
  struct chunk {
    byte_span memory;  // all of it; the chunk lies at its front
    chunk* previous = nullptr;
    std::size_t size = 0;   // bytes asked of the source, which may have answered more
    std::size_t below = 0;  // used() of the chunks below
  };
  static std::uintptr_t address(const void* p) noexcept { return reinterpret_cast<std::uintptr_t>(p); }
  // A few bytes before its last one: an empty piece too lies in its chunk, and owns() knows it.
  static std::byte* end_of(chunk* c) noexcept { return reinterpret_cast<std::byte*>(c) + c->size - end_gap; }
  static constexpr std::size_t end_gap = 16;
  [[nodiscard]] std::size_t used_in_chunk() const noexcept { return static_cast<std::size_t>(end_of(chunk_) - top_); }

  // The free bytes of every chunk begin at a multiple of this.
  static constexpr std::size_t floor_alignment = (std::max)(std::size_t{64}, alignment);
  static std::byte* floor_of(chunk* c) noexcept {
    std::byte* const first = reinterpret_cast<std::byte*>(c + 1);
    return first + (-address(first) & (floor_alignment - 1)) - 1;
  }

  // Downwards, where rounding down to an alignment is one mask. Rounding cannot go below the first free byte, which is
  // a multiple of the alignment itself; so one compare is enough. And it is against the byte before that one, so that
  // without a chunk not even an empty piece fits.
  [[nodiscard]] FRYS_ALWAYS_INLINE bool fits(std::size_t size, std::size_t wanted_alignment) const noexcept {
    if (size >= address(top_) - address(floor_)) [[unlikely]]
      return false;
    if (wanted_alignment <= floor_alignment) [[likely]]
      return true;
    return ((address(top_) - size) & ~(std::uintptr_t{wanted_alignment} - 1)) > address(floor_);
  }
  FRYS_ALWAYS_INLINE void* bump(std::size_t size, std::size_t wanted_alignment) noexcept {
    top_ = reinterpret_cast<std::byte*>((address(top_) - size) &
                                        ~(std::uintptr_t{(std::max)(wanted_alignment, alignment)} - 1));
    unpoison(top_, size);
    return top_;
  }

  FRYS_NOINLINE result<void*> allocate_slow(std::size_t size, std::size_t wanted_alignment) noexcept {
    const std::size_t overhead = sizeof(chunk) + floor_alignment + end_gap + (std::max)(wanted_alignment, alignment);
    if (wanted_alignment > detail::most_bytes / 4 || size > detail::most_bytes / 2 - overhead)
      return detail::pages_refused(size);
    chunk* fresh = nullptr;
    if (spare_ != nullptr && spare_->size >= size + overhead) {
      fresh = std::exchange(spare_, nullptr);
    } else if (std::is_same_v<growth_type, growth::none> && (chunk_ != nullptr || size + overhead > chunk_size)) {
      return error{errc::limit_exceeded, domain::memory, "the arena's only chunk is used up",
                   static_cast<std::int64_t>((std::min)(chunk_size, detail::most_bytes))};
    } else {
      const std::size_t least = detail::round_up(size + overhead, page_size);
      // A spare that is too small would only stand in the limit's way.
      if (spare_ != nullptr && limit - reserved_ < least) give_back(std::exchange(spare_, nullptr));
      std::size_t wanted = (std::max)(least, next_size_);
      if (wanted > limit - reserved_) wanted = least;
      if (wanted > limit - reserved_ && size + overhead <= limit - reserved_) wanted = size + overhead;
      if (wanted > limit - reserved_)
        return error{errc::limit_exceeded, domain::memory, "the arena's limit would be passed",
                     static_cast<std::int64_t>((std::min)(limit, detail::most_bytes))};
      result<byte_span> memory = pages_type::allocate(wanted);
      if (!memory) return memory.error();
      fresh = ::new (static_cast<void*>(memory->data())) chunk{*memory, nullptr, wanted, 0};
      reserved_ += wanted;
      if constexpr (std::is_same_v<growth_type, growth::geometric>)
        next_size_ = (std::min)((std::max)(wanted, chunk_size) * 2, (std::max)(largest_step, chunk_size));
    }
    below_ = used();
    fresh->below = below_;
    fresh->previous = chunk_;
    chunk_ = fresh;
    floor_ = floor_of(fresh);
    top_ = end_of(fresh);
    poison_free(fresh, top_);
    return bump(size, wanted_alignment);
  }

  void spare(chunk* c) noexcept {
    if (spare_ != nullptr && spare_->size >= c->size) return give_back(c);
    if (spare_ != nullptr) give_back(spare_);
    spare_ = c;
  }
  void give_back(chunk* c) noexcept {
    const byte_span memory = c->memory;  // the chunk lies in the memory that it describes
    reserved_ -= c->size;
    unpoison(memory.data(), memory.size());
    pages_type::release(memory);
  }
  // What lies in c below `top`.
  static byte_span free_of(chunk* c, std::byte* top) noexcept {
    return byte_span(reinterpret_cast<std::byte*>(c + 1), top);
  }
  static void poison_free(chunk* c, std::byte* top) noexcept { poison(c + 1, free_of(c, top).size()); }
  void note_high_water() noexcept { high_water_ = high_water(); }
  void swap(arena& other) noexcept {
    std::swap(top_, other.top_);
    std::swap(floor_, other.floor_);
    std::swap(chunk_, other.chunk_);
    std::swap(spare_, other.spare_);
    std::swap(below_, other.below_);
    std::swap(reserved_, other.reserved_);
    std::swap(high_water_, other.high_water_);
    std::swap(next_size_, other.next_size_);
  }

  static constexpr std::size_t largest_step = std::size_t{64} << 20;  // chunks double up to this, then stay

  // Pointers, not numbers: what the program writes into its pieces is seldom a pointer to bytes, and where it is not,
  // the compiler knows that the write leaves these alone, and keeps them in registers.
  std::byte* top_ = nullptr;    // the lowest address handed out of the current chunk
  std::byte* floor_ = nullptr;  // the byte before its first free one
  chunk* chunk_ = nullptr;      // the newest; the others behind it
  chunk* spare_ = nullptr;      // the largest one that is not in use
  std::size_t below_ = 0;       // used() of all but the newest
  std::size_t reserved_ = 0;
  std::size_t high_water_ = 0;
  std::size_t next_size_ = chunk_size;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_ARENA_HPP
