// atomics: the atomics policy of sim::run: each operation is a step, at which another thread may go on. Memory is
// sequentially consistent, whatever orders are given; the model checker (model.hpp) is for those.
//
// Use when  a block or a program runs under sim::run.
// Not when  a memory order may be too weak (atomics::model), or threads of the system share the object.
// Cost      1 to 2 ns a step; a switch some 25.
// Outside   of a run these objects are plain memory, good for one thread.
// Found     a compare_exchange_weak that must not fail for no reason does so; a wait returns for no reason, and a
//           notify_one wakes anybody (run_options); an atomic object of 32 bits that ends while a thread sleeps on it.
#ifndef FRYS_SIM_RUN_ATOMICS_HPP
#define FRYS_SIM_RUN_ATOMICS_HPP

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "../../config.hpp"
#include "../../core/atomics.hpp"
#include "../../core/deadline.hpp"
#include "machine.hpp"

// The place that calls.
#define FRYS_SIM_PLACE ::frys::sim::code_place at = {__builtin_FILE(), __builtin_LINE()}

namespace frys::inline FRYS_ABI::sim {

namespace detail {

FRYS_ALWAYS_INLINE void step(operation o, code_place at) noexcept {
  if (machine* m = machine::current()) m->step(o, at);
}

// What an atomic and an atomic_ref can do.
template <class T, class Derived>
class atomic_operations {
  static_assert(std::is_trivially_copyable_v<T>, "frys::sim::atomics: an atomic's type must be trivially copyable");

 public:
  using value_type = T;
  // A pointer moves by elements, a number by one.
  using difference_type = std::conditional_t<std::is_pointer_v<T>, std::ptrdiff_t, T>;
  static constexpr bool is_always_lock_free = true;
  static constexpr bool is_lock_free() noexcept { return true; }

  T load(std::memory_order = std::memory_order_seq_cst, FRYS_SIM_PLACE) const noexcept {
    step(operation::load, at);
    return place();
  }
  void store(T value, std::memory_order = std::memory_order_seq_cst, FRYS_SIM_PLACE) const noexcept {
    changed(operation::store, at, [&](T) { return value; });
  }
  T exchange(T value, std::memory_order = std::memory_order_seq_cst, FRYS_SIM_PLACE) const noexcept {
    return changed(operation::update, at, [&](T) { return value; });
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order, std::memory_order,
                               FRYS_SIM_PLACE) const noexcept {
    return exchanged<false>(expected, desired, at);
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order = std::memory_order_seq_cst,
                               FRYS_SIM_PLACE) const noexcept {
    return exchanged<false>(expected, desired, at);
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order, std::memory_order,
                             FRYS_SIM_PLACE) const noexcept {
    return exchanged<true>(expected, desired, at);
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order = std::memory_order_seq_cst,
                             FRYS_SIM_PLACE) const noexcept {
    return exchanged<true>(expected, desired, at);
  }
  T fetch_add(difference_type by, std::memory_order = std::memory_order_seq_cst, FRYS_SIM_PLACE) const noexcept {
    return changed(operation::update, at, [&](T old) { return plus(old, by); });
  }
  T fetch_sub(difference_type by, std::memory_order = std::memory_order_seq_cst, FRYS_SIM_PLACE) const noexcept {
    return changed(operation::update, at, [&](T old) { return minus(old, by); });
  }
  T fetch_and(T with, std::memory_order = std::memory_order_seq_cst,
              FRYS_SIM_PLACE) const noexcept requires std::integral<T> {
    return changed(operation::update, at, [&](T old) { return static_cast<T>(old & with); });
  }
  T fetch_or(T with, std::memory_order = std::memory_order_seq_cst,
             FRYS_SIM_PLACE) const noexcept requires std::integral<T> {
    return changed(operation::update, at, [&](T old) { return static_cast<T>(old | with); });
  }
  T fetch_xor(T with, std::memory_order = std::memory_order_seq_cst,
              FRYS_SIM_PLACE) const noexcept requires std::integral<T> {
    return changed(operation::update, at, [&](T old) { return static_cast<T>(old ^ with); });
  }
  operator T() const noexcept { return load(std::memory_order_seq_cst); }

