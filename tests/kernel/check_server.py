#!/usr/bin/env python3
"""What frys-kernel promises beside its replies: limits, options, draining, recovery, order over several owners.

Each function named promise_* is one promise; all run against real processes on loopback ports of their own.
"""
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

from frys_kernel import Connection, Kernel, ReplyError, free_port, kernel_binary, scratch_directory

BASE = scratch_directory("server")


def fresh(name):
    path = BASE / name
    shutil.rmtree(path, ignore_errors=True)
    return path


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def run_to_end(*arguments, environment=None):
    return subprocess.run([kernel_binary(), *map(str, arguments)], capture_output=True, text=True, timeout=20,
                          env={**os.environ, **(environment or {})})


def promise_a_wrong_value_says_which_and_what_is_allowed():
    for arguments, words in (
            (["--port", "70000"], ["--port", "70000", "0 to 65535"]),
            (["--durability", "maybe"], ["--durability", "maybe", "machine, process or none"]),
            (["--max-memory", "lots"], ["--max-memory", "lots", "64MiB"]),
            (["--network-buffer-size", "3"], ["--network-buffer-size", "1KiB to 1MiB"]),
            (["--threads", "0"], ["--threads", "1 to 64"]),
            (["--sync-queue", "100"], ["--sync-queue", "power of two from 1 to 1048576"]),
            (["--bind", "localhost"], ["--bind", "IPv4"]),
            (["--nonsense", "1"], ["unknown option", "--nonsense"]),
            (["--port"], ["--port", "needs a value"])):
        done = run_to_end(*arguments)
        expect(done.returncode == 2, "%s exits with %d" % (arguments, done.returncode))
        for word in words:
            expect(word in done.stderr, "%s: %r lacks %r" % (arguments, done.stderr, word))
    done = run_to_end(environment={"FRYS_THREADS": "many"})
    expect(done.returncode == 2 and "FRYS_THREADS" in done.stderr and "many" in done.stderr, done.stderr)
    expect("--max-connections" in run_to_end("--help").stdout, "--help lists the options")


def promise_variables_set_options_and_the_command_line_wins():
    port = free_port()
    environment = {**os.environ, "FRYS_PORT": "1", "FRYS_MAX_MEMORY": "64MiB"}
    process = subprocess.Popen([kernel_binary(), "--port", str(port), "--dir", str(fresh("variables"))], env=environment,
                               stdout=subprocess.DEVNULL)
    try:
        for _ in range(500):
            try:
                c = Connection(port)
                break
            except OSError:
                time.sleep(0.01)
        expect(c.call("CONFIG", "GET", "maxmemory") == [b"maxmemory", b"67108864"], "the variable counts")
    finally:
        process.terminate()
        expect(process.wait(20) == 0, "SIGTERM ends with 0")


def promise_a_client_too_many_gets_an_error_and_the_others_go_on():
    kernel = Kernel(fresh("many"), "--max-connections", 3)
    first = kernel.start()
    others = [Connection(kernel.port) for _ in range(2)]
    for c in others:
        expect(c.call("PING") == "PONG", "within the limit")
    late = Connection(kernel.port)
    reply = late.read()
    expect(isinstance(reply, ReplyError) and str(reply) == "ERR max number of clients reached", "got %r" % reply)
    expect(late.input.read() == b"", "and is closed")
    others[0].close()
    for attempt in range(200):
        try:
            again = Connection(kernel.port)
            if again.call("PING") == "PONG":
                break
        except (ReplyError, ConnectionError, OSError):
            time.sleep(0.01)
    else:
        raise AssertionError("a place that became free is given again")
    expect(first.call("PING") == "PONG", "the others go on")
    expect(kernel.stop() == 0, "exit code 0")


def promise_a_malformed_frame_ends_its_connection_and_no_other():
    kernel = Kernel(fresh("malformed"))
    good = kernel.start()
    for bytes_, text in ((b"*1\r\n!4\r\nPING\r\n", "Protocol error: expected '$', got '!'"),
                         (b"*2000000000\r\n", "Protocol error: invalid multibulk length"),
                         (b"*1\r\n$-5\r\n", "Protocol error: invalid bulk length"),
                         (b'SET "a\r\n', "Protocol error: unbalanced quotes in request")):
        bad = Connection(kernel.port)
        bad.socket.sendall(b"*1\r\n$4\r\nPING\r\n" + bytes_)
        expect(bad.read() == "PONG", "what came before is answered")
        reply = bad.read()
        expect(isinstance(reply, ReplyError) and str(reply) == "ERR " + text, "%r answers %r" % (bytes_, reply))
        expect(bad.input.read() == b"", "and the connection is closed")
        expect(good.call("PING") == "PONG", "no other is")
    expect(kernel.stop() == 0, "exit code 0")


