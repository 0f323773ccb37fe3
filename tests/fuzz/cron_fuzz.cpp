// Any text as a schedule: an error with a place inside the text, or a schedule whose next and previous are each other's
// mirror image and what matches says. The first eight bytes are the time to begin with and the zone's choice.
#include <frys/sched/cron.hpp>
#include <frys/sched/zoned_cron.hpp>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

constexpr frys::time_zone berlin("CET-1CEST,M3.5.0,M10.5.0/3");

void require(bool fact) {
  if (!fact) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 8 || size > 1000) return 0;
  std::int64_t start = 0;
  std::memcpy(&start, data, 8);
  const frys::local_choice choice{static_cast<frys::when_missing>(static_cast<unsigned>(data[7] & 15) % 3),
                                  static_cast<frys::when_repeated>(data[7] >> 4 & 3)};
  // A block of its own, so that a look outside it is seen.
  const std::string fresh(reinterpret_cast<const char*>(data) + 8, size - 8);
  const auto read = frys::cron::parse(std::string_view(fresh));
  if (!read) {
    require(read.error() == frys::errc::invalid_argument && read.error().message[0] != '\0');
    require(read.error().number >= 0 && static_cast<std::size_t>(read.error().number) <= fresh.size());
    return 0;
  }
  const frys::cron when = *read;
  frys::civil_time t = frys::civil_of(frys::seconds{start % 100'000'000'000});
  for (int i = 0; i < 20; ++i) {
    const auto next = when.next(t);
    if (!next) break;
    require(frys::is_valid(*next) && *next > t && when.matches(*next));
    const frys::civil_time behind = frys::civil_of(frys::seconds_of(*next) + frys::seconds{1});
    require(behind == frys::civil_limits::last || when.previous(behind) == next);
    if (const auto before = when.previous(*next)) require(*before <= t && when.matches(*before));
    t = *next;
  }
  const frys::zoned_cron zoned(when, &berlin, choice);
  frys::seconds at{start % 10'000'000'000};
  for (int i = 0; i < 20; ++i) {
    const auto next = zoned.next(at);
    if (!next) break;
    require(*next > at);
    // What runs is a time that matches, or stands for one that was missing just before.
    const frys::civil_time shown = berlin.to_local(*next);
    require(when.matches(shown) || berlin.at(*next).from > *next - frys::seconds{7200});
    at = *next;
  }
  return 0;
}
