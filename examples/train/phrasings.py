"""More ways to say the facts of facts.py, as compact grammars: [a/b/] is one of a, b or nothing.

One phrasing a line, marked as in facts.py: !... only for the user, ~... only for others. {he} {his} {him} fit a family's
noun (a sister, a dog); {it} {them} are a thing or things. `check` are yes/no questions; its answers say the fact, too.
The noun of "called" may be a pet, a person or a thing: `pet` and `person` are phrasings for those alone.
"""

NOD = "[right/isn't that so/correct/am I right/yes or no/true/or not/is that right]"
WHO = "[someone/a friend/my boss/the clerk/a colleague/the doctor/this form/my neighbour/the receptionist/a man here/the officer]"

MORE = {
    "name": dict(
        say="""
![hello/hi/hey/good day/nice to meet you], [I'm/I am/my name is/it's/this is/you're talking to] {v}
!my [parents/mum/dad/family/friends/mates/colleagues/folks] [named/call/christened/always called] me {v}
![you can/you may/you could/just/please/kindly/simply/feel free to/do] [call me/refer to me as/write to me as/know me as/speak to me as] {v}
!I [sign/sign off/always sign] [my emails/my mails/everything/my notes/my postcards] [as/with] {v}, [that's me/that is my name/my name]
![everybody/everyone/all the people/anyone] [at work/at the office/in my town/in my family/at home/in class/in the club/here] [calls me/knows me as/says] {v}[/, so you can too/, that's my name]
!the name [in my passport/on my badge/on my birth certificate/on my letterbox/on my ID card/I was given at birth/I use] is {v}
!{v}[, that's me/, that is me/ is me/, nice to meet you/ is the name/, at your service/ is how I'm called/, that's how people call me/ - that's my name/. That's my name/. That's me]
!you [have/are having] the [pleasure/honour] of [talking/chatting/speaking] [to/with] {v}
![who am I? I'm/who I am? I'm/my name? It's/my name? That's/you ask my name? It's/you wanted my name:/name:/my name:] {v}
!they [baptised/named/christened] me {v}[/ after my grandmother/ after an uncle/ when I was born]
!I was [born/baptised/registered/christened] [as/] {v}
!my [real/first/actual/proper/official/full/given/own] name[ is/ would be/'s] {v}
!I [respond/listen/react] to [the name/] {v}
![officially/in real life/among friends/at work/to my friends/to you] I'm {v}
![remember me as/think of me as/keep me in mind as/put me down as/save me as/note me down as] {v}
!I [like/love/want/prefer] [to be called/being called/it when people call me] {v}
!with [kind/warm/best] regards, {v}[, that's me/, my name/]
!if [anyone asks/you need a name/you must call me something], [I'm/call me/my name is/it's] {v}
""",
        change="""
![nobody calls me/I'm no longer/I don't go by/I stopped using/I dropped the name/I don't like] {old} [any more/anymore/these days/now], [I'm/call me/my name is/it's/I go by/I want to be] {v}
![scrap that/scratch that/strike that/oops/wait/no/forget that/my mistake], [I'm/my name is/it's/call me] {v}[/, not {old}/ instead of {old}/ rather than {old}]
!I used to be {old}, [but now I'm/now it's/but today I'm called/but these days I go by] {v}
!my name used to be {old}, [now it is/it's/but now it's/today it's] {v}
!I [switched from/went from/changed my name from] {old} to {v}
![I got married/I had it changed/after the wedding/since my divorce] [and/] my name is {v} now
!my [friends/colleagues/mates/family] [now/these days] [call me/say] {v}[/, so please do too]
!from [now on/this day on/tomorrow on/here on][/,] [I'm/call me/I want to be/please call me/I shall be/I'd like to be/address me as] {v}
!it [turns out/appears/seems] [I misspelled/I mistyped] my name, it's {v}
!{v} [is my name now/is my new name/is what I'm called now/instead of {old}, please/, not {old}, is my name]
!I [typed/spelled/wrote] [my name/it] wrong, [it's/my name is/I'm] {v}
!I [took/chose/picked/was given/adopted] [a new/another/a different] name[:/, it's/, namely/ and that's] {v}
!{old} was [my old name/a joke/wrong/a nickname/a mistake], [I'm/my name is/my real name is] {v}
!instead of {old} [call me/say/please say/use/write] {v}
""",
        ask="""
![what/which] [is/was] [my/this person's] [name/first name/given name] [again/then/please/now/in your memory]
![do you/can you/could you] [still/] [remember/recall/say/tell me/guess/spell] [my name/what I'm called/who I am/how I'm called/the name I gave you]
![with/to] [who/whom] [are you/do you think you are/do you believe you are] [talking/speaking/chatting]
![by/under/with] [which/what] name [do you know me/do you address me/do I go/should you call me/do my friends call me/am I known/did I come to you]
!how [do/would/should/could/will] [you/people/others/my friends/one] [address/call/name/greet] me
![say/tell me/repeat/write/spell/state/give me/use/type] my name[/ please/ again/ once more/, please/ back to me/ for me]
![greet/welcome/address/call] me by [name/my name/my own name]
!say [hi/good night/good morning] to me by [name/my name]
!who [do you think I am/did I say I am/did I say I was/is this person/am I again/is chatting with you/is typing/is writing to you/is it that you talk to/might I be/have I said I am]
!what [did I call myself/do I call myself/did I tell you I'm called/name do I have/do my mates call me/name do I use/do they call me/did my parents name me/is the name of mine/did I say my name was/did I say I'm called/am I called again/was it that people call me]
![which name is mine/what name is mine/which name belongs to me/which name do I have/which name is on my passport/what's the name on my badge]
!my name[/, please/ again/ is what/ is what again/ was what/, what is it/, what was it/ - what is it/? Do you know it/, do you know it/, remember/ is/ was]
!you [still/do/surely/] [know/remember/have] [my name/what I'm called/who I am][, don't you/, right/, I hope/, I guess/, or do you/, do you]
![I bet/I hope/surely/I'm sure] you [still/] [know/remember] [my name/who I am/what I'm called][/, right]
!my name [slipped your mind/is still in your head/is no secret to you/is known to you/is on file with you/is clear to you/has not left you], [right/isn't it/hasn't it/has it/did it]
![if you wrote me a letter/if you sent me a card/if you shouted for me/on my name tag], [which name would you use/what name would be on it/which name]
![what shall I/what do I/what should I] [write/put] on my [name tag/badge/door/letterbox] as my name
![to whom would you address/how would you start] a letter to me
![sign this for me/fill in my name/put my name here/write my name on the form], [what is it/please/which name]
![forgot/have you forgotten/did you forget] [my name/who I am/what I'm called]
!I told you my name[/ earlier/ before/ a while ago], [what is it/what was it/which one is it/do you know it]
![me, who am I/and me, what's my name/so I'm called what/so I am who/and I'm/and who am I/I am who/I'm called what/so who am I/I'm who again]
![whats/what is/wats/what's] my name[/ pls/ plz/ again/ then/ btw]
""",
        check="""
![is/isn't/was/wasn't] my name {v}
![am I/aren't I] [called/named/known as/] {v}
!do [people/they/my friends/you] call me {v}
!is {v} [my name/what I'm called/who I am/how people call me]
!do I go by {v}
!did I [say/tell you] [my name is/my name was/I'm/I'm called] {v}
!my name is {v}, """ + NOD + """
!I'm {v}, """ + NOD + """
!are you [talking/speaking] to {v}
![you know me as/I'm called] {v}, """ + NOD,
        np="![my name/my first name/my given name/my own name/the name I gave you/the name I go by/the name people use for me/the name of the person you talk to/the name I told you]",
        clause="![who I am/what my name is/what I'm called/how I'm called/how to address me/what people call me/which name is mine/which name I go by/what I said my name was/who you're talking to/who is talking to you/how my friends call me/by which name I go]"),
    "home": dict(
        say="""
![after/for] [ten years/half my life/a long time/three summers] [abroad/at sea/on the road/overseas/of travelling][/,] I [finally/at last/now/] [live/settled/settled down/found a home] in {v}
![I've/we've] been [living/renting a flat/renting a small place/renting/settled/at home/staying/sharing a house] [here/] in {v} [for years/for two years/since spring/since 2015/for ages/since I was ten/for a month]
![my/our] [flat/apartment/house/place/home/little house/bungalow/cottage/room/studio] is [in the middle of/on the edge of/in the north of/in the old town of/in the suburbs of/in/in downtown/close to the centre of/somewhere in/on a hill in/down in] {v}
![I'm/we're] [writing/typing/calling/chatting/sending greetings] [this/] from {v}, [my home/my city/the city I live in/where my house is/I live here]
![home/home sweet home/my home/my city/my town/where I live/my place of residence/my current city/city/town/hometown now] [is/:] {v}
!{v} is [home/my home/my town/my city/where I'm based/where I've settled/where my flat is/where my bed is/the place I live in/the city I live in/home for now/my home base/where you can find me/where we live]
![I/we] [reside/dwell/have a flat/have a house/have an apartment/are based/are at home/are settled/are living/stay] [right/up/down/over/out/way out/happily/quietly/near the river/by the station/with friends/with my family/alone/] in {v}
!every [morning/evening/night/day] I [wake up/go to bed/come home/walk the streets/sleep] in {v}, [where I live/my home/that's my city/because I live there]
![I/we] [bought/own/rent/have/found/inherited/built] [a flat/a house/an apartment/a small place/a cottage/a nice place/an old house/a room] in {v}[, that's where I live/ and live there/ and live in it/]
!the [city/town/place/village] [where I live/I live in/I call home/I'm based in/where my house is/that I live in] is [called/named/] {v}
![I'm/I am] [a resident/a citizen/an inhabitant] of {v}
![in {v} I live/it's in {v} that I live/in {v} is where I live/it is {v} where I live/{v}, I live there]
!I [commute/drive/walk/cycle] home to {v} [every day/each evening], [I live there/where I live/my city]
!my [address/current address] is in {v}
![myself/as for me/personally], I live in {v}
!where I live? [In/That's/It's in/Simple,] {v}
{I} live|lives in [a flat/a house/a small flat/an apartment/a big house/a tiny room/an old house/a village called/the town of/a place called/a small town called] {v}
{my} [home/house/flat/apartment/place] is in {v}
~{I} [is based/resides/has a flat/has an apartment/is at home/is staying/has settled/settled down/rents a flat/rents a room/has found a home/owns a house] in {v}
~the [city/town] where {I} lives is {v}
~[you'll find {me} in {v}, that's home/{v} is where {I} lives/{v} is {my} home/{v} is home to {me}]
""",
        change="""
![scrap that/scratch that/wait/oops/no/sorry/my mistake/forget that], I [live/actually live/really live] in {v}[/, not {old}/, not in {old}]
!I [used to live/lived] in {old}, [but now/now/but these days/today/but as of this week] [I live/my home is/I'm] in {v}
![I'm not in/I no longer live in/I don't live in/I'm gone from/I'm done with/we are no longer in] {old} [/any more/any longer/these days], [now it's/I moved to/I live in/we moved to/my home is in] {v}
![last week/last month/yesterday/this spring/over the weekend/a week ago/in March] [I/we] [moved/relocated/went/moved house/moved everything] to {v}
![we've/I've] [sold the flat/sold the house/left/given up the flat/packed everything/said goodbye] in {old} and [moved to/live in/settled in/bought one in] {v}
![the move is done/big step/new chapter/fresh start/the boxes are unpacked/it is official], [I/we] [live in/moved to/are settled in/now live in] {v}
!my [new/current/present] [city/town/home/address] is [in/] {v}
!I [swapped/traded/exchanged] {old} for {v}[, that's my home now/]
![I/we] [found/got/bought/rented] a [new/bigger/cheaper/nicer] [flat/house/place/home] in {v}[ and moved there/, so I live there now/ and left {old}]
!instead of {old}, [I live in/home is/my home is/I'm now in] {v}[/ now]
!{old} [got too expensive/was too loud/was lovely, but/is history/is behind me/got boring], [now I live/I live/I'm living/my home is] in {v}[/ now/ these days]
~{I} [moved from {old} to/has left {old} for/no longer lives in {old} but in/relocated to/is now living in/has a new flat in/settled in/went to live in] {v}
~[last week/last month/this year] {I} moved to {v}
{I} [moved away to/moved over to/moved back to/just moved to] {v}
""",
        ask="""
[where/in which city/in what city/in which town/in what place/in which place] do|does {I} [live/reside/have {my} home/currently live/live now/live these days/live at the moment/live again/actually live/stay/dwell/sleep at night]
[where/in which city/in what town/in which town] [is/was] {my} [home/house/flat/apartment/place/current home][/ again/ now/ these days/ at the moment/ located/ situated]
[which/what] [city/town/place] [do|does {I} live in/do|does {I} call home/is {my} home/is home to {me}/am|is {I} based in/am|is {I} living in/am|is {I} settled in/do|does {I} reside in/have|has {I} settled in]
where am|is {I} [based/living/settled/at home/living now/living these days/at home these days/residing/located]
[where/in which city] [could/would/can/should/might] [you/one/people/someone/the postman] [find/visit/meet/look for/come to see] {me} at home
!if [you/someone/my mum/a friend] [sent/mailed/posted] me [a letter/a package/a postcard/a box], [where/which city/to which city] would it [go/arrive/have to go/be sent]
![to which city/to which town/where] [should/would/do/can] [you/I/one/they] [send/post/deliver/address] [my mail/my letters/a card for me/my package/a parcel for me/the pizza]
![which city/what city/which town] is [on my address/in my address/in my postal address/on my letterbox/mine/my own]
![what's/what is/which is] my [current/present/new/own] [city/town/place of residence/address/home city/home]
![in which city/where/in what town] [do I pay my rent/is my bed/do I go to sleep/do I wake up/do I come home to/is my letterbox/is that flat of mine/is my front door/have I settled down/have I set up home/do I spend my nights/have I found a flat]
!I'm [going home/on my way home/driving home/in a taxi home], [where to/which city is that/where is that]
!I [live/am living/reside] where[ again/ exactly/ now/ these days/]
!my [city/home/town/place] is [which one/where/where again/called what/what again]
!where [did I say/did I tell you/have I said] [I live/my home is/I'm based/my flat is/I'm living]
![which/what] [city/town/place] did I [say I live in/mention as my home/tell you I live in/name as my home/move to]
!where have I [moved/moved to/settled/ended up living/made my home]
![do I live anywhere/have I got a home], [where/in which city/and where is it]
!and [where I live/my home/my city]
~[where/in which city] has {I} [settled/settled down/got a flat]
~{I} lives where[ again/ now/]
~and {I}, [where does that one live/in which city/where is home/in what town]
""",
        check="""
do|does {I} [live/reside/still live/have {my} home] in {v}
[is {my} home/is {my} house/is {my} flat] in {v}
am|is {I} [living/based/settled/at home] in {v}
!is {v} [my city/my home/where I live/the city I live in/my home city]
!did I [say/tell you] I live in {v}
!I live in {v}, """ + NOD,
        np="""
![my city/my home/the city I live in/the town I live in/my current city/my place of residence/the place where I live/the city of mine/my present home/my home city/the name of my city/the place I call home]
~{my} [city/home/town/place of residence/home city/current city]
""",
        clause="""
where {I} [live|lives/reside|resides/am|is living/am|is based/currently live|lives]
[which/what] [city/town/place] {I} [live|lives in/call|calls home/am|is based in]
!where [my home is/my flat is/my house is/I'm settled/I'm at home/to find me/you would find me/I live these days/I live now/I have my home/I've settled]
in which [city/town] {I} live|lives
"""),
    "origin": dict(
        say="""
!I [was born/grew up/was raised/spent my youth/went to school/spent my first years/was a child/learned to walk] [in a village/by the sea/in a small house/in the countryside/in a big family/] in {v}[, that's where I'm from/]
!it was in {v} that I [grew up/was raised]
!{v} is [where I was born/where I grew up/where I come from/where I'm from/my birthplace/my home country/my native country/where my roots are/the land of my childhood/the country I come from]
![originally/by birth/by origin] I'm from {v}
!I'm [a child of/a native of/born in/from far away/ a proud son of] {v}
!my [family/parents/people] [come/came] from {v}[, and so do I/ like me]
!I [left/moved away from] {v}, [where I was born/where I come from/the country of my birth], [as a teenager/long ago/at twenty/years ago]
!my [country of origin/native country/country of birth/place of birth/country/place of origin] is {v}
![home country/country of origin/born in/place of birth/birthplace]: {v}
{I} [originally/actually/] come|comes from [a village in/the north of/the south of/the coast of/] {v}
{I} [was|was born/grew up/was|was raised] in [the south of/the north of/the heart of/] {v}
~{I} is [originally from/a native of/from] {v}
~{my} [family/parents] came from {v}, and so did {I}
""",
        change="""
!I [was actually born in/actually come from/really come from] {v}[/, not {old}/, not from {old}]
![scrap that/wait/oops/sorry/correction], I'm from {v}[/, not from {old}]
""",
        ask="""
[from what country/from where/from which place] do|does {I} [come/come originally/originate/hail]
[which/what] [country/place/land/state/region/part of the world] [am|is {I} from/do|does {I} come from/was|was {I} born in/did {I} grow up in/am|is {I} originally from]
[in which/in what] [country/state/town/region/place/land] [was|was {I} born/was|was {I} raised/did {I} spend {my} childhood/did {I} go to school as a child/did {I} come into the world]
where [do|does {I} originally come from/am|is {I} originally from/was|was {I} brought up/did {I} grow up again/did {I} come into the world/are {my} roots/is {my} family from/is {my} birthplace/was {my} childhood home]
[what/which] is {my} [country of origin/native country/birthplace/place of birth/home country/country of birth/country/origin]
![my birthplace/my home country/my country], [where is it/what is it/which is it]
!I [come from/was born/grew up] where[ again/ exactly/]
!I was born in which country
""",
        check="""
am|is {I} [from/originally from] {v}
do|does {I} come from {v}
was|was {I} born in {v}
did {I} grow up in {v}
!is {v} [my home country/where I was born/where I come from]
""",
        np="{my} [country of origin/birthplace/native country/home country/place of birth/origin/country of birth]",
        clause="""
from which country {I} come|comes
where {I} [was|was born/grew up/was|was raised/come|comes from/originally come|comes from]
[which/what] country {I} [am|is from/come|comes from]
"""),
    "job": dict(
        say="""
!I [pay/earn] my [bills/rent/keep/bread/living] [working as/as/by being] a {v}
![by profession/by training/by day/for a living/in my working life/at work/during the week/professionally/in daily life] I'm a {v}
!I [work/am working/earn my living/make a living/have work/serve/am employed/have been employed/do shifts/am self-employed/freelance] [full time/part time/nights/every day/] as a {v} [at the harbour/in a small firm/for a big company/in the city/at night/five days a week/and I like it/from home/]
![they/some people/a firm] [pay me to be/employ me as/took me on as/gave me a job as] a {v}[/ last spring/ two years ago/ in May]
!I'm a [trained/qualified/freelance/self-employed/junior/senior/full-time/part-time/passionate/busy/certified] {v}
!my [job/profession/occupation/work/line of work/position/role/calling/vocation/career] [is/is that of a/is being a/: ] {v}
![job/profession/occupation/trade/my job/my trade/my work]: {v}
!all day [long/] I [sit at a desk/stand/run around/talk to people/carry things/use my hands], I'm a {v}
![what I do/what I do for work/what I do for a living/my job]? I'm a {v}
!I [studied/trained/learned/worked hard] for years to [be/become] a {v}, [and now I am one/that's my job/and that's what I am]
!a {v} is what I [am/work as/do for a living]
!{v} is my [job/trade/profession/occupation/line of work]
!you're talking to a {v}
!I [have/got] a [job/position/post] as a {v}
!being a {v} [pays my bills/is my job/is what I do/is how I earn money/feeds my family/keeps me busy, it's my job]
{I} [work|works/am|is working/am|is employed/make|makes a living/earn|earns a living] as a {v}
{I} am|is a {v} [by trade/by profession/for a living/at a firm/these days]
~{I} [earns money/makes money/is employed/found work/got a job] as a {v}
~{my} [job/profession/occupation/work] is {v}
""",
        change="""
!I [used to be/was] a {old}, [but now I'm/now I'm/but these days I'm/now I work as/today I'm] a {v}
![I got promoted/I was promoted/I found something better/I retrained/I went back to school/new year, new job/I handed in my notice/I quit/they fired me/I was laid off], [now I'm/I'm now/so now I work as/and now I'm/now they call me] a {v}
![I'm no longer/I don't work as/I stopped being/I quit being/I gave up being] a {old}[/ any more/ these days], [I'm/now I'm/I work as/I became/now I work as] a {v}
![scrap that/scratch that/wait/oops/correction/sorry], I'm a {v}[/, not a {old}/, no longer a {old}]
!instead of [being a/working as a] {old}[/,] I [am/work as/now work as] a {v}[/ now]
!I [switched jobs/changed jobs/changed careers/changed profession], [from {old} to {v}/I'm a {v} now/I work as a {v} now]
!my [new/current/present] [job/position/profession/role/work] is {v}
![as of/since/from] [today/this week/last month/Monday][/,] I [am/work as] a {v}
~{I} [quit and became/is no longer a {old} but/was promoted and is now/changed jobs and works as/retrained as/now has a job as/has become] a {v}
{I} [became/turned into/have|has become] a {v}
""",
        ask="""
[what/which] [job/trade/occupation/work/kind of job/position] [do|does {I} do/is mine/have|has {I} got/did {I} learn/do|does {I} have now]
what [is/was] {my} [job/profession/trade/occupation/work/position/line of work/role/daily work/day job/current job/vocation/calling][/ again/ now/ these days/ at the moment]
what do|does {I} [do/work/do for work/do for money/do to earn money/do at work/do all day/do professionally/do as a job/do for {my} living/work as/work as again]
how do|does {I} [earn {my} money/earn {my} living/make {my} money/make {my} living/pay {my} rent/earn {my} bread/keep {my} family fed/get {my} money]
as what [do|does {I} work/am|is {I} employed/do|does {I} earn {my} living/was|was {I} hired]
[what/which profession/what sort of worker] am|is {I} [by trade/by profession/at work/professionally/employed as/hired as/paid to be/working as/trained as]
[in which/in what] [job/profession/trade/field/line of work] [do|does {I} work/am|is {I}/am|is {I} employed/do|does {I} earn money]
!what [did they hire me as/do they pay me for/do they employ me as/would you write as my profession/am I when I work/goes under profession on my form/do I say when people ask for my job/do I go to work for/is my job called/did I say my job was/did I say I do/did I say I work as]
!my [job/profession/trade/work] is [what/what again/called what]
!I work as what[ again/ exactly/]
![what/which profession] [was I/did I work as] [until I retired/in my working life/all those years]
!what [job/profession/trade] did I [have/learn/do][ before I retired/ all my life/ for years/]
!and [my job/my profession/what do I do/my work]
!what's my job title[/, do you know/, please/ again]
~{I} works as what[ again/]
~and {I}, [what job/which profession/what work does that person do]
""",
        check="""
am|is {I} a {v}
do|does {I} work as a {v}
[is/was] {my} [job/profession] {v}
!do I [earn my money/make a living] as a {v}
!did I [say/tell you] I'm a {v}
!I'm a {v}, """ + NOD,
        np="{my} [trade/position/line of work/day job/work/current job/job title/role at work/calling/vocation/job/profession/occupation]",
        clause="""
what {I} [do|does for money/do|does as a job/am|is by profession/work|works as/do|does all day/do|does professionally]
[what/which] [job/profession/trade] {I} [have|has/do|does]
how {I} [earn|earns money/make|makes a living/earn|earns {my} living]
as what {I} work|works
"""),
    "employer": dict(
        say="""
!I [work/am working/have a job/have a position/do my job/spend my days/started/have worked/am employed] [at/with] {v}[/ since last year/ since May/ these days]
![my/the] [company/firm/employer/workplace/business] [I work for/that pays me/that employs me] is {v}
!{v} [is my employer/is where I work/is the company I work for/employs me/pays my salary/is my workplace/is the place I work at]
!I [get/earn] my [salary/money/wages/pay] [from/at] {v}, [where I work/my employer/I work there]
!every [morning/day] I [go to work/drive to work/take the bus to work] at {v}
![employer/workplace/company]: {v}
~{I} [has a position/is employed/earns money/does shifts] at {v}
""",
        change="""
!I [used to work at/worked for] {old}, [now I work/but now I'm/now I'm/but these days I work] at {v}
!I [resigned/quit/was fired/handed in my notice/left {old}/left] and [now work at/joined/began at/signed with/work for] {v}
![I no longer work at/I'm not at/I don't work for] {old} [/any more/any longer], [I work for/I'm at/now it's/my employer is] {v}[/ now]
![scrap that/oops/wait/correction/sorry], I work [at/for] {v}
![since/as of] [Monday/last week/this month][/,] I [work/am employed] at {v}
!my [new/current] [employer/company/workplace] is {v}
""",
        ask="""
[which/what] [company/firm/bank/airline/shop/employer/business/hospital/organisation] [do|does {I} work at/employs {me}/am|is {I} working for/am|is {I} employed at]
[where/at which company/at what firm/for whom/for which company/for which firm] do|does {I} [work/work now/work these days/have {my} job/earn {my} money/do {my} job/spend {my} working days]
[who/which company] [pays {my} salary/employs {me}/is {my} employer/is the employer of {me}/gives {me} work/hired {me}]
!what's [my workplace/my employer/my company/the company I work for/the name of my company/the name of my employer][/ again]
!I work [where/for whom/for which company][ again/]
""",
        check="""
do|does {I} work [at/for] {v}
is {v} {my} [employer/workplace]
am|is {I} employed at {v}
""",
        np="""
{my} [employer/workplace/company/firm]
the [company/firm] {I} work|works for
""",
        clause="""
[which/what] [company/firm] {I} work|works [for/at]
who [employs {me}/pays {me}/{my} employer is]
where {I} [am|is employed/have|has {my} job]
"""),
    "age": dict(
        say="""
!I'm {v} [at the moment/this year/now/today/years young/and feel great/and counting/already/, so not that young/, believe it or not]
![last week/yesterday/on Sunday/in May/last month] I [turned/became] {v}
!I [blew out/had] {v} candles [on my cake/yesterday/last week], [so I'm {v}/I'm {v} now/I am {v} years old]
!I've [been alive/been around/been on this planet/walked this earth] for {v} years
![age/my age/years]: {v}
!{v} is [my age/how old I am]
![I'm/I am] a {v}-year-old
![so far/by now/as of today] I'm {v} years old
!with my {v} years I [feel young/am not young any more/still run marathons]
!I [reached/hit] {v} [this year/this spring/last week/recently]
{I} [just/recently/] turned {v}
{I} [am|is/am|is already/am|is now/am|is only/am|is just] {v} [years old/years of age]
~{I} [has turned/became/reached the age of] {v}
""",
        change="""
!I [was/used to be] {old}, [now I'm/but now I am/but since today I'm] {v}
![it's my birthday/today is my birthday/I had my birthday/yesterday was my birthday/another year older], [I'm {v} now/now I'm {v}/so I'm {v} now/I turned {v}/I've turned {v}]
![scrap that/wait/oops/correction/sorry/I miscounted], I'm {v}[/, not {old}]
!I'm no longer {old}, [I'm/but] {v}
~{I} [had a birthday and is/is no longer {old} but/is now/just became] {v} [years old/]
""",
        ask="""
how old [am|is {I} now/am|is {I} again/am|is {I} exactly/am|is {I} these days/did I say {I} am|is/was|was {I} again/would you say {I} am|is/am|is {I} in years/am|is {I} at the moment]
[what/what exactly] [is/was] {my} [age/current age/age now/age in years/exact age]
how many years [old am|is {I}/of age am|is {I}/have|has {I} been alive/do|does {I} count/have|has {I} got on {my} back]
[what/which] age [am|is {I}/do|does {I} have/have|has {I} reached/did I say {I} am|is/would you write down for {me}]
![how many candles were on my cake/how many candles go on my birthday cake/how many birthdays have I had/what do I put under age on the form]
![my age/and my age/my age again/age/and how old/I'm how old/I am how old]
![I'm/I am] how [many years old/old]
~{I} is how old
""",
        check="""
am|is {I} {v} [years old/]
[is/was] {my} age {v}
[have|has {I} turned/did {I} turn] {v}
!I'm {v}, [right/correct/am I not/true]
""",
        np="{my} [age/current age/exact age/age in years]",
        clause="""
how old {I} am|is [now/these days/exactly/]
how many years old {I} am|is
what age {I} [am|is/have|has]
"""),
    "birthday": dict(
        say="""
{my} birthday [is always on/is on/comes on/takes place on/will be on] {v}
!I was born on {v}[, so that's my birthday/, that's my birthday/]
![mark your calendar/save the date/write it down/no presents please], my birthday is [on/] {v}
![I/we] [always/] celebrate my birthday every {v}
![birthday/my birthday/bday/my bday/date of birth]: {v}
![I get older/I get presents/I blow out candles/I eat cake/you can congratulate me/you may congratulate me] on {v}, [it's my birthday/that's my birthday/my birthday]
!my [bday/b-day/big day] is [on/] {v}, [I was born then/that's my birthday/so bring cake]
!{v} is [when I was born/the day I was born]
~{I} [has a birthday/was born] on {v}
""",
        change="""
{my} birthday is [actually/really] [on/] {v}
![scrap that/wait/oops/sorry/wrong month/wrong day/I mixed it up], my birthday is [on/] {v}[/, not {old}]
""",
        ask="""
[when/on what day/on which day/on what date/on which date] [is/was] {my} [birthday/birthday again/bday/next birthday/birthday celebrated/birthday party due]
[when/on what day/on which date] [was|was {I} born/do|does {I} celebrate {my} birthday/do|does {I} get older/do|does {I} turn one year older/do|does {I} have {my} birthday/should you congratulate {me}/can you congratulate {me}/do|does {I} get presents/do|does {I} blow out candles]
[which/what] [day/date] [was|was {I} born on/is {my} date of birth]
[in which month and on which day/in what month] [is {my} birthday/was|was {I} born]
what is {my} [date of birth/birthday/birth date/bday]
![bday/my bday/and my birthday/birthday/when's my bday/my birthday is when/my birthday is when again/whens my bday]
""",
        check="""
is {my} birthday [on/] {v}
was|was {I} born on {v}
!is {v} my birthday
!my birthday is {v}, """ + NOD,
        np="""
{my} [birthday/date of birth/birth date/bday]
the [day/date] {I} was|was born
""",
        clause="""
when {I} [was|was born/celebrate|celebrates {my} birthday/have|has {my} birthday]
on which [day/date] {my} birthday is
when {my} [bday/birthday] is
"""),
    "called": dict(
        say="""
{my} {n} [is named/bears the name/goes by the name/goes by the name of/has the name/is known as] {v}
!the {n} [is called/is named/goes by/is] {v}
![my/our] {n}[, named/, called/, it's/: ] {v}
![we/I] [named/call/called/christened] [our/my/the] {n} {v}
![we/I] [chose/picked/decided on/went for/settled on] the name {v} for [our/my/the] {n}
!{v} is [how we call/the name of/what I call/the name we chose for/the name I gave] [our/my/the] {n}
!{v}, that's [my {n}/our {n}/the name of my {n}/what my {n} is called]
![{n}'s name/name of my {n}/my {n}]: {v}
![if you meet/should you meet/when you see] my {n}, [the name is/say hello to/it's] {v}
~[{my} {n}? That's {v}/{v}, that's {my} {n}/{v} is what {my} {n} is called/{my} {n} was named {v}]
{my} {n} was [named/given the name/called] {v}
""",
        pet="""
![we have/there's/there is/we got/I found/I adopted/we adopted/I rescued/I inherited/I was given/I bought/my kids brought home] [a/a new/a young/a little/an old/a tiny/a sweet/a stray/a lazy] {n} [in our house/at home/last week/now/from the shelter/], [{his} name is/named/called/we named {him}/we call {him}/{he} listens to/{he} answers to/the name is/we decided on the name] {v}
!I have a {n}[./,/;/ and] [{his} name is/{he} is called/{he}'s called/we call {him}/{he} is named/the name is/{he}'s named] {v}
!my [tabby/young/old/brown/spotted/fluffy/fat/tiny/lazy/clever/wild/white/grey/black] {n} [answers to/responds to/comes when I shout/comes when I call/reacts to/hears] [the name/] {v}
![my/our] {n} {v} [ran away/came back/made a mess/ate my shoes/woke me up/is hungry/slept all day/was at the vet/jumped on the table/is on my lap/loves the garden/is hiding/got lost/bit me/is getting old] [again/today/yesterday/this morning/last night/]
!I [feed/wash/ride/walk/brush/pet/play with/train/am holding] [my/our] {n} {v} [every day/on Sundays/right now/in the evening/]
!when I [shout/call/whistle and shout] {v}, my {n} [comes/comes running/looks up/wakes up]
![I/we] [live/travel/sleep/hang out] with [a {n} called/a {n} named/our {n}] {v}
""",
        person="""
!my {n} {v} [rang/phoned/wrote to me/called me/visited/sent me a parcel/is staying with us/cooked for us/moved out/came for tea/is coming over/drove me home/is ill/sings in a choir/is getting married/makes me laugh/is very kind/won a prize] [again/today/yesterday/this morning/last week/]
!I [phoned/met/visited/had lunch with/played cards with/argued with/went shopping with/had a long chat with/am having coffee with] my {n} {v} [today/yesterday/this morning/last week/]
!my {n}? [{his} name is/that's/{he} is called/{he}'s called] {v}
!I have a {n}[./,/;/ and] [{his} name is/{he} is called/{he}'s called/{he} is named/we call {him}] {v}
!do you know my {n}? [{his} name is/{he}'s called/{he} is] {v}
!the name my {n} [was given/goes by/uses/was born with/likes] is {v}
!{v} is the name of my {n}[/, by the way]
![did I tell you about/let me tell you about/you should meet/let me introduce/this is/meet] my {n}[/,] {v}
""",
        change="""
!my {n} [isn't/is no longer/is not] [called/named] {old} [any more/anymore/now/], [it's/but/now the name is/the name is] {v}
![scrap that/scratch that/oops/wait/correction/sorry/typing error], [my/the/our] {n} is [called/named] {v}[/, not {old}]
![we/I] [renamed/gave a new name to] [the/our/my] {n}, [it's/the name is/now it's/the new name is] {v}[/ now]
![we/I] gave [the/our/my] {n} [a new/a different] name, [{he} is/{he}'s] called {v} now
![we/I] [got/have] a [new/different] {n}, [{he}'s called/{his} name is/named/called] {v}
!instead of {old} [we call/I call] [our/my/the] {n} {v}[/ now]
![my/our] {n} [used to be/was] [called/named] {old}, [now it's/but now it's/now the name is/but now we call {him}] {v}
!{old} is [gone/no longer my {n}/my old {n}], my new {n} is called {v}
!the [new/right/correct/real/current] name of my {n} is {v}
!I [spelled/wrote/typed] my {n}'s name wrong, it's {v}
~{my} {n} is [no longer called {old} but/really called/now named] {v}
""",
        ask="""
[what/which] name [does {my} {n} have/does {my} {n} go by/does {my} {n} bear/has {my} {n}/did {my} {n} get/was given to {my} {n}/is {my} {n} known by/belongs to {my} {n}]
[what/how] [is/was] {my} {n} [called/named] [again/now/these days/exactly/, do you know/, please/, do you remember/]
{my} {n}[ is called what/ is called what again/ is named what/, what's the name/, what's that name again/, how is that one called/'s name/'s name again/'s name please/'s name is/'s name was/, the name/, who was that/, name/: what's the name/: name]
!what [did we name/did I name/do we call/did we call/do I call/am I calling/have I named/have we named/do you call] [my/our/the] {n}
![which/what] name did [we/I] [pick for/decide on for/say I gave/give to] [our/my/the] {n}
!what's [the/that/our] {n} [called/named][/ again/, do you know]
!what is [that/the] {n} of [mine/ours] called
!the {n}'s name[/ please/ again/ is what/ was/ is]
!and [the/our/my] {n}[/, what's the name/, how is it called/, what's it called/ is called/, which name]
!tell me [our/my] {n}'s name[/ please/ again]
!who is this {n} of mine
![who/which {n}] [is that/did I tell you about]
!what did I [say/tell you] [my/our/the] {n} is [called/named]
!the name of [the/my/our] {n}[/ please/ again/ is what/, what was it/ was]
!do I have a {n}[, and what's the name/ and what is it called/, what's it called]
!how did [I/we] [name/call] [our/my] {n}
!under [which/what] name [do you know/did I mention/did I introduce] my {n}
{my} {n} [has/goes by/answers to/listens to/carries] [which/what] name
""",
        ask_pet="""
![I'm calling/when I call/if I call/I want to call/I have to call] my {n}, [which name do I use/what do I say/what name do I call out/what should I shout]
!what [do I shout/should I shout/do I call out/name do I shout] [when I call/to call/if I want] my {n}
![which/what] name does my {n} [listen to/answer to/respond to/come to/react to/hear]
!to [which/what] name does my {n} [listen/answer/respond/react]
!the vet [wants/needs/asks for] my {n}'s name
!what's [written/engraved] on my {n}'s [collar/tag/cage/bowl] as a name
!who [sleeps in/lives in/runs around] my house, what's my {n} called
""",
        ask_person="""
!who [am I talking about when I say my/do I mean when I say my/did I say is my/did I mention as my/is that person, my] {n}
!what's [his or her/that person's/the] name, I mean my {n}'s[ again/]
![what do I call/how do I address/how do I greet/what should I call/by what name do I call] my {n}
!I'm [writing/sending a card/writing an invitation/talking] to my {n}, [what's the name/which name do I use/who is that]
!my {n} is who[ again/]
![I'm writing a card to my/I need to phone my] {n}, what's the name
""",
        check="""
[is/was/isn't] {my} {n} [called/named] {v}
[is/was] {my} {n}'s name {v}
!is {v} [my {n}/my {n}'s name/the name of my {n}/what I call my {n}]
!do I have a {n} [called/named] {v}
!did I [say/tell you] my {n} is called {v}
{my} {n} is called {v}, """ + NOD,
        np="""
![my {n}'s name/the name of my {n}/our {n}'s name/the name of our {n}/the {n}'s name/the name I gave my {n}]
~[{my} {n}'s name/the name of {my} {n}]
""",
        clause="""
[what/how] {my} {n} is [called/named]
which name {my} {n} has
!what [we/I] [call/named] [my/our/the] {n}
!what [our/the] {n} is called
what {my} {n}'s name [is/was]
who {my} {n} is
"""),
    "favourite": dict(
        say="""
!there [is/'s] no {n} I [like/love/enjoy/adore] [more than/better than] {v}
!my favourite {n}[ of all time/]? [That's easy/No question/Simple/Let me think/Hard to say, but/Clearly/Easy one][,/:] {v}
![if you/when you/should you] [ask me/want to make me happy/need a {n} for me/have to pick for me], [take/choose/pick/go for/it's] {v}, [that's my favourite {n}/my favourite {n}/it's my favourite {n}]
!for me the [best/finest/nicest/loveliest] {n} is {v}[/, my favourite/, that's my favourite/, no doubt]
!the {n} I [love/like/adore/enjoy/prefer] [most/best/above all/more than any other/the most] is {v}
![of all the {n}s/out of all {n}s/among all {n}s/as {n}s go], {v} is [my favourite/the best/the one I love most/the one for me/the one I like best]
!{v} [is the best {n} for me/is my number one {n}/beats every other {n}, it's my favourite/ranks first among my {n}s/ is the {n} I'd always choose/, that's my favourite {n}/, my favourite {n}, is just great]
![I'm mad about/I'm crazy about/I can't live without/I could never get tired of/I have a weakness for/I'm in love with] {v}, [my favourite {n}/it's my favourite {n}/that's my favourite {n}]
![at school/years ago/last year] I [chose/picked/decided on] {v} as my favourite {n}
![fav/fave/favourite/my fav/my fave/top] {n}: {v}
!my [fav/fave/top/best-loved/most loved/dearest/beloved] {n} is {v}
!when it comes to [{n}s/a {n}/choosing a {n}], [I always pick/it's/I go for/nothing beats/I prefer/I choose] {v}
!I [always/will always/usually/would] [pick/choose/go for/take] {v} [as my favourite {n}/as {n}/over any other {n}]
{my} [all-time favourite/absolute favourite/most loved/number one/preferred/top] {n} [is/has to be/must be/is still/will always be/has always been] {v}
~[{I} loves {v} more than any other {n}/there is no {n} {I} likes more than {v}/{I} prefers {v} to any other {n}/{I} says {v} is the best {n}/{v} is {my} favourite {n}, always was/for {me} the best {n} is {v}/{I} is a fan of {v}, {my} favourite {n}]
""",
        change="""
!my taste [has changed/changed], [now I prefer/my favourite {n} is now/the best {n} is] {v}[/ these days/ now]
!I [used to love/used to like/once loved/liked] {old}, [but now my favourite {n} is/now my favourite {n} is/but these days my favourite {n} is/but my favourite {n} is now] {v}
!I [had too much of/got tired of/am bored of/grew tired of/got sick of/no longer like/don't like] {old}[ any more/], [my favourite {n} is now/so my new favourite {n} is] {v}
!I've [changed to/gone over to/moved on to] {v} as my favourite {n}
![scrap that/scratch that/wait/oops/sorry/on second thought/thinking about it/correction], my favourite {n} is {v}[/, not {old}]
!instead of {old}[/,] [I prefer/my favourite {n} is/my favourite {n} is now] {v}[ as my favourite {n}/ now/]
!{v} [has replaced {old} as my favourite {n}/is my favourite {n} now/is my new favourite {n}/, not {old}, is my favourite {n}/beats {old} now as my favourite {n}]
!I [like/love/prefer] {v} [most now/best now/more now], [it's my favourite {n}/that's my new favourite {n}/my favourite {n}]
~{I} [has a new favourite {n}, it's] {v}
""",
        ask="""
[which/what] {n} do|does {I} [love above all/like better than any other/enjoy most/adore/prefer over all others/like the most/rank first/favour/love the most/like best of all/choose every time/always pick]
[which/what] {n} [would {I} choose/would {I} pick/is the one {I} like|likes best/is best in {my} opinion/is number one for {me}/is {my} best-loved one/is dearest to {me}/comes first for {me}/is closest to {my} heart/beats all others for {me}]
what [is/was] {my} [favourite {n} again/favourite {n} now/favourite {n} of all time/favourite {n} these days/most loved {n}/fave {n}/fav {n}/top {n}/number one {n}/favourite among {n}s/current favourite {n}/favourite {n} at present/all-time favourite {n}]
!what [did I say/did I tell you/have I said] [my favourite {n} is/my favourite {n} was/is my favourite {n}]
![which/what] {n} did I [say I love/call my favourite/name as my favourite/mention as my favourite/choose as my favourite/say I prefer/tell you I like best]
![my favourite {n}/my fav {n}/my fave {n}][/ again/ is what/ is which one/ is/ was/, what is it/, which is it/, do you know it/? What is it/, please/, which one/ is what again]
!and [my favourite {n}/which {n} do I like/the {n} I like best/as {n}]
![if you bought me/if you gave me/if I had to choose/if I could choose/suppose I choose] a {n}, [what would it be/which one would it be/which would I like most/which one would I love/which one is my favourite]
!what [should you give me/should you get me/would I pick/would I order/would I choose/would I go for], [given my favourite {n}/as my favourite {n}/knowing my favourite {n}/thinking of my favourite {n}]
![fav/fave/favourite] {n}[/ of mine/ again]
!in the {n} [category/department], what's my favourite
!as for {n}s, [which do I like best/what's my favourite/which one is my favourite/which one do I prefer]
!when it comes to [{n}s/{n}/a {n}], [what do I prefer/what's my favourite/what do I like best/which do I love]
![whats/what is/wats] my [fav/fave/favorite] {n}
~[{my} favourite {n}/and {my} favourite {n}/{my} favourite {n} is what/{my} favourite {n} is what again/if I bought {me} a {n}, which would it be/which {n} should I get for {me}/what {n} would please {me} most]
""",
        check="""
[is/was/isn't] {my} favourite {n} {v}
[is/isn't] {v} {my} favourite {n}
do|does {I} [like/love/prefer] {v} [most/best] as a {n}
!did I [say/tell you] my favourite {n} is {v}
{my} favourite {n} is {v}, """ + NOD,
        np="""
{my} [favourite {n}/best-loved {n}/number one {n}/preferred {n}/top {n}/fav {n}/fave {n}/all-time favourite {n}/current favourite {n}/most loved {n}]
the {n} {I} [like|likes most/love|loves most/love|loves best/prefer|prefers/enjoy|enjoys most]
""",
        clause="""
[which/what] {n} {I} [love|loves most/love|loves best/prefer|prefers/would choose/would pick/enjoy|enjoys most/adore|adores/like|likes above all]
[which/what] {n} is {my} favourite
what {my} [fav/fave/favourite/preferred/number one] {n} is
"""),
    "number": dict(
        say="""
{my} {n} [is still/will be/would be/should be/was set to/is and stays] {v}
![you can/please/do/kindly] [note/write down/save/store/keep/remember] [my/the] {n}[:/,/, it's/, it is] {v}
![they/the staff/the office/the lady/the man/the people there] [gave me/assigned me/handed me/put down/wrote down] {v} as my {n}
![it says/it is written/the paper says/the letter says/on the screen it says] {v}, that's my {n}
!{v}[, that's my {n}/ is my {n}/, my {n}/ is the {n} they gave me/. That's my {n}/. That is my {n}/ - my {n}]
![for/in] the [trip/hotel/form/file/bank/order/club/race], [my/the] {n} is {v}
!the {n} [they gave me/I got/I have/I was given/I use/of mine] is {v}
!my {n}[, in case you need it,/, as far as I know,/, by the way,/, note it down,/] is {v}
!my {n}? [It's/That's/It is/Easy:] {v}
![I'm/we're] [staying/sitting/standing] [at/in front of] [the counter/the desk/the hotel], my {n} is {v}
!I [have/got/received/was given/drew] {v} as my {n}
""",
        change="""
!my {n} [used to be/was] {old}, [now it's/but now it's/but today it is/it is now] {v}
![scrap that/scratch that/wait/oops/sorry/typo/wrong digits/correction], [my/the] {n} is {v}[/, not {old}]
![they/the office/the staff/the people there] [made a mistake/gave me a new one/changed it/called me/moved me], my {n} is [now/] {v}[/ now]
!my {n} is no longer {old}[,/ but/, it's] {v}
!instead of {old}[/,] my {n} is [now/] {v}
!I [got/have/received/was given] a [new/different] {n}[:/, it's/, it is/, namely] {v}
!{v} is my {n} now[/, not {old}/, no longer {old}]
!forget {old}, my {n} is {v}
""",
        ask="""
[which/what] {n} [have|has {I} got/was|was {I} given/belongs to {me}/did {I} get/do|does {I} use/is {my} own/did I tell you/did I give you/did I mention/did they give {me}]
what [is/was] {my} {n} [again/now/please/exactly/at the moment/, do you know/, please/]
!what's [the/that] {n} [of mine/again/I gave you/I was given/they gave me]
![my {n}/the {n}/our {n}][/ again/ please/ is what/ is what again/ is/ was/, what is it/, what was it/, do you know it/, quick/? What is it]
!and [my/the] {n}[/, what was it]
![someone/the clerk/the receptionist/a man/a woman/the driver/the form/my wife/my boss/the officer] [wants/needs/asks for/asked for/is asking for/would like to know] my {n}
!I'm [at the counter/at the hotel/at the desk/on the phone/filling in a form/at the airport/at the office], [what's my {n}/which {n} is mine/what is my {n}/my {n}, please/I need my {n}]
![I need/I need to enter/I have to enter/I must give them/they ask for/I have to write down/I need to know] my {n}[/ now/, what is it/, which is it/, quickly/, please]
!under [which/what] {n} [am I registered/do they know me/can I be found]
!read [me/out] my {n}[/ please]
!to [which/what] {n} [do I belong/does it go/should they send it]
""",
        check="""
[is/was] {my} {n} {v}
!is {v} my {n}
!did I [say/tell you] my {n} is {v}
{my} {n} is {v}, """ + NOD + """
!do I have {n} {v}
""",
        np="![my {n}/the {n}/our {n}/that {n} of mine/the {n} I was given/the {n} I told you/the {n} they gave me]",
        clause="""
!what [the/our/my] {n} is
![which/what] {n} [I have/is mine/I was given/they gave me/I got/I told you]
"""),
    "secret": dict(
        say="""
!our {n} is {v}
!to [open it/get in/log in/unlock it/enter] [you/I/we] [type/enter/use/need] {v}[. That's the {n}/, that's the {n}/, that's my {n}/, it's the {n}]
!{v}[, that's the {n}/ is our {n}/, that's my {n}/. That's the {n}/ is the {n} I use/ is the {n} I chose/. That's our {n}/ opens it, it's the {n}]
!the {n} [for/of/to] [the house/my office/the shed/my laptop/the bank/the building/the gym/my account/the website/my phone/the garage/my bank card/the front door] is {v}
!my {n}[, don't share it,/, keep it safe,/, top secret,/, between us,/] is {v}
![keep it secret/don't tell anyone/between you and me/this stays between us/top secret/don't lose it], [my/the/our] {n} is {v}
!I [chose/set/took/use/typed in/made up/invented/went for] {v} [as my/as the/as our/for the/for my] {n}
![if/when] you [come/visit/want to get in/need to get in], the {n} is {v}
!the {n}? [It's/That's/It is] {v}
![they/the landlord/the bank/the neighbour] gave [me/us] the {n} {v}
!my {n} [is still/is set to] {v}
""",
        change="""
!someone [saw it/found out/knows it/guessed it/stole it], so [the {n} is now/my new {n} is/we changed the {n} to/I set the {n} to] {v}
![scrap that/scratch that/wait/oops/sorry/typo/correction], [the/my/our] {n} is {v}[/, not {old}]
![I/we] [had to change/had to reset/reset/replaced/renewed/updated/swapped] [the/my/our] {n}[:/, it's/, it is/, now it's/, the new one is/ to] {v}
![the/my/our] {n} [used to be/was] {old}, [now it's/but now it's/it is now] {v}
![the/my/our] new {n} is {v}
![the/my/our] {n} is no longer {old}[,/ but/, it's] {v}
!{old} [doesn't work/is out/is no longer valid/has expired], [the/my] {n} is [now/] {v}
!instead of {old}[/,] [the/my] {n} is [now/] {v}
""",
        ask="""
![which/what] {n} [do I type/do I enter/do I use/do I have to enter/did I tell you/did I choose/did we pick/did I pick/opens it/is the right one/must I type/should I enter/works/have I set/do I need/gets me in/did I give you/was it]
![what's/what is/what was] [the/my/our/that] {n} [again/now/please/, quick/, I forgot/, do you know/]
![the/my/our] {n}[/ again/ please/, quick/ is what/ is what again/ is/ was/, what is it/, what was it/, do you know it/, please/? I forgot it]
!I'm [at the door/standing outside/standing here/in front of it/at work/trying to get in/outside in the rain], [what's the {n}/the {n} please/which {n} do I need/what is the {n}/I need the {n}/{n}]
![a friend/my neighbour/a visitor/my brother/the cleaner/my flatmate/the babysitter/someone] [wants/needs/asks for/asked for/would like/is asking for/wants to know] [the/our/my] {n}
!I [must/want to/need to/am trying to] [log in/get in/open it/unlock it/enter/type it], [my {n}/what's my {n}/what's the {n}/which {n} is it/the {n}, please]
!how do I [get in/open it/unlock it/log in], [which {n} do I use/what was the {n}/I forgot the {n}]
!it [asks/is asking] for [the/my/our/a] {n}[/, what is it/, which one]
!and [the/our/my] {n}[/, what was it]
!{n}[/ please/ again/ is what/, quick]
!which {n} is ours
""",
        check="""
![is/was] [the/my/our] {n} {v}
!is {v} [the/my/our] {n}
!did I set the {n} to {v}
![the/my] {n} is {v}, """ + NOD + """
~is {my} {n} {v}
""",
        np="![my {n}/the {n}/our {n}/that {n}/the {n} I use/the {n} I set/the {n} I chose/the {n} I told you]",
        clause="""
!what [the/our/my/that] {n} is
![which/what] {n} [I use/I need/I set/I chose/to type/to enter/opens it/I told you]
"""),
    "is": dict(
        say="""
!my {n}[, by the way,/, as it happens,/, for the record,/, officially,/] is {v}
!my {n}? [It's/That's/It is] {v}
!{v}, that's my {n}
!my {n} [is still/happens to be/would be/must be] {v}
![I chose/they gave me/I was given/I got/I have] {v} [as my/for my] {n}
!the {n} I [have/chose/was given/use] is {v}
![put down/write/note/save/enter] {v} as my {n}
!our {n} is {v}
""",
        change="""
![scrap that/wait/oops/sorry/correction], my {n} is {v}[/, not {old}]
!my {n} [used to be/was] {old}, [now it's/but now it's] {v}
!my {n} is no longer {old}[,/ but] {v}
!instead of {old}[/,] my {n} is [now/] {v}
!I [have/got/chose] a new {n}, [it's/it is] {v}
""",
        ask="""
![what's/what is/what was] [my/that/the] {n} [of mine/again/now/, do you know/, please/]
![my {n}/our {n}][/ again/ is what/ is what again/, what is it/, what was it/ is/ was/, please/, do you know it]
![which/what] {n} [did I tell you/did I mention/did I choose/did I give you]
![someone/the form/my boss/a friend] [wants/needs/asks for] my {n}
""",
        check="""
[is/was] {my} {n} {v}
!is {v} my {n}
{my} {n} is {v}, """ + NOD,
        np="""
{my} {n}
!the {n} [of mine/I told you about/I have/I mentioned]
""",
        clause="""
what {my} {n} [is/was]
!which {n} [is mine/I told you/I chose]
"""),
    "colour": dict(
        say="""
!my {n} [shines in/comes in/is painted/was painted/is all/is completely/is/was dyed] {v}
![I/we] [own/use/got/bought/chose/love] a [nice/old/beautiful/small/big/] {v} {n}
!the {n} [I have/of mine/I bought/I own/we have] is {v}
!our {n} is {v}
!{v} is the colour of my {n}
!my {n}? It's {v}
![colour/color] of my {n}: {v}
""",
        change="""
![I/we] [painted/sprayed/dyed] [the/my/our] {n}, [it's/now it's] {v}[/ now]
!my {n} [used to be/was] {old}, [now it's/but now it's] {v}
![scrap that/wait/oops/sorry/correction], my {n} is {v}[/, not {old}]
!my {n} is no longer {old}[,/ but] {v}
!I [sold/gave away/replaced] my {old} {n}, my new {n} is {v}
!I [bought/got] a new {n}, [this one is/it's] {v}
""",
        ask="""
[in which/in what] [colour/color] [is {my} {n}/is {my} {n} painted/did {I} get {my} {n}]
[which/what] [colour/color] [has {my} {n}/does {my} {n} have/is {my} {n} now/did {I} paint {my} {n}/did I say {my} {n} is/do you know for {my} {n}]
what does {my} {n} look like, [which/what] color [is it/]
![my {n} is which/my {n} has which/my {n} comes in what] [colour/color]
![which/what] [colour/color] [is the/is our] {n}
!and my {n}, [what colour/which colour/what color is it]
!how is my {n} [coloured/painted], which colour
""",
        check="""
[is/was] {my} {n} {v}
!do I have a {v} {n}
{my} {n} is {v}, """ + NOD,
        np="the [colour/color] of {my} {n}",
        clause="""
[what/which] [colour/color] {my} {n} [is/has]
how {my} {n} is coloured
"""),
    "spot": dict(
        say="""
!I [put/placed/laid/threw/tossed/set/stashed/parked/stored/hung/tucked/dropped/hid] [my/the] {n} {v}
![I've/I have] [put/placed/laid/left/hidden/stored/forgotten/tucked] [my/the] {n} {v}
!you [can/will/'ll] [find/see] [my/the] {n} {v}
![my/the] {n} [is^ lying/is^ kept/is^ stored/is^ always/is^/is^ safe/is^ waiting/is^ right] {v}
!{v}, that's where [my {n} is^/I put my {n}/I keep my {n}/I left my {n}]
!I [took/carried/brought] my {n} and [put/left/hid/laid] {them} {v}
!my {n}? [I put {them}/I left {them}] {v}
![just so I remember/in case I ask/for later/so I won't forget/remind me later], my {n} is^ {v}
~{I} [put the/left the/hid the/keeps the] {n} {v}
""",
        change="""
!I [grabbed/picked up/carried] [my/the] {n} and [put/left/laid/hid/placed] {them} {v}
!I [put/moved/brought/carried] [my/the] {n} [somewhere else/away/inside/over there], {it} is^ {v}[/ now]
!my {n} used to be {old}, [now {it} is^/but now {it} is^] {v}
![scrap that/wait/oops/sorry/correction/I remember now], my {n} is^ {v}[/, not {old}]
![my wife/my brother/someone/my flatmate/the kids] [moved/took/put away] my {n}, {it} is^ [now/] {v}
!my {n} is^ no longer {old}[,/ but/, {it} is^] {v}
!instead of {old}[/,] my {n} is^ [now/] {v}
![now/these days/from now on] I keep my {n} {v}
""",
        ask="""
[where/in what place/in which place/at what place] is^ {my} {n} [again/now/at the moment/these days/by now/]
!where [did I put/did I leave/did I lay/did I last see/have I put/have I left/did I hide/did I store/did I place/do I keep/do I find/can I get/should I look for/did I drop/could I find/will I find/did I say I put/do I get/could I have put] [my/the/those/that] {n}
![did you see/do you see/has anyone seen] my {n}[/ anywhere/, where is^ {it}]
!I [can't find/lost/need/am looking for/am missing/misplaced/must find/want to use/have to take] my {n}, [where is^ {it}/where did I put {them}/any idea/can you help/where did I leave {them}/do you know where {it} is^/where to look/please help]
![my/the] {n}[/, where is^ {it}/, where did I put {them}/, where/ is^ where/ is^ where again/, please/, which place/? Where is^ {it}]
!and [my/the] {n}[/, where is^ {it}]
!in [which/what] [place/spot/room] [is^ my {n}/did I leave my {n}/can I find my {n}/did I put my {n}]
!I'm [leaving/going out/in a hurry/late/about to go], where is^ my {n}
![where did I end up putting/where on earth is^] my {n}
!I can't [see/go out/do anything/leave] without my {n}, where is^ {it}
~where did {I} [put/leave/hide] the {n}
""",
        check="""
is^ {my} {n} {v}
!did I [put/leave/hide] my {n} {v}
!can I find my {n} {v}
!my {n} is^ {v}, """ + NOD,
        np="![the place of my {n}/the place where I put my {n}/the whereabouts of my {n}/the spot where my {n} is^/the hiding place of my {n}/the place where I left my {n}]",
        clause="""
!where [I put/I left/I hid/I placed/I stored/I last saw/to look for/I can find/I laid] [my/the] {n}
!where the {n} is^
where {my} {n} is^
"""),
    "event": dict(
        say="""
!there's [that/a/this] {n} [I have/coming up/waiting for me/] {v}
!my {n} [is going to be/will be/is due/is planned/is happening/is scheduled/is coming up/is booked/was fixed/is set] {v}
![I'm excited/I'm looking forward to it/don't forget/mark it down/wish me luck/finally], my {n} is {v}
!I [have to be at/have to go to/am going to/must be at/have been invited to/got/was given/booked/was offered/am having] a {n} {v}
![we're/I'm] having [the/a/my] {n} {v}
!the {n} [is/will be/takes place/was set/is planned] {v}
!my {n}[, as planned,/, by the way,/, finally,/] is {v}
!my {n}? [It's/That's] {v}
!{v}, that's when my {n} is
~{I} [has to go to a/is going to a/has got a/is having a] {n} {v}
""",
        change="""
![the/my] {n} [was shifted/was rescheduled/has been moved/got postponed/was delayed/was brought forward/had to be moved], [it's/now it's/it is now/it is/the new time is] {v}
!they [called/rang/wrote/emailed/asked me], my {n} is {v} [instead/now/]
!my {n} [used to be/was] {old}, [now it's/but now it's/it is now] {v}
![scrap that/wait/oops/sorry/correction/I mixed it up], my {n} is {v}[/, not {old}]
!my {n} is no longer {old}[,/ but/, it's] {v}
!instead of {old}[/,] my {n} is [now/] {v}
!I [moved/changed/rescheduled/postponed/shifted] my {n}, it's {v}[/ now]
""",
        ask="""
[when/on what day/on which day/at what time/on which date/on what date/what day and hour/for when/for which day] is {my} {n} [again/now/scheduled/planned/, do you know/exactly/set/]
!when [do I have to go to/must I be at/am I going to/do I go to/should I be ready for/am I expected at/have I got/did I say I have/do I sit/did I book/do I have to leave for/do I need to be at] [my/the/that] {n}
[when/at what time/on which day] [does {my} {n} start/does {my} {n} begin/does {my} {n} take place/will {my} {n} be/will {my} {n} start/is {my} {n} happening/did they put {my} {n}/was {my} {n} moved to]
![my/the] {n}[/, when is it/, when was it/ is when/ is when again/, what day/, which day/, at what time/? When is it/ is on which day/, when exactly]
!and [my/the] {n}[/, when is it/, when]
!when did [I/we] say [my/the] {n} [is/was/takes place]
!for [when/which day/what day] [did I book/did we plan/did they schedule/do I have] [my/the] {n}
!what's the [day/date/time] of [my/the] {n}
!I [mustn't miss/don't want to miss/have to prepare for/want to plan] my {n}, when is it
![which date/which day/what time] should I [write/put] in my calendar for my {n}
""",
        check="""
is {my} {n} {v}
!do I have [a/my] {n} {v}
!did I say my {n} is {v}
{my} {n} is {v}, """ + NOD,
        np="the [date/time/day] of {my} {n}",
        clause="""
when {my} {n} [is/starts/begins/takes place/will be]
on which day {my} {n} is
!when I [have to be at/have to go to/have] my {n}
"""),
    "plays": dict(
        say="""
![on Sundays/every day/after work/at night/since childhood/in my free time] I [practise/play] the {v}
!I [have been playing/have played/learned/studied/started/took up] the {v} [since I was six/since school/for years/as a child/last year/long ago]
!the {v} is [my instrument/the instrument I play/the instrument I practise]
!I [own/have/bought] a {v} and [play it/practise every day/play it in a band]
![you can hear me/my neighbours hear me/people hear me] [play/practise] the {v}
{I} [play|plays/practise|practises] the {v} [in an orchestra/in a band/at home/very well/quite well/badly/every day/every week]
""",
        change="""
!the {old} was too [hard/loud/big/heavy], [I play/now I play] the {v}[/ now]
!I [used to play/played] the {old}, [now it's/but now I play/now I play] the {v}
!instead of the {old}[/,] I [now/] play the {v}[/ now]
![scrap that/wait/oops/sorry], I play the {v}[/, not the {old}]
""",
        ask="""
[which/what] instrument [do|does {I} practise/have|has {I} been playing/can {I} play/did {I} learn/is {my} own/do|does {I} play in the band/do|does {I} own/did I say {I} play|plays/do|does {I} make music on/is it that {I} play|plays]
on [which/what] instrument [do|does {I} play/do|does {I} make music/do|does {I} practise/can {I} play]
![name/tell me/say] the instrument I [play/practise/have been playing]
!what do [I play/you hear me play/my neighbours hear me practise] [in the band/at home/as a musician/in the evenings/]
!my instrument[/ is what/ is which one/ again]
!I play which instrument
""",
        check="""
do|does {I} play the {v}
can {I} play the {v}
is the {v} {my} instrument
""",
        np="{my} [musical instrument/instrument/musical instrument of choice]",
        clause="""
[what/which] instrument {I} [practise|practises/play|plays]
on which instrument {I} play|plays
"""),
    "sport": dict(
        say="""
!I [do/go/practise/love doing] {v}[ every week/ twice a week/ on Sundays/ after work], it's my sport
!my sport[, since school,/, for years,/] is {v}
!{v} is [my sport/the sport I do/the sport for me]
![as a sport/for sport/to stay fit/to keep fit] I do {v}
!I'm in a {v} club, that's my sport
~{I} [does {v} to stay fit/trains {v}/is in a {v} club/is doing {v} as a sport]
""",
        change="""
![I gave up/I quit/I'm done with] {old}, my sport is {v}[/ now]
!I used to do {old}, [now/but now] my sport is {v}
""",
        ask="""
[which/what] sport [do|does {I} practise/do|does {I} train/is {my} thing/keeps {me} fit/do|does {I} go in for/did I say {I} do|does]
how do|does {I} [stay fit/keep fit], which sport
!my sport[/ is what/ is which one/ again]
!I do which sport
""",
        check="""
is {v} {my} sport
is {my} sport {v}
do|does {I} do {v}
""",
        clause="""
[which/what] sport {I} [do|does/practise|practises]
how {I} keep|keeps fit
"""),
    "speaks": dict(
        say="""
!I [mostly/usually/only/mainly] [speak/talk] {v}[ with my friends/ at work/ at home/ with my parents/]
!{v} is [the language I speak/what I speak/what we speak at home]
!at home we [speak/talk] {v}
!my language is {v}
""",
        ask="""
[in which/in what] language [do|does {I} talk/do|does {I} chat at home]
[which/what] language [is {my} own/do|does {I} talk in/do|does {I} use at home]
!I speak which language
!my language[/ is what/ is which one]
""",
        check="""
do|does {I} speak {v}
is {v} {my} language
""",
        clause="[which/what] language {I} [talk|talks/speak|speaks]"),
    "learns": dict(
        say="""
!I'm [taking/doing/following] a [class/online course] [to learn/in] {v}
!I [take/have] [lessons/classes/private lessons] in {v}
!{v} is [what I'm learning/the language I'm learning/the language I study in the evenings]
![for fun/for a trip/with an app] I'm learning {v}
~{I} [takes lessons in/has started to learn/is trying to learn] {v}
""",
        change="""
!{old} was too [difficult/boring], I'm learning {v}[/ now]
!I [stopped/quit/dropped] {old}, now I'm learning {v}
!I switched from {old} to {v}[/, that's what I'm learning now]
!instead of {old}[/,] I'm learning {v}[/ now]
""",
        ask="""
[which/what] language [is {my} course about/do|does {I} take lessons in/am|is {I} trying to learn/do|does {I} take classes in/is {my} course in/is it that {I} am|is learning/am|is {I} studying in the evenings]
[in which/in what] language do|does {I} take [lessons/classes/a course]
!I'm learning [what/which language][ again/]
what am|is {I} trying to learn
""",
        check="""
am|is {I} learning {v}
do|does {I} take {v} [lessons/classes]
""",
        clause="""
what language {I} am|is [learning/trying to learn]
what {I} take|takes lessons in
"""),
    "studies": dict(
        say="""
!I'm [enrolled/a student/studying] at [college/uni], my [subject/major/field] is {v}
!my [subject/field of study/degree/course of study/university subject] is {v}
!I [go to/am at] [university/college/uni] and [study/read] {v}
!{v} is [what I study/my field of study/the subject I study]
![at uni/at university/at college] I [study/do/take] {v}
!I'm [doing my master's in/writing my thesis in/a first-year student of/majoring in] {v}
~{I} is [a student of/doing a degree in/majoring in] {v}
""",
        change="""
!I [dropped/quit/gave up] {old}, [I study/now I study/I'm studying] {v}[/ now]
!I used to study {old}, [now/but now] [I study/I'm studying/it's] {v}
!instead of {old}[/,] I [study/now study] {v}[/ now]
""",
        ask="""
[which/what] [subject/field/course] [did {I} choose at university/am|is {I} enrolled in/do|does {I} take at college/is {my} major/is {my} degree in/am|is {I} majoring in]
in which [subject/field] [do|does {I} study/is {my} degree/am|is {I} doing {my} degree]
what [is {my} field/is {my} university subject/do|does {I} do at university/am|is {I} a student of]
!I study what[ again/]
""",
        check="""
do|does {I} study {v}
am|is {I} [studying/a student of] {v}
""",
        clause="""
[which/what] subject {I} [study|studies/have|has at university]
what {I} [am|is a student of/do|does at university]
"""),
    "hates": dict(
        say="""
![there's nothing I hate more than/I'm disgusted by/I can't bear/I loathe/keep me away from/never give me/you can chase me away with/I run away from/I've had enough of] {v}[, I hate it/, I hate that/]
!{v}[? I hate it/ is the worst, I hate it/, how I hate it/ is what I hate/ - I can't stand it/ makes me sick, I hate it]
!if there's one thing I hate, it's {v}
!I [absolutely/truly/deeply/just/really/simply] [hate/dislike/loathe/detest] {v}
~{I} [can't bear/loathes/detests/really hates] {v}
""",
        ask="""
[which/what] [food/thing/dish] do|does {I} hate
[which/what] [food/vegetable/thing/stuff/dish] [do|does {I} dislike/can't {I} stand/do|does {I} loathe/can't {I} bear/do|does {I} detest/should you never give {me}/makes {me} run away]
what [can {I} not stand/do|does {I} loathe/do|does {I} detest/should you never serve {me}/do|does {I} dislike most/can't {I} bear/would {I} never touch]
!what is it that I [hate/can't stand/dislike]
!I hate what[ again/]
""",
        check="""
do|does {I} hate {v}
do|does {I} dislike {v}
is {v} what {I} hate|hates
""",
        np="the [thing/food] {I} [dislike|dislikes/can't stand]",
        clause="what {I} [can't bear/really hate|hates/loathe|loathes/detest|detests]"),
    "allergy": dict(
        say="""
![careful/watch out/be careful/no dessert for me/please check the label/attention/sorry/no thanks], I'm [badly/very/highly/slightly/severely/] allergic to {v}
!I [swell up/sneeze/get a rash/itch/can't breathe/get red spots/feel ill/end up in hospital] [from/because of/near/when there is] {v}, I'm allergic[ to it/]
!{v}[? I'm allergic/ and I don't mix, I'm allergic/ is something I'm allergic to/ is what I'm allergic to/, that's my allergy/ could kill me, I'm allergic]
!my body [can't take/reacts badly to/doesn't tolerate] {v}, [it's an allergy/I'm allergic]
!I [have/suffer from/live with/was born with] an allergy to {v}
![my/the] [doctor/test] [found out/says/confirmed/showed] [that/] I'm allergic to {v}
![allergy/allergies/my allergy]: {v}
{I} am|is [badly/highly/very/severely] allergic to {v}
~{I} [suffers from an allergy/has a bad allergy] to {v}
""",
        change="""
{I} am|is [actually/really] allergic to {v}[/, not {old}/, not to {old}]
!it [turns out/turned out] I'm allergic to {v}[/, not {old}]
![wait/oops/sorry/correction], I'm allergic to {v}
""",
        ask="""
[which/what] [food/thing/stuff/substance] [am|is {I} allergic to/must never be in {my} meals/should {I} avoid with {my} allergy/makes {me} ill because of {my} allergy/is bad for {me} because of {my} allergy/do|does {I} react to/gives {me} an allergic reaction]
to what [do|does {I} have an allergy/do|does {I} react]
what [am|is {I} allergic to again/should {I} stay away from, with {my} allergy/is it {I} am|is allergic to/must {I} not touch, being allergic/allergy have|has {I} got/makes {me} sneeze, {my} allergy/is the thing {I} am|is allergic to]
!what [must you not put in my food/should be kept away from me/shouldn't you cook for me], [I'm allergic/because I'm allergic/since I'm allergic/as I have an allergy]
!the [waiter/doctor/nurse/cook] asks [about my allergy/what I'm allergic to/for my allergy]
!my allergy[/ is what/ again/ is to what/, what is it]
!I'm allergic to what[ again/]
""",
        check="""
am|is {I} allergic to {v}
do|does {I} have an allergy to {v}
!I'm allergic to {v}, """ + NOD,
        np="""
the thing {I} am|is allergic to
{my} allergy
""",
        clause="""
to what {I} am|is allergic
what {I} [am|is allergic to/should avoid because of {my} allergy]
which [food/thing] {I} am|is allergic to
"""),
    "drives": dict(
        say="""
!a {v} is what I [drive/drive around in/get around in/go to work in]
![I/we] [have/own/bought/got/inherited/lease] a [used/new/second-hand/small/red/big/rusty/trusty] {v}, [that's what I drive/and I drive it every day/I drive it to work/that's my car]
!my [ride/old car/first car] is a {v}
!I [drive/get around in/go everywhere in/sit every day in/commute in] [my/a] {v}
!my car? [It's/That's] a {v}
![car/my car]: {v}
~{I} [gets around in/goes to work in/bought] a {v}
""",
        change="""
![we/I] sold [it/the {old}] and [bought/got] a {v}, [I drive that now/that's my car now]
!I [used to drive/drove] a {old}, [now/but now] [it's/I drive/I have] a {v}
!the {old} [broke down/is gone/was stolen/died/is sold/got too old], [now I drive/I drive/my new car is] a {v}[/ now]
!I [swapped/exchanged/replaced] [the/my] {old} for a {v}
![scrap that/wait/oops/sorry], I drive a {v}[/, not a {old}]
!instead of the {old}[/,] I [now/] drive a {v}[/ now]
""",
        ask="""
[which/what] [car/make of car/kind of car/brand of car/make/vehicle] [is {my} own/do|does {I} drive these days/do|does {I} drive now/do|does {I} own/have|has {I} got/is parked in {my} garage/do|does {I} get around in/do|does {I} go to work in/is it that {I} drive|drives/did I say {I} drive|drives/belongs to {me}/is {my} car]
what [do|does {I} drive again/car is {my} own/is the make of {my} car/sort of car do|does {I} drive/brand is {my} car/car have|has {I} got]
in [which/what] car do|does {I} [drive/get around/go to work]
!my car is [a what/what make/which make/what again/what brand]
!I drive [what/what car/a what][ again/]
""",
        check="""
do|does {I} drive a {v}
is {my} car a {v}
!I drive a {v}, """ + NOD,
        np="""
the make of {my} car
the car {I} [drive|drives/own|owns]
""",
        clause="[which/what] [make of car/kind of car/car] {I} [drive|drives/own|owns/have|has]"),
    "pet": dict(
        say="""
![there's/there is] a {v} [living with me/in my flat/at my place/in my house]
![I/we] [bought/got/adopted/found/have/keep/rescued] a {v} [as a pet/, that's our pet/, it's my pet]
!my [only/new/little/first] pet is a {v}
!as a pet I [have/keep/chose] a {v}
~{I} [keeps/owns/adopted/got] a {v}[ as a pet/]
""",
        ask="""
[which/what] [animal/pet/kind of animal/sort of pet/creature] [lives with {me}/do|does {I} keep/do|does {I} own/have|has {I} got/is {my} pet/do|does {I} have at home/do|does {I} feed every day]
!what animal [is waiting at home for me/shares my home/did I adopt]
!my pet is [what/what animal/which animal]
!I have which pet
""",
        check="""
do|does {I} have a {v}
is {my} pet a {v}
!do I keep a {v}
""",
        clause="""
[which/what] [animal/pet] {I} [keep|keeps/own|owns/have|has]
what animal {my} pet is
"""),
    "hobby": dict(
        say="""
!I spend [my evenings/my weekends/all my free time/every free minute/my Sundays] [on/with] {v}[, it's my hobby/]
!{v} is [what I do for fun/my favourite pastime/how I relax/my hobby/my passion/how I spend my evenings/what I do after work, it's my hobby]
![after work/to relax/at the weekend/in the evenings/in my leisure time/when I'm off/when I'm free] I [do/enjoy/love] {v}[, it's my hobby/]
![I'm a passionate fan of/I'm hooked on/I got into/I've taken up/I fell in love with] {v}, [it's my hobby/that's my hobby/my hobby]
![hobby/my hobby/hobbies/pastime]: {v}
!my [hobby/pastime/passion][, since childhood,/, for years,/, by the way,/] is {v}
!my hobby? [It's/That's] {v}
~{I} [spends the evenings with/relaxes with/loves/is hooked on] {v} as a hobby
""",
        change="""
!{old} [is too expensive/isn't fun any more/takes too long/is over/became boring/bored me], my hobby is [now/] {v}[/ now]
!I [used to do/did/was into] {old}, [now/but now/but these days] [my hobby is/it's/I do/I'm into] {v}
!my [new/current] [hobby/pastime/passion] is {v}
!I [stopped with/got tired of/quit/dropped] {old}, [now my hobby is/my hobby is/now I do] {v}
![scrap that/wait/oops/sorry], my hobby is {v}[/, not {old}]
!instead of {old}[/,] my hobby is [now/] {v}
""",
        ask="""
[which/what] [hobby/pastime/passion/leisure activity] [do|does {I} have now/did {I} choose/have|has {I} got/is {my} own/do|does {I} enjoy/did I say {I} have|has/keeps {me} busy/did {I} take up/do|does {I} love]
what do|does {I} [do after work/enjoy in {my} spare time/do to relax/like doing in {my} free time/do when {I} have|has time/do with {my} free time/do at the weekend/spend {my} evenings on/do as a hobby/do for pleasure/do in {my} leisure time]
[how/with what] do|does {I} [relax/spend {my} weekends/spend {my} evenings/fill {my} free time/spend {my} spare time/pass the time]
!my hobby[/ is what/ is which one/ again/, what is it/ is/ was/, please]
!and my [hobby/pastime]
!I do what [for fun/in my free time/as a hobby]
""",
        check="""
is {my} hobby {v}
is {v} {my} hobby
!do I do {v} in my free time
!my hobby is {v}, """ + NOD,
        np="{my} [pastime/favourite pastime/passion/leisure activity/hobby]",
        clause="""
[which/what] hobby {I} [have|has/enjoy|enjoys]
what {I} [like|likes to do/do|does to relax/do|does after work/do|does in {my} spare time]
how {I} spend|spends {my} [weekends/evenings/free time/spare time]
"""),
    "kids": dict(
        say="""
!I'm [a father/a mother/a dad/a mum/a proud parent] of {v}
!I [have/raised/am raising/brought up] {v} [children/kids/little ones]
![number of kids/kids/children]: {v}
![we've got/my wife and I have/my husband and I have/there are] {v} [kids/children] [in the house/at home/]
""",
        ask="""
how many [children/kids/little ones] [have|has {I} got/am|is {I} raising/are there in {my} house/did I say {I} have|has/do|does {I} have again]
of how many [children/kids] am|is {I} [a parent/the parent]
what's the number of {my} [kids/children]
!I have how many [kids/children]
""",
        check="do|does {I} have {v} [children/kids]",
        clause="how many [kids/children] {I} [have|has/am|is raising]"),
    "travel": dict(
        say="""
!the [trip/flight/hotel/holiday] is booked, I'm [flying/going] to {v}
![next month/next week/in July/this summer/in spring/soon/on Friday/at Easter] I'm [flying/off/going on a trip/going on holiday/taking the train] to {v}
!I'm [packing/packing my bags/saving up] for [my trip/a trip/a holiday/my journey] to {v}
!I've [booked a flight/bought a ticket/planned a holiday/arranged a trip] to {v}
!my [next trip/next holiday/vacation/next journey] [is to/goes to/takes me to/will take me to] {v}
!{v} is [where I'm travelling/my travel destination/my holiday destination/where I'm going on holiday/where my trip goes/the place I'm travelling to]
~{I} [has booked a trip/is going on holiday/is off on a trip/bought a ticket] to {v}
""",
        change="""
!we changed our plans, [we're/I'm] [flying/travelling/going] to {v}[/ instead/ instead of {old}]
!the trip to {old} [was cancelled/is off/is cancelled/fell through], [I'm travelling/I'm going/we're going/I'm flying] to {v}[/ instead]
!not {old}, [I'm travelling/I'm flying/my trip goes] to {v}
![scrap that/wait/oops/sorry], I'm travelling to {v}[/, not {old}]
""",
        ask="""
[to which/to what] [country/city/place/island/destination] [am|is {I} flying/do|does {I} travel/am|is {I} going on holiday/will {I} travel next/does {my} trip go]
where [does {my} trip go/does {my} journey take {me}/do|does {I} travel/will {my} holiday be/is {my} holiday/am|is {I} flying to/am|is {I} headed on holiday/am|is {I} spending {my} holiday/does {my} next trip take {me}/does {my} ticket go to/am|is {I} off to on holiday/am|is {I} travelling to again]
[which/what] [country/city/place] [am|is {I} going to visit on {my} trip/is {my} travel destination/is {my} holiday destination/am|is {I} travelling to]
!I'm [travelling/flying/going on holiday] where[ again/]
!my [trip/holiday] goes where
""",
        check="""
am|is {I} [travelling/flying/going on holiday] to {v}
is {my} next trip to {v}
""",
        np="{my} [holiday destination/destination/travel destination]",
        clause="""
[to which/to what] [country/place/city] {I} am|is travelling
where {my} [trip/holiday/journey] goes
where {I} am|is [flying/going on holiday/travelling]
"""),
    "reads": dict(
        say="""
![before bed/on the train/in bed/currently/right now] I'm reading {v}
!the book [on my bedside table/in my bag/on my desk/I'm in the middle of] is {v}, [I'm reading it/that's what I'm reading]
!I'm [in the middle of/halfway through/on page 50 of/deep into/on the last chapter of/enjoying] {v}[, a great book/, my current book/, the book I'm reading/]
!{v} is [what I'm reading/the book I'm reading/my current book/on my bedside table, I'm reading it]
~{I} is [in the middle of/currently reading/halfway through] {v}
""",
        change="""
!I finished [that one/{old}/that book], [I'm now reading/now I read] {v}
!I [put {old} away/gave up on {old}/stopped reading {old}], [I'm reading/now I'm reading] {v}
!instead of {old}[/,] I'm reading {v}[/ now]
!my new book is {v}, I'm reading it[/ now]
""",
        ask="""
[which/what] [book/title/novel] [lies on {my} bedside table/am|is {I} in the middle of/is {my} current book/is on {my} desk/do|does {I} read at the moment/do|does {I} have open/is it that {I} am|is reading/did I say {I} am|is reading/am|is {I} halfway through]
what [do|does {I} read these days/am|is {I} reading right now/do|does {I} read in bed/is {my} current book/is the title of {my} book/is the title of what {I} am|is reading]
!I'm reading [what/which book][ again/]
""",
        check="""
am|is {I} reading {v}
is {v} the book {I} am|is reading
""",
        np="""
{my} current book
the [title/name] of the book {I} am|is reading
""",
        clause="[which/what] [book/title] {I} am|is [reading/in the middle of/reading these days]"),
    "wants": dict(
        say="""
{I} [want|wants/would like/really want|wants/wish|wishes for/long|longs for] a {v}
!a {v} is [what I want/what I wish for/the present I want/at the top of my wish list]
!for [Christmas/my birthday] I'd [like/love] a {v}
!what I want [most/for my birthday/] is a {v}
!on my wish list there is a {v}
~{I} [dreams of getting/is saving up for/would love/is hoping for/begs for] a {v}
""",
        ask="""
[which/what] [gift/present/thing] [do|does {I} want/would {I} like/do|does {I} wish for/would make {me} happy/do|does {I} dream of/should you get {me}]
what [do|does {I} wish for/is on {my} wish list/should you give {me} for {my} birthday/would {I} love to have/do|does {I} long for/would {I} like for {my} birthday/do|does {I} want most]
!I want what[ again/]
""",
        check="""
do|does {I} want a {v}
would {I} like a {v}
""",
        np="{my} [wish/dream present/biggest wish]",
        clause="""
what {I} [wish|wishes for/would like/dream|dreams of]
[which/what] [gift/present] {I} want|wants
"""),
    "married": dict(
        say="""
!I [married/tied the knot with/exchanged rings with/said yes to] {v} [last year/in June/long ago/ten years ago/], [we're married/so we are married/I'm married to {v}]
!the person I'm married to is [called/named/] {v}
!I've been married to {v} for [years/a year/ten years/ages]
~{I} [married/is happily married to/got married to] {v}
""",
        ask="""
[to whom/with whom] am|is {I} married
who [is the person {I} am|is married to/did {I} get married to/did {I} marry, what's the name/is {my} spouse/did {I} say yes to]
what's the name of [the person {I} am|is married to/{my} spouse/the one {I} married]
!I'm married to who[m/]
""",
        check="""
am|is {I} married to {v}
did {I} marry {v}
""",
        np="the name of {my} spouse",
        clause="""
to whom {I} am|is married
who {my} spouse is
"""),
    "height": dict(
        say="""
!I'm [exactly/about/almost/just/only/] {v} tall
![height/my height]: {v}
!from head to toe I measure {v}
!they measured me, I'm {v} tall
""",
        ask="""
[how/exactly how] tall [am|is {I} again/did I say {I} am|is/would you say {I} am|is]
what [height/size] [do|does {I} have/am|is {I}]
what do|does {I} measure
!I'm how tall
!my height[/ is what/ again]
""",
        check="""
am|is {I} {v} tall
is {my} height {v}
""",
        clause="""
how tall {I} am|is
what {I} measure|measures
"""),
    "many": dict(
        say="""
!{v}[, those are my {n}/ are the names of my {n}/ are my {n}/, that's what my {n} are called]
![we/I] [named/call/called] [our/my/the] {n} {v}
!I have {n}[./,/;] [they are called/their names are/they're called/we call them/they are named] {v}
!my [lovely/little/dear/sweet/funny/noisy] {n} are called {v}
!my {n}[:/? They are called/? Those are] {v}
""",
        change="""
!I now have [new/other] {n}, {v}
![oops/wait/sorry/correction], my {n} are {v}
""",
        ask="""
what names do {my} {n} have
how are {my} {n} [called/named] [again/exactly/]
!what [do I call/did I name/did we name/do we call] [my/our/the] {n}
![my/the/our] {n}[ are called what/, what are their names/, names please/, who are they/, how are they called]
!and [my/the] {n}[/, what are they called]
![tell me/list/give me] the names of my {n}
![which/what] names did [we/I] give [our/my] {n}
""",
        check="are {my} {n} called {v}",
        np="the names of {my} {n}",
        clause="""
how {my} {n} are [called/named]
what names {my} {n} have
!what we call our {n}
"""),
    "teaches": dict(
        say="""
!at [school/college/university] I teach {v}
!{v} is [what I teach/the subject I teach]
!I'm a teacher of {v}
""",
        ask="""
[which/what] subject [am|is {I} a teacher of/do|does {I} give lessons in/do {my} pupils learn]
what do|does {I} give lessons in
!I teach what[ again/]
""",
        check="do|does {I} teach {v}",
        clause="""
[which/what] [subject/class] {I} teach|teaches
what {I} give|gives lessons in
"""),
    "likes": dict(
        say="""
!I'm [really/very/so/] [keen on/into/happy with/fond of/mad about] {v}
!I [can never say no to/have a soft spot for/have a thing for/am addicted to] {v}, [I like it/I love it]
!{v}[? I like that/ is something I like/ is something I love/, I love that]
~{I} [is keen on/has a soft spot for/enjoys/is mad about] {v}
""",
        ask="""
what [is it {I} like|likes/am|is {I} keen on/do|does {I} have a soft spot for/makes {me} happy/am|is {I} mad about]
[which/what] thing do|does {I} [like/love]
!I like what[ again/]
""",
        check="do|does {I} [like/love/enjoy] {v}",
        np="the thing {I} [love|loves/enjoy|enjoys]",
        clause="what {I} [enjoy|enjoys/am|is fond of/am|is keen on]"),
    "parked": dict(
        say="""
!I [put/stopped/found a space for] [the/my] car {v}
!the car [stands/is standing/is parked/was left] {v}
!I found a parking space {v}
!I left [my/our] car {v}
![remember/note], the car is parked {v}
""",
        change="""
!I had to [move/repark] the car, it's {v} now
!someone needed the space, so I parked {v}
""",
        ask="""
!where [did I leave/is/do I find/did I put/have I left/did I stop with/should I look for] [my/the/our] car[/ again]
!where [was it I parked/did I say I parked/am I parked/is my parking space/does my car stand]
![my/the] car[, where is it/ is where/, where did I park it]
!in [which/what] place did I [park/leave the car]
!I [can't find/am looking for] my car, where did I park[/ it]
""",
        check="""
did {I} park {v}
!is [my/the] car {v}
""",
        clause="!where [the car is/I left my car/my car stands/I parked the car/to find my car]"),
}

