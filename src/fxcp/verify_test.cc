// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/verify.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
namespace foxing::fxcp {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using verify::Class;
using What = verify::Difference::What;

verify::Event differing() {
  return {.result = Class::differs,
          .path = "a/\x1b[2J\xff",
          .type = sys::FileType::regular,
          .differences = {{What::content, {}, {}, {}, FileOffset(12345)},
                          {What::mode, "0644", "0600"},
                          {What::attribute, {}, {}, "user.\xff"},
                          {What::hard_link, "one file", "two files", "a/other"}},
          .error = {}};
}

TEST(Verify, ADifferenceIsOneLineForPeople) {
  EXPECT_EQ(verify_text(differing()),
            "differs: a/\\x1b[2J\\xff: content at byte 12345; mode 0644, 0600; attribute user.\\xff; hard link: with a/other one "
            "file, two files");
  EXPECT_EQ(verify_text({.result = Class::only_in_b, .path = "b/x", .type = sys::FileType::fifo, .differences = {}, .error = {}}),
            "only in B: b/x");
  EXPECT_EQ(verify_text({.result = Class::unreadable,
                         .path = "b/x",
                         .type = sys::FileType::regular,
                         .differences = {},
                         .error = Error{.code = EIO, .operation = "read", .subject = "b/x", .detail = {}}}),
            "unreadable: b/x: read: Input/output error");
}

TEST(Verify, ADifferenceIsOneLineForPrograms) {
  const Json object = Json::parse(json::verify_entry(differing()));
  EXPECT_EQ(object["type"], "entry");
  EXPECT_EQ(object["result"], "differs");
  EXPECT_EQ(object["path_hex"], "612f1b5b324aff");
  EXPECT_EQ(object["file_type"], "regular file");
  EXPECT_EQ(object["differences"][0], Json::parse(R"({"what":"content","at":12345})"));
  EXPECT_EQ(object["differences"][1], Json::parse(R"({"what":"mode","a":"0644","b":"0600"})"));
  EXPECT_EQ(object["differences"][2]["name_hex"], "757365722eff");
  EXPECT_EQ(object["differences"][3]["name"], "a/other");
}

TEST(Verify, TheSummarySaysWhatWasNotRead) {
  verify::Counters counters;
  counters.by_class[0] = 1234;
  counters.by_class[2] = 2;
  counters.bytes_read = 3 << 20;
  Options options;
  EXPECT_THAT(verify_summary_text(counters, options, {}),
              HasSubstr("same 1,234, differs 0, only in A 2, only in B 0, unreadable 0; 3.0 MiB read in "));
  options.content = CompareContent::size;
  EXPECT_THAT(verify_summary_text(counters, options, {}), HasSubstr("no content was read"));
  const Json object = Json::parse(json::verify_summary(counters, options, {.exit_code = ExitCode::some_failed}));
  EXPECT_EQ(object["content"], "size");
  EXPECT_EQ(object["same"], 1234);
  EXPECT_EQ(object["only_in_a"], 2);
  EXPECT_EQ(object["exit_code"], 1);
}

}  // namespace
}  // namespace foxing::fxcp
