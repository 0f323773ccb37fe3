#!/usr/bin/env python3
"""The size budget, in preprocessed lines, which are the same on every run. Compile time is printed with --time and gates nothing.

  check_size.py             the single header: always-in part and each gate, against their budgets
  check_size.py --headers   and a table of every public header
  check_size.py --time      and the user time of compiling, as a ratio to the standard headers alone
"""
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "single_include"))
import amalgamate  # noqa: E402

CXX = "g++"  # the budget is counted with one compiler's library
SINGLE = '#include "frys/frys.hpp"\n'
ALWAYS = 75000
# What a gate may add to the always-in part.
GATES = {"SCHED": 14000, "SIMD": 8000, "STORAGE": 12000, "SEARCH": 12000, "NET": 8000, "SIM": 17000, "PMR": 6000, "DIAGNOSTICS": 4000, "CALENDAR": 4000, "SENDERS": 4000, "HIGHWAY": 85000, "URING": 12000, "BOOST_LOCKFREE": 35000, "ASIO": 60000, "JEMALLOC": 1000, "MIMALLOC": 1000,
         "ALL": 45000}
TIME_RATIO = 2.5


def preprocess(source, include):
    r = subprocess.run([CXX, "-std=c++20", "-E", "-P", "-I", str(include), "-x", "c++", "-"], input=source, capture_output=True, text=True)
    return sum(1 for l in r.stdout.splitlines() if l.strip()) if r.returncode == 0 else None


def cpu(source, include):
    """User seconds of compiling `source` to an object, the best of five."""
    best = None
    with tempfile.TemporaryDirectory() as t:
        path = pathlib.Path(t) / "a.cpp"
        path.write_text(source)
        for _ in range(5):
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
            subprocess.run([CXX, "-std=c++20", "-O0", "-I", str(include), "-c", str(path), "-o", f"{t}/a.o"], check=True)
            used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
            best = used if best is None else min(best, used)
    return best


def std_of(tree, roots):
    """What the always-in part includes from outside frys: the standard headers and the system's."""
    out = []
    for name, condition in tree.conditions(roots).items():
        if condition == amalgamate.ALWAYS:
            for line in tree.headers[name].lines:
                m = amalgamate.INCLUDE.match(line)
                if m and m.group(1) == "<":
                    out.append(m.group(2))
    return "".join(f"#if __has_include(<{s}>)\n#include <{s}>\n#endif\n" for s in sorted(set(out)))


def std_alone(tree, name):
    return "".join(f"#include <{s}>\n" for s in sorted({s for n, c in tree.conditions([name]).items()
                                                        for s in tree.graph()[n]["std"]}))


def main():
    if subprocess.run([CXX, "--version"], capture_output=True).returncode:
        print("skipped: no g++")
        return 77
    tree, single, errors = amalgamate.Tree(TOP), TOP / "single_include", []
    always = preprocess(SINGLE, single)
    if always is None:
        print("the single header does not preprocess")
        return 1
    std = std_of(tree, [amalgamate.UMBRELLA])
    print(f"{'part':28}{'lines':>9}{'budget':>9}")
    print(f"{'always in':28}{always:9}{ALWAYS:9}   of which standard and system headers {preprocess(std, single)}")
    if always > ALWAYS:
        errors.append(f"the always-in part has {always} preprocessed lines, {ALWAYS} are allowed; see --headers for who brings what")
    for gate, budget in GATES.items():
        if gate != "ALL" and not re.search(rf"defined\(FRYS_WITH_{gate}\)", (single / "frys/frys.hpp").read_text()):
            continue
        lines = preprocess(f"#define FRYS_WITH_{gate} 1\n" + SINGLE, single)
        if lines is None:
            print(f"{'FRYS_WITH_' + gate:28}        - {budget:8}   skipped: its library is not installed")
            continue
        print(f"{'FRYS_WITH_' + gate:28}{lines - always:+9}{budget:9}")
        if lines - always > budget:
            errors.append(f"FRYS_WITH_{gate} adds {lines - always} preprocessed lines, {budget} are allowed")
    if "--headers" in sys.argv:
        for name in sorted(h.name for h in tree.headers.values() if h.public and h.name != amalgamate.UMBRELLA):
            lines = preprocess(f'#include "frys/{name}"\n', TOP / "include")
            own = preprocess(std_alone(tree, name), TOP / "include")
            print(f"{name:28}{lines if lines is not None else -1:9}   {'' if lines is None else f'{lines - own:+6} over its standard headers'}")
    if "--time" in sys.argv:
        bare, with_frys = cpu(std, single), cpu(SINGLE, single)
        print(f"compile time, user: {with_frys:.2f} s; the standard headers it needs alone: {bare:.2f} s; "
              f"ratio {with_frys / bare:.2f} (goal: at most {TIME_RATIO})")
    for e in errors:
        print(e)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
