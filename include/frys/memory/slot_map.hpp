// slot_map: values behind handles that are checked: a handle to a value that is gone answers nullptr, for ever.
//
// Use when  values come and go one by one and are spoken of by those who do not own them: sessions, timers, entities,
//           a number that travels through the kernel or to a client and comes back later, perhaps too late.
// Not when  a pointer would do (object_pool), or values are looked up by a key of their own (sharded_map, memtable).
//           A handle does not say of which map it is: give each map of one program a T, or a handle_bits, of its own.
// Threads   one at a time; while nobody changes the map, any number may call the const functions.
// Cost      get: a compare, and two loads that do not wait for the value's line: the chunk's address, the generation.
//           emplace and erase: O(1), a list through the free slots; the slot freed last is used first. for_each and
//           clear: the live values, and a bit of each slot that was ever used. A slot takes a T (4 bytes at least), the
//           generation and a bit. No allocation per value; chunks are kept until the map's end.
// Errors    errc::out_of_memory: the source refused; errc::limit_exceeded: beyond policy::limit or policy::capacity, or
//           the handles have no more indices. A refused emplace has touched neither the map nor its arguments. Where
//           T's constructor throws, the map is as it was.
// Lifetime  values never move, and die by erase, by clear or with the map; AddressSanitizer reports a use of a dead one
//           until its slot is used again. A generation counts up to 2^(bits - 1) lives of a slot; then the slot is
//           retired, its memory kept and never used again. A moved map takes its handles along.
//
// Policies, in any order, each at most once:
//   policy::handle_bits<I, G>  bits of a handle's index and generation: 1 to 32 each; both
//                              in 32: a handle of 4 bytes                                   default 32, 32
//   policy::capacity<N>        N slots inside the object and no pages; it does not move     default none
//   policy::pages<P>           where chunks come from                                       default os_pages
//   policy::chunk_size<N>      bytes of a chunk, at most, unless one value needs more       default 64 KiB
//   policy::limit<N>           the most bytes of all chunks and of their directory          default none
// Source    A. Deutsch, "slot_map container in C++", WG21 P0661, 2017; there values move, here they stand.
#ifndef FRYS_MEMORY_SLOT_MAP_HPP
#define FRYS_MEMORY_SLOT_MAP_HPP

#include <algorithm>
#include <bit>
#include <compare>
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
#include "../core/hash.hpp"
#include "../core/poison.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "pages.hpp"

namespace frys::inline FRYS_ABI {

namespace policy {
struct handle_bits_key {};  // two numbers of bits

// How a handle's bits are shared between the index of a slot and the generation of the value in it.
template <std::size_t Index, std::size_t Generation>
struct handle_bits {
  using key = handle_bits_key;
  static constexpr std::size_t index = Index;
  static constexpr std::size_t generation = Generation;
};
}  // namespace policy

// Names one value of a slot_map<T>, or none. T may be incomplete: a T may hold handles to others.
template <class T, class Bits = policy::handle_bits<32, 32>>
class slot_handle {
  static_assert(
      Bits::index >= 1 && Bits::index <= 32 && Bits::generation >= 1 && Bits::generation <= 32,
      "frys::slot_handle: policy::handle_bits wants 1 to 32 bits for the index and 1 to 32 for the generation");
  static constexpr std::size_t width = Bits::index + Bits::generation;

 public:
  using word = std::conditional_t<(width <= 32), std::uint32_t, std::uint64_t>;

  constexpr slot_handle() noexcept = default;
  // The handle whose bits() these are. Any bits may be tried on a map: they name a value that lives, or nothing.
  [[nodiscard]] static constexpr slot_handle from_bits(word bits) noexcept {
    slot_handle h;
    if constexpr (width < std::numeric_limits<word>::digits)
      if ((bits >> width) != 0) return h;
    h.bits_ = bits;
    return h;
  }
  // As a number: for a log, a message, a field of the kernel's. Never 0 for a value.
  [[nodiscard]] constexpr word bits() const noexcept { return bits_; }
  // False for the handle that names nothing; true says nothing about whether the value lives.
  constexpr explicit operator bool() const noexcept { return bits_ != 0; }
  [[nodiscard]] constexpr std::uint32_t index() const noexcept {
    return static_cast<std::uint32_t>(bits_ & ((word{1} << Bits::index) - 1));
  }
  [[nodiscard]] constexpr std::uint32_t generation() const noexcept {
    return static_cast<std::uint32_t>(bits_ >> Bits::index);
  }
  friend constexpr bool operator==(slot_handle, slot_handle) noexcept = default;
  friend constexpr auto operator<=>(slot_handle, slot_handle) noexcept = default;

