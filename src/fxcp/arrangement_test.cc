// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/arrangement.h"

#include <gmock/gmock.h>

#include "testing/temp_tree.h"

namespace foxing::fxcp {
namespace {

using ::testing::HasSubstr;
using testing::TempTree;

TEST(SplitPath, DirectoryAndName) {
  const auto split = [](const char* path) {
    const SplitPath parts = split_path(path);
    return parts.directory + " | " + parts.name;
  };
  EXPECT_EQ(split("a/b"), "a | b");
  EXPECT_EQ(split("a/b//"), "a | b");
  EXPECT_EQ(split("a//b"), "a | b");
  EXPECT_EQ(split("b"), ". | b");
  EXPECT_EQ(split("b/"), ". | b");
  EXPECT_EQ(split("/b"), "/ | b");
  EXPECT_EQ(split("//b/"), "/ | b");
  EXPECT_EQ(split("/"), "/ | ");
  EXPECT_EQ(split("///"), "/ | ");
  EXPECT_EQ(split(""), ". | ");
  EXPECT_EQ(split("."), ". | .");
  EXPECT_EQ(split("../.."), ".. | ..");
}

class Arranging : public ::testing::Test {
 protected:
  Arranging() {
    world_.file("file", "text");
    world_.file("other/file", "text");
    world_.file("tree/inside", "text");
    world_.symlink("link-to-tree", "tree");
    world_.symlink("link-to-file", "file");
    world_.symlink("dangling", "nowhere");
    world_.dir("there");
  }
  /// As `fxcp -a SOURCES... DESTINATION`, the names below the world.
  Options options(std::vector<std::string> sources, const std::string& destination) {
    Options options;
    options.archive = options.recursive = true;
    options.preserve.links = true;
    for (const std::string& source : sources) options.sources.push_back(source.empty() ? source : world_.at(source));
    options.destination = world_.at(destination);
    return options;
  }
  Arrangement plan(const Options& options) {
    auto plan = arrange(options);
    EXPECT_TRUE(plan) << plan.error().subject << ' ' << plan.error().message();
    return plan ? std::move(*plan) : Arrangement{};
  }
  /// The sentence; "" where nothing was refused.
  std::string refusal(const Options& options) {
    const auto plan = arrange(options);
    if (plan) return "";
    std::string subject = plan.error().subject;
    if (subject.starts_with(world_.path())) subject.erase(0, world_.path().size() + 1);
    return subject + ' ' + plan.error().message();
  }
  TempTree world_;
};

// ---- One source

TEST_F(Arranging, OneDirectoryIsMirroredWithOrWithoutSlashesNewOrNot) {
  for (const char* source : {"tree", "tree/", "tree//"}) {
    for (const char* destination : {"new", "new/", "there", "there/"}) {
      SCOPED_TRACE(std::string(source) + " to " + destination);
      const Arrangement arranged = plan(options({source}, destination));
      ASSERT_EQ(arranged.items.size(), 1u);
      EXPECT_TRUE(arranged.items[0].mirror);
      EXPECT_EQ(arranged.directory, world_.at(destination));
      EXPECT_EQ(arranged.make_directory, std::string(destination).starts_with("new"));
    }
  }
}

TEST_F(Arranging, OneFileGetsItsNewNameOrGoesIntoTheDirectory) {
  const Arrangement renamed = plan(options({"file"}, "there/new"));
  EXPECT_EQ(renamed.directory, world_.at("there"));
  EXPECT_EQ(renamed.items[0].name, "new");
  EXPECT_FALSE(renamed.items[0].mirror);
  const Arrangement into = plan(options({"file"}, "there"));
  EXPECT_EQ(into.directory, world_.at("there"));
  EXPECT_EQ(into.items[0].name, "file");
  const Arrangement made = plan(options({"file"}, "new/"));
  EXPECT_EQ(made.directory, world_.at("new/"));
  EXPECT_TRUE(made.make_directory);
  EXPECT_EQ(made.items[0].name, "file");
}

TEST_F(Arranging, ALinkIsALinkUnlessItsContentsAreMeant) {
  EXPECT_EQ(plan(options({"link-to-tree"}, "there")).items[0].status.type(), sys::FileType::symlink);
  EXPECT_TRUE(plan(options({"link-to-tree/"}, "new")).items[0].mirror) << "the slash asks for what is behind it";
  Options follow = options({"link-to-tree"}, "new");
  follow.follow_arguments = true;
  EXPECT_TRUE(plan(follow).items[0].mirror);
  follow = options({"link-to-file"}, "there");
  follow.symlinks = Symlinks::follow;
  EXPECT_EQ(plan(follow).items[0].status.type(), sys::FileType::regular);
  follow = options({"link-to-tree"}, "new");
  follow.symlinks = Symlinks::follow_directories;
  EXPECT_TRUE(plan(follow).items[0].mirror);
  follow = options({"link-to-file"}, "there");
  follow.symlinks = Symlinks::follow_directories;
  EXPECT_EQ(plan(follow).items[0].status.type(), sys::FileType::symlink);
  EXPECT_EQ(plan(options({"dangling"}, "there")).items[0].status.type(), sys::FileType::symlink);
}

// ---- Several

TEST_F(Arranging, SeveralGoIntoTheDirectoryEachUnderItsName) {
  const Arrangement arranged = plan(options({"file", "tree/"}, "there"));
  ASSERT_EQ(arranged.items.size(), 2u);
  EXPECT_EQ(arranged.items[0].name, "file");
  EXPECT_EQ(arranged.items[1].name, "tree");
  EXPECT_FALSE(arranged.items[1].mirror);
  EXPECT_TRUE(plan(options({"file", "tree"}, "new")).make_directory);
}

TEST_F(Arranging, ATargetDirectoryTakesEvenOne) {
  Options options = this->options({"tree"}, "unused");
  options.target_directory = world_.at("there");
  const Arrangement arranged = plan(options);
  EXPECT_FALSE(arranged.items[0].mirror);
  EXPECT_EQ(arranged.items[0].name, "tree");
  options.target_directory = world_.at("missing");
  EXPECT_THAT(refusal(options), HasSubstr("missing"));
}

TEST_F(Arranging, TheContentsOfADotAreMirrored) { EXPECT_TRUE(plan(options({"tree/.", "file"}, "there")).items[0].mirror); }

// ---- Refused, and nothing is touched

TEST_F(Arranging, WhatCannotBeIsRefusedWithThePath) {
  const std::vector<std::string> before = world_.names();
  EXPECT_THAT(refusal(options({"missing"}, "there")), ::testing::StartsWith("missing "));
  EXPECT_THAT(refusal(options({"file", "missing"}, "there")), ::testing::StartsWith("missing "));
  EXPECT_THAT(refusal(options({"tree"}, "file")), HasSubstr("file is not a directory, and the source is one"));
  EXPECT_THAT(refusal(options({"file", "tree"}, "file")), HasSubstr("file is not a directory"));
  EXPECT_THAT(refusal(options({"file", "other/file"}, "there")), HasSubstr("another source is called 'file' too"));
  EXPECT_THAT(refusal(options({"file"}, "missing/new")), HasSubstr("missing "));
  EXPECT_THAT(refusal(options({"tree"}, "missing/new")), HasSubstr("missing "));
  EXPECT_THAT(refusal(options({"file"}, "file/new")), HasSubstr("file"));
  EXPECT_THAT(refusal(options({"file/"}, "there")), HasSubstr("file/"));
  EXPECT_EQ(world_.names(), before);
}

TEST_F(Arranging, ADirectoryNeedsRecursion) {
  Options options = this->options({"tree"}, "new");
  options.recursive = options.archive = false;
  EXPECT_THAT(refusal(options), HasSubstr("tree is a directory; -a (or -r)"));
}

TEST_F(Arranging, NoTargetDirectoryForbidsToCopyIntoOne) {
  Options options = this->options({"file"}, "there");
  options.no_target_directory = true;
  EXPECT_THAT(refusal(options), HasSubstr("--no-target-directory"));
  options = this->options({"file"}, "there/new");
  options.no_target_directory = true;
  EXPECT_EQ(refusal(options), "");
  options = this->options({"tree"}, "there");
  options.no_target_directory = true;
  EXPECT_EQ(refusal(options), "") << "its contents become the contents of it";
}

TEST_F(Arranging, ATreeIsNotCopiedIntoItselfWhicheverNamesLeadThere) {
  world_.dir("tree/deep/er");
  world_.symlink("into", "tree/deep");
  EXPECT_THAT(refusal(options({"tree"}, "tree")), HasSubstr("are the same directory"));
  EXPECT_THAT(refusal(options({"tree"}, "tree/new")), HasSubstr("lies inside the source"));
  EXPECT_THAT(refusal(options({"tree"}, "tree/deep/er")), HasSubstr("lies inside the source"));
  EXPECT_THAT(refusal(options({"tree"}, "into")), HasSubstr("lies inside the source"));
  EXPECT_THAT(refusal(options({"tree"}, "into/new")), HasSubstr("lies inside the source"));
  EXPECT_THAT(refusal(options({"link-to-tree/"}, "tree")), HasSubstr("are the same directory"));
  EXPECT_THAT(refusal(options({"tree", "file"}, "tree/deep")), HasSubstr("lies inside the source"));
  EXPECT_EQ(refusal(options({"tree/deep"}, "tree")), "") << "the other way round is no nesting";
  EXPECT_EQ(refusal(options({"tree"}, "tree2")), "") << "only a name that begins alike";
}

TEST_F(Arranging, AFileIsNotCopiedOntoItselfWhicheverNamesLeadThere) {
  world_.hard_link("file", "same");
  world_.hard_link("file", "there/file");
  EXPECT_THAT(refusal(options({"file"}, "file")), HasSubstr("are the same file"));
  EXPECT_THAT(refusal(options({"file"}, "same")), HasSubstr("are the same file"));
  EXPECT_THAT(refusal(options({"file"}, "there")), HasSubstr("are the same file"));
  EXPECT_EQ(refusal(options({"file"}, "link-to-file")), "") << "the link is replaced, what it points to stays";
}

}  // namespace
}  // namespace foxing::fxcp
