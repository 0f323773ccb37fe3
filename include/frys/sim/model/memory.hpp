// memory: the C++20 memory model as a machine: what a load may read, where a store may stand, what happens before what.
//
// The model is RC11: program order and reads-from together have no cycle, so running threads in program order and
// letting loads choose among the stores made so far is complete; stores may take any place in their location's
// modification order that coherence leaves open. Happens-before is kept as vector clocks, synchronisation as a clock in
// each message (release sequences of C++20 included), sequential consistency as the psc relation over seq_cst accesses
// and fences, asked only when a new event gets an edge that leads out of it: all other events cannot close a cycle.
//
// Threads  one: this is one execution's state; the threads it knows are the model's.
// Source   O. Lahav, V. Vafeiadis, J. Kang, C.-K. Hur, D. Dreyer, "Repairing sequential consistency in C/C++11", PLDI
//          2017 (RC11, psc); J. Kang et al., POPL 2017 (the view machine without promises).
// frys: orders as data
#ifndef FRYS_SIM_MODEL_MEMORY_HPP
#define FRYS_SIM_MODEL_MEMORY_HPP

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "../../config.hpp"

namespace frys::inline FRYS_ABI::sim::model {

// Where in the source an operation stands.
struct site {
  const char* file = "";
  unsigned line = 0;
  friend bool operator==(const site&, const site&) = default;
};

namespace detail {

inline constexpr unsigned most_threads = 8;
inline constexpr std::uint32_t no_event = ~std::uint32_t{0};

// How far each thread's events are known. Event i of a thread (counted from 1) is known if at[thread] >= i.
struct alignas(16) vector_clock {
  std::uint16_t at[most_threads] = {};

  void join(const vector_clock& other) noexcept {
#if defined(__GNUC__)
    lanes a, b;
    std::memcpy(&a, at, sizeof a);
    std::memcpy(&b, other.at, sizeof b);
    a = a > b ? a : b;
    std::memcpy(at, &a, sizeof a);
#else
    for (unsigned t = 0; t < most_threads; ++t) at[t] = (std::max)(at[t], other.at[t]);
#endif
  }
  // The next event of `thread`: its index. By whole lanes, since what reads the clock next reads it so: a narrow store
  // before a wide load would wait for the store to leave the processor's queue.
  std::uint16_t tick(unsigned thread) noexcept {
#if defined(__GNUC__)
    struct rows {
      lanes one[most_threads];
    };
    static constexpr rows step = {{{1, 0, 0, 0, 0, 0, 0, 0},
                                   {0, 1, 0, 0, 0, 0, 0, 0},
                                   {0, 0, 1, 0, 0, 0, 0, 0},
                                   {0, 0, 0, 1, 0, 0, 0, 0},
                                   {0, 0, 0, 0, 1, 0, 0, 0},
                                   {0, 0, 0, 0, 0, 1, 0, 0},
                                   {0, 0, 0, 0, 0, 0, 1, 0},
                                   {0, 0, 0, 0, 0, 0, 0, 1}}};
    const auto next = static_cast<std::uint16_t>(at[thread] + 1);
    lanes a;
    std::memcpy(&a, at, sizeof a);
    a += step.one[thread];
    std::memcpy(at, &a, sizeof a);
    return next;
#else
    return ++at[thread];
#endif
  }
  // Whether some place here is as large as the other's.
  [[nodiscard]] bool reaches_any(const std::uint16_t (&other)[most_threads]) const noexcept {
#if defined(__GNUC__)
    lanes a, b;
    std::memcpy(&a, at, sizeof a);
    std::memcpy(&b, other, sizeof b);
    const auto hits = a >= b;
    std::uint64_t halves[2];
    std::memcpy(halves, &hits, sizeof halves);
    return (halves[0] | halves[1]) != 0;
#else
    for (unsigned t = 0; t < most_threads; ++t)
      if (at[t] >= other[t]) return true;
    return false;
#endif
  }
  [[nodiscard]] bool knows(unsigned thread, unsigned index) const noexcept { return at[thread] >= index; }
  // All that the other one knows.
  [[nodiscard]] bool knows(const vector_clock& other) const noexcept {
    for (unsigned t = 0; t < most_threads; ++t)
      if (at[t] < other.at[t]) return false;
    return true;
  }

#if defined(__GNUC__)
 private:
  typedef std::uint16_t lanes __attribute__((vector_size(16)));
#endif
};

// Up to 16 bytes of a value.
struct cell_value {
  std::uint64_t low = 0, high = 0;
  friend bool operator==(const cell_value&, const cell_value&) = default;
};

enum class event_kind : std::uint8_t {
  start,  // a location's first message
  load,   // also of a compare-exchange that failed
  store,
  update_load,  // the two halves of a read-modify-write
  update_store,
  fence,
  choice,  // A::choose
  spawn,   // a thread started another one
  end,     // a thread's last
};

constexpr bool is_read(event_kind k) noexcept { return k == event_kind::load || k == event_kind::update_load; }
constexpr bool is_write(event_kind k) noexcept {
  return k == event_kind::start || k == event_kind::store || k == event_kind::update_store;
}
constexpr bool is_acquire(std::memory_order o) noexcept {
  return o == std::memory_order_acquire || o == std::memory_order_acq_rel || o == std::memory_order_seq_cst ||
         o == std::memory_order_consume;
}
constexpr bool is_release(std::memory_order o) noexcept {
  return o == std::memory_order_release || o == std::memory_order_acq_rel || o == std::memory_order_seq_cst;
}

// What a write leaves for those who read it.
struct message {
  static constexpr std::uint16_t never = 0xffff;
  vector_clock sync;                      // what an acquire read gets
  std::uint16_t seen[most_threads] = {};  // the first event of each thread that observed it, or `never`

