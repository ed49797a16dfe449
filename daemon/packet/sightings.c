#include "daemon/packet/sightings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/lists/hash.h"
#include "daemon/limits.h"

enum {
	WAYS = 4,
	SETS = SIGHTINGS_MAX / WAYS,
	READ_ATTEMPTS = 8, /* while somebody writes */
	FORM = 1,	   /* another number for another layout, or another hash */
	SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL,
};

/* What a place says, word by word: words are what is read and written at once. */
enum {
	WORD_UNTIL,   /* seconds; 0: free */
	WORD_ADDRESS, /* 16 bytes */
	WORD_SHAPE = WORD_ADDRESS + 2, /* the address's family, and the length of the name */
	WORD_NAME,
	WORDS = WORD_NAME + NAME_SIZE / 8,
};

struct sighting {
	uint64_t words[WORDS];
};

/* The seal is a keyed hash of the words that are used. It holds for what somebody has written whole;
 * halves of two writers, or of one who was killed, have none, and count for nothing. */
struct place {
	_Atomic uint64_t seal;
	_Atomic uint64_t words[WORDS];
};

struct sightings {
	uint64_t form;
	uint8_t seed[SIGHTINGS_SEED];
	struct place sets[SETS][WAYS];
};

static struct sightings *map(int file)
{
	void *memory = mmap(NULL, sizeof(struct sightings), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static int begin_file(int file, const uint8_t seed[static SIGHTINGS_SEED])
{
	struct sightings *sightings;

	if (ftruncate(file, sizeof(*sightings)) < 0 || fcntl(file, F_ADD_SEALS, SEALS) < 0)
		return -1;
	sightings = map(file);
	if (!sightings)
		return -1;
	sightings->form = FORM;
	memcpy(sightings->seed, seed, SIGHTINGS_SEED);
	sightings_close(sightings);
	return 0;
}

int sightings_make(const uint8_t seed[static SIGHTINGS_SEED])
{
	int file = memfd_create("headgate-sightings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int error;

	if (file < 0 || begin_file(file, seed) == 0)
		return file;
	error = errno;
	close(file);
	errno = error;
	return -1;
}

/* What could be cut short would end whoever looks behind its end. */
static bool is_table(int file)
{
	struct stat facts;
	int seals = fcntl(file, F_GET_SEALS);

	return fstat(file, &facts) == 0 && facts.st_size == (off_t)sizeof(struct sightings) &&
	       seals >= 0 && (seals & SEALS) == SEALS;
}

struct sightings *sightings_open(int file)
{
	struct sightings *sightings = is_table(file) ? map(file) : NULL;

	if (sightings && sightings->form == FORM)
		return sightings;
	sightings_close(sightings);
	errno = EPROTO;
	return NULL;
}

void sightings_close(struct sightings *sightings)
{
	if (sightings)
		munmap(sightings, sizeof(*sightings));
}

static uint64_t hash_words(const struct sightings *sightings, const uint64_t *words, size_t count)
{
	struct hash hash;

	hash_begin(&hash, sightings->seed);
	hash_add(&hash, words, count * sizeof(*words));
	return hash_value(&hash);
}

/* Address, and the shape of an entry for it with a name of this length. */
static void begin(struct sighting *sighting, const struct address *address, size_t length)
{
	memset(sighting, 0, sizeof(*sighting));
	memcpy(&sighting->words[WORD_ADDRESS], address->bytes, address_width(address));
	sighting->words[WORD_SHAPE] = (uint64_t)address->family << 32 | length;
}

static size_t length_of(uint64_t shape)
{
	return (uint32_t)shape;
}

static size_t words_used(uint64_t shape)
{
	return WORD_NAME + (length_of(shape) + 7) / 8;
}

static uint64_t load(const struct place *place, unsigned word)
{
	return atomic_load_explicit(&place->words[word], memory_order_relaxed);
}

static bool is_about(const struct place *place, const struct sighting *wanted)
{
	return load(place, WORD_ADDRESS) == wanted->words[WORD_ADDRESS] &&
	       load(place, WORD_ADDRESS + 1) == wanted->words[WORD_ADDRESS + 1] &&
	       load(place, WORD_SHAPE) >> 32 == wanted->words[WORD_SHAPE] >> 32;
}

static bool is_same(const struct sighting *found, const struct sighting *wanted)
{
	return memcmp(&found->words[WORD_ADDRESS], &wanted->words[WORD_ADDRESS], 16) == 0 &&
	       found->words[WORD_SHAPE] >> 32 == wanted->words[WORD_SHAPE] >> 32;
}

static const struct place *set_of(const struct sightings *sightings, const struct sighting *wanted)
{
	uint64_t hash = hash_words(sightings, &wanted->words[WORD_ADDRESS], 2);

	return sightings->sets[hash % SETS];
}

/* Noting */

/* The place of this address, or the one whose time is over first. */
static struct place *place_for(struct place *set, const struct sighting *sighting)
{
	struct place *place = set;

	for (unsigned i = 0; i < WAYS; i++) {
		if (is_about(&set[i], sighting))
			return &set[i];
		if (load(&set[i], WORD_UNTIL) < load(place, WORD_UNTIL))
			place = &set[i];
	}
	return place;
}

static void write_place(const struct sightings *sightings, struct place *place,
			const struct sighting *sighting)
{
	size_t used = words_used(sighting->words[WORD_SHAPE]);
	uint64_t seal = hash_words(sightings, sighting->words, used);

	for (size_t i = 0; i < used; i++)
		atomic_store_explicit(&place->words[i], sighting->words[i], memory_order_relaxed);
	atomic_store_explicit(&place->seal, seal, memory_order_relaxed);
}

void sightings_note(struct sightings *sightings, const struct address *address, const char *name,
		    uint32_t ttl, int64_t now)
{
	size_t length = strlen(name);
	struct sighting sighting;

	if (length > NAME_MAX_LENGTH)
		return;
	ttl = MIN(MAX(ttl, SIGHTING_SECONDS_MIN), SIGHTING_SECONDS_MAX);
	begin(&sighting, address, length);
	sighting.words[WORD_UNTIL] = (uint64_t)now + ttl;
	memcpy(&sighting.words[WORD_NAME], name, length);
	write_place(sightings,
		    place_for((struct place *)set_of(sightings, &sighting), &sighting), &sighting);
}

/* Finding */

/* Copies what was written whole. */
static bool read_place(const struct sightings *sightings, const struct place *place,
		       struct sighting *sighting)
{
	for (unsigned attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
		uint64_t seal = atomic_load_explicit(&place->seal, memory_order_relaxed);
		uint64_t shape = load(place, WORD_SHAPE);

		if (length_of(shape) > NAME_MAX_LENGTH)
			continue;
		for (unsigned i = 0; i < words_used(shape); i++)
			sighting->words[i] = load(place, i);
		sighting->words[WORD_SHAPE] = shape;
		if (hash_words(sightings, sighting->words, words_used(shape)) == seal)
			return true;
	}
	return false;
}

bool sightings_find(const struct sightings *sightings, const struct address *address, int64_t now,
		    char name[static NAME_SIZE])
{
	struct sighting wanted, found;
	const struct place *set;

	name[0] = '\0';
	begin(&wanted, address, 0);
	set = set_of(sightings, &wanted);
	for (unsigned i = 0; i < WAYS; i++) {
		size_t length;

		if (!is_about(&set[i], &wanted) || !read_place(sightings, &set[i], &found))
			continue;
		/* It may have become another's meanwhile. */
		if (!is_same(&found, &wanted) || (int64_t)found.words[WORD_UNTIL] <= now)
			continue;
		length = length_of(found.words[WORD_SHAPE]);
		memcpy(name, &found.words[WORD_NAME], length);
		name[length] = '\0';
		return length > 0;
	}
	return false;
}
