"""Words that the conversations are made of: real values, and makers of values that no list holds."""

NAMES = """Dave Anna Maria John Wei Fatima Carlos Yuki Olga Ahmed Priya Lars Chloe Diego Nina Omar Ivan Grace Hugo Leila
Tom Rosa Sam Zoe Max Eva Paul Iris Noah Mia Felix Jane Ken Lily Mark Nora Oscar Petra Quinn Ruth Alice Bob Charlie Daniel
Emma Frank George Hannah Isaac Julia Kevin Laura Michael Nicole Oliver Peter Rachel Sarah Thomas Ursula Victor Wendy Xavier
Yvonne Zachary Aaron Bella Carl Diana Edward Fiona Gavin Helen Ian Jack Kate Liam Megan Nathan Olivia Patrick Rebecca Simon
Tina Vera Walter Amir Beatriz Chen Dmitri Elena Farid Giulia Hiroshi Ingrid Jorge Kavita Luca Mei Nadia Otto Pablo Ravi Sofia
Tariq Uma Viktor Yara Zain Abdul Birgit Cem Deepak Esther Francesca Gunther Hassan Ilse Jamal Katarina Leo Marta Nils Oksana
Pierre Rashid Svetlana Tomasz Umberto Valentina Wolfgang Yusuf Zofia Adam Bruno Clara David Ella Fred Gina Henry Ida James
Karen Louis Mary Ned Penny Robert Stella Tim Una Vince Will Alex Ben Chris Dana Eric Faye Greg Heidi Irene Joe Kim Linda Mike
Nick Opal Phil Rita Steve Tess Vic Wanda Zack Agnes Boris Cora Dora Ezra Flora Gus Hope Inez Jonas Kurt Lena Milo Nell Orla
Pia Rex Sven Thea Ugo Viola Wes Yann Zelda Amy Bill Cindy Doug Erin Flo Gary Holly Jill Kyle Lisa Matt Nancy Owen Pam Ray Sue
Ted Val Wade Joanna Samuel Benjamin Elizabeth Margaret Alexander Catherine Stephanie Christopher Jonathan Gabriel Isabel""".split()
NAMES += """Abigail Adele Adrian Agatha Aisha Alan Albert Alejandro Alfred Alina Alison Alma Amanda Amelia Anastasia Andrea Andrew Angela Angus
Anneliese Anthony Antonio Ariel Arnold Arthur Astrid Audrey Augustus Aurora Barbara Barnaby Basil Beatrice Belinda Bernard Bertha Bethany
Bianca Blanche Bradley Brandon Brenda Brian Bridget Brigitte Bronwyn Calvin Camila Candice Caroline Cassandra Cecilia Cedric Celeste
Charlotte Chiara Christina Clarence Claudia Clifford Clive Colin Conrad Constance Cordelia Craig Crystal Cynthia Cyril Damian Daphne
Darius Darren Deborah Delilah Dennis Derek Desmond Dexter Dominic Dorothy Douglas Duncan Dwayne Dylan Eamon Edith Edmund Edwina Eileen
Eleanor Elijah Eloise Elsa Elvira Emanuel Emilia Emmanuel Enrique Ernest Estelle Ethan Eugene Eunice Evangeline Evelyn Fabian Faith
Fernando Finn Florence Floyd Francis Freya Frida Gareth Gemma Geoffrey Georgia Gerald Gertrude Gilbert Giovanni Gladys Glenn Gloria
Gordon Graham Gregory Gretchen Guadalupe Gwen Hamish Harold Harriet Harvey Hector Henrietta Herbert Hilda Horace Howard Humphrey Ibrahim
Ignatius Imogen Irma Isaiah Isabella Isidore Ivy Jacqueline Jared Jasmine Jason Javier Jeremy Jerome Jessica Joachim Jocelyn Joel
Josiah Joyce Judith Juliet Julian Justin Kamala Katherine Kathleen Keith Kendra Kenneth Kieran Kirsten Kristina Kwame Lakshmi Lance
Lancelot Laurence Lavinia Leander Leonard Leonora Leopoldo Leslie Lewis Lillian Lionel Lorenzo Lorraine Lucia Lucinda Lucius Ludmila
Luther Lydia Mabel Mackenzie Madeleine Magdalena Malcolm Manfred Marcella Marcel Marguerite Marianne Marigold Marina Mario Marjorie
Marlene Marshall Martha Martin Marvin Mathilda Maurice Maximilian Maxine Melanie Melissa Mercedes Meredith Millicent Minerva Miranda
Miriam Mohammed Mordecai Morgan Mustafa Myrtle Natalia Natasha Nathaniel Neville Nigel Nikolai Noelle Norbert Octavia Odette Oliver
Olympia Ophelia Orlando Oswald Otis Pamela Patience Patricia Penelope Percival Perry Philippa Phoebe Phyllis Preston Priscilla Prudence
Quentin Ramona Randall Raphael Raymond Regina Reginald Rhiannon Ricardo Richard Roberta Roderick Roger Roland Rosalie Rosemary Roxanne
Rudolph Rufus Rupert Russell Sabrina Salvador Samantha Sandra Sebastian Selina Serena Shannon Sharon Sheila Shirley Sidney Sigrid
Silvester Solomon Sophia Spencer Stanley Stefan Suleiman Sunniva Susannah Sylvia Tabitha Tamara Tanya Tatum Terrence Theresa Thaddeus
Theodore Thorsten Tiffany Timothy Tobias Tristan Trudy Tyrone Ulrich Ulysses Vanessa Vernon Veronica Vincent Virginia Vivian Vladimir
Wallace Warren Wilfred Wilhelmina William Winifred Winston Wolfram Yasmin Yolande Yvette Zachariah Zainab Zara Zephyr Zenobia""".split()
ACCENTED = "José Zoë Søren Björn Renée François Łukasz Jürgen Inés André Chloé Mónica Åsa Gül Jiří Siân Noël Éva Anaïs Raúl".split()
PET_NAMES = """Rex Bella Milo Luna Buddy Whiskers Rocky Daisy Coco Max Ginger Pepper Shadow Oreo Biscuit Nala Simba Felix Tiger
Bruno Ziggy Pumpkin Mittens Smokey Cookie Peanut Toby Rusty Bandit Snowball Waffles Noodle Pickles Muffin Sparky Fluffy
Socks Patches Duke Bear Honey Marble Pebbles Maple Olive Mochi Tofu Gizmo Pixel Ruffles""".split()
CITIES = """Oslo Bergen Paris London Berlin Madrid Rome Lisbon Vienna Prague Warsaw Athens Dublin Helsinki Stockholm Copenhagen
Brussels Amsterdam Zurich Geneva Milan Naples Turin Munich Hamburg Cologne Dresden Leipzig Lyon Nice Marseille Bordeaux Porto
Seville Valencia Bilbao Granada Krakow Gdansk Budapest Belgrade Sofia Bucharest Kyiv Moscow Istanbul Ankara Cairo Tunis
Casablanca Lagos Nairobi Accra Dakar Johannesburg Tokyo Kyoto Osaka Seoul Busan Beijing Shanghai Taipei Manila Hanoi Bangkok
Jakarta Singapore Mumbai Delhi Chennai Karachi Dhaka Tehran Baghdad Dubai Sydney Melbourne Perth Brisbane Auckland Wellington
Toronto Montreal Vancouver Ottawa Calgary Boston Chicago Seattle Denver Austin Dallas Houston Miami Atlanta Detroit Portland
Phoenix Lima Bogota Quito Santiago Havana Manchester Liverpool Leeds Bristol Glasgow Edinburgh Cardiff Belfast York Oxford
Cambridge Bath Brighton Norwich Ghent Antwerp Basel Graz Linz Salzburg Malmo Uppsala Tampere Turku Aarhus Odense Riga Vilnius
Tallinn Cork Galway Venice Florence Verona Siena Pisa Genoa Palermo""".split() + """New York|Los Angeles|San Francisco|Las Vegas|
San Diego|Mexico City|Buenos Aires|Rio de Janeiro|Sao Paulo|Cape Town|Hong Kong|Tel Aviv|New Delhi|Santa Fe|St Andrews|
Kuala Lumpur|Addis Ababa|The Hague""".replace("\n", "").split("|")
CITIES += """Aachen Abuja Adelaide Agadir Albuquerque Aleppo Algiers Alicante Almaty Amman Anchorage Annapolis Arequipa Arkhangelsk Asheville
Asuncion Avignon Baku Baltimore Bamako Bandung Bangalore Barcelona Bari Batumi Beirut Bern Biarritz Birmingham Bishkek Bologna Boise Brasilia
Bremerhaven Brest Bruges Buffalo Bulawayo Burgas Cadiz Calais Cali Cambridge Canberra Caracas Cartagena Catania Charleston Chengdu
Chisinau Christchurch Cincinnati Cleveland Cluj Coimbra Columbus Cordoba Cusco Damascus Darwin Debrecen Delft Derby Dijon Dortmund
Dubrovnik Duluth Dundee Dunedin Durban Dushanbe Dusseldorf Erfurt Esbjerg Essen Exeter Faro Fargo Ferrara Frankfurt Freiburg Fremantle
Fukuoka Gaborone Gdynia Gibraltar Groningen Guadalajara Guangzhou Haarlem Haifa Halifax Hannover Harare Heidelberg Hiroshima Hobart
Honolulu Huddersfield Hyderabad Indianapolis Innsbruck Inverness Isfahan Izmir Jacksonville Jaipur Jerusalem Jonkoping Kabul Kampala
Kansas Karlsruhe Katowice Kaunas Kazan Kharkiv Khartoum Kigali Kingston Kinshasa Klagenfurt Knoxville Kobe Kolkata Kosice Kristiansand
Lahore Lancaster Lausanne Leicester Leiden Lille Limerick Limoges Lincoln Lodz Louisville Lubeck Lubumbashi Lucerne Lucknow Lugano Lusaka
Luxembourg Lviv Maastricht Madison Malaga Mannheim Maputo Maribor Medellin Memphis Messina Milwaukee Minneapolis Minsk Mombasa Monrovia
Montevideo Monterrey Montpellier Nagasaki Nagoya Nancy Nashville Newcastle Nicosia Nottingham Novosibirsk Nuremberg Odessa Oklahoma Omaha
Oradea Orlando Ostrava Ouagadougou Oulu Padua Pamplona Panama Perugia Philadelphia Pittsburgh Plovdiv Plymouth Potsdam Poznan Pretoria
Providence Punta Quebec Queenstown Rabat Raleigh Ravenna Reading Reims Rennes Reykjavik Richmond Rijeka Rosario Rostock Sacramento Samarkand
Santander Sapporo Sarajevo Saskatoon Savannah Sendai Sevilla Sheffield Shenzhen Shrewsbury Skopje Southampton Spokane Springfield Stavanger
Strasbourg Stuttgart Swansea Syracuse Szczecin Szeged Tacoma Tallahassee Tangier Tashkent Tbilisi Teheran Thessaloniki Timisoara Tirana Toledo
Toulon Tromso Tucson Tulsa Udine Utrecht Vaduz Valparaiso Varna Veracruz Vientiane Vladivostok Wichita Windhoek Wolverhampton Worcester Wroclaw
Wuhan Wurzburg Yekaterinburg Yerevan Yokohama Zagreb Zanzibar Zaragoza Aix-en-Provence Stratford-upon-Avon Stoke-on-Trent""".split() + """Salt Lake City|
San Jose|San Antonio|Fort Worth|Baton Rouge|New Orleans|Santa Cruz|Las Palmas|La Paz|Port Louis|Palma de Mallorca|Ho Chi Minh City|Phnom Penh|
Port Elizabeth|Milton Keynes|St Petersburg|Novi Sad|Banja Luka|Santo Domingo|San Juan|Panama City|Kansas City|Dar es Salaam|Santa Barbara|
Colorado Springs|Abu Dhabi|Tunbridge Wells|King's Lynn|Bury St Edmunds|L'Aquila|Stone Town|Saint-Malo|Baden-Baden|Sankt Gallen""".replace("\n", "").split("|")
COUNTRIES = """Norway Sweden Denmark Finland Iceland Ireland Scotland England Wales France Spain Portugal Italy Greece Germany
Austria Switzerland Belgium Poland Hungary Romania Bulgaria Croatia Serbia Turkey Egypt Morocco Nigeria Kenya Ghana Ethiopia
Japan Korea China Vietnam Thailand India Pakistan Nepal Iran Iraq Australia Canada Mexico Brazil Argentina Chile Peru Colombia
Cuba Ukraine Russia Estonia Latvia Lithuania Malta Cyprus Israel Jordan Lebanon Indonesia Malaysia""".split() + [
    *"""Albania Algeria Angola Armenia Azerbaijan Bangladesh Barbados Belarus Belize Bhutan Bosnia Botswana Brunei Cambodia Cameroon Chad
    Ecuador Eritrea Fiji Gabon Georgia Greenland Guatemala Guyana Haiti Honduras Jamaica Kazakhstan Kosovo Kuwait Kyrgyzstan Laos Libya
    Liechtenstein Luxembourg Macedonia Malawi Maldives Mali Mauritius Moldova Monaco Mongolia Montenegro Mozambique Myanmar Namibia Nicaragua
    Niger Oman Panama Paraguay Qatar Rwanda Samoa Senegal Singapore Slovakia Slovenia Somalia Sudan Syria Taiwan Tajikistan Tanzania Togo
    Tunisia Turkmenistan Uganda Uzbekistan Venezuela Yemen Zambia Zimbabwe Alabama Alaska Arizona Arkansas California Colorado Connecticut
    Delaware Florida Hawaii Idaho Illinois Indiana Iowa Kentucky Louisiana Maine Maryland Massachusetts Michigan Minnesota Mississippi
    Missouri Montana Nevada Ohio Oklahoma Oregon Pennsylvania Tennessee Texas Utah Vermont Virginia Wisconsin Wyoming Bavaria Saxony
    Tuscany Sicily Sardinia Catalonia Andalusia Brittany Normandy Provence Cornwall Devon Yorkshire Kent Lapland Ontario Quebec Alberta
    Queensland Tasmania Kerala Punjab Bohemia Transylvania Flanders""".split(), "El Salvador", "North Dakota", "South Carolina", "New Mexico", "West Virginia", "New Jersey", "Puerto Rico", "Burkina Faso", "Ivory Coast", "Saudi Arabia", "Sierra Leone", "the Czech Republic", "Northern Ireland", "Nova Scotia", "British Columbia",
    "New Zealand", "South Africa", "Costa Rica", "the Netherlands", "the Philippines", "Sri Lanka"]
