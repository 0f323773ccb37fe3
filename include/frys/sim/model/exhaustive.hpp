// exhaustive: every execution once, up to what cannot be told apart: not every interleaving, but every graph of who
// reads from whom and in which order the stores of a location stand.
//
// Threads run one after the other as far as they get. Each load takes each store that is there; each store, once it is
// made, is also offered to the loads that came before it and could have read it, had it been there (a revisit): what
// depends on such a load is taken back, and the store with all it needs stays. A revisit is made only from the one
// graph in which all that is taken back was chosen in the standard way, so no graph comes twice, and nothing is
// remembered but a stack of graphs to go on with.
//
// Source   M. Kokologiannakis, I. Marmanis, V. Gladstein, V. Vafeiadis, "Truly stateless, optimal dynamic partial order
//          reduction", POPL 2022. This goes further than source sets with sleep sets over schedules: those still tell
//          apart the orders of stores to a location that nobody reads.
#ifndef FRYS_SIM_MODEL_EXHAUSTIVE_HPP
#define FRYS_SIM_MODEL_EXHAUSTIVE_HPP

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "../../config.hpp"
#include "execution.hpp"

namespace frys::inline FRYS_ABI::sim::model::detail {

class exhaustive_strategy final : public strategy {
 public:
  // Graphs to go on with: what is left to do falls into them, and each can be done apart from the others.
  struct step {               // an event of it
    std::uint16_t index = 0;  // in its thread
    std::uint8_t thread = 0;
    std::uint8_t source_thread = 0;
    std::uint16_t source_index = 0;  // of a read: which store; 0: the location's first value
    bool reads = false;
    std::uint32_t rank = 0;  // of a write: its place among those of its location; of a choice: its value
  };
  using part = std::vector<step>;
  // All that comes of `p`; without this, all there is.
  void start(part p) {
    stack_.clear();
    stack_.push_back(std::move(p));
  }
  std::vector<part> take_rest() { return std::exchange(stack_, {}); }

  [[nodiscard]] bool is_done() const noexcept { return stack_.empty(); }
  // Before each execution: takes the next graph off the stack.
  void begin() {
    plan_ = std::move(stack_.back());
    stack_.pop_back();
    order_.assign(plan_.size(), no_event);
    for (auto& w : wanted_) w.clear();
    for (std::size_t i = 0; i < plan_.size(); ++i) {
      auto& w = wanted_[plan_[i].thread];
      if (w.size() <= plan_[i].index) w.resize(plan_[i].index + std::size_t{1}, none);
      w[plan_[i].index] = static_cast<std::uint32_t>(i);
    }
    seen_ = 0;
    replayed_ = 0;
  }

  unsigned next_thread(execution& e, unsigned runnable, unsigned current) override {
    catch_up(e);
    if (replayed_ == plan_.size()) {
      if ((runnable >> current & 1) != 0) return current;
      return static_cast<unsigned>(std::countr_zero(runnable));
    }
    if ((runnable >> current & 1) != 0 && can_replay(e, current)) return current;
    for (unsigned bits = runnable; bits != 0; bits &= bits - 1) {
      const auto t = static_cast<unsigned>(std::countr_zero(bits));
      if (can_replay(e, t)) return t;
    }
    return stop;
  }

