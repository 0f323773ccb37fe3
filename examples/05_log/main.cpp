// How do I keep what my program was told, so that it is still there after kill -9 or power loss?
//
// A counter store: each change is appended to a log, answered when it is durable, and replayed at the next start.
// Run it twice: the second run goes on where the first one ended.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <frys/io/posix_files.hpp>
#include <frys/sched/task.hpp>
#include <frys/storage/memtable.hpp>
#include <frys/storage/wal.hpp>

// [region store]
struct counters {
  frys::memtable<long> values;

  // A change is its key; replaying a record and answering a request are the same step.
  void apply(frys::byte_view record) {
    const std::string_view key = frys::as_text(record);
    if (long* value = values.find(key))
      ++*value;
    else if (!values.insert_or_assign(key, 1))
      std::abort();  // out of memory
  }
};

frys::task<frys::result<void>> run(std::string_view directory) {
  frys::posix_files files;
  counters state;
  frys::wal_recovery report;
  frys::wal_options options;
  options.directory = directory;
  options.level = frys::durability::machine;  // answered means: survives power loss
  options.report = &report;
  auto log =
      co_await frys::wal<>::open(files, options, [&](std::uint64_t, frys::byte_view record) { state.apply(record); });
  if (!log) {
    std::printf("%.*s: %s at byte %lld\n", static_cast<int>(report.file_name().size()), report.file_name().data(),
                log.error().message, static_cast<long long>(log.error().number));
    co_return log.error();
  }
  std::printf("%llu records replayed, %llu torn bytes cut off\n", static_cast<unsigned long long>(report.records()),
              static_cast<unsigned long long>(report.torn_bytes));

  for (const std::string_view key : {"apples", "pears", "apples"}) {
    const auto number = log->append(frys::as_bytes(key));
    if (!number) co_return number.error();
    state.apply(frys::as_bytes(key));
  }
  // One write and one sync for all three. With connections waiting: each awaits log->wait_durable(its number).
  const auto durable = co_await log->flush();
  if (!durable) co_return durable;

  state.values.for_each([](std::string_view key, long& value) {
    std::printf("%.*s %ld\n", static_cast<int>(key.size()), key.data(), value);
  });
  co_return co_await log->close();
}
// [endregion store]

int main(int argc, char** argv) {
  const auto done = frys::sync_wait(run(argc > 1 ? argv[1] : "frys-example-log"));
  return done.has_value() ? 0 : 1;
}
