/* What openntpd wants of the mathematics: on every target an instruction of the processor. */
double sqrt(double number)
{
	return __builtin_sqrt(number);
}
