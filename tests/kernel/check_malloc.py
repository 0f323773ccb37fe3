#!/usr/bin/env python3
"""After start-up the kernel calls malloc for no request: counted in frys-kernel-counted (malloc_count.cpp), by kind of request.

Each kind runs N and then 2N times on connections that stay. A call for every request shows in the second run; what is made
once, for a segment of the log or a crowd, does not count.

usage: check_malloc.py [--sites] [--only WORD] [--binary PATH]     --sites tells who called (slow)
"""
import argparse
import collections
import mmap
import os
import pathlib
import shutil
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from frys_kernel import Connection, Kernel, kernel_binary, scratch_directory  # noqa: E402

N = 300
ALLOWED = 20  # calls in 2N requests; one per request would be 2N
DEPTH, SITES = 12, 2048
SITE = struct.Struct("<%dQ" % (2 + DEPTH))


class Counts:
    """The file that the process counts into."""

    def __init__(self, path):
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 0)

    def calls(self):
        malloc, calloc, realloc, aligned, _free = struct.unpack_from("<5Q", self.map, 0)
        return malloc + calloc + realloc + aligned

    def sites(self):
        out = {}
        for i in range(SITES):
            values = SITE.unpack_from(self.map, 64 + i * SITE.size)
            if values[0]:
                out[values[2:]] = values[1]
        return out

    def start(self):
        return struct.unpack_from("<Q", self.map, 40)[0]


def one_by_one(connections, commands):
    for i, command in enumerate(commands):
        c = connections[i % len(connections)]
        c.send(*command)
        c.read()


# kind: name -> (how, f(i) -> command). Keys of one length; `new` ones differ from run to run.
serial = [0]


def fresh():
    serial[0] += 1
    return "new:%010d" % serial[0]


