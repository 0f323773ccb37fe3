// Linearizability under the model: histories stamped by happens-before.
#include "blocks.hpp"

#include <frys/queue/mpmc_ring.hpp>

namespace {

using namespace blocks;

using spec = model::queue_spec<int>;
using record = model::history_of<spec, model::moment>;

}  // namespace

TEST_CASE("moment: is ordered by what is known, not by the schedule") {
  bool before = false, after = false;
  const model::report r = model::check(model::exhaustive{}, [&] {
    A::atomic<int> flag{0};
    model::moment first, second;
    bool seen = false;
    model::threads(
        [&] {
          first = model::moment::now();
          flag.store(1, std::memory_order_release);
          second = model::moment::now();
        },
        [&] {
          seen = flag.load(std::memory_order_acquire) == 1;
          const model::moment here = model::moment::now();
          (seen ? before : after) = true;
          model::require((first < here) == seen || !seen, "what was published is before");
          model::require(!(here < second), "the reader is never before the writer");
        });
  });
  INFO(r.text());
  CHECK(r.passed());
  CHECK(before);
  CHECK(after);
}

TEST_CASE("moment: mpmc_ring under the model is linearizable as a queue") {
  record past;
  const auto body = [&past] {
    past.clear();
    frys::mpmc_ring<int, with_model, frys::policy::capacity<2>> ring;
    const auto push = [&](std::size_t thread, int v) {
      const auto call = past.begin(thread, spec::push(v), model::moment::now());
      const bool ok = static_cast<bool>(ring.try_push(v));
      past.end(call, ok ? spec::pushed() : spec::full(), model::moment::now());
    };
    const auto pop = [&](std::size_t thread) {
      const auto call = past.begin(thread, spec::pop(), model::moment::now());
      const auto v = ring.try_pop();
      past.end(call, v ? spec::got(*v) : spec::empty(), model::moment::now());
    };
    model::threads(
        [&] {
          push(1, 1);
          push(1, 2);
        },
        [&] {
          pop(2);
          pop(2);
        });
    const bool fits = model::linearizable(past, spec(2)).passed();  // its text must not live when require fails
    model::require(fits, "the history is a queue's");
  };
  const model::report r = model::check(model::exhaustive{}, body);
  INFO(r.text());
  CHECK(r.passed());
  CHECK(r.complete);
}

TEST_CASE("moment: a ring that gives a value out twice is not linearizable") {
  record past;
  const model::report r = model::check(model::exhaustive{}, [&past] {
    past.clear();
    A::atomic<int> slot{7};  // popped by load and store instead of by exchange
    const auto pop = [&](std::size_t thread) {
      const auto call = past.begin(thread, spec::pop(), model::moment::now());
      const int v = slot.load(std::memory_order_acquire);
      slot.store(0, std::memory_order_release);
      past.end(call, v != 0 ? spec::got(v) : spec::empty(), model::moment::now());
    };
    const auto put = past.begin(0, spec::push(7), model::moment::now());
    past.end(put, spec::pushed(), model::moment::now());
    model::threads([&] { pop(1); }, [&] { pop(2); });
    const bool fits = model::linearizable(past, spec{}).passed();
    model::require(fits, "the history is a queue's");
  });
  CHECK_FALSE(r.passed());
  CHECK(r.what == model::fault::requirement);
}
