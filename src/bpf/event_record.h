// SPDX-License-Identifier: GPL-2.0-or-later
// What the programs in the kernel and the daemon tell each other: settings downwards, dirty inodes and counts upwards.  C and C++.
// Holds. One build makes both sides, so there are no versions; the sizes are checked by both.
#ifndef FOXING_BPF_EVENT_RECORD_H
#define FOXING_BPF_EVENT_RECORD_H

#include <linux/types.h>

/// How many inodes may be dirty at a time, before somebody has asked for them; beyond it records are lost, and counted.
#define FOXING_MOST_DIRTY 65536
/// A record and its header for each of them, and a power of two.
#define FOXING_RING_BYTES (4 << 20)

/// Written once, before the programs are loaded.
struct foxing_watch {
  __u32 device;  // of the super block, as the kernel numbers it: major << 20 | minor
  __u32 self;  // the process that is not listened to, by its number in this namespace:
  __u64 pid_namespace_device;
  __u64 pid_namespace_inode;
};

/// Key of the map, and the record in the ring: this inode was clean, and is dirty now.
struct foxing_inode {
  __u64 number;
  __u32 generation;
  __u32 zero;
};

/// What the map knows of it, until it is asked for.
struct foxing_dirt {
  __u64 last_ns;  // CLOCK_MONOTONIC
  __u32 mapped;  // a mapping of somebody's could be stored through when it changed
  __u32 zero;
};

struct foxing_counts {
  __u64 heard;
  __u64 own;
  __u64 lost;
};

#ifdef __cplusplus
static_assert(sizeof(foxing_watch) == 24 && sizeof(foxing_inode) == 16 && sizeof(foxing_dirt) == 16 &&
              sizeof(foxing_counts) == 24);
#else
_Static_assert(sizeof(struct foxing_watch) == 24 && sizeof(struct foxing_inode) == 16, "as the daemon has them");
_Static_assert(sizeof(struct foxing_dirt) == 16 && sizeof(struct foxing_counts) == 24, "as the daemon has them");
#endif

#endif
