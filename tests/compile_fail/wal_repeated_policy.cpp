// expect: frys::wal: a policy is given twice; name each at most once
#include <frys/storage/wal.hpp>

#ifdef WRONG
using log_type = frys::wal<frys::policy::files<frys::posix_files>, frys::policy::files<frys::posix_files>>;
#else
using log_type = frys::wal<frys::policy::files<frys::posix_files>>;
#endif
static_assert(sizeof(log_type) != 0);
