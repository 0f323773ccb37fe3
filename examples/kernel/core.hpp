// core: one thread of the kernel: a reactor, the connections it was given, and the owner of a share of the keys.
#ifndef FRYS_KERNEL_CORE_HPP
#define FRYS_KERNEL_CORE_HPP

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <frys/core/clock.hpp>
#include <frys/core/intrusive_list.hpp>
#include <frys/memory/object_pool.hpp>
#include <frys/sched/blocking_pool.hpp>
#include <frys/sched/scheduler.hpp>
#include <frys/sched/task.hpp>
#include <frys/sched/timer_wheel.hpp>
#include <frys/storage/wal.hpp>

#include "command.hpp"
#include "connection.hpp"
#include "fan_out.hpp"
#include "memory.hpp"
#include "messages.hpp"
#include "owner.hpp"
#include "subscriptions.hpp"
#include "sync_queue.hpp"

namespace kernel {

// What all cores share; what is written after the start is atomic, or on a line of its own per core.
template <class World>
class core;
template <class World>
struct shared_state {
  server_facts facts;
  frys::durability level = frys::durability::machine;
  std::uint64_t max_memory = 0;
  std::chrono::seconds idle_timeout{0};
  std::unique_ptr<frys::scheduler<>> workers;       // share in long searches; nullptr: there are none
  std::unique_ptr<frys::blocking_pool<>> blocking;  // waits for the disk where the network cannot
  std::vector<std::unique_ptr<core<World>>> cores;
  std::atomic<std::uint64_t> connections{0};
  std::atomic<std::uint64_t> next_client{1};
  std::atomic<bool> draining{false};
};

// World: what main.cpp has chosen: `network`, a reactor; `files`, made of it and of the threads that may block; the
// rings `sync_ring<T>` and `fan_out_ring<T>`.
template <class World>
class core final : public core_view {
 public:
  using network_type = typename World::network;
  using sync_ring = typename World::template sync_ring<sync_entry>;
  using fan_out_ring = typename World::template fan_out_ring<publication<core>*>;
  using files_holder = typename World::files;
  using files_type = std::remove_reference_t<decltype(std::declval<files_holder&>().get())>;
  using log_type = frys::wal<frys::policy::files<files_type>>;
  using owner_type = owner<log_type>;
  using client = connection<core>;
  using fan_out_type = fan_out<core, fan_out_ring>;

  core(shared_state<World>& shared, std::unique_ptr<network_type> reactor, sync_ring waiting, unsigned index)
      : shared_(shared),
        reactor_(std::move(reactor)),
        files_(*reactor_, *shared.blocking),
        index_(index),
        own_(shared.level),
        waiting_(std::move(waiting)),
        silence_(frys::clocks::steady::now(), std::chrono::milliseconds(100)) {
    if (owners() > 1) fan_out_ = std::make_unique<fan_out_type>(*this, index, owners());
    turn_end_.self = this;
    turn_end_.run = [](frys::work& w) noexcept { static_cast<turn_end&>(w).self->end_turn(); };
  }

  ~core() override {
    while (frys::work* m = spare_messages_.pop()) messages_.destroy(*static_cast<remote_command<core>*>(m));
  }

  network_type& reactor() noexcept { return *reactor_; }
  files_type& files() noexcept { return files_.get(); }
  owner_type& own() noexcept { return own_; }
  frys::task_scope& scope() noexcept { return scope_; }
  unsigned index() const noexcept { return index_; }
  void post(frys::work& w) noexcept { reactor_->post(w); }

  // ---- connections

  // From now on the socket is this core's. Its thread only.
  void adopt(frys::stream_socket socket) { scope_.spawn(live(std::move(socket))); }

  // Somebody's commands have come. The clock is read once per turn of the loop.
  void begin_batch(std::size_t bytes) noexcept {
    begin_turn();
    counts_.bytes_in += bytes;
  }
  // Calls c.send_now() when the commands of this turn have run.
  void send_at_end_of_turn(client& c) noexcept {
    begin_turn();
    sending_.push_back(c);
  }
  // Calls c.go_on() when all clients of this turn have been received from, and their first keys are on the way to the
  // cache: a miss of one overlaps with the others' system calls.
  void gather(client& c, arguments args) noexcept {
    begin_turn();
    c.fetching = args.size() > 1 ? own().keys.prefetch(args[1]) : 0;
    gathered_.push_back(c);
  }
  reply_queue::place_pool& places() noexcept { return places_; }
  void count_bytes_out(std::size_t bytes) noexcept { counts_.bytes_out += bytes; }
  void count_waiting(std::size_t before, std::size_t now) noexcept {
    counts_.waiting_bytes += now - before;
    note_memory();
  }
  void count_rejected() noexcept { ++counts_.connections_rejected; }