LANGUAGES = """Norwegian Swedish Danish Finnish Icelandic Irish Welsh French Spanish Portuguese Italian Greek German Dutch Polish
Hungarian Romanian Bulgarian Croatian Turkish Arabic Swahili Yoruba Amharic Japanese Korean Mandarin Vietnamese Thai Hindi Urdu
Nepali Persian Hebrew Russian Ukrainian Estonian Latvian Esperanto Latin Basque Catalan English""".split()
COLORS = """red blue green yellow orange purple pink brown black white grey turquoise violet indigo crimson teal beige gold silver
maroon navy olive lilac magenta cyan coral scarlet amber ivory emerald""".split() + [
    "dark green", "light blue", "bright red", "dark blue", "pale yellow", "sky blue"]
FOODS = """pizza sushi pasta lasagna curry tacos burgers ramen risotto paella goulash dumplings pancakes waffles falafel hummus
chocolate cheese noodles steak salmon tofu spaghetti kebab couscous fondue porridge omelettes popcorn pickles mushrooms olives
dosa pierogi gnocchi burritos nachos croissants meatballs strawberries mangoes blueberries bananas apples avocados lentils
""".split() + ["fried rice", "mac and cheese", "fish and chips", "apple pie", "roast chicken", "potato salad", "tomato soup",
              "ice cream", "baked beans", "green curry", "garlic bread", "carrot cake", "onion soup", "grilled cheese"]
