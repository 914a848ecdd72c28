// SPDX-License-Identifier: GPL-2.0-or-later
// --log-file: a line for everything that happens, appended to a file, each with date, time and process as rsync's.
// Holds. A line is one write(2) at the file's end, so that several runs may share a log.  Nothing is buffered: what has happened is in the file.
// Not here: which lines, and telling that the log failed (report.cc).  Not for several threads at once.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "sys/fd.h"

namespace foxing::fxcp {

class LogFile {
 public:
  /// `path` is the user's: relative to the working directory, links followed.  Errors are about it.
  static Result<std::unique_ptr<LogFile>> open(const std::string& path, mode_t mode);

  /// "2026/11/25 06:58:57 [4711] LINE".
  Result<> write(const std::string& line);
  /// Some filesystems report a full disk only here.  An error, too, where the file has no name any more: then nobody will ever read it.
  Result<> close();

 private:
  LogFile(std::string path, sys::UniqueFd file) : path_(std::move(path)), file_(std::move(file)) {}

  const std::string path_;
  sys::UniqueFd file_;
};

}  // namespace foxing::fxcp
