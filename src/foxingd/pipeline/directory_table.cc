// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/pipeline/directory_table.h"

#include <utility>

#include "base/assert.h"

namespace foxing::pipeline {

DirectoryTable::DirectoryTable(FileHandle root) {
  auto node = std::make_unique<Node>(Node{.handle = root, .parent = nullptr, .name = {}});
  root_ = node.get();
  nodes_.emplace(std::move(root), std::move(node));
}

DirectoryTable::Node* DirectoryTable::find(const FileHandle& directory) const {
  const auto at = nodes_.find(directory);
  return at == nodes_.end() ? nullptr : at->second.get();
}

std::optional<DirectoryTable::Place> DirectoryTable::place_of(const FileHandle& directory) const {
  const Node* node = find(directory);
  if (node == nullptr || node->parent == nullptr) return std::nullopt;
  return Place{node->parent->handle, node->name};
}

std::optional<FileHandle> DirectoryTable::at(const FileHandle& parent, const std::string& name) const {
  const Node* node = find(parent);
  if (node == nullptr) return std::nullopt;
  const auto child = node->children.find(name);
  if (child == node->children.end()) return std::nullopt;
  return child->second->handle;
}

std::optional<std::string> DirectoryTable::path_of(const FileHandle& directory) const {
  const Node* node = find(directory);
  if (node == nullptr) return std::nullopt;
  std::vector<const std::string*> names;
  std::size_t length = 0;
  for (; node->parent != nullptr; node = node->parent) {
    names.push_back(&node->name);
    length += node->name.size() + 1;
  }
  std::string path;
  path.reserve(length);
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    if (!path.empty()) path += '/';
    path += **name;
  }
  return path;
}

bool DirectoryTable::lies_in(const Node* node, const Node* ancestor) {
  for (; node != nullptr; node = node->parent)
    if (node == ancestor) return true;
  return false;
}

bool DirectoryTable::is_below(const FileHandle& directory, const FileHandle& ancestor) const {
  const Node* node = find(directory);
  const Node* above = find(ancestor);
  return node != nullptr && above != nullptr && lies_in(node, above);
}

bool DirectoryTable::put(const FileHandle& directory, const FileHandle& parent, const std::string& name) {
  Node* into = find(parent);
  Node* node = find(directory);
  if (into == nullptr || node == root_) return false;
  if (node != nullptr && lies_in(into, node)) return false;
  if (const auto there = into->children.find(name); there != into->children.end() && there->second != node) {
    if (node != nullptr && lies_in(node, there->second)) {  // it comes out of what it takes the place of
      node->parent->children.erase(node->name);
      node->parent = nullptr;
    }
    erase(there->second);
  }
  if (node == nullptr) {
    auto made = std::make_unique<Node>(Node{.handle = directory, .parent = into, .name = name});
    node = made.get();
    nodes_.emplace(directory, std::move(made));
  } else {
    if (node->parent != nullptr) node->parent->children.erase(node->name);
    node->parent = into;
    node->name = name;
  }
  node->met = scan_;
  into->children[name] = node;
  return true;
}

bool DirectoryTable::exchange(const FileHandle& one, const FileHandle& other) {
  Node* a = find(one);
  Node* b = find(other);
  if (a == nullptr || b == nullptr || a->parent == nullptr || b->parent == nullptr || lies_in(a, b) || lies_in(b, a))
    return false;
  a->parent->children[a->name] = b;
  b->parent->children[b->name] = a;
  std::swap(a->parent, b->parent);
  std::swap(a->name, b->name);
  return true;
}

void DirectoryTable::remove(const FileHandle& directory) {
  Node* node = find(directory);
  if (node != nullptr && node != root_) erase(node);
}

/// Without recursion: a tree may be deeper than the stack.
void DirectoryTable::erase(Node* node) {
  if (node->parent != nullptr) node->parent->children.erase(node->name);
  std::vector<Node*> doomed{node};
  while (!doomed.empty()) {
    Node* next = doomed.back();
    doomed.pop_back();
    for (const auto& [name, child] : next->children) doomed.push_back(child);
    const FileHandle handle = next->handle;
    nodes_.erase(handle);
  }
}

void DirectoryTable::end_scan() {
  std::vector<FileHandle> gone;
  for (const auto& [handle, node] : nodes_)
    if (node.get() != root_ && node->met != scan_) gone.push_back(handle);
  for (const FileHandle& handle : gone) remove(handle);
}

}  // namespace foxing::pipeline
