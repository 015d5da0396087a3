"""A Slurm cluster of this one machine, as long as it is needed. Root on Debian only."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

ETC = Path("/etc/slurm")
MARK = "# Written by sfumato's tests, which remove it.\n"
PACKAGES = ("slurm-wlm", "munge")
DAEMONS = ("munged", "slurmctld", "slurmd")

SLURM_CONF = """
ClusterName=sfumato
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0
ReturnToService=2
KillWait=1
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=16 RealMemory=16000 Gres=gpu:2
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE
"""
"""One node that says it has 16 cores and two GPUs: two jobs of eight threads run at once."""

GRES_CONF = """
Name=gpu File=/dev/null
Name=gpu File=/dev/zero
"""


def without_gpus(profile):
    """Return the text of the profile for Slurm with what it says of clusters without GPUs."""
    return re.sub(r"^# (set-resources:|  \w+: {gpu: 0})$", r"\1", profile, flags=re.M)


@contextmanager
def slurm_cluster():
    """Start a cluster; whatever happens, stop what was started and remove what was written."""
    if sentence := obstacle():
        raise RuntimeError(sentence)
    install()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm-")))
        write_config(folder, stack)
        for command in commands(folder):
            stack.enter_context(daemon(command, folder))
            wait_for((folder / "munge.socket").exists, "munged")
        wait_for(lambda: output("sinfo", "--noheader", "--format=%T") == "idle", "the node")
        stack.callback(cancel_all)
        yield


def obstacle():
    """Return why there can be no cluster here, or None."""
    if os.geteuid() != 0:
        return "the Slurm tests set up a cluster of their own: run them as root"
    if not Path("/etc/debian_version").exists() or not shutil.which("apt-get"):
        return "the Slurm tests install Slurm with apt-get: run them on Debian"
    for path in (ETC / "slurm.conf", ETC / "gres.conf"):
        if path.exists() and not path.read_text().startswith(MARK):
            return f"{path} is of another cluster: run the Slurm tests on another machine"
    return None


def install():
    """Install Slurm and MUNGE from Debian's packages, unless they are there."""
    if all(shutil.which(name) for name in (*DAEMONS, "sbatch")):
        return
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *PACKAGES]):
        subprocess.run(["apt-get", "--quiet=2", *arguments], check=True, env=environment)


def write_config(folder, stack):
    """Write the configuration where every Slurm command looks for it, and a key."""
    folder.chmod(0o755)
    (folder / "state").mkdir()
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o400)
    host = socket.gethostname().partition(".")[0]
    ETC.mkdir(exist_ok=True)
    for name, text in (("slurm.conf", SLURM_CONF), ("gres.conf", GRES_CONF)):
        (ETC / name).write_text(MARK + text.format(host=host, folder=folder))
        stack.callback((ETC / name).unlink)


def commands(folder):
    """Return the commands of the three daemons, in the order in which they start."""
    munge = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed"}
    paths = [f"--{option}={folder}/munge.{ending}" for option, ending in munge.items()]
    return [["munged", "--foreground", *paths], ["slurmctld", "-D"], ["slurmd", "-D"]]


@contextmanager
def daemon(command, folder):
    """Run a daemon as a child that ends with this process; at the end stop it, and wait."""
    with open(folder / f"{command[0]}.out", "w") as log:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *command], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def cancel_all():
    """Cancel every job, and wait until none is left on the node."""
    subprocess.run(["scancel", "--user", "root"], check=False)
    wait_for(lambda: not output("squeue", "--noheader"), "the end of all jobs")


def jobs():
    """Return every job that Slurm knows, as a dictionary of what scontrol shows."""
    lines = re.findall(r"^JobId=.*", output("scontrol", "--oneliner", "show", "job"), re.M)
    return [dict(re.findall(r"(\S+?)=(.*?) *(?= [\w/:]+=|$)", line)) for line in lines]


def output(*command):
    """Return what a command prints, without the white space around it."""
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def wait_for(condition, name, seconds=60):
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s for {name}")
        time.sleep(0.1)