DRINKS = """coffee tea water lemonade cider beer wine milk cocoa espresso cappuccino matcha kombucha whisky gin rum cola smoothies
""".split() + ["orange juice", "green tea", "apple juice", "ginger ale", "hot chocolate", "sparkling water", "black coffee", "iced tea"]
JOBS = """nurse doctor teacher baker plumber carpenter electrician lawyer judge pilot chef waiter barber painter sculptor writer
journalist photographer designer architect engineer programmer librarian gardener farmer fisherman mechanic driver dentist
vet pharmacist biologist chemist physicist geologist historian translator accountant banker cashier clerk secretary manager
tailor butcher florist jeweller locksmith welder miner sailor soldier firefighter paramedic musician drummer dancer actor
singer composer conductor director producer editor consultant therapist psychologist professor researcher student astronomer
""".split() + ["police officer", "software engineer", "bus driver", "truck driver", "data analyst", "social worker", "tour guide",
              "flight attendant", "civil engineer", "graphic designer", "math teacher", "music teacher", "project manager",
              "train driver", "shop assistant", "dog trainer", "piano tuner", "glass blower"]
JOBS += """acrobat actuary anthropologist archaeologist archivist astronaut auctioneer author babysitter bailiff ballerina barista bartender
blacksmith bodyguard bookbinder bookkeeper bookseller botanist brewer bricklayer broker cameraman caretaker cartographer cartoonist
chauffeur chiropractor choreographer cleaner coach cobbler comedian cook copywriter coroner courier craftsman curator decorator detective
dietitian diplomat dispatcher diver dressmaker economist estimator farrier ferryman foreman forester fundraiser gamekeeper geneticist
glazier goldsmith governess gravedigger grocer guard hairdresser handyman housekeeper hypnotist illustrator imam instructor inspector
interpreter investigator jockey joiner juggler lecturer lifeguard linguist lobbyist logger lumberjack machinist magician magistrate
masseur mathematician meteorologist midwife milliner minister monk nanny neurologist notary novelist nutritionist optician optometrist
orthodontist ornithologist paediatrician painter paralegal pathologist philosopher physician physiotherapist podcaster poet politician
porter postman postwoman potter presenter priest principal prosecutor publisher puppeteer rabbi radiologist ranger realtor receptionist
referee reporter roofer saddler salesman seamstress shepherd shoemaker sociologist solicitor statistician steward stockbroker
superintendent surgeon surveyor taxidermist teller tiler toolmaker trader trainer trucker typesetter tutor umpire undertaker upholsterer
urologist usher veterinarian vicar violinist waitress warden watchmaker weaver weightlifter winemaker zookeeper zoologist""".split() + """air traffic controller|art dealer|
assembly line worker|bank clerk|bike courier|book editor|business analyst|car mechanic|chimney sweep|chief executive|construction worker|
crane driver|customs officer|dental assistant|delivery driver|driving instructor|estate agent|event planner|factory worker|fashion designer|
film critic|fire inspector|flower seller|forklift driver|game developer|head chef|health inspector|history teacher|hotel manager|
insurance broker|interior designer|kindergarten teacher|lab technician|landscape gardener|lighthouse keeper|machine operator|marine biologist|
market researcher|museum guide|news anchor|night guard|office clerk|opera singer|park ranger|pastry chef|personal trainer|
primary school teacher|prison guard|private detective|product manager|radio host|real estate agent|research assistant|sales manager|
school principal|security guard|ship captain|sound engineer|speech therapist|stage manager|stunt double|system administrator|tattoo artist|
taxi driver|tax advisor|tram driver|travel agent|tree surgeon|video editor|voice actor|warehouse worker|web developer|wedding planner|
window cleaner|yoga instructor|tech lead|UX designer|fishmonger|sommelier|choirmaster|ski instructor|swimming teacher""".replace("\n", "").split("|")
FOODS += """bibimbap biryani borscht bruschetta cannelloni carbonara ceviche chili clams cornbread crepes crumpets dhal enchiladas fajitas fettuccine
focaccia frittata gazpacho gravlax gyros haggis hash jambalaya jollof kimchi laksa linguine lobster macaroni minestrone moussaka mussels nasi
okonomiyaki oysters pancetta parmesan pavlova pho polenta prawns pretzels quesadillas quiche quinoa ratatouille ravioli rendang sashimi
sauerkraut sauerbraten schnitzel scones shakshuka shawarma souvlaki stroganoff strudel tabbouleh tagine tamales tapas tempura tiramisu
tortellini tortillas trout tuna vindaloo yakitori zucchini aubergines cauliflower asparagus artichokes raspberries coconut pistachios
marzipan liquorice oatmeal yoghurt""".split() + """pad thai|beef stew|chicken soup|clam chowder|lemon tart|peanut butter|rice pudding|shepherd's pie|
spring rolls|stuffed peppers|sweet potatoes|toad in the hole|turkey sandwich|butter chicken|chicken tikka masala|crème brûlée|egg fried rice|
french fries|fruit salad|key lime pie|lamb chops|pea soup|pulled pork|red lentil soup|smoked salmon|veggie burgers|banana bread|
bangers and mash|black forest cake|chocolate chip cookies|eggs benedict|sticky toffee pudding|grilled aubergine|spinach pie""".replace("\n", "").split("|")
INSTRUMENTS = """piano guitar violin cello flute drums trumpet saxophone clarinet harp accordion banjo ukulele oboe trombone tuba
viola bass organ harmonica mandolin bagpipes""".split()
INSTRUMENTS += """recorder zither lute lyre sitar xylophone marimba didgeridoo theremin balalaika cornet piccolo harpsichord dulcimer timpani concertina
kalimba tambourine glockenspiel bongos keyboard synthesizer""".split() + ["electric guitar", "bass guitar", "double bass", "French horn", "pan flute", "steel drums", "tin whistle", "English horn", "slide guitar", "hurdy-gurdy"]
SPORTS = """football basketball tennis hockey golf rugby cricket volleyball badminton baseball handball rowing swimming cycling
running skiing surfing climbing boxing judo fencing archery gymnastics skating sailing wrestling karate yoga squash""".split()
HOBBIES = """painting knitting gardening fishing hiking cooking baking reading writing dancing singing photography pottery chess
sewing woodworking birdwatching astronomy origami camping juggling calligraphy drawing gaming blogging swimming cycling running
climbing skiing surfing sailing yoga carpentry""".split() + ["stamp collecting", "model trains", "board games", "playing chess",
                                                          "collecting coins", "bird watching", "making jewellery", "playing tennis"]