 private:
  word bits_ = 0;  // the index below, the generation above it
};

namespace detail {

// Slots that lie together. The generations stand apart from the values: a stale handle touches no value's line, values
// are packed, and the CPU fetches both lines at once.
template <class T, class Generation, std::size_t N>
struct slot_chunk {
  union place {
    place() noexcept {}
    ~place() {}
    std::uint32_t next;  // of a free slot: the index of another, or no_slot
    T value;
  };
  static constexpr std::size_t words = (N + 63) / 64;

  slot_chunk() noexcept {}
  byte_span memory;                // what the chunk lies in, to give back
  std::uint64_t live[words] = {};  // a bit for each slot
  Generation generation[N];        // odd: of the value that lives; even: of none. Set when the slot is first used
  place places[N];
};
inline constexpr std::uint32_t no_slot = ~std::uint32_t{0};

// The chunks of a slot_map, of `N` slots each, at most `Most` of them.
template <class Chunk, std::size_t N, std::size_t Most, class Pages, std::size_t Limit>
class slot_chunks {
 public:
  slot_chunks() noexcept = default;
  slot_chunks(const slot_chunks&) = delete;
  slot_chunks& operator=(const slot_chunks&) = delete;
  ~slot_chunks() {
    for (std::size_t i = 0; i < chunks_; ++i) {
      const byte_span memory = directory_[i]->memory;  // the chunk lies in the memory that it describes
      unpoison(memory.data(), memory.size());
      Pages::release(memory);
    }
    if (directory_ != nullptr) Pages::release(memory_);
  }
  void swap(slot_chunks& other) noexcept {
    std::swap(directory_, other.directory_);
    std::swap(chunks_, other.chunks_);
    std::swap(room_, other.room_);
    std::swap(reserved_, other.reserved_);
    std::swap(memory_, other.memory_);
  }

  static constexpr std::size_t per_chunk = N;
  Chunk& of(std::size_t index) const noexcept { return *directory_[index / N]; }
  std::size_t count() const noexcept { return (std::min)(chunks_ * N, Most); }
  std::size_t reserved() const noexcept { return reserved_; }

  FRYS_NOINLINE result<void> grow() noexcept {
    if (count() == Most)
      return error{errc::limit_exceeded, domain::memory, "the handles have no more indices",
                   static_cast<std::int64_t>(Most)};
    if (chunks_ == room_) {
      const std::size_t size = room_ == 0 ? page_size : room_ * sizeof(Chunk*) * 2;
      result<byte_span> memory = take(size);
      if (!memory) return memory.error();
      Chunk** grown = reinterpret_cast<Chunk**>(memory->data());
      if (directory_ != nullptr) {
        std::memcpy(grown, directory_, chunks_ * sizeof(Chunk*));
        Pages::release(memory_);
        reserved_ -= room_ * sizeof(Chunk*);
      }
      directory_ = grown;
      memory_ = *memory;
      room_ = size / sizeof(Chunk*);
    }
    result<byte_span> memory = take(sizeof(Chunk));
    if (!memory) return memory.error();
    Chunk* chunk = ::new (static_cast<void*>(memory->data())) Chunk;
    chunk->memory = *memory;
    poison(chunk->places, sizeof(chunk->places));
    directory_[chunks_++] = chunk;
    return {};
  }

 private:
  result<byte_span> take(std::size_t size) noexcept {
    if (size > Limit - reserved_)
      return error{errc::limit_exceeded, domain::memory, "the map's limit would be passed",
                   static_cast<std::int64_t>((std::min)(Limit, most_bytes))};
    result<byte_span> memory = Pages::allocate(size);
    if (memory) reserved_ += size;
    return memory;
  }

  Chunk** directory_ = nullptr;
  std::size_t chunks_ = 0;
  std::size_t room_ = 0;  // chunks that the directory has room for
  std::size_t reserved_ = 0;
  byte_span memory_;  // the directory's
};

// One chunk, inside the map.
template <class Chunk, std::size_t N>
class slot_chunk_inside {
 public:
  slot_chunk_inside() noexcept { poison(chunk_.places, sizeof(chunk_.places)); }
  slot_chunk_inside(const slot_chunk_inside&) = delete;
  slot_chunk_inside& operator=(const slot_chunk_inside&) = delete;
  ~slot_chunk_inside() { unpoison(chunk_.places, sizeof(chunk_.places)); }

