// pool_core: the workers of a scheduler: their queues, how they look for work, sleep, and wake each other.
//
// A worker looks, in this order: at what was sent to it alone, at the piece it has just made ready (the newest, three
// times in a row at most), at its own queue, oldest first, at its inbox; then it is a searcher and looks at the others:
// promoted forks, half of a queue, an inbox, and, when it has stood there for two looks, the newest piece of another.
// Now and then it looks at the clock: at its own timers, seldom at all workers'. One of those that sleep, the keeper,
// sleeps until the first of them.
#ifndef FRYS_SCHED_DETAIL_POOL_CORE_HPP
#define FRYS_SCHED_DETAIL_POOL_CORE_HPP

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "../../config.hpp"
#include "../../core/cache_line.hpp"
#include "../../core/counter.hpp"
#include "../../core/eventcount.hpp"
#include "../../core/parker.hpp"
#include "../../core/thread.hpp"
#include "../../core/wait.hpp"
#include "../../core/work.hpp"
#include "../../policy.hpp"
#include "../../queue/stealing_deque.hpp"
#include "../fork_join.hpp"
#include "../frame_cache.hpp"
#include "fork_seat.hpp"
#include "idle_set.hpp"
#include "run_queue.hpp"
#include "timekeeper.hpp"
#include "timer_shelf.hpp"

namespace frys::inline FRYS_ABI {

// What one worker has done so far. Any thread may read it while it goes on.
struct worker_stats {
  std::uint64_t runs = 0;          // tasks run
  std::uint64_t forks = 0;         // forks of others run
  std::uint64_t offered = 0;       // forks of its own handed out
  std::uint64_t steals = 0;        // times it took from another worker's queue or inbox
  std::uint64_t stolen_tasks = 0;  // what it got that way
  std::uint64_t searches = 0;      // times it had nothing
  std::uint64_t parks = 0;         // times it slept
  std::uint64_t wakes = 0;         // others that it woke
  std::uint64_t dropped = 0;       // tasks it found cancelled
  std::uint64_t idle_ns = 0;       // asleep
  std::uint64_t timers = 0;        // fired
  std::uint64_t queued = 0;        // in its queue now, about

  worker_stats& operator+=(const worker_stats& o) noexcept {
    runs += o.runs, forks += o.forks, offered += o.offered, steals += o.steals, stolen_tasks += o.stolen_tasks;
    searches += o.searches, parks += o.parks, wakes += o.wakes, dropped += o.dropped, idle_ns += o.idle_ns;
    timers += o.timers, queued += o.queued;
    return *this;
  }
};

namespace detail {

// Config names the types: atomics, wait, clock, threads, discipline, promotion, trace; and levels, aging.
template <class Config>
class pool_core {
 public:
  using atomics = typename Config::atomics;
  using clock = typename Config::clock;
  using threads = typename Config::threads;
  using discipline = typename Config::discipline;
  using wait_type = typename Config::wait;
  using seat = fork_seat<atomics>;
  using job = fork_job<atomics>;
  using idle = idle_set<atomics>;
  using shelf = timer_shelf<atomics, clock>;
  using timer_type = typename shelf::timer_type;
  using watch = timekeeper<atomics>;
  static constexpr unsigned levels = Config::levels;
  static constexpr unsigned nobody = idle::nobody;
  // What is a worker's nobody else runs, nor fires.
  static constexpr bool is_sharded = !discipline::steals && !discipline::shares;

  using deque = stealing_deque<std::uintptr_t, policy::atomics<atomics>>;
  using number = basic_counter<policy::atomics<atomics>>;
  using recorder = typename Config::trace::template recorder<atomics, clock>;

  // Threads of a simulation are one to the system, and cannot each have a cache.
  static constexpr bool keeps_frames = std::is_same_v<threads, os_threads>;
  struct no_frames {
    template <class... Args>
    explicit no_frames(Args&...) noexcept {}
  };
  using depot_type = std::conditional_t<keeps_frames, basic_frame_depot<policy::atomics<atomics>>, no_frames>;
  using frames_type = std::conditional_t<keeps_frames, frame_cache, no_frames>;

