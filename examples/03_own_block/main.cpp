// How does a block of my own take policies the way the blocks of frys do?
//
// A token bucket limits a rate. Its clock is a slot of frys; who is told about refusals is a slot of its own, which a
// world can fill like any other. So the same text runs in production and in a test whose time moves by hand.
#include <frys/core/clock.hpp>
#include <frys/policy.hpp>
#include <frys/sim/clock.hpp>

#include <concepts>
#include <cstdint>
#include <cstdio>

// [region slot]
namespace shop {

// A slot of our own: a key, a policy that carries it, and what a model of the slot must offer.
struct audit_key {};
template <class A>
struct audit {
  using key = audit_key;
  using type = A;
};
template <class A>
concept audit_model = requires(std::uint64_t n) {
  A::refused(n);
};

struct no_audit {
  static void refused(std::uint64_t) noexcept {}
};

}  // namespace shop

// A world fills it by a member type `audit`, as it fills the clock by `clock`.
template <class W>
requires requires { typename W::audit; }
struct frys::policy::offer<shop::audit_key, W> {
  using type = shop::audit<typename W::audit>;
};
// [endregion slot]

// [region block]
namespace shop {

template <class... Policies>
class token_bucket {
  using accepted = frys::policy::keys<frys::policy::clock_key, frys::policy::capacity_key, audit_key>;
  static_assert(
      accepted::template known<Policies...>,
      "shop::token_bucket: unknown policy; it takes policy::clock, policy::capacity, shop::audit and policy::world");
  static_assert(accepted::template unique<Policies...>, "shop::token_bucket: a policy is given twice; name each once");

 public:
  static constexpr std::uint64_t capacity = frys::policy::pick<frys::policy::capacity<10>, Policies...>::value;
  using clock = typename frys::policy::pick<frys::policy::clock<frys::clocks::steady>, Policies...>::type;
  using auditor = typename frys::policy::pick<audit<no_audit>, Policies...>::type;
  static_assert(frys::clock_model<clock>, "shop::token_bucket: policy::clock wants a static now() in nanoseconds");
  static_assert(audit_model<auditor>, "shop::token_bucket: shop::audit wants a static refused(std::uint64_t)");

  explicit token_bucket(frys::nanoseconds per_token) : per_token_(per_token), filled_at_(clock::now()) {}

  bool take() {
    const auto fresh = static_cast<std::uint64_t>((clock::now() - filled_at_) / per_token_);
    if (fresh > 0) {
      tokens_ = fresh > capacity - tokens_ ? capacity : tokens_ + fresh;
      filled_at_ += per_token_ * static_cast<std::int64_t>(fresh);
    }
    if (tokens_ == 0) return auditor::refused(++refusals_), false;
    return --tokens_, true;
  }

 private:
  frys::nanoseconds per_token_, filled_at_;
  std::uint64_t tokens_ = capacity, refusals_ = 0;
};

}  // namespace shop
// [endregion block]

// [region use]
struct printing_audit {
  static void refused(std::uint64_t n) { std::printf("refused, %llu so far\n", static_cast<unsigned long long>(n)); }
};
struct test_world {
  using clock = frys::sim::clock;
  using audit = printing_audit;
};

int main() {
  shop::token_bucket<> real(frys::nanoseconds(1'000'000));  // the defaults: real time, nobody is told
  shop::token_bucket<frys::policy::capacity<2>, frys::policy::world<test_world>> bucket(frys::nanoseconds(100));
  bool ok = real.take() && bucket.take() && bucket.take() && !bucket.take();
  frys::sim::clock::advance(frys::nanoseconds(100));
  ok = ok && bucket.take() && !bucket.take();
  std::printf("%s\n", ok ? "two tokens at once, then one per 100 ns of simulated time" : "the bucket is wrong");
  return ok ? 0 : 1;
}
// [endregion use]
