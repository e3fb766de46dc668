// What a person sees: a progress bar on stderr, numbers with separators, text made safe to show.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace cli {

// One line on stderr, redrawn at most ten times a second, gone at the end; nothing at all where stderr is no terminal.
//     reading [##########----------]  52%  52,480/100,000 tokens  18,300/s  3 s left
class ProgressBar {
 public:
  ProgressBar(std::string label, std::string unit);
  ~ProgressBar() { clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  bool visible() const { return visible_; }
  void update(std::uint64_t done, std::uint64_t total, const std::string& more = "");
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  std::string label_, unit_;
  bool visible_ = false, drawn_ = false;
  Clock::time_point start_, last_;
};

bool is_terminal(int fd);

std::string with_commas(std::uint64_t n);     // 1,234,567
std::string in_bytes(std::uint64_t n);        // "386.4 MB", powers of 1000 as the disk makers have them
std::string fixed(double value, int digits);  // printf's %.*f
std::string pad(const std::string& text, std::size_t width, bool right = false);  // by characters, not bytes

// Control characters, newlines too, as spaces; cut to `limit` characters with "..." at the end.
std::string one_line(std::string_view text, std::size_t limit = std::string::npos);

std::string trim(std::string_view text);  // without white space at either end

}  // namespace cli
