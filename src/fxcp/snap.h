// SPDX-License-Identifier: GPL-2.0-or-later
// `fxcp snap`: trees as snapshots, in archives and in the store of a target, and back.
//   from  Options        to  core/archive, core/snapshot, and words for people; the exit code
//
//   archives:   the files of the next line
//   the store:  snap_store.cc   list, stats, tag, prune, rebuild-index, verify        snap_history.cc   copy, revert, log, diff
//   snap_export.cc   export        snap.cc   import, restore, check        snap_inspect.cc   inspect        snap_repair.cc   repair
//
// Holds. Exit code 0: all is as it should be; 1: something is not there or not whole, and is named; 2: nothing was done.
#pragma once

#include <cstdio>
#include <functional>
#include <mutex>
#include <string>

#include "base/result.h"
#include "core/archive/exporter.h"
#include "core/archive/reader.h"
#include "fxcp/options.h"
#include "fxcp/report.h"

namespace foxing::fxcp {

ExitCode run_export(const Options& options);
ExitCode run_import(const Options& options);
ExitCode run_inspect(const Options& options);
ExitCode run_check(const Options& options);
ExitCode run_restore(const Options& options);
ExitCode run_repair(const Options& options);

ExitCode run_snap_list(const Options& options);
ExitCode run_snap_stats(const Options& options);
ExitCode run_snap_tag(const Options& options);
ExitCode run_snap_diff(const Options& options);
ExitCode run_snap_log(const Options& options);
ExitCode run_snap_revert(const Options& options);
ExitCode run_snap_copy(const Options& options);
ExitCode run_snap_prune(const Options& options);
ExitCode run_snap_rebuild_index(const Options& options);
ExitCode run_snap_verify(const Options& options);

/// What is said while entries come and go, by one thread.
class SnapOutput final : public archive::Observer {
 public:
  /// `to`: where what is not wrong is said; standard output may be the archive itself.
  SnapOutput(const Options& options, std::FILE* to) : options_(options), to_(to) {}
  void problem(const std::string& path, const Error& error, bool failure) override;
  void done(const std::string& path) override;
  void say(const std::string& line);
  /// Something that ends everything: a line on standard error.
  ExitCode refuse(const Error& error, ExitCode code = ExitCode::nothing_done);
  std::uint64_t failures() const { return failures_; }
  /// False where standard output did not take everything.
  bool flush();

 private:
  const Options& options_;
  std::FILE* to_;
  std::uint64_t failures_ = 0;
  bool whole_ = true;
};

/// Threads beside the one that calls.
unsigned helping_workers(const Options& options);

enum class Name { may_be_taken, must_be_free };  // by another file; EEXIST where it must not
/// A new archive, which has its name when `write` has filled it and it is on disk.  Errors are about `path`.
Result<> write_new_archive(const std::string& path, Name name, const std::function<Result<>(sys::FdView)>& write);

/// The archive `path`; "-" is standard input, where that can be read at any place.
Result<archive::Archive> open_archive(const std::string& path);
/// The snapshot that the options mean.  An error names those there are.
Result<const archive::Snapshot*> choose_snapshot(const archive::Archive& archive, const Options& options,
                                                 const std::string& path);

}  // namespace foxing::fxcp
