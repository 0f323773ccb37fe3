// Damage to a small log, byte by byte: found and reported, or cut off as a torn tail; never replayed as something else.
#include <doctest/doctest.h>

#include <frys/core/bytes.hpp>
#include <frys/sched/task.hpp>
#include <frys/sim/disk.hpp>
#include <frys/storage/wal.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace {

using log_type = frys::wal<frys::policy::files<frys::sim::disk>>;
using bytes = std::vector<std::byte>;
using image = std::map<std::string, bytes>;

std::string record_of(std::uint64_t n) { return "record number " + std::to_string(n); }

struct reading {
  frys::result<void> opened{};
  std::uint64_t first = 0, last = 0;
  bool right = true;
  frys::wal_recovery report;
};

reading read(const image& files, frys::wal_gap gap = frys::wal_gap::refuse, bool write_more = false) {
  frys::sim::disk disk;
  REQUIRE(disk.make_directory("log"));
  for (const auto& [name, content] : files) disk.put(name, content);
  reading out;
  frys::wal_options o;
  o.directory = "log";
  o.report = &out.report;
  o.gap = gap;
  auto log = frys::sync_wait(log_type::open(disk, o, [&](std::uint64_t n, frys::byte_view r) {
    if (out.first == 0) out.first = n;
    out.right = out.right && frys::as_text(r) == record_of(n) && (out.last == 0 || n == out.last + 1);
    out.last = n;
  }));
  if (!log)
    out.opened = log.error();
  else if (write_more)
    CHECK(log->append(frys::as_bytes("x")).value() == log->durable() + 1);
  return out;
}

// A log of `groups` groups of three records, in segments of `segment_bytes`.
image make(std::uint64_t groups, std::uint64_t segment_bytes, bool close, frys::durability level) {
  frys::sim::disk disk;
  frys::wal_options o;
  o.directory = "log";
  o.segment_bytes = segment_bytes;
  o.level = level;
  auto log = frys::sync_wait(log_type::open(disk, o, [](std::uint64_t, frys::byte_view) {}));
  REQUIRE(log.has_value());
  for (std::uint64_t g = 0; g < groups; ++g) {
    for (int i = 0; i < 3; ++i) REQUIRE(log->append(frys::as_bytes(record_of(log->appended() + 1))));
    REQUIRE(frys::sync_wait(log->flush()));
  }
  if (close) REQUIRE(frys::sync_wait(log->close()));
  image out;
  for (const std::string& name : disk.names()) out[name] = disk.contents(name);
  return out;
}

void store(bytes& b, std::size_t at, std::uint32_t value) { frys::store_le<std::uint32_t>(b.data() + at, value); }

}  // namespace

TEST_CASE("wal: the bytes of a small log are the ones that the documentation shows") {
  frys::sim::disk disk;
  frys::wal_options o;
  auto log = frys::sync_wait(log_type::open(disk, o, [](std::uint64_t, frys::byte_view) {}));
  REQUIRE(log.has_value());
  REQUIRE(log->append(frys::as_bytes("hello")));
  REQUIRE(log->append(frys::as_bytes("frys")));
  REQUIRE(frys::sync_wait(log->flush()));
  std::string hex;
  for (const std::byte b : disk.contents("wal-00000000000000000001.log")) {
    static constexpr char digits[] = "0123456789abcdef";
    hex += digits[std::to_integer<unsigned>(b) >> 4];
    hex += digits[std::to_integer<unsigned>(b) & 15];
  }
  CHECK(hex ==
        "6672797357414c0a"
        "0100"
        "0000"
        "00000000"
        "0100000000000000"
        "00000000"
        "146825aa"
        "0bb580b8"
        "46726d31"
        "11000000"
        "146825aa"
        "0100000000000000"
        "02000000"
        "00000000"
        "05000000"
        "68656c6c6f"
        "04000000"
        "66727973"
        "00000000000000");
}

