"""The object-style interface: every snippet of the demo it comes from, and its errors."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import slow
from flax import nnx

from sfumato import DDPMModel, ModelConfig
from sfumato.errors import InputError
from sfumato.guidance.classifier import Classifier
from sfumato.guidance.classifier_free import ClassifierFree
from sfumato.records.checkpoint import save_checkpoint

# The shortest chains are quickest, and nobody looks at what they draw.
pytestmark = [pytest.mark.quick_compile, pytest.mark.filterwarnings("ignore:alpha_bar_T")]
TINY = {"channels": 2, "channel_multipliers": [1], "attention_levels": [], "norm_groups": 2}


def tiny(input_dim=(8, 8, 1), **parameters):
    config = ModelConfig(
        name="tiny", input_dim=input_dim, parameters={"noise_steps": 20, **TINY, **parameters}
    )
    return DDPMModel(config, rngs=nnx.Rngs(0))


@pytest.fixture(scope="module")
def model():
    """Return a model that tests share; what it draws from its own rngs depends on their order."""
    return tiny()


SNIPPETS = {
    "model creation": """
        from sfumato import ModelConfig
        from sfumato import DDPMModel

        config = ModelConfig(
            name="ddpm_mnist",
            model_class="DDPMModel",
            input_dim=(28, 28, 1),
            parameters={
                "noise_steps": 1000,
                "beta_start": 1e-4,
                "beta_end": 0.02,
                "beta_schedule": "linear",
            },
        )
        model = DDPMModel(config, rngs=rngs)
        assert model.noise_steps == 1000
    """,
    "forward diffusion": """
        for timestep in (0, 250, 500, 750, 999):
            t_tensor = jnp.array([timestep])
            noisy_x, added_noise = model.forward_diffusion(image, t_tensor, rngs=rngs)
            assert noisy_x.shape == added_noise.shape == image.shape
        assert jnp.corrcoef(noisy_x.ravel(), added_noise.ravel())[0, 1] > 0.999
    """,
    "forward pass": """
        outputs = model(noisy_images, timesteps, rngs=rngs)
        predicted_noise = outputs["predicted_noise"]
        assert predicted_noise.shape == noisy_images.shape
    """,
    "DDPM sampling": """
        samples_ddpm = model.sample(
            n_samples_or_shape=8,
            scheduler="ddpm",  # Use DDPM scheduler
            rngs=rngs,
        )
        check(samples_ddpm, (8, 28, 28, 1))
    """,
    "DDIM sampling": """
        samples_ddim = model.sample(
            n_samples_or_shape=8,
            scheduler="ddim",  # Use DDIM scheduler
            steps=50,  # Only 50 steps!
            rngs=rngs,
        )
        check(samples_ddim, (8, 28, 28, 1))
    """,
    "progressive denoising": """
        x, snapshot_interval = jax.random.normal(rngs.sample(), (8, 28, 28, 1)), 200
        denoise_step = lambda x, t: model.denoise_step(x, t, rngs=rngs)
        snapshots = []
        for t in tqdm(range(model.noise_steps - 1, -1, -1)):
            x_denoised = denoise_step(x, t)
            if t % snapshot_interval == 0:
                snapshots.append(x_denoised)
            x = x_denoised
        assert len(snapshots) == 5
        check(snapshots[-1], (8, 28, 28, 1))
    """,
    "key takeaways": """
        model = DDPMModel(config, rngs=rngs)
        noisy_x, noise = model.forward_diffusion(x, t, rngs=rngs)
        outputs = model(x, t, rngs=rngs)
        noise_pred = outputs["predicted_noise"]
        samples = model.sample(n, scheduler="ddpm", rngs=rngs)
        samples = model.sample(n, scheduler="ddim", steps=50, rngs=rngs)
        check(samples, (n, 28, 28, 1))
    """,
    "step counts": """
        check(model.sample(8, scheduler="ddim", steps=20, rngs=rngs), (8, 28, 28, 1))
        check(model.sample(8, scheduler="ddim", steps=50, rngs=rngs), (8, 28, 28, 1))
        check(model.sample(8, scheduler="ddim", steps=100, rngs=rngs), (8, 28, 28, 1))
    """,
    "another schedule": """
        before = model.schedule.alpha(500)
        config.parameters["beta_schedule"] = "cosine"
        model = DDPMModel(config, rngs=rngs)
        assert abs(model.schedule.alpha(500) - before) > 0.1
    """,
    "another size": """
        config = ModelConfig(
            name="ddpm_cifar",
            model_class="DDPMModel",
            input_dim=(32, 32, 3),  # RGB images
            parameters={"noise_steps": 1000},
        )
        model = DDPMModel(config, rngs=rngs)
        check(model.sample(4, scheduler="ddim", steps=20, rngs=rngs), (4, 32, 32, 3))
    """,
    "import error": """
        import sfumato; assert sfumato.__version__
    """,
    "out of memory": """
        n_samples_or_shape = 4
        steps = 20
        samples = model.sample(
            n_samples_or_shape=n_samples_or_shape, scheduler="ddim", steps=steps, rngs=rngs
        )
        check(samples, (4, 32, 32, 3))
    """,
}


def check(samples, shape):
    assert samples.shape == shape and samples.dtype == jnp.float32
    assert np.isfinite(samples).all() and np.abs(samples).max() <= 1 and np.std(samples) > 0


QUICK = {**TINY, "patch_size": 4}


@pytest.mark.parametrize("network", [QUICK, pytest.param({}, marks=pytest.mark.slow)])
def test_every_snippet_of_the_demo_runs(network):
    """One after the other, as a reader of the demo runs them; the slow one with its network."""
    import textwrap

    from tqdm import tqdm

    image = jnp.linspace(-1, 1, 784).reshape(1, 28, 28, 1)
    noisy_images = jax.random.normal(jax.random.key(0), (4, 28, 28, 1))
    scope = {
        **{"jax": jax, "jnp": jnp, "tqdm": tqdm, "check": check, "rngs": nnx.Rngs(42)},
        **{"image": image, "noisy_images": noisy_images, "timesteps": jnp.array([0, 9, 500, 999])},
        "network": network,
        **{"x": noisy_images, "t": jnp.array([1, 2, 3, 4]), "n": 2},
    }
    for name, snippet in SNIPPETS.items():
        if name == "key takeaways":  # what came before left other things under these names
            scope |= {"x": noisy_images, "t": jnp.array([1, 2, 3, 4])}
        snippet = snippet.replace("parameters={", "parameters={**network, ")
        exec(compile(textwrap.dedent(snippet), name, "exec"), scope)  # noqa: S102


@pytest.mark.parametrize("kind", ["epsilon", "x_0", "v", "u"])
def test_predicted_noise_is_noise_whatever_the_network_predicts(kind):
    model = tiny(prediction_type=kind)
    x, t = jax.random.normal(jax.random.key(0), (2, 8, 8, 1)), jnp.array([3, 19])
    raw = model.network(x, t)
    a = np.cumprod(1 - np.linspace(1e-4, 0.02, 20))[np.array(t)].reshape(-1, 1, 1, 1)
    noise = {
        "epsilon": raw,
        "x_0": (x - np.sqrt(a) * raw) / np.sqrt(1 - a),
        "v": np.sqrt(a) * raw + np.sqrt(1 - a) * x,
        "u": (x + np.sqrt(a) * raw) / (np.sqrt(a) + np.sqrt(1 - a)),
    }[kind]
    np.testing.assert_allclose(model(x, t)["predicted_noise"], noise, rtol=1e-3, atol=1e-4)
    check(model.sample(2), (2, 8, 8, 1))


def test_rngs_may_be_left_out():
    model = tiny()
    first, second = model.sample(2), model.sample(2)
    assert not np.array_equal(first, second)  # the model's own stream moves on
    np.testing.assert_array_equal(tiny().sample(2), first)
    noisy, noise = model.forward_diffusion(jnp.ones((2, 8, 8, 1)), 5)
    assert noisy.shape == noise.shape
    assert DDPMModel(ModelConfig(name="x", parameters=TINY)).noise_steps == 1000
    given = [model.sample(2, rngs=nnx.Rngs(7)) for _ in range(2)]
    np.testing.assert_array_equal(*given)


def test_defaults_of_steps(model):
    same = [
        model.sample(2, rngs=nnx.Rngs(0), scheduler="ddpm", **steps)
        for steps in ({}, {"steps": 20})
    ]
    np.testing.assert_array_equal(*same)
    shorter = model.sample(2, rngs=nnx.Rngs(0), scheduler="ddpm", steps=5)
    assert not np.array_equal(shorter, same[0])  # steps is not ignored for DDPM
    check(model.sample(1, scheduler="ddim"), (1, 8, 8, 1))  # 50 steps are more than there are


def test_samplers_own_settings_and_shapes(model):
    drawn = [
        model.sample(2, scheduler="ddim", steps=5, rngs=nnx.Rngs(0), eta=eta) for eta in (0.0, 1.0)
    ]
    assert not np.array_equal(*drawn)
    check(model.sample((3, 8, 8, 1), scheduler="ddpm", variance="large"), (3, 8, 8, 1))
    check(model.sample(np.int64(2), scheduler="ddim", steps=np.int64(3)), (2, 8, 8, 1))
    check(model.sample(2, scheduler="ddim", steps=jnp.int32(3), eta=jnp.float32(1)), (2, 8, 8, 1))


def test_images_of_chosen_classes():
    model = tiny(num_classes=3, norm_groups=1)

    def images(**labels):
        return model.sample(3, scheduler="ddim", steps=3, rngs=nnx.Rngs(0), **labels)

    one, two = images(labels=[0, 1, 2]), images(labels=[0, 2, 2])
    np.testing.assert_array_equal(one[jnp.array([0, 2])], two[jnp.array([0, 2])])
    assert np.abs(one[1] - two[1]).max() > 1e-4
    np.testing.assert_array_equal(images(labels=1), images(labels=[1, 1, 1]))
    np.testing.assert_allclose(images(labels=-1), images(), atol=1e-5)
    anything = [images(labels=each) for each in range(3)]
    for i, image in enumerate(images(labels="random")):
        assert any(np.array_equal(image, each[i]) for each in anything)
    x, t = jnp.ones((2, 8, 8, 1)), 3
    none, some = (model(x, t, labels)["predicted_noise"] for labels in ([-1, -1], [-1, 2]))
    np.testing.assert_allclose(none, model(x, t)["predicted_noise"], atol=1e-5)
    assert np.abs(none[1] - some[1]).max() > 1e-4


def steered(log_probability=lambda x, t: x.mean((1, 2)) * jnp.arange(3.0)):
    """Return guidance by a classifier of three classes, or by another function."""
    return Classifier(scale=2.0).using(log_probability)


def test_guidance_in_one_line():
    model = tiny(num_classes=3, norm_groups=1)

    def images(**guidance):
        options = {"scheduler": "unipc", "steps": 3, "rngs": nnx.Rngs(0), "labels": 2}
        return model.sample(2, **options, **guidance)

    guided = images(guidance_scale=3.0)
    assert np.abs(guided - images()).max() > 1e-4
    np.testing.assert_array_equal(images(guidance_scale=1), images())
    for same in ({"scale": 3}, {"method": "classifier_free", "scale": 3.0}, ClassifierFree(3.0)):
        np.testing.assert_array_equal(images(guidance=same), guided)
    assert np.abs(images(guidance=steered()) - images()).max() > 1e-4


def test_a_model_is_shown_in_a_line():
    model = tiny(num_classes=3, norm_groups=1)
    count = sum(weight.size for weight in jax.tree.leaves(nnx.state(model.network, nnx.Param)))
    shown = (
        f"DDPMModel(unet, images 8 x 8 x 1, {count:,} parameters, 3 classes; 20 steps, predicts "
    )
    assert repr(model).startswith(shown)
    assert "kernel" not in str(model) and len(repr(model.network)) > 1000


@pytest.mark.parametrize("impl", ["rbg", slow("unsafe_rbg")])
def test_keys_of_another_kind(impl):
    """They draw the same alone and among others, as threefry's do."""
    model = tiny()

    def rngs():
        return nnx.Rngs(jax.random.key(0, impl=impl))

    def images(n, micro_batch):
        return model.sample(n, steps=2, scheduler="ddim", rngs=rngs(), micro_batch=micro_batch)

    np.testing.assert_array_equal(images(4, 4)[:3], images(3, 3))
    assert np.abs(images(1, 1) - model.sample(1, steps=2, rngs=nnx.Rngs(0))).max() > 1e-3
    assert model.interpolate(0, 1, n=3, steps=3, rngs=rngs()).shape == (3, 8, 8, 1)
    assert len(model.fit(jnp.zeros((2, 8, 8, 1)), steps=2, rngs=rngs(), bar=False)["loss"]) == 2


