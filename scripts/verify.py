"""Compare an experiment that was built again with what lies in results, and with a golden file.

python scripts/verify.py --rebuilt results/.verify/mine --results results/mine \
    --golden workflow/golden/mine.json --output verification.txt

A golden file that does not exist is left out. What was built again is deleted afterwards.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from sfumato.arrays import write_whole
from sfumato.command_line import command, parse
from sfumato.errors import InputError
from sfumato.verification import compare_folders, compare_with_golden, load_golden


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "rebuilt", "results", "golden", "output")
    rebuilt, results, golden = map(Path, (arguments.rebuilt, arguments.results, arguments.golden))
    compared = {f"{results}": list(compare_folders(rebuilt, results))}
    built = any(finding.compared for finding in compared[f"{results}"])
    if golden.exists():
        compared[f"{golden}"] = list(compare_with_golden(rebuilt, load_golden(golden)))
    text = ""
    for place, findings in compared.items():
        text += f"compared with {place}\n"
        text += "".join(f"  {finding.name:20} {finding.said}\n" for finding in findings)
    print(text, end="", flush=True)
    shutil.rmtree(rebuilt)
    if not built and not golden.exists():
        raise InputError(f"{results}: nothing is built there to compare with; build it first")
    for place, findings in compared.items():
        wrong = [finding for finding in findings if finding.wrong]
        if wrong:
            raise InputError(f"{place}: {wrong[0].name} is the first that differs: {wrong[0].said}")
    write_whole(Path(arguments.output), lambda path: path.write_text(text, encoding="utf-8"))


if __name__ == "__main__":
    main()
