// command: what the server knows of a command, and what a command knows when it runs.
//
// The way of a command on its connection's core:
//   1. `const command* c = accept_command(args, client, core, reply)`: finds it by name, checks arity, pub/sub mode and
//      memory. nullptr: the error is written already, nothing more to do.
//   2. By c->where:
//      connection  here: run(*c, context with client set).
//      listeners   here too, which counts this core's; the server gives the message to the other cores' and adds up.
//      key         on the owner of args[c->first_key]: run(*c, context), client left out if that is another core.
//      keys        owners of all keys (each_key). One owner: as `key`. Several: see 3.
//      cursor      on the owner that scan_owner(args[1], owners) names; then as `key`. context.owners matters here.
//      all         on every owner: see 3, also with one owner.
//   3. Several owners: each runs the command with the arguments that part_args gave it (all: the same arguments), with
//      log = nullptr, into a reply of its own. A write is first logged by one of them, which append()s what
//      plan_effects answers; all of them are locked meanwhile. Then merge_parts makes the client's reply of theirs.
//      With `all` and one owner the part logs by itself (log set), and merge_parts is called all the same.
// A handler is synchronous, writes exactly one reply (SUBSCRIBE and its kin: one per channel) and touches nothing but
// its context.
#ifndef FRYS_KERNEL_COMMAND_HPP
#define FRYS_KERNEL_COMMAND_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <frys/net/resp_writer.hpp>

#include "memory.hpp"
#include "record.hpp"
#include "reply_queue.hpp"
#include "session.hpp"

namespace kernel {

class store;
class subscriptions;

namespace text {
inline constexpr std::string_view no_memory = "OOM command not allowed when used memory > 'maxmemory'.";
}

using reply_writer = frys::resp_writer<reply_output>;
using arguments = std::span<const std::string_view>;

// Where effects go. The server encodes them into its owner's log: record_size, then encode_record into the open group.
class effect_log {
 public:
  virtual ~effect_log() = default;
  // One record of all effects. False: the log takes no more (its disk failed); the write must not happen.
  virtual bool append(std::span<const effect> effects) noexcept = 0;
};

// What does not change while the server runs; INFO, CONFIG GET and HELLO tell it.
struct server_facts {
  std::vector<std::pair<std::string, std::string>> config;  // for CONFIG GET: name, value
  std::string durability = "machine";
  std::string reactor = "epoll";
  std::uint64_t max_memory = 0;  // bytes over all owners; 0: no limit
  std::int64_t started_ms = 0;
  std::uint32_t max_connections = 10000;
  std::uint16_t port = 8080;
  unsigned owners = 1;
  std::int64_t process_id = 0;
};

// What one core counts.
struct core_counts {
  std::uint64_t connections = 0;           // now
  std::uint64_t connections_received = 0;  // ever
  std::uint64_t connections_rejected = 0;
  std::uint64_t commands = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t sync_full = 0;      // how often the writes that wait for a sync were as many as may be
  std::uint64_t waiting_bytes = 0;  // of replies that wait to leave, and of commands that are not whole yet
  std::uint64_t peak_bytes = 0;     // the most that keys, values and those took
  std::uint64_t idle_closed = 0;    // clients sent away for their silence
  std::uint64_t publish_waits = 0;  // messages that waited because another core was behind
};

// What the pools that the cores share have done.
struct pool_counts {
  unsigned workers = 0;           // threads that share in searches
  std::uint64_t worker_runs = 0;  // pieces of them
  std::uint64_t worker_steals = 0;
  std::uint64_t worker_sleeps = 0;
  std::uint64_t worker_idle_ms = 0;
  unsigned blocking_threads = 0;  // that wait for the disk
  std::uint64_t blocking_runs = 0;
  std::uint64_t blocking_queued = 0;
};

// What a core lets its commands see. The server implements it; tests fake it.
class core_view {
 public:
  virtual ~core_view() = default;
  virtual const server_facts& facts() const noexcept = 0;
  virtual core_counts counts() const noexcept = 0;
  virtual subscriptions& channels() noexcept = 0;
  virtual buffer_memory& buffers() noexcept = 0;
  // Calls f(context, s) for each session of this core, in the order of their ids.
  virtual void each_session(void (*f)(void* context, const session& s), void* context) const = 0;
  // Whether `more` bytes would pass max_memory; asked before each command that needs memory. May be a little old.
  virtual bool is_memory_full(std::size_t more) const noexcept = 0;
  // Of the whole server.
  virtual pool_counts pools() const noexcept { return {}; }
  // Runs f(argument) so that what it forks (frys::join, frys::parallel_for) may run on the server's workers.
  virtual void with_workers(void (*f)(void* argument), void* argument) { f(argument); }
};

struct command_context {
  arguments args;
  store& db;
  reply_writer& reply;        // its protocol is the client's
  core_view& core;            // the core that runs this
  scratch& memory;            // for what the command needs while it runs
  session* client = nullptr;  // set on the connection's own core; always for where::connection
  effect_log* log = nullptr;  // nullptr: logged elsewhere, or nowhere
  std::int64_t now_ms = 0;    // since 1970
  unsigned owner = 0;         // SCAN: which of how many owners this is
  unsigned owners = 1;

