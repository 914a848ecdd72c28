// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>

#include <memory>
#include <random>
#include <type_traits>
#include <unordered_set>

#include "base/assert.h"
#include "base/error.h"
#include "base/result.h"
#include "base/strong.h"
#include "base/text.h"

namespace foxing {
namespace {

using ::testing::Optional;

// ---- Error and Result

TEST(Error, SaysTheOperationTheReasonAndTheWayOut) {
  EXPECT_EQ((Error{.code = EACCES, .operation = "openat", .subject = "/a", .detail = {}}).message(), "openat: Permission denied");
  EXPECT_EQ((Error{.code = EACCES, .operation = "openat", .subject = {}, .detail = "run it as root"}).message(),
            "openat: Permission denied: run it as root");
  EXPECT_EQ((Error{.code = 0, .operation = "", .subject = {}, .detail = "is a directory"}).message(), "is a directory");
  EXPECT_EQ((Error{.code = ENOSPC, .operation = "", .subject = {}, .detail = {}}).message(), "No space left on device");
  EXPECT_EQ(Error{}.message(), "");
}

TEST(Error, LearnsItsSubjectOnce) {
  Error error = Error{.code = EIO, .operation = "read", .subject = {}, .detail = {}}.about("inner");
  EXPECT_EQ(error.subject, "inner");
  EXPECT_EQ(std::move(error).about("outer").subject, "inner");
}

TEST(Error, NamesOfErrno) {
  EXPECT_EQ(errno_name(ENOSPC), "ENOSPC");
  EXPECT_EQ(errno_name(EDQUOT), "EDQUOT");
  EXPECT_EQ(errno_name(9999), "9999");
}

Result<int> half(int number) {
  if (number % 2 != 0) return fail(EINVAL, "half", std::to_string(number), "is odd");
  return number / 2;
}
Result<int> quarter(int number) {
  const int once = FOX_TRY(half(number));
  return FOX_TRY(half(once));
}
Result<> nothing_but_check(int number) {
  FOX_TRY(quarter(number));
  return {};
}
Result<std::unique_ptr<int>> owned(int number) { return std::make_unique<int>(FOX_TRY(half(number))); }

TEST(Result, TryTakesTheValueOrReturnsTheError) {
  EXPECT_EQ(quarter(8).value(), 2);
  const auto failed = quarter(6);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, EINVAL);
  EXPECT_EQ(failed.error().subject, "3");
  EXPECT_EQ(failed.error().detail, "is odd");
  EXPECT_TRUE(nothing_but_check(8));
  EXPECT_EQ(nothing_but_check(7).error().subject, "7");
}

TEST(Result, TryMovesWhatCannotBeCopied) {
  const auto twice = [](int number) -> Result<int> {
    const std::unique_ptr<int> value = FOX_TRY(owned(number));
    return *value * 2;
  };
  EXPECT_EQ(twice(6).value(), 6);
  EXPECT_FALSE(twice(5));
}

TEST(Result, TryCanBeNested) {
  const auto sum = [](int a, int b) -> Result<int> { return FOX_TRY(half(FOX_TRY(half(a)) + FOX_TRY(half(b)))); };
  EXPECT_EQ(sum(4, 4).value(), 2);
  EXPECT_EQ(sum(4, 3).error().subject, "3");
}

TEST(AssertDeathTest, StaysInEveryBuildAndSaysWhere) {
  FOX_ASSERT(1 + 1 == 2);
  EXPECT_DEATH(FOX_ASSERT(1 + 1 == 3), "internal error: 1 \\+ 1 == 3 does not hold \\(.*base_test.cc:[0-9]+\\)");
}

// ---- Numbers

static_assert(!std::is_convertible_v<std::uint64_t, Bytes>);
static_assert(!std::is_convertible_v<Bytes, std::uint64_t>);
static_assert(!std::is_constructible_v<Bytes, InodeNo>);
static_assert(!std::is_convertible_v<Bytes, FileOffset>);
template <class A, class B>
concept Adds = requires(A a, B b) { a + b; };
static_assert(Adds<Bytes, Bytes>);
static_assert(Adds<FileOffset, Bytes>);
static_assert(!Adds<FileOffset, FileOffset>);
static_assert(!Adds<InodeNo, InodeNo>);

TEST(Numbers, AddUpWithTheirKind) {
  EXPECT_EQ(1_KiB + Bytes(1), Bytes(1025));
  EXPECT_EQ(1_MiB - 1_KiB, Bytes(1023 * 1024));
  EXPECT_EQ(FileOffset(10) + Bytes(5), FileOffset(15));
  EXPECT_EQ(FileOffset(15) - FileOffset(10), Bytes(5));
  Bytes sum(1);
  sum += 1_GiB;
  EXPECT_EQ(sum.value, (1u << 30) + 1u);
  EXPECT_LT(Bytes(1), Bytes(2));
}

TEST(Numbers, RangesKnowTheirSize) {
  const ByteRange range{FileOffset(10), FileOffset(30)};
  EXPECT_EQ(range.size(), Bytes(20));
  EXPECT_FALSE(range.empty());
  EXPECT_TRUE((ByteRange{FileOffset(10), FileOffset(10)}).empty());
}

TEST(DeviceId, TakesAndGivesTheNumbersThatStatHas) {
  const DeviceId device = DeviceId::from_numbers(259, 1'000'003);
  EXPECT_EQ(device.major_number(), 259u);
  EXPECT_EQ(device.minor_number(), 1'000'003u);
  EXPECT_EQ(DeviceId::from_stat(device.value), device);
  EXPECT_EQ(DeviceId::from_numbers(8, 1).value, 0x801u);
}

TEST(FileKey, HashesDenseInodesApart) {
  std::unordered_set<std::size_t> low_bits;
  for (std::uint64_t inode = 0; inode < 1024; ++inode) {
    low_bits.insert(std::hash<FileKey>{}({DeviceId::from_stat(1), InodeNo(inode * 1024)}) >> 48);
  }
  EXPECT_GT(low_bits.size(), 900u);
  EXPECT_NE((FileKey{DeviceId::from_stat(1), InodeNo(2)}), (FileKey{DeviceId::from_stat(2), InodeNo(1)}));
  EXPECT_NE(std::hash<FileKey>{}({DeviceId::from_stat(1), InodeNo(2)}),
            std::hash<FileKey>{}({DeviceId::from_stat(2), InodeNo(2)}));
}

// ---- Text

TEST(Printable, LetsNothingThroughThatATerminalObeys) {
  EXPECT_EQ(printable("plain name.txt"), "plain name.txt");
  EXPECT_EQ(printable(""), "");
  EXPECT_EQ(printable("\x1b[31mred"), "\\x1b[31mred");
  EXPECT_EQ(printable("two\nlines\ttab\x7f"), "two\\x0alines\\x09tab\\x7f");
  EXPECT_EQ(printable(std::string("nul\0", 4)), "nul\\x00");
  EXPECT_EQ(printable("back\\x0aslash"), "back\\\\x0aslash") << "or a name could forge what is shown of another";
  EXPECT_EQ(printable("f\xC3\xBC\xE2\x82\xAC\xF0\x9F\xA6\x8A"), "f\xC3\xBC\xE2\x82\xAC\xF0\x9F\xA6\x8A");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m"),
            "\\xc2\\x9b31m")
      << "C1: some terminals take it for ESC [";
  EXPECT_EQ(printable("\xC2\xA0"), "\xC2\xA0") << "the first behind C1";
  EXPECT_EQ(printable("\xFF\xFE"
                      "a\xC3"),
            "\\xff\\xfea\\xc3");
}

