#include "CReadline.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <stddef.h>
#include <unistd.h>

// The parts of readline's interface used here (readline 8.1 and later; see its manual, "Programming with GNU Readline").
static void (*install_handler)(const char *, seep_line_handler);
static void (*remove_handler)(void);
static void (*read_char)(void);
static void (*sigcleanup)(void);
static void (*free_line_state)(void);
static int (*insert_text)(const char *);
static void (*redisplay)(void);
static void (*resize_terminal)(void);
static void (*add_history_line)(const char *);
static const char **library_version, **readline_name, **word_break_characters;
static char **line_buffer;
static seep_completer *attempted_completion;
static int *completion_over, *append_character, *eof_found, *catch_signals, *catch_sigwinch;

static const char **quote_characters;
static char *(*variable_value)(const char *);

// What a signal handler writes to and `seep_readline_wait` listens to as well: a signal that comes before the wait begins, or to another
// thread, would not end it otherwise.
static int wake_pipe[2] = {-1, -1};
void seep_readline_wake(void) {
  int before = errno;
  if (wake_pipe[1] >= 0 && write(wake_pipe[1], "", 1) < 0) { /* full: it is awake */
  }
  errno = before;
}

static volatile sig_atomic_t was_resized;
static void note_resize(int signal) {
  (void)signal;
  was_resized = 1;
  seep_readline_wake();
}

static void *symbol(void *library, const char *name, int *missing) {
  void *found = dlsym(library, name);
  if (!found) *missing = 1;
  return found;
}

int seep_readline_load(void) {
  void *library = dlopen("libreadline.so.8", RTLD_NOW | RTLD_GLOBAL);
  if (!library) library = dlopen("libreadline.so", RTLD_NOW | RTLD_GLOBAL);
  if (!library) return -1;
  int missing = 0;
  *(void **)&install_handler = symbol(library, "rl_callback_handler_install", &missing);
  *(void **)&remove_handler = symbol(library, "rl_callback_handler_remove", &missing);
  *(void **)&read_char = symbol(library, "rl_callback_read_char", &missing);
  *(void **)&sigcleanup = symbol(library, "rl_callback_sigcleanup", &missing);
  *(void **)&free_line_state = symbol(library, "rl_free_line_state", &missing);
  *(void **)&insert_text = symbol(library, "rl_insert_text", &missing);
  *(void **)&redisplay = symbol(library, "rl_redisplay", &missing);
  *(void **)&resize_terminal = symbol(library, "rl_resize_terminal", &missing);
  *(void **)&add_history_line = symbol(library, "add_history", &missing);
  library_version = symbol(library, "rl_library_version", &missing);
  readline_name = symbol(library, "rl_readline_name", &missing);
  word_break_characters = symbol(library, "rl_basic_word_break_characters", &missing);
  line_buffer = symbol(library, "rl_line_buffer", &missing);
  attempted_completion = symbol(library, "rl_attempted_completion_function", &missing);
  completion_over = symbol(library, "rl_attempted_completion_over", &missing);
  append_character = symbol(library, "rl_completion_append_character", &missing);
  quote_characters = symbol(library, "rl_basic_quote_characters", &missing);
  *(void **)&variable_value = symbol(library, "rl_variable_value", &missing);
  eof_found = dlsym(library, "rl_eof_found");  // since 8.0
  catch_signals = symbol(library, "rl_catch_signals", &missing);
  catch_sigwinch = symbol(library, "rl_catch_sigwinch", &missing);
  return missing ? -1 : 0;
}

const char *seep_readline_version(void) { return *library_version; }

void seep_readline_configure(const char *name, const char *word_breaks, seep_completer completer) {
  *readline_name = name;
  *word_break_characters = word_breaks;
  // Whether a text ends after what was completed is said by `seep_readline_completion_ends` alone: the path of a folder goes on.
  *quote_characters = "";
  *attempted_completion = completer;
  *catch_signals = 0;
  // Readline's own handler acts on the next key only, when the line has been drawn for the old width.
  *catch_sigwinch = 0;
  if (wake_pipe[0] < 0 && pipe(wake_pipe) == 0) {
    for (int i = 0; i < 2; i++) {
      fcntl(wake_pipe[i], F_SETFL, O_NONBLOCK);
      fcntl(wake_pipe[i], F_SETFD, FD_CLOEXEC);
    }
  }
  struct sigaction action = {.sa_handler = note_resize, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  sigaction(SIGWINCH, &action, NULL);
}

void seep_readline_install(const char *prompt, seep_line_handler handler) {
  // Else readline would end each later line as it ended the one where Ctrl-D was typed.
  if (eof_found) *eof_found = 0;
  install_handler(prompt, handler);
}
void seep_readline_remove(void) { remove_handler(); }
int seep_readline_ends_line(void) {
  const char *paste = variable_value("enable-bracketed-paste");
  const char *terminal = getenv("TERM");
  return paste && !strcmp(paste, "on") && terminal && strcmp(terminal, "dumb");
}
static void follow_size(void) {
  if (!was_resized) return;
  was_resized = 0;
  resize_terminal();
}
int seep_readline_wait(void) {
  follow_size();
  // Where there was no pipe, poll passes over its place.
  struct pollfd input[2] = {{.fd = 0, .events = POLLIN}, {.fd = wake_pipe[0], .events = POLLIN}};
  int ready = poll(input, 2, -1);
  char bytes[64];
  if (ready > 0 && input[1].revents)
    while (read(wake_pipe[0], bytes, sizeof bytes) > 0) {
    }
  follow_size();
  return ready > 0 && input[0].revents;
}
int seep_readline_has_more(int milliseconds) {
  struct pollfd input = {.fd = 0, .events = POLLIN};
  return poll(&input, 1, milliseconds) > 0;
}
void seep_readline_read(void) { read_char(); }
void seep_readline_discard(void) {
  free_line_state();
  sigcleanup();
}
void seep_readline_add_history(const char *line) { add_history_line(line); }
void seep_readline_completion_ends(int files_too, int append) {
  *completion_over = !files_too;
  *append_character = append;
}
const char *seep_readline_line(void) { return *line_buffer; }
void seep_readline_insert(const char *text) {
  insert_text(text);
  redisplay();
}
