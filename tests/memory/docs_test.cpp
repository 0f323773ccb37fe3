// The examples of docs/memory.md, run.
#include <frys/memory/arena.hpp>
#include <frys/memory/buffer.hpp>
#include <frys/memory/buffer_pool.hpp>
#include <frys/memory/epoch_domain.hpp>
#include <frys/memory/intrusive_ptr.hpp>
#include <frys/memory/object_pool.hpp>
#include <frys/memory/slot_map.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace {

// [region arena]
// Everything one request needs, forgotten at once.
std::size_t handle(frys::arena<>& scratch, std::string_view request) {
  const auto start = scratch.mark();
  auto key = scratch.copy(request.substr(0, request.find(' ')));
  auto counts = scratch.make_array<unsigned>(256);
  if (!key || !counts) return 0;  // the source refused, or policy::limit was reached
  for (const char c : request) ++(*counts)[static_cast<unsigned char>(c)];
  const std::size_t answer = key->size() + (*counts)['e'];
  scratch.rewind(start);
  return answer;
}
// [endregion arena]

// [region pool]
struct session {
  std::string user;
  explicit session(std::string name) : user(std::move(name)) {}
};

std::string greet(frys::object_pool<session>& sessions) {
  auto made = sessions.acquire("ada");
  if (!made) return "";
  auto s = *std::move(made);  // a handle: owns the session, gives it back at the end
  return "hello " + s->user;
}
// [endregion pool]

// [region slots]
// A question goes out under a number and its answer comes back under it; meanwhile the question may have been given up.
struct question {
  std::string text;
};
using questions = frys::slot_map<question>;

std::uint64_t send(questions& waiting, std::string text) {
  auto h = waiting.insert(question{std::move(text)});
  return h ? h->bits() : 0;  // 0 is the handle that names nothing
}

std::string answered(questions& waiting, std::uint64_t number) {
  const auto h = questions::handle::from_bits(number);
  const question* q = waiting.get(h);
  if (q == nullptr) return "too late";  // or a number that was never given
  std::string text = q->text;
  waiting.erase(h);
  return text;
}
// [endregion slots]

// [region buffers]
// Received bytes are shared by pointer, replies gather in one chain.
bool serve(frys::buffer_pool<>& pool, frys::buffer_chain& out) {
  auto leased = pool.acquire();
  if (!leased) return false;  // errc::full: all blocks are out
  frys::buffer in = *std::move(leased);
  std::memcpy(in.data(), "GET key", 7);  // as recv would
  in.extend(7);

  const frys::buffer key = in.slice(4);  // shares the block, copies nothing
  in.reset();                            // `key` keeps it alive

  return out.append_copy("+") && out.append(key) && out.append_copy("\r\n");
}
// [endregion buffers]

// [region shared]
// A connection that its own callbacks keep alive; its memory is its pool's again when the last of them is done.
struct connection;
using connections = frys::object_pool<connection>;
struct connection : frys::ref_counted<connection, frys::policy::count<frys::counts::local>,
                                      frys::policy::release<frys::reclaim_to_pool<connections>>> {
  int replies = 0;
  // For a C function that calls back with a pointer: the owner travels in it.
  void* for_callback() { return frys::intrusive_ptr<connection>::share(this).detach(); }
  static void on_reply(void* argument) {
    const auto self = frys::intrusive_ptr<connection>::adopt(static_cast<connection*>(argument));
    ++self->replies;
  }
};

bool ask_twice(connections& pool) {
  auto made = frys::make_intrusive_from<connection>(frys::reclaim_to_pool(pool));
  if (!made) return false;  // the pool refused
  frys::intrusive_ptr<connection> here = *std::move(made);
  void* const first = here->for_callback();
  void* const second = here->for_callback();
  here.reset();  // nobody knows which callback is the last
  connection::on_reply(second);
  connection::on_reply(first);
  return pool.size() == 0;
}
// [endregion shared]

// [region reclaim]
// A configuration that many threads read and one replaces; a reader never waits, and never sees a dead one.
struct configuration {
  std::string greeting;
};

class live_configuration {
 public:
  using domain = frys::epoch_domain<>;
  ~live_configuration() { delete now_.load(); }

  // Each thread joins once; the seat is its own.
  frys::result<domain::participant> join() { return domain_.join(); }
  std::size_t greeting_size(domain::participant& seat) const {
    const auto config = seat.protect(now_);  // until the guard dies, what it points to stays
    return config->greeting.size();
  }
  bool replace(domain::participant& seat, std::string greeting) {
    if (seat.room() == 0) return false;  // a reader has stopped, and the garbage has reached policy::garbage
    configuration* old = now_.exchange(new configuration{std::move(greeting)}, std::memory_order_acq_rel);
    return seat.retire(old);  // deleted when nobody reads it any more
  }

 private:
  domain domain_;
  std::atomic<configuration*> now_{new configuration{"hello"}};
};
// [endregion reclaim]

}  // namespace

TEST_CASE("memory: the examples of its page do what they say") {
  frys::arena<> scratch;
  CHECK(handle(scratch, "get the tree") == 3 + 4);
  CHECK(scratch.used() == 0);
  frys::object_pool<session> sessions;
  CHECK(greet(sessions) == "hello ada");
  CHECK(sessions.size() == 0);
  questions waiting;
  const std::uint64_t number = send(waiting, "GET key");
  CHECK(answered(waiting, number) == "GET key");
  CHECK(answered(waiting, number) == "too late");
  CHECK(answered(waiting, 12345) == "too late");
  connections open;
  CHECK(ask_twice(open));
  frys::buffer_pool<> pool(4096, 64);
  frys::buffer_chain out;
  REQUIRE(serve(pool, out));
  std::string text(out.size(), ' ');
  out.copy_to(reinterpret_cast<std::byte*>(text.data()));
  CHECK(text == "+key\r\n");
  CHECK(out.segments().size() == 3);

  auto live = std::make_unique<live_configuration>();
  auto reader = *live->join();
  auto writer = *live->join();
  CHECK(live->greeting_size(reader) == 5);
  CHECK(live->replace(writer, "good morning"));
  CHECK(live->greeting_size(reader) == 12);
  reader.leave();
  writer.leave();
}
