// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/stream.h"

#include <fmt/format.h>

#include <cstring>
#include <optional>

#include "base/text.h"
#include "core/copy/ingest.h"
#include "core/copy/pairs.h"
#include "core/copy/target.h"
#include "core/copy/temp_names.h"
#include "core/copy/transform.h"
#include "fxcp/arrangement.h"
#include "fxcp/output_file.h"
#include "fxcp/progress.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/status.h"
#include "sys/stream.h"

namespace foxing::fxcp {
namespace {

using Clock = std::chrono::steady_clock;
using sys::FileType;
using Way = copy::Transformation::Way;

tl::unexpected<Error> refuse(const std::string& path, std::string why, int code = 0) {
  return fail(code, "", path, std::move(why));
}

// ---- The source

struct Source {
  sys::UniqueFd owned;  // nothing where it is standard input
  sys::FdView fd = sys::standard_input();
  sys::FileStatus status;
  std::string shown;
  std::optional<Bytes> size;  // as far as it tells itself
};

Result<Source> standard_input() {
  Source source{.shown = "standard input"};
  auto status = sys::status_of(source.fd);
  if (!status) return refuse(source.shown, "is closed; fxcp - DST reads from it", status.error().code);
  source.status = *status;
  if (sys::is_terminal(source.fd))
    return refuse(source.shown,
                  "is a terminal; send something into it (COMMAND | fxcp - DST), or name a file; a file called - is ./-");
  if (status->type() == FileType::directory) return refuse(source.shown, "is a directory");
  if (status->type() == FileType::regular) {
    const auto at = sys::position_of(source.fd);
    if (at && FileOffset(status->size().value) >= *at) source.size = FileOffset(status->size().value) - *at;
  }
  if (status->type() == FileType::fifo) sys::enlarge_pipe(source.fd);
  return source;
}

Result<Source> open_source(const Options& options) {
  Source source;
  if (options.from_standard_input()) {
    source = FOX_TRY(standard_input());
  } else {
    source.shown = options.sources.front();
    // Looked at before it is opened: only what has content is.
    const auto hint = sys::status_at(sys::working_directory(), source.shown, sys::Links::follow);
    if (!hint)
      return refuse(
          source.shown,
          hint.error().code == ENOENT ? "does not exist; nothing was copied" : "cannot be looked at; nothing was copied",
          hint.error().code);
    const bool device = hint->type() == FileType::block_device;
    if (device && !options.copy_devices) return refuse(source.shown, "is a block device; --copy-devices copies its content");
    if (!device && options.copy_devices)
      return refuse(source.shown, fmt::format("is a {} and not a block device, of which --copy-devices copies the content",
                                              sys::name_of(hint->type())));
    if (!device && hint->type() != FileType::regular)
      return refuse(source.shown,
                    fmt::format("is a {}; --write-devices writes a file, or standard input (-)", sys::name_of(hint->type())));
    source.owned =
        FOX_TRY(sys::open_at(sys::working_directory(), source.shown, {.links = sys::Links::follow, .keep_atime = true}));
    source.fd = source.owned;
    source.status = FOX_TRY(sys::status_of(source.fd));
    if (source.status.type() != hint->type()) return refuse(source.shown, "has become something else meanwhile");
    if (!device) source.size = source.status.size();
  }
  if (source.status.type() == FileType::block_device) source.size = FOX_TRY(sys::device_size(source.fd));
  return source;
}

copy::Transformation transformation(const Options& options) {
  if (options.decompress) return {.way = Way::decompress};
  if (options.compress && options.compress->format != codec::Format::none)
    return {.way = Way::compress, .codec = *options.compress};
  return {};
}

/// What will be read, where somebody knows it.  With --decompress the user announces what comes out.
std::optional<Bytes> expected(const Options& options, const Source& source) {
  return options.size && !options.decompress ? options.size : source.size;
}

// ---- The destination

struct Destination {
  std::string path;
  bool device = false;
  sys::FileStatus status;  // of the device
};

/// `path` may become a file, or is a device that may be written.
Result<Destination> checked(const std::string& path, const Options& options) {
  Destination destination{.path = path};
  const auto existing = FOX_TRY(look(path));
  if (!existing || existing->type() == FileType::regular) {
    if (options.write_devices)
      return refuse(path,
                    existing ? "is not a block device, which --write-devices writes into"
                             : "does not exist; --write-devices writes into a block device",
                    existing ? 0 : ENOENT);
    return destination;
  }
  switch (existing->type()) {
    case FileType::block_device:
      if (!options.write_devices) return refuse(path, "is a block device; --write-devices writes into it");
      destination.device = true;
      destination.status = *existing;
      return destination;
    default: return no_file_may_be(path, existing->type(), "a stream");
  }
}

Result<Destination> choose_destination(const Options& options, const Source& source) {
  std::string path = options.destination;
  if (const auto existing = FOX_TRY(look(path));
      existing && existing->type() == FileType::directory && !options.from_standard_input()) {
    if (options.no_target_directory) return refuse(path, "is a directory, and --no-target-directory forbids to copy into it");
    path += "/" + split_path(source.shown).name;
  } else if (path.back() == '/') {
    if (existing) return no_file_may_be(path, FileType::directory, "a stream");
    return refuse(path, "names a directory; name a file");
  }
  const copy::Transformation how = transformation(options);
  if (how.way == Way::compress && codec::format_by_suffix(split_path(path).name) != how.codec.format) {
    FOX_TRY(checked(path, options));  // what is refused is what was asked for
    path = copy::compressed_name(path, how.codec.format);
  }
  return checked(path, options);
}

// ---- Running

/// One run: what was asked for, and who is told.
struct Run {
  const Options& options;
  Report& report;
  Source source;
  Destination destination;
  Clock::time_point begin = Clock::now();
  std::atomic<std::uint64_t> so_far{0};

