// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/partial.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <span>
#include <vector>

#include "core/copy/content.h"
#include "core/copy/seen.h"
#include "core/digest/digest.h"
#include "sys/file.h"
#include "sys/names.h"

namespace foxing::copy {
namespace {

constexpr std::size_t kLongestName = 255;
constexpr int kMostTries = 20;  // others may remove or rename what was just opened

/// In a directory for all the target's directory is part of the name.
std::string name_in_place(const PartialPlace& place, const TargetDirectory& target, const std::string& name) {
  if (!place.for_all) return name;
  const std::string suffix = fmt::format(".{:x}", target.status().inode().value);
  if (name.size() + suffix.size() <= kLongestName) return name + suffix;
  return name.substr(0, 200) + '.' + digest::hash(std::as_bytes(std::span(name))).hex().substr(0, 16) + suffix;
}

Result<sys::UniqueFd> open_place(const PartialPlace& place, const TargetDirectory& target) {
  if (place.for_all) return sys::duplicate(place.for_all);
  auto made = sys::make_directory_at(target.fd(), place.name, 0700);
  if (!made && made.error().code != EEXIST) return tl::make_unexpected(std::move(made).error());
  return sys::open_at(target.fd(), place.name, {.directory = true, .keep_atime = true});
}

/// Nobody else may put something there, or take it away.
bool is_trusted(const sys::FileStatus& directory) {
  const bool others_may_write = (directory.permissions() & 0022) != 0;
  const bool sticky = (directory.permissions() & S_ISVTX) != 0;
  if (others_may_write) return sticky;
  return directory.owner() == ::geteuid() || directory.owner() == 0;
}

/// What lies where only we can write is ours, also where a run has given it another owner before it was killed.
bool is_usable(const sys::FileStatus& file, const sys::FileStatus& directory) {
  const bool ours = file.owner() == ::geteuid() || (directory.permissions() & 0022) == 0;
  return file.type() == sys::FileType::regular && ours && file.links() == 1;
}

/// Nobody else's, and closed to others, until it is whole.
Result<> take_back(sys::FdView file, const sys::FileStatus& status) {
  if (status.owner() != ::geteuid()) FOX_TRY(sys::set_owner({file}, ::geteuid(), sys::kKeepGroup));
  if (status.permissions() != 0600) FOX_TRY(sys::set_mode({file}, 0600));
  return {};
}

/// Opens what an earlier run left, which may have given it a mode already.
Result<sys::UniqueFd> open_left(sys::FdView directory, const sys::FileStatus& where, const std::string& name) {
  auto file = sys::open_at(directory, name, {.access = sys::Access::read_write});
  if (file || file.error().code != EACCES) return file;
  const sys::UniqueFd path = FOX_TRY(sys::open_at(directory, name, {.access = sys::Access::path}));
  if (is_usable(FOX_TRY(sys::status_of(path)), where)) FOX_TRY(sys::set_mode({path, sys::Handle::path}, 0600));
  return sys::open_at(directory, name, {.access = sys::Access::read_write});
}

/// Errors that say that there is no such thing here, or not for us: the file is staged in the usual way.
bool is_refusal(int code) {
  return code == EACCES || code == EPERM || code == ELOOP || code == ENOTDIR || code == ENAMETOOLONG || code == EISDIR ||
         code == ENXIO || code == ENOSYS || code == EINVAL || code == ENOLCK || code == EOPNOTSUPP || code == ETXTBSY;
}

}  // namespace

Result<StagedPartial> stage_partial(const PartialPlace& place, TargetDirectory& target, TempNames& names, const std::string& name,
                                    mode_t mode, const sys::FileStatus& source) {
  const auto refuse = [](const char* why) { return StagedPartial{std::nullopt, why}; };
  if (place.for_all && target.gives_files_something())
    return refuse("its directory gives new files an ACL, a group or a project, which the directory of partial files does not");
  const std::string entry = name_in_place(place, target, name);
  for (int tries = 0; tries < kMostTries; ++tries) {
    auto directory = open_place(place, target);
    if (!directory && directory.error().code == ENOENT) continue;  // another one found it empty
    if (!directory && is_refusal(directory.error().code)) return refuse("the directory of partial files cannot be used");
    if (!directory) return tl::make_unexpected(std::move(directory).error());
    const sys::FileStatus where = FOX_TRY(sys::status_of(*directory));
    if (where.device() != target.status().device()) return refuse("the directory of partial files lies on another filesystem");
    if (!is_trusted(where)) return refuse("others may write into the directory of partial files");

    bool resumed = true;
    auto file = open_left(*directory, where, entry);
    if (!file && file.error().code == ENOENT) {
      resumed = false;
      file = sys::create_at(*directory, entry, mode & 0700);
    }
    if (!file && (file.error().code == ENOENT || file.error().code == EEXIST)) continue;
    if (!file && is_refusal(file.error().code)) return refuse("what has its name among the partial files cannot be used");
    if (!file) return tl::make_unexpected(std::move(file).error());
    auto locked = sys::try_lock(*file);
    if (!locked && is_refusal(locked.error().code)) return refuse("files cannot be locked there");
    if (!FOX_TRY(std::move(locked))) return refuse("another run works on its partial file");
    // Whoever had the lock before may have given the file its name, or removed it.
    const sys::FileStatus status = FOX_TRY(sys::status_of(*file));
    const auto there = sys::status_at(*directory, entry);
    if (!there || there->key() != status.key()) continue;
    if (!is_usable(status, where)) return refuse("what has its name among the partial files is not one");

    if (resumed && !take_back(*file, status)) return refuse("what has its name among the partial files cannot be used");
    auto marked = sys::set_attribute({*file}, kPartialAttribute, version_of(source));
    if (!marked && is_real(marked.error().code)) return tl::make_unexpected(std::move(marked).error());
    resumed = resumed && status.size() > Bytes(0);
    return StagedPartial{StagedFile::adopt(target, names, name, resumed ? 0600 : mode & 0700,
                                           {std::move(*file), std::move(*directory), entry, place.name, resumed}),
                         nullptr};
  }
  return refuse("other runs keep taking its partial file away");
}

Result<> unmark_partial(sys::FdView file) {
  auto removed = sys::remove_attribute({file}, kPartialAttribute);
  if (removed || !is_real(removed.error().code)) return {};
  return removed;
}

bool is_left_partial(sys::FdView directory, const std::string& name) {
  const auto file = sys::open_at(directory, name, {.access = sys::Access::read_write});
  if (!file) return false;
  const auto status = sys::status_of(*file);
  std::string note;
  if (!status || status->type() != sys::FileType::regular || !sys::get_attribute({*file}, kPartialAttribute, note)) return false;
  const auto locked = sys::try_lock(*file);
  if (!locked || !*locked) return false;
  const auto there = sys::status_at(directory, name);
  return there && there->key() == status->key();
}

Result<std::uint64_t> sweep_partials(const PartialPlace& place, sys::FdView source, const TargetDirectory& target) {
  std::uint64_t removed = 0;
  if (place.name.empty()) return removed;
  const auto directory = sys::open_at(target.fd(), place.name, {.directory = true, .keep_atime = true});
  if (!directory) return removed;
  if (!is_trusted(FOX_TRY(sys::status_of(*directory)))) return removed;
  std::vector<std::string> left;
  sys::DirectoryReader reader(16 * 1024);
  while (FOX_TRY(reader.fill(*directory)))
    while (const auto entry = reader.next()) left.emplace_back(entry->name, entry->length);
  for (const std::string& name : left) {
    const auto wanted = sys::status_at(source, name);
    if (!wanted && wanted.error().code != ENOENT) continue;
    if (wanted) {
      const auto made = sys::status_at(target.fd(), name);
      const bool done = made && made->type() == sys::FileType::regular && made->size() == wanted->size() &&
                        sys::same_time(made->modified(), wanted->modified());
      if (!done) continue;
    }
    if (is_left_partial(*directory, name) && sys::unlink_at(*directory, name)) ++removed;
  }
  (void)sys::remove_directory_at(target.fd(), place.name);  // where it is empty
  return removed;
}

}  // namespace foxing::copy
