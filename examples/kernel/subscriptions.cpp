#include "subscriptions.hpp"

#include <frys/net/resp_output.hpp>
#include <frys/net/resp_writer.hpp>

#include "command.hpp"

namespace kernel {
namespace {

// One message, written at most once for each protocol.
class encoded {
 public:
  encoded(std::string_view channel, std::string_view message, const std::string* pattern)
      : channel_(channel), message_(message), pattern_(pattern) {}

  std::string_view for_protocol(int protocol) {
    frys::resp_output& out = protocol == 3 ? resp3_ : resp2_;
    if (out.empty()) {
      frys::resp_writer<frys::resp_output> writer(out, protocol);
      writer.push(pattern_ != nullptr ? 4 : 3);
      writer.bulk(pattern_ != nullptr ? "pmessage" : "message");
      if (pattern_ != nullptr) writer.bulk(*pattern_);
      writer.bulk(channel_);
      writer.bulk(message_);
    }
    return out.text();
  }

 private:
  std::string_view channel_, message_;
  const std::string* pattern_;
  frys::resp_output resp2_, resp3_;
};

std::int64_t deliver(const std::vector<session*>& to, encoded message) {
  for (session* s : to) s->deliver(message.for_protocol(s->protocol));
  return static_cast<std::int64_t>(to.size());
}

}  // namespace

std::int64_t subscriptions::publish(std::string_view channel, std::string_view message) {
  std::int64_t given = 0;
  if (const auto found = channels_.find(channel); found != channels_.end())
    given += deliver(found->second, encoded(channel, message, nullptr));
  for (const auto& [pattern, to] : patterns_)
    if (glob_match(pattern, channel)) given += deliver(to, encoded(channel, message, &pattern));
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
