"""What a person can tell about themselves and others, in many phrasings.

A fact is (family, noun, subject) -> value: ("called", "dog", ME) -> "Rex"; ("home", "", "Tom") -> "Oslo".
Phrasings are templates:

    {I} {me} {my}     the subject as the user names it:    I / me / my,   my sister / my sister's,   Tom / Tom's
    {You} {Your}      the same as the assistant names it:  you / your,    your sister / your sister's, Tom / Tom's
    {n} {v} {old}     the noun of the family, the value, the value before a change
    live|lives        left for the user and "you", right for anybody else
    !...              only for the user;  ~... only for others
    [a/b/]            one of a, b or nothing; phrasings.py has many more phrasings of this kind
    {he} {his} {him}  fit the noun of the family, {it} {them} the thing or things

`answer` is the one fixed form in which the assistant says the fact; `missing` completes "You haven't told me ...".
`np` and `clause` are what questions can be built around ("Do you remember {np}?", "Can you tell me {clause}?").
"""
import functools
import re

import phrasings
import words as w

ME = "me"


class Choices:
    """Templates of one kind; one that stands for many phrasings is drawn more often."""

    def __init__(self, templates, named=False):
        self.templates, self.named, self.cumulative, total = templates, named, [], 0.
        for t in templates:
            total += min(8., phrasing_count(t) ** .5)
            self.cumulative.append(total)

    def draw(self, r):
        while self.templates:
            text = expand(r, r.choices(self.templates, cum_weights=self.cumulative)[0])
            if not self.named or "{I}" in text or "{my}" in text or "{me}" in text: return text


_ONE_OF = re.compile(r"\[([^\[\]]*)\]")


@functools.lru_cache(None)
def _parts(template):
    """Fixed text and lists of alternatives, in turns."""
    return [x.split("/") if i % 2 else x for i, x in enumerate(_ONE_OF.split(template))]


def phrasing_count(template):
    n = 1
    for x in _parts(template)[1::2]: n *= len(x)
    return n


def expand(r, template):
    """One phrasing of a template."""
    if "[" not in template: return template
    parts = _parts(template)
    text = "".join(r.choice(x) if i % 2 else x for i, x in enumerate(parts))
    while "  " in text: text = text.replace("  ", " ")
    return text.replace(" ,", ",").replace(" '", "'").strip()


class Family:
    def __init__(self, name, value, say, answer, missing, ask=(), np=(), clause=(), change=(), nouns=("",), weight=1.0):
        split = lambda s: [x.strip() for x in s.split(";") if x.strip()] if isinstance(s, str) else list(s)
        self.name, self.value, self.answer, self.missing = name, value, answer, missing
        self.say, self.ask, self.np, self.clause, self.change = map(split, (say, ask, np, clause, change))
        self.nouns, self.weight = list(nouns), weight
        more, self.choices = phrasings.MORE.get(name, {}), {}
        for key in ("say", "ask", "np", "clause", "change", "check", "pet", "person", "ask_pet", "ask_person"):
            lines = getattr(self, key, []) + [x for x in more.get(key, "").split("\n") if x]
            for me in (True, False):
                found = [t.lstrip("!~") for t in lines if not t.startswith("~" if me else "!") and (me or "{I}" in t or "{my}" in t or "{me}" in t)]
                self.choices[key, me] = Choices(found, named=not me)


def _value_of_favourite(x):
    table = {"colour": w.maybe(w.COLORS, .1), "food": w.maybe(w.FOODS, .3, w.FOOD_TAIL), "drink": w.maybe(w.DRINKS, .35, w.DRINK_TAIL), "animal": w.maybe(w.ANIMALS),
             "city": w.city, "country": w.country, "sport": w.maybe(w.SPORTS), "season": w.maybe(w.SEASONS, .05),
             "month": w.maybe(w.MONTHS, .03), "day": w.maybe(w.DAYS, .03), "flower": w.maybe(w.FLOWERS), "fruit": w.maybe(w.FRUITS),
             "vegetable": w.maybe(w.VEGETABLES), "instrument": w.maybe(w.INSTRUMENTS), "subject": w.maybe(w.SUBJECTS), "metal": w.maybe(w.METALS),
             "music": w.maybe(w.GENRES), "hobby": w.maybe(w.HOBBIES), "language": w.maybe(w.LANGUAGES), "number": w.number, "letter":
             lambda r: r.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), "book": w.title, "film": w.title, "movie": w.title, "song": w.title, "game": w.title,
             "car": w.maybe(w.CARS), "dish": w.maybe(w.FOODS, .3, w.FOOD_TAIL), "dessert": w.maybe(w.FOODS, .3, w.FOOD_TAIL), "snack": w.maybe(w.FOODS, .3, w.FOOD_TAIL), "planet":
             w.maybe("Mercury Venus Mars Jupiter Saturn Uranus Neptune Earth Pluto".split(), .1)}
    for nouns, known in ((("film", "movie"), w.FILMS), (("book",), w.BOOKS), (("band",), w.BANDS), (("writer", "author", "poet"), w.WRITERS), (("singer", "composer"), w.SINGERS)):
        if x in nouns: return lambda r: r.choice(known) if r.random() < .3 else w.title(r) if r.random() < (.9 if known in (w.FILMS, w.BOOKS) else .15 if known is w.BANDS else 0) else w.full_name(r) if r.random() < .7 else w.invented(r).capitalize()
    return table.get(x, lambda r: w.invented(r).capitalize() if r.random() < .6 else w.person(r))


FAVOURITES = """colour food drink animal city country sport season month day flower fruit vegetable instrument subject metal music hobby
language number letter book film movie song game car dish dessert snack planet singer band actor writer author painter team player
teacher poet brand shop restaurant place island river tree toy bird perfume cheese tea band composer hero word comedian show""".split()
_FAVOURITE_VALUES = {x: _value_of_favourite(x) for x in FAVOURITES}
IS_NAMES = """last name;surname;family name;nickname;middle name;maiden name;user name;username;home town;hometown;star sign;blood type;
pet name;stage name;pen name;code name;email address;new boss;new teacher;best subject;team name;project;password hint;motto;call sign;
street;neighbourhood;school;favourite;plan;goal;dream;middle initial;ex;crush;hero;idol;size;model;type;screen name;gamer tag;title;diet;
religion;native language;mother tongue;first language;seat;terminal;destination;major;rank;score;record;budget;rent;salary;weight""".replace("\n", "").split(";")
_IS_VALUES = {"home town": w.city, "hometown": w.city, "star sign": w.maybe("Aries Taurus Gemini Cancer Leo Virgo Libra Scorpio Sagittarius Capricorn Aquarius Pisces".split(), .05),
              "blood type": lambda r: r.choice("A B AB O".split()) + r.choice((" positive", " negative", "+", "-")), "native language": w.maybe(w.LANGUAGES),
              "mother tongue": w.maybe(w.LANGUAGES), "first language": w.maybe(w.LANGUAGES), "major": w.maybe(w.SUBJECTS), "best subject": w.maybe(w.SUBJECTS),
              "destination": w.city, "email address": lambda r: w.invented(r) + "@" + w.invented(r) + r.choice((".com", ".org", ".net")),
              **{x: w.number for x in "size rank score record budget rent salary weight".split()}, "seat": lambda r: str(r.randrange(1, 60)) + r.choice("ABCDEF")}
