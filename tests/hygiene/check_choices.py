#!/usr/bin/env python3
"""Draws docs/queue-choices.svg, which leads from what threads want of each other to the block that does it; and checks that
the picture is fresh, shows every block of the table in docs/queue.md, and none that is not there.

  check_choices.py          checks        check_choices.py --write   draws
"""
import html
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
PICTURE = TOP / "docs/queue-choices.svg"
# A question: (text, [(answer, question or block)...]).
TREE = ("Who is to have a value?", [
    ("one thread", ("In which order?", [
        ("as they came", ("How many ends?", [
            ("one to one", ("Must every value arrive?", [
                ("yes", "spsc_ring"), ("yes; between processes", "shared_ring"), ("only the newest", "spsc_ring, overwrite")])),
            ("many to one", ("Do nodes exist?", [("yes", "intrusive_mpsc_queue"), ("no", "mpsc_queue")])),
            ("many to many", ("Is there a bound?", [("yes", "mpmc_ring"), ("no", "segment_queue")]))])),
        ("of each producer only", "bag"),
        ("by rank", ("How many ranks?", [("a few", "lanes"), ("numbers", "relaxed_priority_queue")])),
        ("newest; thieves: oldest", "stealing_deque")])),
    ("every reader", ("May a late one lose some?", [("no", "broadcast_ring"), ("yes", "broadcast_ring, overwrite")])),
    ("whoever looks", ("What is looked at?", [
        ("the newest value", ("How large?", [("some words", "seqlock"), ("anything", "rcu_cell")])),
        ("values by key", ("May it forget?", [("no", "sharded_map"), ("yes", "lookup_cache")]))]))])
# What goes around a queue, whichever it is.
AROUND = ("Who waits for a queue?", [("a thread sleeps", "blocking"), ("a coroutine", "awaiting")])
TREES = (TREE, AROUND)
COLUMN, BOX_WIDTH, ROW, MARGIN = 310, 182, 34, 12
INK, PAPER, BOX, EDGE, LEAF = "#22303c", "#ffffff", "#eef3f7", "#8aa0b2", "#d9ecdf"


def leaves(node):
    return [node] if isinstance(node, str) else [name for _, below in node[1] for name in leaves(below)]


def shown_leaves():
    return [name for tree in TREES for name in leaves(tree)]


def depth(node):
    return 0 if isinstance(node, str) else 1 + max(depth(below) for _, below in node[1])


def draw():
    columns, out, row = max(map(depth, TREES)), [], 0
    width, height = 2 * MARGIN + (columns + 1) * COLUMN - (COLUMN - BOX_WIDTH), 2 * MARGIN + len(shown_leaves()) * ROW

    def place(node, column):
        """Draws what is below, then the node in the middle of it; answers its height."""
        nonlocal row
        is_leaf = isinstance(node, str)
        x, below = MARGIN + column * COLUMN, []
        if is_leaf:
            y, row = MARGIN + row * ROW + ROW / 2, row + 1
        else:
            below = [(answer, next_node, place(next_node, column + 1)) for answer, next_node in node[1]]
            y = (below[0][2] + below[-1][2]) / 2
        for answer, _, there in below:
            left, right = x + BOX_WIDTH, x + COLUMN
            out.append(f'<path d="M{left} {y} C{left + 14} {y} {left} {there} {left + 20} {there} H{right}" fill="none" stroke="{EDGE}"/>')
            # On the line's last piece, above it.
            out.append(f'<text x="{right - 4}" y="{there - 4}" text-anchor="end" font-size="10" fill="{INK}" stroke="{PAPER}" '
                       f'stroke-width="3" paint-order="stroke">{html.escape(answer)}</text>')
        text = node if is_leaf else node[0]
        font = ' font-family="monospace"' if is_leaf else ""
        out.append(f'<rect x="{x}" y="{y - 12}" width="{BOX_WIDTH}" height="24" rx="5" fill="{LEAF if is_leaf else BOX}" stroke="{EDGE}"/>')
        out.append(f'<text x="{x + BOX_WIDTH / 2}" y="{y + 4}" text-anchor="middle" font-size="{11.5 if is_leaf else 12}"{font} fill="{INK}">{html.escape(text)}</text>')
        return y

    for tree in TREES:
        place(tree, 0)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'font-family="sans-serif"><rect width="{width}" height="{height}" fill="{PAPER}"/>\n' + "\n".join(out) + "\n</svg>\n")


def main():
    picture = draw()
    if "--write" in sys.argv:
        PICTURE.write_text(picture)
    wrong = []
    if not PICTURE.is_file() or PICTURE.read_text() != picture:
        wrong.append("docs/queue-choices.svg is stale: check_choices.py --write")
    shown = {name.split(",")[0] for name in shown_leaves()}
    table = set(re.findall(r"^\| `([a-z_]+)<", (TOP / "docs/queue.md").read_text(), re.M))
    wrong += [f"the picture shows {name}, the table of docs/queue.md does not" for name in sorted(shown - table)]
    wrong += [f"docs/queue.md has {name}, the picture does not" for name in sorted(table - shown)]
    wrong += [f"the picture shows {name}, and there is no queue/{name}.hpp" for name in sorted(shown)
              if not (TOP / f"include/frys/queue/{name}.hpp").is_file()]
    print("\n".join(wrong) or f"choices: {len(shown)} blocks, ok")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