HOBBIES += """archaeology baking ballet bouldering beekeeping bird-watching bookbinding bowling canoeing crocheting crosswords diving embroidery fencing geocaching
genealogy glassblowing hang-gliding jogging karaoke kayaking kitesurfing macrame magic meditation metalworking mountaineering needlework
orienteering paddleboarding paragliding parkour pilates poetry puzzles quilting rowing scrapbooking scuba-diving skateboarding sketching
snorkelling snowboarding spearfishing sudoku tango taxidermy trampolining travelling upcycling volunteering weaving whittling winemaking
windsurfing wrestling zumba""".split() + """amateur radio|ballroom dancing|bird photography|candle making|card games|comic books|cross-country skiing|flower arranging|
home brewing|horse riding|ice skating|jigsaw puzzles|karate training|landscape painting|leather working|line dancing|metal detecting|
model aeroplanes|mountain biking|mushroom picking|playing the lottery|pub quizzes|rock climbing|roller skating|salsa dancing|
soap making|star gazing|table tennis|train spotting|video games|vintage cars|watercolour painting|water polo|wine tasting|writing poems""".replace("\n", "").split("|")
SUBJECTS = """biology chemistry physics history law medicine economics philosophy psychology linguistics mathematics geography
architecture engineering literature sociology astronomy geology music art theology nursing statistics archaeology""".split() + [
    "computer science", "political science", "fine arts", "marine biology", "graphic design"]
