// Any bytes, in any pieces: the decoder must not crash, must keep its limits, and must find the same commands whole and
// in pieces. The first byte is the size of the pieces.
#include <frys/net/resp_decoder.hpp>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace {

constexpr frys::resp_limits limits{.max_bulk = 1000, .max_args = 100, .max_inline = 200, .max_command = 4000};

struct outcome {
  std::vector<std::string> words;  // every argument, and an empty line between commands
  std::string error;
  bool operator==(const outcome&) const = default;
};

void require(bool fact) {
  if (!fact) std::abort();
}

outcome decode(const std::uint8_t* data, std::size_t size, std::size_t piece) {
  outcome out;
  frys::resp_decoder decoder(limits);
  std::size_t begin = 0;
  std::size_t end = 0;
  while (end < size) {
    end = size - end < piece ? size : end + piece;
    for (;;) {
      // A block of its own, so that a view outside it is seen.
      const std::size_t n = end - begin;
      const std::unique_ptr<std::byte[]> fresh(new std::byte[n]);
      if (n != 0) std::memcpy(fresh.get(), data + begin, n);
      const frys::resp_event event = decoder.decode({fresh.get(), n});
      require(event.consumed <= n);
      begin += event.consumed;
      if (event.status == frys::resp_status::error) {
        require(!event.message.empty());
        out.error = std::string(event.message);
        return out;
      }
      if (event.status == frys::resp_status::need_more) {
        require(event.needed > n - event.consumed);
        break;
      }
      require(!event.args.empty() && event.args.size() <= limits.max_args && event.consumed != 0);
      for (const std::string_view arg : event.args) {
        require(arg.size() <= limits.max_bulk);
        out.words.emplace_back(arg);
      }
      out.words.emplace_back("\n");
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
