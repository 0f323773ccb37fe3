// object_pool: objects of one type, made and destroyed one by one, in any order, without the heap.
//
// Use when  many T of one kind come and go: connections, entries, timers, sessions.
// Not when  they all die together (arena), or are freed by other threads (shared_object_pool).
// Threads   one at a time.
// Cost      acquire and destroy: O(1), a pop and a push on a list through the free slots; the slot freed last is used
//           first. One slot is as large as T, or a pointer if T is smaller. Slabs are kept until the pool's end, so
//           after the longest crowd nothing is allocated.
// Errors    errc::out_of_memory: the source refused; errc::limit_exceeded: beyond policy::limit.
// Lifetime  every object must be destroyed before the pool (hardened builds check). Objects never move.
//           AddressSanitizer reports a use of a destroyed one until its slot is used again.
//
// Policies, in any order, each at most once:
//   policy::pages<P>       where slabs come from           default os_pages
//   policy::chunk_size<N>  bytes of a slab, about          default 64 KiB
//   policy::limit<N>       the most bytes of all slabs     default none
//   policy::reuse<R>       what destroy does               default reuse::none: ends the object
//                          reuse::kept, or a type of yours with a static recycle(T&): the object stays made, with the
//                          buffers it has, for the next one who asks; a slot is then a pointer larger
#ifndef FRYS_MEMORY_OBJECT_POOL_HPP
#define FRYS_MEMORY_OBJECT_POOL_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/bytes.hpp"
#include "../core/concepts.hpp"
#include "../core/poison.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "detail/pool_handle.hpp"
#include "pages.hpp"

namespace frys::inline FRYS_ABI {

namespace policy {
struct reuse_key {};  // what becomes of an object that is given back

template <class R>
struct reuse {
  using key = reuse_key;
  using type = R;
};
}  // namespace policy

namespace reuse {
// Given back is destroyed.
struct none {};
// Given back is x.recycle(), and kept as that leaves it.
struct kept {
  template <class T>
  requires requires(T& object) {
    { object.recycle() }
    noexcept;
  }
  static void recycle(T& object) noexcept { object.recycle(); }
};
}  // namespace reuse

namespace detail {
template <class R, class T>
concept reuse_of = std::is_same_v<R, reuse::none> || requires(T& object) {
  { R::recycle(object) }
  noexcept;
};
}  // namespace detail

template <class T, class... Policies>
class object_pool {
  using accepted = policy::keys<policy::pages_key, policy::chunk_size_key, policy::limit_key, policy::reuse_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::object_pool: unknown policy; it takes policy::pages, policy::chunk_size, policy::limit, "
                "policy::reuse and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::object_pool: a policy is given twice; name each at most once");
  static_assert(std::is_object_v<T> && !std::is_array_v<T> && std::is_nothrow_destructible_v<T>,
                "frys::object_pool<T>: T must be an object type, not an array, that dies without throwing");
  static_assert(alignof(T) <= page_size, "frys::object_pool<T>: T must not be aligned beyond a page (4096 bytes)");

