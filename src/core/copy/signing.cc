// SPDX-License-Identifier: GPL-2.0-or-later
// Signatures and directory hashes, where the copier meets them.  core/signature says what they are, docs/formats/signature.md how they look.
//
// Files.       Read when the quick check is in doubt, and always with --generate-sigs.  Written last, when a file has its name, its attributes and its
//              links: whatever comes later moves ctime, and the signature is no longer believed.
// Directories. pruning.h.
#include "core/copy/copier.h"
#include "core/signature/hashing.h"
#include "sys/file.h"
#include "sys/names.h"
#include "sys/process.h"

namespace foxing::copy {
namespace {

/// Devices are numbered anew when a machine starts, or a snapshot is mounted.
bool is_same_file(const signature::SourceState& noted, const sys::FileStatus& source) {
  return noted.inode == source.inode() && noted.size == source.size() && sys::same_time(noted.modified, source.modified()) &&
         sys::same_time(noted.changed, source.changed());
}

bool is_of(const signature::SourceState& noted, const sys::FileStatus& source) {
  return noted.device == source.device() && is_same_file(noted, source);
}

/// Errors of hashing as the rest of the copier has them.
Result<signature::Content> hashed(sys::FdView file, Bytes size, Workbench& bench) {
  auto content = signature::hash_file(file, size, bench.buffer());
  if (!content && sys::stop_requested()) return fail(ECANCELED, "copy");
  return content;
}

constexpr Bytes kLargestKnownLeaf = 4_MiB;  // of a file of 16 GiB; a larger one would be held in memory twice

}  // namespace

/// The leaf of a tree of hashes over any number of leaves of 64 KiB: what a signature with larger leaves says of them.
LeafHash hash_of_large_leaf(std::span<const std::byte> bytes) {
  std::vector<signature::LeafHash> hashes;
  do {
    const auto piece = bytes.first(std::min<std::size_t>(bytes.size(), signature::kLeaf.value));
    hashes.push_back(signature::hash_of_leaf(piece));
    bytes = bytes.subspan(piece.size());
  } while (!bytes.empty());
  while (hashes.size() > 1) hashes = signature::folded(hashes);
  return hashes.front().bytes;
}

// ---- Directories

bool Copier::pruned(walk::Directory& directory, TargetDirectory& target, walk::WorkerIndex worker) {
  const Subtree* same = hashes_.unchanged(directory.status().key(), target);
  if (same == nullptr || (options_.hard_links && same->links_elsewhere != 0)) return false;
  auto found = meta::differences({directory.fd()}, directory.status(), {target.fd()}, target.status(), options_.keep,
                                 options_.compare.window);
  if (!found) return false;
  found->accessed = false;  // whoever reads a directory moves it; below it is not looked at either
  if (found->any()) return false;
  Counters& counters = at(worker).counters;
  constexpr auto relaxed = std::memory_order_relaxed;
  counters.pruned.fetch_add(1, relaxed);
  counters.entries.fetch_add(same->entries, relaxed);
  counters.directories.fetch_add(same->directories + 1, relaxed);
  counters.unchanged.fetch_add(same->entries - same->directories, relaxed);
  counters.bytes_so_far.fetch_add(same->bytes.value, relaxed);
  return true;
}

void Copier::store_hash(walk::Directory& directory, TargetDirectory& target) {
  if (!root_ || target.spoiled() || directory.incomplete() || sys::stop_requested()) return;
  if (target.pair().sizes_mean_nothing) return spoil(directory);  // what is read there changes without a trace
  if (auto noted = hashes_.note(directory.status().key(), target, root_); !noted)
    fail_entry(directory, {}, std::move(noted).error());
}

void Copier::spoil(const walk::Directory& directory) {
  for (const walk::Directory* at = &directory; at != nullptr; at = at->parent())
    if (at->attachment() != nullptr) static_cast<TargetDirectory*>(at->attachment())->spoil();
}

// ---- Files

std::optional<Data> Copier::told_by_signature(Sides& sides, walk::WorkerIndex worker) {
  const auto copy = sides.copy_data();
  if (!copy) return std::nullopt;
  TargetDirectory& target = sides.target();
  const sys::FileStatus& status = sides.status();
  const auto found = signatures_.read({target.fd(), target.sidecar(), sides.target_name(), {*copy}}, sides.existing());
  if (!found.value) return std::nullopt;
  if (is_of(found.value->source, status)) return Data::same;
  const auto source = sides.source_data();
  if (!source) return std::nullopt;
  const auto content = hashed(*source, status.size(), at(worker).bench);
  const auto after = sys::status_of(*source);
  if (!content || !after || !sys::same_version(status, *after)) return std::nullopt;
  return content->root == found.value->root ? Data::same : Data::differs;
}

bool Copier::was_touched(Sides& sides) {
  const auto copy = sides.copy_data();
  if (!copy) return false;
  TargetDirectory& target = sides.target();
  const auto found = signatures_.read({target.fd(), target.sidecar(), sides.target_name(), {*copy}}, sides.existing());
  // Another file of the source has come under the name, of the same size and time, and older than the copy.
  const bool by_version = options_.compare.by == Comparison::By::quick && !options_.compare.trust_times;
  if (by_version && found.value && !is_same_file(found.value->source, sides.status())) return true;
  // Also where the record itself was spoilt: to sign the file then would be to vouch for whatever it holds.
  return !found.value && found.ignored != signature::Ignored::absent && found.ignored != signature::Ignored::unreadable;
}

Result<std::optional<signature::Content>> Copier::content_to_sign(const Opened& source, sys::FdView copy, const Pair& pair,
                                                                  walk::WorkerIndex worker) {
  if (!options_.sign || pair.sizes_mean_nothing) return std::nullopt;
  // The source is in memory anyway, and reading it leaves no trace; but one that moves may no longer be what was copied.
  return FOX_TRY(hashed(may_change_unseen(source.status.changed(), begin_) ? copy : sys::FdView(source.fd), source.status.size(),
                        at(worker).bench));
}

/// A version that may become another one without a trace is no version; and what an option has called equal without a look need not be equal.
/// The next run then compares hashes.
bool Copier::vouches_for(const sys::FileStatus& source) const {
  const bool by_less = options_.compare.by == Comparison::By::size || options_.compare.trust_times;
  return !by_less && !may_change_unseen(source.changed(), begin_);
}

signature::SourceState Copier::signed_for(const sys::FileStatus& source) const {
  signature::SourceState state = signature::source_state(source);
  if (!vouches_for(source)) state.changed = {};
  return state;
}

void Copier::sign(TargetDirectory& target, const std::string& target_name, sys::FdView file, const signature::Content& content,
                  const sys::FileStatus& source, bool fresh) {
  // Whatever goes wrong here, the file is right; that it has no signature is counted in signatures_.
  (void)signatures_.write({target.fd(), target.sidecar(), target_name, {file}}, content, signed_for(source), {.fresh = fresh});
}

void Copier::sign_existing(TargetDirectory& target, const std::string& target_name, const sys::FileStatus& source,
                           const sys::FileStatus& existing, walk::WorkerIndex worker) {
  if (source.type() != sys::FileType::regular || options_.dry_run) return;
  const auto copy = sys::open_at(target.fd(), target_name, {.keep_atime = true});
  if (!copy) return;
  const auto before = sys::status_of(*copy);
  if (!before || before->key() != existing.key() || before->size() != source.size()) return;
  const signature::Place place{target.fd(), target.sidecar(), target_name, {*copy}};
  // The quick check has asked already, and counted what does not hold.
  const bool asked = options_.compare.by == Comparison::By::quick;
  if (const auto found = asked ? signatures_.peek(place, *before) : signatures_.read(place, *before); found.value) {
    if (!is_of(found.value->source, source) && vouches_for(source)) renew(*copy, found.value, &source);
    return;
  }
  const auto content = hashed(*copy, before->size(), at(worker).bench);
  const auto after = sys::status_of(*copy);
  if (content && after && sys::same_version(*before, *after)) sign(target, target_name, *copy, *content, source, false);
}

std::vector<LeafHash> Copier::known_leaves(TargetDirectory& target, const std::string& name, sys::FdView old,
                                           const sys::FileStatus& status, Bytes& leaf_size) {
  if (looks_at_bytes() || is_marked_dirty({old})) return {};
  const signature::Place place{target.fd(), target.sidecar(), name, {old}};
  const auto found = signatures_.read(place, status);
  if (!found.value || found.value->leaves < 2 || found.value->leaf_log2 > 62) return {};
  leaf_size = Bytes(std::uint64_t{1} << found.value->leaf_log2);
  if (leaf_size > kLargestKnownLeaf) return {};
  const auto leaves = signatures_.read_leaves(place, *found.value);
  if (!leaves.value) return {};
  std::vector<LeafHash> known;
  known.reserve(leaves.value->hashes.size());
  for (const signature::LeafHash& hash : leaves.value->hashes) known.push_back(hash.bytes);
  return known;
}

std::optional<signature::FileSignature> Copier::signature_of(sys::FdView file) {
  if (!options_.sign) return std::nullopt;
  const auto status = sys::status_of(file);
  if (!status || status->type() != sys::FileType::regular) return std::nullopt;
  static const std::string kNoName;
  signature::Sidecar none;  // of no directory: what lies in one is not renewed
  return signatures_.peek({file, none, kNoName, {file, sys::Handle::path}}, *status).value;
}

void Copier::renew(sys::FdView file, const std::optional<signature::FileSignature>& before, const sys::FileStatus* source) {
  if (!before) return;
  (void)signatures_.renew({file, sys::Handle::path}, *before, source == nullptr ? before->source : signed_for(*source));
}

}  // namespace foxing::copy
