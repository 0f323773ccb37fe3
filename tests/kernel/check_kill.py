#!/usr/bin/env python3
"""Kills frys-kernel with -9 in the middle of writes, restarts it, and compares what is there with what was acknowledged.

usage: check_kill.py [--rounds N] [--threads 1,2] [--levels machine,process] [--seed S]

Clients write numbers that only grow: SET per key, INCR of a counter, MSET of two keys at once, DEL and SET in turn.
After each kill:  a key must hold a number that was sent, not lower than the last one acknowledged (nothing lost, nothing
invented); the two keys of an MSET must agree (nothing half done). Exit 1 tells what was lost.
"""
import argparse
import random
import shutil
import sys
import threading
import time

from frys_kernel import Connection, Kernel, ReplyError, scratch_directory


class Writer(threading.Thread):
    """One client. sent[key] and acked[key] are the highest numbers sent and acknowledged for a key."""

    def __init__(self, name, port, state, stop, seed):
        super().__init__()
        self.name, self.port, self.state, self.stop_event = name, port, state, stop
        self.random = random.Random(seed)
        self.acknowledged = 0
        self.error = None

    def run(self):
        try:
            connection = Connection(self.port)
            depth = self.random.choice((1, 1, 4, 16))
            while not self.stop_event.is_set():
                batch = [self.one() for _ in range(depth)]
                connection.socket.sendall(b"".join(Connection.encode(*command) for command, _ in batch))
                for command, acknowledge in batch:
                    reply = connection.read()
                    if isinstance(reply, ReplyError):
                        self.error = "%s answered %s" % (command, reply)
                        return
                    acknowledge(reply)
                    self.acknowledged += 1
        except (OSError, ConnectionError):
            pass  # the kill

    def one(self):
        kind = self.random.randrange(10)
        if kind < 6:
            key = "set:%s:%d" % (self.name, self.random.randrange(50))
            entry = self.state.setdefault(key, [0, 0])
            entry[1] += 1
            n = entry[1]
            # A pad of varying size, so that records end anywhere in a block.
            value = "%d:%s" % (n, "x" * self.random.randrange(200))
            return ("SET", key, value), lambda _, e=entry, n=n: e.__setitem__(0, max(e[0], n))
        if kind < 8:
            key = "incr:%s" % self.name
            entry = self.state.setdefault(key, [0, 0])
            entry[1] += 1
            return ("INCR", key), lambda reply, e=entry: e.__setitem__(0, max(e[0], reply))
        pair = self.random.randrange(20)
        keys = ["pair:%s:%d:%s" % (self.name, pair, side) for side in "ab"]
        entries = [self.state.setdefault(k, [0, 0]) for k in keys]
        for e in entries:
            e[1] += 1
        n = entries[0][1]

        def acknowledge(_, entries=entries, n=n):
            for e in entries:
                e[0] = max(e[0], n)

        return ("MSET", keys[0], n, keys[1], n), acknowledge


def verify(connection, state):
    problems = []
    seen = {}
    keys = sorted(state)
    for start in range(0, len(keys), 200):
        part = keys[start:start + 200]
        for key, value in zip(part, connection.call("MGET", *part)):
            number = int(value.split(b":")[0]) if value is not None else 0
            acked, sent = state[key]
            seen[key] = number
            if number < acked:
                problems.append("lost: %s holds %d, acknowledged was %d" % (key, number, acked))
            if number > sent:
                problems.append("invented: %s holds %d, sent was at most %d" % (key, number, sent))
    for key, number in seen.items():
        if key.startswith("pair:") and key.endswith(":a") and seen.get(key[:-1] + "b") != number:
            problems.append("half done: %s holds %d, its twin %r" % (key, number, seen.get(key[:-1] + "b")))
    for key in connection.call("KEYS", "*"):
        if key.decode() not in state:
            problems.append("invented: key %r was never written" % key)
    # What is there now is the truth for the next round: an unacknowledged write may or may not have survived.
    for key, number in seen.items():
        state[key] = [number, number]
    return problems


def run(level, threads, rounds, seed):
    directory = scratch_directory("kill-%s-%d" % (level, threads))
    rng = random.Random(seed)
    state = {}
    total = 0
    for n in range(rounds):
        kernel = Kernel(directory, "--durability", level, "--threads", threads)
        try:
            connection = kernel.start()
            problems = verify(connection, state)
            if problems:
                print("%s, %d threads, round %d, seed %d:" % (level, threads, n, seed))
                print("\n".join("  " + p for p in problems[:20]))
                print("  the logs are kept in %s" % directory)
                return None
            stop = threading.Event()
            writers = [Writer("w%d" % i, kernel.port, state, stop, rng.random()) for i in range(4)]
            for w in writers:
                w.start()
            time.sleep(rng.uniform(0.02, 0.25))
            kernel.kill()
            stop.set()
            for w in writers:
                w.join()
                total += w.acknowledged
                if w.error:
                    print("%s, %d threads, round %d: %s" % (level, threads, n, w.error))
                    return None
        finally:
            kernel.kill()
    shutil.rmtree(directory, ignore_errors=True)
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--levels", default="machine,process")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    failed = False
    for level in arguments.levels.split(","):
        for threads in map(int, arguments.threads.split(",")):
            total = run(level, threads, arguments.rounds, arguments.seed)
            failed |= total is None
            if total is not None:
                print("%-8s --threads %d: %d kills, %d acknowledged writes, 0 lost, 0 invented" %
                      (level, threads, arguments.rounds, total))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
