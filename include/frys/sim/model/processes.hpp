// processes: a check spread over several processes of this machine.
//
//   model::report r = model::check(model::processes{model::exhaustive{}, 4}, body);
//
// exhaustive and bounded: the first executions split what is to do into parts; the processes take part after part, and
// none is done twice, so the counts are those of one process (beyond most_executions by some thousands at most). random
// and pct: each process throws its own dice, from seeds that follow from the one given.
//
// Use when  a check takes minutes. Not when it takes less than a few hundred milliseconds.
// Limits    POSIX; elsewhere, and with a count of 1, the check runs here. The processes are forks: what the body writes
//           into captured objects stays in them, and no other thread may hold a lock (of malloc's, say) at the call.
// Faults    found in a process, they are shown by the schedule, which is replayed and minimised here. A process that a
//           signal ends (a crash in the body) or that leaves with a code is a fault of its own, fault::misuse.
// frys: real model
#ifndef FRYS_SIM_MODEL_PROCESSES_HPP
#define FRYS_SIM_MODEL_PROCESSES_HPP

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../config.hpp"
#include "check.hpp"

#if FRYS_OS_POSIX
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace frys::inline FRYS_ABI::sim::model {

// `how` in `count` processes; 0: one for each processor of the machine.
template <class Explorer>
struct processes {
  Explorer how;
  unsigned count = 0;
};
template <class Explorer>
processes(Explorer) -> processes<Explorer>;
template <class Explorer>
processes(Explorer, unsigned) -> processes<Explorer>;

namespace detail {

#if FRYS_OS_POSIX
// What the processes have in common: a mapping that all of them see.
struct common_work {
  std::atomic<std::uint64_t> next{0};  // the part that nobody has taken
  std::atomic<std::uint64_t> executions{0};
  std::atomic<std::uint64_t> blocked{0};
  std::atomic<std::uint32_t> cut_short{0};  // somebody came to the limit
  std::atomic<std::uint32_t> found{0};
  std::uint32_t length = 0;  // of the schedule behind this
  fault what = fault::none;  // written by who sets `found`, read after all have ended
};

class common_memory {
 public:
  common_memory() noexcept {
    void* p = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p != reinterpret_cast<void*>(std::intptr_t{-1})) work_ = ::new (p) common_work;  // MAP_FAILED, uncast
  }
  common_memory(const common_memory&) = delete;
  common_memory& operator=(const common_memory&) = delete;
  ~common_memory() {
    if (work_ != nullptr) ::munmap(static_cast<void*>(work_), bytes);
  }
  [[nodiscard]] common_work* work() const noexcept { return work_; }
  // A decision takes 8 bytes at most, and no explorer makes more of them than fit.
  [[nodiscard]] char* text() const noexcept { return reinterpret_cast<char*>(work_ + 1); }
  static constexpr std::size_t bytes = std::size_t{4} << 20;
  static constexpr std::size_t text_bytes = bytes - sizeof(common_work);

 private:
  common_work* work_ = nullptr;
};

// In a child: what a check there has found.
inline void tell(const common_memory& common, const report& r) {
  common_work& w = *common.work();
  w.executions.fetch_add(r.executions);
  w.blocked.fetch_add(r.blocked);
  if (r.passed() || w.found.exchange(1) != 0) return;  // one fault is enough
  const std::string way = r.schedule();
  if (way.size() <= common_memory::text_bytes) {
    std::memcpy(common.text(), way.data(), way.size());
    w.length = static_cast<std::uint32_t>(way.size());
  }
  w.what = r.what;
}

// Runs work(k) in `count` children and answers how one of them ended badly, or nothing.
template <class F>
std::string in_children(unsigned count, F&& work) {
  std::vector<pid_t> children;
  for (unsigned k = 0; k < count; ++k) {
    const pid_t child = ::fork();
    if (child == 0) {
      work(k);
      ::_exit(0);
    }
    if (child > 0) children.push_back(child);
  }
  if (children.empty()) work(0);  // the system has no process left for us
  std::string bad_end;
  for (const pid_t child : children) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status)) bad_end = "by signal " + std::to_string(WTERMSIG(status));
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) bad_end = "with code " + std::to_string(WEXITSTATUS(status));
  }
  return bad_end;
}

