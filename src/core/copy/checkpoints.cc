// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/checkpoints.h"

#include <algorithm>
#include <charconv>
#include <climits>
#include <utility>

#include "core/storage/filesystem.h"
#include "sys/attributes.h"
#include "sys/file.h"
#include "sys/names.h"

namespace foxing::copy {
namespace {

constexpr std::string_view kMark = ".checkpoint-";
constexpr std::size_t kLongestNumber = 20;

Result<StagedFile> stage(TargetDirectory& directory, TempNames& names, std::string name, mode_t mode) {
  return StagedFile::create(directory, directory.fd(), names, std::move(name), mode, StagedFile::Staging::atomic);
}

}  // namespace

Result<Checkpoints> Checkpoints::create(TargetDirectory& directory, TempNames& names, std::string name, mode_t mode,
                                        unsigned keep) {
  if (name.size() + kMark.size() + kLongestNumber > NAME_MAX)
    return fail(ENAMETOOLONG, "", {}, "is too long a name for checkpoints, which add to it");
  Checkpoints checkpoints(directory, names, std::move(name), mode, keep);
  const StagedFile from = FOX_TRY(stage(directory, names, checkpoints.name_, mode));
  const StagedFile to = FOX_TRY(stage(directory, names, checkpoints.name_, mode));
  if (auto cloned = sys::clone(from.fd(), to.fd()); !cloned) {
    const int code = cloned.error().code;
    if (code != EOPNOTSUPP && code != EINVAL && code != ENOTTY && code != ENOSYS && code != EXDEV)
      return tl::make_unexpected(std::move(cloned).error());
    return fail(EOPNOTSUPP, "", {},
                "lies on " + std::string(storage::name_of(directory.pair().target_kind)) +
                    ", where files cannot share blocks; checkpoints need that (XFS and btrfs can); nothing was written");
  }
  FOX_TRY(checkpoints.find_number());
  return checkpoints;
}

/// The highest number that is there.
Result<> Checkpoints::find_number() {
  const sys::UniqueFd directory = FOX_TRY(sys::open_at(directory_->fd(), ".", {.directory = true}));
  sys::DirectoryReader reader(32 * 1024);
  const std::string begin = name_ + std::string(kMark);
  while (FOX_TRY(reader.fill(directory))) {
    while (const auto entry = reader.next()) {
      std::string_view rest(entry->name, entry->length);
      if (!rest.starts_with(begin)) continue;
      rest.remove_prefix(begin.size());
      std::uint64_t number = 0;
      const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
      if (problem == std::errc{} && end == rest.data() + rest.size()) number_ = std::max(number_, number);
    }
  }
  return {};
}

Result<> Checkpoints::make(sys::FdView staged) {
  const std::string name = name_ + std::string(kMark) + std::to_string(number_ + 1);
  StagedFile checkpoint = FOX_TRY(stage(*directory_, *names_, name, mode_));
  FOX_TRY(sys::clone(staged, checkpoint.fd()));
  if (checkpoint.mode() != mode_) FOX_TRY(sys::set_mode({checkpoint.fd()}, mode_));
  FOX_TRY(sys::sync_file(checkpoint.fd()));
  FOX_TRY(checkpoint.commit());
  ++number_;
  ++made_;
  kept_.push_back(name);
  return remove_oldest(keep_);
}

Result<> Checkpoints::remove_all() { return remove_oldest(0); }

Result<> Checkpoints::remove_oldest(std::size_t left) {
  while (kept_.size() > left) {
    const std::string name = std::move(kept_.front());
    kept_.pop_front();  // whatever becomes of it: it is not tried again
    auto removed = directory_->remove(name);
    if (!removed && removed.error().code != ENOENT) return tl::make_unexpected(std::move(removed).error().about(name));
  }
  return {};
}

}  // namespace foxing::copy
