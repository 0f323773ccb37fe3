#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <frys/sim/model.hpp>

#include "axiomatic.hpp"

// The model checker finds exactly what RC11 allows: no outcome too few, none too many. Each family is one shape of
// program with every mix of orders on its accesses and of fences between them; the judge is axiomatic.hpp. It counts
// executions too: exhaustive exploration completes each one exactly once.
// FRYS_LONG=1 takes eight times as many programs of the biggest families.

namespace {

using namespace litmus;
namespace model = frys::sim::model;

constexpr int x = 0, y = 1, z = 2;

bool is_long() {
  const char* text = std::getenv("FRYS_LONG");
  return text && text[0] == '1';
}

// What the checker finds; the body interprets the program.
struct explored {
  outcomes found;
  std::size_t executions = 0;
  bool complete = false, passed = false;
  std::string failure;
};
explored explore(const program& p) {
  using A = frys::atomics::model;
  explored answer;
  const auto body = [&p, &answer] {
    A::atomic<int> a{0}, b{0}, c{0}, d{0};
    const std::array<A::atomic<int>*, 4> place{&a, &b, &c, &d};
    std::array<int, 16> registers{};
    const auto run = [&p, &place, &registers](std::size_t t) {
      for (const instruction& i : p.threads[t]) {
        A::atomic<int>& at = *place[static_cast<std::size_t>(i.location)];
        int& into = registers[static_cast<std::size_t>(i.into)];
        switch (i.what) {
          case kind::store:
            at.store(i.value, i.how);
            break;
          case kind::load:
            into = at.load(i.how);
            break;
          case kind::fetch_add:
            into = at.fetch_add(i.value, i.how);
            break;
          case kind::exchange:
            into = at.exchange(i.value, i.how);
            break;
          case kind::cas: {
            int expected = i.expected;
            at.compare_exchange_strong(expected, i.value, i.how, i.failure);
            into = expected;
            break;
          }
          case kind::fence:
            A::fence(i.how);
            break;
        }
      }
    };
    switch (p.threads.size()) {
      case 1:
        run(0);
        break;
      case 2:
        model::threads([&] { run(0); }, [&] { run(1); });
        break;
      case 3:
        model::threads([&] { run(0); }, [&] { run(1); }, [&] { run(2); });
        break;
      default:
        model::threads([&] { run(0); }, [&] { run(1); }, [&] { run(2); }, [&] { run(3); });
        break;
    }
    // All threads have joined: a read sees the last write.
    std::array<int, 4> last{};
    for (std::size_t i = 0; i < static_cast<std::size_t>(p.locations); ++i) last[i] = place[i]->load(relaxed);
    outcome o(registers.begin(), registers.begin() + p.registers);
    o.insert(o.end(), last.begin(), last.begin() + p.locations);
    answer.found.insert(std::move(o));
  };
  const model::report r = model::check(model::exhaustive{}, body);
  answer.executions = static_cast<std::size_t>(r.executions);
  answer.complete = r.complete;
  answer.passed = r.passed();
  answer.failure = r.failure;
  return answer;
}

// Compares one program; says how it differs, or nothing.
std::string difference(const program& p) {
  enumerator judge(p);
  const outcomes right = judge.run();
  const explored e = explore(p);
  if (e.passed && e.complete && e.found == right && e.executions == judge.executions()) return {};
  std::string s = text(p) + "\n";
  if (!e.passed) s += "  failed: " + e.failure + "\n";
  if (!e.complete) s += "  not complete\n";
  if (e.executions != judge.executions())
    s += "  completed " + std::to_string(e.executions) + " executions; there are " +
         std::to_string(judge.executions()) + "\n";
  outcomes few, many;
  for (const outcome& o : right)
    if (!e.found.count(o)) few.insert(o);
  for (const outcome& o : e.found)
    if (!right.count(o)) many.insert(o);
  if (!few.empty()) s += "  missed: " + text(few) + "\n";
  if (!many.empty()) s += "  not allowed: " + text(many) + "\n";
  return s;
}

// Counts differences and shows the first few.
struct tally {
  std::size_t programs = 0, different = 0;
  std::string shown;

