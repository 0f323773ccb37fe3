#include <doctest/doctest.h>

#include <frys/sched/task.hpp>
#include <frys/sim/disk.hpp>
#include <frys/sim/world.hpp>
#include <frys/storage/wal.hpp>

#include <algorithm>
#include <coroutine>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using frys::durability;
using log_type = frys::wal<frys::policy::files<frys::sim::disk>>;
using strings = std::vector<std::string>;

// Opens and collects what is replayed.
frys::result<log_type> open(frys::sim::disk& disk, frys::wal_options options, strings* into = nullptr) {
  return frys::sync_wait(log_type::open(disk, options, [into](std::uint64_t, frys::byte_view record) {
    if (into != nullptr) into->emplace_back(frys::as_text(record));
  }));
}
frys::wal_options in(const char* directory, durability level = durability::machine) {
  frys::wal_options o;
  o.directory = directory;
  o.level = level;
  return o;
}
std::uint64_t add(log_type& log, std::string_view text) { return log.append(frys::as_bytes(text)).value(); }
frys::result<void> flush(log_type& log) { return frys::sync_wait(log.flush()); }
std::string text(std::size_t n) { return "record " + std::to_string(n); }

// Starts a wait and keeps what it answers.
struct outcome {
  bool ended = false;
  frys::result<void> answer{};
};
frys::task<void> wait_into(log_type& log, std::uint64_t number, outcome& out) {
  out.answer = co_await log.wait_durable(number);
  out.ended = true;
}

}  // namespace

TEST_CASE("wal: what was flushed comes back in order, with its numbers") {
  frys::sim::disk disk;
  {
    auto log = open(disk, in("log"));
    REQUIRE(log.has_value());
    CHECK(log->durable() == 0);
    CHECK(add(*log, "one") == 1);
    CHECK(add(*log, "") == 2);
    CHECK(add(*log, std::string(100000, 'x')) == 3);
    CHECK(log->needs_flush());
    CHECK(log->durable() == 0);
    REQUIRE(flush(*log));
    CHECK(log->durable() == 3);
    CHECK(log->appended() == 3);
    CHECK_FALSE(log->needs_flush());
    CHECK(add(*log, "four") == 4);
    REQUIRE(frys::sync_wait(log->close()));
    CHECK(log->durable() == 4);
    CHECK(log->append(frys::as_bytes("late")).error() == frys::errc::closed);
    REQUIRE(log->failure().has_value());
  }
  std::vector<std::uint64_t> numbers;
  strings seen;
  frys::wal_recovery report;
  frys::wal_options options = in("log");
  options.report = &report;
  auto again = frys::sync_wait(log_type::open(disk, options, [&](std::uint64_t n, frys::byte_view r) {
    numbers.push_back(n);
    seen.emplace_back(frys::as_text(r));
  }));
  REQUIRE(again.has_value());
  CHECK(seen == strings{"one", "", std::string(100000, 'x'), "four"});
  CHECK(numbers == std::vector<std::uint64_t>{1, 2, 3, 4});
  CHECK(report.records() == 4);
  CHECK(report.sealed);
  CHECK(report.torn_bytes == 0);
  CHECK(report.file_name().empty());
  CHECK(add(*again, "five") == 5);
  CHECK_FALSE(again->failure().has_value());
}

TEST_CASE("wal: a group is written and synced once, however many records it has") {
  frys::sim::disk disk;
  auto log = open(disk, in("log"));
  REQUIRE(log.has_value());
  const std::uint64_t groups = log->stats().groups, syncs = log->stats().syncs, before = disk.operations();
  for (std::size_t i = 0; i < 1000; ++i) add(*log, text(i));
  CHECK(disk.operations() == before);
  REQUIRE(flush(*log));
  CHECK(log->stats().groups == groups + 1);
  CHECK(log->stats().syncs == syncs + 1);
  CHECK(disk.operations() == before + 2);
  REQUIRE(flush(*log));  // nothing to do
  CHECK(disk.operations() == before + 2);
  CHECK(log->stats().records == 1000);
}

TEST_CASE("wal: at process and none a flush writes and does not sync") {
  for (durability level : {durability::process, durability::none}) {
    frys::sim::disk disk;
    auto log = open(disk, in("log", level));
    REQUIRE(log.has_value());
    const std::uint64_t syncs = log->stats().syncs;
    add(*log, "a");
    CHECK(log->durable() == (level == durability::none ? 1u : 0u));
    REQUIRE(flush(*log));
    CHECK(log->durable() == 1);
    CHECK(log->stats().syncs == syncs);
    REQUIRE(frys::sync_wait(log->close()));
    CHECK(log->stats().syncs == syncs + 2);  // all before the seal, then the seal
  }
}

