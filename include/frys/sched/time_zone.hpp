// time_zone: what clocks show at an instant somewhere, and at which instant they show it.
//
// Use when  a schedule, a log or a user's time is that of a place: to_local, to_utc.
// Not when  UTC will do: civil_of and seconds_of (civil_time.hpp) need no zone.
// Models    UTC; fixed(offset); the rule that POSIX puts into TZ, time_zone("CET-1CEST,M3.5.0,M10.5.0/3") read by the
//           compiler or posix(text) at run time; tzif(bytes): a compiled file of the tz database, versions 1 to 4 with
//           its footer. It opens no file: the caller brings the bytes (on most systems /usr/share/zoneinfo/<name>).
// Trust     texts and bytes are hostile: checked once when the zone is made, so that no look-up can leave them.
// Errors    posix: errc::invalid_argument, `number` is the position. tzif: errc::corrupt, errc::truncated (the offset);
//           errc::unsupported for the files of "right/", which count leap seconds; errc::limit_exceeded.
// Cost      to_local by a rule or past the last change of a file: some ten ns; else a binary search. A zone_cursor that
//           stays in a period: one compare. 88 bytes, no allocation.
// Lifetime  the bytes given to tzif must outlive the zone and its copies: it looks into them.
// Threads   any: nothing changes after it was made.
// Source    POSIX.1-2024, TZ; RFC 9636, The Time Zone Information Format (TZif).
#ifndef FRYS_SCHED_TIME_ZONE_HPP
#define FRYS_SCHED_TIME_ZONE_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "../config.hpp"
#include "../core/bytes.hpp"
#include "../core/error.hpp"
#include "../core/result.hpp"
#include "civil_time.hpp"
#include "detail/tz_rule.hpp"

namespace frys::inline FRYS_ABI {

// A time of day that no clock shows because they were put forward over it (02:30 becomes 03:30).
enum class when_missing : std::uint8_t {
  skip,       // there is no such instant
  shift,      // as if the clocks had not changed: 02:30 is 03:30 by the new time
  at_change,  // the instant at which they were put forward: 03:00 by the new time
};
// A time of day that clocks show twice because they were put back.
enum class when_repeated : std::uint8_t {
  first,
  second,
  both,  // a schedule runs twice; to_utc answers the first
  skip,
};
struct local_choice {
  when_missing missing = when_missing::shift;
  when_repeated repeated = when_repeated::first;
  friend constexpr bool operator==(const local_choice&, const local_choice&) noexcept = default;
};

// The instants at which clocks show a time of day.
struct local_instants {
  enum class kind : std::uint8_t { unique, missing, repeated };
  kind form = kind::unique;
  seconds first{0};   // missing: when the clocks were put forward
  seconds second{0};  // repeated: the later one; missing: as if the clocks had not changed; unique: as first
  friend constexpr bool operator==(const local_instants&, const local_instants&) noexcept = default;
};

class time_zone {
 public:
  constexpr time_zone() noexcept = default;  // UTC
  // A literal; what is wrong in it is an error of compilation.
  explicit consteval time_zone(const char* posix) : rule_(detail::tz_literal(posix)) {}

  static constexpr time_zone utc() noexcept { return {}; }
  // `east` of Greenwich, 26 hours at most; called "+05:30", as POSIX would name it: +0530.
  static constexpr time_zone fixed(seconds east) noexcept;
  static result<time_zone> posix(std::string_view text) noexcept;
  // A view: `file` must outlive the zone.
  static result<time_zone> tzif(byte_view file) noexcept;

  // The period that `t` is in.
  constexpr zone_period at(seconds t) const noexcept;

  // What clocks show at `t`; instants beyond the range of civil_time count as its end.
  constexpr civil_time to_local(seconds t) const noexcept { return shown(t, offset_at(t)); }
  // When clocks show `local`, which must be valid.
  constexpr local_instants instants(const civil_time& local) const noexcept;
  constexpr std::optional<seconds> to_utc(const civil_time& local, local_choice choice = {}) const noexcept;

