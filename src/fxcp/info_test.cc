// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/info.h"

#include <gmock/gmock.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

namespace foxing::fxcp {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

storage::Traits made_up(storage::Filesystem filesystem, const std::string& path, DeviceId device) {
  storage::Traits traits;
  traits.located.asked = traits.located.path = path;
  const storage::FilesystemFacts& facts = storage::facts_of(filesystem);
  traits.located.quick = {.filesystem = filesystem,
                          .magic = facts.magic,
                          .nature = facts.nature,
                          .device = device,
                          .block_size = 4_KiB,
                          .total = 100_GiB,
                          .free = 50_GiB,
                          .available = 40_GiB,
                          .free_inodes = 7,
                          .reflink = facts.reflink,
                          .holes = facts.holes,
                          .nameless = facts.nameless,
                          .times = facts.times};
  traits.type = facts.name;
  return traits;
}

/// btrfs on LUKS2 on a partition, mounted as a subvolume.
storage::Traits encrypted_btrfs() {
  storage::Traits traits = made_up(storage::Filesystem::btrfs, "/home/u", DeviceId::from_numbers(0, 37));
  traits.uuid = "8f2b4a3c-0d1e-4f5a-9b6c-7d8e9f0a1b2c";
  traits.mount = storage::parse_mount("30 1 0:35 /@home /home rw,noatime shared:3 - btrfs /dev/mapper/home rw,subvol=/@home");
  traits.stack.layers = {
      {.kind = storage::LayerKind::luks2,
       .depth = 0,
       .device = DeviceId::from_numbers(253, 0),
       .kernel_name = "dm-0",
       .name = "home",
       .size = 1_GiB},
      {.kind = storage::LayerKind::disk,
       .depth = 1,
       .device = DeviceId::from_numbers(259, 0),
       .kernel_name = "nvme0n1",
       .name = "Fast\x1b[31m",
       .size = 2_GiB,
       .logical_block = Bytes(512),
       .discards = true},
  };
  return traits;
}

Info two_places() {
  Info info;
  info.machine = {
      .container = storage::Container::docker, .container_mark = "/.dockerenv", .virtual_machine = true, .hypervisor = "KVM"};
  info.paths = {encrypted_btrfs(), made_up(storage::Filesystem::xfs, "/srv", DeviceId::from_numbers(8, 1))};
  PairInfo pair{.source = 0, .target = 1, .traits = pair_traits(info.paths[0], info.paths[1])};
  pair.examples =
      planned_examples({.source = storage::Filesystem::btrfs, .target = storage::Filesystem::xfs, .copy_range_may_work = true});
  info.pairs = {pair};
  info.failures = {{.code = ENOENT, .operation = "openat", .subject = "/not/UTF-8 \xFF"}};
  return info;
}

TEST(InfoText, SaysWhatAPathLiesOn) {
  const std::string text = info_text(two_places());
  EXPECT_THAT(
      text,
      AllOf(HasSubstr("/home/u\n"), HasSubstr("btrfs (local), blocks of 4.0 KiB"), HasSubstr("40.0 GiB of 100.0 GiB available"),
            HasSubstr("/home from /dev/mapper/home, showing /@home of it"), HasSubstr("rw,noatime; rw,subvol=/@home"),
            HasSubstr("LUKS2 dm-0 \"home\", 1.0 GiB"), HasSubstr("do not turn, aligned to 4.0 KiB"), HasSubstr("encrypted"),
            HasSubstr("8f2b4a3c-0d1e-4f5a-9b6c-7d8e9f0a1b2c")));
  EXPECT_THAT(text, AllOf(HasSubstr("docker (/.dockerenv)"), HasSubstr("KVM")));
  EXPECT_THAT(text, Not(HasSubstr("\x1b"))) << "a disk's name is not obeyed by the terminal";
}

TEST(InfoText, SaysWhichTiersAreTriedAndWhy) {
  Info info = two_places();
  std::string text = info_text(info);
  EXPECT_THAT(text, AllOf(HasSubstr("/home/u -> /srv\n"), HasSubstr("two filesystems")));
  for (const PlannedExample& example : info.pairs[0].examples) {
    EXPECT_THAT(text, HasSubstr(example.kind));
    ASSERT_GT(example.plan.count, 0u) << example.kind;
    for (std::size_t i = 0; i < example.plan.count; ++i) EXPECT_THAT(text, HasSubstr(std::string(example.plan.steps[i].why)));
  }
}

TEST(InfoText, FilesWithTheSamePlanShareItsLines) {
  Info info = two_places();
  for (PlannedExample& example : info.pairs[0].examples) example.plan = info.pairs[0].examples[0].plan;
  EXPECT_THAT(info_text(info), AllOf(HasSubstr("  any file "), Not(HasSubstr("sparse"))));
  info.pairs[0].examples[1].plan = {};
  info.pairs[0].examples[1].plan.add(copy::Tier::plain, "another");
  info.pairs[0].examples[2].plan = info.pairs[0].examples[1].plan;
  EXPECT_THAT(info_text(info), AllOf(HasSubstr("  4 KiB  "), HasSubstr("  128 KiB, 100 MiB try"), HasSubstr("  sparse  ")));
}

TEST(InfoText, SaysThatSharingBetweenTwoFilesystemsIsInVain) {
  Info info = two_places();
  info.paths[0] = made_up(storage::Filesystem::xfs, "/data", DeviceId::from_numbers(8, 2));
  info.pairs[0].traits = pair_traits(info.paths[0], info.paths[1]);
  info.pairs[0].examples = planned_examples({.source = storage::Filesystem::xfs,
                                             .target = storage::Filesystem::xfs,
                                             .clone_may_work = true,
                                             .copy_range_may_work = true});
  EXPECT_THAT(info_text(info), HasSubstr("refused for the first file"));
  info.pairs[0].traits.quick.reflink = storage::Support::perhaps;
  EXPECT_THAT(info_text(info), Not(HasSubstr("refused for the first file")));
}

TEST(InfoText, SaysWhatOverlaysThinVolumesAndMissingNamesMean) {
  Info info;
  storage::Traits traits = made_up(storage::Filesystem::overlay, "/new", DeviceId::from_numbers(0, 60));
  traits.overlay = storage::OverlayLayers{.lower = {"/lower1", "/lower2"}, .upper = "/upper", .work = "/work"};
  traits.located.path = "/";
  traits.located.missing = "new";
  traits.stack.layers = {{.kind = storage::LayerKind::lvm_thin, .kernel_name = "dm-5"}};
  info.paths = {traits};
  EXPECT_THAT(info_text(info), AllOf(HasSubstr("upper /upper"), HasSubstr("lower /lower1"), HasSubstr("lower /lower2"),
                                     HasSubstr("new does not exist yet"), HasSubstr("thin: what lies below may be full")));
}

TEST(InfoText, WarnsOfATargetInsideTheSource) {
  Info info = two_places();
  info.pairs[0].nesting = storage::Nesting::inside;
  EXPECT_THAT(info_text(info), HasSubstr("/srv lies inside /home/u: fxcp refuses"));
  info.pairs[0].nesting = storage::Nesting::inside_other_device;
  EXPECT_THAT(info_text(info), HasSubstr("/srv lies inside /home/u, on another filesystem: only with --one-file-system"));
  info.paths[1].located.quick.read_only = true;
  EXPECT_THAT(info_text(info), HasSubstr("/srv is read-only"));
  info.pairs[0].nesting = storage::Nesting::same;
  EXPECT_THAT(info_text(info), HasSubstr("one place"));
}

TEST(InfoJson, IsOneObjectOfOneLine) {
  const std::string text = info_json(two_places());
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const json object = json::parse(text);
  EXPECT_EQ(object["schema"], "fxcp.info/1");
  EXPECT_EQ(text.rfind("{\"schema\"", 0), 0u) << "the schema comes first";
  EXPECT_EQ(object["machine"]["container"], "docker");
  EXPECT_EQ(object["machine"]["hypervisor"], "KVM");

  const json& path = object["paths"][0];
  EXPECT_EQ(path["path"], "/home/u");
  EXPECT_EQ(path["filesystem"], "btrfs");
  EXPECT_EQ(path["magic"], "0x9123683e");
  EXPECT_EQ(path["device"], "0:37");
  EXPECT_EQ(path["available"], (40_GiB).value);
  EXPECT_EQ(path["supports"]["shared_blocks"], "yes");
  EXPECT_EQ(path["times"]["step_ns"], 1);
  EXPECT_EQ(path["mount"]["device"], "0:35");
  EXPECT_EQ(path["mount"]["root"], "/@home");
  EXPECT_THAT(path["mount"]["super_options"], ElementsAre("rw", "subvol=/@home"));
  EXPECT_EQ(path["rotational"], false);
  EXPECT_EQ(path["encrypted"], true);
  EXPECT_EQ(path["alignment"], 4096);
  EXPECT_EQ(path["layers"][0]["kind"], "luks2");
  EXPECT_EQ(path["layers"][1]["kernel_name"], "nvme0n1");
  EXPECT_TRUE(object["paths"][1]["mount"].is_null());
  EXPECT_TRUE(object["paths"][1]["rotational"].is_null());

  const json& pair = object["pairs"][0];
  EXPECT_EQ(pair["source"], "/home/u");
  EXPECT_EQ(pair["target"], "/srv");
  EXPECT_EQ(pair["same_filesystem"], false);
  EXPECT_EQ(pair["nesting"], "apart");
  ASSERT_EQ(pair["plans"].size(), 4u);
  EXPECT_EQ(pair["plans"][3]["holes"], "as_source");
  for (const json& plan : pair["plans"]) {
    EXPECT_FALSE(plan["tiers"].empty());
    for (const json& tier : plan["tiers"]) EXPECT_NE(tier["why"], "");
  }
}

TEST(InfoJson, KeepsTheBytesOfNamesThatAreNotText) {
  const json object = json::parse(info_json(two_places()));
  EXPECT_EQ(object["failures"][0]["path"], "/not/UTF-8 \uFFFD");
  EXPECT_EQ(object["failures"][0]["path_hex"], "2f6e6f742f5554462d3820ff");
  EXPECT_EQ(object["failures"][0]["errno"], "ENOENT");
  EXPECT_FALSE(object["paths"][0].contains("path_hex"));
}

class RunInfo : public testing::Test {
 protected:
  RunInfo() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fxcp-info-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "mkdtemp";
    folder_ = pattern;
    std::filesystem::create_directories(folder_ + "/a/inner");
    std::filesystem::create_directories(folder_ + "/b");
  }
  ~RunInfo() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};

