// shared_object_pool: objects of one type for many threads: made by one, destroyed by any.
//
// Use when  messages, connections, jobs are made on one thread and end on another, and there are many of them.
// Not when  all of it happens on one thread (object_pool), or only the owner makes objects and they are buffers
//           (buffer_pool).
// Roles     join: any thread; the participant is that thread's seat. pool.destroy and a handle's end: any thread, with
//           or without a seat. Destroy the pool: one thread, after the seats have left and all objects have ended.
// Progress  create and destroy are lock-free, but for a create that finds nothing free: one thread then asks the source
//           for memory, and the others that find nothing wait for it.
// Cost      a seat has two batches of free objects: most calls are a count and an array's element. Every
//           policy::batch calls at worst, two compare-exchanges swap a full batch for an empty one. pool.destroy: one
//           compare-exchange. A slot is as large as T or a pointer, and takes a pointer in a batch.
// Ordering  what a thread did with an object before it destroyed it happens-before the create that uses its slot again.
// Errors    errc::out_of_memory: the source refused; errc::limit_exceeded: beyond policy::limit; errc::full: all seats
//           are taken. A seat may hold up to two batches of free objects while another one finds none.
// Lifetime  slabs are kept until the pool's end. Every object must be destroyed before it (hardened builds check).
//           Objects never move. AddressSanitizer reports a use of a destroyed one until its slot is used again.
//
// Policies, in any order, each at most once:
//   policy::atomics<A>     the atomics model               default atomics::standard
//   policy::pages<P>       where slabs come from           default os_pages
//   policy::chunk_size<N>  bytes of the first slab, about  default 64 KiB
//   policy::limit<N>       the most bytes of all slabs     default none
//   policy::capacity<N>    seats                           default 64
//   policy::batch<N>       objects of a batch              default 64
// Source    J. Bonwick, J. Adams, "Magazines and vmem", USENIX 2001; R. K. Treiber, IBM RJ 5118, 1986 (the stacks).
#ifndef FRYS_MEMORY_SHARED_OBJECT_POOL_HPP
#define FRYS_MEMORY_SHARED_OBJECT_POOL_HPP

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/bytes.hpp"
#include "../core/cache_line.hpp"
#include "../core/concepts.hpp"
#include "../core/poison.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "detail/pool_handle.hpp"
#include "pages.hpp"
#include "reclaim.hpp"

namespace frys::inline FRYS_ABI {

template <class T, class... Policies>
class shared_object_pool {
  using accepted = policy::keys<policy::atomics_key, policy::pages_key, policy::chunk_size_key, policy::limit_key,
                                policy::capacity_key, policy::batch_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::shared_object_pool: unknown policy; it takes policy::atomics, policy::pages, "
                "policy::chunk_size, policy::limit, policy::capacity, policy::batch and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::shared_object_pool: a policy is given twice; name each at most once");
  static_assert(std::is_object_v<T> && !std::is_array_v<T> && std::is_nothrow_destructible_v<T>,
                "frys::shared_object_pool<T>: T must be an object type, not an array, that dies without throwing");
  static_assert(alignof(T) <= page_size,
                "frys::shared_object_pool<T>: T must not be aligned beyond a page (4096 bytes)");

 public:
  using value_type = T;
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::shared_object_pool: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(page_source<pages_type>,
                "frys::shared_object_pool: policy::pages wants a page source, see core/concepts.hpp");
  static constexpr std::size_t chunk_size = policy::pick<policy::chunk_size<64 * 1024>, Policies...>::value;
  static constexpr std::size_t limit =
      policy::pick<policy::limit<(std::numeric_limits<std::size_t>::max)()>, Policies...>::value;
  static constexpr std::size_t seats = policy::pick<policy::capacity<64>, Policies...>::value;
  static constexpr std::size_t batch_size = policy::pick<policy::batch<64>, Policies...>::value;
  static_assert(seats >= 1 && seats <= 65536, "frys::shared_object_pool: policy::capacity wants 1 to 65536 seats");
  static_assert(batch_size >= 1 && batch_size <= 65536,
                "frys::shared_object_pool: policy::batch wants 1 to 65536 objects");

