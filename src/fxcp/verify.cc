// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <mutex>

#include "base/text.h"
#include "core/verify/verifier.h"
#include "fxcp/arrangement.h"
#include "sys/file.h"
#include "sys/process.h"

namespace foxing::fxcp {
namespace {

using Clock = std::chrono::steady_clock;
using verify::Class;
using verify::Difference;

const char* words_of(Class result) {
  switch (result) {
    case Class::same: return "same";
    case Class::differs: return "differs";
    case Class::only_in_a: return "only in A";
    case Class::only_in_b: return "only in B";
    case Class::unreadable: return "unreadable";
  }
  return "?";
}

std::string text_of(const Difference& difference) {
  switch (difference.what) {
    case Difference::What::content: return fmt::format("content at byte {}", difference.at.value);
    case Difference::What::holes: return fmt::format("holes at byte {}", difference.at.value);
    case Difference::What::attribute: return fmt::format("attribute {}", printable(difference.name));
    case Difference::What::hard_link:
      return fmt::format("hard link: with {} {}, {}", printable(difference.name), difference.a, difference.b);
    case Difference::What::symlink: return fmt::format("link to '{}', '{}'", printable(difference.a), printable(difference.b));
    case Difference::What::modified: return fmt::format("modified {}, {}", difference.a, difference.b);
    default: return fmt::format("{} {}, {}", verify::name_of(difference.what), difference.a, difference.b);
  }
}

/// What is heard of a comparison, on several workers at once.
class Output final : public verify::Observer {
 public:
  explicit Output(const Options& options) : options_(options) {}

  void found(const verify::Event& event) override {
    print(stdout, options_.json ? json::verify_entry(event) : verify_text(event));
  }
  bool wants_same() const override { return options_.json ? options_.json_files : options_.verbose > 0; }
  void vanished(const std::string& path) override {
    if (options_.json) return print(stdout, json::verify_vanished(path));
    if (!options_.quiet) print(stderr, fmt::format("fxcp: {}: note: was removed while the trees were compared", printable(path)));
  }
  /// A message that ends everything.
  void refuse(const Error& error) {
    if (options_.json) print(stdout, json::verify_refusal(error));
    const bool sentence = error.operation[0] == '\0' && error.code == 0;
    print(stderr, fmt::format("fxcp: '{}'{} {}", printable(error.subject), sentence ? "" : ":", printable(error.message())));
  }
  void print(std::FILE* stream, const std::string& line) {
    const std::lock_guard lock(mutex_);
    const bool whole = std::fwrite(line.data(), 1, line.size(), stream) == line.size() && std::fputc('\n', stream) != EOF;
    if (!whole && stream == stdout) is_whole_ = false;
  }
  /// False where standard output did not take everything.
  bool flush() { return std::fflush(stdout) == 0 && is_whole_; }

