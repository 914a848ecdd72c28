// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/signature/store.h"

#include <utility>

#include "sys/process.h"

namespace foxing::signature {
namespace {

bool is_no_room(int code) { return code == ENOSPC || code == EDQUOT || code == E2BIG || code == ERANGE; }
bool is_refusal(int code) { return code == EACCES || code == EPERM || code == EROFS; }

/// A process that was held up between the two calls is too late; where the clocks differ once more does not help.
constexpr int kAttempts = 2;

/// An attribute's bytes, or the errno.
int get(sys::Object object, sys::CString name, std::string& bytes) {
  const auto got = sys::get_attribute(object, name, bytes);
  return got ? 0 : got.error().code;
}

Result<> remove_if_there(sys::Object object, sys::CString name) {
  auto removed = sys::remove_attribute(object, name);
  if (!removed && removed.error().code == ENODATA) return {};
  return removed;
}

std::uint32_t generation_of(sys::Object object) {
  if (object.handle == sys::Handle::path) return 0;
  return sys::generation_of(object.fd).value_or(0);
}

}  // namespace

std::int64_t Store::now_ns() {
  const timespec now = sys::wall_clock();
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

// ---- Reading

Found<FileSignature> Store::read(const Place& place, const sys::FileStatus& status) {
  Found<FileSignature> found = peek(place, status);
  if (!found.value) ignored_[static_cast<std::size_t>(found.ignored)].fetch_add(1, std::memory_order_relaxed);
  return found;
}

Found<FileSignature> Store::peek(const Place& place, const sys::FileStatus& status) const {
  std::string bytes;
  bool bound = false;
  bool beside = place.sidecar.is_in_use();
  if (!beside) {
    const int code = get(place.target, kSigAttribute, bytes);
    if (code == ENODATA) return {{}, Ignored::absent};
    if (code != 0 && code != EOPNOTSUPP) return {{}, Ignored::unreadable};
    if (code == EOPNOTSUPP) {
      place.sidecar.use();
      beside = true;
    }
  }
  if (beside) {
    const auto entry = place.sidecar.find(place.directory, place.name);
    if (!entry) return {{}, place.sidecar.ignored()};
    bytes = entry->signature;
    bound = sys::same_time(entry->changed, status.changed());
  }
  Found<FileSignature> found = decode_signature(bytes);
  if (!found.value) return found;
  if (!beside) bound = in_window(found.value->written_at_ns, status.changed());
  // The generation costs a call, so it comes last.
  if (!bound || !same_state(found.value->target, status, 0)) return {{}, Ignored::stale};
  const std::uint32_t generation = found.value->target.generation;
  if (generation != 0 && !same_state(found.value->target, status, generation_of(place.target))) return {{}, Ignored::stale};
  return found;
}

Found<Leaves> Store::read_leaves(const Place& place, const FileSignature& signature) {
  std::string bytes;
  int code = 0;
  if (place.sidecar.is_in_use()) {
    const auto entry = place.sidecar.find(place.directory, place.name);
    if (entry) bytes = entry->leaves;
    if (bytes.empty()) code = ENODATA;
  } else {
    code = get(place.target, kMerkleAttribute, bytes);
  }
  Found<Leaves> found{{}, code == ENODATA || code == EOPNOTSUPP ? Ignored::absent : Ignored::unreadable};
  if (code == 0) found = decode_leaves(bytes, signature);
  if (!found.value) ignored_[static_cast<std::size_t>(found.ignored)].fetch_add(1, std::memory_order_relaxed);
  return found;
}

// ---- Writing

Result<WriteAnswer> Store::count(Result<WriteAnswer> answer) {
  if (answer) written_[static_cast<std::size_t>(answer->written)].fetch_add(1, std::memory_order_relaxed);
  return answer;
}

Result<WriteAnswer> Store::write(const Place& place, const Content& content, const SourceState& source, WriteOptions options) {
  const sys::FileStatus status = FOX_TRY(sys::status_of(place.target.fd));
  if (status.size() != content.leaves.size) return count(WriteAnswer{.written = Written::changed});
  const FileSignature signature{
      .target = {.size = status.size(),
                 .modified = status.modified(),
                 .inode = status.inode(),
                 .generation = generation_of(place.target)},
      .written_at_ns = 0,
      .source = source,
      .leaf_log2 = content.leaves.leaf_log2,
      .leaves = static_cast<std::uint32_t>(content.leaves.hashes.size()),
      .root = content.root,
  };
  if (!place.sidecar.is_in_use()) {
    auto answer = write_attributes(place, signature, content.leaves, options);
    if (answer) return count(std::move(answer));
    const int code = answer.error().code;
    if (is_no_room(code)) return count(WriteAnswer{.written = Written::no_room});
    if (is_refusal(code)) return count(WriteAnswer{.written = Written::refused});
    if (code != EOPNOTSUPP) return answer;
    place.sidecar.use();
  }
  FileSignature beside = signature;
  beside.written_at_ns = clock_();
  const bool with_leaves = content.leaves.hashes.size() > 1;
  place.sidecar.put(
      place.directory, place.name,
      {.changed = status.changed(), .signature = encode(beside), .leaves = with_leaves ? encode(content.leaves) : ""});
  return count(WriteAnswer{.written = Written::sidecar, .leaves = with_leaves ? beside.leaves : 0});
}

Result<WriteAnswer> Store::write_attributes(const Place& place, FileSignature signature, Leaves leaves,
                                            WriteOptions options) const {
  // The leaves first: the signature is bound to the ctime that its own attribute causes.
  while (leaves.hashes.size() > 1) {
    const auto set = sys::set_attribute(place.target, kMerkleAttribute, encode(leaves));
    if (set) break;
    if (!is_no_room(set.error().code)) return tl::make_unexpected(set.error());
    leaves = folded(std::move(leaves), leaves.leaf_log2 + 1);
  }
  if (leaves.hashes.size() == 1 && !options.fresh) FOX_TRY(remove_if_there(place.target, kMerkleAttribute));
  signature.leaf_log2 = leaves.leaf_log2;
  signature.leaves = static_cast<std::uint32_t>(leaves.hashes.size());
  sys::FileStatus after;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    signature.written_at_ns = clock_();
    FOX_TRY(sys::set_attribute(place.target, kSigAttribute, encode(signature)));
    after = FOX_TRY(sys::status_of(place.target.fd));
    if (in_window(signature.written_at_ns, after.changed())) break;
  }
  const std::uint32_t stored = leaves.hashes.size() > 1 ? signature.leaves : 0;
  if (!in_window(signature.written_at_ns, after.changed()))
    return WriteAnswer{.written = Written::written_late, .leaves = stored};
  if (!same_state(signature.target, after, 0)) return WriteAnswer{.written = Written::changed, .leaves = stored};
  return WriteAnswer{.written = Written::attribute, .leaves = stored};
}

Result<> Store::renew(sys::Object target, FileSignature signature, const SourceState& source) {
  const sys::FileStatus status = FOX_TRY(sys::status_of(target.fd));
  if (status.inode() != signature.target.inode || status.size() != signature.target.size) return {};
  signature.target.modified = status.modified();
  signature.source = source;
  Result<> set;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    signature.written_at_ns = clock_();
    set = sys::set_attribute(target, kSigAttribute, encode(signature));
    if (!set || in_window(signature.written_at_ns, FOX_TRY(sys::status_of(target.fd)).changed())) break;
  }
  const bool only_lost = !set && (is_no_room(set.error().code) || is_refusal(set.error().code) || set.error().code == EOPNOTSUPP);
  return only_lost ? Result<>() : set;
}

