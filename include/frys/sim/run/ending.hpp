// ending: how a sim::run has ended: the verdict, why, where and in which thread, and what each of them did, in words.
#ifndef FRYS_SIM_RUN_ENDING_HPP
#define FRYS_SIM_RUN_ENDING_HPP

#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "../../config.hpp"
#include "report.hpp"
#include "sleepers.hpp"
#include "virtual_thread.hpp"

namespace frys::inline FRYS_ABI::sim::detail {

inline std::string state_text(const virtual_thread& t, const thread_table& threads, const sleepers& asleep) {
  using state = virtual_thread::state;
  std::string out = threads.name_of(t) + ": ";
  switch (t.is) {
    case state::unused:
      break;
    case state::has_ended:
      out += "has ended, and was not joined";
      break;
    case state::joins:
      out += "joins " + threads.name_of(*t.joins) + place_text(t.at);
      break;
    case state::can_run:
      out += t.about_to == operation::begin ? std::string("can begin")
                                            : std::string("can go on with ") + name_of(t.about_to) + place_text(t.at);
      break;
    case state::sleeps:
      out += "sleeps" + place_text(t.at);
      if (t.word != nullptr) {
        const std::uint32_t now = *static_cast<const std::uint32_t*>(t.word);
        out += " while a word is " + std::to_string(t.slept_while);
        if (now != t.slept_while) out += ", which is " + std::to_string(now) + " now: nobody has notified it";
        // Whoever sleeps on the same word is named, since addresses are not.
        std::string others;
        for (const virtual_thread* s = asleep.first_on(t.word); s != nullptr; s = sleepers::behind(*s))
          if (s != &t) others += (others.empty() ? "" : ", ") + threads.name_of(*s);
        if (!others.empty()) out += "; so does " + others;
      }
      if (!t.until.is_never()) out += "; until " + time_text(t.until.at);
      break;
  }
  return out;
}

#if FRYS_EXCEPTIONS
inline std::string exception_text(verdict v, const std::exception_ptr& thrown) {
  std::string out = v == verdict::terminated ? "std::terminate" : "an exception";
  if (!thrown) return out;
  if (v == verdict::terminated) out += " with an exception";
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    out += std::string(": ") + e.what();
  } catch (const char* text) {
    out += std::string(": ") + text;
  } catch (...) {
  }
  return out;
}
#endif

struct ending {
  verdict what = verdict::completed;
  std::string failure;
  std::string thread;  // whose doing it was, if it was one thread's
  code_place where;
  std::vector<std::string> states;  // of those that nobody has joined
#if FRYS_EXCEPTIONS
  std::exception_ptr thrown;
#endif

  void clear() noexcept {
    what = verdict::completed;
    failure.clear();
    thread.clear();
    where = {};
    states.clear();
#if FRYS_EXCEPTIONS
    thrown = nullptr;
#endif
  }
  // On a stack that is left as it is, so nothing stays in `why`, which is never destroyed.
  void set(verdict v, std::string&& why, code_place at, const virtual_thread& active, const thread_table& threads,
           const sleepers& asleep) {
    what = v;
    std::string(std::move(why)).swap(failure);
    where = at;
    if (v != verdict::deadlock && v != verdict::no_end && v != verdict::leaked_threads)
      thread = threads.name_of(active);
    for (const virtual_thread* t : threads.used()) states.push_back(state_text(*t, threads, asleep));
  }
  void describe(run_report& out) const {
    out.what = what;
    out.failure = failure;
    out.thread = thread;
    out.where = where;
    out.threads = states;
#if FRYS_EXCEPTIONS
    out.thrown = thrown;
#endif
  }
};

}  // namespace frys::inline FRYS_ABI::sim::detail

#endif  // FRYS_SIM_RUN_ENDING_HPP
