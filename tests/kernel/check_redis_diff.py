#!/usr/bin/env python3
"""Compares the kernel's replies with redis-server's, byte for byte.

Each case is a list of raw requests on fresh connections, sent to both servers in the same pieces. Exit 77 (skipped) if
redis-server or the kernel's binary is missing. Servers run on private ports, in directories of their own, without
persistence on Redis' side; both are started here and ended here. `--self` compares redis-server with itself, which shows
that the cases are deterministic; `--verbose` prints each case.
"""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import frys_kernel  # noqa: E402


def enc(*args):
    out = b"*%d\r\n" % len(args)
    for a in args:
        a = a if isinstance(a, bytes) else str(a).encode()
        out += b"$%d\r\n%s\r\n" % (len(a), a)
    return out


def words(line):
    return enc(*line.split())


class Server:
    def __init__(self, command, port, cwd):
        self.port = port
        self.output = os.path.join(cwd, "output.txt")
        self.log = open(self.output, "wb")
        self.process = subprocess.Popen(command, cwd=cwd, stdout=self.log, stderr=subprocess.STDOUT)
        for _ in range(300):
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1) as s:
                    s.sendall(b"PING\r\n")
                    if s.recv(100) == b"+PONG\r\n":
                        return
            except OSError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        self.stop()
        raise SystemExit(f"{command[0]} did not start:\n{self.said()}")

    def said(self):
        with open(self.output, errors="replace") as f:
            return f.read()[-4000:]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        return self.process.returncode


def start_redis(base, name):
    port = frys_kernel.free_port()
    cwd = os.path.join(base, name)
    os.mkdir(cwd)
    return Server(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                   "--dir", cwd, "--daemonize", "no"], port, cwd)


def start_kernel(base, threads):
    port = frys_kernel.free_port()
    cwd = os.path.join(base, f"kernel-{threads}")
    os.mkdir(cwd)
    return Server([frys_kernel.kernel_binary(), "--port", str(port), "--dir", os.path.join(cwd, "data"), "--durability",
                   "none", "--threads", str(threads)], port, cwd)


END = enc("ECHO", "<the end of this case>")
END_REPLY = b"$22\r\n<the end of this case>\r\n"


def exchange(port, pieces):
    """Sends the pieces, then a marker; answers all that came before the marker's reply, or the end of the stream."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for i, piece in enumerate(pieces):
                if i:
                    time.sleep(0.02)
                s.sendall(piece)
            s.sendall(END)
        except OSError:
            pass  # closed in the middle: what it said before counts
        try:
            while not got.endswith(END_REPLY):
                more = s.recv(1 << 16)
                if not more:
                    return got + b"<closed>"
                got += more
        except socket.timeout:
            return got + b"<silence>"
        except ConnectionResetError:
            return got + b"<closed>"
    return got[:-len(END_REPLY)]


def normalise(reply):
    """Takes out what two servers may rightly tell apart: a client's id."""
    return re.sub(rb"(\$2\r\nid\r\n):\d+", rb"\1:ID", reply)