  struct queue {
    deque tasks;
    typename deque::owner_type own = tasks.owner();
    inbox<atomics> posted;
  };

  struct no_watch {};
  struct alignas(2 * cache_line) worker : seat {
    worker(pool_core& p, unsigned i) noexcept
        : seat(hosts, Config::promotion::each_fork), pool(p), index(i), dice(i + 1), timers(i, p.timer_tick_) {}
    ~worker() {}

    pool_core& pool;
    const unsigned index;
    unsigned streak = 0;    // pieces in a row from `newest`
    unsigned turn = 0;      // counts looks, for who would starve
    unsigned nested = 0;    // others' forks on this stack
    unsigned patience = 0;  // rounds of a search; less when searches were in vain
    std::uint32_t dice;
    work_ref kept;  // sent to it alone and taken, oldest first
    queue queues[levels];
    [[no_unique_address]] recorder trace;
    shelf timers;
    typename watch::bed asleep_until{0};
    [[no_unique_address]] std::conditional_t<is_sharded, watch, no_watch> own_time;
    number runs, forks, offered, steals, stolen, searches, parks, wakes, dropped, idle_ns, fired;
    number slept_at;  // 0: it does not sleep
    typename threads::thread thread;
    alignas(2 * cache_line) inbox<atomics> sent;  // to it alone
    typename atomics::template atomic<std::uintptr_t> newest{0};
    rest_count<atomics> rest;
    parker<policy::atomics<atomics>, policy::wait<typename Config::sleep>, policy::clock<clock>> sleeper;
  };

  pool_core(unsigned rounds, nanoseconds timer_tick, void (*failed)(std::exception_ptr) noexcept) noexcept
      : rounds_(rounds), timer_tick_(timer_tick), failed_(failed) {}
  pool_core(const pool_core&) = delete;
  pool_core& operator=(const pool_core&) = delete;

  // The calling thread's, of whatever pool with these atomics and threads; nullptr.
  static worker* here() noexcept {
    seat* const s = fork_here<atomics, threads>::seat();
    return s != nullptr && &s->host() == &hosts ? static_cast<worker*>(s) : nullptr;
  }
  worker* here_of_mine() noexcept {
    worker* const w = here();
    return w != nullptr && &w->pool == this ? w : nullptr;
  }
  static void sit(worker* w) noexcept { threads::template local<fork_seat_tag>() = static_cast<seat*>(w); }

  // ---- work comes in

  // From a worker: at the end of its queue.
  void push(worker& me, work_ref r, unsigned level) noexcept {
    if constexpr (discipline::shares) {
      (void)me, (void)level;
      shared_.push(r);
    } else {
      queue& q = me.queues[level];
      if (!q.own.try_push(r.bits())) {  // no memory
        q.posted.push(r);
        return;
      }
      q.own.share();
    }
  }
  // From a worker: the next that it runs, and before that anybody's who has nothing.
  void push_newest(worker& me, work_ref r, unsigned level) noexcept {
    if constexpr (!discipline::shares && levels == 1) {
      // sync(pool_core.newest): release; the piece is whole before a thief has it. The one before was ours anyhow.
      const std::uintptr_t before = me.newest.exchange(r.bits(), std::memory_order_release);
      if (before == 0) return;
      r = work_ref::of_bits(before);
    }
    push(me, r, level);
  }
  // From anywhere: to the worker that looks out for it, or one that sleeps and is woken for it, or any.
  void push_outside(work_ref first, work_ref last, unsigned level) noexcept {
    if constexpr (discipline::shares) {
      for (work_ref r = first; r;) {
        const work_ref after = r.bits() == last.bits() ? work_ref() : r.next();
        shared_.push(r);
        r = after;
      }
    } else {
      target().queues[level].posted.push_chain(first, last);
    }
  }
  void send(unsigned to, work_ref r) noexcept {
    workers_[to]->sent.push(r);
    // sync(idle_set.dekker): seq_cst; as in idle_set::pick.
    atomics::fence(std::memory_order_seq_cst);
    const unsigned i = idle_.pick_this(to, [this] { return has_work(); });
    if (i != nobody) unpark(i);
  }
  // There is something for anybody.
  void tell() noexcept {
    const unsigned i = idle_.pick([this] { return has_work(); });
    if (i != nobody) unpark(i);
  }
  // There are `count` pieces.
  void tell_many(std::size_t count) noexcept {
    tell();
    for (; count > 1; --count) {
      const unsigned i = idle_.pick_another([this] { return has_work(); });
      if (i == nobody) return;
      unpark(i);
    }
  }
  void unpark(unsigned i) noexcept {
    if (worker* me = here_of_mine()) me->wakes.add();
    workers_[i]->sleeper.unpark();
  }