def promise_sigterm_answers_what_came_and_loses_nothing_at_any_level():
    for level in ("machine", "process", "none"):
        for threads in (1, 2):
            kernel = Kernel(fresh("drain"), "--durability", level, "--threads", threads)
            c = kernel.start()
            n = 2000
            c.socket.sendall(b"".join(Connection.encode("SET", "k%d" % i, i) for i in range(n)))
            expect(c.read() == "OK", "the first is answered")
            kernel.process.send_signal(signal.SIGTERM)
            answered = 1
            try:
                while True:
                    expect(c.read() == "OK", "an answer is OK")
                    answered += 1
            except (ConnectionError, OSError):
                pass
            expect(kernel.process.wait(20) == 0, "exit code 0")
            c = kernel.start()
            values = c.call("MGET", *["k%d" % i for i in range(answered)])
            expect(values == [b"%d" % i for i in range(answered)], "%s: all %d that were answered are there" % (level, answered))
            expect(kernel.stop() == 0, "exit code 0")


def promise_replies_keep_the_order_of_their_commands_over_owners():
    for threads in (1, 2, 3):
        for level in ("machine", "none"):
            kernel = Kernel(fresh("order"), "--threads", threads, "--durability", level)
            c = kernel.start()
            rng = random.Random(threads)
            commands, expected, values = [], [], {}
            for i in range(3000):
                key = "k%d" % rng.randrange(40)
                kind = rng.randrange(8)
                if kind < 3:
                    commands.append(("SET", key, i))
                    values[key] = b"%d" % i
                    expected.append("OK")
                elif kind < 6:
                    commands.append(("GET", key))
                    expected.append(values.get(key))
                elif kind == 6:
                    commands.append(("ECHO", i))
                    expected.append(b"%d" % i)
                else:
                    keys = ["k%d" % rng.randrange(40) for _ in range(3)]
                    if rng.randrange(2):
                        commands.append(("MGET", *keys))
                        expected.append([values.get(k) for k in keys])
                    else:
                        commands.append(("MSET", *[x for k in keys for x in (k, i)]))
                        for k in keys:
                            values[k] = b"%d" % i
                        expected.append("OK")
            stream = b"".join(Connection.encode(*command) for command in commands)
            at = 0
            def feed(s=stream):  # in pieces of any size, while the replies are read
                at = 0
                while at < len(s):
                    n = rng.randrange(1, 4000)
                    c.socket.sendall(s[at:at + n])
                    at += n
            feeder = threading.Thread(target=feed)
            feeder.start()
            for i, want in enumerate(expected):
                got = c.read()
                expect(got == want, "%d threads, %s: reply %d to %r is %r, not %r" % (threads, level, i, commands[i], got, want))
            feeder.join()
            expect(c.call("DBSIZE") == len(values), "DBSIZE counts all owners")
            expect(sorted(c.call("KEYS", "*")) == sorted(k.encode() for k in values), "KEYS lists all owners")
            seen, cursor = set(), b"0"
            while True:
                cursor, part = c.call("SCAN", cursor, "COUNT", 7)
                seen.update(part)
                if cursor == b"0":
                    break
            expect(seen == {k.encode() for k in values}, "SCAN visits all owners")
            expect(c.call("FLUSHDB") == "OK" and c.call("DBSIZE") == 0, "FLUSHDB empties all owners")
            expect(kernel.stop() == 0, "exit code 0")


def promise_a_write_over_several_owners_is_seen_whole():
    kernel = Kernel(fresh("whole"), "--threads", 3, "--durability", "none")
    reader = kernel.start()
    keys = ["pair%d" % i for i in range(6)]
    reader.call("MSET", *[x for k in keys for x in (k, 0)])
    done = threading.Event()

    def write():
        c = Connection(kernel.port)
        for n in range(1, 2000):
            c.call("MSET", *[x for k in keys for x in (k, n)])
        done.set()
    writer = threading.Thread(target=write)
    writer.start()
    looks = 0
    while not done.is_set():
        values = reader.call("MGET", *keys)
        expect(len(set(values)) == 1, "MGET saw half of an MSET: %r" % values)
        looks += 1
    writer.join()
    expect(looks > 50, "the reader looked often enough to see it (%d)" % looks)
    expect(kernel.stop() == 0, "exit code 0")


