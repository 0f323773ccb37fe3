// idle_set: which workers sleep, how many search, and whom to wake: one searcher at a time, so that a burst of work
// does not wake a crowd.
//
// Who publishes work fences and then looks here; who falls asleep marks itself here and then looks for work. One of the
// two sees the other. While somebody searches nobody is woken: a searcher that finds something and was the last one
// looks on whose behalf to wake the next, and one that finds nothing looks at everything once more behind its mark.
#ifndef FRYS_SCHED_DETAIL_IDLE_SET_HPP
#define FRYS_SCHED_DETAIL_IDLE_SET_HPP

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "../../config.hpp"
#include "../../core/cache_line.hpp"

namespace frys::inline FRYS_ABI::detail {

// A bit for each worker: it sleeps. Of the sleeper and those who would wake it one takes the mark.
template <class Atomics>
class sleep_marks {
 public:
  static constexpr unsigned most = 256;
  static constexpr unsigned nobody = ~0u;

  void mark(unsigned i) noexcept {
    // sync(sleep_marks.word): release; what the sleeper did is over when its mark is seen.
    words_[i / 64].fetch_or(bit(i), std::memory_order_release);
  }
  bool take(unsigned i) noexcept {
    // sync(sleep_marks.taken): release; who takes it has counted the sleeper before.
    return (words_[i / 64].fetch_and(~bit(i), std::memory_order_release) & bit(i)) != 0;
  }
  // The sleeper's: nobody has taken it.
  [[nodiscard]] bool is_mine(unsigned i) const noexcept {
    return (words_[i / 64].load(std::memory_order_acquire) & bit(i)) != 0;  // sync(sleep_marks.taken): acquire.
  }
  // The lowest; nobody.
  unsigned take_lowest() noexcept {
    for (unsigned k = 0; k < count; ++k) {
      std::uint64_t w = words_[k].load(std::memory_order_relaxed);  // relaxed: a guess, take decides
      for (; w != 0; w &= w - 1) {
        const unsigned i = k * 64 + static_cast<unsigned>(std::countr_zero(w));
        if (take(i)) return i;
      }
    }
    return nobody;
  }

  // relaxed, these: hints; who must not miss a mark has fenced.
  [[nodiscard]] bool has(unsigned i) const noexcept {
    return (words_[i / 64].load(std::memory_order_relaxed) & bit(i)) != 0;
  }
  [[nodiscard]] unsigned lowest() const noexcept {
    for (unsigned k = 0; k < count; ++k)
      if (const std::uint64_t w = words_[k].load(std::memory_order_relaxed); w != 0)  // relaxed: as above
        return k * 64 + static_cast<unsigned>(std::countr_zero(w));
    return nobody;
  }
  [[nodiscard]] unsigned highest() const noexcept {
    for (unsigned k = count; k-- > 0;)
      if (const std::uint64_t w = words_[k].load(std::memory_order_relaxed); w != 0)  // relaxed: as above
        return k * 64 + 63 - static_cast<unsigned>(std::countl_zero(w));
    return nobody;
  }
  [[nodiscard]] bool empty() const noexcept { return lowest() == nobody; }

  // The first n have marks.
  [[nodiscard]] bool all(unsigned n) const noexcept {
    for (unsigned k = 0; k * 64 < n; ++k) {
      const std::uint64_t wanted = n - k * 64 >= 64 ? ~std::uint64_t{0} : bit(n) - 1;
      // sync(sleep_marks.word): acquire; what a sleeper did is over before it counts as one.
      if ((words_[k].load(std::memory_order_acquire) & wanted) != wanted) return false;
    }
    return true;
  }

 private:
  static constexpr unsigned count = most / 64;
  static constexpr std::uint64_t bit(unsigned i) noexcept { return std::uint64_t{1} << (i % 64); }

  typename Atomics::template atomic<std::uint64_t> words_[count] = {};
};

// How often a worker has got up, twice; odd: it lies, but in the midst of a task.
template <class Atomics>
class rest_count {
 public:
  // The worker's. Before it touches any work again.
  void rise() noexcept {
    // sync(rest_count.value): release; who reads it no longer sees the mark that is gone. The load is relaxed: its own.
    count_.store((count_.load(std::memory_order_relaxed) | 1) + 1, std::memory_order_release);
    // sync(rest_count.rise): release; who sees that a piece of work is gone from its queue sees this too.
    Atomics::fence(std::memory_order_release);
  }
  // relaxed: its own; the mark behind it releases it
  void lie_in_task() noexcept { count_.store(count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }

  [[nodiscard]] std::uint32_t value() const noexcept {
    return count_.load(std::memory_order_relaxed);  // relaxed: the fence in idle_set::is_quiet acquires it
  }

 private:
  typename Atomics::template atomic<std::uint32_t> count_{0};
};

template <class Atomics>
class idle_set {
 public:
  static constexpr unsigned most = sleep_marks<Atomics>::most;
  static constexpr unsigned nobody = sleep_marks<Atomics>::nobody;

