// linearize: whether what threads did to an object could have been done by one thread, step by step.
//
// Use when  a structure promises to look like its sequential twin (a std container, a struct of yours) to all threads.
// Not when  an invariant says it all: model::require is cheaper.
// Threads   one at a time. Real threads record a history each, with stamps from one shared counter, and add() them.
// Order     an operation precedes another if its end stamp is less than the other's begin stamp. Without stamps the
//           history counts calls: the order of a wall clock. Structures that order by acquire and release promise less;
//           record those with stamps whose `<` is happens-before (a < b: all up to a is known at b; it may be partial).
//           Then the verdict is one of the execution itself, whatever schedule it was found by.
// Pending   an operation that has begun and not ended may have taken effect or not, with any result.
// Limits    the question is NP-complete: the search gives up after `most_states` and says so. Memory: one copy of the
//           specification and one bit per operation for each state.
// Source    J. Wing, C. Gong, "Testing and verifying concurrent objects", JPDC 1993; G. Lowe, "Testing for
//           linearizability", CCPE 2017 (memoisation); A. Horn, D. Kroening, FORTE 2015 (P-compositionality);
//           T. Henzinger et al., "Quantitative relaxation of concurrent data structures", POPL 2013 (out of order by
//           k).
#ifndef FRYS_SIM_MODEL_LINEARIZE_HPP
#define FRYS_SIM_MODEL_LINEARIZE_HPP

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "../../config.hpp"
#include "../../core/assert.hpp"
#include "sequential.hpp"

namespace frys::inline FRYS_ABI::sim::model {

// What threads did: which operation each began and ended, when, with what result.
// Stamp: an arithmetic type, or any copyable, default-constructible one with a strict (partial) order `<`.
template <class Op, class Result, class Stamp = std::uint64_t>
class history {
 public:
  struct operation {
    std::size_t thread = 0;
    Op op;
    std::optional<Result> result;  // none: pending
    Stamp begin{};
    Stamp end{};
  };
  // Names one operation of one history, until clear().
  struct call {
    std::size_t index = 0;
  };

  // The operation begins now, before all that begins or ends later.
  call begin(std::size_t thread, Op op) requires std::integral<Stamp> { return begin(thread, std::move(op), next_++); }
  // The operation has ended with `result`; once per call.
  void end(call c, Result result) requires std::integral<Stamp> { end(c, std::move(result), next_); }

  // The same with the caller's stamps.
  call begin(std::size_t thread, Op op, Stamp at) {
    pass(at);
    operations_.push_back(operation{thread, std::move(op), std::nullopt, std::move(at), Stamp{}});
    return {operations_.size() - 1};
  }
  void end(call c, Result result, Stamp at) {
    FRYS_ASSERT(c.index < operations_.size() && !operations_[c.index].result,
                "frys::sim::model::history: end of no open call");
    pass(at);
    operations_[c.index].result.emplace(std::move(result));
    operations_[c.index].end = std::move(at);
  }

  // begin, f(), end; answers what f answered.
  template <class F>
  Result record(std::size_t thread, Op op, F&& f) requires std::integral<Stamp> {
    const call c = begin(thread, std::move(op));
    Result result = std::forward<F>(f)();
    end(c, result);
    return result;
  }

  // Takes in what another thread recorded, by the same clock.
  void add(const history& other) {
    operations_.insert(operations_.end(), other.operations_.begin(), other.operations_.end());
    if constexpr (std::integral<Stamp>) next_ = (std::max)(next_, other.next_);
  }
  void clear() noexcept {
    operations_.clear();
    next_ = {};
  }
  [[nodiscard]] std::size_t size() const noexcept { return operations_.size(); }
  [[nodiscard]] const std::vector<operation>& operations() const noexcept { return operations_; }

 private:
  // The own counter goes on behind the caller's stamps.
  void pass([[maybe_unused]] const Stamp& at) {
    if constexpr (std::integral<Stamp>) next_ = (std::max)(next_, static_cast<Stamp>(at + 1));
  }

