// growable: an array of trivially copyable elements that begins inside its owner and grows on the heap.
//
// Use when  a sans-I/O codec keeps a few pieces per message and must survive a message with a million.
// Cost      no allocation for the first `Inline` elements; then doubling. Out of memory is an answer, not an exception.
#ifndef FRYS_NET_DETAIL_GROWABLE_HPP
#define FRYS_NET_DETAIL_GROWABLE_HPP

#include <cstddef>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include "../../config.hpp"

namespace frys::inline FRYS_ABI::detail {

template <class T, std::size_t Inline>
class growable {
  static_assert(std::is_trivially_copyable_v<T> && Inline > 0,
                "frys: growable wants trivial elements and a first place");

 public:
  growable() noexcept {}
  growable(growable&& other) noexcept { take(other); }
  growable& operator=(growable&& other) noexcept {
    if (this != &other) {
      release();
      take(other);
    }
    return *this;
  }
  ~growable() { release(); }

  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }
  T& back() noexcept { return data_[size_ - 1]; }
  void pop_back() noexcept { --size_; }

  // False: out of memory, nothing changed.
  [[nodiscard]] bool push_back(const T& value) noexcept {
    if (size_ == capacity_ && !reserve(capacity_ * 2)) return false;
    ::new (static_cast<void*>(data_ + size_)) T(value);
    ++size_;
    return true;
  }
  [[nodiscard]] bool reserve(std::size_t wanted) noexcept {
    if (wanted <= capacity_) return true;
    if (wanted > static_cast<std::size_t>(-1) / 2 / sizeof(T)) return false;
    T* bigger = static_cast<T*>(::operator new(wanted * sizeof(T), std::nothrow));
    if (bigger == nullptr) return false;
    std::memcpy(static_cast<void*>(bigger), static_cast<const void*>(data_), size_ * sizeof(T));
    const std::size_t kept = size_;
    release();
    data_ = bigger;
    size_ = kept;
    capacity_ = wanted;
    return true;
  }
  // Empty again; memory beyond `keep` elements goes back, so that one huge message does not stay for ever.
  void clear(std::size_t keep) noexcept {
    size_ = 0;
    if (capacity_ > keep && capacity_ > Inline) release();
  }

 private:
  T* place() noexcept { return reinterpret_cast<T*>(inline_); }
  void release() noexcept {
    if (data_ != place()) ::operator delete(static_cast<void*>(data_));
    data_ = place();
    size_ = 0;
    capacity_ = Inline;
  }
  void take(growable& other) noexcept {
    if (other.data_ == other.place()) {
      std::memcpy(inline_, other.inline_, sizeof inline_);
    } else {
      data_ = other.data_;
      other.data_ = other.place();
    }
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, Inline);
  }

  T* data_ = place();
  std::size_t size_ = 0;
  std::size_t capacity_ = Inline;
  alignas(T) unsigned char inline_[Inline * sizeof(T)];
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_NET_DETAIL_GROWABLE_HPP