ANIMALS = """dog cat parrot hamster horse rabbit turtle goldfish lizard snake canary ferret pony donkey goat hen duck mouse spider
fox owl eagle dolphin whale elephant lion tiger bear wolf panda koala penguin giraffe otter hedgehog squirrel octopus""".split()
PETS = """dog cat parrot hamster horse rabbit turtle goldfish lizard snake canary ferret pony donkey goat puppy kitten bird fish
tortoise budgie gecko""".split() + ["guinea pig"]
ALLERGENS = """peanuts shellfish gluten eggs milk soy pollen dust penicillin strawberries nuts wheat latex sesame lactose bees cats
dogs mustard celery shrimp aspirin garlic tomatoes kiwi""".split() + ["cat hair", "tree nuts", "bee stings"]
CARS = """Volvo Toyota Ford Honda Tesla Fiat Renault Peugeot Skoda Opel Mazda Nissan Subaru Audi BMW Kia Hyundai Jeep Lexus Saab
Porsche Mini Seat Dacia Volkswagen Mercedes Citroen""".split()
CARS += """Alfa Bentley Bugatti Buick Cadillac Chrysler Corvette Cupra Daihatsu Dodge Ferrari Hummer Infiniti Isuzu Jaguar Lada Lamborghini Lancia Maserati Maybach
Mitsubishi Mustang Oldsmobile Plymouth Polestar Pontiac Prius Rover Smart SsangYong Suzuki Trabant Vauxhall Wartburg Beetle Passat Corolla Civic Golf Panda""".split() + """Alfa Romeo|Aston Martin|
Land Rover|Range Rover|Rolls Royce|Ford Fiesta|Ford Focus|Fiat Panda|Mini Cooper|Volkswagen Golf|Toyota Corolla|Toyota Yaris|Honda Civic|Renault Clio|Tesla Model 3|
Skoda Octavia|Opel Corsa|VW Polo|VW Beetle|Nissan Leaf|Audi A4|BMW i3|Peugeot 208|Volvo V70|Mazda MX-5|pickup truck|camper van""".replace("\n", "").split("|")
COMPANIES = """Nokia|Ikea|Airbus|Boeing|Shell|Philips|Nestle|Unilever|Samsung|Sony|Toyota|Pfizer|Bayer|Roche|Novartis|Google|Microsoft|Amazon|Apple|
Netflix|Spotify|Barclays|Tesco|Sainsbury's|Marks and Spencer|Walmart|Starbucks|McDonald's|Deutsche Bank|Air France|British Airways|Ryanair|Delta|
KLM|DHL|FedEx|UPS|Vodafone|Ericsson|Volkswagen|General Electric|Goldman Sachs|Procter and Gamble|Johnson and Johnson|the Red Cross|the post office|
the BBC|NASA|the city council|the fire brigade|Zara|Adidas|Puma|Lidl|Carrefour|Oracle|Intel|Accenture|Cisco""".replace("\n", "").split("|")
BOOKS = """War and Peace|Pride and Prejudice|Jane Eyre|Wuthering Heights|Great Expectations|Oliver Twist|Don Quixote|Ulysses|The Odyssey|The Iliad|Middlemarch|
Frankenstein|The Hobbit|Anna Karenina|Crime and Punishment|The Great Gatsby|To Kill a Mockingbird|Brave New World|Animal Farm|Lord of the Flies|
The Catcher in the Rye|One Hundred Years of Solitude|The Old Man and the Sea|Catch-22|1984|Fahrenheit 451|Slaughterhouse-Five|The Name of the Rose|
The Little Prince|Robinson Crusoe|Gulliver's Travels|Treasure Island|Little Women|David Copperfield|The Trial|The Stranger|The Plague|Siddhartha|
Steppenwolf|The Magic Mountain|Norwegian Wood|Life of Pi|The Alchemist|Dune|Neuromancer|The Road|Beloved|Rebecca|Persuasion|Bleak House|Hamlet|Macbeth""".replace("\n", "").split("|")
FILMS = """Titanic|Psycho|Vertigo|Jaws|Alien|Inception|The Godfather|Pulp Fiction|Fight Club|Forrest Gump|The Matrix|Gladiator|Amelie|Toy Story|Finding Nemo|
Back to the Future|Star Wars|Blade Runner|Metropolis|Citizen Kane|Some Like It Hot|Spirited Away|My Neighbor Totoro|The Lion King|Shrek|Rocky|Jurassic Park|
The Shining|Groundhog Day|Parasite|Gone with the Wind|Singin' in the Rain|Up|Her|Seven Samurai|Notting Hill|Mamma Mia|Cinema Paradiso""".replace("\n", "").split("|")
BANDS = """The Beatles|Queen|Pink Floyd|Abba|Metallica|Radiohead|Coldplay|Nirvana|Oasis|Blur|Led Zeppelin|The Rolling Stones|Pearl Jam|Depeche Mode|Kraftwerk|U2|
Genesis|Iron Maiden|Deep Purple|The Cure|Muse|Green Day|Daft Punk|Dire Straits|Simon and Garfunkel|Sigur Ros|Arctic Monkeys|The Clash|AC/DC|Massive Attack""".replace("\n", "").split("|")
WRITERS = """Shakespeare|Goethe|Kafka|Dostoevsky|Chekhov|Hemingway|Jane Austen|Charles Dickens|Virginia Woolf|Agatha Christie|Mark Twain|Edgar Allan Poe|Oscar Wilde|
Thomas Mann|Hermann Hesse|Toni Morrison|Haruki Murakami|Gabriel Garcia Marquez|Stephen King|Terry Pratchett|Ursula Le Guin|Albert Camus|Borges|Nabokov|Orwell|
Steinbeck|Faulkner|Emily Dickinson|Margaret Atwood|Zadie Smith|Homer|Dante|Ibsen|Neruda|Elena Ferrante""".replace("\n", "").split("|")
SINGERS = """Elvis Presley|Frank Sinatra|Aretha Franklin|Nina Simone|Ella Fitzgerald|Edith Piaf|David Bowie|Johnny Cash|Bob Dylan|Leonard Cohen|Joni Mitchell|Madonna|Beyonce|
Rihanna|Taylor Swift|Ed Sheeran|Billie Eilish|Amy Winehouse|Tina Turner|Whitney Houston|Bob Marley|Stevie Wonder|Prince|Bjork|Kate Bush|Elton John|Freddie Mercury|Dolly Parton|Cesaria Evora""".replace("\n", "").split("|")
MONTHS = "January February March April May June July August September October November December".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
SEASONS = "spring summer autumn winter".split()
FLOWERS = "rose tulip lily daisy orchid sunflower violet iris daffodil peony lavender poppy lotus jasmine carnation".split()
FRUITS = "apple banana cherry mango pear plum peach grape melon kiwi lemon orange papaya fig apricot pineapple strawberry".split()
VEGETABLES = "carrot potato tomato spinach broccoli cabbage onion pepper pumpkin celery leek radish turnip cucumber eggplant".split()
GENRES = "jazz rock pop blues folk metal techno opera reggae soul punk disco classical country ambient swing".split()
METALS = "gold silver copper iron tin platinum bronze steel titanium".split()
RELATIVES = """sister brother mother father wife husband son daughter cousin uncle aunt grandmother grandfather nephew niece
mom mum dad granny grandson granddaughter stepmother stepsister partner girlfriend boyfriend grandma grandpa fiance""".split() + ["little sister", "little brother", "older sister", "older brother",
    "big brother", "twin sister", "mother-in-law", "father-in-law", "half-brother", "sister-in-law", "foster mother", "ex-husband", "stepfather", "godmother"]
