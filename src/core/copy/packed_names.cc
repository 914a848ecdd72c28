// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/own_names.h"
#include "core/copy/packing.h"
#include "core/copy/temp_names.h"
#include "sys/file.h"
#include "sys/names.h"

namespace foxing::copy {
namespace {

using Way = Transformation::Way;

constexpr codec::Format kFormats[] = {codec::Format::zstd, codec::Format::lz4, codec::Format::gzip, codec::Format::xz};

bool may_be_given(std::string_view name) {
  return name != "." && name != ".." && !is_own_name(name) && !(name.starts_with(".tmp.") && TempNames::maker_of(name));
}

}  // namespace

std::string packed_name(std::string_view name, const Transformation& done) {
  if (done.way == Way::compress) return compressed_name(name, done.codec.format);
  if (done.way == Way::decompress && codec::format_by_suffix(name) == done.codec.format) {
    auto shorter = decompressed_name(name);
    if (shorter && may_be_given(*shorter)) return std::move(*shorter);
  }
  return std::string(name);
}

Result<Transformation> Packing::of(sys::FdView file) const {
  if (how_.way != Way::decompress) return how_;
  std::byte first[codec::kMagicBytes];
  const auto got = sys::read_all_at(file, first, FileOffset(0));
  if (!got && got.error().code == ESPIPE)
    return Transformation{};  // some of procfs: not to be read from a place, and not compressed
  if (!got) return tl::make_unexpected(got.error());
  const auto format = codec::detect({first, *got});
  if (!format) return Transformation{};
  return Transformation{.way = Way::decompress, .codec = {.format = *format, .level = 0}};
}

std::string Packing::name_of_file(sys::FdView directory, const std::string& name) const {
  if (how_.way != Way::decompress) return packed_name(name, how_);
  const auto by_suffix = codec::format_by_suffix(name);
  if (!by_suffix) return name;
  const auto file = sys::open_at(directory, name, {.links = links(), .keep_atime = true});
  const Transformation by_name{.way = Way::decompress, .codec = {.format = *by_suffix, .level = 0}};
  if (!file) return packed_name(name, by_name);
  const auto done = of(*file);
  return packed_name(name, done ? *done : by_name);
}

Result<std::optional<Packing::Called>> Packing::name_of_entry(sys::FdView directory, const std::string& name) const {
  auto status = sys::status_at(directory, name);
  if (!status && (status.error().code == ENOENT || status.error().code == ENAMETOOLONG)) return std::nullopt;
  if (!status) return tl::make_unexpected(std::move(status).error());
  if (status->type() == sys::FileType::symlink && entries_.follow_links) {
    if (const auto behind = sys::status_at(directory, name, sys::Links::follow)) status = *behind;
  }
  if (status->type() != sys::FileType::regular) return Called{name, status->type() == sys::FileType::directory};
  return Called{name_of_file(directory, name), false};
}

std::vector<std::string> Packing::origins_of(const std::string& name) const {
  std::vector<std::string> origins{name};
  if (how_.way == Way::compress && codec::format_by_suffix(name) == how_.codec.format) {
    if (auto shorter = decompressed_name(name)) origins.push_back(std::move(*shorter));
  } else if (how_.way == Way::decompress) {
    for (const codec::Format format : kFormats) origins.push_back(compressed_name(name, format));
  }
  return origins;
}

Result<bool> Packing::has(walk::Directory& source, const std::string& name) const {
  for (const std::string& origin : origins_of(name)) {
    const auto called = FOX_TRY(name_of_entry(source.fd(), origin));
    if (!called || called->name != name) continue;
    const walk::Selector* const rules = entries_.selector;
    if (rules == nullptr || rules->selects(source, origin, called->is_directory) ||
        rules->guards(source, origin, called->is_directory))
      return true;
  }
  return false;
}

std::optional<std::string> Packing::rival_of(walk::Directory& source, const std::string& name) const {
  if (!active()) return std::nullopt;
  const std::string wanted = name_of_file(source.fd(), name);
  if (wanted == name) return std::nullopt;
  for (const std::string& origin : origins_of(wanted)) {
    if (origin == name) break;
    const auto called = name_of_entry(source.fd(), origin);
    if (!called || !*called || (*called)->name != wanted) continue;  // what cannot be looked at fails for itself
    if (entries_.selector == nullptr || entries_.selector->selects(source, origin, (*called)->is_directory)) return origin;
  }
  return std::nullopt;
}

std::optional<std::string> Packing::other_name(std::string_view name) const {
  const auto slash = name.rfind('/');
  const std::string_view last = slash == std::string_view::npos ? name : name.substr(slash + 1);
  if (how_.way != Way::compress || codec::format_by_suffix(last) != how_.codec.format) return std::nullopt;
  return decompressed_name(name);
}

}  // namespace foxing::copy
