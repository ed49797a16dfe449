#include "daemon/name.h"

#include <string.h>

#include "daemon/address.h"
#include "daemon/limits.h"

enum { LABEL_MAX = 63 };

static bool is_digit(char character)
{
	return character >= '0' && character <= '9';
}

static bool is_hex(char character)
{
	return is_digit(character) || (character >= 'a' && character <= 'f');
}

/* The canonical character, or 0 for one that no host name has. */
static char fold(char character)
{
	if (character >= 'A' && character <= 'Z')
		return (char)(character - 'A' + 'a');
	if ((character >= 'a' && character <= 'z') || is_digit(character) || character == '-' ||
	    character == '_' || character == '.')
		return character;
	return 0;
}

static bool labels_fit(const char *name)
{
	size_t label = 0;

	for (; *name; name++) {
		if (*name != '.') {
			label++;
		} else if (!label) {
			return false;
		} else {
			label = 0;
		}
		if (label > LABEL_MAX)
			return false;
	}
	return label > 0;
}

/* inet_aton() and every browser read "1.2.3.4", "1.2", "0x7f.1" and "0x" as an address: whatever
 * ends in a number is no name. */
static bool ends_in_number(const char *name)
{
	const char *dot = strrchr(name, '.');
	const char *label = dot ? dot + 1 : name;
	bool hexadecimal = label[0] == '0' && label[1] == 'x';

	for (label += hexadecimal ? 2 : 0; *label; label++)
		if (!(hexadecimal ? is_hex(*label) : is_digit(*label)))
			return false;
	return true;
}

bool name_canonical(const void *bytes, size_t length, char name[static NAME_SIZE])
{
	const char *from = bytes;

	name[0] = '\0';
	if (length && from[length - 1] == '.')
		length--;
	if (!length || length > NAME_MAX_LENGTH)
		return false;
	for (size_t i = 0; i < length; i++) {
		name[i] = fold(from[i]);
		if (!name[i]) {
			name[0] = '\0';
			return false;
		}
	}
	name[length] = '\0';
	if (labels_fit(name) && !ends_in_number(name))
		return true;
	name[0] = '\0';
	return false;
}

/* Reads ":443", ":" or nothing. */
static bool parse_port(const char *text, size_t length, uint16_t *port)
{
	unsigned value = 0;

	*port = 0;
	if (!length)
		return true;
	if (text[0] != ':' || length > 6)
		return false;
	for (size_t i = 1; i < length; i++) {
		if (!is_digit(text[i]))
			return false;
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	if (value > UINT16_MAX || (length > 1 && !value))
		return false;
	*port = (uint16_t)value;
	return true;
}

/* A zone ("%eth0") is only for the sender's own use (RFC 6874) and is refused. */
static bool parse_literal(const char *text, size_t length, char host[static NAME_SIZE])
{
	char literal[ADDRESS_TEXT];
	struct address address;

	if (length >= sizeof literal || memchr(text, '%', length) || memchr(text, '\0', length))
		return false;
	memcpy(literal, text, length);
	literal[length] = '\0';
	if (address_parse(&address, literal))
		return false;
	address_print(&address, host);
	return true;
}

static bool parse_bracketed(const char *text, size_t length, char host[static NAME_SIZE],
			    uint16_t *port)
{
	const char *bracket = memchr(text, ']', length);
	size_t inner;

	if (!bracket)
		return false;
	inner = (size_t)(bracket - text) - 1;
	return memchr(text + 1, ':', inner) && parse_literal(text + 1, inner, host) &&
	       parse_port(bracket + 1, length - inner - 2, port);
}

static bool parse_plain(const char *text, size_t length, char host[static NAME_SIZE],
			uint16_t *port)
{
	const char *colon = memchr(text, ':', length);
	size_t host_length = colon ? (size_t)(colon - text) : length;

	if (!parse_port(text + host_length, length - host_length, port))
		return false;
	return name_canonical(text, host_length, host) || parse_literal(text, host_length, host);
}

bool name_authority(const void *bytes, size_t length, char host[static NAME_SIZE], uint16_t *port)
{
	const char *text = bytes;
	bool read = false;

	host[0] = '\0';
	*port = 0;
	if (length)
		read = text[0] == '[' ? parse_bracketed(text, length, host, port)
				      : parse_plain(text, length, host, port);
	if (read)
		return true;
	host[0] = '\0';
	*port = 0;
	return false;
}

bool name_pattern_parse(const char *text, enum name_pattern_kind *kind, char name[static NAME_SIZE])
{
	*kind = NAME_EXACT;
	if (!strncmp(text, "*.", 2)) {
		*kind = NAME_SUBDOMAINS;
		text += 2;
	} else if (text[0] == '.') {
		*kind = NAME_TREE;
		text++;
	}
	return name_canonical(text, strlen(text), name);
}

bool name_matches(const char *name, enum name_pattern_kind kind, const char *pattern_name)
{
	size_t length = strlen(name);
	size_t pattern = strlen(pattern_name);

	if (length == pattern)
		return kind != NAME_SUBDOMAINS && !memcmp(name, pattern_name, length);
	return kind != NAME_EXACT && length > pattern && name[length - pattern - 1] == '.' &&
	       !memcmp(name + length - pattern, pattern_name, pattern);
}
