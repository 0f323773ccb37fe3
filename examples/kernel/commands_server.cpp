// The server: COMMAND CONFIG INFO.
#include <frys/config.hpp>
#include <frys/simd/target.hpp>

#include "handlers.hpp"
#include "server_text.hpp"

namespace kernel {
namespace {

struct flag_name {
  std::uint32_t bit;
  std::string_view name;
};
constexpr flag_name flag_names[] = {
    {flag::write, "write"},   {flag::readonly, "readonly"}, {flag::deny_oom, "denyoom"},     {flag::admin, "admin"},
    {flag::pubsub, "pubsub"}, {flag::noscript, "noscript"}, {flag::loading, "loading"},      {flag::stale, "stale"},
    {flag::fast, "fast"},     {flag::no_auth, "no_auth"},   {flag::allow_busy, "allow_busy"}};

void describe(reply_writer& reply, const command& d) {
  reply.array(10);
  reply.bulk(d.name);
  reply.integer(d.arity);
  std::size_t flags = 0;
  for (const flag_name& f : flag_names) flags += d.is(f.bit);
  reply.set(flags);
  for (const flag_name& f : flag_names)
    if (d.is(f.bit)) reply.simple(f.name);
  reply.integer(d.first_key);
  reply.integer(d.last_key);
  reply.integer(d.key_step);
  reply.set(d.is(flag::write) || d.is(flag::readonly) ? 3 : 2);
  if (d.is(flag::write))
    reply.simple("@write");
  else if (d.is(flag::readonly))
    reply.simple("@read");
  std::string group(1, '@');
  reply.simple(group.append(d.group));
  reply.simple(d.is(flag::fast) ? "@fast" : "@slow");
  reply.array(0);  // tips
  reply.array(0);  // key specifications
  reply.array(0);  // subcommands
}

void document(reply_writer& reply, const command& d) {
  reply.bulk(d.name);
  reply.map(2);
  reply.bulk("summary");
  reply.bulk(d.summary);
  reply.bulk("group");
  reply.bulk(d.group);
}

void command_docs(command_context& c) {
  std::vector<const command*> wanted;
  if (c.args.size() == 2) {
    for (const command& d : all_commands()) wanted.push_back(&d);
  } else {
    for (const std::string_view name : c.args.subspan(2))
      if (const command* d = find_command(name)) wanted.push_back(d);
  }
  c.reply.map(wanted.size());
  for (const command* d : wanted) document(c.reply, *d);
}

void command_info(command_context& c, arguments names) {
  if (names.empty()) {
    c.reply.array(all_commands().size());
    for (const command& d : all_commands()) describe(c.reply, d);
    return;
  }
  c.reply.array(names.size());
  for (const std::string_view name : names) {
    if (const command* d = find_command(name))
      describe(c.reply, *d);
    else
      c.reply.null();
  }
}

void command_command(command_context& c) {
  if (c.args.size() == 1) return command_info(c, {});
  const std::string_view sub = c.args[1];
  if (is_word(sub, "count")) {
    if (c.args.size() != 2) return wrong_arity(c.reply, "command|count");
    c.reply.integer(static_cast<std::int64_t>(all_commands().size()));
  } else if (is_word(sub, "info")) {
    command_info(c, c.args.subspan(2));
  } else if (is_word(sub, "docs")) {
    command_docs(c);
  } else if (is_word(sub, "list")) {
    if (c.args.size() != 2) return c.reply.error(text::syntax);
    c.reply.array(all_commands().size());
    for (const command& d : all_commands()) c.reply.bulk(d.name);
  } else {
    unknown_subcommand(c.reply, sub, "COMMAND");
  }
}

void config(command_context& c) {
  if (!is_word(c.args[1], "get")) {
    if (is_word(c.args[1], "resetstat") && c.args.size() == 2) return c.reply.ok();
    return unknown_subcommand(c.reply, c.args[1], "CONFIG");
  }
  if (c.args.size() < 3) return wrong_arity(c.reply, "config|get");
  // A name without a wildcard comes back as it was asked for, in its case.
  std::vector<std::pair<std::string_view, std::string_view>> found;
  for (const auto& [name, value] : c.core.facts().config)
    for (const std::string_view pattern : c.args.subspan(2))
      if (glob_match(pattern, name, true)) {
        const bool plain = pattern.find_first_of("*?[") == std::string_view::npos;
        found.emplace_back(plain ? pattern : std::string_view(name), value);
        break;
      }
  c.reply.map(found.size());
  for (const auto& [name, value] : found) {
    c.reply.bulk(name);
    c.reply.bulk(value);
  }
}

// INFO's part: the numbers of one core, in the order of info_number.
enum info_number : std::size_t {
  n_keys,
  n_expiring,
  n_expired,
  n_memory,
  n_held,
  n_waiting,
  n_peak,
  n_clients,
  n_received,
  n_rejected,
  n_commands,
  n_in,
  n_out,
  n_sync_full,
  n_publish_waits,
  n_idle_closed,
  info_numbers
};

void info(command_context& c) {
  const core_counts counts = c.core.counts();
  const std::uint64_t numbers[info_numbers] = {c.db.size(),
                                               c.db.expiring(),
                                               c.db.expired(),
                                               c.db.used_bytes() + counts.waiting_bytes,
                                               c.db.held_bytes() + counts.waiting_bytes,
                                               counts.waiting_bytes,
                                               counts.peak_bytes,
                                               counts.connections,
                                               counts.connections_received,
                                               counts.connections_rejected,
                                               counts.commands,
                                               counts.bytes_in,
                                               counts.bytes_out,
                                               counts.sync_full,
                                               counts.publish_waits,
                                               counts.idle_closed};
  c.reply.array(info_numbers);
  for (const std::uint64_t n : numbers) c.reply.integer(static_cast<std::int64_t>(n));
}

std::string human(std::uint64_t bytes) {
  const char* unit = "B";
  double n = static_cast<double>(bytes);
  for (const char* next : {"K", "M", "G", "T"}) {
    if (n < 1024) break;
    n /= 1024;
    unit = next;
  }
  const auto hundredths = static_cast<std::uint64_t>(n * 100 + 0.5);
  std::string out = std::to_string(hundredths / 100);
  if (bytes >= 1024) {
    out += hundredths % 100 < 10 ? ".0" : ".";
    out += std::to_string(hundredths % 100);
  }
  return out + unit;
}

// Writes "name:value" lines by sections.
class sections {
 public:
  explicit sections(arguments wanted) : wanted_(wanted) {}

