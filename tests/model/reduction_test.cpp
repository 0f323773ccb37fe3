// Exhaustive exploration against every interleaving of the same body: at least ten times fewer executions.
#include "blocks.hpp"

#include <frys/queue/mpmc_ring.hpp>
#include <frys/queue/spsc_ring.hpp>

namespace {

using namespace blocks;
constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto seq_cst = std::memory_order_seq_cst;

void store_buffering() {
  A::atomic<int> x{0}, y{0};
  model::threads(
      [&] {
        x.store(1, seq_cst);
        (void)y.load(seq_cst);
      },
      [&] {
        y.store(1, seq_cst);
        (void)x.load(seq_cst);
      });
}
void message_passing() {
  A::atomic<int> flag{0}, data{0};
  model::threads(
      [&] {
        data.store(1, relaxed);
        flag.store(1, release);
      },
      [&] {
        while (flag.load(acquire) == 0) A::pause();
        model::require(data.load(relaxed) == 1, "the data is there");
      });
}
void counters() {
  A::atomic<int> n{0};
  const auto add = [&] { n.fetch_add(1, relaxed); };
  model::threads(add, add, add);
}
void one_ring() {
  frys::spsc_ring<int, with_model, frys::policy::capacity<2>> ring;
  model::threads(
      [&] {
        for (int i = 0; i < 2; ++i) (void)ring.try_push(i);
      },
      [&] {
        for (int i = 0; i < 2; ++i) (void)ring.try_pop();
      });
}
void many_ring() {
  frys::mpmc_ring<int, with_model, frys::policy::capacity<2>> ring;
  model::threads([&] { (void)ring.try_push(1); }, [&] { (void)ring.try_push(2); }, [&] { (void)ring.try_pop(); });
}

}  // namespace

TEST_CASE("reduction: ten times fewer executions than every interleaving, on five bodies") {
  struct {
    const char* name;
    void (*body)();
  } const all_bodies[] = {{"store buffering", &store_buffering},
                          {"message passing", &message_passing},
                          {"three counters", &counters},
                          {"spsc_ring", &one_ring},
                          {"mpmc_ring", &many_ring}};
  for (const auto& b : all_bodies) {
    const model::report every = model::check(model::exhaustive{}, b.body);
    const std::uint64_t runs = every.executions + every.blocked;
    const model::report plain = model::check(model::bounded{.preemptions = ~0u, .most_executions = 10 * runs}, b.body);
    INFO(b.name, ": ", runs, " executions against more than ", plain.executions + plain.blocked);
    CHECK(every.passed());
    CHECK(every.complete);
    CHECK(plain.passed());
    CHECK_FALSE(plain.complete);
  }
}
