// epoch_domain: safe reclamation by epochs: a reader pins the present, and nothing that it could reach goes until it
// lets go.
//
// Use when  reads are short and many, and touch many objects: a list, a tree, a table. The cheapest read that needs no
//           help of the thread's loop.
// Not when  a reader may stop for long and memory must stay bounded (hazard_domain), or threads have a loop that can
//           say "I hold nothing" (qsbr_domain).
// Roles     join, garbage: any thread. A seat and its guards: the thread that holds them.
// Progress  pin and protect are wait-free. retire is lock-free with room() left; join is lock-free but for another
//           thread's short copy of garbage out of a seat that was left. Reclamation is blocking by its nature: a reader
//           that stays pinned stops it, for all seats.
// Cost      pin and unpin: two stores to the seat's own line, three loads, no fence (asymmetric) or one (symmetric). A
//           nested pin: a plain count. retire: two stores; once per policy::batch a heavy fence, a look at each seat
//           that was ever taken, and the destroying. No allocation but at join.
// Garbage   at most 2 * batch per retiring seat, and a batch more for each look that a reader of an older epoch spoils.
//           A reader that stops: each seat keeps what it retires, up to policy::garbage; then retire answers false, and
//           takes again once the reader is gone. In all at most seats * garbage (bound()).
// Ordering  an object's destruction happens-after every read of it under a pin.
// Lifetime  seats end before the domain; the domain destroys what is left.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>  seats                                                     default 64
//   policy::garbage<N>   retired objects that a seat may hold, 16 bytes each       default 16384
//   policy::batch<N>     retired objects between two looks                         default 256
//   policy::fence<F>     fences::symmetric or asymmetric                           default fences::asymmetric
//   policy::counter<T>   the type of the epoch                                     default std::uint64_t
//   policy::pages<P>     where the lists lie                                       default os_pages
//   policy::atomics<A>   the atomics model                                         default atomics::standard
// Source    see detail/epochs.hpp.
#ifndef FRYS_MEMORY_EPOCH_DOMAIN_HPP
#define FRYS_MEMORY_EPOCH_DOMAIN_HPP

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "../config.hpp"
#include "../core/asymmetric_fence.hpp"
#include "../core/atomics.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "detail/epochs.hpp"
#include "detail/seats.hpp"
#include "pages.hpp"
#include "reclaim.hpp"

