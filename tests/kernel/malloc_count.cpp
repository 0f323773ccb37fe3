// Linked into frys-kernel-counted: counts what the program asks of malloc and its kin, for check_malloc.py.
//
// FRYS_MALLOC_COUNT=FILE maps that file and counts into it; whoever reads it sees the numbers of this moment.
// With FRYS_MALLOC_SITES=1 each call's stack is counted too, which is slow: only to find who asks.
// The program's own definitions take the place of the C library's, for all of its libraries too; no lock is taken and
// nothing is allocated here.
#include <execinfo.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
extern const char __executable_start;
}

namespace {

enum kind : unsigned { k_malloc, k_calloc, k_realloc, k_aligned, k_free, kinds };
constexpr unsigned depth = 12, most_sites = 2048;

struct site {
  std::atomic<std::uint64_t> hash;  // 0: free
  std::atomic<std::uint64_t> count;
  std::uint64_t frames[depth];
};
// What the file holds; check_malloc.py reads it by these places.
struct counters {
  std::atomic<std::uint64_t> calls[kinds];
  std::uint64_t program_start;  // so that addresses can be told from where the program was loaded
  std::uint64_t unused[2];
  site sites[most_sites];
};
static_assert(sizeof(std::atomic<std::uint64_t>) == 8);

counters* to = nullptr;
bool with_sites = false;
thread_local bool within = false;

void note_site() noexcept {
  if (within) return;
  within = true;
  void* frames[depth + 2] = {};
  const int n = ::backtrace(frames, depth + 2);
  std::uint64_t hash = 1469598103934665603u;
  for (int i = 2; i < n; ++i) hash = (hash ^ reinterpret_cast<std::uint64_t>(frames[i])) * 1099511628211u;
  hash |= 1;
  for (unsigned at = static_cast<unsigned>(hash >> 20) % most_sites, tries = 0; tries < most_sites; ++tries) {
    site& s = to->sites[(at + tries) % most_sites];
    std::uint64_t there = 0;
    if (s.hash.compare_exchange_strong(there, hash))
      for (int i = 2; i < n; ++i) s.frames[i - 2] = reinterpret_cast<std::uint64_t>(frames[i]);
    else if (there != hash)
      continue;
    s.count.fetch_add(1);
    break;
  }
  within = false;
}

void note(kind k) noexcept {
  if (to == nullptr) return;
  to->calls[k].fetch_add(1, std::memory_order_relaxed);  // relaxed: a count
  if (with_sites && k != k_free) note_site();
}

struct start {
  start() noexcept {
    const char* path = ::getenv("FRYS_MALLOC_COUNT");
    if (path == nullptr) return;
    const int file = ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0 || ::ftruncate(file, sizeof(counters)) != 0) return;
    void* memory = ::mmap(nullptr, sizeof(counters), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ::close(file);
    if (memory == MAP_FAILED) return;
    void* first[2];
    (void)::backtrace(first, 2);  // what it loads, it loads now
    with_sites = ::getenv("FRYS_MALLOC_SITES") != nullptr;
    to = static_cast<counters*>(memory);
    to->program_start = reinterpret_cast<std::uint64_t>(&__executable_start);
  }
} const started;

}  // namespace

extern "C" {

void* malloc(std::size_t size) {
  note(k_malloc);
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  note(k_calloc);
  return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) {
  note(k_realloc);
  return __libc_realloc(memory, size);
}
void* memalign(std::size_t alignment, std::size_t size) {
  note(k_aligned);
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }
int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  void* memory = memalign(alignment, size);
  if (memory == nullptr) return ENOMEM;
  *out = memory;
  return 0;
}
void free(void* memory) {
  note(k_free);
  __libc_free(memory);
}

}  // extern "C"
