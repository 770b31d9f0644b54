#!/usr/bin/python3
"""Adds up what the test runners wrote down: the closing line of ./dev test.

tally.py BUILD_FOLDER PASSED FAILED RECORD...

PASSED and FAILED count the checks that leave no record; RECORD names those that
pytest leaves in artifacts, beside meson's own. A runner that should have left one
and did not counts as a failure, so silence is never success.
"""

import sys
import xml.etree.ElementTree as xml
from pathlib import Path


def outcome(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def main(folder, passed, failed, *names):
    count = {"passed": int(passed), "failed": int(failed), "skipped": 0}
    lost = []
    records = [folder / "meson-logs/testlog.junit.xml", *(folder / f"artifacts/{name}.xml" for name in names)]
    for record in records:
        try:
            suites = list(xml.parse(record).getroot().iter("testsuite"))
        except (OSError, xml.ParseError) as error:
            print(f"no record of the tests: {error}")
            count["failed"] += 1
            continue
        for suite in suites:
            for case in suite.iter("testcase"):
                # meson's one line for a pytest run: its scenes have their own record.
                if record == records[0] and case.get("name") == "e2e":
                    continue
                result = outcome(case)
                count[result] += 1
                if result == "failed":
                    lost.append(f"{case.get('classname') or suite.get('name')}: {case.get('name')}")
    for name in lost:
        print(f"  failed: {name}")
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**count))
    return 0 if count["failed"] == 0 and count["passed"] > 0 else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
