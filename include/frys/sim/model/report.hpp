// report: what a check has found: counts, the verdict, the schedule that leads there, the diagram of that execution.
// frys: orders as data
#ifndef FRYS_SIM_MODEL_REPORT_HPP
#define FRYS_SIM_MODEL_REPORT_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "../../config.hpp"
#include "execution.hpp"

namespace frys::inline FRYS_ABI::sim::model {

namespace detail {

inline std::string_view base_name(const char* file) noexcept {
  const char* last = std::strrchr(file, '/');
  return last == nullptr ? file : last + 1;
}
constexpr std::string_view name_of(std::memory_order o) noexcept {
  switch (o) {
    case std::memory_order_relaxed:
      return "relaxed";
    case std::memory_order_consume:
      return "consume";
    case std::memory_order_acquire:
      return "acquire";
    case std::memory_order_release:
      return "release";
    case std::memory_order_acq_rel:
      return "acq_rel";
    case std::memory_order_seq_cst:
      return "seq_cst";
  }
  return "?";
}

// One line of the diagram.
struct drawn_step {
  unsigned thread = 0;
  std::string what;  // "load x1 = 3 (acquire)"
  std::string note;  // "older: 2 newer messages"
  site where;
};

inline std::string number(const cell_value& v) {
  // Pointers and negative numbers in hexadecimal, small numbers plainly.
  const auto hex = [](std::uint64_t n) {
    std::string out;
    do {
      out.insert(out.begin(), "0123456789abcdef"[n & 15]);
      n >>= 4;
    } while (n != 0);
    return "0x" + out;
  };
  if (v.high != 0) return hex(v.high) + ":" + hex(v.low);
  return v.low < 1'000'000 ? std::to_string(v.low) : hex(v.low);
}

// The events of an execution as lines, in the order in which they were made.
inline std::vector<drawn_step> draw(execution& e) {
  std::vector<drawn_step> out;
  const auto name = [](std::uint32_t l) {
    return l < 26 ? std::string(1, static_cast<char>('a' + l)) : "v" + std::to_string(l);
  };
  const event_list& all = e.memory.events;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const event& x = all[i];
    drawn_step s;
    s.thread = x.thread;
    s.where = x.where;
    const std::string order = " " + std::string(name_of(x.order));
    switch (x.kind) {
      case event_kind::start:
      case event_kind::update_store:
      case event_kind::end:
      case event_kind::spawn:
        continue;
      case event_kind::load:
        s.what = "read " + name(x.location) + " = " + number(x.value) + order;
        break;
      case event_kind::store:
        s.what = "write " + name(x.location) + " = " + number(x.value) + order;
        break;
      case event_kind::update_load: {
        s.what = "update " + name(x.location) + ": " + number(x.value);
        for (std::size_t j = i + 1; j < all.size(); ++j)
          if (all[j].thread == x.thread && all[j].kind == event_kind::update_store && all[j].location == x.location) {
            s.what += " to " + number(all[j].value);
            break;
          }
        s.what += order;
        break;
      }
      case event_kind::fence:
        s.what = "fence" + order;
        break;
      case event_kind::choice:
        s.what = "choose " + number(x.value);
        break;
    }
    if (is_read(x.kind)) {
      // Was there a newer one when it was read?
      std::size_t newer = 0;
      for (const std::uint32_t m : e.memory.at(x.location).order)
        if (m < i && all[m].position > x.position && all[m].kind != event_kind::start) ++newer;
      if (newer != 0) s.note = newer == 1 ? "stale" : "stale by " + std::to_string(newer);
    }
    out.push_back(std::move(s));
  }
  return out;
}

inline std::string place(const site& s) {
  return s.line == 0 ? std::string() : std::string(base_name(s.file)) + ":" + std::to_string(s.line);
}

// Time runs down; each thread has its column.
inline std::string diagram(const std::vector<drawn_step>& steps, unsigned threads, const std::string& end,
                           unsigned guilty) {
  std::vector<std::size_t> width(threads, 8);
  const auto cell = [](const drawn_step& s) { return s.what + (s.note.empty() ? "" : " [" + s.note + "]"); };
  for (const drawn_step& s : steps) width[s.thread] = (std::max)(width[s.thread], cell(s).size());
  std::string out;
  const auto line = [&](unsigned thread, const std::string& text, const std::string& where) {
    std::string row;
    for (unsigned t = 0; t < threads; ++t) {
      std::string part = t == thread ? text : "";
      part.resize((std::max)(part.size(), width[t]), ' ');
      row += part + " | ";
    }
    row += where;
    while (!row.empty() && row.back() == ' ') row.pop_back();
    out += row + "\n";
  };
  std::string head, rule;
  for (unsigned t = 0; t < threads; ++t) {
    std::string part = "thread " + std::to_string(t);
    part.resize((std::max)(part.size(), width[t]), ' ');
    head += part + " | ";
    rule += std::string(width[t], '-') + "-+-";
  }
  out += head + "at\n" + rule + "---\n";
  // The middle of a very long execution helps nobody.
  constexpr std::size_t most = 120;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps.size() > most && i == most / 2) {
      const std::size_t skipped = steps.size() - most;
      out += "... " + std::to_string(skipped) + " steps ...\n";
      i += skipped;
    }
    line(steps[i].thread, cell(steps[i]), place(steps[i].where));
  }
  if (!end.empty()) line(guilty, "^ here", end);
  return out;
}

