#!/usr/bin/env python3
"""Makes the byte-level BPE goldens beside it: small tokenizers, hard texts, and the tokens that Hugging Face's `tokenizers`
has for them (python -m pip install tokenizers==0.23.3).

    NAME.json      tokenizer.json files, trained here
    cases.json     [{"name", "base": NAME.json, "patch": what is changed of it (a JSON merge patch),
                     "pre": the name llama.cpp has for this pre-split, or null, "ids": the tokens of each text, [token, n]
                     where one comes n times; null where the text is left out}]
    texts.json     [{"text", "nfc": whether NFC leaves it alone}]

Tokens are those of add_special_tokens=False and encode_special_tokens=True: control tokens are never found in text.
"""
import itertools
import json
import pathlib
import random
import unicodedata

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

here = pathlib.Path(__file__).resolve().parent
draw = random.Random(20)

# ---- texts to train on: of our own making ---------------------------------------------------------------------------

ENGLISH = """The state of the model is one matrix for each head, and reading a token changes it by a little. What was read
long ago is still there, if nothing has erased it. I don't know whether it's the best way; they'll say we've seen others.
She'd asked: "Isn't that what you're after?" He hadn't answered, and I'm not sure he'd heard. In 1984 there were 365 days, 12 months
and 52 weeks; 1,024 is two to the tenth. THE CAPITALS SHOUTED, but nobody listened. Visit the library, the bakery and the harbour."""
GERMAN = "Größere Übungen für Anfänger: Straße, Fuß, Äpfel, Öl. Die Königin aß süße Früchte, während es draußen schneite. Schöne Grüße!"
FRENCH = "L'été, où l'élève a lu « Noël » à l'école, fut très chaud. Ça va? C'est là-bas, près de la forêt, qu'elle s'arrêta."
TURKISH = "İstanbul'da yağmur yağıyor; çocuklar şarkı söylüyor ve ılık çay içiyor. Ağaçlar güzel, gökyüzü gri."
RUSSIAN = "Мы читаем книгу о памяти. Ёжик шёл по лесу и считал звёзды: одна, две, три. Что дальше — никто не знал."
GREEK = "Η μνήμη είναι σταθερή, ό,τι κι αν διαβάσεις. Καλημέρα, κόσμε! Πόσο κοστίζει αυτό;"
HEBREW = "שלום עולם, מה שלומך היום? הספר נמצא על השולחן."
ARABIC = "مرحبا بالعالم، كيف حالك اليوم؟ الكتاب على الطاولة ١٢٣٤."
HINDI = "नमस्ते दुनिया, आप कैसे हैं? किताब मेज़ पर है। १२३ किलोमीटर।"
THAI = "สวัสดีชาวโลก วันนี้อากาศดีมาก หนังสืออยู่บนโต๊ะ"
CHINESE = "你好，世界！我们在读一本关于记忆的书。天空是蓝色的，树是绿色的。一二三四五，上山打老虎。"
JAPANESE = "こんにちは、世界！私は本を読んでいます。カタカナとひらがな、漢字もあります。東京タワーは高い。"
KOREAN = "안녕하세요, 세계! 저는 책을 읽고 있습니다. 오늘은 날씨가 좋네요."
EMOJI = "😀😃🎉 👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪🇯🇵 ❤️ ⚙️ ☺"
CODE = '''def scan(state, w, k, v, r):
    """One step: S = S (diag(w) + a b^T) + v k^T."""
    for h in range(0, len(state)):
        state[h] = state[h] * w[h] + v[h] @ k[h].T
        if state[h] is None:
            raise ValueError(f"head {h} has no state")
\treturn state @ r

#include <vector>
template <class T> static inline T* find(std::vector<T>& list, const T& what) {
  for (auto it = list.begin(); it != list.end(); ++it) {
    if (*it == what) return &*it;  // found
  }
  return nullptr;
}
SELECT name, count(*) FROM tokens WHERE rank < 0x1f AND text != '' GROUP BY name;
<div class="head"><a href="https://example.org/?q=1&r=2">link</a></div>
x = [1.0e-5, 3.14159, 2_000]; y != z || !(a && b) ... --flag=on 2>&1
'''
PROSE = [ENGLISH, GERMAN, FRENCH, TURKISH, RUSSIAN, GREEK, HEBREW, ARABIC, HINDI, THAI, CHINESE, JAPANESE, KOREAN, EMOJI]


def corpus():
    """Sentences of all, their words mixed anew, so that the counts of pairs differ."""
    for _ in range(40):
        for text in PROSE:
            yield text
            words = text.split(" ")
            draw.shuffle(words)
            yield " ".join(words)
        for _ in range(3):
            yield CODE
        yield "\n\n".join("  " * n + "x" for n in range(9))


