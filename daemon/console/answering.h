/* What a visitor is answered. */
#pragma once

struct visitor;

/* Begins to answer the request that was read, which asks for visitor->resource. */
void answering_begin(struct visitor *visitor);

/* Answers with a status that refuses and a sentence for people. */
void answering_refuse(struct visitor *visitor, unsigned status, const char *sentence);

/* What was sent so far is gone: more is welcome. */
void answering_resume(struct visitor *visitor);

/* Gives up what is still being asked for. */
void answering_forget(struct visitor *visitor);
