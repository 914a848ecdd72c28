// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/ingest.h"

#include <sys/stat.h>

#include <utility>

#include "base/text.h"
#include "core/meta/meta.h"
#include "sys/attributes.h"
#include "sys/file.h"
#include "sys/names.h"
#include "sys/process.h"
#include "sys/status.h"
#include "sys/stream.h"

namespace foxing::copy {
namespace {

// Every punch is a command to the device; below this size writing is cheaper.
constexpr std::size_t kDeviceBlock = 64 * 1024;

tl::unexpected<Error> no_room(Bytes wanted, std::optional<Bytes> free) {
  const std::string there = free ? "has " + human(*free) + " free" : "has not enough room";
  return fail(ENOSPC, "", {}, there + ", and " + human(wanted) + " are announced; nothing was written");
}

}  // namespace

Result<Ingest> Ingest::prepare(TargetDirectory& directory, TempNames& names, const std::string& name, IngestOptions options) {
  auto replaced = FOX_TRY(replaced_by(directory, name));
  if (replaced) options.mode = replaced->status.permissions() & 0700;  // until it is whole, of its checkpoints too
  StagedFile staged =
      FOX_TRY(StagedFile::create(directory, directory.fd(), names, name, options.mode, StagedFile::Staging::atomic));
  Ingest ingest(directory, std::move(staged), std::move(options), std::move(replaced));
  if (ingest.options_.checkpoint) {
    ingest.checkpoints_ =
        FOX_TRY(Checkpoints::create(directory, names, name, ingest.options_.mode, ingest.options_.checkpoint->keep));
  }
  FOX_TRY(ingest.reserve());
  return ingest;
}

/// What has the name, links followed: as whoever writes into it would find it.
Result<std::optional<Ingest::Replaced>> Ingest::replaced_by(const TargetDirectory& directory, const std::string& name) {
  auto file = sys::open_at(directory.fd(), name, {.access = sys::Access::path, .links = sys::Links::follow});
  if (!file && file.error().code == ENOENT) return std::optional<Replaced>();
  if (!file) return tl::make_unexpected(std::move(file).error());
  const sys::FileStatus status = FOX_TRY(sys::status_of(*file));
  if (status.type() != sys::FileType::regular) return std::optional<Replaced>();
  return std::optional(Replaced{std::move(*file), status});
}

/// Owner, mode and ACL of what is replaced, as far as that is permitted; never more for others than that gave them.
Result<> Ingest::take_over() {
  const sys::FdView file = staged_.fd();
  sys::FileStatus old = replaced_->status;
  old.raw.st_mode &= ~mode_t{S_ISUID | S_ISGID};  // that was said of another content
  const meta::Policy keep{.mode = true, .owner = true, .group = true, .acls = true, .umask = 0, .privileges = sys::privileges()};
  FOX_TRY(meta::apply({replaced_->file, sys::Handle::path}, old, {file}, meta::Current::of(FOX_TRY(sys::status_of(file))), keep,
                      directory_->pair().fidelity));
  const sys::FileStatus now = FOX_TRY(sys::status_of(file));
  if (now.group() == old.group()) return {};
  // Another group has no right to more than all others.
  const mode_t mode = now.permissions();
  return sys::set_mode({file}, (mode & ~mode_t{S_IRWXG}) | (mode & S_IRWXG & (mode & S_IRWXO) << 3));
}

/// Room for what is announced, without changing the file's size.
Result<> Ingest::reserve() {
  if (!options_.size || *options_.size == Bytes(0) || options_.transformation.way == Transformation::Way::compress) return {};
  const Bytes wanted = *options_.size;
  const struct statfs space = FOX_TRY(sys::filesystem_of(staged_.fd()));
  const auto block = static_cast<std::uint64_t>(space.f_bsize);
  // All that is free rather than what this user may have of it: which of the two counts, fallocate knows.
  if (space.f_blocks > 0 && wanted.value / block > space.f_bfree) return no_room(wanted, Bytes(space.f_bavail * block));
  auto reserved = sys::preallocate(staged_.fd(), {FileOffset(0), FileOffset(wanted.value)});
  if (!reserved) {
    const int code = reserved.error().code;
    if (code == ENOSPC || code == EDQUOT) return no_room(wanted, std::nullopt);
    if (code == EFBIG) return fail(EFBIG, "", {}, "would be larger than a file may be here; nothing was written");
    if (code != EOPNOTSUPP && code != ENOSYS) return reserved;
  }
  reserved_ = reserved.has_value();
  return {};
}

Result<Ingested> Ingest::run(sys::FdView source, std::atomic<std::uint64_t>& so_far) {
  const Zeros zeros = !options_.holes ? Zeros::written : reserved_ ? Zeros::punched : Zeros::left_out;
  ContentWriter writer(staged_.fd(), {.zeros = zeros});
  Pump pump = FOX_TRY(Pump::create(options_.transformation, writer));
  auto last = options_.now();
  Bytes at_last;
  FOX_TRY(pump.run(source, so_far, [&]() -> Result<> {
    if (!checkpoints_ || pump.bytes_read() == at_last) return {};
    const auto now = options_.now();
    if (now - last < options_.checkpoint->interval) return {};
    last = now;
    at_last = pump.bytes_read();
    return make_checkpoint(pump, writer);
  }));
  FOX_TRY(writer.flush());
  if (reserved_) FOX_TRY(sys::truncate(staged_.fd(), writer.size()));  // what was reserved and not needed
  Ingested ingested{.read = pump.bytes_read(), .size = writer.size(), .written = writer.written()};
  FOX_TRY(commit());
  if (checkpoints_) {
    ingested.checkpoints = checkpoints_->made();
    if (auto removed = checkpoints_->remove_all(); !removed && !checkpoint_problem_) checkpoint_problem_ = removed.error();
  }
  return ingested;
}

Result<> Ingest::make_checkpoint(Pump& pump, ContentWriter& writer) {
  FOX_TRY(pump.end_part());
  FOX_TRY(writer.flush());
  // A checkpoint that fails takes nothing from the stream.
  if (auto made = checkpoints_->make(staged_.fd()); !made && !checkpoint_problem_) checkpoint_problem_ = made.error();
  return {};
}

Result<> Ingest::commit() {
  if (replaced_)
    FOX_TRY(take_over());
  else if (staged_.mode() != options_.mode)
    FOX_TRY(sys::set_mode({staged_.fd()}, options_.mode));
  if (!options_.durable) return staged_.commit();
  FOX_TRY(sys::sync_file(staged_.fd()));
  // Of a directory that may not be read only its whole filesystem can be flushed.
  auto directory = sys::open_at(directory_->fd(), ".", {.directory = true});
  if (directory) {
    FOX_TRY(staged_.commit());
    return sys::sync_file(*directory);
  }
  const sys::UniqueFd file = FOX_TRY(sys::duplicate(staged_.fd()));
  FOX_TRY(staged_.commit());
  return sys::sync_filesystem(file);
}

Result<Ingested> write_device(sys::FdView source, sys::FdView device, Bytes device_size, Transformation transformation,
                              std::atomic<std::uint64_t>& so_far) {
  ContentWriter writer(device, {.zeros = Zeros::punched, .block = kDeviceBlock, .device_size = device_size});
  Pump pump = FOX_TRY(Pump::create(transformation, writer));
  FOX_TRY(pump.run(source, so_far, [] { return Result<>(); }));
  FOX_TRY(writer.flush());
  FOX_TRY(sys::sync_file(device));
  return Ingested{.read = pump.bytes_read(), .size = writer.size(), .written = writer.written()};
}

}  // namespace foxing::copy
