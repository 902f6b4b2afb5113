// SeepShell
