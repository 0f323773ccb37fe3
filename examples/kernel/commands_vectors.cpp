// Vector sets, with Redis 8's names, arguments and replies: VADD VSIM VCARD VDIM VREM.
#include <charconv>
#include <cmath>

#include "handlers.hpp"

namespace kernel {
namespace {

constexpr std::int64_t most_dimensions = 65536;
constexpr std::int64_t most_hits = std::int64_t{1} << 31;
constexpr std::string_view bad_vector = "ERR invalid vector specification";

// The vector set of a key: `set` is nullptr if there is none. False: another type, the error is written.
bool find_vectors(command_context& c, vector_set*& set) {
  value* v = c.db.find(c.args[1], c.now_ms);
  set = v == nullptr ? nullptr : v->vectors();
  if (v == nullptr || set != nullptr) return true;
  c.reply.error(text::wrong_type);
  return false;
}

bool parse_float(std::string_view text, float& out) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const std::from_chars_result read = std::from_chars(text.data(), text.data() + text.size(), out);
  return !text.empty() && read.ec == std::errc{} && read.ptr == text.data() + text.size() && std::isfinite(out);
}

// "FP32 blob" or "VALUES n x ..." at args[at]; `at` moves behind it. False: neither, nothing written.
bool parse_vector(arguments args, std::size_t& at, scratch_vector<float>& out) {
  if (at + 1 >= args.size()) return false;
  if (is_word(args[at], "fp32")) {
    const std::string_view blob = args[at + 1];
    if (blob.empty() || blob.size() % sizeof(float) != 0 || blob.size() / sizeof(float) > most_dimensions) return false;
    out.resize(blob.size() / sizeof(float));
    read_floats(blob, out.data());
    at += 2;
  } else if (is_word(args[at], "values")) {
    std::int64_t n = 0;
    if (!parse_integer(args[at + 1], n) || n <= 0 || n > most_dimensions) return false;
    const auto count = static_cast<std::size_t>(n);
    if (args.size() - at - 2 < count) return false;
    out.resize(count);
    for (std::size_t i = 0; i < count; ++i)
      if (!parse_float(args[at + 2 + i], out[i])) return false;
    at += 2 + count;
  } else {
    return false;
  }
  bool zero = true;  // a vector of length zero has no direction
  for (const float x : out) {
    if (!std::isfinite(x)) return false;
    zero &= x == 0;
  }
  return !zero;
}

void wrong_dimension(command_context& c, std::size_t got, const vector_set& set) {
  c.reply.error("ERR Vector dimension mismatch - got " + std::to_string(got) + " but set has " +
                std::to_string(set.dimension()));
}

void vadd(command_context& c) {
  scratch_vector<float> vector(c.memory);
  std::size_t at = 2;
  if (is_word(c.args[2], "reduce")) return c.reply.error("ERR REDUCE is not supported");
  if (!parse_vector(c.args, at, vector) || at >= c.args.size()) return c.reply.error(bad_vector);
  const std::string_view element = c.args[at++];
  for (; at < c.args.size(); ++at) {
    // How Redis builds its graph; an exact index has nothing to set.
    if (is_word(c.args[at], "cas") || is_word(c.args[at], "noquant") || is_word(c.args[at], "q8") ||
        is_word(c.args[at], "bin"))
      continue;
    std::int64_t n = 0;
    if (at + 1 < c.args.size() && (is_word(c.args[at], "ef") || is_word(c.args[at], "m")) &&
        parse_integer(c.args[at + 1], n) && n > 0) {
      ++at;
      continue;
    }
    return c.reply.error("ERR invalid option after element");
  }
  vector_set* set = nullptr;
  if (!find_vectors(c, set)) return;
  if (set != nullptr && set->dimension() != vector.size()) return wrong_dimension(c, vector.size(), *set);
  scratch_string bytes(vector.size() * sizeof(float), '\0', c.memory);
  write_floats(vector, bytes.data());
  if (!c.logged(effect{effect_kind::vector_add, c.args[1], element, bytes, 0})) return;
  bool added = false;
  if (!c.db.add_vector(c.args[1], element, vector, added)) return c.reply.error(text::no_memory);
  c.reply.boolean(added);
}

void vsim(command_context& c) {
  vector_set* set = nullptr;
  if (!find_vectors(c, set)) return;
  scratch_vector<float> query(c.memory);
  std::size_t at = 2;
  std::string_view element;
  const bool by_element = is_word(c.args[2], "ele");
  if (by_element) {
    element = c.args[3];
    at = 4;
  } else if (!parse_vector(c.args, at, query)) {
    return c.reply.error(bad_vector);
  }
  std::int64_t count = 10;
  bool with_scores = false;
  for (; at < c.args.size(); ++at) {
    const bool more = at + 1 < c.args.size();
    std::int64_t n = 0;
    if (is_word(c.args[at], "withscores")) {
      with_scores = true;
    } else if (is_word(c.args[at], "count") && more) {
      if (!parse_integer(c.args[++at], count) || count <= 0) return c.reply.error("ERR invalid COUNT");
    } else if (is_word(c.args[at], "ef") && more) {
      if (!parse_integer(c.args[++at], n) || n <= 0) return c.reply.error("ERR invalid EF");
    } else if (!is_word(c.args[at], "truth") && !is_word(c.args[at], "nothread")) {
      return c.reply.error("ERR syntax error in VSIM command");
    }
  }
  if (set == nullptr) return with_scores ? c.reply.map(0) : c.reply.array(0);
  if (by_element) {
    const std::span<const float> found = set->find(element);
    if (found.empty()) return c.reply.error("ERR element not found in set");
    query.assign(found.begin(), found.end());
  }
  if (query.size() != set->dimension()) return wrong_dimension(c, query.size(), *set);
  scratch_vector<frys::neighbour> hits((std::min)(static_cast<std::size_t>((std::min)(count, most_hits)), set->size()),
                                       c.memory);
  const auto search = [&] { hits.resize(set->nearest(query, hits)); };
  if (set->size() >= vector_set::worth_forking)
    c.core.with_workers([](void* s) { (*static_cast<decltype(search)*>(s))(); },
                        const_cast<void*>(static_cast<const void*>(&search)));
  else
    search();
  if (with_scores)
    c.reply.map(hits.size());
  else
    c.reply.array(hits.size());
  for (const frys::neighbour& hit : hits) {
    c.reply.bulk(set->name(hit.id));
    if (with_scores) c.reply.real((1.0 + static_cast<double>(hit.score)) / 2.0);
  }
}

void vcard(command_context& c) {
  vector_set* set = nullptr;
  if (find_vectors(c, set)) c.reply.integer(set == nullptr ? 0 : static_cast<std::int64_t>(set->size()));
}

void vdim(command_context& c) {
  vector_set* set = nullptr;
  if (!find_vectors(c, set)) return;
  if (set == nullptr) return c.reply.error("ERR key does not exist");
  c.reply.integer(set->dimension());
}

void vrem(command_context& c) {
  vector_set* set = nullptr;
  if (!find_vectors(c, set)) return;
  if (set == nullptr || set->find(c.args[2]).empty()) return c.reply.boolean(false);
  if (!c.logged(effect{effect_kind::vector_remove, c.args[1], c.args[2], {}, 0})) return;
  c.reply.boolean(c.db.remove_vector(c.args[1], c.args[2]));
}

constexpr std::uint32_t w = flag::write, oom = flag::deny_oom, r = flag::readonly, fast = flag::fast;
constexpr auto key = runs_on::key;

constexpr command table[] = {
    {"vadd", -5, w | oom, 1, 1, 1, key, vadd, nullptr, "vectorset", "Gives an element of a vector set its vector."},
    {"vcard", 2, r | fast, 1, 1, 1, key, vcard, nullptr, "vectorset", "The number of elements of a vector set."},
    {"vdim", 2, r | fast, 1, 1, 1, key, vdim, nullptr, "vectorset", "The dimension of a vector set."},
    {"vrem", 3, w | fast, 1, 1, 1, key, vrem, nullptr, "vectorset", "Takes an element out of a vector set."},
    {"vsim", -4, r, 1, 1, 1, key, vsim, nullptr, "vectorset", "The elements nearest to a vector or an element."},
};

}  // namespace

std::span<const command> vector_commands() noexcept { return table; }

}  // namespace kernel
