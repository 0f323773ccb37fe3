#!/usr/bin/env python3
"""Makes one header out of include/frys. Python 3, standard library only; the same input gives the same bytes.

  amalgamate.py                        writes single_include/frys/frys.hpp
  amalgamate.py --check                fails if that file is stale or a header breaks a rule of amalgamation
  amalgamate.py --blocks a,b -o FILE   a header with only these blocks (or rooms) and what they need
  amalgamate.py --graph                the include graph as JSON
  --root DIR                           another tree than the one this script lies in

How: headers come in the order of their dependencies. Include guards stay, so the tree and the single header may meet in
one translation unit. A guard-less *-inl.hpp file is expanded at every include: one kernel text, N targets. Headers that
only some gates need (#if FRYS_WITH_X in frys.hpp) are written once, under exactly the gates that reach them; so none
vanishes because it was first seen under another gate. Standard headers are hoisted if nothing conditions them.
"""
import argparse
import hashlib
import json
import pathlib
import re
import sys

UMBRELLA = "frys.hpp"
OPT_IN = "// frys: never in the single header"  # a line of headers that change the program that includes them
# Internal includes that may stand inside an #if that is no gate: (file, what it includes).
CONDITIONAL = {
    ("core/assert.hpp", "config.hpp"),  # the pair config.hpp <-> core/assert.hpp, in either order
    ("simd/", "simd/detail/foreach_"),  # the choice of the back end
}
FLOORS = {"core": 0, "memory": 1, "queue": 2, "simd": 2, "sched": 3, "io": 4, "storage": 5, "search": 5, "net": 5,
          "plugin": 6, "runtime": 7}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')
GATE = re.compile(r"^\s*#\s*if\s+(?:defined\((FRYS_(?:WITH|OS)_\w+)\)\s*&&\s*)?(FRYS_(?:WITH|OS)_\w+)\s*$")
ALWAYS = frozenset([frozenset()])


def allowed(name, target):
    return any(name.startswith(a) and target.startswith(b) for a, b in CONDITIONAL)


