/*
 * cli/show_application.h - `postern show-application`: a preset, to read and to copy.
 */
#ifndef CLI_SHOW_APPLICATION_H
#define CLI_SHOW_APPLICATION_H

int cli_show_application(int argc, char **argv);

#endif
