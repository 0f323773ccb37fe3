// 1,000 records of 120 bytes are appended and flushed as one group, to a file that is not synced (durability process)
// and to one that is (machine). ns per record: CPU time for process, wall
// time for machine; the work between the device's syncs is what a log can be good at.
#pragma once
#include <string>

#include "harness.hpp"

inline constexpr std::size_t group = 1000;
inline constexpr std::size_t record_bytes = 120;