  // From anywhere: what goes on where it was before, on any worker or, sharded, on `home`.
  void go_on(work& w, unsigned home) noexcept {
    const work_ref r(w, false);
    worker* const me = here_of_mine();
    if (is_sharded && (me == nullptr || me->index != home)) return send(home, r);
    if (me != nullptr)
      push(*me, r, levels / 2);
    else
      push_outside(r, r, levels / 2);
    if constexpr (!is_sharded) tell();
  }

  void stay_awake_for(nanoseconds time) noexcept {
    const std::int64_t until = deadline::after<clock>(time).at.count();
    std::int64_t before = awake_until_.load(std::memory_order_relaxed);  // relaxed: as in shall_stay_awake
    while (before < until &&
           !awake_until_.compare_exchange_weak(before, until, std::memory_order_relaxed, std::memory_order_relaxed)) {
    }
  }

  // ---- timers

  // Whose shelf a timer is set on: the calling worker's, or any.
  worker& timer_home() noexcept {
    worker* const me = here_of_mine();
    if (threads_ == 0) return me != nullptr ? *me : *workers_[0];
    if (me != nullptr && me->index < threads_) return *me;
    return *workers_[timer_turn_.fetch_add(1, std::memory_order_relaxed) % threads_];  // relaxed: any will do
  }
  // `t` has been named as one of the shelf of `home`. False: withdrawn before. Behind it the timer may be gone.
  bool add_timer(worker& home, timer_type& t, nanoseconds at) noexcept {
    bool is_first = false;
    if (!home.timers.add(t, at, is_first)) return false;
    if (is_first) tell_keeper(home, at);
    return true;
  }
  // One that is set. False: it was not.
  bool move_timer(timer_type& t, nanoseconds at) noexcept {
    bool is_first = false;
    const shelf* const s = shelf::move(t, at, is_first);
    if (s != nullptr && is_first) tell_keeper(*workers_[s->index()], at);
    return s != nullptr;
  }
  // Fires what is due: all workers', or one's own alone.
  void look_at_clock(worker& me, bool all = true) noexcept {
    if (is_sharded) all = false;
    const nanoseconds first = all ? earliest(me) : me.timers.next();
    if (first == shelf::nothing) return;
    const nanoseconds now = clock::now();
    if (now < first) return;
    if (!all) return me.fired.add(me.timers.advance(now));
    for (unsigned i = 0; i < count_; ++i)
      if (shelf& s = workers_[i]->timers; s.next() <= now) me.fired.add(s.advance(now));
  }

  // ---- a worker's life

  void live(worker& me) noexcept {
    sit(&me);
    [[maybe_unused]] const frames_type frames(depot_);
    while (!stopping_.load(std::memory_order_relaxed)) {  // relaxed: as in search
      work_ref r = own(me);
      if (!r) r = search(me);
      if (!r) break;
      run(me, r);
    }
    sit(nullptr);
  }

