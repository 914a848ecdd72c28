// SPDX-License-Identifier: GPL-2.0-or-later
// `fxcp verify --json`.  Names are bytes, JSON is Unicode: a name that is not UTF-8 has replacement characters, and its bytes in
// hexadecimal beside it ("path_hex"), as in json_lines.cc.
#include <fmt/format.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "fxcp/verify.h"
#include "sys/status.h"

namespace foxing::fxcp::json {
namespace {

using Json = nlohmann::ordered_json;
using verify::Class;
using verify::Difference;

void put_name(Json& object, const std::string& key, const std::string& name) {
  object[key] = name;
  if (is_utf8(name)) return;
  std::string hex;
  for (const char byte : name) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  object[key + "_hex"] = hex;
}

std::string line(const Json& object) { return object.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string now() {
  const std::time_t seconds = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

void put_error(Json& object, const Error& error) {
  object["message"] = error.message();
  if (error.operation[0] != '\0') object["operation"] = error.operation;
  if (error.code != 0) object["errno"] = errno_name(error.code);
}

const char* name_of(CompareContent content) {
  switch (content) {
    case CompareContent::hash: return "hash";
    case CompareContent::size: return "size";
    case CompareContent::extent: return "extent";
  }
  return "?";
}

Json difference_json(const Difference& difference) {
  Json object{{"what", verify::name_of(difference.what)}};
  switch (difference.what) {
    case Difference::What::content:
    case Difference::What::holes: object["at"] = difference.at.value; return object;
    case Difference::What::attribute: put_name(object, "name", difference.name); return object;
    case Difference::What::hard_link: put_name(object, "name", difference.name); break;
    default: break;
  }
  put_name(object, "a", difference.a);
  put_name(object, "b", difference.b);
  return object;
}

}  // namespace

std::string verify_start(const Options& options, unsigned workers) {
  Json object{{"type", "start"}, {"schema", "fxcp.verify/1"}, {"version", FOXING_VERSION}, {"time", now()}};
  put_name(object, "a", options.paths[0]);
  put_name(object, "b", options.paths[1]);
  object["content"] = name_of(options.content);
  object["workers"] = workers;
  return line(object);
}

std::string verify_refusal(const Error& error) {
  Json object{{"type", "refused"}};
  if (!error.subject.empty()) put_name(object, "path", error.subject);
  put_error(object, error);
  object["exit_code"] = static_cast<int>(ExitCode::nothing_done);
  return line(object);
}

std::string verify_entry(const verify::Event& event) {
  Json object{{"type", "entry"}, {"result", verify::name_of(event.result)}};
  put_name(object, "path", event.path);
  if (event.type != sys::FileType::unknown) object["file_type"] = sys::name_of(event.type);
  if (event.result == Class::differs) {
    Json differences = Json::array();
    for (const Difference& difference : event.differences) differences.push_back(difference_json(difference));
    object["differences"] = std::move(differences);
  }
  if (event.error) put_error(object, *event.error);
  return line(object);
}

std::string verify_vanished(const std::string& path) {
  Json object{{"type", "warning"}, {"kind", "vanished"}};
  put_name(object, "path", path);
  object["message"] = "was removed while the trees were compared";
  return line(object);
}

std::string verify_summary(const verify::Counters& counters, const Options& options, const VerifyEnd& end) {
  Json object{{"type", "summary"},
              {"exit_code", static_cast<int>(end.exit_code)},
              {"interrupted", end.interrupted},
              {"elapsed_s", end.elapsed.count()},
              {"content", name_of(options.content)}};
  for (std::size_t i = 0; i < verify::kClasses; ++i) {
    const auto result = static_cast<Class>(i);
    object[verify::name_of(result)] = counters.of(result);
  }
  object["bytes_read"] = counters.bytes_read.load();
  object["retries"] = counters.retries.load();
  object["left_out"] = counters.left_out.load();
  object["warnings"] = counters.notes.load();
  return line(object);
}

}  // namespace foxing::fxcp::json
