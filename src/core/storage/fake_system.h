// SPDX-License-Identifier: GPL-2.0-or-later
// A made-up /proc, /sys and /dev for tests: plain files, directories and relative links below a temporary folder, shaped as the kernel's.
//     FakeSystem system;
//     system.disk("259:0", "nvme0n1");
//     system.map("253:0", "dm-0", "CRYPT-LUKS2-...", "home", {"nvme0n1"});
//     read_stack(system.root(), DeviceId::from_numbers(253, 0))
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/storage/system_root.h"

namespace foxing::storage {

/// A folder that goes away with its owner.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    const char* const place = getenv("TMPDIR");
    std::string pattern = std::string(place != nullptr ? place : "/tmp") + "/foxing-storage-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "mkdtemp " << pattern;
    path_ = pattern;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Queue {
  bool rotational = false;
  unsigned logical_block = 512;
  unsigned long discard_max = 0;
};

class FakeSystem {
 public:
  SystemRoot root() const { return SystemRoot(folder_.path()); }
  const std::string& folder() const { return folder_.path(); }

  void file(std::string_view path, std::string_view content) {
    const std::filesystem::path place = at(path);
    std::filesystem::create_directories(place.parent_path());
    std::ofstream(place, std::ios::binary) << content;
  }
  void directory(std::string_view path) { std::filesystem::create_directories(at(path)); }
  /// `target` is absolute in this system; the link says it relatively, as sysfs does.
  void link(std::string_view path, std::string_view target) {
    const std::filesystem::path place = at(path);
    std::filesystem::create_directories(place.parent_path());
    std::filesystem::create_symlink(at(target).lexically_relative(place.parent_path()), place);
  }
  void mountinfo(std::string_view text) { file("/proc/self/mountinfo", text); }

  void disk(std::string_view numbers, const std::string& name, Queue queue = {}, std::string_view model = "") {
    add(numbers, name, "/sys/devices/pci0000:00/block/" + name, queue);
    if (!model.empty()) file(folder_of(name) + "/device/model", std::string(model) + "   \n");
  }
  void partition(std::string_view numbers, const std::string& name, const std::string& disk, int index) {
    const std::string folder = folder_of(disk) + "/" + name;
    publish(numbers, name, folder);
    file(folder + "/partition", std::to_string(index) + "\n");
  }
  void map(std::string_view numbers, const std::string& name, std::string_view uuid, std::string_view map_name,
           const std::vector<std::string>& below, Queue queue = {}) {
    virtual_device(numbers, name, below, queue);
    file(folder_of(name) + "/dm/uuid", std::string(uuid) + "\n");
    file(folder_of(name) + "/dm/name", std::string(map_name) + "\n");
    link("/dev/mapper/" + std::string(map_name), "/dev/" + name);
  }
  void virtual_device(std::string_view numbers, const std::string& name, const std::vector<std::string>& below = {},
                      Queue queue = {}) {
    add(numbers, name, "/sys/devices/virtual/block/" + name, queue);
    directory(folder_of(name) + "/slaves");
    for (const std::string& slave : below) link(folder_of(name) + "/slaves/" + slave, folder_of(slave));
  }
  void btrfs(const std::string& uuid, const std::vector<std::string>& members) {
    for (const std::string& member : members) link("/sys/fs/btrfs/" + uuid + "/devices/" + member, folder_of(member));
  }
  void by_uuid(const std::string& uuid, const std::string& name) { link("/dev/disk/by-uuid/" + uuid, "/dev/" + name); }
  const std::string& folder_of(const std::string& name) const { return folders_.at(name); }

 private:
  std::filesystem::path at(std::string_view path) const { return folder_.path() + std::string(path); }

  void publish(std::string_view numbers, const std::string& name, const std::string& folder) {
    folders_[name] = folder;
    file(folder + "/dev", std::string(numbers) + "\n");
    file(folder + "/size", "2097152\n");
    link("/sys/dev/block/" + std::string(numbers), folder);
    link("/sys/class/block/" + name, folder);
  }
  void add(std::string_view numbers, const std::string& name, const std::string& folder, Queue queue) {
    publish(numbers, name, folder);
    file(folder + "/queue/rotational", queue.rotational ? "1\n" : "0\n");
    file(folder + "/queue/logical_block_size", std::to_string(queue.logical_block) + "\n");
    file(folder + "/queue/discard_max_bytes", std::to_string(queue.discard_max) + "\n");
    file(folder + "/removable", "0\n");
  }

  TemporaryFolder folder_;
  std::map<std::string, std::string> folders_;
};

}  // namespace foxing::storage
