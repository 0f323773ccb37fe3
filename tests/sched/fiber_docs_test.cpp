#include <frys/sched/fiber.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#if FRYS_HAS_CONTEXT && FRYS_HAS_THREAD
namespace {

using namespace std::chrono_literals;

// [region fibers]
// A reader that knows nothing of fibers: it asks for bytes, and whoever it asks may wait.
std::string read_line(const std::function<char()>& next) {
  std::string line;
  for (char c = next(); c != '\n'; c = next()) line += c;
  return line;
}

TEST_CASE("fiber: plain calls that wait") {
  frys::fiber_scheduler<> fibers;
  std::string bytes = "hello\nworld\n";
  std::size_t at = 0;

  // One fiber reads. Where there is no byte it lets the others run.
  auto reader = fibers.spawn([&] {
    const auto next = [&] {
      while (at == bytes.size()) frys::this_fiber::yield();
      return bytes[at++];
    };
    std::string text;
    for (int i = 0; i < 3; ++i) text += read_line(next) + " ";
    return text;
  });
  if (!reader) return;  // no stack: memory, or options.limit_bytes

  // Another one writes, later.
  auto writer = fibers.spawn([&] {
    (void)frys::this_fiber::sleep_for(1ms);
    bytes += "again\n";
  });

  CHECK(reader->join() == "hello world again ");  // outside of fibers, join runs them
}
// [endregion fibers]

// [region event]
TEST_CASE("fiber: waits for a thread") {
  frys::fiber_scheduler<> fibers;
  int answer = 0;
  std::thread worker;
  auto waits = fibers.spawn([&] {
    frys::fiber_event done;
    worker = std::thread([&] {
      answer = 42;
      done.set();  // wakes the fiber, on its own thread
    });
    done.wait();  // meanwhile other fibers run
    return answer;
  });
  if (!waits) return;
  CHECK(waits->join() == 42);
  worker.join();
}
// [endregion event]

}  // namespace
#endif  // FRYS_HAS_CONTEXT && FRYS_HAS_THREAD
