#include "options.hpp"

#include <bit>
#include <charconv>
#include <cstddef>

#include <frys/config.hpp>

namespace kernel {

namespace {

constexpr std::string_view help_text =
    "frys-kernel: a small Redis-compatible server, assembled from frys blocks.\n"
    "\n"
    "usage: frys-kernel [options]\n"
    "       frys-kernel top [--bind ADDRESS] [--port N] [--lines N]   a line a second about a running one\n"
    "\n"
    "  --bind ADDRESS              IPv4 address to listen on              127.0.0.1\n"
    "  --port N                    TCP port, 0 picks a free one           8080\n"
    "  --dir PATH                  where the logs live                    frys-data\n"
    "  --threads N                 reactor cores, 1..64                   1\n"
    "  --workers N                 threads that share in long searches, 0..64  1\n"
    "  --durability LEVEL          machine: a reply leaves after its write survives power loss\n"
    "                              process: after its write survives kill -9\n"
    "                              none: at once; the log is written behind  machine\n"
    "  --sync-queue N              clients and commands of a core that may wait for a sync;\n"
    "                              then its writes wait first. A power of two, 1..1048576  4096\n"
    "  --log on|off                off: memory only, no files at all      on\n"
    "  --max-memory SIZE           refuse writes that would pass it, 0: no limit; reads and DEL\n"
    "                              go on                                  0\n"
    "  --max-connections N         refuse clients beyond it               10000\n"
    "  --idle-timeout SECONDS      send away who is silent that long, 0: nobody  0\n"
    "  --network-buffer-size SIZE  receive buffer, 1KiB..1MiB             16KiB\n"
    "  --backend NAME              auto, io_uring or epoll                auto\n"
    "  --help, --version\n"
    "\n"
    "Each option is also a variable: FRYS_PORT, FRYS_MAX_MEMORY, ...; the command line wins.\n"
    "Sizes take units: 512, 16KiB, 64MB, 1g (powers of 1024).\n";

bool parse_number(std::string_view text, std::uint64_t low, std::uint64_t high, std::uint64_t& out) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size() || value < low || value > high) return false;
  out = value;
  return true;
}

bool is_ipv4(std::string_view text) {
  int parts = 0;
  while (true) {
    const std::size_t dot = text.find('.');
    std::uint64_t part = 0;
    if (!parse_number(text.substr(0, dot), 0, 255, part)) return false;
    ++parts;
    if (dot == std::string_view::npos) return parts == 4;
    text.remove_prefix(dot + 1);
  }
}

// One entry per option: its name, what is allowed (for the complaint), and how it is set. False: not allowed.
struct option {
  std::string_view name;
  std::string_view allowed;
  bool (*set)(options& to, std::string_view value);
};

constexpr option table[] = {
    {"bind", "an IPv4 address such as 127.0.0.1 or 0.0.0.0",
     [](options& to, std::string_view v) { return is_ipv4(v) && (to.bind = std::string(v), true); }},
    {"port", "a number from 0 to 65535",
     [](options& to, std::string_view v) {
       std::uint64_t n = 0;
       return parse_number(v, 0, 65535, n) && (to.port = static_cast<std::uint16_t>(n), true);
     }},
    {"dir", "a path", [](options& to, std::string_view v) { return !v.empty() && (to.dir = std::string(v), true); }},
    {"threads", "a number from 1 to 64",
     [](options& to, std::string_view v) {
       std::uint64_t n = 0;
       return parse_number(v, 1, most_cores, n) && (to.threads = static_cast<unsigned>(n), true);
     }},
    {"workers", "a number from 0 to 64",
     [](options& to, std::string_view v) {
       std::uint64_t n = 0;
       return parse_number(v, 0, 64, n) && (to.workers = static_cast<unsigned>(n), true);
     }},
    {"durability", "machine, process or none",
     [](options& to, std::string_view v) {
       const auto level = frys::durability_of(v);
       return level && (to.durability = *level, true);
     }},
    {"sync-queue", "a power of two from 1 to 1048576",
     [](options& to, std::string_view v) {
       std::uint64_t n = 0;
       return parse_number(v, 1, 1u << 20, n) && std::has_single_bit(n) &&
              (to.sync_queue = static_cast<std::uint32_t>(n), true);
     }},
    {"log", "on or off",
     [](options& to, std::string_view v) {
       to.log = v == "on";
       return to.log || v == "off";
     }},
    {"max-memory", "a size such as 64MiB, or 0 for no limit",
     [](options& to, std::string_view v) { return parse_size(v, to.max_memory); }},
    {"max-connections", "a number from 1 to 1000000",
     [](options& to, std::string_view v) {
       std::uint64_t n = 0;
       return parse_number(v, 1, 1'000'000, n) && (to.max_connections = static_cast<std::uint32_t>(n), true);
     }},
    {"idle-timeout", "a number of seconds from 0 to 31536000",
     [](options& to, std::string_view v) {
       std::uint64_t n = 0;
       return parse_number(v, 0, 31'536'000, n) && (to.idle_timeout = static_cast<std::uint32_t>(n), true);
     }},
    {"network-buffer-size", "a size from 1KiB to 1MiB",
     [](options& to, std::string_view v) {
       std::uint64_t n = 0;
       return parse_size(v, n) && n >= 1024 && n <= 1024 * 1024 &&
              (to.network_buffer_size = static_cast<std::uint32_t>(n), true);
     }},
    {"backend", "auto, io_uring or epoll",
     [](options& to, std::string_view v) {
       if (v == "auto") return to.network = backend::automatic, true;
       if (v == "io_uring") return to.network = backend::io_uring, true;
       if (v == "epoll") return to.network = backend::epoll, true;
       return false;
     }},
};

