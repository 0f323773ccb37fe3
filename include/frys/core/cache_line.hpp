// cache_line: how far apart data of different writers must stand.
#ifndef FRYS_CORE_CACHE_LINE_HPP
#define FRYS_CORE_CACHE_LINE_HPP

#include <cstddef>

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

// A value alone on its cache lines.
template <class T>
struct alignas(cache_line) cache_aligned {
  T value{};
  T& operator*() noexcept { return value; }
  const T& operator*() const noexcept { return value; }
  T* operator->() noexcept { return &value; }
  const T* operator->() const noexcept { return &value; }
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_CACHE_LINE_HPP
