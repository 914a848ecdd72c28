// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/manner.h"

#include <fmt/format.h>

#include <ctime>

#include "base/text.h"
#include "core/governor/deadline.h"
#include "core/governor/politeness.h"
#include "core/verify/verifier.h"
#include "fxcp/verify.h"
#include "sys/accounts.h"
#include "sys/file.h"

namespace foxing::fxcp {
namespace {

/// Puts the option's name in front of what is wrong with its value.
Error of_option(const char* option, const std::string& value, Error error) {
  error.detail = fmt::format("{}={}: {}", option, value, error.detail);
  return error;
}

template <class Parse>
auto read(const char* option, const std::string& value, Parse parse) -> decltype(parse(value)) {
  auto parsed = parse(value);
  if (parsed) return parsed;
  return tl::make_unexpected(of_option(option, value, std::move(parsed).error()));
}

Result<> set_priorities(const Options& options) {
  governor::Politeness politeness;
  if (options.nice) politeness.nice = FOX_TRY(read("--nice", *options.nice, governor::parse_nice));
  if (options.ionice) politeness.io = FOX_TRY(read("--ionice", *options.ionice, governor::parse_io_priority));
  if (!politeness.nice && !politeness.io) return {};
  return governor::apply(politeness);
}

Result<std::unique_ptr<governor::Governor>> make_governor(const Options& options) {
  governor::Options limits;
  if (options.bwlimit) limits.limits = FOX_TRY(read("--bwlimit", *options.bwlimit, governor::parse_limits));
  limits.throttle = options.throttle;
  if (options.stop_after) limits.stop_after = FOX_TRY(read("--stop-after", *options.stop_after, governor::parse_stop_after));
  if (options.stop_at) {
    limits.stop_at = FOX_TRY(read("--stop-at", *options.stop_at,
                                  [](std::string_view text) { return governor::parse_stop_at(text, std::time(nullptr)); }));
  }
  if (!limits.limits.any() && !limits.throttle && !limits.stop_after && !limits.stop_at)
    return std::unique_ptr<governor::Governor>();
  return std::make_unique<governor::Governor>(limits, FOX_TRY(governor::real_surroundings(limits.throttle)));
}

/// What a comparison after the copy finds is a failure of the copy.
class ToReport final : public verify::Observer {
 public:
  explicit ToReport(Report& report) : report_(report) {}
  void found(const verify::Event& event) override {
    report_.problem(
        {copy::ProblemKind::differs,
         true,
         {.code = 0, .operation = "", .subject = event.path, .detail = "after copying: " + verify_difference(event)}});
  }
  void vanished(const std::string&) override {}

