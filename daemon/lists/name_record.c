#include "daemon/lists/name_record.h"

#include <endian.h>
#include <string.h>

enum { MARK_NAME = 'n', TAIL = 7 }; /* behind the key: list 2, mark 1, line 4 */

bool name_record_from(struct name_record *record, unsigned list, const struct list_entry *entry)
{
	size_t length = strnlen(entry->name, NAME_SIZE);
	unsigned labels = 1;

	if (!length || length >= NAME_SIZE || entry->pattern > NAME_TREE)
		return false;
	for (size_t i = 0; i < length; i++) {
		char character = entry->name[length - 1 - i];

		labels += character == '.';
		record->key[i] = character == '.' ? NAME_KEY_DOT : character;
	}
	record->key[length] = '\0';
	record->list = list;
	record->mark = (uint8_t)(entry->pattern | (entry->allow ? LAYOUT_ALLOW : 0));
	record->line = entry->line;
	return labels <= LAYOUT_LABELS_MAX;
}

size_t name_record_print(const struct name_record *record, uint8_t bytes[static NAME_RECORD_SIZE])
{
	size_t length = strlen(record->key) + 1;
	uint16_t list = htobe16((uint16_t)record->list);
	uint32_t line = htobe32(record->line);
	uint8_t *tail = bytes + 1 + length;

	bytes[0] = MARK_NAME;
	memcpy(bytes + 1, record->key, length);
	memcpy(tail, &list, sizeof list);
	tail[2] = record->mark;
	memcpy(tail + 3, &line, sizeof line);
	return 1 + length + TAIL;
}

bool name_record_parse(struct name_record *record, const uint8_t *bytes, size_t length)
{
	size_t key = length - 1 - TAIL;
	uint16_t list;
	uint32_t line;

	if (length <= 1 + TAIL || bytes[0] != MARK_NAME || key > NAME_SIZE)
		return false;
	memcpy(record->key, bytes + 1, key);
	memcpy(&list, bytes + 1 + key, sizeof list);
	memcpy(&line, bytes + 1 + key + 3, sizeof line);
	record->list = be16toh(list);
	record->mark = bytes[1 + key + 2];
	record->line = be32toh(line);
	return true;
}

void name_record_name(const char *key, char name[static NAME_SIZE])
{
	size_t length = strlen(key);

	for (size_t i = 0; i < length; i++)
		name[i] = key[length - 1 - i] == NAME_KEY_DOT ? '.' : key[length - 1 - i];
	name[length] = '\0';
}
