// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/packing.h"

#include "sys/file.h"

namespace foxing::fxcp {
namespace {

using Way = copy::Transformation::Way;

copy::Transformation transformation_of(const Options& options) {
  if (options.decompress) return {.way = Way::decompress, .codec = {}};
  if (options.compress && options.compress->format != codec::Format::none)
    return {.way = Way::compress, .codec = *options.compress};
  return {};
}

}  // namespace

copy::Packing packing_of(const Options& options, const walk::Selector* selector) {
  return {transformation_of(options), {.follow_links = options.symlinks == Symlinks::follow, .selector = selector}};
}

std::string packed_name_of(const Options& options, const std::string& source, sys::Links links, const std::string& name) {
  const copy::Packing packing = packing_of(options, nullptr);
  if (!packing.active()) return name;
  const auto file = sys::open_at(sys::working_directory(), source, {.links = links, .keep_atime = true});
  const auto done = file ? packing.of(*file) : Result<copy::Transformation>(packing.how());
  return done ? copy::packed_name(name, *done) : name;  // what cannot be read fails when its turn comes
}

std::string packed_name_as_given(const Options& options, const std::string& name) {
  const copy::Transformation how = transformation_of(options);
  if (how.way != Way::compress || codec::format_by_suffix(name) == how.codec.format) return name;
  return copy::packed_name(name, how);
}

}  // namespace foxing::fxcp
