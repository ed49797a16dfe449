#include "daemon/candidates.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/text.h"

static const char *print(const struct candidates *candidates, const struct station *station,
			 char text[static STATION_TEXT])
{
	return station_print(station, candidates->port, text);
}

/* The only one is asked whatever is known of it. */
static int64_t wait_for(const struct candidates *candidates, const struct station *station,
			int64_t now)
{
	char text[STATION_TEXT];
	int64_t wait = 0;

	if (candidates->upstream->server_count > 1)
		wait = health_wait(candidates->health, print(candidates, station, text));
	return wait > now ? wait : 0;
}

static const struct station *next(const struct candidates *candidates)
{
	const struct upstream *upstream = candidates->upstream;
	const struct station *best = NULL;
	int64_t best_wait = INT64_MAX, now = clock_steady();

	for (size_t i = 0; upstream && i < upstream->server_count; i++) {
		int64_t wait;

		if (candidates->tried & 1U << i)
			continue;
		wait = wait_for(candidates, &upstream->servers[i], now);
		if (wait < best_wait) {
			best = &upstream->servers[i];
			best_wait = wait;
		}
	}
	return best;
}

void candidates_advance(struct candidates *candidates)
{
	candidates->current = next(candidates);
	if (candidates->current)
		candidates->tried |= 1U << (candidates->current - candidates->upstream->servers);
}

/* True when the upstream has several, and one of them is current. */
static bool are_several(const struct candidates *candidates)
{
	return candidates->current && candidates->upstream->server_count > 1;
}

bool candidates_are_left(const struct candidates *candidates)
{
	return are_several(candidates) && next(candidates);
}

bool candidates_blames_server(enum reason reason)
{
	return strcmp(reason_kind(reason), "server") == 0;
}

void candidates_note_failure(const struct candidates *candidates, enum reason reason)
{
	char text[STATION_TEXT];

	if (!are_several(candidates) || !candidates_blames_server(reason))
		return;
	print(candidates, candidates->current, text);
	if (health_failed(candidates->health, text, clock_steady(), candidates->upstream->back_off))
		log_warning("upstream \"%s\": %s is left alone for a while: %s",
			    candidates->upstream->name, text, reason_sentence(reason));
}

void candidates_note_success(const struct candidates *candidates)
{
	char text[STATION_TEXT];

	if (!are_several(candidates))
		return;
	print(candidates, candidates->current, text);
	if (health_reached(candidates->health, text))
		log_info("upstream \"%s\": %s is well again", candidates->upstream->name, text);
}

void candidates_add_tried(const struct candidates *candidates, struct endpoint *endpoint,
			  enum reason reason)
{
	char storage[UPSTREAM_SERVERS_MAX * (STATION_TEXT + 64)], station[STATION_TEXT];
	struct text text;

	text_begin(&text, storage, sizeof(storage));
	text_add(&text, endpoint->tried ? endpoint->tried : "[");
	/* The bracket at the end makes room for one more. */
	if (endpoint->tried)
		text.bytes[text.length - 1] = ',';
	text_add_char(&text, '[');
	text_add_json(&text, print(candidates, candidates->current, station));
	text_addf(&text, ",\"%s\"]]", reason_word(reason));
	free(endpoint->tried);
	endpoint->tried = text.full ? NULL : strdup(text.bytes);
}