  // Something of one's own; none.
  work_ref own(worker& me) noexcept {
    if (work_ref r = own_task(me)) return r;
    // What a coroutine has forked and waits for elsewhere.
    if (work* w = me.pop_task()) return work_ref(*w, false);
    return {};
  }
  work_ref own_task(worker& me) noexcept {
    if (++me.turn % 16 == 0) look_at_clock(me, me.turn % 256 == 0);
    if (me.kept || !me.sent.seems_empty())
      if (work_ref r = kept(me)) return r;
    if constexpr (discipline::shares) {
      return shared_.pop();
    } else {
      if constexpr (levels == 1) {
        // The newest has its data in the caches; but three in a row are enough while others wait.
        if (me.streak < 3) {
          // relaxed, both: what stands there is our own, or a thief has had it between
          if (me.newest.load(std::memory_order_relaxed) != 0) {
            if (const std::uintptr_t bits = me.newest.exchange(0, std::memory_order_relaxed); bits != 0) {
              ++me.streak;
              return work_ref::of_bits(bits);
            }
          }
        }
        me.streak = 0;
        if (work_ref r = next_of(me, 0)) return r;
        if (me.newest.load(std::memory_order_relaxed) == 0) return {};               // relaxed: as above
        return work_ref::of_bits(me.newest.exchange(0, std::memory_order_relaxed));  // relaxed: as above
      } else {
        // Each `aging` looks one begins further down, so that no level waits for ever.
        unsigned first = 0;
        if constexpr (Config::aging != 0)
          if (me.turn % Config::aging == 0) first = 1 + (me.turn / Config::aging) % (levels - 1);
        for (unsigned k = 0; k < levels; ++k)
          if (work_ref r = next_of(me, (first + k) % levels)) return r;
        return {};
      }
    }
  }

  void run(worker& me, work_ref r) noexcept {
    me.trace.begins();
    r.get().run(r.get());
    me.trace.ends();
    me.runs.add();
  }

  // Nothing of its own: looks at the others, sleeps, until there is something. None: the pool stops.
  work_ref search(worker& me) noexcept {
    me.searches.add();
    idle_.begin_search();
    unsigned round = 0;
    if (me.patience == 0) me.patience = rounds_;
    for (;;) {
      // relaxed: it only has to be seen at last; what stops must be done before comes with the join
      if (stopping_.load(std::memory_order_relaxed)) {
        (void)idle_.end_search();
        return {};
      }
      hot_.store(me.index, std::memory_order_relaxed);  // relaxed: a hint where to post to
      work_ref r = own(me);
      if (!r && round % 4 == 0) r = take_from_others(me, round);
      if (r) {
        if (round != 0) me.patience = (std::min)(rounds_, me.patience * 2);
        if (idle_.end_search() && has_work()) tell();
        return r;
      }
      ++round;
      // relaxed: who drains waits for all to lie down, and sets this before it tells them
      if (!wait_type::sleeps && !draining_.load(std::memory_order_relaxed)) {
        look_around(round);
        continue;
      }
      if (round < me.patience || shall_stay_awake()) {
        look_around(round);
        continue;
      }
      me.patience = (std::max)(me.patience / 2, (rounds_ + 7) / 8);
      // Where there was something after all, it has stood there long enough.
      round = sleep(me) ? 0 : newest_stands;
    }
  }

  // One task, for who waits inside a task. Its own newest first: that is what it waits for, or inside of that, so the
  // stack gets no deeper than the serial program's. Others' to a bounded depth. False: there was none.
  bool help(worker& me, unsigned round) noexcept {
    if constexpr (!discipline::shares)
      for (queue& q : me.queues)
        if (auto got = q.own.try_pop()) return run(me, work_ref::of_bits(got.value())), true;
    if (me.nested >= most_nested) return false;
    work_ref r = own(me);
    if (!r) r = take_from_others(me, round);
    if (!r) return false;
    ++me.nested;
    run(me, r);
    --me.nested;
    return true;
  }

