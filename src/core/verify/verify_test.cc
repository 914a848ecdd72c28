// SPDX-License-Identifier: GPL-2.0-or-later
#include <sys/sysmacros.h>

#include "core/verify/test_comparison.h"
#include "sys/process.h"

namespace foxing::verify {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::random_bytes;
using testing::TempTree;

/// A small tree with one of everything that an ordinary user can make, and its equal.
void make_world(const TempTree& world) {
  world.file("a/file", "text");
  world.file("a/sub/inner", random_bytes(70000, 1));
  world.file("a/sub/deeper/leaf", "leaf");
  world.dir("a/empty");
  world.symlink("a/link", "somewhere");
  world.fifo("a/fifo");
  mirror(world);
}

std::vector<std::string> told(const TempTree& world, const Options& options = everything(), unsigned workers = 1) {
  TestComparison compared(world, options, workers);
  compared.run();
  EXPECT_FALSE(compared.refused);
  EXPECT_EQ(compared.counters.not_same(), compared.told().size());
  return compared.told();
}

/// What was changed keeps its times, so that they give nothing away.
template <class Change>
void quietly(const TempTree& world, const std::string& name, Change change) {
  const struct stat before = world.status(name);
  const std::string parent = name.substr(0, name.rfind('/'));
  const struct stat above = world.status(parent);
  change();
  if (world.exists(name)) world.times(name, before.st_atim, before.st_mtim);
  world.times(parent, above.st_atim, above.st_mtim);
}

// ---- The five classes.

TEST(Verify, AnEqualTreeIsTheSame) {
  TempTree world;
  make_world(world);
  for (const unsigned workers : {1u, 4u}) {
    TestComparison compared(world, everything(), workers);
    compared.run();
    EXPECT_THAT(compared.told(), IsEmpty());
    EXPECT_EQ(compared.counters.of(Class::same), 9u);
    EXPECT_EQ(compared.events().size(), 9u);
    EXPECT_EQ(compared.counters.bytes_read, 2 * (4u + 70000u + 4u));
  }
}

TEST(Verify, OnlyInAIsToldOnceForATree) {
  TempTree world;
  make_world(world);
  quietly(world, "b/sub", [&] { world.remove("b/sub"); });
  quietly(world, "b/file", [&] { world.remove("b/file"); });
  EXPECT_THAT(told(world), ElementsAre("only_in_a file", "only_in_a sub"));
}

TEST(Verify, OnlyInBIsToldOnceForATree) {
  TempTree world;
  make_world(world);
  quietly(world, "a/sub", [&] { world.remove("a/sub"); });
  quietly(world, "a/empty", [&] { world.remove("a/empty"); });
  quietly(world, "a/link", [&] { world.remove("a/link"); });
  EXPECT_THAT(told(world), ElementsAre("only_in_b empty", "only_in_b link", "only_in_b sub"));
  Options options = everything();
  options.extra_names = false;
  EXPECT_THAT(told(world, options), IsEmpty());
}

TEST(Verify, ANameMovedIsOnBothSidesAlone) {
  TempTree world;
  make_world(world);
  quietly(world, "b/sub/inner", [&] { world.rename("b/sub/inner", "b/sub/renamed"); });
  EXPECT_THAT(told(world), ElementsAre("only_in_a sub/inner", "only_in_b sub/renamed"));
}

TEST(Verify, TypesDiffer) {
  TempTree world;
  make_world(world);
  world.symlink("a/was_link", "file");
  mirror(world);
  quietly(world, "b/sub", [&] { world.remove("b/sub"), world.file("b/sub", "no directory"); });
  quietly(world, "b/fifo", [&] { world.remove("b/fifo"), world.file("b/fifo", ""); });
  quietly(world, "b/file", [&] { world.remove("b/file"), world.fifo("b/file"); });
  quietly(world, "b/link", [&] { world.remove("b/link"), world.dir("b/link"); });
  quietly(world, "b/was_link", [&] { world.remove("b/was_link"), world.file("b/was_link", "text"); });
  EXPECT_THAT(told(world), ElementsAre("differs fifo: type", "differs file: type", "differs link: type", "differs sub: type",
                                       "differs was_link: type"));
}

TEST(Verify, ALinkToADirectoryIsNoDirectory) {
  TempTree world;
  make_world(world);
  quietly(world, "b/sub", [&] { world.rename("b/sub", "elsewhere"), world.symlink("b/sub", "../elsewhere"); });
  EXPECT_THAT(told(world), ElementsAre("differs sub: type"));
  Options options = everything();
  options.keep_dirlinks = true;
  EXPECT_THAT(told(world, options), IsEmpty());
}

TEST(Verify, WhatMayNotBeReadIsUnreadable) {
  if (testing::is_root()) GTEST_SKIP() << "root may read everything; tests/cli/verify.sh does this as an ordinary user";
  TempTree world;
  make_world(world);
  world.chmod("a/file", 0000);
  world.chmod("b/file", 0000);
  world.chmod("b/sub", 0000);
  EXPECT_THAT(told(world), ElementsAre("unreadable file", "unreadable sub"));
  world.chmod("b/sub", 0755);
}

// ---- The attributes.

TEST(Verify, EachAttributeIsSeen) {
  TempTree world;
  make_world(world);
  world.chmod("b/file", 0600);
  world.chmod("b/empty", 0700);
  const struct stat status = world.status("b/sub/inner");
  world.times("b/sub/inner", status.st_atim, {status.st_mtim.tv_sec, status.st_mtim.tv_nsec ^ 1});
  const struct stat deeper = world.status("b/sub/deeper");
  world.times("b/sub/deeper", deeper.st_atim, {deeper.st_mtim.tv_sec + 1, deeper.st_mtim.tv_nsec});
  quietly(world, "b/link", [&] { world.remove("b/link"), world.symlink("b/link", "somewher"); });
  EXPECT_THAT(told(world), ElementsAre("differs empty: mode", "differs file: mode", "differs link: symlink",
                                       "differs sub/deeper: modified", "differs sub/inner: modified"));
  TestComparison compared(world);
  compared.run();
  for (const Event& event : compared.events()) {
    if (compared.below(event.path) == "file") {
      ASSERT_EQ(event.differences.size(), 1u);
      EXPECT_EQ(event.differences[0].a, "0644");
      EXPECT_EQ(event.differences[0].b, "0600");
    }
  }
  Options options = everything();
  options.keep.mode = options.keep.times = false;
  EXPECT_THAT(told(world, options), ElementsAre("differs link: symlink"));
}

TEST(Verify, AccessTimesAreNotCompared) {
  TempTree world;
  make_world(world);
  world.times("b/file", {1, 0}, world.status("b/file").st_mtim);
  EXPECT_THAT(told(world), IsEmpty());
}

TEST(Verify, ReadingLeavesAccessTimesAsTheyAre) {
  TempTree world;
  make_world(world);
  for (const char* name : {"a/file", "b/file", "a/sub", "b/sub"}) world.times(name, {1000, 0}, world.status(name).st_mtim);
  EXPECT_THAT(told(world), IsEmpty());
  for (const char* name : {"a/file", "b/file", "a/sub", "b/sub"}) EXPECT_EQ(world.status(name).st_atim.tv_sec, 1000) << name;
}

TEST(Verify, ExtendedAttributesAreComparedByNameAndValue) {
  TempTree world;
  make_world(world);
  if (!world.set_xattr("a/file", "user.one", "1")) GTEST_SKIP() << "no extended attributes below " << world.path();
  world.set_xattr("a/sub", "user.dir", "value");
  world.set_xattr("a/sub/inner", "user.same", "value");
  mirror(world);
  EXPECT_THAT(told(world), IsEmpty());
  world.set_xattr("b/file", "user.one", "2");
  world.set_xattr("b/file", "user.foxing.signature", "ours");
  ::removexattr(world.at("b/sub").c_str(), "user.dir");
  world.set_xattr("b/sub/inner", "user.extra", "");
  EXPECT_THAT(told(world), ElementsAre("differs file: attribute(user.one)", "differs sub/inner: attribute(user.extra)",
                                       "differs sub: attribute(user.dir)"));
  Options options = everything();
  options.keep.xattrs = false;
  EXPECT_THAT(told(world, options), IsEmpty());
}

TEST(Verify, AclsAreCompared) {
  TempTree world;
  make_world(world);
  // Version 2; user::rw-, user:1234:r--, group::r--, mask::r--, other::r--.  The mode stays as it is.
  const auto acl = [](unsigned char named) {
    const unsigned char bytes[] = {2, 0,    0,   0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,  named,
                                   0, 0xd2, 4,   0,   0,   4,   0,  4, 0,   255, 255, 255, 255, 16, 0,
                                   4, 0,    255, 255, 255, 255, 32, 0, 4,   0,   255, 255, 255, 255};
    return std::string(reinterpret_cast<const char*>(bytes), sizeof bytes);
  };
  if (!world.set_xattr("a/file", "system.posix_acl_access", acl(4))) GTEST_SKIP() << "no ACLs below " << world.path();
  if (!world.set_xattr("b/file", "system.posix_acl_access", acl(0))) FAIL();
  EXPECT_THAT(told(world), ElementsAre("differs file: attribute(system.posix_acl_access)"));
  Options options = everything();
  options.keep.acls = false;
  EXPECT_THAT(told(world, options), IsEmpty());
}

TEST(Verify, OwnersAndDevicesAreCompared) {
  if (!testing::is_root()) GTEST_SKIP() << "needs root";
  TempTree world;
  make_world(world);
  ASSERT_EQ(::lchown(world.at("b/link").c_str(), 1, 0), 0);
  ASSERT_EQ(::lchown(world.at("b/sub").c_str(), 0, 1), 0);
  EXPECT_THAT(told(world), ElementsAre("differs link: owner", "differs sub: group"));
  Options options = everything();
  options.keep.owner = options.keep.group = false;
  EXPECT_THAT(told(world, options), IsEmpty());

  if (::mknod(world.at("a/device").c_str(), S_IFCHR | 0600, makedev(1, 3)) != 0) GTEST_SKIP() << "no devices here";
  mirror(world);
  EXPECT_THAT(told(world), IsEmpty());
  quietly(world, "b/device", [&] {
    world.remove("b/device");
    ASSERT_EQ(::mknod(world.at("b/device").c_str(), S_IFCHR | 0600, makedev(1, 5)), 0);
  });
  EXPECT_THAT(told(world), ElementsAre("differs device: device"));
}

// ---- Hard links.

TEST(Verify, NamesOfOneFileInAMustBeOneFileInB) {
  TempTree world;
  world.file("a/one", "text");
  world.hard_link("a/one", "a/sub/two");
  world.hard_link("a/one", "a/three");
  mirror(world);
  EXPECT_THAT(told(world), IsEmpty());
  quietly(world, "b/three", [&] { world.remove("b/three"), world.file("b/three", "text"); });
  const auto lines = told(world);
  ASSERT_FALSE(lines.empty());
  for (const std::string& line : lines) EXPECT_THAT(line, HasSubstr(": hard_link"));
  Options options = everything();
  options.hard_links = false;
  EXPECT_THAT(told(world, options), IsEmpty());
}

TEST(Verify, FilesOfTheirOwnInAMustNotBeOneFileInB) {
  TempTree world;
  world.file("a/one", "text");
  world.file("a/two", "text");
  mirror(world);
  const struct stat status = world.status("a/one");
  for (const char* name : {"a/one", "a/two", "b/one"}) world.times(name, status.st_atim, status.st_mtim);
  quietly(world, "b/two", [&] { world.remove("b/two"), world.hard_link("b/one", "b/two"); });
  world.times("b/two", status.st_atim, status.st_mtim);
  const auto lines = told(world);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], HasSubstr(": hard_link"));
}

