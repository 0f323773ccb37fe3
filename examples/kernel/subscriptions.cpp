#include "subscriptions.hpp"

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

published published::make(buffer_memory& memory, std::string_view channel, std::string_view text) {
  published made;
  auto room = memory.acquire(channel.size() + text.size() + 128);  // enough for both with their heads
  if (!room) return made;
  struct sink {
    frys::buffer& into;
    char* grow(std::size_t n) noexcept {
      return into.capacity() - into.size() < n ? nullptr : reinterpret_cast<char*>(into.data() + into.size());
    }
    void commit(std::size_t n) noexcept { (void)into.extend(n); }
  } out{*room};
  frys::resp_writer<sink> writer(out);
  writer.bulk(channel);
  writer.bulk(text);
  made.body = *std::move(room);
  const std::string_view all = made.body.text();
  made.channel = all.substr(all.find('\n') + 1, channel.size());
  return made;
}

std::int64_t subscriptions::publish(const published& message) {
  std::int64_t given = 0;
  if (const auto found = channels_.find(message.channel); found != channels_.end())
    given += give(found->second.who, channel_heads, message);
  for (auto& [pattern, to] : patterns_) {
    if (!glob_match(pattern, message.channel)) continue;
    std::string& head = to.head;
    if (head.empty()) head = "*4\r\n$8\r\npmessage\r\n$" + std::to_string(pattern.size()) + "\r\n" + pattern + "\r\n";
    for (session* s : to.who) {
      head[0] = s->protocol == 3 ? '>' : '*';
      s->deliver(head, message.body);
    }
    given += static_cast<std::int64_t>(to.who.size());
  }
  return given;
}

void subscriptions::remove(session& s) {
  while (!s.channels.empty()) unsubscribe(s, std::string(*s.channels.begin()));
  while (!s.patterns.empty()) unsubscribe_pattern(s, std::string(*s.patterns.begin()));
}

bool subscriptions::add(listeners& all, names& own, session& s, std::string_view name) {
  if (!own.emplace(name).second) return false;
  all[std::string(name)].who.push_back(&s);
  return true;
}

bool subscriptions::drop(listeners& all, names& own, session& s, std::string_view name) {
  const auto mine = own.find(name);
  if (mine == own.end()) return false;
  const auto found = all.find(name);
  std::erase(found->second.who, &s);
  if (found->second.who.empty()) all.erase(found);
  own.erase(mine);
  return true;
}

}  // namespace kernel
