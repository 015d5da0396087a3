# Where the library is, what jobs find in their environment, and which config is read.

import atexit
import gc
import sys
from pathlib import Path

# `current_basedir` is this file's folder also where another workflow uses this one as a module.
ROOT = Path(str(workflow.current_basedir)).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from sfumato.workflow.needed import missing

if sentence := missing():
    sys.exit(sentence)

from sfumato.config.file import (
    all_targets,
    check_file,
    laid,
    own_targets,
    with_typed_arguments,
)
from sfumato.config.resolve import check_names, resolve
from sfumato.figures import figure
from sfumato.figures import names as figure_names
from sfumato.workflow.contents import one_of
from sfumato.workflow.environment import prepare_environment
from sfumato.workflow.forcing import force_files_of_names
from sfumato.workflow.interruption import watch_interruption
from sfumato.workflow.lock import (
    check_records,
    release_before_building,
    release_stale_lock,
)
from sfumato.workflow.markers import overlook_markers
from sfumato.workflow.mistakes import in_a_sentence, let_errors_through
from sfumato.workflow.places import (
    config_files,
    relative,
    spare_experiments,
    unread_configs,
)
from sfumato.workflow.plan import Plan
from sfumato.workflow.report import watch_report
from sfumato.workflow.run import Run, files_made, logs_of_failed
from sfumato.workflow.session import (
    check_places,
    explain_failure,
    say_if_nothing_is_done,
    show_pictures,
    show_progress,
)
from sfumato.workflow.standing import Standing
from sfumato.workflow.targets import overruled_options, say, watch

# The garbage collector need not walk what is imported by now, nor anything at the exit: all that
# would take a third of a dry-run.
gc.freeze()
atexit.register(gc.freeze)

STANDALONE = workflow.modifier.is_main_snakefile()
# After a kill, also where the profile is not found, build again what was left half-written.
if STANDALONE and workflow.dag_settings:
    workflow.dag_settings.force_incomplete = True


if STANDALONE:
    let_errors_through()
prepare_environment(ours_alone=STANDALONE)
if STANDALONE:
    watch_interruption(workflow)
    in_a_sentence(check_places)()
alive = release_stale_lock(workflow.is_main_process)
release_before_building(workflow, alive)
if workflow.is_main_process:
    in_a_sentence(check_records)()
CONFIG_FILES = config_files(STANDALONE)
if STANDALONE:
    if workflow.is_main_process:
        say(unread_configs(workflow.configfiles))
    for file in [*CONFIG_FILES, *workflow.configfiles]:
        remarks = in_a_sentence(check_file)(file)
        say(remarks if workflow.is_main_process else [])
