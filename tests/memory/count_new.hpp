// Replaces operator new of the program by one that counts this thread's calls. Include it in one file of a program.
#ifndef FRYS_TESTS_MEMORY_COUNT_NEW_HPP
#define FRYS_TESTS_MEMORY_COUNT_NEW_HPP

#include <cstddef>
#include <cstdlib>
#include <new>

inline thread_local std::size_t new_calls = 0;

namespace count_new_detail {
inline void* take(std::size_t size, std::size_t alignment) noexcept {
  ++new_calls;
  const std::size_t whole = (size + alignment - 1) / alignment * alignment;
  return std::aligned_alloc(alignment, whole == 0 ? alignment : whole);
}
inline void* take_or_die(std::size_t size, std::size_t alignment) noexcept {
  void* memory = take(size, alignment);
  if (memory == nullptr) std::abort();
  return memory;
}
inline constexpr std::size_t usual = alignof(std::max_align_t);
}  // namespace count_new_detail

#if defined(__GNUC__)
#define COUNT_NEW_APART __attribute__((noinline))
#else
#define COUNT_NEW_APART
#endif
COUNT_NEW_APART void* operator new(std::size_t n) { return count_new_detail::take_or_die(n, count_new_detail::usual); }
COUNT_NEW_APART void* operator new[](std::size_t n) {
  return count_new_detail::take_or_die(n, count_new_detail::usual);
}
COUNT_NEW_APART void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
  return count_new_detail::take(n, count_new_detail::usual);
}
COUNT_NEW_APART void* operator new[](std::size_t n, const std::nothrow_t&) noexcept {
  return count_new_detail::take(n, count_new_detail::usual);
}
COUNT_NEW_APART void* operator new(std::size_t n, std::align_val_t a) {
  return count_new_detail::take_or_die(n, static_cast<std::size_t>(a));
}
COUNT_NEW_APART void* operator new[](std::size_t n, std::align_val_t a) {
  return count_new_detail::take_or_die(n, static_cast<std::size_t>(a));
}
COUNT_NEW_APART void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return count_new_detail::take(n, static_cast<std::size_t>(a));
}
COUNT_NEW_APART void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return count_new_detail::take(n, static_cast<std::size_t>(a));
}
COUNT_NEW_APART void operator delete(void* p) noexcept { std::free(p); }
COUNT_NEW_APART void operator delete[](void* p) noexcept { std::free(p); }
COUNT_NEW_APART void operator delete(void* p, std::size_t) noexcept { std::free(p); }
COUNT_NEW_APART void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
COUNT_NEW_APART void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
COUNT_NEW_APART void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
COUNT_NEW_APART void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
COUNT_NEW_APART void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
COUNT_NEW_APART void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
COUNT_NEW_APART void operator delete[](void* p, const std::nothrow_t&) noexcept { std::free(p); }
COUNT_NEW_APART void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept { std::free(p); }
COUNT_NEW_APART void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept { std::free(p); }

#endif  // FRYS_TESTS_MEMORY_COUNT_NEW_HPP
