// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/signature/dir_hash.h"

#include "core/signature/little_endian.h"

namespace foxing::signature {
namespace {

constexpr std::string_view kMagic = "FXDH";
constexpr std::uint16_t kVersion = 1;

/// sum += more, modulo 2^256.
void add_to(std::array<std::uint64_t, 4>& sum, const std::array<std::uint64_t, 4>& more) {
  bool carry = false;
  for (std::size_t i = 0; i < sum.size(); ++i) {
    std::uint64_t word = 0;
    const bool over = __builtin_add_overflow(sum[i], more[i], &word);
    const bool over_again = __builtin_add_overflow(word, std::uint64_t{carry}, &sum[i]);
    carry = over || over_again;
  }
}

}  // namespace

void DirHasher::add(std::string_view name, const sys::FileStatus& status, const digest::Digest* below) {
  std::string bytes;
  bytes.reserve(144 + name.size());
  Writer out(bytes);
  out.text("FXDHENT1");
  out.u32(status.raw.st_mode);  // type and permissions
  out.u32(status.raw.st_uid);
  out.u32(status.raw.st_gid);
  out.u32(0);
  out.u64(status.special_device());
  out.u64(status.inode().value);
  // A directory's size is the filesystem's affair, and may shrink and grow with nothing touched.
  out.u64(status.type() == sys::FileType::directory ? 0 : status.size().value);
  out.i64(status.modified().tv_sec);
  out.i64(status.changed().tv_sec);
  out.u32(static_cast<std::uint32_t>(status.modified().tv_nsec));
  out.u32(static_cast<std::uint32_t>(status.changed().tv_nsec));
  out.bytes((below != nullptr ? *below : digest::Digest{}).bytes);
  out.u64(name.size());
  out.text(name);
  const digest::Digest hash = digest::hash(as_bytes(bytes));
  Reader in({reinterpret_cast<const char*>(hash.bytes.data()), hash.bytes.size()});
  std::array<std::uint64_t, 4> words;
  for (std::uint64_t& word : words) word = in.u64();
  add_to(sum_, words);
  ++entries_;
}

void DirHasher::add(const DirHasher& other) {
  add_to(sum_, other.sum_);
  entries_ += other.entries_;
}

digest::Digest DirHasher::finish() const {
  std::string bytes;
  Writer out(bytes);
  out.text("FXDHDIR1");
  out.u64(entries_);
  for (const std::uint64_t word : sum_) out.u64(word);
  return digest::hash(as_bytes(bytes));
}

digest::Digest bound_to(const digest::Digest& subtree, const DirIdentity& target, const digest::Digest& options) {
  std::string bytes;
  Writer out(bytes);
  out.text("FXDHBND1");
  out.bytes(subtree.bytes);
  out.u64(target.inode.value);
  out.i64(target.born.tv_sec);
  out.u32(static_cast<std::uint32_t>(target.born.tv_nsec));
  out.bytes(options.bytes);
  return digest::hash(as_bytes(bytes));
}

std::uint32_t short_form(const digest::Digest& options) {
  return Reader({reinterpret_cast<const char*>(options.bytes.data()), options.bytes.size()}).u32();
}

std::string encode(const DirSignature& signature) {
  std::string bytes;
  Writer out(bytes);
  out.text(kMagic);
  out.u16(kVersion);
  out.u16(0);
  out.u32(signature.fingerprint);
  out.u32(0);
  out.u64(signature.entries);
  out.bytes(signature.subtree.bytes);
  out.u64(checksum(bytes));
  return bytes;
}

Found<DirSignature> decode_dir_signature(std::string_view bytes) {
  Reader in(bytes);
  if (in.text(kMagic.size()) != kMagic) return {{}, Ignored::damaged};
  const std::uint16_t version = in.u16();
  const std::uint16_t flags = in.u16();
  if (!in.ok()) return {{}, Ignored::damaged};
  if (version != kVersion) return {{}, Ignored::foreign};
  DirSignature signature;
  signature.fingerprint = in.u32();
  const std::uint32_t reserved = in.u32();
  signature.entries = in.u64();
  in.bytes(signature.subtree.bytes);
  const std::uint64_t sum = in.u64();
  if (!in.complete() || sum != checksum(bytes.substr(0, kDirRecordSize - kChecksumSize))) return {{}, Ignored::damaged};
  if (flags != 0 || reserved != 0) return {{}, Ignored::foreign};
  return {signature, {}};
}

}  // namespace foxing::signature
