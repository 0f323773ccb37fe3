#include "vector_set.hpp"

#include <algorithm>

#include <frys/sched/fork_join.hpp>

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
  if (size() < worth_forking) return index_.top_k(query, out.size(), out).value_or(0);
  // Each part of the rows has its own nearest; the nearest of all are among them.
  std::vector<frys::neighbour> found(out.size() * ((index_.size() + worth_forking / 4 - 1) / (worth_forking / 4)));
  std::vector<std::size_t> counts(found.size() / out.size());
  frys::parallel_for(std::size_t{0}, counts.size(), 1, [&](std::size_t part) {
    const std::span<frys::neighbour> mine = std::span(found).subspan(part * out.size(), out.size());
    const std::size_t row = part * (worth_forking / 4);
    counts[part] = index_.top_k_of(query, out.size(), mine, row, row + worth_forking / 4).value_or(0);
  });
  std::size_t all = 0;
  for (std::size_t part = 0; part < counts.size(); ++part)
    for (std::size_t i = 0; i < counts[part]; ++i) found[all++] = found[part * out.size() + i];
  const std::size_t k = (std::min)(out.size(), all);
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(k),
                    found.begin() + static_cast<std::ptrdiff_t>(all),
                    [](const frys::neighbour& a, const frys::neighbour& b) {
                      return a.score != b.score ? a.score > b.score : a.id < b.id;
                    });
  std::copy_n(found.begin(), k, out.begin());
  return k;
}

}  // namespace kernel
