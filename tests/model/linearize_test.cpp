#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <frys/sim/model/linearize.hpp>

namespace {

namespace model = frys::sim::model;
using queue = model::queue_spec<int>;
using stack = model::stack_spec<int>;
using set = model::set_spec<int>;
using reg = model::register_spec<int>;
using counter = model::counter_spec<int>;

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

// One operation after another, by thread 0.
template <class Spec>
model::history_of<Spec> in_turn(std::vector<std::pair<typename Spec::operation, typename Spec::result>> steps) {
  model::history_of<Spec> h;
  for (auto& [op, result] : steps) h.end(h.begin(0, op), result);
  return h;
}

// Seeded numbers.
struct die {
  std::uint64_t state;
  int operator()(int n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int>((state >> 33) % static_cast<std::uint64_t>(n));
  }
};

}  // namespace

TEST_CASE("linearize: a history of one thread is judged by the specification alone") {
  CHECK(model::linearizable(model::history_of<queue>{}, queue{}));
  CHECK(model::linearizable(
      in_turn<queue>({{queue::push(1), {true}}, {queue::push(2), {true}}, {queue::pop(), {true, 1}}}), queue{}));
  CHECK_FALSE(model::linearizable(
      in_turn<queue>({{queue::push(1), {true}}, {queue::push(2), {true}}, {queue::pop(), {true, 2}}}), queue{}));
  CHECK(model::linearizable(
      in_turn<stack>({{stack::push(1), {true}}, {stack::push(2), {true}}, {stack::pop(), {true, 2}}}), stack{}));
  CHECK_FALSE(model::linearizable(
      in_turn<stack>({{stack::push(1), {true}}, {stack::push(2), {true}}, {stack::pop(), {true, 1}}}), stack{}));
  CHECK(model::linearizable(
      in_turn<queue>({{queue::pop(), queue::empty()}, {queue::push(1), {true}}, {queue::push(2), queue::full()}}),
      queue{1}));
  CHECK_FALSE(model::linearizable(in_turn<queue>({{queue::push(2), queue::full()}}), queue{1}));
  CHECK(model::linearizable(in_turn<set>({{set::insert(1), true},
                                          {set::insert(1), false},
                                          {set::contains(1), true},
                                          {set::erase(1), true},
                                          {set::erase(1), false},
                                          {set::contains(1), false}}),
                            set{}));
  CHECK(model::linearizable(in_turn<set>({{set::erase(4), true}, {set::insert(5), false}}), set{{4, 5}}));
  CHECK_FALSE(model::linearizable(in_turn<set>({{set::insert(1), true}, {set::contains(1), false}}), set{}));
  CHECK(model::linearizable(in_turn<reg>({{reg::read(), {true, 3}},
                                          {reg::write(4), {true}},
                                          {reg::exchange(5), {true, 4}},
                                          {reg::compare_exchange(4, 9), {false, 5}},
                                          {reg::compare_exchange(5, 9), {true, 5}},
                                          {reg::read(), {true, 9}}}),
                            reg{3}));
  CHECK_FALSE(model::linearizable(in_turn<reg>({{reg::write(4), {true}}, {reg::read(), {true, 0}}}), reg{}));
  CHECK(model::linearizable(in_turn<counter>({{counter::add(2), 0}, {counter::add(3), 2}, {counter::read(), 5}}),
                            counter{}));
  CHECK_FALSE(model::linearizable(in_turn<counter>({{counter::add(2), 0}, {counter::add(3), 0}}), counter{}));
}

TEST_CASE("linearize: what overlaps may be ordered either way, what does not may not") {
  for (const int seen : {0, 1}) {
    model::history_of<reg> h;
    const auto write = h.begin(0, reg::write(1));
    h.end(h.begin(1, reg::read()), {true, seen});
    h.end(write, {true});
    CHECK(model::linearizable(h, reg{}));
    // ... but once it was seen, it stays.
    h.end(h.begin(1, reg::read()), {true, 0});
    CHECK_FALSE(model::linearizable(h, reg{}));
  }
  // New, then old, both beside the write.
  for (const bool back : {false, true}) {
    model::history_of<reg> h;
    const auto write = h.begin(0, reg::write(1));
    h.end(h.begin(1, reg::read()), {true, back ? 1 : 0});
    h.end(h.begin(2, reg::read()), {true, back ? 0 : 1});
    h.end(write, {true});
    CHECK(model::linearizable(h, reg{}).passed() == !back);
  }
  // Herlihy and Wing's queue: two pushes overlap, so either may come out first; their pops agree all the same.
  model::history_of<queue> h;
  const auto x = h.begin(0, queue::push(1)), y = h.begin(1, queue::push(2));
  h.end(y, {true});
  h.end(x, {true});
  const auto first = h.begin(1, queue::pop());
  h.end(first, queue::got(2));
  h.end(h.begin(2, queue::pop()), queue::got(1));
  CHECK(model::linearizable(h, queue{}));
  h.end(h.begin(2, queue::pop()), queue::got(1));
  CHECK_FALSE(model::linearizable(h, queue{}));
}