  // True: this section is wanted; its lines follow.
  bool begin(std::string_view title) {
    bool named = wanted_.empty();
    for (const std::string_view w : wanted_) {
      if (is_word(w, "all") || is_word(w, "default") || is_word(w, "everything")) named = true;
      named |= w.size() == title.size() && glob_match(w, title, true);
    }
    if (!named) return false;
    if (!out_.empty()) out_ += "\r\n";
    out_ += "# ";
    out_ += title;
    out_ += "\r\n";
    return true;
  }
  void line(std::string_view name, std::string_view value) {
    out_ += name;
    out_ += ":";
    out_ += value;
    out_ += "\r\n";
  }
  void line(std::string_view name, std::uint64_t value) { line(name, std::to_string(value)); }
  const std::string& text() const { return out_; }

 private:
  arguments wanted_;
  std::string out_;
};

void merge_info(merge_context& m) {
  if (merge_error(m)) return;
  std::uint64_t sum[info_numbers] = {};
  for (std::string_view part : m.parts) {
    part.remove_prefix(part.find('\n') + 1);
    for (std::uint64_t& total : sum) {
      const std::size_t end = part.find('\r');
      std::int64_t n = 0;
      if (end == std::string_view::npos || !parse_integer(part.substr(1, end - 1), n)) break;
      total += static_cast<std::uint64_t>(n);
      part.remove_prefix(end + 2);
    }
  }
  const server_facts& f = m.core.facts();
  const auto up = static_cast<std::uint64_t>((std::max)(m.now_ms - f.started_ms, std::int64_t{0}) / 1000);
  sections s(m.args.subspan(1));
  if (s.begin("Server")) {
    s.line("redis_version", redis_version);
    s.line("redis_mode", "standalone");
    s.line("frys_version", FRYS_VERSION);
    s.line("frys_reactor", f.reactor);
    s.line("frys_durability", f.durability);
    s.line("frys_simd", frys::simd::target());
    s.line("frys_owners", f.owners);
    s.line("arch_bits", sizeof(void*) * 8);
    s.line("process_id", static_cast<std::uint64_t>(f.process_id));
    s.line("tcp_port", f.port);
    s.line("uptime_in_seconds", up);
    s.line("uptime_in_days", up / 86400);
  }
  if (s.begin("Clients")) {
    s.line("connected_clients", sum[n_clients]);
    s.line("maxclients", f.max_connections);
    s.line("blocked_clients", std::uint64_t{0});
  }
  if (s.begin("Memory")) {
    s.line("used_memory", sum[n_memory]);
    s.line("used_memory_human", human(sum[n_memory]));
    s.line("used_memory_peak", (std::max)(sum[n_peak], sum[n_memory]));
    s.line("used_memory_peak_human", human((std::max)(sum[n_peak], sum[n_memory])));
    s.line("mem_clients_normal", sum[n_waiting]);
    s.line("frys_memory_held", sum[n_held]);
    s.line("maxmemory", f.max_memory);
    s.line("maxmemory_human", human(f.max_memory));
    s.line("maxmemory_policy", "noeviction");
  }
  if (s.begin("Persistence")) {
    s.line("loading", std::uint64_t{0});
    s.line("aof_enabled", std::uint64_t{1});
    s.line("rdb_bgsave_in_progress", std::uint64_t{0});
    s.line("aof_rewrite_in_progress", std::uint64_t{0});
  }
  if (s.begin("Stats")) {
    s.line("total_connections_received", sum[n_received]);
    s.line("total_commands_processed", sum[n_commands]);
    s.line("total_net_input_bytes", sum[n_in]);
    s.line("total_net_output_bytes", sum[n_out]);
    s.line("rejected_connections", sum[n_rejected]);
    s.line("expired_keys", sum[n_expired]);
    s.line("evicted_keys", std::uint64_t{0});
    s.line("frys_sync_queue_full", sum[n_sync_full]);
    s.line("frys_publish_waits", sum[n_publish_waits]);
    s.line("frys_idle_closed", sum[n_idle_closed]);
  }
  if (s.begin("Scheduler")) {
    const pool_counts p = m.core.pools();
    s.line("frys_workers", p.workers);
    s.line("frys_worker_runs", p.worker_runs);
    s.line("frys_worker_steals", p.worker_steals);
    s.line("frys_worker_sleeps", p.worker_sleeps);
    s.line("frys_worker_idle_ms", p.worker_idle_ms);
    s.line("frys_blocking_threads", p.blocking_threads);
    s.line("frys_blocking_runs", p.blocking_runs);
    s.line("frys_blocking_queued", p.blocking_queued);
  }
  if (s.begin("Replication")) {
    s.line("role", "master");
    s.line("connected_slaves", std::uint64_t{0});
  }
  if (s.begin("Cluster")) s.line("cluster_enabled", std::uint64_t{0});
  if (s.begin("Keyspace") && sum[n_keys] != 0)
    s.line("db0", "keys=" + std::to_string(sum[n_keys]) + ",expires=" + std::to_string(sum[n_expiring]) + ",avg_ttl=0");
  m.reply.verbatim("txt", s.text());
}

constexpr std::uint32_t flags = flag::loading | flag::stale;

constexpr command table[] = {
    {"command", -1, flags, 0, 0, 0, runs_on::connection, command_command, nullptr, "server", "About the commands."},
    {"config", -2, flags | flag::admin | flag::noscript, 0, 0, 0, runs_on::connection, config, nullptr, "server",
     "The server's settings."},
    {"info", -1, flags, 0, 0, 0, runs_on::all, info, merge_info, "server", "The server's figures."},
};

}  // namespace

std::span<const command> server_commands() noexcept { return table; }

}  // namespace kernel
