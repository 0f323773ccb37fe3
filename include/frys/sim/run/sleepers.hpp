// sleepers: the threads of a sim::run that sleep: which of them on which word, whose deadline is the next, and the time
// of the run, which wakes them.
#ifndef FRYS_SIM_RUN_SLEEPERS_HPP
#define FRYS_SIM_RUN_SLEEPERS_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "../../config.hpp"
#include "../../core/deadline.hpp"
#include "virtual_thread.hpp"

namespace frys::inline FRYS_ABI::sim::detail {

class sleepers {
 public:
  void clear() noexcept {
    alarms_.clear();
    for (virtual_thread*& b : buckets_) b = nullptr;
    alarm_numbers_ = 0;
    on_words_ = 0;
    now_ = nanoseconds::zero();
  }

  // `word` is where an atomic lies that holds `value`; null: it sleeps for the time only.
  void add(virtual_thread& t, const void* word, std::uint32_t value, deadline until) noexcept {
    t.is = virtual_thread::state::sleeps;
    t.word = word;
    t.slept_while = value;
    t.until = until;
    t.timed_out = false;
    t.next_sleeper = nullptr;
    if (word != nullptr) {
      ++on_words_;
      virtual_thread** end = &buckets_[bucket(word)];
      while (*end != nullptr) end = &(*end)->next_sleeper;
      *end = &t;
    }
    if (!until.is_never()) {
      t.alarm_number = ++alarm_numbers_;
      t.alarm = alarms_.size();
      alarms_.push_back(&t);
      rise(t.alarm);
    }
  }

  // ---- on a word

  [[nodiscard]] bool any_on_words() const noexcept { return on_words_ != 0; }
  // The first one on a word, and the one behind `t` on the same; nullptr: there is none.
  [[nodiscard]] const virtual_thread* first_on(const void* word) const noexcept {
    return on(word, buckets_[bucket(word)]);
  }
  [[nodiscard]] static const virtual_thread* behind(const virtual_thread& t) noexcept {
    return on(t.word, t.next_sleeper);
  }
  [[nodiscard]] std::uint32_t count_on(const void* word) const noexcept {
    std::uint32_t count = 0;
    for (const virtual_thread* t = first_on(word); t != nullptr; t = behind(*t)) ++count;
    return count;
  }
  // Takes out all that sleep on `word`, or the one with `skipped` others before it; calls woken(thread) for each.
  template <class F>
  void take(const void* word, bool all, std::uint32_t skipped, F&& woken) noexcept {
    for (virtual_thread** t = &buckets_[bucket(word)]; *t != nullptr;) {
      if ((*t)->word != word || (!all && skipped-- != 0)) {
        t = &(*t)->next_sleeper;
        continue;
      }
      virtual_thread& one = **t;
      *t = one.next_sleeper;
      wake(one, false);
      woken(one);
      if (!all) break;
    }
  }

  // ---- time

  [[nodiscard]] nanoseconds now() const noexcept { return now_; }
  [[nodiscard]] nanoseconds time_after(nanoseconds by) const noexcept {
    return by > (nanoseconds::max)() - now_ ? (nanoseconds::max)() : now_ + by;
  }

  [[nodiscard]] bool has_deadline() const noexcept { return !alarms_.empty(); }
  [[nodiscard]] nanoseconds first_deadline() const noexcept { return alarms_[0]->until.at; }
  // By `by`, but no further than to the first deadline; takes out those who have slept until then and calls
  // woken(thread) for each.
  template <class F>
  void advance(nanoseconds by, F&& woken) noexcept {
    nanoseconds to = time_after(by);
    if (has_deadline() && first_deadline() <= to) to = (std::max)(first_deadline(), now_);
    now_ = to;
    while (has_deadline() && first_deadline() <= now_) {
      virtual_thread& t = *alarms_[0];
      if (t.word != nullptr) {
        virtual_thread** p = &buckets_[bucket(t.word)];
        while (*p != &t) p = &(*p)->next_sleeper;
        *p = t.next_sleeper;
      }
      wake(t, true);
      woken(t);
    }
  }

 private:
  static constexpr std::size_t bucket_count = 64;
  static std::size_t bucket(const void* word) noexcept {
    return reinterpret_cast<std::uintptr_t>(word) / alignof(std::uint32_t) % bucket_count;
  }
  static const virtual_thread* on(const void* word, const virtual_thread* t) noexcept {
    while (t != nullptr && t->word != word) t = t->next_sleeper;
    return t;
  }
  // Its bucket no longer holds it.
  void wake(virtual_thread& t, bool timed_out) noexcept {
    if (t.word != nullptr) --on_words_;
    t.word = nullptr;
    t.timed_out = timed_out;
    if (t.alarm != virtual_thread::no_alarm) drop_alarm(t);
  }

  // A heap of those with a deadline, the first one on top.
  static bool is_sooner(const virtual_thread& a, const virtual_thread& b) noexcept {
    return a.until.at != b.until.at ? a.until.at < b.until.at : a.alarm_number < b.alarm_number;
  }
  void put_alarm(std::size_t i, virtual_thread* t) noexcept {
    alarms_[i] = t;
    t->alarm = i;
  }
  void rise(std::size_t i) noexcept {
    virtual_thread* const t = alarms_[i];
    for (; i != 0 && is_sooner(*t, *alarms_[(i - 1) / 2]); i = (i - 1) / 2) put_alarm(i, alarms_[(i - 1) / 2]);
    put_alarm(i, t);
  }
  void sink(std::size_t i) noexcept {
    virtual_thread* const t = alarms_[i];
    for (std::size_t child = 2 * i + 1; child < alarms_.size(); child = 2 * i + 1) {
      if (child + 1 < alarms_.size() && is_sooner(*alarms_[child + 1], *alarms_[child])) ++child;
      if (!is_sooner(*alarms_[child], *t)) break;
      put_alarm(i, alarms_[child]);
      i = child;
    }
    put_alarm(i, t);
  }
  void drop_alarm(virtual_thread& t) noexcept {
    const std::size_t i = std::exchange(t.alarm, virtual_thread::no_alarm);
    virtual_thread* const last = alarms_.back();
    alarms_.pop_back();
    if (last == &t) return;
    put_alarm(i, last);
    rise(i);
    sink(last->alarm);
  }

  std::vector<virtual_thread*> alarms_;
  virtual_thread* buckets_[bucket_count] = {};
  std::uint64_t alarm_numbers_ = 0;
  std::uint32_t on_words_ = 0;
  nanoseconds now_{0};
};

}  // namespace frys::inline FRYS_ABI::sim::detail

#endif  // FRYS_SIM_RUN_SLEEPERS_HPP
