// server: starts the cores, recovers what their logs hold, accepts clients, and drains on SIGTERM.
#ifndef FRYS_KERNEL_SERVER_HPP
#define FRYS_KERNEL_SERVER_HPP

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <frys/config.hpp>
#include <frys/core/clock.hpp>
#include <frys/core/deadline.hpp>
#include <frys/core/thread.hpp>
#include <frys/io/options.hpp>
#include <frys/io/os_error.hpp>
#include <frys/io/posix_files.hpp>
#include <frys/io/socket.hpp>
#include <frys/sched/blocking_pool.hpp>
#include <frys/sched/frame_cache.hpp>
#include <frys/sched/scheduler.hpp>
#include <frys/sched/task.hpp>

#include "core.hpp"
#include "options.hpp"

namespace kernel {

template <class World>
class server {
 public:
  using core_type = core<World>;
  using log_type = typename core_type::log_type;

  explicit server(const options& o, std::string network) : options_(o), ready_(o.threads) {
    shared_.level = o.durability;
    shared_.max_memory = o.max_memory;
    shared_.idle_timeout = std::chrono::seconds(o.idle_timeout);
    server_facts& f = shared_.facts;
    f.durability = o.log ? frys::name_of(o.durability) : "off";
    f.reactor = std::move(network);
    f.max_memory = o.max_memory;
    f.max_connections = o.max_connections;
    f.owners = o.threads;
    f.started_ms = core_type::clock_ms();
    f.process_id = ::getpid();
    f.config = {{"appendonly", o.log ? "yes" : "no"},
                {"appendfsync", o.log && o.durability == frys::durability::machine ? "always" : "no"},
                {"save", ""},
                {"dir", o.dir},
                {"bind", o.bind},
                {"maxmemory", std::to_string(o.max_memory)},
                {"maxclients", std::to_string(o.max_connections)},
                {"timeout", std::to_string(o.idle_timeout)},
                {"databases", "1"},
                {"io-threads", std::to_string(o.threads)}};
    shared_.cores.resize(o.threads);
    recovered_.resize(o.threads);
    stop_requests_ = std::vector<stop_request>(o.threads);
  }

  // Serves until SIGTERM or SIGINT. The process's exit code. Core 0 runs on this thread: a kernel of one core is a
  // program of one thread, for which the system's calls on descriptors are cheaper.
  int run() {
    // The signals wait until the doors are open, and are then taken by this thread alone: those that start below
    // inherit the mask.
    ::sigset_t before;
    ::pthread_sigmask(SIG_BLOCK, &stop_signals(), &before);
    std::signal(SIGPIPE, SIG_IGN);
    if (options_.log && !lock_directory()) return 1;
    make_room_for_connections();
    if (!make_pools()) return 1;

    std::vector<frys::thread> threads;
    for (unsigned i = 1; i < options_.threads; ++i) {
      const std::string name = "core-" + std::to_string(i);
      frys::thread_options t;
      t.name = name.c_str();
      auto started = frys::thread::start(t, [this, i] { live_as_core(i); });
      if (!started) {
        // The cores that run wait for all: there is no way back.
        fail("a core cannot start", started.error());
        std::_Exit(1);
      }
      threads.push_back(*std::move(started));
    }
    live_as_core(0);
    for (frys::thread& t : threads) t.join();
    shared_.workers.reset();
    shared_.blocking.reset();
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return exit_code_;
  }

 private:
  // One log record, kept while the logs of several owners are merged.
  struct kept {
    std::uint64_t stamp;
    std::string bytes;
  };

  struct stop_request : frys::work {
    server* self = nullptr;
    core_type* target = nullptr;
  };