namespace frys::inline FRYS_ABI {

template <class... Policies>
class epoch_domain {
  using accepted = policy::keys<policy::capacity_key, policy::garbage_key, policy::batch_key, policy::fence_key,
                                policy::counter_key, policy::pages_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::epoch_domain: unknown policy; it takes policy::capacity, policy::garbage, policy::batch, "
                "policy::fence, policy::counter, policy::pages, policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::epoch_domain: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::epoch_domain: policy::atomics wants an atomics model, see core/atomics.hpp");
  using fence_type = typename policy::pick<policy::fence<fences::asymmetric>, Policies...>::type;
  static_assert(fence_pair<fence_type, atomics_type>,
                "frys::epoch_domain: policy::fence wants a pair of fences, see core/asymmetric_fence.hpp");
  using counter_type = typename policy::pick<policy::counter<std::uint64_t>, Policies...>::type;
  static_assert(std::unsigned_integral<counter_type> && !std::same_as<counter_type, bool>,
                "frys::epoch_domain: policy::counter wants an unsigned integer type");
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>,
                "frys::epoch_domain: policy::pages wants a page source, see core/concepts.hpp");
  static constexpr std::size_t capacity = policy::pick<policy::capacity<64>, Policies...>::value;
  static_assert(capacity != 0, "frys::epoch_domain: policy::capacity must leave a seat");
  static constexpr std::size_t most_garbage = policy::pick<policy::garbage<16384>, Policies...>::value;
  static constexpr std::size_t batch = policy::pick<policy::batch<256>, Policies...>::value;
  static_assert(batch != 0 && batch <= most_garbage,
                "frys::epoch_domain: policy::batch must be at least 1 and at most policy::garbage");
  static constexpr bool has_pin = true;
  // The most retired objects that are not destroyed yet, whatever any thread does.
  static constexpr std::size_t bound() noexcept { return capacity * most_garbage; }

 private:
  using engine = detail::epochs<atomics_type, fence_type, counter_type, capacity, most_garbage, batch, pages_type>;
  using slot = typename engine::slot;
  template <class T>
  using atomic = typename atomics_type::template atomic<T>;

 public:
  // While it lives, nothing that its thread can reach is destroyed. Move-only; guards may die in any order.
  class pin_guard {
   public:
    pin_guard(pin_guard&& other) noexcept : slot_(other.slot_), holds_(std::exchange(other.holds_, false)) {}
    pin_guard& operator=(pin_guard&& other) noexcept {
      pin_guard old(std::move(*this));
      slot_ = other.slot_, holds_ = std::exchange(other.holds_, false);
      return *this;
    }
    ~pin_guard() {
      if (holds_) engine::unpin(*slot_);
    }

   private:
    friend epoch_domain;
    FRYS_ALWAYS_INLINE pin_guard(engine& e, slot& s) noexcept : slot_(&s) { e.pin(s); }
    slot* slot_;
    bool holds_ = true;  // a constant to the compiler where the guard is not moved, as a null slot would not be
  };

  // A pin, and the pointer that was read under it.
  template <class T>
  class guard {
   public:
    [[nodiscard]] T* get() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    T* operator->() const noexcept { return object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }

   private:
    friend epoch_domain;
    FRYS_ALWAYS_INLINE guard(engine& e, slot& s, const atomic<T*>& source) noexcept
        : pin_(e, s),
          // acquire: pairs with the owner's release of the pointer: what it points to is whole.
          object_(source.load(std::memory_order_acquire)) {}
    pin_guard pin_;
    T* object_;
  };

  // A thread's seat.
  class participant : public detail::seat_base<epoch_domain> {
    using base = detail::seat_base<epoch_domain>;

   public:
    participant(participant&&) noexcept = default;
    participant& operator=(participant&&) noexcept = default;

    [[nodiscard]] FRYS_ALWAYS_INLINE pin_guard pin() noexcept {
      return pin_guard(base::domain_->engine_, *base::slot_);
    }
    // What `source` points to stays until the guard dies, and so does all else that this thread reads meanwhile.
    template <class T>
    [[nodiscard]] FRYS_ALWAYS_INLINE guard<T> protect(const atomic<T*>& source) noexcept {
      return guard<T>(base::domain_->engine_, *base::slot_, source);
    }
    // Destroys what may go now; with no reader pinned, all that this seat holds.
    void quiesce() noexcept { base::domain_->engine_.reclaim_all(*base::slot_); }

   private:
    friend epoch_domain;
    using base::base;
  };

  epoch_domain() noexcept = default;
  epoch_domain(const epoch_domain&) = delete;
  epoch_domain& operator=(const epoch_domain&) = delete;
  ~epoch_domain() { engine_.end(); }

  // A seat for the calling thread. errc::full when all are taken, or what the page source answers.
  [[nodiscard]] result<participant> join() noexcept {
    auto s = engine_.join();
    if (!s) return s.error();
    return participant(*this, **s);
  }
  // Retired objects that are not destroyed yet; may be stale on return.
  [[nodiscard]] std::size_t garbage() const noexcept { return engine_.garbage(); }

 private:
  friend detail::seat_base<epoch_domain>;
  bool retire_slowly(slot& s, void* object, destroy_function destroy) noexcept {
    return engine_.retire_slowly(s, object, destroy);
  }
  void leave(slot& s) noexcept {
    FRYS_ASSERT(!engine_.is_pinned(s), "epoch_domain: a seat is left while pinned");
    engine_.leave(s);
  }

  engine engine_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_EPOCH_DOMAIN_HPP