 private:
  const Options& options_;
  std::mutex mutex_;
  bool is_whole_ = true;  // guarded by mutex_
};

verify::Options engine_options(const Options& options) {
  verify::Options engine;
  engine.keep = verify::all_attributes();
  engine.keep.mode = options.preserve.perms;
  engine.keep.owner = options.preserve.owner;
  engine.keep.group = options.preserve.group;
  engine.keep.times = options.preserve.times;
  engine.keep.xattrs = options.preserve.xattrs;
  engine.keep.acls = options.preserve.acls;
  if (options.modify_window) engine.window.seconds = *options.modify_window;
  engine.hard_links = options.preserve.hard_links;
  engine.symlinks = options.preserve.links;
  engine.devices = options.preserve.devices;
  engine.specials = options.preserve.specials;
  engine.one_filesystem = options.one_file_system;
  switch (options.content) {
    case CompareContent::hash: engine.content = verify::Content::bytes; break;
    case CompareContent::size: engine.content = verify::Content::size; break;
    case CompareContent::extent: engine.content = verify::Content::extent; break;
  }
  return engine;
}

Result<sys::FileStatus> look_at_root(const std::string& path) {
  auto status = sys::status_at(sys::working_directory(), path, sys::Links::follow);
  if (!status) return tl::make_unexpected(std::move(status).error().about(path));
  return status;
}

Result<sys::UniqueFd> open_root(const std::string& path, sys::Access access) {
  auto fd =
      sys::open_at(sys::working_directory(), path,
                   {.access = access, .links = sys::Links::follow, .directory = true, .keep_atime = access == sys::Access::read});
  if (!fd) return tl::make_unexpected(std::move(fd).error().about(path));
  return fd;
}

/// How messages call the directory that a single name lies in.
std::string shown_place(const std::string& path, const SplitPath& split) {
  return split.directory == "." && !path.starts_with("./") ? "" : split.directory;
}

Result<verify::Pair> pair_of(const std::string& a, const std::string& b, sys::FileType type) {
  if (type == sys::FileType::directory) {
    return verify::Pair{
        .a = FOX_TRY(open_root(a, sys::Access::read)), .a_shown = a, .b = FOX_TRY(open_root(b, sys::Access::read)), .b_shown = b};
  }
  const SplitPath in_a = split_path(a), in_b = split_path(b);
  return verify::Pair{.a = FOX_TRY(open_root(in_a.directory, sys::Access::path)),
                      .a_shown = shown_place(a, in_a),
                      .b = FOX_TRY(open_root(in_b.directory, sys::Access::path)),
                      .b_shown = shown_place(b, in_b),
                      .a_name = in_a.name,
                      .b_name = in_b.name,
                      .a_type = type,
                      .a_links = sys::Links::follow,
                      .b_links = sys::Links::follow};
}

}  // namespace

std::string verify_difference(const verify::Event& event) {
  std::string text;
  for (const Difference& difference : event.differences) text += (text.empty() ? "" : "; ") + text_of(difference);
  if (event.error) text += printable(event.error->message());
  return text.empty() ? words_of(event.result) : text;
}

std::string verify_text(const verify::Event& event) {
  std::string text = fmt::format("{}: {}", words_of(event.result), printable(event.path));
  if (!event.differences.empty() || event.error) text += ": " + verify_difference(event);
  return text;
}

std::string verify_summary_text(const verify::Counters& counters, const Options& options, const VerifyEnd& end) {
  std::string text;
  for (std::size_t i = 0; i < verify::kClasses; ++i) {
    const auto result = static_cast<Class>(i);
    text += fmt::format("{}{} {}", i == 0 ? "" : ", ", words_of(result), grouped(counters.of(result)));
  }
  if (options.content == CompareContent::size) {
    text += "; sizes only, no content was read";
  } else {
    text += fmt::format("; {} read", human(Bytes(counters.bytes_read)));
  }
  text += fmt::format(" in {:.3f} s", end.elapsed.count());
  if (const auto left_out = counters.left_out.load(); left_out > 0) text += fmt::format("; {} left out", grouped(left_out));
  return text;
}

ExitCode run_verify(const Options& options) {
  const auto begin = Clock::now();
  Output output(options);
  sys::catch_stop_signals();
  const std::uint64_t descriptors = sys::raise_open_file_limit();
  const unsigned workers = options.jobs > 0 ? options.jobs : std::min(sys::usable_processors(), 16u);
  const auto refused = [&](const Error& error) {
    output.refuse(error);
    return ExitCode::nothing_done;
  };

  const std::string& a = options.paths[0];
  const std::string& b = options.paths[1];
  const auto a_status = look_at_root(a);
  if (!a_status) return refused(a_status.error());
  const auto b_status = look_at_root(b);
  if (!b_status) return refused(b_status.error());
  if (a_status->key() == b_status->key())
    return refused({.code = 0, .operation = "", .subject = b, .detail = "is A itself: a comparison would prove nothing"});

  verify::Counters counters;
  const bool comparable = (a_status->type() == sys::FileType::directory) == (b_status->type() == sys::FileType::directory);
  auto pair = comparable ? pair_of(a, b, a_status->type()) : Result<verify::Pair>(verify::Pair());
  if (!pair) return refused(pair.error());
  if (!options.shown.empty()) {
    pair->a_shown = options.shown[0];
    pair->b_shown = options.shown[1];
  }
  if (options.json) output.print(stdout, json::verify_start(options, workers));
  if (comparable) {
    std::vector<verify::Pair> pairs;
    pairs.push_back(std::move(*pair));
    const walk::Walk::Options how{.workers = workers, .descriptor_limit = descriptors};
    auto done = verify::verify(std::move(pairs), engine_options(options), how, output, counters);
    if (!done) return refused(std::move(done).error().about(a));
  } else {
    output.found({.result = Class::differs,
                  .path = a,
                  .type = a_status->type(),
                  .differences = {{Difference::What::type, sys::name_of(a_status->type()), sys::name_of(b_status->type())}},
                  .error = {}});
    counters.by_class[static_cast<std::size_t>(Class::differs)].fetch_add(1);
  }

  VerifyEnd end{.interrupted = sys::stop_requested(), .elapsed = Clock::now() - begin};
  if (counters.not_same() > 0 || end.interrupted) end.exit_code = ExitCode::some_failed;
  if (options.json) output.print(stdout, json::verify_summary(counters, options, end));
  if (!options.json && !options.quiet) output.print(stdout, verify_summary_text(counters, options, end));
  if (!options.json && end.interrupted) output.print(stderr, "fxcp: stopped: what was not reached has not been compared");
  if (!output.flush()) return ExitCode::some_failed;
  return end.exit_code;
}

}  // namespace foxing::fxcp
