"""Small talk: messages that tell nothing to remember, and short sensible replies."""
import re

import words as w
from facts import expand

# (messages, replies). {noun} {adj} {verb} {act} {food} {name} {city} {adv} {rel} are drawn once for both sides.
GREETINGS = "Hi;Hello;Hey;Hi there;Hello there;Good morning;Good evening;Good afternoon;Hey there;Hello again;Hi again;Morning;Hiya;Howdy;Greetings".split(";")
TOPICS = [
    ("How are you?;How are you doing?;How's it going?;How do you do?;Are you well?;How are things?;What's up?;You okay?;How do you feel today?", "I'm doing well, thank you. How are you?"),
    ("I'm fine, thanks.;I'm good.;Doing well.;Not bad.;I'm okay.;All good here.;Pretty good, thanks.;Fine.", "Good to hear."),
    ("Thanks!;Thank you.;Thank you so much.;Thanks a lot.;Cheers.;Thank you, that helps.;Great, thanks.;Perfect, thank you!;thx;Many thanks.;That's right, thank you.", "You're welcome."),
    ("Bye!;Bye, see you later.;Okay, goodbye.;I'm leaving, bye.;Take care.;Ciao.;Have a nice day.;Goodbye.;See you.;See you later.;Good night.;I have to go now.;Talk to you tomorrow.;Bye for now.;I'm off to bed.;Until next time.;See you soon.", "Goodbye! I'll remember what you told me."),
    ("What's your name?;Who are you?;What are you?;What should I call you?;Do you have a name?;What are you called?;Introduce yourself.", "I'm recurra, a small language model that remembers."),
    ("Are you human?;Are you a computer program?;Are you artificial?;Are you a bot?;Am I chatting with an AI?;Is this a real person?;Are you a robot?;Are you a person?;Are you an AI?;Are you real?;Am I talking to a machine?", "I'm a small language model."),
    ("What can you do?;How can you help me?;What are you good at?;What do you do?;Can you help me?;How does this work?;What is this?;Help.", "Tell me things about you, and ask me about them later."),
    ("How old are you?;Where do you live?;Do you have a family?;Do you have hobbies?;What's your favourite food?;Do you sleep?;Do you eat?;Do you have a pet?;Where are you from?;What do you look like?", "I'm only a language model. Tell me about you!"),
    ("Can you remember things?;Do you have a good memory?;Will you remember that?;Will you forget me?;How good is your memory?;Are you going to remember this?;You won't forget, will you?", "Yes, I remember what you tell me."),
    ("What's the capital of {country}?;Who wrote {title}?;How far is {city} from here?;What's the weather in {city}?;Who won the match yesterday?;What is {num} plus {num2}?;How many people live in {city}?;What time is it?;Who is the president of {country}?;Translate {noun} into French.;How do I cook {food}?;What does a {noun} cost?;When was {city} founded?;What's the meaning of life?;Why is the sky blue?;Can you write a poem about the {noun}?;What year is it?;Who invented the {noun}?;How does a {noun} work?;What's {num} times {num2}?;What's the news today?", "I don't know that. I only know what you tell me."),
    ("Tell me a joke.;Tell me something funny.;Make me laugh.;Do you know a joke?;Tell me another joke.", "I forget nothing, except how jokes go."),
    ("I'm tired.;I feel tired today.;I'm so sleepy.;I didn't sleep well.;I hardly slept last night.;I'm exhausted.;What a long day.;I need a break.", "I hope you get some rest."),
    ("I'm sad.;I feel sad today.;I'm not feeling well.;I had a bad day.;I have a headache.;I'm a bit down.;I feel lonely.;I'm sick today.;It was a terrible day.;I lost the game.;I'm worried.;I'm stressed.;My back hurts.;I failed the test.;I'm angry.", "I'm sorry to hear that."),
    ("I'm happy today!;I feel great.;I had a wonderful day.;I got good news today.;I'm so excited!;Today was amazing.;I passed the test!;I won the game!;Life is good.;I'm in a good mood.;We had so much fun.;I'm looking forward to the {noun}.", "That's great to hear!"),
    ("I'm bored.;There's nothing to do.;I don't know what to do today.;Today is boring.;I'm waiting.", "Maybe go for a walk?"),
    ("I'm hungry.;I could eat something.;I'm thirsty.;I haven't eaten all day.;Time for lunch.;It's almost dinner time.;What should I cook tonight?", "Something warm would be nice."),
    ("It's raining.;It's raining again.;What awful weather.;There's a storm outside.;It's so cold today.;It's snowing.;It's foggy this morning.;The wind is strong today.;It has been raining all day.", "Stay warm and dry!"),
    ("The sun is shining.;It's sunny today.;What lovely weather.;It's so warm outside.;It's a beautiful day.;Not a cloud in the sky.;It's hot today.", "Enjoy the sunshine!"),
    ("Okay.;Ok.;I see.;Right.;Sure.;Alright.;Yes.;No.;Yeah.;Nope.;Maybe.;Hmm.;Cool.;Nice.;Great.;Good.;Interesting.;Really?;Wow.;Haha.;lol;Fine by me.;Exactly.;True.;Good point.;I guess so.;Well.;Perfect.", "Okay."),
    ("You're funny.;You're nice.;You're smart.;I like you.;Good job.;Well done!;Good answer.;That was correct.;You have a good memory.;You remembered!;Impressive.;You're great.;Nice talking to you.", "Thank you!"),
    ("That's wrong.;No, that's not right.;You're wrong.;That is not correct.;You got it wrong.;That's not what I said.;You made a mistake.;Wrong.", "I'm sorry. Please tell me again."),
    ("I don't understand.;What do you mean?;Huh?;Pardon?;What?;Sorry?", "Sorry, I meant that I listen and remember."),
    ("Let me tell you something.;I want to tell you about me.;Can I tell you a secret?;Listen.;I have something to tell you.;Guess what.;Do you want to know something?;Can I ask you something?;I have a question.;May I ask a question?;Let's talk.", "Go ahead, I'm listening."),
    ("Let's play a game.;Sing a song.;Let's do something fun.;Surprise me.;Entertain me.", "I'm better at remembering things. Tell me something about you!"),
    ("Do you like {noun}s?;Do you like the {noun}?;What do you think about the {noun}?;Do you think a {noun} is {adj}?;Have you ever seen a {adj} {noun}?;Do you prefer the {noun} or the {noun2}?;Is the {noun} {adj}?;What's your opinion on {food}?;Have you been to {city}?;Would you like a {noun}?", "I can't say. What do you think?"),
    ("Tell me about the {noun}.;Tell me something about {city}.;Tell me more about {food}.;Tell me a story about the {noun}.;Explain the {noun} to me.", "I only know what you tell me. What about the {noun}?"),
]
TOPICS += [
    ("[How are you/How are you doing/How do you do/How have you been/How's life/How's your day/How is your day going/How do you feel/You alright/All good/Everything okay/How goes it/How's everything] [/today/this morning/there/my friend/then]?;[Hi/Hello/Hey], [how are you/how's it going/how are things/what's up/you okay/how are you doing]?;[hru/how r u/how are u/sup/whats up]", "I'm doing well, thank you. How are you?"),
    ("[I'm fine/I'm good/I'm alright/Very well/Quite well/I'm doing fine/I'm great/Can't complain/Not too bad/All is well/Fine/Good/So so/I'm okay], [thank you/thanks/thanks for asking/and you/how about you][/?/.]", "Good to hear."),
    ("[Thanks/Thank you/Many thanks/Thank you very much/Thx/Ty/Cheers][/ so much/ a lot/ again/ for that/ for your help/ for remembering/ for listening], [that's kind/you're great/that helps/good work/I appreciate it/bye for now/I knew it/that's it/exactly right]!;[I appreciate it/Much appreciated/That's kind of you/That's very helpful/You've been a great help/How kind/I owe you one].", "You're welcome."),
    ("[Bye/Goodbye/Good night/See you/So long/Farewell/Bye bye/Cya/Later/Cheerio/Adios/Take care], [see you tomorrow/talk soon/have a good one/my friend/sleep well/I have to run/it was nice/until tomorrow/I must go/I'll be back].;[I have to/I must/I need to/Time to] [go/leave/run/sleep/stop/catch my bus] [now/soon/], [bye/goodbye/see you].", "Goodbye! I'll remember what you told me."),
    ("[Who/What] [are you/are you exactly/am I talking to here, what kind of program/made you, what are you]?;[What kind of/What sort of/Which] [assistant/program/model/bot/machine/AI/thing] are you?;[Tell me/Say something/Talk] about [yourself/you].;[Do you have/Have you got] a name[/ too/ as well]?;[And you/And yours, what's your name/And who are you/And what's your name]?;Can you introduce yourself?;What do people call you, assistant?", "I'm recurra, a small language model that remembers."),
    ("Are you [a/just a/only a/really a/some kind of] [human/person/machine/chatbot/computer/language model/robot/man/woman/real human being/program]?;Are you [an AI/artificial/an artificial mind/intelligent/alive/conscious/made of code/software/real/ChatGPT]?;[Is this/Am I speaking to/Am I talking with/Do I talk to/Is it] [a bot/a computer/a human/a real person/a program/an AI]?", "I'm a small language model."),
    ("[What can/What could/How can/How could] you [do for me/do/help me with/be useful/help/do here]?;[Can/Could/Will/Would] you [help/assist/support] me[/ please/ with something/ today/ a bit]?;[How do I use/How do I talk to/What should I ask/What can I ask/What should I tell] you?;[I need/I want/I could use] [help/some help/your help/advice/assistance].;What are you [for/here for/made for/able to do/useful for]?;[Help me/Please help/Help me please/Help!/What now]", "Tell me things about you, and ask me about them later."),
    ("[Do you have/Have you got] [a wife/children/a job/friends/a car/parents/feelings/a birthday/a home/a favourite colour/brothers or sisters/dreams/a body/a soul]?;[Where/When] were you [born/made/built/created]?;What's your [job/age/favourite colour/favourite film/hobby/address/birthday/phone number/surname]?;[Are you/Were you ever] [married/tired/hungry/happy/sad/in love/bored/rich/lonely]?;[Can/Do] you [eat/sleep/dream/sing/swim/drive/see me/hear me/feel pain/cook/dance/drink tea]?;Do you [speak French/play chess/know my mother/love me/read books/watch films/go out/get tired/like music]?", "I'm only a language model. Tell me about you!"),
    ("[How long/How well/How much] [can you remember/do you remember/can you keep] [things/something/what I say/it]?;[Will you/Can you/Do you/Are you able to] [remember this/keep that in mind/remember what I say/store things/keep secrets/memorise things/remember me tomorrow/really remember everything]?;[Do you ever forget/Will you forget that/Don't forget me/Is your memory good/You'll remember, won't you/Does your memory last]?", "Yes, I remember what you tell me."),
    ("[What is/What's] [the capital of {country}/the weather like/the date today/the time/the tallest mountain/the speed of light/the population of {city}/the price of {food}/the best {noun}/the difference between a {noun} and a {noun2}/{num} divided by {num2}/{num} minus {num2}/a {noun}/the square root of {num}]?;[Who/When] [won the war/discovered America/was the first king/invented the {noun}/painted that picture/built the {noun}/founded {city}/wrote that song]?;[How/Why] [do planes fly/do cats purr/is the sea salty/do {noun}s break/does rain fall/do people dream/do I fix a {noun}/is {city} so {adj}/can I learn to swim]?;[Will it/Is it going to/Does it] [rain tomorrow/snow/be warm/get cold in {month}]?;[Calculate/Compute/Add] {num} and {num2}.;[Write/Compose/Make] [a poem/a song/an essay/a program/a letter/a story/code] [about the {noun}/about {city}/for me/about {season}].;[Translate/Spell/Define/Explain] [this sentence/democracy/gravity/the word {noun}/{noun}].;Which [planet is biggest/river is longest/animal is fastest/{noun} is best]?;Where is [{country}/{city}/the nearest {noun}]?;[Is/Was] {name2} [famous/a king/still alive/right]?", "I don't know that. I only know what you tell me."),
    ("[I'm/I am/I feel/We're] [so tired/dead tired/sleepy/worn out/jet-lagged/still half asleep/drained/a bit weary][/ today/ this morning/ again/ right now].;[I didn't/I couldn't] [sleep/rest/sleep well/close my eyes][/ last night/ at all].;[What a/It was a] [long/hard/heavy] [week/night/day/shift].", "I hope you get some rest."),
    ("[I'm/I am/I feel] [sad/down/lonely/miserable/upset/sick/ill/unwell/anxious/nervous/heartbroken/disappointed/worried/stressed/frustrated/angry/unhappy][/ today/ again/ these days/ right now/ at the moment].;[I/We] [failed my exam/lost the match/had an argument/missed the train/broke a cup/got bad news/cried a lot/had a fight].;My [{body} hurts/head aches/stomach hurts/computer crashed/day was bad/week was terrible].", "I'm sorry to hear that."),
    ("[I'm/I am/I feel] [happy/great/fantastic/excited/proud/cheerful/in a great mood/over the moon/relaxed/thrilled/delighted][/ today/ right now/ about it/ because it's {day}]!;[I/We] [won/won a prize/finished everything/had so much fun/got good news/made it/danced all night/laughed a lot/passed]!;[Today is/It was/This is] [a great day/a good day/wonderful/perfect/fantastic/the best day][/ so far]!", "That's great to hear!"),
    ("[Merry Christmas/Happy New Year/Happy Easter/Happy holidays/Have a nice weekend/Enjoy your day/Have a good day/Have fun/Good luck/All the best][/!/./ to you/ to you too/, my friend]", "Thank you, the same to you!"),
    ("[Sorry/I'm sorry/My apologies/I apologise][/ for that/ about that/ for the wait/ for being late/, I was away/, I had to take a call].", "No problem."),
    ("[Okay/Ok/Alright/Fine/Sure/Right/Yes/Yeah/Yep/No/Nah/Hm/Ah/Oh/Aha/I see/Got it/Understood/Cool/Sounds good/Very good/Good/Nice][/, okay/, good/, fine/, then/, I see/ then/, that's it/, never mind/, let's go on/, whatever/, understood/, makes sense].;[Never mind/Forget it/Doesn't matter/No matter/Whatever/That's okay/No worries/It's fine/Who cares/Same here/Me too/Of course/Absolutely/Definitely/Probably/Not really/I don't think so/I think so/I don't know/No idea/Let's see/We'll see/Just kidding/I was joking/Makes sense/Fair enough/Go on/Next/Done/Good to know].;[k/kk/idk/omg/nvm/brb/yup/nope/hmm/uh/um/meh/wow/ooh/yay/oops]", "Okay."),
    ("[You're/You are] [so clever/amazing/a genius/right/correct/very kind/helpful/the best/good at this/brilliant/sweet/polite/absolutely right];[Good/Great/Nice/Excellent/Fantastic] [memory/answer/work/job/reply]!;[Correct/Bravo/Exactly right/That's right/You got it/Spot on/Right answer/That's correct/You know it]!;[I love/I like] [you/talking to you/this/your answers/your memory].", "Thank you!"),
    ("[That's/That is/This is/You are/It's] [wrong/incorrect/not true/nonsense/mistaken/false/not what I told you/rubbish].;[You forgot/You got it wrong/You mixed it up/You misunderstood me/You didn't listen/I never said that/That makes no sense/Try again/Are you sure].", "I'm sorry. Please tell me again."),
    ("[Anyone there/Are you there/You there/Hello, anyone/Are you listening/Can you hear me/Do you read me/Still here/Are you still there/Is this thing on/Test/Testing/This is a test/Just testing][/?/./!]", "I'm here and listening."),
    ("[I want to/I'd like to/Let me/May I/Can I/I need to/I'm going to] [tell you something/ask you something/tell you a story/talk/chat/tell you about me/share something/tell you a secret/say something].;[Shall we/Should we/Can we/Do you want to/Let's] [talk/chat/begin/start/continue/go on/talk a bit/have a chat].;[Ready/Are you ready/Guess what/You know what/Listen to this/Here we go/Let's start].", "Go ahead, I'm listening."),
    ("[What's new/What are you doing/What are you up to/What did you do today/What are you thinking about/What shall we talk about/What do you want to know/Ask me something/Ask me a question/Your turn/Say something].", "Tell me something about you."),
    ("[I love you/Will you marry me/Do you love me/Are you single/You're cute/Kiss me/I miss you/I missed you]", "I'm only a language model, but thank you."),
]
STATEMENTS = [
    ("I {verb} the {adj} {noun} near the {noun2}.;I {verb} a {noun} {adv}.;We {verb} a {noun} and {verb2} some {noun2}.;{name} {verb} the {noun}.;Yesterday I {verb} a {adj} {noun}.;{name} and I {verb} the {noun} {adv}.;They {verb} every {noun} in the {noun2}.;My {rel} {verb} the {noun} {adv}.;The {noun2} {verb} by {name} was {adj}.;I {verb} it because the {noun} was {adj}.;Last week we {verb} the {adj} {noun}.;Someone {verb} my {noun} {adv}.;I {verb} {num} of them.",
     "I see.;Go on.;That sounds {adj}.;Tell me more about the {noun}.;Interesting."),
    ("The {noun} was {adj} and the {noun2} was {adj2}.;The {noun} looks {adj} today.;The {noun} is too {adj}.;This {noun} is really {adj}.;The {noun} in the {noun2} is {adj}.;It was a {adj} {noun}.;There is a {adj} {noun} in the {noun2}.;The {noun} near the {noun2} seems {adj}.;Every {noun} is {adj} in its own way.;A {noun} can be {adj}.;What a {adj} {noun}!;No {noun} is as {adj} as this one.;My {rel}'s {noun2} was {adj}, I think.",
     "I see.;That sounds {adj}.;Interesting.;Tell me more about the {noun}.;Okay."),
    ("I spent the {time} {act}.;I was {act} all {time}.;We were {act} when the {noun} broke.;I'm {act} right now.;I'm thinking of {act}.;My {rel} was {act} {adv}.;{name} is {act} again.;After {act} I felt {adj}.;I like {act} in the {time}.;Today I'll be {act}.",
     "Sounds like a good way to spend the {time}.;How nice.;I see.;Go on."),
    ("I had {food} for {meal}.;We ate {food} at the {noun}.;My {rel} made {food} {adv}.;The {food} was {adj}.;{name} brought {food} to the {noun}.;I'm cooking {food} tonight.;There was {food} and {food2} at the party.;I burned the {food}.",
     "That sounds tasty.;Enjoy!;I hope it was good."),
    ("I met {name} at the {noun}.;{name} came by {adv}.;{name} told me about {city}.;I talked to {name} about the {noun}.;{name} says the {noun} is {adj}.;I haven't seen {name} for a long time.;{name} called me {adv}.;My {rel} met {name} in {city}.;{name} and {name2} went to {city}.;I wrote a letter to {name}.;Do you know {name}?;{name} is coming over {time2}.",
     "How nice.;I see.;Tell me more.;What happened then?"),
    ("I went to {city} last year.;{city} is {adj} in {season}.;We visited {city} once.;The train to {city} was late.;I saw a film about {city}.;Someone from {city} wrote to me.;They say {city} is {adj}.;The {noun} in {city} is famous.;My {rel} flew to {city} {adv}.;I dreamed about {city}.",
     "I've never been there.;That sounds {adj}.;I see.;How was it?"),
    ("I read about {num} {noun}s in the news.;The {noun} costs {num} euros.;There were {num} people at the {noun}.;It took {num} minutes.;Bus {num} was late.;We walked {num} steps today.;The {noun} opened in {num3}.;I counted {num} {noun}s.;The recipe needs {num} grams of {food}.",
     "That's quite a number.;I see.;Okay."),
    ("Work was {adj} today.;The meeting took forever.;My {rel} is visiting next week.;My {rel} is {adj} today.;The bus was late again.;My computer is slow.;The neighbours are loud.;Traffic was {adj}.;I overslept.;The shop was closed.;I have a lot to do.;I can't find the {noun}.;I should clean the {noun}.;I need a new {noun}.;I forgot to buy {food}.;The weekend was {adj}.;We're redecorating the {noun}.;I'm learning how to fix a {noun}.",
     "I see.;I understand.;I hope it gets better.;Okay."),
]
STATEMENTS += [
    ("[I/We] [played/always play/sometimes play] {game} [on {day}s/with {name}/every {day}/after work/in the {season}/against {name}].;[I/We] [watched/saw/missed] the [match/game/race/show/news/film] [with friends/on TV/last night/in {city}/with {name}/at the {noun}].;[I/We] [go/went] [for a walk/to the gym/to the cinema/shopping/dancing/to bed early/for a run/to a concert] [{adv}/on {day}s/with {name}/every {day}].", "I see.;Sounds good.;How nice.;Okay."),
    ("[My/Our] [neighbour/{rel}/boss/friend/teacher/colleague] [bought/sold/wants to see/is looking for/talked about/lent me] [a nice {noun}/a {adj} {noun}/the {noun}/my {noun}].;[My/Our] [neighbour/{rel}/boss/friend/teacher/colleague] [was/seems/has been] [in a bad mood/in a good mood/late again/very kind/angry/on holiday/ill/busy/asleep/at the {noun}/proud of me/quiet {adv}].;[My/Our] [neighbour/{rel}/boss/friend/teacher/colleague] [snores/sings in the shower/talks too much/laughed a lot/never calls/complains a lot/told me a joke/came by {adv}/cooked {food}/went to {city}].", "I see.;Okay.;Interesting.;Go on."),
    ("The [cat/dog/baby/bird/horse/neighbour] [is resting/is sleeping/sits/was lying/is hiding] [on the sofa/on the {noun}/in the {noun}/under the {noun}/outside].;[The/My] [phone/washing machine/heating/internet/printer/alarm clock/radio/fridge] [is broken/stopped working/makes strange noises/is too loud/was expensive/is new].;[I/We] [bought/got/ordered/returned/washed/lost/broke] [new boots/a {adj} {noun}/some {food}/two {noun}s/a few {noun}s/the wrong {noun}][/ today/ yesterday/ online].", "I see.;Okay.;Interesting."),
    ("[Someone/A man/A woman/A stranger/Somebody] [called/named] {name} [called/rang/asked for me/wrote to me/waved at me/stood at the door/sat next to me] [this morning/today/yesterday/on the train/at the {noun}].;[I/We] [went/flew/drove/took the train/travelled] to {city} [once/years ago/on a school trip/for a day/as a child/last {season}/for work/with {name}].;I [have never been/was never/would love to go/may go some day] to {city}.;{city} [is a nice city/is far away/was in the news/has a famous {noun}/must be lovely in {season}/is too {adj} for me].".replace("have never been/was never/would", "have never been/would"), "I see.;Interesting.;Tell me more.;Okay."),
    ("[I think/I believe/I guess/I suppose/They say/Some say/I heard] [the {noun} is {adj}/it will rain/that's true/life is short/time flies/{food} is healthy/the {noun} costs too much/it's {adj} in {city}/people are {adj}].;[It's/It was/It is] [almost {time}/{day} today/a quiet {time}/too early/too late/time for a break/a bit {adj}/half past nine/really {adj} in {month}].;[Nothing/Not much/Something {adj}/A lot] happened [today/yesterday/this week/at the {noun}].;[In {month}/In {season}/On {day}/This {time}/Next year] [we'll see/I'll rest/it gets {adj}/everything will be {adj}/there is a lot to do].", "I see.;Okay.;Interesting."),
    ("I [should/must/have to/need to/want to/will/could/can't] [call {name}/clean the {noun}/buy {food}/wash the {noun}/go to the {noun}/write to {name}/do more sport/drink more water/pay the bills/rest a bit/finish my work/see a doctor][/ today/ tomorrow/ soon/ later].;I [forgot/remembered/tried/decided/managed/hope/plan] to [call {name}/clean the {noun}/buy {food}/fix the {noun}/go out/stay home/sleep more].;[Can you believe/Did you see/Have you heard/Did you know] [it/that the {noun} is {adj}/about the {noun}/what happened in {city}]?", "I see.;Okay.;I understand."),
]
STATEMENTS.append(
    ("It gets {adj} in {month}.;I like it a lot.;It's great.;That was a long time ago.;I always forget that.;It happens every {day}.;It took all {time}.;We all love it.;It's really {adj}.;That's how it goes.;I never thought about that.;It was {adj} in {month}.;That makes me {adj}.;Everyone says so.;It's a bit {adj} sometimes.;It was fun.;It's not far from the {noun}.;They said it would be {adj}.;It will be over in {month}.;I think about it every {day}.;I do that on {day}s.;We play {game} on {day}s.;The {noun} is on {day}s only.;That's all.;The shifts are long.;My {body} hurts.;It was worth it.;Some days are {adj}.;He was {adj} about it.;She likes the {noun}.;They are {adj}.;You would like it.",
     "I see.;Okay.;Interesting."))
