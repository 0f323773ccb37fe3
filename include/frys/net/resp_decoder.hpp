// resp_decoder: the server's side of RESP: bytes in, commands out. No I/O, no copy, at any split of the bytes.
//
// Use when  clients speak the Redis protocol (RESP2 or 3; commands look the same in both) or type inline commands.
// Not when  you are the client (resp_reply_decoder).
// Threads   one owner; an object per connection.
// Cost      one pass: what a call has read, no later call reads again, however small the pieces are. No allocation for
//           commands of up to 8 arguments; the memory of a longer one is kept up to 1,024 arguments.
// Lifetime  the arguments view the bytes given to decode (or, for a quoted inline argument, the decoder): until the
//           next call of decode, reset or the destructor, and as long as the bytes stay.
// Limits    every length is bounded by resp_limits before anything is kept. Like Redis, the decoder skips the two bytes
//           after a bulk without looking at them, and ignores arrays of no elements.
// Source    the Redis protocol specification; limits and texts as Redis 7.0 answers them.
#ifndef FRYS_NET_RESP_DECODER_HPP
#define FRYS_NET_RESP_DECODER_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "../config.hpp"
#include "../core/bytes.hpp"
#include "../core/error.hpp"
#include "detail/decimal.hpp"
#include "detail/growable.hpp"

namespace frys::inline FRYS_ABI {

// What a peer may make us keep. All are bytes but max_args.
struct resp_limits {
  std::size_t max_bulk = std::size_t{512} << 20;   // one argument
  std::size_t max_args = std::size_t{1} << 20;     // arguments of one command
  std::size_t max_inline = std::size_t{64} << 10;  // an inline command, and any line with a length
  std::size_t max_command = std::size_t{1} << 30;  // a whole command
};

enum class resp_status : std::uint8_t {
  command,    // `args` holds one command, at least one argument
  need_more,  // nothing complete; call again with the same bytes (less `consumed`) and more behind them
  error,      // the peer broke the protocol: send "-ERR <message>\r\n" and close; every later call says the same
};

// What one call of decode found. In every case the caller drops `consumed` bytes from the front of its input.
struct resp_event {
  resp_status status;
  errc problem = errc::protocol_error;     // error: protocol_error, too_large or out_of_memory
  std::span<const std::string_view> args;  // command
  std::size_t consumed = 0;
  std::size_t needed = 0;    // need_more: a call with fewer bytes than this (after dropping) finds nothing new
  std::string_view message;  // error: one sentence as Redis words it; lives in the decoder
};

class resp_decoder {
 public:
  resp_decoder() noexcept = default;
  explicit resp_decoder(const resp_limits& limits) noexcept : limits_(limits) {}
  resp_decoder(resp_decoder&&) noexcept = default;
  resp_decoder& operator=(resp_decoder&&) noexcept = default;

  // `in` begins where the last event's `consumed` left off; its address may change between calls.
  [[nodiscard]] resp_event decode(byte_view in) noexcept;

  // Forgets half a command and any error, as for a new connection.
  void reset() noexcept {
    begin();
    message_size_ = 0;
  }
  // True when a command has begun and is not complete: an end of the stream here cuts it off.
  [[nodiscard]] bool in_command() const noexcept { return left_ != 0 || scan_ != 0 || needed_ != 0; }
  [[nodiscard]] const resp_limits& limits() const noexcept { return limits_; }

 private:
  static constexpr std::size_t no_bulk = static_cast<std::size_t>(-1);
  static constexpr std::size_t kept_args = 1024;
  enum class step : std::uint8_t { done, more, failed };

