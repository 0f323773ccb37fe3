// General allocators, all through the same two function pointers. The peers are Debian's shared libraries, opened with
// RTLD_DEEPBIND: each keeps to itself, the program's own malloc stays glibc's, and one program holds them all. A
// contender is a line: BENCH_HEAP("jemalloc", jemalloc_heap); the workload has measure(settings, heap_functions).
#pragma once
#include <dlfcn.h>
#include <malloc.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "harness.hpp"

struct heap_functions {
  void* (*allocate)(std::size_t) = nullptr;
  void (*release)(void*) = nullptr;
  void (*collect)() = nullptr;  // gives back to the system what is idle

  // What the optimiser cannot see through: it must not inline one contender's functions and call those of the others.
  heap_functions hidden() const {
    heap_functions h = *this;
    asm volatile("" : "+r"(h.allocate), "+r"(h.release), "+r"(h.collect));
    return h;
  }
};

// xorshift: the same sizes and places for each contender.
struct random_numbers {
  std::uint32_t state = 2463534242u;
  std::uint32_t below(std::uint32_t n) {
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    return static_cast<std::uint32_t>(std::uint64_t{state} * n >> 32);
  }
};

// Sizes from `least` on, `span` of them; a span of 1 is a constant.
struct block_sizes {
  std::uint32_t least = 0, span = 1;
  std::size_t next(random_numbers& r) const { return span == 1 ? least : least + r.below(span); }
};

// Some libraries want more room for thread-locals than is left for one that is opened late. The room is set before a
// program starts, so the program starts once more.
inline void start_again_with_room() {
  constexpr const char* name = "GLIBC_TUNABLES";
  constexpr std::string_view room = "glibc.rtld.optional_static_tls=16384";
  const char* set = std::getenv(name);
  if (set != nullptr && std::string_view(set).find(room) != std::string_view::npos) return;
  ::setenv(name, (set != nullptr ? std::string(set) + ":" : std::string()).append(room).c_str(), 1);
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string line((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::vector<char*> arguments;
  for (std::size_t at = 0; at < line.size(); at += std::strlen(&line[at]) + 1) arguments.push_back(&line[at]);
  arguments.push_back(nullptr);
  std::array<char, PATH_MAX> program{};
  if (::readlink("/proc/self/exe", program.data(), program.size() - 1) > 0) ::execv(program.data(), arguments.data());
}

inline void* open_library(const char* library) {
  void* handle = ::dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  if (handle != nullptr) return handle;
  const char* why = ::dlerror();
  if (why != nullptr && std::strstr(why, "static TLS") != nullptr) start_again_with_room();
  return nullptr;
}

template <class Function>
Function symbol(void* library, const char* name) {
  return library != nullptr ? reinterpret_cast<Function>(::dlsym(library, name)) : nullptr;
}
inline heap_functions functions(void* library, const char* allocate, const char* release) {
  return {symbol<void* (*)(std::size_t)>(library, allocate), symbol<void (*)(void*)>(library, release), nullptr};
}

struct glibc_heap {
  static constexpr const char* package = "libc6";
  static heap_functions load() {
    return {std::malloc, std::free, [] { ::malloc_trim(0); }};
  }
};

struct jemalloc_heap {
  static constexpr const char* package = "libjemalloc2";
  static heap_functions load() {
    static void* const library = open_library("libjemalloc.so.2");
    using control = int (*)(const char*, void*, std::size_t*, void*, std::size_t);
    static const auto mallctl = symbol<control>(library, "mallctl");
    heap_functions h = functions(library, "malloc", "free");
    h.collect = [] {
      (void)mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
      (void)mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // 4096: of all arenas
    };
    return h;
  }
};

struct mimalloc_heap {
  static constexpr const char* package = "libmimalloc2.0";
  static heap_functions load() {
    static void* const library = open_library("libmimalloc.so.2");
    static const auto collect = symbol<void (*)(bool)>(library, "mi_collect");
    heap_functions h = functions(library, "mi_malloc", "mi_free");
    h.collect = [] { collect(true); };
    return h;
  }
};

struct tcmalloc_heap {
  static constexpr const char* package = "libtcmalloc-minimal4";
  static heap_functions load() {
    static void* const library = open_library("libtcmalloc_minimal.so.4");
    static const auto idle = symbol<void (*)()>(library, "MallocExtension_MarkThreadIdle");
    static const auto give_back = symbol<void (*)()>(library, "MallocExtension_ReleaseFreeMemory");
    heap_functions h = functions(library, "tc_malloc", "tc_free");
    h.collect = [] { idle(), give_back(); };
    return h;
  }
};

template <class Heap>
bool enlist_heap(const char* contender, bench::outcome (*measure)(const bench::settings&, heap_functions)) {
  const heap_functions h = Heap::load();
  if (h.allocate == nullptr) return bench::enlist_missing(contender, Heap::package);
  return bench::enlist(contender, [=](const bench::settings& s) { return measure(s, h.hidden()); });
}

#define BENCH_HEAP(name, heap)                        \
  [[maybe_unused]] static const bool bench_enlisted = \
      enlist_heap<heap>(name, [](const auto& s, auto h) { return measure(s, h); });
