#include "daemon/control/request.h"

static json_t *refuse(json_t *request, const char **message, const char *sentence)
{
	json_decref(request);
	*message = sentence;
	return NULL;
}

json_t *request_parse(const char *bytes, size_t length, const char **message)
{
	json_t *request = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, NULL);

	if (!request)
		return refuse(request, message, "the request is not a line of JSON");
	if (!json_is_object(request))
		return refuse(request, message, "the request is not a JSON object");
	if (!request_command(request))
		return refuse(request, message, "the request has no \"command\"");
	return request;
}

const char *request_command(const json_t *request)
{
	return json_string_value(json_object_get(request, "command"));
}