  // Until ready() is true: runs what there is, and sleeps where there is nothing. Who makes it ready unparks.
  template <class Ready>
  void work_until(worker& me, Ready&& ready) noexcept {
    unsigned round = 0;
    while (!ready()) {
      if (help(me, round)) {
        round = 0;
      } else if (++round < rounds_ || !wait_type::sleeps) {
        look_around(round);
      } else {
        idle_.begin_search();
        me.rest.lie_in_task();
        idle_.lie_down(me.index);
        ask_all(me);
        // relaxed: as in search
        if (ready() || has_work() || has_own(me) || stopping_.load(std::memory_order_relaxed)) {
          if (!idle_.get_up(me.index)) me.sleeper.park();  // somebody has woken us: the permit is ours to take
          round = newest_stands;
        } else {
          me.parks.add();
          const bool told = sleep_on(me);
          // Not from the idle set's list: what we wait for is ready, or a timer is due.
          if (idle_.is_lying(me.index) ? !idle_.get_up(me.index) : !told) me.sleeper.park();
          round = 0;
        }
        me.rest.rise();
        rises(me);
        if (idle_.end_search() && has_work()) tell();
      }
    }
  }

  // ---- looking

  [[nodiscard]] bool has_work() const noexcept {
    if constexpr (discipline::shares)
      if (!shared_.seems_empty()) return true;
    for (unsigned i = 0; i < count_; ++i) {
      worker& w = *workers_[i];
      if constexpr (discipline::steals || discipline::shares)
        if (w.has_promoted() || w.has_forked_tasks()) return true;
      if constexpr (discipline::steals) {
        if (w.newest.load(std::memory_order_relaxed) != 0) return true;  // relaxed, all: behind a seq_cst operation
        for (queue& q : w.queues)
          if (q.tasks.thief().size_hint() != 0 || !q.posted.seems_empty()) return true;
      }
    }
    return false;
  }
  // What nobody else would run, of one that lies: then nothing is kept.
  [[nodiscard]] static bool has_own(worker& me) noexcept {
    if (!me.sent.seems_empty()) return true;
    if constexpr (is_sharded) {
      for (queue& q : me.queues)
        if (q.tasks.thief().size_hint() != 0 || !q.posted.seems_empty()) return true;
      if (me.newest.load(std::memory_order_relaxed) != 0) return true;  // relaxed: its own
    }
    return false;
  }
  // Whether all workers sleep, and nothing waits for them.
  [[nodiscard]] bool is_quiet() const noexcept {
    return idle_.is_quiet(
        threads_,
        [this](auto&& f) {
          for (unsigned i = 0; i < count_; ++i) f(std::as_const(workers_[i]->rest));
        },
        [this] {
          for (unsigned i = 0; i < threads_; ++i)
            if (has_own(*workers_[i])) return true;
          return has_work();
        });
  }

  std::unique_ptr<std::unique_ptr<worker>[]> workers_;
  unsigned count_ = 0;    // workers and guests' seats
  unsigned threads_ = 0;  // those with a thread of their own: the first ones
  depot_type depot_;      // of the frames of coroutines, which move between the workers
  idle idle_;
  sleep_marks<atomics> joining_;  // workers that sleep in a join
  shared_run_queue<atomics> shared_;
  alignas(cache_line) typename atomics::template atomic<std::uint32_t> hot_{0};
  typename atomics::template atomic<bool> stopping_{false};
  typename atomics::template atomic<bool> draining_{false};
  eventcount<policy::atomics<atomics>, policy::wait<wait::park>, policy::clock<clock>> all_quiet_;
  watch time_;
  typename atomics::template atomic<std::int64_t> awake_until_{0};  // who would sleep searches on until then; 0: not
  typename atomics::template atomic<unsigned> timer_turn_{0};
  const unsigned rounds_;
  const nanoseconds timer_tick_;
  void (*const failed_)(std::exception_ptr) noexcept;

 private:
  static constexpr unsigned most_nested = 16;
  static constexpr unsigned newest_stands = 16;  // so many looks, until it is anybody's

