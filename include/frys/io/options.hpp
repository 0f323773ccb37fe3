// options: how to make a reactor; the same for every backend.
#ifndef FRYS_IO_OPTIONS_HPP
#define FRYS_IO_OPTIONS_HPP

#include <cstddef>
#include <string_view>

#include "../config.hpp"
#include "../core/deadline.hpp"

namespace frys::inline FRYS_ABI {

struct reactor_options {
  std::size_t buffer_bytes = 16 * 1024;  // what one recv can bring
  std::size_t max_buffers = 64 * 1024;   // receive buffers out at once; beyond, recv fails with errc::out_of_memory
  unsigned events = 256;                 // completions taken from the kernel at once (epoll), ring entries (io_uring)
  unsigned ring_buffers = 64;            // io_uring: receive buffers lent to the kernel at any time, a power of two
  nanoseconds spin{0};                   // looks for this long before it sleeps: less latency for CPU time
  bool no_delay = true;                  // TCP_NODELAY on accepted and connected sockets
  std::string_view root = {};            // what files() takes paths relative to; empty: the working directory
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_IO_OPTIONS_HPP
