// os_error: errno as an error of frys.
//
// Every mapping keeps errno in error::number; the sentence is the caller's, for it knows what was tried.
#ifndef FRYS_IO_OS_ERROR_HPP
#define FRYS_IO_OS_ERROR_HPP

#include <cerrno>

#include "../config.hpp"
#include "../core/error.hpp"

namespace frys::inline FRYS_ABI {

// The code that fits an errno value; errc::io_failed for whatever has no code of its own.
constexpr errc errc_of_errno(int number) noexcept {
  switch (number) {
    case EINVAL:
    case EBADF:
    case ENAMETOOLONG:
    case ENOTDIR:
    case EISDIR:
      return errc::invalid_argument;
    case ENOENT:
      return errc::not_found;
    case EEXIST:
      return errc::already_exists;
    case ENOSYS:
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
      return errc::unsupported;
    case ENOMEM:
    case ENOBUFS:
      return errc::out_of_memory;
    case EPERM:
    case EACCES:
    case EROFS:
      return errc::permission_denied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return errc::no_space;
    case EMFILE:
    case ENFILE:
      return errc::too_many_files;
    case EADDRINUSE:
      return errc::address_in_use;
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
      return errc::connection_reset;
    case ECONNREFUSED:
      return errc::connection_refused;
    case ETIMEDOUT:
      return errc::timed_out;
    case ECANCELED:
      return errc::cancelled;
    case EBUSY:
      return errc::busy;
    default:
      return errc::io_failed;
  }
}

// `message` is one sentence that lives for ever.
constexpr error os_error(int number, const char* message) noexcept {
  return {errc_of_errno(number), domain::io, message, number};
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_IO_OS_ERROR_HPP
