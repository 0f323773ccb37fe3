// rcu_cell: a pointer to a value that never changes: readers look at it without a lock, writers put another in its
// place.
//
// Use when  a value of any size (a configuration, a table of routes, a snapshot) is read far more often than replaced,
//           and a reader may go on with the one that it found.
// Not when  the value is small and plain (seqlock: no domain, no memory to reclaim) or every value must be seen
//           (broadcast_ring).
// Roles     read, replace, emplace, update: any thread with a seat of the cell's domain. All cells, and all else that
//           is reclaimed, may share one domain.
// Progress  read: as the domain's protect (wait-free with epochs, lock-free with hazards). replace and emplace are
//           wait-free but for the allocator and the domain's retire; update is lock-free.
// Cost      read: the domain's protect and one load; readers write to their own seat only. replace: one
//           read-modify-write and a retire; update: one compare-exchange. Allocation: emplace and update one T
//           (operator new); replace none.
// Ordering  what a writer did before it put a value in happens-before every read of that value; a value's destruction
//           happens-after every read of it.
// Lifetime  a value lives until it was replaced and the last snapshot of it is gone. Destroy the cell when no thread
//           can call it and no snapshot lives; then its value goes with it.
//
// Policies:
//   policy::reclaimer<D>  the domain, see memory/reclaim.hpp  default epoch_domain<>
// The atomics are those of the domain.
// Source    P. McKenney, J. Slingwine, "Read-copy update", PDCS 1998.
#ifndef FRYS_QUEUE_RCU_CELL_HPP
#define FRYS_QUEUE_RCU_CELL_HPP

#include <atomic>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/result.hpp"
#include "../memory/epoch_domain.hpp"
#include "../memory/reclaim.hpp"
#include "../policy.hpp"
#include "result.hpp"

namespace frys::inline FRYS_ABI {

template <class T, class... Policies>
class rcu_cell {
  using accepted = policy::keys<policy::reclaimer_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::rcu_cell: unknown policy; it takes policy::reclaimer and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::rcu_cell: a policy is given twice; name each at most once");
  static_assert(std::is_object_v<T> && !std::is_array_v<T> && !std::is_const_v<T> && std::is_nothrow_destructible_v<T>,
                "frys::rcu_cell<T>: T must be an object type, not const and no array, that dies without throwing");
  using named_world = typename policy::detail::find<policy::world_key, Policies...>::type;
  template <class World>
  struct domain_of {
    using type = epoch_domain<World>;
  };

 public:
  using value_type = T;
  using reclaimer_type = typename policy::pick<
      policy::reclaimer<typename std::conditional_t<std::is_void_v<named_world>, std::type_identity<epoch_domain<>>,
                                                    domain_of<named_world>>::type>,
      Policies...>::type;
  static_assert(reclaimer<reclaimer_type>,
                "frys::rcu_cell: policy::reclaimer wants a reclamation domain, see memory/reclaim.hpp");
  using atomics_type = typename reclaimer_type::atomics_type;
  using participant = typename reclaimer_type::participant;

 private:
  using pointer = typename atomics_type::template atomic<T*>;
  using guard = decltype(std::declval<participant&>().protect(std::declval<const pointer&>()));

 public:
  // A value as it was found; it stays while this lives, whatever is put in its place. For the thread whose seat it is.
  class snapshot {
   public:
    [[nodiscard]] const T* get() const noexcept { return guard_.get(); }
    const T& operator*() const noexcept { return *guard_.get(); }
    const T* operator->() const noexcept { return guard_.get(); }
    explicit operator bool() const noexcept { return guard_.get() != nullptr; }

   private:
    friend rcu_cell;
    snapshot(participant& seat, const pointer& source) noexcept : guard_(seat.protect(source)) {}
    guard guard_;
  };

  // Empty: snapshots are false.
  rcu_cell() noexcept = default;
  explicit rcu_cell(std::unique_ptr<T> first) noexcept : value_(first.release()) {}
  rcu_cell(const rcu_cell&) = delete;
  rcu_cell& operator=(const rcu_cell&) = delete;
  ~rcu_cell() { delete value_.load(std::memory_order_relaxed); }  // relaxed: nobody else is left

  // Any thread, with its own seat. The value of now, or false if there is none.
  [[nodiscard]] snapshot read(participant& seat) const noexcept {
    // sync(rcu_cell.publish): acquire, in the domain's protect; what is pointed to is whole.
    return snapshot(seat, value_);
  }

  // Any thread, with its own seat. Puts `next` in the value's place; an empty one empties the cell. Full, and nothing
  // has changed, when the seat holds as much garbage as its domain allows because a reader does not come to an end.
  push_result replace(participant& seat, std::unique_ptr<T>&& next) noexcept {
    if (!has_room(seat)) [[unlikely]]
      return push_result::full;
    // sync(rcu_cell.publish): acq_rel; release: the new value is whole before a reader can have it; acquire: the old
    // one was made by another thread, and we may be the one that destroys it.
    retire(seat, value_.exchange(next.release(), std::memory_order_acq_rel));
    return push_result::ok;
  }
  // The same with T(args...): errc::out_of_memory, errc::full.
  template <class... Args>
  requires std::is_constructible_v<T, Args...> result<void> emplace(participant& seat, Args&&... args)
  noexcept(std::is_nothrow_constructible_v<T, Args...>) {
    std::unique_ptr<T> next(new (std::nothrow) T(std::forward<Args>(args)...));
    if (next == nullptr) return no_memory;
    if (!replace(seat, std::move(next))) return no_room;
    return {};
  }
  // Any thread, with its own seat. f(value) changes a copy of the value, which is put in if nobody else has replaced it
  // meanwhile; otherwise again, with the new one. If f throws, nothing is. errc::not_found when the cell is empty.
  template <class F>
  requires std::is_copy_constructible_v<T> && std::is_invocable_v<F&, T&> result<void> update(participant& seat, F&& f)
  noexcept(std::is_nothrow_invocable_v<F&, T&>&& std::is_nothrow_copy_constructible_v<T>) {
    for (;;) {
      if (!has_room(seat)) [[unlikely]]
        return no_room;
      T* old;
      {
        const snapshot now = read(seat);  // while it lives no other value can have this address
        if (!now) return no_value;
        std::unique_ptr<T> next(new (std::nothrow) T(*now));
        if (next == nullptr) return no_memory;
        f(*next);
        old = now.guard_.get();
        T* expected = old;
        // sync(rcu_cell.publish): release, as above; relaxed on failure: the next round reads it anew. The old value is
        // known from `read`.
        if (!value_.compare_exchange_strong(expected, next.get(), std::memory_order_release, std::memory_order_relaxed))
          continue;
        (void)next.release();
      }
      retire(seat, old);
      return {};
    }
  }

 private:
  static constexpr error no_memory{errc::out_of_memory, domain::memory, "no memory for the new value of an rcu_cell",
                                   0};
  static constexpr error no_room{errc::full, domain::memory, "an rcu_cell's old values cannot go: a reader stays", 0};
  static constexpr error no_value{errc::not_found, domain::queue, "an update of an empty rcu_cell", 0};

  static bool has_room(participant& seat) noexcept {
    if (seat.room() != 0) [[likely]]
      return true;
    seat.quiesce();
    return seat.room() != 0;
  }
  static void retire(participant& seat, T* old) noexcept {
    if (old == nullptr) return;
    [[maybe_unused]] const bool taken = seat.retire(old);
    FRYS_ASSERT(taken, "rcu_cell: a seat with room() has refused a retired object");
  }

  pointer value_{nullptr};
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_RCU_CELL_HPP
