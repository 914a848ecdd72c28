// SPDX-License-Identifier: GPL-2.0-or-later
// What the tests of archives share: archives of small trees as bytes, and trees of such bytes.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/little_endian.h"
#include "core/archive/appending.h"
#include "core/archive/checker.h"
#include "core/archive/exporter.h"
#include "core/archive/importing.h"
#include "core/archive/manifest.h"
#include "core/archive/reader.h"
#include "core/archive/writer.h"
#include "sys/file.h"
#include "testing/temp_tree.h"

namespace foxing::archive {

struct Hearing final : Observer {
  void problem(const std::string& path, const Error& error, bool failure) override {
    (failure ? problems : notes).push_back(path + ": " + error.message());
  }
  std::vector<std::string> problems, notes;
};

inline sys::UniqueFd open_dir(const std::string& path) {
  auto fd = sys::open_at(sys::working_directory(), path, {.directory = true});
  EXPECT_TRUE(fd) << path;
  return std::move(*fd);
}

/// A file that is open for reading and writing.
inline sys::UniqueFd open_file(const std::string& path) {
  return sys::UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
}

inline Snapshot named(std::string id) { return {.id = std::move(id), .seconds = 1'700'000'000}; }

struct How {
  codec::Codec codec{codec::Format::zstd, 3};
  unsigned workers = 0;
  ChunkSizes chunks{};
  std::int64_t now_s = 0;
};

/// Writes the tree as an archive of one snapshot to the file `to`.
inline void export_to(const std::string& tree, const std::string& to, How how = {}, Hearing* hearing = nullptr) {
  Hearing own;
  const sys::UniqueFd out = open_file(to), root = open_dir(tree);
  Writer writer(out, how.codec);
  ASSERT_TRUE(writer.begin_archive({.chunks = how.chunks}));
  Snapshot snapshot = named("first");
  snapshot.device = sys::status_of(root)->device().value;
  ASSERT_TRUE(writer.begin_snapshot(snapshot));
  const ExportOptions options{
      .codec = how.codec, .workers = how.workers, .root_shown = tree, .now_s = how.now_s, .chunks = how.chunks};
  const auto done = export_tree(root, options, writer, hearing != nullptr ? *hearing : own);
  ASSERT_TRUE(done) << done.error().message();
  ASSERT_TRUE(writer.end_snapshot());
  ASSERT_TRUE(writer.finish());
  EXPECT_THAT(own.problems, ::testing::IsEmpty());
}

/// Adds a snapshot of `tree` to the file "archive".  Errors: it was refused.
inline Result<ExportCounters> try_append(const testing::TempTree& world, const std::string& tree, const std::string& id,
                                         std::int64_t now_s = 0) {
  const sys::UniqueFd file = open_file(world.at("archive")), root = open_dir(world.at(tree));
  const auto appending = FOX_TRY(Appending::to(file, {codec::Format::zstd, 3}));
  ExportOptions options;
  options.now_s = now_s;
  appending->prepare(options);
  Writer& writer = *FOX_TRY(appending->begin());
  Snapshot snapshot = named(id);
  snapshot.device = FOX_TRY(sys::status_of(root)).device().value;
  FOX_TRY(writer.begin_snapshot(snapshot));
  Hearing hearing;
  const ExportCounters counters = FOX_TRY(export_tree(root, options, writer, hearing));
  FOX_TRY(writer.end_snapshot());
  FOX_TRY(writer.finish());
  FOX_TRY(appending->commit());
  return counters;
}
inline void append_to(const testing::TempTree& world, const std::string& tree, const std::string& id,
                      ExportCounters* counters = nullptr) {
  const auto done = try_append(world, tree, id);
  ASSERT_TRUE(done) << done.error().message();
  if (counters != nullptr) *counters = *done;
}

inline RestoreOptions all_kept() {
  RestoreOptions options;
  options.policy = {.mode = true, .owner = true, .group = true, .times = true, .xattrs = true, .acls = true};
  options.policy.privileges = sys::privileges();
  return options;
}

/// Restores the newest snapshot of the file into `target`, which is there.
inline Result<> import_from(const std::string& archive, const std::string& target, Hearing& hearing,
                            RestoreOptions how = all_kept()) {
  auto opened = FOX_TRY(Archive::open(open_file(archive)));
  auto restorer = FOX_TRY(Restorer::into(open_dir(target), target, how, hearing));
  return import_snapshot(opened, opened.snapshots().back(), {}, *restorer);
}

/// The same, reading once from the beginning to the end.
inline Result<> stream_from(const std::string& archive, const std::string& target, Hearing& hearing,
                            RestoreOptions how = all_kept(), const std::string& wanted = {}) {
  const sys::UniqueFd in = open_file(archive);
  auto restorer = FOX_TRY(Restorer::into(open_dir(target), target, how, hearing));
  FOX_TRY(import_stream(in, {.wanted = wanted}, *restorer));
  return {};
}

struct Checked final : CheckObserver {
  void damaged(const Error& error) override { damages.push_back(error.message()); }
  void file_hit(const Snapshot&, const std::string& path) override { hit.push_back(path); }
  std::vector<std::string> damages, hit;
};

/// What the check says; one damage where the archive cannot be opened.
inline Checked checked(const std::string& archive) {
  Checked hears;
  auto opened = Archive::open(open_file(archive));
  if (!opened) {
    hears.damages.push_back(opened.error().message());
    return hears;
  }
  const auto done = check(*opened, 0, hears);
  EXPECT_TRUE(done) << done.error().message();
  return hears;
}

/// Regular files below `path` and what they hold.
inline std::map<std::string, std::string> contents(const testing::TempTree& world, const std::string& path) {
  std::map<std::string, std::string> found;
  const std::string root = world.at(path);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root))
    if (entry.is_regular_file() && !entry.is_symlink())
      found[entry.path().string().substr(root.size() + 1)] = world.read(entry.path().string());
  return found;
}

inline void write_file(const std::string& path, std::string_view bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(::write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  ::close(fd);
}

}  // namespace foxing::archive
