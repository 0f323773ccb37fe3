// offset_ptr<T>: a pointer that says how far away its T lies from itself: good at whatever address the memory of both
// is mapped.
//
// Use when  a structure of pointers lies in shared or saved memory, and all who write there are trusted.
// Not when  a writer may be hostile, or broken (region_ptr of memory/shared_region.hpp, which is checked at each use);
//           pointer and T lie in two mappings.
// Threads   as a T*.
// Cost      8 bytes; an addition where a T* has none. A copy computes anew: no memcpy.
// Errors    none; a hardened build ends the program where a null pointer is followed.
#ifndef FRYS_MEMORY_OFFSET_PTR_HPP
#define FRYS_MEMORY_OFFSET_PTR_HPP

#include <compare>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <type_traits>

#include "../config.hpp"

namespace frys::inline FRYS_ABI {

template <class T>
class offset_ptr {
 public:
  using element_type = T;
  using value_type = std::remove_cv_t<T>;
  using difference_type = std::ptrdiff_t;
  using pointer = T*;
  using reference = std::add_lvalue_reference_t<T>;
  using iterator_category = std::random_access_iterator_tag;
  template <class U>
  using rebind = offset_ptr<U>;

  offset_ptr() noexcept = default;
  offset_ptr(std::nullptr_t) noexcept {}
  offset_ptr(T* p) noexcept { set(p); }
  offset_ptr(const offset_ptr& other) noexcept { set(other.get()); }
  template <class U>
  requires std::is_convertible_v<U*, T*> offset_ptr(const offset_ptr<U>& other)
  noexcept { set(other.get()); }
  offset_ptr& operator=(const offset_ptr& other) noexcept { return set(other.get()), *this; }
  offset_ptr& operator=(T* p) noexcept { return set(p), *this; }

  [[nodiscard]] T* get() const noexcept {
    if (away_ == nowhere) return nullptr;
    return reinterpret_cast<T*>(reinterpret_cast<std::uintptr_t>(this) + static_cast<std::uintptr_t>(away_));
  }
  explicit operator bool() const noexcept { return away_ != nowhere; }
  reference operator*() const noexcept requires(!std::is_void_v<T>) { return *followed(); }
  T* operator->() const noexcept { return followed(); }
  reference operator[](std::ptrdiff_t i) const noexcept requires(!std::is_void_v<T>) { return followed()[i]; }

  offset_ptr& operator+=(std::ptrdiff_t n) noexcept { return set(get() + n), *this; }
  offset_ptr& operator-=(std::ptrdiff_t n) noexcept { return set(get() - n), *this; }
  offset_ptr& operator++() noexcept { return *this += 1; }
  offset_ptr& operator--() noexcept { return *this -= 1; }
  offset_ptr operator++(int) noexcept {
    const offset_ptr before(*this);
    ++*this;
    return before;
  }
  offset_ptr operator--(int) noexcept {
    const offset_ptr before(*this);
    --*this;
    return before;
  }
  friend offset_ptr operator+(const offset_ptr& p, std::ptrdiff_t n) noexcept { return p.get() + n; }
  friend offset_ptr operator+(std::ptrdiff_t n, const offset_ptr& p) noexcept { return p.get() + n; }
  friend offset_ptr operator-(const offset_ptr& p, std::ptrdiff_t n) noexcept { return p.get() - n; }
  friend std::ptrdiff_t operator-(const offset_ptr& a, const offset_ptr& b) noexcept { return a.get() - b.get(); }
  friend bool operator==(const offset_ptr& a, const offset_ptr& b) noexcept { return a.get() == b.get(); }
  friend bool operator==(const offset_ptr& p, std::nullptr_t) noexcept { return !p; }
  friend std::strong_ordering operator<=>(const offset_ptr& a, const offset_ptr& b) noexcept {
    return std::compare_three_way{}(a.get(), b.get());
  }

  // For std::pointer_traits, which containers take their pointers from.
  static offset_ptr pointer_to(std::conditional_t<std::is_void_v<T>, char, T>& object) noexcept {
    return std::addressof(object);
  }

 private:
  // No T begins at the second byte of its own pointer; one may begin at the first, as the first member of a list.
  static constexpr std::int64_t nowhere = 1;

  T* followed() const noexcept {
    FRYS_ASSERT(away_ != nowhere, "offset_ptr: a null pointer is followed");
    return get();
  }
  void set(T* p) noexcept {
    away_ =
        p == nullptr
            ? nowhere
            : static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(this));
  }

  std::int64_t away_ = nowhere;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_OFFSET_PTR_HPP
