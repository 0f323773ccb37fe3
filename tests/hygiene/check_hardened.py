#!/usr/bin/env python3
"""FRYS_HARDENED=1: what a caller does wrong ends the program with a sentence; the right form beside it runs to its end.

One program holds all cases, each a wrong form (`wrong NAME`) and its right one (`right NAME`), which differ in one step.
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]

# name -> (the sentence, the text of a function body with `wrong` as a bool)
CASES = {
    "blocking_pop": ("eventcount: destroyed while a thread waits for it", """
  auto queue = std::make_unique<blocking<mpmc_ring<int>>>();
  std::thread waiter([q = queue.get()] { (void)q->pop(); });
  std::this_thread::sleep_for(20ms);
  if (!wrong) queue->close(), waiter.join();
  queue.reset();
  if (wrong) std::_Exit(0);
"""),
    "blocking_push": ("eventcount: destroyed while a thread waits for it", """
  auto queue = std::make_unique<blocking<mpmc_ring<int, policy::capacity<1>>>>();
  (void)queue->push(1);
  std::thread waiter([q = queue.get()] { (void)q->push(2); });
  std::this_thread::sleep_for(20ms);
  if (!wrong) queue->close(), waiter.join();
  queue.reset();
  if (wrong) std::_Exit(0);
"""),
    "pool_timer": ("scheduler::add: the timer is set already; cancel it first, or move", """
  using pool_type = scheduler<>;
  scheduler_options options;
  options.workers = 1;
  auto pool = *pool_type::create(options);
  pool_type::timer_type late([](pool_type::timer_type&) noexcept {});
  pool->add(late, deadline::never());
  if (!wrong) (void)pool_type::cancel(late);
  pool->add(late, deadline::never());
  (void)pool_type::cancel(late);
"""),
    "slot_map": ("slot_map: a destructor of T puts new values into a map that dies", """
  struct echo {
    slot_map<echo>* map;
    explicit echo(slot_map<echo>* m) : map(m) {}
    ~echo() {
      if (map != nullptr) (void)map->emplace(nullptr);
    }
  };
  slot_map<echo> map;
  const auto first = *map.emplace(nullptr);
  (void)map.emplace(wrong ? &map : nullptr);
  map.erase(first);  // its slot lies behind the end's walk when the other value dies
"""),
    "compacting_pool": ("compacting_pool: a destructor of T puts new values into a pool that dies", """
  struct echo {
    compacting_pool<echo>* pool;
    explicit echo(compacting_pool<echo>* p) : pool(p) {}
    echo(echo&& other) noexcept : pool(std::exchange(other.pool, nullptr)) {}
    ~echo() {
      if (pool != nullptr) (void)pool->emplace(nullptr);
    }
  };
  compacting_pool<echo> pool;
  const auto first = *pool.emplace(nullptr);
  (void)pool.emplace(wrong ? &pool : nullptr);
  pool.erase(first);  // its slot lies behind the end's walk when the other value dies
"""),
    "shared_object_pool": ("shared_object_pool: destroyed while objects of it live", """
  shared_object_pool<int> pool;
  auto seat = *pool.join();
  int* const left = *seat.create(1);
  if (!wrong) seat.destroy(*left);
"""),
    "parker": ("parker: destroyed while its owner is parked", """
  auto p = std::make_unique<parker<policy::wait<wait::park>>>();
  std::thread owner([at = p.get()] { at->park(); });
  std::this_thread::sleep_for(20ms);
  if (!wrong) p->unpark(), owner.join();
  p.reset();
  if (wrong) std::_Exit(0);
"""),
    "awaiting_pop": ("awaiting: destroyed while a coroutine waits; close it and let them end first", """
  loop here;
  task_scope scope;
  auto queue = std::make_unique<awaiting<mpmc_ring<int>>>();
  scope.spawn(pops(*queue, here));
  if (!wrong) queue->close(), here.run();
  queue.reset();
"""),
    "awaiting_called": ("awaiting: destroyed before a coroutine that was called has run; let them end first", """
  loop here;
  task_scope scope;
  auto queue = std::make_unique<awaiting<mpmc_ring<int>>>();
  scope.spawn(pops(*queue, here));
  queue->close();
  if (!wrong) here.run();
  queue.reset();
