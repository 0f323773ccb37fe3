// fwd: the names of io without their bodies.
#ifndef FRYS_IO_FWD_HPP
#define FRYS_IO_FWD_HPP

#include <cstdint>

#include "../config.hpp"

namespace frys::inline FRYS_ABI {

struct reactor_options;
class socket_address;
class socket_handle;
class stream_socket;
struct listener_options;
class listener;
class posix_file;
class posix_files;
enum class backend : std::uint8_t;
template <class... Policies>
class epoll_reactor;
template <class... Policies>
class uring_reactor;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_IO_FWD_HPP
