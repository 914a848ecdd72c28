// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/archive/appending.h"

#include <utility>

#include "sys/file.h"

namespace foxing::archive {

Result<std::unique_ptr<Appending>> Appending::to(sys::FdView file, codec::Codec codec) {
  sys::UniqueFd own = FOX_TRY(sys::duplicate(file));
  Archive archive = FOX_TRY(Archive::open(std::move(own)));
  FOX_TRY(may_append(archive.header()));
  FOX_TRY(archive.may_end_here());
  std::unique_ptr<Appending> appending(new Appending(file, std::move(archive), codec));
  FOX_TRY(appending->learn_ids());
  return appending;
}

Appending::~Appending() {
  // A run that cannot is like one that was killed: the next one cuts off.
  if (begun_) (void)sys::truncate(file_, Bytes(archive_.end()));
}

Result<> Appending::learn_ids() {
  for (std::uint64_t number = 0; number < archive_.footer().chunks; ++number) {
    const auto placed = archive_.place(number);
    if (!placed && placed.error().code != EBADMSG) return tl::make_unexpected(placed.error());
    if (placed) writer_.ids().insert(placed->id, static_cast<std::uint32_t>(number));  // a damaged one is stored once more
  }
  return {};
}

void Appending::prepare(ExportOptions& options) {
  options.chunks = archive_.header().chunks;
  options.previous = &before_;
  options.previous_device = last().device;
}

Result<Writer*> Appending::begin() {
  if (archive_.end() < archive_.size()) FOX_TRY(sys::truncate(file_, Bytes(archive_.end())));
  FOX_TRY(sys::set_position(file_, FileOffset(archive_.end())));
  begun_ = true;
  return &writer_;
}

Result<> Appending::commit() {
  FOX_TRY(sys::sync_file(file_));
  begun_ = false;
  return {};
}

Error Appending::give_up(Error why) {
  if (!std::exchange(begun_, false)) return why;
  if (const auto cut = sys::truncate(file_, Bytes(archive_.end())); !cut) {
    why.detail += why.detail.empty() ? "" : "; ";
    why.detail += "what was added could not be cut off again (" + cut.error().message() +
                  "): the snapshot may be there, or a part of it, which the next --append writes over";
  }
  return why;
}

}  // namespace foxing::archive
