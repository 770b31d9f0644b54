/*
 * cli/verbs.h - what `postern VERB` can be. One file per verb; each takes the
 * arguments from the verb on and returns the exit status: 0 good, 1 not good, 2 usage.
 */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#define CONFIG_DEFAULT "/etc/postern/postern.yaml"

int cli_run(int argc, char **argv);
int cli_process(int argc, char **argv); /* for postern itself: proxy/child.h */
int cli_events(int argc, char **argv);
int cli_version(int argc, char **argv);

#endif
