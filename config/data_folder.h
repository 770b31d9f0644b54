/*
 * config/data_folder.h - where the files lie that came with postern.
 */
#ifndef CONFIG_DATA_FOLDER_H
#define CONFIG_DATA_FOLDER_H

#include "config/stash.h"

/*
 * $POSTERN_DATA; else ../share/postern beside the folder of this program, as installed;
 * else share/postern in it, as built. In `stash`; it need not be there.
 */
const char *data_folder(struct stash *stash);

#endif