TEST_CASE("linearize: a pending operation may have happened, or not, with any result") {
  for (const int seen : {0, 1}) {
    model::history_of<reg> h;
    h.begin(0, reg::write(1));
    h.end(h.begin(1, reg::read()), {true, seen});
    CHECK(model::linearizable(h, reg{}));
  }
  model::history_of<queue> h;
  h.begin(0, queue::pop());  // takes the 1
  h.end(h.begin(1, queue::push(1)), {true});
  h.end(h.begin(1, queue::push(2)), {true});
  h.end(h.begin(1, queue::pop()), queue::got(2));
  CHECK(model::linearizable(h, queue{}));
  h.begin(0, queue::push(3));
  h.end(h.begin(1, queue::pop()), queue::got(3));
  CHECK(model::linearizable(h, queue{}));
  h.end(h.begin(1, queue::pop()), queue::got(3));
  CHECK_FALSE(model::linearizable(h, queue{}));
  // It does not happen before it begins.
  model::history_of<reg> late;
  late.end(late.begin(1, reg::read()), {true, 1});
  late.begin(0, reg::write(1));
  CHECK_FALSE(model::linearizable(late, reg{}));
}

TEST_CASE("linearize: record() and add() put histories together") {
  model::history_of<counter> a, b;
  CHECK(a.record(0, counter::add(1), [] { return 0; }) == 0);
  b.end(b.begin(1, counter::add(1), 4), 1, 5);
  a.add(b);
  CHECK(a.size() == 2);
  CHECK(model::linearizable(a, counter{}));
  a.record(0, counter::read(), [] { return 1; });  // stamped after all that came in
  CHECK_FALSE(model::linearizable(a, counter{}));
  a.clear();
  CHECK(a.size() == 0);
}

TEST_CASE("linearize: the explanation tells the longest order and what fits nowhere") {
  const auto v = model::linearizable(in_turn<queue>({{queue::push(7), {true}},
                                                     {queue::push(8), {true}},
                                                     {queue::pop(), queue::got(8)},
                                                     {queue::pop(), queue::got(7)}}),
                                     queue{});
  CHECK_FALSE(v.passed());
  CHECK(v.complete);
  INFO(v.text);
  CHECK(has(v.text, "not linearizable: 4 operations have ended"));
  CHECK(has(v.text, "  thread 0: push(7) -> ok"));
  CHECK(has(v.text, "thread 0: pop() -> ok 8; it would be ok 7"));
  CHECK_FALSE(has(v.text, "pop() -> ok 7\n"));  // not yet its turn
  CHECK(has(model::linearizable(in_turn<reg>({{reg::read(), {true, 1}}}), reg{}).text, "none can be the first"));
  CHECK(model::linearizable(in_turn<reg>({{reg::read(), {true, 0}}}), reg{}).text.empty());
  // Long beginnings are cut.
  model::history_of<counter> h;
  for (int i = 0; i < 100; ++i) h.end(h.begin(0, counter::add(1)), i);
  h.end(h.begin(3, counter::add(1)), 7);
  const auto cut = model::linearizable(h, counter{});
  CHECK(has(cut.text, "(80 before)"));
  CHECK(has(cut.text, "thread 3: add(1) -> 7; it would be 100"));
}

