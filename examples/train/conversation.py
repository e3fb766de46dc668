"""Conversations without end: facts, small talk, changes, and questions whose distance is drawn from few tokens to a million.

    c = Conversation(random.Random(seed), Style(...))
    message, reply, weight = c.turn(position)      one exchange; weight is how much the reply counts in training

What was told is in c.facts. The distance between a fact and its question is log-uniform: as many questions after
20 to 200 tokens as after 20,000 to 200,000.
"""
import heapq
import math
import re
from dataclasses import dataclass

import facts as f
import phrasings
import small_talk
import words as w

TALK, ACK, ANSWER, NOTED, CHAT = 1, 2, 3, 4, 5  # weight classes: small talk, repeats a fact, answers; "Noted."; the user's small talk

PREFIX = """By the way, ;Just so you know, ;Oh, and ;Please remember that ;Remember that ;Note that ;Hi! ;Hello, ;So, ;Well, ;FYI, ;I should mention that ;
I forgot to say that ;I'd like you to know that ;One thing about me: ;You should know that ;Also, ;And ;Please remember: ;Remember: ;Fun fact: ;Let me tell you that ;Did I mention that ;
Here's something: ;Okay, ;Hey, ;Important: ;Keep in mind that ;I want to tell you that ;Between us, ;As you may know, ;Another thing: ;Don't forget that ;Hi there, ;Good morning, ;To introduce myself, ;Btw ;Another detail: ;For your information, ;Let me add that ;Honestly, """.replace("\n", "").split(";")
SUFFIX = ";;;;;;;;, by the way;, you know;, in case you wonder; and I'm happy about that;. Please remember that;. Don't forget it;. Keep that in mind;. Can you remember that?;, just so you know;. Nice to meet you;. I thought you should know;. Remember that;. That's important;. How are you?;, okay?;. What about you?;, actually;. What do you think?;, if that matters;. Isn't that nice?".split(";")
CHANGE = """Actually, ;Actually ;Correction: ;Sorry, I was wrong: ;Things have changed: ;News: ;Update: ;Wait, ;I made a mistake: ;Oh, something changed: ;Guess what, ;I have news: ;That's no longer true: ;Not anymore: ;Well, now ;Hey, small change: ;I need to correct myself: ;By the way, ;It turns out that ;As of today, ;Big news: ;Please update this: ;Let me correct that: ;;;;;""".replace("\n", "").split(";")
FIX = ["[hm/hmm/oh/ah/wait/no/oops/sorry/uh/um/argh][,/, no,/, sorry,] I [meant/mean/wanted to say/meant to say/should have said] {v}[/, not {old}/ instead/, of course/ instead of {old}]",
       "[wrong/typo/mistake/my mistake/scrap that/scratch that/forget that/that was wrong/not quite/I misspoke][,/:/, I meant/, it's/, I mean/, make that/, it should be] {v}", "[make that/change that to/please change it to/better:/it's really/it's rather/or rather/rather/let me correct that:/should be] {v}",
       "{v}[/, I mean/, sorry/, not {old}/ is right/ is correct/ it is/ instead of {old}/, of course], [sorry/my mistake/I mixed it up/I misspoke/not {old}/I was wrong]", "no wait, {v}", "sorry, I meant {v}", "I mean {v}", "oops, I meant {v}", "wait, it's {v}", "no, {v}", "correction: {v}", "sorry, {v}", "actually it's {v}", "actually, {v}", "I made a typo, it's {v}", "{v}, not {old}", "not {old}, {v}", "sorry, not {old} but {v}", "that should be {v}", "I said {old}, but it's {v}"]
