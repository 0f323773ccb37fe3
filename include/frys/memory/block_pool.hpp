// block_pool: blocks of one size without a type, as an allocator: the fast first place of a chain.
//
// Use when  one size is asked for far more often than others, and what asks wants an allocator: list nodes behind
//           std_allocator, fallback<block_pool<64>, arena<>>.
// Not when  the objects have a type (object_pool makes and destroys them), or sizes differ (arena, a heap).
// Threads   one at a time.
// Cost      O(1) both ways, a pop and a push on a list through the free blocks. owns: O(log slabs).
// Errors    errc::limit_exceeded with the bound: beyond policy::limit, or a block larger or aligned more than those of
//           the pool; errc::out_of_memory: the source refused.
// Lifetime  all memory goes when the pool does, or by release(). AddressSanitizer reports a use of a free block.
// Source    R. Seidel, C. R. Aragon, "Randomized search trees", Algorithmica 16, 1996 (the tree of slabs).
//
// Policies, in any order, each at most once:
//   policy::pages<P>       where slabs come from           default os_pages
//   policy::chunk_size<N>  bytes of a slab, about          default 64 KiB
//   policy::limit<N>       the most bytes of all slabs     default none
#ifndef FRYS_MEMORY_BLOCK_POOL_HPP
#define FRYS_MEMORY_BLOCK_POOL_HPP

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <utility>

#include "../config.hpp"
#include "../core/bytes.hpp"
#include "../core/concepts.hpp"
#include "../core/hash.hpp"
#include "../core/poison.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "pages.hpp"

namespace frys::inline FRYS_ABI {

template <std::size_t Size, class... Policies>
class block_pool {
  using accepted = policy::keys<policy::pages_key, policy::chunk_size_key, policy::limit_key>;
  static_assert(
      accepted::template known<Policies...>,
      "frys::block_pool: unknown policy; it takes policy::pages, policy::chunk_size, policy::limit and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::block_pool: a policy is given twice; name each at most once");
  static_assert(Size >= 1 && Size <= std::size_t{1} << 30,
                "frys::block_pool<Size>: Size must be between 1 byte and 1 GiB");

 public:
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>, "frys::block_pool: policy::pages wants a page source, see core/concepts.hpp");
  static constexpr std::size_t chunk_size = policy::pick<policy::chunk_size<64 * 1024>, Policies...>::value;
  static constexpr std::size_t limit =
      policy::pick<policy::limit<(std::numeric_limits<std::size_t>::max)()>, Policies...>::value;
  // What each block has room for.
  static constexpr std::size_t block_size =
      detail::round_up(Size, (std::max)(alignof(void*), (std::min)(std::bit_ceil(Size), alignof(std::max_align_t))));
  // What each is aligned to: the largest power of two that divides block_size, a page at most.
  static constexpr std::size_t alignment = (std::min)(block_size & (~block_size + 1), page_size);

  block_pool() noexcept = default;
  block_pool(const block_pool&) = delete;
  block_pool& operator=(const block_pool&) = delete;
  ~block_pool() { release(); }

  [[nodiscard]] result<void*> allocate(std::size_t size, std::size_t aligned = alignof(std::max_align_t)) noexcept {
    FRYS_ASSERT(std::has_single_bit(aligned), "block_pool::allocate: the alignment is not a power of two");
    if (size > block_size || aligned > alignment) [[unlikely]]
      return error{errc::limit_exceeded, domain::memory, "the block is larger or aligned more than the pool's",
                   static_cast<std::int64_t>(size > block_size ? block_size : alignment)};
    if (free_ == nullptr) [[unlikely]] {
      result<void> grown = grow();
      if (!grown) return grown.error();
    }
    unpoison(free_, block_size);
    ++live_;
    return static_cast<void*>(std::exchange(free_, free_->next));
  }
  void deallocate(void* memory, std::size_t /*size*/, std::size_t /*alignment*/) noexcept {
    FRYS_ASSERT(live_ != 0, "block_pool::deallocate: more blocks than were taken");
    put_back(memory);
    --live_;
  }
  // Whether `memory` lies in one of the pool's slabs.
  [[nodiscard]] bool owns(const void* memory) const noexcept {
    for (const slab* s = root_; s != nullptr;) {
      const std::uintptr_t from = address(s) + header;
      if (address(memory) < from)
        s = s->left;
      else if (address(memory) - from < s->count * block_size)
        return true;
      else
        s = s->right;
    }
    return false;
  }

  // Gives all memory back; blocks that are still out are gone.
  void release() noexcept {
    while (slabs_ != nullptr) {
      const byte_span memory = slabs_->memory;  // the slab lies in the memory that it describes
      slabs_ = slabs_->next;
      unpoison(memory.data(), memory.size());
      pages_type::release(memory);
    }
    root_ = nullptr;
    free_ = nullptr;
    live_ = reserved_ = 0;
  }

  // Blocks that are out.
  [[nodiscard]] std::size_t size() const noexcept { return live_; }
  // Bytes asked of the source and held.
  [[nodiscard]] std::size_t reserved() const noexcept { return reserved_; }

 private:
  struct block {
    block* next;
  };
  // A node of a treap: a search tree by address, a heap by a hash of it, so that its depth is O(log slabs).
  struct slab {
    byte_span memory;
    slab* next = nullptr;
    std::size_t count = 0;
    slab* left = nullptr;
    slab* right = nullptr;
  };
  static constexpr std::size_t header = detail::round_up(sizeof(slab), alignment);

  static std::uintptr_t address(const void* p) noexcept { return reinterpret_cast<std::uintptr_t>(p); }
  static std::uint64_t rank(const slab* s) noexcept { return hash_integer(static_cast<std::uint64_t>(address(s))); }

  void put_back(void* memory) noexcept {
    free_ = ::new (memory) block{free_};
    poison(memory, block_size);
  }
  void insert(slab* fresh) noexcept {
    slab** link = &root_;
    while (*link != nullptr && rank(*link) >= rank(fresh))
      link = address(fresh) < address(*link) ? &(*link)->left : &(*link)->right;
    // Cuts the tree that stands there in two: what lies below the new one, and what lies above.
    slab* rest = std::exchange(*link, fresh);
    slab **below = &fresh->left, **above = &fresh->right;
    while (rest != nullptr) {
      slab**& side = address(rest) < address(fresh) ? below : above;
      *side = rest;
      side = &side == &below ? &rest->right : &rest->left;
      rest = std::exchange(*side, nullptr);
    }
  }
  FRYS_NOINLINE result<void> grow() noexcept {
    constexpr std::size_t one = header + block_size;
    const std::size_t left = limit - (std::min)(limit, reserved_);
    if (left < one)
      return error{errc::limit_exceeded, domain::memory, "the pool's limit would be passed",
                   static_cast<std::int64_t>((std::min)(limit, detail::most_bytes))};
    const std::size_t wanted = (std::min)((std::max)(chunk_size, one), left);
    result<byte_span> memory = pages_type::allocate(wanted);
    if (!memory) return memory.error();
    const std::size_t count = (wanted - header) / block_size;
    slabs_ = ::new (static_cast<void*>(memory->data())) slab{*memory, slabs_, count};
    insert(slabs_);
    reserved_ += wanted;
    // The lowest address is used first.
    for (std::size_t i = count; i-- > 0;) put_back(memory->data() + header + i * block_size);
    return {};
  }

  block* free_ = nullptr;
  slab* slabs_ = nullptr;
  slab* root_ = nullptr;
  std::size_t live_ = 0;
  std::size_t reserved_ = 0;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_BLOCK_POOL_HPP
