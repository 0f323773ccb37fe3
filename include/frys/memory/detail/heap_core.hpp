// heap_core: what one thread of a heap allocates from, and what the heap's cores have in common.
//
// Bins      one list of free blocks for each size class: a free pushes, an allocation pops, the block freed last goes
//           out first. An empty bin takes a slab's whole list; a full one gives its older half back to the slabs.
// Owner     each unit belongs to one core, whose address its tag holds. A thread that frees a block of another core
//           gathers it with others of that core in one of eight outboxes and posts 64 together, by one
//           compare-exchange, to the owner's inbox, which the owner empties when a bin of its own is empty.
// Parking   a core is busy (some thread's) or parked. A thread that leaves flushes and parks its core; the next to join
//           takes it over, with its slabs, and no tag changes. Who posts to a parked core claims it for a moment and
//           empties its inbox: nothing waits for a thread that does not come back.
// Idle      units that no slab uses are kept up to heap_center::idle_bytes for each core, then their pages go back; a
//           chunk without slabs goes to the heap's spare chunks, then to the page source; the core keeps one.
// Source    the inboxes' batches: P. Liétar et al., "snmalloc: a message passing allocator", ISMM 2019; the order of
//           lists: D. Leijen, B. Zorn, L. de Moura, "Mimalloc: free list sharding in action", APLAS 2019.
#ifndef FRYS_MEMORY_DETAIL_HEAP_CORE_HPP
#define FRYS_MEMORY_DETAIL_HEAP_CORE_HPP

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "../../config.hpp"
#include "../../core/bytes.hpp"
#include "../../core/cache_line.hpp"
#include "../../core/error.hpp"
#include "../../core/poison.hpp"
#include "../../core/result.hpp"
#include "../pages.hpp"
#include "heap_chunk.hpp"

namespace frys::inline FRYS_ABI::detail {

// A region at a multiple of `alignment`: of a source that knows alignments, else cut out of one twice as large.
template <class Pages>
struct heap_regions {
  static constexpr bool aligned = requires(std::size_t size) {
    { Pages::allocate(size, size) } -> std::same_as<result<byte_span>>;
  };
  static result<byte_span> allocate(std::size_t size, std::size_t alignment) noexcept {
    if constexpr (aligned) {
      return Pages::allocate(size, alignment);
    } else {
      if (size > most_bytes - alignment) return pages_refused(size);
      return Pages::allocate(size + alignment);
    }
  }
  static std::byte* begin(byte_span memory, std::size_t alignment) noexcept {
    const std::uintptr_t at = reinterpret_cast<std::uintptr_t>(memory.data());
    return memory.data() + (((at + alignment - 1) & ~(std::uintptr_t{alignment} - 1)) - at);
  }
  // True if what was in the pages may be lost, and their memory is somebody else's.
  static constexpr bool discards = requires(byte_span memory) { Pages::discard(memory); };
  static void discard(std::byte* first, std::size_t size) noexcept {
    if constexpr (discards) {
      unpoison(first, size);
      Pages::discard(byte_span(first, size));
    }
  }
};

// What the cores of a heap share. Any thread.
template <class Atomics, class Pages, std::size_t ChunkBytes>
struct heap_center {
  using geometry = heap_geometry<ChunkBytes>;
  using chunk = typename geometry::chunk;
  using regions = heap_regions<Pages>;
  template <class T>
  using atomic = typename Atomics::template atomic<T>;

  static constexpr unsigned spare_chunks = 16;
  atomic<chunk*> spare[spare_chunks]{};
  atomic<std::size_t> reserved{0};  // bytes held of the source
  atomic<std::uint32_t> wishes{0};  // how often all cores were asked to collect
  std::size_t limit = most_bytes;
  std::size_t idle_bytes = std::size_t{4} << 20;

  // Whether `size` more bytes may be asked of the source; counts them if so.
  bool admit(std::size_t size) noexcept {
    // relaxed, here and below: a number that orders nothing.
    std::size_t held = reserved.load(std::memory_order_relaxed);
    do {
      if (size > limit - (std::min)(limit, held)) return false;
    } while (!reserved.compare_exchange_weak(held, held + size, std::memory_order_relaxed, std::memory_order_relaxed));
    return true;
  }
  // relaxed: as in admit.
  void dismiss(std::size_t size) noexcept { reserved.fetch_sub(size, std::memory_order_relaxed); }

