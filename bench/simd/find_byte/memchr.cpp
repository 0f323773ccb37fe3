#include "workload.hpp"

#include <cstring>

BENCH_CONTENDER("memchr") {
  return find(settings, [](const char* p, std::size_t n, char c) {
    const void* at = std::memchr(p, c, n);
    return at == nullptr ? n : static_cast<std::size_t>(static_cast<const char*>(at) - p);
  });
}