"""),
    "awaiting_coroutine": ("awaiting: a coroutine was destroyed between the call and its run", """
  loop here;
  awaiting<mpmc_ring<int>> queue;
  {
    task_scope scope;
    scope.spawn(pops(queue, here));
    queue.close();
    if (!wrong) here.run();
  }
"""),
    "moved_ring": ("a ring that was moved away is used", """
  using ring = mpmc_ring<int, policy::capacity<policy::dynamic>>;
  auto made = ring::make(4);
  ring there = std::move(*made);
  (void)(wrong ? *made : there).try_push(1);
"""),
    "map_entry": ("sharded_map::entry: used although nothing was found", """
  epoch_domain<> domain;
  sharded_map<int, int> map;
  auto seat = *domain.join();
  (void)map.insert(seat, 1, 1);
  (void)*map.find(seat, wrong ? 2 : 1);
"""),
    "lanes": ("lanes::try_push: there is no such lane", """
  lanes<int, 2> queue;
  (void)queue.try_push(wrong ? 2 : 1, 1);
"""),
    "reader": ("broadcast_ring::reader: there is no reader of that number", """
  broadcast_ring<int, policy::independent_readers<3>> ring;
  (void)ring.reader(wrong ? 3 : 2);
"""),
    "intrusive_local": ("intrusive_ptr: two threads share an object that counts by counts::local", """
  struct object : ref_counted<object, policy::count<counts::local>> {};
  auto p = *make_intrusive<object>();
  auto q = wrong ? p : intrusive_ptr<object>();
  std::thread([&] { auto r = p; }).join();
"""),
    "intrusive_owners": ("intrusive_ptr: more owners than the count can hold", """
  counts::atomic::word<atomics::real> word((1u << 31) - 1);
  word.add();
  if (wrong) word.add();
"""),
    "intrusive_died": ("intrusive_ptr: an object died that still has owners", """
  struct object : ref_counted<object> {};
  object here;
  auto p = intrusive_ptr<object>::share(&here);
  if (wrong) (void)p.detach();
"""),
    "intrusive_home": ("reclaim_to_pool: name the pool, by make_intrusive_from", """
  struct object;
  using pool_type = object_pool<object>;
  struct object : ref_counted<object, policy::release<reclaim_to_pool<pool_type>>> {};
  pool_type pool;
  (void)make_intrusive_from<object>(wrong ? reclaim_to_pool<pool_type>() : reclaim_to_pool<pool_type>(pool));
"""),
    "pop_result": ("pop_result::value of a result without a value", """
  mpmc_ring<int> ring;
  if (!wrong) (void)ring.try_push(1);
  (void)*ring.try_pop();
"""),
    "calendar_advance": ("calendar::advance: called in a callback of its own", """
  calendar<policy::clock<sim::clock>> jobs;
  scheduled job([&] {
    if (wrong) jobs.advance();
  });
  (void)jobs.add(job, "* * * * *");
  sim::clock::advance(60s);
  jobs.advance();
"""),
    "cron_next": ("cron::next: no calendar shows this time", """
  constexpr cron when = "0 0 * * *";
  (void)when.next({2023, 2, static_cast<std::uint8_t>(wrong ? 29 : 28), 0, 0, 0});
"""),
    "components_start": ("components::start: started already; stop first", """
  struct part {
    void stop() {}
  };
  components<part> all;
  (void)all.start();
  if (!wrong) all.stop();
  (void)all.start();
"""),
    # A simulation ends its run and not the program, and its report does it again; outside, asserts end the program.
    "sim_run": ("assertion: x is not 0, in 2 reader; again: yes", """
  const auto body = [&] {
    sim::atomics::atomic<int> x{0};
    const auto read = [&]() noexcept { FRYS_ASSERT(!wrong || x.load() == 0, "x is not 0"); };
    sim::thread writer("writer", [&] { x.store(1); });
    sim::thread reader("reader", read);
  };
  const auto found = sim::explore_seeds(0, 100, body);
  const auto& r = found.failure;
  if (found.ok()) return;
  const bool same = r.repeats && sim::run(r.seed, body).text() == sim::run(r.seed, body).text() &&
                    sim::replay(r.schedule, body).failure == r.failure && std::strstr(r.where.file, "hardened.cpp");
  std::fprintf(stderr, "frys: %s: %s, in %s; again: %s\\n", sim::name_of(r.what), r.failure.c_str(), r.thread.c_str(),
               same ? "yes" : "no");
  std::abort();