OPENERS = ["", "", "", "", "", "", "You know, ", "Well, ", "So ", "By the way, ", "Honestly, ", "Guess what, ", "Oh, ", "Anyway, ", "Also, ", "And "]
WALL = "the a and of to in is was that it for on with as but at by from they this have had not are or an which when who will more no if out so what up said about than into them can only other new some could time these two may then do first any my now such like over our man me even most made after also did many before must through years".split()
_SLOTS = ("noun2", "noun", "adj2", "adj", "verb2", "verb", "act", "food2", "food", "name2", "name", "city", "adv", "rel", "country", "title", "num3", "num2", "num", "time2", "time", "meal", "season", "month", "day", "game", "body")
TOPICS = [(a.split(";"), b.split(";")) for a, b in TOPICS]
STATEMENTS = [(a.split(";"), b.split(";")) for a, b in STATEMENTS]


def _draw(r, slot):
    if slot in ("noun", "noun2"): return r.choice(w.NOUNS)
    if slot in ("adj", "adj2"): return r.choice(w.ADJECTIVES)
    if slot in ("verb", "verb2"): return r.choice(w.VERBS)
    if slot == "act": return r.choice(w.ACTIVITIES)
    if slot in ("food", "food2"): return r.choice(w.FOODS)
    if slot in ("name", "name2"): return w.person(r)
    if slot == "city": return w.city(r)
    if slot == "adv": return r.choice(w.ADVERBS)
    if slot == "rel": return r.choice(w.RELATIVES if r.random() < .7 else w.PETS)
    if slot == "country": return r.choice(w.COUNTRIES)
    if slot == "title": return w.title(r)
    if slot in ("num", "num2"): return str(r.randrange(2, 200))
    if slot == "num3": return str(r.randrange(1700, 2026))
    if slot == "time": return r.choice(("morning", "evening", "day", "afternoon", "weekend", "night"))
    if slot == "time2": return r.choice(("tonight", "tomorrow", "later", "this weekend", "on " + r.choice(w.DAYS)))
    if slot == "month": return r.choice(w.MONTHS)
    if slot == "day": return r.choice(w.DAYS)
    if slot == "game": return r.choice(("chess", "cards", "dominoes", "bingo", "poker", "darts", "tennis", "football"))
    if slot == "body": return r.choice(("knee", "head", "back", "foot", "arm", "tooth"))
    if slot == "meal": return r.choice(("lunch", "dinner", "breakfast"))
    return r.choice(w.SEASONS)


