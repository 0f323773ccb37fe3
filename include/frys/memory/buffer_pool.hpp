// buffer_pool: blocks of one size for buffers; leased by one thread, released from any.
//
// Use when  a loop receives into buffers that travel on (to a log, to another core) and come back when they come back.
// Not when  sizes differ widely (buffer::allocate), or the bytes never leave one function (arena).
// Roles     acquire, reserve, stats: the owner thread. Releasing a buffer: any thread. Destroy: the owner.
// Progress  acquire waits for nobody; a release is lock-free (one compare-exchange on a stack).
// Cost      acquire: O(1), one exchange if something came back since the last one, else none. Last in, first out: the
//           block handed out is the one released last, warm in the cache. Memory comes in slabs of about 256 KiB; after
//           the first use of the most blocks, nothing is allocated. Blocks are aligned to min(block size, page).
// Ordering  what a thread did with a buffer before releasing it happens-before the acquire that hands its block out.
// Errors    errc::full: the most blocks are out, one may come back; errc::out_of_memory: the source refused.
// Lifetime  buffers may outlive the pool; the memory goes when the last of them does.
//
// Policies, in any order, each at most once:
//   policy::atomics<A>  the atomics model        default atomics::standard
//   policy::pages<P>    where slabs come from    default os_pages
#ifndef FRYS_MEMORY_BUFFER_POOL_HPP
#define FRYS_MEMORY_BUFFER_POOL_HPP

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/bytes.hpp"
#include "../core/cache_line.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "buffer.hpp"
#include "pages.hpp"

namespace frys::inline FRYS_ABI {

struct buffer_pool_stats {
  std::size_t block_size = 0;   // bytes per block
  std::size_t most_blocks = 0;  // the bound
  std::size_t blocks = 0;       // that have memory
  std::size_t leased = 0;       // that are out; a release under way may still count
  std::uint64_t acquired = 0;   // leases so far
  std::uint64_t refused = 0;    // acquires that answered an error
};

template <class... Policies>
class buffer_pool {
  using accepted = policy::keys<policy::atomics_key, policy::pages_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::buffer_pool: unknown policy; it takes policy::atomics, policy::pages and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::buffer_pool: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::buffer_pool: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(page_source<pages_type>, "frys::buffer_pool: policy::pages wants a page source, see core/concepts.hpp");
  // `buffer` itself unless the atomics are not the standard ones.
  using buffer_type = std::conditional_t<std::is_same_v<atomics_type, atomics::standard>, buffer,
                                         basic_buffer<policy::atomics<atomics_type>>>;
  using block_type = typename buffer_type::block_type;

  // Blocks of `block_size` bytes, at most `most_blocks` of them. Takes no memory yet.
  explicit buffer_pool(std::size_t block_size,
                       std::size_t most_blocks = (std::numeric_limits<std::uint32_t>::max)()) noexcept
      : block_size_((std::max)(block_size, std::size_t{1})), most_(most_blocks) {}
  buffer_pool(const buffer_pool&) = delete;
  buffer_pool& operator=(const buffer_pool&) = delete;
  ~buffer_pool() {
    if (core_ == nullptr) return;
    // sync(buffer_pool.returned): acquire; from here on a release counts down instead of coming back. Who sees the mark
    // learns the pool's last writes by `remaining`.
    slot* back = core_->returned.exchange(orphaned(), std::memory_order_acquire);
    std::size_t out = blocks_ - free_blocks();
    for (; back != nullptr; back = back->next) --out;
    // sync(buffer_pool.remaining): acq_rel; the last to leave frees the memory that all the others have used.
    // Releases may have counted below zero already; the sum is zero once, when all are back.
    const std::int64_t remaining = static_cast<std::int64_t>(out);
    if (core_->remaining.fetch_add(remaining, std::memory_order_acq_rel) + remaining == 0) free_slabs(core_);
  }

  // Owner only. An empty buffer (size 0) whose capacity() is block_size(), uninitialised; extend() it to what was
  // filled.
  [[nodiscard]] result<buffer_type> acquire() noexcept {
    slot* s = take();
    if (s == nullptr) [[unlikely]] {
      result<void> grown = grow();
      if (!grown) {
        ++refused_;
        return grown.error();
      }
      s = take();
    }
    ++acquired_;
    return buffer_type::adopt(*s, 0);
  }

  // Owner only. Takes the memory of at least `blocks` blocks now, so that acquire need not.
  result<void> reserve(std::size_t blocks) noexcept {
    while (blocks_ < blocks) {
      result<void> grown = grow();
      if (!grown) return grown;
    }
    return {};
  }

  // Any thread.
  [[nodiscard]] std::size_t block_size() const noexcept { return block_size_; }
  // Owner only. Walks the free blocks.
  [[nodiscard]] buffer_pool_stats stats() noexcept {
    collect();
    return {block_size_, most_, blocks_, blocks_ - free_blocks(), acquired_, refused_};
  }

 private:
  struct core;
  struct slot : block_type {
    core* pool = nullptr;
    slot* next = nullptr;  // the free block below
    slot* down = nullptr;  // in the top block of a list: the list below
  };
  struct slab {
    byte_span memory;
    slab* next = nullptr;
  };
  // What releases need; lives in the first slab, until the last block is back.
  struct core {
    alignas(cache_line) typename atomics_type::template atomic<slot*> returned{nullptr};
    typename atomics_type::template atomic<std::int64_t> remaining{0};
    alignas(cache_line) slab* slabs = nullptr;
  };

