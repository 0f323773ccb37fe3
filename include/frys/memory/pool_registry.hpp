// pool_registry: every pool, arena and allocator of a program by name and type: what they hold in all, who they are,
// and their end in order.
//
// Use when  a program must say how much memory its parts hold, close all of them at shutdown, or let a plugin find the
//           pool of a type when it runs.
// Not when  the pools are members of one object: its destructor ends them in order.
// Threads   add, find, bytes, for_each, and a registration's end: any. teardown: one, while nobody ends a pool.
// Cost      a lock, and a walk over the entries; nothing while pools are used.
// Errors    errc::out_of_memory: no pages for the entry; errc::invalid_argument: dependencies in a circle.
// Lifetime  a pool outlives its registration, and the registry outlives both. What find answers is there until its
//           registration ends. The functions of an entry run on the thread that asks: bytes under the lock, so that it
//           must not use the registry, and must be right while other threads use the pool; teardown without it.
//
// Policies, in any order, each at most once:
//   policy::atomics<A>  the atomics model of its lock      default atomics::standard
//   policy::pages<P>    where its entries lie              default os_pages
#ifndef FRYS_MEMORY_POOL_REGISTRY_HPP
#define FRYS_MEMORY_POOL_REGISTRY_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/bytes.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "../core/type_id.hpp"
#include "../policy.hpp"
#include "detail/sharing.hpp"
#include "detail/wrapped.hpp"
#include "pages.hpp"

namespace frys::inline FRYS_ABI {

// A raw_allocator whose type is forgotten: for plugins, and for what shall not be a template.
class any_allocator_ref {
 public:
  any_allocator_ref() noexcept = default;
  template <class A>
  requires(raw_allocator<A> && !std::is_same_v<A, any_allocator_ref>) any_allocator_ref(A& allocator)
  noexcept
      : object_(std::addressof(allocator)),
        allocate_([](void* a, std::size_t size, std::size_t alignment) noexcept {
          return static_cast<A*>(a)->allocate(size, alignment);
        }),
        deallocate_([](void* a, void* memory, std::size_t size, std::size_t alignment) noexcept {
          static_cast<A*>(a)->deallocate(memory, size, alignment);
        }) {}

  [[nodiscard]] result<void*> allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) noexcept {
    if (object_ == nullptr) return error{errc::unsupported, domain::memory, "there is no allocator here", 0};
    return allocate_(object_, size, alignment);
  }
  void deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept {
    if (object_ != nullptr) deallocate_(object_, memory, size, alignment);
  }
  explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
  void* object_ = nullptr;
  result<void*> (*allocate_)(void*, std::size_t, std::size_t) noexcept = nullptr;
  void (*deallocate_)(void*, void*, std::size_t, std::size_t) noexcept = nullptr;
};

// What a registry says of one of its pools.
struct pool_info {
  std::string_view name;
  type_id_t type = 0;             // of the pool
  type_id_t element = 0;          // of what is in it (its value_type); 0: it has none
  std::string_view type_name;     // of the pool, as the compiler writes it
  void* object = nullptr;         // the pool
  std::size_t bytes = 0;          // that it holds now
  any_allocator_ref allocator{};  // if it is a raw_allocator
};

namespace detail {

// A vector in pages, of what may be moved by its bytes.
template <class T, class Pages>
class page_array {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  page_array() noexcept = default;
  page_array(const page_array&) = delete;
  page_array& operator=(const page_array&) = delete;
  ~page_array() { Pages::release(memory_); }

  result<void> push_back(const T& value) noexcept {
    if ((count_ + 1) * sizeof(T) > memory_.size()) {
      result<byte_span> grown = Pages::allocate(memory_.empty() ? page_size : memory_.size() * 2);
      if (!grown) return grown.error();
      for (std::size_t i = 0; i < count_; ++i) ::new (static_cast<void*>(at(*grown, i))) T(*at(memory_, i));
      Pages::release(memory_);
      memory_ = *grown;
    }
    ::new (static_cast<void*>(at(memory_, count_++))) T(value);
    return {};
  }
  // Removes those of which gone(value) is true; the rest keeps its order.
  template <class F>
  void remove_if(F&& gone) noexcept {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count_; ++i)
      if (!gone((*this)[i])) (*this)[kept++] = (*this)[i];
    count_ = kept;
  }
  T& operator[](std::size_t i) noexcept { return *at(memory_, i); }
  const T& operator[](std::size_t i) const noexcept { return *at(memory_, i); }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  const T* begin() const noexcept { return at(memory_, 0); }
  const T* end() const noexcept { return at(memory_, 0) + count_; }

