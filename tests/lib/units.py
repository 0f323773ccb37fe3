#!/usr/bin/env python3
"""Several sources as one translation unit, since most of a compiler's time goes into headers and what they instantiate.

usage: units.py SCRATCH SIZE FILE...    writes units of up to SIZE sources into SCRATCH and prints what is to be compiled

A unit includes what its sources include, then each of them in a namespace of its own, where names cannot meet. A source
that opens a namespace of the library, or replaces operator new, stays alone.
"""
import pathlib
import re
import sys

ALONE = re.compile(r"^(?:extern|template <>|namespace [a-z][a-z0-9_:]* \{)|operator new|DOCTEST_CONFIG_IMPLEMENT|count_new\.hpp", re.M)
INCLUDE = re.compile(r"^#\s*include\s+([<\"][^>\"]+[>\"])", re.M)


def includes(path):
    """What a source includes, with the place of the quoted ones spelled out; None if it must stay alone."""
    text = path.read_text()
    if ALONE.search(text):
        return None
    found = []
    for name in INCLUDE.findall(text):
        near = path.parent / name[1:-1]
        found.append(f'"{near.resolve()}"' if name[0] == '"' and near.is_file() else name)
    return found


def batches(paths, size):
    """The sources by room, each room in even batches of at most `size`, the lone ones by themselves."""
    rooms, alone = {}, []
    for p in paths:
        if includes(p) is None:
            alone.append([p])
        else:
            rooms.setdefault(p.parent, []).append(p)
    out = []
    for room in rooms.values():
        # By weight, so that no batch gets all the long ones.
        room.sort(key=lambda p: (-p.stat().st_size, p.name))
        count = -(-len(room) // size)
        out += [sorted(room[i::count]) for i in range(count)]
    return sorted(out + alone, key=lambda b: -sum(p.stat().st_size for p in b))


def text_of(batch):
    lines = [f"#include {i}" for i in dict.fromkeys(i for p in batch for i in includes(p))]
    for k, p in enumerate(batch):
        lines += [f"namespace source_{k} {{", f'#include "{p.resolve()}"', "}"]
    return "\n".join(lines) + "\n"


def write(path, text):
    if not path.is_file() or path.read_text() != text:
        path.write_text(text)


def main():
    scratch, size, paths = pathlib.Path(sys.argv[1]), int(sys.argv[2]), [pathlib.Path(p) for p in sys.argv[3:]]
    scratch.mkdir(parents=True, exist_ok=True)
    units = []
    for number, batch in enumerate(batches(paths, size)):
        if len(batch) == 1:
            units.append(batch[0].resolve())
        else:
            unit = scratch / f"unit_{batch[0].stem}_{number}.cpp"
            write(unit, text_of(batch))
            units.append(unit.resolve())
    print(";".join(map(str, units)), end="")


if __name__ == "__main__":
    main()
