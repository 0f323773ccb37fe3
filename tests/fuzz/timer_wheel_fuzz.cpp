// Any history of adding, cancelling and advancing: the wheel fires what a sorted map does, in its order and at its
// tick, and next_deadline is never late. The first byte chooses the tick.
#include <frys/sched/timer_wheel.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <vector>

namespace {

constexpr std::size_t timers = 32;

void require(bool fact) {
  if (!fact) std::abort();
}

struct probe : frys::timer {
  std::vector<int>* log = nullptr;
  int id = 0;
};

template <std::size_t Slots>
void run(const std::uint8_t* data, std::size_t size, std::int64_t tick) {
  std::vector<int> log;
  log.reserve(timers);
  std::vector<probe> all(timers);
  frys::timer_wheel<frys::policy::capacity<Slots>> wheel(frys::nanoseconds{0}, frys::nanoseconds{tick});
  using map = std::multimap<std::int64_t, int>;
  map model;
  std::vector<map::iterator> where(timers, model.end());
  for (std::size_t i = 0; i < timers; ++i) {
    all[i].log = &log;
    all[i].id = static_cast<int>(i);
    all[i].fire = [](frys::timer& t) noexcept {
      auto& p = static_cast<probe&>(t);
      p.log->push_back(p.id);
    };
  }
  std::int64_t now = 0;
  for (; size >= 3; data += 3, size -= 3) {
    const std::size_t i = data[0] % timers;
    const std::int64_t distance = static_cast<std::int64_t>(data[1]) << (data[2] % 40);
    if (data[0] < 128) {
      const bool pending = where[i] != model.end();
      require(wheel.cancel(all[i]) == pending);
      if (pending) model.erase(where[i]);
      where[i] = model.end();
      if (data[0] < 96) {
        const std::int64_t at = now + distance;
        where[i] = model.emplace((std::max)((at + tick - 1) / tick, now / tick), all[i].id);
        wheel.add(all[i], frys::nanoseconds{at});
      }
    } else {
      const frys::deadline next = wheel.next_deadline();
      require(model.empty() ? next.is_never() : next.at.count() <= model.begin()->first * tick);
      now = data[0] < 192 && !next.is_never() ? (std::max)(now, next.at.count()) : now + distance;
      log.clear();
      require(wheel.advance(frys::nanoseconds{now}) == log.size());
      for (const int id : log) {
        require(!model.empty() && model.begin()->second == id && model.begin()->first <= now / tick);
        model.erase(model.begin());
        where[static_cast<std::size_t>(id)] = model.end();
      }
      require(model.empty() || model.begin()->first > now / tick);
    }
    require(wheel.size() == model.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 3000) return 0;
  const std::int64_t tick = 1 + std::int64_t{data[0]} * data[0] * data[0];
  run<64>(data + 1, size - 1, tick);
  run<512>(data + 1, size - 1, tick);
  return 0;
}
