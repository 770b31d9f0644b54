/*
 * tests/unit/base/test_arena.c - ceiling, alignment, wiping, and giving all back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/chunk.h"

static void
pieces_are_aligned_and_apart(void **state)
{
    static const size_t sizes[] = { 1, 7, 16, 17, 0, 4000, CHUNK_BYTES, CHUNK_BYTES + 1,
        3 * CHUNK_BYTES };
    unsigned char *pieces[sizeof sizes / sizeof sizes[0]];
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        pieces[i] = arena_take(&arena, sizes[i]);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        memset(pieces[i], (int)i, sizes[i]);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(pieces[i][k], i);
    arena_clear(&arena);
}

static void
the_ceiling_holds(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 100);
    assert_null(arena_take(&arena, 101));
    assert_non_null(arena_take(&arena, 60));
    assert_null(arena_take(&arena, 60));
    assert_null(arena_take(&arena, SIZE_MAX));
    assert_null(arena_take(&arena, SIZE_MAX - 30)); /* rounding must not wrap */
    assert_null(
        arena_copy(&arena, bytes_of("....................................", 37)).at);
    assert_null(arena_print(&arena, "%060d", 1).at);
    assert_non_null(arena_take(&arena, 36));
    assert_null(arena_take(&arena, 1));
    assert_non_null(arena_copy(&arena, bytes_of(NULL, 0)).at);
    arena_clear(&arena);
    assert_non_null(arena_take(&arena, 100)); /* and again from the start */
    arena_clear(&arena);

    /* many pieces of one byte are bounded too, with what alignment costs */
    arena_init(&arena, 1000);
    for (int i = 0; i < 63; i++)
        assert_non_null(arena_take(&arena, 1));
    assert_null(arena_take(&arena, 1));
    arena_clear(&arena);
}

static void
clear_gives_back_every_chunk(void **state)
{
    const size_t lent = chunk_pool_lent();
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20);
    assert_int_equal(chunk_pool_lent(), lent);
    for (int i = 0; i < 100; i++)
        assert_non_null(arena_take(&arena, 5000));
    assert_int_equal(chunk_pool_lent(), lent + 34); /* three to a chunk */
    arena_clear(&arena);
    assert_int_equal(chunk_pool_lent(), lent);
    assert_int_equal(arena.used, 0);
    arena_clear(&arena); /* twice does no harm */
}

/* The pool hands the same chunk out again: it must not show the last request. */
static void
clear_wipes(void **state)
{
    static const char password[] = "corr3ct h0rse";
    struct arena arena;
    struct bytes copy;
    struct chunk *chunk;

    (void)state;
    arena_init(&arena, 1 << 20);
    copy = arena_copy(&arena, BYTES(password));
    assert_true(bytes_equal(copy, BYTES(password)));
    assert_ptr_not_equal(copy.at, password);
    arena_clear(&arena);
    chunk = chunk_take();
    assert_ptr_equal(chunk->bytes, copy.at);
    for (size_t i = 0; i < sizeof password; i++)
        assert_int_equal(chunk->bytes[i], 0);
    chunk_give(chunk);
}

static void
print_fits_its_text(void **state)
{
    struct arena arena;
    struct bytes text;

    (void)state;
    arena_init(&arena, 1 << 20);
    text = arena_print(&arena, "%s:%d", "mail.example.org", 443);
    assert_true(bytes_equal(text, BYTES("mail.example.org:443")));
    assert_int_equal(text.at[text.length], '\0');
    text = arena_print(&arena, "%0*d", (int)CHUNK_BYTES + 5, 7);
    assert_int_equal(text.length, CHUNK_BYTES + 5);
    text = arena_print(&arena, "%s", "");
    assert_int_equal(text.length, 0);
    assert_non_null(text.at);
    arena_clear(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_apart),
        cmocka_unit_test(the_ceiling_holds),
        cmocka_unit_test(clear_gives_back_every_chunk),
        cmocka_unit_test(clear_wipes),
        cmocka_unit_test(print_fits_its_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
