#include "workload.hpp"

#if __has_include(<xxhash.h>)
#define XXH_INLINE_ALL
#include <xxhash.h>

BENCH_CONTENDER("xxh3") {
  return hash_texts(settings, [](std::string_view t) { return XXH3_64bits(t.data(), t.size()); });
}
#else
BENCH_MISSING("xxh3", "libxxhash-dev")
#endif