def test_guidance_by_a_worse_checkpoint(tmp_path):
    model, worse = tiny(), tiny()
    worse.network.conv_out.bias[...] += 0.5
    save_checkpoint(tmp_path / "worse", worse.network, worse.diffusion, {})

    def images(model, **guidance):
        return model.sample(2, scheduler="ddim", steps=3, rngs=nnx.Rngs(0), **guidance)

    named = {"method": "auto", "checkpoint": str(tmp_path / "worse")}
    np.testing.assert_array_equal(images(model, guidance={**named, "scale": 0}), images(worse))
    assert np.abs(images(model, guidance=named) - images(model)).max() > 0.01
    with pytest.raises(InputError, match="guidance.digest: .* is another"):
        images(model, guidance={**named, "digest": "0" * 64})
    wider = tiny(channels=4)
    with pytest.raises(InputError, match="guidance.checkpoint: .* with model.channels = 2, and "):
        images(wider, guidance=named)


@pytest.mark.parametrize(("own", "others"), [(0, 3), (3, 0), (3, 2)])
def test_a_worse_checkpoint_that_knows_other_classes_is_asked_without_one(own, others, tmp_path):
    model, worse = (tiny(channels=8, norm_groups=2, num_classes=n) for n in (own, others))
    for num_classes, each in ((own, model), (9, worse)):  # fresh weights hardly tell classes
        rng, state = np.random.default_rng(num_classes), nnx.state(each.network, nnx.Param)
        drawn = jax.tree.map(lambda leaf: rng.normal(0, 0.5, leaf.shape).astype("f4"), state)  # noqa: B023
        nnx.update(each.network, drawn)
    worse.save(tmp_path / "worse")

    def images(model, **options):
        return model.sample(2, scheduler="ddim", steps=3, rngs=nnx.Rngs(0), **options)

    guidance = {"method": "auto", "checkpoint": str(tmp_path / "worse"), "scale": 0}
    labels = {"labels": 1} if own else {}
    np.testing.assert_allclose(images(model, guidance=guidance, **labels), images(worse), atol=1e-5)
    if others:
        assert np.abs(images(worse, labels=1) - images(worse)).max() > 1e-4


