// What docs/sched.md shows.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <frys/core/clock.hpp>
#include <frys/core/thread.hpp>
#include <frys/sched/forked.hpp>
#include <frys/sched/scheduler.hpp>
#include <frys/sched/task.hpp>
#include <frys/sched/task_group.hpp>
#include <frys/sched/timeout.hpp>
#include <frys/sched/trace.hpp>

namespace {

// [region sort]
template <class It>
void sort_in_parallel(It first, It last) {
  if (last - first < 1000) return std::sort(first, last);
  const It middle = first + (last - first) / 2;
  std::nth_element(first, middle, last);
  frys::join([&] { sort_in_parallel(first, middle); }, [&] { sort_in_parallel(middle, last); });
}

double mean_of_squares(const std::vector<double>& v) {
  const double sum = frys::parallel_reduce(
      v.begin(), v.end(), 64, 0.0, [](double x) { return x * x; }, [](double a, double b) { return a + b; });
  return v.empty() ? 0 : sum / static_cast<double>(v.size());
}
// [endregion sort]

// [region group]
struct node {
  int value = 0;
  std::vector<node> children;
};
void add_up(const node& n, frys::task_group& group, std::atomic<int>& sum) {
  sum += n.value;
  for (const node& child : n.children) (void)group.run([&] { add_up(child, group, sum); });
}
int sum_of(const node& root) {
  std::atomic<int> sum{0};
  frys::task_group group(2);  // of all cores no more than two
  add_up(root, group, sum);
  group.wait();
  return sum;
}
// [endregion group]

// [region timers]
// Asks again, at growing distances, until it answers or nobody wants to know any more.
frys::task<frys::result<int>> ask_until_answered(frys::scheduler<>& pool, frys::task<frys::result<int>> (*ask)()) {
  for (auto pause = std::chrono::milliseconds(1);; pause *= 2) {
    const frys::result<int> answer = co_await ask();
    if (answer) co_return *answer;
    if (auto slept = co_await pool.sleep_for(pause); !slept) co_return slept.error();  // a stop was asked for
  }
}
frys::task<frys::result<int>> ask_for_at_most(frys::scheduler<>& pool, frys::task<frys::result<int>> (*ask)(),
                                              frys::nanoseconds limit) {
  co_return co_await frys::with_timeout(pool, ask_until_answered(pool, ask),
                                        frys::deadline::after<frys::clocks::steady>(limit));
}
// [endregion timers]

// [region forked]
frys::task<long> count_ways(int columns, int steps) {
  if (steps == 0) co_return columns == 0 ? 1 : 0;
  frys::forked left(count_ways(columns - 1, steps - 1));  // another worker may take it
  const long right = co_await count_ways(columns + 1, steps - 1);
  co_return right + co_await left;
}
frys::task<long> on_pool(frys::scheduler<>& pool) {
  co_await pool.schedule();  // from here on on a worker
  co_return co_await count_ways(0, 10);
}
// [endregion forked]

}  // namespace

TEST_CASE("docs: sched: submit, run, drain") {
  std::atomic<int> done{0};
  // [region pool]
  frys::scheduler_options options;
  options.workers = 2;
  auto pool = *frys::scheduler<>::create(options);

  for (int i = 0; i < 100; ++i) (void)pool->submit([&] { ++done; });  // from any thread, also from a task

  std::vector<int> numbers(50'000, 7);
  pool->run([&] {  // this thread works too
    sort_in_parallel(numbers.begin(), numbers.end());
  });

  pool->close();
  const bool all = pool->drain(frys::deadline::after<frys::clocks::steady>(std::chrono::seconds(30)));
  // [endregion pool]
  CHECK(all);
  CHECK(done == 100);
  CHECK(std::is_sorted(numbers.begin(), numbers.end()));
  CHECK(mean_of_squares({1, 2, 3}) == doctest::Approx(14.0 / 3));
}

TEST_CASE("docs: sched: a group with a budget, forked tasks") {
  frys::scheduler_options options;
  options.workers = 2;
  auto pool = *frys::scheduler<>::create(options);
  const node tree{1, {{2, {{4, {}}, {5, {}}}}, {3, {}}}};
  CHECK(pool->run([&] { return sum_of(tree); }) == 15);
  CHECK(frys::sync_wait(on_pool(*pool)) == 252);
}

TEST_CASE("docs: sched: policies and a trace") {
  // [region policies]
  namespace policy = frys::policy;
  using urgent_first = frys::scheduler<policy::levels<3>,                        // 0 the most urgent
                                       policy::aging<32>,                        // and nobody waits for ever
                                       policy::wait<frys::wait::spin>,           // this core is ours
                                       policy::trace<frys::trace::ring<1024>>>;  // keeps what ran when
  using by_deadline = frys::scheduler<policy::discipline<frys::discipline::deadline>>;
  // [endregion policies]
  frys::scheduler_options options;
  options.workers = 1;
  auto pool = *urgent_first::create(options);
  frys::submit_options urgent;
  urgent.level = 0;
  CHECK(pool->submit([] {}, urgent));
  CHECK(pool->drain());
  // [region trace]
  std::string json;
  frys::write_trace(*pool, json);  // for about:tracing or ui.perfetto.dev
  // [endregion trace]
  CHECK(json.find("\"run\"") != json.npos);
  auto edf = *by_deadline::create(options);
  frys::submit_options soon;
  soon.due = frys::deadline::after<frys::clocks::steady>(std::chrono::milliseconds(5));
  CHECK(edf->submit([] {}, soon));
  CHECK(edf->drain());
}

TEST_CASE("docs/sched.md: timers") {
  frys::scheduler_options options;
  options.workers = 1;
  auto pool = *frys::scheduler<>::create(options);
  static int asked;
  asked = 0;
  const auto third_time = []() -> frys::task<frys::result<int>> {
    if (++asked < 3) co_return frys::error{frys::errc::timed_out, frys::domain::sched, "not now"};
    co_return asked;
  };
  const auto never = []() -> frys::task<frys::result<int>> {
    co_return frys::error{frys::errc::timed_out, frys::domain::sched, "not now"};
  };
  CHECK(frys::sync_wait(ask_for_at_most(*pool, third_time, std::chrono::hours(1))).value() == 3);
  const auto late = frys::sync_wait(ask_for_at_most(*pool, never, std::chrono::milliseconds(5)));
  CHECK((!late && late.error() == frys::errc::timed_out));
}