TEST_CASE("wal: a record may be filled in place, and a throwing fill appends nothing") {
  frys::sim::disk disk;
  auto log = open(disk, in("log"));
  REQUIRE(log.has_value());
  CHECK(log->append(5, [](frys::byte_span to) { std::memcpy(to.data(), "hello", to.size()); }).value() == 1);
#if FRYS_EXCEPTIONS
  CHECK_THROWS_AS((void)log->append(5, [](frys::byte_span) { throw 1; }), int);
#endif
  CHECK(log->append(2, [](frys::byte_span to) { std::memcpy(to.data(), "hi", to.size()); }).value() == 2);
  REQUIRE(frys::sync_wait(log->close()));
  strings seen;
  REQUIRE(open(disk, in("log"), &seen).has_value());
  CHECK(seen == strings{"hello", "hi"});
}

TEST_CASE("wal: segments rotate by size, and old ones go when a checkpoint holds them") {
  frys::sim::disk disk;
  frys::wal_options options = in("dir/log");
  REQUIRE(disk.make_directory("dir"));
  options.segment_bytes = 4096;
  {
    auto log = open(disk, options);
    REQUIRE(log.has_value());
    for (std::size_t i = 1; i <= 500; ++i) {
      add(*log, text(i));
      if (i % 3 == 0) REQUIRE(flush(*log));
    }
    REQUIRE(flush(*log));
    CHECK(log->segments() > 3);
    CHECK(log->segments() == disk.names().size());
    for (const std::string& name : disk.names()) {
      CHECK(name.starts_with("dir/log/wal-"));
      CHECK(disk.contents(name).size() <= 4096);
    }
    CHECK(log->first() == 1);
    REQUIRE(log->truncate_before(250));
    CHECK(log->first() > 1);
    CHECK(log->first() <= 250);
    REQUIRE(log->truncate_before(100000));
    CHECK(log->segments() == 1);
    add(*log, text(501));
    REQUIRE(flush(*log));
  }
  strings seen;
  frys::wal_recovery report;
  options.report = &report;
  auto log = open(disk, options, &seen);
  REQUIRE(log.has_value());
  CHECK(report.first > 250);
  CHECK(report.last == 501);
  CHECK(report.segments == 1);
  CHECK_FALSE(report.sealed);
  REQUIRE(seen.size() == report.records());
  for (std::size_t i = 0; i < seen.size(); ++i) CHECK(seen[i] == text(report.first + i));
  CHECK(log->first() == report.first);
}

TEST_CASE("wal: a record larger than a segment has one of its own") {
  frys::sim::disk disk;
  frys::wal_options options = in("");
  options.segment_bytes = 1000;
  options.group_bytes = 500;
  const std::string large(700000, 'L');
  {
    auto log = open(disk, options);
    REQUIRE(log.has_value());
    add(*log, "small");
    CHECK(log->append(frys::as_bytes(large)).error() == frys::errc::full);  // the group is not empty
    REQUIRE(flush(*log));
    add(*log, large);
    REQUIRE(flush(*log));
    add(*log, "small again");
    REQUIRE(flush(*log));
    CHECK(log->segments() == 3);
  }
  strings seen;
  REQUIRE(open(disk, options, &seen).has_value());
  CHECK(seen == strings{"small", large, "small again"});
}

TEST_CASE("wal: limits are results: too_large and full") {
  frys::sim::disk disk;
  frys::wal_options options = in("log");
  options.record_bytes = 100;
  options.group_bytes = 300;
  auto log = open(disk, options);
  REQUIRE(log.has_value());
  CHECK(log->append(frys::as_bytes(std::string(101, 'x'))).error() == frys::errc::too_large);
  add(*log, std::string(100, 'x'));
  add(*log, std::string(100, 'x'));
  CHECK(log->append(frys::as_bytes(std::string(100, 'x'))).error() == frys::errc::full);
  REQUIRE(flush(*log));
  CHECK(log->append(frys::as_bytes(std::string(100, 'x'))).value() == 3);
}

TEST_CASE("wal: waiters are resumed by one flush, in the order of their numbers; the level none waits for nothing") {
  frys::sim::disk disk;
  auto log = open(disk, in("log"));
  REQUIRE(log.has_value());
  frys::task_scope scope;
  outcome out[4];
  for (std::uint64_t n : {3u, 1u, 2u, 4u}) scope.spawn(wait_into(*log, n, out[n - 1]));
  for (int i = 0; i < 3; ++i) add(*log, "r");
  CHECK_FALSE(out[0].ended);
  REQUIRE(flush(*log));
  CHECK(out[0].ended);
  CHECK(out[1].ended);
  CHECK(out[2].ended);
  CHECK_FALSE(out[3].ended);
  CHECK(out[0].answer.has_value());
  outcome past;
  scope.spawn(wait_into(*log, 2, past));
  CHECK(past.ended);
  scope.cancel();  // a waiter that is destroyed leaves the list
  add(*log, "r");
  REQUIRE(flush(*log));
  CHECK_FALSE(out[3].ended);

  auto quick = open(disk, in("quick", durability::none));
  REQUIRE(quick.has_value());
  outcome now;
  scope.spawn(wait_into(*quick, add(*quick, "r"), now));
  CHECK(now.ended);
  CHECK(now.answer.has_value());
}

