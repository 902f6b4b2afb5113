// GNU readline, loaded only when the prompt asks for it, so that scripts never pay for it.
#pragma once

typedef char **(*seep_completer)(const char *text, int start, int end);
typedef void (*seep_line_handler)(char *line);

/// Loads the library; 0, or -1 if it is not installed.
int seep_readline_load(void);
/// "8.2"; after loading.
const char *seep_readline_version(void);
/// Names the program for `$if seep` in .inputrc and sets the completion function.
void seep_readline_configure(const char *name, const char *word_breaks, seep_completer completer);
/// Shows a prompt; the handler gets each finished line (malloc'ed), NULL at the end of input.
void seep_readline_install(const char *prompt, seep_line_handler handler);
void seep_readline_remove(void);
/// Whether readline ends the line by itself at the end of the input: it does where it has switched bracketed paste off again.
int seep_readline_ends_line(void);
/// Ends `seep_readline_wait`, now or as soon as it begins. For signal handlers.
void seep_readline_wake(void);
/// Waits for a key or for `seep_readline_wake`, and draws the line anew when the terminal has another size; 1 if there is a key to read.
int seep_readline_wait(void);
/// Whether keys are there, or come within that time, that nobody has read: 1 or 0.
int seep_readline_has_more(int milliseconds);
/// Reads what has been typed.
void seep_readline_read(void);
/// After Ctrl-C: forgets the line that was being typed.
void seep_readline_discard(void);
void seep_readline_add_history(const char *line);
/// Whether file names may be completed when the completer gives nothing; what follows a completed word (0 for nothing).
void seep_readline_completion_ends(int files_too, int append);
/// The line being typed; belongs to readline.
const char *seep_readline_line(void);
/// Puts text on the line being typed, as if it had been typed.
void seep_readline_insert(const char *text);