def promise_another_number_of_threads_finds_everything():
    directory = fresh("threads")
    rng = random.Random(5)
    values = {}
    for threads in (1, 3, 2, 1, 4):
        kernel = Kernel(directory, "--threads", threads, "--durability", "process")
        c = kernel.start()
        keys = list(values)
        if keys:
            expect(c.call("MGET", *keys) == [values[k] for k in keys], "with %d threads all keys are there" % threads)
        expect(c.call("DBSIZE") == len(values), "and no others")
        for i in range(300):
            k = "k%d" % rng.randrange(150)
            kind = rng.randrange(6)
            if kind == 0 and k in values:
                c.call("DEL", k)
                del values[k]
            elif kind == 1:
                other = "k%d" % rng.randrange(150)
                c.call("MSET", k, i, other, i + 1)
                values[k] = b"%d" % i
                values[other] = b"%d" % (i + 1)
            else:
                c.call("SET", k, "%d-%d" % (threads, i))
                values[k] = b"%d-%d" % (threads, i)
        if threads == 3:
            c.call("FLUSHDB")
            values.clear()
        kernel.kill() if rng.randrange(2) else kernel.stop()


def promise_a_corrupt_log_is_reported_with_file_and_offset_and_not_loaded():
    directory = fresh("corrupt")
    kernel = Kernel(directory)
    c = kernel.start()
    for i in range(200):
        c.call("SET", "k%d" % i, "x" * 100)
    expect(kernel.stop() == 0, "exit code 0")
    log = sorted((directory / "owner-0").glob("*.log"))[0]
    data = bytearray(log.read_bytes())
    at = len(data) // 2
    data[at] ^= 0x20
    log.write_bytes(data)
    done = run_to_end("--port", free_port(), "--dir", directory)
    expect(done.returncode == 1, "it does not start (%d)" % done.returncode)
    expect(log.name in done.stderr and "corrupt" in done.stderr, done.stderr)
    offset = int(done.stderr.rsplit(",", 1)[1].strip(" )\n"))
    expect(0 <= at - offset < 300, "the offset %d is that of the record around %d" % (offset, at))


def promise_publish_reaches_subscribers_on_every_core():
    kernel = Kernel(fresh("pubsub"), "--threads", 3)
    c = kernel.start()
    listeners = [Connection(kernel.port) for _ in range(6)]
    for i, s in enumerate(listeners):
        if i % 2:
            s.send("PSUBSCRIBE", "ne*")
            expect(s.read() == [b"psubscribe", b"ne*", 1], "subscribed")
        else:
            s.send("SUBSCRIBE", "news")
            expect(s.read() == [b"subscribe", b"news", 1], "subscribed")
    for n in range(50):
        expect(c.call("PUBLISH", "news", n) == 6, "all six hear it")
    for i, s in enumerate(listeners):
        for n in range(50):
            want = [b"pmessage", b"ne*", b"news", b"%d" % n] if i % 2 else [b"message", b"news", b"%d" % n]
            expect(s.read() == want, "in order")
    listeners[0].close()
    for _ in range(200):
        if c.call("PUBLISH", "news", "x") == 5:
            break
        time.sleep(0.01)
    else:
        raise AssertionError("a listener that left is not counted any more")
    expect(kernel.stop() == 0, "exit code 0")


def stat(connection, name):
    """One number of INFO."""
    for line in connection.call("INFO", "stats").splitlines():
        if line.startswith(name.encode() + b":"):
            return int(line.split(b":")[1])
    raise AssertionError("INFO lacks " + name)


def on_threads(functions):
    """Runs all at once; raises what one of them raised."""
    problems = []

    def guarded(f):
        try:
            f()
        except BaseException as e:
            problems.append(e)
    threads = [threading.Thread(target=guarded, args=(f,)) for f in functions]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if problems:
        raise problems[0]


def promise_when_the_sync_queue_is_full_writes_wait_and_none_is_lost_or_overtaken():
    for threads, size, backend in ((1, 1, "auto"), (1, 4, "epoll"), (2, 4, "auto"), (3, 8, "auto")):
        directory = fresh("sync-queue")
        kernel = Kernel(directory, "--threads", threads, "--sync-queue", size, "--backend", backend)
        first = kernel.start()
        clients, rounds, pipeline = 12, 6, 20

        def write(name):
            c = Connection(kernel.port)
            for r in range(rounds):
                c.socket.sendall(b"".join(Connection.encode(*command) for i in range(pipeline) for command in (
                    ("SET", "%s:%d" % (name, i), r), ("GET", "%s:%d" % (name, i)), ("INCR", name + ":n"))))
                for i in range(pipeline):
                    expect(c.read() == "OK", "SET is answered")
                    expect(c.read() == b"%d" % r, "and behind it the GET that followed it")
                    expect(c.read() == r * pipeline + i + 1, "each INCR once, in order")
            c.call("MSET", name + ":a", 1, name + ":b", 2, name + ":c", 3)

        on_threads([lambda n=n: write("w%d" % n) for n in range(clients)])
        expect(stat(first, "frys_sync_queue_full") > 0, "%d threads, %d entries: it was full" % (threads, size))
        expect(first.call("FLUSHDB") == "OK" and first.call("SET", "last", 1) == "OK", "writes over all owners go on")
        write("again")
        kernel.kill()
        c = kernel.start()
        expect(c.call("MGET", "last", "again:n", *["again:%d" % i for i in range(pipeline)]) ==
               [b"1", b"%d" % (rounds * pipeline)] + [b"%d" % (rounds - 1)] * pipeline, "what was answered is there")
        expect(c.call("DBSIZE") == pipeline + 5, "and nothing else")
        expect(kernel.stop() == 0, "exit code 0")