  // The time that a clock `offset` east shows at `t`.
  static constexpr civil_time shown(seconds t, std::int32_t offset) noexcept {
    constexpr seconds first = seconds_of(civil_limits::first) + seconds{most_offset};
    constexpr seconds last = seconds_of(civil_limits::last) - seconds{most_offset};
    return civil_of((t < first ? first : t > last ? last : t) + seconds{offset});
  }

  static constexpr std::int32_t most_offset = 26 * 3600;
  static constexpr std::uint32_t most_changes = 1u << 16;

 private:
  // The file's parts: the changes, a type for each of them, the types, their names.
  seconds change(std::uint32_t i) const noexcept {
    const std::byte* at = table_ + std::size_t{i} * change_size_;
    return seconds{change_size_ == 8 ? load_be<std::int64_t>(at) : load_be<std::int32_t>(at)};
  }
  zone_period period(unsigned type, seconds from, seconds until) const noexcept {
    const std::byte* entry = table_ + std::size_t{changes_} * (change_size_ + 1u) + 6 * type;
    const std::byte* names = table_ + std::size_t{changes_} * (change_size_ + 1u) + 6 * std::size_t{types_};
    return {from, until, load_be<std::int32_t>(entry), entry[4] != std::byte{0},
            reinterpret_cast<const char*>(names) + std::to_integer<std::size_t>(entry[5])};
  }
  unsigned type_of(std::uint32_t i) const noexcept {
    return std::to_integer<unsigned>(table_[std::size_t{changes_} * change_size_ + i]);
  }
  zone_period in_table(seconds t) const noexcept;
  constexpr std::int32_t offset_at(seconds t) const noexcept {
    if (table_ == nullptr || (has_rule_ && (changes_ == 0 || t >= change(changes_ - 1)))) return rule_.offset_at(t);
    return in_table(t).offset;
  }

  const std::byte* table_ = nullptr;  // null: the rule alone
  std::uint32_t changes_ = 0;
  std::uint16_t types_ = 0;
  std::uint8_t change_size_ = 8;
  bool has_rule_ = true;  // after the last change
  detail::tz_rule rule_;
};

// to_local for instants that mostly lie near the last one, as a log's do: remembers the period.
class zone_cursor {
 public:
  // `zone` must outlive the cursor.
  explicit constexpr zone_cursor(const time_zone& zone) noexcept : zone_(&zone), period_(zone.at(seconds{0})) {}

  constexpr const zone_period& at(seconds t) noexcept {
    if (t < period_.from || t >= period_.until) period_ = zone_->at(t);
    return period_;
  }
  constexpr civil_time to_local(seconds t) noexcept { return time_zone::shown(t, at(t).offset); }

