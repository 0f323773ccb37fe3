// The connection itself: PING ECHO HELLO SELECT QUIT RESET CLIENT.
#include "handlers.hpp"
#include "server_text.hpp"
#include "subscriptions.hpp"

namespace kernel {
namespace {

void ping(command_context& c) {
  if (c.args.size() > 2) return wrong_arity(c.reply, "ping");
  if (c.client->protocol == 2 && c.client->is_subscribed()) {
    c.reply.array(2);
    c.reply.bulk("pong");
    return c.reply.bulk(c.args.size() == 2 ? c.args[1] : std::string_view());
  }
  if (c.args.size() == 2)
    c.reply.bulk(c.args[1]);
  else
    c.reply.simple("PONG");
}

void echo(command_context& c) { c.reply.bulk(c.args[1]); }

bool is_client_name(std::string_view name) {
  for (const char ch : name)
    if (ch < '!' || ch > '~') return false;
  return true;
}
constexpr std::string_view bad_name = "ERR Client names cannot contain spaces, newlines or special characters.";

void hello(command_context& c) {
  std::int64_t version = c.client->protocol;
  if (c.args.size() > 1) {
    if (!parse_integer(c.args[1], version))
      return c.reply.error("ERR Protocol version is not an integer or out of range");
    if (version < 2 || version > 3) return c.reply.error("NOPROTO unsupported protocol version");
  }
  const std::string_view* name = nullptr;
  for (std::size_t i = 2; i < c.args.size(); ++i) {
    const std::size_t more = c.args.size() - 1 - i;
    if (is_word(c.args[i], "auth") && more >= 2) {
      if (c.args[i + 1] != "default")  // the default user has no password, so any will do
        return c.reply.error("WRONGPASS invalid username-password pair or user is disabled.");
      i += 2;
    } else if (is_word(c.args[i], "setname") && more >= 1) {
      name = &c.args[++i];
      if (!is_client_name(*name)) return c.reply.error(bad_name);
    } else {
      return c.reply.error("ERR Syntax error in HELLO option '" + std::string(c.args[i]) + "'");
    }
  }
  if (name != nullptr) c.client->name = *name;
  c.client->protocol = static_cast<int>(version);
  c.reply.set_protocol(c.client->protocol);
  c.reply.map(7);
  c.reply.bulk("server");
  c.reply.bulk("redis");
  c.reply.bulk("version");
  c.reply.bulk(redis_version);
  c.reply.bulk("proto");
  c.reply.integer(version);
  c.reply.bulk("id");
  c.reply.integer(static_cast<std::int64_t>(c.client->id));
  c.reply.bulk("mode");
  c.reply.bulk("standalone");
  c.reply.bulk("role");
  c.reply.bulk("master");
  c.reply.bulk("modules");
  c.reply.array(0);
}

void select(command_context& c) {
  std::int64_t n = 0;
  if (!get_integer(c, c.args[1], n)) return;
  if (n != 0) return c.reply.error("ERR DB index is out of range");  // there is one
  c.reply.ok();
}

void quit(command_context& c) {
  c.client->close_after_reply = true;
  c.reply.ok();
}

void reset(command_context& c) {
  c.core.channels().remove(*c.client);
  c.client->name.clear();
  c.client->protocol = 2;
  c.reply.set_protocol(2);
  c.reply.simple("RESET");
}

void append_client(std::string& out, const session& s, std::int64_t now_ms) {
  const auto seconds = [&](std::int64_t since) {
    return std::to_string((std::max)(now_ms - since, std::int64_t{0}) / 1000);
  };
  out += "id=" + std::to_string(s.id) + " addr=" + s.address + " laddr=" + s.local_address +
         " fd=" + std::to_string(s.descriptor) + " name=" + s.name + " age=" + seconds(s.created_ms) +
         " idle=" + seconds(s.active_ms) + " flags=" + (s.is_subscribed() ? "P" : "N") +
         " db=0 sub=" + std::to_string(s.channels.size()) + " psub=" + std::to_string(s.patterns.size()) +
         " ssub=0 multi=-1 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r "
         "cmd=" +
         std::string(s.last_command) + " user=default redir=-1 resp=" + std::to_string(s.protocol) +
         " lib-name=" + s.library_name + " lib-ver=" + s.library_version + "\n";
}

void client_setinfo(command_context& c) {
  const std::string_view option = c.args[2], text = c.args[3];
  const bool is_name = is_word(option, "lib-name");
  if (!is_name && !is_word(option, "lib-ver"))
    return c.reply.error("ERR Unrecognized option '" + std::string(option) + "'");
  if (!is_client_name(text))
    return c.reply.error("ERR " + std::string(is_name ? "lib-name" : "lib-ver") +
                         " cannot contain spaces, newlines or special characters.");
  (is_name ? c.client->library_name : c.client->library_version) = text;
  c.reply.ok();
}

void client_switch(command_context& c) {
  if (is_word(c.args[2], "on") || is_word(c.args[2], "off"))
    c.reply.ok();
  else
    c.reply.error(text::syntax);
}

// What runs on every core of CLIENT LIST: a bulk with the lines of its clients. The rest ignores the parts.
void client(command_context& c) {
  std::string lines;
  struct state {
    std::string& lines;
    std::int64_t now_ms;
  } gather{lines, c.now_ms};
  if (is_word(c.args[1], "list"))
    c.core.each_session(
        [](void* to, const session& s) {
          auto& into = *static_cast<state*>(to);
          append_client(into.lines, s, into.now_ms);
        },
        &gather);
  c.reply.bulk(lines);
}

void client_here(command_context& c) {
  const std::string_view sub = c.args[1];
  const std::size_t n = c.args.size();
  const auto arity = [&](std::size_t wanted, std::string_view name) {
    if (n == wanted) return true;
    return wrong_arity(c.reply, "client|" + std::string(name)), false;
  };
  if (is_word(sub, "id")) {
    if (arity(2, "id")) c.reply.integer(static_cast<std::int64_t>(c.client->id));
  } else if (is_word(sub, "getname")) {
    if (!arity(2, "getname")) return;
    if (c.client->name.empty())
      c.reply.null();
    else
      c.reply.bulk(c.client->name);
  } else if (is_word(sub, "setname")) {
    if (!arity(3, "setname")) return;
    if (!is_client_name(c.args[2])) return c.reply.error(bad_name);
    c.client->name = c.args[2];
    c.reply.ok();
  } else if (is_word(sub, "setinfo")) {
    if (arity(4, "setinfo")) client_setinfo(c);
  } else if (is_word(sub, "info")) {
    if (!arity(2, "info")) return;
    std::string line;
    append_client(line, *c.client, c.now_ms);
    c.reply.verbatim("txt", line);
  } else if (is_word(sub, "no-evict")) {
    if (arity(3, "no-evict")) client_switch(c);
  } else if (is_word(sub, "no-touch")) {
    if (arity(3, "no-touch")) client_switch(c);
  } else {
    unknown_subcommand(c.reply, sub, "CLIENT");
  }
}

// The client's own core has the last word: it knows the session.
void merge_client(merge_context& m) {
  if (m.args.size() == 2 && is_word(m.args[1], "list")) {
    std::string lines;
    for (const std::string_view part : m.parts) {
      const std::size_t head = part.find('\n') + 1;
      lines += part.substr(head, part.size() - head - 2);
    }
    return m.reply.verbatim("txt", lines);
  }
  if (m.args.size() >= 2 && is_word(m.args[1], "list")) return m.reply.error(text::syntax);
  unknown_subcommand(m.reply, m.args[1], "CLIENT");
}

constexpr std::uint32_t flags = flag::fast | flag::loading | flag::stale | flag::noscript;
constexpr auto here = runs_on::connection;

constexpr command table[] = {
    {"client", -2, flags, 0, 0, 0, here, client_here, nullptr, "connection", "About this connection, and all of them."},
    {"echo", 2, flag::fast | flag::loading | flag::stale, 0, 0, 0, here, echo, nullptr, "connection", "Says it back."},
    {"hello", -1, flags | flag::no_auth, 0, 0, 0, here, hello, nullptr, "connection", "Chooses the protocol."},
    {"ping", -1, flag::fast, 0, 0, 0, here, ping, nullptr, "connection", "Answers PONG."},
    {"quit", -1, flags | flag::no_auth, 0, 0, 0, here, quit, nullptr, "connection", "Closes the connection."},
    {"reset", 1, flags | flag::no_auth, 0, 0, 0, here, reset, nullptr, "connection", "Makes the connection new."},
    {"select", 2, flag::fast | flag::loading | flag::stale, 0, 0, 0, here, select, nullptr, "connection",
     "Chooses the keyspace; there is one, 0."},
};

// CLIENT LIST asks every core; find_command gives this in place of CLIENT.
constexpr command list = {
    "client|list", -2, flags, 0, 0, 0, runs_on::all, client, merge_client, "connection", "The clients of the server."};

}  // namespace

std::span<const command> connection_commands() noexcept { return table; }
const command& client_list_command() noexcept { return list; }

}  // namespace kernel