  worker& target() noexcept {
    const std::uint32_t hot = hot_.load(std::memory_order_relaxed);  // relaxed: a hint
    if (idle_.searching() != 0) return *workers_[hot];
    const unsigned sleeper = idle_.asleep().lowest();
    return *workers_[sleeper != nobody ? sleeper : hot];
  }

  static void look_around(unsigned round) noexcept {
    atomics::pause();
    if constexpr (requires { atomics::rest(1u); }) {
      if (round % 64 == 63) os_thread::yield();
    }
  }

  work_ref kept(worker& me) noexcept {
    if (!me.kept) me.kept = me.sent.take_all();
    const work_ref r = me.kept;
    if (r) me.kept = r.next();
    return r;
  }

  // The oldest of a level; what was posted comes behind what is queued, but not for ever.
  work_ref next_of(worker& me, unsigned level) noexcept {
    queue& q = me.queues[level];
    if (me.turn % 61 == 0)
      if (work_ref r = unpack(q, q.posted.take_all())) return r;
    if (auto got = q.tasks.thief().try_steal()) return work_ref::of_bits(got.value());
    if (auto got = q.own.try_pop()) return work_ref::of_bits(got.value());
    return unpack(q, q.posted.take_all());
  }
  // Answers the first of a chain, and queues the rest.
  work_ref unpack(queue& q, work_ref chain) noexcept {
    if (!chain) return {};
    work_ref rest = chain.next();
    if (!rest) return chain;
    while (rest) {
      const work_ref after = rest.next();
      if (!q.own.try_push(rest.bits())) q.posted.push(rest);  // no memory
      rest = after;
    }
    q.own.share();
    // Who looked for work while these were on their way has not seen them, and may sleep.
    if constexpr (discipline::steals) tell();
    return chain;
  }

  unsigned throw_dice(worker& me, unsigned n) noexcept {
    me.dice ^= me.dice << 13, me.dice ^= me.dice >> 17, me.dice ^= me.dice << 5;
    return static_cast<unsigned>((std::uint64_t{me.dice} * n) >> 32);
  }

  // A fork of another, run at once; or a task of another; and asks for forks where there is neither.
  work_ref take_from_others(worker& me, unsigned round) noexcept {
    if constexpr (is_sharded) {
      (void)me, (void)round;
      return {};
    } else {
      const unsigned first = throw_dice(me, count_);
      for (unsigned k = 0; k < count_; ++k) {
        worker& from = *workers_[(first + k) % count_];
        if (&from == &me) continue;
        if (job* j = from.steal()) {
          if (!idle_.asleep().empty()) from.ask();  // for who sleeps: one question is answered by one fork
          return stolen_fork(me, *j);
        }
        if (work* w = from.steal_forked_task()) {
          me.forks.add();
          return work_ref(*w, false);
        }
        if constexpr (discipline::steals)
          if (work_ref r = steal_task(me, from, round)) return r;
      }
      for (unsigned k = 0; k < count_; ++k)
        if (workers_[k].get() != &me) workers_[k]->ask();
      return {};
    }
  }
  work_ref steal_task(worker& me, worker& from, unsigned round) noexcept {
    for (unsigned level = 0; level < levels; ++level) {
      queue& theirs = from.queues[level];
      queue& ours = me.queues[level];
      if (const std::size_t n = theirs.tasks.thief().steal_batch(ours.own); n != 0) {
        ours.own.share();
        if (n > 1) tell();  // as in unpack
        me.steals.add(), me.stolen.add(n);
        me.trace.stole(from.index);
        if (work_ref r = next_of(me, level)) return r;
      }
      if (!theirs.posted.seems_empty())
        if (work_ref r = unpack(ours, theirs.posted.take_all())) {
          me.steals.add(), me.stolen.add();
          me.trace.stole(from.index);
          return r;
        }
    }
    // What another has just made ready it mostly runs next itself: only what stands there in several looks is taken.
    if (round >= newest_stands && from.newest.load(std::memory_order_relaxed) != 0) {  // relaxed: a look
      // sync(pool_core.newest): acquire; the piece is whole.
      if (const std::uintptr_t bits = from.newest.exchange(0, std::memory_order_acquire); bits != 0) {
        me.steals.add(), me.stolen.add();
        me.trace.stole(from.index);
        return work_ref::of_bits(bits);
      }
    }
    return {};
  }
  void ask_all(worker& me) noexcept {
    if constexpr (discipline::steals || discipline::shares)
      for (unsigned k = 0; k < count_; ++k)
        if (workers_[k].get() != &me) workers_[k]->ask();
  }