  static constexpr std::size_t per_chunk = N;
  Chunk& of(std::size_t) const noexcept { return chunk_; }
  static constexpr std::size_t count() noexcept { return N; }
  static constexpr std::size_t reserved() noexcept { return 0; }
  static result<void> grow() noexcept {
    return error{errc::limit_exceeded, domain::memory, "the map's capacity would be passed",
                 static_cast<std::int64_t>(N)};
  }

 private:
  mutable Chunk chunk_;  // as a chunk behind a pointer is: the map says what is const
};

// The most slots, a power of two, whose chunk has at most `bytes`; one at least.
template <class T, class Generation>
constexpr std::size_t slots_within(std::size_t bytes, std::uint64_t most) noexcept {
  std::size_t n = 1;
  while (n < most && n <= bytes / 2) {
    const std::size_t twice = n * 2;
    const std::size_t front = sizeof(byte_span) + (twice + 63) / 64 * 8 + twice * sizeof(Generation);
    constexpr std::size_t one = sizeof(typename slot_chunk<T, Generation, 1>::place);
    constexpr std::size_t aligned = alignof(slot_chunk<T, Generation, 1>);
    if (twice > bytes / one || round_up(round_up(front, aligned) + twice * one, aligned) > bytes) break;
    n = twice;
  }
  return n;
}

}  // namespace detail

template <class T, class... Policies>
class slot_map {
  using accepted = policy::keys<policy::handle_bits_key, policy::capacity_key, policy::pages_key,
                                policy::chunk_size_key, policy::limit_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::slot_map: unknown policy; it takes policy::handle_bits, policy::capacity, policy::pages, "
                "policy::chunk_size, policy::limit and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::slot_map: a policy is given twice; name each at most once");
  static_assert(std::is_object_v<T> && !std::is_array_v<T> && !std::is_const_v<T> && std::is_nothrow_destructible_v<T>,
                "frys::slot_map<T>: T must be an object type, not const, not an array, that dies without throwing");
  static_assert(alignof(T) <= page_size, "frys::slot_map<T>: T must not be aligned beyond a page (4096 bytes)");

  using bits = policy::pick<policy::handle_bits<32, 32>, Policies...>;
  // Index 2^32 - 1 ends the list of free slots.
  static constexpr std::uint64_t most_slots =
      (std::min)(std::uint64_t{1} << bits::index, std::uint64_t{detail::no_slot});
  using counted = std::conditional_t<(bits::generation <= 8), std::uint8_t,
                                     std::conditional_t<(bits::generation <= 16), std::uint16_t, std::uint32_t>>;
  static constexpr counted generation_mask = static_cast<counted>((std::uint64_t{1} << bits::generation) - 1);
  template <class Key>
  static constexpr bool lacks = std::is_void_v<typename policy::detail::find<Key, Policies...>::type>;
  static constexpr bool outside = lacks<policy::capacity_key>;
  static constexpr std::size_t inside_slots = policy::pick<policy::capacity<1>, Policies...>::value;
  static_assert(
      inside_slots >= 1 && inside_slots <= most_slots,
      "frys::slot_map: policy::capacity wants at least 1 slot, and no more than the handle's index bits count");
  static_assert(outside || (lacks<policy::pages_key> && lacks<policy::chunk_size_key> && lacks<policy::limit_key>),
                "frys::slot_map: policy::capacity puts the slots into the object; it goes without policy::pages, "
                "policy::chunk_size and policy::limit");

