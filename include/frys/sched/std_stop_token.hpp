// std_stop_token: std::stop_token on one side, stop_token of frys on the other.
//
// Use when  a std::jthread's token shall stop tasks, or a task's token a library that takes std::stop_token.
// Threads   any.
// Cost      each holds a callback of the one side and a source of the other; std::stop_source allocates its state.
// Lifetime  it outlives what it stops, and a request_stop of the source that it follows; its end waits for one that
//           runs on another thread. So it stands outside of what it stops, not in it.
#ifndef FRYS_SCHED_STD_STOP_TOKEN_HPP
#define FRYS_SCHED_STD_STOP_TOKEN_HPP

#include <stop_token>
#include <utility>

#include "../config.hpp"
#include "cancel.hpp"

namespace frys::inline FRYS_ABI {

// A frys source that is asked when a std one is.
class from_std_stop {
 public:
  explicit from_std_stop(std::stop_token from) : link_(std::move(from), asker{&source_}) {}
  from_std_stop(const from_std_stop&) = delete;
  from_std_stop& operator=(const from_std_stop&) = delete;

  [[nodiscard]] stop_token token() noexcept { return source_.token(); }

 private:
  struct asker {
    stop_source* of;
    void operator()() const noexcept { of->request_stop(); }
  };
  stop_source source_;
  std::stop_callback<asker> link_;
};

// A std source that is asked when a frys one is.
class to_std_stop {
 public:
  explicit to_std_stop(stop_token from) : link_(from, asker{&source_}) {}
  to_std_stop(const to_std_stop&) = delete;
  to_std_stop& operator=(const to_std_stop&) = delete;

  [[nodiscard]] std::stop_token token() const noexcept { return source_.get_token(); }

 private:
  struct asker {
    std::stop_source* of;
    void operator()() const noexcept { of->request_stop(); }
  };
  std::stop_source source_;
  stop_callback<asker> link_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_STD_STOP_TOKEN_HPP