def test_without_clipping_images_may_leave_the_range():
    model = tiny(beta_end=0.9)
    images = [model.sample(2, rngs=nnx.Rngs(0), clip=clip) for clip in (True, False)]
    assert np.abs(images[0]).max() <= 1 < np.abs(images[1]).max()


def test_dynamic_clipping_is_another_way_into_the_range():
    model = tiny(beta_schedule="cosine", prediction_type="x_0")
    drawn = {
        percentile: model.sample(
            *(2,), scheduler="ddim", steps=5, clip="dynamic", percentile=percentile
        )
        for percentile in (50, 100)
    }
    assert all(np.abs(images).max() <= 1 for images in drawn.values())
    assert np.abs(drawn[50] - drawn[100]).max() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("scheduler", ["ddim", "heun", "dpm_solver", "unipc", "ddpm"])
@pytest.mark.parametrize(
    "diffusion",
    [
        {"path": "linear", "prediction_type": "u"},
        {"beta_schedule": "cosine", "zero_terminal_snr": True, "prediction_type": "v"},
    ],
    ids=["flow", "zero terminal SNR"],
)
def test_models_that_end_in_noise(diffusion, scheduler):
    model = tiny(**diffusion)
    check(model.sample(2, scheduler=scheduler, steps=3), (2, 8, 8, 1))
    said = model(jnp.ones((1, 8, 8, 1)), model.noise_steps - 1)["predicted_noise"]
    np.testing.assert_allclose(said, 1, atol=1e-6)  # x_T is the noise


