"""From a path to the template that it fits, for tables whose addresses are read to the letter.

No doubled or trailing slashes, letter case matters, and a template with more fixed segments goes first.
"""

from collections.abc import Iterable, Mapping


class Addresses:
    """Templates such as ``/users/{user}``: a parameter is one segment, which is not empty."""

    def __init__(self, templates: Iterable[str]) -> None:
        self._by_length: dict[int, list[tuple[str, ...]]] = {}
        for template in sorted(templates, key=lambda t: t.count("{")):
            segments = tuple(template.split("/"))
            self._by_length.setdefault(len(segments), []).append(segments)

    def match(self, path: str) -> tuple[str, Mapping[str, str]] | None:
        """The template of a percent-decoded path, and its parameters."""
        segments = path.split("/")
        for pattern in self._by_length.get(len(segments), ()):
            found = {}
            for wanted, given in zip(pattern, segments, strict=True):
                if wanted.startswith("{") and given:
                    found[wanted[1:-1]] = given
                elif wanted != given:
                    break
            else:
                return "/".join(pattern), found
        return None