  static work_ref stolen_fork(worker& me, job& j) noexcept {
    j.runner.store(&me, std::memory_order_relaxed);  // relaxed: a hint; workers are older than all jobs
    me.forks.add();
    return work_ref(j, false);
  }

  // A searcher finds nothing any more. False: there is something, it has not slept.
  bool sleep(worker& me) noexcept {
    idle_.lie_down(me.index);
    ask_all(me);  // for who forks while we sleep
    // relaxed: as in search
    if (has_work() || has_own(me) || stopping_.load(std::memory_order_relaxed)) {
      if (!idle_.get_up(me.index)) me.sleeper.park();  // the permit is on its way
      me.rest.rise();
      return false;
    }
    if (draining_.load(std::memory_order_relaxed)) all_quiet_.notify_all();  // relaxed: as in search
    me.parks.add();
    const nanoseconds from = clock::now();
    me.slept_at.set(static_cast<std::uint64_t>(from.count()));
    me.trace.parks();
    for (;;) {
      const bool told = sleep_on(me);
      if (!idle_.is_lying(me.index)) {
        if (!told) me.sleeper.park();  // the permit is on its way
        break;
      }
      // A permit that a join has left over, or somebody must keep the time. relaxed: as in search
      if (!stopping_.load(std::memory_order_relaxed) && (told || clock::now() < earliest(me))) continue;
      if (!idle_.get_up(me.index)) me.sleeper.park();
      break;
    }
    me.rest.rise();
    me.trace.wakes();
    me.slept_at.set(0);
    me.idle_ns.add(static_cast<std::uint64_t>((clock::now() - from).count()));
    rises(me);
    return true;
  }

  // ---- time

  watch& time_of([[maybe_unused]] worker& me) noexcept {
    if constexpr (is_sharded)
      return me.own_time;
    else
      return time_;
  }
  [[nodiscard]] nanoseconds earliest(const worker& me) const noexcept {
    if constexpr (is_sharded) return me.timers.next();
    nanoseconds first = shelf::nothing;
    for (unsigned i = 0; i < count_; ++i) first = (std::min)(first, workers_[i]->timers.next());
    return first;
  }
  // Until an unpark, or, false, until a timer is due and nobody else keeps the time.
  bool sleep_on(worker& me, bool keeps_long = true) noexcept {
    return me.sleeper.park_until(
        time_of(me).lie_down(me.index, me.asleep_until, keeps_long, [&] { return earliest(me); }));
  }
  // A timer has been set on the shelf of `home` that is due before the others there.
  void tell_keeper(worker& home, nanoseconds at) noexcept {
    const unsigned i = time_of(home).set(
        at, [this](unsigned k) -> auto& { return workers_[k]->asleep_until; });
    if (i < count_)
      unpark(i);
    else if (i == watch::nobody && !is_sharded)
      wake_keeper();
  }
  // Behind a sleep: keeps the time no longer.
  void rises(worker& me) noexcept {
    if (time_of(me).get_up(me.index, [&] { return earliest(me); }) && !is_sharded) wake_keeper();
    look_at_clock(me);
  }
  // One who sleeps, or sleeps in a join, gets up, finds that nobody keeps the time, and lies down again to keep it.
  void wake_keeper() noexcept {
    unsigned i = idle_.asleep().highest();
    if (i == nobody) i = joining_.highest();
    if (i != nobody) unpark(i);
  }
  // A submit has asked for it, and no other searches.
  bool shall_stay_awake() noexcept {
    std::int64_t until = awake_until_.load(std::memory_order_relaxed);  // relaxed, all: a wish, it publishes nothing
    if (until == 0 || idle_.searching() > 1 || draining_.load(std::memory_order_relaxed)) return false;
    if (clock::now().count() < until) return true;
    (void)awake_until_.compare_exchange_strong(until, 0, std::memory_order_relaxed, std::memory_order_relaxed);
    return false;
  }

