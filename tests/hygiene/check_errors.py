#!/usr/bin/env python3
"""docs/errors.md lists exactly the codes and domains of core/error.hpp, with their numbers; each code is reached by a test."""
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]


def enumerators(text, name):
    body = re.search(rf"enum class {name}\b[^{{;]*\{{(.*?)\}};", text, re.S).group(1)
    return {n: int(v) for n, v in re.findall(r"^\s*(\w+)\s*=\s*(\d+)", body, re.M)}


def listed(page):
    """name -> number of each table row: | 12 | `full` | or | `full` | 12 |."""
    out = {}
    for line in page.splitlines():
        cells = [c.strip(" `") for c in line.strip().strip("|").split("|")] if line.lstrip().startswith("|") else []
        for a, b in ((0, 1), (1, 0)):
            if len(cells) > 1 and cells[a].isdigit() and re.fullmatch(r"[a-z_]\w*", cells[b]):
                out.setdefault(cells[b], set()).add(int(cells[a]))
    return out


def compare(codes, domains, page):
    rows, errors = listed(page), []
    for what, names in (("errc", codes), ("domain", domains)):
        for name, number in names.items():
            if name not in rows and what == "errc":
                errors.append(f"docs/errors.md: no row for errc::{name} ({number})")
            elif name in rows and number not in rows[name]:
                errors.append(f"docs/errors.md: {what}::{name} is {number}, the page says {sorted(rows[name])}")
    for name in sorted(set(rows) - set(codes) - set(domains)):
        errors.append(f"docs/errors.md: lists `{name}`, which core/error.hpp does not have")
    return errors


def main():
    assert compare({"full": 12}, {"net": 8}, "| 12 | `full` | x |\n| 8 | `net` |") == []
    assert len(compare({"full": 12, "busy": 16}, {}, "| 13 | `full` |\n| 1 | `gone` |")) == 3
    text = (TOP / "include/frys/core/error.hpp").read_text()
    codes, domains = enumerators(text, "errc"), enumerators(text, "domain")
    page = TOP / "docs" / "errors.md"
    errors = compare(codes, domains, page.read_text()) if page.is_file() else ["docs/errors.md is missing"]
    for kind, names in (("errc", codes), ("domain", domains)):
        if len(set(names.values())) != len(names):
            errors.append(f"core/error.hpp: a number of {kind} is given twice")
    # Unit tests name a code; what only a running kernel shows is named in tests/ or examples/ all the same.
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "tests", "examples"], cwd=TOP, capture_output=True, text=True)
    tests = "".join((TOP / f).read_text() for f in files.stdout.split() if f.endswith((".cpp", ".hpp")) and (TOP / f).is_file())
    used = "".join(p.read_text() for p in (TOP / "include").rglob("*.hpp") if p.name != "error.hpp")
    for name in codes:
        if f"errc::{name}" in used and f"errc::{name}" not in tests:
            errors.append(f"errc::{name} is made by a header, and no test reaches it")
    print("\n".join(errors) if errors else f"errors: {len(codes)} codes, {len(domains)} domains, ok")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
