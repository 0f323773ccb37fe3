#include <frys/sched/fiber.hpp>
#include <frys/sched/stack_pool.hpp>

#include "blocks.hpp"

#include <memory>
#include <optional>

#if FRYS_HAS_CONTEXT && FRYS_HAS_THREAD
namespace {

using namespace blocks;

struct no_time {
  static frys::nanoseconds now() noexcept { return frys::nanoseconds{0}; }
};
using box = frys::detail::post_box<A, frys::wait::park, no_time>;

struct letter : frys::work {
  A::var<int> payload{0};
};

// Takes until it has `n`; answers their payloads as the digits of a number, in their order.
int takes(box& b, int n, frys::deadline until = frys::deadline::never()) {
  int digits = 0;
  while (n != 0) {
    frys::work* w = b.take();
    if (w == nullptr) b.sleep(std::exchange(until, frys::deadline::never()));  // or there were no end of executions
    for (; w != nullptr; --n) {
      frys::work* const next = w->next;
      digits = digits * 10 + static_cast<letter&>(*w).payload.get();
      w = next;
    }
  }
  return digits;
}

void one_letter() {
  box b;
  letter a;
  model::threads([&] { model::require(takes(b, 1) == 7, "what was written is visible"); },
                 [&] {
                   a.payload.ref() = 7;
                   b.push_and_wake(a);
                 });
}
void two_senders() {
  box b;
  letter x, y, z;
  model::threads(
      [&] {
        const int got = takes(b, 3);
        model::require(got == 123 || got == 312 || got == 132, "those of one sender keep their order");
      },
      [&] {
        x.payload.ref() = 1;
        b.push_and_wake(x);
        y.payload.ref() = 2;
        b.push_and_wake(y);
      },
      [&] {
        z.payload.ref() = 3;
        b.push_and_wake(z);
      });
}
// The box may die as soon as its owner has what it waited for, even if the deadline woke it.
void dies_at_once() {
  std::optional<box> b(std::in_place);
  letter a;
  model::threads(
      [&] {
        model::require(takes(*b, 1, frys::deadline{frys::nanoseconds(1)}) == 7, "it came");
        b.reset();
      },
      [&] {
        a.payload.ref() = 7;
        b->push_and_wake(a);
      });
}
// Run by others: who is told that the mark was set starts the owner, who has seen all before it.
void armed() {
  box b;
  A::var<int> owners{0};
  letter x, y;
  const auto serve = [&](int& got) {
    owners.ref() = owners.get() + 1;  // one owner at a time, and each sees what the last one did
    for (;;) {
      for (frys::work* w = b.take(); w != nullptr; w = w->next) ++got;
      if (b.arm()) return;
    }
  };
  int first = 0, second = 0, third = 0;
  serve(first);
  model::threads(
      [&] {
        if (b.push(x)) serve(second);
      },
      [&] {
        if (b.push(y)) serve(third);
      });
  model::require(second + third == 2, "both are taken");
}

// A page source without pages of the system.
struct small_pages {
  static frys::result<frys::byte_span> allocate(std::size_t size) noexcept { return frys::heap_pages::allocate(size); }
  static void release(frys::byte_span memory) noexcept { frys::heap_pages::release(memory); }
};
using stacks = frys::stack_pool<frys::policy::guard_pages<false>, frys::policy::pages<small_pages>, with_model>;

void handed_back() {
  stacks pool({.limit_bytes = 2 * stacks::smallest});
  A::var<int> on_stack{0};
  stacks::stack* const a = *pool.acquire();
  stacks::stack* const b = *pool.acquire();
  stacks::stack* found[2] = {};
  int n = 0;
  model::threads(
      [&] {
        for (int looks = 0; looks < 2; ++looks)
          if (auto s = pool.acquire()) {
            found[n++] = *s;
            if (*s == a) model::require(on_stack.get() == 7, "what was done on the stack is over");
          }
      },
      [&] {
        on_stack.ref() = 7;
        pool.hand_back(*a);
      },
      [&] { pool.hand_back(*b); });
  while (n != 2) found[n++] = *pool.acquire();
  model::require(found[0] != found[1], "each comes once");
  for (stacks::stack* s : found) pool.release(*s);
}

TEST_CASE("post_box under the model: what is posted arrives, in the order of its sender, and wakes who sleeps") {
  holds(&one_letter);
  holds_mostly(&two_senders);
}
TEST_CASE("post_box under the model: it may die when its owner has what it waited for") { holds(&dies_at_once); }
TEST_CASE("post_box under the model: one owner at a time, each after the last") { holds(&armed); }
TEST_CASE("stack_pool under the model: what other threads hand back comes once, and is left") { holds(&handed_back); }

}  // namespace
#endif  // FRYS_HAS_CONTEXT && FRYS_HAS_THREAD