  static const ::sigset_t& stop_signals() noexcept {
    static const ::sigset_t both = [] {
      ::sigset_t s;
      ::sigemptyset(&s);
      ::sigaddset(&s, SIGTERM);
      ::sigaddset(&s, SIGINT);
      return s;
    }();
    return both;
  }
  // This thread's, when every core is up: a signal that came before strikes now.
  void take_signals() noexcept {
    for (auto& c : shared_.cores) {
      stop_request& r = stop_requests_[c->index()];
      r.self = this;
      r.target = c.get();
      r.run = [](frys::work& w) noexcept {
        auto& request = static_cast<stop_request&>(w);
        request.self->stop_core(*request.target);
      };
    }
    serving = this;
    struct ::sigaction act {};
    act.sa_flags = SA_RESTART;
    act.sa_handler = [](int) {
      // All that post does is allowed in a signal handler: it exchanges a pointer and may write to a descriptor.
      const int before = errno;
      if (server* s = std::exchange(serving, nullptr))
        for (stop_request& r : s->stop_requests_) r.target->post(r);
      errno = before;
    };
    ::sigaction(SIGTERM, &act, nullptr);
    ::sigaction(SIGINT, &act, nullptr);
    ::pthread_sigmask(SIG_UNBLOCK, &stop_signals(), nullptr);
  }

  void live_as_core(unsigned index) {
    frys::frame_cache frames;  // a command may be several tasks
    run_core(index);
    if (index == 0) ::pthread_sigmask(SIG_BLOCK, &stop_signals(), nullptr);
    ready_.arrive_and_wait();      // no core can be called by another one now
    shared_.cores[index].reset();  // on its own thread, as it lived
  }

  // The threads that cores share: they inherit the mask of signals.
  bool make_pools() {
    frys::blocking_pool_options b;
    b.name = "disk";
    b.most_threads = options_.threads;  // a core waits for one sync at a time
    auto blocking = frys::blocking_pool<>::create(b);
    if (!blocking) return fail("no pool for what blocks", blocking.error()), false;
    shared_.blocking = *std::move(blocking);
    if (options_.workers == 0) return true;
    frys::scheduler_options w;
    w.workers = options_.workers;
    w.guests = options_.threads;
    w.name = "worker";
    auto workers = frys::scheduler<>::create(w);
    if (!workers) return fail("the workers cannot start", workers.error()), false;
    shared_.workers = *std::move(workers);
    return true;
  }