# ---- around a question ---------------------------------------------------------------------------------------------------
ASK_NP = [
    "[can/could/would/will] you [please/just/quickly/kindly/] [tell me/give me/say/repeat/name/remind me of/write down/read out/look up/spell] {x}[/ please/ again/ once more/ for me]",
    "do you [still/by any chance/happen to/perhaps/maybe/really/] [remember/recall/know/have] {x}[/ by now/ or not]",
    "[any/got any/do you have any] [idea/clue] what {x} [is/was]",
    "{x} [is/was] what[/ again/ once more/ exactly]",
    "{x} is [which one again/what, please]",
    "{x}[/ again/ please/ once more/, please/ now/, quick/, quickly/, if you can/ is/ was]",
    "[now/next/then/okay,/well,] {x}[/ is/ was/ is what]",
    "[and/so] {x}[/ is what/ again]",
    "[I forgot/I can't remember/I don't remember/I've forgotten/I no longer know/I can't think of/I keep mixing up/I'm not sure about/I have no idea about/I lost the note with] {x}[./, what is it/, can you help/, do you know it/, what was it/, help me/, can you tell me/, do you remember it]",
    "{x}: [what is it/what was it/do you know it/do you remember it/tell me/please]",
    "{x}, [what is it/what was it/what is it again/what was that again/do you know it/do you remember/can you tell me/tell me/which is it/how was that]",
    "{x} [slipped my mind/escapes me/won't come to mind/is on the tip of my tongue/is gone from my head], [what is it/help me/can you help/do you know it/what was it]",
    "{x} is [still in your head/safe with you/in your memory/something you know], [isn't it/right/I hope]",
    "[what/what exactly] did I [say/tell you/write/mention] {x} [is/was]",
    "what have you [noted/written down/saved/stored/kept/memorised] [as/for] {x}",
    WHO + " [wants/needs/wants to know/asks for/asked for/is asking for/would like to have/is asking about] {x}[/./, what do I say/, what should I tell them/, can you help/, what is it]",
    "I [need/want/have] to [fill in/write down/enter/spell/give someone/tell someone/check] {x}[, what is it/, what do I write/, please/]",
    "[I bet/I hope/surely/I'm sure/I suppose/I guess/I think] you [still/] [remember/know/recall] {x}[, right/, don't you/]",
    "you [still/do/surely/must/] [know/remember/recall] {x}[, don't you/, right/, I hope/, I guess/, do you]",
    "[let's test/time to test/I want to test/let me test/here's a test for/a little test of] your memory[:/./,] {x}",
    "what [is/was] {x}[, do you know/, if I may ask/, do you recall/, by the way/, please/, tell me/, then/, can you say/, any idea]",
    "[it's about/this is about/my question is about/I'm asking about/I'd like to ask about/let's talk about/back to/coming back to] {x}[, what is it/: what is it/, what was it]",
    "[do you have/is there/have you got] [anything/something] [on/about] {x} in your [memory/notes/head]",
    "did I [ever/already/once/] [tell you/mention/give you/share/say] {x}[, and what is it/, what is it/]",
    "[forgot/forgotten/have you forgotten/did you forget/you didn't forget] {x}",
    "[remember/recall] {x}",
    "what's {x} [again/now/, please]",
    "who or what is {x}",
    "how did I [describe/call/put] {x}",
    "[how about/what about/and what about/now what about] {x}[/, do you know it/, what was it]",
    "I [told you/mentioned/gave you/said] {x}[/ before/ earlier/ a while ago], [what is it/what was it/do you still know it/can you repeat it/say it again]",
]
ASK_CLAUSE = [
    "do you [still/by any chance/happen to/perhaps/maybe/really/] [remember/know/recall] {x}[/ by now/ or not]",
    "[can/could/would/will] you [please/just/quickly/kindly/] [tell me/say/remind me/repeat/tell us/tell them] {x}[/ again/ once more/ please]",
    "[any/got any/do you have any/have you any/have you got any] [idea/clue/memory of/recollection of] {x}",
    "[I forgot/I can't remember/I don't remember/I've forgotten/I no longer know/I'm not sure/I have no idea/I can't recall/I'm confused about] {x}[, help me/, do you know/, can you help/, can you tell me/, please tell me//.]",
    "I [wonder/was wondering/am wondering/'d like to know/would love to know/want to know/need to know/would like to hear/am curious] {x}[, do you know/, can you say/]",
    WHO + " [asked me/wants to know/is asking/asks me/needs to know/would like to know] {x}[/, what do I say/, can you help/.]",
    "{x}, [do you know/do you remember/can you tell me/any idea/tell me/please/again/do you know that/do you recall/can you say/did I say/did I mention that]",
    "did I [ever/already/] [tell you/mention/say] {x}",
    "have I [ever/already/] [told you/mentioned/said] {x}",
    "[let's see/let me see/I want to see/I wonder/tell me/I'd like to see] [if/whether] you [still/] [know/remember/recall] {x}",
    "what did I [say/tell you/write/mention] about {x}",
    "you [surely/still/must/do/] [know/remember/recall] {x}[, right/, don't you/, I hope/, do you]",
    "[remember/recall] {x}[/, please/, do you]",
    "[forgot/have you forgotten/did you forget/you haven't forgotten] {x}",
    "[so/and/now/next,] {x}",
    "[just/please/quickly/now/go on,/come on,/okay,] tell me {x}[/ again/ once more/ please]",
    "[I hope/I bet/I guess/surely/I think] you [still/] [know/remember] {x}[, right/]",
    "is it [possible/right] that you [know/remember] {x}",
    "[look up/check/repeat/state/tell us/say] {x}[/ for me/ please]",
    "[a question/small question/quick question/test question]: {x}",
]
ASK_TAIL = [" again", ", please", " please", ", do you remember", ", if you know", ", do you know", ", any idea", ", can you say", ", by the way",
    " then", ", tell me", ", do you recall", ", hm", ", remember", ", can you tell me", ", I wonder", ", did I say", ", did I mention it", " now",
    " these days", " at the moment", ", in your memory", ", buddy", ", my friend", ", dear assistant", " pls", " plz"]
