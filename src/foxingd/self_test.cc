// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/self_test.h"

#include <array>
#include <optional>

#include "core/copy/temp_names.h"
#include "foxingd/capture/operations.h"
#include "foxingd/capture/poll.h"
#include "sys/file.h"
#include "sys/names.h"
#include "sys/process.h"
#include "sys/waiting.h"

namespace foxing::foxingd {
namespace {

Result<> remove_hidden(sys::FdView source, const std::string& name) {
  const sys::UniqueFd directory = FOX_TRY(sys::open_at(source, name, {.directory = true}));
  FOX_TRY(capture::remove_operations(directory));
  return sys::remove_directory_at(source, name);
}

/// Of tests that were killed.
Result<> remove_leftovers(sys::FdView source) {
  std::vector<std::string> names;
  const sys::UniqueFd fd = FOX_TRY(sys::open_at(source, ".", {.directory = true, .keep_atime = true}));
  sys::DirectoryReader reader(32 * 1024);
  while (FOX_TRY(reader.fill(fd)))
    while (const auto entry = reader.next())
      if (entry->type == sys::FileType::directory && copy::TempNames::is_litter(source, entry->name))
        names.emplace_back(entry->name);
  for (const std::string& name : names)
    (void)remove_hidden(source, name);  // one of somebody else's has other things in it, and stays
  return {};
}

Result<std::vector<Proof>> prove_all(sys::FdView directory, const std::string& word, const capture::Wishes& wishes) {
  FOX_TRY(capture::prepare_operations(directory));
  const auto events = FOX_TRY(capture::choose(word, directory, wishes)).source;
  if (std::string_view(events->name()) == "poll") {
    // What is young is told in any case, and would prove nothing.
    const std::array nobody{sys::FdView(-1)};
    FOX_TRY(sys::wait_any(nobody, capture::Poll::kDoubt + std::chrono::seconds(2)));
  }
  std::vector<Proof> proofs;
  for (std::size_t i = 0; i < capture::kOperations && !sys::stop_requested(); ++i) {
    const auto operation = static_cast<capture::Operation>(i);
    proofs.push_back({operation, events->coverage().sees(operation), capture::is_heard(*events, directory, operation)});
  }
  if (sys::stop_requested()) return fail(ECANCELED, "self-test", {}, "a signal came; what was made is gone again");
  return proofs;
}

}  // namespace

Result<std::vector<Proof>> self_test(const std::string& source, const std::string& capture, const capture::Wishes& wishes) {
  const auto named = [&](Error error) { return tl::make_unexpected(std::move(error).about(source)); };
  const auto root =
      sys::open_at(sys::working_directory(), source, {.links = sys::Links::follow, .directory = true, .keep_atime = true});
  if (!root) return named(root.error());
  if (auto cleared = remove_leftovers(*root); !cleared) return named(std::move(cleared).error());
  copy::TempNames names;
  const std::string name = names.next();
  if (auto made = sys::make_directory_at(*root, name, 0700); !made) return named(std::move(made).error());
  const auto directory = sys::open_at(*root, name, {.directory = true});
  auto proofs = directory ? prove_all(*directory, capture, wishes) : Result<std::vector<Proof>>(tl::make_unexpected(directory.error()));
  auto removed = remove_hidden(*root, name);
  if (!proofs) return named(std::move(proofs).error());
  if (!removed) return named(std::move(removed).error());
  return proofs;
}

std::string in_words(const Proof& proof) {
  if (!proof.heard) return "cannot be done here: " + proof.heard.error().message();
  if (*proof.heard) return proof.is_believed ? "heard of" : "heard of, though nothing relies on it";
  if (proof.is_believed) return "NOT heard of";
  return std::string("not heard of: ") + capture::answer_to(proof.operation, capture::Coverage::all().without(proof.operation));
}

}  // namespace foxing::foxingd
