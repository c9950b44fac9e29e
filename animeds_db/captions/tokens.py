"""The length of captions in tokens, as a text encoder counts them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from animeds_db.errors import ModelError, UsageError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FILE = "tokenizer.json"


def load_tokenizer(name: str) -> Tokenizer:
    """Return the tokenizer of a text encoder: a `tokenizer.json`, a folder with one, or a repository on the hub.

    A repository is downloaded once; HF_HUB_OFFLINE and HF_ENDPOINT are obeyed. Raises ModelError if there is none.
    """
    from tokenizers import Tokenizer

    path = _file(name)
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception
        raise ModelError(f"{path} is not a tokenizer: {error}") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def count_tokens(tokenizer: Tokenizer, texts: Sequence[str]) -> list[int]:
    """Return the number of tokens of each text, without the tokens that mark its start and end."""
    return [len(found.ids) for found in tokenizer.encode_batch(list(texts), add_special_tokens=False)]


def _file(name: str) -> Path:
    path = Path(name).expanduser()
    if path.is_dir():
        path = path / FILE
    if path.is_file():
        return path
    if path.exists() or path.suffix == ".json" or name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise UsageError(
            f"There is no tokenizer at {path}.",
            hint=f"Give a {FILE}, the folder that contains it, or a repository such as openai/clip-vit-large-patch14.",
        )
    from huggingface_hub import hf_hub_download

    try:
        return Path(
            hf_hub_download(
                name,
                FILE,
                endpoint=os.environ.get("HF_ENDPOINT") or None,
                cache_dir=os.environ.get("HF_HUB_CACHE") or None,
            )
        )
    except Exception as error:  # huggingface_hub and its HTTP client raise errors without a common base
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(
            f"The tokenizer of {name} cannot be downloaded: {reason}",
            hint=f"Download its {FILE} elsewhere, and give the path of the file.",
        ) from error