  void first_seen(unsigned thread, std::uint16_t index) noexcept {
    std::memset(seen, 0xff, sizeof seen);
    seen[thread] = index;
  }
};

struct event {
  event_kind kind = event_kind::fence;
  std::uint8_t thread = 0;
  std::uint16_t index = 0;  // in its thread, from 1
  std::memory_order order = std::memory_order_relaxed;
  std::uint32_t location = 0;
  std::uint32_t source = no_event;  // a read's message; a join's last event
  std::uint32_t position = 0;       // in the location's modification order: of the write, or of the read's message
  cell_value value;
  site where;
  vector_clock clock;  // what happens before the event, itself included
  vector_clock known;  // the same for program order and reads-from alone, where the strategy wants it
  message left;        // by a write

  [[nodiscard]] bool sc() const noexcept { return order == std::memory_order_seq_cst; }
};

// The events of an execution; keeps its memory from one execution to the next, and does not clean it.
class event_list {
 public:
  event& next() {
    if (count_ == events_.size()) events_.resize((std::max)(count_ * 2, std::size_t{64}));
    return events_[count_++];
  }
  void clear() noexcept { count_ = 0; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  event& operator[](std::size_t i) noexcept { return events_[i]; }
  const event& operator[](std::size_t i) const noexcept { return events_[i]; }
  [[nodiscard]] const event* begin() const noexcept { return events_.data(); }
  [[nodiscard]] const event* end() const noexcept { return events_.data() + count_; }

 private:
  std::vector<event> events_;
  std::size_t count_ = 0;
};

struct location {
  const void* address = nullptr;
  std::vector<std::uint32_t> order;  // messages, in modification order
  vector_clock used;                 // the last access of each thread
  std::uint32_t alive = 0;           // 0 after its end
  site ended;
};

struct thread_memory {
  vector_clock clock;     // happens before the next event
  vector_clock known;     // program order and reads-from
  vector_clock acquired;  // what relaxed loads have read, for the next acquire fence
  vector_clock released;  // at the last release fence, for relaxed stores
};

class memory {
 public:
  // `known`: whether the events shall say what program order and reads-from alone lead from.
  void reset(bool known) noexcept {
    keeps_known_ = known;
    events.clear();
    for (std::uint32_t i = 0; i < used_locations_; ++i) {
      locations_[i].order.clear();
      locations_[i].used = {};
    }
    used_locations_ = 0;
    sc_events_.clear();
    threads[0] = {};  // the others when they start
  }

  event_list events;
  thread_memory threads[most_threads];

  [[nodiscard]] location& at(std::uint32_t l) noexcept { return locations_[l]; }
  [[nodiscard]] std::uint32_t location_count() const noexcept { return used_locations_; }

