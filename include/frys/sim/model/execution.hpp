// execution: one run of a test body under the model: its threads as fibers, its memory, its heap, its verdict.
//
// A strategy decides which thread goes on, which message a load reads, where a store stands and what choose() answers;
// the execution finds races, use after free, leaks, deadlocks and lost wake-ups on the way.
//
// Threads  one OS thread; the model's threads take turns on it. Executions on several do not know each other.
// frys: orders as data
#ifndef FRYS_SIM_MODEL_EXECUTION_HPP
#define FRYS_SIM_MODEL_EXECUTION_HPP

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../../config.hpp"
#include "../../core/context.hpp"
#include "fault.hpp"
#include "heap.hpp"
#include "memory.hpp"
#include "plain.hpp"
#include "strategy.hpp"

namespace frys::inline FRYS_ABI::sim::model {

namespace detail {

// The model's part of an atomic object: its value until somebody uses it, then its location's name.
struct atomic_cell {
  cell_value first;
  std::uint64_t run = 0;  // the execution that `location` belongs to
  std::uint32_t location = 0;
  std::uint16_t stamp = 0;
  std::uint8_t thread = 0;
  std::uint64_t made_in = 0;  // the execution it was constructed in; 0: outside
};

enum class outcome : std::uint8_t { finished, blocked, failed };

class execution {
 public:
  explicit execution(std::uint32_t most_steps = 20'000, std::uint32_t most_thread_steps = 0) noexcept
      : most_steps_(most_steps), most_thread_steps_(most_thread_steps) {}
  execution(const execution&) = delete;
  execution& operator=(const execution&) = delete;

  // The one that the calling model thread belongs to; nullptr outside.
  static execution*& current() noexcept {
    static thread_local constinit execution* running = nullptr;
    return running;
  }

  // Runs body(argument) as model thread 0.
  outcome run(strategy& s, void (*body)(void*), void* argument) {
    strategy_ = &s;
    replays_ = s.wants_every_event();
    reset();
    asks_ = replays_ || s.wants_every_choice();
    pause_is_final_ = s.pause_is_final();
    execution*& now = current();
    execution* const outer = std::exchange(now, this);
    thread& main = threads_[0];
    main.entry = body;
    main.argument = argument;
    launch(0);
    active_ = 0;
    const frys::detail::assert_taker outer_taker = std::exchange(frys::detail::assert_taker_here(), &on_assert);
    quick_context::switch_to(host_, threads_[0].flow);
    frys::detail::assert_taker_here() = outer_taker;
    now = outer;
    if (outcome_ == outcome::finished) look_for_leaks();
    return outcome_;
  }

  model::detail::memory memory;
  std::vector<decision> schedule;  // all decisions so far, if they are kept
  bool keeps_schedule = true;
  fault failed = fault::none;
  std::string sentence;  // what went wrong
  site where;            // and where
  unsigned guilty = 0;   // the thread

  // ---- threads

  [[nodiscard]] unsigned active() const noexcept { return active_; }
  [[nodiscard]] unsigned thread_count() const noexcept { return thread_count_; }
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }
  // The number of the event that the active thread is about to make.
  [[nodiscard]] unsigned next_index(unsigned t) const noexcept { return memory.threads[t].clock.at[t] + 1u; }

  // Starts a thread of the model and answers its number.
  unsigned spawn(void (*entry)(void*), void* argument, site at) {
    quiet_point(at);
    if (thread_count_ == most_threads) fail(fault::misuse, "more threads than the model has (8)", at);
    const unsigned t = thread_count_++;
    memory.start_thread(active_, t);
    threads_[t].entry = entry;
    threads_[t].argument = argument;
    launch(t);
    runnable_ |= 1u << t;
    return t;
  }
  void join(unsigned t, site at) {
    while (!threads_[t].finished) {
      threads_[active_].joining = t;
      threads_[active_].waits_at = at;
      block(waits::join);
    }
    memory.join_thread(active_, t);
  }

  // ---- atomic operations

