#!/usr/bin/env python3
"""A header includes only lower floors or its own room; detail/ stays in its room; no block knows sim; each room has a fwd.hpp."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "single_include"))
import amalgamate  # noqa: E402

ROOT_FILES = {"config.hpp", "policy.hpp"}  # below the first floor


def verdict(name, target, gate):
    """Why `name` may not include `target`, or None."""
    room = lambda n: n.split("/")[0] if "/" in n else ""
    mine, its = room(name), room(target)
    if name == amalgamate.UMBRELLA:
        return None
    if target == amalgamate.UMBRELLA:
        return "no header includes the umbrella"
    if its == "":
        return None if target in ROOT_FILES else f"{target} lies in no room"
    if mine == "":
        return None if (name, target) == ("config.hpp", "core/assert.hpp") else f"{name} includes no room's header"
    if mine == its:
        return None
    if its == "sim":
        return "no block includes the simulated world; its tests do"
    if "/detail/" in target and mine != "with":
        return f"{its}/detail is private to {its}"
    if its == "with":
        return None if gate else "an outside library comes in through its gate only (#if FRYS_WITH_X)"
    if its not in amalgamate.FLOORS:
        return f"{its} is no room"
    if mine == "with":
        return None
    if mine == "sim":
        return None if amalgamate.FLOORS[its] <= 2 else "sim includes floors 0 to 2 only"
    if mine not in amalgamate.FLOORS:
        return f"{mine} is no room"
    a, b = amalgamate.FLOORS[mine], amalgamate.FLOORS[its]
    return None if b < a else f"{mine} (floor {a}) may include floors below {a} and {mine}, not {its} (floor {b})"


def self_test():
    bad = [("core/a.hpp", "queue/b.hpp"), ("queue/a.hpp", "simd/b.hpp"), ("net/a.hpp", "search/b.hpp"), ("sim/a.hpp", "io/b.hpp"),
           ("storage/a.hpp", "sim/disk.hpp"), ("storage/a.hpp", "memory/detail/b.hpp"), ("io/a.hpp", "with/uring.hpp"),
           ("core/a.hpp", "frys.hpp"), ("attic/a.hpp", "core/b.hpp"), ("config.hpp", "core/clock.hpp")]
    good = [("queue/a.hpp", "memory/b.hpp"), ("sim/a.hpp", "queue/b.hpp"), ("with/uring.hpp", "io/detail/b.hpp"),
            ("core/a.hpp", "policy.hpp"), ("io/a.hpp", "io/detail/b.hpp"), ("config.hpp", "core/assert.hpp")]
    assert all(verdict(a, b, None) for a, b in bad), [x for x in bad if not verdict(*x, None)]
    assert not any(verdict(a, b, None) for a, b in good), [x for x in good if verdict(*x, None)]


def main():
    self_test()
    tree = amalgamate.Tree(pathlib.Path(__file__).resolve().parents[2])
    errors = []
    for h in tree.headers.values():
        for line, target, gate, _ in h.internal:
            why = verdict(h.name, target, gate)
            if why:
                errors.append(f"include/frys/{h.name}:{line + 1}: {target}: {why}")
    rooms = {h.room for h in tree.headers.values() if h.public and h.room in amalgamate.FLOORS}
    for room in sorted(rooms):
        if f"{room}/fwd.hpp" not in tree.headers:
            errors.append(f"include/frys/{room}/: has no fwd.hpp")
    print("\n".join(errors) if errors else f"floors: {len(tree.headers)} headers in {len(rooms)} rooms, ok")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