  // A new location, with the value it was constructed with by `thread` before its next event (stamp 0: before all).
  std::uint32_t make_location(const void* address, cell_value first, unsigned thread, std::uint16_t stamp, site where) {
    if (used_locations_ == locations_.size()) locations_.emplace_back();
    const std::uint32_t l = used_locations_++;
    location& loc = locations_[l];
    loc.address = address;
    loc.alive = 1;
    const auto id = static_cast<std::uint32_t>(events.size());
    event& e = events.next();
    e.kind = event_kind::start;
    e.order = std::memory_order_relaxed;
    e.thread = static_cast<std::uint8_t>(thread);
    e.index = stamp;
    e.location = l;
    e.value = first;
    e.where = where;
    e.source = no_event;
    e.position = 0;
    e.clock = {};
    e.known = {};
    e.left.sync = {};
    e.left.first_seen(thread, stamp);
    loc.order.push_back(id);
    return l;
  }

  // The oldest place in the modification order that `thread` has not yet got past: what it may read begins here, and
  // what it writes stands behind. no_event: it does not know of the location's construction at all.
  [[nodiscard]] std::uint32_t floor(std::uint32_t l, unsigned thread) const noexcept {
    const location& loc = locations_[l];
    const vector_clock& now = threads[thread].clock;
    for (std::size_t p = loc.order.size(); p-- > 0;) {
      if (is_known(events[loc.order[p]].left, now, thread)) return static_cast<std::uint32_t>(p);
    }
    return no_event;
  }

  // Whether some thread has observed the message at an event that is known here.
  static bool is_known(const message& m, const vector_clock& now, unsigned thread) noexcept {
    return m.seen[thread] != message::never /* also its own construction, before its next event */ ||
           now.reaches_any(m.seen);
  }

  // Whether the message at `position` is read by an update, so that nothing else may stand right behind it.
  [[nodiscard]] bool is_updated(std::uint32_t l, std::uint32_t position) const noexcept {
    const location& loc = locations_[l];
    return position + 1 < loc.order.size() && events[loc.order[position + 1]].kind == event_kind::update_store;
  }
  [[nodiscard]] bool is_newest(std::uint32_t l, std::uint32_t position) const noexcept {
    return position + 1 == locations_[l].order.size();
  }
  [[nodiscard]] const event& at(std::uint32_t l, std::uint32_t position) const noexcept {
    return events[locations_[l].order[position]];
  }

  // How many messages a location has.
  [[nodiscard]] std::uint32_t count(std::uint32_t l) const noexcept {
    return static_cast<std::uint32_t>(locations_[l].order.size());
  }
  [[nodiscard]] const event& newest(std::uint32_t l) const noexcept { return events[locations_[l].order.back()]; }

  // Whether sequential consistency has a say at all.
  [[nodiscard]] bool sc_matters(std::memory_order order) const noexcept {
    return !sc_events_.empty() && (sc_events_.size() > 1 || order == std::memory_order_seq_cst || has_fence());
  }

  // Whether sequential consistency lets `thread` read the message at `position` / put a store at `position`.
  [[nodiscard]] bool may_read(std::uint32_t l, unsigned thread, std::uint32_t position, std::memory_order order) {
    if (is_newest(l, position) || !sc_matters(order)) return true;
    event e = fresh(event_kind::load, thread, order);
    e.location = l;
    e.position = position;
    if (is_acquire(order)) e.clock.join(events[locations_[l].order[position]].left.sync);
    return !closes_cycle(e);
  }
  [[nodiscard]] bool may_write(std::uint32_t l, unsigned thread, std::uint32_t position, std::memory_order order) {
    if (position == locations_[l].order.size() || !sc_matters(order)) return true;
    event e = fresh(event_kind::store, thread, order);
    e.location = l;
    e.position = position;
    shift(l, position, 1);
    const bool good = !closes_cycle(e);
    shift(l, position, -1);
    return good;
  }

