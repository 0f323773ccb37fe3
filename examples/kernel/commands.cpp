// Finding, accepting, splitting and merging commands; the commands themselves are in commands_*.cpp.
#include <array>
#include <bit>
#include <cstring>

#include <frys/core/hash.hpp>

#include "handlers.hpp"

namespace kernel {

const command& client_list_command() noexcept;

namespace {

// Names of up to 16 characters in lower case, as two numbers, found in a table twice as large as it needs to be.
class command_index {
 public:
  command_index() {
    for (const auto family : {string_commands(), key_commands(), vector_commands(), pubsub_commands(),
                              connection_commands(), server_commands()})
      for (const command& c : family) commands_.push_back(c);
    for (const command& c : commands_) {
      const key k = key_of(c.name);
      std::size_t at = k.slot();
      while (slots_[at].what != nullptr) at = (at + 1) % slots;
      slots_[at] = {k, &c};
    }
  }

  const command* find(std::string_view name) const noexcept {
    if (name.empty() || name.size() > 16) return nullptr;
    const key k = key_of(name);
    for (std::size_t at = k.slot(); slots_[at].what != nullptr; at = (at + 1) % slots)
      if (slots_[at].name == k && slots_[at].what->name.size() == name.size()) return slots_[at].what;
    return nullptr;
  }
  std::span<const command> all() const noexcept { return commands_; }

 private:
  static constexpr std::size_t slots = 256;
  struct key {
    std::uint64_t low = 0, high = 0;
    bool operator==(const key&) const = default;
    std::size_t slot() const noexcept { return frys::hash_integer(low, high) % slots; }
  };
  struct slot {
    key name;
    const command* what = nullptr;
  };

  static key key_of(std::string_view name) noexcept {
    char bytes[16] = {};
    std::memcpy(bytes, name.data(), name.size());
    key k;
    std::memcpy(&k.low, bytes, 8);
    std::memcpy(&k.high, bytes + 8, 8);
    k.low = lower_case(k.low);
    k.high = lower_case(k.high);
    return k;
  }
  // Eight characters at once: 0x20 is added to each byte from 'A' to 'Z'.
  static std::uint64_t lower_case(std::uint64_t x) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    const std::uint64_t low7 = x & ~high;
    const std::uint64_t from_a = low7 + (0x80 - 'A') * ones;       // the high bit: >= 'A'
    const std::uint64_t above_z = low7 + (0x80 - 'Z' - 1) * ones;  // the high bit: > 'Z'
    return x | ((from_a & ~above_z & ~x & high) >> 2);
  }

  std::vector<command> commands_;
  std::array<slot, slots> slots_{};
};

const command_index& index() noexcept {
  static const command_index made;
  return made;
}

void unknown_command(reply_writer& reply, arguments args) {
  const auto c_string = [](std::string_view text) { return text.substr(0, text.find('\0')); };
  std::string shown;
  for (std::size_t i = 1; i < args.size() && shown.size() < 128; ++i) {
    shown += "'";
    shown += c_string(args[i].substr(0, 128 - (shown.size() - 1)));
    shown += "' ";
  }
  reply.error("ERR unknown command '" + std::string(c_string(args[0].substr(0, 128))) +
              "', with args beginning with: " + shown);
}

}  // namespace

const command* find_command(std::string_view name) noexcept { return index().find(name); }
std::span<const command> all_commands() noexcept { return index().all(); }

const command* accept_command(arguments args, session& client, core_view& core, reply_writer& reply) {
  const command* c = find_command(args[0]);
  if (c == nullptr) return unknown_command(reply, args), nullptr;
  const auto count = static_cast<std::int64_t>(args.size());
  if (c->arity > 0 ? count != c->arity : count < -c->arity) return wrong_arity(reply, c->name), nullptr;
  client.last_command = c->name;
  if (c->is(flag::deny_oom)) {
    std::size_t more = 0;
    for (const std::string_view a : args.subspan(1)) more += a.size();
    if (core.is_memory_full(more)) return reply.error(text::no_memory), nullptr;
  }
  if (client.protocol == 2 && client.is_subscribed() && c->name != "ping" && c->name != "quit" && c->name != "reset" &&
      !(c->is(flag::pubsub) && c->name != "publish")) {
    reply.error("ERR Can't execute '" + std::string(c->name) +
                "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context");
    return nullptr;
  }
  if (c->name == "client" && is_word(args[1], "list")) c = &client_list_command();
  // What no owner could answer is answered here, so that nothing travels.
  if (c->name == "mset" && args.size() % 2 == 0) return wrong_arity(reply, "mset"), nullptr;
  return c;
}

