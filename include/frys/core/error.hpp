// error: what went wrong, as a value of 24 bytes (64-bit machines): a stable code, the room it comes from, a short
// sentence, and a number.
//
// Codes    never change their number; docs/errors.md lists each with its meaning and remedy, and a test reaches each.
// Cost     trivially copyable, no allocation; the message is a string literal or other text that lives for ever.
#ifndef FRYS_CORE_ERROR_HPP
#define FRYS_CORE_ERROR_HPP

#include <cstddef>
#include <cstdint>

#include "../config.hpp"

namespace frys::inline FRYS_ABI {

// Stable: numbers are never reused. Grouped by tens so that a group can grow.
enum class errc : std::uint16_t {
  // The caller's input
  invalid_argument = 1,  // an argument is outside what the function allows
  not_found = 2,         // no such file, key or element
  already_exists = 3,    // a thing that must be new is there already
  unsupported = 4,       // this machine, kernel or build lacks the feature
  // Limits and states
  out_of_memory = 10,   // the memory source refused
  limit_exceeded = 11,  // a configured bound would be passed
  full = 12,            // no room now; may be different later
  closed = 13,          // the other side said that it is finished
  timed_out = 14,       // the deadline passed first
  cancelled = 15,       // somebody asked for the operation to stop
  busy = 16,            // another user holds the resource
  // The operating system
  io_failed = 20,           // the device or the kernel reported a failure; `number` is errno
  permission_denied = 21,   // the kernel refuses this process
  no_space = 22,            // the device is full
  too_many_files = 23,      // the descriptor table is full
  address_in_use = 24,      // another socket holds the address
  connection_reset = 25,    // the peer broke the connection off
  connection_refused = 26,  // nobody listens there
  // Data that was read
  corrupt = 40,           // a checksum or a structure does not fit; `number` is the offset
  truncated = 41,         // the data end before they should; `number` is the offset
  version_mismatch = 42,  // written by a format this build does not read
  // Protocols
  protocol_error = 60,  // the peer's bytes break the protocol's grammar
  too_large = 61,       // a message is larger than its limit
};

// The room that made an error.
enum class domain : std::uint8_t {
  core = 0,
  memory = 1,
  queue = 2,
  simd = 3,
  sched = 4,
  io = 5,
  storage = 6,
  search = 7,
  net = 8,
  plugin = 9,
  runtime = 10,
  sim = 11,
  user = 255,
};

// The code's name as it is written in docs/errors.md, for example "corrupt".
constexpr const char* name_of(errc code) noexcept {
  switch (code) {
    case errc::invalid_argument:
      return "invalid_argument";
    case errc::not_found:
      return "not_found";
    case errc::already_exists:
      return "already_exists";
    case errc::unsupported:
      return "unsupported";
    case errc::out_of_memory:
      return "out_of_memory";
    case errc::limit_exceeded:
      return "limit_exceeded";
    case errc::full:
      return "full";
    case errc::closed:
      return "closed";
    case errc::timed_out:
      return "timed_out";
    case errc::cancelled:
      return "cancelled";
    case errc::busy:
      return "busy";
    case errc::io_failed:
      return "io_failed";
    case errc::permission_denied:
      return "permission_denied";
    case errc::no_space:
      return "no_space";
    case errc::too_many_files:
      return "too_many_files";
    case errc::address_in_use:
      return "address_in_use";
    case errc::connection_reset:
      return "connection_reset";
    case errc::connection_refused:
      return "connection_refused";
    case errc::corrupt:
      return "corrupt";
    case errc::truncated:
      return "truncated";
    case errc::version_mismatch:
      return "version_mismatch";
    case errc::protocol_error:
      return "protocol_error";
    case errc::too_large:
      return "too_large";
  }
  return "unknown";
}

constexpr const char* name_of(domain d) noexcept {
  switch (d) {
    case domain::core:
      return "core";
    case domain::memory:
      return "memory";
    case domain::queue:
      return "queue";
    case domain::simd:
      return "simd";
    case domain::sched:
      return "sched";
    case domain::io:
      return "io";
    case domain::storage:
      return "storage";
    case domain::search:
      return "search";
    case domain::net:
      return "net";
    case domain::plugin:
      return "plugin";
    case domain::runtime:
      return "runtime";
    case domain::sim:
      return "sim";
    case domain::user:
      return "user";
  }
  return "unknown";
}

struct error {
  errc code = errc::invalid_argument;
  domain where = domain::user;
  const char* message = "";  // one sentence, lower case, no full stop; lives for ever
  std::int64_t number = 0;   // errno, an offset, a limit: what the code's line in docs/errors.md says

  friend constexpr bool operator==(const error& a, errc wanted) noexcept { return a.code == wanted; }
  // Same code from the same room; message and number are for people.
  friend constexpr bool operator==(const error& a, const error& b) noexcept {
    return a.code == b.code && a.where == b.where;
  }
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_ERROR_HPP