LONG, LONGER, LARGE, HUGE = "x" * 100, "y" * 2000, "z" * 20000, "h" * 200000
KINDS = {
    "PING": lambda i: ("PING",),
    "GET": lambda i: ("GET", "key:%02d" % (i % 64)),
    "GET none": lambda i: ("GET", "nil:%02d" % (i % 64)),
    "GET 2000 B": lambda i: ("GET", "longer"),
    "GET 20 KB": lambda i: ("GET", "large"),
    "SET": lambda i: ("SET", "key:%02d" % (i % 64), "value"),
    "SET 100 B": lambda i: ("SET", "text:%02d" % (i % 64), LONG),
    "SET other size": lambda i: ("SET", "text:%02d" % (i % 64), "x" * (30 + i * 37 % 900)),
    "SET new key": lambda i: ("SET", fresh(), "value"),
    "SET new key 100 B": lambda i: ("SET", fresh(), LONG),
    "SET 20 KB": lambda i: ("SET", "large", LARGE),
    "SET, GET, EX": lambda i: ("SET", "text:%02d" % (i % 64), LONG, "GET", "EX", 1000),
    "GETSET": lambda i: ("GETSET", "text:%02d" % (i % 64), LONG),
    "SET, then DEL": lambda i: ("DEL", "gone:%02d" % (i // 2 % 64)) if i % 2 else ("SET", "gone:%02d" % (i // 2 % 64), LONG),
    "INCR": lambda i: ("INCR", "number:%02d" % (i % 64)),
    "APPEND, then DEL": lambda i: ("DEL", "grows") if i % 8 == 7 else ("APPEND", "grows", LONG),
    "EXPIRE": lambda i: ("EXPIRE", "key:%02d" % (i % 64), 1000),
    "MGET of 4": lambda i: ("MGET", *("key:%02d" % ((i + k) % 64) for k in range(4))),
    "MGET of 40": lambda i: ("MGET", *("key:%02d" % ((i + k) % 64) for k in range(40))),
    "MSET of 4": lambda i: ("MSET", *(w for k in range(4) for w in ("key:%02d" % ((i + k) % 64), "value"))),
    "DEL of 4": lambda i: ("DEL", *("nil:%02d" % ((i + k) % 64) for k in range(4))),
    "EXISTS of 4": lambda i: ("EXISTS", *("key:%02d" % ((i + k) % 64) for k in range(4))),
    "PUBLISH, none hears": lambda i: ("PUBLISH", "silent", "hello"),
    "PUBLISH to 4": lambda i: ("PUBLISH", "news", "hello"),
    "PUBLISH 2000 B to 4": lambda i: ("PUBLISH", "news", LONGER),
    "DBSIZE": lambda i: ("DBSIZE",),
    "SCAN": lambda i: ("SCAN", "0", "COUNT", "100"),
    "GET 200 KB": lambda i: ("GET", "huge"),
    "INFO": lambda i: ("INFO",),
    "wrong command": lambda i: ("NOSUCH", "argument"),
    "wrong arity": lambda i: ("GET",),
    "VSIM": lambda i: ("VSIM", "vectors", "VALUES", 4, 1, 2, 3, i % 100),
    "VADD": lambda i: ("VADD", "vectors", "VALUES", 4, 1, 2, 3, i % 100, "e%02d" % (i % 64)),
}
SETTINGS = [
    ("log off", ["--log", "off"]),
    ("none", ["--durability", "none"]),
    ("process, epoll", ["--durability", "process", "--backend", "epoll"]),
    ("machine", ["--durability", "machine"]),
    ("2 cores, machine", ["--threads", "2", "--durability", "machine"]),
]


def prepare(port):
    clients = [Connection(port) for _ in range(4)]
    c = clients[0]
    for i in range(64):
        c.call("SET", "key:%02d" % i, "value")
        c.call("SET", "text:%02d" % i, LONG)
        c.call("VADD", "vectors", "VALUES", 4, 1, 2, 3, i + 1, "e%02d" % i)
    c.call("SET", "longer", LONGER)
    c.call("SET", "large", LARGE)
    c.call("SET", "huge", HUGE)
    listeners = [Connection(port) for _ in range(4)]
    for s in listeners:
        s.call("SUBSCRIBE", "news")
    return clients, listeners


def run(kind, make, clients, listeners, count, piped):
    commands = [make(i) for i in range(count)]
    if piped:
        # each client its share
        for at in range(0, count, 50):
            batch = commands[at:at + 50]
            c = clients[at // 50 % len(clients)]
            c.socket.sendall(b"".join(Connection.encode(*k) for k in batch))
            for _ in batch:
                c.read()
    else:
        one_by_one(clients, commands)
    if kind.startswith("PUBLISH") and "none" not in kind:
        for s in listeners:
            for _ in range(count):
                s.read()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--sites", action="store_true")
    p.add_argument("--only", default="")
    p.add_argument("--setting", default="")
    p.add_argument("--binary")
    o = p.parse_args()
    binary = o.binary or str(pathlib.Path(kernel_binary()).with_name("frys-kernel-counted"))
    if not os.access(binary, os.X_OK):
        print("skipped: no frys-kernel-counted beside frys-kernel")
        sys.exit(77)
    failed = []
    scratch = scratch_directory("malloc")
    table = collections.OrderedDict()
    for name, flags in SETTINGS:
        if o.setting and o.setting != name:
            continue
        directory = scratch / name.replace(" ", "-").replace(",", "")
        directory.mkdir()
        count_file = str(directory / "count")
        kernel = Kernel(directory / "data", *flags, binary=binary)
        env = dict(os.environ, FRYS_MALLOC_COUNT=count_file)
        if o.sites:
            env["FRYS_MALLOC_SITES"] = "1"
        first = kernel.start(env=env)
        counts = Counts(count_file)
        clients, listeners = prepare(kernel.port)
        rows = list(KINDS.items())
        for kind, make in rows:
            for piped in (False, True):
                label = kind + (", pipelined" if piped else "")
                if o.only and o.only not in label:
                    continue
                run(kind, make, clients, listeners, 150, piped)  # warm
                before = counts.calls()
                sites_before = counts.sites() if o.sites else {}
                run(kind, make, clients, listeners, N, piped)
                middle = counts.calls()
                run(kind, make, clients, listeners, 2 * N, piped)
                after = counts.calls()
                once, twice = middle - before, after - middle
                table.setdefault(label, {})[name] = twice / (2 * N)
                if twice > ALLOWED:
                    failed.append("%s, %s: %d calls in %d requests, %d in %d" % (name, label, once, N, twice, 2 * N))
                    if o.sites:
                        print("== %s, %s: %.3f calls per request" % (name, label, twice / (2 * N)))
                        tell(binary, counts, sites_before)
        first.close()
        for c in clients + listeners:
            c.close()
        kernel.stop()
    shutil.rmtree(scratch, ignore_errors=True)
    names = [n for n, _ in SETTINGS if not o.setting or n == o.setting]
    print("calls of malloc per request")
    print("%-32s %s" % ("", " ".join("%16s" % n for n in names)))
    for label, row in table.items():
        print("%-32s %s" % (label, " ".join("%16.3f" % row[n] if n in row else " " * 16 for n in names)))
    for f in failed:
        print("FAILED " + f)
    print("%d kinds failed" % len(failed) if failed else "passed")
    sys.exit(1 if failed else 0)


def tell(binary, counts, before):
    start = counts.start()
    after = counts.sites()
    grown = sorted(((n - before.get(f, 0), f) for f, n in after.items() if n > before.get(f, 0)), reverse=True)
    for n, frames in grown[:6]:
        if n < 30:
            continue
        addresses = ["%#x" % (a - start - 1) for a in frames if a > start and a - start < 1 << 26]
        text = subprocess.run(["addr2line", "-Cfspie", binary, *addresses], capture_output=True, text=True).stdout
        lines = [l.split("(")[0].replace("frys::v0_1::", "")[:60] + " " + l[l.rfind(" at ") + 4:] for l in text.splitlines()]
        print("  %6d  %s" % (n, "\n          ".join(lines[:10])))


if __name__ == "__main__":
    main()