TEST_CASE("wal: after an orderly close every changed byte is reported with its file, save in the seal itself") {
  const image good = make(6, 300, true, frys::durability::machine);
  REQUIRE(good.size() > 2);
  CHECK(read(good).opened.has_value());
  CHECK(read(good).last == 18);
  CHECK(read(good).report.sealed);
  const std::string last_name = good.rbegin()->first;
  std::uint64_t silent = 0, wrong = 0, misplaced = 0, cut = 0;
  for (const auto& [name, content] : good) {
    for (std::size_t at = 0; at < content.size(); ++at) {
      for (const std::byte mask : {std::byte{1}, std::byte{0x80}, std::byte{0xff}}) {
        image bad = good;
        bad[name][at] ^= mask;
        const reading r = read(bad);
        wrong += !r.right;
        const bool in_seal = name == last_name && at >= content.size() - 32;
        if (in_seal) {
          cut += r.opened.has_value() && r.last == 18 && r.report.torn_bytes == 32;
        } else {
          silent += r.opened.has_value();
          if (!r.opened) {
            misplaced += r.report.file_name() != std::string_view(name).substr(4);
            misplaced += r.opened.error().number > static_cast<std::int64_t>(at);
          }
        }
      }
    }
  }
  CHECK(silent == 0);
  CHECK(wrong == 0);
  CHECK(misplaced == 0);
  CHECK(cut == 32 * 3);
}

TEST_CASE("wal: without a close a changed byte is reported, or its group is cut off if it is the last") {
  for (frys::durability level : {frys::durability::machine, frys::durability::process}) {
    const image good = make(6, 300, false, level);
    const std::string last_name = good.rbegin()->first;
    REQUIRE(good.rbegin()->second.size() > 200);  // two groups at least in the last segment
    std::uint64_t silent = 0, wrong = 0, cut = 0, unusable = 0;
    for (const auto& [name, content] : good) {
      for (std::size_t at = 0; at < content.size(); ++at) {
        image bad = good;
        bad[name][at] ^= std::byte{0x40};
        const reading r = read(bad, frys::wal_gap::refuse, true);
        wrong += !r.right;
        if (!r.opened) continue;
        cut += r.report.torn_bytes != 0 && r.report.torn_offset <= at;
        silent += r.report.torn_bytes == 0 || r.last != 15 || name != last_name;
        unusable += r.report.file_name() != std::string_view(name).substr(4);
      }
    }
    CHECK(silent == 0);
    CHECK(wrong == 0);
    CHECK(unusable == 0);
    CHECK(cut > 50);
  }
}