  void take(const program& p) {
    ++programs;
    const std::string d = difference(p);
    if (d.empty()) return;
    if (++different <= 3) shown += d;
  }
};
#define CHECK_TALLY(t) \
  CHECK_MESSAGE((t).different == 0, (t).different << " of " << (t).programs << " programs differ:\n" << (t).shown)

using threads = std::vector<std::vector<instruction>>;

// The choices of one shape: an order for each access (two for a cas), a fence or none for each gap.
class family {
 public:
  explicit family(threads shape) : shape_(std::move(shape)) {
    for (const auto& t : shape_)
      for (std::size_t i = 0; i < t.size(); ++i) {
        if (i) radix_.push_back(gaps().size());
        radix_.push_back(orders(t[i].what).size());
        if (t[i].what == kind::cas) radix_.push_back(orders(kind::load).size());
      }
    for (const std::size_t r : radix_) size_ *= r;
  }
  std::size_t size() const { return size_; }
  program operator[](std::size_t n) const {
    threads all;
    std::size_t digit = 0;
    const auto next = [&] {
      const std::size_t r = radix_[digit++], d = n % r;
      n /= r;
      return d;
    };
    for (const auto& t : shape_) {
      auto& to = all.emplace_back();
      for (std::size_t i = 0; i < t.size(); ++i) {
        if (i) {
          const std::size_t gap = next();
          if (gap) to.push_back(fence(gaps()[gap]));
        }
        instruction access = t[i];
        access.how = orders(access.what)[next()];
        if (access.what == kind::cas) access.failure = orders(kind::load)[next()];
        to.push_back(access);
      }
    }
    return make(std::move(all));
  }

 private:
  static const std::vector<order>& orders(kind k) {
    static const std::vector<order> of_store{relaxed, release, seq_cst}, of_load{relaxed, acquire, seq_cst};
    static const std::vector<order> of_both{relaxed, acquire, release, acq_rel, seq_cst};
    return k == kind::store ? of_store : k == kind::load ? of_load : of_both;
  }
  // The first stands for no fence.
  static const std::vector<order>& gaps() {
    static const std::vector<order> all{relaxed, acquire, release, acq_rel, seq_cst};
    return all;
  }
  threads shape_;
  std::vector<std::size_t> radix_;
  std::size_t size_ = 1;
};

// Runs a family, or `most` of its programs at a fixed stride that goes through all digits (prime to 2, 3 and 5).
void sweep(tally& t, const threads& shape, std::size_t most) {
  const family f(shape);
  most = is_long() ? most * 8 : most / 3;
  std::size_t stride = (f.size() + most - 1) / most;
  while (stride > 1 && (stride % 2 == 0 || stride % 3 == 0 || stride % 5 == 0)) ++stride;
  for (std::size_t n = 0; n < f.size(); n += stride) t.take(f[n]);
}
constexpr std::size_t every = std::size_t{1} << 40;

instruction w(int location, int value) { return store(location, value, relaxed); }
instruction r(int location, int into) { return load(location, into, relaxed); }
instruction add(int location, int into) { return fetch_add(location, 10, into, relaxed); }

}  // namespace

TEST_CASE("litmus: two threads of two accesses (SB, MP, LB, 2+2W, S, R), every order and fence") {
  tally t;
  SUBCASE("SB") { sweep(t, {{w(x, 1), r(y, 0)}, {w(y, 1), r(x, 1)}}, every); }
  SUBCASE("MP") { sweep(t, {{w(x, 1), w(y, 1)}, {r(y, 0), r(x, 1)}}, every); }
  SUBCASE("LB") { sweep(t, {{r(x, 0), w(y, 1)}, {r(y, 1), w(x, 1)}}, every); }
  SUBCASE("2+2W") { sweep(t, {{w(x, 1), w(y, 2)}, {w(y, 1), w(x, 2)}}, every); }
  SUBCASE("S") { sweep(t, {{w(x, 2), w(y, 1)}, {r(y, 0), w(x, 1)}}, every); }
  SUBCASE("R") { sweep(t, {{w(x, 1), w(y, 1)}, {w(y, 2), r(x, 0)}}, every); }
  CHECK_TALLY(t);
}

TEST_CASE("litmus: coherence of one location (CoRR, CoWW, CoRW, CoWR, CoRW2), every order and fence") {
  tally t;
  SUBCASE("CoWW") { sweep(t, {{w(x, 1), w(x, 2)}, {r(x, 0)}}, every); }
  SUBCASE("CoRR") { sweep(t, {{w(x, 1)}, {r(x, 0), r(x, 1)}}, every); }
  SUBCASE("CoRW") { sweep(t, {{r(x, 0), w(x, 1)}, {w(x, 2)}}, every); }
  SUBCASE("CoWR") { sweep(t, {{w(x, 1), r(x, 0)}, {w(x, 2)}}, every); }
  SUBCASE("CoRW2") { sweep(t, {{w(x, 1)}, {r(x, 0), w(x, 2)}, {r(x, 1), r(x, 2)}}, 1500); }
  SUBCASE("CoRR, two writers") { sweep(t, {{w(x, 1)}, {w(x, 2)}, {r(x, 0), r(x, 1)}}, every); }
  SUBCASE("CoRR, two readers") { sweep(t, {{w(x, 1)}, {w(x, 2)}, {r(x, 0), r(x, 1)}, {r(x, 2), r(x, 3)}}, 500); }
  SUBCASE("with a read-modify-write") { sweep(t, {{w(x, 1), add(x, 0)}, {w(x, 2), r(x, 1)}}, every); }
  CHECK_TALLY(t);
}

