// expect: frys::wal: policy::files wants a file system whose buffer is frys::buffer, see core/concepts.hpp
#include <frys/storage/wal.hpp>

#ifdef WRONG
using log_type = frys::wal<frys::policy::files<int>>;
#else
using log_type = frys::wal<frys::policy::files<frys::posix_files>>;
#endif
static_assert(sizeof(log_type) != 0);
