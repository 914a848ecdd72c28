// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/signature/sidecar.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/own_names.h"
#include "core/signature/little_endian.h"
#include "sys/file.h"
#include "sys/names.h"

namespace foxing::signature {
namespace {

constexpr std::string_view kMagic = "FXSC";
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kHeaderSize = 88;
constexpr std::size_t kEntrySize = 40 + kRecordSize;
static_assert(kEntrySize == 184);

std::uint64_t hash_of_name(std::string_view name) { return checksum(name); }

/// Offsets into the blob have 32 bits.  Entries that do not fit any more are left out: they are only a help.
bool fits(std::size_t blob, std::size_t more) { return more <= kMostSidecarBytes && blob + more <= kMostSidecarBytes; }

struct Sorted {
  std::uint64_t hash;
  const std::string* name;
  const SidecarEntry* entry;
  bool operator<(const Sorted& other) const { return hash != other.hash ? hash < other.hash : *name < *other.name; }
};

Result<std::string> read_file(sys::FdView directory) {
  const sys::UniqueFd file = FOX_TRY(sys::open_at(directory, kSidecarName));
  const sys::FileStatus status = FOX_TRY(sys::status_of(file));
  if (status.type() != sys::FileType::regular || status.size().value > kMostSidecarBytes) return fail(EINVAL, "read");
  std::string bytes(status.size().value, '\0');
  const std::size_t got = FOX_TRY(sys::read_all_at(file, std::as_writable_bytes(std::span(bytes.data(), bytes.size())), {}));
  bytes.resize(got);
  return bytes;
}

Result<> write_file(sys::FdView directory, sys::CString temporary, std::string_view bytes) {
  sys::UniqueFd file = FOX_TRY(sys::create_at(directory, temporary, 0600));
  auto written = sys::write_all(file, as_bytes(bytes));
  if (written) written = sys::close_written(std::move(file));
  if (written) written = sys::rename_at(directory, temporary, directory, kSidecarName);
  if (!written) (void)sys::unlink_at(directory, temporary);
  return written;
}

}  // namespace

std::string encode(const SidecarContent& content) {
  std::vector<Sorted> sorted;
  sorted.reserve(content.entries.size());
  for (const auto& [name, entry] : content.entries) sorted.push_back({hash_of_name(name), &name, &entry});
  std::sort(sorted.begin(), sorted.end());
  std::string records;
  std::string blob;
  std::uint32_t count = 0;
  Writer record(records);
  for (const auto& [hash, name, entry] : sorted) {
    if (entry->signature.size() != kRecordSize || name->empty() || name->size() > 0xFFFF ||
        !fits(blob.size() + records.size() + kHeaderSize + kEntrySize, name->size() + entry->leaves.size()))
      continue;
    record.u64(hash);
    record.u32(static_cast<std::uint32_t>(blob.size()));
    record.u16(static_cast<std::uint16_t>(name->size()));
    record.u16(0);
    blob += *name;
    record.u32(entry->leaves.empty() ? 0 : static_cast<std::uint32_t>(blob.size()));
    record.u32(static_cast<std::uint32_t>(entry->leaves.size()));
    blob += entry->leaves;
    record.i64(entry->changed.tv_sec);
    record.u32(static_cast<std::uint32_t>(entry->changed.tv_nsec));
    record.u32(0);
    record.text(entry->signature);
    ++count;
  }
  std::string header;
  Writer out(header);
  out.text(kMagic);
  out.u16(kVersion);
  out.u16(0);
  out.u32(count);
  out.u32(static_cast<std::uint32_t>(blob.size()));
  out.text(content.dir_signature.size() == kDirRecordSize ? content.dir_signature : std::string(kDirRecordSize, '\0'));
  records += blob;
  out.u64(checksum(header, records));
  return header + records;
}

Found<SidecarContent> decode_sidecar(std::string_view bytes) {
  Reader in(bytes);
  if (in.text(kMagic.size()) != kMagic) return {{}, Ignored::damaged};
  const std::uint16_t version = in.u16();
  const std::uint16_t flags = in.u16();
  if (!in.ok()) return {{}, Ignored::damaged};
  if (version != kVersion) return {{}, Ignored::foreign};
  const std::uint32_t count = in.u32();
  const std::uint32_t blob_size = in.u32();
  SidecarContent content;
  content.dir_signature = in.text(kDirRecordSize);
  const std::uint64_t sum = in.u64();
  if (!in.ok() || sum != checksum(bytes.substr(0, kHeaderSize - kChecksumSize), bytes.substr(kHeaderSize)))
    return {{}, Ignored::damaged};
  if (flags != 0) return {{}, Ignored::foreign};
  if (in.left() != count * std::uint64_t{kEntrySize} + blob_size) return {{}, Ignored::damaged};
  if (content.dir_signature.find_first_not_of('\0') == std::string::npos) content.dir_signature.clear();
  const std::string_view blob = bytes.substr(bytes.size() - blob_size);
  const auto part = [&](std::uint64_t at, std::uint64_t size) -> std::optional<std::string_view> {
    if (at + size > blob.size()) return std::nullopt;
    return blob.substr(at, size);
  };
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t hash = in.u64();
    const std::uint32_t name_at = in.u32();
    const std::uint16_t name_size = in.u16();
    in.u16();
    const std::uint32_t leaves_at = in.u32();
    const std::uint32_t leaves_size = in.u32();
    SidecarEntry entry;
    entry.changed.tv_sec = in.i64();
    entry.changed.tv_nsec = in.u32();
    in.u32();
    entry.signature = in.text(kRecordSize);
    const auto name = part(name_at, name_size);
    const auto leaves = part(leaves_at, leaves_size);
    if (!name || name->empty() || !leaves || hash_of_name(*name) != hash) return {{}, Ignored::damaged};
    entry.leaves = *leaves;
    if (!content.entries.emplace(*name, std::move(entry)).second) return {{}, Ignored::damaged};
  }
  return {std::move(content), {}};
}

