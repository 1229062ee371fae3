"""docs/demo.svg is what ``rosterd demo`` shows: it is run on a terminal of its own, and its last screen kept.

A progress bar is drawn again and again by moving the cursor up; so the output is played on a small
screen that knows just these movements.
"""

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

WIDTH: Final = 90
PICTURE: Final = Path(__file__).with_name("demo.svg")
COMMAND: Final = (str(Path(sys.executable).with_name("rosterd")), "demo", "--exit")

# A line feed or carriage return, one control sequence, or text up to the next of them.
PIECE: Final = re.compile(r"\n|\r|\x1b\[([0-9;?]*)([A-Za-z])|[^\n\r\x1b]+|\x1b")


def record() -> str:
    """What the command writes to a terminal. Raises ``CalledProcessError`` if it fails."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(WIDTH), "LINES": "60", "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(COMMAND, stdout=theirs, stderr=theirs, stdin=theirs, env=environment) as process:  # noqa: S603
        os.close(theirs)
        chunks = []
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # the other side of the terminal is closed
                break
            if not chunk:
                break
            chunks.append(chunk)
        os.close(ours)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, COMMAND)
    return b"".join(chunks).decode()


def screen(output: str) -> list[str]:
    """The lines that are left when all of it was drawn, with their colours."""
    lines, row = [""], 0
    for piece in PIECE.finditer(output):
        text, count, letter = piece[0], piece[1], piece[2]
        if text == "\n":
            row += 1
            if row == len(lines):
                lines.append("")
        elif letter == "A":
            row = max(0, row - int(count or 1))
        elif letter == "K":
            lines[row] = ""
        elif letter == "m" or (letter is None and text not in ("\r", "\x1b")):
            lines[row] += text
    return lines


def draw(lines: list[str]) -> str:
    """The lines as SVG."""
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print("[bold green]$[/bold green] make demo")
    for line in lines:
        console.print(Text.from_ansi(line), soft_wrap=True)
    svg = console.export_svg(title="rosterd demo", unique_id="demo")
    # Rich's picture fetches its font from elsewhere; any font of equal widths on the reader's machine does.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.S)
    return svg.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace")


def main() -> None:
    """Run the demo and write the picture; the samples behind the summary are left out: they hold a token."""
    lines = screen(record())
    while lines and not lines[-1].strip():
        lines.pop()
    end = next((n for n, line in enumerate(lines) if "Look around" in line), len(lines))
    PICTURE.write_text(draw(lines[:end]))


if __name__ == "__main__":
    main()
