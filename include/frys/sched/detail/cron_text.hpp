// cron_text: reads the text of a cron expression into bits, at compile time or at run time.
#ifndef FRYS_SCHED_DETAIL_CRON_TEXT_HPP
#define FRYS_SCHED_DETAIL_CRON_TEXT_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "../../config.hpp"

namespace frys::inline FRYS_ABI::detail {

// What a text means, as bits.
struct cron_fields {
  std::uint64_t seconds = 0;    // 0 to 59
  std::uint64_t minutes = 0;    // 0 to 59
  std::uint32_t hours = 0;      // 0 to 23
  std::uint32_t days = 0;       // 1 to 31
  std::uint32_t from_last = 0;  // L-n: bit n, 0 to 30
  std::uint32_t nearest = 0;    // nW: bit n; LW: bit 0
  std::uint16_t months = 0;     // 1 to 12
  std::uint8_t weekdays = 0;    // Sunday 0 to Saturday 6
  std::uint8_t nth[6] = {};     // weekdays that are the month's first to fifth; [5]: its last
  bool day_given = false;       // day of month does not start with * or ?
  bool weekday_given = false;
  bool special = false;  // from_last, nearest or nth hold something
  bool interval = false;

  friend constexpr bool operator==(const cron_fields&, const cron_fields&) noexcept = default;
};

// What is wrong with a text. The names are what g++ shows of a literal that does not compile.
enum class cron_error : std::uint8_t {
  none,
  there_are_5_fields_or_6_with_seconds_first,
  the_word_is_unknown,
  a_second_is_0_to_59,
  a_minute_is_0_to_59,
  an_hour_is_0_to_23,
  a_day_of_the_month_is_1_to_31,
  a_month_is_1_to_12_or_JAN_to_DEC,
  a_day_of_the_week_is_0_to_7_or_SUN_to_SAT,
  after_a_value_comes_a_comma_a_dash_a_slash_or_the_next_field,
  question_mark_stands_for_days_only,
  question_mark_stands_alone,
  after_W_the_day_ends,
  after_hash_comes_1_to_5,
  a_step_is_at_least_1_and_not_longer_than_its_field,
  L_reaches_back_30_days_at_most,
  after_L_comes_W_or_a_dash,
  after_L_or_hash_the_day_ends,
  the_number_is_too_long,
  a_number_is_missing,
  L_needs_its_day_of_the_week,
  this_field_takes_numbers_only
};
inline constexpr std::size_t cron_errors = static_cast<std::size_t>(cron_error::this_field_takes_numbers_only);
constexpr const char* message_of(cron_error e) noexcept {
  switch (e) {
    case cron_error::none:
      break;
    case cron_error::there_are_5_fields_or_6_with_seconds_first:
      return "cron: there are five fields, or six with seconds first";
    case cron_error::the_word_is_unknown:
      return "cron: the words are @yearly, @annually, @monthly, @weekly, @daily, @midnight and @hourly";
    case cron_error::a_second_is_0_to_59:
      return "cron: a second is 0 to 59";
    case cron_error::a_minute_is_0_to_59:
      return "cron: a minute is 0 to 59";
    case cron_error::an_hour_is_0_to_23:
      return "cron: an hour is 0 to 23";
    case cron_error::a_day_of_the_month_is_1_to_31:
      return "cron: a day of the month is 1 to 31";
    case cron_error::a_month_is_1_to_12_or_JAN_to_DEC:
      return "cron: a month is 1 to 12 or JAN to DEC";
    case cron_error::a_day_of_the_week_is_0_to_7_or_SUN_to_SAT:
      return "cron: a day of the week is 0 to 7 or SUN to SAT";
    case cron_error::after_a_value_comes_a_comma_a_dash_a_slash_or_the_next_field:
      return "cron: after a value come , - / or the next field";
    case cron_error::question_mark_stands_for_days_only:
      return "cron: ? stands for a day of month or of week only";
    case cron_error::question_mark_stands_alone:
      return "cron: ? stands alone";
    case cron_error::after_W_the_day_ends:
      return "cron: after W the day ends";
    case cron_error::after_hash_comes_1_to_5:
      return "cron: after # comes 1 to 5";
    case cron_error::a_step_is_at_least_1_and_not_longer_than_its_field:
      return "cron: a step is at least 1 and not longer than its field";
    case cron_error::L_reaches_back_30_days_at_most:
      return "cron: L-n reaches back 30 days at most";
    case cron_error::after_L_comes_W_or_a_dash:
      return "cron: after L comes W or -n";
    case cron_error::after_L_or_hash_the_day_ends:
      return "cron: after L or # the day ends";
    case cron_error::the_number_is_too_long:
      return "cron: no field takes a number this long";
    case cron_error::a_number_is_missing:
      return "cron: a number is missing here";
    case cron_error::L_needs_its_day_of_the_week:
      return "cron: L needs its day of the week here: 5L or FRIL";
    case cron_error::this_field_takes_numbers_only:
      return "cron: this field takes numbers only";
  }
  return "";
}

// Not constexpr: that a literal gets here is the compiler's reason to refuse it, and it shows what E is.
template <cron_error E>
inline void cron_literal_is_wrong(std::size_t) noexcept {
  assert_failed(__FILE__, __LINE__, message_of(E));  // clang 14 takes a consteval constructor for a constexpr one
}
template <std::size_t... E>
constexpr void check_cron_literal(cron_error wrong, std::size_t position, std::index_sequence<E...>) noexcept {
  // Each enumerator but none has a function of its own, so that its name is in the message.
  static_cast<void>(((static_cast<std::size_t>(wrong) == E + 1 &&
                      (cron_literal_is_wrong<static_cast<cron_error>(E + 1)>(position), true)) ||
                     ...));
}

// Reads the text of a cron into one. The text is hostile; each function reads on from at_ and answers whether it may.
class cron_reader {
 public:
  constexpr cron_reader(std::string_view text, cron_fields& into) noexcept : text_(text), into_(into) {}

