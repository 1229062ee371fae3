"""The exit codes of all commands.

0  done, all verdicts good
1  a verdict is bad: a simulated step failed, doctor found a fault, workers end before they serve
2  the command line, a setting or a definition file is not valid
3  there is no such data directory, directory, connection, token or client
4  it conflicts with what is there: a name or a port is taken
5  the store is not available
"""

from typing import Final

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
NOT_FOUND: Final = 3
CONFLICT: Final = 4
UNAVAILABLE: Final = 5

HELP: Final = (
    "Exit codes: 0 done · 1 a verdict is bad · 2 wrong usage or definition file · 3 not found · "
    "4 conflict (name or port taken) · 5 store not available"
)
