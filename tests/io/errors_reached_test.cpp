// Every code of docs/errors.md, reached by an operation that really fails.
#include <frys/core/error.hpp>
#include <frys/io/choose.hpp>
#include <frys/io/posix_files.hpp>
#include <frys/memory/arena.hpp>
#include <frys/memory/buffer_pool.hpp>
#include <frys/net/resp_decoder.hpp>
#include <frys/sched/task.hpp>
#include <frys/search/flat_index.hpp>
#include <frys/sim/disk.hpp>
#include <frys/storage/wal.hpp>

#include <doctest/doctest.h>

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace {

using frys::errc;
using frys::error;
using reactor = frys::epoll_reactor<>;
using log_type = frys::wal<frys::policy::files<frys::sim::disk>>;

constexpr error none{errc::busy, frys::domain::user, "nothing failed", -1};

template <class R>
error of(const R& r) {
  return r ? none : r.error();
}

// A directory that is gone afterwards.
struct scratch {
  std::string path = "/tmp/frys-errors-XXXXXX";
  scratch() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~scratch() {
    ::unlink((path + "/file").c_str());
    ::rmdir(path.c_str());
  }
};

error open_twice(frys::open_mode mode) {
  const scratch directory;
  frys::posix_files files(directory.path);
  auto first = files.open("file", mode);
  auto second = files.open("file", mode);
  return of(second);
}

error device(const char* path, bool write) {
  frys::posix_files files;
  auto file = files.open(path, write ? frys::open_mode::read_write : frys::open_mode::read);
  if (!file) return file.error();
  auto bytes = frys::buffer::allocate(16);
  if (write) return of(files.write(*file, *std::move(bytes), 0).await_resume());
  return of(files.read(*file, *std::move(bytes), 0).await_resume());
}

error listen_twice() {
  auto first = frys::listener::bind({});
  if (!first) return first.error();
  return of(frys::listener::bind({.port = first->port()}));
}

error connect_to_nobody() {
  auto r = reactor::create({});
  if (!r) return r.error();
  std::uint16_t port = 0;
  if (auto l = frys::listener::bind({})) port = l->port();  // and closed again
  auto body = [](auto& at, std::uint16_t to) -> frys::task<error> {
    co_return of(co_await at.connect("127.0.0.1", to));
  };
  return frys::sync_wait(**r, body(**r, port));
}

enum class end { reset, closed, busy };
error peer_ends(end how) {
  auto r = reactor::create({});
  if (!r) return r.error();
  auto l = frys::listener::bind({});
  if (!l) return l.error();
  auto body = [](auto& at, frys::listener& from, end ending) -> frys::task<error> {
    auto client = co_await at.connect("127.0.0.1", from.port());
    auto server = co_await at.accept(from);
    if (!client || !server) co_return none;
    error other = none;
    frys::task_scope scope;
    auto receive = [](auto& inner, frys::stream_socket& s, error& out) -> frys::task<> {
      out = of(co_await inner.recv(s));
    };
    if (ending == end::reset) {
      const ::linger hard{1, 0};
      ::setsockopt(client->native_handle(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
      client->close();  // sends a reset
      co_return of(co_await at.recv(*server));
    }
    scope.spawn(receive(at, *server, other));
    const error second = ending == end::busy ? of(co_await at.recv(*server)) : none;
    server->close();
    co_await scope.join();
    co_return ending == end::busy ? second : other;
  };
  return frys::sync_wait(**r, body(**r, *l, how));
}

frys::wal_options log_options(std::size_t group_bytes = 1 << 20) {
  frys::wal_options o;
  o.directory = "log";
  o.group_bytes = group_bytes;
  o.record_bytes = 1 << 19;
  return o;
}
auto open_log(frys::sim::disk& disk, std::size_t group_bytes = 1 << 20) {
  return frys::sync_wait(log_type::open(disk, log_options(group_bytes), [](std::uint64_t, frys::byte_view) {}));
}

error log_full() {
  frys::sim::disk disk;
  auto log = open_log(disk, 256);
  if (!log) return log.error();
  const std::string record(100, 'r');
  for (int i = 0; i < 10; ++i)
    if (const auto got = log->append(frys::as_bytes(record)); !got) return got.error();
  return none;
}
error log_closed() {
  frys::sim::disk disk;
  auto log = open_log(disk);
  if (!log) return log.error();
  (void)frys::sync_wait(log->close());
  return of(log->append(frys::as_bytes("late")));
}
error log_too_large() {
  frys::sim::disk disk;
  auto log = open_log(disk);
  if (!log) return log.error();
  return of(log->append(frys::as_bytes(std::string((1 << 19) + 1, 'r'))));
}

// Writes a log of some size, lets `damage` at the bytes of its first file, and opens it again.
template <class Damage>
error log_damaged(Damage damage) {
  frys::sim::disk disk;
  {
    auto log = open_log(disk);
    if (!log) return log.error();
    for (int group = 0; group < 3; ++group) {
      (void)log->append(frys::as_bytes(std::string(400'000, 'r')));
      (void)frys::sync_wait(log->flush());
    }
    (void)frys::sync_wait(log->close());
  }
  std::string name;
  for (const auto& n : disk.names())
    if (n.find("log/") != std::string::npos && name.empty()) name = n;
  auto bytes = disk.contents(name);
  damage(bytes);
  disk.put(name, bytes);
  return of(open_log(disk));
}
// The file becomes shorter while it is replayed.
error log_shrinks() {
  frys::sim::disk disk;
  {
    auto log = open_log(disk);
    if (!log) return log.error();
    for (int group = 0; group < 3; ++group) {
      (void)log->append(frys::as_bytes(std::string(400'000, 'r')));
      (void)frys::sync_wait(log->flush());
    }
    (void)frys::sync_wait(log->close());
  }
  return of(frys::sync_wait(log_type::open(disk, log_options(), [&](std::uint64_t, frys::byte_view) {
    for (const auto& name : disk.names())
      if (auto file = disk.open(name, frys::open_mode::read_write)) (void)disk.truncate(*file, 64);
  })));
}

error written_read_only() {
  frys::sim::disk disk;
  disk.put("file", frys::as_bytes("x"));
  auto file = disk.open("file", frys::open_mode::read);
  if (!file) return file.error();
  return of(disk.truncate(*file, 0));
}

error bad_protocol() {
  frys::resp_decoder decoder;
  const auto event = decoder.decode(frys::as_bytes("*1\r\n:1\r\n"));
  return event.status == frys::resp_status::error ? error{event.problem, frys::domain::net, "refused"} : none;
}

error no_descriptors() {
  ::rlimit before{};
  if (::getrlimit(RLIMIT_NOFILE, &before) != 0) return none;
  ::rlimit tight = before;
  tight.rlim_cur = 3;  // what is open stays open, but nothing more
  if (::setrlimit(RLIMIT_NOFILE, &tight) != 0) return none;
  const error got = of(frys::listener::bind({}));
  ::setrlimit(RLIMIT_NOFILE, &before);
  return got;
}

error arena_beyond(bool absurd) {
  frys::arena<frys::policy::limit<65536>> small;
  frys::arena<> large;
  return absurd ? of(large.allocate((std::numeric_limits<std::size_t>::max)() / 2)) : of(small.allocate(1 << 20));
}

error all_leased() {
  frys::buffer_pool<> pool(64, 1);
  auto first = pool.acquire();
  return of(pool.acquire());
}

struct row {
  errc code;
  error (*fail)();
};

const row table[] = {
    {errc::invalid_argument, [] { return of(frys::flat_index<frys::metrics::dot>::create(0)); }},
    {errc::not_found, [] { return open_twice(frys::open_mode::read); }},
    {errc::already_exists, [] { return open_twice(frys::open_mode::create_new); }},
    {errc::unsupported, [] { return ::syscall(-1) == 0 ? none : frys::os_error(errno, "no such system call"); }},
    {errc::out_of_memory, [] { return arena_beyond(true); }},
    {errc::limit_exceeded, [] { return arena_beyond(false); }},
    {errc::full, log_full},
    {errc::full, all_leased},
    {errc::closed, log_closed},
    {errc::timed_out,
     [] {
       std::uint32_t word = 0;
       const ::timespec soon{0, 1};
       return ::syscall(SYS_futex, &word, 0 /* FUTEX_WAIT */, 0, &soon, nullptr, 0) == 0
                  ? none
                  : frys::os_error(errno, "the wait ended");
     }},
    {errc::cancelled, [] { return peer_ends(end::closed); }},
    {errc::busy, [] { return peer_ends(end::busy); }},
    {errc::io_failed, [] { return device("/proc/self/mem", false); }},
    {errc::permission_denied, written_read_only},
    {errc::no_space, [] { return device("/dev/full", true); }},
    {errc::too_many_files, no_descriptors},
    {errc::address_in_use, listen_twice},
    {errc::connection_reset, [] { return peer_ends(end::reset); }},
    {errc::connection_refused, connect_to_nobody},
    {errc::corrupt, [] { return log_damaged([](auto& bytes) { bytes[bytes.size() / 2] ^= std::byte{1}; }); }},
    {errc::truncated, log_shrinks},
    {errc::version_mismatch,
     [] {
       return log_damaged([](auto& bytes) {
         bytes[8] = std::byte{99};  // the format's version, and the checksum of the head that says so
         frys::store_le(bytes.data() + 28, frys::simd::crc32c({bytes.data(), 28}));
       });
     }},
    {errc::protocol_error, bad_protocol},
    {errc::too_large, log_too_large},
};

}  // namespace

TEST_CASE("error: every code is reached by an operation that fails") {
  std::map<errc, int> reached;
  for (const row& r : table) {
    CAPTURE(frys::name_of(r.code));
    const error got = r.fail();
    CHECK(got == r.code);
    CHECK(got.number != -1);  // -1: nothing failed
    CHECK(std::string_view(got.message) != "");
    ++reached[r.code];
  }
  for (int n = 0; n < 100; ++n) {
    const auto code = static_cast<errc>(n);
    if (std::string_view(frys::name_of(code)) == "unknown") continue;
    CAPTURE(frys::name_of(code));
    CHECK(reached[code] > 0);
  }
}
