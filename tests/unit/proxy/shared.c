/*
 * tests/unit/proxy/shared.c - a ledger, and processes that write into it together.
 */
#include "shared.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

struct ledger *
shared_new(unsigned columns, uint32_t sources)
{
    const struct ledger_shape shape = { .columns = columns,
        .listeners = 1,
        .sources = sources,
        .key = UINT64_C(0x0123456789abcdef),
        .memory = 1000 };
    struct note note;
    struct ledger *ledger = ledger_new(&shape, &note);

    require(ledger != NULL);
    return ledger;
}

struct ledger *
shared_view(const struct ledger *ledger, unsigned column)
{
    static struct ipc_writer out;
    static struct ipc_message in;
    struct ledger *view;
    int pair[2];

    require(ipc_pair(pair));
    ledger_put(ledger, &out);
    require(ipc_send(pair[0], &out) == IPC_DONE);
    require(ipc_receive(pair[1], -1, &in) == IPC_DONE && in.tag == IPC_LEDGER);
    view = ledger_take(&in, column);
    ipc_done(&in);
    close(pair[0]);
    close(pair[1]);
    require(view != NULL);
    return view;
}

static _Noreturn void
live(const struct ledger *ledger, unsigned column,
    uint32_t (*work)(struct ledger *view), const int go[2], int told)
{
    struct ledger *view = shared_view(ledger, column);
    uint32_t number;
    char byte;

    close(go[1]);
    require(read(go[0], &byte, 1) == 0); /* its other end is closed: all begin */
    number = work(view);
    require(write(told, &number, sizeof number) == sizeof number);
    for (;;)
        pause();
}

void
shared_begin(struct shared_crowd *crowd, const struct ledger *ledger,
    uint32_t (*work)(struct ledger *view))
{
    int go[2], told[LEDGER_COLUMNS_MAX][2];

    require(pipe(go) == 0);
    crowd->count = ledger_shape(ledger)->columns;
    for (unsigned i = 0; i < crowd->count; i++) {
        require(pipe(told[i]) == 0);
        crowd->pids[i] = fork();
        require(crowd->pids[i] >= 0);
        if (crowd->pids[i] == 0)
            live(ledger, i, work, go, told[i][1]);
        close(told[i][1]);
    }
    close(go[0]);
    close(go[1]);
    for (unsigned i = 0; i < crowd->count; i++) {
        require(
            read(told[i][0], &crowd->numbers[i], sizeof(uint32_t)) == sizeof(uint32_t));
        close(told[i][0]);
    }
}

void
shared_kill(struct shared_crowd *crowd, unsigned column)
{
    int status;

    kill(crowd->pids[column], SIGKILL);
    require(waitpid(crowd->pids[column], &status, 0) == crowd->pids[column]);
}

uint32_t
shared_sum(const struct shared_crowd *crowd)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < crowd->count; i++)
        sum += crowd->numbers[i];
    return sum;
}
