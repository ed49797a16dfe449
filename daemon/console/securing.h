/* A visitor's first bytes: TLS, or not. Where the policy asks for it, the console shows a leaf of the gateway's
 * authority, for the name or the address that it is called by and that the owner has written; the signer gives it
 * leaves for those alone. */
#pragma once

struct visitor;

enum securing {
	SECURING_WAIT,
	SECURING_DONE, /* secure, or the visitor speaks plainly */
	SECURING_FAILED,
};

/* Goes on as far as it can. */
enum securing securing_turn(struct visitor *visitor);

/* Gives up what is waited for or held. */
void securing_forget(struct visitor *visitor);