ASK_NP = """what is {x};what's {x};tell me {x};do you remember {x};do you know {x};can you tell me {x};remind me of {x};what was {x} again;{x};what did I say {x} was;do you still remember {x};say {x};do you recall {x};have I told you {x};could you remind me what {x} is;
what did I tell you about {x};please tell me {x};I'd like to know {x};I forgot {x}. What is it;what was {x};do you still know {x};give me {x};can you remember {x};did you remember {x};name {x};write down {x};you remember {x}, don't you;so what's {x};what do you know about {x};what's {x} again;I can't recall {x};refresh my memory, {x};do you have {x};could I hear {x};I'd love to hear {x};do you by any chance know {x};let's see if you know {x};let me check if you remember {x};have I mentioned {x};did I ever tell you {x};you know {x}, right;are you able to tell me {x};would you know {x};can you recall {x};quiz: {x};what would you say {x} is;what have I told you about {x};do you know what {x} is;can you tell me what {x} is;did I mention {x};I keep forgetting {x};help me remember {x};spell out {x};and {x};what about {x};show me you know {x};how about {x};let me hear {x};I need {x};could you repeat {x};{x}, please""".replace("\n", "").split(";")
ASK_CLAUSE = """do you remember {x};do you know {x};can you tell me {x};tell me {x};do you still know {x};remind me {x};I forgot {x};could you remind me {x};any idea {x};I can't remember {x};have I told you {x};did I mention {x};do you happen to remember {x};guess {x};do you recall {x};say {x};please tell me {x};can you remember {x};I wonder if you know {x};did I tell you {x};I need to know {x};do you still remember {x};could you say {x};are you able to tell me {x};would you know {x};refresh my memory: {x};help me remember {x};let's see if you remember {x};did I ever say {x};you know {x}, right;do you by any chance know {x};I'd love to hear {x};I keep forgetting {x};quiz: {x};let me check if you know {x};what do you know about {x};can you recall {x};tell me again {x};is it clear to you {x};would you tell me {x};what did I say about {x};I'd like to know {x}""".replace("\n", "").split(";")
ASK_PREFIX = ["Hey, ", "So, ", "Okay, ", "By the way, ", "Quick question: ", "One more thing: ", "Tell me, ", "Test: ", "Hi again. ", "Let's see: ", "Now, ", "And ", "Well, ", "Also, ", "I have a question: ", "Let me test you. ", "Hello! ", "Please, ", "Anyway, ", "Sorry, ", "Hmm, "]
PLAIN_ACKS = ["Noted.", "Noted.", "Okay.", "Got it.", "I'll remember that.", "Thanks for telling me.", "Okay, I'll remember.", "Understood."]
FILLER = ["it rained all day", "I'm a bit tired", "we had dinner", "the weather is nice", "I have to go soon", "work was busy", "I like that", "it's a long story", "I was out all day", "life is busy", "the day was long", "that makes me happy", "I have been here for a while", "I love it here", "it's late", "we had a good time"]
INTROS = [  # several facts in one breath; {0} {1} ... are their values
    (("name", "age", "job", "origin"), ("I'm {0}, a {1}-year-old {2} from {3}", "my name is {0}, I'm {1}, I work as a {2} and I come from {3}", "{0}, {1}, {2}, from {3}")),
    (("name", "home"), ("I'm {0} from {1} and I live there", "{0} here, living in {1}", "I'm {0}, I live in {1}", "my name is {0} and my home is {1}", "I'm {0} and I'm based in {1}", "this is {0}, writing from my home in {1}", "greetings from {1}, where I live, {0} here")),
    (("name", "age", "home"), ("I'm {0}, I'm {1} and I live in {2}", "my name is {0}, I'm {1} years old and my home is {2}", "{0}, {1} years old, living in {2}", "name: {0}, age: {1}, city: {2}", "I'm {0}, {1}, based in {2}", "it's {0}, I live in {2} and I'm {1}")),
    (("name", "home", "pet"), ("I'm {0}, I live in {1} and I have a {2}", "my name is {0}, my home is {1} and my pet is a {2}")),
    (("home", "hobby"), ("I live in {0} and my hobby is {1}", "my hobby is {1} and my home is in {0}", "here in {0}, where I live, I do {1} as a hobby")),
    (("job", "age"), ("I'm a {1}-year-old {0}", "I'm {1} and work as a {0}", "I'm a {0}, {1} years old")),
    (("name", "employer"), ("I'm {0} and I work at {1}", "my name is {0}, I'm employed at {1}", "{0} here, working for {1}")),
    (("name", "age"), ("I'm {0} and I'm {1}", "I'm {0}, {1} years old", "my name is {0} and I am {1} years old", "I'm {0}, {1}", "{0} here, {1} years old", "I'm a {1}-year-old called {0}")),
    (("name", "job"), ("I'm {0}, a {1}", "I'm {0} and I work as a {1}", "I'm a {1} named {0}", "{0} here, I'm a {1}", "my name is {0} and I'm a {1} by trade", "I'm a {1} and people call me {0}")),
    (("job", "home"), ("I'm a {0} in {1} and that's where I live", "I work as a {0} and live in {1}", "I'm a {0} living in {1}", "I live in {1} and work there as a {0}", "I live in {1}, where I work as a {0}")),
    (("origin", "home"), ("I'm from {0} but I live in {1}", "I grew up in {0}, now I live in {1}", "born in {0}, I now live in {1}", "I come from {0} and live in {1}", "I moved from {0} to {1}, I was born in {0}", "I was born in {0} but these days I live in {1}", "originally I'm from {0}, but my home is {1} now", "I grew up in {0} but these days my home is in {1}")),
    (("name", "origin"), ("I'm {0} from {1}", "I'm {0} and I come from {1}", "hi from {1}, I'm {0}", "my name is {0} and I was born in {1}", "I'm {0}, originally from {1}")),
    (("job", "employer"), ("I'm a {0} at {1}", "I work as a {0} at {1}", "I work at {1} as a {0}", "I'm employed at {1} as a {0}")),
    (("age", "home"), ("I'm {0} and live in {1}", "I'm {0} years old and my home is in {1}", "at {0} I still live in {1}")),
    (("name", "hobby"), ("I'm {0} and I love {1}, it's my hobby", "I'm {0}, my hobby is {1}", "{0} here, my hobby is {1}")),
    (("name", "home", "job"), ("I'm {0}, I live in {1} and I work as a {2}", "{0} from {1}, where I live, working as a {2}", "my name is {0}, a {2} living in {1}", "I'm {0}, a {2} living in {1}", "I live in {1}, my name is {0} and I'm a {2}")),
    (("pet", "home"), ("I have a {0} and live in {1}", "I live in {1} with my {0}")),
]
WITH = [(" with my {n} {v}", .5), (" together with my {n} {v}", .2), (", and so does my {n} {v}", .1), (" with {v}, my {n}", .2)]
LATER = ["these days", "at the moment", "right now", "nowadays", "since last year", "since last summer", "for ten years", "for a while now", "after all", "for now", "once again", "at last", "as always", "for two years", "since January", "most of the time", "as you can tell", "believe it or not", "to be honest"]
FRIEND = ["my friend {n}", "my friend {n}", "my neighbour {n}", "my colleague {n}", "my cousin {n}", "{n}", "{n}", "{n}", "my old friend {n}", "my buddy {n}"]


