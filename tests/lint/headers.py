"""Each header compiles alone, and twice: it includes what it needs, and has a guard.

Arguments after the root: the compiler's command line, as meson knows it.
"""

import concurrent.futures
import os
import subprocess
import sys

import lint

COMPILER = sys.argv[2:] or ["cc"]
OPTIONS = ["-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Werror", "-fsyntax-only", "-x", "c", "-"]


def compile_alone(root, path):
    source = f'#include "{path.as_posix()}"\n' * 2
    command = [*COMPILER, f"-I{root}", *OPTIONS]
    return subprocess.run(command, input=source, capture_output=True, text=True, check=False)


def check(root):
    paths = lint.sources(root, lint.FOLDERS, ".h")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, result in zip(paths, pool.map(lambda path: compile_alone(root, path), paths)):
            if result.returncode != 0:
                errors = [line for line in result.stderr.splitlines() if "error:" in line]
                yield f"{path}:1: does not compile alone: {errors[0] if errors else result.stderr}"


GOOD = {"base/a.h": "#ifndef A\n#define A\n#include <stddef.h>\nstruct a { size_t b; };\n#endif\n"}
BAD = [
    ({"base/b.h": "#ifndef B\n#define B\nstruct b { size_t c; };\n#endif\n"}, "base/b.h:1: does not"),
    ({"base/b.h": "struct b { int c; };\n"}, "redefinition"),
]

if __name__ == "__main__":
    lint.main(check, GOOD, BAD)
