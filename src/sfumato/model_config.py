"""What a model of the object-style interface is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sfumato.compute.arguments import of_kind, warn
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.validation import nearest, validate
from sfumato.errors import InputError
from sfumato.networks import config_class
from sfumato.networks.base_config import ImageConfig, NetworkConfig

_FEWEST_ROWS = 5
"""Images have more rows than that, and fewer channels."""


@dataclass
class ModelConfig:
    """What a model is made from.

    Attributes:
        name: any name.
        model_class: "DDPMModel".
        input_dim: (height, width, channels) of an image.
        parameters: settings of the config's sections `diffusion` and `model` by their own names,
            such as `noise_steps`, `beta_schedule`, `architecture`, `channels`. May be changed
            until a model is made from it.
    """

    name: str
    model_class: Literal["DDPMModel"] = "DDPMModel"
    input_dim: tuple[int, ...] = (28, 28, 1)
    parameters: dict[str, Any] = field(default_factory=dict)

    def resolve(self) -> tuple[NetworkConfig, DiffusionConfig]:
        """Return the settings of network and diffusion; an InputError names what is wrong."""
        if self.model_class != "DDPMModel":
            raise InputError(f"model_class: {self.model_class!r} must be 'DDPMModel'")
        of_kind("parameters", self.parameters, Mapping, "{'noise_steps': 1000}")
        height, width, channels = validate(ImageConfig, {"input_dim": self.input_dim}).input_dim
        if height < _FEWEST_ROWS <= channels:
            warn(
                f"input_dim: ({height}, {width}, {channels}) is height, width and channels; where "
                f"the channels come first, write ({width}, {channels}, {height}) and move the axis"
            )
        schema = config_class(self.parameters.get("architecture", "unet"))
        network: dict[str, Any] = {"input_dim": self.input_dim}
        diffusion: dict[str, Any] = {}
        for key, value in self.parameters.items():
            if key in DiffusionConfig.model_fields:
                diffusion[key] = value
            elif key in schema.model_fields and key != "input_dim":
                network[key] = value
            else:
                known = [*DiffusionConfig.model_fields, *schema.model_fields]
                known.remove("input_dim")
                if key == "input_dim":
                    raise InputError("parameters.input_dim: is an argument beside parameters")
                hint = nearest(key, known) or f"; known here: {', '.join(known)}"
                raise InputError(f"parameters.{key}: unknown key{hint}")
        return (
            validate(schema, network, "parameters"),
            validate(DiffusionConfig, diffusion, "parameters"),
        )