 private:
  const time_zone* zone_;
  zone_period period_;
};

constexpr time_zone time_zone::fixed(seconds east) noexcept {
  FRYS_ASSERT(east.count() >= -most_offset && east.count() <= most_offset,
              "time_zone::fixed: an offset is 26 hours at most");
  time_zone zone;
  zone.rule_.standard_offset = static_cast<std::int32_t>(east.count());
  if (east.count() == 0) return zone;
  auto rest = static_cast<std::uint32_t>(east.count() < 0 ? -east.count() : east.count());
  char* out = zone.rule_.standard;
  *out++ = east.count() < 0 ? '-' : '+';
  for (const std::uint32_t unit : {3600u, 60u, 1u}) {
    if (unit != 3600 && rest == 0) break;
    *out++ = static_cast<char>('0' + rest / unit / 10);
    *out++ = static_cast<char>('0' + rest / unit % 10);
    rest %= unit;
  }
  *out = '\0';
  return zone;
}

inline result<time_zone> time_zone::posix(std::string_view text) noexcept {
  time_zone zone;
  detail::tz_reader reader(text, zone.rule_);
  if (const detail::tz_error wrong = reader.read(); wrong != detail::tz_error::none)
    return error{errc::invalid_argument, domain::sched, detail::message_of(wrong),
                 static_cast<std::int64_t>(reader.position())};
  return zone;
}

inline result<time_zone> time_zone::tzif(byte_view file) noexcept {
  const auto fail = [](errc code, const char* message, std::uint64_t offset) {
    return error{code, domain::sched, message, static_cast<std::int64_t>(offset)};
  };
  constexpr std::size_t header = 44;
  // Sizes are 64-bit numbers of 32-bit counts: no sum of them can wrap.
  struct counts {
    std::uint64_t isut, isstd, leap, time, type, name;
    std::uint64_t size(std::uint64_t time_size) const noexcept {
      return time * (time_size + 1) + type * 6 + name + leap * (time_size + 4) + isstd + isut;
    }
  };
  const auto counts_at = [&](std::size_t at) {
    const auto n = [&](std::size_t i) { return std::uint64_t{load_be<std::uint32_t>(&file[at + 20 + 4 * i])}; };
    return counts{n(0), n(1), n(2), n(3), n(4), n(5)};
  };
  const auto is_header = [&](std::size_t at) { return as_text(file.subspan(at, 4)) == "TZif"; };

  if (file.size() < header) return fail(errc::truncated, "time_zone: the file ends in its header", file.size());
  if (!is_header(0)) return fail(errc::corrupt, "time_zone: not a TZif file", 0);
  std::uint8_t time_size = 4;
  std::size_t start = 0;  // of the header that counts
  counts c = counts_at(0);
  const bool has_footer = std::to_integer<char>(file[4]) >= '2';
  if (has_footer) {  // the first block is for old readers
    const std::uint64_t second = header + c.size(4);
    if (second + header > file.size())
      return fail(errc::truncated, "time_zone: the file ends before its second header", file.size());
    start = static_cast<std::size_t>(second);
    if (!is_header(start)) return fail(errc::corrupt, "time_zone: the second header is not there", start);
    c = counts_at(start);
    time_size = 8;
  }
  if (start + header + c.size(time_size) > file.size())
    return fail(errc::truncated, "time_zone: the file ends in its data", file.size());
  if (c.leap != 0)
    return fail(errc::unsupported, "time_zone: the file counts leap seconds; take the one without right/", 0);
  if (c.time > most_changes) return fail(errc::limit_exceeded, "time_zone: too many changes", most_changes);
  if (c.type == 0 || c.type > 256 || c.name == 0 || (c.isut != 0 && c.isut != c.type) ||
      (c.isstd != 0 && c.isstd != c.type))
    return fail(errc::corrupt, "time_zone: the header's numbers do not fit each other", start + 20);

  time_zone zone;
  const std::size_t data = start + header;
  zone.table_ = file.data() + data;
  zone.changes_ = static_cast<std::uint32_t>(c.time);
  zone.types_ = static_cast<std::uint16_t>(c.type);
  zone.change_size_ = time_size;
  zone.has_rule_ = false;

  const std::size_t types = data + static_cast<std::size_t>(c.time) * (time_size + 1u);
  const std::size_t names = types + static_cast<std::size_t>(c.type) * 6;
  for (std::uint32_t i = 0; i < zone.changes_; ++i) {
    if (i > 0 && zone.change(i - 1) >= zone.change(i))
      return fail(errc::corrupt, "time_zone: the changes are not in order", data + std::size_t{i} * time_size);
    if (zone.type_of(i) >= c.type)
      return fail(errc::corrupt, "time_zone: a change to a type that is not there",
                  data + static_cast<std::size_t>(c.time) * time_size + i);
  }
  const std::string_view all_names = as_text(file.subspan(names, static_cast<std::size_t>(c.name)));
  for (std::size_t i = 0; i < c.type; ++i) {
    const std::size_t entry = types + 6 * i;
    const auto offset = load_be<std::int32_t>(&file[entry]);
    const auto name = std::to_integer<std::size_t>(file[entry + 5]);
    if (offset < -most_offset || offset > most_offset)
      return fail(errc::corrupt, "time_zone: an offset of more than 26 hours", entry);
    if (std::to_integer<unsigned>(file[entry + 4]) > 1)
      return fail(errc::corrupt, "time_zone: daylight saving is neither 0 nor 1", entry + 4);
    if (name >= c.name || all_names.find('\0', name) == all_names.npos)
      return fail(errc::corrupt, "time_zone: a name that does not end", entry + 5);
  }
  if (has_footer) {
    const std::size_t footer = data + static_cast<std::size_t>(c.size(8));
    const std::string_view rest = as_text(file.subspan(footer));
    if (rest.empty()) return fail(errc::truncated, "time_zone: the file ends before its footer", footer);
    if (rest[0] != '\n') return fail(errc::corrupt, "time_zone: the footer does not start with a new line", footer);
    const std::size_t end = rest.find('\n', 1);
    if (end == rest.npos) return fail(errc::truncated, "time_zone: the file ends in its footer", file.size());
    if (end > 1) {
      detail::tz_reader reader(rest.substr(1, end - 1), zone.rule_);
      if (const detail::tz_error wrong = reader.read(); wrong != detail::tz_error::none)
        return fail(errc::corrupt, detail::message_of(wrong), footer + 1 + reader.position());
      zone.has_rule_ = true;
    }
  }
  return zone;
}

constexpr zone_period time_zone::at(seconds t) const noexcept { return table_ == nullptr ? rule_.at(t) : in_table(t); }

inline zone_period time_zone::in_table(seconds t) const noexcept {
  if (changes_ == 0) return has_rule_ ? rule_.at(t) : period(0, (seconds::min)(), (seconds::max)());
  const seconds last = change(changes_ - 1);
  if (t >= last) {
    if (!has_rule_) return period(type_of(changes_ - 1), last, (seconds::max)());
    zone_period p = rule_.at(t);
    if (p.from < last) p.from = last;
    return p;
  }
  // The first change after t.
  std::uint32_t low = 0, high = changes_ - 1;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (change(middle) <= t)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == 0) return period(0, (seconds::min)(), change(0));  // before the first change: type 0, says the RFC
  return period(type_of(low - 1), change(low - 1), change(low));
}

