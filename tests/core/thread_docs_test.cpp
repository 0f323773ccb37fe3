#include <frys/core/thread.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <span>

#if FRYS_HAS_THREAD
namespace {

// [region start]
// A worker on some processors with a stack of 2 MiB, and, where this process has the right, ahead of all ordinary
// threads.
frys::result<frys::thread> start_worker(std::span<const unsigned> cpus, int& jobs_done) {
  const frys::thread_options options{
      .name = "worker-0", .stack_bytes = 2u << 20, .cpus = cpus, .scheduling = frys::scheduling::fifo, .priority = 10};
  return frys::thread::start(options, [&jobs_done] { ++jobs_done; });
}

TEST_CASE("thread: a worker with a name, a stack and a place") {
  int jobs_done = 0;
  const std::array<unsigned, 1> cpus{frys::this_thread::current_cpu()};
  frys::result<frys::thread> worker = start_worker(cpus, jobs_done);
  if (!worker) return;                                  // no thread: too many already, or no memory
  if (frys::result<void> told = worker->told(); !told)  // it runs, but not as asked for
    std::printf("worker-0: %s (%lld)\n", told.error().message, static_cast<long long>(told.error().number));
  worker->join();  // or leave it to the destructor
  CHECK(jobs_done == 1);
}
// [endregion start]

}  // namespace
#endif  // FRYS_HAS_THREAD
