#include <frys/queue/stealing_deque.hpp>

#include "blocks.hpp"

#include <optional>
#include <span>
#include <vector>

namespace {

using namespace blocks;
// Indices count modulo twice the capacity, so that they wrap after a few values.
template <std::size_t Capacity>
using deque_of = frys::stealing_deque<element, frys::policy::capacity<Capacity>, with_model>;
// Two slots to begin with.
using growing =
    frys::stealing_deque<element, frys::policy::pages<model::pages>, frys::policy::chunk_size<1>, with_model>;

template <std::size_t Most>
void add(output<Most>& to, frys::pop_result<element> v) {
  if (v) to.add(*v);
}
template <class Deque, std::size_t Most>
void drain(Deque& deque, output<Most>& to) {
  auto owner = deque.owner();
  while (auto v = owner.try_pop()) to.add(*v);
}
// 1 to `last` came out once each.
template <std::size_t Most>
void each_once(const output<Most>& out, int last) {
  for (int v = 1; v <= last; ++v) model::require(out.times(v) == 1, "each value comes out once");
  model::require(out.count == static_cast<std::size_t>(last), "nothing else comes out");
}
template <class Owner>
void fill(Owner& owner, int first, int last) {
  for (int i = first; i <= last; ++i) model::require(static_cast<bool>(owner.try_push(i)), "there is room");
}
template <class Deque>
void carry(Deque& deque, int n) {  // so that indices are near their end, and slots have been used
  auto owner = deque.owner();
  for (int i = 0; i < n; ++i) {
    fill(owner, 100, 100);
    owner.share();
    model::require(static_cast<bool>(deque.thief().try_steal()), "it is shared");
  }
}

// One value, shared; the owner and two thieves want it.
template <int Before>
void one_for_three() {
  deque_of<2> deque;
  carry(deque, Before);
  output<4> out[3];
  {
    auto owner = deque.owner();
    fill(owner, 1, 1);
    owner.share();
    model::threads([&] { add(out[0], owner.try_pop()); }, [&] { add(out[1], deque.thief().try_steal()); },
                   [&] { add(out[2], deque.thief().try_steal()); });
  }
  model::require(out[0].count + out[1].count + out[2].count == 1, "one gets it");
}

// The owner pops two of three while a thief steals twice.
template <int Before>
void pops_against_steals() {
  deque_of<4> deque;
  carry(deque, Before);
  output<6> out, loot;
  {
    auto owner = deque.owner();
    fill(owner, 1, 3);
    owner.share();
    model::threads(
        [&] {
          for (int i = 0; i < 2; ++i) add(out, owner.try_pop());
        },
        [&] {
          for (int i = 0; i < 2; ++i) add(loot, deque.thief().try_steal());
        });
  }
  model::require(loot.rising(1, 3), "the oldest first");
  drain(deque, out);
  for (std::size_t i = 0; i < loot.count; ++i) out.add(loot.values[i]);
  each_once(out, 3);
}

// Pushes share, a thief steals, slots are used again.
template <std::size_t Capacity>
void pushes_against_steals() {
  deque_of<Capacity> deque;
  output<6> out, loot;
  int accepted = 0;
  {
    auto owner = deque.owner();
    model::threads(
        [&] {
          for (int i = 0; i < 4; ++i)
            if (owner.try_push(accepted + 1)) ++accepted;
        },
        [&] {
          for (int i = 0; i < 2; ++i) add(loot, deque.thief().try_steal());
        });
  }
  model::require(accepted >= (Capacity < 4 ? static_cast<int>(Capacity) : 4), "as many as there are slots");
  model::require(loot.rising(1, 4), "the oldest first");
  drain(deque, out);
  for (std::size_t i = 0; i < loot.count; ++i) out.add(loot.values[i]);
  each_once(out, accepted);
}

// A slot comes back while the owner waits for it.
void slot_again() {
  deque_of<1> deque;
  output<2> out, loot;
  int accepted = 1;
  {
    auto owner = deque.owner();
    fill(owner, 1, 1);
    owner.share();
    model::threads(
        [&] {
          if (owner.try_push(2)) ++accepted;
          add(out, owner.try_pop());
        },
        [&] { add(loot, deque.thief().try_steal()); });
  }
  drain(deque, out);
  for (std::size_t i = 0; i < loot.count; ++i) out.add(loot.values[i]);
  each_once(out, accepted);
}

// Batches of two thieves, and a pop.
void batches() {
  deque_of<4> deque;
  output<6> out, loot[2];
  const auto rob = [&](output<6>& to) {
    element two[2] = {0, 0};
    const std::size_t n = deque.thief().steal_batch(std::span<element>(two));
    for (std::size_t i = 0; i < n; ++i) to.add(two[i]);
  };
  {
    auto owner = deque.owner();
    fill(owner, 1, 4);
    owner.share();
    model::threads([&] { add(out, owner.try_pop()); }, [&] { rob(loot[0]); }, [&] { rob(loot[1]); });
  }
  drain(deque, out);
  for (auto& l : loot) {
    model::require(l.rising(1, 4), "the oldest first");
    for (std::size_t i = 0; i < l.count; ++i) out.add(l.values[i]);
  }
  each_once(out, 4);
}

// A batch from one deque to another, from which a third thread steals.
void batch_to_deque() {
  deque_of<4> from, to;
  output<6> out, loot;
  {
    auto giver = from.owner();
    fill(giver, 1, 4);
    giver.share();
    auto taker = to.owner();
    model::threads([&] { add(out, giver.try_pop()); },
                   [&] {
                     const std::size_t n = from.thief().steal_batch(taker);
                     model::require(n == taker.size() || to.thief().size_hint() < n, "they are there");
                   },
                   [&] { add(loot, to.thief().try_steal()); });
  }
  drain(from, out);
  drain(to, out);
  for (std::size_t i = 0; i < loot.count; ++i) out.add(loot.values[i]);
  each_once(out, 4);
}

// Growth while a thief steals; the second round, and the third.
template <int Before>
void growth() {
  growing deque;
  output<8> out, loot;
  {
    auto owner = deque.owner();
    fill(owner, 1, Before);
    owner.share();
    model::threads([&] { fill(owner, Before + 1, Before + 2); },
                   [&] {
                     for (int i = 0; i < 2; ++i) add(loot, deque.thief().try_steal());
                   });
  }
  model::require(loot.rising(1, Before + 2), "the oldest first");
  drain(deque, out);
  for (std::size_t i = 0; i < loot.count; ++i) out.add(loot.values[i]);
  each_once(out, Before + 2);
}

// The first thing a thief hears of.
void first_round() {
  growing deque;
  output<4> out;
  {
    auto owner = deque.owner();
    model::threads([&] { fill(owner, 1, 2); }, [&] { add(out, deque.thief().try_steal()); });
  }
  drain(deque, out);
  each_once(out, 2);
}

// What a thief has emptied the owner hears of, also where it takes values back at the same time: afterwards, with two
// values there, a pop leaves one to steal.
void hints_are_heard() {
  deque_of<8> deque;
  output<8> out, loot;
  {
    auto owner = deque.owner();
    fill(owner, 1, 6);
    owner.share();
    model::threads([&] { add(out, owner.try_pop()); },
                   [&] {
                     for (int i = 0; i < 2; ++i) {
                       element some[3] = {0, 0, 0};
                       const std::size_t n = deque.thief().steal_batch(std::span<element>(some));
                       for (std::size_t k = 0; k < n; ++k) loot.add(some[k]);
                     }
                   });
    if (owner.size() >= 2) {
      add(out, owner.try_pop());
      auto v = deque.thief().try_steal();
      model::require(v.has_value(), "after a pop the oldest value is shared");
      add(loot, std::move(v));
    }
  }
  drain(deque, out);
  for (std::size_t i = 0; i < loot.count; ++i) out.add(loot.values[i]);
  each_once(out, 6);
}

// A hint that comes when something is shared again: what the owner shares then is whole, as it is by share().
void late_hint() {
  deque_of<8> deque;
  output<8> out, loot;
  {
    auto owner = deque.owner();
    fill(owner, 1, 1);
    owner.share();
    model::threads(
        [&] {
          fill(owner, 2, 2);
          owner.share();
          fill(owner, 3, 4);
        },
        [&] {
          for (int i = 0; i < 3; ++i) add(loot, deque.thief().try_steal());
        });
  }
  model::require(loot.rising(1, 4), "the oldest first");
  drain(deque, out);
  for (std::size_t i = 0; i < loot.count; ++i) out.add(loot.values[i]);
  each_once(out, 4);
}

// A close against a thief that goes on until it is told closed.
void close_against_steals() {
  deque_of<2> deque;
  output<3> out, loot;
  A::var<int> why{0};
  {
    auto owner = deque.owner();
    model::threads(
        [&] {
          fill(owner, 1, 2);
          why.ref() = 1;
          owner.close();
          model::require(owner.try_push(3).is_closed(), "a closed deque refuses");
          add(out, owner.try_pop());
        },
        [&] {
          for (;;) {
            auto v = deque.thief().try_steal();
            if (v)
              loot.add(*v);
            else if (v.is_closed())
              break;
            else
              A::pause();
          }
          model::require(why.get() == 1, "what the owner did before the close is there");
        });
    model::require(owner.try_pop().is_closed(), "nothing is left");
  }
  model::require(loot.rising(1, 2), "the oldest first");
  for (std::size_t i = 0; i < loot.count; ++i) out.add(loot.values[i]);
  each_once(out, 2);
}
void drained_publishes() {
  deque_of<2> deque;
  A::var<int> why{0};
  auto owner = deque.owner();
  model::threads(
      [&] {
        why.ref() = 1;
        owner.close();
      },
      [&] {
        if (deque.thief().is_drained()) model::require(why.get() == 1, "the reason is there");
      });
}

// Values left in it die with it.
void left_over() {
  growing deque;
  auto owner = deque.owner();
  model::threads([&] { fill(owner, 1, 3); }, [&] { (void)deque.thief().try_steal(); });
}

// ---- linearizable, but for steals that answer empty

struct deque_operation {
  enum kind { push, pop, steal } what;
  int value;
};
struct deque_result {
  int value;  // 0: none
};
struct deque_spec {
  std::vector<int> values;
  friend bool operator==(const deque_spec&, const deque_spec&) = default;

