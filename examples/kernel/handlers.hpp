// handlers: what the families of commands share. Private to commands*.cpp.
#ifndef FRYS_KERNEL_HANDLERS_HPP
#define FRYS_KERNEL_HANDLERS_HPP

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "command.hpp"
#include "store.hpp"

namespace kernel {

std::span<const command> string_commands() noexcept;
std::span<const command> key_commands() noexcept;
std::span<const command> vector_commands() noexcept;
std::span<const command> pubsub_commands() noexcept;
std::span<const command> connection_commands() noexcept;
std::span<const command> server_commands() noexcept;

namespace text {
inline constexpr std::string_view wrong_type = "WRONGTYPE Operation against a key holding the wrong kind of value";
inline constexpr std::string_view not_integer = "ERR value is not an integer or out of range";
inline constexpr std::string_view syntax = "ERR syntax error";
inline constexpr std::string_view too_long = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
}  // namespace text

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// Text against a lower-case word, in any case.
constexpr bool is_word(std::string_view text, std::string_view word) noexcept {
  if (text.size() != word.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (lower(text[i]) != word[i]) return false;
  return true;
}

// As Redis reads integers: no space, no '+', no leading zero.
inline bool parse_integer(std::string_view text, std::int64_t& out) noexcept {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > 19 || (text[0] == '0' && (text.size() > 1 || negative))) return false;
  std::uint64_t magnitude = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    magnitude = magnitude * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (magnitude > (std::uint64_t{1} << 63) - (negative ? 0 : 1)) return false;
  out = static_cast<std::int64_t>(negative ? ~magnitude + 1 : magnitude);
  return true;
}

// Writes the error where there is none.
inline bool get_integer(command_context& c, std::string_view text, std::int64_t& out) {
  if (parse_integer(text, out)) [[likely]]
    return true;
  c.reply.error(text::not_integer);
  return false;
}

// The string of a key: `found` is nullptr if there is none. False: it is no string, the error is written.
inline bool find_string(command_context& c, std::string_view key, value*& found) {
  found = c.db.find(key, c.now_ms);
  if (found == nullptr || found->is_string()) [[likely]]
    return true;
  c.reply.error(text::wrong_type);
  return false;
}

// Logs and sets; writes the error. The usual end of a write.
inline bool set_string(command_context& c, std::string_view key, std::string_view text, std::int64_t expire_at_ms) {
  if (!c.logged(effect{effect_kind::set, key, text, {}, expire_at_ms})) return false;
  if (c.db.set(key, text, expire_at_ms)) [[likely]]
    return true;
  c.reply.error(text::no_memory);
  return false;
}

// "wrong number of arguments for '<name>' command"; subcommands are named "client|setname".
void wrong_arity(reply_writer& reply, std::string_view name);
void unknown_subcommand(reply_writer& reply, std::string_view subcommand, std::string_view parent);

// Merges: sums of integers, +OK or the first error, arrays behind each other.
void merge_sum(merge_context& m);
void merge_ok(merge_context& m);
void merge_concat(merge_context& m);
// True: a part is an error, and it was written.
bool merge_error(merge_context& m);

}  // namespace kernel

#endif  // FRYS_KERNEL_HANDLERS_HPP
