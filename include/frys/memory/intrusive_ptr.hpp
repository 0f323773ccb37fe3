// intrusive_ptr, ref_counted: a pointer that shares an object; the number of its owners lies in the object itself.
//
// Use when  nobody can say where an object's last user is: it is held by callbacks that nest, by queues, by several
//           threads; or a raw pointer must become an owner again (a C callback's argument, a method that hands itself
//           on).
// Not when  one owner can be named (std::unique_ptr, object_pool::handle), the object is bytes (buffer), or it is read
//           from a place where others put another one (rcu_cell: between the look and the count it could be gone).
// Roles     counts::atomic: any thread; two pointers to one object may live on two threads. counts::local: while an
//           object has more than one owner, one thread (hardened builds check); the only one may move to another. One
//           pointer: one thread at a time.
// Progress  wait-free, but for what gives the object back.
// Cost      a pointer is one word. counts::atomic: a copy is one read-modify-write, a drop a load and a read-modify-
//           write, a drop by the only owner one load; an object has 4 bytes more. counts::local: no atomic at all. A
//           move, and the making of an object, count nothing.
// Ordering  what an owner did with the object before it dropped its pointer happens-before its destruction, and
//           before what an owner does that found is_unique(). A copy orders nothing: the hand-over to the other thread
//           must.
// Errors    make_intrusive: errc::out_of_memory, or what the pool refuses with. More than 2^31 owners: hardened builds
//           end the program; others would count on, and wrap at 2^32.
// Lifetime  an object is born with one owner: make_intrusive's pointer, or whoever calls adopt. In its destructor it
//           may make pointers to itself that end there. The count ends objects, not cycles: two that point to each
//           other stay.
// Weak      there is no weak pointer: one would have to outlive the object, and the count lies in the object. Who needs
//           to look at what others may end takes a domain (memory/reclaim.hpp) or std::shared_ptr.
// Drop-in   ref_counted defines intrusive_ptr_add_ref and intrusive_ptr_release, found by its arguments; so its objects
//           serve boost::intrusive_ptr as well (they are born with one owner: add_ref false), and objects made for
//           that one serve here, by share().
//
// Policies of ref_counted<T, ...>, in any order, each at most once:
//   policy::count<C>    counts::atomic, counts::local, counts::biased               default counts::atomic
//                       (memory/biased_ptr.hpp), or a model of one's own
//   policy::release<R>  what the last owner does, and make_intrusive before it:     default reclaim_by_delete
//                       reclaim_by_delete, reclaim_to_pool<Pool>,
//                       reclaim_by_allocator<A>, or a type of one's own with
//                       `void reclaim(T*) noexcept`; what it holds, lies in the
//                       object, so memory goes back to where it came from
//   policy::atomics<A>  the atomics model                                           default atomics::standard
// Source    the two functions and the born count: boost::intrusive_ptr, WTF::RefCounted.
#ifndef FRYS_MEMORY_INTRUSIVE_PTR_HPP
#define FRYS_MEMORY_INTRUSIVE_PTR_HPP

#include <atomic>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "reclaim.hpp"

namespace frys::inline FRYS_ABI {

namespace policy {
struct count_key {};    // count_model (memory/intrusive_ptr.hpp)
struct release_key {};  // reclaims<R, T> (memory/intrusive_ptr.hpp)

// Who may count at the same time.
template <class C>
struct count {
  using key = count_key;
  using type = C;
};
// What becomes of an object without owners.
template <class R>
struct release {
  using key = release_key;
  using type = R;
};
}  // namespace policy

namespace detail {
// Half of what the count can hold: threads that count on while one ends the program do not make it wrap.
inline constexpr std::uint32_t most_owners = 0x8000'0000;
inline constexpr error object_refused{errc::out_of_memory, domain::memory, "no memory for an object", 0};

#if FRYS_HARDENED
// Another address for each thread that lives.
inline const void* thread_mark() noexcept {
  static thread_local constinit char mark = 0;
  return &mark;
}
#endif
}  // namespace detail

// For policy::count. A model has `template <class Atomics> word`: the owners of one object, 1 at first.
namespace counts {

// Owners on any thread.
struct atomic {
  template <class Atomics>
  class word {
   public:
    word() noexcept = default;
    explicit word(std::uint32_t owners) noexcept : owners_(owners) {}

