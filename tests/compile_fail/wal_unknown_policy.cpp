// expect: frys::wal: unknown policy; it takes policy::files and policy::world
#include <frys/storage/wal.hpp>

#ifdef WRONG
using log_type = frys::wal<frys::policy::capacity<8>>;
#else
using log_type = frys::wal<frys::policy::files<frys::posix_files>>;
#endif
static_assert(sizeof(log_type) != 0);
