// resp_reply: the client's side of RESP: bytes in, replies out, RESP2 and RESP3. No I/O, no copy, at any split.
//
// Use when  a client, a proxy or a test reads what a Redis-like server answers.
// Not when  you are the server (resp_decoder reads its commands).
// Shape     one reply is a flat list of nodes in reading order, parents before children; skip() steps over one whole
//           node.
// Threads   one owner; an object per connection.
// Cost      one pass, however small the pieces are; no allocation for replies of up to 8 nodes.
// Lifetime  texts view the bytes given to decode: until the next call, and as long as the bytes stay.
// Limits    depth, number of nodes and every length are bounded by resp_reply_limits. Streamed RESP3 values ("$?") are
//           refused.
// Source    the RESP3 specification (github.com/redis/redis-specifications, protocol/RESP3.md).
#ifndef FRYS_NET_RESP_REPLY_HPP
#define FRYS_NET_RESP_REPLY_HPP

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "../config.hpp"
#include "../core/bytes.hpp"
#include "../core/error.hpp"
#include "../core/result.hpp"
#include "detail/decimal.hpp"
#include "detail/growable.hpp"
#include "resp_decoder.hpp"

namespace frys::inline FRYS_ABI {

// The types of RESP3, named by their first byte. RESP2's "$-1" and "*-1" are null.
enum class resp_kind : char {
  simple = '+',      // text
  error = '-',       // text
  integer = ':',     // number
  bulk = '$',        // text
  array = '*',       // number = children
  null = '_',        // -
  boolean = '#',     // number = 0 or 1
  real = ',',        // text; as_real()
  big_number = '(',  // text
  bulk_error = '!',  // text
  verbatim = '=',    // text without its three-letter format, which is the three bytes before text.data() - 1
  map = '%',         // number = children: keys and values alternate
  set = '~',         // number = children
  push = '>',        // number = children; may stand between replies
  attribute = '|',   // number = children; the value it belongs to follows and is not its child
};

struct resp_node {
  resp_kind kind = resp_kind::null;
  std::string_view text;
  std::int64_t number = 0;

  [[nodiscard]] bool is_aggregate() const noexcept {
    return kind == resp_kind::array || kind == resp_kind::map || kind == resp_kind::set || kind == resp_kind::push ||
           kind == resp_kind::attribute;
  }
  [[nodiscard]] bool is_error() const noexcept { return kind == resp_kind::error || kind == resp_kind::bulk_error; }
  // The value of a real or of any text or number that reads as one; errc::invalid_argument otherwise.
  [[nodiscard]] result<double> as_real() const noexcept {
    if (kind == resp_kind::integer) return static_cast<double>(number);
    double value = 0;
    const char* end = text.data() + text.size();
    const std::from_chars_result read = std::from_chars(text.data(), end, value);
    if (read.ec == std::errc{} && read.ptr == end && !text.empty()) return value;
    return error{errc::invalid_argument, domain::net, "not a floating-point number", 0};
  }
};

// The index of the node behind the whole of node `at`, its children and theirs included.
[[nodiscard]] inline std::size_t resp_skip(std::span<const resp_node> nodes, std::size_t at) noexcept {
  std::uint64_t open = 1;
  while (at < nodes.size() && open != 0) {
    const resp_node& node = nodes[at++];
    if (node.kind == resp_kind::attribute) open += 1;  // the value behind it counts as part of it
    open += (node.is_aggregate() ? static_cast<std::uint64_t>(node.number) : 0);
    --open;
  }
  return at;
}

struct resp_reply_limits {
  std::size_t max_bulk = std::size_t{512} << 20;  // bytes of one text
  std::size_t max_line = std::size_t{64} << 10;   // bytes of a line: simple text, error, number
  std::size_t max_nodes = std::size_t{16} << 20;  // nodes of one reply
  std::size_t max_depth = 64;                     // aggregates within aggregates
};

// What one call of decode found; the caller drops `consumed` bytes from the front of its input.
struct resp_reply_event {
  resp_status status;  // command means: one whole reply
  errc problem = errc::protocol_error;
  std::span<const resp_node> nodes;  // the reply, at least one node
  std::size_t consumed = 0;
  std::size_t needed = 0;    // need_more: a call with fewer bytes than this finds nothing new
  const char* message = "";  // error: one sentence

  [[nodiscard]] bool is_reply() const noexcept { return status == resp_status::command; }
};

class resp_reply_decoder {
 public:
  resp_reply_decoder() noexcept = default;
  explicit resp_reply_decoder(const resp_reply_limits& limits) noexcept : limits_(limits) {}

  // `in` begins where the last event's `consumed` left off; its address may change between calls.
  [[nodiscard]] resp_reply_event decode(byte_view in) noexcept;

