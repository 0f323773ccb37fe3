// Any bytes as what a hostile process has left in a region: opening it and every operation answer an error, or memory
// inside it. The first eight bytes are the seed of the operations; the rest lies in the region from its beginning on.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "../memory/region_abuse.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t bytes = 16 * 1024;
  if (size < 9 || size > bytes) return 0;
  std::uint64_t seed = 0;
  std::memcpy(&seed, data, 8);
  data += 8;
  size -= 8;
  struct freed {
    void operator()(std::byte* p) const { ::operator delete[](p, std::align_val_t{4096}); }
  };
  const std::unique_ptr<std::byte[], freed> memory(static_cast<std::byte*>(
      ::operator new[](bytes, std::align_val_t{4096})));  // with nothing usable before and behind it
  std::memset(memory.get(), 0, bytes);
  const frys::byte_span all(memory.get(), bytes);
  if (!frys::shared_region<>::create(all)) std::abort();
  // Half of the inputs may break the head as well.
  const std::size_t keep = seed % 2 == 0 ? 24 : 0;
  std::memcpy(memory.get() + keep, data, size < bytes - keep ? size : bytes - keep);
  auto region = frys::shared_region<>::attach(all);
  if (!region) return 0;
  if (!region_abuse::survives(*region, seed, 200)) std::abort();
  return 0;
}