inline std::string to_text(const std::vector<decision>& schedule) {
  std::string out;
  for (std::size_t i = 0; i < schedule.size();) {
    const decision& d = schedule[i];
    std::size_t n = 1;
    while (i + n < schedule.size() && schedule[i + n].what == d.what && schedule[i + n].value == d.value) ++n;
    out += "trwc"[static_cast<unsigned>(d.what)];
    out += std::to_string(d.value);
    if (n > 1) out += "x" + std::to_string(n);
    out += ' ';
    i += n;
  }
  if (!out.empty()) out.pop_back();
  return out;
}
// Empty if the text is no schedule.
inline std::vector<decision> from_text(std::string_view text) {
  std::vector<decision> out;
  std::size_t i = 0;
  const auto number_here = [&](std::uint32_t& n) {
    const std::size_t begin = i;
    n = 0;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9' && n < 100'000)
      n = n * 10 + static_cast<std::uint32_t>(text[i++] - '0');
    return i != begin;
  };
  while (i < text.size()) {
    const std::size_t what = std::string_view("trwc").find(text[i++]);
    std::uint32_t value = 0, times = 1;
    if (what == std::string_view::npos || !number_here(value)) return {};
    if (i < text.size() && text[i] == 'x' && (++i, !number_here(times))) return {};
    if (i < text.size() && text[i++] != ' ') return {};
    for (; times != 0; --times) out.push_back({static_cast<decision::kind>(what), static_cast<std::uint16_t>(value)});
  }
  return out;
}

inline void append_json(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  out += '"';
}

}  // namespace detail

// What model::check answers.
struct report {
  std::uint64_t executions = 0;  // that came to their end
  std::uint64_t blocked = 0;     // that were given up: what they would have shown, others show
  bool complete = false;         // all that the explorer can reach was seen
  fault what = fault::none;
  std::string failure;  // one sentence; empty if passed
  site where;
  std::vector<detail::drawn_step> steps;  // of the failing execution
  unsigned threads = 0;
  unsigned guilty = 0;
  std::vector<detail::decision> decisions;

  [[nodiscard]] bool passed() const noexcept { return what == fault::none; }
  // What to give model::replay to see it again.
  [[nodiscard]] std::string schedule() const { return detail::to_text(decisions); }
  // For people: the counts, or the sentence, the diagram and the schedule.
  [[nodiscard]] std::string text() const {
    std::string counts = std::to_string(executions) + " executions";
    if (blocked != 0) counts += " and " + std::to_string(blocked) + " given up";
    if (passed()) return "passed: " + counts + (complete ? ", complete\n" : ", not complete\n");
    std::string out = std::string(name_of(what)) + ": " + failure;
    if (where.line != 0) out += " (" + detail::place(where) + ")";
    out += "\nfound after " + counts + "\n\n";
    out += detail::diagram(steps, threads, std::string(name_of(what)) + " " + detail::place(where), guilty);
    const std::string way = schedule();
    out += way.size() < 2'000 ? "\nreplay: " + way + "\n" : "\nreplay: see schedule(), it is long\n";
    return out;
  }
  // For programs: the same.
  [[nodiscard]] std::string json() const {
    std::string out = "{\"passed\":";
    out += passed() ? "true" : "false";
    out += ",\"executions\":" + std::to_string(executions) + ",\"blocked\":" + std::to_string(blocked);
    out += ",\"complete\":";
    out += complete ? "true" : "false";
    if (!passed()) {
      out += ",\"fault\":";
      detail::append_json(out, name_of(what));
      out += ",\"failure\":";
      detail::append_json(out, failure);
      out += ",\"at\":";
      detail::append_json(out, detail::place(where));
      out += ",\"thread\":" + std::to_string(guilty) + ",\"schedule\":";
      detail::append_json(out, schedule());
      out += ",\"steps\":[";
      for (std::size_t i = 0; i < steps.size(); ++i) {
        if (i != 0) out += ',';
        out += "{\"thread\":" + std::to_string(steps[i].thread) + ",\"what\":";
        detail::append_json(out, steps[i].what);
        out += ",\"note\":";
        detail::append_json(out, steps[i].note);
        out += ",\"at\":";
        detail::append_json(out, detail::place(steps[i].where));
        out += '}';
      }
      out += ']';
    }
    return out + "}";
  }
};

}  // namespace frys::inline FRYS_ABI::sim::model

#endif  // FRYS_SIM_MODEL_REPORT_HPP
