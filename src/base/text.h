// SPDX-License-Identifier: GPL-2.0-or-later
// Names are bytes; people read text.  What is shown of a name goes through here, so that no file name reaches a terminal
// with escape sequences, nor a log with forged lines.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/strong.h"

namespace foxing {

/// The name for a terminal: control bytes and bytes that are not UTF-8 as \xHH, backslash as \\; everything else as it is.
std::string printable(std::string_view name);

/// True where the bytes are UTF-8 (no overlong forms, no surrogates).
bool is_utf8(std::string_view bytes);

/// "1.5 GiB"; exact bytes below 1 KiB.
std::string human(Bytes amount);

/// 12345 as "12,345".
std::string grouped(std::uint64_t number);

/// "a/b" of "a" and "b"; of an empty directory the name alone.
std::string join_path(std::string_view directory, std::string_view name);

/// "64K", "1M", "2GiB", "512": powers of 1024.  Nothing where it is not a size.
std::optional<Bytes> parse_size(std::string_view text);

}  // namespace foxing
