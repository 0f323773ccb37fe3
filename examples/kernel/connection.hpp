// connection: one client on one core: bytes in, commands served in order, replies out in order.
//
// A turn of the loop receives from all clients that have sent something, then runs their commands, then sends their
// replies: each step's code and data stay in the cache, and the first keys are fetched while others are received from.
// The reader (serve) receives and runs commands; send_now sends, and a coroutine (send_rest) takes over only where the
// client's socket is full. All on the core's thread.
#ifndef FRYS_KERNEL_CONNECTION_HPP
#define FRYS_KERNEL_CONNECTION_HPP

#include <sys/socket.h>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <frys/core/bytes.hpp>
#include <frys/core/intrusive_list.hpp>
#include <frys/core/work.hpp>
#include <frys/io/socket.hpp>
#include <frys/net/resp_decoder.hpp>
#include <frys/sched/task.hpp>
#include <frys/sched/timer_wheel.hpp>

#include "command.hpp"
#include "reply_queue.hpp"
#include "session.hpp"
#include "sync_queue.hpp"

namespace kernel {

struct alive_tag;     // the core's connections, in the order of their ids
struct gathered_tag;  // those whose commands run at the end of this turn
struct sending_tag;   // those that have something to send at its very end

// Bytes of replies that may wait before the reader stops reading, and before a subscriber that does not read is
// dropped.
inline constexpr std::size_t reply_high_water = std::size_t{4} << 20;
// Bytes in the log's open group that make the clients of this core wait for a flush.
inline constexpr std::size_t log_high_water = std::size_t{4} << 20;
inline constexpr std::size_t subscriber_limit = std::size_t{32} << 20;
// Up to here a command is taken in whatever memory is used: those that free some are short.
inline constexpr std::size_t small_command = std::size_t{1} << 20;

template <class Core>
class connection final : public session,
                         public frys::list_hook<alive_tag>,
                         public sync_waiter,
                         public frys::list_hook<gathered_tag>,
                         public frys::list_hook<sending_tag> {
 public:
  connection(Core& core, frys::stream_socket socket)
      : core_(core), socket_(std::move(socket)), replies_(core.buffers(), core.places()), cut_(core.buffers()) {
    wake_.run = [](frys::work& w) noexcept { static_cast<wake_work&>(w).self->resume_reader(); };
    wake_.self = this;
    silence.self = this;
    synced = [](sync_waiter& w, bool failed) noexcept { static_cast<connection&>(w).log_came_so_far(failed); };
  }
  // Fires when the client may have been silent for too long.
  struct silence_timer : frys::timer {
    silence_timer() noexcept
        : frys::timer([](frys::timer& t) noexcept {
            connection& c = *static_cast<silence_timer&>(t).self;
            c.core_.was_silent(c);
          }) {}
    connection* self = nullptr;
  } silence;

  ~connection() override {
    core_.count_waiting(counted_, 0);
    frys::list_hook<gathered_tag>::unlink();
    frys::list_hook<sending_tag>::unlink();
  }

  // Until the client has gone or was sent away; everything it was owed has left then, as far as it would take it.
  frys::task<void> serve() {
    while (!close_after_reply && !broken_) {
      auto got = co_await core_.reactor().recv(socket_);
      if (!got || got->empty()) break;
      core_.begin_batch(got->size());
      // Commands are read where they lie, in the leased buffer; one that was cut by a buffer's end continues in `cut_`.
      const bool whole = cut_.empty();
      if (!whole) {
        // A command that is not whole yet is memory too; without room for it the client goes.
        const std::size_t all = cut_.size() + got->size();
        if ((all > small_command && core_.is_memory_full(got->size())) || !cut_.append(got->view())) {
          reply_writer(replies_.tail(), protocol).error(text::no_memory);
          break;
        }
        got->reset();
        count();
      }
      const frys::byte_view in = whole ? got->view() : cut_.view();
      frys::resp_event event = decoder_.decode(in);
      std::size_t used = event.consumed;
      if (event.status == frys::resp_status::command) co_await end_of_turn(event.args);
      while (event.status == frys::resp_status::command && !broken_) {
        // Commands that concern this core alone run at once; the others are awaited or leave a gap for their reply.
        if (!core_.try_run(*this, event.args)) co_await core_.run_anywhere(*this, event.args);
        if (close_after_reply) break;
        event = decoder_.decode(in.subspan(used));
        used += event.consumed;
      }
      if (event.status == frys::resp_status::error) refuse(event.message);
      if (!whole)
        cut_.consume(used);
      else if (used != in.size() && !cut_.append(in.subspan(used)))
        break;
      got->reset();  // an idle connection holds no buffer

      send_soon();
      // A client may send faster than the log, the other cores or its own reading can follow: then it waits.
      if (core_.own().open_bytes() > log_high_water) co_await core_.flush_now();
      if (waiting_bytes() > reply_high_water) co_await below(reply_high_water / 2);
    }
    // What is owed still leaves, in order; then the socket closes.
    send_soon();
    co_await below(0);
  }

  reply_queue& replies() noexcept { return replies_; }
  frys::stream_socket& socket() noexcept { return socket_; }

  // Its sync queue holds the core to one more call of `synced`.
  void expect_sync() noexcept { ++outstanding_; }
  // A reply that another core makes is on its way / has come.
  void expect_reply(std::size_t command_bytes) noexcept {
    ++outstanding_;
    away_bytes_ += command_bytes;
  }
  void take_reply(reply_queue::place& reserved, reply_output&& reply, std::size_t command_bytes) noexcept {
    --outstanding_;
    away_bytes_ -= command_bytes;
    replies_.fill(reserved, std::move(reply));
    send_soon();
  }

  // Sends what may leave at the end of this turn. The core's sync queue calls again when the log allows more.
  void send_soon() noexcept {
    if (sending_ || !can_send()) return settle();
    if (!frys::list_hook<sending_tag>::is_linked()) core_.send_at_end_of_turn(*this);
  }
  // All of this turn have been received from.
  void go_on() { std::exchange(gathered_, nullptr).resume(); }
  std::uint64_t fetching = 0;  // the hash of the key that is on its way to the cache

  // The end of the turn has come.
  void send_now() noexcept {
    while (!sending_ && !broken_ && replies_.take(core_.own().durable(), out_)) {
      core_.count_bytes_out(out_.size());
      const auto all = core_.reactor().try_send(socket_, out_);
      if (!all || replies_.failed())
        drop();
      else if (!*all)
        core_.scope().spawn(send_rest());
    }
    settle();
  }

  void deliver(std::string_view head, const frys::buffer& body) override {
    if (broken_) return;
    if (replies_.size() + head.size() + body.size() > subscriber_limit) return drop();
    reply_writer(replies_.tail(), protocol).raw(head);
    replies_.tail().append(body);
    send_soon();
  }

  // Ends the connection now; what it is owed is lost. For a log that failed, a client that does not read, the end of a
  // drain.
  void drop() noexcept {
    broken_ = true;
    frys::list_hook<sending_tag>::unlink();
    out_.clear();
    ::shutdown(socket_.native_handle(), SHUT_RDWR);
    settle();
  }
  // No more commands; what was received is still answered.
  void stop_reading() noexcept { ::shutdown(socket_.native_handle(), SHUT_RD); }

 private:
  struct wake_work : frys::work {
    connection* self = nullptr;
  };

  // Waits for the part of the turn in which commands run; `args` is the first.
  auto end_of_turn(arguments args) noexcept {
    struct awaiter {
      connection& self;
      arguments args;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> reader) noexcept {
        self.gathered_ = reader;
        self.core_.gather(self, args);
      }
      void await_resume() const noexcept {}
    };
    return awaiter{*this, args};
  }

