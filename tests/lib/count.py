#!/usr/bin/env python3
"""Counts what a ctest run did: a program of doctest counts by its test cases, a script by the "N passed, N failed" that
ends what it says, or as one check.

usage: count.py JUNIT.xml      prints "passed failed skipped", then a line per failed and per skipped test
"""
import re
import sys
import xml.etree.ElementTree as tree

SUMMARY = re.compile(r"test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed")
SCRIPT = re.compile(r"(?:^|\n)(\d+) passed, (\d+) failed[^\n]*\s*$")


def main():
    passed = failed = skipped = 0
    notes = []
    for case in tree.parse(sys.argv[1]).getroot().iter("testcase"):
        name, status = case.get("name"), case.get("status")
        output = case.findtext("system-out") or ""
        summary = SUMMARY.findall(output)
        if not summary:
            summary = [("", *m) for m in SCRIPT.findall(output)]
        last = (output.strip().splitlines() or [""])[-1][:160]
        if summary:
            good, bad = int(summary[-1][1]), int(summary[-1][2])
            if status != "run" and bad == 0:  # a sanitizer spoke after the summary, or the exit was not clean
                bad = 1
            passed, failed = passed + good, failed + bad
            if bad:
                notes.append("failed: %s, %d of %d" % (name, bad, good + bad))
        elif status == "run":
            passed += 1
        elif status == "notrun" and "SKIP_RETURN_CODE" in (case.find("skipped").get("message") or ""):
            skipped += 1
            notes.append("skipped: %s: %s" % (name, last))
        else:
            failed += 1
            notes.append("failed: %s: %s" % (name, last))
    print(passed, failed, skipped)
    print("\n".join(notes))


if __name__ == "__main__":
    main()