PEOPLE = w.RELATIVES * 2 + w.PEOPLE


def _value(family, noun, r):
    if family == "favourite": return _FAVOURITE_VALUES[noun](r)
    if family == "many": return w.names(r, w.pet_name if noun in w.PETS_MANY else w.person)
    if family == "is": return _IS_VALUES.get(noun, lambda r: w.word(r) if r.random() < .4 else w.invented(r).capitalize())(r)
    return None


F = Family
FAMILIES = [
    F("name", w.full_name,
      """!my name is {v}; !my name's {v}; !I'm {v}; !I am {v}; !call me {v}; !people call me {v}; !you can call me {v}; !they call me {v}; !this is {v};
      !my friends call me {v}; !I go by {v}; !the name's {v}; !the name is {v}; !everyone calls me {v}; !I was named {v}; !my parents named me {v};
      !I am called {v}; !I'm called {v}; !you are talking to {v}; !{v} is my name; !my first name is {v}; !my full name is {v}; !please call me {v};
      !you may call me {v}; !{v} here; !it's {v}; !I'm known as {v}; !you're speaking with {v}; !the name I go by is {v}; !I answer to {v}; !mum named me {v}; !most people know me as {v}; !it's {v} here; !{v} speaking; !I introduce myself: {v}; !on paper I'm {v}; !folks call me {v}; !my given name is {v}; !I usually go by {v}; !feel free to call me {v}; !just call me {v}; !I got the name {v} from my grandfather; !let me introduce myself, I'm {v}; !everybody calls me {v}; !I'm the famous {v}; !you can simply say {v}; !I'm called {v} by my friends; !my name happens to be {v}; !the person talking to you is {v}; !you've got {v} on the line; !sincerely, {v}, that's my name; !do say {v} to me; !on my door it says {v}, that's my name; !my teachers called me {v}; !please remember my name, {v}; !{v} is what people call me; !{v} is who I am; !I bear the name {v}""",
      "{Your} name is {v}", "{Your} name",
      "!what is my name; !what's my name; !who am I; !what am I called; !what do people call me; !what should you call me; !what's my first name; !whats my name; !what do my friends call me; !who are you talking to; !which name do I go by; !how am I called; !what name did I give you; !what is it that people call me; !how should you address me; !could you use my name; !how do you call me; !what's my given name; !who is talking to you; !who are you chatting with; !who is this; !under what name do you know me; !can you say my name; !by what name should you call me",
      "!my name; !my first name; !my own name", "!who I am; !what my name is; !what I'm called; !what I am called; !what to call me; !what people call me",
      "!I changed my name to {v}; !call me {v} from now on; !my name is {v}, not {old}; !my name isn't {old}, it's {v}; !I go by {v} now; !my new name is {v}; !my name is now {v}; !don't call me {old}, call me {v}; !I'd rather be called {v}; !please use {v} instead of {old}; !I'm {v} now; !from today my name is {v}; !forget {old}, I'm {v}; !I prefer to be called {v}; !it's not {old}, it's {v}", weight=6),
    F("home", w.city,
      """{I} live|lives in {v}; {my} home is in {v}; {I} am|is living in {v}; !I'm based in {v}; !my house is in {v}; !I live in a small flat in {v}; ~{I} has a house in {v};
      !I have lived in {v} for years; {I} currently live|lives in {v}; !home for me is {v}; !my flat is in {v}; !I reside in {v}; !I've been living in {v} for a while;
      {I} live|lives in the city of {v}; !the city I live in is {v}; !{v} is where I live; !{v} is my home; !we live in {v}; !I live near the centre of {v}; {I} live|lives over in {v}; !my city is {v}; !I settled in {v}; !I'm staying in {v}; !my place is in {v}; !I rent a flat in {v}; !I own a house in {v}; !I call {v} home; !I've made {v} my home; !these days I live in {v}; !I share a flat in {v}; !my apartment is in {v}; !I'm a resident of {v}; !I'm currently living in {v}; !I live right in {v}; !I live all alone in {v}; !at the moment I live in {v}; !I live just outside {v}; !I bought a house in {v}; {I} live|lives in beautiful {v}; !I found a flat in {v}; !I've settled down in {v}; !we have a house in {v}; !our family lives in {v}; !I sleep, eat and work in {v}; ~{I} is based in {v}; ~{I} has settled in {v}; ~home for {me} is {v}; !my flat is in the heart of {v}; !I'm at home in {v}; !{v} has been my home for years; !you'll find me in {v}, I live there; !the place where I live is {v}; !I wake up in {v} every day, I live there; !I have my flat in {v}; !my home is a small house in {v}; !my street is in {v}; !life is good in {v}, where I live; !I ended up living in {v}; !after many years in {y} I live in {v}""",
      "{You} live|lives in {v}", "where {You} live|lives",
      "where do|does {I} live; in which city do|does {I} live; what city do|does {I} live in; !what's my city; !where is my home; ~where is {my} home; !where am I based; which town do|does {I} live in; !where is my house; where am|is {I} living; what city am|is {I} in; !where's my home; !where do I reside; !what place do I call home; !in what town do I live; !where do I have my flat; !where's my house; !what city do I call home; ~which city does {I} live in; ~where is {I} based; !where on earth do I live; !which city am I in; !where are we living; !where do we live",
      "!my city; !my home; !the city I live in; ~{my} city; ~{my} home", "where {I} live|lives; which city {I} live|lives in; !where my home is; where {I} am|is living; !where I'm based",
      "{I} moved to {v}; !I've moved to {v}; !we moved to {v}; !I left {old} and live in {v} now; {I} live|lives in {v} now; !I don't live in {old} anymore, I live in {v}; ~{I} has moved to {v}; !I relocated to {v}; !I just moved to {v}; {I} moved from {old} to {v}; !my new home is in {v}; !I now live in {v}; !we're in {v} now; !I've relocated to {v}; !I'm living in {v} these days; !I have a new home in {v}; !I live in {v} instead of {old}; !I packed up and went to live in {v}; !I no longer live in {old} but in {v}; !we left {old} for {v}; ~{I} lives in {v} these days; ~{I} left {old} for {v}; !I ended up moving to {v}; !we bought a house in {v} and left {old}; !after {old} I moved on to {v}; !I said goodbye to {old} and moved to {v}", weight=5),
    F("origin", w.country,
      "{I} come|comes from {v}; {I} am|is from {v}; !I'm from {v}; {I} was|was born in {v}; {I} grew up in {v}; !I'm originally from {v}; !my home country is {v}; !I was born and raised in {v}; !my family is from {v}; !I was raised in {v}; !I spent my childhood in {v}; !my roots are in {v}; !I hail from {v}; !I was brought up in {v}; ~{I} was raised in {v}; !my birthplace is {v}; !as a child I lived in {v}; !my parents raised me in {v}; ~{I} originally comes from {v}",
      "{You} come|comes from {v}", "where {You} come|comes from",
      "where am|is {I} from; where do|does {I} come from; what country am|is {I} from; where was {I} born; where did {I} grow up; which country do|does {I} come from; where was {I} raised; where did {I} spend {my} childhood; what is {my} birthplace; where are|are {my} roots; what's {my} home country",
      "!my home country; !my country; !my birthplace", "where {I} am|is from; where {I} come|comes from; where {I} grew up; where {I} was born",
      "{I} actually come|comes from {v}; !I'm really from {v}, not {old}", weight=2),
    F("job", w.maybe(w.JOBS, .3, w.JOB_TAIL),
      "{I} work|works as a {v}; {I} am|is a {v}; !I'm a {v}; {my} job is {v}; !I'm a {v} by profession; !I make my living as a {v}; !I earn my money as a {v}; {I} am|is working as a {v}; !my profession is {v}; !by day I'm a {v}; !I've been a {v} for years; !I was trained as a {v}; !I am employed as a {v}; !for a living I'm a {v}; !they pay me to be a {v}; !I'm employed as a {v}; !my day job is {v}; !professionally I'm a {v}; !I found work as a {v}; !I've been working as a {v} for ages; !they hired me as a {v}; !I work full time as a {v}; !I work part time as a {v}; ~{I} earns money as a {v}; ~{I} has been a {v} for years; !I serve as a {v}; !I used to study, now I'm a {v}; !I'm a {v} at a small company; !I'm a proud {v}; !I trained to be a {v}; !I'm a professional {v}; !as a {v} I work a lot; !being a {v} is my job; ~{I} is a trained {v}; !for work I'm a {v}; !I spend my days working as a {v}; !my work is being a {v}; !I get paid as a {v}; !I'm a {v} these days; !I've got a job as a {v}; !in my job as a {v} I meet many people; !I'm a {adj} {v}; !a {v}, that's what I am; !since school I've been a {v}",
      "{You} work|works as a {v}", "what {You} do|does for work",
      "what do|does {I} do for a living; what is {my} job; what's {my} job; what do|does {I} work as; what do|does {I} do; what is {my} profession; what kind of work do|does {I} do; what do|does {I} do for work; what's {my} occupation; how do|does {I} earn money; what is it {I} do|does all day; what kind of job do|does {I} have; what's {my} line of work; what's {my} profession; how do|does {I} make a living; what sort of work do|does {I} do; what am|is {I} by profession; what job do|does {I} have; what line of work am|is {I} in",
      "{my} job; {my} profession; {my} occupation; what {I} do|does", "what {I} do|does for a living; what {my} job is; what {I} work|works as; what kind of job {I} have|has; what {I} do|does for work",
      "{I} now work|works as a {v}; {my} new job is {v}; !I got a new job as a {v}; !I quit, now I'm a {v}; !I changed jobs, I'm a {v} now; {I} became a {v}; !I'm no longer a {old}, I'm a {v}; {I} am|is a {v} now; ~{I} got a new job as a {v}; !I switched careers and became a {v}", weight=4),
    F("employer", w.company,
      "{I} work|works at {v}; {I} work|works for {v}; !I'm employed at {v}; {my} employer is {v}; !the company I work for is {v}; !my company is {v}; !I have a job at {v}; !I've been at {v} for years; !I got a job at {v}; !I earn my money at {v}; !I do shifts at {v}; ~{I} has a job at {v}; !I'm with {v}; !my workplace is {v}; !I work in the office of {v}",
      "{You} work|works at {v}", "where {You} work|works",
      "where do|does {I} work; who do|does {I} work for; what company do|does {I} work for; who is {my} employer; which company do|does {I} work at",
      "{my} employer; {my} workplace; !my company", "where {I} work|works; who {I} work|works for; which company {I} work|works for",
      "{I} work|works at {v} now; !I left {old} and joined {v}; {I} started working for {v}; !I moved to a new company, {v}; {my} new employer is {v}; !I switched from {old} to {v}; !{v} hired me, so I left {old}; !I don't work at {old} anymore but at {v}; !I had enough of {old} and went to {v}; !I signed a contract with {v}, that's where I work now", weight=2),
    F("age", w.age,
      "{I} am|is {v} years old; !I'm {v}; !I'm {v} years old; {my} age is {v}; !I am {v} years of age; !I just turned {v}; ~{I} is {v}; ~{I} just turned {v}; !I've just turned {v}; !at {v} I feel young; !I'm {v} now; !I celebrated my birthday and am {v}; !I'm already {v}; ~{I} is already {v}; !I'm almost old: {v}; !next to my friends I'm old, {v}; ~{I} has just turned {v}; !my age? {v}; !I've lived for {v} years; !I was born {v} years ago; !I have reached the age of {v}; !soon I won't be {v} anymore, but I still am",
      "{You} are|is {v} years old", "how old {You} are|is",
      "how old am|is {I}; what is {my} age; what's {my} age; how many years old am|is {I}", "{my} age", "how old {I} am|is; what {my} age is",
      "{I} turned {v} today; {I} am|is {v} now; !it was my birthday, I'm {v} now; {I} am|is not {old}, but {v}", weight=2.5),
    F("birthday", w.date,
      "{my} birthday is {v}; {my} birthday is on {v}; {I} was born on {v}; !I celebrate my birthday on {v}; !I have my birthday on {v}",
      "{Your} birthday is {v}", "{Your} birthday",
      "when is {my} birthday; when's {my} birthday; what is {my} birthday; when was {I} born; what day is {my} birthday; when do|does {I} have|have {my} birthday; on which day is {my} birthday",
      "{my} birthday; the date of {my} birthday", "when {my} birthday is; when {I} was born", "{my} birthday is really {v}; {my} birthday is {v}, not {old}", weight=2),
    F("called", None,
      """{my} {n} is called {v}; {my} {n}'s name is {v}; the name of {my} {n} is {v}; {v} is {my} {n}; {my} {n} is named {v}; !I have a {n} called {v}; !I have a {n} named {v};
      !I've got a {n}, {v}; !I have a {n} and the name is {v}; ~{I} has a {n} called {v}; ~{I} has a {n} named {v}; {my} {n} goes by {v}; {v} is the name of {my} {n}; !we call our {n} {v};
      !I call my {n} {v}; !my {n} is {v}; !you should meet my {n} {v}; !my {n} {v} says hello; !this is my {n}, {v}; !I have one {n}: {v}; !I got a {n} last year, named {v}; !our {n} is called {v}; {my} {n}, {v}, is very nice; !I'm talking about my {n} {v}; {my} {n} has the name {v}; !I live with my {n} {v}; !I took my {n} {v} for a walk; !my {n} {v} came along; !I had dinner with my {n} {v}; !my {n} {v} is sleeping next to me; !I'm going to the park with my {n} {v}; !my {n} {v} makes me laugh; !I miss my {n} {v}; !yesterday I was with my {n} {v}; !I spent the weekend with my {n} {v}; !my {n} {v} is here with me; !I get along with my {n} {v}; !I'm proud of my {n} {v}; !my {n} {v} has a cold; !my {n} {v} is sitting on the sofa; !I just talked to my {n} {v}; !my lovely {n} is called {v}; !my {n} {v} is the best; !there's my {n}, {v}; !I bought a present for my {n} {v}; !I named my {n} {v}; !we have a {n}, {v}; !our {n} {v} is tired; !our {n}'s name is {v}; !my dear {n} {v} sends greetings; !{v}, my {n}, is very sweet; !{v}, my {n}, visited me; !I adore my {n} {v}; !I share my home with my {n} {v}; ~{my} {n} {v} is nice; ~{I} went out with {my} {n} {v}; !my {n}, who is called {v}, is funny; !my {n}, whose name is {v}, lives nearby; !the {n} I have is called {v}; !everyone loves my {n} {v}; !I own a {n} by the name of {v}; !my {n} answers to {v}; !people call my {n} {v}; !I have a {n}, and the name is {v}; !we got a {n} and named it {v}; !there's a new {n} in the family called {v}; !the {n} we have is named {v}; !our little {n} {v} is asleep; !my {n} {v} is so curious; !guess what {v}, my {n}, did today; !I'm off to see my {n} {v}; !my {adj} {n} is called {v}; !my {adj} {n} {v} is here; !our {adj} {n} is named {v}; !I have a {adj} {n} called {v}; !when I came home my {n} {v} was waiting; !my {n} {v} ate my lunch""",
      "{Your} {n} is called {v}", "{Your} {n}'s name",
      "what is {my} {n} called; what's {my} {n} called; what is {my} {n}'s name; what's {my} {n}'s name; who is {my} {n}; what is the name of {my} {n}; what's the name of {my} {n}; what's {my} {n} named; what do|does {I} call {my} {n}; which name does {my} {n} have; how is {my} {n} called; what did I say {my} {n}'s name was; !what's the name I gave my {n}; what do people call {my} {n}; !how did I name my {n}; which name did I give {my} {n}; what was {my} {n}'s name; what was {my} {n} called; !what name does my {n} answer to; what was the name of {my} {n}; !do you know my {n}",
      "{my} {n}'s name; the name of {my} {n}", "what {my} {n} is called; what {my} {n}'s name is; who {my} {n} is; what the name of {my} {n} is",
      "{my} {n} is now called {v}; {my} new {n} is called {v}; !I have a new {n}, {v}; {my} {n}'s name is {v}, not {old}; !we renamed our {n} to {v}; {my} {n}'s real name is {v}; the name of {my} {n} is now {v}", weight=9),
    F("favourite", None,
      """{my} favourite {n} is {v}; {v} is {my} favourite {n}; !the {n} I like best is {v}; !the {n} I like most is {v}; {my} favourite {n} has always been {v}; !I like {v} more than any other {n};
      !for me {v} is the best {n}; !I think {v} is the best {n}; ~{I} thinks {v} is the best {n}; {my} preferred {n} is {v}; !when it comes to {n}, I love {v}; !I love {v}, it's my favourite {n}; !nothing beats {v} as a {n}; !no {n} is better than {v}; ~the {n} {I} likes best is {v}; {my} absolute favourite {n} is {v}; !of every {n} I prefer {v}; !as for {n}, I like {v} the most; !I simply love {v}, no other {n} comes close; !if I had to pick a {n}, it would be {v}; !my number one {n} is {v}; !my top {n} is {v}; ~{my} number one {n} is {v}; !the best {n} in the world is {v}; !I'd choose {v} over any {n}; !{v} is the {n} I love most; !{v} is the {n} for me; ~{v} is the {n} {I} loves most; !I've always loved {v} most of every {n}; !my {n} of choice is {v}; !there's no better {n} than {v}; !I'm a big fan of {v}, my favourite {n}; !I adore {v}, best {n} ever; !{v} is by far my favourite {n}; !among {n}s I like {v} best; !nothing compares to {v}, my favourite {n}; !there is nothing like {v}, it's my favourite {n}; !give me {v} any day, my favourite {n}; !I could enjoy {v} every day, it's my favourite {n}; !my favourite {n} must be {v}; !out of every {n} it's {v} that I love; !I guess {v} is my favourite {n}; !I'd say my favourite {n} is {v}; !what a {n} {v} is, my favourite; !{v}, that's the {n} I like best; !{v} is a great {n}, my favourite; ~I think {my} favourite {n} is {v}""",
      "{Your} favourite {n} is {v}", "{Your} favourite {n}",
      "what is {my} favourite {n}; what's {my} favourite {n}; which {n} do|does {I} like best; which {n} do|does {I} like most; what {n} do|does {I} like best; which {n} do|does {I} prefer; which {n} is {my} favourite; what {n} do|does {I} love most; what's the {n} {I} like|likes best; what's {my} number one {n}; !what's my {n} of choice; !which {n} do I love; which {n} would {I} pick; !what {n} did I say I like; what's {my} top {n}; !what is the {n} I like best; which {n} is best for {me}; what {n} do|does {I} like; what {n} do|does {I} prefer; !what's the best {n} for me; !name the {n} I like best",
      "{my} favourite {n}; the {n} {I} like|likes best; {my} preferred {n}", "what {my} favourite {n} is; which {n} {I} like|likes best; which {n} {I} like|likes most; which {n} {I} prefer|prefers",
      "{my} favourite {n} is {v} now; {my} favourite {n} is no longer {old}, it's {v}; {my} new favourite {n} is {v}; !I like {v} better than {old} now, it's my favourite {n}; {my} favourite {n} changed to {v}; !I now prefer {v} as my favourite {n}",
      FAVOURITES, weight=7),
    F("number", w.number,
      "{my} {n} is {v}; {v} is {my} {n}; !the {n} is {v}; !remember my {n}: {v}; !write down my {n}, {v}; !I was given the {n} {v}; !I have the {n} {v}; !they gave me {n} {v}; !keep my {n} in mind: {v}; !for the {n} use {v}; !{n}: {v}; !note my {n}, it's {v}; !the {n} for the {x} is {v}; !the {n} on my {x} is {v}; !my {n} at the {x} is {v}; !they wrote {n} {v} on the {x}; !the {n} of my {x} is {v}; !at the {x} I got the {n} {v}",
      "{Your} {n} is {v}", "{Your} {n}",
      "what is {my} {n}; what's {my} {n}; which {n} do|does {I} have; !what's the {n}; !what is the {n}; !which {n} was it; what {n} did I tell you; which {n} is mine; !remind me, which {n} was mine; !what {n} was I given; !what was the {n}; !which {n} did they give me", "{my} {n}; !the {n}; !the {n} I gave you", "what {my} {n} is; which {n} {I} have|has; !what the {n} is",
      "{my} {n} changed to {v}; {my} new {n} is {v}; {my} {n} is {v} now; !the {n} is {v} now; {my} {n} is not {old}, it's {v}; !they changed my {n} to {v}; !my {n} is now {v}", w.NUMBERS, weight=4),
    F("secret", w.secret,
      "{my} {n} is {v}; !the {n} is {v}; !the {n} is {v}, keep it; !remember the {n}: {v}; !remember {n} {v}; !my {n} is {v}, don't tell anyone; !use the {n} {v}; !you need the {n} {v}; !keep this {n} for me: {v}; !save my {n}: {v}; !{v} is the {n}; !I set the {n} to {v}; !{n}: {v}; !the {n} for today is {v}; !I chose {v} as my {n}; {v} is {my} {n}; !the {n} for the {x} is {v}; !the {n} of my {x} is {v}; !the {x} opens with the {n} {v}; !type {v}, it's the {n}; !my {x} has the {n} {v}; !you get in with the {n} {v}; !the {x} needs a {n}, it's {v}",
      "{Your} {n} is {v}", "{Your} {n}",
      "what is {my} {n}; what's {my} {n}; !what's the {n}; !what is the {n}; !which {n} did I give you; !what {n} did I set; !what was the {n}; which {n} do|does {I} use; !how do I get in, what's the {n}; !which {n} do I need; !what's that {n}; !what was my {n} again; !what {n} did I choose; !I need the {n}, what is it", "{my} {n}; !the {n}; !the {n} I gave you", "what {my} {n} is; !what the {n} is; !what {n} I set",
      "{my} {n} changed to {v}; {my} new {n} is {v}; !the {n} is {v} now; !I changed the {n} to {v}; !I changed my {n} to {v}; !forget {old}, the {n} is {v}; !the {n} is now {v}; !I reset my {n}, it's {v}", w.SECRETS, weight=4),
    F("is", None,
      "{my} {n} is {v}; {v} is {my} {n}; !I have {v} as my {n}; !remember that my {n} is {v}; !{n}: {v}; !as for my {n}, it's {v}; !you can write {v} as my {n}", "{Your} {n} is {v}", "{Your} {n}",
      "what is {my} {n}; what's {my} {n}; !which {n} do I have; what {n} do|does {I} have; what was {my} {n}", "{my} {n}", "what {my} {n} is; which {n} {I} have|has",
      "{my} {n} is {v} now; {my} new {n} is {v}; {my} {n} changed to {v}; {my} {n} is {v}, not {old}", IS_NAMES, weight=2.5),
    F("colour", w.maybe(w.COLORS, .08),
      "{my} {n} is {v}; !I have a {v} {n}; !I own a {v} {n}; ~{I} has a {v} {n}; the colour of {my} {n} is {v}; !I bought a {v} {n}; !I painted my {n} {v}; {my} {n} has the colour {v}; {my} {n}'s colour is {v}; !I drive around with a {v} {n}; the color of {my} {n} is {v}",
      "{Your} {n} is {v}", "the colour of {Your} {n}",
      "what colour is {my} {n}; what color is {my} {n}; which colour is {my} {n}; what is the colour of {my} {n}; what's the color of {my} {n}; which colour does {my} {n} have", "the colour of {my} {n}; {my} {n}'s colour; the color of {my} {n}", "what colour {my} {n} is; which colour {my} {n} has; what color {my} {n} is",
      "!I painted my {n} {v}; {my} {n} is {v} now; {my} new {n} is {v}; !I changed the colour of my {n} to {v}; {my} {n} isn't {old} anymore, it's {v}", w.COLORED, weight=2.5),
    F("spot", w.spot,
      "{my} {n} is^ {v}; !I put my {n} {v}; !I left my {n} {v}; !I keep my {n} {v}; !I hid my {n} {v}; ~{I} keeps {my} {n} {v}; !you will find my {n} {v}; !the {n} is^ {v}; !I placed the {n} {v}; !my {n} should be {v}; !I stored my {n} {v}; !I last saw my {n} {v}; !I dropped my {n} {v}; !my {n} goes {v}; !I forgot my {n} {v}; !you can find the {n} {v}; !in case I forget, my {n} is^ {v}; !I always leave my {n} {v}; !I've put the {n} {v}",
      "{Your} {n} is^ {v}", "where {Your} {n} is^",
      "where is^ {my} {n}; !where did I put my {n}; !where did I leave my {n}; !where do I keep my {n}; !where can I find my {n}; !where's my {n}; !where should I look for my {n}; !where have I put my {n}; !where did I hide my {n}; ~where does {I} keep {my} {n}; !where have I left my {n}; !I can't find my {n}, where is^ it; !any clue where my {n} is^; !I'm looking for my {n}, where did I put it; !where were my {n}; !where did my {n} go; !what did I do with my {n}; !I lost my {n}, where did I leave it", "!the place of my {n}", "where {my} {n} is^; !where I put my {n}; !where I left my {n}; !where to find my {n}; !where I keep my {n}",
      "!I moved my {n}, now it's {v}; {my} {n} is^ now {v}; !my {n} is^ {v} now, not {old}; !I put my {n} {v} instead; !I moved my {n}, it is {v} now; !I took my {n} and put it {v}; !my {n} was {old}, but now it's {v}; !someone moved my {n}, you find it {v} now; !I carried my {n} away, it's {v}", w.THINGS, weight=3),
    F("event", w.moment,
      "{my} {n} is {v}; !I have a {n} {v}; ~{I} has a {n} {v}; !there's a {n} {v}; !the {n} is {v}; !remember my {n} {v}; !my {n} takes place {v}; !my {n} starts {v}; !don't let me forget my {n} {v}; !I have to go to a {n} {v}; {my} next {n} is {v}; !I've got a {n} {v}; !my {n} is set for {v}; !we scheduled the {n}, it's {v}; !I'm having a {n} {v}; !{v} I have a {n}; !there will be a {n} {v}; !the {n} begins {v}",
      "{Your} {n} is {v}", "when {Your} {n} is",
      "when is {my} {n}; when's {my} {n}; what time is {my} {n}; !when do I have my {n}; on which day is {my} {n}; !when was my {n} again; when does {my} {n} take place; !when do I have to go to my {n}; !when does my {n} start; !what day is my {n}; !at what time is my {n}; !what's the date of my {n}; !how soon is my {n}; !when did I say my {n} is; when does {my} {n} begin; when will {my} {n} be", "the date of {my} {n}; the time of {my} {n}", "when {my} {n} is; when {I} have|has {my} {n}; when {my} {n} takes place",
      "{my} {n} was moved, it is now {v}; {my} {n} is now {v}; !they moved my {n}, it's {v}; !the {n} has been postponed, it is {v}; {my} {n} isn't {old} anymore, it's {v}; !the new date of my {n}: it is {v}", w.EVENTS, weight=3),
    F("plays", w.maybe(w.INSTRUMENTS, .2), "{I} play|plays the {v}; !I'm learning the {v}; {my} instrument is the {v}; !I've played the {v} for years; !I can play the {v}; ~{I} can play the {v}; !I take {v} lessons; !I practise the {v} every day; !I play {v} in a band; !my instrument of choice is the {v}; !I bought a {v} and play it every evening; !on weekends I play the {v}",
      "{You} play|plays the {v}", "which instrument {You} play|plays", "what instrument do|does {I} play; which instrument do|does {I} play; what do|does {I} play; !what instrument am I learning", "{my} instrument; the instrument {I} play|plays", "what instrument {I} play|plays; which instrument {I} play|plays", "{I} now play|plays the {v}; !I switched from the {old} to the {v}; !I gave up the {old} and play the {v} now", weight=1.5),
    F("sport", w.maybe(w.SPORTS, .1), "!my sport is {v}; {I} do|does {v} every week; !I do a lot of {v}; ~{my} sport is {v}; !I train {v} twice a week; !the sport I do is {v}", "{Your} sport is {v}", "{Your} sport",
      "what sport do|does {I} do; which sport do|does {I} do; what is {my} sport; what's {my} sport", "{my} sport; the sport {I} do|does", "what sport {I} do|does; which sport {I} do|does", "{my} new sport is {v}; !I stopped {old} and do {v} now", weight=1),
    F("speaks", w.maybe(w.LANGUAGES, .1), "{I} speak|speaks {v}; {I} speak|speaks {v} at home; !I talk {v} with my family; ~{I} speaks only {v}; !the language I speak is {v}; !I grew up speaking {v}",
      "{You} speak|speaks {v}", "which language {You} speak|speaks", "what language do|does {I} speak; which language do|does {I} speak; what do|does {I} speak", "{my} language; the language {I} speak|speaks", "what language {I} speak|speaks; which language {I} speak|speaks", weight=1.2),
    F("learns", w.maybe(w.LANGUAGES, .2), "{I} am|is learning {v}; !I'm learning {v}; !I take {v} classes; ~{I} is taking {v} classes; !I started to learn {v}; !I'm trying to learn {v}",
      "{You} are|is learning {v}", "what {You} are|is learning", "what am|is {I} learning; which language am|is {I} learning; what language am|is {I} learning", "the language {I} am|is learning", "what {I} am|is learning; which language {I} am|is learning", "{I} am|is learning {v} now; !I gave up {old} and learn {v} now", weight=1),
    F("studies", w.maybe(w.SUBJECTS, .2, ("studies", "science", "history", "design", "engineering")), "{I} study|studies {v}; {I} am|is studying {v}; !I'm a student of {v}; !I study {v} at university; ~{I} is studying {v} at university; !I'm doing a degree in {v}",
      "{You} study|studies {v}", "what {You} study|studies", "what do|does {I} study; what am|is {I} studying; which subject do|does {I} study; what's {my} field of study", "{my} field of study; the subject {I} study|studies", "what {I} study|studies; what {I} am|is studying", "{I} now study|studies {v}; !I switched from {old} to {v}; !I changed my studies to {v}", weight=1),
    F("hates", w.maybe(w.FOODS + w.VEGETABLES + w.SPORTS, .3, w.FOOD_TAIL), "{I} hate|hates {v}; {I} can't stand {v}; {I} really dislike|dislikes {v}; !I detest {v}; !the thing I hate most is {v}; !I never eat {v}; !I've never liked {v}",
      "{You} hate|hates {v}", "what {You} hate|hates", "what do|does {I} hate; what can't {I} stand; what do|does {I} dislike; what do|does {I} hate most", "the thing {I} hate|hates", "what {I} hate|hates; what {I} can't stand; what {I} dislike|dislikes", weight=1.2),
    F("allergy", w.maybe(w.ALLERGENS + w.FRUITS + w.VEGETABLES + w.FOODS, .2, w.FOOD_TAIL), "{I} am|is allergic to {v}; !I'm allergic to {v}; !I have an allergy to {v}; ~{I} has an allergy to {v}; {my} allergy is {v}; !I can't have {v}, I'm allergic; !I get sick from {v}, it's an allergy; !{v} gives me an allergic reaction; !I can't eat {v} because of an allergy; !my doctor says I'm allergic to {v}; !I have a bad allergy: {v}; !{v} makes me sick, I'm allergic; !keep {v} away from me, I'm allergic; ~{v} is what {I} is allergic to; !I found out I'm allergic to {v}; !I'm terribly allergic to {v}; !I react badly to {v}, it's an allergy",
      "{You} are|is allergic to {v}", "what {You} are|is allergic to", "what am|is {I} allergic to; what allergy do|does {I} have; which allergy do|does {I} have; what's {my} allergy; !what must I avoid because of my allergy; !what gives me an allergic reaction; what triggers {my} allergy; !what should I not eat because I'm allergic; what can't {I} have because of {my} allergy", "{my} allergy", "what {I} am|is allergic to; which allergy {I} have|has", weight=1.5),
    F("drives", lambda r: r.choice(w.CARS) if r.random() < .7 else w.spelled(r) if r.random() < .5 else w.invented(r).capitalize(), "{I} drive|drives a {v}; {my} car is a {v}; !I own a {v}; !I bought a {v}; !I've got a {v} in the garage; ~{I} owns a {v}; !I drive an old {v}; !my car is an old {v}; !I go to work in my {v}; !I have a {v} parked outside; !I've driven a {v} for years; !the car I drive is a {v}",
      "{You} drive|drives a {v}", "what car {You} drive|drives", "what car do|does {I} drive; what do|does {I} drive; which car do|does {I} have; what kind of car do|does {I} have; what make is {my} car", "{my} car; the car {I} drive|drives", "what car {I} drive|drives; what {I} drive|drives; which car {I} have|has", "{I} sold the {old} and drive|drives a {v} now; {my} new car is a {v}; !I traded my {old} for a {v}; {I} drive|drives a {v} now", weight=1.5),
    F("pet", w.maybe(w.PETS, .08), "{I} have|has a {v}; !I own a {v}; {my} pet is a {v}; !I keep a {v} at home; !I've got a {v}; !I have a {v} as a pet; !at home I have a {v}; !we have a {v} at home; !a {v} lives with me; !I got myself a {v}; !I adopted a {v}; !my only pet is a {v}; !we adopted a {v} last year",
      "{You} have|has a {v}", "what pet {You} have|has", "what pet do|does {I} have; what animal do|does {I} have; which pet do|does {I} have; what kind of pet do|does {I} have; what kind of animal is {my} pet", "{my} pet", "what pet {I} have|has; what kind of pet {I} have|has; which animal {I} have|has", weight=1.5),
    F("hobby", w.maybe(w.HOBBIES, .3, w.HOBBY_TAIL), "{my} hobby is {v}; !in my free time I do {v}; !I enjoy {v} in my spare time; ~{I} enjoys {v} in the evenings; !my main hobby is {v}; !I'm really into {v}; ~{I} is really into {v}; !I spend my weekends with {v}; !I love {v} as a hobby; !when I have time I do {v}; !I like {v} a lot in my free time; !{v} is my hobby; !my favourite pastime is {v}; !my passion is {v}; ~{my} passion is {v}; !on weekends I do {v}; !for fun I do {v}",
      "{Your} hobby is {v}", "{Your} hobby", "what is {my} hobby; what's {my} hobby; what do|does {I} do in {my} free time; what hobby do|does {I} have; which hobby do|does {I} have; what do|does {I} do for fun; how do|does {I} spend {my} free time; what's {my} pastime; what's {my} passion; !what do I like doing in my spare time; !what do I do on weekends", "{my} hobby", "what {my} hobby is; what {I} do|does for fun; what {I} do|does in {my} free time", "{my} new hobby is {v}; !I gave up {old}, my hobby is {v} now; !I lost interest in {old}, my hobby is {v} now; !I do {v} instead of {old} now; !{old} is over, I'm into {v} now; !my hobby used to be {old}, today it's {v}", weight=2),
    F("kids", lambda r: r.choice("one two three four five six seven eight 1 2 3 4 5 6".split()), "{I} have|has {v} children; {I} have|has {v} kids; !I'm a parent of {v}; !we have {v} children; !there are {v} children in my family; ~{I} is a parent of {v}",
      "{You} have|has {v} children", "how many children {You} have|has", "how many children do|does {I} have; how many kids do|does {I} have; how many children are there in {my} family; how many sons and daughters do|does {I} have; how big is {my} family", "the number of {my} children", "how many children {I} have|has; how many kids {I} have|has", "{I} now have|has {v} children; !we had another baby, we have {v} children now", weight=1),
    F("travel", lambda r: w.city(r) if r.random() < .6 else w.country(r), "{I} am|is travelling to {v}; !I'm going to {v} on holiday; !I'm flying to {v} next week; {my} next trip is to {v}; !I booked a trip to {v}; !we are going to {v} this summer; ~{I} is flying to {v} soon; !I'm planning a trip to {v}; !my holiday is in {v} this year; !I'll travel to {v} soon",
      "{You} are|is travelling to {v}", "where {You} are|is travelling", "where am|is {I} travelling; where am|is {I} going on holiday; where am|is {I} flying; where is {my} next trip; what is {my} travel destination; where am|is {I} going; where will {I} travel", "{my} travel destination; {my} holiday destination", "where {I} am|is travelling; where {I} am|is going on holiday; where {my} trip goes", "!I changed my trip, I'm travelling to {v}; {my} trip is to {v} now, not {old}; !I cancelled {old}, I'm travelling to {v}", weight=1.5),
    F("reads", w.title, "{I} am|is reading {v}; !I'm reading a book called {v}; !the book I'm reading is {v}; ~{I} is reading a book called {v}; !I started reading {v}", "{You} are|is reading {v}", "what book {You} are|is reading",
      "what book am|is {I} reading; what am|is {I} reading; which book am|is {I} reading; what's the book {I} am|is reading", "the book {I} am|is reading; the title of {my} book", "what {I} am|is reading; which book {I} am|is reading", "!I finished {old}, I'm reading {v} now; {I} am|is now reading {v}", weight=1),
    F("wants", w.maybe(w.GIFTS, .25), "{I} want|wants a {v} for {my} birthday; !I'd love to get a {v}; !I'm saving money for a {v}; ~{I} would love to get a {v}; !I wish I had a {v}; {I} dream|dreams of a {v}", "{You} want|wants a {v}", "what {You} want|wants",
      "what do|does {I} want; what do|does {I} want for {my} birthday; what do|does {I} dream of; what would {I} like to get", "{my} wish", "what {I} want|wants; what {I} want|wants for {my} birthday", weight=1),
    F("married", w.person, "{I} am|is married to {v}; !I got married to {v}; ~{I} is engaged to {v}; !I'm married, and {v} is who I married; !{v} and I are married", "{You} are|is married to {v}", "who {You} are|is married to",
      "who am|is {I} married to; who did {I} marry", "!the name of the person I married", "who {I} am|is married to; who {I} married", weight=1),
    F("height", lambda r: r.choice((f"{r.randrange(140, 215)} cm", f"{r.randrange(140, 215)} centimetres", f"{r.randrange(4, 7)} feet", f"1.{r.randrange(40, 99)} metres")), "{I} am|is {v} tall; {my} height is {v}; !I measure {v}", "{You} are|is {v} tall", "how tall {You} are|is", "how tall am|is {I}; what is {my} height; what's {my} height", "{my} height", "how tall {I} am|is; what {my} height is", weight=.7),
    F("many", None, "!{my} {n} are called {v}; !I have {n}, {v}; !we have {n}: {v}; !I have two {n}, {v}; !we've got {n} called {v}; {my} {n}'s names are {v}; !the names of my {n} are {v}; {v} are {my} {n}; !my {n} {v} are lovely; !I live with my {n}, {v}; !our {n} are named {v}; !our {n} are {v}; !my {n} are {v}; ~{my} {n} are called {v}; !I've got {n} named {v}; !I have some {n} called {v}; !my {n} {v} say hello; !I took {v}, my {n}, to the park",
      "{Your} {n} are called {v}", "{Your} {n}'s names", "what are {my} {n} called; what are {my} {n}'s names; what are the names of {my} {n}; who are {my} {n}; which {n} do|does {I} have; how are {my} {n} called; !what did I name my {n}; what's the name of {my} {n}", "{my} {n}'s names; the names of {my} {n}", "what {my} {n} are called; what {my} {n}'s names are; who {my} {n} are", "!my {n} are now called {v}; {my} {n} are {v}, not {old}", w.PETS_MANY + w.PEOPLE_MANY, weight=1.5),
    F("teaches", w.maybe(w.SUBJECTS + w.LANGUAGES, .06), "{I} teach|teaches {v}; {I} teach|teaches {v} at a school; !I'm a teacher, I teach {v}; !I give lessons in {v}; !I teach children {v}; !I teach {v} to adults; !my pupils learn {v} from me; ~{I} gives lessons in {v}",
      "{You} teach|teaches {v}", "what {You} teach|teaches", "what do|does {I} teach; which subject do|does {I} teach; what subject do|does {I} teach; what do my students learn from me".replace("what do my students", "!what do my students"), "the subject {I} teach|teaches", "what {I} teach|teaches; which subject {I} teach|teaches", "{I} now teach|teaches {v}; !I don't teach {old} anymore but {v}", weight=.8),
    F("likes", w.maybe(w.FOODS + w.HOBBIES + w.ANIMALS + w.FLOWERS, .25, w.FOOD_TAIL), "{I} like|likes {v}; {I} really like|likes {v}; {I} love|loves {v}; !I'm fond of {v}; !I adore {v}; !I'm a fan of {v}; !I enjoy {v} very much; !I can't get enough of {v}; !I'm crazy about {v}; ~{I} is crazy about {v}",
      "{You} like|likes {v}", "what {You} like|likes", "what do|does {I} like; what do|does {I} love; what do|does {I} enjoy; what am|is {I} fond of; what am|is {I} crazy about; !what did I say I like", "the thing {I} like|likes", "what {I} like|likes; what {I} love|loves", weight=1),
    F("parked", w.parked, "!I parked {v}; !my car is parked {v}; !I parked the car {v}; !I left the car {v}; !the car is {v}; ~{I} parked {v}; !we parked {v}; !my parking space is {v}", "{You} parked {v}", "where {You} parked",
      "where did {I} park; !where is my car; !where's the car; !where did I leave the car; !where did I park my car; !where have I parked; where is {my} car parked", "!the place where I parked", "where {I} parked; !where my car is; !where I left the car", "!I moved the car, it's parked {v}; !I parked {v} now", weight=.8),
]
FAMILY = {f.name: f for f in FAMILIES}
_WEIGHTS = [f.weight for f in FAMILIES]
_CUMULATIVE = [sum(_WEIGHTS[:i + 1]) for i in range(len(_WEIGHTS))]
ONLY_ME = {"name"}  # a third person's name is what they are called by
GENERIC_NOUNS = [n for n in w.NOUNS if len(n) > 3]


