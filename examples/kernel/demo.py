#!/usr/bin/env python3
"""The reference kernel at work: 10,000 real word vectors over RESP, outside load, a kill -9, and what was left.

usage: demo.py [--once] [--port N] [--threads N] [--quick] --binary PATH     (examples/run.sh calls it)

Ends with a table: each figure, its target, and the command that checks it. With --once it stops the kernel and exits
non-zero if an acknowledged write was lost or a target that is a promise was missed.
"""
import argparse
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests" / "kernel"))
from frys_kernel import Connection, Kernel, ReplyError  # noqa: E402

IS_TERMINAL = sys.stdout.isatty()


def live(text, end=False):
    """One line that changes while something runs; in a log file only its last form."""
    if IS_TERMINAL:
        print("\r\x1b[K" + text, end="\n" if end else "", flush=True)
    elif end:
        print(text, flush=True)


def title(text):
    print("\n" + text, flush=True)


def read_vectors(path):
    """word2vec's binary format: "count dimension\\n", then word, space, dimension float32, newline."""
    data = path.read_bytes()
    at = data.index(b"\n") + 1
    count, dimension = map(int, data[:at].split())
    for _ in range(count):
        space = data.index(b" ", at)
        word = data[at:space]
        at = space + 1
        yield word, data[at:at + 4 * dimension]
        at += 4 * dimension + 1


def load(connection, path):
    began = time.monotonic()
    batch, loaded = [], 0

    def flush():
        nonlocal loaded
        connection.socket.sendall(b"".join(batch))
        for _ in batch:
            reply = connection.read()
            if isinstance(reply, ReplyError):
                raise reply
        loaded += len(batch)
        batch.clear()
        live("  %6d vectors, %6.0f per second" % (loaded, loaded / (time.monotonic() - began)))

    for word, vector in read_vectors(path):
        batch.append(Connection.encode("VADD", "words", "FP32", vector, word))
        if len(batch) == 250:
            flush()
    if batch:
        flush()
    seconds = time.monotonic() - began
    live("  %d vectors of %d dimensions in %.2f s, each acknowledged once it is on the disk" %
         (connection.call("VCARD", "words"), connection.call("VDIM", "words"), seconds), end=True)
    return loaded / seconds


def neighbours(connection):
    times = []
    for word in ("king", "paris", "music", "river"):
        began = time.perf_counter()
        reply = connection.call("VSIM", "words", "ELE", word, "COUNT", 6, "WITHSCORES")
        times.append(time.perf_counter() - began)
        pairs = [(reply[i].decode(), float(reply[i + 1])) for i in range(0, len(reply), 2)]
        if pairs[0][0] != word or abs(pairs[0][1] - 1) > 1e-4:
            raise RuntimeError("a word must be its own nearest neighbour; got %r" % (pairs[0],))
        print("  %-6s %s" % (word, "  ".join("%s %.2f" % p for p in pairs[1:])))
    return min(times)


def benchmark(port, pipeline, requests):
    """requests per second of SET and GET, by redis-benchmark."""
    command = ["redis-benchmark", "-h", "127.0.0.1", "-p", str(port), "-t", "set,get", "-c", "50", "-P", str(pipeline),
               "-n", str(requests), "-r", "100000", "--csv"]
    live("  redis-benchmark -c 50 -P %d ..." % pipeline)
    out = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout
    rates = {}
    for line in out.splitlines():
        cells = [c.strip('"') for c in line.split(",")]
        if cells[0] in ("SET", "GET"):
            rates[cells[0]] = (float(cells[1]), float(cells[-2]) if len(cells) > 6 else None)  # rate, p99 in ms
    live("  -P %-3d SET %9.0f/s   GET %9.0f/s" % (pipeline, rates["SET"][0], rates["GET"][0]), end=True)
    return rates


class Writer(threading.Thread):
    def __init__(self, port, name, acknowledged):
        super().__init__(daemon=True)
        self.port, self.name, self.acknowledged = port, name, acknowledged

    def run(self):
        n = 0
        try:
            connection = Connection(self.port)
            while True:
                n += 1
                key, value = "demo:%s:%d" % (self.name, n), "%d-%d" % (n, random.getrandbits(32))
                connection.call("SET", key, value)
                self.acknowledged[key] = value
        except (OSError, ConnectionError):
            pass  # the kill


def crash(kernel):
    acknowledged = {}
    writers = [Writer(kernel.port, str(i), acknowledged) for i in range(8)]
    for w in writers:
        w.start()
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        live("  8 clients write; %d acknowledged" % len(acknowledged))
        time.sleep(0.05)
    kernel.kill()
    for w in writers:
        w.join()
    live("  kill -9 after %d acknowledged writes" % len(acknowledged), end=True)
    connection = kernel.start()
    lost = 0
    keys = list(acknowledged)
    for at in range(0, len(keys), 500):
        part = keys[at:at + 500]
        lost += sum(v is None or v.decode() != acknowledged[k] for k, v in zip(part, connection.call("MGET", *part)))
    print("  restarted in %.0f ms, %d of %d acknowledged writes are there, VCARD words = %d" %
          (kernel.start_seconds * 1000, len(keys) - lost, len(keys), connection.call("VCARD", "words")))
    return connection, len(keys), lost


