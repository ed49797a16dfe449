/* What a new policy changes beside the table and what workers decide by. */
#pragma once

struct control_answer;
struct policy;
struct supervisor;

/* Replaces the recorder and the signer where they live by something that is another in the policy in force. */
void differences_follow(struct supervisor *supervisor, const struct policy *before);

/* Warns, in the log and to whoever asked for the reload (may be NULL), of what is taken over at the next start. */
void differences_warn(struct control_answer *answer, const struct policy *policy, const struct policy *before);
