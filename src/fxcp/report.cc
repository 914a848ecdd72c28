// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/report.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/text.h"
#include "fxcp/json_lines.h"
#include "sys/stream.h"

namespace foxing::fxcp {
namespace {

bool wanted(When when, bool automatically) { return when == When::always || (when == When::automatic && automatically); }

/// "3 files keep no ACL": what a kind of loss means for the target.
const char* meaning_of(copy::ProblemKind kind) {
  switch (kind) {
    case copy::ProblemKind::device: return "device not made";
    case copy::ProblemKind::symlink: return "symbolic link not made";
    case copy::ProblemKind::special: return "fifo or socket not made";
    case copy::ProblemKind::hard_link: return "name not linked to its file";
    case copy::ProblemKind::owner: return "owner or group not kept";
    case copy::ProblemKind::mode: return "mode not kept";
    case copy::ProblemKind::xattr: return "extended attribute not kept";
    case copy::ProblemKind::acl: return "ACL not kept";
    case copy::ProblemKind::capability: return "file capability not kept";
    case copy::ProblemKind::time: return "time not kept";
    case copy::ProblemKind::differs: return "not the same after copying";
    case copy::ProblemKind::not_deleted: return "not deleted";
    case copy::ProblemKind::left_out: return "left out";
    case copy::ProblemKind::vanished: return "vanished while the tree was copied";
    default: return copy::name_of(kind);
  }
}

std::string shown_time(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

Bytes rate(Bytes bytes, std::chrono::duration<double> elapsed) {
  return elapsed.count() > 0 ? Bytes(static_cast<std::uint64_t>(static_cast<double>(bytes.value) / elapsed.count())) : Bytes(0);
}

}  // namespace

double seconds_left(const ProgressState& state) {
  if (!state.totals_are_final || state.elapsed.count() < 0.2) return -1;
  const auto by = [&](double done, double total) {
    return done > 0 ? state.elapsed.count() * std::max(total - done, 0.0) / done : -1.0;
  };
  const double by_files = by(static_cast<double>(state.files), static_cast<double>(state.total_files));
  const double by_bytes = by(static_cast<double>(state.bytes.value), static_cast<double>(state.total_bytes.value));
  return std::max(by_files, by_bytes);
}

std::string progress_line(const ProgressState& state, std::size_t columns) {
  const bool known = state.total_files > 0;
  const std::string_view more = state.totals_are_final ? "" : "+";
  const std::string files = fmt::format("{} files", grouped(state.files));
  const std::string of_files = known ? fmt::format(" of {}{}", grouped(state.total_files), more) : "";
  const std::string bytes = fmt::format(", {}", human(state.bytes));
  const std::string of_bytes = known ? fmt::format(" of {}{}", human(state.total_bytes), more) : "";
  const std::string speed = fmt::format(", {}/s", human(rate(state.bytes, state.elapsed)));
  const double left = seconds_left(state);
  const std::string to_go = left >= 0 ? fmt::format(", {} to go", shown_time(left)) : "";
  for (const std::string& line :
       {files + of_files + bytes + of_bytes + speed + to_go, files + of_files + bytes + of_bytes + to_go,
        files + bytes + of_bytes + to_go, files + bytes + to_go, files + to_go})
    if (columns == 0 || line.size() < columns) return line;
  return files.substr(0, columns - 1);
}

Report::Report(const Options& options)
    : json_(options.json),
      quiet_(options.quiet),
      verbose_(options.verbose > 0),
      explain_(options.explain || options.verbose > 1),
      stats_(options.stats),
      shows_files_(options.json ? options.json_files || options.explain
                                : options.verbose > 0 || options.explain || options.itemize > 0 || options.out_format),
      dry_run_(options.dry_run),
      removes_sources_(options.remove_source_files),
      own_lines_(options.out_format.has_value()),
      human_(options.human_readable),
      itemizes_equals_(options.itemize > 1),
      wants_unchanged_(options.json ? options.json_files && options.itemize > 0 : options.itemize > 1),
      progress_(wanted(options.progress, !options.json && !options.quiet && ::isatty(STDERR_FILENO) == 1)) {
  if (options.itemize > 0) format_ = LineFormat::parse("--itemize-changes", "%i %n").value();
}

Result<> Report::open(const Options& options, mode_t umask) {
  if (options.out_format) format_ = FOX_TRY(LineFormat::parse("--out-format", *options.out_format));
  if (!options.log_file) return {};
  log_format_ = FOX_TRY(LineFormat::parse("--log-file-format", options.log_file_format.value_or("%i %n%L")));
  log_ = FOX_TRY(LogFile::open(*options.log_file, 0666 & ~umask));
  logs_ = true;
  wants_unchanged_ = wants_unchanged_ || itemizes_equals_;
  return {};
}

// ---- The log

void Report::log(const std::string& line) {
  if (log_ == nullptr) return;
  if (auto written = log_->write(line); !written) log_failed(written.error());
}

void Report::log_failed(const Error& error) {
  log_.reset();
  output_is_whole_ = false;
  print_line(stderr,
             fmt::format("fxcp: log {}: {}; nothing more is logged", printable(error.subject), printable(error.message())));
}

void Report::log_end(const std::string& done, const copy::Counters& counters, const RunEnd& run) {
  if (log_ == nullptr) return;
  const std::string how = run.no_space ? "the target is full: " : run.interrupted ? "stopped: " : "";
  log(fmt::format("fxcp: {}{}; {}{} files of {} bytes copied, {} linked, {} equal already, {} deleted; {:.3f} s, exit code {}",
                  how, done, dry_run_ ? "dry run: " : "", counters.files.load(), counters.bytes.load(),
                  counters.hard_links.load(), counters.unchanged.load(), counters.deleted.load(), run.elapsed.count(),
                  static_cast<int>(run.exit_code)));
  if (log_ == nullptr) return;
  if (auto closed = log_->close(); !closed) log_failed(closed.error());
  log_.reset();
}

void Report::print_line(std::FILE* stream, const std::string& line) {
  clear_progress_line();
  const bool whole = std::fwrite(line.data(), 1, line.size(), stream) == line.size() && std::fputc('\n', stream) != EOF;
  if (!whole && stream == stdout) output_is_whole_ = false;
}

void Report::clear_progress_line() {
  if (progress_width_ == 0) return;
  std::fprintf(stderr, "\r\033[K");
  progress_width_ = 0;
}

void Report::start(const Options& options, unsigned workers) {
  if (!json_) return;
  const std::lock_guard lock(mutex_);
  print_line(stdout, json::start(options, workers));
}

void Report::refuse(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (json_) print_line(stdout, json::refusal(error));
  // Sentences of ours go on from the subject; the kernel's come after a colon.
  const bool sentence = error.operation[0] == '\0' && error.code == 0;
  std::string text = error.detail.empty() ? error.message() : error.detail;
  if (error.code != 0 && !error.detail.empty())
    text = fmt::format("{} ({})", error.detail, Error{error.code, "", {}, {}}.message());
  const bool goes_on = sentence || !error.detail.empty();
  const std::string subject = error.subject.empty() ? "" : fmt::format("'{}'{} ", printable(error.subject), goes_on ? "" : ":");
  const std::string line = fmt::format("fxcp: {}{}", subject, printable(text));
  log(line);
  print_line(stderr, line);
}

void Report::say(const std::string& sentence) {
  const std::lock_guard lock(mutex_);
  log("fxcp: " + sentence);
  if (json_ || quiet_) return;
  print_line(stdout, sentence);
}

void Report::problem(copy::Problem problem) {
  if (problem.failure) failures_.fetch_add(1);
  const std::lock_guard lock(mutex_);
  Kind& kind = kinds_[static_cast<std::size_t>(problem.kind)];
  ++(problem.failure ? kind.failures : kind.notes);
  if (kind.first_path.empty()) {
    kind.first_path = problem.error.subject;
    kind.first_message = problem.error.message();
  }
  const std::string line = fmt::format("fxcp: {}: {}{}", printable(problem.error.subject),
                                       problem.failure ? "" : "note: ", printable(problem.error.message()));
  log(line);
  if (json_) return print_line(stdout, json::problem(problem));
  if (copy::is_loss(problem.kind) && !verbose_ && !explain_) return;
  if (!problem.failure && quiet_) return;
  print_line(stderr, line);
}

void Report::file(const copy::FileEvent& event) {
  const std::lock_guard lock(mutex_);
  if (log_ != nullptr && log_format_.mentions(event, itemizes_equals_)) log(log_format_.line(event));
  if (!shows_files_) return;
  if (json_) return print_line(stdout, json::file(event, dry_run_));
  if (format_) {
    if (format_->mentions(event, itemizes_equals_)) print_line(stdout, format_->line(event));
    return;
  }
  if (event.action == copy::FileEvent::Action::deleted) return print_line(stdout, "deleting " + printable(event.path));
  if (event.action == copy::FileEvent::Action::removed && removes_sources_)
    return print_line(stdout, "removing " + printable(event.path));
  std::string text = printable(event.path);
  if (event.action == copy::FileEvent::Action::directory) text += '/';
  if (explain_ && event.action == copy::FileEvent::Action::copied && !dry_run_) {
    text += ": ";
    for (std::size_t i = 0; i < event.attempts.size(); ++i) {
      if (i > 0) text += " -> ";
      text += copy::name_of(event.attempts[i].tier);
      if (event.attempts[i].code != 0) text += fmt::format(" declined ({})", errno_name(event.attempts[i].code));
    }
    text += fmt::format(" ({}; {})", event.why, human(event.size));
  } else if (explain_ && event.action == copy::FileEvent::Action::linked) {
    text += ": hard link to a file copied before";
  } else if (explain_ && event.action == copy::FileEvent::Action::renamed) {
    text += ": the target had it as " + printable(event.from);
  }
  print_line(stdout, text);
}

void Report::progress(const ProgressState& state) {
  const std::lock_guard lock(mutex_);
  if (json_) {
    print_line(stdout, json::progress(state));
    std::fflush(stdout);
    return;
  }
  if (::isatty(STDERR_FILENO) == 1) {
    const std::string text = progress_line(state, sys::terminal_columns(sys::FdView(STDERR_FILENO)));
    std::fprintf(stderr, "\r\033[K%s", text.c_str());
    progress_width_ = text.size();
  } else {
    std::fprintf(stderr, "%s\n", progress_line(state, 0).c_str());
  }
}

void Report::print_losses() {
  for (std::size_t i = 0; i < copy::kProblemKinds; ++i) {
    const auto kind = static_cast<copy::ProblemKind>(i);
    const Kind& seen = kinds_[i];
    if (!copy::is_loss(kind) || seen.failures + seen.notes == 0) continue;
    if (seen.failures == 0 && quiet_) continue;
    const std::uint64_t count = seen.failures + seen.notes;
    print_line(stderr, fmt::format("fxcp: {}{}: {} {}, first {}: {}", seen.failures == 0 ? "note: " : "", meaning_of(kind),
                                   grouped(count), count == 1 ? "entry" : "entries", printable(seen.first_path),
                                   printable(seen.first_message)));
  }
}

void Report::line(const std::string& text) {
  const std::lock_guard lock(mutex_);
  print_line(stdout, text);
}

void Report::flush() {
  const std::lock_guard lock(mutex_);
  if (std::fflush(stdout) != 0) output_is_whole_ = false;
}

void Report::print(const std::string& lines) {
  if (lines.empty() || json_) return;
  const std::lock_guard lock(mutex_);
  print_line(stdout, lines);
}

void Report::end(const copy::Counters& counters, const RunEnd& run) {
  const std::lock_guard lock(mutex_);
  clear_progress_line();
  std::uint64_t notes = 0;
  for (const Kind& kind : kinds_) notes += kind.notes;
  const std::string done = fmt::format("{} of {} entries done, {} failures",
                                       grouped(counters.files + counters.directories + counters.symlinks + counters.specials +
                                               counters.hard_links + counters.unchanged + counters.updated + counters.skipped),
                                       grouped(counters.entries), grouped(failures_));
  log_end(done, counters, run);
  if (json_) {
    RunEnd told = run;
    if (!output_is_whole_ && run.exit_code == ExitCode::all_done) told.exit_code = ExitCode::some_failed;
    print_line(stdout, json::summary(counters, told, failures_.load(), notes, dry_run_));
  } else {
    print_losses();
    if (stats_) print_statistics(counters, run);
    if (dry_run_ && !quiet_ && !stats_ && !own_lines_) {
      print_line(stdout,
                 fmt::format("{} files, {} directories and {} other entries would be copied, {} in all; nothing was written",
                             grouped(counters.files), grouped(counters.directories),
                             grouped(counters.symlinks + counters.specials), human(Bytes(counters.bytes))));
    }
    if (run.no_space) {
      const std::string missing =
          run.missing_space > Bytes(0) ? fmt::format("; {} more would be needed", human(run.missing_space)) : "";
      print_line(stderr,
                 fmt::format("fxcp: the target is full{}: {}; the same command goes on when there is room", missing, done));
    } else if (run.interrupted) {
      print_line(stderr, fmt::format("fxcp: stopped: {}; {}", done, run.after_stop));
    } else if (failures_.load() > 0) {
      print_line(stderr, fmt::format("fxcp: {}", done));
    }
  }
  if (std::fflush(stdout) != 0) output_is_whole_ = false;
}

void Report::end_cleanup(std::uint64_t removed, std::uint64_t kept) {
  const std::lock_guard lock(mutex_);
  if (json_) return print_line(stdout, json::cleanup_summary(removed, kept, dry_run_));
  if (quiet_) return;
  print_line(stdout, fmt::format("{} temporary {} {}", grouped(removed), removed == 1 ? "file" : "files",
                                 dry_run_ ? "would be removed" : "removed"));
  if (kept > 0) print_line(stdout, fmt::format("{} kept: of a copy that is running, or of another machine", grouped(kept)));
}

/// --no-human-readable: digits; else both forms; with -h only the short one.
std::string Report::amount(std::uint64_t bytes) const {
  if (human_ == 0) return std::to_string(bytes);
  return human_ == 1 ? fmt::format("{} ({})", grouped(bytes), human(Bytes(bytes))) : human(Bytes(bytes));
}

void Report::print_statistics(const copy::Counters& counters, const RunEnd& run) {
  const auto row = [&](const char* what, const std::string& value) { print_line(stdout, fmt::format("{:<24} {}", what, value)); };
  row(dry_run_ ? "Files that would go" : "Files copied", grouped(counters.files));
  row("Directories", grouped(counters.directories));
  row("Symbolic links", grouped(counters.symlinks));
  row("Fifos, sockets, devices", grouped(counters.specials));
  row("Hard links", grouped(counters.hard_links));
  if (counters.unchanged > 0) row("Equal already", grouped(counters.unchanged));
  if (counters.updated > 0) row("Only attributes", grouped(counters.updated));
  if (counters.pruned > 0) row("Directories not looked at", grouped(counters.pruned));
  if (counters.renamed > 0) row("Had another name", grouped(counters.renamed));
  if (counters.signed_files > 0) row("Signatures left", grouped(counters.signed_files));
  if (counters.hashed_directories > 0) row("Directory hashes left", grouped(counters.hashed_directories));
  if (counters.signatures_ignored > 0) row("Signatures not believed", grouped(counters.signatures_ignored));
  if (counters.skipped > 0) row("Left alone", grouped(counters.skipped));
  if (counters.delta_files > 0)
    row("Only changed parts",
        fmt::format("{} files, {} not written", grouped(counters.delta_files), human(Bytes(counters.delta_spared))));
  if (counters.packed_files > 0)
    row("Through a codec", fmt::format("{} files, {} became {}", grouped(counters.packed_files),
                                       human(Bytes(counters.packed_read)), human(Bytes(counters.packed_made))));
  if (counters.deleted > 0) row(dry_run_ ? "Would be deleted" : "Deleted", grouped(counters.deleted));
  if (counters.sources_removed > 0)
    row(dry_run_ ? "Sources that would go" : "Sources removed", grouped(counters.sources_removed));
  row("Bytes", amount(counters.bytes));
  row("Bytes moved", amount(counters.bytes_moved));
  for (std::size_t tier = 0; tier < copy::kTiers; ++tier) {
    if (const std::uint64_t files = counters.by_tier[tier]; files > 0 && !dry_run_) {
      row(fmt::format("  by {}", copy::name_of(static_cast<copy::Tier>(tier))).c_str(), grouped(files));
    }
  }
  if (counters.retries > 0) row("Read again", grouped(counters.retries));
  if (counters.litter > 0) row("Litter removed", grouped(counters.litter));
  row("Time", fmt::format("{:.3f} s, {}/s", run.elapsed.count(), human(rate(Bytes(counters.bytes), run.elapsed))));
}

}  // namespace foxing::fxcp
