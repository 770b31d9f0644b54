"""The .def tables: words that other people's rules rely on stand there once.

A row is NAME(...) at the start of a line. The columns below must be unique in
their table, and look as they should.
"""

import re

import lint

KEBAB = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
SYMBOL = r"[A-Z][A-Z0-9_]*"
DOTTED = r"[a-z_][a-z0-9_]*(\.[a-z0-9_]+)*"

# table: row name, [(column, what it must look like, the name for messages)]
TABLES = {
    "base/fault.def": ("FAULT", [(0, SYMBOL, "symbol"), (4, KEBAB, "reason")]),
    "http/fields.def": ("FIELD", [(0, SYMBOL, "symbol"), (1, r"[A-Za-z0-9-]+", "name")]),
    "log/event.def": ("EVENT", [(0, SYMBOL, "symbol"), (1, KEBAB, "action")]),
    "log/event_field.def": ("EVENT_FIELD", [(0, SYMBOL, "symbol"), (1, DOTTED, "name")]),
}

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


def check(root):
    for path, (row_name, columns) in TABLES.items():
        yield from check_table(root, path, row_name, columns)


GOOD = {
    "base/fault.def": 'FAULT(NONE, 0, NOBODY, INFO, "none", "nothing, really")\n'
    'FAULT(A, 0, CLIENT, INFO, "a-b", "text")\n',
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
]

if __name__ == "__main__":
    lint.main(check, GOOD, BAD)
