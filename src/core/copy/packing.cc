// SPDX-License-Identifier: GPL-2.0-or-later
// Regular files that are compressed or decompressed on their way: read, made, noted, and compared with what is there.
//
// A copy is bound to the version of its source by a note (made.h).  Where that says nothing certain the compressed side is decompressed and compared with
// the other one, up to the first difference: that is several times cheaper than compressing, and leaves a copy that is equal as it is.
// One file is one worker's, however large.  docs/streams.md has what users need to know.
#include <sys/stat.h>

#include <optional>

#include "core/copy/copier.h"
#include "core/copy/made.h"
#include "sys/file.h"
#include "sys/names.h"

namespace foxing::copy {
namespace {

using Way = Transformation::Way;

/// A place of single names, which are final: the program has given them.
bool is_place(const walk::Directory& directory) {
  return directory.parent() == nullptr && directory.status().inode() == InodeNo(0);
}

}  // namespace

std::string Copier::name_in_target(const walk::Directory& directory, const std::string& name, sys::FileType type) const {
  const auto& target = static_cast<const TargetDirectory&>(*directory.attachment());
  if (!options_.packing.active() || type != sys::FileType::regular || is_place(directory)) return target.name_for(name);
  return options_.packing.name_of_file(directory.fd(), name);
}

std::string Copier::name_in_target(const walk::Directory& directory, const std::string& name, const Opened& source) const {
  const auto& target = static_cast<const TargetDirectory&>(*directory.attachment());
  if (!options_.packing.active() || is_place(directory)) return target.name_for(name);
  const auto how = options_.packing.of(source.fd);
  return how ? packed_name(name, *how) : name_in_target(directory, name, sys::FileType::regular);
}

bool Copier::is_packed(const Opened& source) const {
  if (!options_.packing.active()) return false;
  const auto how = options_.packing.of(source.fd);
  return how && how->way != Way::none;
}

bool Copier::name_is_taken(walk::Directory& directory, const walk::Entry& entry) {
  if (!options_.packing.active() || is_place(directory)) return false;
  const auto rival = options_.packing.rival_of(directory, entry.name);
  if (!rival) return false;
  report(directory, entry.name, ProblemKind::in_the_way,
         {.code = 0,
          .operation = "",
          .subject = {},
          .detail = "would have the same name in the target as '" + *rival + "' of the same directory, which has it"});
  return true;
}

Result<Copier::Finished> Copier::read_packed(TargetDirectory& target, std::string name, const Opened& source,
                                             const Transformation& how, bool hot, walk::WorkerIndex worker) {
  Workbench& bench = at(worker).bench;
  StagedFile staged = FOX_TRY(stage(target, std::move(name), source.status, worker));
  Transformed done;
  if (how.way == Way::compress && (target.pair().sizes_mean_nothing || source.status.size() == Bytes(0))) {
    const Bytes limit = source.status.size() + source.status.size() + 1_GiB;
    done = FOX_TRY(compress_until_end(source.fd, limit, staged.fd(), how.codec, &bench.so_far(), bench.pacer()));
  } else if (how.way == Way::compress) {
    const auto compressed =
        FOX_TRY(compress_file(source.fd, source.status.size(), staged.fd(), how.codec, &bench.so_far(), bench.pacer()));
    if (!compressed) return tl::make_unexpected(changed_error());  // it ended too early
    done = *compressed;
  } else {
    const Zeros zeros = options_.choices.sparse == Sparse::never ? Zeros::written : Zeros::left_out;
    done = FOX_TRY(decompress_file(source.fd, staged.fd(), zeros, &bench.so_far(), bench.pacer()));
  }
  const bool settled = !hot || FOX_TRY(is_equal_unpacked(how, source.fd, done.read, staged.fd(), done.size, worker));
  const timespec modified = options_.keep.times ? source.status.modified() : FOX_TRY(sys::status_of(staged.fd())).modified();
  // Before the mode, which may forbid it; setting it moves no modification time.
  leave_made({staged.fd()}, made_of(source.status, how, done.size, modified));
  meta::Losses losses = FOX_TRY(dress(target, source, staged));

  Counters& counters = at(worker).counters;
  counters.packed_files.fetch_add(1, std::memory_order_relaxed);
  counters.packed_read.fetch_add(done.read.value, std::memory_order_relaxed);
  counters.packed_made.fetch_add(done.size.value, std::memory_order_relaxed);
  Moved moved{.tier = Tier::codec, .bytes = done.read, .attempts = {}};
  if (observer_.wants_files()) moved.attempts.push_back({Tier::codec, 0});
  const char* const why = how.way == Way::compress ? "--compress" : "--decompress: its first bytes say that it is compressed";
  return Finished{std::move(staged), std::move(moved), std::move(losses), why, settled};
}

Result<bool> Copier::is_equal_unpacked(const Transformation& how, sys::FdView source, Bytes source_size, sys::FdView copy,
                                       Bytes copy_size, walk::WorkerIndex worker) {
  const Pacer pacer = at(worker).bench.pacer();
  if (how.way == Way::compress) return unpacks_to(copy, source, source_size, how.codec.format, pacer);
  return unpacks_to(source, copy, copy_size, how.codec.format, pacer);
}

Result<std::optional<Copier::Sameness>> Copier::packed_sameness(Sides& sides, Changes& changes, walk::WorkerIndex worker) {
  if (!options_.packing.active()) return std::nullopt;
  const sys::FileStatus &status = sides.status(), &existing = sides.existing();
  std::optional<Made> note;
  if (const auto copy = sides.copy()) note = read_made(*copy);
  Transformation how = options_.packing.how();
  Data data = made_check(note, how, status, existing, options_.compare);
  if (sides.target().pair().sizes_mean_nothing) data = Data::differs;
  if (data == Data::same && may_be_half_changed(sides)) data = Data::look;
  // A valid note spares opening the source.
  if (data == Data::same) return Sameness::at_a_glance;

  const sys::FdView source = FOX_TRY(sides.source_data());
  if (!sys::same_version(FOX_TRY(sys::status_of(source)), status)) return Sameness::differs;
  how = FOX_TRY(options_.packing.of(source));
  if (how.way == Way::none) return std::nullopt;
  changes.size = note && note->source.size != status.size();
  if (data == Data::differs) return Sameness::differs;

  const sys::FdView copy = FOX_TRY(sides.copy_data());
  const sys::FileStatus copy_status = FOX_TRY(sys::status_of(copy));
  const bool same = FOX_TRY(is_equal_unpacked(how, source, status.size(), copy, copy_status.size(), worker)) &&
                    sys::same_version(FOX_TRY(sys::status_of(source)), status);
  changes.content = !same;
  if (!same) return Sameness::differs;
  if (!options_.dry_run) {
    if (existing.size() >= kSmallestMarked) (void)clear_dirty({copy}, false);  // a dead run's: the bytes are right
    // What differs beside the bytes is set after this, the modification time too.
    const timespec modified = options_.keep.times ? status.modified() : copy_status.modified();
    const bool closed = !options_.keep.privileges.ignore_permissions && (copy_status.permissions() & S_IWUSR) == 0;
    if (closed) (void)sys::set_mode({copy}, copy_status.permissions() | S_IWUSR);  // a note asks for it
    leave_made({copy}, made_of(status, how, copy_status.size(), modified));
    if (closed) (void)sys::set_mode({copy}, copy_status.permissions());
  }
  return Sameness::at_a_glance;
}

}  // namespace foxing::copy