  // ---- for the seats

  static void promoted(seat& s) noexcept {
    auto& me = static_cast<worker&>(s);
    me.offered.add();
    if constexpr (is_sharded) return;  // nobody takes it
    me.pool.tell();
    // A worker that sleeps in a join takes forks too.
    if (!me.pool.joining_.empty())
      if (const unsigned i = me.pool.joining_.take_lowest(); i != nobody) me.pool.unpark(i);
  }
  static void await(seat& s, job& j) noexcept {
    auto& me = static_cast<worker&>(s);
    pool_core& pool = me.pool;
    unsigned round = 0;
    // sync(fork_job.done): acquire; the result is ours.
    while (j.state.load(std::memory_order_acquire) != job::done) {
      if (job* k = pool.fork_for(me, j)) {
        ++me.nested;
        pool.run(me, stolen_fork(me, *k));
        --me.nested;
        round = 0;
      } else if (++round < pool.rounds_ || !wait_type::sleeps) {
        look_around(round);
      } else {
        const bool takes = me.nested < most_nested;  // else it sleeps for its job alone
        if (takes) pool.joining_.mark(me.index);
        // sync(idle_set.dekker): seq_cst; the mark stands before we look for forks, as a fork before they look for it.
        atomics::fence(std::memory_order_seq_cst);
        std::uint32_t state = job::pending;
        // relaxed: the mark publishes nothing, and where the job is done the loop's load acquires it
        const bool sleeps = j.state.compare_exchange_strong(state, job::awaited, std::memory_order_relaxed,
                                                            std::memory_order_relaxed) ||
                            state == job::awaited;
        const bool slept = sleeps && !(takes && pool.has_forks(me));
        if (slept) {
          me.parks.add();
          (void)pool.sleep_on(me, false);
        }
        if (takes) (void)pool.joining_.take(me.index);
        if (slept) pool.rises(me);
        round = 0;
      }
    }
  }
  // A fork that a join may run while it waits: one of those that its own has made, or, as long as the stack is not deep
  // in such, anybody's.
  job* fork_for(worker& me, job& j) noexcept {
    // relaxed: a hint
    if (auto* r = static_cast<worker*>(j.runner.load(std::memory_order_relaxed)); r != nullptr && r != &me) {
      if (job* k = r->steal()) return k;
      r->ask();
    }
    if (me.nested >= most_nested) return nullptr;
    const unsigned first = throw_dice(me, count_);
    for (unsigned k = 0; k < count_; ++k)
      if (worker& from = *workers_[(first + k) % count_]; &from != &me)
        if (job* got = from.steal()) return got;
    return nullptr;
  }
  [[nodiscard]] bool has_forks(worker& me) const noexcept {
    for (unsigned i = 0; i < count_; ++i)
      if (workers_[i].get() != &me && workers_[i]->has_promoted()) return true;
    return false;
  }
  static void wake(seat& s) noexcept {
    auto& owner = static_cast<worker&>(s);
    owner.sleeper.unpark();
  }
  static void post(seat& s, work& w, bool owned) noexcept {
    auto& me = static_cast<worker&>(s);
    me.pool.push(me, work_ref(w, owned), levels / 2);
    me.pool.tell();
  }
  static void wait_until(seat& s, bool (*ready)(void*), void* argument) noexcept {
    auto& me = static_cast<worker&>(s);
    me.pool.work_until(me, [=] { return ready(argument); });
  }

  static inline const typename seat::host_functions hosts{&promoted, &await, &wake, &post, &wait_until};
};

}  // namespace detail

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_DETAIL_POOL_CORE_HPP
