// allocator_ref, tagged_ref, allocation_site: an allocator by reference, and for whom it allocates.
//
// allocator_ref<A>  one A for several users, where each would hold its own by value
// tagged_ref<A>     the same, and what is taken through it carries a tag
// allocation_site   a tag, a file and a line: the third argument of the allocate of every allocator that wraps another;
//                   each hands it on to the one inside, so that tracked and leak_checked learn it wherever they stand
//
// Use when  a block takes an allocator by value (hardened, fallback, std_allocator), and two of them must share one.
// Threads   as the allocator that is referred to.
// Cost      a pointer; tagged_ref a pointer and an allocation_site.
// Lifetime  the allocator must outlive its references. A tag and a file name are not copied: literals.
#ifndef FRYS_MEMORY_ALLOCATOR_REF_HPP
#define FRYS_MEMORY_ALLOCATOR_REF_HPP

#include <cstddef>
#include <memory>
#include <string_view>

#include "../config.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "../core/type_id.hpp"
#include "detail/wrapped.hpp"

namespace frys::inline FRYS_ABI {

// Who allocates. Made of nothing or of a tag it knows the file and line of the call in which it is made, as a default
// argument too: a.allocate(64), a.allocate(64, 8, "parser").
struct allocation_site {
  std::string_view tag;   // empty: none
  const char* file = "";  // where, as std::source_location has it
  unsigned line = 0;

  constexpr allocation_site(const char* name = "", const char* in = __builtin_FILE(),
                            unsigned at = __builtin_LINE()) noexcept
      : tag(name), file(in), line(at) {}
  constexpr allocation_site(std::string_view name, const char* in = __builtin_FILE(),
                            unsigned at = __builtin_LINE()) noexcept
      : tag(name), file(in), line(at) {}
  // Of a std::source_location, or of what looks like one.
  template <class Location>
  requires requires(const Location& l) {
    l.file_name();
    l.line();
  }
  constexpr allocation_site(const Location& l, std::string_view name = {}) noexcept
      : tag(name), file(l.file_name()), line(static_cast<unsigned>(l.line())) {}

  // Tagged by a type: its name.
  template <class T>
  static constexpr allocation_site of(const char* in = __builtin_FILE(), unsigned at = __builtin_LINE()) noexcept {
    return {type_name<T>(), in, at};
  }
  friend constexpr bool operator==(const allocation_site& a, const allocation_site& b) noexcept {
    return a.line == b.line && a.tag == b.tag && std::string_view(a.file) == b.file;
  }
};

template <class A>
class allocator_ref {
  static_assert(raw_allocator<A>, "frys::allocator_ref<A>: A must be a raw_allocator, see core/concepts.hpp");

 public:
  using inner_type = A;

  allocator_ref(A& inner) noexcept : inner_(std::addressof(inner)) {}

  [[nodiscard]] result<void*> allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t),
                                       const allocation_site& site = {}) noexcept {
    return detail::allocate_from(*inner_, size, alignment, site);
  }
  void deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept {
    inner_->deallocate(memory, size, alignment);
  }
  [[nodiscard]] bool owns(const void* memory) const noexcept requires owning_allocator<A> {
    return inner_->owns(memory);
  }
  [[nodiscard]] A& inner() const noexcept { return *inner_; }

  friend bool operator==(const allocator_ref& a, const allocator_ref& b) noexcept { return a.inner_ == b.inner_; }

 private:
  A* inner_;
};

template <class A>
class tagged_ref {
  static_assert(raw_allocator<A>, "frys::tagged_ref<A>: A must be a raw_allocator, see core/concepts.hpp");

 public:
  using inner_type = A;

  tagged_ref(A& inner, std::string_view tag) noexcept : inner_(std::addressof(inner)), tag_(tag) {}

  // A tag that the call names goes first.
  [[nodiscard]] result<void*> allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t),
                                       const allocation_site& site = {}) noexcept {
    if (!site.tag.empty()) return detail::allocate_from(*inner_, size, alignment, site);
    return detail::allocate_from(*inner_, size, alignment, allocation_site(tag_, site.file, site.line));
  }
  void deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept {
    inner_->deallocate(memory, size, alignment);
  }
  [[nodiscard]] bool owns(const void* memory) const noexcept requires owning_allocator<A> {
    return inner_->owns(memory);
  }
  [[nodiscard]] A& inner() const noexcept { return *inner_; }
  [[nodiscard]] std::string_view tag() const noexcept { return tag_; }

 private:
  A* inner_;
  std::string_view tag_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_ALLOCATOR_REF_HPP