inline unsigned processors() noexcept {
  const long n = ::sysconf(_SC_NPROCESSORS_ONLN);
  return n > 0 ? static_cast<unsigned>(n) : 1;
}

// The children have ended: what they found, shown by this process.
template <class Body>
void collect(report& r, const common_memory& common, const std::string& bad_end, execution& e, Body& body) {
  const common_work& w = *common.work();
  r.executions += w.executions.load();
  r.blocked += w.blocked.load();
  if (w.found.load() != 0) {
    const std::vector<decision> schedule = from_text(std::string_view(common.text(), w.length));
    replay_strategy s(schedule);
    if (run_once(e, s, body) == outcome::failed) {
      describe(r, e);
      minimise(r, e, body);
    } else {
      r.what = w.what;
      r.failure = "found in a process, and not again when it was replayed: the body does not do the same every time";
    }
  } else if (!bad_end.empty()) {
    r.what = fault::misuse;
    r.failure = "a process of the check ended " + bad_end;
  }
}
#endif

}  // namespace detail

template <class Explorer, class Body>
report check(const processes<Explorer>& how, Body&& body) {
#if FRYS_OS_POSIX
  const unsigned count = how.count != 0 ? how.count : detail::processors();
  const detail::common_memory common;
  if (count == 1 || common.work() == nullptr) return check(how.how, body);
  constexpr std::uint64_t portion = 1'000;
  detail::common_work& work = *common.work();
  report r;
  detail::execution e = detail::execution_for(how.how);
  using strategy = decltype(detail::strategy_for(how.how));
  if constexpr (requires { typename strategy::part; }) {
    // Breadth first, until there are parts enough to keep all busy to the end.
    using part = typename strategy::part;
    strategy s = detail::strategy_for(how.how);
    std::deque<part> parts(1);
    const std::size_t enough = std::size_t{64} * count;
    for (std::uint64_t i = 0; !parts.empty() && parts.size() < enough; ++i) {
      if (i == how.how.most_executions) return r;
      s.start(std::move(parts.front()));
      parts.pop_front();
      s.begin();
      if (!detail::count(r, e, detail::run_once(e, s, body), body)) return r;
      for (part& p : s.take_rest()) parts.push_back(std::move(p));
    }
    const std::uint64_t before = r.executions + r.blocked;
    const std::string bad_end = detail::in_children(parts.empty() ? 0 : count, [&](unsigned) {
      for (std::uint64_t mine; (mine = work.next.fetch_add(1)) < parts.size();) {
        s.start(std::move(parts[static_cast<std::size_t>(mine)]));
        // In portions, so that the limit and what another one has found are seen soon.
        while (!s.is_done()) {
          if (work.found.load() != 0) return;
          if (before + work.executions.load() + work.blocked.load() >= how.how.most_executions)
            return work.cut_short.store(1);
          report here;
          detail::run_all(here, e, s, portion, body);
          detail::tell(common, here);
        }
      }
    });
    detail::collect(r, common, bad_end, e, body);
    r.complete = r.passed() && work.cut_short.load() == 0;
  } else {
    const std::string bad_end = detail::in_children(count, [&](unsigned k) {
      Explorer mine = how.how;
      mine.seed = how.how.seed + k * 0x9E3779B97F4A7C15u;
      const std::uint64_t all = how.how.executions / count + (k < how.how.executions % count ? 1 : 0);
      strategy s = detail::strategy_for(mine);
      for (std::uint64_t done = 0; done < all && work.found.load() == 0;) {
        const std::uint64_t now = (std::min)(all - done, portion);
        report here;
        detail::run_all(here, e, s, now, body);
        done += now;
        detail::tell(common, here);
      }
    });
    detail::collect(r, common, bad_end, e, body);
  }
  return r;
#else
  return check(how.how, body);
#endif
}

}  // namespace frys::inline FRYS_ABI::sim::model

#endif  // FRYS_SIM_MODEL_PROCESSES_HPP
