// stable_vector: an array that grows at its end and whose elements never move.
//
// Use when  others hold pointers or indices to what was put in: interned names, entities, rows, nodes of a graph.
// Not when  elements are erased in the middle (slot_map), or a span of all is wanted (std::vector, small_vector).
// Threads   one at a time; const functions by many while nobody changes it. There is no form in which others read while
//           one appends.
// Cost      an index: its highest bit, a shift and two loads. push_back moves no element: the longest one is a
//           call of the allocator. Segments double, so that up to half of the memory may be unused; some 50 pointers to
//           them lie in the object, 400 bytes and more. Iteration walks the segments.
// Errors    those of the allocator, as a result: nothing is changed then, and the arguments are left alone. Where T's
//           constructor throws, the vector is as it was.
// Lifetime  a pointer holds until its element's pop_back, truncate or clear, over moves and swaps of the vector too.
//
// Policies, in any order, each at most once:
//   policy::allocator<A>   where segments come from: a raw_allocator, held by value; allocator_ref<A> refers to one
//                          default system_allocator
// Source    A. Brodnik et al., "Resizable arrays in optimal time and space", WADS 1999.
#ifndef FRYS_MEMORY_STABLE_VECTOR_HPP
#define FRYS_MEMORY_STABLE_VECTOR_HPP

#include <algorithm>
#include <bit>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "system_allocator.hpp"

namespace frys::inline FRYS_ABI {

namespace detail {
// The number of the highest bit of x, which is not 0.
constexpr unsigned highest_bit(std::size_t x) noexcept {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__LZCNT__)
  if (!std::is_constant_evaluated()) {
    // The instruction keeps its target where x is 0, so the CPU waits for the target's last value: a loop's last cache
    // miss, if the compiler has chosen that register. So the target is the one that holds x.
    std::size_t bit = x;
    asm("bsrq %0, %0" : "+r"(bit) : : "cc");
    return static_cast<unsigned>(bit);
  }
#endif
  return static_cast<unsigned>(std::bit_width(x)) - 1;
}
}  // namespace detail

template <class T, class... Policies>
class stable_vector {
  using accepted = policy::keys<policy::allocator_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::stable_vector: unknown policy; it takes policy::allocator and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::stable_vector: a policy is given twice; name each at most once");
  static_assert(
      std::is_object_v<T> && !std::is_array_v<T> && !std::is_const_v<T> && std::is_nothrow_destructible_v<T>,
      "frys::stable_vector<T>: T must be an object type, not const, not an array, that dies without throwing");

  // Elements of the first segment: some 512 bytes. Segment s has first << s.
  static constexpr std::size_t first = std::bit_floor((std::max)(std::size_t{512} / sizeof(T), std::size_t{1}));
  static constexpr unsigned first_bits = static_cast<unsigned>(std::countr_zero(first));
  static constexpr unsigned most_segments =
      static_cast<unsigned>(std::bit_width(detail::most_bytes / sizeof(T))) - first_bits - 1;

  template <bool Const>
  class walker {
    using vector = std::conditional_t<Const, const stable_vector, stable_vector>;

   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using reference = std::conditional_t<Const, const T&, T&>;
    using pointer = std::conditional_t<Const, const T*, T*>;
    using iterator_category = std::random_access_iterator_tag;

    walker() noexcept = default;
    operator walker<true>() const noexcept requires(!Const) { return walker<true>(of_, index_); }

    reference operator*() const noexcept { return *at_; }
    pointer operator->() const noexcept { return at_; }
    reference operator[](difference_type n) const noexcept { return *(*this + n); }
    walker& operator++() noexcept {
      ++index_;
      if (++at_ == end_) [[unlikely]]
        find();
      return *this;
    }
    walker operator++(int) noexcept {
      walker before = *this;
      ++*this;
      return before;
    }
    walker& operator--() noexcept { return *this += -1; }
    walker operator--(int) noexcept {
      walker before = *this;
      --*this;
      return before;
    }
    walker& operator+=(difference_type n) noexcept {
      index_ += static_cast<std::size_t>(n);
      find();
      return *this;
    }
    walker& operator-=(difference_type n) noexcept { return *this += -n; }
    friend walker operator+(walker a, difference_type n) noexcept { return a += n; }
    friend walker operator+(difference_type n, walker a) noexcept { return a += n; }
    friend walker operator-(walker a, difference_type n) noexcept { return a -= n; }
    friend difference_type operator-(const walker& a, const walker& b) noexcept {
      return static_cast<difference_type>(a.index_) - static_cast<difference_type>(b.index_);
    }
    friend bool operator==(const walker& a, const walker& b) noexcept { return a.index_ == b.index_; }
    friend auto operator<=>(const walker& a, const walker& b) noexcept { return a.index_ <=> b.index_; }

