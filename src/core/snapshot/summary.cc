// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/snapshot/summary.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/snapshot/epoch.h"

namespace foxing::snapshot {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kSchema = "fxcp.snapshot/1";
constexpr const char* kIndexSchema = "fxcp.snapshots/1";

struct Number {
  const char* key;
  std::uint64_t Summary::* field;
};
constexpr Number kNumbers[] = {{"files", &Summary::files},   {"entries", &Summary::entries},
                               {"cloned", &Summary::cloned}, {"linked", &Summary::linked},
                               {"copied", &Summary::copied}, {"elapsed_ms", &Summary::elapsed_ms}};
struct Amount {
  const char* key;
  Bytes Summary::* field;
};
constexpr Amount kAmounts[] = {{"size_bytes", &Summary::size}, {"written_bytes", &Summary::written}};
struct Text {
  const char* key;
  std::string Summary::* field;
};
constexpr Text kTexts[] = {
    {"snapshot", &Summary::name}, {"tag", &Summary::tag}, {"source", &Summary::source}, {"trigger", &Summary::trigger}};

Json object_of(const Summary& summary) {
  Json object;
  for (const Text& text : kTexts) object[text.key] = summary.*text.field;
  for (const Number& number : kNumbers) object[number.key] = summary.*number.field;
  for (const Amount& amount : kAmounts) object[amount.key] = (summary.*amount.field).value;
  return object;
}

std::string text_of(const Json& object) { return object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

tl::unexpected<Error> wrong(std::string_view what) { return fail(0, "", {}, fmt::format("summary.json: {}", what)); }

}  // namespace

std::string to_json(const Summary& summary) {
  Json object{{"schema", kSchema}};
  object.update(object_of(summary));
  return text_of(object);
}

std::string index_json(std::span<const Summary> snapshots) {
  Json object{{"schema", kIndexSchema}};
  object["snapshots"] = Json::array();
  for (const Summary& summary : snapshots) object["snapshots"].push_back(object_of(summary));
  return text_of(object);
}

Result<Summary> parse_summary(std::string_view json) {
  if (json.size() > kLargestSummary) return wrong("is larger than a summary can be");
  const Json object = Json::parse(json, nullptr, false);
  if (!object.is_object()) return wrong("is not a JSON object");
  const auto schema = object.find("schema");
  if (schema == object.end() || *schema != kSchema) return wrong(fmt::format("is not of schema {}", kSchema));
  Summary summary;
  for (const Text& text : kTexts) {
    const auto field = object.find(text.key);
    if (field == object.end() || !field->is_string()) return wrong(fmt::format("{} is no text", text.key));
    summary.*text.field = field->get<std::string>();
  }
  const auto number = [&](const char* key) -> Result<std::uint64_t> {
    const auto field = object.find(key);
    if (field == object.end() || !field->is_number_unsigned()) return wrong(fmt::format("{} is no number", key));
    return field->get<std::uint64_t>();
  };
  for (const Number& one : kNumbers) summary.*one.field = FOX_TRY(number(one.key));
  for (const Amount& one : kAmounts) summary.*one.field = Bytes(FOX_TRY(number(one.key)));
  if (!parse_epoch(summary.name)) return wrong("snapshot is not the name of one");
  if (!summary.tag.empty() && !is_tag(summary.tag)) return wrong("tag is none");
  return summary;
}

}  // namespace foxing::snapshot