  result<byte_span> region(std::size_t size) noexcept {
    if (!admit(size))
      return error{errc::limit_exceeded, domain::memory, "the heap's limit would be passed",
                   static_cast<std::int64_t>(limit)};
    result<byte_span> memory = regions::allocate(size, ChunkBytes);
    if (!memory) dismiss(size);
    return memory;
  }
  void release(byte_span memory, std::size_t size) noexcept {
    unpoison(memory.data(), memory.size());
    Pages::release(memory);
    dismiss(size);
  }

  // A chunk whose units are all free, and clean.
  result<chunk*> take_chunk() noexcept {
    for (auto& place : spare) {
      // relaxed: a look; who finds one takes it by the exchange.
      if (place.load(std::memory_order_relaxed) == nullptr) continue;
      // sync(heap.spare): acquire; who put it there is done with it.
      if (chunk* const c = place.exchange(nullptr, std::memory_order_acquire)) return c;
    }
    result<byte_span> memory = region(ChunkBytes);
    if (!memory) return memory.error();
    chunk* const c = ::new (static_cast<void*>(regions::begin(*memory, ChunkBytes))) chunk;
    c->memory = *memory;
    c->free.set(geometry::header_units, geometry::units - geometry::header_units);
    c->free_count = c->longest = geometry::units - geometry::header_units;
    return c;
  }
  void give_chunk(chunk* c) noexcept {
    for (auto& place : spare) {
      chunk* none = nullptr;
      // sync(heap.spare): release; we are done with it. relaxed on failure: the place is somebody's, look on.
      if (place.compare_exchange_strong(none, c, std::memory_order_release, std::memory_order_relaxed)) return;
    }
    release(c->memory, ChunkBytes);
  }
  void release_spares() noexcept {
    for (auto& place : spare)
      // sync(heap.spare): acquire; as in take_chunk.
      if (chunk* const c = place.exchange(nullptr, std::memory_order_acquire)) release(c->memory, ChunkBytes);
  }
};

template <class Atomics, class Pages, std::size_t ChunkBytes>
struct alignas(256) heap_core {
  using center_type = heap_center<Atomics, Pages, ChunkBytes>;
  using geometry = typename center_type::geometry;
  using regions = typename center_type::regions;
  using classes = typename geometry::classes;
  using chunk = typename geometry::chunk;
  using large = typename geometry::large;
  using slab = heap_slab;
  template <class T>
  using atomic = typename Atomics::template atomic<T>;

  struct bin {
    void* head = nullptr;
    std::uint32_t count = 0;
    std::uint32_t most = 0;
  };
  static constexpr std::uint32_t least_kept = 16, shelf_room = 64;
  // The bin of a class from unit_bytes on: its blocks all begin at the same place of a page, and links in them would
  // meet in one set of each cache.
  struct shelf {
    std::uint32_t count = 0;
    std::array<void*, shelf_room> blocks{};
  };
  static constexpr unsigned shelved = classes::of(geometry::unit_bytes);  // the first such class
  struct outbox {
    heap_core* to = nullptr;
    void* head = nullptr;
    void* last = nullptr;
    std::uint32_t count = 0;
  };
  static constexpr unsigned outboxes = 8;
  static constexpr std::uint32_t letter = 64;  // blocks that are posted together
  // Larger ones are worth posting at once.
  static constexpr std::size_t small_post = 4096;

  explicit heap_core(center_type& shared) noexcept : center(&shared) {
    for (unsigned c = 0; c < classes::count; ++c) {
      const std::size_t fit = bin_bytes / classes::size(c);
      if (c >= shelved) {
        bins[c].most = static_cast<std::uint32_t>((std::min)(8 * fit, std::size_t{shelf_room}));
        continue;
      }
      bins[c].most = static_cast<std::uint32_t>((std::clamp)(fit, std::size_t{least_kept}, most_kept));
    }
  }
  heap_core(const heap_core&) = delete;
  heap_core& operator=(const heap_core&) = delete;
  // Gives back all memory, with what users have not.
  ~heap_core() {
    for (chunk* c = owned; c != nullptr;) {
      chunk* const next = c->next_owned;
      center->release(c->memory, ChunkBytes);
      c = next;
    }
    for (large* l = larges.first; l != nullptr;) {
      large* const next = l->next;
      center->release(l->memory, l->offset + l->size);
      l = next;
    }
  }

