// SPDX-License-Identifier: GPL-2.0-or-later
// A model of a source and a target, for the simulator: directories, files with several names, modes, and the events that a kernel would tell.
//   ModelTree   names and inodes        ModelWorld   a World over two of them, whose source may change between any two questions
// For tests only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "foxingd/capture/event.h"
#include "foxingd/pipeline/world.h"

namespace foxing::pipeline {

using Inode = std::uint64_t;

struct ModelInode {
  bool directory = false;
  std::uint64_t content = 0;  // of files: no two writes make the same one
  unsigned mode = 0;
  std::map<std::string, Inode> names = {};  // of directories
  std::uint64_t links = 0;
};

inline FileHandle handle_of(Inode inode) { return {"inode " + std::to_string(inode)}; }

class ModelTree {
 public:
  static constexpr Inode kRoot = 1;
  ModelTree() { inodes_[kRoot] = {.directory = true}; }

  ModelInode& at(Inode inode) { return inodes_.at(inode); }
  const ModelInode& at(Inode inode) const { return inodes_.at(inode); }
  bool has(Inode inode) const { return inodes_.contains(inode); }
  std::optional<Inode> look(Inode directory, const std::string& name) const {
    const auto& names = at(directory).names;
    const auto found = names.find(name);
    return found == names.end() ? std::nullopt : std::optional(found->second);
  }
  Inode make(bool directory) {
    inodes_[++last_] = {.directory = directory};
    return last_;
  }
  void link(Inode directory, const std::string& name, Inode inode) {
    at(directory).names[name] = inode;
    ++at(inode).links;
  }
  /// The name goes, and with the last one the inode and all that is in it.
  void unlink(Inode directory, const std::string& name) {
    const Inode inode = at(directory).names.at(name);
    at(directory).names.erase(name);
    if (--at(inode).links > 0) return;
    while (!at(inode).names.empty()) unlink(inode, std::string(at(inode).names.begin()->first));
    inodes_.erase(inode);
  }
  void rename(Inode from, const std::string& name, Inode to, const std::string& as) {
    const Inode inode = at(from).names.at(name);
    if (look(to, as)) unlink(to, as);
    at(from).names.erase(name);
    at(to).names[as] = inode;
  }
  bool is_below(Inode inode, Inode ancestor) const {
    if (inode == ancestor) return true;
    const ModelInode& top = at(ancestor);
    return std::ranges::any_of(top.names,
                               [&](const auto& entry) { return at(entry.second).directory && is_below(inode, entry.second); });
  }
  std::vector<Inode> directories(Inode top = kRoot) const {
    std::vector<Inode> found{top};
    for (const auto& [name, inode] : at(top).names)
      if (at(inode).directory) std::ranges::copy(directories(inode), std::back_inserter(found));
    return found;
  }
  /// One line a name; files with several names say which.
  void describe(Inode top, const std::string& path, std::map<Inode, std::string>& first, std::vector<std::string>& lines) const {
    lines.push_back(path + "/ mode " + std::to_string(at(top).mode));
    for (const auto& [name, inode] : at(top).names) {
      const std::string called = path + "/" + name;
      if (at(inode).directory) {
        describe(inode, called, first, lines);
        continue;
      }
      const auto [known, is_new] = first.emplace(inode, called);
      lines.push_back(called + " content " + std::to_string(at(inode).content) + " mode " + std::to_string(at(inode).mode) +
                      (is_new ? "" : " is " + known->second));
    }
  }
  std::vector<std::string> description() const {
    std::map<Inode, std::string> first;
    std::vector<std::string> lines;
    describe(kRoot, "", first, lines);
    return lines;
  }

 private:
  std::map<Inode, ModelInode> inodes_;
  Inode last_ = kRoot;
};

/// The source, its changes, and what is told of them.
class ModelSource {
 public:
  explicit ModelSource(std::mt19937_64& random) : random_(random), outside_(tree.make(true)) { tree.at(outside_).links = 1; }

  ModelTree tree;
  std::vector<capture::Event> told;

