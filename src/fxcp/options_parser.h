// SPDX-License-Identifier: GPL-2.0-or-later
// The parser of the command line, for the files that it is made of and for nobody else.
//
//   options.cc         words to Options
//   options_check.cc   what contradicts itself
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "fxcp/option_table.h"
#include "fxcp/options.h"

namespace foxing::fxcp {

/// A refusal: the whole sentence.
inline tl::unexpected<Error> refuse(std::string sentence) { return fail(0, "", {}, std::move(sentence)); }

/// An option as it stands on the command line.
struct Given {
  const OptionRow* row;
  bool negated;
  std::string spelling;  // "-j", "--jobs"
  const char* argument;  // null: none
};

/// One command line on its way to Options.
class Parser {
 public:
  Result<Options> parse(int argc, char** argv);

 private:
  Result<Given> understand(int code, const char* word) const;
  Result<> apply(const Given& given);
  Result<> act(Action action, const Given& given);
  Result<> set_deletion(Delete when, const Given& given);
  Result<> finish();
  Result<> sort_operands();
  Result<> sort_snap_operands();
  Result<> sort_store_operands();
  void settle_attributes();
  void note_decisive();
  Result<> check_contradictions() const;
  template <class Contradict>
  Result<> check_comparison(Contradict contradict) const;
  template <class Contradict>
  Result<> check_report(Contradict contradict) const;
  Result<> check_deleting() const;
  Result<> check_under_way() const;
  Result<> check_choice() const;
  Result<> act_on_stream(Action action, const Given& given);
  Result<> check_stream() const;
  Result<> check_packing() const;

  Options options_;
  Preserve wanted_;   // by an option of its own
  Preserve refused_;  // by a negation: stronger than --archive, wherever it stands
  std::optional<bool> follow_arguments_;
  std::vector<std::string> operands_;
  std::vector<Given> given_;
};

}  // namespace foxing::fxcp
