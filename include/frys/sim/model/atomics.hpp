// atomics: the atomics policy of the model: atomic<T>, atomic_ref<T>, var<T>, fence, pause, wait and notify, alloc and
// free, choose. Same spelling as std::atomic, so a block takes it as policy::atomics<atomics::model>.
//
// Use when  a lock-free structure shall be checked: see check.hpp.
// Not when  it shall run: outside a checked body these objects are plain memory, good for one thread.
// Threads   the model's.
// Limits    T up to 16 bytes, trivially copyable.
#ifndef FRYS_SIM_MODEL_ATOMICS_HPP
#define FRYS_SIM_MODEL_ATOMICS_HPP

#include <atomic>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "../../config.hpp"
#include "../../core/deadline.hpp"
#include "execution.hpp"
#include "mutation.hpp"

// The place that calls: builtins, because clang 14 has no usable std::source_location.
#define FRYS_MODEL_SITE ::frys::sim::model::site at = {__builtin_FILE(), __builtin_LINE()}

namespace frys::inline FRYS_ABI::sim::model {

namespace detail {

template <class T>
cell_value pack(const T& value) noexcept {
  static_assert(sizeof(T) <= 16 && std::is_trivially_copyable_v<T>,
                "frys::atomics::model: an atomic's type must be trivially copyable and 16 bytes at most");
  cell_value out;
  if constexpr (sizeof(T) <= sizeof out.low)
    std::memcpy(&out.low, &value, sizeof(T));
  else {
    unsigned char bytes[16] = {};
    std::memcpy(bytes, &value, sizeof(T));
    std::memcpy(&out.low, bytes, 8);
    std::memcpy(&out.high, bytes + 8, 8);
  }
  return out;
}
template <class T>
T unpack(const cell_value& v) noexcept {
  T out;
  if constexpr (sizeof(T) <= sizeof v.low) {
    std::memcpy(static_cast<void*>(&out), &v.low, sizeof(T));
  } else {
    unsigned char bytes[16];
    std::memcpy(bytes, &v.low, 8);
    std::memcpy(bytes + 8, &v.high, 8);
    std::memcpy(static_cast<void*>(&out), bytes, sizeof(T));
  }
  return out;
}

// The order that a failed compare-exchange has when one order is given.
constexpr std::memory_order failure_order(std::memory_order o) noexcept {
  return o == std::memory_order_acq_rel   ? std::memory_order_acquire
         : o == std::memory_order_release ? std::memory_order_relaxed
                                          : o;
}

// All operations on a cell; atomic and atomic_ref share them.
template <class T>
class atomic_operations {
 public:
  using value_type = T;
  static constexpr bool is_always_lock_free = true;
  static constexpr bool is_lock_free() noexcept { return true; }

 protected:
  static T load_from(atomic_cell& c, const void* a, std::memory_order order, site at) noexcept {
    execution* e = execution::current();
    if (e == nullptr) return unpack<T>(c.first);
    return unpack<T>(e->load(c, a, mutation::applied(order, at, access::load), at));
  }
  static void store_to(atomic_cell& c, const void* a, T value, std::memory_order order, site at) noexcept {
    execution* e = execution::current();
    if (e == nullptr)
      c.first = pack(value);
    else
      e->store(c, a, pack(value), mutation::applied(order, at, access::store), at);
  }
  template <class F>
  static T update(atomic_cell& c, const void* a, std::memory_order order, site at, F&& f) noexcept {
    execution* e = execution::current();
    if (e == nullptr) {
      const T old = unpack<T>(c.first);
      c.first = pack<T>(f(old));
      return old;
    }
    return unpack<T>(e->update(
        c, a, mutation::applied(order, at, access::update), [&](cell_value old) { return pack<T>(f(unpack<T>(old))); },
        at));
  }
  static bool exchange_if(atomic_cell& c, const void* a, T& expected, T desired, std::memory_order success,
                          std::memory_order failure, site at) noexcept {
    cell_value wanted = pack(expected);
    execution* e = execution::current();
    if (e == nullptr) {
      if (c.first == wanted) return c.first = pack(desired), true;
      expected = unpack<T>(c.first);
      return false;
    }
    const bool done = e->compare_exchange(c, a, wanted, pack(desired), mutation::applied(success, at, access::update),
                                          mutation::applied(failure, at, access::failure), at);
    if (!done) expected = unpack<T>(wanted);
    return done;
  }
};

template <class T, class Derived>
class atomic_interface : public atomic_operations<T> {
  using ops = atomic_operations<T>;