 private:
  template <class U>
  using atomic = typename atomics_type::template atomic<U>;

  union slot {
    slot() noexcept {}
    ~slot() {}
    slot* next;  // of a free one that came back without a seat
    T value;
  };
  // Up to batch_size free slots. Owned by one seat, or in one of the two stacks.
  struct batch {
    atomic<std::uint32_t> next{0};  // in a stack: the name of the batch below
    std::uint32_t name;             // what the stacks call it: never 0
    std::size_t count = 0;
    slot* slots_in[batch_size];
    [[no_unique_address]] typename atomics_type::template var<char> holder{};  // shows the checker who uses it when
  };
  // Batches by one word: the top's name below, and above a number that no two tops have in common, so that a
  // compare-exchange fails if the stack was changed and changed back.
  struct stack {
    alignas(cache_line) atomic<std::uint64_t> top{0};
  };
  struct alignas(cache_line) seat {
    atomic<std::uint32_t> taken{0};
    batch* loaded = nullptr;    // is used first
    batch* previous = nullptr;  // empty or full, but for what a seat has left behind
  };
  // A name is 1 + the number of the piece above bit 26 and of the batch in it below.
  static constexpr std::size_t most_pieces = 62;
  static constexpr unsigned name_shift = 26;
  struct slab {
    byte_span memory;
    std::size_t size = 0;  // bytes asked of the source
  };

 public:
  // Owns one object and returns it to its pool, on whatever thread. Moves; must not outlive the pool.
  using handle = detail::pool_handle<T, shared_object_pool>;

  // A thread's seat. Moves; leaves when it dies, which must be before the pool does.
  class participant {
   public:
    participant(participant&& other) noexcept : pool_(other.pool_), seat_(std::exchange(other.seat_, nullptr)) {}
    participant& operator=(participant&& other) noexcept {
      participant taken(std::move(other));
      std::swap(pool_, taken.pool_);
      std::swap(seat_, taken.seat_);
      return *this;
    }
    ~participant() { leave(); }

    // T(args...). If T's constructor throws, the slot is free again.
    template <class... Args>
    requires std::is_constructible_v<T, Args...>
    [[nodiscard]] result<T*> create(Args&&... args) noexcept(std::is_nothrow_constructible_v<T, Args...>) {
      if (seat_->loaded->count == 0) [[unlikely]] {
        result<void> refilled = pool_->refill(*seat_);
        if (!refilled) return refilled.error();
      }
      pending p{*this, take(*seat_->loaded)};
      unpoison(p.taken, sizeof(slot));
      T* object = std::construct_at(&p.taken->value, std::forward<Args>(args)...);
      p.taken = nullptr;
      return object;
    }
    // The same, owned by a handle, whose end costs a compare-exchange; destroy(*handle.release()) is the short way.
    template <class... Args>
    requires std::is_constructible_v<T, Args...>
    [[nodiscard]] result<handle> acquire(Args&&... args) noexcept(std::is_nothrow_constructible_v<T, Args...>) {
      result<T*> object = create(std::forward<Args>(args)...);
      if (!object) return object.error();
      return handle(*object, pool_);
    }
    // Destroys an object of this pool, whichever thread has made it.
    void destroy(T& object) noexcept {
      std::destroy_at(&object);
      give(reinterpret_cast<slot*>(&object));  // the union and its member share their address
    }
    // Gives the seat back, and what is free in it to all.
    void leave() noexcept {
      if (seat_ != nullptr) pool_->leave(*std::exchange(seat_, nullptr));
    }

   private:
    friend shared_object_pool;
    struct pending {
      participant& seat;
      slot* taken;
      ~pending() {
        if (taken != nullptr) seat.give(taken);
      }
    };
    participant(shared_object_pool* pool, seat* s) noexcept : pool_(pool), seat_(s) {}
    void give(slot* s) noexcept {
      poison(s, sizeof(slot));
      if (seat_->loaded->count == batch_size) [[unlikely]]
        pool_->drain(*seat_);
      put(*seat_->loaded, s);
    }

    shared_object_pool* pool_;
    seat* seat_;
  };