  std::vector<operation> operations_;
  Stamp next_{};
};

// The history that fits a specification which names its operation and result, as all below do.
template <class Spec, class Stamp = std::uint64_t>
using history_of = history<typename Spec::operation, typename Spec::result, Stamp>;

struct linearize_limit {
  std::size_t most_states = 1'000'000;  // for each key
};

// The answer of linearizable().
struct verdict {
  bool linearizable = false;  // there is an order that the specification agrees to
  bool complete = true;       // false: the search gave up, nothing is known
  std::size_t states = 0;     // visited
  std::string text;           // when not linearizable: the longest order that goes, and what then fits nowhere

  [[nodiscard]] bool passed() const noexcept { return linearizable; }
  explicit operator bool() const noexcept { return linearizable; }
};

namespace detail {

// The states seen: which operations are in, and what the specification became. Never forgets, never moves an index.
template <class Spec>
class visited_states {
 public:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  using word = std::uint64_t;

  explicit visited_states(std::size_t words) : words_(words), buckets_(64, none) {}

  // The number of the new state, or none if it was there.
  std::uint32_t add(const std::vector<word>& in, Spec&& spec) {
    std::size_t h = 0;
    if constexpr (requires { spec.hash(); }) h = spec.hash();
    for (const word w : in) h = mix(h, w);
    for (std::uint32_t i = buckets_[h & (buckets_.size() - 1)]; i != none; i = next_[i])
      if (hashes_[i] == h && std::equal(in.begin(), in.end(), bits_.begin() + offset(i)) && specs_[i] == spec)
        return none;
    const auto made = static_cast<std::uint32_t>(specs_.size());
    specs_.push_back(std::move(spec));
    bits_.insert(bits_.end(), in.begin(), in.end());
    hashes_.push_back(h);
    next_.push_back(none);
    if (specs_.size() > buckets_.size())
      grow();
    else
      link(made);
    return made;
  }
  [[nodiscard]] const Spec& operator[](std::uint32_t i) const noexcept { return specs_[i]; }
  [[nodiscard]] std::size_t size() const noexcept { return specs_.size(); }

 private:
  [[nodiscard]] std::ptrdiff_t offset(std::uint32_t i) const noexcept {
    return static_cast<std::ptrdiff_t>(i * words_);
  }
  void link(std::uint32_t i) noexcept {
    std::uint32_t& head = buckets_[hashes_[i] & (buckets_.size() - 1)];
    next_[i] = head;
    head = i;
  }
  void grow() {
    buckets_.assign(buckets_.size() * 4, none);
    for (std::uint32_t i = 0; i < specs_.size(); ++i) link(i);
  }

  std::size_t words_;
  std::vector<std::uint32_t> buckets_, next_;
  std::vector<std::size_t> hashes_;
  std::vector<word> bits_;
  std::vector<Spec> specs_;
};

// Depth first: put any operation next that nothing missing precedes and whose result the specification agrees to.
template <class Operation, class Spec>
class linear_search {
 public:
  linear_search(std::vector<const Operation*> operations, const Spec& start, std::size_t most_states)
      : all_(std::move(operations)), words_((all_.size() + 63) / 64), most_(most_states), seen_(words_), in_(words_) {
    if constexpr (is_interval) {
      std::stable_sort(all_.begin(), all_.end(), [](auto* a, auto* b) { return a->begin < b->begin; });
    } else {
      before_.resize(all_.size() * words_);
      for (std::size_t i = 0; i < all_.size(); ++i)
        for (std::size_t j = 0; j < all_.size(); ++j)
          if (all_[j]->result && all_[j]->end < all_[i]->begin) before_[i * words_ + j / 64] |= bit(j);
    }
    for (const Operation* o : all_) missing_ += o->result.has_value();
    now_ = seen_.add(in_, Spec(start));
  }

