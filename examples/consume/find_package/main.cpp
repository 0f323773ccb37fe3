// How do I use an installed frys with its optional libraries? A component brings the gate, the headers and the library.
#include <liburing.h>

#include <array>
#include <cstdio>
#include <frys/queue/mpsc_queue.hpp>
#include <frys/simd/distance.hpp>
#include <frys/simd/target.hpp>
#include <frys/with/asio.hpp>
#include <frys/with/boost_lockfree.hpp>
#include <frys/with/jemalloc.hpp>
#include <frys/with/mimalloc.hpp>

static_assert(FRYS_WITH_HIGHWAY == 1 && FRYS_WITH_URING == 1 && FRYS_WITH_BOOST_LOCKFREE == 1 &&
                  FRYS_WITH_JEMALLOC == 1 && FRYS_WITH_MIMALLOC == 1 && FRYS_WITH_ASIO == 1,
              "a component defines its gate");

int main() {
  frys::boost_queue<int> queue;  // or frys::mpsc_queue<int>: the same operations
  if (!queue.try_push(42)) return 1;
  const auto value = queue.try_pop();

  // Each by its own names; a program will want one of them.
  const auto one = frys::jemalloc_allocator::allocate(100, 64);
  const auto other = frys::mimalloc_allocator::allocate(100, 64);
  if (!one || !other) return 1;
  frys::jemalloc_allocator::deallocate(*one, 100, 64);
  frys::mimalloc_allocator::deallocate(*other, 100, 64);

  const std::array<float, 4> a{1, 2, 3, 4};
  const float dot = frys::simd::dot(a, a);

  // A machine may refuse io_uring; that the library is linked is what counts here.
  io_uring ring;
  const bool has_ring = io_uring_queue_init(8, &ring, 0) == 0;
  if (has_ring) io_uring_queue_exit(&ring);

  std::printf("frys %s: %d, dot %.0f by %s, io_uring %s\n", FRYS_VERSION, *value, static_cast<double>(dot),
              std::string(frys::simd::target()).c_str(), has_ring ? "yes" : "refused here");
  return *value == 42 && dot == 30.0F ? 0 : 1;
}