COMMANDS = """
PING | PING hello | PING a b | ECHO x | ECHO | ECHO a b | ping | PiNg
GET k | SET k v | GET k | GET | GET a b | SET k | SET k v x | SET k v EX | SET k v EX x | SET k v EX 0 | SET k v EX -1
SET k v PX 0 | SET k v EX 9223372036854775807 | SET k v PX 9223372036854775807 | SET k v EX 10 PX 10 | SET k v EX 1 EX 2
SET k v KEEPTTL EX 1 | SET k v EX 1 KEEPTTL | SET k v NX XX | SET k v XX NX | SET k v NX | SET k2 v XX | SET k2 v NX | SET k2 w XX
SET k2 x GET | SET k2 y NX GET | SET nope y XX GET | SET fresh y NX GET | SET k v GET GET | SET k v EXAT 1 | GET k | SET k v PXAT 99999999999999 | TTL nosuch
SET k v EXAT 0 | SET k v EXAT -5 | SET k v PERSIST | SET k v ex 100 nx | SET k v KEEPTTL | SET k v keepttl get
SETNX k z | SETNX k3 z | SETNX k3 | SETEX k 0 v | SETEX k -1 v | SETEX k x v | SETEX k 100 v | TTL k | PSETEX k 0 v | PSETEX k 5000 v | SETEX k 100
GETSET k new | GETSET nosuch1 new | GETSET k | GETDEL k | GETDEL k | GETDEL
MSET a 1 b 2 | MSET a | MSET a 1 b | MGET a b nosuch | MGET | MGET a a a | MSET a 1 a 2 | GET a
INCR n | INCR n | DECR n | INCRBY n 10 | DECRBY n 3 | INCRBY n x | INCRBY n 1.5 | INCRBY n +1 | INCRBY n 01 | INCRBY n | DECRBY n -9223372036854775808
SET n 9223372036854775807 | INCR n | INCRBY n 1 | DECRBY n -1 | DECR n | SET n -9223372036854775808 | DECR n | DECRBY n 1 | INCRBY n -1 | INCR n
SET n abc | INCR n | SET n 1.0 | INCR n | SET n -0 | INCR n | SET n 00 | INCR n | SET n 99999999999999999999 | INCR n
APPEND ap a | APPEND ap bc | GET ap | STRLEN ap | STRLEN nosuch | STRLEN | APPEND ap
DEL a b nosuch | DEL | DEL a | EXISTS k3 k3 nosuch | EXISTS | UNLINK k3 nosuch | UNLINK
SET e v | EXPIRE e 100 | TTL e | EXPIRE e 100 NX | EXPIRE e 200 XX | EXPIRE e 100 GT | EXPIRE e 300 GT | EXPIRE e 400 LT | EXPIRE e 50 LT | TTL e
EXPIRE e 1 NX XX | EXPIRE e 1 NX GT | EXPIRE e 1 GT LT | EXPIRE e 1 XX GT | EXPIRE e 1 FOO | EXPIRE e x | EXPIRE e | EXPIRE nosuch 10 | EXPIRE nosuch x
EXPIRE e 9223372036854775807 | EXPIRE e -9223372036854775808 | PEXPIRE e 9223372036854775807 | EXPIRE e 9223372036854775 | PERSIST e | TTL e | PERSIST e | PERSIST nosuch | PTTL e | PTTL nosuch | EXPIRE e 10 GT | EXPIRE e 10 XX | EXPIRE e 10 LT | TTL e | PEXPIRE e 100000 | TTL e | EXPIRE e -1 | EXISTS e | TTL e
SET e v | PEXPIRE e 0 | GET e | SET e v | EXPIREAT e 1 | GET e | SET e v | PEXPIREAT e 99999999999999 | EXPIREAT e x | EXPIRE e 10 foo bar | EXPIRE e 10 nx gt lt
TYPE ap | TYPE nosuch | TYPE | DBSIZE | DBSIZE x | FLUSHDB x | FLUSHDB ASYNC x | FLUSHDB SYNC | DBSIZE | FLUSHALL | FLUSHDB async
KEYS * | KEYS | SET only 1 | KEYS * | KEYS o* | KEYS [n-p]nly | KEYS ?nly | KEYS x
one owner: SET only 1 | SCAN 0 | SCAN 0 MATCH o* | SCAN 0 MATCH x | SCAN 0 COUNT 100 TYPE string | SCAN 0 TYPE list | SCAN 0 TYPE STRING
one owner: SCAN -1 | SCAN +0 | SCAN 0 COUNT 1 COUNT 2 MATCH a MATCH b
SCAN | SCAN x | SCAN - | SCAN 0 COUNT | SCAN 0 COUNT 0 | SCAN 0 COUNT x | SCAN 0 COUNT -3 | SCAN 0 FOO 1 | SCAN 0 MATCH | SCAN 99999999999999999999 | SCAN 0x
SELECT 0 | SELECT 99 | SELECT x | SELECT -1 | SELECT | SELECT 0 1
FOO | FOO a | foo a b c | FOO 'quoted' | COMMAND FOO | COMMAND COUNT x | CLIENT | CLIENT FOO | CLIENT ID x | CLIENT GETNAME | CLIENT SETNAME x | CLIENT GETNAME | CLIENT SETNAME | CLIENT SETNAME a b | CLIENT GETNAME x
CLIENT NO-EVICT on | CLIENT NO-EVICT x | CLIENT NO-EVICT | CONFIG | CONFIG FOO | CONFIG GET | CONFIG GET save | CONFIG GET nosuch | CONFIG GET nosuch nosuch2 | CONFIG get SAVE
COMMAND INFO nosuch | CONFIG RESETSTAT | INFO nosuch | QUIT x | RESET x
HELLO | HELLO 2 | HELLO 4 | HELLO x | HELLO 1 | HELLO 2 FOO | HELLO 2 SETNAME | HELLO 2 SETNAME me | CLIENT GETNAME | HELLO 2 AUTH a b | HELLO 2 AUTH default x | HELLO 2 AUTH | RESET | CLIENT GETNAME
HELLO 3 | GET nosuch | MGET nosuch | SET r3 v | GET r3 | SET r3 w GET | SET r3 w NX | CONFIG GET save | CONFIG GET nosuch | CLIENT GETNAME | TTL nosuch | KEYS nosuch | PING | RESET | GET nosuch
SUBSCRIBE | SUBSCRIBE a | SUBSCRIBE a b | PSUBSCRIBE p* | PING | PING x | GET k | PUBLISH a x | HELLO 3 | SET k v | FOO | get | UNSUBSCRIBE nosuch | UNSUBSCRIBE a | PUNSUBSCRIBE | UNSUBSCRIBE | UNSUBSCRIBE | PUNSUBSCRIBE | GET nosuch
HELLO 3 | SUBSCRIBE one | PSUBSCRIBE o* | PING | PING x | GET nosuch | UNSUBSCRIBE one | PUNSUBSCRIBE o* | UNSUBSCRIBE | PUNSUBSCRIBE | PUBLISH one x
SUBSCRIBE a | RESET | PING | GET nosuch | PUBLISH nobody x | PUBLISH a | PUBLISH
"""

