#include "daemon/channels.h"

#include <stdlib.h>

enum {
	MESSAGES_PER_TURN = 16,	     /* of one worker, before the others have their turn */
	ANNOUNCE_MILLISECONDS = 100, /* until a worker whose queue was full is told again */
	DRAINED_MAX = 4096, /* messages of one worker: more than its channel can hold */
};

struct channel {
	struct channels *among;
	int fd;
	struct event *readable; /* NULL: closed */
	bool told;		/* knows whether events are wanted */
};

struct channels {
	struct channels_settings settings;
	struct event *again; /* for channels that could not be told */
	bool wanted;
	size_t open;
	struct channel *each;
	char text[MESSAGE_TEXT_MAX];
};

static bool tell(struct channel *channel)
{
	if (channel->readable && !channel->told)
		channel->told =
			!message_send(channel->fd, MESSAGE_WANTED, channel->among->wanted, NULL, 0);
	return channel->told || !channel->readable;
}

static void tell_all(struct channels *channels)
{
	struct timeval wait = { .tv_usec = ANNOUNCE_MILLISECONDS * 1000 };
	bool all = true;

	for (size_t i = 0; i < channels->settings.count; i++)
		all &= tell(&channels->each[i]);
	if (!all)
		event_add(channels->again, &wait);
}

static void tell_again(evutil_socket_t nothing, short what, void *context)
{
	(void)nothing;
	(void)what;
	tell_all(context);
}

void channels_want(struct channels *channels, bool wanted)
{
	channels->wanted = wanted;
	for (size_t i = 0; i < channels->settings.count; i++)
		channels->each[i].told = false;
	tell_all(channels);
}

size_t channels_ask(struct channels *channels, uint32_t question)
{
	size_t asked = 0;

	for (size_t i = 0; i < channels->settings.asked; i++)
		if (channels->each[i].readable &&
		    !message_send(channels->each[i].fd, MESSAGE_LIST, question, NULL, 0))
			asked++;
	return asked;
}

static enum message_answer take_one(struct channel *channel)
{
	struct channels *among = channel->among;
	struct message_header header;
	size_t length;
	enum message_answer answer = message_receive(channel->fd, &header, among->text, &length);

	if (answer != MESSAGE_TAKEN)
		return answer;
	if (header.kind == MESSAGE_HELLO) {
		channel->told = false;
		tell_all(among);
	} else {
		among->settings.take(among->settings.context, &header, among->text, length);
	}
	return answer;
}

static void close_channel(struct channel *channel)
{
	struct channels *among = channel->among;

	event_free(channel->readable);
	channel->readable = NULL;
	if (--among->open == 0)
		among->settings.closed(among->settings.context);
}

static void hear(evutil_socket_t fd, short what, void *context)
{
	struct channel *channel = context;
	enum message_answer answer = MESSAGE_TAKEN;

	(void)fd;
	(void)what;
	for (int i = 0; i < MESSAGES_PER_TURN && answer == MESSAGE_TAKEN; i++)
		answer = take_one(channel);
	if (answer == MESSAGE_CLOSED)
		close_channel(channel);
}

/* A worker that never stops talking does not keep us from ending. */
static void drain(struct channel *channel)
{
	for (int i = 0; i < DRAINED_MAX && channel->readable; i++)
		if (take_one(channel) != MESSAGE_TAKEN)
			return;
}

void channels_drain(struct channels *channels)
{
	for (size_t i = 0; i < channels->settings.count; i++)
		drain(&channels->each[i]);
}

static int open_channel(struct channels *channels, size_t index)
{
	struct channel *channel = &channels->each[index];

	channel->among = channels;
	channel->fd = channels->settings.descriptors[index];
	channel->readable = event_new(channels->settings.base, channel->fd, EV_READ | EV_PERSIST,
				      hear, channel);
	if (!channel->readable || event_add(channel->readable, NULL))
		return -1;
	channels->open++;
	return 0;
}

struct channels *channels_new(const struct channels_settings *settings)
{
	struct channels *channels = calloc(1, sizeof *channels);

	if (!channels)
		return NULL;
	channels->settings = *settings;
	channels->again = evtimer_new(settings->base, tell_again, channels);
	channels->each = calloc(settings->count + 1, sizeof *channels->each);
	if (!channels->again || !channels->each)
		goto free;
	for (size_t i = 0; i < settings->count; i++)
		if (open_channel(channels, i))
			goto free;
	return channels;
free:
	channels_free(channels);
	return NULL;
}

void channels_free(struct channels *channels)
{
	if (!channels)
		return;
	for (size_t i = 0; channels->each && i < channels->settings.count; i++)
		if (channels->each[i].readable)
			event_free(channels->each[i].readable);
	free(channels->each);
	if (channels->again)
		event_free(channels->again);
	free(channels);
}
