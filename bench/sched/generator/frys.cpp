#include "workload.hpp"

#include <frys/sched/frame_cache.hpp>
#include <frys/sched/generator.hpp>

namespace {
frys::generator<std::uint64_t> count_from(std::uint64_t first, std::uint64_t last) {
  for (; first != last; ++first) co_yield first;
}
frys::generator<const std::uint64_t&> numbers(std::uint64_t n) {
  for (std::uint64_t i = 0; i != n; ++i) co_yield i;
}
frys::generator<const std::uint64_t&> keys_in_order(const tree_node* n) {
  if (n->left != nullptr) co_yield frys::elements_of(keys_in_order(n->left));
  co_yield n->key;
  if (n->right != nullptr) co_yield frys::elements_of(keys_in_order(n->right));
}
}  // namespace

BENCH_CONTENDER("frys") {
  frys::frame_cache frames;
  return sequences(
      settings,
      [](std::uint64_t n) {
        std::uint64_t sum = 0;
        for (const std::uint64_t& i : numbers(n)) sum += i;
        return sum;
      },
      [](const tree_node* root) {
        std::uint64_t sum = 0;
        for (const std::uint64_t& k : keys_in_order(root)) sum += k;
        return sum;
      },
      [](std::uint64_t n) {
        std::uint64_t sum = 0;
        for (std::uint64_t i = 0; i < n; ++i) {
          auto one = count_from(i, i + 2);
          sum += *one.begin();
        }
        return sum;
      });
}