  // ---- the way of almost every call

  FRYS_ALWAYS_INLINE void* allocate(std::size_t size) noexcept {
#if defined(__GNUC__)
    if (__builtin_constant_p(size) && size <= classes::largest) return take_any(classes::of(size));
#endif
    if (size <= classes::quick_limit) [[likely]]
      return take(classes::quick(size));
    return allocate_beyond(size);
  }
  FRYS_ALWAYS_INLINE void* take(unsigned c) noexcept {
    bin& b = bins[c];
    void* const p = b.head;
    if (p == nullptr) [[unlikely]]
      return refill(c);
    b.head = heap_link::next(p);
    --b.count;
    unpoison(p, classes::size(c));
    return p;
  }
  FRYS_ALWAYS_INLINE void deallocate(void* p) noexcept {
    const std::uintptr_t code = geometry::tag_of(p) - geometry::address(this);
    if (code >= shelved) [[unlikely]]
      return deallocate_beyond(p);
    put(p, static_cast<unsigned>(code));
  }
  // A block of this core, of that class below `shelved`.
  FRYS_ALWAYS_INLINE void put(void* p, unsigned c) noexcept {
    bin& b = bins[c];
    FRYS_ASSERT(b.head != p, "heap: the block is freed twice");
    heap_link::set(p, b.head);
    poison(p, classes::size(c));
    b.head = p;
    if (++b.count > b.most) [[unlikely]]
      flush(c, b.most / 2);
  }

  // ---- the other ways

  FRYS_ALWAYS_INLINE void* take_any(unsigned c) noexcept {
    if (c < shelved) return take(c);
    shelf& s = shelves[c - shelved];
    if (s.count == 0) [[unlikely]]
      return refill(c);
    void* const p = s.blocks[--s.count];
    unpoison(p, classes::size(c));
    return p;
  }
  void put_shelved(void* p, unsigned c) noexcept {
    shelf& s = shelves[c - shelved];
    if (s.count == bins[c].most) flush(c, bins[c].most / 2);
    poison(p, classes::size(c));
    s.blocks[s.count++] = p;
  }

  // Not aligned beyond what its class gives.
  FRYS_NOINLINE void* allocate_beyond(std::size_t size) noexcept {
    if (size <= classes::largest) return take_any(classes::beyond(size));
    return allocate_units(size, 1);
  }
  FRYS_NOINLINE void* allocate_aligned(std::size_t size, std::size_t alignment) noexcept {
    if (alignment <= 16) return allocate(size);
    if (alignment <= geometry::unit_bytes && size <= classes::largest) {
      // Slabs begin at units, so blocks of a size that is a multiple of the alignment are aligned. The next power of
      // two is one, so this ends.
      for (unsigned c = classes::of((std::max)(size, alignment)); c < classes::count; ++c)
        if (classes::size(c) % alignment == 0) return take_any(c);
    }
    return allocate_units(size, alignment);
  }
  void* allocate_units(std::size_t size, std::size_t alignment) noexcept {
    if (alignment <= geometry::unit_bytes && size <= geometry::most_span_units * geometry::unit_bytes) {
      const unsigned n =
          static_cast<unsigned>(((std::max)(size, std::size_t{1}) + geometry::unit_bytes - 1) / geometry::unit_bytes);
      slab* s = make_slab(n, geometry::span_code);
      if (s == nullptr && drain()) s = make_slab(n, geometry::span_code);
      if (s == nullptr) return nullptr;
      s->used = s->fresh = s->capacity = 1;
      std::byte* const p = geometry::base_of(*s);
      unpoison(p, size);
      return p;
    }
    return allocate_large(size, alignment);
  }
  void* allocate_large(std::size_t size, std::size_t alignment) noexcept {
    if (alignment > ChunkBytes / 2) {
      why = {errc::invalid_argument, domain::memory, "a heap aligns to half a chunk at most",
             static_cast<std::int64_t>(ChunkBytes / 2)};
      return nullptr;
    }
    const std::size_t offset = round_up(geometry::header_units * geometry::unit_bytes, alignment);
    const std::size_t whole = round_up((std::max)(size, std::size_t{1}), page_size);
    if (whole == 0 || whole > most_bytes - offset - ChunkBytes) {
      why = pages_refused(size);
      return nullptr;
    }
    drain();  // there may be large ones among them
    result<byte_span> memory = center->region(offset + whole);
    if (!memory) {
      why = memory.error();
      return nullptr;
    }
    large* const l = ::new (static_cast<void*>(regions::begin(*memory, ChunkBytes))) large;
    l->memory = *memory;
    l->size = whole;
    l->offset = offset;
    std::byte* const p = reinterpret_cast<std::byte*>(l) + offset;
    l->tags[geometry::unit_of(p)] = tag(geometry::large_code);
    larges.push(*l);
    count(in_use, whole);
    return p;
  }