 public:
  // A pointer moves by elements, a number by one.
  using difference_type = std::conditional_t<std::is_pointer_v<T>, std::ptrdiff_t, T>;

  T load(std::memory_order order = std::memory_order_seq_cst, FRYS_MODEL_SITE) const noexcept {
    return ops::load_from(cell(), address(), order, at);
  }
  void store(T value, std::memory_order order = std::memory_order_seq_cst, FRYS_MODEL_SITE) const noexcept {
    detail::atomic_cell& c = cell();
    ops::store_to(c, address(), value, order, at);
    tell(c);
  }
  T exchange(T value, std::memory_order order = std::memory_order_seq_cst, FRYS_MODEL_SITE) const noexcept {
    return updated(order, at, [&](T) { return value; });
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order success, std::memory_order failure,
                               FRYS_MODEL_SITE) const noexcept {
    return exchanged(expected, desired, success, failure, at);
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order order = std::memory_order_seq_cst,
                               FRYS_MODEL_SITE) const noexcept {
    return exchanged(expected, desired, order, failure_order(order), at);
  }
  // Fails only when the values differ: a spurious failure shows nothing that a second try does not.
  bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure,
                             FRYS_MODEL_SITE) const noexcept {
    return exchanged(expected, desired, success, failure, at);
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order order = std::memory_order_seq_cst,
                             FRYS_MODEL_SITE) const noexcept {
    return exchanged(expected, desired, order, failure_order(order), at);
  }
  T fetch_add(difference_type by, std::memory_order order = std::memory_order_seq_cst, FRYS_MODEL_SITE) const noexcept {
    return updated(order, at, [&](T old) { return plus(old, by); });
  }
  T fetch_sub(difference_type by, std::memory_order order = std::memory_order_seq_cst, FRYS_MODEL_SITE) const noexcept {
    return updated(order, at, [&](T old) { return minus(old, by); });
  }
  T fetch_and(T with, std::memory_order order = std::memory_order_seq_cst,
              FRYS_MODEL_SITE) const noexcept requires std::integral<T> {
    return updated(order, at, [&](T old) { return static_cast<T>(old & with); });
  }
  T fetch_or(T with, std::memory_order order = std::memory_order_seq_cst,
             FRYS_MODEL_SITE) const noexcept requires std::integral<T> {
    return updated(order, at, [&](T old) { return static_cast<T>(old | with); });
  }
  T fetch_xor(T with, std::memory_order order = std::memory_order_seq_cst,
              FRYS_MODEL_SITE) const noexcept requires std::integral<T> {
    return updated(order, at, [&](T old) { return static_cast<T>(old ^ with); });
  }
  operator T() const noexcept { return load(std::memory_order_seq_cst); }

