#include <frys/core/concepts.hpp>
#include <frys/core/intrusive_list.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

// Models written against the concepts alone: the smallest that a user could write.
namespace {

struct inline_executor {
  frys::intrusive_queue<frys::work> queue;
  void post(frys::work& w) noexcept { queue.push(w); }
};

struct dice {
  std::uint64_t operator()() { return 4; }
};

struct calloc_pages {
  static frys::result<frys::byte_span> allocate(std::size_t size) {
    void* p = std::calloc(1, size);
    if (p == nullptr) return frys::error{frys::errc::out_of_memory, frys::domain::user, "calloc refused"};
    return frys::byte_span(static_cast<std::byte*>(p), size);
  }
  static void release(frys::byte_span memory) noexcept { std::free(memory.data()); }
};

// Files in a map, complete at once.
struct map_files {
  struct file {
    std::string* content = nullptr;
    file() = default;
    explicit file(std::string* c) : content(c) {}
    file(file&& o) noexcept : content(std::exchange(o.content, nullptr)) {}
    file& operator=(file&& o) noexcept { return content = std::exchange(o.content, nullptr), *this; }
  };
  using buffer = std::vector<std::byte>;
  std::map<std::string, std::string, std::less<>> all;

  frys::result<file> open(std::string_view path, frys::open_mode mode) {
    const bool exists = all.count(path) == 1;
    if (!exists && (mode == frys::open_mode::read || mode == frys::open_mode::read_write))
      return frys::error{frys::errc::not_found, frys::domain::user, "no such file"};
    if (exists && mode == frys::open_mode::create_new)
      return frys::error{frys::errc::already_exists, frys::domain::user, "the file is there"};
    return file(&all[std::string(path)]);
  }
  frys::result<void> remove(std::string_view path) { return all.erase(std::string(path)), frys::result<void>(); }
  frys::result<void> rename(std::string_view a, std::string_view b) {
    all[std::string(b)] = all[std::string(a)];
    return remove(a);
  }
  frys::result<void> make_directory(std::string_view) { return {}; }
  frys::result<void> sync_directory(std::string_view) { return {}; }
  frys::result<void> list(std::string_view, void (*name)(void*, std::string_view), void* context) {
    for (auto& [path, content] : all) name(context, path);
    return {};
  }
  frys::result<std::uint64_t> size(file& f) { return std::uint64_t{f.content->size()}; }
  frys::result<void> truncate(file& f, std::uint64_t n) {
    return f.content->resize(static_cast<std::size_t>(n)), frys::result<void>();
  }
  frys::ready<frys::result<std::size_t>> write(file& f, buffer data, std::uint64_t at) {
    const auto from = static_cast<std::size_t>(at);
    if (f.content->size() < from + data.size()) f.content->resize(from + data.size());
    f.content->replace(from, data.size(), frys::as_text(data));
    return frys::result<std::size_t>(data.size());
  }
  frys::ready<frys::result<buffer>> read(file& f, buffer into, std::uint64_t at) {
    const std::string part =
        f.content->substr((std::min)(static_cast<std::size_t>(at), f.content->size()), into.size());
    const auto bytes = frys::as_bytes(part);
    return frys::result<buffer>(std::in_place, bytes.begin(), bytes.end());
  }
  frys::ready<frys::result<void>> sync(file&) { return frys::result<void>(); }
};

}  // namespace

TEST_CASE("concepts: small models of a user's own satisfy them, other things do not") {
  static_assert(frys::executor<inline_executor>);
  static_assert(frys::random_source<dice>);
  static_assert(frys::page_source<calloc_pages>);
  static_assert(frys::file_system<map_files>);
  static_assert(!frys::executor<dice>);
  static_assert(!frys::random_source<inline_executor>);
  static_assert(!frys::page_source<map_files>);
  static_assert(!frys::file_system<calloc_pages>);
  static_assert(!frys::reactor<inline_executor>);
}

TEST_CASE("concepts: a model is used through the concept's operations alone") {
  map_files fs;
  CHECK(fs.open("a", frys::open_mode::read).error() == frys::errc::not_found);
  auto f = fs.open("a", frys::open_mode::create_new);
  REQUIRE(f);
  CHECK(fs.open("a", frys::open_mode::create_new).error() == frys::errc::already_exists);
  CHECK(*fs.write(*f, map_files::buffer(3, std::byte{'x'}), 2).await_resume() == 3);
  CHECK(*fs.size(*f) == 5);
  CHECK(fs.read(*f, map_files::buffer(10), 4).await_resume()->size() == 1);
  CHECK(fs.read(*f, map_files::buffer(10), 5).await_resume()->empty());

  auto pages = calloc_pages::allocate(4096);
  REQUIRE(pages);
  CHECK(pages->size() == 4096);
  calloc_pages::release(*pages);
}
