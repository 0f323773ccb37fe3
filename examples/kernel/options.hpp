// options: what the operator may set, from FRYS_* variables and then the command line, checked before anything starts.
#ifndef FRYS_KERNEL_OPTIONS_HPP
#define FRYS_KERNEL_OPTIONS_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include <frys/storage/durability.hpp>

namespace kernel {

inline constexpr unsigned most_cores = 64;

enum class backend : std::uint8_t { automatic, io_uring, epoll };

struct options {
  std::string bind = "127.0.0.1";
  std::uint16_t port = 8080;
  std::string dir = "frys-data";
  unsigned threads = 1;
  unsigned workers = 1;  // threads that share in long searches
  frys::durability durability = frys::durability::machine;
  bool log = true;               // false: memory only, nothing is written and nothing is read
  std::uint64_t max_memory = 0;  // bytes, 0: no limit
  std::uint32_t max_connections = 10000;
  std::uint32_t idle_timeout = 0;                 // seconds after which a silent client is sent away; 0: never
  std::uint32_t network_buffer_size = 16 * 1024;  // bytes
  std::uint32_t sync_queue = 4096;                // writes of a core that may wait for a sync; a power of two
  backend network = backend::automatic;
};

// What the command line asks for: a run with these options, a text for stdout (--help, --version), or a complaint that
// names the option, the value and what is allowed.
struct print_and_exit {
  std::string text;
};
struct complaint {
  std::string text;
};
// frys-kernel top: a line a second about the kernel on that port.
struct watch {
  std::string address;
  std::uint16_t port;
  unsigned lines = 0;  // 0: until it is stopped
};
using parsed = std::variant<options, print_and_exit, complaint, watch>;

// `variable(name)` answers the value of an environment variable or nullptr.
parsed parse_options(int argc, const char* const* argv, const char* (*variable)(const char* name));

// "64MiB", "1gb", "4096": bytes. K, M, G, with or without iB or B, are powers of 1024. False if it is no size.
bool parse_size(std::string_view text, std::uint64_t& bytes);

}  // namespace kernel

#endif  // FRYS_KERNEL_OPTIONS_HPP
