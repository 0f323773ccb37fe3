// explore: strategies that walk through executions one by one: random, pct, bounded, replay.
//
// random   each decision by a die; finds shallow bugs fast, proves nothing.
// pct      random priorities and depth - 1 changes of them: each bug of that depth is found with a chance of at least
//          1 in threads * steps ^ (depth - 1) per execution.
// bounded  every execution with at most so many preemptions; ~0u: every interleaving, without any reduction.
// replay   the decisions of a schedule.
//
// Source   S. Burckhardt et al., "A randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS 2010
//          (pct); M. Musuvathi, S. Qadeer, "Iterative context bounding", PLDI 2007 (bounded).
#ifndef FRYS_SIM_MODEL_EXPLORE_HPP
#define FRYS_SIM_MODEL_EXPLORE_HPP

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "../../config.hpp"
#include "execution.hpp"

namespace frys::inline FRYS_ABI::sim::model::detail {

// xorshift64*: enough for dice.
class die {
 public:
  explicit die(std::uint64_t seed) noexcept : state_(seed * 0x9E3779B97F4A7C15u + 0x2545F4914F6CDD1Du) {
    if (state_ == 0) state_ = 1;
  }
  std::uint32_t below(std::uint32_t n) noexcept {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    const auto r = static_cast<std::uint32_t>((state_ * 0x2545F4914F6CDD1Du) >> 32);
    return static_cast<std::uint32_t>((std::uint64_t{r} * n) >> 32);
  }

 private:
  std::uint64_t state_;
};

// Of 8 bits: the n-th that is set, and how many are. Tables, since dice make every branch a surprise.
struct bit_tables {
  std::uint8_t nth[256][8] = {};
  std::uint8_t count[256] = {};
  constexpr bit_tables() noexcept {
    for (unsigned bits = 0; bits < 256; ++bits)
      for (std::uint8_t b = 0; b < 8; ++b)
        if ((bits >> b & 1) != 0) nth[bits][count[bits]++] = b;
  }
};
inline constexpr bit_tables bits_of;
static_assert(most_threads == 8);
constexpr unsigned nth_bit(unsigned bits, unsigned n) noexcept { return bits_of.nth[bits][n]; }
constexpr unsigned count_bits(unsigned bits) noexcept { return bits_of.count[bits]; }

class random_strategy : public strategy {
 public:
  explicit random_strategy(std::uint64_t seed) noexcept : die_(seed) {}
  void begin() noexcept { before_ = die_; }
  // Makes the execution that begin() was called for once more.
  void repeat() noexcept { die_ = before_; }
  unsigned next_thread(execution&, unsigned runnable, unsigned) override {
    return nth_bit(runnable, die_.below(count_bits(runnable)));
  }
  std::uint32_t read(execution& e, const std::uint32_t*, std::uint32_t count, bool) override {
    if (count == 1 || e.hurries(e.active())) return 0;
    return die_.below(2) == 0 ? 0 : die_.below(count);
  }
  std::uint32_t place(execution&, const std::uint32_t*, std::uint32_t count) override {
    if (count == 1) return 0;
    return die_.below(4) != 0 ? 0 : die_.below(count);
  }
  std::uint32_t choose(execution&, std::uint32_t count) override { return die_.below(count); }

 protected:
  die die_;

 private:
  die before_ = die_;  // at the beginning of this execution
};

class pct_strategy final : public random_strategy {
 public:
  pct_strategy(unsigned depth, std::uint64_t seed) noexcept : random_strategy(seed), depth_(depth) {}
  // Before each execution.
  void begin() {
    random_strategy::begin();
    length_ = longest_;
    prepare();
  }
  void repeat() {
    random_strategy::repeat();
    prepare();
  }
  unsigned next_thread(execution&, unsigned runnable, unsigned current) override {
    ++steps_;
    longest_ = (std::max)(longest_, steps_);
    for (const std::uint32_t c : changes_)
      if (c == steps_ && next_low_ != 0) priority_[current] = --next_low_;
    unsigned best = most_threads;
    for (unsigned t = 0; t < most_threads; ++t)
      if ((runnable >> t & 1) != 0 && (best == most_threads || priority_[t] > priority_[best])) best = t;
    return best;
  }

 private:
  void prepare() {
    next_low_ = most_threads;
    std::uint32_t left[most_threads];
    for (unsigned t = 0; t < most_threads; ++t) left[t] = t;
    for (unsigned t = 0; t < most_threads; ++t) {
      std::swap(left[t], left[t + die_.below(most_threads - t)]);
      priority_[left[t]] = most_threads + t;
    }
    changes_.clear();
    for (unsigned i = 1; i < depth_; ++i) changes_.push_back(die_.below((std::max)(length_, 1u)));
    steps_ = 0;
  }

