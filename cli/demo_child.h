/*
 * cli/demo_child.h - processes that do not outlive who started them.
 */
#ifndef CLI_DEMO_CHILD_H
#define CLI_DEMO_CHILD_H

#include <sys/types.h>

#include "base/note.h"

/*
 * In a fresh child: `signal` comes when `parent` ends; when it has ended already,
 * the child ends here. A later change of account undoes it (prctl(2)).
 */
void demo_child_die_with(pid_t parent, int signal);

/*
 * Runs this very program with `arguments` (NULL-terminated, arguments[0] is its name),
 * in a process group of its own, so that Ctrl-C reaches only us. Its standard output
 * comes out of *output, which the caller closes. Returns -1 with a note on failure.
 */
pid_t demo_child_run(const char *const arguments[], int *output, struct note *note);

#endif
