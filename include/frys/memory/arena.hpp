// arena: memory that is taken piece by piece and given back all at once, or back to a mark.
//
// Use when  many small things die together: one request, one parse, one frame.
// Not when  they die one by one (object_pool), or have destructors that must run.
// Threads   one at a time.
// Cost      an allocation: a subtraction, a mask and a compare, inlined. reset and rewind: O(chunks), most often one.
//           Chunks double; reset and rewind keep the largest, so a steady load settles in one chunk and asks the source
//           no more.
// Errors    errc::out_of_memory: the source refused, or the size is absurd; errc::limit_exceeded: beyond policy::limit.
// Lifetime  pointers hold until reset, a rewind to an earlier mark, or the arena's end. A moved-from arena is empty.
//           AddressSanitizer reports a use beyond that, and of what was never handed out.
//
// Policies, in any order, each at most once:
//   policy::pages<P>       where chunks come from                default os_pages
//   policy::chunk_size<N>  bytes of the first chunk              default 64 KiB
//   policy::limit<N>       the most bytes of all chunks          default none
#ifndef FRYS_MEMORY_ARENA_HPP
#define FRYS_MEMORY_ARENA_HPP

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/bytes.hpp"
#include "../core/concepts.hpp"
#include "../core/poison.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "pages.hpp"

namespace frys::inline FRYS_ABI {

template <class... Policies>
class arena {
  using accepted = policy::keys<policy::pages_key, policy::chunk_size_key, policy::limit_key>;
  static_assert(
      accepted::template known<Policies...>,
      "frys::arena: unknown policy; it takes policy::pages, policy::chunk_size, policy::limit and policy::world");
  static_assert(accepted::template unique<Policies...>, "frys::arena: a policy is given twice; name each at most once");

 public:
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>, "frys::arena: policy::pages wants a page source, see core/concepts.hpp");
  static constexpr std::size_t chunk_size = policy::pick<policy::chunk_size<64 * 1024>, Policies...>::value;
  static_assert(chunk_size >= 256, "frys::arena: policy::chunk_size must be at least 256 bytes");
  static constexpr std::size_t limit =
      policy::pick<policy::limit<(std::numeric_limits<std::size_t>::max)()>, Policies...>::value;

  // A point to rewind to. Good until the arena is reset or rewound to an earlier one.
  class mark_type {
    friend arena;
    void* chunk = nullptr;
    std::uintptr_t top = 0;
    std::size_t below = 0;
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

  // `size` uninitialised bytes, aligned to `alignment` (a power of two). Size 0 answers a pointer that is not null.
  [[nodiscard]] result<void*> allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) noexcept {
    if (void* p = bump(size, alignment)) [[likely]]
      return p;
    return allocate_slow(size, alignment);
  }

  // Nothing: memory goes all at once. With owns, it makes the arena an owning_allocator for those that want one.
  void deallocate(void* /*memory*/, std::size_t /*size*/, std::size_t /*alignment*/) noexcept {}
  // Whether `memory` lies in one of the arena's chunks. O(chunks).
  [[nodiscard]] bool owns(const void* memory) const noexcept {
    for (const chunk* c = chunk_; c != nullptr; c = c->previous)
      if (address(memory) - address(c) < c->size) return true;
    return false;
  }

