#include <frys/core/thread.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#if FRYS_HAS_THREAD
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#endif

namespace {

#if FRYS_HAS_THREAD

using frys::thread;
using frys::thread_options;

void count_up(void* argument) noexcept { ++*static_cast<int*>(argument); }

std::string name_of_this_thread() {
  char text[64] = {};
#if FRYS_OS_LINUX
  ::pthread_getname_np(::pthread_self(), text, sizeof text);
#endif
  return text;
}

std::size_t stack_of_this_thread() {
#if FRYS_OS_LINUX
  ::pthread_attr_t attributes;
  if (::pthread_getattr_np(::pthread_self(), &attributes) != 0) return 0;
  std::size_t size = 0;
  ::pthread_attr_getstacksize(&attributes, &size);
  ::pthread_attr_destroy(&attributes);
  return size;
#else
  return 0;
#endif
}

TEST_CASE("thread: runs a function with its argument, and join makes visible what it did") {
  int n = 0;
  auto t = thread::start({}, &count_up, &n);
  REQUIRE(t);
  CHECK(t->joinable());
  t->join();
  CHECK_FALSE(t->joinable());
  CHECK(n == 1);
}

TEST_CASE("thread: runs anything that can be called, and moves it in") {
  int n = 0;
  auto owned = std::make_unique<int>(7);
  auto t = thread::start({}, [&n, p = std::move(owned)] { n = *p; });
  REQUIRE(t);
  t->join();
  CHECK(n == 7);
}

TEST_CASE("thread: what it was called with is destroyed on the new thread, before the join returns") {
  struct traced {
    std::uint64_t* where;
    explicit traced(std::uint64_t* w) : where(w) {}
    traced(traced&& o) noexcept : where(std::exchange(o.where, nullptr)) {}
    ~traced() {
      if (where != nullptr) *where = frys::this_thread::id();
    }
  };
  std::uint64_t ran = 0, destroyed = 0;
  auto t = thread::start({}, [&ran, held = traced(&destroyed)] { ran = frys::this_thread::id(); });
  REQUIRE(t);
  t->join();
  CHECK(ran != 0);
  CHECK(destroyed == ran);
  CHECK(ran != frys::this_thread::id());
}

TEST_CASE("thread: the destructor and the move assignment join") {
  int n = 0, m = 0;
  {
    auto t = thread::start({}, &count_up, &n);
    REQUIRE(t);
    thread a = *std::move(t);
    auto u = thread::start({}, &count_up, &m);
    REQUIRE(u);
    a = *std::move(u);
    CHECK(n == 1);  // it was joined to make room
    thread& same = a;
    a = std::move(same);
    CHECK(a.joinable());
  }
  CHECK(m == 1);
  thread none;
  CHECK_FALSE(none.joinable());
  none = thread();
}

#if FRYS_OS_LINUX
TEST_CASE("thread: has its name, of which Linux keeps 15 bytes") {
  std::string short_name, long_name;
  auto a = thread::start({.name = "worker-7"}, [&] { short_name = name_of_this_thread(); });
  REQUIRE(a);
  a->join();
  const std::string all(500, 'n');
  auto b = thread::start({.name = all.c_str()}, [&] { long_name = name_of_this_thread(); });
  REQUIRE(b);
  b->join();
  CHECK(short_name == "worker-7");
  CHECK(long_name == std::string(15, 'n'));
}

TEST_CASE("thread: has at least the stack that was asked for, in whole pages") {
  std::size_t large = 0, odd = 0, tiny = 0;
  const auto run = [](std::size_t bytes, std::size_t& into) {
    auto t = thread::start({.stack_bytes = bytes}, [&] { into = stack_of_this_thread(); });
    REQUIRE(t);
    t->join();
  };
  run(64u << 20, large);
  run((1u << 20) + 1, odd);
  run(1, tiny);
  CHECK(large >= (64u << 20));  // more than the system's own
  CHECK(odd > (1u << 20));
  CHECK(odd % 4096 == 0);
  CHECK(tiny != 0);  // as small as the system can
}

TEST_CASE("thread: one that the system cannot make is an error, and nothing is left behind") {
  bool ran = false;
  for (const std::size_t bytes : {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 2 - 4096}) {
    auto t = thread::start({.stack_bytes = bytes}, [&, held = std::make_unique<int>(1)] { ran = true; });
    REQUIRE_FALSE(t);
    CHECK((t.error() == frys::errc::limit_exceeded || t.error() == frys::errc::out_of_memory ||
           t.error() == frys::errc::invalid_argument));
    CHECK(t.error().where == frys::domain::core);
    CHECK(t.error().number != 0);
  }
  CHECK_FALSE(ran);
}

std::vector<unsigned> cpus_of_this_thread() {
  frys::detail::cpu_bits got;
  std::vector<unsigned> list;
  if (got.read() == 0)
    for (unsigned cpu = 0; cpu < got.most; ++cpu)
      if (got.has(cpu)) list.push_back(cpu);
  return list;
}

TEST_CASE("thread: runs where it shall, and nowhere else") {
  const std::vector<unsigned> ours = cpus_of_this_thread();
  REQUIRE_FALSE(ours.empty());
  const std::array<unsigned, 1> last{ours.back()};
  std::vector<unsigned> seen;
  unsigned cpu = frys::this_thread::no_cpu;
  auto t = thread::start({.cpus = last}, [&] {
    seen = cpus_of_this_thread();
    cpu = frys::this_thread::current_cpu();
  });
  REQUIRE(t);
  CHECK(t->told());
  t->join();
  CHECK(seen == std::vector<unsigned>{ours.back()});
  CHECK(cpu == ours.back());
  CHECK(cpus_of_this_thread() == ours);  // its starter stays
}

TEST_CASE("thread: what is not permitted is told, and the thread runs all the same") {
  const std::array<unsigned, 1> nowhere{8191}, absurd{70'000};
  bool ran = false;
  auto t = thread::start({.cpus = nowhere}, [&] { ran = true; });
  REQUIRE(t);
  REQUIRE_FALSE(t->told());
  CHECK(t->told().error() == frys::errc::invalid_argument);
  t->join();
  CHECK(ran);
  auto u = thread::start({.cpus = absurd}, [] {});
  REQUIRE(u);
  REQUIRE_FALSE(u->told());
  CHECK(u->told().error().number == 70'000);
  u->join();
  std::array<unsigned, 2> some{cpus_of_this_thread().front(), 8191};
  std::vector<unsigned> seen;
  auto v = thread::start({.cpus = some}, [&] { seen = cpus_of_this_thread(); });
  REQUIRE(v);
  REQUIRE_FALSE(v->told());
  CHECK(v->told().error() == frys::errc::permission_denied);
  v->join();
  CHECK(seen == std::vector<unsigned>{some[0]});
}

TEST_CASE("thread: one that insists does not run unless it is as asked for") {
  const std::array<unsigned, 1> nowhere{8191};
  bool ran = false, destroyed = false;
  struct notes {
    bool* at;
    explicit notes(bool* a) : at(a) {}
    notes(notes&& o) noexcept : at(std::exchange(o.at, nullptr)) {}
    ~notes() {
      if (at != nullptr) *at = true;
    }
  };
  auto t = thread::start({.cpus = nowhere, .insist = true}, [&ran, n = notes(&destroyed)] { ran = true; });
  REQUIRE_FALSE(t);
  CHECK(t.error() == frys::errc::invalid_argument);
  CHECK_FALSE(ran);
  CHECK(destroyed);
}

int policy_of_this_thread() { return ::sched_getscheduler(0); }

TEST_CASE("thread: has its class and its nice value, which need no right") {
  int batch = -1, idle = -1, normal = -1, nice = -1;
  auto a = thread::start({.scheduling = frys::scheduling::batch, .priority = 5}, [&] {
    batch = policy_of_this_thread();
    nice = ::getpriority(PRIO_PROCESS, 0);
  });
  REQUIRE(a);
  CHECK(a->told());
  a->join();
  auto b = thread::start({.scheduling = frys::scheduling::idle}, [&] { idle = policy_of_this_thread(); });
  REQUIRE(b);
  CHECK(b->told());
  b->join();
  auto c = thread::start({.scheduling = frys::scheduling::normal}, [&] { normal = policy_of_this_thread(); });
  REQUIRE(c);
  c->join();
  CHECK(batch == 3);
  CHECK(nice == 5);
  CHECK(idle == 5);
  CHECK(normal == 0);
}

TEST_CASE("thread: a class that needs a right is had, or told") {
  for (const auto how : {frys::scheduling::fifo, frys::scheduling::round_robin}) {
    int policy = -1;
    auto t = thread::start({.scheduling = how, .priority = 1}, [&] { policy = policy_of_this_thread(); });
    REQUIRE(t);
    const bool had = t->told().has_value();
    if (!had) CHECK(t->told().error() == frys::errc::permission_denied);
    t->join();
    CHECK(policy == (!had ? policy_of_this_thread() : how == frys::scheduling::fifo ? 1 : 2));
  }
  using namespace std::chrono_literals;
  int policy = -1;
  auto t = thread::start({.scheduling = frys::scheduling::deadline, .runtime = 1ms, .deadline = 10ms, .period = 10ms},
                         [&] { policy = policy_of_this_thread(); });
  REQUIRE(t);
  const bool had = t->told().has_value();
  if (!had)
    CHECK((t->told().error() == frys::errc::permission_denied || t->told().error() == frys::errc::busy ||
           t->told().error() == frys::errc::unsupported));
  t->join();
  CHECK(policy == (had ? 6 : policy_of_this_thread()));
}

TEST_CASE("thread: a class with a priority that it does not have is an invalid argument") {
  for (const thread_options& o :
       {thread_options{.scheduling = frys::scheduling::normal, .priority = 20},
        thread_options{.scheduling = frys::scheduling::fifo, .priority = -1},
        thread_options{.scheduling = frys::scheduling::fifo, .priority = 1000},
        thread_options{.scheduling = frys::scheduling::deadline, .runtime = frys::nanoseconds(-1)},
        thread_options{.scheduling = static_cast<frys::scheduling>(77)}}) {
    thread_options wanted = o;
    wanted.insist = true;
    auto t = thread::start(wanted, [] {});
    REQUIRE_FALSE(t);
    CHECK(t.error() == frys::errc::invalid_argument);
  }
}

TEST_CASE("this_thread: names, places and classes of the caller") {
  std::string name;
  std::vector<unsigned> seen;
  int policy = -1;
  auto t = thread::start({}, [&] {
    frys::this_thread::set_name("renamed");
    name = name_of_this_thread();
    const std::array<unsigned, 1> one{cpus_of_this_thread().front()};
    REQUIRE(frys::this_thread::set_affinity(one));
    seen = cpus_of_this_thread();
    REQUIRE(frys::this_thread::set_scheduling({.scheduling = frys::scheduling::batch}));
    REQUIRE(frys::this_thread::set_scheduling({}));  // inherit: nothing to do
    policy = policy_of_this_thread();
  });
  REQUIRE(t);
  t->join();
  CHECK(name == "renamed");
  CHECK(seen.size() == 1);
  CHECK(policy == 3);
}
#endif  // FRYS_OS_LINUX

struct tag_a;
struct tag_b;

TEST_CASE("os_threads: a pointer for each thread and tag, null at first") {
  int x = 0;
  void*& mine = frys::os_threads::local<tag_a>();
  CHECK(mine == nullptr);
  mine = &x;
  CHECK(&frys::os_threads::local<tag_a>() == &mine);
  CHECK(frys::os_threads::local<tag_b>() == nullptr);
  void* theirs = &x;
  auto t = frys::os_threads::start(
      {}, [](void* p) noexcept { *static_cast<void**>(p) = frys::os_threads::local<tag_a>(); }, &theirs);
  REQUIRE(t);
  t->join();
  CHECK(theirs == nullptr);
  mine = nullptr;
}

TEST_CASE("thread: an id that no other thread has") {
  const std::uint64_t mine = frys::this_thread::id();
  std::uint64_t other = mine;
  auto t = thread::start({}, [&] { other = frys::this_thread::id(); });
  REQUIRE(t);
  t->join();
  CHECK(other != mine);
  CHECK(frys::this_thread::id() == mine);
}

#endif  // FRYS_HAS_THREAD

}  // namespace
