// Which words are used most like this one? Exact nearest neighbours of 10,000 real word vectors, in memory.
//
// usage: 02_search [data file]   (default: examples/data/glove-100d-10k.bin)
#include <frys/search/flat_index.hpp>
#include <frys/simd/target.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

// The words; word i has the id i in the index.
std::vector<std::string> words;

// Reads the format of the word2vec tools: "words dimension\n", then "word <floats>\n" for each.
template <class Index>
frys::result<void> load(const char* path, Index& index) {
  const frys::error unreadable{frys::errc::corrupt, frys::domain::user, "the data file is missing or damaged", 0};
  std::FILE* file = std::fopen(path, "rb");
  if (file == nullptr) return unreadable;
  std::size_t count = 0, dimension = 0;
  frys::result<void> done;
  if (std::fscanf(file, "%zu %zu", &count, &dimension) != 2 || dimension != index.dimension()) done = unreadable;
  std::vector<float> vector(index.dimension());
  char word[64];
  for (std::size_t i = 0; done && i < count; ++i) {
    if (std::fscanf(file, "%63s", word) != 1 || std::fgetc(file) != ' ' ||
        std::fread(vector.data(), sizeof(float), vector.size(), file) != vector.size()) {
      done = unreadable;
      break;
    }
    words.emplace_back(word);
    done = index.add(i, vector);
  }
  std::fclose(file);
  return done;
}

}  // namespace

int main(int argc, char** argv) {
  // [region search]
  frys::flat_index<frys::metrics::cosine> index(100);
  if (!index.reserve(10'000)) return EXIT_FAILURE;
  if (const auto loaded = load(argc > 1 ? argv[1] : "examples/data/glove-100d-10k.bin", index); !loaded) {
    std::fprintf(stderr, "02_search: %s\n", loaded.error().message);
    return EXIT_FAILURE;
  }
  for (const std::string_view wanted : {"king", "coffee", "database"}) {
    std::uint64_t id = 0;
    while (id < words.size() && words[id] != wanted) ++id;
    if (id == words.size()) continue;
    std::array<frys::neighbour, 6> nearest;  // the word itself, and five more
    const auto found = index.top_k(index.vector(id), nearest.size(), nearest);
    if (!found) return EXIT_FAILURE;
    std::printf("%s:", words[id].c_str());
    for (std::size_t i = 1; i < *found; ++i)
      std::printf("  %s %.2f", words[nearest[i].id].c_str(), static_cast<double>(nearest[i].score));
    std::printf("\n");
  }
  // [endregion search]
  const std::string_view target = frys::simd::target();
  std::printf("%zu vectors, %zu KiB, on %.*s\n", index.size(), index.bytes() / 1024, static_cast<int>(target.size()),
              target.data());
}
