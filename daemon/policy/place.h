/* Where in the owner's files something stands. */
#pragma once

struct place {
	const char *file; /* owned by the policy's sources */
	unsigned line;	  /* from 1 */
	unsigned column;  /* from 1 */
};