HANDMADE = {
    "inline": [b"PING\r\n", b"SET k v\r\nGET k\r\n", b"  GET   k  \r\n", b"GET \"k\"\n", b"SET q 'a b'\r\nGET q\r\n"],
    "inline escapes": [b'SET k "\\x41\\n\\t\\"\\\\ \\q"\r\nGET k\r\n', b"SET k 'it\\'s \\n'\r\nGET k\r\n", b'SET k ""\r\nGET k\r\n'],
    "inline unbalanced": [b'SET k "v\r\n'],
    "inline unbalanced 2": [b'SET k "v"x\r\n'],
    "inline unbalanced 3": [b"SET k 'v\r\n"],
    "inline after quote": [b'SET k a"b c"\r\nGET k\r\n'],
    "empty lines": [b"\r\n\r\n\nPING\r\n"],
    "empty arrays": [b"*0\r\n*-1\r\n*-5\r\nPING\r\n"],
    "empty command name": [b"*1\r\n$0\r\n\r\n", enc("", "a")],
    "bad array length": [b"*x\r\n"],
    "bad array length 2": [b"*1x\r\n"],
    "bad array length 3": [b"* 1\r\n"],
    "bad array length 4": [b"*01\r\n$4\r\nPING\r\n"],
    "no array length": [b"*\r\nX"],
    "array too long": [b"*2147483648\r\n"],
    "array much too long": [b"*99999999999999999999\r\n"],
    "no dollar": [b"*1\r\nPING\r\n"],
    "no dollar 2": [b"*2\r\n$4\r\nECHO\r\n:1\r\n"],
    "no dollar, line end": [b"*1\r\n\r\nxx"],
    "no dollar, high byte": [b"*1\r\n\xff4\r\nPING\r\n"],
    "bad bulk length": [b"*1\r\n$x\r\n"],
    "bad bulk length 2": [b"*1\r\n$-1\r\n"],
    "bad bulk length 3": [b"*1\r\n$4 \r\nPING\r\n"],
    "bulk too long": [b"*1\r\n$536870913\r\n"],
    "no bulk length": [b"*1\r\n$\r\n"],
    "bulk end is not looked at": [b"*1\r\n$4\r\nPINGxxPING\r\n"],
    "line end is not looked at": [b"*1\rx$4\rxPING\r\n"],
    "long inline": [b"A" * 70000, b"", b""],
    "long array head": [b"*" + b"1" * 70000, b"", b""],
    "long bulk head": [b"*1\r\n$" + b"1" * 70000, b"", b""],
    "good before bad": [words("SET k v") + words("GET k") + b"*1\r\nbad\r\n" + words("GET k")],
    "unknown with long args": [enc("FOO", "a" * 100, "b" * 100, "c"), enc("F" * 200, "x"), enc("FOO", *["y"] * 100)],
    "unknown with binary": [enc("FOO", b"a\r\nb", b"\x00x", b"\xff")],
    "binary keys": [enc("SET", b"\x00\r\n\xff", b"\r\n$5\r\n"), enc("GET", b"\x00\r\n\xff"), enc("STRLEN", b"\x00\r\n\xff")],
    "empty key and value": [enc("SET", "", ""), enc("GET", ""), enc("EXISTS", ""), enc("DEL", "")],
    "large value": [enc("SET", "big", b"x" * 3_000_000), enc("STRLEN", "big"), enc("GET", "big"), enc("DEL", "big")],
    "pipeline": [b"".join(words(f"SET key:{i} value:{i}") + words(f"GET key:{i}") + words("INCR pipeline") for i in range(2000)),
                 enc("MGET", *[f"key:{i}" for i in range(0, 3000, 3)]), enc("DEL", *[f"key:{i}" for i in range(3000)])],
    "many keys": [enc("MSET", *[x for i in range(5000) for x in (f"m:{i}", i)]), words("DBSIZE"),
                  enc("EXISTS", *[f"m:{i}" for i in range(6000)]), enc("MGET", *[f"m:{i}" for i in range(5500)]),
                  enc("UNLINK", *[f"m:{i}" for i in range(6000)])],
    "byte by byte": [bytes([b]) for b in words("SET slow v") + words("GET slow")],
    "quit ends the connection": [words("SET k v") + words("QUIT") + words("GET k")],
    "expiry passes": [words("SET x v PX 10"), b"", b"", words("GET x"), words("TTL x"), words("SET x v KEEPTTL"), words("TTL x")],
    "error texts hold no line end": [enc("FOO\r\nBAR", "x\ny"), enc("CLIENT", "a\r\nb"), enc("HELLO", "2", "x\ny")],
}


