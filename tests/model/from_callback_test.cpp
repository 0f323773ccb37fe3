#include <frys/sched/from_callback.hpp>

#include "blocks.hpp"
#include "tasks.hpp"

namespace {

using namespace blocks;
using namespace model_tasks;
using frys::callback;
using frys::task;

struct operation {
  A::atomic<void*> done{nullptr};
  A::atomic<std::uint32_t> taken{0};
  payload written{0};
  int got = 0;
  bool through = false;

  // Calls back, if nobody has: from the operation's end, or from a cancel.
  void call(int n) {
    void* const p = done.load(std::memory_order_acquire);
    if (p == nullptr || taken.exchange(1, std::memory_order_relaxed) != 0) return;
    written.ref() = n;
    callback<int>::from_address(p)(n);
  }
};
task<> waits_for(operation& op, bool cancels) {
  const auto begin = [&op](callback<int> d) { op.done.store(d.address(), std::memory_order_release); };
  const auto cancel = [&op, cancels] {
    if (cancels) op.call(2);
  };
  const frys::result<int> r = co_await frys::from_callback<int, with_model>(begin, cancel);
  if (r) {
    model::require(op.written.get() == *r, "what was done before the callback is visible");
    op.got = *r;
  }
  op.through = true;
}

// The callback while the operation is begun.
void call_while_beginning() {
  operation op;
  model::threads([&] { op.call(1); }, [&] { frys::spawn(waits_for(op, false)); });
  op.call(1);
  model::require(op.through && op.got == 1, "goes on, once");
}
// The end, and a stop whose cancel calls back.
void end_against_cancel() {
  source s;
  {
    operation op;
    with_token(s.token(), waits_for(op, true));
    model::threads([&] { op.call(1); }, [&] { s.request_stop(); });
    model::require(op.through && (op.got == 1 || op.got == 2), "goes on, once");
  }
}
// A stop and the end while it is begun.
void all_while_beginning() {
  source s;
  {
    operation op;
    model::threads([&] { op.call(1); }, [&] { s.request_stop(); }, [&] { with_token(s.token(), waits_for(op, true)); });
    if (!op.through) op.call(1);
    model::require(op.through, "goes on, once");
  }
}

TEST_CASE("from_callback under the model: a callback while it is begun") { holds(&call_while_beginning); }
TEST_CASE("from_callback under the model: the end against a cancel that calls back") {
  holds_mostly(&end_against_cancel, 3000);
}
TEST_CASE("from_callback under the model: a stop and the end while it is begun") {
  holds_mostly(&all_while_beginning, 3000);
}

}  // namespace
