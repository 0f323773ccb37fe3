// resp_writer: replies out, RESP2 or RESP3, appended to an output of the caller's choice.
//
// Use when  a server answers resp_decoder's commands, or a client writes commands (array + bulk).
// Shape     one call, one value; after array(n), map(n), set(n) or push(n) the caller writes the n elements (2n for a
// map). RESP2     has no null, map, set, push, boolean or double of its own: map is an array of 2n, set and push are
//           arrays, a boolean is :1 or :0, a double and a big number are bulks, a null is $-1, as Redis answers.
// Cost      each value asks the output once for room and writes in place.
// Errors    none here: an output that has no room answers nullptr from grow and remembers it (resp_output::failed).
#ifndef FRYS_NET_RESP_WRITER_HPP
#define FRYS_NET_RESP_WRITER_HPP

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "../config.hpp"
#include "detail/decimal.hpp"

namespace frys::inline FRYS_ABI {

// Where replies go: grow(n) answers room for at least n more characters behind what is there, or nullptr; commit(n)
// says how many of them were written.
template <class O>
concept resp_sink = requires(O& out, std::size_t n) {
  { out.grow(n) } -> std::same_as<char*>;
  {out.commit(n)};
};

template <class Output>
class resp_writer {
  static_assert(resp_sink<Output>,
                "frys::resp_writer<Output>: Output must offer char* grow(size_t) and commit(size_t), like resp_output");

 public:
  // `out` must outlive the writer. `protocol` is 2 or 3.
  explicit resp_writer(Output& out, int protocol = 2) noexcept : out_(&out), resp3_(protocol == 3) {}

  [[nodiscard]] int protocol() const noexcept { return resp3_ ? 3 : 2; }
  void set_protocol(int protocol) noexcept { resp3_ = protocol == 3; }
  Output& output() noexcept { return *out_; }

  // "+OK"; the text must hold no line end.
  void simple(std::string_view text) { line('+', text); }
  void ok() { raw("+OK\r\n"); }
  // "-ERR ..."; the text begins with its code. Line ends in it become spaces.
  void error(std::string_view text) {
    char* const to = out_->grow(text.size() + 3);
    if (to == nullptr) return;
    to[0] = '-';
    for (std::size_t i = 0; i < text.size(); ++i) to[1 + i] = text[i] == '\r' || text[i] == '\n' ? ' ' : text[i];
    std::memcpy(to + 1 + text.size(), "\r\n", 2);
    out_->commit(text.size() + 3);
  }
  void integer(std::int64_t value) { header(':', value); }
  void bulk(std::string_view text) {
    char* const start = out_->grow(text.size() + detail::decimal_room + 5);
    if (start == nullptr) return;
    char* to = start;
    *to++ = '$';
    to = detail::write_decimal(to, static_cast<std::uint64_t>(text.size()));
    *to++ = '\r';
    *to++ = '\n';
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    to += text.size();
    *to++ = '\r';
    *to++ = '\n';
    out_->commit(static_cast<std::size_t>(to - start));
  }
  // An integer's digits as a bulk, as many commands answer numbers.
  void bulk_integer(std::int64_t value) {
    char digits[detail::decimal_room];
    bulk({digits, static_cast<std::size_t>(detail::write_decimal(digits, value) - digits)});
  }
  void null() { raw(resp3_ ? std::string_view("_\r\n") : std::string_view("$-1\r\n")); }
  void null_array() { raw(resp3_ ? std::string_view("_\r\n") : std::string_view("*-1\r\n")); }
  void array(std::size_t elements) { header('*', static_cast<std::int64_t>(elements)); }
  void map(std::size_t pairs) { header(resp3_ ? '%' : '*', static_cast<std::int64_t>(resp3_ ? pairs : pairs * 2)); }
  void set(std::size_t elements) { header(resp3_ ? '~' : '*', static_cast<std::int64_t>(elements)); }
  void push(std::size_t elements) { header(resp3_ ? '>' : '*', static_cast<std::int64_t>(elements)); }
  void boolean(bool value) {
    if (resp3_)
      raw(value ? std::string_view("#t\r\n") : std::string_view("#f\r\n"));
    else
      integer(value ? 1 : 0);
  }
  // The shortest digits that read back as the same value; inf, -inf, nan.
  void real(double value) {
    char digits[32];
    const std::string_view text(digits, write_real(digits, value));
    if (resp3_)
      line(',', text);
    else
      bulk(text);
  }
  void big_number(std::string_view digits) {
    if (resp3_)
      line('(', digits);
    else
      bulk(digits);
  }
  // `format` is three letters, "txt" or "mkd".
  void verbatim(std::string_view format, std::string_view text) {
    if (!resp3_) return bulk(text);
    header('=', static_cast<std::int64_t>(text.size() + 4));
    raw(format.substr(0, 3));
    raw(":");
    raw(text);
    raw("\r\n");
  }
  // Bytes that are RESP already.
  void raw(std::string_view bytes) {
    char* const to = out_->grow(bytes.size());
    if (to == nullptr || bytes.empty()) return;
    std::memcpy(to, bytes.data(), bytes.size());
    out_->commit(bytes.size());
  }

 private:
  void line(char type, std::string_view text) {
    char* const to = out_->grow(text.size() + 3);
    if (to == nullptr) return;
    to[0] = type;
    if (!text.empty()) std::memcpy(to + 1, text.data(), text.size());
    std::memcpy(to + 1 + text.size(), "\r\n", 2);
    out_->commit(text.size() + 3);
  }
  void header(char type, std::int64_t value) {
    char* const start = out_->grow(detail::decimal_room + 3);
    if (start == nullptr) return;
    char* to = start;
    *to++ = type;
    to = detail::write_decimal(to, value);
    *to++ = '\r';
    *to++ = '\n';
    out_->commit(static_cast<std::size_t>(to - start));
  }
  static std::size_t write_real(char (&digits)[32], double value) noexcept {
    if (value != value) return std::memcpy(digits, "nan", 3), std::size_t{3};
    char* const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    // Redis writes 1e-9 where to_chars writes 1e-09.
    char* zero = end - 2;
    if (end - digits >= 4 && *zero == '0' && (zero[-1] == '-' || zero[-1] == '+') && zero[-2] == 'e') {
      *zero = zero[1];
      return static_cast<std::size_t>(end - 1 - digits);
    }
    return static_cast<std::size_t>(end - digits);
  }

  Output* out_;
  bool resp3_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_NET_RESP_WRITER_HPP
