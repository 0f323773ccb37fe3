#!/usr/bin/env python3
"""Measures frys-kernel against redis-server by redis-benchmark: each server alone on core 0, the client on core 1, in
interleaved rounds of one run.

Rows: CPU time per request of the server (all threads, /proc/PID/task/*/schedstat) and requests a second, SET and GET, -P 1
and -P 16, without persistence on either side (--log off, appendonly no), and "frys-kernel logged", which writes its log
behind the replies (--durability none); requests a second with every acknowledgement synced (--durability machine,
appendfsync always); time until the first PING is answered; resident memory after the run; CPU while idle.

usage: run.py --kernel PATH [--against PATH] [--json FILE] [--quick] [--rounds N]
Without a kernel, or with --against, it measures redis-server against redis-server: the spread of such a run is what no
difference looks like.
"""
import argparse
import glob
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROWS = {}


def row(workload, contender, metric, unit, better, value):
    ROWS.setdefault((workload, contender, metric, unit, better), []).append(value)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def ping(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 0.2) as s:
            s.settimeout(0.5)
            s.sendall(b"PING\r\n")
            return s.recv(16).startswith(b"+PONG")
    except OSError:
        return False


class Server:
    """One running server on core 0, in a directory of its own."""

    def __init__(self, name, command, scratch):
        self.name, self.port = name, free_port()
        self.directory = tempfile.mkdtemp(prefix=name.replace(" ", "-") + "-", dir=scratch)
        self.log = open(os.path.join(self.directory, "output.txt"), "wb")
        filled = [part.format(port=self.port, dir=self.directory) for part in command]
        begin = time.monotonic()
        self.process = subprocess.Popen(["taskset", "-c", "0", *filled], stdout=self.log, stderr=self.log)
        while not ping(self.port):
            if self.process.poll() is not None or time.monotonic() - begin > 20:
                self.stop()
                with open(self.log.name, errors="replace") as f:
                    raise RuntimeError(f"{name} did not start: {' '.join(filled)}\n{f.read()[-2000:]}")
            time.sleep(0.0005)
        self.ready_ms = (time.monotonic() - begin) * 1000

    def cpu_ns(self):
        total = 0
        for path in glob.glob(f"/proc/{self.process.pid}/task/*/schedstat"):
            try:
                with open(path) as f:
                    total += int(f.read().split()[0])
            except (OSError, ValueError, IndexError):
                pass
        return total

    def rss_mb(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return next(int(l.split()[1]) for l in f if l.startswith("VmRSS")) / 1024

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def benchmark(server, test, pipeline, requests, clients=50):
    """Answers requests a second and the server's CPU per request in us."""
    before = server.cpu_ns()
    out = subprocess.run(["taskset", "-c", "1", "redis-benchmark", "-p", str(server.port), "-t", test, "-n", str(requests),
                          "-c", str(clients), "-P", str(pipeline), "-r", "100000", "-d", "100", "--csv"],
                         capture_output=True, text=True, timeout=300)
    used = server.cpu_ns() - before
    lines = [l for l in out.stdout.splitlines() if l.lower().startswith(f'"{test}"')]
    if out.returncode != 0 or not lines:
        raise RuntimeError(f"redis-benchmark against {server.name}: {out.stdout[-500:]} {out.stderr[-500:]}")
    return float(lines[-1].split(",")[1].strip('"')), used / 1000 / requests


def verify(server):
    """A server that answers fast and wrong has no figures."""
    with socket.create_connection(("127.0.0.1", server.port), 2) as s:
        s.settimeout(2)
        s.sendall(b"*3\r\n$3\r\nSET\r\n$5\r\nprobe\r\n$5\r\nvalue\r\n*2\r\n$3\r\nGET\r\n$5\r\nprobe\r\n")
        got = b""
        while len(got) < len(b"+OK\r\n$5\r\nvalue\r\n"):
            part = s.recv(4096)
            if not part:
                break
            got += part
    if got != b"+OK\r\n$5\r\nvalue\r\n":
        raise RuntimeError(f"{server.name} answers wrongly: {got!r}")


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--kernel", default="")
    args.add_argument("--against", default="", help="another redis-server in the kernel's place")
    args.add_argument("--json")
    args.add_argument("--quick", action="store_true")
    args.add_argument("--rounds", type=int, default=0)
    args = args.parse_args()
    for tool, package in (("redis-server", "redis-server"), ("redis-benchmark", "redis-tools"), ("taskset", "util-linux")):
        if shutil.which(tool) is None:
            print(f"kernel: peer not installed: {tool} (apt install {package})", file=sys.stderr)
            return 1
    if (os.cpu_count() or 1) < 2:
        print("kernel: needs two cores, one for the server and one for the client", file=sys.stderr)
        return 1
    redis = ["redis-server", "--port", "{port}", "--dir", "{dir}", "--save", "", "--bind", "127.0.0.1"]
    plain = {"redis-server": redis + ["--appendonly", "no"]}
    synced = {"redis-server": redis + ["--appendonly", "yes", "--appendfsync", "always"]}
    if args.kernel and os.access(args.kernel, os.X_OK):
        base = [args.kernel, "--port", "{port}", "--dir", "{dir}", "--threads", "1"]
        plain["frys-kernel"] = base + ["--log", "off"]
        plain["frys-kernel logged"] = base + ["--durability", "none"]
        synced["frys-kernel"] = base + ["--durability", "machine"]
    else:
        print(f"kernel: {args.kernel or 'no --kernel'}: not there; redis-server against itself", file=sys.stderr)
        other = [args.against or "redis-server"] + redis[1:]
        plain["redis-server again"] = other + ["--appendonly", "no"]
        synced["redis-server again"] = other + ["--appendonly", "yes", "--appendfsync", "always"]

    rounds = args.rounds or (3 if args.quick else 7)
    scale = 10 if args.quick else 1
    # In the build directory, not in /tmp: that may be memory, and a sync there is none.
    build = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "build")
    os.makedirs(build, exist_ok=True)
    scratch = tempfile.mkdtemp(prefix="bench-kernel-", dir=os.path.normpath(build))
    servers = []
    try:
        servers = [Server(name, command, scratch) for name, command in plain.items()]
        for server in servers:
            verify(server)
            benchmark(server, "set", 16, 100_000 // scale)  # warm, and the keys exist
        for _ in range(rounds):
            for pipeline in (1, 16):
                for test in ("set", "get"):
                    for server in servers:
                        n = (300_000 if pipeline == 1 else 1_500_000) // scale
                        rate, cpu = benchmark(server, test, pipeline, n)
                        workload = f"{test}_p{pipeline}"
                        row(workload, server.name, "cpu_per_request", "us", "lower", cpu)
                        row(workload, server.name, "requests", "1/s", "higher", rate)
        idle = 1.0 if args.quick else 5.0
        for server in servers:
            row("footprint", server.name, "resident", "MiB", "lower", server.rss_mb())
            before = server.cpu_ns()
            time.sleep(idle)
            row("footprint", server.name, "idle_cpu", "%", "lower", (server.cpu_ns() - before) / 1e7 / idle)
            server.stop()
        servers = []
        for _ in range(rounds):
            for name, command in plain.items():
                server = Server(name, command, scratch)
                row("footprint", name, "ready", "ms", "lower", server.ready_ms)
                server.stop()
        servers = [Server(name, command, scratch) for name, command in synced.items()]
        for server in servers:
            verify(server)
        for _ in range(rounds):
            for server in servers:
                rate, cpu = benchmark(server, "set", 1, 20_000 // scale)
                row("set_synced", server.name, "requests", "1/s", "higher", rate)
                row("set_synced", server.name, "cpu_per_request", "us", "lower", cpu)
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(scratch, ignore_errors=True)

    rows = [{"module": "kernel", "workload": w, "contender": c, "metric": m, "unit": u, "better": b,
             "median": float(f"{statistics.median(v):.6g}"), "min": float(f"{min(v):.6g}"),
             "max": float(f"{max(v):.6g}"), "runs": len(v)} for (w, c, m, u, b), v in ROWS.items()]
    if args.json:
        with open(args.json, "w") as f:
            json.dump(rows, f)
    else:
        for r in rows:
            print(f"{r['workload']:<12} {r['metric']:<16} {r['contender']:<20} {r['median']:>12.4g} {r['unit']} "
                  f"({r['min']:.4g} .. {r['max']:.4g})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
