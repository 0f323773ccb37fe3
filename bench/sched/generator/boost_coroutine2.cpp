// link: boost_context
#include "workload.hpp"

#if __has_include(<boost/coroutine2/all.hpp>)
#include <boost/coroutine2/all.hpp>

namespace {
using source = boost::coroutines2::coroutine<std::uint64_t>;
void keys_in_order(source::push_type& to, const tree_node* n) {
  if (n->left != nullptr) keys_in_order(to, n->left);
  to(n->key);
  if (n->right != nullptr) keys_in_order(to, n->right);
}
}  // namespace

BENCH_CONTENDER("boost::coroutines2") {
  return sequences(
      settings,
      [](std::uint64_t n) {
        source::pull_type all([n](source::push_type& to) {
          for (std::uint64_t i = 0; i != n; ++i) to(i);
        });
        std::uint64_t sum = 0;
        for (const std::uint64_t i : all) sum += i;
        return sum;
      },
      [](const tree_node* root) {
        source::pull_type all([root](source::push_type& to) { keys_in_order(to, root); });
        std::uint64_t sum = 0;
        for (const std::uint64_t k : all) sum += k;
        return sum;
      },
      [](std::uint64_t n) {
        std::uint64_t sum = 0;
        for (std::uint64_t i = 0; i < n; ++i) {
          source::pull_type one([i](source::push_type& to) {
            to(i);
            to(i + 1);
          });
          sum += one.get();
        }
        return sum;
      });
}
#else
BENCH_MISSING("boost::coroutines2", "libboost-dev libboost-context-dev")
#endif