TEST_F(RunInfo, DescribesEveryPathAndEveryPairBothWays) {
  const Info info = look({folder_ + "/a", folder_ + "/b", "/proc"});
  ASSERT_EQ(info.paths.size(), 3u);
  ASSERT_EQ(info.pairs.size(), 6u);
  for (const PairInfo& pair : info.pairs) EXPECT_EQ(pair.examples.size(), 4u);
  EXPECT_TRUE(info.pairs[0].traits.same_filesystem);
  EXPECT_FALSE(info.pairs[1].traits.same_filesystem);
  const PlannedExample& from_proc = info.pairs[4].examples[0];
  EXPECT_EQ(info.paths[info.pairs[4].source].type, "proc");
  EXPECT_TRUE(from_proc.plan.until_end) << "sizes mean nothing there";
}

TEST_F(RunInfo, SeesATargetInsideItsSource) {
  const Info info = look({folder_ + "/a", folder_ + "/a/inner/new"});
  ASSERT_EQ(info.pairs.size(), 1u) << "nothing can be copied from a name that is not there yet";
  EXPECT_EQ(info.pairs[0].nesting, storage::Nesting::inside);
  const Info back = look({folder_ + "/a/inner", folder_ + "/a"});
  ASSERT_EQ(back.pairs.size(), 2u);
  EXPECT_EQ(back.pairs[0].nesting, storage::Nesting::apart);
  EXPECT_EQ(back.pairs[1].nesting, storage::Nesting::inside);
}

TEST_F(RunInfo, ExitsAsTheProgramDoes) {
  std::filesystem::create_symlink("loop", folder_ + "/loop");
  const std::string bad = folder_ + "/loop";
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_info({folder_}, false), 0);
  EXPECT_EQ(run_info({folder_, bad}, false), 1);
  EXPECT_EQ(run_info({bad}, false), 2);
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr(folder_));
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("fxcp: " + bad + ": openat: Too many levels of symbolic links\n"));
}

TEST_F(RunInfo, WritesJsonAlsoWhereSomePathsLeadNowhere) {
  std::filesystem::create_symlink("loop", folder_ + "/loop");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_info({folder_, folder_ + "/loop"}, true), 1);
  testing::internal::GetCapturedStderr();
  const json object = json::parse(testing::internal::GetCapturedStdout());
  EXPECT_EQ(object["paths"].size(), 1u);
  EXPECT_EQ(object["failures"][0]["errno"], "ELOOP");
}

}  // namespace
}  // namespace foxing::fxcp
