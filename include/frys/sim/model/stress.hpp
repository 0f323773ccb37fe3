// stress: the same body on real threads: what a machine does, as often as one likes. Shows what no model has (a
// compiler's mistake, an order the hardware breaks), proves nothing.
//
//   auto body = [](auto world) {
//     using A = typename decltype(world)::atomics;
//     treiber_stack<A> s;
//     world.threads([&] { s.push(1); }, [&] { s.push(2); });
//     world.require(s.size() == 2, "nothing is lost");
//   };
//   model::check(model::exhaustive{}, body);
//   model::check(model::stress{}, body);
//
// Needs     POSIX threads; not there elsewhere.
// frys: real model
#ifndef FRYS_SIM_MODEL_STRESS_HPP
#define FRYS_SIM_MODEL_STRESS_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "../../config.hpp"
#include "../../core/atomics.hpp"
#include "../../core/os_thread.hpp"
#include "report.hpp"

#if FRYS_OS_POSIX
#include <pthread.h>

namespace frys::inline FRYS_ABI::sim::model {

struct stress {
  std::uint64_t rounds = 1'000;
};

// What a body gets in place of model::world.
class real_world {
 public:
  using atomics = frys::atomics::standard;

  // Runs each of `f` on a thread of its own; they begin together. A thread that the system refuses runs here, behind
  // the others.
  template <class... F>
  static void threads(F&&... f) {
    std::atomic<std::size_t> missing{sizeof...(F)};
    (void)run_all(missing, starter<std::remove_reference_t<F>>{&f, &missing}...);
  }
  static void require(bool good, const char* what, const char* file = __builtin_FILE(),
                      unsigned line = static_cast<unsigned>(__builtin_LINE())) {
    if (good) return;
    failure& f = first();
    // sync(stress.failure): acq_rel; the first to claim it writes, and is read after the threads were joined.
    if (f.claimed.exchange(true, std::memory_order_acq_rel)) return;
    f.what = what;
    f.where = {file, line};
  }

 private:
  template <class Body>
  friend report check(const stress& how, Body&& body);
  template <class F>
  struct starter {
    F* body;
    std::atomic<std::size_t>* missing;
    static void* run(void* self) {
      starter& s = *static_cast<starter*>(self);
      // relaxed: a starting line; it orders nothing
      s.missing->fetch_sub(1, std::memory_order_relaxed);
      while (s.missing->load(std::memory_order_relaxed) != 0) os_thread::yield();
      (*s.body)();
      return nullptr;
    }
  };
  template <class... S>
  static bool run_all(std::atomic<std::size_t>& missing, S... starters) {
    ::pthread_t all[sizeof...(S)];
    bool runs[sizeof...(S)];
    std::size_t n = 0;
    ((runs[n] = ::pthread_create(&all[n], nullptr, &S::run, std::addressof(starters)) == 0, ++n), ...);
    for (const bool r : runs)
      if (!r) missing.fetch_sub(1, std::memory_order_relaxed);  // relaxed: as above; the others need not wait for it
    n = 0;
    bool complete = true;
    ((runs[n] ? (void)::pthread_join(all[n], nullptr) : (void)(complete = false, (*starters.body)()), ++n), ...);
    return complete;
  }
  struct failure {
    std::atomic<bool> claimed{false};
    const char* what = "";
    site where;
  };
  static failure& first() noexcept {
    static failure one;
    return one;
  }
};

// One check at a time in a process.
template <class Body>
report check(const stress& how, Body&& body) {
  report r;
  real_world::failure& f = real_world::first();
  f.claimed.store(false, std::memory_order_relaxed);  // relaxed: no thread of a check is there
  for (; r.executions < how.rounds;) {
    body(real_world{});
    ++r.executions;
    if (!f.claimed.load(std::memory_order_relaxed)) continue;  // relaxed: the threads were joined
    r.what = fault::requirement;
    r.failure = f.what;
    r.where = f.where;
    break;
  }
  return r;
}

}  // namespace frys::inline FRYS_ABI::sim::model

#endif  // FRYS_OS_POSIX
#endif  // FRYS_SIM_MODEL_STRESS_HPP
