"""Execute a tutorial: python docs/execute.py TUTORIAL.md EXECUTED.ipynb full|tiny.

A tutorial is a text notebook (MyST). What its first cell tagged `parameters` sets is set to the
values under `tiny` at the head of the file, where the size is `tiny`.
"""

import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]


def execute(source: Path, target: Path, size: str) -> None:
    """Execute the notebook in the project's root."""
    notebook = jupytext.read(source)
    if size == "tiny":
        tiny = notebook.metadata.get("tiny", {})
        values = "\n".join(f"{name} = {value!r}" for name, value in tiny.items())
        cells = notebook.cells
        place = [i for i, cell in enumerate(cells) if "parameters" in cell.metadata.get("tags", ())]
        if place:
            cells.insert(place[0] + 1, nbformat.v4.new_code_cell(values))
    NotebookClient(
        notebook, timeout=1800, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}
    ).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times, which differ in each run
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)


if __name__ == "__main__":
    execute(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
