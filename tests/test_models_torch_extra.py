"""CLIP by torch, from the [torch] extra: random weights, the real loading code. `make test` skips what needs torch."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_run import Runner
from framestore import dataset_of, frame_rows
from model_files import embedder, picture
from model_places import only_here
from PIL import Image

from animeds_db.errors import ModelError
from animeds_db.models import load_profile
from animeds_db.models.adding import add_model
from animeds_db.models.catalogue import list_models
from animeds_db.models.extras import extra
from animeds_db.models.manifest import load_manifest
from animeds_db.models.runners.text import embed_text, text_tower

HERE = {name: importlib.util.find_spec(name) is not None for name in ("open_clip", "sentence_transformers")}
needs_torch = pytest.mark.skipif(not all(HERE.values()), reason="needs the [torch] extra (several GB)")
pytestmark = pytest.mark.filterwarnings("ignore")  # torch's and its friends' own
WIDTH = 64


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return only_here(monkeypatch, tmp_path)


@pytest.fixture
def clip(own: Path) -> str:
    """A small CLIP with random weights in a file, known to open_clip by its own configuration; its name here."""
    import torch

    open_clip = extra("open_clip", "the tests")
    folder = own.parent / "configs"
    folder.mkdir()
    config = {
        "embed_dim": WIDTH,
        "vision_cfg": {"image_size": 64, "layers": 2, "width": 128, "patch_size": 16},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
    }
    (folder / "small-test-clip.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder)
    torch.manual_seed(4)
    torch.save(open_clip.create_model("small-test-clip").state_dict(), own.parent / "weights.pt")
    return f"open_clip:small-test-clip/{own.parent / 'weights.pt'}"


@needs_torch
def test_any_open_clip_model_gives_unit_vectors_of_both_towers_in_one_space(clip: str) -> None:
    models = load_profile("none", overrides={"image": clip}, device="cpu")
    assert models.image is not None and models.provider == "cpu"
    images = [picture(90, 50), picture(40, 80, 2), picture(64, 64, 3)]
    vectors, texts = models.image(images), embed_text(models.image.id, ["red hair", "a boy outdoors"])
    assert vectors.shape == (3, WIDTH) and texts.shape == (2, WIDTH) and models.image.width == WIDTH
    assert vectors.dtype == texts.dtype == np.float32
    np.testing.assert_allclose(
        np.linalg.norm(np.concatenate([vectors, texts]), axis=1), np.ones(5), atol=1e-5
    )
    assert models.image([]).shape == (0, WIDTH)
    (record,) = models.records()
    assert record["task"] == "image" and record["width"] == WIDTH and len(str(record["sha256"])) == 64


@needs_torch
def test_its_vectors_are_those_of_open_clip_itself(clip: str) -> None:
    import open_clip
    import torch

    weights = clip.partition("/")[2]
    model, _, transform = open_clip.create_model_and_transforms("small-test-clip", weights)
    model.eval()
    with torch.no_grad():
        seen = model.encode_image(transform(Image.fromarray(picture(90, 50)))[None], normalize=True).numpy()
        read = model.encode_text(
            open_clip.get_tokenizer("small-test-clip")(["red hair"]), normalize=True
        ).numpy()
    image = load_profile("none", overrides={"image": clip}, device="cpu").image
    assert image is not None
    np.testing.assert_allclose(seen, image([picture(90, 50)]), atol=1e-5)
    np.testing.assert_allclose(read, embed_text(image.id, ["red hair"]), atol=1e-5)


@needs_torch
def test_other_weights_are_another_revision_and_not_compared(
    clip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANIMEDS_ALLOW_MODELS", clip)
    with pytest.raises(ModelError, match="they cannot be compared"):
        embed_text(clip + "@00000000", ["red hair"])


@needs_torch
def test_models_and_weights_open_clip_does_not_know_are_named(own: Path) -> None:
    with pytest.raises(ModelError, match='open_clip has no model "ViT-B-23"') as caught:
        load_profile("none", overrides={"image": "open_clip:ViT-B-23/openai"})
    assert "ViT-B-32" in (caught.value.hint or "")
    with pytest.raises(ModelError, match='open_clip has no weights "laion" for ViT-B-32'):
        load_profile("none", overrides={"image": "open_clip:ViT-B-32/laion"})


def sentence_model(folder: Path) -> Path:
    """A text tower as the multilingual one is built: DistilBERT, mean pooling, a dense layer to the space's width."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import modules
    from transformers import BertTokenizerFast, DistilBertConfig, DistilBertModel

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "赤", "い", "髪", "の", "red", "hair"]
    bert = folder / "bert"
    bert.mkdir(parents=True)
    (bert / "vocab.txt").write_text("\n".join(words), "utf-8")
    BertTokenizerFast(str(bert / "vocab.txt")).save_pretrained(bert)
    torch.manual_seed(6)
    config = DistilBertConfig(vocab_size=len(words), dim=32, hidden_dim=64, n_layers=1, n_heads=2)
    DistilBertModel(config).save_pretrained(bert)
    inner: Any = modules.Transformer(str(bert))
    parts = [inner, modules.Pooling(32, "mean"), modules.Dense(32, WIDTH, bias=False)]
    SentenceTransformer(modules=parts, device="cpu").save(str(folder / "tower"))
    return folder / "tower"