  FRYS_NOINLINE void deallocate_beyond(void* p) noexcept {
    const std::uintptr_t t = geometry::tag_of(p);
    if (const std::uintptr_t own = t - geometry::address(this); own < classes::count) [[likely]]
      return put_shelved(p, static_cast<unsigned>(own));
    FRYS_ASSERT((t & ~geometry::code_mask) != 0, "heap: no block of a heap, or freed before");
    const unsigned code = static_cast<unsigned>(t & geometry::code_mask);
    heap_core* const to = reinterpret_cast<heap_core*>(t & ~geometry::code_mask);
    if (to == this) return put_any(p, code);
    if (code == geometry::large_code) {  // its pages need not wait for the owner
      large* const l = large_of(p);
      regions::discard(static_cast<std::byte*>(p), l->size);
    }
    outbox& box = outgoing[geometry::address(to) / page_size % outboxes];
    if (box.to != to) {
      post(box);
      box.to = to;
    }
    heap_link::set(p, box.head);
    if (code < classes::count) poison(p, classes::size(code));
    if (box.head == nullptr) box.last = p;
    box.head = p;
    if (++box.count >= letter || code >= classes::count || classes::size(code) > small_post) post(box);
  }
  // A block of this core, of whatever kind.
  void put_any(void* p, unsigned code) noexcept {
    if (code < shelved) return put(p, code);
    if (code < classes::count) return put_shelved(p, code);
    if (code == geometry::span_code) return drop(geometry::slab_of(p));
    large* const l = large_of(p);
    larges.remove(*l);
    discount(in_use, l->size);
    center->release(l->memory, l->offset + l->size);
  }
  static large* large_of(const void* p) noexcept { return reinterpret_cast<large*>(geometry::chunk_of(p)); }
  std::uintptr_t tag(unsigned code) const noexcept { return geometry::address(this) | code; }

  // Bytes that the block at `p` has. Any thread that holds the block.
  static std::size_t usable_size(const void* p) noexcept {
    const unsigned code = static_cast<unsigned>(geometry::tag_of(p) & geometry::code_mask);
    if (code < classes::count) return classes::size(code);
    if (code == geometry::span_code) return geometry::slab_of(p).units * geometry::unit_bytes;
    return large_of(p)->size;
  }

  // ---- messages