  // Waits until at most `bytes` of replies wait; with 0 also until nothing is under way at all.
  struct replies_below {
    connection& self;
    std::size_t bytes;
    replies_below(connection& c, std::size_t limit) noexcept : self(c), bytes(limit) {}
    bool await_ready() const noexcept { return self.is_below(bytes); }
    void await_suspend(std::coroutine_handle<> reader) noexcept {
      self.reader_ = reader;
      self.reader_limit_ = bytes;
      self.settle();
    }
    void await_resume() const noexcept {}
  };

  bool can_send() const noexcept { return !broken_ && replies_.can_leave(core_.own().durable()); }
  replies_below below(std::size_t bytes) noexcept { return {*this, bytes}; }

  // Replies that wait to leave, and commands on other cores, which weigh more: they may stand in a log there.
  std::size_t waiting_bytes() const noexcept { return replies_.size() + 4 * away_bytes_; }
  bool is_below(std::size_t bytes) const noexcept {
    if (sending_ || frys::list_hook<sending_tag>::is_linked()) return false;
    if (broken_) return outstanding_ == 0;
    return bytes != 0 ? waiting_bytes() <= bytes : replies_.empty() && outstanding_ == 0;
  }

  // The socket is full: waits until it has taken all.
  frys::task<void> send_rest() {
    sending_ = true;
    in_flight_ = out_.size();
    const auto sent = co_await core_.reactor().send(socket_, out_.take());
    sending_ = false;
    in_flight_ = 0;
    if (!sent) drop();
    send_soon();
  }

  // What waits for the log may leave; if the log has failed it will not be true, and the client learns nothing, as if
  // we had crashed.
  void log_came_so_far(bool failed) noexcept {
    --outstanding_;
    if (failed)
      drop();
    else
      send_soon();
  }

  // After every change: wakes the reader if its time has come; through the reactor, never from here, since it may end
  // this object.
  void settle() noexcept {
    count();
    if (reader_ && !wake_posted_ && is_below(reader_limit_)) {
      wake_posted_ = true;
      core_.reactor().post(wake_);
    }
  }
  // What we hold for the client counts as memory of the core.
  void count() noexcept {
    const std::size_t now = replies_.size() + out_.size() + in_flight_ + cut_.size();
    if (now != counted_) core_.count_waiting(counted_, now);
    counted_ = now;
  }
  void resume_reader() noexcept {
    wake_posted_ = false;
    if (reader_ && is_below(reader_limit_)) std::exchange(reader_, nullptr).resume();
  }

  void refuse(std::string_view problem) {
    std::string text = "ERR ";
    text += problem;
    reply_writer(replies_.tail(), protocol).error(text);
    close_after_reply = true;
  }

  Core& core_;
  frys::stream_socket socket_;
  frys::resp_decoder decoder_;
  reply_queue replies_;
  cut_command cut_;
  frys::buffer_chain out_;     // on its way; empty between turns unless the socket is full
  std::size_t in_flight_ = 0;  // bytes that the socket has not taken yet
  std::size_t counted_ = 0;
  std::size_t outstanding_ = 0;  // commands on other cores, and entries in this one's sync queue: they point to us
  std::size_t away_bytes_ = 0;   // the size of those commands
  bool sending_ = false;
  bool broken_ = false;
  bool wake_posted_ = false;
  wake_work wake_;
  std::coroutine_handle<> gathered_;
  std::coroutine_handle<> reader_;
  std::size_t reader_limit_ = 0;
};

}  // namespace kernel

#endif  // FRYS_KERNEL_CONNECTION_HPP
