#include <frys/memory/arena.hpp>
#include <frys/memory/huge_pages.hpp>
#include <frys/memory/numa.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "counting_pages.hpp"

#if defined(__linux__)
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#endif

using frys::numa_placement;
using frys::numa_topology;
namespace policy = frys::policy;

namespace {

#if defined(__linux__)
// A directory as the kernel's, gone afterwards.
class machine_files {
 public:
  std::string path = "/tmp/frys-numa-XXXXXX";

  machine_files() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~machine_files() {
    for (auto at = made_.rbegin(); at != made_.rend(); ++at) std::remove(at->c_str());
    ::rmdir(path.c_str());
  }
  machine_files& file(const std::string& name, const std::string& content) {
    std::FILE* f = std::fopen((path + "/" + name).c_str(), "w");
    REQUIRE(f != nullptr);
    std::fwrite(content.data(), 1, content.size(), f);
    std::fclose(f);
    made_.push_back(path + "/" + name);
    return *this;
  }
  machine_files& node(int number, const std::string& cpus) {
    const std::string name = "node" + std::to_string(number);
    REQUIRE(::mkdir((path + "/" + name).c_str(), 0700) == 0);
    made_.push_back(path + "/" + name);
    return file(name + "/cpulist", cpus);
  }
  frys::result<numa_topology> read() const { return numa_topology::read(path); }

 private:
  std::vector<std::string> made_;
};
#endif

// Two nodes, 0 and 2, and a kernel that remembers what it was told.
template <int Instance>
struct fake_machine {
  inline static numa_topology nodes;
  inline static unsigned node_here = 0;
  inline static bool agrees = true;
  inline static std::size_t calls = 0;
  inline static numa_placement how{};
  inline static std::uint64_t mask = 0;
  inline static frys::byte_span memory;

  static const numa_topology& topology() noexcept { return nodes; }
  static unsigned here() noexcept { return node_here; }
  static bool place(frys::byte_span m, numa_placement h, std::uint64_t n) noexcept {
    ++calls;
    memory = m, how = h, mask = n;
    return agrees;
  }
};

}  // namespace

TEST_CASE("numa_topology: this machine can be read, and the thread is on one of its nodes") {
  auto t = numa_topology::read();
  REQUIRE(t);
  CHECK(t->nodes() >= 1);
  CHECK(t->is_online(t->here()));
  CHECK(numa_topology::machine().nodes() == t->nodes());
  CHECK(t->memory_mask() != 0);
}

TEST_CASE("numa_topology: without an answer a machine is one node with every processor") {
  const numa_topology t;
  CHECK(t.nodes() == 1);
  CHECK(t.here() == 0);
  CHECK(t.node_of_cpu(5000) == 0);
  CHECK(t.has_memory(0));
  CHECK_FALSE(t.is_online(1));
}

#if defined(__linux__)
TEST_CASE("numa_topology: a kernel without nodes is a machine of one node") {
  const machine_files empty;
  auto t = empty.read();
  REQUIRE(t);
  CHECK(t->nodes() == 1);
  CHECK(numa_topology::read("/nowhere/at/all")->nodes() == 1);
}

TEST_CASE("numa_topology: several nodes, holes among nodes and processors, a node without processors or memory") {
  machine_files files;
  files.file("online", "0-1,4,7\n").file("has_memory", "0,4,7\n").file("possible", "0-63\n");
  files.node(0, "0-3,8-11\n").node(1, "4-7\n").node(4, "16,18,20-21\n").node(7, "\n").node(9, "garbage");
  auto t = files.read();
  REQUIRE(t);
  CHECK(t->nodes() == 4);
  CHECK(t->is_online(4));
  CHECK_FALSE(t->is_online(2));
  CHECK_FALSE(t->is_online(9));  // there, but off: nobody reads it
  CHECK(t->node_of_cpu(3) == 0);
  CHECK(t->node_of_cpu(4) == 1);
  CHECK(t->node_of_cpu(8) == 0);
  CHECK(t->node_of_cpu(18) == 4);
  CHECK(t->node_of_cpu(12) == numa_topology::none);
  CHECK(t->node_of_cpu(17) == numa_topology::none);
  CHECK(t->node_of_cpu(1'000'000) == numa_topology::none);
  CHECK(t->cpus_of(0) == 8);
  CHECK(t->cpus_of(4) == 4);
  CHECK(t->cpus_of(7) == 0);
  CHECK(t->cpus_of(numa_topology::none) == 0);
  CHECK_FALSE(t->has_memory(1));
  CHECK(t->memory_mask() == ((1u << 0) | (1u << 4) | (1u << 7)));
  CHECK(t->is_online(t->here()));
}

