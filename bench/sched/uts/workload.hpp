// Unbalanced tree search: a tree that nobody knows before walking it. A node's state is a hash of its parent's and its
// number among the children; how many children it has is drawn from that by a geometric distribution of mean 4 down to
// depth 10, as in the tree T1 of the UTS benchmark (Olivier et al., LCPC 2006). UTS hashes with SHA-1; here it is two
// rounds of a 64-bit mixer, the same for all contenders, so that the time is the scheduler's rather than SHA-1's.
#pragma once
#include <cmath>

#include "sched/crew.hpp"

namespace uts {
struct node {
  std::uint64_t state;
  unsigned depth;
};
struct count {
  std::uint64_t nodes = 0, leaves = 0;
  unsigned depth = 0;
  void add(const count& o) {
    nodes += o.nodes;
    leaves += o.leaves;
    depth = (std::max)(depth, o.depth);
  }
  bool operator==(const count&) const = default;
};
inline std::uint64_t mixed(std::uint64_t x) {  // the finaliser of splitmix64
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}
inline node child(const node& parent, std::size_t i) {
  return {mixed(mixed(parent.state + 0x9e3779b97f4a7c15u * (i + 1))), parent.depth + 1};
}
[[gnu::noinline]] inline std::size_t children(const node& n) {
  if (n.depth == 0) return 4;
  if (n.depth >= 10) return 0;
  const double u = static_cast<double>(n.state >> 11) * 0x1p-53;
  const auto k = static_cast<std::size_t>(std::log(1 - u) / std::log(1 - 1.0 / (1 + 4.0)));
  return k < 100 ? k : 100;  // as MAXNUMCHILDREN
}
inline node root() { return {19, 0}; }
inline count serial(const node& n) {
  count all{1, 0, n.depth};
  const std::size_t k = children(n);
  if (k == 0) all.leaves = 1;
  for (std::size_t i = 0; i < k; ++i) all.add(serial(child(n, i)));
  return all;
}
}  // namespace uts

template <class Crew>
uts::count search(const uts::node& n) {
  uts::count all{1, 0, n.depth};
  const std::size_t k = uts::children(n);
  if (k == 0) {
    all.leaves = 1;
    return all;
  }
  uts::count answers[100];
  Crew::each(k, [&](std::size_t i) { answers[i] = search<Crew>(uts::child(n, i)); });
  for (std::size_t i = 0; i < k; ++i) all.add(answers[i]);
  return all;
}

struct uts_work {
  uts::count result, expected = uts::serial(uts::root());
  void prepare() { result = {}; }
  template <class Crew>
  void run(Crew& crew) {
    if constexpr (requires { crew.uts(); })
      result = crew.uts();
    else
      crew.run([this] { result = search<Crew>(uts::root()); });
  }
  bool fine() const { return result == expected; }
};

template <class Crew>
bench::outcome measure(const bench::settings& s) {
  return on_crews<Crew>(s, uts_work{});
}