  std::uint32_t read(execution& e, const std::uint32_t* positions, std::uint32_t count, bool) override {
    catch_up(e);
    const location& l = e.memory.at(at_);
    if (const step* s = planned(e)) {
      for (std::uint32_t i = 0; i < count; ++i) {
        const event& m = e.memory.events[l.order[positions[i]]];
        if (s->source_index == 0
                ? m.kind == event_kind::start
                : m.thread == s->source_thread && m.index == s->source_index && m.kind != event_kind::start)
          return i;
      }
      return stop;
    }
    for (std::uint32_t i = count; i-- > 1;) {
      step next = fresh(e);
      set_source(next, e.memory.events[l.order[positions[i]]]);
      push(e, next);
    }
    return 0;
  }
  std::uint32_t place(execution& e, const std::uint32_t* positions, std::uint32_t count) override {
    catch_up(e);
    const std::uint32_t lid = at_;
    const location& l = e.memory.at(lid);
    if (const step* s = planned(e)) {
      std::uint32_t p = 0;
      while (p < l.order.size() && rank_of(l.order[p]) < s->rank) ++p;
      for (std::uint32_t i = 0; i < count; ++i)
        if (positions[i] == p) return i;
      return stop;
    }
    revisit(e, lid, no_event);
    for (std::uint32_t i = count; i-- > 1;) {
      step next = fresh(e);
      next.rank = 2 * positions[i] - 1;
      push(e, next);
    }
    return 0;
  }
  bool update(execution& e, std::uint32_t lid, std::uint32_t position, bool free) override {
    catch_up(e);
    if (planned(e) != nullptr) return free;
    revisit(e, lid, position - 1);
    return free;
  }
  std::uint32_t choose(execution& e, std::uint32_t count) override {
    catch_up(e);
    if (const step* s = planned(e)) return s->rank < count ? s->rank : stop;
    for (std::uint32_t i = count; i-- > 1;) {
      step next = fresh(e);
      next.rank = i;
      push(e, next);
    }
    return 0;
  }
  bool wants_every_event() const noexcept override { return true; }
  bool pause_is_final() const noexcept override { return true; }
  void looks_at(std::uint32_t location) noexcept override { at_ = location; }

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  using graph = part;

  // Brings order_ up to date with what has happened.
  void catch_up(execution& e) {
    for (; seen_ < e.memory.events.size(); ++seen_) {
      const event& x = e.memory.events[seen_];
      if (x.kind == event_kind::start) continue;
      const auto& w = wanted_[x.thread];
      if (x.index < w.size() && w[x.index] != none) {
        order_[w[x.index]] = static_cast<std::uint32_t>(seen_);
        ++replayed_;
      } else {
        order_.push_back(static_cast<std::uint32_t>(seen_));
      }
    }
    memory_ = &e.memory;
  }
  const step* planned(execution& e) const noexcept {
    const unsigned t = e.active();
    const unsigned i = e.next_index(t);
    return i < wanted_[t].size() && wanted_[t][i] != none ? &plan_[wanted_[t][i]] : nullptr;
  }
  bool can_replay(execution& e, unsigned t) const noexcept {
    const unsigned i = e.next_index(t);
    if (i >= wanted_[t].size() || wanted_[t][i] == none) return false;
    const step& s = plan_[wanted_[t][i]];
    return !s.reads || s.source_index == 0 ||
           e.memory.threads[s.source_thread].clock.at[s.source_thread] >= s.source_index;
  }
  // Of a message that was replayed: its place in the plan.
  std::uint32_t rank_of(std::uint32_t id) const noexcept {
    const event& x = memory_->events[id];
    if (x.kind == event_kind::start) return 0;
    const auto& w = wanted_[x.thread];
    return x.index < w.size() && w[x.index] != none ? plan_[w[x.index]].rank : ~std::uint32_t{0};
  }

  step fresh(execution& e) const noexcept {
    step s;
    s.thread = static_cast<std::uint8_t>(e.active());
    s.index = static_cast<std::uint16_t>(e.next_index(e.active()));
    return s;
  }
  static void set_source(step& s, const event& m) noexcept {
    s.reads = true;
    s.source_thread = m.thread;
    s.source_index = m.kind == event_kind::start ? std::uint16_t{0} : m.index;
  }
  step step_of(const event& x) const noexcept {
    step s;
    s.thread = x.thread;
    s.index = x.index;
    if (is_read(x.kind)) set_source(s, memory_->events[x.source]);
    if (is_write(x.kind)) s.rank = 2 * x.position;
    if (x.kind == event_kind::choice) s.rank = static_cast<std::uint32_t>(x.value.low);
    return s;
  }
  // The graph so far and one more event.
  void push(execution&, const step& last) {
    graph g;
    g.reserve(order_.size() + 1);
    for (const std::uint32_t id : order_) g.push_back(step_of(memory_->events[id]));
    g.push_back(last);
    stack_.push_back(std::move(g));
  }

