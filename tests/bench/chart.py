"""The ratios of docs/benchmarks.md as one picture, docs/benchmarks.svg: a bar each, on a logarithmic scale."""

import math
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

NUMBER = r"([\d.]+)"
LINE = re.compile(
    rf"^\| (\d+) \| .*? \| \*\*{NUMBER}x\*\* .*? \| {NUMBER}x \| [\d.]+ \| (?:{NUMBER}x)? ?\|", re.MULTILINE
)
LEFT, WIDTH, STEP, MOST = 430, 420, 22, 1000
HEAD = "Requests per second over the peer's; pale: a bare constant reply; red: the goal. Logarithmic scale."
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1b2330}.case{font-weight:600}.ours{fill:#1a63c4}"
    ".ceiling{fill:#dbe4f0}.goal{stroke:#b3261e;stroke-width:2}.tick{stroke:#e1e5ea}"
)


@dataclass(frozen=True)
class Bar:
    """One number of connections of one case."""

    label: str
    ratio: float
    ceiling: float
    goal: float | None


def bars(document: str) -> dict[str, list[Bar]]:
    """Return the bars of every case's table, by the case's title."""
    found = {}
    for part in re.findall(r"<!-- case [\w-]+ -->\n(.*?)<!-- end", document, re.DOTALL):
        lines = [
            Bar(f"{connections} conn.", float(ratio), float(ceiling), float(goal) if goal else None)
            for connections, ratio, ceiling, goal in LINE.findall(part)
        ]
        if lines:
            found[part.splitlines()[0].lstrip("# ")] = lines
    return found


def draw(document: str) -> str:
    """Return the picture."""
    parts, y = [], 46
    for title, lines in bars(document).items():
        y += 14
        parts.append(words(12, y + 11, title[:66], 'class="case"'))
        for bar in lines:
            end = LEFT + place(max(bar.ratio, bar.ceiling))
            parts.append(words(LEFT - 10, y + 11, bar.label, 'text-anchor="end"'))
            for name, ratio in (("ceiling", bar.ceiling), ("ours", bar.ratio)):
                size = f'x="{LEFT}" y="{y}" width="{place(ratio):.1f}" height="14"'
                parts.append(f'<rect {size} class="{name}"/>')
            if bar.goal:
                parts.append(f'<path d="M{LEFT + place(bar.goal):.1f} {y - 2}v18" class="goal"/>')
            parts.append(words(end + 8, y + 11, f"{bar.ratio:g}x"))
            y += STEP
    for number in (1, 10, 100, MOST):
        at = LEFT + place(number)
        parts.insert(0, f'<path d="M{at:.1f} 40V{y}" class="tick"/>')
        parts.append(words(at, 34, f"{number}x", 'text-anchor="middle"'))
    size = f'viewBox="0 0 {LEFT + WIDTH + 90} {y + 14}"'
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', f"<style>{STYLE}</style>"]
    head += ['<rect width="100%" height="100%" fill="#fff"/>', words(12, 16, HEAD)]
    return "\n".join([*head, *parts, "</svg>", ""])


def words(x: float, y: float, text: str, more: str = "") -> str:
    """Return a piece of text."""
    return f'<text x="{x:.1f}" y="{y}" {more}>{escape(text)}</text>'


def place(ratio: float) -> float:
    """Where a ratio lies on the scale."""
    return max(1.0, WIDTH * math.log(max(ratio, 1.0)) / math.log(MOST))


def write(document: Path) -> None:
    """Draw the picture beside the document."""
    document.with_suffix(".svg").write_text(draw(document.read_text()))