  // ---- a worker of itself

  void begin_search() noexcept {
    searching_.fetch_add(1, std::memory_order_relaxed);  // relaxed: what a publisher leaves to us end_search looks at
  }
  // True if it was the last searcher: then it must look whether there is more than it takes.
  bool end_search() noexcept {
    // sync(idle_set.searching): release; what the others have brought to their queues is there for the last one to see,
    // which the fence acquires.
    const bool last = searching_.fetch_sub(1, std::memory_order_release) == 1;
    // sync(idle_set.searching): acquire. sync(idle_set.dekker): seq_cst; a publisher that still saw us as a searcher is
    // seen by what we look at next.
    Atomics::fence(std::memory_order_seq_cst);
    return last;
  }
  // Of a searcher, which is none from then on. It must look at everything once more, and then sleep or get up.
  void lie_down(unsigned i) noexcept {
    asleep_.mark(i);  // first: for who then finds nobody searching
    (void)end_search();
  }
  // True: nobody has woken it, it is a searcher again. False: somebody has, and has counted it; an unpark comes.
  bool get_up(unsigned i) noexcept {
    if (!asleep_.take(i)) return false;
    begin_search();
    return true;
  }
  [[nodiscard]] bool is_lying(unsigned i) const noexcept { return asleep_.is_mine(i); }

  // ---- who has published work

  // The worker to unpark, counted as a searcher already, the one of the lowest number: low ones keep warm, high ones
  // sleep. nobody: somebody searches, or nobody sleeps.
  template <class HasWork>
  unsigned pick(HasWork&& has_work) noexcept {
    for (;;) {
      // sync(idle_set.dekker): seq_cst; the work stands before we look who could take it.
      Atomics::fence(std::memory_order_seq_cst);
      if (searching_.load(std::memory_order_relaxed) != 0) return nobody;  // relaxed: behind the fence
      if (asleep_.empty()) return nobody;
      std::uint32_t none = 0;
      // relaxed: of several who publish at a time one wakes; what it wakes for is ordered by the fence
      if (!searching_.compare_exchange_strong(none, 1, std::memory_order_relaxed, std::memory_order_relaxed))
        return nobody;
      if (const unsigned i = asleep_.take_lowest(); i != nobody) return i;
      // It got up by itself. Who has looked at us meanwhile relied on a searcher that never was.
      if (!end_search() || !has_work()) return nobody;
    }
  }
  // One more, whoever searches: for work in bulk. Behind a fence of the caller's.
  template <class HasWork>
  unsigned pick_another(HasWork&& has_work) noexcept {
    if (asleep_.empty()) return nobody;
    begin_search();  // first: an old permit may let the one that we take go on before we are here again
    const unsigned i = asleep_.take_lowest();
    return i != nobody ? i : withdraw(has_work);
  }
  // This one, if it sleeps. Behind a fence of the caller's. Answers whom to unpark, seldom another.
  template <class HasWork>
  unsigned pick_this(unsigned i, HasWork&& has_work) noexcept {
    if (!asleep_.has(i)) return nobody;
    begin_search();  // first: as above
    return asleep_.take(i) ? i : withdraw(has_work);
  }

  // ---- anybody

  [[nodiscard]] const sleep_marks<Atomics>& asleep() const noexcept { return asleep_; }
  [[nodiscard]] unsigned searching() const noexcept {
    return searching_.load(std::memory_order_relaxed);  // relaxed: a hint
  }
  // Whether the first n sleep, none in the midst of a task, and there was no work at a moment when they did: looks that
  // follow each other would miss a piece that moves meanwhile. rests(f) calls f(rest_count) for all who can have work.
  template <class Rests, class HasWork>
  [[nodiscard]] bool is_quiet(unsigned n, Rests&& rests, HasWork&& has_work) const noexcept {
    const auto read = [&](bool& inside) {
      std::uint64_t sum = 0;  // they only grow: equal sums are equal numbers
      rests([&](const rest_count<Atomics>& r) {
        const std::uint32_t v = r.value();
        sum += v, inside = inside || v % 2 != 0;
      });
      return sum;
    };
    bool inside = false;
    const std::uint64_t before = read(inside);
    if (inside || !asleep_.all(n) || has_work()) return false;
    // sync(rest_count.rise), sync(rest_count.value): acquire; who has taken what we did not find any more has risen
    // before.
    Atomics::fence(std::memory_order_acquire);
    return asleep_.all(n) && read(inside) == before;
  }

 private:
  // It got up by itself. Who has looked at us meanwhile relied on a searcher that never was.
  template <class HasWork>
  unsigned withdraw(HasWork& has_work) noexcept {
    return end_search() && has_work() ? pick(has_work) : nobody;
  }

  alignas(cache_line) typename Atomics::template atomic<std::uint32_t> searching_{0};
  alignas(cache_line) sleep_marks<Atomics> asleep_;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_SCHED_DETAIL_IDLE_SET_HPP
