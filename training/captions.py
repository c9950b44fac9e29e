"""Captions in natural words, composed from a picture's tags, and the word-level tokenizer for them.

Rule: a caption never says more than its tags, so whether it fits another picture is known exactly.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from animeds_db.sample.drawing.look import CLOTH_COLOURS, EYE_COLOURS, HAIR_COLOURS

LONGEST = 48
SPECIAL = ("[PAD]", "[UNK]")

COLOUR_WORDS = {
    "blonde": ("blonde", "blond", "golden", "yellow"),
    "grey": ("grey", "gray", "silver"),
    "purple": ("purple", "violet"),
    "aqua": ("aqua", "cyan", "turquoise", "light blue"),
    "black": ("black", "dark"),
    "white": ("white", "snow white"),
    "brown": ("brown", "chestnut"),
    "red": ("red", "crimson"),
    "pink": ("pink",),
    "orange": ("orange", "ginger"),
    "yellow": ("yellow", "gold", "amber"),
}

WORDS: dict[str, tuple[str, ...]] = {
    "1girl": ("girl", "one girl", "a girl", "woman", "female", "young woman", "1girl", "lady"),
    "1boy": ("boy", "one boy", "a boy", "man", "male", "young man", "1boy", "guy"),
    "2girls": ("two girls", "2girls", "a pair of girls", "2 girls", "two women"),
    "2boys": ("two boys", "2boys", "2 boys", "two men"),
    "3girls": ("three girls", "3girls", "3 girls"),
    "multiple_girls": ("several girls", "multiple girls", "girls", "many girls", "women"),
    "multiple_boys": ("several boys", "multiple boys", "boys", "many boys", "men"),
    "solo": ("alone", "solo", "one person", "a single person", "by oneself", "on her own"),
    "no_humans": ("nobody", "no people", "empty scene", "no humans", "scenery without people", "no one"),
    "smile": ("smiling", "a smile", "smile", "happy", "cheerful", "smiles", "with a smile"),
    "open_mouth": ("open mouth", "mouth open", "talking", "speaking", "with an open mouth"),
    "closed_mouth": ("closed mouth", "mouth closed", "mouth shut"),
    "closed_eyes": ("closed eyes", "eyes closed", "eyes shut", "sleeping", "with closed eyes"),
    "frown": ("frowning", "frown", "unhappy", "worried"),
    "angry": ("angry", "mad", "furious", "anger"),
    "sad": ("sad", "unhappy", "sorrow"),
    "crying": ("crying", "weeping", "in tears", "tears"),
    "tears": ("tears", "crying", "teary", "weeping"),
    "surprised": ("surprised", "shocked", "astonished", "surprise"),
    "laughing": ("laughing", "laugh", "laughter"),
    "blush": ("blushing", "blush", "embarrassed", "shy", "red cheeks"),
    "indoors": ("indoors", "inside", "in a room", "indoor"),
    "outdoors": ("outdoors", "outside", "in the open", "outdoor"),
    "night": ("at night", "night", "in the dark", "nighttime", "by night"),
    "day": ("by day", "daytime", "in daylight", "day", "during the day"),
    "sunset": ("at sunset", "sunset", "dusk", "evening", "in the evening"),
    "night_sky": ("night sky", "starry sky", "stars"),
    "starry_sky": ("starry sky", "stars", "night sky"),
    "sky": ("sky", "under the sky"),
    "blue_sky": ("blue sky", "clear sky"),
    "cloud": ("clouds", "cloudy", "cloud"),
    "rain": ("rain", "raining", "rainy", "in the rain"),
    "snow": ("snow", "snowing", "snowy", "winter"),
    "snowing": ("snow", "snowing", "snowfall", "winter"),
    "classroom": ("classroom", "in a classroom", "in class", "at school", "school"),
    "street": ("street", "on a street", "in the street", "road"),
    "city": ("city", "in the city", "town", "buildings"),
    "cityscape": ("city", "cityscape", "in the city", "skyline"),
    "building": ("building", "buildings", "house"),
    "beach": ("beach", "at the beach", "seaside", "by the sea", "on the beach"),
    "ocean": ("ocean", "sea", "water", "the sea"),
    "forest": ("forest", "woods", "in the forest", "trees"),
    "tree": ("tree", "trees"),
    "park": ("park", "in a park"),
    "field": ("field", "meadow", "grass"),
    "mountain": ("mountain", "mountains", "hills"),
    "bedroom": ("bedroom", "in a bedroom", "in bed", "bed"),
    "kitchen": ("kitchen", "in a kitchen"),
    "library": ("library", "in a library", "books"),
    "office": ("office", "in an office"),
    "cafe": ("cafe", "in a cafe", "restaurant", "coffee shop"),
    "school_uniform": ("school uniform", "uniform", "in uniform", "student", "in a school uniform"),
    "serafuku": ("sailor uniform", "serafuku", "sailor suit"),
    "dress": ("dress", "a dress", "in a dress", "wearing a dress"),
    "hoodie": ("hoodie", "hooded sweater", "wearing a hoodie", "in a hoodie"),
    "suit": ("suit", "in a suit", "formal", "wearing a suit", "business suit"),
    "necktie": ("necktie", "tie", "with a tie"),
    "kimono": ("kimono", "in a kimono", "yukata", "traditional clothes"),
    "japanese_clothes": ("japanese clothes", "traditional clothes", "kimono"),
    "armor": ("armor", "armour", "in armor", "knight", "wearing armor"),
    "t-shirt": ("t shirt", "tee", "tshirt", "wearing a t shirt"),
    "shirt": ("shirt", "wearing a shirt", "in a shirt"),
    "sweater": ("sweater", "jumper", "pullover", "wearing a sweater"),
    "swimsuit": ("swimsuit", "bathing suit", "bikini", "in a swimsuit", "swimwear"),
    "skirt": ("skirt", "wearing a skirt"),
    "pants": ("pants", "trousers", "wearing pants"),
    "shorts": ("shorts", "short pants"),
    "jacket": ("jacket", "coat", "wearing a jacket"),
    "glasses": ("glasses", "spectacles", "with glasses", "wearing glasses", "eyeglasses"),
    "hat": ("hat", "cap", "wearing a hat", "with a hat"),
    "bow": ("bow", "ribbon", "with a bow"),
    "hair_bow": ("hair bow", "bow in the hair", "ribbon in the hair", "hair ribbon"),
    "hair_ribbon": ("hair ribbon", "ribbon in the hair"),
    "hairband": ("hairband", "headband", "alice band", "hair band"),
    "earrings": ("earrings", "ear rings", "with earrings", "jewelry"),
    "scarf": ("scarf", "wearing a scarf", "with a scarf", "muffler"),
    "cat_ears": ("cat ears", "catgirl", "cat girl", "animal ears", "neko"),
    "animal_ears": ("animal ears", "cat ears"),
    "hair_flower": ("flower in the hair", "hair flower", "flower"),
    "headphones": ("headphones", "headset", "wearing headphones"),
    "twintails": ("twintails", "pigtails", "twin tails", "two ponytails"),
    "ponytail": ("ponytail", "pony tail", "with a ponytail"),
    "braid": ("braid", "braided hair", "plait"),
    "single_braid": ("braid", "single braid", "plait"),
    "twin_braids": ("braids", "twin braids", "plaits"),
    "hair_bun": ("hair bun", "bun", "hair in a bun", "updo"),
    "single_hair_bun": ("hair bun", "bun", "hair in a bun"),
    "bob_cut": ("bob cut", "bob", "bob haircut"),
    "spiky_hair": ("spiky hair", "spiked hair", "messy hair", "wild hair"),
    "4girls": ("four girls", "4 girls"),
    "5girls": ("five girls", "5 girls"),
    "6+girls": ("many girls", "a crowd of girls", "six girls"),
    "3boys": ("three boys", "3 boys"),
    "4boys": ("four boys", "4 boys"),
    "5boys": ("five boys", "5 boys"),
    "6+boys": ("many boys", "a crowd of boys", "six boys"),
    "double_bun": ("two buns", "double bun", "hair buns"),
    "v-shaped_eyebrows": ("v shaped eyebrows", "frowning eyebrows"),
    "head_out_of_frame": ("head out of frame", "head not visible", "legs only", "feet"),
    "hands_on_hips": ("hands on hips", "hand on hip"),
    "gakuran": ("gakuran", "boys school uniform", "high collar uniform"),
    "obi": ("obi", "sash"),
    "breastplate": ("breastplate", "plate armor"),
    "turtleneck": ("turtleneck", "high collar", "roll neck"),
    "one-piece_swimsuit": ("one piece swimsuit", "school swimsuit", "bathing suit"),
    "bare_shoulders": ("bare shoulders", "naked shoulders"),
    "bare_legs": ("bare legs", "naked legs"),
    "bowtie": ("bowtie", "bow tie"),
    "jewelry": ("jewelry", "jewels"),
    "hair_ornament": ("hair ornament", "hairpin", "something in the hair"),
    "chalkboard": ("chalkboard", "blackboard"),
    "hallway": ("hallway", "corridor", "in a corridor", "in the hallway"),
    "nature": ("nature", "green"),
    "star_(sky)": ("stars", "starry sky", "starlight"),
    "gradient_background": ("gradient background", "plain background"),
    "messy_hair": ("messy hair", "untidy hair"),
    "straight_hair": ("straight hair",),
    "blunt_bangs": ("blunt bangs", "straight bangs", "straight fringe"),
    "parted_bangs": ("parted bangs", "parted hair"),
    "swept_bangs": ("swept bangs", "bangs to the side"),
    "bangs": ("bangs", "fringe"),
    "short_hair": ("short hair", "short haired", "with short hair"),
    "medium_hair": ("medium hair", "shoulder length hair", "medium length hair"),
    "long_hair": ("long hair", "long haired", "with long hair"),
    "very_long_hair": ("very long hair", "extremely long hair"),
    "dark_skin": ("dark skin", "dark skinned", "brown skin"),
    "dark-skinned_female": ("dark skinned girl", "dark skinned woman"),
    "dark-skinned_male": ("dark skinned boy", "dark skinned man"),
    "tan": ("tan", "tanned", "tanned skin"),
    "from_side": ("from the side", "side view", "seen from the side"),
    "profile": ("profile", "in profile", "side view"),
    "from_behind": ("from behind", "back view", "seen from behind", "turned away"),
    "looking_at_viewer": ("looking at the viewer", "looking at the camera", "facing us"),
    "looking_to_the_side": ("looking to the side", "looking away", "looking aside"),
    "looking_away": ("looking away", "looking aside"),
    "facing_away": ("facing away", "turned away", "back turned"),
    "arms_up": ("arms up", "raised arms", "hands up", "arms raised"),
    "arm_up": ("arm up", "raised arm", "hand up", "arm raised"),
    "waving": ("waving", "waving a hand", "greeting", "waves"),
    "hand_on_hip": ("hand on hip", "hands on hips"),
    "hand_on_own_hip": ("hand on hip", "hands on hips"),
    "hands_on_own_hips": ("hands on hips", "hand on hip"),
    "close-up": ("close up", "closeup", "face close"),
    "portrait": ("portrait", "close up", "face", "headshot"),
    "upper_body": ("upper body", "from the waist up", "bust"),
    "cowboy_shot": ("cowboy shot", "from the thighs up", "medium shot"),
    "full_body": ("full body", "whole body", "standing", "head to toe"),
    "standing": ("standing", "stands"),
    "wide_shot": ("wide shot", "far away", "small in the picture", "long shot"),
    "very_wide_shot": ("very wide shot", "far away", "long shot"),
    "chibi": ("chibi", "super deformed", "cute small"),
    "couple": ("couple", "a girl and a boy", "boy and girl"),
    "subtitled": ("subtitles", "subtitled", "with subtitles", "caption", "text at the bottom"),
    "letterboxed": ("letterboxed", "black bars", "letterbox", "cinema bars"),
    "monochrome": ("monochrome", "black and white", "without colour"),
    "greyscale": ("greyscale", "black and white", "grayscale"),
    "sepia": ("sepia", "brownish"),
    "blurry": ("blurry", "blurred", "out of focus"),
    "text_focus": ("text", "title card", "credits"),
    "scenery": ("scenery", "landscape", "background only"),
    "simple_background": ("simple background", "plain background"),
    "white_background": ("white background",),
    "crowd": ("crowd", "many people", "a group of people"),
    "water": ("water",),
    "window": ("window", "by the window"),
    "moon": ("moon", "moonlight"),
    "sun": ("sun", "sunshine"),
    "grass": ("grass", "meadow"),
    "flower": ("flower", "flowers"),
}
JOINERS = (", ", " ", ", ", " and ", " with ")
OPENINGS = (
    "",
    "",
    "",
    "a picture of ",
    "anime ",
    "a frame of ",
    "an image with ",
    "a drawing of ",
    "scene with ",
)
PEOPLE_FIRST = ("1girl", "1boy", "2girls", "2boys", "3girls", "multiple_girls", "multiple_boys", "no_humans")
NAMED_COLOURS = tuple({*HAIR_COLOURS, *EYE_COLOURS, *CLOTH_COLOURS})


def phrases(tag: str) -> tuple[str, ...]:
    """Return the ways to say a danbooru tag; colours of hair, eyes and clothes are built from their words."""
    plain = tag.replace("_", " ").replace("-", " ")
    if tag in WORDS:
        return (*WORDS[tag], plain)
    colour, _, thing = tag.partition("_")
    if thing and colour in NAMED_COLOURS:
        bare = tuple(p for p in phrases(thing) if not p.startswith(("in ", "with ", "wearing ")))
        things = {"hair": ("hair", "haired"), "eyes": ("eyes", "eyed")}.get(thing, bare)
        return (*(f"{c} {t}" for c in COLOUR_WORDS.get(colour, (colour,)) for t in things), plain)
    return (plain,)


def compose(tags: Sequence[str], rng: np.random.Generator) -> str:
    """Return one caption that says exactly the given tags, in random order and wording, people mostly first."""
    if not tags:
        return "a picture"
    order = list(tags)
    rng.shuffle(order)
    if rng.random() < 0.7:
        order.sort(key=lambda t: t not in PEOPLE_FIRST)
    said = [str(rng.choice(phrases(t))) for t in order]
    text = str(rng.choice(OPENINGS)) + said[0]
    for part in said[1:]:
        text += str(rng.choice(JOINERS)) + part
    return text


def every_word(tags: Iterable[str]) -> list[str]:
    """Return all words that captions of these tags can hold, sorted."""
    texts = [p for t in tags for p in phrases(t)] + ["a picture", *OPENINGS, *JOINERS]
    return sorted({w for text in texts for w in re.findall(r"[a-z0-9]+", text.lower())})


def write_tokenizer(words: Sequence[str], path: Path) -> None:
    """Write tokenizer.json: lower-cased words; all unknown ones are one token."""
    from tokenizers import Regex, Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase, Replace
    from tokenizers.normalizers import Sequence as Chain
    from tokenizers.pre_tokenizers import Split

    vocabulary = {word: i for i, word in enumerate((*SPECIAL, *words))}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = Chain([Lowercase(), Replace(Regex("[^a-z0-9]+"), " ")])
    tokenizer.pre_tokenizer = Split(" ", behavior="removed")
    tokenizer.enable_truncation(LONGEST)
    path.write_text(json.dumps(json.loads(tokenizer.to_str()), separators=(",", ":")), encoding="utf-8")
