#!/usr/bin/env python3
"""Draws bench/results/<module>.json as docs/plots/<module>-<workload>.svg: one group of bars per metric, the range of
the runs as a whisker, frys in colour. Legible on a light and on a dark page. Standard library only.

usage: plot.py [module...]     (all modules that have results)
"""
import html
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
RESULTS = os.path.join(HERE, "results")
PLOTS = os.path.join(HERE, os.pardir, "docs", "plots")
STYLE = """<style>
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 15px; font-weight: 600 } .small { font-size: 11px; fill: #57606a }
  .frys { fill: #0969da } .peer { fill: #8c959f } .whisker { stroke: #24292f; stroke-width: 1.2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 }
    .frys { fill: #4493f8 } .peer { fill: #6e7681 } .whisker { stroke: #e6edf3 }
  }
</style>"""
LEFT, WIDTH, BAR = 190, 420, 20


def number(x):
    return f"{x:,.0f}" if abs(x) >= 1000 else f"{x:.3g}"


def draw(module, workload, rows, facts):
    metrics = {}
    for row in rows:
        if row["contender"] != "limit":
            metrics.setdefault((row["metric"], row["unit"], row["better"]), []).append(row)
    limits = [r for r in rows if r["contender"] == "limit"]
    body, y = [], 26
    body.append(f'<text class="title" x="12" y="{y}">{html.escape(module)}: {html.escape(workload.replace("_", " "))}</text>')
    for (metric, unit, better), group in metrics.items():
        y += 30
        body.append(f'<text x="12" y="{y}">{html.escape(metric.replace("_", " "))}, {html.escape(unit)} '
                    f'({better} is better)</text>')
        y += 8
        # A bar that would dwarf the rest is cut, and its number says so.
        values = sorted(r["median"] for r in group)
        top = max(min(values[-1], 8 * values[len(values) // 2]), 1e-12)
        for row in sorted(group, key=lambda r: r["median"], reverse=better == "higher"):
            width = max(2.0, WIDTH * min(row["median"], top) / top)
            kind = "frys" if row["contender"].startswith("frys") else "peer"
            label = number(row["median"]) + (" (bar cut)" if row["median"] > top else "")
            body.append(f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{html.escape(row["contender"])}</text>')
            body.append(f'<rect class="{kind}" x="{LEFT}" y="{y + 2}" width="{width:.1f}" height="{BAR - 5}" rx="2"/>')
            low, high = (LEFT + WIDTH * min(row[k], top) / top for k in ("min", "max"))
            if row["median"] <= top and high > low + 1:
                body.append(f'<line class="whisker" x1="{low:.1f}" x2="{high:.1f}" y1="{y + 9}" y2="{y + 9}"/>')
            body.append(f'<text x="{max(LEFT + width, high) + 6:.1f}" y="{y + 14}">{label}</text>')
            y += BAR
    y += 22
    if limits:
        body.append(f'<text class="small" x="12" y="{y}">the bare machine in the same run: ' + html.escape(
            ", ".join(f'{r["metric"].replace("_", " ")} {number(r["median"])} {r["unit"]}' for r in limits)) + "</text>")
        y += 16
    body.append(f'<text class="small" x="12" y="{y}">{html.escape(facts.get("cpu", ""))}, {facts.get("cores", "?")} cores, '
                f'{html.escape(facts.get("compiler", ""))}, commit {html.escape(facts.get("commit", ""))}; median of '
                f'{max(r["runs"] for r in rows)} runs</text>')
    y += 14
    os.makedirs(PLOTS, exist_ok=True)
    path = os.path.join(PLOTS, f"{module}-{workload}.svg")
    width = LEFT + WIDTH + 110
    with open(path, "w") as f:
        f.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" width="{width}" height="{y}" '
                f'role="img">\n{STYLE}\n' + "\n".join(body) + "\n</svg>\n")


def main():
    wanted = sys.argv[1:] or sorted(n[:-5] for n in os.listdir(RESULTS)
                                    if n.endswith(".json") and not n.endswith(".machine.json"))
    for module in wanted:
        with open(os.path.join(RESULTS, module + ".json")) as f:
            rows = json.load(f)
        facts = {}
        try:
            with open(os.path.join(RESULTS, module + ".machine.json")) as f:
                facts = json.load(f)
        except OSError:
            pass
        workloads = {}
        for row in rows:
            workloads.setdefault(row["workload"], []).append(row)
        for workload, group in workloads.items():
            if any(r["contender"] != "limit" for r in group):
                draw(module, workload, group, facts)


if __name__ == "__main__":
    main()
