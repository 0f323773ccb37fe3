// reclaimer: when may memory go that other threads may still be reading? One concept, four domains.
//
// A domain D  is an object that threads join: `auto seat = *domain.join();` gives the thread its seat, which reads
//             (protect, pin), retires what it has unlinked, and gives itself back when it dies. No thread_local, no
//             global: a domain ends like any object.
//   epoch_domain   reads cost least and may span many objects; a reader that stops, stops all reclamation
//   hazard_domain  a bound on garbage that no stopped reader can break; one slot per pointer that is held
//   qsbr_domain    reads cost nothing; every thread must say now and then that it holds nothing (quiesce)
//   leak_domain    nothing ever goes: what the others are measured against, and for programs that end soon
// Retire      unlink first: once an object is retired, nobody who begins to read may find it. `retire` answers false
//             when the seat holds as much garbage as policy::garbage allows: the object is then still the caller's, who
//             may wait (seat.quiesce()) and try again. seat.room() says beforehand how many will be taken.
// Re-entrance destroy functions may retire through the seat of the thread that runs them: which is any seat of the
//             domain that retires, is quiesced or leaves, or none in the domain's destructor (which must find no such).
#ifndef FRYS_MEMORY_RECLAIM_HPP
#define FRYS_MEMORY_RECLAIM_HPP

#include <concepts>
#include <cstddef>
#include <type_traits>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"

namespace frys::inline FRYS_ABI {

namespace policy {
struct garbage_key {};  // a number of retired objects, per seat
struct batch_key {};    // a number of retired objects
struct hazards_key {};  // a number of pointers, per seat
struct counter_key {};  // an unsigned type

// The most retired objects that one seat holds; beyond, retire answers false.
template <std::size_t N>
struct garbage {
  using key = garbage_key;
  static constexpr std::size_t value = N;
};
// After how many retired objects a seat looks for what may go.
template <std::size_t N>
struct batch {
  using key = batch_key;
  static constexpr std::size_t value = N;
};
// How many guards of a hazard_domain one seat may hold at once.
template <std::size_t N>
struct hazards {
  using key = hazards_key;
  static constexpr std::size_t value = N;
};
// What epochs are counted with.
template <class T>
struct counter {
  using key = counter_key;
  using type = T;
};
}  // namespace policy

// What becomes of an object when nobody can reach it any more.
using destroy_function = void (*)(void*) noexcept;

// retire(object)'s default: delete.
struct reclaim_by_delete {
  template <class T>
  static void reclaim(T* object) noexcept {
    static_assert(sizeof(T) != 0, "frys::reclaim_by_delete: T must be complete where it is retired");
    delete object;
  }
};

namespace detail {
template <class Deleter, class T>
void destroy_as(void* object) noexcept {
  Deleter::reclaim(static_cast<T*>(object));
}
}  // namespace detail

// The concept; a model for policy::reclaimer.
template <class D>
concept reclaimer = requires(D& domain, const D& seen, typename D::participant& seat, int* object,
                             const typename D::atomics_type::template atomic<int*>& source, destroy_function destroy) {
  requires atomics_model<typename D::atomics_type>;
  requires std::movable<typename D::participant>;
  { D::has_pin } -> std::convertible_to<bool>;  // whether seat.pin() is there
  { domain.join() } -> std::same_as<result<typename D::participant>>;
  { seat.protect(source).get() } -> std::same_as<int*>;
  { seat.retire(object, destroy) } -> std::same_as<bool>;
  { seat.retire(object) } -> std::same_as<bool>;
  { seat.room() } -> std::same_as<std::size_t>;
  seat.quiesce();
  { seen.garbage() } -> std::same_as<std::size_t>;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_RECLAIM_HPP