 private:
  static T* at(byte_span memory, std::size_t i) noexcept { return reinterpret_cast<T*>(memory.data()) + i; }
  byte_span memory_;
  std::size_t count_ = 0;
};

// What a pool holds, by the name under which it tells.
struct bytes_held {
  template <class T>
  std::size_t operator()(const T& pool) const noexcept {
    if constexpr (requires {
                    { pool.reserved() } -> std::convertible_to<std::size_t>;
                  })
      return pool.reserved();
    else if constexpr (requires {
                         { pool.counts().live_bytes } -> std::convertible_to<std::size_t>;
                       })
      return static_cast<std::size_t>(pool.counts().live_bytes);
    else if constexpr (requires {
                         { pool.live_bytes() } -> std::convertible_to<std::size_t>;
                       })
      return pool.live_bytes();
    else if constexpr (requires {
                         { pool.used() } -> std::convertible_to<std::size_t>;
                       })
      return pool.used();
    else
      return 0;
  }
};
// Gives back what the pool holds, if it has a release() for it.
struct release_all {
  template <class T>
  void operator()(T& pool) const noexcept {
    if constexpr (requires { pool.release(); }) static_cast<void>(pool.release());
  }
};

template <class T>
constexpr type_id_t element_of() noexcept {
  if constexpr (requires { typename T::value_type; })
    return type_id<typename T::value_type>();
  else
    return 0;
}

}  // namespace detail

