// shared_region: an allocator, and a table of names, in memory that several processes map, each where it likes.
//
// Use when  processes share structures or hand over large messages: allocate and fill in one, pass the region_ptr (by a
//           name, a shared_ring, a socket), resolve it in the other. Nothing is copied.
// Not when  one process is meant (heap, arena); all that is shared is one queue (shared_ring in memory of your own).
// Roles     everything: any thread of any process, each process with a handle of its own.
// Progress  lock-free: a process that is stopped or killed anywhere stands in nobody's way. What it had allocated, and
//           the block that it was just taking or giving back, stay taken.
// Cost      an allocation or a release: one compare-exchange on the list of its size class. A fresh block: one on the
//           common end of what was used. No header: who gives back says the size, as to any raw_allocator. Sizes are
//           rounded up by a quarter at most (to a power of two for alignments above 16). Names: a walk over them all.
// Ordering  what was done to a block before its release happens-before who gets it next; what was written before put
//           happens-before who finds it.
// Trust     the others may write anything anywhere, at any time. Each word of the region is read once, into a local,
//           and checked against the size that this handle found when it was opened. So an operation answers an error or
//           memory inside the region, ends, and touches nothing else. The memory that it answers may be in use by
//           somebody else then, and what lies in it is the others' word.
// Errors    out_of_memory: no block of that size is left (number: the bytes asked for). corrupt: what stands in the
//           region makes no sense (number: the offset); a list in which it was found is emptied, so that the next call
//           goes on without. busy: somebody changes the same word without end. put: already_exists, limit_exceeded (the
//           names, or a size of 4 GiB), invalid_argument (the name, or no block of the region). find, remove:
//           not_found. create, open: the mapping's; already_exists and not_found, a region is there or none yet;
//           corrupt, something else is; truncated, it is longer than its memory; version_mismatch, of another layout.
// Lifetime  the region ends with its memory; nobody runs destructors. A handle holds its mapping.
// Policies, in any order, each at most once:
//   policy::mapping<M>  where shared memory comes from   default os_shared_memory
//   policy::atomics<A>  the atomics model                default atomics::standard
//   policy::pages<P>    where join takes its notes from  default os_pages
// Source    the lists: R. K. Treiber, "Systems programming: coping with parallelism", 1986, with a counter beside each.
#ifndef FRYS_MEMORY_SHARED_REGION_HPP
#define FRYS_MEMORY_SHARED_REGION_HPP

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/bytes.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "pages.hpp"
#include "shared_memory.hpp"

namespace frys::inline FRYS_ABI {

namespace detail {

// What may lie where others write: every use of it must stay inside the region, whatever its bytes are.
template <class T>
inline constexpr bool lies_in_region = std::is_object_v<T> && !std::is_pointer_v<T> && !std::is_polymorphic_v<T>;

// A value out of memory that others write. After this the compiler has nowhere else to read it from: what is checked
// is what is used.
inline std::uint64_t read_once(std::uint64_t value) noexcept {
#if defined(__GNUC__)
  asm volatile("" : "+r"(value));
  return value;
#else
  const volatile std::uint64_t kept = value;
  return kept;
#endif
}

// The size classes of a region, counted in granules. Up to 8 granules one each, then four to each doubling; behind
// them the aligned ones: powers of two, each aligned to its size or a page.
struct region_classes {
  static constexpr std::size_t granule = 16;
  static constexpr std::size_t plain = 124;
  static constexpr std::size_t count = plain + 32;

  std::size_t list = 0;
  std::uint64_t granules = 0;
  std::uint64_t alignment = 1;  // in granules

