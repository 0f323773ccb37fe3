// A history of a thousand disk operations, interrupted at each of them.
#include <doctest/doctest.h>

#include <frys/sched/task.hpp>
#include <frys/sim/disk.hpp>
#include <frys/sim/random.hpp>
#include <frys/storage/wal.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace {

using frys::durability;
using frys::sim::aftermath;
using log_type = frys::wal<frys::policy::files<frys::sim::disk>>;

// The record of a number: its text says which, its length varies.
std::string record_of(std::uint64_t n) {
  std::string text = std::to_string(n) + ":";
  frys::sim::random random(n);
  text.append(static_cast<std::size_t>(random.below(120)), static_cast<char>('a' + n % 26));
  return text;
}

struct history {
  durability level = durability::machine;
  std::uint64_t appended = 0;   // highest number that append answered, ever
  std::uint64_t promised = 0;   // highest number that was durable
  std::uint64_t truncated = 1;  // highest number given to truncate_before
};
struct found {
  frys::result<void> opened{};
  std::uint64_t first = 0, last = 0;  // what was replayed
  bool true_to_numbers = true;
  frys::wal_recovery report;
};

frys::wal_options options_of(durability level, frys::wal_recovery* report, frys::wal_gap gap) {
  frys::wal_options o;
  o.directory = "data/log";
  o.segment_bytes = 6000;
  o.level = level;
  o.report = report;
  o.gap = gap;
  return o;
}

struct check_record {
  found* out;
  void operator()(std::uint64_t n, frys::byte_view record) const {
    if (out->last == 0)
      out->first = n;
    else if (n != out->last + 1)
      out->true_to_numbers = false;
    out->last = n;
    if (frys::as_text(record) != record_of(n)) out->true_to_numbers = false;
  }
};

// Opens, appends groups of one to five records, flushes, and now and then truncates, closes or drops the log; until the
// disk says no, or has done `operations`.
frys::task<void> live(frys::sim::disk& disk, history& h, std::uint64_t operations) {
  if (!disk.make_directory("data") || !disk.sync_directory("")) co_return;
  frys::sim::random random(7);
  while (disk.operations() < operations) {
    found f;
    auto log = co_await log_type::open(disk, options_of(h.level, nullptr, frys::wal_gap::refuse), check_record{&f});
    if (!log) co_return;
    const std::uint64_t groups = 20 + random.below(60);
    for (std::uint64_t g = 0; g < groups && disk.operations() < operations; ++g) {
      for (std::uint64_t r = random.below(5) + 1; r != 0; --r) {
        const std::string record = record_of(log->appended() + 1);
        const auto number = log->append(frys::as_bytes(record));
        if (!number) co_return;
        h.appended = *number;
      }
      const auto flushed = co_await log->flush();
      h.promised = log->durable();
      if (!flushed) co_return;
      if (random.one_in(40) && h.promised > 60) {
        h.truncated = h.promised - 50;
        if (!log->truncate_before(h.truncated)) co_return;
      }
    }
    if (random.one_in(2)) {
      const auto closed = co_await log->close();
      if (!closed) co_return;
    }
  }
}

frys::task<void> recover(frys::sim::disk& disk, durability level, frys::wal_gap gap, found& f, bool write_more) {
  f = {};
  auto log = co_await log_type::open(disk, options_of(level, &f.report, gap), check_record{&f});
  if (!log) {
    f.opened = log.error();
    co_return;
  }
  if (f.last == 0) f.first = f.report.first, f.last = f.report.last;
  if (!write_more) co_return;
  const std::string record = record_of(log->appended() + 1);
  const auto number = log->append(frys::as_bytes(record));
  const auto flushed = co_await log->flush();
  if (!number || !flushed) f.opened = frys::error{};
}

// Interrupts the history after each of its operations and checks what comes back.
void check_every_crash(durability level, aftermath what, frys::wal_gap gap, bool promises_hold) {
  constexpr std::uint64_t operations = 1000;
  std::uint64_t lost = 0, invented = 0, disordered = 0, refused = 0, unusable = 0, torn = 0;
  for (std::uint64_t n = 0; n <= operations; ++n) {
    frys::sim::disk disk(n);
    history h;
    h.level = level;
    disk.crash_after(n);
    frys::sync_wait(live(disk, h, operations));
    if (n < operations) REQUIRE(disk.crashed());
    disk.restart(n * 7919 + 1, what);
    // A second crash, while the log recovers from the first.
    found f;
    disk.crash_after(n % 5);
    frys::sync_wait(recover(disk, level, gap, f, true));
    if (f.last > h.appended) h.appended = f.last;
    disk.restart(n * 104729 + 3, what);
    REQUIRE(disk.make_directory("data"));
    frys::sync_wait(recover(disk, level, gap, f, true));
    INFO("crash after operation ", n);
    if (!f.opened) {
      ++refused;
      CHECK_MESSAGE(f.opened.has_value(), f.opened.error().message, " at ", f.opened.error().number, " in ",
                    std::string(f.report.file_name()));
      continue;
    }
    torn += f.report.torn_bytes != 0;
    lost += promises_hold && f.last < h.promised;
    lost += f.first > h.truncated;
    invented += f.last > h.appended + 1;  // the one that recover wrote before the second crash
    disordered += !f.true_to_numbers;
    const std::uint64_t before = f.last;
    frys::sync_wait(recover(disk, level, gap, f, false));
    unusable += !f.opened || f.last != before + 1 || !f.true_to_numbers;
  }
  CHECK(lost == 0);
  CHECK(invented == 0);
  CHECK(disordered == 0);
  CHECK(refused == 0);
  CHECK(unusable == 0);
  if (what == aftermath::power_loss) CHECK(torn > 20);  // the simulator does tear
}

}  // namespace

TEST_CASE(
    "wal: at machine no promised record is lost to power loss after any of 1000 operations, and none is invented") {
  check_every_crash(durability::machine, aftermath::power_loss, frys::wal_gap::refuse, true);
}
TEST_CASE("wal: at machine all that was synced is enough") {
  check_every_crash(durability::machine, aftermath::nothing_unsynced, frys::wal_gap::refuse, true);
}
TEST_CASE("wal: at process no promised record is lost to kill -9 after any of 1000 operations, and none is invented") {
  check_every_crash(durability::process, aftermath::process_kill, frys::wal_gap::refuse, true);
}
TEST_CASE("wal: at process power loss leaves a prefix, where the operator allows to cut") {
  check_every_crash(durability::process, aftermath::power_loss, frys::wal_gap::cut, false);
}
TEST_CASE("wal: at none kill -9 leaves a prefix") {
  check_every_crash(durability::none, aftermath::process_kill, frys::wal_gap::refuse, false);
}
