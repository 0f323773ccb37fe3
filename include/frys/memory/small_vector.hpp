// small_vector: an array that grows, whose first N elements lie inside it.
//
// Use when  most arrays are short and the few long ones must work too: arguments of a command, children of a node.
// Not when  the most there can be is known (std::array and a count), most are long (std::vector), or elements must stay
//           where they are (stable_vector).
// Threads   one at a time; const functions by many.
// Cost      up to N elements no memory is asked for; beyond, capacity doubles. 16 bytes, an allocator that has state,
//           and N elements. An element's address: one load, inside or outside.
// Errors    those of the allocator, and errc::limit_exceeded beyond 2^32 - 1 elements, as a result: nothing is changed
//           then, and the arguments are left alone. Where T's constructor throws, the vector is as it was.
// Lifetime  what grows the vector, moves it or inserts and erases before it ends pointers to an element.
//
// Policies, in any order, each at most once:
//   policy::allocator<A>   where long ones live: a raw_allocator, held by value; allocator_ref<A> refers to one
//                          default system_allocator
#ifndef FRYS_MEMORY_SMALL_VECTOR_HPP
#define FRYS_MEMORY_SMALL_VECTOR_HPP

#include <algorithm>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "system_allocator.hpp"

namespace frys::inline FRYS_ABI {

template <class T, std::size_t N, class... Policies>
class small_vector {
  using accepted = policy::keys<policy::allocator_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::small_vector: unknown policy; it takes policy::allocator and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::small_vector: a policy is given twice; name each at most once");
  static_assert(std::is_object_v<T> && !std::is_array_v<T> && !std::is_const_v<T> &&
                    std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>,
                "frys::small_vector<T>: T must be an object type, not const, not an array, that moves and dies without "
                "throwing");
  static_assert(N <= std::size_t{1} << 20, "frys::small_vector<T, N>: N must be at most 2^20 elements");

 public:
  using value_type = T;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using reference = T&;
  using const_reference = const T&;
  using iterator = T*;
  using const_iterator = const T*;
  using reverse_iterator = std::reverse_iterator<iterator>;
  using const_reverse_iterator = std::reverse_iterator<const_iterator>;
  using allocator_type = typename policy::pick<policy::allocator<system_allocator>, Policies...>::type;
  static_assert(raw_allocator<allocator_type>,
                "frys::small_vector: policy::allocator wants a raw_allocator, see core/concepts.hpp");
  // Elements that need no memory.
  static constexpr std::size_t inside = N;

  small_vector() noexcept requires std::is_default_constructible_v<allocator_type> {}
  explicit small_vector(allocator_type a) noexcept : allocator_(std::move(a)) {}
  // Elements inside move one by one; memory outside changes hands.
  small_vector(small_vector&& other) noexcept : allocator_(other.allocator_) { take(other); }
  // Takes the other's allocator along.
  small_vector& operator=(small_vector&& other) noexcept {
    if (this == &other) return *this;
    discard();
    std::destroy_at(std::addressof(allocator_));
    std::construct_at(std::addressof(allocator_), other.allocator_);
    take(other);
    return *this;
  }
  // A copy may be refused: see copy().
  small_vector(const small_vector&) = delete;
  small_vector& operator=(const small_vector&) = delete;
  ~small_vector() { discard(); }

  [[nodiscard]] result<small_vector> copy() const requires std::is_copy_constructible_v<T> {
    small_vector other(allocator_);
    result<void> copied = other.append(std::span<const T>(*this));
    if (!copied) return copied.error();
    return other;
  }
  friend void swap(small_vector& a, small_vector& b) noexcept {
    small_vector third(std::move(a));
    a = std::move(b);
    b = std::move(third);
  }

  // T(args...) behind the last. The arguments may be elements of this vector.
  template <class... Args>
  requires std::is_constructible_v<T, Args...> result<T*> emplace_back(Args&&... args)
  noexcept(std::is_nothrow_constructible_v<T, Args...>) {
    if (size_ == capacity_) [[unlikely]]
      return grow_with(std::forward<Args>(args)...);
    T* const made = std::construct_at(data_ + size_, std::forward<Args>(args)...);
    ++size_;
    return made;
  }
  result<T*> push_back(const T& value) noexcept(std::is_nothrow_copy_constructible_v<T>) { return emplace_back(value); }
  result<T*> push_back(T&& value) noexcept { return emplace_back(std::move(value)); }
  void pop_back() noexcept {
    FRYS_ASSERT(size_ != 0, "small_vector::pop_back: it is empty");
    std::destroy_at(data_ + --size_);
  }
  // Copies of all of `values` behind the last, or none. They may be elements of this vector.
  result<void> append(std::span<const T> values) noexcept(
      std::is_nothrow_copy_constructible_v<T>) requires std::is_copy_constructible_v<T> {
    const bool own = !values.empty() && values.data() >= data_ && values.data() < data_ + size_;
    const std::ptrdiff_t at = own ? values.data() - data_ : 0;
    result<void> room = make_room(values.size());
    if (!room) return room;
    if (own) values = {data_ + at, values.size()};
    std::uninitialized_copy(values.begin(), values.end(), data_ + size_);
    size_ += static_cast<std::uint32_t>(values.size());
    return {};
  }
  result<void> append(std::initializer_list<T> values) noexcept(
      std::is_nothrow_copy_constructible_v<T>) requires std::is_copy_constructible_v<T> {
    return append(std::span<const T>(values.begin(), values.size()));
  }

