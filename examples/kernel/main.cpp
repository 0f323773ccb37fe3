// frys-kernel: the reference assembly. A Redis-compatible server with durable writes and vector search, composed from
// frys headers: choose the policies below, wire them in main. Everything that is not a choice is in a frys block or in
// the files beside this one.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <variant>

#include <frys/io/blocking_files.hpp>
#include <frys/io/epoll_reactor.hpp>
#include <frys/memory/replace_new.hpp>  // what is left: names, texts of INFO, vector sets
#include <frys/queue/broadcast_ring.hpp>
#include <frys/queue/spsc_ring.hpp>
#include <frys/sched/blocking_pool.hpp>

#include "options.hpp"
#include "server.hpp"
#include "top.hpp"

#if defined(FRYS_WITH_URING)
#include <frys/with/uring.hpp>
#endif

namespace {

namespace policy = frys::policy;

// What does not depend on the network.
struct choices {
  // Replies that wait for their sync; --sync-queue says how many. One thread is both sides, and writes in place.
  template <class T>
  using sync_ring = frys::spsc_ring<T, policy::capacity<policy::dynamic>>;
  // What a core publishes: all others read it, and when one of them is 256 messages behind, publishers wait.
  template <class T>
  using fan_out_ring = frys::broadcast_ring<T, policy::capacity<256>, policy::independent_readers<kernel::most_cores>>;
};

// The world of this kernel: real atomics, the monotonic clock, the machine's network and files.
struct portable : choices {
  using network = frys::epoll_reactor<policy::clock<frys::clocks::steady>>;
  // A sync would stop the loop: another thread waits for it.
  struct files {
    files(network& loop, frys::blocking_pool<>& pool) : syncing(pool, loop) {}
    auto& get() noexcept { return syncing; }
    frys::blocking_files<frys::blocking_pool<>, network> syncing;
  };
};
#if defined(FRYS_WITH_URING)
struct fast : choices {
  using network = frys::uring_reactor<policy::clock<frys::clocks::steady>>;
  // The ring waits for the disk itself.
  struct files {
    files(network& loop, frys::blocking_pool<>&) : ring(loop) {}
    auto& get() noexcept { return ring.files(); }
    network& ring;
  };
};
#endif

int serve(const kernel::options& o) {
  std::string why = "epoll";
  // Where no client waits for a sync, the plain calls cost less than requests in a ring: 0.6 us of 12 per command.
  const bool may_sync = o.log && o.durability == frys::durability::machine;
  [[maybe_unused]] const bool ring =
      o.network == kernel::backend::io_uring || (o.network == kernel::backend::automatic && may_sync);
#if defined(FRYS_WITH_URING)
  if (ring) {
    const auto probe = fast::network::create();
    if (probe) return kernel::server<fast>(o, "io_uring").run();
    why = std::string("epoll (io_uring: ") + probe.error().message + ")";
  }
#endif
  if (o.network == kernel::backend::io_uring) {
    std::fprintf(stderr, "frys-kernel: io_uring was asked for and is not to be had: %s\n", why.c_str());
    return 1;
  }
  return kernel::server<portable>(o, why).run();
}

}  // namespace

int main(int argc, char** argv) {
  const kernel::parsed wanted =
      kernel::parse_options(argc, argv, [](const char* name) -> const char* { return std::getenv(name); });
  if (const auto* text = std::get_if<kernel::print_and_exit>(&wanted)) return std::fputs(text->text.c_str(), stdout), 0;
  if (const auto* wrong = std::get_if<kernel::complaint>(&wanted)) return std::fputs(wrong->text.c_str(), stderr), 2;
  if (const auto* other = std::get_if<kernel::watch>(&wanted)) return kernel::watch_kernel(*other);
  return serve(std::get<kernel::options>(wanted));
}