  // Two kernels must not write the same logs. The lock goes with the process, also by kill -9.
  bool lock_directory() {
    ::mkdir(options_.dir.c_str(), 0777);  // what is wrong with it shows in the next call
    lock_ = frys::posix_file(::open((options_.dir + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    if (!lock_.is_open())
      return fail("cannot use the directory", frys::os_error(errno, "no lock file in it"), options_.dir), false;
    for (int attempt = 0; ::flock(lock_.native_handle(), LOCK_EX | LOCK_NB) != 0; ++attempt) {
      if (attempt == 50)
        return fail("cannot use the directory",
                    {frys::errc::busy, frys::domain::user, "another frys-kernel uses it", 0}, options_.dir),
               false;
      ::usleep(10'000);
    }
    return true;
  }
  // Descriptors for every client that may come, as far as this process is allowed.
  void make_room_for_connections() {
    ::rlimit limit{};
    const ::rlim_t wanted = options_.max_connections + 64 + 16 * options_.threads;
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
    limit.rlim_cur = (std::min)(wanted, limit.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= wanted) return;
    options_.max_connections = static_cast<std::uint32_t>(limit.rlim_cur > 128 ? limit.rlim_cur - 64 : 64);
    shared_.facts.max_connections = options_.max_connections;
    std::fprintf(stderr, "frys-kernel: the descriptor limit leaves room for %u connections\n",
                 options_.max_connections);
  }

  void run_core(unsigned index) {
    frys::reactor_options r;
    r.buffer_bytes = options_.network_buffer_size;
    auto reactor = World::network::create(r);
    auto waiting = core_type::sync_ring::make(options_.sync_queue);
    if (!reactor)
      fail("the reactor cannot start", reactor.error());
    else if (!waiting)
      fail("no memory for the sync queue", waiting.error());
    else
      shared_.cores[index] = std::make_unique<core_type>(shared_, *std::move(reactor), *std::move(waiting), index);
    if (!together()) return;
    core_type& own = *shared_.cores[index];

    // 1. Every core reads logs; 2. every core applies what belongs to its keys; 3. the doors open.
    if (options_.log) own.scope().spawn(recover(own));
    while (!own.scope().empty()) own.reactor().run_once(frys::deadline::never());
    if (!together()) return;
    if (!apply_recovered(own)) exit_code_ = 1;
    if (!together()) return;
    recovered_[index].clear();
    recovered_[index].shrink_to_fit();

    if (index == 0) {
      own.scope().spawn(listen(own));
      while (!listening_ && exit_code_ == 0) own.reactor().run_once(frys::deadline::never());
    }
    if (!together()) return;
    if (index == 0) take_signals();
    own.start();
    own.reactor().run();
  }

  // Waits for the other cores; false if one of them failed, after everybody knows.
  bool together() {
    ready_.arrive_and_wait();
    const bool good = exit_code_ == 0;
    ready_.arrive_and_wait();
    return good;
  }
  void fail(const char* what, const frys::error& e, const std::string& where = {}) {
    const std::lock_guard lock(complaints_);
    std::fprintf(stderr, "frys-kernel: %s%s%s: %s (%s, %lld)\n", what, where.empty() ? "" : ": ", where.c_str(),
                 e.message, frys::name_of(e.code), static_cast<long long>(e.number));
    exit_code_ = 1;
  }

  // ---- recovery

  std::string log_directory(unsigned owner) const { return options_.dir + "/owner-" + std::to_string(owner); }

  // Opens the core's own log, and reads those of owners that there are no cores for any more.
  frys::task<void> recover(core_type& own) {
    auto& files = own.files();
    const unsigned index = own.index();
    if (const auto made = files.make_directory(options_.dir); !made)
      co_return fail("cannot make", made.error(), options_.dir);
    // One owner then and now: nothing to merge, so the records need not be kept.
    const bool alone = options_.threads == 1 && !exists(files, log_directory(1));
    for (unsigned owner = index;; owner += options_.threads) {
      const std::string directory = log_directory(owner);
      if (owner >= options_.threads && !exists(files, directory)) break;
      frys::wal_recovery report;
      frys::wal_options o;
      o.directory = directory;
      o.level = options_.durability;
      o.report = &report;
      o.group_bytes = std::size_t{256} << 20;  // never reached: connections wait long before (log_high_water)
      auto& keep = recovered_[index];
      auto opened = co_await log_type::open(files, o, [&](std::uint64_t, frys::byte_view record) {
        const auto good = check_record(record);
        if (good && alone) return apply(own, record);
        if (good) keep.push_back({record_reader(record).stamp(), std::string(frys::as_text(record))});
        return good;
      });
      if (!opened) co_return fail("cannot recover", opened.error(), directory + describe(report));
      if (owner == index) own.own().take_log(*std::move(opened));
    }
    std::stable_sort(recovered_[index].begin(), recovered_[index].end(),
                     [](const kept& a, const kept& b) { return a.stamp < b.stamp; });
  }
  template <class Files>
  static bool exists(Files& files, const std::string& directory) {
    return files
        .list(
            directory, [](void*, std::string_view) {}, nullptr)
        .has_value();
  }
  static std::string describe(const frys::wal_recovery& report) {
    return report.file_name().empty() ? std::string() : "/" + std::string(report.file_name());
  }

  // Merges what all cores read, by stamp, and applies the effects on keys of this core.
  bool apply_recovered(core_type& own) {
    std::vector<std::size_t> next(recovered_.size(), 0);
    for (;;) {
      const kept* first = nullptr;
      std::size_t from = 0;
      for (std::size_t i = 0; i < recovered_.size(); ++i) {
        if (next[i] == recovered_[i].size()) continue;
        const kept& k = recovered_[i][next[i]];
        if (first == nullptr || k.stamp < first->stamp) first = &k, from = i;
      }
      if (first == nullptr) return true;
      ++next[from];
      const auto applied = apply(own, frys::as_bytes(first->bytes));
      if (!applied) return fail("cannot recover", applied.error(), options_.dir), false;
      own.note_memory();
    }
  }
  // The effects of a record on keys of this core.
  frys::result<void> apply(core_type& own, frys::byte_view record) {
    record_reader reader(record);
    own.own().see_stamp(reader.stamp());
    for (effect e; reader.next(e);) {
      if (e.kind != effect_kind::flush && owner_of(e.key, options_.threads) != own.index()) continue;
      const auto applied = own.own().keys.apply(e);
      if (!applied) return applied.error();
    }
    return {};
  }

  // ---- clients

  frys::task<void> listen(core_type& own) {
    frys::listener_options o;
    o.address = options_.bind;
    o.port = options_.port;
    auto bound = frys::listener::bind(o);
    // After a kill -9 the port of the process before may stay taken for some milliseconds while its ring is torn down.
    for (int attempt = 0; !bound && bound.error().code == frys::errc::address_in_use && attempt < 100; ++attempt) {
      (void)co_await own.reactor().sleep_for(std::chrono::milliseconds(10));
      bound = frys::listener::bind(o);
    }
    if (!bound) co_return fail("cannot listen", bound.error(), options_.bind + ":" + std::to_string(options_.port));
    listener_ = *std::move(bound);
    shared_.facts.port = listener_.port();
    shared_.facts.config.emplace_back("port", std::to_string(listener_.port()));
    listening_ = true;
    std::printf("frys-kernel %s on %s:%u, %u core%s, %s, durability %s, data in %s\n", FRYS_VERSION,
                options_.bind.c_str(), static_cast<unsigned>(listener_.port()), options_.threads,
                options_.threads == 1 ? "" : "s", shared_.facts.reactor.c_str(), shared_.facts.durability.c_str(),
                options_.log ? options_.dir.c_str() : "memory only");
    std::fflush(stdout);
    unsigned turn = 0;
    for (;;) {
      auto accepted = co_await own.reactor().accept(listener_);
      if (!accepted) {
        if (!listener_.is_open() || accepted.error().code == frys::errc::cancelled) co_return;
        (void)co_await own.reactor().sleep_for(
            std::chrono::milliseconds(10));  // out of descriptors or memory: not in a hurry
        continue;
      }
      // relaxed: a bound on how many, not an order.
      if (shared_.connections.fetch_add(1, std::memory_order_relaxed) >= options_.max_connections) {
        own.scope().spawn(turn_away(own, *std::move(accepted)));
        continue;
      }
      core_type& target = *shared_.cores[turn++ % options_.threads];
      if (&target == &own)
        own.adopt(*std::move(accepted));
      else
        target.post(*new hand_over(target, *std::move(accepted)));
    }
  }
  frys::task<void> turn_away(core_type& own, frys::stream_socket socket) {
    own.count_rejected();
    auto text = frys::buffer::copy_of(frys::as_bytes("-ERR max number of clients reached\r\n"));
    if (text) (void)co_await own.reactor().send(socket, *std::move(text));
    shared_.connections.fetch_sub(1, std::memory_order_relaxed);  // relaxed: as above
  }
  struct hand_over : frys::work {
    hand_over(core_type& c, frys::stream_socket s) : target(c), socket(std::move(s)) {
      run = [](frys::work& w) noexcept {
        const std::unique_ptr<hand_over> self(static_cast<hand_over*>(&w));
        self->target.adopt(std::move(self->socket));
      };
    }
    core_type& target;
    frys::stream_socket socket;
  };

  // ---- the end

  void stop_core(core_type& c) noexcept {
    if (c.index() == 0) listener_.close();
    c.scope().spawn(finish(c));
  }
  frys::task<void> finish(core_type& c) {
    co_await c.drain(frys::deadline::after<frys::clocks::steady>(std::chrono::seconds(5)));
    if (const auto closed = c.log_closed(); !closed) fail("the log could not be closed", closed.error());
    c.reactor().stop();
  }

  options options_;
  frys::posix_file lock_;
  shared_state<World> shared_;
  std::barrier<> ready_;
  std::vector<std::vector<kept>> recovered_;  // by the core that read it
  std::vector<stop_request> stop_requests_;   // one per core
  frys::listener listener_;
  std::mutex complaints_;
  std::atomic<int> exit_code_{0};
  bool listening_ = false;

  static inline server* volatile serving = nullptr;  // whom the signals stop; read and written on the main thread
};

}  // namespace kernel

#endif  // FRYS_KERNEL_SERVER_HPP
