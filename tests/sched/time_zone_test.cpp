#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <frys/sched/time_zone.hpp>

#if defined(__unix__)
#include <time.h>
#endif

namespace {

using frys::civil_time;
using frys::local_choice;
using frys::local_instants;
using frys::seconds;
using frys::time_zone;
using frys::when_missing;
using frys::when_repeated;

using file_bytes = std::vector<std::byte>;

constexpr time_zone berlin("CET-1CEST,M3.5.0,M10.5.0/3");
constexpr std::int64_t hour = 3600;

constexpr civil_time local(std::int32_t year, unsigned month, unsigned day, unsigned h = 0, unsigned minute = 0,
                           unsigned second = 0) {
  return {year,
          static_cast<std::uint8_t>(month),
          static_cast<std::uint8_t>(day),
          static_cast<std::uint8_t>(h),
          static_cast<std::uint8_t>(minute),
          static_cast<std::uint8_t>(second)};
}
constexpr seconds utc(std::int32_t year, unsigned month, unsigned day, unsigned h = 0, unsigned minute = 0,
                      unsigned second = 0) {
  return frys::seconds_of(local(year, month, day, h, minute, second));
}

// Writes a TZif file, right or wrong.
struct tzif_file {
  struct type {
    std::int32_t offset;
    bool daylight;
    std::uint8_t name;
  };
  char version = '2';
  std::vector<std::int64_t> changes;
  std::vector<std::uint8_t> indexes;
  std::vector<type> types{{3600, false, 0}};
  std::string names = std::string("CET\0CEST\0", 9);
  std::string footer = "CET-1CEST,M3.5.0,M10.5.0/3";
  std::uint32_t leap = 0, isstd = 0, isut = 0;

  static void big(file_bytes& out, std::uint64_t value, int size) {
    for (int i = size - 1; i >= 0; --i) out.push_back(static_cast<std::byte>(value >> (8 * i) & 0xff));
  }
  void block(file_bytes& out, int size) const {
    for (const char c : {'T', 'Z', 'i', 'f', version}) out.push_back(static_cast<std::byte>(c));
    out.insert(out.end(), 15, std::byte{0});
    for (const std::size_t n :
         {std::size_t{isut}, std::size_t{isstd}, std::size_t{leap}, changes.size(), types.size(), names.size()})
      big(out, n, 4);
    for (const std::int64_t t : changes) big(out, static_cast<std::uint64_t>(t), size);
    for (const std::uint8_t i : indexes) out.push_back(std::byte{i});
    for (const type& t : types) {
      big(out, static_cast<std::uint32_t>(t.offset), 4);
      out.push_back(std::byte{t.daylight});
      out.push_back(std::byte{t.name});
    }
    for (const char c : names) out.push_back(static_cast<std::byte>(c));
    out.insert(out.end(), leap * (static_cast<unsigned>(size) + 4) + isstd + isut, std::byte{0});
  }
  file_bytes bytes() const {
    file_bytes out;
    block(out, 4);
    if (version < '2') return out;
    block(out, 8);
    out.push_back(std::byte{'\n'});
    for (const char c : footer) out.push_back(static_cast<std::byte>(c));
    out.push_back(std::byte{'\n'});
    return out;
  }
};

file_bytes read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  file_bytes out(text.size());
  std::memcpy(out.data(), text.data(), text.size());
  return out;
}

// The other way round, slowly: every instant around, and which of them show `t`.
local_instants looked_for(const time_zone& zone, const civil_time& t) {
  std::vector<seconds> found;
  std::vector<seconds> changes;
  const seconds shows = frys::seconds_of(t);
  const seconds end = shows + seconds{27 * hour};
  frys::zone_period p = zone.at(shows - seconds{27 * hour});
  for (;;) {
    const seconds at = shows - seconds{p.offset};
    if (at >= p.from && at < p.until) found.push_back(at);
    if (p.until > end) break;
    changes.push_back(p.until);
    p = zone.at(p.until);
  }
  if (!found.empty())
    return {found.size() > 1 ? local_instants::kind::repeated : local_instants::kind::unique, found.front(),
            found.back()};
  for (const seconds c : changes) {
    const seconds before{zone.at(c - seconds{1}).offset}, after{zone.at(c).offset};
    if (shows - before >= c && shows - after < c) return {local_instants::kind::missing, c, shows - before};
  }
  return {};
}

