#include "daemon/letter.h"

#include <errno.h>
#include <string.h>

enum { HEAD = sizeof((struct letter *)0)->head };

static size_t size_of(const struct letter *letter)
{
	return letter->have < HEAD ? HEAD : HEAD + (size_t)(letter->head[0] << 8 | letter->head[1]);
}

static int make_room(struct letter *letter, struct allowance *allowance)
{
	letter->bytes = allowance_grow(allowance, NULL, size_of(letter));
	if (!letter->bytes)
		return -1;
	memcpy(letter->bytes, letter->head, HEAD);
	return 0;
}

enum letter_answer letter_read(struct letter *letter, struct side *from,
			       struct allowance *allowance)
{
	for (;;) {
		uint8_t *place = letter->bytes ? letter->bytes : letter->head;
		ssize_t got;

		if (letter->bytes && letter->have == size_of(letter))
			return LETTER_WHOLE;
		got = side_read(from, place + letter->have, size_of(letter) - letter->have);
		if (got == 0)
			return LETTER_ENDED;
		if (got < 0)
			return errno == EAGAIN ? LETTER_WAIT : LETTER_FAILED;
		letter->have += (size_t)got;
		if (letter->have == HEAD && !letter->bytes && make_room(letter, allowance) < 0)
			return LETTER_FAILED;
	}
}

uint8_t *letter_message(const struct letter *letter, size_t *length)
{
	*length = size_of(letter) - HEAD;
	return letter->bytes + HEAD;
}

int letter_send(const struct letter *letter, struct side *to)
{
	return side_send(to, letter->bytes, size_of(letter));
}

void letter_end(struct letter *letter, struct allowance *allowance)
{
	allowance_free(allowance, letter->bytes);
	*letter = (struct letter){ .have = 0 };
}
