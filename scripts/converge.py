"""Compare images of few steps with those of many, from the same noise.

python scripts/converge.py --config '{"convergence": {"of": ["ddim"], "steps": [5, 10],
        "reference": 50}, "varied": {}, "chains": {"ddim": ["points/...", "points/...", "ddim"]},
        "samples": {"ddim": {"sampler": "ddim", "steps": 50}, ...}}' \
    --samples results/mine/points/*_samples.npz results/mine/ddim_samples.npz \
    --output results/mine/convergence.json
"""

from collections.abc import Sequence

from sfumato.records.measurements import save_measurement
from sfumato.records.opening import open_record
from sfumato.records.outputs import check_outputs
from sfumato.records.provenance import Record, provenance
from sfumato.sampling.convergence import Convergence, curve, drawn_of
from sfumato.workflow.command_line import add_paths, command, new_parser
from sfumato.workflow.settings import read_settings
from sfumato.workflow.stages.converge import STAGE, Settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__, STAGE)
    add_paths(parser, "samples", nargs="+")
    add_paths(parser, "output")
    arguments = parser.parse_args(argv)
    check_outputs({"output": arguments.output})
    settings = read_settings(Settings, arguments.config)
    opened = [open_record(path, "images") for path in arguments.samples]
    drawn = dict(map(drawn_of, opened))
    chains = settings.chains
    curves = [curve(of, chains[of], drawn) for of in settings.convergence.of]
    inputs = {each.record.artifact: each for each in opened}
    record = provenance(STAGE, "convergence.json", settings, inputs=inputs)
    reference = chains[curves[0].of][-1]
    convergence = Convergence(
        reference=drawn[reference].steps,
        n_samples=settings.convergence.n_samples,
        curves=curves,
        provenance=Record.model_validate(record),
    )
    save_measurement(arguments.output, convergence)


if __name__ == "__main__":
    main()