struct zone_dice {
  std::uint64_t x;
  std::int64_t operator()(std::int64_t from, std::int64_t to) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    return from + static_cast<std::int64_t>((x >> 11) % static_cast<std::uint64_t>(to - from));
  }
};

}  // namespace

TEST_CASE("time_zone: UTC and fixed offsets") {
  constexpr time_zone zulu;
  CHECK(zulu.to_local(seconds{0}) == local(1970, 1, 1));
  CHECK(std::string_view(zulu.at(seconds{0}).abbreviation) == "UTC");
  constexpr time_zone kolkata = time_zone::fixed(seconds{5 * hour + 1800});
  static_assert(kolkata.to_local(seconds{0}) == local(1970, 1, 1, 5, 30));
  CHECK(std::string_view(kolkata.at(seconds{0}).abbreviation) == "+0530");
  CHECK(std::string_view(time_zone::fixed(seconds{-3 * hour}).at(seconds{0}).abbreviation) == "-03");
  CHECK(std::string_view(time_zone::fixed(seconds{-1}).at(seconds{0}).abbreviation) == "-000001");
  CHECK(kolkata.to_utc(local(1970, 1, 1, 5, 30)) == seconds{0});
  CHECK(time_zone::utc().to_utc(local(2001, 9, 9, 1, 46, 40)) == seconds{1'000'000'000});
}

TEST_CASE("time_zone: a rule says when summer is, north and south") {
  static_assert(berlin.to_local(utc(2024, 3, 31, 0, 59, 59)) == local(2024, 3, 31, 1, 59, 59));
  static_assert(berlin.to_local(utc(2024, 3, 31, 1)) == local(2024, 3, 31, 3));
  static_assert(berlin.to_local(utc(2024, 10, 27, 0, 59, 59)) == local(2024, 10, 27, 2, 59, 59));
  static_assert(berlin.to_local(utc(2024, 10, 27, 1)) == local(2024, 10, 27, 2));
  const frys::zone_period summer = berlin.at(utc(2024, 7, 1));
  CHECK(summer == frys::zone_period{utc(2024, 3, 31, 1), utc(2024, 10, 27, 1), 7200, true, "CEST"});
  const frys::zone_period winter = berlin.at(utc(2024, 12, 31, 23, 59, 59));
  CHECK(winter == frys::zone_period{utc(2024, 10, 27, 1), utc(2025, 3, 30, 1), 3600, false, "CET"});
  CHECK(berlin.at(utc(2025, 1, 1)) == winter);

  constexpr time_zone sydney("AEST-10AEDT,M10.1.0,M4.1.0/3");
  CHECK(sydney.at(utc(2024, 1, 1)) ==
        frys::zone_period{utc(2023, 9, 30, 16), utc(2024, 4, 6, 16), 39600, true, "AEDT"});
  CHECK(sydney.at(utc(2023, 12, 31)) == sydney.at(utc(2024, 1, 1)));
  CHECK(sydney.at(utc(2024, 7, 1)) ==
        frys::zone_period{utc(2024, 4, 6, 16), utc(2024, 10, 5, 16), 36000, false, "AEST"});
}

TEST_CASE("time_zone: rules with times before the day and after it, by day of the year, summer all year") {
  constexpr time_zone greenland("<-02>2<-01>,M3.5.0/-1,M10.5.0/0");
  CHECK(greenland.at(utc(2024, 7, 1)).from == utc(2024, 3, 31, 1));
  CHECK(greenland.at(utc(2024, 7, 1)).until == utc(2024, 10, 27, 1));
  constexpr time_zone gaza("EET-2EEST,M3.4.4/50,M10.4.4/50");  // 50 hours after a Thursday's midnight
  CHECK(gaza.at(utc(2024, 7, 1)).from == utc(2024, 3, 30, 0));
  constexpr time_zone julian("AAA3BBB,J60/2,300/2");  // 1 March always; the 301st day of the year
  CHECK(julian.at(utc(2024, 7, 1)).from == utc(2024, 3, 1, 5));
  CHECK(julian.at(utc(2023, 7, 1)).from == utc(2023, 3, 1, 5));
  CHECK(julian.at(utc(2024, 7, 1)).until == utc(2024, 10, 27, 4));
  CHECK(julian.at(utc(2023, 7, 1)).until == utc(2023, 10, 28, 4));
  constexpr time_zone always("XXX3EDT4,0/0,J365/23");  // the example of the RFC
  for (std::int64_t day = 0; day < 800; ++day) {
    const frys::zone_period p = always.at(utc(2023, 1, 1) + seconds{day * 24 * hour});
    CHECK(p.is_daylight);
    CHECK(p.offset == -4 * 3600);
  }
  constexpr time_zone dublin("IST-1GMT0,M10.5.0,M3.5.0/1");  // winter is the time that is put back
  CHECK(dublin.at(utc(2024, 1, 1)) == frys::zone_period{utc(2023, 10, 29, 1), utc(2024, 3, 31, 1), 0, true, "GMT"});
  CHECK(dublin.at(utc(2024, 7, 1)).offset == 3600);
}

TEST_CASE("time_zone: periods lie side by side, whatever the rule") {
  for (const char* text : {"CET-1CEST,M3.5.0,M10.5.0/3", "AEST-10AEDT,M10.1.0,M4.1.0/3", "AAA3BBB,0/0,J365/23",
                           "AAA3BBB,M12.5.6/167,M1.1.0/-167", "AAA-24BBB24,J1/-100,J365/100", "AAA0BBB,J60,J60",
                           "AAA0BBB,M1.1.1,M12.5.5", "AAA0BBB0,5,7", "EETZ-1EST,M3.5.4/90,91"}) {
    CAPTURE(text);
    const auto zone = time_zone::posix(text);
    REQUIRE(zone.has_value());
    frys::zone_period p = zone->at(utc(1999, 6, 1));
    for (int i = 0; i < 100; ++i) {
      REQUIRE(p.from < p.until);
      REQUIRE(zone->at(p.from) == p);
      REQUIRE(zone->at(p.until - seconds{1}) == p);
      const frys::zone_period next = zone->at(p.until);
      REQUIRE(next.from == p.until);
      p = next;
    }
    CHECK(zone->at((seconds::max)()).until == (seconds::max)());
    CHECK(zone->at((seconds::min)()).from == (seconds::min)());
    CHECK(zone->to_local((seconds::max)()).year == 32767);
    CHECK(zone->to_local((seconds::min)()).year == -32767);
  }
}

TEST_CASE("time_zone: an hour that is missing and one that comes twice: the caller chooses") {
  const civil_time gone = local(2024, 3, 31, 2, 30), twice = local(2024, 10, 27, 2, 30);
  static_assert(berlin.instants(local(2024, 3, 31, 2, 30)) ==
                local_instants{local_instants::kind::missing, utc(2024, 3, 31, 1), utc(2024, 3, 31, 1, 30)});
  CHECK(berlin.instants(twice) ==
        local_instants{local_instants::kind::repeated, utc(2024, 10, 27, 0, 30), utc(2024, 10, 27, 1, 30)});

  const auto missing = [&](when_missing m) { return berlin.to_utc(gone, {m, when_repeated::first}); };
  CHECK(missing(when_missing::shift) == utc(2024, 3, 31, 1, 30));  // shows 03:30
  CHECK(missing(when_missing::at_change) == utc(2024, 3, 31, 1));  // shows 03:00
  CHECK_FALSE(missing(when_missing::skip).has_value());
  CHECK(berlin.to_utc(gone) == missing(when_missing::shift));

  const auto repeated = [&](when_repeated r) { return berlin.to_utc(twice, {when_missing::skip, r}); };
  CHECK(repeated(when_repeated::first) == utc(2024, 10, 27, 0, 30));
  CHECK(repeated(when_repeated::both) == utc(2024, 10, 27, 0, 30));
  CHECK(repeated(when_repeated::second) == utc(2024, 10, 27, 1, 30));
  CHECK_FALSE(repeated(when_repeated::skip).has_value());

  // The edges: the first second that is missing, and the first that is not.
  CHECK(berlin.instants(local(2024, 3, 31, 1, 59, 59)).form == local_instants::kind::unique);
  CHECK(berlin.instants(local(2024, 3, 31, 2)).form == local_instants::kind::missing);
  CHECK(berlin.instants(local(2024, 3, 31, 2, 59, 59)).form == local_instants::kind::missing);
  CHECK(berlin.instants(local(2024, 3, 31, 3)).form == local_instants::kind::unique);
  CHECK(berlin.instants(local(2024, 10, 27, 1, 59, 59)).form == local_instants::kind::unique);
  CHECK(berlin.instants(local(2024, 10, 27, 2)).form == local_instants::kind::repeated);
  CHECK(berlin.instants(local(2024, 10, 27, 2, 59, 59)).form == local_instants::kind::repeated);
  CHECK(berlin.instants(local(2024, 10, 27, 3)).form == local_instants::kind::unique);
}

TEST_CASE("time_zone: a cursor shows what the zone shows") {
  frys::zone_cursor cursor(berlin);
  zone_dice die{7};
  seconds t = utc(1990, 1, 1);
  for (int i = 0; i < 20'000; ++i) {
    t += seconds{die(-hour, 9 * hour)};
    REQUIRE(cursor.to_local(t) == berlin.to_local(t));
    REQUIRE(cursor.at(t) == berlin.at(t));
  }
}

TEST_CASE("time_zone: what is wrong with a rule is told with its position") {
  const auto wrong = [](std::string_view text, std::int64_t position, std::string_view part) {
    const auto zone = time_zone::posix(text);
    CAPTURE(std::string(text));
    REQUIRE_FALSE(zone.has_value());
    CAPTURE(std::string(zone.error().message));
    CHECK(zone.error() == frys::errc::invalid_argument);
    CHECK(zone.error().where == frys::domain::sched);
    CHECK(zone.error().number == position);
    CHECK(std::string_view(zone.error().message).find(part) != std::string_view::npos);
  };
  wrong("", 0, "name");
  wrong("AB1", 2, "name");
  wrong("ABCDEFGHIJKLMNOP1", 15, "name");
  wrong("<A-1", 4, "name");
  wrong("<+1>1", 3, "name");
  wrong("ABC", 3, "offset");
  wrong("ABC25", 5, "offset");
  wrong("ABC1:60", 7, "offset");
  wrong("ABC1:", 5, "offset");
  wrong("ABC1:0:99", 9, "offset");
  wrong("ABC1:0:0:0", 8, "name");
  wrong("ABC--1", 4, "offset");
  wrong("EST5EDT", 7, "needs its rule");
  wrong("EST5EDT,M3.2.0", 14, "needs its rule");
  wrong("EST5EDT,M13.2.0,M11.1.0", 11, "date");
  wrong("EST5EDT,M0.2.0,M11.1.0", 10, "date");
  wrong("EST5EDT,M3.6.0,M11.1.0", 12, "date");
  wrong("EST5EDT,M3.2.7,M11.1.0", 14, "date");
  wrong("EST5EDT,M3,M11.1.0", 10, "date");
  wrong("EST5EDT,J0,J365", 10, "date");
  wrong("EST5EDT,366,J365", 11, "date");
  wrong("EST5EDT,M3.2.0/168,M11.1.0", 18, "167 hours");
  wrong("EST5EDT,M3.2.0,M11.1.0x", 22, "nothing follows");
  wrong("EST5EDT4", 8, "needs its rule");
  wrong(":Europe/Berlin", 0, "name");
  wrong(std::string_view("UTC0\0", 5), 4, "name");
}

TEST_CASE("time_zone: a TZif file, changes before the footer's rule") {
  tzif_file f;
  f.types = {{3208, false, 0}, {7200, true, 4}, {3600, false, 0}};
  f.changes = {utc(1990, 3, 25, 1).count(), utc(1990, 9, 30, 1).count()};
  f.indexes = {1, 2};
  for (const char version : {'\0', '2', '3', '4', '9'}) {
    CAPTURE(version);
    f.version = version;
    const file_bytes bytes = f.bytes();
    const auto zone = time_zone::tzif(bytes);
    REQUIRE(zone.has_value());
    CHECK(zone->at(utc(1980, 1, 1)) == frys::zone_period{(seconds::min)(), utc(1990, 3, 25, 1), 3208, false, "CET"});
    CHECK(zone->at(utc(1990, 7, 1)) == frys::zone_period{utc(1990, 3, 25, 1), utc(1990, 9, 30, 1), 7200, true, "CEST"});
    if (version == '\0')
      CHECK(zone->at(utc(2024, 7, 1)) == frys::zone_period{utc(1990, 9, 30, 1), (seconds::max)(), 3600, false, "CET"});
    else
      CHECK(zone->at(utc(2024, 7, 1)) == berlin.at(utc(2024, 7, 1)));
    // The rule would have it start in October 1989; the file's last change is later.
    if (version != '\0') CHECK(zone->at(utc(1990, 9, 30, 1)).from == utc(1990, 9, 30, 1));
  }
}

TEST_CASE("time_zone: a file without changes, and one without a footer's rule") {
  tzif_file f;
  file_bytes bytes = f.bytes();
  CHECK(time_zone::tzif(bytes)->at(utc(2024, 7, 1)) == berlin.at(utc(2024, 7, 1)));
  f.footer = "";
  bytes = f.bytes();
  const auto zone = time_zone::tzif(bytes);
  REQUIRE(zone.has_value());
  CHECK(zone->at(utc(2024, 7, 1)) == frys::zone_period{(seconds::min)(), (seconds::max)(), 3600, false, "CET"});
}

TEST_CASE("time_zone: a file that lies is refused") {
  const auto refused = [](const file_bytes& bytes, frys::errc code) {
    const auto zone = time_zone::tzif(bytes);
    REQUIRE_FALSE(zone.has_value());
    CAPTURE(std::string(zone.error().message));
    CHECK(zone.error() == code);
    CHECK(zone.error().where == frys::domain::sched);
  };
  const auto with = [](auto change) {
    tzif_file f;
    f.types = {{3600, false, 0}, {7200, true, 4}};
    f.changes = {100, 200};
    f.indexes = {1, 0};
    change(f);
    return f.bytes();
  };
  refused({}, frys::errc::truncated);
  refused(file_bytes(44), frys::errc::corrupt);
  refused(with([](tzif_file& f) { f.types.clear(); }), frys::errc::corrupt);
  refused(with([](tzif_file& f) { f.types.resize(300); }), frys::errc::corrupt);
  refused(with([](tzif_file& f) { f.names.clear(); }), frys::errc::corrupt);
  refused(with([](tzif_file& f) { f.names = "CET"; }), frys::errc::corrupt);
  refused(with([](tzif_file& f) { f.types[1].name = 9; }), frys::errc::corrupt);
  refused(with([](tzif_file& f) { f.types[1].offset = 100'000; }), frys::errc::corrupt);
  refused(with([](tzif_file& f) { f.types[1].offset = (std::numeric_limits<std::int32_t>::min)(); }),
          frys::errc::corrupt);
  refused(with([](tzif_file& f) { f.indexes[1] = 2; }), frys::errc::corrupt);
  refused(with([](tzif_file& f) { f.changes[1] = 100; }), frys::errc::corrupt);
  refused(with([](tzif_file& f) { f.footer = "CET"; }), frys::errc::corrupt);
  refused(with([](tzif_file& f) { f.isut = 1; }), frys::errc::corrupt);
  refused(with([](tzif_file& f) { f.isstd = 3; }), frys::errc::corrupt);
  refused(with([](tzif_file& f) { f.leap = 1; }), frys::errc::unsupported);
  refused(with([](tzif_file& f) {
            for (std::int64_t i = 300; f.changes.size() <= time_zone::most_changes; ++i) {
              f.changes.push_back(i);
              f.indexes.push_back(0);
            }
          }),
          frys::errc::limit_exceeded);
  // Each beginning of a good file, and each bit of one turned over: an error or a zone that can be asked.
  const file_bytes good = with([](tzif_file&) {});
  CHECK(time_zone::tzif(good).has_value());
  for (std::size_t n = 0; n < good.size(); ++n)
    refused(file_bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n)),
            n < 4 ? frys::errc::truncated : frys::errc::truncated);
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    file_bytes bent = good;
    bent[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    if (const auto zone = time_zone::tzif(bent)) {
      for (const seconds t :
           {(seconds::min)(), seconds{0}, seconds{150}, seconds{250}, utc(2024, 7, 1), (seconds::max)()}) {
        const frys::zone_period p = zone->at(t);
        CHECK(p.from <= t);
        CHECK((p.until > t || p.until == (seconds::max)()));
        CHECK(std::strlen(p.abbreviation) < 16);
      }
      (void)zone->to_utc(local(2024, 3, 31, 2, 30));
    }
  }
}

TEST_CASE("time_zone: the system's zones show what the C library shows, and find their way back") {
  namespace fs = std::filesystem;
  const fs::path top = "/usr/share/zoneinfo";
  std::error_code none;
  if (!fs::is_directory(top, none)) {
    MESSAGE("skipped: there is no /usr/share/zoneinfo (apt: tzdata)");
    return;
  }
#if !defined(__unix__)
  MESSAGE("skipped: no localtime_r");
#else
  const char* const before = std::getenv("TZ");
  const std::optional<std::string> kept = before == nullptr ? std::nullopt : std::optional<std::string>(before);
  zone_dice die{1};
  std::size_t zones = 0, compared = 0, wrong = 0, wrong_back = 0, leap_files = 0;
  std::string first_wrong;
  for (const auto& entry : fs::recursive_directory_iterator(top, none)) {
    if (!entry.is_regular_file(none)) continue;
    const std::string name = fs::relative(entry.path(), top, none).generic_string();
    if (name.rfind("posix/", 0) == 0) continue;  // the same again
    const file_bytes bytes = read_file(entry.path().string());
    const auto zone = time_zone::tzif(bytes);
    if (!zone) {
      CAPTURE(name);
      const bool counts_leap_seconds = name.rfind("right/", 0) == 0;
      CHECK(zone.error() == (counts_leap_seconds ? frys::errc::unsupported
                             : bytes.size() < 44 ? frys::errc::truncated
                                                 : frys::errc::corrupt));
      const bool is_zone = bytes.size() >= 4 && std::memcmp(bytes.data(), "TZif", 4) == 0;
      CHECK(is_zone == counts_leap_seconds);
      leap_files += counts_leap_seconds ? 1 : 0;
      continue;
    }
    ++zones;
    ::setenv("TZ", (":" + entry.path().string()).c_str(), 1);
    ::tzset();
    std::vector<seconds> instants;
    for (frys::zone_period p = zone->at(utc(1900, 1, 1)); p.until < utc(2100, 1, 1); p = zone->at(p.until))
      for (const std::int64_t d : {-1, 0, 1}) instants.push_back(p.until + seconds{d});
    for (int i = 0; i < 200; ++i) instants.push_back(seconds{die(utc(1900, 1, 1).count(), utc(2100, 1, 1).count())});
    for (const seconds t : instants) {
      const ::time_t c_time = static_cast<::time_t>(t.count());
      ::tm tm{};
      ::localtime_r(&c_time, &tm);
      const civil_time shown = zone->to_local(t);
      const frys::zone_period p = zone->at(t);
      const bool same = tm.tm_year + 1900 == shown.year && tm.tm_mon + 1 == shown.month && tm.tm_mday == shown.day &&
                        tm.tm_hour == shown.hour && tm.tm_min == shown.minute && tm.tm_sec == shown.second &&
                        (tm.tm_isdst > 0) == p.is_daylight && tm.tm_gmtoff == p.offset &&
                        std::string_view(tm.tm_zone) == p.abbreviation;
      ++compared;
      if (!same && wrong++ == 0) first_wrong = name + " at " + std::to_string(t.count());
      // Back: one of the instants is t.
      const local_instants back = zone->instants(shown);
      if (back != looked_for(*zone, shown) || back.form == local_instants::kind::missing ||
          (back.first != t && back.second != t)) {
        if (wrong_back++ == 0) first_wrong = name + " back to " + std::to_string(t.count());
      }
      const civil_time near = frys::civil_of(t + seconds{die(-30 * hour, 30 * hour)});
      if (zone->instants(near) != looked_for(*zone, near)) ++wrong_back;
    }
  }
  if (kept)
    ::setenv("TZ", kept->c_str(), 1);
  else
    ::unsetenv("TZ");
  ::tzset();
  CAPTURE(first_wrong);
  CHECK(wrong == 0);
  CHECK(wrong_back == 0);
  CHECK(zones > 100);
  MESSAGE(zones, " zones, ", compared, " instants compared, ", leap_files, " files with leap seconds refused");
#endif
}
