// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/pipeline/model_world.h"

namespace foxing::pipeline {

// ---- The source

void ModelSource::record(Inode top) {
  for (const auto& [name, inode] : tree.at(top).names) {
    history_.insert({top, name, tree.at(inode).content});
    if (tree.at(inode).directory) record(inode);
  }
}

void ModelSource::change() {
  const Inode directory = a_directory();
  const std::string name = a_name();
  const auto there = tree.look(directory, name);
  const bool is_file = there && !tree.at(*there).directory;
  // What is done to a file through a name outside of the source is not heard of as a change of its names in it (docs/configuration.md).
  const bool unheard = is_file && tree.at(*there).links > 1 && tree.is_below(directory, outside_);
  switch (below(12)) {
    case 0:
    case 1:
      if (there) break;
      tree.link(directory, name, tree.make(false));
      tree.at(*tree.look(directory, name)).content = ++contents_;
      tell(directory, name);
      break;
    case 2:
    case 3:
      if (!is_file || unheard) break;
      tree.at(*there).content = ++contents_;
      tell(directory, name);
      break;
    case 4:
      if (!is_file) break;
      tree.unlink(directory, name);
      tell(directory, name);
      tell_object(*there);
      break;
    case 5:
      if (there) break;
      tree.link(directory, name, tree.make(true));
      tell(directory, name);
      break;
    case 6:
      if (!there || !tree.at(*there).directory || !tree.at(*there).names.empty()) break;
      tree.unlink(directory, name);
      tell(directory, name);
      break;
    case 7: {
      const Inode other = a_directory();
      const std::string as = a_name();
      if (!is_file || tree.look(other, as)) break;
      tree.link(other, as, *there);
      tell(other, as);
      tell_object(*there);
      break;
    }
    case 8:
      if (!there || unheard) break;
      tree.at(*there).mode = static_cast<unsigned>(below(3));
      if (is_file) {
        tell(directory, name);
      } else {
        told.push_back({.kind = Event::Kind::itself, .directory = handle_of(*there)});
      }
      break;
    case 9: exchange(); break;
    default: rename(); break;
  }
  // A directory keeps its identity outside of the source, and may be looked at in the moment in which it leaves.
  record(ModelTree::kRoot);
  record(outside_);
}

void ModelSource::rename() {
  const Inode from = a_directory(), to = a_directory();
  const std::string name = a_name(), as = a_name();
  const auto moved = tree.look(from, name), there = tree.look(to, as);
  if (!moved || moved == there) return;
  const bool directory = tree.at(*moved).directory;
  if (directory && tree.is_below(to, *moved)) return;
  if (there && (tree.at(*there).directory != directory || !tree.at(*there).names.empty())) return;
  tree.rename(from, name, to, as);
  tell_rename(from, name, to, as, *moved);
  if (there && !directory) tell_object(*there);
}

void ModelSource::exchange() {
  const Inode from = a_directory(), to = a_directory();
  const std::string name = a_name(), as = a_name();
  const auto one = tree.look(from, name), other = tree.look(to, as);
  if (!one || !other || one == other) return;
  const auto swallows = [&](Inode inode, Inode place) { return tree.at(inode).directory && tree.is_below(place, inode); };
  if (swallows(*one, to) || swallows(*other, from)) return;
  tree.at(from).names[name] = *other;
  tree.at(to).names[as] = *one;
  tell_rename(from, name, to, as, *one);
  tell_rename(to, as, from, name, *other);
}

// ---- The world

std::optional<Inode> ModelWorld::walk(const ModelTree& tree, const std::string& path) {
  std::optional<Inode> at = ModelTree::kRoot;
  for (std::size_t begin = 0; at && begin < path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    at = tree.look(*at, path.substr(begin, end - begin));
    if (at && !tree.at(*at).directory) at.reset();
    begin = end + 1;
  }
  return at;
}

World::Opening ModelWorld::open(const FileHandle& directory, const std::string& path) {
  if (const auto known = open_.find(directory); known != open_.end() && known->second.checked == batch_) return Opening::open;
  between_();
  const auto source = walk(source_.tree, path);
  if (!source || handle_of(*source) != directory) {
    open_.erase(directory);
    return Opening::elsewhere;
  }
  const auto copy = walk(target, path);
  if (!copy) return Opening::no_target;
  open_[directory] = {*source, *copy, batch_};
  return Opening::open;
}

Result<std::optional<Seen>> ModelWorld::look(const Name& name) {
  between_();
  const Inode directory = at(name.directory).source;
  if (!source_.tree.has(directory)) return std::optional<Seen>();
  const auto inode = source_.tree.look(directory, name.name);
  if (!inode) return std::optional<Seen>();
  const ModelInode& what = source_.tree.at(*inode);
  return std::optional(Seen{.type = what.directory ? sys::FileType::directory : sys::FileType::regular,
                            .object = handle_of(*inode),
                            .inode = *inode,
                            .links = what.links});
}

bool ModelWorld::is(const Name& name, const FileHandle& object) {
  between_();
  const Inode directory = at(name.directory).source;
  if (!source_.tree.has(directory)) return false;
  const auto inode = source_.tree.look(directory, name.name);
  return inode && handle_of(*inode) == object;
}

bool ModelWorld::is_copy(const Name& copy, const Name& name) {
  const Inode here = at(name.directory).source, there = at(copy.directory).target;
  if (!source_.tree.has(here) || !target.has(there)) return false;
  const auto source = source_.tree.look(here, name.name), made = target.look(there, copy.name);
  if (!source || !made) return false;
  return !target.at(*made).directory && !source_.tree.at(*source).directory &&
         target.at(*made).content == source_.tree.at(*source).content;
}

/// As the engine does with names of one file: the first one is compared or copied, the others become links; a file of the target belongs to one of the source's.
Outcome ModelWorld::synchronise(std::span<const Name> names) {
  between_();
  if (fails_()) return {Trouble::failed, {.code = EIO, .operation = "model"}};
  std::map<Inode, Inode> copies, claims;
  for (const Name& name : names) {
    const auto [here, there, checked] = at(name.directory);
    if (!source_.tree.has(here) || !target.has(there)) continue;
    const auto source = source_.tree.look(here, name.name);
    if (!source || source_.tree.at(*source).directory) continue;
    const ModelInode what = source_.tree.at(*source);
    const auto old = target.look(there, name.name);
    const auto group = copies.find(*source);
    Inode copy = 0;
    if (group != copies.end()) {
      if (old == group->second) continue;
      copy = group->second;
    } else {
      const bool same =
          old && !target.at(*old).directory && target.at(*old).content == what.content && target.at(*old).mode == what.mode;
      if (same && (target.at(*old).links == 1 || claims.emplace(*old, *source).first->second == *source)) {
        copies[*source] = *old;
        continue;
      }
      copy = target.make(false);
      target.at(copy).content = what.content;
      target.at(copy).mode = what.mode;
      copies[*source] = copy;
      claims[copy] = *source;
    }
    ++target.at(copy).links;  // so that it stays when its last old name goes
    if (old) target.unlink(there, name.name);
    target.link(there, name.name, copy);
    --target.at(copy).links;
    judge(there, name.name);
  }
  return {};
}

World::Made ModelWorld::make_directory(const Name& name) {
  between_();
  if (fails_()) return {.outcome = {Trouble::failed, {.code = EIO, .operation = "model"}}};
  const auto [here, there, checked] = at(name.directory);
  if (!source_.tree.has(here) || !target.has(there)) return {};
  const auto source = source_.tree.look(here, name.name);
  if (!source || !source_.tree.at(*source).directory) return {};
  auto copy = target.look(there, name.name);
  const bool is_new = !copy || !target.at(*copy).directory;
  if (is_new) {
    if (copy) target.unlink(there, name.name);
    copy = target.make(true);
    target.link(there, name.name, *copy);
  }
  original_[*copy] = *source;
  target.at(*copy).mode = source_.tree.at(*source).mode;
  judge(there, name.name);
  return {.outcome = {}, .is_new = is_new};
}

Outcome ModelWorld::remove(const Name& name) {
  between_();
  if (fails_()) return {Trouble::failed, {.code = EIO, .operation = "model"}};
  const auto [here, there, checked] = at(name.directory);
  if (!target.has(there) || !target.look(there, name.name)) return {};
  if (source_.tree.has(here) && source_.tree.look(here, name.name)) return {};
  target.unlink(there, name.name);
  return {};
}

Result<> ModelWorld::rename(const Name& from, const Name& to, How how) {
  const Inode old_directory = at(from.directory).target, new_directory = at(to.directory).target;
  if (!target.has(old_directory) || !target.has(new_directory)) return fail(ESTALE, "model");
  const auto moved = target.look(old_directory, from.name), there = target.look(new_directory, to.name);
  if (!moved) return fail(ENOENT, "model");
  const bool directory = target.at(*moved).directory;
  if (directory && target.is_below(new_directory, *moved)) return fail(EINVAL, "model");
  if (how == How::exchange) {
    if (!there) return fail(ENOENT, "model");
    if (target.at(*there).directory && target.is_below(old_directory, *there)) return fail(EINVAL, "model");
    target.at(old_directory).names[from.name] = *there;
    target.at(new_directory).names[to.name] = *moved;
  } else if (moved != there) {
    if (there && target.at(*there).directory && target.is_below(*moved, *there)) return fail(EINVAL, "model");
    target.rename(old_directory, from.name, new_directory, to.name);
    judge(new_directory, to.name);
  }
  if (directory) settle();
  return {};
}

std::optional<Name> ModelWorld::name_of(const FileHandle& object) {
  for (const Inode directory : source_.tree.directories())
    for (const auto& [name, inode] : source_.tree.at(directory).names)
      if (handle_of(inode) == object) return Name{handle_of(directory), name};
  return std::nullopt;
}

Result<std::vector<World::Found>> ModelWorld::search(const std::unordered_set<std::uint64_t>& inodes) {
  between_();
  std::vector<Found> found;
  for (const Inode directory : source_.tree.directories())
    for (const auto& [name, inode] : source_.tree.at(directory).names)
      if (inodes.contains(inode)) found.push_back({{handle_of(directory), name}, inode});
  return found;
}

Result<std::vector<std::string>> ModelWorld::names(const FileHandle& directory) {
  if (fails_()) return fail(EIO, "model");
  std::set<std::string> names;
  const auto [here, there, checked] = at(directory);
  if (source_.tree.has(here))
    for (const auto& [name, inode] : source_.tree.at(here).names) names.insert(name);
  if (target.has(there))
    for (const auto& [name, inode] : target.at(there).names) names.insert(name);
  return std::vector<std::string>(names.begin(), names.end());
}

void ModelWorld::settle() {
  for (const auto& [handle, pair] : open_)
    if (source_.tree.has(pair.source) && target.has(pair.target)) target.at(pair.target).mode = source_.tree.at(pair.source).mode;
  open_.clear();
}

void ModelWorld::judge(Inode directory, const std::string& name) {
  const auto original = original_.find(directory);
  if (original == original_.end()) return;
  const auto inode = target.look(directory, name);
  if (inode && !source_.ever_had(original->second, name, target.at(*inode).content))
    inventions.push_back("in the copy of directory " + std::to_string(original->second) + ": " + name);
}

void ModelWorld::scan(const std::function<void(Inode, Inode, const std::string&)>& met,
                      const std::function<void(const Name&, std::uint64_t, std::uint64_t)>& linked) {
  open_.clear();
  std::map<Inode, Inode> copies;
  scan_directory(ModelTree::kRoot, ModelTree::kRoot, copies, met, linked);
}

void ModelWorld::scan_directory(Inode source, Inode copy_of_it, std::map<Inode, Inode>& copies,
                                const std::function<void(Inode, Inode, const std::string&)>& met,
                                const std::function<void(const Name&, std::uint64_t, std::uint64_t)>& linked) {
  // All names of it are made anew: what matters is what is there afterwards, and what is known of it.
  const std::map<std::string, Inode> names = source_.tree.at(source).names;
  while (!target.at(copy_of_it).names.empty()) target.unlink(copy_of_it, std::string(target.at(copy_of_it).names.begin()->first));
  for (const auto& [name, seen] : names) {
    between_();
    if (!source_.tree.has(source)) return;
    const auto inode = source_.tree.look(source, name);
    if (!inode || inode != seen) continue;
    const ModelInode what = source_.tree.at(*inode);
    if (what.directory) {
      const Inode made = target.make(true);
      target.link(copy_of_it, name, made);
      original_[made] = *inode;
      met(*inode, source, name);
      scan_directory(*inode, made, copies, met, linked);
      if (source_.tree.has(*inode)) target.at(made).mode = source_.tree.at(*inode).mode;
      continue;
    }
    Inode& copy = copies[*inode];
    if (copy == 0 || !target.has(copy)) {
      copy = target.make(false);
      target.at(copy).content = what.content;
      target.at(copy).mode = what.mode;
    }
    target.link(copy_of_it, name, copy);
    if (what.links > 1) linked({handle_of(source), name}, *inode, what.links);
  }
  if (source_.tree.has(source)) target.at(copy_of_it).mode = source_.tree.at(source).mode;
}

}  // namespace foxing::pipeline