 private:
  Report& report_;
};

Result<verify::Pair> pair_of(const Item& item, const Arrangement& plan, sys::FdView target) {
  if (item.mirror) {
    return verify::Pair{.a = FOX_TRY(sys::open_at(sys::working_directory(), item.source,
                                                  {.links = item.links, .directory = true, .keep_atime = true})),
                        .a_shown = item.source,
                        .b = FOX_TRY(sys::open_at(target, ".", {.directory = true, .keep_atime = true})),
                        .b_shown = plan.directory};
  }
  const SplitPath path = split_path(item.source);
  verify::Pair pair{.a = FOX_TRY(sys::open_at(sys::working_directory(), path.directory,
                                              {.access = sys::Access::path, .links = sys::Links::follow, .directory = true})),
                    .a_shown = path.directory,
                    .b = FOX_TRY(sys::duplicate(target)),
                    .b_shown = plan.directory,
                    .a_name = path.name,
                    .b_name = item.name,
                    .a_type = item.status.type(),
                    .a_links = item.links};
  if (item.status.type() != sys::FileType::directory) return pair;
  pair.a = FOX_TRY(sys::open_at(pair.a, path.name, {.links = item.links, .directory = true, .keep_atime = true}));
  pair.b = FOX_TRY(sys::open_at(target, item.name, {.directory = true, .keep_atime = true}));
  pair.a_shown = item.source;
  pair.b_shown = plan.directory + '/' + item.name;
  pair.a_name.clear();
  pair.b_name.clear();
  pair.a_links = sys::Links::keep;
  return pair;
}

}  // namespace

Result<Manner> Manner::parse(const Options& options, mode_t umask) {
  Manner manner;
  FOX_TRY(set_priorities(options));
  manner.governor_ = FOX_TRY(make_governor(options));
  if (!options.chmod.empty()) {
    auto changes = std::make_unique<meta::ModeChanges>();
    for (const std::string& text : options.chmod) {
      if (auto added = changes->add(text, umask); !added)
        return tl::make_unexpected(of_option("--chmod", text, std::move(added).error()));
    }
    manner.chmod_ = std::move(changes);
  }
  if (options.chown || options.usermap || options.groupmap) {
    const sys::Accounts users = FOX_TRY(sys::read_accounts(sys::working_directory(), "/etc/passwd"));
    const sys::Accounts groups = FOX_TRY(sys::read_accounts(sys::working_directory(), "/etc/group"));
    auto ids = meta::IdMap::parse({options.chown, options.usermap, options.groupmap, options.numeric_ids}, users, groups);
    if (!ids)  // whose operation is the option
      return fail(0, "", {}, fmt::format("{}: {}", ids.error().operation, ids.error().detail));
    manner.ids_ = std::make_unique<meta::IdMap>(std::move(*ids));
  }
  return manner;
}

Result<> Manner::open_references(const Options& options, sys::FdView target) {
  using Use = copy::References::Use;
  const std::pair<Use, const std::vector<std::string>*> kinds[] = {
      {Use::link, &options.link_dest}, {Use::copy, &options.copy_dest}, {Use::compare, &options.compare_dest}};
  for (const auto& [use, paths] : kinds) {
    if (paths->empty() || !target) continue;
    references_ = std::make_unique<copy::References>();
    references_->use = use;
    for (const std::string& path : *paths) {
      const sys::FdView from = path.starts_with('/') ? sys::working_directory() : target;
      auto directory = sys::open_at(from, path, {.access = sys::Access::path, .links = sys::Links::follow, .directory = true});
      if (!directory && directory.error().code == ENOENT) {  // the first of several runs, each of which takes from the one before
        missing_references_.push_back(path);
        continue;
      }
      if (!directory) return tl::make_unexpected(std::move(directory).error().about(path));
      references_->directories.push_back(std::move(*directory));
    }
  }
  return {};
}

void Manner::apply_to(copy::Options& engine) const {
  engine.governor = governor_.get();
  engine.references = references_.get();
  engine.keep.chmod = chmod_.get();
  engine.keep.ids = ids_.get();
  if (ids_ == nullptr) return;
  engine.keep.owner |= ids_->maps_owners();
  engine.keep.group |= ids_->maps_groups();
}

std::string Manner::waits() const {
  if (governor_ == nullptr) return {};
  const governor::Stats stats = governor_->stats();
  const auto seconds = [](governor::Duration duration) { return std::chrono::duration<double>(duration).count(); };
  std::string text = fmt::format("{:<24} {:.3f} s\n", "Waited for limits", seconds(stats.waited_for_limits));
  text += fmt::format("{:<24} {:.3f} s", "Waited for pressure", seconds(stats.waited_for_pressure));
  if (stats.reason)
    text += fmt::format(", {} above all; at the slowest {:.0f} %", governor::name_of(*stats.reason), stats.lowest_factor * 100);
  return text;
}

void verify_copies(const Options& options, const Arrangement& plan, sys::FdView target, const meta::Policy& keep,
                   const walk::Walk::Options& how, Report& report) {
  verify::Options engine{.keep = keep};
  if (options.modify_window) engine.window.seconds = *options.modify_window;
  engine.hard_links = options.preserve.hard_links;
  engine.symlinks = options.preserve.links;
  engine.devices = options.preserve.devices;
  engine.specials = options.preserve.specials;
  engine.one_filesystem = options.one_file_system;
  engine.keep_dirlinks = options.keep_dirlinks;
  engine.extra_names = false;
  std::vector<verify::Pair> pairs;
  for (const Item& item : plan.items) {
    auto pair = pair_of(item, plan, target);
    if (pair)
      pairs.push_back(std::move(*pair));
    else
      report.problem({copy::ProblemKind::differs, true, std::move(pair).error().about(item.source)});
  }
  ToReport observer(report);
  verify::Counters counters;
  if (auto done = verify::verify(std::move(pairs), engine, how, observer, counters); !done)
    report.problem({copy::ProblemKind::failed, true, std::move(done).error().about(plan.directory)});
}

}  // namespace foxing::fxcp
