#include <doctest/doctest.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>

#include <frys/io/choose.hpp>
#include <frys/sched/task.hpp>

namespace {

struct choice {
  std::string name;
  std::string reason;
};

choice choose(frys::backend wanted = frys::backend::best) {
  auto made = frys::with_reactor({}, wanted, [](auto& r, std::string_view reason) {
    return choice{std::string(r.name()), std::string(reason)};
  });
  if (!made) return {"none", made.error().message};
  return *made;
}

// What choose() answers in a process where a filter lets io_uring_setup fail with `number`.
choice choose_where_refused(int number, frys::backend wanted = frys::backend::best) {
  int pipe_fds[2] = {-1, -1};
  REQUIRE(::pipe(pipe_fds) == 0);
  const ::pid_t child = ::fork();
  if (child == 0) {
    ::sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(::seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (static_cast<unsigned>(number) & SECCOMP_RET_DATA)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const ::sock_fprog program{sizeof rules / sizeof rules[0], rules};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) ::_exit(2);
    if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) ::_exit(3);
    const choice c = choose(wanted);
    const std::string out = c.name + "\n" + c.reason;
    const bool written = ::write(pipe_fds[1], out.data(), out.size()) == static_cast<::ssize_t>(out.size());
    ::_exit(written ? 0 : 4);
  }
  REQUIRE(child > 0);
  ::close(pipe_fds[1]);
  std::string text;
  char part[512];
  for (::ssize_t n; (n = ::read(pipe_fds[0], part, sizeof part)) > 0;) text.append(part, static_cast<std::size_t>(n));
  ::close(pipe_fds[0]);
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 0);
  const std::size_t cut = text.find('\n');
  REQUIRE(cut != std::string::npos);
  return {text.substr(0, cut), text.substr(cut + 1)};
}

}  // namespace

TEST_CASE("with_reactor: makes a reactor that works, and says why this one") {
  const choice c = choose();
  MESSAGE(c.name << ": " << c.reason);
  CHECK((c.name == "epoll" || c.name == "io_uring"));
  CHECK_FALSE(c.reason.empty());
#if !FRYS_WITH_URING
  CHECK(c.reason == "this program was built without liburing (FRYS_WITH_URING)");
#endif
}

TEST_CASE("with_reactor: takes epoll where it is asked for, and hands the answer of the function on") {
  CHECK(choose(frys::backend::epoll).name == "epoll");
  CHECK(choose(frys::backend::epoll).reason == "epoll was asked for");
  int calls = 0;
  CHECK(frys::with_reactor({}, [&](auto& r) {
          ++calls;
          frys::sync_wait(r, r.yield());
        }).has_value());
  CHECK(calls == 1);
}

TEST_CASE("with_reactor: an option that no backend can fulfil is an error") {
  auto made = frys::with_reactor({.root = "/no/such/root"}, [](auto&) {});
  CHECK_FALSE(made.has_value());
  if (!made) CHECK(made.error() == frys::errc::not_found);
}

#if FRYS_WITH_URING
TEST_CASE("with_reactor: falls back to epoll where a filter forbids io_uring, and says so") {
  const choice forbidden = choose_where_refused(EPERM);
  CHECK(forbidden.name == "epoll");
  CHECK(forbidden.reason == "io_uring is forbidden here: a seccomp filter (containers) or kernel.io_uring_disabled");
  const choice missing = choose_where_refused(ENOSYS);
  CHECK(missing.name == "epoll");
  CHECK(missing.reason == "this kernel has no io_uring, or a seccomp filter hides it");
  CHECK(choose_where_refused(ENOMEM).reason.find("RLIMIT_MEMLOCK") != std::string::npos);
  CHECK(choose_where_refused(EINVAL).reason == "this kernel's io_uring is too old for frys");
}

TEST_CASE("with_reactor: io_uring or nothing, where that is asked for") {
  const choice c = choose_where_refused(EPERM, frys::backend::uring);
  CHECK(c.name == "none");
  CHECK(c.reason.find("forbidden") != std::string::npos);
}
#endif