   private:
    friend stable_vector;
    walker(vector* of, std::size_t index) noexcept : of_(of), index_(index) { find(); }
    // The rest of the segment, so that most steps are an addition and a compare.
    void find() noexcept {
      at_ = end_ = nullptr;
      if (index_ >= of_->size_) return;
      const unsigned s = segment_of(index_);
      at_ = of_->segments_[s] + offset_in(index_, s);
      end_ = of_->segments_[s] + (first << s);
    }
    vector* of_ = nullptr;
    std::size_t index_ = 0;
    T* at_ = nullptr;
    T* end_ = nullptr;
  };

 public:
  using value_type = T;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using reference = T&;
  using const_reference = const T&;
  // Iterators hold while the vector stands where it is, as indices do: also over push_back, but for an end().
  using iterator = walker<false>;
  using const_iterator = walker<true>;
  using allocator_type = typename policy::pick<policy::allocator<system_allocator>, Policies...>::type;
  static_assert(raw_allocator<allocator_type>,
                "frys::stable_vector: policy::allocator wants a raw_allocator, see core/concepts.hpp");

  stable_vector() noexcept requires std::is_default_constructible_v<allocator_type> {}
  explicit stable_vector(allocator_type a) noexcept : allocator_(std::move(a)) {}
  // No element moves: pointers to them hold.
  stable_vector(stable_vector&& other) noexcept : allocator_(other.allocator_) { take(other); }
  stable_vector& operator=(stable_vector&& other) noexcept {
    if (this == &other) return *this;
    discard();
    std::destroy_at(std::addressof(allocator_));
    std::construct_at(std::addressof(allocator_), other.allocator_);
    take(other);
    return *this;
  }
  stable_vector(const stable_vector&) = delete;
  stable_vector& operator=(const stable_vector&) = delete;
  ~stable_vector() { discard(); }

  // T(args...) behind the last. The arguments may be elements of this vector.
  template <class... Args>
  requires std::is_constructible_v<T, Args...> result<T*> emplace_back(Args&&... args)
  noexcept(std::is_nothrow_constructible_v<T, Args...>) {
    if (next_ == end_) [[unlikely]] {
      result<void> grown = advance();
      if (!grown) return grown.error();
    }
    T* const made = std::construct_at(next_, std::forward<Args>(args)...);
    ++next_;
    ++size_;
    return made;
  }
  result<T*> push_back(const T& value) noexcept(
      std::is_nothrow_copy_constructible_v<T>) requires std::is_copy_constructible_v<T> {
    return emplace_back(value);
  }
  result<T*> push_back(T&& value) noexcept(
      std::is_nothrow_move_constructible_v<T>) requires std::is_move_constructible_v<T> {
    return emplace_back(std::move(value));
  }
  void pop_back() noexcept {
    FRYS_ASSERT(size_ != 0, "stable_vector::pop_back: it is empty");
    std::destroy_at(std::addressof((*this)[size_ - 1]));
    --size_;
    stand();
  }
  // Ends the elements from `count` on; memory stays.
  void truncate(std::size_t count) noexcept {
    while (size_ > count) {
      const unsigned s = segment_of(size_ - 1);
      const std::size_t from = (std::max)(count, begin_of(s));
      std::destroy(segments_[s] + (from - begin_of(s)), segments_[s] + (size_ - begin_of(s)));
      size_ = from;
    }
    stand();
  }
  void clear() noexcept { truncate(0); }