  void post(outbox& box) noexcept {
    if (box.head == nullptr) return;
    heap_core* const to = box.to;
    // relaxed: only compared, and stored into our own block.
    void* seen = to->inbox.load(std::memory_order_relaxed);
    do {
      heap_link::set(box.last, seen);
      // sync(heap.inbox): seq_cst on success; a release for the blocks' contents, and before our look at `parked` in
      // one order with the owner's store to it and its look at the inbox after: one of the two sees the other. relaxed
      // on failure: as above.
    } while (!to->inbox.compare_exchange_weak(seen, box.head, std::memory_order_seq_cst, std::memory_order_relaxed));
    box.head = box.last = nullptr;
    box.count = 0;
    to->help();
  }
  void post_all() noexcept {
    for (outbox& box : outgoing) post(box);
  }
  // Takes over what others have freed. False if there was nothing.
  bool drain() noexcept {
    // relaxed: a look; what comes this moment is found next time.
    if (inbox.load(std::memory_order_relaxed) == nullptr) return false;
    // sync(heap.inbox): acquire; the blocks' last users are done with them.
    void* p = inbox.exchange(nullptr, std::memory_order_acquire);
    while (p != nullptr) {
      void* const next = heap_link::next(p);
      put_any(p, static_cast<unsigned>(geometry::tag_of(p) & geometry::code_mask));
      p = next;
    }
    return true;
  }

  // ---- parking

  bool claim() noexcept {
    std::uint32_t is = parked_state;
    // relaxed on failure, and for the look: somebody else's.
    if (state.load(std::memory_order_relaxed) != parked_state) return false;
    // sync(heap.state): acquire; who parked it is done with all of it.
    return state.compare_exchange_strong(is, busy_state, std::memory_order_acquire, std::memory_order_relaxed);
  }
  void park() noexcept {
    // sync(heap.state): seq_cst; a release to who claims it next, and before the look at the inbox, see post.
    state.store(parked_state, std::memory_order_seq_cst);
    help();
  }
  // Any thread: if nobody has this core and something came for it, empties its inbox.
  void help() noexcept {
    // seq_cst, twice: see post.
    while (state.load(std::memory_order_seq_cst) == parked_state && inbox.load(std::memory_order_seq_cst) != nullptr) {
      if (!claim()) return;  // who has it looks when he parks it
      settle();
      state.store(parked_state, std::memory_order_seq_cst);
    }
  }
  // What is free goes to whom it belongs, and to the slabs.
  void settle() noexcept {
    do {
      post_all();
      for (unsigned c = 0; c < classes::count; ++c) flush(c, 0);
    } while (drain());
  }
  // Gives back all that is not in use, and idle pages, also those inside of slabs.
  void collect() noexcept {
    // relaxed: who misses a wish fulfils it at the next look.
    collected = center->wishes.load(std::memory_order_relaxed);
    settle();
    for (heap_list<slab>& list : partial)
      for (slab* s = list.first; s != nullptr; s = s->next) discard_inside(*s);
    discard_idle();
  }

  // ---- slabs

  // The bin of class c is empty: fills it, and answers a block of it; nullptr, with `why`, when there is none.
  FRYS_NOINLINE void* refill(unsigned c) noexcept {
    // relaxed: as in collect.
    if (collected != center->wishes.load(std::memory_order_relaxed)) collect();
    if (drain() && has_cached(c)) return take_any(c);
    age();
    slab* s = partial[c].first;
    if (s == nullptr) {
      s = make_slab(geometry::slab_units(c), c);
      if (s == nullptr) return nullptr;
      partial[c].push(*s);
    }
    bin& b = bins[c];
    if (s->free == nullptr && s->fresh == s->capacity) restore(*s);
    std::uint32_t n = 0;
    if (s->free != nullptr) {
      b.head = s->free;
      s->free = nullptr;
      n = s->fresh - s->used - s->gone;  // all that were handed out and are back
    } else {
      // A page at a time: memory that is not needed is not touched.
      n = (std::min)(s->capacity - s->fresh, (std::max)(1u, static_cast<std::uint32_t>(page_size / s->size)));
      std::byte* const at = geometry::base_of(*s) + std::size_t{s->fresh} * s->size;
      void* head = nullptr;
      for (std::uint32_t i = n; i-- != 0;) {
        void* const p = at + std::size_t{i} * s->size;
        heap_link::set(p, head);
        poison(p, s->size);
        head = p;
      }
      b.head = head;
      s->fresh += n;
    }
    b.count = n;
    s->used += n;
    count(in_use, std::size_t{n} * s->size);
    if (!s->has_blocks()) partial[c].remove(*s);
    if (c >= shelved) {
      shelf& to = shelves[c - shelved];
      for (; b.head != nullptr; b.head = heap_link::next(b.head)) to.blocks[to.count++] = b.head;
      b.count = 0;
    }
    return take_any(c);
  }

