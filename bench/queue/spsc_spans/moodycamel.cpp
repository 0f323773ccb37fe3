#include "workload.hpp"

#if __has_include(<readerwriterqueue/readerwriterqueue.h>)
#include <readerwriterqueue/readerwriterqueue.h>

namespace {
struct single {
  moodycamel::ReaderWriterQueue<std::uint64_t> q{1024};
  bool try_push(std::uint64_t v) { return q.try_enqueue(v); }
  bool try_pop(std::uint64_t& v) { return q.try_dequeue(v); }
};
}  // namespace

BENCH_CONTENDER("moodycamel") { return measure<one_by_one<single>>(settings); }
#else
BENCH_MISSING("moodycamel", "libreaderwriterqueue-dev")
#endif
