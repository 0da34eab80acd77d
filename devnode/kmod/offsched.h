/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/offsched: a CPU taken out of Linux and the image that runs on it.
 *
 * A handle is about one CPU: the one it loaded an image for, or attached to.
 * mmap of the handle (read-only, offset 0) shows that core's shared memory.
 *
 * Life of a core:  LOAD -> START -> [STOP] -> RETURN -> LOAD -> ...
 */
#ifndef OFFSCHED_H
#define OFFSCHED_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Where things are on the core. The image is linked into its window. */
#define OFFSCHED_IMAGE_BASE	0x40000000ULL
#define OFFSCHED_IMAGE_END	0x60000000ULL
#define OFFSCHED_PARAMS		0x60000000ULL	/* one page, read-only */
#define OFFSCHED_LAPIC		0x60001000ULL	/* one page, uncached; xAPIC only */
#define OFFSCHED_SHARED		0x60200000ULL
#define OFFSCHED_SHARED_MAX	0x10000000ULL	/* bytes */

#define OFFSCHED_SEGMENTS_MAX	16

/* The vector by which Linux asks the core to look at its parameters. */
#define OFFSCHED_DOORBELL	0x41

/* First word of the parameters: "offparm" and the version of the structure. */
#define OFFSCHED_PARAMS_MAGIC	0x016d72617066666fULL

/* What the module tells the image, at OFFSCHED_PARAMS. */
struct offsched_params {
	__u64 magic;
	__u64 root;		/* the image's page tables: a value for CR3 */
	__u64 shared_bytes;
	__u64 tsc_khz;
	__u64 tsc;		/* read together with monotonic_ns */
	__u64 monotonic_ns;
	__u32 cpu;
	__u32 apic_id;
	__u32 epoch;		/* starts of this CPU's cores, this one included */
	__u32 stop;		/* becomes 1 when the image is to end */
};

/*
 * Where in its shared memory an image puts its epoch when it lives: zero
 * before. All else there is between the image and user space.
 */
#define OFFSCHED_EPOCH_OFFSET	0x44

#define OFFSCHED_READ		1
#define OFFSCHED_WRITE		2
#define OFFSCHED_EXEC		4

/* Part of an image: whole pages at vaddr, filled from data, the rest zero. */
struct offsched_segment {
	__u64 vaddr;
	__u64 bytes;
	__u64 data;
	__u64 data_bytes;
	__u32 access;		/* OFFSCHED_*; never WRITE and EXEC together */
	__u32 reserved;		/* 0 */
};

struct offsched_load {
	__u64 entry;		/* in an executable segment */
	__u64 segments;		/* address of an array of offsched_segment */
	__u32 count;
	__u32 cpu;
	__u64 shared_bytes;	/* whole pages */
};

enum offsched_state {
	OFFSCHED_EMPTY,		/* nothing loaded */
	OFFSCHED_LOADED,
	OFFSCHED_OFFLOADED,	/* the CPU is the image's */
	OFFSCHED_RETURNED,	/* the CPU is Linux's; shared memory as the image left it */
};

struct offsched_status {
	__u32 cpu;
	__u32 state;		/* enum offsched_state */
	__u32 epoch;
	__u32 reserved;
	__u64 shared_bytes;
};

#define OFFSCHED_IOC		0xf7
/* Makes the handle one about a CPU. EINVAL: no such CPU. */
#define OFFSCHED_IOC_ATTACH	_IOW(OFFSCHED_IOC, 0, __u32)
/* Everything below but STATUS wants CAP_SYS_MODULE and no kernel lockdown. */
#define OFFSCHED_IOC_LOAD	_IOW(OFFSCHED_IOC, 1, struct offsched_load)
/* Takes the CPU and starts the image. EIO: it gave no sign of life. */
#define OFFSCHED_IOC_START	_IO(OFFSCHED_IOC, 2)
/* Asks the image to end. Whether it does is to be seen in shared memory. */
#define OFFSCHED_IOC_STOP	_IO(OFFSCHED_IOC, 3)
/* Takes the CPU from the image, whatever it does, and gives it to Linux. */
#define OFFSCHED_IOC_RETURN	_IO(OFFSCHED_IOC, 4)
#define OFFSCHED_IOC_STATUS	_IOR(OFFSCHED_IOC, 5, struct offsched_status)

#endif