PEOPLE = """boss neighbour teacher doctor dentist roommate colleague coach landlord manager hairdresser lawyer therapist plumber
mechanic mentor tutor flatmate babysitter accountant""".split() + ["best friend", "piano teacher", "business partner", "math teacher",
    "pen friend", "old friend", "personal trainer", "next-door neighbour", "childhood friend"]
NAMED_THINGS = """boat band team robot company school street village hotel bank gym book club café ship farm blog startup church shop
university bakery hospital restaurant podcast guitar bike tractor""".split() + ["first pet", "football club"]
THINGS = """keys wallet passport glasses phone umbrella charger notebook camera laptop watch ring bicycle helmet jacket scarf backpack
suitcase ticket tickets headphones medicine gloves hat toolbox ladder torch tent tablet diary guitar skis boots""".split() + [
    "car keys", "spare key", "sunglasses", "birth certificate", "reading glasses", "house keys", "winter coat", "old letters"]
PLACES = """drawer kitchen garage attic basement wardrobe car office bathroom bedroom hallway cupboard closet shed fridge safe
bookshelf suitcase backpack garden cellar pantry locker""".split()
WHERE = ["in the {p}", "in the {p}", "in the {p}", "on the table", "under the bed", "behind the door", "on the shelf", "next to the lamp",
         "under the sofa", "on the desk", "in the top drawer", "in my coat pocket", "on the kitchen table", "behind the mirror",
         "by the front door", "on the window sill", "in the blue box", "under the stairs", "inside the {p}", "near the {p}"]
EVENTS = """meeting exam interview flight wedding concert lesson appointment party deadline holiday surgery train race class match
checkup haircut recital conference""".split() + ["dentist appointment", "doctor's appointment", "job interview", "piano lesson",
    "driving test", "yoga class", "dinner party", "school play", "parent meeting", "final exam", "dance class", "book club meeting"]
SECRETS = """code pin password passcode""".split() + ["locker code", "door code", "alarm code", "gate code", "wifi password",
    "PIN", "secret code", "access code", "safe combination", "bike lock code", "secret word", "magic word", "login code", "card pin"]
NUMBERS = ["lucky number", "house number", "room number", "seat number", "flight number", "phone number", "order number",
    "ticket number", "account number", "bus number", "shoe size", "jersey number", "locker number", "license plate", "zip code",
    "student number", "table number", "parking spot", "booking number", "passport number", "customer number", "apartment number",
    "favourite number", "street number", "postcode", "gate number", "extension", "mailbox number", "case number"]
COLORED = """car bike house door jacket kitchen coat bag umbrella sofa boat hat scarf bedroom phone suitcase backpack dress shirt
carpet roof fence van tent motorbike front door curtains""".replace("front door", "garden_gate").replace("_", " ").split()
PETS_MANY = "cats dogs parrots hamsters horses rabbits turtles goldfish chickens ponies goats kittens puppies birds".split()
PEOPLE_MANY = "kids children sons daughters brothers sisters parents twins cousins nieces nephews grandparents flatmates grandchildren".split()
THINGS += """pen pencil scissors stapler rucksack shoes sandals earrings necklace bracelet hairbrush razor thermometer hammer drill screwdriver flashlight binoculars
calculator lighter corkscrew teapot blanket pillow towel swimsuit racket skateboard sleeping_bag harmonica violin contract receipt prescription photo_album
inhaler earplugs batteries candles remote_control bus_pass driving_licence bank_card credit_card library_card hearing_aid house_key bike_key power_bank
sewing_kit first_aid_kit tax_papers lunch_box water_bottle wedding_ring shopping_list""".replace("\n", " ").split(" ")
THINGS = [x.replace("_", " ") for x in THINGS]
GIFTS = """telescope bicycle guitar camera watch puppy drone skateboard book necklace painting tent microscope keyboard sweater
laptop kayak hammock globe typewriter pony kitten rabbit piano violin scooter dollhouse trampoline treehouse jacket robot tablet snowboard
surfboard wristwatch bracelet""".split() + ["mountain bike", "new phone", "games console", "coffee machine", "train set", "sewing machine", "trip to Rome", "pair of boots", "puzzle of a castle", "football shirt", "teddy bear", "rocking horse"]

# ---- for small talk ------------------------------------------------------------------------------------------------------
NOUNS = """garden kitchen river mountain book movie song train station market bridge window table chair lamp phone laptop coffee
tea bread cheese soup salad apple orange storm cloud winter summer spring autumn road forest lake ocean beach boat bicycle museum
library school office meeting project report letter picture camera radio concert dinner lunch breakfast holiday weekend morning
evening night party game puzzle novel poem story language lesson recipe spice flower tree leaf stone castle tower village
bakery blanket candle carpet clock computer cup curtain desk door engine fence field fire floor gate hill house island jacket
kettle key knife ladder map mirror moon mug museum neighbour newspaper notebook oven painting paper park path pen pencil pillow
pipe plate pond postcard printer rain roof room rope sand sandwich scissors screen sea shelf shirt shoe shop sky snow sofa
spoon square stairs star street sun telescope theatre ticket toy traffic truck umbrella valley vase wall water wind wood yard
airport bank bus cafe cinema city corner factory farm harbour hospital hotel kitchen mall office pub restaurant square stadium
supermarket university zoo bird cat dog horse fox owl squirrel spider bee butterfly frog deer""".split()
ADJECTIVES = """quiet loud bright dark warm cold old new strange simple lovely boring huge tiny fresh empty busy calm curious gentle
wild smooth rough sweet bitter beautiful ugly cheap expensive clean dirty heavy light soft hard long short narrow wide broken
modern ancient famous funny sad serious silly slow fast tall tasty thick thin tidy messy useful useless wet dry wonderful awful
colourful crowded cosy dangerous deep delicious difficult easy excellent fancy foggy friendly noisy nice odd pleasant pretty
rare round sharp shiny sleepy special""".split()
VERBS = """saw liked bought cleaned painted forgot found lost borrowed fixed moved carried watched noticed visited enjoyed described
sold opened closed admired broke built checked chose counted covered decorated drew dropped examined finished followed heard held
hid ignored imagined kept left lent loved measured missed mentioned needed ordered photographed picked planned prepared pushed
repaired replaced returned reviewed searched shared showed started stopped studied touched tried used wanted washed""".split()
ADVERBS = """today yesterday recently again finally slowly quickly quietly suddenly often sometimes usually always never carefully
happily together alone outside tonight""".split()
ACTIVITIES = """cooking dinner|reading a book|watching a film|walking the dog|cleaning the house|listening to music|working on a report|
playing cards|riding my bike|doing the laundry|fixing the roof|baking bread|planting trees|writing letters|learning to dance|
painting the fence|waiting for the bus|packing my bags|doing homework|shopping for shoes|washing the car|making tea|
sorting old photos|building a shelf|looking for a new flat|preparing a talk|watering the plants|playing with the kids|
taking photos|studying for an exam|drinking coffee|folding clothes|swimming in the lake""".replace("\n", "").split("|")

