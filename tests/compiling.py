"""How tests compile: as users do, or in a third of the time.

Most of the time of a test of numbers is XLA's, which optimises programs that run for milliseconds.
Without that, the last digits are others, and those that a tolerance allows are the same.
"""

import sys

import jax
from conftest import EMITTERS

from sfumato.compute import compilation

as_users_do = compilation.compiler_options


def quick_options():
    options = {} if EMITTERS is None else {EMITTERS: False}
    return {**(as_users_do() or {}), **options}


def compile_quickly(quick):
    """Do, or do not; forget what was compiled in the other way."""
    if quick != jax.config.read("jax_disable_most_optimizations"):
        jax.config.update("jax_disable_most_optimizations", quick)
        compilation.compiler_options = quick_options if quick else as_users_do
        jax.clear_caches()
        for function in functions_of_modules():
            vars(function).pop("_jitted", None)


def functions_of_modules():
    modules = [module for name, module in sys.modules.items() if name.startswith("sfumato.")]
    values = [value for module in modules for value in vars(module).values()]
    return [value for value in values if isinstance(value, compilation.CompiledFunction)]
