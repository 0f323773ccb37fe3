#!/usr/bin/env python3
"""Order mutation: weakens each memory order of the blocks by one step, one at a time, and runs the block's tests under the
model; a mutant that no test notices fails, unless tests/model/kept_orders.txt says why the order stays as it is. An order
that no test uses fails as well.

usage: mutate.py [--program PATH] [--changed] [HEADER ...]
  --program   the model tests (default: the newest frys_test_model under build/)
  --changed   only headers that differ from the branch main, or from the commit before on main itself
  HEADER      such as queue/spsc_ring.hpp; all of the table below without

A mutant is chosen when the program starts; nothing is built again. Exit code 0: all killed, kept or out of reach.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Which tests judge which header.
SUITES = {
    "queue/detail/spsc_counted.hpp": "spsc_ring under the model*",
    "queue/detail/spsc_marked.hpp": "spsc_ring under the model*",
    "queue/detail/turn_ring.hpp": "mpmc_ring under the model*",
    "queue/mpsc_queue.hpp": "mpsc_queue under the model*",
    "queue/intrusive_mpsc_queue.hpp": "intrusive_mpsc_queue under the model*",
    "queue/bag.hpp": "bag under the model*",
    "queue/segment_queue.hpp": "segment_queue under the model*",
    "queue/detail/segments.hpp": "segment_queue under the model*",
    "queue/stealing_deque.hpp": "stealing_deque under the model*",
    "queue/detail/deque_slots.hpp": "stealing_deque under the model*",
    "queue/awaiting.hpp": "awaiting under the model*",
    "queue/detail/waiter_list.hpp": "awaiting under the model*",
    "queue/blocking.hpp": "blocking under the model*",
    "queue/relaxed_priority_queue.hpp": "relaxed_priority_queue under the model*",
    "queue/sharded_map.hpp": "sharded_map under the model*",
    "queue/detail/tagged_table.hpp": "sharded_map under the model*",
    "queue/detail/word_table.hpp": "sharded_map under the model*",
    "core/word_lock.hpp": "sharded_map under the model*",
    "queue/lookup_cache.hpp": "lookup_cache under the model*",
    "queue/rcu_cell.hpp": "rcu_cell under the model*",
    "queue/seqlock.hpp": "seqlock under the model*",
    "queue/detail/gated_broadcast.hpp": "broadcast_ring under the model*",
    "queue/detail/lossy_broadcast.hpp": "broadcast_ring that overwrites under the model*",
    "sched/async_mutex.hpp": "async_mutex under the model*",
    "sched/async_semaphore.hpp": "async_semaphore under the model*",
    "sched/async_event.hpp": "async_event under the model*",
    "sched/async_latch.hpp": "async_latch under the model*",
    "sched/channel.hpp": "channel under the model*",
    "sched/detail/idle_set.hpp": "scheduler under the model*",
    "sched/detail/run_queue.hpp": "scheduler under the model*",
    "sched/detail/timekeeper.hpp": "pool timers under the model*",
    "sched/detail/pool_core.hpp": "scheduler under the model*,fork_join under the model*",
    "sched/detail/fork_seat.hpp": "fork_join under the model*,task_group under the model*",
    "sched/task_group.hpp": "task_group under the model*",
    "sched/trace.hpp": "scheduler under the model*",
    "sched/detail/waiting_line.hpp": "async_* under the model*",
    "sched/cancel.hpp": "cancel under the model*",
    "sched/detail/join.hpp": "when_* under the model*,async_scope under the model*",
    "sched/from_callback.hpp": "from_callback under the model*",
    "sched/when_any.hpp": "when_any under the model*",
    "with/boost_lockfree.hpp": "boost_lockfree under the model*",
    "core/wait.hpp": "eventcount under the model*,parker under the model*,blocking under the model*",
    "core/eventcount.hpp": "eventcount under the model*",
    "core/parker.hpp": "parker under the model*",
    "core/tsc_clock.hpp": "tsc_clock under the model*",
    "memory/buffer.hpp": "buffer under the model*",
    "memory/intrusive_ptr.hpp": "intrusive_ptr under the model*",
    "memory/shared_region.hpp": "shared_region under the model*",
    "memory/buffer_pool.hpp": "buffer_pool under the model*",
    "memory/concurrent_arena.hpp": "concurrent_arena under the model*",
    "memory/shared_object_pool.hpp": "shared_object_pool under the model*",
    "memory/heap.hpp": "heap under the model*",
    "memory/detail/heap_core.hpp": "heap under the model*",
    "memory/detail/seats.hpp": "*_domain under the model*",
    "memory/detail/epochs.hpp": "epoch_domain under the model*,qsbr_domain under the model*",
    "memory/epoch_domain.hpp": "epoch_domain under the model*",
    "memory/hazard_domain.hpp": "hazard_domain under the model*",
    "memory/qsbr_domain.hpp": "qsbr_domain under the model*",
    "memory/leak_domain.hpp": "leak_domain under the model*",
    "memory/limited.hpp": "limited under the model*",
    "memory/detail/sharing.hpp": "limited under the model*,synchronized under the model*",
    "memory/tracked.hpp": "tracked under the model*",
    "core/asymmetric_fence.hpp": "epoch_domain under the model*,hazard_domain under the model*",
    "sched/blocking_pool.hpp": "blocking_pool under the model*",
    "sched/detail/post_box.hpp": "post_box under the model*",
    "sched/stack_pool.hpp": "stack_pool under the model*",
    "sched/shared_timer_wheel.hpp": "shared_timer_wheel under the model*",
    "io/detail/post_queue.hpp": "post_queue under the model*",
}
ORDERS = ["relaxed", "consume", "acquire", "release", "acq_rel", "seq_cst"]
SECONDS = 120  # for one mutant; more is taken as noticed: the test does not end


def newest_program():
    found = [p for p in ROOT.glob("build/*/tests/frys_test_model") if os.access(p, os.X_OK)]
    if not found:
        sys.exit("mutate: no frys_test_model; build the preset model")
    return str(max(found, key=lambda p: p.stat().st_mtime))


def changed_headers():
    def git(*args):
        return subprocess.run(["git", "-C", str(ROOT), *args], capture_output=True, text=True).stdout
    base = "main" if git("rev-parse", "--abbrev-ref", "HEAD").strip() != "main" else "HEAD~1"
    return {line[len("include/frys/"):] for line in git("diff", "--name-only", base).splitlines()
            if line.startswith("include/frys/")}


def kept_orders():
    """(header, piece of source) -> reason"""
    out = {}
    for line in (ROOT / "tests/model/kept_orders.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            header, piece, weaker, reason = (part.strip() for part in line.split("|", 3))
            out[header, piece, weaker] = reason
    return out


def run(program, suite, variables):
    env = {k: v for k, v in os.environ.items() if not k.startswith("FRYS_MUTANT")}
    try:
        done = subprocess.run([program, "--test-case=" + suite, "--no-colors=true", "--abort-after=1"],
                              env={**env, **variables}, capture_output=True, text=True, timeout=SECONDS)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        return "does not end", ""


def statement(lines, number):
    """The lines of the statement that line `number` (from 1) is in, as (first, last)."""
    first = last = number
    ends = re.compile(r"[;{}]\s*(//.*)?$")
    while first > 1 and not ends.search(lines[first - 2]) and not lines[first - 2].strip().startswith("//"):
        first -= 1
    while last < len(lines) and not ends.search(lines[last - 1]):
        last += 1
    return first, last


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--program", default="")
    args.add_argument("--changed", action="store_true")
    args.add_argument("headers", nargs="*")
    args = args.parse_args()
    program = args.program or newest_program()
    wanted = args.headers or list(SUITES)
    if args.changed:
        wanted = [h for h in SUITES if h in changed_headers()]
    kept, used = kept_orders(), set()
    survivors, unseen, killed, begin = [], [], 0, time.monotonic()
    for header in wanted:
        suite = SUITES[header]
        lines = (ROOT / "include/frys" / header).read_text().splitlines()
        with tempfile.NamedTemporaryFile(suffix=".orders") as record:
            code, output = run(program, suite, {"FRYS_RECORD_ORDERS": record.name})
            count = re.search(r"test cases:\s+(\d+)", output)
            if header.startswith("with/") and count is not None and count.group(1) == "0":
                print(f"{header}: skipped, built without it", flush=True)
                continue
            if code != 0 or count is None or count.group(1) == "0":
                sys.exit(f"mutate: {header}: its tests ('{suite}') do not pass or are not there\n{output[-2000:]}")
            sites = [line.split(":") for line in open(record.name).read().splitlines()]
        sites = [s for s in sites if os.path.normpath(s[0]).endswith("/" + header)]
        # Every order in the text must have been used.
        seen = set()
        for s in sites:
            first, last = statement(lines, int(s[1]))
            seen.update(range(first, last + 1))
        for number, text in enumerate(lines, 1):
            code_part = text.split("//")[0]
            if re.search(r"memory_order_(acquire|release|acq_rel|seq_cst)", code_part) and number not in seen:
                unseen.append(f"{header}:{number}: {text.strip()}")
        jobs = [(s, w) for s in sites for w in s[4].split(",") if w]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            results = list(pool.map(lambda j: run(program, suite, {"FRYS_MUTANT": ":".join(j[0][:4] + [j[1]])})[0], jobs))
        here = 0
        for (site, weaker), code in zip(jobs, results):
            if code != 0:
                killed, here = killed + 1, here + 1
                continue
            first, last = statement(lines, int(site[1]))
            text = " ".join(line.split("//")[0].strip() for line in lines[first - 1:last])
            reason = next((k for k in kept if k[0] == header and k[1] in text and k[2] == ORDERS[int(weaker)]), None)
            if reason is not None:
                used.add(reason)
                continue
            what = ["load", "store", "update", "failed update", "fence"][int(site[2])]
            survivors.append(f"{header}:{site[1]}: {what} {ORDERS[int(site[3])]} -> {ORDERS[int(weaker)]}: {text[:150]}")
        print(f"{header}: {len(jobs)} mutants, {here} noticed", flush=True)
    stale = [k for k in kept if k[0] in wanted and k not in used]
    for title, found in (("not noticed by any test", survivors), ("used by no test", unseen),
                         ("kept_orders.txt lists what is noticed or gone", [" | ".join(k) for k in stale])):
        if found:
            print(f"\n{title}:")
            print("\n".join("  " + f for f in found))
    print(f"\n{killed} mutants noticed, {len(survivors)} not, {len(used)} kept with a reason, {len(unseen)} orders unused, "
          f"{time.monotonic() - begin:.0f} s")
    return 1 if survivors or unseen or stale else 0


if __name__ == "__main__":
    sys.exit(main())
