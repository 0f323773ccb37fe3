// A scheduler's workers under the model: the threads are the body's.
#ifndef FRYS_TESTS_MODEL_POOL_HPP
#define FRYS_TESTS_MODEL_POOL_HPP

#include <frys/sched/scheduler.hpp>

#include "blocks.hpp"

#include <memory>

namespace model_pool {

struct threads {
  struct thread {};
  template <class Tag>
  static void*& local() noexcept {
    static void* none = nullptr;  // who asks is no worker
    return none;
  }
};
struct no_clock {
  static frys::nanoseconds now() noexcept { return frys::nanoseconds{0}; }
};

template <class Discipline>
struct config {
  using atomics = blocks::A;
  using wait = frys::wait::park;
  using sleep = frys::wait::park;
  using clock = no_clock;
  using threads = model_pool::threads;
  using discipline = Discipline;
  using promotion = frys::promotion::on_demand;
  using trace = frys::trace::none;
  static constexpr unsigned levels = 1;
  static constexpr std::size_t aging = 0;
};

struct job : frys::work {
  blocks::element payload{0};
};

template <class Discipline = frys::discipline::work_stealing>
struct basic_pool {
  using core_type = frys::detail::pool_core<config<Discipline>>;
  using worker = typename core_type::worker;

  explicit basic_pool(unsigned workers) : core(1, frys::nanoseconds{1}, nullptr) {
    core.workers_.reset(new std::unique_ptr<worker>[workers]);
    for (unsigned i = 0; i < workers; ++i) core.workers_[i].reset(new worker(core, i));
    core.count_ = core.threads_ = workers;
  }
  worker& at(unsigned i) { return *core.workers_[i]; }
  // What worker i finds, when it has it; 0: the pool stops.
  int next(unsigned i) {
    auto r = core.own(at(i));
    if (!r) r = core.search(at(i));
    return r ? value_of(r) : 0;
  }
  static int value_of(frys::detail::work_ref r) { return static_cast<job&>(r.get()).payload; }
  void run_all(unsigned i) {
    for (;;) {
      auto r = core.own(at(i));
      if (!r) r = core.search(at(i));
      if (!r) return;
      core.run(at(i), r);
    }
  }
  void post(job& j) {
    const frys::detail::work_ref r(j, false);
    core.push_outside(r, r, 0);
    core.tell();
  }
  void stop() {
    core.stopping_.store(true, std::memory_order_seq_cst);
    blocks::A::fence(std::memory_order_seq_cst);
    for (unsigned i = 0; i < core.threads_; ++i)
      if (core.idle_.pick_this(i, [] { return false; }) == i) core.workers_[i]->sleeper.unpark();
  }

  core_type core;
};
using pool = basic_pool<>;

}  // namespace model_pool

#endif  // FRYS_TESTS_MODEL_POOL_HPP