  // The events themselves. `position`: of the message that is read / of the new message.
  event& add_read(event_kind kind, std::uint32_t l, unsigned thread, std::uint32_t position, std::memory_order order,
                  site where) {
    thread_memory& t = threads[thread];
    const std::uint32_t source = locations_[l].order[position];
    event& e = add(kind, thread, order, where);
    event& m = events[source];
    e.location = l;
    e.source = source;
    e.position = position;
    e.value = m.value;
    if (is_acquire(order))
      t.clock.join(m.left.sync);
    else
      t.acquired.join(m.left.sync);
    if (keeps_known_) t.known.join(m.known);
    if (m.left.seen[thread] == message::never) m.left.seen[thread] = e.index;
    locations_[l].used.at[thread] = e.index;
    return added(e, t);
  }
  event& add_write(event_kind kind, std::uint32_t l, unsigned thread, std::uint32_t position, cell_value value,
                   std::memory_order order, site where) {
    location& loc = locations_[l];
    thread_memory& t = threads[thread];
    event& e = add(kind, thread, order, where);
    e.location = l;
    e.position = position;
    e.value = value;
    e.left.first_seen(thread, e.index);
    e.left.sync = is_release(order) ? t.clock : t.released;
    if (kind == event_kind::update_store)
      e.left.sync.join(events[loc.order[position - 1]].left.sync);  // release sequence
    const auto id = static_cast<std::uint32_t>(events.size() - 1);
    loc.used.at[thread] = e.index;
    if (position == loc.order.size()) {
      loc.order.push_back(id);
    } else {
      shift(l, position, 1);
      e.position = position;
      loc.order.insert(loc.order.begin() + position, id);
    }
    return added(e, t);
  }
  void add_fence(unsigned thread, std::memory_order order, site where) {
    thread_memory& t = threads[thread];
    event& e = add(event_kind::fence, thread, order, where);
    if (is_acquire(order)) t.clock.join(t.acquired);
    if (is_release(order)) t.released = t.clock;
    added(e, t);
  }
  void add_choice(unsigned thread, std::uint64_t value, site where) {
    event& e = add(event_kind::choice, thread, std::memory_order_relaxed, where);
    e.value.low = value;
    added(e, threads[thread]);
  }
  // `child` begins with what its parent knows; a join learns all that the child did.
  void start_thread(unsigned parent, unsigned child) {
    added(add(event_kind::spawn, parent, std::memory_order_relaxed, {}), threads[parent]);
    threads[child] = {};
    threads[child].clock = threads[parent].clock;
    threads[child].known = threads[parent].known;
  }
  void end_thread(unsigned thread) {
    added(add(event_kind::end, thread, std::memory_order_relaxed, {}), threads[thread]);
  }
  void join_thread(unsigned parent, unsigned child) noexcept {
    threads[parent].clock.join(threads[child].clock);
    threads[parent].known.join(threads[child].known);
  }

  [[nodiscard]] bool happens_before(const event& a, const event& b) const noexcept {
    return (a.thread != b.thread || a.index < b.index) && b.clock.knows(a.thread, a.index);
  }

 private:
  event fresh(event_kind kind, unsigned thread, std::memory_order order) const noexcept {
    event e;
    e.kind = kind;
    e.thread = static_cast<std::uint8_t>(thread);
    e.order = order;
    const thread_memory& t = threads[thread];
    e.index = static_cast<std::uint16_t>(t.clock.at[thread] + 1);
    e.clock = t.clock;
    e.clock.at[thread] = e.index;
    e.known = t.known;
    e.known.at[thread] = e.index;
    return e;
  }
  // A new event, to be filled; its thread's clocks stand at it already, and what it learns goes into them before
  // added().
  event& add(event_kind kind, unsigned thread, std::memory_order order, site where) {
    thread_memory& t = threads[thread];
    event& e = events.next();
    e.kind = kind;
    e.thread = static_cast<std::uint8_t>(thread);
    e.order = order;
    e.source = no_event;
    e.where = where;
    e.index = t.clock.tick(thread);
    if (keeps_known_) t.known.tick(thread);
    return e;
  }
  event& added(event& e, const thread_memory& t) {
    e.clock = t.clock;
    if (keeps_known_) e.known = t.known;
    if (e.sc()) sc_events_.push_back(static_cast<std::uint32_t>(events.size() - 1));
    return e;
  }
  // The messages from `position` on, and those who read them, move by one.
  void shift(std::uint32_t l, std::uint32_t position, int by) noexcept {
    for (std::size_t i = 0; i < events.size(); ++i) {
      event& e = events[i];
      if ((is_read(e.kind) || (is_write(e.kind) && e.kind != event_kind::start)) && e.location == l &&
          e.position >= position + (by < 0 ? 1u : 0u))
        e.position = static_cast<std::uint32_t>(static_cast<int>(e.position) + by);
    }
  }

  // ---- sequential consistency

  bool has_fence() const noexcept { return events[sc_events_[0]].kind == event_kind::fence; }