  /// Some change that a user could make; sometimes none is possible.
  void change();
  /// A name of this directory ever stood for this content, or for a directory (0).
  bool ever_had(Inode directory, const std::string& name, std::uint64_t content) const {
    return history_.contains({directory, name, content});
  }

 private:
  using Event = capture::Event;
  std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_); }
  Inode a_directory() {
    std::vector<Inode> all = tree.directories();
    if (below(12) == 0) all = tree.directories(outside_);
    return all[below(all.size())];
  }
  std::string a_name() { return std::string(1, static_cast<char>('a' + below(5))); }
  void tell(Inode directory, const std::string& name) {
    const auto there = tree.look(directory, name);
    told.push_back({.kind = Event::Kind::name,
                    .directory = handle_of(directory),
                    .name = name,
                    .object = there ? handle_of(*there) : FileHandle()});
  }
  /// It got a name or lost one.
  void tell_object(Inode inode) { told.push_back({.kind = Event::Kind::object, .directory = {}, .object = handle_of(inode)}); }
  void tell_rename(Inode from, const std::string& name, Inode to, const std::string& as, Inode object) {
    told.push_back({.kind = Event::Kind::renamed,
                    .directory = handle_of(from),
                    .name = name,
                    .object = handle_of(object),
                    .to_directory = handle_of(to),
                    .to_name = as});
  }
  void rename();
  void exchange();
  void record(Inode top);

  std::mt19937_64& random_;
  const Inode outside_;
  std::uint64_t contents_ = 0;
  std::set<std::tuple<Inode, std::string, std::uint64_t>> history_;
};

class ModelWorld final : public World {
 public:
  /// `between` may change the source.
  ModelWorld(ModelSource& source, std::function<void()> between, std::function<bool()> fails)
      : source_(source), between_(std::move(between)), fails_(std::move(fails)) {
    original_[ModelTree::kRoot] = ModelTree::kRoot;
  }

  ModelTree target;
  std::vector<std::string> inventions;  // what the target had and the source never did

  Opening open(const FileHandle& directory, const std::string& path) override;
  Error last_error() const override { return {.code = EIO, .operation = "model"}; }
  Result<std::optional<Seen>> look(const Name& name) override;
  bool is(const Name& name, const FileHandle& object) override;
  bool is_copy(const Name& copy, const Name& name) override;
  Outcome synchronise(std::span<const Name> names) override;
  Made make_directory(const Name& name) override;
  Outcome remove(const Name& name) override;
  Result<> rename(const Name& from, const Name& to, How how) override;
  std::optional<Name> name_of(const FileHandle& object) override;
  Result<std::vector<Found>> search(const std::unordered_set<std::uint64_t>& inodes) override;
  Result<std::vector<std::string>> names(const FileHandle& directory) override;
  void begin_batch() override { ++batch_; }
  void settle() override;
  bool is_unsettled() const override { return !open_.empty(); }

  /// What a scan does: everything is made equal, directory by directory, while the source changes.
  void scan(const std::function<void(Inode directory, Inode parent, const std::string& name)>& met,
            const std::function<void(const Name& name, std::uint64_t inode, std::uint64_t links)>& linked);

 private:
  struct Pair {
    Inode source;
    Inode target;
    std::uint64_t checked;  // in this batch
  };
  std::uint64_t batch_ = 1;
  Pair at(const FileHandle& directory) const { return open_.at(directory); }
  static std::optional<Inode> walk(const ModelTree& tree, const std::string& path);
  void judge(Inode directory, const std::string& name);
  void scan_directory(Inode source, Inode target, std::map<Inode, Inode>& copies,
                      const std::function<void(Inode, Inode, const std::string&)>& met,
                      const std::function<void(const Name&, std::uint64_t, std::uint64_t)>& linked);

  ModelSource& source_;
  std::function<void()> between_;
  std::function<bool()> fails_;
  std::map<FileHandle, Pair> open_;
  std::map<Inode, Inode> original_;  // directory of the target -> of the source
};

}  // namespace foxing::pipeline
