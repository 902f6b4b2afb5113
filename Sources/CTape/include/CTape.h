// Whether the running thread records operations: a thread-local flag, which Swift has no cheap form of.
#ifndef SEEP_CTAPE_H
#define SEEP_CTAPE_H

extern _Thread_local int seep_tape_paused;

static inline int seep_tape_is_paused(void) { return seep_tape_paused; }
static inline void seep_tape_set_paused(int paused) { seep_tape_paused = paused; }

#endif
