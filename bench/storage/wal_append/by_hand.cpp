#include "workload.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace {
// A vector of bytes, one write per group, no checksum, no recovery.
double run(const bench::settings& settings, bool sync) {
  std::string path = "bench-wal-XXXXXX";
  const int fd = ::mkstemp(path.data());
  ::unlink(path.c_str());
  const std::size_t groups = settings.scaled(sync ? 50 : 500);
  const std::string record(record_bytes, 'r');
  std::string open;
  bool fine = fd >= 0;
  const auto clock = sync ? bench::now_ns : bench::thread_cpu_ns;
  const double start = clock();
  for (std::size_t g = 0; g < groups; ++g) {
    open.clear();
    for (std::size_t i = 0; i < group; ++i) {
      const std::uint32_t size = record_bytes;
      open.append(reinterpret_cast<const char*>(&size), sizeof size);
      open += record;
    }
    fine = fine && ::write(fd, open.data(), open.size()) == static_cast<ssize_t>(open.size());
    if (sync) fine = fine && ::fdatasync(fd) == 0;
  }
  const double time = clock() - start;
  ::close(fd);
  bench::check(fine, "a write failed");
  return time / static_cast<double>(groups * group);
}
}  // namespace

BENCH_CONTENDER("by hand, no checksum") {
  return {0,
          {{"process", "ns", bench::better::lower, run(settings, false)},
           {"machine", "ns", bench::better::lower, run(settings, true)}}};
}
