#include "tests/unit/dice.h"

static uint64_t state;

void dice_begin(uint64_t seed)
{
	state = seed;
}

unsigned pick(unsigned below)
{
	uint64_t mixed = state += 0x9e3779b97f4a7c15;

	mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
	mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
	return (unsigned)((mixed ^ (mixed >> 31)) % below);
}