TEST_CASE("wal: a failed write or sync is sticky, for waiters and appends, and is not tried again") {
  for (std::uint64_t at : {0u, 1u}) {  // the write, the sync
    CAPTURE(at);
    frys::sim::disk disk(3);
    strings seen;
    {
      auto log = open(disk, in("log"));
      REQUIRE(log.has_value());
      add(*log, "kept");
      REQUIRE(flush(*log));
      frys::task_scope scope;
      outcome waiting;
      scope.spawn(wait_into(*log, 2, waiting));
      add(*log, "lost or not");
      disk.fail_after(at, at == 0 ? frys::errc::no_space : frys::errc::io_failed);
      const auto failed = flush(*log);
      REQUIRE_FALSE(failed.has_value());
      CHECK(failed.error() == (at == 0 ? frys::errc::no_space : frys::errc::io_failed));
      CHECK(waiting.ended);
      CHECK_FALSE(waiting.answer.has_value());
      CHECK(log->durable() == 1);
      CHECK(log->append(frys::as_bytes("x")).error() == failed.error());
      const std::uint64_t before = disk.operations();
      CHECK_FALSE(flush(*log).has_value());
      outcome late;
      scope.spawn(wait_into(*log, 2, late));
      CHECK(late.ended);
      CHECK_FALSE(late.answer.has_value());
      CHECK_FALSE(frys::sync_wait(log->close()).has_value());
      CHECK(disk.operations() == before);
    }
    disk.restart(at + 1, frys::sim::aftermath::nothing_unsynced);
    auto log = open(disk, in("log"), &seen);
    REQUIRE(log.has_value());
    CHECK(seen == strings{"kept"});
    CHECK(add(*log, "new") == 2);
  }
}

TEST_CASE("wal: open reports what the file system refuses") {
  frys::sim::disk disk;
  CHECK(open(disk, in("no/such/parent")).error() == frys::errc::not_found);
  {
    auto log = open(disk, in("log"));
    REQUIRE(log.has_value());
    add(*log, "a");
    REQUIRE(flush(*log));
  }
  disk.fail_read_after(0, frys::errc::io_failed);
  frys::wal_recovery report;
  frys::wal_options options = in("log");
  options.report = &report;
  CHECK(open(disk, options).error() == frys::errc::io_failed);  // never taken for the log's end
  CHECK(report.file_name() == "wal-00000000000000000001.log");
  strings seen;
  CHECK(open(disk, in("log"), &seen).has_value());
  CHECK(seen == strings{"a"});
}

TEST_CASE("wal: on_record may end the opening with an error of its own") {
  frys::sim::disk disk;
  {
    auto log = open(disk, in("log"));
    REQUIRE(log.has_value());
    for (std::size_t i = 0; i < 5; ++i) add(*log, text(i));
    REQUIRE(flush(*log));
  }
  int given = 0;
  auto log =
      frys::sync_wait(log_type::open(disk, in("log"), [&](std::uint64_t n, frys::byte_view) -> frys::result<void> {
        ++given;
        if (n == 3) return frys::error{frys::errc::protocol_error, frys::domain::user, "not ours", 0};
        return {};
      }));
  CHECK(log.error() == frys::errc::protocol_error);
  CHECK(given == 3);
}

TEST_CASE("wal: policy::world fills the files slot") {
  frys::sim::disk disk;
  using simulated = frys::wal<frys::policy::world<frys::sim::world>>;
  auto log = frys::sync_wait(simulated::open(disk, in("log"), [](std::uint64_t, frys::byte_view) {}));
  REQUIRE(log.has_value());
  simulated moved = *std::move(log);
  CHECK(moved.append(frys::as_bytes("a")).value() == 1);
  CHECK(frys::sync_wait(moved.flush()).has_value());
}

namespace {

// Files whose writes and syncs wait until the test lets one go: a user's own model, as a reactor's files would be.
struct slow_files {
  using buffer = frys::buffer;
  using file = frys::sim::disk::file;
  frys::sim::disk disk;
  std::vector<std::coroutine_handle<>> waiting;
  bool slow = false;

