// numa_topology, bound_pages, interleaved_pages: which node of the machine a processor and a piece of memory belong to.
// On a machine of several nodes each has memory of its own, and that of another node is slower to reach.
//
// numa_topology      the nodes, their processors, and which of them have memory, read from the kernel's directory
// bound_pages<N>     a page source whose memory lies on node N; numa_here: on the node of the thread that allocates
// interleaved_pages  a page source whose memory lies on all nodes in turn, page by page: for what all of them read
//
// Use when  one arena, pool or queue per node is worth its trouble: measure first what a remote read costs.
// Not when  the machine has one node: there it changes nothing, at no cost.
// Threads   any. A topology is a value, and is const after read.
// Cost      read: some 3 files per node; numa_topology::machine() reads them once. A page source: one system call more
//           (mbind) per allocation, and none on a machine of one node.
// Errors    read: errc::corrupt for a file that is no list of numbers or contradicts another; errc::limit_exceeded from
//           most_nodes or most_cpus on; what the kernel says when it lets a file not be read. Where the directory is
//           missing, the machine has one node: kernels without NUMA have none.
//           A page source: those of the source behind it. Where to put memory is advice: when the kernel does not take
//           it (a node that is off, a container without the right), the memory is answered as it is, and misplaced()
//           counts its bytes.
// Systems   Linux; elsewhere there is one node.
// frys: real model
#ifndef FRYS_MEMORY_NUMA_HPP
#define FRYS_MEMORY_NUMA_HPP

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "../config.hpp"
#include "../core/bytes.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "pages.hpp"

