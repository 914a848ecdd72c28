// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/arrangement.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/own_names.h"
#include "core/storage/storage.h"
#include "core/walk/unsafe_links.h"
#include "fxcp/packing.h"
#include "fxcp/relative.h"
#include "sys/names.h"

namespace foxing::fxcp {
namespace {

tl::unexpected<Error> refuse(const std::string& path, std::string why, int code = 0) {
  return fail(code, "", path, std::move(why));
}

bool ends_in_slash(const std::string& path) { return !path.empty() && path.back() == '/'; }

/// What `path` is, links followed; nothing where it does not exist.
Result<std::optional<sys::FileStatus>> look(const std::string& path) {
  auto status = sys::status_at(sys::working_directory(), path, sys::Links::follow);
  if (status) return std::optional(*status);
  if (status.error().code == ENOENT) return std::optional<sys::FileStatus>();
  return tl::make_unexpected(std::move(status).error().about(path));
}

/// Directories of the tree above the SRC itself, as the walk will count them.
unsigned levels_above(const std::string& source, const Options& options) {
  if (!options.relative) return 0;
  const std::size_t mark = source.find("/./");
  unsigned names = 0;
  for (std::size_t i = mark == std::string::npos ? 0 : mark + 2; i < source.size(); ++i)
    names += source[i] != '/' && (i == 0 || source[i - 1] == '/') && source.compare(i, 2, "./") != 0;
  return names - std::min(names, 1u);
}

Result<Item> look_at_source(const std::string& source, const Options& options) {
  const bool follow =
      ends_in_slash(source) || options.follow_arguments || options.symlinks == Symlinks::follow || !options.preserve.links;
  Item item{
      .source = source, .links = follow ? sys::Links::follow : sys::Links::keep, .status = {}, .name = split_path(source).name};
  auto status = sys::status_at(sys::working_directory(), source, item.links);
  if (status && status->type() == sys::FileType::symlink && options.symlinks == Symlinks::follow_directories) {
    const auto target = sys::status_at(sys::working_directory(), source, sys::Links::follow);
    if (target && target->type() == sys::FileType::directory) {
      status = target;
      item.links = sys::Links::follow;
    }
  }
  if (status && status->type() == sys::FileType::symlink && options.copy_unsafe_links) {
    const auto text = sys::read_link_at(sys::working_directory(), source);
    if (text && walk::is_unsafe_link(*text, levels_above(source, options))) {
      item.links = sys::Links::follow;
      status = sys::status_at(sys::working_directory(), source, item.links);
    }
  }
  if (!status) {
    const bool missing = status.error().code == ENOENT;
    return refuse(source, missing ? "does not exist; nothing was copied" : "cannot be looked at; nothing was copied",
                  status.error().code);
  }
  item.status = *status;
  if (status->type() == sys::FileType::regular) item.name = packed_name_of(options, source, item.links, item.name);
  if (status->type() == sys::FileType::directory && !options.recursive) {
    return refuse(source, "is a directory; -a (or -r) copies directories");
  }
  return item;
}

bool is_directory(const std::optional<sys::FileStatus>& status) { return status && status->type() == sys::FileType::directory; }

/// One SRC and DST.
Result<> arrange_one(Arrangement& plan, const Options& options) {
  Item& item = plan.items.front();
  const std::string& target = options.destination;
  const auto existing = FOX_TRY(look(target));
  if (item.status.type() == sys::FileType::directory) {
    if (existing && !is_directory(existing)) return refuse(target, "is not a directory, and the source is one");
    item.mirror = true;
    plan.directory = target;
    plan.make_directory = !existing;
    return {};
  }
  if (existing && existing->type() == sys::FileType::block_device && item.status.type() == sys::FileType::regular)
    return refuse(target, "is a block device; --write-devices writes into it");
  if (is_directory(existing) || ends_in_slash(target)) {
    if (options.no_target_directory) return refuse(target, "is a directory, and --no-target-directory forbids to copy into it");
    if (existing && !is_directory(existing)) return refuse(target, "is not a directory");
    plan.directory = target;
    plan.make_directory = !existing;
    return {};
  }
  const SplitPath path = split_path(target);
  plan.directory = path.directory;
  item.name = item.status.type() == sys::FileType::regular ? packed_name_as_given(options, path.name) : path.name;
  return {};
}

/// Everything goes into one directory under its own name.
Result<> arrange_into(Arrangement& plan, const std::string& directory, bool may_be_made) {
  const auto existing = FOX_TRY(look(directory));
  if (existing && !is_directory(existing)) return refuse(directory, "is not a directory, and all sources are to go into it");
  if (!existing && !may_be_made) return refuse(directory, "does not exist", ENOENT);
  plan.directory = directory;
  plan.make_directory = !existing;
  std::set<std::string> names;
  for (Item& item : plan.items) {
    if (item.name.empty() || item.name == "." || item.name == "..") {
      item.mirror = item.status.type() == sys::FileType::directory;
      continue;
    }
    if (!names.insert(item.name).second) {
      return refuse(item.source,
                    fmt::format("another source is called '{}' too; they cannot both be copied into one directory", item.name));
    }
  }
  return {};
}

Result<> check_parent(Arrangement& plan, const Options& options) {
  if (!plan.make_directory) {
    const auto there = FOX_TRY(look(plan.directory));
    if (!there && options.mkpath) {
      plan.make_directory = true;
      return {};
    }
    if (!there) return refuse(plan.directory, "does not exist", ENOENT);
    if (!is_directory(there)) return refuse(plan.directory, "is not a directory");
    return {};
  }
  const std::string parent = split_path(plan.directory).directory;
  const auto there = FOX_TRY(look(parent));
  if (!there && options.mkpath) return {};
  if (!there)
    return refuse(parent, fmt::format("does not exist, so there is nowhere to make '{}' in", split_path(plan.directory).name),
                  ENOENT);
  if (!is_directory(there)) return refuse(parent, "is not a directory");
  return {};
}

/// What lies in the target and not in the source is deleted: the source itself, where it lies in the target.
Result<> check_that_source_stays(const Item& item, const std::string& target) {
  const auto lies = storage::nesting(item.source, target);
  if (!lies) return tl::make_unexpected(Error(lies.error()).about(item.source));
  if (*lies == storage::Nesting::apart || lies_in_store(item.source, target)) return {};
  return refuse(item.source,
                fmt::format("lies inside the target '{}', and --delete would delete it there; copy without --delete, "
                            "or into a target of its own",
                            target));
}

}  // namespace

Result<> check_nesting(const Arrangement& plan, const Options& options) {
  for (const Item& item : plan.items) {
    const std::string target = item.mirror ? plan.directory : plan.directory + '/' + item.name;
    if (item.status.type() != sys::FileType::directory) {
      // A link is looked at as one: replacing it does not touch what it points to.
      const auto existing = sys::status_at(sys::working_directory(), target, item.links);
      if (existing && existing->key() == item.status.key()) {
        return refuse(item.source, fmt::format("and '{}' are the same file", target));
      }
      continue;
    }
    auto lies = storage::nesting(target, item.source);
    if (!lies && lies.error().code == ENOTDIR && item.on_a_way)  // a file is in the way, and will give way to a directory
      lies = storage::nesting(plan.directory, item.source);
    if (!lies) return tl::make_unexpected(std::move(lies).error().about(target));
    if (*lies == storage::Nesting::same) return refuse(item.source, fmt::format("and '{}' are the same directory", target));
    const bool met =
        *lies == storage::Nesting::inside || (*lies == storage::Nesting::inside_other_device && !options.one_file_system);
    if (met) return refuse(target, fmt::format("lies inside the source '{}'; a tree cannot be copied into itself", item.source));
    if (options.deletion != Delete::no) FOX_TRY(check_that_source_stays(item, target));
  }
  return {};
}

SplitPath split_path(const std::string& path) {
  const std::size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) return {path.empty() ? "." : "/", ""};
  const std::size_t slash = path.find_last_of('/', end);
  if (slash == std::string::npos) return {".", path.substr(0, end + 1)};
  const std::size_t directory_end = path.find_last_not_of('/', slash);
  return {directory_end == std::string::npos ? "/" : path.substr(0, directory_end + 1), path.substr(slash + 1, end - slash)};
}