  resp_event advance(const char* base, std::size_t size) noexcept;
  step bulks(const char* base, std::size_t size) noexcept;
  step inline_command(const char* base, std::size_t size) noexcept;
  step split_line(std::string_view line) noexcept;
  bool quoted(std::string_view line, std::size_t& at) noexcept;
  bool short_line(const char* base, std::size_t size, char type, std::int64_t& value) noexcept;
  step length_line(const char* base, std::size_t size, char type, std::int64_t& value) noexcept;
  step fail(errc problem, std::string_view message) noexcept;
  void begin() noexcept {
    args_.clear(kept_args);
    pos_ = scan_ = needed_ = left_ = kept_ = 0;
    bulk_ = no_bulk;
  }
  // The first kept_ arguments hold their offset in place of their address while no bytes are at hand.
  void keep_offsets(const char* base, std::size_t start) noexcept {
    for (; kept_ < args_.size(); ++kept_) {
      const std::size_t offset = static_cast<std::size_t>(args_[kept_].data() - base) - start;
      args_[kept_] = {reinterpret_cast<const char*>(static_cast<std::uintptr_t>(offset)), args_[kept_].size()};
    }
  }
  void restore_offsets(const char* base) noexcept {
    for (std::size_t i = 0; i < kept_; ++i)
      args_[i] = {base + reinterpret_cast<std::uintptr_t>(args_[i].data()), args_[i].size()};
    kept_ = 0;
  }

