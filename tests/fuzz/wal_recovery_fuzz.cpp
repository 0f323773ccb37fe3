// Log recovery reads files that anybody may have written: whatever they hold, open must end with a log or an error, and
// a log that opened must take a record and give the same records back.
//
// Input: a byte of modes (1: make the checksums fit, 2: wal_gap::cut, 4: stop in on_record), then segments, each with
// two bytes of length and the file's bytes; the first record of a segment's header names it where there is one.
#include <frys/core/bytes.hpp>
#include <frys/sched/task.hpp>
#include <frys/sim/disk.hpp>
#include <frys/storage/wal.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using bytes = std::vector<std::byte>;
using log_type = frys::wal<frys::policy::files<frys::sim::disk>>;

// Gives header and frames the checksums and the chain that they ought to have, so that what lies behind them is
// reached.
std::uint32_t mend(bytes& b, std::uint32_t chain, bool first) {
  if (b.size() < 32) return chain;
  frys::store_le<std::uint32_t>(b.data() + 12, first ? 0 : chain);
  chain = frys::simd::crc32c({b.data(), 28});
  frys::store_le<std::uint32_t>(b.data() + 28, chain);
  std::size_t at = 32;
  while (b.size() - at >= 32) {
    const std::size_t left = b.size() - at;
    const std::uint64_t total =
        32 + ((std::uint64_t{frys::load_le<std::uint32_t>(b.data() + at + 8)} + 7) & ~std::uint64_t{7});
    if (total > left) break;
    frys::store_le<std::uint32_t>(b.data() + at + 12, chain);
    chain = frys::simd::crc32c({b.data() + at + 4, static_cast<std::size_t>(total) - 4});
    frys::store_le<std::uint32_t>(b.data() + at, chain);
    at += static_cast<std::size_t>(total);
  }
  return chain;
}

std::string name_of(std::uint64_t number) {
  std::string digits = std::to_string(number);
  return "wal-" + std::string(20 - digits.size(), '0') + digits + ".log";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned modes = *data++;
  --size;
  frys::sim::disk disk;
  std::uint32_t chain = 0;
  std::uint64_t fallback = 1;
  for (bool first = true; size >= 2; first = false) {
    std::size_t n = static_cast<std::size_t>(data[0]) | static_cast<std::size_t>(data[1]) << 8;
    data += 2;
    size -= 2;
    if (n > size) n = size;
    const std::byte* from = reinterpret_cast<const std::byte*>(data);
    bytes segment(from, from + n);
    data += n;
    size -= n;
    if ((modes & 1u) != 0) chain = mend(segment, chain, first);
    const std::uint64_t number = segment.size() >= 32 ? frys::load_le<std::uint64_t>(segment.data() + 16) : fallback;
    fallback = number + 1;
    disk.put(name_of(number), segment);
  }

  frys::wal_recovery report;
  frys::wal_options options;
  options.report = &report;
  if ((modes & 2u) != 0) options.gap = frys::wal_gap::cut;
  std::vector<std::string> records;
  std::uint64_t last = 0;
  bool stopped = false;
  auto log =
      frys::sync_wait(log_type::open(disk, options, [&](std::uint64_t n, frys::byte_view r) -> frys::result<void> {
        if (last != 0 && n != last + 1) std::abort();
        last = n;
        records.emplace_back(frys::as_text(r));
        if ((modes & 4u) != 0 && records.size() == 3) {
          stopped = true;
          return frys::error{};
        }
        return {};
      }));
  if (stopped && log) std::abort();
  if (!log) {
    if (log.error().number < 0) std::abort();
    return 0;
  }
  if (report.records() != records.size() && report.last + 1 != report.first) std::abort();
  if (log->appended() != report.last) std::abort();
  if (report.last >= ~std::uint64_t{0} - 8) return 0;
  if (!log->append(frys::as_bytes("one more")) || !frys::sync_wait(log->close())) std::abort();
  records.emplace_back("one more");
  std::size_t at = 0;
  auto again = frys::sync_wait(log_type::open(disk, {}, [&](std::uint64_t, frys::byte_view r) {
    if (at >= records.size() || frys::as_text(r) != records[at]) std::abort();
    ++at;
  }));
  if (!again || at != records.size()) std::abort();
  return 0;
}
