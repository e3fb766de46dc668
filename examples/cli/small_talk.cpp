#include "small_talk.h"

#include <algorithm>

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

// A kind of fact: ways to tell it around its value, and a question.
struct Kind {
  const char* key;  // "Your KEY is VALUE."
  std::vector<std::pair<const char*, const char*>> told;
  const char* question;
};

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      {"name", {{"My name is ", "."}, {"I am called ", "."}, {"Please call me ", "."}}, "What is my name?"},
      {"city", {{"I live in ", "."}, {"My home is in ", "."}}, "Where do I live?"},
      {"dog", {{"My dog is called ", "."}, {"I have a dog named ", "."}}, "What is my dog?"},
      {"cat", {{"My cat is called ", "."}, {"I have a cat named ", "."}}, "What is my cat?"},
      {"sister", {{"My sister is called ", "."}, {"I have a sister named ", "."}}, "What is my sister?"},
      {"brother", {{"My brother is called ", "."}, {"I have a brother named ", "."}}, "What is my brother?"},
      {"boss", {{"My boss is called ", "."}, {"I work for ", "."}}, "What is my boss?"},
      {"code", {{"My code is ", "."}, {"The code is ", ", keep it."}}, "What is my code?"},
      {"color", {{"My favourite color is ", "."}, {"I love the color ", "."}}, "What is my color?"},
      {"food", {{"My favourite food is ", "."}, {"I love to eat ", "."}}, "What is my food?"},
      {"job", {{"My job is ", "."}, {"I work as ", "."}}, "What is my job?"},
      {"number", {{"My lucky number is ", "."}, {"The number ", " brings me luck."}}, "What is my number?"}};
  return all;
}

}  // namespace

std::string SmallTalk::invented_name() {
  const std::size_t lengths[] = {2, 2, 3, 3, 4};
  std::string name;
  for (std::size_t left = lengths[draw(5)]; left > 0; --left) name += pick(kSyllables);
  name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return name;
}

std::vector<Fact> SmallTalk::facts(std::size_t n) {
  std::vector<Kind> left = kinds();
  std::vector<Fact> facts;
  while (facts.size() < n && !left.empty()) {
    const std::size_t i = draw(left.size());
    const Kind kind = left[i];
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(i));
    const std::string key = kind.key;
    std::string value;
    if (key == "number" || key == "code") {
      value = std::to_string(10 + draw(99989));
    } else if (key == "name" && chance(40)) {
      value = pick(kNames);
    } else {
      value = invented_name();
    }
    const auto& told = kind.told[draw(kind.told.size())];
    facts.push_back({told.first + value + told.second, kind.question, "Your " + key + " is " + value + "."});
  }
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
