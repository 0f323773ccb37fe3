// liburing: the outside library behind its gate. Only what Debian 12's shared library (2.3) exports is called.
// frys: real model
#ifndef FRYS_IO_DETAIL_LIBURING_HPP
#define FRYS_IO_DETAIL_LIBURING_HPP

#include "../../config.hpp"

#ifndef FRYS_WITH_URING
#define FRYS_WITH_URING 0
#endif

#if FRYS_WITH_URING
#if !FRYS_OS_LINUX
#error "frys: FRYS_WITH_URING is for Linux; leave it undefined elsewhere"
#endif
// Its inline functions convert freely; strict warnings are for our code.
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#endif
#include <liburing.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
#endif

#endif  // FRYS_IO_DETAIL_LIBURING_HPP
