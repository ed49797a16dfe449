/* headgatectl's end of the control protocol: puts one request to a running daemon and hands over
 * the answer line by line. */
#pragma once

#include <jansson.h>

enum { CALL_MESSAGE = 512 };

struct call {
	const char *run_directory;
	const char *socket; /* its name in there: "control" or "journal" */

	/* One line of the answer; text is the line as it came, without its newline. Not called for
	 * the end. */
	void (*line)(void *context, json_t *line, const char *text);
	void *context;
};

/* Sends the request (taking over its reference) and waits for the end of the answer, however long
 * it takes. The daemon's status: 0 done, 1 no; 1 also when there is no daemon or it ends in
 * between. message receives what there is to say to a person, "" for nothing. */
int call_make(const struct call *call, json_t *request, char message[static CALL_MESSAGE]);
