// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/snap.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/text.h"
#include "core/archive/checker.h"
#include "core/archive/importing.h"
#include "core/copy/target.h"
#include "fxcp/arrangement.h"
#include "fxcp/preflight.h"
#include "sys/file.h"
#include "sys/names.h"
#include "sys/process.h"
#include "sys/stream.h"

namespace foxing::fxcp {
namespace {

using Clock = std::chrono::steady_clock;

constexpr mode_t kArchiveMode = 0600;  // it may hold what others may not read

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

archive::RestoreOptions restore_options(const Options& options) {
  archive::RestoreOptions how;
  how.policy = {
      .mode = true, .owner = true, .group = true, .times = true, .xattrs = true, .acls = true, .umask = sys::current_umask()};
  how.policy.privileges = sys::privileges();
  how.devices = options.preserve.devices;
  if (options.max_size) how.most_bytes = options.max_size->value;
  return how;
}

/// The directory to restore into.
struct Target {
  std::string path;
  sys::UniqueFd fd;
  bool made = false;  // by us

  /// Nothing has come into it: then it is not there, either.
  void take_back() const {
    if (made) (void)sys::remove_directory_at(sys::working_directory(), path);  // only where it is empty
  }
};

/// Made where it is missing.
Result<Target> open_target(const std::string& path) {
  Target target{.path = path, .fd = {}};
  const auto open = [&] {
    return sys::open_at(sys::working_directory(), path, {.links = sys::Links::follow, .directory = true});
  };
  auto fd = open();
  if (!fd && fd.error().code == ENOENT) {
    if (auto made = sys::make_directory_at(sys::working_directory(), path, 0700); !made)
      return tl::make_unexpected(std::move(made).error().about(path));
    target.made = true;
    fd = open();
  }
  if (!fd) return tl::make_unexpected(std::move(fd).error().about(path));
  target.fd = std::move(*fd);
  return target;
}

/// An error where there is no room for it.  An archive in which that cannot be found out is restored as far as it goes.
Result<> fits_into(const std::string& target, archive::Archive& archive, const archive::Snapshot& snapshot,
                   const archive::Selection* selection, const Options& options) {
  const Bytes most = options.max_size.value_or(Bytes(~std::uint64_t{0}));  // more is not written
  const auto needed = [&]() -> Result<Bytes> {
    auto data = archive::data_of(archive, snapshot, selection);
    if (!data && data.error().code == EBADMSG) return Bytes(0);
    const std::uint64_t bytes = FOX_TRY(std::move(data));
    return std::min(Bytes(bytes), most);
  };
  return check_room(target, std::min(Bytes(snapshot.content), most), needed, std::max(1U, helping_workers(options)));
}

/// Standard input, where it has no places: what comes is restored while it arrives.
bool is_pipe(const std::string& path) {
  if (path != "-") return false;
  const auto at = sys::position_of(sys::standard_input());
  return !at || *at != FileOffset(0);
}

/// Who asked for the newest snapshot, and may have got an older one, is not told that all is done.
void say_if_recovered(const archive::Archive& archive, const Options& options, const std::string& path, SnapOutput& output) {
  if (!archive.recovered()) return;
  const bool older = archive.is_cut_off() && !options.date;
  output.problem(path,
                 {0,
                  "",
                  {},
                  older ? fmt::format("its end is missing or damaged, and a newer snapshot with it, if there was one; {} is "
                                      "taken, the last that is whole "
                                      "(--date chooses it without this warning)",
                                      archive.snapshots().back().id)
                        : "its end is missing or damaged; what it has was found out from its records"},
                 older);
}

std::string summary(const char* what, const archive::Snapshot& snapshot, const archive::RestoreCounters& counters,
                    double seconds) {
  return fmt::format("snapshot {}: {} entries {}, {} files, {} written in {:.3f} s", snapshot.id, grouped(counters.entries), what,
                     grouped(counters.files), human(Bytes(counters.bytes)), seconds);
}

}  // namespace

// ---- What all verbs share

void SnapOutput::problem(const std::string& path, const Error& error, bool failure) {
  if (failure) ++failures_;
  if (!failure && options_.quiet) return;
  std::fprintf(stderr, "fxcp: %s: %s%s\n", printable(path).c_str(), failure ? "" : "note: ", printable(error.message()).c_str());
}

void SnapOutput::done(const std::string& path) {
  if (options_.verbose > 0) say(printable(path));
}

void SnapOutput::say(const std::string& line) {
  const bool whole = std::fwrite(line.data(), 1, line.size(), to_) == line.size() && std::fputc('\n', to_) != EOF;
  whole_ = whole_ && whole;
}

ExitCode SnapOutput::refuse(const Error& error, ExitCode code) {
  const std::string subject = error.subject.empty() ? std::string() : fmt::format("'{}'", printable(error.subject));
  const bool sentence = error.operation[0] == '\0' && error.code == 0;
  // The kernel's words for damage say less than ours.
  const std::string words = error.operation[0] == '\0' && !error.detail.empty() ? error.detail : error.message();
  std::fprintf(stderr, "fxcp: %s%s%s\n", subject.c_str(),
               subject.empty()                     ? ""
               : sentence || words == error.detail ? " "
                                                   : ": ",
               printable(words).c_str());
  (void)flush();
  return code;
}

bool SnapOutput::flush() { return std::fflush(to_) == 0 && whole_; }

unsigned helping_workers(const Options& options) {
  const unsigned all = options.jobs > 0 ? options.jobs : std::min(sys::usable_processors(), 16U);
  return all > 1 || options.jobs == 0 ? all : 0;
}

Result<> write_new_archive(const std::string& path, Name name, const std::function<Result<>(sys::FdView)>& write) {
  const SplitPath split = split_path(path);
  auto fd = sys::open_at(sys::working_directory(), split.directory, {.links = sys::Links::follow, .directory = true});
  if (!fd) return tl::make_unexpected(std::move(fd).error().about(split.directory));
  const sys::FileStatus status = FOX_TRY(sys::status_of(*fd));
  copy::Pairs pairs;
  copy::Pair* const pair = FOX_TRY(pairs.of(*fd, status.device(), *fd, status.device()));
  copy::TargetDirectory directory(std::move(*fd), status, *pair, false, {});
  copy::TempNames names;
  auto staged =
      copy::StagedFile::create(directory, directory.fd(), names, split.name, kArchiveMode, copy::StagedFile::Staging::atomic);
  if (!staged) return tl::make_unexpected(std::move(staged).error().about(path));
  const auto done = [&]() -> Result<> {
    FOX_TRY(write(staged->fd()));
    FOX_TRY(sys::sync_file(staged->fd()));
    return name == Name::must_be_free ? staged->commit_as_new() : staged->commit();
  }();
  if (!done) return tl::make_unexpected(Error(done.error()).about(path));
  return {};
}

Result<archive::Archive> open_archive(const std::string& path) {
  auto fd = path == "-" ? sys::duplicate(sys::standard_input())
                        : sys::open_at(sys::working_directory(), path, {.links = sys::Links::follow});
  if (!fd) return tl::make_unexpected(std::move(fd).error().about(path));
  auto archive = archive::Archive::open(std::move(*fd));
  if (!archive) return tl::make_unexpected(std::move(archive).error().about(path));
  return archive;
}

Result<const archive::Snapshot*> choose_snapshot(const archive::Archive& archive, const Options& options,
                                                 const std::string& path) {
  const auto& all = archive.snapshots();
  const auto chosen = [&](const archive::Snapshot& one) -> Result<const archive::Snapshot*> {
    if (one.damage.empty()) return &one;
    return fail(0, "", path,
                fmt::format("has a damaged snapshot {} ({}); --date chooses another one",
                            one.id.empty() ? "whose name is lost" : one.id, one.damage));
  };
  if (!options.date) return chosen(all.back());
  for (auto at = all.rbegin(); at != all.rend(); ++at)
    if (at->id.starts_with(*options.date)) return chosen(*at);
  return fail(0, "", path,
              fmt::format("has no snapshot whose name begins with {}; the first is {}, the last {}", *options.date,
                          all.front().id, all.back().id));
}

// ---- import

ExitCode run_import(const Options& options) {
  const auto begin = Clock::now();
  SnapOutput output(options, stdout);
  const std::string source = options.paths.size() == 2 ? options.paths[0] : "-";
  const std::string& target = options.paths.back();
  const archive::RestoreOptions how = restore_options(options);
  sys::clear_umask();
  sys::catch_stop_signals();
  sys::raise_open_file_limit();
  if (source == "-" && sys::is_terminal(sys::standard_input()))
    return output.refuse({0, "", {}, "standard input is a terminal; name the archive, or give it through a pipe"});
  const bool pipe = is_pipe(source);

  std::optional<archive::Archive> opened;
  const archive::Snapshot* snapshot = nullptr;
  if (!pipe) {
    auto archive = open_archive(source);
    if (!archive) return output.refuse(archive.error());
    opened.emplace(std::move(*archive));
    const auto chosen = choose_snapshot(*opened, options, source);
    if (!chosen) return output.refuse(chosen.error());
    snapshot = *chosen;
    if (auto fits = fits_into(target, *opened, *snapshot, nullptr, options); !fits) return output.refuse(fits.error());
    say_if_recovered(*opened, options, source, output);
  }
  auto directory = open_target(target);
  if (!directory) return output.refuse(directory.error());
  auto restorer = archive::Restorer::into(std::move(directory->fd), target, how, output);
  if (!restorer) return output.refuse(std::move(restorer).error().about(target));

  const archive::ImportOptions import{.workers = helping_workers(options), .wanted = options.date.value_or("")};
  Result<archive::Snapshot> done;
  if (pipe) {
    done = archive::import_stream(sys::standard_input(), import, **restorer);
  } else if (auto imported = archive::import_snapshot(*opened, *snapshot, import, **restorer); imported) {
    done = *snapshot;
  } else {
    done = tl::make_unexpected(std::move(imported).error());
  }
  const archive::RestoreCounters& counters = (*restorer)->counters();
  if (!done) {
    const ExitCode code = counters.entries > 0 ? ExitCode::some_failed : ExitCode::nothing_done;
    if (counters.entries == 0) directory->take_back();
    if (sys::stop_requested()) return output.refuse({0, "", {}, "stopped: what is in the target is whole, and not all"}, code);
    return output.refuse(std::move(done).error().about(source == "-" ? "standard input" : source), code);
  }
  if (!options.quiet) output.say(summary("restored", *done, counters, seconds_since(begin)));
  return output.flush() && output.failures() == 0 ? ExitCode::all_done : ExitCode::some_failed;
}

// ---- restore

ExitCode run_restore(const Options& options) {
  const auto begin = Clock::now();
  SnapOutput output(options, stdout);
  const std::string& source = options.paths[0];
  archive::RestoreOptions how = restore_options(options);
  how.dress_root = false;
  sys::clear_umask();
  sys::catch_stop_signals();
  sys::raise_open_file_limit();
  const auto selection = archive::Selection::of(*options.file);
  if (!selection) return output.refuse({0, "", "--file", selection.error().detail});
  auto archive = open_archive(source);
  if (!archive) return output.refuse(archive.error());
  const auto snapshot = choose_snapshot(*archive, options, source);
  if (!snapshot) return output.refuse(snapshot.error());
  if (auto fits = fits_into(*options.output, *archive, **snapshot, &*selection, options); !fits)
    return output.refuse(fits.error());
  say_if_recovered(*archive, options, source, output);
  auto directory = open_target(*options.output);
  if (!directory) return output.refuse(directory.error());
  auto restorer = archive::Restorer::into(std::move(directory->fd), *options.output, how, output);
  if (!restorer) return output.refuse(std::move(restorer).error().about(*options.output));
  auto found = archive::restore_some(*archive, **snapshot, *selection, {.workers = helping_workers(options)}, **restorer);
  const archive::RestoreCounters& counters = (*restorer)->counters();
  const ExitCode on_error = counters.entries > 0 ? ExitCode::some_failed : ExitCode::nothing_done;
  if (counters.entries == 0) directory->take_back();
  if (!found && sys::stop_requested())
    return output.refuse({0, "", {}, "stopped: what was restored is whole, and not all"}, on_error);
  if (!found) return output.refuse(std::move(found).error().about(source), on_error);
  if (*found == 0)
    return output.refuse(
        {0, "", source, fmt::format("has nothing that matches {} in snapshot {}", printable(*options.file), (*snapshot)->id)});
  if (!options.quiet) output.say(summary("restored", **snapshot, counters, seconds_since(begin)));
  return output.flush() && output.failures() == 0 ? ExitCode::all_done : ExitCode::some_failed;
}

// ---- check

namespace {

class CheckOutput final : public archive::CheckObserver {
 public:
  CheckOutput(SnapOutput& output, const std::string& path) : output_(output), path_(path) {}
  void damaged(const Error& error) override {
    output_.problem(path_, {0, "", {}, error.detail.empty() ? error.message() : error.detail}, true);
  }
  void file_hit(const archive::Snapshot& snapshot, const std::string& path) override {
    output_.say(fmt::format("hit: {}: {}", snapshot.id, printable(path)));
  }

 private:
  SnapOutput& output_;
  const std::string& path_;
};

}  // namespace

ExitCode run_check(const Options& options) {
  const auto begin = Clock::now();
  SnapOutput output(options, stdout);
  sys::catch_stop_signals();
  const std::string& path = options.paths[0];
  auto archive = open_archive(path);
  if (!archive) return output.refuse(archive.error());
  CheckOutput hears(output, path);
  auto checked = archive::check(*archive, helping_workers(options), hears);
  if (!checked && sys::stop_requested())
    return output.refuse({0, "", {}, "stopped: not all has been checked"}, ExitCode::some_failed);
  if (!checked) return output.refuse(std::move(checked).error().about(path), ExitCode::some_failed);
  if (!options.quiet) {
    output.say(fmt::format("{} snapshots, {} records, {} chunks, {} read in {:.3f} s; damages {}, files hit {}",
                           archive->snapshots().size(), grouped(checked->records), grouped(checked->chunks),
                           human(Bytes(checked->bytes)), seconds_since(begin), grouped(checked->damages),
                           grouped(checked->files_hit)));
  }
  return output.flush() && checked->damages == 0 ? ExitCode::all_done : ExitCode::some_failed;
}

}  // namespace foxing::fxcp
