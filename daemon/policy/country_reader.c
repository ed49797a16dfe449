/* `country XX` in a condition: a list that takes its part of the file of countries. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "daemon/policy/definitions.h"
#include "daemon/policy/list_reader.h"

static void copy_countries(struct reading *reading, struct list *list, const char *code)
{
	const struct list *countries = reading->policy->countries;
	char name[16];

	snprintf(name, sizeof(name), "country %s", code);
	list->place = countries->place;
	list->format = countries->format;
	list->feed = countries->feed;
	list->shrink = countries->shrink;
	list->grow = countries->grow;
	list->name = reading_copy(reading, name);
	list->code = reading_copy(reading, code);
	if (countries->column)
		list->column = reading_copy(reading, countries->column);
	list->files[FILE_ADDRESSES].place = countries->files[FILE_ADDRESSES].place;
	if (countries->files[FILE_ADDRESSES].name)
		list->files[FILE_ADDRESSES].name =
			reading_copy(reading, countries->files[FILE_ADDRESSES].name);
}

const struct list *find_country(struct reading *reading, struct value value, const char *code)
{
	char name[16], upper[3] = { 0 };
	const struct list *known;
	struct list *list;

	if (strlen(code) != 2 || !isalpha((unsigned char)code[0]) ||
	    !isalpha((unsigned char)code[1])) {
		reading_error(reading, value,
			      "a country is two letters such as DE; found \"%.60s\"", code);
		return NULL;
	}
	if (!reading->policy->countries) {
		reading_error(reading, value,
			      "nothing says which addresses are in \"country %s\"; give "
			      "\"countries: FILE\", a MaxMind DB or a csv",
			      code);
		return NULL;
	}
	upper[0] = (char)toupper((unsigned char)code[0]);
	upper[1] = (char)toupper((unsigned char)code[1]);
	snprintf(name, sizeof(name), "country %s", upper);
	known = list_of_name(reading->policy, name);
	if (known)
		return known;
	list = list_add(reading, value);
	if (list)
		copy_countries(reading, list, upper);
	return list;
}
