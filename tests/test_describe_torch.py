"""A captioner of transformers, from the [torch] extra: random weights, the real loading code."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from model_places import only_here
from rerunning import ask, copy_of_ingested

import animeds_db
from animeds_db.errors import ModelError
from animeds_db.models.captioners.captioner import load_captioner

HERE = importlib.util.find_spec("transformers") is not None
pytestmark = pytest.mark.filterwarnings("ignore")  # torch's and its friends' own
WORDS = [
    "<pad>",
    "<unk>",
    "<s>",
    "</s>",
    "<image>",
    "a",
    "girl",
    "boy",
    "looks",
    "up",
    "smiles",
    "night",
    "sky",
    ".",
]
TEMPLATE = (
    "{% for m in messages %}{% for part in m['content'] %}"
    "{% if part['type'] == 'image' %}<image> {% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}"
)


def tiny_llava(folder: Path) -> Path:
    """Save a LLaVA of a few thousand random weights, with its processor, as the hub has them."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
        PreTrainedTokenizerFast,
    )

    plain = Tokenizer(WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="<unk>"))
    plain.pre_tokenizer = WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=plain, pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>",
        additional_special_tokens=["<image>"],
    )  # fmt: skip
    size = {"height": 32, "width": 32}
    processor = LlavaProcessor(
        CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=size),
        tokenizer,
        patch_size=16,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    )
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(image_size=32, patch_size=16, projection_dim=16, **shape),
        text_config=LlamaConfig(
            vocab_size=len(WORDS), pad_token_id=0, bos_token_id=2, eos_token_id=3, **shape
        ),
        image_token_index=4,
        image_token_id=4,
    )
    torch.manual_seed(4)
    model = LlavaForConditionalGeneration(config)
    model.generation_config.eos_token_id, model.generation_config.pad_token_id = 3, 0
    model.generation_config.suppress_tokens = [0, 1, 2, 4]
    model.generation_config.forced_eos_token_id = 3  # random weights may never end
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def entry(own: Path, model: str) -> None:
    own.write_text(
        '[models.local]\ntask = "captioner"\nengine = "transformers"\n'
        f"files = {{ model = {json.dumps(model)} }}\nask = {{ tokens = 12, edge = 64 }}\n",
        "utf-8",
    )


@pytest.mark.skipif(not HERE, reason="needs the [torch] extra (several GB)")
def test_a_transformers_model_with_random_weights_describes_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = only_here(monkeypatch, tmp_path)
    tiny_llava(tmp_path / "llava")
    entry(own, "llava")
    captioner = load_captioner("local", "cpu")
    store = copy_of_ingested(tmp_path / "show.animeds")
    with animeds_db.open(store.uri) as dataset:
        report = dataset.describe("local", where="time_s < 0.6", device="cpu")
    assert not report.failures and report.tokens_out > 0
    rows = ask(store, "SELECT text, model, tokens_in, tokens_out FROM all_descriptions")
    assert rows and {row[1] for row in rows} == {captioner.id}
    for text, _, read, written in rows:
        assert set(text.split()) <= set(WORDS) and read > 4 and 0 < written <= 12


@pytest.mark.skipif(not HERE, reason="needs the [torch] extra (several GB)")
def test_a_folder_that_is_no_model_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = only_here(monkeypatch, tmp_path)
    (tmp_path / "empty").mkdir()
    entry(own, "empty")
    with pytest.raises(ModelError, match="local cannot be loaded"):
        load_captioner("local", "cpu")


@pytest.mark.skipif(HERE, reason="the [torch] extra is here")
def test_without_the_extra_a_local_captioner_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry(only_here(monkeypatch, tmp_path), "llava")
    with pytest.raises(ModelError, match="local needs transformers, which is not installed") as caught:
        load_captioner("local", "cpu")
    assert "pip install 'animeds-db[torch]'" in (caught.value.hint or "")
