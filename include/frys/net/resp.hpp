// resp: the Redis protocol, RESP2 and RESP3, without any I/O: commands in (resp_decoder), replies out (resp_writer into
// resp_output), and the client's side (resp_reply_decoder).
#ifndef FRYS_NET_RESP_HPP
#define FRYS_NET_RESP_HPP

#include "resp_decoder.hpp"
#include "resp_output.hpp"
#include "resp_reply.hpp"
#include "resp_writer.hpp"

#endif  // FRYS_NET_RESP_HPP
