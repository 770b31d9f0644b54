/*
 * tls/key_client.c - the questions to keyd, their answers, and the turns of those who ask.
 *
 * A turn is one of KEY_TURNS questions. Its slot is free again when the turn has ended
 * and keyd owes no answer for it: no more questions than slots are ever open, which
 * keyd insists on (key_wire.h). Numbers keep a late, a second or an invented answer from
 * being taken for another; such answers are thrown away. It knows nothing of OpenSSL's
 * provider interface (key_provider.c).
 *
 * Owns the channel. Trust: keyd is ours, but its answer is still measured.
 */
#include "tls/key_client.h"

#include <fcntl.h>
#include <openssl/async.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ipc.h"
#include "tls/key_line.h"
#include "tls/key_provider.h"

#define AGAIN_MS 10 /* until the kernel is asked again to take a question */
#define TRIES 3     /* a question of which that many keyds died is not put to another */

enum question_state {
    QUESTION_FREE,
    QUESTION_GRANTED, /* the turn's, not put yet */
    QUESTION_UNSENT,  /* keyd is away, or its channel full */
    QUESTION_ASKED,
    QUESTION_ANSWERED,
    QUESTION_ABANDONED, /* nobody wants the answer any more, which is still to come */
};

struct key_question {
    enum question_state state;
    struct key_turn *turn; /* not of FREE and ABANDONED ones */
    unsigned line;         /* whose turn this is, until FREE */
    uint32_t number;
    unsigned tries;
    const struct key_digest
        *what; /* on the stack of the turn's job, as are the next two */
    unsigned char *signature;
    size_t *length;
    bool signed_;
};

/* On the heap: the handle lives until the loop has closed it. */
struct channel {
    uv_poll_t poll;
    int fd;
};

struct key_client {
    uv_loop_t *loop;
    uv_timer_t later;        /* grants turns, and asks again what could not be sent */
    struct channel *channel; /* NULL: keyd is away */
    bool closed;
    uint32_t number;
    struct key_question questions[KEY_TURNS];
    struct key_lines lines;
    struct ipc_writer question; /* here, not on the stack: 60 KiB each */
    struct ipc_message answer;
};

static void on_later(uv_timer_t *timer);

/* --- questions --- */

/* Never from inside of what an owner does: to grant a turn wakes another owner. */
static void
look_later(struct key_client *client, uint64_t wait_ms)
{
    if (!client->closed && !uv_is_active((uv_handle_t *)&client->later))
        uv_timer_start(&client->later, on_later, wait_ms, 0);
}

static void
lose_channel(struct key_client *client)
{
    key_client_set_channel(client, -1);
}

static void
free_question(struct key_client *client, struct key_question *q)
{
    client->lines.turns[q->line]--;
    q->state = QUESTION_FREE;
    look_later(client, 0);
}

static void
answer_question(struct key_question *q, bool is_signed)
{
    q->signed_ = is_signed;
    q->state = QUESTION_ANSWERED;
}

/* False when the channel has ended. */
static bool
send_question(struct key_client *client, struct key_question *q)
{
    struct ipc_writer *w = &client->question;

    q->number = ++client->number;
    ipc_begin(w, IPC_SIGN);
    ipc_put_u32(w, q->number);
    ipc_put_bytes(w, bytes_of(q->what->name, KEY_NAME_BYTES));
    ipc_put_u32(w, q->what->scheme);
    ipc_put_u32(w, q->what->hash);
    ipc_put_bytes(w, bytes_of(q->what->digest, key_hashes[q->what->hash].bytes));
    switch (ipc_send(client->channel->fd, w)) {
    case IPC_DONE:
        q->state = QUESTION_ASKED;
        q->tries++;
        return true;
    case IPC_AGAIN:
        look_later(client, AGAIN_MS);
        return true;
    case IPC_CLOSED:
    case IPC_REFUSED:
        break;
    }
    return false;
}

static void
send_unsent(struct key_client *client)
{
    bool open = client->channel != NULL;

    for (unsigned i = 0; open && i < KEY_TURNS; i++) {
        if (client->questions[i].state == QUESTION_UNSENT)
            open = send_question(client, &client->questions[i]);
    }
    if (!open && client->channel != NULL)
        lose_channel(client);
}

