// hardened: an allocator that finds what is done wrong with its blocks: writes before and behind them, use after free,
// double free, frees of what is not a block, or with a wrong size.
//
// Use when  tests, and programs that run code they do not trust; where AddressSanitizer cannot run.
// Not when  in a hot path: an allocation and its free cost some 100 ns more (bench, wrappers).
// Threads   one at a time; with policy::atomics<A> any, if the inner allocator takes any.
// Cost      32 bytes around each block (more for large alignments) and an entry in a hash table; freed bytes are
//           written; a freed block stays in quarantine until policy::quarantine is full.
// Errors    the inner allocator's, after the quarantine was given back to it; errc::out_of_memory where its own table
//           gets no pages.
// Lifetime  blocks that are still out when it ends are looked at once more and not given back.
//
// A mistake is told to policy::on_violation as it is found: a write out of bounds when the block is freed, checked or
// the allocator ends; a write after free when the block leaves the quarantine or is checked; the rest at once. By
// default the program ends. If the handler returns, a wrong free changes nothing, and the others go on. Under
// AddressSanitizer the bytes around a block and freed blocks are poisoned too, so that it tells at the access itself.
//
// Policies, in any order, each at most once:
//   policy::on_violation<H>            who is told                                default violations::abort
//   policy::quarantine<Blocks, Bytes>  the most freed blocks that are held back   default 256 of 1 MiB in all
//   policy::atomics<A>                 it is shared by threads                    default none: one thread
//   policy::pages<P>                   where its table lies                       default os_pages
#ifndef FRYS_MEMORY_HARDENED_HPP
#define FRYS_MEMORY_HARDENED_HPP

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/concepts.hpp"
#include "../core/hash.hpp"
#include "../core/poison.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "allocator_ref.hpp"
#include "detail/block_table.hpp"
#include "detail/sharing.hpp"
#include "detail/wrapped.hpp"
#include "diagnostics.hpp"
#include "pages.hpp"

namespace frys::inline FRYS_ABI {

namespace policy {
struct quarantine_key {};  // a number of blocks, and of bytes

template <std::size_t Blocks, std::size_t Bytes = std::size_t{1} << 20>
struct quarantine {
  using key = quarantine_key;
  static constexpr std::size_t blocks = Blocks;
  static constexpr std::size_t bytes = Bytes;
};
}  // namespace policy

template <class A, class... Policies>
class hardened : public detail::wrapped<A> {
  using accepted =
      policy::keys<policy::on_violation_key, policy::quarantine_key, policy::atomics_key, policy::pages_key>;
  static_assert(raw_allocator<A>, "frys::hardened<A>: A must be a raw_allocator, see core/concepts.hpp");
  static_assert(accepted::template known<Policies...>,
                "frys::hardened: unknown policy; it takes policy::on_violation, policy::quarantine, policy::atomics, "
                "policy::pages and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::hardened: a policy is given twice; name each at most once");
  using base = detail::wrapped<A>;
  using base::inner_;
  using held_back = policy::pick<policy::quarantine<256>, Policies...>;

 public:
  using atomics_type = detail::sharing<Policies...>;
  static_assert(atomics_model<atomics_type>,
                "frys::hardened: policy::atomics wants an atomics model, see core/atomics.hpp");
  using handler_type = typename policy::pick<policy::on_violation<violations::abort>, Policies...>::type;
  static_assert(violation_handler<handler_type>,
                "frys::hardened: policy::on_violation wants a handler of violations, see memory/diagnostics.hpp");
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>, "frys::hardened: policy::pages wants a page source, see core/concepts.hpp");
  static_assert(held_back::blocks <= 1 << 20, "frys::hardened: policy::quarantine holds at most 2^20 blocks");
  // What freed bytes are.
  static constexpr unsigned char freed_byte = 0xde;
  // Bytes before and behind each block that must not change.
  static constexpr std::size_t canary = 16;

  // The arguments make the inner allocator.
  template <class... Args>
  requires detail::wraps_from<hardened, A, Args...>
  explicit(sizeof...(Args) == 1) hardened(Args&&... args) : base(std::in_place, std::forward<Args>(args)...) {}
  ~hardened() {
    blocks_.for_each([this](const void* block, block_record& r) {
      if (!r.is_freed) look(block, r);
    });
    drain();
  }

