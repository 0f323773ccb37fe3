#include "command.hpp"
#include "handlers.hpp"

namespace kernel {
namespace {

struct matcher {
  bool ignore_case;

  char fold(char c) const { return ignore_case ? lower(c) : c; }

  // Matches one character against the set behind '[' at pattern[p]; moves p onto the closing ']' or the last character.
  bool one_of(std::string_view pattern, std::size_t& p, char c) const {
    ++p;
    const bool negated = p < pattern.size() && pattern[p] == '^';
    if (negated) ++p;
    bool found = false;
    for (;; ++p) {
      if (p >= pattern.size()) {  // never closed: ends with the pattern
        p = pattern.size() - 1;
        break;
      }
      if (pattern[p] == '\\' && p + 1 < pattern.size()) {
        ++p;
        found |= pattern[p] == c;  // an escaped character is taken as it is, in any mode
      } else if (pattern[p] == ']') {
        break;
      } else if (p + 2 < pattern.size() && pattern[p + 1] == '-') {
        unsigned char first = static_cast<unsigned char>(fold(pattern[p]));
        unsigned char last = static_cast<unsigned char>(fold(pattern[p + 2]));
        if (first > last) std::swap(first, last);
        const auto wanted = static_cast<unsigned char>(fold(c));
        found |= wanted >= first && wanted <= last;
        p += 2;
      } else {
        found |= fold(pattern[p]) == fold(c);
      }
    }
    return found != negated;
  }

  // One star is remembered, with the text it has swallowed so far. On a mismatch it swallows one character more: time
  // is pattern * text at worst, where recursion would be exponential.
  bool match(std::string_view pattern, std::string_view text) const {
    std::size_t p = 0, t = 0;
    std::size_t star = std::string_view::npos, star_text = 0;
    while (t < text.size()) {
      bool fits = false;
      if (p < pattern.size()) {
        if (pattern[p] == '*') {
          star = p++;
          star_text = t;
          continue;
        }
        std::size_t at = p;
        if (pattern[p] == '?') {
          fits = true;
        } else if (pattern[p] == '[') {
          fits = one_of(pattern, at, text[t]);
        } else {
          if (pattern[p] == '\\' && p + 1 < pattern.size()) ++at;
          fits = fold(pattern[at]) == fold(text[t]);
        }
        if (fits) {
          p = at + 1;
          ++t;
          continue;
        }
      }
      if (star == std::string_view::npos) return false;
      p = star + 1;
      t = ++star_text;
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
  }
};

}  // namespace

bool glob_match(std::string_view pattern, std::string_view text, bool ignore_case) noexcept {
  return matcher{ignore_case}.match(pattern, text);
}

}  // namespace kernel
