// SPDX-License-Identifier: GPL-2.0-or-later
// Expected values: what rsync 3.5 prints for the same, unless a comment says otherwise.
#include "fxcp/line_format.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

namespace foxing::fxcp {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using Action = copy::FileEvent::Action;

copy::FileEvent event(Action action, const std::string& name, sys::FileType type = sys::FileType::regular) {
  copy::FileEvent event{.action = action, .path = "src/" + name, .below = name, .type = type};
  event.changes.created = action != Action::unchanged && action != Action::attributes;
  event.status.raw.st_mode = S_IFREG | 04751;
  event.status.raw.st_size = 1234567;
  event.status.raw.st_mtim.tv_sec = 1577934245;
  event.status.raw.st_uid = 12;
  event.status.raw.st_gid = 34;
  event.moved = Bytes(1000);
  return event;
}
std::string line(const std::string& format, const copy::FileEvent& event) {
  const auto parsed = LineFormat::parse("--out-format", format);
  EXPECT_TRUE(parsed) << parsed.error().detail;
  return parsed ? parsed->line(event) : "";
}
std::string refusal(const std::string& format) {
  const auto parsed = LineFormat::parse("--out-format", format);
  EXPECT_FALSE(parsed) << format;
  if (parsed) return "";
  EXPECT_EQ(parsed.error().code, 0);
  return parsed.error().detail;
}

TEST(LineFormat, EveryEscape) {
  ::setenv("TZ", "UTC", 1);
  const copy::FileEvent file = event(Action::copied, "d/a");
  EXPECT_EQ(line("%i|%n|%f|%L|%l|%b|%o", file), ">f+++++++++|d/a|src/d/a||1234567|1000|send");
  EXPECT_EQ(line("%B|%M|%U|%G", file), "rwsr-x--x|2020/01/02-03:04:05|12|34");
  EXPECT_EQ(line("100%% %p", file), "100% " + std::to_string(::getpid()));
  EXPECT_THAT(line("%t", file), MatchesRegex("2[0-9]{3}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}"));
  EXPECT_EQ(line("no escape", file), "no escape");
  EXPECT_EQ(line("", file), "");
  EXPECT_EQ(line("%n", event(Action::directory, "d", sys::FileType::directory)), "d/");
  EXPECT_EQ(line("%n", event(Action::directory, "", sys::FileType::directory)), "./");
  ::unsetenv("TZ");
}

TEST(LineFormat, Links) {
  copy::FileEvent link = event(Action::symlink, "l", sys::FileType::symlink);
  link.link = "to\nthere";
  EXPECT_EQ(line("%i %n%L", link), "cL+++++++++ l -> to\\x0athere");
  copy::FileEvent hard = event(Action::linked, "b");
  hard.link = "d/a";
  EXPECT_EQ(line("%i %n%L", hard), "hf+++++++++ b => d/a");
  hard.type = sys::FileType::symlink;  // a further name of a symbolic link
  EXPECT_EQ(line("%i %n%L", hard), "hL+++++++++ b => d/a");
}

TEST(LineFormat, WidthsAndApostrophes) {
  const copy::FileEvent file = event(Action::copied, "abc");
  EXPECT_EQ(line("<%10l><%-10n><%2n><%010l>", file), "<   1234567><abc       ><abc><   1234567>");
  EXPECT_EQ(line("<%'l><%''l><%'''l><%'12l><%''-8b>", file), "<1,234,567><1.23M><1.18M><   1,234,567><1.00K   >");
  EXPECT_EQ(line("<%07U><%-7G><%7G>", file), "<0000012><34     ><     34>");
  EXPECT_EQ(line("<%5%>", file), "<    %>");
}

TEST(LineFormat, OfWhatIsDeletedOnlyTheNameIsKnown) {
  const copy::FileEvent gone = event(Action::deleted, "x");
  EXPECT_EQ(line("%i %n%L", gone), "*deleting   x");
  EXPECT_EQ(line("%o %n %l %B %M %U %b", gone), "del. x - - - - -");  // rsync prints 0, --------- and 1970
  EXPECT_EQ(line("%n %l", gone), "deleting x") << "without %i and %o nothing would say that it is gone";
}

TEST(LineFormat, ALineIsOneLine) { EXPECT_EQ(line("%n %f", event(Action::copied, "a\nb\x1b")), "a\\x0ab\\x1b src/a\\x0ab\\x1b"); }

TEST(LineFormat, WhatIsMentioned) {
  const auto items = LineFormat::parse("", "%i %n").value();
  const auto names = LineFormat::parse("", "%n %o").value();
  const copy::FileEvent attributes = event(Action::attributes, "a");
  EXPECT_TRUE(items.mentions(attributes, false));
  EXPECT_FALSE(names.mentions(attributes, false));
  const copy::FileEvent equal = event(Action::unchanged, "a");
  EXPECT_FALSE(items.mentions(equal, false));
  EXPECT_TRUE(items.mentions(equal, true));
  EXPECT_FALSE(names.mentions(equal, true));
  copy::FileEvent directory = event(Action::directory, "d", sys::FileType::directory);
  EXPECT_TRUE(names.mentions(directory, false));
  directory.changes = {};
  EXPECT_FALSE(items.mentions(directory, false));
  EXPECT_TRUE(items.mentions(directory, true));
  for (const Action action : {Action::copied, Action::linked, Action::symlink, Action::special, Action::deleted})
    EXPECT_TRUE(names.mentions(event(action, "a"), false));
}

TEST(LineFormat, WhatIsRefusedIsNamed) {
  EXPECT_EQ(refusal("%n %z"), "--out-format: %z is unknown; there are %i %n %f %L %l %b %o %B %M %U %G %t %p and %%");
  EXPECT_THAT(refusal("%C"), HasSubstr("%C is not there: bytes are compared"));
  for (const char letter : {'a', 'h', 'm', 'P', 'u'}) EXPECT_THAT(refusal(std::string("%") + letter), HasSubstr("daemon"));
  EXPECT_THAT(refusal("50%"), HasSubstr("% ends before its letter"));
  EXPECT_THAT(refusal("%-10"), HasSubstr("%-10 ends before its letter"));
  EXPECT_THAT(refusal("%99999999999999999999n"), HasSubstr("is wider than 1000"));
  EXPECT_THAT(refusal("%''''l"), HasSubstr("three apostrophes"));
  EXPECT_THAT(refusal("%'n"), HasSubstr("only %l and %b"));
}

}  // namespace
}  // namespace foxing::fxcp