TEST(Verify, LinksCrosswiseAreSeen) {
  TempTree world;
  for (const char* name : {"a/x", "a/y"}) world.file(name, "text");
  world.hard_link("a/x", "a/x2");
  world.hard_link("a/y", "a/y2");
  mirror(world);
  const struct stat status = world.status("a/x");
  for (const char* name : {"a/x", "a/y", "b/x", "b/y"}) world.times(name, status.st_atim, status.st_mtim);
  quietly(world, "b/x2", [&] { world.rename("b/x2", "b/t"), world.rename("b/y2", "b/x2"), world.rename("b/t", "b/y2"); });
  // How many of the four names are called different depends on the order they are met in.
  const auto lines = told(world);
  EXPECT_GE(lines.size(), 2u);
  EXPECT_THAT(lines, Each(HasSubstr(": hard_link")));
}

TEST(Verify, AFileWithManyNamesIsReadOnce) {
  TempTree world;
  world.file("a/f", random_bytes(100000, 3));
  for (int i = 0; i < 20; ++i) world.hard_link("a/f", "a/f" + std::to_string(i));
  mirror(world);
  TestComparison compared(world);
  compared.run();
  EXPECT_THAT(compared.told(), IsEmpty());
  EXPECT_EQ(compared.counters.of(Class::same), 22u);
  EXPECT_EQ(compared.counters.bytes_read, 200000u);
  // One that differs does so under every name.
  quietly(world, "b/f", [&] { world.overwrite("b/f", 99999, "x"); });
  EXPECT_EQ(told(world).size(), 21u);
}

