// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/snapshot/remove.h"

#include <fmt/format.h>

#include <vector>

#include "sys/attributes.h"
#include "sys/file.h"
#include "sys/names.h"

namespace foxing::snapshot {
namespace {

constexpr unsigned kDeepest = 64;

class Remover {
 public:
  explicit Remover(sys::FdView top) : top_(top) {}

  /// All that is in `directory`; what is moved up lies in `top_` then.
  Result<> empty(sys::FdView directory, unsigned depth) {
    while (true) {
      const std::vector<std::string> names = FOX_TRY(some_names(directory));
      if (names.empty()) return {};
      for (const std::string& name : names) FOX_TRY(remove(directory, name, depth));
    }
  }

 private:
  static Result<std::vector<std::string>> some_names(sys::FdView directory) {
    const sys::UniqueFd again = FOX_TRY(sys::open_at(directory, ".", {.directory = true}));  // from its beginning
    sys::DirectoryReader reader(32 * 1024);
    std::vector<std::string> names;
    while (names.empty() && FOX_TRY(reader.fill(again)))
      while (const auto entry = reader.next())
        if (const std::string_view name(entry->name, entry->length); name != "." && name != "..") names.emplace_back(name);
    return names;
  }

  Result<> remove(sys::FdView directory, const std::string& name, unsigned depth) {
    auto status = sys::status_at(directory, name);
    if (!status && status.error().code == ENOENT) return {};
    if (!status) return tl::make_unexpected(std::move(status).error().about(name));
    if (status->type() != sys::FileType::directory) {
      auto gone = sys::unlink_at(directory, name);
      if (!gone && gone.error().code != ENOENT) return tl::make_unexpected(std::move(gone).error().about(name));
      return {};
    }
    if (depth == kDeepest) return sys::rename_at(directory, name, top_, fmt::format(".deep-{}", ++moved_));
    if ((status->permissions() & 0700) != 0700) {  // an ordinary user's own
      const sys::UniqueFd path = FOX_TRY(sys::open_at(directory, name, {.access = sys::Access::path, .directory = true}));
      FOX_TRY(sys::set_mode({path, sys::Handle::path}, 0700));
    }
    {
      const sys::UniqueFd child = FOX_TRY(sys::open_at(directory, name, {.directory = true}));
      FOX_TRY(empty(child, depth + 1));
    }
    return sys::remove_directory_at(directory, name);
  }

  const sys::FdView top_;
  std::uint64_t moved_ = 0;
};

}  // namespace

Result<> remove_tree(sys::FdView parent, const std::string& name) {
  const auto status = sys::status_at(parent, name);
  if (!status && status.error().code == ENOENT) return {};
  if (!status) return tl::make_unexpected(Error(status.error()).about(name));
  if (status->type() != sys::FileType::directory) return sys::unlink_at(parent, name);
  if ((status->permissions() & 0700) != 0700) {
    const sys::UniqueFd path = FOX_TRY(sys::open_at(parent, name, {.access = sys::Access::path, .directory = true}));
    FOX_TRY(sys::set_mode({path, sys::Handle::path}, 0700));
  }
  {
    const sys::UniqueFd top = FOX_TRY(sys::open_at(parent, name, {.directory = true}));
    FOX_TRY(Remover(top).empty(top, 1));
  }
  return sys::remove_directory_at(parent, name);
}

}  // namespace foxing::snapshot
