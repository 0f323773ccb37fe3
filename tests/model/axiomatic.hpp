// axiomatic: what a litmus program may do, straight from the axioms of RC11: every execution is written down, judged.
//
// Use when  an answer is needed that owes nothing to the model checker: it is the checker's judge.
// Model     Lahav, Vafeiadis, Kang, Hur, Dreyer, "Repairing sequential consistency in C/C++11", PLDI 2017, with the
//           release sequences of C++20 (a write and the read-modify-writes that follow it, of any thread; P0982).
//             coherence    hb ; eco?  is irreflexive
//             atomicity    rmw and (rb ; mo)  have no pair in common
//             sc           psc_base + psc_F  is acyclic
//             no thin air  po + rf  is acyclic
// Limits    straight-line programs, 64 events, atomics only: no races, no mixed sizes.
#ifndef FRYS_TESTS_MODEL_AXIOMATIC_HPP
#define FRYS_TESTS_MODEL_AXIOMATIC_HPP

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace litmus {

using order = std::memory_order;
inline constexpr order relaxed = order::relaxed, acquire = order::acquire, release = order::release;
inline constexpr order acq_rel = order::acq_rel, seq_cst = order::seq_cst;

enum class kind : std::uint8_t { store, load, fetch_add, exchange, cas, fence };

// One step of a thread. `into` is a register; registers are numbered through the whole program and start at 0.
struct instruction {
  kind what = kind::fence;
  int location = 0;
  int value = 0;     // stored, added, or the desired value
  int expected = 0;  // of cas, which never fails by itself
  int into = 0;      // receives the value read
  order how = relaxed;
  order failure = relaxed;  // of cas
};

inline instruction store(int location, int value, order o) { return {kind::store, location, value, 0, 0, o}; }
inline instruction load(int location, int into, order o) { return {kind::load, location, 0, 0, into, o}; }
inline instruction fetch_add(int location, int value, int into, order o) {
  return {kind::fetch_add, location, value, 0, into, o};
}
inline instruction exchange(int location, int value, int into, order o) {
  return {kind::exchange, location, value, 0, into, o};
}
inline instruction cas(int location, int expected, int desired, int into, order o, order failure) {
  return {kind::cas, location, desired, expected, into, o, failure};
}
inline instruction fence(order o) { return {kind::fence, 0, 0, 0, 0, o}; }

// Every location is written 0 before anything starts.
struct program {
  std::vector<std::vector<instruction>> threads;
  int locations = 0;
  int registers = 0;
};

// The program for the threads; locations and registers are counted.
inline program make(std::vector<std::vector<instruction>> threads) {
  program p;
  p.threads = std::move(threads);
  for (const auto& t : p.threads)
    for (const instruction& i : t) {
      if (i.what == kind::fence) continue;
      p.locations = (std::max)(p.locations, i.location + 1);
      if (i.what != kind::store) p.registers = (std::max)(p.registers, i.into + 1);
    }
  return p;
}

// The registers, then the last value of every location.
using outcome = std::vector<int>;
using outcomes = std::set<outcome>;

// --- text ---
inline const char* name(order o) {
  switch (o) {
    case order::relaxed:
      return "rlx";
    case order::acquire:
      return "acq";
    case order::release:
      return "rel";
    case order::acq_rel:
      return "acq_rel";
    default:
      return "sc";
  }
}
inline std::string text(const instruction& i) {
  const std::string at(1, "xyzwuv"[i.location % 6]), into = "r" + std::to_string(i.into) + " = ";
  const std::string value = std::to_string(i.value), how = std::string(", ") + name(i.how) + ")";
  switch (i.what) {
    case kind::store:
      return at + ".store(" + value + how;
    case kind::load:
      return into + at + ".load(" + name(i.how) + ")";
    case kind::fetch_add:
      return into + at + ".fetch_add(" + value + how;
    case kind::exchange:
      return into + at + ".exchange(" + value + how;
    case kind::cas:
      return into + at + ".cas(" + std::to_string(i.expected) + " -> " + value + ", " + name(i.how) + ", " +
             name(i.failure) + ")";
    default:
      return std::string("fence(") + name(i.how) + ")";
  }
}
inline std::string text(const program& p) {
  std::string s;
  for (std::size_t t = 0; t < p.threads.size(); ++t) {
    s += (t ? "  ||  " : "");
    for (std::size_t i = 0; i < p.threads[t].size(); ++i) s += (i ? "; " : "") + text(p.threads[t][i]);
  }
  return s;
}
inline std::string text(const outcomes& set) {
  std::string s;
  for (const outcome& o : set) {
    s += "(";
    for (std::size_t i = 0; i < o.size(); ++i) s += (i ? "," : "") + std::to_string(o[i]);
    s += ") ";
  }
  return s;
}

// --- relations between at most 64 events ---
struct relation {
  std::array<std::uint64_t, 64> row{};
  std::size_t used = 0;  // events from here on are in no pair

  bool has(int a, int b) const { return (row[index(a)] >> b) & 1u; }
  void add(int a, int b) {
    row[index(a)] |= std::uint64_t{1} << b;
    used = (std::max)(used, index((std::max)(a, b)) + 1);
  }
  friend relation operator|(relation a, const relation& b) {
    a.used = (std::max)(a.used, b.used);
    for (std::size_t i = 0; i < b.used; ++i) a.row[i] |= b.row[i];
    return a;
  }
  friend relation operator&(relation a, const relation& b) {
    for (std::size_t i = 0; i < a.used; ++i) a.row[i] &= b.row[i];
    return a;
  }
  // a without b
  friend relation operator-(relation a, const relation& b) {
    for (std::size_t i = 0; i < a.used; ++i) a.row[i] &= ~b.row[i];
    return a;
  }
  // a ; b
  friend relation operator*(const relation& a, const relation& b) {
    relation c;
    c.used = (std::max)(a.used, b.used);
    for (std::size_t i = 0; i < a.used; ++i)
      for (std::uint64_t m = a.row[i]; m; m &= m - 1) c.row[i] |= b.row[static_cast<std::size_t>(std::countr_zero(m))];
    return c;
  }
  relation inverse() const {
    relation c;
    for (std::size_t i = 0; i < used; ++i)
      for (std::uint64_t m = row[i]; m; m &= m - 1) c.add(std::countr_zero(m), static_cast<int>(i));
    return c;
  }
  // One step or more.
  relation closure() const {
    relation c = *this;
    for (std::size_t k = 0; k < used; ++k) {
      if (!c.row[k]) continue;
      for (std::size_t i = 0; i < used; ++i)
        if ((c.row[i] >> k) & 1u) c.row[i] |= c.row[k];
    }
    return c;
  }
  // r?, on all 64 events
  relation maybe() const {
    relation c = *this;
    for (int i = 63; i >= 0; --i) c.row[index(i)] |= std::uint64_t{1} << i;
    c.used = 64;
    return c;
  }
  bool empty() const {
    return std::all_of(row.begin(), row.end(), [](std::uint64_t r) { return r == 0; });
  }
  bool irreflexive() const {
    for (int i = 0; i < 64; ++i)
      if (has(i, i)) return false;
    return true;
  }
  bool acyclic() const { return closure().irreflexive(); }
  static std::size_t index(int i) { return static_cast<std::size_t>(i); }
};

// [S] for the events where `in` answers true.
template <class Events, class In>
relation where(const Events& events, In in) {
  relation c;
  for (std::size_t i = 0; i < events.size(); ++i)
    if (in(events[i])) c.add(static_cast<int>(i), static_cast<int>(i));
  return c;
}

// --- the enumerator ---
class enumerator {
 public:
  explicit enumerator(const program& p) : program_(p) {}

  outcomes run() {
    std::size_t number_of_cas = 0;
    for (const auto& t : program_.threads)
      for (const instruction& i : t) number_of_cas += i.what == kind::cas;
    for (std::uint64_t succeeds = 0; succeeds < (std::uint64_t{1} << number_of_cas); ++succeeds) {
      build(succeeds);
      choose_sources(0);
    }
    return found_;
  }
  // How many consistent executions run() has seen: they differ in rf or mo.
  std::size_t executions() const { return executions_; }

 private:
  struct event {
    int thread = -1;    // -1: the initialising writes
    int location = -1;  // -1: a fence
    bool reads = false, writes = false;
    order how = relaxed;
    instruction from{};
    int pair = -1;    // the read of this write, or the write of this read, in a read-modify-write
    int source = -1;  // what a read reads from
    int got = 0, put = 0;

    bool is_fence() const { return location < 0; }
    bool is_sc() const { return how == seq_cst; }
    bool releases() const { return (writes || is_fence()) && (how == release || how == acq_rel || how == seq_cst); }
    bool acquires() const { return (reads || is_fence()) && (how == acquire || how == acq_rel || how == seq_cst); }
  };

  // The events and po for one guess of which cas succeed.
  void build(std::uint64_t succeeds) {
    events_.clear();
    po_ = same_location_ = relation{};
    for (int x = 0; x < program_.locations; ++x) {
      event e;
      e.location = x;
      e.writes = true;
      events_.push_back(e);
    }
    int next_cas = 0;
    for (std::size_t t = 0; t < program_.threads.size(); ++t)
      for (const instruction& i : program_.threads[t]) {
        event e;
        e.thread = static_cast<int>(t);
        e.from = i;
        e.how = i.how;
        if (i.what != kind::fence) e.location = i.location;
        bool both = i.what == kind::fetch_add || i.what == kind::exchange;
        if (i.what == kind::cas) {
          both = (succeeds >> next_cas++) & 1u;
          if (!both) e.how = i.failure;
        }
        const int at = static_cast<int>(events_.size());
        if (i.what == kind::store) e.writes = true;
        if (i.what == kind::load || i.what == kind::cas || both) e.reads = true;
        if (both) e.pair = at + 1;
        events_.push_back(e);
        if (both) {
          e.reads = false;
          e.writes = true;
          e.pair = at;
          events_.push_back(e);
        }
      }
    if (events_.size() > 64) std::abort();
    reads_.clear();
    for (int a = 0; a < size(); ++a) {
      if (events_[at(a)].reads) reads_.push_back(a);
      for (int b = 0; b < size(); ++b) {
        const event &l = events_[at(a)], &r = events_[at(b)];
        if ((l.thread < 0 && r.thread >= 0) || (l.thread == r.thread && l.thread >= 0 && a < b)) po_.add(a, b);
        if (l.location >= 0 && l.location == r.location) same_location_.add(a, b);
      }
    }
  }

  // Every write of the location, for every read.
  void choose_sources(std::size_t n) {
    if (n == reads_.size()) return judge_sources();
    event& r = events_[at(reads_[n])];
    for (int w = 0; w < size(); ++w) {
      const event& e = events_[at(w)];
      if (!e.writes || e.location != r.location || w == r.pair) continue;
      if (po_.has(reads_[n], w)) continue;          // no thin air would refuse it
      if (r.pair >= 0 && is_taken(n, w)) continue;  // atomicity would refuse it
      r.source = w;
      choose_sources(n + 1);
    }
  }

  // Whether a read-modify-write among the first `n` reads reads from `w`.
  bool is_taken(std::size_t n, int w) const {
    for (std::size_t i = 0; i < n; ++i)
      if (events_[at(reads_[i])].pair >= 0 && events_[at(reads_[i])].source == w) return true;
    return false;
  }

  void judge_sources() {
    relation rf;
    for (int r : reads_) rf.add(events_[at(r)].source, r);
    if (!(po_ | rf).acyclic()) return;  // no thin air
    if (!compute_values()) return;
    // rs = [W] ; (rf ; rmw)*
    relation rmw;
    for (int r : reads_)
      if (events_[at(r)].pair >= 0) rmw.add(r, events_[at(r)].pair);
    const relation writes = all([](const event& e) { return e.writes; });
    const relation fences = all([](const event& e) { return e.is_fence(); });
    const relation releasing = all([](const event& e) { return e.releases(); });
    const relation acquiring = all([](const event& e) { return e.acquires(); });
    const relation rs = writes * (rf * rmw).closure().maybe();
    // sw = [E rel] ; ([F] ; po)? ; rs ; rf ; (po ; [F])? ; [E acq]
    const relation sw = releasing * (fences * po_).maybe() * rs * rf * (po_ * fences).maybe() * acquiring;
    const relation hb = (po_ | sw).closure();
    if (!hb.irreflexive()) return;

    // The orders of each location's writes that coherence and atomicity leave.
    std::vector<std::vector<relation>> choices(at(program_.locations));
    for (int x = 0; x < program_.locations; ++x) {
      std::vector<int> rest;
      for (int w = program_.locations; w < size(); ++w)
        if (events_[at(w)].writes && events_[at(w)].location == x) rest.push_back(w);
      std::sort(rest.begin(), rest.end());
      do {
        relation mo;
        for (std::size_t i = 0; i < rest.size(); ++i) {
          mo.add(x, rest[i]);  // event x is the initialising write of location x
          for (std::size_t j = i + 1; j < rest.size(); ++j) mo.add(rest[i], rest[j]);
        }
        const relation rb = rf.inverse() * mo;
        const relation here = all([x](const event& e) { return e.location == x; });
        const relation eco = ((here * rf) | mo | rb).closure();
        if (!(hb * eco.maybe()).irreflexive()) continue;
        if (!(rmw & (rb * mo)).empty()) continue;
        choices[at(x)].push_back(mo);
      } while (std::next_permutation(rest.begin(), rest.end()));
    }
    choose_orders(rf, hb, choices, 0, relation{});
  }

  void choose_orders(const relation& rf, const relation& hb, const std::vector<std::vector<relation>>& choices,
                     std::size_t x, const relation& mo) {
    if (x == choices.size()) {
      if (sequentially_consistent(rf, hb, mo)) record(mo);
      return;
    }
    for (const relation& c : choices[x]) choose_orders(rf, hb, choices, x + 1, mo | c);
  }

  bool sequentially_consistent(const relation& rf, const relation& hb, const relation& mo) const {
    const relation sc = all([](const event& e) { return e.is_sc(); });
    if (sc.empty()) return true;
    const relation sc_fences = all([](const event& e) { return e.is_sc() && e.is_fence(); });
    const relation rb = rf.inverse() * mo;
    const relation eco = (rf | mo | rb).closure();
    const relation po_elsewhere = po_ - same_location_;
    const relation scb = po_ | (po_elsewhere * hb * po_elsewhere) | (hb & same_location_) | mo | rb;
    const relation psc_base = (sc | sc_fences * hb.maybe()) * scb * (sc | hb.maybe() * sc_fences);
    const relation psc_fences = sc_fences * (hb | hb * eco * hb) * sc_fences;
    return (psc_base | psc_fences).acyclic();
  }

  // Registers and stored values follow from the sources, for po + rf is acyclic. False: a cas was guessed wrong.
  bool compute_values() {
    std::vector<bool> known(events_.size(), false);
    for (std::size_t left = events_.size(); left;) {
      const std::size_t before = left;
      for (std::size_t i = 0; i < events_.size(); ++i) {
        event& e = events_[i];
        if (known[i]) continue;
        if (e.reads) {
          if (!known[at(e.source)]) continue;
          e.got = events_[at(e.source)].put;
          if (e.from.what == kind::cas && (e.got == e.from.expected) != (e.pair >= 0)) return false;
        } else if (e.writes) {
          if (e.pair >= 0 && !known[at(e.pair)]) continue;
          e.put = e.from.value + (e.from.what == kind::fetch_add ? events_[at(e.pair)].got : 0);
        }
        known[i] = true;
        --left;
      }
      if (left == before) std::abort();
    }
    return true;
  }

  void record(const relation& mo) {
    ++executions_;
    outcome o(at(program_.registers + program_.locations), 0);
    for (const event& e : events_)
      if (e.reads) o[at(e.from.into)] = e.got;
    for (int w = 0; w < size(); ++w)
      if (events_[at(w)].writes && mo.row[at(w)] == 0)
        o[at(program_.registers + events_[at(w)].location)] = events_[at(w)].put;
    found_.insert(o);
  }

  template <class In>
  relation all(In in) const {
    return where(events_, in);
  }
  int size() const { return static_cast<int>(events_.size()); }
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }

  const program& program_;
  std::vector<event> events_;
  std::vector<int> reads_;
  relation po_, same_location_;
  outcomes found_;
  std::size_t executions_ = 0;
};

// All that RC11 lets `p` do.
inline outcomes allowed(const program& p) { return enumerator(p).run(); }

}  // namespace litmus

#endif  // FRYS_TESTS_MODEL_AXIOMATIC_HPP
