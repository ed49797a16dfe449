/* What the console has to show, by its path. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct text;

enum resource_kind {
	RESOURCE_FILE,	    /* a part of the page: the same for everybody */
	RESOURCE_AUTHORITY, /* the authority's certificate */
	RESOURCE_METRICS,   /* for Prometheus */
	RESOURCE_ANSWER,    /* the supervisor's answer to a question */
	RESOURCE_RECORDER,  /* the recorder's */
};

enum { RESOURCE_PARAMETERS = 5 };

struct resource {
	const char *path;
	enum resource_kind kind;
	const char *type;    /* Content-Type */
	const char *command; /* of the control protocol; of a certificate: its form */
	bool endless;	     /* the answer has no end of its own */
	const char *parameters[RESOURCE_PARAMETERS + 1]; /* of the query, that the command takes */
};

/* NULL: there is nothing. */
const struct resource *resource_find(const char *path);

/* True when it is shown only to who has the token. */
bool resource_is_private(const struct resource *resource);

/* Prints the line of the control protocol that asks for it. 0; -1 when the query is badly encoded, or too long. */
int resource_question(const struct resource *resource, const char *query, struct text *line);
