// fault: what an execution can be found guilty of.
#ifndef FRYS_SIM_MODEL_FAULT_HPP
#define FRYS_SIM_MODEL_FAULT_HPP

#include <cstdint>

#include "../../config.hpp"

namespace frys::inline FRYS_ABI::sim::model {

// What an execution can be found guilty of.
enum class fault : std::uint8_t {
  none,
  requirement,     // model::require was false
  assertion,       // an FRYS_ASSERT failed (where FRYS_HARDENED is 1)
  race,            // two accesses to plain data, one a write, neither before the other
  use_after_free,  // an object was used after its end, or ended while in use
  bad_free,        // freed twice, or never allocated
  leak,
  deadlock,      // nobody can go on
  lost_wake_up,  // a thread sleeps although the word it sleeps on has changed
  no_end,        // the execution took more than the allowed steps
  no_progress,   // threads wait for one that was stopped; or a thread needs more steps than allowed
  misuse,        // the test asks for something the model does not do
};

constexpr const char* name_of(fault f) noexcept {
  switch (f) {
    case fault::none:
      return "none";
    case fault::requirement:
      return "requirement";
    case fault::assertion:
      return "assertion";
    case fault::race:
      return "race";
    case fault::use_after_free:
      return "use after free";
    case fault::bad_free:
      return "bad free";
    case fault::leak:
      return "leak";
    case fault::deadlock:
      return "deadlock";
    case fault::lost_wake_up:
      return "lost wake-up";
    case fault::no_end:
      return "no end";
    case fault::no_progress:
      return "no progress";
    case fault::misuse:
      return "misuse";
  }
  return "?";
}

}  // namespace frys::inline FRYS_ABI::sim::model

#endif  // FRYS_SIM_MODEL_FAULT_HPP
