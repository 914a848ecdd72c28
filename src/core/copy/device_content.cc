// SPDX-License-Identifier: GPL-2.0-or-later
// Block devices in trees, whose content becomes a file (--copy-devices).
//
// A device has no size or time that would tell whether its content has changed, so it is read each time; where the target has a file of its size and bytes, that
// file stays.  It is staged as every file, and blocks of zeros become holes.  Nobody can say whether somebody wrote to the device meanwhile.  Character devices have
// no end that could be known: they are failures.
#include "core/copy/copier.h"
#include "core/copy/stream.h"
#include "sys/file.h"
#include "sys/names.h"
#include "sys/stream.h"

namespace foxing::copy {

/// Sets what differs of a file that has the device's bytes already.
Result<meta::Losses> Copier::dress_device_copy(TargetDirectory& target, const Opened& source, sys::FdView copy) {
  const sys::FileStatus now = FOX_TRY(sys::status_of(copy));
  const auto found = FOX_TRY(meta::differences({source.fd}, source.status, {copy}, now, options_.keep, options_.compare.window));
  if (!found.any()) return meta::Losses{};
  return meta::apply({source.fd}, source.status, {copy}, meta::Current::of(now), options_.keep, target.pair().fidelity);
}

Result<Copier::Opened> Copier::open_device(const walk::Hold& directory, const walk::Entry& entry, Bytes& size) {
  // Looked at before it is opened: opening some devices does something.
  const sys::FileStatus seen = FOX_TRY(sys::status_at(directory->fd(), entry.name, entry.links));
  if (seen.type() != sys::FileType::block_device) return fail(ESTALE, "openat", {}, "has become something else meanwhile");
  Opened source{FOX_TRY(sys::open_at(directory->fd(), entry.name, {.links = entry.links, .keep_atime = true})), seen};
  source.status = FOX_TRY(sys::status_of(source.fd));
  const bool same = source.status.type() == seen.type() && source.status.special_device() == seen.special_device();
  if (!same) return fail(ESTALE, "openat", {}, "has become something else meanwhile");
  size = FOX_TRY(sys::device_size(source.fd));
  source.status.raw.st_size = static_cast<off_t>(size.value);
  return source;
}

void Copier::copy_device(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) {
  if (entry.type == sys::FileType::character_device) {
    return report(*directory, entry.name, ProblemKind::device,
                  {.code = 0,
                   .operation = "",
                   .subject = {},
                   .detail = "is a character device, whose content has no end; --copy-devices copies that of block devices"});
  }
  Bytes size;
  auto source = open_device(directory, entry, size);
  if (!source && source.error().code == ENOENT) return vanished(*directory, entry.name);
  if (!source) return fail_entry(*directory, entry.name, std::move(source).error());
  const std::string name = entry.name;
  const auto skip = [&] { at(worker).counters.skipped.fetch_add(1, std::memory_order_relaxed); };
  TargetDirectory* before = existing_target(*directory);
  const auto there =
      before != nullptr ? sys::status_at(before->fd(), before->name_for(name)) : Result<sys::FileStatus>(fail(ENOENT, "fstatat"));
  if (there) before->count_match(before->name_for(name));
  if (there ? options_.compare.only_new : options_.compare.only_existing) return skip();
  if (size < options_.compare.smallest || size > options_.compare.largest) return skip();
  if (options_.dry_run) return regular_done(*directory, name, source->status, source->changes, {}, "dry run", worker);

  TargetDirectory& target = target_of(*directory);
  Workbench& bench = at(worker).bench;
  if (there && there->type() == sys::FileType::regular && there->size() == size && there->links() == 1) {
    const auto copy = sys::open_at(target.fd(), target.name_for(name), {.keep_atime = true});
    const auto same = copy ? same_bytes(bench, source->fd, *copy, size) : Result<bool>(false);
    if (!same) return fail_entry(*directory, name, same.error());
    auto losses = *same ? dress_device_copy(target, *source, *copy) : Result<meta::Losses>(fail(ENOENT, "fstatat"));
    if (losses) {
      report(*directory, name, *losses);
      at(worker).counters.unchanged.fetch_add(1, std::memory_order_relaxed);
      if (observer_.wants_unchanged()) tell(*directory, name, FileEvent::Action::unchanged, source->status, {});
      return;
    }
  }
  if (there && there->type() == sys::FileType::regular) source->existing = *there;
  auto staged = stage(target, target.name_for(name), source->status, worker);
  if (!staged) return fail_entry(*directory, name, std::move(staged).error());
  const Holes holes = options_.choices.sparse == Sparse::never ? Holes::none : Holes::scan_zeros;
  const ByteRange whole{FileOffset(0), FileOffset(size.value)};
  auto moved = stream_through(
      bench.buffer(), Stream{source->fd, staged->fd(), whole, holes, target.pair().target_block, &bench.so_far(), bench.pacer()});
  auto sized = moved ? sys::truncate(staged->fd(), size) : Result<>(tl::make_unexpected(moved.error()));
  auto losses = sized ? dress(target, *source, *staged) : Result<meta::Losses>(tl::make_unexpected(sized.error()));
  if (!losses) return fail_entry(*directory, name, std::move(losses).error());
  Moved done{.tier = Tier::plain, .bytes = *moved, .attempts = {}};
  if (observer_.wants_files()) done.attempts.push_back({Tier::plain, 0});
  commit(directory, name, std::move(*source),
         {std::move(*staged), std::move(done), std::move(*losses), "the content of a block device"}, worker);
}

}  // namespace foxing::copy
