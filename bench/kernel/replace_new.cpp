// A library to preload: a program's new and delete are frys::process_heap's, malloc remains the system's (heaps.py).
#include <frys/memory/replace_new.hpp>
