// hazard_domain: safe reclamation by hazard pointers: a reader announces each pointer that it holds, and only what is
// announced is kept.
//
// Use when  memory must stay bounded though a reader may stop anywhere; few pointers are held at once: stacks, queues,
//           a cell that is replaced.
// Not when  one read walks over many objects (epoch_domain), or threads have a quiet point (qsbr_domain).
// Roles     join, garbage: any thread. A seat and its guards: the thread that holds them.
// Progress  protect is lock-free: it goes round again only when the pointer was replaced meanwhile. retire is lock-free
//           and answers false only from a destroy function that retires more than one object; join as in epoch_domain.
// Cost      protect and release: two stores to the seat's own line, two loads of the source, no fence (asymmetric) or
//           one (symmetric). retire: two stores; once per policy::batch a heavy fence, a look at the slots of each seat
//           that was ever taken, a sort of what stands there, and the destroying. No allocation but at join.
// Garbage   a seat holds at most batch + seats * (hazards + 1) retired objects, whatever other threads do; in all at
//           most seats as often (bound()). Objects that a stopped reader has announced stay, no others.
// Ordering  an object's destruction happens-after every read of it under a guard.
// Pointers  what is retired is compared with what was protected by address: retire the pointer that readers protect,
//           not a base at another address.
// Lifetime  seats end before the domain; the domain destroys what is left.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>  seats                                                     default 64
//   policy::hazards<N>   guards that a seat may hold at once                       default 7
//   policy::batch<N>     retired objects between two looks                         default 256
//   policy::fence<F>     fences::symmetric (the classic form) or asymmetric        default fences::asymmetric
//   policy::pages<P>     where the lists lie                                       default os_pages
//   policy::atomics<A>   the atomics model                                         default atomics::standard
// Source    M. M. Michael, "Hazard pointers", IEEE TPDS 15(6), 2004; D. Goldblatt, P1202 (asymmetric fences).
#ifndef FRYS_MEMORY_HAZARD_DOMAIN_HPP
#define FRYS_MEMORY_HAZARD_DOMAIN_HPP

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "../config.hpp"
#include "../core/asymmetric_fence.hpp"
#include "../core/atomics.hpp"
#include "../core/bytes.hpp"
#include "../core/cache_line.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "detail/seats.hpp"
#include "pages.hpp"
#include "reclaim.hpp"