TEST_CASE("linearize: keys are judged one by one") {
  // Ten overlapping operations on each of twelve keys: far too many orders together.
  model::history_of<set> h;
  std::vector<decltype(h)::call> open;
  for (int key = 0; key < 12; ++key)
    for (int i = 0; i < 10; ++i)
      open.push_back(h.begin(static_cast<std::size_t>(i), i % 2 ? set::erase(key) : set::insert(key)));
  for (const auto c : open) h.end(c, true);
  const auto v = model::linearizable(h, set{});
  CHECK(v.passed());
  CHECK(v.states < 12 * 500);
  h.end(h.begin(0, set::contains(5)), true);
  const auto wrong = model::linearizable(h, set{});
  CHECK_FALSE(wrong.passed());
  CHECK(wrong.complete);
  CHECK(has(wrong.text, "key 5, not linearizable"));
  CHECK_FALSE(has(wrong.text, "(6)"));
}

TEST_CASE("linearize: any container and a function make a specification") {
  struct step {
    int take;  // 0: put one more at the end
    int value;
  };
  const auto steal = [](std::deque<int>& d, const step& s) -> std::optional<int> {
    if (s.take == 0) return d.push_back(s.value), s.value;
    if (d.empty()) return std::nullopt;
    const int got = s.take > 0 ? d.back() : d.front();
    s.take > 0 ? d.pop_back() : d.pop_front();
    return got;
  };
  model::history<step, std::optional<int>> h;
  h.end(h.begin(0, {0, 1}), 1);
  h.end(h.begin(0, {0, 2}), 2);
  h.end(h.begin(1, {-1, 0}), 1);
  h.end(h.begin(0, {1, 0}), 2);
  h.end(h.begin(1, {-1, 0}), std::nullopt);
  CHECK(model::linearizable(h, model::over(std::deque<int>{}, steal)));
  h.end(h.begin(1, {-1, 0}), 5);
  const auto v = model::linearizable(h, model::over(std::deque<int>{}, steal));
  CHECK_FALSE(v.passed());
  CHECK(has(v.text, "-> 5; it would be none"));

  // A map: one register for each key. The function may hold something.
  int bonus = 1;
  const auto add = [bonus](std::map<std::string, int>& m, const std::pair<std::string, int>& op) {
    return m[op.first] += op.second * bonus;
  };
  const auto key = [](const std::pair<std::string, int>& op) { return op.first; };
  model::history<std::pair<std::string, int>, int> sums;
  sums.end(sums.begin(0, {"a", 1}), 1);
  sums.end(sums.begin(0, {"b", 1}), 1);
  sums.end(sums.begin(0, {"a", 1}), 2);
  CHECK(model::linearizable(sums, model::over_keyed(std::map<std::string, int>{}, add, key)));
  sums.end(sums.begin(0, {"b", 1}), 1);
  CHECK(has(model::linearizable(sums, model::over_keyed(std::map<std::string, int>{}, add, key)).text, "key b"));
}

TEST_CASE("linearize: out of order by k") {
  using relaxed = model::relaxed_queue_spec<int>;
  const auto h = in_turn<queue>({{queue::push(1), {true}},
                                 {queue::push(2), {true}},
                                 {queue::push(3), {true}},
                                 {queue::pop(), queue::got(3)},
                                 {queue::pop(), queue::got(1)},
                                 {queue::pop(), queue::got(2)},
                                 {queue::pop(), queue::empty()}});
  CHECK_FALSE(model::linearizable(h, queue{}));
  CHECK_FALSE(model::linearizable(h, relaxed{1}));
  CHECK(model::linearizable(h, relaxed{2}));
  CHECK(model::least_relaxation(h, 5) == std::optional<std::size_t>(2));
  CHECK(model::least_relaxation(h, 1) == std::nullopt);
  // Equal values: which of them was taken stays open.
  const auto same = in_turn<queue>({{queue::push(1), {true}},
                                    {queue::push(2), {true}},
                                    {queue::push(1), {true}},
                                    {queue::pop(), queue::got(1)},
                                    {queue::pop(), queue::got(1)},
                                    {queue::pop(), queue::got(2)}});
  CHECK(model::least_relaxation(same, 5) == std::optional<std::size_t>(1));
  // Values are neither lost nor made up, whatever k; emptiness is told only by those that may miss.
  const auto lost = in_turn<queue>({{queue::push(1), {true}}, {queue::pop(), queue::empty()}});
  CHECK_FALSE(model::linearizable(lost, relaxed{9}));
  CHECK(model::linearizable(lost, relaxed{1, true}));
  CHECK_FALSE(model::linearizable(lost, relaxed{0, true}));
  CHECK_FALSE(
      model::linearizable(in_turn<queue>({{queue::push(1), {true}}, {queue::pop(), queue::got(2)}}), relaxed{9}));
  CHECK_FALSE(model::linearizable(in_turn<queue>({{queue::push(1), queue::full()}}), relaxed{9}));
  CHECK(model::linearizable(in_turn<queue>({{queue::push(1), {true}}, {queue::push(1), queue::full()}}),
                            relaxed{9, false, 1}));
  // Pending: a pop may have taken any of the k + 1 oldest, but only one.
  model::history_of<queue> pending;
  for (const int value : {1, 2, 3}) pending.end(pending.begin(0, queue::push(value)), {true});
  pending.begin(1, queue::pop());
  pending.end(pending.begin(0, queue::pop()), queue::got(1));
  pending.end(pending.begin(0, queue::push(4)), {true});
  pending.end(pending.begin(0, queue::pop()), queue::got(3));
  pending.end(pending.begin(0, queue::pop()), queue::got(4));
  CHECK(model::linearizable(pending, relaxed{0}));
  auto more = pending;
  more.end(more.begin(0, queue::pop()), queue::got(2));
  CHECK_FALSE(model::linearizable(more, relaxed{0}));
  CHECK(model::linearizable(more, relaxed{2}));
  pending.end(pending.begin(0, queue::push(5)), {true});
  pending.end(pending.begin(0, queue::pop()), queue::empty());
  CHECK_FALSE(model::linearizable(pending, relaxed{9}));  // of 2 and 5, it took one
}

