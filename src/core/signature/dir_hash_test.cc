// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/signature/dir_hash.h"

#include <gmock/gmock.h>

#include "core/signature/test_support.h"

namespace foxing::signature {
namespace {

sys::FileStatus status(std::uint64_t inode, mode_t mode = S_IFREG | 0644) {
  sys::FileStatus status;
  status.raw.st_ino = inode;
  status.raw.st_mode = mode;
  status.raw.st_size = 100;
  status.raw.st_mtim = {1, 2};
  status.raw.st_ctim = {3, 4};
  status.raw.st_uid = 5;
  status.raw.st_gid = 6;
  return status;
}

TEST(DirHasher, TheOrderAndTheWorkersDoNotMatter) {
  DirHasher one, two, a, b;
  for (std::uint64_t i = 0; i < 100; ++i) one.add(std::to_string(i), status(i));
  for (std::uint64_t i = 100; i-- > 0;) two.add(std::to_string(i), status(i));
  for (std::uint64_t i = 0; i < 100; ++i) (i % 3 == 0 ? a : b).add(std::to_string(i), status(i));
  b.add(a);
  EXPECT_EQ(one.finish(), two.finish());
  EXPECT_EQ(one.finish(), b.finish());
  EXPECT_EQ(b.entries(), 100u);
}

TEST(DirHasher, EveryFieldCounts) {
  const auto hash = [](std::string_view name, const sys::FileStatus& status, const digest::Digest* below = nullptr) {
    DirHasher hasher;
    hasher.add(name, status, below);
    return hasher.finish();
  };
  const digest::Digest same = hash("name", status(1));
  EXPECT_EQ(hash("name", status(1)), same);
  EXPECT_NE(hash("nam", status(1)), same);
  EXPECT_NE(DirHasher().finish(), same);
  const auto changed = [&](auto change) {
    sys::FileStatus other = status(1);
    change(other.raw);
    return hash("name", other);
  };
  EXPECT_NE(changed([](auto& s) { s.st_ino = 2; }), same);
  EXPECT_NE(changed([](auto& s) { s.st_mode = S_IFREG | 0645; }), same);
  EXPECT_NE(changed([](auto& s) { s.st_mode = S_IFLNK | 0644; }), same);
  EXPECT_NE(changed([](auto& s) { s.st_size = 101; }), same);
  EXPECT_NE(changed([](auto& s) { s.st_mtim = {2, 2}; }), same);
  EXPECT_NE(changed([](auto& s) { s.st_mtim = {1, 3}; }), same);
  EXPECT_NE(changed([](auto& s) { s.st_ctim = {4, 4}; }), same);
  EXPECT_NE(changed([](auto& s) { s.st_ctim = {3, 5}; }), same);
  EXPECT_NE(changed([](auto& s) { s.st_uid = 6; }), same);
  EXPECT_NE(changed([](auto& s) { s.st_gid = 7; }), same);
  EXPECT_NE(changed([](auto& s) { s.st_rdev = 1; }), same);
}

TEST(DirHasher, AChangeFarBelowCannotHide) {
  const sys::FileStatus directory = status(1, S_IFDIR | 0755);
  const auto tree = [&](std::uint64_t deep) {
    DirHasher lowest, middle, top;
    lowest.add("file", status(deep));
    const digest::Digest below = lowest.finish();
    middle.add("sub", directory, &below);
    const digest::Digest below_that = middle.finish();
    top.add("sub", directory, &below_that);
    return top.finish();
  };
  EXPECT_EQ(tree(9), tree(9));
  EXPECT_NE(tree(9), tree(10));
}

TEST(DirHasher, TwoSwappedEntriesDoNotCancel) {
  DirHasher one, two, doubled, none;
  one.add("a", status(1));
  one.add("b", status(2));
  two.add("a", status(2));
  two.add("b", status(1));
  EXPECT_NE(one.finish(), two.finish());
  doubled.add("a", status(1));
  doubled.add("a", status(1));
  EXPECT_NE(doubled.finish(), none.finish());
}

TEST(BoundHash, SpeaksOfOneDirectoryUnderOneSetOfOptions) {
  const digest::Digest below = digest::hash(as_bytes("below"));
  const digest::Digest options = digest::hash(as_bytes("options"));
  const DirIdentity here{InodeNo(7), {1'700'000'000, 5}};
  const digest::Digest bound = bound_to(below, here, options);
  EXPECT_EQ(bound, bound_to(below, here, options));
  EXPECT_NE(bound, below);
  EXPECT_NE(bound, bound_to(options, here, options)) << "another tree";
  EXPECT_NE(bound, bound_to(below, {InodeNo(8), here.born}, options));
  EXPECT_NE(bound, bound_to(below, {here.inode, {here.born.tv_sec, 6}}, options)) << "the inode number was used again";
  EXPECT_NE(bound, bound_to(below, {here.inode, {here.born.tv_sec + 1, 5}}, options));
  EXPECT_NE(bound, bound_to(below, {here.inode, {}}, options));
  EXPECT_NE(bound, bound_to(below, here, below)) << "other options";
  // As docs/formats/signature.md says it.
  std::string bytes = "FXDHBND1";
  Writer out(bytes);
  out.bytes(below.bytes);
  out.u64(7);
  out.i64(1'700'000'000);
  out.u32(5);
  out.bytes(options.bytes);
  ASSERT_EQ(bytes.size(), 92u);
  EXPECT_EQ(bound, digest::hash(as_bytes(bytes)));
}

TEST(BoundHash, ItsShortFormIsTheBeginningOfTheOptionsDigest) {
  digest::Digest options;
  for (std::size_t i = 0; i < options.bytes.size(); ++i) options.bytes[i] = static_cast<std::byte>(i + 1);
  EXPECT_EQ(short_form(options), 0x04030201u);
}

TEST(DirRecord, ReadsWhatItWroteAndTheGoldenBytes) {
  const DirSignature signature{.fingerprint = 0xCAFE1234, .entries = 3, .subtree = digest::hash(as_bytes("below"))};
  const std::string bytes = encode(signature);
  ASSERT_EQ(bytes.size(), kDirRecordSize);
  EXPECT_EQ(bytes, golden("dir_hash-v1", bytes));
  EXPECT_EQ(decode_dir_signature(golden("dir_hash-v1", bytes)).value, signature);
  expect_only_whole(bytes, [](const std::string& some) { return decode_dir_signature(some).value.has_value(); });
}

}  // namespace
}  // namespace foxing::signature
