"""Put the times that two sampling runs measured side by side.

python scripts/compare_speed.py --ddpm results/mine/ddpm_samples.timing.json \
    --ddim results/mine/ddim_samples.timing.json --output results/mine/speed.json
"""

from collections.abc import Sequence
from pathlib import Path

from sfumato.records.provenance import Record, provenance
from sfumato.sampling.timing import Timing, compare, load_json, origin, save_json
from sfumato.workflow.command_line import command, parse


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "ddpm", "ddim", "output")
    ddpm, ddim = (load_json(Timing, Path(path)) for path in (arguments.ddpm, arguments.ddim))
    inputs = {"ddpm": origin(ddpm), "ddim": origin(ddim)}
    record = provenance(__file__, "speed.json", inputs=inputs)
    save_json(Path(arguments.output), compare(ddpm, ddim, Record.model_validate(record)))


if __name__ == "__main__":
    main()
