/*
 * cli/demo.h - the verb `demo`: postern at work in front of a small webmail of its own.
 */
#ifndef CLI_DEMO_H
#define CLI_DEMO_H

/*
 * argv[0] is "demo". Blocks until it is stopped. Returns the exit status: 0 when
 * it was stopped by SIGINT, SIGTERM or SIGHUP and postern ended well, 1 when
 * something went wrong (said on standard error), 2 for a wrong command line.
 */
int cli_demo(int argc, char **argv);

#endif
