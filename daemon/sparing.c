#include "daemon/sparing.h"

#include <stdio.h>
#include <time.h>

#include "daemon/log.h"
#include "daemon/tls/pinned.h"

enum { SUBJECT_TEXT = 96 };

struct subject_text {
	char device[SUBJECT_TEXT];
	char name[SUBJECT_TEXT];
};

/* The texts must live as long as the subject. */
static struct pinned_subject subject_of(const struct connection *connection,
					struct subject_text *text)
{
	const struct client *client = &connection->client;
	const struct tls_facts *facts = client->side.endpoint.tls_facts;
	struct address peer = client->side.endpoint.peer;
	const uint8_t *mac = client->mac;

	if (client->mac_known)
		snprintf(text->device, sizeof(text->device), "%02x:%02x:%02x:%02x:%02x:%02x",
			 mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	peer.port = 0;
	if (!client->mac_known)
		address_print(&peer, text->device);
	address_print(&client->side.endpoint.local, text->name);
	return (struct pinned_subject){
		.device = client->device ? client->device->name : text->device,
		.name = client->host ? client->host : text->name,
		.ja4 = facts ? facts->ja4 : "",
	};
}

static bool is_pinned(const struct connection *connection)
{
	struct subject_text text;
	struct pinned_subject subject = subject_of(connection, &text);

	return pinned_passes(connection->gateway->pinned, &subject, time(NULL));
}

enum spared sparing_decide(const struct connection *connection, const struct rule *rule,
			   bool *refused)
{
	bool loses = connection->client.post_quantum &&
		     !connection->gateway->world.tls->post_quantum;

	*refused = loses && rule->pq_loss == PQ_LOSS_BLOCK;
	if (loses && rule->pq_loss == PQ_LOSS_PASS)
		return SPARED_POST_QUANTUM;
	if (rule->learn_seconds && is_pinned(connection))
		return SPARED_PINNED;
	return SPARED_NOT;
}

void sparing_note_refusal(struct connection *connection, const char *alert)
{
	const struct rule *rule = connection->rule;
	struct subject_text text;
	struct pinned_subject subject = subject_of(connection, &text);
	int64_t period = rule ? rule->learn_seconds : 0;

	if (connection->mirrored)
		return; /* it was meant to refuse */
	if (pinned_refuse(connection->gateway->pinned, &subject, alert, period, time(NULL)))
		log_info("%s refuses the gateway's certificate for %s (%s): passed for the next "
			 "%lld %s, as the rule \"%s\" says",
			 subject.device, subject.name, alert,
			 (long long)(period < 120 ? period : period / 60),
			 period < 120 ? "seconds" : "minutes", rule->name);
}

void sparing_note_success(struct connection *connection)
{
	struct subject_text text;
	struct pinned_subject subject = subject_of(connection, &text);

	pinned_accept(connection->gateway->pinned, &subject);
}
