#!/usr/bin/env python3
"""Rules of the headers that no compiler checks, and what may not stand anywhere in the repository. --self-test breaks each."""
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "single_include"))
from amalgamate import scrub  # noqa: E402

TAG = "// frys: real model"
DATA = "// frys: orders as data"  # a header that speaks of memory orders instead of using them

# What touches the world outside: only files with the tag may.
WORLD = [
    (r"\bstd::atomic(?:<|_ref\b|_flag\b|_thread_fence\b|_signal_fence\b|_u?int\w*)", "std::atomic; take policy::atomics"),
    (r"\bstd::(?:recursive_|shared_|timed_)?mutex\b|\bstd::condition_variable|\bstd::(?:counting|binary)_semaphore\b"
     r"|\bstd::(?:latch|barrier)\b", "a blocking primitive of std; take parker, eventcount or policy::wait"),
    (r"\bstd::(?:j?thread\b|this_thread\b|async\b)", "std::thread; only a real model starts or names threads"),
    (r"\bchrono::(?:steady|system|high_resolution)_clock\b|\bstd::(?:time|clock)\s*\(", "a clock; take policy::clock"),
    (r"\b(?:clock_gettime|gettimeofday|nanosleep|usleep|__rdtsc|_?_builtin_ia32_rdtscp?)\b", "a clock; take policy::clock"),
    (r"\bstd::random_device\b|\bgetrandom\b|\bstd::s?rand\b", "randomness; take policy::random"),
    (r"\bstd::(?:[io]?fstream|fopen|fread|fwrite|remove|rename|tmpfile|filesystem)\b", "files; take policy::files"),
    (r"\b(?:mmap|munmap|madvise|mprotect|syscall|sched_yield|pthread_\w+|epoll_\w+|eventfd|timerfd_\w+|io_uring_\w+|sendmsg"
     r"|recvmsg|accept4|fdatasync|fsync|pwritev?|preadv?|getenv)\s*\(", "a system call; take the policy for it"),
    (r"(?<![\w>:])::(?!frys\b|new\b|operator\b|std\b)[a-z_]\w*\s*\(", "a call of a C function of the system; take the policy for it"),
    (r"^\s*#\s*include\s*<(?:sys/|linux/|netinet/|arpa/|unistd\.h|fcntl\.h|poll\.h|pthread\.h|sched\.h|time\.h|ctime|signal\.h"
     r"|netdb\.h|mutex|thread|condition_variable|shared_mutex|semaphore|random|fstream|liburing|windows\.h)", "a system header"),
]
# What no header does.
NEVER = [
    (r"^\s*#\s*include\s*<(?:iostream|functional|regex|sstream|filesystem|thread|iomanip|format)>",
     "a heavy standard header; the always-in part has a size budget"),
    (r"\bstd::(?:min|max)\s*\(", "write (std::min)(a, b): min and max may be macros"),
    (r"^(?:static|extern)\s(?!\s*\")", "static or extern at namespace scope; use inline"),
    (r"^(?:inline\s+)?namespace\s*\{", "an anonymous namespace in a header"),
    (r"^constexpr\s[^()]*=", "constexpr variable at namespace scope without inline"),
    (r"^namespace frys(?!::inline FRYS_ABI\b)", "write namespace frys::inline FRYS_ABI"),
    (r"\bthrow\b(?!\s*\()", "frys throws nothing of its own"),
    (r"\bNDEBUG\b|(?<!_)\bassert\s*\(", "NDEBUG changes nothing in frys; use FRYS_ASSERT"),
]
# What stands nowhere in the repository: places of one machine, hosts of registries, papers that only its authors see.
NOWHERE = [
    (r"(?<![\w.])/(?:work|root)/\w|/home/\w+/", "a path of one machine"),
    (r"\b(?:registry\.npmjs|pypi|files\.pythonhosted|crates|proxy\.golang|deb\.debian|security\.debian|archive\.ubuntu|conan)\."
     r"(?:org|io|com)\b", "the host of a package registry"),
    (r"\bCONTRACT\.md\b|\bEXEMPLARS\b|\bDESIGN(?:\.md)?(?: \d|\b\.md)|\.\./shared\b|\bissue #?\d", "a paper that users do not have"),
]
WEAK = re.compile(r"\bmemory_order_(relaxed|acquire|release|acq_rel|consume)\b|\bmemory_order::(?!seq_cst)\w+")
REASON = re.compile(r"//.*(?:sync\(|relaxed|acquire|release|acq_rel|order)")
SYNC = re.compile(r"sync\(([^)]*)\)")