  // T(args...) before `position`; answers where it stands. The arguments may be elements of this vector. A constructor
  // that throws has changed nothing.
  template <class... Args>
  requires std::is_constructible_v<T, Args...> result<T*> emplace(const_iterator position, Args&&... args)
  noexcept(std::is_nothrow_constructible_v<T, Args...>) {
    FRYS_ASSERT(position >= data_ && position <= data_ + size_, "small_vector::emplace: not a position of this vector");
    const std::ptrdiff_t at = position - data_;
    // Made at the end, and then turned into its place: nothing is open while T's constructor runs.
    result<T*> made = emplace_back(std::forward<Args>(args)...);
    if (!made) return made;
    rotate_last(at);
    return data_ + at;
  }
  result<T*> insert(const_iterator position, const T& value) noexcept(std::is_nothrow_copy_constructible_v<T>) {
    return emplace(position, value);
  }
  result<T*> insert(const_iterator position, T&& value) noexcept { return emplace(position, std::move(value)); }
  // The elements behind move up; answers the one that stands there now.
  iterator erase(const_iterator position) noexcept { return erase(position, position + 1); }
  iterator erase(const_iterator first, const_iterator last) noexcept {
    FRYS_ASSERT(first >= data_ && first <= last && last <= data_ + size_, "small_vector::erase: not of this vector");
    T* const to = data_ + (first - data_);
    T* const from = data_ + (last - data_);
    if (to == from) return to;
    T* const end_of = data_ + size_;
    // By construction, since a T need not be assignable.
    if constexpr (std::is_nothrow_move_assignable_v<T>) {
      std::destroy(std::move(from, end_of, to), end_of);
    } else {
      std::destroy(to, from);
      T* hole = to;
      for (T* each = from; each != end_of; ++each, ++hole) {
        std::construct_at(hole, std::move(*each));
        std::destroy_at(each);
      }
    }
    size_ -= static_cast<std::uint32_t>(last - first);
    return to;
  }
  void clear() noexcept {
    std::destroy_n(data_, size_);
    size_ = 0;
  }

  // Room for `count` elements in all. Moves elements where there is none yet.
  result<void> reserve(std::size_t count) noexcept { return count <= capacity_ ? result<void>{} : reallocate(count); }
  // `count` elements: the last ones go, or T() come.
  result<void> resize(std::size_t count) noexcept(
      std::is_nothrow_default_constructible_v<T>) requires std::is_default_constructible_v<T> {
    if (count <= size_) {
      std::destroy(data_ + count, data_ + size_);
    } else {
      result<void> room = make_room(count - size_);
      if (!room) return room;
      std::uninitialized_value_construct(data_ + size_, data_ + count);
    }
    size_ = static_cast<std::uint32_t>(count);
    return {};
  }
  // Memory for no more than there is: back inside if it fits.
  result<void> shrink_to_fit() noexcept {
    if (is_inside() || size_ == capacity_) return {};
    return reallocate(size_);
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  // Whether no memory is held.
  [[nodiscard]] bool is_inside() const noexcept { return data_ == inner(); }
  [[nodiscard]] const allocator_type& get_allocator() const noexcept { return allocator_; }

  [[nodiscard]] T* data() noexcept { return data_; }
  [[nodiscard]] const T* data() const noexcept { return data_; }
  T& operator[](std::size_t i) noexcept { return FRYS_ASSERT(i < size_, "small_vector: beyond the last"), data_[i]; }
  const T& operator[](std::size_t i) const noexcept {
    return FRYS_ASSERT(i < size_, "small_vector: beyond the last"), data_[i];
  }
  [[nodiscard]] T& front() noexcept { return (*this)[0]; }
  [[nodiscard]] const T& front() const noexcept { return (*this)[0]; }
  [[nodiscard]] T& back() noexcept { return (*this)[size_ - std::size_t{1}]; }
  [[nodiscard]] const T& back() const noexcept { return (*this)[size_ - std::size_t{1}]; }
  [[nodiscard]] iterator begin() noexcept { return data_; }
  [[nodiscard]] const_iterator begin() const noexcept { return data_; }
  [[nodiscard]] const_iterator cbegin() const noexcept { return data_; }
  [[nodiscard]] iterator end() noexcept { return data_ + size_; }
  [[nodiscard]] const_iterator end() const noexcept { return data_ + size_; }
  [[nodiscard]] const_iterator cend() const noexcept { return data_ + size_; }
  [[nodiscard]] reverse_iterator rbegin() noexcept { return reverse_iterator(end()); }
  [[nodiscard]] const_reverse_iterator rbegin() const noexcept { return const_reverse_iterator(end()); }
  [[nodiscard]] reverse_iterator rend() noexcept { return reverse_iterator(begin()); }
  [[nodiscard]] const_reverse_iterator rend() const noexcept { return const_reverse_iterator(begin()); }

  friend bool operator==(const small_vector& a, const small_vector& b) requires std::equality_comparable<T> {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }
  friend auto operator<=>(const small_vector& a, const small_vector& b) requires std::three_way_comparable<T> {
    return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  static constexpr std::size_t most =
      (std::min)(std::size_t{(std::numeric_limits<std::uint32_t>::max)()}, detail::most_bytes / sizeof(T));

  T* inner() noexcept { return reinterpret_cast<T*>(bytes_); }
  const T* inner() const noexcept { return reinterpret_cast<const T*>(bytes_); }

  // Memory for more elements than there is room for, `least` in all at least.
  result<T*> fresh(std::size_t least, std::size_t wanted) noexcept {
    if (least > most)
      return error{errc::limit_exceeded, domain::memory, "a small_vector holds no more than 2^32 - 1 elements",
                   static_cast<std::int64_t>(most)};
    result<void*> memory = allocator_.allocate((std::min)(wanted, most) * sizeof(T), alignof(T));
    if (!memory) return memory.error();
    return static_cast<T*>(*memory);
  }
  void adopt(T* memory, std::size_t capacity) noexcept {
    give_back();
    data_ = memory;
    capacity_ = static_cast<std::uint32_t>(capacity);
  }
  static void relocate(T* from, std::size_t count, T* to) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
      std::construct_at(to + i, std::move(from[i]));
      std::destroy_at(from + i);
    }
  }
  std::size_t doubled() const noexcept {
    return (std::min)((std::max)(std::size_t{capacity_} * 2, std::size_t{4}), most);
  }

