// leak_domain: a reclaimer that never destroys anything: reading and retiring cost nothing.
//
// Use when  a structure's own cost is to be measured without reclamation, or a program ends before memory matters.
// Not when  anything else.
// Roles     join, garbage: any thread. A seat: the thread that holds it.
// Progress  everything is wait-free. Cost: protect is the load, retire a count.
// Garbage   no bound: what was retired is never destroyed, not by the domain's destructor either.
//
// Policies, in any order, each at most once:
//   policy::atomics<A>   the atomics model                                         default atomics::standard
#ifndef FRYS_MEMORY_LEAK_DOMAIN_HPP
#define FRYS_MEMORY_LEAK_DOMAIN_HPP

#include <atomic>
#include <cstddef>
#include <limits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "reclaim.hpp"

namespace frys::inline FRYS_ABI {

template <class... Policies>
class leak_domain {
  using accepted = policy::keys<policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::leak_domain: unknown policy; it takes policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::leak_domain: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::leak_domain: policy::atomics wants an atomics model, see core/atomics.hpp");
  static constexpr bool has_pin = true;

  struct pin_guard {};

  template <class T>
  class guard {
   public:
    [[nodiscard]] T* get() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    T* operator->() const noexcept { return object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }

   private:
    friend leak_domain;
    explicit guard(T* object) noexcept : object_(object) {}
    T* object_;
  };

  class participant {
   public:
    participant(participant&& other) noexcept
        : domain_(std::exchange(other.domain_, nullptr)), retired_(std::exchange(other.retired_, 0)) {}
    participant& operator=(participant&& other) noexcept {
      if (this != &other) {
        leave();
        domain_ = std::exchange(other.domain_, nullptr), retired_ = std::exchange(other.retired_, 0);
      }
      return *this;
    }
    ~participant() { leave(); }

    [[nodiscard]] pin_guard pin() noexcept { return {}; }
    template <class T>
    [[nodiscard]] guard<T> protect(const typename atomics_type::template atomic<T*>& source) noexcept {
      // acquire: pairs with the owner's release of the pointer: what it points to is whole.
      return guard<T>(source.load(std::memory_order_acquire));
    }
    // Always true.
    [[nodiscard]] bool retire(void*, destroy_function) noexcept { return ++retired_, true; }
    template <class Deleter = reclaim_by_delete, class T>
    [[nodiscard]] bool retire(T*) noexcept {
      return ++retired_, true;
    }
    [[nodiscard]] std::size_t room() const noexcept { return (std::numeric_limits<std::size_t>::max)(); }
    // Tells the domain how many this seat has retired.
    void quiesce() noexcept {
      // relaxed: a number.
      domain_->retired_.fetch_add(std::exchange(retired_, 0), std::memory_order_relaxed);
    }
    void leave() noexcept {
      if (domain_ != nullptr) quiesce();
      domain_ = nullptr;
    }

   private:
    friend leak_domain;
    explicit participant(leak_domain& domain) noexcept : domain_(&domain) {}
    leak_domain* domain_;
    std::size_t retired_ = 0;
  };

  leak_domain() noexcept = default;
  leak_domain(const leak_domain&) = delete;
  leak_domain& operator=(const leak_domain&) = delete;

  [[nodiscard]] result<participant> join() noexcept { return participant(*this); }
  // What seats have retired, as of their last quiesce or leave.
  [[nodiscard]] std::size_t garbage() const noexcept {
    return retired_.load(std::memory_order_relaxed);  // relaxed: a number
  }

 private:
  typename atomics_type::template atomic<std::size_t> retired_{0};
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_LEAK_DOMAIN_HPP