#if FRYS_OS_LINUX
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace frys::inline FRYS_ABI {

namespace detail {

// Calls each(first, last) for each range of a list as the kernel writes it, "0-3,8,10-11". False: that is no such list.
template <class F>
bool each_range(std::string_view list, F each) {
  while (!list.empty() && (list.back() == '\n' || list.back() == ' ')) list.remove_suffix(1);
  const auto number = [&](std::uint32_t& n) {
    std::size_t digits = 0;
    for (n = 0; digits != list.size() && list[digits] >= '0' && list[digits] <= '9' && digits != 9; ++digits)
      n = n * 10 + static_cast<std::uint32_t>(list[digits] - '0');
    list.remove_prefix(digits);
    return digits != 0;
  };
  if (list.empty()) return true;
  for (;;) {
    std::uint32_t first = 0, last = 0;
    if (!number(first)) return false;
    last = first;
    if (!list.empty() && list.front() == '-') {
      list.remove_prefix(1);
      if (!number(last) || last < first) return false;
    }
    each(first, last);
    if (list.empty()) return true;
    if (list.front() != ',') return false;
    list.remove_prefix(1);
  }
}

}  // namespace detail

class numa_topology {
 public:
  static constexpr std::size_t most_nodes = 64;   // one word, as mbind takes them
  static constexpr std::size_t most_cpus = 8192;  // as many as a kernel can be built for
  static constexpr unsigned none = 255;

  // One node, 0, that has every processor.
  numa_topology() noexcept { node_of_.fill(0); }

  // What the kernel tells, or a directory that looks as its own does.
  [[nodiscard]] static result<numa_topology> read(
      [[maybe_unused]] std::string_view directory = "/sys/devices/system/node") noexcept {
#if FRYS_OS_LINUX
    numa_topology t;
    t.node_of_.fill(std::uint8_t{none});
    text file;
    result<std::string_view> list = file.read(directory, "online");
    if (!list) return list.error() == errc::not_found ? result<numa_topology>(numa_topology()) : list.error();
    result<std::uint64_t> nodes = mask_of(*list);
    if (!nodes) return nodes.error();
    if (*nodes == 0) return contradiction;
    t.online_ = *nodes;
    list = file.read(directory, "has_memory");
    if (!list && list.error() != errc::not_found) return list.error();
    nodes = list ? mask_of(*list) : t.online_;  // older kernels do not tell
    if (!nodes) return nodes.error();
    if ((*nodes & ~t.online_) != 0 || *nodes == 0) return contradiction;
    t.with_memory_ = *nodes;
    for (unsigned node = 0; node != most_nodes; ++node)
      if (t.is_online(node))
        if (const result<void> read = t.read_cpus(file, directory, node); !read) return read.error();
    return t;
#else
    return numa_topology();
#endif
  }
  // This machine, read when it is first asked for; one node where it cannot be read.
  [[nodiscard]] static const numa_topology& machine() noexcept {
    static const numa_topology t = [] {
      result<numa_topology> r = read();
      return r ? *r : numa_topology();
    }();
    return t;
  }

  // How many nodes are online. Their numbers may have holes.
  [[nodiscard]] std::size_t nodes() const noexcept { return static_cast<std::size_t>(std::popcount(online_)); }
  [[nodiscard]] bool is_online(unsigned node) const noexcept { return node < most_nodes && (online_ >> node & 1) != 0; }
  [[nodiscard]] bool has_memory(unsigned node) const noexcept {
    return node < most_nodes && (with_memory_ >> node & 1) != 0;
  }
  // The nodes that have memory, a bit for each.
  [[nodiscard]] std::uint64_t memory_mask() const noexcept { return with_memory_; }
  // `none` for a processor that is off.
  [[nodiscard]] unsigned node_of_cpu(std::size_t cpu) const noexcept { return cpu < most_cpus ? node_of_[cpu] : none; }
  [[nodiscard]] std::size_t cpus_of(unsigned node) const noexcept {
    std::size_t n = 0;
    for (const std::uint8_t of : node_of_) n += of == node;
    return node == none ? 0 : n;
  }
  // The node of the processor that runs the calling thread, which may be moved to another at any time. The first node
  // where that cannot be said.
  [[nodiscard]] unsigned here() const noexcept {
#if FRYS_OS_LINUX
    if (nodes() > 1) {
      const int cpu = ::sched_getcpu();
      if (const unsigned node = node_of_cpu(static_cast<std::size_t>(cpu)); cpu >= 0 && node != none) return node;
    }
#endif
    return static_cast<unsigned>(std::countr_zero(online_));
  }

 private:
  static constexpr error contradiction{errc::corrupt, domain::memory,
                                       "the files of the machine's nodes contradict each other", 0};
#if FRYS_OS_LINUX
  struct text {
    std::array<char, 16384> bytes;

    // What directory/name has.
    result<std::string_view> read(std::string_view directory, const char* name, int node = -1) noexcept {
      std::array<char, 512> path;
      const int length = node < 0 ? std::snprintf(path.data(), path.size(), "%.*s/%s",
                                                  static_cast<int>(directory.size()), directory.data(), name)
                                  : std::snprintf(path.data(), path.size(), "%.*s/node%d/%s",
                                                  static_cast<int>(directory.size()), directory.data(), node, name);
      if (directory.size() >= path.size() || length < 0 || static_cast<std::size_t>(length) >= path.size())
        return error{errc::invalid_argument, domain::memory, "the path of the machine's nodes is too long", 0};
      const int fd = ::open(path.data(), O_RDONLY | O_CLOEXEC);
      if (fd < 0) return failed(errno);
      std::size_t size = 0;
      for (;;) {
        const ::ssize_t n = ::read(fd, bytes.data() + size, bytes.size() - size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
          const int number = errno;
          ::close(fd);
          return failed(number);
        }
        size += static_cast<std::size_t>(n);
        if (n == 0 || size == bytes.size()) break;
      }
      ::close(fd);
      if (size == bytes.size()) return no_list;
      return std::string_view(bytes.data(), size);
    }
    static error failed(int number) noexcept {
      return {number == ENOENT                      ? errc::not_found
              : number == EACCES || number == EPERM ? errc::permission_denied
                                                    : errc::io_failed,
              domain::memory, "a file of the machine's nodes cannot be read", number};
    }
  };
  static constexpr error no_list{errc::corrupt, domain::memory, "a file of the machine's nodes is no list of numbers",
                                 0};

  static result<std::uint64_t> mask_of(std::string_view list) noexcept {
    std::uint64_t mask = 0;
    bool fit = true;
    const bool is_list = detail::each_range(list, [&](std::uint32_t first, std::uint32_t last) {
      fit = fit && last < most_nodes;
      for (std::uint32_t n = first; fit && n <= last; ++n) mask |= std::uint64_t{1} << n;
    });
    if (!is_list) return no_list;
    if (!fit)
      return error{errc::limit_exceeded, domain::memory, "the machine has a node of too high a number", most_nodes};
    return mask;
  }
  result<void> read_cpus(text& file, std::string_view directory, unsigned node) noexcept {
    const result<std::string_view> list = file.read(directory, "cpulist", static_cast<int>(node));
    if (!list) return list.error() == errc::not_found ? contradiction : list.error();
    bool fit = true, once = true;
    const bool is_list = detail::each_range(*list, [&](std::uint32_t first, std::uint32_t last) {
      fit = fit && last < most_cpus;
      for (std::uint32_t cpu = first; fit && cpu <= last; ++cpu) {
        once = once && node_of_[cpu] == none;
        node_of_[cpu] = static_cast<std::uint8_t>(node);
      }
    });
    if (!is_list) return no_list;
    if (!fit)
      return error{errc::limit_exceeded, domain::memory, "the machine has a processor of too high a number", most_cpus};
    if (!once) return contradiction;
    return {};
  }
#endif

  std::uint64_t online_ = 1, with_memory_ = 1;
  std::array<std::uint8_t, most_cpus> node_of_;
};

// How mbind places memory; the numbers are the kernel's.
enum class numa_placement : int {
  prefer = 1,      // on the node while it has room, then elsewhere
  bind = 2,        // on the nodes of the mask or not at all: the kernel ends programs when those are full
  interleave = 3,  // page by page on each node of the mask in turn
};

// What the page sources need of the system; a test puts another in its place.
struct numa_calls {
  static const numa_topology& topology() noexcept { return numa_topology::machine(); }
  static unsigned here() noexcept { return topology().here(); }
  // False: the kernel does not want to.
  static bool place([[maybe_unused]] byte_span memory, [[maybe_unused]] numa_placement how,
                    [[maybe_unused]] std::uint64_t nodes) noexcept {
#if FRYS_OS_LINUX && defined(SYS_mbind)
    constexpr std::size_t bits = sizeof(unsigned long) * 8;
    unsigned long mask[64 / bits];
    for (std::size_t i = 0; i != 64 / bits; ++i) mask[i] = static_cast<unsigned long>(nodes >> (i * bits));
    // The kernel takes one off the number of bits.
    return ::syscall(SYS_mbind, memory.data(), memory.size(), static_cast<int>(how), mask, 65ul, 0u) == 0;
#else
    return false;
#endif
  }
};

inline constexpr unsigned numa_here = ~0u;

namespace detail {

// Who decides for which nodes an allocation is: static std::uint64_t nodes(const numa_topology&, unsigned here).
template <class Which, numa_placement How, page_source Pages, class Calls>
struct numa_pages {
  static result<byte_span> allocate(std::size_t size) noexcept(noexcept(Pages::allocate(size))) {
    return placed(Pages::allocate(size));
  }
  static result<byte_span> allocate(std::size_t size, std::size_t alignment) noexcept(
      noexcept(Pages::allocate(size, alignment))) requires region_source<Pages> {
    return placed(Pages::allocate(size, alignment));
  }
  static void release(byte_span memory) noexcept { Pages::release(memory); }
  static void discard(byte_span memory) noexcept requires region_source<Pages> { Pages::discard(memory); }
  // Bytes that were answered without being placed, because the kernel did not want to.
  [[nodiscard]] static std::size_t misplaced() noexcept {
    return misplaced_.load(std::memory_order_relaxed);  // relaxed: a sum for people
  }

 private:
  static result<byte_span> placed(result<byte_span> memory) noexcept {
    const numa_topology& t = Calls::topology();
    if (!memory || t.nodes() == 1) return memory;
    const std::uint64_t nodes = Which::nodes(t, Calls::here()) & t.memory_mask();
    if (nodes == 0 || !Calls::place(*memory, How, nodes))
      misplaced_.fetch_add(memory->size(), std::memory_order_relaxed);  // relaxed: see misplaced
    return memory;
  }
  inline static std::atomic<std::size_t> misplaced_{0};
};

template <unsigned Node>
struct one_numa_node {
  static_assert(Node == numa_here || Node < numa_topology::most_nodes,
                "frys::bound_pages: the node must be numa_here or a number below numa_topology::most_nodes");
  static std::uint64_t nodes(const numa_topology&, unsigned here) noexcept {
    return std::uint64_t{1} << (Node == numa_here ? here & 63 : Node & 63);
  }
};
struct all_numa_nodes {
  static std::uint64_t nodes(const numa_topology& t, unsigned) noexcept { return t.memory_mask(); }
};

}  // namespace detail

// Pages on one node: as it prefers, or strictly (numa_placement::bind). The source behind it maps memory for each
// allocation, as os_pages and transparent_pages do: a heap would get pages back that still belong to a node.
template <unsigned Node = numa_here, numa_placement How = numa_placement::prefer, page_source Pages = os_pages,
          class Calls = numa_calls>
struct bound_pages : detail::numa_pages<detail::one_numa_node<Node>, How, Pages, Calls> {
  static_assert(How != numa_placement::interleave,
                "frys::bound_pages: one node cannot be interleaved; take interleaved_pages");
};
// Pages on all nodes that have memory, in turn.
template <page_source Pages = os_pages, class Calls = numa_calls>
struct interleaved_pages : detail::numa_pages<detail::all_numa_nodes, numa_placement::interleave, Pages, Calls> {};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_NUMA_HPP
