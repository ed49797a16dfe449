#include "daemon/console/resource.h"

#include <string.h>

#include "daemon/console/query.h"
#include "daemon/text.h"

enum { VALUE_MAX = 512 };

#define LINES "application/x-ndjson"

static const struct resource resources[] = {
	{ "/", RESOURCE_FILE, "text/html; charset=utf-8", .command = "index.html" },
	{ "/console.js", RESOURCE_FILE, "text/javascript; charset=utf-8", .command = "console.js" },
	{ "/console.css", RESOURCE_FILE, "text/css; charset=utf-8", .command = "console.css" },
	{ "/authority.pem", RESOURCE_AUTHORITY, "application/x-pem-file", .command = "pem" },
	{ "/authority.crt", RESOURCE_AUTHORITY, "application/x-x509-ca-cert", .command = "der" },
	{ "/authority.mobileconfig", RESOURCE_AUTHORITY, "application/x-apple-aspen-config",
	  .command = "mobileconfig" },
	{ "/metrics", RESOURCE_METRICS, .type = "text/plain; version=0.0.4; charset=utf-8" },
	{ "/api/status", RESOURCE_ANSWER, LINES, .command = "status" },
	{ "/api/rules", RESOURCE_ANSWER, LINES, .command = "rules" },
	{ "/api/lists", RESOURCE_ANSWER, LINES, .command = "lists" },
	{ "/api/search", RESOURCE_ANSWER, LINES, .command = "search", .parameters = { "what" } },
	{ "/api/devices", RESOURCE_ANSWER, LINES, .command = "devices" },
	{ "/api/timings", RESOURCE_ANSWER, LINES, .command = "timings" },
	{ "/api/bans", RESOURCE_ANSWER, LINES, .command = "bans" },
	{ "/api/refusals", RESOURCE_ANSWER, LINES, .command = "refusals" },
	{ "/api/explain", RESOURCE_ANSWER, LINES, .command = "explain",
	  .parameters = { "device", "destination", "host", "method", "path" } },
	{ "/api/connections", RESOURCE_RECORDER, LINES, .command = "connections" },
	{ "/api/journal", RESOURCE_RECORDER, LINES, .command = "journal", .endless = true },
};

const struct resource *resource_find(const char *path)
{
	for (size_t i = 0; i < sizeof(resources) / sizeof(*resources); i++)
		if (strcmp(resources[i].path, path) == 0)
			return &resources[i];
	return NULL;
}

bool resource_is_private(const struct resource *resource)
{
	return resource->kind != RESOURCE_FILE && resource->kind != RESOURCE_AUTHORITY;
}

int resource_question(const struct resource *resource, const char *query, struct text *line)
{
	char value[VALUE_MAX];

	text_add(line, "{\"command\":");
	text_add_json(line, resource->command);
	for (size_t i = 0; resource->parameters[i]; i++) {
		int found = query_find(query, resource->parameters[i], value, sizeof(value));

		if (found < 0)
			return -1;
		if (!found || !*value)
			continue;
		text_add_char(line, ',');
		text_add_json(line, resource->parameters[i]);
		text_add_char(line, ':');
		text_add_json(line, value);
	}
	text_add_char(line, '}');
	return line->full ? -1 : 0;
}
