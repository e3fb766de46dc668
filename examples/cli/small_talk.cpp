#include "small_talk.h"

#include <algorithm>
#include <iterator>

#include "talk.h"

namespace cli {
namespace {

const char* const kNames[] = {"Dave",  "Anna", "Maria", "John",  "Wei",  "Fatima", "Carlos", "Yuki",  "Olga",  "Ahmed",
                              "Priya", "Lars", "Chloe", "Diego", "Nina", "Omar",   "Ivan",   "Grace", "Hugo",  "Leila",
                              "Tom",   "Rosa", "Sam",   "Zoe",   "Max",  "Eva",    "Paul",   "Iris",  "Noah",  "Mia",
                              "Felix", "Jane", "Ken",   "Lily",  "Mark", "Nora",   "Oscar",  "Petra", "Quinn", "Ruth"};
const char* const kSyllables[] = {"ba", "be", "bi", "bo", "bu", "da", "de", "di", "do", "du", "ka", "ke", "ki",
                                  "ko", "ku", "la", "le", "li", "lo", "lu", "ma", "me", "mi", "mo", "mu", "na",
                                  "ne", "ni", "no", "nu", "ra", "re", "ri", "ro", "ru", "sa", "se", "si", "so",
                                  "su", "ta", "te", "ti", "to", "tu", "va", "ve", "vi", "vo", "za", "ze", "zo"};
const char* const kNouns[] = {
    "garden", "kitchen", "river",     "mountain", "book",     "movie",   "song",    "train",   "station", "market",
    "bridge", "window",  "table",     "chair",    "lamp",     "phone",   "laptop",  "coffee",  "tea",     "bread",
    "cheese", "soup",    "salad",     "apple",    "orange",   "storm",   "cloud",   "winter",  "summer",  "spring",
    "autumn", "road",    "forest",    "lake",     "ocean",    "beach",   "boat",    "bicycle", "museum",  "library",
    "school", "office",  "meeting",   "project",  "report",   "letter",  "picture", "camera",  "radio",   "concert",
    "dinner", "lunch",   "breakfast", "holiday",  "weekend",  "morning", "evening", "night",   "party",   "game",
    "puzzle", "novel",   "poem",      "story",    "language", "lesson",  "recipe",  "spice",   "flower",  "tree",
    "leaf",   "stone",   "castle",    "tower",    "village"};
const char* const kAdjectives[] = {"quiet",  "loud",    "bright", "dark",   "warm",    "cold",   "old",
                                   "new",    "strange", "simple", "lovely", "boring",  "huge",   "tiny",
                                   "fresh",  "empty",   "busy",   "calm",   "curious", "gentle", "wild",
                                   "smooth", "rough",   "sweet",  "bitter"};
const char* const kVerbs[] = {"saw",     "liked",    "bought",    "cleaned", "painted", "forgot",  "found",
                              "lost",    "borrowed", "fixed",     "moved",   "carried", "watched", "noticed",
                              "visited", "enjoyed",  "described", "sold",    "opened",  "closed"};

const char* const kColours[] = {"red",   "blue",  "green", "yellow", "purple", "orange",
                                "black", "white", "brown", "pink",   "grey",   "silver"};
const char* const kFoods[] = {"pizza", "sushi", "lasagne",   "curry", "pancakes",
                              "salad", "soup",  "chocolate", "rice",  "bread"};
const char* const kJobs[] = {"teacher", "nurse",   "baker",   "pilot",   "carpenter",
                             "farmer",  "dentist", "plumber", "painter", "tailor"};
const char* const kCities[] = {"Paris", "London", "Berlin", "Madrid", "Oslo",   "Lima",
                               "Cairo", "Tokyo",  "Vienna", "Dublin", "Prague", "Lisbon"};
const char* const kCountries[] = {"France", "Spain",  "Norway", "Peru",   "Japan",
                                  "Kenya",  "Canada", "Greece", "Poland", "Chile"};

// A kind of fact, in sentences around its value: told, changed, answered.
struct Kind {
  char value;  // n: a name, u: a number; else the first letter of one of the lists above (k: of countries)
  const char *told, *told_end, *changed, *changed_end, *question, *answer;
};

constexpr Kind kKinds[] = {
    {'n', "My name is ", ".", "My name is now ", ".", "What is my name?", "Your name is "},
    {'c', "I live in ", ".", "I moved to ", ".", "Where do I live?", "You live in "},
    {'n', "My dog is called ", ".", "My dog is now called ", ".", "What is my dog called?", "Your dog is called "},
    {'n', "My cat is called ", ".", "My cat is now called ", ".", "What is my cat called?", "Your cat is called "},
    {'n', "My sister is called ", ".", "My sister is now called ", ".", "What is my sister called?",
     "Your sister is called "},
    {'n', "My brother is called ", ".", "My brother is now called ", ".", "What is my brother called?",
     "Your brother is called "},
    {'n', "My boss is called ", ".", "My new boss is called ", ".", "What is my boss called?", "Your boss is called "},
    {'l', "My favourite colour is ", ".", "My favourite colour is ", " now.", "What is my favourite colour?",
     "Your favourite colour is "},
    {'f', "My favourite food is ", ".", "My favourite food is ", " now.", "What is my favourite food?",
     "Your favourite food is "},
    {'u', "My favourite number is ", ".", "My favourite number is ", " now.", "What is my favourite number?",
     "Your favourite number is "},
    {'j', "I work as a ", ".", "I now work as a ", ".", "What do I do for a living?", "You work as a "},
    {'k', "I come from ", ".", "I actually come from ", ".", "Where do I come from?", "You come from "}};

}  // namespace

std::string SmallTalk::invented_name() {
  const std::size_t lengths[] = {2, 2, 3, 3, 4};
  std::string name;
  for (std::size_t left = lengths[draw(5)]; left > 0; --left) name += pick(kSyllables);
  name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return name;
}

std::string SmallTalk::value(char kind) {
  switch (kind) {
    case 'n':
      return chance(40) ? pick(kNames) : invented_name();
    case 'c':
      return chance(60) ? pick(kCities) : invented_name();
    case 'l':
      return pick(kColours);
    case 'f':
      return pick(kFoods);
    case 'j':
      return pick(kJobs);
    case 'k':
      return pick(kCountries);
    default:
      return std::to_string(10 + draw(990));
  }
}

std::vector<Fact> SmallTalk::facts(std::size_t n, std::size_t changes) {
  std::vector<Kind> left(std::begin(kKinds), std::end(kKinds));
  std::vector<Fact> facts;
  while (facts.size() < n && !left.empty()) {
    const std::size_t i = draw(left.size());
    const Kind kind = left[i];
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(i));
    std::string now = value(kind.value);
    Fact fact{kind.told + now + kind.told_end, "", kind.question, ""};
    if (facts.size() < changes) {
      const std::string before = now;
      while (now == before) now = value(kind.value);
      fact.changed = kind.changed + now + kind.changed_end;
    }
    fact.want = kind.answer + now + ".";
    facts.push_back(fact);
  }
  // What changes is told among the others.
  for (std::size_t i = facts.size(); i > 1; --i) std::swap(facts[i - 1], facts[draw(i)]);
  return facts;
}

