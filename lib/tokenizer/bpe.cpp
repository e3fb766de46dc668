#include "tokenizer/bpe.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <limits>
#include <unordered_map>

#include "core/error.h"
#include "core/hash.h"
#include "core/utf8.h"
#include "tokenizer/bpe_merge.h"
#include "tokenizer/prefix_tree.h"
#include "tokenizer/unicode.h"

namespace recurra {
namespace {

constexpr size_t kMost = std::numeric_limits<uint32_t>::max() - 1;

// ---- words that came before ----------------------------------------------------------------------------------------

// Most words of a text come again. Where one last stood and where its tokens went is kept by its hash; a word that
// falls on the same place takes it. The words lie in the text, which outlives this.
class WordCache {
 public:
  struct Entry {
    const char* word = nullptr;
    uint32_t size = 0, n_tokens = 0;
    size_t at = 0;  // of its first token in the output
  };

  explicit WordCache(size_t text_size) {
    size_t size = 64;
    while (size < kMostEntries && size < text_size / 8) size *= 2;
    entries_.resize(size);
  }

  static bool takes(std::string_view word) { return word.size() <= 64; }

  // The word's place, and whether it's the word that is there.
  Entry& find(std::string_view word, bool& found) {
    uint64_t hash = word.size();
    for (const char c : word) hash = (hash ^ static_cast<unsigned char>(c)) * 0x9e3779b97f4a7c15u;
    Entry& e = entries_[(hash ^ hash >> 32) & (entries_.size() - 1)];
    found = e.size == word.size() && std::memcmp(e.word, word.data(), word.size()) == 0;
    return e;
  }

 private:
  static constexpr size_t kMostEntries = 32768;
  std::vector<Entry> entries_;
};

// ---- added tokens --------------------------------------------------------------------------------------------------

// Finds the leftmost added token, and of those that begin there the longest.
class AddedTokens {
 public:
  explicit AddedTokens(std::vector<BpeAdded> tokens) : tokens_(std::move(tokens)), tree_(entries()) {}

  // Calls on_token(token) and on_text(text, offset) for what the text is made of, in order.
  template <class OnToken, class OnText>
  void cut(std::string_view text, OnToken on_token, OnText on_text) const {
    size_t done = 0;
    const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
    for (size_t at = 0; at < text.size() && !tokens_.empty();) {
      const PrefixTree::Match match = tree_.longest(bytes + at, text.size() - at);
      if (match.length == 0) {
        ++at;
        continue;
      }
      const BpeAdded& token = tokens_[static_cast<size_t>(match.token)];
      size_t begin = at, end = at + match.length;
      at = end;
      if (token.single_word && (ends_with_word(text.substr(0, begin)) || starts_with_word(text.substr(end)))) continue;
      if (token.lstrip) begin -= blanks_at_end(text.substr(done, begin - done));
      if (token.rstrip) at = end += blanks_at_start(text.substr(end));
      if (done < begin) on_text(text.substr(done, begin - done), done);
      on_token(token.token);
      done = end;
    }
    if (done < text.size()) on_text(text.substr(done), done);
  }

 private:
  std::vector<PrefixTree::Entry> entries() const {
    std::vector<PrefixTree::Entry> out;
    for (size_t i = 0; i < tokens_.size(); ++i) out.push_back({tokens_[i].text, static_cast<int32_t>(i)});
    return out;
  }

  std::vector<BpeAdded> tokens_;
  PrefixTree tree_;
};

std::vector<BpeAdded> added_of(const BpeParts& parts, bool normalized) {
  std::vector<BpeAdded> out;
  for (const BpeAdded& token : parts.added) {
    if (token.normalized != normalized) continue;
    out.push_back(token);
    if (parts.nfc && normalized) normalize_nfc(token.text, out.back().text);
  }
  return out;
}

// ---- the tokenizer -------------------------------------------------------------------------------------------------

struct Split {
  BpeSplit how;
  std::unique_ptr<Regex> regex;  // null for a blank
};

std::vector<Split> splits_of(const BpeParts& parts) {
  std::vector<Split> out;
  for (const BpeSplit& how : parts.splits) {
    out.push_back({how, how.blank ? nullptr : std::make_unique<Regex>(how.pattern, parts.name)});
  }
  return out;
}

// What one call of encode() works with.
struct Work {
  explicit Work(std::string_view text_) : text(text_), cache(text_.size()) {}

