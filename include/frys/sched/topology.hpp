// topology: the machine's processors, which of them share a core, a cache, a memory node or a package, which of them
// this process may use, and how many workers are worth starting here.
//
// Use when  threads are placed, or counted: a pool of as many workers as a container lets run.
// Not when  memory is placed (memory/numa.hpp, whose nodes are these).
// Threads   any. A topology is a value, and is const after read.
// Cost      read: a file or two for each core and each cache; topology::machine() reads them once.
// Errors    read: errc::corrupt where a file of the processors is no list of numbers, errc::limit_exceeded above
//           most_cpus, errc::out_of_memory, and what the kernel says when it lets a file not be read. What is missing
//           has a default: a processor is a core of its own, packages stand for caches, there is one package. Control
//           groups are a limit on top: what cannot be read or understood there limits nothing.
// Systems   Linux; elsewhere as many cores in one package as the system says it has.
// Source    cgroups(7), sched_getaffinity(2), and the kernel's Documentation/ABI/stable/sysfs-devices-system-cpu.
// frys: real model
#ifndef FRYS_SCHED_TOPOLOGY_HPP
#define FRYS_SCHED_TOPOLOGY_HPP

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

#include "../config.hpp"
#include "../core/result.hpp"
#include "../core/thread.hpp"
#include "../memory/numa.hpp"

#if FRYS_OS_POSIX
#include <unistd.h>
#endif
#if FRYS_OS_LINUX
#include <fcntl.h>

#include <cerrno>
#endif

namespace frys::inline FRYS_ABI {

// A processor as the system schedules it. Cores, caches and packages are numbered from 0 without holes, in the order of
// their first processors; cpu and node have the kernel's numbers.
struct processor {
  unsigned cpu = 0;
  unsigned core = 0;     // those of one core are SMT siblings
  unsigned cache = 0;    // those of one number share the last level of their caches
  unsigned package = 0;  // a socket
  unsigned node = 0;     // of memory
  bool usable = true;    // by this process
};

// In which order places are given to workers.
enum class placement : std::uint8_t {
  compact,       // neighbours first: siblings, then the cores of a cache, of a node, of a package
  scatter,       // far apart first: packages in turn, then nodes, caches, cores; siblings last
  one_per_core,  // compact, and one processor of each core only
};

class topology {
 public:
  static constexpr unsigned most_cpus = numa_topology::most_cpus;

  // One processor.
  topology() noexcept = default;
  topology(topology&& other) noexcept { swap(other); }
  topology& operator=(topology&& other) noexcept {
    topology old(std::move(other));
    swap(old);
    return *this;
  }

  // What the kernel tells this thread, or files that look as its own do, below `root`: sys/devices/system/cpu,
  // sys/devices/system/node, proc/self/status, proc/self/cgroup, proc/self/mountinfo, and what the last two name. With
  // a root the affinity is the one in proc/self/status.
  [[nodiscard]] static result<topology> read(std::string_view root = {}) noexcept;
  // This machine, as it was for the thread that asked first; one processor where it cannot be read.
  [[nodiscard]] static const topology& machine() noexcept {
    static const topology* const t = [] {
      result<topology> r = read();
      return new (std::nothrow) topology(r ? *std::move(r) : topology());  // never destroyed: threads may outlive main
    }();
    static const topology one;
    return t != nullptr ? *t : one;
  }

  // Those that are online, by their numbers. Never empty.
  [[nodiscard]] std::span<const processor> processors() const noexcept { return {all(), count_}; }
  [[nodiscard]] unsigned cores() const noexcept { return cores_; }
  [[nodiscard]] unsigned caches() const noexcept { return caches_; }
  [[nodiscard]] unsigned packages() const noexcept { return packages_; }
  [[nodiscard]] unsigned nodes() const noexcept { return nodes_; }
  // Null for a processor that is not online.
  [[nodiscard]] const processor* find(unsigned cpu) const noexcept {
    const auto list = processors();
    const auto at = std::lower_bound(list.begin(), list.end(), cpu,
                                     [](const processor& p, unsigned number) { return p.cpu < number; });
    return at != list.end() && at->cpu == cpu ? &*at : nullptr;
  }