  // What is wrong, if anything, at position().
  constexpr cron_error read() noexcept {
    skip_blanks();
    if (at_ < text_.size() && text_[at_] == '@') {
      read_word();
      return wrong_;
    }
    const std::size_t start = at_;
    const unsigned count = count_fields();
    if (wrong_ != cron_error::none) return wrong_;
    at_ = start;
    into_.seconds = 1;
    for (unsigned i = 6 - count; i < 6 && wrong_ == cron_error::none; ++i) {
      read_field(static_cast<field>(i));
      if (wrong_ == cron_error::none) skip_blanks();
    }
    return wrong_;
  }
  constexpr std::size_t position() const noexcept { return at_; }

 private:
  enum class field : unsigned { second, minute, hour, day, month, weekday };

  struct bounds {
    unsigned low, high;
    cron_error wrong;
  };
  static constexpr bounds bounds_of(field f) noexcept {
    switch (f) {
      case field::second:
        return {0, 59, cron_error::a_second_is_0_to_59};
      case field::minute:
        return {0, 59, cron_error::a_minute_is_0_to_59};
      case field::hour:
        return {0, 23, cron_error::an_hour_is_0_to_23};
      case field::day:
        return {1, 31, cron_error::a_day_of_the_month_is_1_to_31};
      case field::month:
        return {1, 12, cron_error::a_month_is_1_to_12_or_JAN_to_DEC};
      case field::weekday:
        break;
    }
    return {0, 6, cron_error::a_day_of_the_week_is_0_to_7_or_SUN_to_SAT};
  }

  static constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }
  static constexpr char upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
  constexpr char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
  constexpr bool ends() const noexcept { return at_ == text_.size() || is_blank(text_[at_]) || text_[at_] == ','; }
  constexpr bool take(char c) noexcept {
    if (at_ == text_.size() || upper(text_[at_]) != c) return false;
    ++at_;
    return true;
  }
  constexpr void skip_blanks() noexcept {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }
  constexpr bool fail(cron_error why) noexcept {
    if (wrong_ == cron_error::none) wrong_ = why;
    return false;
  }