  // The bin of class c keeps the `keep` blocks that were freed last; the others go to their slabs.
  FRYS_NOINLINE void flush(unsigned c, std::uint32_t keep) noexcept {
    const std::uint32_t cached = c < shelved ? bins[c].count : shelves[c - shelved].count;
    if (cached <= keep) return;
    discount(in_use, std::size_t{cached - keep} * classes::size(c));
    void* rest = c < shelved ? cut(bins[c], keep) : clear(shelves[c - shelved], keep);
    while (rest != nullptr) {
      void* const next = heap_link::next(rest);
      slab& s = geometry::slab_of(rest);
      if (!s.has_blocks()) partial[c].push(s);
      heap_link::set(rest, s.free);
      s.free = rest;
      if (--s.used == 0) {
        partial[c].remove(s);
        free_units(s);
      }
      rest = next;
    }
  }
  // What a bin has beyond the `keep` newest, as a list.
  static void* cut(bin& b, std::uint32_t keep) noexcept {
    b.count = keep;
    if (keep == 0) return std::exchange(b.head, nullptr);
    void* p = b.head;
    for (std::uint32_t i = 1; i < keep; ++i) p = heap_link::next(p);
    void* const rest = heap_link::next(p);
    heap_link::set(p, nullptr);
    return rest;
  }
  static void* clear(shelf& s, std::uint32_t keep) noexcept {
    void* rest = nullptr;
    const std::uint32_t going = s.count - keep;
    for (std::uint32_t i = 0; i < going; ++i) {
      heap_link::set(s.blocks[i], rest);
      rest = s.blocks[i];
    }
    std::move(s.blocks.begin() + going, s.blocks.begin() + s.count, s.blocks.begin());
    s.count = keep;
    return rest;
  }
  [[nodiscard]] bool has_cached(unsigned c) const noexcept {
    return c < shelved ? bins[c].head != nullptr : shelves[c - shelved].count != 0;
  }
  // Once in a while: looks at one bin; if nothing has moved in it since it was looked at last, it is too full.
  void age() noexcept {
    if (++events % 16 != 0) return;
    halve_if_still(aged++ % classes::count);
  }
  void halve_if_still(unsigned c) noexcept {
    const shelf* const s = c < shelved ? nullptr : &shelves[c - shelved];
    void* const newest = s == nullptr ? bins[c].head : s->count != 0 ? s->blocks[s->count - 1] : nullptr;
    if (newest != nullptr && newest == last_seen[c]) flush(c, (s == nullptr ? bins[c].count : s->count) / 2);
    last_seen[c] = newest;
  }
  // A span's block has come back.
  void drop(slab& s) noexcept {
    discount(in_use, s.units * geometry::unit_bytes);
    free_units(s);
  }