 public:
  using value_type = T;
  using handle = slot_handle<T, bits>;
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>, "frys::slot_map: policy::pages wants a page source, see core/concepts.hpp");
  static constexpr std::size_t chunk_size = policy::pick<policy::chunk_size<64 * 1024>, Policies...>::value;
  static constexpr std::size_t limit =
      policy::pick<policy::limit<(std::numeric_limits<std::size_t>::max)()>, Policies...>::value;

 private:
  static constexpr std::size_t per_chunk =
      outside ? detail::slots_within<T, counted>(chunk_size, std::uint64_t{1} << bits::index) : inside_slots;
  using chunk = detail::slot_chunk<T, counted, per_chunk>;
  using place = typename chunk::place;
  using storage =
      std::conditional_t<outside,
                         detail::slot_chunks<chunk, per_chunk, static_cast<std::size_t>(most_slots), pages_type, limit>,
                         detail::slot_chunk_inside<chunk, per_chunk>>;
  static_assert(
      !outside || (limit > page_size && limit - page_size >= sizeof(chunk)),
      "frys::slot_map: policy::limit leaves no room for one chunk and a page; name a smaller policy::chunk_size");

 public:
  slot_map() noexcept {}
  slot_map(slot_map&& other) noexcept requires outside { swap(other); }
  slot_map& operator=(slot_map&& other) noexcept requires outside {
    slot_map taken(std::move(other));
    swap(taken);
    return *this;
  }
  slot_map(const slot_map&) = delete;
  slot_map& operator=(const slot_map&) = delete;
  ~slot_map() {
    clear();
    FRYS_ASSERT(live_ == 0, "slot_map: a destructor of T puts new values into a map that dies");
  }

  // T(args...), and the handle that names it. T's constructor and destructor may use the map.
  template <class... Args>
  requires std::is_constructible_v<T, Args...>
  [[nodiscard]] result<handle> emplace(Args&&... args) noexcept(std::is_nothrow_constructible_v<T, Args...>) {
    std::uint32_t index = free_;
    if (index != detail::no_slot) [[likely]] {
      place& taken = at(storage_.of(index), index);
      unpoison(&taken, sizeof(place));
      free_ = taken.next;
    } else {
      if (fresh_ == storage_.count()) [[unlikely]] {
        result<void> grown = storage_.grow();
        if (!grown) return grown.error();
      }
      index = static_cast<std::uint32_t>(fresh_++);
      chunk& fresh = storage_.of(index);
      fresh.generation[in_chunk(index)] = 0;
      unpoison(&at(fresh, index), sizeof(place));
    }
    chunk& c = storage_.of(index);
    pending p{this, &c, index};
    std::construct_at(std::addressof(at(c, index).value), std::forward<Args>(args)...);
    p.map = nullptr;
    const std::size_t n = in_chunk(index);
    const counted generation = ++c.generation[n];
    c.live[n / 64] |= std::uint64_t{1} << (n % 64);
    ++live_;
    return name(index, generation);
  }
  template <class U = T>
  requires std::is_constructible_v<T, U>
  [[nodiscard]] result<handle> insert(U&& value) noexcept(std::is_nothrow_constructible_v<T, U>) {
    return emplace(std::forward<U>(value));
  }

  // The value, or nullptr where it is gone or `h` names none. The pointer holds until the value's erase.
  [[nodiscard]] T* get(handle h) noexcept { return find(h); }
  [[nodiscard]] const T* get(handle h) const noexcept { return find(h); }
  [[nodiscard]] bool contains(handle h) const noexcept { return find(h) != nullptr; }

  // Destroys the value; false where it was gone already. From here on no handle to it answers.
  bool erase(handle h) noexcept {
    if (find(h) == nullptr) return false;
    remove(storage_.of(h.index()), h.index());
    return true;
  }
  // Destroys all values.
  void clear() noexcept {
    walk(*this, [this](chunk& c, std::size_t index) { remove(c, static_cast<std::uint32_t>(index)); });
  }
  // Destroys those of which wanted(value), or wanted(handle, value), is true; answers how many. wanted leaves the map
  // alone.
  template <class F>
  std::size_t erase_if(F&& wanted) {
    std::size_t erased = 0;
    walk(*this, [&](chunk& c, std::size_t index) {
      if (!tell(wanted, c, index, at(c, index).value)) return;
      remove(c, static_cast<std::uint32_t>(index));
      ++erased;
    });
    return erased;
  }
  // f(value) or f(handle, value) for each that lives, in the order of the slots. f may erase any value and emplace
  // others; one that comes while it runs may be told or not.
  template <class F>
  void for_each(F&& f) {
    walk(*this, [&](chunk& c, std::size_t index) { tell(f, c, index, at(c, index).value); });
  }
  template <class F>
  void for_each(F&& f) const {
    walk(*this, [&](const chunk& c, std::size_t index) { tell(f, c, index, at(c, index).value); });
  }

  // Takes memory for at least `count` values in all, so that emplace need not.
  result<void> reserve(std::size_t count) noexcept {
    while (slot_count() < count) {
      result<void> grown = storage_.grow();
      if (!grown) return grown;
    }
    return {};
  }

  // Values that live.
  [[nodiscard]] std::size_t size() const noexcept { return live_; }
  [[nodiscard]] bool empty() const noexcept { return live_ == 0; }
  // Values there is memory for.
  [[nodiscard]] std::size_t slot_count() const noexcept { return storage_.count() - retired_; }
  // Slots whose generations are used up.
  [[nodiscard]] std::size_t retired() const noexcept { return retired_; }
  // Bytes asked of the source and held.
  [[nodiscard]] std::size_t reserved() const noexcept { return storage_.reserved(); }

 private:
  // Puts the slot back if T's constructor leaves by an exception. It may have written over the link.
  struct pending {
    slot_map* map;
    chunk* c;
    std::uint32_t index;
    ~pending() {
      if (map != nullptr) map->free_slot(*c, index);
    }
  };

  template <class Chunk>
  static auto& at(Chunk& c, std::size_t index) noexcept {
    return c.places[in_chunk(index)];
  }
  static constexpr std::size_t in_chunk(std::size_t index) noexcept { return outside ? index % per_chunk : index; }
  static handle name(std::uint32_t index, counted generation) noexcept {
    using word = typename handle::word;
    return handle::from_bits(static_cast<word>(static_cast<word>(generation) << bits::index | index));
  }
  T* find(handle h) const noexcept {
    const std::uint32_t index = h.index();
    const std::uint32_t generation = h.generation();
    if (index >= fresh_ || generation % 2 == 0) return nullptr;
    chunk& c = storage_.of(index);
    if (c.generation[in_chunk(index)] != generation) return nullptr;
    return std::addressof(at(c, index).value);
  }
  void free_slot(chunk& c, std::uint32_t index) noexcept {
    place& back = at(c, index);
    std::construct_at(std::addressof(back.next), free_);
    free_ = index;
    poison(&back, sizeof(place));
  }
  // The value is unreachable before it dies, so its destructor may use the map; the slot is free only after.
  void remove(chunk& c, std::uint32_t index) noexcept {
    const std::size_t n = in_chunk(index);
    const counted generation = static_cast<counted>((c.generation[n] + 1u) & generation_mask);
    c.generation[n] = generation;
    c.live[n / 64] &= ~(std::uint64_t{1} << (n % 64));
    --live_;
    std::destroy_at(std::addressof(at(c, index).value));
    if (generation != 0) [[likely]]
      free_slot(c, index);
    else
      ++retired_, poison(&at(c, index), sizeof(place));
  }

  // f(chunk, index) for each live slot. The bits are read again after each call, since f may change them.
  template <class Map, class F>
  static void walk(Map& map, F&& f) {
    for (std::size_t base = 0; base < map.fresh_; base += per_chunk) {
      auto& c = map.storage_.of(base);
      for (std::size_t w = 0; w < chunk::words; ++w) {
        for (std::uint64_t rest = c.live[w]; rest != 0;) {
          const auto bit = static_cast<std::size_t>(std::countr_zero(rest));
          f(c, base + w * 64 + bit);
          rest = c.live[w] & (~std::uint64_t{1} << bit);
        }
      }
    }
  }
  template <class F, class V>
  static decltype(auto) tell(F& f, const chunk& c, std::size_t index, V& value) {
    if constexpr (std::is_invocable_v<F&, handle, V&>)
      return f(name(static_cast<std::uint32_t>(index), c.generation[in_chunk(index)]), value);
    else
      return f(value);
  }
  void swap(slot_map& other) noexcept {
    storage_.swap(other.storage_);
    std::swap(free_, other.free_);
    std::swap(fresh_, other.fresh_);
    std::swap(live_, other.live_);
    std::swap(retired_, other.retired_);
  }

  std::uint32_t free_ = detail::no_slot;
  std::size_t fresh_ = 0;  // slots from here on were never used
  std::size_t live_ = 0;
  std::size_t retired_ = 0;
  storage storage_;
};

}  // namespace frys::inline FRYS_ABI

template <class T, class Bits>
struct std::hash<frys::slot_handle<T, Bits>> {
  std::size_t operator()(frys::slot_handle<T, Bits> h) const noexcept {
    return static_cast<std::size_t>(frys::hash_integer(h.bits()));
  }
};

#endif  // FRYS_MEMORY_SLOT_MAP_HPP
