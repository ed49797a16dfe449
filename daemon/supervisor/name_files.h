/* The system's files about names, as the supervisor watches them for workers that may open no file: resolv.conf(5)
 * and hosts(5). They are looked at once a second through whatever links lead to them, which sees a change however it
 * was made. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

enum { NAME_FILES = 2 }; /* resolv.conf, hosts */

struct name_files {
	struct stat seen[NAME_FILES];
};

/* Remembers how the files are now. */
void name_files_begin(struct name_files *files);

/* True when one of them is another than before, or has come or gone; remembers. */
bool name_files_changed(struct name_files *files);

/* Opens them for reading; an empty file stands in for a missing one. 0, or -1 with errno. */
int name_files_open(int descriptors[static NAME_FILES]);
