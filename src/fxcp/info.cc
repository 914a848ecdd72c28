// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/info.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <iterator>

#include "base/text.h"
#include "core/copy/pairs.h"
#include "sys/file.h"
#include "sys/status.h"

namespace foxing::fxcp {
namespace {

using storage::Traits;

// --- Asking ---

Result<sys::UniqueFd> open_to_look(const Traits& traits) {
  return sys::open_at(sys::working_directory(), traits.located.path, {.access = sys::Access::path});
}

/// The facts that the copy engine itself would plan with.
Result<copy::PairFacts> facts_of_pair(const Traits& source, const Traits& target) {
  const sys::UniqueFd from = FOX_TRY(open_to_look(source));
  const sys::UniqueFd to = FOX_TRY(open_to_look(target));
  copy::Pairs pairs;
  const copy::Pair* const pair = FOX_TRY(pairs.of(from, source.quick().device, to, target.quick().device));
  return pair->facts();
}

// --- Text ---

class Text {
 public:
  template <class... Arguments>
  void line(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
    text_ += '\n';
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

constexpr int kLabelWidth = 14;

template <class Strings>
std::string joined(const Strings& strings) {
  std::string text;
  for (const auto& string : strings) text += (text.empty() ? "" : ",") + printable(string);
  return text;
}

std::string device_text(DeviceId device) { return fmt::format("{}:{}", device.major_number(), device.minor_number()); }

std::string times_text(const storage::TimeRange& times) {
  if (!times.step) return "depend on how it was made: read back after setting";
  const auto ns = times.step->count();
  std::string text = ns == 1 ? "to the nanosecond" : fmt::format("in steps of {} ns", grouped(static_cast<std::uint64_t>(ns)));
  if (times.latest_s == 0x7FFFFFFF) text += ", surely until 2038";
  return text;
}

void put_stack(Text& text, const storage::Stack& stack) {
  std::string_view label = "below";
  for (const storage::Layer& layer : stack.layers) {
    std::string line = fmt::format("{:{}}{} {}", "", layer.depth * 2, name_of(layer.kind), printable(layer.kernel_name));
    if (!layer.name.empty()) line += fmt::format(" \"{}\"", printable(layer.name));
    line += fmt::format(", {}", human(layer.size));
    if (layer.discards) line += ", discards";
    if (layer.removable) line += ", removable";
    text.line("  {:{}} {}", label, kLabelWidth, line);
    label = "";
  }
  if (stack.layers.empty()) return;
  const auto rotational = stack.rotational();
  text.line("  {:{}} {}, aligned to {}", "disks", kLabelWidth,
            !rotational   ? "not known whether they turn"
            : *rotational ? "turn"
                          : "do not turn",
            human(stack.alignment()));
  if (stack.encrypted()) text.line("  {:{}} encrypted", "", kLabelWidth);
  if (stack.thin()) text.line("  {:{}} thin: what lies below may be full before this filesystem is", "", kLabelWidth);
}

void put_mount(Text& text, const storage::Mount& mount) {
  std::string shown = mount.root == "/" ? "" : fmt::format(", showing {} of it", printable(mount.root));
  text.line("  {:{}} {} from {}{}", "mount", kLabelWidth, printable(mount.point),
            mount.source.empty() ? "nothing" : printable(mount.source), shown);
  text.line("  {:{}} {}; {}", "options", kLabelWidth, joined(mount.options), joined(mount.super_options));
}

void put_path(Text& text, const Traits& traits) {
  const storage::QuickTraits& quick = traits.quick();
  text.line("{}", printable(traits.located.asked));
  if (!traits.located.missing.empty())
    text.line("  {:{}} {} does not exist yet; this is about {}", "", kLabelWidth, printable(traits.located.missing),
              printable(traits.located.path));
  text.line("  {:{}} {} ({}), blocks of {}{}", "filesystem", kLabelWidth, printable(traits.type), name_of(quick.nature),
            human(quick.block_size), quick.read_only ? ", read-only" : "");
  if (!traits.uuid.empty()) text.line("  {:{}} {}", "UUID", kLabelWidth, printable(traits.uuid));
  if (quick.sizes_lie()) {
    text.line("  {:{}} sizes mean nothing here: files are read to their end", "space", kLabelWidth);
  } else {
    text.line("  {:{}} {} of {} available", "space", kLabelWidth, human(quick.available), human(quick.total));
  }
  text.line("  {:{}} {}", "device", kLabelWidth, device_text(quick.device));
  if (traits.mount) put_mount(text, *traits.mount);
  if (traits.overlay) {
    text.line("  {:{}} upper {}", "overlay", kLabelWidth,
              traits.overlay->upper.empty() ? "none: read-only" : printable(traits.overlay->upper));
    for (const std::string& lower : traits.overlay->lower) text.line("  {:{}} lower {}", "", kLabelWidth, printable(lower));
  }
  put_stack(text, traits.stack);
  text.line("  {:{}} shared blocks {}, holes {}, nameless files {}", "supports", kLabelWidth, name_of(quick.reflink),
            name_of(quick.holes), name_of(quick.nameless));
  text.line("  {:{}} {}", "times", kLabelWidth, times_text(quick.times));
}

std::string_view relation_text(const storage::PairTraits& traits) {
  if (traits.same_mount) return "one mount";
  if (traits.same_filesystem) return "one filesystem, two mounts";
  return "two filesystems";
}

bool same_steps(const copy::Plan& a, const copy::Plan& b) {
  return a.count == b.count &&
         std::equal(a.steps.begin(), a.steps.begin() + static_cast<std::ptrdiff_t>(a.count), b.steps.begin(),
                    [](const auto& x, const auto& y) { return x.tier == y.tier && x.why == y.why; });
}

void put_plan(Text& text, std::string label, const copy::Plan& plan, const PairInfo& pair) {
  for (std::size_t i = 0; i < plan.count; ++i) {
    const copy::Plan::Step& step = plan.steps[i];
    const bool in_vain = step.tier == copy::Tier::clone && pair.traits.quick.reflink == storage::Support::no;
    text.line("  {:{}} {} {}: {}{}", label, kLabelWidth, i == 0 ? "try" : "else", name_of(step.tier), step.why,
              in_vain ? " (but these are two: refused for the first file, then left out)" : "");
    label.clear();
  }
}

/// Neighbours with the same plan share their lines.
void put_plans(Text& text, const PairInfo& pair) {
  for (auto first = pair.examples.begin(); first != pair.examples.end();) {
    const auto last = std::find_if(first, pair.examples.end(),
                                   [&](const PlannedExample& other) { return !same_steps(first->plan, other.plan); });
    std::string label(first->kind);
    for (auto other = first + 1; other != last; ++other) label += fmt::format(", {}", other->kind);
    const bool all = first == pair.examples.begin() && last == pair.examples.end();
    put_plan(text, all ? "any file" : label, first->plan, pair);
    first = last;
  }
}

void put_pair(Text& text, const Info& info, const PairInfo& pair) {
  const std::string source = printable(info.paths[pair.source].located.asked);
  const std::string target = printable(info.paths[pair.target].located.asked);
  text.line("{} -> {}", source, target);
  text.line("  {:{}} {}", "relation", kLabelWidth, relation_text(pair.traits));
  if (pair.nesting == storage::Nesting::same) text.line("  {:{}} these are one place: fxcp refuses", "", kLabelWidth);
  if (pair.nesting == storage::Nesting::inside)
    text.line("  {:{}} {} lies inside {}: fxcp refuses", "", kLabelWidth, target, source);
  if (pair.nesting == storage::Nesting::inside_other_device)
    text.line("  {:{}} {} lies inside {}, on another filesystem: only with --one-file-system", "", kLabelWidth, target, source);
  if (info.paths[pair.target].quick().read_only) text.line("  {:{}} {} is read-only", "", kLabelWidth, target);
  put_plans(text, pair);
}

void put_machine(Text& text, const storage::Surroundings& machine) {
  if (machine.container != storage::Container::none)
    text.line("  {:{}} {} ({})", "container", kLabelWidth, name_of(machine.container), machine.container_mark);
  if (machine.virtual_machine)
    text.line("  {:{}} {}", "virtual", kLabelWidth,
              machine.hypervisor.empty() ? "machine of an unknown hypervisor" : machine.hypervisor);
  if (machine.container == storage::Container::none && !machine.virtual_machine)
    text.line("  {:{}} neither a container nor a virtual machine, as far as it shows", "", kLabelWidth);
}

}  // namespace

std::vector<PlannedExample> planned_examples(const copy::PairFacts& facts) {
  std::vector<PlannedExample> examples = {
      {.kind = "4 KiB", .shape = {.size = 4_KiB, .allocated = 4_KiB}},
      {.kind = "128 KiB", .shape = {.size = 128_KiB, .allocated = 128_KiB}},
      {.kind = "100 MiB", .shape = {.size = 100_MiB, .allocated = 100_MiB}},
      {.kind = "sparse", .shape = {.size = 100_MiB, .allocated = 50_MiB, .has_holes = true}},
  };
  for (PlannedExample& example : examples) example.plan = copy::plan(example.shape, facts, {});
  return examples;
}

Info look(const std::vector<std::string>& paths) {
  Info info;
  for (const std::string& path : paths) {
    auto found = storage::traits(path);
    if (found) {
      info.paths.push_back(std::move(*found));
    } else {
      info.failures.push_back(std::move(found).error());
    }
  }
  if (!info.paths.empty()) info.machine = info.paths.front().surroundings;
  const storage::MountTable mounts = storage::read_mounts(storage::SystemRoot());
  for (std::size_t source = 0; source < info.paths.size(); ++source) {
    if (!info.paths[source].located.missing.empty()) continue;  // nothing there to copy
    for (std::size_t target = 0; target < info.paths.size(); ++target) {
      if (source == target) continue;
      const Traits& from = info.paths[source];
      const Traits& to = info.paths[target];
      PairInfo pair{.source = source,
                    .target = target,
                    .traits = pair_traits(from, to),
                    .nesting = nesting(to.located, from.located, mounts)};
      // No plan where no path leads to one of them any more.
      if (const auto facts = facts_of_pair(from, to)) pair.examples = planned_examples(*facts);
      info.pairs.push_back(std::move(pair));
    }
  }
  return info;
}

std::string info_text(const Info& info) {
  Text text;
  for (const Traits& traits : info.paths) {
    put_path(text, traits);
    text.line("");
  }
  for (const PairInfo& pair : info.pairs) {
    put_pair(text, info, pair);
    text.line("");
  }
  if (!info.paths.empty()) {
    text.line("this machine");
    put_machine(text, info.machine);
  }
  return text.take();
}

int run_info(const std::vector<std::string>& paths, bool json) {
  const Info info = look(paths);
  for (const Error& error : info.failures) fmt::print(stderr, "fxcp: {}: {}\n", printable(error.subject), error.message());
  const std::string text = json ? info_json(info) + "\n" : info_text(info);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    fmt::print(stderr, "fxcp: standard output: {}\n", Error{.code = errno, .operation = "write"}.message());
    return 2;
  }
  if (info.failures.empty()) return 0;
  return info.paths.empty() ? 2 : 1;
}

}  // namespace foxing::fxcp
