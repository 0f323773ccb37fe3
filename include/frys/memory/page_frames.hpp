// os_page_frames: memory whose addresses and pages are two things: several pages of addresses may show one page of
// memory. A model of page_frame_source, for policy::frames.
//
// Use when  a block moves memory under its users (meshing_pool).
// Not when  memory is to be shared with another process (os_shared_memory) or just to be had (os_pages).
// Threads   an area: one at a time.
// Cost      a system call for each operation; a page of memory is taken at its first touch. Each page that shows
//           another one's memory is a mapping of its own, of which Linux allows a process some 65,000.
// Errors    errc::unsupported: this system cannot (all but Linux); errc::out_of_memory: no addresses, no memory, or too
//           many mappings; errc::invalid_argument: no pages were asked for.
// Lifetime  an area's end takes its memory. A child does not have it after fork.
// frys: real model
#ifndef FRYS_MEMORY_PAGE_FRAMES_HPP
#define FRYS_MEMORY_PAGE_FRAMES_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "../config.hpp"
#include "../core/bytes.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "pages.hpp"

#if FRYS_OS_LINUX
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace frys::inline FRYS_ABI {

// Areas of pages (page_size bytes of addresses each) and as many frames (of memory); page i shows frame i at first.
template <class M>
concept page_frame_source = std::movable<typename M::area> &&
    requires(std::size_t size, typename M::area& a, const typename M::area& seen, std::uint32_t n) {
  { M::create(size) } -> std::same_as<result<typename M::area>>;
  { seen.bytes() } -> std::same_as<byte_span>;
  { a.show(n, n) } -> std::same_as<result<void>>;  // page, frame; on an error the page shows what it did
  { a.drop(n) }
  noexcept;  // the frame's memory goes; who looks at it again sees zeros
};

namespace policy {
struct frames_key {};  // page_frame_source (memory/page_frames.hpp)

template <class M>
struct frames {
  using key = frames_key;
  using type = M;
};
template <class W>
requires requires { typename W::frames; }
struct offer<frames_key, W> {
  using type = frames<typename W::frames>;
};
}  // namespace policy

struct os_page_frames {
  class area {
   public:
    area() noexcept = default;
    area(area&& other) noexcept : bytes_(std::exchange(other.bytes_, {})), fd_(std::exchange(other.fd_, -1)) {}
    area& operator=(area&& other) noexcept {
      area taken(std::move(other));
      std::swap(bytes_, taken.bytes_);
      std::swap(fd_, taken.fd_);
      return *this;
    }
    ~area() {
#if FRYS_OS_LINUX
      if (bytes_.data() != nullptr) ::munmap(bytes_.data(), bytes_.size());
      if (fd_ >= 0) ::close(fd_);
#endif
    }
    [[nodiscard]] byte_span bytes() const noexcept { return bytes_; }
    // From now on the page shows what lies in the frame.
    result<void> show([[maybe_unused]] std::uint32_t page, [[maybe_unused]] std::uint32_t frame) noexcept {
#if FRYS_OS_LINUX
      return map(bytes_.data() + std::size_t{page} * page_size, page_size, std::size_t{frame} * page_size, fd_);
#else
      return not_here();
#endif
    }
    void drop([[maybe_unused]] std::uint32_t frame) noexcept {
#if FRYS_OS_LINUX
      // Where it fails the memory stays, which is no harm but its size.
      (void)::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                        static_cast<::off_t>(std::size_t{frame} * page_size), static_cast<::off_t>(page_size));
#endif
    }

   private:
    friend os_page_frames;
    byte_span bytes_;
    int fd_ = -1;
  };

  // `size` bytes, rounded up to pages. Addresses; no memory yet.
  [[nodiscard]] static result<area> create([[maybe_unused]] std::size_t size) noexcept {
#if FRYS_OS_LINUX
    const std::size_t whole = detail::round_up(size, page_size);
    if (size == 0) return detail::no_pages_asked;
    if (whole == 0 || whole > detail::most_bytes) return detail::pages_refused(size);
    if (::sysconf(_SC_PAGESIZE) != static_cast<long>(page_size)) return not_here();
    area out;
    out.fd_ = static_cast<int>(::syscall(SYS_memfd_create, "frys-frames", MFD_CLOEXEC));
    if (out.fd_ < 0 || ::ftruncate(out.fd_, static_cast<::off_t>(whole)) != 0) return detail::pages_refused(size);
    void* const at = ::mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, out.fd_, 0);
    if (at == reinterpret_cast<void*>(std::intptr_t{-1})) return detail::pages_refused(size);  // MAP_FAILED, uncast
    out.bytes_ = byte_span(static_cast<std::byte*>(at), whole);
    (void)::madvise(at, whole, MADV_DONTFORK);
    return out;
#else
    return not_here();
#endif
  }

 private:
#if FRYS_OS_LINUX
  static result<void> map(std::byte* at, std::size_t size, std::size_t offset, int fd) noexcept {
    void* const there = ::mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd,
                               static_cast<::off_t>(offset));
    if (there != at) return detail::pages_refused(size);
    (void)::madvise(at, size, MADV_DONTFORK);
    return {};
  }
#endif
  static error not_here() noexcept {
    return {errc::unsupported, domain::memory, "this system cannot show one page of memory at two addresses", 0};
  }
};
static_assert(page_frame_source<os_page_frames>);

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_PAGE_FRAMES_HPP