void Sidecar::load(sys::FdView directory) {
  if (std::exchange(loaded_, true)) return;
  const auto bytes = read_file(directory);
  if (!bytes) {
    if (bytes.error().code != ENOENT) ignored_ = Ignored::unreadable;
    return;
  }
  Found<SidecarContent> found = decode_sidecar(*bytes);
  if (!found.value) {
    ignored_ = found.ignored;
    return;
  }
  content_ = std::move(*found.value);
}

std::optional<SidecarEntry> Sidecar::find(sys::FdView directory, std::string_view name) {
  const std::lock_guard lock(mutex_);
  load(directory);
  const auto found = content_.entries.find(name);
  if (found == content_.entries.end()) return std::nullopt;
  return found->second;
}

void Sidecar::put(sys::FdView directory, std::string_view name, SidecarEntry entry) {
  const std::lock_guard lock(mutex_);
  load(directory);
  content_.entries.insert_or_assign(std::string(name), std::move(entry));
  changed_ = true;
}

void Sidecar::remove(sys::FdView directory, std::string_view name) {
  const std::lock_guard lock(mutex_);
  load(directory);
  const auto found = content_.entries.find(name);
  if (found == content_.entries.end()) return;
  content_.entries.erase(found);
  changed_ = true;
}

std::string Sidecar::dir_signature(sys::FdView directory) {
  const std::lock_guard lock(mutex_);
  load(directory);
  return content_.dir_signature;
}

void Sidecar::put_dir_signature(sys::FdView directory, std::string signature) {
  const std::lock_guard lock(mutex_);
  load(directory);
  changed_ = changed_ || content_.dir_signature != signature;
  content_.dir_signature = std::move(signature);
}

Result<> Sidecar::save(sys::FdView directory, sys::CString temporary) {
  const std::lock_guard lock(mutex_);
  if (!changed_) return {};
  if (content_.entries.empty() && content_.dir_signature.empty()) {
    auto removed = sys::unlink_at(directory, kSidecarName);
    if (!removed && removed.error().code != ENOENT) return removed;
  } else {
    FOX_TRY(write_file(directory, temporary, encode(content_)));
  }
  changed_ = false;
  return {};
}

Ignored Sidecar::ignored() const {
  const std::lock_guard lock(mutex_);
  return ignored_;
}

bool Sidecar::is_in_use() const {
  const std::lock_guard lock(mutex_);
  return in_use_;
}

void Sidecar::use() {
  const std::lock_guard lock(mutex_);
  in_use_ = true;
}

}  // namespace foxing::signature