  cell_value load(atomic_cell& c, const void* address, std::memory_order order, site at) {
    point(at);
    const std::uint32_t l = location_of(c, address, at);
    const std::uint32_t p = choose_read(l, order, false, at);
    return memory.add_read(event_kind::load, l, active_, p, order, at).value;
  }
  void store(atomic_cell& c, const void* address, cell_value v, std::memory_order order, site at) {
    point(at);
    const std::uint32_t l = location_of(c, address, at);
    const std::uint32_t p = choose_place(l, order, at);
    memory.add_write(event_kind::store, l, active_, p, v, order, at);
    wrote(l);
  }
  // new_value(old) makes the value.
  template <class F>
  cell_value update(atomic_cell& c, const void* address, std::memory_order order, F&& new_value, site at) {
    point(at);
    const std::uint32_t l = location_of(c, address, at);
    const std::uint32_t p = choose_read(l, order, true, at);
    const cell_value old = memory.add_read(event_kind::update_load, l, active_, p, order, at).value;
    finish_update(last_event(), new_value(old), order, at);
    return old;
  }
  // Answers whether it exchanged; `expected` becomes what was read.
  bool compare_exchange(atomic_cell& c, const void* address, cell_value& expected, cell_value desired,
                        std::memory_order success, std::memory_order failure, site at) {
    point(at);
    const std::uint32_t l = location_of(c, address, at);
    candidates(l, at);
    // A message with another value is only read; one with the expected value is updated, unless somebody has done so.
    std::uint32_t kept = 0;
    for (const std::uint32_t p : positions_) {
      const bool hit = memory.at(l, p).value == expected;
      if (hit ? (replays_ || !memory.is_updated(l, p)) && memory.may_read(l, active_, p, success)
              : memory.may_read(l, active_, p, failure))
        positions_[kept++] = p;
    }
    positions_.resize(kept);
    const std::uint32_t p = picked_read(true);
    const cell_value old = memory.at(l, p).value;
    if (old == expected) {
      memory.add_read(event_kind::update_load, l, active_, p, success, at);
      finish_update(last_event(), desired, success, at);
      return true;
    }
    memory.add_read(event_kind::load, l, active_, p, failure, at);
    expected = old;
    return false;
  }
  void fence(std::memory_order order, site at) {
    point(at);
    memory.add_fence(active_, order, at);
  }
  std::uint32_t choose(std::uint32_t count, site at) {
    if (count <= 1) return 0;
    point(at);
    const std::uint32_t c = strategy_->choose(*this, count);
    if (c == strategy::stop) abandon();
    decided(decision::kind::choice, c);
    memory.add_choice(active_, c, at);
    return c;
  }

  // One round of a loop that waits: goes on when something it has read since its last pause can be read newer. A round
  // that wrote something has made progress, and does not wait.
  void pause(site at) {
    thread& t = threads_[active_];
    if (t.wrote) return forget(t);
    look_back(t);
    if (t.watched.empty()) {  // it looks at nothing: it only lets others go on
      if (!replays_) point(at);
      return;
    }
    t.waits_at = at;
    while (pause_is_final_ || !is_stale(t)) block(waits::change);
    t.hurries = true;
    forget(t);
  }

