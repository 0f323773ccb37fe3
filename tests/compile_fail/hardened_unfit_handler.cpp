// expect: frys::hardened: policy::on_violation wants a handler of violations, see memory/diagnostics.hpp
#include <frys/memory/arena.hpp>
#include <frys/memory/hardened.hpp>

#ifdef WRONG
inline frys::hardened<frys::arena<>, frys::policy::on_violation<int>> block;
#else
inline frys::hardened<frys::arena<>, frys::policy::on_violation<frys::violations::abort>> block;
#endif
