"""The report of one run."""

from collections.abc import Callable
from typing import Any

from keras_textgen.pages.report_page import Panel, report_page
from keras_textgen.tasks.base import Task
from keras_textgen.tasks.reports.common import common_panels
from keras_textgen.tasks.reports.data import data_table
from keras_textgen.tasks.reports.documents import document_panels
from keras_textgen.tasks.reports.matrices import matrix_panels
from keras_textgen.tasks.reports.text import text_panels
from keras_textgen.tasks.reports.topics import topic_panels
from keras_textgen.training.run_directory import RunDirectory

_PANELS: dict[str, Callable[[Task, Any], list[Panel]]] = {
    "text": text_panels,
    "documents": document_panels,
    "topics": topic_panels,
    "matrices": matrix_panels,
}


def run_report(task: Task, model: Any, directory: RunDirectory) -> str:
    """The page of a run.

    Args:
      task: of the run, with its corpus.
      model: trained.
      directory: of the run, with its figures.

    Returns:
      HTML.
    """
    settings = task.settings
    remarks = [task.size_text, task.corpus.note, *task.corpus.remarks]
    panels = common_panels(
        settings, directory, list(filter(None, remarks)), data_table(task)
    )
    panels += _PANELS[settings.spec.kind](task, model)
    return report_page(f"{settings.model} on {task.corpus.name}", panels)