  // a stands in the modification order (or reads from it) before the write b.
  static bool before_write(const event& a, const event& b) noexcept {
    return a.location == b.location && is_write(b.kind) && a.position < b.position;
  }
  static bool is_access(const event& e) noexcept { return e.kind != event_kind::fence; }
  // Choices and the like are no events of the memory model; a first message is not in anybody's program order.
  static bool takes_part(const event& e) noexcept { return e.kind != event_kind::start && e.kind <= event_kind::fence; }

  // sb, or hb between accesses of one location, or an hb path that leaves a's location and enters b's.
  bool strongly_before(const event& a, const event& b, const event& extra) const noexcept {
    if (!hb(a, b)) return false;
    if (a.thread == b.thread) return true;
    if (a.location == b.location) return true;
    // c: the first event behind a in its thread with another location; d: the last one before b.
    const event* c = nullptr;
    const event* d = nullptr;
    const auto look = [&](const event& e) {
      const bool other_a = !is_access(e) || e.location != a.location;
      if (e.thread == a.thread && e.index > a.index && other_a && (c == nullptr || e.index < c->index)) c = &e;
      const bool other_b = !is_access(e) || e.location != b.location;
      if (e.thread == b.thread && e.index < b.index && other_b && (d == nullptr || e.index > d->index)) d = &e;
    };
    for (const event& e : events)
      if (takes_part(e)) look(e);
    look(extra);
    return c != nullptr && d != nullptr && (c == d || (c->thread == d->thread && c->index <= d->index) || hb(*c, *d));
  }
  bool hb(const event& a, const event& b) const noexcept { return happens_before(a, b); }

  // Whether an edge of psc leads from a to b (both seq_cst), with `extra` counted among the events.
  bool psc_edge(const event& a, const event& b, const event& extra) const {
    const bool fa = a.kind == event_kind::fence, fb = b.kind == event_kind::fence;
    if (!fa && !fb) return strongly_before(a, b, extra) || before_write(a, b);
    if (hb(a, b)) return true;
    if (fa && fb) {
      // hb ; eco ; hb
      return any(extra, [&](const event& x) {
        return is_access(x) && hb(a, x) && any(extra, [&](const event& y) {
                 return is_access(y) && y.location == x.location && hb(y, b) &&
                        (x.position < y.position ||
                         (x.position == y.position && is_write(x.kind) && is_read(y.kind) && !same(x, y)));
               });
      });
    }
    if (fa) return any(extra, [&](const event& x) { return is_access(x) && hb(a, x) && before_write(x, b); });
    return any(extra, [&](const event& y) { return is_access(y) && hb(y, b) && before_write(a, y); });
  }
  static bool same(const event& a, const event& b) noexcept { return a.thread == b.thread && a.index == b.index; }
  template <class F>
  bool any(const event& extra, F&& f) const {
    for (const event& e : events)
      if (takes_part(e) && f(e)) return true;
    return f(extra);
  }

  // Whether psc has a cycle once `e` is there. Only cycles through edges that e adds can be new, so it looks whether
  // something e leads to leads back.
  bool closes_cycle(const event& e) {
    nodes_.clear();
    for (const std::uint32_t id : sc_events_) nodes_.push_back(&events[id]);
    if (e.sc()) nodes_.push_back(&e);
    const std::size_t n = nodes_.size();
    if (n < 2) return false;
    // Depth-first for a cycle: the graphs are small.
    edges_.assign(n * n, 0);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        if (i != j && psc_edge(*nodes_[i], *nodes_[j], e)) edges_[i * n + j] = 1;
    // Kahn: what cannot be sorted is a cycle.
    std::vector<unsigned>& in = degree_;
    in.assign(n, 0);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) in[j] += edges_[i * n + j];
    std::size_t left = n;
    for (bool moved = true; moved && left != 0;) {
      moved = false;
      for (std::size_t i = 0; i < n; ++i) {
        if (in[i] != 0) continue;
        in[i] = ~0u;
        --left;
        moved = true;
        for (std::size_t j = 0; j < n; ++j)
          if (edges_[i * n + j]) --in[j];
      }
    }
    return left != 0;
  }

  bool keeps_known_ = false;
  std::vector<location> locations_;
  std::uint32_t used_locations_ = 0;
  std::vector<std::uint32_t> sc_events_;
  std::vector<const event*> nodes_;
  std::vector<std::uint8_t> edges_;
  std::vector<unsigned> degree_;
};

}  // namespace detail

}  // namespace frys::inline FRYS_ABI::sim::model

#endif  // FRYS_SIM_MODEL_MEMORY_HPP