  // The futex: sleeps while `word` holds `old`. The queue of sleepers is an atomic of its own, whose updates are the
  // critical sections of the system's lock: compare and go to sleep in one, wake up in another.
  bool wait(atomic_cell& word, const void* address, atomic_cell& queue, std::uint32_t old, bool may_time_out, site at) {
    // Whether the time is up before anybody wakes it: then it leaves the queue by itself.
    const bool gives_up = may_time_out && choose(2, at) == 1;
    point(at);
    thread& t = threads_[active_];
    const std::uint32_t q = location_of(queue, &queue, at);
    const std::uint32_t p = choose_read(q, std::memory_order_acq_rel, true, at);
    const cell_value sleepers =
        memory.add_read(event_kind::update_load, q, active_, p, std::memory_order_acq_rel, at).value;
    const std::uint32_t read = last_event();
    // The word, within the critical section: no other thread comes in between.
    ++steps_;
    if (replays_) point(at);
    const std::uint32_t l = location_of(word, address, at);
    const std::uint32_t w = choose_read(l, std::memory_order_relaxed, false, at);
    const cell_value seen = memory.add_read(event_kind::load, l, active_, w, std::memory_order_relaxed, at).value;
    const std::uint64_t bit = std::uint64_t{1} << active_;
    const bool sleeps = seen.low == old;
    finish_update(read, {sleeps ? sleepers.low | bit : sleepers.low, 0}, std::memory_order_acq_rel, at);
    if (!sleeps) return true;
    if (gives_up) {
      const cell_value before = update(
          queue, &queue, std::memory_order_acq_rel,
          [bit](cell_value v) {
            return cell_value{v.low & ~bit, 0};
          },
          at);
      return (before.low & bit) == 0;  // woken at the last moment
    }
    t.may_time_out = may_time_out;
    t.sleeps_on = l;
    t.sleeps_while = old;
    t.asleep = true;
    for (;;) {
      forget(t);
      const cell_value now = load(queue, &queue, std::memory_order_acquire, at);
      if ((now.low & bit) == 0) break;
      pause(at);
    }
    t.asleep = false;
    return true;
  }
  void notify(atomic_cell& queue, bool all, site at) {
    point(at);
    const std::uint32_t q = location_of(queue, &queue, at);
    const std::uint32_t p = choose_read(q, std::memory_order_acq_rel, true, at);
    const std::uint64_t sleepers =
        memory.add_read(event_kind::update_load, q, active_, p, std::memory_order_acq_rel, at).value.low;
    const std::uint32_t read = last_event();
    std::uint64_t left = all ? 0 : sleepers;
    if (!all && sleepers != 0) {
      std::uint32_t n = 0;
      if (std::popcount(sleepers) > 1) {
        if (replays_) point(at);
        n = strategy_->choose(*this, static_cast<std::uint32_t>(std::popcount(sleepers)));
        if (n == strategy::stop) abandon();
        decided(decision::kind::choice, n);
        memory.add_choice(active_, n, at);
      }
      std::uint64_t one = sleepers;
      for (; n != 0; --n) one &= one - 1;
      left = sleepers & ~(one & (~one + 1));
    }
    finish_update(read, {left, 0}, std::memory_order_acq_rel, at);
  }

  // The cell of an object that is used through atomic_ref. Where the plain memory is not what the last store left, its
  // owner has written it since, as it may while nobody else looks: then the cell begins anew, known to all.
  atomic_cell& referred(const void* address, cell_value now) {
    for (const std::unique_ptr<referred_cell>& r : referred_) {
      if (r->address != address) continue;
      const bool used = r->cell.run == run_;
      const cell_value last = used ? memory.newest(r->cell.location).value : r->cell.first;
      if (r->run != run_ || !(last == now)) {
        r->run = run_;
        r->cell = {};
        r->cell.first = now;
      }
      return r->cell;
    }
    referred_.push_back(std::make_unique<referred_cell>());
    referred_cell& r = *referred_.back();
    r.address = address;
    r.run = run_;
    r.cell.first = now;
    return r.cell;
  }
  // What the plain memory of such an object shall hold.
  [[nodiscard]] cell_value newest(const atomic_cell& c) const noexcept {
    return c.run == run_ ? memory.newest(c.location).value : c.first;
  }

  // An atomic object's life.
  void made(atomic_cell& c) noexcept {
    c.made_in = run_;
    c.thread = static_cast<std::uint8_t>(active_);
    c.stamp = stamp();
  }
  void ended(atomic_cell& c, const void* address, site at) {
    if (c.run == run_) {
      location& l = memory.at(c.location);
      if (l.alive == 0) return;
      if (!memory.threads[active_].clock.knows(l.used))
        fail(fault::use_after_free, "an atomic object ends while another thread may use it", at);
      l.alive = 0;
      l.ended = at;
    }
    static_cast<void>(address);
  }

  // ---- plain memory

  enum class use : std::uint8_t { read, write, begin, end };
  void plain(const void* address, use how, site at) {
    shadow& s = shadows_.at(address);
    const vector_clock& now = memory.threads[active_].clock;
    const std::uint16_t at_stamp = stamp();
    const auto known = [&](unsigned t, std::uint16_t i) { return i == 0 || t == active_ || now.at[t] >= i; };
    if (!known(s.writer, s.written)) {
      if (s.state == shadow::is_over)
        fail(fault::use_after_free, "an object may have ended before it is used here", at);
      race(s.write_site, s.writer, true, how, at);
    }
    if (how != use::begin && s.state == shadow::is_over)
      fail(fault::use_after_free,
           how == use::read  ? "an object is read after its end"
           : how == use::end ? "an object ends twice"
                             : "an object is written after its end",
           at);
    if (how == use::read) {
      s.read[active_] = at_stamp;
      s.read_site = at;
      return;
    }
    for (unsigned t = 0; t < thread_count_; ++t)
      if (!known(t, s.read[t])) race(s.read_site, t, false, how, at);
    s.writer = static_cast<std::uint8_t>(active_);
    s.written = at_stamp;
    s.write_site = at;
    s.state = how == use::end ? shadow::is_over : shadow::lives;
  }

