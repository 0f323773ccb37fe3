// Any bytes, in any pieces: the reply decoder must not crash, must keep its limits, and must find the same replies
// whole and in pieces. The first byte is the size of the pieces.
#include <frys/net/resp_reply.hpp>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace {

constexpr frys::resp_reply_limits limits{.max_bulk = 1000, .max_line = 200, .max_nodes = 300, .max_depth = 10};

struct outcome {
  std::vector<std::string> nodes;
  std::string error;
  bool operator==(const outcome&) const = default;
};

void require(bool fact) {
  if (!fact) std::abort();
}

outcome decode(const std::uint8_t* data, std::size_t size, std::size_t piece) {
  outcome out;
  frys::resp_reply_decoder decoder(limits);
  std::size_t begin = 0;
  std::size_t end = 0;
  while (end < size) {
    end = size - end < piece ? size : end + piece;
    for (;;) {
      const std::size_t n = end - begin;
      const std::unique_ptr<std::byte[]> fresh(new std::byte[n]);
      if (n != 0) std::memcpy(fresh.get(), data + begin, n);
      const frys::resp_reply_event event = decoder.decode({fresh.get(), n});
      require(event.consumed <= n);
      begin += event.consumed;
      if (event.status == frys::resp_status::error) {
        out.error = event.message;
        return out;
      }
      if (event.status == frys::resp_status::need_more) {
        require(event.needed > n - event.consumed);
        break;
      }
      require(!event.nodes.empty() && event.nodes.size() <= limits.max_nodes && event.consumed != 0);
      require(frys::resp_skip(event.nodes, 0) == event.nodes.size());
      for (const frys::resp_node& node : event.nodes) {
        out.nodes.push_back(static_cast<char>(node.kind) + std::to_string(node.number) + std::string(node.text));
        (void)node.as_real();
      }
      out.nodes.emplace_back("\n");
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 5000) return 0;
  const std::size_t piece = data[0] == 0 ? 1 : data[0];
  require(decode(data + 1, size - 1, piece) == decode(data + 1, size - 1, size));
  return 0;
}