# ---- texts to try ----------------------------------------------------------------------------------------------------

HARD = [
    "", " ", "  ", "\n", "\r\n", "\t", "a", " a", "a ", "  a  b  ", "\0", "a\0b", "\x7f",
    "Hello, world!", "I'm you're we've they'll he'd it's don't", "I'M YOU'RE WE'VE THEY'LL HE'D IT'S DON'T", "'s'S'ſ 'K 'ſ",
    "it’s “quoted” – with — dashes… and ellipsis",
    "a" * 3000, "ab" * 1500, " " * 3000, " " * 3000 + "x", "\n" * 1000, "\r\n" * 500, "\t" * 200, " \n" * 300, "=" * 700,
    "x" + " " * 23 + "y" + " " * 24 + "z" + " " * 25 + "\n" + " " * 26, "    if x:\n        return\n\n\n    else:\n\t\tpass\n",
    "line\r\nline\rline\n\n\nline\u2028line\u2029line\u0085line\x0bline\x0cline",
    "a\u00a0b\u2003c\u3000d\u200be\u180ef\ufeffg\u202fh\u205fi\u1680j", "\u00a0\u00a0 \u3000\u3000x \u2003", "\u180e\u180e \u180e",
    "0123456789 1 22 333 4444 55555 1,234,567.89 0xff 1e-5 ½ ² Ⅷ ③ ٣٤٥ १२३ 𝟘𝟙𝟚 一二三 ",
    "e\u0301 a\u0308 o\u0302\u0323 n\u0303 \u0301\u0301 \u0915\u093c ك\u0651\u064e \u1e9b\u0323 A\u030a q\u0307\u0323 q\u0323\u0307",
    "\u1112\u1161\u11ab\u1100\u1173\u11af 한글 \uac00\u11a8", "Å Å Ω Ω K K ﬁ ﬀ ½ ①", "x" + "\u0301" * 40 + "\u0323" * 40 + "y",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!",
    "😀 😀😀 👩‍👩‍👧‍👦 👩 ‍👧 🏳️‍🌈 👍🏽👍🏿 🇩🇪🇯🇵🇩 ❤️ ☺ 🧑‍🚀", "\U0001f600" * 100, "\U0010ffff\U000e0001\ue000",
    "你好，世界！我们在读书。", "こんにちは、世界！ﾊﾝｶｸ カタカナー", "안녕하세요, 세계!", "中文English混合123テキスト한국어", "漢" * 500,
    "مرحبا بالعالم، ١٢٣", "שָׁלוֹם עוֹלָם", "नमस्ते दुनिया १२३ क्षत्रिय", "สวัสดีชาวโลก", "ქართული ენა", "አማርኛ", "தமிழ் மொழி",
    "İstanbul'da ılık IĞDIR ǅ ǆ Ǆ ß ẞ ŉ", "Ünïcödé ÀÉÎÕÜ ñ ç ø å æ œ", "Ⓐⓑ 🅰 𝒜𝓑 ª º ʰ ᴬ ⅓", "_under_score __init__ snake_case camelCase HTTPServer",
    "a_b-c+d=e*f/g\\h|i~j`k^l&m%n$o#p@q!r?s;t:u,v.w<x>y(z)[0]{1}\"2'3", "http://user:pw@example.org:8080/a/b.html?q=ä&r=%20#top",
    "<think>step</think><tool_call>f(x)</tool_call> <think>", "xthinkx think think, thinks rethink think", "a <mask> b<mask>c  <mask>  d <mask>",
    "<tool_call", "tool_call>", "<<think>>", "<think><think>", "é<é>é e\u0301<e\u0301>e\u0301", "  <pad_l>  <pad_r>  <pad_l><pad_r>  x",
    "Ġ Ċ ĉ Ā ÿ Ń ġ — the byte alphabet itself: ĠaĠb", ENGLISH, GERMAN + FRENCH + TURKISH, RUSSIAN + GREEK + HEBREW, CODE, EMOJI * 3,
    "".join(PROSE), "supercalifragilisticexpialidocious" * 3, "AAAaaaAAAaaa XMLHttpRequest iPhone McDonald's O'Neill 'tis rock'n'roll",
    "\u2581\u2581a \u2581b", "1" * 100 + "." + "2" * 101, "!?" * 60 + "\n" + "..." * 10 + "\r\n\r\n", "$100 €5 £3 ¥9 ₿1 §5 ©2024 ™ ° ± × ÷",
]

# Characters that Unicode 3.2 had: what is new differs between PCRE2's tables and others'.
OLD = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000 and unicodedata.ucd_3_2_0.category(chr(c)) not in ("Cn", "Co", "Cs")]
SPACES = " \n\r\t\u00a0\u3000\x0b\x85\u2028"