def concept_lines(clean):
    """The line numbers inside concept definitions: they name operations and do none."""
    text, inside = "\n".join(clean), set()
    for m in re.finditer(r"\bconcept\s+\w+\s*=", text):
        depth, i = 0, m.end()
        while i < len(text) and (depth or text[i] != ";"):
            depth += {"{": 1, "(": 1, "}": -1, ")": -1}.get(text[i], 0)
            i += 1
        inside |= set(range(text.count("\n", 0, m.start()), text.count("\n", 0, i) + 1))
    return inside


def lint_header(name, text, syncs):
    out = []
    say = lambda i, what: out.append(f"include/frys/{name}:{i + 1}: {what}")
    lines, clean = text.splitlines(), scrub(text).splitlines()
    first = []
    for line in lines:
        if not line.startswith("//"):
            break
        first.append(line)
    stem = pathlib.PurePath(name).stem
    if not first or not re.match(r"// \S", first[0]):
        say(0, "the first line must be a comment that says what the header is: // " + stem + ": ...")
    real = TAG in [f.strip() for f in first]
    data = DATA in [f.strip() for f in first]
    tags = [i for i, line in enumerate(lines) if TAG in line]
    if tags and not real:
        say(tags[0], f"`{TAG}` belongs on a line of its own in the first comment")
    concepts = concept_lines(clean)
    for i, line in enumerate(clean):
        for pattern, what in NEVER + ([] if real else WORLD):
            if re.search(pattern, line):
                say(i, f"{what}  [{lines[i].strip()[:60]}]" + ("" if (pattern, what) in NEVER else f"; or tag the file `{TAG}`"))
        if WEAK.search(line) and i not in concepts and not data:
            near = lines[max(0, i - 6):i + 1] + [x for x in lines[i + 1:i + 2] if x.lstrip().startswith("//")]
            if not any(REASON.search(x) for x in near):
                say(i, "an order weaker than seq_cst without its reason: // sync(<type>.<event>): ..., or why relaxed is fine")
    for i, what in torn(lines):
        say(i, what)
    for i, line in enumerate(lines):
        if len(line) > 120:
            say(i, f"{len(line)} columns; 120 at most")
        comment = line.partition("//")[2]
        for s in SYNC.findall(comment):
            if not re.fullmatch(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*", s):
                say(i, f"sync({s}): write sync(<type>.<event>), lower case")
            syncs.setdefault(s, []).append(f"include/frys/{name}:{i + 1}")
            if f"sync({s}): acq_rel" in comment:  # a read-modify-write that pairs with itself on another thread
                syncs[s].append(syncs[s][-1])
    return out


COMMENT = re.compile(r"\s*// ( *)(\S.*)")
LABEL = re.compile(r"[A-Z][a-z'-]*(?: [a-z'-]+)? {2,}\S")  # `Use when  ...`, at the start of a comment's text
SWALLOWED = re.compile(r"[.:;)] [A-Z][a-z'-]*(?: [a-z'-]+)? {2,}\S")


def torn(lines):
    """Comments that clang-format's reflow has torn: it breaks a line that is too long and puts the rest at the margin, and
    there whatever follows is joined to it, a label like `Cost` too. Answers (line number, what)."""
    out, limit, deep = [], 120, 8
    parts = [m and (len(m[1]), m[2], line.index("//")) for line in lines for m in [COMMENT.fullmatch(line)]]
    for i, mine in enumerate(parts):
        if mine is None:
            continue
        if mine[0] == 0 and SWALLOWED.search(mine[1]):
            out.append((i, "a label in the middle of a comment's line: it starts a line"))
        prev, following = parts[i - 1] if i else None, parts[i + 1] if i + 1 < len(lines) else None
        prev, following = [x if x and x[2] == mine[2] else None for x in (prev, following)]
        if prev is None or re.search(r"\S {2,}\S", mine[1]):
            continue
        words, full = mine[1].split(), len(lines[i - 1]) + 1 + len(mine[1].split()[0]) > limit
        above, below = prev[0] + 1 >= deep or LABEL.match(prev[1]), following is not None and following[0] + 1 >= deep
        rest = mine[0] == 0 and (full and (above or below) or len(words) <= 2 and above and below)
        inner = full and len(words) <= 2 and not mine[1].endswith(":") and following is not None and following[0] > mine[0]
        example = full and re.search(r"\S +// ", prev[1]) and re.match(r"[a-z]+(?: |$)", mine[1])  # a line of code with a comment, in a comment
        if rest or inner or example:
            out.append((i, "the rest of a line that clang-format has broken: join it to its neighbours, at their indentation"))
    return out


def lint_any(name, text):
    return [f"{name}:{i + 1}: {what}  [{m.group(0)}]" for i, line in enumerate(text.splitlines())
            for pattern, what in NOWHERE for m in [re.search(pattern, line)] if m]


def lone(syncs):
    return [f"{places[0]}: sync({s}) stands at one end only; name the other end too" for s, places in sorted(syncs.items())
            if len(places) < 2]


BROKEN = [  # (a line, part of the answer)
    ("std::atomic<int> a{0};", "std::atomic"), ("std::atomic_thread_fence(std::memory_order_seq_cst);", "std::atomic"),
    ("std::mutex m;", "blocking primitive"), ("std::condition_variable c;", "blocking primitive"),
    ("std::thread t;", "std::thread"), ("auto t = std::chrono::steady_clock::now();", "a clock"),
    ("std::random_device r;", "randomness"), ("auto* f = std::fopen(p, q);", "files"), ("void* p = mmap(0, 1);", "system call"),
    ("int n = ::read(fd, p, 1);", "C function"), ("#include <unistd.h>", "system header"), ("#include <iostream>", "heavy"),
    ("int a = std::min(1, 2);", "std::min"), ("static int a = 1;", "namespace scope"), ("namespace {", "anonymous"),
    ("constexpr int a = 1;", "without inline"), ("namespace frys {", "FRYS_ABI"), ("  throw 1;", "throws nothing"),
    ("#ifdef NDEBUG", "NDEBUG"), ("a.load(std::memory_order_acquire);", "without its reason"),
    ("// sync(a.b): one end", "one end only"), ("// sync(A.b): acquire; sync(A.b)", "lower case"), ("x" * 121, "columns"),
    ("// frys: real model", "first comment"),
    ("// Cost      a word\n// more\n//           and again", "has broken"),
    ("// Cost      a word\n//           another\n// one more\n//           and again", "has broken"),
    ("// Cost      a " + "word " * 20 + "wo\n// and a third, a fourth\n#if 1", "has broken"),
    ("//           3. a " + "word " * 20 + "\n//           more;\n//              and again", "has broken"),
    ("//   f();  // a " + "word " * 20 + "wo\n//   and g();", "has broken"),
    ("// an end. Cost      a word", "starts a line"), ("  // more. Not when  a word", "starts a line"),
]
FINE = ["std::memory_order o;", "using std::chrono::nanoseconds;", "// std::mutex and ::read(fd) in a comment",
        'const char* s() { return "std::thread"; }', "a.load(std::memory_order_relaxed);  // relaxed: only a hint",
        "// sync(a.b): acq_rel; both ends are this exchange", "  // sync(a.b): acquire\n  a.load(std::memory_order_acquire);\n// sync(a.b)", "  frys::read(x);", "  ::new (p) T(1);",
        "template <class A> concept c = requires(A a) {\n  a.load(std::memory_order_acquire);\n};", "constexpr int f(int a = 1) {",
        "//   p<V>  a value. No spans   default none", "// Cost      a word\n//           and more\n// Close     another", "// one\n// more\n//\n//   an example", "// a.  b. C d",
        "// Cost      a word\n//           more\n// A sentence.", "// A text\n// as here:\n//   an example"]


def self_test():
    head = "// x: a header\n#ifndef X\n"
    for line, what in BROKEN:
        syncs = {}
        got = lint_header("core/x.hpp", head + line + "\n", syncs) + lone(syncs)
        assert any(what in g for g in got), f"the lint misses `{line}`: {got}"
    for line in FINE:
        syncs = {}
        got = lint_header("core/x.hpp", head + line + "\n", syncs) + lone(syncs)
        assert not got, f"the lint refuses `{line}`: {got}"
    for line in ("see /wo" + "rk/main/x", "https://py" + "pi.org/x", "as DESI" + "GN 4 says", "/ho" + "me/me/x"):
        assert lint_any("README.md", line), line
    for line in ("a framework/ro" + "ot/x", "networks", "design 4", "the issue 'queue'"):
        assert not lint_any("README.md", line), line


def main():
    self_test()
    if "--self-test" in sys.argv:
        return 0
    errors, syncs = [], {}
    headers = sorted((TOP / "include" / "frys").rglob("*.hpp"))
    for path in headers:
        errors += lint_header(path.relative_to(TOP / "include" / "frys").as_posix(), path.read_text(), syncs)
    errors += lone(syncs)
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=TOP, capture_output=True, text=True)
    names = listed.stdout.splitlines() if listed.returncode == 0 else [p.relative_to(TOP).as_posix() for p in headers]
    for name in names:
        path = TOP / name
        if not path.is_file() or path == pathlib.Path(__file__).resolve() or path.stat().st_size > 4 << 20:
            continue
        data = path.read_bytes()
        if b"\0" not in data[:4096]:
            errors += lint_any(name, data.decode("utf-8", "replace"))
    print("\n".join(errors) if errors else f"lint: {len(headers)} headers, {len(syncs)} sync pairs, {len(names)} files, ok")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