Result<> Store::remove(const Place& place) {
  if (!place.sidecar.is_in_use()) {
    const auto removed = sys::remove_attribute(place.target, kSigAttribute);
    if (removed || removed.error().code == ENODATA) return remove_if_there(place.target, kMerkleAttribute);
    if (removed.error().code != EOPNOTSUPP) return removed;
    place.sidecar.use();
  }
  place.sidecar.remove(place.directory, place.name);
  return {};
}

// ---- Directories

Found<DirSignature> Store::read_directory(sys::FdView directory, Sidecar& sidecar) {
  std::string bytes;
  int code = EOPNOTSUPP;
  if (!sidecar.is_in_use()) code = get({directory, sys::Handle::file}, kDirHashAttribute, bytes);
  if (code == EOPNOTSUPP) {
    sidecar.use();
    bytes = sidecar.dir_signature(directory);
    code = bytes.empty() ? ENODATA : 0;
  }
  Found<DirSignature> found;
  if (code == 0) {
    found = decode_dir_signature(bytes);
  } else {
    found.ignored = code == ENODATA ? Ignored::absent : Ignored::unreadable;
  }
  if (!found.value) ignored_[static_cast<std::size_t>(found.ignored)].fetch_add(1, std::memory_order_relaxed);
  return found;
}

Result<Written> Store::write_directory(sys::FdView directory, Sidecar& sidecar, const DirSignature& signature) {
  Written written = Written::attribute;
  if (!sidecar.is_in_use()) {
    const auto set = sys::set_attribute({directory, sys::Handle::file}, kDirHashAttribute, encode(signature));
    if (!set) {
      const int code = set.error().code;
      if (code == EOPNOTSUPP) {
        sidecar.use();
      } else if (is_no_room(code)) {
        written = Written::no_room;
      } else if (is_refusal(code)) {
        written = Written::refused;
      } else {
        return tl::make_unexpected(set.error());
      }
    }
  }
  if (sidecar.is_in_use()) {
    sidecar.put_dir_signature(directory, encode(signature));
    written = Written::sidecar;
  }
  hashes_[static_cast<std::size_t>(written)].fetch_add(1, std::memory_order_relaxed);
  return written;
}

Result<bool> Store::forget_directory(sys::FdView directory, Sidecar& sidecar) {
  int code = EOPNOTSUPP;
  std::string bytes;
  if (!sidecar.is_in_use()) code = get({directory, sys::Handle::file}, kDirHashAttribute, bytes);
  if (code == ENODATA) return false;
  if (code != EOPNOTSUPP) {
    FOX_TRY(remove_if_there({directory, sys::Handle::file}, kDirHashAttribute));
    return true;
  }
  sidecar.use();
  if (sidecar.dir_signature(directory).empty()) return false;
  sidecar.put_dir_signature(directory, "");
  return true;
}

}  // namespace foxing::signature
