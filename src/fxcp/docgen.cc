// SPDX-License-Identifier: GPL-2.0-or-later
// fxcp_docgen man|bash|zsh|fish: writes the man page or a completion to standard output.  For the build, not installed.
#include <cstdio>
#include <cstring>
#include <string>

#include "fxcp/help.h"

int main(int argc, char** argv) {
  struct Document {
    const char* name;
    std::string (*write)();
  };
  constexpr Document kDocuments[] = {{"man", foxing::fxcp::man_page},
                                     {"bash", foxing::fxcp::bash_completion},
                                     {"zsh", foxing::fxcp::zsh_completion},
                                     {"fish", foxing::fxcp::fish_completion}};
  for (const Document& document : kDocuments) {
    if (argc != 2 || std::strcmp(argv[1], document.name) != 0) continue;
    const std::string text = document.write();
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    if (written && std::fflush(stdout) == 0) return 0;
    std::perror("fxcp_docgen: standard output");
    return 1;
  }
  std::fputs("usage: fxcp_docgen man|bash|zsh|fish\n", stderr);
  return 2;
}
