// intrusive_list, intrusive_queue: lists whose links live in the elements: no allocation, O(1) removal.
//
// Use when  the elements live somewhere already and come and go often (connections, timers, waiters).
// Threads   one at a time. The lists own nothing; an element must leave its list before it dies (hardened builds
//           check).
// Cost      every operation O(1) but size(), which counts. Several lists at once: derive from several hooks with
//           different tags.
#ifndef FRYS_CORE_INTRUSIVE_LIST_HPP
#define FRYS_CORE_INTRUSIVE_LIST_HPP

#include <concepts>
#include <cstddef>
#include <iterator>

#include "../config.hpp"

namespace frys::inline FRYS_ABI {

struct default_tag;

// Derive an element from list_hook<Tag> to let it stand in one intrusive_list<T, Tag>.
template <class Tag = default_tag>
class list_hook {
 public:
  list_hook() = default;
  list_hook(const list_hook&) noexcept {}  // a copy is in no list
  list_hook& operator=(const list_hook&) noexcept { return *this; }
  ~list_hook() { FRYS_ASSERT(!is_linked(), "intrusive_list: an element died while it stood in a list"); }
  [[nodiscard]] bool is_linked() const noexcept { return next_ != nullptr; }
  // Leaves the list it stands in, if any.
  void unlink() noexcept {
    if (!is_linked()) return;
    next_->previous_ = previous_;
    previous_->next_ = next_;
    next_ = previous_ = nullptr;
  }

 private:
  template <class, class>
  friend class intrusive_list;
  list_hook* next_ = nullptr;
  list_hook* previous_ = nullptr;
};

template <class T, class Tag = default_tag>
class intrusive_list {
  using hook = list_hook<Tag>;

 public:
  class iterator {
   public:
    using iterator_category = std::bidirectional_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = T*;
    using reference = T&;
    iterator() = default;
    explicit iterator(hook* at) noexcept : at_(at) {}
    T& operator*() const noexcept { return static_cast<T&>(*at_); }
    T* operator->() const noexcept { return &**this; }
    iterator& operator++() noexcept { return at_ = at_->next_, *this; }
    iterator operator++(int) noexcept {
      iterator old = *this;
      ++*this;
      return old;
    }
    iterator& operator--() noexcept { return at_ = at_->previous_, *this; }
    iterator operator--(int) noexcept {
      iterator old = *this;
      --*this;
      return old;
    }
    friend bool operator==(iterator a, iterator b) noexcept { return a.at_ == b.at_; }

   private:
    friend intrusive_list;
    hook* at_ = nullptr;
  };

  intrusive_list() noexcept { head_.next_ = head_.previous_ = &head_; }
  intrusive_list(const intrusive_list&) = delete;
  intrusive_list& operator=(const intrusive_list&) = delete;
  // Leaves the elements unlinked.
  ~intrusive_list() {
    clear();
    head_.next_ = head_.previous_ = nullptr;
  }

  [[nodiscard]] bool empty() const noexcept { return head_.next_ == &head_; }
  // O(n).
  [[nodiscard]] std::size_t size() const noexcept {
    std::size_t n = 0;
    for (const hook* h = head_.next_; h != &head_; h = h->next_) ++n;
    return n;
  }
  iterator begin() noexcept { return iterator(head_.next_); }
  iterator end() noexcept { return iterator(&head_); }
  T& front() noexcept { return static_cast<T&>(*head_.next_); }
  T& back() noexcept { return static_cast<T&>(*head_.previous_); }

  void push_back(T& element) noexcept { insert_before(head_, element); }
  void push_front(T& element) noexcept { insert_before(*head_.next_, element); }
  // Before `at`.
  void insert(iterator at, T& element) noexcept { insert_before(*at.at_, element); }
  // nullptr when empty.
  T* pop_front() noexcept {
    if (empty()) return nullptr;
    T& first = front();
    static_cast<hook&>(first).unlink();
    return &first;
  }
  // The element after the removed one.
  iterator erase(iterator at) noexcept {
    hook* next = at.at_->next_;
    at.at_->unlink();
    return iterator(next);
  }
  static void remove(T& element) noexcept { static_cast<hook&>(element).unlink(); }
  void clear() noexcept {
    while (!empty()) head_.next_->unlink();
  }
  // Moves all elements of `other` behind ours.
  void splice_back(intrusive_list& other) noexcept {
    if (other.empty()) return;
    hook* first = other.head_.next_;
    hook* last = other.head_.previous_;
    first->previous_ = head_.previous_;
    head_.previous_->next_ = first;
    last->next_ = &head_;
    head_.previous_ = last;
    other.head_.next_ = other.head_.previous_ = &other.head_;
  }

 private:
  void insert_before(hook& at, T& element) noexcept {
    static_assert(std::derived_from<T, hook>, "frys::intrusive_list<T, Tag>: T must derive from list_hook<Tag>");
    hook& h = element;
    FRYS_ASSERT(!h.is_linked(), "intrusive_list: the element stands in a list already");
    h.next_ = &at;
    h.previous_ = at.previous_;
    at.previous_->next_ = &h;
    at.previous_ = &h;
  }

  hook head_;
};

// First in, first out over a member `T* next` that T lets us use (core/work.hpp's work has one).
template <class T>
class intrusive_queue {
 public:
  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  // The element that pop would answer; nullptr when empty.
  [[nodiscard]] T* front() const noexcept { return first_; }
  void push(T& element) noexcept {
    element.next = nullptr;
    *last_ = &element;
    last_ = &element.next;
  }
  T* pop() noexcept {
    T* element = first_;
    if (element == nullptr) return nullptr;
    first_ = element->next;
    if (first_ == nullptr) last_ = &first_;
    element->next = nullptr;
    return element;
  }

  intrusive_queue() = default;
  intrusive_queue(const intrusive_queue&) = delete;
  intrusive_queue& operator=(const intrusive_queue&) = delete;

 private:
  T* first_ = nullptr;
  T** last_ = &first_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_INTRUSIVE_LIST_HPP
