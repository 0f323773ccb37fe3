// session: what commands know of a client. The connection that carries it derives from it.
//
// Threads  its core's only; a command that runs on another core never sees it.
#ifndef FRYS_KERNEL_SESSION_HPP
#define FRYS_KERNEL_SESSION_HPP

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include <frys/memory/buffer.hpp>

namespace kernel {

class session {
 public:
  std::uint64_t id = 0;  // unique in the server; the first client is 1
  std::string name;
  std::string library_name;
  std::string library_version;
  std::string address;        // "127.0.0.1:50000"
  std::string local_address;  // "127.0.0.1:8080"
  int descriptor = -1;
  int protocol = 2;                // of RESP; HELLO and RESET change it
  bool close_after_reply = false;  // QUIT and broken frames set it
  std::int64_t created_ms = 0;
  std::int64_t active_ms = 0;              // when the last command came
  std::string_view last_command = "NULL";  // lower case; lives for ever

  std::set<std::string, std::less<>> channels;  // kept by `subscriptions`
  std::set<std::string, std::less<>> patterns;

  session() = default;
  session(const session&) = delete;
  session& operator=(const session&) = delete;
  virtual ~session() = default;

  // A pub/sub message, behind all replies so far: `head` for the session's protocol, good during the call only, and the
  // body, which all listeners share.
  virtual void deliver(std::string_view head, const frys::buffer& body) = 0;

  [[nodiscard]] bool is_subscribed() const noexcept { return !channels.empty() || !patterns.empty(); }
};

}  // namespace kernel

#endif  // FRYS_KERNEL_SESSION_HPP
