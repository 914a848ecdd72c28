// SPDX-License-Identifier: GPL-2.0-or-later
// What is written down about a target file: which content it has, where that came from, and which inode in which state this holds for.
//   from  whoever copied or hashed a file        to  the attribute user.foxing.sig, or a sidecar (store.h)
//
// Why.   A later run knows what is there without reading it.
// How.   Fixed bytes (docs/formats/signature.md) with a checksum, bound to size, mtime, inode, generation and ctime of the target.  Setting an attribute
//        moves ctime, so an attribute cannot contain it; it says when it was written, and ctime must lie in a window around that.
// Holds. Any bytes can be decoded: what is not a whole record of this version is refused with a reason.
// Not here: protection from somebody who may write to the target.  The checksum has no key.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "base/strong.h"
#include "core/digest/digest.h"
#include "sys/status.h"

namespace foxing::signature {

/// Why there is no answer.
enum class Ignored : std::uint8_t {
  absent,  // nothing was written down
  stale,  // the file was touched since
  damaged,  // not a record, or not a whole one
  foreign,  // of a version, or with flags, that this program does not know
  unreadable,  // the system refused
  count
};
const char* name_of(Ignored why);

template <class T>
struct Found {
  std::optional<T> value;
  Ignored ignored = Ignored::absent;  // where there is no value
};

/// The target's inode, when the record was made.
struct TargetState {
  Bytes size;
  timespec modified{};
  InodeNo inode;
  std::uint32_t generation = 0;  // 0: the filesystem doesn't tell
};

/// The source file, as its status was when it was copied.
struct SourceState {
  DeviceId device;
  InodeNo inode;
  Bytes size;
  timespec modified{};
  timespec changed{};
};
SourceState source_state(const sys::FileStatus& status);

struct FileSignature {
  TargetState target;
  std::int64_t written_at_ns = 0;  // CLOCK_REALTIME, since 1970
  SourceState source;
  unsigned leaf_log2 = 0;  // of the leaves that are stored; where none are, of the one leaf that is the whole file
  std::uint32_t leaves = 0;
  digest::Digest root;
};

inline constexpr std::size_t kRecordSize = 144;
std::string encode(const FileSignature& signature);
Found<FileSignature> decode_signature(std::string_view bytes);

/// ctime may lie so far before `written_at`: until Linux 6.13 file times are those of the last tick, at most 10 ms ago (HZ=100).
inline constexpr std::int64_t kTick_ns = 10'000'000;
/// And so far behind: from asking the clock to the end of setxattr.  Usually 0.01 ms; a writer that slept in between hears `late`.
inline constexpr std::int64_t kWindow_ns = 50'000'000;

/// True where `status` is in the state that the record was made in, ctime apart.  A generation of 0, on either side, is not compared.
bool same_state(const TargetState& target, const sys::FileStatus& status, std::uint32_t generation);
/// True where ctime lies in the window around `written_at_ns`.
bool in_window(std::int64_t written_at_ns, const timespec& changed);

}  // namespace foxing::signature
