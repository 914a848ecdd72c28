// SPDX-License-Identifier: GPL-2.0-or-later
// --out-format and --log-file-format: rsync's little language for a line about each file.
//   from  an option's text, and FileEvents        to  report.cc, which prints the lines
//
//   %i  the eleven characters of -i           %n  the name below DST; a directory's ends in a slash    %f  the path in SRC; in DST of what is deleted
//   %L  " -> text" of a symbolic link, " => name" of a hard link       %l  size       %b  bytes read and written      %o  send, or del.
//   %B  permissions   %M  modification time   %U, %G  owner, group, as numbers     %t  now   %p  this process        %%  %
//   A width stands before the letter: %10l, %-10n (left), %07p; apostrophes before l and b make numbers easy to read: %'l, %''l, %'''l.
// Holds. A line is one line, whatever names there are: they pass through printable().  Of what is deleted only the name is known: its other values are "-".
// Not here: %C, %c (nothing is summed up, bytes are compared), %a %h %m %P %u (a daemon's): they are refused.
#pragma once

#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/copy/outcome.h"

namespace foxing::fxcp {

class LineFormat {
 public:
  /// `option` is for messages.  Errors: code 0, a sentence that names the escape.
  static Result<LineFormat> parse(std::string_view option, std::string_view text);

  /// The line, without its end.  What is deleted is "deleting NAME" where the format has neither %i nor %o, as with rsync.
  std::string line(const copy::FileEvent& event) const;
  /// Whether there is a line at all.  Attributes alone are told where %i says which; what is equal, where it is asked for too (`unchanged`).
  bool mentions(const copy::FileEvent& event, bool unchanged) const;
  bool itemizes() const { return has('i'); }

 private:
  struct Piece {
    std::string text;  // before the escape
    char letter = 0;  // 0: none follows
    unsigned width = 0;
    bool left = false;
    bool zeros = false;  // in front of %p, %U, %G
    unsigned level = 0;  // of rsync_number
  };
  static Result<Piece> escape(std::string_view option, std::string_view& text);
  bool has(char letter) const;
  static std::string value(const Piece& piece, const copy::FileEvent& event);

  std::vector<Piece> pieces_;
};

}  // namespace foxing::fxcp
