// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <functional>

#include "core/storage/fake_system.h"
#include "core/storage/storage.h"

namespace foxing::storage {
namespace {

using testing::Optional;

DeviceId device(unsigned minor) { return DeviceId::from_numbers(8, minor); }

Located at(const std::string& path, int mount, DeviceId st_dev, std::uint64_t inode, std::string missing = {}) {
  Located located;
  located.asked = located.path = path;
  located.missing = std::move(missing);
  located.directory = true;
  located.mount = MountId(mount);
  located.key = {st_dev, InodeNo(inode)};
  located.quick.device = st_dev;
  located.ancestors = {located.key};
  return located;
}

// --- The path inside the filesystem ---

TEST(FilesystemPath, JoinsTheMountsRootAndTheRest) {
  const MountTable table = parse_mountinfo(
      "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /data rw - xfs /dev/sda2 rw\n3 1 8:2 /deep/er /bind rw - xfs /dev/sda2 "
      "rw\n");
  const auto inner = [&](const Located& located) { return filesystem_path(located, table); };
  EXPECT_THAT(inner(at("/", 1, device(1), 2)), Optional(FilesystemPath{device(1), "/"}));
  EXPECT_THAT(inner(at("/etc/x", 1, device(1), 3)), Optional(FilesystemPath{device(1), "/etc/x"}));
  EXPECT_THAT(inner(at("/data", 2, device(2), 2)), Optional(FilesystemPath{device(2), "/"}));
  EXPECT_THAT(inner(at("/data/a", 2, device(2), 4)), Optional(FilesystemPath{device(2), "/a"}));
  EXPECT_THAT(inner(at("/bind", 3, device(2), 5)), Optional(FilesystemPath{device(2), "/deep/er"}));
  EXPECT_THAT(inner(at("/bind/a", 3, device(2), 6, "new/deeper")), Optional(FilesystemPath{device(2), "/deep/er/a/new/deeper"}));
  EXPECT_THAT(inner(at("/", 1, device(1), 2, "new")), Optional(FilesystemPath{device(1), "/new"}));
}

TEST(FilesystemPath, OfWhatNoPathLeadsToIsNothing) {
  const MountTable table = parse_mountinfo("2 1 8:2 / /data rw - xfs /dev/sda2 rw\n");
  EXPECT_FALSE(filesystem_path(at("", 2, device(2), 1), table));
  EXPECT_FALSE(filesystem_path(at("/data/a", 9, device(2), 1), table)) << "an unknown mount";
  EXPECT_FALSE(filesystem_path(at("/elsewhere", 2, device(2), 1), table)) << "the table is of another namespace";
}

// --- Made-up tables ---

TEST(Nesting, SeesThroughABindMountOfASubtree) {
  const MountTable table =
      parse_mountinfo("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:1 /src/deep /bind rw - ext4 /dev/sda1 rw\n");
  EXPECT_EQ(nesting(at("/bind/x", 2, device(1), 9), at("/src", 1, device(1), 5), table), Nesting::inside);
  EXPECT_EQ(nesting(at("/bind", 2, device(1), 8, "new"), at("/src", 1, device(1), 5), table), Nesting::inside);
  EXPECT_EQ(nesting(at("/src", 1, device(1), 5), at("/bind", 2, device(1), 8), table), Nesting::apart);
  EXPECT_EQ(nesting(at("/srcs", 1, device(1), 6), at("/src", 1, device(1), 5), table), Nesting::apart);
}

TEST(Nesting, SeesSubvolumesOfOneBtrfs) {
  const MountTable table = parse_mountinfo(
      "1 0 0:35 / /top rw - btrfs /dev/sda rw,subvol=/\n2 0 0:35 /@home /home rw - btrfs /dev/sda rw,subvol=/@home\n");
  EXPECT_EQ(
      nesting(at("/home/u", 2, DeviceId::from_numbers(0, 37), 300), at("/top", 1, DeviceId::from_numbers(0, 36), 256), table),
      Nesting::inside_other_device);
}

TEST(Nesting, SeesADirectoryShownByAMountInsideTheParent) {
  // /src/m shows /elsewhere: a walk through /src meets /elsewhere/target.
  const MountTable table = parse_mountinfo(
      "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /elsewhere rw - xfs /dev/sda2 rw\n3 1 8:2 / /src/m rw - xfs /dev/sda2 rw\n");
  const Located target = at("/elsewhere", 2, device(2), 2, "target");
  EXPECT_EQ(nesting(target, at("/src", 1, device(1), 5), table), Nesting::inside_other_device);
  EXPECT_EQ(nesting(target, at("/srcs", 1, device(1), 6), table), Nesting::apart);
}

TEST(Nesting, AMountThatIsCoveredShowsNothing) {
  const MountTable table = parse_mountinfo(
      "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /elsewhere rw - xfs /dev/sda2 rw\n3 1 8:2 / /src/m rw - xfs /dev/sda2 rw\n"
      "4 3 0:9 / /src/m rw - tmpfs none rw\n");
  EXPECT_EQ(nesting(at("/elsewhere/target", 2, device(2), 7), at("/src", 1, device(1), 5), table), Nesting::apart);
}

TEST(Nesting, WithoutMountinfoTheDirectoriesAboveTell) {
  Located child = at("/a/b/c", 1, device(1), 30);
  child.ancestors = {child.key, {device(1), InodeNo(20)}, {device(1), InodeNo(10)}};
  EXPECT_EQ(nesting(child, at("/x", 1, device(1), 20), {}), Nesting::inside);
  EXPECT_EQ(nesting(child, at("/x", 1, device(2), 20), {}), Nesting::apart) << "another device";
  EXPECT_EQ(nesting(child, at("/y", 1, device(1), 30), {}), Nesting::same);
}

// --- Real directories ---

class NestingOnDisk : public testing::Test {
 protected:
  NestingOnDisk() {
    std::filesystem::create_directories(path("src/deep"));
    std::filesystem::create_directories(path("other"));
    std::ofstream(path("src/file")) << "x";
    std::filesystem::create_hard_link(path("src/file"), path("other/hard"));
    std::filesystem::create_symlink("../src", path("other/to-src"));
    std::filesystem::create_symlink("nowhere", path("src/dangling"));
  }
  std::string path(const std::string& name) const { return folder_.path() + "/" + name; }
  Nesting of(const std::string& child, const std::string& parent) const {
    const auto answer = nesting(path(child), path(parent));
    EXPECT_TRUE(answer) << answer.error().subject << ": " << answer.error().message();
    return answer.value_or(Nesting::apart);
  }
  TemporaryFolder folder_;
};

TEST_F(NestingOnDisk, OfPlainPaths) {
  EXPECT_EQ(of("src/deep", "src"), Nesting::inside);
  EXPECT_EQ(of("src/file", "src"), Nesting::inside);
  EXPECT_EQ(of("src/new", "src"), Nesting::inside);
  EXPECT_EQ(of("src/new/deeper/", "src/"), Nesting::inside);
  EXPECT_EQ(of("src/deep/../new", "src/deep"), Nesting::apart);
  EXPECT_EQ(of("src", "src/deep"), Nesting::apart);
  EXPECT_EQ(of("src-new", "src"), Nesting::apart);
  EXPECT_EQ(of("other", "src"), Nesting::apart);
  EXPECT_EQ(of("other", "src/file"), Nesting::apart);
}

TEST_F(NestingOnDisk, OfOnePlaceByTwoNames) {
  EXPECT_EQ(of("src/.", "src"), Nesting::same);
  EXPECT_EQ(of("other/to-src", "src"), Nesting::same);
  EXPECT_EQ(of("other/hard", "src/file"), Nesting::same);
  EXPECT_EQ(of("src/new", "other/to-src/new"), Nesting::same) << "also where it is not there yet";
}

TEST_F(NestingOnDisk, ThroughSymbolicLinks) {
  EXPECT_EQ(of("other/to-src/deep", "src"), Nesting::inside);
  EXPECT_EQ(of("other/to-src/new", "src"), Nesting::inside);
  EXPECT_EQ(of("src/dangling", "src"), Nesting::inside) << "a link to nowhere is a name that can be replaced";
}

TEST_F(NestingOnDisk, RelativeToTheWorkingDirectory) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(path("src"));
  EXPECT_THAT(nesting("new", "."), Optional(Nesting::inside));
  EXPECT_THAT(nesting("./new", ".."), Optional(Nesting::inside));
  EXPECT_THAT(nesting("../other", "."), Optional(Nesting::apart));
  std::filesystem::current_path(before);
}

TEST_F(NestingOnDisk, LiesInsideLeavesOutTheSamePlace) {
  EXPECT_THAT(lies_inside(path("src/deep"), path("src")), Optional(true));
  EXPECT_THAT(lies_inside(path("src"), path("src")), Optional(false));
  EXPECT_EQ(lies_inside(path("src/file/x"), path("src")).error().code, ENOTDIR);
}

TEST_F(NestingOnDisk, OfADirectoryThatIsGoneOnlyWhatItsDirectoriesTell) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::create_directories(path("src/gone"));
  std::filesystem::current_path(path("src/gone"));
  std::filesystem::remove(path("src/gone"));
  const auto gone = locate(".");
  ASSERT_TRUE(gone) << gone.error().message();
  EXPECT_EQ(gone->path, "") << "the kernel's \"... (deleted)\" is no path";
  EXPECT_FALSE(filesystem_path(*gone, read_mounts(SystemRoot())));
  EXPECT_THAT(nesting(".", path("other")), Optional(Nesting::apart));
  std::filesystem::current_path(before);
  std::filesystem::create_directories(path("src/gone (deleted)"));
  EXPECT_EQ(of("src/gone (deleted)", "src"), Nesting::inside) << "but it may be a name";
  EXPECT_THAT(locate(path("src/gone (deleted)"))->path, testing::EndsWith("/gone (deleted)"));
}

