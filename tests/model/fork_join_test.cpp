#include <frys/sched/scheduler.hpp>

#include "blocks.hpp"
#include "pool.hpp"

namespace {

using namespace blocks;
using namespace model_pool;
namespace detail = frys::detail;

// The body's thread i, counted from 1, sits on seat i - 1.
struct forks_here {
  using atomics_type = A;
  static detail::fork_seat<A>* seat() noexcept {
    return &pool_of_body->at(model::detail::execution::current()->active() - 1);
  }
  inline static pool* pool_of_body = nullptr;
};
struct body_pool : pool {
  body_pool() : pool(2) { forks_here::pool_of_body = this; }
};
template <class First, class Second>
auto offered(First first, Second second) {
  forks_here::seat()->ask();
  return detail::join_here<forks_here>(first, second);
}

// One fork, which is asked for, or may be: whoever runs it, once, the join sees all of it.
template <bool Asked>
void one_fork() {
  body_pool p;
  model::value<int> first{0}, second{0};
  model::threads(
      [&] {
        auto left = [&] { first = 1; };
        auto right = [&] {
          second = second + 1;
          return 5;
        };
        if (Asked) p.at(0).ask();
        const int answer = detail::join_here<forks_here>(left, right).second;
        model::require(first == 1 && second == 1 && answer == 5, "both halves have run, once");
        p.stop();
      },
      [&] { p.run_all(1); });
}
// Two forks, both offered: each runs once, and they are joined newest first.
void two_forks() {
  body_pool p;
  model::value<int> inner{0}, outer{0};
  model::threads(
      [&] {
        offered([&] { offered([] {}, [&] { inner = inner + 1; }); }, [&] { outer = outer + 1; });
        model::require(inner == 1 && outer == 1, "each once");
        p.stop();
      },
      [&] { p.run_all(1); });
}
// A piece that has been taken forks: who waits for it takes that fork, or sleeps until the piece has ended.
void fork_of_a_fork() {
  body_pool p;
  model::value<int> leaf{0};
  model::threads(
      [&] {
        offered([] {}, [&] { offered([] {}, [&] { leaf = leaf + 1; }); });
        model::require(leaf == 1, "once");
        p.stop();
      },
      [&] { p.run_all(1); });
}
// The same, and the piece does not end before its fork has run: who waits for it must take that, asleep or not.
void fork_of_a_fork_is_taken() {
  body_pool p;
  A::atomic<std::uint32_t> leaf{0};
  model::threads(
      [&] {
        offered([] {},
                [&] {
                  offered(
                      [&] {
                        while (leaf.load(std::memory_order_relaxed) == 0) A::pause();
                      },
                      [&] { leaf.store(1, std::memory_order_relaxed); });
                });
        p.stop();
      },
      [&] { p.run_all(1); });
}
// A question comes while there is nothing to give.
void question_stays() {
  body_pool p;
  p.at(0).ask();
  model::require(!p.at(0).answer() && p.at(0).is_asked(), "it stays");
  detail::fork_seat<A>::entry* at = nullptr;
  detail::fork_place<A> place;
  model::require(p.at(0).fork(
                     at, [](void*, detail::fork_job<A>&) noexcept {}, place),
                 "there is room");
  model::require(!p.at(0).is_asked() && p.at(0).has_promoted(), "and is answered");
  model::require(p.at(0).take_back(at), "nobody has it");
}

TEST_CASE("fork_join under the model: an offered fork runs once and its result crosses") {
  holds_at_random(&one_fork<false>, 150);
  holds_at_random(&one_fork<true>, 150);
}
TEST_CASE("fork_join under the model: two offered forks are joined newest first") { holds_at_random(&two_forks, 30); }
TEST_CASE("fork_join under the model: who waits for a piece takes its forks") { holds_at_random(&fork_of_a_fork, 80); }
TEST_CASE("fork_join under the model: who sleeps in a join is woken for a fork") {
  holds_at_random(&fork_of_a_fork_is_taken, 90);
}
TEST_CASE("fork_join under the model: a question stays until there is a fork") { holds(&question_stays); }

}  // namespace