 public:
  using value_type = T;
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>, "frys::object_pool: policy::pages wants a page source, see core/concepts.hpp");
  static constexpr std::size_t chunk_size = policy::pick<policy::chunk_size<64 * 1024>, Policies...>::value;
  static constexpr std::size_t limit =
      policy::pick<policy::limit<(std::numeric_limits<std::size_t>::max)()>, Policies...>::value;

  using reuse_type = typename policy::pick<policy::reuse<reuse::none>, Policies...>::type;
  static_assert(detail::reuse_of<reuse_type, T>,
                "frys::object_pool: policy::reuse wants reuse::none, or a type whose static recycle(T&) is noexcept; "
                "reuse::kept calls T's own recycle()");

  // Owns one object and returns it to its pool. Moves; must not outlive the pool.
  using handle = detail::pool_handle<T, object_pool>;

  object_pool() noexcept = default;
  object_pool(const object_pool&) = delete;
  object_pool& operator=(const object_pool&) = delete;
  ~object_pool() {
    FRYS_ASSERT(size() == 0, "object_pool: destroyed while objects of it live");
    discard_kept();
    while (slabs_ != nullptr) {
      const byte_span memory = slabs_->memory;  // the slab lies in the memory that it describes
      slabs_ = slabs_->next;
      unpoison(memory.data(), memory.size());
      pages_type::release(memory);
    }
  }

  // T(args...), owned by the handle. If T's constructor throws, the slot is free again. Where objects are kept, one of
  // them as it is, and the arguments are for the case that there is none.
  template <class... Args>
  requires std::is_constructible_v<T, Args...>
  [[nodiscard]] result<handle> acquire(Args&&... args) noexcept(std::is_nothrow_constructible_v<T, Args...>) {
    result<T*> object = create(std::forward<Args>(args)...);
    if (!object) return object.error();
    return handle(*object, this);
  }
  // The same without a handle, for objects that stand in somebody's lists; destroy it by destroy().
  template <class... Args>
  requires std::is_constructible_v<T, Args...>
  [[nodiscard]] result<T*> create(Args&&... args) noexcept(std::is_nothrow_constructible_v<T, Args...>) {
    if constexpr (keeps) {
      if (kept_ != nullptr) {
        slot* const s = std::exchange(kept_, kept_->next);
        unpoison(s, sizeof(T));
        ++made_;
        return object_in(s);
      }
    }
    if (free_ == nullptr) [[unlikely]] {
      result<void> grown = grow();
      if (!grown) return grown.error();
    }
    // The slot leaves the list first, because T is built over its link; if T's constructor throws, it goes back.
    unpoison(free_, sizeof(slot));
    pending p{*this, std::exchange(free_, free_->next)};
    T* object = std::construct_at(object_in(p.taken), std::forward<Args>(args)...);
    p.taken = nullptr;
    ++made_;
    return object;
  }
  // Destroys an object of this pool, or keeps it for another one.
  void destroy(T& object) noexcept {
    FRYS_ASSERT(size() != 0, "object_pool::destroy: more objects than were made");
    slot* s = reinterpret_cast<slot*>(&object);  // the slot and what lies first in it share their address
    if constexpr (keeps) {
      reuse_type::recycle(object);
      s->next = std::exchange(kept_, s);
      poison(s, sizeof(T));
    } else {
      std::destroy_at(&object);
      put_back(s);
    }
    ++ended_;
  }

  // As many objects as `out` has places, each T(args...), or none and why. Asks the source at once for what they need.
  template <class... Args>
  requires std::is_constructible_v<T, const Args&...>
  [[nodiscard]] result<void> create_some(std::span<T*> out, const Args&... args) noexcept(
      std::is_nothrow_constructible_v<T, const Args&...>) {
    return make_some(
        out, [this](T* made) { destroy(*made); }, [&] { return create(args...); });
  }
  // The same, owned by handles.
  template <class... Args>
  requires std::is_constructible_v<T, const Args&...>
  [[nodiscard]] result<void> acquire_some(std::span<handle> out, const Args&... args) noexcept(
      std::is_nothrow_constructible_v<T, const Args&...>) {
    return make_some(
        out, [](handle& made) { made.reset(); }, [&] { return acquire(args...); });
  }
  void destroy_some(std::span<T* const> objects) noexcept {
    for (T* const object : objects) destroy(*object);
  }
  // Destroys the objects that are kept; their slots are free.
  void discard_kept() noexcept {
    while (kept_ != nullptr) {
      slot* const s = std::exchange(kept_, kept_->next);
      unpoison(s, sizeof(T));
      std::destroy_at(object_in(s));
      put_back(s);
    }
  }

  // Takes memory for at least `count` objects in all, so that acquire need not.
  result<void> reserve(std::size_t count) noexcept {
    while (slots_ < count) {
      result<void> grown = grow();
      if (!grown) return grown;
    }
    return {};
  }

  // Objects that live.
  [[nodiscard]] std::size_t size() const noexcept { return made_ - ended_; }
  // Objects there is memory for.
  [[nodiscard]] std::size_t slot_count() const noexcept { return slots_; }
  // Bytes asked of the source and held.
  [[nodiscard]] std::size_t reserved() const noexcept { return reserved_; }

 private:
  static constexpr bool keeps = !std::is_same_v<reuse_type, reuse::none>;
  union shared_slot {
    shared_slot() noexcept {}
    ~shared_slot() {}
    shared_slot* next;
    T value;
  };
  struct kept_slot {
    alignas(T) std::byte value[sizeof(T)];
    kept_slot* next;
  };
  using slot = std::conditional_t<keeps, kept_slot, shared_slot>;
  static T* object_in(slot* s) noexcept { return reinterpret_cast<T*>(s); }

  template <class Out, class Undo, class Make>
  result<void> make_some(std::span<Out> out, Undo undo, Make make) {
    // Beforehand, so that none is made where not all can be.
    result<void> room = reserve(size() + out.size());
    if (!room) return room;
    // Undoes what was made when a constructor throws.
    struct made_so_far {
      std::span<Out> out;
      Undo undo;
      std::size_t count = 0;
      ~made_so_far() {
        while (count != 0) undo(out[--count]);
      }
    } made{out, undo};
    for (Out& each : out) {
      auto one = make();
      if (!one) return one.error();
      each = *std::move(one);
      ++made.count;
    }
    made.count = 0;
    return {};
  }
  struct pending {
    object_pool& pool;
    slot* taken;
    ~pending() {
      if (taken != nullptr) pool.put_back(taken);
    }
  };
  struct slab {
    byte_span memory;
    slab* next = nullptr;
  };
  static constexpr std::size_t header =
      detail::round_up(sizeof(slab), alignof(slot) > alignof(slab) ? alignof(slot) : alignof(slab));

  void put_back(slot* s) noexcept {
    s->next = free_;
    free_ = s;
    poison(s, keeps ? sizeof(T) : sizeof(slot));
  }
  FRYS_NOINLINE result<void> grow() noexcept {
    constexpr std::size_t one = header + sizeof(slot);
    const std::size_t left = limit - (std::min)(limit, reserved_);
    if (left < one)
      return error{errc::limit_exceeded, domain::memory, "the pool's limit would be passed",
                   static_cast<std::int64_t>((std::min)(limit, detail::most_bytes))};
    const std::size_t wanted = (std::min)((std::max)(chunk_size, one), left);
    result<byte_span> memory = pages_type::allocate(wanted);
    if (!memory) return memory.error();
    slabs_ = ::new (static_cast<void*>(memory->data())) slab{*memory, slabs_};
    reserved_ += wanted;
    const std::size_t count = (wanted - header) / sizeof(slot);
    slot* first = reinterpret_cast<slot*>(memory->data() + header);
    for (std::size_t i = count; i-- > 0;) {  // the lowest address is used first
      put_back(::new (static_cast<void*>(first + i)) slot);
    }
    slots_ += count;
    return {};
  }

  slot* free_ = nullptr;
  slot* kept_ = nullptr;  // with an object
  slab* slabs_ = nullptr;
  // Apart, because each is then changed by one of create and destroy, and neither waits for the other's store.
  std::size_t made_ = 0;
  std::size_t ended_ = 0;
  std::size_t slots_ = 0;
  std::size_t reserved_ = 0;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_OBJECT_POOL_HPP