  // How many processors this process may use: its affinity and the cpusets of its control groups. 1 or more.
  [[nodiscard]] unsigned usable_cpus() const noexcept { return usable_; }
  // How much of them its control groups let it use, in processors, 1.5 for example; infinity where nobody limits it.
  [[nodiscard]] double cpu_quota() const noexcept { return quota_; }
  // How many threads can run at a time here: the usable processors, or the quota rounded up where that is less.
  [[nodiscard]] unsigned worker_count() const noexcept {
    if (!(quota_ < usable_)) return usable_;
    const auto whole = static_cast<unsigned>(quota_);
    const unsigned up = whole + (static_cast<double>(whole) < quota_ ? 1 : 0);
    return up == 0 ? 1 : up;
  }

  // The processors of the first `cpus.size()` workers; answers the part that was filled: no processor comes twice, and
  // only usable ones come.
  [[nodiscard]] std::span<unsigned> place(placement how, std::span<unsigned> cpus) const noexcept;

 private:
  static constexpr std::array<processor, 1> only{};
  static constexpr std::array<unsigned, 2> only_order{0, 0};
  [[nodiscard]] const processor* all() const noexcept { return list_ ? list_.get() : only.data(); }
  // The usable processors as they are given out: compact, then as many again, scatter.
  [[nodiscard]] const unsigned* order(bool scattered) const noexcept {
    return (order_ ? order_.get() : only_order.data()) + (scattered ? usable_ : 0);
  }
  void swap(topology& other) noexcept {
    std::swap(list_, other.list_);
    std::swap(order_, other.order_);
    std::swap(count_, other.count_);
    std::swap(cores_, other.cores_);
    std::swap(caches_, other.caches_);
    std::swap(packages_, other.packages_);
    std::swap(nodes_, other.nodes_);
    std::swap(usable_, other.usable_);
    std::swap(quota_, other.quota_);
  }
  // Makes a list of `count` processors. False: no memory.
  bool allocate(std::size_t count) noexcept {
    list_.reset(new (std::nothrow) processor[count]);
    order_.reset(new (std::nothrow) unsigned[2 * count]);
    count_ = count;
    return list_ != nullptr && order_ != nullptr;
  }
  static error no_memory() noexcept {
    return {errc::out_of_memory, domain::sched, "no memory for the list of processors", 0};
  }

  // A group that has no number yet is `unnumbered` plus some number that its members have in common.
  static constexpr unsigned unnumbered = 1u << 30;
  // Numbers the groups from 0; answers how many they are.
  unsigned number(unsigned processor::*of) noexcept {
    unsigned groups = 0;
    for (std::size_t i = 0; i != count_; ++i) {
      const unsigned mark = list_[i].*of;
      if (mark < unnumbered) continue;
      for (std::size_t j = i; j != count_; ++j)
        if (list_[j].*of == mark) list_[j].*of = groups;
      ++groups;
    }
    return groups;
  }
  bool number_and_order() noexcept;

#if FRYS_OS_LINUX
  using cpu_set = std::bitset<most_cpus>;
  using path = std::array<char, 1024>;
  class lines;
  struct control_group;
  struct files;
  static error no_list() noexcept {
    return {errc::corrupt, domain::sched, "a file of the processors is no list of numbers", 0};
  }
  static result<void> set_of(std::string_view list, cpu_set& set) noexcept;
  static bool number_of(std::string_view text, std::uint64_t& n) noexcept;
  static std::string_view word(std::string_view& line, char until) noexcept;
  static bool has_word(std::string_view list, std::string_view wanted) noexcept;
  result<void> read_groups(files& f) noexcept;
  void read_limits(files& f, cpu_set& allowed) noexcept;
  void read_limit(files& f, const control_group& g, std::string_view mount, std::string_view root,
                  cpu_set& allowed) noexcept;
#endif