ASK_BEFORE = ["I'm filling in a form. ", "I'm a bit forgetful. ", "My memory is bad. ", "I'm testing you. ", "Let's do a quiz. ",
    "Time for a question. ", "Let me ask you something. ", "Be honest: ", "Think back: ", "Think hard: ", "Careful now: ", "Remember what I said? ",
    "I told you once: ", "You know me. ", "Back to me: ", "Enough of that. ", "Something else: ", "Changing the subject: ", "Now a question. ",
    "Tell me this: ", "Say, ", "Well then, ", "Right, ", "Okay then, ", "Alright, ", "Look, ", "Listen, ", "Excuse me, ", "Just checking: ",
    "For the record, ", "Next question: ", "Another question: ", "Last question: ", "Out of curiosity, ", "If I may ask, ", "Help me out: ",
    "Could you help? ", "Hello again. ", "I'm back. ", "Hey buddy, ", "Assistant, ", "Question: ", "q: ", "Pop quiz: "]
CHECK = ["is it true that {x}", "{x}, right", "{x}, isn't that so", "did I say that {x}", "is it right that {x}", "{x}, correct",
    "true or false: {x}", "{x}, true or false", "am I right that {x}", "didn't I tell you that {x}", "did I tell you that {x}", "{x}, yes or no",
    "can you confirm that {x}", "so {x}", "{x}", "is it correct that {x}", "would you say that {x}", "do you think that {x}",
    "{x}, or is that wrong", "{x}, or not", "I think {x}, right", "someone says {x}, is that true", "wait, {x}, right"]