    void add() noexcept {
      // relaxed: the pointer that is copied keeps the object alive; what the copy's thread reads is ordered by how it
      // got it.
      [[maybe_unused]] const std::uint32_t before = owners_.fetch_add(1, std::memory_order_relaxed);
      FRYS_ASSERT(before < detail::most_owners, "intrusive_ptr: more owners than the count can hold");
    }
    // True for the last one, who ends the object; the count is 1 then.
    [[nodiscard]] bool drop() noexcept {
      // sync(intrusive_ptr.owners): acquire; the only owner has no rival: no read-modify-write. What the others did
      // before they left is over before the object ends.
      if (owners_.load(std::memory_order_acquire) == 1) return true;
      // sync(intrusive_ptr.owners): release; what we did with the object is over for who ends it.
      if (owners_.fetch_sub(1, std::memory_order_release) != 1) return false;
      // sync(intrusive_ptr.owners): acquire; as above, for the last of several that left at once. A load and not a
      // fence, which ThreadSanitizer would not see.
      [[maybe_unused]] const std::uint32_t none = owners_.load(std::memory_order_acquire);
      FRYS_ASSERT(none == 0, "intrusive_ptr: an object was shared that nobody owned");
      owners_.store(1, std::memory_order_relaxed);  // relaxed: nobody else has the object
      return true;
    }
    [[nodiscard]] std::uint32_t owners() const noexcept {
      return owners_.load(std::memory_order_relaxed);  // relaxed: a number that may be stale
    }
    [[nodiscard]] bool is_unique() const noexcept {
      // sync(intrusive_ptr.owners): acquire; what former owners did is over before we use the object as our own.
      return owners_.load(std::memory_order_acquire) == 1;
    }

   private:
    typename Atomics::template atomic<std::uint32_t> owners_{1};
  };
};

// Owners on one thread; the only one may go to another, by a hand-over that orders.
struct local {
  template <class Atomics>
  class word {
   public:
    word() noexcept = default;
    explicit word(std::uint32_t owners) noexcept : owners_(owners) {}

    void add() noexcept {
      FRYS_ASSERT(owners_.get() < detail::most_owners, "intrusive_ptr: more owners than the count can hold");
      check_thread();
      ++owners_.ref();
    }
    [[nodiscard]] bool drop() noexcept {
      if (owners_.get() == 1) return true;
      check_thread();
      --owners_.ref();
      return false;
    }
    [[nodiscard]] std::uint32_t owners() const noexcept { return owners_.get(); }
    [[nodiscard]] bool is_unique() const noexcept { return owners_.get() == 1; }

   private:
#if FRYS_HARDENED
    void check_thread() noexcept {
      if (owners_.get() == 1) thread_ = detail::thread_mark();
      FRYS_ASSERT(thread_ == detail::thread_mark(),
                  "intrusive_ptr: two threads share an object that counts by counts::local");
    }
    const void* thread_ = detail::thread_mark();
#else
    static void check_thread() noexcept {}
#endif
    typename Atomics::template var<std::uint32_t> owners_{1u};
  };
};

}  // namespace counts

// A model for policy::count.
template <class C, class Atomics>
concept count_model = std::is_nothrow_default_constructible_v<typename C::template word<Atomics>> &&
    requires(typename C::template word<Atomics>& word, const typename C::template word<Atomics>& seen) {
  { word.add() }
  noexcept;
  { word.drop() }
  noexcept->std::same_as<bool>;
  { seen.owners() }
  noexcept->std::same_as<std::uint32_t>;
  { seen.is_unique() }
  noexcept->std::same_as<bool>;
};

// A model for policy::release: moved out of the object, then asked to end it.
template <class R, class T>
concept reclaims = std::is_nothrow_default_constructible_v<R> && std::is_nothrow_move_constructible_v<R> &&
    std::is_nothrow_move_assignable_v<R> && requires(R& r, T* object) {
  { r.reclaim(object) }
  noexcept;
};

// What intrusive_ptr<T> asks of T, by two functions that are found by their argument. ref_counted has them; where a T
// derives from the counted type, that one must have a virtual destructor.
template <class T>
concept ref_countable = requires(T* object) {
  intrusive_ptr_add_ref(object);
  intrusive_ptr_release(object);
}
&&(
    !requires { typename T::counted_type; } ||
    requires {
      requires std::same_as < std::remove_cv_t<T>,
      typename T::counted_type > || std::has_virtual_destructor_v<typename T::counted_type>;
    });

namespace detail {
// What the makers do to an object besides what all may.
struct intrusive_access {
  template <class T, class Home>
  static void bring_home(T& object, Home&& home) noexcept {
    object.home_ = std::forward<Home>(home);
  }
  template <class T>
  static auto& owners(const T& object) noexcept {
    return object.owners_;
  }
};
}  // namespace detail

// The base of an object that is counted: struct session : ref_counted<session> { ... };
template <class T, class... Policies>
class ref_counted {
  using accepted = policy::keys<policy::count_key, policy::release_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::ref_counted: unknown policy; it takes policy::count, policy::release, policy::atomics and "
                "policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::ref_counted: a policy is given twice; name each at most once");