  std::string_view text;
  std::vector<int32_t> out;
  std::deque<std::string> copies;  // texts that were normalized or got a blank: words of them stay in the cache
  WordCache cache;
  Regex::Scratch regex;
  BpeMerges::Scratch merges;
  std::vector<int32_t> word;
};

class BpeTokenizer final : public Tokenizer {
 public:
  explicit BpeTokenizer(BpeParts parts)
      : byte_tokens_(parts.byte_tokens),
        nfc_(parts.nfc),
        merges_(parts.merges),
        added_(added_of(parts, false)),
        added_normalized_(added_of(parts, true)),
        splits_(splits_of(parts)),
        hash_(hash_of(parts)) {
    start_.push_back(0);
    for (const std::string& piece : parts.pieces) {
      bytes_ += piece;
      start_.push_back(bytes_.size());
    }
    for (const int32_t token : parts.whole_words) whole_words_.emplace(piece(token), token);
  }

  const char* kind() const override { return "bpe"; }

  std::vector<int32_t> encode(std::string_view text) const override {
    Work work(text);
    work.out.reserve(text.size() / 3 + 1);
    for (size_t begin = 0; begin < text.size();) {
      size_t end = begin;
      while (const size_t n = utf8_sequence(text.data() + end, text.size() - end)) end += n;
      if (begin < end) valid(text.substr(begin, end - begin), begin == 0, work);
      begin = end;
      while (end < text.size() && utf8_sequence(text.data() + end, text.size() - end) == 0) ++end;
      if (begin < end) merge(text.substr(begin, end - begin), work);
      begin = end;
    }
    return std::move(work.out);
  }

  std::string_view piece(int32_t token) const override {
    const size_t i = static_cast<size_t>(token);
    return std::string_view(bytes_).substr(start_[i], start_[i + 1] - start_[i]);
  }
  int32_t vocabulary() const override { return static_cast<int32_t>(start_.size() - 1); }
  const std::string& hash() const override { return hash_; }

 private:
  // Each stage hands on to the next. `blank` says whether a blank may be put before what it is given.
  void valid(std::string_view text, bool blank, Work& work) const {
    const auto push = [&work](int32_t token) { work.out.push_back(token); };
    added_.cut(text, push, [&](std::string_view part, size_t offset) {
      const bool part_blank = blank || offset != 0;
      if (nfc_) {
        std::string normal;
        if (normalize_nfc(part, normal)) part = work.copies.emplace_back(std::move(normal));
      }
      added_normalized_.cut(part, push, [&](std::string_view rest, size_t rest_offset) {
        split(0, rest, part_blank || rest_offset != 0, work);
      });
    });
  }

  void split(size_t step, std::string_view piece, bool blank, Work& work) const {
    if (piece.empty()) return;
    if (step == splits_.size()) return this->word(piece, work);
    const BpeSplit& how = splits_[step].how;
    if (how.blank) {
      if (blank && piece[0] != ' ') piece = work.copies.emplace_back(' ' + std::string(piece));
      return split(step + 1, piece, false, work);
    }
    const auto hand_on = [&](size_t begin, size_t end) {
      split(step + 1, piece.substr(begin, end - begin), blank || begin != 0, work);
    };
    // A piece waits here while the next may still join it.
    size_t waiting_begin = 0, waiting_end = 0;
    bool waiting = false, was_match = false;
    const auto flush = [&] {
      if (waiting) hand_on(waiting_begin, waiting_end);
      waiting = false;
    };
    const auto wait = [&](size_t begin, size_t end) {
      flush();
      waiting_begin = begin;
      waiting_end = end;
      waiting = true;
    };
    const auto part = [&](size_t begin, size_t end, bool match) {
      match = match != how.invert;
      bool joins = false;
      switch (how.behavior) {
        case SplitBehavior::isolated:
          return hand_on(begin, end);
        case SplitBehavior::removed:
          return match ? void() : hand_on(begin, end);
        case SplitBehavior::merged_with_previous:
          joins = match && !was_match;
          break;
        case SplitBehavior::merged_with_next:
          joins = !match && was_match;
          break;
        case SplitBehavior::contiguous:
          joins = match == was_match;
          break;
      }
      was_match = match;
      if (joins && waiting) {
        waiting_end = end;
      } else {
        wait(begin, end);
      }
    };
    const Regex& regex = *splits_[step].regex;
    size_t done = 0, begin = 0, end = 0, last_end = std::string_view::npos;
    for (size_t from = 0; from <= piece.size() && regex.find(piece, from, work.regex, begin, end);) {
      if (begin == end && begin == last_end) {  // nothing, where the last match ended: on with the next character
        from += std::max<size_t>(utf8_sequence(piece.data() + from, piece.size() - from), 1);
        continue;
      }
      if (done != begin) part(done, begin, false);
      part(begin, end, true);
      from = done = last_end = end;
    }
    if (done != piece.size()) part(done, piece.size(), false);
    flush();
  }

