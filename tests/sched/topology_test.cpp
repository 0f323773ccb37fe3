#include <frys/sched/topology.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#if FRYS_OS_LINUX
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace {

using frys::placement;
using frys::topology;

constexpr double unlimited = std::numeric_limits<double>::infinity();

std::vector<unsigned> places(const topology& t, placement how, std::size_t workers) {
  std::vector<unsigned> cpus(workers);
  cpus.resize(t.place(how, cpus).size());
  return cpus;
}

TEST_CASE("topology: one that nobody has read is one processor") {
  const topology t;
  CHECK(t.processors().size() == 1);
  CHECK(t.cores() == 1);
  CHECK(t.usable_cpus() == 1);
  CHECK(t.worker_count() == 1);
  CHECK(t.cpu_quota() == unlimited);
  for (const auto how : {placement::compact, placement::scatter, placement::one_per_core})
    CHECK(places(t, how, 3) == std::vector<unsigned>{0});
}

TEST_CASE("topology: this machine has processors, and lets us use one at least") {
  const topology& t = topology::machine();
  CHECK(&t == &topology::machine());
  CHECK_FALSE(t.processors().empty());
  CHECK(t.usable_cpus() >= 1);
  CHECK(t.usable_cpus() <= t.processors().size());
  CHECK(t.worker_count() >= 1);
  CHECK(t.worker_count() <= t.usable_cpus());
  CHECK(t.cores() <= t.processors().size());
  CHECK(t.packages() <= t.cores());
  CHECK(places(t, placement::compact, 10'000).size() == t.usable_cpus());
  CHECK(places(t, placement::scatter, 10'000).size() == t.usable_cpus());
  CHECK(places(t, placement::one_per_core, 10'000).size() <= t.cores());
}

#if FRYS_OS_LINUX
// Files as the kernel's, gone afterwards.
class made_up_machine {
 public:
  std::string path = "/tmp/frys-topology-XXXXXX";

  made_up_machine() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  made_up_machine(const made_up_machine&) = delete;
  made_up_machine& operator=(const made_up_machine&) = delete;
  ~made_up_machine() {
    for (auto at = made_.rbegin(); at != made_.rend(); ++at) std::remove(at->c_str());
    ::rmdir(path.c_str());
  }
  made_up_machine& file(const std::string& name, const std::string& content) {
    std::string all = path;
    for (std::size_t at = 0; at < name.size();) {
      const std::size_t slash = name.find('/', at);
      all += "/" + name.substr(at, slash - at);
      if (slash == std::string::npos) break;
      if (::mkdir(all.c_str(), 0700) == 0) made_.push_back(all);
      at = slash + 1;
    }
    std::FILE* f = std::fopen(all.c_str(), "w");
    REQUIRE(f != nullptr);
    std::fwrite(content.data(), 1, content.size(), f);
    std::fclose(f);
    made_.push_back(all);
    return *this;
  }
  made_up_machine& cpu(unsigned number, const std::string& core, int package, const std::string& last_cache) {
    const std::string at = "sys/devices/system/cpu/cpu" + std::to_string(number) + "/";
    file(at + "topology/core_cpus_list", core + "\n");
    file(at + "topology/physical_package_id", std::to_string(package) + "\n");
    file(at + "cache/index0/level", "1\n").file(at + "cache/index0/type", "Data\n");
    file(at + "cache/index0/shared_cpu_list", core + "\n");
    file(at + "cache/index1/level", "3\n").file(at + "cache/index1/type", "Unified\n");
    return file(at + "cache/index1/shared_cpu_list", last_cache + "\n");
  }
  made_up_machine& online(const std::string& list) { return file("sys/devices/system/cpu/online", list + "\n"); }
  made_up_machine& allowed(const std::string& list) {
    return file("proc/self/status",
                "Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t" + list + "\nMems_allowed:\t1\n");
  }
  frys::result<topology> read() const { return topology::read(path); }

 private:
  std::vector<std::string> made_;
};

// Two packages of two caches of two cores of two siblings: 16 processors, numbered as many machines do, the second
// siblings last.
void two_sockets(made_up_machine& m) {
  m.online("0-15");
  for (unsigned cpu = 0; cpu != 16; ++cpu) {
    const unsigned core = cpu % 8, cache = core / 2, package = core / 4;
    m.cpu(cpu, std::to_string(core) + "," + std::to_string(core + 8), static_cast<int>(package),
          std::to_string(2 * cache) + "-" + std::to_string(2 * cache + 1) + "," + std::to_string(2 * cache + 8) + "-" +
              std::to_string(2 * cache + 9));
  }
  m.file("sys/devices/system/node/online", "0-1\n").file("sys/devices/system/node/has_memory", "0-1\n");
  m.file("sys/devices/system/node/node0/cpulist", "0-3,8-11\n");
  m.file("sys/devices/system/node/node1/cpulist", "4-7,12-15\n");
}

TEST_CASE("topology: cores, siblings, caches, nodes and packages as the kernel tells them") {
  made_up_machine m;
  two_sockets(m);
  const auto t = m.read();
  REQUIRE(t);
  CHECK(t->processors().size() == 16);
  CHECK(t->cores() == 8);
  CHECK(t->caches() == 4);
  CHECK(t->packages() == 2);
  CHECK(t->nodes() == 2);
  CHECK(t->usable_cpus() == 16);
  CHECK(t->worker_count() == 16);
  for (unsigned cpu = 0; cpu != 16; ++cpu) {
    const frys::processor* p = t->find(cpu);
    REQUIRE(p != nullptr);
    CHECK(p->cpu == cpu);
    CHECK(p->core == cpu % 8);
    CHECK(p->cache == cpu % 8 / 2);
    CHECK(p->package == cpu % 8 / 4);
    CHECK(p->node == cpu % 8 / 4);
    CHECK(p->usable);
  }
  CHECK(t->find(16) == nullptr);
}

TEST_CASE("topology: compact, scatter and one per core give places in their order") {
  made_up_machine m;
  two_sockets(m);
  const auto t = m.read();
  REQUIRE(t);
  CHECK(places(*t, placement::compact, 6) == std::vector<unsigned>{0, 8, 1, 9, 2, 10});
  CHECK(places(*t, placement::scatter, 16) ==
        std::vector<unsigned>{0, 4, 2, 6, 1, 5, 3, 7, 8, 12, 10, 14, 9, 13, 11, 15});
  CHECK(places(*t, placement::one_per_core, 16) == std::vector<unsigned>{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(places(*t, placement::compact, 0).empty());
}

TEST_CASE("topology: only what the process may use is counted and given out") {
  made_up_machine m;
  two_sockets(m);
  m.allowed("1,3,9,14");
  const auto t = m.read();
  REQUIRE(t);
  CHECK(t->processors().size() == 16);
  CHECK(t->usable_cpus() == 4);
  CHECK_FALSE(t->find(0)->usable);
  CHECK(t->find(14)->usable);
  CHECK(places(*t, placement::compact, 16) == std::vector<unsigned>{1, 9, 3, 14});
  CHECK(places(*t, placement::scatter, 16) == std::vector<unsigned>{1, 14, 3, 9});
  CHECK(places(*t, placement::one_per_core, 16) == std::vector<unsigned>{1, 3, 14});
}

TEST_CASE("topology: numbers may have holes, and a processor that is off is not there") {
  made_up_machine m;
  m.online("1,5,1000").cpu(1, "1,5", -1, "1,5").cpu(5, "1,5", -1, "1,5").cpu(1000, "1000", 77, "1000");
  const auto t = m.read();
  REQUIRE(t);
  CHECK(t->processors().size() == 3);
  CHECK(t->find(0) == nullptr);
  CHECK(t->cores() == 2);
  CHECK(t->packages() == 2);
  CHECK(t->find(1000)->core == 1);
  CHECK(t->find(1000)->package == 1);
}

TEST_CASE("topology: what is missing has a default") {
  made_up_machine m;
  {
    const auto t = m.read();  // nothing at all
    REQUIRE(t);
    CHECK(t->processors().size() == 1);
    CHECK(t->worker_count() == 1);
  }
  m.allowed("0-3");
  {
    const auto t = m.read();  // no sysfs
    REQUIRE(t);
    CHECK(t->processors().size() == 4);
    CHECK(t->cores() == 4);
    CHECK(t->caches() == 1);
    CHECK(t->packages() == 1);
  }
  m.online("0-1").file("sys/devices/system/cpu/cpu0/topology/thread_siblings_list", "0-1\n");  // an older kernel's name
  {
    const auto t = m.read();
    REQUIRE(t);
    CHECK(t->cores() == 1);
    CHECK(t->usable_cpus() == 2);
  }
}

TEST_CASE("topology: the last cache is the highest level that holds data, whatever its number") {
  made_up_machine m;
  m.online("0-1");
  for (const std::string cpu : {"0", "1"}) {
    const std::string at = "sys/devices/system/cpu/cpu" + cpu + "/cache/";
    m.file(at + "index0/level", "2\n").file(at + "index0/type", "Unified\n");
    m.file(at + "index0/shared_cpu_list", "0-1\n");
    m.file(at + "index1/level", "2\n").file(at + "index1/type", "Instruction\n");
    m.file(at + "index1/shared_cpu_list", cpu + "\n");
    m.file(at + "index2/level", "1\n").file(at + "index2/type", "Data\n");
    m.file(at + "index2/shared_cpu_list", cpu + "\n");
  }
  const auto t = m.read();
  REQUIRE(t);
  CHECK(t->caches() == 1);
}

constexpr const char* unified_mount = "24 1 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

TEST_CASE("topology: a quota of cgroup v2 bounds the workers, rounded up, and the least of all levels counts") {
  made_up_machine m;
  m.online("0-7").file("proc/self/cgroup", "0::/app.slice/job\n").file("proc/self/mountinfo", unified_mount);
  const auto workers = [&](const char* own, const char* parent) {
    m.file("sys/fs/cgroup/app.slice/job/cpu.max", own).file("sys/fs/cgroup/app.slice/cpu.max", parent);
    const auto t = m.read();
    REQUIRE(t);
    return std::pair(t->worker_count(), t->cpu_quota());
  };
  CHECK(workers("max 100000\n", "max 100000\n") == std::pair(8u, unlimited));
  CHECK(workers("150000 100000\n", "max 100000\n") == std::pair(2u, 1.5));
  CHECK(workers("max 100000\n", "300000 100000\n") == std::pair(3u, 3.0));
  CHECK(workers("500000 100000\n", "300000 100000\n") == std::pair(3u, 3.0));
  CHECK(workers("1000 100000\n", "max 100000\n") == std::pair(1u, 0.01));
  CHECK(workers("9000000 100000\n", "max\n") == std::pair(8u, 90.0));
  CHECK(workers("200000\n", "max\n") == std::pair(2u, 2.0));  // the period is the kernel's
  for (const char* odd :
       {"", "\n", "x", "0 0\n", "0 100000\n", "100000 0\n", "-5 100000\n", "max max\n", "1e5 1\n", "100000 100000x\n"})
    CHECK(workers(odd, "400000 100000\n") == std::pair(4u, 4.0));
  CHECK(workers("99999999999999999999999999 1\n", "max\n").first == 8);
}

TEST_CASE("topology: quota and cpuset of cgroup v1, each in its own hierarchy") {
  made_up_machine m;
  two_sockets(m);
  m.file("proc/self/cgroup", "4:cpuset:/box\n3:cpu,cpuacct:/box\n2:memory:/box\n1:name=systemd:/\n0::/\n");
  m.file("proc/self/mountinfo",
         "30 25 0:26 /box /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
         "31 25 0:27 / /sys/fs/cgroup/cpuset rw shared:10 - cgroup cgroup rw,cpuset\n"
         "nonsense\n\n32 25\n"
         "33 25 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
  m.file("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000\n");
  m.file("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  m.file("sys/fs/cgroup/cpuset/box/cpuset.cpus", "0-3,8-9\n").file("sys/fs/cgroup/cpuset/cpuset.cpus", "0-15\n");
  {
    const auto t = m.read();
    REQUIRE(t);
    CHECK(t->cpu_quota() == 2.5);
    CHECK(t->usable_cpus() == 6);
    CHECK(t->worker_count() == 3);
  }
  m.file("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  const auto t = m.read();
  REQUIRE(t);
  CHECK(t->cpu_quota() == unlimited);
  CHECK(t->worker_count() == 6);
}

TEST_CASE("topology: a mount's name may hold spaces, and a group may lie outside of what is shown") {
  made_up_machine m;
  m.online("0-7").file("proc/self/cgroup", "0::/../elsewhere\n");
  m.file("proc/self/mountinfo", "24 1 0:22 / /my\\040groups rw - cgroup2 cgroup2 rw\n");
  m.file("my groups/cpu.max", "200000 100000\n").file("elsewhere/cpu.max", "100000 100000\n");
  const auto t = m.read();
  REQUIRE(t);
  CHECK(t->worker_count() == 2);
}

TEST_CASE("topology: a cpuset that leaves nothing is not believed") {
  made_up_machine m;
  m.online("0-3").allowed("0-1").file("proc/self/cgroup", "0::/\n").file("proc/self/mountinfo", unified_mount);
  m.file("sys/fs/cgroup/cpuset.cpus.effective", "9\n");
  const auto t = m.read();
  REQUIRE(t);
  CHECK(t->usable_cpus() == 2);
  m.file("sys/fs/cgroup/cpuset.cpus.effective", "1-9\n");
  const auto u = m.read();
  REQUIRE(u);
  CHECK(u->usable_cpus() == 1);
  m.allowed("7");  // a processor that is off
  const auto v = m.read();
  REQUIRE(v);
  CHECK(v->usable_cpus() == 4);
}

TEST_CASE("topology: files of processors that are no lists are errors") {
  for (const char* odd : {"x", "0-", "1-0", "0,,1", "-1", "0 1"}) {
    made_up_machine m;
    m.online(odd);
    const auto t = m.read();
    REQUIRE_FALSE(t);
    CHECK(t.error() == frys::errc::corrupt);
    CHECK(t.error().where == frys::domain::sched);
  }
  {
    made_up_machine m;
    m.online("0-9999");
    const auto t = m.read();
    REQUIRE_FALSE(t);
    CHECK(t.error() == frys::errc::limit_exceeded);
  }
  {
    made_up_machine m;
    m.online(std::string(100'000, '1'));
    REQUIRE_FALSE(m.read());
  }
  {
    made_up_machine m;
    m.online("0").file("sys/devices/system/cpu/cpu0/topology/core_cpus_list", "zero");
    const auto t = m.read();
    REQUIRE_FALSE(t);
    CHECK(t.error() == frys::errc::corrupt);
  }
  CHECK(topology::read(std::string(5000, 'r')).error() == frys::errc::invalid_argument);
}

TEST_CASE("topology: processors that contradict each other are believed in their order") {
  made_up_machine m;
  m.online("0-2").cpu(0, "0-1", 0, "0-2").cpu(1, "1-2", 0, "1").cpu(2, "0", 5, "0-2");
  const auto t = m.read();
  REQUIRE(t);
  CHECK(t->find(0)->core == t->find(1)->core);
  CHECK(t->find(2)->core != t->find(0)->core);
  CHECK(t->cores() == 2);
  CHECK(places(*t, placement::one_per_core, 3).size() == 2);
}

// Whatever the files hold, the answer is an error or a topology that holds together.
TEST_CASE("topology: files of any content do no harm") {
  std::minstd_rand engine(1);
  const auto dice = [&] { return static_cast<unsigned>(engine() >> 4); };
  const std::string letters = "0123456789-,\n max:/.\\ cgroupcpuset2";
  const auto content = [&] {
    std::string s;
    for (unsigned n = dice() % 40; n != 0; --n) s += letters[dice() % letters.size()];
    return s;
  };
  for (int round = 0; round != 60; ++round) {
    made_up_machine m;
    m.online("0-3").allowed(dice() % 2 ? content() : "0-3");
    if (dice() % 2) m.file("proc/self/cgroup", dice() % 2 ? content() : "0::/a/b\n1:cpu,cpuset:/a\n");
    if (dice() % 2) m.file("proc/self/mountinfo", dice() % 2 ? unified_mount + content() : content());
    for (const char* name :
         {"sys/fs/cgroup/a/cpu.max", "sys/fs/cgroup/cpu.max", "sys/fs/cgroup/cpuset.cpus.effective",
          "sys/devices/system/cpu/cpu0/topology/physical_package_id", "sys/devices/system/cpu/cpu1/cache/index0/level",
          "sys/devices/system/cpu/cpu1/cache/index0/type"})
      if (dice() % 2) m.file(name, content());
    if (dice() % 4 == 0) m.file("sys/devices/system/cpu/cpu2/topology/core_cpus_list", content());
    if (dice() % 4 == 0) m.file("sys/devices/system/cpu/cpu1/cache/index0/shared_cpu_list", content());
    if (dice() % 4 == 0) m.file("sys/devices/system/node/online", content());
    const auto t = m.read();
    if (!t) continue;
    CHECK(t->processors().size() == 4);
    CHECK(t->usable_cpus() >= 1);
    CHECK(t->worker_count() >= 1);
    CHECK(t->worker_count() <= t->usable_cpus());
    CHECK(t->packages() >= 1);
    for (const frys::processor& p : t->processors()) {
      CHECK(p.core < t->cores());
      CHECK(p.cache < t->caches());
      CHECK(p.package < t->packages());
    }
    CHECK(places(*t, placement::scatter, 9).size() == t->usable_cpus());
  }
}
#endif  // FRYS_OS_LINUX

}  // namespace