  shared_object_pool() noexcept = default;
  shared_object_pool(const shared_object_pool&) = delete;
  shared_object_pool& operator=(const shared_object_pool&) = delete;
  ~shared_object_pool() {
    FRYS_ASSERT(free_slots() == slot_count_, "shared_object_pool: destroyed while objects of it live");
    for (slab& s : slabs_) {
      if (s.memory.data() == nullptr) continue;
      unpoison(s.memory.data(), s.memory.size());
      pages_type::release(s.memory);
    }
  }

  // A seat for the calling thread. errc::full: all are taken.
  [[nodiscard]] result<participant> join() noexcept {
    // sync(shared_object_pool.pieces): acquire; the batches of the seats are there.
    if (pieces_[0].load(std::memory_order_acquire) == nullptr) {
      result<void> made = make_seats();
      if (!made) return made.error();
    }
    for (seat& s : seats_) {
      std::uint32_t taken = 0;
      // sync(shared_object_pool.seat): acquire; what the last holder did with the batches is done. relaxed: a taken one
      // is passed over.
      if (s.taken.load(std::memory_order_relaxed) == 0 &&
          s.taken.compare_exchange_strong(taken, 1, std::memory_order_acquire, std::memory_order_relaxed)) {
        if (s.loaded == nullptr) {
          // relaxed: acquired above.
          batch* const own = pieces_[0].load(std::memory_order_relaxed) + 2 * (&s - seats_);
          s.loaded = own;
          s.previous = own + 1;
        }
        s.loaded->holder.ref() = s.previous->holder.ref() = 1;
        return participant(this, &s);
      }
    }
    return error{errc::full, domain::memory, "all seats of the pool are taken", static_cast<std::int64_t>(seats)};
  }

  // Destroys an object of this pool, on a thread that has no seat, or has it not at hand.
  void destroy(T& object) noexcept {
    std::destroy_at(&object);
    slot* const s = ::new (static_cast<void*>(&object)) slot;
    push_returned(s, s);
  }

  // Objects there is memory for; a moment's figure.
  [[nodiscard]] std::size_t slot_count() noexcept {
    const locked lock(*this);
    return slot_count_;
  }
  // Bytes asked of the source and held; a moment's figure.
  [[nodiscard]] std::size_t reserved() noexcept {
    const locked lock(*this);
    return reserved_;
  }

 private:
  // One thread at a time asks the source.
  struct locked {
    explicit locked(shared_object_pool& p) noexcept : pool(p) {
      // sync(shared_object_pool.growing): acquire; we see what the last one has added.
      while (pool.growing_.exchange(1, std::memory_order_acquire) != 0) atomics_type::pause();
    }
    // sync(shared_object_pool.growing): release; the next one sees it.
    ~locked() { pool.growing_.store(0, std::memory_order_release); }
    shared_object_pool& pool;
  };

  static slot* take(batch& b) noexcept {
    b.holder.ref() = 1;
    return b.slots_in[--b.count];
  }
  static void put(batch& b, slot* s) noexcept {
    b.holder.ref() = 1;
    b.slots_in[b.count++] = s;
  }
  batch& named(std::uint32_t name) const noexcept {
    // relaxed: the push that made the name known has told of the piece.
    return pieces_[(name - 1) >> name_shift].load(
        std::memory_order_relaxed)[(name - 1) & ((std::uint32_t{1} << name_shift) - 1)];
  }

  static std::uint64_t on_top(std::uint64_t before, std::uint32_t name) noexcept {
    return ((before >> 32) + 1) << 32 | name;
  }
  // `first` down to `last` are linked already.
  static void push(stack& to, batch& first, batch& last) noexcept {
    std::uint64_t top = to.top.load(std::memory_order_relaxed);  // relaxed, also on failure: only carried
    do {
      // relaxed: the exchange releases it.
      last.next.store(static_cast<std::uint32_t>(top), std::memory_order_relaxed);
      // sync(shared_object_pool.stack): release; we are done with the batches and their slots.
    } while (!to.top.compare_exchange_weak(top, on_top(top, first.name), std::memory_order_release,
                                           std::memory_order_relaxed));
  }
  batch* pop(stack& from) noexcept {
    for (;;) {
      // sync(shared_object_pool.stack): acquire; who pushed it, or one above it, is done with it.
      std::uint64_t top = from.top.load(std::memory_order_acquire);
      if (static_cast<std::uint32_t>(top) == 0) return nullptr;
      batch& b = named(static_cast<std::uint32_t>(top));
      // relaxed: it may be another one's batch by now, but then the number above has changed.
      const std::uint32_t below = b.next.load(std::memory_order_relaxed);
      // relaxed: what is taken was acquired by the load.
      if (from.top.compare_exchange_weak(top, on_top(top, below), std::memory_order_relaxed, std::memory_order_relaxed))
        return &b;
    }
  }
  // relaxed: a guess.
  static bool seems_empty(const stack& s) noexcept {
    return static_cast<std::uint32_t>(s.top.load(std::memory_order_relaxed)) == 0;
  }

