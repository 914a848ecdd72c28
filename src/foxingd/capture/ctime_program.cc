// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/capture/ctime_program.h"

#include "bpf/embedded.h"

#ifdef FOXING_BPF
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <string>

#include "bpf/event_record.h"
#include "sys/status.h"
#endif

namespace foxing::capture {

#ifdef FOXING_BPF

struct CtimeProgram::Parts {
  bpf_object* object = nullptr;
  ring_buffer* ring = nullptr;
  std::vector<bpf_link*> links;
  int dirty = -1;  // maps: descriptors of the object
  int fresh = -1;
  int counts = -1;
  std::vector<foxing_inode> taken;  // out of the ring, while it is drained

  Parts() = default;
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts() {
    for (bpf_link* link : links) bpf_link__destroy(link);
    ring_buffer__free(ring);
    bpf_object__close(object);
  }
};

static_assert(CtimeProgram::kRoom == FOXING_MOST_DIRTY);

namespace {

/// What libbpf complains of, instead of standard error: one line of it goes into the error.
std::mutex complaints_mutex;
std::string complaint;

int keep_complaint(libbpf_print_level level, const char* format, va_list values) {
  if (level != LIBBPF_WARN) return 0;
  char line[256];
  const int length = std::vsnprintf(line, sizeof line, format, values);
  complaint.assign(line, length <= 0 ? 0 : std::strcspn(line, "\n"));
  return length;
}

tl::unexpected<Error> refused(const char* operation, int code) {
  Error error{.code = code, .operation = operation};
  switch (code) {
    case EPERM:
    case EACCES:
      error.detail = "loading programs into the kernel needs CAP_BPF and CAP_PERFMON, and may be forbidden altogether";
      break;
    case ESRCH:
    case ENOENT:
      error.detail = "this kernel has no multigrain timestamps (Linux 6.13), or does not describe its types (BTF)";
      break;
    case ENOSYS: error.detail = "this kernel has no BPF"; break;
    default: error.detail = complaint; break;
  }
  return tl::make_unexpected(std::move(error));
}

Result<foxing_watch> watch_for(std::uint32_t major, std::uint32_t minor) {
  const auto pids = FOX_TRY(sys::status_at(sys::working_directory(), "/proc/self/ns/pid", sys::Links::follow)).raw;
  return foxing_watch{.device = major << 20 | minor,
                      .self = static_cast<__u32>(::getpid()),
                      .pid_namespace_device = static_cast<__u64>(::major(pids.st_dev)) << 20 | ::minor(pids.st_dev),
                      .pid_namespace_inode = pids.st_ino};
}

int take(void* parts, void* record, std::size_t length) {
  foxing_inode inode;
  if (length < sizeof inode) return 0;
  std::memcpy(&inode, record, sizeof inode);
  static_cast<CtimeProgram::Parts*>(parts)->taken.push_back(inode);
  return 0;
}

Result<> load_into(CtimeProgram::Parts& parts, const foxing_watch& watch, std::uint32_t room) {
  const auto bytes = bpf::ctime_object();
  LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "foxing_ctime");
  parts.object = bpf_object__open_mem(bytes.data(), bytes.size(), &options);
  if (parts.object == nullptr) return refused("bpf_object__open", errno);
  bpf_map* const settings = bpf_object__find_map_by_name(parts.object, ".rodata");
  if (settings == nullptr || bpf_map__set_initial_value(settings, &watch, sizeof watch) != 0)
    return refused("bpf_map__set_initial_value", EINVAL);
  bpf_map* const dirty = bpf_object__find_map_by_name(parts.object, "dirty");
  if (dirty == nullptr || bpf_map__set_max_entries(dirty, room) != 0) return refused("bpf_map__set_max_entries", EINVAL);
  if (const int answer = bpf_object__load(parts.object); answer != 0) return refused("bpf_object__load", -answer);
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, parts.object) {
    bpf_link* const link = bpf_program__attach(program);
    if (link == nullptr) return refused("bpf_program__attach", errno);
    parts.links.push_back(link);
  }
  parts.dirty = bpf_object__find_map_fd_by_name(parts.object, "dirty");
  parts.fresh = bpf_object__find_map_fd_by_name(parts.object, "fresh");
  parts.counts = bpf_object__find_map_fd_by_name(parts.object, "counts");
  parts.ring = ring_buffer__new(parts.fresh, take, &parts, nullptr);
  if (parts.ring == nullptr) return refused("ring_buffer__new", errno);
  return {};
}

}  // namespace

CtimeProgram::CtimeProgram(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
CtimeProgram::~CtimeProgram() = default;

Result<std::unique_ptr<CtimeProgram>> CtimeProgram::load(std::uint32_t major, std::uint32_t minor, std::uint32_t room) {
  const foxing_watch watch = FOX_TRY(watch_for(major, minor));
  auto parts = std::make_unique<Parts>();
  {
    const std::lock_guard lock(complaints_mutex);
    complaint.clear();
    libbpf_set_print(keep_complaint);
    const auto loaded = load_into(*parts, watch, room);
    libbpf_set_print(nullptr);
    if (!loaded) return tl::make_unexpected(loaded.error());
  }
  return std::unique_ptr<CtimeProgram>(new CtimeProgram(std::move(parts)));
}

sys::FdView CtimeProgram::descriptor() const { return sys::FdView(ring_buffer__epoll_fd(parts_->ring)); }

Result<> CtimeProgram::drain(std::vector<Changed>& changed) {
  parts_->taken.clear();
  if (const int answer = ring_buffer__consume(parts_->ring); answer < 0) return fail(-answer, "ring_buffer__consume");
  for (const foxing_inode& inode : parts_->taken) {
    foxing_dirt dirt{};
    // From here on the next change is a record again.
    if (bpf_map_lookup_and_delete_elem(parts_->dirty, &inode, &dirt) != 0) {
      if (errno == ENOENT) continue;
      return fail(errno, "bpf_map_lookup_and_delete_elem");
    }
    changed.push_back({.inode = inode.number,
                       .generation = inode.generation,
                       .last = std::chrono::steady_clock::time_point(std::chrono::nanoseconds(dirt.last_ns)),
                       .mapped = dirt.mapped != 0});
  }
  return {};
}

Result<CtimeProgram::Counts> CtimeProgram::counts() const {
  const __u32 only = 0;
  foxing_counts counts{};
  if (bpf_map_lookup_elem(parts_->counts, &only, &counts) != 0) return fail(errno, "bpf_map_lookup_elem");
  return Counts{counts.heard, counts.own, counts.lost};
}

#else

struct CtimeProgram::Parts {};
CtimeProgram::CtimeProgram(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
CtimeProgram::~CtimeProgram() = default;

Result<std::unique_ptr<CtimeProgram>> CtimeProgram::load(std::uint32_t, std::uint32_t, std::uint32_t) {
  return fail(ENOSYS, "bpf", {}, std::string("this foxingd has no programs for BPF: ") + bpf::why_absent());
}
// Nobody has one.
sys::FdView CtimeProgram::descriptor() const { return sys::FdView(-1); }
Result<> CtimeProgram::drain(std::vector<Changed>&) { return {}; }
Result<CtimeProgram::Counts> CtimeProgram::counts() const { return Counts{}; }

#endif

}  // namespace foxing::capture
