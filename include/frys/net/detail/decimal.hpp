// decimal: 64-bit integers in and out of text, as RESP writes them.
#ifndef FRYS_NET_DETAIL_DECIMAL_HPP
#define FRYS_NET_DETAIL_DECIMAL_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../../config.hpp"

namespace frys::inline FRYS_ABI::detail {

// Strict: an optional '-', no '+', no leading zero, no space, no "-0", and within 64 bits. False leaves `value` alone.
inline bool parse_decimal(std::string_view text, std::int64_t& value) noexcept {
  const bool negative = !text.empty() && text.front() == '-';
  const std::size_t first = negative ? 1 : 0;
  const std::size_t digits = text.size() - first;
  if (digits == 0 || digits > 19) return false;
  if (text[first] == '0') {
    if (digits != 1 || negative) return false;
    value = 0;
    return true;
  }
  std::uint64_t magnitude = 0;  // 19 digits fit in 64 bits
  for (std::size_t i = first; i < text.size(); ++i) {
    const unsigned digit = static_cast<unsigned>(static_cast<unsigned char>(text[i])) - '0';
    if (digit > 9) return false;
    magnitude = magnitude * 10 + digit;
  }
  const std::uint64_t limit = std::uint64_t{1} << 63;
  if (magnitude > (negative ? limit : limit - 1)) return false;
  value = negative ? static_cast<std::int64_t>(~magnitude + 1) : static_cast<std::int64_t>(magnitude);
  return true;
}

inline constexpr std::size_t decimal_room = 20;  // characters of the longest 64-bit integer

// Writes at most decimal_room characters at `to`; answers the end.
inline char* write_decimal(char* to, std::uint64_t value) noexcept {
  char digits[decimal_room];
  std::size_t n = decimal_room;
  do {
    digits[--n] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  while (n < decimal_room) *to++ = digits[n++];
  return to;
}
inline char* write_decimal(char* to, std::int64_t value) noexcept {
  std::uint64_t magnitude = static_cast<std::uint64_t>(value);
  if (value < 0) {
    *to++ = '-';
    magnitude = ~magnitude + 1;
  }
  return write_decimal(to, magnitude);
}

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_NET_DETAIL_DECIMAL_HPP
