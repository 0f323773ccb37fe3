// Pub/sub: SUBSCRIBE UNSUBSCRIBE PSUBSCRIBE PUNSUBSCRIBE PUBLISH.
#include "handlers.hpp"
#include "subscriptions.hpp"

namespace kernel {
namespace {

// The answer to one name; no name: null.
void confirm(command_context& c, std::string_view what, const std::string_view* name) {
  c.reply.push(3);
  c.reply.bulk(what);
  if (name != nullptr)
    c.reply.bulk(*name);
  else
    c.reply.null();
  c.reply.integer(static_cast<std::int64_t>(c.client->channels.size() + c.client->patterns.size()));
}

void subscribe(command_context& c) {
  for (const std::string_view name : c.args.subspan(1)) {
    c.core.channels().subscribe(*c.client, name);
    confirm(c, "subscribe", &name);
  }
}
void psubscribe(command_context& c) {
  for (const std::string_view name : c.args.subspan(1)) {
    c.core.channels().subscribe_pattern(*c.client, name);
    confirm(c, "psubscribe", &name);
  }
}

void leave(command_context& c, bool patterns, std::string_view what) {
  auto& own = patterns ? c.client->patterns : c.client->channels;
  const auto drop = [&](std::string_view name) {
    if (patterns)
      c.core.channels().unsubscribe_pattern(*c.client, name);
    else
      c.core.channels().unsubscribe(*c.client, name);
    confirm(c, what, &name);
  };
  if (c.args.size() == 1) {
    if (own.empty()) return confirm(c, what, nullptr);
    while (!own.empty()) drop(std::string(*own.begin()));
    return;
  }
  for (const std::string_view name : c.args.subspan(1)) drop(name);
}
void unsubscribe(command_context& c) { leave(c, false, "unsubscribe"); }
void punsubscribe(command_context& c) { leave(c, true, "punsubscribe"); }

// To the listeners of this core. Where other cores have some too, the server sends it there and makes the reply.
void publish(command_context& c) {
  if (!c.core.channels().is_heard()) return c.reply.integer(0);
  const published message = published::make(c.core.buffers(), c.args[1], c.args[2]);
  if (message.body.empty()) return c.reply.error(text::no_memory);
  c.reply.integer(c.core.channels().publish(message));
}

constexpr std::uint32_t flags = flag::pubsub | flag::noscript | flag::loading | flag::stale;
constexpr auto here = runs_on::connection;

constexpr command table[] = {
    {"psubscribe", -2, flags, 0, 0, 0, here, psubscribe, nullptr, "pubsub", "Listens to channels by patterns."},
    {"publish", 3, flag::pubsub | flag::loading | flag::stale | flag::fast, 0, 0, 0, runs_on::listeners, publish,
     nullptr, "pubsub", "Sends a message to a channel's listeners."},
    {"punsubscribe", -1, flags, 0, 0, 0, here, punsubscribe, nullptr, "pubsub", "Leaves patterns."},
    {"subscribe", -2, flags, 0, 0, 0, here, subscribe, nullptr, "pubsub", "Listens to channels."},
    {"unsubscribe", -1, flags, 0, 0, 0, here, unsubscribe, nullptr, "pubsub", "Leaves channels."},
};

}  // namespace

std::span<const command> pubsub_commands() noexcept { return table; }

}  // namespace kernel
