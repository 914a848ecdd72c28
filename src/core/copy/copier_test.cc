// SPDX-License-Identifier: GPL-2.0-or-later
// The copier from end to end: what lies in the target afterwards.  Interference and failures: copier_hostile_test.cc, copier_faults_test.cc.
#include "core/copy/copier.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "core/copy/test_run.h"

namespace foxing::copy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::random_bytes;
using testing::TempTree;

bool operator==(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

/// Owner, mode and times; not the access time of a file, which reading it may move where O_NOATIME is not allowed.
void expect_same_metadata(const TempTree& world, const std::string& name) {
  const struct stat source = world.status("source/" + name);
  const struct stat target = world.status("target/" + name);
  EXPECT_EQ(source.st_mode, target.st_mode) << name;
  EXPECT_EQ(source.st_uid, target.st_uid) << name;
  EXPECT_EQ(source.st_gid, target.st_gid) << name;
  EXPECT_EQ(source.st_rdev, target.st_rdev) << name;
  EXPECT_TRUE(source.st_mtim == target.st_mtim) << name << ": modification time";
}

// ---- Every type, each with what it has

TEST(Copier, CopiesEveryTypeWithItsMetadata) {
  TempTree world;
  world.file("source/file", "text", 0640);
  world.file("source/empty", "", 0600);
  world.file("source/script", "#!", 0755);
  world.file("source/deep/er/still/file", "deep", 0444);
  world.dir("source/empty directory", 0711);
  world.symlink("source/link", "file");
  world.symlink("source/dangling", "nowhere/at/all");
  world.symlink("source/absolute", "/etc/passwd");
  world.symlink("source/loop", "loop");
  world.fifo("source/fifo", 0620);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s", world.at("source/socket").c_str());
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(socket);
  const timespec before_1970{-1'000'000'000, 123'456'789};
  const timespec long_ago{1'000'000'000, 987'654'321};
  for (const char* name :
       {"file", "link", "fifo", "socket", "deep/er/still/file", "deep/er/still", "deep/er", "deep", "empty directory"}) {
    world.times(std::string("source/") + name, long_ago, long_ago);
  }
  world.times("source/empty", before_1970, before_1970);

  TestRun run(world);
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  for (const char* name : {"file", "empty", "script", "deep", "deep/er", "deep/er/still", "deep/er/still/file", "empty directory",
                           "link", "dangling", "absolute", "loop", "fifo", "socket"}) {
    expect_same_metadata(world, name);
  }
  expect_same_metadata(world, "");
  EXPECT_EQ(world.names("target"), world.names("source"));
  EXPECT_EQ(world.read("target/file"), "text");
  EXPECT_EQ(world.read("target/deep/er/still/file"), "deep");
  EXPECT_EQ(world.link_target("target/link"), "file");
  EXPECT_EQ(world.link_target("target/dangling"), "nowhere/at/all");
  EXPECT_EQ(world.link_target("target/absolute"), "/etc/passwd");
  EXPECT_EQ(world.link_target("target/loop"), "loop");
  EXPECT_EQ(run.counters.files, 4u);
  EXPECT_EQ(run.counters.directories, 5u);
  EXPECT_EQ(run.counters.symlinks, 4u);
  EXPECT_EQ(run.counters.specials, 2u);
  EXPECT_EQ(run.counters.entries, 15u);
  EXPECT_EQ(run.counters.bytes, 10u);
}

TEST(Copier, CopiesDevicesSetuidAndOwnersAsRoot) {
  FOXING_NEEDS_ROOT();
  TempTree world;
  world.dir("source");
  if (::mknod(world.at("source/null").c_str(), S_IFCHR | 0666, makedev(1, 3)) != 0) GTEST_SKIP() << "no devices may be made here";
  ASSERT_EQ(::mknod(world.at("source/disk").c_str(), S_IFBLK | 0660, makedev(259, 200'000)), 0);
  world.file("source/setuid", "x");
  ASSERT_EQ(::chown(world.at("source/setuid").c_str(), 1234, 5678), 0);
  world.chmod("source/setuid", 06755);
  world.file("source/unreadable", "secret", 0000);
  world.symlink("source/link", "x");
  ASSERT_EQ(::lchown(world.at("source/link").c_str(), 1234, 5678), 0);
  world.dir("source/sticky", 01777);

  TestRun run(world);
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  for (const char* name : {"null", "disk", "setuid", "unreadable", "link", "sticky"}) expect_same_metadata(world, name);
  EXPECT_EQ(world.mode("target/setuid"), 06755u);
  EXPECT_EQ(world.read("target/unreadable"), "secret");
}

TEST(Copier, CopiesExtendedAttributesOfFilesAndDirectories) {
  TempTree world;
  world.file("source/file", "x");
  world.dir("source/directory");
  const std::string large(3000, 'v');
  if (!world.set_xattr("source/file", "user.large", large))
    GTEST_SKIP() << "the filesystem of " << world.path() << " has no user attributes";
  world.set_xattr("source/file", "user.empty", "");
  world.set_xattr("source/directory", "user.name", std::string("with\0zero", 9));
  TestRun run(world);
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  EXPECT_EQ(world.xattr("target/file", "user.large"), large);
  EXPECT_EQ(world.xattr("target/file", "user.empty"), "");
  EXPECT_EQ(world.xattr("target/directory", "user.name"), std::string("with\0zero", 9));
}

TEST(Copier, NamesAreBytes) {
  TempTree world;
  const std::vector<std::string> names{"-rf", "new\nline", "\xff\xfe", std::string(255, 'n'), " ", "*", "\x01", ".hidden", "..."};
  for (const std::string& name : names) world.file("source/" + name, name);
  TestRun run(world);
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  for (const std::string& name : names) EXPECT_EQ(world.read("target/" + name), name);
}

TEST(Copier, GoesDeeperThanAnyPathIsLong) {
  TempTree world;
  world.dir("source");
  constexpr int kDepth = 60;
  const std::string name(200, 'd');  // 12 000 bytes in all, PATH_MAX is 4096
  const auto descend = [&](const char* root, auto&& at_bottom) {
    auto here = sys::open_at(sys::working_directory(), world.at(root), {.directory = true});
    for (int i = 0; i < kDepth && here; ++i) {
      (void)sys::make_directory_at(*here, name, 0755);
      here = sys::open_at(*here, name, {.directory = true});
    }
    ASSERT_TRUE(here);
    at_bottom(sys::FdView(*here));
  };
  descend("source", [](sys::FdView bottom) { ASSERT_TRUE(sys::create_at(bottom, "file", 0644)); });
  for (const std::uint64_t descriptors : {1024u, 40u}) {  // also where directories have to close their descriptors meanwhile
    TestRun run(world);
    run.descriptor_limit = descriptors;
    run.copy("source", "target" + std::to_string(descriptors));
    EXPECT_THAT(run.failures(), IsEmpty());
    descend(("target" + std::to_string(descriptors)).c_str(),
            [](sys::FdView bottom) { EXPECT_TRUE(sys::status_at(bottom, "file")); });
  }
  // std::filesystem removes by path; this is beyond it.
  for (const char* root : {"source", "target1024", "target40"}) {
    std::vector<sys::UniqueFd> chain;
    chain.push_back(*sys::open_at(sys::working_directory(), world.at(root), {.directory = true}));
    for (int i = 0; i < kDepth; ++i) {
      auto next = sys::open_at(chain.back(), name, {.directory = true});
      if (!next) break;
      chain.push_back(std::move(*next));
    }
    (void)sys::unlink_at(chain.back(), "file");
    while (chain.size() > 1) {
      chain.pop_back();
      EXPECT_TRUE(sys::remove_directory_at(chain.back(), name));
    }
  }
}

TEST(Copier, SizesAroundEveryEdge) {
  TempTree world;
  std::vector<std::size_t> sizes;
  for (const std::size_t edge : {4096u, 65536u, 262144u, 1u << 20}) sizes.insert(sizes.end(), {edge - 1, edge, edge + 1});
  sizes.insert(sizes.end(), {0, 1, 511, 5'000'000});
  for (const std::size_t size : sizes) world.file("source/" + std::to_string(size), random_bytes(size, size));
  TestRun run(world, archive(), 2);
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  for (const std::size_t size : sizes) EXPECT_EQ(world.read("target/" + std::to_string(size)), random_bytes(size, size)) << size;
}

TEST(Copier, HolesStayWhereTheyWere) {
  TempTree world;
  const std::string data(65536, 'x');
  const std::uint64_t size = 4 << 20;
  world.sparse_file("source/start", size, {{size - 65536, data}});
  world.sparse_file("source/middle", size, {{0, data}, {size - 65536, data}});
  world.sparse_file("source/end", size, {{0, data}});
  world.sparse_file("source/all", size);
  world.sparse_file("source/tiny", 100);
  if (world.extents("source/middle").size() != 2)
    GTEST_SKIP() << "the filesystem of " << world.path() << " does not tell where holes are";
  for (const unsigned workers : {1u, 2u}) {
    TestRun run(world, archive(), workers);
    const std::string target = "target" + std::to_string(workers);
    run.copy("source", target);
    EXPECT_THAT(run.failures(), IsEmpty());
    for (const char* name : {"start", "middle", "end", "all", "tiny"}) {
      const std::string copy = target + '/' + name;
      const int fd = ::open(world.at(copy).c_str(), O_RDONLY | O_CLOEXEC);
      ::fsync(fd);
      ::close(fd);
      EXPECT_EQ(world.extents(copy), world.extents(std::string("source/") + name)) << name;
      EXPECT_EQ(world.read(copy), world.read(std::string("source/") + name)) << name;
    }
  }
}

TEST(Copier, SparseAlwaysMakesHolesAndNeverFillsThem) {
  TempTree world;
  world.file("source/zeros", std::string(2 << 20, '\0') + "x");
  world.sparse_file("source/hole", 2 << 20, {{1 << 20, "x"}});
  Options options = archive();
  options.choices.sparse = Sparse::always;
  TestRun always(world, options);
  always.copy("source", "always");
  EXPECT_LT(world.status("always/zeros").st_blocks * 512, 1 << 20);
  EXPECT_EQ(world.read("always/zeros"), world.read("source/zeros"));
  options.choices.sparse = Sparse::never;
  TestRun never(world, options);
  never.copy("source", "never");
  EXPECT_GE(world.status("never/hole").st_blocks * 512, 2 << 20);
  EXPECT_EQ(world.read("never/hole"), world.read("source/hole"));
}

TEST(Copier, FilesOfProcAreReadToTheirEnd) {
  TempTree world;
  world.dir("target");
  Options options = archive();
  options.keep.owner = options.keep.group = options.keep.xattrs = options.keep.acls = false;
  TestRun run(world, options);
  run.copy("/proc/sys/kernel/random", "target");
  EXPECT_EQ(world.read("target/boot_id").size(), 37u);
}

// ---- Onto what is there

TEST(Copier, ASecondRunGivesTheSame) {
  TempTree world;
  world.file("source/a/file", "text", 0640);
  world.symlink("source/a/link", "file");
  world.fifo("source/fifo");
  world.hard_link("source/a/file", "source/other name");
  TestRun first(world);
  first.copy();
  TestRun second(world);
  second.copy();
  EXPECT_THAT(first.failures(), IsEmpty());
  EXPECT_THAT(second.failures(), IsEmpty());
  EXPECT_EQ(world.names("target"), world.names("source"));
  EXPECT_EQ(world.names("target/a"), world.names("source/a"));
  for (const char* name : {"a", "a/file", "a/link", "fifo", ""}) expect_same_metadata(world, name);
  EXPECT_EQ(world.status("target/a/file").st_nlink, 2u);
}

TEST(Copier, TemporaryFilesOfOtherRunsAreNotCopied) {
  TempTree world;
  TempNames names;
  world.file("source/" + names.next(), "half");
  world.dir("source/" + names.next());
  world.file("source/.tmp.notes", "somebody's");
  TestRun run(world);
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  EXPECT_EQ(run.notes().size(), 2u);
  EXPECT_THAT(world.names("target"), ElementsAre(".tmp.notes"));
}

TEST(Copier, ReplacesWhateverIsThereByWhatIsInTheSource) {
  const char* const kinds[] = {"file", "link", "fifo", "directory"};
  for (const char* from : kinds) {
    for (const char* to : kinds) {
      SCOPED_TRACE(std::string(to) + " becomes " + from);
      TempTree world;
      world.file("outside/precious", "precious");
      const auto make = [&](const std::string& name, const std::string& kind) {
        if (kind == "file") world.file(name, name);
        if (kind == "link") world.symlink(name, "../outside");
        if (kind == "fifo") world.fifo(name);
        if (kind == "directory") world.dir(name, 0750);
      };
      make("source/name", from);
      make("target/name", to);
      TestRun run(world);
      run.copy();
      EXPECT_THAT(run.failures(), IsEmpty());
      EXPECT_EQ(world.status("target/name").st_mode & S_IFMT, world.status("source/name").st_mode & S_IFMT);
      expect_same_metadata(world, "name");
      EXPECT_THAT(world.names("target"), ElementsAre("name"));
      EXPECT_THAT(world.names("outside"), ElementsAre("precious"));
    }
  }
}

TEST(Copier, ADirectoryWithSomethingInItIsInTheWayAndTheRestIsCopied) {
  TempTree world;
  world.file("source/file", "new");
  world.symlink("source/link", "x");
  world.file("source/rest", "text");
  world.file("target/file/inside", "precious");
  world.file("target/link/inside", "precious");
  TestRun run(world);
  run.copy();
  EXPECT_THAT(run.failures(), ElementsAre("in_the_way file", "in_the_way link"));
  EXPECT_EQ(world.read("target/file/inside"), "precious");
  EXPECT_EQ(world.read("target/link/inside"), "precious");
  EXPECT_EQ(world.read("target/rest"), "text");
  EXPECT_THAT(world.names("target"), ElementsAre("file", "link", "rest"));
}

TEST(Copier, AnOldFileWithAnotherNameKeepsItsContentThere) {
  TempTree world;
  world.file("source/name", "new");
  world.file("target/name", "old");
  world.hard_link("target/name", "elsewhere");
  TestRun run(world);
  run.copy();
  EXPECT_EQ(world.read("target/name"), "new");
  EXPECT_EQ(world.read("elsewhere"), "old");
}

TEST(Copier, AttributesThatOnlyTheTargetHasGo) {
  TempTree world;
  world.dir("source/directory");
  world.dir("target/directory");
  if (!world.set_xattr("target/directory", "user.old", "x"))
    GTEST_SKIP() << "the filesystem of " << world.path() << " has no user attributes";
  world.set_xattr("source/directory", "user.new", "y");
  TestRun run(world);
  run.copy();
  EXPECT_EQ(world.xattr("target/directory", "user.old"), "(none)");
  EXPECT_EQ(world.xattr("target/directory", "user.new"), "y");
}

TEST(Copier, LitterOfDeadRunsGoesAndWhatOnlyLooksLikeItStays) {
  TempTree world;
  TempNames names;
  std::string dead = names.next();
  dead[5 + 19 + 3] = dead[5 + 19 + 3] == '0' ? '1' : '0';  // of a process that had our number before us
  world.file("source/a/file", "text");
  world.file("target/" + dead, "half");
  world.file("target/a/" + dead, "half");
  world.dir("target/a/deep");
  world.file("target/a/.tmp.notes", "somebody's");
  TestRun run(world);
  run.copy();
  EXPECT_THAT(world.names("target"), ElementsAre("a"));
  EXPECT_THAT(world.names("target/a"), ElementsAre(".tmp.notes", "deep", "file"));
  EXPECT_EQ(run.counters.litter, 2u);
}

// ---- Directories

TEST(Copier, ReadOnlyDirectoriesAreFilledAndThenReadOnly) {
  TempTree world;
  world.file("source/closed/file", "text");
  world.file("source/closed/deeper/file", "text");
  world.chmod("source/closed/deeper", 0555);
  world.chmod("source/closed", 0555);
  for (int pass = 0; pass < 2; ++pass) {
    TestRun run(world);
    run.copy();
    EXPECT_THAT(run.failures(), IsEmpty()) << "pass " << pass;
    EXPECT_EQ(world.mode("target/closed"), 0555u);
    EXPECT_EQ(world.mode("target/closed/deeper"), 0555u);
    EXPECT_EQ(world.read("target/closed/deeper/file"), "text");
  }
}

TEST(Copier, DirectoriesAreClosedToOthersUntilTheyAreWhole) {
  TempTree world;
  world.file("source/open/file", "text");
  world.chmod("source/open", 0777);
  TestRun run(world);
  mode_t meanwhile = 0;
  run.before = [&](const std::string& path) {
    if (path == "open/file") meanwhile = world.mode("target/open");
  };
  run.copy();
  EXPECT_EQ(meanwhile, 0700u);
  EXPECT_EQ(world.mode("target/open"), 0777u);
}

TEST(Copier, TimesOfDirectoriesAreSetLastByManyWorkers) {
  TempTree world;
  const timespec old{1'111'111'111, 111'111'111};
  std::vector<std::string> directories;
  for (int i = 0; i < 20; ++i) {
    for (int j = 0; j < 5; ++j) {
      const std::string name = "d" + std::to_string(i) + "/e" + std::to_string(j);
      for (int k = 0; k < 5; ++k) world.file("source/" + name + "/f" + std::to_string(k), "x");
      directories.push_back(name);
    }
    directories.push_back("d" + std::to_string(i));
  }
  for (const std::string& name : directories) world.times("source/" + name, old, old);
  TestRun run(world, archive(), 4);
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  for (const std::string& name : directories) EXPECT_TRUE(world.status("target/" + name).st_mtim == old) << name;
  EXPECT_EQ(run.counters.files, 500u);
}

// ---- Hard links

TEST(Copier, HardLinksAreLinksAcrossDirectoriesAndWorkers) {
  for (const unsigned workers : {1u, 2u, 4u}) {
    TempTree world;
    constexpr int kFiles = 12;
    constexpr int kNames = 15;
    for (int f = 0; f < kFiles; ++f) {
      const std::string first = "source/d0/f" + std::to_string(f);
      world.file(first, random_bytes(static_cast<std::size_t>(f) * 7000, static_cast<std::uint64_t>(f)));
      for (int n = 1; n < kNames; ++n)
        world.hard_link(first, "source/d" + std::to_string(n % 7) + "/f" + std::to_string(f) + "." + std::to_string(n));
    }
    TestRun run(world, archive(), workers);
    run.copy();
    EXPECT_THAT(run.failures(), IsEmpty());
    EXPECT_EQ(run.counters.files, unsigned{kFiles});
    EXPECT_EQ(run.counters.hard_links, unsigned{kFiles * (kNames - 1)});
    for (int f = 0; f < kFiles; ++f) {
      const std::string first = "d0/f" + std::to_string(f);
      const struct stat status = world.status("target/" + first);
      EXPECT_EQ(status.st_nlink, unsigned{kNames});
      EXPECT_EQ(world.read("target/" + first), world.read("source/" + first));
      for (int n = 1; n < kNames; ++n) {
        EXPECT_EQ(world.status("target/d" + std::to_string(n % 7) + "/f" + std::to_string(f) + "." + std::to_string(n)).st_ino,
                  status.st_ino);
      }
    }
  }
}

TEST(Copier, LinksFifosAndSymlinksCanBeHardLinkedToo) {
  TempTree world;
  world.fifo("source/fifo");
  world.hard_link("source/fifo", "source/a/fifo");
  world.symlink("source/link", "text");
  ASSERT_EQ(::linkat(AT_FDCWD, world.at("source/link").c_str(), AT_FDCWD, world.at("source/a/link").c_str(), 0), 0);
  TestRun run(world);
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  EXPECT_EQ(world.status("target/fifo").st_ino, world.status("target/a/fifo").st_ino);
  EXPECT_EQ(world.status("target/link").st_ino, world.status("target/a/link").st_ino);
  EXPECT_EQ(world.link_target("target/a/link"), "text");
}

TEST(Copier, LinksThatWereCopiedApartAreLinkedByTheNextRun) {
  TempTree world;
  world.file("source/a", "text");
  world.hard_link("source/a", "source/b");
  Options apart = archive();
  apart.hard_links = false;
  TestRun first(world, apart);
  first.copy();
  EXPECT_NE(world.status("target/a").st_ino, world.status("target/b").st_ino);
  TestRun second(world);
  second.copy();
  EXPECT_THAT(second.failures(), IsEmpty());
  EXPECT_EQ(world.status("target/a").st_ino, world.status("target/b").st_ino);
  EXPECT_THAT(world.names("target"), ElementsAre("a", "b"));
}

TEST(Copier, NamesThatAreNoLinksInTheSourceAreTakenApart) {
  TempTree world;
  world.file("source/a", "one");
  world.file("source/b", "two");
  world.file("target/a", "old");
  world.hard_link("target/a", "target/b");
  TestRun run(world);
  run.copy();
  EXPECT_EQ(world.read("target/a"), "one");
  EXPECT_EQ(world.read("target/b"), "two");
  EXPECT_NE(world.status("target/a").st_ino, world.status("target/b").st_ino);
}

// ---- Choices

TEST(Copier, WhatIsNotAskedForIsLeftOutAndNoted) {
  TempTree world;
  world.symlink("source/link", "x");
  world.fifo("source/fifo");
  world.file("source/file", "text");
  Options options = archive();
  options.symlinks = options.specials = false;
  TestRun run(world, options);
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  EXPECT_THAT(run.notes(), ElementsAre("left_out fifo", "left_out link"));
  EXPECT_THAT(world.names("target"), ElementsAre("file"));
}

TEST(Copier, WithoutModesTheUmaskCounts) {
  TempTree world;
  world.file("source/file", "x", 06777);
  Options options = archive();
  options.keep.mode = false;
  options.keep.umask = 027;
  TestRun run(world, options);
  run.copy();
  EXPECT_EQ(world.mode("target/file"), 0750u);
}

TEST(Copier, ADryRunWritesNothing) {
  TempTree world;
  world.file("source/a/file", "text");
  world.symlink("source/link", "x");
  world.fifo("source/fifo");
  world.file("target/old", "old");
  const struct stat before = world.status("target");
  Options options = archive();
  options.dry_run = true;
  {
    TestRun run(world, options);
    run.copy();
    EXPECT_THAT(run.failures(), IsEmpty());
    EXPECT_EQ(run.counters.files, 1u);
    EXPECT_EQ(run.counters.symlinks, 1u);
    EXPECT_EQ(run.counters.bytes, 4u);
  }
  EXPECT_THAT(world.names("target"), ElementsAre("old"));
  EXPECT_TRUE(world.status("target").st_mtim == before.st_mtim);
  EXPECT_TRUE(world.status("target").st_ctim == before.st_ctim);
}

TEST(Copier, ADestinationInsideTheSourceIsNotCopiedIntoItself) {
  TempTree world;
  world.file("source/file", "text");
  world.dir("source/target");
  TestRun run(world);
  run.copy("source", "source/target");
  EXPECT_THAT(run.failures(), ElementsAre("in_the_way target"));
  EXPECT_THAT(world.names("source/target"), ElementsAre("file"));
}

TEST(Copier, DurableGivesTheSame) {
  TempTree world;
  for (int i = 0; i < 30; ++i)
    world.file("source/d" + std::to_string(i % 3) + "/f" + std::to_string(i),
               std::string(static_cast<std::size_t>(i) * 1000, 'x'));
  world.hard_link("source/d0/f0", "source/d1/link");
  Options options = archive();
  options.durable = true;
  TestRun run(world, options, 2);
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  EXPECT_EQ(run.counters.files, 30u);
  for (int i = 0; i < 30; ++i)
    EXPECT_EQ(world.status("target/d" + std::to_string(i % 3) + "/f" + std::to_string(i)).st_size, i * 1000);
  EXPECT_EQ(world.status("target/d0/f0").st_ino, world.status("target/d1/link").st_ino);
}

// ---- What is told

TEST(Copier, TellsEveryFileWithItsTierAndReason) {
  TempTree world;
  world.file("source/small", "text");
  world.hard_link("source/small", "source/other");
  world.symlink("source/link", "small");
  TestRun run(world);
  run.copy();
  std::size_t copied = 0;
  for (const char* name : {"small", "other"}) {
    const FileEvent event = run.event(name);
    if (event.action == FileEvent::Action::linked) continue;
    ++copied;
    EXPECT_EQ(event.action, FileEvent::Action::copied);
    EXPECT_EQ(event.size, Bytes(4));
    EXPECT_FALSE(event.attempts.empty());
    EXPECT_FALSE(event.why.empty());
  }
  EXPECT_EQ(copied, 1u);
  EXPECT_EQ(run.event("link").action, FileEvent::Action::symlink);
  std::uint64_t by_tier = 0;
  for (const auto& count : run.counters.by_tier) by_tier += count;
  EXPECT_EQ(by_tier, 1u);
}

}  // namespace
}  // namespace foxing::copy