def a_clip_and_a_japanese_tower(own: Path) -> str:
    """Add an ONNX picture tower "small" and a text tower "japanese" of its space; return the id of the first."""
    file = embedder(own.parent / "small.onnx", WIDTH, (64, 64), names=("pixel_values", "image_embeds"))
    settings = {"output": {"name": "image_embeds"}, "width": WIDTH}
    add_model(file, "clip-vit-b32", name="small", settings=settings)
    tower = sentence_model(own.parent)
    with own.open("a", encoding="utf-8") as manifest:
        manifest.write(
            f'\n[models.japanese]\ntask = "text"\nengine = "sentence-transformers"\nspace = "small"\n'
            f'files = {{ model = "{tower.name}" }}\nwidth = {WIDTH}\n'
        )
    image = load_profile("none", overrides={"image": "small"}, device="cpu").image
    assert image is not None and image.width == WIDTH
    return image.id


@needs_torch
def test_a_multilingual_tower_of_sentence_transformers_searches_an_onnx_clips_space(own: Path) -> None:
    image = a_clip_and_a_japanese_tower(own)
    vectors = embed_text(image, ["赤い髪の", "red hair"], tower="japanese")
    assert vectors.shape == (2, WIDTH)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 1], atol=1e-5)
    assert not np.allclose(vectors[0], vectors[1])
    assert text_tower(image, tower="japanese", device="cpu").id.startswith("japanese@")


@needs_torch
def test_a_japanese_sentence_searches_the_frames_of_an_onnx_clip(
    own: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    image = a_clip_and_a_japanese_tower(own)
    vectors = embed_text(image, ["赤い髪の", "red hair"], tower="japanese")
    frames = frame_rows("aaaaaaaa", np.stack([-vectors[0], vectors[1], vectors[0]]), 3, embedder=[image] * 3)
    dataset_of(own.parent, {"aaaaaaaa": frames}, width=WIDTH).close()
    monkeypatch.setenv("ANIMEDS_DB", str(own.parent / "frames.animeds"))
    animeds = Runner(capsys, monkeypatch)
    found = animeds("search", "赤い髪の", "--tower", "japanese", "--format", "jsonl")
    assert found.code == 0, found.err
    rows = [json.loads(line) for line in found.out.splitlines()]
    assert [row["frame_id"][-6:] for row in rows] == ["002000", "001000", "000000"]
    assert rows[0]["similarity"] == pytest.approx(1, abs=1e-4)
    assert rows[2]["similarity"] == pytest.approx(-1, abs=1e-4)
    monkeypatch.setenv("ANIMEDS_TEXT_TOWER", "japanese")
    in_sql = animeds("sql", "SELECT frame_id FROM search_text('赤い髪の')", "--format", "jsonl")
    assert [json.loads(line)["frame_id"] for line in in_sql.out.splitlines()] == [r["frame_id"] for r in rows]


@pytest.mark.skipif(HERE["open_clip"], reason="the [torch] extra is here")
def test_without_the_extra_its_models_say_how_to_get_it(own: Path) -> None:
    with pytest.raises(ModelError, match="needs open-clip, which is not installed") as caught:
        load_profile("none", overrides={"image": "open_clip:ViT-B-32/openai"})
    assert "pip install 'animeds-db[torch]'" in (caught.value.hint or "")


def test_a_tower_of_another_space_is_refused(own: Path) -> None:
    with pytest.raises(ModelError, match="tiny-text does not share a space with clip-vit-b32") as caught:
        embed_text("clip-vit-b32@01234567", ["red hair"], tower="tiny-text")
    assert "clip-vit-b32-text, clip-vit-b32-multilingual" in (caught.value.hint or "")


def test_the_multilingual_tower_is_listed_and_shares_the_space_of_clip_b32(own: Path) -> None:
    entry = load_manifest().entry("clip-vit-b32-multilingual")
    assert entry.space == "clip-vit-b32" and entry.width == load_manifest().entry("clip-vit-b32").width
    (row,) = [row for row in list_models() if row["name"] == entry.name]
    assert row["state"] == "downloaded by sentence-transformers on first use"
