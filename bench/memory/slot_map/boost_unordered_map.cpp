#include "maps.hpp"

#if __has_include(<boost/unordered_map.hpp>)
#include <boost/unordered_map.hpp>

BENCH_MEASURE("boost::unordered_map", numbered<boost::unordered_map<std::uint64_t, particle>>)
#else
BENCH_MISSING("boost::unordered_map", "libboost-dev")
#endif
