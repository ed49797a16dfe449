/* Reason phrases of responses of our own (RFC 9110 section 15; nobody acts on them). Pure. */
#pragma once

/* Static storage; "Answered" for a status that we have no words for. */
const char *http_phrase(unsigned status);
