// SPDX-License-Identifier: GPL-2.0-or-later
// Reads the list of --files-from in windows of bounded size.
//
//   from  a descriptor: a file, a pipe        to  FileList, one a window
//
// Why.   A list may have more lines than memory, and its end may come long after its beginning (find ... | fxcp --files-from=-).
// Holds. A window ends with a line, and has one at least unless the list ends.  Lines are as rsync reads them: empty ones are nothing, and so are those that
//        begin with # or ; where lines end with a newline; a carriage return before it belongs to the end.
// Cost.  The window, and a buffer of 64 KiB.   Not here: what a line means (file_list.h).
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "fxcp/file_list.h"
#include "sys/fd.h"

namespace foxing::fxcp {

class ListReader {
 public:
  /// Ends with the line that reaches one of them.
  struct Window {
    std::size_t lines = 16384;
    std::size_t bytes = std::size_t{4} << 20;  // of paths
    static constexpr Window whole() { return {std::numeric_limits<std::size_t>::max(), std::numeric_limits<std::size_t>::max()}; }
  };
  /// `nul`: lines end with a NUL byte instead of a newline.
  ListReader(sys::UniqueFd file, bool nul, Window window) : file_(std::move(file)), end_(nul ? '\0' : '\n'), window_(window) {}

  /// Fills `list`, which nobody has closed.  Lines that lead outside of the source are not in it, and say so in `refused`.
  /// Errors: of reading, and a line that is no path; then the list has ended with the lines before.
  Result<> read(FileList& list, std::vector<Error>& refused);
  /// Every line has been read.  False as long as nobody has asked for one more.
  bool at_end() const { return at_end_; }

 private:
  static constexpr std::size_t kLongestLine = std::size_t{64} << 10;

  /// Takes the next line, with its end; false where there is none.  Valid until the next call.
  Result<bool> next(std::string_view& line);
  Result<> fill();
  bool means_nothing(std::string_view line) const;

  sys::UniqueFd file_;
  const char end_;
  const Window window_;
  std::string buffer_;  // what has been read
  std::size_t from_ = 0;  // what has been taken of it
  bool no_more_ = false;  // to be read
  bool at_end_ = false;
};

}  // namespace foxing::fxcp