  // ---- heap

  void* allocate(std::size_t bytes, std::size_t alignment, site at) {
    const std::size_t whole = heap::rounded(bytes);
    // Only what this thread itself has freed comes back: then the address follows from the events alone.
    for (std::size_t i = heap_.count(); i-- > 0;) {
      if (const heap_block& b = heap_[i];
          b.freed_by != active_ || !b.is_free || b.bytes != whole || b.alignment < alignment)
        continue;
      if (choose(2, at) == 0) break;
      heap_block& again = heap_[i];
      again.is_free = false;
      again.where = at;
      return again.start;
    }
    void* p = heap_.take(whole, alignment, at);
    if (p == nullptr) fail(fault::misuse, "the model's heap is used up (64 MiB in one execution)", at);
    return p;
  }
  void release(void* p, site at) {
    if (p == nullptr) return;
    heap_block* b = heap_.find(p);
    if (b == nullptr) fail(fault::bad_free, "memory is freed that was not allocated", at);
    if (b->is_free) fail(fault::bad_free, "memory is freed twice", at);
    // All that lies in it ends here.
    for (std::uint32_t i = 0; i < memory.location_count(); ++i) {
      location& l = memory.at(i);
      if (l.alive == 0 || !b->holds(l.address)) continue;
      if (!memory.threads[active_].clock.knows(l.used))
        fail(fault::use_after_free, "memory is freed while another thread may use an atomic in it", at);
      l.alive = 0;
      l.ended = at;
    }
    shadows_.for_each([&](const shadow& s) {
      if (s.state != shadow::is_over && b->holds(s.address)) plain(s.address, use::end, at);
    });
    b->is_free = true;
    b->freed_by = active_;
  }

  // ---- the end

  void require(bool good, const char* what, site at) {
    if (!good) fail(fault::requirement, what, at);
  }
  // The caller's frame is never left by a return: nothing in it may own memory.
  [[noreturn]] void fail(fault f, const char* text, site at) {
    sentence = text;
    fail(f, at);
  }
  // The same with the sentence that stands in `sentence` already.
  [[noreturn]] void fail(fault f, site at) {
    failed = f;
    where = at;
    guilty = active_;
    leave(outcome::failed);
  }
  [[noreturn]] void abandon() { leave(outcome::blocked); }

  // A thread whose reads were all of the newest messages can wait for ever.
  [[nodiscard]] bool is_stuck(unsigned t) const noexcept {
    const thread& w = threads_[t];
    if (w.finished) return false;
    if (w.asleep && w.may_time_out) return false;  // another execution shows what it does then
    if (w.waiting == waits::join) return is_stuck(w.joining);
    return w.waiting == waits::change && !is_stale(w);
  }
  [[nodiscard]] bool is_finished(unsigned t) const noexcept { return threads_[t].finished; }
  [[nodiscard]] bool hurries(unsigned t) const noexcept { return threads_[t].hurries; }
  [[nodiscard]] site waits_at(unsigned t) const noexcept { return threads_[t].waits_at; }

 private:
  enum class waits : std::uint8_t { nothing, join, change };
  struct seen_message {
    std::uint32_t location;
    std::uint32_t event;
  };
  struct thread {
    quick_context flow;
    stack_memory stack;
    void (*entry)(void*) = nullptr;
    void* argument = nullptr;
    std::vector<seen_message> watched;  // while it pauses: what it has read since the pause before
    std::size_t since = 0;              // the first event after that one
    bool wrote = false;                 // since then
    bool finished = false;
    bool hurries = false;  // came out of a pause: shall read the newest
    bool asleep = false;
    bool may_time_out = false;  // while asleep
    waits waiting = waits::nothing;
    unsigned joining = 0;
    std::uint32_t sleeps_on = 0;
    std::uint32_t sleeps_while = 0;
    site waits_at;
  };
  struct referred_cell {
    const void* address = nullptr;
    std::uint64_t run = 0;
    atomic_cell cell;
  };
  static constexpr std::size_t stack_bytes = std::size_t{256} << 10;

