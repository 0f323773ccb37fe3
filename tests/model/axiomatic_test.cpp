#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <vector>

#include "axiomatic.hpp"

// The judge is judged: by verdicts that the literature gives, written by hand, and by two laws of the memory model.

namespace {

using namespace litmus;

constexpr int x = 0, y = 1, z = 2;

// Whether some outcome begins with these registers.
bool may(const program& p, std::initializer_list<int> registers) {
  for (const outcome& o : allowed(p))
    if (std::equal(registers.begin(), registers.end(), o.begin())) return true;
  return false;
}
// Whether some outcome is exactly this one.
bool may_all(const program& p, const outcome& o) { return allowed(p).count(o) != 0; }

program sb(order w, order r) { return make({{store(x, 1, w), load(y, 0, r)}, {store(y, 1, w), load(x, 1, r)}}); }
program sb_fences(order a, order b) {
  return make(
      {{store(x, 1, relaxed), fence(a), load(y, 0, relaxed)}, {store(y, 1, relaxed), fence(b), load(x, 1, relaxed)}});
}
program mp(order w, order r) {
  return make({{store(x, 1, relaxed), store(y, 1, w)}, {load(y, 0, r), load(x, 1, relaxed)}});
}
program iriw(order w, order r, order f) {
  return make({{store(x, 1, w)},
               {store(y, 1, w)},
               {load(x, 0, r), fence(f), load(y, 1, r)},
               {load(y, 2, r), fence(f), load(x, 3, r)}});
}
// The same order on every access that can have it.
program all_with(program p, order o) {
  for (auto& t : p.threads)
    for (instruction& i : t) i.how = i.failure = o;
  return p;
}

}  // namespace

TEST_CASE("axiomatic: store buffering") {
  CHECK(may(sb(relaxed, relaxed), {0, 0}));
  CHECK(may(sb(release, acquire), {0, 0}));
  CHECK(may(sb(seq_cst, acquire), {0, 0}));
  CHECK(may(sb(release, seq_cst), {0, 0}));
  CHECK_FALSE(may(sb(seq_cst, seq_cst), {0, 0}));
  CHECK(allowed(sb(seq_cst, seq_cst)).size() == 3);
  CHECK(allowed(sb(relaxed, relaxed)).size() == 4);
  CHECK_FALSE(may(sb_fences(seq_cst, seq_cst), {0, 0}));
  CHECK(may(sb_fences(seq_cst, acq_rel), {0, 0}));
  CHECK(may(sb_fences(acq_rel, acq_rel), {0, 0}));
  // A fence on one side is as good as seq_cst accesses on the other.
  CHECK_FALSE(may(
      make({{store(x, 1, relaxed), fence(seq_cst), load(y, 0, relaxed)}, {store(y, 1, seq_cst), load(x, 1, seq_cst)}}),
      {0, 0}));
  CHECK(may(
      make({{store(x, 1, relaxed), fence(seq_cst), load(y, 0, relaxed)}, {store(y, 1, release), load(x, 1, seq_cst)}}),
      {0, 0}));
  // Read-modify-writes in place of the stores do not help unless all are seq_cst ...
  CHECK(
      may(make({{exchange(x, 1, 2, acq_rel), load(y, 0, acquire)}, {exchange(y, 1, 3, acq_rel), load(x, 1, acquire)}}),
          {0, 0}));
  // ... in place of the loads they do: whoever comes second sees the first.
  CHECK_FALSE(may(make({{store(x, 1, relaxed), fetch_add(z, 0, 2, acq_rel), load(y, 0, relaxed)},
                        {store(y, 1, relaxed), fetch_add(z, 0, 3, acq_rel), load(x, 1, relaxed)}}),
                  {0, 0}));
}

TEST_CASE("axiomatic: message passing") {
  CHECK(may(mp(relaxed, relaxed), {1, 0}));
  CHECK(may(mp(release, relaxed), {1, 0}));
  CHECK(may(mp(relaxed, acquire), {1, 0}));
  CHECK_FALSE(may(mp(release, acquire), {1, 0}));
  CHECK_FALSE(may(mp(seq_cst, seq_cst), {1, 0}));
  CHECK(allowed(mp(release, acquire)).size() == 3);
  const auto with_fences = [](order f, order g) {
    return make(
        {{store(x, 1, relaxed), fence(f), store(y, 1, relaxed)}, {load(y, 0, relaxed), fence(g), load(x, 1, relaxed)}});
  };
  CHECK_FALSE(may(with_fences(release, acquire), {1, 0}));
  CHECK_FALSE(may(with_fences(seq_cst, seq_cst), {1, 0}));
  CHECK(may(with_fences(acquire, acquire), {1, 0}));
  CHECK(may(with_fences(release, release), {1, 0}));
}

