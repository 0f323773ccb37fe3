// meshing_pool: blocks of one size that stay at their addresses while the pages behind them are laid together.
//
// Use when  many blocks live for long, most of a crowd dies at random, and pointers to the rest cannot change. The
//           pages are half empty then, and no other pool gives one back; mesh() finds pages whose blocks lie in
//           different places, copies them into one page of memory, and lets both pages of addresses show it.
// Not when  handles would do (compacting_pool packs tighter, for any size), or what dies dies together (arena).
// Threads   one at a time; and while mesh() runs, nobody reads or writes a block.
// Cost      allocate, deallocate: some bit operations in tables beside the blocks, O(areas). mesh: each page that has
//           room is compared with the others of its area, some 0.5 ns each; each pair that fits is a copy of at most
//           half a page and a system call. Tables: 40 bytes for a page of 4 KiB.
// Errors    errc::limit_exceeded: beyond policy::limit, or a block larger or aligned more than the pool's;
//           errc::out_of_memory: the source refused; errc::unsupported: as policy::frames says.
// Lifetime  all memory goes when the pool does. After fork a child does not have the blocks.
//
// Policies, in any order, each at most once:
//   policy::frames<M>      where memory comes from, and is shown          default os_page_frames
//   policy::pages<P>       where the tables lie                           default os_pages
//   policy::chunk_size<N>  bytes of addresses of an area                  default 64 MiB
//   policy::limit<N>       the most bytes of all areas                    default none
// Source    B. Powers, D. Tench, E. D. Berger, A. McGregor, "Mesh: compacting memory management for C/C++", PLDI 2019.
//           There a write barrier lets threads go on; here the caller says when.
#ifndef FRYS_MEMORY_MESHING_POOL_HPP
#define FRYS_MEMORY_MESHING_POOL_HPP

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <utility>

#include "../config.hpp"
#include "../core/bytes.hpp"
#include "../core/concepts.hpp"
#include "../core/poison.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "page_frames.hpp"
#include "pages.hpp"

namespace frys::inline FRYS_ABI {

template <std::size_t Size, class... Policies>
class meshing_pool {
  using accepted = policy::keys<policy::frames_key, policy::pages_key, policy::chunk_size_key, policy::limit_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::meshing_pool: unknown policy; it takes policy::frames, policy::pages, policy::chunk_size, "
                "policy::limit and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::meshing_pool: a policy is given twice; name each at most once");
  static_assert(Size >= 64 && Size <= page_size / 2,
                "frys::meshing_pool<Size>: Size must be between 64 bytes and half a page (2048)");

