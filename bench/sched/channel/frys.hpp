#pragma once
#include "workload.hpp"

#include <frys/core/parker.hpp>
#include <frys/queue/intrusive_mpsc_queue.hpp>
#include <frys/sched/task.hpp>

namespace {

// The loop of one thread, which sleeps where nothing is posted.
class loop {
 public:
  void post(frys::work& w) noexcept {
    if (posted_.push(w)) parker_.unpark();
  }
  void run_until(const bool& done) noexcept {
    while (!done)
      if (frys::work* const w = posted_.pop())
        w->run(*w);
      else
        parker_.park();
  }

 private:
  frys::intrusive_mpsc_queue<frys::work> posted_;
  frys::parker<> parker_;
};

template <class Queue>
frys::task<> give_on(Queue& to, loop& on, std::uint64_t n, bool& done) {
  for (std::uint64_t i = 1; i <= n; ++i) {
    const auto pushed = co_await to.push(on, std::uint64_t{i});
    bench::check(static_cast<bool>(pushed), "a push");
  }
  to.close();
  done = true;
}
template <class Queue>
frys::task<> take_on(Queue& from, loop& on, std::uint64_t& sum, bool& done) {
  while (auto v = co_await from.pop(on)) sum += *v;
  done = true;
}
template <class Queue>
std::uint64_t between_threads(std::size_t n, double& wall) {
  Queue queue;
  std::uint64_t sum = 0;
  wall = bench::on_threads(2, [&](unsigned core) {
    loop here;
    bool done = false;
    frys::spawn(core == 0 ? give_on(queue, here, n, done) : take_on(queue, here, sum, done));
    here.run_until(done);
  });
  return sum;
}
template <class Queue>
std::uint64_t on_one_loop(std::size_t n) {
  Queue queue;
  loop here;
  std::uint64_t sum = 0;
  bool given = false, taken = false;
  frys::spawn(take_on(queue, here, sum, taken));
  frys::spawn(give_on(queue, here, n, given));
  here.run_until(taken);
  return sum;
}

}  // namespace
