// bytes: views of raw memory, and integers of a named byte order in them.
#ifndef FRYS_CORE_BYTES_HPP
#define FRYS_CORE_BYTES_HPP

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "../config.hpp"

namespace frys::inline FRYS_ABI {

using byte_span = std::span<std::byte>;        // memory that may be written
using byte_view = std::span<const std::byte>;  // memory that may be read

// The bytes of a text, and the text of bytes. Neither copies.
inline byte_view as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(byte_view bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

namespace detail {
template <std::integral I>
constexpr I byte_swap(I value) noexcept {
  using U = std::make_unsigned_t<I>;
  U in = static_cast<U>(value);
  U out = 0;
  for (std::size_t i = 0; i < sizeof(U); ++i) {  // compilers turn this loop into one bswap
    if constexpr (sizeof(U) > 1) out = static_cast<U>(out << 8);
    out = static_cast<U>(out | (in & 0xFFu));
    if constexpr (sizeof(U) > 1) in = static_cast<U>(in >> 8);
  }
  return static_cast<I>(out);
}
}  // namespace detail

// Reads sizeof(I) bytes at `from`, which need no alignment.
template <std::integral I>
I load_le(const std::byte* from) noexcept {
  I value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (std::endian::native == std::endian::big) value = detail::byte_swap(value);
  return value;
}
template <std::integral I>
I load_be(const std::byte* from) noexcept {
  I value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (std::endian::native == std::endian::little) value = detail::byte_swap(value);
  return value;
}
// Writes sizeof(I) bytes at `to`, which need no alignment.
template <std::integral I>
void store_le(std::byte* to, I value) noexcept {
  if constexpr (std::endian::native == std::endian::big) value = detail::byte_swap(value);
  std::memcpy(to, &value, sizeof value);
}
template <std::integral I>
void store_be(std::byte* to, I value) noexcept {
  if constexpr (std::endian::native == std::endian::little) value = detail::byte_swap(value);
  std::memcpy(to, &value, sizeof value);
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_BYTES_HPP
