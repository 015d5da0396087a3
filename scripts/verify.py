"""Compare a second build of experiments with the first, and with their golden files.

python scripts/verify.py --experiments mine --results results --golden workflow/golden

The second build is in `.verify` next to the experiments, and is deleted afterwards; where
`--rebuilt` names files in it, these and what they need are compared, and else all. A golden file
of the same kind of device counts before others; a missing one is skipped.
"""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from sfumato.errors import InputError
from sfumato.records.golden import compare_with_golden, golden_for, load_golden
from sfumato.records.verify import (
    NOT_BUILT,
    NOTHING_REPEATED,
    Finding,
    compare_folders,
    forget_others,
    without_second_build,
)
from sfumato.workflow.command_line import add_experiments, add_paths, command, new_parser


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__)
    add_experiments(parser)
    add_paths(parser, "results", "golden")
    add_paths(parser, "rebuilt", required=False, nargs="*")
    arguments = parser.parse_args(argv)
    results, mistakes = arguments.results, []
    for experiment in dict.fromkeys(arguments.experiments):
        rebuilt = results / ".verify" / experiment
        if not rebuilt.is_dir():
            missing = arguments.rebuilt is None and without_second_build(results / experiment)
            if missing:
                mistakes.append(missing)
            else:
                print(f"{results / experiment}: {NOTHING_REPEATED}")
            continue
        if arguments.rebuilt:
            forget_others(rebuilt, arguments.rebuilt)
        findings = list(compare_folders(rebuilt, results / experiment))
        mistakes += report(results / experiment, findings)
        if golden := golden_for(arguments.golden, experiment, rebuilt):
            mistakes += report(golden, compare_with_golden(rebuilt, load_golden(golden)))
        elif all(finding.said == NOT_BUILT for finding in findings):
            mistakes.append(f"{results / experiment}: nothing to compare with; build it first")
        shutil.rmtree(rebuilt)
    if mistakes:
        raise InputError("\n".join(mistakes))


def report(place: Path, findings: Iterable[Finding]) -> list[str]:
    """Print what was found, and return a sentence about the first thing that is wrong."""
    print(f"compared with {place}")
    wrong = []
    for finding in findings:
        print(f"  {finding.name:20} {finding.said}", flush=True)
        if finding.wrong:
            wrong.append(f"{place}: {finding.name} is the first that differs: {finding.said}")
    return wrong[:1]


if __name__ == "__main__":
    main()