  template <class T>
  struct later {
    slow_files& files;
    T answer;
    bool await_ready() const noexcept { return !files.slow; }
    void await_suspend(std::coroutine_handle<> h) { files.waiting.push_back(h); }
    T await_resume() { return std::move(answer); }
  };
  bool step() {
    if (waiting.empty()) return false;
    auto h = waiting.front();
    waiting.erase(waiting.begin());
    h.resume();
    return true;
  }
  auto open(std::string_view p, frys::open_mode m) { return disk.open(p, m); }
  auto remove(std::string_view p) { return disk.remove(p); }
  auto rename(std::string_view a, std::string_view b) { return disk.rename(a, b); }
  auto make_directory(std::string_view p) { return disk.make_directory(p); }
  auto sync_directory(std::string_view p) { return disk.sync_directory(p); }
  auto list(std::string_view p, void (*f)(void*, std::string_view), void* c) { return disk.list(p, f, c); }
  auto size(file& f) { return disk.size(f); }
  auto truncate(file& f, std::uint64_t n) { return disk.truncate(f, n); }
  later<frys::result<std::size_t>> write(file& f, buffer b, std::uint64_t at) {
    return {*this, disk.write(f, std::move(b), at).await_resume()};
  }
  later<frys::result<buffer>> read(file& f, buffer b, std::uint64_t at) {
    return {*this, disk.read(f, std::move(b), at).await_resume()};
  }
  later<frys::result<void>> sync(file& f) { return {*this, disk.sync(f).await_resume()}; }
};
using slow_log = frys::wal<frys::policy::files<slow_files>>;

frys::task<void> flush_into(slow_log& log, outcome& out) {
  out.answer = co_await log.flush();
  out.ended = true;
}
frys::task<void> close_into(slow_log& log, outcome& out) {
  out.answer = co_await log.close();
  out.ended = true;
}

}  // namespace

TEST_CASE("wal: one group is in flight; appends and flushes that come meanwhile share the next one") {
  slow_files files;
  frys::wal_options options = in("log");
  options.segment_bytes = 2000;
  auto log = frys::sync_wait(slow_log::open(files, options, [](std::uint64_t, frys::byte_view) {}));
  REQUIRE(log.has_value());
  files.slow = true;
  frys::task_scope scope;
  std::vector<outcome> out(40);
  std::uint64_t n = 0;
  REQUIRE(log->append(frys::as_bytes("first")));
  scope.spawn(flush_into(*log, out[n++]));
  CHECK(log->is_flushing());
  while (n < 20) {
    REQUIRE(log->append(frys::as_bytes(std::string(100, 'x'))));
    scope.spawn(flush_into(*log, out[n++]));
  }
  CHECK(files.waiting.size() == 1);
  CHECK_FALSE(out[0].ended);
  files.step();  // the write
  CHECK_FALSE(out[0].ended);
  files.step();  // the sync
  CHECK(out[0].ended);
  CHECK(log->durable() == 1);
  CHECK(files.waiting.size() == 1);  // the nineteen others' one group, which rotates
  REQUIRE(log->append(frys::as_bytes("last")));
  CHECK_FALSE(out[1].ended);
  outcome closed;
  scope.spawn(close_into(*log, closed));
  CHECK(log->append(frys::as_bytes("late")).error() == frys::errc::closed);
  while (files.step()) CHECK(files.waiting.size() <= 1);
  for (std::uint64_t i = 0; i < n; ++i) CHECK(out[i].answer.has_value());
  CHECK(std::count_if(out.begin(), out.end(), [](const outcome& o) { return o.ended; }) == 20);
  CHECK(closed.ended);
  CHECK(closed.answer.has_value());
  CHECK(log->durable() == 21);
  CHECK(log->stats().groups <= 3);
  CHECK(log->segments() >= 2);
  files.slow = false;
  std::size_t records = 0;
  auto again = frys::sync_wait(slow_log::open(files, options, [&](std::uint64_t, frys::byte_view) { ++records; }));
  CHECK(again.has_value());
  CHECK(records == 21);
}

TEST_CASE("wal: a flush that is dropped while it waits fails the log, for nobody knows what was written") {
  slow_files files;
  auto log = frys::sync_wait(slow_log::open(files, in("log"), [](std::uint64_t, frys::byte_view) {}));
  REQUIRE(log.has_value());
  files.slow = true;
  outcome out;
  {
    frys::task_scope scope;
    REQUIRE(log->append(frys::as_bytes("a")));
    scope.spawn(flush_into(*log, out));
    CHECK(log->is_flushing());
  }
  CHECK_FALSE(out.ended);
  CHECK_FALSE(log->is_flushing());
  CHECK(log->append(frys::as_bytes("b")).error() == frys::errc::cancelled);
}
