// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/signature/store.h"

#include <gmock/gmock.h>

#include "base/own_names.h"
#include "core/signature/hashing.h"
#include "core/signature/test_support.h"
#include "sys/fault.h"
#include "sys/file.h"
#include "sys/names.h"

namespace foxing::signature {
namespace {

using testing::random_bytes;
using testing::TempTree;

/// One file in one directory, and its store.
class Desk {
 public:
  explicit Desk(std::string root, std::string name = "file") : name_(std::move(name)) {
    directory_ = std::move(*sys::open_at(sys::working_directory(), root, {.directory = true}));
    open();
  }
  void open(sys::Access access = sys::Access::read) {
    file_ = std::move(*sys::open_at(directory_, name_, {.access = access}));
    handle_ = access == sys::Access::path ? sys::Handle::path : sys::Handle::file;
  }
  Place place() { return {directory_, sidecar_, name_, {file_, handle_}}; }
  sys::FileStatus status() { return *sys::status_of(file_); }
  Found<FileSignature> read() { return store_.read(place(), status()); }
  WriteAnswer write() {
    const Content content = *hash_file(file_, status().size());
    const auto answer = store_.write(place(), content, source_state(status()), {});
    if (!answer) ADD_FAILURE() << answer.error().message();
    return answer.value_or(WriteAnswer{.written = Written::count});
  }
  sys::FdView directory() const { return directory_; }

