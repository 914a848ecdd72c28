// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/capture/operations.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/little_endian.h"
#include "sys/attributes.h"
#include "sys/child.h"
#include "sys/file.h"
#include "sys/names.h"
#include "sys/odd_changes.h"
#include "sys/process.h"
#include "sys/ring.h"
#include "sys/waiting.h"

namespace foxing::capture {
namespace {

using sys::Access;
using sys::FdView;

constexpr const char* kFile = "file";
constexpr const char* kOther = "other";
constexpr const char* kNew = "new";
constexpr std::size_t kSize = 8192;
constexpr std::chrono::milliseconds kPause{50};
constexpr int kPatience = 200;  // pauses: ten seconds

/// What stays open until the process ends.
using Held = std::vector<sys::UniqueFd>;

Result<FdView> hold(Held& held, Result<sys::UniqueFd> opened) {
  held.push_back(FOX_TRY(std::move(opened)));
  return FdView(held.back());
}

Result<FdView> file(FdView directory, Held& held, Access access = Access::read_write, const char* name = kFile) {
  return hold(held, sys::open_at(directory, name, {.access = access}));
}

/// An access list in which a user has a right of his own.  Source: acl(5), <linux/posix_acl_xattr.h>.
std::string access_list() {
  std::string list;
  ByteWriter writer(list);
  writer.u32(2);
  constexpr std::uint32_t kNobodys = 0xFFFFFFFF;
  struct Entry {
    std::uint16_t tag, rights;
    std::uint32_t id;
  };
  for (const Entry& entry : {Entry{1, 6, kNobodys}, {2, 4, 1}, {4, 4, kNobodys}, {0x10, 4, kNobodys}, {0x20, 0, kNobodys}}) {
    writer.u16(entry.tag);
    writer.u16(entry.rights);
    writer.u32(entry.id);
  }
  return list;
}

Result<> write_by_ring(FdView target) {
  sys::Ring ring = FOX_TRY(sys::Ring::create({.buffers = 1, .buffer_size = 4096}));
  ring.buffer(0)[0] = std::byte{'r'};
  ring.queue_write(target, 0, 0, 1, FileOffset(0));
  const auto done = FOX_TRY(ring.next());
  if (done.result < 0) return fail(-done.result, "io_uring");
  return {};
}

Result<> act(FdView directory, Operation operation, Held& held) {
  const auto bytes = as_bytes("x");
  const auto attribute = [&](const char* name, const std::string& value) -> Result<> {
    return sys::set_attribute({FOX_TRY(file(directory, held, Access::read))}, name, value);
  };
  switch (operation) {
    case Operation::create: return hold(held, sys::create_at(directory, kNew, 0600)).map([](FdView) {});
    case Operation::make_directory: return sys::make_directory_at(directory, kNew, 0700);
    case Operation::link: return sys::link_at(directory, kFile, directory, kNew);
    case Operation::unlink: return sys::unlink_at(directory, kFile);
    case Operation::rename: return sys::rename_at(directory, kFile, directory, kNew);
    case Operation::exchange: return sys::rename_at(directory, kFile, directory, kOther, sys::Replace::exchange);
    case Operation::write: return sys::write_all(FOX_TRY(file(directory, held)), bytes);
    case Operation::ring_write: return write_by_ring(FOX_TRY(file(directory, held)));
    case Operation::direct_write:
      return sys::write_direct_block(FOX_TRY(hold(held, sys::open_direct(directory, kFile))), std::byte{'d'});
    case Operation::truncate: return sys::truncate(FOX_TRY(file(directory, held)), Bytes(10));
    case Operation::allocate:
      return sys::preallocate(FOX_TRY(file(directory, held)), {FileOffset(kSize), FileOffset(16 * kSize)});
    case Operation::copy_range: {
      const FdView from = FOX_TRY(file(directory, held, Access::read, kOther));
      return sys::copy_range(from, FileOffset(0), FOX_TRY(file(directory, held)), FileOffset(0), kSize).map([](std::size_t) {});
    }
    case Operation::clone: {
      const FdView from = FOX_TRY(file(directory, held, Access::read, kOther));
      return sys::clone(from, FOX_TRY(file(directory, held)));
    }
    case Operation::chmod: return sys::set_mode({FOX_TRY(file(directory, held, Access::read))}, 0640);
    case Operation::chown: return sys::set_owner({FOX_TRY(file(directory, held, Access::read))}, 1, 1);
    case Operation::utimes: return sys::set_times({FOX_TRY(file(directory, held, Access::read))}, {1, 0}, {2, 0});
    case Operation::xattr: return attribute("user.foxing-self-test", "1");
    case Operation::acl: return attribute("system.posix_acl_access", access_list());
    case Operation::close_after_write:
      FOX_TRY(file(directory, held));
      held.clear();
      return {};
    case Operation::mapped_write: return sys::store_through_map(FOX_TRY(file(directory, held)), std::byte{'m'});
    case Operation::aio_write: return sys::write_by_aio(FOX_TRY(file(directory, held)), bytes, FileOffset(0));
    case Operation::inode_flags: return sys::toggle_no_dump(FOX_TRY(file(directory, held)));
    case Operation::count: break;
  }
  return fail(EINVAL, "operation");
}

/// By what the source may speak of an operation.
struct Subject {
  sys::FileHandle directory;
  std::vector<sys::FileHandle> files;
};

Result<Subject> subject_in(FdView directory) {
  Subject subject{FOX_TRY(sys::handle_of(directory)), {}};
  for (const char* in_it : {kFile, kOther}) subject.files.push_back(FOX_TRY(sys::handle_at(directory, in_it)));
  return subject;
}

/// What there is to hear now; true where something of it is about the subject.
Result<bool> hears_of(EventSource& source, const Subject& subject) {
  source.look_now();
  std::vector<Event> events;
  while (!FOX_TRY(source.poll(events, 1000))) {
  }
  return std::ranges::any_of(events, [&](const Event& event) {
    if (event.directory.empty()) return std::ranges::find(subject.files, event.object) != subject.files.end();
    return event.kind != Event::Kind::itself && (event.directory == subject.directory || event.to_directory == subject.directory);
  });
}

}  // namespace

Result<> prepare_operations(FdView directory) {
  const std::string content(kSize, 'x');
  for (std::size_t i = 0; i < kOperations; ++i) {
    const char* const name = name_of(static_cast<Operation>(i));
    FOX_TRY(sys::make_directory_at(directory, name, 0700));
    const sys::UniqueFd own = FOX_TRY(sys::open_at(directory, name, {.directory = true}));
    for (const char* in_it : {kFile, kOther}) {
      sys::UniqueFd made = FOX_TRY(sys::create_at(own, in_it, 0600));
      FOX_TRY(sys::write_all(made, as_bytes(content)));
      FOX_TRY(sys::close_written(std::move(made)));
    }
  }
  return {};
}

Result<bool> is_heard(EventSource& source, FdView directory, Operation operation) {
  const sys::UniqueFd own = FOX_TRY(sys::open_at(directory, name_of(operation), {.directory = true}));
  const Subject subject = FOX_TRY(subject_in(own));
  const sys::Bell done = FOX_TRY(sys::Bell::create());
  const sys::Bell enough = FOX_TRY(sys::Bell::create());
  FOX_TRY(hears_of(source, subject));  // what was there before
  sys::Child child = FOX_TRY(sys::Child::start([&] {
    Held held;
    if (const auto acted = act(own, operation, held); !acted) return std::clamp(acted.error().code, 1, 254);
    done.ring();
    const std::array files{enough.fd()};
    while (!sys::wait_any(files, std::nullopt).value_or(true)) {
    }
    return 0;
  }));
  const std::array files{done.fd()};
  for (int pauses = 0; !FOX_TRY(sys::wait_any(files, kPause)); ++pauses) {
    if (const auto code = child.ended()) return fail(*code, name_of(operation));
    if (pauses == kPatience || sys::stop_requested())
      return fail(ECANCELED, name_of(operation));  // the child goes with its owner
  }
  const bool heard = FOX_TRY(hears_of(source, subject));
  enough.ring();
  (void)child.wait();
  return heard;
}

Result<> remove_operations(FdView directory) {
  for (std::size_t i = 0; i < kOperations; ++i) {
    const char* const name = name_of(static_cast<Operation>(i));
    const auto own = sys::open_at(directory, name, {.directory = true});
    if (!own) continue;
    for (const char* in_it : {kFile, kOther, kNew})
      if (const auto gone = sys::unlink_at(*own, in_it); !gone && gone.error().code != ENOENT)
        FOX_TRY(sys::remove_directory_at(*own, in_it));
    FOX_TRY(sys::remove_directory_at(directory, name));
  }
  return {};
}

}  // namespace foxing::capture