 public:
  using counted_type = T;
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::ref_counted: policy::atomics wants an atomics model, see core/atomics.hpp");
  using count_type = typename policy::pick<policy::count<counts::atomic>, Policies...>::type;
  static_assert(count_model<count_type, atomics_type>,
                "frys::ref_counted: policy::count wants counts::atomic, counts::local or a model of them, see "
                "memory/intrusive_ptr.hpp");
  using release_type = typename policy::pick<policy::release<reclaim_by_delete>, Policies...>::type;
  static_assert(reclaims<release_type, T>,
                "frys::ref_counted: policy::release wants a type with `void reclaim(T*) noexcept`, see "
                "memory/intrusive_ptr.hpp");

  // How many pointers own the object; other threads may change it at any time.
  [[nodiscard]] std::uint32_t use_count() const noexcept { return owners_.owners(); }
  // True for the only owner: then nobody can become another one, and what the others did is over.
  [[nodiscard]] bool is_unique() const noexcept { return owners_.is_unique(); }

  friend void intrusive_ptr_add_ref(const ref_counted* object) noexcept { object->owners_.add(); }
  friend void intrusive_ptr_release(const ref_counted* object) noexcept {
    if (object->owners_.drop()) end(const_cast<ref_counted*>(object));
  }

 protected:
  ref_counted() noexcept = default;
  // A copy is an object with owners of its own, and no memory of anybody's.
  ref_counted(const ref_counted&) noexcept {}
  ref_counted& operator=(const ref_counted&) noexcept { return *this; }
  ~ref_counted() { FRYS_ASSERT(owners_.owners() <= 1, "intrusive_ptr: an object died that still has owners"); }

 private:
  friend struct detail::intrusive_access;
  static void end(ref_counted* object) noexcept {
    release_type home(std::move(object->home_));  // it lies in what it ends
    home.reclaim(static_cast<T*>(object));
  }

  mutable typename count_type::template word<atomics_type> owners_;
  [[no_unique_address]] release_type home_{};
};

// Shares one T; T may be const, and incomplete where nothing is done with the pointer.
template <class T>
class intrusive_ptr {
 public:
  using element_type = T;

  // Owns nothing.
  constexpr intrusive_ptr() noexcept = default;
  constexpr intrusive_ptr(std::nullptr_t) noexcept {}  // NOLINT: as every pointer

  // Takes over an owner that is counted already: the one an object is born with, or the one that detach() gave up.
  template <class U>
  requires std::convertible_to<U*, T*>
  [[nodiscard]] static intrusive_ptr adopt(U* object) noexcept {
    static_assert(ref_countable<U>,
                  "frys::intrusive_ptr<T>: T must derive from ref_counted<T>, or from one with a virtual destructor");
    intrusive_ptr out;
    out.object_ = object;
    return out;
  }
  // Another owner of an object that has one, such as `this` in a method.
  template <class U>
  requires std::convertible_to<U*, T*>
  [[nodiscard]] static intrusive_ptr share(U* object) noexcept {
    if (object != nullptr) add(object);
    return adopt(object);
  }

