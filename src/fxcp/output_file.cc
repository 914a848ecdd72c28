// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/output_file.h"

#include <fmt/format.h>

#include <utility>

#include "fxcp/arrangement.h"
#include "sys/names.h"

namespace foxing::fxcp {
namespace {

constexpr int kMostLinks = 40;  // as the kernel

}  // namespace

Result<std::optional<sys::FileStatus>> look(const std::string& path) {
  auto status = sys::status_at(sys::working_directory(), path, sys::Links::follow);
  if (status) return std::optional(*status);
  if (status.error().code == ENOENT) return std::optional<sys::FileStatus>();
  return tl::make_unexpected(std::move(status).error().about(path));
}

tl::unexpected<Error> no_file_may_be(const std::string& path, sys::FileType type, const std::string& what) {
  return fail(0, "", path,
              type == sys::FileType::directory
                  ? fmt::format("is a directory, and {} has no name of its own; name a file in it", what)
                  : fmt::format("is a {}; no file takes its place", sys::name_of(type)));
}

Result<std::string> resolve_links(const std::string& path) {
  std::string at = path;
  for (int i = 0; i < kMostLinks; ++i) {
    const auto status = sys::status_at(sys::working_directory(), at);
    if (!status || status->type() != sys::FileType::symlink) return at;
    auto text = sys::read_link_at(sys::working_directory(), at);
    if (!text) return tl::make_unexpected(std::move(text).error().about(at));
    if (text->starts_with('/')) {
      at = std::move(*text);
    } else {
      const std::string directory = split_path(at).directory;
      at = directory == "/" ? "/" + *text : directory + "/" + *text;
    }
  }
  return fail(ELOOP, "", path, "leads through too many symbolic links");
}

Result<bool> is_still(const std::string& path, sys::FdView file) {
  const auto named = FOX_TRY(look(path));
  return named && named->key() == FOX_TRY(sys::status_of(file)).key();
}

}  // namespace foxing::fxcp
