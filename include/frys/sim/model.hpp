// model: a model checker for code that takes its atomics as a policy: see model/check.hpp.
#ifndef FRYS_SIM_MODEL_HPP
#define FRYS_SIM_MODEL_HPP

#include "model/atomics.hpp"
#include "model/check.hpp"
#include "model/linearize.hpp"
#include "model/mutation.hpp"
#include "model/processes.hpp"
#include "model/progress.hpp"
#include "model/report.hpp"
#include "model/stress.hpp"

#endif  // FRYS_SIM_MODEL_HPP
