#include "daemon/http/measure.h"

#include <string.h>

static uint64_t length_of_target(const struct head *head)
{
	uint64_t length = strlen(head_text(head, head->path));

	return head->query ? length + 1 + strlen(head_text(head, head->query)) : length;
}

enum limit head_exceeds(const struct head *head, const struct limits *limits)
{
	if (head->path && length_of_target(head) > limits->value[LIMIT_URL_LENGTH])
		return LIMIT_URL_LENGTH;
	if (head->text_length > limits->value[LIMIT_HEADER_SIZE])
		return LIMIT_HEADER_SIZE;
	if (head->field_count > limits->value[LIMIT_HEADER_COUNT])
		return LIMIT_HEADER_COUNT;
	return LIMIT_COUNT;
}

const char *excess_detail(enum limit limit)
{
	switch (limit) {
	case LIMIT_URL_LENGTH:
		return "the limit url-length is exceeded";
	case LIMIT_HEADER_COUNT:
		return "the limit header-count is exceeded";
	default:
		return "the limit header-size is exceeded";
	}
}
