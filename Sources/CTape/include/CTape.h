// Whether the running thread records operations: a thread-local flag, which Swift has no cheap form of.
#ifndef SEEP_CTAPE_H
#define SEEP_CTAPE_H

extern _Thread_local int seep_tape_paused;
// Who looks at the results of the running thread's operations; null for nobody.
extern _Thread_local void *seep_tape_watcher;

static inline int seep_tape_is_paused(void) { return seep_tape_paused; }
static inline void seep_tape_set_paused(int paused) { seep_tape_paused = paused; }
static inline void *seep_tape_watch(void) { return seep_tape_watcher; }
static inline void seep_tape_set_watch(void *watcher) { seep_tape_watcher = watcher; }

#endif