  [[nodiscard]] result<void*> allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t),
                                       const allocation_site& site = {}) noexcept {
    const std::size_t front = front_of(alignment);
    if (size > detail::most_bytes / 2 || front > detail::most_bytes / 4) return detail::allocator_refused(size);
    result<void*> memory = detail::allocate_from(inner_, front + size + canary, aligned(alignment), site);
    if (!memory) [[unlikely]] {
      held_lock hold(lock_);
      if (held_ == 0) return memory;
      drain();
      memory = detail::allocate_from(inner_, front + size + canary, aligned(alignment), site);
      if (!memory) return memory;
    }
    unsigned char* const block = static_cast<unsigned char*>(*memory) + front;
    const std::uint64_t word = canary_of(block);
    for (std::size_t i = 0; i < canary; i += sizeof word) {
      std::memcpy(block - canary + i, &word, sizeof word);
      std::memcpy(block + size + i, &word, sizeof word);
    }
    {
      held_lock hold(lock_);
      const block_record r{site, size, static_cast<std::uint8_t>(std::countr_zero(alignment)), false};
      if (blocks_.insert(block, r)) [[likely]] {
        close_off(block, size);
        return static_cast<void*>(block);
      }
    }
    inner_.deallocate(*memory, front + size + canary, aligned(alignment));
    return detail::allocator_refused(size);
  }
  void deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept {
    held_lock hold(lock_);
    block_record* const r = blocks_.find(memory);
    if (r == nullptr) return tell_foreign(memory, size);
    if (r->is_freed) return tell(violation::double_free, memory, *r, 0, size);
    if (r->size != size) tell(violation::wrong_size, memory, *r, 0, size);
    if (alignment_of(*r) != alignment) tell(violation::wrong_alignment, memory, *r, 0, alignment);
    look(memory, *r);
    unpoison(static_cast<unsigned char*>(memory) - canary, r->size + 2 * canary);
    if (held_back::blocks == 0 || r->size > held_back::bytes) return give_back(memory, *r);
    const std::size_t mine = r->size;  // the record moves when another one goes
    std::memset(memory, freed_byte, mine);
    r->is_freed = true;
    while (held_ == held_back::blocks || held_bytes_ > held_back::bytes - mine) release_oldest();
    hold_back(memory, mine);
  }
  // Whether `memory` is a block that is out.
  [[nodiscard]] bool owns(const void* memory) const noexcept {
    held_lock hold(lock_);
    const block_record* const r = blocks_.find(memory);
    return r != nullptr && !r->is_freed;
  }

  // Whether [memory, memory + size) lies in one block that is out, and that block's canaries are whole; else it tells.
  // O(1) at a block's front, else O(blocks).
  bool check(const void* memory, std::size_t size = 0) noexcept {
    held_lock hold(lock_);
    std::pair<const void*, block_record*> found{memory, blocks_.find(memory)};
    if (found.second == nullptr) found = around(memory);
    const auto [block, r] = found;
    if (r == nullptr) {
      handler_type::found(memory_violation{violation::out_of_bounds, memory, 0, 0, size, allocation_site("", "", 0)});
      return false;
    }
    if (r->is_freed) return tell(violation::use_after_free, block, *r, distance(block, memory), size), false;
    const auto offset = static_cast<std::size_t>(distance(block, memory));
    if (size > r->size - offset)
      return tell(violation::out_of_bounds, block, *r, static_cast<std::ptrdiff_t>(r->size), size), false;
    return look(block, *r);
  }
  // Looks at every block that is out and at the quarantine; tells each mistake, and answers how many.
  std::size_t check_all() noexcept {
    held_lock hold(lock_);
    std::size_t wrong = 0;
    blocks_.for_each([&](const void* block, block_record& r) { wrong += look(block, r) ? 0u : 1u; });
    return wrong;
  }

  // Blocks that are out.
  [[nodiscard]] std::size_t live_count() const noexcept {
    held_lock hold(lock_);
    return blocks_.size() - held_;
  }
  // Freed blocks that are held back.
  [[nodiscard]] std::size_t quarantined() const noexcept {
    held_lock hold(lock_);
    return held_;
  }
  // Gives the quarantine back to the inner allocator.
  void flush() noexcept {
    held_lock hold(lock_);
    drain();
  }

 private:
  struct block_record {
    allocation_site site;
    std::size_t size;
    std::uint8_t alignment_log2;
    bool is_freed;
  };
  static constexpr std::size_t aligned(std::size_t alignment) noexcept { return (std::max)(alignment, canary); }
  static constexpr std::size_t front_of(std::size_t alignment) noexcept { return aligned(alignment); }
  static constexpr std::size_t alignment_of(const block_record& r) noexcept {
    return std::size_t{1} << r.alignment_log2;
  }
  std::uint64_t canary_of(const void* block) const noexcept {
    return hash_integer(reinterpret_cast<std::uintptr_t>(block), reinterpret_cast<std::uintptr_t>(this));
  }
  static std::ptrdiff_t distance(const void* from, const void* to) noexcept {
    return static_cast<std::ptrdiff_t>(reinterpret_cast<std::uintptr_t>(to) - reinterpret_cast<std::uintptr_t>(from));
  }

  static void close_off(const unsigned char* block, std::size_t size) noexcept {
    poison(block - canary, canary);
    // AddressSanitizer counts in eights: what shares one with the block's last byte stays usable.
    const std::size_t whole = (size + 7) / 8 * 8;
    if (whole < size + canary) poison(block + whole, size + canary - whole);
  }
  // Whether the block is as it must be; else it tells.
  bool look(const void* memory, const block_record& r) noexcept {
    const auto* block = static_cast<const unsigned char*>(memory);
    if (r.is_freed) {
      unpoison(block, r.size);
      std::uint64_t all_freed, here;
      std::memset(&all_freed, freed_byte, sizeof all_freed);
      std::size_t i = 0;
      for (; i + sizeof here <= r.size; i += sizeof here) {
        std::memcpy(&here, block + i, sizeof here);
        if (here != all_freed) break;
      }
      while (i < r.size && block[i] == freed_byte) ++i;
      poison(block, r.size);
      return i == r.size || (tell(violation::use_after_free, memory, r, static_cast<std::ptrdiff_t>(i), 0), false);
    }
    unpoison(block - canary, canary);
    unpoison(block + r.size, canary);
    const std::uint64_t word = canary_of(memory);
    std::uint64_t there[4];
    std::memcpy(there, block - canary, canary);
    std::memcpy(there + 2, block + r.size, canary);
    if (there[0] == word && there[1] == word && there[2] == word && there[3] == word) [[likely]] {
      close_off(block, r.size);
      return true;
    }
    unsigned char right[canary];
    std::memcpy(right, &word, sizeof word);
    std::memcpy(right + sizeof word, &word, sizeof word);
    std::size_t before = canary, behind = 0;
    while (before > 0 && (block - canary)[before - 1] == right[before - 1]) --before;
    while (behind < canary && block[r.size + behind] == right[behind]) ++behind;
    close_off(block, r.size);
    if (before != 0)
      tell(violation::underflow, memory, r,
           static_cast<std::ptrdiff_t>(before) - 1 - static_cast<std::ptrdiff_t>(canary), 0);
    if (behind != canary) tell(violation::overflow, memory, r, static_cast<std::ptrdiff_t>(r.size + behind), 0);
    return before == 0 && behind == canary;
  }
  static void tell(violation kind, const void* memory, const block_record& r, std::ptrdiff_t offset,
                   std::size_t given) noexcept {
    handler_type::found(memory_violation{kind, memory, r.size, offset, given, r.site});
  }
  // The block in which `memory` lies. Freed ones too, unless none is.
  std::pair<const void*, block_record*> around(const void* memory) noexcept {
    std::pair<const void*, block_record*> found{nullptr, nullptr};
    blocks_.for_each([&](const void* block, block_record& r) {
      const std::ptrdiff_t at = distance(block, memory);
      if (at >= 0 && static_cast<std::size_t>(at) < r.size) found = {block, &r};
    });
    return found;
  }
  FRYS_NOINLINE void tell_foreign(const void* memory, std::size_t size) noexcept {
    const auto [block, r] = around(memory);
    if (r != nullptr) return tell(violation::interior, block, *r, distance(block, memory), size);
    handler_type::found(memory_violation{violation::foreign, memory, 0, 0, size, allocation_site("", "", 0)});
  }

  void hold_back(const void* memory, std::size_t size) noexcept {
    ring_[(first_ + held_) % ring_.size()] = memory;
    ++held_;
    held_bytes_ += size;
    poison(static_cast<const unsigned char*>(memory) - canary, size + 2 * canary);
  }
  void release_oldest() noexcept {
    const void* const memory = ring_[first_];
    first_ = (first_ + 1) % ring_.size();
    --held_;
    block_record& r = *blocks_.find(memory);
    held_bytes_ -= r.size;
    look(memory, r);
    unpoison(static_cast<const unsigned char*>(memory) - canary, r.size + 2 * canary);
    give_back(const_cast<void*>(memory), r);
  }
  void drain() noexcept {
    while (held_ != 0) release_oldest();
  }
  void give_back(void* memory, const block_record& r) noexcept {
    const std::size_t size = r.size, alignment = alignment_of(r), front = front_of(alignment);
    blocks_.erase(memory);  // and with it r
    inner_.deallocate(static_cast<unsigned char*>(memory) - front, front + size + canary, aligned(alignment));
  }

  mutable detail::table_lock<atomics_type> lock_;
  detail::block_table<block_record, pages_type> blocks_;
  std::array<const void*, (std::max)(held_back::blocks, std::size_t{1})> ring_;  // the quarantine, the oldest at first_
  std::size_t first_ = 0;
  std::size_t held_ = 0;
  std::size_t held_bytes_ = 0;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_HARDENED_HPP