TEST_CASE("axiomatic: load buffering is never allowed, by the axiom of no thin air") {
  const auto lb = [](order w, order r) {
    return make({{load(x, 0, r), store(y, 1, w)}, {load(y, 1, r), store(x, 1, w)}});
  };
  CHECK_FALSE(may(lb(relaxed, relaxed), {1, 1}));
  CHECK(may(lb(relaxed, relaxed), {0, 0}));
  CHECK(may(lb(relaxed, relaxed), {1, 0}));
  CHECK(may(lb(relaxed, relaxed), {0, 1}));
}

TEST_CASE("axiomatic: independent reads of independent writes") {
  CHECK(may(iriw(relaxed, relaxed, relaxed), {1, 0, 1, 0}));
  CHECK(may(iriw(release, acquire, relaxed), {1, 0, 1, 0}));
  CHECK_FALSE(may(iriw(seq_cst, seq_cst, relaxed), {1, 0, 1, 0}));
  CHECK_FALSE(may(iriw(relaxed, relaxed, seq_cst), {1, 0, 1, 0}));
  CHECK_FALSE(may(iriw(release, acquire, seq_cst), {1, 0, 1, 0}));
  CHECK(may(iriw(seq_cst, acquire, relaxed), {1, 0, 1, 0}));
  CHECK(may(iriw(relaxed, seq_cst, relaxed), {1, 0, 1, 0}));
}

TEST_CASE("axiomatic: two writes each") {
  const auto two = [](order o) { return make({{store(x, 1, o), store(y, 2, o)}, {store(y, 1, o), store(x, 2, o)}}); };
  CHECK(may_all(two(relaxed), {1, 1}));
  CHECK(may_all(two(release), {1, 1}));
  CHECK_FALSE(may_all(two(seq_cst), {1, 1}));
  CHECK(may_all(two(seq_cst), {2, 2}));
  const auto fenced = [](order f) {
    return make({{store(x, 1, relaxed), fence(f), store(y, 2, relaxed)},
                 {store(y, 1, relaxed), fence(f), store(x, 2, relaxed)}});
  };
  CHECK(may_all(fenced(acq_rel), {1, 1}));
  CHECK_FALSE(may_all(fenced(seq_cst), {1, 1}));
}

TEST_CASE("axiomatic: coherence, whatever the orders") {
  // CoRR: two reads of a thread do not go back.
  CHECK_FALSE(may(make({{store(x, 1, relaxed)}, {load(x, 0, relaxed), load(x, 1, relaxed)}}), {1, 0}));
  // CoRR of two readers: they agree on the order of the writes.
  const program two_readers = make({{store(x, 1, relaxed)},
                                    {store(x, 2, relaxed)},
                                    {load(x, 0, relaxed), load(x, 1, relaxed)},
                                    {load(x, 2, relaxed), load(x, 3, relaxed)}});
  CHECK_FALSE(may(two_readers, {1, 2, 2, 1}));
  CHECK(may(two_readers, {1, 2, 1, 2}));
  // CoWW, CoRW, CoWR, CoRW2.
  CHECK(allowed(make({{store(x, 1, relaxed), store(x, 2, relaxed)}})) == outcomes{{2}});
  CHECK_FALSE(may(make({{load(x, 0, relaxed), store(x, 1, relaxed)}}), {1}));
  CHECK(may_all(make({{store(x, 1, relaxed), load(x, 0, relaxed)}, {store(x, 2, relaxed)}}), {2, 2}));
  CHECK_FALSE(may_all(make({{store(x, 1, relaxed), load(x, 0, relaxed)}, {store(x, 2, relaxed)}}), {2, 1}));
  CHECK_FALSE(may_all(make({{load(x, 0, relaxed), store(x, 1, relaxed)}, {store(x, 2, relaxed)}}), {2, 2}));
}