namespace {

// A stamp of happens-before between two threads, as a vector clock gives it.
struct clock_stamp {
  int thread = 0;
  std::array<int, 3> known{};

  friend bool operator<(const clock_stamp& a, const clock_stamp& b) {
    return a.known[static_cast<std::size_t>(a.thread)] <= b.known[static_cast<std::size_t>(a.thread)];
  }
};

}  // namespace

TEST_CASE("linearize: stamps may say what happens before what instead of what came first") {
  // A push that was over before a pop began, yet unknown to the popping thread: it may find nothing.
  for (const bool known : {false, true}) {
    model::history_of<queue, clock_stamp> h;
    const auto push = h.begin(0, queue::push(1), {0, {1, 0, 0}});
    h.end(push, {true}, {0, {2, 0, 0}});
    const auto pop = h.begin(1, queue::pop(), {1, {known ? 2 : 0, 1, 0}});
    h.end(pop, queue::empty(), {1, {known ? 2 : 0, 2, 0}});
    CHECK(model::linearizable(h, queue{}).passed() == !known);
  }
}

TEST_CASE("linearize: the search is bounded, and says when it gave up") {
  // Twenty pushes at once, and a pop of something that nobody pushed.
  model::history_of<queue> h;
  std::vector<decltype(h)::call> open;
  for (int i = 0; i < 20; ++i) open.push_back(h.begin(static_cast<std::size_t>(i), queue::push(i)));
  for (const auto c : open) h.end(c, {true});
  h.end(h.begin(0, queue::pop()), queue::got(99));
  const auto v = model::linearizable(h, queue{}, {5000});
  CHECK_FALSE(v.passed());
  CHECK_FALSE(v.complete);
  CHECK(v.states <= 5001);
  CHECK(has(v.text, "undecided"));
  CHECK(model::least_relaxation(h, 50, {5000}) == std::nullopt);
  // A long history without much overlap is no trouble.
  model::history_of<counter> longer;
  for (int i = 0; i < 4000; i += 2) {
    const auto a = longer.begin(0, counter::add(1)), b = longer.begin(1, counter::add(1));
    longer.end(a, i + 1);
    longer.end(b, i);
  }
  const auto w = model::linearizable(longer, counter{});
  CHECK(w.passed());
  CHECK(w.states < 10000);
}

