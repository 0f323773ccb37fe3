#include "workload.hpp"

#include <frys/net/resp_decoder.hpp>

#include <algorithm>

BENCH_CONTENDER("frys") {
  return pass(settings, [](std::string_view bytes, seen& s) {
    frys::resp_decoder decoder;
    std::size_t from = 0, have = 0;  // what the connection's buffer holds: bytes[from, have)
    while (from < bytes.size()) {
      have = (std::min)(bytes.size(), have + 16384);
      for (;;) {
        const frys::resp_event e = decoder.decode(frys::as_bytes(bytes.substr(from, have - from)));
        from += e.consumed;
        if (e.status != frys::resp_status::command) break;
        ++s.commands;
        s.arguments += e.args.size();
        for (const std::string_view a : e.args) s.argument_bytes += a.size();
      }
      if (have == bytes.size()) break;
    }
  });
}
