// SQLite's C interface, with its macros that Swift does not see as functions.
#pragma once
#include <sqlite3.h>

/// Binds bytes that SQLite copies.
int seep_bind_blob(sqlite3_stmt *statement, int place, const void *bytes, int size);
/// Binds text (UTF-8, `size` bytes) that SQLite copies.
int seep_bind_text(sqlite3_stmt *statement, int place, const char *text, int size);
