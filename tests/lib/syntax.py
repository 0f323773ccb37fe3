#!/usr/bin/env python3
"""Reads sources with a compiler that builds no program here: -fsyntax-only, all warnings as errors.

usage: syntax.py SCRATCH 'COMPILER FLAGS...' FILE...

Most of the time goes into reading headers, so several sources are read as one: their includes first, then each of them in
a namespace of its own. Where such a batch does not build, its sources are read one by one, and only what they say counts.
"""
import concurrent.futures
import os
import pathlib
import re
import shlex
import subprocess
import sys

STRICT = ("-std=c++20 -Iinclude -Itests -Iexamples -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow "
          "-Wold-style-cast -Wundef -Werror").split()
# What must stand outside of any namespace, or changes what an include means.
ALONE = re.compile(r"^(?:extern|template <>|namespace frys|namespace sample)|operator new|DOCTEST_CONFIG_IMPLEMENT", re.M)
NAMED = re.compile(r"^namespace [a-z]", re.M)
INCLUDE = re.compile(r"^#\s*include\s+([<\"][^>\"]+[>\"])", re.M)
BATCH = 8


def read(command, path):
    return subprocess.run([*command, "-fsyntax-only", "-x", "c++", str(path)], capture_output=True, text=True)


def whole(path):
    """The includes of a source with the place of the quoted ones spelled out, and the rest; None if it must stay alone."""
    text = path.read_text()
    if ALONE.search(text):
        return None
    includes = []
    for name in INCLUDE.findall(text):
        near = path.parent / name[1:-1]
        includes.append(f'"{near.resolve()}"' if name[0] == '"' and near.is_file() else name)
    return includes, INCLUDE.sub("", text)


def check(job):
    command, number, paths, scratch = job
    parts = [whole(p) for p in paths]
    if len(paths) > 1 and all(parts):
        unit = scratch / f"batch_{number}.cpp"
        with unit.open("w") as out:
            seen = dict.fromkeys(i for includes, _ in parts for i in includes)
            out.writelines(f"#include {i}\n" for i in seen)
            for k, (path, (_, text)) in enumerate(zip(paths, parts)):
                # A source that adds to a namespace of its headers stays where that one is.
                begin, end = ("", "") if NAMED.search(text) else (f"namespace source_{k} {{", "}")
                out.write(f'{begin}\n#line 1 "{path}"\n{text}\n{end}\n')
        # A type of an unnamed namespace in a file that is included is fine here: there is one translation unit.
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
    alone = [f for f in files if whole(f) is None]
    rooms = {}
    for f in files:
        if f not in alone:
            rooms.setdefault(f.parent, []).append(f)
    batches = [[f] for f in alone]
    for room in rooms.values():
        batches += [room[i:i + BATCH] for i in range(0, len(room), BATCH)]
    batches.sort(key=len, reverse=True)
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
