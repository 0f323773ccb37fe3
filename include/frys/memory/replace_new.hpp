// replace_new: the program's operator new and delete, of every form, come from process_heap.
//
// Use when  the whole program shall allocate from a frys heap: include it in exactly one translation unit of it.
//           replace_malloc.hpp does the same for malloc, and so for C code; both may be included.
// Not when  it is a library or a plugin: who links those chooses. With AddressSanitizer or ThreadSanitizer, which bring
//           their own, this header replaces nothing.
// Threads   any.
// Cost      process_heap's.
// Errors    what the standard asks: the new handler is called until there is memory or it throws; the forms with
//           std::nothrow answer nullptr. Without exceptions, what would throw ends the program.
// frys: never in the single header
#ifndef FRYS_MEMORY_REPLACE_NEW_HPP
#define FRYS_MEMORY_REPLACE_NEW_HPP

#include <cstddef>
#include <new>

#include "../config.hpp"
#include "process_heap.hpp"
#include "std_allocator.hpp"

#if !FRYS_ASAN && !FRYS_TSAN

namespace frys::inline FRYS_ABI::detail {

// Where the heap had none: asks the new handler for some, as often as it takes. nullptr when there is no handler.
FRYS_NOINLINE inline void* new_after_handler(std::size_t size, std::size_t alignment) {
  for (;;) {
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) return nullptr;
    handler();
    if (void* const p = process_heap::try_allocate(size, alignment)) return p;
  }
}
inline void* new_or_throw(std::size_t size, std::size_t alignment) {
  if (void* const p = process_heap::try_allocate(size, alignment)) [[likely]]
    return p;
  if (void* const p = new_after_handler(size, alignment)) return p;
  refuse_by_exception<std::bad_alloc>("operator new was refused, and exceptions are off: nothing is left to do");
}
inline void* new_or_null(std::size_t size, std::size_t alignment) noexcept {
  if (void* const p = process_heap::try_allocate(size, alignment)) [[likely]]
    return p;
#if FRYS_EXCEPTIONS
  try {
    return new_after_handler(size, alignment);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
#else
  return new_after_handler(size, alignment);
#endif
}
inline void delete_block(void* block) noexcept {
  if (block != nullptr) process_heap::deallocate(block);
}
inline constexpr std::size_t new_alignment = process_heap::default_alignment;

}  // namespace frys::inline FRYS_ABI::detail

// clang-format off
void* operator new(std::size_t size) { return frys::detail::new_or_throw(size, frys::detail::new_alignment); }
void* operator new[](std::size_t size) { return frys::detail::new_or_throw(size, frys::detail::new_alignment); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return frys::detail::new_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return frys::detail::new_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return frys::detail::new_or_null(size, frys::detail::new_alignment);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return frys::detail::new_or_null(size, frys::detail::new_alignment);
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return frys::detail::new_or_null(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return frys::detail::new_or_null(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* p) noexcept { frys::detail::delete_block(p); }
void operator delete[](void* p) noexcept { frys::detail::delete_block(p); }
void operator delete(void* p, std::size_t) noexcept { frys::detail::delete_block(p); }
void operator delete[](void* p, std::size_t) noexcept { frys::detail::delete_block(p); }
void operator delete(void* p, std::align_val_t) noexcept { frys::detail::delete_block(p); }
void operator delete[](void* p, std::align_val_t) noexcept { frys::detail::delete_block(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { frys::detail::delete_block(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { frys::detail::delete_block(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { frys::detail::delete_block(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { frys::detail::delete_block(p); }
void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept { frys::detail::delete_block(p); }
void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept { frys::detail::delete_block(p); }
// clang-format on

#endif  // no sanitizer

#endif  // FRYS_MEMORY_REPLACE_NEW_HPP