// ---- Changing under the comparison.

TEST(Verify, AFileThatChangesIsComparedAgain) {
  TempTree world;
  make_world(world);
  TestComparison compared(world);
  // Different in the first reading, and the same in the next.
  const struct stat before = world.status("b/file");
  world.overwrite("b/file", 0, "TEXT");
  compared.while_comparing = [&](std::string_view name, int reading) {
    if (name != "file" || reading != 2) {
      if (name == "file") world.chmod("a/file", 0600), world.chmod("a/file", 0644);
      return;
    }
    world.overwrite("b/file", 0, "text");
    world.times("b/file", before.st_atim, before.st_mtim);
  };
  compared.run();
  // The second reading saw the change as well; the third is of files at rest.
  EXPECT_EQ(compared.counters.retries, 2u);
  EXPECT_THAT(compared.told(), ElementsAre("unreadable file")) << "the hook touches it at every reading but the second";
}

TEST(Verify, AFileThatChangedOnceGetsItsClass) {
  TempTree world;
  make_world(world);
  TestComparison compared(world);
  const struct stat before = world.status("b/file");
  world.overwrite("b/file", 0, "TEXT");
  compared.while_comparing = [&](std::string_view name, int reading) {
    if (name != "file" || reading != 1) return;
    world.overwrite("b/file", 0, "text");
    world.times("b/file", before.st_atim, before.st_mtim);
  };
  compared.run();
  EXPECT_EQ(compared.counters.retries, 1u);
  EXPECT_THAT(compared.told(), IsEmpty());
}