  std::unique_ptr<processor[]> list_;
  std::unique_ptr<unsigned[]> order_;
  std::size_t count_ = 1;
  unsigned cores_ = 1, caches_ = 1, packages_ = 1, nodes_ = 1, usable_ = 1;
  double quota_ = std::numeric_limits<double>::infinity();
};

inline std::span<unsigned> topology::place(placement how, std::span<unsigned> cpus) const noexcept {
  const unsigned* from = order(how == placement::scatter);
  std::size_t filled = 0;
  std::bitset<most_cpus> taken;  // cores
  for (unsigned i = 0; i != usable_ && filled != cpus.size(); ++i) {
    const processor& p = all()[from[i]];
    if (how == placement::one_per_core && taken[p.core]) continue;
    taken.set(p.core);
    cpus[filled++] = p.cpu;
  }
  return cpus.first(filled);
}

// False: no memory.
inline bool topology::number_and_order() noexcept {
  cores_ = number(&processor::core);
  caches_ = number(&processor::cache);
  packages_ = number(&processor::package);
  usable_ = 0;
  for (unsigned i = 0; i != count_; ++i)
    if (list_[i].usable) order_[usable_++] = i;
  const auto compact = [](const processor& p) { return std::tuple(p.package, p.node, p.cache, p.core, p.cpu); };
  std::sort(order_.get(), order_.get() + usable_,
            [&](unsigned a, unsigned b) { return compact(list_[a]) < compact(list_[b]); });
  // To take turns is to sort by where each stands in its group, the innermost group first: which sibling of its core,
  // which core of its cache, which cache of its node, which node of its package, which package.
  std::unique_ptr<std::uint64_t[]> turn(new (std::nothrow) std::uint64_t[count_]);
  if (turn == nullptr) return false;
  std::uint64_t sibling = 0, core = 0, cache = 0, node = 0, package = 0;
  for (unsigned i = 0; i != usable_; ++i) {
    if (i != 0) {
      const processor &before = list_[order_[i - 1]], &now = list_[order_[i]];
      if (now.package != before.package)
        ++package, node = cache = core = sibling = 0;
      else if (now.node != before.node)
        ++node, cache = core = sibling = 0;
      else if (now.cache != before.cache)
        ++cache, core = sibling = 0;
      else if (now.core != before.core)
        ++core, sibling = 0;
      else
        ++sibling;
    }
    static_assert(most_cpus <= 1u << 13, "a place in the key has 13 bits, and its first two parts share 12");
    turn[order_[i]] = (std::min)(sibling, std::uint64_t{63}) << 45 | core << 32 | cache << 19 |
                      (std::min)(node, std::uint64_t{63}) << 13 | package;
  }
  unsigned* const scattered = order_.get() + usable_;
  std::copy(order_.get(), scattered, scattered);
  std::sort(scattered, scattered + usable_,
            [&](unsigned a, unsigned b) { return std::pair(turn[a], a) < std::pair(turn[b], b); });
  return true;
}

#if FRYS_OS_LINUX

// A file of the kernel, line by line. Of a line longer than the buffer only its beginning comes, and it is cut().
class topology::lines {
 public:
  explicit lines(std::span<char> room) noexcept : buffer_(room) {}
  lines(const lines&) = delete;
  lines& operator=(const lines&) = delete;
  ~lines() { close(); }

  // errno, or 0.
  int open(const char* name) noexcept {
    close();
    begin_ = end_ = 0;
    failed_ = 0;
    is_cut_ = false;
    fd_ = ::open(name, O_RDONLY | O_CLOEXEC);
    return fd_ < 0 ? errno : 0;
  }
  // False at the end, and where it cannot be read on: failed() then is errno.
  bool next(std::string_view& line) noexcept {
    bool rest_of_cut = std::exchange(is_cut_, false);
    for (;;) {
      const char* from = buffer_.data() + begin_;
      if (const void* at = std::memchr(from, '\n', end_ - begin_)) {
        line = {from, static_cast<std::size_t>(static_cast<const char*>(at) - from)};
        begin_ += line.size() + 1;
        if (!std::exchange(rest_of_cut, false)) return true;
        continue;
      }
      if (begin_ == 0 && end_ == buffer_.size()) {
        line = {from, end_};
        begin_ = end_;
        if (rest_of_cut) continue;
        is_cut_ = true;
        return true;
      }
      std::memmove(buffer_.data(), from, end_ - begin_);
      end_ -= std::exchange(begin_, 0);
      const ::ssize_t n = ::read(fd_, buffer_.data() + end_, buffer_.size() - end_);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed_ = errno, false;
      end_ += static_cast<std::size_t>(n);
      if (n != 0) continue;
      line = {buffer_.data(), end_};  // without a line's end
      begin_ = end_;
      return !line.empty() && !rest_of_cut;
    }
  }
  [[nodiscard]] int failed() const noexcept { return failed_; }
  [[nodiscard]] bool cut() const noexcept { return is_cut_; }

 private:
  void close() noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  std::span<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  int fd_ = -1, failed_ = 0;
  bool is_cut_ = false;
};

// Where this process stands in one hierarchy of control groups.
struct topology::control_group {
  bool there = false;
  topology::path at{};
};

struct topology::files {
  static constexpr std::size_t line_bytes = 16384;
  std::string_view root;
  std::array<char, line_bytes> first, second;  // for a file, and one that it names
  topology::path name;
  lines list{first};