def draw_key(r, subject=ME):
    """(family, noun, subject) of a fact that could be told about `subject`."""
    while True:
        f = r.choices(FAMILIES, cum_weights=_CUMULATIVE)[0]
        if subject != ME and (f.name in ONLY_ME or f.name in ("secret", "spot") and r.random() < .8): continue
        n = r.choice(f.nouns)
        if f.name == "called":
            t = r.random()
            n = r.choice(w.PETS) if t < .35 else r.choice(PEOPLE) if t < .85 else r.choice(w.NAMED_THINGS)
        if f.name == "is" and r.random() < .4:  # any noun can have a value
            n = r.choice(GENERIC_NOUNS) if r.random() < .6 else r.choice(w.ADJECTIVES) + " " + r.choice(GENERIC_NOUNS)
        if f.name in ("colour", "spot") and r.random() < .25: n = r.choice(GENERIC_NOUNS)
        if f.name == "called" and subject not in (ME,) and n in ("best friend",): continue
        return f.name, n, subject


def draw_value(r, key):
    family, noun, _ = key
    f = FAMILY[family]
    if family == "called":
        if noun in w.PETS: return w.pet_name(r)
        if noun in w.NAMED_THINGS: return w.title(r) if noun in ("book", "podcast", "blog") else w.company(r) if r.random() < .5 else w.invented(r).capitalize()
        return w.full_name(r) if r.random() < .9 else r.choice(("Dr ", "Mr ", "Mrs ", "Ms ")) + w.person(r)
    return f.value(r) if f.value else _value(family, noun, r)