  // ---- commands

  // Runs a command that concerns the client's core alone, or hands it to the one core it concerns. False: neither;
  // co_await run_anywhere then.
  bool try_run(client& c, arguments args) {
    reply_writer reply(c.replies().tail(), c.protocol);
    c.active_ms = now_ms_;
    const command* what = accept_command(args, c, *this, reply);
    if (what == nullptr) return true;
    ++counts_.commands;
    unsigned target = index_;
    switch (what->where) {
      case runs_on::connection:
        break;
      case runs_on::listeners:
        if (is_heard_elsewhere()) return !fan_out_->is_waited_for() && publish(c, args);
        break;
      case runs_on::key:
        target = owner_of(args[static_cast<std::size_t>(what->first_key)], owners());
        break;
      case runs_on::cursor:
        target = scan_owner(args[1], owners());
        break;
      case runs_on::keys:
        if (!only_owner(*what, args, target)) return false;
        break;
      case runs_on::all:
        return false;
    }
    if (target != index_) return send_away(c, *what, args, target), true;
    if (own().is_locked() && what->is_on_keys()) [[unlikely]]
      return false;
    run_here(c, *what, args, reply);
    return true;
  }

  // The rest: commands of several owners, any command while the owner is locked, a message that finds no room. Answers
  // in the client's order.
  frys::task<void> run_anywhere(client& c, arguments args) {
    const command& what = *find_command(args[0]);  // accept_command found it before
    if (what.where == runs_on::all || (what.where == runs_on::keys && !is_one_owner(what, args)))
      return run_on_many(c, what, args);
    if (what.where == runs_on::listeners) return publish_in_turn(c, args);
    return run_when_unlocked(c, what, args);
  }

  // A command that came from another core.
  void run_for(remote_command<core>& m) {
    now_ms_ = clock_ms();
    m.reply.use(buffers_);
    reply_writer reply(m.reply, m.protocol);
    command_context context{m.args,  own().keys,      reply,   *this,  scratch_,
                            nullptr, own().effects(), now_ms_, index_, owners()};
    const std::uint64_t before = own().appended();
    run(*m.what, context);
    tidy(scratch_);
    note_memory();
    if (own().appended() == before) return m.from->post(m);
    flush_soon();
    if (own().appended() <= own().durable()) return m.from->post(m);
    (void)wait_for_sync(m);
  }

  // ---- the log

  // Writes and syncs what is in the open group, behind the work of this turn of the loop.
  void flush_soon() {
    if (flushing_ || !own().has_log()) return;
    flushing_ = true;
    scope_.spawn(flush());
  }

  // The same at once, for a client that sends faster than the log can follow.
  frys::task<void> flush_now() {
    own().begin_flush();
    waiting_.begin_group();
    const auto flushed = co_await own().log().flush();
    if (!flushed) report_log_failure(flushed.error());
    became_durable();
  }

  // ---- start and end (server.hpp)

  // All cores are there.
  void start() {
    for (unsigned i = 0; fan_out_ && i < owners(); ++i) fan_out_->meet(i, at(i));
    scope_.spawn(expire());
  }

  // Sends every client away after its last reply; then closes the log. Ends when this core has nothing left to do.
  frys::task<void> drain(frys::deadline until) {
    for (client& c : alive_) c.stop_reading();
    // relaxed: a count that is looked at again and again; what the other cores did for us came by message.
    while (shared_.connections.load(std::memory_order_relaxed) != 0 && !until.has_passed<frys::clocks::steady>())
      (void)co_await reactor_->sleep_for(std::chrono::milliseconds(2));
    for (client& c : alive_) c.drop();
    stopping_ = true;
    while (flushing_) (void)co_await reactor_->sleep_for(std::chrono::milliseconds(1));
    if (own().has_log()) log_closed_ = co_await own().log().close();
  }
  frys::result<void> log_closed() const noexcept { return log_closed_; }

