// C. Desrochers' ReaderWriterQueue: one producer, one consumer.
#pragma once
#include <cstdint>

#if __has_include(<readerwriterqueue/readerwriterqueue.h>)
#include <readerwriterqueue/readerwriterqueue.h>

namespace {
struct moodycamel_spsc {
  moodycamel::ReaderWriterQueue<std::uint64_t> q{1024};
  bool try_push(std::uint64_t v) { return q.try_enqueue(v); }
  bool try_pop(std::uint64_t& v) { return q.try_dequeue(v); }
};
}  // namespace
#else
struct moodycamel_spsc {
  static constexpr const char* package = "libreaderwriterqueue-dev";
};
#endif