  std::size_t pos_ = 0;         // the next byte to read
  std::size_t scan_ = 0;        // bytes before this hold no line end; 0: nothing known
  std::size_t needed_ = 0;      // with fewer bytes there is nothing to do
  std::size_t left_ = 0;        // arguments still to come; 0 between commands
  std::size_t bulk_ = no_bulk;  // the length of the argument at pos_, once read
  std::size_t kept_ = 0;
  resp_limits limits_;
  detail::growable<std::string_view, 8> args_;
  detail::growable<char, 8> scratch_;  // inline arguments with their quotes taken off
  errc problem_ = errc::protocol_error;
  std::uint8_t message_size_ = 0;  // not 0: failed for good
  char message_[64];
};

inline resp_event resp_decoder::decode(byte_view in) noexcept {
  const char* base = reinterpret_cast<const char*>(in.data());
  const std::size_t size = in.size();
  if (size < needed_ || size == 0) [[unlikely]]
    return {.status = resp_status::need_more, .args = {}, .needed = needed_ != 0 ? needed_ : 1, .message = {}};
  return advance(base, size);
}

inline resp_event resp_decoder::advance(const char* base, std::size_t size) noexcept {
  std::size_t start = 0;  // where the command begins; moves over empty ones
  step outcome = step::failed;
  if (message_size_ == 0) {
    if (left_ == 0 && scan_ == 0) begin();
    for (;;) {
      if (left_ != 0 || base[pos_] == '*')
        outcome = bulks(base, size);
      else
        outcome = inline_command(base, size);
      if (outcome != step::done || args_.size() != 0) break;
      start = pos_;  // an empty array or line: no command, no answer
      scan_ = 0;
      if (start == size) {
        begin();
        return {.status = resp_status::need_more, .args = {}, .consumed = start, .needed = 1, .message = {}};
      }
    }
  }
  switch (outcome) {
    case step::done: {
      restore_offsets(base);
      const std::size_t consumed = pos_;
      pos_ = scan_ = needed_ = 0;
      return {
          .status = resp_status::command, .args = {args_.data(), args_.size()}, .consumed = consumed, .message = {}};
    }
    case step::more:
      keep_offsets(base, start);
      pos_ -= start;
      if (scan_ != 0) scan_ -= start;
      needed_ -= start;
      return {.status = resp_status::need_more, .args = {}, .consumed = start, .needed = needed_, .message = {}};
    case step::failed:
      break;
  }
  return {.status = resp_status::error, .problem = problem_, .args = {}, .message = {message_, message_size_}};
}

// The most usual line: one digit or two, all there. False: not that, nothing happened.
inline bool resp_decoder::short_line(const char* base, std::size_t size, char type, std::int64_t& value) noexcept {
  if (size - pos_ < 5) return false;
  const char* const line = base + pos_;
  const unsigned first = static_cast<unsigned>(static_cast<unsigned char>(line[1])) - '0';
  if (line[0] != type || first > 9) return false;
  if (line[2] == '\r') {
    value = first;
    pos_ += 4;
    return true;
  }
  const unsigned second = static_cast<unsigned>(static_cast<unsigned char>(line[2])) - '0';
  if (line[3] != '\r' || second > 9 || first == 0) return false;
  value = first * 10 + second;
  pos_ += 5;
  return true;
}

// Reads "<type><decimal>\r\n" at pos_ and moves behind it.
inline resp_decoder::step resp_decoder::length_line(const char* base, std::size_t size, char type,
                                                    std::int64_t& value) noexcept {
  // The usual case: all there, at most nine digits.
  if (base[pos_] == type) [[likely]] {
    const std::size_t first = pos_ + 1;
    const std::size_t stop = size - first > 9 ? first + 9 : size;
    std::uint32_t number = 0;
    std::size_t at = first;
    for (; at < stop; ++at) {
      const unsigned digit = static_cast<unsigned>(static_cast<unsigned char>(base[at])) - '0';
      if (digit > 9) break;
      number = number * 10 + digit;
    }
    if (at + 1 < size && base[at] == '\r' && at != first && (base[first] != '0' || at == first + 1)) [[likely]] {
      value = number;
      pos_ = at + 2;
      return step::done;
    }
  }
  const std::size_t from = scan_ > pos_ ? scan_ : pos_;
  const void* found = from < size ? std::memchr(base + from, '\r', size - from) : nullptr;
  const std::size_t end = found != nullptr ? static_cast<std::size_t>(static_cast<const char*>(found) - base) : size;
  if (end - pos_ > limits_.max_inline)
    return fail(errc::too_large, type == '*' ? std::string_view("Protocol error: too big mbulk count string")
                                             : std::string_view("Protocol error: too big bulk count string"));
  if (end + 1 >= size) {  // the line end and the byte behind it must be there
    scan_ = end;
    needed_ = size + 1;
    return step::more;
  }
  if (base[pos_] != type) {
    char text[] = "Protocol error: expected '$', got ' '";
    const char got = base[pos_];
    if (got != '\r' && got != '\n' && got != '\0') text[sizeof text - 3] = got;
    return fail(errc::protocol_error, {text, sizeof text - 1});
  }
  if (!detail::parse_decimal({base + pos_ + 1, end - pos_ - 1}, value))
    return fail(errc::protocol_error, type == '*' ? std::string_view("Protocol error: invalid multibulk length")
                                                  : std::string_view("Protocol error: invalid bulk length"));
  pos_ = end + 2;
  return step::done;
}

inline resp_decoder::step resp_decoder::bulks(const char* base, std::size_t size) noexcept {
  std::int64_t value = 0;
  if (left_ == 0) {
    if (!short_line(base, size, '*', value))
      if (const step s = length_line(base, size, '*', value); s != step::done) return s;
    if (value <= 0) return step::done;
    if (static_cast<std::uint64_t>(value) > limits_.max_args)
      return fail(errc::too_large, "Protocol error: invalid multibulk length");
    left_ = static_cast<std::size_t>(value);
  }
  while (left_ != 0) {
    if (bulk_ == no_bulk) {
      if (pos_ >= size) {
        needed_ = pos_ + 1;
        return step::more;
      }
      if (!short_line(base, size, '$', value))
        if (const step s = length_line(base, size, '$', value); s != step::done) return s;
      if (value < 0) return fail(errc::protocol_error, "Protocol error: invalid bulk length");
      if (static_cast<std::uint64_t>(value) > limits_.max_bulk)
        return fail(errc::too_large, "Protocol error: invalid bulk length");
      if (pos_ > limits_.max_command || static_cast<std::size_t>(value) > limits_.max_command - pos_)
        return fail(errc::too_large, "Protocol error: too big command");
      bulk_ = static_cast<std::size_t>(value);
    }
    if (size < bulk_ + 2 || size - bulk_ - 2 < pos_) {
      needed_ = pos_ + bulk_ + 2;
      return step::more;
    }
    if (!args_.push_back({base + pos_, bulk_})) return fail(errc::out_of_memory, "Protocol error: out of memory");
    pos_ += bulk_ + 2;
    bulk_ = no_bulk;
    --left_;
  }
  return step::done;
}

inline resp_decoder::step resp_decoder::inline_command(const char* base, std::size_t size) noexcept {
  const std::size_t from = scan_ > pos_ ? scan_ : pos_;
  const void* found = from < size ? std::memchr(base + from, '\n', size - from) : nullptr;
  const std::size_t end = found != nullptr ? static_cast<std::size_t>(static_cast<const char*>(found) - base) : size;
  if (end - pos_ > limits_.max_inline) return fail(errc::too_large, "Protocol error: too big inline request");
  if (found == nullptr) {
    scan_ = size;
    needed_ = size + 1;
    return step::more;
  }
  std::string_view line(base + pos_, end - pos_);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  pos_ = end + 1;
  return split_line(line);
}

namespace detail {
constexpr bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }
constexpr int hex_digit(char c) noexcept {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}
}  // namespace detail

