/*
 * tests/unit/http/filter_test.h - a request as text, judged by a policy.
 */
#ifndef TESTS_UNIT_HTTP_FILTER_TEST_H
#define TESTS_UNIT_HTTP_FILTER_TEST_H

#include "http_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "http/filter.h"

#define WORDS(...)                                                                     \
    {                                                                                  \
        (const struct bytes[]){ __VA_ARGS__ },                                         \
            sizeof((const struct bytes[]){ __VA_ARGS__ }) / sizeof(struct bytes)       \
    }
#define WORD(text)                                                                     \
    {                                                                                  \
        (text), sizeof(text) - 1                                                       \
    }

#define NOW 1800000000

struct judged {
    struct arena arena;
    struct http_head head;
    struct url url;
    struct sockaddr_storage source;
    struct filter_input input;
    struct filter_verdict verdict;
};

static inline void
judged_read(struct judged *judged, const struct filter_policy *policy, const char *line,
    const char *fields)
{
    struct note note;
    struct bytes raw;

    arena_init(&judged->arena, 1024 * 1024);
    raw = arena_print(&judged->arena, "%s HTTP/1.1\r\nHost: mail.example.com\r\n%s\r\n",
        line, fields);
    assert_fault(
        http_request_parse(raw, &test_limits, &judged->arena, &judged->head, &note),
        FAULT_NONE);
    assert_fault(url_canonicalise(judged->head.target, &judged->arena, &judged->url),
        FAULT_NONE);
    judged->input = (struct filter_input){ policy, &judged->head, &judged->url,
        (struct sockaddr *)&judged->source, NOW, &judged->arena };
    judged->verdict = (struct filter_verdict){ .rule = NULL };
}

static inline void
judged_from(struct judged *judged, const char *address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&judged->source;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&judged->source;

    memset(&judged->source, 0, sizeof judged->source);
    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1)
        v4->sin_family = AF_INET;
    else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1)
        v6->sin6_family = AF_INET6;
}

/* A request line without its version, "Name: value\r\n" lines, and what must come of it. */
struct row {
    const char *line, *fields;
    enum fault fault;
    unsigned substatus;
    const char *rule; /* NULL when it passes */
};

static inline void
assert_row(const struct filter_policy *policy, const struct row *row)
{
    struct judged judged = { .source = { .ss_family = AF_UNSPEC } };
    const struct finding *refused = &judged.verdict.refused;

    judged_read(&judged, policy, row->line, row->fields);
    filter_judge(&judged.input, &judged.verdict);
    if (refused->fault != row->fault || refused->substatus != row->substatus ||
        strcmp(refused->rule == NULL ? "" : refused->rule,
            row->rule == NULL ? "" : row->rule) != 0)
        fail_msg("%s %s: %s, %u, %s", row->line, row->fields,
            fault_symbol(refused->fault), refused->substatus, refused->rule);
    arena_clear(&judged.arena);
}

#define PASSES FAULT_NONE, 0, NULL
#define ASSERT_ROWS(policy, rows)                                                      \
    do {                                                                               \
        for (size_t row_ = 0; row_ < sizeof(rows) / sizeof *(rows); row_++)            \
            assert_row((policy), &(rows)[row_]);                                       \
    } while (0)

#endif
