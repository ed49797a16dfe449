#include "daemon/console/page.h"

#include <string.h>

#define PART(symbol, name)                                                                         \
	__asm__(".section .rodata\n"                                                               \
		".global " #symbol ", " #symbol "_end\n" #symbol ":\n"                             \
		".incbin \"" PAGE_DIRECTORY "/" name ".gz\"\n" #symbol "_end:\n"                   \
		".byte 0\n"                                                                        \
		".previous\n");                                                                    \
	extern const uint8_t symbol[], symbol##_end[]

PART(page_index, "index.html");
PART(page_script, "console.js");
PART(page_style, "console.css");

struct span page_file(const char *name)
{
	static const struct {
		const char *name;
		const uint8_t *bytes, *end;
	} files[] = {
		{ "index.html", page_index, page_index_end },
		{ "console.js", page_script, page_script_end },
		{ "console.css", page_style, page_style_end },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (strcmp(files[i].name, name) == 0)
			return (struct span){ files[i].bytes,
					      (size_t)(files[i].end - files[i].bytes) };
	return (struct span){ NULL, 0 };
}
