// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/origin.h"

#include "base/own_names.h"
#include "core/copy/temp_names.h"
#include "core/storage/storage.h"
#include "sys/attributes.h"
#include "sys/file.h"
#include "sys/names.h"

namespace foxing::copy {
namespace {

constexpr const char* kOrigin = "user.foxing.origin";

}  // namespace

Result<bool> is_empty(sys::FdView directory) {
  sys::DirectoryReader reader(4096);
  FOX_TRY(sys::set_position(directory, FileOffset(0)));
  while (FOX_TRY(reader.fill(directory))) {
    while (const auto entry = reader.next())
      if (const std::string_view name(entry->name, entry->length);
          !is_own_name(name) && !TempNames::maker_of(name) && name != "lost+found")
        return false;
  }
  return true;
}

std::string origin_of(const std::string& path) {
  const auto traits = storage::traits(path);
  return traits && !traits->uuid.empty() ? "1 " + traits->uuid : std::string();
}

std::optional<std::string> remembered_origin(sys::FdView target) {
  std::string before;
  if (!sys::get_attribute({target}, kOrigin, before)) return std::nullopt;
  return before;
}

void remember_origin(sys::FdView target, const std::string& origin) {
  if (origin.empty() || remembered_origin(target) == origin) return;
  (void)sys::set_attribute({target}, kOrigin, origin);  // no attributes there: nothing is guarded, as docs/deleting.md says
}

}  // namespace foxing::copy
