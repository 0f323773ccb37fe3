// compacting_pool: values behind checked handles that compact() moves together, so that memory goes back to its source.
//
// Use when  crowds of T come and shrink at random: sessions after the peak, entries of a cache. A heap or a pool whose
//           values stand still keeps a piece of memory as long as one value lives in it; this one closes the holes.
// Not when  others hold pointers to the values (slot_map, object_pool), or the crowd never shrinks.
//           A handle does not say of which pool it is: give each pool of one program a T, or a handle_bits, of its own.
// Threads   one at a time; while nobody changes the pool, any number may call the const functions.
// Cost      get: a look at the 64 slots that a group describes, a count of bits once it was compacted, a compare.
//           emplace and erase: O(1), without moves. compact(n): some n moves or looks, whatever the size of the pool.
//           A value takes its own size and a generation; 64 slots take 48 bytes besides.
// Errors    errc::out_of_memory: the source refused; errc::limit_exceeded: beyond policy::limit, or the handles have no
//           more indices. A refused emplace has touched neither the pool nor its arguments; a refused compact may be
//           tried again. Where T's constructor throws, the pool is as it was.
// Lifetime  a pointer holds until the value's erase or the next compact(), and over it while it is `pinned`.
//           Values die by erase, by clear or with the pool. Memory of which no value is left goes back by itself, but
//           for one chunk. A moved pool takes its handles and pins along. AddressSanitizer reports a use of the dead.
//
// Policies, in any order, each at most once:
//   policy::handle_bits<I, G>  bits of a handle's index and generation: 1 to 32 each; both in 32: a handle of 4 bytes.
//                              A group sees 2^G - 1 lives, then it is retired. Slots whose places were compacted away
//                              wait until their group is empty: give the index some bits more   default 32, 32
//   policy::pages<P>           where chunks come from                                           default os_pages
//   policy::chunk_size<N>      bytes of a chunk, unless eight values need more                  default 256 KiB
//   policy::limit<N>           the most bytes of all chunks and of the groups                   default none
// Source    places by a count of bits: the "sparse table" of hash tables; evacuation of the sparse chunks: R. Jones,
//           A. Hosking, E. Moss, "The garbage collection handbook", 2nd ed. 2023, ch. 10; the put-together is our own.
#ifndef FRYS_MEMORY_COMPACTING_POOL_HPP
#define FRYS_MEMORY_COMPACTING_POOL_HPP

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/bytes.hpp"
#include "../core/concepts.hpp"
#include "../core/poison.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "pages.hpp"
#include "slot_map.hpp"

namespace frys::inline FRYS_ABI {

// What a call of compacting_pool::compact has done.
struct compact_step {
  std::size_t moved = 0;  // values
  bool finished = false;  // a pass over all chunks came to its end
};

namespace detail {

// The number of set bits. Without the instruction std::popcount is a call.
constexpr unsigned bits_set(std::uint64_t x) noexcept {
#if defined(__POPCNT__) || defined(__aarch64__)
  return static_cast<unsigned>(std::popcount(x));
#else
  x -= (x >> 1) & 0x5555555555555555u;
  x = (x & 0x3333333333333333u) + ((x >> 2) & 0x3333333333333333u);
  x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
  return static_cast<unsigned>((x * 0x0101010101010101u) >> 56);
#endif
}

// Up to 64 slots of a compacting_pool. Those that are `placed` have a place in the group's extent: the first of them
// the first place, and so on. All new groups have a place for each slot; compacting leaves only those that are live.
struct slot_group {
  std::byte* values = nullptr;   // the first place; the extent lies before it. None: no place
  std::uint64_t live = 0;        // slots with a value
  std::uint64_t placed = 0;      // and those with a place and none, or whose value is being made or destroyed
  std::uint32_t generation = 0;  // the last one given
  std::uint32_t pins = 0;        // not to be moved while there are some
};
// What get does not look at, apart, so that a group takes half a cache line.
struct slot_group_room {
  std::uint64_t holes = 0;       // slots with a place and no value
  std::uint32_t next = no_slot;  // in the list of groups with holes, or of those without places
  bool listed = false;           // in one of the two
};

// The groups, in pieces that stand still.
template <class Pages, std::size_t Limit>
class group_table {
 public:
  static constexpr std::size_t per_piece = 256;
  struct piece {
    slot_group groups[per_piece];
    slot_group_room rooms[per_piece];
  };

