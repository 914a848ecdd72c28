// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/under_way.h"

#include <algorithm>
#include <vector>

#include "core/copy/partial.h"
#include "core/copy/temp_names.h"
#include "sys/file.h"
#include "sys/names.h"

namespace foxing::fxcp {
namespace {

tl::unexpected<Error> refuse(const std::string& path, std::string why) { return fail(0, "", path, std::move(why)); }

/// True where `directory` is one of `keys`, or lies below one.
Result<bool> lies_in(sys::FdView directory, const std::vector<FileKey>& keys) {
  sys::UniqueFd at = FOX_TRY(sys::duplicate(directory));
  FileKey key = FOX_TRY(sys::status_of(at)).key();
  while (true) {
    if (std::ranges::find(keys, key) != keys.end()) return true;
    at = FOX_TRY(sys::open_at(at, "..", {.access = sys::Access::path, .directory = true}));
    const FileKey above = FOX_TRY(sys::status_of(at)).key();
    if (above == key) return false;  // the root
    key = above;
  }
}

std::vector<FileKey> directories_of(const Arrangement& plan) {
  std::vector<FileKey> keys;
  for (const Item& item : plan.items)
    if (item.status.type() == sys::FileType::directory) keys.push_back(item.status.key());
  return keys;
}

Result<sys::UniqueFd> open_place(const std::string& path, const char* option, sys::FdView target, const Arrangement& plan) {
  auto place = sys::open_at(path.starts_with('/') ? sys::working_directory() : target, path,
                            {.links = sys::Links::follow, .directory = true, .keep_atime = true});
  if (!place && place.error().code == ENOENT)
    return refuse(path, std::string("is not there, and ") + option + " makes no directory");
  if (!place) return tl::make_unexpected(std::move(place).error().about(path));
  if (FOX_TRY(sys::status_of(*place)).device() != FOX_TRY(sys::status_of(target)).device())
    return refuse(path, "does not lie on the target's filesystem: a file takes its name by a rename");
  if (FOX_TRY(lies_in(*place, directories_of(plan)))) return refuse(path, "lies in what is copied");
  return place;
}

/// What dead runs have left there.
Result<> sweep(sys::FdView place) {
  std::vector<std::string> litter;
  sys::DirectoryReader reader(16 * 1024);
  while (FOX_TRY(reader.fill(place)))
    while (const auto entry = reader.next())
      if (copy::TempNames::is_litter(place, {entry->name, entry->length})) litter.emplace_back(entry->name, entry->length);
  for (const std::string& name : litter) (void)sys::unlink_at(place, name);  // --cleanup says what cannot be removed
  return {};
}

}  // namespace

Result<UnderWay> UnderWay::prepare(const Options& options, const Arrangement& plan, sys::FdView target) {
  UnderWay way;
  way.append_ = options.append_verify;
  way.partial_name_ = options.partial_name();
  if (!target || options.dry_run) return way;
  const sys::FileStatus target_status = FOX_TRY(sys::status_of(target));
  way.device_ = target_status.device();
  if (options.partial_dir && way.partial_name_.empty()) {
    way.partial_ = FOX_TRY(open_place(*options.partial_dir, "--partial-dir", target, plan));
    if (FOX_TRY(lies_in(way.partial_, {target_status.key()})))
      return refuse(*options.partial_dir, "lies in the target; a name without a slash is a directory beside each file");
  }
  if (options.temp_dir) {
    way.temporary_ = FOX_TRY(open_place(*options.temp_dir, "--temp-dir", target, plan));
    const bool is_target = FOX_TRY(sys::status_of(way.temporary_)).key() == target_status.key();
    if (options.deletion != Delete::no && !is_target && FOX_TRY(lies_in(way.temporary_, {target_status.key()})))
      return refuse(*options.temp_dir, "lies in the target, where --delete would remove it");
    FOX_TRY(sweep(way.temporary_));
  }
  return way;
}

void UnderWay::apply_to(copy::Options& engine) const {
  engine.partial.name = partial_name_;
  if (partial_) engine.partial.for_all = partial_;
  if (temporary_) {
    engine.temp_directory.fd = temporary_;
    engine.temp_directory.device = device_;
  }
  engine.append_verify = append_;
}

Bytes room_of_partials(const Options& options, const Arrangement& plan) {
  Bytes room;
  const auto add_all_in = [&](const std::string& path) {
    const auto place = sys::open_at(sys::working_directory(), path, {.directory = true, .keep_atime = true});
    sys::DirectoryReader reader(16 * 1024);
    while (place) {
      const auto more = reader.fill(*place);
      if (!more || !*more) break;
      while (const auto entry = reader.next())
        if (const auto status = sys::status_at(*place, entry->name)) room += status->allocated();
    }
  };
  const std::string name = options.partial_name();
  if (options.partial_dir && name.empty()) add_all_in(*options.partial_dir);
  // Those in a directory that is mirrored are counted with what it holds.
  const bool beside = std::ranges::any_of(plan.items, [](const Item& item) { return !item.mirror; });
  if (!name.empty() && beside) add_all_in(plan.directory + '/' + name);
  return room;
}

}  // namespace foxing::fxcp
