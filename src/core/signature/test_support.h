// SPDX-License-Identifier: GPL-2.0-or-later
// What the tests of this folder share: golden files, made-up records, filesystems of their own.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "core/signature/little_endian.h"
#include "core/signature/merkle.h"
#include "core/signature/record.h"
#include "testing/temp_tree.h"

namespace foxing::signature {

/// The checked-in bytes.  FOXING_WRITE_GOLDEN=1 writes them, for a new version of a format.
inline std::string golden(const std::string& name, const std::string& made) {
  const std::string path = std::string(FOXING_GOLDEN) + '/' + name;
  if (std::getenv("FOXING_WRITE_GOLDEN") != nullptr) std::ofstream(path, std::ios::binary) << made;
  std::ifstream file(path, std::ios::binary);
  if (!file) ADD_FAILURE() << "no golden file " << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

/// `decode` must refuse every truncation, every flipped bit, an extension, and noise.
template <class Decode>
void expect_only_whole(const std::string& good, Decode decode) {
  ASSERT_TRUE(decode(good)) << "the record itself";
  for (std::size_t size = 0; size < good.size(); ++size) ASSERT_FALSE(decode(good.substr(0, size))) << "cut to " << size;
  EXPECT_FALSE(decode(good + '\0'));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_FALSE(decode(bad)) << "bit " << bit;
  }
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 500; ++round) {
    std::string noise = testing::random_bytes(random() % 400, random());
    if (round % 2 == 0 && noise.size() > 8) noise.replace(0, 8, good, 0, 8);
    ASSERT_FALSE(decode(noise));
  }
}

/// The bytes with a checksum that is right: what a forger would write.  The sum stands at the end of the first `sealed` bytes.
inline std::string resealed(std::string bytes, std::size_t sealed) {
  std::string sum;
  Writer(sum).u64(checksum(std::string_view(bytes).substr(0, sealed - 8), std::string_view(bytes).substr(sealed)));
  return bytes.replace(sealed - 8, 8, sum);
}

inline FileSignature sample_signature() {
  Leaves leaves{.size = Bytes(200'000), .leaf_log2 = 16, .hashes = {}};
  for (int i = 0; i < 4; ++i) leaves.hashes.push_back(hash_of_leaf(as_bytes(std::string(1, static_cast<char>('a' + i)))));
  return {
      .target = {.size = Bytes(200'000), .modified = {-5, 999'999'999}, .inode = InodeNo(0x1122334455667788), .generation = 77},
      .written_at_ns = 1'700'000'000'123'456'789,
      .source = {.device = DeviceId{0xFD01},
                 .inode = InodeNo(42),
                 .size = Bytes(200'000),
                 .modified = {-5, 999'999'999},
                 .changed = {1'600'000'000, 1}},
      .leaf_log2 = 16,
      .leaves = 4,
      .root = root_of(leaves)};
}
inline Leaves sample_leaves() {
  Leaves leaves{.size = Bytes(200'000), .leaf_log2 = 16, .hashes = {}};
  for (int i = 0; i < 4; ++i) leaves.hashes.push_back(hash_of_leaf(as_bytes(std::string(1, static_cast<char>('a' + i)))));
  return leaves;
}

/// A filesystem of its own, in a mount namespace of this process: it goes away with the process, whatever happens.
class OwnMount {
 public:
  /// `type`: ramfs, tmpfs, or ext4, xfs, btrfs in an image.  Without it, `missing()` says why.
  explicit OwnMount(const std::string& type) {
    if (!testing::is_root()) {
      missing_ = "mounting needs root";
      return;
    }
    static const bool apart = ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    if (!apart) {
      missing_ = "mount namespaces are not allowed here";
      return;
    }
    world_.dir("mount");
    if (type == "ramfs" || type == "tmpfs") {
      mounted_ = ::mount(type.c_str(), path().c_str(), type.c_str(), 0, nullptr) == 0;
    } else {
      const std::string image = world_.at("image");
      const std::string force = type == "ext4" ? " -F" : " -f";
      mounted_ = std::system(("truncate -s 400M " + image + " && mkfs." + type + " -q" + force + ' ' + image +
                              " >/dev/null 2>&1 && mount -o loop " + image + ' ' + path() + " 2>/dev/null")
                                 .c_str()) == 0;
    }
    if (!mounted_) missing_ = "cannot make or mount " + type;
  }
  ~OwnMount() {
    if (!mounted_) return;
    EXPECT_EQ(::umount(path().c_str()), 0) << std::strerror(errno);
  }
  OwnMount(const OwnMount&) = delete;
  OwnMount& operator=(const OwnMount&) = delete;
  const std::string& missing() const { return missing_; }
  std::string path() const { return world_.at("mount"); }
  const testing::TempTree& world() const { return world_; }

 private:
  testing::TempTree world_;
  std::string missing_;
  bool mounted_ = false;
};

}  // namespace foxing::signature
