// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/meta/meta.h"

#include <gmock/gmock.h>
#include <linux/capability.h>

#include "sys/fault.h"
#include "sys/file.h"
#include "testing/temp_tree.h"

#define FOXING_NEEDS_FAULTS() \
  if (!::foxing::sys::kFaultsCanBePlanned) GTEST_SKIP() << "this build cannot plan faults (-DFOXING_FAULT_INJECTION=ON)"
#define FOXING_NEEDS_ROOT() \
  if (!::foxing::testing::is_root()) GTEST_SKIP() << "needs root"

namespace foxing::meta {

void PrintTo(const Losses::One& one, std::ostream* out) {
  *out << name_of(one.loss) << (one.note ? " (note) " : " ") << errno_name(one.code) << ' ' << one.detail;
}

namespace {

using ::testing::ElementsAre;
using ::testing::FieldsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TempTree;

constexpr bool kNote = true;
constexpr bool kFailure = false;
constexpr const char* kAccess = "system.posix_acl_access";
constexpr const char* kDefault = "system.posix_acl_default";

Policy everything() {
  return {.mode = true,
          .owner = true,
          .group = true,
          .times = true,
          .xattrs = true,
          .acls = true,
          .umask = 022,
          .privileges = sys::privileges()};
}

/// An ACL as the kernel takes it: version 2, then (tag, permissions, id) in little-endian.  Source: linux/posix_acl_xattr.h.
std::string acl(std::initializer_list<std::tuple<std::uint16_t, std::uint16_t, std::uint32_t>> entries) {
  std::string bytes("\2\0\0\0", 4);
  const auto put = [&](auto number) { bytes.append(reinterpret_cast<const char*>(&number), sizeof number); };
  for (const auto& [tag, permissions, id] : entries) {
    put(tag);
    put(permissions);
    put(id);
  }
  return bytes;
}
constexpr std::uint32_t kNobody = 0xFFFFFFFF;
/// rw for the owner and for user 4242, r for the group, mask rw, nothing for others.
const std::string kSharedWith4242 = acl({{1, 6, kNobody}, {2, 6, 4242}, {4, 4, kNobody}, {16, 6, kNobody}, {32, 0, kNobody}});

class Meta : public ::testing::Test {
 protected:
  Meta() {
    world_.file("source", "x");
    world_.file("target", "y");
  }
  sys::UniqueFd open(const std::string& name, sys::Access access = sys::Access::read) {
    auto fd = sys::open_at(sys::working_directory(), world_.at(name), {.access = access});
    EXPECT_TRUE(fd) << name;
    return std::move(*fd);
  }
  Result<Losses> apply(const Policy& policy, bool target_is_new = false, sys::Handle handle = sys::Handle::file) {
    const auto access = handle == sys::Handle::file ? sys::Access::read : sys::Access::path;
    const sys::UniqueFd source = open("source", access);
    const sys::UniqueFd target = open("target", access);
    const sys::FileStatus status = *sys::status_of(source);
    Current current = Current::of(*sys::status_of(target));
    current.may_have_attributes = !target_is_new;
    std::optional<sys::FaultPlan> faults;
    if (!faults_.empty()) faults.emplace(faults_);
    return meta::apply({source, handle}, status, {target, handle}, current, policy, fidelity_);
  }
  std::vector<Losses::One> losses(const Policy& policy, bool target_is_new = false, sys::Handle handle = sys::Handle::file) {
    auto applied = apply(policy, target_is_new, handle);
    EXPECT_TRUE(applied) << applied.error().message();
    return applied ? applied->all : std::vector<Losses::One>();
  }
  bool have_user_attributes() {
    return world_.set_xattr("source", "user.probe", "") && ::lremovexattr(world_.at("source").c_str(), "user.probe") == 0;
  }