_ONSET = "b br c ch cl d dr f fl g gr h j k kr l m n p pl pr qu r s sh st t th tr v w x y z sk bl sm sn zh".split() + [""] * 4
_VOWEL = "a e i o u a e i o u ai ea ou ie oo y au ei".split()
_CODA = "n r l s m t k x d g th nd rk sh st ll b".split() + [""] * 22
_SIMPLE_C = "b d k l m n r s t v z".split()


def invented(r):
    """A word that no list holds: plain syllables, or any letters English spelling allows."""
    if r.random() < .4:
        return "".join(r.choice(_SIMPLE_C) + r.choice("aeiou") for _ in range(r.choice((2, 2, 3, 3, 4))))
    if r.random() < .12:
        return "".join(r.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(r.randrange(3, 8)))
    w = "".join(r.choice(_ONSET) + r.choice(_VOWEL) + r.choice(_CODA) for _ in range(r.choice((1, 2, 2, 2, 3))))
    return w if len(w) > 2 else w + r.choice("nrlst") + r.choice("aeiou")


def blended(r, words):
    """The head of one real word and the tail of another."""
    a, b = r.choice(words), r.choice(words)
    return (a[:r.randrange(2, max(3, len(a)))] + b[-r.randrange(2, max(3, len(b))):]).replace(" ", "").capitalize()


_HEADS = "ab al am an ar as at be bel ber bo bra bri ca cal car cas cha cle co con cor da dal del des di do dra du eb ed el em er es fa fer fi flo fra ga gal ge gi glo gra gu ha har hel her hi ho hu il im is iv ja jo ju ka kar ki kla ko kra ku la lan le li lo lu ma mal mar me mer mi mo mu na ne ni no nu ob ol or os pa pe phi pi po pre pri qua ra re ri ro ru sa sca se sha si so sta ste su ta te the ti to tra tri tu ul ur va ve vi vla vo wa we wi xa ya ye yo za ze zi zo".split()
_MIDDLES = "ba be bi bo ca ce ci co da de di do dra du fa fe ga gi go ha ja ka ke ki la le li lo lu ma me mi mo na ne ni no nu pa pe po ra re ri ro ru sa se si so sta ta te ti to tra tri va ve vi vo za zi".split()
_TAILS = "a ara ana ella elle en er esh esco eth ette ia ian ica ie iel ike ila ima in ina ine ino io is ita ith itz ius lyn mann mund na nan ndra ne nia nna no nor nova ov ova ovic ra ran rd rek rian rick rin ro ron rtha ry s sa san sen ska son sson sta stan stein ta tan th tha ti ton tta tte us va van via ville vin wald wen win wyn ya yn za zen".split()


def spelled(r):
    """A long made-up word that looks like a real name: two to five syllables."""
    return (r.choice(_HEADS) + "".join(r.choice(_MIDDLES) for _ in range(r.choice((0, 1, 1, 2, 2, 3)))) + r.choice(_TAILS)).capitalize()


def person(r):
    t = r.random()
    if t < .015: return r.choice(ACCENTED)
    if t < .42: return r.choice(NAMES)
    if t < .62: return blended(r, NAMES)
    if t < .76: return spelled(r)
    if t < .78: return spelled(r) + "-" + r.choice(NAMES)
    if t < .79: return r.choice(("O'", "Mc", "Mac", "D'", "De", "Van ", "Di ", "St ")) + spelled(r)
    return invented(r).capitalize()


def full_name(r):
    t = r.random()
    if t < .9: return person(r)
    if t < .98: return person(r) + " " + person(r)
    return person(r) + " " + r.choice("ABCDEFGHJKLMNPRSTW") + ". " + person(r)


def pet_name(r):
    t = r.random()
    if t < .35: return r.choice(PET_NAMES)
    if t < .5: return r.choice(NAMES)
    if t < .55: return r.choice(("Mr", "Mrs", "Captain", "Sir", "Lady", "Princess", "Little")) + " " + r.choice(PET_NAMES)
    if t < .65: return r.choice(NOUNS).capitalize()
    if t < .78: return spelled(r)
    return invented(r).capitalize()


def city(r):
    t = r.random()
    if t < .45: return r.choice(CITIES)
    if t < .58: return blended(r, CITIES)
    if t < .65: return spelled(r)
    if t < .75: return invented(r).capitalize() + r.choice(("ville", "ton", "berg", "dorf", "burg", "field", "ham", "ford"))
    if t < .8: return r.choice(("North", "South", "East", "West", "Port", "Lake", "Old", "Upper")) + " " + invented(r).capitalize()
    return invented(r).capitalize()