  intrusive_ptr(const intrusive_ptr& other) noexcept : object_(other.object_) {
    if (object_ != nullptr) add(object_);
  }
  intrusive_ptr(intrusive_ptr&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  // To a base, or to const.
  template <class U>
  requires(!std::same_as<U, T> && std::convertible_to<U*, T*>) intrusive_ptr(const intrusive_ptr<U>& other)
  noexcept : object_(other.get()) {  // NOLINT: as every pointer
    if (object_ != nullptr) add(object_);
  }
  template <class U>
  requires(!std::same_as<U, T> && std::convertible_to<U*, T*>) intrusive_ptr(intrusive_ptr<U>&& other)
  noexcept : object_(other.detach()) {}  // NOLINT: as every pointer
  intrusive_ptr& operator=(const intrusive_ptr& other) noexcept {
    intrusive_ptr copy(other);
    swap(copy);
    return *this;
  }
  intrusive_ptr& operator=(intrusive_ptr&& other) noexcept {
    intrusive_ptr taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~intrusive_ptr() { reset(); }

  [[nodiscard]] T* get() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  T* operator->() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }

  // Owns nothing any more.
  void reset() noexcept {
    // First it points to nothing: the object's end may find this pointer again.
    if (T* const object = std::exchange(object_, nullptr); object != nullptr) drop(object);
  }
  // Gives up the pointer and leaves its owner counted: somebody calls adopt later.
  [[nodiscard]] T* detach() noexcept { return std::exchange(object_, nullptr); }
  void swap(intrusive_ptr& other) noexcept { std::swap(object_, other.object_); }
  friend void swap(intrusive_ptr& a, intrusive_ptr& b) noexcept { a.swap(b); }

  template <class U>
  friend bool operator==(const intrusive_ptr& a, const intrusive_ptr<U>& b) noexcept {
    return a.get() == b.get();
  }
  friend bool operator==(const intrusive_ptr& a, const T* b) noexcept { return a.get() == b; }
  friend bool operator==(const intrusive_ptr& a, std::nullptr_t) noexcept { return a.get() == nullptr; }
  // By address.
  template <class U>
  friend std::strong_ordering operator<=>(const intrusive_ptr& a, const intrusive_ptr<U>& b) noexcept {
    return std::compare_three_way{}(a.get(), b.get());
  }

 private:
  template <class U>
  static void add(U* object) noexcept {
    static_assert(ref_countable<U>,
                  "frys::intrusive_ptr<T>: T must derive from ref_counted<T>, or from one with a virtual destructor");
    intrusive_ptr_add_ref(object);
  }
  static void drop(T* object) noexcept {
    static_assert(ref_countable<T>,
                  "frys::intrusive_ptr<T>: T must derive from ref_counted<T>, or from one with a virtual destructor");
    intrusive_ptr_release(object);
  }

  T* object_ = nullptr;
};

// For policy::release: objects of an object_pool, or of what has its create and destroy. The last owner is on a thread
// that may use the pool; the pool outlives its objects.
template <class Pool>
class reclaim_to_pool {
 public:
  reclaim_to_pool() noexcept = default;
  explicit reclaim_to_pool(Pool& pool) noexcept : pool_(&pool) {}
  template <class T, class... Args>
  result<T*> make(Args&&... args) const {
    FRYS_ASSERT(pool_ != nullptr, "reclaim_to_pool: name the pool, by make_intrusive_from");
    return pool_->create(std::forward<Args>(args)...);
  }
  template <class T>
  void reclaim(T* object) const noexcept {
    FRYS_ASSERT(pool_ != nullptr, "reclaim_to_pool: the object was not made by make_intrusive_from");
    pool_->destroy(*object);
  }