TEST_CASE("axiomatic: causality over three threads") {
  const auto wrc = [](order r, order w, order last) {
    return make({{store(x, 1, relaxed)}, {load(x, 0, r), store(y, 1, w)}, {load(y, 1, last), load(x, 2, relaxed)}});
  };
  CHECK(may(wrc(relaxed, relaxed, relaxed), {1, 1, 0}));
  CHECK(may(wrc(relaxed, relaxed, acquire), {1, 1, 0}));
  // A relaxed read that happens before another read of its location binds it all the same.
  CHECK_FALSE(may(wrc(relaxed, release, acquire), {1, 1, 0}));
  const auto isa2 = [](order w, order r) {
    return make({{store(x, 1, relaxed), store(y, 1, w)},
                 {load(y, 0, r), store(z, 1, w)},
                 {load(z, 1, r), load(x, 2, relaxed)}});
  };
  CHECK(may(isa2(relaxed, relaxed), {1, 1, 0}));
  CHECK_FALSE(may(isa2(release, acquire), {1, 1, 0}));
  const auto rwc = [](order o, order f) {
    return make(
        {{store(x, 1, o)}, {load(x, 0, o), fence(f), load(y, 1, o)}, {store(y, 1, o), fence(f), load(x, 2, o)}});
  };
  CHECK(may(rwc(relaxed, relaxed), {1, 0, 0}));
  CHECK_FALSE(may(rwc(seq_cst, relaxed), {1, 0, 0}));
  CHECK_FALSE(may(rwc(relaxed, seq_cst), {1, 0, 0}));
  const auto w_rwc = [](order f) {
    return make({{store(x, 1, relaxed), store(y, 1, release)},
                 {load(y, 0, acquire), fence(f), load(z, 1, relaxed)},
                 {store(z, 1, relaxed), fence(f), load(x, 2, relaxed)}});
  };
  CHECK(may(w_rwc(acq_rel), {1, 0, 0}));
  CHECK_FALSE(may(w_rwc(seq_cst), {1, 0, 0}));
  // S and R.
  const auto s = [](order w, order r) {
    return make({{store(x, 2, relaxed), store(y, 1, w)}, {load(y, 0, r), store(x, 1, relaxed)}});
  };
  CHECK(may_all(s(relaxed, relaxed), {1, 2, 1}));
  CHECK_FALSE(may_all(s(release, acquire), {1, 2, 1}));
  const auto r = [](order f) {
    return make({{store(x, 1, relaxed), fence(f), store(y, 1, relaxed)},
                 {store(y, 2, relaxed), fence(f), load(x, 0, relaxed)}});
  };
  CHECK(may_all(r(acq_rel), {0, 1, 2}));
  CHECK_FALSE(may_all(r(seq_cst), {0, 1, 2}));
}

TEST_CASE("axiomatic: what RC11 repaired of C11's sequential consistency") {
  // Z6.U (the paper's figure 1): weak accesses beside seq_cst ones. C11 forbade it, Power and ARMv7 do it, RC11 allows
  // it.
  const auto z6u = [](order middle, order back) {
    return make({{store(x, 1, seq_cst), store(y, 1, release)},
                 {fetch_add(y, 1, 0, middle), load(y, 1, relaxed)},
                 {store(y, 3, seq_cst), load(x, 2, back)}});
  };
  CHECK(may(z6u(seq_cst, seq_cst), {1, 3, 0}));
  CHECK_FALSE(may(all_with(z6u(seq_cst, seq_cst), seq_cst), {1, 3, 0}));
  // The same between fences is forbidden: psc_F sees eco between them.
  CHECK_FALSE(may(make({{store(x, 1, relaxed), fence(seq_cst), store(y, 1, relaxed)},
                        {fetch_add(y, 1, 0, relaxed), fence(seq_cst), load(y, 1, relaxed)},
                        {store(y, 3, relaxed), fence(seq_cst), load(x, 2, relaxed)}}),
                  {1, 3, 0}));
  // IRIW with acquire loads first and seq_cst ones second (figure 2): allowed again.
  CHECK(may(make({{store(x, 1, seq_cst)},
                  {store(y, 1, seq_cst)},
                  {load(x, 0, acquire), load(y, 1, seq_cst)},
                  {load(y, 2, acquire), load(x, 3, seq_cst)}}),
            {1, 0, 1, 0}));
}

TEST_CASE("axiomatic: read-modify-writes") {
  CHECK(allowed(make({{fetch_add(x, 1, 0, relaxed)}, {fetch_add(x, 1, 1, relaxed)}})) ==
        outcomes{{0, 1, 2}, {1, 0, 2}});
  CHECK(allowed(make({{cas(x, 0, 1, 0, relaxed, relaxed)}, {cas(x, 0, 2, 1, relaxed, relaxed)}})) ==
        outcomes{{0, 1, 1}, {2, 0, 2}});
  CHECK(allowed(make({{exchange(x, 1, 0, relaxed)}, {exchange(x, 2, 1, relaxed)}})) == outcomes{{0, 1, 2}, {2, 0, 1}});
  // A release sequence goes through the read-modify-writes of others, whatever their order ...
  CHECK_FALSE(may(make({{store(y, 1, relaxed), store(x, 1, release)},
                        {fetch_add(x, 1, 0, relaxed)},
                        {load(x, 1, acquire), load(y, 2, relaxed)}}),
                  {1, 2, 0}));
  CHECK_FALSE(may(make({{store(y, 1, relaxed), store(x, 1, release)},
                        {fetch_add(x, 1, 0, relaxed)},
                        {cas(x, 2, 3, 3, relaxed, relaxed)},
                        {load(x, 1, acquire), load(y, 2, relaxed)}}),
                  {1, 3, 0}));
  // ... but not through a plain store, not even of the same thread (C++20; C++11 let it).
  CHECK(may(make({{store(y, 1, relaxed), store(x, 1, release), store(x, 2, relaxed)},
                  {load(x, 0, acquire), load(y, 1, relaxed)}}),
            {2, 0}));
  // A cas that fails takes the failure order: with relaxed it acquires nothing.
  const auto failing = [](order f) {
    return make({{store(y, 1, relaxed), store(x, 1, release)}, {cas(x, 5, 6, 0, seq_cst, f), load(y, 1, relaxed)}});
  };
  CHECK(may(failing(relaxed), {1, 0}));
  CHECK_FALSE(may(failing(acquire), {1, 0}));
}

