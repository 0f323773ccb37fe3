#!/usr/bin/env python3
"""The single header is fresh, its lint fires on each broken rule, and what the amalgamator makes compiles in every way in."""
import os
import pathlib
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
AMALGAMATE = TOP / "single_include" / "amalgamate.py"
CXX = os.environ.get("CXX") or "g++"
failures = 0


def expect(condition, what, detail=""):
    global failures
    if not condition:
        failures += 1
        print(f"FAILED: {what}\n{detail}")


def run(*args):
    return subprocess.run([str(a) for a in args], capture_output=True, text=True)


def header(name, body, guard=None):
    guard = guard or "FRYS_" + name.replace("/", "_").replace(".", "_").replace("-", "_").upper()
    return f"// {name}\n#ifndef {guard}\n#define {guard}\n{body}\n#endif  // {guard}\n"


# A small tree with everything that has once been got wrong: a header that two gates need, a pair that includes each other,
# a text that is expanded per target, a header that is first seen inside a gate and needed by a later one.
GOOD = {
    "config.hpp": header("config.hpp", '#define FRYS_VERSION "9.9.9"\n#define FRYS_ABI v9\n#include "core/assert.hpp"'),
    "core/assert.hpp": header("core/assert.hpp", '#ifndef FRYS_CONFIG_HPP\n#include "../config.hpp"\n#endif\n#include <cstdlib>\n'
                              "inline void frys_assert() { std::abort(); }"),
    "core/a.hpp": header("core/a.hpp", '#include <cstdint>\n#include "../config.hpp"\n#if defined(__linux__)\n#include <time.h>\n'
                         '#endif\nnamespace frys::inline FRYS_ABI { inline std::int32_t a() { return 1; } }'),
    "simd/shared.hpp": header("simd/shared.hpp", '#include <vector>\n#include "../core/a.hpp"\n'
                              "namespace frys::inline FRYS_ABI { inline int shared() { return a() + 1; } }"),
    "simd/text-inl.hpp": "// text: one kernel, N targets\nnamespace frys::inline FRYS_ABI::FRYS_NS { inline int k() { return FRYS_N; } }\n",
    "simd/dispatch.hpp": header("simd/dispatch.hpp", '#include "shared.hpp"\n#define FRYS_NS one\n#define FRYS_N 1\n'
                                '#include "text-inl.hpp"\n#undef FRYS_NS\n#undef FRYS_N\n#define FRYS_NS two\n#define FRYS_N 2\n'
                                '#include "text-inl.hpp"\n#undef FRYS_NS\n#undef FRYS_N'),
    "search/s.hpp": header("search/s.hpp", '#include "../simd/shared.hpp"\n'
                           "namespace frys::inline FRYS_ABI { inline int s() { return shared(); } }"),
    "frys.hpp": '// frys: the umbrella\n#include "config.hpp"\n#include "core/a.hpp"\n'
                '#if defined(FRYS_WITH_SEARCH) && FRYS_WITH_SEARCH\n#include "search/s.hpp"\n#endif\n'
                '#if FRYS_WITH_SIMD\n#include "simd/dispatch.hpp"\n#endif\n',
}


def tree(folder, changes=None):
    root = pathlib.Path(folder)
    (root / "LICENSE").write_text("MIT License\nCopyright (c) frys\n")
    for name, text in {**GOOD, **(changes or {})}.items():
        path = root / "include" / "frys" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return root


# (what, the changed files, what the lint must say)
BROKEN = [
    ("an internal include inside an #if", {"core/a.hpp": header("core/a.hpp", '#ifdef __linux__\n#include "assert.hpp"\n#endif')},
     "core/a.hpp:5: \"assert.hpp\" is included inside `#ifdef __linux__`: it would vanish"),
    ("an internal include inside a gate's #else", {"core/a.hpp": header("core/a.hpp", '#if FRYS_WITH_X\n#else\n#include "assert.hpp"\n#endif')},
     "is included inside `#else of #if FRYS_WITH_X`"),
    ("a gate with a second condition", {"core/a.hpp": header("core/a.hpp", '#if FRYS_WITH_X && defined(Y)\n#include "assert.hpp"\n#endif')},
     "would vanish"),
    ("#pragma once", {"core/a.hpp": "#pragma once\n" + GOOD["core/a.hpp"]}, "core/a.hpp:1: #pragma once"),
    ("no guard", {"core/a.hpp": "int a;\n"}, "core/a.hpp:1: no include guard"),
    ("a wrong guard name", {"core/a.hpp": header("core/a.hpp", "", "FRYS_CORE_B_HPP")}, "wrong guard name; this file's is FRYS_CORE_A_HPP"),
    ("a guard that another header has", {"core/a.hpp": header("core/a.hpp", "", "FRYS_CORE_ASSERT_HPP")}, "wrong guard name"),
    ("two headers whose names make one guard", {"core/a_b.hpp": header("core/a_b.hpp", ""), "core_a/b.hpp": header("core_a/b.hpp", "")},
     "the guard FRYS_CORE_A_B_HPP is also that of"),
    ("a #define of another name", {"core/a.hpp": GOOD["core/a.hpp"].replace("#define FRYS_CORE_A_HPP", "#define FRYS_CORE_A_HP")},
     "must be #define FRYS_CORE_A_HPP"),
    ("an #endif without the guard's name", {"core/a.hpp": GOOD["core/a.hpp"].replace("#endif  // FRYS_CORE_A_HPP", "#endif")},
     "the last directive must be"),
    ("a guard on an -inl file", {"simd/text-inl.hpp": header("simd/text-inl.hpp", "")}, "must have no include guard"),
    ("using namespace", {"core/a.hpp": header("core/a.hpp", "using namespace std;")}, "core/a.hpp:4: `using namespace`"),
    ("an internal angle include", {"core/a.hpp": header("core/a.hpp", "#include <frys/config.hpp>")}, "internal include <frys/config.hpp>"),
    ("a quoted outside header", {"core/a.hpp": header("core/a.hpp", '#include "hwy/highway.h"')}, "is no file below include/frys"),
    ("a cycle", {"core/a.hpp": header("core/a.hpp", '#include "b.hpp"'), "core/b.hpp": header("core/b.hpp", '#include "a.hpp"')},
     "an include cycle: core/a.hpp -> core/b.hpp -> core/a.hpp"),
    ("an include in the middle that another gate needs too", {"search/s.hpp": header("search/s.hpp", '#define X 1\n#include "../simd/shared.hpp"')},
     "simd/shared.hpp\" is needed under other gates too"),
    ("a tab", {"core/a.hpp": header("core/a.hpp", "int\ta;")}, "core/a.hpp:4: a tab"),
    ("CRLF", {"core/a.hpp": header("core/a.hpp", "int a;\r")}, "CRLF"),
]
FINE = [
    ("rules broken in comments and strings only", {"core/a.hpp": GOOD["core/a.hpp"].replace(
        "namespace frys", '// using namespace std; #include "nowhere.hpp"\n/* #pragma once */\ninline const char* t() { return "#pragma once"; }\nnamespace frys', 1)}),
]