/* What was asked on a channel that is gone is asked again on the next. */
static void
take_back_questions(struct key_client *client)
{
    for (unsigned i = 0; i < KEY_TURNS; i++) {
        struct key_question *q = &client->questions[i];

        if (q->state == QUESTION_ABANDONED)
            free_question(client, q);
        else if (q->state == QUESTION_ASKED && q->tries < TRIES)
            q->state = QUESTION_UNSENT;
        else if (q->state == QUESTION_ASKED)
            answer_question(q, false);
    }
    look_later(client, 0); /* wakes those who have an answer now, fills what is free */
}

/* --- turns --- */

static struct key_question *
find_free(struct key_client *client)
{
    for (unsigned i = 0; i < KEY_TURNS; i++) {
        if (client->questions[i].state == QUESTION_FREE)
            return &client->questions[i];
    }
    return NULL;
}

static void
grant(struct key_client *client, struct key_question *q, struct key_turn *turn)
{
    *q = (struct key_question){ .state = QUESTION_GRANTED,
        .turn = turn,
        .line = turn->line };
    client->lines.turns[turn->line]++;
    turn->question = q;
    turn->state = KEY_TURN_HELD;
}

void
key_client_take_turn(struct key_client *client, struct key_turn *turn)
{
    struct key_question *q = find_free(client);

    turn->client = client;
    turn->line = key_lines_find(&client->lines, turn);
    /* Who waits although a turn is free waits for his line, or to be looked at later. */
    if (q != NULL && key_lines_may(&client->lines, turn->line) &&
        !uv_is_active((uv_handle_t *)&client->later)) {
        grant(client, q, turn);
        return;
    }
    turn->state = KEY_TURN_IN_LINE;
    key_lines_add(&client->lines, turn);
}

void
key_client_end_turn(struct key_turn *turn)
{
    struct key_question *q = turn->question;

    if (turn->state == KEY_TURN_IN_LINE)
        key_lines_remove(&turn->client->lines, turn);
    if (q != NULL) {
        q->turn = NULL;
        if (q->state == QUESTION_ASKED)
            q->state = QUESTION_ABANDONED;
        else
            free_question(turn->client, q);
    }
    turn->question = NULL;
    turn->state = KEY_TURN_NONE;
}

bool
key_client_is_asking(const struct key_turn *turn)
{
    return turn->question->state == QUESTION_UNSENT ||
        turn->question->state == QUESTION_ASKED;
}

static void
on_later(uv_timer_t *timer)
{
    struct key_client *client = timer->data;
    struct key_question *q;

    send_unsent(client);
    for (unsigned i = 0; i < KEY_TURNS; i++) {
        struct key_question *answered = &client->questions[i];

        if (answered->state == QUESTION_ANSWERED)
            answered->turn->wake(answered->turn->owner);
    }
    for (unsigned i = 0; i < KEY_TURNS && (q = find_free(client)) != NULL; i++) {
        struct key_turn *turn = key_lines_take(&client->lines);

        if (turn == NULL)
            return;
        grant(client, q, turn);
        turn->wake(turn->owner);
    }
}

bool
key_client_sign(const struct key_digest *what, unsigned char *signature, size_t *length)
{
    struct key_turn *turn = key_turn_now();
    struct key_question *q = turn != NULL ? turn->question : NULL;

    if (q == NULL || q->state != QUESTION_GRANTED)
        return false;
    q->what = what;
    q->signature = signature;
    q->length = length;
    q->state = QUESTION_UNSENT;
    send_unsent(turn->client);
    /* The turn may be refused meanwhile, and the question be another's. */
    while (turn->question == q && key_client_is_asking(turn)) {
        if (ASYNC_pause_job() != 1)
            return false;
    }
    return turn->question == q && q->signed_;
}

/* --- answers --- */

static struct key_question *
find_asked(struct key_client *client, uint32_t number)
{
    for (unsigned i = 0; i < KEY_TURNS; i++) {
        struct key_question *q = &client->questions[i];

        if ((q->state == QUESTION_ASKED || q->state == QUESTION_ABANDONED) &&
            q->number == number)
            return q;
    }
    return NULL;
}

