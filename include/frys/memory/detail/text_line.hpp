// text_line: text and numbers gathered in a buffer of its own and handed on in pieces; allocates nothing.
#ifndef FRYS_MEMORY_DETAIL_TEXT_LINE_HPP
#define FRYS_MEMORY_DETAIL_TEXT_LINE_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "../../config.hpp"

namespace frys::inline FRYS_ABI::detail {

template <class F>
class text_line {
 public:
  explicit text_line(F& write) noexcept : write_(write) {}
  text_line(const text_line&) = delete;
  text_line& operator=(const text_line&) = delete;
  ~text_line() { flush(); }

  text_line& operator<<(std::string_view text) {
    while (!text.empty()) {
      if (used_ == sizeof buffer_) flush();
      const std::size_t n = text.size() < sizeof buffer_ - used_ ? text.size() : sizeof buffer_ - used_;
      std::memcpy(buffer_ + used_, text.data(), n);
      used_ += n;
      text.remove_prefix(n);
    }
    return *this;
  }
  text_line& operator<<(const char* text) { return *this << std::string_view(text); }
  template <std::unsigned_integral N>
  text_line& operator<<(N number) {
    return digits(number, 10);
  }
  text_line& hex(std::uintptr_t number) { return (*this << "0x").digits(number, 16); }
  void flush() {
    if (used_ != 0) write_(std::string_view(buffer_, used_));
    used_ = 0;
  }

 private:
  text_line& digits(std::uint64_t number, std::uint64_t base) {
    char text[20];
    std::size_t at = sizeof text;
    do text[--at] = "0123456789abcdef"[number % base];
    while ((number /= base) != 0);
    return *this << std::string_view(text + at, sizeof text - at);
  }
  F& write_;
  std::size_t used_ = 0;
  char buffer_[512];
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_MEMORY_DETAIL_TEXT_LINE_HPP
