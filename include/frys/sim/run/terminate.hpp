// terminate_watch: std::terminate on a thread that is in a sim::run ends that run; on any other thread it does what it
// did before.
//
// Threads  any. The handler is the whole program's, and runs of several threads begin and end as they like: the first
//          one sets it, the last one puts back what was there.
#ifndef FRYS_SIM_RUN_TERMINATE_HPP
#define FRYS_SIM_RUN_TERMINATE_HPP

#include <cstdlib>
#include <exception>

#include "../../config.hpp"
#include "../../core/word_lock.hpp"

namespace frys::inline FRYS_ABI::sim::detail {

class terminate_watch {
 public:
  // `ends_run` does not come back where the calling thread is in a run, and does nothing elsewhere.
  explicit terminate_watch(void (*ends_run)() noexcept) noexcept {
    program& p = all();
    const held_lock held(p.lock);
    if (p.watches++ != 0) return;
    p.ends_run = ends_run;
    p.former = std::set_terminate(&on_terminate);
  }
  terminate_watch(const terminate_watch&) = delete;
  terminate_watch& operator=(const terminate_watch&) = delete;
  ~terminate_watch() {
    program& p = all();
    const held_lock held(p.lock);
    if (--p.watches == 0) std::set_terminate(p.former);
  }

 private:
  struct program {
    word_lock<> lock;
    unsigned watches = 0;
    void (*ends_run)() noexcept = nullptr;
    std::terminate_handler former = nullptr;
  };
  static program& all() noexcept {
    static constinit program one;
    return one;
  }
  [[noreturn]] static void on_terminate() noexcept {
    program& p = all();
    p.lock.lock();
    const auto ends_run = p.ends_run;
    const auto former = p.former;
    p.lock.unlock();
    ends_run();
    if (former != nullptr) former();
    std::abort();
  }
};

}  // namespace frys::inline FRYS_ABI::sim::detail

#endif  // FRYS_SIM_RUN_TERMINATE_HPP