  void reset() {
    memory.reset(replays_);
    schedule.clear();
    failed = fault::none;
    sentence.clear();
    thread_count_ = 1;  // launch() cleans what it takes
    runnable_ = 1;
    looking_ = 0;
    steps_ = 0;
    run_ = next_run();
    shadows_.reset(run_);
    heap_.reset();
    outcome_ = outcome::finished;
  }
  // Never 0. Cells made on one thread of the system are not to be used on another, so its own count will do.
  static std::uint64_t next_run() noexcept {
    static thread_local constinit std::uint64_t runs = 0;
    return ++runs;
  }

  static void on_assert(const char* file, int line, const char* message) noexcept {
    current()->fail(fault::assertion, message, {file, static_cast<unsigned>(line)});
  }

  void launch(unsigned t) {
    thread& w = threads_[t];
    if (w.stack.span().size() < stack_bytes) {
      auto made = stack_memory::allocate(stack_bytes);
      FRYS_ASSERT(made.has_value(), "model: no memory for a thread's stack");
      w.stack = *std::move(made);
    }
    w.flow.make(w.stack.span(), &fiber, this);
    w.finished = false;
    w.waiting = waits::nothing;
    forget(w);
    w.hurries = w.asleep = false;
  }
  static void fiber(void* self) {
    execution& e = *static_cast<execution*>(self);
    const unsigned me = e.active_;
    e.threads_[me].entry(e.threads_[me].argument);
    e.finish_thread(me);
  }
  [[noreturn]] void finish_thread(unsigned me) {
    quiet_point({});
    memory.end_thread(me);
    threads_[me].finished = true;
    runnable_ &= ~(1u << me);
    for (unsigned t = 0; t < thread_count_; ++t)
      if (threads_[t].waiting == waits::join && threads_[t].joining == me) wake(t);
    if (me == 0) {
      for (unsigned t = 1; t < thread_count_; ++t)
        if (!threads_[t].finished) fail(fault::misuse, "the body ended before a thread it started", {});
      leave(outcome::finished);
    }
    reschedule();
    __builtin_unreachable();
  }
  [[noreturn]] void leave(outcome o) {
    outcome_ = o;
    quick_context::leave_to(host_);
  }

  // Before each event: somebody else may go first.
  FRYS_ALWAYS_INLINE void point(site at) {
    if (++steps_ > most_steps_ || most_thread_steps_ != 0) [[unlikely]]
      check_steps(at);
    if (asks_ || runnable_ != 1u << active_) {  // else nobody else could go
      const unsigned next = strategy_->next_thread(*this, runnable_, active_);
      if (next != active_) switch_to(next);
    }
    decided(decision::kind::thread, active_);
  }
  // Before an event that no other thread can tell the time of: nobody else need go first, unless the strategy wants to
  // know of all events.
  void quiet_point(site at) {
    if (asks_) return point(at);
    if (++steps_ > most_steps_ || most_thread_steps_ != 0) check_steps(at);
    decided(decision::kind::thread, active_);
  }
  void check_steps(site at) {
    if (steps_ > most_steps_) fail(fault::no_end, "the execution does not end within the allowed steps", {});
    if (active_ != 0 && next_index(active_) > most_thread_steps_ + 1)
      fail(fault::no_progress, "a thread needs more steps than allowed", at);
  }
  void block(waits why) {
    threads_[active_].waiting = why;
    if (why == waits::change) looking_ |= 1u << active_;
    runnable_ &= ~(1u << active_);
    reschedule();
  }
  void wake(unsigned t) noexcept {
    threads_[t].waiting = waits::nothing;
    looking_ &= ~(1u << t);
    runnable_ |= 1u << t;
  }
  void reschedule() {
    if (runnable_ == 0) nobody_can_go_on();
    switch_to(strategy_->next_thread(*this, runnable_, active_));
  }
  void switch_to(unsigned next) {
    if (next == strategy::stop) abandon();
    if (next == active_) return;
    quick_context& from = threads_[active_].flow;
    active_ = next;
    quick_context::switch_to(from, threads_[next].flow);
  }
  [[noreturn]] void nobody_can_go_on() {
    for (unsigned t = 0; t < thread_count_; ++t)
      if (!threads_[t].finished && !is_stuck(t)) abandon();
    for (unsigned t = 0; t < thread_count_; ++t) {
      const thread& w = threads_[t];
      if (w.finished || !w.asleep) continue;
      if (memory.newest(w.sleeps_on).value.low != w.sleeps_while) {
        active_ = t;
        fail(fault::lost_wake_up, "a thread sleeps although the word it sleeps on has changed, and nobody wakes it",
             w.waits_at);
      }
    }
    for (unsigned t = 0; t < thread_count_; ++t)
      if (!threads_[t].finished && threads_[t].waiting == waits::change) {
        active_ = t;
        fail(fault::deadlock, "no thread can go on", threads_[t].waits_at);
      }
    fail(fault::deadlock, "no thread can go on", {});
  }

