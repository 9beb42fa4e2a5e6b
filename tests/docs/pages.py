"""The pages that people read, taken apart: blocks, inline code, links, headings."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from pipeline.paths import REPOSITORY

# What the comment above a block says of it: it is a command's output, or is written to a file.
COMMENT = re.compile(r"<!-- (generated|write|append): (.+) -->")
HERE = Path("tests") / "docs"
# What is not of the repository itself.
FOREIGN = {".git", ".venv", ".hypothesis", "build", "var", "target", "__pycache__"}


@dataclass(frozen=True)
class Block:
    """A fenced block, and what the comment above it says: a verb of COMMENT and its object."""

    page: "Page"
    line: int
    language: str
    text: str
    verb: str
    object: str

    @property
    def place(self) -> str:
        return f"{self.page.name}:{self.line}"

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


@dataclass(frozen=True)
class Page:
    """A Markdown file of the repository."""

    file: Path

    @property
    def name(self) -> str:
        return str(self.file.relative_to(REPOSITORY))

    @property
    def tokens(self) -> list[Token]:
        return MarkdownIt("commonmark").enable("table").parse(self.file.read_text())

    @property
    def blocks(self) -> list[Block]:
        found, above = [], ""
        for token in self.tokens:
            if token.type == "fence" and token.map:
                comment = COMMENT.search(above)
                verb, object_ = comment.groups() if comment else ("", "")
                line, language = token.map[0] + 1, token.info.strip()
                found.append(Block(self, line, language, token.content, verb, object_))
            above = token.content if token.type == "html_block" else ""
        return found

    @property
    def inline_code(self) -> list[str]:
        return [token.content for token in self._inline() if token.type == "code_inline"]

    @property
    def links(self) -> list[str]:
        sources = {"link_open": "href", "image": "src"}
        return [str(t.attrs[sources[t.type]]) for t in self._inline() if t.type in sources]

    @property
    def anchors(self) -> set[str]:
        """The headings as GitHub makes anchors of them."""
        pairs = zip(self.tokens, self.tokens[1:], strict=False)
        seen: Counter[str] = Counter()
        found = set()
        for text in (inline.content for token, inline in pairs if token.type == "heading_open"):
            anchor = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
            seen[anchor] += 1
        return found

    def _inline(self) -> Iterator[Token]:
        for token in self.tokens:
            yield from token.children or ()


README = Page(REPOSITORY / "README.md")
CONTRIBUTING = Page(REPOSITORY / "CONTRIBUTING.md")
DOCS = [Page(file) for file in sorted((REPOSITORY / "docs").glob("*.md"))]
PAGES = [README, CONTRIBUTING, *DOCS]


@cache
def files() -> list[Path]:
    """Every file of the repository, relative to it."""
    found = []
    for folder, folders, names in os.walk(REPOSITORY):
        folders[:] = [f for f in folders if f not in FOREIGN and not f.endswith("_cache")]
        found += [(Path(folder) / name).relative_to(REPOSITORY) for name in names]
    return found


@cache
def words() -> frozenset[str]:
    """Every word of the repository's code, configuration and SQL, and of its files' names."""
    texts = [
        (REPOSITORY / file).read_text(errors="ignore")
        for file in files()
        if file.suffix not in {".md", ".png", ".lock"} and HERE not in file.parents
    ]
    return frozenset(re.findall(r"\w+", "\n".join([*texts, *map(str, files())])))