 private:
  // Wraps, as atomic arithmetic does.
  static T plus(T a, difference_type b) noexcept {
    if constexpr (std::integral<T>)
      return static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) + static_cast<std::make_unsigned_t<T>>(b));
    else
      return a + b;
  }
  static T minus(T a, difference_type b) noexcept {
    if constexpr (std::integral<T>)
      return static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) - static_cast<std::make_unsigned_t<T>>(b));
    else
      return a - b;
  }
  template <class F>
  T updated(std::memory_order order, site at, F&& f) const noexcept {
    atomic_cell& c = cell();
    const T old = ops::update(c, address(), order, at, f);
    tell(c);
    return old;
  }
  bool exchanged(T& expected, T desired, std::memory_order success, std::memory_order failure, site at) const noexcept {
    atomic_cell& c = cell();
    const bool done = ops::exchange_if(c, address(), expected, desired, success, failure, at);
    if (done) tell(c);
    return done;
  }
  // Something was stored.
  void tell(const atomic_cell& c) const noexcept {
    if constexpr (requires(const Derived& d) { d.changed(c); }) static_cast<const Derived&>(*this).changed(c);
  }
  atomic_cell& cell() const noexcept { return static_cast<const Derived&>(*this).cell(); }
  const void* address() const noexcept { return static_cast<const Derived&>(*this).place(); }
};

}  // namespace detail

template <class T>
class atomic : public detail::atomic_interface<T, atomic<T>> {
 public:
  atomic() noexcept : atomic(T{}) {}
  atomic(T value, FRYS_MODEL_SITE) noexcept {
    static_cast<void>(at);
    cell_.first = detail::pack(value);
    if (detail::execution* e = detail::execution::current()) e->made(cell_);
  }
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;
  T operator=(T value) noexcept { return this->store(value, std::memory_order_seq_cst), value; }
  ~atomic() {
    if (detail::execution* e = detail::execution::current()) e->ended(cell_, this, site{});
  }

 private:
  friend detail::atomic_interface<T, atomic>;
  friend struct atomics;
  detail::atomic_cell& cell() const noexcept { return cell_; }
  const void* place() const noexcept { return this; }

  mutable detail::atomic_cell cell_;
  mutable detail::atomic_cell sleepers_;  // the futex's queue
};

// An object that is atomic only while it is used through this. T's memory always holds what the last store left.
template <class T>
class atomic_ref : public detail::atomic_interface<T, atomic_ref<T>> {
 public:
  explicit atomic_ref(T& object) noexcept : object_(&object) {}
  atomic_ref(const atomic_ref&) noexcept = default;
  atomic_ref& operator=(const atomic_ref&) = delete;
  T operator=(T value) const noexcept { return this->store(value, std::memory_order_seq_cst), value; }

 private:
  friend detail::atomic_interface<T, atomic_ref>;
  detail::atomic_cell& cell() const noexcept {
    detail::execution* e = detail::execution::current();
    if (e != nullptr) return e->referred(object_, detail::pack(*object_));
    outside_.first = detail::pack(*object_);
    return outside_;
  }
  void changed(const detail::atomic_cell& c) const noexcept {
    detail::execution* e = detail::execution::current();
    *object_ = detail::unpack<T>(e == nullptr ? c.first : e->newest(c));
  }
  const void* place() const noexcept { return object_; }

  T* object_;
  mutable detail::atomic_cell outside_;
};

// Data that one thread at a time uses: each use is checked against all others.
template <class T>
class checked_var {
 public:
  checked_var() : value_{} { touch(detail::execution::use::begin, site{}); }
  template <class U>
  requires std::constructible_from<T, U>
  explicit checked_var(U&& value, FRYS_MODEL_SITE) : value_(std::forward<U>(value)) {
    touch(detail::execution::use::begin, at);
  }
  ~checked_var() { touch(detail::execution::use::end, site{}); }
  checked_var(const checked_var&) = delete;
  checked_var& operator=(const checked_var&) = delete;

  const T& get(FRYS_MODEL_SITE) const noexcept {
    touch(detail::execution::use::read, at);
    return value_;
  }
  T& ref(FRYS_MODEL_SITE) noexcept {
    touch(detail::execution::use::write, at);
    return value_;
  }

 private:
  void touch(detail::execution::use how, site at) const noexcept {
    if (detail::execution* e = detail::execution::current()) e->plain(this, how, at);
  }
  T value_;
};