unsigned owner_of(std::string_view key, unsigned owners) noexcept {
  // The high bits: the table of an owner takes its places from the low ones.
  return owners == 1 ? 0 : static_cast<unsigned>(((frys::hash{}(key) >> 32) * owners) >> 32);
}

parted part_args(const command& c, arguments args, unsigned owners, scratch& memory) {
  parted out(memory);
  scratch_vector<std::uint32_t> part_of_owner(owners, ~std::uint32_t{0}, memory);
  scratch_vector<std::uint32_t> size_of_part(owners, 0, memory);
  each_key(c, args,
           [&](std::size_t i) { size_of_part[owner_of(args[i], owners)] += static_cast<std::uint32_t>(c.key_step); });
  out.owner_of_part.reserve(owners);
  out.args_of_part.reserve(owners);
  out.part_of_key.reserve(args.size());
  each_key(c, args, [&](std::size_t i) {
    const unsigned owner = owner_of(args[i], owners);
    if (part_of_owner[owner] == ~std::uint32_t{0}) {
      part_of_owner[owner] = static_cast<std::uint32_t>(out.owner_of_part.size());
      out.owner_of_part.push_back(owner);
      out.args_of_part.emplace_back(memory).reserve(1 + size_of_part[owner]);
      out.args_of_part.back().push_back(args[0]);
    }
    const std::uint32_t part = part_of_owner[owner];
    out.part_of_key.push_back(part);
    for (std::size_t k = i; k < i + static_cast<std::size_t>(c.key_step) && k < args.size(); ++k)
      out.args_of_part[part].push_back(args[k]);
  });
  return out;
}

scratch_vector<effect> plan_effects(const command& c, arguments args, scratch& memory) {
  scratch_vector<effect> out(memory);
  out.reserve(args.size());
  if (c.name == "mset") {
    for (std::size_t i = 1; i + 1 < args.size(); i += 2) out.push_back({effect_kind::set, args[i], args[i + 1], {}, 0});
  } else if (c.name == "del" || c.name == "unlink") {
    for (const std::string_view key : args.subspan(1)) out.push_back({effect_kind::erase, key, {}, {}, 0});
  } else if (c.name == "flushdb" || c.name == "flushall") {
    out.push_back({effect_kind::flush, {}, {}, {}, 0});
  }
  return out;
}

void wrong_arity(reply_writer& reply, std::string_view name) {
  reply.error("ERR wrong number of arguments for '" + std::string(name) + "' command");
}

void unknown_subcommand(reply_writer& reply, std::string_view subcommand, std::string_view parent) {
  reply.error("ERR unknown subcommand '" + std::string(subcommand.substr(0, 128)) + "'. Try " + std::string(parent) +
              " HELP.");
}

bool merge_error(merge_context& m) {
  for (const std::string_view part : m.parts)
    if (part.empty() || part[0] == '-') {
      if (part.empty())
        m.reply.error("ERR an owner gave no answer");
      else
        m.reply.raw(part);
      return true;
    }
  return false;
}

void merge_sum(merge_context& m) {
  if (merge_error(m)) return;
  std::int64_t sum = 0;
  for (const std::string_view part : m.parts) {
    std::int64_t n = 0;
    if (parse_integer(part.substr(1, part.size() - 3), n)) sum += n;
  }
  m.reply.integer(sum);
}

void merge_ok(merge_context& m) {
  if (!merge_error(m)) m.reply.ok();
}

void merge_concat(merge_context& m) {
  if (merge_error(m)) return;
  std::int64_t sum = 0;
  for (const std::string_view part : m.parts) {
    std::int64_t n = 0;
    if (parse_integer(part.substr(1, part.find('\r') - 1), n)) sum += n;
  }
  m.reply.array(static_cast<std::size_t>(sum));
  for (const std::string_view part : m.parts) m.reply.raw(part.substr(part.find('\n') + 1));
}

}  // namespace kernel