@pytest.mark.parametrize(
    "call",
    [
        lambda model, options: model.sample(1, **options),
        lambda model, options: model.invert(jnp.zeros((1, 8, 8, 1)), **options),
    ],
)
def test_steps_that_fall_together_are_said(call):
    model = tiny(beta_schedule="cosine")
    options = {"scheduler": "ddim", "steps": 20, "spacing": "karras", "rho": 20}
    with pytest.warns(UserWarning, match=r"spacing: karras makes \d+ steps of 20, since") as said:
        call(model, options)
    assert [each.filename for each in said] == [__file__]
    with warnings.catch_warnings(action="error"):
        model.sample(1, scheduler="ddim", steps=3, spacing="logsnr")


def test_the_network_is_chosen_by_its_name():
    assert tiny(architecture="unet").network.config == tiny().network.config
    with pytest.raises(InputError, match="architecture: 'unett' must be one of .*unet"):
        tiny(architecture="unett")


def test_denoise_step_is_a_true_ancestral_step(model):
    """The mean of many steps is the posterior's; its spread too: noise is added."""
    x = jnp.tile(jax.random.normal(jax.random.key(1), (1, 8, 8, 1)), (2000, 1, 1, 1))
    stepped = np.asarray(model.denoise_step(x, 10, rngs=nnx.Rngs(0)), np.float64)
    betas = np.linspace(1e-4, 0.02, 20)
    a = np.cumprod(1 - betas)
    variance = betas[10] * (1 - a[9]) / (1 - a[10])
    assert stepped.var(axis=0).mean() == pytest.approx(variance, rel=0.02)
    eps = np.asarray(model(x[:1], 10)["predicted_noise"])
    x_0 = ((x[:1] - np.sqrt(1 - a[10]) * eps) / np.sqrt(a[10])).clip(-1, 1)
    mean = (
        np.sqrt(a[9]) * betas[10] / (1 - a[10]) * x_0
        + np.sqrt(1 - betas[10]) * (1 - a[9]) / (1 - a[10]) * x[:1]
    )
    np.testing.assert_allclose(stepped.mean(axis=0), mean[0], atol=5 * np.sqrt(variance / 2000))
    last = model.denoise_step(x[:1], jnp.array([0]))
    np.testing.assert_array_equal(last, model.denoise_step(x[:1], 0))  # no noise at t = 0