 public:
  using frames_type = typename policy::pick<policy::frames<os_page_frames>, Policies...>::type;
  static_assert(page_frame_source<frames_type>,
                "frys::meshing_pool: policy::frames wants a page_frame_source, see memory/page_frames.hpp");
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>,
                "frys::meshing_pool: policy::pages wants a page source, see core/concepts.hpp");
  static constexpr std::size_t chunk_size = policy::pick<policy::chunk_size<std::size_t{64} << 20>, Policies...>::value;
  static_assert(chunk_size >= 16 * page_size && chunk_size <= std::uint64_t{1} << 40 && chunk_size % page_size == 0,
                "frys::meshing_pool: policy::chunk_size must be a multiple of 4096 bytes, from 64 KiB to 1 TiB");
  static constexpr std::size_t limit =
      policy::pick<policy::limit<(std::numeric_limits<std::size_t>::max)()>, Policies...>::value;
  static constexpr std::size_t block_size = detail::round_up(Size, 16);
  // What each block is aligned to: the largest power of two that divides block_size.
  static constexpr std::size_t alignment = block_size & (~block_size + 1);
  static constexpr unsigned blocks_per_page = static_cast<unsigned>(page_size / block_size);

  meshing_pool() noexcept = default;
  meshing_pool(const meshing_pool&) = delete;
  meshing_pool& operator=(const meshing_pool&) = delete;
  ~meshing_pool() {
    while (areas_ != nullptr) {
      area* const a = areas_;
      areas_ = a->next;
      unpoison(a->memory.bytes().data(), a->memory.bytes().size());
      const byte_span tables = a->tables;  // it lies in the memory that it describes
      std::destroy_at(a);
      pages_type::release(tables);
    }
  }

  // A block, uninitialised.
  [[nodiscard]] result<void*> allocate(std::size_t size = Size, std::size_t wanted_alignment = alignment) noexcept {
    FRYS_ASSERT(std::has_single_bit(wanted_alignment), "meshing_pool::allocate: the alignment is not a power of two");
    if (size > block_size || wanted_alignment > alignment)
      return error{errc::limit_exceeded, domain::memory, "the block is larger or aligned more than the pool's",
                   static_cast<std::int64_t>(block_size)};
    area* a = areas_;
    while (a != nullptr && a->open == none && a->idle == none && a->fresh == page_count) a = a->next;
    if (a == nullptr) {
      result<area*> grown = grow();
      if (!grown) return grown.error();
      a = *grown;
    }
    if (a->open == none) open_page(*a);
    const std::uint32_t f = a->open;
    frame& home = a->frames[f];
    const unsigned cell = static_cast<unsigned>(std::countr_one(home.taken));
    const std::uint32_t p = home.first_page;
    home.taken |= bit(cell);
    a->pages[p].live |= bit(cell);
    if (home.taken == full) close(*a, f);
    ++live_;
    std::byte* const block = a->at(p) + cell * block_size;
    unpoison(block, block_size);
    return static_cast<void*>(block);
  }
  // Gives back a block of this pool.
  void deallocate(void* block, std::size_t /*size*/ = Size, std::size_t /*alignment*/ = alignment) noexcept {
    area* const a = area_of(block);
    FRYS_ASSERT(a != nullptr, "meshing_pool::deallocate: no block of this pool");
    const std::size_t offset = a->offset_of(block);
    const std::uint32_t p = static_cast<std::uint32_t>(offset / page_size);
    const unsigned cell = static_cast<unsigned>(offset % page_size / block_size);
    page& of = a->pages[p];
    frame& home = a->frames[of.shows];
    FRYS_ASSERT(offset % page_size % block_size == 0 && (of.live & bit(cell)) != 0,
                "meshing_pool::deallocate: the block is not in use");
    poison(block, block_size);
    if (home.taken == full) open(*a, of.shows);
    of.live &= ~bit(cell);
    home.taken &= ~bit(cell);
    --live_;
    if (of.live == 0) empty_page(*a, p);
  }
  // Whether `memory` lies in the pool. O(areas).
  [[nodiscard]] bool owns(const void* memory) const noexcept { return area_of(memory) != nullptr; }

  // Lays pages together, for at most `most` pages; answers how many pages of memory that gave back. Nobody touches a
  // block meanwhile.
  std::size_t mesh(std::size_t most = (std::numeric_limits<std::size_t>::max)()) noexcept {
    std::size_t given = 0;
    for (area* a = areas_; a != nullptr && given < most; a = a->next) given += mesh(*a, most - given);
    return given;
  }

  // Blocks in use.
  [[nodiscard]] std::size_t size() const noexcept { return live_; }
  // Bytes of pages that hold or held blocks, and of the tables that speak of them.
  [[nodiscard]] std::size_t committed() const noexcept {
    std::size_t bytes = 0;
    for (const area* a = areas_; a != nullptr; a = a->next)
      bytes +=
          a->in_memory * page_size + sizeof(area) + a->fresh * (sizeof(page) + sizeof(frame) + sizeof(std::uint32_t));
    return bytes;
  }
  // Bytes of addresses.
  [[nodiscard]] std::size_t reserved() const noexcept { return reserved_; }

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  static constexpr std::uint32_t page_count = static_cast<std::uint32_t>(chunk_size / page_size);
  static constexpr std::uint64_t full =
      blocks_per_page == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << blocks_per_page) - 1;
  // Empty pages that keep their memory, for who allocates next.
  static constexpr std::uint32_t most_kept = 16;
  static constexpr std::uint64_t bit(unsigned cell) noexcept { return std::uint64_t{1} << cell; }

  struct page {
    std::uint64_t live = 0;     // blocks in use at these addresses
    std::uint32_t shows = 0;    // frame
    std::uint32_t next = none;  // of the pages that show the same frame; of the idle ones
  };
  struct frame {
    std::uint64_t taken = 0;  // the places in use by any page that shows it
    std::uint32_t first_page = none;
    std::uint32_t next = none, previous = none;  // of the open ones: in use, with a free place
    bool is_open = false;
  };
  struct area {
    typename frames_type::area memory;
    byte_span tables;
    area* next = nullptr;
    page* pages = nullptr;
    frame* frames = nullptr;
    std::uint32_t* spare = nullptr;  // a stack of frames that no page shows
    std::uint32_t spares = 0;
    std::uint32_t open = none;  // frames
    std::uint32_t idle = none;  // pages without blocks that show a frame alone
    std::uint32_t kept = 0;     // of these, with memory still
    std::uint32_t fresh = 0;    // from here on pages were never used
    std::size_t in_memory = 0;  // frames with memory

    std::byte* at(std::uint32_t p) const noexcept { return memory.bytes().data() + std::size_t{p} * page_size; }
    std::size_t offset_of(const void* block) const noexcept {
      return reinterpret_cast<std::uintptr_t>(block) - reinterpret_cast<std::uintptr_t>(memory.bytes().data());
    }
  };

  area* area_of(const void* block) const noexcept {
    for (area* a = areas_; a != nullptr; a = a->next)
      if (a->offset_of(block) < chunk_size) return a;
    return nullptr;
  }

  FRYS_NOINLINE result<area*> grow() noexcept {
    if (chunk_size > limit - (std::min)(limit, reserved_))
      return error{errc::limit_exceeded, domain::memory, "the pool's limit would be passed",
                   static_cast<std::int64_t>((std::min)(limit, detail::most_bytes))};
    constexpr std::size_t pages_at = detail::round_up(sizeof(area), alignof(page));
    constexpr std::size_t frames_at = detail::round_up(pages_at + page_count * sizeof(page), alignof(frame));
    constexpr std::size_t spare_at = frames_at + page_count * sizeof(frame);
    result<byte_span> tables = pages_type::allocate(spare_at + page_count * sizeof(std::uint32_t));
    if (!tables) return tables.error();
    result<typename frames_type::area> memory = frames_type::create(chunk_size);
    if (!memory) {
      pages_type::release(*tables);
      return memory.error();
    }
    std::byte* const base = tables->data();
    area* const a = ::new (static_cast<void*>(base)) area;
    a->memory = *std::move(memory);
    a->tables = *tables;
    // Zeroed memory is not touched: a page's entries are made when it is used first.
    a->pages = reinterpret_cast<page*>(base + pages_at);
    a->frames = reinterpret_cast<frame*>(base + frames_at);
    a->spare = reinterpret_cast<std::uint32_t*>(base + spare_at);
    a->next = areas_;
    areas_ = a;
    reserved_ += chunk_size;
    return a;
  }

  // The area has an idle or a fresh page: its frame is open now.
  void open_page(area& a) noexcept {
    std::uint32_t p = a.idle;
    if (p != none) {
      a.idle = a.pages[p].next;
      a.pages[p].next = none;
      if (a.kept != 0)
        --a.kept;  // those that were kept are the newest
      else
        ++a.in_memory;
    } else {
      p = a.fresh++;
      ::new (static_cast<void*>(a.pages + p)) page;
      ::new (static_cast<void*>(a.frames + p)) frame;
      a.pages[p].shows = p;
      a.frames[p].first_page = p;
      ++a.in_memory;
      poison(a.at(p), page_size);
    }
    open(a, a.pages[p].shows);
  }
  void open(area& a, std::uint32_t f) noexcept {
    frame& opened = a.frames[f];
    opened.next = a.open;
    opened.previous = none;
    opened.is_open = true;
    if (a.open != none) a.frames[a.open].previous = f;
    a.open = f;
  }
  void close(area& a, std::uint32_t f) noexcept {
    frame& closed = a.frames[f];
    (closed.previous != none ? a.frames[closed.previous].next : a.open) = closed.next;
    if (closed.next != none) a.frames[closed.next].previous = closed.previous;
    closed.is_open = false;
  }
  // No block is in use at these addresses: the page gets a frame of its own, or leaves its own one, and is idle.
  void empty_page(area& a, std::uint32_t p) noexcept {
    const std::uint32_t f = a.pages[p].shows;
    frame& home = a.frames[f];
    if (home.first_page == p && a.pages[p].next == none) {  // alone
      close(a, f);
      if (a.kept == most_kept) {
        a.memory.drop(f);
        --a.in_memory;
        // Behind the kept ones, which are the newest.
        std::uint32_t last = a.idle;
        for (std::uint32_t i = 1; i < a.kept; ++i) last = a.pages[last].next;
        a.pages[p].next = std::exchange(a.pages[last].next, p);
      } else {
        ++a.kept;
        a.pages[p].next = std::exchange(a.idle, p);
      }
      return;
    }
    if (a.spares == 0 || !a.memory.show(p, a.spare[a.spares - 1])) return;  // it stays where it is, without blocks
    const std::uint32_t own = a.spare[--a.spares];
    leave(a, p);
    a.pages[p].shows = own;
    a.frames[own].first_page = p;
    std::uint32_t* place = &a.idle;  // a frame without memory: behind the kept ones
    for (std::uint32_t i = 0; i < a.kept; ++i) place = &a.pages[*place].next;
    a.pages[p].next = std::exchange(*place, p);
  }
  // Takes the page off the list of those that show its frame.
  void leave(area& a, std::uint32_t p) noexcept {
    std::uint32_t* place = &a.frames[a.pages[p].shows].first_page;
    while (*place != p) place = &a.pages[*place].next;
    *place = std::exchange(a.pages[p].next, none);
  }

  std::size_t mesh(area& a, std::size_t most) noexcept {
    // The open frames, those with the fewest blocks first: they fit most others.
    std::uint32_t count = 0;
    for (std::uint32_t f = a.open; f != none; f = a.frames[f].next) ++count;
    if (count < 2) return 0;
    result<byte_span> scratch = pages_type::allocate(count * sizeof(std::uint32_t));
    if (!scratch) return 0;
    std::uint32_t* const order = reinterpret_cast<std::uint32_t*>(scratch->data());
    std::uint32_t starts[65] = {};
    for (std::uint32_t f = a.open; f != none; f = a.frames[f].next) ++starts[std::popcount(a.frames[f].taken)];
    for (std::uint32_t sum = 0, i = 0; i <= 64; ++i) sum += std::exchange(starts[i], sum);
    for (std::uint32_t f = a.open; f != none; f = a.frames[f].next)
      order[starts[std::popcount(a.frames[f].taken)]++] = f;
    std::size_t given = 0;
    bool can = true;  // until there are too many mappings
    for (std::uint32_t i = 0; i < count && given < most && can; ++i) {
      const std::uint32_t from = order[i];
      if (from == none) continue;
      // With the fullest first: what fits nothing else should not be left over.
      for (std::size_t k = count - 1; k > i; --k) {
        const std::uint32_t to = order[k];
        if (to == none || (a.frames[from].taken & a.frames[to].taken) != 0) continue;
        can = merge(a, from, to);
        if (can) ++given;
        order[i] = none;
        if (a.frames[to].taken == full) order[k] = none;
        break;
      }
    }
    pages_type::release(*scratch);
    return given;
  }
  // All pages that show `from` show `to`, where the places that they use are free. False: some still show `from`.
  bool merge(area& a, std::uint32_t from, std::uint32_t to) noexcept {
    frame& old = a.frames[from];
    frame& home = a.frames[to];
    while (old.first_page != none) {
      const std::uint32_t p = old.first_page;
      page& moved = a.pages[p];
      std::byte* const source = a.at(p);
      std::byte* const target = a.at(home.first_page);
      for (std::uint64_t rest = moved.live; rest != 0; rest &= rest - 1) {
        const std::size_t place = static_cast<std::size_t>(std::countr_zero(rest)) * block_size;
        unpoison(target + place, block_size);
        std::memcpy(target + place, source + place, block_size);
        poison(target + place, block_size);
      }
      if (!a.memory.show(p, to)) return false;  // the copies lie where nothing is
      leave(a, p);
      moved.shows = to;
      moved.next = std::exchange(a.pages[home.first_page].next, p);  // the first stays
      old.taken &= ~moved.live;
      home.taken |= moved.live;
    }
    close(a, from);
    if (home.taken == full) close(a, to);
    a.memory.drop(from);
    --a.in_memory;
    a.spare[a.spares++] = from;
    return true;
  }

  area* areas_ = nullptr;
  std::size_t live_ = 0;
  std::size_t reserved_ = 0;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_MESHING_POOL_HPP
