// SPDX-License-Identifier: GPL-2.0-or-later
// filter_probe [RULE OPTION]... SRC [DST]: what would be transferred from SRC, and deleted in DST, by src/core/filter alone.
//   out  a line "send PATH" or "delete PATH" each (directories with a slash at the end), sorted, NUL at their ends; exit 0
//        "error TEXT" and exit 1 where a rule or a rule file is refused
// filter_probe --batch: reads such argument lists from standard input, each argument ended by NUL, each list by an empty argument, and
// answers each with its lines and one more NUL.  So a thousand cases need one start of a sanitized program.
// Options have rsync's spelling: --exclude=X --include=X --filter=X --exclude-from=X --include-from=X -F -C -0 --delete-excluded; and
// --gitignore, --plain (without the house's addition to rsync's rules).
// Why.   tests/support/filter_fuzz.py asks rsync and this the same questions.   Not here: sizes, links, one filesystem.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/filter/filter.h"

namespace foxing::test {
namespace {

using filter::Fate;
using filter::Scope;
using ScopePointer = std::shared_ptr<const Scope>;

struct Name {
  std::string bytes;
  bool is_directory;
};

std::string join(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

std::vector<Name> names_in(const std::string& path) {
  std::vector<Name> names;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    names.push_back({entry.path().filename().string(), entry.is_directory() && !entry.is_symlink()});
  }
  std::ranges::sort(names, {}, &Name::bytes);
  return names;
}

class Probe {
 public:
  Result<> run(const std::vector<std::string>& arguments) {
    filter::RulesBuilder builder;
    std::vector<std::string> roots;
    for (const std::string& argument : arguments) FOX_TRY(option(builder, argument, roots));
    if (roots.empty()) return fail(0, "usage", {}, "filter_probe [RULE OPTION]... SRC [DST]");
    const filter::Rules rules = FOX_TRY(builder.build());
    source_ = std::filesystem::absolute(roots[0]).lexically_normal().string();
    FOX_TRY(send(FOX_TRY(Scope::begin(rules, source_)), ""));
    if (roots.size() < 2) return {};
    target_ = std::filesystem::absolute(roots[1]).lexically_normal().string();
    FOX_TRY(compare(FOX_TRY(Scope::begin(rules, target_)), ""));
    return {};
  }
  std::set<std::string> lines() const {
    std::set<std::string> lines;
    for (const std::string& path : sent_) lines.insert("send " + path);
    for (const std::string& path : deleted_) lines.insert("delete " + path);
    return lines;
  }

 private:
  static Result<> option(filter::RulesBuilder& builder, const std::string& argument, std::vector<std::string>& roots) {
    const auto value = [&] { return argument.substr(argument.find('=') + 1); };
    if (argument.starts_with("--exclude=")) return builder.exclude(value());
    if (argument.starts_with("--include=")) return builder.include(value());
    if (argument.starts_with("--filter=")) return builder.rule(value());
    if (argument.starts_with("--exclude-from=")) return builder.exclude_from(value());
    if (argument.starts_with("--include-from=")) return builder.include_from(value());
    if (argument == "-F") return builder.per_directory_filter();
    if (argument == "-C") return builder.cvs(), Result<>();
    if (argument == "-0") return builder.from0(true), Result<>();
    if (argument == "--delete-excluded") return builder.delete_excluded(true), Result<>();
    if (argument == "--gitignore") return builder.gitignore(), Result<>();
    if (argument == "--plain") return builder.literal_includes_win(false), Result<>();
    if (argument.starts_with('-')) return fail(0, "usage", {}, "unknown option " + argument);
    roots.push_back(argument);
    return {};
  }

  static Result<ScopePointer> enter(const ScopePointer& parent, const std::string& root, const std::string& relative) {
    const int fd = ::open(join(root, relative).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return fail(errno, "open", join(root, relative));
    const sys::UniqueFd owner(fd);
    return Scope::enter(parent, owner, relative);
  }

  Result<> send(const ScopePointer& parent, const std::string& directory) {
    const ScopePointer scope = FOX_TRY(enter(parent, source_, directory));
    for (const Name& name : names_in(join(source_, directory))) {
      if (scope->judge(directory, name.bytes, name.is_directory).hidden) continue;
      const std::string path = join(directory, name.bytes);
      sent_.insert(name.is_directory ? path + "/" : path);
      if (name.is_directory) FOX_TRY(send(scope, path));
    }
    return {};
  }

  Result<> compare(const ScopePointer& parent, const std::string& directory) {
    const ScopePointer scope = FOX_TRY(enter(parent, target_, directory));
    for (const Name& name : names_in(join(target_, directory))) {
      const std::string path = join(directory, name.bytes);
      const bool sent = sent_.contains(path) || sent_.contains(path + "/");
      if (sent) {
        if (name.is_directory) FOX_TRY(compare(scope, path));
      } else if (!scope->judge(directory, name.bytes, name.is_directory).guarded) {
        FOX_TRY(doom(scope, path, name.is_directory));
      }
    }
    return {};
  }

  /// Deletes what may be deleted; true where nothing is left.
  Result<bool> doom(const ScopePointer& parent, const std::string& path, bool is_directory) {
    bool all = true;
    if (is_directory) {
      const ScopePointer scope = FOX_TRY(enter(parent, target_, path));
      for (const Name& name : names_in(join(target_, path))) {
        const bool guarded = scope->judge(path, name.bytes, name.is_directory, Fate::doomed).guarded;
        if (guarded) {
          all = false;
        } else {
          const bool gone = FOX_TRY(doom(scope, join(path, name.bytes), name.is_directory));
          all = all && gone;
        }
      }
    }
    if (all) deleted_.insert(is_directory ? path + "/" : path);
    return all;
  }

  std::string source_, target_;
  std::set<std::string> sent_, deleted_;
};

/// The lines, each with its NUL; false where the rules are refused.
bool answer(const std::vector<std::string>& arguments) {
  Probe probe;
  if (const auto done = probe.run(arguments); !done) {
    const std::string subject = done.error().subject.empty() ? "" : done.error().subject + ": ";
    std::cout << "error " << subject << done.error().message() << '\0';
    return false;
  }
  for (const std::string& line : probe.lines()) std::cout << line << '\0';
  return true;
}

int batch() {
  std::vector<std::string> arguments;
  for (std::string argument; std::getline(std::cin, argument, '\0');) {
    if (!argument.empty()) {
      arguments.push_back(argument);
      continue;
    }
    answer(arguments);
    std::cout << '\0' << std::flush;
    arguments.clear();
  }
  return 0;
}

}  // namespace
}  // namespace foxing::test

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments == std::vector<std::string>{"--batch"}) return foxing::test::batch();
  return foxing::test::answer(arguments) ? 0 : 1;
}