constexpr local_instants time_zone::instants(const civil_time& local) const noexcept {
  FRYS_ASSERT(is_valid(local), "time_zone: no calendar shows this local time");
  using kind = local_instants::kind;
  const seconds shows = seconds_of(local);
  const seconds earliest = shows - seconds{most_offset}, latest = shows + seconds{most_offset};
  zone_period p = at(earliest);
  if (p.until > latest) return {kind::unique, shows - seconds{p.offset}, shows - seconds{p.offset}};
  // The periods that may hold it, from the first on; two changes within two days are rare, more are told as two.
  std::optional<seconds> first, second, gap, as_before;
  for (;;) {
    const seconds t = shows - seconds{p.offset};
    if (t >= p.from && t < p.until) (first ? second : first) = t;
    if (p.until > latest) break;
    const zone_period after = at(p.until);
    if (!gap && t >= p.until && shows - seconds{after.offset} < p.until) gap = p.until, as_before = t;
    p = after;
  }
  if (first) return {second ? kind::repeated : kind::unique, *first, second ? *second : *first};
  if (gap) return {kind::missing, *gap, *as_before};
  // Not reached: at each change t either passes from one period into the next, or is in both, or in none.
  return {kind::unique, shows - seconds{p.offset}, shows - seconds{p.offset}};
}

constexpr std::optional<seconds> time_zone::to_utc(const civil_time& local, local_choice choice) const noexcept {
  const local_instants i = instants(local);
  switch (i.form) {
    case local_instants::kind::unique:
      return i.first;
    case local_instants::kind::missing:
      if (choice.missing == when_missing::skip) return std::nullopt;
      return choice.missing == when_missing::at_change ? i.first : i.second;
    case local_instants::kind::repeated:
      if (choice.repeated == when_repeated::skip) return std::nullopt;
      return choice.repeated == when_repeated::second ? i.second : i.first;
  }
  return i.first;
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_TIME_ZONE_HPP