  // There is one: there are two batches for each seat that was ever taken and enough for all slots besides. Seats hold
  // two at most, and who calls this holds one; so many full ones that no empty one is left would hold more than all
  // slots. What is not seen at once was pushed just now.
  batch& pop_empty() noexcept {
    for (;;) {
      if (batch* const b = pop(empty_)) return *b;
      atomics_type::pause();
    }
  }

  // Both batches of a seat are empty, or the loaded one is.
  FRYS_NOINLINE result<void> refill(seat& s) noexcept {
    if (s.previous->count != 0) {
      std::swap(s.loaded, s.previous);
      return {};
    }
    for (;;) {
      if (!seems_empty(full_)) {
        // The empty one is given first, so that no seat ever holds three.
        push(empty_, *s.loaded, *s.loaded);
        batch* const full = pop(full_);
        s.loaded = full != nullptr ? full : &pop_empty();
        if (full != nullptr) return {};
      }
      // relaxed: a guess.
      if (returned_.load(std::memory_order_relaxed) != nullptr) {
        // sync(shared_object_pool.returned): acquire; those who destroyed the objects are done with them.
        absorb(s, returned_.exchange(nullptr, std::memory_order_acquire));
        if (s.loaded->count != 0) return {};
        continue;
      }
      result<void> grown = grow();
      if (!grown) return grown;
    }
  }
  // The loaded batch is full: makes it one that has room.
  FRYS_NOINLINE void drain(seat& s) noexcept {
    if (s.previous->count == batch_size) {
      push(full_, *s.previous, *s.previous);
      s.previous = &pop_empty();
    }
    std::swap(s.loaded, s.previous);
  }
  // Slots that came back without a seat, into batches: for this seat, and for all what it has no room for.
  void absorb(seat& s, slot* list) noexcept {
    while (list != nullptr) {
      slot* const each = std::exchange(list, list->next);
      poison(each, sizeof(slot));
      if (s.loaded->count == batch_size) drain(s);
      put(*s.loaded, each);
    }
  }
  void push_returned(slot* first, slot* last) noexcept {
    slot* top = returned_.load(std::memory_order_relaxed);  // relaxed, also on failure: only carried
    do {
      last->next = top;
      if (sizeof(slot) > sizeof(slot*))
        poison(reinterpret_cast<std::byte*>(last) + sizeof(slot*), sizeof(slot) - sizeof(slot*));
      // sync(shared_object_pool.returned): release; we are done with the objects.
    } while (!returned_.compare_exchange_weak(top, first, std::memory_order_release, std::memory_order_relaxed));
  }
  void leave(seat& s) noexcept {
    slot* first = nullptr;
    slot* last = nullptr;
    for (batch* const b : {s.loaded, s.previous}) {
      while (b->count != 0) {
        slot* const each = take(*b);
        unpoison(each, sizeof(slot));
        ::new (static_cast<void*>(each)) slot;
        each->next = std::exchange(first, each);
        if (last == nullptr) last = each;
      }
    }
    if (first != nullptr) push_returned(first, last);
    // sync(shared_object_pool.seat): release; our use of the batches ends before another one's begins.
    s.taken.store(0, std::memory_order_release);
  }