TEST_F(NestingOnDisk, OfAVeryDeepDirectory) {
  std::string deep = "src";
  for (int depth = 0; depth < 300; ++depth) deep += "/d";
  std::filesystem::create_directories(path(deep));
  EXPECT_EQ(of(deep + "/new", "src"), Nesting::inside);
}

// --- Real mounts, in a namespace of their own ---

constexpr int kNoNamespace = 77;

/// Runs `check` in a child process that may mount; its answer is "" where all is well.  Nothing where this machine allows no namespaces.
std::optional<std::string> in_a_mount_namespace(const std::function<std::string()>& check) {
  int ends[2];
  if (::pipe(ends) != 0) return "pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    const bool may_mount = ::unshare(CLONE_NEWNS) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
    if (!may_mount || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) ::_exit(kNoNamespace);
    const std::string answer = check();
    const ssize_t written = ::write(ends[1], answer.data(), answer.size());
    ::_exit(written == static_cast<ssize_t>(answer.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string answer(4096, '\0');
  const ssize_t got = ::read(ends[0], answer.data(), answer.size());
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNoNamespace) return std::nullopt;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return "the child ended badly";
  answer.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return answer;
}

std::string show(const std::string& from, const std::string& to) {
  std::filesystem::create_directories(to);
  return ::mount(from.c_str(), to.c_str(), nullptr, MS_BIND, nullptr) == 0 ? ""
                                                                           : "bind " + to + ": " + std::strerror(errno) + "\n";
}

std::string expect(Nesting wanted, const std::string& child, const std::string& parent) {
  const auto answer = nesting(child, parent);
  if (!answer) return child + " in " + parent + ": " + answer.error().message() + "\n";
  if (*answer == wanted) return {};
  return child + " in " + parent + ": " + std::to_string(static_cast<int>(*answer)) + ", not " +
         std::to_string(static_cast<int>(wanted)) + "\n";
}

TEST_F(NestingOnDisk, ThroughRealMounts) {
  const auto answer = in_a_mount_namespace([&] {
    std::string wrong = show(path("src/deep"), path("bind"));
    wrong += expect(Nesting::inside, path("bind/new"), path("src"));
    wrong += expect(Nesting::inside, path("bind"), path("src"));
    wrong += expect(Nesting::same, path("bind"), path("src/deep"));
    wrong += expect(Nesting::same, path("bind/new"), path("src/deep/new"));
    wrong += expect(Nesting::apart, path("src/new"), path("bind"));

    wrong += show(path("other"), path("src/shows-other"));
    wrong += expect(Nesting::inside, path("other/new"), path("src"));

    std::filesystem::create_directories(path("src/tmp"));
    if (::mount("none", path("src/tmp").c_str(), "tmpfs", 0, nullptr) != 0) wrong += "tmpfs\n";
    wrong += expect(Nesting::inside_other_device, path("src/tmp/new"), path("src"));
    wrong += expect(Nesting::inside_other_device, path("src/tmp"), path("src"));
    wrong += show(path("src/tmp"), path("elsewhere"));
    wrong += expect(Nesting::inside_other_device, path("elsewhere/new"), path("src"));
    wrong += expect(Nesting::apart, path("src/new"), path("elsewhere"));
    return wrong;
  });
  if (!answer) GTEST_SKIP() << "needs a mount namespace: root, or unprivileged user namespaces";
  EXPECT_EQ(*answer, "");
}

}  // namespace
}  // namespace foxing::storage