TEST(Utf8, IsWhatRfc3629Says) {
  for (const char* good : {"", "a", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF",
                           "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(is_utf8(good)) << printable(good);
  }
  for (const char* bad :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF", "\xE2\x82", "\xED\xA0\x80", "\xED\xBF\xBF",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "ok\xFE", "\xE2\x28\xA1", "\xF0\x90\x28\x80"}) {
    EXPECT_FALSE(is_utf8(bad)) << printable(bad);
  }
}

TEST(Printable, OfAnyBytesIsUtf8WithoutControls) {
  std::mt19937 random(4711);
  for (int round = 0; round < 2000; ++round) {
    std::string name(random() % 30, '\0');
    for (char& byte : name) byte = static_cast<char>(random());
    const std::string text = printable(name);
    ASSERT_TRUE(is_utf8(text)) << "seed 4711, round " << round;
    for (const char byte : text)
      ASSERT_TRUE(static_cast<unsigned char>(byte) >= 0x20 && byte != 0x7F) << "seed 4711, round " << round;
  }
}

TEST(Human, ExactBelowAKibibyteThenOneDigit) {
  EXPECT_EQ(human(Bytes(0)), "0 B");
  EXPECT_EQ(human(Bytes(1023)), "1023 B");
  EXPECT_EQ(human(1_KiB), "1.0 KiB");
  EXPECT_EQ(human(Bytes(1536)), "1.5 KiB");
  EXPECT_EQ(human(1_MiB), "1.0 MiB");
  EXPECT_EQ(human(Bytes((1 << 20) - 1)), "1.0 MiB") << "and not 1024.0 KiB";
  EXPECT_EQ(human(100_GiB), "100.0 GiB");
  EXPECT_EQ(human(Bytes(~0ULL)), "16.0 EiB");
}

TEST(Grouped, ByThrees) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(12345), "12,345");
  EXPECT_EQ(grouped(123456), "123,456");
  EXPECT_EQ(grouped(18446744073709551615ULL), "18,446,744,073,709,551,615");
}

TEST(ParseSize, PowersOf1024) {
  EXPECT_THAT(parse_size("512"), Optional(Bytes(512)));
  EXPECT_THAT(parse_size("0"), Optional(Bytes(0)));
  EXPECT_THAT(parse_size("64K"), Optional(64_KiB));
  EXPECT_THAT(parse_size("64k"), Optional(64_KiB));
  EXPECT_THAT(parse_size("2GiB"), Optional(2_GiB));
  EXPECT_THAT(parse_size("1MB"), Optional(1_MiB));
  EXPECT_THAT(parse_size("15E"), Optional(Bytes(15ULL << 60)));
  for (const char* bad :
       {"", "K", "-1", "+1", " 1", "1 ", "1.5G", "1X", "1Ki", "1KiBs", "1KK", "16E", "18446744073709551616", "0x10"}) {
    EXPECT_EQ(parse_size(bad), std::nullopt) << bad;
  }
}

TEST(Text, PathsAreJoinedByOneSlash) {
  EXPECT_EQ(join_path("a", "b"), "a/b");
  EXPECT_EQ(join_path("a/", "b"), "a/b");
  EXPECT_EQ(join_path("/", "b"), "/b");
  EXPECT_EQ(join_path("", "b"), "b");
}

}  // namespace
}  // namespace foxing
