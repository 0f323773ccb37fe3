// biased_ptr, counts::biased: pointers of one thread to a shared object, which count without an atomic.
//
// Use when  objects are shared by threads, but most of the copying is done by one of them: a core that hands its
//           messages about, and now and then one to another core.
// Not when  several threads copy alike (intrusive_ptr alone), or none but one ever does (counts::local).
// Threads   an object's biased_ptrs are one thread's at a time, the object's owner (hardened builds check); when it has
//           none left, another thread that has an intrusive_ptr may become the owner, if the last's end happens-before.
//           Its intrusive_ptrs: any.
// Progress  wait-free.
// Cost      a copy or drop of a biased_ptr: an addition. All of a thread's biased_ptrs together hold one count of the
//           object's atomic one: the first and the last cost what an intrusive_ptr's do. An object has 4 bytes more.
// Ordering  intrusive_ptr's.
// Errors    as intrusive_ptr's.
// Lifetime  the object lives while it has a pointer of either kind.
// Source    the aim is that of J. Choi, T. Shull, J. Torrellas, "Biased reference counting", PACT 2018. There each
//           pointer may be dropped by anybody, so an object may have to be queued until its owner comes by; here the
//           type says whose a pointer is, and there is no queue.
#ifndef FRYS_MEMORY_BIASED_PTR_HPP
#define FRYS_MEMORY_BIASED_PTR_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "intrusive_ptr.hpp"

namespace frys::inline FRYS_ABI {

namespace counts {

// For policy::count: as counts::atomic, and room for the owner's own count.
struct biased {
  template <class Atomics>
  class word : public atomic::word<Atomics> {
   public:
    word() noexcept = default;
    explicit word(std::uint32_t owners) noexcept : atomic::word<Atomics>(owners) {}

    // Of the owner. True if it is the first of its pointers.
    [[nodiscard]] bool add_own() noexcept {
      check_thread();
      FRYS_ASSERT(own_.get() < detail::most_owners, "biased_ptr: more owners than the count can hold");
      return own_.ref()++ == 0;
    }
    // True if it was the last of its pointers.
    [[nodiscard]] bool drop_own() noexcept {
      check_thread();
      return --own_.ref() == 0;
    }

   private:
#if FRYS_HARDENED
    void check_thread() noexcept {
      if (own_.get() == 0) thread_ = detail::thread_mark();
      FRYS_ASSERT(thread_ == detail::thread_mark(), "biased_ptr: two threads have biased_ptrs to one object");
    }
    const void* thread_ = detail::thread_mark();
#else
    static void check_thread() noexcept {}
#endif
    typename Atomics::template var<std::uint32_t> own_{0u};
  };
};

}  // namespace counts

// Shares one T, on the thread that owns it.
template <class T>
class biased_ptr {
 public:
  using element_type = T;

  // Owns nothing.
  constexpr biased_ptr() noexcept = default;
  // The object's owner's pointer, in the place of one that all may have: the first takes over its count.
  explicit biased_ptr(intrusive_ptr<T>&& shared) noexcept : object_(shared.get()) {
    if (object_ == nullptr) return;
    if (word().add_own())
      (void)shared.detach();
    else
      shared.reset();
  }
  biased_ptr(const biased_ptr& other) noexcept : object_(other.object_) {
    if (object_ != nullptr) (void)word().add_own();
  }
  biased_ptr(biased_ptr&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  biased_ptr& operator=(const biased_ptr& other) noexcept {
    biased_ptr copy(other);
    swap(copy);
    return *this;
  }
  biased_ptr& operator=(biased_ptr&& other) noexcept {
    biased_ptr taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~biased_ptr() { reset(); }

  // A pointer for any thread.
  [[nodiscard]] intrusive_ptr<T> share() const noexcept { return intrusive_ptr<T>::share(object_); }

  [[nodiscard]] T* get() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  T* operator->() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  // Owns nothing any more.
  void reset() noexcept {
    if (object_ == nullptr) return;
    const bool last = word().drop_own();
    T* const object = std::exchange(object_, nullptr);
    if (last) (void)intrusive_ptr<T>::adopt(object);  // which gives up the count that all of ours had
  }
  void swap(biased_ptr& other) noexcept { std::swap(object_, other.object_); }
  friend void swap(biased_ptr& a, biased_ptr& b) noexcept { a.swap(b); }
  friend bool operator==(const biased_ptr& a, const biased_ptr& b) noexcept { return a.object_ == b.object_; }
  friend bool operator==(const biased_ptr& a, std::nullptr_t) noexcept { return a.object_ == nullptr; }

 private:
  auto& word() const noexcept {
    static_assert(std::same_as<typename T::count_type, counts::biased>,
                  "frys::biased_ptr<T>: T must be ref_counted with policy::count<counts::biased>");
    return detail::intrusive_access::owners(*object_);
  }

  T* object_ = nullptr;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_BIASED_PTR_HPP