  group_table() noexcept = default;
  group_table(const group_table&) = delete;
  group_table& operator=(const group_table&) = delete;
  ~group_table() {
    for (std::size_t i = 0; i < pieces_; ++i) Pages::release(directory_[i]);
    if (directory_ != nullptr) Pages::release(memory_);
  }
  void swap(group_table& other) noexcept {
    std::swap(directory_, other.directory_);
    std::swap(pieces_, other.pieces_);
    std::swap(room_, other.room_);
    std::swap(memory_, other.memory_);
  }

  slot_group& of(std::size_t n) const noexcept { return of_piece(n).groups[n % per_piece]; }
  slot_group_room& room_of(std::size_t n) const noexcept { return of_piece(n).rooms[n % per_piece]; }
  std::size_t count() const noexcept { return pieces_ * per_piece; }

  // take(size) is the pool's way to its page source, which counts.
  template <class Take, class Forget>
  FRYS_NOINLINE result<void> grow(Take take, Forget forget) noexcept {
    if (pieces_ == room_) {
      const std::size_t size = room_ == 0 ? page_size : room_ * sizeof(byte_span) * 2;
      result<byte_span> memory = take(size);
      if (!memory) return memory.error();
      byte_span* grown = reinterpret_cast<byte_span*>(memory->data());
      std::uninitialized_copy_n(directory_, pieces_, grown);
      if (directory_ != nullptr) {
        forget(room_ * sizeof(byte_span));
        Pages::release(memory_);
      }
      directory_ = grown;
      memory_ = *memory;
      room_ = size / sizeof(byte_span);
    }
    result<byte_span> memory = take(sizeof(piece));
    if (!memory) return memory.error();
    ::new (static_cast<void*>(memory->data())) piece;
    ::new (static_cast<void*>(directory_ + pieces_++)) byte_span(*memory);
    return {};
  }

 private:
  piece& of_piece(std::size_t n) const noexcept { return *reinterpret_cast<piece*>(directory_[n / per_piece].data()); }

  byte_span* directory_ = nullptr;
  std::size_t pieces_ = 0;
  std::size_t room_ = 0;  // pieces that the directory has room for
  byte_span memory_;      // the directory's
};

}  // namespace detail

template <class T, class... Policies>
class compacting_pool {
  using accepted = policy::keys<policy::handle_bits_key, policy::pages_key, policy::chunk_size_key, policy::limit_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::compacting_pool: unknown policy; it takes policy::handle_bits, policy::pages, "
                "policy::chunk_size, policy::limit and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::compacting_pool: a policy is given twice; name each at most once");
  static_assert(std::is_object_v<T> && !std::is_array_v<T> && !std::is_const_v<T> &&
                    std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>,
                "frys::compacting_pool<T>: T must be an object type, not const, not an array, that moves and dies "
                "without throwing; slot_map is for one that cannot move");
  static_assert(alignof(T) <= page_size, "frys::compacting_pool<T>: T must not be aligned beyond a page (4096 bytes)");

  using bits = policy::pick<policy::handle_bits<32, 32>, Policies...>;
  // Slot 2^32 - 1 is of no group: it says "none".
  static constexpr std::uint64_t most_slots =
      (std::min)(std::uint64_t{1} << bits::index, std::uint64_t{detail::no_slot});
  using counted = std::conditional_t<(bits::generation <= 8), std::uint8_t,
                                     std::conditional_t<(bits::generation <= 16), std::uint16_t, std::uint32_t>>;
  static constexpr counted last_generation = static_cast<counted>((std::uint64_t{1} << bits::generation) - 1);
  using group = detail::slot_group;
  using room = detail::slot_group_room;

  // A chunk: its head, and extents one after the other.
  struct chunk {
    byte_span memory;
    std::size_t size;         // bytes asked of the source, which may have answered more
    std::size_t used = 0;     // bytes of the head and of the extents, dead ones too
    std::size_t extents = 0;  // that belong to a group
    chunk* next = nullptr;
    chunk* previous = nullptr;
    bool list = false;  // in which of the two
  };
  // The places of a group: the head, the generations (the last one first, so that the first lies before the first
  // place), and the places.
  struct extent {
    chunk* home;
    std::uint32_t owner;  // the group, or no_slot when it is dead
    std::uint32_t places;
  };
  static constexpr std::size_t unit = (std::max)(alignof(T), alignof(chunk));
  static constexpr std::size_t chunk_head = detail::round_up(sizeof(chunk), unit);
  static constexpr std::size_t values_at(std::size_t places) noexcept {
    return detail::round_up(sizeof(extent) + places * sizeof(counted), unit);
  }
  static constexpr std::size_t extent_bytes(std::size_t places) noexcept {
    return detail::round_up(values_at(places) + places * sizeof(T), unit);
  }