  template <class... Args>
  FRYS_NOINLINE result<T*> grow_with(Args&&... args) {
    const std::size_t wanted = doubled();
    result<T*> memory = fresh(std::size_t{size_} + 1, wanted);
    if (!memory) return memory.error();
    // The new one first: it may be made of an element, and if its constructor throws, nothing was moved.
    held h{*this, *memory, wanted};
    T* const made = std::construct_at(*memory + size_, std::forward<Args>(args)...);
    h.memory = nullptr;
    relocate(data_, size_, *memory);
    adopt(*memory, wanted);
    ++size_;
    return made;
  }
  struct held {
    small_vector& of;
    T* memory;
    std::size_t capacity;
    ~held() {
      if (memory != nullptr) of.allocator_.deallocate(memory, capacity * sizeof(T), alignof(T));
    }
  };
  result<void> make_room(std::size_t more) noexcept {
    if (more <= std::size_t{capacity_} - size_) return {};
    return reallocate(more > most - size_ ? most + 1 : (std::max)(size_ + more, doubled()));
  }
  FRYS_NOINLINE result<void> reallocate(std::size_t count) noexcept {
    T* to = inner();
    if (count > N) {
      result<T*> memory = fresh(count, count);
      if (!memory) return memory.error();
      to = *memory;
    } else {
      count = N;
    }
    relocate(data_, size_, to);
    adopt(to, count);
    return {};
  }
  // Turns the last element into place `at`, by construction.
  void rotate_last(std::ptrdiff_t at) noexcept {
    T* const last = data_ + size_ - 1;
    if (data_ + at == last) return;
    T moved(std::move(*last));
    std::destroy_at(last);
    for (T* hole = last; hole != data_ + at; --hole) {
      std::construct_at(hole, std::move(hole[-1]));
      std::destroy_at(hole - 1);
    }
    std::construct_at(data_ + at, std::move(moved));
  }

  void take(small_vector& other) noexcept {
    if (other.is_inside()) {
      data_ = inner();
      capacity_ = N;
      relocate(other.data_, other.size_, data_);
    } else {
      data_ = std::exchange(other.data_, other.inner());
      capacity_ = std::exchange(other.capacity_, static_cast<std::uint32_t>(N));
    }
    size_ = std::exchange(other.size_, 0u);
  }
  void give_back() noexcept {
    if (!is_inside()) allocator_.deallocate(data_, capacity_ * sizeof(T), alignof(T));
  }
  void discard() noexcept {
    clear();
    give_back();
    data_ = inner();
    capacity_ = N;
  }

  T* data_ = inner();
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = N;
  [[no_unique_address]] allocator_type allocator_;
  alignas(T) std::byte bytes_[N == 0 ? 1 : N * sizeof(T)];
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_SMALL_VECTOR_HPP