# ---- around a telling ----------------------------------------------------------------------------------------------------
FRONT = [
    "the thing is, ",
    "to be [honest/clear/precise/fair/exact], ",
    "in case [you need it/it comes up/you wonder/anyone asks/I forget], ",
    "before I forget[:/,] ",
    "you [may/might] [like/want] to know that ",
    "believe it or not, ",
    "funny story: ",
    "[no joke/seriously/no kidding], ",
    "now that you [ask/mention it], ",
    "speaking of [which/me/that], ",
    "let's start with this: ",
    "[first/second/first of all/to begin with/finally/next], ",
    "[listen/look/see/you see/say/right/alright/yes/yeah/ah/oh/oh well/hm/ok/so yeah/no,/ha], ",
    "as I [said/told others/mentioned to a friend], ",
    "for [the record/your files/your notes/your memory]: ",
    "[a/one/another] [fact/thing/detail] [about me/for you/to know/to remember]: ",
    "I [must/have to/should/want to/would like to] [say/tell you/add/admit/mention/confess] [that/] ",
    "[did you know/have you heard/do you know] that ",
    "can you [note/remember/keep in mind/write down/save] that ",
    "[here is/here's] [something/a fact/one more thing/some news]: ",
    "it's no secret that ",
    "everyone knows that ",
    "[what you should know/what matters]: ",
    "I'm [happy/glad/proud] to say that ",
    "[hi there/hey you/good evening/hello again/dear assistant/hello friend], ",
    "[maybe you should know/perhaps I should say/it may help to know] that ",
]
BACK = [", which is why {c}", ", so {c}", " and {c}", ", and {c}", " because {c}", ", but {c}", "; {c}", ", that's why {c}", " although {c}",
    ", even if {c}", ", you see, {c}"]
