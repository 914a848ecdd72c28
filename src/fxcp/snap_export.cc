// SPDX-License-Identifier: GPL-2.0-or-later
// `fxcp snap export`: a tree as it is now, in a new archive, in one that is there, or into a pipe.
// Holds. A new archive has its name when it is whole.  An old one is only added to: until the new footer is written, behind the new snapshot, it ends for every
//        reader where it ended before.
#include <fmt/format.h>

#include <chrono>

#include "base/text.h"
#include "base/utc.h"
#include "core/archive/appending.h"
#include "fxcp/output_file.h"
#include "fxcp/selection.h"
#include "fxcp/snap.h"
#include "fxcp/values.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/stream.h"

namespace foxing::fxcp {
namespace {

using Clock = std::chrono::steady_clock;

constexpr sys::FdView standard_output() { return sys::FdView(1); }
constexpr int kTries = 10;  // where others give the archive's name to other files meanwhile

/// One run.
class Export {
 public:
  Export(const Options& options, SnapOutput& output) : options_(options), output_(output), path_(options.output.value_or("")) {}

  Result<> run() {
    root_ = FOX_TRY(open_root());
    how_.codec = options_.compress.value_or(codec::Codec{codec::Format::zstd, 3});
    how_.workers = helping_workers(options_);
    how_.rules = FOX_TRY(rules_of(options_));
    how_.root_shown = options_.paths[0];
    how_.one_filesystem = options_.one_file_system;
    if (!options_.output) return to_pipe();
    path_ = FOX_TRY(resolve_links(path_));
    for (int i = 0; i < kTries; ++i) {
      const auto there = FOX_TRY(look(path_));
      if (there && there->type() != sys::FileType::regular) return no_file_may_be(path_, there->type(), "an archive");
      how_.leave_out.clear();
      if (there) how_.leave_out.push_back(there->key());
      if (options_.append && there) {
        if (FOX_TRY(append())) return {};
      } else {
        auto done = to_file();
        if (done || !options_.append || done.error().code != EEXIST) return done;
      }
    }
    return fail(0, "", path_, "is replaced by others again and again");
  }

  const archive::Snapshot& snapshot() const { return snapshot_; }
  const archive::ExportCounters& counters() const { return counters_; }
  std::uint64_t written() const { return written_; }

 private:
  Result<sys::UniqueFd> open_root() const {
    const std::string& path = options_.paths[0];
    auto fd = sys::open_at(sys::working_directory(), path, {.links = sys::Links::follow, .directory = true, .keep_atime = true});
    if (!fd) return tl::make_unexpected(std::move(fd).error().about(path));
    return fd;
  }

  archive::Snapshot named_now() const {
    archive::Snapshot snapshot;
    const timespec now = sys::wall_clock();
    snapshot.seconds = options_.timestamp ? *parse_utc(*options_.timestamp) : now.tv_sec;
    snapshot.nanoseconds = options_.timestamp ? 0 : static_cast<std::uint32_t>(now.tv_nsec);
    snapshot.id = archive::id_of_time(snapshot.seconds);
    return snapshot;
  }

  Result<> to_pipe() {
    archive::Writer writer(standard_output(), how_.codec);
    FOX_TRY(writer.begin_archive({}));
    return write_snapshot(writer, named_now());
  }

  Result<> to_file() {
    return write_new_archive(path_, options_.append ? Name::must_be_free : Name::may_be_taken, [&](sys::FdView file) -> Result<> {
      how_.leave_out.push_back(FOX_TRY(sys::status_of(file)).key());
      archive::Writer writer(file, how_.codec);
      FOX_TRY(writer.begin_archive({}));
      return write_snapshot(writer, named_now());
    });
  }

  /// False where the name went to another file before this one was locked.
  Result<bool> append() {
    auto file = sys::open_at(sys::working_directory(), path_, {.access = sys::Access::read_write, .links = sys::Links::follow});
    if (!file && file.error().code == ENOENT) return false;
    if (!file) return tl::make_unexpected(std::move(file).error().about(path_));
    if (!FOX_TRY(sys::try_lock(*file))) return fail(0, "", path_, "is being written by another run");
    if (!FOX_TRY(is_still(path_, *file))) return false;
    if (auto done = append_to(*file); !done) return tl::make_unexpected(std::move(done).error().about(path_));
    return true;
  }

  Result<> append_to(sys::FdView file) {
    const auto appending = FOX_TRY(archive::Appending::to(file, how_.codec));
    const archive::Snapshot& last = appending->last();
    archive::Snapshot next = named_now();
    if (next.id <= last.id) {
      if (options_.timestamp)
        return fail(0, "", {}, fmt::format("has snapshot {}, and a later one must have a later name", last.id));
      next.seconds = last.seconds + 1;  // two within a second, or a clock that was set back
      next.id = archive::id_of_time(next.seconds);
    }
    appending->prepare(how_);
    archive::Writer& writer = *FOX_TRY(appending->begin());
    auto done = write_snapshot(writer, std::move(next));
    if (done) done = appending->commit();
    if (!done) return tl::make_unexpected(appending->give_up(std::move(done).error()));
    return {};
  }

  Result<> write_snapshot(archive::Writer& writer, archive::Snapshot snapshot) {
    snapshot.device = FOX_TRY(sys::status_of(root_)).device().value;
    const std::uint64_t before = writer.written();
    FOX_TRY(writer.begin_snapshot(std::move(snapshot)));
    counters_ = FOX_TRY(archive::export_tree(root_, how_, writer, output_));
    snapshot_ = FOX_TRY(writer.end_snapshot());
    FOX_TRY(writer.finish());
    written_ = writer.written() - before;
    return {};
  }

  const Options& options_;
  SnapOutput& output_;
  std::string path_;  // of the archive; "" for a pipe
  sys::UniqueFd root_;
  archive::ExportOptions how_;
  archive::Snapshot snapshot_;
  archive::ExportCounters counters_;
  std::uint64_t written_ = 0;
};

}  // namespace

ExitCode run_export(const Options& options) {
  const auto begin = Clock::now();
  SnapOutput output(options, stderr);
  if (!options.output && sys::is_terminal(standard_output()))
    return output.refuse(
        {0, "", {}, "standard output is a terminal, and an archive is no text: name a file with -o, or use a pipe"});
  sys::clear_umask();
  sys::catch_stop_signals();
  sys::raise_open_file_limit();
  Export run(options, output);
  if (auto done = run.run(); !done) {
    if (sys::stop_requested()) return output.refuse({0, "", {}, "stopped: the archive is as it was before"});
    Error error = std::move(done).error();
    if (error.subject.empty()) error.subject = "standard output";
    return output.refuse(error);
  }
  if (!options.quiet) {
    const archive::Snapshot& snapshot = run.snapshot();
    output.say(fmt::format("snapshot {}: {} entries, {} in {} files ({} unchanged, not read); {} new, {} written in {:.3f} s",
                           snapshot.id, grouped(snapshot.entries), human(Bytes(snapshot.content)), grouped(snapshot.files),
                           grouped(run.counters().unchanged), human(Bytes(snapshot.new_content)), human(Bytes(run.written())),
                           std::chrono::duration<double>(Clock::now() - begin).count()));
  }
  return output.flush() && output.failures() == 0 ? ExitCode::all_done : ExitCode::some_failed;
}

}  // namespace foxing::fxcp