_FRONT, _BACK, _CHATTER, _HAVE, _THEN, _ASK_NP, _ASK_CLAUSE = (f.Choices(x) for x in (
    phrasings.FRONT, phrasings.BACK, phrasings.CHATTER, phrasings.HAVE, phrasings.THEN, ASK_NP + phrasings.ASK_NP, ASK_CLAUSE + phrasings.ASK_CLAUSE))
_UNTOLD = f.Choices(phrasings.UNTOLD)
_CORRECTS = re.compile(r"(scrap|scratch|strike|wait|oops|sorry|no\b|my mistake|correction|forget|typo|on second)")
_OPEN = re.compile(r"I('m| \w+)[^,.]* (what|where|which|who|whom|how)\b( \w+)?( \w+)?( again| exactly| now)?$")
_WANTS = re.compile(r"(someone|somebody|my \w+|(a|the|this) \w+)( here)? (wants|needs|asks|asked|is asking|would like)\b[^,]*$")
# Families of which a person with a name or "my sister" can be asked in a row.
_IN_A_ROW = ("home", "origin", "job", "employer", "age", "birthday", "favourite", "plays", "speaks", "learns", "drives", "hobby", "travel", "allergy", "hates")


def chatter(r):
    text = _BACK.draw(r).strip().replace("{c}", _CHATTER.draw(r))
    return text if text[0] in ",;" else " " + text


def s_short(style): return style.length < 8000


def sentence(text, end="."):
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".?!" else text + end


def join(parts):
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def lower_first(text):
    """For going on after a prefix: names and "I" keep their capital."""
    first = text.split(" ", 1)[0]
    return text if first in ("I", "I'm", "I've", "I'd", "I'll") or text[0].isupper() else text[0].lower() + text[1:]


_TYPO_SAFE = set(",.?!:;\"0123456789")


def typo(r, text, keep):
    """One or two small slips, none in the words of `keep` (values and names)."""
    words = text.split(" ")
    for _ in range(r.choice((1, 1, 2))):
        i = r.randrange(len(words))
        x = words[i]
        if len(x) < 4 or x[:1].isupper() or any(x.strip(",.?!'") in k for k in keep) or not x.isalpha(): continue
        j = r.randrange(1, len(x) - 1)
        words[i] = r.choice((x[:j] + x[j + 1] + x[j] + x[j + 2:], x[:j] + x[j + 1:], x[:j] + x[j] + x[j:], x[:j] + r.choice("aeiourstnl") + x[j + 1:]))
    return " ".join(words)


_SHORT = {"you": "u", "your": "ur", "are": "r", "please": "pls", "because": "cuz", "favourite": "fav", "favorite": "fave", "birthday": "bday", "and": "n", "tomorrow": "tmrw",
          "is": "is", "what's": "whats", "about": "abt", "people": "ppl", "thanks": "thx", "to": "2", "for": "4", "with": "w", "know": "kno", "through": "thru", "though": "tho", "remember": "rmbr"}


def sloppy(text, r=None, keep=()):
    """No apostrophes, no full stop; with `r`, now and then words as in short messages."""
    if r and r.random() < .3:
        short = {x for x in _SHORT if r.random() < .5 and x not in ("to", "for", "and", "with", "is") or r.random() < .08}
        kept = " ".join(keep)
        text = " ".join(_SHORT[x] if x in short and x not in kept else x for x in text.split(" "))
    return text.replace("'", "").rstrip(".?!")


# Facts whose questions a fact of another family may answer ("I have a cat called Tom": what pet do I have?).
_NEAR = {"drives": ("colour", "parked"), "parked": ("drives", "spot"), "married": ("called",), "pet": ("called", "many"), "job": ("teaches",),
         "teaches": ("job",), "likes": ("favourite", "hobby"), "origin": ("is", "home"), "speaks": ("is", "learns"),
         "learns": ("speaks",), "sport": ("hobby", "favourite"), "hobby": ("sport",), "employer": ("job",), "kids": ("called", "many"), "many": ("kids",), "plays": ("favourite",)}


@dataclass
class Style:
    """How one conversation goes; `draw` makes all kinds."""
    length: int          # tokens it will have: questions are drawn within it
    tell: float = .15    # share of turns that tell something, once the first facts are told
    ask: float = .1      # share of turns with a question that nothing scheduled
    first: int = 6       # facts told at the start
    most: int = 24       # facts known at a time
    again: float = .6    # chance that a fact which was asked will be asked once more
    others: float = .25  # share of facts about other people
    plain: float = .3    # share of acknowledgements that don't repeat the fact
    sloppy: float = .2   # share of messages with typos, in lower case, without apostrophes

    @staticmethod
    def draw(r, length):
        x = min(1., math.log(max(length, 1000) / 1000) / math.log(200))  # 0: one short sequence, 1: 200,000 tokens
        dense = r.random()
        tell = .30 * (1 - x) * (.3 + dense) + .012 if x < .3 else math.exp(r.uniform(math.log(.001), math.log(.08)))
        ask = .12 * (1 - x) + r.choice((.01, .03, .06)) if x < .3 else r.choice((.004, .015, .04))
        return Style(length=length, tell=tell, ask=ask,
                     first=r.choice((1, 2, 3, 4, 6, 8)) if x < .3 else r.choice((3, 4, 6, 8, 10, 12)), most=r.choice((6, 8, 12, 16, 24, 32)),
                     again=r.choice((.3, .6, .8, .9)), others=r.choice((0, .1, .25, .4)), plain=r.choice((0, .1, .3, .6, 1.)) if r.random() < .5 else .15,
                     sloppy=r.choice((0, .1, .2, .5)))


