#include "CTape.h"

_Thread_local int seep_tape_paused = 0;
