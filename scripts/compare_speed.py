"""Put the times that two sampling runs measured side by side.

python scripts/compare_speed.py --ddpm results/mine/ddpm_samples.timing.json \
    --ddim results/mine/ddim_samples.timing.json --output results/mine/speed.json
"""

import json
from collections.abc import Sequence
from pathlib import Path

from sfumato.arrays import write_whole
from sfumato.command_line import command, parse
from sfumato.speed import compare, load_timing


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "ddpm", "ddim", "output")
    speed = compare(load_timing(Path(arguments.ddpm)), load_timing(Path(arguments.ddim)))
    text = json.dumps(speed, indent=2) + "\n"
    write_whole(Path(arguments.output), lambda path: path.write_text(text, encoding="utf-8"))


if __name__ == "__main__":
    main()