void add_bases(Arrangement& plan, const std::vector<std::string>& bases) {
  const std::string source = plan.items.front().source;
  for (const std::string& base : bases) {
    Item item{
        .source = source + (source.ends_with('/') ? "" : "/") + base, .links = sys::Links::follow, .status = {}, .mirror = true};
    const auto status = sys::status_at(sys::working_directory(), item.source, item.links);
    if (!status || status->type() != sys::FileType::directory) continue;
    item.status = *status;
    item.base = true;
    plan.items.push_back(std::move(item));
  }
}

bool lies_in_store(const std::string& source, const std::string& target) {
  const auto lies = storage::nesting(source, target + '/' + kVersionsName);
  return lies && *lies == storage::Nesting::inside;
}

Result<Arrangement> arrange(const Options& options, const std::vector<std::string>& bases) {
  Arrangement plan;
  for (const std::string& source : options.sources) plan.items.push_back(FOX_TRY(look_at_source(source, options)));
  if (options.relative && !options.files_from) {
    FOX_TRY(arrange_relative(plan, options, options.target_directory.value_or(options.destination)));
  } else if (options.target_directory) {
    FOX_TRY(arrange_into(plan, *options.target_directory, options.mkpath));
  } else if (plan.items.size() == 1) {
    FOX_TRY(arrange_one(plan, options));
  } else {
    FOX_TRY(arrange_into(plan, options.destination, true));
  }
  if (options.deletion != Delete::no && plan.items.size() > 1) {
    for (const Item& item : plan.items) {
      if (item.mirror)
        return refuse(item.source,
                      "would be mirrored into the same directory as other sources, and --delete would delete what those bring; "
                      "mirror one at a time");
    }
  }
  FOX_TRY(check_parent(plan, options));
  if (!bases.empty()) add_bases(plan, bases);
  FOX_TRY(check_nesting(plan, options));
  return plan;
}

}  // namespace foxing::fxcp
