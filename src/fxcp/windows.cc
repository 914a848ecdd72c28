// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/windows.h"

#include "sys/process.h"

namespace foxing::fxcp {
namespace {

void report_failure(Report& report, Error error) { report.problem({copy::ProblemKind::failed, true, std::move(error)}); }

}  // namespace

void report_missing(const Selection* selection, Report& report) {
  if (selection == nullptr || sys::stop_requested()) return;
  for (std::string& path : selection->missing())
    report_failure(
        report, {.code = ENOENT, .operation = "open", .subject = std::move(path), .detail = "is listed, and not in the source"});
}

bool next_window(Selection* selection, const Options& options, Report& report) {
  if (selection == nullptr || !selection->has_more() || sys::stop_requested()) return false;
  if (auto read = selection->next_window(); !read) report_failure(report, std::move(read).error().about(*options.files_from));
  for (const Error& refused : selection->refused_lines()) report_failure(report, refused);
  return !sys::stop_requested();
}

Arrangement bases_of_window(const Selection& selection, const Arrangement& plan, const Options& options, Report& report) {
  Arrangement part;
  part.directory = plan.directory;
  part.items.push_back(plan.items.front());
  add_bases(part, selection.bases());
  part.items.erase(part.items.begin());
  if (options.list_only) return part;
  std::erase_if(part.items, [&](const Item& item) {
    Arrangement alone;
    alone.directory = plan.directory;
    alone.items.push_back(item);
    auto apart = check_nesting(alone, options);
    if (!apart) report_failure(report, std::move(apart).error());
    return !apart;
  });
  return part;
}

}  // namespace foxing::fxcp
