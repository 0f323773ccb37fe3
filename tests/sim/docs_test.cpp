// What docs/sim.md shows.
#include <doctest/doctest.h>

#include <frys/core/concepts.hpp>
#include <frys/sim/disk.hpp>

#include <cstdint>
#include <string_view>

namespace {

// [region save]
// Replaces a file's content: after any crash it is the old one or the new one.
template <frys::file_system Files>
frys::result<void> save(Files& files, std::string_view text) {
  auto file = files.open("settings.new", frys::open_mode::create);
  if (!file) return file.error();
  if (auto cut = files.truncate(*file, 0); !cut) return cut;
  auto bytes = frys::buffer::copy_of(frys::as_bytes(text));
  if (!bytes) return bytes.error();
  if (auto written = files.write(*file, *std::move(bytes), 0).await_resume(); !written) return written.error();
  if (auto synced = files.sync(*file).await_resume(); !synced) return synced;  // leave it out, and the test fails
  if (auto renamed = files.rename("settings.new", "settings"); !renamed) return renamed;
  return files.sync_directory(".");
}
// [endregion save]

}  // namespace

// [region every_crash]
TEST_CASE("settings: old or new after power loss at any operation, and new once save has said so") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    bool saved = false;
    for (std::uint64_t n = 0; !saved; ++n) {
      frys::sim::disk disk;
      REQUIRE(save(disk, "old settings"));
      disk.crash_after(n);
      saved = save(disk, "new settings, which are longer").has_value();
      disk.restart(seed);
      const auto bytes = disk.contents("settings");
      const std::string_view now = frys::as_text(bytes);
      INFO("seed ", seed, ", crash after operation ", n);
      CHECK((now == "new settings, which are longer" || (!saved && now == "old settings")));
    }
  }
}
// [endregion every_crash]
