"""Chapter 11, the last: pictures of what was computed and how its gradient is found.

Needs the package `graphviz` (`pip install "minigrad-edu[viz]"`); `import minigrad` alone does not import it.
"""

from minigrad.viz.picture import Picture, graph

__all__ = ["Picture", "graph"]