def main():
    r = run(sys.executable, AMALGAMATE, "--check")
    expect(r.returncode == 0, "amalgamate.py --check of this repository", r.stderr)

    for what, changes, sentence in BROKEN:
        with tempfile.TemporaryDirectory() as t:
            r = run(sys.executable, AMALGAMATE, "--root", tree(t, changes), "-o", f"{t}/out.hpp")
            expect(r.returncode != 0 and sentence in r.stderr, f"lint: {what}: expected `{sentence}`", r.stderr)
    for what, changes in FINE:
        with tempfile.TemporaryDirectory() as t:
            r = run(sys.executable, AMALGAMATE, "--root", tree(t, changes), "-o", f"{t}/out.hpp")
            expect(r.returncode == 0, f"lint must accept: {what}", r.stderr)

    with tempfile.TemporaryDirectory() as t:
        root = tree(t)
        single = root / "single_include" / "frys" / "frys.hpp"
        expect(run(sys.executable, AMALGAMATE, "--root", root).returncode == 0, "the small tree amalgamates")
        text = single.read_bytes()
        run(sys.executable, AMALGAMATE, "--root", root)
        expect(text == single.read_bytes(), "the same input gives the same bytes")
        expect(run(sys.executable, AMALGAMATE, "--root", root, "--check").returncode == 0, "a fresh header passes --check")
        single.write_bytes(text + b"\n")
        r = run(sys.executable, AMALGAMATE, "--root", root, "--check")
        expect(r.returncode == 1 and "stale" in r.stderr, "a stale header fails --check", r.stderr)
        single.write_bytes(text)
        expect(text.count(b"inline int k()") == 2, "an -inl text is expanded at each include")
        expect(text.count(b"inline int shared()") == 1, "a header that two gates need is written once")
        lonely = header("core/lonely.hpp", "")
        (root / "include/frys/core/lonely.hpp").write_text(lonely)
        r = run(sys.executable, AMALGAMATE, "--root", root, "--check")
        expect("core/lonely.hpp:1: a public header that frys.hpp does not reach" in r.stderr, "an unreached header is told", r.stderr)
        (root / "include/frys/core/lonely.hpp").unlink()

        renamed = root / "any_name.h"
        renamed.write_bytes(text)
        uses = {"": "return frys::a() - 1;", "SEARCH": "return frys::s() - 2;",
                "SIMD": "return frys::one::k() + frys::two::k() - 3;",
                "SIMD SEARCH": "return frys::s() + frys::two::k() - 4;"}
        flags = [CXX, "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-x", "c++", "-I", root / "include"]
        for gates, use in uses.items():
            defines = "".join(f"#define FRYS_WITH_{g} 1\n" for g in gates.split())
            for order in (["any_name.h"], ["any_name.h", "include/frys/frys.hpp"], ["include/frys/frys.hpp", "any_name.h"],
                          ["any_name.h", "any_name.h"]):
                source = root / "use.cpp"
                source.write_text(defines + "".join(f'#include "{o}"\n' for o in order) + "int main() { " + use + " }\n")
                r = run(*flags, "-fsyntax-only", source)
                expect(r.returncode == 0, f"gates [{gates}], {' then '.join(order)}", r.stderr[:2000])
        source.write_text('#include "any_name.h"\n#define FRYS_WITH_SEARCH 1\n#include "any_name.h"\nint main() { return frys::s(); }\n')
        r = run(*flags, "-fsyntax-only", source)
        expect(r.returncode == 0, "a second include after another gate adds its names", r.stderr[:2000])

        r = run(sys.executable, AMALGAMATE, "--root", root, "--blocks", "s", "-o", root / "only_s.hpp")
        only = (root / "only_s.hpp").read_text()
        expect(r.returncode == 0 and "int s()" in only and "int k()" not in only and "#if defined(FRYS_WITH" not in only,
               "--blocks takes the closure of a block, without gates", r.stderr + only)
        r = run(sys.executable, AMALGAMATE, "--root", root, "--blocks", "nothing", "-o", root / "no.hpp")
        expect(r.returncode != 0 and "no block or room is called `nothing`" in r.stderr, "--blocks names an unknown block", r.stderr)
        r = run(sys.executable, AMALGAMATE, "--root", root, "--graph")
        expect(r.returncode == 0 and '"search/s.hpp"' in r.stdout, "--graph prints the graph", r.stderr)

    print("amalgamation:", "ok" if not failures else f"{failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
