// frys' handles as the workload wants them.
#pragma once
#include "workload.hpp"

template <class Q>
struct frys_queue {
  Q q;
  struct end {
    typename Q::handle_type h;
    bool push(std::uint64_t v) { return static_cast<bool>(h.try_push(v)); }
    bool pop(std::uint64_t& v) {
      const auto got = h.try_pop();
      if (!got) return false;
      v = *got;
      return true;
    }
  };
  end handle() { return {q.handle()}; }
};