  // ---- core_view

  const server_facts& facts() const noexcept override { return shared_.facts; }
  core_counts counts() const noexcept override { return counts_; }
  subscriptions& channels() noexcept override { return channels_; }
  void each_session(void (*f)(void* context, const session& s), void* context) const override {
    for (client& c : const_cast<core*>(this)->alive_) f(context, c);
  }
  buffer_memory& buffers() noexcept override { return buffers_; }
  bool is_memory_full(std::size_t more) const noexcept override {
    if (shared_.max_memory == 0) return false;
    std::uint64_t used = more, held = more;
    for (const auto& other : shared_.cores) {
      used += other->used_bytes_.load(std::memory_order_relaxed);  // both: a little old
      held += other->held_bytes_.load(std::memory_order_relaxed);
    }
    // Tables keep what erased keys have left, for keys of their sizes; that has a bound too.
    return used >= shared_.max_memory || held >= shared_.max_memory + shared_.max_memory / 4;
  }

  pool_counts pools() const noexcept override {
    pool_counts out;
    if (shared_.workers) {
      const frys::worker_stats s = shared_.workers->stats();
      out.workers = shared_.workers->workers();
      out.worker_runs = s.runs + s.forks, out.worker_steals = s.steals, out.worker_sleeps = s.parks;
      out.worker_idle_ms = s.idle_ns / 1'000'000;
    }
    const frys::blocking_pool_stats b = shared_.blocking->stats();
    out.blocking_threads = b.threads, out.blocking_runs = b.finished, out.blocking_queued = b.unfinished;
    return out;
  }
  void with_workers(void (*f)(void* argument), void* argument) override {
    if (!shared_.workers) return f(argument);
    shared_.workers->run([=] { f(argument); });
  }

  // Sends the client away when it has been silent for --idle-timeout. Subscribers may be silent.
  void watch_silence(client& c) noexcept {
    if (shared_.idle_timeout.count() != 0) silence_.add(c.silence, frys::clocks::steady::now() + shared_.idle_timeout);
  }
  void forget_silence(client& c) noexcept { silence_.cancel(c.silence); }
  // Its timer has fired; it may have spoken since that was set.
  void was_silent(client& c) noexcept {
    const std::int64_t silent = clock_ms() - c.active_ms;
    const std::int64_t allowed = std::chrono::milliseconds(shared_.idle_timeout).count();
    if (silent >= allowed && !c.is_subscribed()) {
      ++counts_.idle_closed;
      return c.stop_reading();
    }
    const auto left = std::chrono::milliseconds(silent >= allowed ? allowed : allowed - silent);
    silence_.add(c.silence, frys::clocks::steady::now() + left);
  }

  static std::int64_t clock_ms() noexcept {
    return std::chrono::duration_cast<std::chrono::milliseconds>(frys::clocks::wall::now()).count();
  }
  void note_memory() noexcept {
    const std::uint64_t used = own().keys.used_bytes() + counts_.waiting_bytes;
    counts_.peak_bytes = (std::max)(counts_.peak_bytes, used);
    if (shared_.max_memory == 0) return;
    used_bytes_.store(used, std::memory_order_relaxed);  // both: a hint
    held_bytes_.store(own().keys.held_bytes() + counts_.waiting_bytes, std::memory_order_relaxed);
  }

 private:
  struct turn_end : frys::work {
    core* self = nullptr;
  };

  unsigned owners() const noexcept { return shared_.facts.owners; }
  core& at(unsigned index) noexcept { return *shared_.cores[index]; }

  frys::task<void> live(frys::stream_socket socket) {
    auto made = clients_.acquire(*this, std::move(socket));
    if (!made) {
      shared_.connections.fetch_sub(1, std::memory_order_relaxed);  // relaxed: it has done nothing
      co_return;
    }
    client& c = **made;
    // relaxed: the number only has to be unique.
    c.id = shared_.next_client.fetch_add(1, std::memory_order_relaxed);
    c.descriptor = c.socket().native_handle();
    c.address = address_text(c.socket().peer());
    c.local_address = address_text(c.socket().local());
    c.created_ms = c.active_ms = clock_ms();
    alive_.push_back(c);
    watch_silence(c);
    ++counts_.connections;
    ++counts_.connections_received;
    co_await c.serve();
    channels_.remove(c);
    forget_silence(c);
    alive_.remove(c);
    --counts_.connections;
    // release: whoever sees the count fall to zero sees what this connection did before.
    shared_.connections.fetch_sub(1, std::memory_order_release);
  }