  verdict run() {
    verdict v;
    std::size_t from = 0, branch = 0;
    while (missing_) {
      if (step(from, branch)) {
        from = branch = 0;
        continue;
      }
      if (seen_.size() > most_) {
        v.complete = false;
        break;
      }
      if (order_.size() > best_.size()) {
        best_.clear();
        for (const frame& f : order_) best_.push_back(f.operation);
        best_state_ = now_;
      }
      if (order_.empty()) break;
      const frame last = order_.back();
      order_.pop_back();
      take_out(last.operation);
      now_ = last.before;
      from = last.operation;
      branch = last.branch + 1;
    }
    v.linearizable = missing_ == 0;
    v.states = seen_.size();
    if (!v.complete)
      v.text = "undecided: the search gave up after " + std::to_string(v.states) + " states\n";
    else if (!v.linearizable)
      v.text = explain();
    return v;
  }

 private:
  using word = std::uint64_t;
  using stamp = decltype(Operation::begin);
  // Stamps on one line: sorted by begin, the first operation that must wait ends the list of those that need not.
  static constexpr bool is_interval = std::is_arithmetic_v<stamp>;

  struct frame {
    std::size_t operation, branch;
    std::uint32_t before;
  };

  static word bit(std::size_t i) noexcept { return word{1} << (i % 64); }
  [[nodiscard]] bool is_in(std::size_t i) const noexcept { return in_[i / 64] & bit(i); }
  void put_in(std::size_t i) noexcept {
    in_[i / 64] |= bit(i);
    missing_ -= all_[i]->result.has_value();
  }
  void take_out(std::size_t i) noexcept {
    in_[i / 64] &= ~bit(i);
    missing_ += all_[i]->result.has_value();
  }

  // Calls f(i) for the operations that may be next, until it answers true.
  template <class F>
  bool any_next(F f) {
    std::size_t i = 0;
    while (i < all_.size() && in_[i / 64] == ~word{0}) i += 64;
    [[maybe_unused]] const stamp* first_end = nullptr;  // of the missing ones
    for (; i < all_.size(); ++i) {
      if (is_in(i)) continue;
      if constexpr (is_interval) {
        if (first_end && *first_end < all_[i]->begin) return false;
        if (all_[i]->result && (!first_end || all_[i]->end < *first_end)) first_end = &all_[i]->end;
      } else {
        bool waits = false;
        for (std::size_t w = 0; w < words_ && !waits; ++w) waits = before_[i * words_ + w] & ~in_[w];
        if (waits) continue;
      }
      if (f(i)) return true;
    }
    return false;
  }

  // Goes one operation on: the first from `from` on that leads to a new state, beginning with its branch `branch`.
  bool step(std::size_t from, std::size_t branch) {
    return any_next([&](std::size_t i) {
      if (i < from) return false;
      branches_.clear();
      find_branches(*all_[i]);
      for (std::size_t b = i == from ? branch : 0; b < branches_.size(); ++b) {
        if (seen_.size() > most_) return false;
        put_in(i);
        const std::uint32_t made = seen_.add(in_, std::move(branches_[b]));
        if (made != visited_states<Spec>::none) {
          order_.push_back({i, b, now_});
          now_ = made;
          return true;
        }
        take_out(i);
      }
      return false;
    });
  }
  void find_branches(const Operation& o) {
    if constexpr (requires(Spec s) { s.apply(o.op); }) {
      Spec next = seen_[now_];
      const auto result = next.apply(o.op);
      if (!o.result || result == *o.result) branches_.push_back(std::move(next));
    } else {
      seen_[now_].each(o.op, o.result ? &*o.result : nullptr,
                       [this](Spec next) { branches_.push_back(std::move(next)); });
    }
  }

