#include "subscriptions.hpp"

#include <frys/net/resp_output.hpp>
#include <frys/net/resp_writer.hpp>

#include "command.hpp"

namespace kernel {
namespace {

// What stands in front of a message: an array of `parts` in RESP2, a push in RESP3.
struct heads {
  std::string_view resp2, resp3;
};
constexpr heads channel_heads = {"*3\r\n$7\r\nmessage\r\n", ">3\r\n$7\r\nmessage\r\n"};

std::int64_t give(const std::vector<session*>& to, const heads& head, const published& message) {
  for (session* s : to) s->deliver(s->protocol == 3 ? head.resp3 : head.resp2, message.body);
  return static_cast<std::int64_t>(to.size());
}

}  // namespace

published published::make(std::string_view channel, std::string_view text) {
  frys::resp_output out;
  (void)out.grow(channel.size() + text.size() + 64);  // at once; failed() tells if there was no memory
  frys::resp_writer<frys::resp_output> writer(out);
  writer.bulk(channel);
  writer.bulk(text);
  published made;
  if (out.failed()) return made;
  made.body = out.take();
  const std::string_view all = made.body.text();
  made.channel = all.substr(all.find('\n') + 1, channel.size());
  return made;
}

std::int64_t subscriptions::publish(const published& message) {
  std::int64_t given = 0;
  if (const auto found = channels_.find(message.channel); found != channels_.end())
    given += give(found->second, channel_heads, message);
  for (const auto& [pattern, to] : patterns_) {
    if (!glob_match(pattern, message.channel)) continue;
    std::string resp2 = "*4\r\n$8\r\npmessage\r\n$" + std::to_string(pattern.size()) + "\r\n" + pattern + "\r\n";
    std::string resp3 = resp2;
    resp3[0] = '>';
    given += give(to, {resp2, resp3}, message);
  }
  return given;
}

void subscriptions::remove(session& s) {
  while (!s.channels.empty()) unsubscribe(s, std::string(*s.channels.begin()));
  while (!s.patterns.empty()) unsubscribe_pattern(s, std::string(*s.patterns.begin()));
}

bool subscriptions::add(listeners& all, names& own, session& s, std::string_view name) {
  if (!own.emplace(name).second) return false;
  all[std::string(name)].push_back(&s);
  return true;
}

bool subscriptions::drop(listeners& all, names& own, session& s, std::string_view name) {
  const auto mine = own.find(name);
  if (mine == own.end()) return false;
  const auto found = all.find(name);
  std::erase(found->second, &s);
  if (found->second.empty()) all.erase(found);
  own.erase(mine);
  return true;
}

}  // namespace kernel