/* False when it is no answer at all. */
static bool
take_answer(struct key_client *client)
{
    struct ipc_message *m = &client->answer;
    struct key_question *q = find_asked(client, ipc_get_u32(m));
    uint32_t status = ipc_get_u32(m);
    struct bytes data = ipc_get_bytes(m);
    bool is_signed = status == KEY_SIGNED && data.length > 0;

    if (m->tag != IPC_SIGNED || !ipc_at_end(m))
        return false;
    if (q == NULL)
        return true;
    if (q->state == QUESTION_ABANDONED) {
        free_question(client, q);
        return true;
    }
    is_signed = is_signed && data.length <= *q->length;
    if (is_signed) {
        memcpy(q->signature, data.at, data.length);
        *q->length = data.length;
    }
    answer_question(q, is_signed);
    q->turn->wake(q->turn->owner);
    return true;
}

static void
on_answers(uv_poll_t *poll, int status, int events)
{
    struct key_client *client = poll->data;

    (void)status; /* an error is seen again by the read */
    (void)events;
    for (unsigned i = 0; i < KEY_TURNS && client->channel != NULL; i++) {
        enum ipc_result result = ipc_receive(client->channel->fd, 0, &client->answer);
        bool good = result == IPC_AGAIN;

        if (result == IPC_DONE) {
            good = take_answer(client);
            ipc_done(&client->answer);
        }
        if (!good)
            lose_channel(client);
        if (result != IPC_DONE)
            return;
    }
}

/* --- the channel --- */

static void
on_channel_closed(uv_handle_t *poll)
{
    free(poll);
}

static void
close_channel(struct key_client *client)
{
    struct channel *channel = client->channel;

    if (channel == NULL)
        return;
    client->channel = NULL;
    uv_close((uv_handle_t *)&channel->poll, on_channel_closed);
    close(channel->fd); /* the loop has forgotten it already */
}

void
key_client_set_channel(struct key_client *client, int channel)
{
    close_channel(client);
    if (channel >= 0 && client->closed) {
        close(channel);
    } else if (channel >= 0) {
        /* A keyd that stopped taking questions must not hold us in send. */
        require(fcntl(channel, F_SETFL, O_NONBLOCK) == 0);
        client->channel = require_zeroed(1, sizeof *client->channel);
        client->channel->fd = channel;
        require(uv_poll_init(client->loop, &client->channel->poll, channel) == 0);
        client->channel->poll.data = client;
        require(uv_poll_start(&client->channel->poll, UV_READABLE, on_answers) == 0);
    }
    take_back_questions(client);
}

bool
key_client_has_channel(const struct key_client *client)
{
    return client->channel != NULL;
}

/* --- life --- */

struct key_client *
key_client_new(uv_loop_t *loop)
{
    struct key_client *client = require_zeroed(1, sizeof *client);

    client->loop = loop;
    key_lines_init(&client->lines);
    uv_timer_init(loop, &client->later);
    client->later.data = client;
    require(ASYNC_init_thread(KEY_TURNS, 0) == 1);
    return client;
}

void
key_client_close(struct key_client *client)
{
    if (client->closed)
        return;
    client->closed = true;
    close_channel(client);
    uv_close((uv_handle_t *)&client->later, NULL);
}

void
key_client_free(struct key_client **client)
{
    if (*client == NULL)
        return;
    require((*client)->closed && (*client)->lines.waiting == 0);
    for (unsigned i = 0; i < KEY_TURNS; i++)
        require((*client)->questions[i].turn == NULL);
    ASYNC_cleanup_thread(); /* the stacks of the jobs */
    free(*client);
    *client = NULL;
}

/* --- keys --- */

EVP_PKEY *
key_client_stub(struct key_client *client, X509 *certificate)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);

    return key == NULL ? NULL : key_provider_wrap(client, key);
}

bool
key_name_of(EVP_PKEY *key, unsigned char name[KEY_NAME_BYTES])
{
    unsigned char *spki = NULL;
    int length = i2d_PUBKEY(key, &spki);
    bool good = length > 0 && SHA256(spki, (size_t)length, name) != NULL;

    OPENSSL_free(spki);
    return good;
}
