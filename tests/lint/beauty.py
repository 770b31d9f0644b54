"""Sizes, names and words: the rules of docs/style.md that a script can judge."""

import re

import lint

FILE_LINES = 600
FUNCTION_LINES = 60
# Written apart, or this file would have to be left out of its own rule.
WORDS = re.compile(r"\b(TO" "DO|FIX" "ME|XX" "X|HA" r"CK)\b")
UNSAFE = re.compile(
    r"\b(alloca|atoi|atol|gets|popen|sprintf|strcat|strcpy|strtok|system|vsprintf)\("
)


def judge_head(path, text):
    """Each source begins by saying what it is for, ours under its own name."""
    head = "/*\n * " if path.parts[0] == "tests" else f"/*\n * {path.as_posix()} - "
    if not text.startswith(head):
        yield f"{path}:1: does not begin with {head!r}"


def judge_guard(path, text):
    """FOLDER_FILE_H; in tests FILE_H is enough."""
    checked = path.name if path.parts[0] == "tests" else path.as_posix()
    guard = re.sub(r"[^A-Z0-9]", "_", checked.upper())
    found = re.search(r"^#ifndef (\w+)\n#define \1\n", text, re.MULTILINE)
    if not found or found[1] != guard and not (
        path.parts[0] == "tests" and found[1].endswith("_" + guard)
    ):
        yield f"{path}:1: has no guard {guard}"


def judge_functions(path, numbered):
    """A function's brace stands at the start of a line, as clang-format puts it."""
    texts = [""] + [text for _, text in numbered]
    for number, text in numbered:
        if text != "{":
            continue
        start = number - 1
        while start > 1 and not re.match(r"\w+\(", texts[start]):
            start -= 1
        end = texts.index("}", number) if "}" in texts[number:] else len(texts)
        above = start - 2  # over the line with the return type
        explained = above > 0 and texts[above].startswith("/* long: ")
        if end - start + 1 > FUNCTION_LINES and not explained:
            name = texts[start].split("(")[0]
            yield f"{path}:{start}: {name} has {end - start + 1} lines"


def judge_words(path, numbered):
    for number, text in numbered:
        if match := WORDS.search(text):
            yield f"{path}:{number}: says {match[1]}"
        if path.parts[0] != "tests" and (match := UNSAFE.search(text)):
            yield f"{path}:{number}: uses {match[1]}"


def check(root):
    for path in lint.sources(root, lint.FOLDERS + ["tests"], ".c", ".h", ".def", ".py", ".build"):
        numbered = lint.lines(root, path)
        text = "".join(line + "\n" for _, line in numbered)
        yield from judge_words(path, numbered)
        if path.suffix in (".c", ".h"):
            yield from judge_head(path, text)
            yield from judge_functions(path, numbered)
            if len(numbered) >= FILE_LINES:
                yield f"{path}:1: has {len(numbered)} lines"
        if path.suffix == ".h":
            yield from judge_guard(path, text)


HEAD = "/*\n * base/a.%s - for the test.\n */\n"
GUARD = "#ifndef BASE_A_H\n#define BASE_A_H\n#endif\n"


def function(body_lines, above=""):
    head = "static int\nf(int a,\n    int b)\n{\n"
    return HEAD % "c" + above + head + "    g();\n" * body_lines + "}\n"


GOOD = {
    "base/a.c": function(56),
    "base/a.h": HEAD % "h" + GUARD,
    "tests/unit/a.h": (HEAD % "h").replace("base", "tests/unit") + GUARD.replace("BASE", "UNIT"),
}
BAD = [
    ({"base/a.c": function(57)}, "base/a.c:5: f has 61 lines"),
    ({"base/a.c": function(90) + "/* long: no reason for the one above */\n"}, "f has 94 lines"),
    ({"base/a.c": HEAD % "c" + "int a;\n" * 597}, "has 600 lines"),
    ({"base/a.c": "int a;\n"}, "does not begin with"),
    ({"base/a.c": HEAD % "h"}, "does not begin with"),
    ({"base/a.h": HEAD % "h" + "#ifndef A_H\n#define A_H\n#endif\n"}, "has no guard BASE_A_H"),
    ({"base/a.c": HEAD % "c" + "/* TO" "DO: more */\n"}, "base/a.c:4: says"),
    ({"base/b.def": "/* XX" "X */\n"}, "base/b.def:1: says"),
    ({"tests/a.py": "# FIX" "ME\n"}, "says"),
    ({"base/a.c": HEAD % "c" + "strcpy(a, b);\n"}, "uses strcpy"),
]

if __name__ == "__main__":
    # A long function is fine when the line above says why.
    GOOD["base/b.c"] = function(90, "/* long: one row per state */\n").replace("base/a", "base/b")
    lint.main(check, GOOD, BAD)