  // A store of the active thread to `lid` is about to be made: behind the message at `source` if it is an update's,
  // else anywhere. Offers it to the loads that came before it.
  void revisit(execution& e, std::uint32_t lid, std::uint32_t source) {
    const location& l = e.memory.at(lid);
    const vector_clock& prefix = e.memory.threads[e.active()].known;
    const auto kept_by = [&](const event& x) { return prefix.knows(x.thread, x.index); };
    const std::uint32_t low = e.memory.floor(lid, e.active());
    for (std::size_t i = 0; i < order_.size(); ++i) {
      const event& r = e.memory.events[order_[i]];
      if (!is_read(r.kind) || r.location != lid || kept_by(r)) continue;
      bool standard = true;
      for (std::size_t j = i; standard && j < order_.size(); ++j) {
        const event& x = e.memory.events[order_[j]];
        if (!kept_by(x)) standard = is_standard(j, prefix);
      }
      if (!standard) continue;
      // What stays: all up to r, and what the store needs.
      graph g;
      for (std::size_t j = 0; j < order_.size(); ++j) {
        const event& x = e.memory.events[order_[j]];
        if (j > i && !kept_by(x)) continue;
        step s = step_of(x);
        if (j == i) {
          s.reads = true;
          s.source_thread = static_cast<std::uint8_t>(e.active());
          s.source_index = static_cast<std::uint16_t>(e.next_index(e.active()));
          s.rank = 0;
        }
        g.push_back(s);
      }
      g.push_back(fresh(e));
      // Its places among the stores that stay.
      const auto stays = [&](std::uint32_t p) {
        const event& m = e.memory.events[l.order[p]];
        if (m.kind == event_kind::start || kept_by(m)) return true;
        for (std::size_t j = 0; j < i; ++j)
          if (order_[j] == l.order[p]) return true;
        return false;
      };
      for (std::uint32_t p = low; p < l.order.size(); ++p) {
        if (!stays(p) || (source != no_event && p != source)) continue;
        // Not between an update and what it has read.
        std::uint32_t next = p + 1;
        while (next < l.order.size() && !stays(next)) ++next;
        if (next < l.order.size() && e.memory.events[l.order[next]].kind == event_kind::update_store) continue;
        g.back().rank = 2 * p + 1;
        stack_.push_back(g);
      }
    }
  }
  // Whether event j of the order was chosen in the standard way: a store at the end, a load from the last store, the
  // first choice; seen from what came before it and what the new store needs.
  bool is_standard(std::size_t j, const vector_clock& prefix) const noexcept {
    const event& x = memory_->events[order_[j]];
    if (x.kind == event_kind::choice) return x.value.low == 0;
    if (!is_read(x.kind) && !is_write(x.kind)) return true;
    const std::uint32_t mine = x.position;
    for (std::size_t k = 0; k < order_.size(); ++k) {
      const event& y = memory_->events[order_[k]];
      if (k >= j && !prefix.knows(y.thread, y.index)) continue;
      if ((!is_read(y.kind) && !is_write(y.kind)) || y.location != x.location) continue;
      if (is_write(x.kind) && is_read(y.kind) && y.source == order_[j]) return false;
      if (is_write(y.kind) && y.position > mine) return false;
    }
    return true;
  }

  std::vector<graph> stack_ = std::vector<graph>(1);  // at first the empty one
  graph plan_;
  std::vector<std::uint32_t> order_;  // events in the order in which the graph grew
  std::vector<std::uint32_t> wanted_[most_threads];
  std::size_t seen_ = 0;
  std::size_t replayed_ = 0;
  std::uint32_t at_ = 0;
  memory* memory_ = nullptr;
};

}  // namespace frys::inline FRYS_ABI::sim::model::detail

#endif  // FRYS_SIM_MODEL_EXHAUSTIVE_HPP
