#include "workload.hpp"

#if __has_include(<boost/crc.hpp>)
#include <boost/crc.hpp>

BENCH_CONTENDER("boost::crc") {
  return checksum(settings, [](const char* p, std::size_t n) {
    boost::crc_optimal<32, 0x1edc6f41, 0xffffffff, 0xffffffff, true, true> c;
    c.process_bytes(p, n);
    return c.checksum();
  });
}
#else
BENCH_MISSING("boost::crc", "libboost-dev")
#endif
