// The limit rows: what the bare machine does, measured beside the contenders.
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>

#include "harness.hpp"

namespace bench::limits {

double dependent_add(const settings& s) {
  const std::size_t n = s.scaled(200'000'000);
  std::uint64_t x = 1;
  const double start = thread_cpu_ns();
  for (std::size_t i = 0; i < n; i += 8) {
    // Each add waits for the last; asm, so that the compiler does not multiply instead.
    asm volatile(
        "add %0, %0\n add %0, %0\n add %0, %0\n add %0, %0\n"
        "add %0, %0\n add %0, %0\n add %0, %0\n add %0, %0\n"
        : "+r"(x));
  }
  const double time = thread_cpu_ns() - start;
  keep(x);
  return time / static_cast<double>(n);
}

double atomic_rmw(const settings& s) {
  const std::size_t n = s.scaled(20'000'000);
  std::atomic<std::uint64_t> x{0};
  const double start = thread_cpu_ns();
  for (std::size_t i = 0; i < n; ++i) x.fetch_add(1, std::memory_order_relaxed);
  const double time = thread_cpu_ns() - start;
  check(x.load() == n, "sum");
  return time / static_cast<double>(n);
}

double line_round_trip(const settings& s) {
  const std::size_t n = s.scaled(1'000'000);
  struct alignas(128) line {
    std::atomic<std::uint64_t> x{0};
  };
  line word;
  const double time = on_threads(2, [&](unsigned me) {
    for (std::uint64_t i = 0; i < n; ++i) {
      const std::uint64_t mine = 2 * i + me;
      for (unsigned spins = 0; word.x.load(std::memory_order_acquire) != mine; ++spins)
        if (spins > 100000) std::this_thread::yield();
      word.x.store(mine + 1, std::memory_order_release);
    }
  });
  return time / static_cast<double>(n);
}

double futex_wake(const settings& s) {
  const std::size_t n = s.scaled(20'000);
  std::atomic<std::uint32_t> turn{0};
  const double time = on_threads(2, [&](unsigned me) {
    for (std::uint32_t i = 0; i < n; ++i) {
      const std::uint32_t mine = 2 * i + me;
      for (std::uint32_t seen; (seen = turn.load()) != mine;)
        ::syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
      turn.store(mine + 1);
      ::syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    }
  });
  return time / static_cast<double>(n);
}

double getppid_call(const settings& s) {
  const std::size_t n = s.scaled(2'000'000);
  const double start = thread_cpu_ns();
  for (std::size_t i = 0; i < n; ++i) ::syscall(SYS_getppid);
  return (thread_cpu_ns() - start) / static_cast<double>(n);
}

double pwrite_fdatasync(const settings& s) {
  const std::size_t n = s.scaled(200);
  std::string path = "bench-limit-XXXXXX";
  const int fd = ::mkstemp(path.data());
  if (fd < 0) return 0;
  ::unlink(path.c_str());
  const std::string block(4096, 'x');
  bool fine = true;
  const double start = now_ns();
  for (std::size_t i = 0; i < n; ++i)
    fine = fine && ::pwrite(fd, block.data(), block.size(), static_cast<off_t>(i * block.size())) == 4096 &&
           ::fdatasync(fd) == 0;
  const double time = now_ns() - start;
  ::close(fd);
  check(fine, "write or sync failed");
  return time / static_cast<double>(n);
}

}  // namespace bench::limits
