// How does my whole program allocate from a frys heap, and how does a part of it get a heap of its own?
//
// The first include replaces operator new for the program. The threads of a mailbox then allocate here and free there,
// which is what a heap's caches are for. At the end a heap as an object: its memory goes with it, all at once.
#include <frys/memory/heap.hpp>
#include <frys/memory/replace_new.hpp>

#include <atomic>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <thread>

namespace {

// [region program]
// Nothing in here knows the heap: operator new is the process heap's.
std::size_t words(std::atomic<std::string*>& mailbox, int count) {
  std::thread writer([&] {
    for (int i = 0; i < count; ++i) {
      std::string* none = nullptr;
      auto letter = std::make_unique<std::string>(40, static_cast<char>('a' + i % 26));  // allocated on this thread
      while (!mailbox.compare_exchange_weak(none, letter.get(), std::memory_order_release)) {
        none = nullptr;
        std::this_thread::yield();
      }
      (void)letter.release();
    }
  });
  std::map<std::string, int> seen;
  for (int i = 0; i < count;) {
    const std::unique_ptr<std::string> letter(mailbox.exchange(nullptr, std::memory_order_acquire));  // freed on that
    if (letter == nullptr) {
      std::this_thread::yield();
      continue;
    }
    ++seen[*letter];
    ++i;
  }
  writer.join();
  return seen.size();
}
// [endregion program]

// [region own]
// A heap for one part of the program, with a limit: a cache for each thread that joins.
using part_heap = frys::heap<frys::policy::limit<64 << 20>>;

std::size_t fill(part_heap& heap) {
  auto joined = heap.join();
  if (!joined) return 0;
  part_heap::cache& memory = *joined;
  std::size_t blocks = 0;
  for (;;) {
    auto block = memory.allocate(100'000);
    if (!block) {
      std::printf("refused after %zu blocks: %s\n", blocks, block.error().message);
      return blocks;  // what was allocated stays until the heap ends
    }
    ++blocks;
  }
}
// [endregion own]

}  // namespace

int main() {
  std::atomic<std::string*> mailbox{nullptr};
  const std::size_t different = words(mailbox, 20'000);
  const frys::heap_stats after = frys::process_heap::stats();
  std::printf("%zu different words; the heap holds %zu KiB for %zu threads that came\n", different,
              after.reserved >> 10, after.caches);
#if !FRYS_ASAN && !FRYS_TSAN  // the sanitizers' own allocators stay
  if (after.reserved == 0 || after.caches < 2) return 1;
#endif
  part_heap heap;
  const std::size_t blocks = fill(heap);
  return different == 26 && blocks > 500 ? 0 : 1;
}
