#include "vector_set.hpp"

#include <algorithm>

namespace kernel {

vector_set::vector_set(std::uint32_t dimension) : dimension_(dimension), index_(dimension) {}

std::size_t vector_set::bytes() const noexcept {
  return sizeof *this + index_.bytes() + ids_.held_bytes() + names_.capacity() * sizeof(std::string) + name_bytes_;
}

int vector_set::add(std::string_view element, std::span<const float> vector) {
  if (const std::uint32_t* known = ids_.find(element)) return index_.update(*known, vector) ? 0 : -1;
  const bool reused = !free_.empty();
  const std::uint32_t id = reused ? free_.back() : static_cast<std::uint32_t>(names_.size());
  if (!index_.add(id, vector)) return -1;
  if (!ids_.try_insert(element, id)) {
    index_.remove(id);
    return -1;
  }
  if (reused) {
    free_.pop_back();
    names_[id] = element;
  } else {
    names_.emplace_back(element);
  }
  name_bytes_ += element.size();
  return 1;
}

bool vector_set::remove(std::string_view element) {
  const std::uint32_t* known = ids_.find(element);
  if (known == nullptr) return false;
  const std::uint32_t id = *known;
  name_bytes_ -= element.size();  // `element` may be our own name, so the name goes last
  ids_.erase(element);
  index_.remove(id);
  free_.push_back(id);
  names_[id] = std::string();
  return true;
}

std::span<const float> vector_set::find(std::string_view element) const {
  const std::uint32_t* known = ids_.find(element);
  if (known == nullptr) return {};
  return index_.vector(*known);
}

std::size_t vector_set::nearest(std::span<const float> query, std::span<frys::neighbour> out) const {
  out = out.first((std::min)(out.size(), index_.size()));
  return index_.top_k(query, out.size(), out).value_or(0);
}

}  // namespace kernel
