/*
 * tests/fuzz/fuzz_upload.c - any bytes as a Content-Type, a line feed and a body.
 *
 * Whole, byte by byte and cut in the middle there is one verdict and one list of files,
 * under a rule of each kind: the fields read, read loosely, or nobody's.
 * What passes as multipart is read a second time, with the whole of it in sight.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/require.h"
#include "http/filter_priv.h"
#include "http/upload.h"

#define ARENA_BYTES 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
    struct arena arena;
    struct upload *upload; /* in the arena */
    struct finding found;
};

static const struct bytes words[] = { { ".exe", 4 }, { ".php", 4 }, { ".", 1 } };

#define SHAPE                                                                          \
    {                                                                                  \
        .set = { [12] = 0xfe, 0xff, 0xff, 0x07 }, .minimum = 1, .maximum = 1500        \
    }
static const struct bytes values[] = { { "v", 1 }, { "with*", 5 } };
static const struct bytes texts[] = { { "x", 1 }, { "yz", 2 } };
static const struct parameter_rule parameters[] = {
    { { "o", 1 }, true, { VALUE_ONE_OF, .one_of = { values, 2 } } },
    { { "s", 1 }, false, { VALUE_SHAPE, .shape = SHAPE } },
    { { "a*", 2 }, false, { .kind = VALUE_ANY } },
};
static const struct when chosen[] = { { { "w", 1 }, { values, 2 }, true },
    { { "*:m", 3 }, { NULL, 0 }, true } };
static const struct when closed[] = { { { "d", 1 }, { values, 2 }, false },
    { { "e", 1 }, { values, 2 }, false } };
static const struct condition conditions[] = {
    { .part = PART_PARAMETER, .name = { "p", 1 }, .test = TEST_PRESENT },
    { .part = PART_PARAMETER,
        .name = { "c", 1 },
        .test = TEST_CONTAINS_ALL,
        .words = { texts, 2 } },
    { .part = PART_PARAMETER,
        .name = { "g", 1 },
        .test = TEST_GLOB,
        .text = { "a*b?c*d", 7 } },
    { .part = PART_PARAMETER,
        .name = { "n", 1 },
        .test = TEST_NOT_SHAPE,
        .shape = SHAPE },
};
static const struct mitigation mitigations[] = {
    { .id = "M1", .conditions = conditions, .condition_count = 2 },
    { .id = "M2", .conditions = conditions + 2, .condition_count = 1 },
    { .id = "M3", .conditions = conditions + 3, .condition_count = 1 },
};
static const struct filter_policy policy = {
    .has_model = true,
    .upload_extensions_denied = { words, 3 },
    .mitigations = mitigations,
    .mitigation_count = 3,
};

#define RULE(kind, only)                                                               \
    {                                                                                  \
        .id = "R", .form = (kind), .only_parameters = (only),                          \
        .parameters = parameters, .parameter_count = 3, .when = chosen,                \
        .when_count = 2                                                                \
    }
static const struct path_rule rules[] = { { .id = "R" }, RULE(FORM_READ, false),
    RULE(FORM_READ, true), RULE(FORM_LOOSE, true) };
static const struct path_rule denying = { .id = "D",
    .action = RULE_DENY,
    .when = closed,
    .when_count = 2 };

static struct result
inspect(const struct path_rule *rule, struct bytes type, struct bytes body, size_t step)
{
    struct http_field field = { BYTES("Content-Type"), type, FIELD_CONTENT_TYPE };
    struct http_head head = { .fields = &field,
        .field_count = 1,
        .framing = { .kind = HTTP_CHUNKED } };
    const struct path_rule *waiting[] = { &denying };
    struct filter_memo memo = { .denying = waiting, .denying_count = 1 };
    struct filter_verdict verdict = { .rule = rule, .memo = &memo };
    struct url url = { .query = BYTES(""), .decoded = BYTES("/") };
    struct result result;
    struct filter_input input = { .policy = &policy,
        .head = &head,
        .url = &url,
        .arena = &result.arena };

    arena_init(&result.arena, ARENA_BYTES);
    result.upload = upload_new(&input, &verdict, &result.found);
    while (result.upload != NULL && body.length > 0) {
        size_t bytes = body.length < step ? body.length : step;

        upload_feed(result.upload, bytes_of(body.at, bytes), &result.found);
        body = bytes_of(body.at + bytes, body.length - bytes);
    }
    if (result.upload != NULL)
        upload_end(result.upload, &result.found);
    return result;
}