  void decided(decision::kind what, std::uint32_t value) {
    if (keeps_schedule) schedule.push_back({what, static_cast<std::uint16_t>(value)});
  }

  FRYS_ALWAYS_INLINE std::uint32_t location_of(atomic_cell& c, const void* address, site at) {
    if (c.run == run_ && memory.at(c.location).alive != 0) [[likely]]
      return c.location;
    return name_location(c, address, at);
  }
  std::uint32_t name_location(atomic_cell& c, const void* address, site at) {
    if (c.run == run_) fail(fault::use_after_free, "an atomic object is used after its end", at);
    const bool here = c.made_in == run_;
    c.location = memory.make_location(address, c.first, here ? c.thread : 0, here ? c.stamp : std::uint16_t{0}, at);
    c.run = run_;
    return c.location;
  }
  // What the active thread may read or stand behind, newest first, in positions_.
  std::uint32_t known_floor(std::uint32_t l, site at) {
    const std::uint32_t low = memory.floor(l, active_);
    if (low == no_event)
      fail(fault::race, "an atomic object is used by a thread that does not know of its construction", at);
    return low;
  }
  void candidates(std::uint32_t l, site at) {
    const std::uint32_t low = known_floor(l, at);
    if (replays_) strategy_->looks_at(l);
    positions_.clear();
    for (std::size_t p = memory.at(l).order.size(); p-- > low;) positions_.push_back(static_cast<std::uint32_t>(p));
  }
  FRYS_ALWAYS_INLINE std::uint32_t choose_read(std::uint32_t l, std::memory_order order, bool update, site at) {
    if (asks_ || update || memory.sc_matters(order)) return choose_among(l, order, update, at);
    // All from the floor on, so no list is needed.
    const std::uint32_t end = memory.count(l), count = end - known_floor(l, at);
    const std::uint32_t i = count == 1 ? 0 : strategy_->read(*this, nullptr, count, false);
    if (i == strategy::stop) abandon();
    decided(decision::kind::read, i);
    return end - 1 - i;
  }
  std::uint32_t choose_among(std::uint32_t l, std::memory_order order, bool update, site at) {
    candidates(l, at);
    std::uint32_t kept = 0;
    for (const std::uint32_t p : positions_) {
      if (update && !replays_ && memory.is_updated(l, p)) continue;
      if (memory.may_read(l, active_, p, order)) positions_[kept++] = p;
    }
    positions_.resize(kept);
    return picked_read(update);
  }
  std::uint32_t picked_read(bool update) {
    if (positions_.empty()) abandon();
    const auto count = static_cast<std::uint32_t>(positions_.size());
    const std::uint32_t i = count == 1 && !asks_ ? 0 : strategy_->read(*this, positions_.data(), count, update);
    if (i == strategy::stop) abandon();
    decided(decision::kind::read, i);
    return positions_[i];
  }
  std::uint32_t choose_place(std::uint32_t l, std::memory_order order, site at) {
    if (!asks_ && !memory.sc_matters(order) && known_floor(l, at) + 1 == memory.count(l)) {  // the end is all there is
      decided(decision::kind::place, 0);
      return memory.count(l);
    }
    candidates(l, at);
    // A place is the position behind a message; not between an update and what it has read.
    std::uint32_t kept = 0;
    for (const std::uint32_t p : positions_) {
      if (memory.is_updated(l, p)) continue;
      if (memory.may_write(l, active_, p + 1, order)) positions_[kept++] = p + 1;
    }
    positions_.resize(kept);
    if (positions_.empty()) abandon();
    const std::uint32_t i = kept == 1 && !asks_ ? 0 : strategy_->place(*this, positions_.data(), kept);
    if (i == strategy::stop) abandon();
    decided(decision::kind::place, i);
    return positions_[i];
  }
  // The other half of the update that has read in event `read`.
  void finish_update(std::uint32_t read, cell_value v, std::memory_order order, site at) {
    if (replays_) point(at);
    const std::uint32_t l = memory.events[read].location;
    const std::uint32_t p = memory.events[read].position;
    const bool free = !memory.is_updated(l, p) && memory.may_write(l, active_, p + 1, order);
    if (replays_ ? !strategy_->update(*this, l, p + 1, free) : !free) abandon();
    const bool changes = !(memory.events[read].value == v);
    memory.add_write(event_kind::update_store, l, active_, p + 1, v, order, at);
    wrote(l, changes);
  }