  unsigned depth_;
  std::uint32_t priority_[most_threads] = {};
  std::vector<std::uint32_t> changes_;
  std::uint32_t steps_ = 0, longest_ = 16;
  std::uint32_t length_ = 16;  // that the changes are spread over
  std::uint32_t next_low_ = most_threads;
};

class bounded_strategy final : public strategy {
 public:
  explicit bounded_strategy(unsigned preemptions) noexcept : most_(preemptions) {}
  // The first decisions of executions: all that begin so are a part of the work, to be done apart from the others.
  struct fork {
    std::uint32_t taken, options;
  };
  using part = std::vector<fork>;
  void start(part p) {
    path_ = std::move(p);
    root_ = path_.size();
    started_ = false;
  }
  // What is left after the last execution, as parts; nothing is left here.
  std::vector<part> take_rest() {
    std::vector<part> out;
    for (std::size_t i = root_; i < path_.size(); ++i)
      for (std::uint32_t other = path_[i].taken + 1; other < path_[i].options; ++other) {
        out.emplace_back(path_.begin(), path_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        out.back().back().taken = other;
      }
    path_.resize(root_);
    return out;
  }
  [[nodiscard]] bool is_done() const noexcept {
    for (std::size_t i = root_; i < path_.size(); ++i)
      if (path_[i].taken + 1 != path_[i].options) return false;
    return started_;
  }
  // Before each execution.
  void begin() {
    at_ = 0;
    preemptions_ = 0;
    if (!std::exchange(started_, true)) return;
    while (path_.back().taken + 1 == path_.back().options) path_.pop_back();
    ++path_.back().taken;
  }
  unsigned next_thread(execution&, unsigned runnable, unsigned current) override {
    const bool goes_on = (runnable >> current & 1) != 0;
    unsigned options = count_bits(runnable);
    if (goes_on && preemptions_ == most_) options = 1;
    const unsigned n = decide(options);
    if (!goes_on) return nth_bit(runnable, n);
    if (n == 0) return current;
    ++preemptions_;
    return nth_bit(runnable & ~(1u << current), n - 1);
  }
  std::uint32_t read(execution& e, const std::uint32_t*, std::uint32_t count, bool) override {
    return e.hurries(e.active()) ? 0 : decide(count);
  }
  std::uint32_t place(execution&, const std::uint32_t*, std::uint32_t count) override { return decide(count); }
  std::uint32_t choose(execution&, std::uint32_t count) override { return decide(count); }

 private:
  std::uint32_t decide(std::uint32_t options) {
    if (options <= 1) return 0;
    if (at_ == path_.size()) path_.push_back({0, options});
    return path_[at_++].taken;
  }
  unsigned most_;
  unsigned preemptions_ = 0;
  part path_;
  std::size_t root_ = 0;  // how much of it stays
  std::size_t at_ = 0;
  bool started_ = false;
};

// Follows a schedule; where it does not fit any more (a part was left out), goes on in the plainest way.
class replay_strategy final : public strategy {
 public:
  explicit replay_strategy(const std::vector<decision>& schedule) noexcept : schedule_(schedule) {}
  unsigned next_thread(execution&, unsigned runnable, unsigned current) override {
    if (const decision* d = next(decision::kind::thread); d != nullptr && (runnable >> d->value & 1) != 0)
      return d->value;
    if ((runnable >> current & 1) != 0) return current;
    return static_cast<unsigned>(std::countr_zero(runnable));
  }
  std::uint32_t read(execution&, const std::uint32_t*, std::uint32_t count, bool) override {
    return pick(decision::kind::read, count);
  }
  std::uint32_t place(execution&, const std::uint32_t*, std::uint32_t count) override {
    return pick(decision::kind::place, count);
  }
  std::uint32_t choose(execution&, std::uint32_t count) override { return pick(decision::kind::choice, count); }
  bool wants_every_choice() const noexcept override { return true; }

 private:
  const decision* next(decision::kind what) noexcept {
    if (at_ == schedule_.size() || schedule_[at_].what != what) return nullptr;
    return &schedule_[at_++];
  }
  std::uint32_t pick(decision::kind what, std::uint32_t count) noexcept {
    const decision* d = next(what);
    return d != nullptr && d->value < count ? d->value : 0;
  }
  const std::vector<decision>& schedule_;
  std::size_t at_ = 0;
};

}  // namespace frys::inline FRYS_ABI::sim::model::detail

#endif  // FRYS_SIM_MODEL_EXPLORE_HPP
