// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/signature/record.h"

#include <limits>

#include "core/signature/little_endian.h"
#include "core/signature/merkle.h"

namespace foxing::signature {
namespace {

constexpr std::string_view kMagic = "FXSG";
constexpr std::uint16_t kVersion = 1;
constexpr std::int64_t kSecond_ns = 1'000'000'000;

bool is_time(const timespec& time) { return time.tv_nsec >= 0 && time.tv_nsec < kSecond_ns; }

}  // namespace

const char* name_of(Ignored why) {
  switch (why) {
    case Ignored::absent: return "absent";
    case Ignored::stale: return "stale";
    case Ignored::damaged: return "damaged";
    case Ignored::foreign: return "foreign";
    case Ignored::unreadable: return "unreadable";
    case Ignored::count: break;
  }
  return "unknown";
}

SourceState source_state(const sys::FileStatus& status) {
  return {.device = status.device(),
          .inode = status.inode(),
          .size = status.size(),
          .modified = status.modified(),
          .changed = status.changed()};
}

std::string encode(const FileSignature& signature) {
  std::string bytes;
  bytes.reserve(kRecordSize);
  Writer out(bytes);
  out.text(kMagic);
  out.u16(kVersion);
  out.u16(0);
  out.u64(signature.target.size.value);
  out.i64(signature.target.modified.tv_sec);
  out.u32(static_cast<std::uint32_t>(signature.target.modified.tv_nsec));
  out.u32(signature.target.generation);
  out.u64(signature.target.inode.value);
  out.i64(signature.written_at_ns);
  out.u64(signature.source.device.value);
  out.u64(signature.source.inode.value);
  out.u64(signature.source.size.value);
  out.i64(signature.source.modified.tv_sec);
  out.i64(signature.source.changed.tv_sec);
  out.u32(static_cast<std::uint32_t>(signature.source.modified.tv_nsec));
  out.u32(static_cast<std::uint32_t>(signature.source.changed.tv_nsec));
  out.u32(signature.leaf_log2);
  out.u32(signature.leaves);
  out.bytes(signature.root.bytes);
  out.u64(checksum(bytes));
  return bytes;
}

Found<FileSignature> decode_signature(std::string_view bytes) {
  Reader in(bytes);
  if (in.text(kMagic.size()) != kMagic) return {{}, Ignored::damaged};
  const std::uint16_t version = in.u16();
  const std::uint16_t flags = in.u16();
  if (!in.ok()) return {{}, Ignored::damaged};
  if (version != kVersion) return {{}, Ignored::foreign};
  FileSignature signature;
  TargetState& target = signature.target;
  target.size = Bytes(in.u64());
  target.modified.tv_sec = in.i64();
  target.modified.tv_nsec = in.u32();
  target.generation = in.u32();
  target.inode = InodeNo(in.u64());
  signature.written_at_ns = in.i64();
  SourceState& source = signature.source;
  source.device = DeviceId{in.u64()};
  source.inode = InodeNo(in.u64());
  source.size = Bytes(in.u64());
  source.modified.tv_sec = in.i64();
  source.changed.tv_sec = in.i64();
  source.modified.tv_nsec = in.u32();
  source.changed.tv_nsec = in.u32();
  signature.leaf_log2 = in.u32();
  signature.leaves = in.u32();
  in.bytes(signature.root.bytes);
  const std::uint64_t sum = in.u64();
  if (!in.complete() || sum != checksum(bytes.substr(0, kRecordSize - kChecksumSize))) return {{}, Ignored::damaged};
  if (flags != 0) return {{}, Ignored::foreign};
  const bool makes_sense = is_time(target.modified) && is_time(source.modified) && is_time(source.changed) &&
                           signature.written_at_ns >= 0 &&
                           signature.written_at_ns <= std::numeric_limits<std::int64_t>::max() - kWindow_ns &&
                           is_leaf_log2(signature.leaf_log2) && signature.leaves == leaves_of(target.size, signature.leaf_log2);
  if (!makes_sense) return {{}, Ignored::damaged};
  return {signature, {}};
}

bool same_state(const TargetState& target, const sys::FileStatus& status, std::uint32_t generation) {
  return target.size == status.size() && sys::same_time(target.modified, status.modified()) && target.inode == status.inode() &&
         (target.generation == generation || target.generation == 0 || generation == 0);
}

bool in_window(std::int64_t written_at_ns, const timespec& changed) {
  // Outside of 1970 to 2262 nothing is in a window; so nothing overflows either.
  if (written_at_ns < 0 || written_at_ns > std::numeric_limits<std::int64_t>::max() - kWindow_ns) return false;
  if (changed.tv_sec < 0 || changed.tv_sec >= std::numeric_limits<std::int64_t>::max() / kSecond_ns) return false;
  const std::int64_t changed_ns = changed.tv_sec * kSecond_ns + changed.tv_nsec;
  return changed_ns >= written_at_ns - kTick_ns && changed_ns <= written_at_ns + kWindow_ns;
}

}  // namespace foxing::signature