  // T(args...). Its destructor is never run, so T must not need one.
  template <class T, class... Args>
  requires std::is_constructible_v<T, Args...>
  [[nodiscard]] result<T*> make(Args&&... args) noexcept(std::is_nothrow_constructible_v<T, Args...>) {
    static_assert(std::is_trivially_destructible_v<T>,
                  "frys::arena::make<T>: the arena runs no destructors; use object_pool for a T that needs one");
    result<void*> memory = allocate(sizeof(T), alignof(T));
    if (!memory) return memory.error();
    return ::new (*memory) T(std::forward<Args>(args)...);
  }
  // `count` value-initialised elements (zeros, for numbers).
  template <class T>
  [[nodiscard]] result<std::span<T>> make_array(std::size_t count) noexcept {
    static_assert(std::is_trivially_destructible_v<T> && std::is_nothrow_default_constructible_v<T>,
                  "frys::arena::make_array<T>: T must be made without throwing and need no destructor");
    if (count > detail::most_bytes / sizeof(T)) return detail::pages_refused(detail::most_bytes);
    result<void*> memory = allocate(count * sizeof(T), alignof(T));
    if (!memory) return memory.error();
    T* first = static_cast<T*>(*memory);
    std::uninitialized_value_construct_n(first, count);
    return std::span<T>(first, count);
  }
  // A copy that lives as long as the arena's content.
  [[nodiscard]] result<byte_span> copy(byte_view bytes) noexcept {
    result<void*> memory = allocate(bytes.size(), 1);
    if (!memory) return memory.error();
    if (!bytes.empty()) std::memcpy(*memory, bytes.data(), bytes.size());
    return byte_span(static_cast<std::byte*>(*memory), bytes.size());
  }
  [[nodiscard]] result<std::string_view> copy(std::string_view text) noexcept {
    result<byte_span> bytes = copy(as_bytes(text));
    if (!bytes) return bytes.error();
    return as_text(*bytes);
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
      top_ = bottom_ = 0;
    } else {
      top_ = m.top;
      bottom_ = address(chunk_) + sizeof(chunk);
      poison_free(chunk_, top_);
    }
  }
  // Forgets everything; keeps the largest chunk for the next round.
  void reset() noexcept { rewind(mark_type{}); }
  // Forgets everything and gives all memory back.
  void release() noexcept {
    reset();
    if (spare_ != nullptr) give_back(std::exchange(spare_, nullptr));
    next_size_ = chunk_size;
  }

  // Bytes handed out and not forgotten, with what alignment cost.
  [[nodiscard]] std::size_t used() const noexcept {
    return chunk_ == nullptr ? 0 : below_ + static_cast<std::size_t>(end_of(chunk_) - top_);
  }
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
  static std::uintptr_t end_of(const chunk* c) noexcept { return address(c) + c->size; }

  // Downwards: rounding down to an alignment is one mask, and the compare is against a fixed bottom.
  void* bump(std::size_t size, std::size_t alignment) noexcept {
    FRYS_ASSERT(std::has_single_bit(alignment), "arena::allocate: the alignment is not a power of two");
    if (size > top_ - bottom_) return nullptr;
    const std::uintptr_t p = (top_ - size) & ~(static_cast<std::uintptr_t>(alignment) - 1);
    if (p < bottom_ || chunk_ == nullptr) return nullptr;
    top_ = p;
    unpoison(reinterpret_cast<void*>(p), size);
    return reinterpret_cast<void*>(p);
  }

  FRYS_NOINLINE result<void*> allocate_slow(std::size_t size, std::size_t alignment) noexcept {
    const std::size_t overhead = sizeof(chunk) + alignment;
    if (alignment > detail::most_bytes / 4 || size > detail::most_bytes / 2 - overhead)
      return detail::pages_refused(size);
    chunk* fresh = nullptr;
    if (spare_ != nullptr && spare_->size >= size + overhead) {
      fresh = std::exchange(spare_, nullptr);
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
      next_size_ = (std::min)((std::max)(wanted, chunk_size) * 2, (std::max)(largest_step, chunk_size));
    }
    below_ = used();
    fresh->below = below_;
    fresh->previous = chunk_;
    chunk_ = fresh;
    bottom_ = address(fresh) + sizeof(chunk);
    top_ = end_of(fresh);
    poison_free(fresh, top_);
    return bump(size, alignment);
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
  static void poison_free(const chunk* c, std::uintptr_t top) noexcept { poison(c + 1, top - address(c + 1)); }
  void note_high_water() noexcept { high_water_ = high_water(); }
  void swap(arena& other) noexcept {
    std::swap(top_, other.top_);
    std::swap(bottom_, other.bottom_);
    std::swap(chunk_, other.chunk_);
    std::swap(spare_, other.spare_);
    std::swap(below_, other.below_);
    std::swap(reserved_, other.reserved_);
    std::swap(high_water_, other.high_water_);
    std::swap(next_size_, other.next_size_);
  }

  static constexpr std::size_t largest_step = std::size_t{64} << 20;  // chunks double up to this, then stay

  std::uintptr_t top_ = 0;     // the lowest address handed out of the current chunk
  std::uintptr_t bottom_ = 0;  // where its free bytes begin
  chunk* chunk_ = nullptr;     // the newest; the others behind it
  chunk* spare_ = nullptr;     // the largest one that is not in use
  std::size_t below_ = 0;      // used() of all but the newest
  std::size_t reserved_ = 0;
  std::size_t high_water_ = 0;
  std::size_t next_size_ = chunk_size;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_ARENA_HPP