 private:
  Pool* pool_ = nullptr;
};

// For policy::release: objects of an allocator, of which each object keeps a copy. What the allocator throws, passes.
template <class Allocator>
class reclaim_by_allocator {
  template <class T>
  using traits = typename std::allocator_traits<Allocator>::template rebind_traits<T>;
  template <class T>
  struct pending {
    typename traits<T>::allocator_type allocator;
    T* memory;
    ~pending() {
      if (memory != nullptr) traits<T>::deallocate(allocator, memory, 1);
    }
  };

 public:
  reclaim_by_allocator() noexcept {
    if constexpr (std::is_nothrow_default_constructible_v<Allocator>) allocator_.emplace();
  }
  explicit reclaim_by_allocator(const Allocator& allocator) noexcept : allocator_(allocator) {}
  reclaim_by_allocator(const reclaim_by_allocator&) noexcept = default;
  reclaim_by_allocator& operator=(const reclaim_by_allocator& other) noexcept {
    allocator_.reset();  // allocators need not assign
    if (other.allocator_) allocator_.emplace(*other.allocator_);
    return *this;
  }
  ~reclaim_by_allocator() = default;

  template <class T, class... Args>
  result<T*> make(Args&&... args) const {
    static_assert(std::is_same_v<typename traits<T>::pointer, T*>,
                  "frys::reclaim_by_allocator: the allocator's pointers must be plain ones");
    FRYS_ASSERT(allocator_.has_value(), "reclaim_by_allocator: name the allocator, by make_intrusive_from");
    pending<T> made{typename traits<T>::allocator_type(*allocator_), nullptr};
    made.memory = traits<T>::allocate(made.allocator, 1);
    if (made.memory == nullptr) return detail::object_refused;
    traits<T>::construct(made.allocator, made.memory, std::forward<Args>(args)...);
    return std::exchange(made.memory, nullptr);
  }
  template <class T>
  void reclaim(T* object) const noexcept {
    FRYS_ASSERT(allocator_.has_value(), "reclaim_by_allocator: the object was not made by make_intrusive_from");
    pending<T> dead{typename traits<T>::allocator_type(*allocator_), object};
    traits<T>::destroy(dead.allocator, object);
  }

 private:
  std::optional<Allocator> allocator_;
};

// T(args...) with one owner, from `home`, which also takes it back: a value of T's policy::release.
template <class T, class... Args>
requires ref_countable<T>
[[nodiscard]] result<intrusive_ptr<T>> make_intrusive_from(typename T::release_type home, Args&&... args) {
  static_assert(std::is_same_v<T, typename T::counted_type>,
                "frys::make_intrusive_from<T>: T itself must be counted; only delete finds the whole of a derived one");
  static_assert(
      requires { home.template make<T>(std::forward<Args>(args)...); },
      "frys::make_intrusive_from<T>: T's policy::release has no `result<T*> make<T>(args...)`; make the object "
      "yourself, and adopt it");
  result<T*> made = home.template make<T>(std::forward<Args>(args)...);
  if (!made) return made.error();
  detail::intrusive_access::bring_home(**made, std::move(home));
  return intrusive_ptr<T>::adopt(*made);
}

// T(args...) with one owner, by operator new, or as T's policy::release makes it where that needs no value.
template <class T, class... Args>
requires ref_countable<T> && std::is_constructible_v<T, Args...>
[[nodiscard]] result<intrusive_ptr<T>> make_intrusive(Args&&... args) noexcept(
    std::is_nothrow_constructible_v<T, Args...>&& std::is_same_v<typename T::release_type, reclaim_by_delete>) {
  if constexpr (std::is_same_v<typename T::release_type, reclaim_by_delete>) {
    T* const object = new (std::nothrow) T(std::forward<Args>(args)...);
    if (object == nullptr) return detail::object_refused;
    return intrusive_ptr<T>::adopt(object);
  } else {
    return make_intrusive_from<T>(typename T::release_type(), std::forward<Args>(args)...);
  }
}

}  // namespace frys::inline FRYS_ABI

template <class T>
struct std::hash<frys::intrusive_ptr<T>> {
  std::size_t operator()(const frys::intrusive_ptr<T>& p) const noexcept { return std::hash<T*>{}(p.get()); }
};

#endif  // FRYS_MEMORY_INTRUSIVE_PTR_HPP
