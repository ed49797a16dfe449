/* All that is counted, as Prometheus reads it (its text format), made of the daemon's answers. */
#pragma once

#include <jansson.h>
#include <stdio.h>

enum { EXPOSITION_QUESTIONS = 5 };

/* The commands of the control protocol that have to be asked. */
extern const char *const exposition_questions[EXPOSITION_QUESTIONS];

/* Prints the samples; answers holds, by question, an array of the lines of its answer. */
void exposition_print(const json_t *answers, FILE *output);