// Redis' rules for a typed line: words between spaces; "..." with \n \r \t \b \a \xHH and \<any>; '...' with \' only; a
// closing quote ends its word. A zero byte ends the line.
inline resp_decoder::step resp_decoder::split_line(std::string_view line) noexcept {
  line = line.substr(0, line.find('\0'));
  scratch_.clear(kept_args);
  // No word grows when its quotes come off, so the views into the scratch stay valid.
  if (line.find_first_of("\"'") != std::string_view::npos && !scratch_.reserve(line.size()))
    return fail(errc::out_of_memory, "Protocol error: out of memory");
  std::size_t at = 0;
  for (;;) {
    while (at < line.size() && detail::is_space(line[at])) ++at;
    if (at == line.size()) return step::done;
    const std::size_t plain = at;
    const auto ends_word = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
    while (at < line.size() && !ends_word(line[at]) && line[at] != '"' && line[at] != '\'') ++at;
    std::string_view word = line.substr(plain, at - plain);
    if (at < line.size() && !ends_word(line[at])) {
      const std::size_t begin_at = scratch_.size();
      for (const char c : word) (void)scratch_.push_back(c);
      if (!quoted(line, at)) return fail(errc::protocol_error, "Protocol error: unbalanced quotes in request");
      word = {scratch_.data() + begin_at, scratch_.size() - begin_at};
    }
    if (args_.size() == limits_.max_args || !args_.push_back(word))
      return fail(errc::too_large, "Protocol error: too big inline request");
  }
}

// Appends what stands in the quotes at `at` to the scratch; false unless they close at a word's end.
inline bool resp_decoder::quoted(std::string_view line, std::size_t& at) noexcept {
  const char quote = line[at++];
  while (at < line.size()) {
    char c = line[at];
    if (c == quote) {
      ++at;
      return at == line.size() || detail::is_space(line[at]);
    }
    if (c == '\\' && at + 1 < line.size()) {
      const char next = line[at + 1];
      if (quote == '\'') {
        if (next == '\'') {
          c = next;
          ++at;
        }
      } else if (next == 'x' && at + 3 < line.size() && detail::hex_digit(line[at + 2]) >= 0 &&
                 detail::hex_digit(line[at + 3]) >= 0) {
        c = static_cast<char>(detail::hex_digit(line[at + 2]) * 16 + detail::hex_digit(line[at + 3]));
        at += 3;
      } else {
        c = next == 'n'   ? '\n'
            : next == 'r' ? '\r'
            : next == 't' ? '\t'
            : next == 'b' ? '\b'
            : next == 'a' ? '\a'
                          : next;
        ++at;
      }
    }
    (void)scratch_.push_back(c);
    ++at;
  }
  return false;
}

FRYS_NOINLINE inline resp_decoder::step resp_decoder::fail(errc problem, std::string_view message) noexcept {
  problem_ = problem;
  const std::size_t n = message.size() < sizeof message_ ? message.size() : sizeof message_;
  std::memcpy(message_, message.data(), n);
  message_size_ = static_cast<std::uint8_t>(n);
  return step::failed;
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_NET_RESP_DECODER_HPP
