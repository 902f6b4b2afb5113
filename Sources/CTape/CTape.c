#include "CTape.h"

_Thread_local int seep_tape_paused = 0;
_Thread_local void *seep_tape_watcher = 0;
