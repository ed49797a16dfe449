/* The words of a list that is fetched, for the tables of lists and of countries. */
#pragma once

#include "daemon/policy/grammar.h"

keyword_reader read_feed_source, read_feed_refresh, read_feed_ca;

#define FEED_KEYWORDS                                                                              \
	{ "source", FORM_TEXT, "the address it is fetched from: http:// or https://",              \
	  .read = read_feed_source },                                                              \
		{ "refresh", FORM_TEXT | FORM_NUMBER,                                              \
		  "how often it is fetched: a time such as 24h, from 5 m to 30 d",                 \
		  .read = read_feed_refresh },                                                     \
	{                                                                                          \
		"ca", FORM_TEXT, "a PEM file with the roots that the source must chain to",        \
			.read = read_feed_ca                                                       \
	}
