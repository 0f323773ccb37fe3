#!/usr/bin/env python3
"""Each header compiles alone and twice, strict and warning-free; all of them together in both orders, after hostile macros,
without exceptions and RTTI, on each compiler there is. Without --full: alone on CXX only. What has not changed since the
last pass is not compiled again. Skips the headers of an outside library that is not installed, and says so."""
import concurrent.futures
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "single_include"))
import amalgamate  # noqa: E402

STRICT = ("-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Wundef -Wnon-virtual-dtor "
          "-Wcast-align -Wunused -Woverloaded-virtual -Werror").split()
# Names that other people's headers define as macros.
HOSTILE = ("min(a,b) max(a,b) CHECK(x) REQUIRE(x) LOG(x) ERROR DEBUG INFO WARNING interface small near far emit signals slots "
           "major(x) minor(x) IN OUT OPTIONAL DELETE Status Bool None Always Success STRICT VOID TRUE FALSE NULL_ OK FULL EMPTY "
           "CLOSED BIG assert(x) foreach forever unix linux").split()
LIBRARIES = {"with/highway.hpp": "hwy/highway.h", "with/uring.hpp": "liburing.h", "with/boost_lockfree.hpp": "boost/lockfree/queue.hpp",
             "with/asio.hpp": "asio/async_result.hpp", "with/jemalloc.hpp": "jemalloc/jemalloc.h", "with/mimalloc.hpp": "mimalloc.h",
             "simd/detail/foreach_highway.hpp": "hwy/highway.h"}


def version(cxx):
    r = subprocess.run([cxx, "--version"], capture_output=True, text=True)
    m = re.search(r"(clang version|\) )\s*(\d+)", r.stdout)
    return ("clang" if "clang" in r.stdout else "gcc", int(m.group(2)) if m else 0, r.stdout.splitlines()[0] if r.stdout else cxx)


def compilers(full):
    wanted = [os.environ.get("CXX") or "g++"] + ["g++", "clang++", "clang++-16", "clang++-14"]
    found = {}
    for c in wanted:
        if shutil.which(c):
            found.setdefault(version(c), c)
    return [(c, v) for v, c in found.items()]


class Job:
    def __init__(self, what, cxx, flags, source, key):
        self.what, self.cmd, self.source = what, [cxx, "-std=c++20", "-fsyntax-only", *STRICT, *flags], source
        self.key = hashlib.sha256(repr((self.cmd, source, key)).encode()).hexdigest()


def main():
    full = "--full" in sys.argv
    tree = amalgamate.Tree(TOP)
    scratch = pathlib.Path(os.environ.get("FRYS_BUILD_DIR") or tempfile.mkdtemp())
    scratch.mkdir(parents=True, exist_ok=True)
    stamps = scratch / "hygiene_headers.stamps"
    passed = set(stamps.read_text().split()) if stamps.is_file() else set()

    def closure(names):
        seen, work = set(), list(names)
        while work:
            n = work.pop()
            if n not in seen:
                seen.add(n)
                work += [t for _, t, _, _ in tree.headers[n].internal]
        return seen

    def digest(names):
        return hashlib.sha256("".join(n + tree.headers[n].text for n in sorted(closure(names))).encode()).hexdigest()

    all_compilers = compilers(full)
    missing = set()
    for lib in set(LIBRARIES.values()):
        probe = subprocess.run([all_compilers[0][0], "-std=c++20", "-fsyntax-only", "-x", "c++", "-"], text=True,
                               input=f"#include <{lib}>\n", capture_output=True)
        if probe.returncode:
            missing |= {h for h, l in LIBRARIES.items() if l == lib}
            print(f"skipped: {lib} is not installed, so no header that needs it")
    headers = [h for h in tree.headers if not tree.headers[h].inline and h not in missing]
    by_gate = {h for h in headers if h.startswith("with/") or h == "simd/detail/foreach_highway.hpp"}
    coroutines = {h for h in headers if any("<coroutine>" in tree.headers[n].text for n in closure([h]))}
    backend = {h for h in headers if re.search(r"/detail/(foreach|highway|kernels)_", h)}  # pieces of one header, never alone
    alone = [h for h in headers if h not in backend]
    together = [h for h in alone if h not in by_gate and h != "frys.hpp"]
    outside = sorted({m.group(2) for h in tree.headers.values() for l in h.clean for m in [amalgamate.INCLUDE.match(l)]
                      if m and m.group(1) == "<" and not m.group(2).startswith(("hwy/", "boost/", "jemalloc/", "mimalloc")) and "uring" not in m.group(2)})
    outside = [f"#if __has_include(<{o}>)\n#include <{o}>\n#endif" for o in outside]
    hostile = "\n".join(outside) + "\n" + "\n".join(
        re.sub(r"^(\w+)(\(.*\))?$", r"#undef \1\n#define \1\2 static_assert(frys_uses_the_macro_name_\1)", n) for n in HOSTILE)
    inc = lambda names: "".join(f'#include "frys/{n}"\n' for n in names)

    jobs = []
    for index, (cxx, (kind, major, name)) in enumerate(all_compilers):
        able = kind == "gcc" or major >= 16
        here = [h for h in together if able or h not in coroutines]
        if not able:
            print(f"{cxx} {major} has no coroutines with this library: {len(together) - len(here)} headers left out there")
        if full or index == 0:
            for h in alone:
                if able or h not in coroutines:
                    jobs.append(Job(f"{h} alone and twice, {cxx}", cxx, [], inc([h, h]), digest([h])))
        jobs.append(Job(f"all headers, reversed, {cxx}", cxx, [], inc(reversed(here)), digest(here)))
        jobs.append(Job(f"all headers after hostile macros, {cxx}", cxx, [], hostile + "\n" + inc(here), digest(here)))
        jobs.append(Job(f"all headers without exceptions and RTTI, {cxx}", cxx, ["-fno-exceptions", "-fno-rtti"], inc(here), digest(here)))
        jobs.append(Job(f"all headers, hardened, {cxx}", cxx, ["-DFRYS_HARDENED=1"], inc(here), digest(here)))
        if by_gate and (full or index == 0):
            use = [h for h in by_gate if h.startswith("with/") and (able or h not in coroutines)]
            gates = [f"-DFRYS_WITH_{pathlib.PurePath(h).stem.upper()}=1" for h in use]
            if use:
                jobs.append(Job(f"all headers with {' '.join(use)}, {cxx}", cxx, gates, inc(use + here), digest(use + here)))

    def work(job):
        with tempfile.TemporaryDirectory() as t:
            source = pathlib.Path(t) / "alone.cpp"
            source.write_text(job.source)
            r = subprocess.run([*job.cmd, "-I", str(TOP / "include"), str(source)], capture_output=True, text=True)
        return job, r.returncode, r.stderr

    failures, todo = 0, [j for j in jobs if j.key not in passed]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for job, code, text in pool.map(work, todo):
            if code:
                failures += 1
                lines = [l for l in text.splitlines() if re.search(r"error|warning", l)] or text.splitlines()
                print(f"FAILED: {job.what}\n  " + "\n  ".join(lines[:6]))
            else:
                passed.add(job.key)
    keys = {j.key for j in jobs}
    stamps.write_text("\n".join(sorted(passed & keys if full else passed)) + "\n")
    print(f"headers: {len(alone)} alone, {len(jobs)} compilations of which {len(jobs) - len(todo)} had passed before, "
          f"{len(all_compilers)} compilers, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