  constexpr unsigned count_fields() noexcept {
    unsigned count = 0;
    while (at_ < text_.size()) {
      if (++count == 7) break;  // at_ is where the surplus begins
      while (at_ < text_.size() && !is_blank(text_[at_])) ++at_;
      skip_blanks();
    }
    if (count < 5 || count > 6) fail(cron_error::there_are_5_fields_or_6_with_seconds_first);
    return count;
  }

  constexpr void read_word() noexcept {
    struct word {
      std::string_view name, means;
    };
    constexpr word words[] = {{"@YEARLY", "0 0 1 1 *"}, {"@ANNUALLY", "0 0 1 1 *"}, {"@MONTHLY", "0 0 1 * *"},
                              {"@WEEKLY", "0 0 * * 0"}, {"@DAILY", "0 0 * * *"},    {"@MIDNIGHT", "0 0 * * *"},
                              {"@HOURLY", "0 * * * *"}};
    const std::size_t start = at_;
    for (const word& w : words) {
      at_ = start;
      std::size_t i = 0;
      while (i < w.name.size() && take(w.name[i])) ++i;
      if (i < w.name.size()) continue;
      skip_blanks();
      if (at_ < text_.size()) continue;
      cron_reader(w.means, into_).read();
      return;
    }
    at_ = start;
    fail(cron_error::the_word_is_unknown);
  }

  constexpr void read_field(field f) noexcept {
    const bool open = peek() == '*' || peek() == '?';
    if (f == field::day) into_.day_given = !open;
    if (f == field::weekday) into_.weekday_given = !open;
    if (f == field::minute || f == field::hour) into_.interval = into_.interval || peek() == '*';
    do {
      if (!read_item(f)) return;
    } while (take(','));
    if (!ends()) fail(cron_error::after_a_value_comes_a_comma_a_dash_a_slash_or_the_next_field);
  }

  constexpr bool read_item(field f) noexcept {
    const bounds b = bounds_of(f);
    if (take('*')) return read_step(f, b.low, b.high);
    if (peek() == '?') {
      if (f != field::day && f != field::weekday) return fail(cron_error::question_mark_stands_for_days_only);
      ++at_;
      return ends() ? add(f, b.low, b.high, 1) : fail(cron_error::question_mark_stands_alone);
    }
    if (f == field::day && upper(peek()) == 'L') return read_last();
    unsigned low = 0;
    if (!read_value(f, low)) return false;
    if (f == field::day && take('W')) {
      into_.nearest |= std::uint32_t{1} << low;
      into_.special = true;
      return ends() || fail(cron_error::after_W_the_day_ends);
    }
    if (f == field::weekday && take('L')) return add_nth(low, 6);
    if (f == field::weekday && take('#')) {
      unsigned n = 0;
      const std::size_t start = at_;
      if (!read_number(n)) return false;
      if (n >= 1 && n <= 5) return add_nth(low, n);
      at_ = start;
      return fail(cron_error::after_hash_comes_1_to_5);
    }
    const bool range = take('-');
    unsigned high = low;
    if (range && !read_value(f, high)) return false;
    if (f == field::weekday) {  // 7 is Sunday too: 0-7 is all of them, 5-7 wraps
      if (low == 0 && high == 7) high = 6;
      low %= 7;
      high %= 7;
    }
    return read_step(f, low, range || peek() != '/' ? high : b.high);
  }

  constexpr bool read_step(field f, unsigned low, unsigned high) noexcept {
    const bounds b = bounds_of(f);
    unsigned step = 1;
    if (take('/')) {
      const std::size_t start = at_;
      if (!read_number(step)) return false;
      if (step == 0 || step > b.high) {
        at_ = start;
        return fail(cron_error::a_step_is_at_least_1_and_not_longer_than_its_field);
      }
    }
    return add(f, low, high, step);
  }

