// qsbr_domain: safe reclamation by quiescent states: reading costs nothing, and each thread says now and then that it
// holds no pointer from before.
//
// Use when  threads have a loop (an event loop, a worker) with a point where they hold nothing: seat.quiesce() there.
// Not when  a thread may block without saying so (seat.offline()), or holds pointers for long: it stops reclamation
//           for all (epoch_domain pins only while it reads; hazard_domain is bounded).
// Roles     join, garbage: any thread. A seat: the thread that holds it.
// Progress  protect is wait-free. quiesce and retire are lock-free with room() left; join as in epoch_domain. A thread
//           that neither quiesces nor is offline stops reclamation, for all seats.
// Cost      protect: the load. quiesce: two loads, and once per epoch a store and a fence. retire: two stores; once per
//           policy::batch a fence and a look at each seat that was ever taken. No allocation but at join.
// Garbage   at most 2 * batch per retiring seat, and a batch more for each look that comes before all have quiesced. A
//           thread that does not: up to policy::garbage per seat, then retire answers false, and takes again once the
//           thread has quiesced. In all at most seats * garbage (bound()).
// Ordering  an object's destruction happens-after every read of it by a thread that has quiesced since.
// Lifetime  seats end before the domain; the domain destroys what is left. A new seat is online.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>  seats                                                     default 64
//   policy::garbage<N>   retired objects that a seat may hold, 16 bytes each       default 16384
//   policy::batch<N>     retired objects between two looks                         default 128
//   policy::counter<T>   the type of the epoch                                     default std::uint64_t
//   policy::pages<P>     where the lists lie                                       default os_pages
//   policy::atomics<A>   the atomics model                                         default atomics::standard
// Source    see detail/epochs.hpp.
#ifndef FRYS_MEMORY_QSBR_DOMAIN_HPP
#define FRYS_MEMORY_QSBR_DOMAIN_HPP

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
class qsbr_domain {
  using accepted = policy::keys<policy::capacity_key, policy::garbage_key, policy::batch_key, policy::counter_key,
                                policy::pages_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::qsbr_domain: unknown policy; it takes policy::capacity, policy::garbage, policy::batch, "
                "policy::counter, policy::pages, policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::qsbr_domain: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::qsbr_domain: policy::atomics wants an atomics model, see core/atomics.hpp");
  using counter_type = typename policy::pick<policy::counter<std::uint64_t>, Policies...>::type;
  static_assert(std::unsigned_integral<counter_type> && !std::same_as<counter_type, bool>,
                "frys::qsbr_domain: policy::counter wants an unsigned integer type");
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>, "frys::qsbr_domain: policy::pages wants a page source, see core/concepts.hpp");
  static constexpr std::size_t capacity = policy::pick<policy::capacity<64>, Policies...>::value;
  static_assert(capacity != 0, "frys::qsbr_domain: policy::capacity must leave a seat");
  static constexpr std::size_t most_garbage = policy::pick<policy::garbage<16384>, Policies...>::value;
  static constexpr std::size_t batch = policy::pick<policy::batch<128>, Policies...>::value;
  static_assert(batch != 0 && batch <= most_garbage,
                "frys::qsbr_domain: policy::batch must be at least 1 and at most policy::garbage");
  static constexpr bool has_pin = true;
  // The most retired objects that are not destroyed yet, whatever any thread does.
  static constexpr std::size_t bound() noexcept { return capacity * most_garbage; }

 private:
  using engine =
      detail::epochs<atomics_type, fences::symmetric, counter_type, capacity, most_garbage, batch, pages_type>;
  using slot = typename engine::slot;
  template <class T>
  using atomic = typename atomics_type::template atomic<T>;

 public:
  // Says that what is read stays until the next quiesce; there is nothing to do for it.
  class pin_guard {
   public:
    pin_guard(pin_guard&&) noexcept = default;
    pin_guard& operator=(pin_guard&&) noexcept = default;

   private:
    friend qsbr_domain;
    pin_guard() noexcept = default;
  };

  // A pointer that is good until the seat's next quiesce, offline or leave.
  template <class T>
  class guard {
   public:
    guard(guard&&) noexcept = default;
    guard& operator=(guard&&) noexcept = default;
    [[nodiscard]] T* get() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    T* operator->() const noexcept { return object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }

   private:
    friend qsbr_domain;
    explicit guard(T* object) noexcept : object_(object) {}
    T* object_;
  };

  // A thread that sleeps or does other things: while this lives, it may not read, and nobody waits for it.
  class offline_guard {
   public:
    offline_guard(offline_guard&& other) noexcept
        : engine_(other.engine_), slot_(std::exchange(other.slot_, nullptr)) {}
    offline_guard& operator=(offline_guard&&) = delete;
    ~offline_guard() {
      if (slot_ != nullptr) engine_->announce(*slot_);
    }

   private:
    friend qsbr_domain;
    offline_guard(engine& e, slot& s) noexcept : engine_(&e), slot_(&s) { e.withdraw(s); }
    engine* engine_;
    slot* slot_;
  };

  // A thread's seat.
  class participant : public detail::seat_base<qsbr_domain> {
    using base = detail::seat_base<qsbr_domain>;

   public:
    participant(participant&&) noexcept = default;
    participant& operator=(participant&&) noexcept = default;

    [[nodiscard]] pin_guard pin() noexcept { return pin_guard(); }
    template <class T>
    [[nodiscard]] FRYS_ALWAYS_INLINE guard<T> protect(const atomic<T*>& source) noexcept {
      // acquire: pairs with the owner's release of the pointer: what it points to is whole.
      return guard<T>(source.load(std::memory_order_acquire));
    }
    // This thread holds nothing that it has read before. Destroys what may go now, if it has retired anything.
    void quiesce() noexcept {
      engine& e = base::domain_->engine_;
      e.renew(*base::slot_);
      if (base::slot_->list.size() != 0) [[unlikely]]
        e.reclaim(*base::slot_);
    }
    [[nodiscard]] offline_guard offline() noexcept { return offline_guard(base::domain_->engine_, *base::slot_); }

   private:
    friend qsbr_domain;
    using base::base;
  };

  qsbr_domain() noexcept = default;
  qsbr_domain(const qsbr_domain&) = delete;
  qsbr_domain& operator=(const qsbr_domain&) = delete;
  ~qsbr_domain() { engine_.end(); }

  // A seat for the calling thread, online. errc::full when all are taken, or what the page source answers.
  [[nodiscard]] result<participant> join() noexcept {
    auto s = engine_.join();
    if (!s) return s.error();
    engine_.announce(**s);
    return participant(*this, **s);
  }
  // Retired objects that are not destroyed yet; may be stale on return.
  [[nodiscard]] std::size_t garbage() const noexcept { return engine_.garbage(); }

 private:
  friend detail::seat_base<qsbr_domain>;
  bool retire_slowly(slot& s, void* object, destroy_function destroy) noexcept {
    return engine_.retire_slowly(s, object, destroy);
  }
  void leave(slot& s) noexcept {
    engine_.withdraw(s);
    engine_.leave(s);
  }

  engine engine_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_QSBR_DOMAIN_HPP
