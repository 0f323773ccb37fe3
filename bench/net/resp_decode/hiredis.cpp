// link: hiredis
#include "workload.hpp"

#if __has_include(<hiredis/hiredis.h>)
#include <hiredis/hiredis.h>

#include <algorithm>

// hiredis reads replies; a command has the form of an array reply, so its reader decodes it too, into objects of its
// own.
BENCH_CONTENDER("hiredis") {
  return pass(settings, [](std::string_view bytes, seen& s) {
    redisReader* reader = redisReaderCreate();
    for (std::size_t at = 0; at < bytes.size(); at += 16384) {
      redisReaderFeed(reader, bytes.data() + at, (std::min)(std::size_t{16384}, bytes.size() - at));
      void* reply = nullptr;
      while (redisReaderGetReply(reader, &reply) == REDIS_OK && reply != nullptr) {
        const auto* r = static_cast<const redisReply*>(reply);
        ++s.commands;
        s.arguments += r->elements;
        for (std::size_t i = 0; i < r->elements; ++i) s.argument_bytes += r->element[i]->len;
        freeReplyObject(reply);
        reply = nullptr;
      }
    }
    redisReaderFree(reader);
  });
}
#else
BENCH_MISSING("hiredis", "libhiredis-dev")
#endif