template <class... Policies>
class basic_pool_registry {
  using accepted = policy::keys<policy::atomics_key, policy::pages_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::basic_pool_registry: unknown policy; it takes policy::atomics, policy::pages and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::basic_pool_registry: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::basic_pool_registry: policy::atomics wants an atomics model, see core/atomics.hpp");
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>,
                "frys::basic_pool_registry: policy::pages wants a page source, see core/concepts.hpp");

  // One pool's place in the registry; its end takes it out. Moves.
  class registration {
   public:
    registration() noexcept = default;
    registration(registration&& other) noexcept : registry_(std::exchange(other.registry_, nullptr)), id_(other.id_) {}
    registration& operator=(registration&& other) noexcept {
      registration taken(std::move(other));
      std::swap(registry_, taken.registry_);
      std::swap(id_, taken.id_);
      return *this;
    }
    ~registration() { reset(); }
    void reset() noexcept {
      if (registry_ != nullptr) std::exchange(registry_, nullptr)->remove(id_);
    }
    explicit operator bool() const noexcept { return registry_ != nullptr; }

   private:
    friend basic_pool_registry;
    registration(basic_pool_registry* registry, std::uint64_t id) noexcept : registry_(registry), id_(id) {}
    basic_pool_registry* registry_ = nullptr;
    std::uint64_t id_ = 0;
  };

  basic_pool_registry() noexcept = default;
  basic_pool_registry(const basic_pool_registry&) = delete;
  basic_pool_registry& operator=(const basic_pool_registry&) = delete;

  // Registers `pool`. `name` is not copied: a literal. bytes(pool) answers what it holds, teardown(pool) ends it:
  // functors without state, such as lambdas without captures; by default what the pool has: reserved() and the like,
  // release().
  template <class T, class Bytes = detail::bytes_held, class Teardown = detail::release_all>
  [[nodiscard]] result<registration> add(std::string_view name, T& pool, Bytes = {}, Teardown = {}) noexcept {
    static_assert(std::is_empty_v<Bytes> && std::is_empty_v<Teardown> && std::default_initializable<Bytes> &&
                      std::default_initializable<Teardown>,
                  "frys::basic_pool_registry::add: bytes and teardown must be functors without state");
    static_assert(
        std::is_invocable_r_v<std::size_t, Bytes, const T&> && std::is_invocable_v<Teardown, T&>,
        "frys::basic_pool_registry::add: bytes must take a const pool and answer a number, teardown take a pool");
    entry e;
    e.info.name = name;
    e.info.type = type_id<T>();
    e.info.element = detail::element_of<T>();
    e.info.type_name = type_name<T>();
    e.info.object = std::addressof(pool);
    if constexpr (raw_allocator<T>) e.info.allocator = any_allocator_ref(pool);
    e.bytes = [](const void* p) noexcept { return static_cast<std::size_t>(Bytes{}(*static_cast<const T*>(p))); };
    e.teardown = [](void* p) noexcept { Teardown{}(*static_cast<T*>(p)); };
    held_lock hold(lock_);
    e.id = ++last_id_;
    result<void> added = entries_.push_back(e);
    if (!added) return added.error();
    return registration(this, e.id);
  }
  // `user` stands on `base`: teardown ends it before, whichever was registered first.
  result<void> depends(const registration& user, const registration& base) noexcept {
    held_lock hold(lock_);
    if (user.registry_ != this || base.registry_ != this)
      return error{errc::invalid_argument, domain::memory, "one of the two is not registered here", 0};
    if (user.id_ == base.id_ || stands_on(base.id_, user.id_))
      return error{errc::invalid_argument, domain::memory, "the dependencies would run in a circle", 0};
    return edges_.push_back({user.id_, base.id_});
  }

  // What all of them hold.
  [[nodiscard]] std::size_t bytes() const noexcept {
    held_lock hold(lock_);
    std::size_t sum = 0;
    for (const entry& e : entries_) sum += e.bytes(e.info.object);
    return sum;
  }
  [[nodiscard]] std::size_t size() const noexcept {
    held_lock hold(lock_);
    return entries_.size();
  }
  // f(pool_info) for each, in the order of their registration, under the lock: f must not use the registry.
  template <class F>
  void for_each(F&& f) const {
    held_lock hold(lock_);
    for (const entry& e : entries_) f(told(e));
  }

  // The first pool of type T, with that name if one is given; nullptr if there is none.
  template <class T>
  [[nodiscard]] T* find(std::string_view name = {}) const noexcept {
    return static_cast<T*>(first([name](const pool_info& p) {
                             return p.type == type_id<T>() && (name.empty() || p.name == name);
                           }).object);
  }
  // The first pool whose elements are of that type: object_pool<session> for type_id<session>(). Without: object is
  // null.
  [[nodiscard]] pool_info find_for(type_id_t element) const noexcept {
    return first([element](const pool_info& p) { return element != 0 && p.element == element; });
  }
  // The first pool of that name. Without: object is null.
  [[nodiscard]] pool_info find_named(std::string_view name) const noexcept {
    return first([name](const pool_info& p) { return p.name == name; });
  }

  // Ends all: who stands on another one before it, else the last registered first. What a teardown registers is ended
  // too. Answers how many.
  std::size_t teardown() noexcept {
    std::size_t ended = 0;
    for (entry next; take_next(next); ++ended) next.teardown(next.info.object);
    return ended;
  }

 private:
  struct entry {
    pool_info info;
    std::size_t (*bytes)(const void*) noexcept = nullptr;
    void (*teardown)(void*) noexcept = nullptr;
    std::uint64_t id = 0;
  };
  struct edge {
    std::uint64_t user, base;
  };

  static pool_info told(const entry& e) noexcept {
    pool_info info = e.info;
    info.bytes = e.bytes(info.object);
    return info;
  }
  template <class F>
  pool_info first(F&& wanted) const noexcept {
    held_lock hold(lock_);
    for (const entry& e : entries_)
      if (wanted(e.info)) return told(e);
    return {};
  }
  bool stands_on(std::uint64_t user, std::uint64_t base) const noexcept {
    for (const edge& e : edges_)
      if (e.user == user && (e.base == base || stands_on(e.base, base))) return true;
    return false;
  }
  bool is_used(std::uint64_t id) const noexcept {
    for (const edge& e : edges_)
      if (e.base == id) return true;
    return false;
  }
  // The last one that nobody stands on, taken out. There is one as long as there are any: no circles.
  bool take_next(entry& next) noexcept {
    held_lock hold(lock_);
    for (std::size_t i = entries_.size(); i-- > 0;) {
      if (is_used(entries_[i].id)) continue;
      next = entries_[i];
      forget(next.id);
      return true;
    }
    return false;
  }
  void remove(std::uint64_t id) noexcept {
    held_lock hold(lock_);
    forget(id);
  }
  void forget(std::uint64_t id) noexcept {
    entries_.remove_if([id](const entry& e) { return e.id == id; });
    edges_.remove_if([id](const edge& e) { return e.user == id || e.base == id; });
  }

  mutable detail::table_lock<atomics_type> lock_;
  detail::page_array<entry, pages_type> entries_;
  detail::page_array<edge, pages_type> edges_;
  std::uint64_t last_id_ = 0;
};
using pool_registry = basic_pool_registry<>;

// One for the whole program, for those who want one: made when it is first asked for and never ended, so that pools of
// static storage may leave it at any time. Call its teardown() yourself. A plugin that may be unloaded takes the host's
// registry by reference instead: this function keeps an object of its own in each program that does not share symbols.
inline pool_registry& process_pools() noexcept {
  alignas(pool_registry) static std::byte memory[sizeof(pool_registry)];
  static pool_registry* const registry = ::new (static_cast<void*>(memory)) pool_registry;
  return *registry;
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_POOL_REGISTRY_HPP