  // A mark that is no block: the pool is gone.
  static slot* orphaned() noexcept { return reinterpret_cast<slot*>(std::uintptr_t{1}); }

  // Any thread: the block's last buffer has gone.
  static void release(block_type& block) noexcept {
    slot* s = static_cast<slot*>(&block);
    core* c = s->pool;
    // relaxed, also on failure below: `top` is only carried, or compared with the mark.
    slot* top = c->returned.load(std::memory_order_relaxed);
    for (;;) {
      if (top == orphaned()) {
        // sync(buffer_pool.remaining): acq_rel; see the destructor.
        if (c->remaining.fetch_sub(1, std::memory_order_acq_rel) == 1) free_slabs(c);
        return;
      }
      s->next = top;
      // sync(buffer_pool.returned): release; we are done with the bytes before the owner can lease them again.
      if (c->returned.compare_exchange_weak(top, s, std::memory_order_release, std::memory_order_relaxed)) return;
    }
  }

  static void free_slabs(core* c) noexcept {
    slab* s = c->slabs;
    while (s != nullptr) {
      const byte_span memory = s->memory;  // the slab lies in the memory that it describes
      s = s->next;
      pages_type::release(memory);
    }
  }

  // Takes over what came back, as the list to lease from first. No walk: lists stand on one another by `down`.
  void collect() noexcept {
    // relaxed: a look; a block that came back this moment is found next time.
    if (core_ == nullptr || core_->returned.load(std::memory_order_relaxed) == nullptr) return;
    // sync(buffer_pool.returned): acquire; the releasing threads are done with the bytes.
    slot* back = core_->returned.exchange(nullptr, std::memory_order_acquire);
    if (free_ != nullptr) {
      free_->down = below_;
      below_ = free_;
    }
    free_ = back;
  }
  slot* take() noexcept {
    collect();
    slot* s = free_;
    if (s == nullptr) return nullptr;
    free_ = s->next;
    if (free_ == nullptr && below_ != nullptr) {
      free_ = below_;
      below_ = below_->down;
    }
    return s;
  }
  std::size_t free_blocks() const noexcept {
    std::size_t n = 0;
    for (const slot* s = free_; s != nullptr; s = s->next) ++n;
    for (const slot* list = below_; list != nullptr; list = list->down)
      for (const slot* s = list; s != nullptr; s = s->next) ++n;
    return n;
  }

  // A further slab: [slab, core if it is the first, slots][bytes of the blocks].
  FRYS_NOINLINE result<void> grow() noexcept {
    constexpr std::size_t slab_bytes = 256 * 1024;
    if (blocks_ >= most_)
      return error{errc::full, domain::memory, "all blocks of the pool are leased",
                   static_cast<std::int64_t>((std::min)(most_, detail::most_bytes))};
    if (block_size_ > detail::most_bytes / 2) return detail::pages_refused(block_size_);
    const std::size_t alignment = (std::min)(std::bit_ceil(block_size_), page_size);
    const std::size_t stride = detail::round_up(block_size_, (std::min)(alignment, cache_line));
    const std::size_t count =
        (std::min)(most_ - blocks_, (std::max)(std::size_t{1}, slab_bytes / (stride + sizeof(slot))));
    constexpr std::size_t unit = (std::max)(alignof(slot), alignof(core));
    constexpr std::size_t core_at = detail::round_up(sizeof(slab), unit);
    const std::size_t slots_at = core_ == nullptr ? core_at + detail::round_up(sizeof(core), unit) : core_at;
    const std::size_t bytes_at = detail::round_up(slots_at + count * sizeof(slot), (std::max)(alignment, cache_line));
    result<byte_span> memory = pages_type::allocate(bytes_at + count * stride);
    if (!memory) return memory.error();
    std::byte* base = memory->data();
    slab* s = ::new (static_cast<void*>(base)) slab{*memory, nullptr};
    if (core_ == nullptr) {
      core_ = ::new (static_cast<void*>(base + core_at)) core;
      core_->slabs = s;
    } else {
      s->next = core_->slabs->next;  // behind the first, whose core must be freed with it, in one walk
      core_->slabs->next = s;
    }
    slot* top = nullptr;
    for (std::size_t i = count; i-- > 0;) {  // the first block comes out first
      slot* block = ::new (static_cast<void*>(base + slots_at + i * sizeof(slot))) slot;
      block->data = base + bytes_at + i * stride;
      block->size = block_size_;
      block->release = &release;
      block->pool = core_;
      block->next = top;
      top = block;
    }
    if (free_ != nullptr) {
      free_->down = below_;
      below_ = free_;
    }
    free_ = top;
    blocks_ += count;
    return {};
  }

  core* core_ = nullptr;
  slot* free_ = nullptr;   // the list to lease from
  slot* below_ = nullptr;  // older lists, by `down`
  std::size_t block_size_;
  std::size_t most_;
  std::size_t blocks_ = 0;
  std::uint64_t acquired_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_BUFFER_POOL_HPP
