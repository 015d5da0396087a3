"""An experiment: every section, every setting filled in."""

from pydantic import Field

from sfumato.config.convergence import ConvergenceConfig
from sfumato.config.data import DataConfig
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.evaluation import EvaluationConfig
from sfumato.config.fields import LONGEST, Name, Section, Seed, Whole
from sfumato.config.forward import ForwardConfig
from sfumato.config.guidance_classifier import GuidanceClassifierConfig
from sfumato.config.likelihood import LikelihoodConfig
from sfumato.config.model import Model
from sfumato.config.render import RenderConfig
from sfumato.config.samples import SampleConfig
from sfumato.config.sampling import SamplingConfig
from sfumato.config.scoring import FLOOR
from sfumato.config.sweep import SweepConfig
from sfumato.config.training import TrainingConfig
from sfumato.config.trajectory import TrajectoryConfig
from sfumato.config.weights import WeightsConfig
from sfumato.errors import InputError
from sfumato.networks.unet_config import UNetConfig
from sfumato.samplers.ddim import DDIM
from sfumato.samplers.ddpm import DDPM

DEFAULT_SAMPLES = {
    "ddpm": SampleConfig(sampler=DDPM(), steps=1000),
    "ddim": SampleConfig(sampler=DDIM(), steps=50),
}


class Experiment(Section):
    """One experiment: a folder under `results/`."""

    figures: tuple[str, ...] | None = Field(default=None, min_length=1)
    """The files that it builds; null for forward.png, one figure for each entry of `samples`,
    trajectory.png and trajectory.gif, and not for those of sweeps."""
    shards: Whole = Field(default=1, ge=1, le=100_000)
    """At most how many jobs share the drawing of one set of samples."""
    seed: Seed = 0
    """The seed of all random numbers."""
    data: DataConfig = DataConfig()
    """The images."""
    model: Model = UNetConfig()
    """The denoising network."""
    diffusion: DiffusionConfig = DiffusionConfig()
    """The forward process."""
    weights: WeightsConfig = WeightsConfig()
    """Where the network's weights come from."""
    guidance_classifier: GuidanceClassifierConfig = GuidanceClassifierConfig()
    """How the classifier of classifier guidance learns."""
    training: TrainingConfig = TrainingConfig()
    """How the network learns."""
    forward: ForwardConfig = ForwardConfig()
    """The figure of the forward process."""
    sampling: SamplingConfig = SamplingConfig()
    """How the sampling loop uses the machine."""
    samples: dict[Name, SampleConfig] = DEFAULT_SAMPLES
    """What is drawn."""
    sweeps: dict[Name, SweepConfig] = {}
    """Entries of `samples`, each varied over some of its settings: sweep_{name}.png shows them."""
    convergence: ConvergenceConfig = ConvergenceConfig()
    """How fast images settle with more steps."""
    trajectory: TrajectoryConfig = TrajectoryConfig()
    """The denoising trajectory."""
    evaluation: EvaluationConfig = EvaluationConfig()
    """How good samples are."""
    likelihood: LikelihoodConfig = LikelihoodConfig()
    """How likely the network finds images."""
    render: RenderConfig = RenderConfig()
    """How figures look."""

    @property
    def built(self) -> tuple[str, ...]:
        """The files that the experiment builds."""
        if self.figures is not None:
            return self.figures
        drawn = (f"{name}_samples.png" for name in self.samples)
        followed = self.trajectory.of in self.samples
        trajectory = ("trajectory.png", "trajectory.gif") if followed else ()
        return ("forward.png", *drawn, *trajectory)

    @property
    def runs(self) -> dict[str, SampleConfig]:
        """The entries that the evaluation scores, by name; an InputError if one is wrong."""
        points: dict[str, SampleConfig] = {}
        for i, run in enumerate(self.evaluation.runs):
            place = f"evaluation.runs[{i}]"
            new = self.sweep_of(run).points(self.samples, place)
            for name in new:
                if len(name) > LONGEST:
                    raise InputError(
                        f"{place}: {name[:40]}... is too long for the name of a file; vary less"
                    )
                if name in points or name == FLOOR:
                    taken = "another run" if name in points else "real images"
                    raise InputError(f"{place}: {name!r} is already the name of {taken}")
            points |= new
        return {name: entry.filled(self.diffusion.noise_steps) for name, entry in points.items()}

    def sweep_of(self, run: SweepConfig | str) -> SweepConfig:
        """Return one of the runs as a sweep.

        The number of samples is that of the evaluation, whatever a sweep of this name draws.
        """
        if isinstance(run, SweepConfig):
            return run
        sweep = self.sweeps[run]
        over = {key: values for key, values in sweep.over.items() if key != "n_samples"}
        return sweep.model_copy(update={"over": over})

    @property
    def first_run(self) -> str:
        """The name of the first of them."""
        return next(iter(self.runs))