  void word(std::string_view word, Work& work) const {
    if (!whole_words_.empty()) {
      const auto found = whole_words_.find(word);
      if (found != whole_words_.end()) return work.out.push_back(found->second);
    }
    if (word.size() == 1 || !WordCache::takes(word)) return merge(word, work);
    bool known = false;
    WordCache::Entry& e = work.cache.find(word, known);
    if (known) {
      for (uint32_t i = 0; i < e.n_tokens; ++i) work.out.push_back(work.out[e.at + i]);
      return;
    }
    const size_t at = work.out.size();
    merge(word, work);
    e = {word.data(), static_cast<uint32_t>(word.size()), static_cast<uint32_t>(work.out.size() - at), at};
  }

  void merge(std::string_view word, Work& work) const {
    if (word.size() > kMost) fail(Code::unsupported, "a word of %zu bytes, expected at most %zu", word.size(), kMost);
    work.word.clear();
    for (const char& c : word) {
      const int32_t token = byte_tokens_[static_cast<unsigned char>(c)];
      if (token < 0) no_token(c, work);
      work.word.push_back(token);
    }
    merges_.apply(work.word, work.merges);
    work.out.insert(work.out.end(), work.word.begin(), work.word.end());
  }

  [[noreturn]] static void no_token(const char& c, const Work& work) {
    const unsigned byte = static_cast<unsigned char>(c);
    const auto at = reinterpret_cast<uintptr_t>(&c), begin = reinterpret_cast<uintptr_t>(work.text.data());
    if (at >= begin && at - begin < work.text.size()) {
      fail(Code::invalid, "byte 0x%02x at offset %zu has no token in the vocabulary", byte,
           static_cast<size_t>(at - begin));
    }
    for (const std::string& copy : work.copies) {
      const auto start = reinterpret_cast<uintptr_t>(copy.data());
      if (at >= start && at - start < copy.size()) {
        fail(Code::invalid, "byte 0x%02x at offset %zu of the normalized text has no token in the vocabulary", byte,
             static_cast<size_t>(at - start));
      }
    }
    fail(Code::internal, "byte 0x%02x is in no text", byte);
  }

  // State files carry it: what is hashed may never change.
  static std::string hash_of(const BpeParts& parts) {
    Hasher h;
    const auto number = [&h](int32_t n) { h.add(&n, sizeof n); };
    h.add(std::string("bpe"));
    for (size_t i = 0; i < parts.pieces.size(); ++i) {
      if (parts.pieces[i].empty()) continue;
      number(static_cast<int32_t>(i));
      h.add(parts.pieces[i]);
    }
    number(-1);
    for (const BpeMerge& m : parts.merges) {
      number(m.left);
      number(m.right);
      number(m.result);
    }
    number(-2);
    for (const BpeAdded& a : parts.added) {
      number(a.token);
      number(a.single_word | a.lstrip << 1 | a.rstrip << 2 | a.normalized << 3);
      h.add(a.text);
    }
    number(-3);
    for (const BpeSplit& s : parts.splits) {
      number(static_cast<int32_t>(s.behavior) | s.invert << 8 | s.blank << 9);
      h.add(s.pattern);
    }
    number(-4);
    number(parts.nfc | !parts.whole_words.empty() << 1);
    return h.hex();
  }

  std::string bytes_;  // of all tokens end to end: token i is [start[i], start[i+1])
  std::vector<size_t> start_;
  std::array<int32_t, 256> byte_tokens_;
  bool nfc_;
  BpeMerges merges_;
  AddedTokens added_, added_normalized_;
  std::vector<Split> splits_;
  std::string hash_;
  std::unordered_map<std::string_view, int32_t> whole_words_;
};

}  // namespace

std::unique_ptr<Tokenizer> make_bpe_tokenizer(BpeParts parts) {
  return std::make_unique<BpeTokenizer>(std::move(parts));
}

}  // namespace recurra