def test_plain_jax_transforms_take_it_and_leave_it_whole(model):
    x = jnp.ones((1, 8, 8, 1))
    eager = model(x, 3)["predicted_noise"]
    jitted = jax.jit(lambda x: model(x, 3)["predicted_noise"])(x)
    np.testing.assert_allclose(jitted, eager, rtol=1e-4, atol=1e-5)
    slope = jax.grad(lambda x: model(x, 3)["predicted_noise"].sum())(x)
    assert np.isfinite(slope).all() and np.abs(slope).max() > 0
    check(model.sample(1), (1, 8, 8, 1))


def test_times_of_any_integer_type():
    model = tiny(noise_steps=300)
    x = jnp.ones((1, 8, 8, 1))
    plain, _ = model.forward_diffusion(x, 255, rngs=nnx.Rngs(0))
    for kind in (np.uint8, np.int16, np.int64):
        noisy, _ = model.forward_diffusion(x, np.array([255], kind), rngs=nnx.Rngs(0))
        np.testing.assert_array_equal(noisy, plain)
    assert model.schedule.alpha(np.uint8(255)) == model.schedule.alpha(255)
    assert tiny(noise_steps=np.int64(30)).noise_steps == 30


def test_training_code_can_differentiate_it():
    model = tiny(dropout=0.1)

    def loss(model):
        x, noise = model.forward_diffusion(jnp.ones((2, 8, 8, 1)), jnp.array([3, 9]))
        return ((model(x, jnp.array([3, 9]))["predicted_noise"] - noise) ** 2).mean()

    grads = nnx.jit(nnx.grad(loss, argnums=nnx.DiffState(0, nnx.Param)))(model)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(grads))
    assert sum(float(jnp.abs(leaf).sum()) for leaf in jax.tree.leaves(grads)) > 0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda m: m.sample(8, scheduler="dddim"), "choose one of ddim, ddpm"),
        (lambda m: m.sample(8, scheduler="ddim", steps=21), "21 must be from 1 to 20"),
        (lambda m: m.sample(8, scheduler="ddim", steps=0), "steps: 0 must be at least 1"),
        (lambda m: m.sample(8, scheduler="ddpm", eta=0.5), "ddpm has no such setting"),
        (lambda m: m.sample(0), "must be a number from 1 up"),
        (lambda m: m.sample((2, 9, 9, 1)), "shape of an image"),
        (lambda m: m.sample(2, micro_batch=0), "micro_batch: 0 must be at least 1"),
        (lambda m: m.sample(2, spacing="odd"), "spacing: 'odd' must be one of 'leading'"),
        (lambda m: m.forward_diffusion(jnp.ones((1, 8, 8, 1)), jnp.array([20])), "from 0 to 19"),
        (lambda m: m.forward_diffusion(jnp.ones((1, 8, 8, 1)), jnp.array([0, 5])), "t: its shape"),
        (lambda m: m.forward_diffusion(jnp.ones((8, 8, 1)), 5), "x: its shape .* must be"),
        (lambda m: m(jnp.ones((3, 8, 8, 1)), jnp.array([0, 5])), "t: its shape"),
        (lambda m: m.sample(1, steps=2.5), "steps: 2.5 must be a whole number"),
        (lambda m: m.sample(1, seed=3), "seed: ddpm has no such setting; it has variance"),
        (lambda m: m.sample(n_samples=1), "n_samples: ddpm has no such setting"),
        (
            lambda m: m.sample(1, labels=3, guidance=steered()),
            "labels: 3 must be whole numbers from -1",
        ),
        (
            lambda m: m.sample(1, labels=0, guidance=steered(lambda x, t: x.sum((1, 2, 3)))),
            r"its classifier says \(2,\), not \(2, classes\)",
        ),
        (
            lambda m: m.fit(jnp.full((1, 8, 8, 1), 3.0), steps=1),
            "images: run from 3 to 3, and must",
        ),
        (lambda m: m.sample(1, rngs=nnx.Rngs(params=0)), "rngs: has no stream 'sample'"),
        (lambda m: m.sample(1, stepz=3), "it has variance; did you mean 'steps'"),
        (lambda m: m.sample(1, clip=1), "clip: 1 must be true, false or 'dynamic'"),
        (lambda m: m.sample(1, clip="dynamic", percentile=0), "percentile: 0 must be greater than"),
        (lambda m: m.sample(1, spacing="karras", rho=0.5), "rho: 0.5 must be at least 1"),
        (lambda m: tiny(path="linear"), "prediction_type: 'epsilon' cannot be used with path: lin"),
        (lambda m: tiny(zero_terminal_snr=True), "cannot be used with zero_terminal_snr: true"),
        (lambda m: m.sample(1, sampler="ddim"), "sampler: ddpm has no .*; write scheduler$"),
        (lambda m: m.sample(1, seed=3), r"it has variance; write rngs=nnx.Rngs\(0\)$"),
        (lambda m: m.sample(1, num_inference_steps=3), "has no such setting; .*; write steps$"),
        (lambda m: m.sample(noise=jnp.ones((0, 8, 8, 1))), r"must be \(N, 8, 8, 1\), N at least 1"),
        (lambda m: tiny(num_classes=3).sample(1, labels="7"), "labels: '7' must be whole"),
        (lambda m: m.sample(1, labels=0), "this network knows no classes"),
        (lambda m: m.sample(1, labels="random"), "this network knows no classes"),
        (lambda m: tiny(num_classes=3).sample(1, labels="any"), "labels: 'any' must be whole"),
        (lambda m: m(jnp.ones((1, 8, 8, 1)), 3, 0), "this network knows no classes"),
        (lambda m: tiny(num_classes=3).sample(2, labels=[3, 0]), "labels: .* from -1 to 2"),
        (lambda m: tiny(num_classes=3).sample(2, labels=[0, 1, 2]), "labels: .* must be"),
        (lambda m: m.sample(1, guidance_scale=3.0), "labels: ClassifierFree guides to a class"),
        (lambda m: m.sample(1, labels=0, guidance_scale=3.0), "this network knows no classes"),
        (lambda m: m.sample(1, guidance_scale=-1), "scale: -1 must be at least 0"),
        (lambda m: m.sample(1, guidance=3), "guidance: 3 must be a mapping of knobs"),
        (lambda m: m.sample(1, guidance={"scael": 3}), "guidance.scael: unknown key"),
        (lambda m: m.sample(1, guidance={}, guidance_scale=3), "guidance_scale: is a knob of guid"),
        (lambda m: m.sample(1, guidance={"method": "auto"}), "guidance.checkpoint: null must be"),
        (
            lambda m: m.sample(1, guidance={"method": "auto", "checkpoint": "nowhere"}),
            "there is no checkpoint at nowhere",
        ),
        (
            lambda m: m.sample(1, labels=0, guidance={"method": "classifier"}),
            "guidance: Classifier needs a classifier",
        ),
        (
            lambda m: tiny(num_classes=3).sample(1, labels=0, guidance={"interval": [0, 20]}),
            "guidance.interval: 20 must be at most 19",
        ),
        (nnx.jit(lambda m: m.sample(1, steps=2)), "call it outside jit"),
        (lambda m: m(jnp.ones((1, 8, 8, 1)), -1), "from 0 to 19"),
        (lambda m: m(jnp.ones((1, 8, 8, 1)), 3.5), "whole numbers from 0 to 19"),
        (lambda m: m(jnp.ones((8, 8, 1)), 3), "its shape .* must be"),
        (lambda m: m(jnp.ones((1, 8, 8, 3)), 3), "its shape .* must be"),
        (lambda m: tiny(num_classes=3)(jnp.ones((1, 8, 8, 1)), 3, [7]), "labels: .* from -1 to 2"),
        (lambda m: m.sample(2, scheduler="ddim", steps=5, eta=2), "eta: 2 must be at most 1"),
        (lambda m: m.denoise_step(jnp.ones((2, 8, 8, 1)), jnp.array([1, 2])), "one time"),
        (lambda m: m.sample("8"), "n_samples_or_shape: '8' must be a number from 1 up"),
        (lambda m: m.sample(8.0), "n_samples_or_shape: 8.0 must be a number from 1 up"),
        (lambda m: m.sample(True), "n_samples_or_shape: True must be a number from 1 up"),
        (lambda m: m.sample([]), "must be a number from 1 up"),
        (lambda m: m.sample((2.0, 8, 8, 1)), "must be a number from 1 up"),
        (lambda m: m.sample(1, steps="5"), "steps: '5' must be a whole number; write 5"),
        (lambda m: m.sample(1, scheduler=None), "sampler None is not known; choose one of ddim"),
        (lambda m: m.sample(1, micro_batch="a"), "micro_batch: 'a' must be a whole number, at lea"),
        (lambda m: m.sample(1, micro_batch=2.5), "micro_batch: 2.5 must be a whole number, at lea"),
        (lambda m: m.sample(1, rngs=0), r"rngs: 0 must be of the kind of nnx.Rngs\(0\)"),
        (lambda m: m.sample(1, rngs=jax.random.key(0)), "rngs: .* must be of the kind of nnx.Rngs"),
        (lambda m: m("a", 3), "x: 'a' must be an array of numbers"),
        (lambda m: m.forward_diffusion("a", 3), "x: 'a' must be an array of numbers"),
        (lambda m: m.forward_diffusion(jnp.ones((2, 8, 8, 1)), [[1], [1, 2]]), "t: .* be an array"),
        (lambda m: m.sample(1, rho=3.0), "rho: is a knob of spacing='karras'"),
        (lambda m: m.sample(1, percentile=99), "percentile: is a knob of clip='dynamic'"),
        (
            lambda m: DDPMModel(ModelConfig("a", input_dim=(8, 8, 1)), network=m.network),
            "network: was made with model.channels = 2, and the config says 32",
        ),
        (lambda m: DDPMModel(ModelConfig("a"), network=3), "network: 3 must be of the kind of"),
        (lambda m: m(None, 3), "x: None must be an array of numbers"),
        (lambda m: m(jnp.ones((1, 8, 8, 1)), None), "t: None must be whole numbers from 0 to 19"),
        (lambda m: m(jnp.ones((1, 8, 8, 1)), 3, rngs=5), "rngs: 5 must be of the kind of nnx.Rngs"),
        (lambda m: m.denoise_step([["a"]], 3), r"x: \[\['a'\]\] must be an array of numbers"),
        (lambda m: tiny(input_dim=28), r"^input_dim: 28 must be a list; write \[28\]"),
        (lambda m: tiny(input_dim=(8.0, 8, 1)), r"^input_dim\[0\]: 8.0 must be a whole number"),
        (lambda m: tiny(T=10), "parameters.T: unknown key; known here: noise_steps, "),
        (lambda m: tiny(**{"input_dim": 3}), "^input_dim: 3 must be a list"),
        (
            lambda m: ModelConfig("a", parameters={"input_dim": 3}).resolve(),
            "is an argument beside",
        ),
        (
            lambda m: ModelConfig("a", parameters=[1]).resolve(),
            r"parameters: \[1\] must be of the kin",
        ),
        (
            lambda m: DDPMModel("mnist"),
            r"config: 'mnist' must be of the kind of ModelConfig\(name=",
        ),
        (lambda m: DDPMModel(ModelConfig("a"), rngs=0), "rngs: 0 must be of the kind of nnx.Rngs"),
        (lambda m: tiny(beta_shedule="linear"), "did you mean 'beta_schedule'"),
        (lambda m: tiny(beta_schedule="cosin"), "did you mean 'cosine'"),
        (lambda m: tiny(beta_start=0.5), "less than beta_end"),
        (lambda m: tiny(input_dim=(8, 8)), "input_dim"),
        (lambda m: DDPMModel(ModelConfig(name="x", model_class="VAE")), "must be 'DDPMModel'"),  # type: ignore[arg-type]
    ],
)
def test_mistakes_get_a_sentence(model, call, said):
    with pytest.raises(InputError, match=said):
        call(model)


def test_unknown_names_of_the_package():
    import sfumato

    with pytest.raises(AttributeError, match="VAE"):
        sfumato.VAE  # noqa: B018


def test_a_schedule_that_does_not_reach_noise_is_said():
    """Of the line that makes the model, and only there."""
    with pytest.warns(UserWarning, match="alpha_bar_T is 0.817 after 20 noise_steps") as said:
        tiny()
    assert [each.filename for each in said] == [__file__]
    with warnings.catch_warnings(action="error"):
        tiny(beta_schedule="cosine")


def test_channels_that_come_first_are_said():
    with pytest.warns(UserWarning, match=r"input_dim: \(1, 28, 8\) is .* write \(28, 8, 1\)"):
        ModelConfig("m", input_dim=(1, 28, 8)).resolve()