_MY = re.compile(r"\bmy\b")
_ONE = re.compile(r"\b(one|1)( [a-z]+)?? (children|kids|little ones)")
_EITHER = re.compile(r"([\w']+)\|([\w']+)")
_PLURAL = re.compile(r".*(s|gloves)$")


class Subject:
    """How a person is named: by the user, and by the assistant."""

    def __init__(self, who, pronoun=None):
        self.me = who == ME
        if pronoun: self.I, self.my, self.obj = pronoun; self.You, self.Your = who, who
        elif self.me: self.I, self.my, self.You, self.Your, self.obj = "I", "my", "you", "your", "me"
        else:
            mine = who.startswith("my ")
            second = "your " + who[3:] if mine else who
            poss = lambda s: s + "'s"
            self.I, self.my, self.You, self.Your, self.obj = who, poss(who), second, poss(second), who


def fill(template, key, value="", old="", pronoun=None, r=None):
    """A template of `key`'s family with everything filled in. Not capitalised, no full stop."""
    _, noun, who = key
    s = Subject(who, pronoun)
    if "{h" in template:
        he, his, him = pronoun_of(r, noun)
        template = template.replace("{he}", he).replace("{his}", his).replace("{him}", him)
    if "{it}" in template or "{It}" in template or "{them}" in template:
        many = _PLURAL.match(noun) and noun not in ("bus",)
        template = template.replace("{it}", "they" if many else "it").replace("{It}", "They" if many else "It").replace("{them}", "them" if many else "it")
    if r and not s.me and not pronoun and r.random() < .7:  # "Tom's sister loves her job": named once, then a pronoun
        at = min(i for i in (template.find("{I}"), template.find("{my}"), template.find("{me}"), 999) if i >= 0) + 4
        if "{my}" in template[at:]: template = template[:at] + template[at:].replace("{my}", pronoun_of(r, who)[1])
    if "{n}s" in template: template = _PLURAL_NOUN.sub(_plural(noun), template)
    if "|" in template: template = _EITHER.sub(r"\1" if s.me else r"\2", template)
    if "^" in template: template = template.replace("is^", "are" if _PLURAL.match(noun) and noun not in ("bus",) else "is")
    text = (template.replace("{I}", s.I).replace("{my}", s.my).replace("{me}", s.obj).replace("{You}", s.You).replace("{Your}", s.Your)
            .replace("{n}", noun))
    if "a " in text: text = _article(text, value)
    if noun.endswith("s") and key[0] == "many": text = text.replace(noun + "'s", noun + "'")
    text = text.replace("{v}", value).replace("{old}", old)
    return _ONE.sub(lambda m: m.group(1) + (m.group(2) or "") + " " + {"children": "child", "kids": "kid", "little ones": "little one"}[m.group(3)], text) if key[0] == "kids" else text


