/*
 * base/fault.h - every way something may end, from one table (base/fault.def).
 *
 * A function that can fail returns enum fault; FAULT_NONE is 0. Detail goes into
 * a caller-owned struct note. The first fault of a connection or a request is
 * the one that counts.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdbool.h>

#define FAULT(symbol, status, who, level, reason, text) FAULT_##symbol,
enum fault {
#include "base/fault.def"
    FAULT_COUNT
};
#undef FAULT

/* Whose doing it was. */
enum fault_who {
    FAULT_BY_NOBODY,
    FAULT_BY_CLIENT,
    FAULT_BY_UPSTREAM,
    FAULT_BY_GATE,  /* our policy said no */
    FAULT_BY_PROXY, /* our own trouble */
};

enum fault_level {
    FAULT_IS_DEBUG,
    FAULT_IS_INFO,
    FAULT_IS_NOTICE,
    FAULT_IS_WARNING,
    FAULT_IS_ERROR,
};

/* The HTTP status of our answer, or 0 where no answer can be given. */
unsigned fault_status(enum fault fault);

enum fault_who fault_who(enum fault fault);
const char *fault_who_name(enum fault_who who); /* "client", "upstream", ... */
enum fault_level fault_level(enum fault fault);

/* The stable word in logs, metrics and block pages, such as "tls-clear-text". */
const char *fault_reason(enum fault fault);

/* One plain English sentence without a full stop. */
const char *fault_text(enum fault fault);

/* The symbol as the source spells it, for tests and for the generated manual. */
const char *fault_symbol(enum fault fault);

#endif
