// How small can a kernel be? One thread, epoll, files in memory, no plugins: SET, GET, DEL and DBSIZE over RESP,
// each write logged before it is acknowledged. The blocks are those of examples/kernel; only the choices differ.
//
//   small_kernel          serves itself one short conversation and ends
//   small_kernel PORT     serves redis-cli -p PORT until it is killed
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <frys/io/epoll_reactor.hpp>
#include <frys/net/resp.hpp>
#include <frys/sched/task.hpp>
#include <frys/sim/disk.hpp>
#include <frys/storage/memtable.hpp>
#include <frys/storage/wal.hpp>

// [region choices]
using our_network = frys::epoll_reactor<>;
using our_files = frys::sim::disk;  // in memory; name frys::posix_files instead, and the log is on the disk
using our_log = frys::wal<frys::policy::files<our_files>>;
using our_keys = frys::memtable<std::string, frys::policy::limit<64 << 20>>;
// [endregion choices]

struct kernel {
  our_network& net;
  our_log log;
  our_keys keys{};

  // One command in, one reply out. Writes are in the open group of the log when this returns.
  void run(std::span<const std::string_view> args, frys::resp_writer<frys::resp_output> reply) {
    const std::string_view name = args[0];
    if (name == "PING") return reply.simple("PONG");
    if (name == "DBSIZE") return reply.integer(static_cast<std::int64_t>(keys.size()));
    if (name == "GET" && args.size() == 2) {
      const std::string* value = keys.find(args[1]);
      return value != nullptr ? reply.bulk(*value) : reply.null();
    }
    if ((name == "SET" && args.size() == 3) || (name == "DEL" && args.size() == 2)) {
      const std::string record = std::string(args[1]) + (args.size() == 3 ? "=" + std::string(args[2]) : "");
      if (!log.append(frys::as_bytes(record))) return reply.error("ERR the log takes no more writes");
      if (name == "DEL") return reply.integer(keys.erase(args[1]) ? 1 : 0);
      return keys.insert_or_assign(args[1], std::string(args[2])) ? reply.ok() : reply.error("OOM out of memory");
    }
    reply.error("ERR unknown command or wrong number of arguments");
  }

  // One client until it leaves. Commands that came together share one sync and one send.
  frys::task<void> serve(frys::stream_socket socket) {
    frys::resp_decoder decoder;
    std::string rest;
    for (;;) {
      auto got = co_await net.recv(socket);
      if (!got || got->empty()) co_return;
      rest += got->text();
      frys::resp_output out;
      std::size_t used = 0;
      frys::resp_event event;
      while ((event = decoder.decode(frys::as_bytes(rest).subspan(used))).status == frys::resp_status::command) {
        used += event.consumed;
        run(event.args, frys::resp_writer(out));
      }
      rest.erase(0, used + event.consumed);
      if (log.needs_flush() && !co_await log.flush()) co_return;  // not durable: no acknowledgement
      if (event.status == frys::resp_status::error) frys::resp_writer(out).error(event.message);
      auto replies = frys::buffer::copy_of(out.view());
      if (!replies || !co_await net.send(socket, *std::move(replies))) co_return;
      if (event.status == frys::resp_status::error) co_return;
    }
  }
};

frys::task<void> accept_all(kernel& k, frys::listener& door, frys::task_scope& clients) {
  while (auto socket = co_await k.net.accept(door)) clients.spawn(k.serve(*std::move(socket)));
}

frys::task<void> converse(our_network& net, std::uint16_t port, bool& good) {
  auto socket = co_await net.connect("127.0.0.1", port);
  if (!socket) co_return;
  const std::string_view say = "PING\r\nSET city Bern\r\nGET city\r\nDEL city\r\nGET city\r\nDBSIZE\r\n";
  const std::string_view hope = "+PONG\r\n+OK\r\n$4\r\nBern\r\n:1\r\n$-1\r\n:0\r\n";
  auto question = frys::buffer::copy_of(frys::as_bytes(say));
  if (!question || !co_await net.send(*socket, *std::move(question))) co_return;
  std::string heard;
  while (heard.size() < hope.size()) {
    auto part = co_await net.recv(*socket);
    if (!part || part->empty()) break;
    heard += part->text();
  }
  std::printf("%s-- answers --\n%s", say.data(), heard.c_str());
  good = heard == hope;
  net.stop();
}

int main(int argc, char** argv) {
  auto net = our_network::create();
  our_files disk;
  auto log = frys::sync_wait(our_log::open(disk, {.directory = "log"}, [](std::uint64_t, frys::byte_view) {}));
  auto door = frys::listener::bind(
      {.address = "127.0.0.1", .port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0)});
  if (!net || !log || !door) return std::fprintf(stderr, "small_kernel cannot start\n"), 1;

  kernel k{**net, *std::move(log)};
  bool good = argc > 1;
  frys::task_scope clients;
  clients.spawn(accept_all(k, *door, clients));
  if (argc == 1) clients.spawn(converse(**net, door->port(), good));
  (*net)->run();
  clients.cancel();
  return good ? 0 : 1;
}