TEST(Verify, AFileThatAlwaysChangesIsUnreadable) {
  for (const char* side : {"a/", "b/"}) {
    for (const unsigned workers : {1u, 3u}) {
      TempTree world;
      world.file("a/file", random_bytes(6 << 20, 9));
      mirror(world);
      TestComparison compared(world, everything(), workers);
      int readings = 0;
      compared.while_comparing = [&](std::string_view, int) {
        ++readings;
        world.overwrite(std::string(side) + "file", static_cast<std::uint64_t>(readings), "!");
      };
      compared.run();
      EXPECT_EQ(readings, 3);
      EXPECT_EQ(compared.counters.retries, 2u);
      EXPECT_THAT(compared.told(), ElementsAre("unreadable file"));
      ASSERT_TRUE(compared.events().front().error);
      EXPECT_THAT(compared.events().front().error->message(), HasSubstr("changed while it was compared"));
      EXPECT_EQ(compared.events().front().path, world.at(std::string(side) + "file"));
    }
  }
}

TEST(Verify, AFileThatShrinksIsComparedAsItIsThen) {
  TempTree world;
  const std::string content = random_bytes(1 << 20, 4);
  world.file("a/file", content);
  mirror(world);
  TestComparison compared(world);
  compared.while_comparing = [&](std::string_view, int reading) {
    if (reading > 1) return;
    for (const char* name : {"a/file", "b/file"}) {
      ASSERT_EQ(::truncate(world.at(name).c_str(), 5), 0);
      world.times(name, {0, 0}, {1000, 0});
    }
    world.overwrite("b/file", 4, {&content[5], 1});
    world.times("b/file", {0, 0}, {1000, 0});
  };
  compared.run();
  EXPECT_EQ(compared.counters.retries, 1u);
  EXPECT_THAT(compared.told(), ElementsAre("differs file: content@4"));
}

