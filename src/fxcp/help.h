// SPDX-License-Identifier: GPL-2.0-or-later
// What is written about fxcp and comes from the table of options: so none of it can forget an option.
//   from  option_table        to  fxcp --help, --version; fxcp_docgen, which writes fxcp.1 and the completions at build time
#pragma once

#include <string>

namespace foxing::fxcp {

/// --help: usage, examples, all options by section; no line over 80 columns.
std::string help_text();
std::string version_text();

/// fxcp.1 in man(7) macros.
std::string man_page();

std::string bash_completion();
std::string zsh_completion();
std::string fish_completion();

}  // namespace foxing::fxcp