  static constexpr std::size_t slots_align = (std::max)(alignof(slot), alignof(batch));
  FRYS_NOINLINE result<void> make_seats() noexcept {
    const locked lock(*this);
    // relaxed: under the lock.
    if (pieces_[0].load(std::memory_order_relaxed) != nullptr) return {};
    result<byte_span> memory = take_memory(sizeof(batch) * seats * 2);
    if (!memory) return memory.error();
    make_batches(0, memory->data(), seats * 2);
    return {};
  }
  FRYS_NOINLINE result<void> grow() noexcept {
    const locked lock(*this);
    // Another one's slab may have come while we waited.
    if (!seems_empty(full_)) return {};
    constexpr std::size_t one = sizeof(batch) + sizeof(slot) * batch_size;
    const std::size_t size =
        (std::max)(one + slots_align, (std::min)(chunk_size, detail::most_bytes >> 22) << ((pieces_used_ - 1) / 3));
    if (pieces_used_ == most_pieces) return detail::pages_refused(size);
    const std::size_t left = limit - reserved_;
    if (left < one + slots_align)
      return error{errc::limit_exceeded, domain::memory, "the pool's limit would be passed",
                   static_cast<std::int64_t>((std::min)(limit, detail::most_bytes))};
    const std::size_t count = (std::min)(((std::min)(size, left) - slots_align) / one, std::size_t{1} << name_shift);
    result<byte_span> memory = take_memory(count * one + slots_align);
    if (!memory) return memory.error();
    batch* const first = make_batches(pieces_used_, memory->data(), count);
    slot* next = reinterpret_cast<slot*>(memory->data() + detail::round_up(count * sizeof(batch), slots_align));
    poison(next, sizeof(slot) * count * batch_size);
    for (std::size_t i = 0; i < count; ++i) {
      batch& b = first[i];
      for (std::size_t n = batch_size; n-- > 0; ++next) b.slots_in[n] = next;  // the lowest address is used first
      b.count = batch_size;
      // relaxed: the push releases it.
      if (i + 1 < count) b.next.store(first[i + 1].name, std::memory_order_relaxed);
    }
    slot_count_ += count * batch_size;
    ++pieces_used_;
    push(full_, first[0], first[count - 1]);
    return {};
  }
  batch* make_batches(std::size_t piece, std::byte* at, std::size_t count) noexcept {
    batch* const first = reinterpret_cast<batch*>(at);
    for (std::size_t i = 0; i < count; ++i) {
      batch* const b = ::new (static_cast<void*>(first + i)) batch;
      b->name = static_cast<std::uint32_t>(piece << name_shift | i) + 1;
      b->holder.ref() = 1;
    }
    // sync(shared_object_pool.pieces): release; who sees the piece sees its batches.
    pieces_[piece].store(first, std::memory_order_release);
    return first;
  }
  result<byte_span> take_memory(std::size_t size) noexcept {
    if (size > limit - reserved_)
      return error{errc::limit_exceeded, domain::memory, "the pool's limit would be passed",
                   static_cast<std::int64_t>((std::min)(limit, detail::most_bytes))};
    result<byte_span> memory = pages_type::allocate(size);
    if (!memory) return memory.error();
    reserved_ += size;
    slabs_[slabs_used_++] = {*memory, size};
    return memory;
  }
  // For the destructor: nobody else is here.
  std::size_t free_slots() noexcept {
    std::size_t n = 0;
    while (batch* const b = pop(full_)) n += b->count;
    for (const seat& s : seats_)
      if (s.loaded != nullptr) n += s.loaded->count + s.previous->count;
    // relaxed: who ends the pool knows that all others are done with it.
    for (const slot* s = returned_.load(std::memory_order_relaxed); s != nullptr; s = s->next) ++n;
    return n;
  }

  stack full_;
  stack empty_;
  alignas(cache_line) atomic<slot*> returned_{nullptr};  // objects that came back without a seat
  alignas(cache_line) atomic<std::uint32_t> growing_{0};
  std::size_t reserved_ = 0;
  std::size_t slot_count_ = 0;
  std::size_t pieces_used_ = 1;
  std::size_t slabs_used_ = 0;
  slab slabs_[most_pieces + 1];
  atomic<batch*> pieces_[most_pieces] = {};  // the first: two batches for each seat; the others: those of a slab
  seat seats_[seats];
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_SHARED_OBJECT_POOL_HPP