TEST_CASE("wal: a log cut at any byte is a torn tail in its last segment and damage before") {
  const image good = make(6, 300, false, frys::durability::machine);
  const std::string last_name = good.rbegin()->first;
  std::uint64_t wrong = 0;
  for (const auto& [name, content] : good) {
    for (std::size_t size = 0; size < content.size(); ++size) {
      image bad = good;
      bad[name].resize(size);
      const reading r = read(bad);
      wrong += !r.right;
      if (name == last_name) {
        wrong += !r.opened.has_value();
      } else {
        wrong += r.opened.has_value();
      }
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("wal: a gap in what was never synced is refused, or cut where the operator says so") {
  const image good = make(4, 1 << 20, false, frys::durability::process);
  image bad = good;
  bytes& content = bad.begin()->second;
  const std::size_t second = 32 + (content.size() - 32) / 4;  // groups of one size
  content[second + 40] ^= std::byte{1};
  const reading refused = read(bad);
  REQUIRE_FALSE(refused.opened.has_value());
  CHECK(refused.opened.error() == frys::errc::corrupt);
  CHECK(refused.opened.error().number == static_cast<std::int64_t>(second));
  const reading cut = read(bad, frys::wal_gap::cut, true);
  CHECK(cut.opened.has_value());
  CHECK(cut.last == 3);
  CHECK(cut.report.gap);
  CHECK(cut.report.torn_bytes == content.size() - second);
  // What a later group knew to be synced is never cut.
  image promised = make(4, 1 << 20, false, frys::durability::machine);
  promised.begin()->second[second + 40] ^= std::byte{1};
  CHECK(read(promised, frys::wal_gap::cut).opened.error() == frys::errc::corrupt);
}

TEST_CASE("wal: a missing, foreign, swapped or newer segment is refused") {
  const image good = make(8, 300, false, frys::durability::machine);
  REQUIRE(good.size() >= 4);
  const auto second = std::next(good.begin()), third = std::next(second);
  image missing = good;
  missing.erase(second->first);
  CHECK(read(missing).opened.error() == frys::errc::corrupt);

  image no_first = good;  // what a checkpoint holds may be gone
  no_first.erase(good.begin()->first);
  const reading later = read(no_first);
  CHECK(later.opened.has_value());
  CHECK(later.last == 24);
  CHECK(later.first > 1);

  image swapped = good;
  std::swap(swapped[second->first], swapped[third->first]);
  CHECK(read(swapped).opened.error() == frys::errc::corrupt);

  // A stale segment of the same name and numbers, with other records: its chain does not fit.
  image stale = good;
  {
    frys::sim::disk disk;
    frys::wal_options o;
    o.directory = "log";
    o.segment_bytes = 300;
    auto log = frys::sync_wait(log_type::open(disk, o, [](std::uint64_t, frys::byte_view) {}));
    for (int g = 0; g < 8; ++g) {
      for (int i = 0; i < 3; ++i) {
        std::string other = record_of(log->appended() + 1);
        other[0] = 'R';
        REQUIRE(log->append(frys::as_bytes(other)));
      }
      REQUIRE(frys::sync_wait(log->flush()));
    }
    REQUIRE(disk.contents(third->first).size() == third->second.size());
    stale[third->first] = disk.contents(third->first);
  }
  CHECK(read(stale).opened.error() == frys::errc::corrupt);
  CHECK(read(stale).right);

  image newer = good;
  bytes& header = newer.begin()->second;
  header[8] = std::byte{2};
  store(header, 28, frys::simd::crc32c({header.data(), 28}));
  CHECK(read(newer).opened.error() == frys::errc::version_mismatch);
}

TEST_CASE("wal: a frame of another life of the log, whole and with the right numbers, does not pass") {
  const auto life = [](char mark) {
    frys::sim::disk disk;
    frys::wal_options o;
    o.directory = "log";
    auto log = frys::sync_wait(log_type::open(disk, o, [](std::uint64_t, frys::byte_view) {}));
    for (std::uint64_t n = 1; n <= 2; ++n) {
      std::string record = record_of(n);
      if (n == 1) record[0] = mark;
      REQUIRE(log->append(frys::as_bytes(record)));
      REQUIRE(frys::sync_wait(log->flush()));
    }
    return image{{"log/wal-00000000000000000001.log", disk.contents("log/wal-00000000000000000001.log")}};
  };
  image ours = life('r');
  CHECK(read(ours).last == 2);
  const image other = life('s');
  bytes& content = ours.begin()->second;
  const bytes& foreign = other.begin()->second;
  REQUIRE(content.size() == foreign.size());
  const std::size_t second = 32 + (content.size() - 32) / 2;  // frames of one size; the second records are the same
  std::copy(foreign.begin() + static_cast<std::ptrdiff_t>(second), foreign.end(),
            content.begin() + static_cast<std::ptrdiff_t>(second));
  const reading r = read(ours);
  CHECK(r.last == 1);
  REQUIRE_FALSE(r.opened.has_value());
  CHECK(r.opened.error() == frys::errc::corrupt);
  CHECK(r.opened.error().number == static_cast<std::int64_t>(second));
}

TEST_CASE("wal: other files in the directory are left alone") {
  image good = make(2, 300, true, frys::durability::machine);
  good["log/wal-1.log"] = bytes(100);
  good["log/wal-0000000000000000000x.log"] = bytes(100);
  good["log/wal-99999999999999999999.log"] = bytes(100);  // no number of 64 bits
  good["log/wal-00000000000000000000.log"] = bytes(100);
  good["log/notes"] = bytes(100);
  CHECK(read(good).last == 6);
}

TEST_CASE("wal: a tail of zeros, garbage or the log's own older bytes is cut off") {
  const image good = make(3, 1 << 20, false, frys::durability::machine);
  const bytes& whole = good.begin()->second;
  for (int kind = 0; kind < 3; ++kind) {
    for (std::size_t extra : {1u, 7u, 8u, 31u, 32u, 33u, 100u, 5000u}) {
      image bad = good;
      bytes& content = bad.begin()->second;
      for (std::size_t i = 0; i < extra; ++i)
        content.push_back(kind == 0   ? std::byte{0}
                          : kind == 1 ? static_cast<std::byte>((i * 2654435761u) >> 13 & 0xffu)
                                      : whole[32 + i % (whole.size() - 32)]);
      const reading r = read(bad, frys::wal_gap::refuse, true);
      CHECK(r.opened.has_value());
      CHECK(r.right);
      CHECK(r.last == 9);
      CHECK(r.report.torn_bytes == extra);
      CHECK(r.report.torn_offset == whole.size());
    }
  }
}
