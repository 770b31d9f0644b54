/*
 * tests/bench/bench_head.c - what one ordinary request head costs, in nanoseconds.
 *
 * A browser's request of some 600 bytes and 12 fields is found in a queue, copied
 * into an arena, parsed, confirmed by llhttp and its target canonicalised, as the
 * proxy does it. Prints the least disturbed of several runs; the share of each step by leaving
 * out those behind it.
 */
#include <stdio.h>
#include <time.h>

#include "base/require.h"
#include "http/head.h"
#include "http/url.h"

#define ROUNDS 20000
#define RUNS 40

static const char request[] =
    "GET /mail/?_task=mail&_action=list&_mbox=INBOX&_remote=1&_unlock=loading1700000 "
    "HTTP/1.1\r\n"
    "Host: mail.example.com\r\n"
    "Connection: keep-alive\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 "
    "Firefox/128.0\r\n"
    "Accept: application/json, text/javascript, */*; q=0.01\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "X-Roundcube-Request: 0WvJkq3mZr5cXbH1nT7s\r\n"
    "X-Requested-With: XMLHttpRequest\r\n"
    "Referer: https://mail.example.com/mail/?_task=mail&_mbox=INBOX\r\n"
    "Cookie: roundcube_sessid=3v0p1q2r3s4t5u6v; roundcube_sessauth=Zk3mJq8w\r\n"
    "Sec-Fetch-Dest: empty\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "\r\n";

enum step { FIND, PARSE, CANONICALISE };

static void
once(enum step last, const struct http_limits *limits)
{
    struct http_head_search search = { 0 };
    struct chunk_queue queue;
    struct arena arena;
    struct http_head head;
    struct url url;
    enum fault fault;
    size_t length;
    char *raw;

    chunk_queue_init(&queue, CHUNK_BYTES);
    arena_init(&arena, 256 * 1024);
    chunk_queue_append(&queue, bytes_of(request, sizeof request - 1));
    require(http_head_find(&search, &queue, limits, false, &length, &fault) ==
        HTTP_HAS_ALL);
    if (last >= PARSE) {
        raw = arena_take(&arena, length);
        require(raw != NULL);
        chunk_queue_peek(&queue, 0, raw, length);
        fault = http_request_parse(bytes_of(raw, length), limits, &arena, &head, NULL);
        require(fault == FAULT_NONE);
    }
    if (last >= CANONICALISE)
        require(url_canonicalise(head.target, &arena, &url) == FAULT_NONE &&
            url_judge(&url) == FAULT_NONE);
    chunk_queue_clear(&queue);
    arena_clear(&arena);
}

/* CPU time of this process: what else runs on the machine does not count. */
static uint64_t
cpu_ns(void)
{
    struct timespec now;

    require(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static double
least_ns(enum step last)
{
    const struct http_limits limits = HTTP_LIMITS_DEFAULT;
    double least = 1e9;

    for (unsigned run = 0; run < RUNS; run++) {
        uint64_t from = cpu_ns();
        double each;

        for (unsigned i = 0; i < ROUNDS; i++)
            once(last, &limits);
        each = (double)(cpu_ns() - from) / ROUNDS;
        least = each < least ? each : least;
    }
    return least;
}

int
main(void)
{
    printf("%zu bytes\n", sizeof request - 1);
    printf("queued and found    %7.0f ns\n", least_ns(FIND));
    printf("and parsed twice    %7.0f ns\n", least_ns(PARSE));
    printf("and canonicalised   %7.0f ns\n", least_ns(CANONICALISE));
    return 0;
}