TEST_CASE("litmus: three and four threads (IRIW, WRC, ISA2, RWC, W+RWC, Z6.U, Z6), at a fixed stride") {
  tally t;
  SUBCASE("WRC") { sweep(t, {{w(x, 1)}, {r(x, 0), w(y, 1)}, {r(y, 1), r(x, 2)}}, 1500); }
  SUBCASE("RWC") { sweep(t, {{w(x, 1)}, {r(x, 0), r(y, 1)}, {w(y, 1), r(x, 2)}}, 1500); }
  SUBCASE("WWC") { sweep(t, {{w(x, 2)}, {r(x, 0), w(y, 1)}, {r(y, 1), w(x, 1)}}, 1000); }
  SUBCASE("IRIW") { sweep(t, {{w(x, 1)}, {w(y, 1)}, {r(x, 0), r(y, 1)}, {r(y, 2), r(x, 3)}}, 1500); }
  SUBCASE("ISA2") { sweep(t, {{w(x, 1), w(y, 1)}, {r(y, 0), w(z, 1)}, {r(z, 1), r(x, 2)}}, 1000); }
  SUBCASE("W+RWC") { sweep(t, {{w(x, 1), w(y, 1)}, {r(y, 0), r(z, 1)}, {w(z, 1), r(x, 2)}}, 1000); }
  SUBCASE("Z6.U") { sweep(t, {{w(x, 1), w(y, 1)}, {fetch_add(y, 1, 0, relaxed), r(y, 1)}, {w(y, 3), r(x, 2)}}, 1000); }
  SUBCASE("Z6") { sweep(t, {{w(x, 1), w(y, 1)}, {w(y, 2), w(z, 1)}, {r(z, 0), r(x, 1)}}, 1000); }
  SUBCASE("3.SB") { sweep(t, {{w(x, 1), r(y, 0)}, {w(y, 1), r(z, 1)}, {w(z, 1), r(x, 2)}}, 500); }
  SUBCASE("3.LB") { sweep(t, {{r(x, 0), w(y, 1)}, {r(y, 1), w(z, 1)}, {r(z, 2), w(x, 1)}}, 500); }
  SUBCASE("3.2W") { sweep(t, {{w(x, 1), w(y, 2)}, {w(y, 1), w(z, 2)}, {w(z, 1), w(x, 2)}}, 500); }
  CHECK_TALLY(t);
}

TEST_CASE("litmus: the mixes of seq_cst and weaker accesses that RC11 repaired") {
  tally t;
  t.take(make({{store(x, 1, seq_cst), store(y, 1, release)},
               {fetch_add(y, 1, 0, seq_cst), load(y, 1, relaxed)},
               {store(y, 3, seq_cst), load(x, 2, seq_cst)}}));
  t.take(make({{store(x, 1, seq_cst)},
               {store(y, 1, seq_cst)},
               {load(x, 0, acquire), load(y, 1, seq_cst)},
               {load(y, 2, acquire), load(x, 3, seq_cst)}}));
  t.take(
      make({{store(x, 1, relaxed), fence(seq_cst), load(y, 0, relaxed)}, {store(y, 1, seq_cst), load(x, 1, seq_cst)}}));
  t.take(make({{store(x, 1, relaxed), store(z, 1, release), load(z, 0, relaxed), fence(seq_cst), load(y, 1, relaxed)},
               {store(y, 1, relaxed), fence(seq_cst), load(z, 2, relaxed), load(x, 3, relaxed)}}));
  CHECK_TALLY(t);
}

