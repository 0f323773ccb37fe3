#!/usr/bin/env python3
"""Twins: each tests/compile_fail/<block>_<rule>.cpp builds as it is, fails with -DWRONG, and says the sentence of its first line.

  // expect: frys::parker: unknown policy
  #include <frys/core/parker.hpp>
  #ifdef WRONG
  frys::parker<int> p;
  #else
  frys::parker<> p;
  #endif

`expect: a || b` where each compiler has its own words. Options: names (parts of file names) choose some; --verbose prints what the compilers said. Reports, without failing, where the
first error and what belongs to it is longer than 15 lines.
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
MOST_LINES = 15
BATCH = 24  # wrong forms in one translation unit


def compilers():
    out = {}
    for c in (os.environ.get("CXX"), "g++", "clang++-16", "clang++"):
        if c and shutil.which(c):
            text = subprocess.run([c, "--version"], capture_output=True, text=True).stdout
            kind = "clang" if "clang" in text else "gcc"
            m = re.search(r"version (\d+)", text) if kind == "clang" else re.search(r"\) (\d+)", text)
            if kind == "gcc" or int(m.group(1)) >= 16:  # older ones have no coroutines with this library
                out.setdefault(kind, c)
    return list(out.values())


def compile_one(cxx, path, *flags):
    r = subprocess.run([cxx, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wno-unused", "-I", str(TOP / "include"), *flags, str(path)],
                       capture_output=True, text=True, cwd=TOP, env={**os.environ, "LC_ALL": "C"})
    return r.returncode, r.stderr


def precompiled(cxx, paths, scratch):
    """Flags that read what the twins include from one precompiled header; none where the compiler makes none."""
    lines = sorted({l for p in paths for l in p.read_text().splitlines() if re.match(r"#include <(frys/(?!with/)[\w/]+\.hpp|[a-z_]+)>", l)
                    and "uring" not in l})
    header = scratch / f"{cxx}.hpp"
    header.write_text("\n".join(lines) + "\n")
    clang = "clang" in cxx
    out = scratch / (f"{cxx}.pch" if clang else f"{cxx}.hpp.gch")
    r = subprocess.run([cxx, "-std=c++20", "-Wall", "-Wextra", "-Wno-unused", "-I", str(TOP / "include"), "-x", "c++-header", str(header), "-o", str(out)],
                       capture_output=True, text=True, cwd=TOP)
    if r.returncode:
        return []
    return ["-include-pch", str(out)] if clang else ["-include", str(header)]


def errors_of(text):
    """Blocks of output, one per error: the lines from one `error:` to the next, with the notes above left out."""
    blocks = []
    for line in text.splitlines():
        if re.search(r"\berror: ", line):
            blocks.append([line])
        elif blocks:
            blocks[-1].append(line)
    return blocks


def sentence_in(expect, text):
    flat = lambda s: re.sub(r"\s+", " ", s.replace('" "', "").replace('\\"', '"'))
    return any(flat(e) in flat(line) for e in expect.split(" || ") for line in text.splitlines() if "error: " in line)


def verdict(expect, right, wrong):
    """What is wrong with a twin, from (exit code, output) of both builds."""
    if right[0]:
        return "does not build without -DWRONG:\n" + "\n".join(right[1].splitlines()[:12])
    if not wrong[0]:
        return "builds with -DWRONG, and must not"
    if not sentence_in(expect, wrong[1]):
        said = [l for l in wrong[1].splitlines() if "error: " in l]
        return f"fails without its sentence.\n    expected: {expect}\n    said:     " + "\n              ".join(said[:4])
    return None


def plain(text):
    """A twin that sets no stage before its includes may share a translation unit with others."""
    return "#define" not in text and not re.search(r"^// flags: ", text, re.M)


def right_forms(cxx, paths, shared, scratch):
    """The twins among `paths` whose right form builds, seen in one translation unit; none where that one does not build."""
    together = [p for p in paths if plain(p.read_text())]
    unit = scratch / f"{cxx}_right.cpp"
    with unit.open("w") as out:
        out.writelines(sorted({l + "\n" for p in together for l in p.read_text().splitlines() if l.startswith("#include")}))
        for number, p in enumerate(together):
            body = "\n".join("" if l.startswith("#include") else l for l in p.read_text().splitlines())
            out.write(f'namespace twin_{number} {{\n#line 1 "{p}"\n{body}\n}}\n')
    return set(together) if together and compile_one(cxx, unit, *shared)[0] == 0 else set()


def wrong_forms(job):
    """What the compiler says of each wrong form among `paths`, all of them in one translation unit: {path: output}, with only those
    errors whose block names the twin's own lines. A twin that is not in it (another one has already made the compiler say the same,
    or nothing was said) has to be built alone."""
    cxx, paths, shared, scratch, number = job
    unit = scratch / f"{cxx}_wrong_{number}.cpp"
    with unit.open("w") as out:
        out.write("#define WRONG 1\n")
        out.writelines(sorted({l + "\n" for p in paths for l in p.read_text().splitlines() if l.startswith("#include")}))
        for i, p in enumerate(paths):
            body = "\n".join("" if l.startswith("#include") else l for l in p.read_text().splitlines())
            out.write(f'namespace twin_{i} {{\n#line 1 "{p}"\n{body}\n}}\n')
    limit = ["-ferror-limit=0"] if "clang" in cxx else []
    text = compile_one(cxx, unit, *shared, *limit)[1]
    said = {}
    # gcc prints the way to an error above its line ("required from here"), clang below it ("requested here").
    before, blocks = [], []
    for line in text.splitlines():
        if re.search(r"\berror: ", line):
            blocks.append(before + [line])
            before = []
        elif "clang" not in cxx and re.search(r"In (instantiation|substitution|member|function|static|constructor|lambda)|required (from|by)|At global scope|In file included", line):
            before.append(line)
        elif blocks:
            blocks[-1].append(line)
    for p in paths:
        own = [b for b in blocks if any(f"{p}:" in l for l in b)]
        if own:
            said[p] = "\n".join(l for b in own for l in b)
    return cxx, said


def check(job):
    cxx, path, shared, builds, together = job
    first = path.read_text().split("\n", 1)[0]
    m = re.fullmatch(r"// expect: (\S.*)", first)
    if not m:
        return path, cxx, "the first line must be `// expect: <the sentence>`", 0, ""
    text = path.read_text()
    flags = [f for g in re.findall(r"^// flags: (.*)$", text, re.M) for f in g.split()]
    if plain(text):
        flags = shared
    if path in together and sentence_in(m.group(1), together[path]):
        wrong = 1, together[path]
    else:
        wrong = compile_one(cxx, path, "-DWRONG", *flags)
    why = verdict(m.group(1), (0, "") if builds else compile_one(cxx, path, *flags), wrong)
    blocks = errors_of(wrong[1])
    return path, cxx, why, len(blocks[0]) if blocks else 0, wrong[1]


def main():
    # The driver itself: each way of being wrong is seen.
    said = (1, 'x.cpp:1:1: error: static assertion failed: frys::x: unknown policy; it takes a\n  1 | x\n')
    assert verdict("frys::x: unknown policy", (0, ""), said) is None
    assert "must not" in verdict("frys::x", (0, ""), (0, ""))
    assert "does not build" in verdict("frys::x", (1, "error: y"), said)
    assert "without its sentence" in verdict("frys::x: unfit", (0, ""), said)
    assert "without its sentence" in verdict("unknown policy", (0, ""), (1, "x.cpp: error: other\nnote: unknown policy"))

    names = [a for a in sys.argv[1:] if not a.startswith("-")]
    cases = [p for p in sorted(HERE.glob("*.cpp")) if not names or any(n in p.name for n in names)]
    found = compilers()
    scratch = pathlib.Path(tempfile.mkdtemp())
    shared = {c: precompiled(c, cases, scratch) for c in found} if len(cases) > 8 else {c: [] for c in found}
    failures = long_ones = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        built = dict(zip(found, pool.map(lambda c: right_forms(c, cases, shared[c], scratch), found)))
        batches = [p for p in cases if plain(p.read_text())] if len(cases) > 8 else []
        together = {c: {} for c in found}
        for c, said in pool.map(wrong_forms, [(c, batches[i:i + BATCH], shared[c], scratch, i) for i in range(0, len(batches), BATCH) for c in found]):
            together[c].update(said)
        jobs = [(c, p, shared[c], p in built[c], together[c]) for p in cases for c in found]
        for path, cxx, why, lines, text in pool.map(check, jobs):
            if why:
                failures += 1
                print(f"FAILED: {path.name} with {cxx}: {why}")
            elif lines > MOST_LINES:
                long_ones += 1
                print(f"note: {path.name} with {cxx}: the first error takes {lines} lines")
            if "--verbose" in sys.argv:
                print(f"---- {path.name} with {cxx}\n{text}")
    shutil.rmtree(scratch)
    print(f"compile_fail: {len(cases)} twins x {len(found)} compilers, {sum(map(len, built.values()))} right and {sum(map(len, together.values()))} wrong forms seen together, {long_ones} long messages, {failures} failures")
    return 1 if failures or not cases or not found else 0


if __name__ == "__main__":
    sys.exit(main())
