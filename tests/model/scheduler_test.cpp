#include <frys/sched/scheduler.hpp>

#include "blocks.hpp"
#include "pool.hpp"

namespace {

using namespace blocks;
using namespace model_pool;
namespace detail = frys::detail;

// The protocol of sleeping alone, over a counter of pieces that anybody takes.
struct sleepers {
  detail::idle_set<A> idle;
  A::atomic<std::uint32_t> pieces{0};
  frys::parker<with_model, frys::policy::wait<frys::wait::park>> permit[2];

  bool has_work() { return pieces.load(std::memory_order_relaxed) != 0; }
  bool take() {
    std::uint32_t n = pieces.load(std::memory_order_relaxed);
    while (n != 0)
      if (pieces.compare_exchange_weak(n, n - 1, std::memory_order_acquire, std::memory_order_relaxed)) return true;
    return false;
  }
  void wake(unsigned i) {
    if (i != idle.nobody) permit[i].unpark();
  }
  void tell() {
    wake(idle.pick([this] { return has_work(); }));
  }
  void publish() {
    pieces.fetch_add(1, std::memory_order_release);
    tell();
  }
  void end_search() {
    if (idle.end_search() && has_work()) tell();
  }
  // Takes one piece and leaves, as a worker whose piece does not end.
  void work(unsigned i) {
    idle.begin_search();
    while (!take()) {
      idle.lie_down(i);
      if (!has_work() || !idle.get_up(i)) permit[i].park();
    }
    end_search();
  }
};

void one_publishes() {
  sleepers s;
  model::threads([&] { s.publish(); }, [&] { s.work(0); });
}
// Both publish at a time; of those who sleep each gets one.
void two_publish() {
  sleepers s;
  model::threads([&] { s.publish(); }, [&] { s.publish(); }, [&] { s.work(0), s.work(0); });
}
void two_work() {
  sleepers s;
  model::threads([&] { s.publish(), s.publish(); }, [&] { s.work(0); }, [&] { s.work(1); });
}
// One lies down, and gets up for something that is its own: who has picked it meanwhile has picked nobody.
void one_gets_up() {
  sleepers s;
  model::threads([&] { s.publish(); }, [&] { s.work(0); },
                 [&] {
                   s.idle.begin_search();
                   s.idle.lie_down(1);
                   if (!s.idle.get_up(1)) s.permit[1].park();
                   s.end_search();
                 });
}
// Who is taken by name, or for work in bulk, goes on by an old permit: it is counted all the same.
template <bool ByName>
void old_permit() {
  sleepers s;
  s.permit[0].unpark();
  bool told = false, last = false;
  model::threads(
      [&] {
        const auto none = [] { return false; };
        A::fence(std::memory_order_seq_cst);
        const unsigned i = ByName ? s.idle.pick_this(0, none) : s.idle.pick_another(none);
        told = i == 0;
        s.wake(i);
      },
      [&] {
        s.idle.begin_search();
        s.idle.lie_down(0);
        s.permit[0].park();
        if (s.idle.is_lying(0) && !s.idle.get_up(0)) s.permit[0].park();
        last = s.idle.end_search();
      });
  model::require(last || !told, "who was taken is counted before it goes on");
  model::require(s.idle.searching() == 0, "all have ended");
}

// The last searcher sees what another one has brought to its own queue.
void last_looks_for_all() {
  sleepers s;
  s.idle.begin_search(), s.idle.begin_search();
  A::atomic<int> brought{0};
  const auto end = [&] {
    if (s.idle.end_search()) model::require(brought.load(std::memory_order_relaxed) == 1, "the last one sees it");
  };
  model::threads([&] { brought.store(1, std::memory_order_relaxed), end(); }, end);
}
// One worker, of those that sleep, lies down while a piece comes, takes it, and lies down again.
template <unsigned Others>
void quiet_alone() {
  sleepers s;
  frys::detail::rest_count<A> rest;
  model::value<int> done{0};
  s.idle.begin_search();
  for (unsigned i = 1; i <= Others; ++i) s.idle.begin_search(), s.idle.lie_down(i);
  model::threads(
      [&] {
        s.publish();
        if (s.idle.is_quiet(
                Others + 1, [&](auto&& f) { f(rest); }, [&] { return s.has_work(); }))
          model::require(done == 1, "quiet is when it is done");
      },
      [&] {
        s.idle.lie_down(0);
        if (!s.has_work() || !s.idle.get_up(0)) s.permit[0].park();
        rest.rise();
        model::require(s.take(), "it is there");
        done = 1;
        s.idle.lie_down(0);
      });
}

// A worker that is in the midst of a task lies, gets up, ends the task, and lies down.
void quiet_behind_a_task() {
  sleepers s;
  frys::detail::rest_count<A> rest;
  model::value<int> done{0};
  s.idle.begin_search();
  model::threads(
      [&] {
        if (s.idle.is_quiet(
                1, [&](auto&& f) { f(rest); }, [] { return false; }))
          model::require(done == 1, "the task has ended");
      },
      [&] {
        rest.lie_in_task();
        s.idle.lie_down(0);
        model::require(s.idle.get_up(0), "nobody else is there");
        rest.rise();
        done = 1;
        s.idle.lie_down(0);
      });
}
// ---- the real workers, two of them, each a thread of the model while it searches

job& job_of(job& j, int value) {
  j.payload = value;
  return j;
}

void work_comes_from_outside() {
  pool p(1);
  job j;
  int got = 0;
  model::threads([&] { p.post(job_of(j, 7)); }, [&] { got = p.next(0); });
  model::require(got == 7, "the worker gets it");
}
void work_comes_from_two() {
  pool p(1);
  job j[2];
  output<2> out;
  model::threads([&] { p.post(job_of(j[0], 1)); }, [&] { p.post(job_of(j[1], 2)); },
                 [&] { out.add(p.next(0)), out.add(p.next(0)); });
  model::require(out.times(1) == 1 && out.times(2) == 1, "each comes once");
}
// Sent to one worker alone, while another one looks for work as well.
void sent_to_one() {
  pool p(1);
  job j;
  int got = 0;
  model::threads([&] { p.core.send(0, detail::work_ref(job_of(j, 7), false)); }, [&] { got = p.next(0); });
  model::require(got == 7, "the worker gets it");
}
void sent_while_others_look() {
  pool p(2);
  job j[2];
  int got[2] = {};
  model::threads(
      [&] {
        p.core.send(0, detail::work_ref(job_of(j[0], 1), false));
        p.post(job_of(j[1], 2));
      },
      [&] {
        got[0] = p.next(0);
        if (got[0] == 2) p.stop();
      },
      [&] { got[1] = p.next(1); });
  model::require(got[0] + got[1] == (got[0] == 2 ? 2 : 3), "what is left is the other's");
}
// A worker unpacks its inbox and begins with the first piece, which does not end: another one finds the second.
void inbox_is_unpacked() {
  pool p(2);
  job j[2];
  int got[2] = {};
  for (int i = 0; i < 2; ++i) p.at(0).queues[0].posted.push(detail::work_ref(job_of(j[i], i + 1), false));
  model::threads([&] { got[0] = p.next(0); }, [&] { got[1] = p.next(1); });
  model::require(got[0] + got[1] == 3 && got[0] * got[1] == 2, "each has one");
}
// What a worker has made ready it takes itself, or the other one does, which may sleep before.
void newest_for_one() {
  pool p(2);
  job j;
  int got[2] = {};
  model::threads(
      [&] {
        p.core.push_newest(p.at(0), detail::work_ref(job_of(j, 7), false), 0);
        p.core.tell();
        if (const auto r = p.core.own(p.at(0))) {
          got[0] = p.value_of(r);
          p.stop();
        }
      },
      [&] { got[1] = p.next(1); });
  model::require(got[0] + got[1] == 7, "one of them has it");
}
// Another one that takes it has it whole.
void newest_is_whole() {
  pool p(2);
  struct checked : job {
    checked() {
      run = [](frys::work& w) noexcept { model::require(static_cast<job&>(w).payload == 7, "it is whole"); };
    }
  } j;
  model::threads([&] { p.core.push_newest(p.at(0), detail::work_ref(job_of(j, 7), false), 0); },
                 [&] { (void)p.core.help(p.at(1), 16); });
}
// The newest pushes the one before it to the queue.
void newest_is_replaced() {
  pool p(2);
  job j[2];
  output<4> out;
  int got = 0;
  model::threads(
      [&] {
        for (int i = 0; i < 2; ++i) {
          p.core.push_newest(p.at(0), detail::work_ref(job_of(j[i], i + 1), false), 0);
          p.core.tell();
        }
      },
      [&] { got = p.next(1); });
  out.add(got);
  while (const auto r = p.core.own(p.at(0))) out.add(p.value_of(r));
  while (const auto r = p.core.own(p.at(1))) out.add(p.value_of(r));
  model::require(out.count == 2 && out.times(1) == 1 && out.times(2) == 1, "each comes once");
}

// Waits that end from elsewhere, and by a piece that only the waiting worker runs.
struct flag_job : job {
  A::atomic<std::uint32_t> set{0};
  flag_job() {
    run = [](frys::work& w) noexcept { static_cast<flag_job&>(w).set.store(1, std::memory_order_release); };
  }
};
void wait_ends_from_outside() {
  pool p(1);
  flag_job f;
  model::threads(
      [&] {
        f.payload = 7;
        f.run(f);
        p.at(0).sleeper.unpark();
      },
      [&] {
        p.core.work_until(p.at(0), [&] { return f.set.load(std::memory_order_acquire) != 0; });
        model::require(f.payload == 7, "what was done before is visible");
      });
  model::require(p.core.idle_.searching() == 0, "no searcher is left");
}
template <bool Sent>
void wait_ends_by_its_own_work() {
  pool p(1);
  flag_job f;
  model::threads(
      [&] {
        if (Sent)
          p.core.send(0, detail::work_ref(f, false));
        else
          p.post(f);
      },
      [&] { p.core.work_until(p.at(0), [&] { return f.set.load(std::memory_order_acquire) != 0; }); });
  model::require(p.core.idle_.searching() == 0, "no searcher is left");
}

// Drain: who finds the pool quiet finds done what was handed in before, and what that handed in.
struct chain_job : job {
  pool* home = nullptr;
  job* then = nullptr;
  model::value<int> done{0};
  chain_job() {
    run = [](frys::work& w) noexcept {
      auto& self = static_cast<chain_job&>(w);
      if (self.then != nullptr) self.home->post(*self.then);
      self.done = 1;
    };
  }
};
template <unsigned Workers, bool Chain>
void quiet_is_quiet() {
  pool p(Workers);
  chain_job j[2];
  if (Chain) j[0].home = &p, j[0].then = &j[1];
  const auto drain = [&] {
    p.post(j[0]);
    if (p.core.is_quiet()) {
      model::require(j[0].done == 1, "it has run");
      if (Chain) model::require(j[1].done == 1, "and what it handed in");
    }
    p.stop();
  };
  if constexpr (Workers == 1)
    model::threads(drain, [&] { p.run_all(0); });
  else
    model::threads(
        drain, [&] { p.run_all(0); }, [&] { p.run_all(1); });
}
// A task that waits in its midst is not at rest, also when nothing is queued.
void quiet_in_a_task() {
  pool p(1);
  flag_job f;
  model::value<int> done{0};
  struct waiting : job {
    pool& home;
    flag_job& on;
    model::value<int>& done;
    waiting(pool& p, flag_job& f, model::value<int>& d) : home(p), on(f), done(d) {
      run = [](frys::work& w) noexcept {
        auto& self = static_cast<waiting&>(w);
        self.home.core.work_until(self.home.at(0), [&] { return self.on.set.load(std::memory_order_acquire) != 0; });
        self.done = 1;
      };
    }
  } task(p, f, done);
  model::threads(
      [&] {
        p.post(task);
        f.run(f);
        p.at(0).sleeper.unpark();
        if (p.core.is_quiet()) model::require(done == 1, "the task has ended");
        p.stop();
      },
      [&] { p.run_all(0); });
}
void stop_finds_all() {
  pool p(2);
  model::threads([&] { p.stop(); }, [&] { p.run_all(0); }, [&] { p.run_all(1); });
}

// ---- the queues

void add_chain(output<3>& out, detail::work_ref r) {
  while (r) {
    const auto next = r.next();
    out.add(pool::value_of(r));
    r = next;
  }
}
void inbox_takes_all() {
  detail::inbox<A> box;
  job j[3];
  output<3> out;
  model::threads([&] { box.push(detail::work_ref(job_of(j[0], 1), false)); },
                 [&] {
                   detail::work_ref older(job_of(j[1], 2), false), newer(job_of(j[2], 3), true);
                   newer.set_next(older);
                   box.push_chain(newer, older);
                 },
                 [&] { add_chain(out, box.take_all()), add_chain(out, box.take_all()); });
  add_chain(out, box.take_all());
  model::require(out.count == 3 && out.times(1) == 1, "each comes once");
  model::require(out.rising(2, 3), "a chain comes in its order");
}
void shared_queue() {
  detail::shared_run_queue<A> q;
  job j[3];
  output<3> out;
  const auto take = [&] {
    if (const auto r = q.pop()) out.add(pool::value_of(r));
  };
  model::threads(
      [&] { q.push(detail::work_ref(job_of(j[0], 1), false)), q.push(detail::work_ref(job_of(j[1], 2), false)); },
      [&] { take(), take(); });
  q.push(detail::work_ref(job_of(j[2], 3), false));
  model::require(q.size() == 3 - out.count, "it knows its size");
  while (out.count != 3) take();
  model::require(out.rising(1, 3), "first in, first out");
}

struct counted_clock {
  static frys::nanoseconds now() noexcept { return frys::nanoseconds{at}; }
  inline static std::int64_t at = 0;
};
// Span k begins at 100 k and takes k.
void trace_is_whole() {
  frys::trace::ring<1>::recorder<A, counted_clock> trace;
  counted_clock::at = 0;
  int seen = 0;
  model::threads(
      [&] {
        for (int k = 1; k <= 3; ++k) {
          counted_clock::at = 100 * k;
          trace.parks();
          counted_clock::at += k;
          trace.wakes();
        }
      },
      [&] {
        trace.spans([&](frys::trace::span kind, frys::nanoseconds from, frys::nanoseconds to, unsigned) {
          ++seen;
          model::require(
              kind == frys::trace::span::sleep && (to - from).count() * 100 == from.count() && from.count() != 0,
              "a span is whole");
        });
      });
  model::require(seen <= 1, "one at a time");
  seen = 0;
  trace.spans([&](frys::trace::span, frys::nanoseconds from, frys::nanoseconds, unsigned) {
    seen += static_cast<int>(from.count());
  });
  model::require(seen == 300, "the last one stays");
}

TEST_CASE("scheduler under the model: a worker that lies down while work comes is woken") { holds(&one_publishes); }
TEST_CASE("scheduler under the model: who gets up by itself has not been picked") {
  holds_at_random(&one_gets_up, 1000);
}
TEST_CASE("scheduler under the model: two publish and one works") { holds_at_random(&two_publish, 1000); }
TEST_CASE("scheduler under the model: one publishes and two work") { holds_at_random(&two_work, 1000); }
TEST_CASE("scheduler under the model: the last searcher looks for all") { holds(&last_looks_for_all); }
TEST_CASE("scheduler under the model: quiet is when all is done") {
  holds(&quiet_alone<0>);
  holds(&quiet_behind_a_task);
}
TEST_CASE("scheduler under the model: an old permit does not let a searcher go uncounted") {
  holds(&old_permit<true>);
  holds(&old_permit<false>);
}
TEST_CASE("scheduler under the model: a worker gets what comes from outside") { holds(&work_comes_from_outside); }
TEST_CASE("scheduler under the model: a worker gets what comes from two") {
  holds_at_random(&work_comes_from_two, 100);
}
TEST_CASE("scheduler under the model: a worker gets what is sent to it") { holds(&sent_to_one); }
TEST_CASE("scheduler under the model: who is sent work leaves the rest to others") {
  holds_at_random(&sent_while_others_look, 100);
}
TEST_CASE("scheduler under the model: what a worker unpacks is not hidden from who lies down") {
  holds_at_random(&inbox_is_unpacked, 200);
}
TEST_CASE("scheduler under the model: the newest piece is had once") { holds_mostly(&newest_for_one, 100); }
TEST_CASE("scheduler under the model: the newest piece is whole for who takes it") { holds(&newest_is_whole); }
TEST_CASE("scheduler under the model: the newest piece moves on for the next") {
  holds_at_random(&newest_is_replaced, 200);
}
TEST_CASE("scheduler under the model: a wait within a task ends from outside") { holds(&wait_ends_from_outside); }
TEST_CASE("scheduler under the model: a wait within a task ends by its own work") {
  holds(&wait_ends_by_its_own_work<true>);
  holds(&wait_ends_by_its_own_work<false>);
}
TEST_CASE("scheduler under the model: a quiet pool has done all: one worker") {
  holds_at_random(&quiet_is_quiet<1, false>, 300);
}
TEST_CASE("scheduler under the model: a quiet pool has done all: a chain") {
  holds_at_random(&quiet_is_quiet<1, true>, 300);
}
TEST_CASE("scheduler under the model: a quiet pool has done all: two workers") {
  holds_at_random(&quiet_is_quiet<2, true>, 100);
}
TEST_CASE("scheduler under the model: a task that waits is not quiet") { holds_at_random(&quiet_in_a_task, 300); }
TEST_CASE("scheduler under the model: stop finds who lies down") { holds_at_random(&stop_finds_all, 100); }
TEST_CASE("scheduler under the model: an inbox gives all and each chain in its order") { holds(&inbox_takes_all); }
TEST_CASE("scheduler under the model: one queue for all is first in and first out") { holds(&shared_queue); }
TEST_CASE("scheduler under the model: a span that is read is whole") { holds(&trace_is_whole); }

}  // namespace