 private:
  static bool is_same(const T& a, const T& b) noexcept { return std::memcmp(&a, &b, sizeof(T)) == 0; }
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
  FRYS_ALWAYS_INLINE T changed(operation o, code_place at, F&& f) const noexcept {
    machine* const m = machine::current();
    if (m != nullptr) m->step(o, at);
    const T old = place();
    const T now = f(old);
    if (m != nullptr && !is_same(old, now)) m->wrote();
    place() = now;
    return old;
  }
  template <bool Weak>
  FRYS_ALWAYS_INLINE bool exchanged(T& expected, T desired, code_place at) const noexcept {
    machine* const m = machine::current();
    if (m != nullptr) m->step(operation::compare_exchange, at);
    const T old = place();
    if (!is_same(old, expected)) {
      expected = old;
      return false;
    }
    if constexpr (Weak)
      if (m != nullptr && m->fails_weakly()) return false;
    if (m != nullptr && !is_same(old, desired)) m->wrote();
    place() = desired;
    return true;
  }
  T& place() const noexcept { return static_cast<const Derived&>(*this).object(); }
};

}  // namespace detail

// A model for policy::atomics. (Not derived from machine_services: blocks take that for threads of the system.)
struct atomics {
  template <class T>
  class atomic : public detail::atomic_operations<T, atomic<T>> {
   public:
    constexpr atomic() noexcept : value_{} {}
    constexpr atomic(T value) noexcept : value_(value) {}
    atomic(const atomic&) = delete;
    atomic& operator=(const atomic&) = delete;
    T operator=(T value) noexcept { return this->store(value, std::memory_order_seq_cst), value; }
    ~atomic() {
      if constexpr (std::same_as<T, std::uint32_t>) {
        detail::machine* m = detail::machine::current();
        if (m != nullptr && m->anybody_sleeps()) m->word_ends(&value_);
      }
    }

   private:
    friend detail::atomic_operations<T, atomic>;
    friend atomics;
    T& object() const noexcept { return value_; }

    // As std::atomic: at least as aligned as it is large, so that what packs it lies as on the machine.
    alignas(sizeof(T) == 1 || sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8 || sizeof(T) == 16
                ? sizeof(T)
                : alignof(T)) mutable T value_;
  };

  // An object that is atomic while it is used through this.
  template <class T>
  class atomic_ref : public detail::atomic_operations<T, atomic_ref<T>> {
   public:
    static constexpr std::size_t required_alignment = alignof(T);
    explicit atomic_ref(T& object) noexcept : object_(&object) {}
    atomic_ref(const atomic_ref&) noexcept = default;
    atomic_ref& operator=(const atomic_ref&) = delete;
    T operator=(T value) const noexcept { return this->store(value, std::memory_order_seq_cst), value; }

   private:
    friend detail::atomic_operations<T, atomic_ref>;
    T& object() const noexcept { return *object_; }
    T* object_;
  };

  // Data that one thread at a time uses. A step too, so that two that use it at once spoil each other's work.
  template <class T>
  class var {
   public:
    var() : value_{} {}
    template <class U>
    requires std::constructible_from<T, U>
    explicit var(U&& value) : value_(std::forward<U>(value)) {}

    const T& get(FRYS_SIM_PLACE) const noexcept {
      detail::step(detail::operation::var, at);
      return value_;
    }
    T& ref(FRYS_SIM_PLACE) noexcept {
      if (detail::machine* m = detail::machine::current()) {
        m->step(detail::operation::var, at);
        m->wrote();
      }
      return value_;
    }

   private:
    T value_;
  };

  static void fence(std::memory_order, FRYS_SIM_PLACE) noexcept { detail::step(detail::operation::fence, at); }
  // Another thread goes on, if one can.
  static void pause(FRYS_SIM_PLACE) noexcept {
    if (detail::machine* m = detail::machine::current()) m->pause(at);
  }
  // Sleeps while `word` holds `old`. Outside of a run nobody could wake it, and it does not.
  static bool wait(const atomic<std::uint32_t>& word, std::uint32_t old, deadline until, FRYS_SIM_PLACE) noexcept {
    detail::machine* m = detail::machine::current();
    if (m != nullptr) return m->wait(&word.value_, word.value_, old, until, at);
    return word.value_ != old || until.is_never();
  }
  static void notify_one(const atomic<std::uint32_t>& word, FRYS_SIM_PLACE) noexcept {
    if (detail::machine* m = detail::machine::current()) m->notify(&word.value_, false, at);
  }
  static void notify_all(const atomic<std::uint32_t>& word, FRYS_SIM_PLACE) noexcept {
    if (detail::machine* m = detail::machine::current()) m->notify(&word.value_, true, at);
  }
  // Nanoseconds of the run's clock.
  static std::uint64_t now(FRYS_SIM_PLACE) noexcept {
    detail::machine* m = detail::machine::current();
    return m == nullptr ? 0 : static_cast<std::uint64_t>(m->look_at_clock(at).count());
  }
  // The machine's: AddressSanitizer sees uses after free.
  static void* alloc(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t)) noexcept {
    return frys::atomics::machine_services::alloc(bytes, alignment);
  }
  static void free(void* memory) noexcept { frys::atomics::machine_services::free(memory); }
  // One of 0 .. count - 1, as the seed says.
  static std::uint32_t choose(std::uint32_t count, FRYS_SIM_PLACE) noexcept {
    detail::machine* m = detail::machine::current();
    return m == nullptr ? 0 : m->choose(count, at);
  }
};

}  // namespace frys::inline FRYS_ABI::sim

#undef FRYS_SIM_PLACE

#endif  // FRYS_SIM_RUN_ATOMICS_HPP
