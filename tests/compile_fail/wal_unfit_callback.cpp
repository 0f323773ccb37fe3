// expect: frys::wal::open: on_record takes a std::uint64_t number and a byte_view record
#include <frys/sim/disk.hpp>
#include <frys/storage/wal.hpp>

using log_type = frys::wal<frys::policy::files<frys::sim::disk>>;

inline void use(frys::sim::disk& disk) {
#ifdef WRONG
  (void)log_type::open(disk, {}, [](int*) {});
#else
  (void)log_type::open(disk, {}, [](std::uint64_t, frys::byte_view) {});
#endif
}