TEST_CASE("numa_topology: older kernels do not tell which nodes have memory: all that are online") {
  machine_files files;
  files.file("online", "0-1").node(0, "0").node(1, "1");
  CHECK(files.read()->memory_mask() == 3);
}

TEST_CASE("numa_topology: files that make no sense are errors, not a topology") {
  const auto with_online = [](const std::string& online) {
    machine_files files;
    files.file("online", online).node(0, "0-1").node(1, "2-3");
    return files.read();
  };
  for (const char* text :
       {"x", "0-", "-1", "1-0", "0,1-0", "0,,1", "0,", ",0", "0 1", "0-1-2", "99999999999", "\xff\xfe"}) {
    CAPTURE(text);
    auto t = with_online(text);
    REQUIRE_FALSE(t);
    CHECK(t.error() == frys::errc::corrupt);
  }
  CHECK(with_online("").error() == frys::errc::corrupt);  // no node at all
  CHECK(with_online("0-64").error() == frys::errc::limit_exceeded);
  CHECK(with_online("0-999999999").error() == frys::errc::limit_exceeded);
  CHECK(with_online("0-2").error() == frys::errc::corrupt);  // node 2 has no directory
  CHECK(with_online(std::string(100'000, '0')).error() == frys::errc::corrupt);
  CHECK(with_online("0-1"));

  const auto with_cpus = [](const std::string& cpus) {
    machine_files files;
    files.file("online", "0-1").node(0, "0-1").node(1, cpus);
    return files.read();
  };
  CHECK(with_cpus("all").error() == frys::errc::corrupt);
  CHECK(with_cpus("1-2").error() == frys::errc::corrupt);  // 1 is on node 0
  CHECK(with_cpus("9000").error() == frys::errc::limit_exceeded);
  CHECK(with_cpus("2-8191"));
  machine_files files;
  files.file("online", "0").file("has_memory", "0-1").node(0, "0");
  CHECK(files.read().error() == frys::errc::corrupt);
  machine_files directory;
  directory.node(0, "0");
  REQUIRE(::mkdir((directory.path + "/online").c_str(), 0700) == 0);
  CHECK(directory.read().error() == frys::errc::io_failed);
  ::rmdir((directory.path + "/online").c_str());
  CHECK(numa_topology::read(std::string(600, 'x')).error() == frys::errc::invalid_argument);
}

TEST_CASE("bound_pages: memory lies on its node, on the thread's node, or on all of them in turn") {
  using fake = fake_machine<1>;
  machine_files files;
  files.file("online", "0,2").file("has_memory", "0,2").node(0, "0").node(2, "1");
  fake::nodes = *files.read();
  using on_two = frys::bound_pages<2, numa_placement::bind, frys::os_pages, fake>;
  using local = frys::bound_pages<frys::numa_here, numa_placement::prefer, frys::os_pages, fake>;
  using everywhere = frys::interleaved_pages<frys::os_pages, fake>;
  static_assert(frys::region_source<on_two> && frys::region_source<local> && frys::region_source<everywhere>);

  auto memory = on_two::allocate(10'000);
  REQUIRE(memory);
  CHECK(fake::calls == 1);
  CHECK(fake::memory.data() == memory->data());
  CHECK(fake::memory.size() == memory->size());
  CHECK(fake::how == numa_placement::bind);
  CHECK(fake::mask == 4);
  on_two::release(*memory);

  fake::node_here = 2;
  memory = local::allocate(10'000, 1 << 16);
  REQUIRE(memory);
  CHECK(reinterpret_cast<std::uintptr_t>(memory->data()) % (1 << 16) == 0);
  CHECK(fake::how == numa_placement::prefer);
  CHECK(fake::mask == 4);
  local::discard(*memory);
  local::release(*memory);

  memory = everywhere::allocate(1 << 20);
  REQUIRE(memory);
  CHECK(fake::how == numa_placement::interleave);
  CHECK(fake::mask == 5);
  everywhere::release(*memory);
  CHECK(on_two::misplaced() + local::misplaced() + everywhere::misplaced() == 0);

  frys::arena<policy::pages<everywhere>> a;
  CHECK(a.allocate(100));
  using huge = frys::interleaved_pages<frys::transparent_pages, fake>;
  memory = huge::allocate(frys::huge_page_size);
  REQUIRE(memory);
  CHECK(fake::memory.size() == frys::huge_page_size);
  huge::release(*memory);
}

TEST_CASE("bound_pages: what the kernel does not place is answered all the same, and counted") {
  using fake = fake_machine<2>;
  machine_files files;
  files.file("online", "0-2").file("has_memory", "0-1").node(0, "0").node(1, "1").node(2, "2");
  fake::nodes = *files.read();
  using on_one = frys::bound_pages<1, numa_placement::prefer, frys::os_pages, fake>;
  fake::agrees = false;
  auto memory = on_one::allocate(4096);
  REQUIRE(memory);
  CHECK(on_one::misplaced() == 4096);
  on_one::release(*memory);
  fake::agrees = true;
  fake::calls = 0;
  using without_memory = frys::bound_pages<2, numa_placement::bind, frys::os_pages, fake>;
  using off = frys::bound_pages<9, numa_placement::bind, frys::os_pages, fake>;
  memory = without_memory::allocate(4096);
  REQUIRE(memory);
  without_memory::release(*memory);
  memory = off::allocate(4096);
  REQUIRE(memory);
  off::release(*memory);
  CHECK(without_memory::misplaced() == 4096);
  CHECK(off::misplaced() == 4096);
  CHECK(fake::calls == 0);
}

TEST_CASE("numa_calls: the kernel takes the call, or says that it does not want to") {
  auto memory = frys::os_pages::allocate(1 << 16);
  REQUIRE(memory);
  const unsigned node = numa_topology::machine().here();
  if (frys::numa_calls::place(*memory, numa_placement::bind, std::uint64_t{1} << node)) {
    int mode = -1;
    unsigned long nodes[2] = {};
    const long told = ::syscall(SYS_get_mempolicy, &mode, nodes, 65ul, memory->data(), 2ul);  // MPOL_F_ADDR
    if (told == 0) {
      CHECK(mode == static_cast<int>(numa_placement::bind));
      CHECK(nodes[0] == 1ul << node);
    }
  }
  CHECK_FALSE(frys::numa_calls::place(*memory, numa_placement::bind, std::uint64_t{1} << 63));  // no such node
  memory->front() = std::byte{1};
  frys::os_pages::release(*memory);
}
#endif

TEST_CASE("bound_pages: on a machine of one node nothing is asked of the kernel") {
  using fake = fake_machine<3>;
  using counted = counting_pages<95>;
  using pages = frys::bound_pages<0, numa_placement::bind, counted, fake>;
  auto memory = pages::allocate(100);
  REQUIRE(memory);
  CHECK(fake::calls == 0);
  CHECK(pages::misplaced() == 0);
  pages::release(*memory);
  counted::refuses = true;
  CHECK(pages::allocate(100).error() == frys::errc::out_of_memory);
  CHECK(pages::allocate(100, 8192).error() == frys::errc::out_of_memory);
  counted::refuses = false;
  CHECK(counted::held == 0);
}
