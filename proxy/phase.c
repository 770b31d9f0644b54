/*
 * proxy/phase.c - names of the phases.
 */
#include "proxy/phase.h"

const char *
phase_name(enum phase phase)
{
    static const char *const names[] = {
        [PHASE_HANDSHAKE] = "handshake",
        [PHASE_HEAD] = "head",
        [PHASE_GATE] = "gate",
        [PHASE_COLLECT] = "collect",
        [PHASE_DIAL] = "dial",
        [PHASE_RELAY] = "relay",
        [PHASE_REST] = "rest",
        [PHASE_REPLY] = "reply",
        [PHASE_DONE] = "done",
        [PHASE_LINGER] = "linger",
        [PHASE_CLOSING] = "closing",
    };

    return names[phase];
}
