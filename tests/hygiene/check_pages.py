#!/usr/bin/env python3
"""Every public header is named in a page of docs, and every block in its room's row of the architecture; every page can be reached
from README.md, and every link leads somewhere: to a file that is there, and to a heading of it; so does every path in a code span.
--self-test breaks each."""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
# A log of changes names every header once; that explains none of them.
NOT_A_PAGE = {"docs/CHANGELOG.md"}
# `tests/run.sh`, `frys/with/uring.hpp`, `queue/order.hpp`: a path from the top, or of a header.
PATH = re.compile(r"`((?:tests|bench|examples|include|single_include|docs)/[\w./-]+|(?:frys/)?[a-z]+/[a-z_/]+\.hpp)`")
LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]+)\)")


def prose(text):
    """The page without its code blocks, in which nothing is a link or a heading."""
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def anchor(heading):
    """The name that a heading is reached by."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def is_named(header, pages):
    """As `stem`, `stem<T>`, `stem.hpp` or `room/stem.hpp`, in code spans of the prose, in whatever company there."""
    stem = pathlib.PurePath(header).stem
    word = re.compile(rf"(?<![\w-]){re.escape(stem)}(?![\w-])")
    return any(word.search(span) for text in pages.values() for span in re.findall(r"`([^`]+)`", prose(text)))


def rooms_without(blocks, page):
    """The blocks that do not stand in the row of their room: `| floor | `room` | what is in it | page |`."""
    rows = dict(re.findall(r"^\|[^|]*\| `(\w+)` \|([^|]*)\|", page, re.M))
    return [b for b in blocks
            if not re.search(rf"(?<![\w-]){re.escape(pathlib.PurePath(b).stem)}(?![\w-])", rows.get(b.split("/")[0], ""))]


def links(page):
    return [(target.partition("#")[0], target.partition("#")[2]) for target in LINK.findall(prose(page))
            if not re.match(r"[a-z]+:", target)]


def check(headers, pages, exists):
    """What is wrong. `pages`: text by path from the top; `exists`: whether a path from the top is there."""
    errors = [f"include/frys/{h}: no page of docs names it" for h in headers
              if not is_named(h, {name: text for name, text in pages.items() if name not in NOT_A_PAGE})]
    reached, work = set(), ["README.md"]
    while work:
        name = work.pop()
        if name in reached or name not in pages:
            continue
        reached.add(name)
        for path, part in links(pages[name]):
            parts = list(pathlib.PurePosixPath(name).parts[:-1]) if path else []
            for p in pathlib.PurePosixPath(path or name).parts:
                parts = parts[:-1] if p == ".." else parts + [p]
            target = "/".join(parts)
            if not exists(target):
                errors.append(f"{name}: the link to {path} leads nowhere")
            elif part and part not in {anchor(h) for h in re.findall(r"^#+ (.*)$", prose(pages.get(target, "")), re.M)}:
                errors.append(f"{name}: {target} has no heading #{part}")
            work.append(target)
    for name, text in pages.items():
        errors += [f"{name}: `{path}` is not there" for path in PATH.findall(prose(text))
                   if not any(exists(start + path) for start in ("", "include/", "include/frys/"))]
    return errors + [f"{name}: no link leads here, from README.md on" for name in sorted(set(pages) - reached)]


def self_test():
    pages = {"README.md": "see [a](docs/a.md) and [b](docs/a.md#the-b-side)", "docs/a.md": "`x<T>`\n## The b, side\n[r](../README.md)"}
    exists = lambda p: p in pages or p == "include/frys/q/x.hpp"
    def broken(what, headers=("q/x.hpp",), **changed):
        got = check(headers, {**pages, **{k.replace("__", "/") + ".md": v for k, v in changed.items()}}, exists)
        assert any(what in g for g in got), (what, got)
    assert not check(["q/x.hpp"], pages, exists), check(["q/x.hpp"], pages, exists)
    assert not check(["q/x.hpp"], {**pages, "docs/a.md": pages["docs/a.md"].replace("x<T>", "q/x.hpp")}, exists)
    broken("no page of docs names it", headers=["q/y.hpp"])
    broken("no page of docs names it", headers=["q/xx.hpp"])
    broken("no page of docs names it", docs__a="x is no code\n## The b side\n```\n`x`\n```")
    broken("no page of docs names it", headers=["q/y.hpp"], docs__CHANGELOG="`y.hpp`")
    broken("no link leads here", docs__b="alone")
    rooms = "| 1 | `q` | x, xx |\n| 2 | `r` | y |"
    assert not rooms_without(["q/x.hpp", "r/y.hpp"], rooms) and rooms_without(["q/y.hpp", "s/x.hpp"], rooms) == ["q/y.hpp", "s/x.hpp"]
    broken("leads nowhere", docs__a="`x` [c](c.md)\n## The b side")
    broken("`tests/x.py` is not there", docs__a="`x` `tests/x.py`\n## The b side")
    broken("`q/z.hpp` is not there", docs__a="`x` `q/z.hpp`\n## The b side")
    broken("has no heading", docs__a="`x`\n## Another")


def main():
    self_test()
    if "--self-test" in sys.argv:
        return 0
    include = TOP / "include/frys"
    headers = sorted(h for h in (p.relative_to(include).as_posix() for p in include.rglob("*.hpp"))
                     if "/detail/" not in h and not h.endswith("/fwd.hpp"))
    pages = {p.relative_to(TOP).as_posix(): p.read_text() for p in [TOP / "README.md", *sorted((TOP / "docs").rglob("*.md"))]}
    errors = check(headers, pages, lambda p: (TOP / p).exists())
    blocks = [h for h in headers if h.count("/") == 1 and re.search(r"^// Use when", (include / h).read_text(), re.M)]
    errors += [f"docs/architecture.md: the row of {b.split('/')[0]} does not name the block of {b}"
               for b in rooms_without(blocks, pages["docs/architecture.md"])]
    print("\n".join(errors) or f"pages: {len(headers)} headers, {len(blocks)} blocks, {len(pages)} pages, ok")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