  // The smallest class whose blocks have so many granules.
  static constexpr region_classes holding(std::uint64_t granules) noexcept {
    if (granules <= 8)
      return {static_cast<std::size_t>(granules == 0 ? 0 : granules - 1), granules == 0 ? 1 : granules, 1};
    const auto power = static_cast<unsigned>(std::bit_width(granules - 1) - 1);  // 3 or more
    const std::uint64_t step = (granules - 1) >> (power - 2);                    // 4 to 7
    return {8 + (power - 3) * 4 + static_cast<std::size_t>(step - 4), (step + 1) << (power - 2), 1};
  }
  // The largest that has no more.
  static constexpr region_classes within(std::uint64_t granules) noexcept {
    if (granules <= 8) return holding(granules);
    const auto power = static_cast<unsigned>(std::bit_width(granules) - 1);
    return holding((granules >> (power - 2)) << (power - 2));
  }
  static constexpr region_classes number(std::size_t list) noexcept {
    if (list < 8) return {list, list + 1, 1};
    if (list < plain) return {list, (std::uint64_t{5} + (list - 8) % 4) << ((list - 8) / 4 + 1), 1};
    return aligned(static_cast<unsigned>(list - plain) + 5);
  }
  static constexpr region_classes aligned(unsigned power) noexcept {
    const std::uint64_t granules = (std::uint64_t{1} << power) / granule;
    return {plain + power - 5, granules, (std::min)(granules, std::uint64_t{page_size / granule})};
  }
  // For `size` bytes; both are checked before.
  static constexpr region_classes of(std::size_t size, std::size_t alignment) noexcept {
    if (alignment <= granule) return holding((std::uint64_t{size} + granule - 1) / granule);
    return aligned(static_cast<unsigned>(std::bit_width((std::max)(size, alignment) - 1)));
  }
};

}  // namespace detail

// Where a T lies in a region: an offset, the same in every process. Lies in the region itself, or travels. 0: nowhere.
// T may be incomplete, so that structures of them can be written.
template <class T>
struct region_ptr {
  std::uint64_t offset = 0;

  [[nodiscard]] bool is_null() const noexcept { return offset == 0; }
  friend bool operator==(const region_ptr&, const region_ptr&) = default;
};
// The same for `count` elements in a row.
template <class T>
struct region_span {
  region_ptr<T> first;
  std::uint64_t count = 0;
};

template <class... Policies>
class shared_region {
  using accepted = policy::keys<policy::mapping_key, policy::atomics_key, policy::pages_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::shared_region: unknown policy; it takes policy::mapping, policy::atomics, policy::pages and "
                "policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::shared_region: a policy is given twice; name each at most once");

 public:
  using mapping_source = typename policy::pick<policy::mapping<os_shared_memory>, Policies...>::type;
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(shared_memory_source<mapping_source>,
                "frys::shared_region: policy::mapping wants a source of shared memory, see memory/shared_memory.hpp");
  static_assert(atomics_model<atomics_type>,
                "frys::shared_region: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(page_source<pages_type>,
                "frys::shared_region: policy::pages wants a page source, see core/concepts.hpp");

  static constexpr std::size_t alignment = page_size;  // of the region, and the most of a block
  static constexpr std::size_t most_names = 256;       // ever put, whatever became of them
  static constexpr std::size_t longest_name = 48;      // bytes

  // --- making and opening. All but create(byte_span) and attach hold the memory.

