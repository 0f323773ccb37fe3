// subscriptions: who of a core's clients listens to which channels and patterns.
//
// Threads  one core's; is_heard: any. A message published on one core is given to each core's subscriptions; their
//          counts add up.
// Lifetime remove() a session before it dies.
#ifndef FRYS_KERNEL_SUBSCRIPTIONS_HPP
#define FRYS_KERNEL_SUBSCRIPTIONS_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <frys/memory/buffer.hpp>

#include "memory.hpp"
#include "session.hpp"

namespace kernel {

// A message as all listeners get it: the channel and the text as two bulks, encoded once for all cores, protocols and
// patterns. In front of them each listener gets a head of its own.
struct published {
  frys::buffer body;
  std::string_view channel;  // in `body`

  // An empty body: out of memory.
  static published make(buffer_memory& memory, std::string_view channel, std::string_view text);
  void swap(published& other) noexcept {
    body.swap(other.body);
    std::swap(channel, other.channel);
  }
};

class subscriptions {
 public:
  // False: the session listens there already.
  bool subscribe(session& s, std::string_view channel) { return note(add(channels_, s.channels, s, channel)); }
  bool subscribe_pattern(session& s, std::string_view pattern) { return note(add(patterns_, s.patterns, s, pattern)); }
  // False: it did not listen there.
  bool unsubscribe(session& s, std::string_view channel) { return note(drop(channels_, s.channels, s, channel)); }
  bool unsubscribe_pattern(session& s, std::string_view pattern) {
    return note(drop(patterns_, s.patterns, s, pattern));
  }
  void remove(session& s);

  // Delivers to every listener of this core; answers how many messages went out (a session may get several, by
  // patterns).
  std::int64_t publish(const published& message);

  // Any thread: whether somebody listens to something. True before the reply to the first SUBSCRIBE can leave.
  [[nodiscard]] bool is_heard() const noexcept {
    return heard_.load(std::memory_order_acquire);  // acquire: see note
  }

  [[nodiscard]] bool empty() const noexcept { return channels_.empty() && patterns_.empty(); }
  [[nodiscard]] std::size_t channels() const noexcept { return channels_.size(); }
  [[nodiscard]] std::size_t patterns() const noexcept { return patterns_.size(); }

 private:
  // Who listens, and to patterns: what stands in front of a message that came by this one, in RESP2.
  struct audience {
    std::vector<session*> who;
    std::string head;
  };
  using listeners = std::map<std::string, audience, std::less<>>;
  using names = std::set<std::string, std::less<>>;
  static bool add(listeners& all, names& own, session& s, std::string_view name);
  static bool drop(listeners& all, names& own, session& s, std::string_view name);
  bool note(bool changed) noexcept {
    // release: the confirmation leaves after this; who has read it, and then has something published, is counted.
    if (changed && heard_.load(std::memory_order_relaxed) == empty())  // relaxed: ours
      heard_.store(!empty(), std::memory_order_release);
    return changed;
  }

  listeners channels_;
  listeners patterns_;
  std::atomic<bool> heard_{false};
};

}  // namespace kernel

#endif  // FRYS_KERNEL_SUBSCRIPTIONS_HPP