TEST(Verify, ANameThatVanishesFromAIsANote) {
  TempTree world;
  for (const char* name : {"x", "y", "z"}) world.file(std::string("a/") + name, "text");
  mirror(world);
  TestComparison compared(world);
  compared.while_comparing = [&](std::string_view name, int) {
    for (const char* other : {"x", "y", "z"})
      if (name != other) world.remove(std::string("a/") + other), world.remove(std::string("b/") + other);
  };
  compared.run();
  EXPECT_EQ(compared.notes().size(), 2u);
  EXPECT_EQ(compared.counters.notes, 2u);
}

TEST(Verify, ADirectoryWhoseNamesWentMeanwhileIsNotTheSame) {
  TempTree world;
  for (const char* name : {"x", "y"}) world.file(std::string("a/d/") + name, name);
  mirror(world);
  TestComparison compared(world);
  compared.while_comparing = [&](std::string_view name, int) { world.remove("b/d/" + std::string(name)); };
  compared.run();
  ASSERT_FALSE(compared.same());
  EXPECT_THAT(compared.told(), Contains("unreadable d"));
}

// ---- What is passed over.

TEST(Verify, NamesOfOurOwnArePassedOverOnBothSides) {
  TempTree world;
  make_world(world);
  const std::string temporary = ".tmp.66786370-1234-8abc-9def-0123456789ab";
  quietly(world, "b/sub/inner",
          [&] { world.file("b/sub/" + temporary, "half"), world.file("b/sub/.foxing_meta", "signatures"); });
  quietly(world, "b/sub", [&] { world.dir("b/.foxing_versions"), world.file("b/.foxing_versions/1", ""); });
  quietly(world, "a/sub", [&] { world.dir("a/.foxing_versions", 0000), world.file("a/" + temporary, ""); });
  EXPECT_THAT(told(world), IsEmpty());
  quietly(world, "b/sub", [&] { world.file("b/.tmp.notes", "mine"); });
  EXPECT_THAT(told(world), ElementsAre("only_in_b .tmp.notes"));
}

TEST(Verify, TypesThatWereNotAskedForArePassedOver) {
  TempTree world;
  make_world(world);
  quietly(world, "b/fifo", [&] { world.remove("b/fifo"); });
  quietly(world, "b/link", [&] { world.remove("b/link"), world.symlink("b/link", "other"); });
  Options options = everything();
  options.symlinks = options.specials = false;
  TestComparison compared(world, options);
  compared.run();
  EXPECT_THAT(compared.told(), IsEmpty());
  EXPECT_EQ(compared.counters.left_out, 2u);
}

// ---- Large and deep.

TEST(Verify, TwentyThousandNamesAndTheOneThatIsOff) {
  TempTree world;
  world.dir("a/many");
  for (int i = 0; i < 20000; ++i) world.file("a/many/" + std::to_string(i), i % 100 == 0 ? std::to_string(i) : "");
  mirror(world);
  for (const unsigned workers : {1u, 4u}) {
    TestComparison compared(world, everything(), workers);
    compared.run();
    EXPECT_THAT(compared.told(), IsEmpty());
    EXPECT_EQ(compared.counters.of(Class::same), 20002u);
  }
  quietly(world, "b/many/700", [&] { world.overwrite("b/many/700", 2, "1"); });
  quietly(world, "b/many/7", [&] { world.rename("b/many/7", "b/many/seven"); });
  EXPECT_THAT(told(world, everything(), 4),
              ElementsAre("differs many/700: content@2", "only_in_a many/7", "only_in_b many/seven"));
}