static void
require_same(const struct result *a, const struct result *b)
{
    const struct upload_file *ours, *theirs;
    unsigned our_count, their_count;

    require(a->found.fault == b->found.fault);
    require(bytes_equal(a->found.part, b->found.part));
    require((a->upload == NULL) == (b->upload == NULL));
    if (a->upload == NULL)
        return;
    ours = upload_files(a->upload, &our_count);
    theirs = upload_files(b->upload, &their_count);
    require(our_count == their_count);
    for (unsigned i = 0; i < our_count; i++) {
        require(strcmp(ours[i].name, theirs[i].name) == 0);
        require(strcmp(ours[i].declared, theirs[i].declared) == 0);
        require(ours[i].real == theirs[i].real);
        /* After a refusal it depends on the pieces how much was counted. */
        require(a->found.fault != FAULT_NONE || ours[i].bytes == theirs[i].bytes);
    }
}

static size_t
find(struct bytes text, size_t from, struct bytes what)
{
    const char *at = memmem(text.at + from, text.length - from, what.at, what.length);

    require(at != NULL);
    return (size_t)(at - text.at);
}

/*
 * A body that passed, with the boundary "b", cut at boundaries and at empty lines. The
 * sizes of the files that were told are sizes of parts, in the same order.
 */
static void
check_again(struct bytes body, const struct upload *upload)
{
    struct bytes boundary = BYTES("\r\n--b"), empty = BYTES("\r\n\r\n");
    size_t at = sizeof "--b" - 1;
    const struct upload_file *files;
    unsigned count, seen = 0;

    files = upload_files(upload, &count);
    require(bytes_has_prefix(body, BYTES("--b")));
    while (bytes_has_prefix(bytes_of(body.at + at, body.length - at), BYTES("\r\n"))) {
        size_t start = find(body, at, empty) + empty.length;
        size_t end = find(body, start, boundary);

        require(memmem(body.at + start, end - start, "\n--b", 4) == NULL);
        if (seen < count && files[seen].bytes == end - start)
            seen++;
        at = end + boundary.length;
    }
    require(body.length - at == 2 || body.length - at == 4);
    require(seen == count || count == UPLOAD_FILES_MAX);
}

static void
check(const struct path_rule *rule, struct bytes type, struct bytes body)
{
    struct result whole = inspect(rule, type, body, body.length);
    struct result bytewise = inspect(rule, type, body, 1);
    struct result halves = inspect(rule, type, body, body.length / 2 + 1);

    require_same(&whole, &bytewise);
    require_same(&whole, &halves);
    if (whole.found.fault == FAULT_NONE &&
        bytes_equal(type, BYTES("multipart/form-data; boundary=b")))
        check_again(body, whole.upload);
    arena_clear(&whole.arena);
    arena_clear(&bytewise.arena);
    arena_clear(&halves.arena);
    require(chunk_pool_lent() == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes body = bytes_of(data, size);
    struct bytes type = bytes_cut(&body, '\n');

    /* A head's field value has no control characters; the head parser sees to that. */
    for (size_t i = 0; i < type.length; i++)
        if ((unsigned char)type.at[i] < ' ' || type.at[i] == 0x7f)
            return 0;
    if (body.at == NULL)
        body = BYTES("");

    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        check(&rules[i], type, body);
    return 0;
}
