#!/usr/bin/env python3
"""Whole programs with another heap preloaded: examples/02_search, which builds an index of 10,000 vectors and searches; the
compiler, which compiles it; and frys-kernel --log off under redis-benchmark (run.py says how that is measured).

Contenders: frys (bench/kernel/replace_new.cpp: the heap behind new and delete), frys malloc (behind malloc too), glibc,
and what there is of jemalloc, mimalloc and tcmalloc, which replace both. CPU time, interleaved rounds.

usage: heaps.py --build DIR [--json FILE] [--quick] [--rounds N]    (DIR: a build with the examples in it)
"""
import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile

import run

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir))
PEERS = {"jemalloc": ("libjemalloc.so.2", "libjemalloc2"), "mimalloc": ("libmimalloc.so.2", "libmimalloc2.0"),
         "tcmalloc": ("libtcmalloc_minimal.so.4", "libtcmalloc-minimal4")}


def preloads(scratch):
    """{contender: what LD_PRELOAD says}"""
    found = {}
    for name, flags in (("frys", []), ("frys malloc", ["-DWITH_MALLOC"])):
        library = os.path.join(scratch, name.replace(" ", "_") + ".so")
        # initial-exec: what is preloaded has its thread-locals at a fixed place, as the peers have theirs.
        subprocess.run([os.environ.get("CXX", "c++"), "-std=c++20", "-O3", "-DNDEBUG", "-fPIC", "-shared",
                        "-ftls-model=initial-exec", "-I" + os.path.join(ROOT, "include"), *flags,
                        os.path.join(ROOT, "bench", "kernel", "replace_new.cpp"), "-o", library], check=True)
        found[name] = library
    found["glibc"] = ""
    for name, (library, package) in PEERS.items():
        # Asked in a process of its own: it is not to be loaded here.
        there = subprocess.run([sys.executable, "-c", ""], env={**os.environ, "LD_PRELOAD": library}, capture_output=True)
        if there.stderr:
            print(f"heaps: peer not installed: {name} (apt install {package})", file=sys.stderr)
        else:
            found[name] = library
    return found


def cpu_ms(library, *command):
    """CPU of one run on core 0, kernel and user, and what it wrote."""
    def used():
        of = resource.getrusage(resource.RUSAGE_CHILDREN)
        return of.ru_utime + of.ru_stime

    before = used()
    out = subprocess.run(["taskset", "-c", "0", "env", "LD_PRELOAD=" + library, *command], capture_output=True,
                         text=True, check=True).stdout
    return 1000 * (used() - before), out


def build_index(program, library, data):
    cpu, out = cpu_ms(library, program, data)
    if "king:  prince" not in out:
        raise RuntimeError("02_search found something else:\n" + out)
    return cpu


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--build", required=True)
    args.add_argument("--json")
    args.add_argument("--quick", action="store_true")
    args.add_argument("--rounds", type=int, default=0)
    args = args.parse_args()
    search, kernel = (os.path.join(args.build, "examples", p) for p in ("example_02_search", "frys-kernel"))
    data = os.path.join(ROOT, "examples", "data", "glove-100d-10k.bin")
    rounds = args.rounds or (3 if args.quick else 7)
    scratch = tempfile.mkdtemp(prefix="bench-heaps-")
    servers = []
    try:
        heaps = preloads(scratch)
        for _ in range(rounds):
            for name, library in heaps.items():
                runs = 2 if args.quick else 5
                run.row("index", name, "cpu", "ms", "lower",
                        sum(build_index(search, library, data) for _ in range(runs)) / runs)
                run.row("compile", name, "cpu", "ms", "lower", cpu_ms(
                    library, os.environ.get("CXX", "c++"), "-std=c++20", "-O0", "-I" + os.path.join(ROOT, "include"), "-c",
                    os.path.join(ROOT, "examples", "02_search", "main.cpp"), "-o", os.path.join(scratch, "main.o"))[0])
        for name, library in heaps.items():
            servers.append(run.Server(name, ["env", "LD_PRELOAD=" + library, kernel, "--port", "{port}", "--dir", "{dir}",
                                             "--threads", "1", "--log", "off"], scratch))
            run.verify(servers[-1])
            run.benchmark(servers[-1], "set", 16, 20_000)
        for _ in range(rounds):
            for pipeline in (1, 16):
                for test in ("set", "get"):
                    for server in servers:
                        n = (50_000 if pipeline == 1 else 300_000) // (5 if args.quick else 1)
                        cpu = run.benchmark(server, test, pipeline, n)[1]
                        run.row(f"resp_{test}_p{pipeline}", server.name, "cpu_per_request", "us", "lower", cpu)
        for server in servers:
            run.row("resp_memory", server.name, "resident", "MiB", "lower", server.rss_mb())
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(scratch, ignore_errors=True)
    rows = [{"module": "kernel", "workload": "heap_" + w, "contender": c, "metric": m, "unit": u, "better": b,
             "median": float(f"{statistics.median(v):.6g}"), "min": float(f"{min(v):.6g}"),
             "max": float(f"{max(v):.6g}"), "runs": len(v)} for (w, c, m, u, b), v in run.ROWS.items()]
    if args.json:
        with open(args.json, "w") as f:
            json.dump(rows, f)
    else:
        for r in rows:
            print(f"{r['workload']:<18} {r['metric']:<16} {r['contender']:<10} {r['median']:>10.4g} {r['unit']} "
                  f"({r['min']:.4g} .. {r['max']:.4g})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
