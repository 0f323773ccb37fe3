// with/uring: takes liburing, for uring_reactor and for with_reactor's first choice. Include it before anything else of
// io, in every translation unit that shall have it, or define FRYS_WITH_URING=1 for the whole program.
//
// Needs     liburing >= 2.3 (Debian: liburing-dev, vcpkg: liburing), linked with -luring (CMake: frys::uring); Linux.
#ifndef FRYS_WITH_URING_HPP
#define FRYS_WITH_URING_HPP

#if !defined(FRYS_WITH_URING)
#define FRYS_WITH_URING 1
#elif !FRYS_WITH_URING
#error "frys/with/uring.hpp: io was already included without liburing; include this header first"
#endif

#include "../io/uring_reactor.hpp"

#endif  // FRYS_WITH_URING_HPP