def promise_sigterm_answers_those_that_wait_for_room_in_the_sync_queue():
    for threads in (1, 2):
        kernel = Kernel(fresh("sync-drain"), "--threads", threads, "--sync-queue", 2)
        kernel.start()
        clients = [Connection(kernel.port) for _ in range(8)]
        n = 100
        for k, c in enumerate(clients):
            c.socket.sendall(b"".join(Connection.encode("SET", "%d:%d" % (k, i), i) for i in range(n)))
        for c in clients:
            expect(c.read() == "OK", "the first is answered, so all were received")
        kernel.process.send_signal(signal.SIGTERM)
        for c in clients:
            expect([c.read() for _ in range(n - 1)] == ["OK"] * (n - 1), "the others are answered too")
            expect(c.input.read() == b"", "then the connection ends")
        expect(kernel.process.wait(20) == 0, "exit code 0")
        c = kernel.start()
        expect(c.call("DBSIZE") == len(clients) * n, "and all of it is there")
        expect(kernel.stop() == 0, "exit code 0")


def promise_a_log_that_fails_owes_nobody_an_answer_and_takes_back_none():
    for threads in (1, 2):
        kernel = Kernel(fresh("full-disk"), "--threads", threads, "--sync-queue", 4)
        # Python ignores SIGXFSZ; so does the kernel then, and a file that is too large is an error of the write.
        reader = kernel.start(restore_signals=False)
        resource.prlimit(kernel.process.pid, resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        acknowledged = set()

        def write(name):
            c = Connection(kernel.port)
            try:
                for i in range(0, 10000, 8):
                    keys = ["%d:%d" % (name, i + k) for k in range(8)]
                    c.socket.sendall(b"".join(Connection.encode("SET", key, "x" * 1000) for key in keys))
                    for key in keys:
                        reply = c.read()
                        if isinstance(reply, ReplyError):
                            expect(str(reply).startswith("MISCONF"), "refused: %s" % reply)
                            return
                        acknowledged.add(key)
            except (ConnectionError, OSError):
                return  # its write was in the group that failed
            raise AssertionError("80 MB in a file of 1 MiB")
        on_threads([lambda n=n: write(n) for n in range(10)])
        expect(len(acknowledged) > 100 and reader.call("GET", "0:0") == b"x" * 1000, "reads go on")
        expect(kernel.stop() == 1, "the exit code tells")
        c = kernel.start()
        expect(c.call("EXISTS", *acknowledged) == len(acknowledged), "all %d that were answered are there" % len(acknowledged))
        expect(kernel.stop() == 0, "exit code 0")


def promise_publishers_wait_for_a_core_that_is_behind_and_order_and_counts_hold():
    for threads in (2, 3):
        kernel = Kernel(fresh("fan-out"), "--threads", threads, "--network-buffer-size", "1MiB", "--log", "off")
        first = kernel.start()
        listeners, publishers, n = 2 * threads, threads, 6000
        hearing = [Connection(kernel.port) for _ in range(listeners)]
        for i, c in enumerate(hearing):
            c.call(*(("PSUBSCRIBE", "ne*") if i % 2 else ("SUBSCRIBE", "news")))

        def publish(name):
            c = Connection(kernel.port)
            stream = b"".join(Connection.encode("PUBLISH", "news", "%d %d" % (name, i)) for i in range(n))
            on_threads([lambda: c.socket.sendall(stream), lambda: [expect(
                c.read() == listeners, "all %d listeners are counted" % listeners) for _ in range(n)]])

        def hear(i):
            nexts = [0] * publishers
            for _ in range(publishers * n):
                got = hearing[i].read()
                name, number = map(int, got[-1].split())
                expect(number == nexts[name], "listener %d hears publisher %d in order" % (i, name))
                nexts[name] += 1
            expect(nexts == [n] * publishers, "and everything once")

        def others():
            c = Connection(kernel.port)
            for i in range(300):
                expect(c.call("SET", "k%d" % i, i) == "OK" and c.call("PING") == "PONG", "the others are served")
        on_threads([lambda i=i: publish(i) for i in range(publishers)] + [lambda i=i: hear(i) for i in range(listeners)] +
                   [others])
        expect(stat(first, "frys_publish_waits") > 0, "%d threads: the ring was full" % threads)
        hearing[0].call("UNSUBSCRIBE", "news")
        expect(first.call("PUBLISH", "news", "x") == listeners - 1, "one less")
        expect(kernel.stop() == 0, "exit code 0")


def promise_sigterm_answers_publishers_and_feeds_listeners():
    kernel = Kernel(fresh("fan-out-drain"), "--threads", 2, "--network-buffer-size", "1MiB", "--durability", "none")
    kernel.start()
    hearing = [Connection(kernel.port) for _ in range(4)]
    for c in hearing:
        c.call("SUBSCRIBE", "news")
    publisher = Connection(kernel.port)
    n = 3000
    publisher.socket.sendall(b"".join(Connection.encode("PUBLISH", "news", i) for i in range(n)))
    expect(publisher.read() == 4, "the first is answered")
    kernel.process.send_signal(signal.SIGTERM)
    answered = 1
    try:
        while True:
            # Who is sent away at the same time may not be counted any more.
            expect(publisher.read() in range(5), "an answer is a number")
            answered += 1
    except (ConnectionError, OSError):
        pass
    expect(answered > 0 and kernel.process.wait(20) == 0, "exit code 0")
    for c in hearing:
        heard = []
        try:
            while True:
                heard.append(int(c.read()[2]))
        except (ConnectionError, OSError):
            pass
        expect(heard == list(range(len(heard))), "what was heard is in order and without a gap")


def promise_a_long_message_is_kept_once_for_all_who_have_not_read_it():
    for threads in (1, 2):
        kernel = Kernel(fresh("shared"), "--threads", threads, "--log", "off")
        c = kernel.start()
        slow = [Connection(kernel.port) for _ in range(40)]
        for s in slow:
            s.call("SUBSCRIBE", "news")
        text = b"x" * (8 << 20)
        for n in range(2):
            expect(c.call("PUBLISH", "news", b"%d" % n + text) == len(slow), "all hear it")
        expect(kernel.status_kib("VmHWM") < 200 * 1024, "80 listeners' 8 MiB stand in %d KiB" % kernel.status_kib("VmHWM"))
        for s in slow:
            for n in range(2):
                expect(s.read() == [b"message", b"news", b"%d" % n + text], "and each gets it whole")
        expect(kernel.stop() == 0, "exit code 0")


def promise_max_memory_refuses_writes_and_serves_reads():
    kernel = Kernel(fresh("memory"), "--max-memory", "8MiB", "--durability", "none")
    c = kernel.start()
    refused = None
    for i in range(20000):
        try:
            c.call("SET", "k%d" % i, "x" * 1000)
        except ReplyError as e:
            refused = str(e)
            break
    expect(refused == "OOM command not allowed when used memory > 'maxmemory'.", "got %r after %d" % (refused, i))
    expect(c.call("GET", "k0") == b"x" * 1000, "reads go on")
    for k in range(i):
        c.call("DEL", "k%d" % k)
    expect(c.call("SET", "again", "1") == "OK", "and writes, once there is room")
    expect(kernel.stop() == 0, "exit code 0")


def memory_of(c):
    lines = c.call("INFO", "memory").decode().splitlines()
    return {k: int(v) for k, v in (l.split(":", 1) for l in lines if ":" in l) if v.isdigit()}


def promise_max_memory_holds_against_who_fills_and_empties_it():
    limit = 8 << 20
    for threads in (1, 2):
        kernel = Kernel(fresh("hostile-%d" % threads), "--max-memory", "8m", "--log", "off", "--threads", threads)
        c = kernel.start()
        before = kernel.status_kib("VmRSS")
        expect(memory_of(c)["maxmemory"] == limit, "INFO tells the limit")
        # Keys alone, then long values, then long keys: what one round leaves behind must serve the next.
        for key, text in (("%08d", "v"), ("%08d", "x" * 3000), ("%0500d", "v"), ("%08d", "v")):
            kept = 0
            while True:
                for n in range(200):
                    c.send("SET", key % (kept + n), text)
                replies = [c.read() for _ in range(200)]
                good = sum(r == "OK" for r in replies)
                kept += good
                if good != 200:
                    break
                expect(kept < 500000, "it is never refused")
            expect(all(r == "OK" or str(r).startswith("OOM command not allowed") for r in replies), repr(replies[-1]))
            now = memory_of(c)
            expect(now["used_memory"] <= limit + (1 << 20) and now["used_memory_peak"] >= now["used_memory"],
                   "used %r" % now)
            expect(now["used_memory"] > limit // 2, "most of it can be used: %r, %d keys of %s" % (now, kept, key))
            expect(c.call("GET", key % 0) == text.encode(), "reads go on")
            expect(c.call("DBSIZE") == kept, "what was acknowledged is there, the rest is not")
            for at in range(0, kept + 200, 200):
                c.call("DEL", *(key % k for k in range(at, at + 200)))
            now = memory_of(c)
            expect(c.call("DBSIZE") == 0 and now["used_memory"] < 2 << 20, "and it is given back: %r" % now)
            expect(c.call("SET", key % 0, text) == "OK" and c.call("DEL", key % 0) == 1, "writes again")
        expect(kernel.status_kib("VmRSS") - before < 3 * (limit >> 10), "%d KiB" % kernel.status_kib("VmRSS"))
        expect(kernel.stop() == 0, "exit code 0")


def promise_a_command_that_does_not_end_is_refused_beyond_max_memory():
    kernel = Kernel(fresh("endless"), "--max-memory", "8m", "--log", "off")
    c = kernel.start()
    endless = Connection(kernel.port)
    endless.socket.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000000\r\n")
    try:
        for _ in range(100):
            endless.socket.sendall(b"x" * 1000000)
        expect(False, "100 MB were taken")
    except OSError:
        pass
    expect(kernel.status_kib("VmHWM") < 64 * 1024, "%d KiB" % kernel.status_kib("VmHWM"))
    for _ in range(200):
        if memory_of(c)["used_memory"] < 1 << 20:
            break
        time.sleep(0.01)
    else:
        raise AssertionError("its memory is kept")
    expect(c.call("SET", "k", "v") == "OK", "the others are served")
    expect(kernel.stop() == 0, "exit code 0")


def promise_an_idle_kernel_is_small():
    kernel = Kernel(fresh("idle"), "--threads", "2")
    c = kernel.start()
    alone = kernel.status_kib("VmRSS")
    expect(alone < 32 * 1024, "%d KiB" % alone)
    many = [Connection(kernel.port) for _ in range(400)]
    for m in many:
        expect(m.call("PING") == "PONG", "each is served")
    each = (kernel.status_kib("VmRSS") - alone) * 1024 / 400
    expect(each < 16 * 1024, "an idle connection holds %d bytes" % each)
    expect(kernel.stop() == 0, "exit code 0")


def promise_a_subscriber_that_does_not_read_is_dropped_not_fed_for_ever():
    kernel = Kernel(fresh("slow"), "--durability", "none")
    c = kernel.start()
    slow = Connection(kernel.port)
    slow.send("SUBSCRIBE", "flood")
    slow.read()
    text = "x" * 100000
    for n in range(2000):
        if c.call("PUBLISH", "flood", text) == 0:
            break
    else:
        raise AssertionError("200 MB wait for a client that does not read")
    expect(kernel.status_kib("VmRSS") < 200 * 1024, "memory stays bounded")
    expect(kernel.stop() == 0, "exit code 0")


def promise_a_client_that_sends_and_never_reads_does_not_grow_the_server():
    kernel = Kernel(fresh("deaf"), "--durability", "none")
    c = kernel.start()
    c.call("SET", "big", "x" * 100000)
    deaf = Connection(kernel.port)
    deaf.socket.settimeout(1.0)
    try:
        for _ in range(200):
            deaf.socket.sendall(Connection.encode("GET", "big") * 100)
    except (socket.timeout, TimeoutError, OSError):
        pass
    expect(kernel.status_kib("VmRSS") < 100 * 1024, "replies of %d KiB wait" % kernel.status_kib("VmRSS"))
    expect(c.call("PING") == "PONG", "the others are served")
    deaf.close()
    expect(kernel.stop() == 0, "exit code 0")


def promise_expiry_survives_a_restart():
    directory = fresh("expiry")
    kernel = Kernel(directory)
    c = kernel.start()
    c.call("SET", "gone", "1", "PX", 30)
    c.call("SET", "stays", "1", "EX", 1000)
    c.call("SET", "plain", "1", "EX", 1000)
    c.call("PERSIST", "plain")
    kernel.kill()
    time.sleep(0.05)
    c = kernel.start()
    expect(c.call("GET", "gone") is None, "its time has come")
    expect(990 < c.call("TTL", "stays") <= 1000, "time goes on")
    expect(c.call("TTL", "plain") == -1, "no time")
    expect(kernel.stop() == 0, "exit code 0")


def promise_the_port_of_another_process_is_an_error_with_its_name():
    kernel = Kernel(fresh("port-a"))
    kernel.start()
    done = run_to_end("--port", kernel.port, "--dir", fresh("port-b"))
    expect(done.returncode == 1 and str(kernel.port) in done.stderr and "address_in_use" in done.stderr, done.stderr)
    expect(kernel.stop() == 0, "exit code 0")


def promise_a_directory_serves_one_kernel_at_a_time():
    directory = fresh("locked")
    kernel = Kernel(directory)
    c = kernel.start()
    done = run_to_end("--port", free_port(), "--dir", directory)
    expect(done.returncode == 1 and "another frys-kernel" in done.stderr and str(directory) in done.stderr, done.stderr)
    expect(c.call("SET", "a", "1") == "OK", "the first goes on")
    expect(kernel.stop() == 0, "exit code 0")


def promise_a_flood_of_writes_waits_for_the_log_and_is_not_refused():
    for threads in (1, 2):
        for level in ("machine", "none"):
            kernel = Kernel(fresh("flood"), "--durability", level, "--threads", threads)
            kernel.start()
            value = "x" * 50000
            problems = []

            def flood(name):
                c = Connection(kernel.port)
                n = 600
                sender = threading.Thread(target=lambda: [c.send("SET", "%s:%d" % (name, i % 50), value) for i in range(n)])
                sender.start()
                problems.extend(r for r in (c.read() for _ in range(n)) if r != "OK")
                sender.join()

            clients = [threading.Thread(target=flood, args=("w%d" % i,)) for i in range(4)]
            for t in clients:
                t.start()
            for t in clients:
                t.join()
            expect(not problems, "%s, %d threads: %r" % (level, threads, problems[:1]))
            expect(kernel.status_kib("VmHWM") < 160 * 1024, "memory stays bounded: %d KiB" % kernel.status_kib("VmHWM"))
            expect(kernel.stop() == 0, "exit code 0")


def promise_without_a_log_it_serves_and_touches_no_file():
    for threads in (1, 2):
        directory = fresh("memory-only")
        kernel = Kernel(directory, "--log", "off", "--threads", threads)
        c = kernel.start()
        expect(c.call("MSET", "a", "1", "b", "2", "c", "3") == "OK", "MSET over the owners")
        expect(c.call("INCR", "a") == 2 and c.call("MGET", "a", "b", "c") == [b"2", b"2", b"3"], "reads what it wrote")
        expect(c.call("CONFIG", "GET", "appendonly") == [b"appendonly", b"no"], "CONFIG tells")
        expect(c.call("FLUSHDB") == "OK" and c.call("DBSIZE") == 0, "FLUSHDB")
        expect(kernel.stop() == 0, "exit code 0")
        left = [p for p in pathlib.Path(directory).rglob("*") if "owner" in p.name or p.name == "lock"]
        expect(not left, "no files: %s" % left)
    done = run_to_end("--log", "maybe")
    expect(done.returncode == 2 and "on or off" in done.stderr, done.stderr)


def promise_a_client_with_a_full_socket_gets_everything_in_order():
    """More replies than a socket takes: the send waits and goes on when the client reads."""
    for backend in ("epoll", "io_uring"):
        kernel = Kernel(fresh("full"), "--durability", "none", "--backend", backend)
        c = kernel.start()
        value = bytes(range(256)) * 4096  # 1 MiB
        c.call("SET", "big", value)
        for i in range(24):
            c.send("GET", "big")
            c.send("ECHO", str(i))
        time.sleep(0.2)  # the server fills the socket and waits
        for i in range(24):
            expect(c.read() == value, "reply %d whole" % i)
            expect(c.read() == str(i).encode(), "and in its place")
        expect(kernel.stop() == 0, "exit code 0")


def promise_sigterm_during_the_start_is_taken_when_the_doors_open():
    directory = fresh("early")
    kernel = Kernel(directory, "--durability", "none")
    c = kernel.start()
    for i in range(2000):
        c.send("SET", "k%d" % i, "v" * 1000)
    for i in range(2000):
        c.read()
    expect(kernel.stop() == 0, "exit code 0")
    for delay in (0.001, 0.003, 0.006, 0.010, 0.020):
        process = subprocess.Popen([kernel_binary(), "--port", str(free_port()), "--dir", str(directory)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(delay)
        process.terminate()
        code = process.wait(20)
        process.stderr.close()
        # Before main has blocked the signal, the system's default ends the process: nothing had begun.
        expect(code in (0, -15), "after %.0f ms: exit code %s" % (delay * 1000, code))
    c = kernel.start()
    expect(c.call("DBSIZE") == 2000, "everything is there")
    expect(kernel.stop() == 0, "exit code 0")


def promise_epoll_serves_as_well():
    kernel = Kernel(fresh("epoll"), "--backend", "epoll")
    c = kernel.start()
    expect(c.call("SET", "a", "1") == "OK" and c.call("GET", "a") == b"1", "set and get")
    expect(b"frys_reactor:epoll" in c.call("INFO"), "INFO names it")
    expect(kernel.stop() == 0, "exit code 0")


def of_info(connection, section, name):
    for line in connection.call("INFO", section).splitlines():
        if line.startswith(name.encode() + b":"):
            return int(line.split(b":")[1])
    raise AssertionError("INFO %s lacks %s" % (section, name))


def promise_with_epoll_another_thread_waits_for_the_disk():
    kernel = Kernel(fresh("blocking"), "--backend", "epoll")
    c = kernel.start()
    before = of_info(c, "scheduler", "frys_blocking_runs")
    for i in range(20):
        expect(c.call("SET", "k%d" % i, "v") == "OK", "set")
    runs = 0
    for _ in range(600):  # the last one may be counted a little later
        runs = of_info(c, "scheduler", "frys_blocking_runs")
        if runs >= before + 20:
            break
        time.sleep(0.1)
    expect(runs >= before + 20, "each of these waited for a sync of its own: %d" % (runs - before))
    expect(b"disk-" in b" ".join(thread_names(kernel)), "its thread has a name")
    expect(kernel.stop() == 0, "exit code 0")
    kernel = Kernel(BASE / "blocking", "--backend", "epoll")
    expect(kernel.start().call("DBSIZE") == 20, "and all is there")
    expect(kernel.stop() == 0, "exit code 0")


def thread_names(kernel):
    return [p.read_bytes().strip() for p in pathlib.Path("/proc/%d/task" % kernel.process.pid).glob("*/comm")]


def promise_workers_share_in_long_searches_and_answer_the_same():
    import struct
    answers = []
    for workers in (0, 2):
        kernel = Kernel(fresh("workers"), "--log", "off", "--workers", workers)
        c = kernel.start()
        n, x = 6000, 1
        batch = []
        for i in range(n):
            vector = []
            for _ in range(8):
                x = (x * 1103515245 + 12345) % 2147483648
                vector.append(x / 2147483648 - 0.5)
            batch.append(c.encode("VADD", "set", "FP32", struct.pack("<8f", *vector), "e%d" % i))
        c.socket.sendall(b"".join(batch))
        for _ in range(n):
            expect(c.read() == 1, "added")
        answers.append([c.call("VSIM", "set", "ELE", "e%d" % i, "COUNT", "20") for i in range(0, n, 300)])
        expect(of_info(c, "scheduler", "frys_workers") == workers, "INFO says how many")
        if workers:
            names = thread_names(kernel)
            expect(b"worker-0" in names and b"worker-1" in names, "they have names: %s" % names)
        expect(kernel.stop() == 0, "exit code 0")
    expect(answers[0] == answers[1], "the same neighbours, in the same order")


def promise_who_is_silent_too_long_is_sent_away_and_who_speaks_or_listens_is_not():
    kernel = Kernel(fresh("silent"), "--log", "off", "--idle-timeout", "1")
    c = kernel.start()
    silent, listener = Connection(kernel.port), Connection(kernel.port)
    expect(silent.call("PING") == "PONG", "it has spoken once")
    expect(listener.call("SUBSCRIBE", "news")[2] == 1, "it listens")
    gone = False
    for _ in range(600):
        expect(c.call("PING") == "PONG", "who speaks stays")
        if of_info(c, "stats", "frys_idle_closed") >= 1:
            gone = True
            break
        time.sleep(0.1)
    expect(gone, "the silent one is sent away")
    expect(silent.input.read(1) == b"", "and sees the end")
    expect(c.call("PUBLISH", "news", "x") == 1, "the listener is there")
    expect(kernel.stop() == 0, "exit code 0")


def promise_top_says_a_line_a_second_about_a_running_kernel():
    kernel = Kernel(fresh("top"), "--log", "off")
    c = kernel.start()
    expect(c.call("SET", "a", "1") == "OK", "set")
    done = run_to_end("top", "--port", kernel.port, "--lines", 2)
    expect(done.returncode == 0 and done.stdout.count("\n") == 2, "%s" % done)
    expect("cmd/s" in done.stdout and "clients 2" in done.stdout, done.stdout)
    expect(kernel.stop() == 0, "exit code 0")
    done = run_to_end("top", "--port", kernel.port, "--lines", 1)
    expect(done.returncode == 1 and "no kernel at" in done.stderr, "%s" % done)
    done = run_to_end("top", "--threads", 2)
    expect(done.returncode == 2 and "unknown option" in done.stderr, "%s" % done)


def main():
    kernel_binary()
    only = sys.argv[1:]
    passed, failed = 0, 0
    for name, function in list(globals().items()):
        if not name.startswith("promise_") or (only and not any(o in name for o in only)):
            continue
        try:
            function()
            passed += 1
            print("ok    " + name[8:].replace("_", " "), flush=True)
        except Exception as e:  # the check goes on: one line each
            failed += 1
            print("FAIL  %s: %s: %s" % (name[8:].replace("_", " "), type(e).__name__, e), flush=True)
    shutil.rmtree(BASE, ignore_errors=True)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
