// SPDX-License-Identifier: GPL-2.0-or-later
// A tree of hashes over a file: which pieces differ between two versions is told by their leaves.
//   from  bytes as they are copied (MerkleBuilder), or hashing.h        to  the attribute user.foxing.merkle; delta copies compare leaves
//
// How.   Leaf hash: the first 16 bytes of BLAKE3 of 64 KiB of the file, the last leaf being shorter (an empty file has one empty leaf).
//        Above: neighbours are hashed in pairs, node = first 16 bytes of BLAKE3(left ‖ right); one without a neighbour goes up as it is.  A node
//        k levels up is the leaf hash for leaves of 64 KiB << k: leaves of any two sizes compare, by folding the finer ones.
//        Root: BLAKE3("FXMROOT1" ‖ size ‖ top node).  It depends on the bytes and their number alone, not on the size of the stored leaves.
// Why 16 bytes.  Leaves are compared with leaves of the same place.  Two different ones agree by chance once in 2^128; finding a second content for a
//        given leaf takes 2^128 tries.  2^64 tries give somebody two contents of his own with the same hash: he has spoilt the copy of his own file.
//        With 32 bytes half as many leaves would fit.
// Holds. Leaves are compared only where both cover the same bytes: a shorter last leaf differs from a longer one (`differences`).
//        Memory of a builder: kMostLeaves hashes, whatever the size of the file.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/strong.h"
#include "core/digest/digest.h"
#include "core/signature/record.h"

namespace foxing::signature {

inline constexpr unsigned kLeafLog2 = 16;  // 64 KiB
inline constexpr Bytes kLeaf = 64_KiB;
inline constexpr std::size_t kLeavesHeaderSize = 32;
/// What an attribute can hold at most on Linux: 64 KiB.  Source: XATTR_SIZE_MAX.
inline constexpr std::size_t kMostLeaves = (65536 - kLeavesHeaderSize) / 16;

struct LeafHash {
  std::array<std::byte, 16> bytes{};
  friend auto operator<=>(const LeafHash&, const LeafHash&) = default;
};

LeafHash hash_of_leaf(std::span<const std::byte> bytes);
LeafHash hash_of_pair(const LeafHash& left, const LeafHash& right);
/// The hash of (64 KiB << level) zero bytes.
const LeafHash& hash_of_zeros(unsigned level);

constexpr bool is_leaf_log2(std::uint64_t log2) { return log2 >= kLeafLog2 && log2 <= 63; }
/// How many leaves of 1 << `leaf_log2` bytes a file has; at least 1.
constexpr std::uint64_t leaves_of(Bytes size, unsigned leaf_log2) {
  return size.value == 0 ? 1 : ((size.value - 1) >> leaf_log2) + 1;
}
/// The smallest leaves of which no more than `most` are needed.
constexpr unsigned leaf_log2_for(Bytes size, std::size_t most = kMostLeaves) {
  unsigned log2 = kLeafLog2;
  while (log2 < 63 && leaves_of(size, log2) > most) ++log2;
  return log2;
}

/// All leaves of a file.
struct Leaves {
  Bytes size;
  unsigned leaf_log2 = kLeafLog2;
  std::vector<LeafHash> hashes;

  friend bool operator==(const Leaves&, const Leaves&) = default;
};

/// Leaves twice as large.
std::vector<LeafHash> folded(std::span<const LeafHash> hashes);
/// Leaves of 1 << `leaf_log2` bytes, which is not less than they have.
Leaves folded(Leaves leaves, unsigned leaf_log2);
digest::Digest root_of(const Leaves& leaves);
/// Where `now` differs from `then`: ranges of `now`, ascending, with neighbours joined.  What `then` has beyond the end of `now` is not in it.
std::vector<ByteRange> differences(const Leaves& then, const Leaves& now);

/// What is known of a file's bytes.
struct Content {
  Leaves leaves;
  digest::Digest root;
};
inline Content content_of(Leaves leaves) {
  const digest::Digest root = root_of(leaves);
  return {std::move(leaves), root};
}

/// Takes a file's bytes in order.  Leaves grow while the file does, so that no more than `most` (even) are kept.
class MerkleBuilder {
 public:
  explicit MerkleBuilder(unsigned leaf_log2 = kLeafLog2, std::size_t most = kMostLeaves);
  void update(std::span<const std::byte> piece);
  /// So many zero bytes: a hole.  Costs as many hashes as there are kept leaves in it, not as there are bytes.
  void zeros(Bytes amount);
  /// All leaves, once everything was there.
  Leaves finish();

 private:
  struct Node {
    LeafHash hash;
    unsigned level;
  };
  void add(LeafHash hash, unsigned level);
  void grow();

  const std::size_t most_;
  unsigned level_;  // of the kept leaves, above kLeafLog2
  std::vector<LeafHash> kept_;
  std::vector<Node> below_;  // nodes that do not fill a kept leaf yet; levels descend
  digest::Blake3 leaf_;  // the leaf that is begun
  std::uint64_t in_leaf_ = 0;
  std::uint64_t total_ = 0;
};

std::string encode(const Leaves& leaves);
/// `size` is not in the record: that of the signature whose root the leaves must give.
Found<Leaves> decode_leaves(std::string_view bytes, const FileSignature& signature);

}  // namespace foxing::signature
