// expect: frys::leak_checked: policy::report_to wants a sink of text, see memory/diagnostics.hpp
#include <frys/memory/arena.hpp>
#include <frys/memory/leak_checked.hpp>

#ifdef WRONG
inline frys::leak_checked<frys::arena<>, frys::policy::report_to<int>> block;
#else
inline frys::leak_checked<frys::arena<>, frys::policy::report_to<frys::reports::to_stderr>> block;
#endif
