// SPDX-License-Identifier: GPL-2.0-or-later
// `fxcp snap repair`: what is whole of a damaged archive, as a new archive; what is lost, path by path.
// Holds. The damaged one is only read: another program, or a better copy, may still find more in it.  Nothing is replaced that was not named with -o.
#include <fmt/format.h>

#include "base/text.h"
#include "core/archive/repairer.h"
#include "fxcp/output_file.h"
#include "fxcp/snap.h"
#include "sys/file.h"
#include "sys/names.h"
#include "sys/process.h"

namespace foxing::fxcp {
namespace {

class RepairOutput final : public archive::RepairObserver {
 public:
  RepairOutput(SnapOutput& output, const std::string& path) : output_(output), path_(path) {}
  void lost(const std::string& snapshot, const std::string& path, const std::string& why) override {
    output_.say(fmt::format("lost: {}: {}: {}", snapshot, path.empty() ? "." : printable(path), why));
  }
  void gap(const std::string& snapshot, const std::string& what) override {
    output_.problem(path_, {0, "", {}, fmt::format("snapshot {}: {}", snapshot, what)}, true);
  }
  void damaged(const Error& error) {
    output_.problem(path_, {0, "", {}, error.detail.empty() ? error.message() : error.detail}, false);
  }

 private:
  SnapOutput& output_;
  const std::string& path_;
};

/// Where the new archive goes; nothing there is replaced that was not named.
Result<std::string> place_for(const Options& options, const std::string& to, sys::FdView damaged) {
  if (FOX_TRY(is_still(to, damaged))) return fail(0, "", to, "is the damaged archive itself: name another file with --output");
  const auto there = FOX_TRY(look(to));
  if (there && !options.output) return fail(0, "", to, "is there already: name another file with --output");
  if (there && there->type() != sys::FileType::regular) return no_file_may_be(to, there->type(), "an archive");
  return options.output ? resolve_links(to) : Result<std::string>(to);
}

Result<archive::RepairCounters> repair(const Options& options, const std::string& to, SnapOutput& output) {
  const std::string& path = options.paths[0];
  auto file = sys::open_at(sys::working_directory(), path, {.links = sys::Links::follow});
  if (!file) return tl::make_unexpected(std::move(file).error().about(path));
  const std::string place = FOX_TRY(place_for(options, to, *file));
  RepairOutput hears(output, path);
  auto survey = archive::Survey::of(*file, [&](const Error& error) { hears.damaged(error); });
  if (!survey) return tl::make_unexpected(std::move(survey).error().about(path));
  archive::RepairCounters counters;
  const Name name = options.output ? Name::may_be_taken : Name::must_be_free;
  FOX_TRY(write_new_archive(place, name, [&](sys::FdView out) -> Result<> {
    archive::Writer writer(out, {codec::Format::zstd, 3});
    FOX_TRY(writer.begin_archive({.chunks = survey->header().chunks}));
    counters = FOX_TRY(archive::repair(*survey, writer, hears));
    if (counters.snapshots == 0) return fail(0, "", path, "has nothing that could be saved; no archive was written");
    return writer.finish();
  }));
  return counters;
}

}  // namespace

ExitCode run_repair(const Options& options) {
  SnapOutput output(options, stdout);
  sys::clear_umask();
  sys::catch_stop_signals();
  const std::string to = options.output.value_or(options.paths[0] + ".repaired");
  auto done = repair(options, to, output);
  if (!done && sys::stop_requested()) return output.refuse({0, "", {}, "stopped: no archive was written"});
  if (!done) return output.refuse(std::move(done).error().about(options.paths[0]));
  if (!options.quiet) {
    output.say(fmt::format("{}: {} snapshots, {} entries, {} files saved; lost {}, gaps {}", printable(to), done->snapshots,
                           grouped(done->entries), grouped(done->files), grouped(done->lost), grouped(done->gaps)));
  }
  return output.flush() && done->lost == 0 && done->gaps == 0 ? ExitCode::all_done : ExitCode::some_failed;
}

}  // namespace foxing::fxcp
