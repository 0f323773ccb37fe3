#include "store.hpp"

#include <cstring>
#include <new>
#include <vector>

namespace kernel {
namespace {

constexpr frys::error no_memory{frys::errc::out_of_memory, frys::domain::user, "no memory for a value", 0};

constexpr frys::error unfit(const char* message) { return {frys::errc::corrupt, frys::domain::user, message, 0}; }

}  // namespace

frys::result<void> store::set(std::string_view key, std::string_view text, std::int64_t expire_at_ms) noexcept {
  const std::uint64_t hash = table_.hash_of(key);
  (void)table_.rehash_some(1);
  if (value* v = table_.find(key, hash)) {
    const std::size_t before = v->heap_bytes();
    if (!v->assign(text)) return no_memory;
    heap_bytes_ += v->heap_bytes() - before;
    set_expiry(*v, expire_at_ms);
    return {};
  }
  value made;
  if (!made.assign(text)) return no_memory;
  made.expire_at_ms = expire_at_ms;
  const std::size_t heap = made.heap_bytes();
  if (auto inserted = table_.try_insert(key, hash, std::move(made)); !inserted) return inserted.error();
  heap_bytes_ += heap;
  expiring_ += expire_at_ms != 0;
  return {};
}

bool store::append(value& v, std::string_view text) noexcept {
  const std::size_t before = v.heap_bytes();
  if (!v.append(text)) return false;
  heap_bytes_ += v.heap_bytes() - before;
  return true;
}

void store::drop(std::string_view key, std::uint64_t hash, value& v) noexcept {
  heap_bytes_ -= v.heap_bytes();
  expiring_ -= v.expire_at_ms != 0;
  (void)table_.erase(key, hash);
  forget_if_empty();
}

bool store::erase(std::string_view key) noexcept {
  const std::uint64_t hash = table_.hash_of(key);
  value* v = table_.find(key, hash);
  if (v == nullptr) return false;
  drop(key, hash, *v);
  return true;
}

void store::set_expiry(value& v, std::int64_t expire_at_ms) noexcept {
  expiring_ -= v.expire_at_ms != 0;
  expiring_ += expire_at_ms != 0;
  v.expire_at_ms = expire_at_ms;
}

vector_set* store::make_vectors(std::string_view key, std::uint32_t dimension) noexcept {
  const std::uint64_t hash = table_.hash_of(key);
  if (value* v = table_.find(key, hash)) return v->vectors();
  auto* made = new (std::nothrow) vector_set(dimension);
  if (made == nullptr) return nullptr;
  value v;
  v.assign(made);
  if (!table_.try_insert(key, hash, std::move(v))) return nullptr;
  heap_bytes_ += made->bytes();
  return made;
}

bool store::add_vector(std::string_view key, std::string_view element, std::span<const float> vector,
                       bool& added) noexcept {
  vector_set* set = make_vectors(key, static_cast<std::uint32_t>(vector.size()));
  if (set == nullptr || set->dimension() != vector.size()) return false;
  const std::size_t before = set->bytes();
  const int outcome = set->add(element, vector);
  heap_bytes_ += set->bytes() - before;
  if (set->size() == 0) erase(key);
  added = outcome == 1;
  return outcome >= 0;
}

bool store::remove_vector(std::string_view key, std::string_view element) noexcept {
  value* v = table_.find(key);
  vector_set* set = v == nullptr ? nullptr : v->vectors();
  if (set == nullptr) return false;
  const std::size_t before = set->bytes();
  const bool removed = set->remove(element);
  heap_bytes_ += set->bytes() - before;
  if (set->size() == 0) erase(key);
  return removed;
}

void store::flush() noexcept {
  table_.clear();
  heap_bytes_ = expiring_ = 0;
  sweep_at_ = 0;
}

frys::result<void> store::apply(const effect& e) noexcept {
  switch (e.kind) {
    case effect_kind::set:
      return set(e.key, e.value, e.time_ms);
    case effect_kind::erase:
      (void)erase(e.key);
      return {};
    case effect_kind::flush:
      flush();
      return {};
    case effect_kind::expire:
      if (value* v = table_.find(e.key)) set_expiry(*v, e.time_ms);
      return {};
    case effect_kind::append: {
      value* v = table_.find(e.key);
      if (v == nullptr) return set(e.key, e.value, 0);
      if (!v->is_string()) return unfit("a log record appends to a vector set");
      if (!append(*v, e.value)) return no_memory;
      return {};
    }
    case effect_kind::vector_add: {
      std::vector<float> vector(e.extra.size() / sizeof(float));
      read_floats(e.extra, vector.data());
      value* v = table_.find(e.key);
      if (v != nullptr && (v->is_string() || v->vectors()->dimension() != vector.size()))
        return unfit("a log record adds a vector where it does not fit");
      bool added = false;
      if (!add_vector(e.key, e.value, vector, added)) return no_memory;
      return {};
    }
    case effect_kind::vector_remove:
      (void)remove_vector(e.key, e.value);
      return {};
  }
  return unfit("a log record holds an unknown effect");
}

std::size_t store::expire_some(std::int64_t now_ms, std::size_t budget) noexcept {
  if (expiring_ == 0) return 0;
  std::size_t gone = 0;
  sweep_at_ = table_.sweep(sweep_at_, budget, [&](std::string_view, value& v) {
    if (!v.is_expired(now_ms)) return false;
    heap_bytes_ -= v.heap_bytes();
    --expiring_;
    ++expired_;
    ++gone;
    return true;
  });
  forget_if_empty();
  return gone;
}

void read_floats(std::string_view bytes, float* out) noexcept {
  const std::byte* from = reinterpret_cast<const std::byte*>(bytes.data());
  for (std::size_t i = 0; i < bytes.size() / sizeof(float); ++i) {
    const auto bits = frys::load_le<std::uint32_t>(from + i * sizeof(float));
    std::memcpy(out + i, &bits, sizeof bits);
  }
}

void write_floats(std::span<const float> floats, char* out) noexcept {
  for (const float x : floats) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &x, sizeof bits);
    frys::store_le(reinterpret_cast<std::byte*>(out), bits);
    out += sizeof bits;
  }
}

}  // namespace kernel
