"""The vocabulary: 256 bytes, and frequent pieces of words, in RWKV's "longest match" form.

A piece never crosses from a word into what stands beside it, and digits stay single. So a word is cut the same way
wherever it stands, and a name is spelled in the answer as it was spelled when it was told.

    python3 pieces.py N OUT.json     N tokens in all, from 3 MB of generated conversations; N = 256: bytes
"""
import collections
import json
import random
import re
import sys

WORD = re.compile(r"User:|Assistant:|\n\n| ?[A-Za-z]+|'[a-z]+|[\x00-\xff]", re.S)


class Pieces:
    def __init__(self, path_or_list):
        texts = json.load(open(path_or_list)) if isinstance(path_or_list, str) else path_or_list
        self.pieces = [bytes([i]) for i in range(256)] + [t.encode() for t in texts]
        self.ids = {p: i for i, p in enumerate(self.pieces)}
        self.longest = max(map(len, self.pieces))
        self.cache = {}

    def __len__(self): return len(self.pieces)

    def longest_match(self, b):
        out, i = [], 0
        while i < len(b):
            for n in range(min(self.longest, len(b) - i), 0, -1):
                t = self.ids.get(b[i:i + n])
                if t is not None: break
            out.append(t)
            i += n
        return out

    def encode(self, text):
        """What longest_match gives, word by word, with a memory of the words seen."""
        if not text.isascii(): return self.longest_match(text.encode())
        out, cache = [], self.cache
        for x in WORD.findall(text):
            t = cache.get(x)
            if t is None:
                t = self.longest_match(x.encode())
                if len(cache) < 200000: cache[x] = t
            out += t
        return out

    def decode(self, ids): return b"".join(self.pieces[i] for i in ids).decode("utf-8", "replace")


def corpus(size, seed):
    import conversation as c
    out, n = [], 0
    r = random.Random(seed)
    while n < size:
        talk = c.Conversation(r, c.Style.draw(r, r.choice((1000, 3000, 30000))))
        at = 0
        for _ in range(60):
            m, a, _w = talk.turn(at)
            t = "".join(c.render(m, a))
            at += len(t) // 3
            n += len(t)
            out.append(t)
    return "".join(out)


def learn(n, size=3_000_000, seed=5):
    """Byte pair merges within words; a merge enters the vocabulary where longest match then uses it."""
    counts = collections.Counter(x for x in WORD.findall(corpus(size, seed)) if x.isascii())
    out = ["User:", "Assistant:", "\n\n"]
    words = {x: list(x) for x in counts if len(x) > 1 and x not in out and not x.isdigit()}
    where, pairs = collections.defaultdict(set), collections.Counter()
    for x, parts in words.items():
        for p in zip(parts, parts[1:]):
            pairs[p] += counts[x]
            where[p].add(x)
    while 256 + len(out) < n:
        best = max(pairs, key=lambda p: (pairs[p], p))
        out.append(best[0] + best[1])
        for x in list(where[best]):
            parts = words[x]
            for p in zip(parts, parts[1:]):
                pairs[p] -= counts[x]
            i, new = 0, []
            while i < len(parts):
                if i + 1 < len(parts) and (parts[i], parts[i + 1]) == best: new.append(parts[i] + parts[i + 1]); i += 2
                else: new.append(parts[i]); i += 1
            words[x] = new
            for p in zip(new, new[1:]):
                pairs[p] += counts[x]
                where[p].add(x)
        pairs[best] = 0
    return list(dict.fromkeys(out))


if __name__ == "__main__":
    n = int(sys.argv[1])
    found = learn(n) if n > 256 else []
    json.dump(found, open(sys.argv[2], "w"), indent=0)
    p, text = Pieces(found), corpus(200_000, 77)
    assert p.encode(text) == p.longest_match(text.encode())
    print(len(p), "tokens,", len(text) / len(p.encode(text)), "bytes a token")