def idle_cpu(kernel, seconds):
    before, began = kernel.cpu_nanoseconds(), time.monotonic()
    while time.monotonic() - began < seconds:
        live("  idle for %.1f s" % (time.monotonic() - began))
        time.sleep(0.1)
    share = (kernel.cpu_nanoseconds() - before) / ((time.monotonic() - began) * 1e9)
    live("  idle CPU %.2f %%" % (share * 100), end=True)
    return share


def table(rows):
    print()
    widths = [max(len(r[i]) for r in rows) for i in range(4)]
    for n, row in enumerate(rows):
        print("  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip())
        if n == 0:
            print("  " + "  ".join("-" * w for w in widths))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dir", default=None)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--quick", action="store_true", help="fewer requests")
    arguments = parser.parse_args()

    binary = pathlib.Path(arguments.binary).resolve()
    directory = pathlib.Path(arguments.dir or binary.parent / "demo-data")
    shutil.rmtree(directory, ignore_errors=True)
    kernel = Kernel(directory, "--threads", arguments.threads, port=arguments.port, binary=str(binary))
    requests = 20000 if arguments.quick else 100000
    try:
        title("1/5 start")
        connection = kernel.start()
        fresh = kernel.start_seconds
        print("  frys-kernel on 127.0.0.1:%d, ready after %.0f ms, durability machine, %d thread(s)" %
              (kernel.port, fresh * 1000, arguments.threads))
        title("2/5 load %s" % "glove-100d-10k.bin, 10,000 English words")
        rate = load(connection, HERE.parent / "data" / "glove-100d-10k.bin")
        title("3/5 nearest words, exact search over all of them")
        search = neighbours(connection)
        title("4/5 load from outside")
        have_benchmark = shutil.which("redis-benchmark") is not None
        rates = {p: benchmark(kernel.port, p, requests * (4 if p > 1 else 1)) for p in (1, 16)} if have_benchmark else {}
        if not have_benchmark:
            print("  skipped: redis-benchmark is not installed (apt package redis-tools)")
        share = idle_cpu(kernel, 2.0)
        rss = kernel.status_kib("VmRSS") / 1024
        title("5/5 kill -9 in the middle of writes")
        connection, written, lost = crash(kernel)
        size = binary.stat().st_size / 1e6

        port = kernel.port
        rows = [("figure", "measured", "target", "check it with")]
        rows.append(("acknowledged writes lost", "%d of %d" % (lost, written), "0", "python3 tests/kernel/check_kill.py"))
        rows.append(("ready to accept", "%.0f ms" % (fresh * 1000), "< 50 ms", "frys-kernel --dir new & redis-cli ping"))
        rows.append(("vectors loaded", "%.0f/s" % rate, "-", "redis-cli -p %d vcard words" % port))
        rows.append(("exact top 6 of 10,000", "%.0f us" % (search * 1e6), "< 1000 us, client and all",
                     "redis-cli -p %d vsim words ele king" % port))
        for pipeline, found in rates.items():
            for name in ("SET", "GET"):
                rows.append(("%s, 50 clients, -P %d" % (name, pipeline), "%.0f/s" % found[name][0], "-",
                             "redis-benchmark -p %d -t %s -c 50 -P %d" % (port, name.lower(), pipeline)))
        rows.append(("memory after the load", "%.1f MB" % rss, "< 32 MB", "grep VmRSS /proc/PID/status"))
        rows.append(("idle CPU", "%.2f %%" % (share * 100), "< 1 %", "pidstat -p PID 10 1"))
        rows.append(("binary", "%.1f MB" % size, "< 10 MB", "ls -l %s" % binary.name))
        table(rows)
        if arguments.once:
            code = kernel.stop()
            print("\nstopped by SIGTERM, exit code %s" % code)
            return 0 if lost == 0 and code == 0 else 1
        print("\nThe kernel stays up. Try, in another terminal:\n"
              "  redis-cli -p %d set greeting hello\n"
              "  redis-cli -p %d vsim words ele coffee count 5 withscores\n"
              "  redis-cli -p %d subscribe news      and elsewhere: redis-cli -p %d publish news hi\n"
              "Ctrl-C ends it." % (port, port, port, port), flush=True)
        kernel.process.wait()
        return 0
    except KeyboardInterrupt:
        print("\nstopped, exit code %s" % (kernel.stop() if kernel.process else None))
        return 0
    finally:
        kernel.kill()


if __name__ == "__main__":
    sys.exit(main())
