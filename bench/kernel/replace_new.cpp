// A library to preload (heaps.py): a program's new and delete are frys::process_heap's; with -DWITH_MALLOC, malloc too.
#include <frys/memory/replace_new.hpp>
#if defined(WITH_MALLOC)
#include <frys/memory/replace_malloc.hpp>
#endif
