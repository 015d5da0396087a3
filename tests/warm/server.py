"""A process that has imported Snakemake, jax and flax, and forks one for each that a test starts.

To import them takes a process longer than what most tests then have it do. The
library itself is not imported here: each process takes the one of its project.
"""

import atexit
import gc
import json
import logging
import os
import random
import runpy
import select
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module

IMPORTED = (
    *("flax.nnx", "jax", "matplotlib.backends.backend_agg", "matplotlib.figure", "optax"),
    *("orbax.checkpoint", "pydantic", "sklearn.neighbors", "snakemake.cli", "tqdm"),
)
SIZE = 2**18


def wait_for_a_request(address):
    """Answer each client; return what one asks for, in a process of its own."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            client, _ = listener.accept()
            if not os.fork():
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                return answer(client)
            client.close()
    sys.exit()  # the tests have ended


def reap(*_):
    """Let go of the processes that have ended; what they cost is then counted."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def answer(client):
    """Return what a client asks for, in a fork of this process, which tells the client its end."""
    request, places, _, _ = socket.recv_fds(client, SIZE, 3)
    arguments, environment, folder = json.loads(request)
    # jax has read these already.
    if any(os.environ.get(k) != v for k, v in environment.items() if k.startswith("JAX_")):
        client.send(b"cold")
        os._exit(0)
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        client.send(str(os.waitstatus_to_exitcode(status) % 256).encode())
        os._exit(0)
    client.close()
    for number, place in enumerate(places):
        os.dup2(place, number)
        os.close(place)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    return arguments


def become(arguments):
    """Run what is asked for, to the end of this process."""
    status = 1

    def end():
        """Leave what was imported as it is: to take it apart takes longer than most jobs."""
        record_imports(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)

    atexit.register(end)  # the first, and so the last to be called
    random.seed()
    try:
        run(arguments)
        status = 0
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        raise


def record_imports(arguments):
    """Write which of the library's modules a script has imported, where a test wants to know."""
    if "RECORD_IMPORTS" in os.environ and "scripts" in arguments[0]:
        modules = [m for name, m in list(sys.modules.items()) if name.split(".")[0] == "sfumato"]
        files = [os.path.relpath(f) for f in (arguments[0], *(m.__file__ for m in modules))]
        name = os.path.basename(arguments[arguments.index("--output") + 1])
        with open(os.path.join(os.environ["RECORD_IMPORTS"], name), "w") as file:
            json.dump(files, file)


def run(arguments):
    """Run a script, `-m module` or `-c code` as Python does."""
    kind = arguments[0] if arguments[0] in ("-m", "-c") else ""
    first = os.getcwd() if kind else os.path.dirname(arguments[0])
    sys.path[:1] = [first, *os.environ["PYTHONPATH"].split(os.pathsep)]
    sys.argv = arguments[bool(kind) :]
    if kind == "-m":
        logging.root.handlers.clear()  # orbax has put one there
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    elif kind == "-c":
        exec(sys.argv[0], {"__name__": "__main__"})  # noqa: S102
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    for name in IMPORTED:
        import_module(name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, reap)
    become(wait_for_a_request(sys.argv[1]))
