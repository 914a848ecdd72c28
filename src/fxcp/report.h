// SPDX-License-Identifier: GPL-2.0-or-later
// The report: what people and programs hear of a run.
//
//   from  the copier's Observer calls, on several workers       to  standard error and output, and the exit code
//
// For people: a failure is a line when it happens; what the target could not keep is a line for each kind at the end, however many files it
// concerns.  For programs (--json): a line of JSON for each event; docs/json.md has the schema.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/copy/outcome.h"
#include "fxcp/line_format.h"
#include "fxcp/log_file.h"
#include "fxcp/options.h"

namespace foxing::fxcp {

enum class ExitCode : int { all_done = 0, some_failed = 1, nothing_done = 2 };

/// How far a run is; the totals are 0 while nobody knows them.
struct ProgressState {
  std::uint64_t files = 0;
  std::uint64_t total_files = 0;
  Bytes bytes;
  Bytes total_bytes;
  bool totals_are_final = false;
  std::chrono::duration<double> elapsed{0};
};

/// Seconds still to go, by files and by bytes, whichever is longer; below 0 where that cannot be told.
double seconds_left(const ProgressState& state);

/// What --progress shows, in fewer than `columns` characters: a line that wraps could not be written over.  What matters least goes first.  0: no limit.
std::string progress_line(const ProgressState& state, std::size_t columns);

/// How a run ended, for the summary.
struct RunEnd {
  ExitCode exit_code = ExitCode::all_done;
  bool interrupted = false;
  bool no_space = false;
  Bytes missing_space;  // with no_space: so much more room would have been needed; 0 where that is not known
  std::chrono::duration<double> elapsed{0};
  const char* after_stop = "what is there is whole, and the same command goes on";  // what a user may count on
};

class Report final : public copy::Observer {
 public:
  explicit Report(const Options& options);
  /// Once, before anything is touched: reads --out-format and --log-file-format, and opens the log.
  Result<> open(const Options& options, mode_t umask);

  void start(const Options& options, unsigned workers);
  /// A message that ends everything: a usage or set-up error.
  void refuse(const Error& error);

  /// A sentence for people.
  void say(const std::string& sentence);

  // copy::Observer
  void problem(copy::Problem problem) override;
  bool wants_files() const override { return shows_files_ || logs_; }
  bool wants_unchanged() const override { return wants_unchanged_; }
  void file(const copy::FileEvent& event) override;

  void progress(const ProgressState& state);
  bool shows_progress() const { return progress_; }
  std::chrono::milliseconds progress_interval() const { return std::chrono::milliseconds(json_ ? 1000 : 200); }
  /// A line that is the result itself.
  void line(const std::string& text);
  /// Standard output has everything, or output_is_whole() says that it has not.
  void flush();
  /// More lines for people.
  void print(const std::string& lines);
  void end(const copy::Counters& counters, const RunEnd& run);
  void end_cleanup(std::uint64_t removed, std::uint64_t kept);

  std::uint64_t failures() const { return failures_.load(); }
  /// False where standard output, or the log, could not take what was written.
  bool output_is_whole() const { return output_is_whole_; }

 private:
  struct Kind {
    std::uint64_t failures = 0;
    std::uint64_t notes = 0;
    std::string first_path;
    std::string first_message;
  };

  void print_line(std::FILE* stream, const std::string& line);
  void clear_progress_line();
  void log(const std::string& line);
  void log_failed(const Error& error);
  void log_end(const std::string& done, const copy::Counters& counters, const RunEnd& run);
  std::string amount(std::uint64_t bytes) const;
  void print_losses();
  void print_statistics(const copy::Counters& counters, const RunEnd& run);

  const bool json_;
  const bool quiet_;
  const bool verbose_;
  const bool explain_;
  const bool stats_;
  const bool shows_files_;
  const bool dry_run_;
  const bool removes_sources_;
  const bool own_lines_;  // --out-format: nothing else is said of what goes well
  const unsigned human_;
  const bool itemizes_equals_;  // -ii
  bool wants_unchanged_;
  bool logs_ = false;
  std::optional<LineFormat> format_;  // of standard output: --out-format or -i
  LineFormat log_format_;
  std::unique_ptr<LogFile> log_;  // null: none, or it has failed; guarded by mutex_
  bool progress_;
  std::mutex mutex_;
  std::array<Kind, copy::kProblemKinds> kinds_;  // guarded by mutex_
  std::size_t progress_width_ = 0;  // guarded by mutex_
  bool output_is_whole_ = true;  // guarded by mutex_
  std::atomic<std::uint64_t> failures_{0};
};

}  // namespace foxing::fxcp
