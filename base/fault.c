/*
 * base/fault.c - the table of base/fault.def, looked up.
 */
#include "base/fault.h"

#include "base/require.h"

static const struct {
    const char *symbol, *reason, *text;
    unsigned status;
    enum fault_who who;
    enum fault_level level;
} rows[FAULT_COUNT] = {
#define FAULT(symbol, status, who, level, reason, text)                                \
    [FAULT_##                                                                          \
        symbol] = { #symbol, reason, text, status, FAULT_BY_##who, FAULT_IS_##level },
#include "base/fault.def"
#undef FAULT
};

static unsigned
row_of(enum fault fault)
{
    require((unsigned)fault < FAULT_COUNT);
    return (unsigned)fault;
}

unsigned
fault_status(enum fault fault)
{
    return rows[row_of(fault)].status;
}

enum fault_who
fault_who(enum fault fault)
{
    return rows[row_of(fault)].who;
}

const char *
fault_who_name(enum fault_who who)
{
    static const char *const names[] = {
        [FAULT_BY_NOBODY] = "nobody",
        [FAULT_BY_CLIENT] = "client",
        [FAULT_BY_UPSTREAM] = "upstream",
        [FAULT_BY_GATE] = "gate",
        [FAULT_BY_PROXY] = "proxy",
    };

    require((unsigned)who < sizeof names / sizeof names[0]);
    return names[who];
}

enum fault_level
fault_level(enum fault fault)
{
    return rows[row_of(fault)].level;
}

const char *
fault_reason(enum fault fault)
{
    return rows[row_of(fault)].reason;
}

const char *
fault_text(enum fault fault)
{
    return rows[row_of(fault)].text;
}

const char *
fault_symbol(enum fault fault)
{
    return rows[row_of(fault)].symbol;
}