  // Whether another look would find another value. Newer messages with the same value lead the same way: two threads
  // that spin on one lock by exchange write the same again and again, and neither gets on by that.
  bool is_stale(const thread& t) const noexcept {
    for (const seen_message& m : t.watched)
      if (!(memory.newest(m.location).value == memory.events[m.event].value)) return true;
    return false;
  }
  void forget(thread& t) noexcept {
    t.watched.clear();
    t.since = memory.events.size();
    t.wrote = false;
  }
  // What the active thread has seen since its last pause, when it wrote nothing in between: what it read, and what it
  // wrote over the same value (a spin lock's exchange has changed nothing: such a round may wait).
  void look_back(thread& t) {
    t.watched.clear();
    for (std::size_t i = t.since; i < memory.events.size(); ++i) {
      const event& e = memory.events[i];
      if (e.thread != active_) continue;
      if (e.kind == event_kind::load) t.watched.push_back({e.location, e.source});
      if (e.kind == event_kind::update_store) t.watched.push_back({e.location, static_cast<std::uint32_t>(i)});
    }
  }
  [[nodiscard]] std::uint32_t last_event() const noexcept {
    return static_cast<std::uint32_t>(memory.events.size() - 1);
  }
  void wrote(std::uint32_t l, bool changes = true) {
    if (changes) {
      threads_[active_].wrote = true;
      threads_[active_].hurries = false;
    }
    if (pause_is_final_ || looking_ == 0) return;
    for (unsigned t = 0; t < thread_count_; ++t) {
      if (threads_[t].waiting != waits::change) continue;
      for (const seen_message& m : threads_[t].watched)
        if (m.location == l) {
          wake(t);
          break;
        }
    }
  }
  std::uint16_t stamp() const noexcept { return static_cast<std::uint16_t>(next_index(active_)); }

  [[noreturn]] void race(site other, unsigned by, bool written, use how, site at) {
    if (how == use::end) fail(fault::use_after_free, "an object ends while another thread may use it", at);
    sentence = how == use::read ? "a read races with the " : "a write races with the ";
    sentence += written ? "write" : "read";
    sentence += " of thread " + std::to_string(by) + " at " + short_name(other.file) + ":" + std::to_string(other.line);
    fail(fault::race, at);
  }
  static std::string short_name(const char* file) {
    const char* last = std::strrchr(file, '/');
    return last == nullptr ? file : last + 1;
  }

  void look_for_leaks() {
    const heap_block* b = heap_.leaked();
    if (b == nullptr) return;
    failed = fault::leak;
    sentence = "memory of " + std::to_string(b->bytes) + " bytes is never freed";
    where = b->where;
    outcome_ = outcome::failed;
  }

  std::uint32_t most_steps_;
  std::uint32_t most_thread_steps_;  // 0: no bound
  strategy* strategy_ = nullptr;
  bool replays_ = false;  // strategy::wants_every_event
  bool asks_ = false;     // strategy::wants_every_choice
  bool pause_is_final_ = false;
  quick_context host_;
  thread threads_[most_threads];
  unsigned thread_count_ = 0;
  unsigned active_ = 0;
  unsigned runnable_ = 0;
  unsigned looking_ = 0;  // those that wait for a change
  std::uint64_t steps_ = 0;
  std::uint64_t run_ = 0;
  outcome outcome_ = outcome::finished;
  std::vector<std::uint32_t> positions_;
  shadow_table shadows_;
  heap heap_;
  std::vector<std::unique_ptr<referred_cell>> referred_;
};

}  // namespace detail

}  // namespace frys::inline FRYS_ABI::sim::model

#endif  // FRYS_SIM_MODEL_EXECUTION_HPP
