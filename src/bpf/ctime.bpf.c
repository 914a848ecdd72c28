// SPDX-License-Identifier: GPL-2.0-or-later
// Inodes whose ctime changes: Linux 6.13 has a tracepoint wherever that happens, and it happens with every change of a file, also with
// those that nobody else tells of: stores through mmap, libaio, chattr.
//
//   from  three tracepoints        to  `dirty` (which inodes), `fresh` (a record when one becomes dirty), `counts`
//
// Why a map.  A storm of writes to one file is one entry and one record until the daemon takes it out of the map.
// Holds. What costs least to refuse is refused first: other filesystems, what is no regular file (names tell of those), inodes that have no
//        name in memory (they are being read from disk, or being made: both set a ctime that is no change), the daemon itself.
//        A record that finds no room is counted, and the entry is taken back: the daemon looks at everything.
// Note.  The tracepoint fires before the bytes of a write are there, and once for many changes where nobody has asked for the ctime since the
//        last one: src/foxingd/capture/silent_changes.h knows what to do about both.
#include "bpf/event_record.h"
#include "bpf/kernel_types.h"

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char licence[] SEC("license") = "GPL";

const volatile struct foxing_watch watch;

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, FOXING_MOST_DIRTY);
  __type(key, struct foxing_inode);
  __type(value, struct foxing_dirt);
} dirty SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, FOXING_RING_BYTES);
} fresh SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct foxing_counts);
} counts SEC(".maps");

#define TYPE_OF_FILE 0170000
#define REGULAR_FILE 0100000

static __always_inline int is_own(void) {
  struct bpf_pidns_info info = {};
  if (bpf_get_ns_current_pid_tgid(watch.pid_namespace_device, watch.pid_namespace_inode, &info, sizeof info) != 0)
    return 0;  // of another namespace
  return info.tgid == watch.self;
}

static __always_inline int changed(struct inode* inode) {
  if (inode->i_sb->s_dev != watch.device) return 0;
  if ((inode->i_mode & TYPE_OF_FILE) != REGULAR_FILE) return 0;
  if (!inode->i_dentry.first) return 0;

  const __u32 only = 0;
  struct foxing_counts* count = bpf_map_lookup_elem(&counts, &only);
  if (!count) return 0;
  if (is_own()) {
    __sync_fetch_and_add(&count->own, 1);
    return 0;
  }
  __sync_fetch_and_add(&count->heard, 1);

  const struct foxing_inode key = {.number = inode->i_ino, .generation = inode->i_generation};
  const struct foxing_dirt dirt = {.last_ns = bpf_ktime_get_ns(), .mapped = inode->i_mapping->i_mmap_writable.counter > 0};
  struct foxing_dirt* known = bpf_map_lookup_elem(&dirty, &key);
  if (known) {
    known->last_ns = dirt.last_ns;
    if (dirt.mapped) known->mapped = 1;
    return 0;
  }
  const long entered = bpf_map_update_elem(&dirty, &key, &dirt, BPF_NOEXIST);
  if (entered == -17) return 0;  // EEXIST: another processor was faster, and tells
  if (entered != 0) {
    __sync_fetch_and_add(&count->lost, 1);
    return 0;
  }
  if (bpf_ringbuf_output(&fresh, (void*)&key, sizeof key, 0) != 0) {
    bpf_map_delete_elem(&dirty, &key);
    __sync_fetch_and_add(&count->lost, 1);
  }
  return 0;
}

/// With filesystems that have multigrain timestamps: when attributes are set to a given ctime.
SEC("tp_btf/inode_set_ctime_to_ts")
int set_ctime(__u64* context) { return changed((struct inode*)context[0]); }

/// The ctime moves to now.
SEC("tp_btf/ctime_ns_xchg")
int move_ctime(__u64* context) { return changed((struct inode*)context[0]); }

/// The ctime is what it would be set to: another change in the same tick.
SEC("tp_btf/ctime_xchg_skip")
int keep_ctime(__u64* context) { return changed((struct inode*)context[0]); }
