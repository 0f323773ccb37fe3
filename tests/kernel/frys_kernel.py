"""Starts and stops frys-kernel processes for the checks in this folder and for the demo, and speaks RESP2 to them.

Standard library only. A process that was started here is ended here, by its own handle.
"""
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time


def repository():
    return pathlib.Path(__file__).resolve().parents[2]


def kernel_binary():
    """FRYS_KERNEL, or the newest frys-kernel under FRYS_BUILD_DIR or build*/; exits 77 (skipped) without one."""
    named = os.environ.get("FRYS_KERNEL")
    if named:
        return named
    roots = [os.environ["FRYS_BUILD_DIR"]] if os.environ.get("FRYS_BUILD_DIR") else []
    roots += [str(p) for p in repository().glob("build*")]
    for root in roots:
        found = [p for p in pathlib.Path(root).rglob("frys-kernel") if p.is_file() and os.access(p, os.X_OK)]
        if found:
            return str(max(found, key=lambda p: p.stat().st_mtime))
    print("skipped: no frys-kernel binary; set FRYS_KERNEL or build the target frys-kernel")
    sys.exit(77)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class ReplyError(Exception):
    """An error reply of the server."""


class Connection:
    """One blocking RESP2 connection: call(...) for one command, send(...) and read() for pipelines."""

    def __init__(self, port, timeout=30.0):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input = self.socket.makefile("rb", buffering=1 << 16)

    def close(self):
        self.input.close()
        self.socket.close()

    @staticmethod
    def encode(*args):
        out = [b"*%d\r\n" % len(args)]
        for a in args:
            a = a if isinstance(a, bytes) else str(a).encode()
            out.append(b"$%d\r\n%s\r\n" % (len(a), a))
        return b"".join(out)

    def send(self, *args):
        self.socket.sendall(self.encode(*args))

    def read(self):
        line = self.input.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("connection closed by the server")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return ReplyError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            n = int(rest)
            if n < 0:
                return None
            data = self.input.read(n + 2)
            if len(data) != n + 2:
                raise ConnectionError("connection closed by the server")
            return data[:-2]
        if kind == b"*":
            n = int(rest)
            return None if n < 0 else [self.read() for _ in range(n)]
        raise ConnectionError("unexpected byte %r" % kind)

    def call(self, *args):
        self.send(*args)
        reply = self.read()
        if isinstance(reply, ReplyError):
            raise reply
        return reply


class Kernel:
    """One frys-kernel process on a port of its own."""

    def __init__(self, directory, *extra, port=None, binary=None, quiet=True):
        self.port = port or free_port()
        self.command = [binary or kernel_binary(), "--port", str(self.port), "--dir", str(directory), *map(str, extra)]
        self.quiet = quiet
        self.process = None
        self.start_seconds = None

    def start(self, wait=60.0, **more):
        """A connection, as soon as it answers. `more`: for subprocess.Popen."""
        begin = time.monotonic()
        sink = subprocess.DEVNULL if self.quiet else None
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.PIPE,
                                        **more)
        while True:
            try:
                connection = Connection(self.port)
                if connection.call("PING") == "PONG":
                    self.start_seconds = time.monotonic() - begin
                    return connection
            except (OSError, ConnectionError):
                pass
            if self.process.poll() is not None:
                raise RuntimeError("frys-kernel ended with %d: %s" % (
                    self.process.returncode, self.process.stderr.read().decode(errors="replace").strip()))
            if time.monotonic() - begin > wait:
                self.kill()
                raise RuntimeError("frys-kernel did not answer within %g s" % wait)
            time.sleep(0.002)

    def kill(self):
        """kill -9, and wait until the process is gone."""
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
            self.process.stderr.close()
            self.process = None

    def stop(self, wait=20.0):
        """SIGTERM; answers the exit code."""
        self.process.terminate()
        try:
            code = self.process.wait(wait)
        except subprocess.TimeoutExpired:
            self.kill()
            return None
        self.process.stderr.close()
        self.process = None
        return code

    def status_kib(self, field):
        """A line of /proc/PID/status in KiB, for example VmRSS or VmHWM."""
        for line in pathlib.Path("/proc/%d/status" % self.process.pid).read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        return 0

    def cpu_nanoseconds(self):
        """CPU time of all threads, from schedstat."""
        total = 0
        for task in pathlib.Path("/proc/%d/task" % self.process.pid).iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total


def scratch_directory(name):
    base = pathlib.Path(os.environ.get("FRYS_BUILD_DIR") or os.environ.get("TMPDIR") or "/tmp")
    path = base / ("frys-%s-%d" % (name, os.getpid()))
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path