  static std::string address_text(const frys::result<frys::socket_address>& address) {
    if (!address) return "?:0";
    char text[frys::socket_address::max_text];
    return std::string(address->to_text(text));
  }

  void run_here(client& c, const command& what, arguments args, reply_writer& reply) {
    const std::size_t mark = c.replies().tail().size();
    const std::uint64_t before = own().appended();
    command_context context{args, own().keys, reply, *this, scratch_, &c, own().effects(), now_ms_, index_, owners()};
    run(what, context);
    tidy(scratch_);
    if (what.is(flag::write)) note_memory();
    if (own().appended() == before) return;
    if (own().appended() > own().durable()) hold(c, mark);
    flush_soon();
  }
  // The reply since `mark` waits for all that was appended.
  void hold(client& c, std::size_t mark) {
    c.replies().hold(mark, own().appended(), own().grouped());
    if (wait_for_sync(c)) c.expect_sync();
  }
  // As sync_queue::push. There is room as long as the owner does not hold back.
  bool wait_for_sync(sync_waiter& w) noexcept {
    if (!waiting_.push(w, own().appended())) return false;
    if (waiting_.is_full()) [[unlikely]] {
      own().hold_back();
      ++counts_.sync_full;
    }
    return true;
  }

  frys::task<void> run_when_unlocked(client& c, const command& what, arguments args) {
    co_await visit(
        *this, *this,
        [&](core&) {
          reply_writer reply(c.replies().tail(), c.protocol);
          run_here(c, what, args, reply);
        },
        false);
  }

  // ---- listeners elsewhere

  bool is_heard_elsewhere() noexcept {
    for (unsigned i = 0; i < owners(); ++i)
      if (i != index_ && at(i).channels_.is_heard()) return true;
    return false;
  }
  // False: a core is a whole ring behind, and nothing has happened.
  bool publish(client& c, arguments args) {
    published message = published::make(buffers_, args[1], args[2]);
    const auto refuse = [&] {
      reply_writer(c.replies().tail(), c.protocol).error("OOM no memory for the message");
      return true;
    };
    if (message.body.empty()) return refuse();
    if (!c.replies().can_reserve()) return refuse();
    auto* const sent = fan_out_->send(message, &came_home);
    if (sent == nullptr) return fan_out_->is_idle() && refuse();
    begin_turn();  // whose end calls the others
    sent->heard_at_home = channels_.publish(sent->message);
    sent->client = &c;
    sent->protocol = c.protocol;
    sent->reserved = c.replies().reserve();
    sent->command_bytes = sent->message.body.size();
    c.expect_reply(sent->command_bytes);
    return true;
  }
  frys::task<void> publish_in_turn(client& c, arguments args) {
    ++counts_.publish_waits;
    do co_await fan_out_->room();
    while (!publish(c, args));
  }
  static void came_home(frys::work& w) noexcept {
    auto& sent = static_cast<publication<core>&>(w);
    core& home = *sent.home;
    reply_output reply;
    reply.use(home.buffers_);
    // relaxed: it came by message.
    reply_writer(reply, sent.protocol).integer(sent.heard_at_home + sent.heard.load(std::memory_order_relaxed));
    sent.client->take_reply(*sent.reserved, std::move(reply), sent.command_bytes);
    home.fan_out_->end(sent);
  }

  // ---- one owner elsewhere

  void send_away(client& c, const command& what, arguments args, unsigned target) {
    auto* m = static_cast<remote_command<core>*>(spare_messages_.pop());
    if (m == nullptr) m = messages_.create().value_or(nullptr);
    auto* const place = m != nullptr && m->keep_arguments(args, buffers_) ? c.replies().reserve() : nullptr;
    if (place == nullptr) {
      reply_writer(c.replies().tail(), c.protocol).error("OOM no memory for the command");
      if (m != nullptr) m->forget_arguments(), spare_messages_.push(*m);
      return;
    }
    m->from = this;
    m->to = &at(target);
    m->client = &c;
    m->reserved = place;
    m->what = &what;
    m->protocol = c.protocol;
    c.expect_reply(m->bytes);
    m->run = [](frys::work& w) noexcept {
      auto& message = static_cast<remote_command<core>&>(w);
      const auto act = [](frys::work& v) noexcept {
        auto& self = static_cast<remote_command<core>&>(v);
        self.run = &came_back;
        self.to->run_for(self);
      };
      if (!message.to->own().is_locked()) return act(w);
      message.run = act;
      message.to->own().defer(message);
    };
    m->to->post(*m);
  }
  static void came_back(frys::work& w) noexcept {
    auto& m = static_cast<remote_command<core>&>(w);
    client& c = *m.client;
    core& home = *m.from;
    c.take_reply(*m.reserved, std::move(m.reply), m.bytes);
    m.reply = {};
    m.forget_arguments();
    home.spare_messages_.push(m);
  }

