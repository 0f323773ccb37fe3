#pragma once
#include "workload.hpp"

#include <frys/sched/channel.hpp>
#include <frys/sched/task.hpp>

namespace {

template <class Queue>
frys::task<> give(Queue& to, std::uint64_t n) {
  for (std::uint64_t i = 1; i <= n; ++i) {
    const auto pushed = co_await to.push(std::uint64_t{i});
    bench::check(static_cast<bool>(pushed), "a push");
  }
  to.close();
}
template <class Queue>
frys::task<> take(Queue& from, std::uint64_t& sum) {
  while (auto v = co_await from.pop()) sum += *v;
}
template <class Queue>
std::uint64_t on_one_thread(std::size_t n) {
  Queue queue;
  std::uint64_t sum = 0;
  frys::task_scope scope;
  scope.spawn(give(queue, n));
  scope.spawn(take(queue, sum));
  return sum;
}

}  // namespace
