"""The .def tables: words that other people's rules rely on stand there once.

A row is NAME(...) at the start of a line. The columns below must be unique in
their table, and look as they should. A fault that nothing raises and an event that
nothing emits is a promise that nobody keeps: such a row must go, or be used.
"""

import re

import lint

KEBAB = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
SYMBOL = r"[A-Z][A-Z0-9_]*"
DOTTED = r"[a-z_][a-z0-9_]*(\.[a-z0-9_]+)*"

# table: row name, [(column, what it must look like, the name for messages)]
TABLES = {
    "base/fault.def": ("FAULT", [(0, SYMBOL, "symbol"), (4, KEBAB, "reason")]),
    "config/method.def": ("METHOD", [(0, r"[A-Z]+", "name")]),
    "http/fields.def": ("FIELD", [(0, SYMBOL, "symbol"), (1, r"[A-Za-z0-9-]+", "name")]),
    "log/event.def": ("EVENT", [(0, SYMBOL, "symbol"), (1, KEBAB, "action")]),
    "log/event_field.def": ("EVENT_FIELD", [(0, SYMBOL, "symbol"), (1, DOTTED, "name")]),
}

# table: what its symbols begin with in the code
USED = {"base/fault.def": "FAULT_", "log/event.def": "EVENT_"}
UNUSED = {"FAULT_NONE"}  # raised by nobody, that is its sense
# To be compared with is not to be raised.
RAISED = re.compile(r"(?<![=!<>]= )(?<!case )\b(?:FAULT|EVENT)_[A-Z0-9_]+\b")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)

CELL = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^,"]*)\s*(?:,|$)')


def cells(row):
    """The arguments of a row, text without its quotes."""
    return [match.strip().strip('"') for match in CELL.findall(row)]


def check_table(root, path, row_name, columns):
    seen = {}
    for number, line in lint.lines(root, path):
        if not line.startswith(row_name + "("):
            continue
        if not line.endswith(")"):
            yield f"{path}:{number}: a row is one line that ends with ')'"
            continue
        row = cells(line[len(row_name) + 1 : -1])
        for column, shape, name in columns:
            value = row[column] if column < len(row) else ""
            if not re.fullmatch(shape, value):
                yield f"{path}:{number}: the {name} \"{value}\" is not well formed"
            first = seen.setdefault((column, value.lower()), number)
            if first != number:
                yield f"{path}:{number}: the {name} \"{value}\" stands in line {first} already"
    if not seen:
        yield f"{path}:1: has no row {row_name}(...)"


def check_use(root):
    """Each symbol of these tables is named where the product is made, not in tests."""
    raised = set(UNUSED)
    for path in lint.sources(root, lint.FOLDERS, ".c", ".h", ".def"):
        if path.as_posix() not in USED:
            raised.update(RAISED.findall(COMMENT.sub("", (root / path).read_text())))
    for path, prefix in USED.items():
        row_name = TABLES[path][0] + "("
        for number, line in lint.lines(root, path):
            if line.startswith(row_name):
                symbol = prefix + cells(line[len(row_name) :])[0]
                if symbol not in raised:
                    yield f"{path}:{number}: nothing but tests uses {symbol}"


def check(root):
    for path, (row_name, columns) in TABLES.items():
        yield from check_table(root, path, row_name, columns)
    yield from check_use(root)


GOOD = {
    "base/fault.def": 'FAULT(NONE, 0, NOBODY, INFO, "none", "nothing, really")\n'
    'FAULT(A, 0, CLIENT, INFO, "a-b", "text")\n',
    "base/a.c": "return FAULT_A;\nreturn a == FAULT_NONE ? FAULT_B : a;\nsay(EVENT_STARTED);\n",
    "config/method.def": 'METHOD("GET", "RFC 9110, 9.3.1")\n',
    "http/fields.def": 'FIELD(HOST, "Host", 0)\n',
    "log/event.def": 'EVENT(STARTED, "started", "process", "start", "success", "event", "a")\n',
    "log/event_field.def": 'EVENT_FIELD(REASON, "event.reason", KEYWORD, 64, "b")\n',
}
ROW = 'FAULT(A, 0, C, I, "a", "t")\n'
BAD = [
    ({"base/fault.def": ROW + 'FAULT(B, 0, C, I, "a", "t")\n'},
     'base/fault.def:2: the reason "a" stands in line 1 already'),
    ({"base/fault.def": ROW + 'FAULT(A, 0, C, I, "b", "t")\n'}, 'the symbol "A" stands'),
    ({"base/fault.def": 'FAULT(A, 0, C, I, "a_b", "t")\n'}, 'the reason "a_b" is not'),
    ({"base/fault.def": ROW + 'FAULT(B, 0, C, I,\n"b", "t")\n'}, "a row is one line"),
    ({"http/fields.def": 'FIELD(A, "Host", 0)\nFIELD(B, "HOST", 0)\n'}, 'the name "HOST" stands'),
    ({"log/event.def": "/* nothing yet */\n"}, "has no row EVENT"),
    ({"base/fault.def": ROW + 'FAULT(LOST, 0, C, I, "lost", "t")\n'},
     "base/fault.def:2: nothing but tests uses FAULT_LOST"),
    ({"base/a.c": "if (a == FAULT_A)\n    say(EVENT_STARTED);\n"}, "uses FAULT_A"),
    ({"base/a.c": "case FAULT_A:\n    say(EVENT_STARTED);\n"}, "uses FAULT_A"),
    ({"base/a.c": "return FAULT_A; /* not EVENT_STARTED */\n"}, "uses EVENT_STARTED"),
    ({"base/a.c": "return FAULT_A;\n", "tests/a.c": "say(EVENT_STARTED);\n"}, "uses EVENT_STARTED"),
]

if __name__ == "__main__":
    lint.main(check, GOOD, BAD)