  std::string name_;
  sys::UniqueFd directory_;
  sys::UniqueFd file_;
  sys::Handle handle_ = sys::Handle::file;
  Sidecar sidecar_;
  Store store_;
};

#define NEED_ATTRIBUTES(world, name) \
  if (!(world).set_xattr(name, "user.probe", "x")) GTEST_SKIP() << "no user attributes on " << (world).path()

class Binding : public ::testing::Test {
 protected:
  Binding() { world_.file("file", random_bytes(200'000, 1)); }
  /// A file with a signature that holds.
  void SetUp() override {
    NEED_ATTRIBUTES(world_, "file");
    desk_.emplace(world_.path());
    // A busy machine may be late; then the writer is told, and writes again.
    WriteAnswer answer = desk_->write();
    for (int i = 0; i < 100 && answer.written == Written::written_late; ++i) answer = desk_->write();
    ASSERT_EQ(answer.written, Written::attribute);
    ASSERT_TRUE(desk_->read().value);
  }
  void expect_stale() {
    desk_->open();
    const auto found = desk_->read();
    EXPECT_FALSE(found.value);
    EXPECT_EQ(found.ignored, Ignored::stale);
    EXPECT_EQ(desk_->store_.ignored(Ignored::stale), 1u);
  }
  /// Until the clock of file times has left the window: then what is done next must be seen.  Waits for a condition, not for a time.
  void leave_window() {
    const std::int64_t written = desk_->read().value->written_at_ns;
    while (Store::now_ns() <= written + kWindow_ns + 2 * kTick_ns) {
    }
  }
  TempTree world_;
  std::optional<Desk> desk_;
};

TEST_F(Binding, HoldsForReadingAndByAPathDescriptorToo) {
  world_.read("file");
  EXPECT_TRUE(desk_->read().value);
  desk_->open(sys::Access::path);
  const auto found = desk_->read();
  ASSERT_TRUE(found.value);
  EXPECT_EQ(found.value->root, hash_file(*sys::open_at(desk_->directory(), "file"), Bytes(200'000))->root);
  EXPECT_EQ(found.value->source.inode, desk_->status().inode());
  const auto leaves = desk_->store_.read_leaves(desk_->place(), *found.value);
  ASSERT_TRUE(leaves.value) << name_of(leaves.ignored);
  EXPECT_EQ(leaves.value->hashes.size(), 4u);
}
TEST_F(Binding, BreaksWhenTheFileIsWrittenInPlaceAndItsTimeIsPutBack) {
  leave_window();
  const struct stat before = world_.status("file");
  world_.overwrite("file", 10, "x");
  world_.times("file", before.st_atim, before.st_mtim);
  expect_stale();
}
TEST_F(Binding, BreaksWhenTheFileIsTruncatedAndRestored) {
  leave_window();
  const struct stat before = world_.status("file");
  const std::string bytes = world_.read("file");
  ASSERT_EQ(::truncate(world_.at("file").c_str(), 5), 0);
  world_.overwrite("file", 0, bytes);
  world_.times("file", before.st_atim, before.st_mtim);
  expect_stale();
}
TEST_F(Binding, BreaksWithAnotherSizeOrTimeAtOnce) {
  world_.overwrite("file", 200'000, "x");
  expect_stale();
}
TEST_F(Binding, BreaksWithChmod) {
  leave_window();
  world_.chmod("file", 0600);
  expect_stale();
}
TEST_F(Binding, BreaksWithRename) {
  leave_window();
  const struct stat before = world_.status("file");
  world_.rename("file", "other");
  desk_->name_ = "other";
  if (world_.status("other").st_ctim.tv_nsec == before.st_ctim.tv_nsec)
    GTEST_SKIP() << "renaming leaves ctime alone on " << world_.path();
  expect_stale();
}
TEST_F(Binding, BreaksForACopyThatHasTheAttributesToo) {
  const std::string command = "cp -a '" + world_.at("file") + "' '" + world_.at("copy") + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  ASSERT_EQ(world_.xattr("copy", kSigAttribute), world_.xattr("file", kSigAttribute)) << "cp -a copies attributes";
  desk_->name_ = "copy";
  expect_stale();
}
TEST_F(Binding, DamagedAndForeignRecordsAreIgnoredAndCounted) {
  std::string bytes = world_.xattr("file", kSigAttribute);
  bytes[50] ^= 1;
  ASSERT_TRUE(world_.set_xattr("file", kSigAttribute, bytes));
  EXPECT_EQ(desk_->read().ignored, Ignored::damaged);
  bytes[4] = 7;
  ASSERT_TRUE(world_.set_xattr("file", kSigAttribute, bytes));
  EXPECT_EQ(desk_->read().ignored, Ignored::foreign);
  ASSERT_TRUE(world_.set_xattr("file", kSigAttribute, random_bytes(3000, 1)));
  EXPECT_EQ(desk_->read().ignored, Ignored::damaged);
  EXPECT_EQ(desk_->store_.ignored(Ignored::damaged), 2u);
  EXPECT_EQ(desk_->store_.ignored(Ignored::foreign), 1u);
}
TEST_F(Binding, LeavesOfAnEarlierContentAreNotBelieved) {
  const std::string old = world_.xattr("file", kMerkleAttribute);
  world_.overwrite("file", 0, "something else");
  desk_->write();
  ASSERT_TRUE(world_.set_xattr("file", kMerkleAttribute, old));
  const FileSignature signature = *decode_signature(world_.xattr("file", kSigAttribute)).value;
  EXPECT_EQ(desk_->store_.read_leaves(desk_->place(), signature).ignored, Ignored::stale);
}
TEST_F(Binding, RemovingTakesBothAttributes) {
  ASSERT_TRUE(desk_->store_.remove(desk_->place()));
  EXPECT_EQ(world_.xattr("file", kSigAttribute), "(none)");
  EXPECT_EQ(world_.xattr("file", kMerkleAttribute), "(none)");
  EXPECT_EQ(desk_->read().ignored, Ignored::absent);
  EXPECT_TRUE(desk_->store_.remove(desk_->place())) << "nothing left is fine";
}
TEST_F(Binding, ASmallFileHasNoLeavesAndLosesOldOnes) {
  ASSERT_EQ(::truncate(world_.at("file").c_str(), 65536), 0);
  EXPECT_EQ(desk_->write().leaves, 0u);
  EXPECT_EQ(world_.xattr("file", kMerkleAttribute), "(none)");
}

TEST_F(Binding, IsRenewedAfterAChangeOfOurs) {
  const FileSignature before = *desk_->read().value;
  leave_window();
  world_.chmod("file", 0600);
  desk_->open();
  ASSERT_FALSE(desk_->store_.peek(desk_->place(), desk_->status()).value);
  SourceState source = before.source;
  source.inode = InodeNo(4711);
  for (const sys::Handle handle : {sys::Handle::file, sys::Handle::path}) {
    desk_->open(handle == sys::Handle::path ? sys::Access::path : sys::Access::read);
    ASSERT_TRUE(desk_->store_.renew({desk_->file_, handle}, before, source));
    const auto found = desk_->read();
    ASSERT_TRUE(found.value);
    EXPECT_EQ(found.value->root, before.root);
    EXPECT_EQ(found.value->source.inode, InodeNo(4711));
    EXPECT_EQ(desk_->store_.read_leaves(desk_->place(), *found.value).value->hashes.size(), 4u);
  }
}
TEST_F(Binding, IsNotRenewedForAnotherFileOrSize) {
  const FileSignature before = *desk_->read().value;
  world_.file("other", random_bytes(200'000, 2));
  Desk other(world_.path(), "other");
  EXPECT_TRUE(other.store_.renew({other.file_}, before, before.source));
  EXPECT_EQ(world_.xattr("other", kSigAttribute), "(none)");
  ASSERT_EQ(::truncate(world_.at("file").c_str(), 100'000), 0);
  const std::string as_it_was = world_.xattr("file", kSigAttribute);
  EXPECT_TRUE(desk_->store_.renew({desk_->file_}, before, before.source));
  EXPECT_EQ(world_.xattr("file", kSigAttribute), as_it_was);
}
TEST_F(Binding, ARefusedRenewalOnlyLosesIt) {
  if (!sys::kFaultsCanBePlanned) GTEST_SKIP() << "this build cannot plan faults (-DFOXING_FAULT_INJECTION=ON)";
  const FileSignature before = *desk_->read().value;
  for (const char* fault : {"setxattr:1+:ENOSPC", "setxattr:1+:EPERM", "setxattr:1+:EOPNOTSUPP"}) {
    const sys::FaultPlan plan(fault);
    EXPECT_TRUE(desk_->store_.renew({desk_->file_}, before, before.source)) << fault;
  }
  const sys::FaultPlan plan("setxattr:1+:EIO");
  EXPECT_EQ(desk_->store_.renew({desk_->file_}, before, before.source).error().code, EIO);
}
TEST_F(Binding, PeekingCountsNothing) {
  leave_window();
  world_.chmod("file", 0600);
  desk_->open();
  EXPECT_EQ(desk_->store_.peek(desk_->place(), desk_->status()).ignored, Ignored::stale);
  EXPECT_EQ(desk_->store_.ignored(Ignored::stale), 0u);
}

TEST(Store, AWriterWhoWasHeldUpWritesAgain) {
  TempTree world;
  world.file("file", "text");
  NEED_ATTRIBUTES(world, "file");
  Desk desk(world.path());
  static int asked;
  asked = 0;
  Store store(+[] { return Store::now_ns() - (++asked == 1 ? 1'000'000'000 : 0); });
  const auto answer = store.write(desk.place(), *hash_file(desk.file_, Bytes(4)), {}, {});
  ASSERT_TRUE(answer);
  EXPECT_GE(asked, 2);
  EXPECT_EQ(answer->written, Written::attribute);
}

TEST(Store, DirectoriesForgetTheirHash) {
  TempTree world;
  world.dir("directory");
  NEED_ATTRIBUTES(world, "directory");
  const auto directory = sys::open_at(sys::working_directory(), world.at("directory"), {.directory = true});
  Store store;
  Sidecar sidecar;
  EXPECT_EQ(store.forget_directory(*directory, sidecar).value(), false);
  ASSERT_EQ(store.write_directory(*directory, sidecar, {.fingerprint = 1, .entries = 2, .subtree = {}}).value(),
            Written::attribute);
  EXPECT_EQ(store.hashes(Written::attribute), 1u);
  EXPECT_EQ(store.written(Written::attribute), 0u) << "files are counted apart";
  EXPECT_EQ(store.forget_directory(*directory, sidecar).value(), true);
  EXPECT_EQ(store.read_directory(*directory, sidecar).ignored, Ignored::absent);
  EXPECT_EQ(world.xattr("directory", kDirHashAttribute), "(none)");
  // Also one that nobody can read.
  ASSERT_TRUE(world.set_xattr("directory", kDirHashAttribute, "garbage"));
  EXPECT_EQ(store.forget_directory(*directory, sidecar).value(), true);
  EXPECT_EQ(world.xattr("directory", kDirHashAttribute), "(none)");
  if (!sys::kFaultsCanBePlanned) return;
  ASSERT_TRUE(world.set_xattr("directory", kDirHashAttribute, "garbage"));
  const sys::FaultPlan plan("removexattr:1:EACCES");
  EXPECT_EQ(store.forget_directory(*directory, sidecar).error().code, EACCES)
      << "whoever cannot take it away must not change what is below";
}

TEST(Store, DirectoriesForgetTheirHashInTheSidecarToo) {
  if (!sys::kFaultsCanBePlanned) GTEST_SKIP() << "this build cannot plan faults (-DFOXING_FAULT_INJECTION=ON)";
  TempTree world;
  world.dir("directory");
  const auto directory = sys::open_at(sys::working_directory(), world.at("directory"), {.directory = true});
  const sys::FaultPlan plan("setxattr:1+:EOPNOTSUPP,getxattr:1+:EOPNOTSUPP,removexattr:1+:EOPNOTSUPP");
  Store store;
  {
    Sidecar sidecar;
    EXPECT_EQ(store.forget_directory(*directory, sidecar).value(), false);
    ASSERT_EQ(store.write_directory(*directory, sidecar, {.fingerprint = 1, .entries = 2, .subtree = {}}).value(),
              Written::sidecar);
    ASSERT_TRUE(sidecar.save(*directory, "temporary"));
  }
  Sidecar sidecar;
  ASSERT_TRUE(store.read_directory(*directory, sidecar).value);
  EXPECT_EQ(store.forget_directory(*directory, sidecar).value(), true);
  ASSERT_TRUE(sidecar.save(*directory, "temporary"));
  EXPECT_FALSE(world.exists("directory/.foxing_meta")) << "nothing left to say";
}

TEST(Store, AWriterWhoseClockIsOffHearsThatHeIsLate) {
  TempTree world;
  world.file("file", "text");
  NEED_ATTRIBUTES(world, "file");
  Desk desk(world.path());
  for (Store::Clock clock : {+[] { return Store::now_ns() - 1'000'000'000; }, +[] { return Store::now_ns() + 1'000'000'000; }}) {
    Store store(clock);
    const auto answer = store.write(desk.place(), *hash_file(desk.file_, Bytes(4)), {}, {});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->written, Written::written_late);
    EXPECT_EQ(store.written(Written::written_late), 1u);
    EXPECT_EQ(store.read(desk.place(), desk.status()).ignored, Ignored::stale);
  }
}

TEST(Store, ContentOfAnotherSizeIsNotWritten) {
  TempTree world;
  world.file("file", "text");
  Desk desk(world.path());
  const Content content = *hash_file(desk.file_, Bytes(4));
  world.file("file", "text and more");
  EXPECT_EQ(desk.store_.write(desk.place(), content, {}, {})->written, Written::changed);
  EXPECT_EQ(world.xattr("file", kSigAttribute), "(none)");
}

TEST(Store, RefusalsAndFullFilesystemsAreValues) {
  if (!sys::kFaultsCanBePlanned) GTEST_SKIP() << "this build cannot plan faults (-DFOXING_FAULT_INJECTION=ON)";
  TempTree world;
  world.file("file", random_bytes(200'000, 1));
  NEED_ATTRIBUTES(world, "file");
  Desk desk(world.path());
  const Content content = *hash_file(desk.file_, Bytes(200'000));
  const auto with = [&](const char* fault) {
    const sys::FaultPlan plan(fault);
    return desk.store_.write(desk.place(), content, {}, {.fresh = true});
  };
  EXPECT_EQ(with("setxattr:1+:ENOSPC")->written, Written::no_room);
  EXPECT_EQ(with("setxattr:1+:EACCES")->written, Written::refused);
  EXPECT_EQ(with("setxattr:1+:EIO").error().code, EIO);
  EXPECT_EQ(with("setxattr:1:E2BIG")->leaves, 2u) << "folded once";
  EXPECT_EQ(with("setxattr:1:E2BIG,setxattr:2:ERANGE")->leaves, 0u) << "folded to the end";
  EXPECT_EQ(with("getversion:1:EIO")->leaves, 4u);
  EXPECT_TRUE(decode_signature(world.xattr("file", kSigAttribute)).value);
  const sys::FaultPlan plan("getxattr:1:EIO");
  EXPECT_EQ(desk.read().ignored, Ignored::unreadable);
}

TEST(Store, DirectoriesKeepTheirHash) {
  TempTree world;
  world.file("file", "text");
  NEED_ATTRIBUTES(world, "file");
  Desk desk(world.path());
  EXPECT_EQ(desk.store_.read_directory(desk.directory(), desk.sidecar_).ignored, Ignored::absent);
  const DirSignature signature{.fingerprint = 5, .entries = 1, .subtree = digest::hash(as_bytes("x"))};
  EXPECT_EQ(*desk.store_.write_directory(desk.directory(), desk.sidecar_, signature), Written::attribute);
  EXPECT_EQ(desk.store_.read_directory(desk.directory(), desk.sidecar_).value, signature);
}

/// Where attributes are refused; by a plan where there is no such filesystem to be had.
void sidecar_story(const TempTree& world, const std::string& root) {
  const auto in = [&](const char* name) { return root + '/' + name; };
  world.file(in("file"), random_bytes(200'000, 1));
  world.file(in("small"), "text");
  {
    Desk desk(root);
    EXPECT_EQ(desk.read().ignored, Ignored::absent);
    EXPECT_EQ(desk.write().written, Written::sidecar);
    EXPECT_TRUE(desk.read().value) << "before it is saved too";
    const std::string small = "small";
    const sys::UniqueFd file = std::move(*sys::open_at(desk.directory(), small));
    const Place place{desk.directory(), desk.sidecar_, small, {file, sys::Handle::file}};
    EXPECT_EQ(desk.store_.write(place, *hash_file(file, Bytes(4)), {}, {})->written, Written::sidecar);
    const DirSignature signature{.fingerprint = 5, .entries = 1, .subtree = {}};
    EXPECT_EQ(*desk.store_.write_directory(desk.directory(), desk.sidecar_, signature), Written::sidecar);
    ASSERT_TRUE(desk.sidecar_.save(desk.directory(), ".tmp.x"));
  }
  ASSERT_TRUE(world.exists(in(kSidecarName)));
  {
    Desk desk(root);
    const auto found = desk.read();
    ASSERT_TRUE(found.value) << name_of(found.ignored);
    EXPECT_EQ(desk.store_.read_leaves(desk.place(), *found.value).value->hashes.size(), 4u);
    EXPECT_EQ(desk.store_.read_directory(desk.directory(), desk.sidecar_).value->fingerprint, 5u);
  }
  // The time of the last change is known exactly: one of a coarse clock's tick later is seen.
  const struct stat before = world.status(in("file"));
  do world.chmod(in("file"), 0600);
  while (world.status(in("file")).st_ctim.tv_nsec == before.st_ctim.tv_nsec);
  Desk desk(root);
  EXPECT_EQ(desk.read().ignored, Ignored::stale);
  ASSERT_TRUE(desk.store_.remove(desk.place()));
  EXPECT_EQ(desk.read().ignored, Ignored::absent);
  world.file(in(kSidecarName), "junk");
  Desk last(root);
  EXPECT_EQ(last.read().ignored, Ignored::damaged);
}

TEST(Sidecars, TakeOverOnAFilesystemWithoutAttributes) {
  const OwnMount ramfs("ramfs");
  if (!ramfs.missing().empty()) GTEST_SKIP() << ramfs.missing();
  ramfs.world().file(ramfs.path() + "/probe", "");
  if (ramfs.world().set_xattr(ramfs.path() + "/probe", "user.probe", "x"))
    GTEST_SKIP() << "ramfs has user attributes on this kernel";
  sidecar_story(ramfs.world(), ramfs.path());
}

TEST(Sidecars, TakeOverWhenAttributesAreRefused) {
  if (!sys::kFaultsCanBePlanned) GTEST_SKIP() << "this build cannot plan faults (-DFOXING_FAULT_INJECTION=ON)";
  const sys::FaultPlan plan("getxattr:1+:EOPNOTSUPP,setxattr:1+:EOPNOTSUPP,removexattr:1+:EOPNOTSUPP");
  TempTree world;
  sidecar_story(world, world.path());
}

/// No limit of a filesystem is known to the store: it finds what fits.
class Limits : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Filesystems, Limits, ::testing::Values("ext4", "xfs", "btrfs", "tmpfs"),
                         [](const auto& fs) { return fs.param; });

TEST_P(Limits, LeavesAreFoldedUntilTheyFit) {
  const OwnMount mount(GetParam());
  if (!mount.missing().empty()) GTEST_SKIP() << mount.missing();
  const TempTree& world = mount.world();
  for (const std::uint64_t mebibytes : {1ULL, 20ULL, 400ULL, 100'000ULL}) {
    const std::string file = mount.path() + "/file";
    world.sparse_file(file, mebibytes << 20, {{5 << 16, "data"}});
    NEED_ATTRIBUTES(world, file);
    Desk desk(mount.path());
    const WriteAnswer answer = desk.write();
    ASSERT_THAT(answer.written, ::testing::AnyOf(Written::attribute, Written::written_late)) << mebibytes << " MiB";
    EXPECT_GE(answer.leaves, 16u) << mebibytes << " MiB";
    const auto signature = decode_signature(world.xattr(file, kSigAttribute));
    ASSERT_TRUE(signature.value);
    EXPECT_EQ(signature.value->leaves, answer.leaves);
    const auto leaves = desk.store_.read_leaves(desk.place(), *signature.value);
    ASSERT_TRUE(leaves.value) << name_of(leaves.ignored);
    EXPECT_EQ(root_of(*leaves.value), hash_file(desk.file_, Bytes(mebibytes << 20))->root);
    RecordProperty("leaves_of_" + std::to_string(mebibytes) + "_MiB", static_cast<int>(answer.leaves));
  }
}

}  // namespace
}  // namespace foxing::signature
