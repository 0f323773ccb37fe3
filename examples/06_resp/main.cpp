// How do I speak the Redis protocol without giving up my own sockets?
//
// The codecs see bytes only. Here the "network" is a string that is cut into pieces at the worst places: a server
// answers what has arrived, a client reads the answers.
#include <frys/net/resp.hpp>

#include <cstdio>
#include <map>
#include <string>

// [region server]
struct tiny_server {
  frys::resp_decoder decoder;
  std::string input;         // what has arrived and is not consumed yet
  frys::resp_output output;  // what is to be sent
  std::map<std::string, std::string, std::less<>> store;

  // False: the peer broke the protocol; send the output, then close.
  bool received(std::string_view bytes) {
    input += bytes;
    frys::resp_writer<frys::resp_output> reply(output);
    std::string_view rest = input;
    for (;;) {
      const frys::resp_event event = decoder.decode(frys::as_bytes(rest));
      rest.remove_prefix(event.consumed);
      if (event.status == frys::resp_status::error) {
        reply.error("ERR " + std::string(event.message));
        return false;
      }
      if (event.status == frys::resp_status::need_more) break;
      if (event.args[0] == "SET" && event.args.size() == 3) {
        store[std::string(event.args[1])] = event.args[2];
        reply.ok();
      } else if (event.args[0] == "GET" && event.args.size() == 2) {
        const auto found = store.find(event.args[1]);
        found == store.end() ? reply.null() : reply.bulk(found->second);
      } else {
        reply.error("ERR unknown command");
      }
    }
    input.erase(0, input.size() - rest.size());
    return true;
  }
};
// [endregion server]

int main() {
  // [region client]
  frys::resp_output request;
  frys::resp_writer<frys::resp_output> command(request);
  command.array(3);
  command.bulk("SET");
  command.bulk("city");
  command.bulk("Lima");
  request.append("GET city\r\nGET river\r\nFLY\r\n");  // inline commands are fine, too
  // [endregion client]

  tiny_server server;
  for (std::size_t at = 0; at < request.size(); at += 5) server.received(request.text().substr(at, 5));

  // [region replies]
  frys::resp_reply_decoder replies;
  std::string_view rest = server.output.text();
  for (;;) {
    const frys::resp_reply_event event = replies.decode(frys::as_bytes(rest));
    if (!event.is_reply()) break;
    const frys::resp_node& node = event.nodes[0];
    if (node.kind == frys::resp_kind::null)
      std::puts("(nothing)");
    else
      std::printf("%s%.*s\n", node.is_error() ? "error: " : "", static_cast<int>(node.text.size()), node.text.data());
    rest.remove_prefix(event.consumed);
  }
  // [endregion replies]
  // A frame that is not RESP ends in Redis' own words.
  const bool fine = server.received("*1\r\nGET\r\n");
  const std::string last(server.output.text().substr(server.output.text().rfind('-')));
  std::printf("%s", last.c_str());
  return fine || rest.size() != 0 ? 1 : 0;
}
