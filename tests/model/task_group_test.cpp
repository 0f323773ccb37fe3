#include <frys/sched/scheduler.hpp>
#include <frys/sched/task_group.hpp>

#include "blocks.hpp"
#include "pool.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <utility>

namespace {

using namespace blocks;
using namespace model_pool;
namespace detail = frys::detail;

// The body's thread i, counted from 1, sits on seat i - 1.
struct group_threads {
  struct thread {
    bool joinable() const noexcept { return false; }
    void join() noexcept {}
  };
  static frys::result<thread> start(const frys::thread_options&, void (*)(void*) noexcept, void*) noexcept {
    return thread{};
  }
  template <class Tag>
  static void*& local() noexcept {
    static thread_local void* seat = nullptr;
    seat = static_cast<detail::fork_seat<A>*>(&pool_of_body->at(model::detail::execution::current()->active() - 1));
    return seat;
  }
  inline static pool* pool_of_body = nullptr;
};
struct group_pool : pool {
  group_pool() : pool(2) { group_threads::pool_of_body = this; }
};
using group = frys::basic_task_group<with_model, frys::policy::threads<group_threads>>;

// What one thread makes and the other may take: each task has run once when wait returns, and all of it is seen.
template <std::size_t Tasks, bool Asked>
void given() {
  group_pool p;
  model::value<int> done[Tasks] = {};
  model::threads(
      [&] {
        if (Asked) p.at(0).ask();
        {
          group g;
          for (auto& d : done) (void)g.run([&d] { d = d + 1; });
          g.wait();
          for (auto& d : done) model::require(d == 1, "each has run, once");
        }
        p.stop();
      },
      [&] { p.run_all(1); });
}
// A task makes more where it runs.
template <std::size_t Tasks>
void makes_more() {
  group_pool p;
  model::value<int> done[Tasks] = {};
  model::threads(
      [&] {
        p.at(0).ask();
        {
          group g;
          (void)g.run([&] {
            for (auto& d : done) (void)g.run([&d] { d = d + 1; });
          });
          g.wait();
          for (auto& d : done) model::require(d == 1, "each has run, once");
          (void)g.run([&] { done[0] = 5; });
          g.wait();
          model::require(done[0] == 5, "and again");
        }
        p.stop();
      },
      [&] { p.run_all(1); });
}
// A task that has been taken does not end before one that it has made: one of the two threads must take that.
void is_woken() {
  group_pool p;
  A::atomic<std::uint32_t> leaf{0};
  model::threads(
      [&] {
        p.at(0).ask();
        {
          group g;
          (void)g.run([&] {
            p.at(0).ask();
            p.at(1).ask();
            (void)g.run([&] { leaf.store(1, std::memory_order_relaxed); });
            group inner;
            (void)inner.run([] {});
            inner.wait();
          });
          g.wait();
          model::require(leaf.load(std::memory_order_relaxed) == 1, "it has run");
        }
        p.stop();
      },
      [&] { p.run_all(1); });
}
// Who has made it does nothing more.
template <bool Answered>
void is_found() {
  group_pool p;
  A::atomic<std::uint32_t> done{0};
  model::threads(
      [&] {
        {
          group g;
          if (Answered) {  // a question that the other has asked before
            (void)g.run([] {});
            g.wait();
          }
          (void)g.run([&] { done.store(1, std::memory_order_relaxed); });
          while (done.load(std::memory_order_relaxed) == 0) A::pause();
        }
        p.stop();
      },
      [&] { p.run_all(1); });
}
template <unsigned Budget>
void within_budget() {
  group_pool p;
  A::atomic<std::uint32_t> inside{0};
  model::value<int> done[3] = {};
  model::threads(
      [&] {
        p.at(0).ask();
        {
          group g(Budget);
          for (auto& d : done)
            (void)g.run([&] {
              model::require(inside.fetch_add(1, std::memory_order_relaxed) < Budget, "no more than the budget");
              d = d + 1;
              inside.fetch_sub(1, std::memory_order_relaxed);
            });
          g.wait();
          for (auto& d : done) model::require(d == 1, "each has run, once");
        }
        p.stop();
      },
      [&] { p.run_all(1); });
}
#if FRYS_EXCEPTIONS
void first_failure() {
  group_pool p;
  model::threads(
      [&] {
        p.at(0).ask();
        {
          group g;
          for (int i = 1; i < 3; ++i) (void)g.run([i] { throw i; });
          int caught = 0;
          try {
            g.wait();
          } catch (int which) {
            caught = which;
          }
          model::require(caught == 1 || caught == 2, "one of them");
          g.wait();
        }
        p.stop();
      },
      [&] { p.run_all(1); });
}
#endif

TEST_CASE("task_group under the model: what is taken runs once, and wait sees all of it") {
  holds_at_random(&given<1, false>, 4);
  holds_at_random(&given<2, true>, 3);
  holds_at_random(&given<5, true>, 1);
}
TEST_CASE("task_group under the model: tasks that tasks make elsewhere are waited for") {
  holds_at_random(&makes_more<1>, 5);
  holds_at_random(&makes_more<3>, 2);
}
TEST_CASE("task_group under the model: who waits sleeps no longer than there is something to wait for") {
  holds_at_random(&is_woken, 8);
}
TEST_CASE("task_group under the model: a task is found though who made it does nothing more") {
  holds_at_random(&is_found<false>, 20);
  holds_at_random(&is_found<true>, 30);
}
TEST_CASE("task_group under the model: no more at a time than the budget") {
  holds_at_random(&within_budget<1>, 2);
  holds_at_random(&within_budget<2>, 1);
}
#if FRYS_EXCEPTIONS
TEST_CASE("task_group under the model: one of the failures comes out") { holds_at_random(&first_failure, 8); }
#endif

}  // namespace
