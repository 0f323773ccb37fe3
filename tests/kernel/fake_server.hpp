// fake_server: commands without a network: one core, any number of owners, sessions that remember what was delivered.
#ifndef FRYS_TESTS_KERNEL_FAKE_SERVER_HPP
#define FRYS_TESTS_KERNEL_FAKE_SERVER_HPP

#include <frys/net/resp_decoder.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../../examples/kernel/command.hpp"
#include "../../examples/kernel/store.hpp"
#include "../../examples/kernel/subscriptions.hpp"

namespace kernel_test {

struct fake_session : kernel::session {
  std::string delivered;
  std::vector<frys::buffer> bodies;
  void deliver(std::string_view head, const frys::buffer& body) override {
    delivered += head;
    delivered += body.text();
    bodies.push_back(body);
  }
};

// Keeps the records as the log would, in order.
struct fake_log : kernel::effect_log {
  std::vector<std::string> records;
  bool broken = false;
  std::uint64_t stamp = 0;
  bool append(std::span<const kernel::effect> effects) noexcept override {
    if (broken) return false;
    std::string record(kernel::record_size(effects), '\0');
    kernel::encode_record(reinterpret_cast<std::byte*>(record.data()), ++stamp, effects);
    records.push_back(std::move(record));
    return true;
  }
};

inline std::string bytes_of(kernel::reply_output& out) {
  std::string bytes;
  for (const frys::buffer& segment : out.chain().segments()) bytes += segment.text();
  return bytes;
}

class fake_server : public kernel::core_view {
 public:
  explicit fake_server(unsigned owners = 1) {
    facts_.owners = owners;
    facts_.config = {{"save", ""}, {"appendonly", "yes"}, {"maxmemory", "0"}};
    for (unsigned i = 0; i < owners; ++i) stores.emplace_back();
    me.id = 1;
  }

  std::deque<kernel::store> stores;
  fake_log log;
  fake_session me;
  kernel::subscriptions subscribed;
  std::int64_t now_ms = 1'700'000'000'000;
  bool memory_full = false;

  const kernel::server_facts& facts() const noexcept override { return facts_; }
  kernel::core_counts counts() const noexcept override { return {.connections = 1}; }
  kernel::subscriptions& channels() noexcept override { return subscribed; }
  kernel::buffer_memory& buffers() noexcept override { return buffers_; }
  void each_session(void (*f)(void*, const kernel::session&), void* context) const override { f(context, me); }
  bool is_memory_full(std::size_t) const noexcept override { return memory_full; }

  // What the server would send for the command, as raw RESP.
  std::string call(const std::vector<std::string_view>& args) { return call_from(me, args); }
  // An inline command: "SET k v".
  std::string operator()(std::string_view line) {
    const std::string text = std::string(line) + "\n";
    frys::resp_decoder decoder;
    const frys::resp_event event = decoder.decode(frys::as_bytes(text));
    return call({event.args.begin(), event.args.end()});
  }

  std::string call_from(kernel::session& client, const std::vector<std::string_view>& args) {
    kernel::reply_output out;
    kernel::reply_writer reply(out, client.protocol);
    if (const kernel::command* c = kernel::accept_command(args, client, *this, reply)) serve(*c, client, args, reply);
    return bytes_of(out);
  }

  // The stores as recovery would make them from the log.
  std::deque<kernel::store> recovered() const {
    std::deque<kernel::store> out;
    for (std::size_t i = 0; i < stores.size(); ++i) out.emplace_back();
    for (const std::string& record : log.records) {
      kernel::record_reader reader(frys::as_bytes(record));
      kernel::effect e;
      while (reader.next(e))
        for (unsigned i = 0; i < out.size(); ++i)
          if (e.kind == kernel::effect_kind::flush || kernel::owner_of(e.key, facts_.owners) == i)
            (void)out[i].apply(e);
    }
    return out;
  }

 private:
  void serve(const kernel::command& c, kernel::session& client, const std::vector<std::string_view>& args,
             kernel::reply_writer& reply) {
    const unsigned owners = facts_.owners;
    const auto run_on = [&](unsigned owner, kernel::arguments part, kernel::reply_writer& to,
                            kernel::effect_log* to_log) {
      kernel::command_context context{part, stores[owner], to, *this, scratch_, &client, to_log, now_ms, owner, owners};
      kernel::run(c, context);
    };
    std::vector<std::vector<std::string_view>> parts;
    std::vector<unsigned> owner_of_part;
    kernel::parted split(scratch_);
    switch (c.where) {
      case kernel::runs_on::connection:
      case kernel::runs_on::listeners:
        return run_on(0, args, reply, &log);
      case kernel::runs_on::key:
        return run_on(kernel::owner_of(args[static_cast<std::size_t>(c.first_key)], owners), args, reply, &log);
      case kernel::runs_on::cursor:
        return run_on(kernel::scan_owner(args[1], owners), args, reply, &log);
      case kernel::runs_on::keys:
        split = kernel::part_args(c, args, owners, scratch_);
        if (split.owner_of_part.size() == 1) return run_on(split.owner_of_part[0], args, reply, &log);
        for (const auto& part : split.args_of_part) parts.emplace_back(part.begin(), part.end());
        owner_of_part.assign(split.owner_of_part.begin(), split.owner_of_part.end());
        break;
      case kernel::runs_on::all:
        for (unsigned i = 0; i < owners; ++i) {
          parts.push_back(args);
          owner_of_part.push_back(i);
        }
        break;
    }
    kernel::effect_log* part_log = parts.size() == 1 ? &log : nullptr;
    if (part_log == nullptr && c.is(kernel::flag::write)) (void)log.append(kernel::plan_effects(c, args, scratch_));
    std::deque<std::string> replies;
    std::vector<std::string_view> views;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      kernel::reply_output out;
      kernel::reply_writer to(out, client.protocol);
      run_on(owner_of_part[i], parts[i], to, part_log);
      views.push_back(replies.emplace_back(bytes_of(out)));
    }
    kernel::merge_context merge{args, views, split.part_of_key, reply, *this, scratch_, &client, now_ms};
    kernel::merge_parts(c, merge);
  }

  kernel::server_facts facts_;
  kernel::buffer_memory buffers_;
  kernel::scratch scratch_;
};

}  // namespace kernel_test

#endif  // FRYS_TESTS_KERNEL_FAKE_SERVER_HPP