constexpr std::string_view lines_allowed = "a number, 0 for no end";

std::string variable_name(std::string_view option_name) {
  std::string name = "FRYS_";
  for (const char c : option_name) name += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return name;
}

complaint bad_value(std::string_view where, std::string_view value, std::string_view allowed) {
  return {"frys-kernel: " + std::string(where) + ": '" + std::string(value) + "' is not allowed; give " +
          std::string(allowed) + "\n"};
}

}  // namespace

bool parse_size(std::string_view text, std::uint64_t& bytes) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{}) return false;
  std::string unit;
  for (const char* c = end; c != text.data() + text.size(); ++c)
    unit += static_cast<char>(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
  unsigned shift = 0;
  if (unit == "" || unit == "b")
    shift = 0;
  else if (unit == "k" || unit == "kb" || unit == "kib")
    shift = 10;
  else if (unit == "m" || unit == "mb" || unit == "mib")
    shift = 20;
  else if (unit == "g" || unit == "gb" || unit == "gib")
    shift = 30;
  else
    return false;
  if (value > (~std::uint64_t{0} >> shift)) return false;
  bytes = value << shift;
  return true;
}

parsed parse_options(int argc, const char* const* argv, const char* (*variable)(const char* name)) {
  options out;
  for (const option& o : table) {
    const std::string name = variable_name(o.name);
    const char* value = variable(name.c_str());
    if (value != nullptr && !o.set(out, value)) return bad_value(name, value, o.allowed);
  }
  const bool watches = argc > 1 && std::string_view(argv[1]) == "top";
  std::uint64_t lines = 0;
  for (int i = watches ? 2 : 1; i < argc; ++i) {
    std::string_view argument = argv[i];
    if (argument == "--help" || argument == "-h") return print_and_exit{std::string(help_text)};
    if (argument == "--version") return print_and_exit{"frys-kernel " FRYS_VERSION "\n"};
    if (!argument.starts_with("--"))
      return complaint{"frys-kernel: unexpected argument '" + std::string(argument) + "'; --help lists the options\n"};
    argument.remove_prefix(2);
    std::string_view value;
    bool has_value = false;
    if (const std::size_t equals = argument.find('='); equals != std::string_view::npos) {
      value = argument.substr(equals + 1);
      argument = argument.substr(0, equals);
      has_value = true;
    }
    const option* found = nullptr;
    for (const option& o : table)
      if (o.name == argument) found = &o;
    const bool is_lines = watches && argument == "lines";
    if ((found == nullptr && !is_lines) || (watches && found != nullptr && argument != "bind" && argument != "port"))
      return complaint{"frys-kernel: unknown option '--" + std::string(argument) + "'; --help lists the options\n"};
    if (!has_value) {
      if (i + 1 >= argc)
        return complaint{"frys-kernel: --" + std::string(argument) +
                         " needs a value: " + std::string(is_lines ? lines_allowed : found->allowed) + "\n"};
      value = argv[++i];
    }
    if (is_lines) {
      if (!parse_number(value, 0, 1'000'000'000, lines)) return bad_value("--lines", value, lines_allowed);
      continue;
    }
    if (!found->set(out, value)) return bad_value("--" + std::string(argument), value, found->allowed);
  }
  if (watches) return watch{out.bind, out.port, static_cast<unsigned>(lines)};
  return out;
}

}  // namespace kernel
