/*
 * tests/unit/http/test_body.c - bodies out of their framing and back.
 *
 * What is refused is in tests/conformance.
 */
#include "http_test.h"

#include "http/body.h"

static struct chunk_queue wire, data;
static struct arena arena;
static struct http_body body;

static int
setup(void **state)
{
    (void)state;
    chunk_queue_init(&wire, 1024 * 1024);
    chunk_queue_init(&data, 1024 * 1024);
    arena_init(&arena, 4 * 1024 * 1024);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    chunk_queue_clear(&wire);
    chunk_queue_clear(&data);
    arena_clear(&arena);
    assert_int_equal(chunk_pool_lent(), 0);
    return 0;
}

static void
begin(enum http_framing_kind kind, uint64_t length)
{
    http_body_begin(&body, (struct http_framing){ .kind = kind, .length = length },
        &test_limits);
}

static void
decode(const char *bytes)
{
    chunk_queue_append(&wire, bytes_of_string(bytes));
    assert_fault(http_body_decode(&body, &wire, &data), FAULT_NONE);
}

static void
an_empty_body_has_ended_at_once(void **state)
{
    (void)state;
    begin(HTTP_NO_BODY, 0);
    assert_true(body.ended);
    begin(HTTP_LENGTH, 0);
    assert_true(body.ended);
    decode("GET /next");
    assert_int_equal(wire.length, 9);
    assert_fault(http_body_wire_ended(&body), FAULT_NONE);
}

static void
nothing_behind_the_end_is_taken(void **state)
{
    (void)state;
    begin(HTTP_LENGTH, 5);
    decode("helloGET /");
    assert_true(body.ended);
    assert_int_equal(wire.length, 5);
    assert_bytes(test_take_all(&data, &arena), "hello");

    chunk_queue_clear(&wire);
    begin(HTTP_CHUNKED, 0);
    decode("5;x=\"y\"\r\nhello\r\n1\r\n!\r\n0\r\nX: y\r\n\r\nGET /");
    assert_true(body.ended);
    assert_int_equal(wire.length, 5);
    assert_bytes(test_take_all(&data, &arena), "hello!");
    assert_int_equal(body.decoded, 6);
}

static void
an_early_end_is_no_end(void **state)
{
    (void)state;
    begin(HTTP_LENGTH, 5);
    decode("hell");
    assert_false(body.ended);
    assert_fault(http_body_wire_ended(&body), FAULT_UPSTREAM_TRUNCATED);

    begin(HTTP_CHUNKED, 0);
    decode("5\r\nhello\r\n0\r\n");
    assert_false(body.ended);
    assert_fault(http_body_wire_ended(&body), FAULT_UPSTREAM_TRUNCATED);
    decode("\r\n");
    assert_true(body.ended);
    assert_fault(http_body_wire_ended(&body), FAULT_NONE);
}

static void
close_ends_what_lasts_until_close(void **state)
{
    (void)state;
    begin(HTTP_UNTIL_CLOSE, 0);
    decode("anything");
    assert_false(body.ended);
    assert_fault(http_body_wire_ended(&body), FAULT_NONE);
    assert_true(body.ended);

    begin(HTTP_TUNNEL, 0);
    decode("5\r\n\r\n");
    assert_bytes(test_take_all(&data, &arena), "anything5\r\n\r\n");
}

static void
append_many(char byte, size_t count)
{
    static char block[CHUNK_BYTES];

    memset(block, byte, sizeof block);
    for (; count > 0; count -= count < sizeof block ? count : sizeof block)
        chunk_queue_append(&wire,
            bytes_of(block, count < sizeof block ? count : sizeof block));
}

/* The reader behind a full queue stops us; 25 MB need no more memory than 25 KB. */
static void
a_full_queue_stops_the_decoder(void **state)
{
    (void)state;
    chunk_queue_init(&data, 32 * 1024);
    begin(HTTP_CHUNKED, 0);
    chunk_queue_append(&wire, BYTES("40000\r\n"));
    append_many('a', 0x40000);
    chunk_queue_append(&wire, BYTES("\r\n0\r\n\r\n"));
    while (!body.ended) {
        assert_fault(http_body_decode(&body, &wire, &data), FAULT_NONE);
        assert_in_range(data.length, 0, 32 * 1024 + CHUNK_BYTES);
        chunk_queue_clear(&data);
    }
    assert_int_equal(body.decoded, 0x40000);
    assert_int_equal(wire.length, 0);
}

static void
whole_chunks_of_memory_change_hands(void **state)
{
    const struct chunk *second;

    (void)state;
    begin(HTTP_LENGTH, 3 * CHUNK_BYTES);
    append_many('a', 3 * CHUNK_BYTES);
    second = wire.head->next;
    assert_fault(http_body_decode(&body, &wire, &data), FAULT_NONE);
    assert_ptr_equal(data.head->next, second);
}

static void
what_is_encoded_is_decoded_as_it_was(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 3 * CHUNK_BYTES; piece = piece * 5 + 3) {
        begin(HTTP_CHUNKED, 0);
        append_many('x', piece);
        chunk_queue_move(&data, &wire, wire.length);
        http_body_encode(HTTP_CHUNKED, &data, false, &wire);
        http_body_encode(HTTP_CHUNKED, &data, false, &wire); /* nothing: must not end */
        chunk_queue_append(&data, BYTES("end"));
        http_body_encode(HTTP_CHUNKED, &data, true, &wire);
        assert_int_equal(data.length, 0);
        assert_fault(http_body_decode(&body, &wire, &data), FAULT_NONE);
        assert_true(body.ended);
        assert_int_equal(data.length, piece + 3);
        assert_int_equal(wire.length, 0);
        chunk_queue_clear(&data);
    }
}

static void
encoding_is_exact(void **state)
{
    (void)state;
    chunk_queue_append(&data, BYTES("hello, chunked"));
    http_body_encode(HTTP_CHUNKED, &data, true, &wire);
    assert_bytes(test_take_all(&wire, &arena), "e\r\nhello, chunked\r\n0\r\n\r\n");
    http_body_encode(HTTP_CHUNKED, &data, true, &wire);
    assert_bytes(test_take_all(&wire, &arena), "0\r\n\r\n");
    chunk_queue_append(&data, BYTES("hello"));
    http_body_encode(HTTP_LENGTH, &data, true, &wire);
    assert_bytes(test_take_all(&wire, &arena), "hello");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_body_has_ended_at_once),
        TEST(nothing_behind_the_end_is_taken),
        TEST(an_early_end_is_no_end),
        TEST(close_ends_what_lasts_until_close),
        TEST(a_full_queue_stops_the_decoder),
        TEST(whole_chunks_of_memory_change_hands),
        TEST(what_is_encoded_is_decoded_as_it_was),
        TEST(encoding_is_exact),
    };

    return cmocka_run_group_tests_name("body", tests, NULL, NULL);
}