def drawn():
    for n in range(60):
        kinds = [
            lambda: draw.choice("abcdefghijklmnopqrstuvwxyz"), lambda: draw.choice(SPACES), lambda: draw.choice("0123456789"),
            lambda: draw.choice("'.,;:!?-_()[]{}<>=+*/\\\"&%$#@^~`|"), lambda: draw.choice(OLD), lambda: draw.choice("stmdrevl'STMDREVL"),
            lambda: draw.choice("ABCDEF"), lambda: chr(draw.randrange(0x300, 0x345)), lambda: draw.choice(["the", " of", "state", "’s", "un"]),
        ]
        chosen = draw.sample(kinds, draw.randint(1, 5))
        yield "".join(draw.choice(chosen)() * draw.choice([1, 1, 1, 2, 5]) for _ in range(draw.choice([5, 20, 80])))


# ---- tokenizers ------------------------------------------------------------------------------------------------------

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN35 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
UPPER, LOWER = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
REST = r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEKKEN = rf"{UPPER}*{LOWER}+|{UPPER}+{LOWER}*|\p{{N}}|{REST}"
ENDING = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
GPT4O = rf"{UPPER}*{LOWER}+{ENDING}|{UPPER}+{LOWER}*{ENDING}|\p{{N}}{{1,3}}|{REST}"
DEEPSEEK3 = (r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*"""
             r"""|\s*[\r\n]+|\s+(?!\S)|\s+""")


def level(regex=True, prefix=False):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": regex}


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def sequence(*steps):
    return {"type": "Sequence", "pretokenizers": list(steps)}


def splits(*patterns):
    return sequence(*[split(p) for p in patterns], level(regex=False))


def train(name, size, steps, special, added=(), nfc=False, ignore_merges=False):
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    if nfc:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = steps
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=special, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(corpus(), trainer)
    tokenizer.add_tokens(list(added))
    text = json.loads(tokenizer.to_str())
    (here / f"{name}.json").write_text(json.dumps(text, ensure_ascii=False, separators=(",", ":")) + "\n")


def build(regex):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(regex), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)])


blank_runs = [AddedToken(" " * n, normalized=True) for n in range(24, 1, -1)]
train("gpt2", 1200, pre_tokenizers.ByteLevel(False), ["<|endoftext|>"])
train("neox", 1600, pre_tokenizers.ByteLevel(False), ["<|endoftext|>", "<|padding|>"], blank_runs, nfc=True)
train("qwen2", 2000, build(QWEN2), ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
      [AddedToken(t, normalized=False) for t in ("<tool_call>", "</tool_call>", "<think>", "</think>")], nfc=True)
train("llama3", 2400, build(LLAMA3), ["<|begin_of_text|>", "<|end_of_text|>"], ignore_merges=True)

# ---- cases -----------------------------------------------------------------------------------------------------------


def added(first, *tokens):
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    return [{"id": first + i, **plain, "content": text, **flags} for i, (text, flags) in enumerate(tokens)]


ODD = added(0, ("<|endoftext|>", {"special": True})) + added(
    1200, ("think", {"single_word": True}), ("<mask>", {"lstrip": True}), ("<pad_l>", {"lstrip": True, "rstrip": True}),
    ("<pad_r>", {"rstrip": True}), ("<é>", {"normalized": True}), ("<think>", {}), ("<<think>>", {}), ("tool", {"normalized": True}),
    ("\t\t", {}), ("e\u0301", {"normalized": True}))

CASES = [  # name, base, patch, llama.cpp's name
    ("gpt2", "gpt2.json", {}, "gpt-2"),
    ("neox", "neox.json", {}, "olmo"),
    ("qwen2", "qwen2.json", {}, "qwen2"),
    ("llama3", "llama3.json", {}, "llama-bpe"),
    ("llama3 with merges", "llama3.json", {"model": {"ignore_merges": False}}, "dbrx"),
    ("ignore_merges without a split", "llama3.json", {"pre_tokenizer": level(regex=False)}, None),
    ("qwen35", "qwen2.json", {"pre_tokenizer": splits(QWEN35)}, "qwen35"),
    ("smollm", "gpt2.json", {"pre_tokenizer": sequence({"type": "Digits", "individual_digits": True}, level())}, "smollm"),
    ("tekken", "llama3.json", {"pre_tokenizer": splits(TEKKEN)}, "tekken"),
    ("gpt-4o", "gpt2.json", {"pre_tokenizer": splits(GPT4O)}, "gpt-4o"),
    ("deepseek-v3", "gpt2.json", {"pre_tokenizer": splits(r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+", DEEPSEEK3)}, "deepseek-v3"),
    ("deepseek-coder", "gpt2.json", {"pre_tokenizer": splits("[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+", r"\p{N}")},
     "deepseek-coder"),
    ("falcon", "gpt2.json", {"pre_tokenizer": splits(r"[\p{P}\$\+<=>\^~\|`]+", GPT2, "[0-9][0-9][0-9]")}, "falcon"),
    ("default", "gpt2.json", {"pre_tokenizer": splits(r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]")}, "default"),
    ("bailing", "gpt2.json", {"pre_tokenizer": splits(
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+")}, "bailingmoe"),
    ("prefix", "gpt2.json", {"pre_tokenizer": level(prefix=True)}, None),
    ("prefix of every piece", "gpt2.json", {"pre_tokenizer": sequence(split(r"\d+"), level(prefix=True))}, None),
    ("no split", "gpt2.json", {"pre_tokenizer": level(regex=False)}, None),
    ("added", "gpt2.json", {"added_tokens": ODD}, None),
    ("added, NFC", "gpt2.json", {"added_tokens": ODD, "normalizer": {"type": "NFC"}}, None),
    ("added, prefix", "gpt2.json", {"added_tokens": ODD, "pre_tokenizer": level(prefix=True),
                                    "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}]}}, None),
    ("digits", "gpt2.json", {"pre_tokenizer": sequence({"type": "Digits", "individual_digits": False}, level())}, None),
    ("string", "gpt2.json", {"pre_tokenizer": sequence(split(" ?.", "MergedWithPrevious", kind="String"), split("e", kind="String"),
                                                       split("", kind="String"), level())}, None),
    ("every character", "gpt2.json", {"pre_tokenizer": splits("")}, None),
    ("words", "gpt2.json", {"pre_tokenizer": sequence(split(r"\w+|[^\w\s]+|\W"), level(regex=False))}, None),
    ("boundaries", "gpt2.json", {"pre_tokenizer": splits(r"\b", r"\B\d", r"(?<=[a-z])(?=[A-Z])", r"^.{3}|.{2,}?$")}, None),
    ("counts", "gpt2.json", {"pre_tokenizer": splits(r"\p{L}{2}", r"a{,3}b", r"x{", r"(a|e){2,}", r"\u4f60|\x41|\x{1F600}", r"[\]\-\\^a-c-]",
                                                     r"\P{L}\p{^Lu}", r"\p{Han}+", r"\p{Hiragana}|\p{Latin}{5}", r"\D\S\d")}, None),
]
for behavior in ("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
    for invert in (False, True):
        CASES.append((f"{behavior}, {'inverted' if invert else 'plain'}", "gpt2.json",
                      {"pre_tokenizer": sequence(split(r"\s|[aeiou.']", behavior, invert), level(regex=False))}, None))
for behavior in ("Isolated", "Contiguous", "MergedWithPrevious"):
    CASES.append((f"punctuation, {behavior}", "gpt2.json",
                  {"pre_tokenizer": sequence({"type": "Punctuation", "behavior": behavior}, level())}, None))


def merge_patch(target, patch):  # RFC 7396
    if not isinstance(patch, dict):
        return patch
    out = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merge_patch(out.get(key), value)
    return out


# "pre_tokenizer" is replaced as a whole: merging would keep fields of the old one.
def patched(base, patch):
    out = dict(json.loads((here / base).read_text()))
    for key, value in patch.items():
        out[key] = merge_patch(out[key], value) if key == "model" else value
    return out


def shortened(ids):
    out = []
    for token, run in itertools.groupby(ids):
        n = len(list(run))
        out += [[token, n]] if n > 3 else [token] * n
    return out


texts = HARD + list(drawn())
cases = []
for name, base, patch, pre in CASES:
    tokenizer = Tokenizer.from_str(json.dumps(patched(base, patch)))
    tokenizer.encode_special_tokens = True
    # What is about how text is split needs no long ones; those make the files large.
    limit = 10000 if name in ("gpt2", "qwen2", "llama3") else 350 if pre else 120
    ids = [shortened(tokenizer.encode(text, add_special_tokens=False).ids) if len(text) <= limit else None for text in texts]
    cases.append({"name": name, "base": base, "patch": patch, "pre": pre, "ids": ids})


def write_lines(name, items):
    lines = [json.dumps(item, ensure_ascii=True, separators=(",", ":")) for item in items]
    (here / name).write_text("[\n" + ",\n".join(lines) + "\n]\n")


write_lines("texts.json", [{"text": t, "nfc": unicodedata.normalize("NFC", t) == t} for t in texts])
write_lines("cases.json", cases)
