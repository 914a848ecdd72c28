// SPDX-License-Identifier: GPL-2.0-or-later
// What is refused of a command line that could be read: options that contradict each other, or mean nothing without another.
// Each refusal names both, and says why; nothing has been touched then.
#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>

#include "fxcp/options_parser.h"

namespace foxing::fxcp {

template <class Contradict>
Result<> Parser::check_comparison(Contradict contradict) const {
  if (options_.checksum && options_.size_only) return contradict("--checksum", "--size-only");
  if (options_.checksum && options_.ignore_times) return contradict("--checksum", "--ignore-times");
  if (options_.size_only && options_.ignore_times) return contradict("--size-only", "--ignore-times");
  if (options_.detect_renames && options_.deletion == Delete::before)
    return contradict("--detect-renames", "--delete-before", "what was renamed would be deleted first");
  if (options_.files_from && options_.deletion != Delete::no)
    return contradict("--files-from", "--delete", "what is not listed is not looked at");
  if (options_.max_depth && *options_.max_depth < 1) return refuse("--max-depth: use a number from 1 on");
  if (options_.max_size && options_.min_size && *options_.max_size < *options_.min_size)
    return contradict("--max-size", "--min-size", "no file is both");
  if (options_.modify_window && *options_.modify_window < -1)
    return refuse("--modify-window: use seconds, 0, or -1 for nanoseconds");
  if (options_.whole_file && (options_.in_place || options_.delta_min_size))
    return contradict("--whole-file", options_.in_place ? "--inplace" : "--delta-min-size");
  if (options_.chown && (options_.usermap || options_.groupmap))
    return contradict("--chown", options_.usermap ? "--usermap" : "--groupmap");
  const int kinds = !options_.link_dest.empty() + !options_.copy_dest.empty() + !options_.compare_dest.empty();
  if (kinds > 1) return refuse("--link-dest, --copy-dest and --compare-dest contradict each other: one kind at a time");
  const char* const partial = options_.update                       ? "--update"
                              : options_.existing                   ? "--existing"
                              : options_.ignore_existing            ? "--ignore-existing"
                              : options_.max_size                   ? "--max-size"
                              : options_.min_size                   ? "--min-size"
                              : !options_.compare_dest.empty()      ? "--compare-dest"
                              : options_.prune_empty_dirs           ? "--prune-empty-dirs"
                              : options_.safe_links                 ? "--safe-links"
                              : options_.munge_links != Munging::no ? "--munge-links"
                              : !options_.implied_dirs              ? "--no-implied-dirs"
                                                                    : nullptr;
  if (options_.verify && partial != nullptr)
    return contradict("--verify", partial, "what is left out on purpose would be found missing");
  return {};
}

Result<> Parser::check_deleting() const {
  const auto needs = [](const char* option, const char* other) {
    return refuse(fmt::format("{} means something only with {}", option, other));
  };
  if (options_.deletion != Delete::no && !options_.recursive && !options_.archive)
    return needs("--delete", "--recursive or --archive");
  if (options_.deletion == Delete::no) {
    if (options_.max_delete || options_.max_delete_percent) return needs("--max-delete", "--delete");
    if (options_.delete_excluded) return needs("--delete-excluded", "--delete");
    if (options_.ignore_errors) return needs("--ignore-errors", "--delete");
    if (options_.delete_anyway) return needs("--delete-anyway", "--delete");
    if (options_.trash) return needs("--trash", "--delete");
  }
  if (options_.trash && (options_.backup || options_.backup_dir))
    return refuse("--trash and --backup contradict each other: what is deleted can be kept in one place only");
  if (options_.suffix && !options_.backup && !options_.backup_dir) return needs("--suffix", "--backup");
  if (options_.suffix && options_.suffix->find('/') != std::string::npos) return refuse("--suffix must not contain a slash");
  return {};
}

/// Where data lies on its way, and what becomes of SRC.
Result<> Parser::check_under_way() const {
  const auto contradict = [](const char* one, const char* other, const char* why) {
    return refuse(fmt::format("{} and {} contradict each other: {}", one, other, why));
  };
  const bool partial = options_.partial || options_.partial_dir;
  if (options_.partial_dir && !options_.partial_dir->starts_with('/')) {
    const std::string name = options_.partial_name();
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
      return refuse("--partial-dir: use one name, of a directory beside each target, or an absolute path");
  }
  if (partial && !options_.atomic)
    return contradict("--partial", "--no-atomic", "one keeps files aside, the other writes them in place");
  if (options_.temp_dir && !options_.atomic)
    return contradict("--temp-dir", "--no-atomic", "one writes files aside, the other in place");
  if (options_.append_verify && options_.whole_file) return contradict("--append-verify", "--whole-file", "use one of them");
  if (options_.remove_source_files && options_.deletion != Delete::no)
    return contradict("--remove-source-files", "--delete", "the next run would delete the copies, whose sources are gone");
  return {};
}

template <class Contradict>
Result<> Parser::check_report(Contradict contradict) const {
  if (options_.log_file_format && !options_.log_file) return refuse("--log-file-format means something only with --log-file");
  if (options_.out_format && options_.json) return contradict("--out-format", "--json", "standard output has one form");
  if (options_.out_format && options_.explain) return contradict("--out-format", "--explain", "a file has one line");
  if (!options_.list_only) return {};
  if (options_.out_format) return contradict("--list-only", "--out-format", "nothing is copied");
  if (options_.log_file) return contradict("--list-only", "--log-file", "nothing is written");
  if (options_.snapshot) return contradict("--list-only", "--snapshot", "nothing is changed");
  if (std::ranges::find(operands_, "-") != operands_.end())
    return contradict("--list-only", "standard input (-)", "it has no names to list; a file called - is ./-");
  return {};
}

/// What is walked, and what becomes of entries instead of copies.
Result<> Parser::check_choice() const {
  const auto contradict = [](std::string_view one, std::string_view other, std::string_view why) {
    return refuse(fmt::format("{} and {} contradict each other: {}", one, other, why));
  };
  const auto given = [&](std::string_view name) -> const Given* {
    const auto found = std::ranges::find_if(given_, [&](const Given& one) { return one.row->name == name; });
    return found == given_.end() ? nullptr : &*found;
  };
  const auto first_of = [&](std::initializer_list<std::string_view> names) -> const Given* {
    for (const std::string_view name : names)
      if (const Given* found = given(name)) return found;
    return nullptr;
  };
  if (const Given* relative = given("relative"); options_.files_from && relative != nullptr && relative->negated)
    return contradict("--files-from", "--no-relative", "listed paths keep their directories");
  if (options_.files_from && !options_.implied_dirs)
    return contradict("--files-from", "--no-implied-dirs", "directories on the way get attributes");
  if (options_.relative && options_.no_target_directory)
    return contradict("--relative", "--no-target-directory", "DST is the directory that the paths go into");
  if (options_.relative && options_.detect_renames)
    return contradict("--relative", "--detect-renames", "names are looked for in whole trees");
  if (options_.remove_source_files)
    if (const Given* other = first_of({"relative", "link", "attributes-only", "safe-links", "copy-unsafe-links", "munge-links"}))
      return contradict("--remove-source-files", other->spelling, "a source goes only where its name has a whole copy");
  if (options_.link || options_.attributes_only)
    if (const Given* other = first_of({"compress", "decompress", "partial", "partial-dir", "append-verify", "temp-dir"}))
      return contradict(options_.link ? "--link" : "--attributes-only", other->spelling, "no data is copied");
  if (options_.prune_empty_dirs && options_.max_depth && options_.deletion != Delete::no)
    return contradict("--prune-empty-dirs", "--max-depth", "with --delete, what is too deep to be seen would be deleted");
  if (options_.link) {
    if (const Given* other = first_of({"inplace", "chmod", "chown", "usermap", "groupmap", "generate-sigs", "link-dest",
                                       "copy-dest", "compare-dest", "detect-renames", "munge-links", "delta-min-size"}))
      return contradict("--link", other->spelling, "the files of the target are those of the source");
    if (options_.attributes_only) return contradict("--link", "--attributes-only", "a link has the attributes of its file");
    if (options_.reflink == When::always) return contradict("--link", "--reflink=always", "nothing is copied");
    if (options_.sparse == When::always) return contradict("--link", "--sparse=always", "nothing is copied");
  }
  if (options_.attributes_only) {
    if (const Given* other =
            first_of({"checksum", "size-only", "ignore-times", "trust-times", "inplace", "whole-file", "delta-min-size",
                      "generate-sigs", "link-dest", "copy-dest", "compare-dest", "detect-renames", "verify"}))
      return contradict("--attributes-only", other->spelling, "data is neither compared nor copied");
    if (options_.reflink == When::always) return contradict("--attributes-only", "--reflink=always", "no data is copied");
    if (options_.sparse == When::always) return contradict("--attributes-only", "--sparse=always", "no data is copied");
  }
  return {};
}

Result<> Parser::check_contradictions() const {
  const auto contradict = [](const char* one, const char* other, const char* why = "") {
    return refuse(fmt::format("{} and {} contradict each other{}{}", one, other, *why == '\0' ? "" : ": ", why));
  };
  if (options_.target_directory && options_.no_target_directory) return contradict("--target-directory", "--no-target-directory");
  // As cp(1): a clone has the holes of its source, neither more nor fewer.
  if (options_.reflink == When::always && options_.sparse != When::automatic)
    return contradict("--reflink=always", options_.sparse == When::always ? "--sparse=always" : "--sparse=never",
                      "a clone has exactly the holes of its source");
  FOX_TRY(check_comparison(contradict));
  FOX_TRY(check_deleting());
  FOX_TRY(check_under_way());
  FOX_TRY(check_report(contradict));
  FOX_TRY(check_choice());
  if (wanted_.acls && refused_.perms) return contradict("--acls", "--no-perms", "an ACL holds the permissions");
  if (options_.quiet) {
    if (options_.verbose > 0) return contradict("--quiet", "--verbose");
    if (options_.progress == When::always) return contradict("--quiet", "--progress");
    if (options_.stats) return contradict("--quiet", "--stats");
    if (options_.explain) return contradict("--quiet", "--explain");
  }
  return {};
}

/// What cannot go with --compress or --decompress of files and trees.
Result<> Parser::check_packing() const {
  const bool compresses = options_.compress && options_.compress->format != codec::Format::none;
  if (!compresses && !options_.decompress) return {};
  struct Refused {
    std::string_view option;
    const char* why;
  };
  static constexpr Refused kRefused[] = {
      {"inplace", "a compressed file is made anew"},
      {"delta-min-size", "a compressed file is made anew"},
      {"link-dest", "what an earlier copy has cannot be told by its size"},
      {"copy-dest", "what an earlier copy has cannot be told by its size"},
      {"compare-dest", "what an earlier copy has cannot be told by its size"},
      {"size-only", "the sizes of a file and of its compressed copy say nothing of each other"},
      {"generate-sigs", "a signature says that the copy has the bytes of its source"},
      {"detect-renames", "a renamed file is found by its size"},
      {"partial", "a compressed file cannot be gone on with"},
      {"partial-dir", "a compressed file cannot be gone on with"},
      {"append-verify", "a compressed file cannot be gone on with"},
      {"remove-source-files", "what is compressed is not the source any more"},
      {"verify", "it compares what is meant to be equal; run the same command again with --checksum"},
  };
  const char* const way = compresses ? "--compress" : "--decompress";
  for (const Given& one : given_)
    for (const Refused& refused : kRefused)
      if (one.row->name == refused.option)
        return refuse(fmt::format("{} and {} contradict each other: {}", way, one.spelling, refused.why));
  if (options_.reflink == When::always)
    return refuse(fmt::format("{} and --reflink=always contradict each other: the bytes are not those of the source", way));
  if (compresses && options_.sparse == When::always)
    return refuse("--compress and --sparse=always contradict each other: there are no zeros in what is compressed");
  return {};
}

/// What has a meaning for a stream only, and what has none for one.
Result<> Parser::check_stream() const {
  if (options_.command != Command::copy) return {};
  const auto given = [&](std::string_view name) {
    return std::ranges::any_of(given_, [&](const Given& one) { return one.row->name == name; });
  };
  const auto contradict = [](const char* one, const char* other, const char* why) {
    return refuse(fmt::format("{} and {} contradict each other: {}", one, other, why));
  };
  if (options_.decompress && options_.compress) return contradict("--compress", "--decompress", "use one of them");
  if (given("checkpoint-keep") && options_.checkpoint_interval_s == 0)
    return refuse("--checkpoint-keep needs --checkpoint-interval: without it there are no checkpoints");
  if (!options_.is_stream()) {
    FOX_TRY(check_packing());
    if (options_.copy_devices && options_.verify)
      return contradict("--copy-devices", "--verify", "a device and a file are never the same");
    const auto is_for_trees = [&](const Given& one) {
      return one.row->name == "compress" || one.row->name == "decompress" ||
             (one.row->name == "copy-devices" && options_.recursive);
    };
    for (const Given& one : given_)
      if (one.row->section == Section::streams && !is_for_trees(one))
        return refuse(fmt::format("{} is for streams: fxcp - DST, or with --copy-devices or --write-devices", one.spelling));
    return {};
  }
  const char* const what = options_.from_standard_input() ? "standard input (-)"
                           : options_.copy_devices        ? "--copy-devices"
                                                          : "--write-devices";
  if (options_.sources.size() != 1 || options_.target_directory) return refuse(fmt::format("{} takes one SRC and DST", what));
  if (options_.from_standard_input() && options_.copy_devices)
    return contradict("standard input (-)", "--copy-devices", "name the device, or leave the option out");
  if (options_.write_devices) {
    if (options_.checkpoint_interval_s > 0)
      return contradict("--write-devices", "--checkpoint-interval", "a device has no checkpoints");
    if (options_.compress) return contradict("--write-devices", "--compress", "a device holds what an image holds");
  }
  // What chooses among files, or among ways to copy them.  -a, and what it keeps, is taken: there is nothing of it to keep.
  for (const Given& one : given_)
    for (const std::string_view name :
         {"recursive",       "one-file-system",  "copy-links",  "copy-dirlinks",     "keep-dirlinks", "jobs",
          "list-only",       "partial",          "partial-dir", "append-verify",     "temp-dir",      "remove-source-files",
          "relative",        "prune-empty-dirs", "safe-links",  "copy-unsafe-links", "munge-links",   "link",
          "attributes-only", "snapshot"})
      if (one.row->name == name) return refuse(fmt::format("{} has no meaning with {}", one.spelling, what));
  if (options_.reflink == When::always)
    return refuse(fmt::format("--reflink=always has no meaning with {}: its bytes are read", what));
  if (!options_.atomic) return refuse(fmt::format("--no-atomic has no meaning with {}", what));
  return {};
}

}  // namespace foxing::fxcp
