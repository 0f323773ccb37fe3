#!/usr/bin/env python3
"""Draws docs/include-graph.svg: the rooms on their floors and who includes whom, out of the include graph itself.

  graph.py          writes the picture        graph.py --check   fails if it is stale
"""
import html
import pathlib
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "single_include"))
import amalgamate  # noqa: E402

WIDTH, ROW, MARGIN, GAP, LINE = 1080, 46, 16, 14, 15
INK, PAPER, BOX, EDGE, ALWAYS = "#22303c", "#ffffff", "#eef3f7", "#8aa0b2", "#d9ecdf"


def rooms_of(graph):
    rooms = {}
    for name, h in graph.items():
        if not h["room"]:
            continue
        room = rooms.setdefault(h["room"], {"headers": [], "to": {}, "always": False})
        if h["public"]:
            room["headers"].append(name.split("/")[-1][:-4])
            room["always"] |= h["gates"] == [[]]
        for target in h["includes"]:
            other = graph[target]["room"] if target in graph else ""
            if other and other != h["room"]:
                room["to"][other] = room["to"].get(other, 0) + 1
    return {k: v for k, v in rooms.items() if v["headers"]}


def rows_of(rooms):
    """The rows from the top floor down; sim beside the floors, with/ on top."""
    floors = {}
    for room in rooms:
        floor = {"with": 99, "sim": 4.5}.get(room, amalgamate.FLOORS.get(room, 98))
        floors.setdefault(floor, []).append(room)
    return [(f, sorted(floors[f])) for f in sorted(floors, reverse=True)]


def wrap(words, width):
    lines, line = [], ""
    for w in words:
        if line and len(line) + 2 + len(w) > width:
            lines.append(line)
            line = w
        else:
            line = f"{line}  {w}" if line else w
    return lines + [line] if line else lines


def draw(graph):
    rooms, out, y, place = rooms_of(graph), [], MARGIN, {}
    label = 92
    for floor, names in rows_of(rooms):
        width = (WIDTH - 2 * MARGIN - label - GAP * (len(names) - 1)) / len(names)
        texts = {n: wrap(sorted(h for h in rooms[n]["headers"] if h != "fwd"), int(width / 6.9)) for n in names}
        height = 30 + LINE * max(len(t) for t in texts.values()) + 6
        caption = {99: "libraries", 4.5: "simulation"}.get(floor, f"floor {floor}")
        out.append(f'<text x="{MARGIN}" y="{y + 20}" class="f">{caption}</text>')
        for i, n in enumerate(names):
            x = MARGIN + label + i * (width + GAP)
            place[n] = (x, y, width, height)
            fill = ALWAYS if rooms[n]["always"] else BOX
            out.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{height}" rx="6" fill="{fill}" stroke="{EDGE}"/>')
            out.append(f'<text x="{x + 10:.1f}" y="{y + 19}" class="r">{html.escape(n)}</text>')
            for j, line in enumerate(texts[n]):
                out.append(f'<text x="{x + 10:.1f}" y="{y + 36 + LINE * j}" class="h">{html.escape(line)}</text>')
        y += height + ROW
    arrows = []
    incoming = {}
    for n in sorted(rooms):
        for target in sorted(rooms[n]["to"]):
            if target in place and n in place:
                incoming.setdefault(target, []).append(n)
    for n in sorted(place, key=lambda n: (place[n][1], place[n][0])):
        targets = [t for t in sorted(rooms[n]["to"], key=lambda t: place.get(t, (0,))[0]) if t in place]
        for i, t in enumerate(targets):
            (x, top, w, h), (tx, ttop, tw, _) = place[n], place[t]
            sources = sorted(incoming[t], key=lambda s: place[s][0])
            a = x + w * (i + 1) / (len(targets) + 1)
            b = tx + tw * (sources.index(n) + 1) / (len(sources) + 1)
            start = top + h
            arrows.append(f'<path d="M{a:.1f} {start} C{a:.1f} {start + 34} {b:.1f} {ttop - 40} {b:.1f} {ttop - 2}" class="a" '
                          f'marker-end="url(#t)"><title>{n} includes {t}: {rooms[n]["to"][t]} times</title></path>')
    height = y - ROW + MARGIN + 22
    legend = (f'<text x="{MARGIN + label}" y="{height - 12}" class="h">green: always in the single header; others behind their gate. '
              "An arrow says: includes. fwd headers and detail/ are left out.</text>")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" role="img" '
            'aria-label="Rooms of frys on their floors and the includes between them">\n'
            f"<style>.r{{font-size:14px;font-weight:600;fill:{INK}}}.h{{font-size:11.5px;fill:{INK}}}.f{{font-size:12px;fill:{EDGE}}}"
            f".a{{fill:none;stroke:{EDGE};stroke-width:1.2;opacity:.65}}</style>\n"
            f'<defs><marker id="t" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            f'<path d="M0 0 L8 4 L0 8 z" fill="{EDGE}"/></marker></defs>\n'
            f'<rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>\n' + "\n".join(arrows + out) + f"\n{legend}\n</svg>\n")


def main():
    tree = amalgamate.Tree(TOP)
    picture, path = draw(tree.graph()), TOP / "docs" / "include-graph.svg"
    if "--check" in sys.argv:
        if not path.is_file() or path.read_text() != picture:
            print("docs/include-graph.svg: stale; run python3 tests/hygiene/graph.py and commit it")
            return 1
        print("include graph: fresh")
        return 0
    path.write_text(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