namespace frys::inline FRYS_ABI {

template <class... Policies>
class hazard_domain {
  using accepted = policy::keys<policy::capacity_key, policy::hazards_key, policy::batch_key, policy::fence_key,
                                policy::pages_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::hazard_domain: unknown policy; it takes policy::capacity, policy::hazards, policy::batch, "
                "policy::fence, policy::pages, policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::hazard_domain: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::hazard_domain: policy::atomics wants an atomics model, see core/atomics.hpp");
  using fence_type = typename policy::pick<policy::fence<fences::asymmetric>, Policies...>::type;
  static_assert(fence_pair<fence_type, atomics_type>,
                "frys::hazard_domain: policy::fence wants a pair of fences, see core/asymmetric_fence.hpp");
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>,
                "frys::hazard_domain: policy::pages wants a page source, see core/concepts.hpp");
  static constexpr std::size_t capacity = policy::pick<policy::capacity<64>, Policies...>::value;
  static_assert(capacity != 0, "frys::hazard_domain: policy::capacity must leave a seat");
  static constexpr std::size_t hazards = policy::pick<policy::hazards<7>, Policies...>::value;
  static_assert(hazards != 0, "frys::hazard_domain: policy::hazards must leave a guard");
  static constexpr std::size_t batch = policy::pick<policy::batch<256>, Policies...>::value;
  static_assert(batch != 0, "frys::hazard_domain: policy::batch must be at least 1");
  static constexpr bool has_pin = false;

 private:
  // Where the fence may be free, the first slot says whether it is: if not, it is taken for good, and those that find
  // it so ask on.
  static constexpr bool may_be_free = free_fence_pair<fence_type, atomics_type>;
  static constexpr std::size_t announcements = hazards + (may_be_free ? 1 : 0);

 public:
  static constexpr std::size_t most_garbage = batch + capacity * announcements;
  // The most retired objects that are not destroyed yet, whatever any thread does.
  static constexpr std::size_t bound() noexcept { return capacity * most_garbage; }

 private:
  template <class T>
  using atomic = typename atomics_type::template atomic<T>;
  using hazard = atomic<void*>;

  struct slot {
    // Read by all who reclaim. Null: not in use.
    alignas(cache_line) hazard announced[announcements] = {};
    // The holder's own.
    alignas(cache_line) detail::retired_list<atomics_type> list;
    byte_span memory;
    atomic<std::uint32_t> state{0};
  };

 public:
  // What get() answers stays until the guard dies or is reset. Move-only.
  template <class T>
  class guard {
   public:
    guard() noexcept = default;
    guard(guard&& other) noexcept : hazard_(other.hazard_), object_(std::exchange(other.object_, nullptr)) {}
    guard& operator=(guard&& other) noexcept {
      guard old(std::move(*this));
      hazard_ = other.hazard_, object_ = std::exchange(other.object_, nullptr);
      return *this;
    }
    ~guard() { reset(); }
    void reset() noexcept {
      // sync(hazard_domain.announced): release; our reads are over before the reclaimer can see us gone.
      if (object_ != nullptr) hazard_->store(nullptr, std::memory_order_release);
      object_ = nullptr;
    }
    [[nodiscard]] T* get() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    T* operator->() const noexcept { return object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }

   private:
    friend hazard_domain;
    guard(hazard& h, T* object) noexcept : hazard_(&h), object_(object) {}
    hazard* hazard_ = nullptr;
    T* object_ = nullptr;
  };

  // A thread's seat.
  class participant : public detail::seat_base<hazard_domain> {
    using base = detail::seat_base<hazard_domain>;

   public:
    participant(participant&&) noexcept = default;
    participant& operator=(participant&&) noexcept = default;

    // The pointer that `source` holds, and what it points to stays. At most policy::hazards guards that hold a pointer
    // may live at once; one more is an error of the program, and its guard holds nothing.
    template <class T>
    [[nodiscard]] FRYS_ALWAYS_INLINE guard<T> protect(const atomic<T*>& source) noexcept {
      if constexpr (may_be_free) {
        hazard& h = base::slot_->announced[0];
        // relaxed, both: looked at again below; and our own announcement.
        T* object = source.load(std::memory_order_relaxed);
        if (object != nullptr && h.load(std::memory_order_relaxed) == nullptr) [[likely]] {
          announce(h, object);
          fence_type::template free_light<atomics_type>();  // as in announce_slowly
          // acquire: as in announce_slowly.
          if (source.load(std::memory_order_acquire) == object) [[likely]]
            return guard<T>(h, object);
          h.store(nullptr, std::memory_order_relaxed);  // relaxed: what was announced was never read
        }
      }
      hazard* const h = announce_slowly(source);
      if (h == nullptr) return {};
      return guard<T>(*h, static_cast<T*>(h->load(std::memory_order_relaxed)));  // relaxed: our own announcement
    }
    // Destroys all that this seat holds and nobody has announced.
    void quiesce() noexcept { base::domain_->reclaim(*base::slot_); }

   private:
    friend hazard_domain;
    using base::base;

    template <class T>
    FRYS_ALWAYS_INLINE static void announce(hazard& h, T* object) noexcept {
      // sync(hazard_domain.announced): release, though it announces: who sees this and not the end of what stood here
      // before must have our reading of that behind him too.
      h.store(const_cast<void*>(static_cast<const volatile void*>(object)), std::memory_order_release);
    }
    // Null: the source is.
    template <class T>
    FRYS_NOINLINE hazard* announce_slowly(const atomic<T*>& source) noexcept {
      T* object = source.load(std::memory_order_relaxed);  // relaxed: looked at again below
      if (object == nullptr) return nullptr;
      hazard* const h = free_hazard();
      while (h != nullptr) {
        announce(*h, object);
        // sync(hazard_domain.hand_shake): seq_cst, or the light half of it; either the reclaimer sees the announcement,
        // or we see that the pointer is another one.
        fence_type::template light<atomics_type>();
        // acquire: pairs with the owner's release of the pointer: what it points to is whole.
        T* again = source.load(std::memory_order_acquire);
        if (again == object) break;
        object = again;
        if (object == nullptr) {
          h->store(nullptr, std::memory_order_relaxed);  // relaxed: what was announced was never read
          return nullptr;
        }
      }
      return h;
    }
    hazard* free_hazard() noexcept {
      // No list of free slots in memory, which would make each guard wait for the last one's end.
      for (hazard& h : base::slot_->announced)
        if (h.load(std::memory_order_relaxed) == nullptr) return &h;  // relaxed: our own
      FRYS_ASSERT(false, "hazard_domain: more guards at once than policy::hazards");
      return nullptr;
    }
  };

  hazard_domain() noexcept { fence_type::template prepare<atomics_type>(); }
  hazard_domain(const hazard_domain&) = delete;
  hazard_domain& operator=(const hazard_domain&) = delete;
  ~hazard_domain() { seats_.end(); }

  // A seat for the calling thread. errc::full when all are taken, or what the page source answers.
  [[nodiscard]] result<participant> join() noexcept {
    auto s = seats_.join(most_garbage, capacity * announcements * sizeof(std::uintptr_t));
    if (!s) return s.error();
    slot& mine = **s;
    mine.list.set_mark(batch);
    if constexpr (may_be_free)
      if (!fence_type::template is_free<atomics_type>())
        // relaxed: where this stands, nothing else ever does.
        mine.announced[0].store(&mine, std::memory_order_relaxed);
    return participant(*this, mine);
  }
  // Retired objects that are not destroyed yet; may be stale on return.
  [[nodiscard]] std::size_t garbage() const noexcept { return seats_.garbage(); }

 private:
  friend detail::seat_base<hazard_domain>;

  void leave(slot& s) noexcept {
    for (hazard& h : s.announced) {
      const void* left = h.load(std::memory_order_relaxed);  // relaxed: our own
      FRYS_ASSERT(left == nullptr || left == &s, "hazard_domain: a seat is left with a guard");
      static_cast<void>(left);
    }
    reclaim(s);
    seats_.leave(s);
  }
  FRYS_NOINLINE bool retire_slowly(slot& s, void* object, destroy_function destroy) noexcept {
    if (s.list.is_swept())
      s.list.set_mark(batch);
    else
      reclaim(s);
    return s.list.push(object, destroy);
  }
  FRYS_NOINLINE void reclaim(slot& s) noexcept {
    if (s.list.is_swept()) return;
    seats_.adopt(s);
    if (s.list.size() != 0) destroy_what_may_go(s);
    s.list.set_mark(batch);
  }
  void destroy_what_may_go(slot& s) noexcept {
    // sync(hazard_domain.hand_shake): seq_cst, the heavy half: between all that was unlinked so far and our look at the
    // others.
    if (!fence_type::template heavy<atomics_type>()) return;
    std::uintptr_t* const held =
        reinterpret_cast<std::uintptr_t*>(s.memory.data() + most_garbage * sizeof(detail::retired_object));
    std::uintptr_t* end = held;
    seats_.for_each([&](slot& other) {
      for (hazard& h : other.announced)
        // sync(hazard_domain.announced): acquire; the reads of who is gone are over.
        if (void* p = h.load(std::memory_order_acquire); p != nullptr) *end++ = reinterpret_cast<std::uintptr_t>(p);
    });
    std::sort(held, end);
    s.list.sweep(s.list.size(), [&](void* object) {
      return !std::binary_search(held, end, reinterpret_cast<std::uintptr_t>(object));
    });
  }

  detail::seat_table<atomics_type, slot, capacity, pages_type> seats_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_HAZARD_DOMAIN_HPP