def _article(text, value):
    """"a" before a vowel becomes "an", in the value's place too."""
    def fix(m):
        nxt = m.group(2)
        first = value[:1] if nxt == "{" else nxt
        vowel = first and first.lower() in "aeio" or nxt == "{" and (first == "8" or value in ("11", "18"))
        return m.group(1) + ("n " if vowel else " ") + nxt
    return _A.sub(fix, text)


_A = re.compile(r"\b([Aa])n? ([^\W\d_]|\{|\d)")
_PLURAL_NOUN = re.compile(r"\{n\}s\b")
SHE, HE, IT = ("she", "her", "her"), ("he", "his", "him"), ("it", "its", "it")
_HERS = re.compile(r"(sister|mother|daughter|wife|aunt|niece|mom|mum|granny|girlfriend|grandma|fiancee)(-in-law)?$")
_HIS = re.compile(r"(brother|father|son|husband|uncle|nephew|dad|boyfriend|grandpa|grandson|fiance)(-in-law)?$")


def _plural(noun):
    if noun == "music": return "kinds of music"
    if noun[-1] == "y" and noun[-2] not in "aeou": return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "sh", "ch", "x", "hero")) else "s")


def pronoun_of(r, noun):
    if _HERS.search(noun): return SHE
    if _HIS.search(noun): return HE
    if noun in w.NAMED_THINGS: return IT
    return r.choice((SHE, HE, IT) if noun in w.PETS else (SHE, HE))


