// run_schedule: how a run is to be done again, in memory and as the text of a report.
#ifndef FRYS_SIM_RUN_SCHEDULE_HPP
#define FRYS_SIM_RUN_SCHEDULE_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../../config.hpp"

namespace frys::inline FRYS_ABI::sim::detail {

// Who ran for how many steps, and what the dice said.
struct run_schedule {
  struct segment {
    std::uint32_t thread = 0;
    std::uint64_t steps = 0;  // 0: until it could not go on
  };
  std::uint64_t seed = 0;
  std::vector<segment> segments;
  std::vector<std::uint32_t> choices;

  // seed: thread[xSteps] ... / choice ...
  [[nodiscard]] std::string text() const {
    std::string out = std::to_string(seed) + ":";
    for (const segment& s : segments) {
      out += ' ';
      out += std::to_string(s.thread);
      if (s.steps != 0) out += 'x', out += std::to_string(s.steps);
    }
    if (!choices.empty()) out += " /";
    for (const std::uint32_t c : choices) out += ' ', out += std::to_string(c);
    return out;
  }
  // What is no schedule ends where it stops being one.
  static run_schedule of(std::string_view text) {
    run_schedule out;
    std::size_t at = 0;
    const auto number = [&](std::uint64_t& n) {
      const std::size_t from = at;
      for (n = 0; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
        n = n * 10 + static_cast<std::uint64_t>(text[at] - '0');
      return at != from;
    };
    const auto skip = [&](char c) { return at < text.size() && text[at] == c && (++at, true); };
    if (!number(out.seed) || !skip(':')) return out;
    std::uint64_t n = 0;
    while (skip(' ') && number(n)) {
      segment s{static_cast<std::uint32_t>(n), 0};
      if (skip('x') && !number(s.steps)) return out;
      out.segments.push_back(s);
    }
    if (!skip('/')) return out;
    while (skip(' ') && number(n)) out.choices.push_back(static_cast<std::uint32_t>(n));
    return out;
  }
};

}  // namespace frys::inline FRYS_ABI::sim::detail

#endif  // FRYS_SIM_RUN_SCHEDULE_HPP