  // More memory is about to be in use than ever was: what lies idle in bins and in free units is worth more than that.
  // The next time is a thirty-second later, so that a load that grows for good pays for few of these.
  FRYS_NOINLINE void trim() noexcept {
    for (unsigned c = 0; c < classes::count; ++c) {
      if (c >= shelved)
        flush(c, 0);
      else
        halve_if_still(c);
    }
    discard_idle();
    high_units = (std::max)(high_units, held_units) * 33 / 32 + 4;
  }
  slab* make_slab(unsigned n, unsigned code) noexcept {
    if (held_units + dirty_units + n > high_units) trim();
    chunk* c = open.first;
    unsigned at = geometry::units;
    for (; c != nullptr; c = c->next) {
      if (c->longest < n) continue;
      unsigned longest = 0;
      at = c->free.run(n, longest);
      if (at != geometry::units) break;
      c->longest = longest;
    }
    if (c == nullptr) {
      result<chunk*> taken = center->take_chunk();
      if (!taken) {
        why = taken.error();
        return nullptr;
      }
      c = *taken;
      adopt(*c);
      at = geometry::header_units;
    }
    c->free.clear(at, n);
    c->free_count -= n;
    held_units += n;
    if (c->free_count == 0) open.remove(*c);
    if (c == empty) empty = nullptr;
    for (unsigned u = at; u < at + n; ++u) {
      if (c->dirty.test(u)) {
        c->dirty.clear(u);
        --dirty_units;
      }
      c->tags[u] = tag(code);
      c->slabs[u].first = static_cast<std::uint16_t>(at);
    }
    slab& s = c->slabs[at];
    s = slab{};
    s.first = static_cast<std::uint16_t>(at);
    s.units = static_cast<std::uint16_t>(n);
    s.size_class = static_cast<std::uint8_t>(code);
    if (code < classes::count) {
      s.size = static_cast<std::uint32_t>(classes::size(code));
      s.capacity = static_cast<std::uint32_t>(n * geometry::unit_bytes / s.size);
    } else {
      s.size = static_cast<std::uint32_t>(n * geometry::unit_bytes);
      count(in_use, s.size);
    }
    return &s;
  }
  // The slab has no blocks in use: its units are free.
  void free_units(slab& s) noexcept {
    chunk* const c = geometry::chunk_of(&s);
    const unsigned n = s.units;
    for (unsigned u = s.first; u < s.first + n; ++u) c->tags[u] = 0;
    c->free.set(s.first, n);
    c->dirty.set(s.first, n);
    dirty_units += n;
    held_units -= n;
    if (c->free_count == 0) open.push(*c);
    c->free_count += n;
    c->longest = geometry::units;  // not known
    if (c->free_count == geometry::units - geometry::header_units) {
      if (empty == nullptr)
        empty = c;
      else if (empty != c)
        return part_with(*c);
    }
    if (dirty_units * geometry::unit_bytes > center->idle_bytes) discard_idle();
  }
  void adopt(chunk& c) noexcept {
    open.push(c);
    c.previous_owned = nullptr;
    c.next_owned = owned;
    if (owned != nullptr) owned->previous_owned = &c;
    owned = &c;
  }
  void part_with(chunk& c) noexcept {
    discard(c);
    open.remove(c);
    (c.previous_owned != nullptr ? c.previous_owned->next_owned : owned) = c.next_owned;
    if (c.next_owned != nullptr) c.next_owned->previous_owned = c.previous_owned;
    center->give_chunk(&c);
  }
  // Gives back the pages of units that are free.
  void discard_idle() noexcept {
    for (chunk* c = open.first; c != nullptr && dirty_units != 0; c = c->next) discard(*c);
  }
  void discard(chunk& c) noexcept {
    for (unsigned u = c.dirty.template next<true>(0); u < geometry::units;) {
      const unsigned end = c.dirty.template next<false>(u);
      regions::discard(reinterpret_cast<std::byte*>(&c) + u * geometry::unit_bytes, (end - u) * geometry::unit_bytes);
      c.dirty.clear(u, end - u);
      dirty_units -= end - u;
      u = c.dirty.template next<true>(end);
    }
  }