CHATTER = [
    "[I'm always/I'm often/I'm rarely/I'm never] [busy/at home/tired/bored/late/in a hurry/outside/happy]",
    "[life/everything/the day/it] [is good/is busy/was long/is calm/could be worse/is never boring]",
    "I [sleep badly/sleep well/walk a lot/get up early/read a lot/go out a lot/laugh a lot/need coffee/can't complain/hardly sit down]",
    "[people/my friends/some folks/the neighbours] [often ask/keep asking/find it funny/were surprised/like that/laugh about it]",
    "it [makes me happy/makes me smile/took a while/isn't always easy/was a good choice/feels right/is a long story/can be tiring/suits me/was time]",
    "[we/I] [had a good laugh/love it/had a party/got lucky/enjoy it/wouldn't change a thing]",
    "the [weather/mood/food/coffee/view] is [fine/great/good/lovely/awful]",
]

# {n} had nothing told about it but its being there
HAVE = ["I have a {n}", "I've got a {n}", "I also have a {n}", "there's my {n}, too", "we have a {n}", "let me tell you about my {n}",
    "I want to tell you about my {n}", "you don't know my {n} yet", "did I mention my {n}", "I live with my {n}", "I have a wonderful {n}",
    "I told you I have a {n}, didn't I"]
THEN = [
    "[{his} name is/{he} is called/{he}'s called/{he} is named/we call {him}/I call {him}/{he} goes by/everyone calls {him}/the name is/{his} name's/people call {him}/it's] {v}",
    "{v}",
    "{v} is {his} name",
    "{v}, that's {his} name",
    "{he} has the name {v}",
    "{he} answers to {v}",
]

