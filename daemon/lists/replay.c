#include "daemon/lists/replay.h"

struct replay {
	unsigned list;
	entry_sink *sink;
	void *context;
	int result;
};

static void visit(void *context, unsigned list, const struct list_entry *entry)
{
	struct replay *replay = context;

	if (list == replay->list && !replay->result)
		replay->result = replay->sink(replay->context, entry);
}

int replay_list(const struct compiled *compiled, unsigned list, entry_sink *sink, void *context)
{
	struct replay replay = { list, sink, context, 0 };

	ranges_each(&compiled->ranges, visit, &replay);
	suffixes_each(&compiled->suffixes, visit, &replay);
	return replay.result ? -1 : 0;
}
