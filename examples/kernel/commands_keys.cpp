// Keys of any type: DEL UNLINK EXISTS TYPE EXPIRE PEXPIRE EXPIREAT PEXPIREAT TTL PTTL PERSIST KEYS SCAN DBSIZE FLUSHDB
// FLUSHALL.
#include "handlers.hpp"

namespace kernel {
namespace {

constexpr std::int64_t largest = (std::numeric_limits<std::int64_t>::max)();
constexpr std::int64_t smallest = (std::numeric_limits<std::int64_t>::min)();

void del(command_context& c) {
  scratch_vector<effect> effects(c.memory);
  if (c.log != nullptr) {
    effects.reserve(c.args.size());
    for (const std::string_view key : c.args.subspan(1))
      if (c.db.find(key, c.now_ms) != nullptr) effects.push_back({effect_kind::erase, key, {}, {}, 0});
    if (!effects.empty() && !c.logged(effects)) return;
  }
  std::int64_t gone = 0;
  for (const std::string_view key : c.args.subspan(1)) gone += c.db.find(key, c.now_ms) != nullptr && c.db.erase(key);
  c.reply.integer(gone);
}

void exists(command_context& c) {
  std::int64_t n = 0;
  for (const std::string_view key : c.args.subspan(1)) n += c.db.find(key, c.now_ms) != nullptr;
  c.reply.integer(n);
}

std::string_view type_of(const value& v) { return v.is_string() ? "string" : "vectorset"; }

void type(command_context& c) {
  const value* v = c.db.find(c.args[1], c.now_ms);
  c.reply.simple(v == nullptr ? "none" : type_of(*v));
}

struct expire_conditions {
  bool nx = false, xx = false, gt = false, lt = false;

  bool allow(std::int64_t now, std::int64_t wanted) const {  // `now` 0: no expiry, which is for ever
    if (nx && now != 0) return false;
    if (xx && now == 0) return false;
    if (gt && (now == 0 || wanted <= now)) return false;
    return !(lt && now != 0 && wanted >= now);
  }
};

bool parse_conditions(command_context& c, expire_conditions& out) {
  for (const std::string_view word : c.args.subspan(3)) {
    if (is_word(word, "nx"))
      out.nx = true;
    else if (is_word(word, "xx"))
      out.xx = true;
    else if (is_word(word, "gt"))
      out.gt = true;
    else if (is_word(word, "lt"))
      out.lt = true;
    else
      return c.reply.error("ERR Unsupported option " + std::string(word.substr(0, word.find('\0')))), false;
  }
  if (out.nx && (out.xx || out.gt || out.lt))
    return c.reply.error("ERR NX and XX, GT or LT options at the same time are not compatible"), false;
  if (out.gt && out.lt) return c.reply.error("ERR GT and LT options at the same time are not compatible"), false;
  return true;
}

void expire_generic(command_context& c, bool seconds, bool absolute, std::string_view name) {
  expire_conditions conditions;
  std::int64_t at = 0;
  if (!parse_conditions(c, conditions) || !get_integer(c, c.args[2], at)) return;
  const std::int64_t base = absolute ? 0 : c.now_ms;
  const bool fits = !seconds || (at <= largest / 1000 && at >= smallest / 1000);
  if (fits && seconds) at *= 1000;
  if (!fits || at > largest - base)
    return c.reply.error("ERR invalid expire time in '" + std::string(name) + "' command");
  at += base;
  value* v = c.db.find(c.args[1], c.now_ms);
  if (v == nullptr || !conditions.allow(v->expire_at_ms, at)) return c.reply.integer(0);
  if (at <= c.now_ms) {
    if (!c.logged(effect{effect_kind::erase, c.args[1], {}, {}, 0})) return;
    c.db.erase(c.args[1]);
  } else {
    if (!c.logged(effect{effect_kind::expire, c.args[1], {}, {}, at})) return;
    c.db.set_expiry(*v, at);
  }
  c.reply.integer(1);
}
void expire(command_context& c) { expire_generic(c, true, false, "expire"); }
void pexpire(command_context& c) { expire_generic(c, false, false, "pexpire"); }
void expireat(command_context& c) { expire_generic(c, true, true, "expireat"); }
void pexpireat(command_context& c) { expire_generic(c, false, true, "pexpireat"); }

void ttl_generic(command_context& c, bool seconds) {
  const value* v = c.db.find(c.args[1], c.now_ms);
  if (v == nullptr) return c.reply.integer(-2);
  if (v->expire_at_ms == 0) return c.reply.integer(-1);
  const std::int64_t left = v->expire_at_ms - c.now_ms;  // > 0, or find had not found it
  c.reply.integer(seconds ? left / 1000 + (left % 1000 >= 500) : left);
}
void ttl(command_context& c) { ttl_generic(c, true); }
void pttl(command_context& c) { ttl_generic(c, false); }

void persist(command_context& c) {
  value* v = c.db.find(c.args[1], c.now_ms);
  if (v == nullptr || v->expire_at_ms == 0) return c.reply.integer(0);
  if (!c.logged(effect{effect_kind::expire, c.args[1], {}, {}, 0})) return;
  c.db.set_expiry(*v, 0);
  c.reply.integer(1);
}

// Both below may name many keys; the views stay good as nothing changes meanwhile.
void keys(command_context& c) {
  scratch_vector<std::string_view> found(c.memory);
  c.db.for_each(c.now_ms, [&](std::string_view key, value&) {
    if (glob_match(c.args[1], key)) found.push_back(key);
  });
  c.reply.array(found.size());
  for (const std::string_view key : found) c.reply.bulk(key);
}

// As strtoul reads it, without leading space: a sign is allowed, and "-1" is the largest number.
bool parse_cursor(std::string_view text, std::uint64_t& out) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative || (!text.empty() && text.front() == '+')) text.remove_prefix(1);
  if (text.empty()) return false;
  std::uint64_t n = 0;
  for (const char ch : text) {
    if (ch < '0' || ch > '9') return false;
    const auto digit = static_cast<std::uint64_t>(ch - '0');
    if (n > ((std::numeric_limits<std::uint64_t>::max)() - digit) / 10) return false;
    n = n * 10 + digit;
  }
  out = negative ? ~n + 1 : n;
  return true;
}

