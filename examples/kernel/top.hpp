// top: `frys-kernel top`: a line a second about a kernel that runs, from its INFO.
#ifndef FRYS_KERNEL_TOP_HPP
#define FRYS_KERNEL_TOP_HPP

#include "options.hpp"

namespace kernel {

// The process's exit code.
int watch_kernel(const watch& what);

}  // namespace kernel

#endif  // FRYS_KERNEL_TOP_HPP