"""),
    "sim_over": ("sim::thread::join: there is no thread to wait for", """
  const auto joins_nothing = [] { sim::thread().join(); };
  const auto outer = sim::run(1, [&] {
    sim::require(sim::run(2, joins_nothing).what == sim::verdict::assertion, "the inner one fails");
    joins_nothing();
  });
  if (outer.what != sim::verdict::assertion) std::_Exit(1);
  if (wrong) joins_nothing();
"""),
    "model_check": ("assertion: x is not 0; again: yes", """
  const auto body = [&] {
    atomics::model::atomic<int> x{0};
    const auto read = [&]() noexcept { FRYS_ASSERT(!wrong || x.load() == 0, "x is not 0"); };
    sim::model::threads([&] { x.store(1); }, read);
  };
  const auto r = sim::model::check(sim::model::exhaustive{}, body);
  if (r.passed()) return;
  const std::string schedule = r.schedule();
  const auto again = sim::model::check(sim::model::replay{schedule}, body);
  const bool same = again.what == r.what && again.failure == r.failure;
  std::fprintf(stderr, "frys: %s: %s; again: %s\\n", name_of(r.what), r.failure.c_str(), same ? "yes" : "no");
  std::abort();
"""),
}

HEAD = """
#include <frys/frys.hpp>
#include <frys/sched/calendar.hpp>
#include <frys/sched/components.hpp>
#include <frys/sched/scheduler.hpp>
#include <frys/sim/clock.hpp>
#include <frys/sim/model.hpp>
#include <frys/sim/run.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>

using namespace frys;
using namespace std::chrono_literals;

struct loop {
  intrusive_queue<work> posted;
  void post(work& w) noexcept { posted.push(w); }
  void run() noexcept {
    while (work* const w = posted.pop()) w->run(*w);
  }
};
template <class Q>
task<> pops(Q& queue, loop& here) {
  for (;;) {
    auto got = co_await queue.pop(here);
    if (!got) break;
  }
}
"""


def program():
    functions = [f"void case_{name}([[maybe_unused]] bool wrong) {{{body}}}\n" for name, (_, body) in CASES.items()]
    calls = [f'  if (std::strcmp(argv[2], "{name}") == 0) return case_{name}(wrong), 0;\n' for name in CASES]
    return HEAD + "".join(functions) + ("int main(int, char** argv) {\n  const bool wrong = argv[1][0] == 'w';\n"
                                        + "".join(calls) + "  return 2;\n}\n")


def main():
    cxx = "g++"  # the cases have coroutines, which clang 14 does not
    if not shutil.which(cxx):
        print("skipped: no g++")
        return 77
    errors = []
    with tempfile.TemporaryDirectory() as scratch:
        source, binary = pathlib.Path(scratch, "hardened.cpp"), pathlib.Path(scratch, "hardened")
        source.write_text(program())
        built = subprocess.run([cxx, "-std=c++20", "-O1", "-DFRYS_HARDENED=1", "-I", str(TOP / "include"), "-pthread",
                                str(source), "-o", str(binary)], capture_output=True, text=True)
        if built.returncode != 0:
            sys.exit(f"hardened: the program does not compile\n{built.stderr[:4000]}")
        for name, (sentence, _) in CASES.items():
            for form in ("wrong", "right"):
                done = subprocess.run([str(binary), form, name], capture_output=True, text=True, timeout=60)
                if form == "wrong" and (done.returncode != -6 or f"frys: {sentence}\n" not in done.stderr):
                    errors.append(f"{name}: not refused with '{sentence}': exit {done.returncode}, {done.stderr.strip()}")
                if form == "right" and done.returncode != 0:
                    errors.append(f"{name}: the right form ends with {done.returncode}: {done.stderr.strip()}")
    print("\n".join(errors) if errors else f"hardened: {len(CASES)} mistakes refused, ok")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
