#include "workload.hpp"

#if __has_include(<boost/interprocess/managed_shared_memory.hpp>)
#include <unistd.h>

#include <boost/interprocess/managed_shared_memory.hpp>
#include <string>

BENCH_CONTENDER("boost::interprocess") {
  namespace ipc = boost::interprocess;
  const std::string name = "frys-bench-" + std::to_string(::getpid());
  ipc::shared_memory_object::remove(name.c_str());
  ipc::managed_shared_memory region(ipc::create_only, name.c_str(), std::size_t{16} << 20);
  ipc::shared_memory_object::remove(name.c_str());  // whoever dies, nothing stays
  return blocks(
      settings, [&](std::size_t size) { return region.allocate(size); },
      [&](void* p, std::size_t) { region.deallocate(p); });
}
#else
BENCH_MISSING("boost::interprocess", "libboost-dev")
#endif