 public:
  using value_type = T;
  using handle = slot_handle<T, bits>;
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>,
                "frys::compacting_pool: policy::pages wants a page source, see core/concepts.hpp");
  static constexpr std::size_t chunk_size = policy::pick<policy::chunk_size<256 * 1024>, Policies...>::value;
  static constexpr std::size_t limit =
      policy::pick<policy::limit<(std::numeric_limits<std::size_t>::max)()>, Policies...>::value;
  // Slots of a group: what is moved as one. Eight groups at least fit a chunk that is not smaller than eight values.
  static constexpr std::size_t group_size = [] {
    std::size_t n = 64;
    while (n > 1 && (n > most_slots || extent_bytes(n) > chunk_size / 8)) n /= 2;
    return n;
  }();

 private:
  static constexpr std::size_t chunk_bytes = (std::max)(chunk_size, chunk_head + extent_bytes(group_size));
  static constexpr std::uint64_t all_slots = ~std::uint64_t{0} >> (64 - group_size);
  using table = detail::group_table<pages_type, limit>;
  static_assert(limit > page_size && limit - page_size >= sizeof(typename table::piece) &&
                    limit - page_size - sizeof(typename table::piece) >= chunk_bytes,
                "frys::compacting_pool: policy::limit leaves no room for one chunk and 16 KiB; name a smaller "
                "policy::chunk_size");

 public:
  // Holds a value where it is, over compact() too, and with it the others of its group. Moves; must not outlive its
  // value: erase the value after.
  class pinned {
   public:
    pinned() noexcept = default;
    pinned(pinned&& other) noexcept : value_(std::exchange(other.value_, nullptr)), group_(other.group_) {}
    pinned& operator=(pinned&& other) noexcept {
      pinned taken(std::move(other));
      std::swap(value_, taken.value_);
      std::swap(group_, taken.group_);
      return *this;
    }
    ~pinned() { reset(); }

    [[nodiscard]] T* get() const noexcept { return value_; }
    T& operator*() const noexcept { return *value_; }
    T* operator->() const noexcept { return value_; }
    explicit operator bool() const noexcept { return value_ != nullptr; }
    // From here on the value may be moved.
    void reset() noexcept {
      if (std::exchange(value_, nullptr) != nullptr) --group_->pins;
    }

   private:
    friend compacting_pool;
    pinned(T* value, group* g) noexcept : value_(value), group_(g) {
      if (value_ != nullptr) ++group_->pins;
    }
    T* value_ = nullptr;
    group* group_ = nullptr;
  };

  compacting_pool() noexcept = default;
  compacting_pool(compacting_pool&& other) noexcept { swap(other); }
  compacting_pool& operator=(compacting_pool&& other) noexcept {
    compacting_pool taken(std::move(other));
    swap(taken);
    return *this;
  }
  compacting_pool(const compacting_pool&) = delete;
  compacting_pool& operator=(const compacting_pool&) = delete;
  ~compacting_pool() {
    clear();
    FRYS_ASSERT(live_ == 0, "compacting_pool: a destructor of T puts new values into a pool that dies");
    for (chunk* list : {lists_[0], lists_[1], spare_}) {
      while (list != nullptr) release(*std::exchange(list, list->next));
    }
  }

  // T(args...), and the handle that names it. Moves no other value. T's constructors and destructor may use the pool,
  // but for the move that compact() does and the end of what was moved from.
  template <class... Args>
  requires std::is_constructible_v<T, Args...>
  [[nodiscard]] result<handle> emplace(Args&&... args) noexcept(std::is_nothrow_constructible_v<T, Args...>) {
    if (!find_room()) [[unlikely]] {
      result<void> opened = open_group();
      if (!opened) return opened.error();
    }
    const std::uint32_t n = room_;
    group& g = groups_.of(n);
    std::uint64_t& holes = groups_.room_of(n).holes;
    const auto slot = static_cast<unsigned>(std::countr_zero(holes));
    pending p{this, &g, n, slot};
    holes &= ~bit(slot);
    const counted generation = static_cast<counted>(++g.generation);
    ++g.pins;  // while T's constructor runs, which may compact
    T* const place = value(g, slot);
    unpoison(place, sizeof(T));
    std::construct_at(place, std::forward<Args>(args)...);
    p.pool = nullptr;
    --g.pins;
    generation_of(g, slot) = generation;
    g.live |= bit(slot);
    ++live_;
    return name(n, slot, generation);
  }
  template <class U = T>
  requires std::is_constructible_v<T, U>
  [[nodiscard]] result<handle> insert(U&& new_value) noexcept(std::is_nothrow_constructible_v<T, U>) {
    return emplace(std::forward<U>(new_value));
  }

  // The value, or nullptr where it is gone or `h` names none. The pointer holds until the value's erase or compact().
  [[nodiscard]] T* get(handle h) noexcept { return find(h).value; }
  [[nodiscard]] const T* get(handle h) const noexcept { return find(h).value; }
  [[nodiscard]] bool contains(handle h) const noexcept { return find(h).value != nullptr; }
  // The value, held in its place; empty where it is gone.
  [[nodiscard]] pinned pin(handle h) noexcept {
    const found f = find(h);
    return pinned(f.value, f.in);
  }

  // Destroys the value; false where it was gone already. From here on no handle to it answers.
  bool erase(handle h) noexcept {
    const found f = find(h);
    if (f.value == nullptr) return false;
    remove(*f.in, group_of(h), slot_of(h));
    return true;
  }
  // Destroys all values.
  void clear() noexcept {
    walk(*this, [this](group& g, std::uint32_t n, unsigned slot) { remove(g, n, slot); });
  }
  // f(value) or f(handle, value) for each that lives, in the order of the slots. f may erase any value and emplace
  // others; one that comes while it runs may be told or not.
  template <class F>
  void for_each(F&& f) {
    walk(*this, [&](group& g, std::uint32_t n, unsigned slot) { tell(f, g, n, slot, *value(g, slot)); });
  }
  template <class F>
  void for_each(F&& f) const {
    walk(*this,
         [&](const group& g, std::uint32_t n, unsigned slot) { tell(f, g, n, slot, std::as_const(*value(g, slot))); });
  }

  // A step of compaction: moves values out of chunks that have holes and gives those chunks back, until some `budget`
  // values were moved or looked at (a group more at most) or the pass has seen each chunk once. Call it until it
  // answers `finished`, in idle moments; a chunk with less than a twentieth of holes is left alone.
  [[nodiscard]] result<compact_step> compact(std::size_t budget = (std::numeric_limits<std::size_t>::max)()) noexcept {
    FRYS_ASSERT(!moves_, "compacting_pool::compact: called by T's move, or by the end of what was moved from");
    compact_step step;
    std::size_t work = 0;
    if (ahead() == nullptr) {
      // Chunks that come during a pass are put behind it, so that it ends.
      pass_ = !pass_;
      start_chunk();
    }
    while (ahead() != nullptr) {
      if (work >= budget) return step;
      ++work;
      chunk& c = *ahead();
      if (at_ < c.used) {
        extent& e = extent_at(c, at_);
        const std::size_t size = extent_bytes(e.places);
        if (!evacuates_) {
          if (e.owner != detail::no_slot) needed_ += extent_bytes(count(groups_.of(e.owner)));
        } else if (e.owner != detail::no_slot) {
          result<std::size_t> moved = evacuate(groups_.of(e.owner), e.owner);
          if (!moved) return moved.error();
          step.moved += *moved;
          work += *moved;
          if (ahead() != &c) continue;  // it was the last extent, and the chunk is gone
        }
        at_ += size;
      } else if (!evacuates_ && (c.used - chunk_head - needed_) > c.size / 20) {
        evacuates_ = true;
        at_ = chunk_head;
        if (frontier_ == &c) frontier_ = nullptr;
      } else {
        unlink(c);
        link(c);
        start_chunk();
      }
    }
    if (spare_ != nullptr) release(*std::exchange(spare_, nullptr));
    step.finished = true;
    return step;
  }

  // Takes memory for at least `count` values in all, so that emplace need not. compact() gives back what is not used.
  result<void> reserve(std::size_t count) noexcept {
    while (places_ < count) {
      result<void> opened = open_group();
      if (!opened) return opened;
    }
    return {};
  }

  // Values that live.
  [[nodiscard]] std::size_t size() const noexcept { return live_; }
  [[nodiscard]] bool empty() const noexcept { return live_ == 0; }
  // Values there is memory for.
  [[nodiscard]] std::size_t slot_count() const noexcept { return places_; }
  // Bytes asked of the source and held.
  [[nodiscard]] std::size_t reserved() const noexcept { return reserved_; }
  // The part of reserved() that is no living value, from 0 to 1: what there is to gain, and what the pool itself takes.
  [[nodiscard]] double fragmentation() const noexcept {
    if (reserved_ == 0) return 0;
    return 1 - static_cast<double>(live_ * sizeof(T)) / static_cast<double>(reserved_);
  }

 private:
  struct found {
    T* value;
    group* in;
  };
  // Puts the place back if T's constructor leaves by an exception.
  struct pending {
    compacting_pool* pool;
    group* g;
    std::uint32_t n;
    unsigned slot;
    ~pending() {
      if (pool == nullptr) return;
      --g->pins;
      pool->put_back(*g, n, slot);
    }
  };

  static constexpr std::uint64_t bit(unsigned slot) noexcept { return std::uint64_t{1} << slot; }
  static constexpr std::uint32_t group_of(handle h) noexcept {
    return h.index() / static_cast<std::uint32_t>(group_size);
  }
  static constexpr unsigned slot_of(handle h) noexcept { return h.index() % static_cast<unsigned>(group_size); }
  static std::size_t count(const group& g) noexcept { return detail::bits_set(g.live); }
  static unsigned position(const group& g, unsigned slot) noexcept {
    return g.placed == all_slots ? slot : detail::bits_set(g.placed & (bit(slot) - 1));
  }
  static T* value_at(const group& g, unsigned position) noexcept {
    return reinterpret_cast<T*>(g.values + position * sizeof(T));
  }
  static T* value(const group& g, unsigned slot) noexcept { return value_at(g, position(g, slot)); }
  static counted& generation_at(const group& g, unsigned position) noexcept {
    return *(reinterpret_cast<counted*>(g.values) - 1 - position);
  }
  static counted& generation_of(const group& g, unsigned slot) noexcept { return generation_at(g, position(g, slot)); }
  static extent& extent_of(const group& g) noexcept {
    return *reinterpret_cast<extent*>(g.values - values_at(detail::bits_set(g.placed)));
  }
  static extent& extent_at(chunk& c, std::size_t offset) noexcept {
    return *reinterpret_cast<extent*>(c.memory.data() + offset);
  }
  static handle name(std::uint32_t n, unsigned slot, counted generation) noexcept {
    using word = typename handle::word;
    return handle::from_bits(
        static_cast<word>(static_cast<word>(generation) << bits::index | (word{n} * group_size + slot)));
  }

  found find(handle h) const noexcept {
    const std::uint32_t n = group_of(h);
    const unsigned slot = slot_of(h);
    if (n >= fresh_) return {nullptr, nullptr};
    group& g = groups_.of(n);
    if ((g.live & bit(slot)) == 0) return {nullptr, nullptr};
    const unsigned at = position(g, slot);
    if (generation_at(g, at) != h.generation()) return {nullptr, nullptr};
    return {value_at(g, at), &g};
  }

  // The value is unreachable before it dies, so its destructor may use the pool; the place is free only after.
  void remove(group& g, std::uint32_t n, unsigned slot) noexcept {
    g.live &= ~bit(slot);
    --live_;
    ++g.pins;
    std::destroy_at(value(g, slot));
    --g.pins;
    put_back(g, n, slot);
  }
  void put_back(group& g, std::uint32_t n, unsigned slot) noexcept {
    poison(value(g, slot), sizeof(T));
    room& r = groups_.room_of(n);
    r.holes |= bit(slot);
    if (r.holes == g.placed && g.pins == 0) close(g, r);
    if (!r.listed && g.generation != last_generation) {
      r.listed = true;
      r.next = std::exchange(room_, n);
    }
  }

  // Whether room_ is a group with a hole; takes those from the list that have none.
  bool find_room() noexcept {
    while (room_ != detail::no_slot) {
      const group& g = groups_.of(room_);
      room& r = groups_.room_of(room_);
      const bool lives = g.generation != last_generation;
      if (r.holes != 0 && lives) return true;
      const std::uint32_t n = std::exchange(room_, r.next);
      r.listed = g.values == nullptr && lives;
      if (r.listed) r.next = std::exchange(closed_, n);
    }
    return false;
  }
  // A group whose slots all have places, at the head of the list of groups with room.
  FRYS_NOINLINE result<void> open_group() noexcept {
    if (closed_ == detail::no_slot) {
      if ((std::uint64_t{fresh_} + 1) * group_size > most_slots)
        return error{errc::limit_exceeded, domain::memory, "the handles have no more indices",
                     static_cast<std::int64_t>(most_slots)};
      if (fresh_ == groups_.count()) {
        result<void> grown = groups_.grow([this](std::size_t size) { return take(size); },
                                          [this](std::size_t size) { reserved_ -= size; });
        if (!grown) return grown;
      }
    }
    const std::uint32_t n = closed_ != detail::no_slot ? closed_ : fresh_;
    result<std::byte*> values = take_extent(n, group_size);
    if (!values) return values.error();
    group& g = groups_.of(n);
    room& r = groups_.room_of(n);
    if (closed_ != detail::no_slot)
      closed_ = r.next;
    else
      ++fresh_;
    g.values = *values;
    g.placed = r.holes = all_slots;
    r.listed = true;
    r.next = std::exchange(room_, n);
    return {};
  }
  // The group's places go; its slots wait for others.
  void close(group& g, room& r) noexcept {
    kill(extent_of(g));
    g.values = nullptr;
    g.placed = r.holes = 0;
  }

  result<byte_span> take(std::size_t size) noexcept {
    if (size > limit - reserved_)
      return error{errc::limit_exceeded, domain::memory, "the pool's limit would be passed",
                   static_cast<std::int64_t>((std::min)(limit, detail::most_bytes))};
    result<byte_span> memory = pages_type::allocate(size);
    if (memory) reserved_ += size;
    return memory;
  }
  // Places for `places` slots of group `n`, at the frontier. The values are poisoned, the rest is written.
  result<std::byte*> take_extent(std::uint32_t n, std::size_t places) noexcept {
    const std::size_t size = extent_bytes(places);
    if (frontier_ == nullptr || frontier_->size - frontier_->used < size) [[unlikely]] {
      chunk* fresh = std::exchange(spare_, nullptr);
      if (fresh == nullptr) {
        result<byte_span> memory = take(chunk_bytes);
        if (!memory) return memory.error();
        fresh = ::new (static_cast<void*>(memory->data())) chunk{*memory, chunk_bytes};
        poison(memory->data() + sizeof(chunk), chunk_bytes - sizeof(chunk));
      }
      fresh->used = chunk_head;
      link(*fresh);
      frontier_ = fresh;
    }
    std::byte* const at = frontier_->memory.data() + frontier_->used;
    unpoison(at, values_at(places));
    ::new (static_cast<void*>(at)) extent{frontier_, n, static_cast<std::uint32_t>(places)};
    std::byte* const values = at + values_at(places);
    std::uninitialized_default_construct_n(reinterpret_cast<counted*>(values) - places, places);
    frontier_->used += size;
    ++frontier_->extents;
    places_ += places;
    return values;
  }
  void kill(extent& e) noexcept {
    chunk& c = *e.home;
    places_ -= e.places;
    e.owner = detail::no_slot;
    const std::size_t size = extent_bytes(e.places);
    if (--c.extents == 0) {
      poison(c.memory.data() + chunk_head, c.size - chunk_head);
      if (&c == frontier_) {
        c.used = chunk_head;
        if (&c == ahead()) start_chunk();
        return;
      }
      const bool was_looked_at = &c == ahead();
      unlink(c);
      if (was_looked_at) start_chunk();
      if (spare_ == nullptr)
        spare_ = &c, c.next = nullptr;
      else
        release(c);
      return;
    }
    std::byte* const at = reinterpret_cast<std::byte*>(&e);
    poison(at + sizeof(extent), size - sizeof(extent));
    // The last one's bytes are used again, unless a pass is just walking over them.
    if (&c == frontier_ && &c != ahead() && at + size == c.memory.data() + c.used) {
      poison(at, sizeof(extent));
      c.used -= size;
    }
  }

  // Moves a group's values to the frontier, to as many places as there are values. Answers how many.
  result<std::size_t> evacuate(group& g, std::uint32_t n) noexcept {
    if (g.pins != 0) return std::size_t{0};
    const std::size_t moved = count(g);
    if (moved == 0) {
      close(g, groups_.room_of(n));
      return moved;
    }
    result<std::byte*> values = take_extent(n, moved);
    if (!values) return values.error();
    extent& old = extent_of(g);
    moves_ = true;
    unsigned to = 0;
    for (std::uint64_t rest = g.live; rest != 0; rest &= rest - 1, ++to) {
      const unsigned at = position(g, static_cast<unsigned>(std::countr_zero(rest)));
      T* const source = value_at(g, at);
      T* const target = reinterpret_cast<T*>(*values + to * sizeof(T));
      unpoison(target, sizeof(T));
      std::construct_at(target, std::move(*source));
      std::destroy_at(source);
      *(reinterpret_cast<counted*>(*values) - 1 - to) = generation_at(g, at);
    }
    g.values = *values;
    g.placed = g.live;
    groups_.room_of(n).holes = 0;
    moves_ = false;
    kill(old);
    return moved;
  }

  // The chunks that the pass has yet to see; its first is looked at. The others are in the other list.
  chunk* ahead() const noexcept { return lists_[pass_]; }
  void start_chunk() noexcept {
    at_ = chunk_head;
    needed_ = 0;
    evacuates_ = false;
  }
  void link(chunk& c) noexcept {
    c.list = !pass_;
    c.previous = nullptr;
    c.next = std::exchange(lists_[c.list], &c);
    if (c.next != nullptr) c.next->previous = &c;
  }
  void unlink(chunk& c) noexcept {
    (c.previous == nullptr ? lists_[c.list] : c.previous->next) = c.next;
    if (c.next != nullptr) c.next->previous = c.previous;
  }
  void release(chunk& c) noexcept {
    const byte_span memory = c.memory;  // the chunk lies in the memory that it describes
    reserved_ -= c.size;
    unpoison(memory.data(), memory.size());
    pages_type::release(memory);
  }

  // f(group, its number, slot) for each live slot. The bits are read again after each call, since f may change them.
  template <class Pool, class F>
  static void walk(Pool& pool, F&& f) {
    for (std::uint32_t n = 0; n < pool.fresh_; ++n) {
      group& g = pool.groups_.of(n);
      for (std::uint64_t rest = g.live; rest != 0;) {
        const auto slot = static_cast<unsigned>(std::countr_zero(rest));
        f(g, n, slot);
        rest = g.live & (~std::uint64_t{1} << slot);
      }
    }
  }
  template <class F, class V>
  static decltype(auto) tell(F& f, const group& g, std::uint32_t n, unsigned slot, V& told) {
    if constexpr (std::is_invocable_v<F&, handle, V&>)
      return f(name(n, slot, generation_of(g, slot)), told);
    else
      return f(told);
  }
  void swap(compacting_pool& other) noexcept {
    groups_.swap(other.groups_);
    std::swap(room_, other.room_);
    std::swap(closed_, other.closed_);
    std::swap(fresh_, other.fresh_);
    std::swap(live_, other.live_);
    std::swap(places_, other.places_);
    std::swap(reserved_, other.reserved_);
    std::swap(frontier_, other.frontier_);
    std::swap(spare_, other.spare_);
    std::swap(lists_, other.lists_);
    std::swap(pass_, other.pass_);
    std::swap(at_, other.at_);
    std::swap(needed_, other.needed_);
    std::swap(evacuates_, other.evacuates_);
  }

  table groups_;
  std::uint32_t room_ = detail::no_slot;    // groups with holes; some have lost them since
  std::uint32_t closed_ = detail::no_slot;  // groups without places
  std::uint32_t fresh_ = 0;                 // groups from here on were never used
  std::size_t live_ = 0;
  std::size_t places_ = 0;
  std::size_t reserved_ = 0;
  chunk* frontier_ = nullptr;  // where extents are taken; in one of the lists
  chunk* spare_ = nullptr;     // an empty one, in no list
  chunk* lists_[2] = {};       // all others; see ahead
  bool pass_ = false;
  std::size_t at_ = 0;      // in that one: the next extent
  std::size_t needed_ = 0;  // and the bytes that those before need, without holes
  bool evacuates_ = false;  // it was found worth it, and its values move out
  bool moves_ = false;      // just now
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_COMPACTING_POOL_HPP
