/* The parsers of the formats, one file format_*.c each family. `looks` judges a line that may be of
 * this format, leading blanks left out; `read` reads one piece of the list; `read_whole` all its
 * bytes. */
#pragma once

#include "daemon/lists/gather.h"
#include "daemon/lists/pieces.h"

enum likeness {
	UNLIKE,
	LIKE, /* one vote */
	SURE, /* no other format has such a line */
};

/* What a parser remembers from line to line; zero at the start. */
union format_state {
	struct {
		char separator;
		bool settled;	/* columns are known */
		size_t column;	/* from 0 */
		size_t records; /* read, the header among them */
	} csv;
	struct {
		char origin[NAME_SIZE]; /* with a dot before and none behind: ".rpz.example"; "" */
		char owner[NAME_SIZE];	/* as written */
		unsigned parentheses;
	} rpz;
	struct {
		bool inside;  /* between the braces of elements */
		bool comment; /* until the line ends */
	} nftables;
};

enum likeness hosts_looks(const char *line);
enum likeness ipset_looks(const char *line);
enum likeness nftables_looks(const char *line);
enum likeness drop_looks(const char *line);
enum likeness dnsmasq_looks(const char *line);
enum likeness adblock_looks(const char *line);
enum likeness rpz_looks(const char *line);
enum likeness csv_looks(const char *line);
enum likeness plain_looks(const char *line);

typedef void piece_reader(struct gather *gather, union format_state *state,
			  const struct piece *piece);

piece_reader plain_read, hosts_read, ipset_read, nftables_read, drop_read, dnsmasq_read,
	adblock_read, rpz_read, csv_read;

typedef void whole_reader(struct gather *gather, const uint8_t *bytes, size_t length);

whole_reader mmdb_read_whole, srs_read_whole, mrs_read_whole;