  TempTree world_;
  Fidelity fidelity_;
  std::string faults_;
};
#define FOXING_NEEDS_USER_ATTRIBUTES() \
  if (!have_user_attributes()) GTEST_SKIP() << "the filesystem of " << world_.path() << " has no user attributes"

// ---- Owner and mode

TEST_F(Meta, NothingIsTouchedThatNobodyAskedFor) {
  world_.chmod("source", 0755);
  world_.chmod("target", 0600);
  world_.set_xattr("source", "user.name", "value");
  const struct stat before = world_.status("target");
  Policy policy;
  policy.umask = 0177;  // what the source's 0755 leaves is 0600
  EXPECT_THAT(losses(policy), IsEmpty());
  const struct stat after = world_.status("target");
  EXPECT_EQ(after.st_mode, before.st_mode);
  EXPECT_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
  EXPECT_EQ(world_.xattr("target", "user.name"), "(none)");
}

TEST_F(Meta, AllTwelveModeBits) {
  for (const mode_t mode : {00000u, 00400u, 04711u, 02755u, 01777u, 07777u}) {
    world_.chmod("source", mode);
    world_.chmod("target", 0644);
    EXPECT_THAT(losses(everything()), IsEmpty());
    EXPECT_EQ(world_.mode("target"), mode);
    if (!testing::is_root() && (mode & 0400) == 0) break;  // may not be opened again
  }
}

TEST(WantedMode, IsTheSourcesOrWhatTheUmaskLeaves) {
  sys::FileStatus status;
  status.raw.st_mode = S_IFREG | 06777;
  EXPECT_EQ(wanted_mode(status, {.mode = true}), 06777u);
  EXPECT_EQ(wanted_mode(status, {.mode = false, .umask = 027}), 0750u);
}

TEST_F(Meta, SetuidSurvivesTheChangeOfOwner) {
  FOXING_NEEDS_ROOT();
  ASSERT_EQ(::chown(world_.at("source").c_str(), 1234, 5678), 0);
  world_.chmod("source", 06755);
  world_.chmod("target", 06755);  // the same: only the change of owner clears it
  EXPECT_THAT(losses(everything()), IsEmpty());
  EXPECT_EQ(world_.status("target").st_uid, 1234u);
  EXPECT_EQ(world_.status("target").st_gid, 5678u);
  EXPECT_EQ(world_.mode("target"), 06755u);
}

TEST_F(Meta, OwnerOrGroupAlone) {
  FOXING_NEEDS_ROOT();
  ASSERT_EQ(::chown(world_.at("source").c_str(), 1234, 5678), 0);
  Policy policy = everything();
  policy.owner = false;
  EXPECT_THAT(losses(policy), IsEmpty());
  EXPECT_EQ(world_.status("target").st_uid, 0u);
  EXPECT_EQ(world_.status("target").st_gid, 5678u);
}

/// chown fails; what then: root wanted it (a failure), an ordinary user could not (a note).  A setuid program is never one of the wrong owner.
TEST_F(Meta, AnOwnerThatCannotBeSetIsALossAndTakesSetuidAway) {
  FOXING_NEEDS_FAULTS();
  FOXING_NEEDS_ROOT();
  ASSERT_EQ(::chown(world_.at("source").c_str(), 1234, 5678), 0);
  world_.chmod("source", 06755);
  faults_ = "fchown:1+:EPERM";
  for (const bool privileged : {true, false}) {
    Policy policy = everything();
    policy.privileges.set_owner = privileged;
    EXPECT_THAT(losses(policy), ElementsAre(FieldsAre(Loss::owner, !privileged, EPERM, "owner 1234"),
                                            FieldsAre(Loss::owner, !privileged, EPERM, "group 5678"),
                                            FieldsAre(Loss::mode, kNote, 0, HasSubstr("6755 became 0755"))));
    EXPECT_EQ(world_.mode("target"), 0755u);
  }
}

TEST_F(Meta, AGroupThatCanBeSetIsSetEvenWhereTheOwnerCannot) {
  FOXING_NEEDS_FAULTS();
  FOXING_NEEDS_ROOT();
  ASSERT_EQ(::chown(world_.at("source").c_str(), 1234, 5678), 0);
  world_.chmod("source", 06755);
  faults_ = "fchown:1:EPERM";  // both at once; the group alone is allowed
  Policy policy = everything();
  policy.privileges.set_owner = false;
  EXPECT_THAT(losses(policy), ElementsAre(FieldsAre(Loss::owner, kNote, EPERM, "owner 1234"),
                                          FieldsAre(Loss::mode, kNote, 0, HasSubstr("6755 became 2755"))));
  EXPECT_EQ(world_.status("target").st_gid, 5678u);
  EXPECT_EQ(world_.mode("target"), 02755u) << "setgid belongs to the group, which is right";
}

TEST_F(Meta, WhatIsRightAlreadyIsNotSetAgain) {
  FOXING_NEEDS_FAULTS();
  world_.chmod("source", 0640);
  world_.chmod("target", 0640);
  faults_ = "fchown:1+:EIO,fchmod:1+:EIO,setxattr:1+:EIO,removexattr:1+:EIO";
  EXPECT_THAT(losses(everything(), true), IsEmpty());
}

TEST_F(Meta, RefusalsAreLossesAndRealErrorsAreErrors) {
  FOXING_NEEDS_FAULTS();
  FOXING_NEEDS_USER_ATTRIBUTES();
  world_.chmod("source", 0711);
  world_.set_xattr("source", "user.name", "value");
  struct Case {
    const char* call;
    const char* code;
    Loss loss;
  };
  const Case refusals[] = {
      {"fchmod", "EPERM", Loss::mode},      {"fchmod", "EOPNOTSUPP", Loss::mode}, {"setxattr", "EOPNOTSUPP", Loss::xattr},
      {"setxattr", "ENOSPC", Loss::xattr},  {"setxattr", "EDQUOT", Loss::xattr},  {"setxattr", "E2BIG", Loss::xattr},
      {"setxattr", "EPERM", Loss::xattr},   {"setxattr", "ERANGE", Loss::xattr},  {"getxattr", "EACCES", Loss::xattr},
      {"listxattr", "EACCES", Loss::xattr}, {"utimensat", "EPERM", Loss::time},   {"utimensat", "EINVAL", Loss::time},
  };
  for (const Case& one : refusals) {
    faults_ = std::string(one.call) + ":1:" + one.code;
    SCOPED_TRACE(faults_);
    world_.chmod("target", 0600);
    const auto lost = losses(everything(), true);
    ASSERT_EQ(lost.size(), 1u);
    EXPECT_EQ(lost[0].loss, one.loss);
    EXPECT_EQ(errno_name(lost[0].code), one.code);
    EXPECT_FALSE(lost[0].note);
  }
  for (const char* call : {"fchmod", "setxattr", "getxattr", "listxattr", "utimensat"}) {
    for (const char* code : {"EIO", "EROFS", "ESTALE"}) {
      faults_ = std::string(call) + ":1:" + code;
      world_.chmod("target", 0600);
      const auto applied = apply(everything(), true);
      ASSERT_FALSE(applied) << faults_;
      EXPECT_EQ(errno_name(applied.error().code), code);
    }
  }
}

TEST_F(Meta, OneLossDoesNotStopTheRest) {
  FOXING_NEEDS_FAULTS();
  FOXING_NEEDS_USER_ATTRIBUTES();
  world_.chmod("source", 0711);
  world_.set_xattr("source", "user.a", "1");
  world_.set_xattr("source", "user.b", "2");
  world_.times("source", {1'000'000'000, 1}, {1'000'000'000, 1});
  faults_ = "fchmod:1:EPERM,setxattr:1:E2BIG";
  EXPECT_THAT(losses(everything(), true), ::testing::SizeIs(2));
  EXPECT_NE(world_.xattr("target", "user.a") == "1", world_.xattr("target", "user.b") == "2")
      << "one of the two, whichever came first";
  EXPECT_EQ(world_.status("target").st_mtim.tv_sec, 1'000'000'000);
}

// ---- Extended attributes

TEST_F(Meta, UserAttributesOfAnySize) {
  FOXING_NEEDS_USER_ATTRIBUTES();
  const std::string sizes[] = {"",
                               "v",
                               std::string(511, 'a'),
                               std::string(512, 'b'),
                               std::string(513, 'c'),
                               std::string(2500, 'd'),
                               std::string("\0\1", 2)};
  std::size_t set = 0;
  for (std::size_t i = 0; i < std::size(sizes); ++i)
    set += world_.set_xattr("source", ("user.n" + std::to_string(i)).c_str(), sizes[i]);
  EXPECT_GE(set, 5u);
  EXPECT_THAT(losses(everything()), IsEmpty());
  for (std::size_t i = 0; i < std::size(sizes); ++i) {
    const std::string name = "user.n" + std::to_string(i);
    EXPECT_EQ(world_.xattr("target", name.c_str()), world_.xattr("source", name.c_str())) << i;
  }
}

TEST_F(Meta, WhatOnlyTheTargetHasGoesUnlessItIsNew) {
  FOXING_NEEDS_USER_ATTRIBUTES();
  world_.set_xattr("target", "user.old", "x");
  world_.set_xattr("source", "user.kept", "new");
  world_.set_xattr("target", "user.kept", "older");
  EXPECT_THAT(losses(everything()), IsEmpty());
  EXPECT_EQ(world_.xattr("target", "user.old"), "(none)");
  EXPECT_EQ(world_.xattr("target", "user.kept"), "new");
}

TEST_F(Meta, WithoutXattrsTheTargetKeepsItsOwn) {
  FOXING_NEEDS_USER_ATTRIBUTES();
  world_.set_xattr("target", "user.old", "x");
  world_.set_xattr("source", "user.new", "y");
  Policy policy = everything();
  policy.xattrs = false;
  EXPECT_THAT(losses(policy), IsEmpty());
  EXPECT_EQ(world_.xattr("target", "user.old"), "x");
  EXPECT_EQ(world_.xattr("target", "user.new"), "(none)");
}

TEST_F(Meta, TrustedAttributesAreForRootButNeverXfssNameForAcls) {
  FOXING_NEEDS_ROOT();
  if (!world_.set_xattr("source", "trusted.name", "value")) GTEST_SKIP() << "no trusted attributes on " << world_.path();
  world_.set_xattr("source", "trusted.SGI_ACL_FILE", "x");
  world_.set_xattr("source", "trusted.SGI_ACL_DEFAULT", "x");
  world_.set_xattr("source", "trusted.overlay.opaque", "y");
  world_.set_xattr("target", "trusted.SGI_ACL_FILE.old", "never deleted either");
  EXPECT_THAT(losses(everything()), IsEmpty());
  EXPECT_EQ(world_.xattr("target", "trusted.name"), "value");
  EXPECT_EQ(world_.xattr("target", "trusted.SGI_ACL_FILE"), "(none)");
  EXPECT_EQ(world_.xattr("target", "trusted.SGI_ACL_DEFAULT"), "(none)");
  EXPECT_EQ(world_.xattr("target", "trusted.overlay.opaque"), "(none)");
  EXPECT_EQ(world_.xattr("target", "trusted.SGI_ACL_FILE.old"), "never deleted either");

  Policy ordinary = everything();
  ordinary.privileges.trusted_attributes = false;
  world_.set_xattr("source", "trusted.another", "value");
  EXPECT_THAT(losses(ordinary), ::testing::UnorderedElementsAre(FieldsAre(Loss::xattr, kNote, EPERM, "trusted.name"),
                                                                FieldsAre(Loss::xattr, kNote, EPERM, "trusted.another")))
      << "what only root may set is not asked for, and noted";
  EXPECT_EQ(world_.xattr("target", "trusted.another"), "(none)");
  EXPECT_EQ(world_.xattr("target", "trusted.name"), "value") << "nor removed";
}

TEST_F(Meta, FileCapabilitiesComeAfterTheOwner) {
  FOXING_NEEDS_ROOT();
  vfs_cap_data capability{};
  capability.magic_etc = VFS_CAP_REVISION_2;
  capability.data[0].permitted = 1u << CAP_NET_BIND_SERVICE;
  const std::string value(reinterpret_cast<const char*>(&capability), sizeof capability);
  ASSERT_EQ(::chown(world_.at("source").c_str(), 1234, 5678), 0);
  if (!world_.set_xattr("source", "security.capability", value)) GTEST_SKIP() << "no file capabilities on " << world_.path();
  EXPECT_THAT(losses(everything()), IsEmpty());
  EXPECT_EQ(world_.xattr("target", "security.capability"), world_.xattr("source", "security.capability"));
  EXPECT_EQ(world_.status("target").st_uid, 1234u);
}

TEST_F(Meta, ACapabilityThatIsRefusedIsCalledSo) {
  FOXING_NEEDS_FAULTS();
  FOXING_NEEDS_ROOT();
  vfs_cap_data capability{};
  capability.magic_etc = VFS_CAP_REVISION_2;
  if (!world_.set_xattr("source", "security.capability", {reinterpret_cast<const char*>(&capability), sizeof capability})) {
    GTEST_SKIP() << "no file capabilities on " << world_.path();
  }
  faults_ = "setxattr:1:EPERM";
  EXPECT_THAT(losses(everything(), true), ElementsAre(FieldsAre(Loss::capability, kFailure, EPERM, "security.capability")));
}

TEST_F(Meta, AnAttributeThatIsGoneMeanwhileIsNoLoss) {
  FOXING_NEEDS_FAULTS();
  FOXING_NEEDS_USER_ATTRIBUTES();
  world_.set_xattr("source", "user.name", "value");
  faults_ = "getxattr:1:ENODATA";
  EXPECT_THAT(losses(everything(), true), IsEmpty());
}

// ---- ACLs

#define FOXING_NEEDS_ACLS()                                  \
  if (!world_.set_xattr("source", kAccess, kSharedWith4242)) \
  GTEST_SKIP() << "the filesystem of " << world_.path() << " has no ACLs"

TEST_F(Meta, AnAccessAclIsCopiedWithTheModeItShows) {
  FOXING_NEEDS_ACLS();
  EXPECT_THAT(losses(everything()), IsEmpty());
  EXPECT_EQ(world_.xattr("target", kAccess), kSharedWith4242);
  EXPECT_EQ(world_.mode("target"), world_.mode("source"));
}

TEST_F(Meta, AnAclThatTheSourceHasNotGoes) {
  FOXING_NEEDS_ACLS();
  world_.rename("source", "other");
  world_.file("source", "x", 0644);
  ASSERT_TRUE(world_.set_xattr("target", kAccess, kSharedWith4242));
  EXPECT_THAT(losses(everything()), IsEmpty());
  EXPECT_EQ(world_.xattr("target", kAccess), "(none)");
  EXPECT_EQ(world_.mode("target"), 0644u);
}

TEST_F(Meta, AnInheritedAclGoesToo) {
  FOXING_NEEDS_ACLS();
  world_.dir("directory");
  ASSERT_TRUE(world_.set_xattr("directory", kDefault, kSharedWith4242));
  {
    const sys::UniqueFd directory = open("directory");
    EXPECT_TRUE(*has_default_acl({directory}));
    const sys::UniqueFd path = open("directory", sys::Access::path);
    EXPECT_TRUE(*has_default_acl({path, sys::Handle::path}));
    const sys::UniqueFd target = open("target");
    EXPECT_FALSE(*has_default_acl({target}));
  }
  world_.rename("source", "other");
  world_.file("source", "x", 0640);
  world_.remove("target");
  world_.file("directory/target", "y");
  world_.rename("directory/target", "target");
  ASSERT_NE(world_.xattr("target", kAccess), "(none)") << "the world is not as it should be";
  EXPECT_THAT(losses(everything()), IsEmpty());
  EXPECT_EQ(world_.xattr("target", kAccess), "(none)");
  EXPECT_EQ(world_.mode("target"), 0640u);
}

TEST_F(Meta, ADefaultAclOfADirectoryIsCopied) {
  FOXING_NEEDS_ACLS();
  world_.remove("source");
  world_.remove("target");
  world_.dir("source", 0750);
  world_.dir("target", 0700);
  ASSERT_TRUE(world_.set_xattr("source", kDefault, kSharedWith4242));
  EXPECT_THAT(losses(everything()), IsEmpty());
  EXPECT_EQ(world_.xattr("target", kDefault), kSharedWith4242);
  EXPECT_EQ(world_.mode("target"), 0750u);
}

TEST_F(Meta, WithoutAclsTheyStayBehind) {
  FOXING_NEEDS_ACLS();
  Policy policy = everything();
  policy.acls = false;
  EXPECT_THAT(losses(policy), IsEmpty());
  EXPECT_EQ(world_.xattr("target", kAccess), "(none)");
}

TEST_F(Meta, AnAclThatIsRefusedIsCalledSo) {
  FOXING_NEEDS_FAULTS();
  FOXING_NEEDS_ACLS();
  faults_ = "setxattr:1:EOPNOTSUPP";
  EXPECT_THAT(losses(everything(), true), ElementsAre(FieldsAre(Loss::acl, kFailure, EOPNOTSUPP, kAccess)));
}

TEST_F(Meta, WhetherThereIsADefaultAclMayBeUnknown) {
  FOXING_NEEDS_FAULTS();
  const sys::UniqueFd target = open("target");
  {
    const sys::FaultPlan faults("getxattr:1:EIO");
    EXPECT_FALSE(has_default_acl({target}));
  }
  const sys::FaultPlan faults("getxattr:1:EOPNOTSUPP");
  EXPECT_FALSE(*has_default_acl({target}));
}

// ---- Times

TEST_F(Meta, TimesToTheNanosecondAlsoBefore1970) {
  const timespec times[] = {{0, 0}, {1, 999'999'999}, {-1, 1}, {-1'000'000'000, 123'456'789}, {2'000'000'000, 5}};
  for (const timespec& time : times) {
    world_.times("source", {time.tv_sec + 100, 7}, time);
    const auto lost = losses(everything());
    const struct stat status = world_.status("target");
    if (!lost.empty()) continue;  // a filesystem with fewer digits says so; the next test holds it to that
    EXPECT_EQ(status.st_mtim.tv_sec, time.tv_sec);
    EXPECT_EQ(status.st_mtim.tv_nsec, time.tv_nsec);
    EXPECT_EQ(status.st_atim.tv_sec, time.tv_sec + 100);
  }
}

TEST_F(Meta, ATimeThatTheFilesystemChangesIsALoss) {
  // Sources on other filesystems have times that this one may not have: 2446 ends ext4, 2486 XFS; 64 bits last for ever.
  const sys::UniqueFd source = open("source");
  const sys::UniqueFd target = open("target", sys::Access::read);
  for (const std::int64_t second :
       {std::int64_t{4'000'000'000}, std::int64_t{15'032'385'535}, std::int64_t{16'500'000'000}, std::int64_t{1} << 40,
        -std::int64_t{2'147'483'648}, -std::int64_t{2'147'483'649}, -(std::int64_t{1} << 40)}) {
    SCOPED_TRACE(second);
    sys::FileStatus status = *sys::status_of(source);
    status.raw.st_mtim = {second, 500'000'000};
    const auto applied = meta::apply({source}, status, {target}, Current::of(*sys::status_of(target)), everything(), fidelity_);
    ASSERT_TRUE(applied);
    const struct stat now = world_.status("target");
    const bool kept = now.st_mtim.tv_sec == second && now.st_mtim.tv_nsec == 500'000'000;
    EXPECT_EQ(applied->empty(), kept);
    if (!kept) {
      EXPECT_THAT(applied->all, ElementsAre(FieldsAre(Loss::time, kFailure, 0, HasSubstr(std::to_string(second)))));
    }
  }
}

TEST_F(Meta, NanosecondsAreReadBackOnce) {
  FOXING_NEEDS_FAULTS();
  world_.times("source", {1'000'000'000, 123'456'789}, {1'000'000'000, 123'456'789});
  faults_ = "fstat:1:EIO";
  EXPECT_FALSE(apply(everything())) << "not looked at";
  faults_.clear();
  EXPECT_THAT(losses(everything()), IsEmpty());
  if (world_.status("target").st_mtim.tv_nsec != 123'456'789)
    GTEST_SKIP() << "the filesystem of " << world_.path() << " keeps no nanoseconds";
  EXPECT_TRUE(fidelity_.keeps_nanoseconds);
  faults_ = "fstat:1+:EIO";
  EXPECT_TRUE(apply(everything())) << "looked at for every file";
}

TEST_F(Meta, WhatTheFilesystemSurelyKeepsIsNotReadBack) {
  FOXING_NEEDS_FAULTS();
  fidelity_.earliest_s = 0;
  fidelity_.latest_s = 2'000'000'000;
  fidelity_.step_ns = 1;
  const auto apply_with = [&](timespec accessed, timespec modified) {
    world_.times("source", accessed, modified);
    faults_ = "fstat:1:EIO";
    const bool looked = !apply(everything()).has_value();
    faults_.clear();
    return looked;
  };
  EXPECT_FALSE(apply_with({1, 1}, {1'000'000'000, 123'456'789}));
  EXPECT_TRUE(apply_with({1, 1}, {-1, 0})) << "before what is known";
  EXPECT_TRUE(apply_with({2'000'000'001, 0}, {1, 0})) << "an access time behind it";
  fidelity_.step_ns = 100;
  EXPECT_FALSE(apply_with({1, 0}, {1, 300}));
  EXPECT_TRUE(apply_with({1, 0}, {1, 301})) << "finer than what is known";
  fidelity_.step_ns = 2'000'000'000;  // FAT: every other second
  EXPECT_FALSE(apply_with({2, 0}, {1'000'000'000, 0}));
  EXPECT_TRUE(apply_with({2, 0}, {1'000'000'001, 0}));
}

// ---- An ordinary user

TEST_F(Meta, UserAttributesAreSetBeforeTheModeTakesTheRightAway) {
  FOXING_NEEDS_FAULTS();
  FOXING_NEEDS_USER_ATTRIBUTES();
  world_.set_xattr("source", "user.name", "value");
  world_.chmod("source", 0444);
  world_.chmod("target", 0644);
  faults_ = "fchmod:1:EIO";  // ends it there
  EXPECT_FALSE(apply(everything(), true));
  EXPECT_EQ(world_.xattr("target", "user.name"), "value");
}

TEST_F(Meta, ASecurityLabelThatIsRefusedIsANoteAndNoneIsRemoved) {
  FOXING_NEEDS_FAULTS();
  FOXING_NEEDS_ROOT();
  if (!world_.set_xattr("source", "security.selinux", "label")) GTEST_SKIP() << "no security labels may be set here";
  faults_ = "setxattr:1:EOPNOTSUPP";
  EXPECT_THAT(losses(everything(), true), ElementsAre(FieldsAre(Loss::xattr, kNote, EOPNOTSUPP, "security.selinux")));
  faults_.clear();
  ASSERT_TRUE(world_.set_xattr("target", "security.selinux", "of the target"));
  ::lremovexattr(world_.at("source").c_str(), "security.selinux");
  EXPECT_THAT(losses(everything()), IsEmpty());
  EXPECT_EQ(world_.xattr("target", "security.selinux"), "of the target");
}

// ---- What must not be opened

TEST_F(Meta, LinksAndFifosThroughTheirPath) {
  for (const char* kind : {"link", "fifo"}) {
    SCOPED_TRACE(kind);
    for (const char* name : {"source", "target"}) {
      world_.remove(name);
      if (std::string(kind) == "link") {
        world_.symlink(name, "nowhere");
      } else {
        world_.fifo(name, std::string(name) == "source" ? 0612 : 0600);
      }
    }
    if (testing::is_root()) {
      ASSERT_EQ(::lchown(world_.at("source").c_str(), 1234, 5678), 0);
    }
    const bool trusted = testing::is_root() && world_.set_xattr("source", "trusted.name", "value");
    world_.times("source", {1'000'000'000, 1}, {-5, 2});
    EXPECT_THAT(losses(everything(), true, sys::Handle::path), IsEmpty());
    const struct stat source = world_.status("source");
    const struct stat target = world_.status("target");
    EXPECT_EQ(target.st_mode, source.st_mode);
    EXPECT_EQ(target.st_uid, source.st_uid);
    EXPECT_EQ(target.st_gid, source.st_gid);
    EXPECT_EQ(target.st_mtim.tv_sec, -5);
    EXPECT_EQ(target.st_mtim.tv_nsec, 2);
    if (trusted) {
      EXPECT_EQ(world_.xattr("target", "trusted.name"), "value");
    }
  }
}

}  // namespace
}  // namespace foxing::meta
