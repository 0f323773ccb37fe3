#!/usr/bin/env python3
"""Reads sources with a compiler that builds no program here: -fsyntax-only, all warnings as errors.

usage: syntax.py SCRATCH 'COMPILER FLAGS...' FILE...

Several are read as one (units.py). Where such a batch does not build, its sources are read one by one, and only what they
say counts.
"""
import concurrent.futures
import os
import pathlib
import shlex
import subprocess
import sys

import units

STRICT = ("-std=c++20 -Iinclude -Itests -Iexamples -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow "
          "-Wold-style-cast -Wundef -Werror").split()
BATCH = 16


def read(command, path):
    return subprocess.run([*command, "-fsyntax-only", "-x", "c++", str(path)], capture_output=True, text=True)


def check(job):
    command, number, paths, scratch = job
    if len(paths) > 1:
        unit = scratch / f"batch_{number}.cpp"
        units.write(unit, units.text_of(paths))
        # Of a file that is included: it may hold functions that nobody calls, and types of an unnamed namespace.
        if read([*command, "-Wno-unused-function", "-Wno-unknown-warning-option", "-Wno-subobject-linkage"], unit).returncode == 0:
            return len(paths), 0, ""
    said, bad = "", 0
    for p in paths:
        r = read(command, p)
        bad += r.returncode != 0
        said += r.stdout + r.stderr
    return 0, bad, said


def main():
    scratch, command, files = pathlib.Path(sys.argv[1]), shlex.split(sys.argv[2]) + STRICT, [pathlib.Path(f) for f in sys.argv[3:]]
    scratch.mkdir(parents=True, exist_ok=True)
    batches = units.batches(files, BATCH)
    together = bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for done in pool.map(check, [(command, n, b, scratch) for n, b in enumerate(batches)]):
            together += done[0]
            bad += done[1]
            if done[2]:
                print(done[2])
            print(f"{together} of {len(files)} together, {bad} bad", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
