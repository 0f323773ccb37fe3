#!/usr/bin/env python3
"""Code blocks of README and docs are regions of built files, never retyped.

In the markdown:  ```cpp file=examples/01_ring/main.cpp region=ring      in the source:  // [region ring] ... // [endregion ring]
Without region= it is the whole file. Shell blocks (```sh) and text blocks (```text, ```) are free; every other one needs file=.
  snippets.py --write   fills the blocks        snippets.py --check   fails if one differs        --self-test
"""
import pathlib
import re
import subprocess
import sys
import textwrap

TOP = pathlib.Path(__file__).resolve().parents[2]
FREE = {"", "sh", "text", "console"}


def region(text, name):
    """The lines of a region, without the markers of other regions and without common indentation; or why there is none."""
    lines = text.splitlines()
    if name:
        at = lambda word: [i for i, l in enumerate(lines) if re.fullmatch(rf"\s*(?://|#) \[{word} {re.escape(name)}\]\s*", l)]
        start, end = at("region"), at("endregion")
        if len(start) != 1 or len(end) != 1 or start[0] > end[0]:
            return None, f"has {len(start)} [region {name}] and {len(end)} [endregion {name}]; one of each is wanted, in this order"
        lines = lines[start[0] + 1:end[0]]
    lines = [l.rstrip() for l in lines if not re.fullmatch(r"\s*(?://|#) \[(?:end)?region \w+\]\s*", l)]
    return textwrap.dedent("\n".join(lines)).strip("\n"), None


def process(name, text, read):
    """The page with its blocks filled, and what is wrong with it."""
    out, errors, lines, i = [], [], text.split("\n"), 0
    while i < len(lines):
        m = re.match(r"^(\s*)```(\S*)\s*(.*)$", lines[i])
        if not m:
            out.append(lines[i])
            i += 1
            continue
        end = next((j for j in range(i + 1, len(lines)) if lines[j].strip() == "```"), None)
        if end is None:
            errors.append(f"{name}:{i + 1}: a code block without an end")
            out += lines[i:]
            break
        options = dict(re.findall(r"(\w+)=(\S+)", m.group(3)))
        body = lines[i + 1:end]
        if "file" in options:
            source = read(options["file"])
            code, why = region(source, options.get("region")) if source is not None else (None, "does not exist")
            if why:
                errors.append(f"{name}:{i + 1}: {options['file']} {why}")
            else:
                wanted = [(m.group(1) + l).rstrip() for l in code.split("\n")]
                if wanted != [b.rstrip() for b in body]:
                    errors.append(f"{name}:{i + 1}: differs from {options['file']} region {options.get('region', '(all)')}; "
                                  "run python3 tests/hygiene/snippets.py --write")
                body = wanted
        elif m.group(2) not in FREE:
            errors.append(f"{name}:{i + 1}: a {m.group(2)} block without file=...; code in docs is a region of a built file")
        out += [lines[i]] + body + [lines[end]]
        i = end + 1
    return "\n".join(out), errors


def self_test():
    source = "int a;\n  // [region r]\n  int b;\n  // [region s]\n    int c;\n  // [endregion s]\n  // [endregion r]\n"
    read = lambda path: source if path == "x.cpp" else None
    page = "t\n```cpp file=x.cpp region=r\nold\n```\nend\n"
    new, errors = process("p.md", page, read)
    assert "differs" in errors[0] and new == "t\n```cpp file=x.cpp region=r\nint b;\n  int c;\n```\nend\n", new
    assert process("p.md", new, read) == (new, [])
    for bad, why in (("```cpp\nint a;\n```", "without file="), ("```cpp file=y.cpp\n```", "does not exist"),
                     ("```cpp file=x.cpp region=q\n```", "one of each"), ("```sh\nls", "without an end")):
        assert any(why in e for e in process("p.md", bad, read)[1]), bad
    assert not process("p.md", "```sh\nls\n```\n```\nplain\n```", read)[1]


def built(path):
    """True if CMake builds the file, as far as its place tells."""
    return bool(re.match(r"(examples|tests|bench)/", path)) or path.startswith("include/frys/")


def main():
    self_test()
    if "--self-test" in sys.argv:
        return 0
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=TOP, capture_output=True, text=True)
    pages = [TOP / n for n in listed.stdout.split("\n") if n] or [TOP / "README.md", *(TOP / "docs").rglob("*.md")]
    bad = 0
    for page in sorted(p for p in pages if p.is_file()):
        read = lambda path: (TOP / path).read_text() if built(path) and (TOP / path).is_file() else None
        text = page.read_text()
        new, errors = process(page.relative_to(TOP).as_posix(), text, read)
        if "--write" in sys.argv:
            if new != text:
                page.write_text(new)
            errors = [e for e in errors if "differs from" not in e]
        for e in errors:
            print(e)
        bad += len(errors)
    print(f"snippets: {len(pages)} pages, {bad} blocks to mend" if bad else f"snippets: {len(pages)} pages, ok")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