  // ---- several owners

  bool is_one_owner(const command& what, arguments args) noexcept {
    unsigned ignored = 0;
    return only_owner(what, args, ignored);
  }
  bool only_owner(const command& what, arguments args, unsigned& target) noexcept {
    if (owners() == 1) return true;
    bool first = true, same = true;
    each_key(what, args, [&](std::size_t i) {
      const unsigned o = owner_of(args[i], owners());
      if (first)
        target = o, first = false;
      else
        same &= o == target;
    });
    return same;
  }

  frys::task<void> run_on_many(client& c, const command& what, arguments args) {
    const auto leased = requests_.take();
    if (!leased) {
      reply_writer(c.replies().tail(), c.protocol).error("OOM no memory for the command");
      co_return;
    }
    scratch& memory = **leased;
    parted parts(memory);
    if (what.where == runs_on::keys) {
      parts = part_args(what, args, owners(), memory);
    } else {
      parts.owner_of_part.reserve(owners());
      parts.args_of_part.reserve(owners());
      for (unsigned o = 0; o < owners(); ++o) {
        parts.owner_of_part.push_back(o);
        parts.args_of_part.emplace_back(args.begin(), args.end(), memory);
      }
    }
    const std::size_t count = parts.owner_of_part.size();
    const bool write = what.is(flag::write) && count > 1;
    // What several owners answer must be of one moment: a write is seen by all readers or by none.
    const bool locks = count > 1 && (write || what.where == runs_on::keys);
    scratch_vector<unsigned> order = parts.owner_of_part;
    std::sort(order.begin(), order.end());
    std::uint64_t stamp = own().clock();
    if (locks)
      for (const unsigned o : order) stamp = (std::max)(stamp, co_await lock_owner(*this, at(o)));
    ++stamp;

    reply_writer reply(c.replies().tail(), c.protocol);
    bool logged = true;
    if (write) {
      const scratch_vector<effect> effects = plan_effects(what, args, memory);
      logged = own().append_stamped(stamp, effects);
      if (logged) {
        flush_soon();
        // The locks are held until the record is durable, so nothing can build on a write that a crash takes back.
        if (own().appended() > own().durable()) {
          const frys::result<void> durable = co_await own().log().wait_durable(own().appended());
          logged = durable.has_value();
        }
      }
    }
    scratch_vector<reply_output> replies(count, memory);
    if (logged) {
      for (std::size_t i = 0; i < count; ++i) {
        const auto part = [&](core& there) {
          replies[i].use(there.buffers_);
          reply_writer to(replies[i], c.protocol);
          effect_log* log = write || count > 1 ? nullptr : there.own().effects();
          command_context context{parts.args_of_part[i],
                                  there.own().keys,
                                  to,
                                  there,
                                  there.scratch_,
                                  &there == this ? &c : nullptr,
                                  log,
                                  clock_ms(),
                                  there.index_,
                                  owners()};
          run(what, context);
          tidy(there.scratch_);
          there.note_memory();
          if (locks) there.own().see_stamp(stamp);
        };
        co_await visit(*this, at(parts.owner_of_part[i]), part, locks);
      }
    }
    if (locks)
      for (const unsigned o : order)
        co_await visit(
            *this, at(o), [](core& there) { there.own().unlock(); }, true);
    if (!logged) {
      reply.error("MISCONF Errors writing to the log; the server takes no more writes");
      co_return;
    }
    scratch_vector<std::string_view> views(count, memory);
    for (std::size_t i = 0; i < count; ++i) {
      if (replies[i].chain().segments().size() <= 1) {
        views[i] = replies[i].empty() ? std::string_view() : replies[i].chain().segments().front().text();
        continue;
      }
      const auto text = memory.make_array<char>(replies[i].size());
      if (!text) {
        reply.error("OOM no memory for the reply");
        co_return;
      }
      replies[i].chain().copy_to(reinterpret_cast<std::byte*>(text->data()));
      views[i] = {text->data(), text->size()};
    }
    const bool waits = count == 1 && what.is(flag::write);
    while (waits && waiting_.is_full())
      co_await flush_now();  // it may have waited for its turn, and others were faster
    const std::size_t mark = c.replies().tail().size();
    merge_context merging{args, views, parts.part_of_key, reply, *this, memory, &c, clock_ms()};
    merge_parts(what, merging);
    if (waits && own().appended() > own().durable()) {
      hold(c, mark);
      flush_soon();
    }
  }