def scrub(text):
    """The text without comments and the content of string literals; line numbers stay."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Za-z_])\'(?:\\.|[^\'\\\n])*\'', re.S)

    def blank(m):
        t = m.group(0)
        if t[0] == '"' and re.search(r"#\s*include\s*$", text[:m.start()].rpartition("\n")[2]):
            return t
        return t[0] + t[-1] if t[0] in "\"'" else "\n" * t.count("\n")

    return token.sub(blank, text)


class Header:
    """One file: its lines, its includes and where they stand."""

    def __init__(self, root, path, errors):
        self.name = path.relative_to(root).as_posix()
        self.room = self.name.split("/")[0] if "/" in self.name else ""
        self.inline = self.name.endswith("-inl.hpp")
        self.public = not self.inline and "detail" not in pathlib.PurePath(self.name).parts
        self.guard = "FRYS_" + re.sub(r"\W", "_", self.name).upper()
        raw = path.read_bytes()
        self.text = raw.decode("utf-8", "replace")
        self.lines = self.text.splitlines()
        self.clean = scrub(self.text).splitlines()
        self.internal = []  # (line index, target, gate or None, how: "head", "gated" or "place")
        self.std = set()  # line indices of standard headers to hoist
        say = lambda i, what: errors.append(f"include/frys/{self.name}:{i + 1}: {what}")
        if b"\r" in raw:
            say(0, "CRLF line ends; use LF")
        if b"\t" in raw:
            say(raw[:raw.index(b"\t")].count(b"\n"), "a tab; indent with spaces")
        self.lint_guard(say)
        stack, head = [], True  # stack of open #if lines, without the guard
        for i, line in enumerate(self.clean):
            if re.search(r"\busing\s+namespace\b", line):
                say(i, "`using namespace` in a header; name what you use")
            directive = re.match(r"\s*#\s*(\w+)(.*)", line)
            if not directive:
                head = head and not line.strip()
                continue
            word = directive.group(1)
            if word in ("if", "ifdef", "ifndef"):
                stack.append("" if word == "ifndef" and directive.group(2).strip() == self.guard else line)
            elif word == "endif" and stack:
                stack.pop()
            elif word in ("elif", "else") and stack:
                stack[-1] = "#else of " + stack[-1]
            elif word == "define" and directive.group(2).split()[:1] != [self.guard] and self.name != UMBRELLA:
                head = False
            elif word == "pragma" and "once" in directive.group(2).split():
                say(i, f"#pragma once; use the guard {self.guard}, which stays in the single header")
            m = INCLUDE.match(line)
            if not m:
                continue
            around = [s for s in stack if s]
            if m.group(1) == "<":
                if m.group(2).startswith("frys/") or (root / m.group(2)).is_file():
                    say(i, f"internal include <{m.group(2)}>; write it quoted and relative to this file")
                elif not around and re.fullmatch(r"\w+", m.group(2)):
                    self.std.add(i)
                continue
            target = (path.parent / m.group(2)).resolve()
            if not target.is_file() or root not in target.parents:
                say(i, f'"{m.group(2)}" is no file below include/frys; outside headers are included as <...>')
                continue
            name = target.relative_to(root).as_posix()
            gate = GATE.match(around[0]) if len(around) == 1 else None
            if gate and gate.group(1) in (None, gate.group(2)) and not name.endswith("-inl.hpp"):
                self.internal.append((i, name, gate.group(2), "gated"))
                continue
            if around and not name.endswith("-inl.hpp") and not allowed(self.name, name):
                say(i, f'"{m.group(2)}" is included inside `{around[-1].strip()}`: it would vanish for everybody '
                       "else; include it unconditionally, or under #if FRYS_WITH_X alone")
            # A header of with/ may set its gate before it includes: in the single header the gate is set already.
            at_head = (head or self.room == "with") and not around and not name.endswith("-inl.hpp")
            self.internal.append((i, name, None, "head" if at_head else "place"))

    def lint_guard(self, say):
        lines = [re.sub(r"\s+", " ", line.strip()) for line in self.clean]
        directives = [(i, line) for i, line in enumerate(lines) if line.startswith("#")]
        guarded = bool(directives) and re.match(r"# ?ifndef FRYS_\w+_HPP$", directives[0][1])
        if self.inline or self.name == UMBRELLA:
            if guarded:
                say(directives[0][0], "this file must have no include guard: it is meant to be included more than once")
        elif not guarded:
            say(0, f"no include guard; the first directive must be #ifndef {self.guard}")
        elif directives[0][1] != "#ifndef " + self.guard:
            say(directives[0][0], f"wrong guard name; this file's is {self.guard}")
        elif directives[1][1] != "#define " + self.guard:
            say(directives[1][0], f"the line after #ifndef must be #define {self.guard}")
        elif directives[-1][1] != "#endif" or not self.lines[directives[-1][0]].endswith("#endif  // " + self.guard):
            say(directives[-1][0], f"the last directive must be `#endif  // {self.guard}`")


class Tree:
    def __init__(self, top):
        self.top, self.root = top, (top / "include" / "frys").resolve()
        self.errors = []
        files = sorted(p for p in self.root.rglob("*.hpp"))
        self.headers = {h.name: h for h in (Header(self.root, p, self.errors) for p in files)}
        guards = {}
        for h in self.headers.values():
            if not h.inline and h.name != UMBRELLA and guards.setdefault(h.guard, h.name) != h.name:
                self.errors.append(f"include/frys/{h.name}:1: the guard {h.guard} is also that of {guards[h.guard]}")
        self.lint_cycles()
        if not self.errors:
            self.lint_places()

    def lint_cycles(self):
        state = {}

        def walk(name, path):
            state[name] = 1
            for i, target, _, _ in self.headers[name].internal:
                if (name, target) in CONDITIONAL:
                    continue
                if state.get(target) == 1:
                    ring = " -> ".join(path[path.index(target):] + [target])
                    self.errors.append(f"include/frys/{name}:{i + 1}: an include cycle: {ring}")
                elif target not in state:
                    walk(target, path + [target])
            state[name] = 2

        for name in self.headers:
            if name not in state:
                walk(name, [name])

    def conditions(self, roots):
        """For each header the gates that reach it: a set of alternatives, each a set of gates. Empty: always."""
        found = {r: ALWAYS for r in roots}
        work = list(roots)
        while work:
            name = work.pop()
            for _, target, gate, _ in self.headers[name].internal:
                new = {alt | {gate} if gate else alt for alt in found[name]} | found.get(target, frozenset())
                new = frozenset(a for a in new if not any(b < a for b in new))
                if new != found.get(target):
                    found[target] = new
                    work.append(target)
        return found

    def lint_places(self):
        """What stands in the middle of a header must not be needed under other gates than that header."""
        found = self.conditions([UMBRELLA]) if UMBRELLA in self.headers else {}
        for h in self.headers.values():
            for i, target, _, how in h.internal:
                if (how == "place" and not self.headers[target].inline and h.name in found and target not in ("config.hpp",)
                        and found[target] != found[h.name]):
                    self.errors.append(f"include/frys/{h.name}:{i + 1}: \"{target}\" is needed under other gates too; include it "
                                       "before anything else stands in this header")

    def unreached(self):
        found = self.conditions([UMBRELLA])
        return [h.name for h in self.headers.values() if h.public and h.name not in found and OPT_IN not in h.lines]

    def amalgamate(self, roots, title):
        conditions = self.conditions(roots)
        done, chunks, std = set(), [], {}

        def needs(name, seen):  # what must stand before this header: its head includes and those of files within it
            for _, target, _, how in self.headers[name].internal:
                if how != "place":
                    yield target
                elif target not in seen:
                    seen.add(target)
                    yield from needs(target, seen)

        def body(name, condition):
            h = self.headers[name]
            done.add(name)
            internal = {i: (target, how) for i, target, _, how in h.internal}
            for i, line in enumerate(h.lines):
                if i in h.std:
                    std.setdefault(condition, set()).add(INCLUDE.match(line).group(2))
                elif i not in internal:
                    yield line.rstrip()
                elif internal[i][1] == "place":
                    target = internal[i][0]
                    if self.headers[target].inline or target not in done:
                        yield from body(target, condition)

        def emit(name):
            if name in done:
                return
            if name == UMBRELLA:  # its body first: it sets the gates
                chunks.append((ALWAYS, list(body(name, ALWAYS))))
            for target in needs(name, {name}):
                emit(target)
            if name not in done:
                chunks.append((conditions[name], [f"// ---- frys/{name}"] + list(body(name, conditions[name]))))

        for r in roots:
            emit(r)
        sections = []  # neighbours under the same condition become one
        for condition, lines in chunks:
            if len(sections) > (roots == [UMBRELLA]) and sections[-1][0] == condition:
                sections[-1][1].extend(lines)
            else:
                sections.append((condition, list(lines)))
        out, opened = [], set()
        for condition, lines in sections:
            own = std.get(condition, set()) - (std.get(ALWAYS, set()) if condition != ALWAYS else set())
            own = own if condition not in opened and lines[0].startswith("// ----") else set()
            opened |= {condition} if lines[0].startswith("// ----") else set()
            block = [f"#include <{s}>" for s in sorted(own)] + [""] + lines
            if condition != ALWAYS:
                test = lambda alt: " && ".join(f"defined({g}) && {g}" for g in sorted(alt))
                alternatives = sorted(test(a) for a in condition)
                text = alternatives[0] if len(alternatives) == 1 else " || ".join(f"({a})" for a in alternatives)
                block = ["#if " + text] + block + ["#endif  // gate"]
            out += block
        text = "\n".join(out) + "\n"
        empty = re.compile(r"^[ ]*#if[^\n]*\n(?:[ ]*\n)*[ ]*#endif[^\n]*\n", re.M)
        while empty.search(text):
            text = empty.sub("", text)
        text = re.sub(r"\n{3,}", "\n\n", text).lstrip()
        version = re.search(r'FRYS_VERSION "([^"]+)"', self.headers["config.hpp"].text).group(1)
        rights = next((l for l in (self.top / "LICENSE").read_text().splitlines() if l.startswith("Copyright")), "")
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        return (f"// frys {version}, one header: {title}. Content {digest}.\n"
                f"// SPDX-License-Identifier: MIT  {rights}\n"
                "// Generated from include/frys by single_include/amalgamate.py; change the tree, not this file.\n\n"
                + text)

    def select(self, names):
        chosen = []
        for n in filter(None, (n.strip() for n in names)):
            hits = [h.name for h in self.headers.values() if h.public and (
                h.name[:-4] == n or h.room == n or h.name == n or h.name.rpartition("/")[2][:-4] == n)]
            if not hits:
                sys.exit(f"amalgamate: no block or room is called `{n}`; --graph lists them")
            chosen += [x for x in hits if x != UMBRELLA]
        return list(dict.fromkeys(chosen))

    def graph(self):
        conditions = self.conditions([UMBRELLA])
        return {h.name: {
            "room": h.room, "floor": FLOORS.get(h.room), "public": h.public,
            "includes": sorted({t for _, t, _, _ in h.internal}),
            "std": sorted({INCLUDE.match(h.lines[i]).group(2) for i in h.std}),
            "gates": None if h.name not in conditions else sorted(sorted(a) for a in conditions[h.name])}
            for h in self.headers.values()}


def main():
    p = argparse.ArgumentParser(description="Makes one header out of include/frys.")
    p.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    p.add_argument("--check", action="store_true", help="freshness and lint, writes nothing")
    p.add_argument("--blocks", help="blocks or rooms, by comma")
    p.add_argument("--graph", action="store_true", help="print the include graph as JSON")
    p.add_argument("-o", "--output", type=pathlib.Path)
    a = p.parse_args()
    tree = Tree(a.root.resolve())
    if a.graph:
        print(json.dumps(tree.graph(), indent=1, sort_keys=True))
        return 0
    for e in tree.errors:
        print(e, file=sys.stderr)
    if tree.errors:
        print(f"amalgamate: {len(tree.errors)} rules broken", file=sys.stderr)
        return 1
    if a.blocks:
        roots, output = tree.select(a.blocks.split(",")), a.output or sys.exit("amalgamate: --blocks wants -o FILE")
        text = tree.amalgamate(roots, "the blocks " + ", ".join(r[:-4] for r in roots))
    else:
        output = a.output or a.root / "single_include" / "frys" / "frys.hpp"
        text = tree.amalgamate([UMBRELLA], "the whole library")
    if a.check:
        missing = tree.unreached()
        for m in missing:
            print(f"include/frys/{m}:1: a public header that frys.hpp does not reach; add it there", file=sys.stderr)
        stale = not output.is_file() or output.read_text() != text
        if stale:
            print(f"{output}: stale; run python3 single_include/amalgamate.py and commit it", file=sys.stderr)
        return 1 if stale or missing else 0
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
