// Written by hand: an iterator, and a stack of nodes for the tree.
#include "workload.hpp"

namespace {
struct numbers {
  std::uint64_t at, last;
  __attribute__((noinline)) bool next(std::uint64_t& into) {  // as far from its caller as a body that is resumed
    if (at == last) return false;
    into = at++;
    return true;
  }
};
struct in_order {
  std::vector<const tree_node*> path;
  explicit in_order(const tree_node* root) { down(root); }
  void down(const tree_node* n) {
    for (; n != nullptr; n = n->left) path.push_back(n);
  }
  const tree_node* next() {
    if (path.empty()) return nullptr;
    const tree_node* const n = path.back();
    path.pop_back();
    down(n->right);
    return n;
  }
};
}  // namespace

BENCH_CONTENDER("iterator by hand") {
  return sequences(
      settings,
      [](std::uint64_t n) {
        std::uint64_t sum = 0, i = 0;
        for (numbers all{0, n}; all.next(i);) sum += i;
        return sum;
      },
      [](const tree_node* root) {
        std::uint64_t sum = 0;
        in_order all(root);
        while (const tree_node* const n = all.next()) sum += n->key;
        return sum;
      },
      [](std::uint64_t n) {
        std::uint64_t sum = 0, value = 0;
        for (std::uint64_t i = 0; i < n; ++i) {
          numbers one{i, i + 2};
          bench::check(one.next(value), "one");
          sum += value;
        }
        return sum;
      });
}