  // Logs one effect or several as one record. False: the error reply is written, the handler returns at once.
  bool logged(const effect& e) { return logged(std::span<const effect>(&e, 1)); }
  bool logged(std::span<const effect> effects) {
    if (log == nullptr || log->append(effects)) [[likely]]
      return true;
    reply.error("MISCONF Errors writing to the log; the server takes no more writes");
    return false;
  }
};

enum class runs_on : std::uint8_t { connection, listeners, key, keys, cursor, all };

// Flags, as COMMAND tells them.
namespace flag {
inline constexpr std::uint32_t write = 1, readonly = 2, deny_oom = 4, fast = 8, pubsub = 16, admin = 32, loading = 64,
                               stale = 128, noscript = 256, no_auth = 512, allow_busy = 1024;
}

struct command;

// What merge_parts works from: the replies of the owners, RESP in the client's protocol.
struct merge_context {
  arguments args;
  std::span<const std::string_view> parts;  // one reply per part
  // MGET: the part that each key went to, in the order of the keys; within a part the keys keep their order.
  std::span<const std::uint32_t> part_of_key;
  reply_writer& reply;
  core_view& core;
  scratch& memory;
  session* client = nullptr;
  std::int64_t now_ms = 0;
};

struct command {
  std::string_view name;  // lower case
  int arity;              // of all arguments with the name; negative: at least
  std::uint32_t flags;
  int first_key, last_key, key_step;  // as COMMAND tells them; last_key -1: to the end
  runs_on where;
  void (*handler)(command_context&);
  void (*merge)(merge_context&) = nullptr;  // keys and all
  std::string_view group = "string";
  std::string_view summary = "";

  // Whether it has to do with keys, and so waits where their owner is locked.
  [[nodiscard]] bool is_on_keys() const noexcept { return where >= runs_on::key; }
  [[nodiscard]] bool is(std::uint32_t f) const noexcept { return (flags & f) != 0; }
};

// nullptr: no such command. No allocation.
const command* find_command(std::string_view name) noexcept;
std::span<const command> all_commands() noexcept;

// Step 1 above. Also remembers the command's name in `client`.
const command* accept_command(arguments args, session& client, core_view& core, reply_writer& reply);

inline void run(const command& c, command_context& context) { c.handler(context); }

// The indices of the keys among `args`.
template <class F>
void each_key(const command& c, arguments args, F&& f) {
  if (c.first_key == 0) return;
  const std::size_t last =
      c.last_key < 0 ? args.size() - static_cast<std::size_t>(-c.last_key) : static_cast<std::size_t>(c.last_key);
  for (std::size_t i = static_cast<std::size_t>(c.first_key); i <= last && i < args.size();
       i += static_cast<std::size_t>(c.key_step))
    f(i);
}

// The owner of a key among `owners`.
unsigned owner_of(std::string_view key, unsigned owners) noexcept;

// where == keys: the arguments for each owner that has a key: the name, then its keys (MSET: with their values), in
// order. `owner_of_part` names them; `part_of_key` is for merge_context. The views live as long as those in `args`, the
// rest is in `memory`.
struct parted {
  explicit parted(scratch& memory) : owner_of_part(memory), args_of_part(memory), part_of_key(memory) {}
  scratch_vector<unsigned> owner_of_part;
  scratch_vector<scratch_vector<std::string_view>> args_of_part;
  scratch_vector<std::uint32_t> part_of_key;
};
parted part_args(const command& c, arguments args, unsigned owners, scratch& memory);

// What the one record of a write over several owners says; empty for reads. Views as in `args`.
scratch_vector<effect> plan_effects(const command& c, arguments args, scratch& memory);

// Makes the client's reply of the parts' replies.
inline void merge_parts(const command& c, merge_context& context) { c.merge(context); }

// where == cursor: the owner that a SCAN cursor names. A cursor that is no number goes to owner 0, which says so.
unsigned scan_owner(std::string_view cursor, unsigned owners) noexcept;

// Redis' glob: * ? [a-z] [^x] \x.
bool glob_match(std::string_view pattern, std::string_view text, bool ignore_case = false) noexcept;

}  // namespace kernel

#endif  // FRYS_KERNEL_COMMAND_HPP
