#include "top.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include <frys/core/clock.hpp>
#include <frys/io/epoll_reactor.hpp>
#include <frys/io/socket.hpp>
#include <frys/net/resp_reply.hpp>
#include <frys/sched/task.hpp>

namespace kernel {

namespace {

using loop = frys::epoll_reactor<>;

// "name:value" in INFO's text; 0 where it is not there.
std::uint64_t number(std::string_view info, std::string_view name) {
  for (std::size_t at = 0; (at = info.find(name, at)) != std::string_view::npos; at += name.size()) {
    if ((at != 0 && info[at - 1] != '\n') || info.substr(at + name.size(), 1) != ":") continue;
    std::uint64_t n = 0;
    for (std::size_t i = at + name.size() + 1; i < info.size() && info[i] >= '0' && info[i] <= '9'; ++i)
      n = n * 10 + static_cast<std::uint64_t>(info[i] - '0');
    return n;
  }
  return 0;
}

std::string short_number(double n) {
  const char* unit = "";
  for (const char* next : {"k", "M", "G"}) {
    if (n < 10'000) break;
    n /= 1000;
    unit = next;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.0f%s", n, unit);
  return text;
}

struct picture {
  std::string info;
  frys::nanoseconds at{0};
};

// One INFO; empty when the kernel has gone.
frys::task<std::string> ask(loop& l, frys::stream_socket& s) {
  auto question = frys::buffer::copy_of(frys::as_bytes("INFO everything\r\n"));
  if (!question) co_return std::string();
  const auto sent = co_await l.send(s, *std::move(question));
  if (!sent) co_return std::string();
  std::string bytes;
  for (;;) {
    auto got = co_await l.recv(s);
    if (!got || got->empty()) co_return std::string();
    bytes += got->text();
    frys::resp_reply_decoder decoder;
    const frys::resp_reply_event e = decoder.decode(frys::as_bytes(bytes));
    if (e.is_reply()) co_return std::string(e.nodes.front().text);
    if (e.status == frys::resp_status::error) co_return std::string();
  }
}

void print(const picture& before, const picture& now) {
  const double seconds = static_cast<double>((now.at - before.at).count()) / 1e9;
  const auto rate = [&](std::string_view name) {
    return short_number(static_cast<double>(number(now.info, name) - number(before.info, name)) / seconds);
  };
  const auto value = [&](std::string_view name) { return static_cast<unsigned long long>(number(now.info, name)); };
  const std::uint64_t workers = number(now.info, "frys_workers");
  const double asleep =
      static_cast<double>(number(now.info, "frys_worker_idle_ms") - number(before.info, "frys_worker_idle_ms")) /
      (1000 * seconds * static_cast<double>(workers == 0 ? 1 : workers));
  std::printf(
      "%6s cmd/s  in %6sB/s  out %6sB/s  clients %llu  memory %sB  workers %llu, %3.0f %% asleep, %s run/s  disk %llu "
      "threads, %s sync/s\n",
      rate("total_commands_processed").c_str(), rate("total_net_input_bytes").c_str(),
      rate("total_net_output_bytes").c_str(), value("connected_clients"),
      short_number(static_cast<double>(number(now.info, "used_memory"))).c_str(),
      static_cast<unsigned long long>(workers), 100 * (asleep > 1 ? 1 : asleep), rate("frys_worker_runs").c_str(),
      value("frys_blocking_threads"), rate("frys_blocking_runs").c_str());
  std::fflush(stdout);
}

frys::task<int> watch_it(loop& l, const watch& what) {
  auto connected = co_await l.connect(what.address, what.port);
  if (!connected) {
    std::fprintf(stderr, "frys-kernel top: no kernel at %s:%u: %s\n", what.address.c_str(), unsigned{what.port},
                 connected.error().message);
    co_return 1;
  }
  frys::stream_socket socket = *std::move(connected);
  picture before;
  for (unsigned printed = 0; what.lines == 0 || printed < what.lines;) {
    picture now;
    now.info = co_await ask(l, socket);
    now.at = frys::clocks::steady::now();
    if (now.info.empty()) {
      std::fprintf(stderr, "frys-kernel top: the kernel has gone\n");
      co_return 1;
    }
    if (!before.info.empty()) {
      print(before, now);
      ++printed;
    }
    before = std::move(now);
    if (what.lines == 0 || printed < what.lines) (void)co_await l.sleep_for(std::chrono::seconds(1));
  }
  co_return 0;
}

}  // namespace

int watch_kernel(const watch& what) {
  auto l = loop::create();
  if (!l) {
    std::fprintf(stderr, "frys-kernel top: %s\n", l.error().message);
    return 1;
  }
  return frys::sync_wait(**l, watch_it(**l, what));
}

}  // namespace kernel
