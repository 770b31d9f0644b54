/*
 * base/require.h - assertions that stay on in production.
 *
 * For a programmer's mistake only, never for what the network or an operator
 * may cause. The process ends; its parent starts a fresh one, which is safer
 * than going on with a state that nobody thought of.
 */
#ifndef BASE_REQUIRE_H
#define BASE_REQUIRE_H

#include <stddef.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

#define require(condition)                                                             \
    do {                                                                               \
        if (!(condition))                                                              \
            require_failed(#condition, __FILE__, __LINE__);                            \
    } while (0)

/* Writes one line to standard error and aborts. */
_Noreturn void require_failed(const char *condition, const char *file, int line);

/* malloc, calloc, strdup that end the process when memory is out. Free with free(). */
void *require_alloc(size_t bytes);
void *require_zeroed(size_t count, size_t bytes);
char *require_copy(const char *text);

#endif
