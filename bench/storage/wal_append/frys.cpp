#include "workload.hpp"

#include <frys/io/posix_files.hpp>
#include <frys/sched/task.hpp>
#include <frys/storage/wal.hpp>

#include <cstdlib>

namespace {
using log_type = frys::wal<frys::policy::files<frys::posix_files>>;

frys::task<double> run(frys::posix_files& files, std::size_t groups, frys::durability level) {
  auto opened =
      co_await log_type::open(files, {.directory = "log", .level = level}, [](std::uint64_t, frys::byte_view) {});
  bench::check(opened.has_value(), "the log does not open");
  if (!opened) co_return 0.0;
  log_type& log = *opened;
  const std::string record(record_bytes, 'r');
  bool fine = true;
  std::uint64_t last = 0;
  const auto clock = level == frys::durability::machine ? bench::now_ns : bench::thread_cpu_ns;
  const double start = clock();
  for (std::size_t g = 0; g < groups; ++g) {
    for (std::size_t i = 0; i < group; ++i) {
      const auto number = log.append(frys::as_bytes(record));
      fine = fine && number.has_value();
      last = number ? *number : 0;
    }
    fine = fine && (co_await log.flush()).has_value();
  }
  const double time = clock() - start;
  bench::check(fine && log.durable() >= last, "a record is not durable");
  bench::check((co_await log.close()).has_value(), "close");
  co_return time / static_cast<double>(groups * group);
}

double measure(const bench::settings& settings, frys::durability level) {
  std::string directory = "bench-wal-XXXXXX";
  bench::check(::mkdtemp(directory.data()) != nullptr, "no directory");
  double time = 0;
  {
    frys::posix_files files(directory);
    time = frys::sync_wait(run(files, settings.scaled(level == frys::durability::machine ? 50 : 500), level));
  }
  (void)std::system(("rm -r " + directory).c_str());
  return time;
}
}  // namespace

BENCH_CONTENDER("frys") {
  return {0,
          {{"process", "ns", bench::better::lower, measure(settings, frys::durability::process)},
           {"machine", "ns", bench::better::lower, measure(settings, frys::durability::machine)}}};
}