// A cursor is the table's, times the owners, plus the owner: when one owner is through, the next begins.
void scan(command_context& c) {
  std::uint64_t cursor = 0;
  if (!parse_cursor(c.args[1], cursor)) return c.reply.error("ERR invalid cursor");
  std::int64_t count = 10;
  std::string_view pattern = "*", wanted_type;
  for (std::size_t i = 2; i < c.args.size(); i += 2) {
    const bool more = i + 1 < c.args.size();
    if (is_word(c.args[i], "count") && more) {
      if (!get_integer(c, c.args[i + 1], count)) return;
      if (count < 1) return c.reply.error(text::syntax);
    } else if (is_word(c.args[i], "match") && more) {
      pattern = c.args[i + 1];
    } else if (is_word(c.args[i], "type") && more) {
      wanted_type = c.args[i + 1];
    } else {
      return c.reply.error(text::syntax);
    }
  }
  const auto most = static_cast<std::size_t>((std::min)(count, std::int64_t{1} << 40));
  scratch_vector<std::string_view> found(c.memory);
  std::uint64_t next = c.db.scan(cursor / c.owners, most, c.now_ms, [&](std::string_view key, value& v) {
    if ((pattern == "*" || glob_match(pattern, key)) &&
        (wanted_type.data() == nullptr || is_word(wanted_type, type_of(v))))
      found.push_back(key);
  });
  if (next != 0)
    next = next * c.owners + c.owner;
  else if (c.owner + 1 < c.owners)
    next = c.owner + 1;
  c.reply.array(2);
  c.reply.bulk(std::to_string(next));
  c.reply.array(found.size());
  for (const std::string_view key : found) c.reply.bulk(key);
}

void dbsize(command_context& c) { c.reply.integer(static_cast<std::int64_t>(c.db.size())); }

void flush(command_context& c) {
  if (c.args.size() > 2 || (c.args.size() == 2 && !is_word(c.args[1], "async") && !is_word(c.args[1], "sync")))
    return c.reply.error(text::syntax);
  if (!c.logged(effect{effect_kind::flush, {}, {}, {}, 0})) return;
  c.db.flush();
  c.reply.ok();
}

constexpr std::uint32_t w = flag::write, r = flag::readonly, fast = flag::fast;
constexpr auto key = runs_on::key, many = runs_on::keys, all = runs_on::all;

constexpr command table[] = {
    {"dbsize", 1, r | fast, 0, 0, 0, all, dbsize, merge_sum, "server", "How many keys there are."},
    {"del", -2, w, 1, -1, 1, many, del, merge_sum, "generic", "Erases keys."},
    {"exists", -2, r | fast, 1, -1, 1, many, exists, merge_sum, "generic", "How many of the keys there are."},
    {"expire", -3, w | fast, 1, 1, 1, key, expire, nullptr, "generic", "Lets a key expire after seconds."},
    {"expireat", -3, w | fast, 1, 1, 1, key, expireat, nullptr, "generic", "Lets a key expire at a time in s."},
    {"flushall", -1, w, 0, 0, 0, all, flush, merge_ok, "server", "Erases all keys."},
    {"flushdb", -1, w, 0, 0, 0, all, flush, merge_ok, "server", "Erases all keys."},
    {"keys", 2, r, 0, 0, 0, all, keys, merge_concat, "generic", "The keys that match a pattern."},
    {"persist", 2, w | fast, 1, 1, 1, key, persist, nullptr, "generic", "Lets a key stay for ever."},
    {"pexpire", -3, w | fast, 1, 1, 1, key, pexpire, nullptr, "generic", "Lets a key expire after ms."},
    {"pexpireat", -3, w | fast, 1, 1, 1, key, pexpireat, nullptr, "generic", "Lets a key expire at a time in ms."},
    {"pttl", 2, r | fast, 1, 1, 1, key, pttl, nullptr, "generic", "The ms that a key has left."},
    {"scan", -2, r, 0, 0, 0, runs_on::cursor, scan, nullptr, "generic", "Some of the keys, step by step."},
    {"ttl", 2, r | fast, 1, 1, 1, key, ttl, nullptr, "generic", "The seconds that a key has left."},
    {"type", 2, r | fast, 1, 1, 1, key, type, nullptr, "generic", "The type of a key's value."},
    {"unlink", -2, w | fast, 1, -1, 1, many, del, merge_sum, "generic", "Erases keys."},
};

}  // namespace

std::span<const command> key_commands() noexcept { return table; }

unsigned scan_owner(std::string_view cursor, unsigned owners) noexcept {
  std::uint64_t n = 0;
  return parse_cursor(cursor, n) ? static_cast<unsigned>(n % owners) : 0;
}

}  // namespace kernel