  // Anonymous memory of `bytes`, rounded up to pages; hand mapping().shared_handle() to the others.
  [[nodiscard]] static result<shared_region> create(std::size_t bytes) noexcept {
    return hold(mapping_source::create(bytes), true);
  }
  // Memory under a name, which must be new.
  [[nodiscard]] static result<shared_region> create(std::string_view name, std::size_t bytes) noexcept {
    return hold(mapping_source::create(name, bytes), true);
  }
  [[nodiscard]] static result<shared_region> open(std::string_view name) noexcept {
    return hold(mapping_source::open(name), false);
  }
  // The caller keeps `other`, and closes it.
  [[nodiscard]] static result<shared_region> open(typename mapping_source::handle other) noexcept {
    return hold(mapping_source::open(other), false);
  }
  // A region in memory of the caller's, zeroed or holding anything but a region.
  [[nodiscard]] static result<shared_region> create(byte_span memory) noexcept {
    if (auto fine = check(memory); !fine) return fine.error();
    std::uint64_t found = 0;
    std::memcpy(&found, memory.data(), sizeof(found));
    if (found == magic) return error{errc::already_exists, domain::memory, "a region lives in this memory", 0};
    head* const h = ::new (static_cast<void*>(memory.data())) head{};
    // relaxed: published with the magic.
    word(h->layout).store(layout_version, std::memory_order_relaxed);
    word(h->bytes).store(memory.size(), std::memory_order_relaxed);
    word(h->top).store(first_granule, std::memory_order_relaxed);
    // sync(shared_region.ready): release; who finds the magic finds the region.
    word(h->ready).store(magic, std::memory_order_release);
    return shared_region(memory.first(memory.size()));
  }
  // The region that another process has created in `memory`.
  [[nodiscard]] static result<shared_region> attach(byte_span memory) noexcept {
    if (auto fine = check(memory); !fine) return fine.error();
    head& h = *std::launder(reinterpret_cast<head*>(memory.data()));
    // sync(shared_region.ready): acquire; then all that create wrote is there.
    const std::uint64_t found = word(h.ready).load(std::memory_order_acquire);
    if (found == 0) return error{errc::not_found, domain::memory, "nobody has created a region in this memory yet", 0};
    if (found != magic) return error{errc::corrupt, domain::memory, "what lies in this memory is no region", 0};
    // relaxed: came with the magic, and nobody changes them.
    const std::uint64_t layout = word(h.layout).load(std::memory_order_relaxed);
    if (layout != layout_version)
      return error{errc::version_mismatch, domain::memory, "the region is of another layout",
                   static_cast<std::int64_t>(layout & 0xffff'ffff)};
    const std::uint64_t bytes = word(h.bytes).load(std::memory_order_relaxed);
    if (bytes > memory.size())
      return error{errc::truncated, domain::memory, "the region is longer than its memory",
                   static_cast<std::int64_t>(memory.size())};
    if (bytes < least_bytes) return corrupt_at(offsetof(head, bytes));
    return shared_region(memory.first(static_cast<std::size_t>(bytes)));
  }

  shared_region(shared_region&& other) noexcept = default;
  shared_region& operator=(shared_region&& other) noexcept = default;

  // The whole region, as this process sees it.
  [[nodiscard]] byte_span bytes() const noexcept { return memory_; }
  // What holds the memory; empty for attach.
  [[nodiscard]] const typename mapping_source::mapping& mapping() const noexcept { return mapping_; }

  // --- the allocator: a raw_allocator, and an owning one.

  // `size` bytes that are uninitialised (zero, if nobody has had them), aligned to `align`, a power of two up to a
  // page.
  [[nodiscard]] result<void*> allocate(std::size_t size, std::size_t align = classes::granule) noexcept {
    FRYS_ASSERT(std::has_single_bit(align), "shared_region::allocate: the alignment is not a power of two");
    if (align > alignment)
      return error{errc::invalid_argument, domain::memory, "a shared region aligns to a page at most",
                   static_cast<std::int64_t>(alignment)};
    if (size > end_ * classes::granule) return refused(size);
    const classes wanted = classes::of(size, align);
    result<std::uint64_t> at = pop(wanted);
    if (at && *at == 0) at = bump(wanted);
    if (at && *at == 0) at = split(wanted);
    if (!at) return at.error();
    if (*at == 0) return refused(size);
    return static_cast<void*>(memory_.data() + *at * classes::granule);
  }
  // Gives back what allocate answered, here or in another process, with the same size and alignment.
  void deallocate(void* block, std::size_t size, std::size_t align = classes::granule) noexcept {
    const std::uint64_t at = granule_of(block);
    const bool sane =
        size <= end_ * classes::granule && align <= alignment && at != 0 && fits(at, classes::of(size, align));
    FRYS_ASSERT(sane, "shared_region::deallocate: no block of this region has that size");
    if (sane) push(at, classes::of(size, align).list);
  }
  // Joins free blocks that are neighbours into larger ones. Answers the bytes of the longest run. Until it is done,
  // what it has taken is missing to the others, and is lost if this process dies: for quiet times, or when a large
  // block is refused. O(free blocks), and a bit of this process's memory for each 16 bytes of the region
  // (out_of_memory).
  result<std::size_t> join() noexcept {
    const auto words = static_cast<std::size_t>((end_ + 63) / 64);
    result<byte_span> memory = pages_type::allocate(words * sizeof(std::uint64_t));
    if (!memory) return memory.error();
    auto* const is_free = reinterpret_cast<std::uint64_t*>(memory->data());
    const auto bit = [is_free](std::uint64_t at) { return (is_free[at / 64] >> at % 64 & 1) != 0; };
    result<void> fine;
    for (std::size_t list = 0; list < classes::count; ++list) {
      const classes c = classes::number(list);
      result<std::uint64_t> at = take_all(list);
      // A block that stands there twice ends the walk: so does a circle.
      while (at && *at != 0) {
        if (!fits(*at, c) || bit(*at)) {
          at = corrupt_at(offsetof(head, lists) + list * sizeof(std::uint64_t));
          break;
        }
        for (std::uint64_t i = *at; i < *at + c.granules; ++i) is_free[i / 64] |= std::uint64_t{1} << i % 64;
        at = std::uint64_t{next_of(*at)};
      }
      if (!at) fine = at.error();
    }
    std::uint64_t longest = 0;
    for (std::uint64_t at = first_granule; at < end_;) {
      if (is_free[at / 64] == 0) {
        at = (at / 64 + 1) * 64;
      } else if (!bit(at)) {
        ++at;
      } else {
        const std::uint64_t begin = at;
        while (at < end_ && bit(at)) ++at;
        give(begin, at - begin);
        longest = (std::max)(longest, at - begin);
      }
    }
    pages_type::release(*memory);
    if (!fine) return fine.error();
    return static_cast<std::size_t>(longest) * classes::granule;
  }
  // Whether `memory` lies in the region.
  [[nodiscard]] bool owns(const void* memory) const noexcept {
    return reinterpret_cast<std::uintptr_t>(memory) - reinterpret_cast<std::uintptr_t>(memory_.data()) < memory_.size();
  }
  // Bytes that no allocation has ever reached; the rest is in use, or waits in the list of its size.
  [[nodiscard]] std::size_t untouched() const noexcept {
    // relaxed: a number for people.
    const std::uint64_t top = word(here().top).load(std::memory_order_relaxed);
    return top >= first_granule && top <= end_ ? static_cast<std::size_t>(end_ - top) * classes::granule : 0;
  }

  // --- pointers that hold in every process.

  // To what lies at `object`, in this region; null for what does not.
  template <class T>
  [[nodiscard]] region_ptr<T> pointer_to(T* object) const noexcept {
    if (!owns(object)) return {};
    return {static_cast<std::uint64_t>(reinterpret_cast<std::byte*>(object) - memory_.data())};
  }
  // Where it lies here. corrupt, if that is outside the region, in its head, or not aligned; not_found for null. Hand a
  // pointer that lies in the region over as it lies there: it is read once.
  template <class T>
  [[nodiscard]] result<T*> get(region_ptr<T> p) const noexcept {
    result<std::span<T>> one = get(region_span<T>{p, 1});
    if (!one) return one.error();
    return one->data();
  }
  template <class T>
  [[nodiscard]] result<std::span<T>> get(region_span<T> s) const noexcept {
    static_assert(detail::lies_in_region<T>,
                  "frys::shared_region::get<T>: T lies where other processes write: it must be an object, no pointer, "
                  "and without virtual functions");
    const std::uint64_t offset = detail::read_once(s.first.offset), count = detail::read_once(s.count);
    if (offset == 0) return error{errc::not_found, domain::memory, "the pointer into the region is null", 0};
    if (offset < sizeof(head) || offset > memory_.size() || count > (memory_.size() - offset) / sizeof(T) ||
        offset % alignof(T) != 0)
      return corrupt_at(offset);
    return std::span<T>(reinterpret_cast<T*>(memory_.data() + offset), static_cast<std::size_t>(count));
  }

  // --- names: the roots from which processes find the rest.

  // `object` is a block of the region, of which others shall see `size` bytes under `name` (1 to 48 bytes).
  result<void> put(std::string_view name, const void* object, std::size_t size) noexcept {
    const std::uint64_t at = granule_of(object);
    if (!is_name(name)) return bad_name();
    if (at == 0 || size > memory_.size() - at * classes::granule)
      return error{errc::invalid_argument, domain::memory, "what is put under a name must be a block of the region", 0};
    if (size > 0xffff'ffff)
      return error{errc::limit_exceeded, domain::memory, "a named object is shorter than 4 GiB", 0xffff'ffff};
    return put_value(name, at | std::uint64_t{size} << 32);
  }
  // The bytes that lie there under `name`.
  [[nodiscard]] result<byte_span> find(std::string_view name) const noexcept {
    result<std::uint64_t> at = lookup(name);
    if (!at) return at.error();
    // sync(shared_region.value): acquire; what was written before put is there.
    return shown(word(record_at(*at).value).load(std::memory_order_acquire));
  }
  // The name finds nothing from here on. Answers what it has named, which is the caller's to give back, once no other
  // process uses it.
  result<byte_span> remove(std::string_view name) noexcept {
    result<std::uint64_t> at = lookup(name);
    if (!at) return at.error();
    // sync(shared_region.value): acquire; as for find. The next put of this name needs nothing from us.
    return shown(word(record_at(*at).value).exchange(0, std::memory_order_acquire));
  }

  // A T(args...) in the region, under `name`. Its destructor is never run.
  template <class T, class... Args>
  requires std::is_nothrow_constructible_v<T, Args...> result<T*> make(std::string_view name, Args&&... args)
  noexcept {
    static_assert(detail::lies_in_region<T> && std::is_trivially_destructible_v<T>,
                  "frys::shared_region::make<T>: T lies where other processes write: no pointer, no virtual functions, "
                  "and no destructor, since nobody runs it");
    result<void*> memory = allocate(sizeof(T), alignof(T));
    if (!memory) return memory.error();
    T* const made = ::new (*memory) T(std::forward<Args>(args)...);
    if (result<void> done = put(name, made, sizeof(T)); !done) {
      deallocate(made, sizeof(T), alignof(T));
      return done.error();
    }
    return made;
  }
  // The T that lies under `name`; version_mismatch where something of another size does.
  template <class T>
  [[nodiscard]] result<T*> find(std::string_view name) const noexcept {
    result<byte_span> found = find(name);
    if (!found) return found.error();
    if (found->size() != sizeof(T))
      return error{errc::version_mismatch, domain::memory, "what lies under the name has another size",
                   static_cast<std::int64_t>(found->size())};
    return get(region_ptr<T>{static_cast<std::uint64_t>(found->data() - memory_.data())});
  }

 private:
  using classes = detail::region_classes;
  template <class U>
  using atomic_ref = typename atomics_type::template atomic_ref<U>;
  static_assert(atomic_ref<std::uint64_t>::is_always_lock_free && atomic_ref<std::uint32_t>::is_always_lock_free,
                "frys::shared_region: this machine's atomics have locks, which two processes do not share");

  static constexpr std::uint64_t magic = 0x6f69'6765'7273'7966;  // "fysregio"
  static constexpr std::uint64_t layout_version = 1;             // grows with any change of what lies in the region

  // All words of it are shared, and plain: the handle reaches them by atomic_ref.
  struct head {
    std::uint64_t ready = 0;  // the magic, once the rest is there
    std::uint64_t layout = 0;
    std::uint64_t bytes = 0;
    alignas(64) std::uint64_t top = 0;  // the first granule that was never handed out
    std::uint64_t names = 0;            // the newest record
    alignas(64)
        std::uint64_t lists[classes::count] = {};  // of free blocks: the first granule; above it, 32 bits of changes
  };
  // A name and what it names. Never given back, and never changed but for `value`: a walk needs no protection.
  struct record {
    std::uint64_t value = 0;  // the first granule; above it, 32 bits of size. 0: nothing now
    std::uint32_t next = 0;   // the record before this one
    std::uint32_t length = 0;
    char text[longest_name] = {};
  };
  static constexpr std::uint64_t first_granule = (sizeof(head) + classes::granule - 1) / classes::granule;
  static constexpr std::uint64_t record_granules = sizeof(record) / classes::granule;
  static constexpr std::size_t least_bytes = (first_granule + 1) * classes::granule;
  // Losing so many races in a row is no accident.
  static constexpr unsigned attempts = 1u << 20;

  explicit shared_region(byte_span memory) noexcept
      : memory_(memory),
        end_((std::min)(std::uint64_t{memory.size()} / classes::granule, std::uint64_t{0xffff'ffff})) {}

  static result<shared_region> hold(result<typename mapping_source::mapping> mapped, bool fresh) noexcept {
    if (!mapped) return mapped.error();
    result<shared_region> out = fresh ? create(mapped->bytes()) : attach(mapped->bytes());
    if (out) out->mapping_ = *std::move(mapped);
    return out;
  }
  static result<void> check(byte_span memory) noexcept {
    if (reinterpret_cast<std::uintptr_t>(memory.data()) % alignment != 0)
      return error{errc::invalid_argument, domain::memory, "the memory of a shared region is not aligned to a page",
                   static_cast<std::int64_t>(alignment)};
    if (memory.size() < least_bytes)
      return error{errc::invalid_argument, domain::memory, "the memory of a shared region is too small",
                   static_cast<std::int64_t>(least_bytes)};
    return {};
  }

  head& here() const noexcept { return *std::launder(reinterpret_cast<head*>(memory_.data())); }
  static atomic_ref<std::uint64_t> word(std::uint64_t& w) noexcept { return atomic_ref<std::uint64_t>(w); }

  // The granule at which `block` begins; 0 if it is outside, in the head, or between two.
  std::uint64_t granule_of(const void* block) const noexcept {
    const std::uintptr_t offset =
        reinterpret_cast<std::uintptr_t>(block) - reinterpret_cast<std::uintptr_t>(memory_.data());
    if (offset >= memory_.size() || offset % classes::granule != 0) return 0;
    const std::uint64_t at = offset / classes::granule;
    return at >= first_granule && at < end_ ? at : 0;
  }
  bool fits(std::uint64_t at, const classes& c) const noexcept {
    return at >= first_granule && at < end_ && c.granules <= end_ - at && at % c.alignment == 0;
  }

  // --- errors
  static error refused(std::size_t size) noexcept {
    return {errc::out_of_memory, domain::memory, "the shared region has no block of that size left",
            static_cast<std::int64_t>((std::min)(size, detail::most_bytes))};
  }
  static error corrupt_at(std::uint64_t offset) noexcept {
    return {errc::corrupt, domain::memory, "what another process wrote into the shared region makes no sense",
            static_cast<std::int64_t>(offset & 0x7fff'ffff'ffff'ffff)};
  }
  static error interfered() noexcept {
    return {errc::busy, domain::memory, "another process changes the shared region without end", 0};
  }
  static error bad_name() noexcept {
    return {errc::invalid_argument, domain::memory, "a name in a shared region has 1 to 48 bytes",
            static_cast<std::int64_t>(longest_name)};
  }

  // --- lists of free blocks. The first granule of a block that is free holds the next one, in 32 bits.
  std::uint32_t& link(std::uint64_t at) const noexcept {
    return *reinterpret_cast<std::uint32_t*>(memory_.data() + at * classes::granule);
  }
  // The link of a block that may be somebody's by now, who writes there what he likes: then the count beside the first
  // has changed, and nothing comes of it.
  std::uint32_t next_of(std::uint64_t at) const noexcept {
#if FRYS_TSAN
    if constexpr (std::is_base_of_v<atomics::real, atomics_type>) return unwatched(&link(at));
#endif
    // relaxed: the link was written before the block became the first, which was read with acquire.
    return atomic_ref<std::uint32_t>(link(at)).load(std::memory_order_relaxed);
  }
#if FRYS_TSAN
  __attribute__((no_sanitize("thread"), noinline)) static std::uint32_t unwatched(const volatile std::uint32_t* p) {
    return *p;
  }
#endif
  static constexpr std::uint64_t changed(std::uint64_t word, std::uint64_t first) noexcept {
    return ((word >> 32) + 1) << 32 | first;
  }

  // The first block of the list, or 0.
  result<std::uint64_t> pop(const classes& c) const noexcept {
    const auto list = word(here().lists[c.list]);
    for (unsigned i = 0; i < attempts; ++i) {
      // sync(shared_region.list): acquire; whoever gave the block back is done with it, and has written its link.
      std::uint64_t found = list.load(std::memory_order_acquire);
      const std::uint64_t at = found & 0xffff'ffff;
      if (at == 0) return std::uint64_t{0};
      if (!fits(at, c)) {
        // relaxed: nothing of the list is used. Whether it was emptied by us or changed by others is the same.
        (void)list.compare_exchange_strong(found, changed(found, 0), std::memory_order_relaxed,
                                           std::memory_order_relaxed);
        return corrupt_at(offsetof(head, lists) + c.list * sizeof(std::uint64_t));
      }
      const std::uint32_t next = next_of(at);
      // relaxed: it compares what was read with acquire. Only an exchange changes the list, so that who reads what this
      // one leaves still sees what was done by who gave the block back.
      if (list.compare_exchange_weak(found, changed(found, next), std::memory_order_relaxed, std::memory_order_relaxed))
        return at;
    }
    return interfered();
  }
  // The first block of the list, with all that follow it; the list is empty.
  result<std::uint64_t> take_all(std::size_t list_number) const noexcept {
    const auto list = word(here().lists[list_number]);
    for (unsigned i = 0; i < attempts; ++i) {
      // sync(shared_region.list): acquire; as in pop.
      std::uint64_t found = list.load(std::memory_order_acquire);
      if ((found & 0xffff'ffff) == 0) return std::uint64_t{0};
      // relaxed: as in pop.
      if (list.compare_exchange_weak(found, changed(found, 0), std::memory_order_relaxed, std::memory_order_relaxed))
        return found & 0xffff'ffff;
    }
    return interfered();
  }
  void push(std::uint64_t at, std::size_t list_number) const noexcept {
    const auto list = word(here().lists[list_number]);
    std::uint64_t found = list.load(std::memory_order_relaxed);  // relaxed: the exchange below compares it
    for (unsigned i = 0; i < attempts; ++i) {
      // relaxed: published by the exchange. Whatever the first is, it becomes the next: pop looks at it.
      atomic_ref<std::uint32_t>(link(at)).store(static_cast<std::uint32_t>(found), std::memory_order_relaxed);
      // sync(shared_region.list): release; we are done with the block. relaxed on failure: compared again.
      if (list.compare_exchange_weak(found, changed(found, at), std::memory_order_release, std::memory_order_relaxed))
        return;
    }
  }
  // `granules` from `at` on, which are ours, into the lists of what they make.
  void give(std::uint64_t at, std::uint64_t granules) const noexcept {
    while (granules != 0) {
      const classes c = classes::within(granules);
      push(at, c.list);
      at += c.granules;
      granules -= c.granules;
    }
  }
  // A block that nobody has had, or 0.
  result<std::uint64_t> bump(const classes& c) const noexcept {
    const auto top = word(here().top);
    // relaxed, and below: nobody has written where nobody was, so that nothing is handed on.
    std::uint64_t found = top.load(std::memory_order_relaxed);
    for (unsigned i = 0; i < attempts; ++i) {
      if (found < first_granule || found > end_) return corrupt_at(offsetof(head, top));
      const std::uint64_t at = (found + c.alignment - 1) / c.alignment * c.alignment;
      if (at > end_ || c.granules > end_ - at) return std::uint64_t{0};
      // relaxed: as above.
      if (top.compare_exchange_weak(found, at + c.granules, std::memory_order_relaxed, std::memory_order_relaxed)) {
        give(found, at - found);
        return at;
      }
    }
    return interfered();
  }
  // A part of a larger free block, or 0; the rest goes to the lists.
  result<std::uint64_t> split(const classes& c) const noexcept {
    for (std::size_t list = 0; list < classes::count; ++list) {
      const classes from = classes::number(list);
      if (from.granules < c.granules + (from.alignment >= c.alignment ? 0 : c.alignment - 1)) continue;
      result<std::uint64_t> found = pop(from);
      if (!found) return found;
      if (*found == 0) continue;
      const std::uint64_t at = (*found + c.alignment - 1) / c.alignment * c.alignment;
      give(*found, at - *found);
      give(at + c.granules, *found + from.granules - (at + c.granules));
      return at;
    }
    return std::uint64_t{0};
  }

  // --- names: a list that only grows, newest first.
  static bool is_name(std::string_view name) noexcept { return !name.empty() && name.size() <= longest_name; }
  record& record_at(std::uint64_t at) const noexcept {
    return *std::launder(reinterpret_cast<record*>(memory_.data() + at * classes::granule));
  }
  // The record of `name` in the list that begins with `first`, or 0; `walked` counts.
  result<std::uint64_t> walk(std::uint64_t first, std::string_view name, std::size_t& walked) const noexcept {
    for (std::uint64_t at = first & 0xffff'ffff; at != 0;) {
      if (!fits(at, {0, record_granules, 1}) || walked >= most_names) return corrupt_at(at * classes::granule);
      ++walked;
      const record& r = record_at(at);
      if (detail::read_once(r.length) == name.size() && std::memcmp(r.text, name.data(), name.size()) == 0) return at;
      at = detail::read_once(r.next);
    }
    return std::uint64_t{0};
  }
  result<std::uint64_t> lookup(std::string_view name) const noexcept {
    if (!is_name(name)) return bad_name();
    std::size_t walked = 0;
    // sync(shared_region.names): acquire; the records are written.
    result<std::uint64_t> found = walk(word(here().names).load(std::memory_order_acquire), name, walked);
    if (found && *found == 0) return nothing_there();
    return found;
  }
  static error nothing_there() noexcept {
    return {errc::not_found, domain::memory, "nothing lies in the shared region under that name", 0};
  }
  result<byte_span> shown(std::uint64_t value) const noexcept {
    const std::uint64_t at = value & 0xffff'ffff, size = value >> 32;
    if (value == 0) return nothing_there();
    if (at < first_granule || at >= end_ || size > memory_.size() - at * classes::granule)
      return corrupt_at(at * classes::granule);
    return memory_.subspan(static_cast<std::size_t>(at) * classes::granule, static_cast<std::size_t>(size));
  }
  result<void> put_value(std::string_view name, std::uint64_t value) noexcept {
    const error exists{errc::already_exists, domain::memory, "something lies in the shared region under that name", 0};
    const auto names = word(here().names);
    record* fresh = nullptr;
    const auto give_up = [&](error why) {
      if (fresh != nullptr) deallocate(fresh, sizeof(record), alignof(record));
      return why;
    };
    for (unsigned i = 0; i < attempts; ++i) {
      // sync(shared_region.names): acquire; the records are written.
      std::uint64_t newest = names.load(std::memory_order_acquire);
      std::size_t walked = 0;
      result<std::uint64_t> found = walk(newest, name, walked);
      if (!found) return give_up(found.error());
      if (*found != 0) {
        std::uint64_t none = 0;
        // sync(shared_region.value): release; what the caller wrote is there for who finds it. relaxed on failure: its
        // value is not used.
        const bool done =
            word(record_at(*found).value)
                .compare_exchange_strong(none, value, std::memory_order_release, std::memory_order_relaxed);
        if (!done) return give_up(exists);
        if (fresh != nullptr) deallocate(fresh, sizeof(record), alignof(record));
        return {};
      }
      if (walked >= most_names)
        return give_up({errc::limit_exceeded, domain::memory, "the shared region has no room for another name",
                        static_cast<std::int64_t>(most_names)});
      if (fresh == nullptr) {
        result<void*> memory = allocate(sizeof(record), alignof(record));
        if (!memory) return memory.error();
        fresh = ::new (*memory) record{};
        fresh->length = static_cast<std::uint32_t>(name.size());
        std::memcpy(fresh->text, name.data(), name.size());
        word(fresh->value).store(value, std::memory_order_relaxed);  // relaxed: published with the record
      }
      fresh->next = static_cast<std::uint32_t>(newest);
      // sync(shared_region.names): release; the record and what it names are written. Records stay: the newest is the
      // same only if none was added since the walk, so that no name comes twice. relaxed on failure: it is loaded
      // again.
      if (names.compare_exchange_weak(newest, granule_of(fresh), std::memory_order_release, std::memory_order_relaxed))
        return {};
    }
    return give_up(interfered());
  }

  typename mapping_source::mapping mapping_;
  byte_span memory_;
  std::uint64_t end_;  // granules in it, as found when this handle was made
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_SHARED_REGION_HPP