def say(r, key, value, old=None, pronoun=None):
    """A clause that tells the fact (or, with `old`, that it changed)."""
    f = FAMILY[key[0]]
    me = key[2] == ME
    template = f.choices["change", me].draw(r) if old is not None else None
    if not template:
        kind = "say"
        if key[0] == "called" and me and r.random() < .4: kind = "pet" if key[1] in w.PETS else "person" if key[1] not in w.NAMED_THINGS else "say"
        template = f.choices[kind, me].draw(r)
    if "{x}" in template: template = template.replace("{x}", r.choice(w.NOUNS))
    if "{y}" in template: template = template.replace("{y}", w.city(r))
    if "{adj}" in template: template = template.replace("{adj}", r.choice(w.ADJECTIVES + w.COLORS))
    text = fill(template, key, value, old or "", pronoun, r)
    if key[0] == "favourite" and r.random() < .4: text = text.replace("favourite", "favorite")
    return text


def answer(key, value): return fill(FAMILY[key[0]].answer, key, _MY.sub("your", value) if key[0] in ("spot", "parked") else value)
def missing(key): return fill(FAMILY[key[0]].missing, key)
def noun_phrase(r, key):
    template = FAMILY[key[0]].choices["np", key[2] == ME].draw(r)
    return fill(template, key, r=r) if template else None
def clause(r, key):
    template = FAMILY[key[0]].choices["clause", key[2] == ME].draw(r)
    return fill(template, key, r=r) if template else None
def question(r, key, told=False, pronoun=None):
    if told and key[0] == "teaches" and r.random() < .3: key = ("job", "", key[2])
    me, kind = key[2] == ME, "ask"
    if key[0] == "called" and me and r.random() < .25: kind = "ask_pet" if key[1] in w.PETS else "ask_person" if key[1] not in w.NAMED_THINGS else "ask"
    return fill(FAMILY[key[0]].choices[kind, me].draw(r), key, pronoun=pronoun, r=r)
def check(r, key, value):
    """A question that yes or no answers."""
    template = FAMILY[key[0]].choices["check", key[2] == ME].draw(r)
    return fill(template, key, value, r=r) if template else None
def plain(r, key, value):
    """One of the simplest clauses that tell the fact."""
    return fill(expand(r, r.choice(FAMILY[key[0]].choices["say", key[2] == ME].templates[:2])), key, value, r=r)
