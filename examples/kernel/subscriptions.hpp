// subscriptions: who of a core's clients listens to which channels and patterns.
//
// Threads  one core's. A message published on one core is given to each core's subscriptions; their counts add up.
// Lifetime remove() a session before it dies.
#ifndef FRYS_KERNEL_SUBSCRIPTIONS_HPP
#define FRYS_KERNEL_SUBSCRIPTIONS_HPP

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "session.hpp"

namespace kernel {

class subscriptions {
 public:
  // False: the session listens there already.
  bool subscribe(session& s, std::string_view channel) { return add(channels_, s.channels, s, channel); }
  bool subscribe_pattern(session& s, std::string_view pattern) { return add(patterns_, s.patterns, s, pattern); }
  // False: it did not listen there.
  bool unsubscribe(session& s, std::string_view channel) { return drop(channels_, s.channels, s, channel); }
  bool unsubscribe_pattern(session& s, std::string_view pattern) { return drop(patterns_, s.patterns, s, pattern); }
  void remove(session& s);

  // Delivers to every listener of this core; answers how many messages went out (a session may get several, by
  // patterns).
  std::int64_t publish(std::string_view channel, std::string_view message);

  [[nodiscard]] bool empty() const noexcept { return channels_.empty() && patterns_.empty(); }
  [[nodiscard]] std::size_t channels() const noexcept { return channels_.size(); }
  [[nodiscard]] std::size_t patterns() const noexcept { return patterns_.size(); }

 private:
  using listeners = std::map<std::string, std::vector<session*>, std::less<>>;
  using names = std::set<std::string, std::less<>>;
  static bool add(listeners& all, names& own, session& s, std::string_view name);
  static bool drop(listeners& all, names& own, session& s, std::string_view name);

  listeners channels_;
  listeners patterns_;
};

}  // namespace kernel

#endif  // FRYS_KERNEL_SUBSCRIPTIONS_HPP