class Conversation:
    def __init__(self, r, style):
        self.r, self.style = r, style
        self.facts = {}       # key -> value, in the order told
        self.due = []         # (position, number, key): questions to come
        self.n = 0
        self.old = {}         # key -> the value before its last change
        self.last = None      # key of the fact told in the turn before
        self.seen = {}        # key -> position where it was last told or answered
        self.changed = set()  # keys whose value is not the first one told
        self.about = ("", 0)  # of the last answer: its kind, and how many tokens ago the fact was last mentioned
        self.asked_name = False
        self.offered = None   # key of the question before, if it was never told
        self.names = {}       # "my brother" -> "Theo", where both were told in one breath
        self.friends = [w.person(r) for _ in range(r.choice((1, 2, 3)))]
        self.relatives = r.sample(w.RELATIVES[:14] + w.PEOPLE[:5], 3)
        self.focus = None     # who the turn before was about, if not the user
        self.genders = {}     # of people known by their names only
        self.have = None      # "sister", if the user just said to have one
        self.started = False

    # ---- choices -----------------------------------------------------------------------------------------------------

    def subject(self):
        r = self.r
        if r.random() >= self.style.others: return f.ME
        return r.choice(self.friends) if r.random() < .55 else "my " + r.choice(self.relatives)

    def unknown(self, r):
        """A key that was never told."""
        while True:
            if r.random() < .15 and self.facts:  # near misses: the noun or the subject of a fact that is known
                k, n, s = r.choice(list(self.facts))
                key = (k, n, self.subject()) if r.random() < .5 else (k, n, w.person(r))
                if k in f.ONLY_ME and key[2] != f.ME: continue
            elif r.random() < .3: key = (r.choice(("name", "home", "job", "age")), "", f.ME)
            else: key = f.draw_key(r, self.subject() if r.random() < .8 else w.person(r))
            if not self.clashes(key): return key

    def clashes(self, key):
        """Whether the question for `key` could mean a fact that is known."""
        if key in self.facts: return True
        family, noun, who = key
        if family in ("is", "number", "secret", "favourite", "colour", "spot", "event", "called"):
            return any(n == noun and s == who for _, n, s in self.facts)
        near = _NEAR.get(family, ())
        return any(k in near and s == who for k, _, s in self.facts)

    def plan(self, key, at):
        gap = math.exp(self.r.uniform(math.log(25), math.log(max(.8 * self.style.length, 100))))
        if at + gap > self.style.length: return
        self.n += 1
        heapq.heappush(self.due, (at + gap, self.n, key))

    def style_message(self, text, keep=()):
        r = self.r
        if r.random() < .12: text = text.replace("colour", "color").replace("favourite", "favorite").replace("travelling", "traveling").replace("practise", "practice")
        if r.random() < self.style.sloppy:
            t = r.random()
            if t < .55: text = typo(r, text, keep)
            if t > .35: text = text.replace("'", "") if r.random() < .5 else text.rstrip(".?!")
        return text

    # ---- turns -------------------------------------------------------------------------------------------------------

    def turn(self, at):
        r, s = self.r, self.style
        if not self.started:
            self.started = True
            self.burst = s.first
        if self.due and self.due[0][0] <= at:
            key = heapq.heappop(self.due)[2]
            if key in self.facts:
                if r.random() < s.again: self.plan(key, at)
                return self.ask(key, at)
        if self.asked_name:
            self.asked_name = False
            if "name" not in [k[0] for k in self.facts] and r.random() < .8: return self.tell(at, after_greeting=True)
        offered, self.offered = self.offered, None
        focus, self.focus = self.focus, None
        have, self.have = self.have, None
        if have and r.random() < .9: return self.name_of(have, at)
        last = self.last and self.last in self.facts and self.last
        if last and len(self.facts) < s.most:
            if last[0] == "pet" and last[2] == f.ME and r.random() < .45 and not self.clashes(("called", self.facts[last], f.ME)) and self.facts[last] in w.PETS:
                return self.name_of(self.facts[last], at)
            if last[2].startswith("my ") and last[0] != "called" and r.random() < .2 and not self.clashes(("called", last[2][3:], f.ME)):
                return self.name_of(last[2][3:], at)
        if focus and r.random() < .22:
            done = self.more_of(focus, at)
            if done: return done
        if offered and r.random() < .25 and not self.clashes(offered) and len(self.facts) < s.most: return self.reply_with(offered, at)
        if self.burst > 0 and r.random() < .8:
            self.burst -= 1
            return self.tell(at)
        t = r.random()
        if t < s.tell: return self.tell(at)
        if t < s.tell + s.ask: return self.ask_anything(at)
        if t < s.tell + s.ask + .02: return self.greet()
        if r.random() < .012 and len(self.facts) < s.most:
            noun = r.choice(w.RELATIVES if r.random() < .75 else w.PEOPLE)
            if not self.clashes(("called", noun, f.ME)):
                self.have, self.last = noun, None
                message = sentence(_HAVE.draw(r).replace("{n}", noun))
                message = re.sub(r"\ba (?=[aeiou])", "an ", message)
                if message.startswith("Did") or message.endswith("I."): message = message[:-1] + "?"
                return self.style_message(message, (noun,)), f"What is your {noun} called?", ACK
        message, reply = small_talk.exchange(r)
        self.last = None
        if r.random() < s.sloppy * .5: message = sloppy(message).lower()
        return self.style_message(message, (message,)), reply, TALK

    def name_of(self, noun, at):
        """"His name is Rex", of somebody or a pet the turn before was about."""
        r, key = self.r, ("called", noun, f.ME)
        value = f.draw_value(r, key)
        he, his, him = f.pronoun_of(r, noun)
        text = _THEN.draw(r).replace("{he}", he).replace("{his}", his).replace("{him}", him).replace("{v}", value)
        if r.random() < .12: text = f.say(r, key, value)
        elif r.random() < .15: text = r.choice(("Oh, ", "And ", "By the way, ", "Well, ", "Yes, ")) + lower_first(text)
        self.last = key
        text = sentence(text, r.choice((".", ".", ".", "", "!")))
        if r.random() < self.style.sloppy * .5: text, value = text.lower(), value.lower()
        return self.style_message(text, (value,)), sentence("Got it: " + self.learn(key, value, at)), ACK

    def pronoun(self, who):
        if who not in self.genders: self.genders[who] = f.pronoun_of(self.r, who)
        return self.genders[who]

    def more_of(self, who, at):
        """Another fact about the one the turn before was about, told or asked with a pronoun."""
        r = self.r
        if r.random() < .5:
            key = f.draw_key(r, who)
            if key[0] in _IN_A_ROW and not self.clashes(key) and len(self.facts) < self.style.most:
                value = f.draw_value(r, key)
                text = sentence(f.say(r, key, value, None, self.pronoun(who)))
                self.last, self.focus = key, who
                return self.style_message(text, (value, who)), sentence("Got it: " + self.learn(key, value, at)), ACK
        known = [k for k in self.facts if k[2] == who and k[0] in _IN_A_ROW]
        key = r.choice(known) if known and r.random() < .6 else f.draw_key(r, who)
        if key[0] not in _IN_A_ROW or key not in self.facts and self.clashes(key): return None
        q = f.question(r, key, key in self.facts, self.pronoun(who))
        if r.random() < .4: q = r.choice(("and ", "and ", "so ", "okay, ", "hm, ")) + q
        return self.answer_to(key, at, self.finish(q, (who, key[1]), bare=True), self.reply_to([key]))

    def answer_to(self, key, at, message, reply):
        self.last = None
        self.about = ("not told" if key not in self.facts else "changed" if key in self.changed else "told", at - self.seen.get(key, at))
        if key in self.facts: self.seen[key] = at
        else: self.offered = key
        self.focus = key[2] if key[2] != f.ME else None
        return message, reply, ANSWER

    def greet(self):
        r = self.r
        self.last = None
        name = next((v for k, v in self.facts.items() if k[0] == "name"), None)
        self.about = ("greeting", 0)
        message = r.choice(small_talk.GREETINGS) + r.choice(("", ".", "!", "!"))
        if r.random() < .4: message = message.lower()
        if name: return message, f"Hello, {name}!", ACK
        self.asked_name = True
        return message, "Hello! What's your name?", TALK

    def tell(self, at, after_greeting=False):
        r, s = self.r, self.style
        lower = r.random() < s.sloppy * .6
        case = (lambda x: x.lower()) if lower else (lambda x: x)
        known = list(self.facts)
        if self.last and self.last in self.facts and r.random() < .15: return self.fix(at, lower)
        n = 1 if after_greeting else r.choice((1, 1, 1, 1, 1, 2, 2, 3))
        clauses, acks, keep, keys = [], [], [], []
        changes = 0
        if not after_greeting and r.random() < .07 and len(self.facts) + 4 <= s.most:
            done = self.intro(at, lower)
            if done: return done
        same = self.subject() if r.random() < .5 else None  # several facts about one person
        gender = r.choice((f.SHE, f.HE)) if same else None
        for word, g in (("sister", f.SHE), ("mother", f.SHE), ("daughter", f.SHE), ("wife", f.SHE), ("brother", f.HE), ("father", f.HE), ("son", f.HE), ("husband", f.HE), ("uncle", f.HE), ("aunt", f.SHE)):
            if same and same.endswith(word): gender = g
        introduced = None
        for _ in range(n):
            full = len(self.facts) >= s.most
            if known and (full or r.random() < .18) and not after_greeting:
                key = r.choice(known)
                if key in keys: continue
                old = self.facts[key]
                value = case(f.draw_value(r, key))
                if value.lower() == old.lower(): continue
                restated = r.random() < .12
                if restated: value = old
                text = case(f.say(r, key, value, None if restated or r.random() < .25 else old))
                c = f.answer(key, value) + ("" if restated else " now")
                changes += not restated
            else:
                key = ("name", "", f.ME) if after_greeting or (not known and r.random() < .35) else f.draw_key(r, same or self.subject())
                key = (key[0], key[1], case(key[2]) if key[2] != f.ME else f.ME)
                if self.clashes(key) or key in keys or full: continue
                value = case(f.draw_value(r, key))
                again = any(k[2] == key[2] for k in keys) and key[2] != f.ME
                text = f.say(r, key, value, None, gender if again and same and r.random() < .6 else None)
                who = key[2]
                if who.startswith("my ") and text.startswith(who + " ") and not introduced and n < 3 and ("called", who[3:], f.ME) not in self.facts and len(self.facts) + 2 <= s.most and r.random() < .3:
                    name = case(w.person(r))  # "my brother Theo lives in Rome"
                    if not (text + " ").startswith(who + " " + name):
                        introduced = (("called", who[3:], f.ME), name)
                        text = r.choice((who + " " + name, who + " " + name, who + ", " + name + ",", name + ", " + who + ",")) + text[len(who):]
                if who == f.ME and r.random() < .12 and n == 1 and key[0] in ("home", "travel", "employer", "job", "origin", "hobby", "plays", "reads") and text.endswith(value) and text.startswith("I") and len(self.facts) + 2 <= s.most:
                    noun = r.choice(w.RELATIVES if r.random() < .8 else w.PETS)
                    if not self.clashes(("called", noun, f.ME)):
                        name = case(f.draw_value(r, ("called", noun, f.ME)))
                        introduced = (("called", noun, f.ME), name)
                        text += r.choices([x for x, _ in WITH], [p for _, p in WITH])[0].replace("{n}", noun).replace("{v}", name)
                elif r.random() < .08 and text.endswith(value): text += " " + r.choice(LATER)
                if r.random() < .015 and text.endswith(value) and key[0] not in ("many",):
                    wrong, value = value, case(f.draw_value(r, key))
                    text += r.choice((", no, {v}", ", no wait, {v}", ", I mean {v}", ", sorry, {v}", ", or rather {v}")).replace("{v}", value)
                    keep.append(wrong)
                if key[2] not in (f.ME,) and not key[2].startswith("my ") and r.random() < .35:
                    text = text.replace(key[2], r.choice(FRIEND).replace("{n}", key[2]), 1)
                text = case(text)
                c = f.answer(key, value)
            if self.facts.get(key, value) != value:
                self.changed.add(key)
                self.old[key] = self.facts[key]
            self.facts[key], self.seen[key] = value, at
            clauses.append(text); acks.append(c); keep += [value, key[2]]; keys.append(key)
            if introduced and introduced[0] not in keys:
                k2, v2 = introduced
                self.facts[k2], self.seen[k2] = v2, at
                if key[2] != f.ME: self.names[key[2]] = v2
                acks.append(f.answer(k2, v2)); keep.append(v2); keys.append(k2)
        if not clauses:
            self.last = None
            message, reply = small_talk.exchange(r)
            return message, reply, TALK
        if after_greeting and r.random() < .6:
            message = r.choice(("{v}", "It's {v}", "{v}, and you?", "I'm {v}", "my name is {v}", "{v} is my name", "it's {v}", "You can call me {v}")).replace("{v}", value)
            message = sentence(message, r.choice((".", "", ".")))
        elif len(clauses) == 1:
            t = clauses[0]
            if changes and r.random() < .55: p = r.choice(CHANGE)
            elif r.random() < .3: p = r.choice(PREFIX)
            else: p = ""
            if not p and r.random() < .14: p = _FRONT.draw(r).strip() + " "
            if p.endswith(("that ", "that")) and (". " in t or "? " in t or ": " in t) or _CORRECTS.match(t): p = ""
            if p.endswith("that ") and t.startswith(("remember", "keep", "write", "note", "call", "please", "use", "don't", "save")): p = ""
            message = p + lower_first(t) if p else t
            if not p and r.random() < .04 and key[0] not in ("name", "pet", "kids", "age") and f.noun_phrase(r, key) and not introduced and not changes:
                message = f.noun_phrase(r, key) + r.choice((": ", "? ", " = ", "? That's ", "? It's ", ", that's ", "... ", " - ")) + value
                if r.random() < .3: message = value + r.choice((", that's ", " is ", ", this is ", ": ")) + f.noun_phrase(r, key)
            if r.random() < .04 and key[0] not in ("many", "age", "kids", "spot", "event", "parked") and message.count(value) == 1:
                q = r.choice(('"', '"', "'", "*"))
                message = message.replace(value, q + value + q)
            if r.random() < .35: message += r.choice(SUFFIX)
            if r.random() < .08: message += r.choice((" and ", ", and ", ". ", ", ", " because ")) + r.choice(FILLER)
            elif r.random() < .12: message += chatter(r)
            elif r.random() < .1: message = small_talk.statement(r)[0] + " " + sentence(message)
            message = sentence(message, r.choice(".........!")) if not lower else message + r.choice((".", "", ""))
        elif r.random() < .35:
            message = " ".join(sentence(c) for c in clauses)
        else:
            message = clauses[0]
            for i, t in enumerate(clauses[1:]):
                j = r.choice((", and ", ", and ", " but ", "; ", " while ", ", also ", ", plus ", ". Also, ", ", ")) if r.random() < .35 else ", " if i + 2 < len(clauses) or r.random() < .15 else " and "
                t = lower_first(t)
                start = "I " if keys[i + 1][2] == f.ME else keys[i + 1][2] + " "
                if j == " and " and t.startswith(start) and clauses[i].startswith(start) and r.random() < .6: t = t[len(start):]
                message += j + t
            if r.random() < .2: message = r.choice(PREFIX) + lower_first(message)
            message = sentence(message)
        if lower: message = message.lower()
        if lower and r.random() < .25: message = sloppy(message, r, [x.lower() for x in keep])
        message = self.style_message(message, keep)
        if not lower and r.random() < .012 and all(f.FAMILY[k[0]] and k not in known for k in keys):  # SHOUTED
            for k in keys: self.facts[k] = self.facts[k].upper()
            message, acks = message.upper(), [f.answer(k, self.facts[k]) for k in keys]
            value = self.facts[keys[-1]]
        for key in keys:
            for _ in range(r.choice((1, 1, 2))): self.plan(key, at)
        self.last = keys[-1] if len(keys) == 1 else None
        if len(keys) == 1 and keys[0][2] != f.ME and not introduced: self.focus = keys[0][2]
        if r.random() < .07 and len(keys) == 1 and message[-1:] == ".": message, acks = message + " " + sentence(small_talk.statement(r)[0]), acks
        name = [k for k in keys if k[0] == "name"]
        if r.random() < s.plain and not after_greeting: return message, r.choice(PLAIN_ACKS), NOTED
        if name and not changes and len(keys) == 1: return message, f"Nice to meet you, {value}.", ACK
        return message, sentence("Got it: " + join(acks)), ACK

    def learn(self, key, value, at):
        self.facts[key], self.seen[key] = value, at
        for _ in range(self.r.choice((1, 1, 2))): self.plan(key, at)
        return f.answer(key, value)

    def intro(self, at, lower):
        """Several facts in one breath."""
        r = self.r
        families, forms = r.choice(INTROS)
        keys = [(x, "", f.ME) for x in families]
        if any(self.clashes(k) for k in keys): return None
        values = [f.draw_value(r, k) for k in keys]
        if lower: values = [v.lower() for v in values]
        text = f._article(r.choice(forms), "").replace(" a {", " {a}{")
        for i, v in enumerate(values): text = text.replace("{a}{%d}" % i, ("an " if v[:1].lower() in "aeio" else "a ") + v).replace("{%d}" % i, v)
        if r.random() < .25: text = r.choice(("Hi! ", "Hello, ", "Hey, ", "Hi there! ", "So, ", "About me: ", "Well, ", "Good evening, ")) + lower_first(text)
        text = sentence(text)
        if lower: text = text.lower()
        reply = sentence("Got it: " + join([self.learn(k, v, at) for k, v in zip(keys, values)]))
        self.last = None
        return self.style_message(text, values), reply, ACK

    def reply_with(self, key, at):
        """The fact that the assistant just said it was never told."""
        r = self.r
        value = f.draw_value(r, key)
        text = f.say(r, key, value) if r.random() < .4 else r.choice(("{v}", "It's {v}", "it's {v}", "Well, it's {v}", "Right, it's {v}", "That would be {v}", "Then listen: {v}", "Oh, {v}", "Okay, it's {v}", "The answer is {v}", "Sorry, it's {v}", "True. It's {v}", "You're right, it's {v}")).replace("{v}", value)
        self.last = key
        return sentence(text, r.choice((".", ".", ""))), sentence("Got it: " + self.learn(key, value, at)), ACK

    def fix(self, at, lower):
        """"Sorry, I meant Paris": the fact of the turn before, corrected."""
        r, key = self.r, self.last
        old = self.facts[key]
        value = f.draw_value(r, key)
        if lower: value = value.lower()
        self.facts[key], self.seen[key] = value, at
        self.changed.add(key)
        self.last = None
        self.plan(key, at)
        message = f.expand(r, r.choice(FIX)).replace("{v}", value).replace("{old}", old)
        message = message if lower else sentence(message)
        return message, sentence("Got it: " + f.answer(key, value) + " now"), ACK

    def phrase(self, key):
        """(a question, the thing asked for as a phrase)"""
        r = self.r
        t = r.random()
        np = f.noun_phrase(r, key)
        if t < .5: q = f.question(r, key, key in self.facts)
        elif t < .76 and np: q = _ASK_NP.draw(r).replace("{x}", np)
        else: q = _ASK_CLAUSE.draw(r).replace("{x}", f.clause(r, key))
        if key[0] == "favourite" and r.random() < .4: q = q.replace("favourite", "favorite")
        return q

    def finish(self, q, keep, bare=False):
        r = self.r
        if not bare and r.random() < .24: q = (r.choice(ASK_PREFIX) if r.random() < .4 else r.choice(phrasings.ASK_BEFORE)) + lower_first(q)
        if r.random() < .07 and q[-1] not in ".?!" and ", " not in q and "? " not in q: q += r.choice(phrasings.ASK_TAIL)
        plain = q.startswith(("tell", "remind", "say ", "give", "name ", "write", "please", "let me", "I ", "I'd", "guess")) and not _OPEN.match(q)
        if _WANTS.match(q): plain = True
        q = sentence(q, r.choice("....!") if plain and r.random() < .8 else "?")
        if r.random() < self.style.sloppy * .6: q = q.lower() if r.random() < .5 else sloppy(q.lower(), r, [x.lower() for x in keep])
        elif r.random() < .008: return q.upper()
        elif r.random() < .06: q = small_talk.statement(r)[0] + " " + q
        elif q[-1] == "?" and r.random() < .05: q = q[:-1] + r.choice(("", "", "??", "?!", "."))
        return self.style_message(q, keep)

    def reply_to(self, keys):
        told = [f.answer(k, self.facts[k]) for k in keys if k in self.facts]
        not_told = [f.missing(k) for k in keys if k not in self.facts]
        if not not_told: return sentence(join(told))
        no = "you haven't told me " + " or ".join(not_told)
        return sentence(", but ".join([join(told), no]) if told else no)

    def ask(self, key, at):
        r = self.r
        self.last = None
        family, noun, who = key
        kind = "not told" if key not in self.facts else "changed" if key in self.changed else "told"
        self.about = (kind, at - self.seen.get(key, at))
        if key in self.facts: self.seen[key] = at
        if key not in self.facts: self.offered = key
        t = r.random()
        if t < .3 and who in self.names and key in self.facts and r.random() < .5:  # by the name instead of "my brother"
            q = self.phrase((family, noun, self.names[who]))
            return self.finish(q, (self.names[who],)), self.reply_to([key]), ANSWER
        if t < .1:  # is it true?
            value = self.facts.get(key)
            said = value if value and r.random() < .5 else f.draw_value(r, key)
            if key in self.changed and value and said != value and r.random() < .3: said = self.old.get(key, said)
            right = value and said.lower() == value.lower()
            q = f.check(r, key, said) if r.random() < .65 else None
            if q and value and not right and r.random() < .3 and q.endswith(said):  # this or that?
                q, right = r.choice((q + " or " + value, q[:-len(said)] + value + " or " + said)), None
                if key[0] in ("job", "drives", "pet", "wants"): q = q.replace(" or ", " or " + ("an " if q[q.index(" or ") + 4:][:1].lower() in "aeio" else "a "), 1) if q.count(" or ") == 1 else q
            asks = bool(q)
            if not q:
                form = r.choice(phrasings.CHECK)
                asks, q = form not in ("{x}", "so {x}"), form.replace("{x}", f.plain(r, key, said))
            a = self.reply_to([key])
            if value and right is not None: a = ("Yes, " if right else "No, ") + f.answer(key, value) + "."
            return self.answer_to(key, at, self.finish(q, (said, who, value or "")) if asks else sentence(q, "?"), a)
        if t < .09 and family == "called" and key in self.facts and sum(v == self.facts[key] for v in self.facts.values()) == 1:
            v = self.facts[key]
            q = r.choice((f"who is {v}", f"who's {v}", f"do you know {v}", f"do you remember who {v} is", f"who was {v} again", f"tell me who {v} is"))
            return self.finish(q, (v,)), f"{v[0].upper() + v[1:]} is {f.Subject(who).Your} {noun}.", ANSWER
        if t < .15:  # two at once
            other = r.choice(list(self.facts)) if self.facts and r.random() < .7 else self.unknown(r)
            if other != key:
                a, b = (f.noun_phrase(r, k) if r.random() < .5 and f.noun_phrase(r, k) else f.clause(r, k) for k in (key, other))
                q = r.choice(("do you remember {a} and {b}", "do you know {a} and {b}", "can you tell me {a} and {b}", "tell me {a} and {b}", "could you remind me of {a} and {b}")).replace("{a}", a).replace("{b}", b)
                if r.random() < .4: q = f.question(r, key) + " and " + f.question(r, other)
                return self.finish(q, ()), self.reply_to([key, other]), ANSWER
        self.focus = who if who != f.ME else None
        return self.finish(self.phrase(key), (who, noun)), self.reply_to([key]), ANSWER

    def ask_anything(self, at):
        r = self.r
        t = r.random()
        if t < .06 and len(self.facts) < 4:
            q = r.choice(("what do you know about me", "what have I told you", "what did I tell you", "what do you remember about me", "tell me everything you know about me", "do you know anything about me", "what do you know", "sum up what you know"))
            a = sentence(join([f.answer(k, v) for k, v in self.facts.items()])) if self.facts else "You haven't told me anything yet."
            self.last = None
            self.about = ("summary", 0)
            return self.finish(q, ()), a, ANSWER
        if t < .14:
            self.last, self.about = None, ("not told", 0)
            if r.random() < .3:
                name = w.person(r)
                if not any(name in v for v in self.facts.values()) and not any(name in k[2] for k in self.facts) and name not in self.names.values():
                    return self.finish(r.choice(phrasings.WHO_IS).replace("{x}", name), (name,)), f"You haven't told me who {name} is.", ANSWER
            q = _UNTOLD.draw(r)
            if "{" in q: q = q.replace("{n}", r.choice(w.NOUNS)).replace("{adj}", r.choice(w.ADJECTIVES)).replace("{name}", w.person(r))
            return self.finish(q, ()), "You haven't told me that.", ANSWER
        if self.facts and t < (.55 if s_short(self.style) else .22): return self.ask(r.choice(list(self.facts)), at)
        return self.ask(self.unknown(r), at)


def render(message, reply):
    """The text of one exchange, as the message's part and the reply's part."""
    return f"User: {message}\n\nAssistant:", f" {reply}\n\n"
