// diagnostics: where the allocators that look for mistakes (tracked, leak_checked, hardened) write, how they walk a
// call stack, and what they do with a mistake.
//
// stacks::none         no call stacks: file and line of the allocate call have to do
// stacks::unwind<N>    up to N return addresses by the unwinder of the compiler's run time; nothing on Windows
// reports::to_stderr   lines go to the standard error
// violations::abort    says what is wrong on the standard error and ends the program
//
// Policies  policy::stacks<S>, policy::report_to<R>, policy::on_violation<H>: a type of yours takes the place of each.
// Threads   any.
// Cost      a walk: some 100 ns a frame.
// Limits    a stack is addresses, not names: a profile carries /proc/self/maps, by which pprof finds the names.
// frys: real model
#ifndef FRYS_MEMORY_DIAGNOSTICS_HPP
#define FRYS_MEMORY_DIAGNOSTICS_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "../config.hpp"
#include "../core/error.hpp"
#include "../policy.hpp"
#include "allocator_ref.hpp"
#include "detail/text_line.hpp"

#if FRYS_OS_POSIX
#include <unwind.h>
#endif
#if FRYS_OS_LINUX
#include <fcntl.h>
#include <unistd.h>
#endif

namespace frys::inline FRYS_ABI {

namespace policy {
struct stacks_key {};        // stack_walker
struct report_to_key {};     // report_sink
struct on_violation_key {};  // violation_handler

template <class S>
struct stacks {
  using key = stacks_key;
  using type = S;
};
template <class R>
struct report_to {
  using key = report_to_key;
  using type = R;
};
template <class H>
struct on_violation {
  using key = on_violation_key;
  using type = H;
};
}  // namespace policy

// Fills `frames` with at most `depth` return addresses of its callers, the innermost first, and says how many.
template <class S>
concept stack_walker = requires(void** frames) {
  { S::depth } -> std::convertible_to<std::size_t>;
  { S::walk(frames) }
  noexcept->std::same_as<std::size_t>;
};
// Takes a line or more of text.
template <class R>
concept report_sink = requires(std::string_view text) {
  { R::write(text) }
  noexcept;
};

enum class violation : std::uint8_t {
  overflow,         // the bytes behind the block were written
  underflow,        // the bytes before it were
  use_after_free,   // a block that had been given back was written
  double_free,      // it was given back twice
  foreign,          // what was given back is not of this allocator, or was given back long ago
  interior,         // what was given back lies inside a block, not at its front
  wrong_size,       // it was given back with another size than it was asked for
  wrong_alignment,  // the same of the alignment
  out_of_bounds,    // a range that was asked about does not lie in a block that is out
};
constexpr const char* name_of(violation v) noexcept {
  constexpr const char* names[] = {"overflow", "underflow",  "use after free",  "double free",  "foreign",
                                   "interior", "wrong size", "wrong alignment", "out of bounds"};
  return names[static_cast<std::size_t>(v)];
}

struct memory_violation {
  violation kind;
  const void* memory;     // the block, or what was taken for one
  std::size_t size;       // the block's; 0 where there is none
  std::ptrdiff_t offset;  // of the first byte that is wrong, counted from the block's front
  std::size_t given;      // the size or the alignment that the caller named
  allocation_site site;   // who had asked for the block
};
// Is told of each mistake that is found. It must not use the allocator. If it returns, the mistake is passed over.
template <class H>
concept violation_handler = requires(const memory_violation& v) {
  { H::found(v) }
  noexcept;
};

namespace detail {
// "overflow at byte 24 of 24: block 0x7f..., from parser, main.cpp:7"
template <class F>
void write_violation(const memory_violation& v, F&& write) {
  text_line line(write);
  line << "frys: " << name_of(v.kind) << ": block ";
  line.hex(reinterpret_cast<std::uintptr_t>(v.memory)) << " of " << v.size << " bytes";
  switch (v.kind) {
    case violation::overflow:
    case violation::underflow:
    case violation::use_after_free:
    case violation::interior:
    case violation::out_of_bounds:
      line << ", at byte " << (v.offset < 0 ? "-" : "")
           << static_cast<std::uint64_t>(v.offset < 0 ? -v.offset : v.offset);
      break;
    case violation::wrong_size:
    case violation::wrong_alignment:
      line << ", given back with " << v.given;
      break;
    case violation::double_free:
    case violation::foreign:
      break;
  }
  if (v.site.line != 0) line << ", taken at " << v.site.file << ":" << v.site.line;
  if (!v.site.tag.empty()) line << ", tag " << v.site.tag;
  line << "\n";
}
}  // namespace detail

namespace stacks {

struct none {
  static constexpr std::size_t depth = 0;
  static std::size_t walk(void**) noexcept { return 0; }
};

template <std::size_t Depth = 24>
struct unwind {
  static_assert(Depth >= 1 && Depth <= 256, "frys::stacks::unwind<Depth>: Depth must be 1 to 256 frames");
  static constexpr std::size_t depth = Depth;

  static std::size_t walk([[maybe_unused]] void** frames) noexcept {
#if FRYS_OS_POSIX
    struct state {
      void** frames;
      std::size_t count;
    } s{frames, 0};
    ::_Unwind_Backtrace(
        [](::_Unwind_Context* frame, void* argument) {
          auto& to = *static_cast<state*>(argument);
          const auto at = static_cast<std::uintptr_t>(::_Unwind_GetIP(frame));
          if (at == 0) return _URC_END_OF_STACK;
          to.frames[to.count++] = reinterpret_cast<void*>(at);
          return to.count == Depth ? _URC_END_OF_STACK : _URC_NO_REASON;
        },
        &s);
    return s.count;
#else
    return 0;
#endif
  }
  // What lies where in this process: the text of /proc/self/maps, in pieces; nothing where there is none.
  template <class F>
  static void mappings([[maybe_unused]] F&& write) {
#if FRYS_OS_LINUX
    const int file = ::open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    char piece[1024];
    for (;;) {
      const auto n = ::read(file, piece, sizeof piece);
      if (n <= 0) break;
      write(std::string_view(piece, static_cast<std::size_t>(n)));
    }
    ::close(file);
#endif
  }
};

}  // namespace stacks

namespace reports {
struct to_stderr {
  static void write(std::string_view text) noexcept { std::fwrite(text.data(), 1, text.size(), stderr); }
};
}  // namespace reports

namespace violations {
struct abort {
  [[noreturn]] static void found(const memory_violation& v) noexcept {
    detail::write_violation(v, [](std::string_view text) { reports::to_stderr::write(text); });
    std::abort();
  }
};
}  // namespace violations

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_DIAGNOSTICS_HPP