# ---- what no family holds ------------------------------------------------------------------------------------------------
UNTOLD = [
    "what [am I wearing/was I wearing/did I dream about/do I dream about at night/do I think about/did I learn at school/is on my wall/is in my pocket/is in my bag/do I see from my window/do I keep in my garden]",
    "what colour [are my eyes/is my hair/are my socks/are my shoes/is my skin/are my walls]",
    "how much [money do I have/money do I earn/coffee do I drink a day/do I spend a month/did my {n} cost]",
    "how many [books/plants/shoes/hats/friends/socks/chairs/{n}s] do I [own/have/possess]",
    "am I [left-handed/right-handed/rich/shy/a morning person/good at maths/vegetarian/single/tall/religious/{adj}]",
    "when [did I get up/do I get up/did I go to bed/did I learn to swim/did I buy my {n}/did I last see {name}/did I finish school/do I usually eat]",
    "how [did I sleep/long do I sleep/far is my way to work/do I get to work/did I meet {name}/long have I had my {n}/often do I do sport/well can I swim]",
    "who [did I vote for/cuts my hair/fixed my {n}/gave me my {n}/do I admire/do I trust most/did I kiss first]",
    "why [am I here/did I leave my {n}/do I like the {n}/did I buy a {n}/am I so {adj}]",
    "do I [smoke/wear glasses/drink/snore/like {name}/own a {n}/need a {n}/believe in ghosts/have a garden/know {name}/sing well/go to church]",
    "did I ever [break a bone/climb a mountain/win a prize/lose a {n}/fly a plane/meet {name}/write a book]",
    "can I [swim/drive/cook/whistle/dance/ride a horse/speak in public]",
    "what does {name} think of me",
    "what did {name} [say/tell me/want/give me/bring me]",
    "which [tooth hurts/shoe is too small/school did I go to as a kid/bus do I take/newspaper do I read/party did I vote for/radio station do I like/hand do I write with]",
    "do you [know/remember] [how I slept/what I'm wearing/how much I earn/who cuts my hair/what {name} said/when I get up/if I smoke/what I dream of at night/how many friends I have]",
]
WHO_IS = ["who is {x}", "who's {x}", "do you know who {x} is", "tell me who {x} is", "who was {x} again", "do you remember who {x} is",
    "any idea who {x} is", "and who is {x}", "have I told you who {x} is", "{x} is who"]
