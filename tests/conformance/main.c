/*
 * tests/conformance/main.c - judges every row of every table, and tells in TAP.
 */
#include <stdio.h>

#include "base/require.h"
#include "tests/conformance/judge.h"

static unsigned tests, failures;

static enum fault
judge_row(const struct row *row, size_t step, bool is_response)
{
    return is_response ? judge_responses(row->raw, step, row->to)
                       : judge_requests(row->raw, step);
}

static void
check_row(const char *table, const struct row *row, bool is_response)
{
    enum fault whole = judge_row(row, SIZE_MAX, is_response);
    enum fault bytewise = judge_row(row, 1, is_response);
    enum fault threes = judge_row(row, 3, is_response);
    bool good = whole == row->fault && bytewise == row->fault && threes == row->fault;

    printf("%s %u - %s/%s\n", good ? "ok" : "not ok", ++tests, table, row->name);
    if (good)
        return;
    failures++;
    printf("# must be %s; is %s whole, %s byte by byte, %s in threes\n",
        fault_symbol(row->fault), fault_symbol(whole), fault_symbol(bytewise),
        fault_symbol(threes));
}

static void
check_table(const struct table *table, bool is_response)
{
    for (size_t i = 0; i < table->count; i++)
        check_row(table->name, &table->rows[i], is_response);
}

static void
check_variant(const struct row *row)
{
    check_row("variants", row, false);
}

int
main(void)
{
    check_table(&requests_passed, false);
    check_table(&requests_refused, false);
    check_table(&paths_refused, false);
    variants_each(check_variant);
    check_table(&responses_passed, true);
    check_table(&responses_refused, true);
    printf("1..%u\n", tests);
    require(chunk_pool_lent() == 0);
    return failures > 0;
}