  // The root and the parts, texts and numbers; false where that is longer than any that the kernel has.
  template <class... Parts>
  bool is_named(Parts... parts) noexcept {
    std::size_t at = 0;
    bool fits = add(at, root);
    ((fits = fits && add(at, parts)), ...);
    name[at] = '\0';
    return fits;
  }
  bool add(std::size_t& at, std::string_view part) noexcept {
    if (part.size() >= name.size() - at) return false;
    std::copy(part.begin(), part.end(), name.begin() + static_cast<std::ptrdiff_t>(at));
    at += part.size();
    return true;
  }
  bool add(std::size_t& at, unsigned number) noexcept {
    std::array<char, 10> digits;
    std::size_t n = digits.size();
    do digits[--n] = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    return add(at, std::string_view(digits.data() + n, digits.size() - n));
  }
  // The first line of the file that was named; errc::not_found where there is none.
  result<std::string_view> line() noexcept {
    const int number = list.open(name.data());
    std::string_view text;
    if (number == 0 && list.next(text)) {
      if (list.cut()) return no_list();
      return text;
    }
    const int why = number != 0 ? number : list.failed();
    if (why == 0) return std::string_view();
    return error{why == ENOENT || why == ENOTDIR ? errc::not_found
                 : why == EACCES || why == EPERM ? errc::permission_denied
                                                 : errc::io_failed,
                 domain::sched, "a file of the processors cannot be read", why};
  }
};

inline result<void> topology::set_of(std::string_view list, cpu_set& set) noexcept {
  bool fit = true;
  const bool is_list = detail::each_range(list, [&](std::uint32_t from, std::uint32_t last) {
    fit = fit && last < most_cpus;
    for (std::uint32_t cpu = from; fit && cpu <= last; ++cpu) set.set(cpu);
  });
  if (!is_list) return no_list();
  if (!fit)
    return error{errc::limit_exceeded, domain::sched, "the machine has a processor of too high a number", most_cpus};
  return {};
}
// The whole of `text` is a number without a sign. One too large for the type is as large as can be.
inline bool topology::number_of(std::string_view text, std::uint64_t& n) noexcept {
  n = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    n = n > 1'000'000'000'000'000'000u ? n : n * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return !text.empty();
}
// Takes what stands before the next `until`, and that, off the line.
inline std::string_view topology::word(std::string_view& line, char until) noexcept {
  const std::size_t at = (std::min)(line.find(until), line.size());
  const std::string_view taken = line.substr(0, at);
  line.remove_prefix((std::min)(at + 1, line.size()));
  return taken;
}
inline bool topology::has_word(std::string_view list, std::string_view wanted) noexcept {
  while (!list.empty())
    if (word(list, ',') == wanted) return true;
  return false;
}

inline result<topology> topology::read(std::string_view root) noexcept {
  std::unique_ptr<files> f(new (std::nothrow) files{root, {}, {}, {}});
  if (f == nullptr) return no_memory();
  if (root.size() > path().size() / 2)
    return error{errc::invalid_argument, domain::sched, "the path of the machine's files is too long", 0};

  cpu_set allowed;
  if (root.empty()) {
    detail::cpu_bits mine;
    if (mine.read() == 0)
      for (unsigned cpu = 0; cpu != most_cpus; ++cpu) allowed[cpu] = mine.has(cpu);
  } else if (f->is_named("/proc/self/status") && f->list.open(f->name.data()) == 0) {
    constexpr std::string_view label = "Cpus_allowed_list:";
    for (std::string_view line; f->list.next(line);) {
      if (line.substr(0, label.size()) != label || f->list.cut()) continue;
      line.remove_prefix(label.size());
      while (!line.empty() && (line.front() == '\t' || line.front() == ' ')) line.remove_prefix(1);
      if (!set_of(line, allowed)) allowed.reset();
    }
  }

  cpu_set online;
  result<std::string_view> list = no_list();
  if (f->is_named("/sys/devices/system/cpu/online")) list = f->line();
  if (list) {
    if (const result<void> r = set_of(*list, online); !r) return r.error();
  } else if (list.error() != errc::not_found) {
    return list.error();
  } else {
    online = allowed;
  }
  if (online.none()) online.set(0);
  if (allowed.none()) allowed = online;

  topology t;
  if (!t.allocate(online.count())) return no_memory();
  for (unsigned cpu = 0, i = 0; cpu != most_cpus; ++cpu)
    if (online[cpu]) t.list_[i++].cpu = cpu;
  if (const result<void> r = t.read_groups(*f); !r) return r.error();
  t.read_limits(*f, allowed);
  if ((allowed & online).none()) allowed = online;
  for (std::size_t i = 0; i != t.count_; ++i) t.list_[i].usable = allowed[t.list_[i].cpu];
  if (!t.number_and_order()) return no_memory();
  return t;
}

inline result<void> topology::read_groups(files& f) noexcept {
  const std::span<processor> list(list_.get(), count_);
  constexpr unsigned none = ~0u;
  for (processor& p : list) p.core = p.cache = p.package = none;
  cpu_set members;
  // The processors of the list in the file that was named, as far as they are in no group yet, are one group.
  const auto group = [&](processor& first, unsigned processor::*of) -> result<void> {
    const result<std::string_view> line = f.line();
    if (!line) return line.error() == errc::not_found ? result<void>() : line.error();
    members.reset();
    if (const result<void> r = set_of(*line, members); !r) return r.error();
    for (processor& p : list)
      if (p.*of == none && (members[p.cpu] || &p == &first)) p.*of = unnumbered + first.cpu;
    return {};
  };
  // The number in the file that was named; there are negative ones, which say as much as none.
  const auto number_in_file = [&](std::uint64_t& n) -> bool {
    const result<std::string_view> line = f.line();
    return line && number_of(*line, n);
  };
  const auto in = [&](const processor& p, const char* name) {
    return f.is_named("/sys/devices/system/cpu/cpu", p.cpu, "/", name);
  };

  for (processor& p : list) {
    for (const char* name : {"topology/core_cpus_list", "topology/thread_siblings_list"})
      if (p.core == none && in(p, name))
        if (const result<void> r = group(p, &processor::core); !r) return r.error();
    if (p.core == none) p.core = unnumbered + p.cpu;
    std::uint64_t package = 0;
    if (!in(p, "topology/physical_package_id") || !number_in_file(package)) package = 0;
    p.package = unnumbered + static_cast<unsigned>((std::min)(package, std::uint64_t{unnumbered - 1}));
    if (p.cache != none) continue;
    std::uint64_t highest = 0;
    unsigned best = none;
    for (unsigned index = 0; index != 16; ++index) {
      std::uint64_t level = 0;
      if (!f.is_named("/sys/devices/system/cpu/cpu", p.cpu, "/cache/index", index, "/level") || !number_in_file(level))
        break;
      if (level < highest) continue;
      if (f.is_named("/sys/devices/system/cpu/cpu", p.cpu, "/cache/index", index, "/type"))
        if (const result<std::string_view> type = f.line(); type && *type == "Instruction") continue;
      highest = level;
      best = index;
    }
    if (best != none && f.is_named("/sys/devices/system/cpu/cpu", p.cpu, "/cache/index", best, "/shared_cpu_list"))
      if (const result<void> r = group(p, &processor::cache); !r) return r.error();
  }
  for (processor& p : list)
    if (p.cache == none)
      for (processor& q : list)
        if (q.cache == none && q.package == p.package) q.cache = unnumbered + p.cpu;

  if (!f.is_named("/sys/devices/system/node")) return {};
  const result<numa_topology> nodes = numa_topology::read(f.name.data());
  if (!nodes) return nodes.error();
  nodes_ = static_cast<unsigned>(nodes->nodes());
  for (processor& p : list)
    if (const unsigned node = nodes->node_of_cpu(p.cpu); node != numa_topology::none) p.node = node;
  return {};
}

// proc/self/cgroup says where we are in each hierarchy, proc/self/mountinfo where that hierarchy is shown.
inline void topology::read_limits(files& f, cpu_set& allowed) noexcept {
  control_group unified, cpu, cpuset;
  if (!f.is_named("/proc/self/cgroup") || f.list.open(f.name.data()) != 0) return;
  for (std::string_view line; f.list.next(line);) {
    if (f.list.cut()) continue;
    const std::string_view hierarchy = word(line, ':'), controllers = word(line, ':');
    const auto keep = [&](control_group& g) {
      // What begins with /.. lies outside of what is shown to us: then its top is the nearest that we see.
      if (line.substr(0, 3) == "/..") line = {};
      if (line == "/") line = {};
      if (line.size() >= g.at.size()) return;
      std::copy(line.begin(), line.end(), g.at.begin());
      g.at[line.size()] = '\0';
      g.there = true;
    };
    if (hierarchy == "0" && controllers.empty()) keep(unified);
    if (has_word(controllers, "cpu")) keep(cpu);
    if (has_word(controllers, "cpuset")) keep(cpuset);
  }
  if (!f.is_named("/proc/self/mountinfo")) return;
  lines mounts(f.second);
  if (mounts.open(f.name.data()) != 0) return;
  for (std::string_view line; mounts.next(line);) {
    if (mounts.cut()) continue;
    for (int i = 0; i != 3; ++i) word(line, ' ');
    const std::string_view root = word(line, ' '), escaped = word(line, ' ');
    const std::size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    line.remove_prefix(dash + 3);
    const std::string_view type = word(line, ' ');
    word(line, ' ');
    topology::path mount;
    std::size_t length = 0;
    for (std::size_t i = 0; i < escaped.size() && length + 1 < mount.size(); ++i) {
      char c = escaped[i];
      if (c == '\\' && i + 3 < escaped.size()) {  // three octal digits: a space, a tab, an end of line, a backslash
        c = static_cast<char>((escaped[i + 1] - '0') << 6 | (escaped[i + 2] - '0') << 3 | (escaped[i + 3] - '0'));
        i += 3;
      }
      mount[length++] = c;
    }
    const std::string_view where(mount.data(), length);
    if (type == "cgroup2") read_limit(f, unified, where, root, allowed);
    if (type == "cgroup" && has_word(line, "cpu")) read_limit(f, cpu, where, root, allowed);
    if (type == "cgroup" && has_word(line, "cpuset")) read_limit(f, cpuset, where, root, allowed);
  }
}

inline void topology::read_limit(files& f, const control_group& g, std::string_view mount, std::string_view root,
                                 cpu_set& allowed) noexcept {
  if (!g.there) return;
  std::string_view below(g.at.data());
  if (root == "/") root = {};
  // A mount may show a part of the hierarchy only: then its root is how our path begins.
  const bool is_within = below.substr(0, root.size()) == root;
  below = is_within ? below.substr(root.size()) : std::string_view();
  if (!below.empty() && below.front() != '/') below = {};
  const auto limit = [&](const char* name) -> result<std::string_view> {
    if (!f.is_named(mount, below, "/", name)) return no_list();
    return f.line();
  };
  const auto take = [&](std::uint64_t quota, std::uint64_t period) {
    if (period != 0 && quota != 0)
      quota_ = (std::min)(quota_, static_cast<double>(quota) / static_cast<double>(period));
  };
  bool placed = false;
  for (;;) {
    std::uint64_t quota = 0, period = 100'000;
    if (result<std::string_view> line = limit("cpu.max"); line) {
      std::string_view text = *line;
      const std::string_view first = word(text, ' ');
      const bool has_period = text.empty() || number_of(text, period);
      if (number_of(first, quota) && has_period) take(quota, period);
    }
    if (result<std::string_view> line = limit("cpu.cfs_quota_us"); line && number_of(*line, quota))
      if (line = limit("cpu.cfs_period_us"); line && number_of(*line, period)) take(quota, period);
    for (const char* name : {"cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus"}) {
      if (placed) break;  // the innermost one is within all the others
      const result<std::string_view> line = limit(name);
      cpu_set of;
      if (!line || !set_of(*line, of) || (of & allowed).none()) continue;
      allowed &= of;
      placed = true;
    }
    if (below.empty()) return;
    below = below.substr(0, below.rfind('/') == std::string_view::npos ? 0 : below.rfind('/'));
  }
}

#else  // elsewhere

inline result<topology> topology::read(std::string_view) noexcept {
  std::size_t count = 1;
#if FRYS_OS_POSIX && defined(_SC_NPROCESSORS_ONLN)
  if (const long n = ::sysconf(_SC_NPROCESSORS_ONLN); n > 1)
    count = (std::min)(static_cast<std::size_t>(n), std::size_t{most_cpus});
#endif
  topology t;
  if (!t.allocate(count)) return no_memory();
  for (unsigned i = 0; i != count; ++i) {
    t.list_[i].cpu = i;
    t.list_[i].core = unnumbered + i;
    t.list_[i].cache = t.list_[i].package = unnumbered;
  }
  if (!t.number_and_order()) return no_memory();
  return t;
}

#endif

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_TOPOLOGY_HPP
