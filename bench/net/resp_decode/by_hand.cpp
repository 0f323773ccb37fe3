#include "workload.hpp"

namespace {
// Trusts every byte and wants all of them at once: the least work that finds the arguments.
std::size_t number(const char*& p) {
  std::size_t n = 0;
  for (++p; *p != '\r'; ++p) n = n * 10 + static_cast<std::size_t>(*p - '0');
  p += 2;
  return n;
}
}  // namespace

BENCH_CONTENDER("by hand, unchecked") {
  return pass(settings, [](std::string_view bytes, seen& s) {
    const char* p = bytes.data();
    const char* end = p + bytes.size();
    while (p < end) {
      ++s.commands;
      for (std::size_t left = number(p); left > 0; --left) {
        const std::size_t size = number(p);
        ++s.arguments;
        s.argument_bytes += size;
        p += size + 2;
      }
    }
  });
}