  ExitCode refused(const Error& error) const {
    report.refuse(error);
    return ExitCode::nothing_done;
  }
  ProgressState progress() const;
  ExitCode describe() const;
  ExitCode to_file(mode_t umask);
  ExitCode to_device();
  ExitCode end(const Result<copy::Ingested>& ingested);
};

/// How much has been read.
ProgressState Run::progress() const {
  const std::optional<Bytes> total = expected(options, source);
  return {.total_files = total ? 1U : 0U,
          .bytes = Bytes(so_far.load()),
          .total_bytes = total.value_or(Bytes(0)),
          .totals_are_final = total.has_value()};
}

/// "standard input would be written to 'a.zst', compressed by zstd:3"
ExitCode Run::describe() const {
  const copy::Transformation how = transformation(options);
  std::string sentence = fmt::format("{} would be written to '{}'", printable(source.shown), printable(destination.path));
  if (destination.device) sentence += ", over what is there";
  if (how.way == Way::compress) sentence += ", compressed by " + codec::to_string(how.codec);
  if (how.way == Way::decompress) sentence += ", decompressed";
  report.say(sentence + "; nothing was read and nothing was written");
  if (options.json) {
    copy::Counters counters;
    counters.entries = counters.files = 1;
    counters.bytes = expected(options, source).value_or(Bytes(0)).value;
    report.end(counters, {.elapsed = Clock::now() - begin});
  }
  return report.output_is_whole() ? ExitCode::all_done : ExitCode::some_failed;
}

ExitCode Run::to_file(mode_t umask) {
  const SplitPath path = split_path(destination.path);
  // To put a name into a directory one need not be able to read it.
  auto fd = sys::open_at(sys::working_directory(), path.directory,
                         {.access = sys::Access::path, .links = sys::Links::follow, .directory = true});
  if (!fd) {
    const int code = fd.error().code;
    return refused({code, "", path.directory,
                    code == ENOENT    ? "does not exist"
                    : code == ENOTDIR ? "is not a directory"
                                      : "cannot be opened"});
  }
  if (options.dry_run) return describe();
  const auto status = sys::status_of(*fd);
  if (!status) return refused(Error(status.error()).about(path.directory));
  copy::Pairs pairs;
  const auto pair = pairs.of(*fd, status->device(), *fd, status->device());
  if (!pair) return refused(Error(pair.error()).about(path.directory));
  copy::TargetDirectory directory(std::move(*fd), *status, **pair, false, {});

  copy::TempNames names;
  copy::IngestOptions how{.mode = 0666 & ~umask,
                          .transformation = transformation(options),
                          .holes = options.sparse != When::never,
                          .durable = options.fsync,
                          .size = options.size};
  if (options.checkpoint_interval_s > 0)
    how.checkpoint = {.interval = std::chrono::duration<double>(options.checkpoint_interval_s), .keep = options.checkpoint_keep};
  auto ingest = copy::Ingest::prepare(directory, names, path.name, std::move(how));
  if (!ingest) return refused(std::move(ingest).error().about(destination.path));

  report.start(options, 1);
  const auto ingested = [&] {
    const Progress shown(report, [this] { return progress(); });
    return ingest->run(source.fd, so_far);
  }();
  if (ingest->checkpoint_problem())
    report.problem(
        {copy::ProblemKind::failed, true, Error(*ingest->checkpoint_problem()).about(destination.path + ".checkpoint-...")});
  if (!ingested && !ingest->newest_checkpoint().empty())
    report.problem(
        {copy::ProblemKind::left_out,
         false,
         {0, "", path.directory == "." ? ingest->newest_checkpoint() : path.directory + "/" + ingest->newest_checkpoint(),
          "holds what had come until then"}});
  return end(ingested);
}

ExitCode Run::to_device() {
  if (source.status.type() == FileType::block_device && source.status.special_device() == destination.status.special_device())
    return refused({0, "", destination.path, "is the source itself"});
  if (options.dry_run) return describe();
  auto device = sys::open_device_alone(sys::working_directory(), destination.path, sys::Links::follow);
  if (!device) {
    const bool in_use = device.error().code == EBUSY;
    return refused({device.error().code, "", destination.path,
                    in_use ? "is in use: it, or a part of it, is mounted or belongs to something; nothing was written"
                           : "cannot be opened for writing"});
  }
  const auto size = sys::device_size(*device);
  if (!size) return refused(Error(size.error()).about(destination.path));
  // What is compressed says nothing of its size, but the user may.
  const std::optional<Bytes> comes = options.decompress ? options.size : expected(options, source);
  if (comes && *comes > *size)
    return refused({ENOSPC, "", destination.path,
                    fmt::format("holds {} bytes, and {} has {}; nothing was written", grouped(size->value), source.shown,
                                grouped(comes->value))});

  report.start(options, 1);
  const auto written = [&] {
    const Progress shown(report, [this] { return progress(); });
    return copy::write_device(source.fd, *device, *size, transformation(options), so_far);
  }();
  return end(written);
}

ExitCode Run::end(const Result<copy::Ingested>& ingested) {
  copy::Counters counters;
  counters.entries = 1;
  RunEnd end{.elapsed = Clock::now() - begin,
             .after_stop = destination.device ? "the device holds a part" : "nothing was written under that name"};
  if (ingested) {
    counters.files = 1;
    counters.bytes = ingested->size.value;
    counters.bytes_moved = ingested->written.value;
    counters.by_tier[static_cast<std::size_t>(copy::Tier::plain)] = 1;
    if (report.wants_files()) {
      report.file({.action = copy::FileEvent::Action::copied,
                   .path = options.sources.front(),
                   .below = options.sources.front(),
                   .type = FileType::regular,
                   .size = ingested->size,
                   .changes = copy::Changes::creation(),
                   .tier = copy::Tier::plain,
                   .attempts = {{copy::Tier::plain, 0}},
                   .why = "it is read once",
                   .status = source.status,
                   .moved = ingested->written});
    }
  } else {
    Error error = ingested.error();
    end.interrupted = error.code == ECANCELED && sys::stop_requested();
    const bool reading = std::strcmp(error.operation, "read") == 0 || std::strcmp(error.operation, "poll") == 0 ||
                         std::strcmp(error.operation, "decompress") == 0;
    // What is wrong with compressed data is said by the sentence; the kernel's words for the number would only confuse.
    if (std::strcmp(error.operation, "decompress") == 0 && error.code != ENOMEM) error = {0, "", {}, std::move(error.detail)};
    const bool full = error.code == ENOSPC || error.code == EDQUOT;
    if (destination.device) error.detail += error.detail.empty() ? "the device holds a part" : "; the device holds a part";
    if (!end.interrupted)
      report.problem({full ? copy::ProblemKind::no_space : copy::ProblemKind::failed, true,
                      std::move(error).about(reading ? source.shown : destination.path)});
  }
  // A device that was written in part has changed: that is not "nothing".
  end.exit_code = ingested && report.failures() == 0 ? ExitCode::all_done
                  : ingested || destination.device   ? ExitCode::some_failed
                                                     : ExitCode::nothing_done;
  report.end(counters, end);
  if (!report.output_is_whole() && end.exit_code == ExitCode::all_done) return ExitCode::some_failed;
  return end.exit_code;
}

}  // namespace

ExitCode run_stream(const Options& options) {
  // Before anything is opened: where standard input is closed, the next descriptor would be taken for it.
  auto source = open_source(options);
  Report report(options);
  const mode_t umask = sys::current_umask();
  sys::clear_umask();
  sys::catch_stop_signals();
  const auto refused = [&](const Error& error) {
    report.refuse(error);
    return ExitCode::nothing_done;
  };
  if (auto opened = report.open(options, umask); !opened) return refused(opened.error());
  if (!source) return refused(std::move(source).error().about(options.sources.front()));
  auto destination = choose_destination(options, *source);
  if (!destination) return refused(destination.error());
  Run run{.options = options, .report = report, .source = std::move(*source), .destination = std::move(*destination)};
  return run.destination.device ? run.to_device() : run.to_file(umask);
}

}  // namespace foxing::fxcp