def country(r): return r.choice(COUNTRIES) if r.random() < .7 else city(r)
def company(r):
    t = r.random()
    if t < .2: return r.choice(COMPANIES)
    if t < .4: return invented(r).capitalize() if r.random() < .5 else spelled(r)
    if t < .6: return invented(r).capitalize() + " " + r.choice(("Ltd", "Bank", "Foods", "Systems", "Motors", "Labs", "Media", "Group", "Books"))
    if t < .8: return r.choice(NOUNS).capitalize() + " " + r.choice(("Works", "House", "Partners", "Studio", "Brothers", "Express", "Lane"))
    kind = r.choice("hospital library bank bakery school university theatre hotel supermarket restaurant factory farm museum kindergarten pharmacy law_firm start-up garage bookshop newspaper high_school primary_school flower_shop travel_agency shipyard call_centre".split()).replace("_", " ")
    if r.random() < .6: return r.choice(("a", "a", "a small", "a big", "a local")) .replace("  ", " ") + " " + kind
    return "the " + r.choice("hospital library museum airport bank bakery factory zoo university school theatre post_office city_hall".split()).replace("_", " ")
def digits(r, n): return "".join(r.choice("0123456789") for _ in range(n))
def number(r):
    t = r.random()
    if t < .35: return str(r.randrange(1, 100))
    if t < .55: return str(r.randrange(100, 1000))
    if t < .8: return str(r.randrange(1000, 100000))
    if t < .88: return "".join(r.choice("ABCDEFGHJKLMNPRSTUVWXYZ") if r.random() < .4 else r.choice("0123456789") for _ in range(r.randrange(4, 8)))
    if t < .9: return r.choice("ABCDEFGHJKLMNPRST") + r.choice("ABCDEFGHJKLMNPRST") + r.choice(("-", " ", "")) + digits(r, r.randrange(2, 5))
    return digits(r, r.randrange(6, 10))
def secret(r):
    t = r.random()
    if t < .65: return str(r.randrange(10, 10 ** r.choice((3, 4, 4, 4, 5, 6))))
    if t < .76: return invented(r)
    if t < .82: return r.choice(NOUNS) if r.random() < .3 else r.choice(ADJECTIVES + COLORS).replace(" ", "") + r.choice(NOUNS)
    if t < .84: return spelled(r).lower() + r.choice("!?#*-_.") + str(r.randrange(1, 100))
    if t < .9: return invented(r) + str(r.randrange(1, 1000))
    return r.choice("ABCDEFGHKLMNPRSTXZ") + r.choice(("", "-", "")) + str(r.randrange(1, 9999))
def title(r):
    if r.random() < .25: return r.choice(BOOKS + FILMS) if r.random() < .8 else spelled(r)
    a, n, m = r.choice(ADJECTIVES).capitalize(), r.choice(NOUNS).capitalize(), r.choice(NOUNS).capitalize()
    return r.choice((f"The {a} {n}", f"{a} {n}", f"The {n} of {invented(r).capitalize()}", f"{n} and {m}", invented(r).capitalize(), f"The {n}"))
def date(r): return r.choice(MONTHS) + " " + str(r.randrange(1, 29)) if r.random() < .8 else "the " + str(r.randrange(4, 21)) + "th of " + r.choice(MONTHS)
def moment(r):
    t = r.random()
    if t < .4: return "on " + r.choice(DAYS)
    if t < .6: return "at " + r.choice(("noon", f"{r.randrange(1, 13)} o'clock", f"{r.randrange(1, 13)}:{r.choice(('00', '15', '30', '45'))}", f"half past {r.choice('two three four five six seven eight nine ten'.split())}"))
    if t < .75: return "on " + r.choice(DAYS) + " at " + str(r.randrange(1, 13))
    if t < .85: return "on " + date(r)
    return r.choice(("tomorrow", "next week", "next " + r.choice(DAYS), "in " + r.choice(MONTHS), "tonight", "next month"))
def spot(r):
    if r.random() < .45: return r.choice(WHERE).replace("{p}", r.choice(PLACES))
    where = r.choice(("in", "on", "under", "behind", "next to", "near", "inside", "on top of", "in front of", "below", "above", "between the books and", "at the back of", "beside"))
    thing = r.choice(NOUNS + PLACES) if r.random() < .8 else invented(r)
    return where + " " + r.choice(("the ", "the ", "the ", "my ")) + (r.choice(ADJECTIVES + COLORS) + " " if r.random() < .2 else "") + thing
def age(r): return str(r.randrange(2, 99))
def word(r): return r.choice(NOUNS) if r.random() < .5 else invented(r)
def _rare(r, values, tail):
    """A value that no list holds: made up, blended of two, or of two words."""
    t = r.random()
    if t < .2: return blended(r, values).lower()
    if t < .34: return spelled(r).lower()
    if t < .48: return invented(r)
    first = r.choice(NOUNS) if t < .75 else invented(r) if t < .85 else r.choice(ADJECTIVES)
    return first + " " + (r.choice(tail) if tail and r.random() < .8 else r.choice(values).split(" ")[-1].lower())
def maybe(values, p=.15, tail=()):
    """Mostly one of `values`; sometimes another word or two, so that the model copies instead of guessing."""
    return lambda r: r.choice(values) if r.random() > p else _rare(r, values, tail)
JOB_TAIL = "coach seller maker driver cleaner operator manager repairer builder collector teacher trainer keeper dealer inspector assistant consultant designer engineer painter planner technician specialist officer worker".split()
FOOD_TAIL = "soup salad pie cake stew sandwich sauce bread curry rolls rice pudding dumplings noodles pancakes sprouts beans chips cookies".split()
DRINK_TAIL = "juice tea lemonade wine beer syrup milk coffee shake soda water cocktail".split()
HOBBY_TAIL = "carving making collecting painting watching dancing racing climbing photography repair design games weaving folding".split()


def names(r, make):
    n = r.choice((2, 2, 2, 3))
    return ", ".join(make(r) for _ in range(n - 1)) + " and " + make(r)
def parked(r):
    return r.choice((f"on level {r.randrange(1, 9)}", f"in {invented(r).capitalize()} Street", f"behind the {r.choice(NOUNS)}", f"in front of the {r.choice(NOUNS)}", f"near the {r.choice(NOUNS)}", f"in row {r.choice('ABCDEFGHJK')}{r.randrange(1, 40)}", f"at the {r.choice(NOUNS)}", f"in spot {r.randrange(1, 400)}", f"on {invented(r).capitalize()} Road", f"next to the {r.choice(NOUNS)}"))