namespace {

// What interleaving alone does: each step at once, in some order of the threads.
void interleave(const program& p, std::vector<std::size_t>& at, outcome& now, outcomes& into) {
  bool done = true;
  for (std::size_t t = 0; t < p.threads.size(); ++t) {
    if (at[t] == p.threads[t].size()) continue;
    done = false;
    const instruction& i = p.threads[t][at[t]++];
    const outcome before = now;
    int& place = now[static_cast<std::size_t>(p.registers + i.location)];
    const int got = place;
    switch (i.what) {
      case kind::store:
        place = i.value;
        break;
      case kind::load:
        break;
      case kind::fetch_add:
        place += i.value;
        break;
      case kind::exchange:
        place = i.value;
        break;
      case kind::cas:
        if (got == i.expected) place = i.value;
        break;
      case kind::fence:
        break;
    }
    if (i.what != kind::store && i.what != kind::fence) now[static_cast<std::size_t>(i.into)] = got;
    interleave(p, at, now, into);
    now = before;
    --at[t];
  }
  if (done) into.insert(now);
}
outcomes interleavings(const program& p) {
  std::vector<std::size_t> at(p.threads.size());
  outcome now(static_cast<std::size_t>(p.registers + p.locations));
  outcomes into;
  interleave(p, at, now, into);
  return into;
}

}  // namespace

TEST_CASE("axiomatic: with seq_cst everywhere it is interleaving, and a stronger order only takes outcomes away") {
  std::uint64_t state = 7;
  const auto below = [&state](int n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int>((state >> 33) % static_cast<std::uint64_t>(n));
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<std::vector<instruction>> threads(static_cast<std::size_t>(2 + below(2)));
    int registers = 0;
    for (auto& t : threads)
      for (int n = 1 + below(threads.size() == 2 ? 4 : 3); n > 0; --n) {
        const int place = below(2), value = 1 + below(2);
        switch (below(6)) {
          case 0:
          case 1:
            t.push_back(store(place, value, relaxed));
            break;
          case 2:
          case 3:
            t.push_back(load(place, registers++, relaxed));
            break;
          case 4:
            t.push_back(fetch_add(place, value, registers++, relaxed));
            break;
          default:
            t.push_back(cas(place, below(2), value, registers++, relaxed, relaxed));
            break;
        }
      }
    program p = make(threads);
    const outcomes weakest = allowed(p), strongest = allowed(all_with(p, seq_cst));
    const bool the_same = strongest == interleavings(p);
    const bool within = std::includes(weakest.begin(), weakest.end(), strongest.begin(), strongest.end());
    CHECK_MESSAGE(the_same, text(p));
    CHECK_MESSAGE(within, text(p));
    // One step of one access at a time.
    const std::vector<order> of_store{relaxed, release, seq_cst}, of_load{relaxed, acquire, seq_cst};
    const std::vector<order> of_both{relaxed, acquire, acq_rel, seq_cst};
    outcomes before = weakest;
    for (int step = 0; step < 4; ++step) {
      auto& t = p.threads[static_cast<std::size_t>(below(static_cast<int>(p.threads.size())))];
      instruction& i = t[static_cast<std::size_t>(below(static_cast<int>(t.size())))];
      const auto& ladder = i.what == kind::store ? of_store : i.what == kind::load ? of_load : of_both;
      const auto now = std::find(ladder.begin(), ladder.end(), i.how);
      if (now + 1 == ladder.end()) continue;
      i.how = now[1];
      const outcomes after = allowed(p);
      const bool fewer = std::includes(before.begin(), before.end(), after.begin(), after.end());
      CHECK_MESSAGE(fewer, text(p));
      before = after;
    }
  }
}
