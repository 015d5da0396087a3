"""Put the times that two sampling runs measured side by side.

python scripts/compare_speed.py --ddpm results/mine/ddpm_samples.timing.json \
    --ddim results/mine/ddim_samples.timing.json --output results/mine/speed.json
"""

from collections.abc import Sequence
from pathlib import Path

from sfumato.arrays import write_whole
from sfumato.command_line import command, parse
from sfumato.speed import Timing, compare, load_json


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "ddpm", "ddim", "output")
    ddpm, ddim = (load_json(Timing, Path(path)) for path in (arguments.ddpm, arguments.ddim))
    text = compare(ddpm, ddim).model_dump_json(indent=2) + "\n"
    write_whole(Path(arguments.output), lambda path: path.write_text(text, encoding="utf-8"))


if __name__ == "__main__":
    main()