  static std::string line(const Operation& o) {
    return "  thread " + std::to_string(o.thread) + ": " + text_of(o.op) + " -> " +
           (o.result ? text_of(*o.result) : std::string("pending"));
  }
  // The longest order found, and why it ends there.
  std::string explain() {
    constexpr std::size_t most_lines = 20;
    std::size_t completed = 0;
    for (const Operation* o : all_) completed += o->result.has_value();
    std::string s = "not linearizable: " + std::to_string(completed) + " operations have ended; ";
    s += best_.empty() ? "none can be the first\n" : "at most these can be put in order\n";
    if (best_.size() > most_lines) s += "  (" + std::to_string(best_.size() - most_lines) + " before)\n";
    std::fill(in_.begin(), in_.end(), 0);
    for (std::size_t n = 0; n < best_.size(); ++n) {
      in_[best_[n] / 64] |= bit(best_[n]);
      if (n + most_lines >= best_.size()) s += line(*all_[best_[n]]) + "\n";
    }
    s += "and then no one of these fits\n";
    any_next([&](std::size_t i) {
      const Operation& o = *all_[i];
      if (!o.result) return false;  // it may take effect, but nothing comes of it
      s += line(o);
      if constexpr (requires(Spec spec) { spec.apply(o.op); }) {
        Spec next = seen_[best_state_];
        const auto right = next.apply(o.op);
        s += "; it would be " + text_of(right);
      }
      s += "\n";
      return false;
    });
    return s;
  }

  std::vector<const Operation*> all_;
  std::size_t words_, most_;
  visited_states<Spec> seen_;
  std::vector<word> in_, before_;
  std::size_t missing_ = 0;  // ended operations that are not in yet
  std::uint32_t now_ = 0, best_state_ = 0;
  std::vector<frame> order_;
  std::vector<std::size_t> best_;
  std::vector<Spec> branches_;
};

}  // namespace detail

// Whether one thread, doing the operations one after the other, in an order that keeps what precedes what, could have
// got the same results from `start`.
template <class Op, class Result, class Stamp, class Spec>
requires specification<Spec, Op, Result>
[[nodiscard]] verdict linearizable(const history<Op, Result, Stamp>& h, const Spec& start, linearize_limit limit = {}) {
  using operation = typename history<Op, Result, Stamp>::operation;
  using search = detail::linear_search<operation, Spec>;
  std::vector<const operation*> rest;
  for (const operation& o : h.operations()) rest.push_back(&o);
  if constexpr (requires(const Op& op) { start.key(op); }) {
    verdict all;
    all.linearizable = true;
    while (!rest.empty()) {
      const auto key = start.key(rest.front()->op);
      const auto others =
          std::stable_partition(rest.begin(), rest.end(), [&](const operation* o) { return start.key(o->op) == key; });
      verdict one = search({rest.begin(), others}, start, limit.most_states).run();
      rest.erase(rest.begin(), others);
      all.states += one.states;
      all.complete = all.complete && one.complete;
      all.linearizable = all.linearizable && one.linearizable;
      if (one.linearizable) continue;
      all.text = "key " + detail::text_of(key) + ", " + one.text;
      if (!one.complete) continue;  // another key may yet decide
      all.complete = true;
      break;
    }
    return all;
  } else {
    return search(std::move(rest), start, limit.most_states).run();
  }
}

// The smallest k for which the history is that of a queue out of order by k; none if no k up to `most` will do, or if
// the search gave up.
template <class T, class Stamp>
[[nodiscard]] std::optional<std::size_t> least_relaxation(
    const history<container_operation<T>, container_result<T>, Stamp>& h, std::size_t most,
    linearize_limit limit = {}) {
  for (std::size_t k = 0; k <= most; ++k) {
    const verdict v = linearizable(h, relaxed_queue_spec<T>(k), limit);
    if (v.linearizable) return k;
    if (!v.complete) break;
  }
  return std::nullopt;
}

}  // namespace frys::inline FRYS_ABI::sim::model

#endif  // FRYS_SIM_MODEL_LINEARIZE_HPP