std::string SmallTalk::sentence() {
  const std::size_t t = draw(100);
  if (t < 30)
    return "I " + pick(kVerbs) + " the " + pick(kAdjectives) + " " + pick(kNouns) + " near the " + pick(kNouns) + ".";
  if (t < 50) {
    return "The " + pick(kNouns) + " was " + pick(kAdjectives) + " and the " + pick(kNouns) + " was " +
           pick(kAdjectives) + ".";
  }
  if (t < 70) return "Do you think a " + pick(kNouns) + " is " + pick(kAdjectives) + "?";
  if (t < 85)
    return "We " + pick(kVerbs) + " a " + pick(kNouns) + " and " + pick(kVerbs) + " some " + pick(kNouns) + ".";
  return "Tell me about the " + pick(kNouns) + ".";
}

std::string SmallTalk::exchange() {
  const std::size_t counts[] = {1, 1, 2, 3};
  std::string message = sentence();
  for (std::size_t left = counts[draw(4)]; left > 1; --left) message += " " + sentence();
  std::string reply;
  switch (draw(4)) {
    case 0:
      reply = "I see.";
      break;
    case 1:
      reply = "Go on.";
      break;
    case 2:
      reply = "That sounds " + pick(kAdjectives) + ".";
      break;
    default:
      reply = "Tell me more about the " + pick(kNouns) + ".";
      break;
  }
  return turn(message, reply);
}

}  // namespace cli