  // ---- the log

  frys::task<void> flush() {
    while (own().log().needs_flush() && !own().log().failure()) {
      // So that one group takes all that this turn of the loop brings; where nobody waits for it, all of a while.
      if (shared_.level == frys::durability::none)
        (void)co_await reactor_->sleep_for(std::chrono::milliseconds(10));
      else
        co_await reactor_->yield();
      co_await flush_now();
    }
    flushing_ = false;
  }
  void became_durable() noexcept {
    const bool failed = own().has_log() && own().log().failure().has_value();
    waiting_.release(own().durable(), failed);
    if (!waiting_.is_full()) own().go_on();
  }
  void report_log_failure(const frys::error& e) noexcept {
    std::fprintf(stderr, "frys-kernel: core %u: the log failed: %s (%s, %lld); no more writes\n", index_, e.message,
                 frys::name_of(e.code), static_cast<long long>(e.number));
  }

  // ---- now and then

  frys::task<void> expire() {
    while (!stopping_) {
      const bool soon = own().keys.expiring() != 0 || !silence_.empty();
      (void)co_await reactor_->sleep_for(std::chrono::milliseconds(soon ? 100 : 1000));
      silence_.advance(frys::clocks::steady::now());
      if (own().keys.expiring() != 0 && !own().is_locked()) {
        own().keys.expire_some(clock_ms(), 2000);
        note_memory();
      }
    }
  }

  void begin_turn() noexcept {
    if (in_turn_) return;
    in_turn_ = true;
    now_ms_ = clock_ms();
    post(turn_end_);
  }
  void end_turn() noexcept {
    frys::intrusive_list<client, gathered_tag> now;
    now.splice_back(gathered_);
    for (client& c : now) own().keys.prefetch_entry(c.fetching);
    while (client* c = now.pop_front()) c->go_on();
    in_turn_ = false;
    if (!gathered_.empty()) begin_turn();  // those that had more to receive come in the next one
    if (fan_out_) fan_out_->tell();
    frys::intrusive_list<client, sending_tag> owed;
    owed.splice_back(sending_);
    while (client* c = owed.pop_front()) c->send_now();
  }

  shared_state<World>& shared_;
  std::unique_ptr<network_type> reactor_;
  files_holder files_;
  unsigned index_;
  owner_type own_;
  subscriptions channels_;
  std::int64_t now_ms_ = 0;
  core_counts counts_;
  bool flushing_ = false;
  bool stopping_ = false;
  frys::result<void> log_closed_;
  frys::intrusive_list<client, alive_tag> alive_;
  sync_queue<sync_ring> waiting_;
  std::unique_ptr<fan_out_type> fan_out_;  // with other cores only
  frys::intrusive_queue<frys::work> spare_messages_;
  frys::intrusive_list<client, gathered_tag> gathered_;
  frys::intrusive_list<client, sending_tag> sending_;
  turn_end turn_end_;
  bool in_turn_ = false;
  buffer_memory buffers_;
  scratch scratch_;
  request_memory requests_;
  reply_queue::place_pool places_;
  frys::object_pool<client> clients_;
  frys::object_pool<remote_command<core>> messages_;
  frys::timer_wheel<> silence_;  // of clients, with --idle-timeout
  alignas(frys::cache_line) std::atomic<std::uint64_t> used_bytes_{0};
  std::atomic<std::uint64_t> held_bytes_{0};
  frys::task_scope scope_;  // last: its tasks go first
};

}  // namespace kernel

#endif  // FRYS_KERNEL_CORE_HPP