  template <class F>
  void each(const deque_operation& op, const deque_result* result, F take) const {
    deque_spec next = *this;
    if (op.what == deque_operation::push) {
      next.values.push_back(op.value);
    } else if (result != nullptr && result->value == 0) {
      if (op.what == deque_operation::pop && !values.empty())
        return;  // a pop knows; a steal may miss what is not shared
    } else {
      if (values.empty()) return;
      const int got = op.what == deque_operation::pop ? values.back() : values.front();
      if (result != nullptr && result->value != got) return;
      next.values.erase(op.what == deque_operation::pop ? next.values.end() - 1 : next.values.begin());
    }
    take(std::move(next));
  }
};

// Owner: push, push, pop, pop; two thieves.
template <class Deque>
void linear() {
  Deque deque;
  model::history<deque_operation, deque_result, model::moment> past;
  {
    auto owner = deque.owner();
    const auto push = [&](int v) {
      const auto call = past.begin(0, {deque_operation::push, v}, model::moment::now());
      (void)owner.try_push(v);
      past.end(call, {0}, model::moment::now());
    };
    const auto take = [&](std::size_t thread, deque_operation::kind what, auto f) {
      const auto call = past.begin(thread, {what, 0}, model::moment::now());
      auto v = f();
      past.end(call, {v ? static_cast<int>(*v) : 0}, model::moment::now());
    };
    const auto pop = [&] { take(0, deque_operation::pop, [&] { return owner.try_pop(); }); };
    const auto steal = [&](std::size_t t) {
      take(t, deque_operation::steal, [&] { return deque.thief().try_steal(); });
    };
    push(1);
    push(2);
    model::threads(
        [&] {
          push(3);
          pop();
          pop();
        },
        [&] { steal(1); }, [&] { steal(2); });
  }
  const auto verdict = model::linearizable(past, deque_spec{});
  model::require(verdict.passed(), verdict.text.c_str());
}

TEST_CASE("stealing_deque under the model: one value, the owner and two thieves") {
  holds(&one_for_three<0>);
  holds(&one_for_three<3>);  // the indices wrap
}
TEST_CASE("stealing_deque under the model: pops against steals") {
  holds(&pops_against_steals<0>);
  holds(&pops_against_steals<6>);
}
TEST_CASE("stealing_deque under the model: pushes against steals") {
  holds(&pushes_against_steals<2>);
  holds(&pushes_against_steals<4>);
  holds(&slot_again);
}
TEST_CASE("stealing_deque under the model: batches") {
  holds(&batches);
  holds(&batch_to_deque);
}
TEST_CASE("stealing_deque under the model: growth under a thief") {
  holds(&first_round);
  holds(&growth<1>);
  holds(&growth<2>);
  holds(&growth<3>);
}
TEST_CASE("stealing_deque under the model: no hint is lost") {
  holds(&hints_are_heard);
  holds(&late_hint);
}
TEST_CASE("stealing_deque under the model: closed is told behind the last value, and publishes") {
  holds(&close_against_steals);
  holds(&drained_publishes);
}
TEST_CASE("stealing_deque under the model: what is left dies with the deque") { holds(&left_over); }
TEST_CASE("stealing_deque under the model: linearizable as a deque, steals that find nothing aside") {
  holds(&linear<deque_of<4>>);
  holds_at_random(&linear<growing>);
}
TEST_CASE("stealing_deque under the model: lock-free, whoever is stopped") {
  const auto free = [](void (*body)()) {
    const model::report r = model::check(model::lock_freedom{.executions = 3000}, body);
    INFO(r.text());
    CHECK(r.passed());
  };
  free(&one_for_three<0>);
  free(&pops_against_steals<0>);
  free(&pushes_against_steals<2>);
  free(&batches);
  free(&growth<2>);
  free(&linear<deque_of<4>>);
}

}  // namespace
