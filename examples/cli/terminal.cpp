#include "terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace cli {
namespace {

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_character));
}

std::string_view first_characters(std::string_view text, std::size_t n) {
  std::size_t i = 0;
  while (i < text.size() && (!starts_character(text[i]) || n-- > 0)) ++i;
  return text.substr(0, i);
}

std::size_t terminal_width() {
  winsize size = {};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

bool is_terminal(int fd) { return isatty(fd) == 1; }

ProgressBar::ProgressBar(std::string label, std::string unit)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      visible_(is_terminal(STDERR_FILENO)),
      start_(Clock::now()),
      last_(start_) {}

void ProgressBar::update(std::uint64_t done, std::uint64_t total, const std::string& more) {
  const Clock::time_point now = Clock::now();
  if (!visible_ || now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = static_cast<double>(done) / seconds;
  const double part = total > 0 ? std::min(1.0, static_cast<double>(done) / static_cast<double>(total)) : 0;
  std::string text = pad(fixed(100 * part, 0), 3, true) + "%  ";
  if (unit_ == "bytes") {
    text += in_bytes(done) + " of " + in_bytes(total);
  } else {
    text += with_commas(done) + "/" + with_commas(total) + " " + unit_ + "  " +
            with_commas(static_cast<std::uint64_t>(rate)) + "/s";
  }
  if (done > 0 && done < total) text += "  " + fixed(static_cast<double>(total - done) / rate, 0) + " s left";
  if (!more.empty()) text += "  " + more;

  // The bar takes what is left of the line, from 5 to 20 characters.
  const std::size_t columns = terminal_width() - 1, taken = characters(label_) + characters(text) + 4;
  const std::size_t width = std::clamp<std::size_t>(columns > taken ? columns - taken : 0, 5, 20);
  const std::size_t full = static_cast<std::size_t>(part * static_cast<double>(width));
  const std::string line = label_ + " [" + std::string(full, '#') + std::string(width - full, '-') + "] " + text;
  const std::string shown(first_characters(line, columns));
  std::fprintf(stderr, "\r%s\x1b[K", shown.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressBar::clear() {
  if (!drawn_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

std::string with_commas(std::uint64_t n) {
  std::string digits = std::to_string(n);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string in_bytes(std::uint64_t n) {
  if (n < 1000) return std::to_string(n) + " bytes";
  const char* const units[] = {"kB", "MB", "GB", "TB"};
  double value = static_cast<double>(n) / 1000;
  std::size_t unit = 0;
  while (value >= 999.95 && unit < 3) {
    value /= 1000;
    ++unit;
  }
  return fixed(value, 1) + " " + units[unit];
}

std::string fixed(double value, int digits) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f", digits, value);
  return buffer;
}

std::string pad(const std::string& text, std::size_t width, bool right) {
  const std::size_t have = characters(text);
  const std::string space(width > have ? width - have : 0, ' ');
  return right ? space + text : text + space;
}

std::string one_line(std::string_view text, std::size_t limit) {
  std::string line(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  if (limit == std::string::npos || characters(line) <= limit) return line;
  return std::string(first_characters(line, limit - 3)) + "...";
}

std::string trim(std::string_view text) {
  const char* const white = " \t\r\n";
  const std::size_t first = text.find_first_not_of(white);
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(white) - first + 1));
}

}  // namespace cli
