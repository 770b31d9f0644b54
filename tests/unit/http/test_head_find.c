/*
 * tests/unit/http/test_head_find.c - a head's end is found wherever the network cuts.
 */
#include "http_test.h"

#include "http/head.h"

#define REQUEST "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

static struct chunk_queue queue;
static struct http_head_search search;
static size_t head_bytes;
static enum fault fault;

static int
setup(void **state)
{
    (void)state;
    chunk_queue_init(&queue, CHUNK_BYTES);
    search = (struct http_head_search){ 0 };
    fault = FAULT_NONE;
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    chunk_queue_clear(&queue);
    assert_int_equal(chunk_pool_lent(), 0);
    return 0;
}

static enum http_progress
find(struct bytes more, bool is_response)
{
    chunk_queue_append(&queue, more);
    return http_head_find(&search, &queue, &test_limits, is_response, &head_bytes,
        &fault);
}

static void
the_end_is_found_byte_by_byte(void **state)
{
    struct bytes request = BYTES(REQUEST);

    (void)state;
    for (size_t i = 0; i + 1 < request.length; i++)
        assert_int_equal(find(bytes_of(request.at + i, 1), false), HTTP_NEEDS_MORE);
    assert_int_equal(find(bytes_of(request.at + request.length - 1, 1), false),
        HTTP_HAS_ALL);
    assert_int_equal(head_bytes, request.length);
}

static void
what_follows_is_left_alone(void **state)
{
    (void)state;
    assert_int_equal(find(BYTES(REQUEST "\n\n\0garbage"), false), HTTP_HAS_ALL);
    assert_int_equal(head_bytes, sizeof REQUEST - 1);
    assert_int_equal(queue.length, sizeof REQUEST "\n\n\0garbage" - 1);
}

static void
one_empty_line_before_a_request_is_dropped(void **state)
{
    (void)state;
    assert_int_equal(find(BYTES("\r"), false), HTTP_NEEDS_MORE);
    assert_int_equal(find(BYTES("\n"), false), HTTP_NEEDS_MORE);
    assert_int_equal(queue.length, 0);
    assert_int_equal(find(BYTES(REQUEST), false), HTTP_HAS_ALL);
    assert_int_equal(head_bytes, sizeof REQUEST - 1);
}

static void
none_is_dropped_before_a_response(void **state)
{
    (void)state;
    assert_int_equal(find(BYTES("\r\n"), true), HTTP_IS_REFUSED);
    assert_fault(fault, FAULT_UPSTREAM_MALFORMED);
}

/* A head that never ends must not be waited for: its first bad byte ends it. */
static void
refusal_does_not_wait_for_the_end(void **state)
{
    (void)state;
    assert_int_equal(find(BYTES("GET / HTTP/1.1\r\nA: b"), false), HTTP_NEEDS_MORE);
    assert_int_equal(find(BYTES("\n"), false), HTTP_IS_REFUSED);
    assert_fault(fault, FAULT_HTTP_BARE_LF);
}

static void
a_line_without_end_costs_its_bound(void **state)
{
    struct bytes part =
        BYTES("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    enum http_progress progress = HTTP_NEEDS_MORE;

    (void)state;
    while (progress == HTTP_NEEDS_MORE && queue.length < 1024 * 1024)
        progress = find(part, false);
    assert_int_equal(progress, HTTP_IS_REFUSED);
    assert_fault(fault, FAULT_HTTP_TARGET_LONG);
    assert_in_range(queue.length, test_limits.target_bytes,
        test_limits.target_bytes + 256);
}

/* A bound is met without a word; the first byte beyond it is refused, end or no end. */
static void
more_fields_than_allowed_are_not_waited_for(void **state)
{
    (void)state;
    assert_int_equal(find(BYTES("GET / HTTP/1.1\r\n"), false), HTTP_NEEDS_MORE);
    for (unsigned i = 0; i < test_limits.fields; i++)
        assert_int_equal(find(BYTES("A: b\r\n"), false), HTTP_NEEDS_MORE);
    assert_int_equal(find(BYTES("A: b\r\n"), false), HTTP_IS_REFUSED);
    assert_fault(fault, FAULT_HTTP_FIELD_COUNT);
}

static void
a_head_longer_than_allowed_is_not_waited_for(void **state)
{
    static char values[30 * 1024];

    (void)state;
    memset(values, 'v', sizeof values);
    assert_int_equal(find(BYTES("GET / HTTP/1.1\r\nA: "), false), HTTP_NEEDS_MORE);
    assert_int_equal(find(bytes_of(values, sizeof values), false), HTTP_NEEDS_MORE);
    assert_int_equal(find(BYTES("\r\nB: "), false), HTTP_NEEDS_MORE);
    assert_int_equal(find(bytes_of(values, sizeof values), false), HTTP_NEEDS_MORE);
    assert_int_equal(find(BYTES("\r\nC: "), false), HTTP_NEEDS_MORE);
    assert_int_equal(
        find(bytes_of(values, test_limits.head_bytes - queue.length), false),
        HTTP_NEEDS_MORE);
    assert_int_equal(find(BYTES("v"), false), HTTP_IS_REFUSED);
    assert_fault(fault, FAULT_HTTP_HEAD_LONG);
}

static void
a_head_over_several_chunks_is_found(void **state)
{
    (void)state;
    assert_int_equal(find(BYTES("GET / HTTP/1.1\r\n"), false), HTTP_NEEDS_MORE);
    for (unsigned i = 0; i < 60; i++) {
        char field[512];

        memset(field, 'v', sizeof field);
        memcpy(field, "A: ", 3);
        memcpy(field + sizeof field - 2, "\r\n", 2);
        assert_int_equal(find(bytes_of(field, sizeof field), false), HTTP_NEEDS_MORE);
    }
    assert_ptr_not_equal(queue.head, queue.tail);
    assert_int_equal(find(BYTES("\r\n"), false), HTTP_HAS_ALL);
    assert_int_equal(head_bytes, queue.length);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_end_is_found_byte_by_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(what_follows_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(one_empty_line_before_a_request_is_dropped,
            setup, teardown),
        cmocka_unit_test_setup_teardown(none_is_dropped_before_a_response, setup,
            teardown),
        cmocka_unit_test_setup_teardown(refusal_does_not_wait_for_the_end, setup,
            teardown),
        cmocka_unit_test_setup_teardown(a_line_without_end_costs_its_bound, setup,
            teardown),
        cmocka_unit_test_setup_teardown(more_fields_than_allowed_are_not_waited_for,
            setup, teardown),
        cmocka_unit_test_setup_teardown(a_head_longer_than_allowed_is_not_waited_for,
            setup, teardown),
        cmocka_unit_test_setup_teardown(a_head_over_several_chunks_is_found, setup,
            teardown),
    };

    return cmocka_run_group_tests_name("head_find", tests, NULL, NULL);
}
