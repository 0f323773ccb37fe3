// server_text: what the server says about itself.
#ifndef FRYS_KERNEL_SERVER_TEXT_HPP
#define FRYS_KERNEL_SERVER_TEXT_HPP

#include <string_view>

namespace kernel {

// The Redis version whose commands and texts we speak; clients decide by it what they may send.
inline constexpr std::string_view redis_version = "7.0.15";

}  // namespace kernel

#endif  // FRYS_KERNEL_SERVER_TEXT_HPP