def cases(threads):
    for row, line in enumerate(COMMANDS.strip().split("\n")):
        if line.startswith("one owner: "):  # a cursor's number is the server's own affair, but for 0
            if threads != 1:
                continue
            line = line[len("one owner: "):]
        yield f"row {row + 1}: {line[:50]}", [words(c) for c in line.split("|")]
    yield from HANDMADE.items()


def shown(data, at):
    begin = max(0, at - 60)
    return repr(data[begin:at + 100])


def compare(left, right, threads, verbose):
    bad = 0
    for name, pieces in cases(threads):
        for port in (left.port, right.port):
            exchange(port, [enc("FLUSHALL")])
        a, b = (normalise(exchange(s.port, pieces)) for s in (left, right))
        if verbose:
            print(f"{'same' if a == b else 'DIFFERENT'}  {name}")
        if a != b:
            bad += 1
            at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            print(f"different: {name}\n  redis  {shown(a, at)}\n  kernel {shown(b, at)}")
    return bad


def check_subscribers(servers):
    """One listens, another publishes: what arrives must be the same."""
    got = []
    for server in servers:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as listener:
            listener.sendall(words("SUBSCRIBE news") + words("PSUBSCRIBE n*"))
            time.sleep(0.1)
            replies = exchange(server.port, [enc("PUBLISH", "news", f"message {i}") for i in range(20)] + [words("PUBLISH no x")])
            data = b""
            end = time.monotonic() + 10
            listener.settimeout(0.3)
            while time.monotonic() < end:
                try:
                    data += listener.recv(1 << 16)
                except socket.timeout:
                    break
            got.append((replies, data))
    if got[0] == got[1]:
        return 0
    print(f"different: subscribers\n  redis  {got[0]!r}\n  kernel {got[1]!r}")
    return 1


def check_scan(servers):
    """A whole scan finds the same keys; cursors and order are each server's own."""
    got = []
    for server in servers:
        c = frys_kernel.Connection(server.port)
        c.call("FLUSHALL")
        for i in range(3000):
            c.send("SET", f"scan:{i}", i)
        for i in range(3000):
            c.read()
        found, cursor = set(), b"0"
        while True:
            cursor, keys = c.call("SCAN", cursor, "COUNT", 50, "MATCH", "scan:*[02468]", "TYPE", "string")
            found.update(keys)
            if cursor == b"0":
                break
        c.close()
        got.append(found)
    if got[0] == got[1] and len(got[0]) == 1500:
        return 0
    print(f"different: whole scans, {len(got[0])} keys and {len(got[1])}")
    return 1


def main():
    verbose = "--verbose" in sys.argv
    if shutil.which("redis-server") is None:
        print("skipped: redis-server is missing (apt: redis-server)")
        return 77
    if "--self" not in sys.argv:
        frys_kernel.kernel_binary()  # exits 77 without one
    bad = 0
    with tempfile.TemporaryDirectory(prefix="frys-diff-") as base:
        redis = start_redis(base, "redis")
        try:
            for threads in (1, 2):
                other = start_redis(base, f"redis-{threads}") if "--self" in sys.argv else start_kernel(base, threads)
                ended = 0
                try:
                    n = compare(redis, other, threads, verbose)
                    n += check_subscribers((redis, other)) + check_scan((redis, other))
                finally:
                    ended = other.stop()
                if ended != 0:  # a sanitizer's report counts, too
                    n += 1
                    print(f"different: SIGTERM ended it with {ended}:\n{other.said()}")
                print(f"{len(list(cases(threads))) + 2} cases, {threads} thread(s): {n} different")
                bad += n
        finally:
            redis.stop()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
