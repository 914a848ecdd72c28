// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/signature/merkle.h"

#include <algorithm>
#include <bit>

#include "base/assert.h"
#include "core/signature/little_endian.h"

namespace foxing::signature {
namespace {

constexpr std::string_view kMagic = "FXMK";
constexpr std::uint16_t kVersion = 1;
constexpr std::uint32_t kHashSize = sizeof(LeafHash::bytes);
constexpr unsigned kLevels = 63 - kLeafLog2 + 1;

LeafHash shortened(const digest::Digest& digest) {
  LeafHash hash;
  std::copy_n(digest.bytes.begin(), hash.bytes.size(), hash.bytes.begin());
  return hash;
}

std::array<LeafHash, kLevels> make_zeros() {
  std::array<LeafHash, kLevels> zeros;
  zeros[0] = hash_of_leaf(std::vector<std::byte>(kLeaf.value));
  for (unsigned level = 1; level < kLevels; ++level) zeros[level] = hash_of_pair(zeros[level - 1], zeros[level - 1]);
  return zeros;
}

}  // namespace

LeafHash hash_of_leaf(std::span<const std::byte> bytes) { return shortened(digest::hash(bytes)); }

LeafHash hash_of_pair(const LeafHash& left, const LeafHash& right) {
  std::array<std::byte, 2 * kHashSize> both;
  std::ranges::copy(left.bytes, both.begin());
  std::ranges::copy(right.bytes, both.begin() + kHashSize);
  return shortened(digest::hash(both));
}

const LeafHash& hash_of_zeros(unsigned level) {
  static const std::array<LeafHash, kLevels> kZeros = make_zeros();
  return kZeros[level];
}

std::vector<LeafHash> folded(std::span<const LeafHash> hashes) {
  std::vector<LeafHash> parents;
  parents.reserve((hashes.size() + 1) / 2);
  std::size_t at = 0;
  for (; at + 1 < hashes.size(); at += 2) parents.push_back(hash_of_pair(hashes[at], hashes[at + 1]));
  if (at < hashes.size()) parents.push_back(hashes[at]);
  return parents;
}

Leaves folded(Leaves leaves, unsigned leaf_log2) {
  FOX_ASSERT(leaf_log2 >= leaves.leaf_log2 && is_leaf_log2(leaf_log2));
  for (; leaves.leaf_log2 < leaf_log2; ++leaves.leaf_log2) leaves.hashes = folded(leaves.hashes);
  return leaves;
}

digest::Digest root_of(const Leaves& leaves) {
  FOX_ASSERT(!leaves.hashes.empty());
  std::vector<LeafHash> level = leaves.hashes;
  while (level.size() > 1) level = folded(level);
  std::string bytes;
  Writer out(bytes);
  out.text("FXMROOT1");
  out.u64(leaves.size.value);
  out.bytes(level.front().bytes);
  return digest::hash(as_bytes(bytes));
}

std::vector<ByteRange> differences(const Leaves& then, const Leaves& now) {
  const unsigned log2 = std::max(then.leaf_log2, now.leaf_log2);
  const Leaves a = folded(then, log2);
  const Leaves b = folded(now, log2);
  const std::uint64_t leaf = std::uint64_t{1} << log2;
  std::vector<ByteRange> ranges;
  for (std::size_t i = 0; i < b.hashes.size(); ++i) {
    const std::uint64_t begin = i * leaf;
    const auto covered = [&](Bytes size) { return size.value <= begin ? 0 : std::min(leaf, size.value - begin); };
    const std::uint64_t length = covered(b.size);
    if (length == 0) break;
    if (i < a.hashes.size() && covered(a.size) == length && a.hashes[i] == b.hashes[i]) continue;
    if (!ranges.empty() && ranges.back().end.value == begin) {
      ranges.back().end = FileOffset(begin + length);
    } else {
      ranges.push_back({FileOffset(begin), FileOffset(begin + length)});
    }
  }
  return ranges;
}

// ---- MerkleBuilder

MerkleBuilder::MerkleBuilder(unsigned leaf_log2, std::size_t most) : most_(most), level_(leaf_log2 - kLeafLog2) {
  FOX_ASSERT(is_leaf_log2(leaf_log2) && most >= 2 && most % 2 == 0);
}

void MerkleBuilder::grow() {
  // Full, and something more is coming.  Nothing lies below: whatever did not fill a kept leaf would have found no room.
  FOX_ASSERT(below_.empty());
  kept_ = folded(kept_);
  ++level_;
}

void MerkleBuilder::add(LeafHash hash, unsigned level) {
  for (; level < level_ && !below_.empty() && below_.back().level == level; ++level) {
    hash = hash_of_pair(below_.back().hash, hash);
    below_.pop_back();
  }
  if (level == level_) {
    kept_.push_back(hash);
  } else {
    below_.push_back({hash, level});
  }
}

void MerkleBuilder::update(std::span<const std::byte> piece) {
  total_ += piece.size();
  while (!piece.empty()) {
    if (in_leaf_ == 0 && kept_.size() >= most_) grow();
    const std::span<const std::byte> now = piece.first(std::min<std::size_t>(piece.size(), kLeaf.value - in_leaf_));
    piece = piece.subspan(now.size());
    if (now.size() == kLeaf.value) {
      add(hash_of_leaf(now), 0);
      continue;
    }
    if (in_leaf_ == 0) leaf_ = digest::Blake3();
    leaf_.update(now);
    in_leaf_ += now.size();
    if (in_leaf_ == kLeaf.value) {
      add(shortened(leaf_.finish()), 0);
      in_leaf_ = 0;
    }
  }
}

void MerkleBuilder::zeros(Bytes amount) {
  static constexpr std::array<std::byte, 4096> kZeros{};
  std::uint64_t left = amount.value;
  const auto by_bytes = [&](std::uint64_t length) {
    left -= length;
    for (; length > 0; length -= std::min<std::uint64_t>(length, kZeros.size()))
      update(std::span(kZeros).first(static_cast<std::size_t>(std::min<std::uint64_t>(length, kZeros.size()))));
  };
  if (in_leaf_ > 0) by_bytes(std::min(left, kLeaf.value - in_leaf_));
  while (left >= kLeaf.value) {
    if (kept_.size() >= most_) grow();
    // The largest node that begins here, ends in the hole, and is not above the kept leaves.
    const auto aligned = static_cast<unsigned>(std::countr_zero(total_ >> kLeafLog2));
    const auto fits = static_cast<unsigned>(std::bit_width(left >> kLeafLog2)) - 1;
    const unsigned level = std::min({aligned, fits, level_});
    add(hash_of_zeros(level), level);
    total_ += kLeaf.value << level;
    left -= kLeaf.value << level;
  }
  by_bytes(left);
}

Leaves MerkleBuilder::finish() {
  if (in_leaf_ > 0 || total_ == 0) {
    add(total_ == 0 ? hash_of_leaf({}) : shortened(leaf_.finish()), 0);
    in_leaf_ = 0;
  }
  if (!below_.empty()) {
    LeafHash last = below_.back().hash;
    below_.pop_back();
    for (; !below_.empty(); below_.pop_back()) last = hash_of_pair(below_.back().hash, last);
    kept_.push_back(last);
  }
  return {.size = Bytes(total_), .leaf_log2 = kLeafLog2 + level_, .hashes = std::move(kept_)};
}

// ---- Bytes

std::string encode(const Leaves& leaves) {
  std::string header;
  std::string hashes;
  Writer out(header);
  out.text(kMagic);
  out.u16(kVersion);
  out.u16(0);
  out.u32(leaves.leaf_log2);
  out.u32(static_cast<std::uint32_t>(leaves.hashes.size()));
  out.u32(kHashSize);
  out.u32(0);
  for (const LeafHash& hash : leaves.hashes) Writer(hashes).bytes(hash.bytes);
  out.u64(checksum(header, hashes));
  return header + hashes;
}

Found<Leaves> decode_leaves(std::string_view bytes, const FileSignature& signature) {
  Reader in(bytes);
  if (in.text(kMagic.size()) != kMagic) return {{}, Ignored::damaged};
  const std::uint16_t version = in.u16();
  const std::uint16_t flags = in.u16();
  if (!in.ok()) return {{}, Ignored::damaged};
  if (version != kVersion) return {{}, Ignored::foreign};
  const std::uint32_t leaf_log2 = in.u32();
  const std::uint32_t count = in.u32();
  const std::uint32_t hash_size = in.u32();
  const std::uint32_t reserved = in.u32();
  const std::uint64_t sum = in.u64();
  if (!in.ok() || sum != checksum(bytes.substr(0, kLeavesHeaderSize - kChecksumSize), bytes.substr(kLeavesHeaderSize)))
    return {{}, Ignored::damaged};
  if (flags != 0 || hash_size != kHashSize || reserved != 0) return {{}, Ignored::foreign};
  if (count == 0 || in.left() / kHashSize != count || in.left() % kHashSize != 0 || !is_leaf_log2(leaf_log2) ||
      count != leaves_of(signature.target.size, leaf_log2))
    return {{}, Ignored::stale};
  Leaves leaves{.size = signature.target.size, .leaf_log2 = leaf_log2, .hashes = std::vector<LeafHash>(count)};
  for (LeafHash& hash : leaves.hashes) in.bytes(hash.bytes);
  if (leaf_log2 != signature.leaf_log2 || root_of(leaves) != signature.root) return {{}, Ignored::stale};
  return {std::move(leaves), {}};
}

}  // namespace foxing::signature
