// A pipeline of 1,000 SET and GET commands (keys of 16 bytes, values of 100) that arrived in pieces of 16 KiB. ns per
// command.
#pragma once
#include <string>
#include <string_view>

#include "harness.hpp"

struct traffic {
  static constexpr std::size_t commands = 1000;
  std::string bytes;
  std::size_t arguments = 0, argument_bytes = 0;
  traffic() {
    for (std::size_t i = 0; i < commands; ++i) {
      std::string key = "key:" + std::to_string(i);
      key.resize(16, '_');
      if (i % 2 == 0)
        command({"SET", key, std::string(100, 'v')});
      else
        command({"GET", key});
    }
  }
  void command(std::initializer_list<std::string_view> args) {
    bytes += "*" + std::to_string(args.size()) + "\r\n";
    for (const std::string_view a : args) {
      bytes += "$" + std::to_string(a.size()) + "\r\n" + std::string(a) + "\r\n";
      ++arguments;
      argument_bytes += a.size();
    }
  }
};
inline const traffic& the_traffic() {
  static const traffic t;
  return t;
}
struct seen {
  std::size_t commands = 0, arguments = 0, argument_bytes = 0;
};

// decode(bytes, seen&): one pass over all of the traffic.
template <class Decode>
bench::outcome pass(const bench::settings& settings, Decode decode) {
  const std::size_t n = settings.scaled(1000);
  const traffic& t = the_traffic();
  seen s;
  const double start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < n; ++i) decode(std::string_view(t.bytes), s);
  const double time = bench::thread_cpu_ns() - start;
  bench::check(
      s.commands == n * traffic::commands && s.arguments == n * t.arguments && s.argument_bytes == n * t.argument_bytes,
      "what was decoded");
  const double ops = static_cast<double>(n * traffic::commands);
  return {ops, {{"command", "ns", bench::better::lower, time / ops}}};
}