  // Gives back the pages of a slab in which no block is in use; what lies on them leaves the slab's list.
  void discard_inside(slab& s) noexcept {
    constexpr unsigned most_pages = 32, most_blocks = 1024;
    if (!regions::discards || s.free == nullptr || s.units * geometry::unit_bytes > most_pages * page_size ||
        s.capacity > most_blocks)
      return;
    bit_set<most_blocks> free;
    for (void* p = s.free; p != nullptr; p = heap_link::next(p)) free.set(index_of(s, p));
    const unsigned pages = static_cast<unsigned>(s.units * geometry::unit_bytes / page_size);
    std::uint32_t going = 0;
    for (unsigned page = 0; page < pages; ++page) {
      const std::uint32_t first = static_cast<std::uint32_t>(page * page_size / s.size);
      const std::uint32_t end =
          (std::min)(s.capacity, static_cast<std::uint32_t>(((page + 1) * page_size + s.size - 1) / s.size));
      // Where blocks were never handed out there is little to give back; they would be taken for gone later.
      if (first >= end || end > s.fresh || (s.gone_pages >> page & 1) != 0) continue;
      bool all = true;
      for (std::uint32_t i = first; i < end && all; ++i) all = free.test(i) || is_gone(s, i);
      if (all) going |= 1u << page;
    }
    if (going == 0) return;
    s.gone_pages |= going;
    // The list anew, in the order of addresses, without what lies on a page that goes.
    void* head = nullptr;
    for (std::uint32_t i = s.fresh; i-- != 0;) {
      if (!free.test(i)) continue;
      if (is_gone(s, i)) {
        ++s.gone;
        continue;
      }
      void* const p = block_of(s, i);
      heap_link::set(p, head);
      head = p;
    }
    s.free = head;
    for (unsigned page = 0; page < pages;) {
      const unsigned run = static_cast<unsigned>(std::countr_one(going >> page));
      if (run != 0) regions::discard(geometry::base_of(s) + page * page_size, run * page_size);
      page += run != 0 ? run : 1;
    }
  }
  // Blocks whose pages were given back are free as others are, again.
  void restore(slab& s) noexcept {
    void* head = s.free;
    for (std::uint32_t i = s.fresh; i-- != 0 && s.gone != 0;) {
      if (!is_gone(s, i)) continue;
      void* const p = block_of(s, i);
      heap_link::set(p, head);
      poison(p, s.size);
      head = p;
      --s.gone;
    }
    s.free = head;
    s.gone_pages = 0;
  }
  static void* block_of(const slab& s, std::uint32_t i) noexcept {
    return geometry::base_of(s) + std::size_t{i} * s.size;
  }
  static std::uint32_t index_of(const slab& s, const void* p) noexcept {
    return static_cast<std::uint32_t>(
        static_cast<std::size_t>(static_cast<const std::byte*>(p) - geometry::base_of(s)) / s.size);
  }
  // Whether block i lies, in part, on a page that was given back.
  static bool is_gone(const slab& s, std::uint32_t i) noexcept {
    const std::size_t begin = std::size_t{i} * s.size / page_size;
    const std::size_t last = (std::size_t{i} * s.size + s.size - 1) / page_size;
    const std::uint64_t pages = ((std::uint64_t{2} << (last - begin)) - 1) << begin;
    return (s.gone_pages & pages) != 0;
  }

  // A number that this thread writes and any may read.
  static void count(atomic<std::size_t>& number, std::size_t more) noexcept {
    // relaxed: one writer, and it orders nothing.
    number.store(number.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  static void discount(atomic<std::size_t>& number, std::size_t less) noexcept {
    number.store(number.load(std::memory_order_relaxed) - less, std::memory_order_relaxed);
  }

  // A bin keeps bin_bytes, but no more than most_kept blocks; shelves keep eight times the bytes.
  static constexpr std::size_t bin_bytes = 512 * 1024, most_kept = 2048;
  static constexpr std::uint32_t busy_state = 0, parked_state = 1;

  std::array<bin, classes::count> bins{};
  std::array<heap_list<slab>, classes::count> partial{};  // slabs with blocks
  std::array<void*, classes::count> last_seen{};          // see age
  std::array<shelf, classes::count - shelved> shelves{};
  std::array<outbox, outboxes> outgoing{};
  heap_list<chunk> open;        // chunks with free units
  heap_list<large> larges;      // large blocks
  chunk* owned = nullptr;       // all chunks
  chunk* empty = nullptr;       // one without slabs, kept
  std::size_t dirty_units = 0;  // free units whose pages were not given back
  std::size_t held_units = 0;   // units in slabs and spans
  std::size_t high_units = 0;   // beyond which trim is called
  std::uint32_t events = 0, aged = 0;
  std::uint32_t collected = 0;  // the last wish that it fulfilled
  center_type* center;
  error why{errc::out_of_memory, domain::memory, "the heap has no memory", 0};  // of the last refusal
  heap_core* next_core = nullptr;                     // of all cores of the heap; set before it can be found
  byte_span place;                                    // where this core lies
  alignas(cache_line) atomic<std::size_t> in_use{0};  // bytes in bins and with users
  alignas(cache_line) atomic<void*> inbox{nullptr};
  atomic<std::uint32_t> state{busy_state};
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_MEMORY_DETAIL_HEAP_CORE_HPP
