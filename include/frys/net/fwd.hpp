// fwd: the names of net without their bodies.
#ifndef FRYS_NET_FWD_HPP
#define FRYS_NET_FWD_HPP

#include <cstdint>

#include "../config.hpp"

namespace frys::inline FRYS_ABI {

enum class resp_status : std::uint8_t;
enum class resp_kind : char;
struct resp_limits;
struct resp_event;
class resp_decoder;
struct resp_node;
struct resp_reply_limits;
struct resp_reply_event;
class resp_reply_decoder;
class resp_output;
template <class Output>
class resp_writer;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_NET_FWD_HPP
