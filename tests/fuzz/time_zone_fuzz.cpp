// Any bytes as a TZif file and as a rule: an error, or a zone whose periods lie side by side and whose ways to local
// time and back fit each other. The first byte chooses, the next eight are where to look.
#include <frys/sched/time_zone.hpp>
#include <frys/sched/zoned_cron.hpp>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

using frys::seconds;

void require(bool fact) {
  if (!fact) std::abort();
}

void ask(const frys::time_zone& zone, std::int64_t near) {
  using kind = frys::local_instants::kind;
  for (const seconds start : {seconds{near}, seconds{near % 10'000'000'000}, (seconds::min)(), (seconds::max)()}) {
    seconds t = start;
    for (int i = 0; i < 20; ++i) {
      const frys::zone_period p = zone.at(t);
      require(p.from <= t && (t < p.until || p.until == (seconds::max)()));
      require(p.offset >= -frys::time_zone::most_offset && p.offset <= frys::time_zone::most_offset);
      require(std::strlen(p.abbreviation) < 70'000);
      const frys::civil_time shown = zone.to_local(t);
      require(frys::is_valid(shown));
      const frys::local_instants back = zone.instants(shown);
      // Inside the range of civil time, where nothing was cut off.
      if (t > seconds{-900'000'000'000} && t < seconds{900'000'000'000}) {
        require(back.form != kind::missing);
        require(zone.to_local(back.first) == shown && zone.to_local(back.second) == shown);
        require(back.first <= t && t <= back.second);
        require(zone.to_utc(shown, {}) == back.first);
      }
      if (p.until == (seconds::max)()) break;
      t = i % 3 == 0 ? p.until - seconds{1} : p.until;
    }
  }
  const frys::zoned_cron nightly("30 2 * * *", &zone);
  seconds at{near % 10'000'000'000};
  for (int i = 0; i < 5; ++i) {
    const auto next = nightly.next(at);
    if (!next) break;
    require(*next > at);
    at = *next;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 9 || size > 20'000) return 0;
  std::int64_t near = 0;
  std::memcpy(&near, data + 1, 8);
  const std::size_t n = size - 9;
  if (data[0] % 2 == 0) {
    // Blocks of their own, so that a look outside them is seen.
    const std::string text(reinterpret_cast<const char*>(data) + 9, n);
    const auto zone = frys::time_zone::posix(text);
    if (zone)
      ask(*zone, near);
    else
      require(zone.error().number >= 0 && static_cast<std::size_t>(zone.error().number) <= n);
    return 0;
  }
  std::vector<std::byte> bytes(n);
  if (n != 0) std::memcpy(bytes.data(), data + 9, n);
  const auto zone = frys::time_zone::tzif(bytes);
  if (zone)
    ask(*zone, near);
  else
    require(zone.error().number >= 0);
  return 0;
}