def _both(r, message, reply):
    for slot in _SLOTS:
        mark = "{" + slot + "}"
        if mark in message or mark in reply:
            v = _draw(r, slot)
            message, reply = message.replace(mark, v), reply.replace(mark, v)
    return _AN.sub(r"\1n ", message), reply


_AN = re.compile(r"\b([Aa]) (?=[aeio])")


def topic(r):
    a, b = r.choice(TOPICS)
    return _both(r, expand(r, r.choice(a)), r.choice(b))


def statement(r):
    a, b = r.choice(STATEMENTS)
    message = expand(r, r.choice(a))
    message, reply = _both(r, message, r.choice([x for x in b if all(slot in message for slot in re.findall(r"{\w+}", x))]))
    o = r.choice(OPENERS)
    if o and not o[:-1].endswith(("!", ".")): message = o + (message if message[:2] in ("I ", "I'") or message.split()[0] in w.NAMES or not message.split()[0] in ("The", "We", "They", "My", "A", "It", "This", "There", "Yesterday", "Last", "What", "Every", "No", "After", "Today", "Someone", "Work", "Traffic", "Bus") else message[0].lower() + message[1:])
    return message, reply


def wall_of_text(r):
    """Words without much sense: whatever one may paste. Nothing in it is to be remembered."""
    out = []
    for _ in range(r.randrange(2, 9)):
        n = r.randrange(5, 18)
        s = " ".join(r.choice(WALL) if r.random() < .5 else r.choice(w.NOUNS) if r.random() < .5 else r.choice(w.ADJECTIVES + w.VERBS) if r.random() < .7 else w.invented(r) for _ in range(n))
        out.append(s[0].upper() + s[1:] + r.choice("....?!"))
    return " ".join(out), r.choice(("I see.", "Okay.", "That is a lot of text."))


def exchange(r):
    """(message, reply) that changes nothing of what is known."""
    t = r.random()
    if t < .3: return topic(r)
    if t < .965:
        message, reply = statement(r)
        while r.random() < .35:
            more, reply = statement(r)
            message += " " + more
        return message, reply
    return wall_of_text(r)