TEST_CASE("litmus: read-modify-writes and release sequences, at a fixed stride") {
  tally t;
  SUBCASE("two additions") { sweep(t, {{add(x, 0)}, {add(x, 1)}}, every); }
  SUBCASE("pairs of additions") { sweep(t, {{add(x, 0), add(x, 1)}, {add(x, 2), add(x, 3)}}, 1500); }
  SUBCASE("pairs of additions, two places") { sweep(t, {{add(x, 0), add(y, 1)}, {add(y, 2), add(x, 3)}}, 1500); }
  SUBCASE("three additions") { sweep(t, {{add(x, 0)}, {add(x, 1)}, {add(x, 2)}}, every); }
  SUBCASE("MP by exchange") { sweep(t, {{w(x, 1), w(y, 1)}, {exchange(y, 2, 0, relaxed), r(x, 1)}}, 1500); }
  SUBCASE("MP by cas") { sweep(t, {{w(x, 1), w(y, 1)}, {cas(y, 1, 2, 0, relaxed, relaxed), r(x, 1)}}, 1500); }
  SUBCASE("MP by a cas that fails") {
    sweep(t, {{w(x, 1), w(y, 1)}, {cas(y, 7, 2, 0, relaxed, relaxed), r(x, 1)}}, 1500);
  }
  SUBCASE("SB by exchange") {
    sweep(t, {{exchange(x, 1, 2, relaxed), r(y, 0)}, {exchange(y, 1, 3, relaxed), r(x, 1)}}, 1500);
  }
  SUBCASE("two cas") {
    sweep(t, {{cas(x, 0, 1, 0, relaxed, relaxed), r(y, 1)}, {w(y, 1), cas(x, 0, 2, 2, relaxed, relaxed)}}, 1500);
  }
  SUBCASE("a sequence through another thread") {
    sweep(t, {{w(x, 1), w(y, 1)}, {add(y, 0)}, {r(y, 1), r(x, 2)}}, 1500);
  }
  SUBCASE("a sequence through two threads") {
    sweep(t, {{w(x, 1), w(y, 1)}, {add(y, 0)}, {add(y, 1)}, {r(y, 2), r(x, 3)}}, 500);
  }
  SUBCASE("a plain store ends a sequence") { sweep(t, {{w(x, 1), w(y, 1), w(y, 2)}, {r(y, 0), r(x, 1)}}, 1500); }
  SUBCASE("a plain store of another thread ends a sequence") {
    sweep(t, {{w(x, 1), w(y, 1)}, {w(y, 2), add(y, 2)}, {r(y, 0), r(x, 1)}}, 500);
  }
  CHECK_TALLY(t);
}

namespace {

// Any program: `threads` threads of up to `length` steps on `places` locations.
class any_program {
 public:
  explicit any_program(std::uint64_t seed) : state_(seed) {}
  program operator()(int threads_wanted, int length, int places) {
    threads all(static_cast<std::size_t>(threads_wanted));
    int registers = 0, value = 0;
    for (auto& t : all)
      for (int n = 1 + below(length); n > 0; --n) {
        const int at = below(places);
        switch (below(10)) {
          case 0:
          case 1:
          case 2:
            t.push_back(store(at, ++value, pick({relaxed, release, seq_cst})));
            break;
          case 3:
          case 4:
          case 5:
            t.push_back(load(at, registers++, pick({relaxed, acquire, seq_cst})));
            break;
          case 6:
            t.push_back(fetch_add(at, 10, registers++, both()));
            break;
          case 7:
            t.push_back(exchange(at, ++value, registers++, both()));
            break;
          case 8:
            t.push_back(cas(at, below(3), 20 + ++value, registers++, both(), pick({relaxed, acquire, seq_cst})));
            break;
          default:
            t.push_back(fence(pick({acquire, release, acq_rel, seq_cst, seq_cst})));
            break;
        }
      }
    return make(std::move(all));
  }

 private:
  int below(int n) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int>((state_ >> 33) % static_cast<std::uint64_t>(n));
  }
  order pick(const std::vector<order>& from) {
    return from[static_cast<std::size_t>(below(static_cast<int>(from.size())))];
  }
  order both() { return pick({relaxed, acquire, release, acq_rel, seq_cst}); }
  std::uint64_t state_;
};

}  // namespace

TEST_CASE("litmus: any small program, from a fixed seed") {
  const int rounds = is_long() ? 4000 : 60;
  tally t;
  any_program any(20170618);
  SUBCASE("two threads of up to five steps") {
    for (int i = 0; i < rounds; ++i) t.take(any(2, 5, 2));
  }
  SUBCASE("two threads, three places") {
    for (int i = 0; i < rounds; ++i) t.take(any(2, 5, 3));
  }
  SUBCASE("three threads of up to three steps") {
    for (int i = 0; i < rounds; ++i) t.take(any(3, 3, 2));
  }
  SUBCASE("four threads of up to two steps") {
    for (int i = 0; i < rounds; ++i) t.take(any(4, 2, 2));
  }
  CHECK_TALLY(t);
}
