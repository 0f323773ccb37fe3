// cache_line: how far apart data of different writers must stand.
#ifndef FRYS_CORE_CACHE_LINE_HPP
#define FRYS_CORE_CACHE_LINE_HPP

#include <cstddef>
#include <memory>
#include <type_traits>

#include "../config.hpp"

namespace frys::inline FRYS_ABI {

// Bytes of a line of coherence: what two cores cannot write at once without sending it to and fro. A constant of the
// target, not std::hardware_destructive_interference_size, which follows -mtune and so would change layouts.
#if defined(__APPLE__) && defined(__aarch64__)
inline constexpr std::size_t cache_line = 128;
#elif defined(__powerpc64__)
inline constexpr std::size_t cache_line = 128;
#else
inline constexpr std::size_t cache_line = 64;
#endif

// A value alone on its cache lines, so that who writes it disturbs nobody who uses its neighbours. `Line` is 128 where
// the CPU fetches lines in pairs and the value is written all the time. Is used as a T is: it converts to T&.
template <class T, std::size_t Line = cache_line>
struct alignas(Line > alignof(T) ? Line : alignof(T)) cache_aligned {
  static_assert(std::is_object_v<T> && !std::is_array_v<T>,
                "frys::cache_aligned<T>: T must be an object type, not an array; std::array is one");
  static_assert((Line & (Line - 1)) == 0 && Line >= 32 && Line <= 4096,
                "frys::cache_aligned: Line must be a power of two between 32 and 4096");

  T value{};

  constexpr T& operator*() noexcept { return value; }
  constexpr const T& operator*() const noexcept { return value; }
  constexpr T* operator->() noexcept { return std::addressof(value); }
  constexpr const T* operator->() const noexcept { return std::addressof(value); }
  constexpr operator T&() noexcept { return value; }
  constexpr operator const T&() const noexcept { return value; }
};
static_assert(sizeof(cache_aligned<char>) == cache_line && alignof(cache_aligned<char>) == cache_line);
static_assert(sizeof(cache_aligned<char, 128>) == 128 && alignof(cache_aligned<char, 128>) == 128);

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_CACHE_LINE_HPP
