// A sequence of numbers, summed up. element: from a flat loop. tree: a balanced tree of 2^16 nodes walked in order by
// recursion, or by what stands for it. create: made, asked for one element, destroyed. ns of CPU each.
#pragma once
#include "harness.hpp"

#include <memory>
#include <vector>

struct tree_node {
  std::uint64_t key = 0;
  const tree_node* left = nullptr;
  const tree_node* right = nullptr;
};
// In one array; the keys are 1 to 2^16 - 1.
inline const tree_node* the_tree() {
  constexpr std::uint64_t count = (std::uint64_t{1} << 16) - 1;
  static std::vector<tree_node> nodes = [] {
    std::vector<tree_node> all(count + 1);
    for (std::uint64_t k = 1; k <= count; ++k) {
      all[k].key = k;
      const std::uint64_t half = (k & (~k + 1)) / 2;
      if (half != 0) {
        all[k].left = &all[k - half];
        all[k].right = &all[k + half];
      }
    }
    return all;
  }();
  return &nodes[std::size_t{1} << 15];
}

template <class Sum, class Tree, class Create>
bench::outcome sequences(const bench::settings& settings, Sum sum, Tree tree, Create create) {
  const auto timed = [](const char* metric, std::size_t n, auto f) {
    const double start = bench::thread_cpu_ns();
    f();
    return bench::measure{metric, "ns", bench::better::lower,
                          (bench::thread_cpu_ns() - start) / static_cast<double>(n)};
  };
  bench::outcome out;
  const std::size_t n = settings.scaled(20'000'000);
  out.measures.push_back(
      timed("element", n, [&] { bench::check(sum(n) == std::uint64_t{n} * (n - 1) / 2, "the sum"); }));
  const std::size_t walks = settings.scaled(50);
  constexpr std::uint64_t keys = 65535;
  const tree_node* const root = the_tree();
  out.measures.push_back(timed("tree", walks * keys, [&] {
    for (std::size_t i = 0; i < walks; ++i) bench::check(tree(root) == keys * (keys + 1) / 2, "the tree's sum");
  }));
  const std::size_t made = settings.scaled(1'000'000);
  out.measures.push_back(
      timed("create", made, [&] { bench::check(create(made) == std::uint64_t{made} * (made - 1) / 2, "created"); }));
  return out;
}
