#include <frys/core/intrusive_list.hpp>
#include <frys/core/work.hpp>

#include <doctest/doctest.h>

#include <vector>

namespace {

// [region work]
// A job is a work node with what it needs beside it; posting it allocates nothing.
struct job : frys::work {
  explicit job(std::vector<int>& out, int n) : work(&job::go), log(out), number(n) {}
  static void go(frys::work& w) noexcept {
    auto& self = static_cast<job&>(w);
    self.log.push_back(self.number);
  }
  std::vector<int>& log;
  int number;
};
// [endregion work]

}  // namespace

TEST_CASE("work: nodes queue up and run in order, without an allocation of their own") {
  std::vector<int> log;
  job one(log, 1), two(log, 2);
  frys::intrusive_queue<frys::work> queue;
  queue.push(one);
  queue.push(two);
  while (frys::work* w = queue.pop()) w->run(*w);
  CHECK(log == std::vector{1, 2});
  queue.push(one);  // a node that ran may be posted again
  queue.pop()->run(one);
  CHECK(log == std::vector{1, 2, 1});
}
