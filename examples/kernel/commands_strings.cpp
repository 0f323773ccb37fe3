// Strings: GET SET SETNX SETEX PSETEX GETSET GETDEL MGET MSET INCR DECR INCRBY DECRBY APPEND STRLEN.
#include "handlers.hpp"

namespace kernel {
namespace {

constexpr std::int64_t largest = (std::numeric_limits<std::int64_t>::max)();
constexpr std::int64_t smallest = (std::numeric_limits<std::int64_t>::min)();

void reply_string(command_context& c, const value* v) {
  if (v == nullptr)
    c.reply.null();
  else
    c.reply.bulk(v->text());
}

void get(command_context& c) {
  value* v = nullptr;
  if (find_string(c, c.args[1], v)) reply_string(c, v);
}

bool invalid_expire(command_context& c, std::string_view name) {
  c.reply.error("ERR invalid expire time in '" + std::string(name) + "' command");
  return false;
}

// "EX 10" to a time in ms since 1970; writes the error.
bool expire_time(command_context& c, std::string_view text, bool seconds, bool absolute, std::string_view name,
                 std::int64_t& at_ms) {
  std::int64_t n = 0;
  if (!get_integer(c, text, n)) return false;
  if (n <= 0 || (seconds && n > largest / 1000)) return invalid_expire(c, name);
  if (seconds) n *= 1000;
  if (!absolute) {
    if (n > largest - c.now_ms) return invalid_expire(c, name);
    n += c.now_ms;
  }
  at_ms = n;
  return true;
}

struct set_options {
  bool nx = false, xx = false, get = false, keep_ttl = false;
  std::string_view expire;  // the number, empty data(): none
  bool seconds = false, absolute = false;
};

bool parse_set(command_context& c, set_options& o) {
  for (std::size_t i = 3; i < c.args.size(); ++i) {
    const std::string_view word = c.args[i];
    const bool more = i + 1 < c.args.size();
    const bool expires = o.expire.data() != nullptr;
    // Another unit than before is a conflict, the same one again is not: so Redis has it.
    const auto unit = [&](std::string_view name, bool seconds, bool absolute) {
      return is_word(word, name) && !o.keep_ttl && more &&
             (!expires || (o.seconds == seconds && o.absolute == absolute));
    };
    if (is_word(word, "nx") && !o.xx)
      o.nx = true;
    else if (is_word(word, "xx") && !o.nx)
      o.xx = true;
    else if (is_word(word, "get"))
      o.get = true;
    else if (is_word(word, "keepttl") && !expires)
      o.keep_ttl = true;
    else if (unit("ex", true, false))
      o.expire = c.args[++i], o.seconds = true, o.absolute = false;
    else if (unit("px", false, false))
      o.expire = c.args[++i], o.seconds = false, o.absolute = false;
    else if (unit("exat", true, true))
      o.expire = c.args[++i], o.seconds = true, o.absolute = true;
    else if (unit("pxat", false, true))
      o.expire = c.args[++i], o.seconds = false, o.absolute = true;
    else
      return c.reply.error(text::syntax), false;
  }
  return true;
}

void set_with_options(command_context& c) {
  set_options o;
  if (!parse_set(c, o)) return;
  std::int64_t at_ms = 0;
  if (o.expire.data() != nullptr && !expire_time(c, o.expire, o.seconds, o.absolute, "set", at_ms)) return;
  value* v = c.db.find(c.args[1], c.now_ms);
  if (o.get && v != nullptr && !v->is_string()) return c.reply.error(text::wrong_type);
  if ((o.nx && v != nullptr) || (o.xx && v == nullptr)) {
    if (o.get)
      reply_string(c, v);
    else
      c.reply.null();
    return;
  }
  if (o.keep_ttl && v != nullptr) at_ms = v->expire_at_ms;
  const bool existed = v != nullptr;
  const scratch_string before(o.get && existed ? v->text() : std::string_view(), c.memory);
  if (!set_string(c, c.args[1], c.args[2], at_ms)) return;
  if (!o.get)
    c.reply.ok();
  else if (existed)
    c.reply.bulk(before);
  else
    c.reply.null();
}

void set(command_context& c) {
  if (c.args.size() != 3) return set_with_options(c);
  if (set_string(c, c.args[1], c.args[2], 0)) c.reply.ok();
}

void setnx(command_context& c) {
  if (c.db.find(c.args[1], c.now_ms) != nullptr) return c.reply.integer(0);
  if (set_string(c, c.args[1], c.args[2], 0)) c.reply.integer(1);
}

void set_expiring(command_context& c, bool seconds, std::string_view name) {
  std::int64_t at_ms = 0;
  if (!expire_time(c, c.args[2], seconds, false, name, at_ms)) return;
  if (set_string(c, c.args[1], c.args[3], at_ms)) c.reply.ok();
}
void setex(command_context& c) { set_expiring(c, true, "setex"); }
void psetex(command_context& c) { set_expiring(c, false, "psetex"); }

void getset(command_context& c) {
  value* v = nullptr;
  if (!find_string(c, c.args[1], v)) return;
  const scratch_string before(v == nullptr ? std::string_view() : v->text(), c.memory);
  if (!set_string(c, c.args[1], c.args[2], 0)) return;
  if (v == nullptr)
    c.reply.null();
  else
    c.reply.bulk(before);
}

void getdel(command_context& c) {
  value* v = nullptr;
  if (!find_string(c, c.args[1], v)) return;
  if (v == nullptr) return c.reply.null();
  if (!c.logged(effect{effect_kind::erase, c.args[1], {}, {}, 0})) return;
  c.reply.bulk(v->text());
  c.db.erase(c.args[1]);
}

void mget(command_context& c) {
  c.reply.array(c.args.size() - 1);
  for (std::size_t i = 1; i < c.args.size(); ++i) {
    const value* v = c.db.find(c.args[i], c.now_ms);
    reply_string(c, v != nullptr && v->is_string() ? v : nullptr);
  }
}

// The elements of the parts, each in the place of its key.
void merge_mget(merge_context& m) {
  if (merge_error(m)) return;
  scratch_vector<std::string_view> rest(m.memory);
  rest.reserve(m.parts.size());
  for (const std::string_view part : m.parts) rest.push_back(part.substr(part.find('\n') + 1));
  m.reply.array(m.part_of_key.size());
  for (const std::uint32_t part : m.part_of_key) {
    std::string_view& from = rest[part];
    const std::size_t line = from.find('\n') + 1;
    std::int64_t size = 0;
    const bool bulk = from[0] == '$' && parse_integer(from.substr(1, line - 3), size) && size >= 0;
    const std::size_t whole = bulk ? line + static_cast<std::size_t>(size) + 2 : line;
    m.reply.raw(from.substr(0, whole));
    from.remove_prefix(whole);
  }
}

void mset(command_context& c) {
  if (c.args.size() % 2 == 0) return wrong_arity(c.reply, "mset");
  if (c.log != nullptr) {
    const scratch_vector<effect> effects = plan_effects(*find_command("mset"), c.args, c.memory);
    if (!c.logged(effects)) return;
  }
  bool all = true;
  for (std::size_t i = 1; i + 1 < c.args.size(); i += 2) all &= c.db.set(c.args[i], c.args[i + 1], 0).has_value();
  if (all)
    c.reply.ok();
  else
    c.reply.error(text::no_memory);
}

void add(command_context& c, std::int64_t by) {
  value* v = nullptr;
  if (!find_string(c, c.args[1], v)) return;
  std::int64_t n = 0;
  if (v != nullptr && !get_integer(c, v->text(), n)) return;
  if ((by < 0 && n < 0 && by < smallest - n) || (by > 0 && n > 0 && by > largest - n))
    return c.reply.error("ERR increment or decrement would overflow");
  n += by;
  char digits[24];
  char* end = digits + sizeof digits;
  char* p = end;
  std::uint64_t magnitude = n < 0 ? ~static_cast<std::uint64_t>(n) + 1 : static_cast<std::uint64_t>(n);
  do *--p = static_cast<char>('0' + magnitude % 10);
  while ((magnitude /= 10) != 0);
  if (n < 0) *--p = '-';
  const std::string_view text(p, static_cast<std::size_t>(end - p));
  if (set_string(c, c.args[1], text, v != nullptr ? v->expire_at_ms : 0)) c.reply.integer(n);
}
void incr(command_context& c) { add(c, 1); }
void decr(command_context& c) { add(c, -1); }
void incrby(command_context& c) {
  std::int64_t by = 0;
  if (get_integer(c, c.args[2], by)) add(c, by);
}
void decrby(command_context& c) {
  std::int64_t by = 0;
  if (!get_integer(c, c.args[2], by)) return;
  if (by == smallest) return c.reply.error("ERR decrement would overflow");
  add(c, -by);
}

void append(command_context& c) {
  value* v = nullptr;
  if (!find_string(c, c.args[1], v)) return;
  if (v == nullptr) {
    if (set_string(c, c.args[1], c.args[2], 0)) c.reply.integer(static_cast<std::int64_t>(c.args[2].size()));
    return;
  }
  if (c.args[2].size() > value::max_string - v->text().size()) return c.reply.error(text::too_long);
  if (!c.logged(effect{effect_kind::append, c.args[1], c.args[2], {}, 0})) return;
  if (!c.db.append(*v, c.args[2])) return c.reply.error(text::no_memory);
  c.reply.integer(static_cast<std::int64_t>(v->text().size()));
}

void strlen(command_context& c) {
  value* v = nullptr;
  if (find_string(c, c.args[1], v)) c.reply.integer(v == nullptr ? 0 : static_cast<std::int64_t>(v->text().size()));
}

constexpr std::uint32_t w = flag::write, oom = flag::deny_oom, r = flag::readonly, fast = flag::fast;
constexpr auto key = runs_on::key;

constexpr command table[] = {
    {"append", 3, w | oom | fast, 1, 1, 1, key, append, nullptr, "string", "Adds to a string, made if there is none."},
    {"decr", 2, w | oom | fast, 1, 1, 1, key, decr, nullptr, "string", "Takes one from a number."},
    {"decrby", 3, w | oom | fast, 1, 1, 1, key, decrby, nullptr, "string", "Takes from a number."},
    {"get", 2, r | fast, 1, 1, 1, key, get, nullptr, "string", "The string of a key."},
    {"getdel", 2, w | fast, 1, 1, 1, key, getdel, nullptr, "string", "The string of a key, which goes."},
    {"getset", 3, w | oom | fast, 1, 1, 1, key, getset, nullptr, "string", "Sets a string, answers the one before."},
    {"incr", 2, w | oom | fast, 1, 1, 1, key, incr, nullptr, "string", "Adds one to a number."},
    {"incrby", 3, w | oom | fast, 1, 1, 1, key, incrby, nullptr, "string", "Adds to a number."},
    {"mget", -2, r | fast, 1, -1, 1, runs_on::keys, mget, merge_mget, "string", "The strings of some keys."},
    {"mset", -3, w | oom, 1, -1, 2, runs_on::keys, mset, merge_ok, "string", "Sets some strings at once."},
    {"psetex", 4, w | oom, 1, 1, 1, key, psetex, nullptr, "string", "Sets a string that expires, in ms."},
    {"set", -3, w | oom, 1, 1, 1, key, set, nullptr, "string", "Sets a string."},
    {"setex", 4, w | oom, 1, 1, 1, key, setex, nullptr, "string", "Sets a string that expires, in seconds."},
    {"setnx", 3, w | oom | fast, 1, 1, 1, key, setnx, nullptr, "string", "Sets a string if there is no such key."},
    {"strlen", 2, r | fast, 1, 1, 1, key, strlen, nullptr, "string", "The bytes of a string."},
};

}  // namespace

std::span<const command> string_commands() noexcept { return table; }

}  // namespace kernel