namespace {

// Brute force: every subset of the pending operations, every order of the rest.
template <class Op, class Result, class Spec>
bool by_permutation(const model::history<Op, Result>& h, const Spec& start) {
  const auto& all = h.operations();
  std::vector<std::size_t> pending;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (!all[i].result) pending.push_back(i);
  for (std::size_t taken = 0; taken < (std::size_t{1} << pending.size()); ++taken) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto p = std::find(pending.begin(), pending.end(), i);
      if (p == pending.end() || ((taken >> (p - pending.begin())) & 1u)) order.push_back(i);
    }
    do {
      bool good = true;
      for (std::size_t i = 0; i < order.size() && good; ++i)
        for (std::size_t j = i + 1; j < order.size() && good; ++j)
          good = !(all[order[j]].result && all[order[j]].end < all[order[i]].begin);
      Spec spec = start;
      for (std::size_t i = 0; i < order.size() && good; ++i) {
        const auto result = spec.apply(all[order[i]].op);
        good = !all[order[i]].result || result == *all[order[i]].result;
      }
      if (good) return true;
    } while (std::next_permutation(order.begin(), order.end()));
  }
  return false;
}

// A random history of three threads. Its results come from a run of the specification at each operation's end or
// somewhere before, and are then, half of the time, spoilt once.
template <class Spec, class MakeOp, class Spoil>
model::history_of<Spec> any_history(die& d, Spec spec, MakeOp make_op, Spoil spoil) {
  struct open_call {
    typename model::history_of<Spec>::call call;
    typename Spec::operation op;
    std::optional<typename Spec::result> result;
  };
  model::history_of<Spec> h;
  std::array<std::optional<open_call>, 3> open;
  int begun = 0, to_spoil = d(2) ? d(6) : -1;
  const int length = 1 + d(6);
  for (int steps = 0; steps < 60; ++steps) {
    const auto t = static_cast<std::size_t>(d(3));
    auto& o = open[t];
    if (!o) {
      if (begun == length) continue;
      ++begun;
      const typename Spec::operation op = make_op(d);
      o = open_call{h.begin(t, op), op, std::nullopt};
    } else if (!o->result) {
      o->result = spec.apply(o->op);
      if (to_spoil-- == 0) spoil(d, *o->result);
    } else {
      h.end(o->call, *o->result);
      o.reset();
    }
  }
  return h;
}

template <class Spec, class MakeOp, class Spoil>
void cross_check(std::uint64_t seed, MakeOp make_op, Spoil spoil) {
  die d{seed};
  int right = 0, wrong = 0, different = 0;
  for (int round = 0; round < 1500; ++round) {
    const auto h = any_history(d, Spec{}, make_op, spoil);
    const bool expected = by_permutation(h, Spec{});
    const auto v = model::linearizable(h, Spec{});
    different += v.passed() != expected || !v.complete || v.text.empty() != expected;
    ++(expected ? right : wrong);
  }
  CHECK(different == 0);
  CHECK(right > 300);
  CHECK(wrong > 100);
}

}  // namespace

TEST_CASE("linearize: the same verdicts as trying every order, on small random histories") {
  const auto put_or_take = [](die& d) { return d(2) ? queue::pop() : queue::push(d(3)); };
  const auto other = [](die& d, auto& result) {
    if (d(3) == 0)
      result.ok = !result.ok;
    else
      result.value += 1;
  };
  SUBCASE("queue") { cross_check<queue>(1, put_or_take, other); }
  SUBCASE("stack") { cross_check<stack>(2, put_or_take, other); }
  SUBCASE("register") {
    const auto any = [](die& d) {
      const int v = d(3);
      switch (d(4)) {
        case 0:
          return reg::read();
        case 1:
          return reg::write(v);
        case 2:
          return reg::exchange(v);
        default:
          return reg::compare_exchange(d(3), v);
      }
    };
    cross_check<reg>(3, any, other);
  }
  SUBCASE("set, by keys") {
    const auto any = [](die& d) {
      const int k = d(2);
      switch (d(3)) {
        case 0:
          return set::insert(k);
        case 1:
          return set::erase(k);
        default:
          return set::contains(k);
      }
    };
    cross_check<set>(4, any, [](die&, bool& result) { result = !result; });
  }
  SUBCASE("counter") {
    cross_check<counter>(
        5, [](die& d) { return counter::add(d(3)); }, [](die& d, int& result) { result += d(2) ? 1 : -1; });
  }
  SUBCASE("relaxed queue without relaxation is a queue") {
    die d{6};
    int different = 0;
    for (int round = 0; round < 1000; ++round) {
      const auto h = any_history(d, queue{}, put_or_take, other);
      different += model::linearizable(h, model::relaxed_queue_spec<int>{0}).passed() !=
                   model::linearizable(h, queue{}).passed();
    }
    CHECK(different == 0);
  }
}