  // L, L-n, LW
  constexpr bool read_last() noexcept {
    ++at_;
    into_.special = true;
    if (take('W')) {
      into_.nearest |= 1;
      return ends() || fail(cron_error::after_W_the_day_ends);
    }
    unsigned before = 0;
    if (take('-')) {
      const std::size_t start = at_;
      if (!read_number(before)) return false;
      if (before > 30) {
        at_ = start;
        return fail(cron_error::L_reaches_back_30_days_at_most);
      }
    }
    into_.from_last |= std::uint32_t{1} << before;
    return ends() || fail(cron_error::after_L_comes_W_or_a_dash);
  }

  constexpr bool add_nth(unsigned day, unsigned n) noexcept {
    std::uint8_t& days = into_.nth[n - 1];
    days = static_cast<std::uint8_t>(days | 1u << (day == 7 ? 0 : day));
    into_.special = true;
    return ends() || fail(cron_error::after_L_or_hash_the_day_ends);
  }

  constexpr bool add(field f, unsigned low, unsigned high, unsigned step) noexcept {
    const bounds b = bounds_of(f);
    const unsigned span = b.high - b.low + 1;
    const unsigned length = high >= low ? high - low : high + span - low;  // a range may wrap
    std::uint64_t bits = 0;
    for (unsigned i = 0; i <= length; i += step) {
      const unsigned value = low + i > b.high ? low + i - span : low + i;
      bits |= std::uint64_t{1} << value;
    }
    switch (f) {
      case field::second:
        if (!seconds_read_) into_.seconds = 0;
        seconds_read_ = true;
        into_.seconds |= bits;
        break;
      case field::minute:
        into_.minutes |= bits;
        break;
      case field::hour:
        into_.hours |= static_cast<std::uint32_t>(bits);
        break;
      case field::day:
        into_.days |= static_cast<std::uint32_t>(bits);
        break;
      case field::month:
        into_.months = static_cast<std::uint16_t>(into_.months | bits);
        break;
      case field::weekday:
        into_.weekdays = static_cast<std::uint8_t>(into_.weekdays | bits);
        break;
    }
    return true;
  }

  constexpr bool read_number(unsigned& value) noexcept {
    const std::size_t start = at_;
    value = 0;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
      value = value * 10 + static_cast<unsigned>(text_[at_] - '0');
      if (at_ - start > 2) {
        at_ = start;
        return fail(cron_error::the_number_is_too_long);
      }
      ++at_;
    }
    return at_ != start || fail(cron_error::a_number_is_missing);
  }

  constexpr bool read_value(field f, unsigned& value) noexcept {
    constexpr std::string_view months = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";
    constexpr std::string_view weekdays = "SUNMONTUEWEDTHUFRISAT";
    const bounds b = bounds_of(f);
    const std::size_t start = at_;
    const char c = upper(peek());
    if (c >= 'A' && c <= 'Z') {
      const std::string_view names = f == field::month ? months : f == field::weekday ? weekdays : std::string_view{};
      for (std::size_t i = 0; i < names.size(); i += 3) {
        at_ = start;
        if (take(names[i]) && take(names[i + 1]) && take(names[i + 2])) {
          value = static_cast<unsigned>(i / 3) + b.low;
          return true;
        }
      }
      at_ = start;
      if (f == field::weekday && c == 'L') return fail(cron_error::L_needs_its_day_of_the_week);
      return fail(names.empty() ? cron_error::this_field_takes_numbers_only : b.wrong);
    }
    if (!read_number(value)) return false;
    if (value >= b.low && value <= (f == field::weekday ? 7 : b.high)) return true;
    at_ = start;
    return fail(b.wrong);
  }

  std::string_view text_;
  cron_fields& into_;
  std::size_t at_ = 0;
  cron_error wrong_ = cron_error::none;
  bool seconds_read_ = false;
};

// Of a literal: what is wrong with it does not compile.
constexpr cron_fields cron_literal(const char* text) noexcept {
  cron_fields f;
  cron_reader reader(text, f);
  const cron_error wrong = reader.read();
  check_cron_literal(wrong, reader.position(), std::make_index_sequence<cron_errors>{});
  return f;
}

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_SCHED_DETAIL_CRON_TEXT_HPP
