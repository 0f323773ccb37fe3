#include "workload.hpp"

#if __has_include(<boost/smart_ptr/intrusive_ptr.hpp>)
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstddef>
#include <new>
#include <span>

namespace {
// A counted head with its bytes behind it, freed in one.
struct block : boost::intrusive_ref_counter<block, boost::thread_safe_counter> {
  static block* make(std::size_t size) { return ::new (::operator new(sizeof(block) + size)) block; }
  static void operator delete(void* p) { ::operator delete(p); }
  alignas(std::max_align_t) std::byte bytes[16];
};
struct piece {
  boost::intrusive_ptr<block> owner;
  std::span<std::byte> bytes;
};
struct with_intrusive_ptr {
  static piece make(std::size_t size) {
    block* const b = block::make(size);
    return {b, {b->bytes, size}};
  }
  static piece slice(const piece& p, std::size_t offset, std::size_t size) {
    return {p.owner, p.bytes.subspan(offset, size)};
  }
  static std::byte* data(const piece& p) { return p.bytes.data(); }
};
}  // namespace

BENCH_CONTENDER("boost::intrusive_ptr and a span") { return messages(settings, with_intrusive_ptr{}); }
#else
BENCH_MISSING("boost::intrusive_ptr and a span", "libboost-dev")
#endif