TEST(Verify, DeepTreesWithFewDescriptors) {
  TempTree world;
  std::string path = "a";
  for (int i = 0; i < 300; ++i) {
    path += "/d";
    world.file(path + "/f", "text");
  }
  mirror(world);
  quietly(world, 'b' + path.substr(1) + "/f", [&] { world.overwrite('b' + path.substr(1) + "/f", 3, "T"); });
  const std::string extra = 'b' + path.substr(1, 300) + "/extra";
  quietly(world, 'b' + path.substr(1, 300) + "/f", [&] { world.file(extra, ""); });
  for (const unsigned workers : {1u, 3u}) {
    TestComparison compared(world, everything(), workers);
    compared.descriptor_limit = 40;
    compared.run();
    EXPECT_THAT(compared.told(), ElementsAre("differs " + path.substr(2) + "/f: content@3", "only_in_b " + extra.substr(2)));
    EXPECT_EQ(compared.counters.of(Class::same), 600u);
  }
}

// ---- Single names, and several pairs.

TEST(Verify, SingleNamesMayHaveOtherNamesInB) {
  TempTree world;
  world.file("a/file", "text");
  world.file("b/copy", "text");
  world.symlink("b/link", "copy");
  world.times("b/copy", {0, 0}, world.status("a/file").st_mtim);
  const auto compare = [&](const char* b_name, sys::Links b_links) {
    TestComparison compared(world);
    std::vector<Pair> pairs;
    pairs.push_back({.a = TestComparison::open(world.at("a")),
                     .a_shown = "A",
                     .b = TestComparison::open(world.at("b")),
                     .b_shown = "B",
                     .a_name = "file",
                     .b_name = b_name,
                     .a_type = sys::FileType::regular,
                     .b_links = b_links});
    compared.run(std::move(pairs));
    return compared.told();
  };
  EXPECT_THAT(compare("copy", sys::Links::keep), IsEmpty());
  EXPECT_THAT(compare("link", sys::Links::follow), IsEmpty());
  EXPECT_THAT(compare("link", sys::Links::keep), ElementsAre("differs A/file: type"));
  EXPECT_THAT(compare("none", sys::Links::keep), ElementsAre("only_in_a A/file"));
  world.overwrite("b/copy", 0, "T");
  world.times("b/copy", {0, 0}, world.status("a/file").st_mtim);
  EXPECT_THAT(compare("copy", sys::Links::keep), ElementsAre("differs A/file: content@0"));
}

TEST(Verify, HardLinksCountAcrossPairs) {
  TempTree world;
  world.file("a/one/f", "text");
  world.hard_link("a/one/f", "a/two/g");
  mirror(world);
  quietly(world, "b/two/g", [&] { world.remove("b/two/g"), world.file("b/two/g", "text"); });
  TestComparison compared(world);
  std::vector<Pair> pairs;
  for (const char* name : {"one", "two"}) {
    const std::string a = world.at(std::string("a/") + name), b = world.at(std::string("b/") + name);
    pairs.push_back({.a = TestComparison::open(a), .a_shown = name, .b = TestComparison::open(b), .b_shown = name});
  }
  compared.run(std::move(pairs));
  ASSERT_EQ(compared.told().size(), 1u);
  EXPECT_THAT(compared.told()[0], HasSubstr("hard_link"));
}

TEST(Verify, AStopEndsItWithoutAVerdictOnTheRest) {
  TempTree world;
  for (int i = 0; i < 50; ++i) world.file("a/f" + std::to_string(i), "text");
  mirror(world);
  TestComparison compared(world);
  compared.while_comparing = [](std::string_view, int) { sys::request_stop(); };
  compared.run();
  sys::forget_stop_request();
  EXPECT_LT(compared.counters.of(Class::same), 5u);
  EXPECT_EQ(compared.counters.not_same(), 0u);
}

}  // namespace
}  // namespace foxing::verify
