#include <frys/sched/cancel.hpp>

#include "blocks.hpp"

#include <optional>

namespace {

using namespace blocks;
using source = frys::basic_stop_source<with_model>;
using frys::stop_action;
using frys::stop_hook;
using payload = typename A::template var<int>;

// A wait as the protocol has it: its function runs at most once, and not behind its end.
class listener {
 public:
  bool begin(frys::stop_token token) {
    return stop_.begin(token, *this, [](void* p) noexcept {
      auto& self = *static_cast<listener*>(p);
      self.calls_.ref() = self.calls_.get() + 1;
      return stop_action{};
    });
  }
  int end() {
    stop_.end();
    return calls_.get();
  }

 private:
  frys::stop_wait stop_;
  payload calls_{0};
};

// What was written before the request is there for who sees it, by looking or by being called.
void request_publishes() {
  source s;
  payload written(0);
  model::threads(
      [&] {
        written.ref() = 7;
        model::require(s.request_stop(), "the first request counts");
      },
      [&] {
        if (s.token().stop_requested()) model::require(written.get() == 7, "what was written before is visible");
      });
}

// A hook that comes and goes while a stop is asked for.
void hook_against_request() {
  source s;
  payload written(0);
  model::threads(
      [&] {
        written.ref() = 7;
        s.request_stop();
      },
      [&] {
        listener mine;
        const bool open = mine.begin(s.token());
        const int calls = mine.end();
        model::require(calls <= (open ? 1 : 0), "called once, or not at all");
        if (!open || calls == 1) model::require(written.get() == 7, "what was written before is visible");
      });
}

// Two requests: one counts, and the hook is called once.
void two_requests() {
  source s;
  listener mine;
  int counted[2] = {0, 0};
  model::require(mine.begin(s.token()), "nobody has asked yet");
  model::threads([&] { counted[0] = s.request_stop() ? 1 : 0; }, [&] { counted[1] = s.request_stop() ? 1 : 0; });
  model::require(counted[0] + counted[1] == 1, "one of them is the first");
  model::require(mine.end() == 1, "called once");
}

// Two hooks, of which one leaves: the other one is called.
void one_leaves() {
  source s;
  listener stays;
  model::require(stays.begin(s.token()), "nobody has asked yet");
  std::optional<listener> leaves(std::in_place);
  model::require(leaves->begin(s.token()), "nobody has asked yet");
  model::threads([&] { s.request_stop(); },
                 [&] {
                   (void)leaves->end();
                   leaves.reset();
                 });
  model::require(stays.end() == 1, "who stays is called");
}

// The same, and the one that leaves is called before the other: who leaves may find the other one being called.
void first_leaves() {
  source s;
  std::optional<listener> leaves(std::in_place);
  model::require(leaves->begin(s.token()), "nobody has asked yet");
  listener stays;
  model::require(stays.begin(s.token()), "nobody has asked yet");
  model::threads([&] { s.request_stop(); },
                 [&] {
                   (void)leaves->end();
                   leaves.reset();
                 });
  model::require(stays.end() == 1, "who stays is called");
}

// A wait and its event: one of the two ends it, and the frame is free then.
struct event_or_stop {
  A::atomic<std::uint32_t> claimed{0};
  payload frame{0};
  frys::stop_wait stop;
  bool claim() {
    std::uint32_t none = 0;
    return claimed.compare_exchange_strong(none, 1, std::memory_order_acq_rel, std::memory_order_relaxed);
  }
  void go_on() {
    stop.end();
    frame.ref() = frame.get() + 1;
  }
};
void stop_against_event() {
  source s;
  event_or_stop wait;
  model::require(
      wait.stop.begin(s.token(), wait,
                      [](void* p) noexcept {
                        auto& self = *static_cast<event_or_stop*>(p);
                        if (!self.claim()) return stop_action{};
                        return stop_action{[](void* q) noexcept { static_cast<event_or_stop*>(q)->go_on(); }, p};
                      }),
      "nobody has asked yet");
  model::threads([&] { s.request_stop(); },
                 [&] {
                   if (wait.claim()) wait.go_on();
                 });
  model::require(wait.frame.get() == 1, "one goes on");
}

TEST_CASE("cancel under the model: a request publishes what was done before it") { holds(&request_publishes); }
TEST_CASE("cancel under the model: a hook is called once or not at all, and never behind its end") {
  holds(&hook_against_request);
}
TEST_CASE("cancel under the model: of two requests one counts") { holds(&two_requests); }
TEST_CASE("cancel under the model: a hook that leaves takes no other one along") {
  holds_mostly(&one_leaves);
  holds_mostly(&first_leaves);
}
TEST_CASE("cancel under the model: a wait ends by its event or by the stop, and its frame is free then") {
  holds(&stop_against_event);
}

}  // namespace