  // Memory for `count` elements in all, so that push_back need not ask for any.
  result<void> reserve(std::size_t count) noexcept {
    while (capacity() < count) {
      result<void> more = add_segment();
      if (!more) return more;
    }
    stand();
    return {};
  }
  // Gives back the segments without an element.
  void shrink_to_fit() noexcept {
    const unsigned needed = size_ == 0 ? 0 : segment_of(size_ - 1) + 1;
    while (count_ > needed) release_last();
    stand();
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  // Elements there is memory for.
  [[nodiscard]] std::size_t capacity() const noexcept { return begin_of(count_); }
  [[nodiscard]] const allocator_type& get_allocator() const noexcept { return allocator_; }

  T& operator[](std::size_t i) noexcept { return FRYS_ASSERT(i < size_, "stable_vector: beyond the last"), at(i); }
  const T& operator[](std::size_t i) const noexcept {
    return FRYS_ASSERT(i < size_, "stable_vector: beyond the last"), at(i);
  }
  [[nodiscard]] T& front() noexcept { return (*this)[0]; }
  [[nodiscard]] const T& front() const noexcept { return (*this)[0]; }
  [[nodiscard]] T& back() noexcept { return (*this)[size_ - 1]; }
  [[nodiscard]] const T& back() const noexcept { return (*this)[size_ - 1]; }
  [[nodiscard]] iterator begin() noexcept { return iterator(this, 0); }
  [[nodiscard]] const_iterator begin() const noexcept { return const_iterator(this, 0); }
  [[nodiscard]] iterator end() noexcept { return iterator(this, size_); }
  [[nodiscard]] const_iterator end() const noexcept { return const_iterator(this, size_); }
  // f(element) for each in order: a plain loop over each segment.
  template <class F>
  void for_each(F&& f) {
    walk(*this, f);
  }
  template <class F>
  void for_each(F&& f) const {
    walk(*this, f);
  }

 private:
  // Index i lies at i + first in a row of segments of first, first, 2 * first, 4 * first ... of which the first is not
  // there: so its highest bit is the segment, and the others are the offset.
  static constexpr unsigned segment_of(std::size_t i) noexcept { return detail::highest_bit(i + first) - first_bits; }
  static constexpr std::size_t offset_in(std::size_t i, unsigned s) noexcept { return i + first - (first << s); }
  static constexpr std::size_t begin_of(unsigned s) noexcept { return (first << s) - first; }

  T& at(std::size_t i) const noexcept {
    const unsigned s = segment_of(i);
    return segments_[s][offset_in(i, s)];
  }
  template <class V, class F>
  static void walk(V& v, F& f) {
    for (unsigned s = 0; s < v.count_ && begin_of(s) < v.size_; ++s) {
      const std::size_t n = (std::min)(v.size_ - begin_of(s), first << s);
      std::conditional_t<std::is_const_v<V>, const T, T>* const at = v.segments_[s];
      for (std::size_t i = 0; i < n; ++i) f(at[i]);
    }
  }
  // Where the next element goes: next_ == end_ where there is no memory for it, or nobody has looked.
  void stand() noexcept {
    next_ = end_ = nullptr;
    if (size_ == capacity()) return;
    const unsigned s = segment_of(size_);
    next_ = segments_[s] + offset_in(size_, s);
    end_ = segments_[s] + (first << s);
  }
  FRYS_NOINLINE result<void> advance() noexcept {
    if (size_ == capacity()) {
      result<void> more = add_segment();
      if (!more) return more;
    }
    stand();
    return {};
  }
  result<void> add_segment() noexcept {
    if (count_ == most_segments) return detail::pages_refused(detail::most_bytes);
    result<void*> memory = allocator_.allocate((first << count_) * sizeof(T), alignof(T));
    if (!memory) return memory.error();
    segments_[count_++] = static_cast<T*>(*memory);
    return {};
  }
  void release_last() noexcept {
    --count_;
    allocator_.deallocate(segments_[count_], (first << count_) * sizeof(T), alignof(T));
  }
  void take(stable_vector& other) noexcept {
    std::copy(other.segments_, other.segments_ + other.count_, segments_);
    count_ = std::exchange(other.count_, 0u);
    size_ = std::exchange(other.size_, std::size_t{0});
    next_ = std::exchange(other.next_, nullptr);
    end_ = std::exchange(other.end_, nullptr);
  }
  void discard() noexcept {
    clear();
    while (count_ != 0) release_last();
    next_ = end_ = nullptr;
  }

  T* next_ = nullptr;
  T* end_ = nullptr;
  std::size_t size_ = 0;
  unsigned count_ = 0;  // segments
  [[no_unique_address]] allocator_type allocator_;
  T* segments_[most_segments];
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_STABLE_VECTOR_HPP
