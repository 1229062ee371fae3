"""Look for bytes that break a target, led by the branches that they reach.

    coverage_guided.py TARGET [options of libFuzzer]

``make fuzz`` runs it for each target. What reached something new stays in ``corpus/TARGET``; what broke the
target is written to the working directory as ``crash-…``: put it into the corpus with the mending.
"""

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parent))

with atheris.instrument_imports(include=["rosterd", "targets"]):
    import targets


def main() -> None:
    """Fuzz until a fault, or until what the options say."""
    name, *options = sys.argv[1:]
    folder = targets.CORPUS / name

    def one_input(data: bytes) -> None:
        targets.run(name, data)

    dictionary = targets.CORPUS / f"{name}.dict"
    if dictionary.exists():
        options.append(f"-dict={dictionary}")
    atheris.Setup([sys.argv[0], str(folder), *options], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
