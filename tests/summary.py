"""Sums up test runs for tests/run.sh.

    summary.py [REPORT.xml | --failed WHY | --skipped WHY]...     one line over ctest's JUnit reports; 1 when anything failed
    summary.py --programs BUILD_DIR < `ctest --show-only=json-v1`   the files of the build folder that the tests name

A ctest test that is a GoogleTest program or a unittest file counts as the cases in it, so that a skipped case is seen.
"""
import json
import re
import sys
import xml.etree.ElementTree as ElementTree

GTEST_CASE = re.compile(r"^\[ +(OK|FAILED|SKIPPED) +\] (\S+).* \(\d+ ms\)$", re.MULTILINE)
GTEST_REASON = r"^\[ RUN +\] {}\n(.*?)^\[ +SKIPPED"
UNITTEST = re.compile(r"^Ran (\d+) tests? in .*\n\n(?:OK|FAILED)(?: \((.*)\))?$", re.MULTILINE)


def cases_of(output):
    """(passed, failed, [what was skipped and why]) as the program's own output tells."""
    results = GTEST_CASE.findall(output)
    if results:
        skipped = []
        for result, name in results:
            if result == "SKIPPED":
                reason = re.search(GTEST_REASON.format(re.escape(name)), output, re.MULTILINE | re.DOTALL)
                # GoogleTest writes "FILE:LINE: Skipped" and the reason below it.
                words = re.sub(r"^\S+:\d+: Skipped$", "", reason[1] if reason else "", flags=re.MULTILINE).split()
                skipped.append(f"{name}: {' '.join(words) or 'no reason given'}")
        return sum(r == "OK" for r, _ in results), sum(r == "FAILED" for r, _ in results), skipped
    passed, failed, skipped = 0, 0, []
    for total, details in UNITTEST.findall(output):
        counts = {key: int(n) for key, n in re.findall(r"(\w+)=(\d+)", details)}
        bad = counts.get("failures", 0) + counts.get("errors", 0)
        skipped += re.findall(r"skipped ['\"](.*)['\"]$", output, re.MULTILINE) or ["no reason given"] * counts.get("skipped", 0)
        failed += bad
        passed += int(total) - bad - counts.get("skipped", 0)
    return passed, failed, skipped


def summarize(arguments):
    passed, failures, skips = 0, [], []
    arguments = iter(arguments)
    for argument in arguments:
        if argument == "--failed":
            failures.append(next(arguments))
            continue
        if argument == "--skipped":
            skips.append(next(arguments))
            continue
        preset = argument.split("/")[-2]
        try:
            tests = ElementTree.parse(argument).getroot().findall("testcase")
        except (OSError, ElementTree.ParseError) as error:
            tests = []
            failures.append(f"{preset}: no report of the tests ({error})")
        for test in tests:
            name, status = f"{preset}: {test.get('name')}", test.get("status")
            ok, bad, skipped = cases_of(test.findtext("system-out") or "")
            if status in ("notrun", "disabled"):
                reason = test.find("skipped")
                why = reason.get("message", "") if reason is not None else status
                told = re.findall(r"^SKIP(?:PED)?:? *(.*)$", test.findtext("system-out") or "", re.MULTILINE)
                # A program that ctest did not find was not skipped: it is missing.
                (skips if why.startswith("SKIP") or status == "disabled" else failures).append(f"{name}: {told[0] if told else why}")
                continue
            skips += [f"{name}: {what}" for what in skipped]
            if status == "fail":
                # One that crashed or ran out of time never named the case that did it.
                failures += [name] * max(bad, 1)
                passed += ok
            else:
                passed += max(ok, 0 if skipped else 1)
    print()
    for what in skips:
        print(f"skipped: {what}")
    for what in dict.fromkeys(failures):
        print(f"failed: {what}")
    print(f"{passed} passed, {len(failures)} failed, {len(skips)} skipped")
    return 1 if failures or not passed else 0


def programs(folder):
    words = [word for test in json.load(sys.stdin)["tests"] for word in test.get("command", [])]
    return sorted({word[len(folder) + 1:] for word in words if word.startswith(folder + "/")})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--programs"]:
        print(*programs(sys.argv[2]))
    else:
        sys.exit(summarize(sys.argv[1:]))
