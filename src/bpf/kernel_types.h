// SPDX-License-Identifier: GPL-2.0-or-later
// The few fields of the kernel's structures that the programs read.  The loader finds where the running kernel has them (CO-RE): order and
// neighbours here mean nothing, names do.
#ifndef FOXING_BPF_KERNEL_TYPES_H
#define FOXING_BPF_KERNEL_TYPES_H

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct hlist_node;
struct hlist_head {
  struct hlist_node* first;
};

struct super_block {
  __u32 s_dev;
};

typedef struct {
  int counter;
} atomic_t;

struct address_space {
  atomic_t i_mmap_writable;
};

struct inode {
  unsigned short i_mode;
  struct super_block* i_sb;
  struct address_space* i_mapping;
  unsigned long i_ino;
  __u32 i_generation;
  struct hlist_head i_dentry;  // its names in memory
};

#pragma clang attribute pop

#endif