  // Forgets half a reply and any error.
  void reset() noexcept {
    begin();
    message_ = nullptr;
  }

 private:
  enum class step : std::uint8_t { done, more, failed };

  void begin() noexcept {
    nodes_.clear(1024);
    open_.clear(64);
    pos_ = scan_ = needed_ = kept_ = 0;
    in_bulk_ = false;
  }
  step run(const char* base, std::size_t size) noexcept;
  step line(const char* base, std::size_t size, std::string_view& text) noexcept;
  step bulk(const char* base, std::size_t size) noexcept;
  step node(const resp_node& made) noexcept;
  step aggregate(resp_kind kind, std::int64_t count) noexcept;
  step fail(errc problem, const char* message) noexcept {
    problem_ = problem;
    message_ = message;
    return step::failed;
  }

  std::size_t pos_ = 0;
  std::size_t scan_ = 0;
  std::size_t needed_ = 0;
  std::size_t kept_ = 0;  // nodes whose text holds an offset in place of an address
  bool in_bulk_ = false;  // the last node is a bulk whose bytes are still to come; its text.size() is known
  resp_reply_limits limits_;
  detail::growable<resp_node, 8> nodes_;
  detail::growable<std::uint64_t, 8> open_;  // children still to come, outermost first
  errc problem_ = errc::protocol_error;
  const char* message_ = nullptr;
};

inline resp_reply_event resp_reply_decoder::decode(byte_view in) noexcept {
  const char* base = reinterpret_cast<const char*>(in.data());
  const std::size_t size = in.size();
  if (message_ == nullptr) {
    if (size == 0 || size < needed_)
      return {.status = resp_status::need_more, .nodes = {}, .needed = needed_ != 0 ? needed_ : 1};
    if (needed_ == 0) begin();  // the last reply, if any, was given out
    const step outcome = run(base, size);
    if (outcome == step::done) {
      for (std::size_t i = 0; i < kept_; ++i)
        nodes_[i].text = {base + reinterpret_cast<std::uintptr_t>(nodes_[i].text.data()), nodes_[i].text.size()};
      kept_ = 0;
      needed_ = 0;
      return {.status = resp_status::command, .nodes = {nodes_.data(), nodes_.size()}, .consumed = pos_};
    }
    if (outcome == step::more) {
      for (; kept_ < nodes_.size(); ++kept_) {
        std::string_view& text = nodes_[kept_].text;
        const std::size_t offset = text.data() == nullptr ? 0 : static_cast<std::size_t>(text.data() - base);
        text = {reinterpret_cast<const char*>(static_cast<std::uintptr_t>(offset)), text.size()};
      }
      return {.status = resp_status::need_more, .nodes = {}, .needed = needed_};
    }
  }
  return {.status = resp_status::error, .problem = problem_, .nodes = {}, .message = message_};
}

// Finds the line at pos_ (behind its type byte): `text` without its end, pos_ moved behind it.
inline resp_reply_decoder::step resp_reply_decoder::line(const char* base, std::size_t size,
                                                         std::string_view& text) noexcept {
  const std::size_t from = scan_ > pos_ ? scan_ : pos_;
  const void* found = from < size ? std::memchr(base + from, '\r', size - from) : nullptr;
  const std::size_t end = found != nullptr ? static_cast<std::size_t>(static_cast<const char*>(found) - base) : size;
  if (end - pos_ > limits_.max_line) return fail(errc::too_large, "a line is longer than the limit");
  if (end + 1 >= size) {
    scan_ = end;
    needed_ = size + 1;
    return step::more;
  }
  if (base[end + 1] != '\n') return fail(errc::protocol_error, "a line does not end in CR LF");
  text = {base + pos_ + 1, end - pos_ - 1};
  pos_ = end + 2;
  return step::done;
}

inline resp_reply_decoder::step resp_reply_decoder::node(const resp_node& made) noexcept {
  if (nodes_.size() >= limits_.max_nodes) return fail(errc::too_large, "a reply has more nodes than the limit");
  if (!nodes_.push_back(made)) return fail(errc::out_of_memory, "no memory for the nodes of a reply");
  return step::done;
}

inline resp_reply_decoder::step resp_reply_decoder::aggregate(resp_kind kind, std::int64_t count) noexcept {
  const bool pairs = kind == resp_kind::map || kind == resp_kind::attribute;
  if (count < 0 || static_cast<std::uint64_t>(count) > limits_.max_nodes / (pairs ? 2 : 1))
    return fail(errc::too_large, "an aggregate has more elements than the limit");
  const std::int64_t children = pairs ? count * 2 : count;
  if (const step s = node({.kind = kind, .text = {}, .number = children}); s != step::done) return s;
  if (children != 0 && open_.size() > limits_.max_depth)
    return fail(errc::too_large, "a reply is nested deeper than the limit");
  // An attribute leaves one more child to its parent, which makes up for its own place.
  if (kind == resp_kind::attribute) ++open_.back();
  if (children != 0 && !open_.push_back(static_cast<std::uint64_t>(children)))
    return fail(errc::out_of_memory, "no memory for the depth of a reply");
  return step::done;
}

inline resp_reply_decoder::step resp_reply_decoder::bulk(const char* base, std::size_t size) noexcept {
  std::string_view& text = nodes_.back().text;
  const std::size_t length = text.size();
  if (size < length + 2 || size - length - 2 < pos_) {
    needed_ = pos_ + length + 2;
    return step::more;
  }
  if (base[pos_ + length] != '\r' || base[pos_ + length + 1] != '\n')
    return fail(errc::protocol_error, "a bulk does not end in CR LF");
  text = {base + pos_, length};
  if (kept_ == nodes_.size()) --kept_;  // it has an address now
  if (nodes_.back().kind == resp_kind::verbatim) {
    if (length < 4 || text[3] != ':') return fail(errc::protocol_error, "a verbatim text has no format");
    text.remove_prefix(4);
  }
  pos_ += length + 2;
  in_bulk_ = false;
  return step::done;
}

inline resp_reply_decoder::step resp_reply_decoder::run(const char* base, std::size_t size) noexcept {
  if (nodes_.size() == 0 && open_.size() == 0 && !open_.push_back(1))
    return fail(errc::out_of_memory, "no memory for the depth of a reply");
  while (open_.size() != 0) {
    if (in_bulk_) {
      if (const step s = bulk(base, size); s != step::done) return s;
    } else {
      if (open_.back() == 0) {
        open_.pop_back();
        continue;
      }
      if (pos_ >= size) {
        needed_ = pos_ + 1;
        return step::more;
      }
      const resp_kind kind = static_cast<resp_kind>(base[pos_]);
      switch (kind) {  // before the line is complete: rubbish must not make us wait for more of it
        case resp_kind::simple:
        case resp_kind::error:
        case resp_kind::integer:
        case resp_kind::bulk:
        case resp_kind::array:
        case resp_kind::null:
        case resp_kind::boolean:
        case resp_kind::real:
        case resp_kind::big_number:
        case resp_kind::bulk_error:
        case resp_kind::verbatim:
        case resp_kind::map:
        case resp_kind::set:
        case resp_kind::push:
        case resp_kind::attribute:
          break;
        default:
          return fail(errc::protocol_error, "a reply begins with an unknown type byte");
      }
      std::string_view text;
      if (const step s = line(base, size, text); s != step::done) return s;
      --open_.back();
      step s = step::done;
      std::int64_t number = 0;
      switch (kind) {
        case resp_kind::simple:
        case resp_kind::error:
        case resp_kind::real:
        case resp_kind::big_number:
          s = node({.kind = kind, .text = text});
          break;
        case resp_kind::integer:
          if (!detail::parse_decimal(text, number)) return fail(errc::protocol_error, "an integer is malformed");
          s = node({.kind = kind, .text = text, .number = number});
          break;
        case resp_kind::null:
          if (!text.empty()) return fail(errc::protocol_error, "a null is malformed");
          s = node({.kind = kind, .text = {}});
          break;
        case resp_kind::boolean:
          if (text != "t" && text != "f") return fail(errc::protocol_error, "a boolean is malformed");
          s = node({.kind = kind, .text = text, .number = text == "t"});
          break;
        default: {
          if (!detail::parse_decimal(text, number)) return fail(errc::protocol_error, "a length is malformed");
          if (number == -1 && (kind == resp_kind::bulk || kind == resp_kind::array)) {
            s = node({.kind = resp_kind::null, .text = {}});
            break;
          }
          if (kind != resp_kind::bulk && kind != resp_kind::bulk_error && kind != resp_kind::verbatim) {
            s = aggregate(kind, number);
            break;
          }
          if (number < 0) return fail(errc::protocol_error, "a length is malformed");
          if (static_cast<std::uint64_t>(number) > limits_.max_bulk)
            return fail(errc::too_large, "a bulk is longer than the limit");
          s = node({.kind = kind, .text = {base + pos_, static_cast<std::size_t>(number)}});
          in_bulk_ = true;
          break;
        }
      }
      if (s != step::done) return s;
    }
    while (!in_bulk_ && open_.size() != 0 && open_.back() == 0) open_.pop_back();
  }
  return step::done;
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_NET_RESP_REPLY_HPP
