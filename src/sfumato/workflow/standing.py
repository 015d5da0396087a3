"""Whether a file that is there is what the config asks for, told by the file itself.

Snakemake decides by its own records in .snakemake and by the times of files. Records are lost and
times change where files are copied, restored or touched. The files here say what made them:

- One that is damaged is made again.
- One that Snakemake has no record of, or the record of another file, is made again if the config
  asks for something else: other settings, other code, other inputs.
- One that was made as the config asks for, from inputs that are still the same, is up to date,
  whatever the times of these inputs, and whatever Snakemake has on record of a file before it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from snakemake.io import IOFile, _IOFile  # pyright: ignore[reportPrivateUsage]
from snakemake.iocontainers import Wildcards
from snakemake.logging import logger

from sfumato.errors import InputError
from sfumato.records.damage import ForeignError, UnreadableError, unreadable
from sfumato.records.manifest import MANIFEST, STATE
from sfumato.records.opening import Opened, open_record
from sfumato.records.provenance import Record, versions
from sfumato.workflow.disagreement import alike, changed
from sfumato.workflow.mistakes import exit_with
from sfumato.workflow.plan import Making, Wanted

_STAMP = ".snakemake_timestamp"  # Snakemake's file in a folder, whose time is the folder's
_MOMENT = 1.0  # seconds between the files of a folder that is copied
_WITHOUT_RECORD = (".md",)


class Verdict(NamedTuple):
    """What is known of a file.

    Attributes:
        wrong: why it is not what the config asks for; empty if it is.
        damaged: whether it is not whole.
        digest: of its content, as it says itself; pictures do not.
    """

    wrong: str = ""
    damaged: bool = False
    digest: str = ""


class Job(NamedTuple):
    """A rule of Snakemake's, and the values of its wildcards."""

    rule: Any
    wildcards: Mapping[str, str]


class _Settled(_IOFile):
    """An input whose time does not count, since its content is known to be what was read.

    Snakemake's flag `ancient` would say more: that its reader stays even if it is made again.
    """

    __slots__ = ()

    async def is_newer(self, time: float) -> bool:
        """Return False, whatever its time."""
        return False


class Standing:
    """Tells Snakemake, while it builds the graph of jobs, which files do not stand."""

    def __init__(self, workflow: Any) -> None:  # noqa: ANN401
        """Take Snakemake's workflow, whose rules are all there, those of earlier modules, too."""
        self._workflow = workflow
        self.rules = [rule for rule in workflow.rules if Making.of(rule) and not _is_watched(rule)]
        self._inputs = {rule: rule.expand_input for rule in self.rules}
        self._verdicts: dict[str, Verdict] = {}
        self._hidden: set[str] = set()
        self._gone: set[str] = set()

    def watch(self) -> None:
        """Look at the files of every job, when Snakemake asks for the job's inputs."""
        if self._workflow.is_main_process:
            for rule in self.rules:
                rule.expand_input = partial(self._expand_input, rule)

    def _expand_input(self, rule: Any, wildcards: Mapping[str, str], **options: Any) -> Any:  # noqa: ANN401
        """Return what Snakemake's own `expand_input` does, with files whose times do not count."""
        expanded = self._inputs[rule](wildcards, **options)
        job = Job(rule, wildcards)
        if self.all_stand(job) or self._are_used(job):
            for file in filter(self._producer, expanded[0]):
                file.__class__ = _Settled
                if not os.path.lexists(file):
                    self._gone.add(str(file))
        return expanded

    def _are_used(self, job: Job) -> bool:
        """Tell whether a job's outputs are gone, such as shards, and what was made of them stands.

        Snakemake asks for the inputs of a job before those of the jobs that make them.
        """
        return all(str(file) in self._gone for file in _outputs(job))

    def all_stand(self, job: Job) -> bool:
        """Tell whether a job's outputs are all there, and as the config asks for."""
        outputs = [str(file) for file in _outputs(job)]
        there = [path for path in outputs if os.path.lexists(path)]
        verdicts = [self._verdict(path, job) for path in there]
        return there == outputs and not any(verdict.wrong for verdict in verdicts)

    def _verdict(self, path: str, job: Job) -> Verdict:
        """Look at a file once, and have it made again if it does not stand."""
        if path not in self._verdicts:
            self._verdicts[path] = verdict = self._judge(path, job)
            recorded = self._has_record_of(path)
            if verdict.damaged or (verdict.wrong and not recorded):
                logger.info(f"{path}: {verdict.wrong}; it is made again")
                self._workflow.dag.forcefiles.add(path)
            elif not recorded:
                self._hide_record_of(path)
        return self._verdicts[path]

    def _hide_record_of(self, path: str) -> None:
        """Let Snakemake overlook a record: it is of a file that was here before this one."""
        persistence = self._workflow.persistence
        if not self._hidden:
            known, key, hidden = persistence.metadata, persistence._get_key, self._hidden
            persistence.metadata = lambda file: None if key(file) in hidden else known(file)
        self._hidden.add(path)

    def _judge(self, path: str, job: Job) -> Verdict:
        _check_kind(path, job)
        if path.endswith(_WITHOUT_RECORD):
            return _judge_table(Path(path))
        try:
            opened = open_record(Path(path))
            _check_files(opened)
        except ForeignError:
            exit_with(
                f"{path}: this file does not say what made it, so it is not one of this workflow's "
                "or was changed on the way; move it away, and it is made again"
            )
        except UnreadableError as error:
            exit_with(error)
        except InputError as error:
            return Verdict(str(error).removeprefix(f"{path}: ").partition(";")[0], damaged=True)
        wrong = _other_name(path, opened.record, job)
        wrong = wrong or next(self._disagreements(opened.record, job), "")
        if not wrong and not self._has_record_of(path):
            _say_versions(path, opened.record, _wanted(job).stage.packages)
        return Verdict(wrong, digest=opened.stored_digest)

    def _disagreements(self, record: Record, job: Job) -> Iterator[str]:
        """Yield what the config asks for, and the record of a file says otherwise."""
        stage, settings, code = _wanted(job)
        if record.script != stage.script:
            yield f"it was made by {record.script}, and the config asks for {stage.script}"
            return
        if told := changed(record.settings, settings):
            yield told
        if record.code != code:
            yield "it was made by other code"
        for path in map(str, self._inputs[job.rule](job.wildcards)[0]):
            yield from self._other_input(path, record)

    def _other_input(self, path: str, record: Record) -> Iterator[str]:
        """Say if a file that a job reads is not the one that was read, as a record says."""
        producer = self._producer(path)
        read = {name: each for name, each in record.inputs.items() if alike(path, each)}
        if not (producer and read):
            return
        first = next(iter(read))
        if os.path.lexists(path):
            found = self._verdict(path, producer)
            if found.wrong or found.digest not in {each.digest for each in read.values()}:
                yield f"it was made from another {first}"
        else:
            told = [[*self._disagreements(each.provenance, producer)] for each in read.values()]
            if all(told):
                yield f"of its {first}: {told[0][0]}"

    def _producer(self, path: str) -> Job | None:
        """Return the job that makes a file, if it is one of this workflow's."""
        for rule in self._inputs:
            if rule.is_producer(path):
                return Job(rule, rule.get_wildcards(path))
        return None

    def _has_record_of(self, path: str) -> bool:
        """Tell whether Snakemake has a record of a file: of this one, not of one it replaced.

        Snakemake stamps a checkpoint's folder when it is done; a manifest that was written there
        later is another's. A copy of the whole folder writes both at a time.
        """
        metadata = self._workflow.persistence.metadata(IOFile(path))
        stamp, manifest = (os.path.join(path, name) for name in (_STAMP, MANIFEST))
        stamped = os.path.exists(stamp)
        there = os.stat(stamp if stamped else path)
        whole = stamped and os.path.exists(manifest)
        if whole and os.stat(manifest).st_ctime > there.st_ctime + _MOMENT:
            return False
        ended = metadata.endtime if metadata else None
        return bool(ended) and abs(ended - there.st_mtime) < 1e-3