// An element for containers under the model: being made, moved from, read and ended are checked as uses of its memory.
template <class T>
class value {
 public:
  value(FRYS_MODEL_SITE) noexcept : value(T{}, at) {}
  value(T v, FRYS_MODEL_SITE) noexcept : held_(v) { touch(detail::execution::use::begin, at); }
  value(const value& other) noexcept : held_(other.get()) { touch(detail::execution::use::begin, site{}); }
  value(value&& other) noexcept : held_(other.take()) { touch(detail::execution::use::begin, site{}); }
  value& operator=(const value& other) noexcept {
    const T v = other.get();
    touch(detail::execution::use::write, site{});
    held_ = v;
    return *this;
  }
  value& operator=(value&& other) noexcept {
    const T v = other.take();
    touch(detail::execution::use::write, site{});
    held_ = v;
    return *this;
  }
  ~value() { touch(detail::execution::use::end, site{}); }

  T get(FRYS_MODEL_SITE) const noexcept {
    touch(detail::execution::use::read, at);
    return held_;
  }
  operator T() const noexcept { return get(); }

 private:
  T take() noexcept {
    touch(detail::execution::use::write, site{});
    return held_;
  }
  void touch(detail::execution::use how, site at) const noexcept {
    if (detail::execution* e = detail::execution::current()) e->plain(this, how, at);
  }
  T held_;
};

// The policy itself.
struct atomics {
  template <class T>
  using atomic = model::atomic<T>;
  template <class T>
  using atomic_ref = model::atomic_ref<T>;
  template <class T>
  using var = checked_var<T>;

  static void fence(std::memory_order order, FRYS_MODEL_SITE) noexcept {
    if (detail::execution* e = detail::execution::current()) e->fence(mutation::applied(order, at, access::fence), at);
  }
  static void pause(FRYS_MODEL_SITE) noexcept {
    if (detail::execution* e = detail::execution::current()) e->pause(at);
  }
  // With a deadline it may time out at any moment.
  static bool wait(const atomic<std::uint32_t>& word, std::uint32_t old, deadline until, FRYS_MODEL_SITE) noexcept {
    detail::execution* e = detail::execution::current();
    return e == nullptr || e->wait(word.cell_, &word, word.sleepers_, old, !until.is_never(), at);
  }
  static void notify_one(const atomic<std::uint32_t>& word, FRYS_MODEL_SITE) noexcept {
    if (detail::execution* e = detail::execution::current()) e->notify(word.sleepers_, false, at);
  }
  static void notify_all(const atomic<std::uint32_t>& word, FRYS_MODEL_SITE) noexcept {
    if (detail::execution* e = detail::execution::current()) e->notify(word.sleepers_, true, at);
  }
  // Steps of the execution so far.
  static std::uint64_t now() noexcept {
    detail::execution* e = detail::execution::current();
    return e == nullptr ? 0 : e->steps();
  }
  // Memory whose leaks, double frees and uses after free are found; what a thread has freed may come back to it.
  static void* alloc(std::size_t bytes, FRYS_MODEL_SITE) noexcept { return alloc(bytes, 16, at); }
  static void* alloc(std::size_t bytes, std::size_t alignment, site at) noexcept {
    detail::execution* e = detail::execution::current();
    return e == nullptr ? nullptr : e->allocate(bytes, alignment, at);
  }
  static void free(void* memory, FRYS_MODEL_SITE) noexcept {
    if (detail::execution* e = detail::execution::current()) e->release(memory, at);
  }
  // One of 0 .. count - 1: each is tried.
  static std::uint32_t choose(std::uint32_t count, FRYS_MODEL_SITE) noexcept {
    detail::execution* e = detail::execution::current();
    return e == nullptr ? 0 : e->choose(count, at);
  }
};

}  // namespace frys::inline FRYS_ABI::sim::model

namespace frys::inline FRYS_ABI::atomics {
using model = sim::model::atomics;
}

#undef FRYS_MODEL_SITE

#endif  // FRYS_SIM_MODEL_ATOMICS_HPP
