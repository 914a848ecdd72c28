// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/relative.h"

#include <fmt/format.h>

#include <algorithm>

namespace foxing::fxcp {
namespace {

/// A SRC, cut into what is left behind and what is kept.
struct CutPath {
  std::string base;
  std::vector<std::string> names;
};

CutPath cut(const std::string& path) {
  CutPath parts;
  const std::size_t mark = path.find("/./");
  std::string_view rest = path;
  if (mark != std::string::npos) {
    parts.base = mark == 0 ? "/" : path.substr(0, mark);
    rest.remove_prefix(mark + 2);
  } else {
    parts.base = path.starts_with('/') ? "/" : ".";
  }
  while (!rest.empty()) {
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    const std::string_view name = rest.substr(0, slash);
    rest.remove_prefix(std::min(slash + 1, rest.size()));
    if (!name.empty() && name != ".") parts.names.emplace_back(name);
  }
  return parts;
}

std::string joined(const std::vector<std::string>& names) {
  std::string path;
  for (const std::string& name : names) path += (path.empty() ? "" : "/") + name;
  return path;
}

tl::unexpected<Error> refuse(const std::string& path, std::string why) { return fail(0, "", path, std::move(why)); }

/// `item` lies in another SRC, at its names from `first` on: it is copied with that, if the way there is one of directories and nothing is left out.
Result<> check_covered(const CutPath& path, std::size_t first, const Item& item, const Options& options) {
  if (!options.rules.empty() || options.max_depth || options.one_file_system)
    return refuse(item.source,
                  "lies in another SRC; with rules, --max-depth or -x it may not be copied with that: copy one after the other");
  std::string at = path.base;
  for (std::size_t i = 0; i < path.names.size(); ++i) {
    at += '/' + path.names[i];
    if (i < first || (i + 1 == path.names.size() && item.links == sys::Links::keep)) continue;
    const auto status = sys::status_at(sys::working_directory(), at);
    if (status && status->type() == sys::FileType::symlink)
      return refuse(item.source,
                    fmt::format("lies in another SRC, behind the symbolic link '{}', which is copied as a link", at));
  }
  return {};
}

Way& way_of(Arrangement& plan, const std::string& base, const sys::FileStatus& status) {
  for (Way& way : plan.ways)
    if (way.key == status.key()) return way;
  plan.ways.push_back({.base = base, .key = status.key(), .device = status.device(), .routes = {}});
  return plan.ways.back();
}

/// Puts a SRC among the routes; shorter ones have been put before.
Result<> add(Way& way, const CutPath& path, const Item& item, const Options& options) {
  std::vector<walk::Route>* routes = &way.routes;
  for (std::size_t i = 0; i < path.names.size(); ++i) {
    const bool last = i + 1 == path.names.size();
    const auto known = std::ranges::find(*routes, path.names[i], &walk::Route::name);
    if (known == routes->end()) {
      routes->push_back({.name = path.names[i], .links = item.links});
      routes = &routes->back().next;
      continue;
    }
    if (last) {  // given twice
      if (item.links == sys::Links::follow) known->links = item.links;
      return {};
    }
    if (known->next.empty()) return check_covered(path, known->links == sys::Links::keep ? i : i + 1, item, options);
    routes = &known->next;
  }
  return {};
}

Result<> check_names(const Arrangement& plan) {
  for (std::size_t i = 0; i < plan.ways.size(); ++i) {
    for (const walk::Route& route : plan.ways[i].routes) {
      for (std::size_t j = 0; j < i; ++j) {
        if (std::ranges::find(plan.ways[j].routes, route.name, &walk::Route::name) != plan.ways[j].routes.end())
          return refuse(plan.ways[i].base + '/' + route.name, fmt::format("and '{}/{}' would both become '{}' in one directory",
                                                                          plan.ways[j].base, route.name, route.name));
      }
    }
  }
  return {};
}

}  // namespace

Result<> arrange_relative(Arrangement& plan, const Options& options, const std::string& directory) {
  const auto existing = sys::status_at(sys::working_directory(), directory, sys::Links::follow);
  if (!existing && existing.error().code != ENOENT) return tl::make_unexpected(Error(existing.error()).about(directory));
  if (existing && existing->type() != sys::FileType::directory)
    return refuse(directory, "is not a directory, and sources that keep their directories go into one");
  plan.directory = directory;
  plan.make_directory = !existing;

  // Shorter ones first, so that what lies in another SRC is met after it.
  std::vector<std::pair<CutPath, Item*>> paths;
  for (Item& item : plan.items) paths.emplace_back(cut(item.source), &item);
  std::ranges::stable_sort(paths, {}, [](const auto& path) { return path.first.names.size(); });
  std::vector<FileKey> mirrored;
  for (auto& [path, item] : paths) {
    if (std::ranges::find(path.names, "..") != path.names.end())
      return refuse(item->source, "has .. in what --relative would keep of it; write /./ behind that part (../x/./y keeps y)");
    auto base = sys::status_at(sys::working_directory(), path.base, sys::Links::follow);
    if (!base) return tl::make_unexpected(std::move(base).error().about(path.base));
    if (path.names.empty()) {  // the base itself: its contents go into DST
      item->mirror = true;
      item->name.clear();
      mirrored.push_back(base->key());
      continue;
    }
    item->name = joined(path.names);
    item->on_a_way = true;
    if (std::ranges::find(mirrored, base->key()) != mirrored.end()) {
      FOX_TRY(check_covered(path, 0, *item, options));
      continue;
    }
    FOX_TRY(add(way_of(plan, path.base, *base), path, *item, options));
  }
  // Routes are handed to the walk by their addresses: from here on they stay where they are.
  return check_names(plan);
}

}  // namespace foxing::fxcp