def _is_watched(rule: Any) -> bool:  # noqa: ANN401
    """Tell whether a rule is one of another module, whose own `Standing` knows its results."""
    return isinstance(rule.expand_input, partial)


def _wanted(job: Job) -> Wanted:
    """Return what the config asks for."""
    made = Making.of(job.rule)
    assert made
    return made.wanted(Wildcards(fromdict=dict(job.wildcards)))


def _judge_table(path: Path) -> Verdict:
    """Compare metrics.md with the scores beside it, which it is written from."""
    from sfumato.evaluation.quality import Quality
    from sfumato.evaluation.tables import scores
    from sfumato.records.measurements import load_measurement

    try:
        expected = scores(load_measurement(Quality, path.with_name("quality.json")))
    except InputError:
        return Verdict()  # which is made again, and this with it
    try:
        same = path.read_text(encoding="utf-8", errors="replace") == expected
    except OSError as error:
        exit_with(unreadable(path, error.strerror or str(error)))
    return Verdict() if same else Verdict("it is not the table of quality.json", damaged=True)


def _other_name(path: str, record: Record, job: Job) -> str:
    """Say if a file is another one of its experiment, copied over; nothing if it is not.

    Settings tell figures of two entries apart by no more than their names. Files in folders below
    have names of their own, and settings that differ.
    """
    name = path.partition(f"/{job.wildcards['experiment']}/")[2]  # below `results`, or its prefix
    same = not name or "/" in name or record.artifact in (name, "checkpoint")
    return "" if same else f"it is {record.artifact}"


def _outputs(job: Job) -> Any:  # noqa: ANN401
    """Return the files that a job writes, as Snakemake has them."""
    return job.rule.expand_output(job.wildcards)[0]


def _check_kind(path: str, job: Job) -> None:
    """End with a sentence if a link to nothing, or a folder, is where a file is to be built.

    Or if a file is where a folder is to be.
    """
    if not os.path.exists(path):
        exit_with(f"{path}: this link leads to no file; take it away")
    if not os.path.isfile(path) and not os.path.isdir(path):
        exit_with(f"{path}: this is neither a file nor a folder; take it away")
    wanted = any(file.is_directory for file in _outputs(job) if file == path)
    if wanted != os.path.isdir(path):
        there, asked = ("file", "folder") if wanted else ("folder", "file")
        exit_with(f"{path}: this is a {there}, where a {asked} is to be built; move it away")


def _check_files(opened: Opened) -> None:
    """Raise an InputError if a file of a checkpoint is not there."""
    for name in opened.content["files"] if opened.path.is_dir() else ():
        if not (opened.path / STATE / name).is_file():
            raise InputError(f"the file {STATE}/{name} is missing")


def _say_versions(path: str, record: Record, packages: Sequence[str]) -> None:
    """Say that a file is kept which other versions made."""
    here = versions(packages)
    other = [
        f"{name} {there}" for name, there in record.versions.items() if here.get(name) != there
    ]
    if other:
        logger.info(f"{path}: it was made with {', '.join(other)}, and is kept")
