"""The story for people: on the terminal, and as a page with diagrams."""

from experiments.report.terminal import Narrator
from experiments.report.writing import write

__all__ = ["Narrator", "write"]
