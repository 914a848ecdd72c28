// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/accounts.h"

#include <cerrno>
#include <charconv>
#include <span>

#include "sys/file.h"

namespace foxing::sys {
namespace {

/// Takes the text up to `separator` off the front.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return taken;
}

std::optional<Account> parse_line(std::string_view line) {
  if (line.empty() || line[0] == '#' || line[0] == '+' || line[0] == '-') return std::nullopt;
  const std::string_view name = take_until(line, ':');
  take_until(line, ':');
  const std::string_view number = take_until(line, ':');
  Account account{.name = std::string(name), .id = 0};
  const auto [rest, problem] = std::from_chars(number.data(), number.data() + number.size(), account.id);
  if (name.empty() || problem != std::errc{} || rest != number.data() + number.size()) return std::nullopt;
  return account;
}

}  // namespace

Accounts Accounts::parse(std::string_view text, std::string file) {
  Accounts accounts;
  accounts.file_ = std::move(file);
  while (!text.empty()) {
    auto account = parse_line(take_until(text, '\n'));
    if (!account) continue;
    accounts.ids_.try_emplace(account->name, account->id);
    accounts.all_.push_back(std::move(*account));
  }
  return accounts;
}

std::optional<std::uint32_t> Accounts::id_of(std::string_view name) const {
  const auto found = ids_.find(std::string(name));
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

Result<Accounts> read_accounts(FdView directory, CString file) {
  const auto opened = open_at(directory, file, {.links = Links::follow});
  if (!opened && opened.error().code == ENOENT) return Accounts::parse({}, file.text());
  if (!opened) return fail(opened.error().code, opened.error().operation, file.text());
  std::string text;
  std::string piece(std::size_t{64} << 10, '\0');
  while (true) {
    auto got = read_some(*opened, std::as_writable_bytes(std::span(piece)));
    if (!got) return tl::make_unexpected(std::move(got).error().about(file.text()));
    if (*got == 0) break;
    text.append(piece, 0, *got);
  }
  return Accounts::parse(text, file.text());
}

}  // namespace foxing::sys
