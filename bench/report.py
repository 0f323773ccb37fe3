#!/usr/bin/env python3
"""Joins the rows of a module's programs, writes bench/results/<module>.json with the machine's facts beside it, prints
the table with ratios to the best peer, and draws the plots.

usage: report.py <module> <rows.json>... [--no-write]
"""
import json
import os
import platform
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def is_ours(row):
    """frys, and its other configurations: "frys lazy", "frys-kernel logged"."""
    return row["contender"].startswith("frys")


def facts():
    cpu = platform.processor()
    try:
        with open("/proc/cpuinfo") as f:
            cpu = next((l.split(":", 1)[1].strip() for l in f if l.startswith("model name")), cpu)
    except OSError:
        pass

    def first_line(*command):
        try:
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
        except (OSError, subprocess.CalledProcessError, IndexError):
            return "unknown"

    commit = first_line("git", "-C", HERE, "rev-parse", "--short=12", "HEAD")
    changed = subprocess.run(["git", "-C", HERE, "status", "--porcelain", "--untracked-files=no", "../include"],
                             capture_output=True, text=True).stdout.strip()
    return {"cpu": cpu, "cores": os.cpu_count(), "compiler": first_line(os.environ.get("CXX", "c++"), "--version"),
            "flags": "Release (-O3 -DNDEBUG)", "commit": commit + ("+changes" if changed else ""),
            "kernel": platform.release(), "load": round(os.getloadavg()[0], 2)}


def number(x):
    return f"{x:,.0f}" if abs(x) >= 1000 else f"{x:.3g}"


def table(rows):
    """One block per workload and metric: our figure, the peers', the ratio to the best peer."""
    groups = {}
    for row in rows:
        groups.setdefault((row["workload"], row["metric"]), []).append(row)
    limits = {}
    for row in rows:
        if row["contender"] == "limit":
            limits.setdefault(row["workload"], []).append(row)
    lines, lost = [], []
    last = None
    for (workload, metric), group in groups.items():
        ours = [r for r in group if is_ours(r)]
        peers = [r for r in group if not is_ours(r) and r["contender"] != "limit"]
        if not ours and not peers:
            continue
        if workload != last:
            lines.append(f"\n{workload}" + "".join(
                f"   [limit {r['metric']}: {number(r['median'])} {r['unit']}]" for r in limits.get(workload, [])))
            last = workload
        low = group[0]["better"] == "lower"
        # What skips the checks, or the promise, is a floor to look at, not a peer to be compared with.
        fair = [r for r in peers if not r["contender"].startswith("by hand")] or peers
        best = (min if low else max)((r["median"] for r in fair), default=None)
        for row in ours + sorted(peers, key=lambda r: r["median"], reverse=not low):
            ratio = ""
            if row in ours:
                if best is None:
                    ratio = "missing peer"
                else:
                    value = row["median"] / best if best else float("inf")
                    ratio = f"{value:.2f}x of the best peer"
                    if (value > 1.0) == low and abs(value - 1) > 0.02:
                        ratio += "  <- loses"
                        lost.append(f"{workload} {metric}: {value:.2f}x")
            lines.append(f"  {metric:<18} {row['contender']:<24} {number(row['median']):>10} {row['unit']:<10} "
                         f"({number(row['min'])} .. {number(row['max'])}, {row['runs']} runs)  {ratio}")
    return lines, lost


def main():
    module, write = sys.argv[1], "--no-write" not in sys.argv
    rows = []
    for path in (a for a in sys.argv[2:] if not a.startswith("--")):
        with open(path) as f:
            rows += json.load(f)
    lines, lost = table(rows)
    print(f"\n=== {module} ===", *lines, sep="\n")
    print("\nfrys is behind the best peer in: " + ("; ".join(lost) if lost else "nothing"))
    if write and any(map(is_ours, rows)):
        results = os.path.join(HERE, "results")
        os.makedirs(results, exist_ok=True)
        with open(os.path.join(results, module + ".json"), "w") as f:
            f.write("[\n" + ",\n".join("  " + json.dumps(r) for r in rows) + "\n]\n")
        with open(os.path.join(results, module + ".machine.json"), "w") as f:
            json.dump(facts(), f, indent=2)
            f.write("\n")
        subprocess.run([sys.executable, os.path.join(HERE, "plot.py"), module], check=True)


if __name__ == "__main__":
    main()
