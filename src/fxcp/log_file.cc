// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/log_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <span>

#include "fxcp/rsync_forms.h"
#include "sys/file.h"
#include "sys/status.h"

namespace foxing::fxcp {

Result<std::unique_ptr<LogFile>> LogFile::open(const std::string& path, mode_t mode) {
  auto file = sys::open_to_append(sys::working_directory(), path, mode);
  if (!file) return fail(file.error().code, "", path, "cannot be opened as the log; nothing was copied");
  return std::unique_ptr<LogFile>(new LogFile(path, std::move(*file)));
}

Result<> LogFile::write(const std::string& line) {
  const std::string text = fmt::format("{} [{}] {}\n", local_time(std::time(nullptr), kDateTime), ::getpid(), line);
  auto written = sys::write_all(file_, std::as_bytes(std::span(text)));
  if (!written) return tl::make_unexpected(std::move(written).error().about(path_));
  return {};
}

Result<> LogFile::close() {
  const auto status = sys::status_of(file_);
  if (!status) return tl::make_unexpected(Error(status.error()).about(path_));
  if (status->type() == sys::FileType::regular && status->links() == 0)
    return fail(0, "", path_, "was deleted while it was written: its lines are lost");
  auto closed = sys::close_written(std::move(file_));
  if (!closed) return tl::make_unexpected(std::move(closed).error().about(path_));
  return {};
}

}  // namespace foxing::fxcp
